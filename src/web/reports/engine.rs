//! `/reports/engine`: what became of the engine's suggestions, over time and by what they are counted by, and why they did not stand.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::Response,
};

use super::{
    Address, Block, CHARTED, Figure, ReportPage, Row, Table,
    chart::{Chart, Heading, Kind},
    file,
    frame::{Choice, Fields},
    line, or_empty, scaled, share_words,
};
use crate::{
    auth::Permission,
    domain::Ended,
    report::{AmendedPart, Dimension, EngineReport, MOST_ROWS, OutcomeCounts},
    service::{Service, SiteReasons},
    web::{change::Answer, session::Session, shell::Refusal, words},
};

/// By what outcomes are cut, in words.
fn dimension_words(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Code => text!("reports-by-code"),
        Dimension::Section => text!("reports-by-section"),
        Dimension::NoteType => text!("reports-by-note-type"),
        Dimension::Coder => text!("reports-by-coder"),
        Dimension::Engine => text!("reports-by-engine"),
        Dimension::Facility => text!("reports-facility"),
        Dimension::Department => text!("reports-department"),
        Dimension::Kind => text!("reports-kind"),
    }
}

/// A value as a person reads it.
fn value_words(dimension: Dimension, value: &str) -> String {
    match dimension {
        _ if value.is_empty() => text!("reports-none").to_owned(),
        Dimension::Section | Dimension::NoteType => words::spaced(value),
        Dimension::Kind => super::KINDS
            .into_iter()
            .find(|kind| kind.as_str() == value)
            .map_or_else(|| value.to_owned(), |kind| words::kind(kind).to_owned()),
        Dimension::Code | Dimension::Coder | Dimension::Engine | Dimension::Facility | Dimension::Department => {
            value.to_owned()
        }
    }
}

fn ended_words(ended: Ended) -> &'static str {
    match ended {
        Ended::Accepted => text!("reports-accepted"),
        Ended::Amended => text!("reports-amended"),
        Ended::Rejected => text!("reports-rejected"),
        Ended::Added => text!("reports-added"),
        Ended::Ignored => text!("reports-ignored"),
    }
}

fn part_words(part: AmendedPart) -> &'static str {
    match part {
        AmendedPart::Code => text!("reports-part-code"),
        AmendedPart::Assertion => text!("reports-part-assertion"),
        AmendedPart::Status => text!("reports-part-status"),
        AmendedPart::Attributes => text!("reports-part-attributes"),
    }
}

/// What outcomes are drawn as: the classes are those of the style sheet.
fn kinds() -> [Kind; 5] {
    Ended::ALL.map(|ended| (ended.as_str(), ended_words(ended)))
}

