//! Errors below `/fhir`: OperationOutcome with the codes of the JSON API.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::ApiError;
use crate::interop::fhir::incoming::{Refusal, RefusalKind};

/// The media type of everything below `/fhir`.
pub(super) const FHIR_JSON: &str = "application/fhir+json";
/// System of our error codes.
const ERROR_CODES: &str = "urn:abstractor:error";

/// An error with the elements that it is about.
#[derive(Debug)]
pub(super) struct Problem {
    error: ApiError,
    /// Places and what is wrong with each; the error's own detail where there are none.
    issues: Vec<(String, String)>,
}

impl<E: Into<ApiError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self { error: error.into(), issues: Vec::new() }
    }
}

impl Problem {
    /// What was sent cannot be used. The first refusal decides the status, all are told.
    pub(super) fn refused(refusals: Vec<Refusal>) -> Self {
        let (status, code) = match refusals.first().map(|refusal| refusal.kind) {
            Some(RefusalKind::Content) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content"),
            Some(RefusalKind::NotSupported) => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported_resource"),
            Some(RefusalKind::Invalid) | None => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_field"),
        };
        let error = ApiError::new(status, code, "what was sent cannot be used");
        Self { error, issues: refusals.into_iter().map(|refusal| (refusal.path, refusal.detail)).collect() }
    }

    /// The error, about this element.
    pub(super) fn at(error: impl Into<ApiError>, path: String) -> Self {
        let error = error.into();
        let detail = error.detail.clone();
        Self { error, issues: vec![(path, detail)] }
    }

    /// The same, about an entry of a Bundle.
    pub(super) fn within(mut self, entry: usize) -> Self {
        if self.issues.is_empty() {
            self.issues.push((format!("Bundle.entry[{entry}]"), self.error.detail.clone()));
        } else {
            for (path, _) in &mut self.issues {
                *path = format!("Bundle.entry[{entry}].resource.{path}");
            }
        }
        self
    }

    /// 400 for a parameter.
    pub(super) fn parameter(detail: impl Into<String>) -> Self {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail).into()
    }

    /// The status in digits and words, as the answer to an entry of a Bundle has it.
    pub(super) fn status_line(&self) -> String {
        status_line(self.error.status)
    }

    /// The resource.
    pub(super) fn outcome(&self) -> Value {
        let server = self.error.status.is_server_error() && self.error.status != StatusCode::SERVICE_UNAVAILABLE;
        let severity = if server { "fatal" } else { "error" };
        let issue = |detail: &str, path: Option<&str>| {
            let mut issue = json!({
                "severity": severity,
                "code": issue_type(&self.error),
                "details": {"coding": [{"system": ERROR_CODES, "code": self.error.code}], "text": detail},
                "diagnostics": detail,
            });
            if let Some(path) = path {
                issue["expression"] = json!([path]);
            }
            issue
        };
        let issues: Vec<Value> = if self.issues.is_empty() {
            vec![issue(&self.error.detail, None)]
        } else {
            self.issues.iter().map(|(path, detail)| issue(&format!("{path}: {detail}"), Some(path))).collect()
        };
        json!({"resourceType": "OperationOutcome", "issue": issues})
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.outcome().to_string();
        let mut response = (self.error.status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response();
        self.error.add_headers(&mut response);
        response
    }
}

/// What is told without being an error.
pub(super) fn information(severity: &str, text: &str) -> Value {
    let issue = json!({"severity": severity, "code": "informational", "details": {"text": text}, "diagnostics": text});
    json!({"resourceType": "OperationOutcome", "issue": [issue]})
}

pub(super) fn status_line(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("")).trim_end().to_owned()
}

/// FHIR's word for the kind of error.
fn issue_type(error: &ApiError) -> &'static str {
    match (error.status.as_u16(), error.code) {
        (_, "unsupported_resource") => "not-supported",
        (401, _) => "login",
        (403, _) => "forbidden",
        (404, "unknown_address") => "not-supported",
        (404, _) => "not-found",
        (405 | 406 | 415, _) => "not-supported",
        (409 | 412, _) => "conflict",
        (413, _) => "too-long",
        (422, "invalid_field") => "invalid",
        (422, _) => "business-rule",
        (503, "busy") => "throttled",
        (503, _) => "transient",
        (500..=599, _) => "exception",
        _ => "invalid",
    }
}

/// What a caller gets when a handler panics. The panic's message is not passed on.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a FHIR handler panicked");
    Problem::from(ApiError::internal()).into_response()
}
