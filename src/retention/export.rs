//! Everything that is kept of a patient, as lines of JSON: what a patient may ask for, and what they may take elsewhere.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use uuid::Uuid;

use super::messages_of;
use crate::{
    domain::{BrokenGlass, Delivery, Note, Query, SecondReview, Surroundings},
    store::{Actor, AuditEvent, BesideNote, ItemRecord, LegalHold, PatientRecord, ReceivedMessage, Store, StoreError},
};

/// Audit events that are read at once.
const EVENTS: u32 = 1000;

/// Gives what is kept of a patient of a source out, a value a line: the patient, numbers merged into them, encounters with decisions, remarks and
/// outcome, queries, second reviews, accesses under broken glass, what was sent, notes with text and extractions, messages as they came, and the
/// trail of all of these, with who read what. Recorded before the first line. `false` when nothing is kept of such a patient.
///
/// # Errors
/// When the store or the receiver of the lines fails.
pub async fn export(
    (store, surroundings): (&dyn Store, &Surroundings),
    (patient, source): (Uuid, &str),
    actor: Actor,
    mut each: impl FnMut(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let now = surroundings.now();
    let Some(record) = store.patient_record(patient).await? else { return Ok(false) };
    store.record_audit(actor, "patient.exported", Some(("patient", patient)), "", now).await?;
    let mut subjects = vec![patient];
    subjects.extend(record.merged.iter().map(|(id, _)| *id));
    let mut given = HashSet::new();
    let mut lines = Vec::new();
    for id in &record.items {
        subjects.push(*id);
        let Some(item) = store.item(*id, now).await? else { continue };
        let beside = store.beside_item(*id).await?;
        lines.push(encounter_line(&item, beside.outcome));
        for query in store.queries(*id).await? {
            subjects.push(query.id);
            lines.push(query_line(&query));
        }
        lines.extend(store.second_reviews_of(*id).await?.iter().map(second_review_line));
        lines.extend(beside.accesses.iter().map(access_line));
        for (delivery, body) in &beside.deliveries {
            subjects.push(delivery.id);
            lines.push(delivery_line(delivery, body.as_deref()));
        }
        for (note, _) in &item.notes {
            given.insert(note.id);
            lines.push(note_line(note, &store.beside_note(note.id).await?));
        }
    }
    // notes of theirs in an encounter of nobody
    for id in &record.notes {
        if given.insert(*id)
            && let Some(note) = store.note(*id).await?
        {
            lines.push(note_line(&note, &store.beside_note(*id).await?));
        }
    }
    subjects.extend(&given);
    for id in messages_of(store, source, &record).await?.into_iter().rev() {
        subjects.push(id);
        lines.extend(store.message(id).await?.as_ref().map(message_line));
    }
    let holds: Vec<LegalHold> = store.holds().await?.into_iter().filter(|hold| subjects.contains(&hold.subject.id())).collect();
    each(&patient_line(&record, &holds))?;
    for line in &lines {
        each(line)?;
    }
    for event in events(store, subjects).await? {
        each(&event_line(&event))?;
    }
    Ok(true)
}

async fn events(store: &dyn Store, subjects: Vec<Uuid>) -> Result<Vec<AuditEvent>, StoreError> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = store.events_about(subjects.clone(), after, EVENTS).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.sequence;
        found.extend(page);
    }
}

fn patient_line(record: &PatientRecord, holds: &[LegalHold]) -> Value {
    let merged: Vec<Value> = record.merged.iter().map(|(id, patient)| json!({"id": id, "details": patient})).collect();
    let holds: Vec<Value> = holds
        .iter()
        .map(|hold| {
            json!({
                "kind": hold.subject.kind(), "id": hold.subject.id(), "reason": hold.reason, "by": hold.actor, "at": hold.at,
                "released": hold.released.as_ref().map(|(by, at)| json!({"by": by, "at": at})),
            })
        })
        .collect();
    json!({
        "line": "patient", "id": record.id, "details": record.patient, "merged": merged, "own_record_of": record.users,
        "holds": holds,
    })
}

