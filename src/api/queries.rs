//! `/v1/review/items/{id}/queries`, `/v1/review/queries` and `/v1/review/query-templates`: asking providers what the record leaves open.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Body, Id},
    error::changed,
};
use crate::{
    auth::Permission,
    coding::queries::{QueryProblem, QueryTemplate},
    domain::{
        ClinicalIndicator, OptionKind, Query, QueryAct, QueryAnswer, QueryEffect, QueryKind, QueryOption, QueryState, Role,
    },
    service::{QueryDraft, QueryError, Service},
};

/// An answer that a provider can choose.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionBody {
    /// What choosing it means: every query has one of the kind `other` and one of the kind `undetermined`.
    kind: OptionKind,
    /// Its words.
    label: String,
}

/// Words of a note.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndicatorBody {
    /// The note that they stand in.
    note_id: Uuid,
    /// The words, as the note has them.
    text: String,
}

/// A query to be drafted. What is left out is the template's, filled in with the words of the entry.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// Key of the template.
    template: String,
    /// The entry that it is about; left out for the encounter.
    #[serde(default)]
    entry_id: Option<Uuid>,
    /// The title. It names no diagnosis that the notes do not say of the patient.
    #[serde(default)]
    title: Option<String>,
    /// The question. It does not lead to one answer.
    #[serde(default)]
    question: Option<String>,
    /// The answers to choose from.
    #[serde(default)]
    options: Option<Vec<OptionBody>>,
    /// The words of the record that make the question arise; those that the entry rests on when left out.
    #[serde(default)]
    indicators: Option<Vec<IndicatorBody>>,
}

/// A draft written anew. What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevisionRequest {
    /// The title.
    #[serde(default)]
    title: Option<String>,
    /// The question.
    #[serde(default)]
    question: Option<String>,
    /// The answers to choose from.
    #[serde(default)]
    options: Option<Vec<OptionBody>>,
    /// The words of the record that make the question arise.
    #[serde(default)]
    indicators: Option<Vec<IndicatorBody>>,
}

/// What the provider answered.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// Place of the chosen option, from 0; left out for words alone.
    #[serde(default)]
    #[schema(format = Int64, maximum = 4_294_967_295_u32)]
    option: Option<usize>,
    /// The provider's own words; needed for the option of the kind `other`, and without an option.
    #[serde(default)]
    text: Option<String>,
    /// Who answered.
    provider: String,
}

/// Why it is not asked any more.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// Free words.
    #[serde(default)]
    comment: Option<String>,
}

/// What the answer led to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// What was done.
    effect: QueryEffect,
    /// Free words.
    #[serde(default)]
    comment: Option<String>,
}