fn columns(first: &'static str) -> Vec<&'static str> {
    let mut columns = vec![first];
    columns.extend(Ended::ALL.map(ended_words));
    columns.push(text!("reports-accepted-share"));
    columns
}

fn counted(name: String, counts: OutcomeCounts) -> Row {
    let cells = counts.in_order().map(|count| count.to_string());
    Row::of(name, cells.into_iter().chain([share_words(&counts.accepted_share())]))
}

fn over_time(report: &EngineReport) -> Block {
    let steps = report.steps();
    let names: Vec<String> = steps.iter().map(|step| step.day.to_string()).collect();
    let shares: Vec<Option<[u64; 3]>> = steps
        .iter()
        .map(|step| {
            let share = step.counts.accepted_share();
            Some([share.rate?, share.low?, share.high?].map(|rate| scaled(rate, 1000.0)))
        })
        .collect();
    let heading = Heading {
        id: "chart-share",
        title: text!("reports-chart-share").to_owned(),
        description: text!("reports-chart-share-words").to_owned(),
    };
    let chart = Chart::share(heading, ("accepted", text!("reports-accepted-share")), (&names, &shares));
    // days on which nothing was finished stand in the chart as gaps
    let seen = steps.iter().filter(|step| step.counts.total() > 0);
    let rows = seen.map(|step| counted(step.day.to_string(), step.counts)).collect();
    Block::of(("over-time", text!("reports-over-time")), Some(chart), Table::of(&columns(text!("reports-step")), rows))
}

fn by_dimension(report: &EngineReport, dimension: Dimension, address: &Address) -> Block {
    let found = report.rows(dimension, MOST_ROWS);
    let bars: Vec<(String, Vec<u64>)> = found
        .rows
        .iter()
        .take(CHARTED)
        .map(|row| (value_words(dimension, &row.value), row.counts.in_order().to_vec()))
        .collect();
    let heading = Heading {
        id: "chart-by",
        title: text!("reports-chart-by", by = dimension_words(dimension)),
        description: text!("reports-chart-first", count = bars.len()),
    };
    let chart = Chart::rows(heading, &kinds(), &bars);
    let mut rows: Vec<Row> = found
        .rows
        .iter()
        .map(|row| Row { more: row.title.clone(), ..counted(value_words(dimension, &row.value), row.counts) })
        .collect();
    if found.other_rows > 0 {
        rows.push(Row { is_sum: true, ..counted(text!("reports-others", count = found.other_rows), found.others) });
    }
    let mut block = Block::of(("by", text!("reports-by")), Some(chart), Table::of(&columns(dimension_words(dimension)), rows));
    block.choices = Dimension::ALL
        .map(|one| Choice {
            href: address.at("/reports/engine", &[("by", one.as_str())]),
            name: dimension_words(one),
            is_current: one == dimension,
        })
        .into();
    block.with_hint(text!("reports-by-hint"))
}

fn why(report: &EngineReport, reasons: &SiteReasons) -> [Block; 3] {
    let chart = |id, title: &str, kind, bars: &[(String, Vec<u64>)]| {
        let description = text!("reports-chart-all").to_owned();
        Chart::rows(Heading { id, title: title.to_owned(), description }, &[kind], bars)
    };
    let rejected: Vec<(String, u64)> = report
        .reasons()
        .into_iter()
        .map(|count| {
            let label = if count.reason.is_empty() { text!("reports-none") } else { reasons.label(&count.reason) };
            (label.to_owned(), count.times)
        })
        .collect();
    let parts: Vec<(String, u64)> =
        report.parts().into_iter().map(|(part, times)| (part_words(part).to_owned(), times)).collect();
    let bars = |counts: &[(String, u64)]| -> Vec<(String, Vec<u64>)> {
        counts.iter().take(CHARTED).map(|(name, times)| (name.clone(), vec![*times])).collect()
    };
    let rows = |counts: Vec<(String, u64)>| counts.into_iter().map(|(name, times)| Row::of(name, [times])).collect();
    let reason_chart =
        chart("chart-reasons", text!("reports-chart-reasons"), ("rejected", text!("reports-rejected")), &bars(&rejected));
    let part_chart = chart("chart-parts", text!("reports-chart-parts"), ("amended", text!("reports-amended")), &bars(&parts));
    let pairs = report.amendments(MOST_ROWS);
    let pair_rows = pairs
        .into_iter()
        .map(|pair| {
            let from = if pair.from.is_empty() { text!("reports-none").to_owned() } else { pair.from };
            let to = if pair.to_title.is_empty() { pair.to } else { format!("{} · {}", pair.to, pair.to_title) };
            Row { more: pair.from_title, ..Row::of(from, [to, pair.times.to_string()]) }
        })
        .collect();
    let times = text!("reports-times");
    [
        Block::of(
            ("reasons", text!("reports-reasons")),
            Some(reason_chart),
            Table::of(&[text!("reports-reason"), times], rows(rejected)),
        ),
        Block::of(("parts", text!("reports-parts")), Some(part_chart), Table::of(&[text!("reports-part"), times], rows(parts)))
            .with_hint(text!("reports-parts-hint")),
        Block::of(
            ("amendments", text!("reports-amendments")),
            None,
            Table::of(&[text!("reports-suggested-code"), text!("reports-chosen-code"), times], pair_rows),
        ),
    ]
}

/// `GET /reports/engine`
pub(in crate::web) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let asked = address.asked(&service)?;
    let report = service.engine_report(user, &asked).await?;
    let dimension = address.by.parse().unwrap_or(Dimension::Code);
    let mut page = ReportPage::of((&service, &session), "/reports/engine", (&address, &asked), Fields::CoderAndKind);
    page.files = vec![
        (address.at("/reports/engine.csv", &[]), "export-engine", text!("reports-export")),
        (address.at("/reports/amendments.csv", &[]), "export-amendments", text!("reports-export-amendments")),
    ];
    let all = report.all;
    let figure = |id, name, value: String, hint| Figure { id, name, value, hint };
    page.figures = vec![
        figure("encounters", text!("reports-encounters"), report.encounters.to_string(), text!("reports-encounters-hint")),
        figure(
            "accepted-share",
            text!("reports-accepted-share"),
            share_words(&all.accepted_share()),
            text!("reports-accepted-hint"),
        ),
        figure("kept-share", text!("reports-kept-share"), share_words(&all.kept_share()), text!("reports-kept-hint")),
        figure("found-share", text!("reports-found-share"), share_words(&all.found_share()), text!("reports-found-hint")),
    ];
    let outcomes = Ended::ALL.into_iter().zip(all.in_order());
    page.figures.extend(outcomes.map(|(ended, count)| {
        let hint = if ended == Ended::Ignored { text!("reports-ignored-hint") } else { "" };
        figure(ended.as_str(), ended_words(ended), count.to_string(), hint)
    }));
    page.figures.retain(|figure| !figure.value.is_empty());
    page.blocks = vec![over_time(&report), by_dimension(&report, dimension, &address)];
    page.blocks.extend(why(&report, &service.site_reasons().await?));
    Ok(page.answer())
}

