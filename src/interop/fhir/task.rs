//! An item of the queue as `Task`: an encounter whose notes are to be coded.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{encounter, instant, patient};
use crate::domain::{Confidentiality, ItemState, ReviewItem};

/// What a Task is made of.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The item.
    pub item: &'a ReviewItem,
    /// When anything about it changed last.
    pub changed_at: Timestamp,
}

/// The status of a Task in this state of its item.
#[must_use]
pub const fn task_status(state: ItemState) -> &'static str {
    match state {
        ItemState::Open => "requested",
        ItemState::Claimed => "in-progress",
        ItemState::Pended => "on-hold",
        ItemState::Finished => "completed",
    }
}

/// The state of an item whose Task has this status; none for a status that no Task of ours has.
#[must_use]
pub fn task_state(status: &str) -> Option<ItemState> {
    ItemState::ALL.into_iter().find(|state| task_status(*state) == status)
}

/// The resource. Its focus is the newest note, its inputs are all of them.
#[must_use]
pub fn task(task: Task<'_>) -> Value {
    let item = task.item;
    let note = |id: &uuid::Uuid| json!({"reference": format!("DocumentReference/{id}")});
    let mut resource = json!({
        "resourceType": "Task",
        "id": item.id.to_string(),
        "meta": {"versionId": item.revision.to_string(), "lastUpdated": instant(task.changed_at)},
        "status": task_status(item.state),
        "intent": "order",
        "code": {"text": "review the codes of an encounter's notes"},
        "authoredOn": instant(item.created_at),
        "lastModified": instant(task.changed_at),
        "input": item.notes.iter()
            .map(|id| json!({"type": {"text": "note"}, "valueReference": note(id)}))
            .collect::<Vec<_>>(),
    });
    let confidentiality = if item.restricted { Confidentiality::Restricted } else { Confidentiality::Normal };
    super::security::label(&mut resource, confidentiality, item.labels);
    if let Some(newest) = item.notes.last() {
        resource["focus"] = note(newest);
    } else if let Some(fields) = resource.as_object_mut() {
        fields.remove("input");
    }
    if item.patient.is_some() {
        resource["for"] = patient::subject(item.patient.as_ref(), patient::served(item.patient_id));
    }
    if let Some(encounter) = encounter(item.encounter.as_deref()) {
        resource["encounter"] = encounter;
    }
    if let Some((_, name)) = &item.claimed_by {
        resource["owner"] = json!({"type": "Practitioner", "identifier": {"value": name}, "display": name});
    }
    if item.pending_notes > 0 {
        resource["businessStatus"] = json!({"text": format!("{} notes are not extracted yet", item.pending_notes)});
    }
    resource
}
