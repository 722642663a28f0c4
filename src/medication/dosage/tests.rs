//! Our sigs with their meaning: read, carried through FHIR and words, and read again.

use std::collections::BTreeMap;

use super::*;
use crate::medication::{SigTable, attributes, gold_tests::document};

fn sig() -> SigTable {
    SigTable::parse(include_str!("../../../vocabularies/sig_words.tsv")).expect("our own table")
}

/// Attributes of the drug marked in `marked`, as an item of a medication list.
fn read_marked(sig: &SigTable, marked: &str) -> crate::domain::Attributes {
    let (open, close) = (marked.find('[').expect("a mark"), marked.find(']').expect("a mark closes"));
    let lead = "MEDICATIONS:\n";
    let text = format!("{lead}{}{}{}", &marked[..open], &marked[open + 1..close], &marked[close + 1..]);
    let drug = Span::new(lead.len() + open, lead.len() + close - 1);
    attributes(&document(&text), sig, &[drug], &[]).remove(0)
}

fn number(number: f64) -> String {
    number.to_string()
}

fn said(amount: &Amount) -> String {
    let numbers = amount.high.map_or_else(|| number(amount.low), |high| format!("{}-{}", number(amount.low), number(high)));
    if amount.unit.is_empty() { numbers } else { format!("{numbers} {}", amount.unit) }
}

fn long(amount: &Amount) -> String {
    said(amount).replace(' ', "")
}

/// A step in the notation of the fixture.
fn notation(step: &Step, dosage: &Dosage, strength: Option<&Amount>) -> BTreeMap<&'static str, String> {
    let mut out = BTreeMap::new();
    if step.stop {
        out.insert("stop", String::new());
        return out;
    }
    let timing = &step.timing;
    let mut add = |key, value: Option<String>| {
        if let Some(value) = value {
            out.insert(key, value);
        }
    };
    add("dose", step.dose.as_ref().map(said));
    add("rate", step.rate.as_ref().map(said));
    let times = timing.frequency.map(|low| timing.frequency_max.map_or_else(|| number(low), |high| format!("{low}-{high}")));
    let period = timing.period.map(|low| timing.period_max.map_or_else(|| number(low), |high| format!("{low}-{high}")));
    add("freq", times.zip(period).map(|(times, period)| format!("{times}/{period}{}", timing.period_unit)));
    let list = |list: &[String]| (!list.is_empty()).then(|| list.join("+"));
    add("when", list(&timing.when));
    add("days", list(&timing.days));
    add("at", list(&timing.times));
    add("count", timing.count.map(number));
    add("over", step.over.as_ref().map(long));
    add("for", step.bounds.as_ref().map(long));
    add("route", step.route.clone());
    add("site", step.site.clone());
    add(
        "prn",
        match &step.as_needed {
            AsNeeded::No => None,
            AsNeeded::Yes => Some("yes".to_owned()),
            AsNeeded::For(reason) => Some(reason.clone()),
        },
    );
    add("max", step.maximum.as_ref().map(|(most, period)| format!("{}/{}", said(most), long(period).replace("24h", "1d"))));
    add("daily", dosage.daily(step, strength).as_ref().map(said));
    let left: Vec<String> = step.instructions.iter().chain(&step.not_understood).map(|words| words.to_lowercase()).collect();
    add("left", (!left.is_empty()).then(|| left.join(" ")));
    out
}

/// The wanted meaning of the fixture: one map a step.
fn wanted(meaning: &str) -> Vec<(bool, BTreeMap<&str, String>)> {
    let mut steps = Vec::new();
    for (index, group) in meaning.split(" >> ").enumerate() {
        for (place, step) in group.split(" && ").enumerate() {
            let fields = step
                .split("; ")
                .map(|field| field.split_once('=').unwrap_or((field, "")))
                .map(|(key, value)| (key, if key == "max" { value.replace("24h", "1d") } else { value.to_owned() }))
                .collect();
            steps.push((index + place > 0 && place > 0, fields));
        }
    }
    steps
}

