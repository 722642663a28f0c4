//! Oversight of the engine by leads: what other thresholds would have done, and what drifts.

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use uuid::Uuid;

use super::{Service, access::scope_of, actor};
use crate::{
    domain::{DriftAlert, DriftEvaluation, DriftWindow, DriftWord, EngineIdentity, ShadowRule, SiteSettings, User},
    oversight::{Simulation, Thresholds, each_outcome, evaluate},
    pipeline::Pipeline,
    store::{Actor, DriftReference, OutcomeTime, OutcomeWindow, Store, StoreError},
};

/// Alerts and evaluations that are shown.
const SHOWN: u32 = 50;

/// What the configuration says of oversight.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OversightSettings {
    /// Whether another model or vocabulary than those that were live needs a shadow run that it passed.
    pub required: bool,
    /// By what a shadow run passes.
    pub rule: ShadowRule,
}

/// What thresholds would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdReport {
    /// Encounters that were finished within the time and that the reader may see.
    pub encounters: u64,
    /// By kind; all together last.
    pub kinds: Vec<Thresholds>,
    /// The thresholds as they are.
    pub settings: SiteSettings,
}

/// Where drift stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftState {
    /// The last evaluations, the newest first.
    pub evaluations: Vec<DriftEvaluation>,
    /// Alerts: those that wait first.
    pub alerts: Vec<DriftAlert>,
    /// What it is held against.
    pub reference: Option<DriftReference>,
}

/// Why a reference is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// It ends before it begins, or lies ahead.
    #[error("a reference begins before it ends, and ends in the past")]
    Order,
}

/// What of a pipeline a shadow run compares.
#[must_use]
pub fn identity_of(pipeline: &Pipeline) -> EngineIdentity {
    let engine = pipeline.engine_version();
    EngineIdentity {
        version: engine.version,
        model: engine.model,
        vocabulary: engine.vocabulary,
        site_pack: pipeline.site_pack().map(|(version, _)| version),
    }
}

/// Whether an engine may be live: it is the one that was, it was live before, or it passed a shadow run beside the one that was. The first one
/// of a database may.
///
/// # Errors
/// When the store fails.
pub async fn may_be_live(store: &dyn Store, engine: &EngineIdentity) -> Result<bool, StoreError> {
    let Some(live) = store.live_engine().await? else { return Ok(true) };
    if live.is_configured_as(engine) || store.was_live(engine).await? {
        return Ok(true);
    }
    let report = store.shadow_report_of(engine, &live).await?;
    Ok(report.is_some_and(|report| report.passed()))
}

impl Service {
    /// What other thresholds would have done to the encounters that were finished within so many days and that the user may see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn thresholds(&self, user: &User, days: u32) -> Result<ThresholdReport, StoreError> {
        let until = self.surroundings.now();
        let from = until - SignedDuration::from_hours(24 * i64::from(days));
        let window = OutcomeWindow { from, until, by: OutcomeTime::Finished };
        let mut simulation = Simulation::default();
        each_outcome(&*self.store, (scope_of(user), window), |outcome| simulation.add(&outcome)).await?;
        Ok(ThresholdReport {
            encounters: simulation.encounters(),
            kinds: simulation.result(),
            settings: self.store.settings().await?,
        })
    }

    /// Where drift stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drift(&self) -> Result<DriftState, StoreError> {
        Ok(DriftState {
            evaluations: self.store.drift_evaluations(SHOWN).await?,
            alerts: self.store.drift_alerts(SHOWN).await?,
            reference: self.store.drift_reference().await?,
        })
    }

    /// Evaluates drift now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn evaluate_drift(&self, by: Actor) -> Result<(DriftEvaluation, Vec<DriftAlert>), StoreError> {
        evaluate(&*self.store, (self.surroundings.new_id(), self.surroundings.now()), by).await
    }

    /// Acknowledges an alert; `false` when none of this id waits.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn acknowledge_drift(&self, user: &User, id: Uuid, word: DriftWord) -> Result<bool, StoreError> {
        self.store.acknowledge_drift(id, word, actor(user), self.surroundings.now()).await
    }

    /// Fixes what drift is held against, or lets it go along with time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_drift_reference(
        &self,
        user: &User,
        window: Option<(Timestamp, Timestamp)>,
    ) -> Result<Result<(), ReferenceError>, StoreError> {
        let now = self.surroundings.now();
        if window.is_some_and(|(from, until)| from >= until || until > now) {
            return Ok(Err(ReferenceError::Order));
        }
        let window = window.map(|(from, until)| DriftWindow { from, until });
        self.store.set_drift_reference(self.surroundings.new_id(), window, actor(user), now).await?;
        Ok(Ok(()))
    }
}
