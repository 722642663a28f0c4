//! Patients, encounters and notes as they are posted and kept.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PayerClass, Priority, Sensitivities};

/// Class of the encounter; decides whether uncertain diagnoses may be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncounterClass {
    /// Admitted.
    Inpatient,
    /// Clinic, same-day surgery, observation.
    Outpatient,
    /// Emergency department.
    Emergency,
}

impl EncounterClass {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Inpatient, Self::Outpatient, Self::Emergency];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inpatient => "inpatient",
            Self::Outpatient => "outpatient",
            Self::Emergency => "emergency",
        }
    }
}

impl std::str::FromStr for EncounterClass {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|class| class.as_str() == word).ok_or(())
    }
}

/// Confidentiality label, after HL7 v3 Confidentiality: ordinary or restricted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidentiality {
    /// Ordinary clinical confidentiality.
    #[default]
    Normal,
    /// Restricted: only users cleared for it.
    Restricted,
}

impl Confidentiality {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Restricted => "restricted",
        }
    }
}

/// The patient as the sender names them. Everything here is sealed in the store.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Patient {
    /// The sender's identifier (record number).
    pub id: String,
    /// Who gives out the identifier, where the sender has several: the URI of its system, or the assigning authority of an HL7 message. The same
    /// number of two systems is two patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Name, for the coder's eyes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub birth_date: Option<Date>,
    /// `female`, `male`, `other` or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<String>,
}

impl std::fmt::Debug for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Patient(..)")
    }
}

/// How a note stands to an earlier document of the same source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// An addendum: both stand.
    Appends,
    /// It stands in the other's place.
    Replaces,
}

impl Relation {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appends => "appends",
            Self::Replaces => "replaces",
        }
    }
}

impl std::str::FromStr for Relation {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Appends, Self::Replaces].into_iter().find(|relation| relation.as_str() == word).ok_or(())
    }
}

/// The earlier document that a note appends to or replaces. It may arrive later than the note.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedNote {
    /// How the note stands to it.
    pub relation: Relation,
    /// The sender's id of the other document.
    pub external_id: String,
}

impl std::fmt::Debug for RelatedNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelatedNote").field("relation", &self.relation).finish_non_exhaustive()
    }
}

/// Whether a note counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is the newest version of its document.
    #[default]
    Current,
    /// A newer version, or a document that replaces it, stands in its place.
    Replaced,
    /// Its sender took it back.
    Retracted,
}

impl Standing {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Replaced => "replaced",
            Self::Retracted => "retracted",
        }
    }
}

impl std::str::FromStr for Standing {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Current, Self::Replaced, Self::Retracted].into_iter().find(|standing| standing.as_str() == word).ok_or(())
    }
}

/// A note as it is posted, checked, before it has an id. `Debug` prints lengths only: it is PHI.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NewNote {
    /// The canonical text; immutable; every offset is into it.
    pub text: String,
    /// The system that sent it.
    pub source: String,
    /// The sender's id of the note.
    pub external_id: Option<String>,
    /// The sender's version of the note.
    pub version: Option<String>,
    /// When the sender made this version: versions count in this order, whatever order they arrive in. The time of arrival when none.
    pub versioned_at: Option<Timestamp>,
    /// The document that it appends to or replaces.
    pub related: Option<RelatedNote>,
    /// The patient.
    pub patient: Option<Patient>,
    /// The sender's id of the encounter.
    pub encounter: Option<String>,
    /// Class of the encounter.
    pub encounter_class: Option<EncounterClass>,
    /// Kind of note, for example `discharge_summary`.
    pub note_type: Option<String>,
    /// Date of service; chooses the edition of the codes.
    pub service_date: Option<Date>,
    /// The day on which an inpatient left; chooses the edition before the date of service.
    pub discharge_date: Option<Date>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Facility, for scopes of users.
    pub facility: Option<String>,
    /// Department, for scopes of users.
    pub department: Option<String>,
    /// Confidentiality label.
    pub confidentiality: Confidentiality,
    /// Kinds of sensitive information in it: only users cleared for each of them see it.
    pub labels: Sensitivities,
    /// How soon the encounter is to be coded; as it was before when none.
    pub priority: Option<Priority>,
    /// Who pays for the encounter; as it was before when none.
    pub payer_class: Option<PayerClass>,
}

impl NewNote {
    /// Whether a field beside the text holds a NUL character, which no database of ours keeps in a text. What comes as JSON was refused before; other
    /// ways in have it too.
    #[must_use]
    pub fn has_nul(&self) -> bool {
        let patient = self.patient.iter().flat_map(|patient| {
            [Some(&patient.id), patient.system.as_ref(), patient.name.as_ref(), patient.sex.as_ref()].into_iter().flatten()
        });
        let others = [
            self.external_id.as_ref(),
            self.version.as_ref(),
            self.related.as_ref().map(|related| &related.external_id),
            self.encounter.as_ref(),
            self.note_type.as_ref(),
            self.author.as_ref(),
            self.facility.as_ref(),
            self.department.as_ref(),
        ];
        others.into_iter().flatten().chain(patient).chain([&self.source]).any(|field| field.contains('\0'))
    }
}

impl std::fmt::Debug for NewNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewNote").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Where a note stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteStatus {
    /// Stored; its job waits or runs.
    Pending,
    /// Its extraction is there.
    Ready,
    /// Extraction failed for good; the reason is kept; nobody else is held up.
    Quarantined,
}

impl NoteStatus {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Quarantined => "quarantined",
        }
    }
}

/// What is left to say of a note that was purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgedNote {
    /// When.
    pub at: Timestamp,
    /// Why: a stable word.
    pub reason: String,
}

/// A stored note, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Our id (version 7 UUID).
    pub id: Uuid,
    /// As it was posted.
    pub content: NewNote,
    /// When it was stored.
    pub received_at: Timestamp,
    /// Where it stands.
    pub status: NoteStatus,
    /// Whether it counts.
    pub standing: Standing,
    /// Why it is quarantined: a stable code, never note text.
    pub quarantine_reason: Option<String>,
    /// Set when it was purged: its text and all that identified it are destroyed.
    pub purged: Option<PurgedNote>,
    /// The review item (encounter) it belongs to.
    pub item_id: Uuid,
    /// Our id of the patient.
    pub patient_id: Option<Uuid>,
    /// Our id of the patient of its encounter, also where the note itself names none.
    pub item_patient_id: Option<Uuid>,
}
