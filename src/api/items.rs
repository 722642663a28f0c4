//! `/v1/review/items/{id}`: working through one encounter.

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
        Evidence, ItemState, ItemSummary, MedicationStatus, NotReportable, NoteStatus, OffsetUnit, Patient, PayerClass,
        Priority, Prompt, Remark, RemarkKind, ReviewEntry, ReviewItem, Sensitivity, Span, Standing, User,
    },
    review::{self, DecisionError},
    service::{DecideError, QueueItem, Service},
    store::AuditEvent,
    text::OffsetMap,
};

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
    /// The labels of all its notes together.
    labels: Vec<Sensitivity>,
    /// How soon it is to be coded.
    priority: Priority,
    /// Who pays for it, where a sender said so.
    payer_class: Option<PayerClass>,
    /// The team that works on it; nobody else takes it, but a lead.
    team: Option<String>,
    /// Login name of the coder who holds it.
    claimed_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    claimed_until: Option<Timestamp>,
    /// Login name of who is to work on it; nobody else takes it, but a lead.
    assigned_to: Option<String>,
    /// Whether it was passed up: a lead takes it.
    escalated: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pended_until: Option<Timestamp>,
    /// Why it was laid aside or passed up.
    place_reason: Option<String>,
    /// What lists say of it; absent until it is worked out, within a second of a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<ItemSummary>,
    /// What looking at it is expected to be worth against other items, in points.
    #[serde(skip_serializing_if = "Option::is_none")]
    benefit: Option<u32>,
    notes: Vec<Uuid>,
    pending_notes: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A note of an item.
#[derive(Serialize, ToSchema)]
pub struct ItemNote {
    id: Uuid,
    status: NoteStatus,
    /// Whether it counts: entries and warnings are of notes that do.
    standing: Standing,
    /// When it was purged: nothing of it is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    purged_at: Option<Timestamp>,
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
    /// What users said of the item as a whole; oldest first.
    remarks: Vec<RemarkBody>,
}

/// A remark on an item.
#[derive(Serialize, ToSchema)]
pub struct RemarkBody {
    kind: RemarkKind,
    reason: Option<String>,
    comment: Option<String>,
    /// Login name of who got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Login name of who said it.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Remark> for RemarkBody {
    fn from(remark: Remark) -> Self {
        Self {
            kind: remark.kind,
            reason: remark.reason,
            comment: remark.comment,
            assigned_to: remark.assigned_to.map(|(_, name)| name),
            until: remark.until,
            by: remark.by,
            at: remark.at,
        }
    }
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
    pub(super) revision: u64,
    /// The entries decided on, in the order of the decisions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) entries: Vec<Uuid>,
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
            labels: item.labels.kinds(),
            priority: item.priority,
            payer_class: item.payer_class,
            team: item.team,
            claimed_by: item.claimed_by.map(|(_, name)| name),
            claimed_until: item.claimed_until,
            assigned_to: item.assigned_to.map(|(_, name)| name),
            escalated: item.escalated,
            pended_until: item.pended_until,
            place_reason: item.place_reason,
            benefit: item.summary.as_ref().map(ItemSummary::benefit),
            summary: item.summary,
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
    let note = super::notes::kept(service.read_note(user, *note, false).await?)?.note;
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

pub(super) fn with_etag(revision: u64, body: impl IntoResponse) -> Response {
    ([(header::ETAG, format!("\"{revision}\""))], body).into_response()
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
    let user = caller.may_read(&service, Permission::ListItems, id).await?;
    let QueueItem { record, entries, edits, .. } = service.item(user, id).await?.ok_or_else(|| ApiError::missing("item"))?;
    let maps: HashMap<Uuid, OffsetMap> =
        record.notes.iter().map(|(note, _)| (note.id, OffsetMap::new(&note.content.text, parameters.offset_unit))).collect();
    let notes = record
        .notes
        .into_iter()
        .map(|(note, _)| ItemNote {
            id: note.id,
            status: note.status,
            standing: note.standing,
            purged_at: note.purged.as_ref().map(|purged| purged.at),
            note_type: note.content.note_type,
            service_date: note.content.service_date,
            author: note.content.author,
        })
        .collect();
    let revision = record.item.revision;
    let entries = entries.into_iter().map(|entry| entry_body(entry, &maps)).collect();
    let edits = edits.into_iter().map(|found| EditBody { edit: found.edit, entries: found.entries }).collect();
    let overrides = record.overrides.into_iter().map(OverrideBody::from).collect();
    let remarks = record.remarks.into_iter().map(RemarkBody::from).collect();
    let item = record.item.into();
    let body = ItemDetail { item, notes, offset_unit: parameters.offset_unit, entries, edits, overrides, remarks };
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
