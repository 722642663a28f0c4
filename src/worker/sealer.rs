//! The sealer of the audit trail: chains what was committed within a second, and signs checkpoints. Every process of a service runs one; a
//! lease in the database lets one of them work.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    domain::Surroundings,
    store::{Head, SEALED_AT_ONCE, Sealer, Sealing, Signing, Store, StoreError},
};

/// How often is looked whether there is something to seal.
const PAUSE: Duration = Duration::from_millis(500);
/// How long to wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What the sealer works with.
pub struct TrailSealer {
    /// The trail.
    pub store: Arc<dyn Store>,
    /// Clock and ids.
    pub surroundings: Surroundings,
    /// Turns true when everything else has stopped: what is there by then is sealed and signed.
    pub stop: watch::Receiver<bool>,
}

impl TrailSealer {
    /// Runs until it has to stop.
    pub async fn run(self) {
        let holder = self.surroundings.new_id();
        let (mut stop, mut remembered) = (self.stop.clone(), None);
        while !*stop.borrow() {
            let pause = match self.look(holder, &mut remembered).await {
                // there is more
                Ok(sealing) if sealing.sealed == SEALED_AT_ONCE => continue,
                Ok(_) => PAUSE,
                Err(error) => {
                    failed(&error);
                    AFTER_FAILURE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
        loop {
            match self.seal(holder, &mut remembered, Signing::Now).await {
                Ok(sealing) if sealing.sealed == SEALED_AT_ONCE => {}
                Ok(_) => break,
                Err(error) => {
                    failed(&error);
                    break;
                }
            }
        }
        // so that the next one need not wait for the end of the lease
        if let Err(error) = self.store.release_sealing(holder).await {
            tracing::warn!(%error, "the sealing of the audit trail could not be handed over; another process takes it when its time is over");
        }
    }

    /// Seals what is there, when it is this one's to do.
    async fn look(&self, holder: Uuid, remembered: &mut Option<Head>) -> Result<Sealing, StoreError> {
        if !self.store.trail_waits(holder, self.surroundings.now()).await? {
            return Ok(Sealing::default());
        }
        self.seal(holder, remembered, Signing::Due).await
    }

    async fn seal(&self, holder: Uuid, remembered: &mut Option<Head>, signing: Signing) -> Result<Sealing, StoreError> {
        let sealer = Sealer { holder, remembered: *remembered, signing };
        let sealing = self.store.seal_events(sealer, self.surroundings.now()).await?;
        *remembered = sealing.head.or(*remembered);
        Ok(sealing)
    }
}

fn failed(error: &StoreError) {
    metrics::counter!("abstractor_audit_sealing_failures_total").increment(1);
    tracing::error!(%error, "the audit trail cannot be sealed");
}
