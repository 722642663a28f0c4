//! The review of an encounter: its entries, what coders decided, and the fold of decisions into a state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Assertion, Attributes, CodeCandidate, Designation, DiagnosisRole, EncounterClass, EntryKind, Evidence, ItemSummary,
    MedicationStatus, NotReportable, Patient, PayerClass, Place, PresentOnAdmission, Priority, Prompt, Sensitivities,
};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A sending system: posts notes, reads notes and extractions of its own source.
    Submitter,
    /// Reads the queue and decides.
    Coder,
    /// A coder who also puts items back into the queue.
    Lead,
    /// Reads audit events and reports, no note text.
    Auditor,
    /// Configures users and tokens, no note text.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::Submitter, Self::Coder, Self::Lead, Self::Auditor, Self::Admin];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitter => "submitter",
            Self::Coder => "coder",
            Self::Lead => "lead",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| format!("unknown role {word:?}; one of submitter, coder, lead, auditor, admin"))
    }
}

/// A person or a system with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Our id.
    pub id: Uuid,
    /// Unique login name; not PHI.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// For submitters: the source system they speak for; for others the one they are limited to, none = all.
    pub source: Option<String>,
    /// Facility they are limited to; none = all.
    pub facility: Option<String>,
    /// Department they are limited to; none = all.
    pub department: Option<String>,
    /// Whether they may see restricted notes.
    pub sees_restricted: bool,
    /// The labels they are cleared for.
    pub clearances: Sensitivities,
    /// The patients that they are themselves, as records were merged until now: nothing of these is there for them.
    pub own_patients: Vec<Uuid>,
    /// A disabled user's tokens do not work.
    pub disabled: bool,
}

impl User {
    /// One of this name and role with no limit, no clearance and no record of their own.
    #[must_use]
    pub fn new(id: Uuid, name: &str, role: Role) -> Self {
        Self {
            id,
            name: name.to_owned(),
            role,
            source: None,
            facility: None,
            department: None,
            sees_restricted: false,
            clearances: Sensitivities::NONE,
            own_patients: Vec::new(),
            disabled: false,
        }
    }
}

/// Where a review item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Waits for a coder.
    Open,
    /// A coder works on it (until the lease ends).
    Claimed,
    /// Laid aside with a reason, until something comes or a time passes.
    Pended,
    /// Decided and closed; a new note of the encounter opens it again.
    Finished,
}

impl ItemState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Claimed, Self::Pended, Self::Finished];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed => "claimed",
            Self::Pended => "pended",
            Self::Finished => "finished",
        }
    }
}

impl std::str::FromStr for ItemState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(())
    }
}

/// One encounter in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewItem {
    /// Our id.
    pub id: Uuid,
    /// The sender's encounter id, opened; none for a note without an encounter.
    pub encounter: Option<String>,
    /// The patient, opened.
    pub patient: Option<Patient>,
    /// Our id of the patient.
    pub patient_id: Option<Uuid>,
    /// Class of the encounter.
    pub encounter_class: Option<EncounterClass>,
    /// Facility.
    pub facility: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Whether any note of it is restricted.
    pub restricted: bool,
    /// The labels of all its notes together.
    pub labels: Sensitivities,
    /// The system that sent its notes.
    pub source: Option<String>,
    /// How soon it is to be coded.
    pub priority: Priority,
    /// Who pays for it.
    pub payer_class: Option<PayerClass>,
    /// Where it stands.
    pub state: ItemState,
    /// Who holds it, with name.
    pub claimed_by: Option<(Uuid, String)>,
    /// Until when.
    pub claimed_until: Option<Timestamp>,
    /// Who is to work on it, with name.
    pub assigned_to: Option<(Uuid, String)>,
    /// The team that works on it, by name; none = whoever takes it.
    pub team: Option<String>,
    /// Whether it was passed up to the leads.
    pub escalated: bool,
    /// Until when it is laid aside; none in the state pended = until somebody takes it.
    pub pended_until: Option<Timestamp>,
    /// Why it was laid aside or passed up: a stable word.
    pub place_reason: Option<String>,
    /// What lists say of it; none until it is worked out.
    pub summary: Option<ItemSummary>,
    /// Grows by one with every change: the ETag.
    pub revision: u64,
    /// Its notes, oldest first.
    pub notes: Vec<Uuid>,
    /// How many of its notes are not extracted yet.
    pub pending_notes: u32,
    /// When it entered the queue.
    pub created_at: Timestamp,
}

