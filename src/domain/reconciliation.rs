//! Medications of a note reconciled: one row a drug, with the lists it stands in.

use serde::{Deserialize, Serialize};

use super::{Attributes, MedicationStatus};

/// The list a mention of a medication belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MedicationList {
    /// What the patient took before this encounter.
    Home,
    /// What was given during it.
    Inpatient,
    /// What the patient shall take after it.
    Discharge,
}

impl MedicationList {
    /// All lists, in order of time.
    pub const ALL: [Self; 3] = [Self::Home, Self::Inpatient, Self::Discharge];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Inpatient => "inpatient",
            Self::Discharge => "discharge",
        }
    }
}

/// How a drug's home and discharge lists differ; only said where the note has both lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListComparison {
    /// In both with the same directions, as far as both give them.
    Unchanged,
    /// In both, with other directions.
    Changed,
    /// On the discharge list only.
    New,
    /// On the home list only.
    NotOnDischargeList,
}

/// What one list says of a drug.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListedMedication {
    /// The list; null for mentions that belong to none, like those of a plan.
    pub list: Option<MedicationList>,
    /// Status of the last mention in this list.
    pub status: MedicationStatus,
    /// Reconciled directions of this list's mentions, the last one first.
    pub attributes: Attributes,
    /// How many mentions.
    pub mentions: usize,
}

/// One drug of a note with everything said of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReconciledMedication {
    /// Name of the ingredients.
    pub display: String,
    /// RxNorm codes of the ingredients; empty for a class or a name that is not known.
    pub ingredients: Vec<String>,
    /// What holds at the end of the note: the discharge list's word, else the last mention's.
    pub status: MedicationStatus,
    /// The last change told: `started`, `increased`, `decreased`, `held`, `resumed`, `stopped` or `continued`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<String>,
    /// How home and discharge lists differ.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comparison: Option<ListComparison>,
    /// What each list says, in order of time; mentions of no list come last.
    pub lists: Vec<ListedMedication>,
    /// Ids of the entries behind it.
    pub entries: Vec<String>,
}
