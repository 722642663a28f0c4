//! The patient, encounter and review item that a new note belongs to: found by blind index, or made.

use uuid::Uuid;

use super::{
    audit::{self, Cause, Event},
    lineage::Known,
    note_rows::SealedNote,
    patients::{self, Found},
    unit::{Columns, Unit, bytes, derived_id, micros},
    value::params,
    vault::Vault,
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
    /// The row of the record number itself, where it was merged into the patient's.
    pub(super) came_with: Option<Uuid>,
    /// Whether the item was there before the note.
    pub(super) joined: bool,
}

/// Finds or makes the note's patient, encounter and item.
pub(super) fn place(unit: &Unit<'_>, note: &SealedNote, known: Known) -> Result<Placing, StoreError> {
    let found = note.content.patient.as_ref().map(|patient| place_patient(unit, note, (patient, known))).transpose()?;
    let patient_id = found.map(|found| found.patient);
    let place = |number| place_encounter(unit, note, number, (patient_id, known));
    let encounter = note.content.encounter.as_deref().map(place).transpose()?;
    let came_with = found.map(|found| found.row).filter(|row| Some(*row) != patient_id);
    let item_id = derived_id(note.id, "item");
    let item = match &encounter {
        Some((_, item)) => *item,
        None if !known.kin => None,
        None => item_of_kin(unit, note, patient_id)?,
    };
    let placing = Placing {
        patient_id,
        encounter_id: encounter.map(|(encounter, _)| encounter),
        item_id: item.unwrap_or(item_id),
        came_with,
        joined: item.is_some(),
    };
    if placing.joined {
        join_item(unit, note, &placing)?
    } else {
        add_item(unit, note, &placing)?
    }
    Ok(placing)
}

/// For a note that names no encounter: the item of its document's other versions, or of the document it relates to. Never one of another patient.
fn item_of_kin(unit: &Unit<'_>, note: &SealedNote, patient_id: Option<Uuid>) -> Result<Option<Uuid>, StoreError> {
    let sql = "SELECT i.id FROM note n JOIN review_item i ON i.id = n.item_id
               WHERE (n.identity_index IN (?1, ?2) OR n.related_index = ?1)
                     AND (i.patient_id = ?3 OR i.patient_id IS NULL OR ?3 IS NULL)
               ORDER BY n.received_at DESC, n.id DESC LIMIT 1";
    unit.one("review_item", sql, (note.identity, note.related, patient_id.map(bytes)), |row| row.id("id"))
}

/// A known patient takes over what the newer note says of them; what it leaves out stays. A number of another system is another patient's,
/// found by its system too.
fn place_patient(unit: &Unit<'_>, note: &SealedNote, (patient, known): (&Patient, Known)) -> Result<Found, StoreError> {
    let id = derived_id(note.id, "patient");
    if !known.patient {
        patients::add_first(unit, id, (note.patient, patient), note.received_at)?;
        return Ok(Found { row: id, patient: id });
    }
    if let Some(found) = patients::find_and_hold(unit, &note.content.source, patient)? {
        patients::take_over(unit, found.patient, patient)?;
        return Ok(found);
    }
    patients::add(unit, id, (&note.content.source, patient), note.received_at)?;
    Ok(Found { row: id, patient: id })
}

/// The blind index of an encounter number at a source.
pub(super) fn encounter_index(vault: &Vault, source: &str, number: &str) -> [u8; 32] {
    vault.blind_index("encounter.external_id", &[source, number])
}

/// The encounter of this number, and its item where it has one. A number that is already another patient's is another encounter; one that came
/// without a patient takes the first patient named.
fn place_encounter(
    unit: &Unit<'_>,
    note: &SealedNote,
    number: &str,
    (patient_id, known): (Option<Uuid>, Known),
) -> Result<(Uuid, Option<Uuid>), StoreError> {
    let sql = "SELECT e.id, e.patient_id, i.id AS item_id FROM encounter e LEFT JOIN review_item i ON i.encounter_id = e.id
               WHERE e.encounter_index = ?1";
    let read = |row: &Columns<'_>| Ok((row.id("id")?, row.id_or_none("patient_id")?, row.id_or_none("item_id")?));
    let known = if known.encounter { unit.all("encounter", sql, [note.encounter], read)? } else { Vec::new() };
    if let Some((id, _, item)) = known.iter().find(|(_, patient, _)| *patient == patient_id) {
        return Ok((*id, *item));
    }
    match known[..] {
        // Exactly one encounter has this number, and either it or the note names no patient: they are the same.
        [(id, other, item)] if other.is_none() || patient_id.is_none() => {
            let sql = "UPDATE encounter SET patient_id = coalesce(patient_id, ?2) WHERE id = ?1";
            unit.write(sql, (bytes(id), patient_id.map(bytes)))?;
            Ok((id, item))
        }
        _ => {
            let id = derived_id(note.id, "encounter");
            let (key, data_key) = unit.vault.new_data_key("encounter", id);
            unit.write(
                "INSERT INTO encounter (id, encounter_index, patient_id, data_key, external_id, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    bytes(id),
                    note.encounter,
                    patient_id.map(bytes),
                    data_key,
                    key.seal("external_id", number.as_bytes()),
                    micros(note.received_at)
                ],
            )?;
            Ok((id, None))
        }
    }
}

