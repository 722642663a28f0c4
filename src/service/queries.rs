//! Asking providers: drafting from a template, and what is done with a query until it is closed.

use thiserror::Error;
use uuid::Uuid;

use super::{Service, access::Reading, actor, visible};
use crate::{
    auth::Scope,
    coding::queries::QueryProblem,
    domain::{
        ClinicalIndicator, QUERY_ANSWER_CHARACTERS, Query, QueryAct, QueryContent, QueryOption, QueryState, ReviewEntry, Role,
        User,
    },
    review,
    store::{ItemChange, ItemRecord, QueryChange, StoreError},
};

/// What a draft is made of. What is left out is the template's.
#[derive(Clone, Default)]
pub struct QueryDraft {
    /// Key of the template.
    pub template: String,
    /// The entry that it is about; none = the encounter.
    pub entry_id: Option<Uuid>,
    /// The title.
    pub title: Option<String>,
    /// The question.
    pub question: Option<String>,
    /// The options.
    pub options: Option<Vec<QueryOption>>,
    /// The quoted words; those that the entry rests on when left out.
    pub indicators: Option<Vec<ClinicalIndicator>>,
}

/// Why something is not done with a query.
#[derive(Debug, Error)]
pub enum QueryError {
    /// No such item, or not in the user's scope.
    #[error("there is no such item")]
    MissingItem,
    /// No such query, or not in the user's scope.
    #[error("there is no such query")]
    MissingQuery,
    /// No template has this key.
    #[error("template must be the key of one of /v1/review/query-templates")]
    UnknownTemplate,
    /// The item has no such entry.
    #[error("there is no such entry in this item")]
    UnknownEntry,
    /// What is wrong with the draft, most grave first. Never empty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotCompliant(Vec<QueryProblem>),
    /// The user does not hold the item.
    #[error("the item did not change")]
    Item(ItemChange),
    /// The act is not allowed in this state.
    #[error("the query is {}; nothing was changed", .0.as_str())]
    NotAllowed(QueryState),
    /// The answer does not answer the query, or a comment is too long.
    #[error("{0}")]
    InvalidAct(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Drafts a query, when the user holds the item and the draft is compliant.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn draft_query(&self, user: &User, item: Uuid, draft: QueryDraft) -> Result<Query, QueryError> {
        let (record, entries) = self.open_item(user, item).await?.ok_or(QueryError::MissingItem)?;
        let content = self.content_of(&record, &entries, draft).await?;
        self.check_query(&record, &entries, &content)?;
        let now = self.surroundings.now();
        let drafted_by = (user.id, user.name.clone());
        let query =
            Query { id: self.surroundings.new_id(), item_id: item, drafted_by, drafted_at: now, content, events: Vec::new() };
        match self.store.add_query(query.clone(), user, now).await? {
            ItemChange::Done { .. } => Ok(query),
            ItemChange::Missing => Err(QueryError::MissingItem),
            refused => Err(QueryError::Item(refused)),
        }
    }

    /// Writes a draft anew: template, kind and entry stay.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn revise_query(&self, user: &User, id: Uuid, draft: QueryDraft) -> Result<Query, QueryError> {
        let (query, _) = self.read_query(user, id).await?.ok_or(QueryError::MissingQuery)?;
        let before = query.content;
        let content = QueryContent {
            template: before.template,
            kind: before.kind,
            entry_id: before.entry_id,
            title: draft.title.map_or(before.title, |title| title.trim().to_owned()),
            question: draft.question.map_or(before.question, |question| question.trim().to_owned()),
            options: draft.options.unwrap_or(before.options),
            indicators: draft.indicators.unwrap_or(before.indicators),
        };
        self.act_on_query(user, id, QueryAct::Revise(Box::new(content))).await
    }

    /// What a draft asks, filled up from its template and the entry that it is about.
    pub(crate) async fn content_of(
        &self,
        record: &ItemRecord,
        entries: &[ReviewEntry],
        draft: QueryDraft,
    ) -> Result<QueryContent, QueryError> {
        let templates = self.query_templates().await?;
        let template = templates.iter().find(|one| one.key == draft.template).ok_or(QueryError::UnknownTemplate)?;
        let entry = match draft.entry_id {
            Some(id) => Some(entries.iter().find(|entry| entry.id == id).ok_or(QueryError::UnknownEntry)?),
            None => None,
        };
        let (title, question, options) = template.filled(entry.map(review::condition_words));
        let quoted = || entry.map(|entry| review::quoted_evidence(record, entry)).unwrap_or_default();
        Ok(QueryContent {
            template: template.key.clone(),
            kind: template.kind,
            entry_id: draft.entry_id,
            title: draft.title.unwrap_or(title).trim().to_owned(),
            question: draft.question.unwrap_or(question).trim().to_owned(),
            options: draft.options.unwrap_or(options),
            indicators: draft.indicators.unwrap_or_else(quoted),
        })
    }

