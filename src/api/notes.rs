//! `/v1/notes`: posting notes, reading them and their extraction.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Body, DigestedBody, Id, Parameters},
};
use crate::{
    auth::{Permission, permits},
    domain::{
        Confidentiality, EncounterClass, Extraction, NewNote, Note, NoteStatus, OffsetUnit, Patient, PayerClass, Priority,
        RelatedNote, Sensitivity, Standing,
    },
    interop::fhir::{Source, bundle, label},
    service::{NoteAnswer, Service},
    store::{IdempotencyKey, NoteKey, Posting},
    text::OffsetMap,
};

/// A note to store. Only `text` is required.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// The note. It is kept as it is; every offset is into it.
    #[schema(min_length = 1)]
    text: String,
    /// The system that sends it; a submitter's own source when left out, and only that.
    source: Option<String>,
    /// The sender's id of the note.
    external_id: Option<String>,
    /// The sender's version of the note.
    version: Option<String>,
    /// When the sender made this version: versions count in this order, whatever order they arrive in.
    #[schema(value_type = Option<String>, format = DateTime)]
    versioned_at: Option<Timestamp>,
    /// The document that it appends to (an addendum: both stand) or replaces.
    relates_to: Option<RelatedNote>,
    /// The patient: the sender's id, or an object with `id`, `name`, `birth_date`, `sex`.
    patient: Option<PatientRequest>,
    /// The encounter: the sender's id, or an object with `id`, `facility`, `department`.
    encounter: Option<EncounterRequest>,
    /// Class of the encounter.
    encounter_class: Option<EncounterClass>,
    /// Kind of note, for example `discharge_summary`.
    note_type: Option<String>,
    /// Date of service.
    #[schema(value_type = Option<String>, format = Date)]
    service_date: Option<Date>,
    /// The day on which an inpatient left.
    #[schema(value_type = Option<String>, format = Date)]
    discharge_date: Option<Date>,
    /// Who wrote it.
    author: Option<String>,
    /// Confidentiality label; `normal` when left out.
    confidentiality: Option<Confidentiality>,
    /// Kinds of sensitive information in it: only users cleared for each of them see the note and its encounter.
    #[serde(default)]
    labels: Vec<Sensitivity>,
    /// How soon the encounter is to be coded; as it was before when left out, `routine` at first.
    priority: Option<Priority>,
    /// Who pays for the encounter; as it was before when left out.
    payer_class: Option<PayerClass>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum PatientRequest {
    Id(String),
    Patient(Patient),
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EncounterObject {
    id: String,
    facility: Option<String>,
    department: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum EncounterRequest {
    Id(String),
    Encounter(EncounterObject),
}

/// Reads a string as an id and an object as the whole thing, with the object's own errors (an untagged enum would hide them).
struct IdOr<T, F>(std::marker::PhantomData<T>, F);

impl<'de, T: Deserialize<'de>, F: Fn(Result<String, T>) -> O, O> serde::de::Visitor<'de>
    for IdOr<T, (F, std::marker::PhantomData<O>)>
{
    type Value = O;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an id or an object")
    }

    fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<O, E> {
        Ok(self.1.0(Ok(id.to_owned())))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<O, A::Error> {
        let whole = T::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(self.1.0(Err(whole)))
    }
}

impl<'de> Deserialize<'de> for PatientRequest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let make = |read: Result<String, Patient>| read.map_or_else(Self::Patient, Self::Id);
        deserializer.deserialize_any(IdOr(std::marker::PhantomData::<Patient>, (make, std::marker::PhantomData)))
    }
}

impl<'de> Deserialize<'de> for EncounterRequest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let make = |read: Result<String, EncounterObject>| read.map_or_else(Self::Encounter, Self::Id);
        deserializer.deserialize_any(IdOr(std::marker::PhantomData::<EncounterObject>, (make, std::marker::PhantomData)))
    }
}

/// A stored note.
#[derive(Serialize, ToSchema)]
pub struct NoteAccepted {
    /// Our id.
    pub(super) id: Uuid,
    /// Where it stands.
    pub(super) status: NoteStatus,
}

/// A note without its text.
#[derive(Serialize, ToSchema)]
pub struct NoteBody {
    id: Uuid,
    status: NoteStatus,
    /// Whether it counts: `replaced` when a newer version stands in its place, `retracted` when its sender took it back.
    standing: Standing,
    /// Stable code when quarantined.
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine_reason: Option<String>,
    /// The review item it belongs to.
    item_id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    source: String,
    external_id: Option<String>,
    version: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    versioned_at: Option<Timestamp>,
    relates_to: Option<RelatedNote>,
    patient: Option<Patient>,
    encounter: Option<String>,
    encounter_class: Option<EncounterClass>,
    note_type: Option<String>,
    #[schema(value_type = Option<String>, format = Date)]
    service_date: Option<Date>,
    #[schema(value_type = Option<String>, format = Date)]
    discharge_date: Option<Date>,
    author: Option<String>,
    confidentiality: Confidentiality,
    /// Kinds of sensitive information in it.
    labels: Vec<Sensitivity>,
    /// The canonical text.
    text: String,
}

