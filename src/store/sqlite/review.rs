//! The queue in SQLite: claim, release, decide, finish. Every change asks the same questions in the same order.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    SqliteStore,
    audit::{self, Cause, Event},
    items,
    outbox::{self, Happened},
    unit::{Unit, bytes, micros},
};
use crate::{
    domain::{Decision, EventKind, ItemState, ReviewItem, User},
    store::{Actor, Finishing, ItemChange, ItemFilter, ItemRecord, Reopening, ReviewStore, StoreError},
};

#[async_trait]
impl ReviewStore for SqliteStore {
    async fn items(&self, filter: ItemFilter, now: Timestamp) -> Result<Vec<ReviewItem>, StoreError> {
        self.readers.read(move |unit| items::list(unit, &filter, now)).await
    }

    async fn item(&self, id: Uuid, now: Timestamp) -> Result<Option<ItemRecord>, StoreError> {
        self.readers.read(move |unit| items::record(unit, id, now)).await
    }

    async fn claim_item(&self, id: Uuid, user: &User, lease: SignedDuration, now: Timestamp) -> Result<ItemChange, StoreError> {
        let cause = cause(user, now);
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        self.writer
            .write(move |unit| {
                let item = match items::item(unit, id, now)? {
                    None => return Ok(ItemChange::Missing),
                    Some(item) if item.state == ItemState::Finished => return Ok(ItemChange::Finished),
                    Some(item) => item,
                };
                match holder(&item) {
                    Some(held) if Some(held.user_id) != cause.actor.user_id => return Ok(held.refusal()),
                    Some(_) => {
                        // Renewing moves the end of the claim; what the item shows stays, and so does its revision.
                        let sql = "UPDATE review_item SET claimed_until = ?2 WHERE id = ?1";
                        unit.execute(sql, (bytes(id), micros(until)))?;
                        return Ok(ItemChange::Done { revision: item.revision });
                    }
                    None => {}
                }
                unit.execute(
                    "UPDATE review_item SET state = 'claimed', claimed_by = ?2, claimed_until = ?3 WHERE id = ?1",
                    (bytes(id), cause.actor.user_id.map(bytes), micros(until)),
                )?;
                change(unit, &item, &cause, ("item.claimed", ""))
            })
            .await
    }

    async fn release_item(&self, id: Uuid, user: &User, now: Timestamp) -> Result<ItemChange, StoreError> {
        let cause = cause(user, now);
        self.writer
            .write(move |unit| {
                let item = match held_item(unit, id, &cause, None)? {
                    Ok(item) => item,
                    Err(refusal) => return Ok(refusal),
                };
                end_claim(unit, id, ItemState::Open)?;
                change(unit, &item, &cause, ("item.released", ""))
            })
            .await
    }

    async fn decide(
        &self,
        id: Uuid,
        user: &User,
        decisions: Vec<Decision>,
        revision: Option<u64>,
        now: Timestamp,
    ) -> Result<ItemChange, StoreError> {
        let cause = cause(user, now);
        self.writer
            .write(move |unit| {
                let item = match held_item(unit, id, &cause, revision)? {
                    Ok(item) => item,
                    Err(refusal) => return Ok(refusal),
                };
                if decisions.is_empty() {
                    return Ok(ItemChange::Done { revision: item.revision });
                }
                append(unit, &item, &cause.actor, &decisions)?;
                for decision in &decisions {
                    // not the entry's id: it is made from its code, so it would tell a guesser which code it is
                    let detail = format!("{} decision {}", decision.kind.action(), decision.id);
                    audit::append(unit, &cause, &Event::of("entry.decided", "item", id, &detail))?;
                }
                grow(unit, &item)
            })
            .await
    }

    async fn reopen_item(&self, id: Uuid, user: &User, reopening: Reopening, now: Timestamp) -> Result<ItemChange, StoreError> {
        let cause = cause(user, now);
        self.writer
            .write(move |unit| {
                let Reopening { reason, revision } = &reopening;
                let Some(item) = items::item(unit, id, now)? else { return Ok(ItemChange::Missing) };
                if revision.is_some_and(|expected| expected != item.revision) {
                    return Ok(ItemChange::Stale { revision: item.revision });
                }
                let detail = match (item.state, holder(&item)) {
                    (ItemState::Finished, _) => reason.clone(),
                    (_, Some(held)) => format!("{reason}; {} held it", held.name),
                    (_, None) => return Ok(ItemChange::Done { revision: item.revision }),
                };
                end_claim(unit, id, ItemState::Open)?;
                change(unit, &item, &cause, ("item.reopened", &detail))
            })
            .await
    }

