//! The queue: items, claims, decisions.
//!
//! Every change of an item is asked of the state machine of the domain and checked against what the caller expected in the one
//! transaction that makes it.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Event},
    items,
    outbox::{self, Happened},
    outcomes,
    places::{self, Acting, Said, grow, step},
    second_reviews, summaries,
    unit::{Unit, bytes, micros},
    value::params,
    workbench,
};
use crate::{
    domain::{Act, Decision, EventKind, RemarkKind, ReviewItem, User},
    store::{Actor, Finishing, GivenToTeam, ItemChange, ItemFilter, ItemRecord, Movement, ReviewStore, StoreError, WorkedOut},
};

#[async_trait]
impl<D: Database> ReviewStore for SqlStore<D> {
    async fn items(&self, filter: ItemFilter, now: Timestamp) -> Result<Vec<ReviewItem>, StoreError> {
        self.database.read(move |unit| items::list(unit, &filter, now)).await
    }

    async fn item(&self, id: Uuid, now: Timestamp) -> Result<Option<ItemRecord>, StoreError> {
        self.database.read(move |unit| items::record(unit, id, now)).await
    }

    async fn claim_item(&self, id: Uuid, user: &User, lease: SignedDuration, now: Timestamp) -> Result<ItemChange, StoreError> {
        let acting = Acting::of(user, now);
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        self.database
            .write(move |unit| {
                let (item, place) = match step(unit, id, &acting, |_| Act::Claim, None)? {
                    Ok(found) => found,
                    Err(change) => return Ok(change),
                };
                places::write(unit, id, place, Some(until))?;
                if place == item.place() {
                    // Renewing moves the end of the claim; what the item shows stays, and so does its revision.
                    return Ok(ItemChange::Done { revision: item.revision });
                }
                change(unit, &item, &acting, ("item.claimed", ""))
            })
            .await
    }

    async fn move_item(&self, id: Uuid, user: &User, movement: Movement, now: Timestamp) -> Result<ItemChange, StoreError> {
        let acting = Acting::of(user, now);
        self.database.write(move |unit| places::moved(unit, id, &acting, &movement)).await
    }

    async fn give_to_team(&self, id: Uuid, user: &User, given: GivenToTeam, now: Timestamp) -> Result<ItemChange, StoreError> {
        let acting = Acting::of(user, now);
        self.database.write(move |unit| places::given_to_team(unit, id, &acting, &given)).await
    }

    async fn remark(
        &self,
        id: Uuid,
        user: &User,
        remark_id: Uuid,
        comment: String,
        now: Timestamp,
    ) -> Result<ItemChange, StoreError> {
        let acting = Acting::of(user, now);
        self.database
            .write(move |unit| {
                unit.hold_row("review_item", id)?;
                let known = if items::is_purged(unit, id)? { None } else { items::item(unit, id, now)? };
                let Some(item) = known else { return Ok(ItemChange::Missing) };
                let said = Said {
                    id: remark_id,
                    kind: RemarkKind::Commented,
                    reason: None,
                    comment: Some(&comment),
                    assigned_to: None,
                    until: None,
                };
                places::keep(unit, &item, &acting, &said)?;
                audit::append(unit, &acting.cause, &Event::of("item.commented", "item", id, ""))?;
                Ok(ItemChange::Done { revision: item.revision })
            })
            .await
    }

    async fn unsummarized_items(&self, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        self.database.read(move |unit| summaries::stale(unit, limit)).await
    }

    async fn summarize_item(&self, id: Uuid, worked_out: WorkedOut, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(move |unit| {
                summaries::keep(unit, id, &worked_out.summary, now)?;
                worked_out.outcome.clone().map_or(Ok(()), |outcome| outcomes::keep(unit, outcome))
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
        let acting = Acting::of(user, now);
        self.database
            .write(move |unit| {
                let (item, _) = match step(unit, id, &acting, |_| Act::Decide, revision)? {
                    Ok(found) => found,
                    Err(change) => return Ok(change),
                };
                if decisions.is_empty() {
                    return Ok(ItemChange::Done { revision: item.revision });
                }
                append(unit, &item, &acting.cause.actor, &decisions)?;
                for decision in &decisions {
                    // not the entry's id: it is made from its code, so it would tell a guesser which code it is
                    let detail = format!("{} decision {}", decision.kind.action(), decision.id);
                    audit::append(unit, &acting.cause, &Event::of("entry.decided", "item", id, &detail))?;
                }
                grow(unit, &item)
            })
            .await
    }

    async fn finish_item(&self, id: Uuid, user: &User, finishing: Finishing, now: Timestamp) -> Result<ItemChange, StoreError> {
        let acting = Acting::of(user, now);
        self.database
            .write(move |unit| {
                let finish = |item: &ReviewItem| Act::Finish { pending_notes: item.pending_notes };
                let (item, place) = match step(unit, id, &acting, finish, finishing.revision)? {
                    Ok(found) => found,
                    Err(change) => return Ok(change),
                };
                places::write(unit, id, place, None)?;
                if let Some(overridden) = &finishing.overridden {
                    audit::append(unit, &acting.cause, &Event::of(audit::OVERRIDDEN, "item", id, overridden))?;
                }
                if let Some(drawn) = finishing.drawn {
                    second_reviews::draw(unit, &item, &acting, drawn)?;
                }
                workbench::count(unit, id, &finishing.outcomes, now)?;
                let outgoing = &finishing.outgoing;
                outbox::emit(unit, &Happened { event: EventKind::ReviewFinished, note: None, item: id, outgoing }, now)?;
                let detail = format!("{} notes", item.notes.len());
                change(unit, &item, &acting, ("item.finished", &detail))
            })
            .await
    }
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
            params![
                bytes(decision.id),
                bytes(item.id),
                bytes(decision.user_id),
                decision.kind.action(),
                micros(decision.at),
                key.for_row("decision", decision.id).seal("body", &body),
            ],
        )?;
    }
    Ok(())
}

/// Writes the event of a change and grows the revision.
fn change(unit: &Unit<'_>, item: &ReviewItem, acting: &Acting, event: (&str, &str)) -> Result<ItemChange, StoreError> {
    audit::append(unit, &acting.cause, &Event::of(event.0, "item", item.id, event.1))?;
    grow(unit, item)
}
