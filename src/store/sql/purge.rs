//! Purges: sealed bytes, wrapped keys and blind indexes destroyed, rows left as tombstones.
//!
//! A note's own key goes with its text, so that no copy of its bytes opens any more. What its item sealed about it is destroyed too: with the
//! whole item its key goes; where the item goes on, the rest of it is sealed anew under a new key (`reseal`). The triggers let the purge
//! through and nobody else: of a note only the emptying of text, hash and key at once, of append-only rows only their sealed column while
//! the permit of the item is open, which no other transaction ever sees open.

use uuid::Uuid;

use super::{
    audit::{self, Cause, Event},
    reseal,
    retention::holds_on,
    unit::{Unit, bytes, micros},
};
use crate::store::{ItemPurge, Part, Purged, StoreError};

/// What stands where something was destroyed.
pub(super) const fn nothing() -> Vec<u8> {
    Vec::new()
}

/// Who destroys, when, and why.
pub(super) struct Purging<'a> {
    pub(super) cause: &'a Cause,
    pub(super) reason: &'a str,
}

impl Purging<'_> {
    /// Writes what was destroyed.
    pub(super) fn bury(&self, unit: &Unit<'_>, kind: &str, id: Uuid) -> Result<(), StoreError> {
        unit.execute(
            "INSERT INTO tombstone (kind, subject_id, reason, actor, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (kind, subject_id) DO NOTHING",
            (kind, bytes(id), self.reason, &self.cause.actor.name, micros(self.cause.now)),
        )?;
        Ok(())
    }

    /// The event of a purge.
    fn tell(&self, unit: &Unit<'_>, kind: &str, id: Uuid) -> Result<(), StoreError> {
        audit::append(unit, self.cause, &Event::of(&format!("{kind}.purged"), kind, id, self.reason))
    }
}

/// What is known of an item before something of it goes.
struct Found {
    encounter: Option<Uuid>,
    patient: Option<Uuid>,
    revision: u64,
    notes: Vec<Uuid>,
}

fn find(unit: &Unit<'_>, item: Uuid) -> Result<Option<Found>, StoreError> {
    // all that a legal hold may be laid on, so that the hold stands before or comes too late
    unit.hold_rows("patient", "id = (SELECT patient_id FROM review_item WHERE id = ?1)", [bytes(item)])?;
    unit.hold_rows("encounter", "id = (SELECT encounter_id FROM review_item WHERE id = ?1)", [bytes(item)])?;
    unit.hold_row("review_item", item)?;
    unit.hold_rows("note", "item_id = ?1", [bytes(item)])?;
    let sql = "SELECT id, encounter_id, patient_id, revision FROM review_item WHERE id = ?1 AND length(data_key) > 0";
    let found = unit.one("review_item", sql, [bytes(item)], |row| {
        Ok(Found {
            encounter: row.id_or_none("encounter_id")?,
            patient: row.id_or_none("patient_id")?,
            revision: row.unsigned("revision")?,
            notes: Vec::new(),
        })
    })?;
    let Some(found) = found else { return Ok(None) };
    let sql = "SELECT id FROM note WHERE item_id = ?1 AND purged_at IS NULL ORDER BY received_at, id";
    Ok(Some(Found { notes: unit.all("note", sql, [bytes(item)], |row| row.id("id"))?, ..found }))
}

/// Purges an item or notes of it, unless it is held.
pub(super) fn item(unit: &Unit<'_>, purge: &ItemPurge, cause: &Cause) -> Result<Purged, StoreError> {
    let Some(found) = find(unit, purge.item)? else { return Ok(Purged::Missing) };
    let notes = match &purge.part {
        Some(part) => found.notes.iter().copied().filter(|note| part.notes.contains(note)).collect(),
        None => found.notes.clone(),
    };
    if purge.part.is_some() && notes.is_empty() {
        return Ok(Purged::Missing);
    }
    let holds = holds_on(unit, found.patient, &[&[purge.item][..], &notes].concat())?;
    if !holds.is_empty() {
        return Ok(Purged::Held(holds));
    }
    if notes.len() < found.notes.len() && purge.part.as_ref().is_some_and(|part| part.revision != found.revision) {
        return Ok(Purged::Changed);
    }
    destroy(unit, purge, cause)
}