fn encounter_line(record: &ItemRecord, outcome: Option<Value>) -> Value {
    let item = &record.item;
    let name = |user: &Option<(Uuid, String)>| user.as_ref().map(|(_, name)| name.clone());
    let remarks: Vec<Value> = record
        .remarks
        .iter()
        .map(|remark| {
            json!({
                "kind": remark.kind.as_str(), "reason": remark.reason, "comment": remark.comment, "given_to": name(&remark.assigned_to),
                "until": remark.until, "by": remark.by, "at": remark.at,
            })
        })
        .collect();
    json!({
        "line": "encounter", "id": item.id, "encounter": item.encounter, "class": item.encounter_class, "facility": item.facility,
        "department": item.department, "source": item.source, "restricted": item.restricted, "labels": item.labels.kinds(),
        "priority": item.priority, "payer_class": item.payer_class, "state": item.state, "claimed_by": name(&item.claimed_by),
        "assigned_to": name(&item.assigned_to), "team": item.team, "escalated": item.escalated, "pended_until": item.pended_until,
        "place_reason": item.place_reason, "summary": item.summary, "created_at": item.created_at, "notes": item.notes,
        "decisions": record.decisions, "remarks": remarks, "outcome": outcome,
    })
}

fn query_line(query: &Query) -> Value {
    let acts: Vec<Value> =
        query.events.iter().map(|event| json!({"by": event.by.1, "at": event.at, "what": event.act})).collect();
    json!({
        "line": "query", "id": query.id, "encounter": query.item_id, "by": query.drafted_by.1, "at": query.drafted_at,
        "content": query.content, "acts": acts,
    })
}

fn second_review_line(review: &SecondReview) -> Value {
    json!({
        "line": "second_review", "id": review.id, "encounter": review.item_id, "revision": review.revision, "coder": review.coder.1,
        "blinded": review.blinded, "drawn_at": review.drawn_at, "by": review.reviewed.as_ref().map(|(by, _)| by),
        "at": review.reviewed.as_ref().map(|(_, at)| at), "worksheet": review.worksheet,
    })
}

fn access_line(access: &BrokenGlass) -> Value {
    json!({
        "line": "access_under_broken_glass", "id": access.id, "encounter": access.item_id, "by": access.by.1, "reason": access.reason,
        "words": access.words, "at": access.at, "until": access.until,
        "acknowledged": access.acknowledged.as_ref().map(|(by, at)| json!({"by": by, "at": at})),
    })
}

fn delivery_line(delivery: &Delivery, body: Option<&str>) -> Value {
    json!({
        "line": "delivery", "id": delivery.id, "encounter": delivery.item_id, "note": delivery.note_id, "query": delivery.query_id,
        "destination": delivery.destination, "event": delivery.event, "state": delivery.state, "at": delivery.created_at,
        "ended_at": delivery.ended_at, "body": body,
    })
}

fn message_line(message: &ReceivedMessage) -> Value {
    let outcome = &message.outcome;
    let mut line = json!({
        "line": "message", "id": message.id, "source": message.source, "event": message.event, "identity": message.identity,
        "reason": outcome.reason, "note": outcome.note_id, "received_at": message.received_at,
    });
    for (name, bytes) in [("content", &message.content), ("acknowledgement", &outcome.acknowledgement)] {
        // as it came: what is no UTF-8 is told by its bytes
        let (name, text) = match std::str::from_utf8(bytes) {
            Ok(text) => (name.to_owned(), text.to_owned()),
            Err(_) => (format!("{name}_base64"), STANDARD.encode(bytes)),
        };
        line[name] = Value::from(text);
    }
    line
}

fn note_line(note: &Note, beside: &BesideNote) -> Value {
    let content = &note.content;
    let live = beside.extractions.iter().find(|extraction| extraction.is_live).map(|extraction| &extraction.body);
    let before = beside.extractions.iter().filter(|extraction| !extraction.is_live);
    let before: Vec<Value> = before.map(|extraction| json!({"at": extraction.at, "extraction": extraction.body})).collect();
    let seen: Vec<Value> = beside.seen.iter().map(|(by, at)| json!({"by": by, "at": at})).collect();
    json!({
        "line": "note", "id": note.id, "encounter": note.item_id, "received_at": note.received_at, "status": note.status,
        "quarantine_reason": note.quarantine_reason, "standing": note.standing,
        "purged_at": note.purged.as_ref().map(|purged| purged.at), "source": content.source,
        "external_id": content.external_id, "version": content.version, "versioned_at": content.versioned_at,
        "relates_to": content.related, "note_type": content.note_type, "encounter_class": content.encounter_class,
        "facility": content.facility, "department": content.department, "service_date": content.service_date,
        "discharge_date": content.discharge_date, "author": content.author, "confidentiality": content.confidentiality,
        "labels": content.labels.kinds(), "text": content.text, "extraction": live, "extractions_before": before, "seen": seen,
    })
}

fn event_line(event: &AuditEvent) -> Value {
    json!({
        "line": "event", "sequence": event.sequence, "at": event.at, "actor": event.actor.name, "action": event.action,
        "subject_kind": event.subject_kind, "subject_id": event.subject_id, "detail": event.detail,
    })
}
