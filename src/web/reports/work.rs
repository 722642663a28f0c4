//! `/reports`: who did what and how long it took, and what second-level reviews came to.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Query, State},
    response::Response,
};

use super::{
    Address, Block, CHARTED, Figure, ReportPage, Row, Table,
    chart::{Chart, Heading},
    file,
    frame::Fields,
    line, minutes, or_empty, share_words,
};
use crate::{
    auth::Permission,
    report::{OutcomeCounts, ReviewCounts, Share, WorkTime},
    service::{Report, Service},
    store::WorkOf,
    web::{change::Answer, second_reviews, session::Session, shell::Refusal, words},
};

/// What is known of one coder.
#[derive(Debug, Clone, Default)]
struct Coder {
    of: WorkOf,
    time: WorkTime,
    reviews: ReviewCounts,
}

/// All that did something, or whose work was reviewed, by login name.
fn coders(report: &Report) -> Vec<Coder> {
    let mut coders: BTreeMap<&str, Coder> = BTreeMap::new();
    for of in &report.work.work {
        coders.entry(&of.name).or_default().of = of.clone();
    }
    for (name, time) in &report.times.0 {
        coders.entry(name).or_default().time = *time;
    }
    for (name, reviews) in &report.reviews.by_coder {
        coders.entry(name).or_default().reviews = reviews.clone();
    }
    coders.into_iter().map(|(name, coder)| Coder { of: WorkOf { name: name.to_owned(), ..coder.of }, ..coder }).collect()
}

/// All together.
fn sum(coders: &[Coder], report: &Report) -> Coder {
    let mut of = WorkOf { name: text!("reports-all").to_owned(), ..WorkOf::default() };
    for coder in coders {
        of.finished += coder.of.finished;
        of.accepted += coder.of.accepted;
        of.amended += coder.of.amended;
        of.rejected += coder.of.rejected;
        of.added += coder.of.added;
        of.withdrawn += coder.of.withdrawn;
    }
    Coder { of, time: report.times.1, reviews: report.reviews.all.clone() }
}

fn accepted(of: &WorkOf) -> Share {
    Share::of(of.accepted, of.accepted + of.amended + of.rejected)
}

fn decisions(of: &WorkOf) -> OutcomeCounts {
    OutcomeCounts { accepted: of.accepted, amended: of.amended, rejected: of.rejected, added: of.added, ignored: 0 }
}

/// Per hour, with a decimal.
fn rate(time: &WorkTime) -> String {
    time.entries_per_hour().map_or_else(String::new, |rate| format!("{rate:.1}"))
}

fn work_block(coders: &[Coder], all: &Coder) -> Block {
    let row = |coder: &Coder| {
        let of = &coder.of;
        let reviews = &coder.reviews;
        let told = if reviews.reviews > 0 { second_reviews::told(reviews.agreement) } else { String::new() };
        let counts = [of.finished, of.accepted, of.amended, of.rejected].map(|count| count.to_string());
        let rest = [share_words(&accepted(of)), of.added.to_string(), of.withdrawn.to_string(), told];
        Row::of(&of.name, counts.into_iter().chain(rest))
    };
    let mut rows: Vec<Row> = coders.iter().map(row).collect();
    if !rows.is_empty() {
        rows.push(Row { is_sum: true, ..row(all) });
    }
    let columns = [
        text!("reports-who"),
        text!("reports-finished"),
        text!("reports-accepted"),
        text!("reports-amended"),
        text!("reports-rejected"),
        text!("reports-accepted-share"),
        text!("reports-added"),
        text!("reports-taken-back"),
        text!("reports-reviews"),
    ];
    let kinds = [
        ("accepted", text!("reports-accepted")),
        ("amended", text!("reports-amended")),
        ("rejected", text!("reports-rejected")),
        ("added", text!("reports-added")),
    ];
    let mut most: Vec<&Coder> = coders.iter().collect();
    most.sort_by_key(|coder| std::cmp::Reverse(decisions(&coder.of).total()));
    let bars: Vec<(String, Vec<u64>)> =
        most.iter().take(CHARTED).map(|coder| (coder.of.name.clone(), decisions(&coder.of).in_order()[..4].to_vec())).collect();
    let heading = Heading {
        id: "chart-work",
        title: text!("reports-chart-work").to_owned(),
        description: text!("reports-chart-first", count = bars.len()),
    };
    let chart = Chart::rows(heading, &kinds, &bars);
    Block::of(("work", text!("reports-work")), Some(chart), Table::of(&columns, rows)).with_hint(text!("reports-hint"))
}

