//! The patient, encounter and review item that a new note belongs to: found by blind index, or made.

use rusqlite::params;
use uuid::Uuid;

use super::{
    note_rows::SealedNote,
    unit::{Unit, bytes, derived_id, micros},
    vault::RowKey,
};
use crate::{
    domain::{Confidentiality, Patient},
    store::StoreError,
};

/// Where a note was put.
pub(super) struct Placing {
    pub(super) patient_id: Option<Uuid>,
    pub(super) encounter_id: Option<Uuid>,
    pub(super) item_id: Uuid,
    /// Whether the item was there before the note.
    pub(super) joined: bool,
}

/// Finds or makes the note's patient, encounter and item.
pub(super) fn place(unit: &Unit<'_>, note: &SealedNote) -> Result<Placing, StoreError> {
    let patient_id = note.content.patient.as_ref().map(|patient| place_patient(unit, note, patient)).transpose()?;
    let encounter_id =
        note.content.encounter.as_deref().map(|number| place_encounter(unit, note, number, patient_id)).transpose()?;
    let mut placing = Placing { patient_id, encounter_id, item_id: derived_id(note.id, "item"), joined: false };
    let known = match encounter_id {
        Some(encounter) => {
            unit.one("review_item", "SELECT id FROM review_item WHERE encounter_id = ?1", [bytes(encounter)], |row| {
                row.id("id")
            })?
        }
        None => item_of_kin(unit, note, patient_id)?,
    };
    match known {
        Some(item) => {
            placing.item_id = item;
            placing.joined = true;
            join_item(unit, note, &placing)?;
        }
        None => add_item(unit, note, &placing)?,
    }
    Ok(placing)
}

/// For a note that names no encounter: the item of its document's other versions, or of the document it relates to. Never one of another patient.
fn item_of_kin(unit: &Unit<'_>, note: &SealedNote, patient_id: Option<Uuid>) -> Result<Option<Uuid>, StoreError> {
    let sql = "SELECT i.id FROM note n JOIN review_item i ON i.id = n.item_id
               WHERE (n.identity_index IN (?1, ?2) OR n.related_index = ?1)
                     AND (?3 IS NULL OR i.patient_id IS NULL OR i.patient_id = ?3)
               ORDER BY n.received_at DESC, n.id DESC LIMIT 1";
    unit.one("review_item", sql, (note.identity, note.related, patient_id.map(bytes)), |row| row.id("id"))
}

/// A known patient takes over what the newer note says of them; what it leaves out stays. A number of another system is another patient's,
/// found by its system too.
fn place_patient(unit: &Unit<'_>, note: &SealedNote, patient: &Patient) -> Result<Uuid, StoreError> {
    let index = (!patient.id.is_empty()).then(|| patient_index(unit, &note.content.source, &patient.id));
    let Some(index) = index else { return add_patient(unit, note, patient, (None, None)) };
    let Some((id, key, before)) = patient_of_index(unit, index)? else {
        return add_patient(unit, note, patient, (Some(index), None));
    };
    match (&before.system, &patient.system) {
        (Some(known), Some(system)) if known != system => {
            let own = unit.vault.blind_index("patient.id", &[&note.content.source, &patient.id, system]);
            match patient_of_index(unit, own)? {
                Some((id, key, before)) => take_over(unit, (id, &key), &before, patient),
                None => add_patient(unit, note, patient, (Some(own), Some(index))),
            }
        }
        _ => take_over(unit, (id, &key), &before, patient),
    }
}

/// The blind index of a record number at a source.
pub(super) fn patient_index(unit: &Unit<'_>, source: &str, number: &str) -> [u8; 32] {
    unit.vault.blind_index("patient.id", &[source, number])
}

/// The blind index of an encounter number at a source.
pub(super) fn encounter_index(unit: &Unit<'_>, source: &str, number: &str) -> [u8; 32] {
    unit.vault.blind_index("encounter.external_id", &[source, number])
}

fn patient_of_index(unit: &Unit<'_>, index: [u8; 32]) -> Result<Option<(Uuid, RowKey, Patient)>, StoreError> {
    let sql = "SELECT id, data_key, details FROM patient WHERE identity_index = ?1";
    unit.one("patient", sql, [index], |row| {
        let id = row.id("id")?;
        let key = unit.vault.data_key("patient", id, &row.get::<Vec<u8>>("data_key")?)?;
        let details = key.open_json("details", &row.get::<Vec<u8>>("details")?)?;
        Ok((id, key, details))
    })
}

