//! `/reports/backlog`: what waits and for how long, and what comes against what is finished.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::Response,
};

use super::{
    Address, Block, Figure, ReportPage, Row, Table,
    chart::{Chart, Heading},
    file,
    frame::Fields,
    line,
};
use crate::{
    auth::{Permission, permits},
    domain::{ItemState, Priority},
    report::{MOST_ROWS, WaitingDimension},
    service::{BacklogFigures, Service},
    store::WAITING_DAYS,
    web::{change::Answer, session::Session, shell::Refusal, words},
};

/// The ages in words.
fn ages() -> Vec<String> {
    let first = text!("reports-age-first", days = WAITING_DAYS[0]);
    let next = WAITING_DAYS.windows(2).map(|pair| text!("reports-age-next", from = pair[0], to = pair[1]));
    let last = text!("reports-age-last", days = WAITING_DAYS[WAITING_DAYS.len() - 1]);
    std::iter::once(first).chain(next).chain([last]).collect()
}

fn dimension_words(dimension: WaitingDimension) -> &'static str {
    match dimension {
        WaitingDimension::State => text!("reports-state"),
        WaitingDimension::Priority => text!("reports-priority"),
        WaitingDimension::Team => text!("reports-team"),
        WaitingDimension::Facility => text!("reports-facility"),
        WaitingDimension::Department => text!("reports-department"),
    }
}

fn value_words(dimension: WaitingDimension, value: &str) -> String {
    match dimension {
        _ if value.is_empty() => text!("reports-none").to_owned(),
        WaitingDimension::State => {
            value.parse::<ItemState>().map_or_else(|()| value.to_owned(), |state| words::item_state(state).to_owned())
        }
        WaitingDimension::Priority => {
            value.parse::<Priority>().map_or_else(|()| value.to_owned(), |priority| words::priority(priority).to_owned())
        }
        WaitingDimension::Team | WaitingDimension::Facility | WaitingDimension::Department => value.to_owned(),
    }
}

/// Heading and id of the table of a dimension.
fn headings(dimension: WaitingDimension) -> (&'static str, &'static str) {
    match dimension {
        WaitingDimension::State => ("backlog", text!("reports-backlog")),
        WaitingDimension::Priority => ("by-priority", text!("reports-by-priority")),
        WaitingDimension::Team => ("by-team", text!("reports-by-team")),
        WaitingDimension::Facility => ("by-facility", text!("reports-by-facility")),
        WaitingDimension::Department => ("by-department", text!("reports-by-department")),
    }
}

fn waiting(figures: &BacklogFigures, dimension: WaitingDimension, chart: Option<Chart>) -> Block {
    let found = figures.report.rows(dimension);
    let row = |name: String, counts: &[u64; 7]| Row::of(name, counts.iter().chain([&counts.iter().sum::<u64>()]));
    let (shown, rest) = found.split_at(found.len().min(MOST_ROWS));
    let mut rows: Vec<Row> = shown.iter().map(|one| row(value_words(dimension, &one.value), &one.encounters)).collect();
    if !rest.is_empty() {
        let mut sum = [0; 7];
        for (age, sum) in sum.iter_mut().enumerate() {
            *sum = rest.iter().map(|one| one.encounters[age]).sum();
        }
        rows.push(row(text!("reports-others", count = rest.len()), &sum));
    }
    if rows.len() > 1 {
        rows.push(Row { is_sum: true, ..row(text!("reports-all").to_owned(), &figures.report.all) });
    }
    let ages = ages();
    let mut columns = vec![dimension_words(dimension)];
    columns.extend(ages.iter().map(String::as_str));
    columns.push(text!("reports-total"));
    let mut table = Table::of(&columns, rows);
    table.nothing = text!("reports-nothing-waits");
    Block::of(headings(dimension), chart, table)
}

