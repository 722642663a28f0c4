//! What happens to patients beside their notes: newer demographics, two record numbers that are one patient.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Actor, StoreError};
use crate::domain::Patient;

/// Two record numbers of one source that are one patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientMerge {
    /// Whose numbers they are.
    pub source: String,
    /// The patient under the number that stays.
    pub surviving: Patient,
    /// The number that goes.
    pub retired: Patient,
}

/// What a merge changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Notes that were linked to the surviving patient.
    pub notes: u64,
    /// Encounters.
    pub encounters: u64,
    /// Review items.
    pub items: u64,
}

/// Patients.
#[async_trait]
pub trait PatientStore: Send + Sync {
    /// Newer demographics of a patient: what they leave out stays. None when the patient is not known, and nothing is done.
    async fn update_patient(
        &self,
        source: &str,
        patient: Patient,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<Uuid>, StoreError>;
    /// Links what belongs to the retired number to the surviving one. Later notes under the retired number belong to the survivor too,
    /// also when none came before. Doing it again changes nothing. `id` is where ids of new rows are derived from.
    async fn merge_patients(&self, id: Uuid, merge: PatientMerge, actor: Actor, now: Timestamp) -> Result<Merged, StoreError>;
}
