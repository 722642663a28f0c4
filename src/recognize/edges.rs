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
const BEFORE_DIAGNOSIS: &[&str] = &[
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
    "moderately",
    "mildly",
    "significant",
    "obvious",
    "associated",
    "some",
    "any",
    "no",
    "other",
    "the",
    "her",
    "his",
    "their",
    "this",
    "these",
    "and",
    "or",
    "with",
    "for",
    "to",
    "has",
    "had",
    "have",
    "from",
    "minimal",
    "occasional",
    "frequent",
    "ongoing",
    "resolving",
    "slight",
];
/// What a diagnosis does not end with. Words that are also its own are not among them: "hepatitis A", "severe AS", "left ON".
const AFTER_DIAGNOSIS: &[&str] = &[
    "and",
    "with",
    "or",
    "in",
    "that",
    "for",
    "which",
    "were",
    "from",
    "of",
    "but",
    "has",
    "versus",
    "since",
    "who",
    "by",
    "noted",
    "including",
    "during",
    "without",
    "seen",
    "to",
    "are",
    "about",
    "due",
    "the",
    "her",
    "his",
    "their",
    "around",
    "prophylaxis",
];
/// Routes and purposes that a medication does not begin with.
const BEFORE_MEDICATION: &[&str] =
    &["iv", "intravenous", "oral", "topical", "epidural", "prophylactic", "po", "inhaled", "empiric"];
/// Forms and ways of giving that a medication does not end with.
const AFTER_MEDICATION: &[&str] = &[
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
    "paste",
    "lotion",
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
    "patch",
    "patches",
    "elixir",
    "nebulizer",
    "nebulizers",
    "suppository",
    "suppositories",
    "powder",
    "prophylaxis",
];
/// Heads that name nothing without the word before them ("IV fluids", "oral contraceptive").
const LEANING: &[&str] = &[
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
    "moisturizing",
];
/// Names whose number tells the share of codeine in them ("Tylenol No. 3").
const NUMBERED: &[&str] = &["tylenol", "codeine", "acetaminophen"];
/// Units behind a number that is therefore a strength.
const UNITS: &[&str] = &["mg", "mcg", "g", "gm", "ml", "meq", "units", "unit", "milligrams", "micrograms", "%"];

/// Words of a prescription that tell what is handed out, and name nothing ("disp #60").
const HANDED_OUT: &[&str] = &["disp", "dispense", "dispensed", "qty", "quantity", "refill", "refills", "rf", "sig"];

/// The mentions with the edges that the guidelines give them. Lost are only what a prescription hands out ("disp #60"), and a form that stands
/// behind its drug ("Ventolin inhaler"), where they were found as a medication of their own.
#[must_use]
pub fn trimmed(document: &Document, mut mentions: Vec<Mention>) -> Vec<Mention> {
    let text = document.text.as_str();
    for mention in mentions.iter_mut().filter(|mention| mention.kind == MentionKind::Medication) {
        mention.span.end += attached(&text[mention.span.end..]);
    }
    for mention in &mut mentions {
        let words = document.words_in(mention.span);
        let folded: Vec<&str> = document.words[words.clone()].iter().map(|word| word.folded.as_str()).collect();
        let kept = match mention.kind {
            MentionKind::Diagnosis => diagnosis(&folded),
            MentionKind::Medication => medication(&folded, &text[mention.span.end..]),
            MentionKind::Allergen | MentionKind::NoKnownAllergies => 0..folded.len(),
        };
        if kept.len() < folded.len()
            && let Some(own) = document.words[words].get(kept)
            && let (Some(first), Some(last)) = (own.first(), own.last())
        {
            mention.span = Span::new(first.span.start.max(mention.span.start), last.span.end.min(mention.span.end));
        }
        mention.span = without_marks(text, mention.span);
        if mention.kind == MentionKind::Medication {
            mention.span = numbered(text, mention.span);
        }
    }
    let ends: Vec<usize> =
        mentions.iter().filter(|mention| mention.kind == MentionKind::Medication).map(|mention| mention.span.end).collect();
    mentions.retain(|mention| {
        if mention.kind != MentionKind::Medication {
            return true;
        }
        let words: Vec<&str> =
            document.words[document.words_in(mention.span)].iter().map(|word| word.folded.as_str()).collect();
        if is_handed_out(&words) {
            return false;
        }
        let form = words.iter().all(|word| AFTER_MEDICATION.contains(word));
        let behind = ends.iter().any(|end| text.get(*end..mention.span.start).is_some_and(|between| between == " "));
        text[mention.span.start..mention.span.end].chars().any(char::is_alphabetic) && !(form && behind)
    });
    mentions
}

/// Whether words tell what a prescription hands out and nothing else.
fn is_handed_out(words: &[&str]) -> bool {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    words.iter().any(|word| HANDED_OUT.contains(word)) && words.iter().all(|word| HANDED_OUT.contains(word) || is_number(word))
}

/// The span without the punctuation at its ends that no name has there ("-respiratory arrest").
fn without_marks(text: &str, span: Span) -> Span {
    let mark = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | ':' | '-' | '/');
    let surface = &text[span.start..span.end];
    let own = surface.trim_matches(mark);
    if own.is_empty() {
        return span;
    }
    let start = span.start + (surface.len() - surface.trim_start_matches(mark).len());
    Span::new(start, start + own.len())
}

