//! `/v1/learning/proposals`: what the site's own reviews propose to teach the engine, and what leads decide on it.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Body, Parameters},
};
use crate::{
    auth::Permission,
    domain::{DecidedProposal, Proposal, ProposalEffect, ProposalEvidence, ProposalVerdict, SitePack},
    service::{LEARNING_DAYS, ProposalError, Service, ShadowError, actor},
};

/// Most days.
const MOST_DAYS: u32 = 3_650;

/// Which encounters are learnt from.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LearningQuery {
    /// Those that were finished within the last so many days, 1 to 3650; 90 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    days: Option<u32>,
}

/// A proposal.
#[derive(Serialize, ToSchema)]
pub struct ProposalBody {
    id: Uuid,
    /// `add_term`, `suppress`, `prefer` or `set_threshold`.
    change: &'static str,
    /// The row that the site pack gets: a pack with it alone.
    adds: SitePack,
    /// What it rests on.
    evidence: ProposalEvidence,
    /// What it would have done.
    effect: ProposalEffect,
}

/// A proposal that was decided on.
#[derive(Serialize, ToSchema)]
pub struct DecidedProposalBody {
    id: Uuid,
    /// `add_term`, `suppress`, `prefer` or `set_threshold`.
    change: &'static str,
    /// The row that was proposed: a pack with it alone.
    adds: SitePack,
    verdict: ProposalVerdict,
    /// Entries that spoke for it then.
    support: u64,
    /// The effect that was told.
    effect: ProposalEffect,
    /// The version of the site pack that it went into; null where it was declined.
    site_pack: Option<u64>,
    /// Login name.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Proposal> for ProposalBody {
    fn from(proposal: Proposal) -> Self {
        let Proposal { id, change, evidence, effect } = proposal;
        Self { id, change: change.as_str(), adds: SitePack::default().with(change), evidence, effect }
    }
}

impl From<DecidedProposal> for DecidedProposalBody {
    fn from(decided: DecidedProposal) -> Self {
        let DecidedProposal { id, change, verdict, support, effect, pack_version, by, at } = decided;
        Self {
            id,
            change: change.as_str(),
            adds: SitePack::default().with(change),
            verdict,
            support,
            effect,
            site_pack: pack_version,
            by,
            at,
        }
    }
}

/// What is proposed.
#[derive(Serialize, ToSchema)]
pub struct LearningBody {
    /// Finished encounters that were learnt from.
    encounters: u64,
    /// What they propose, the greatest benefit first.
    proposals: Vec<ProposalBody>,
    /// What leads decided before, the newest first.
    decided: Vec<DecidedProposalBody>,
}

/// What is decided on proposals.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalRequest {
    /// `approved` takes them into another version of the site pack, `declined` puts them away until twice as much speaks for them.
    verdict: ProposalVerdict,
    /// Which.
    proposals: Vec<Uuid>,
    /// The days that they were asked for with.
    #[schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    days: Option<u32>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub struct ProposalAnswer {
    /// The version of the site pack that they went into; it becomes live as every version does. Null where they were declined.
    site_pack: Option<u64>,
}

/// What is tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrialRequest {
    /// Which proposals, all together; thresholds among them are left out, since they change nothing that the engine suggests.
    proposals: Vec<Uuid>,
    /// The days that they were asked for with; encounters that were finished within them are read again.
    #[schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    days: Option<u32>,
}

/// What was started.
#[derive(Serialize, ToSchema)]
pub struct TrialAnswer {
    /// The id that the report will have in `/v1/shadow-runs` when the run has ended.
    report: Uuid,
}

fn days_of(days: Option<u32>) -> u32 {
    days.unwrap_or(LEARNING_DAYS).clamp(1, MOST_DAYS)
}

/// Changes of the site pack that coders' decisions speak for, each with what it rests on and what it would have done. For leads, within their
/// scope, since proposals have words of notes. Reading it is recorded.
#[utoipa::path(get, path = "/v1/learning/proposals", tag = "learning", params(LearningQuery), responses(
    (status = 200, body = LearningBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn proposals(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(query): Parameters<LearningQuery>,
) -> Result<Json<LearningBody>, ApiError> {
    caller.may(Permission::ReadReports)?;
    let user = caller.may(Permission::ChangeSettings)?;
    let days = days_of(query.days);
    let found = service.learning(user, days).await?;
    let now = service.surroundings.now();
    service.store.record_audit(actor(user), "learning.read", None, &format!("days={days}"), now).await?;
    Ok(Json(LearningBody {
        encounters: found.encounters,
        proposals: found.proposals.into_iter().map(Into::into).collect(),
        decided: found.decided.into_iter().map(Into::into).collect(),
    }))
}

/// Takes proposals into one new version of the site pack, or puts them away.
#[utoipa::path(post, path = "/v1/learning/proposals/decisions", tag = "learning", request_body = ProposalRequest, responses(
    (status = 200, body = ProposalAnswer),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "One of them is not proposed (any more)"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn decide_proposals(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Body(request): Body<ProposalRequest>,
) -> Result<Json<ProposalAnswer>, ApiError> {
    caller.may(Permission::ReadReports)?;
    let user = caller.may(Permission::ChangeSettings)?;
    let days = days_of(request.days);
    let ended = match request.verdict {
        ProposalVerdict::Approved => service.approve_proposals(user, days, &request.proposals).await.map(Some),
        ProposalVerdict::Declined => service.decline_proposals(user, days, &request.proposals).await.map(|()| None),
    };
    Ok(Json(ProposalAnswer { site_pack: ended? }))
}

impl From<ProposalError> for ApiError {
    fn from(problem: ProposalError) -> Self {
        match problem {
            ProposalError::None | ProposalError::OnlyThresholds => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", problem.to_string())
            }
            ProposalError::Gone => Self::missing("proposal"),
            ProposalError::Shadow(ShadowError::Store(error)) | ProposalError::Store(error) => error.into(),
            ProposalError::Shadow(problem) => Self::new(StatusCode::CONFLICT, "shadow_run_under_way", problem.to_string()),
            ProposalError::Pack(problem) => problem.into(),
        }
    }
}

/// Tries proposals before anybody takes them: the engine reads the encounters that were finished within these days again, with the newest version of
/// the site pack and with the proposals on top of it, and the report tells what coders would have been spared and what would have been wrong.
#[utoipa::path(post, path = "/v1/learning/proposals/trials", tag = "learning", request_body = TrialRequest, responses(
    (status = 202, body = TrialAnswer),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "One of them is not proposed (any more)"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "A shadow run is under way"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn try_proposals(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Body(request): Body<TrialRequest>,
) -> Result<(StatusCode, Json<TrialAnswer>), ApiError> {
    caller.may(Permission::ReadReports)?;
    let user = caller.may(Permission::ChangeSettings)?;
    let report = service.try_proposals(user, days_of(request.days), &request.proposals).await?;
    Ok((StatusCode::ACCEPTED, Json(TrialAnswer { report })))
}
