//! Rows of the note table: sealed before they are written, opened when they are read.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    encounters::{self, Placing},
    patients,
    unit::{Columns, Unit, bytes, micros},
    value::{Values, params},
    vault::{RowKey, Vault},
};
use crate::{
    domain::{Confidentiality, EncounterClass, Extraction, NewNote, Note, NoteStatus, PurgedNote, RelatedNote, Sensitivities},
    store::StoreError,
};

/// A note that is ready to be written: sealed on the caller's thread, so that the writer does not wait for it.
pub(super) struct SealedNote {
    pub(super) id: Uuid,
    /// When it arrived.
    pub(super) received_at: Timestamp,
    /// As posted, without its text, external ids, version and author.
    pub(super) content: NewNote,
    /// Blind index of (source, external id); none = no identity, always a new note.
    pub(super) identity: Option<[u8; 32]>,
    /// The sender's version; empty = none given.
    pub(super) version: String,
    /// Keyed hash of the text, for equality.
    pub(super) content_hash: [u8; 32],
    data_key: Vec<u8>,
    text: Vec<u8>,
    /// Blind index of the document that it relates to.
    pub(super) related: Option<[u8; 32]>,
    /// Blind index of the patient's number; none = no number.
    pub(super) patient: Option<[u8; 32]>,
    /// Blind index of the encounter's number.
    pub(super) encounter: Option<[u8; 32]>,
    external_id: Option<Vec<u8>>,
    related_external_id: Option<Vec<u8>>,
    author: Option<Vec<u8>>,
}

impl SealedNote {
    /// Seals a note. A blank external id, encounter or version counts as none.
    pub(super) fn seal(vault: &Vault, id: Uuid, mut note: NewNote, received_at: Timestamp) -> Self {
        let (key, data_key) = vault.new_data_key("note", id);
        note.encounter = note.encounter.filter(|number| !number.is_empty());
        let external_id = note.external_id.take().filter(|external_id| !external_id.is_empty());
        let text = std::mem::take(&mut note.text);
        let index = |external_id: &String| identity_index(vault, &note.source, external_id);
        let related = note.related.as_ref().map(|related| &related.external_id);
        let patient = note.patient.as_ref().filter(|patient| !patient.id.is_empty());
        Self {
            patient: patient.map(|patient| patients::number_index(vault, &note.source, &patient.id)),
            encounter: note.encounter.as_ref().map(|number| encounters::encounter_index(vault, &note.source, number)),
            identity: external_id.as_ref().map(index),
            related: related.map(index),
            related_external_id: related.map(|external_id| key.seal("related_external_id", external_id.as_bytes())),
            version: note.version.take().unwrap_or_default(),
            content_hash: vault.blind_index("note.text", &[&text]),
            text: key.seal("text", text.as_bytes()),
            external_id: external_id.map(|external_id| key.seal("external_id", external_id.as_bytes())),
            author: note.author.take().map(|author| key.seal("author", author.as_bytes())),
            id,
            received_at,
            content: note,
            data_key,
        }
    }
}

impl SealedNote {
    /// Blind indexes of all that its place is found by: request, document, related document, patient and encounter.
    pub(super) fn names(&self, key: Option<[u8; 32]>) -> Vec<[u8; 32]> {
        [key, self.identity, self.related, self.patient, self.encounter].into_iter().flatten().collect()
    }
}

/// The blind index of a note's id at its source.
pub(super) fn identity_index(vault: &Vault, source: &str, external_id: &str) -> [u8; 32] {
    vault.blind_index("note.external_id", &[source, external_id])
}

