//! `/thresholds`: what other thresholds would have done to suggestions that coders decided on, as pictures with a table beside each.

use std::{fmt::Write as _, sync::Arc};

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    session::Session,
    shell::{Refusal, Shell, page},
    words,
};
use crate::{
    auth::Permission,
    domain::EntryKind,
    oversight::{ThresholdShare, ThresholdStep, Thresholds},
    service::{Service, actor},
};

/// Days that are looked at where nothing else is asked.
const DAYS: u32 = 90;
/// Most days.
const MOST_DAYS: u32 = 3_650;
/// The picture's inside, and where it begins.
const SIZE: (f64, f64) = (400.0, 160.0);
const CORNER: (f64, f64) = (44.0, 12.0);

/// A line of a picture.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// How it is drawn: first, second.
    pub class: &'static str,
    /// Its places, as SVG has them.
    pub points: String,
    /// What it shows.
    pub label: &'static str,
}

/// A picture: shares in hundredths over thresholds in hundredths.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    /// Its id within the page.
    pub id: String,
    /// What it shows.
    pub title: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where the threshold stands that holds now.
    pub current: Option<(f64, u8)>,
    /// Marks of the shares: place and label.
    pub shares: [(f64, u8); 5],
    /// Marks of the thresholds.
    pub thresholds: [(f64, u8); 5],
}

/// A threshold as a row.
#[derive(Debug, Clone)]
pub(super) struct StepRow {
    /// Hundredths.
    pub threshold: u8,
    /// Whether it is one that holds now, or the nearest one.
    pub current: bool,
    /// Counts with their shares and intervals.
    pub parts: [String; 6],
}

/// A kind of entries.
#[derive(Debug, Clone)]
pub(super) struct KindView {
    /// Its word, for ids.
    pub word: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What it is made of.
    pub made_of: String,
    /// What hiding and accepting would have done.
    pub pictures: [Picture; 2],
    /// The same as rows.
    pub rows: Vec<StepRow>,
}

/// The page.
#[derive(Template)]
#[template(path = "thresholds.html")]
pub(super) struct ThresholdsPage {
    /// The frame.
    pub shell: Shell,
    /// Days that are looked at.
    pub days: u32,
    /// Encounters that take part.
    pub encounters: u64,
    /// By kind; all together first.
    pub kinds: Vec<KindView>,
    /// The thresholds that hold now: shown unfolded, accepted together.
    pub current: [u8; 2],
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    days: Option<String>,
}

fn x(threshold: f64) -> f64 {
    CORNER.0 + SIZE.0 * threshold / 100.0
}

fn y(share: f64) -> f64 {
    CORNER.1 + SIZE.1 * (1.0 - share)
}

fn line(steps: &[ThresholdStep], share: impl Fn(&ThresholdStep) -> Option<f64>) -> String {
    let mut points = String::new();
    for step in steps {
        if let Some(share) = share(step) {
            let _ = write!(points, "{:.1},{:.1} ", x(f64::from(step.threshold)), y(share));
        }
    }
    points
}

/// A count with its share and Wilson's interval.
fn told(part: ThresholdShare) -> String {
    let hundredths = |share: f64| format!("{:.0}", 100.0 * share);
    match (part.share(), part.low, part.high) {
        (Some(share), Some(low), Some(high)) => text!(
            "thresholds-part",
            of = part.of,
            all = part.all,
            share = hundredths(share),
            low = hundredths(low),
            high = hundredths(high)
        ),
        _ => text!("thresholds-none").to_owned(),
    }
}

fn title(kind: Option<EntryKind>) -> (&'static str, &'static str) {
    match kind {
        None => ("all", text!("thresholds-all")),
        Some(EntryKind::NoKnownAllergies) => (EntryKind::NoKnownAllergies.as_str(), words::kind(EntryKind::NoKnownAllergies)),
        Some(kind) => (kind.as_str(), words::kinds(kind)),
    }
}

fn view(found: &Thresholds, current: [u8; 2]) -> KindView {
    let (word, title) = title(found.kind);
    let steps = &found.steps;
    let nearest = |wanted: u8| steps.iter().map(|step| step.threshold).min_by_key(|one| one.abs_diff(wanted));
    let marks = [0_u8, 25, 50, 75, 100];
    let picture = |name: &'static str, (title, current): (&'static str, u8), lines: [(&'static str, String); 2]| Picture {
        id: [name, word].join("-"),
        title,
        lines: ["first", "second"]
            .into_iter()
            .zip(lines)
            .map(|(class, (label, points))| Line { class, points, label })
            .collect(),
        current: Some((x(f64::from(current)), current)),
        shares: marks.map(|mark| (y(f64::from(mark) / 100.0), mark)),
        thresholds: marks.map(|mark| (x(f64::from(mark)), mark)),
    };
    let hide = [
        (text!("thresholds-line-hidden"), line(steps, |step| step.hidden.share())),
        (text!("thresholds-line-lost"), line(steps, |step| step.lost.share())),
    ];
    let accept = [
        (text!("thresholds-line-accepted"), line(steps, |step| step.accepted.share())),
        (text!("thresholds-line-wrong"), line(steps, |step| step.wrong.share())),
    ];
    KindView {
        word,
        title,
        made_of: text!("thresholds-made-of", decided = found.decided, bulk = found.bulk, silent = found.without_confidence),
        pictures: [
            picture("hide", (text!("thresholds-hide"), current[0]), hide),
            picture("accept", (text!("thresholds-accept"), current[1]), accept),
        ],
        rows: steps
            .iter()
            .map(|step| StepRow {
                threshold: step.threshold,
                current: current.iter().any(|one| nearest(*one) == Some(step.threshold)),
                parts: [step.hidden, step.lost, step.spared, step.accepted, step.right, step.wrong].map(told),
            })
            .collect(),
    }
}

/// `GET /thresholds`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let asked = address.days.as_deref().and_then(|days| days.trim().parse().ok());
    let days = asked.unwrap_or(DAYS).clamp(1, MOST_DAYS);
    let report = service.thresholds(user, days).await?;
    let now = service.surroundings.now();
    service.store.record_audit(actor(user), "report.read", None, &format!("days={days}"), now).await?;
    let current = [report.settings.shown_from, report.settings.together_from];
    let view = ThresholdsPage {
        shell: Shell::of(&session),
        days,
        encounters: report.encounters,
        // all together first
        kinds: report
            .kinds
            .iter()
            .rev()
            .take(1)
            .chain(report.kinds.split_last().map_or(&[][..], |(_, kinds)| kinds))
            .map(|kind| view(kind, current))
            .collect(),
        current,
    };
    Ok(page(StatusCode::OK, &view))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oversight::simulate;

    #[test]
    fn a_page_without_encounters_says_so_and_pictures_lie_within_their_frame() {
        let found = simulate([]);
        let kinds: Vec<KindView> = found.iter().map(|kind| view(kind, [40, 80])).collect();
        assert_eq!((kinds.len(), kinds[0].rows.iter().filter(|row| row.current).count()), (1, 2));
        assert!((x(0.0) - 44.0).abs() < 1e-9 && (x(100.0) - 444.0).abs() < 1e-9);
        assert!((y(1.0) - 12.0).abs() < 1e-9 && (y(0.0) - 172.0).abs() < 1e-9);
        let page = ThresholdsPage { shell: Shell::default(), days: 90, encounters: 0, kinds, current: [40, 80] };
        let html = page.render().expect("renders");
        assert!(html.contains("class=\"empty\"") && !html.contains("<svg"), "{html}");
    }
}
