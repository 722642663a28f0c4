//! Drafting a query: first its template, then the draft with the words of the record filled in.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    queries::{kind_words, note_label, to},
    session::{Posted, Session},
    shell::{Shell, missing, page},
};
use crate::{
    auth::Permission,
    coding::queries::{OPEN_OPTIONS, QueryTemplate},
    domain::{ClinicalIndicator, OptionKind, QueryAct, QueryContent, QueryKind, QueryOption, QueryState, ReviewEntry},
    service::{QueryDraft, QueryError, Service},
    store::{ItemChange, ItemRecord},
};

/// Empty fields for further choices, and for further quotations.
const SPARE: usize = 2;

/// Fields read of a form.
const FIELDS: usize = 20;

/// Templates of one kind.
#[derive(Debug, Clone, Default)]
pub(super) struct TemplateGroup {
    /// Why one asks with them.
    pub kind: &'static str,
    /// Key, title, and question.
    pub templates: Vec<(String, String, String)>,
}

/// Quoted words, to be edited.
#[derive(Debug, Clone, Default)]
pub(super) struct QuoteField {
    /// The words.
    pub text: String,
    /// The note that they stand in.
    pub note: Uuid,
}

/// The page on which a query is drafted.
#[derive(Template, Default)]
#[template(path = "query_draft.html")]
pub(super) struct DraftPage {
    /// The frame.
    pub shell: Shell,
    /// What is wrong with the draft.
    pub problems: Vec<String>,
    /// The item.
    pub id: Uuid,
    /// The draft that is written anew; none when there is none yet.
    pub query: Option<Uuid>,
    /// The entry that it is about.
    pub entry: Option<Uuid>,
    /// Its name, or the encounter.
    pub about: String,
    /// The templates to choose from; empty when one is chosen.
    pub groups: Vec<TemplateGroup>,
    /// Key of the chosen template.
    pub template: String,
    /// Why it is asked.
    pub kind: &'static str,
    /// Title.
    pub title: String,
    /// Question.
    pub question: String,
    /// The choices, and empty fields for more.
    pub choices: Vec<String>,
    /// What every query offers beside.
    pub open: [&'static str; 2],
    /// The quoted words, and empty fields for more.
    pub quotes: Vec<QuoteField>,
    /// Notes to quote.
    pub notes: Vec<(Uuid, String)>,
}

/// What a draft is asked for.
#[derive(Deserialize)]
pub(super) struct NewForm {
    /// The entry; empty = the encounter.
    #[serde(default)]
    entry: String,
    /// Key of a template; empty = not chosen yet.
    #[serde(default)]
    template: String,
}

/// A draft.
#[derive(Deserialize)]
pub(super) struct DraftForm {
    #[serde(default)]
    entry: String,
    #[serde(default)]
    template: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    question: String,
    /// `send` to send it at once.
    #[serde(default)]
    then: String,
    /// `choice_0`, `quote_0`, `quote_note_0` and so on.
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

impl DraftForm {
    fn draft(&self, entry_id: Option<Uuid>) -> QueryDraft {
        let field =
            |name: &str, at: usize| self.fields.get(&format!("{name}_{at}")).map(|value| value.trim()).unwrap_or_default();
        let choices = (0..FIELDS).map(|at| (OptionKind::Choice, field("choice", at))).filter(|(_, label)| !label.is_empty());
        let options = choices.chain(OPEN_OPTIONS).map(|(kind, label)| QueryOption { kind, label: label.to_owned() });
        let quotes = (0..FIELDS).filter(|at| !field("quote", *at).is_empty()).map(|at| ClinicalIndicator {
            note_id: field("quote_note", at).parse().unwrap_or_default(),
            text: field("quote", at).to_owned(),
        });
        QueryDraft {
            template: self.template.clone(),
            entry_id,
            title: Some(self.title.clone()),
            question: Some(self.question.clone()),
            options: Some(options.collect()),
            indicators: Some(quotes.collect()),
        }
    }
}

/// `POST /items/{id}/queries/new`: the templates, or the draft of the chosen one. By a form, since an address would tell which entry it is about.
pub(super) async fn new(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<NewForm>,
) -> Answer {
    let user = session.may(Permission::AskProvider)?;
    let (record, entries) = service.open_item(user, id).await?.ok_or_else(|| missing(&session))?;
    service.record(user, "item.read", ("item", id)).await?;
    let entry_id: Option<Uuid> = form.entry.parse().ok();
    let frame = frame(&session, &record, &entries, entry_id);
    if form.template.is_empty() {
        let templates = service.query_templates().await?;
        let entry = entries.iter().find(|entry| Some(entry.id) == entry_id);
        return Ok(page(StatusCode::OK, &DraftPage { groups: groups(&templates, entry), ..frame }));
    }
    let draft = QueryDraft { template: form.template, entry_id, ..QueryDraft::default() };
    match service.content_of(&record, &entries, draft).await {
        Ok(content) => Ok(page(StatusCode::OK, &draft_page(frame, content))),
        Err(_) => Err(missing(&session)),
    }
}

/// `POST /items/{id}/queries`: saves the draft, and sends it where that is asked; what is wrong with it is said beside what was typed.
pub(super) async fn save(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<DraftForm>,
) -> Answer {
    let user = session.may(Permission::AskProvider)?;
    let entry_id: Option<Uuid> = form.entry.parse().ok();
    let draft = || form.draft(entry_id);
    let problems = match service.draft_query(user, id, draft()).await {
        Ok(query) if form.then == "send" => {
            return match service.act_on_query(user, query.id, QueryAct::Send {}).await {
                Ok(_) => Ok(to(id, "notice=query_sent", query.id)),
                Err(QueryError::Store(error)) => Err(error.into()),
                Err(_) => Ok(to(id, "problem=query_record_changed", query.id)),
            };
        }
        Ok(query) => return Ok(to(id, "notice=query_drafted", query.id)),
        Err(QueryError::Store(error)) => return Err(error.into()),
        Err(QueryError::NotCompliant(problems)) => problems.iter().map(ToString::to_string).collect(),
        Err(QueryError::Item(change)) => vec![not_held(&change).to_owned()],
        Err(_) => return Err(missing(&session)),
    };
    let (record, entries) = service.open_item(user, id).await?.ok_or_else(|| missing(&session))?;
    service.record(user, "item.read", ("item", id)).await?;
    let frame = frame(&session, &record, &entries, entry_id);
    let Ok(content) = service.content_of(&record, &entries, draft()).await else { return Err(missing(&session)) };
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &DraftPage { problems, ..draft_page(frame, content) }))
}

