//! Purges, holds, what is due, and leases: the trait over `purge`, `reseal`, `proof` and `patient_rights`.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    encounters, note_rows, patient_rights, patients, proof,
    purge::{self, Purging},
    unit::{Columns, Unit, bytes, micros},
    value::Value,
};
use crate::{
    domain::Patient,
    store::{
        Actor, AuditEvent, BesideItem, BesideNote, HoldChange, ItemPurge, LegalHold, Named, PatientRecord, Proof, PurgeExtent,
        Purged, PurgedItem, RetentionRule, RetentionStore, StoreError, Subject, Tombstone, Unmerged, Versions,
    },
};

#[async_trait]
impl<D: Database> RetentionStore for SqlStore<D> {
    async fn find_subjects(&self, named: Named) -> Result<Vec<Subject>, StoreError> {
        self.database.read(move |unit| find(unit, &named)).await
    }

    async fn purge_extent(&self, subject: Subject, versions: Versions) -> Result<Option<PurgeExtent>, StoreError> {
        self.database.read(move |unit| extent(unit, subject, versions)).await
    }

    async fn purge_item(&self, purge: ItemPurge, actor: Actor, now: Timestamp) -> Result<Purged, StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| purge::item(unit, &purge, &cause)).await
    }

    async fn purge_patient(
        &self,
        patient: Uuid,
        (messages, reason): (Vec<Uuid>, String),
        actor: Actor,
        now: Timestamp,
    ) -> Result<Purged, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_row("patient", patient)?;
                let holds = holds_on(unit, Some(patient), &[])?;
                if !holds.is_empty() {
                    return Ok(Purged::Held(holds));
                }
                if purge::has_notes(unit, patient)? {
                    return Ok(Purged::Changed);
                }
                let purging = Purging { cause: &cause, reason: &reason };
                for message in &messages {
                    purge::destroy_message(unit, *message, &purging)?;
                }
                purge::destroy_patient(unit, patient, &purging)?;
                Ok(Purged::Done { notes: 0 })
            })
            .await
    }

    async fn settle_purge(&self) -> Result<(), StoreError> {
        self.database.settle().await
    }

    async fn due_notes(&self, rule: RetentionRule, after: Uuid, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        self.database.read(move |unit| due(unit, &rule, after, limit)).await
    }

    async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreError> {
        self.database.read(proof::tombstones).await
    }

    async fn prove(&self) -> Result<Proof, StoreError> {
        self.database.read(|unit| proof::prove(unit.session, &unit.vault.keys(), &proof::tombstones(unit)?)).await
    }

    async fn add_hold(&self, hold: LegalHold, actor: Actor) -> Result<HoldChange, StoreError> {
        let cause = Cause { actor, now: hold.at };
        self.database
            .write(move |unit| {
                // whoever purges it holds the row too, so the hold stands before or comes too late
                let (table, id) = (table_of(hold.subject), hold.subject.id());
                unit.hold_row(table, id)?;
                let state = if table == "note" { "purged_at IS NULL" } else { "length(data_key) > 0" };
                let sql = format!("SELECT id, CASE WHEN {state} THEN 1 ELSE 0 END AS is_kept FROM {table} WHERE id = ?1");
                match unit.one(table, &sql, [bytes(id)], |row| row.get::<i64>("is_kept"))? {
                    None => return Ok(HoldChange::Missing),
                    Some(0) => return Ok(HoldChange::TooLate),
                    Some(_) => {}
                }
                unit.execute(
                    "INSERT INTO legal_hold (id, kind, subject_id, reason, actor, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    (bytes(hold.id), hold.subject.kind(), bytes(id), &hold.reason, &cause.actor.name, micros(hold.at)),
                )?;
                let detail = format!("{} hold {}", hold.reason, hold.id);
                audit::append(unit, &cause, &Event::of("hold.added", audited(hold.subject), id, &detail))?;
                Ok(HoldChange::Done)
            })
            .await
    }

    async fn release_hold(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<HoldChange, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_row("legal_hold", id)?;
                let found = unit.one("legal_hold", &format!("{HOLD} WHERE id = ?1"), [bytes(id)], hold)?;
                let Some(hold) = found else { return Ok(HoldChange::Missing) };
                if hold.released.is_some() {
                    return Ok(HoldChange::TooLate);
                }
                let sql = "UPDATE legal_hold SET released_by = ?2, released_at = ?3 WHERE id = ?1";
                unit.execute(sql, (bytes(id), &cause.actor.name, micros(cause.now)))?;
                let detail = format!("{} hold {id}", hold.reason);
                let event = Event::of("hold.released", audited(hold.subject), hold.subject.id(), &detail);
                audit::append(unit, &cause, &event)?;
                Ok(HoldChange::Done)
            })
            .await
    }

    async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        let sql = format!("{HOLD} ORDER BY at, id");
        self.database.read(move |unit| unit.all("legal_hold", &sql, (), hold)).await
    }

    async fn take_lease(&self, name: &str, holder: Uuid, until: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |unit| {
                let sql = "INSERT INTO work_lease (name, holder, lease_until) VALUES (?1, ?2, ?3)
                           ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
                           WHERE work_lease.holder = excluded.holder OR work_lease.lease_until <= ?4";
                Ok(unit.execute(sql, (&name, bytes(holder), micros(until), micros(now)))? > 0)
            })
            .await
    }

    async fn patient_record(&self, id: Uuid) -> Result<Option<PatientRecord>, StoreError> {
        self.database.read(move |unit| patient_rights::record(unit, id)).await
    }

    async fn beside_note(&self, note: Uuid) -> Result<BesideNote, StoreError> {
        self.database.read(move |unit| patient_rights::beside_note(unit, note)).await
    }

    async fn beside_item(&self, item: Uuid) -> Result<BesideItem, StoreError> {
        self.database.read(move |unit| patient_rights::beside_item(unit, item)).await
    }

    async fn events_about(&self, subjects: Vec<Uuid>, after: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        self.database.read(move |unit| audit::about(unit, &subjects, after, limit)).await
    }

    async fn unmerge_patient(&self, named: Named, actor: Actor, now: Timestamp) -> Result<Option<Unmerged>, StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| patient_rights::unmerge(unit, &named, &cause)).await
    }
}

