//! Jobs: claimed with a lease and a fence, ended by an extraction, a retry or quarantine.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    audit::{self, Cause, Event},
    lineage, note_rows,
    outbox::{self, Happened},
    unit::{Unit, bytes, derived_id, micros},
    value::params,
};
use crate::{
    domain::{EventKind, Extraction},
    store::{Actor, ClaimedJob, JobFailure, QuarantinedNote, StoreError},
};

/// No delay and no lease that is given lies farther ahead: a time that does was given by a clock that was wrong, and counts as past.
const FARTHEST: SignedDuration = SignedDuration::from_mins(10);

/// Queues the extraction of a new note. It is due at once, whatever the clock does meanwhile.
pub(super) fn add(unit: &Unit<'_>, note: Uuid, source: &str, now: Timestamp) -> Result<(), StoreError> {
    unit.write(
        "INSERT INTO job (id, note_id, state, run_after, fence, tries, created_at, source)
         VALUES (?1, ?2, 'waiting', 0, 0, 0, ?3, ?4)",
        (bytes(derived_id(note, "job")), bytes(note), micros(now), source),
    )
}

/// Claims due jobs: as many of each source that has some, and of a source the oldest first.
pub(super) fn claim(unit: &Unit<'_>, limit: u32, lease: SignedDuration, now: Timestamp) -> Result<Vec<ClaimedJob>, StoreError> {
    let mut sources = sources(unit)?;
    let count = i64::try_from(sources.len()).unwrap_or(i64::MAX).max(1);
    // who is first, and so who gets what does not divide evenly, changes with the time
    sources.rotate_left(usize::try_from(micros(now).rem_euclid(count)).unwrap_or_default());
    let mut claimed = Vec::new();
    let mut free = limit;
    while free > 0 && !sources.is_empty() {
        let share = free.div_ceil(u32::try_from(sources.len()).unwrap_or(u32::MAX));
        let mut left = Vec::new();
        for source in sources {
            if free == 0 {
                break;
            }
            let asked = share.min(free);
            let jobs = claim_of(unit, &source, asked, lease, now)?;
            let got = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
            claimed.extend(jobs);
            free -= got;
            if got == asked {
                left.push(source);
            }
        }
        sources = left;
    }
    Ok(claimed)
}

/// The sources that have jobs to be done: one look into the index for each.
fn sources(unit: &Unit<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "WITH RECURSIVE found (source) AS (
                   SELECT (SELECT source FROM job WHERE state IN ('waiting', 'claimed') ORDER BY source LIMIT 1)
                   UNION ALL
                   SELECT (SELECT j.source FROM job j WHERE j.state IN ('waiting', 'claimed') AND j.source > found.source
                           ORDER BY j.source LIMIT 1)
                   FROM found WHERE found.source IS NOT NULL)
               SELECT source FROM found WHERE source IS NOT NULL";
    unit.all("job", sql, (), |row| row.get("source"))
}

/// Claims due jobs of one source, oldest first.
fn claim_of(
    unit: &Unit<'_>,
    source: &str,
    limit: u32,
    lease: SignedDuration,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, StoreError> {
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    let farthest = now.saturating_add(FARTHEST).unwrap_or(Timestamp::MAX);
    let mut claimed = unit.all(
        "job",
        &format!(
            "WITH due AS (
                 SELECT id FROM job WHERE state IN ('waiting', 'claimed') AND source = ?4
                     AND ((state = 'waiting' AND (run_after <= ?1 OR run_after > ?5))
                          OR (state = 'claimed' AND (lease_until <= ?1 OR lease_until > ?5)))
                 ORDER BY created_at, id LIMIT ?3 {})
             UPDATE job SET state = 'claimed', fence = fence + 1, tries = tries + 1, lease_until = ?2
             WHERE id IN (SELECT id FROM due) RETURNING id, note_id, fence, tries, created_at",
            unit.passing_over_held("job")
        ),
        (micros(now), micros(until), limit, source, micros(farthest)),
        |row| {
            let job = ClaimedJob {
                id: row.id("id")?,
                note_id: row.id("note_id")?,
                fence: row.get("fence")?,
                tries: u32::try_from(row.unsigned("tries")?).unwrap_or(u32::MAX),
            };
            Ok((row.get::<i64>("created_at")?, job))
        },
    )?;
    claimed.sort_by_key(|(created_at, job)| (*created_at, job.id));
    Ok(claimed.into_iter().map(|(_, job)| job).collect())
}

/// Records the extraction and ends the job; `false` when the claim is stale.
pub(super) fn record(unit: &Unit<'_>, job: &ClaimedJob, extraction: &Extraction, now: Timestamp) -> Result<bool, StoreError> {
    if !end(unit, job, "done", now)? {
        return Ok(false);
    }
    hold_item(unit, job.note_id)?;
    let inconsistent =
        |problem: &str| StoreError::Inconsistent { table: "job", id: job.id.to_string(), problem: problem.to_owned() };
    let note = note_rows::key_of(unit, job.note_id)?.ok_or_else(|| inconsistent("its note is not there"))?;
    let id = derived_id(job.id, &format!("extraction {}", job.fence));
    let body = serde_json::to_vec(extraction).map_err(|_| inconsistent("its extraction cannot be written as JSON"))?;
    unit.execute("UPDATE extraction SET live = 0 WHERE note_id = ?1 AND live = 1", [bytes(job.note_id)])?;
    unit.execute(
        "INSERT INTO extraction (id, note_id, live, engine_version, model, vocabulary, edition, edition_exact, body, recorded_at, site_pack)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            bytes(id),
            bytes(job.note_id),
            extraction.engine.version,
            extraction.engine.model,
            extraction.engine.vocabulary,
            extraction.engine.edition,
            extraction.engine.edition_exact,
            note.for_row("extraction", id).seal("body", &body),
            micros(now),
            extraction.engine.site_pack.as_deref()
        ],
    )?;
    set_status(unit, job.note_id, "ready", None)?;
    let detail = format!("{} entries", extraction.entries.len());
    audit::append(
        unit,
        &Cause { actor: Actor::service(), now },
        &Event::of("extraction.recorded", "note", job.note_id, &detail),
    )?;
    emit(unit, EventKind::ExtractionReady, job.note_id, now)?;
    Ok(true)
}

