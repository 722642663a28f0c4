//! The edges of mentions: which words of a find do not belong to it.
//!
//! The guidelines give a diagnosis the shortest words that decide its code, and a medication its name alone. Dictionary terms
//! and tags often hold more: "history of asthma", "IV antibiotics", "Steroid cream". Which words stand outside was counted on
//! the annotated training notes: each word below stands before (or after) an annotated mention many times more often than in one.

use crate::{
    domain::{Mention, MentionKind, Span},
    text::Document,
};

/// What a diagnosis does not begin with.
const BEFORE_DIAGNOSIS: [&str; 25] = [
    "history",
    "of",
    "prior",
    "previous",
    "previously",
    "known",
    "possible",
    "probable",
    "suspected",
    "questionable",
    "likely",
    "apparent",
    "recent",
    "recently",
    "underlying",
    "markedly",
    "slightly",
    "mildly",
    "significant",
    "obvious",
    "associated",
    "some",
    "any",
    "no",
    "other",
];
/// Routes and purposes that a medication does not begin with.
const BEFORE_MEDICATION: [&str; 9] =
    ["iv", "intravenous", "oral", "topical", "epidural", "prophylactic", "po", "inhaled", "empiric"];
/// Forms and ways of giving that a medication does not end with.
const AFTER_MEDICATION: [&str; 24] = [
    "therapy",
    "injection",
    "injections",
    "inhaler",
    "inhalers",
    "iv",
    "infusion",
    "infusions",
    "drip",
    "spray",
    "sprays",
    "cream",
    "ointment",
    "drop",
    "drops",
    "eyedrop",
    "eyedrops",
    "supplementation",
    "additive",
    "tablet",
    "tablets",
    "capsule",
    "capsules",
    "prophylaxis",
];
/// Heads that name nothing without the word before them ("IV fluids", "oral contraceptive").
const LEANING: [&str; 12] = [
    "fluid",
    "fluids",
    "contrast",
    "hydration",
    "contraceptive",
    "contraceptives",
    "medication",
    "medications",
    "dye",
    "drug",
    "drugs",
    "anesthetic",
];

/// The mentions with the edges that the guidelines give them. Lost is only a form that stands behind its drug
/// ("Ventolin inhaler") and was found as a medication of its own.
#[must_use]
pub fn trimmed(document: &Document, mut mentions: Vec<Mention>) -> Vec<Mention> {
    for mention in mentions.iter_mut().filter(|mention| mention.kind == MentionKind::Medication) {
        mention.span.end += attached(&document.text[mention.span.end..]);
    }
    for mention in &mut mentions {
        let words = document.words_in(mention.span);
        let folded: Vec<&str> = document.words[words.clone()].iter().map(|word| word.folded.as_str()).collect();
        let kept = match mention.kind {
            MentionKind::Diagnosis => diagnosis(&folded),
            MentionKind::Medication => medication(&folded),
            MentionKind::Allergen | MentionKind::NoKnownAllergies => 0..folded.len(),
        };
        if kept.len() < folded.len()
            && let Some(own) = document.words[words].get(kept)
            && let (Some(first), Some(last)) = (own.first(), own.last())
        {
            mention.span = Span::new(first.span.start.max(mention.span.start), last.span.end.min(mention.span.end));
        }
    }
    let ends: Vec<usize> =
        mentions.iter().filter(|mention| mention.kind == MentionKind::Medication).map(|mention| mention.span.end).collect();
    mentions.retain(|mention| {
        let form = mention.kind == MentionKind::Medication
            && document.words[document.words_in(mention.span)]
                .iter()
                .all(|word| AFTER_MEDICATION.contains(&word.folded.as_str()));
        !(form && ends.iter().any(|end| document.text.get(*end..mention.span.start).is_some_and(|between| between == " ")))
    });
    mentions
}

/// Bytes behind a medication that belong to its name: a number or capitals behind a hyphen ("Theo-24", "G-CSF"), and the
/// shares of a mixed insulin ("NovoLog 70/30").
fn attached(rest: &str) -> usize {
    if let Some(part) = rest.strip_prefix('-') {
        let word: &str = part.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
        let named =
            !word.is_empty() && word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        return if named { 1 + word.len() } else { 0 };
    }
    let Some((fast, slow)) = rest.strip_prefix(' ').and_then(|part| part.get(..5)).and_then(|part| part.split_once('/')) else {
        return 0;
    };
    let mixed =
        fast.parse::<u8>().ok().zip(slow.parse::<u8>().ok()).is_some_and(|(fast, slow)| fast.checked_add(slow) == Some(100));
    if mixed { 6 } else { 0 }
}

/// Words of a diagnosis that stay; all of them when nothing else would be left.
fn diagnosis(words: &[&str]) -> std::ops::Range<usize> {
    let first = words.iter().take_while(|word| BEFORE_DIAGNOSIS.contains(word)).count();
    if first < words.len() { first..words.len() } else { 0..words.len() }
}

/// Words of a medication that stay; all of them when nothing, or nothing that names a substance, would be left.
fn medication(words: &[&str]) -> std::ops::Range<usize> {
    let first = words.iter().take_while(|word| BEFORE_MEDICATION.contains(word)).count();
    let rest = words.get(first..).unwrap_or_default();
    let last = words.len() - rest.iter().rev().take_while(|word| AFTER_MEDICATION.contains(word)).count();
    match words.get(first..last) {
        Some([]) | None => 0..words.len(),
        Some([head]) if LEANING.contains(head) => 0..words.len(),
        Some(_) => first..last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(words: &str, of: fn(&[&str]) -> std::ops::Range<usize>) -> String {
        let words: Vec<&str> = words.split(' ').collect();
        words[of(&words)].join(" ")
    }

    #[test]
    fn medications_keep_their_name_alone() {
        for (found, name) in [
            ("iv antibiotic", "antibiotic"),
            ("steroid cream", "steroid"),
            ("oral vancomycin therapy", "vancomycin"),
            ("iv fluid", "iv fluid"),
            ("oral contraceptive", "oral contraceptive"),
            ("normal saline", "normal saline"),
            ("spray", "spray"),
            ("metoprolol", "metoprolol"),
        ] {
            assert_eq!(cut(found, medication), name);
        }
    }

    #[test]
    fn what_is_attached_to_a_name_belongs_to_it() {
        for (rest, bytes) in [
            ("-24 400 mg", 3),
            ("-CSF at", 4),
            ("-induced rash", 0),
            ("-", 0),
            (" 70/30, 10 units", 6),
            (" 10/20 mg", 0),
            (" 5/325", 0),
            (" é/", 0),
            ("", 0),
        ] {
            assert_eq!(attached(rest), bytes, "{rest}");
        }
    }

    #[test]
    fn diagnoses_lose_what_is_said_of_them() {
        for (found, name) in [
            ("history of asthma", "asthma"),
            ("prior stroke", "stroke"),
            ("no known", "no known"),
            ("acute on chronic renal failure", "acute on chronic renal failure"),
        ] {
            assert_eq!(cut(found, diagnosis), name);
        }
    }
}
