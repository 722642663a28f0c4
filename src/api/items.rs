//! `/v1/review/items`: the queue, and working through one encounter.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    authenticate::if_match,
    body::{Body, Id, Parameters},
    error::changed,
};
use crate::{
    auth::Permission,
    coding::edits::Edit,
    domain::{
        Assertion, Attributes, ChangeKind, CodeCandidate, DecisionKind, EncounterClass, EntryChange, EntryKind, EntryState,
        Evidence, ItemState, MedicationStatus, NotReportable, NoteStatus, OffsetUnit, Patient, Prompt, ReviewEntry, ReviewItem,
        Span, Standing, User,
    },
    review::{self, DecisionError},
    service::{DecideError, QueueItem, Service},
    store::{AuditEvent, Reopening},
    text::OffsetMap,
};

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ItemParameters {
    /// In this state; any when left out.
    state: Option<ItemState>,
    /// The `next` of the page before.
    after: Option<Uuid>,
    /// At most so many, 1 to 200; 50 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    limit: Option<u32>,
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

/// An item in the queue.
#[derive(Serialize, ToSchema)]
pub struct ItemBody {
    id: Uuid,
    state: ItemState,
    revision: u64,
    encounter: Option<String>,
    patient: Option<Patient>,
    encounter_class: Option<EncounterClass>,
    facility: Option<String>,
    department: Option<String>,
    restricted: bool,
    /// Login name of the coder who holds it.
    claimed_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    claimed_until: Option<Timestamp>,
    notes: Vec<Uuid>,
    pending_notes: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A page of the queue.
#[derive(Serialize, ToSchema)]
pub struct ItemPage {
    items: Vec<ItemBody>,
    /// Pass as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// A note of an item.
#[derive(Serialize, ToSchema)]
pub struct ItemNote {
    id: Uuid,
    status: NoteStatus,
    /// Whether it counts: entries and warnings are of notes that do.
    standing: Standing,
    note_type: Option<String>,
    #[schema(value_type = Option<String>, format = Date)]
    service_date: Option<jiff::civil::Date>,
    author: Option<String>,
}

/// Words of a note.
#[derive(Serialize, ToSchema)]
pub struct ItemEvidence {
    /// The note they stand in.
    note_id: Uuid,
    #[serde(flatten)]
    evidence: Evidence,
}

/// A decision on an entry.
#[derive(Serialize, ToSchema)]
pub struct DecisionBody {
    id: Uuid,
    /// Login name.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[serde(flatten)]
    decision: DecisionKind,
}

/// A finding about the codes that would be reported.
#[derive(Serialize, ToSchema)]
pub struct EditBody {
    #[serde(flatten)]
    edit: Edit,
    /// The entries whose codes are concerned.
    entries: Vec<Uuid>,
}

/// Hard edits that stood when the item was finished.
#[derive(Serialize, ToSchema)]
pub struct OverrideBody {
    /// Login name of who finished it.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Why they may stand: a word of `override_edits`.
    reason: String,
    /// How many, of which kinds, and why, in words.
    detail: String,
}

/// How to finish.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FinishParameters {
    /// Why hard edits may stand: `documentation_supports_it`, `provider_was_asked`, `conditions_are_unrelated` or `payer_asks_for_it`.
    #[param(pattern = "^(documentation_supports_it|provider_was_asked|conditions_are_unrelated|payer_asks_for_it)$")]
    override_edits: Option<String>,
}

/// What the caller has read.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct RevisionHeader {
    /// The item's ETag: the item is not changed when it has another one by now.
    #[param(rename = "If-Match", nullable = false, pattern = "^\"?[0-9]{1,19}\"?$")]
    _if_match: Option<String>,
}

/// What was decided before the notes changed.
#[derive(Serialize, ToSchema)]
pub struct ChangeBody {
    /// Why it does not hold any more.
    what: ChangeKind,
    /// What the decisions amounted to.
    was: EntryState,
    /// Login name of who made the last one.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<EntryChange> for ChangeBody {
    fn from(change: EntryChange) -> Self {
        Self { what: change.what, was: change.was, by: change.by, at: change.at }
    }
}

/// An entry of an item with its decisions folded in.
#[derive(Serialize, ToSchema)]
pub struct EntryBody {
    id: Uuid,
    kind: EntryKind,
    display: String,
    assertion: Option<Assertion>,
    status: Option<MedicationStatus>,
    codes: Vec<CodeCandidate>,
    confidence: Option<f32>,
    reportable: bool,
    not_reportable_because: Option<NotReportable>,
    attributes: Attributes,
    prompts: Vec<Prompt>,
    state: EntryState,
    /// Set when decisions were made on words that have changed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<ChangeBody>,
    /// Whether it must be decided before the item can be finished.
    needs_decision: bool,
    evidence: Vec<ItemEvidence>,
    decisions: Vec<DecisionBody>,
}

/// An item with its notes and entries.
#[derive(Serialize, ToSchema)]
pub struct ItemDetail {
    item: ItemBody,
    notes: Vec<ItemNote>,
    offset_unit: OffsetUnit,
    entries: Vec<EntryBody>,
    /// What is to be said about the codes that would be reported, the gravest first.
    edits: Vec<EditBody>,
    /// Who finished the item although hard edits stood, and why; oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<OverrideBody>,
}

/// Decisions, taken all or none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionsRequest {
    decisions: Vec<DecisionRequest>,
    /// Unit of `start` and `end` of additions.
    #[serde(default)]
    offset_unit: OffsetUnit,
}