/// Ends a try without an extraction; `false` when the claim is stale.
pub(super) fn fail(unit: &Unit<'_>, job: &ClaimedJob, failure: &JobFailure, now: Timestamp) -> Result<bool, StoreError> {
    match failure {
        JobFailure::Retry { at } => end(unit, job, "waiting", *at),
        JobFailure::Quarantine { reason } => {
            if !end(unit, job, "failed", now)? {
                return Ok(false);
            }
            hold_item(unit, job.note_id)?;
            set_status(unit, job.note_id, "quarantined", Some(reason))?;
            audit::append(
                unit,
                &Cause { actor: Actor::service(), now },
                &Event::of("note.quarantined", "note", job.note_id, reason),
            )?;
            emit(unit, EventKind::NoteQuarantined, job.note_id, now)?;
            Ok(true)
        }
    }
}

/// Notes in quarantine behind a note, in the order in which they came.
pub(super) fn quarantined(unit: &Unit<'_>, after: Option<Uuid>, limit: u32) -> Result<Vec<QuarantinedNote>, StoreError> {
    let sql = "SELECT n.id, n.item_id, n.source, n.quarantine_reason, n.received_at, j.run_after, j.tries
               FROM note n JOIN job j ON j.note_id = n.id
               WHERE n.status = 'quarantined' AND n.id > ?1 ORDER BY n.id LIMIT ?2";
    unit.all("note", sql, (bytes(after.unwrap_or_default()), limit), |row| {
        Ok(QuarantinedNote {
            id: row.id("id")?,
            item_id: row.id("item_id")?,
            source: row.get("source")?,
            reason: row.get::<Option<String>>("quarantine_reason")?.unwrap_or_default(),
            received_at: row.instant("received_at")?,
            at: row.instant("run_after")?,
            tries: u32::try_from(row.unsigned("tries")?).unwrap_or(u32::MAX),
        })
    })
}

/// Has a note in quarantine tried again as if it had just come; `false` when it is in none. Its item waits for it once more.
pub(super) fn retry(unit: &Unit<'_>, note: Uuid, cause: &Cause) -> Result<bool, StoreError> {
    hold_item(unit, note)?;
    let sql = "UPDATE note SET status = 'pending', quarantine_reason = NULL WHERE id = ?1 AND status = 'quarantined'";
    if unit.execute(sql, [bytes(note)])? == 0 {
        return Ok(false);
    }
    let sql =
        "UPDATE job SET state = 'waiting', tries = 0, run_after = ?2, created_at = ?2, lease_until = NULL WHERE note_id = ?1";
    unit.execute(sql, (bytes(note), micros(cause.now)))?;
    audit::append(unit, cause, &Event::of("note.retried", "note", note, ""))?;
    let item = unit.one("note", "SELECT id, item_id FROM note WHERE id = ?1", [bytes(note)], |row| row.id("item_id"))?;
    lineage::settle_items(unit, item.into_iter().collect(), cause)?;
    Ok(true)
}

fn emit(unit: &Unit<'_>, event: EventKind, note: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let item = unit.one("note", "SELECT id, item_id FROM note WHERE id = ?1", [bytes(note)], |row| row.id("item_id"))?;
    let Some(item) = item else { return Ok(()) };
    outbox::emit(unit, &Happened { event, note: Some(note), item: Some(item), outgoing: &[] }, now)
}

/// Ends a claim whose fence is still the job's. An expired lease that nobody took over still counts: the work is done.
fn end(unit: &Unit<'_>, job: &ClaimedJob, state: &str, run_after: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET state = ?3, run_after = ?4, lease_until = NULL
               WHERE id = ?1 AND fence = ?2 AND state = 'claimed' AND note_id = ?5";
    Ok(unit.execute(sql, (bytes(job.id), job.fence, state, micros(run_after), bytes(job.note_id)))? > 0)
}

/// Holds the item of a note, before the note: who moves an item holds it first, then its notes.
fn hold_item(unit: &Unit<'_>, note: Uuid) -> Result<(), StoreError> {
    unit.hold_rows("review_item", "id = (SELECT item_id FROM note WHERE id = ?1)", [bytes(note)]).map(drop)
}

/// The note's status is part of what its item shows, so the item's revision grows with it.
fn set_status(unit: &Unit<'_>, note: Uuid, status: &str, reason: Option<&str>) -> Result<(), StoreError> {
    unit.execute("UPDATE note SET status = ?2, quarantine_reason = ?3 WHERE id = ?1", (bytes(note), status, reason))?;
    let sql = "UPDATE review_item SET revision = revision + 1 WHERE id = (SELECT item_id FROM note WHERE id = ?1)";
    unit.execute(sql, [bytes(note)])?;
    Ok(())
}
