//! Evaluates drift once a day, in one process at a time.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::{
    domain::Surroundings,
    oversight::{EVALUATED_EVERY, evaluate},
    store::{Actor, Store, StoreError},
};

/// The work, as its lease is called.
const WORK: &str = "drift";
/// How long an evaluation may take before another process begins one.
const LEASE: SignedDuration = SignedDuration::from_hours(1);
/// A database without an evaluation gets its first one so long after the start: before there is nothing to hold against anything.
const FIRST: SignedDuration = SignedDuration::from_hours(1);
/// How often is looked whether a day has passed.
const LOOK: Duration = Duration::from_secs(60);

/// Evaluates drift until it has to stop.
pub struct DriftWatch {
    /// Everything kept.
    pub store: Arc<dyn Store>,
    /// Clock and identifiers.
    pub surroundings: Surroundings,
    /// Turns true when it has to stop.
    pub stop: watch::Receiver<bool>,
}

impl DriftWatch {
    /// Runs until it has to stop.
    pub async fn run(mut self) {
        let (holder, started) = (self.surroundings.new_id(), self.surroundings.now());
        while !*self.stop.borrow() {
            if let Err(error) = self.look(holder, started).await {
                tracing::error!(%error, "drift could not be evaluated");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = self.stop.changed() => {}
            }
        }
    }

    async fn look(&self, holder: uuid::Uuid, started: jiff::Timestamp) -> Result<(), StoreError> {
        let now = self.surroundings.now();
        let newest = self.store.drift_evaluations(1).await?.first().map(|evaluation| evaluation.at);
        let due = match newest {
            // an evaluation that lies ahead was made by a clock that was wrong
            Some(at) => at + EVALUATED_EVERY <= now || at > now + EVALUATED_EVERY,
            None => started + FIRST <= now,
        };
        if !due || !self.store.take_lease(WORK, holder, now + LEASE, now).await? {
            return Ok(());
        }
        let (evaluation, raised) = evaluate(&*self.store, (self.surroundings.new_id(), now), Actor::service()).await?;
        tracing::info!(evaluation = %evaluation.id, raised = raised.len(), "drift was evaluated");
        Ok(())
    }
}
