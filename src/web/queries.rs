//! The queries of an item: what was asked, where it stands, and the forms that move it on.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    notice::Notice,
    query_draft, query_print,
    session::{Posted, Session},
    shell::missing,
    words,
};
use crate::{
    auth::Permission,
    domain::{ItemState, Query, QueryAct, QueryAnswer, QueryContent, QueryEffect, QueryKind, QueryState, ReviewEntry},
    service::{QueryError, QueueItem, Service},
    store::{ItemRecord, StoreError},
};

/// The queries of an item.
#[derive(Debug, Clone, Default)]
pub(super) struct QueriesView {
    /// Whether the user may draft one: the user holds the item.
    pub can_ask: bool,
    /// Those in use, then those that ended, each oldest first.
    pub list: Vec<QueryView>,
    /// Entries to ask about, with their names.
    pub about: Vec<(Uuid, String)>,
}

impl QueriesView {
    /// What a coder should know before finishing: queries without an answer, and answers that nobody used.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &QueryView> {
        self.list.iter().filter(|query| matches!(query.state, "sent" | "answered"))
    }
}

/// A query.
#[derive(Debug, Clone, Default)]
pub(super) struct QueryView {
    /// Its id.
    pub id: Uuid,
    /// Where it stands.
    pub state: &'static str,
    /// The same in words.
    pub state_text: &'static str,
    /// Why it is asked.
    pub kind: &'static str,
    /// The entry that it is about, as far as the item has it.
    pub about: String,
    /// Its title.
    pub title: String,
    /// The question.
    pub question: String,
    /// Quoted words, and the note that they stand in.
    pub indicators: Vec<(String, String)>,
    /// Words of the options.
    pub options: Vec<String>,
    /// The answer in words, and by whom.
    pub answer: Option<(String, String)>,
    /// What was done with it, oldest first.
    pub events: Vec<String>,
    /// Whether it can be sent.
    pub can_send: bool,
    /// Whether it can be withdrawn.
    pub can_withdraw: bool,
    /// Whether an answer can be recorded.
    pub can_answer: bool,
    /// What an answer can have led to; empty when it cannot be closed.
    pub effects: Vec<(&'static str, &'static str)>,
}

/// The routes of queries.
pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/items/{id}/queries/new", post(query_draft::new))
        .route("/items/{id}/queries", post(query_draft::save))
        .route("/queries/{id}/revise", get(query_draft::edit).post(query_draft::revise))
        .route("/queries/{id}/send", post(send))
        .route("/queries/{id}/withdraw", post(withdraw))
        .route("/queries/{id}/answer", post(answer))
        .route("/queries/{id}/close", post(close))
        .route("/queries/{id}/print", get(query_print::show))
}

/// The section of an item's page. Showing them is recorded.
pub(super) async fn section(service: &Service, session: &Session, item: &QueueItem) -> Result<QueriesView, StoreError> {
    let queries = service.queries_of(&session.user, &item.record).await?;
    Ok(view(item, &queries, (session.user.id, &service.time_zone)))
}

/// The queries of an item, for the user of this id.
pub(super) fn view(item: &QueueItem, queries: &[Query], (user, zone): (Uuid, &TimeZone)) -> QueriesView {
    let review = &item.record.item;
    let can_ask = review.state == ItemState::Claimed && review.claimed_by.as_ref().is_some_and(|(holder, _)| *holder == user);
    let mut list: Vec<QueryView> = queries.iter().map(|query| query_view(&item.record, &item.entries, (query, zone))).collect();
    list.sort_by_key(|query| matches!(query.state, "closed" | "withdrawn"));
    let about = if can_ask { item.entries.iter().map(|entry| (entry.id, entry.display.clone())).collect() } else { Vec::new() };
    QueriesView { can_ask, list, about }
}

