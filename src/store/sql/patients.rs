//! Rows of the patient table: found by blind index, brought up to date, merged.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    unit::{Unit, bytes, derived_id, micros},
    value::params,
    vault::Vault,
};
use crate::{
    domain::Patient,
    store::{Actor, Merged, PatientMerge, PatientStore, StoreError},
};

#[async_trait]
impl<D: Database> PatientStore for SqlStore<D> {
    async fn update_patient(
        &self,
        source: &str,
        patient: Patient,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<Uuid>, StoreError> {
        let source = source.to_owned();
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_indexes(&[number_index(unit.vault, &source, &patient.id)])?;
                let Some(Found { patient: id, .. }) = find_and_hold(unit, &source, &patient)? else { return Ok(None) };
                if take_over(unit, id, &patient)? {
                    show_anew(unit, id)?;
                    audit::append(unit, &cause, &Event::of("patient.updated", "patient", id, ""))?;
                }
                Ok(Some(id))
            })
            .await
    }

    async fn merge_patients(&self, id: Uuid, merge: PatientMerge, actor: Actor, now: Timestamp) -> Result<Merged, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let PatientMerge { source, surviving, retired } = &merge;
                let number = |patient: &Patient| number_index(unit.vault, source, &patient.id);
                unit.hold_indexes(&[number(surviving), number(retired)])?;
                let survivor = match find_and_hold(unit, source, surviving)? {
                    Some(survivor) => survivor.patient,
                    None => add(unit, derived_id(id, "surviving"), (source, surviving), now)?,
                };
                let gone = match find_and_hold(unit, source, retired)? {
                    Some(gone) => gone.patient,
                    // so that what comes later under the number finds its way
                    None => add(unit, derived_id(id, "retired"), (source, retired), now)?,
                };
                let changed = take_over(unit, survivor, surviving)?;
                if gone == survivor {
                    if changed {
                        show_anew(unit, survivor)?;
                    }
                    return Ok(Merged::default());
                }
                fill(unit, survivor, gone)?;
                let merged = relink(unit, gone, survivor)?;
                show_anew(unit, survivor)?;
                let detail =
                    format!("from {gone}: {} notes, {} encounters, {} items", merged.notes, merged.encounters, merged.items);
                audit::append(unit, &cause, &Event::of("patient.merged", "patient", survivor, &detail))?;
                Ok(merged)
            })
            .await
    }
}

/// The blind index of a record number at a source, whatever system it is of.
pub(super) fn number_index(vault: &Vault, source: &str, number: &str) -> [u8; 32] {
    vault.blind_index("patient.id", &[source, number])
}

/// The blind index of a record number of a system that is not the first one to have this number.
fn system_index(unit: &Unit<'_>, (source, number): (&str, &str), system: &str) -> [u8; 32] {
    unit.vault.blind_index("patient.id", &[source, number, system])
}

/// What a record number leads to.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The row of the number itself.
    pub(super) row: Uuid,
    /// The patient whose it is: the survivor when the row was merged into another.
    pub(super) patient: Uuid,
}

/// What a record number leads to. A number without a system is the first patient's who has it; a blank number identifies nobody.
pub(super) fn find(unit: &Unit<'_>, source: &str, patient: &Patient) -> Result<Option<Found>, StoreError> {
    let Some(found) = of_number(unit, source, patient)? else { return Ok(None) };
    let Some(system) = &patient.system else { return Ok(Some(found)) };
    if details(unit, found.row)?.system.is_none_or(|first| first == *system) {
        return Ok(Some(found));
    }
    of_index(unit, system_index(unit, (source, &patient.id), system))
}

/// As [`find`], and the patient is held: what belongs to it is linked to nobody else meanwhile. The number is held already.
pub(super) fn find_and_hold(unit: &Unit<'_>, source: &str, patient: &Patient) -> Result<Option<Found>, StoreError> {
    loop {
        let found = find(unit, source, patient)?;
        let Some(Found { patient: id, .. }) = found.filter(|_| unit.session.is_shared()) else { return Ok(found) };
        // none when it was merged into another one just now, which is found next
        if unit.hold_rows("patient", "id = ?1 AND merged_into IS NULL", [bytes(id)])? > 0 {
            return Ok(found);
        }
    }
}

/// The row that has the number alone, and the patient that it stands for.
fn of_number(unit: &Unit<'_>, source: &str, patient: &Patient) -> Result<Option<Found>, StoreError> {
    if patient.id.is_empty() {
        return Ok(None);
    }
    of_index(unit, number_index(unit.vault, source, &patient.id))
}

fn of_index(unit: &Unit<'_>, index: [u8; 32]) -> Result<Option<Found>, StoreError> {
    let sql = "SELECT id, coalesce(merged_into, id) AS survivor FROM patient WHERE identity_index = ?1";
    unit.one("patient", sql, [index], |row| Ok(Found { row: row.id("id")?, patient: row.id("survivor")? }))
}

/// Makes the row of a patient. The number alone leads to the first one who has it; another one of another system is found by both.
pub(super) fn add(unit: &Unit<'_>, id: Uuid, (source, patient): (&str, &Patient), now: Timestamp) -> Result<Uuid, StoreError> {
    let number = number_index(unit.vault, source, &patient.id);
    let (identity, number) = match (&patient.system, of_number(unit, source, patient)?) {
        (Some(system), Some(_)) => (Some(system_index(unit, (source, &patient.id), system)), Some(number)),
        _ => ((!patient.id.is_empty()).then_some(number), None),
    };
    insert(unit, id, (identity, number, patient), now)
}

