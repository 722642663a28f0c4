//! `/v1/reports/work`: what waits and for how long, who did what, and what second-level reviews came to.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ApiError, Caller, ProblemBody, body::Parameters};
use crate::{
    auth::Permission,
    domain::{Agreement, ItemState},
    service::{Report, Service, actor},
    store::{BACKLOG_DAYS, WorkOf},
};

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReportParameters {
    /// The last so many days, 1 to 3650; 30 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    days: Option<u32>,
}

/// Encounters that wait in one state.
#[derive(Serialize, ToSchema)]
pub struct BacklogBody {
    state: ItemState,
    /// By how many days ago they came: up to each of `backlog_days`, and longer.
    encounters: [u64; 4],
}

/// What somebody did.
#[derive(Serialize, ToSchema)]
pub struct WorkBody {
    /// Login name.
    name: String,
    /// Encounters finished, each time.
    finished: u64,
    accepted: u64,
    amended: u64,
    rejected: u64,
    /// Added, where the engine suggested nothing.
    added: u64,
    /// Taken back, their own or another's.
    withdrawn: u64,
}

/// The report.
#[derive(Serialize, ToSchema)]
pub struct WorkReportBody {
    days: u32,
    backlog_days: [i64; 3],
    backlog: Vec<BacklogBody>,
    work: Vec<WorkBody>,
    /// How far second-level reviews of that time agree with who finished the encounters, by login name.
    reviews: BTreeMap<String, Agreement>,
}

/// What waits now, and what was done in the last days; of what the caller may see. Reading it is recorded.
#[utoipa::path(get, path = "/v1/reports/work", tag = "reports", params(ReportParameters), responses(
    (status = 200, body = WorkReportBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn work(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ReportParameters>,
) -> Result<Json<WorkReportBody>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let days = parameters.days.unwrap_or(30).clamp(1, 3_650);
    let Report { work, agreement } = service.report(user, days).await?;
    let now = service.surroundings.now();
    service.store.record_audit(actor(user), "report.read", None, &format!("days={days}"), now).await?;
    let backlog = work.backlog.into_iter().map(|(state, encounters)| BacklogBody { state, encounters }).collect();
    let work = work.work.into_iter().map(|of| {
        let WorkOf { name, finished, accepted, amended, rejected, added, withdrawn } = of;
        WorkBody { name, finished, accepted, amended, rejected, added, withdrawn }
    });
    Ok(Json(WorkReportBody { days, backlog_days: BACKLOG_DAYS, backlog, work: work.collect(), reviews: agreement }))
}
