//! `/drift`: what of the last days is no longer as it was, the alerts that wait for a word of a lead, and what it is held against.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    notice::{self, Notice},
    session::{Posted, Session},
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::{Permission, permits},
    domain::{DriftAlert, DriftEvaluation, DriftFinding, DriftMeasure, DriftShare, DriftVerdict, DriftWindow, DriftWord},
    oversight::{CURRENT_DAYS, REFERENCE_DAYS},
    service::{Service, actor},
};

/// Classes of a distribution that are shown: those that moved most.
const CLASSES: usize = 5;

/// A measure as a row.
#[derive(Debug, Clone)]
pub(super) struct FindingRow {
    /// What it is called.
    pub name: &'static str,
    /// What it counts.
    pub what: &'static str,
    /// Its values.
    pub values: [String; 2],
    /// How far they lie apart.
    pub effect: String,
    /// The p-value after the correction for many measures.
    pub p: String,
    /// Encounters or days in the two windows.
    pub made_of: String,
    /// What is said of it, and as what the tag is shown.
    pub verdict: (&'static str, &'static str),
    /// The classes of a distribution that moved most.
    pub shares: Vec<String>,
}

/// An alert.
#[derive(Debug, Clone)]
pub(super) struct AlertView {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: &'static str,
    /// What was found.
    pub found: String,
    /// Since when, and when it was seen last.
    pub since: String,
    /// Who acknowledged it; empty while it waits.
    pub acknowledged: String,
}

/// The page.
#[derive(Template)]
#[template(path = "drift.html")]
pub(super) struct DriftPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Whether the user may change something.
    pub can_change: bool,
    /// Alerts that wait.
    pub waiting: Vec<AlertView>,
    /// Those that were acknowledged.
    pub acknowledged: Vec<AlertView>,
    /// When it was evaluated last, and over what; none before the first time.
    pub evaluated: Option<(String, String)>,
    /// The measures.
    pub findings: Vec<FindingRow>,
    /// What it is held against.
    pub reference: String,
    /// The form of a fixed reference.
    pub typed: [String; 2],
    /// Words to acknowledge with.
    pub words: [(&'static str, &'static str); 4],
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
}

/// What a measure is called, and what it counts.
fn named(measure: DriftMeasure) -> (&'static str, &'static str) {
    match measure {
        DriftMeasure::AcceptanceRate => (text!("drift-acceptance"), text!("drift-acceptance-what")),
        DriftMeasure::UnknownTermRate => (text!("drift-unknown"), text!("drift-unknown-what")),
        DriftMeasure::AbstentionRate => (text!("drift-abstention"), text!("drift-abstention-what")),
        DriftMeasure::NoteTypes => (text!("drift-types"), text!("drift-types-what")),
        DriftMeasure::EntriesPerNote => (text!("drift-entries"), text!("drift-entries-what")),
        DriftMeasure::Confidence => (text!("drift-confidence"), text!("drift-confidence-what")),
        DriftMeasure::NoteArrivals => (text!("drift-arrivals"), text!("drift-arrivals-what")),
    }
}

fn word(word: DriftWord) -> &'static str {
    match word {
        DriftWord::Expected => text!("drift-word-expected"),
        DriftWord::LookedInto => text!("drift-word-looked-into"),
        DriftWord::Mended => text!("drift-word-mended"),
        DriftWord::FalseAlarm => text!("drift-word-false-alarm"),
    }
}

fn verdict(verdict: DriftVerdict) -> (&'static str, &'static str) {
    match verdict {
        DriftVerdict::TooFew => (text!("drift-too-few"), ""),
        DriftVerdict::Steady => (text!("drift-steady"), "finished"),
        DriftVerdict::Small => (text!("drift-small"), "open"),
        DriftVerdict::Drifted => (text!("drift-drifted"), "hard"),
    }
}

fn hundredths(share: f64) -> String {
    text!("drift-percent", share = format!("{:.1}", 100.0 * share))
}

