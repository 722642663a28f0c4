//! Everything that is kept of a patient, as lines of JSON: what a patient may ask for, and what they may take elsewhere.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    domain::{Note, Query, Surroundings},
    store::{Actor, AuditEvent, ItemRecord, PatientRecord, Store, StoreError},
};

/// Audit events that are read at once.
const EVENTS: u32 = 1000;

/// Gives what is kept of a patient out, a value a line: the patient, numbers merged into them, encounters with decisions, remarks and
/// queries, notes with text and extraction, and the trail of all of these, with who read what. Recorded before the first line. `false` when
/// nothing is kept of such a patient.
///
/// # Errors
/// When the store or the receiver of the lines fails.
pub async fn export(
    (store, surroundings): (&dyn Store, &Surroundings),
    patient: Uuid,
    actor: Actor,
    mut each: impl FnMut(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let now = surroundings.now();
    let Some(record) = store.patient_record(patient).await? else { return Ok(false) };
    store.record_audit(actor, "patient.exported", Some(("patient", patient)), "", now).await?;
    each(&patient_line(&record))?;
    let mut subjects = vec![patient];
    subjects.extend(record.merged.iter().map(|(id, _)| *id));
    subjects.extend(&record.notes);
    for id in &record.items {
        subjects.push(*id);
        let Some(item) = store.item(*id, now).await? else { continue };
        each(&encounter_line(&item))?;
        for query in store.queries(*id).await? {
            subjects.push(query.id);
            each(&query_line(&query))?;
        }
        for (note, extraction) in &item.notes {
            each(&note_line(note, json!(extraction)))?;
        }
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

fn patient_line(record: &PatientRecord) -> Value {
    let merged: Vec<Value> = record.merged.iter().map(|(id, patient)| json!({"id": id, "details": patient})).collect();
    let holds: Vec<Value> =
        record.holds.iter().map(|hold| json!({"kind": hold.subject.kind(), "reason": hold.reason, "at": hold.at})).collect();
    json!({"line": "patient", "id": record.id, "details": record.patient, "merged": merged, "holds": holds})
}

fn encounter_line(record: &ItemRecord) -> Value {
    let item = &record.item;
    let remarks: Vec<Value> = record
        .remarks
        .iter()
        .map(|remark| {
            json!({"kind": remark.kind.as_str(), "reason": remark.reason, "comment": remark.comment, "by": remark.by, "at": remark.at})
        })
        .collect();
    json!({
        "line": "encounter", "id": item.id, "encounter": item.encounter, "class": item.encounter_class, "facility": item.facility,
        "department": item.department, "restricted": item.restricted, "labels": item.labels.kinds(), "state": item.state, "created_at": item.created_at,
        "notes": item.notes, "decisions": record.decisions, "remarks": remarks,
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

fn note_line(note: &Note, extraction: Value) -> Value {
    let content = &note.content;
    json!({
        "line": "note", "id": note.id, "encounter": note.item_id, "received_at": note.received_at, "status": note.status,
        "standing": note.standing, "purged_at": note.purged.as_ref().map(|purged| purged.at), "source": content.source,
        "external_id": content.external_id, "version": content.version, "versioned_at": content.versioned_at,
        "relates_to": content.related, "note_type": content.note_type, "service_date": content.service_date,
        "discharge_date": content.discharge_date, "author": content.author, "confidentiality": content.confidentiality, "labels": content.labels.kinds(),
        "text": content.text, "extraction": extraction,
    })
}

fn event_line(event: &AuditEvent) -> Value {
    json!({
        "line": "event", "sequence": event.sequence, "at": event.at, "actor": event.actor.name, "action": event.action,
        "subject_kind": event.subject_kind, "subject_id": event.subject_id, "detail": event.detail,
    })
}
