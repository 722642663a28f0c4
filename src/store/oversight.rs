//! What oversight of the engine keeps: evaluations of drift with their alerts, reports of shadow runs, and which engine was live. Ids, numbers and
//! stable words alone.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Actor, StoreError};
use crate::domain::{DriftAlert, DriftEvaluation, DriftWindow, DriftWord, EngineIdentity, ShadowReport};

/// For so long after an alert was acknowledged the same measure raises no other one.
pub const DRIFT_QUIET: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What drift is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftReference {
    /// A fixed window; none where it goes along with time.
    pub window: Option<DriftWindow>,
    /// Login name of who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Oversight of the engine.
#[async_trait]
pub trait OversightStore: Send + Sync {
    /// Keeps an evaluation. What drifted becomes an alert, with its event for destinations, unless one of the measure waits already (which is
    /// seen again) or was acknowledged within [`DRIFT_QUIET`]. Gives the alerts that are new.
    async fn record_drift(&self, evaluation: DriftEvaluation, actor: Actor) -> Result<Vec<DriftAlert>, StoreError>;
    /// The last evaluations, the newest first.
    async fn drift_evaluations(&self, limit: u32) -> Result<Vec<DriftEvaluation>, StoreError>;
    /// Alerts: those that wait first, then the newest.
    async fn drift_alerts(&self, limit: u32) -> Result<Vec<DriftAlert>, StoreError>;
    /// How many wait.
    async fn waiting_drift_alerts(&self) -> Result<u64, StoreError>;
    /// Acknowledges an alert; `false` when there is none of that id that waits.
    async fn acknowledge_drift(&self, id: Uuid, word: DriftWord, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// What drift is held against, as somebody said last; none where nobody did.
    async fn drift_reference(&self) -> Result<Option<DriftReference>, StoreError>;
    /// Fixes the reference, or lets it go along with time.
    async fn set_drift_reference(
        &self,
        id: Uuid,
        window: Option<DriftWindow>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Keeps the report of a shadow run.
    async fn add_shadow_report(&self, report: ShadowReport, actor: Actor) -> Result<(), StoreError>;
    /// The last reports, the newest first.
    async fn shadow_reports(&self, limit: u32) -> Result<Vec<ShadowReport>, StoreError>;
    /// One of them.
    async fn shadow_report(&self, id: Uuid) -> Result<Option<ShadowReport>, StoreError>;
    /// The newest report that tried this model and vocabulary beside another one; none where there is none.
    async fn shadow_report_of(
        &self,
        tried: &EngineIdentity,
        beside: &EngineIdentity,
    ) -> Result<Option<ShadowReport>, StoreError>;
    /// Whether this model and vocabulary were ever live.
    async fn was_live(&self, engine: &EngineIdentity) -> Result<bool, StoreError>;
    /// The model and vocabulary that were live last; none before the first start.
    async fn live_engine(&self) -> Result<Option<EngineIdentity>, StoreError>;
    /// Says which are live from now on; nothing when these were. That others are than before is recorded.
    async fn record_live_engine(
        &self,
        id: Uuid,
        engine: &EngineIdentity,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
