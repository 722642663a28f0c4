//! Rows of the review_item table: read, opened, listed.

use jiff::Timestamp;
use rusqlite::params;
use uuid::Uuid;

use super::{
    audit,
    note_rows::{self, open_encounter, open_patient},
    unit::{Columns, Unit, bytes, micros},
    vault::RowKey,
};
use crate::{
    domain::{Decision, ItemState, ReviewItem},
    store::{ItemFilter, ItemRecord, StoreError},
};

/// An expired claim counts as open, so every query that reads a state binds `now` as `?1`.
const ITEM: &str = "
    SELECT i.id, i.encounter_class, i.facility, i.department, i.restricted, i.revision, i.created_at,
           CASE WHEN i.state = 'claimed' AND i.claimed_until <= ?1 THEN 'open' ELSE i.state END AS state,
           CASE WHEN i.claimed_until > ?1 THEN i.claimed_by END AS claimed_by,
           CASE WHEN i.claimed_until > ?1 THEN u.name END AS claimed_name,
           CASE WHEN i.claimed_until > ?1 THEN i.claimed_until END AS claimed_until,
           p.id AS patient_id, p.data_key AS patient_key, p.details,
           e.id AS encounter_id, e.data_key AS encounter_key, e.external_id AS encounter
    FROM review_item i LEFT JOIN user_account u ON u.id = i.claimed_by LEFT JOIN patient p ON p.id = i.patient_id
         LEFT JOIN encounter e ON e.id = i.encounter_id";

/// A page of the queue.
pub(super) fn list(unit: &Unit<'_>, filter: &ItemFilter, now: Timestamp) -> Result<Vec<ReviewItem>, StoreError> {
    let state = match filter.state {
        None => "true",
        Some(ItemState::Open) => "(i.state = 'open' OR (i.state = 'claimed' AND i.claimed_until <= ?1))",
        Some(ItemState::Claimed) => "(i.state = 'claimed' AND i.claimed_until > ?1)",
        Some(ItemState::Finished) => "i.state = 'finished'",
    };
    // Says again what the states imply, so that the small index over the unfinished is used.
    let unfinished =
        if matches!(filter.state, Some(ItemState::Open | ItemState::Claimed)) { "i.state <> 'finished'" } else { "true" };
    let after = if filter.after.is_some() {
        "(i.created_at, i.id) > (SELECT created_at, id FROM review_item WHERE id = ?5)"
    } else {
        "?5 IS NULL"
    };
    let sql = format!(
        "{ITEM} WHERE {state} AND {unfinished} AND {after} AND (?2 IS NULL OR i.facility = ?2)
         AND (?3 IS NULL OR i.department = ?3) AND (?4 OR NOT i.restricted)
         AND (?7 IS NULL OR EXISTS (SELECT 1 FROM note n WHERE n.item_id = i.id AND n.source = ?7)) ORDER BY i.created_at, i.id LIMIT ?6"
    );
    let values = params![
        micros(now),
        filter.facility,
        filter.department,
        filter.include_restricted,
        filter.after.map(bytes),
        filter.limit.clamp(1, 200),
        filter.source
    ];
    unit.all("review_item", &sql, values, |row| open(unit, row))
}

/// One item.
pub(super) fn item(unit: &Unit<'_>, id: Uuid, now: Timestamp) -> Result<Option<ReviewItem>, StoreError> {
    unit.one("review_item", &format!("{ITEM} WHERE i.id = ?2"), (micros(now), bytes(id)), |row| open(unit, row))
}

/// One item with its notes, extractions and decisions.
pub(super) fn record(unit: &Unit<'_>, id: Uuid, now: Timestamp) -> Result<Option<ItemRecord>, StoreError> {
    let Some(item) = item(unit, id, now)? else { return Ok(None) };
    let mut notes = Vec::new();
    for note in note_rows::notes_of_item(unit, id)? {
        let extraction = note_rows::extraction(unit, note.id)?;
        notes.push((note, extraction));
    }
    let key = key_of(unit, id)?;
    let sql = "SELECT id, body FROM decision WHERE item_id = ?1 ORDER BY position";
    let decisions = unit.all("decision", sql, [bytes(id)], |row| {
        key.for_row("decision", row.id("id")?).open_json::<Decision>("body", &row.get::<Vec<u8>>("body")?)
    })?;
    Ok(Some(ItemRecord { item, notes, decisions, overrides: audit::overrides(unit, id)? }))
}

/// The data key of an item.
pub(super) fn key_of(unit: &Unit<'_>, item: Uuid) -> Result<RowKey, StoreError> {
    let key = unit.one("review_item", "SELECT id, data_key FROM review_item WHERE id = ?1", [bytes(item)], |row| {
        unit.vault.data_key("review_item", item, &row.get::<Vec<u8>>("data_key")?)
    })?;
    key.ok_or_else(|| StoreError::Inconsistent {
        table: "review_item",
        id: item.to_string(),
        problem: "it is not there any more".to_owned(),
    })
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<ReviewItem, StoreError> {
    let id = row.id("id")?;
    let sql = "SELECT id, status = 'pending' AND standing = 'current' AS pending FROM note WHERE item_id = ?1 ORDER BY received_at, id";
    let notes = unit.all("note", sql, [bytes(id)], |note| Ok((note.id("id")?, note.get::<bool>("pending")?)))?;
    Ok(ReviewItem {
        id,
        encounter: open_encounter(unit, row)?,
        patient: open_patient(unit, row)?,
        patient_id: row.id_or_none("patient_id")?,
        encounter_class: row.word_or_none("encounter_class", |word| word.parse().ok())?,
        facility: row.get("facility")?,
        department: row.get("department")?,
        restricted: row.get("restricted")?,
        state: row.word("state", |word| word.parse().ok())?,
        claimed_by: row.id_or_none("claimed_by")?.zip(row.get("claimed_name")?),
        claimed_until: row.instant_or_none("claimed_until")?,
        revision: row.unsigned("revision")?,
        pending_notes: u32::try_from(notes.iter().filter(|(_, pending)| *pending).count()).unwrap_or(u32::MAX),
        notes: notes.into_iter().map(|(id, _)| id).collect(),
        created_at: row.instant("created_at")?,
    })
}
