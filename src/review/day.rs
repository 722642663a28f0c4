//! The day of an encounter, whose edition of ICD-10-CM its codes are of.

use jiff::civil::Date;

use crate::{
    domain::{EncounterClass, Extraction, NewNote, Note},
    store::ItemRecord,
};

/// The day whose edition of the codes holds for the item: the last day of discharge for an inpatient, else the last day of service that its
/// notes name. None when they name none.
#[must_use]
pub fn code_day(record: &ItemRecord) -> Option<Date> {
    let last = |day: fn(&NewNote) -> Option<Date>| current_notes(record).filter_map(|(note, _)| day(&note.content)).max();
    let inpatient = record.item.encounter_class == Some(EncounterClass::Inpatient);
    last(|note| note.discharge_date).filter(|_| inpatient).or_else(|| last(|note| note.service_date))
}

/// The notes of an item, oldest first; a later version of the same note stands in its place.
pub(super) fn current_notes(record: &ItemRecord) -> impl Iterator<Item = &(Note, Option<Extraction>)> {
    record.notes.iter().enumerate().filter(|(at, _)| !record.is_replaced(*at)).map(|(_, note)| note)
}
