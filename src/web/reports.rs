//! `/reports`: what waits and for how long, who did what, and what second-level reviews came to; the same as CSV.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    change::Answer,
    csv_cell::cell,
    second_reviews,
    session::Session,
    shell::{Refusal, Shell, failed, page},
    words,
};
use crate::{
    auth::Permission,
    service::{Report, Service, actor},
    store::{BACKLOG_DAYS, WorkOf},
};

/// Days that are reported where nothing else is asked.
const DAYS: u32 = 30;
/// Most days.
const MOST_DAYS: u32 = 3_650;

/// What waits in one state.
#[derive(Debug, Clone)]
pub(super) struct BacklogRow {
    /// The state.
    pub state: &'static str,
    /// By how long ago they came.
    pub by_age: [u64; 4],
    /// All of them.
    pub total: u64,
}

/// What somebody did.
#[derive(Debug, Clone)]
pub(super) struct WorkRow {
    /// The counts.
    pub of: WorkOf,
    /// How many in a hundred of the decisions on suggestions accept them as they are; none where there are none.
    pub accepted_share: Option<u64>,
    /// What second-level reviews came to; empty where there are none.
    pub reviews: String,
}

/// The page.
#[derive(Template)]
#[template(path = "reports.html")]
pub(super) struct ReportsPage {
    /// The frame.
    pub shell: Shell,
    /// Days that are reported.
    pub days: u32,
    /// What waits.
    pub backlog: Vec<BacklogRow>,
    /// Who did what; all together last.
    pub work: Vec<WorkRow>,
    /// Alerts of drift that wait.
    pub drift_alerts: u64,
    /// The headings of the ages.
    pub ages: [String; 4],
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    days: Option<String>,
}

impl Address {
    fn days(&self) -> u32 {
        let asked = self.days.as_deref().and_then(|days| days.trim().parse().ok());
        asked.unwrap_or(DAYS).clamp(1, MOST_DAYS)
    }
}

fn rows(report: Report) -> (Vec<BacklogRow>, Vec<WorkRow>) {
    let backlog = report.work.backlog.into_iter().map(|(state, by_age)| BacklogRow {
        state: words::item_state(state),
        total: by_age.iter().sum(),
        by_age,
    });
    let mut agreement = report.agreement;
    let mut work: Vec<WorkRow> = Vec::new();
    for of in report.work.work {
        let reviews = agreement.remove(&of.name).map(second_reviews::told).unwrap_or_default();
        work.push(WorkRow { accepted_share: share(&of), of, reviews });
    }
    // reviewed in this time, finished before it
    work.extend(agreement.into_iter().map(|(name, found)| WorkRow {
        of: WorkOf { name, ..WorkOf::default() },
        accepted_share: None,
        reviews: second_reviews::told(found),
    }));
    (backlog.collect(), work)
}

fn share(of: &WorkOf) -> Option<u64> {
    let decided = of.accepted + of.amended + of.rejected;
    (decided > 0).then(|| (100 * of.accepted + decided / 2) / decided)
}

fn sum(work: &[WorkRow], name: &str) -> WorkRow {
    let mut all = WorkOf { name: name.to_owned(), ..WorkOf::default() };
    for WorkRow { of, .. } in work {
        all.finished += of.finished;
        all.accepted += of.accepted;
        all.amended += of.amended;
        all.rejected += of.rejected;
        all.added += of.added;
        all.withdrawn += of.withdrawn;
    }
    WorkRow { accepted_share: share(&all), of: all, reviews: String::new() }
}

/// `GET /reports`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let days = address.days();
    let (backlog, mut work) = rows(service.report(user, days).await?);
    work.push(sum(&work, text!("reports-all")));
    let [first, second, third] = BACKLOG_DAYS;
    let view = ReportsPage {
        shell: Shell::of(&session),
        days,
        backlog,
        work,
        drift_alerts: service.store.waiting_drift_alerts().await?,
        ages: [
            text!("reports-age-first", days = first),
            text!("reports-age-next", from = first, to = second),
            text!("reports-age-next", from = second, to = third),
            text!("reports-age-last", days = third),
        ],
    };
    Ok(page(StatusCode::OK, &view))
}

/// `GET /reports/work.csv`
pub(super) async fn work_csv(State(service): State<Arc<Service>>, session: Session, Query(address): Query<Address>) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let days = address.days();
    let (_, work) = rows(service.report(user, days).await?);
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["name", "finished", "accepted", "amended", "rejected", "added", "taken_back"]).map_err(|_| failed())?;
    for WorkRow { of, .. } in &work {
        let counts = [of.finished, of.accepted, of.amended, of.rejected, of.added, of.withdrawn].map(|count| count.to_string());
        out.write_record(std::iter::once(&*cell(&of.name)).chain(counts.iter().map(String::as_str))).map_err(|_| failed())?;
    }
    let body = out.into_inner().map_err(|_| failed())?;
    let now = service.surroundings.now();
    service.store.record_audit(actor(user), "report.exported", None, &format!("days={days}"), now).await?;
    let name = "attachment; filename=\"work.csv\"";
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, name)], body).into_response())
}
