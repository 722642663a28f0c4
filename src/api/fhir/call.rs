//! One call, checked, and its answer.

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    ApiError, Interaction, Kind,
    outcome::{FHIR_JSON, Problem},
};
use crate::{
    api::Caller,
    domain::User,
    service::Service,
    store::{IdempotencyKey, PatientNumber},
};

/// The most resources of one page, and how many when nobody says.
const MOST: u32 = 100;
const USUAL: u32 = 50;
/// Parameters that every interaction takes, and those of every search.
const COMMON: [&str; 2] = ["_format", "_pretty"];
const PAGING: [&str; 2] = ["_count", "_page"];

/// A call.
pub(super) struct Call {
    pub(super) interaction: &'static Interaction,
    pub(super) service: Arc<Service>,
    caller: Option<Caller>,
    /// The id in the address; empty where there is none.
    pub(super) id: String,
    parameters: Vec<(String, String)>,
    body: Bytes,
    pub(super) headers: HeaderMap,
    /// Where the service is, as the caller names it.
    pub(super) base: String,
}

impl Call {
    /// Checks formats and parameters.
    pub(super) fn checked(
        interaction: &'static Interaction,
        (service, caller): (Arc<Service>, Option<Caller>),
        (id, parameters, body): (String, Vec<(String, String)>, Bytes),
        parts: &Parts,
    ) -> Result<Self, Problem> {
        let searches = interaction.kind == Kind::Search;
        let mut checked: Vec<(String, String)> = Vec::with_capacity(parameters.len());
        for (name, value) in parameters {
            if value.contains('\0') {
                return Err(Problem::parameter("a parameter has a NUL character; remove NUL characters before sending"));
            }
            let plain =
                name.strip_suffix(":identifier").or_else(|| name.strip_suffix(".identifier")).unwrap_or(&name).to_owned();
            let named =
                interaction.parameters.iter().any(|one| one.name == plain && (plain == name || one.kind == "reference"));
            let known = named || COMMON.contains(&name.as_str()) || (searches && PAGING.contains(&name.as_str()));
            if !known {
                let names: Vec<&str> = interaction.parameters.iter().map(|one| one.name).collect();
                let takes = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(Problem::parameter(format!("a parameter is not known here; this takes: {takes}")));
            }
            if checked.iter().any(|(before, _)| *before == plain) {
                return Err(Problem::parameter(format!("the parameter {plain} stands twice; give it once")));
            }
            checked.push((plain, value));
        }
        let call = Self {
            interaction,
            service,
            caller,
            id,
            parameters: checked,
            body,
            headers: parts.headers.clone(),
            base: base(&parts.headers),
        };
        call.check_format()?;
        Ok(call)
    }

