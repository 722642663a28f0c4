//! Errors as RFC 9457 problem documents with a stable code. A 5xx body says nothing but that; the log says why.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refused;
use crate::{
    domain::User,
    engine::EngineError,
    pipeline::InputError,
    review::DecisionError,
    service::{DecideError, PostError, RefusedTo, actor},
    store::{Actor, ItemChange, StoreError},
};

/// The body of an error.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// `about:blank#` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// Stable code, for programs.
    pub code: String,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

/// An error of the API.
#[derive(Debug)]
pub struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
    retry_after: Option<u64>,
    /// Behind a pointer, so that results stay small.
    refused: Option<Box<Actor>>,
}

impl ApiError {
    /// With a message for the caller, which must not hold note text or personal fields.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None, refused: None }
    }

    /// 404 for a thing that is not there or not in the caller's scope.
    #[must_use]
    pub fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// 403.
    #[must_use]
    pub fn forbidden(role: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", format!("the role {role} may not do this"))
    }

    /// The same, refused to a known user, which is recorded.
    #[must_use]
    pub fn to(self, user: &User) -> Self {
        Self { refused: Some(Box::new(actor(user))), ..self }
    }

    /// What stands for it in a line of an NDJSON answer.
    pub(super) fn of_line(&self) -> serde_json::Value {
        serde_json::json!({"status": self.status.as_u16(), "code": self.code, "detail": self.detail})
    }

    /// 403 for a token that was granted less than its user may.
    #[must_use]
    pub fn out_of_scope() -> Self {
        let detail = "the scope of this token does not cover the call; ask for system/*.read or system/*.write too";
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", detail)
    }

    /// 401.
    #[must_use]
    pub fn unauthorized() -> Self {
        let detail = "send a live token as \"Authorization: Bearer TOKEN\"; an admin makes one with `abstractor token add`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 500; why stands in the log.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the service could not do this; its log says why")
    }

    /// 409 for a note that could not be extracted.
    pub(super) fn quarantined(reason: Option<&str>) -> Self {
        let detail = format!("the note could not be extracted: {}", reason.unwrap_or_default());
        Self::new(StatusCode::CONFLICT, "note_quarantined", detail)
    }

    /// 410 for a note that was purged.
    pub(super) fn purged(reason: &str) -> Self {
        let detail = format!("the note was purged, and nothing of it is left: {reason}");
        Self::new(StatusCode::GONE, "note_purged", detail)
    }

    /// 429: this client, not the service, has too much.
    #[must_use]
    pub fn too_many(code: &'static str, detail: &str) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
        error.retry_after = Some(1);
        error
    }

    /// 429 for an address of which too many tries to prove who it is failed.
    #[must_use]
    pub fn too_many_failures(seconds: u64) -> Self {
        let detail = "too many sign-ins and requests for tokens from this address failed; come back after the time given, with the right key";
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", detail);
        error.retry_after = Some(seconds);
        error
    }

    /// 503 with a time to come back.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: &str, seconds: u64) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        error.retry_after = Some(seconds);
        error
    }
}

/// What a caller gets when a handler panics. The panic's message is not passed on.
#[must_use]
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    ApiError::internal().into_response()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            kind: format!("about:blank#{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail.clone(),
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/problem+json")], text).into_response();
        self.add_headers(&mut response);
        response
    }
}

impl ApiError {
    /// What the caller is to do next, where headers say so.
    pub(super) fn add_headers(&self, response: &mut Response) {
        if let Some(actor) = &self.refused {
            response.extensions_mut().insert(RefusedTo(Actor::clone(actor)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Full(_) = error {
            // told in the log by the writer, or counted
            return Self::unavailable("full", &error.to_string(), 30);
        }
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::Unavailable(_) => {
                Self::unavailable("not_ready", "the store does not answer now; ask again after the time given", 5)
            }
            _ => Self::internal(),
        }
    }
}

impl From<InputError> for ApiError {
    fn from(error: InputError) -> Self {
        let status = match error {
            InputError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            InputError::Empty | InputError::Nul { .. } | InputError::NulInField => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<PostError> for ApiError {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Input(error) => error.into(),
            PostError::Conflict => Self::new(StatusCode::CONFLICT, "version_conflict", PostError::Conflict.to_string()),
            PostError::VersionRequired => {
                Self::new(StatusCode::CONFLICT, "version_required", PostError::VersionRequired.to_string())
            }
            PostError::KeyConflict => {
                Self::new(StatusCode::CONFLICT, "idempotency_conflict", PostError::KeyConflict.to_string())
            }
            PostError::Store(error) => error.into(),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy => {
                let detail = "the engine's queue is full, or this client has its half of it; try again after the time given";
                refused("engine_queue", Self::unavailable("busy", detail, 1))
            }
            EngineError::Stopped => Self::unavailable("stopping", "the service is shutting down", 5),
            EngineError::TimedOut => {
                let detail = "the extraction of this note took longer than the service allows; send it in parts";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "extraction_timeout", detail)
            }
            EngineError::Failed(reason) => {
                tracing::error!(reason, "an extraction failed");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "extraction_failed", "this note could not be extracted")
            }
        }
    }
}

impl From<DecideError> for ApiError {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Missing => Self::missing("item"),
            DecideError::Undecided(count) => {
                let detail = format!("{count} entries wait for a decision; decide them, then finish");
                Self::new(StatusCode::CONFLICT, "entries_undecided", detail)
            }
            DecideError::HardEdits(_) => Self::new(StatusCode::CONFLICT, "hard_edits", error.to_string()),
            DecideError::UnknownReason => Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", error.to_string()),
            DecideError::Unacceptable(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", error.to_string()),
            DecideError::Decision(error @ DecisionError::UnknownEntry(_)) => {
                Self::new(StatusCode::NOT_FOUND, "unknown_entry", error.to_string())
            }
            DecideError::Decision(error) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_decision", error.to_string()),
            DecideError::Store(error) => error.into(),
        }
    }
}

/// The new revision, or why the item did not change.
///
/// # Errors
/// Everything but [`ItemChange::Done`].
pub fn changed(change: ItemChange) -> Result<u64, ApiError> {
    let conflict = |code, detail: String| Err(ApiError::new(StatusCode::CONFLICT, code, detail));
    match change {
        ItemChange::Done { revision } => Ok(revision),
        ItemChange::Missing => Err(ApiError::missing("item")),
        ItemChange::HeldBy { name, until } => conflict("held_by_other", format!("{name} holds this item until {until}")),
        ItemChange::NotHeld => conflict("not_claimed", "claim the item first; a claim ends after 30 minutes".to_owned()),
        ItemChange::Finished => conflict("finished", "the item is finished".to_owned()),
        ItemChange::AssignedTo { name } => conflict("assigned_to_other", format!("this item is assigned to {name}")),
        ItemChange::ForTeam { team } => {
            conflict("for_team", format!("this item is for the team {team}: a member or a lead takes it"))
        }
        ItemChange::ForLeads => conflict("for_leads", "this item was passed up: a lead takes it, or assigns it".to_owned()),
        ItemChange::Pending { notes } => conflict("notes_pending", format!("{notes} notes of this item are not extracted yet")),
        ItemChange::Stale { revision } => Err(ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "stale_revision",
            format!("the item has changed; its revision is {revision} now: read it again"),
        )),
    }
}
