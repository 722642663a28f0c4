//! What is kept of a patient, and a merge of two record numbers taken back.

use uuid::Uuid;

use super::{
    access,
    audit::{self, Cause, Event},
    encounters, note_rows, outbox, outcomes, patients,
    retention::holds_on,
    unit::{Unit, bytes, derived_id, micros},
};
use crate::{
    domain::Patient,
    store::{BesideItem, BesideNote, KeptExtraction, Named, PatientRecord, StoreError, Unmerged},
};

/// What is kept of a patient.
pub(super) fn record(unit: &Unit<'_>, id: Uuid) -> Result<Option<PatientRecord>, StoreError> {
    let sql = "SELECT id AS patient_id, data_key AS patient_key, details FROM patient
               WHERE (id = ?1 OR merged_into = ?1) AND length(data_key) > 0 ORDER BY created_at, id";
    let found = unit.all("patient", sql, [bytes(id)], |row| {
        Ok(note_rows::open_patient(unit, row)?.map(|patient| (patient, row.id("patient_id"))))
    })?;
    let (mut own, mut merged) = (None, Vec::new());
    for (patient, row) in found.into_iter().flatten() {
        let row = row?;
        if row == id {
            own = Some(patient);
        } else {
            merged.push((row, patient));
        }
    }
    let Some(patient) = own else { return Ok(None) };
    let ids = |sql: &str| unit.all("patient", sql, [bytes(id)], |row| row.id("id"));
    let items = ids("SELECT id FROM review_item WHERE patient_id = ?1 ORDER BY created_at, id")?;
    let notes = ids("SELECT id FROM note WHERE patient_id = ?1 ORDER BY received_at, id")?;
    let holds = holds_on(unit, Some(id), &[&items[..], &notes].concat())?;
    let messages = ids("SELECT id FROM message WHERE length(data_key) > 0 AND note_id IN
             (SELECT n.id FROM note n WHERE n.patient_id = ?1
              UNION SELECT n.id FROM note n JOIN review_item i ON i.id = n.item_id WHERE i.patient_id = ?1)
         ORDER BY received_at, id")?;
    let mut users = Vec::new();
    for (user, _) in access::own_patients(unit, None)?.into_iter().filter(|(_, patient)| *patient == id) {
        let sql = "SELECT name FROM user_account WHERE id = ?1";
        users.extend(unit.one("user_account", sql, [bytes(user)], |row| row.get::<String>("name"))?);
    }
    Ok(Some(PatientRecord { id, patient, merged, items, notes, holds, messages, users }))
}

/// What is kept of a note beside it.
pub(super) fn beside_note(unit: &Unit<'_>, note: Uuid) -> Result<BesideNote, StoreError> {
    let Some(key) = note_rows::key_of(unit, note)? else { return Ok(BesideNote::default()) };
    let sql =
        "SELECT id, live, recorded_at, body FROM extraction WHERE note_id = ?1 AND length(body) > 0 ORDER BY recorded_at, id";
    let extractions = unit.all("extraction", sql, [bytes(note)], |row| {
        let id = row.id("id")?;
        Ok(KeptExtraction {
            id,
            is_live: row.get::<i64>("live")? == 1,
            at: row.instant("recorded_at")?,
            body: key.for_row("extraction", id).open_json("body", &row.get::<Vec<u8>>("body")?)?,
        })
    })?;
    let sql = "SELECT u.name, s.at FROM note_seen s JOIN user_account u ON u.id = s.user_id WHERE s.note_id = ?1
               ORDER BY s.at, u.name";
    let seen = unit.all("note_seen", sql, [bytes(note)], |row| Ok((row.get("name")?, row.instant("at")?)))?;
    Ok(BesideNote { extractions, seen })
}

/// What is kept of an encounter beside its record and its notes.
pub(super) fn beside_item(unit: &Unit<'_>, item: Uuid) -> Result<BesideItem, StoreError> {
    Ok(BesideItem {
        outcome: outcomes::kept(unit, item)?,
        accesses: access::of_item(unit, item)?,
        deliveries: outbox::of_item(unit, item)?,
    })
}

/// Takes a merge back. Notes go by the number that they came with; an encounter goes when all its notes do, and is found by its own number
/// again. What the survivor's details took over stays: nobody can tell any more who said it.
pub(super) fn unmerge(unit: &Unit<'_>, named: &Named, cause: &Cause) -> Result<Option<Unmerged>, StoreError> {
    let Named::Patient { source, record, system } = named else { return Ok(None) };
    let patient = Patient { id: record.clone(), system: system.clone(), ..Patient::default() };
    unit.hold_indexes(&[patients::number_index(unit.vault, source, record)])?;
    let Some(found) = patients::find(unit, source, &patient)?.filter(|found| found.patient != found.row) else {
        return Ok(None);
    };
    let (own, survivor) = (found.row, found.patient);
    unit.hold_rows("patient", "id IN (?1, ?2)", (bytes(own), bytes(survivor)))?;
    let pair = (bytes(own), bytes(survivor));
    unit.hold_rows("encounter", "patient_id = ?1", [bytes(survivor)])?;
    unit.hold_rows("review_item", "patient_id = ?1", [bytes(survivor)])?;
    // its items, and whether all their notes came with it
    let sql = "SELECT i.id, i.encounter_id,
                      CASE WHEN EXISTS (SELECT 1 FROM note o WHERE o.item_id = i.id AND (o.came_with IS NULL OR o.came_with <> ?1)) THEN 1
                           ELSE 0 END AS is_shared
               FROM review_item i WHERE i.patient_id = ?2
                 AND EXISTS (SELECT 1 FROM note n WHERE n.item_id = i.id AND n.came_with = ?1) ORDER BY i.id";
    let items = unit.all("review_item", sql, pair, |row| {
        Ok((row.id("id")?, row.id_or_none("encounter_id")?, row.get::<i64>("is_shared")? == 1))
    })?;
    let mut unmerged = Unmerged::default();
    for (item, encounter, is_shared) in items {
        if is_shared {
            unmerged.shared += 1;
            continue;
        }
        unmerged.encounters += 1;
        unmerged.notes += unit.execute("UPDATE note SET patient_id = ?2 WHERE item_id = ?1", (bytes(item), bytes(own)))? as u64;
        let sql = "UPDATE review_item SET patient_id = ?2, revision = revision + 1 WHERE id = ?1";
        unit.execute(sql, (bytes(item), bytes(own)))?;
        if let Some(encounter) = encounter {
            give_back(unit, (encounter, item), own)?;
        }
    }
    // what is held stays so, whosever it is by now
    for hold in holds_on(unit, Some(survivor), &[])?.into_iter().filter(|hold| hold.subject.id() == survivor) {
        unit.execute(
            "INSERT INTO legal_hold (id, kind, subject_id, reason, actor, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                bytes(derived_id(hold.id, "unmerged")),
                hold.subject.kind(),
                bytes(own),
                &hold.reason,
                &cause.actor.name,
                micros(cause.now),
            ),
        )?;
        audit::append(unit, cause, &Event::of("hold.added", "patient", own, &format!("{} as hold {}", hold.reason, hold.id)))?;
    }
    unit.execute("UPDATE patient SET merged_into = NULL WHERE id = ?1", [bytes(own)])?;
    let detail = format!(
        "from {survivor}: {} notes, {} encounters; {} shared stay",
        unmerged.notes, unmerged.encounters, unmerged.shared
    );
    audit::append(unit, cause, &Event::of("patient.unmerged", "patient", own, &detail))?;
    Ok(Some(unmerged))
}

