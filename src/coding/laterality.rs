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

/// How a title leaves a side open in words of its own, and how its siblings name it.
const IN_OWN_WORDS: [(&str, &str, &str); 4] = [
    ("unspecified side", "right dominant side", "left dominant side"),
    ("unspecified eyelid", "right upper eyelid", "left upper eyelid"),
    ("unspecified extremity", "right upper extremity", "left upper extremity"),
    ("unspecified arm", "unspecified right arm", "unspecified left arm"),
];

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
        let named = |side| self.sided(codes, code, side);
        match (named(Side::Right), named(Side::Left)) {
            (Some(right), Some(left)) if side == Side::Bilateral && self.leaves_side_open(codes, code) => vec![right, left],
            _ => vec![code.to_owned()],
        }
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

    /// The codes for the right and for the left, or the first of them, of one whose title names neither.
    pub(super) fn siblings(&self, codes: &CodeBook, code: &str) -> Option<(String, String)> {
        let title = codes.lookup(code)?.title.to_lowercase();
        if matches!(side_of_title(&title), Some(Side::Left | Side::Right)) {
            return None;
        }
        let named = |side: Side| {
            let in_own_words = || {
                IN_OWN_WORDS.iter().find_map(|(open, right, left)| {
                    self.retitled(codes, code, (open, if side == Side::Right { right } else { left }))
                })
            };
            self.sided(codes, code, side).or_else(in_own_words)
        };
        Some((named(Side::Right)?, named(Side::Left)?))
    }

    /// True when the code names no side and sibling codes do.
    pub(super) fn leaves_side_open(&self, codes: &CodeBook, code: &str) -> bool {
        let open = |title: &str| title.contains("unspecified") && side_of_title(title).is_none();
        codes.lookup(code).is_some_and(|found| open(&found.title.to_lowercase())) && self.siblings(codes, code).is_some()
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

/// The side that a folded word names.
pub(super) fn side_word(word: &str) -> Option<Side> {
    match word {
        "left" | "lt" | "left-sided" => Some(Side::Left),
        "right" | "rt" | "right-sided" => Some(Side::Right),
        "bilateral" | "bilaterally" | "both" => Some(Side::Bilateral),
        _ => None,
    }
}

/// The side that stands in the mention, or right before or after it in its sentence, or in the heading ("LEFT KNEE: moderate effusion").
pub(super) fn side_of(document: &Document, span: Span) -> Option<Side> {
    let range = document.words_in(span);
    let side = |index: usize| side_word(&document.words.get(index)?.folded);
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