/// `GET /queries/{id}/revise`: a draft, to be written anew.
pub(super) async fn edit(State(service): State<Arc<Service>>, session: Session, Path(id): Path<Uuid>) -> Answer {
    let user = session.may(Permission::AskProvider)?;
    let (query, record) = service.read_query(user, id).await?.ok_or_else(|| missing(&session))?;
    if query.state() != QueryState::Draft {
        return Ok(to(query.item_id, "problem=query_state", id));
    }
    let (_, entries) = service.open_item(user, query.item_id).await?.ok_or_else(|| missing(&session))?;
    let frame = frame(&session, &record, &entries, query.content.entry_id);
    Ok(page(StatusCode::OK, &draft_page(DraftPage { query: Some(id), ..frame }, query.content)))
}

/// `POST /queries/{id}/revise`: keeps the draft as it is now, and sends it where that is asked.
pub(super) async fn revise(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<DraftForm>,
) -> Answer {
    let user = session.may(Permission::AskProvider)?;
    let draft = form.draft(None);
    let (query, record) = service.read_query(user, id).await?.ok_or_else(|| missing(&session))?;
    let typed = QueryContent {
        title: form.title.clone(),
        question: form.question.clone(),
        options: draft.options.clone().unwrap_or_default(),
        indicators: draft.indicators.clone().unwrap_or_default(),
        ..query.content
    };
    let problems: Vec<String> = match service.revise_query(user, id, draft).await {
        Ok(query) if form.then == "send" => {
            return match service.act_on_query(user, id, QueryAct::Send {}).await {
                Ok(_) => Ok(to(query.item_id, "notice=query_sent", id)),
                Err(QueryError::Store(error)) => Err(error.into()),
                Err(_) => Ok(to(query.item_id, "problem=query_record_changed", id)),
            };
        }
        Ok(query) => return Ok(to(query.item_id, "notice=query_revised", id)),
        Err(QueryError::Store(error)) => return Err(error.into()),
        Err(QueryError::NotCompliant(problems)) => problems.iter().map(ToString::to_string).collect(),
        Err(QueryError::NotAllowed(_)) => return Ok(to(query.item_id, "problem=query_state", id)),
        Err(_) => return Err(missing(&session)),
    };
    let (_, entries) = service.open_item(user, query.item_id).await?.ok_or_else(|| missing(&session))?;
    let frame = DraftPage { query: Some(id), problems, ..frame(&session, &record, &entries, typed.entry_id) };
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &draft_page(frame, typed)))
}

