//! Notes and their extractions: intake with identity, and the way from job to extraction.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    check, encounters, jobs,
    lineage::{self, Identity},
    note_rows::{self, SealedNote},
    unit::micros,
};
use crate::{
    domain::{Extraction, Note},
    store::{
        Actor, AddNote, Checked, ClaimedJob, Counts, JobFailure, NoteKey, NoteStore, Posting, QuarantinedNote, StoreError,
    },
};

#[async_trait]
impl<D: Database> NoteStore for SqlStore<D> {
    async fn add_note(&self, id: Uuid, posting: Posting, actor: Actor, now: Timestamp) -> Result<AddNote, StoreError> {
        let Posting { note, key, unversioned } = posting;
        let key = key.map(|key| (self.vault.blind_index("idempotency_key", &[&key.owner, &key.key]), key.body));
        let sealed = SealedNote::seal(&self.vault, id, note, now);
        let cause = Cause { actor, now };
        // what decides whether and where the note is new stays as it is until it is there
        let names = sealed.names(key.map(|(index, _)| index));
        self.database
            .write_named(names, move |unit| {
                if let Some((index, body)) = key
                    && let Some(outcome) = lineage::keyed(unit, index, body, now)?
                {
                    return Ok(outcome);
                }
                let known = lineage::look(unit, &sealed)?;
                let outcome = match lineage::identify(unit, &sealed, (unversioned, known))? {
                    Identity::Known(outcome) => {
                        if let AddNote::Existing { id } = outcome {
                            lineage::hold_items(unit, &sealed, known)?;
                            encounters::tighten(unit, &sealed, id, &cause)?;
                        }
                        outcome
                    }
                    Identity::New { version, previous } => {
                        lineage::hold_items(unit, &sealed, known)?;
                        let placing = encounters::place(unit, &sealed, known)?;
                        note_rows::insert(unit, &sealed, &placing, (&version, previous))?;
                        jobs::add(unit, id, &sealed.content.source, now)?;
                        let detail = format!("item {}", placing.item_id);
                        audit::append(unit, &cause, &Event::of("note.stored", "note", id, &detail))?;
                        lineage::note_arrived(unit, &sealed, (&placing, known), &cause)?;
                        AddNote::Created { id }
                    }
                };
                if let (Some(key), AddNote::Created { id } | AddNote::Existing { id }) = (key, &outcome) {
                    lineage::keep_key(unit, key, *id, now)?;
                }
                Ok(outcome)
            })
            .await
    }

    async fn retract_note(
        &self,
        document: NoteKey,
        at: Timestamp,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<Vec<Uuid>>, StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| lineage::retract(unit, &document, at, &cause)).await
    }

    async fn note(&self, id: Uuid) -> Result<Option<Note>, StoreError> {
        self.database.read(move |unit| note_rows::note(unit, id)).await
    }

    async fn claim_jobs(&self, limit: u32, lease: SignedDuration, now: Timestamp) -> Result<Vec<ClaimedJob>, StoreError> {
        self.database.write(move |unit| jobs::claim(unit, limit, lease, now)).await
    }

    async fn release_claims(&self, until: Timestamp) -> Result<(), StoreError> {
        let sql =
            "UPDATE job SET lease_until = 0 WHERE state IN ('waiting', 'claimed') AND state = 'claimed' AND lease_until = ?1";
        self.database.write(move |unit| unit.execute(sql, [micros(until)]).map(drop)).await
    }

    async fn record_extraction(&self, job: &ClaimedJob, extraction: Extraction, now: Timestamp) -> Result<bool, StoreError> {
        let job = job.clone();
        self.database.write(move |unit| jobs::record(unit, &job, &extraction, now)).await
    }

    async fn fail_job(&self, job: &ClaimedJob, failure: JobFailure, now: Timestamp) -> Result<bool, StoreError> {
        let job = job.clone();
        self.database.write(move |unit| jobs::fail(unit, &job, &failure, now)).await
    }

    async fn quarantined(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<QuarantinedNote>, StoreError> {
        self.database.read(move |unit| jobs::quarantined(unit, after, limit)).await
    }

    async fn retry_note(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| jobs::retry(unit, id, &cause)).await
    }

    async fn extraction(&self, note_id: Uuid) -> Result<Option<Extraction>, StoreError> {
        self.database.read(move |unit| note_rows::extraction(unit, note_id)).await
    }

    async fn check(&self) -> Result<Checked, StoreError> {
        check::check(&self.database).await
    }

    async fn counts(&self, now: Timestamp) -> Result<Counts, StoreError> {
        self.counted(now).await
    }

    async fn has_more_jobs_than(&self, limit: u64) -> Result<bool, StoreError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX - 1);
        let sql =
            "SELECT count(*) AS n FROM (SELECT 1 AS one FROM job WHERE state IN ('waiting', 'claimed') LIMIT ?1) AS found";
        Ok(self.database.read(move |unit| unit.count(sql, [most + 1])).await? > limit)
    }

    async fn answers(&self) -> Result<(), StoreError> {
        self.database.read(|unit| unit.count("SELECT count(*) AS n FROM schema_version", ()).map(drop)).await
    }
}