    async fn finish_item(&self, id: Uuid, user: &User, finishing: Finishing, now: Timestamp) -> Result<ItemChange, StoreError> {
        let cause = cause(user, now);
        self.writer
            .write(move |unit| {
                let item = match held_item(unit, id, &cause, finishing.revision)? {
                    Ok(item) => item,
                    Err(refusal) => return Ok(refusal),
                };
                if item.pending_notes > 0 {
                    return Ok(ItemChange::Pending { notes: item.pending_notes });
                }
                end_claim(unit, id, ItemState::Finished)?;
                if let Some(overridden) = &finishing.overridden {
                    audit::append(unit, &cause, &Event::of(audit::OVERRIDDEN, "item", id, overridden))?;
                }
                let outgoing = &finishing.outgoing;
                outbox::emit(unit, &Happened { event: EventKind::ReviewFinished, note: None, item: id, outgoing }, now)?;
                let detail = format!("{} notes", item.notes.len());
                change(unit, &item, &cause, ("item.finished", &detail))
            })
            .await
    }
}

fn cause(user: &User, now: Timestamp) -> Cause {
    Cause { actor: Actor { user_id: Some(user.id), name: user.name.clone() }, now }
}

/// Who holds a live claim on an item.
struct Holder {
    user_id: Uuid,
    name: String,
    until: Timestamp,
}

impl Holder {
    fn refusal(self) -> ItemChange {
        ItemChange::HeldBy { name: self.name, until: self.until }
    }
}

fn holder(item: &ReviewItem) -> Option<Holder> {
    let (user_id, name) = item.claimed_by.clone()?;
    Some(Holder { user_id, name, until: item.claimed_until? })
}

/// The item, when the actor holds it and expects the right revision; else why not.
fn held_item(
    unit: &Unit<'_>,
    id: Uuid,
    cause: &Cause,
    revision: Option<u64>,
) -> Result<Result<ReviewItem, ItemChange>, StoreError> {
    let Some(item) = items::item(unit, id, cause.now)? else { return Ok(Err(ItemChange::Missing)) };
    if item.state == ItemState::Finished {
        return Ok(Err(ItemChange::Finished));
    }
    Ok(match holder(&item) {
        None => Err(ItemChange::NotHeld),
        Some(held) if Some(held.user_id) != cause.actor.user_id => Err(held.refusal()),
        Some(_) if revision.is_some_and(|expected| expected != item.revision) => {
            Err(ItemChange::Stale { revision: item.revision })
        }
        Some(_) => Ok(item),
    })
}

fn end_claim(unit: &Unit<'_>, id: Uuid, state: ItemState) -> Result<(), StoreError> {
    let sql = "UPDATE review_item SET state = ?2, claimed_by = NULL, claimed_until = NULL WHERE id = ?1";
    unit.execute(sql, (bytes(id), state.as_str()))?;
    Ok(())
}

/// Writes decisions after the ones that are there, each sealed with the item's key.
fn append(unit: &Unit<'_>, item: &ReviewItem, actor: &Actor, decisions: &[Decision]) -> Result<(), StoreError> {
    let inconsistent = |decision: &Decision, problem: &str| StoreError::Inconsistent {
        table: "decision",
        id: decision.id.to_string(),
        problem: problem.to_owned(),
    };
    let key = items::key_of(unit, item.id)?;
    for decision in decisions {
        if decision.item_id != item.id || Some(decision.user_id) != actor.user_id {
            return Err(inconsistent(decision, "it names another item or user than the one it is recorded for"));
        }
        let body = serde_json::to_vec(decision).map_err(|_| inconsistent(decision, "it cannot be written as JSON"))?;
        unit.execute(
            "INSERT INTO decision (id, item_id, position, user_id, action, at, body)
             VALUES (?1, ?2, (SELECT coalesce(max(position), 0) + 1 FROM decision WHERE item_id = ?2), ?3, ?4, ?5, ?6)",
            (
                bytes(decision.id),
                bytes(item.id),
                bytes(decision.user_id),
                decision.kind.action(),
                micros(decision.at),
                key.for_row("decision", decision.id).seal("body", &body),
            ),
        )?;
    }
    Ok(())
}

/// Writes the event of a change and grows the revision.
fn change(unit: &Unit<'_>, item: &ReviewItem, cause: &Cause, event: (&str, &str)) -> Result<ItemChange, StoreError> {
    audit::append(unit, cause, &Event::of(event.0, "item", item.id, event.1))?;
    grow(unit, item)
}

fn grow(unit: &Unit<'_>, item: &ReviewItem) -> Result<ItemChange, StoreError> {
    unit.execute("UPDATE review_item SET revision = revision + 1 WHERE id = ?1", [bytes(item.id)])?;
    Ok(ItemChange::Done { revision: item.revision + 1 })
}
