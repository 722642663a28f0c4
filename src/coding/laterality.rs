//! Left, right, bilateral: from a code for an unspecified side to the code for the side that the note names.

use std::collections::HashMap;

use crate::{
    domain::Span,
    text::Document,
    vocabulary::{CodeBook, Vocabulary},
};

/// The side a note names for a mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Bilateral,
}

impl Side {
    const fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Bilateral => "bilateral",
        }
    }
}

/// Titles to codes, to find the sibling of a code for another side.
pub(super) struct Sides {
    by_title: HashMap<String, String>,
}

impl Sides {
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        Self::of(vocabulary.codes())
    }

    /// The same of one edition.
    pub(super) fn of(codes: &CodeBook) -> Self {
        let by_title = codes
            .all()
            .iter()
            .filter(|code| code.billable)
            .map(|code| (code.title.to_lowercase(), code.code.clone()))
            .collect();
        Self { by_title }
    }

    /// The code for `side` whose title is that of `code` but for the side.
    pub(super) fn sided(&self, codes: &CodeBook, code: &str, side: Side) -> Option<String> {
        let title = codes.lookup(code)?.title.to_lowercase();
        for written in ["unspecified", "left", "right", "bilateral"] {
            for (at, _) in title.match_indices(written) {
                let (before, after) = (&title[..at], &title[at + written.len()..]);
                let candidates = [
                    format!("{before}{}{after}", side.word()),
                    // "ptosis of bilateral eyelids": the organ in the plural
                    format!("{before}{}{after}s", side.word()),
                    format!("{}, {}", before.trim_end_matches([' ', ',']), side.word()),
                ];
                if let Some(found) = candidates.iter().find_map(|candidate| self.by_title.get(candidate)) {
                    return Some(found.clone());
                }
            }
        }
        None
    }

    /// What stands for `code` where the note names the side: its sibling, or those for right and left where none is for both
    /// (Guidelines I.B.13).
    pub(super) fn on_side(&self, codes: &CodeBook, code: &str, side: Side) -> Vec<String> {
        if let Some(sided) = self.sided(codes, code, side) {
            return vec![sided];
        }
        if side != Side::Bilateral || !self.leaves_side_open(codes, code) {
            return vec![code.to_owned()];
        }
        [Side::Right, Side::Left].into_iter().filter_map(|side| self.sided(codes, code, side)).collect()
    }

    /// The code for the unspecified side, of a code that names one.
    pub(super) fn unsided(&self, codes: &CodeBook, code: &str) -> Option<String> {
        let side = side_of_title(&codes.lookup(code)?.title.to_lowercase())?;
        self.retitled(codes, code, (side.word(), "unspecified"))
    }

    /// The code whose title is that of `code` with other words in one place.
    pub(super) fn retitled(&self, codes: &CodeBook, code: &str, (written, instead): (&str, &str)) -> Option<String> {
        let title = codes.lookup(code)?.title.to_lowercase();
        title
            .contains(written)
            .then(|| title.replacen(written, instead, 1))
            .and_then(|title| self.by_title.get(&title).cloned())
    }

    /// True when the code names no side and sibling codes do.
    pub(super) fn leaves_side_open(&self, codes: &CodeBook, code: &str) -> bool {
        let open = |title: &str| title.contains("unspecified") && side_of_title(title).is_none();
        codes.lookup(code).is_some_and(|found| open(&found.title.to_lowercase()))
            && self.sided(codes, code, Side::Left).is_some()
            && self.sided(codes, code, Side::Right).is_some()
    }
}

/// The side that a title in lower case names.
pub(super) fn side_of_title(title: &str) -> Option<Side> {
    let has = |word: &str| title.split(|letter: char| !letter.is_alphanumeric()).any(|part| part == word);
    match (has("left"), has("right")) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        (true, true) => None,
        (false, false) if has("bilateral") => Some(Side::Bilateral),
        (false, false) => None,
    }
}

/// The side that stands in the mention, or right before or after it in its sentence, or in the heading ("LEFT KNEE: moderate effusion").
pub(super) fn side_of(document: &Document, span: Span) -> Option<Side> {
    let range = document.words_in(span);
    let side = |index: usize| match document.words.get(index)?.folded.as_str() {
        "left" | "lt" | "left-sided" => Some(Side::Left),
        "right" | "rt" | "right-sided" => Some(Side::Right),
        "bilateral" | "bilaterally" | "both" => Some(Side::Bilateral),
        _ => None,
    };
    if let Some(found) = range.clone().find_map(side) {
        return Some(found);
    }
    let sentence = document.sentence_at(span)?.span;
    let near = |index: usize| {
        let word = document.words.get(index)?;
        (sentence.start <= word.span.start && word.span.end <= sentence.end).then_some(index).and_then(side)
    };
    let heading = || document.section_at(span).and_then(|section| section.title).map(|title| document.words_in(title));
    (1..=2)
        .find_map(|distance| range.start.checked_sub(distance).and_then(near))
        .or_else(|| (range.end..range.end + 4).find_map(near))
        .or_else(|| heading()?.find_map(side))
}
