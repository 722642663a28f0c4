//! `/reports`: what a manager asks of the work, of the engine, of what waits and of queries; each with charts, tables and the same as CSV.

pub(super) mod backlog;
pub(super) mod engine;
mod frame;
pub(super) mod queries;
pub(super) mod work;

use axum::http::StatusCode;
use jiff::{ToSpan as _, civil::Date};
use serde::Deserialize;

use self::frame::{Block, Figure, ReportPage, Row, Table};
pub(super) use self::frame::{Choice, POPULATION, tabs};
use super::{
    change::{Answer, filled},
    chart,
    csv_cell::cell,
    shell::{Refusal, refused},
};
use crate::{
    domain::{EntryKind, Period, User},
    interop::fhir::percent_encoded,
    report::Share,
    service::{ReportAsked, Service, actor},
};

/// Days that are reported where nothing else is asked.
const DAYS: u32 = 30;
/// Most days.
const MOST_DAYS: u32 = 3_650;
/// Rows of a chart, at most; its table has more.
const CHARTED: usize = 15;

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    /// The last so many days.
    pub days: String,
    /// First day; with it or the last one, `days` says nothing.
    pub from: String,
    /// Last day.
    pub until: String,
    /// Of encounters of this facility.
    pub facility: String,
    /// Of this department.
    pub department: String,
    /// Of entries of this kind.
    pub kind: String,
    /// Of this coder.
    pub coder: String,
    /// By what the engine's outcomes are shown.
    pub by: String,
}

/// The kinds of entries that can be asked for.
const KINDS: [EntryKind; 4] = [EntryKind::Diagnosis, EntryKind::Medication, EntryKind::Allergy, EntryKind::NoKnownAllergies];

impl Address {
    /// Without what is not given, and with the days that are reported.
    fn tidied(mut self) -> Self {
        if filled(&self.from).or_else(|| filled(&self.until)).is_none() {
            let asked: Option<u32> = self.days.trim().parse().ok();
            self.days = asked.unwrap_or(DAYS).clamp(1, MOST_DAYS).to_string();
        } else {
            self.days.clear();
        }
        self
    }

    /// What is asked, or that it cannot be.
    fn asked(&self, service: &Service) -> Result<ReportAsked, Refusal> {
        let period = match (filled(&self.from), filled(&self.until)) {
            (None, None) => Some(Period::last(self.days.parse().unwrap_or(DAYS), service.surroundings.now())),
            (from, until) => days(service, (from.as_deref(), until.as_deref())),
        };
        let period = period.ok_or_else(|| refused(StatusCode::BAD_REQUEST, &text!("reports-bad-time", days = MOST_DAYS)))?;
        Ok(ReportAsked {
            period,
            facility: filled(&self.facility),
            department: filled(&self.department),
            kind: KINDS.into_iter().find(|kind| kind.as_str() == self.kind),
            coder: filled(&self.coder),
        })
    }

    /// The same question at another place.
    fn at(&self, path: &str, more: &[(&str, &str)]) -> String {
        let fields = [
            ("days", self.days.as_str()),
            ("from", &self.from),
            ("until", &self.until),
            ("facility", &self.facility),
            ("department", &self.department),
            ("kind", &self.kind),
            ("coder", &self.coder),
        ];
        let said = fields.into_iter().chain(more.iter().copied()).filter(|(_, value)| !value.trim().is_empty());
        let query: Vec<String> = said.map(|(name, value)| format!("{name}={}", percent_encoded(value.trim()))).collect();
        format!("{path}?{}", query.join("&"))
    }

    /// What was asked, for the audit trail.
    fn told(&self) -> String {
        self.at("", &[]).trim_start_matches('?').replace('&', " ")
    }
}

