//! The outbox: deliveries are written in the transaction of their cause, and sent one after another to each destination.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    reports,
    unit::{Columns, Unit, bytes, micros},
    value::{Value, params},
    vault::RowKey,
};
use crate::{
    domain::{Delivery, Destination, EventKind},
    store::{Actor, ClaimedDelivery, DeliveryEnd, DeliveryFilter, OutboxStore, Outgoing, StoreError},
};

/// Something that happened, as a cause of deliveries.
pub(super) struct Happened<'a> {
    pub(super) event: EventKind,
    pub(super) note: Option<Uuid>,
    pub(super) item: Option<Uuid>,
    /// What is sent to destinations that want more than the event.
    pub(super) outgoing: &'a [Outgoing],
}

/// Writes a delivery for every destination that hears of it.
pub(super) fn emit(unit: &Unit<'_>, happened: &Happened<'_>, now: Timestamp) -> Result<(), StoreError> {
    emit_about(unit, happened, None, now)
}

/// As [`emit`], of a query.
pub(super) fn emit_about(
    unit: &Unit<'_>,
    happened: &Happened<'_>,
    query: Option<Uuid>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT id, data_key FROM destination
               WHERE disabled = 0 AND ' ' || events || ' ' LIKE '% ' || ?1 || ' %' ORDER BY name";
    let hearing = unit.all("destination", sql, [happened.event.as_str()], |row| {
        let id = row.id("id")?;
        Ok((id, unit.vault.data_key("destination", id, &row.get::<Vec<u8>>("data_key")?)?))
    })?;
    for destination in hearing {
        unit.tail.borrow_mut().delivery(destination, happened, query, now);
    }
    Ok(())
}

