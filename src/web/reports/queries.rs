//! `/reports/queries`: queries to providers, how fast they are answered, how long the open ones wait, and what the answers led to.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::Response,
};

use super::{
    Address, Block, CHARTED, Figure, ReportPage, Row, Table,
    chart::{Chart, Heading},
    file,
    frame::Fields,
    hours, line, or_empty,
};
use crate::{
    auth::Permission,
    domain::{QueryEffect, QueryKind},
    report::{KindOfQuery, MOST_ROWS, QueryReport, TURNAROUND_HOURS},
    service::Service,
    web::{change::Answer, queries::effect_words, session::Session, shell::Refusal},
};

fn kind_words(kind: QueryKind) -> &'static str {
    match kind {
        QueryKind::ConflictingDocumentation => text!("query-kind-conflicting"),
        QueryKind::Specificity => text!("query-kind-specificity"),
        QueryKind::ClinicalSignificance => text!("query-kind-significance"),
        QueryKind::CauseAndEffect => text!("query-kind-cause"),
        QueryKind::PresentOnAdmission => text!("query-kind-present"),
        QueryKind::ClinicalValidation => text!("query-kind-validation"),
        QueryKind::RuledOutOrConfirmed => text!("query-kind-ruled-out"),
    }
}

/// The columns of hours in words.
fn spans() -> Vec<String> {
    let first = text!("reports-hours-first", hours = TURNAROUND_HOURS[0]);
    let next = TURNAROUND_HOURS.windows(2).map(|pair| text!("reports-hours-next", from = pair[0], to = pair[1]));
    let last = text!("reports-hours-last", hours = TURNAROUND_HOURS[TURNAROUND_HOURS.len() - 1]);
    std::iter::once(first).chain(next).chain([last]).collect()
}