/// Writes the row.
pub(super) fn insert(
    unit: &Unit<'_>,
    note: &SealedNote,
    placing: &Placing,
    (version, previous): (&str, Option<Uuid>),
) -> Result<(), StoreError> {
    unit.write(
        "INSERT INTO note (id, item_id, encounter_id, patient_id, previous_id, source, identity_index, version, content_hash,
                           data_key, text, external_id, author, note_type, encounter_class, service_date, facility,
                           department, confidentiality, status, received_at, discharge_date, relation, related_index,
                           related_external_id, versioned_at, came_with, labels)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, 'pending', ?20, ?21,
                 ?22, ?23, ?24, ?25, ?26, ?27)",
        params![
            bytes(note.id),
            bytes(placing.item_id),
            placing.encounter_id.map(bytes),
            placing.patient_id.map(bytes),
            previous.map(bytes),
            note.content.source,
            note.identity,
            version,
            note.content_hash,
            note.data_key,
            note.text,
            note.external_id,
            note.author,
            note.content.note_type,
            note.content.encounter_class.map(EncounterClass::as_str),
            note.content.service_date.map(|date| date.to_string()),
            note.content.facility,
            note.content.department,
            note.content.confidentiality.as_str(),
            micros(note.received_at),
            note.content.discharge_date.map(|date| date.to_string()),
            note.content.related.as_ref().map(|related| related.relation.as_str()),
            note.related,
            note.related_external_id,
            note.content.versioned_at.map(micros),
            placing.came_with.map(bytes),
            note.content.labels.bits()
        ],
    )
}

const NOTE: &str = "
    SELECT n.id, n.item_id, n.source, n.version, n.data_key, n.text, n.external_id, n.author, n.note_type, n.encounter_class,
           n.service_date, n.discharge_date, n.facility, n.department, n.confidentiality, n.labels, n.status, n.quarantine_reason, n.received_at,
           n.relation, n.related_external_id, n.versioned_at, n.standing, n.purged_at, n.purge_reason, i.patient_id AS item_patient_id,
           p.id AS patient_id, p.data_key AS patient_key, p.details,
           e.id AS encounter_id, e.data_key AS encounter_key, e.external_id AS encounter
    FROM note n JOIN review_item i ON i.id = n.item_id LEFT JOIN patient p ON p.id = n.patient_id LEFT JOIN encounter e ON e.id = n.encounter_id";

/// One note, opened.
pub(super) fn note(unit: &Unit<'_>, id: Uuid) -> Result<Option<Note>, StoreError> {
    unit.one("note", &format!("{NOTE} WHERE n.id = ?1"), [bytes(id)], |row| open(unit, row))
}

/// The notes of an item, opened, oldest first.
pub(super) fn notes_of_item(unit: &Unit<'_>, item: Uuid) -> Result<Vec<Note>, StoreError> {
    let sql = format!("{NOTE} WHERE n.item_id = ?1 ORDER BY n.received_at, n.id");
    unit.all("note", &sql, [bytes(item)], |row| open(unit, row))
}

