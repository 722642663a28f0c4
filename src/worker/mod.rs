//! The worker: takes jobs from the store, extracts their notes, records what was found; keeps what lists say of items up to date.
//!
//! A job says itself what happens after a failure: it is tried again with a growing delay and given up after
//! [`MAX_TRIES`] (or [`MAX_CLAIMS`], when the process died with it), which quarantines its note and blocks nobody. A job that was claimed before (its worker died) runs alone,
//! so that a note that kills the process is found without taking others with it.

mod summaries;

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
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
}

impl Worker {
    /// Runs until `stop` turns true; what was claimed by then is finished first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let worker = Arc::new(self);
        // What a dead process left behind comes first and one by one: claiming counts as a try, and a note that kills the
        // process must not use up the tries of those claimed with it.
        let mut limit = 1;
        while !*stop.borrow() {
            let claimed = worker.store.claim_jobs(limit, LEASE, worker.surroundings.now()).await;
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
                    worker.clone().batch(jobs).await;
                    worker.summarized().await;
                }
                Err(error) => {
                    tracing::error!(%error, "jobs cannot be claimed");
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

    async fn batch(self: Arc<Self>, jobs: Vec<ClaimedJob>) {
        let (again, fresh): (Vec<ClaimedJob>, Vec<ClaimedJob>) = jobs.into_iter().partition(|job| job.tries > 1);
        let mut running = tokio::task::JoinSet::new();
        for job in fresh {
            let worker = Arc::clone(&self);
            running.spawn(async move { worker.job(job).await });
        }
        while running.join_next().await.is_some() {}
        for job in again {
            self.job(job).await;
        }
    }

    async fn job(&self, job: ClaimedJob) {
        if let Err(error) = self.try_job(&job).await {
            // the lease runs out and the job is claimed again
            tracing::error!(job = %job.id, %error, "a job could not be recorded");
        }
    }

    async fn try_job(&self, job: &ClaimedJob) -> Result<(), StoreError> {
        if job.tries > MAX_CLAIMS {
            return self.quarantine(job, "too_many_tries").await;
        }
        let Some(note) = self.store.note(job.note_id).await? else {
            return self.quarantine(job, "note_missing").await;
        };
        let started = self.surroundings.now();
        match self.engine.extract(note.into(), Priority::Background).await {
            Ok(extraction) => {
                let now = self.surroundings.now();
                let recorded = self.store.record_extraction(job, extraction, now).await?;
                metrics::histogram!("abstractor_extraction_seconds").record(now.duration_since(started).as_secs_f64());
                metrics::counter!("abstractor_extractions_total", "recorded" => if recorded { "yes" } else { "stale" })
                    .increment(1);
                Ok(())
            }
            Err(EngineError::Stopped) => Ok(()),
            Err(EngineError::Busy) => self.retry(job).await,
            Err(EngineError::Failed(reason)) => {
                tracing::warn!(job = %job.id, note = %job.note_id, tries = job.tries, reason, "an extraction failed");
                if job.tries >= MAX_TRIES { self.quarantine(job, "extraction_failed").await } else { self.retry(job).await }
            }
        }
    }

    async fn retry(&self, job: &ClaimedJob) -> Result<(), StoreError> {
        let now = self.surroundings.now();
        let delay = SignedDuration::from_secs(1 << job.tries.min(6));
        self.store.fail_job(job, JobFailure::Retry { at: now + delay }, now).await.map(drop)
    }

    async fn quarantine(&self, job: &ClaimedJob, reason: &str) -> Result<(), StoreError> {
        tracing::error!(job = %job.id, note = %job.note_id, reason, "a note is quarantined");
        metrics::counter!("abstractor_notes_quarantined_total").increment(1);
        let failure = JobFailure::Quarantine { reason: reason.to_owned() };
        self.store.fail_job(job, failure, self.surroundings.now()).await.map(drop)
    }
}