/// A new patient; the second index is that of the number alone, where another patient has the first.
fn add_patient(
    unit: &Unit<'_>,
    note: &SealedNote,
    patient: &Patient,
    (identity, number): (Option<[u8; 32]>, Option<[u8; 32]>),
) -> Result<Uuid, StoreError> {
    let id = derived_id(note.id, "patient");
    let (key, data_key) = unit.vault.new_data_key("patient", id);
    unit.execute(
        "INSERT INTO patient (id, identity_index, number_index, data_key, details, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![bytes(id), identity, number, data_key, key.seal("details", &json(patient)), micros(note.received_at)],
    )?;
    Ok(id)
}

fn take_over(unit: &Unit<'_>, (id, key): (Uuid, &RowKey), before: &Patient, patient: &Patient) -> Result<Uuid, StoreError> {
    let after = Patient {
        id: before.id.clone(),
        system: before.system.clone().or_else(|| patient.system.clone()),
        name: patient.name.clone().or_else(|| before.name.clone()),
        birth_date: patient.birth_date.or(before.birth_date),
        sex: patient.sex.clone().or_else(|| before.sex.clone()),
    };
    if after != *before {
        let details = key.seal("details", &json(&after));
        unit.execute("UPDATE patient SET details = ?2 WHERE id = ?1", (bytes(id), details))?;
    }
    Ok(id)
}

fn json(patient: &Patient) -> Vec<u8> {
    serde_json::to_vec(patient).expect("a patient is strings and a date, which JSON can hold")
}

/// The encounter of this number. A number that is already another patient's is another encounter; one that came without
/// a patient takes the first patient named.
fn place_encounter(unit: &Unit<'_>, note: &SealedNote, number: &str, patient_id: Option<Uuid>) -> Result<Uuid, StoreError> {
    let index = encounter_index(unit, &note.content.source, number);
    let sql = "SELECT id, patient_id FROM encounter WHERE encounter_index = ?1";
    let known = unit.all("encounter", sql, [index], |row| Ok((row.id("id")?, row.id_or_none("patient_id")?)))?;
    if let Some((id, _)) = known.iter().find(|(_, patient)| *patient == patient_id) {
        return Ok(*id);
    }
    match known[..] {
        // Exactly one encounter has this number, and either it or the note names no patient: they are the same.
        [(id, other)] if other.is_none() || patient_id.is_none() => {
            let sql = "UPDATE encounter SET patient_id = coalesce(patient_id, ?2) WHERE id = ?1";
            unit.execute(sql, (bytes(id), patient_id.map(bytes)))?;
            Ok(id)
        }
        _ => {
            let id = derived_id(note.id, "encounter");
            let (key, data_key) = unit.vault.new_data_key("encounter", id);
            unit.execute(
                "INSERT INTO encounter (id, encounter_index, patient_id, data_key, external_id, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    bytes(id),
                    index,
                    patient_id.map(bytes),
                    data_key,
                    key.seal("external_id", number.as_bytes()),
                    micros(note.received_at)
                ],
            )?;
            Ok(id)
        }
    }
}

fn add_item(unit: &Unit<'_>, note: &SealedNote, placing: &Placing) -> Result<(), StoreError> {
    let (_, data_key) = unit.vault.new_data_key("review_item", placing.item_id);
    unit.execute(
        "INSERT INTO review_item (id, encounter_id, patient_id, encounter_class, facility, department, restricted, state,
                                  revision, data_key, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', 1, ?8, ?9)",
        params![
            bytes(placing.item_id),
            placing.encounter_id.map(bytes),
            placing.patient_id.map(bytes),
            note.content.encounter_class.map(|class| class.as_str()),
            note.content.facility,
            note.content.department,
            note.content.confidentiality == Confidentiality::Restricted,
            data_key,
            micros(note.received_at)
        ],
    )?;
    Ok(())
}

/// A further note of the item: the newest class stands, a first facility stays, restricted sticks.
fn join_item(unit: &Unit<'_>, note: &SealedNote, placing: &Placing) -> Result<(), StoreError> {
    unit.execute(
        "UPDATE review_item SET patient_id = coalesce(patient_id, ?2), encounter_class = coalesce(?3, encounter_class),
                facility = coalesce(facility, ?4), department = coalesce(department, ?5), restricted = max(restricted, ?6)
         WHERE id = ?1",
        params![
            bytes(placing.item_id),
            placing.patient_id.map(bytes),
            note.content.encounter_class.map(|class| class.as_str()),
            note.content.facility,
            note.content.department,
            note.content.confidentiality == Confidentiality::Restricted
        ],
    )?;
    Ok(())
}