    fn check_query(&self, record: &ItemRecord, entries: &[ReviewEntry], content: &QueryContent) -> Result<(), QueryError> {
        let pipeline = self.engine.pipeline();
        let rules = (pipeline.queries(), pipeline.vocabulary());
        let problems = review::query_problems(rules, record, entries, content);
        if problems.is_empty() { Ok(()) } else { Err(QueryError::NotCompliant(problems)) }
    }

    /// The queries of an item, oldest first. A submitter sees what was sent to providers and quotes notes of its own source alone.
    ///
    /// # Errors
    /// [`QueryError::MissingItem`], or when the store fails. Reading is recorded.
    pub async fn queries(&self, user: &User, item: Uuid) -> Result<Vec<Query>, QueryError> {
        let record = self.store.item(item, self.surroundings.now()).await?.ok_or(QueryError::MissingItem)?;
        if !may_see(user, &record) && self.reading(user, &Scope::of_item(&record.item), item).await?.is_none() {
            return Err(QueryError::MissingItem);
        }
        Ok(self.queries_of(user, &record).await?)
    }

    /// As [`Self::queries`], of an item that was opened for the user.
    pub(crate) async fn queries_of(&self, user: &User, record: &ItemRecord) -> Result<Vec<Query>, StoreError> {
        let mut queries = self.store.queries(record.item.id).await?;
        queries.retain(|query| user.role != Role::Submitter || is_for_source(user, record, query));
        let ids: Vec<Uuid> = queries.iter().map(|query| query.id).collect();
        let reading = self.reading(user, &Scope::of_item(&record.item), record.item.id).await?;
        if let Some(reading @ Reading::UnderGlass(_)) = reading {
            for id in ids {
                self.record_reading(user, "query.read", ("query", id), reading).await?;
            }
        } else if !ids.is_empty() {
            self.store.record_reads(actor(user), "query.read", ("query", ids), self.surroundings.now()).await?;
        }
        Ok(queries)
    }

    /// One query with its item, to be shown or printed; none when there is none in the user's scope. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_query(&self, user: &User, id: Uuid) -> Result<Option<(Query, ItemRecord)>, StoreError> {
        let Some(query) = self.store.query(id).await? else { return Ok(None) };
        let Some((record, _)) = self.open_item(user, query.item_id).await? else { return Ok(None) };
        self.record(user, "query.read", ("query", id)).await?;
        Ok(Some((query, record)))
    }

    /// Does something with a query: sends it, when it is compliant still, records its answer, withdraws or closes it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn act_on_query(&self, user: &User, id: Uuid, act: QueryAct) -> Result<Query, QueryError> {
        let query = self.store.query(id).await?.ok_or(QueryError::MissingQuery)?;
        let record = self.store.item(query.item_id, self.surroundings.now()).await?;
        let record = record.filter(|record| may_see(user, record)).ok_or(QueryError::MissingQuery)?;
        // what the state does not allow is said before what is wrong with the rest
        if query.state().after(&act).is_none() {
            return Err(QueryError::NotAllowed(query.state()));
        }
        match &act {
            // a note may have been taken back since
            QueryAct::Send {} => self.check_query(&record, &review::rollup(&record), &query.content)?,
            QueryAct::Revise(content) => self.check_query(&record, &review::rollup(&record), content)?,
            QueryAct::Answer(answer) => query.content.check_answer(answer).map_err(QueryError::InvalidAct)?,
            QueryAct::Close { comment, .. } | QueryAct::Withdraw { comment } => {
                if comment.as_ref().is_some_and(|comment| comment.chars().count() > QUERY_ANSWER_CHARACTERS) {
                    return Err(QueryError::InvalidAct("comment may have 4000 characters"));
                }
            }
        }
        match self.store.act_on_query(id, user, act, self.surroundings.now()).await? {
            QueryChange::Done(query) => Ok(*query),
            QueryChange::Missing => Err(QueryError::MissingQuery),
            QueryChange::NotAllowed(state) => Err(QueryError::NotAllowed(state)),
        }
    }
}

/// Whether the user sees the item; a submitter those that its source sent a note of.
fn may_see(user: &User, record: &ItemRecord) -> bool {
    if user.role == Role::Submitter {
        return record.notes.iter().any(|(note, _)| visible(user, &Scope::of_note(note)));
    }
    visible(user, &Scope::of_item(&record.item))
}

/// Whether a query went out and quotes nothing but notes of the submitter's source.
fn is_for_source(user: &User, record: &ItemRecord, query: &Query) -> bool {
    let is_own = |id: Uuid| {
        let note = record.notes.iter().find(|(note, _)| note.id == id);
        note.is_some_and(|(note, _)| visible(user, &Scope::of_note(note)))
    };
    query.sent().is_some() && query.content.indicators.iter().all(|indicator| is_own(indicator.note_id))
}
