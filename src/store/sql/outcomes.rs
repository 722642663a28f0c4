//! How the entries of encounters came out: kept sealed beside the item, read by time.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    items,
    reports::seen,
    unit::{Columns, Unit, bytes, micros},
    value::{Value, params},
};
use crate::{
    domain::{ItemOutcome, ItemState},
    store::{OutcomeEnd, OutcomeTime, OutcomeWindow, ReportScope, StoreError},
};

/// Keeps an outcome, unless the item changed since it was worked out.
pub(super) fn keep(unit: &Unit<'_>, mut outcome: ItemOutcome) -> Result<(), StoreError> {
    let (id, revision) = (outcome.item, i64::try_from(outcome.revision).unwrap_or(i64::MAX));
    // what seals it stays while it is written: a purge of notes seals the item anew
    unit.hold_row("review_item", id)?;
    let sql = "UPDATE review_item SET outcome_revision = ?2 WHERE id = ?1 AND revision = ?2";
    if unit.execute(sql, (bytes(id), revision))? == 0 || items::is_purged(unit, id)? {
        return Ok(());
    }
    outcome.finished = if outcome.state == ItemState::Finished { finished(unit, id)? } else { None };
    let body = serde_json::to_vec(&outcome).map_err(|_| inconsistent(id, "it is not written as JSON"))?;
    let body = items::key_of(unit, id)?.for_row("item_outcome", id).seal("body", &body);
    unit.execute(
        "INSERT INTO item_outcome (id, received_at, finished_at, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at, finished_at = excluded.finished_at, body = excluded.body",
        params![bytes(id), micros(outcome.received_at), outcome.finished.as_ref().map(|(at, _, _)| micros(*at)), body],
    )?;
    Ok(())
}

/// When an item was finished last, and by whom; none where nobody finished it.
fn finished(unit: &Unit<'_>, item: Uuid) -> Result<Option<(Timestamp, Uuid, String)>, StoreError> {
    let sql = "SELECT actor_id, actor_name, at FROM audit_event WHERE subject_id = ?1 AND action = 'item.finished' AND actor_id IS NOT NULL
               ORDER BY sequence DESC LIMIT 1";
    let found = unit.all("audit_event", sql, [bytes(item)], |row| {
        Ok((row.instant("at")?, row.id("actor_id")?, row.get::<String>("actor_name")?))
    })?;
    Ok(found.into_iter().next())
}

/// Outcomes of a time that the reader may see, in the order of that time, behind `after`, at most `limit`. What changed and was not worked out
/// again yet is left out: an older program may have sealed the item anew.
pub(super) fn page(
    unit: &Unit<'_>,
    scope: &ReportScope,
    (window, after): (&OutcomeWindow, Option<OutcomeEnd>),
    limit: u32,
) -> Result<Vec<ItemOutcome>, StoreError> {
    let (column, condition) = match window.by {
        OutcomeTime::Finished => ("finished_at", " AND i.state = 'finished'"),
        OutcomeTime::Received => ("received_at", ""),
    };
    let mut values =
        vec![Value::Integer(micros(window.from)), Value::Integer(micros(window.until)), Value::Integer(limit.into())];
    let mut behind = String::new();
    if let Some((at, id)) = after {
        values.extend([Value::Integer(micros(at)), Value::Blob(bytes(id).to_vec().into())]);
        behind = format!(" AND (o.{column}, o.id) > (?4, ?5)");
    }
    let seen = seen(scope, &mut values);
    let sql = format!(
        "SELECT o.id, o.body, i.data_key, i.patient_id, i.state, i.facility, i.department
         FROM item_outcome o JOIN review_item i ON i.id = o.id
         WHERE o.{column} >= ?1 AND o.{column} < ?2{condition}{behind} AND i.outcome_revision = i.revision AND length(o.body) > 0{seen}
         ORDER BY o.{column}, o.id LIMIT ?3"
    );
    unit.all("item_outcome", &sql, values, |row| open(unit, row))
}

/// What is kept of an item's outcome, as it stands; none while it is worked out anew.
pub(super) fn kept(unit: &Unit<'_>, item: Uuid) -> Result<Option<serde_json::Value>, StoreError> {
    let sql = "SELECT o.id, o.body, i.data_key FROM item_outcome o JOIN review_item i ON i.id = o.id
               WHERE o.id = ?1 AND i.outcome_revision = i.revision AND length(o.body) > 0";
    unit.one("item_outcome", sql, [bytes(item)], |row| {
        let key = unit.vault.data_key("review_item", item, &row.get::<Vec<u8>>("data_key")?)?;
        key.for_row("item_outcome", item).open_json("body", &row.get::<Vec<u8>>("body")?)
    })
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<ItemOutcome, StoreError> {
    let id = row.id("id")?;
    let key = unit.vault.data_key("review_item", id, &row.get::<Vec<u8>>("data_key")?)?;
    let outcome: ItemOutcome = key.for_row("item_outcome", id).open_json("body", &row.get::<Vec<u8>>("body")?)?;
    // what can change without its entries
    Ok(ItemOutcome {
        patient: row.id_or_none("patient_id")?,
        state: row.word("state", |word| word.parse().ok())?,
        facility: row.get("facility")?,
        department: row.get("department")?,
        ..outcome
    })
}

fn inconsistent(id: Uuid, problem: &str) -> StoreError {
    StoreError::Inconsistent { table: "item_outcome", id: id.to_string(), problem: problem.to_owned() }
}