/// One decision: `accept`, `amend`, `reject`, `add` or `withdraw`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecisionRequest {
    /// The entry decided on; left out for `add`.
    entry_id: Option<Uuid>,
    decision: DecisionKind,
}

/// The item after a change.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    /// New revision, also the ETag.
    revision: u64,
    /// The entries decided on, in the order of the decisions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Uuid>,
}

impl From<ReviewItem> for ItemBody {
    fn from(item: ReviewItem) -> Self {
        Self {
            id: item.id,
            state: item.state,
            revision: item.revision,
            encounter: item.encounter,
            patient: item.patient,
            encounter_class: item.encounter_class,
            facility: item.facility,
            department: item.department,
            restricted: item.restricted,
            claimed_by: item.claimed_by.map(|(_, name)| name),
            claimed_until: item.claimed_until,
            notes: item.notes,
            pending_notes: item.pending_notes,
            created_at: item.created_at,
        }
    }
}

impl From<AuditEvent> for OverrideBody {
    fn from(event: AuditEvent) -> Self {
        let reason = review::override_reason(&event.detail).to_owned();
        Self { by: event.actor.name, at: event.at, reason, detail: event.detail }
    }
}

fn entry_body(entry: ReviewEntry, maps: &HashMap<Uuid, OffsetMap>) -> EntryBody {
    let needs_decision = entry.needs_decision();
    let mut attributes = entry.attributes;
    if let Some(map) = entry.attributes_note.and_then(|note| maps.get(&note)) {
        remap(&mut attributes, map);
    }
    let evidence = entry.evidence.into_iter().map(|(note_id, mut evidence)| {
        if let Some(map) = maps.get(&note_id) {
            for (start, end) in evidence.places_mut() {
                *start = map.from_byte(*start);
                *end = map.from_byte(*end);
            }
        }
        ItemEvidence { note_id, evidence }
    });
    EntryBody {
        id: entry.id,
        kind: entry.kind,
        display: entry.display,
        assertion: entry.assertion,
        status: entry.status,
        codes: entry.codes,
        confidence: entry.confidence,
        reportable: entry.reportable,
        not_reportable_because: entry.not_reportable_because,
        attributes,
        prompts: entry.prompts,
        state: entry.state,
        changed: entry.changed.map(ChangeBody::from),
        needs_decision,
        evidence: evidence.collect(),
        decisions: entry
            .decisions
            .into_iter()
            .map(|decision| DecisionBody { id: decision.id, by: decision.user_name, at: decision.at, decision: decision.kind })
            .collect(),
    }
}

/// Turns the place of an addition into code points, as decisions are kept.
async fn in_code_points(service: &Service, user: &User, decision: &mut DecisionKind, unit: OffsetUnit) -> Result<(), ApiError> {
    let DecisionKind::Add { note_id: Some(note), start: Some(start), end: Some(end), .. } = decision else { return Ok(()) };
    let note = service.read_note(user, *note, false).await?.ok_or_else(|| ApiError::missing("note"))?.note;
    let bytes = OffsetMap::new(&note.content.text, unit).to_bytes(Span::new(*start, *end)).ok_or_else(|| {
        let detail = "start and end must be a place of the note that cuts no character";
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_span", detail)
    })?;
    let code_points = OffsetMap::new(&note.content.text, OffsetUnit::Codepoint);
    (*start, *end) = (code_points.from_byte(bytes.start), code_points.from_byte(bytes.end));
    Ok(())
}

fn remap(attributes: &mut Attributes, map: &OffsetMap) {
    for (start, end) in attributes.places_mut() {
        *start = map.from_byte(*start);
        *end = map.from_byte(*end);
    }
}

fn with_etag(revision: u64, body: impl IntoResponse) -> Response {
    ([(header::ETAG, format!("\"{revision}\""))], body).into_response()
}

/// The queue, oldest first.
#[utoipa::path(get, path = "/v1/review/items", tag = "review", params(ItemParameters), responses(
    (status = 200, body = ItemPage),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_items(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ItemParameters>,
) -> Result<Json<ItemPage>, ApiError> {
    let user = caller.may(Permission::ListItems)?;
    let limit = parameters.limit.unwrap_or(50).clamp(1, 200);
    let items = service.items(user, parameters.state, parameters.after, limit).await?;
    let next = if items.len() == limit as usize { items.last().map(|item| item.id) } else { None };
    Ok(Json(ItemPage { items: items.into_iter().map(ItemBody::from).collect(), next }))
}

