//! Searches: identifiers are compared by blind index, once for each source that there is.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore, access, encounters, note_rows, patients,
    unit::{Columns, Unit, bytes},
    value::Value,
};
use crate::{
    domain::{Note, Patient},
    store::{ChartStore, NoteSearch, PatientNumber, StoreError},
};

/// The most items that one search finds: more encounters than a patient has.
const MOST_ITEMS: u32 = 10_000;

#[async_trait]
impl<D: Database> ChartStore for SqlStore<D> {
    async fn find_notes(&self, search: NoteSearch, after: Option<Uuid>, limit: u32) -> Result<Vec<Note>, StoreError> {
        self.database
            .read(move |unit| {
                let Some(mut condition) = condition(unit, &search)? else { return Ok(Vec::new()) };
                if let Some(after) = after {
                    condition.and("(n.received_at, n.id) > (SELECT received_at, id FROM note WHERE id = ?)", [blob(after)]);
                }
                condition.values.push(Value::Integer(limit.into()));
                let rest = format!("WHERE {} ORDER BY n.received_at, n.id LIMIT ?", condition.sql);
                note_rows::notes_where(unit, &rest, condition.values)
            })
            .await
    }

    async fn find_patients(
        &self,
        search: NoteSearch,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<(Uuid, Patient)>, StoreError> {
        self.database
            .read(move |unit| {
                let Some(mut condition) = condition(unit, &search)? else { return Ok(Vec::new()) };
                condition.values.extend([blob(after.unwrap_or_default()), Value::Integer(limit.into())]);
                let sql = format!(
                    "SELECT id, data_key, details FROM patient WHERE id IN (SELECT n.patient_id FROM note n WHERE {}) AND id > ?
                     ORDER BY id LIMIT ?",
                    condition.sql
                );
                unit.all("patient", &sql, condition.values, |row| opened(unit, row))
            })
            .await
    }

    async fn find_items(&self, search: NoteSearch) -> Result<Vec<Uuid>, StoreError> {
        self.database
            .read(move |unit| {
                let Some(mut condition) = condition(unit, &search)? else { return Ok(Vec::new()) };
                let mut sql =
                    format!("SELECT id FROM review_item WHERE id IN (SELECT n.item_id FROM note n WHERE {})", condition.sql);
                // an encounter can be hidden by another note of it
                for (column, limit) in [("facility", &search.facility), ("department", &search.department)] {
                    if let Some(limit) = limit {
                        sql.push_str(&format!(" AND {column} = ?"));
                        condition.values.push(Value::Text(limit.clone().into()));
                    }
                }
                if !search.include_restricted {
                    sql.push_str(" AND restricted = 0");
                }
                sql.push_str(&format!(" AND {}", access::cleared("review_item", search.clearances)));
                sql.push_str(&format!(" ORDER BY created_at, id LIMIT {MOST_ITEMS}"));
                unit.all("review_item", &sql, condition.values, |row| row.id("id"))
            })
            .await
    }

    async fn changed_at(&self, items: Vec<Uuid>) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
        // the words of the index over the changes of items stand in the query, so that it is used
        let sql = "SELECT ?1 AS id, max(at) AS at FROM (
                       SELECT max(at) AS at FROM audit_event
                       WHERE subject_id = ?1 AND subject_kind = 'item' AND action <> 'item.read'
                       UNION ALL SELECT max(received_at) FROM note WHERE item_id = ?1
                       UNION ALL SELECT max(x.recorded_at) FROM extraction x JOIN note n ON n.id = x.note_id WHERE n.item_id = ?1) AS changes";
        self.database
            .read(move |unit| {
                let mut found = Vec::with_capacity(items.len());
                for item in &items {
                    let at = unit.one("review_item", sql, [bytes(*item)], |row| row.instant_or_none("at"))?;
                    found.extend(at.flatten().map(|at| (*item, at)));
                }
                Ok(found)
            })
            .await
    }

    async fn extracted_at(&self, item: Uuid) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
        let sql = "SELECT x.note_id, x.recorded_at FROM extraction x JOIN note n ON n.id = x.note_id
                   WHERE n.item_id = ?1 AND x.live = 1";
        self.database
            .read(move |unit| {
                unit.all("extraction", sql, [bytes(item)], |row| Ok((row.id("note_id")?, row.instant("recorded_at")?)))
            })
            .await
    }
}

/// A condition over the note `n`, with its values in order.
#[derive(Default)]
struct Condition {
    sql: String,
    values: Vec<Value<'static>>,
}

