//! Searches by patient, encounter and the sender's ids: what is asked for, and the trait.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{Note, Patient, Sensitivities};

/// Which notes a search asks for; all of it must hold. `None` = any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteSearch {
    /// Of this patient.
    pub patient: Option<PatientNumber>,
    /// Of the encounter with this number at the sender.
    pub encounter: Option<String>,
    /// With this id at the sender.
    pub external_id: Option<String>,
    /// Of this source.
    pub source: Option<String>,
    /// Of this facility.
    pub facility: Option<String>,
    /// Of this department.
    pub department: Option<String>,
    /// Whether restricted notes may be found.
    pub include_restricted: bool,
    /// Labelled notes may be found where these cover all their labels.
    pub clearances: Sensitivities,
    /// Nothing of these patients is found.
    pub hidden_patients: Vec<Uuid>,
}

/// A patient by the sender's number or by our id. `Debug` prints nothing: it is PHI.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientNumber {
    /// The system of the number; any when none.
    pub system: Option<String>,
    /// The number; empty when only the id counts.
    pub number: String,
    /// Our id, or that of a number that was merged into another; either it or the number must hold.
    pub id: Option<Uuid>,
}

impl PatientNumber {
    /// By our id alone.
    #[must_use]
    pub const fn of_id(id: Uuid) -> Self {
        Self { system: None, number: String::new(), id: Some(id) }
    }
}

impl std::fmt::Debug for PatientNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PatientNumber(..)")
    }
}

/// Searches by patient, encounter and the sender's ids.
#[async_trait]
pub trait ChartStore: Send + Sync {
    /// Notes in the order in which they came, after the one named, at most `limit`.
    async fn find_notes(&self, search: NoteSearch, after: Option<Uuid>, limit: u32) -> Result<Vec<Note>, StoreError>;
    /// The patients of such notes by id, after the one named, at most `limit`.
    async fn find_patients(
        &self,
        search: NoteSearch,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<(Uuid, Patient)>, StoreError>;
    /// The items of such notes, in order of (created_at, id).
    async fn find_items(&self, search: NoteSearch) -> Result<Vec<Uuid>, StoreError>;
    /// When each of these items changed last: a note, an extraction, a claim, a decision, its end. Missing ones are left out.
    async fn changed_at(&self, items: Vec<Uuid>) -> Result<Vec<(Uuid, Timestamp)>, StoreError>;
    /// When the live extraction of each note of an item was recorded.
    async fn extracted_at(&self, item: Uuid) -> Result<Vec<(Uuid, Timestamp)>, StoreError>;
}
