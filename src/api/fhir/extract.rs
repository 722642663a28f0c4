//! `DocumentReference/$extract`: what stands in a document, nothing stored.

use serde_json::Value;

use super::{
    call::{Answer, Call},
    outcome::Problem,
};
use crate::{
    api::{ApiError, extract::EXTRACTED},
    domain::{NewNote, OffsetUnit},
    engine::Priority,
    interop::fhir::{
        Source, bundle, collection,
        incoming::{self, Refusal, RefusalKind, Request},
    },
    pipeline::{NoteInput, check_text},
    service::actor,
    text::OffsetMap,
};

/// Takes a DocumentReference, or Parameters with one named `document` or a string named `text`.
pub(super) async fn extract(call: Call) -> Result<Answer, Problem> {
    let user = call.user()?.clone();
    let note = asked(&call.json()?)?;
    check_text(&note.text, call.service.max_note_bytes)
        .map_err(|error| Problem::at(error, "DocumentReference.content".to_owned()))?;
    let input = NoteInput {
        note_id: call.service.surroundings.new_id().to_string(),
        text: note.text.clone(),
        spans: Vec::new(),
        service_date: note.service_date,
        discharge_date: note.discharge_date,
        encounter_class: note.encounter_class,
    };
    call.service.record_counted(actor(&user), EXTRACTED, "1 text".to_owned()).await?;
    let extraction = call.service.engine.extract(input, Priority::Interactive, user.id).await.map_err(ApiError::from)?;
    let map = OffsetMap::new(&note.text, OffsetUnit::Codepoint);
    let extraction = extraction.map_offsets(OffsetUnit::Codepoint, |byte| map.from_byte(byte));
    let source = Source {
        text: &note.text,
        patient: note.patient.as_ref(),
        encounter: note.encounter.as_deref(),
        recorded: call.service.surroundings.now(),
    };
    Ok(Answer::resource(&collection(bundle(&extraction, source))))
}

fn asked(body: &Value) -> Result<NewNote, Problem> {
    let invalid = |path: &str, detail: &str| {
        Problem::refused(vec![Refusal { kind: RefusalKind::Invalid, path: path.to_owned(), detail: detail.to_owned() }])
    };
    let document = if body["resourceType"] == "Parameters" {
        let named = |name: &str| body["parameter"].as_array()?.iter().find(|parameter| parameter["name"] == name);
        if let Some(text) = named("text").and_then(|parameter| parameter["valueString"].as_str()) {
            return Ok(NewNote { text: text.to_owned(), ..NewNote::default() });
        }
        let document = named("document").map(|parameter| &parameter["resource"]);
        document.ok_or_else(|| invalid("Parameters.parameter", "must hold a document (a DocumentReference) or a text"))?
    } else {
        body
    };
    match incoming::document(document).map_err(|refusal| Problem::refused(vec![refusal]))? {
        Request::Store { note, .. } => Ok(*note),
        Request::Retract(_) => Err(invalid("DocumentReference.status", "entered-in-error: there is nothing to extract")),
    }
}
