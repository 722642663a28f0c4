//! The worker: takes jobs from the store, extracts their notes, records what was found; keeps what lists say of items up to date.
//!
//! A job says itself what happens after a failure: it is tried again with a growing delay and given up after
//! [`MAX_TRIES`] (or [`MAX_CLAIMS`], when the process died with it), which quarantines its note and blocks nobody. A job that was claimed before (its worker died) runs alone,
//! so that a note that kills the process is found without taking others with it.

mod drift;
mod sealer;
mod summaries;

pub use drift::DriftWatch;
pub use sealer::TrailSealer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

use crate::{
    domain::Surroundings,
    engine::{Engine, EngineError, Priority},
    store::{ClaimedJob, JobFailure, Store, StoreError},
};

/// Failed tries of one job before its note is quarantined.
pub const MAX_TRIES: u32 = 3;
/// Claims of one job before its note is quarantined: most of them ended with the death of the process, and the last ones ran
/// alone, so this note is what kills it.
pub const MAX_CLAIMS: u32 = 10;
/// How long a claimed job is ours.
const LEASE: SignedDuration = SignedDuration::from_secs(300);
/// How long after a claim the store is asked again: the claim is ours a little longer.
const OURS: Duration = Duration::from_secs(270);
/// Jobs claimed at once.
const CLAIM: u32 = 16;
/// How long to wait for a wake-up before looking for jobs whose lease or delay ran out.
const IDLE: Duration = Duration::from_millis(500);

/// What the worker works with.
pub struct Worker {
    /// Jobs, notes, extractions.
    pub store: Arc<dyn Store>,
    /// Extraction.
    pub engine: Arc<Engine>,
    /// Clock.
    pub surroundings: Surroundings,
    /// Rings when a note was stored.
    pub wake: Arc<Notify>,
    /// Turns true when the worker has to stop; what was claimed by then is finished first.
    pub stop: watch::Receiver<bool>,
}

impl Worker {
    /// Runs until it has to stop.
    pub async fn run(self) {
        let mut stop = self.stop.clone();
        let worker = Arc::new(self);
        // What a dead process left behind comes first and one by one: claiming counts as a try, and a note that kills the
        // process must not use up the tries of those claimed with it.
        let mut limit = 1;
        let mut lost = Vec::new();
        while !*stop.borrow() {
            let now = worker.surroundings.now();
            lost.retain(|until| *until > now);
            worker.give_back(&mut lost).await;
            let until = Instant::now() + OURS;
            let claimed = worker.store.claim_jobs(limit, LEASE, now).await;
            limit = if claimed.as_ref().is_ok_and(|jobs| jobs.iter().any(|job| job.tries > 1)) { 1 } else { CLAIM };
            match claimed {
                Ok(jobs) if jobs.is_empty() => {
                    if worker.summarized().await {
                        continue;
                    }
                    tokio::select! {
                        () = worker.wake.notified() => {}
                        () = tokio::time::sleep(IDLE) => {}
                        _ = stop.changed() => {}
                    }
                }
                Ok(jobs) => {
                    worker.clone().batch(jobs, until).await;
                    worker.summarized().await;
                }
                Err(error) => {
                    tracing::error!(%error, "jobs cannot be claimed");
                    if let StoreError::Unavailable(_) = error {
                        lost.push(now + LEASE);
                    }
                    tokio::time::sleep(IDLE).await;
                }
            }
        }
    }

    /// Summarises items that changed; whether there were any, so that there may be more.
    async fn summarized(&self) -> bool {
        self.summaries().await.unwrap_or_else(|error| {
            tracing::error!(%error, "items cannot be summarised");
            0
        }) > 0
    }

    async fn batch(self: Arc<Self>, jobs: Vec<ClaimedJob>, until: Instant) {
        let (again, fresh): (Vec<ClaimedJob>, Vec<ClaimedJob>) = jobs.into_iter().partition(|job| job.tries > 1);
        let mut running = tokio::task::JoinSet::new();
        for job in fresh {
            let worker = Arc::clone(&self);
            running.spawn(async move { worker.job(job, until).await });
        }
        while running.join_next().await.is_some() {}
        for job in again {
            self.job(job, until).await;
        }
    }

    /// Gives back claims whose answer was lost: they may have been made all the same.
    async fn give_back(&self, lost: &mut Vec<Timestamp>) {
        while let Some(until) = lost.last() {
            if self.store.release_claims(*until).await.is_err() {
                return;
            }
            lost.pop();
        }
    }

