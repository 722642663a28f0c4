//! Figures on the gold notes, where they lie beside the checkout; floors a little under what was reached.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use super::{MedicationCueTable, SigTable, attributes, status};
use crate::domain::{Attributes, Span};
use crate::text::{Document, Section, SectionTable, Sentence};

/// An annotation of the gold, in bytes.
pub(crate) struct Gold {
    pub kind: String,
    pub span: Span,
    pub assertion: String,
    pub attributes: Vec<(String, String)>,
}

/// The notes of a gold file with their annotations; empty when the file is not there.
pub(crate) fn gold() -> Vec<(String, Document, Vec<Gold>)> {
    let mut out = Vec::new();
    for name in ["train", "sections_dev"] {
        let path = shared("gold").join(format!("{name}.jsonl"));
        let Ok(lines) = std::fs::read_to_string(path) else { continue };
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let note: Value = serde_json::from_str(line).expect("gold is JSON");
            let text = note["text"].as_str().expect("gold has text");
            let mut bytes: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
            bytes.push(text.len());
            let annotations = note["annotations"].as_array().expect("gold has annotations");
            let gold = annotations.iter().map(|one| annotation(one, &bytes)).collect();
            out.push((note["id"].as_str().unwrap_or_default().to_owned(), document(text), gold));
        }
    }
    out
}

fn annotation(one: &Value, bytes: &[usize]) -> Gold {
    let place = |name: &str| bytes[usize::try_from(one[name].as_u64().expect("an offset")).expect("small")];
    let word = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let attributes = one["attributes"]
        .as_object()
        .map(|map| map.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or("y").to_owned())).collect());
    Gold {
        kind: word("kind"),
        span: Span::new(place("start"), place("end")),
        assertion: word("assertion"),
        attributes: attributes.unwrap_or_default(),
    }
}

/// A folder beside the checkout.
pub(crate) fn shared(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(folder)
}

/// One of our tables as it is on disk.
pub(crate) fn table(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("vocabularies").join(name)).expect("our own table")
}

/// A document; with a plain heading splitter as long as there is no table of sections.
pub(crate) fn document(text: &str) -> Document {
    let sections_table = Path::new(env!("CARGO_MANIFEST_DIR")).join("vocabularies/sections.tsv");
    if let Ok(sections) = std::fs::read_to_string(sections_table) {
        return Document::new(text, &SectionTable::parse(&sections).expect("our own table"));
    }
    let heading = Regex::new(r"(?m)(?:^|\. |\n)[ \t]*([A-Z][A-Za-z /&,()'-]{2,60}?)(?::|\n|$)|\b([A-Z][A-Z /&()-]{3,50}):")
        .expect("constant");
    let mut titles: Vec<(Span, String)> = heading
        .captures_iter(text)
        .filter_map(|captures| captures.get(1).or_else(|| captures.get(2)))
        .filter_map(|title| kind_of(title.as_str()).map(|kind| (Span::new(title.start(), title.end()), kind.to_owned())))
        .collect();
    titles.insert(0, (Span::new(0, 0), "unspecified".to_owned()));
    let mut sections = Vec::new();
    for (index, (title, kind)) in titles.iter().enumerate() {
        let end = titles.get(index + 1).map_or(text.len(), |next| next.0.start);
        let start = (title.end + usize::from(text[title.end..].starts_with(':'))).min(end);
        sections.push(Section {
            kind: kind.clone(),
            title: Some(*title).filter(|title| !title.is_empty()),
            body: Span::new(start, end),
        });
    }
    let sentences = sections.iter().enumerate().map(|(section, one)| Sentence { span: one.body, section }).collect();
    Document { text: text.to_owned(), sections, sentences, words: crate::text::words(text) }
}

