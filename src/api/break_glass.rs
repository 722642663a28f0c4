//! `/v1/review/items/{id}/break-glass`: opening one encounter that scope or clearance hides, for an hour, to be read.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Body, Id},
};
use crate::{
    auth::Permission,
    domain::GlassReason,
    service::{BreakGlassError, Encounter, Service},
};

/// Why an encounter is opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassRequest {
    /// Why.
    reason: GlassReason,
    /// The same in words of one's own, for who looks at the access afterwards.
    #[schema(min_length = 1, max_length = 1000)]
    comment: String,
}

/// An encounter that is open.
#[derive(Serialize, ToSchema)]
pub struct GlassBody {
    /// The access.
    id: Uuid,
    /// The item, which can be read and not changed.
    item_id: Uuid,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

/// Opens an encounter that scope or clearance hides, for an hour, to be read. It is recorded, told, and looked at by an auditor. Nobody opens
/// their own record.
#[utoipa::path(post, path = "/v1/review/items/{id}/break-glass", tag = "review", params(("id" = Uuid, Path)),
    request_body = BreakGlassRequest, responses(
    (status = 201, body = GlassBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn break_glass(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<BreakGlassRequest>,
) -> Result<(StatusCode, Json<GlassBody>), ApiError> {
    let user = caller.may(Permission::BreakGlass)?;
    let access = service.break_glass(user, Encounter::Id(id), (request.reason, &request.comment)).await?;
    Ok((StatusCode::CREATED, Json(GlassBody { id: access.id, item_id: access.item_id, until: access.until })))
}

impl From<BreakGlassError> for ApiError {
    fn from(error: BreakGlassError) -> Self {
        match error {
            // an id names one encounter
            BreakGlassError::Missing | BreakGlassError::Several => Self::missing("item"),
            BreakGlassError::InScope(_) => Self::new(StatusCode::CONFLICT, "in_scope", error.to_string()),
            BreakGlassError::Words => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", error.to_string()),
            BreakGlassError::Store(error) => error.into(),
        }
    }
}
