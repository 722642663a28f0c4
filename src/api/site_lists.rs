//! `/v1/review/reasons` and `/v1/review/teams`: what leads keep for their site, to be read by programs that decide and assign.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Caller, ProblemBody};
use crate::{
    auth::Permission,
    domain::{Reason, SiteListName, Team},
    service::Service,
};

/// The reasons of one act.
#[derive(Serialize, ToSchema)]
pub struct ReasonList {
    /// `reject_reasons`, `pend_reasons`, `escalate_reasons` or `reopen_reasons`.
    name: &'static str,
    /// Grows with every change; 0 while the reasons are those that the program brings.
    version: u64,
    reasons: Vec<Reason>,
}

/// All lists of reasons.
#[derive(Serialize, ToSchema)]
pub struct ReasonLists {
    lists: Vec<ReasonList>,
}

/// The teams of the site.
#[derive(Serialize, ToSchema)]
pub struct TeamList {
    /// Grows with every change; 0 while there are none.
    version: u64,
    teams: Vec<Team>,
}

/// The reasons that may be given for rejecting, laying aside, passing up and putting back.
#[utoipa::path(get, path = "/v1/review/reasons", tag = "review", responses(
    (status = 200, body = ReasonLists),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_reasons(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<ReasonLists>, ApiError> {
    caller.may(Permission::ListItems)?;
    let mut lists = Vec::new();
    for name in SiteListName::REASONS {
        let found = service.reason_list(name).await?;
        lists.push(ReasonList { name: name.as_str(), version: found.version, reasons: found.list });
    }
    Ok(Json(ReasonLists { lists }))
}

/// The teams that work is assigned to, with their members.
#[utoipa::path(get, path = "/v1/review/teams", tag = "review", responses(
    (status = 200, body = TeamList),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_teams(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<TeamList>, ApiError> {
    caller.may(Permission::ListItems)?;
    let found = service.teams().await?;
    Ok(Json(TeamList { version: found.version, teams: found.list }))
}