/// Whole days of the hospital's zone; none where they cannot be counted.
fn days(service: &Service, asked: (Option<&str>, Option<&str>)) -> Option<Period> {
    let zone = &service.time_zone;
    let until: Date = match asked.1 {
        Some(day) => day.parse().ok()?,
        None => service.surroundings.now().to_zoned(zone.clone()).date(),
    };
    let from: Date = match asked.0 {
        Some(day) => day.parse().ok()?,
        None => until.checked_sub((i64::from(DAYS) - 1).days()).ok()?,
    };
    let long = until.since(from).ok()?.get_days();
    (0..i32::try_from(MOST_DAYS).unwrap_or(i32::MAX)).contains(&long).then(|| Period::days(from, until, zone)).flatten()
}

/// A whole number of percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate lies between 0 and 1")]
fn scaled(rate: f64, whole: f64) -> u64 {
    (rate * whole).round() as u64
}

/// A share in words, with its interval; empty where there is none.
fn share_words(share: &Share) -> String {
    match (share.rate, share.low, share.high) {
        (Some(rate), Some(low), Some(high)) => {
            let percent = |rate| scaled(rate, 100.0);
            text!("reports-share", share = percent(rate), low = percent(low), high = percent(high))
        }
        _ => String::new(),
    }
}

/// Minutes and seconds in words; empty where there are none.
fn minutes(seconds: Option<i64>) -> String {
    seconds.map_or_else(String::new, |seconds| text!("reports-minutes", minutes = seconds / 60, seconds = seconds % 60))
}

/// Hours in words, with a decimal.
fn hours(seconds: Option<i64>) -> String {
    seconds.map_or_else(String::new, |seconds| {
        let tenths = (seconds + 180) / 360;
        text!("reports-hours", hours = format!("{}.{}", tenths / 10, tenths % 10))
    })
}

/// A file of rows, with its export recorded.
async fn file(service: &Service, user: &User, (name, asked): (&str, &Address), rows: Vec<Vec<String>>) -> Answer {
    use axum::{http::header, response::IntoResponse as _};
    let mut out = csv::Writer::from_writer(Vec::new());
    for row in &rows {
        out.write_record(row.iter().map(|value| cell(value).into_owned()).collect::<Vec<_>>())
            .map_err(|_| super::shell::failed())?;
    }
    let body = out.into_inner().map_err(|_| super::shell::failed())?;
    let detail = format!("{name} {}", asked.told());
    service.store.record_audit(actor(user), "report.exported", None, &detail, service.surroundings.now()).await?;
    let place = format!("attachment; filename=\"{name}.csv\"");
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, place)], body)
        .into_response())
}

/// A row of a file.
fn line(values: &[&dyn ToString]) -> Vec<String> {
    values.iter().map(|value| value.to_string()).collect()
}

/// A number that may be missing, for a file.
fn or_empty(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_question() {
        let asked = Address { facility: " North & South ".to_owned(), days: "abc".to_owned(), ..Address::default() }.tidied();
        assert_eq!(
            asked.at("/reports/engine", &[("by", "section"), ("x", "")]),
            "/reports/engine?days=30&facility=North%20%26%20South&by=section"
        );
        assert_eq!(asked.told(), "days=30 facility=North%20%26%20South");
        let dated = Address { days: "7".to_owned(), until: "2026-05-01".to_owned(), ..Address::default() }.tidied();
        assert_eq!(dated.told(), "until=2026-05-01", "a day wins over a number of days");
        assert_eq!(Address { days: "99999".to_owned(), ..Address::default() }.tidied().days, "3650");
    }

    #[test]
    fn figures_in_words() {
        assert_eq!(share_words(&Share::of(8, 10)), "80 % (49 to 94)");
        assert_eq!(share_words(&Share::of(0, 0)), "");
        assert_eq!((minutes(Some(125)), minutes(None)), ("2 min 5 s".to_owned(), String::new()));
        assert_eq!([0, 1800, 5_400, 95_220].map(|seconds| hours(Some(seconds))), ["0.0 h", "0.5 h", "1.5 h", "26.5 h"]);
    }
}
