//! The audit trail as `AuditEvent`, for auditors.

use serde_json::Value;
use uuid::Uuid;

use super::{
    call::{Answer, Call},
    outcome::Problem,
    search::Cursor,
};
use crate::{interop::fhir::audit_event, service::actor, store::AuditEvent};

fn resource(event: &AuditEvent) -> Value {
    let words = (event.actor.name.as_str(), event.action.as_str(), event.detail.as_str());
    audit_event(event.sequence, event.at, words, (&event.subject_kind, event.subject_id))
}

/// One event by its number.
pub(super) async fn read(call: Call) -> Result<Answer, Problem> {
    read_by(&call).await?;
    let number: i64 = call.id.parse().map_err(|_| call.missing())?;
    let found = one(&call, number).await?;
    found.map(|event| Answer::resource(&resource(&event))).ok_or_else(|| call.missing())
}

async fn one(call: &Call, number: i64) -> Result<Option<AuditEvent>, Problem> {
    let events = call.service.store.audit_events(number.saturating_sub(1), 1).await?;
    Ok(events.into_iter().find(|event| event.sequence == number))
}

/// Records that the trail is read.
async fn read_by(call: &Call) -> Result<(), Problem> {
    Ok(call.service.record_counted(actor(call.user()?), "audit.read", "events".to_owned()).await?)
}

/// Events, oldest first.
pub(super) async fn search(call: Call) -> Result<Answer, Problem> {
    read_by(&call).await?;
    let count = call.count()?;
    if let Some(ids) = call.parameter("_id") {
        let mut found = Vec::new();
        for number in ids.split(',').filter_map(|id| id.parse().ok()).take(count as usize) {
            found.extend(one(&call, number).await?.map(|event| resource(&event)));
        }
        return Ok(call.page(found, None, &[]));
    }
    let after = call.cursor()?.and_then(|cursor| i64::try_from(cursor.item.as_u128()).ok()).unwrap_or_default();
    let events = call.service.store.audit_events(after, count).await?;
    let next = events.last().filter(|_| events.len() == count as usize);
    let next = next.map(|event| Cursor::of(Uuid::from_u128(event.sequence.unsigned_abs().into())));
    Ok(call.page(events.iter().map(resource).collect(), next.as_ref(), &[]))
}