/// The span with the number of a codeine tablet ("Tylenol No. 3", "Tylenol #4").
fn numbered(text: &str, span: Span) -> Span {
    let surface = text[span.start..span.end].to_ascii_lowercase();
    let name = surface.strip_suffix(" no").unwrap_or(&surface);
    if !NUMBERED.iter().any(|numbered| name.ends_with(numbered)) {
        return span;
    }
    let end = span.start + name.len();
    let rest = &text[end..];
    let number = [" No. ", " no. ", " No ", " #", " # ", " NO. "].iter().find_map(|sign| rest.strip_prefix(sign));
    match number.map(str::as_bytes) {
        Some([b'1'..=b'4', after @ ..]) if !after.first().is_some_and(u8::is_ascii_digit) => {
            Span::new(span.start, text.len() - after.len())
        }
        _ => Span::new(span.start, end),
    }
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
    let rest = words.get(first..).unwrap_or_default();
    let last = words.len() - rest.iter().rev().take_while(|word| AFTER_DIAGNOSIS.contains(word)).count();
    if first < last { first..last } else { 0..words.len() }
}

/// Words of a medication that stay, by what stands behind it; all of them when nothing, or nothing that names a substance, would
/// be left.
fn medication(words: &[&str], behind: &str) -> std::ops::Range<usize> {
    let first = words.iter().take_while(|word| BEFORE_MEDICATION.contains(word)).count();
    let digits = words.iter().rev().take_while(|word| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')).count();
    let end = words.len() - if first + digits < words.len() && measured(behind) { digits } else { 0 };
    let rest = words.get(first..end).unwrap_or_default();
    let last = end - rest.iter().rev().take_while(|word| AFTER_MEDICATION.contains(word)).count();
    match words.get(first..last) {
        Some([]) | None => 0..words.len(),
        Some([head]) if LEANING.contains(head) => 0..words.len(),
        Some(_) => first..last,
    }
}

/// Whether a unit follows.
fn measured(behind: &str) -> bool {
    let behind = behind.trim_start_matches([' ', '-']);
    let unit: &str = behind.split(|letter: char| !(letter.is_ascii_alphabetic() || letter == '%')).next().unwrap_or_default();
    UNITS.iter().any(|known| known.eq_ignore_ascii_case(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(words: &str, of: impl Fn(&[&str]) -> std::ops::Range<usize>) -> String {
        let words: Vec<&str> = words.split(' ').collect();
        words[of(&words)].join(" ")
    }

    #[test]
    fn medications_keep_their_name_alone() {
        for (found, name) in [
            ("nitroglycerin paste", "nitroglycerin"),
            ("moisturizing cream", "moisturizing cream"),
            ("iv antibiotic", "antibiotic"),
            ("steroid cream", "steroid"),
            ("oral vancomycin therapy", "vancomycin"),
            ("iv fluid", "iv fluid"),
            ("oral contraceptive", "oral contraceptive"),
            ("normal saline", "normal saline"),
            ("spray", "spray"),
            ("metoprolol", "metoprolol"),
        ] {
            assert_eq!(cut(found, |words| medication(words, ", then")), name);
        }
        assert_eq!(cut("robaxin 750", |words| medication(words, " mg daily")), "robaxin");
        assert_eq!(cut("robaxin 750", |words| medication(words, " daily")), "robaxin 750");
        assert_eq!(cut("percocet 5 325", |words| medication(words, " mg")), "percocet");
        assert_eq!(cut("500", |words| medication(words, " mg")), "500");
    }

    #[test]
    fn what_is_handed_out_is_no_medication() {
        for (words, expected) in
            [("disp 60", true), ("dispense", true), ("refills 3", true), ("60", false), ("disp aspirin 60", false), ("", false)]
        {
            let words: Vec<&str> = words.split_whitespace().collect();
            assert_eq!(is_handed_out(&words), expected, "{words:?}");
        }
    }

    #[test]
    fn a_codeine_tablet_keeps_its_number() {
        for (text, found, name) in [
            ("Tylenol No. 3, Advil", "Tylenol", "Tylenol No. 3"),
            ("Tylenol No. 3, Advil", "Tylenol No", "Tylenol No. 3"),
            ("Tylenol #4 as needed", "Tylenol", "Tylenol #4"),
            ("Tylenol #40 dispensed", "Tylenol", "Tylenol"),
            ("Tylenol No known", "Tylenol No", "Tylenol"),
            ("Percocet #3", "Percocet", "Percocet"),
        ] {
            let span = numbered(text, Span::new(0, found.len()));
            assert_eq!(&text[span.start..span.end], name, "{text}");
        }
    }

    #[test]
    fn marks_at_the_ends_go() {
        let text = "post-respiratory arrest, - x";
        assert_eq!(without_marks(text, Span::new(4, 24)), Span::new(5, 23));
        assert_eq!(without_marks(text, Span::new(25, 26)), Span::new(25, 26));
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
            ("degenerative joint disease in her", "degenerative joint disease"),
            ("the mass", "mass"),
            ("hepatitis a", "hepatitis a"),
            ("severe as", "severe as"),
            ("a fib", "a fib"),
            ("of the", "of the"),
        ] {
            assert_eq!(cut(found, diagnosis), name);
        }
    }
}
