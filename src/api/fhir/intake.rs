//! Documents that come in: a DocumentReference by itself, or a Bundle that holds some.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ApiError,
    call::{Answer, Call},
    outcome::{Problem, information, status_line},
};
use crate::{
    domain::{NewNote, Note, RelatedNote, Relation, Standing},
    interop::fhir::{
        document,
        incoming::{self, AnswerKind, Entry, NamedNote, Refusal, RefusalKind, Request},
    },
    pipeline::check_text,
    store::{IdempotencyKey, NoteKey, Posting, Unversioned},
};

/// What became of a document.
struct Taken {
    status: StatusCode,
    note: Note,
}

impl Taken {
    fn location(&self) -> String {
        format!("DocumentReference/{}", self.note.id)
    }
}

/// `POST /fhir/DocumentReference`.
pub(super) async fn create(call: Call) -> Result<Answer, Problem> {
    let body = call.json()?;
    if body["resourceType"] != "DocumentReference" {
        return Err(refusal("resourceType", "must be DocumentReference"));
    }
    let request = incoming::document(&body).map_err(|refusal| Problem::refused(vec![refusal]))?;
    let key = call.idempotency_key()?;
    let taken = take(&call, request, key).await?;
    let location = format!("{}/{}", call.base, taken.location());
    Ok(Answer::with_status(taken.status, &document(&taken.note)).header(header::LOCATION, location))
}

/// `PUT /fhir/DocumentReference/{id}`: takes the document back. Its words cannot be changed in their place: they are evidence.
pub(super) async fn update(call: Call) -> Result<Answer, Problem> {
    let body = call.json()?;
    let id = call.uuid()?;
    if body["resourceType"] != "DocumentReference" || body["id"] != id.to_string() {
        return Err(refusal("DocumentReference.id", "must be the id in the address"));
    }
    if body["status"] != "entered-in-error" {
        let detail =
            "only entered-in-error can be written in place; post a new version to DocumentReference with the same identifier";
        return Err(refusal("DocumentReference.status", detail));
    }
    let taken = retract(&call, NamedNote::Ours(id)).await?;
    Ok(Answer::resource(&document(&taken.note)))
}

/// `POST /fhir`.
pub(super) async fn bundle(call: Call) -> Result<Answer, Problem> {
    let received = incoming::bundle(&call.json()?).map_err(|refusal| Problem::refused(vec![refusal]))?;
    let key = call.idempotency_key()?;
    let mut entries: Vec<Value> = Vec::with_capacity(received.entries.len());
    match received.answer {
        AnswerKind::Transaction => {
            // everything is checked before anything is stored
            let mut requests = Vec::with_capacity(received.entries.len());
            let mut refusals = Vec::new();
            for (at, entry) in received.entries.into_iter().enumerate() {
                match entry {
                    Ok(entry) => {
                        if let Entry::Document(Request::Store { note, .. }) = &entry {
                            check_text(&note.text, call.service.max_note_bytes)
                                .map_err(|error| Problem::at(error, format!("Bundle.entry[{at}].resource")))?;
                        }
                        requests.push(entry);
                    }
                    Err(refusal) => refusals.push(refusal),
                }
            }
            if !refusals.is_empty() {
                return Err(Problem::refused(refusals));
            }
            for (at, entry) in requests.into_iter().enumerate() {
                entries.push(answer(&call, entry, key_of(key.as_ref(), at)).await.map_err(|problem| problem.within(at))?);
            }
        }
        AnswerKind::Batch => {
            for (at, entry) in received.entries.into_iter().enumerate() {
                let answered = match entry {
                    Ok(entry) => answer(&call, entry, key_of(key.as_ref(), at)).await.map_err(|problem| problem.within(at)),
                    Err(refusal) => Err(Problem::refused(vec![refusal])),
                };
                entries.push(answered.unwrap_or_else(
                    |problem| json!({"response": {"status": problem.status_line(), "outcome": problem.outcome()}}),
                ));
            }
        }
    }
    let kind = match received.answer {
        AnswerKind::Transaction => "transaction-response",
        AnswerKind::Batch => "batch-response",
    };
    Ok(Answer::resource(&json!({"resourceType": "Bundle", "type": kind, "entry": entries})))
}

