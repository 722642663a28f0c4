//! `/queue`: the lists of encounters, and what a list says of each.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    list_address::ListAddress,
    notice::{self, Notice},
    session::{Posted, Session},
    shell::{Refusal, Shell, page},
    words,
};
use crate::{
    auth::{Permission, permits},
    domain::{Assigned, ItemState, ListEnd, Priority, ReviewItem, Worklist, WorklistOrder},
    service::{Service, SiteReasons},
};

/// Rows of a page.
const PAGE: u32 = 50;

/// One encounter.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Its id.
    pub id: Uuid,
    /// Name or record number of the patient.
    pub patient: String,
    /// The sender's number of the encounter.
    pub encounter: String,
    /// Class and department.
    pub place: String,
    /// How many notes.
    pub notes: usize,
    /// Types of the notes.
    pub types: String,
    /// Dates of service.
    pub service: String,
    /// How many of the notes are not read yet.
    pub pending: u32,
    /// Entries that wait; none until they are counted.
    pub waiting: Option<u32>,
    /// What there is to look at.
    pub why: String,
    /// Whether that is an alert or a hard edit.
    pub alert: bool,
    /// State.
    pub state: &'static str,
    /// The same in words.
    pub state_text: &'static str,
    /// Who holds it or is to work on it, and why it waits.
    pub owner: String,
    /// Since when it waits.
    pub age: String,
    /// The same as an instant.
    pub since: String,
    /// Whether it needs clearance.
    pub restricted: bool,
    /// How soon it is to be coded, where that is sooner than in its turn.
    pub priority: Option<&'static str>,
    /// The same in words.
    pub priority_text: &'static str,
}

/// A link to a list.
#[derive(Debug, Clone)]
pub(super) struct Tab {
    /// Where it leads.
    pub address: String,
    /// What it says.
    pub label: String,
    /// Whether the page shows it.
    pub current: bool,
}

/// A choice of a field, and whether it is the present one.
pub(super) type Option3 = (&'static str, &'static str, bool);

/// The queue page.
#[derive(Template)]
#[template(path = "queue.html")]
pub(super) struct QueuePage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Alerts of drift that wait, where the user reads reports.
    pub drift_alerts: u64,
    /// The lists there are.
    pub tabs: Vec<Tab>,
    /// What is asked for, as it stands in the address.
    pub asked: ListAddress,
    /// Classes of encounters to choose from.
    pub classes: Vec<Option3>,
    /// Priorities to choose from.
    pub priorities: Vec<Option3>,
    /// Classes of payers to choose from.
    pub payers: Vec<Option3>,
    /// Names of the teams to choose from.
    pub teams: Vec<String>,
    /// Orders to choose from.
    pub orders: Vec<Option3>,
    /// Whether more than a tab is asked for.
    pub narrowed: bool,
    /// Whether one can be taken: something waits, and the user may decide.
    pub can_take: bool,
    /// What the user holds; on the first page of the open ones.
    pub mine: Vec<Row>,
    /// The page's rows.
    pub rows: Vec<Row>,
    /// The list's first page, where this is another.
    pub first: Option<String>,
    /// The next page.
    pub next: Option<String>,
}

/// What the address says beside the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct QueueAddress {
    after: Option<ListEnd>,
    notice: Option<String>,
    problem: Option<String>,
}

/// The row of an item.
pub(super) fn row(item: ReviewItem, (now, zone): (Timestamp, &TimeZone), reasons: &SiteReasons) -> Row {
    let patient = match item.patient {
        Some(patient) => patient.name.unwrap_or_else(|| text!("queue-row-record", number = patient.id)),
        None => text!("queue-row-no-patient").to_owned(),
    };
    let class = words::encounter_class(item.encounter_class).to_owned();
    let holder = item.claimed_by.map(|(_, name)| name);
    let assigned = item.assigned_to.map(|(_, name)| text!("queue-row-for", name = name));
    let team = item.team.map(|team| text!("queue-row-for-team", team = team));
    let reason = item.place_reason.filter(|_| item.state == ItemState::Pended || item.escalated);
    let reason = reason.map(|reason| reasons.label(&reason).to_owned());
    let until = item.pended_until.map(|until| text!("queue-row-until", time = words::moment(until, zone)));
    let leads = item.escalated.then(|| text!("queue-row-for-leads").to_owned());
    let owner: Vec<String> = [holder, assigned, team, leads, reason, until].into_iter().flatten().collect();
    let summary = item.summary.unwrap_or_default();
    let is_counted = summary.revision > 0;
    let service = match (summary.service_from, summary.service_to) {
        (Some(from), Some(to)) if from != to => format!("{from} – {to}"),
        (from, to) => from.or(to).map_or_else(String::new, |date| date.to_string()),
    };
    Row {
        id: item.id,
        patient,
        encounter: item.encounter.unwrap_or_else(|| "–".to_owned()),
        place: [Some(class), item.department, item.payer_class.map(|payer| words::payer_class(payer).to_owned())]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
        notes: item.notes.len(),
        types: summary.note_types.iter().map(|word| words::spaced(word)).collect::<Vec<_>>().join(", "),
        service,
        pending: item.pending_notes,
        waiting: is_counted.then_some(summary.waiting),
        why: if is_counted { words::benefit(&summary) } else { String::new() },
        alert: summary.alerts > 0 || summary.hard_edits > 0,
        state: item.state.as_str(),
        state_text: words::item_state(item.state),
        owner: if owner.is_empty() { "–".to_owned() } else { owner.join(", ") },
        age: words::age(item.created_at, now),
        since: words::moment(item.created_at, zone),
        restricted: item.restricted,
        priority: (item.priority != Priority::Routine).then(|| item.priority.as_str()),
        priority_text: words::priority(item.priority),
    }
}