    #[tracing::instrument(name = "job", skip_all, fields(job = %job.id, note = %job.note_id, tries = job.tries))]
    async fn job(&self, job: ClaimedJob, until: Instant) {
        let mut patience = Patience { until, pause: Duration::from_millis(500), stop: self.stop.clone() };
        if let Err(error) = self.try_job(&job, &mut patience).await {
            // the lease runs out and the job is claimed again
            tracing::error!(job = %job.id, %error, "a job could not be recorded");
        }
    }

    async fn try_job(&self, job: &ClaimedJob, patience: &mut Patience) -> Result<(), StoreError> {
        if job.tries > MAX_CLAIMS {
            return self.quarantine(job, patience, "too_many_tries").await;
        }
        let note = loop {
            match self.store.note(job.note_id).await {
                Err(error) if patience.bears(&error).await => {}
                ended => break ended?,
            }
        };
        let Some(note) = note else {
            return self.quarantine(job, patience, "note_missing").await;
        };
        let started = self.surroundings.now();
        match self.engine.extract(note.into(), Priority::Background, uuid::Uuid::nil()).await {
            Ok(extraction) => {
                let now = self.surroundings.now();
                let recorded = loop {
                    match self.store.record_extraction(job, extraction.clone(), self.surroundings.now()).await {
                        Err(error) if patience.bears(&error).await => {}
                        ended => break ended?,
                    }
                };
                metrics::histogram!("abstractor_extraction_seconds").record(now.duration_since(started).as_secs_f64());
                metrics::counter!("abstractor_extractions_total", "recorded" => if recorded { "yes" } else { "stale" })
                    .increment(1);
                Ok(())
            }
            Err(EngineError::Stopped) => Ok(()),
            Err(EngineError::Busy) => self.retry(job, patience).await,
            Err(EngineError::TimedOut) => {
                self.failed(job, patience, ("extraction_timeout", "it took longer than it may")).await
            }
            Err(EngineError::Failed(reason)) => self.failed(job, patience, ("extraction_failed", &reason)).await,
        }
    }

    async fn failed(&self, job: &ClaimedJob, patience: &mut Patience, (word, reason): (&str, &str)) -> Result<(), StoreError> {
        tracing::warn!(job = %job.id, note = %job.note_id, tries = job.tries, reason, "an extraction failed");
        if job.tries >= MAX_TRIES { self.quarantine(job, patience, word).await } else { self.retry(job, patience).await }
    }

    async fn retry(&self, job: &ClaimedJob, patience: &mut Patience) -> Result<(), StoreError> {
        let delay = SignedDuration::from_secs(1 << job.tries.min(6));
        self.fail(job, patience, |now| JobFailure::Retry { at: now + delay }).await
    }

    async fn quarantine(&self, job: &ClaimedJob, patience: &mut Patience, reason: &str) -> Result<(), StoreError> {
        tracing::error!(job = %job.id, note = %job.note_id, reason, "a note is quarantined");
        metrics::counter!("abstractor_notes_quarantined_total").increment(1);
        let failure = JobFailure::Quarantine { reason: reason.to_owned() };
        self.fail(job, patience, |_| failure.clone()).await
    }

    async fn fail(
        &self,
        job: &ClaimedJob,
        patience: &mut Patience,
        failure: impl Fn(Timestamp) -> JobFailure,
    ) -> Result<(), StoreError> {
        loop {
            let now = self.surroundings.now();
            match self.store.fail_job(job, failure(now), now).await {
                Err(error) if patience.bears(&error).await => {}
                ended => return ended.map(drop),
            }
        }
    }
}

/// Bears a store that cannot answer now, until the claim is about to run out or the worker has to stop: the work of a job is done once, and
/// a claim that runs out would count as another try.
struct Patience {
    until: Instant,
    pause: Duration,
    stop: watch::Receiver<bool>,
}

impl Patience {
    /// Waits a while, longer each time; `false` when it should not be asked again.
    async fn bears(&mut self, error: &StoreError) -> bool {
        let may_pass = matches!(error, StoreError::Unavailable(_) | StoreError::Full(_));
        if !may_pass || Instant::now() + self.pause >= self.until || *self.stop.borrow() {
            return false;
        }
        tracing::warn!(%error, seconds = self.pause.as_secs_f64(), "the store cannot do it now; it is asked again");
        tokio::select! {
            () = tokio::time::sleep(self.pause) => {}
            _ = self.stop.wait_for(|stop| *stop) => {}
        }
        self.pause = (self.pause * 2).min(Duration::from_secs(15));
        true
    }
}
