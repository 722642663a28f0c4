//! Texts of a million letters that are written to take long: what twice the text takes is about twice the time.
//!
//! All patterns of the rules are of a library whose time is linear in the text. The tokenizer's library can go back and try again, but no pattern
//! of the shipped tokenizer is made of it; the fixed pattern of other families goes back by one letter at most.

use std::sync::LazyLock;

use super::{NoteInput, Pipeline, assemble::Assembly};
use crate::{
    fuzzing::is_long_tier,
    recognize::{Model, ModelFiles, Precision, merge::Recognizers},
    text::Document,
    vocabulary::Tables,
};

static RULES: LazyLock<Pipeline> = LazyLock::new(|| {
    let tables = Tables::embedded().expect("tables");
    Pipeline::new(&tables, None, Recognizers { dictionary: true, model: false }).expect("a pipeline")
});

/// Bytes of the longer text.
const LONG: usize = 1_000_000;
/// The same for the whole of the rules in the short tier: in a build without optimisation they take seconds.
const LONG_OF_RULES: usize = 100_000;
/// Twice the text may take so many times the time.
const MOST: f64 = 3.0;
/// What takes less is not measured: the clock and the caches would be.
const SHORT: f64 = 0.05;

/// Beginnings that the rules, the readers of structure and the patterns may be slow on, each repeated to its length.
const TEXTS: [(&str, &str); 16] = [
    ("one word", "a"),
    ("spaces", " "),
    ("line breaks", "\n"),
    ("spaces before a line break", "          \n"),
    ("headings", "ALLERGIES:\n"),
    ("no list mark at all", "1. 1. 1) - "),
    ("digits", "1"),
    ("numbers and units", "10 mg 1/2 1-2 "),
    ("half a direction", "take 1 to 2 to 3 to "),
    ("brackets", "(((((((((("),
    ("cues without an end", "no no no without denies "),
    ("drugs without an end", "metformin metformin "),
    ("diagnoses without an end", "gout, pneumonia, "),
    ("allergies without an end", "allergic to penicillin, sulfa, "),
    ("marks over a letter", "\u{301}"),
    ("letters that are written out", "\u{fdfa}"),
];

/// The first so many bytes of the repeated words, cut between letters.
fn repeated(words: &str, length: usize) -> String {
    let mut text = words.repeat(length / words.len() + 1);
    let end = (0..=length).rev().find(|end| text.is_char_boundary(*end)).expect("the beginning is one");
    text.truncate(end);
    text
}

/// Seconds of this thread on a processor: what others do on the machine meanwhile does not count.
fn seconds(work: impl Fn()) -> f64 {
    let spent = || -> u64 {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
        told.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).expect("a number")
    };
    let best = (0..2).map(|_| {
        let before = spent();
        work();
        spent() - before
    });
    #[expect(clippy::cast_precision_loss, reason = "a duration for people")]
    let nanoseconds = best.min().expect("two tries") as f64;
    nanoseconds / 1e9
}

/// Fails when twice the text takes more than [`MOST`] times as long.
fn about_linear(length: usize, work: impl Fn(&str)) {
    let mut slow = Vec::new();
    for (name, words) in TEXTS {
        let (half, whole) = (repeated(words, length / 2), repeated(words, length));
        let (short, long) = (seconds(|| work(&half)), seconds(|| work(&whole)));
        println!("{name}: {short:.3} s, then {long:.3} s");
        if long > SHORT && long / short > MOST {
            slow.push(format!("{name}: {short:.3} s, then {long:.3} s"));
        }
    }
    assert!(slow.is_empty(), "twice the text takes more than {MOST} times as long:\n{}", slow.join("\n"));
}

#[test]
fn structure_takes_time_in_proportion_to_the_text() {
    about_linear(LONG, |text| drop(Document::new(text, &RULES.sections)));
}

#[test]
fn the_rules_take_time_in_proportion_to_the_text() {
    about_linear(if is_long_tier() { LONG } else { LONG_OF_RULES }, |text| {
        let input = NoteInput { note_id: "n".to_owned(), text: text.to_owned(), ..NoteInput::default() };
        let prepared = RULES.prepare(input).expect("rules do not fail");
        drop(Assembly { pipeline: &RULES, prepared: &prepared }.extraction(&[]));
    });
}

#[test]
fn the_tokenizer_takes_time_in_proportion_to_the_text() {
    let model = Model::load(&ModelFiles::embedded(), Precision::F32).expect("the shipped model");
    // one that may fail is one whose patterns gave up, which a note is quarantined for
    about_linear(LONG, |text| drop(model.tokenize(text)));
}

/// A tokenizer with patterns of its own could go back without bound: the shipped one has none.
#[test]
fn the_shipped_tokenizer_has_no_pattern() {
    let tokenizer: serde_json::Value = serde_json::from_slice(&ModelFiles::embedded().tokenizer).expect("JSON");
    let kind = |part: &str| tokenizer[part]["type"].as_str().unwrap_or_default().to_owned();
    assert_eq!((kind("normalizer").as_str(), kind("pre_tokenizer").as_str()), ("BertNormalizer", "BertPreTokenizer"));
    assert!(!tokenizer.to_string().contains("\"Regex\""), "a part of the tokenizer is a pattern");
}
