//! Outcomes for the tests of this module.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{ChosenCode, Ended, EntryKind, EntryOutcome, ItemOutcome, ItemState};

/// A code by its word.
pub(super) fn code(word: &str) -> ChosenCode {
    ChosenCode { system: "s".to_owned(), code: word.to_owned(), display: String::new() }
}

/// An entry with the code A, as it ended.
pub(super) fn entry(kind: EntryKind, ended: Ended, confidence: f32) -> EntryOutcome {
    let suggested = (ended != Ended::Added).then(|| code("A"));
    EntryOutcome {
        entry_id: Uuid::nil(),
        kind,
        ended,
        words: "gout".to_owned(),
        other_words: Vec::new(),
        note_id: None,
        note_type: None,
        section: None,
        confidence: suggested.as_ref().map(|_| confidence),
        suggested,
        others: Vec::new(),
        codes: match ended {
            Ended::Accepted => vec![code("A")],
            Ended::Amended | Ended::Added => vec![code("B")],
            Ended::Rejected | Ended::Ignored => Vec::new(),
        },
        assertion: [None, None],
        status: [None, None],
        charted: true,
        reason: None,
        decided: None,
        bulk: false,
        engine: None,
    }
}

/// A finished encounter with these entries and one note.
pub(super) fn outcome(number: u128, entries: Vec<EntryOutcome>) -> ItemOutcome {
    ItemOutcome {
        item: Uuid::from_u128(number),
        patient: None,
        revision: 1,
        state: ItemState::Finished,
        received_at: Timestamp::UNIX_EPOCH,
        finished: Some((Timestamp::UNIX_EPOCH, Uuid::nil(), "coder".to_owned())),
        encounter_class: None,
        facility: None,
        department: None,
        service_date: None,
        note_types: vec![None],
        engines: Vec::new(),
        entries,
    }
}
