//! How the entries of one encounter came out of review: what reports count and learning learns from. It is worked out whenever the encounter
//! changes (`review::item_outcome`) and kept sealed under the encounter's key, so that nobody has to roll up ten thousand encounters to
//! count them.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Assertion, ChosenCode, EncounterClass, EngineVersion, EntryKind, ItemState, MedicationStatus};

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Accepted as suggested.
    Accepted,
    /// Accepted with changes.
    Amended,
    /// Rejected.
    Rejected,
    /// Added by a coder: nothing of the kind was suggested.
    Added,
    /// Nobody decided on it.
    Ignored,
}

impl Ended {
    /// All, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Accepted, Self::Amended, Self::Rejected, Self::Added, Self::Ignored];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Amended => "amended",
            Self::Rejected => "rejected",
            Self::Added => "added",
            Self::Ignored => "ignored",
        }
    }
}

/// What became of one entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryOutcome {
    /// The entry, see [`ReviewEntry`](super::ReviewEntry).
    pub entry_id: Uuid,
    /// What it states.
    pub kind: EntryKind,
    /// What became of it.
    pub ended: Ended,
    /// The note's words for it, folded (`normalize_term`): of its first evidence, or where a coder added it; empty where it
    /// stands nowhere.
    pub words: String,
    /// The same of its other evidence, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_words: Vec<String>,
    /// The note of the first evidence.
    pub note_id: Option<Uuid>,
    /// Type of that note (LOINC code).
    pub note_type: Option<String>,
    /// Kind of the section that it stands in.
    pub section: Option<String>,
    /// The engine's first code; none where it abstained or suggested nothing.
    pub suggested: Option<ChosenCode>,
    /// Probability that [`Self::suggested`] is right, 0 to 1, as the engine said.
    pub confidence: Option<f32>,
    /// The engine's other candidates, best first, with their probabilities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<(ChosenCode, f32)>,
    /// What stands at last: the suggested code where it was accepted, what a coder chose where it was amended or added; empty where it was rejected
    /// or ignored.
    pub codes: Vec<ChosenCode>,
    /// Assertion as suggested, and as it stands.
    pub assertion: [Option<Assertion>; 2],
    /// Status as suggested, and as it stands.
    pub status: [Option<MedicationStatus>; 2],
    /// Whether a coder had to decide on it: what would be charted or billed.
    pub charted: bool,
    /// The word of the reason for which it was rejected.
    pub reason: Option<String>,
    /// Who decided last (our id and login name), and when.
    pub decided: Option<(Uuid, String, Timestamp)>,
    /// Accepted together with others rather than by itself.
    #[serde(default)]
    pub bulk: bool,
    /// What made the extraction that it stands in: its place in [`ItemOutcome::engines`].
    pub engine: Option<usize>,
}

/// How the entries of an encounter came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemOutcome {
    /// The review item.
    pub item: Uuid,
    /// The patient, by our id.
    pub patient: Option<Uuid>,
    /// The revision that this was worked out of.
    pub revision: u64,
    /// Where it stands.
    pub state: ItemState,
    /// When the first of its notes came.
    pub received_at: Timestamp,
    /// When it was finished last, and by whom; none while it is not finished.
    pub finished: Option<(Timestamp, Uuid, String)>,
    /// Class of the encounter.
    pub encounter_class: Option<EncounterClass>,
    /// Facility.
    pub facility: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// The last day of service that its notes tell.
    pub service_date: Option<Date>,
    /// Types of its notes that count, one for each note (LOINC codes; none where the sender gave none).
    pub note_types: Vec<Option<String>>,
    /// What made its extractions, each once.
    pub engines: Vec<EngineVersion>,
    /// The entries.
    pub entries: Vec<EntryOutcome>,
}

impl ItemOutcome {
    /// What made the extraction that an entry stands in.
    #[must_use]
    pub fn engine_of(&self, entry: &EntryOutcome) -> Option<&EngineVersion> {
        entry.engine.and_then(|at| self.engines.get(at))
    }
}
