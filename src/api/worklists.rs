//! `/v1/review/items`: the lists, and how items are moved without deciding on them.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ApiError, Caller, ProblemBody,
    authenticate::if_match,
    body::{Body, Id, Parameters},
    error::changed,
    items::{Changed, ItemBody, RevisionHeader, with_etag},
};
use crate::{
    auth::Permission,
    domain::{Assigned, EncounterClass, ItemState, ListEnd, PayerClass, Priority, Worklist, WorklistOrder},
    service::{Moving, Service},
    store::ItemChange,
};

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ItemParameters {
    /// In this state; any when left out.
    state: Option<ItemState>,
    /// `me`: assigned to the caller or held by them; `nobody`: assigned to nobody and no team; `leads`: passed up; `team`: assigned to a team of the caller.
    #[param(inline)]
    assigned: Option<Assigned>,
    /// With a note of this type that counts.
    note_type: Option<String>,
    /// Of this department.
    department: Option<String>,
    /// Of this class.
    encounter_class: Option<EncounterClass>,
    /// Of this priority.
    #[param(inline)]
    priority: Option<Priority>,
    /// Of this class of payer.
    #[param(inline)]
    payer_class: Option<PayerClass>,
    /// Assigned to this team, by name.
    team: Option<String>,
    /// With a note of service on or after this date.
    #[param(value_type = Option<String>, format = Date)]
    service_from: Option<Date>,
    /// With a note of service on or before this date.
    #[param(value_type = Option<String>, format = Date)]
    service_to: Option<Date>,
    /// Only those with an alert or a hard edit.
    #[serde(default)]
    alert: bool,
    /// Only those with an entry that the engine is not sure of.
    #[serde(default)]
    unsure: bool,
    /// `oldest` when left out; `benefit`: what is uncertain and important first; `service_date`; `priority`: the most urgent first.
    #[serde(default)]
    #[param(inline)]
    order: WorklistOrder,
    /// The `next` of the page before, as it came.
    #[param(value_type = Option<String>, pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}([.]-?[0-9]{1,17}[.][0-9-]{0,20})?$")]
    after: Option<ListEnd>,
    /// At most so many, 1 to 200; 50 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    limit: Option<u32>,
}

/// A page of the queue.
#[derive(Serialize, ToSchema)]
pub struct ItemPage {
    items: Vec<ItemBody>,
    /// Pass as `after` for the next page; absent on the last one. In an order in which items move, one that moved meanwhile is shown again rather
    /// than left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<ListEnd>,
}

/// Why an item is laid aside.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PendRequest {
    /// A word of the site's list (`/v1/review/reasons`); at first `awaiting_query`, `awaiting_documentation`, `awaiting_results`, `coding_question` or
    /// `other`.
    reason: String,
    /// Free words; sealed.
    #[serde(default)]
    comment: Option<String>,
    /// Until when; until somebody takes it when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// Why an item is passed up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalateRequest {
    /// A word of the site's list; at first `complex_case`, `guideline_question`, `conflicting_documentation`, `compliance_concern` or `other`.
    reason: String,
    /// Free words; sealed.
    #[serde(default)]
    comment: Option<String>,
}

/// Who is to work on an item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// Login name of a coder or lead; null = whoever takes it. Left out beside a `team`, it stays as it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    to: Option<Option<String>>,
    /// Name of a team, whose members take it; null = no team. Left out, it stays as it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    team: Option<Option<String>>,
    /// Free words; sealed.
    #[serde(default)]
    comment: Option<String>,
}

/// Tells a field that is null from one that is left out.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Why an item is put back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenRequest {
    /// A word of the site's list; at first `coding_error`, `new_information`, `query_answered`, `claim_abandoned` or `other`.
    reason: String,
    /// Free words; sealed.
    #[serde(default)]
    comment: Option<String>,
}

/// Words on an item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemarkRequest {
    /// The words; sealed.
    comment: String,
}

fn moved(change: ItemChange) -> Result<Response, ApiError> {
    let revision = changed(change)?;
    Ok(with_etag(revision, Json(Changed { revision, entries: Vec::new() })))
}

/// A list of the queue, oldest first unless asked otherwise.
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
    let after = parameters.after;
    let worklist = Worklist {
        state: parameters.state,
        assigned: parameters.assigned,
        note_type: parameters.note_type,
        department: parameters.department,
        encounter_class: parameters.encounter_class,
        priority: parameters.priority,
        payer_class: parameters.payer_class,
        team: parameters.team,
        service_from: parameters.service_from,
        service_to: parameters.service_to,
        alert: parameters.alert,
        unsure: parameters.unsure,
        order: parameters.order,
    };
    let (order, now) = (worklist.order, service.surroundings.now());
    let items = service.items(user, worklist, after, limit).await?;
    let last = items.last().filter(|_| items.len() == limit as usize);
    let next = last.map(|item| ListEnd::of(order, item, now));
    Ok(Json(ItemPage { items: items.into_iter().map(ItemBody::from).collect(), next }))
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
    moved(service.release(user, id).await?)
}

/// Lays a claimed item aside, with a reason. It comes back when the time passes, when a note arrives, or when somebody takes it.
#[utoipa::path(post, path = "/v1/review/items/{id}/pend", tag = "review", params(("id" = Uuid, Path), RevisionHeader), request_body = PendRequest, responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn pend_item(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(request): Body<PendRequest>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Decide)?;
    let revision = if_match(&headers)?;
    moved(
        service
            .pend(user, id, request.until, Moving { reason: Some(request.reason), comment: request.comment, revision })
            .await?,
    )
}

/// Passes a claimed item up to the leads, with a reason.
#[utoipa::path(post, path = "/v1/review/items/{id}/escalate", tag = "review", params(("id" = Uuid, Path), RevisionHeader), request_body = EscalateRequest, responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn escalate_item(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(request): Body<EscalateRequest>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Decide)?;
    let revision = if_match(&headers)?;
    moved(service.escalate(user, id, Moving { reason: Some(request.reason), comment: request.comment, revision }).await?)
}

/// Says who, or which team, is to work on an item. Who holds it otherwise loses it; decisions stay.
#[utoipa::path(post, path = "/v1/review/items/{id}/assign", tag = "review", params(("id" = Uuid, Path), RevisionHeader), request_body = AssignRequest, responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn assign_item(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(request): Body<AssignRequest>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Assign)?;
    let AssignRequest { to, team, comment } = request;
    let mut moving = Moving { reason: None, comment, revision: if_match(&headers)? };
    if let Some(team) = &team {
        let change = service.give_to_team(user, id, team.as_deref(), moving.clone()).await?;
        let ItemChange::Done { revision } = change else { return moved(change) };
        if to.is_none() {
            return moved(change);
        }
        // the words stand with the team already
        moving = Moving { revision: Some(revision), ..Moving::default() };
    }
    moved(service.assign(user, id, to.flatten().as_deref(), moving).await?)
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
    let revision = if_match(&headers)?;
    moved(service.reopen(user, id, Moving { reason: Some(request.reason), comment: request.comment, revision }).await?)
}

/// Keeps words on an item for those who work on it after; no claim is needed.
#[utoipa::path(post, path = "/v1/review/items/{id}/remarks", tag = "review", params(("id" = Uuid, Path)), request_body = RemarkRequest, responses(
    (status = 200, body = Changed, headers(("ETag" = String, description = "The new revision"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn add_remark(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<RemarkRequest>,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::Decide)?;
    moved(service.remark(user, id, &request.comment).await?)
}
