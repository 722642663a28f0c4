//! `/audit`: who read or changed what, for auditors; as CSV too. A record number is looked up by a form, so that it stands in no address.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect},
};
use futures_util::stream;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    notice::Notice,
    session::{Posted, Session},
    shell::{Shell, failed, page},
    words,
};
use crate::{
    auth::Permission,
    service::{AccessError, AccessQuestion, Service, access_rows},
    store::{AccessEnd, AuditEvent, TrailReport},
};

/// Events of one page.
const PAGE: u32 = 100;

/// An event as the page shows it.
#[derive(Debug, Clone)]
pub(super) struct AccessRow {
    /// Its number.
    pub sequence: i64,
    /// When.
    pub moment: String,
    /// Who.
    pub who: String,
    /// What, as the trail has it.
    pub action: String,
    /// To what kind of thing.
    pub kind: String,
    /// To which.
    pub thing: Option<Uuid>,
    /// More.
    pub detail: String,
}

/// The page.
#[derive(Template)]
#[template(path = "audit.html")]
pub(super) struct AuditPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// What was asked for.
    pub asked: Address,
    /// Whether the chain of the trail is whole, in words.
    pub standing: String,
    /// Whether it is not.
    pub is_broken: bool,
    /// The events, newest first.
    pub events: Vec<AccessRow>,
    /// Where the CSV is.
    pub csv: String,
    /// Where the next page is.
    pub next: Option<String>,
}

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Address {
    /// Login name.
    #[serde(default)]
    pub actor: String,
    /// Kind of event.
    #[serde(default)]
    pub action: String,
    /// Ids of ours, with commas between.
    #[serde(default)]
    pub of: String,
    /// First day.
    #[serde(default)]
    pub from: String,
    /// Last day.
    #[serde(default)]
    pub until: String,
    /// Behind the end of the page before.
    #[serde(default)]
    pub after: String,
    /// Whether a record number was looked up that is of nobody.
    #[serde(default)]
    pub unknown: String,
}

impl Address {
    /// The question, or why it cannot be asked.
    fn question(&self, zone: &TimeZone) -> Result<AccessQuestion, &'static str> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let day = |text: &str| -> Result<Option<Date>, &'static str> {
            some(text).map(|day| day.parse().map_err(|_| text!("audit-problem-day"))).transpose()
        };
        let begins = |day: Date| day.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
        let at = |day: Option<Date>| day.map(begins).transpose().map_err(|_| text!("audit-problem-day"));
        let behind = |day: Date| day.checked_add(1.day()).map_err(|_| text!("audit-problem-day"));
        let ids = self.of.split(',').map(str::trim).filter(|id| !id.is_empty());
        Ok(AccessQuestion {
            actor: some(&self.actor),
            action: some(&self.action),
            of: ids.map(|id| Uuid::parse_str(id).map_err(|_| text!("audit-problem-id"))).collect::<Result<_, _>>()?,
            patient: None,
            from: at(day(&self.from)?)?,
            until: at(day(&self.until)?.map(behind).transpose()?)?,
        })
    }

    /// The address of the same question at another place, from another end on.
    fn leading_to(&self, path: &str, after: &str) -> String {
        let fields =
            [("actor", &*self.actor), ("action", &self.action), ("of", &self.of), ("from", &self.from), ("until", &self.until)];
        let fields = fields.into_iter().chain([("after", after)]).filter(|(_, value)| !value.is_empty());
        let query = query_of(fields);
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    fn end(&self) -> Option<AccessEnd> {
        let (at, sequence) = self.after.split_once('.')?;
        Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, sequence.parse().ok()?))
    }
}

/// Names and values as the query of an address.
fn query_of<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let escaped = |value: &str| -> String {
        value.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
                _ => out.push_str(&format!("%{byte:02X}")),
            }
            out
        })
    };
    fields.map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
}