const HOLD: &str = "SELECT id, kind, subject_id, reason, actor, at, released_by, released_at FROM legal_hold";

fn hold(row: &Columns<'_>) -> Result<LegalHold, StoreError> {
    let subject = row.id("subject_id")?;
    Ok(LegalHold {
        id: row.id("id")?,
        subject: row.word("kind", |kind| Subject::of(kind, subject))?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        at: row.instant("at")?,
        released: row.get::<Option<String>>("released_by")?.zip(row.instant_or_none("released_at")?),
    })
}

const fn table_of(subject: Subject) -> &'static str {
    match subject {
        Subject::Patient(_) => "patient",
        Subject::Encounter(_) => "review_item",
        Subject::Note(_) => "note",
    }
}

/// The kind of a subject as the audit trail calls it.
const fn audited(subject: Subject) -> &'static str {
    match subject {
        Subject::Patient(_) => "patient",
        Subject::Encounter(_) => "item",
        Subject::Note(_) => "note",
    }
}

/// Holds that stand on one of these subjects, on the patient, or on a number that was merged into the patient.
pub(super) fn holds_on(unit: &Unit<'_>, patient: Option<Uuid>, subjects: &[Uuid]) -> Result<Vec<LegalHold>, StoreError> {
    let mut found = Vec::new();
    if let Some(patient) = patient {
        let sql = format!(
            "{HOLD} WHERE released_at IS NULL AND subject_id IN (SELECT id FROM patient WHERE id = ?1 OR merged_into = ?1)
             ORDER BY at, id"
        );
        found.extend(unit.all("legal_hold", &sql, [bytes(patient)], hold)?);
    }
    let sql = format!("{HOLD} WHERE subject_id = ?1 AND released_at IS NULL ORDER BY at, id");
    for subject in subjects {
        found.extend(unit.all("legal_hold", &sql, [bytes(*subject)], hold)?);
    }
    Ok(found)
}

fn find(unit: &Unit<'_>, named: &Named) -> Result<Vec<Subject>, StoreError> {
    match named {
        Named::Patient { source, record, system } => {
            let patient = Patient { id: record.clone(), system: system.clone(), ..Patient::default() };
            Ok(patients::find(unit, source, &patient)?.map(|found| Subject::Patient(found.patient)).into_iter().collect())
        }
        Named::Encounter { source, number } => {
            let index = encounters::encounter_index(unit.vault, source, number);
            let sql = "SELECT i.id FROM review_item i JOIN encounter e ON e.id = i.encounter_id WHERE e.encounter_index = ?1
                       ORDER BY i.created_at, i.id";
            unit.all("review_item", sql, [index], |row| row.id("id").map(Subject::Encounter))
        }
        Named::Note { source, external_id } => {
            let index = note_rows::identity_index(unit.vault, source, external_id);
            let sql = "SELECT id FROM note WHERE identity_index = ?1 ORDER BY received_at DESC, id DESC LIMIT 1";
            unit.all("note", sql, [index], |row| row.id("id").map(Subject::Note))
        }
    }
}

