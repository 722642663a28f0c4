//! What goes in, and the checks that every way in shares.

use jiff::civil::Date;
use thiserror::Error;

use crate::domain::{EncounterClass, Note, Span};

/// The longest note accepted where no other length is set, in bytes of UTF-8.
pub const MAX_NOTE_BYTES: usize = 1_000_000;

/// A note to extract. The text was checked with [`check_text`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NoteInput {
    /// Goes into `note_id`.
    pub note_id: String,
    /// The canonical text.
    pub text: String,
    /// Spans to assert, bytes on character boundaries.
    pub spans: Vec<Span>,
    /// Chooses the edition of the codes.
    pub service_date: Option<Date>,
    /// Chooses it before the date of service for an inpatient.
    pub discharge_date: Option<Date>,
    /// Decides whether uncertain diagnoses may be reported.
    pub encounter_class: Option<EncounterClass>,
}

impl From<Note> for NoteInput {
    fn from(note: Note) -> Self {
        Self {
            note_id: note.id.to_string(),
            text: note.content.text,
            spans: Vec::new(),
            service_date: note.content.service_date,
            discharge_date: note.content.discharge_date,
            encounter_class: note.content.encounter_class,
        }
    }
}

impl NoteInput {
    /// The day whose edition of the codes holds: of discharge for an inpatient, else of service.
    #[must_use]
    pub fn code_date(&self) -> Option<Date> {
        let inpatient = self.encounter_class == Some(EncounterClass::Inpatient);
        self.discharge_date.filter(|_| inpatient).or(self.service_date)
    }
}

impl std::fmt::Debug for NoteInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NoteInput").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Why a text is not accepted. Messages never quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InputError {
    /// Nothing but white space.
    #[error("the note is empty; send the text of the note in \"text\"")]
    Empty,
    /// Longer than is accepted.
    #[error("the note has {bytes} bytes; at most {most} are accepted: send it in parts")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The most that is accepted.
        most: usize,
    },
    /// A NUL character.
    #[error("the note has a NUL character at byte {at}; remove NUL characters before sending")]
    Nul {
        /// Where.
        at: usize,
    },
    /// A NUL character in a field beside the text.
    #[error("a field of the note has a NUL character; remove NUL characters before sending")]
    NulInField,
}

impl InputError {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty_note",
            Self::TooLarge { .. } => "note_too_large",
            Self::Nul { .. } | Self::NulInField => "nul_character",
        }
    }
}

/// Checks a text of at most so many bytes.
///
/// # Errors
/// Why it is not accepted.
pub fn check_text(text: &str, most: usize) -> Result<(), InputError> {
    if text.len() > most {
        return Err(InputError::TooLarge { bytes: text.len(), most });
    }
    if let Some(at) = text.find('\0') {
        return Err(InputError::Nul { at });
    }
    if text.trim().is_empty() {
        return Err(InputError::Empty);
    }
    Ok(())
}