fn value(measure: DriftMeasure, value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if measure.is_rate() => hundredths(value),
        Some(value) => format!("{value:.2}"),
    }
}

fn effect(finding: &DriftFinding) -> String {
    match finding.effect {
        None => String::new(),
        Some(effect) if finding.measure.is_rate() => text!("drift-points", points = format!("{:+.1}", 100.0 * effect)),
        Some(effect) if finding.measure.is_distribution() => text!("drift-index", index = format!("{effect:.2}")),
        Some(effect) => text!("drift-percent", share = format!("{:+.0}", 100.0 * effect)),
    }
}

fn share(measure: DriftMeasure, share: &DriftShare) -> String {
    let class = match (measure, share.class.as_str()) {
        (DriftMeasure::Confidence, from) => text!("drift-tenth", from = from),
        (_, "") => text!("drift-no-type").to_owned(),
        (_, class) => class.to_owned(),
    };
    text!("drift-share", class = class, reference = hundredths(share.reference), current = hundredths(share.current))
}

fn row(finding: &DriftFinding) -> FindingRow {
    let (name, what) = named(finding.measure);
    let [before, now] = finding.encounters;
    FindingRow {
        name,
        what,
        values: [value(finding.measure, finding.reference), value(finding.measure, finding.current)],
        effect: effect(finding),
        p: finding.adjusted.map_or_else(String::new, |p| format!("{p:.4}")),
        made_of: if finding.measure == DriftMeasure::NoteArrivals {
            text!("drift-of-days", before = before, now = now)
        } else {
            text!("drift-of-encounters", before = before, now = now)
        },
        verdict: verdict(finding.verdict),
        shares: finding.shares.iter().take(CLASSES).map(|one| share(finding.measure, one)).collect(),
    }
}

fn alert(alert: &DriftAlert, zone: &TimeZone) -> AlertView {
    let found = row(&alert.finding);
    let [before, now] = found.values;
    AlertView {
        id: alert.id,
        name: found.name,
        found: if before.is_empty() {
            text!("drift-found-shares", effect = found.effect)
        } else {
            text!("drift-found", before = before, now = now, effect = found.effect)
        },
        since: text!("drift-since", first = words::moment(alert.at, zone), last = words::moment(alert.seen_at, zone)),
        acknowledged: alert.acknowledged.as_ref().map_or_else(String::new, |one| {
            text!("drift-acknowledged", name = one.by, time = words::moment(one.at, zone), word = word(one.word))
        }),
    }
}

fn spans(evaluation: &DriftEvaluation, zone: &TimeZone) -> String {
    let span = |window: DriftWindow| {
        text!("drift-span", from = words::moment(window.from, zone), until = words::moment(window.until, zone))
    };
    text!("drift-spans", current = span(evaluation.current), reference = span(evaluation.reference))
}

/// `GET /drift`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let zone = &service.time_zone;
    let state = service.drift().await?;
    let (waiting, acknowledged): (Vec<&DriftAlert>, Vec<&DriftAlert>) =
        state.alerts.iter().partition(|alert| alert.acknowledged.is_none());
    let views = |alerts: Vec<&DriftAlert>| alerts.into_iter().map(|one| alert(one, zone)).collect();
    let newest = state.evaluations.first();
    let fixed = state.reference.as_ref().and_then(|reference| reference.window);
    let who = state.reference.as_ref().map(|reference| (reference.by.clone(), words::moment(reference.at, zone)));
    let reference = match (fixed, who) {
        (Some(window), Some((name, time))) => text!(
            "drift-reference-fixed",
            from = words::moment(window.from, zone),
            until = words::moment(window.until, zone),
            name = name,
            time = time
        ),
        _ => text!("drift-reference-rolling", current = CURRENT_DAYS, days = REFERENCE_DAYS),
    };
    let view = DriftPage {
        shell: Shell::of(&session),
        notice: notice::lookup(address.notice.as_deref(), address.problem.as_deref()),
        can_change: permits(user.role, Permission::ChangeSettings),
        waiting: views(waiting),
        acknowledged: views(acknowledged),
        evaluated: newest.map(|one| (words::moment(one.at, zone), spans(one, zone))),
        findings: newest.map(|one| one.findings.iter().map(row).collect()).unwrap_or_default(),
        reference,
        typed: fixed.map_or_else(Default::default, |window| [window.from.to_string(), window.until.to_string()]),
        words: DriftWord::ALL.map(|one| (one.as_str(), word(one))),
    };
    Ok(page(StatusCode::OK, &view))
}

