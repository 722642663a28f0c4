//! `/v1/site-packs`: what the site taught the engine, version by version, and which version is live.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Body, Word},
};
use crate::{
    auth::Permission,
    domain::{PackActivation, PackVersion, SitePack},
    service::{Activate, PackError, PackState, Service},
};

/// What the last shadow run of a version said.
#[derive(Serialize, ToSchema)]
pub struct ShadowBody {
    /// Id of its report.
    report: Uuid,
    /// Whether the version passed.
    passed: bool,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// A version of the pack, without its rows.
#[derive(Serialize, ToSchema)]
pub struct PackVersionBody {
    /// From 1.
    version: u64,
    /// What it has more and less than the one before, in counts.
    changed: String,
    /// What its maker says of it.
    note: String,
    /// Login name of its maker.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Whether it was live at any time: going back to it needs no shadow run.
    was_live: bool,
    /// Its last shadow run; null where there was none.
    shadow: Option<ShadowBody>,
}

/// That a version, or none, became live.
#[derive(Serialize, ToSchema)]
pub struct ActivationBody {
    /// From 1.
    number: u64,
    /// Which; null where the site used no pack from then on.
    version: Option<u64>,
    /// `passed_shadow_run`, `going_back`, `no_pack` or `without_shadow_run`.
    reason: &'static str,
    /// What an admin wrote who answers for it; empty otherwise.
    explanation: String,
    /// Login name.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Where the pack stands.
#[derive(Serialize, ToSchema)]
pub struct PackStateBody {
    /// The live version; null where the site uses no pack.
    live: Option<u64>,
    /// The version that this process runs with; another one for some seconds after a change.
    in_use: Option<u64>,
    /// Rows of it whose code the vocabularies of this process do not have.
    left_out: usize,
    /// The newest fifty versions, the newest first.
    versions: Vec<PackVersionBody>,
    /// What became live, the newest fifty, the newest first.
    activations: Vec<ActivationBody>,
}

/// A version with its rows.
#[derive(Serialize, ToSchema)]
pub struct PackBody {
    #[serde(flatten)]
    version: PackVersionBody,
    /// Its rows.
    pack: SitePack,
}

/// A version to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PackRequest {
    /// The newest version that you saw, 0 for none; refused when it is that no more. Left out: on top of whatever is the newest.
    #[schema(format = Int64, minimum = 0)]
    before: Option<u64>,
    /// All rows of the version.
    pack: SitePack,
    /// What you say of it, without words of notes.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// A version that was added.
#[derive(Serialize, ToSchema)]
pub struct AddedPackBody {
    /// Its number.
    version: u64,
}

/// What shall be live.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateRequest {
    /// Which version; null for no pack.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true, format = Int64, minimum = 0)]
    version: Option<u64>,
    /// The number of the newest activation that you saw, 0 for none; refused when it is that no more. Left out: whatever it is.
    #[schema(format = Int64, minimum = 0)]
    before: Option<u64>,
    /// Why a version becomes live that has not passed its shadow run; an admin may say so.
    #[schema(max_length = 500)]
    without_shadow_run: Option<String>,
}

impl From<PackVersion> for PackVersionBody {
    fn from(version: PackVersion) -> Self {
        let shadow = version.shadow.map(|run| ShadowBody { report: run.report, passed: run.passed, at: run.at });
        Self {
            version: version.version,
            changed: version.changed,
            note: version.note,
            by: version.by,
            at: version.at,
            was_live: version.was_live,
            shadow,
        }
    }
}

impl From<PackActivation> for ActivationBody {
    fn from(activation: PackActivation) -> Self {
        Self {
            number: activation.number,
            version: activation.version,
            reason: activation.reason.as_str(),
            explanation: activation.explanation,
            by: activation.by,
            at: activation.at,
        }
    }
}

impl From<PackState> for PackStateBody {
    fn from(state: PackState) -> Self {
        Self {
            live: state.live,
            in_use: state.in_use,
            left_out: state.left_out,
            versions: state.versions.into_iter().map(PackVersionBody::from).collect(),
            activations: state.activations.into_iter().map(ActivationBody::from).collect(),
        }
    }
}

impl From<PackError> for ApiError {
    fn from(error: PackError) -> Self {
        let detail = error.to_string();
        let (status, code) = match error {
            PackError::Store(error) => return error.into(),
            PackError::Unusable(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unusable_site_pack"),
            PackError::TooLong => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_field"),
            PackError::NoExplanation => (StatusCode::UNPROCESSABLE_ENTITY, "explanation_required"),
            PackError::Same => (StatusCode::CONFLICT, "site_pack_unchanged"),
            PackError::Changed => (StatusCode::CONFLICT, "site_pack_changed"),
            PackError::NoShadowRun(_) => (StatusCode::CONFLICT, "no_shadow_run"),
            PackError::NotPassed(_) => (StatusCode::CONFLICT, "shadow_run_not_passed"),
            PackError::NoVersion(_) => (StatusCode::NOT_FOUND, "not_found"),
            PackError::NotAdmin => (StatusCode::FORBIDDEN, "forbidden"),
        };
        Self::new(status, code, detail)
    }
}

/// Where the site's pack stands: its versions, what became live when and why.
#[utoipa::path(get, path = "/v1/site-packs", tag = "site pack", responses(
    (status = 200, body = PackStateBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_packs(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<PackStateBody>, ApiError> {
    caller.may(Permission::ReadSettings)?;
    Ok(Json(service.pack_state().await?.into()))
}

/// A version with its rows.
#[utoipa::path(get, path = "/v1/site-packs/{version}", tag = "site pack",
    params(("version" = u64, Path, description = "Number of the version.", format = Int64, minimum = 0)), responses(
    (status = 200, body = PackBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_pack(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Word(version): Word,
) -> Result<Json<PackBody>, ApiError> {
    caller.may(Permission::ReadSettings)?;
    let missing = || ApiError::missing("version of the site pack");
    let number = version.parse().map_err(|_| missing())?;
    let (version, pack) = service.pack(number).await?.ok_or_else(missing)?;
    Ok(Json(PackBody { version: version.into(), pack }))
}

/// Adds a version: the whole pack. It becomes live by activating it alone.
#[utoipa::path(post, path = "/v1/site-packs", tag = "site pack", request_body = PackRequest, responses(
    (status = 201, body = AddedPackBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn add_pack(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Body(request): Body<PackRequest>,
) -> Result<(StatusCode, Json<AddedPackBody>), ApiError> {
    let user = caller.may(Permission::ChangeSettings)?;
    let before = match request.before {
        Some(before) => before,
        None => service.newest_pack().await?.0,
    };
    let version = service.set_pack(user, (before, request.pack), &request.note).await?;
    Ok((StatusCode::CREATED, Json(AddedPackBody { version })))
}

/// Makes a version live, or none. One that was not live before needs a shadow run that it passed, or an admin who answers for it in writing.
/// Notes under way end with the pack that they began with; stored extractions stay as they are.
#[utoipa::path(post, path = "/v1/site-packs/activate", tag = "site pack", request_body = ActivateRequest, responses(
    (status = 200, body = PackStateBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn activate_pack(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Body(request): Body<ActivateRequest>,
) -> Result<Json<PackStateBody>, ApiError> {
    let user = caller.may(Permission::ChangeSettings)?;
    let ActivateRequest { version, before, without_shadow_run } = request;
    service.activate_pack(user, Activate { before, version, without_shadow_run }).await?;
    Ok(Json(service.pack_state().await?.into()))
}