fn kind_of(title: &str) -> Option<&'static str> {
    let title = title.to_uppercase();
    let table = [
        ("FAMILY, SOCIAL, AND ALLERGY", "social_history"),
        ("ALLERG", "allergies"),
        ("INTOLERANCE", "allergies"),
        ("DISCHARGE MED", "discharge_medications"),
        ("MEDICATIONS ON DISCHARGE", "discharge_medications"),
        ("PREOPERATIVE MED", "anesthesia"),
        ("PREMEDICATION", "anesthesia"),
        ("ANESTHESIA", "anesthesia"),
        ("INJECTATE", "anesthesia"),
        ("SEDATION", "anesthesia"),
        ("MEDICATION", "medications"),
        ("MEDS", "medications"),
        ("MEDICINE", "medications"),
        ("IMMUNIZATION", "immunizations"),
        ("INTRAVENOUS FLUIDS", "anesthesia"),
        ("CONTRAST", "anesthesia"),
        ("PAST MEDICAL", "past_medical_history"),
        ("PMH", "past_medical_history"),
        ("MEDICAL HISTORY", "past_medical_history"),
        ("PAST SURGICAL", "past_surgical_history"),
        ("FAMILY", "family_history"),
        ("SOCIAL", "social_history"),
        ("HABITS", "social_history"),
        ("HISTORY OF PRESENT", "history_of_present_illness"),
        ("HPI", "history_of_present_illness"),
        ("SUBJECTIVE", "history_of_present_illness"),
        ("HOSPITAL COURSE", "hospital_course"),
        ("EMERGENCY DEPARTMENT COURSE", "hospital_course"),
        ("ED COURSE", "hospital_course"),
        ("COURSE", "hospital_course"),
        ("PROCEDURE", "operative_description"),
        ("OPERATION", "operative_description"),
        ("TECHNIQUE", "operative_description"),
        ("OPERATIVE", "operative_description"),
        ("PLAN", "plan"),
        ("RECOMMENDATION", "plan"),
        ("ASSESSMENT", "assessment"),
        ("IMPRESSION", "assessment"),
        ("INSTRUCTIONS", "plan"),
        ("DISCHARGE INSTRUCTIONS", "plan"),
        ("DISPOSITION", "plan"),
        ("TREATMENT", "hospital_course"),
        ("REVIEW OF SYSTEMS", "review_of_systems"),
        ("ROS", "review_of_systems"),
        ("PHYSICAL EXAM", "physical_examination"),
        ("VITAL", "physical_examination"),
        ("LABORATORY", "laboratory"),
        ("CHIEF COMPLAINT", "chief_complaint"),
        ("REASON FOR", "chief_complaint"),
        ("INDICATION", "indication"),
        ("DIAGNOS", "diagnosis"),
        ("FINDINGS", "findings"),
        ("COMPLICATIONS", "complications"),
        ("OBJECTIVE", "physical_examination"),
        ("BIRTH HISTORY", "birth_history"),
        ("HISTORY", "history"),
        ("GENERAL", "physical_examination"),
        ("ACTIVITY", "plan"),
        ("DIET", "plan"),
        ("CONDITION", "plan"),
        ("SPECIMEN", "findings"),
        ("ESTIMATED BLOOD LOSS", "findings"),
    ];
    (title.len() < 60).then(|| table.iter().find(|(part, _)| title.contains(part)).map(|(_, kind)| *kind)).flatten()
}