fn time_block(coders: &[Coder], all: &Coder) -> Block {
    let row = |coder: &Coder| {
        let time = &coder.time;
        let spread = &time.per_encounter;
        let hours = super::hours(Some(time.seconds));
        Row::of(
            &coder.of.name,
            [
                spread.count.to_string(),
                minutes(spread.median_seconds),
                minutes(spread.p90_seconds),
                time.sittings.to_string(),
                hours,
                time.entries.to_string(),
                rate(time),
            ],
        )
    };
    let timed: Vec<&Coder> = coders.iter().filter(|coder| coder.time.sittings > 0).collect();
    let mut rows: Vec<Row> = timed.iter().map(|coder| row(coder)).collect();
    if !rows.is_empty() {
        rows.push(Row { is_sum: true, ..row(all) });
    }
    let columns = [
        text!("reports-who"),
        text!("reports-timed"),
        text!("reports-median"),
        text!("reports-p90"),
        text!("reports-sittings"),
        text!("reports-worked"),
        text!("reports-entries"),
        text!("reports-entries-per-hour"),
    ];
    let seconds = |coder: &&Coder| coder.time.per_encounter.median_seconds.unwrap_or_default();
    let mut slowest = timed.clone();
    slowest.sort_by_key(|coder| std::cmp::Reverse(seconds(coder)));
    let bars: Vec<(String, Vec<u64>)> = slowest
        .iter()
        .filter(|coder| coder.time.per_encounter.count > 0)
        .take(CHARTED)
        .map(|coder| (coder.of.name.clone(), vec![u64::try_from(seconds(coder)).unwrap_or_default()]))
        .collect();
    let heading = Heading {
        id: "chart-time",
        title: text!("reports-chart-time").to_owned(),
        description: text!("reports-chart-first", count = bars.len()),
    };
    let chart = (!bars.is_empty()).then(|| Chart::rows(heading, &[("waiting", text!("reports-median-seconds"))], &bars));
    Block::of(("time", text!("reports-time-title")), chart, Table::of(&columns, rows)).with_hint(text!("reports-time-hint"))
}

fn review_blocks(report: &Report) -> [Block; 2] {
    let row = |name: &str, counts: &ReviewCounts| {
        let agreement = counts.agreement;
        Row::of(
            name,
            [
                counts.reviews.to_string(),
                counts.blinded.to_string(),
                agreement.codes.to_string(),
                share_words(&counts.share()),
                counts.wrong.to_string(),
                counts.missed.to_string(),
                counts.principal_changed.to_string(),
                agreement.errors.to_string(),
            ],
        )
    };
    let reviews = &report.reviews;
    let mut rows: Vec<Row> = reviews.by_coder.iter().map(|(name, counts)| row(name, counts)).collect();
    if !rows.is_empty() {
        rows.push(Row { is_sum: true, ..row(text!("reports-all"), &reviews.all) });
    }
    let columns = [
        text!("reports-who"),
        text!("reports-reviewed"),
        text!("reports-blinded"),
        text!("reports-codes"),
        text!("reports-agreed"),
        text!("reports-wrong"),
        text!("reports-missed"),
        text!("reports-principal"),
        text!("reports-errors"),
    ];
    let agreement = Block::of(("reviews", text!("reports-reviews")), None, Table::of(&columns, rows));
    let named = |error: Option<_>| error.map_or_else(|| text!("reports-no-error"), words::coding_error).to_owned();
    let bars: Vec<(String, Vec<u64>)> = reviews.errors.iter().map(|count| (named(count.error), vec![count.times])).collect();
    let heading = Heading {
        id: "chart-errors",
        title: text!("reports-chart-errors").to_owned(),
        description: text!("reports-chart-all").to_owned(),
    };
    let chart = Chart::rows(heading, &[("rejected", text!("reports-wrong"))], &bars);
    let rows = reviews.errors.iter().map(|count| Row::of(named(count.error), [count.times])).collect();
    let table = Table::of(&[text!("reports-error"), text!("reports-wrong")], rows);
    [
        agreement.with_hint(text!("reports-reviews-hint")),
        Block::of(("errors", text!("reports-errors-title")), Some(chart), table),
    ]
}

