//! `/queries/{id}/print`: a query on a sheet of paper, with room for the answer and the signature.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{
    queries::note_label,
    session::Session,
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::Permission,
    domain::{OptionKind, Query},
    service::Service,
    store::ItemRecord,
};

/// The sheet.
#[derive(Template, Default)]
#[template(path = "query_print.html")]
pub(super) struct PrintPage {
    /// The frame.
    pub shell: Shell,
    /// The item.
    pub item: Uuid,
    /// The query.
    pub id: Uuid,
    /// Where it stands.
    pub state: &'static str,
    /// Title.
    pub title: String,
    /// Label and value of what is known of patient and encounter.
    pub facts: Vec<(&'static str, String)>,
    /// Quoted words, and the note that they stand in.
    pub indicators: Vec<(String, String)>,
    /// Question.
    pub question: String,
    /// The options, and whether they ask for words.
    pub options: Vec<(String, bool)>,
    /// Who asks, and since when.
    pub asked: String,
}

/// `GET /queries/{id}/print`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    id: Option<Path<Uuid>>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let Some(Path(id)) = id else { return Err(missing(&session)) };
    let (query, record) = service.read_query(user, id).await?.ok_or_else(|| missing(&session))?;
    let mut view = view(&query, &record, &service.time_zone);
    view.shell = Shell::of(&session);
    Ok(page(StatusCode::OK, &view))
}

/// The sheet of a query.
pub(super) fn view(query: &Query, record: &ItemRecord, zone: &TimeZone) -> PrintPage {
    let (review, content) = (&record.item, &query.content);
    let patient = review.patient.as_ref();
    let facts = [
        (text!("print-fact-patient"), patient.and_then(|patient| patient.name.clone())),
        (text!("print-fact-record"), patient.map(|patient| patient.id.clone())),
        (text!("print-fact-born"), patient.and_then(|patient| patient.birth_date).map(|date| date.to_string())),
        (text!("print-fact-encounter"), review.encounter.clone()),
    ];
    let asked = query.sent().map_or((&query.drafted_by.1, query.drafted_at), |event| (&event.by.1, event.at));
    PrintPage {
        item: record.item.id,
        id: query.id,
        state: words::query_state(query.state()),
        title: content.title.clone(),
        facts: facts.into_iter().filter_map(|(label, value)| Some((label, value?))).collect(),
        indicators: content.indicators.iter().map(|one| (one.text.clone(), note_label(record, one.note_id))).collect(),
        question: content.question.clone(),
        options: content
            .options
            .iter()
            .map(|option| (option.label.clone(), option.kind == OptionKind::Other || option.label.contains("(please")))
            .collect(),
        asked: format!("{}, {}", asked.0, words::moment(asked.1, zone)),
        ..PrintPage::default()
    }
}