/// The same whatever holds stand: for a copy of a database in which the same was purged.
pub(super) fn destroy(unit: &Unit<'_>, purge: &ItemPurge, cause: &Cause) -> Result<Purged, StoreError> {
    let Some(found) = find(unit, purge.item)? else { return Ok(Purged::Missing) };
    let purging = Purging { cause, reason: &purge.reason };
    let part = purge.part.as_ref().filter(|part| found.notes.iter().any(|note| !part.notes.contains(note)));
    let going: Vec<Uuid> = match part {
        Some(part) => found.notes.iter().copied().filter(|note| part.notes.contains(note)).collect(),
        None => found.notes.clone(),
    };
    open_permit(unit, purge.item)?;
    if let Some(part) = part {
        let part = Part { notes: going.clone(), ..part.clone() };
        reseal::reseal(unit, (purge.item, &part), &purging)?;
    }
    for note in &going {
        destroy_note(unit, *note, &purging)?;
    }
    destroy_deliveries(unit, purge.item, &purging)?;
    if part.is_none() {
        destroy_item(unit, purge.item, &purging)?;
        if let Some(encounter) = found.encounter {
            destroy_encounter(unit, encounter, &purging)?;
        }
    } else {
        // it may hold words of the notes that go; it is worked out again of those that stay
        unit.execute("UPDATE item_outcome SET body = ?2 WHERE id = ?1", (bytes(purge.item), nothing()))?;
        unit.execute("UPDATE review_item SET revision = revision + 1 WHERE id = ?1", [bytes(purge.item)])?;
    }
    close_permit(unit, purge.item)?;
    if let Some(patient) = found.patient.filter(|_| part.is_none())
        && !has_notes(unit, patient)?
    {
        destroy_patient(unit, patient, &purging)?;
    }
    Ok(Purged::Done { notes: going.len() as u64 })
}

/// Opens the permit that the triggers look at. It is never open at the end of a transaction.
fn open_permit(unit: &Unit<'_>, item: Uuid) -> Result<(), StoreError> {
    let sql = "INSERT INTO purge_permit (item_id, is_open) VALUES (?1, 1) ON CONFLICT (item_id) DO UPDATE SET is_open = 1";
    unit.execute(sql, [bytes(item)]).map(drop)
}

fn close_permit(unit: &Unit<'_>, item: Uuid) -> Result<(), StoreError> {
    unit.execute("UPDATE purge_permit SET is_open = 0 WHERE item_id = ?1", [bytes(item)]).map(drop)
}

/// Whether a patient has a note that is not purged, or an encounter that is not.
pub(super) fn has_notes(unit: &Unit<'_>, patient: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) AS n FROM note WHERE patient_id = ?1 AND purged_at IS NULL";
    if unit.count(sql, [bytes(patient)])? > 0 {
        return Ok(true);
    }
    let sql = "SELECT count(*) AS n FROM review_item WHERE patient_id = ?1 AND length(data_key) > 0";
    Ok(unit.count(sql, [bytes(patient)])? > 0)
}

