//! `/shadow`: reports of shadow runs, and the start of one for a version of the site pack.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    drift::may_change,
    notice::{self, Notice},
    session::{Posted, Session},
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::{Permission, permits},
    domain::{EngineIdentity, EntryKind, ShadowChange, ShadowFigure, ShadowKind, ShadowReport, ShadowVerdict},
    service::{SHADOW_DAYS, Service, ShadowError},
};

/// Versions of the site pack to choose from.
const VERSIONS: u32 = 50;
/// Most days.
const MOST_DAYS: u32 = 3_650;

/// A report in the list.
#[derive(Debug, Clone)]
pub(super) struct ReportRow {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub moment: String,
    /// Who.
    pub by: String,
    /// What was tried.
    pub tried: String,
    /// Encounters.
    pub encounters: u64,
    /// What it comes to, and as what the tag is shown.
    pub verdict: (&'static str, &'static str),
}

/// The list.
#[derive(Template)]
#[template(path = "shadow.html")]
pub(super) struct ShadowPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Whether the user may start one.
    pub can_change: bool,
    /// The run that is under way: done, in all.
    pub under_way: Option<(usize, usize)>,
    /// Whether the last one failed.
    pub failed: bool,
    /// Versions of the site pack to choose from, with a word on each.
    pub versions: Vec<(u64, String)>,
    /// Days that are looked back.
    pub days: u32,
    /// The reports.
    pub reports: Vec<ReportRow>,
}

/// A kind of entries.
#[derive(Debug, Clone)]
pub(super) struct KindRow {
    /// What it is called.
    pub name: &'static str,
    /// Encounters that have something of it.
    pub encounters: u64,
    /// Entries that coders left.
    pub gold: u64,
    /// Precision, recall, F1, the first code, F1 with the code.
    pub figures: [String; 5],
    /// Acts beside accepting.
    pub acts: String,
    /// Whether it counts by itself.
    pub counts: bool,
}

/// What differs.
#[derive(Debug, Clone)]
pub(super) struct DifferenceRow {
    /// The encounter.
    pub item: Uuid,
    /// The entry.
    pub entry: Uuid,
    /// What it states.
    pub kind: &'static str,
    /// How, and as what the tag is shown.
    pub change: (&'static str, &'static str),
}

/// A report.
#[derive(Template)]
#[template(path = "shadow_report.html")]
pub(super) struct ReportPage {
    /// The frame.
    pub shell: Shell,
    /// Its line in the list.
    pub row: ReportRow,
    /// What runs, and what was tried.
    pub engines: [String; 2],
    /// What the second has beyond its version of the site pack.
    pub beyond: Option<String>,
    /// What it comes to, in a sentence.
    pub verdict: String,
    /// Encounters and notes that took part.
    pub made_of: String,
    /// How fast the two are; empty where that is not known.
    pub speed: String,
    /// By kind; all together last.
    pub kinds: Vec<KindRow>,
    /// Encounters that were left out.
    pub failed: Vec<Uuid>,
    /// What differs.
    pub differences: Vec<DifferenceRow>,
    /// How many entries differ in all.
    pub differing: u64,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
}

fn verdict(verdict: ShadowVerdict) -> (&'static str, &'static str) {
    match verdict {
        ShadowVerdict::Passed => (text!("shadow-passed"), "finished"),
        ShadowVerdict::TooFew => (text!("shadow-too-few"), ""),
        ShadowVerdict::NotShown => (text!("shadow-not-shown"), "warn"),
        ShadowVerdict::Worse => (text!("shadow-worse"), "hard"),
    }
}

fn kind(kind: Option<EntryKind>) -> &'static str {
    kind.map_or(text!("shadow-all"), words::kind)
}

fn engine(engine: &EngineIdentity) -> String {
    match engine.site_pack {
        Some(version) => {
            text!("shadow-engine-pack", model = engine.model, vocabulary = engine.vocabulary, version = version)
        }
        None => text!("shadow-engine", model = engine.model, vocabulary = engine.vocabulary),
    }
}

/// What is another one than what runs.
fn tried(report: &ShadowReport) -> String {
    if !report.proposals.is_empty() {
        return text!("shadow-tried-proposals", count = report.proposals.len());
    }
    if !report.champion.is_configured_as(&report.challenger) {
        return text!("shadow-tried-engine").to_owned();
    }
    report
        .challenger
        .site_pack
        .map_or_else(|| text!("shadow-tried-none").to_owned(), |version| text!("shadow-tried-pack", version = version))
}

fn row(report: &ShadowReport, zone: &TimeZone) -> ReportRow {
    ReportRow {
        id: report.id,
        moment: words::moment(report.at, zone),
        by: report.by.clone(),
        tried: tried(report),
        encounters: report.encounters,
        verdict: verdict(report.verdict),
    }
}

/// `GET /shadow`
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let zone = &service.time_zone;
    let live = service.store.live_pack().await?;
    let versions = service.store.pack_versions(VERSIONS).await?.into_iter().map(|version| {
        let number = version.version;
        let label = if live == Some(number) {
            text!("shadow-version-live", version = number)
        } else {
            match version.shadow.map(|shadow| shadow.passed) {
                None => text!("shadow-version", version = number),
                Some(true) => text!("shadow-version-passed", version = number),
                Some(false) => text!("shadow-version-not-passed", version = number),
            }
        };
        (number, label)
    });
    let view = ShadowPage {
        shell: Shell::of(&session),
        notice: notice::lookup(address.notice.as_deref(), address.problem.as_deref()),
        can_change: permits(user.role, Permission::ChangeSettings),
        under_way: service.shadow_runs.under_way().map(|progress| (progress.done, progress.all)),
        failed: service.shadow_runs.failed(),
        versions: versions.collect(),
        days: SHADOW_DAYS,
        reports: service
            .store
            .shadow_reports(crate::service::SHADOW_REPORTS)
            .await?
            .iter()
            .map(|report| row(report, zone))
            .collect(),
    };
    Ok(page(StatusCode::OK, &view))
}