impl ReviewItem {
    /// One that has just come, and of which nothing is known yet.
    #[must_use]
    pub const fn new(id: Uuid, created_at: Timestamp) -> Self {
        Self {
            id,
            encounter: None,
            patient: None,
            patient_id: None,
            encounter_class: None,
            facility: None,
            department: None,
            restricted: false,
            labels: Sensitivities::NONE,
            source: None,
            priority: Priority::Routine,
            payer_class: None,
            state: ItemState::Open,
            claimed_by: None,
            claimed_until: None,
            assigned_to: None,
            team: None,
            escalated: false,
            pended_until: None,
            place_reason: None,
            summary: None,
            revision: 1,
            notes: Vec::new(),
            pending_notes: 0,
            created_at,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            state: self.state,
            holder: self.claimed_by.as_ref().map(|(id, _)| *id),
            assignee: self.assigned_to.as_ref().map(|(id, _)| *id),
            escalated: self.escalated,
        }
    }
}

/// A code a coder chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenCode {
    /// Code system URI.
    pub system: String,
    /// The code.
    pub code: String,
    /// Its name.
    #[serde(default)]
    pub display: String,
}

/// What a coder decided about one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum DecisionKind {
    /// The entry is right as suggested.
    Accept {
        /// Accepted on the pages together with others of its kind rather than by itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        bulk: bool,
    },
    /// The entry is right after these changes.
    Amend {
        /// Replaces the codes.
        #[serde(default)]
        codes: Vec<ChosenCode>,
        /// Replaces the assertion.
        #[serde(default)]
        assertion: Option<Assertion>,
        /// Replaces the medication status.
        #[serde(default)]
        status: Option<MedicationStatus>,
        /// Replaces the attributes of a medication or an allergy, all of them; values are read from the words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attributes: Option<Box<Attributes>>,
        /// Free words; sealed.
        #[serde(default)]
        comment: Option<String>,
    },
    /// The entry is wrong.
    Reject {
        /// `not_documented`, `wrong_patient`, `negated`, `historical`, `duplicate`, `wrong_code`, `not_a_diagnosis` or `other`.
        reason: String,
        /// Free words; sealed.
        #[serde(default)]
        comment: Option<String>,
    },
    /// An entry the engine missed.
    Add {
        /// What it states.
        kind: EntryKind,
        /// Its name.
        display: String,
        /// Its codes.
        codes: Vec<ChosenCode>,
        /// Assertion for diagnoses and allergies.
        #[serde(default)]
        assertion: Option<Assertion>,
        /// Status for medications.
        #[serde(default)]
        status: Option<MedicationStatus>,
        /// The note it stands in.
        #[serde(default)]
        note_id: Option<Uuid>,
        /// Where it stands, code points.
        #[serde(default)]
        start: Option<usize>,
        /// Where it ends, code points.
        #[serde(default)]
        end: Option<usize>,
        /// Free words; sealed.
        #[serde(default)]
        comment: Option<String>,
    },
    /// What the diagnosis is to the encounter; changes what it names and no state.
    Designate {
        /// Principal, secondary or admitting.
        #[serde(default)]
        role: Option<DiagnosisRole>,
        /// Whether it was present on admission.
        #[serde(default)]
        present_on_admission: Option<PresentOnAdmission>,
        /// Its place among the secondary ones, from 1.
        #[serde(default)]
        #[schema(minimum = 1, maximum = 999)]
        sequence: Option<u16>,
    },
    /// Takes back the decision standing on the entry.
    Withdraw {},
}

/// Reasons a rejection may give.
pub const REJECT_REASONS: [&str; 8] =
    ["not_documented", "wrong_patient", "negated", "historical", "duplicate", "wrong_code", "not_a_diagnosis", "other"];

/// Why a lead puts an item back into the queue.
pub const REOPEN_REASONS: [&str; 5] = ["coding_error", "new_information", "query_answered", "claim_abandoned", "other"];

impl DecisionKind {
    /// What it says that the diagnosis is to the encounter.
    #[must_use]
    pub const fn designation(&self) -> Option<Designation> {
        match self {
            Self::Designate { role, present_on_admission, sequence } => {
                Some(Designation { role: *role, present_on_admission: *present_on_admission, sequence: *sequence })
            }
            _ => None,
        }
    }

    /// The word of the contract.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::Amend { .. } => "amend",
            Self::Reject { .. } => "reject",
            Self::Add { .. } => "add",
            Self::Designate { .. } => "designate",
            Self::Withdraw {} => "withdraw",
        }
    }
}

/// One decision, append-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Our id.
    pub id: Uuid,
    /// The review item.
    pub item_id: Uuid,
    /// The entry decided on; for an addition, the id of the new entry.
    pub entry_id: Uuid,
    /// Who decided.
    pub user_id: Uuid,
    /// Their name.
    pub user_name: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: DecisionKind,
    /// Keys of the words that the entry rested on: it holds where one of them stands still. Empty in decisions of earlier releases, which
    /// hold wherever their entry does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// Why a decision does not hold any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A newer version of the note says it in other words or another section: decide again.
    EvidenceChanged,
    /// No note that counts says it any more: it is not reported.
    EvidenceGone,
}

