//! Notes as `DocumentReference` and `Binary`, and everything that was made of one.

use axum::http::{StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use super::{
    call::{Answer, Call},
    outcome::{Problem, information},
    search::Cursor,
};
use crate::{
    api::{ApiError, notes::kept},
    domain::{Note, NoteStatus},
    interop::fhir::{self, ChartNote, document, reviewed_bundle},
    store::NoteSearch,
};

/// One document.
pub(super) async fn read(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::resource(&document(&note(&call).await?)))
}

/// The note of the id in the address, recorded as read.
async fn note(call: &Call) -> Result<Note, Problem> {
    let found = call.service.read_note(call.user()?, call.uuid()?, false).await?;
    Ok(kept(Some(found.ok_or_else(|| call.missing())?))?.note)
}

/// Documents of a patient, of an encounter, or with an identifier.
pub(super) async fn search(call: Call) -> Result<Answer, Problem> {
    let user = call.user()?;
    let count = call.count()?;
    let cursor = call.cursor()?;
    let search = notes_asked_for(&call);
    if let Some(ids) = call.parameter("_id") {
        let ids: Vec<Uuid> = ids.split(',').filter_map(|id| Uuid::parse_str(id).ok()).take(count as usize).collect();
        let mut found = Vec::new();
        for id in ids {
            let answer = call.service.read_note(user, id, false).await?.filter(|answer| answer.note.purged.is_none());
            found.extend(answer.map(|answer| document(&answer.note)));
        }
        return Ok(call.page(found, None, &[]));
    }
    let search = search.ok_or_else(|| Problem::parameter("name a patient, an encounter, an identifier or an _id"))?;
    let mut notes = call.service.find_notes(user, search, cursor.map(|cursor| cursor.item), count + 1).await?;
    let more = notes.len() > count as usize;
    notes.truncate(count as usize);
    let next = notes.last().filter(|_| more).map(|note| Cursor::of(note.id));
    Ok(call.page(notes.iter().map(document).collect(), next.as_ref(), &[]))
}

/// What the parameters say of the notes that are meant; none when they name none.
pub(super) fn notes_asked_for(call: &Call) -> Option<NoteSearch> {
    let search = NoteSearch {
        patient: call.patient("patient"),
        encounter: call.encounter(),
        external_id: call.identifier(),
        ..NoteSearch::default()
    };
    let any = search.patient.is_some() || search.encounter.is_some() || search.external_id.is_some();
    any.then_some(search)
}

/// The text of a note: as it is, or as a resource where FHIR is asked for.
pub(super) async fn read_binary(call: Call) -> Result<Answer, Problem> {
    let note = note(&call).await?;
    if !call.wants_fhir() {
        return Ok(Answer::text(note.content.text, fhir::TEXT));
    }
    let mut resource = fhir::binary(&note.content.text);
    resource["id"] = json!(note.id.to_string());
    resource["securityContext"] = json!({"reference": format!("DocumentReference/{}", note.id)});
    Ok(Answer::resource(&resource))
}

/// The note, what was found in it with the decisions folded in, and who made it: a Bundle that another server can take.
pub(super) async fn everything(call: Call) -> Result<Answer, Problem> {
    let user = call.user()?;
    let id = call.uuid()?;
    let note = kept(Some(call.service.read_note(user, id, true).await?.ok_or_else(|| call.missing())?))?;
    match note.note.status {
        NoteStatus::Ready => {}
        NoteStatus::Pending => {
            let outcome = information("information", "the note is not extracted yet; ask again");
            return Ok(Answer::with_status(StatusCode::ACCEPTED, &outcome).header(header::RETRY_AFTER, "1".to_owned()));
        }
        NoteStatus::Quarantined => return Err(ApiError::quarantined(note.note.quarantine_reason.as_deref()).into()),
    }
    // an encounter with a restricted note is not shown to everybody who may see this note of it
    let item = call.service.chart_item(user, note.note.item_id).await?.ok_or_else(|| call.missing())?;
    let at = item.extracted_at.iter().find(|(of, _)| *of == id).map(|(_, at)| *at);
    let made = note.extraction.as_ref().map(|extraction| &extraction.engine).zip(at);
    let mut bundle = reviewed_bundle(&ChartNote { note: &note.note, made }, &item.entries);
    fhir::label(&mut bundle, note.note.content.confidentiality, note.note.content.labels);
    Ok(Answer::resource(&bundle))
}