    fn check_format(&self) -> Result<(), Problem> {
        let asked = self.parameter("_format");
        let json = |word: &str| word.contains("json");
        let native = self.interaction.resource == "Binary";
        let refused = match (asked, self.accept()) {
            (Some(format), _) => !json(format),
            (None, accept) => {
                !native && !accept.is_empty() && !json(&accept) && !accept.contains("*/*") && !accept.contains("application/*")
            }
        };
        if refused {
            let detail = "only JSON is served: ask for application/fhir+json";
            return Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail).into());
        }
        Ok(())
    }

    fn accept(&self) -> String {
        self.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether the caller asks for FHIR rather than for the bytes.
    pub(super) fn wants_fhir(&self) -> bool {
        self.parameter("_format").is_some() || self.accept().contains("json")
    }

    /// Who calls.
    pub(super) fn user(&self) -> Result<&User, Problem> {
        self.caller().map(|caller| &caller.user)
    }

    /// Who calls, with the token.
    pub(super) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(|| ApiError::unauthorized().into())
    }

    /// The sender's word for this request, with the hash of its body.
    pub(super) fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let key = crate::api::notes::idempotency_key(&self.headers)?;
        let owner = crate::api::notes::hexadecimal(&self.caller()?.token);
        Ok(key.map(|key| IdempotencyKey { owner, key, body: Sha256::digest(&self.body).into() }))
    }

    /// The id in the address as ours.
    pub(super) fn uuid(&self) -> Result<Uuid, Problem> {
        Uuid::parse_str(&self.id).map_err(|_| self.missing())
    }

    /// 404.
    pub(super) fn missing(&self) -> Problem {
        ApiError::missing(self.interaction.resource).into()
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The parameters, for the address of this page and of the next one.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many resources a page has.
    pub(super) fn count(&self) -> Result<u32, Problem> {
        match self.parameter("_count").map(str::parse) {
            None => Ok(USUAL),
            Some(Ok(0)) | Some(Err(_)) => Err(Problem::parameter("_count must be a number from 1")),
            Some(Ok(count)) => Ok(u32::min(count, MOST)),
        }
    }

    /// The patient that this parameter names: by a token, by our id, or by a reference to their resource here or elsewhere.
    pub(super) fn patient(&self, parameter: &str) -> Option<PatientNumber> {
        let token = self.parameter(parameter)?;
        let (system, number) = match token.split_once('|') {
            Some((system, number)) => (Some(system.to_owned()).filter(|system| !system.is_empty()), number),
            None => (None, token.rsplit_once("Patient/").map_or(token, |(_, id)| id)),
        };
        // what an identifier says is the sender's word; a reference may be to what is served here
        let id = Uuid::parse_str(number).ok().filter(|_| parameter != "identifier" && system.is_none());
        Some(PatientNumber { system, number: number.to_owned(), id })
    }

    /// The encounter that is searched for.
    pub(super) fn encounter(&self) -> Option<String> {
        let number = without_system(self.parameter("encounter")?);
        Some(number.strip_prefix("Encounter/").unwrap_or(number).to_owned())
    }

    /// The document that is searched for.
    pub(super) fn identifier(&self) -> Option<String> {
        self.parameter("identifier").map(|token| without_system(token).to_owned())
    }

    /// What the search did not look at, to be told with its results.
    pub(super) fn unheeded(&self) -> Option<String> {
        let with_system =
            |name: &&str| self.parameter(name).is_some_and(|token| token.contains('|') && !token.starts_with('|'));
        // a patient's is kept with its system
        let names = if self.interaction.resource == "Patient" { &["encounter"][..] } else { &["encounter", "identifier"] };
        let name = names.iter().copied().find(with_system)?;
        Some(format!(
            "{name}: a source's identifiers are one namespace here and their systems are not kept; searched by the value alone"
        ))
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Problem> {
        Ok(crate::api::body::parse(&self.body)?)
    }
}

/// The value of a token.
fn without_system(token: &str) -> &str {
    token.split_once('|').map_or(token, |(_, value)| value)
}

/// A body must be JSON by its content type.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if [FHIR_JSON, "application/json", "text/json"].contains(&essence.as_str()) {
        return Ok(());
    }
    let detail = "send the resource as application/fhir+json";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content", detail).into())
}

/// The address of the interface, from the names by which the caller reached it.
fn base(headers: &HeaderMap) -> String {
    let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let plain = |host: &&str| {
        !host.is_empty() && host.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-:[]_".contains(letter))
    };
    let host = word("host").filter(plain).unwrap_or("localhost");
    let scheme = word("x-forwarded-proto").filter(|scheme| ["http", "https"].contains(scheme)).unwrap_or("http");
    format!("{scheme}://{host}/fhir")
}

/// An answer.
pub(super) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: String,
    headers: Vec<(header::HeaderName, String)>,
}

impl Answer {
    /// A resource.
    pub(super) fn resource(resource: &Value) -> Self {
        Self::with_status(StatusCode::OK, resource)
    }

    /// A resource with a status of its own.
    pub(super) fn with_status(status: StatusCode, resource: &Value) -> Self {
        let mut headers = Vec::new();
        if let Some(version) = resource["meta"]["versionId"].as_str() {
            headers.push((header::ETAG, format!("W/\"{version}\"")));
        }
        Self { status, content_type: FHIR_JSON, body: resource.to_string(), headers }
    }

    /// Plain text.
    pub(super) fn text(text: String, content_type: &'static str) -> Self {
        Self { status: StatusCode::OK, content_type, body: text, headers: Vec::new() }
    }

    pub(super) fn header(mut self, name: header::HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, self.content_type)], self.body).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