/// What was decided before the notes changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryChange {
    /// Why it does not hold any more.
    pub what: ChangeKind,
    /// What the decisions amounted to.
    pub was: EntryState,
    /// Who made the last one.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What the decisions on an entry amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// Nobody decided yet.
    Suggested,
    /// Accepted as suggested.
    Accepted,
    /// Accepted with changes.
    Amended,
    /// Rejected.
    Rejected,
    /// Added by a coder.
    Added,
    /// Added by a coder and taken back.
    Withdrawn,
}

impl EntryState {
    /// The state after `decisions` on one entry, oldest first.
    #[must_use]
    pub fn fold<'a>(decisions: impl IntoIterator<Item = &'a DecisionKind>) -> Self {
        let mut added = false;
        decisions.into_iter().fold(Self::Suggested, |state, kind| match kind {
            DecisionKind::Designate { .. } => state,
            DecisionKind::Accept { .. } => Self::Accepted,
            DecisionKind::Amend { .. } => Self::Amended,
            DecisionKind::Reject { .. } => Self::Rejected,
            DecisionKind::Add { .. } => {
                added = true;
                Self::Added
            }
            DecisionKind::Withdraw {} if added => Self::Withdrawn,
            DecisionKind::Withdraw {} => Self::Suggested,
        })
    }

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suggested => "suggested",
            Self::Accepted => "accepted",
            Self::Amended => "amended",
            Self::Rejected => "rejected",
            Self::Added => "added",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// An entry of an encounter: the same concept in all its notes, with the decisions on it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewEntry {
    /// Stable for (item, kind, concept, assertion or status).
    pub id: Uuid,
    /// What it states.
    pub kind: EntryKind,
    /// Its name.
    pub display: String,
    /// For diagnoses and allergies.
    pub assertion: Option<Assertion>,
    /// For medications.
    pub status: Option<MedicationStatus>,
    /// Candidates, best first, or the coder's choice.
    pub codes: Vec<CodeCandidate>,
    /// Probability that the first code is right.
    pub confidence: Option<f32>,
    /// Whether the code may be reported.
    pub reportable: bool,
    /// Why not.
    pub not_reportable_because: Option<NotReportable>,
    /// Attributes as the last note that says any has them.
    pub attributes: Attributes,
    /// The note that their places are places of.
    pub attributes_note: Option<Uuid>,
    /// Questions to the coder.
    pub prompts: Vec<Prompt>,
    /// Where it stands: note and evidence.
    pub evidence: Vec<(Uuid, Evidence)>,
    /// Keys of its evidence, see [`Decision::evidence`].
    pub evidence_keys: Vec<String>,
    /// What the decisions amount to.
    pub state: EntryState,
    /// Set when decisions were made on words that have changed since.
    pub changed: Option<EntryChange>,
    /// What a diagnosis is to its encounter, as coders said.
    pub designation: Designation,
    /// The decisions on it, oldest first.
    pub decisions: Vec<Decision>,
}

impl ReviewEntry {
    /// Whether the words that a decision rested on are among those of the entry.
    #[must_use]
    pub fn rests_on(&self, decision: &Decision) -> bool {
        decision.evidence.is_empty()
            || self.evidence_keys.is_empty()
            || decision.evidence.iter().any(|key| self.evidence_keys.contains(key))
    }

    /// The decisions that make its state, oldest first: designations make none.
    pub fn deciding(&self) -> impl DoubleEndedIterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| !matches!(decision.kind, DecisionKind::Designate { .. }))
    }

    /// The amendments since the last other decision, of the words that stand, oldest first: each changes what it names.
    #[must_use]
    pub fn standing_amendments(&self) -> Vec<&Decision> {
        let stands = |decision: &&Decision| matches!(decision.kind, DecisionKind::Amend { .. }) && self.rests_on(decision);
        let mut standing: Vec<&Decision> = self.deciding().rev().take_while(stands).collect();
        standing.reverse();
        standing
    }

    /// Whether a coder chose its codes: all of them count then, not the first alone.
    #[must_use]
    pub fn has_chosen_codes(&self) -> bool {
        let names = |decision: &&Decision| matches!(&decision.kind, DecisionKind::Amend { codes, .. } if !codes.is_empty());
        self.state == EntryState::Added || self.standing_amendments().iter().any(names)
    }

    /// True when a coder must decide before the item can be finished: what would be charted or billed.
    #[must_use]
    pub fn needs_decision(&self) -> bool {
        let gone = self.changed.as_ref().is_some_and(|change| change.what == ChangeKind::EvidenceGone);
        self.state == EntryState::Suggested
            && !gone
            && match self.kind {
                EntryKind::Diagnosis | EntryKind::Allergy => self.assertion.is_some_and(Assertion::is_affirmed),
                EntryKind::Medication => {
                    !matches!(self.status, Some(MedicationStatus::Hypothetical | MedicationStatus::Absent))
                }
                EntryKind::NoKnownAllergies => true,
            }
    }
}