fn query_view(record: &ItemRecord, entries: &[ReviewEntry], (query, zone): (&Query, &TimeZone)) -> QueryView {
    let QueryContent { kind, entry_id, title, question, options, indicators, .. } = &query.content;
    let state = query.state();
    let entry = entry_id.and_then(|id| entries.iter().find(|entry| entry.id == id));
    QueryView {
        id: query.id,
        state: state.as_str(),
        state_text: words::query_state(state),
        kind: kind_words(*kind),
        about: match (entry_id, entry) {
            (None, _) => text!("query-about-encounter").to_owned(),
            (Some(_), Some(entry)) => entry.display.clone(),
            (Some(_), None) => text!("query-about-gone").to_owned(),
        },
        title: title.clone(),
        question: question.clone(),
        indicators: indicators.iter().map(|one| (one.text.clone(), note_label(record, one.note_id))).collect(),
        options: options.iter().map(|option| option.label.clone()).collect(),
        answer: query.answer().map(|(answer, _)| answer_words(&query.content, answer)),
        events: events(query, zone),
        can_send: state == QueryState::Draft,
        can_withdraw: matches!(state, QueryState::Draft | QueryState::Sent),
        can_answer: state == QueryState::Sent,
        effects: if state == QueryState::Answered {
            QueryEffect::ALL.map(|effect| (effect.as_str(), effect_words(effect))).into()
        } else {
            Vec::new()
        },
    }
}

/// "note 2 (progress note), 2026-03-04, Dr. A".
pub(super) fn note_label(record: &ItemRecord, note: Uuid) -> String {
    let Some((at, (note, _))) = record.notes.iter().enumerate().find(|(_, (one, _))| one.id == note) else {
        return text!("query-note-gone").to_owned();
    };
    let kind = note.content.note_type.as_deref().map(|kind| format!(" ({})", super::words::spaced(kind)));
    let date = note.content.service_date.map(|date| format!(", {date}"));
    let author = note.content.author.as_deref().map(|author| format!(", {author}"));
    [Some(words::note(at)), kind, date, author].into_iter().flatten().collect()
}

fn answer_words(content: &QueryContent, answer: &QueryAnswer) -> (String, String) {
    let chosen = answer.option.and_then(|at| content.options.get(at)).map(|option| option.label.as_str());
    let words = [chosen, answer.text.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    (words, answer.provider.clone().unwrap_or_default())
}

fn events(query: &Query, zone: &TimeZone) -> Vec<String> {
    let stamp = |at: Timestamp| words::moment(at, zone);
    let drafted = format!("{} · {} · {}", text!("query-drafted"), query.drafted_by.1, stamp(query.drafted_at));
    let acts = query.events.iter().map(|event| {
        let with_comment = |done: String, comment: Option<&str>| match comment {
            Some(comment) => text!("decision-comment", decision = done, comment = comment),
            None => done,
        };
        let said = match &event.act {
            QueryAct::Revise(_) => text!("query-revised").to_owned(),
            QueryAct::Send {} => text!("query-sent").to_owned(),
            QueryAct::Answer(_) => text!("query-answer-recorded").to_owned(),
            QueryAct::Close { effect, comment } => {
                with_comment(text!("query-closed", effect = effect_words(*effect)), comment.as_deref())
            }
            QueryAct::Withdraw { comment } => with_comment(text!("query-withdrawn").to_owned(), comment.as_deref()),
        };
        format!("{said} · {} · {}", event.by.1, stamp(event.at))
    });
    std::iter::once(drafted).chain(acts).collect()
}

/// Why it is asked, for people.
pub(super) fn kind_words(kind: QueryKind) -> &'static str {
    match kind {
        QueryKind::ConflictingDocumentation => text!("query-kind-conflicting"),
        QueryKind::Specificity => text!("query-kind-specificity"),
        QueryKind::ClinicalSignificance => text!("query-kind-significance"),
        QueryKind::CauseAndEffect => text!("query-kind-cause"),
        QueryKind::PresentOnAdmission => text!("query-kind-present"),
        QueryKind::ClinicalValidation => text!("query-kind-validation"),
        QueryKind::RuledOutOrConfirmed => text!("query-kind-ruled-out"),
    }
}

/// What an answer led to, in words.
pub(super) fn effect_words(effect: QueryEffect) -> &'static str {
    match effect {
        QueryEffect::EntryAccepted => text!("query-effect-accepted"),
        QueryEffect::EntryAmended => text!("query-effect-amended"),
        QueryEffect::EntryRejected => text!("query-effect-rejected"),
        QueryEffect::EntryAdded => text!("query-effect-added"),
        QueryEffect::NoChange => text!("query-effect-none"),
    }
}