fn not_held(change: &ItemChange) -> &'static str {
    match change {
        ItemChange::HeldBy { .. } => text!("draft-held"),
        ItemChange::Finished => text!("draft-finished"),
        _ => text!("draft-not-held"),
    }
}

/// The page without templates and draft.
fn frame(session: &Session, record: &ItemRecord, entries: &[ReviewEntry], entry_id: Option<Uuid>) -> DraftPage {
    let entry = entries.iter().find(|entry| Some(entry.id) == entry_id);
    DraftPage {
        shell: Shell::of(session),
        id: record.item.id,
        entry: entry.map(|entry| entry.id),
        about: entry.map_or_else(|| text!("query-about-encounter").to_owned(), |entry| entry.display.clone()),
        notes: record.current_notes().map(|(note, _)| (note.id, note_label(record, note.id))).collect(),
        open: OPEN_OPTIONS.map(|(_, label)| label),
        ..DraftPage::default()
    }
}

/// The page with a draft.
fn draft_page(frame: DraftPage, content: QueryContent) -> DraftPage {
    let choices = content.options.into_iter().filter(|option| option.kind == OptionKind::Choice).map(|option| option.label);
    let first = frame.notes.first().map(|(id, _)| *id).unwrap_or_default();
    let quotes = content.indicators.into_iter().map(|one| QuoteField { text: one.text, note: one.note_id });
    DraftPage {
        template: content.template,
        kind: kind_words(content.kind),
        title: content.title,
        question: content.question,
        choices: choices.chain((0..SPARE).map(|_| String::new())).collect(),
        quotes: quotes.chain((0..SPARE).map(|_| QuoteField { text: String::new(), note: first })).collect(),
        ..frame
    }
}

/// The templates that fit an entry, or the encounter; those for its code stand first.
fn groups(templates: &[QueryTemplate], entry: Option<&ReviewEntry>) -> Vec<TemplateGroup> {
    let code = entry.and_then(|entry| entry.codes.first()).map(|code| code.code.as_str());
    let words = entry.map(crate::review::condition_words);
    let of_kind = |kind: QueryKind| {
        let fits = |template: &&QueryTemplate| {
            template.kind == kind && template.is_for(code) && (entry.is_some() || !template.is_about_condition())
        };
        let mut fitting: Vec<&QueryTemplate> = templates.iter().filter(fits).collect();
        fitting.sort_by_key(|template| template.codes.is_empty());
        let filled = fitting.into_iter().map(|template| {
            let (title, question, _) = template.filled(words);
            (template.key.clone(), title, question)
        });
        TemplateGroup { kind: kind_words(kind), templates: filled.collect() }
    };
    QueryKind::ALL.map(of_kind).into_iter().filter(|group| !group.templates.is_empty()).collect()
}
