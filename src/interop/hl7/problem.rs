//! What is wrong with a message: a stable code, what HL7 calls it, where it stands, and a sentence without anything of the message.

/// Who is to do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// AE: the content is wrong; the same message fails again.
    Error,
    /// AR: the message is of a kind that is not taken, or the service cannot take it now.
    Reject,
}

/// Why a message cannot be used. Nothing in it is of the message: it goes into acknowledgements, logs and lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable code.
    pub code: &'static str,
    /// Error or rejection.
    pub refusal: Refusal,
    /// HL7 table 0357.
    pub number: u16,
    /// Segment and field.
    pub place: Option<(&'static str, usize)>,
    /// What is wrong and what to do.
    pub detail: String,
}

impl Problem {
    /// An error of content.
    #[must_use]
    pub fn error(code: &'static str, number: u16, detail: impl Into<String>) -> Self {
        Self { code, refusal: Refusal::Error, number, place: None, detail: detail.into() }
    }

    /// A rejection.
    #[must_use]
    pub fn reject(code: &'static str, number: u16, detail: impl Into<String>) -> Self {
        Self { refusal: Refusal::Reject, ..Self::error(code, number, detail) }
    }

    /// With its place.
    #[must_use]
    pub fn at(mut self, segment: &'static str, field: usize) -> Self {
        self.place = Some((segment, field));
        self
    }

    /// A field that must be there and is not.
    #[must_use]
    pub fn missing(segment: &'static str, field: usize) -> Self {
        Self::error("missing_field", 101, format!("{segment}-{field} must have a value")).at(segment, field)
    }

    /// What HL7 calls it: the text of table 0357.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self.number {
            100 => "Segment sequence error",
            101 => "Required field missing",
            102 => "Data type error",
            103 => "Table value not found",
            200 => "Unsupported message type",
            201 => "Unsupported event code",
            203 => "Unsupported version id",
            204 => "Unknown key identifier",
            205 => "Duplicate key identifier",
            _ => "Application internal error",
        }
    }
}
