//! The sweep: once an hour one process purges what is due, a note at a time.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Ended, Purging, RetentionPolicy};
use crate::{
    domain::Surroundings,
    store::{Actor, Store, StoreError, Subject, Versions},
};

/// The reason of what a sweep purges.
pub const REASON: &str = "retention";
/// Notes that are looked up at once.
const STEP: u32 = 100;
/// From the beginning of one sweep to that of the next, and how long the lease lasts.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How often is looked whether an hour has passed.
const LOOK: Duration = Duration::from_secs(60);
/// Between two notes, so that coders wait for nothing.
const PAUSE: Duration = Duration::from_millis(5);

/// Purges what is due until it has to stop.
pub struct Sweep {
    /// Everything kept.
    pub store: Arc<dyn Store>,
    /// Clock and identifiers.
    pub surroundings: Surroundings,
    /// How long notes are kept.
    pub policy: RetentionPolicy,
    /// Turns true when it has to stop.
    pub stop: watch::Receiver<bool>,
}

impl Sweep {
    /// Runs until it has to stop.
    pub async fn run(mut self) {
        let holder = self.surroundings.new_id();
        let mut next: Option<Timestamp> = None;
        while !*self.stop.borrow() {
            let now = self.surroundings.now();
            // a clock that was set back holds nothing up for more than an hour
            if next.is_none_or(|next| next <= now || next > now + HOUR) {
                match self.store.take_lease(REASON, holder, now + HOUR, now).await {
                    Ok(true) => {
                        next = Some(now + HOUR);
                        self.sweep().await;
                    }
                    Ok(false) => {}
                    Err(error) => tracing::error!(%error, "it could not be seen whether notes are due"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = self.stop.changed() => {}
            }
        }
    }

    async fn sweep(&self) {
        let stop = self.stop.clone();
        let purging = (&*self.store, &self.surroundings);
        match purge_due(purging, &self.policy, || *stop.borrow()).await {
            Ok(0) => {}
            Ok(notes) => tracing::info!(notes, "notes were purged: their retention has ended"),
            Err(error) => tracing::error!(%error, "notes that are due could not be purged"),
        }
    }
}

/// Purges what is due, as the service; how many notes. Ends early when it is told to stop.
///
/// # Errors
/// When the store fails.
pub async fn purge_due(
    (store, surroundings): (&dyn Store, &Surroundings),
    policy: &RetentionPolicy,
    stop: impl Fn() -> bool,
) -> Result<u64, StoreError> {
    let actor = Actor::service();
    let purging = Purging { store, surroundings, actor: &actor, reason: REASON };
    let mut purged = 0;
    for rule in policy.rules(surroundings.now()) {
        let mut after = Uuid::nil();
        loop {
            let due = store.due_notes(rule.clone(), after, STEP).await?;
            let Some(last) = due.last() else { break };
            after = *last;
            for note in due {
                if stop() {
                    return Ok(purged);
                }
                match purging.purge(Subject::Note(note), Versions::This, Vec::new()).await? {
                    Ended::Done { notes } => purged += notes,
                    Ended::Held(_) | Ended::Missing | Ended::Overtaken => {}
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    if purged > 0 {
        store.settle_purge().await?;
    }
    Ok(purged)
}
