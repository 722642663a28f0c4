//! What the note says of a mention: for whom, when, and how certainly.

use serde::{Deserialize, Serialize};

use super::Span;

/// The six classes of the guidelines, for diagnoses and allergies (allergies are never hypothetical).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assertion {
    /// Active or chronic.
    Present,
    /// Past and resolved.
    Historical,
    /// Negated, ruled out, denied.
    Absent,
    /// Suspected, probable, differential.
    Possible,
    /// A risk, a condition to watch for, a purpose of screening.
    Hypothetical,
    /// Of somebody else.
    Family,
}

impl Assertion {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Historical => "historical",
            Self::Absent => "absent",
            Self::Possible => "possible",
            Self::Hypothetical => "hypothetical",
            Self::Family => "family",
        }
    }

    /// Present, historical or possible: what a coder is shown as a diagnosis of the patient.
    #[must_use]
    pub const fn is_affirmed(self) -> bool {
        matches!(self, Self::Present | Self::Historical | Self::Possible)
    }

    /// Present or possible: what a coder drafts a code for as the patient's condition of today.
    #[must_use]
    pub const fn is_drafted(self) -> bool {
        matches!(self, Self::Present | Self::Possible)
    }

    /// Precedence when several hold: absent > family > hypothetical > possible > historical > present.
    #[must_use]
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Absent => 5,
            Self::Family => 4,
            Self::Hypothetical => 3,
            Self::Possible => 2,
            Self::Historical => 1,
            Self::Present => 0,
        }
    }
}

impl std::str::FromStr for Assertion {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "present" => Self::Present,
            "historical" => Self::Historical,
            "absent" => Self::Absent,
            "possible" => Self::Possible,
            "hypothetical" => Self::Hypothetical,
            "family" => Self::Family,
            _ => return Err(()),
        })
    }
}

/// What the note says of a medication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MedicationStatus {
    /// Taken now, continued, started or prescribed at this encounter.
    Active,
    /// Administered once or during the stay or a procedure.
    Given,
    /// Stopped, completed, past use, held.
    Discontinued,
    /// Considered, discussed, offered, if needed later.
    Hypothetical,
    /// Denied, not given, avoided.
    Absent,
}

impl MedicationStatus {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Given => "given",
            Self::Discontinued => "discontinued",
            Self::Hypothetical => "hypothetical",
            Self::Absent => "absent",
        }
    }
}

impl std::str::FromStr for MedicationStatus {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "active" => Self::Active,
            "given" => Self::Given,
            "discontinued" => Self::Discontinued,
            "hypothetical" => Self::Hypothetical,
            "absent" => Self::Absent,
            _ => return Err(()),
        })
    }
}

/// What "no known allergies" covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllergyScope {
    /// Drugs only.
    Drug,
    /// Everything.
    All,
}

/// Of whom the note speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Experiencer {
    /// The patient.
    Patient,
    /// A relative.
    Family,
    /// Anybody else.
    Other,
}

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Temporality {
    /// Now, or chronic.
    Current,
    /// Over.
    Past,
    /// Not yet: a risk, a plan, a condition.
    Future,
}

/// How certainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Stated.
    Affirmed,
    /// Suspected.
    Possible,
    /// Denied.
    Negated,
}

/// The words that decided an assertion or a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cue {
    /// The words as written.
    pub text: String,
    /// Where they start.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// The assertion or status they speak for.
    pub means: String,
    /// The words they govern; absent where the whole statement is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scope: Option<Span>,
}

impl Cue {
    /// Its own place and that of its scope, mutably.
    pub fn places_mut(&mut self) -> Vec<(&mut usize, &mut usize)> {
        let mut places = vec![(&mut self.start, &mut self.end)];
        places.extend(self.scope.as_mut().map(|scope| (&mut scope.start, &mut scope.end)));
        places
    }
}
