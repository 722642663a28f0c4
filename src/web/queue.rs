//! `/queue`: the encounters that wait.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    notice::{self, Notice},
    session::Session,
    shell::{Refusal, Shell, page},
    words,
};
use crate::{
    auth::{Permission, permits},
    domain::{ItemState, ReviewItem},
    service::Service,
};

/// Rows of a page.
const PAGE: u32 = 50;
/// The filters, in order: word of the address and label.
const FILTERS: [(&str, &str); 4] = [("open", "Open"), ("claimed", "Claimed"), ("finished", "Finished"), ("all", "All")];

/// One encounter.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its id.
    pub id: Uuid,
    /// Name or record number of the patient.
    pub patient: String,
    /// The sender's number of the encounter.
    pub encounter: String,
    /// Class.
    pub class: &'static str,
    /// How many notes.
    pub notes: usize,
    /// How many of them are not read yet.
    pub pending: u32,
    /// State.
    pub state: &'static str,
    /// Who holds it.
    pub claimed_by: String,
    /// Since when it waits.
    pub age: String,
    /// The same as an instant.
    pub since: String,
    /// Whether it needs clearance.
    pub restricted: bool,
}

/// A link that filters.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// Word of the address.
    pub word: &'static str,
    /// What the link says.
    pub label: &'static str,
    /// Whether the page shows it.
    pub current: bool,
}

/// The queue page.
#[derive(Template)]
#[template(path = "queue.html")]
pub(super) struct QueuePage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The filters.
    pub filters: Vec<Filter>,
    /// The current one.
    pub filter: &'static str,
    /// Whether one can be taken: something waits, and the user may decide.
    pub can_take: bool,
    /// What the user holds; on the first page of the open ones.
    pub mine: Vec<Row>,
    /// The page's rows.
    pub rows: Vec<Row>,
    /// Whether this is not the first page.
    pub continued: bool,
    /// The next page begins after this one.
    pub next: Option<Uuid>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct QueueAddress {
    state: Option<String>,
    after: Option<Uuid>,
    notice: Option<String>,
    problem: Option<String>,
}

fn row(item: ReviewItem, now: Timestamp) -> Row {
    let patient = match item.patient {
        Some(patient) => patient.name.unwrap_or_else(|| format!("record {}", patient.id)),
        None => "patient not given".to_owned(),
    };
    Row {
        id: item.id,
        patient,
        encounter: item.encounter.unwrap_or_else(|| "–".to_owned()),
        class: words::encounter_class(item.encounter_class),
        notes: item.notes.len(),
        pending: item.pending_notes,
        state: words::item_state(item.state),
        claimed_by: item.claimed_by.map_or_else(|| "–".to_owned(), |(_, name)| name),
        age: words::age(item.created_at, now),
        since: item.created_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        restricted: item.restricted,
    }
}

/// `GET /queue`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<QueueAddress>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let asked = address.state.as_deref().unwrap_or("open");
    let (filter, _) = FILTERS.into_iter().find(|(word, _)| *word == asked).unwrap_or(FILTERS[0]);
    let now = service.surroundings.now();
    let items = service.items(user, filter.parse().ok(), address.after, PAGE).await?;
    let next = if items.len() == PAGE as usize { items.last().map(|item| item.id) } else { None };
    let mut mine = Vec::new();
    if filter == "open" && address.after.is_none() {
        let held = service.items(user, Some(ItemState::Claimed), None, 200).await?;
        let is_mine = |item: &ReviewItem| item.claimed_by.as_ref().is_some_and(|(holder, _)| *holder == user.id);
        mine = held.into_iter().filter(is_mine).map(|item| row(item, now)).collect();
    }
    let view = QueuePage {
        shell: Shell::of(&session),
        notice: notice::lookup(address.notice.as_deref(), address.problem.as_deref()),
        filters: FILTERS.map(|(word, label)| Filter { word, label, current: word == filter }).into(),
        filter,
        can_take: filter == "open" && !items.is_empty() && permits(user.role, Permission::Decide),
        mine,
        rows: items.into_iter().map(|item| row(item, now)).collect(),
        continued: address.after.is_some(),
        next,
    };
    Ok(page(StatusCode::OK, &view))
}
