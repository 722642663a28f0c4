//! What is said of a mention that was found: codes, substance, attributes.

use std::collections::{BTreeSet, HashSet};

use super::{
    codes::CodeTree,
    values::{normalized, same_value, substance_words},
};
use crate::{
    counts::Counts,
    names::SubstanceNames,
    note::{Annotation, Kind, Layers},
    prediction::Mention,
};

/// Gold, predictions and the pairs of both, by index.
pub(super) type Paired<'a> = (&'a [&'a Annotation], &'a [&'a Mention], &'a [(usize, usize)]);

/// Every code of every alternative.
pub(super) fn acceptable(gold: &Annotation) -> BTreeSet<&str> {
    gold.codes.iter().flatten().map(String::as_str).collect()
}

/// Whether a diagnosis is coded as the patient's own; where a corpus has no assertions, all are.
pub(super) fn counts_as_affirmed(gold: &Annotation, layers: &Layers) -> bool {
    gold.is_affirmed() || !layers.assertions
}

/// Codes of a diagnosis that was found. Gives whether the first one is acceptable.
pub(super) fn codes(tree: &CodeTree, gold: &Annotation, found: &Mention, counts: &mut Counts) -> bool {
    let accepted = acceptable(gold);
    let proposed: Vec<&str> = found.icd10().collect();
    let first = proposed.first().copied();
    let right = first.is_some_and(|code| accepted.contains(code));
    let category = |code: &str| code.chars().take(3).collect::<String>();
    counts.hit("DX.coded", first.is_some());
    counts.hit("DX.code@1", right);
    counts.hit("DX.code@5", proposed.iter().take(5).any(|code| accepted.contains(code)));
    counts.hit("DX.code@1.best", first.is_some_and(|code| gold.codes[0].iter().any(|own| own == code)));
    let categories: HashSet<String> = accepted.iter().map(|code| category(code)).collect();
    counts.hit("DX.category@1", first.is_some_and(|code| categories.contains(&category(code))));
    if let Some(code) = first {
        counts.hit("DX.code@1|coded", right);
        counts.coded.push((found.confidence.unwrap_or(-1.0), right));
        let nearest = accepted.iter().map(|own| tree.distance(code, own)).min().unwrap_or(0);
        counts.mean("DX.distance@1", nearest as f64);
    }
    right
}

/// Ingredient of a medication or substance of an allergy. Gives whether it is right; none where the gold cannot be held against codes.
pub(super) fn substance(names: &SubstanceNames, gold: &Annotation, found: &Mention, counts: &mut Counts) -> Option<bool> {
    let metric = if gold.kind == Kind::Rx { "RX.ingredient" } else { "AL.substance" };
    let codes: HashSet<&str> = found.codes.iter().map(|code| code.code.as_str()).collect();
    if gold.kind == Kind::Al && gold.has_substance() {
        counts.hit("AL.coded", !codes.is_empty());
    }
    let right = if !gold.substance_codes.is_empty() {
        gold.substance_codes.iter().all(|code| codes.contains(code.as_str()))
    } else if gold.kind == Kind::Rx {
        ingredient(names, gold.substance.as_deref()?, found)?
    } else {
        allergen(names, gold.substance.as_deref()?, &codes)?
    };
    counts.hit(metric, right);
    Some(right)
}

/// The codes of each ingredient of a combination; none where one has no code.
fn wanted<'a>(names: &'a SubstanceNames, substance: &str) -> Option<Vec<&'a HashSet<String>>> {
    substance.split('+').map(|name| names.codes_of(name.trim())).collect()
}

fn ingredient(names: &SubstanceNames, substance: &str, found: &Mention) -> Option<bool> {
    if substance.starts_with("class:") || substance == "-" {
        return None;
    }
    let wanted = wanted(names, substance)?;
    let codes: HashSet<&str> =
        found.codes.iter().filter(|code| code.system.contains("rxnorm")).map(|code| code.code.as_str()).collect();
    let display = normalized(&found.display);
    let coded = wanted.iter().all(|one| one.iter().any(|code| codes.contains(code.as_str())));
    let named = wanted.len() > 1 && !codes.is_empty() && substance.split('+').all(|name| display.contains(name.trim()));
    Some(coded || named)
}

fn allergen(names: &SubstanceNames, substance: &str, codes: &HashSet<&str>) -> Option<bool> {
    let substance = substance.replace("class:", "");
    let words = substance_words(&substance);
    let named = || names.names_hold(codes.iter().copied(), &words);
    match wanted(names, &substance) {
        Some(wanted) => Some(wanted.iter().all(|one| one.iter().any(|code| codes.contains(code.as_str()))) || named()),
        None => names.any_holds(&words).then(named),
    }
}

/// Names of attributes that are annotated.
fn annotated(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Rx => &["strength", "dose", "form", "route", "frequency", "duration", "prn", "indication"],
        Kind::Al => &["reaction", "severity"],
        Kind::Dx | Kind::Nka => &[],
    }
}

type Values = BTreeSet<(String, String)>;

fn gold_values(gold: &Annotation) -> Values {
    let mut out = Values::new();
    for (name, value) in gold.attributes.iter().filter(|(name, _)| annotated(gold.kind).contains(&name.as_str())) {
        if gold.kind == Kind::Al {
            out.extend(value.split(" / ").map(|one| (name.clone(), normalized(one))));
        } else {
            out.insert((name.clone(), normalized(value)));
        }
    }
    out
}

fn found_values(found: &Mention) -> Values {
    let kept = found.attributes.iter().filter(|(name, _)| annotated(found.kind).contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), if name == "prn" { "y".to_owned() } else { normalized(value) })).collect()
}

/// Attributes of mentions that were found (`X.attributes`, and by name), and attributes with the mention that they belong to, found or not
/// (`X.relations`).
pub(super) fn attributes(kind: Kind, (gold, predicted, pairs): Paired<'_>, counts: &mut Counts) {
    let name = kind.as_str();
    let mut right_in_all = 0;
    for &(i, j) in pairs {
        let (wanted, mut left) = (gold_values(gold[i]), found_values(predicted[j]));
        let all = left.len();
        let mut right = 0;
        for value in &wanted {
            let hit = left.iter().find(|other| other.0 == value.0 && same_value(&value.1, &other.1)).cloned();
            let metric = format!("{name}.attributes.{}", value.0);
            counts.find(&metric, if hit.is_some() { [1, 0, 0] } else { [0, 0, 1] });
            if let Some(hit) = hit {
                right += 1;
                left.remove(&hit);
            }
        }
        for (attribute, _) in &left {
            counts.find(&format!("{name}.attributes.{attribute}"), [0, 1, 0]);
        }
        counts.find(&format!("{name}.attributes"), [right, all - right, wanted.len() - right]);
        right_in_all += right;
    }
    let wanted: usize = gold.iter().map(|one| gold_values(one).len()).sum();
    let said: usize = predicted.iter().map(|one| found_values(one).len()).sum();
    counts.find(&format!("{name}.relations"), [right_in_all, said - right_in_all, wanted - right_in_all]);
}
