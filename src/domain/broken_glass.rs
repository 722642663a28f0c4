//! Break-glass: that somebody reads one encounter, for a while, which their scope or clearance hides, and why.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an encounter stays open to who broke the glass.
pub const GLASS_OPEN: SignedDuration = SignedDuration::from_mins(60);

/// Why the glass is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GlassReason {
    /// Somebody who may see it is not there.
    Substitution,
    /// A patient could come to harm.
    PatientSafety,
    /// A bill or a report is due.
    Deadline,
    /// A court, an authority or the patient asks.
    LegalRequest,
    /// Something does not work and has to be looked at.
    TechnicalFault,
    /// Another reason; the words say which.
    Other,
}

impl GlassReason {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::Substitution, Self::PatientSafety, Self::Deadline, Self::LegalRequest, Self::TechnicalFault, Self::Other];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Substitution => "substitution",
            Self::PatientSafety => "patient_safety",
            Self::Deadline => "deadline",
            Self::LegalRequest => "legal_request",
            Self::TechnicalFault => "technical_fault",
            Self::Other => "other",
        }
    }
}

impl std::str::FromStr for GlassReason {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).ok_or(())
    }
}

/// One access under broken glass. `Debug` prints no words: they may name a patient.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokenGlass {
    /// Our id.
    pub id: Uuid,
    /// Who, with login name.
    pub by: (Uuid, String),
    /// The encounter.
    pub item_id: Uuid,
    /// Why.
    pub reason: GlassReason,
    /// The same in their own words; sealed.
    pub words: String,
    /// When.
    pub at: Timestamp,
    /// Until when they may read it.
    pub until: Timestamp,
    /// Who looked at this access afterwards, by login name, and when.
    pub acknowledged: Option<(String, Timestamp)>,
}

impl std::fmt::Debug for BrokenGlass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BrokenGlass({}, {}, {})", self.id, self.item_id, self.reason.as_str())
    }
}