fn destroy_note(unit: &Unit<'_>, note: Uuid, purging: &Purging<'_>) -> Result<(), StoreError> {
    let now = micros(purging.cause.now);
    let changed = unit.execute(
        "UPDATE note SET purged_at = ?2, purge_reason = ?3, standing = 'retracted', retracted_at = ?2, status = 'ready',
                quarantine_reason = NULL, data_key = ?4, text = ?4, content_hash = ?4, identity_index = NULL, external_id = NULL,
                version = '', versioned_at = NULL, author = NULL, relation = NULL, related_index = NULL, related_external_id = NULL,
                note_type = NULL, encounter_class = NULL, service_date = NULL, discharge_date = NULL
         WHERE id = ?1 AND purged_at IS NULL",
        (bytes(note), now, purging.reason, nothing()),
    )?;
    if changed == 0 {
        return Ok(());
    }
    purging.bury(unit, "note", note)?;
    let sql = "UPDATE extraction SET body = ?2, live = 0 WHERE note_id = ?1 RETURNING id";
    for extraction in unit.all("extraction", sql, (bytes(note), nothing()), |row| row.id("id"))? {
        purging.bury(unit, "extraction", extraction)?;
    }
    let sql = "UPDATE job SET state = 'done', run_after = ?2, lease_until = NULL WHERE note_id = ?1 AND state <> 'done'";
    unit.execute(sql, (bytes(note), now))?;
    unit.execute("DELETE FROM idempotency_key WHERE note_id = ?1", [bytes(note)])?;
    let sql = "SELECT id FROM message WHERE note_id = ?1 AND length(data_key) > 0";
    for message in unit.all("message", sql, [bytes(note)], |row| row.id("id"))? {
        destroy_message(unit, message, purging)?;
    }
    purging.tell(unit, "note", note)
}

/// What was sent or is to be sent of an item goes, and is not sent again.
fn destroy_deliveries(unit: &Unit<'_>, item: Uuid, purging: &Purging<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET body = NULL, state = CASE WHEN state IN ('waiting', 'claimed') THEN 'dead' ELSE state END,
                      problem = 'purged', ended_at = coalesce(ended_at, ?2), lease_until = NULL
               WHERE item_id = ?1 AND body IS NOT NULL RETURNING id";
    for delivery in unit.all("delivery", sql, (bytes(item), micros(purging.cause.now)), |row| row.id("id"))? {
        purging.bury(unit, "delivery", delivery)?;
    }
    Ok(())
}

/// Destroys a message; nothing where it is destroyed already.
pub(super) fn destroy_message(unit: &Unit<'_>, message: Uuid, purging: &Purging<'_>) -> Result<(), StoreError> {
    let changed = unit.execute(
        "UPDATE message SET identity_index = NULL, content_hash = ?2, data_key = ?2, identity = NULL, content = ?2, acknowledgement = ?2
         WHERE id = ?1 AND length(data_key) > 0",
        (bytes(message), nothing()),
    )?;
    if changed > 0 {
        purging.bury(unit, "message", message)?;
        purging.tell(unit, "message", message)?;
    }
    Ok(())
}

/// Rows that an item seals, with the sealed column and how they are found.
pub(super) const OF_ITEM: [(&str, &str, &str); 6] = [
    ("decision", "body", "item_id = ?1"),
    ("item_remark", "comment", "item_id = ?1 AND comment IS NOT NULL"),
    ("query", "body", "item_id = ?1"),
    ("query_act", "body", "query_id IN (SELECT id FROM query WHERE item_id = ?1)"),
    ("second_review", "worksheet", "item_id = ?1 AND worksheet IS NOT NULL"),
    ("item_outcome", "body", "id = ?1"),
];

/// Words of those who opened the encounter under broken glass, written since then. That they opened it, and the reason's word, stay.
pub(super) fn destroy_glass(unit: &Unit<'_>, item: Uuid, since: i64, purging: &Purging<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE broken_glass SET data_key = ?3, words = ?3 WHERE item_id = ?1 AND at >= ?2 AND length(data_key) > 0 RETURNING id";
    for access in unit.all("broken_glass", sql, (bytes(item), since, nothing()), |row| row.id("id"))? {
        purging.bury(unit, "broken_glass", access)?;
    }
    Ok(())
}

