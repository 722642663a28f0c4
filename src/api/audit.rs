//! `/v1/audit/events`: who did what.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ApiError, Caller, ProblemBody, body::Parameters};
use crate::{
    auth::Permission,
    service::{Service, actor},
    store::AuditEvent,
};

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventParameters {
    /// After this sequence number.
    #[serde(default)]
    after: i64,
    /// At most so many, 1 to 1000; 100 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    limit: Option<u32>,
}

/// An audit event.
#[derive(Serialize, ToSchema)]
pub struct EventBody {
    sequence: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Login name, or `service`.
    actor: String,
    action: String,
    subject_kind: String,
    subject_id: Option<Uuid>,
    detail: String,
}

impl From<AuditEvent> for EventBody {
    fn from(event: AuditEvent) -> Self {
        Self {
            sequence: event.sequence,
            at: event.at,
            actor: event.actor.name,
            action: event.action,
            subject_kind: event.subject_kind,
            subject_id: event.subject_id,
            detail: event.detail,
        }
    }
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    events: Vec<EventBody>,
    /// Pass as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Audit events, oldest first. Reading them is recorded.
#[utoipa::path(get, path = "/v1/audit/events", tag = "audit", params(EventParameters), responses(
    (status = 200, body = EventPage),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_events(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<EventParameters>,
) -> Result<Json<EventPage>, ApiError> {
    let user = caller.may(Permission::ReadAudit)?;
    service.record_counted(actor(user), "audit.read", "events".to_owned()).await?;
    let limit = parameters.limit.unwrap_or(100).clamp(1, 1000);
    let events: Vec<EventBody> =
        service.store.audit_events(parameters.after, limit).await?.into_iter().map(EventBody::from).collect();
    let next = if events.len() == limit as usize { events.last().map(|event| event.sequence) } else { None };
    Ok(Json(EventPage { events, next }))
}