/// The lists that everybody has.
fn tabs(asked: &Worklist) -> Vec<Tab> {
    let of = |state: Option<ItemState>, assigned: Option<Assigned>| Worklist { state, assigned, ..Worklist::default() };
    let lists = [
        (text!("queue-tab-open"), of(Some(ItemState::Open), None)),
        (text!("queue-tab-mine"), of(None, Some(Assigned::Me))),
        (text!("queue-tab-claimed"), of(Some(ItemState::Claimed), None)),
        (text!("queue-tab-pended"), of(Some(ItemState::Pended), None)),
        (text!("queue-tab-team"), of(None, Some(Assigned::Team))),
        (text!("queue-tab-leads"), of(Some(ItemState::Open), Some(Assigned::Leads))),
        (text!("queue-tab-finished"), of(Some(ItemState::Finished), None)),
        (text!("queue-tab-all"), of(None, None)),
    ];
    let same = |list: &Worklist| (list.state, list.assigned) == (asked.state, asked.assigned);
    lists
        .into_iter()
        // a tab changes whose and in which state, and keeps the rest of what is asked
        .map(|(label, list)| Tab {
            current: same(&list),
            label: label.to_owned(),
            address: ListAddress::of(&Worklist { state: list.state, assigned: list.assigned, ..asked.clone() }).address(),
        })
        .collect()
}

/// `GET /queue`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(list): Query<ListAddress>,
    Query(address): Query<QueueAddress>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let asked = list.worklist();
    let (now, zone) = (service.surroundings.now(), &service.time_zone);
    let reasons = service.site_reasons().await?;
    let items = service.items(user, asked.clone(), address.after.clone(), PAGE).await?;
    let own = ListAddress::of(&asked);
    let next = items.last().filter(|_| items.len() == PAGE as usize).map(|last| own.page(&ListEnd::of(asked.order, last, now)));
    let is_open = asked.state == Some(ItemState::Open) && asked.assigned.is_none();
    let mut mine = Vec::new();
    if is_open && address.after.is_none() {
        let held = Worklist { state: Some(ItemState::Claimed), assigned: Some(Assigned::Me), ..Worklist::default() };
        let held = service.items(user, held, None, 200).await?;
        let holds = |item: &ReviewItem| item.claimed_by.as_ref().is_some_and(|(holder, _)| *holder == user.id);
        mine = held.into_iter().filter(holds).map(|item| row(item, (now, zone), &reasons)).collect();
    }
    let preferences = service.store.preferences(user.id).await?;
    let saved: Vec<Tab> = preferences
        .lists
        .into_iter()
        .map(|saved| Tab { address: ListAddress::of(&saved.list).address(), current: saved.list == asked, label: saved.name })
        .collect();
    let plain = Worklist { state: asked.state, assigned: asked.assigned, ..Worklist::default() };
    let drift_alerts = match permits(user.role, Permission::ReadReports) {
        true => service.store.waiting_drift_alerts().await?,
        false => 0,
    };
    let view = QueuePage {
        shell: Shell::of(&session),
        drift_alerts,
        notice: notice::lookup(address.notice.as_deref(), address.problem.as_deref()),
        tabs: tabs(&asked).into_iter().chain(saved).collect(),
        classes: own.classes(),
        priorities: own.priorities(),
        payers: own.payers(),
        teams: service.teams().await?.list.into_iter().map(|team| team.name).collect(),
        orders: [
            (WorklistOrder::Oldest, "oldest", text!("queue-order-oldest")),
            (WorklistOrder::Benefit, "benefit", text!("queue-order-benefit")),
            (WorklistOrder::ServiceDate, "service_date", text!("queue-order-service-date")),
            (WorklistOrder::Priority, "priority", text!("queue-order-priority")),
        ]
        .map(|(order, word, label)| (word, label, asked.order == order))
        .into(),
        narrowed: asked != plain,
        can_take: asked.state == Some(ItemState::Open) && !items.is_empty() && permits(user.role, Permission::Decide),
        mine,
        rows: items.into_iter().map(|item| row(item, (now, zone), &reasons)).collect(),
        first: address.after.map(|_| own.address()),
        next,
        asked: own,
    };
    Ok(page(StatusCode::OK, &view))
}

/// `POST /queue/next`: takes the first of the list that the page showed.
pub(super) async fn next(State(service): State<Arc<Service>>, Posted { session, form, .. }: Posted<ListAddress>) -> Answer {
    let user = session.may(Permission::Decide)?;
    let to = match service.take_next(user, &form.worklist()).await? {
        Some(id) => format!("/items/{id}?notice=claimed"),
        None => "/queue?notice=nothing_waits".to_owned(),
    };
    Ok(Redirect::to(&to).into_response())
}
