//! `/v1/reports/…`: what waits and for how long, who did what and how long it took, what became of the engine's suggestions, and queries.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ApiError, Caller, ProblemBody, body::Parameters};
use crate::{
    auth::Permission,
    domain::{Agreement, EntryKind, ItemState, Period, Priority},
    report::{
        Amendment, Dimension, Flow, MOST_ROWS, OutcomeCounts, OutcomeRows, OutcomeStep, QueryReport, ReasonCount, ReviewReport,
        Share, Step, TURNAROUND_HOURS, WaitingDimension, WaitingRow, WorkTime,
    },
    service::{Report, ReportAsked, Service, actor},
    store::{BACKLOG_DAYS, WAITING_DAYS, WorkOf},
};

/// Days that are reported where nothing else is asked, and most.
const DAYS: (u32, u32) = (30, 3_650);

/// Of what. What the caller may not see is left out whatever is asked.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReportParameters {
    /// The last so many days, 1 to 3650; 30 when left out. Not together with `from` or `until`.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    days: Option<u32>,
    /// From this day on, in the hospital's zone; when left out, the 30 days that end with `until`.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// Until the end of this day; today when left out.
    #[param(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// Of encounters of this facility alone.
    facility: Option<String>,
    /// Of encounters of this department alone.
    department: Option<String>,
    /// Of entries of this kind alone; for the report on the engine.
    kind: Option<EntryKind>,
    /// Of this coder alone, by login name; not for the backlog.
    coder: Option<String>,
}

impl ReportParameters {
    fn asked(self, service: &Service) -> Result<(ReportAsked, u32), ApiError> {
        let bad = || {
            let detail = "days, or from and until in the order of time, at most 3650 days";
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_parameter",
                format!("the time cannot be reported: give {detail}"),
            )
        };
        let now = service.surroundings.now();
        let (period, days) = if self.from.is_none() && self.until.is_none() {
            let days = self.days.unwrap_or(DAYS.0).clamp(1, DAYS.1);
            (Period::last(days, now), days)
        } else {
            let until = self.until.unwrap_or_else(|| now.to_zoned(service.time_zone.clone()).date());
            let from = self.from.map_or_else(|| until.checked_sub((i64::from(DAYS.0) - 1).days()), Ok).map_err(|_| bad())?;
            let between = until.since(from).map_err(|_| bad())?.get_days();
            let days = u32::try_from(between).ok().map(|days| days + 1).filter(|days| *days <= DAYS.1 && self.days.is_none());
            (Period::days(from, until, &service.time_zone).ok_or_else(bad)?, days.ok_or_else(bad)?)
        };
        let ReportParameters { facility, department, kind, coder, .. } = self;
        Ok((ReportAsked { facility, department, kind, coder, ..ReportAsked::of(period) }, days))
    }
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
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    backlog_days: [i64; 3],
    backlog: Vec<BacklogBody>,
    work: Vec<WorkBody>,
    /// How far second-level reviews of that time agree with who finished the encounters, by login name.
    reviews: BTreeMap<String, Agreement>,
    /// The same with kinds of errors.
    second_reviews: ReviewReport,
    /// How long encounters were in a coder's hands with signs of work, by login name, worked out of the audit trail: from the claim to its end,
    /// of each pause at most thirty minutes.
    times: BTreeMap<String, WorkTime>,
    all_times: WorkTime,
}

/// What became of the engine's suggestions.
#[derive(Serialize, ToSchema)]
pub struct EngineReportBody {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Encounters that were finished last within that time, and have an entry that counts.
    encounters: u64,
    all: OutcomeCounts,
    /// Of the suggestions that a coder decided on, those accepted as they were.
    accepted_share: Share,
    /// Of the suggestions that a coder decided on, those that stand, as they were or with changes.
    kept_share: Share,
    /// Of what stands at last, that which the engine had suggested. Coders saw the suggestions: it is no recall against an independent standard.
    found_share: Share,
    /// By `code`, `section`, `note_type`, `coder`, `engine`, `facility`, `department` and `kind`: the fifty values with the most entries, and the
    /// others together.
    by: BTreeMap<&'static str, OutcomeRows>,
    step: Step,
    steps: Vec<OutcomeStep>,
    reject_reasons: Vec<ReasonCount>,
    /// What was changed of amended suggestions: `code`, `assertion`, `status` or `attributes`.
    amended_parts: BTreeMap<String, u64>,
    /// The fifty most frequent changes of codes.
    amendments: Vec<Amendment>,
}

/// An encounter that waits.
#[derive(Serialize, ToSchema)]
pub struct WaitingBody {
    id: Uuid,
    state: ItemState,
    priority: Priority,
    team: Option<String>,
    facility: Option<String>,
    department: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
}

/// What waits.
#[derive(Serialize, ToSchema)]
pub struct BacklogReportBody {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    waiting_days: [i64; 6],
    /// Encounters that wait now, by how many days ago they came: up to each of `waiting_days`, and longer.
    all: [u64; 7],
    /// The same by `state`, `priority`, `team`, `facility` and `department`; at most fifty rows of each.
    by: BTreeMap<&'static str, Vec<WaitingRow>>,
    /// The oldest ones.
    oldest: Vec<WaitingBody>,
    step: Step,
    flow: Vec<Flow>,
}