/// The sentence of an address's `notice` or `problem` about queries.
pub(super) fn said(notice: Option<&str>, problem: Option<&str>) -> Option<Notice> {
    let problems = match problem {
        Some("query_state") => Some(text!("problem-query-state")),
        Some("query_answer") => Some(text!("problem-query-answer")),
        Some("query_record_changed") => Some(text!("problem-query-record-changed")),
        _ => None,
    };
    let notices = match notice {
        Some("query_revised") => Some(text!("notice-query-revised")),
        Some("query_drafted") => Some(text!("notice-query-drafted")),
        Some("query_sent") => Some(text!("notice-query-sent")),
        Some("query_withdrawn") => Some(text!("notice-query-withdrawn")),
        Some("query_answered") => Some(text!("notice-query-answered")),
        Some("query_closed") => Some(text!("notice-query-closed")),
        _ => None,
    };
    let of = |text: &'static str, is_problem| Notice { is_problem, text: Cow::Borrowed(text) };
    problems.map(|text| of(text, true)).or_else(|| notices.map(|text| of(text, false)))
}

/// The form that sends a draft: it has no fields.
#[derive(Deserialize)]
pub(super) struct SendForm {}

/// The form of an answer.
#[derive(Deserialize)]
pub(super) struct AnswerForm {
    /// Place of an option; empty = words alone.
    #[serde(default)]
    option: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    provider: String,
}

/// The form that closes a query.
#[derive(Deserialize)]
pub(super) struct CloseForm {
    #[serde(default)]
    effect: String,
    #[serde(default)]
    comment: String,
}

/// The form that withdraws one.
#[derive(Deserialize)]
pub(super) struct WithdrawForm {
    #[serde(default)]
    comment: String,
}

/// `POST /queries/{id}/send`
async fn send(State(service): State<Arc<Service>>, Path(id): Path<Uuid>, Posted { session, .. }: Posted<SendForm>) -> Answer {
    act(&service, &session, id, QueryAct::Send {}).await
}

/// `POST /queries/{id}/withdraw`
async fn withdraw(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<WithdrawForm>,
) -> Answer {
    act(&service, &session, id, QueryAct::Withdraw { comment: filled(&form.comment) }).await
}

/// `POST /queries/{id}/answer`
async fn answer(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<AnswerForm>,
) -> Answer {
    let answer = QueryAnswer { option: form.option.parse().ok(), text: filled(&form.text), provider: filled(&form.provider) };
    act(&service, &session, id, QueryAct::Answer(answer)).await
}

/// `POST /queries/{id}/close`
async fn close(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<CloseForm>,
) -> Answer {
    let Ok(effect) = form.effect.parse() else { return back(&service, &session, id, "reason_missing").await };
    act(&service, &session, id, QueryAct::Close { effect, comment: filled(&form.comment) }).await
}

async fn act(service: &Service, session: &Session, id: Uuid, act: QueryAct) -> Answer {
    let user = session.may(Permission::AskProvider)?;
    let notice = act.leads_to().as_str();
    let problem = match service.act_on_query(user, id, act).await {
        Ok(query) => return Ok(to(query.item_id, &format!("notice=query_{notice}"), id)),
        Err(QueryError::Store(error)) => return Err(error.into()),
        Err(QueryError::MissingItem | QueryError::MissingQuery) => return Err(missing(session)),
        Err(QueryError::NotAllowed(_)) => "query_state",
        Err(QueryError::InvalidAct(_)) => "query_answer",
        Err(QueryError::NotCompliant(_) | QueryError::UnknownTemplate | QueryError::UnknownEntry) => "query_record_changed",
        Err(QueryError::Item(_)) => "not_held",
    };
    back(service, session, id, problem).await
}

/// Back to the page of the query's item with what was wrong; for who may see the item.
async fn back(service: &Service, session: &Session, id: Uuid, problem: &str) -> Answer {
    let user = session.may(Permission::AskProvider)?;
    let query = service.store.query(id).await?.ok_or_else(|| missing(session))?;
    service.open_item(user, query.item_id).await?.ok_or_else(|| missing(session))?;
    Ok(to(query.item_id, &format!("problem={problem}"), id))
}

/// The way to a query on the page of its item.
pub(super) fn to(item: Uuid, said: &str, query: Uuid) -> axum::response::Response {
    Redirect::to(&format!("/items/{item}?{said}#q-{query}")).into_response()
}

fn filled(words: &str) -> Option<String> {
    let words = words.trim();
    (!words.is_empty()).then(|| words.to_owned())
}
