//! The queue as `Task`: what waits, what is worked on, what is done.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    call::{Answer, Call},
    documents::notes_asked_for,
    outcome::Problem,
    search::Cursor,
};
use crate::{
    domain::{ItemState, ReviewItem},
    interop::fhir::{Task, task, task_state, task_status},
};

/// The statuses of FHIR's Task.
const STATUSES: [&str; 12] = [
    "draft",
    "requested",
    "received",
    "accepted",
    "rejected",
    "ready",
    "cancelled",
    "in-progress",
    "on-hold",
    "failed",
    "completed",
    "entered-in-error",
];

fn resource((item, changed_at): &(ReviewItem, Timestamp)) -> serde_json::Value {
    task(Task { item, changed_at: *changed_at })
}

/// One item.
pub(super) async fn read(call: Call) -> Result<Answer, Problem> {
    let found = call.service.task(call.user()?, call.uuid()?).await?;
    found.map(|found| Answer::resource(&resource(&found))).ok_or_else(|| call.missing())
}

/// Items by status, patient, encounter or document; all of them when nothing is named.
pub(super) async fn search(call: Call) -> Result<Answer, Problem> {
    let user = call.user()?;
    let count = call.count()?;
    let cursor = call.cursor()?.map(|cursor| cursor.item);
    let asked = states(&call)?;
    let wanted = |item: &ReviewItem| asked.as_ref().is_none_or(|states| states.contains(&item.state));
    let Some(ids) = named_items(&call).await? else {
        // one state is the store's to look for; several are picked out of all
        let only = asked.as_ref().filter(|states| states.len() == 1).map(|states| states[0]);
        if asked.as_ref().is_some_and(Vec::is_empty) {
            return Ok(call.page(Vec::new(), None, &[]));
        }
        let found = call.service.tasks(user, only, cursor, count).await?;
        let next = found.last().filter(|_| found.len() == count as usize).map(|(item, _)| Cursor::of(item.id));
        let page = found.iter().filter(|(item, _)| wanted(item)).map(resource).collect();
        return Ok(call.page(page, next.as_ref(), &[]));
    };
    let start = cursor.and_then(|cursor| ids.iter().position(|id| *id == cursor)).map_or(0, |at| at + 1);
    let mut page = Vec::new();
    let mut next = None;
    for id in &ids[start..] {
        let Some(found) = call.service.task(user, *id).await?.filter(|(item, _)| wanted(item)) else { continue };
        if page.len() == count as usize {
            next = page.last().map(|(item, _): &(ReviewItem, Timestamp)| Cursor::of(item.id));
            break;
        }
        page.push(found);
    }
    Ok(call.page(page.iter().map(resource).collect(), next.as_ref(), &[]))
}

/// The states that are asked for; none when all are. A status that no Task of ours has is met by none.
fn states(call: &Call) -> Result<Option<Vec<ItemState>>, Problem> {
    let Some(statuses) = call.parameter("status") else { return Ok(None) };
    let mut states = Vec::new();
    for status in statuses.split(',') {
        if !STATUSES.contains(&status) {
            let ours = ItemState::ALL.map(task_status);
            return Err(Problem::parameter(format!(
                "status is no status of a Task; those served here are {}",
                ours.join(", ")
            )));
        }
        states.extend(task_state(status));
    }
    Ok(Some(states))
}

/// The items of the ids, notes, patient or encounter that are named; none when none is.
async fn named_items(call: &Call) -> Result<Option<Vec<Uuid>>, Problem> {
    let user = call.user()?;
    let mut found = match notes_asked_for(call) {
        Some(search) => Some(call.service.find_items(user, search).await?),
        None => None,
    };
    let mut narrow = |ids: Vec<Uuid>| {
        found = Some(match found.take() {
            Some(before) => before.into_iter().filter(|id| ids.contains(id)).collect(),
            None => ids,
        });
    };
    if let Some(ids) = call.parameter("_id") {
        narrow(ids.split(',').filter_map(|id| Uuid::parse_str(id).ok()).collect());
    }
    if let Some(focus) = call.parameter("focus") {
        let note = focus.rsplit('/').next().and_then(|id| Uuid::parse_str(id).ok());
        let answer = match note {
            Some(note) => call.service.read_note(user, note, false).await?,
            None => None,
        };
        narrow(answer.map(|answer| answer.note.item_id).into_iter().collect());
    }
    Ok(found)
}