impl Condition {
    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value<'static>>) {
        if !self.sql.is_empty() {
            self.sql.push_str(" AND ");
        }
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    fn one_of(&mut self, column: &str, values: Vec<Value<'static>>) {
        let places = vec!["?"; values.len()].join(", ");
        self.and(&format!("{column} IN ({places})"), values);
    }
}

/// The search as a condition; none when no row can meet it.
fn condition(unit: &Unit<'_>, search: &NoteSearch) -> Result<Option<Condition>, StoreError> {
    let mut condition = Condition::default();
    condition.and("n.purged_at IS NULL", []);
    let sources = match &search.source {
        Some(source) => vec![source.clone()],
        None if search.patient.is_some() || search.encounter.is_some() || search.external_id.is_some() => sources(unit)?,
        None => Vec::new(),
    };
    if let Some(patient) = &search.patient {
        condition.one_of("n.patient_id", patients_of(unit, &sources, patient)?);
    }
    if let Some(number) = &search.encounter {
        let mut found = Vec::new();
        for source in &sources {
            let index = encounters::encounter_index(unit.vault, source, number);
            let sql = "SELECT id FROM encounter WHERE encounter_index = ?1";
            found.extend(unit.all("encounter", sql, [index], |row| row.id("id").map(blob))?);
        }
        condition.one_of("n.encounter_id", found);
    }
    if let Some(id) = &search.external_id {
        let index = |source: &String| Value::Blob(note_rows::identity_index(unit.vault, source, id).to_vec().into());
        condition.one_of("n.identity_index", sources.iter().map(index).collect());
    }
    for (column, value) in
        [("n.source", &search.source), ("n.facility", &search.facility), ("n.department", &search.department)]
    {
        if let Some(value) = value {
            condition.and(&format!("{column} = ?"), [Value::Text(value.clone().into())]);
        }
    }
    if !search.include_restricted {
        condition.and("n.confidentiality = 'normal'", []);
    }
    condition.and(&access::cleared("n", search.clearances), []);
    for patient in &search.hidden_patients {
        let sql = "(n.patient_id IS NULL OR n.patient_id <> ?) AND NOT EXISTS
                   (SELECT 1 FROM review_item own WHERE own.id = n.item_id AND own.patient_id = ?)";
        condition.and(sql, [blob(*patient), blob(*patient)]);
    }
    // an empty list of identifiers is met by nothing
    Ok(if condition.sql.contains("IN ()") { None } else { Some(condition) })
}

/// Every source that has sent a note, each found by one step in the index.
fn sources(unit: &Unit<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "WITH RECURSIVE known (source) AS (
                   SELECT min(source) FROM note
                   UNION ALL SELECT (SELECT min(source) FROM note WHERE source > known.source) FROM known WHERE known.source IS NOT NULL)
               SELECT source FROM known WHERE source IS NOT NULL";
    unit.all("note", sql, (), |row| row.get("source"))
}

/// The patients with this number at these sources, and of this system where one is named.
fn patients_of(unit: &Unit<'_>, sources: &[String], wanted: &PatientNumber) -> Result<Vec<Value<'static>>, StoreError> {
    let mut found = Vec::new();
    if let Some(id) = wanted.id {
        let sql = "SELECT coalesce(merged_into, id) AS survivor FROM patient WHERE id = ?1";
        found.extend(unit.one("patient", sql, [bytes(id)], |row| row.id("survivor").map(blob))?);
    }
    for source in sources.iter().filter(|_| !wanted.number.is_empty()) {
        let index = patients::number_index(unit.vault, source, &wanted.number);
        let sql = "SELECT id, coalesce(merged_into, id) AS survivor, data_key, details FROM patient
                   WHERE identity_index = ?1 OR number_index = ?1";
        let patients = unit.all("patient", sql, [index], |row| Ok((row.id("survivor")?, opened(unit, row)?.1)))?;
        let of_system = |patient: &Patient| wanted.system.is_none() || wanted.system == patient.system;
        found.extend(patients.into_iter().filter(|(_, patient)| of_system(patient)).map(|(id, _)| blob(id)));
    }
    Ok(found)
}

/// A patient of a row that has `id`, `data_key` and `details`.
fn opened(unit: &Unit<'_>, row: &Columns<'_>) -> Result<(Uuid, Patient), StoreError> {
    let id = row.id("id")?;
    let key = unit.vault.data_key("patient", id, &row.get::<Vec<u8>>("data_key")?)?;
    Ok((id, key.open_json("details", &row.get::<Vec<u8>>("details")?)?))
}

fn blob(id: Uuid) -> Value<'static> {
    Value::Blob(bytes(id).to_vec().into())
}