/// Makes the row of a patient whose number, when there is one, nobody has.
pub(super) fn add_first(
    unit: &Unit<'_>,
    id: Uuid,
    (number, patient): (Option<[u8; 32]>, &Patient),
    now: Timestamp,
) -> Result<Uuid, StoreError> {
    insert(unit, id, (number, None, patient), now)
}

fn insert(
    unit: &Unit<'_>,
    id: Uuid,
    (identity, number, patient): (Option<[u8; 32]>, Option<[u8; 32]>, &Patient),
    now: Timestamp,
) -> Result<Uuid, StoreError> {
    let (key, data_key) = unit.vault.new_data_key("patient", id);
    unit.write(
        "INSERT INTO patient (id, identity_index, number_index, data_key, details, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![bytes(id), identity, number, data_key, key.seal("details", &json(patient)), micros(now)],
    )?;
    Ok(id)
}

/// Takes over what is newly said of a patient; what it leaves out stays. Whether anything changed.
pub(super) fn take_over(unit: &Unit<'_>, id: Uuid, newer: &Patient) -> Result<bool, StoreError> {
    change(unit, id, |before| Patient {
        id: before.id.clone(),
        // under a number that was merged into this one it is that number's system
        system: before.system.clone().or_else(|| newer.system.clone().filter(|_| newer.id == before.id)),
        name: newer.name.clone().or_else(|| before.name.clone()),
        birth_date: newer.birth_date.or(before.birth_date),
        sex: newer.sex.clone().or_else(|| before.sex.clone()),
    })
}

/// Takes from another patient what this one does not say.
fn fill(unit: &Unit<'_>, id: Uuid, other: Uuid) -> Result<(), StoreError> {
    let other = details(unit, other)?;
    change(unit, id, |before| Patient {
        id: before.id.clone(),
        system: before.system.clone(),
        name: before.name.clone().or(other.name),
        birth_date: before.birth_date.or(other.birth_date),
        sex: before.sex.clone().or(other.sex),
    })?;
    Ok(())
}

fn change(unit: &Unit<'_>, id: Uuid, change: impl FnOnce(&Patient) -> Patient) -> Result<bool, StoreError> {
    let (key, before) = opened(unit, id)?;
    let after = change(&before);
    if after == before {
        return Ok(false);
    }
    let details = key.seal("details", &json(&after));
    unit.write("UPDATE patient SET details = ?2 WHERE id = ?1", (bytes(id), details))?;
    Ok(true)
}

/// The key of a patient, and what it opens.
fn opened(unit: &Unit<'_>, id: Uuid) -> Result<(super::vault::RowKey, Patient), StoreError> {
    let opened = unit.one("patient", "SELECT id, data_key, details FROM patient WHERE id = ?1", [bytes(id)], |row| {
        let key = unit.vault.data_key("patient", id, &row.get::<Vec<u8>>("data_key")?)?;
        let details = key.open_json("details", &row.get::<Vec<u8>>("details")?)?;
        Ok((key, details))
    })?;
    opened.ok_or_else(|| missing(id))
}

fn details(unit: &Unit<'_>, id: Uuid) -> Result<Patient, StoreError> {
    opened(unit, id).map(|(_, details)| details)
}

fn missing(id: Uuid) -> StoreError {
    StoreError::Inconsistent { table: "patient", id: id.to_string(), problem: "it is not there any more".to_owned() }
}

fn json(patient: &Patient) -> Vec<u8> {
    serde_json::to_vec(patient).expect("a patient is strings and a date, which JSON can hold")
}

/// What the items of a patient show has changed.
fn show_anew(unit: &Unit<'_>, patient: Uuid) -> Result<(), StoreError> {
    unit.hold_rows("review_item", "patient_id = ?1", [bytes(patient)])?;
    unit.execute("UPDATE review_item SET revision = revision + 1 WHERE patient_id = ?1", [bytes(patient)])?;
    Ok(())
}

/// Links everything of one patient to another. An encounter number that both have stays two encounters, because each has decisions of its
/// own; the retired one is found by no later note.
fn relink(unit: &Unit<'_>, gone: Uuid, survivor: Uuid) -> Result<Merged, StoreError> {
    let both = unit.all(
        "encounter",
        "SELECT g.id FROM encounter g JOIN encounter s ON s.encounter_index = g.encounter_index AND s.patient_id = ?2
         WHERE g.patient_id = ?1",
        (bytes(gone), bytes(survivor)),
        |row| row.id("id"),
    )?;
    for encounter in both {
        let apart = unit.vault.blind_index("encounter.merged", &[&encounter.to_string()]);
        unit.execute("UPDATE encounter SET encounter_index = ?2 WHERE id = ?1", (bytes(encounter), apart))?;
    }
    unit.hold_rows("review_item", "patient_id IN (?1, ?2)", (bytes(gone), bytes(survivor)))?;
    // what a merge that is taken back goes by
    let sql = "UPDATE note SET came_with = patient_id WHERE patient_id IN (?1, ?2) AND came_with IS NULL";
    unit.execute(sql, (bytes(gone), bytes(survivor)))?;
    let moved = |table: &str| {
        let sql = format!("UPDATE {table} SET patient_id = ?2 WHERE patient_id = ?1");
        unit.execute(&sql, (bytes(gone), bytes(survivor))).map(|rows| rows as u64)
    };
    let merged = Merged { encounters: moved("encounter")?, notes: moved("note")?, items: moved("review_item")? };
    let sql = "UPDATE patient SET merged_into = ?2 WHERE id = ?1 OR merged_into = ?1";
    unit.execute(sql, (bytes(gone), bytes(survivor)))?;
    Ok(merged)
}
