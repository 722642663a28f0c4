//! Patients: what the senders said of them.

use uuid::Uuid;

use super::{
    call::{Answer, Call},
    outcome::Problem,
    search::Cursor,
};
use crate::{
    interop::fhir::{merged_patient, patient},
    store::{NoteSearch, PatientNumber},
};

/// One patient. A record number that was merged into another names the one that stays.
pub(super) async fn read(call: Call) -> Result<Answer, Problem> {
    let id = call.uuid()?;
    let found = call.service.find_patients(call.user()?, search_of(id), None, 1).await?;
    let (known, details) = found.first().ok_or_else(|| call.missing())?;
    let resource = if *known == id { patient(Some(id), details) } else { merged_patient(id, *known) };
    Ok(Answer::resource(&resource))
}

/// Patients by the sender's identifier or by ids.
pub(super) async fn search(call: Call) -> Result<Answer, Problem> {
    let user = call.user()?;
    let count = call.count()?;
    if let Some(ids) = call.parameter("_id") {
        let mut found = Vec::new();
        for id in ids.split(',').filter_map(|id| Uuid::parse_str(id).ok()).take(count as usize) {
            let one = call.service.find_patients(user, search_of(id), None, 1).await?;
            found.extend(one.iter().filter(|(known, _)| *known == id).map(|(id, details)| patient(Some(*id), details)));
        }
        return Ok(call.page(found, None, &[]));
    }
    let number = call.patient("identifier").ok_or_else(|| Problem::parameter("name an identifier or an _id"))?;
    let search = NoteSearch { patient: Some(number), ..NoteSearch::default() };
    let after = call.cursor()?.map(|cursor| cursor.item);
    let mut found = call.service.find_patients(user, search, after, count + 1).await?;
    let more = found.len() > count as usize;
    found.truncate(count as usize);
    let next = found.last().filter(|_| more).map(|(id, _)| Cursor::of(*id));
    Ok(call.page(found.iter().map(|(id, details)| patient(Some(*id), details)).collect(), next.as_ref(), &[]))
}

fn search_of(id: Uuid) -> NoteSearch {
    NoteSearch { patient: Some(PatientNumber::of_id(id)), ..NoteSearch::default() }
}
