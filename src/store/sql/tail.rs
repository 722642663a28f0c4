//! What a transaction writes last: the rows that are numbered without gaps, audit events and deliveries.
//!
//! Their numbers are in the order of the commits, because whoever numbers rows holds [`ORDER`] from then until the commit. So that others
//! wait for nothing else, everything that a transaction does besides is done before.

use std::borrow::Cow;

use uuid::Uuid;

use super::{
    audit::{Cause, Event},
    outbox::Happened,
    unit::{Unit, bytes, micros},
    value::{Value, params},
    vault::RowKey,
};
use crate::{
    domain::EventKind,
    store::{Actor, StoreError},
};

/// Held by whoever numbers rows.
pub(super) const ORDER: i64 = 0x6162_7374_0000_0001;
/// Events that one statement writes.
const EVENTS: usize = 20;

/// What is kept for the end.
#[derive(Default)]
pub(super) struct Tail {
    events: Vec<KeptEvent>,
    deliveries: Vec<KeptDelivery>,
}

struct KeptEvent {
    at: i64,
    actor: Actor,
    action: String,
    subject: Option<(String, Uuid)>,
    detail: String,
}

struct KeptDelivery {
    destination: Uuid,
    key: RowKey,
    event: EventKind,
    note: Option<Uuid>,
    item: Option<Uuid>,
    query: Option<Uuid>,
    body: Option<String>,
    at: i64,
}

impl KeptEvent {
    fn values(&self) -> [Value<'_>; 7] {
        let blob = |id: Uuid| Value::Blob(Cow::Owned(bytes(id).into()));
        let text = |words| Value::Text(Cow::Borrowed(words));
        [
            Value::Integer(self.at),
            self.actor.user_id.map_or(Value::Null, blob),
            text(self.actor.name.as_str()),
            text(&self.action),
            text(self.subject.as_ref().map_or("", |(kind, _)| kind)),
            self.subject.as_ref().map_or(Value::Null, |(_, id)| blob(*id)),
            text(&self.detail),
        ]
    }
}

impl Tail {
    /// Keeps an event.
    pub(super) fn event(&mut self, cause: &Cause, event: &Event<'_>) {
        self.events.push(KeptEvent {
            at: micros(cause.now),
            actor: cause.actor.clone(),
            action: event.action.to_owned(),
            subject: event.subject.map(|(kind, id)| (kind.to_owned(), id)),
            detail: event.detail.to_owned(),
        });
    }

    /// Keeps a delivery to a destination, whose key is given.
    pub(super) fn delivery(
        &mut self,
        (destination, key): (Uuid, RowKey),
        happened: &Happened<'_>,
        query: Option<Uuid>,
        now: jiff::Timestamp,
    ) {
        let body = happened.outgoing.iter().find(|outgoing| outgoing.destination == destination);
        self.deliveries.push(KeptDelivery {
            destination,
            key,
            event: happened.event,
            note: happened.note,
            item: happened.item,
            query,
            body: body.map(|outgoing| outgoing.body.clone()),
            at: micros(now),
        });
    }
}

/// Numbers and writes what was kept.
pub(super) fn write(unit: &Unit<'_>) -> Result<(), StoreError> {
    let Tail { events, deliveries } = unit.tail.take();
    if events.is_empty() && deliveries.is_empty() {
        return Ok(());
    }
    unit.session.hold(&[ORDER])?;
    for delivery in &deliveries {
        let sequence = unit.count("SELECT coalesce(max(sequence), 0) + 1 AS n FROM delivery", ())?;
        let id = Uuid::new_v5(&delivery.destination, &sequence.to_be_bytes());
        let body = delivery.body.as_ref().map(|body| delivery.key.for_row("delivery", id).seal("body", body.as_bytes()));
        unit.write(
            "INSERT INTO delivery (sequence, id, destination_id, event, note_id, item_id, body, state, tries, run_after, fence,
                                   created_at, query_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', 0, ?8, 0, ?8, ?9)",
            params![
                i64::try_from(sequence).unwrap_or(i64::MAX),
                bytes(id),
                bytes(delivery.destination),
                delivery.event.as_str(),
                delivery.note.map(bytes),
                delivery.item.map(bytes),
                body,
                delivery.at,
                delivery.query.map(bytes)
            ],
        )?;
    }
    for events in events.chunks(EVENTS) {
        // the largest plus one, plus two ...; an undone event leaves no gap
        let row = |number: usize| {
            let values: Vec<String> = (1..=7).map(|value| format!("?{}", number * 7 + value)).collect();
            format!("((SELECT n FROM last) + {}, {})", number + 1, values.join(", "))
        };
        let rows: Vec<String> = (0..events.len()).map(row).collect();
        let sql = format!(
            "WITH last (n) AS (SELECT coalesce(max(sequence), 0) FROM audit_event)
             INSERT INTO audit_event (sequence, at, actor_id, actor_name, action, subject_kind, subject_id, detail) VALUES {}",
            rows.join(", ")
        );
        unit.write(&sql, events.iter().flat_map(KeptEvent::values).collect::<Vec<_>>())?;
    }
    Ok(())
}
