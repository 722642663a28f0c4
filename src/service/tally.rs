//! Events that may come many times a minute: the first one is recorded at once, those of the same kind within the next minute are counted and
//! recorded together. So nobody fills the disk by being refused, or by reading the trail, which is itself an event to be read.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::Service;
use crate::store::{Actor, StoreError};

/// How long is counted.
const COUNTED: SignedDuration = SignedDuration::from_mins(1);

/// In an answer: the known user to whom a call was refused.
#[derive(Debug, Clone)]
pub struct RefusedTo(pub Actor);

/// Events that are the same: by whom, the action and the detail.
type Kind = (Option<uuid::Uuid>, &'static str, String);

/// What is counted.
#[derive(Default)]
pub struct Tally {
    counted: Mutex<HashMap<Kind, Counted>>,
}

struct Counted {
    actor: Actor,
    since: Timestamp,
    more: u64,
}

/// Which counts are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Those whose minute is over.
    Ended,
    /// All: the service stops.
    All,
}

impl Service {
    /// Records an event, or counts it where the same one was recorded within the last minute. `detail` holds stable words only. Where the disk is
    /// full it is counted and recorded when there is room: nothing of a patient is given by what is recorded so.
    ///
    /// # Errors
    /// When the store fails otherwise: the event is not recorded.
    pub async fn record_counted(&self, actor: Actor, action: &'static str, detail: String) -> Result<(), StoreError> {
        let now = self.surroundings.now();
        let key = (actor.user_id, action, detail);
        {
            let mut counted = self.tally.counted.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = counted.get_mut(&key) {
                known.more += 1;
                return Ok(());
            }
            counted.insert(key.clone(), Counted { actor: actor.clone(), since: now, more: 0 });
        }
        let recorded = self.store.record_audit(actor, action, None, &key.2, now).await;
        let mut counted = self.tally.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match recorded {
            Err(StoreError::Full(_)) => {
                if let Some(known) = counted.get_mut(&key) {
                    known.more += 1;
                }
                Ok(())
            }
            Err(error) => {
                // those that were counted meanwhile are recorded later
                if counted.get(&key).is_some_and(|known| known.more == 0) {
                    counted.remove(&key);
                }
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Records what was counted.
    ///
    /// # Errors
    /// When the store fails; what was not recorded is counted on.
    pub async fn record_counts(&self, which: Counts) -> Result<(), StoreError> {
        let now = self.surroundings.now();
        let ended: Vec<_> = {
            let mut counted = self.tally.counted.lock().unwrap_or_else(PoisonError::into_inner);
            let is_ended = |known: &Counted| which == Counts::All || now.duration_since(known.since).abs() >= COUNTED;
            counted.extract_if(|_, known| is_ended(known)).collect()
        };
        let mut ended = ended.into_iter().filter(|(_, known)| known.more > 0);
        while let Some((key, known)) = ended.next() {
            let detail = format!("{}, {} times more within a minute", key.2, known.more);
            if let Err(error) = self.store.record_audit(known.actor.clone(), key.1, None, &detail, now).await {
                let mut counted = self.tally.counted.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, known) in std::iter::once((key, known)).chain(ended) {
                    counted.entry(key).and_modify(|newer| newer.more += known.more).or_insert(known);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}