/// `GET /audit`
pub(super) async fn show(State(service): State<Arc<Service>>, session: Session, Query(address): Query<Address>) -> Answer {
    let user = session.may(Permission::ReadAudit)?;
    let standing = service.trail_standing().await?;
    let asked = address.question(&service.time_zone);
    let (status, notice, found) = match &asked {
        Ok(question) => match service.accesses(user, question, address.end(), PAGE).await {
            Ok(found) => {
                let unknown =
                    (!address.unknown.is_empty()).then(|| Notice::refusing(text!("audit-problem-patient").to_owned()));
                (StatusCode::OK, unknown, found)
            }
            Err(AccessError::Store(error)) => return Err(error.into()),
            Err(AccessError::HalfANumber | AccessError::TwoThings) => return Err(failed()),
        },
        Err(problem) => (StatusCode::BAD_REQUEST, Some(Notice::refusing((*problem).to_owned())), (Vec::new(), None)),
    };
    let next = found.1.map(|(at, sequence)| address.leading_to("/audit", &format!("{}.{sequence}", at.as_microsecond())));
    let view = AuditPage {
        shell: Shell::of(&session),
        notice,
        standing: told(&standing, &service.time_zone),
        is_broken: standing.problem.is_some(),
        events: found.0.into_iter().map(|event| row(event, &service.time_zone)).collect(),
        csv: address.leading_to("/audit/accesses.csv", ""),
        next,
        asked: address,
    };
    Ok(page(status, &view))
}

/// The record number of a patient at a source.
#[derive(Deserialize)]
pub(super) struct NumberForm {
    #[serde(default)]
    source: String,
    #[serde(default)]
    number: String,
}

/// `POST /audit/patient`: to the accesses of the patient with a record number.
pub(super) async fn of_patient(State(service): State<Arc<Service>>, posted: Posted<NumberForm>) -> Answer {
    let user = posted.session.may(Permission::ReadAudit)?;
    let (source, number) = (posted.form.source.trim(), posted.form.number.trim());
    let found = service.patients_of_number(user, (source, number)).await?;
    if found.is_empty() {
        return Ok(Redirect::to("/audit?unknown=patient").into_response());
    }
    let of = found.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
    Ok(Redirect::to(&format!("/audit?of={of}")).into_response())
}

/// `GET /audit/accesses.csv`: all of them, not a page.
pub(super) async fn accesses_csv(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Answer {
    let user = session.may(Permission::ReadAudit)?;
    let question = address.question(&service.time_zone);
    let question = question.map_err(|problem| super::shell::refused(StatusCode::BAD_REQUEST, problem))?;
    let rows = match access_rows(Arc::clone(&service), user.clone(), question).await {
        Ok(rows) => rows,
        Err(AccessError::Store(error)) => return Err(error.into()),
        Err(AccessError::HalfANumber | AccessError::TwoThings) => return Err(failed()),
    };
    let body = Body::from_stream(stream::unfold(rows, |mut rows| async move {
        let page = rows.next_page().await?;
        Some((page, rows))
    }));
    let name = "attachment; filename=\"accesses.csv\"";
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

fn row(event: AuditEvent, zone: &TimeZone) -> AccessRow {
    AccessRow {
        sequence: event.sequence,
        moment: words::moment(event.at, zone),
        who: event.actor.name,
        action: event.action,
        kind: event.subject_kind,
        thing: event.subject_id,
        detail: event.detail,
    }
}

/// Whether the chain is whole, as far as is looked at for a page.
fn told(standing: &TrailReport, zone: &TimeZone) -> String {
    let unsealed = standing.unsealed;
    match (&standing.problem, &standing.checkpoint) {
        (Some(_), _) => text!("audit-broken").to_owned(),
        (None, None) => text!("audit-not-sealed", events = unsealed),
        (None, Some(checkpoint)) => text!(
            "audit-whole",
            number = checkpoint.sequence.to_string(),
            moment = words::moment(checkpoint.sealed_at, zone),
            events = unsealed
        ),
    }
}