/// The sender's word for the request, for one document of it.
fn key_of(key: Option<&IdempotencyKey>, at: usize) -> Option<IdempotencyKey> {
    key.map(|key| IdempotencyKey { key: format!("{} #{at}", key.key), ..key.clone() })
}

async fn answer(call: &Call, entry: Entry, key: Option<IdempotencyKey>) -> Result<Value, Problem> {
    let told =
        |text: &str| json!({"response": {"status": status_line(StatusCode::OK), "outcome": information("information", text)}});
    let request = match entry {
        Entry::Document(request) => request,
        Entry::Context => return Ok(told("read with the documents that refer to it; it is no resource of its own here")),
        Entry::Unused => return Ok(told("not used: only the words of documents are read")),
    };
    let taken = take(call, request, key).await?;
    let mut response = json!({
        "status": status_line(taken.status),
        "location": taken.location(),
        "lastModified": taken.note.received_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    if let Some(version) = document(&taken.note)["meta"]["versionId"].as_str() {
        response["etag"] = json!(format!("W/\"{version}\""));
    }
    Ok(json!({"fullUrl": format!("{}/{}", call.base, taken.location()), "response": response}))
}

async fn take(call: &Call, request: Request, key: Option<IdempotencyKey>) -> Result<Taken, Problem> {
    match request {
        Request::Store { note, related } => store(call, *note, related, key).await,
        Request::Retract(document) => retract(call, document).await,
    }
}

/// Stores a note of the caller's own source.
async fn store(
    call: &Call,
    mut note: NewNote,
    related: Option<(Relation, NamedNote)>,
    key: Option<IdempotencyKey>,
) -> Result<Taken, Problem> {
    let user = call.user()?;
    note.source = user.source.clone().unwrap_or_default();
    if let Some((relation, named)) = related {
        note.related = Some(RelatedNote { relation, external_id: external_id(call, named).await? });
    }
    // a newer text of a known document is its next version: a resource that is posted carries the server's versionId or none
    let posting = Posting { key, unversioned: Unversioned::Next, ..note.into() };
    let (id, created) = call.service.post_note(user, posting).await.map_err(ApiError::from)?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Taken { status, note: note_of(call, id).await? })
}

/// Takes a document back. The same again changes nothing.
async fn retract(call: &Call, named: NamedNote) -> Result<Taken, Problem> {
    let user = call.user()?;
    let key = match named {
        NamedNote::Ours(id) => NoteKey::Id(id),
        NamedNote::External(external_id) => NoteKey::Document { source: user.source.clone().unwrap_or_default(), external_id },
    };
    let missing = || ApiError::missing("document of this source, so there is nothing to take back");
    let found = match &key {
        NoteKey::Id(id) => Some(*id),
        NoteKey::Document { external_id, .. } => newest(call, external_id).await?,
    };
    call.service.retract_note(user, key, None).await?.ok_or_else(missing)?;
    Ok(Taken { status: StatusCode::OK, note: note_of(call, found.ok_or_else(missing)?).await? })
}

/// The newest version of a document, the one that counts if any does.
async fn newest(call: &Call, external_id: &str) -> Result<Option<Uuid>, Problem> {
    let search = crate::store::NoteSearch { external_id: Some(external_id.to_owned()), ..crate::store::NoteSearch::default() };
    let notes = call.service.find_notes(call.user()?, search, None, 1000).await?;
    let current = notes.iter().rev().find(|note| note.standing == Standing::Current);
    Ok(current.or_else(|| notes.last()).map(|note| note.id))
}

async fn note_of(call: &Call, id: Uuid) -> Result<Note, Problem> {
    Ok(call.service.store.note(id).await?.ok_or_else(ApiError::internal)?)
}

/// The sender's id of a document that is named by it or by our id.
async fn external_id(call: &Call, named: NamedNote) -> Result<String, Problem> {
    let id = match named {
        NamedNote::External(external_id) => return Ok(external_id),
        NamedNote::Ours(id) => id,
    };
    let known = call.service.read_note(call.user()?, id, false).await?;
    known.and_then(|answer| answer.note.content.external_id).ok_or_else(|| {
        refusal("DocumentReference.relatesTo", "names a document that is not known here, or that came without an identifier")
    })
}

fn refusal(path: &str, detail: &str) -> Problem {
    Problem::refused(vec![Refusal { kind: RefusalKind::Invalid, path: path.to_owned(), detail: detail.to_owned() }])
}