/// A form without fields of its own.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /drift/evaluate`
pub(super) async fn evaluate(State(service): State<Arc<Service>>, Posted { session, .. }: Posted<Nothing>) -> Answer {
    let user = may_change(&session)?;
    service.evaluate_drift(actor(user)).await?;
    Ok(Redirect::to("/drift?notice=evaluated").into_response())
}

/// Who reads it and may arrange the site.
pub(super) fn may_change(session: &Session) -> Result<&crate::domain::User, Refusal> {
    session.may(Permission::ReadReports)?;
    session.may(Permission::ChangeSettings)
}

/// The form of an acknowledgment.
#[derive(Deserialize)]
pub(super) struct WordForm {
    #[serde(default)]
    word: String,
}

/// `POST /drift/alerts/{id}`
pub(super) async fn acknowledge(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<WordForm>,
) -> Answer {
    let user = may_change(&session)?;
    let Ok(word) = form.word.parse::<DriftWord>() else {
        return Ok(Redirect::to("/drift?problem=invalid").into_response());
    };
    if !service.acknowledge_drift(user, id, word).await? {
        return Err(missing(&session));
    }
    Ok(Redirect::to("/drift?notice=saved").into_response())
}

/// The form of a reference.
#[derive(Deserialize)]
pub(super) struct ReferenceForm {
    /// `fixed`, else it goes along with time.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
}

/// A day of the hospital's, from its beginning or to its end, or a moment.
fn moment(typed: &str, zone: &TimeZone, days: i64) -> Option<Timestamp> {
    let typed = typed.trim();
    if let Ok(moment) = typed.parse::<Timestamp>() {
        return Some(moment);
    }
    let day = typed.parse::<Date>().ok()?.checked_add(SignedDuration::from_hours(24 * days)).ok()?;
    Some(day.to_zoned(zone.clone()).ok()?.timestamp())
}

/// `POST /drift/reference`
pub(super) async fn set_reference(
    State(service): State<Arc<Service>>,
    Posted { session, form, .. }: Posted<ReferenceForm>,
) -> Answer {
    let user = may_change(&session)?;
    let zone = &service.time_zone;
    let window = if form.kind == "fixed" {
        let Some(window) = moment(&form.from, zone, 0).zip(moment(&form.until, zone, 1)) else {
            return Ok(Redirect::to("/drift?problem=reference").into_response());
        };
        Some(window)
    } else {
        None
    };
    let told = match service.set_drift_reference(user, window).await? {
        Ok(()) => "notice=saved",
        Err(_) => "problem=reference",
    };
    Ok(Redirect::to(&format!("/drift?{told}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_hospitals_and_ends_when_the_next_one_begins() {
        let zone = TimeZone::get("America/Chicago").expect("a zone");
        let told = |typed: &str, days| moment(typed, &zone, days).map(|at| at.to_string());
        assert_eq!(told(" 2026-01-05 ", 0).as_deref(), Some("2026-01-05T06:00:00Z"));
        assert_eq!(told("2026-01-05", 1).as_deref(), Some("2026-01-06T06:00:00Z"));
        assert_eq!(told("2026-01-05T10:00:00Z", 1).as_deref(), Some("2026-01-05T10:00:00Z"));
        assert_eq!(told("yesterday", 0), None);
    }
}
