//! `/v1/codes`: the code book, by words and by code.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ApiError, Caller, ProblemBody,
    body::{Parameters, Word},
};
use crate::{
    auth::Permission,
    domain::system,
    service::Service,
    vocabulary::{Code, Vocabulary},
};

/// Most codes of one answer.
const MOST: usize = 100;
/// Longest query, in bytes.
const LONGEST: usize = 200;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodeParameters {
    /// Words ("sugar diabetes", "fx hip"), or a code or its beginning ("E11", "e112").
    query: String,
    /// At most so many codes, 1 to 100; 20 when left out.
    limit: Option<usize>,
}

/// A code of the book.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeBody {
    /// Code system URI.
    system: &'static str,
    /// The code.
    code: String,
    /// Its title.
    title: String,
    /// Whether it may stand on a claim.
    billable: bool,
    /// CMS hierarchical condition category, version 24; null when it is in none.
    hcc_v24: Option<String>,
    /// The same of version 28.
    hcc_v28: Option<String>,
}

/// A code that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundCode {
    /// The code.
    #[serde(flatten)]
    code: CodeBody,
    /// The words that found it: its title, an inclusion term or a name of the vocabulary.
    matched: String,
}

/// Codes that were found, best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodePage {
    /// Edition of the codes.
    edition: String,
    /// The codes.
    codes: Vec<FoundCode>,
}

/// A note of the tabular list.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteBody {
    /// `inclusion`, `includes`, `excludes1`, `excludes2`, `code_first`, `use_additional_code`, `code_also`, `seventh_character` or `note`.
    kind: &'static str,
    /// Its words.
    text: String,
    /// The code it stands at: this one, or one above it.
    at: String,
}

/// A code with its place in the hierarchy and its notes.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeDetail {
    /// Edition of the codes.
    edition: String,
    /// The code.
    #[serde(flatten)]
    code: CodeBody,
    /// The codes above it, highest first.
    parents: Vec<CodeBody>,
    /// The codes directly below it.
    children: Vec<CodeBody>,
    /// Its notes and those of the codes, blocks and chapters above it, which hold for it too.
    notes: Vec<NoteBody>,
    /// Paths of the Alphabetic Index that lead to it: main term and the words below it, joined by " > ".
    index: Vec<String>,
}

fn body(vocabulary: &Vocabulary, code: &Code) -> CodeBody {
    let (v24, v28) = vocabulary.notes().categories(&code.code).unwrap_or_default();
    let given = |category: &str| (!category.is_empty()).then(|| category.to_owned());
    CodeBody {
        system: system::ICD10CM,
        code: code.code.clone(),
        title: code.title.clone(),
        billable: code.billable,
        hcc_v24: given(v24),
        hcc_v28: given(v28),
    }
}

/// Codes by words, synonyms, abbreviations or the beginning of a code.
#[utoipa::path(get, path = "/v1/codes", tag = "codes", params(CodeParameters), responses(
    (status = 200, body = CodePage),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn find_codes(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<CodeParameters>,
) -> Result<Json<CodePage>, ApiError> {
    caller.may(Permission::ListItems)?;
    if parameters.query.len() > LONGEST {
        let detail = format!("query is longer than {LONGEST} bytes");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail));
    }
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let limit = parameters.limit.unwrap_or(20).clamp(1, MOST);
    let found = vocabulary.find_codes(&parameters.query, limit);
    let codes = found.into_iter().map(|hit| FoundCode { code: body(vocabulary, hit.code), matched: hit.matched.to_owned() });
    Ok(Json(CodePage { edition: vocabulary.editions.newest().name.clone(), codes: codes.collect() }))
}

/// One code: its hierarchy, inclusion terms, excludes and instructions.
#[utoipa::path(get, path = "/v1/codes/{code}", tag = "codes", params(("code" = String, Path)), responses(
    (status = 200, body = CodeDetail),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn get_code(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Word(code): Word,
) -> Result<Json<CodeDetail>, ApiError> {
    caller.may(Permission::ListItems)?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let entry = vocabulary.code_entry(&code).ok_or_else(|| ApiError::missing("code"))?;
    Ok(Json(CodeDetail {
        edition: vocabulary.editions.newest().name.clone(),
        code: body(vocabulary, entry.code),
        parents: entry.parents.iter().map(|parent| body(vocabulary, parent)).collect(),
        children: entry.children.iter().map(|child| body(vocabulary, child)).collect(),
        notes: entry
            .notes
            .iter()
            .map(|note| NoteBody { kind: note.kind.as_str(), text: note.text.clone(), at: note.code.clone() })
            .collect(),
        index: entry.paths.iter().map(|path| path.path.clone()).collect(),
    }))
}
