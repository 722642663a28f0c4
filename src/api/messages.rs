//! `/v1/messages`: messages of other systems that could not be used. Nothing of their content is told here.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Id, Parameters},
};
use crate::{
    auth::Permission,
    service::{Replay, Service, actor},
};

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MessageParameters {
    /// `next` of the page before.
    after: Option<Uuid>,
    /// At most so many, 1 to 1000; 100 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    limit: Option<u32>,
}

/// A message that could not be used.
#[derive(Serialize, ToSchema)]
pub struct MessageBody {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// The system that sent it.
    source: String,
    /// Type and event, for example `MDM^T02`.
    event: String,
    /// Why: a stable code.
    reason: String,
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    messages: Vec<MessageBody>,
    /// Pass as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// What came of handling a message again.
#[derive(Serialize, ToSchema)]
pub struct ReplayBody {
    id: Uuid,
    /// `accepted` or `failed`.
    state: &'static str,
    /// Why it still cannot be used: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What is wrong and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The note that it made or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    note_id: Option<Uuid>,
}

/// Messages that could not be used, newest first.
#[utoipa::path(get, path = "/v1/messages", tag = "messages", params(MessageParameters), responses(
    (status = 200, body = MessagePage),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_messages(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<MessageParameters>,
) -> Result<Json<MessagePage>, ApiError> {
    let user = caller.may(Permission::ReplayMessages)?;
    let limit = parameters.limit.unwrap_or(100).clamp(1, 1000);
    let lines = service.failed_messages(user, parameters.after, limit).await?;
    let next = if lines.len() == limit as usize { lines.last().map(|line| line.id) } else { None };
    let messages = lines
        .into_iter()
        .map(|line| MessageBody {
            id: line.id,
            received_at: line.received_at,
            source: line.source,
            event: line.event,
            reason: line.reason.unwrap_or_default(),
        })
        .collect();
    Ok(Json(MessagePage { messages, next }))
}

/// Handles a message again that could not be used, for example after what it refers to has come.
#[utoipa::path(post, path = "/v1/messages/{id}/replay", tag = "messages", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ReplayBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn replay_message(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<ReplayBody>, ApiError> {
    let user = caller.may(Permission::ReplayMessages)?;
    let conflict = |code, detail: &str| Err(ApiError::new(StatusCode::CONFLICT, code, detail));
    let body = ReplayBody { id, state: "accepted", reason: None, detail: None, note_id: None };
    if !service.may_see_message(user, id).await? {
        return Err(ApiError::missing("message"));
    }
    match service.intake().replay_message(actor(user), id).await? {
        Replay::Missing => Err(ApiError::missing("message")),
        Replay::AcceptedBefore => conflict("message_accepted", "the message was accepted; there is nothing to do"),
        Replay::Piece => conflict("message_incomplete", "only a piece of the message is here; its sender must send it again"),
        Replay::Accepted { note_id } => Ok(Json(ReplayBody { note_id, ..body })),
        Replay::Failed(problem) => {
            Ok(Json(ReplayBody { state: "failed", reason: Some(problem.code), detail: Some(problem.detail), ..body }))
        }
    }
}