/// `GET /reports/engine.csv`: every value of everything that outcomes are counted by, and reasons, one after the other.
pub(in crate::web) async fn csv(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let report = service.engine_report(user, &address.asked(&service)?).await?;
    let mut rows = vec![line(&[
        &"by",
        &"value",
        &"title",
        &"accepted",
        &"amended",
        &"rejected",
        &"added",
        &"ignored",
        &"accepted_share",
        &"low",
        &"high",
    ])];
    let mut put = |by: &str, (value, title): (&str, &str), counts: OutcomeCounts| {
        let share = counts.accepted_share();
        let [accepted, amended, rejected, added, ignored] = counts.in_order();
        let rounded = |rate: Option<f64>| or_empty(rate.map(|rate| format!("{rate:.4}")));
        let [rate, low, high] = [share.rate, share.low, share.high].map(rounded);
        rows.push(line(&[&by, &value, &title, &accepted, &amended, &rejected, &added, &ignored, &rate, &low, &high]));
    };
    put("all", ("", ""), report.all);
    for dimension in Dimension::ALL {
        for row in report.rows(dimension, usize::MAX).rows {
            put(dimension.as_str(), (&row.value, &row.title), row.counts);
        }
    }
    for step in report.steps() {
        put("step", (&step.day.to_string(), ""), step.counts);
    }
    let reasons = service.site_reasons().await?;
    for count in report.reasons() {
        let counts = OutcomeCounts { rejected: count.times, ..OutcomeCounts::default() };
        put("reject_reason", (&count.reason, reasons.label(&count.reason)), counts);
    }
    file(&service, user, ("engine", &address), rows).await
}

/// `GET /reports/amendments.csv`
pub(in crate::web) async fn amendments_csv(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let address = address.tidied();
    let report = service.engine_report(user, &address.asked(&service)?).await?;
    let mut rows = vec![line(&[&"suggested", &"suggested_title", &"chosen", &"chosen_title", &"times"])];
    let pairs = report.amendments(usize::MAX);
    rows.extend(pairs.iter().map(|pair| line(&[&pair.from, &pair.from_title, &pair.to, &pair.to_title, &pair.times])));
    file(&service, user, ("amendments", &address), rows).await
}