/// A note that comes again with more labels than it had, or as restricted: it is that from now on, and its item. Never less.
pub(super) fn tighten(unit: &Unit<'_>, note: &SealedNote, known: Uuid, cause: &Cause) -> Result<(), StoreError> {
    let restricted = note.content.confidentiality == Confidentiality::Restricted;
    let labels = note.content.labels.bits();
    if labels == 0 && !restricted {
        return Ok(());
    }
    let sql =
        "UPDATE note SET labels = labels | ?2, confidentiality = CASE WHEN ?3 = 1 THEN 'restricted' ELSE confidentiality END
               WHERE id = ?1 AND ((labels & ?2) <> ?2 OR (?3 = 1 AND confidentiality = 'normal')) RETURNING id, item_id";
    let Some(item) = unit.one("note", sql, (bytes(known), labels, restricted), |row| row.id("item_id"))? else { return Ok(()) };
    unit.execute(
        "UPDATE review_item SET labels = labels | ?2, restricted = CASE WHEN ?3 = 1 THEN 1 ELSE restricted END, revision = revision + 1
         WHERE id = ?1",
        (bytes(item), labels, restricted),
    )?;
    audit::append(unit, cause, &Event::of("note.labelled", "note", known, ""))
}

/// Versions of a document, and what replaces it, say nearly the same: each has the labels of all, and so have their items. Never less.
pub(super) fn label_alike(unit: &Unit<'_>, identity: [u8; 32], cause: &Cause) -> Result<(), StoreError> {
    let alike = "(identity_index = ?1 OR (related_index = ?1 AND relation = 'replaces')) AND purged_at IS NULL";
    let sql = format!(
        "SELECT id, labels, CASE WHEN confidentiality = 'restricted' THEN 1 ELSE 0 END AS is_restricted FROM note WHERE {alike}"
    );
    let said = unit.all("note", &sql, [identity], |row| Ok((row.get::<i64>("labels")?, row.get::<i64>("is_restricted")?)))?;
    let labels = said.iter().fold(0, |all, (labels, _)| all | labels);
    let restricted = i64::from(said.iter().any(|(_, is_restricted)| *is_restricted == 1));
    if said.iter().all(|said| *said == (labels, restricted)) {
        return Ok(());
    }
    let sql = format!(
        "UPDATE note SET labels = labels | ?2, confidentiality = CASE WHEN ?3 = 1 THEN 'restricted' ELSE confidentiality END
         WHERE {alike} AND (labels <> ?2 OR (?3 = 1 AND confidentiality = 'normal')) RETURNING id, item_id"
    );
    for (note, item) in unit.all("note", &sql, (identity, labels, restricted), |row| Ok((row.id("id")?, row.id("item_id")?)))? {
        unit.execute(
            "UPDATE review_item SET labels = labels | ?2, restricted = CASE WHEN ?3 = 1 THEN 1 ELSE restricted END WHERE id = ?1",
            (bytes(item), labels, restricted),
        )?;
        audit::append(unit, cause, &Event::of("note.labelled", "note", note, "as another version"))?;
    }
    Ok(())
}

fn add_item(unit: &Unit<'_>, note: &SealedNote, placing: &Placing) -> Result<(), StoreError> {
    let (_, data_key) = unit.vault.new_data_key("review_item", placing.item_id);
    unit.write(
        "INSERT INTO review_item (id, encounter_id, patient_id, encounter_class, facility, department, restricted, state,
                                  revision, data_key, created_at, priority, payer_class, labels, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', 1, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            bytes(placing.item_id),
            placing.encounter_id.map(bytes),
            placing.patient_id.map(bytes),
            note.content.encounter_class.map(|class| class.as_str()),
            note.content.facility,
            note.content.department,
            note.content.confidentiality == Confidentiality::Restricted,
            data_key,
            micros(note.received_at),
            note.content.priority.unwrap_or_default().rank(),
            note.content.payer_class.map(|class| class.as_str()),
            note.content.labels.bits(),
            note.content.source
        ],
    )
}

/// A further note of the item: the newest class, priority and payer stand, a first facility stays, restricted and labels stick.
fn join_item(unit: &Unit<'_>, note: &SealedNote, placing: &Placing) -> Result<(), StoreError> {
    unit.write(
        "UPDATE review_item SET patient_id = coalesce(patient_id, ?2), encounter_class = coalesce(?3, encounter_class),
                facility = coalesce(facility, ?4), department = coalesce(department, ?5), restricted = CASE WHEN ?6 = 1 THEN 1 ELSE restricted END,
                ordered_at = CASE WHEN priority <> coalesce(?7, priority) THEN ?9 ELSE ordered_at END, priority = coalesce(?7, priority),
                payer_class = coalesce(?8, payer_class), labels = labels | ?10, source = coalesce(source, ?11)
         WHERE id = ?1",
        params![
            bytes(placing.item_id),
            placing.patient_id.map(bytes),
            note.content.encounter_class.map(|class| class.as_str()),
            note.content.facility,
            note.content.department,
            note.content.confidentiality == Confidentiality::Restricted,
            note.content.priority.map(crate::domain::Priority::rank),
            note.content.payer_class.map(|class| class.as_str()),
            micros(note.received_at),
            note.content.labels.bits(),
            note.content.source
        ],
    )
}
