//! `POST /v1/extract`: the extraction of a text, nothing stored.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ApiError, Caller, ProblemBody, body::Body};
use crate::{
    auth::Permission,
    domain::{EncounterClass, Extraction, OffsetUnit, Span},
    engine::Priority,
    pipeline::{NoteInput, check_text},
    service::{Service, actor},
    text::OffsetMap,
};

/// The event of texts that were extracted and not stored.
pub(super) const EXTRACTED: &str = "text.extracted";

/// A text to extract. Only `text` is required.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractRequest {
    /// Comes back as `note_id`.
    pub(super) id: Option<String>,
    /// The note.
    #[schema(min_length = 1)]
    text: String,
    /// Spans whose context is asked for, in the asked unit.
    #[serde(default)]
    spans: Vec<Span>,
    /// Chooses the edition of the codes.
    #[schema(value_type = Option<String>, format = Date)]
    service_date: Option<Date>,
    /// Chooses it before the date of service for an inpatient.
    #[schema(value_type = Option<String>, format = Date)]
    discharge_date: Option<Date>,
    /// Decides whether uncertain diagnoses may be reported.
    encounter_class: Option<EncounterClass>,
    /// Kind of note; not used yet by the extraction.
    #[serde(rename = "note_type")]
    _note_type: Option<String>,
    /// Unit of all offsets.
    #[serde(default)]
    offset_unit: OffsetUnit,
}

/// Extracts a text and stores nothing. The call is recorded, without the text.
#[utoipa::path(post, path = "/v1/extract", tag = "extract", request_body = ExtractRequest, responses(
    (status = 200, body = Extraction),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn extract(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Body(request): Body<ExtractRequest>,
) -> Result<Json<Extraction>, ApiError> {
    let user = caller.may(Permission::Extract)?;
    service.record_counted(actor(user), EXTRACTED, "1 text".to_owned()).await?;
    Ok(Json(extract_one(&service, request, Priority::Interactive, user.id).await?))
}

/// The extraction of one request, in the unit it asks for.
pub(super) async fn extract_one(
    service: &Service,
    request: ExtractRequest,
    priority: Priority,
    client: Uuid,
) -> Result<Extraction, ApiError> {
    check_text(&request.text, service.max_note_bytes)?;
    let map = OffsetMap::new(&request.text, request.offset_unit);
    let Some(spans) = request.spans.iter().map(|span| map.to_bytes(*span)).collect::<Option<Vec<Span>>>() else {
        let detail = "a span of \"spans\" is empty, lies outside the text or cuts a character";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_span", detail));
    };
    let input = NoteInput {
        note_id: request.id.unwrap_or_else(|| service.surroundings.new_id().to_string()),
        text: request.text,
        spans,
        service_date: request.service_date,
        discharge_date: request.discharge_date,
        encounter_class: request.encounter_class,
    };
    let extraction = service.engine.extract(input, priority, client).await?;
    Ok(extraction.map_offsets(request.offset_unit, |byte| map.from_byte(byte)))
}