/// The notes of a query over the tables of [`NOTE`]: what stands behind its FROM.
pub(super) fn notes_where(unit: &Unit<'_>, rest: &str, values: impl Values) -> Result<Vec<Note>, StoreError> {
    unit.all("note", &format!("{NOTE} {rest}"), values, |row| open(unit, row))
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<Note, StoreError> {
    let id = row.id("id")?;
    let purged = row.instant_or_none("purged_at")?.zip(row.get("purge_reason")?);
    // of a purged note there is no key, and nothing that one would open
    let key = match purged {
        Some(_) => None,
        None => Some(unit.vault.data_key("note", id, &row.get::<Vec<u8>>("data_key")?)?),
    };
    let text_or_none = |column: &str| match (&key, row.get::<Option<Vec<u8>>>(column)?) {
        (Some(key), Some(sealed)) => key.open_text(column, &sealed).map(Some),
        _ => Ok(None),
    };
    Ok(Note {
        id,
        item_id: row.id("item_id")?,
        patient_id: row.id_or_none("patient_id")?,
        item_patient_id: row.id_or_none("item_patient_id")?,
        received_at: row.instant("received_at")?,
        status: row.word("status", |word| {
            [NoteStatus::Pending, NoteStatus::Ready, NoteStatus::Quarantined].into_iter().find(|status| status.as_str() == word)
        })?,
        standing: row.word("standing", |word| word.parse().ok())?,
        quarantine_reason: row.get("quarantine_reason")?,
        purged: purged.map(|(at, reason)| PurgedNote { at, reason }),
        content: NewNote {
            text: text_or_none("text")?.unwrap_or_default(),
            source: row.get("source")?,
            external_id: text_or_none("external_id")?,
            version: Some(row.get::<String>("version")?).filter(|version| !version.is_empty()),
            versioned_at: row.instant_or_none("versioned_at")?,
            related: row
                .word_or_none("relation", |word| word.parse().ok())?
                .zip(text_or_none("related_external_id")?)
                .map(|(relation, external_id)| RelatedNote { relation, external_id }),
            patient: open_patient(unit, row)?,
            encounter: open_encounter(unit, row)?,
            encounter_class: row.word_or_none("encounter_class", |word| word.parse().ok())?,
            note_type: row.get("note_type")?,
            service_date: row.word_or_none("service_date", |word| word.parse().ok())?,
            discharge_date: row.word_or_none("discharge_date", |word| word.parse().ok())?,
            author: text_or_none("author")?,
            facility: row.get("facility")?,
            department: row.get("department")?,
            confidentiality: row.word("confidentiality", |word| {
                [Confidentiality::Normal, Confidentiality::Restricted].into_iter().find(|label| label.as_str() == word)
            })?,
            labels: Sensitivities::of_bits(row.get("labels")?),
            // of the encounter: they stand with its item
            priority: None,
            payer_class: None,
        },
    })
}

/// The patient of a row that has `patient_id`, `patient_key` and `details`.
pub(super) fn open_patient(unit: &Unit<'_>, row: &Columns<'_>) -> Result<Option<crate::domain::Patient>, StoreError> {
    let Some(id) = row.id_or_none("patient_id")? else { return Ok(None) };
    let wrapped = row.get::<Option<Vec<u8>>>("patient_key")?.unwrap_or_default();
    // purged
    if wrapped.is_empty() {
        return Ok(None);
    }
    let key = unit.vault.data_key("patient", id, &wrapped)?;
    key.open_json("details", &row.get::<Vec<u8>>("details")?).map(Some)
}

/// The encounter number of a row that has `encounter_id`, `encounter_key` and `encounter`.
pub(super) fn open_encounter(unit: &Unit<'_>, row: &Columns<'_>) -> Result<Option<String>, StoreError> {
    let Some(id) = row.id_or_none("encounter_id")? else { return Ok(None) };
    let wrapped = row.get::<Option<Vec<u8>>>("encounter_key")?.unwrap_or_default();
    // purged
    if wrapped.is_empty() {
        return Ok(None);
    }
    let key = unit.vault.data_key("encounter", id, &wrapped)?;
    key.open_text("external_id", &row.get::<Vec<u8>>("encounter")?).map(Some)
}

/// The data key of a note.
pub(super) fn key_of(unit: &Unit<'_>, note: Uuid) -> Result<Option<RowKey>, StoreError> {
    unit.one("note", "SELECT id, data_key FROM note WHERE id = ?1 AND purged_at IS NULL", [bytes(note)], |row| {
        unit.vault.data_key("note", note, &row.get::<Vec<u8>>("data_key")?)
    })
}

/// The live extraction of a note.
pub(super) fn extraction(unit: &Unit<'_>, note: Uuid) -> Result<Option<Extraction>, StoreError> {
    let sql = "SELECT x.id, x.body, n.data_key FROM extraction x JOIN note n ON n.id = x.note_id
               WHERE x.note_id = ?1 AND x.live = 1";
    unit.one("extraction", sql, [bytes(note)], |row| {
        let key = unit.vault.data_key("note", note, &row.get::<Vec<u8>>("data_key")?)?;
        key.for_row("extraction", row.id("id")?).open_json("body", &row.get::<Vec<u8>>("body")?)
    })
}
