//! Annotated notes: what every reader of a corpus makes, and what a system is held against.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What an annotation names. The words are those of the guidelines in `eval/gold`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A diagnosis.
    Dx,
    /// A medication.
    Rx,
    /// An allergy or intolerance.
    Al,
    /// A statement of no known allergies.
    Nka,
}

impl Kind {
    /// All kinds, in the order of tables.
    pub const ALL: [Self; 4] = [Self::Dx, Self::Rx, Self::Al, Self::Nka];

    /// The word of metrics and corpora: `DX`, `RX`, `AL`, `NKA`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dx => "DX",
            Self::Rx => "RX",
            Self::Al => "AL",
            Self::Nka => "NKA",
        }
    }

    /// The kind of that word; none for another word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The kind of an entry of the extraction contract (`diagnosis`, `medication`, `allergy`, `no_known_allergies`).
    #[must_use]
    pub fn of_entry(word: &str) -> Option<Self> {
        match word {
            "diagnosis" => Some(Self::Dx),
            "medication" => Some(Self::Rx),
            "allergy" => Some(Self::Al),
            "no_known_allergies" => Some(Self::Nka),
            _ => None,
        }
    }
}

/// One annotated mention. Offsets are Unicode code points of the note's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Annotation {
    /// What it names.
    pub kind: Kind,
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Assertion of a diagnosis or an allergy, status of a medication, scope of a statement; none where the corpus does not say.
    pub assertion: Option<String>,
    /// Acceptable ICD-10-CM codes, best first; each alternative is the codes that stand together.
    pub codes: Vec<Vec<String>>,
    /// Ingredient of a medication (several with `+`) or substance of an allergy; classes begin with `class:`.
    pub substance: Option<String>,
    /// Codes of that substance, all of which are asked for, where the corpus gives codes and not names.
    pub substance_codes: Vec<String>,
    /// Names and values as written; a name may stand several times.
    pub attributes: Vec<(String, String)>,
}

impl Annotation {
    /// A mention without anything said of it.
    #[must_use]
    pub const fn new(kind: Kind, start: usize, end: usize) -> Self {
        Self {
            kind,
            start,
            end,
            assertion: None,
            codes: Vec::new(),
            substance: None,
            substance_codes: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Whether the corpus says which substance it is.
    #[must_use]
    pub fn has_substance(&self) -> bool {
        self.substance.is_some() || !self.substance_codes.is_empty()
    }

    /// Whether the corpus says that the patient has or had it, surely or not.
    #[must_use]
    pub fn is_affirmed(&self) -> bool {
        matches!(self.assertion.as_deref(), Some("present" | "historical" | "possible"))
    }
}

/// What coders decided about the suggestions of one note.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decided {
    /// Accepted as suggested.
    pub accepted: u64,
    /// Accepted after changes.
    pub amended: u64,
    /// Rejected.
    pub rejected: u64,
    /// Added by hand.
    pub added: u64,
}

/// One annotated note.
#[derive(Clone, Default)]
pub struct Note {
    /// Unique in its corpus.
    pub id: String,
    /// The text that offsets are into.
    pub text: String,
    /// What the note is told apart by in tables of slices: `note_type`, `specialty`, ...
    pub slices: BTreeMap<String, String>,
    /// What is annotated, in the corpus's order.
    pub annotations: Vec<Annotation>,
    /// Places that nobody judged: what a system finds there is neither right nor wrong.
    pub unjudged: Vec<(Kind, usize, usize)>,
    /// Decisions of coders, where the note comes out of a review.
    pub decided: Option<Decided>,
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (bytes, annotations) = (self.text.len(), self.annotations.len());
        f.debug_struct("Note").field("bytes", &bytes).field("annotations", &annotations).finish_non_exhaustive()
    }
}

/// What a corpus says of its mentions: what it does not say is unknown, not wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Kinds that are annotated exhaustively.
    pub kinds: BTreeSet<Kind>,
    /// Whether mentions have assertions.
    pub assertions: bool,
    /// Whether diagnoses have codes.
    pub codes: bool,
    /// Kinds whose attributes are annotated.
    pub attributes: BTreeSet<Kind>,
}

impl Layers {
    /// Everything, as the guidelines in `eval/gold` ask.
    #[must_use]
    pub fn whole() -> Self {
        Self {
            kinds: Kind::ALL.into_iter().collect(),
            assertions: true,
            codes: true,
            attributes: [Kind::Rx, Kind::Al].into_iter().collect(),
        }
    }

    /// What occurs in these notes.
    #[must_use]
    pub fn found_in(notes: &[Note]) -> Self {
        let all = || notes.iter().flat_map(|note| &note.annotations);
        Self {
            kinds: all().map(|one| one.kind).collect(),
            assertions: all().any(|one| one.assertion.is_some()),
            codes: all().any(|one| !one.codes.is_empty()),
            attributes: all().filter(|one| !one.attributes.is_empty()).map(|one| one.kind).collect(),
        }
    }
}

/// Notes and what is annotated in them.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// In the corpus's order.
    pub notes: Vec<Note>,
    /// What it says.
    pub layers: Layers,
}

/// Byte offsets to code points, for one text: readers whose format counts otherwise use it.
#[must_use]
pub fn code_points(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count()
}

/// The words between two code points; shorter where the text ends before.
#[must_use]
pub fn words_at(text: &str, start: usize, end: usize) -> &str {
    let byte = |point: usize| text.char_indices().nth(point).map_or(text.len(), |(at, _)| at);
    let (from, to) = if text.is_ascii() { (start.min(text.len()), end.min(text.len())) } else { (byte(start), byte(end)) };
    text.get(from..to.max(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_by_code_points() {
        assert_eq!(words_at("é😀 asthma", 3, 9), "asthma");
        assert_eq!(words_at("asthma", 2, 99), "thma");
        assert_eq!(words_at("asthma", 5, 2), "");
        assert_eq!(code_points("é😀 asthma", 7), 3);
    }

    #[test]
    fn debug_of_a_note_prints_no_text() {
        let note = Note { id: "id-1".to_owned(), text: "sentinel".to_owned(), ..Note::default() };
        let printed = format!("{note:?}");
        assert!(!printed.contains("sentinel") && !printed.contains("id-1"), "{printed}");
    }

    #[test]
    fn layers_are_what_occurs() {
        let mut note = Note { annotations: vec![Annotation::new(Kind::Dx, 0, 1)], ..Note::default() };
        let bare = Layers::found_in(std::slice::from_ref(&note));
        assert!(!bare.assertions && !bare.codes && bare.attributes.is_empty() && bare.kinds.len() == 1);
        note.annotations[0].assertion = Some("present".to_owned());
        assert!(Layers::found_in(&[note]).assertions);
    }
}