/// Unit of offsets.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OffsetParameters {
    /// Unit of the offsets in the answer.
    #[serde(default)]
    offset_unit: OffsetUnit,
}

impl NoteRequest {
    /// The note, from `default_source` when it names none.
    #[must_use]
    pub fn into_note(self, default_source: &str) -> NewNote {
        let (encounter, facility, department) = match self.encounter {
            None => (None, None, None),
            Some(EncounterRequest::Id(id)) => (Some(id), None, None),
            Some(EncounterRequest::Encounter(encounter)) => (Some(encounter.id), encounter.facility, encounter.department),
        };
        NewNote {
            text: self.text,
            source: self.source.unwrap_or_else(|| default_source.to_owned()),
            external_id: self.external_id,
            version: self.version,
            versioned_at: self.versioned_at,
            related: self.relates_to,
            patient: self.patient.map(|patient| match patient {
                PatientRequest::Id(id) => Patient { id, ..Patient::default() },
                PatientRequest::Patient(patient) => patient,
            }),
            encounter,
            encounter_class: self.encounter_class,
            note_type: self.note_type,
            service_date: self.service_date,
            discharge_date: self.discharge_date,
            author: self.author,
            facility,
            department,
            confidentiality: self.confidentiality.unwrap_or_default(),
            labels: self.labels.into_iter().collect(),
            priority: self.priority,
            payer_class: self.payer_class,
        }
    }
}

/// A word of the sender's own for one request.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct KeyHeader {
    /// The same key with the same body is the same request, for seven days and this token; 1 to 255 visible ASCII characters.
    #[param(rename = "Idempotency-Key", nullable = false, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    _idempotency_key: Option<String>,
}

/// Stores a note and queues its extraction. The answer comes when both are durable; the same note again gets the same id.
#[utoipa::path(post, path = "/v1/notes", tag = "notes", params(KeyHeader), request_body = NoteRequest, responses(
    (status = 202, body = NoteAccepted),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn post_note(
    State(service): State<Arc<Service>>,
    caller: Caller,
    headers: HeaderMap,
    DigestedBody(request, body): DigestedBody<NoteRequest>,
) -> Result<(StatusCode, Json<NoteAccepted>), ApiError> {
    let key = idempotency_key(&headers)?;
    let key = key.map(|key| IdempotencyKey { owner: hexadecimal(&caller.token), key, body });
    let accepted = post_one(&service, &caller, request, key).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

/// Stores one note of the caller's own source.
pub(super) async fn post_one(
    service: &Service,
    caller: &Caller,
    request: NoteRequest,
    key: Option<IdempotencyKey>,
) -> Result<NoteAccepted, ApiError> {
    let user = caller.may(Permission::PostNote)?;
    let own = user.source.clone().unwrap_or_default();
    let note = request.into_note(&own);
    if note.source != own {
        let detail = format!("this token speaks for the source {own:?} only");
        return Err(ApiError::new(StatusCode::FORBIDDEN, "wrong_source", detail));
    }
    let (id, created) = service.post_note(user, Posting { key, ..note.into() }).await?;
    let status = if created {
        NoteStatus::Pending
    } else {
        service.store.note(id).await?.map_or(NoteStatus::Pending, |note| note.status)
    };
    Ok(NoteAccepted { id, status })
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let is_visible = |word: &&str| word.bytes().all(|byte| byte.is_ascii_graphic());
    let word = value.to_str().ok().filter(|word| (1..=255).contains(&word.len())).filter(is_visible);
    word.map(|word| Some(word.to_owned())).ok_or_else(|| {
        let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters";
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail)
    })
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// When the sender took a note back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetractionRequest {
    /// Versions made after it still count; now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    retracted_at: Option<Timestamp>,
}

/// The notes that count no longer.
#[derive(Serialize, ToSchema)]
pub struct RetractionBody {
    /// Those that counted, or were replaced, until now; empty when all were retracted before.
    retracted: Vec<Uuid>,
}