/// Words only, so that "apply thinly" and "apply  thinly," are the same.
fn plain(words: &str) -> Vec<String> {
    let mut words: Vec<String> = words
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.sort();
    words
}

#[test]
fn every_sig_is_understood_and_survives_the_round_trip() {
    let sig = sig();
    let (mut count, mut wrong, mut changed) = (0, Vec::new(), Vec::new());
    for line in include_str!("../../../tests/fixtures/dosage_cases.txt").lines() {
        let Some((marked, meaning)) = line.split_once('\t') else { continue };
        count += 1;
        let found = read_marked(&sig, marked);
        let value = found.dosage.as_ref().and_then(|dosage| dosage.value.clone());
        let steps = value.as_ref().and_then(from_fhir).unwrap_or_default();
        let dosage = Dosage { steps: steps.clone(), ..Dosage::default() };
        let strength = found.strength.as_ref().and_then(|one| one.value.as_ref()).and_then(super::amount);
        let mut complaints = Vec::new();
        let expected = wanted(meaning);
        if expected.len() != steps.len() {
            complaints.push(format!("{} steps, not {}", steps.len(), expected.len()));
        }
        for (index, ((together, fields), step)) in expected.iter().zip(&steps).enumerate() {
            let mut told = notation(step, &dosage, strength.as_ref());
            let counted = step.dose.as_ref().is_some_and(|dose| dose.unit.is_empty() || dose.unit.starts_with('{'));
            if index == 0 {
                let taken_as_dose =
                    !counted && step.dose.as_ref().zip(strength.as_ref()).is_some_and(|(dose, strength)| dose == strength);
                if let Some(strength) =
                    found.strength.as_ref().filter(|_| !taken_as_dose && (strength.is_none() || step.rate != strength))
                {
                    told.insert("strength", strength.text.clone());
                }
                if let Some(quantity) = &found.quantity {
                    told.insert(
                        "dispense",
                        quantity.value.as_ref().and_then(super::amount).as_ref().map(said).expect("a number"),
                    );
                }
                if let Some(refills) = &found.refills {
                    told.insert("refills", refills.value.as_ref().expect("a number").to_string());
                }
                if let Some(indication) = found.indication.as_ref().filter(|_| step.as_needed == AsNeeded::No) {
                    told.insert("indication", indication.text.to_lowercase());
                }
            }
            if *together != step.together {
                complaints.push(format!("step {index}: together is {}", step.together));
            }
            let keys: std::collections::BTreeSet<&str> = told.keys().copied().chain(fields.keys().copied()).collect();
            for key in keys {
                let empty = String::new();
                let (mine, theirs) = (told.get(key).unwrap_or(&empty), fields.get(key).unwrap_or(&empty));
                let same = match key {
                    "left" | "site" | "indication" | "prn" => plain(mine) == plain(theirs),
                    "strength" => match strength.as_ref() {
                        Some(strength) => said(strength) == *theirs || plain(mine) == plain(theirs),
                        None => plain(mine) == plain(theirs),
                    },
                    _ => mine == theirs,
                };
                if !same {
                    complaints.push(format!("step {index} {key}: {mine:?}, not {theirs:?}"));
                }
            }
        }
        if !complaints.is_empty() {
            wrong.push(format!("{marked}\n    {}", complaints.join("\n    ")));
        }
        // sig -> FHIR -> words -> FHIR
        let words = to_words(&steps);
        let again = read_marked(&sig, &format!("[Drugname] {words}"));
        let back = again.dosage.as_ref().and_then(|dosage| dosage.value.as_ref()).and_then(from_fhir).unwrap_or_default();
        if back != steps && !steps.is_empty() {
            changed.push(format!("{marked}\n    said: {words}\n    {steps:?}\n    {back:?}"));
        }
    }
    assert!(count >= 300, "only {count} sigs");
    assert!(wrong.is_empty(), "{} of {count} sigs are misread:\n{}", wrong.len(), wrong.join("\n"));
    assert!(changed.is_empty(), "{} of {count} sigs change on the way:\n{}", changed.len(), changed.join("\n"));
}
