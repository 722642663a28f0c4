//! Reports of accesses: who read or changed what, of one thing and what belongs to it, or by one user.

use uuid::Uuid;

use super::{
    audit::{EVENT, event},
    patients,
    unit::{Unit, bytes, micros},
    value::Value,
};
use crate::store::{AccessEnd, AccessFilter, AuditEvent, StoreError};

/// Things that one report looks at, at most: more than a patient has.
const MOST_THINGS: usize = 30_000;

/// What belongs to a thing, whatever it is: notes and queries of an item; the item and the notes of an encounter; encounters, items, notes and
/// queries of a patient, and those who were merged into it.
const BELONGS: &str = "SELECT id FROM note WHERE item_id = ?1
    UNION SELECT id FROM query WHERE item_id = ?1
    UNION SELECT id FROM review_item WHERE encounter_id = ?1
    UNION SELECT id FROM note WHERE encounter_id = ?1
    UNION SELECT id FROM encounter WHERE patient_id = ?1
    UNION SELECT id FROM review_item WHERE patient_id = ?1
    UNION SELECT id FROM note WHERE patient_id = ?1
    UNION SELECT n.id FROM note n JOIN review_item i ON i.id = n.item_id WHERE i.patient_id = ?1
    UNION SELECT q.id FROM query q JOIN review_item i ON i.id = q.item_id WHERE i.patient_id = ?1
    UNION SELECT id FROM patient WHERE merged_into = ?1";

/// Events that meet the filter, newest first.
pub(super) fn list(
    unit: &Unit<'_>,
    filter: &AccessFilter,
    after: Option<AccessEnd>,
    limit: u32,
) -> Result<Vec<AuditEvent>, StoreError> {
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<Value<'static>> = Vec::new();
    let mut and = |condition: &str, value: Value<'static>| {
        conditions.push(condition.to_owned());
        values.push(value);
    };
    if let Some(actor) = &filter.actor {
        and("actor_name = ?", Value::Text(actor.clone().into()));
    }
    if let Some(action) = &filter.action {
        and("action = ?", Value::Text(action.clone().into()));
    }
    if let Some(from) = filter.from {
        and("at >= ?", Value::Integer(micros(from)));
    }
    if let Some(until) = filter.until {
        and("at < ?", Value::Integer(micros(until)));
    }
    if let Some((at, sequence)) = after {
        conditions.push("(at, sequence) < (?, ?)".to_owned());
        values.extend([Value::Integer(micros(at)), Value::Integer(sequence)]);
    }
    let order = match &filter.of {
        None => "at DESC, sequence DESC",
        Some(things) => {
            let things = with_what_belongs(unit, things)?;
            if things.is_empty() {
                return Ok(Vec::new());
            }
            conditions.push(format!("subject_id IN ({})", vec!["?"; things.len()].join(", ")));
            values.extend(things.into_iter().map(|id| Value::Blob(bytes(id).to_vec().into())));
            // a sum has no index: the few events of the things are found first and put in order then
            "at + 0 DESC, sequence + 0 DESC"
        }
    };
    values.push(Value::Integer(limit.into()));
    let sql = format!("{EVENT} WHERE {} ORDER BY {order} LIMIT ?", conditions.join(" AND "));
    unit.all("audit_event", &sql, values, event)
}

fn with_what_belongs(unit: &Unit<'_>, things: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut all = things.to_vec();
    for thing in things {
        all.extend(unit.all("note", BELONGS, [bytes(*thing)], |row| row.id("id"))?);
    }
    all.sort_unstable();
    all.dedup();
    if all.len() > MOST_THINGS {
        return Err(StoreError::Refused(
            "more belongs to it than one report looks at; ask for its encounters one by one".to_owned(),
        ));
    }
    Ok(all)
}

/// The patients of a record number at a source.
pub(super) fn patients_numbered(unit: &Unit<'_>, source: &str, number: &str) -> Result<Vec<Uuid>, StoreError> {
    if number.is_empty() {
        return Ok(Vec::new());
    }
    let index = patients::number_index(unit.vault, source, number);
    let sql = "SELECT coalesce(merged_into, id) AS id FROM patient WHERE identity_index = ?1
               UNION SELECT coalesce(merged_into, id) FROM patient WHERE number_index = ?1";
    unit.all("patient", sql, [index], |row| row.id("id"))
}