/// Takes a note back, with the other versions of its document. An item without a note that counts is closed.
#[utoipa::path(post, path = "/v1/notes/{id}/retraction", tag = "notes", params(("id" = Uuid, Path)),
    request_body = RetractionRequest, responses(
    (status = 200, body = RetractionBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn retract(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<RetractionRequest>,
) -> Result<Json<RetractionBody>, ApiError> {
    let user = caller.may(Permission::PostNote)?;
    let retracted = service.retract_note(user, NoteKey::Id(id), request.retracted_at).await?;
    Ok(Json(RetractionBody { retracted: retracted.ok_or_else(|| ApiError::missing("note"))? }))
}

/// A note with its text.
#[utoipa::path(get, path = "/v1/notes/{id}", tag = "notes", params(("id" = Uuid, Path)), responses(
    (status = 200, body = NoteBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 410, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_note(State(service): State<Arc<Service>>, caller: Caller, Id(id): Id) -> Result<Json<NoteBody>, ApiError> {
    let user = reader(&service, &caller, id).await?;
    let note = kept(service.read_note(user, id, false).await?)?.note;
    let content = note.content;
    Ok(Json(NoteBody {
        id: note.id,
        status: note.status,
        standing: note.standing,
        quarantine_reason: note.quarantine_reason,
        item_id: note.item_id,
        received_at: note.received_at,
        source: content.source,
        external_id: content.external_id,
        version: content.version,
        versioned_at: content.versioned_at,
        relates_to: content.related,
        patient: content.patient,
        encounter: content.encounter,
        encounter_class: content.encounter_class,
        note_type: content.note_type,
        service_date: content.service_date,
        discharge_date: content.discharge_date,
        author: content.author,
        confidentiality: content.confidentiality,
        labels: content.labels.kinds(),
        text: content.text,
    }))
}

/// The canonical text of a note: every offset is into it.
#[utoipa::path(get, path = "/v1/notes/{id}/text", tag = "notes", params(("id" = Uuid, Path)), responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 410, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_text(State(service): State<Arc<Service>>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let user = reader(&service, &caller, id).await?;
    let note = kept(service.read_note(user, id, false).await?)?.note;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note.content.text).into_response())
}

/// The extraction of a note: 202 while it is pending, 409 when the note is quarantined.
#[utoipa::path(get, path = "/v1/notes/{id}/extraction", tag = "notes", params(("id" = Uuid, Path), OffsetParameters), responses(
    (status = 200, body = Extraction),
    (status = 202, body = NoteAccepted, headers(("Retry-After" = u32, description = "Seconds to wait"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 410, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_extraction(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Parameters(parameters): Parameters<OffsetParameters>,
) -> Result<Response, ApiError> {
    match ready(&service, &caller, id).await? {
        Ok((note, extraction)) => {
            let map = OffsetMap::new(&note.content.text, parameters.offset_unit);
            Ok(Json(extraction.map_offsets(parameters.offset_unit, |byte| map.from_byte(byte))).into_response())
        }
        Err(pending) => Ok(pending),
    }
}

/// A note that is there and was not purged.
pub(super) fn kept(answer: Option<NoteAnswer>) -> Result<NoteAnswer, ApiError> {
    let answer = answer.ok_or_else(|| ApiError::missing("note"))?;
    match &answer.note.purged {
        Some(purged) => Err(ApiError::purged(&purged.reason)),
        None => Ok(answer),
    }
}

/// A note with its extraction, or the answer that it is pending.
async fn ready(service: &Service, caller: &Caller, id: Uuid) -> Result<Result<(Note, Extraction), Response>, ApiError> {
    let user = reader(service, caller, id).await?;
    let answer = kept(service.read_note(user, id, true).await?)?;
    match (answer.note.status, answer.extraction) {
        (NoteStatus::Ready, Some(extraction)) => Ok(Ok((answer.note, extraction))),
        (NoteStatus::Quarantined, _) => Err(ApiError::quarantined(answer.note.quarantine_reason.as_deref())),
        _ => {
            let body = Json(NoteAccepted { id, status: NoteStatus::Pending });
            Ok(Err((StatusCode::ACCEPTED, [(header::RETRY_AFTER, "1")], body).into_response()))
        }
    }
}

/// The extraction of a note as a FHIR R4 transaction Bundle; 202 and 409 as for the extraction. Nothing in it was reviewed.
#[utoipa::path(get, path = "/v1/notes/{id}/fhir", tag = "notes", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "a Bundle", body = Object, content_type = "application/fhir+json"),
    (status = 202, body = NoteAccepted, headers(("Retry-After" = u32, description = "Seconds to wait"))),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 410, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_fhir(State(service): State<Arc<Service>>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    match ready(&service, &caller, id).await? {
        Ok((note, extraction)) => {
            let map = OffsetMap::new(&note.content.text, OffsetUnit::Codepoint);
            let extraction = extraction.map_offsets(OffsetUnit::Codepoint, |byte| map.from_byte(byte));
            let source = Source {
                text: &note.content.text,
                patient: note.content.patient.as_ref(),
                encounter: note.content.encounter.as_deref(),
                recorded: service.surroundings.now(),
            };
            let mut body = bundle(&extraction, source);
            label(&mut body, note.content.confidentiality, note.content.labels);
            Ok(([(header::CONTENT_TYPE, "application/fhir+json")], Json(body)).into_response())
        }
        Err(pending) => Ok(pending),
    }
}

/// Who may read a note with this id, if it lies in their scope or is open to them under broken glass.
async fn reader<'a>(service: &Service, caller: &'a Caller, id: Uuid) -> Result<&'a crate::domain::User, ApiError> {
    if permits(caller.user.role, Permission::ReadOwnNote) {
        return caller.may(Permission::ReadOwnNote);
    }
    caller.may_read(service, Permission::ReadNote, id).await
}