#[async_trait]
impl<D: Database> OutboxStore for SqlStore<D> {
    async fn add_destination(&self, destination: Destination, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let (key, data_key) = self.vault.new_data_key("destination", destination.id);
        let settings = serde_json::to_vec(&destination.channel).map_err(|_| StoreError::Inconsistent {
            table: "destination",
            id: destination.id.to_string(),
            problem: "its settings cannot be written as JSON".to_owned(),
        })?;
        let settings = key.seal("settings", &settings);
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let events: Vec<&str> = destination.events.iter().map(|event| event.as_str()).collect();
                let added = unit.execute(
                    "INSERT INTO destination (id, name, kind, events, data_key, settings, disabled, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO NOTHING",
                    params![
                        bytes(destination.id),
                        destination.name,
                        destination.channel.kind(),
                        events.join(" "),
                        data_key,
                        settings,
                        destination.disabled,
                        micros(now)
                    ],
                )? > 0;
                if added {
                    let event = Event::of("destination.added", "destination", destination.id, destination.channel.kind());
                    audit::append(unit, &cause, &event)?;
                }
                Ok(added)
            })
            .await
    }

    async fn destinations(&self) -> Result<Vec<Destination>, StoreError> {
        let sql = format!("{DESTINATION} ORDER BY name");
        self.database.read(move |unit| unit.all("destination", &sql, (), |row| Ok(destination(unit, row)?.0))).await
    }

    async fn set_destination_disabled(
        &self,
        name: &str,
        disabled: bool,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let sql = "UPDATE destination SET disabled = ?2 WHERE name = ?1 RETURNING id";
                let Some(id) = unit.one("destination", sql, (&name, disabled), |row| row.id("id"))? else { return Ok(false) };
                let action = if disabled { "destination.disabled" } else { "destination.enabled" };
                audit::append(unit, &cause, &Event::of(action, "destination", id, ""))?;
                Ok(true)
            })
            .await
    }

    async fn claim_deliveries(&self, lease: SignedDuration, now: Timestamp) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        self.database.write(move |unit| claim(unit, until, now)).await
    }

    async fn end_delivery(&self, delivery: &ClaimedDelivery, end: DeliveryEnd, now: Timestamp) -> Result<bool, StoreError> {
        let (id, fence) = (delivery.delivery.id, delivery.fence);
        self.database
            .write(move |unit| {
                let (state, run_after, problem, ended) = match &end {
                    DeliveryEnd::Delivered => ("delivered", now, None, Some(now)),
                    DeliveryEnd::Retry { at, problem } => ("waiting", *at, Some(problem), None),
                    DeliveryEnd::Dead { problem } => ("dead", now, Some(problem), Some(now)),
                };
                let sql = "UPDATE delivery SET state = ?3, run_after = ?4, problem = ?5, ended_at = ?6, lease_until = NULL
                           WHERE id = ?1 AND fence = ?2 AND state = 'claimed'";
                let values = (bytes(id), fence, state, micros(run_after), problem, ended.map(micros));
                let is_current = unit.execute(sql, values)? > 0;
                if is_current && !matches!(end, DeliveryEnd::Retry { .. }) {
                    let cause = Cause { actor: Actor::service(), now };
                    let action = format!("delivery.{state}");
                    audit::append(unit, &cause, &Event::of(&action, "delivery", id, problem.map_or("", String::as_str)))?;
                }
                Ok(is_current)
            })
            .await
    }

    async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.database
            .read(move |unit| {
                let text = |word: Option<String>| word.map_or(Value::Null, |word| Value::Text(word.into()));
                let mut values = vec![
                    Value::Integer(filter.after),
                    text(filter.state.map(|state| state.as_str().to_owned())),
                    text(filter.destination),
                    Value::Integer(filter.limit.clamp(1, 200).into()),
                    filter.id.map_or(Value::Null, |id| Value::Blob(bytes(id).to_vec().into())),
                ];
                let seen = filter.scope.map_or_else(String::new, |scope| {
                    let seen = reports::seen(&scope, &mut values);
                    format!("AND (d.item_id IS NULL OR EXISTS (SELECT 1 FROM review_item i WHERE i.id = d.item_id{seen}))")
                });
                let sql = format!(
                    "{DELIVERY} WHERE d.sequence > ?1 AND (d.state = ?2 OR ?2 IS NULL) AND (t.name = ?3 OR ?3 IS NULL)
                        AND (d.id = ?5 OR ?5 IS NULL) {seen} ORDER BY d.sequence LIMIT ?4"
                );
                unit.all("delivery", &sql, values, delivery)
            })
            .await
    }

    async fn resend_delivery(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let sql = "UPDATE delivery SET state = 'waiting', tries = 0, run_after = ?2, ended_at = NULL
                           WHERE id = ?1 AND state IN ('delivered', 'dead', 'waiting')
                             AND (problem IS NULL OR problem <> 'purged')";
                let waits = unit.execute(sql, (bytes(id), micros(now)))? > 0;
                if waits {
                    audit::append(unit, &cause, &Event::of("delivery.resent", "delivery", id, ""))?;
                }
                Ok(waits)
            })
            .await
    }
}

/// No delay and no lease that is given lies farther ahead: a time that does was given by a clock that was wrong, and counts as past.
const FARTHEST: SignedDuration = SignedDuration::from_hours(2);