/// Links an encounter to the patient it came with, under its own number unless another one of this patient has it by now.
fn give_back(unit: &Unit<'_>, (encounter, item): (Uuid, Uuid), patient: Uuid) -> Result<(), StoreError> {
    unit.execute("UPDATE encounter SET patient_id = ?2 WHERE id = ?1", (bytes(encounter), bytes(patient)))?;
    let source = unit.one("note", "SELECT source FROM note WHERE item_id = ?1 ORDER BY id LIMIT 1", [bytes(item)], |row| {
        row.get::<String>("source")
    })?;
    let sql = "SELECT id AS encounter_id, data_key AS encounter_key, external_id AS encounter FROM encounter WHERE id = ?1";
    let number = unit.one("encounter", sql, [bytes(encounter)], |row| note_rows::open_encounter(unit, row))?.flatten();
    let Some((source, number)) = source.zip(number) else { return Ok(()) };
    let index = encounters::encounter_index(unit.vault, &source, &number);
    let sql = "SELECT count(*) AS n FROM encounter WHERE encounter_index = ?1 AND patient_id = ?2 AND id <> ?3";
    if unit.count(sql, (index, bytes(patient), bytes(encounter)))? == 0 {
        unit.execute("UPDATE encounter SET encounter_index = ?2 WHERE id = ?1", (bytes(encounter), index))?;
    }
    Ok(())
}