/// One item with its entries.
#[utoipa::path(get, path = "/v1/review/items/{id}", tag = "review", params(("id" = Uuid, Path), OffsetParameters), responses(
    (status = 200, body = ItemDetail, headers(("ETag" = String, description = "The revision, for `If-Match`"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_item(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Parameters(parameters): Parameters<OffsetParameters>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::ListItems)?;
    let QueueItem { record, entries, edits } = service.item(user, id).await?.ok_or_else(|| ApiError::missing("item"))?;
    let maps: HashMap<Uuid, OffsetMap> =
        record.notes.iter().map(|(note, _)| (note.id, OffsetMap::new(&note.content.text, parameters.offset_unit))).collect();
    let notes = record
        .notes
        .into_iter()
        .map(|(note, _)| ItemNote {
            id: note.id,
            status: note.status,
            standing: note.standing,
            note_type: note.content.note_type,
            service_date: note.content.service_date,
            author: note.content.author,
        })
        .collect();
    let revision = record.item.revision;
    let entries = entries.into_iter().map(|entry| entry_body(entry, &maps)).collect();
    let edits = edits.into_iter().map(|found| EditBody { edit: found.edit, entries: found.entries }).collect();
    let overrides = record.overrides.into_iter().map(OverrideBody::from).collect();
    let body = ItemDetail { item: record.item.into(), notes, offset_unit: parameters.offset_unit, entries, edits, overrides };
    Ok(with_etag(revision, Json(body)))
}

/// Takes the item, or renews the claim: 30 minutes.
#[utoipa::path(post, path = "/v1/review/items/{id}/claim", tag = "review", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn claim_item(State(service): State<Arc<Service>>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Decide)?;
    let revision = changed(service.claim(user, id).await?)?;
    Ok(with_etag(revision, Json(Changed { revision, entries: Vec::new() })))
}

/// Gives the item back.
#[utoipa::path(post, path = "/v1/review/items/{id}/release", tag = "review", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn release_item(State(service): State<Arc<Service>>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Decide)?;
    let revision = changed(service.release(user, id).await?)?;
    Ok(with_etag(revision, Json(Changed { revision, entries: Vec::new() })))
}

/// Decides entries of a claimed item, all or none. `If-Match` with the item's ETag refuses to decide on what has changed.
#[utoipa::path(post, path = "/v1/review/items/{id}/decisions", tag = "review", params(("id" = Uuid, Path), RevisionHeader),
    request_body = DecisionsRequest, responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn decide(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(request): Body<DecisionsRequest>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Decide)?;
    let mut decisions: Vec<_> = request.decisions.into_iter().map(|one| (one.entry_id, one.decision)).collect();
    for (_, decision) in &mut decisions {
        if matches!(decision, DecisionKind::Accept { bulk: true }) {
            let message = "bulk is set by the pages, which know what may be accepted together; leave it out".to_owned();
            return Err(DecideError::Decision(DecisionError::Invalid(message)).into());
        }
        in_code_points(&service, user, decision, request.offset_unit).await?;
    }
    let (change, entries) = service.decide(user, id, decisions, if_match(&headers)?).await?;
    let revision = changed(change)?;
    Ok(with_etag(revision, Json(Changed { revision, entries })))
}

/// Finishes a claimed item whose entries are all decided. A hard edit against its codes needs a reason.
#[utoipa::path(post, path = "/v1/review/items/{id}/finish", tag = "review", params(("id" = Uuid, Path), FinishParameters, RevisionHeader), responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn finish_item(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Parameters(parameters): Parameters<FinishParameters>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Decide)?;
    let reason = parameters.override_edits.as_deref();
    let revision = changed(service.finish(user, id, if_match(&headers)?, reason).await?)?;
    Ok(with_etag(revision, Json(Changed { revision, entries: Vec::new() })))
}

/// Why an item is put back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenRequest {
    /// `coding_error`, `new_information`, `query_answered`, `claim_abandoned` or `other`.
    reason: String,
}

/// Puts an item back into the queue: a finished one, or one that another coder holds. Its decisions stay; what is finished again is sent again.
/// `If-Match` with the item's ETag refuses to do it to what has changed.
#[utoipa::path(post, path = "/v1/review/items/{id}/reopen", tag = "review", params(("id" = Uuid, Path), RevisionHeader), request_body = ReopenRequest, responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn reopen_item(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(request): Body<ReopenRequest>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Reopen)?;
    let reopening = Reopening { reason: request.reason, revision: if_match(&headers)? };
    let revision = changed(service.reopen(user, id, reopening).await?)?;
    Ok(with_etag(revision, Json(Changed { revision, entries: Vec::new() })))
}
