//! Notes and their extractions in SQLite: intake with identity, and the way from job to extraction.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    SqliteStore,
    audit::{self, Cause, Event},
    encounters, jobs,
    note_rows::{self, SealedNote},
    unit::{Unit, bytes},
};
use crate::{
    domain::{Extraction, NewNote, Note},
    store::{Actor, AddNote, ClaimedJob, Counts, JobFailure, NoteStore, StoreError},
};

#[async_trait]
impl NoteStore for SqliteStore {
    async fn add_note(&self, id: Uuid, note: NewNote, actor: Actor, now: Timestamp) -> Result<AddNote, StoreError> {
        let sealed = SealedNote::seal(&self.vault, id, note, now);
        let cause = Cause { actor, now };
        self.writer
            .write(move |unit| {
                let previous = match identify(unit, &sealed)? {
                    Identity::Known(outcome) => return Ok(outcome),
                    Identity::New { previous } => previous,
                };
                let placing = encounters::place(unit, &sealed, &cause)?;
                note_rows::insert(unit, &sealed, &placing, previous)?;
                jobs::add(unit, id, now)?;
                let detail = format!("item {}", placing.item_id);
                audit::append(unit, &cause, &Event::of("note.stored", "note", id, &detail))?;
                Ok(AddNote::Created { id })
            })
            .await
    }

    async fn note(&self, id: Uuid) -> Result<Option<Note>, StoreError> {
        self.readers.read(move |unit| note_rows::note(unit, id)).await
    }

    async fn claim_jobs(&self, limit: u32, lease: SignedDuration, now: Timestamp) -> Result<Vec<ClaimedJob>, StoreError> {
        self.writer.write(move |unit| jobs::claim(unit, limit, lease, now)).await
    }

    async fn record_extraction(&self, job: &ClaimedJob, extraction: Extraction, now: Timestamp) -> Result<bool, StoreError> {
        let job = job.clone();
        self.writer.write(move |unit| jobs::record(unit, &job, &extraction, now)).await
    }

    async fn fail_job(&self, job: &ClaimedJob, failure: JobFailure, now: Timestamp) -> Result<bool, StoreError> {
        let job = job.clone();
        self.writer.write(move |unit| jobs::fail(unit, &job, &failure, now)).await
    }

    async fn extraction(&self, note_id: Uuid) -> Result<Option<Extraction>, StoreError> {
        self.readers.read(move |unit| note_rows::extraction(unit, note_id)).await
    }

    async fn counts(&self, _now: Timestamp) -> Result<Counts, StoreError> {
        self.readers
            .read(|unit| {
                Ok(Counts {
                    jobs_waiting: unit.count("SELECT count(*) AS n FROM job WHERE state IN ('waiting', 'claimed')", [])?,
                    notes_quarantined: unit.count("SELECT count(*) AS n FROM note WHERE status = 'quarantined'", [])?,
                    notes: unit.count("SELECT count(*) AS n FROM note", [])?,
                    items_open: unit.count("SELECT count(*) AS n FROM review_item WHERE state <> 'finished'", [])?,
                })
            })
            .await
    }
}

/// Whether a posted note is already there.
enum Identity {
    Known(AddNote),
    New { previous: Option<Uuid> },
}

/// The identity rules, see [`AddNote`]: an external id names a note, its versions are told apart by the sender's word.
fn identify(unit: &Unit<'_>, note: &SealedNote) -> Result<Identity, StoreError> {
    let by_id = unit.count("SELECT count(*) AS n FROM note WHERE id = ?1", [bytes(note.id)])?;
    if by_id > 0 {
        let problem = "a new note cannot take the id of one that is there".to_owned();
        return Err(StoreError::Inconsistent { table: "note", id: note.id.to_string(), problem });
    }
    let Some(identity) = note.identity else { return Ok(Identity::New { previous: None }) };
    let sql = "SELECT id, version, content_hash FROM note WHERE identity_index = ?1 ORDER BY received_at DESC, id DESC";
    let versions = unit.all("note", sql, [identity], |row| {
        Ok((row.id("id")?, row.get::<String>("version")?, row.get::<[u8; 32]>("content_hash")? == note.content_hash))
    })?;
    let Some((newest, ..)) = versions.first() else { return Ok(Identity::New { previous: None }) };
    let same_version = versions.iter().find(|(_, version, _)| *version == note.version);
    let same_text = versions.iter().find(|(.., same_text)| *same_text);
    Ok(match (note.version.is_empty(), same_version, same_text) {
        (false, Some((id, _, true)), _) | (true, _, Some((id, ..))) => Identity::Known(AddNote::Existing { id: *id }),
        (false, Some((id, _, false)), _) => Identity::Known(AddNote::Conflict { id: *id }),
        (true, _, None) => Identity::Known(AddNote::VersionRequired { id: *newest }),
        (false, None, _) => Identity::New { previous: Some(*newest) },
    })
}