/// The form.
#[derive(Deserialize)]
pub(super) struct RunForm {
    #[serde(default)]
    version: String,
    #[serde(default)]
    days: String,
}

/// `POST /shadow`
pub(super) async fn start(State(service): State<Arc<Service>>, Posted { session, form, .. }: Posted<RunForm>) -> Answer {
    let user = may_change(&session)?;
    let Ok(version) = form.version.trim().parse() else {
        return Ok(Redirect::to("/shadow?problem=invalid").into_response());
    };
    let days = form.days.trim().parse().unwrap_or(SHADOW_DAYS).clamp(1, MOST_DAYS);
    match service.try_pack(user, version, days).await {
        Ok(()) => Ok(Redirect::to("/shadow?notice=shadow_started").into_response()),
        Err(ShadowError::Running) => Ok(Redirect::to("/shadow?problem=shadow_running").into_response()),
        Err(ShadowError::NoVersion(_)) => Err(missing(&session)),
        Err(ShadowError::Store(error)) => Err(error.into()),
    }
}

fn figure(figure: Option<ShadowFigure>) -> String {
    let Some(figure) = figure else { return text!("shadow-no-figure").to_owned() };
    let share = |value: f64| format!("{value:.3}");
    let signed = |value: f64| format!("{value:+.3}");
    text!(
        "shadow-figure",
        before = share(figure.champion),
        now = share(figure.challenger),
        low = signed(figure.low),
        high = signed(figure.high),
        p = format!("{:.4}", figure.p)
    )
}

fn kind_row(found: &ShadowKind, report: &ShadowReport) -> KindRow {
    let [before, now] = found.effort.map(|effort| effort.sum());
    KindRow {
        name: kind(found.kind),
        encounters: found.encounters,
        gold: found.gold,
        figures: [found.precision, found.recall, found.f1, found.code_at_1, found.coded_f1].map(figure),
        acts: text!("shadow-acts", before = before, now = now, saved = found.saved, broken = found.broken),
        counts: found.kind.is_none() || found.encounters >= report.rule.encounters_of_kind(),
    }
}

fn sentence(report: &ShadowReport) -> String {
    let margin = format!("{:.1}", 100.0 * report.rule.margin);
    match report.verdict {
        ShadowVerdict::Passed => text!("shadow-sentence-passed", margin = margin),
        ShadowVerdict::TooFew => {
            text!("shadow-sentence-too-few", encounters = report.encounters, needed = report.rule.encounters)
        }
        ShadowVerdict::Worse => text!("shadow-sentence-worse").to_owned(),
        ShadowVerdict::NotShown => {
            let kinds: Vec<&str> = report.not_shown.iter().map(|one| kind(*one)).collect();
            text!("shadow-sentence-not-shown", margin = margin, kinds = kinds.join(", "))
        }
    }
}

fn change(change: ShadowChange) -> (&'static str, &'static str) {
    let label = match change {
        ShadowChange::Lost => text!("shadow-lost"),
        ShadowChange::Miscoded => text!("shadow-miscoded"),
        ShadowChange::Gained => text!("shadow-gained"),
        ShadowChange::Silenced => text!("shadow-silenced"),
        ShadowChange::Raised => text!("shadow-raised"),
        ShadowChange::Unseen => text!("shadow-unseen"),
        ShadowChange::Gone => text!("shadow-gone"),
    };
    (label, if change.is_better() { "finished" } else { "hard" })
}

fn speed([before, now]: [f64; 2]) -> String {
    if before <= 0.0 || now <= 0.0 {
        return text!("shadow-speed-unknown").to_owned();
    }
    text!("shadow-speed", before = format!("{before:.1}"), now = format!("{now:.1}"), times = format!("{:.2}", before / now))
}

fn view(shell: Shell, report: &ShadowReport, zone: &TimeZone) -> ReportPage {
    let difference = |one: &crate::domain::ShadowDifference| DifferenceRow {
        item: one.item,
        entry: one.entry,
        kind: words::kind(one.kind),
        change: change(one.change),
    };
    ReportPage {
        shell,
        row: row(report, zone),
        engines: [engine(&report.champion), engine(&report.challenger)],
        beyond: (!report.proposals.is_empty()).then(|| tried(report)),
        verdict: sentence(report),
        made_of: text!(
            "shadow-made-of",
            encounters = report.encounters,
            notes = report.notes,
            since = words::moment(report.since, zone)
        ),
        speed: speed(report.seconds),
        kinds: report.kinds.iter().map(|one| kind_row(one, report)).collect(),
        failed: report.failed.clone(),
        differences: report.differences.iter().map(difference).collect(),
        differing: report.differing,
    }
}

/// `GET /shadow/{id}`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let report = service.shadow_report(user, id).await?.ok_or_else(|| missing(&session))?;
    service.record(user, "shadow.read", ("shadow_report", id)).await?;
    Ok(page(StatusCode::OK, &view(Shell::of(&session), &report, &service.time_zone)))
}