fn extent(unit: &Unit<'_>, subject: Subject, versions: Versions) -> Result<Option<PurgeExtent>, StoreError> {
    let ids = |sql: &str, of: Uuid| unit.all("", sql, [bytes(of)], |row| row.id("id"));
    let kept = "SELECT id FROM review_item WHERE id = ?1 AND length(data_key) > 0";
    let mut extent = PurgeExtent::default();
    let mut patient = None;
    let items = match subject {
        Subject::Patient(id) => {
            if ids("SELECT id FROM patient WHERE id = ?1 AND length(data_key) > 0", id)?.is_empty() {
                return Ok(None);
            }
            (extent.patient, patient) = (Some(id), Some(id));
            ids("SELECT id FROM review_item WHERE patient_id = ?1 AND length(data_key) > 0 ORDER BY created_at, id", id)?
        }
        Subject::Encounter(id) => ids(kept, id)?,
        Subject::Note(id) => {
            let notes = match versions {
                Versions::This => ids("SELECT id FROM note WHERE id = ?1 AND purged_at IS NULL", id)?,
                Versions::All => ids(
                    "SELECT id FROM note WHERE purged_at IS NULL
                         AND (id = ?1 OR identity_index = (SELECT identity_index FROM note WHERE id = ?1))
                     ORDER BY received_at, id",
                    id,
                )?,
            };
            for note in notes {
                for item in ids("SELECT item_id AS id FROM note WHERE id = ?1", note)? {
                    match extent.items.iter_mut().find(|found| found.item == item) {
                        Some(found) => found.notes.push(note),
                        None => extent.items.push(PurgedItem { item, notes: vec![note], is_whole: false }),
                    }
                }
            }
            Vec::new()
        }
    };
    let notes_of = "SELECT id FROM note WHERE item_id = ?1 AND purged_at IS NULL ORDER BY received_at, id";
    for item in items {
        extent.items.push(PurgedItem { item, notes: ids(notes_of, item)?, is_whole: true });
    }
    for item in &mut extent.items {
        item.is_whole = item.notes.len() == ids(notes_of, item.item)?.len();
        let of = match patient {
            Some(_) => None,
            None => {
                let sql = "SELECT id, patient_id FROM review_item WHERE id = ?1";
                unit.one("review_item", sql, [bytes(item.item)], |row| row.id_or_none("patient_id"))?.flatten()
            }
        };
        extent.holds.extend(holds_on(unit, of, &[&[item.item][..], &item.notes].concat())?);
    }
    extent.holds.extend(holds_on(unit, patient, &[])?);
    extent.holds.dedup();
    Ok((extent.patient.is_some() || !extent.items.is_empty()).then_some(extent))
}

/// Two steps, so that each has its index: notes with a day, and notes without one.
fn due(unit: &Unit<'_>, rule: &RetentionRule, after: Uuid, limit: u32) -> Result<Vec<Uuid>, StoreError> {
    let day = "coalesce(n.discharge_date, n.service_date)";
    let of_day = (format!("{day} IS NOT NULL AND {day} < ?1"), Value::Text(rule.day.to_string().into()));
    let of_arrival = (format!("{day} IS NULL AND n.received_at < ?1"), Value::Integer(micros(rule.arrival)));
    let mut found = Vec::new();
    for (condition, border) in [of_day, of_arrival] {
        let mut values: Vec<Value<'_>> = vec![border, Value::Blob(bytes(after).to_vec().into()), Value::Integer(limit.into())];
        let types = match &rule.note_type {
            Some(one) => {
                values.push(Value::Text(one.as_str().into()));
                "n.note_type = ?4".to_owned()
            }
            None if rule.others.is_empty() => "true".to_owned(),
            None => {
                values.extend(rule.others.iter().map(|other| Value::Text(other.as_str().into())));
                let places: Vec<String> = (4..4 + rule.others.len()).map(|place| format!("?{place}")).collect();
                format!("(n.note_type IS NULL OR n.note_type NOT IN ({}))", places.join(", "))
            }
        };
        let sql = format!(
            "SELECT n.id FROM note n JOIN review_item i ON i.id = n.item_id
             WHERE n.purged_at IS NULL AND {condition} AND n.id > ?2 AND {types} AND i.state = 'finished'
               AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.released_at IS NULL AND (h.subject_id = n.id
                   OR h.subject_id = n.item_id OR h.subject_id IN (SELECT p.id FROM patient p WHERE p.id = n.patient_id OR p.merged_into = n.patient_id)))
             ORDER BY n.id LIMIT ?3"
        );
        found.extend(unit.all("note", &sql, values, |row| row.id("id"))?);
    }
    found.sort_unstable();
    found.truncate(limit as usize);
    Ok(found)
}
