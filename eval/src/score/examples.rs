//! Errors in context, for a person to look at. They hold words of notes: they go into the report and nowhere else.

use super::Case;
use crate::{
    note::{Annotation, Kind, words_at},
    prediction::Mention,
};

/// Code points shown before and behind.
const AROUND: usize = 70;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// Annotated and not found.
    Missed,
    /// Found and not annotated.
    Spurious,
    /// Found with another assertion, status or scope.
    WrongLabel,
    /// Found with a code that is not acceptable, or with none.
    WrongCode,
    /// Found with another ingredient or substance.
    WrongSubstance,
}

impl Sort {
    /// All sorts.
    pub const ALL: [Self; 5] = [Self::Missed, Self::Spurious, Self::WrongLabel, Self::WrongCode, Self::WrongSubstance];

    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Spurious => "spurious",
            Self::WrongLabel => "wrong label",
            Self::WrongCode => "wrong code",
            Self::WrongSubstance => "wrong substance",
        }
    }
}

/// One error. No `Debug`: it is made of words of a note.
#[derive(Clone)]
pub struct Example {
    /// The note.
    pub note: String,
    /// What the mention names.
    pub kind: Kind,
    /// What went wrong.
    pub sort: Sort,
    /// Kind of its section.
    pub section: String,
    /// Words before it.
    pub before: String,
    /// Its words.
    pub words: String,
    /// Words behind it.
    pub after: String,
    /// What the gold says.
    pub expected: String,
    /// What the system says.
    pub said: String,
    /// Confidence of the system's first code.
    pub confidence: Option<f64>,
}

fn example(case: &Case<'_>, (kind, start, end): (Kind, usize, usize), sort: Sort) -> Example {
    let text = &case.note.text;
    Example {
        note: case.note.id.clone(),
        kind,
        sort,
        section: case.section(start).to_owned(),
        before: before(text, start),
        words: words_at(text, start, end).to_owned(),
        after: after(text, end),
        expected: String::new(),
        said: String::new(),
        confidence: None,
    }
}

/// What stands before a mention, from the beginning of a word on.
fn before(text: &str, start: usize) -> String {
    let words = words_at(text, start.saturating_sub(AROUND), start);
    match words.split_once(char::is_whitespace) {
        Some((_, whole)) if start > AROUND => format!("… {whole}"),
        _ => words.to_owned(),
    }
}

/// What stands behind it, up to the end of a word.
fn after(text: &str, end: usize) -> String {
    let words = words_at(text, end, end + AROUND);
    match words.rsplit_once(char::is_whitespace) {
        Some((whole, _)) if words.chars().count() == AROUND => format!("{whole} …"),
        _ => words.to_owned(),
    }
}

fn label(word: Option<&String>) -> String {
    word.cloned().unwrap_or_default()
}

fn codes(found: &Mention) -> String {
    let all: Vec<&str> = found.codes.iter().take(3).map(|code| code.code.as_str()).collect();
    if all.is_empty() { "no code".to_owned() } else { all.join(", ") }
}

fn wanted(gold: &Annotation) -> String {
    let codes: Vec<String> = gold.codes.iter().map(|together| together.join(" + ")).collect();
    if codes.is_empty() { label(gold.substance.as_ref()) } else { codes.join(" or ") }
}

pub(super) fn missed(case: &Case<'_>, gold: &Annotation) -> Example {
    let one = example(case, (gold.kind, gold.start, gold.end), Sort::Missed);
    Example { expected: format!("{} {}", label(gold.assertion.as_ref()), wanted(gold)), ..one }
}

pub(super) fn spurious(case: &Case<'_>, found: &Mention) -> Example {
    let one = example(case, (found.kind, found.start, found.end), Sort::Spurious);
    Example { said: format!("{} {}", label(found.assertion.as_ref()), codes(found)), confidence: found.confidence, ..one }
}

fn both(case: &Case<'_>, (gold, found): (&Annotation, &Mention), sort: Sort) -> Example {
    Example { confidence: found.confidence, ..example(case, (gold.kind, gold.start, gold.end), sort) }
}

pub(super) fn wrong_label(case: &Case<'_>, gold: &Annotation, found: &Mention) -> Example {
    let one = both(case, (gold, found), Sort::WrongLabel);
    Example { expected: label(gold.assertion.as_ref()), said: label(found.assertion.as_ref()), ..one }
}

pub(super) fn wrong_code(case: &Case<'_>, gold: &Annotation, found: &Mention) -> Example {
    Example { expected: wanted(gold), said: codes(found), ..both(case, (gold, found), Sort::WrongCode) }
}

pub(super) fn wrong_substance(case: &Case<'_>, gold: &Annotation, found: &Mention) -> Example {
    let said = format!("{} ({})", found.display, codes(found));
    Example { expected: label(gold.substance.as_ref()), said, ..both(case, (gold, found), Sort::WrongSubstance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_cut_between_words() {
        let text = format!("{} gout {}", "word ".repeat(30), "other ".repeat(30));
        let at = text.find("gout").expect("is there");
        let (before, after) = (before(&text, at), after(&text, at + 4));
        assert!(before.starts_with("… word ") && before.ends_with("word  "), "{before}");
        assert!(after.starts_with(" other") && after.ends_with("other …"), "{after}");
        assert_eq!(super::before("no gout", 3), "no ");
    }
}