/// The rule of `score.py`: equal, or token sets with F1 of 0.6 or more.
pub(crate) fn same_value(left: &str, right: &str) -> bool {
    let tokens = |text: &str| -> HashSet<String> {
        text.to_lowercase()
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|token| !token.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (left, right) = (tokens(left), tokens(right));
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let agreement = 2.0 * left.intersection(&right).count() as f64 / (left.len() + right.len()).max(1) as f64;
    agreement >= 0.6 || left == right
}

pub(crate) fn listed(attributes: &Attributes) -> Vec<(String, String)> {
    let Attributes { strength, dose, form, route, frequency, duration, prn, indication, reactions, severity, .. } = attributes;
    let named = [
        ("strength", strength),
        ("dose", dose),
        ("form", form),
        ("route", route),
        ("frequency", frequency),
        ("duration", duration),
        ("indication", indication),
        ("severity", severity),
    ];
    let mut out: Vec<(String, String)> =
        named.into_iter().filter_map(|(name, one)| one.as_ref().map(|one| (name.to_owned(), one.text.clone()))).collect();
    out.extend(reactions.iter().map(|one| ("reaction".to_owned(), one.text.clone())));
    if prn.is_some() {
        out.push(("prn".to_owned(), "y".to_owned()));
    }
    out
}

/// True positives, predicted, wanted.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts(pub usize, pub usize, pub usize);

impl Counts {
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    pub(crate) fn f1(self) -> f64 {
        2.0 * self.0 as f64 / (self.1 + self.2).max(1) as f64
    }
}

/// Adds the agreement of two attribute lists to the counts of each name.
pub(crate) fn compare(
    wanted: &[(String, String)],
    found: &[(String, String)],
    counts: &mut std::collections::BTreeMap<String, Counts>,
) -> bool {
    let mut left: Vec<&(String, String)> = found.iter().collect();
    let mut same = found.len() == wanted.len();
    for (name, value) in wanted {
        let hit = left.iter().position(|(other, found)| other == name && same_value(value, found));
        let count = counts.entry(name.clone()).or_default();
        count.2 += 1;
        if let Some(index) = hit {
            left.remove(index);
            count.0 += 1;
        } else {
            same = false;
        }
    }
    for (name, _) in found {
        counts.entry(name.clone()).or_default().1 += 1;
    }
    same
}

fn context(text: &str, span: Span, (before, after): (usize, usize)) -> String {
    let head: String = text[..span.start].chars().rev().take(before).collect::<Vec<_>>().into_iter().rev().collect();
    let tail: String = text[span.end..].chars().take(after).collect();
    format!("{head}[[{}]]{tail}", span.of(text)).replace('\n', "|")
}

#[test]
fn attributes_and_status_of_the_gold() {
    let sig = SigTable::parse(&table("sig_words.tsv")).expect("our own table");
    let cues = MedicationCueTable::parse(&table("medication_cues.tsv")).expect("our own table");
    let mut counts = std::collections::BTreeMap::new();
    let mut right = 0;
    let mut all = 0;
    let notes = gold();
    for (_, document, gold) in &notes {
        let drugs: Vec<&Gold> = gold.iter().filter(|one| one.kind == "RX").collect();
        let mut spans: Vec<Span> = drugs.iter().map(|one| one.span).collect();
        spans.sort_unstable();
        spans.dedup();
        let found = attributes(document, &sig, &spans, &[]);
        for one in drugs {
            let found = &found[spans.binary_search(&one.span).expect("is there")];
            for place in [&found.strength, &found.dose, &found.frequency, &found.indication].into_iter().flatten() {
                assert_eq!(document.text[place.start..place.end], place.text);
            }
            if !compare(&one.attributes, &listed(found), &mut counts) {
                println!(
                    "SIG {}\n    want {:?}\n    have {:?}",
                    context(&document.text, one.span, (60, 110)),
                    one.attributes,
                    listed(found)
                );
            }
            let (decided, spoke, _) = status(document, &cues, one.span, found);
            all += 1;
            if decided.as_str() == one.assertion {
                right += 1;
            } else {
                let spoke: Vec<&str> = spoke.iter().map(|cue| cue.text.as_str()).collect();
                let section = document.section_kind_at(one.span);
                println!(
                    "STATUS want {} have {} {section} {spoke:?}: {}",
                    one.assertion,
                    decided.as_str(),
                    context(&document.text, one.span, (110, 70))
                );
            }
        }
    }
    if notes.is_empty() {
        return;
    }
    let total = counts.values().fold(Counts::default(), |sum, one| Counts(sum.0 + one.0, sum.1 + one.1, sum.2 + one.2));
    for (name, count) in &counts {
        println!("TOTAL {name:10} f1 {:.3} {count:?}", count.f1());
    }
    println!("TOTAL attributes f1 {:.4} {total:?}; status {right}/{all}", total.f1());
    assert!(total.f1() > 0.86, "attributes {:.4}", total.f1());
    assert!(right * 1000 > all * 875, "status {right}/{all}");
}

/// A line of marked cases: the plain text and its marks (span, words inside the braces).
pub(crate) fn marked(line: &str) -> (String, Vec<(Span, String)>) {
    let line = line.replace("\\n", "\n").replace("\\t", "\t");
    let pattern = Regex::new(r"\[([^\[\]]+)\]\{([^}]*)\}").expect("constant");
    let (mut text, mut marks, mut last) = (String::new(), Vec::new(), 0);
    for captures in pattern.captures_iter(&line) {
        let whole = captures.get(0).expect("a match");
        text.push_str(&line[last..whole.start()]);
        let start = text.len();
        text.push_str(&captures[1]);
        marks.push((Span::new(start, text.len()), captures[2].to_owned()));
        last = whole.end();
    }
    text.push_str(&line[last..]);
    (text, marks)
}

/// The `name="value"` pairs of a mark.
pub(crate) fn pairs(mark: &str) -> Vec<(String, String)> {
    let pattern = Regex::new(r#"(\w+)="([^"]*)""#).expect("constant");
    pattern.captures_iter(mark).map(|pair| (pair[1].to_owned(), pair[2].to_owned())).collect()
}

/// The lines of a fixture that are not comments.
pub(crate) fn fixture(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let text = std::fs::read_to_string(path).expect("our own fixture");
    text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).map(str::to_owned).collect()
}

#[test]
fn sig_cases() {
    let sig = SigTable::parse(&table("sig_words.tsv")).expect("our own table");
    let cues = MedicationCueTable::parse(&table("medication_cues.tsv")).expect("our own table");
    let mut counts = std::collections::BTreeMap::new();
    let (mut right, mut all) = (0, 0);
    for line in fixture("sig_cases.txt") {
        let (text, marks) = marked(&line);
        let document = document(&text);
        let marks: Vec<_> = marks.into_iter().filter(|(_, mark)| mark.starts_with("rx")).collect();
        let spans: Vec<Span> = marks.iter().map(|(span, _)| *span).collect();
        let found = attributes(&document, &sig, &spans, &[]);
        for ((span, mark), found) in marks.iter().zip(&found) {
            let mut wanted = pairs(mark);
            wanted.iter_mut().filter(|(name, _)| name == "prn").for_each(|(_, value)| "y".clone_into(value));
            let mut have = listed(found);
            if !wanted.iter().any(|(name, _)| name == "form")
                && found
                    .form
                    .as_ref()
                    .zip(found.dose.as_ref())
                    .is_some_and(|(form, dose)| form.end <= dose.end && form.start >= dose.start)
            {
                // the fixture names a form only where it stands apart from the dose
                have.retain(|(name, _)| name != "form");
            }
            if !compare(&wanted, &have, &mut counts) {
                println!("CASE {line}\n    have {have:?}");
            }
            let (decided, ..) = status(&document, &cues, *span, found);
            all += 1;
            let wanted = mark.split_whitespace().nth(1).unwrap_or_default();
            right += usize::from(wanted == decided.as_str());
            if wanted != decided.as_str() {
                println!("CASESTATUS have {} {line}", decided.as_str());
            }
        }
    }
    let total = counts.values().fold(Counts::default(), |sum, one| Counts(sum.0 + one.0, sum.1 + one.1, sum.2 + one.2));
    println!("TOTAL cases f1 {:.4} {total:?} status {right}/{all}", total.f1());
    assert!(total.f1() > 0.97 && right * 100 > all * 95, "{:.4}, status {right}/{all}", total.f1());
}
