//! Text that was not written for this patient today: template text, repeated and copied passages, general information.

use serde::{Deserialize, Serialize};

/// Why a passage is boilerplate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoilerplateKind {
    /// A template's standing text: a list of denials as it comes, a normal examination, an attestation.
    Template,
    /// A passage that this note has said before, word for word.
    Repeated,
    /// A passage of an earlier note of the encounter, word for word, or said to be copied.
    CopiedForward,
    /// What is so of a disease or a treatment in general, as information sheets for patients say it: nothing in it is said of this patient.
    Education,
}

impl BoilerplateKind {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Repeated => "repeated",
            Self::CopiedForward => "copied_forward",
            Self::Education => "education",
        }
    }
}

/// A passage of boilerplate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Boilerplate {
    /// Why.
    pub kind: BoilerplateKind,
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}