/// The words of one such access, found by their tombstone in another copy of the database.
fn destroy_words(unit: &Unit<'_>, access: Uuid, purging: &Purging<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE broken_glass SET data_key = ?2, words = ?2 WHERE id = ?1 AND length(data_key) > 0";
    if unit.execute(sql, (bytes(access), nothing()))? > 0 { purging.bury(unit, "broken_glass", access) } else { Ok(()) }
}

fn destroy_item(unit: &Unit<'_>, item: Uuid, purging: &Purging<'_>) -> Result<(), StoreError> {
    destroy_glass(unit, item, i64::MIN, purging)?;
    for (table, column, condition) in OF_ITEM {
        let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {condition} AND length({column}) > 0 RETURNING id");
        for row in unit.all(table, &sql, (bytes(item), nothing()), |row| row.id("id"))? {
            purging.bury(unit, table, row)?;
        }
    }
    unit.execute(
        "UPDATE review_item SET data_key = ?2, state = 'finished', claimed_by = NULL, claimed_until = NULL, pended_until = NULL,
                assigned_to = NULL, escalated = 0, place_reason = NULL, encounter_class = NULL, payer_class = NULL,
                waiting = 0, unsure = 0, alerts = 0, hard_edits = 0, prompts = 0, payment = 0, note_types = '', service_from = NULL,
                service_to = NULL, benefit_order = 0, revision = revision + 1, summary_revision = revision + 1,
                outcome_revision = revision + 1
         WHERE id = ?1",
        (bytes(item), nothing()),
    )?;
    purging.bury(unit, "review_item", item)?;
    purging.tell(unit, "item", item)
}

/// Of the number nothing is left, not even what equals it: the index becomes the row's own id.
fn destroy_encounter(unit: &Unit<'_>, encounter: Uuid, purging: &Purging<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE encounter SET data_key = ?2, external_id = ?2, encounter_index = ?3 WHERE id = ?1";
    unit.execute(sql, (bytes(encounter), nothing(), bytes(encounter).to_vec()))?;
    purging.bury(unit, "encounter", encounter)
}

/// Destroys a patient and the numbers that were merged into them.
pub(super) fn destroy_patient(unit: &Unit<'_>, patient: Uuid, purging: &Purging<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE patient SET identity_index = NULL, number_index = NULL, data_key = ?2, details = ?2
               WHERE (id = ?1 OR merged_into = ?1) AND length(data_key) > 0 RETURNING id";
    for row in unit.all("patient", sql, (bytes(patient), nothing()), |row| row.id("id"))? {
        purging.bury(unit, "patient", row)?;
        purging.tell(unit, "patient", row)?;
    }
    Ok(())
}

/// Empties the sealed column of one row that its item seals, found by its tombstone in another copy of the database.
pub(super) fn destroy_row(unit: &Unit<'_>, (kind, id): (&str, Uuid), purging: &Purging<'_>) -> Result<(), StoreError> {
    if kind == "broken_glass" {
        return destroy_words(unit, id, purging);
    }
    let Some((table, column, _)) = OF_ITEM.into_iter().find(|(table, _, _)| *table == kind) else { return Ok(()) };
    let item = match table {
        "query_act" => "SELECT q.id, q.item_id FROM query_act a JOIN query q ON q.id = a.query_id WHERE a.id = ?1".to_owned(),
        "item_outcome" => "SELECT id, id AS item_id FROM item_outcome WHERE id = ?1".to_owned(),
        _ => format!("SELECT id, item_id FROM {table} WHERE id = ?1"),
    };
    let Some(item) = unit.one(table, &item, [bytes(id)], |row| row.id("item_id"))? else { return Ok(()) };
    open_permit(unit, item)?;
    let sql = format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1 AND length({column}) > 0");
    if unit.execute(&sql, (bytes(id), nothing()))? > 0 {
        purging.bury(unit, table, id)?;
    }
    close_permit(unit, item)
}
