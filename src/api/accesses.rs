//! `/v1/audit/accesses`: who read or changed what, of one patient, encounter or note, or by one user; as JSON and as CSV.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ApiError, Caller, ProblemBody, audit::EventBody, body::Parameters};
use crate::{
    auth::Permission,
    service::{AccessError, AccessQuestion, Service, access_rows},
    store::AccessEnd,
};

/// Which accesses. What is left out is not asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AccessParameters {
    /// By the user of this login name.
    actor: Option<String>,
    /// Of this kind, for example `note.read`.
    action: Option<String>,
    /// Our id of a patient, an encounter (item), a note or another thing. Notes and queries of an encounter count for it; encounters and notes of
    /// a patient count for the patient.
    of: Option<Uuid>,
    /// Record number of a patient, as `source` gives it.
    patient: Option<String>,
    /// The source that the record number is of.
    source: Option<String>,
    /// From this day on, in the time zone of the service.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// Until this day, it included.
    #[param(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// Behind the end of the page before: its `next`.
    #[param(pattern = r"^[0-9]{1,16}\.[0-9]{1,18}$")]
    after: Option<String>,
    /// At most so many, 1 to 1000; 100 when left out. CSV has all of them.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    limit: Option<u32>,
    /// `json` or `csv`; without it the header Accept says.
    #[param(inline)]
    format: Option<Format>,
}

/// A form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One page.
    Json,
    /// All of it.
    Csv,
}

/// A page of accesses, newest first.
#[derive(Serialize, ToSchema)]
pub struct AccessPage {
    events: Vec<EventBody>,
    /// Pass as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Who read or changed what, newest first. Reading it is recorded.
#[utoipa::path(get, path = "/v1/audit/accesses", tag = "audit", params(AccessParameters), responses(
    (status = 200, content((AccessPage = "application/json"), (String = "text/csv"))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_accesses(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<AccessParameters>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = caller.may(Permission::ReadAudit)?;
    let question = question(&parameters, &service.time_zone)?;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_csv = parameters.format.map_or_else(|| accepted.contains("text/csv"), |format| format == Format::Csv);
    if is_csv {
        let rows = access_rows(Arc::clone(&service), user.clone(), question).await?;
        let body = Body::from_stream(stream::unfold(rows, |mut rows| async move {
            let page = rows.next_page().await?;
            Some((page, rows))
        }));
        let name = "attachment; filename=\"accesses.csv\"";
        return Ok(
            ([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, name)], body).into_response()
        );
    }
    let after = parameters.after.as_deref().map(end_of).transpose()?;
    let limit = parameters.limit.unwrap_or(100).clamp(1, 1000);
    let (events, end) = service.accesses(user, &question, after, limit).await?;
    let next = end.map(|(at, sequence)| format!("{}.{sequence}", at.as_microsecond()));
    Ok(Json(AccessPage { events: events.into_iter().map(EventBody::from).collect(), next }).into_response())
}

fn question(parameters: &AccessParameters, zone: &TimeZone) -> Result<AccessQuestion, ApiError> {
    let begins = |day: Date| day.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
    let bad = |_| invalid("a day cannot be used");
    let until = parameters.until.map(|day| day.checked_add(1.day()).and_then(begins)).transpose().map_err(bad)?;
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    Ok(AccessQuestion {
        actor: parameters.actor.clone(),
        action: parameters.action.clone(),
        of: parameters.of.into_iter().collect(),
        patient: AccessQuestion::numbered(&text(&parameters.source), &text(&parameters.patient))?,
        from: parameters.from.map(begins).transpose().map_err(bad)?,
        until,
    })
}

fn end_of(after: &str) -> Result<AccessEnd, ApiError> {
    let parts = after.split_once('.').and_then(|(at, sequence)| Some((at.parse().ok()?, sequence.parse().ok()?)));
    let end = parts.and_then(|(at, sequence)| Some((Timestamp::from_microsecond(at).ok()?, sequence)));
    end.ok_or_else(|| invalid("after must be the next of the page before"))
}

fn invalid(detail: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail)
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            AccessError::HalfANumber | AccessError::TwoThings => {
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_those_of_the_hospital() {
        let day = |text: &str| Some(text.parse().expect("a day"));
        let parameters = AccessParameters { from: day("2026-11-01"), until: day("2026-11-01"), ..AccessParameters::default() };
        let zone = TimeZone::get("America/Chicago").expect("a zone");
        let asked = question(&parameters, &zone).expect("can be asked");
        let hours = asked.until.zip(asked.from).map(|(until, from)| until.duration_since(from).as_hours());
        assert_eq!(hours, Some(25), "the clock goes back on this day");
    }

    #[test]
    fn an_end_is_read_back() {
        let end = (Timestamp::from_microsecond(1_780_000_000_123_456).expect("a time"), 17);
        assert_eq!(end_of("1780000000123456.17").expect("reads"), end);
        for bad in ["", "17", "x.17", "1.x", "9223372036854775807.1"] {
            assert!(end_of(bad).is_err(), "{bad}");
        }
    }
}