/// Queries to providers.
#[derive(Serialize, ToSchema)]
pub struct QueriesReportBody {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    turnaround_hours: [i64; 6],
    step: Step,
    #[serde(flatten)]
    report: QueryReport,
}

/// Records that a report was read.
async fn read(service: &Service, caller: &Caller, (name, asked): (&str, &ReportAsked)) -> Result<(), ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let detail = format!("{name} from {} until {}", asked.period.from, asked.period.until);
    service.store.record_audit(actor(user), "report.read", None, &detail, service.surroundings.now()).await?;
    Ok(())
}

/// What waits now, what was done within a time and how long it took; of what the caller may see. Reading it is recorded.
#[utoipa::path(get, path = "/v1/reports/work", tag = "reports", params(ReportParameters), responses(
    (status = 200, body = WorkReportBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn work(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ReportParameters>,
) -> Result<Json<WorkReportBody>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let (asked, days) = parameters.asked(&service)?;
    let Report { work, times, reviews } = service.report(user, &asked).await?;
    read(&service, &caller, ("work", &asked)).await?;
    let backlog = work.backlog.into_iter().map(|(state, encounters)| BacklogBody { state, encounters }).collect();
    let work = work.work.into_iter().map(|of| {
        let WorkOf { name, finished, accepted, amended, rejected, added, withdrawn } = of;
        WorkBody { name, finished, accepted, amended, rejected, added, withdrawn }
    });
    let (times, all_times) = times;
    Ok(Json(WorkReportBody {
        days,
        from: asked.period.from,
        until: asked.period.until,
        backlog_days: BACKLOG_DAYS,
        backlog,
        work: work.collect(),
        reviews: reviews.by_coder.iter().map(|(name, counts)| (name.clone(), counts.agreement)).collect(),
        second_reviews: reviews,
        times,
        all_times,
    }))
}

/// What became of the engine's suggestions in encounters that were finished last within a time; of what the caller may see. Reading it is recorded.
#[utoipa::path(get, path = "/v1/reports/engine", tag = "reports", params(ReportParameters), responses(
    (status = 200, body = EngineReportBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn engine(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ReportParameters>,
) -> Result<Json<EngineReportBody>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let (asked, _) = parameters.asked(&service)?;
    let report = service.engine_report(user, &asked).await?;
    read(&service, &caller, ("engine", &asked)).await?;
    Ok(Json(EngineReportBody {
        from: asked.period.from,
        until: asked.period.until,
        encounters: report.encounters,
        all: report.all,
        accepted_share: report.all.accepted_share(),
        kept_share: report.all.kept_share(),
        found_share: report.all.found_share(),
        by: Dimension::ALL.into_iter().map(|one| (one.as_str(), report.rows(one, MOST_ROWS))).collect(),
        step: Step::of(&asked.period),
        steps: report.steps(),
        reject_reasons: report.reasons(),
        amended_parts: report.parts().into_iter().map(|(part, times)| (part.as_str().to_owned(), times)).collect(),
        amendments: report.amendments(MOST_ROWS),
    }))
}

/// What waits now and for how long, and what came against what was finished within a time; of what the caller may see. Reading it is recorded.
#[utoipa::path(get, path = "/v1/reports/backlog", tag = "reports", params(ReportParameters), responses(
    (status = 200, body = BacklogReportBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn backlog(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ReportParameters>,
) -> Result<Json<BacklogReportBody>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let (asked, _) = parameters.asked(&service)?;
    let figures = service.backlog_figures(user, &asked).await?;
    read(&service, &caller, ("backlog", &asked)).await?;
    let rows = |one| figures.report.rows(one).iter().take(MOST_ROWS).cloned().collect();
    Ok(Json(BacklogReportBody {
        from: asked.period.from,
        until: asked.period.until,
        waiting_days: WAITING_DAYS,
        all: figures.report.all,
        by: WaitingDimension::ALL.into_iter().map(|one| (one.as_str(), rows(one))).collect(),
        oldest: figures
            .oldest
            .into_iter()
            .map(|item| WaitingBody {
                id: item.id,
                state: item.state,
                priority: item.priority,
                team: item.team,
                facility: item.facility,
                department: item.department,
                received_at: item.received_at,
            })
            .collect(),
        step: Step::of(&asked.period),
        flow: figures.flow,
    }))
}

/// Queries to providers within a time, how fast they were answered, and those that wait now; of what the caller may see. Who answered is told to
/// those who may read queries. Reading it is recorded.
#[utoipa::path(get, path = "/v1/reports/queries", tag = "reports", params(ReportParameters), responses(
    (status = 200, body = QueriesReportBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn queries(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ReportParameters>,
) -> Result<Json<QueriesReportBody>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let (asked, _) = parameters.asked(&service)?;
    let report = service.query_figures(user, &asked).await?;
    read(&service, &caller, ("queries", &asked)).await?;
    Ok(Json(QueriesReportBody {
        from: asked.period.from,
        until: asked.period.until,
        turnaround_hours: TURNAROUND_HOURS,
        step: Step::of(&asked.period),
        report,
    }))
}
