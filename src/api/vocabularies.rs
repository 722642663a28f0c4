//! `/v1/vocabularies`: what is loaded, with releases and licences; other tables without a restart, and the way back.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiError, Caller, ProblemBody, body::Body};
use crate::{
    auth::Permission,
    pipeline::{Pipeline, Vectors},
    service::{ReloadError, ReloadReport, Service},
};

/// An edition of the diagnosis codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct EditionBody {
    /// Its name.
    name: String,
    /// First day of service on which its codes hold.
    #[schema(value_type = String, format = Date)]
    first_day: jiff::civil::Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    last_day: jiff::civil::Date,
    /// Billable codes.
    billable_codes: usize,
}

/// A source of what is loaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceBody {
    /// What it is called.
    title: String,
    /// Release.
    release: String,
    /// Under which licence it may be used.
    licence: String,
    /// Who must be named.
    attribution: String,
    /// The tables that hold something of it.
    tables: Vec<String>,
}

/// Diagnosis terms of a source.
#[derive(Debug, Serialize, ToSchema)]
pub struct TermCount {
    /// The source.
    source: String,
    /// How many.
    terms: usize,
}

/// Whether codes are found by meaning.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarityBody {
    /// `ready`, `making` (codes are found without it until then) or `off` (not asked for, or making them failed: the log says why).
    state: &'static str,
    /// Terms whose vectors are made.
    terms_done: usize,
    /// Terms in all.
    terms: usize,
}

/// What is loaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct VocabulariesBody {
    /// Checksum over all tables, as `engine.vocabulary` of an extraction.
    checksum: String,
    /// Editions, the newest first.
    editions: Vec<EditionBody>,
    /// Paths of the Alphabetic Index.
    index_paths: usize,
    /// Diagnosis terms by source.
    terms: Vec<TermCount>,
    /// Sources with release, licence and attribution.
    sources: Vec<SourceBody>,
    /// Tables of interest that are not loaded.
    not_loaded: Vec<&'static str>,
    /// Codes by meaning.
    similarity: SimilarityBody,
    /// Whether there are earlier tables to go back to.
    can_roll_back: bool,
}

/// How to reload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReloadRequest {
    /// Only say what would change.
    #[serde(default)]
    only_report: bool,
}

/// Suggestions whose first code is another with the other tables.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeChangeBody {
    /// First code before; null where no code was determined.
    from: Option<String>,
    /// First code after.
    to: Option<String>,
    /// How many suggestions of items that are not finished.
    suggestions: usize,
    /// The items that they stand in; without restricted ones for a user who may not see these.
    items: Vec<uuid::Uuid>,
}

/// What came of a reload, or would come of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReloadBody {
    /// Checksum of the tables before.
    before: String,
    /// Checksum of the tables that were read.
    checksum: String,
    /// Whether they are in use now; also true when they were so before, and nothing was to be done.
    active: bool,
    /// Items that are not finished and were looked at, at most 1,000.
    items: usize,
    /// Whether there are more.
    more_items: bool,
    /// Suggested diagnoses looked at.
    suggestions: usize,
    /// Which would get another first code, most frequent first. Stored suggestions stay as they are.
    changes: Vec<CodeChangeBody>,
    /// Notes of which the changes could not be told, because coding them anew failed.
    failed_notes: Vec<uuid::Uuid>,
    /// Whether codes of like meaning took part before and cannot yet with these tables, so that some changes come of that alone.
    without_meaning: bool,
}

/// The tables in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct InUseBody {
    /// Their checksum.
    checksum: String,
}

impl From<ReloadError> for ApiError {
    fn from(error: ReloadError) -> Self {
        let conflict = |code, error: &ReloadError| Self::new(StatusCode::CONFLICT, code, error.to_string());
        match error {
            ReloadError::NoFolder => conflict("no_vocabulary_folder", &error),
            ReloadError::Running => conflict("reload_running", &error),
            ReloadError::NotTried => conflict("not_tried", &error),
            ReloadError::NothingBefore => conflict("nothing_to_roll_back", &error),
            ReloadError::Unusable(message) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unusable_vocabularies", message),
            ReloadError::Store(error) => error.into(),
        }
    }
}

/// What is loaded.
pub(super) fn loaded(pipeline: &Pipeline, can_roll_back: bool) -> VocabulariesBody {
    let vocabulary = pipeline.vocabulary();
    let editions = vocabulary.editions.all().map(|edition| EditionBody {
        name: edition.name.clone(),
        first_day: edition.first_day,
        last_day: edition.last_day,
        billable_codes: edition.codes.all().iter().filter(|code| code.billable).count(),
    });
    let sources = vocabulary.sources().iter().map(|source| SourceBody {
        title: source.title.clone(),
        release: source.release.clone(),
        licence: source.licence.clone(),
        attribution: source.attribution.clone(),
        tables: source.tables.split('|').map(str::to_owned).collect(),
    });
    let similarity = match pipeline.vectors_state() {
        Vectors::None => SimilarityBody { state: "off", terms_done: 0, terms: 0 },
        Vectors::Making { done, all } => SimilarityBody { state: "making", terms_done: done, terms: all },
        Vectors::Ready(vectors) => SimilarityBody { state: "ready", terms_done: vectors.len(), terms: vectors.len() },
    };
    let terms = vocabulary.term_sources();
    VocabulariesBody {
        checksum: vocabulary.checksum.clone(),
        editions: editions.collect(),
        index_paths: vocabulary.index.entries().len(),
        terms: terms.into_iter().map(|(source, terms)| TermCount { source: source.to_owned(), terms }).collect(),
        sources: sources.collect(),
        not_loaded: vocabulary.not_loaded().to_vec(),
        similarity,
        can_roll_back,
    }
}

/// What is loaded: editions, terms, sources with release, licence and attribution, and what is not loaded.
#[utoipa::path(get, path = "/v1/vocabularies", tag = "vocabularies", responses(
    (status = 200, body = VocabulariesBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_vocabularies(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<VocabulariesBody>, ApiError> {
    caller.may(Permission::ReadVocabularies)?;
    Ok(Json(loaded(&service.engine.pipeline(), service.vocabularies.can_roll_back())))
}

/// Reads the folder of tables anew and uses them from the next note on; no request fails meanwhile. Says which open suggestions would get
/// another code.
#[utoipa::path(post, path = "/v1/vocabularies/reload", tag = "vocabularies", request_body = ReloadRequest, responses(
    (status = 200, body = ReloadBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn reload(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Body(request): Body<ReloadRequest>,
) -> Result<Json<ReloadBody>, ApiError> {
    caller.may(Permission::ManageVocabularies)?;
    let ReloadReport { before, checksum, active, items, more_items, suggestions, changes, failed_notes, without_meaning } =
        service.reload_vocabularies(&caller.user, request.only_report).await?;
    let changes = changes
        .into_iter()
        .map(|change| CodeChangeBody { from: change.from, to: change.to, suggestions: change.suggestions, items: change.items })
        .collect();
    Ok(Json(ReloadBody { before, checksum, active, items, more_items, suggestions, changes, failed_notes, without_meaning }))
}

/// Goes back to the tables before the last reload.
#[utoipa::path(post, path = "/v1/vocabularies/rollback", tag = "vocabularies", responses(
    (status = 200, body = InUseBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn roll_back(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<InUseBody>, ApiError> {
    caller.may(Permission::ManageVocabularies)?;
    Ok(Json(InUseBody { checksum: service.roll_back_vocabularies(&caller.user).await? }))
}