/// `GET /reports`
pub(in crate::web) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let asked = address.asked(&service)?;
    let report = service.report(user, &asked).await?;
    let coders = coders(&report);
    let all = sum(&coders, &report);
    let mut page = ReportPage::of((&service, &session), "/reports", (&address, &asked), Fields::Coder);
    // who may read reports may read of drift
    page.drift_alerts = service.store.waiting_drift_alerts().await?;
    page.files = vec![(address.at("/reports/work.csv", &[]), "export-work", text!("reports-export"))];
    page.figures = vec![
        Figure { id: "finished", name: text!("reports-finished"), value: all.of.finished.to_string(), hint: "" },
        Figure { id: "decided", name: text!("reports-decisions"), value: decisions(&all.of).total().to_string(), hint: "" },
        Figure {
            id: "median",
            name: text!("reports-median"),
            value: minutes(all.time.per_encounter.median_seconds),
            hint: text!("reports-median-hint"),
        },
        Figure { id: "per-hour", name: text!("reports-entries-per-hour"), value: rate(&all.time), hint: "" },
        Figure {
            id: "agreed",
            name: text!("reports-agreed"),
            value: share_words(&all.reviews.share()),
            hint: text!("reports-agreed-hint"),
        },
    ];
    page.figures.retain(|figure| !figure.value.is_empty());
    page.blocks = vec![work_block(&coders, &all), time_block(&coders, &all)];
    page.blocks.extend(review_blocks(&report));
    Ok(page.answer())
}

/// `GET /reports/work.csv`
pub(in crate::web) async fn csv(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let report = service.report(user, &address.asked(&service)?).await?;
    let mut coders = coders(&report);
    coders.push(sum(&coders, &report));
    let mut rows = vec![line(&[
        &"name",
        &"finished",
        &"accepted",
        &"amended",
        &"rejected",
        &"added",
        &"taken_back",
        &"timed_encounters",
        &"median_seconds",
        &"p90_seconds",
        &"sittings",
        &"seconds",
        &"entries",
        &"reviews",
        &"codes_agreed",
        &"codes",
        &"errors",
        &"wrong",
        &"missed",
        &"principal_changed",
    ])];
    rows.extend(coders.iter().map(|Coder { of, time, reviews }| {
        let spread = &time.per_encounter;
        let agreement = &reviews.agreement;
        line(&[
            &of.name,
            &of.finished,
            &of.accepted,
            &of.amended,
            &of.rejected,
            &of.added,
            &of.withdrawn,
            &spread.count,
            &or_empty(spread.median_seconds),
            &or_empty(spread.p90_seconds),
            &time.sittings,
            &time.seconds,
            &time.entries,
            &reviews.reviews,
            &agreement.agreed,
            &agreement.codes,
            &agreement.errors,
            &reviews.wrong,
            &reviews.missed,
            &reviews.principal_changed,
        ])
    }));
    file(&service, user, ("work", &address), rows).await
}