/// `GET /reports/backlog`
pub(in crate::web) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let asked = address.asked(&service)?;
    let figures = service.backlog_figures(user, &asked).await?;
    let now = service.surroundings.now();
    let mut page = ReportPage::of((&service, &session), "/reports/backlog", (&address, &asked), Fields::None);
    page.files = vec![
        (address.at("/reports/backlog.csv", &[]), "export-backlog", text!("reports-export-backlog")),
        (address.at("/reports/flow.csv", &[]), "export-flow", text!("reports-export-flow")),
    ];
    let all = figures.report.all;
    let total: u64 = all.iter().sum();
    let sum = |count: fn(&crate::report::Flow) -> u64| figures.flow.iter().map(count).sum::<u64>().to_string();
    page.figures = vec![
        Figure { id: "waiting", name: text!("reports-waiting"), value: total.to_string(), hint: "" },
        Figure { id: "old", name: text!("reports-old"), value: all[3..].iter().sum::<u64>().to_string(), hint: "" },
        Figure {
            id: "oldest-age",
            name: text!("reports-oldest-age"),
            value: figures.oldest.first().map_or_else(String::new, |item| words::age(item.received_at, now)),
            hint: "",
        },
        Figure {
            id: "arrived",
            name: text!("reports-arrived"),
            value: sum(|step| step.arrived),
            hint: text!("reports-arrived-hint"),
        },
        Figure {
            id: "finished",
            name: text!("reports-finished"),
            value: sum(|step| step.finished),
            hint: text!("reports-finished-hint"),
        },
    ];
    page.figures.retain(|figure| !figure.value.is_empty());
    let columns: Vec<(String, u64)> = ages().into_iter().zip(all).collect();
    let heading = Heading {
        id: "chart-ages",
        title: text!("reports-chart-ages").to_owned(),
        description: text!("reports-chart-ages-words").to_owned(),
    };
    let histogram = Chart::columns(heading, ("waiting", text!("reports-waiting")), &columns);
    page.blocks = vec![waiting(&figures, WaitingDimension::State, Some(histogram)), moved(&figures)];
    page.blocks.push(oldest(&figures, &service, permits(user.role, Permission::ListItems)));
    let others = WaitingDimension::ALL.into_iter().filter(|dimension| *dimension != WaitingDimension::State);
    page.blocks.extend(others.filter(|_| total > 0).map(|dimension| waiting(&figures, dimension, None)));
    Ok(page.answer())
}

fn moved(figures: &BacklogFigures) -> Block {
    let names: Vec<String> = figures.flow.iter().map(|step| step.day.to_string()).collect();
    let steps: Vec<Vec<u64>> = figures.flow.iter().map(|step| vec![step.arrived, step.finished]).collect();
    let heading = Heading {
        id: "chart-flow",
        title: text!("reports-chart-flow").to_owned(),
        description: text!("reports-chart-flow-words").to_owned(),
    };
    let kinds = [("arrived", text!("reports-arrived")), ("finished", text!("reports-finished"))];
    let chart = Chart::lines(heading, &kinds, (&names, &steps));
    let seen = figures.flow.iter().filter(|step| step.arrived + step.finished > 0);
    let rows = seen.map(|step| Row::of(step.day.to_string(), [step.arrived, step.finished])).collect();
    let columns = [text!("reports-step"), text!("reports-arrived"), text!("reports-finished")];
    Block::of(("flow", text!("reports-flow")), Some(chart), Table::of(&columns, rows)).with_hint(text!("reports-flow-hint"))
}

fn oldest(figures: &BacklogFigures, service: &Service, may_open: bool) -> Block {
    let now = service.surroundings.now();
    let rows = figures
        .oldest
        .iter()
        .map(|item| {
            let or_none = |name: &Option<String>| name.clone().unwrap_or_default();
            let cells = [
                words::age(item.received_at, now),
                words::item_state(item.state).to_owned(),
                words::priority(item.priority).to_owned(),
                or_none(&item.team),
                or_none(&item.facility),
                or_none(&item.department),
            ];
            let href = if may_open { format!("/items/{}", item.id) } else { String::new() };
            Row { href, ..Row::of(words::moment(item.received_at, &service.time_zone), cells) }
        })
        .collect();
    let columns = [
        text!("reports-came"),
        text!("reports-age"),
        text!("reports-state"),
        text!("reports-priority"),
        text!("reports-team"),
        text!("reports-facility"),
        text!("reports-department"),
    ];
    let mut table = Table::of(&columns, rows);
    table.nothing = text!("reports-nothing-waits");
    Block::of(("oldest", text!("reports-oldest")), None, table)
}

/// `GET /reports/backlog.csv`
pub(in crate::web) async fn csv(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let figures = service.backlog_figures(user, &address.asked(&service)?).await?;
    let ages = WAITING_DAYS.iter().map(|days| format!("up_to_{days}_days")).chain(["longer".to_owned(), "all".to_owned()]);
    let mut rows = vec![["by".to_owned(), "value".to_owned()].into_iter().chain(ages).collect::<Vec<_>>()];
    let mut put = |by: &str, value: &str, counts: &[u64; 7]| {
        let counts = counts.iter().chain([&counts.iter().sum::<u64>()]).map(u64::to_string).collect::<Vec<_>>();
        rows.push([by.to_owned(), value.to_owned()].into_iter().chain(counts).collect());
    };
    put("all", "", &figures.report.all);
    for dimension in WaitingDimension::ALL {
        for row in figures.report.rows(dimension) {
            put(dimension.as_str(), &row.value, &row.encounters);
        }
    }
    file(&service, user, ("backlog", &address), rows).await
}

/// `GET /reports/flow.csv`
pub(in crate::web) async fn flow_csv(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let figures = service.backlog_figures(user, &address.asked(&service)?).await?;
    let mut rows = vec![line(&[&"from_day", &"arrived", &"finished"])];
    rows.extend(figures.flow.iter().map(|step| line(&[&step.day, &step.arrived, &step.finished])));
    file(&service, user, ("flow", &address), rows).await
}