/// Claims the first unfinished delivery of every enabled destination, when it is due: each destination gets its deliveries in their order.
fn claim(unit: &Unit<'_>, until: Timestamp, now: Timestamp) -> Result<Vec<ClaimedDelivery>, StoreError> {
    let claimed = unit.all(
        "delivery",
        &format!(
            "WITH due AS (
                 SELECT d.id FROM destination t JOIN delivery d ON d.sequence =
                     (SELECT min(f.sequence) FROM delivery f WHERE f.destination_id = t.id AND f.state IN ('waiting', 'claimed'))
                 WHERE t.disabled = 0
                     AND ((d.state = 'waiting' AND (d.run_after <= ?1 OR d.run_after > ?3))
                          OR (d.state = 'claimed' AND (d.lease_until <= ?1 OR d.lease_until > ?3)))
                 ORDER BY d.sequence {})
             UPDATE delivery SET state = 'claimed', fence = fence + 1, tries = tries + 1, lease_until = ?2
             WHERE id IN (SELECT id FROM due) RETURNING id, fence",
            unit.passing_over_held("d")
        ),
        (micros(now), micros(until), micros(now.saturating_add(FARTHEST).unwrap_or(Timestamp::MAX))),
        |row| Ok((row.id("id")?, row.get::<i64>("fence")?)),
    )?;
    let mut deliveries = Vec::with_capacity(claimed.len());
    for (id, fence) in claimed {
        let sql = format!("{DELIVERY} WHERE d.id = ?1");
        let found = unit.one("delivery", &sql, [bytes(id)], |row| {
            Ok((delivery(row)?, row.id("destination_id")?, row.get::<Option<Vec<u8>>>("body")?))
        })?;
        let Some((delivery, destination_id, body)) = found else { continue };
        let sql = format!("{DESTINATION} WHERE id = ?1");
        let to = unit.one("destination", &sql, [bytes(destination_id)], |row| destination(unit, row))?;
        let Some((destination, key)) = to else { continue };
        let body = body.map(|body| key.for_row("delivery", id).open_text("body", &body)).transpose()?;
        deliveries.push(ClaimedDelivery { delivery, destination, body, fence });
    }
    Ok(deliveries)
}

const DESTINATION: &str = "SELECT id, name, events, data_key, settings, disabled, created_at FROM destination";

fn destination(unit: &Unit<'_>, row: &Columns<'_>) -> Result<(Destination, RowKey), StoreError> {
    let id = row.id("id")?;
    let key = unit.vault.data_key("destination", id, &row.get::<Vec<u8>>("data_key")?)?;
    let destination = Destination {
        id,
        name: row.get("name")?,
        channel: key.open_json("settings", &row.get::<Vec<u8>>("settings")?)?,
        events: row.word("events", |words| words.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok())?,
        disabled: row.get("disabled")?,
        created_at: row.instant("created_at")?,
    };
    Ok((destination, key))
}

const DELIVERY: &str = "
    SELECT d.sequence, d.id, d.destination_id, d.event, d.note_id, d.item_id, d.body, d.state, d.tries, d.problem, d.created_at,
           d.ended_at, d.query_id, t.name
    FROM delivery d JOIN destination t ON t.id = d.destination_id";

/// Deliveries about an item in their order, with what is sent, where it is kept.
pub(super) fn of_item(unit: &Unit<'_>, item: Uuid) -> Result<Vec<(Delivery, Option<String>)>, StoreError> {
    let sql = format!("{DELIVERY} WHERE d.item_id = ?1 ORDER BY d.sequence");
    let found = unit.all("delivery", &sql, [bytes(item)], |row| {
        Ok((delivery(row)?, row.id("destination_id")?, row.get::<Option<Vec<u8>>>("body")?))
    })?;
    let with_body = found.into_iter().map(|(delivery, to, body)| {
        let Some(body) = body else { return Ok((delivery, None)) };
        let sql = format!("{DESTINATION} WHERE id = ?1");
        let key = unit.one("destination", &sql, [bytes(to)], |row| Ok(destination(unit, row)?.1))?;
        let body = key.map(|key| key.for_row("delivery", delivery.id).open_text("body", &body)).transpose()?;
        Ok((delivery, body))
    });
    with_body.collect()
}

fn delivery(row: &Columns<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        sequence: row.get("sequence")?,
        id: row.id("id")?,
        destination: row.get("name")?,
        event: row.word("event", |word| word.parse().ok())?,
        note_id: row.id_or_none("note_id")?,
        item_id: row.id_or_none("item_id")?,
        query_id: row.id_or_none("query_id")?,
        state: row.word("state", |word| word.parse().ok())?,
        tries: u32::try_from(row.unsigned("tries")?).unwrap_or(u32::MAX),
        problem: row.get("problem")?,
        created_at: row.instant("created_at")?,
        ended_at: row.instant_or_none("ended_at")?,
    })
}
