//! The day of an encounter, whose edition of ICD-10-CM its codes are of.

use jiff::civil::Date;

use crate::{
    domain::{EncounterClass, NewNote},
    store::ItemRecord,
};

/// The day whose edition of the codes holds for the item: the last day of discharge for an inpatient, else the last day of service that its
/// notes name. None when they name none.
#[must_use]
pub fn code_day(record: &ItemRecord) -> Option<Date> {
    let last = |day: fn(&NewNote) -> Option<Date>| record.current_notes().filter_map(|(note, _)| day(&note.content)).max();
    let inpatient = record.item.encounter_class == Some(EncounterClass::Inpatient);
    last(|note| note.discharge_date).filter(|_| inpatient).or_else(|| last(|note| note.service_date))
}