/// What was done with a query.
#[derive(Serialize, ToSchema)]
pub struct QueryEventBody {
    /// The state that it led to.
    state: QueryState,
    /// Login name.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Free words.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// A query to a provider.
#[derive(Serialize, ToSchema)]
pub struct QueryBody {
    id: Uuid,
    item_id: Uuid,
    /// The entry that it is about; null for the encounter.
    entry_id: Option<Uuid>,
    template: String,
    kind: QueryKind,
    state: QueryState,
    title: String,
    question: String,
    options: Vec<OptionBody>,
    indicators: Vec<IndicatorBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerBody>,
    /// What the answer led to, when it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<QueryEffect>,
    /// What was done with it, oldest first; the draft is the first.
    events: Vec<QueryEventBody>,
}

/// The queries of an item, oldest first.
#[derive(Serialize, ToSchema)]
pub struct QueryList {
    queries: Vec<QueryBody>,
}

/// A query after a change.
#[derive(Serialize, ToSchema)]
pub struct QueryChanged {
    id: Uuid,
    state: QueryState,
}

/// A template.
#[derive(Serialize, ToSchema)]
pub struct TemplateBody {
    key: String,
    kind: QueryKind,
    /// `{condition}` stands for the words of the entry that a query is about.
    title: String,
    question: String,
    /// The choices; the options of the kinds `other` and `undetermined` are added to every query.
    choices: Vec<String>,
    /// Beginnings of the ICD-10-CM codes that it is for; empty = any.
    codes: Vec<String>,
}

/// All templates.
#[derive(Serialize, ToSchema)]
pub struct TemplateList {
    templates: Vec<TemplateBody>,
}

impl From<&QueryTemplate> for TemplateBody {
    fn from(template: &QueryTemplate) -> Self {
        let QueryTemplate { key, kind, codes, title, question, choices } = template.clone();
        Self { key, kind, title, question, choices, codes }
    }
}

impl From<Query> for QueryBody {
    fn from(query: Query) -> Self {
        let state = query.state();
        let answer = query.answer().map(|(answer, _)| {
            let QueryAnswer { option, text, provider } = answer.clone();
            AnswerBody { option, text, provider: provider.unwrap_or_default() }
        });
        let (mut effect, mut events) = (
            None,
            vec![QueryEventBody { state: QueryState::Draft, by: query.drafted_by.1, at: query.drafted_at, comment: None }],
        );
        for event in query.events {
            let state = event.act.leads_to();
            let comment = match event.act {
                QueryAct::Close { effect: done, comment } => {
                    effect = Some(done);
                    comment
                }
                QueryAct::Withdraw { comment } => comment,
                QueryAct::Revise(_) | QueryAct::Send {} | QueryAct::Answer(_) => None,
            };
            events.push(QueryEventBody { state, by: event.by.1, at: event.at, comment });
        }
        let content = query.content;
        let option = |option: QueryOption| OptionBody { kind: option.kind, label: option.label };
        let indicator = |one: ClinicalIndicator| IndicatorBody { note_id: one.note_id, text: one.text };
        Self {
            id: query.id,
            item_id: query.item_id,
            entry_id: content.entry_id,
            template: content.template,
            kind: content.kind,
            state,
            title: content.title,
            question: content.question,
            options: content.options.into_iter().map(option).collect(),
            indicators: content.indicators.into_iter().map(indicator).collect(),
            answer,
            effect,
            events,
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let unprocessable = |code, detail| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match error {
            QueryError::MissingItem => Self::missing("item"),
            QueryError::MissingQuery => Self::missing("query"),
            QueryError::UnknownTemplate => unprocessable("unknown_template", error.to_string()),
            QueryError::UnknownEntry => Self::new(StatusCode::NOT_FOUND, "unknown_entry", error.to_string()),
            QueryError::NotCompliant(ref problems) => {
                let code = problems.first().copied().map_or("query_incomplete", QueryProblem::code);
                unprocessable(code, error.to_string())
            }
            QueryError::Item(change) => changed(change).err().unwrap_or_else(Self::internal),
            QueryError::NotAllowed(_) => Self::new(StatusCode::CONFLICT, "query_state", error.to_string()),
            QueryError::InvalidAct(detail) => unprocessable("invalid_answer", detail.to_owned()),
            QueryError::Store(error) => error.into(),
        }
    }
}

/// The templates that queries are drafted from.
#[utoipa::path(get, path = "/v1/review/query-templates", tag = "review", responses(
    (status = 200, body = TemplateList),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_query_templates(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<TemplateList>, ApiError> {
    caller.may(Permission::AskProvider)?;
    Ok(Json(TemplateList { templates: service.query_templates().await?.iter().map(TemplateBody::from).collect() }))
}

/// The queries of an item. A submitter sees those that were sent and quote notes of its own source alone.
#[utoipa::path(get, path = "/v1/review/items/{id}/queries", tag = "review", params(("id" = Uuid, Path)), responses(
    (status = 200, body = QueryList),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_queries(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<QueryList>, ApiError> {
    let read = if caller.user.role == Role::Submitter { Permission::ReadOwnNote } else { Permission::ListItems };
    let user = caller.may(read)?;
    let queries = service.queries(user, id).await?.into_iter().map(QueryBody::from).collect();
    Ok(Json(QueryList { queries }))
}

/// Drafts a query about a claimed item, from a template. A draft that is not compliant is refused with all that is wrong with it.
#[utoipa::path(post, path = "/v1/review/items/{id}/queries", tag = "review", params(("id" = Uuid, Path)), request_body = QueryRequest, responses(
    (status = 201, body = QueryBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn draft_query(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<QueryRequest>,
) -> Result<(StatusCode, Json<QueryBody>), ApiError> {
    let user = caller.may(Permission::AskProvider)?;
    let draft = QueryDraft {
        template: request.template,
        entry_id: request.entry_id,
        title: request.title,
        question: request.question,
        options: request.options.map(options_of),
        indicators: request.indicators.map(indicators_of),
    };
    let query = service.draft_query(user, id, draft).await?;
    Ok((StatusCode::CREATED, Json(query.into())))
}

fn options_of(options: Vec<OptionBody>) -> Vec<QueryOption> {
    options.into_iter().map(|one| QueryOption { kind: one.kind, label: one.label }).collect()
}

fn indicators_of(indicators: Vec<IndicatorBody>) -> Vec<ClinicalIndicator> {
    indicators.into_iter().map(|one| ClinicalIndicator { note_id: one.note_id, text: one.text }).collect()
}

/// Writes a draft anew, before it is sent. What it said before stays in the record.
#[utoipa::path(post, path = "/v1/review/queries/{id}/revise", tag = "review", params(("id" = Uuid, Path)), request_body = RevisionRequest, responses(
    (status = 200, body = QueryBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn revise_query(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<RevisionRequest>,
) -> Result<Json<QueryBody>, ApiError> {
    let user = caller.may(Permission::AskProvider)?;
    let RevisionRequest { title, question, options, indicators } = request;
    let (options, indicators) = (options.map(options_of), indicators.map(indicators_of));
    let draft = QueryDraft { title, question, options, indicators, ..QueryDraft::default() };
    Ok(Json(service.revise_query(user, id, draft).await?.into()))
}

async fn act(service: &Service, caller: &Caller, id: Uuid, act: QueryAct) -> Result<Json<QueryChanged>, ApiError> {
    let needed = match act {
        QueryAct::Answer(_) => Permission::AnswerQuery,
        QueryAct::Revise(_) | QueryAct::Send {} | QueryAct::Close { .. } | QueryAct::Withdraw { .. } => Permission::AskProvider,
    };
    let query = service.act_on_query(caller.may(needed)?, id, act).await?;
    Ok(Json(QueryChanged { id, state: query.state() }))
}

/// Sends a draft to the provider: destinations hear of it, and it can be answered.
#[utoipa::path(post, path = "/v1/review/queries/{id}/send", tag = "review", params(("id" = Uuid, Path)), responses(
    (status = 200, body = QueryChanged),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn send_query(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<QueryChanged>, ApiError> {
    act(&service, &caller, id, QueryAct::Send {}).await
}

/// Takes back a query that nobody answered; it stays to be read.
#[utoipa::path(post, path = "/v1/review/queries/{id}/withdraw", tag = "review", params(("id" = Uuid, Path)), request_body = WithdrawRequest, responses(
    (status = 200, body = QueryChanged),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn withdraw_query(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<WithdrawRequest>,
) -> Result<Json<QueryChanged>, ApiError> {
    act(&service, &caller, id, QueryAct::Withdraw { comment: request.comment }).await
}

/// Records the provider's answer: by a coder, or by a submitter whose source sent a note of the encounter. No claim is needed.
#[utoipa::path(post, path = "/v1/review/queries/{id}/answer", tag = "review", params(("id" = Uuid, Path)), request_body = AnswerBody, responses(
    (status = 200, body = QueryChanged),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn answer_query(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(AnswerBody { option, text, provider }): Body<AnswerBody>,
) -> Result<Json<QueryChanged>, ApiError> {
    act(&service, &caller, id, QueryAct::Answer(QueryAnswer { option, text, provider: Some(provider) })).await
}

/// Closes an answered query, saying what the answer led to.
#[utoipa::path(post, path = "/v1/review/queries/{id}/close", tag = "review", params(("id" = Uuid, Path)), request_body = CloseRequest, responses(
    (status = 200, body = QueryChanged),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn close_query(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Id(id): Id,
    Body(CloseRequest { effect, comment }): Body<CloseRequest>,
) -> Result<Json<QueryChanged>, ApiError> {
    act(&service, &caller, id, QueryAct::Close { effect, comment }).await
}