fn histogram((id, heading): (&'static str, &'static str), (chart, title): (&'static str, &str), counts: &[u64; 7]) -> Block {
    let columns: Vec<(String, u64)> = spans().into_iter().zip(*counts).collect();
    let heading_of_chart = Heading { id: chart, title: title.to_owned(), description: text!("reports-chart-all").to_owned() };
    let drawn = Chart::columns(heading_of_chart, ("waiting", text!("reports-queries")), &columns);
    let rows = if counts.iter().sum::<u64>() == 0 {
        Vec::new()
    } else {
        columns.into_iter().map(|(name, count)| Row::of(name, [count])).collect()
    };
    Block::of((id, heading), Some(drawn), Table::of(&[text!("reports-hours-heading"), text!("reports-queries")], rows))
}

fn table((id, heading, first): (&'static str, &'static str, &'static str), found: &[KindOfQuery], all: &KindOfQuery) -> Block {
    let row = |name: String, counts: &KindOfQuery| {
        let KindOfQuery { drafted, sent, answered, closed, withdrawn, open, turnaround, .. } = counts;
        let counts = [drafted, sent, answered, closed, withdrawn, open].map(|count| count.to_string());
        Row::of(name, counts.into_iter().chain([hours(turnaround.median_seconds), hours(turnaround.p90_seconds)]))
    };
    let named = |value: &str| value.parse::<QueryKind>().map_or_else(|()| value.to_owned(), |kind| kind_words(kind).to_owned());
    let mut rows: Vec<Row> = found.iter().take(MOST_ROWS).map(|one| row(named(&one.value), one)).collect();
    if found.len() > 1 {
        rows.push(Row { is_sum: true, ..row(text!("reports-all").to_owned(), all) });
    }
    let columns = [
        first,
        text!("reports-drafted"),
        text!("reports-sent"),
        text!("reports-answered"),
        text!("reports-closed"),
        text!("reports-withdrawn"),
        text!("reports-open"),
        text!("reports-turnaround-median"),
        text!("reports-turnaround-p90"),
    ];
    Block::of((id, heading), None, Table::of(&columns, rows))
}

fn over_time(report: &QueryReport) -> Block {
    let names: Vec<String> = report.steps.iter().map(|step| step.day.to_string()).collect();
    let steps: Vec<Vec<u64>> = report.steps.iter().map(|step| vec![step.sent, step.answered]).collect();
    let heading = Heading {
        id: "chart-queries",
        title: text!("reports-chart-queries").to_owned(),
        description: text!("reports-chart-queries-words").to_owned(),
    };
    let kinds = [("arrived", text!("reports-sent")), ("finished", text!("reports-answered"))];
    let chart = Chart::lines(heading, &kinds, (&names, &steps));
    let seen = report.steps.iter().filter(|step| step.sent + step.answered > 0);
    let rows = seen.map(|step| Row::of(step.day.to_string(), [step.sent, step.answered])).collect();
    let columns = [text!("reports-step"), text!("reports-sent"), text!("reports-answered")];
    Block::of(("queries-over-time", text!("reports-queries-over-time")), Some(chart), Table::of(&columns, rows))
}

fn effects(report: &QueryReport) -> Block {
    let counts: Vec<(String, u64)> = QueryEffect::ALL
        .into_iter()
        .filter_map(|effect| Some((effect_words(effect).to_owned(), *report.effects.get(effect.as_str())?)))
        .collect();
    let bars: Vec<(String, Vec<u64>)> = counts.iter().take(CHARTED).map(|(name, count)| (name.clone(), vec![*count])).collect();
    let heading = Heading {
        id: "chart-effects",
        title: text!("reports-chart-effects").to_owned(),
        description: text!("reports-chart-all").to_owned(),
    };
    let chart = Chart::rows(heading, &[("added", text!("reports-closed"))], &bars);
    let rows = counts.into_iter().map(|(name, count)| Row::of(name, [count])).collect();
    Block::of(
        ("effects", text!("reports-effects")),
        Some(chart),
        Table::of(&[text!("reports-effect"), text!("reports-closed")], rows),
    )
}

/// `GET /reports/queries`
pub(in crate::web) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let asked = address.asked(&service)?;
    let report = service.query_figures(user, &asked).await?;
    let mut page = ReportPage::of((&service, &session), "/reports/queries", (&address, &asked), Fields::Coder);
    page.files = vec![(address.at("/reports/queries.csv", &[]), "export-queries", text!("reports-export"))];
    let all = &report.all;
    let figure = |id, name, value: String| Figure { id, name, value, hint: "" };
    page.figures = vec![
        figure("sent", text!("reports-sent"), all.sent.to_string()),
        figure("answered", text!("reports-answered"), all.answered.to_string()),
        figure("withdrawn", text!("reports-withdrawn"), all.withdrawn.to_string()),
        figure("open", text!("reports-open"), all.open.to_string()),
        figure("turnaround-median", text!("reports-turnaround-median"), hours(all.turnaround.median_seconds)),
        figure("turnaround-p90", text!("reports-turnaround-p90"), hours(all.turnaround.p90_seconds)),
    ];
    page.figures.retain(|figure| !figure.value.is_empty());
    page.blocks = vec![
        over_time(&report),
        histogram(
            ("turnaround", text!("reports-turnaround")),
            ("chart-turnaround", text!("reports-chart-turnaround")),
            &report.turnaround,
        ),
        histogram(("open-ages", text!("reports-open-ages")), ("chart-open", text!("reports-chart-open")), &report.open_ages),
        table(("by-kind", text!("reports-queries-by-kind"), text!("reports-query-kind")), &report.by_kind, all),
        table(("by-coder", text!("reports-queries-by-coder"), text!("reports-coder")), &report.by_coder, all),
    ];
    if !report.by_provider.is_empty() {
        let headings = ("by-provider", text!("reports-queries-by-provider"), text!("reports-provider"));
        let mut block = table(headings, &report.by_provider, all);
        // the sum of all has what nobody answered yet
        block.table.rows.retain(|row| !row.is_sum);
        page.blocks.push(block.with_hint(text!("reports-provider-hint")));
    }
    page.blocks.push(effects(&report));
    page.hint = text!("reports-queries-hint").to_owned();
    Ok(page.answer())
}

/// `GET /reports/queries.csv`
pub(in crate::web) async fn csv(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let report = service.query_figures(user, &address.asked(&service)?).await?;
    let mut rows = vec![line(&[
        &"by",
        &"value",
        &"drafted",
        &"sent",
        &"answered",
        &"closed",
        &"withdrawn",
        &"open",
        &"median_seconds",
        &"p90_seconds",
    ])];
    let all = [report.all];
    for (by, found) in
        [("all", all.as_slice()), ("kind", &report.by_kind), ("coder", &report.by_coder), ("provider", &report.by_provider)]
    {
        rows.extend(found.iter().map(|one| {
            let KindOfQuery { value, drafted, sent, answered, closed, withdrawn, open, turnaround } = one;
            let [median, p90] = [turnaround.median_seconds, turnaround.p90_seconds].map(or_empty);
            line(&[&by, value, drafted, sent, answered, closed, withdrawn, open, &median, &p90])
        }));
    }
    for (effect, count) in &report.effects {
        rows.push(line(&[&"effect", effect, &"", &"", &"", count, &"", &"", &"", &""]));
    }
    file(&service, user, ("queries", &address), rows).await
}
