//! Where items stand: columns written as the state machine of the domain says, and the remarks beside them.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    audit::{self, Cause, Event},
    items, site_lists,
    unit::{Unit, bytes, micros},
};
use crate::{
    domain::{Act, By, ItemState, Place, Refusal, Remark, RemarkKind, ReviewItem, Role, User},
    store::{Actor, GivenToTeam, ItemChange, Movement, StoreError},
};

/// The end of what is laid aside until somebody takes it: later than any that a person gives.
pub(super) const NO_END: i64 = 253_370_764_800_000_000;

/// Who acts on an item, and when.
pub(super) struct Acting {
    pub(super) cause: Cause,
    pub(super) by: By,
}

impl Acting {
    pub(super) fn of(user: &User, now: Timestamp) -> Self {
        let actor = Actor { user_id: Some(user.id), name: user.name.clone() };
        Self { cause: Cause { actor, now }, by: By { user: user.id, leads: user.role == Role::Lead, in_team: true } }
    }
}

/// The item with its place after an act; else why it does not happen.
pub(super) fn step(
    unit: &Unit<'_>,
    id: Uuid,
    acting: &Acting,
    act: impl FnOnce(&ReviewItem) -> Act,
    revision: Option<u64>,
) -> Result<Result<(ReviewItem, Place), ItemChange>, StoreError> {
    unit.hold_row("review_item", id)?;
    if items::is_purged(unit, id)? {
        return Ok(Err(ItemChange::Missing));
    }
    let Some(item) = items::item(unit, id, acting.cause.now)? else { return Ok(Err(ItemChange::Missing)) };
    let act = act(&item);
    let in_team = match &item.team {
        Some(team) => site_lists::is_member(unit, team, &acting.cause.actor.name)?,
        None => true,
    };
    Ok(match item.place().after(act, By { in_team, ..acting.by }) {
        Err(refusal) if refusal != Refusal::NotesPending => Err(refused(&item, refusal)),
        _ if revision.is_some_and(|expected| expected != item.revision) => Err(ItemChange::Stale { revision: item.revision }),
        Err(refusal) => Err(refused(&item, refusal)),
        Ok(place) => Ok((item, place)),
    })
}

fn refused(item: &ReviewItem, refusal: Refusal) -> ItemChange {
    let name = |who: &Option<(Uuid, String)>| who.as_ref().map(|(_, name)| name.clone()).unwrap_or_default();
    match refusal {
        Refusal::Finished => ItemChange::Finished,
        Refusal::HeldByAnother => {
            ItemChange::HeldBy { name: name(&item.claimed_by), until: item.claimed_until.unwrap_or(Timestamp::MIN) }
        }
        Refusal::NotHeld => ItemChange::NotHeld,
        Refusal::AssignedToAnother => ItemChange::AssignedTo { name: name(&item.assigned_to) },
        Refusal::ForLeads => ItemChange::ForLeads,
        Refusal::ForTeam => ItemChange::ForTeam { team: item.team.clone().unwrap_or_default() },
        Refusal::NotesPending => ItemChange::Pending { notes: item.pending_notes },
    }
}

/// Writes a place; `until` is the end of a claim, or of what is laid aside.
pub(super) fn write(unit: &Unit<'_>, id: Uuid, place: Place, until: Option<Timestamp>) -> Result<(), StoreError> {
    let held = place.state == ItemState::Claimed;
    // pended is open with a time, so that older programs, which know three states, go on with it
    let state = if place.state == ItemState::Pended { ItemState::Open } else { place.state };
    let pended = (place.state == ItemState::Pended).then(|| until.map_or(NO_END, micros).min(NO_END));
    unit.execute(
        "UPDATE review_item SET state = ?2, claimed_by = ?3, claimed_until = ?4, pended_until = ?5, assigned_to = ?6, escalated = ?7
         WHERE id = ?1",
        (
            bytes(id),
            state.as_str(),
            place.holder.map(bytes),
            until.filter(|_| held).map(micros),
            pended,
            place.assignee.map(bytes),
            place.escalated,
        ),
    )?;
    Ok(())
}

/// Moves an item, keeps why, and writes the event.
pub(super) fn moved(unit: &Unit<'_>, id: Uuid, acting: &Acting, movement: &Movement) -> Result<ItemChange, StoreError> {
    let (item, place) = match step(unit, id, acting, |_| movement.act, movement.revision)? {
        Ok(found) => found,
        Err(change) => return Ok(change),
    };
    if place == item.place() {
        return Ok(ItemChange::Done { revision: item.revision });
    }
    // who holds it, or how long it is laid aside, stays where only its assignee changes
    let until = match (item.state, place.state) {
        (ItemState::Claimed, ItemState::Claimed) => item.claimed_until,
        (ItemState::Pended, ItemState::Pended) => item.pended_until,
        _ => movement.until,
    };
    write(unit, id, place, until)?;
    let (kind, event) = match movement.act {
        Act::Pend => (Some(RemarkKind::Pended), "item.pended"),
        Act::Escalate => (Some(RemarkKind::Escalated), "item.escalated"),
        Act::Assign(_) => (Some(RemarkKind::Assigned), "item.assigned"),
        Act::Reopen => (Some(RemarkKind::Reopened), "item.reopened"),
        _ => (None, "item.released"),
    };
    if let Some(kind) = kind {
        let assigned_to = if let Act::Assign(to) = movement.act { to } else { None };
        let said = Said {
            id: movement.remark_id,
            kind,
            reason: movement.reason.as_deref(),
            comment: movement.comment.as_deref(),
            assigned_to,
            until: movement.until,
        };
        keep(unit, &item, acting, &said)?;
    }
    // why an open item is as it is; nobody's business any more once it is held or done
    let reason = movement.reason.as_ref().filter(|_| matches!(movement.act, Act::Pend | Act::Escalate));
    if reason.is_some() || matches!(movement.act, Act::Assign(Some(_)) | Act::Reopen) {
        unit.execute("UPDATE review_item SET place_reason = ?2 WHERE id = ?1", (bytes(id), reason))?;
    }
    let mut detail = movement.reason.clone().unwrap_or_default();
    if let Act::Assign(to) = movement.act {
        detail = to.map_or_else(|| "to nobody".to_owned(), |to| format!("to user {to}"));
    }
    if let (Some((_, holder)), Act::Reopen | Act::Assign(_)) = (&item.claimed_by, movement.act)
        && place.holder.is_none()
    {
        detail = format!("{detail}; {holder} held it");
    }
    audit::append(unit, &acting.cause, &Event::of(event, "item", id, &detail))?;
    grow(unit, &item)
}

/// Gives an item to a team, or to none, keeps the words, and writes the event. Who holds it goes on holding it.
pub(super) fn given_to_team(unit: &Unit<'_>, id: Uuid, acting: &Acting, given: &GivenToTeam) -> Result<ItemChange, StoreError> {
    let stays = |item: &ReviewItem| Act::Assign(item.assigned_to.as_ref().map(|(user, _)| *user));
    let (item, _) = match step(unit, id, acting, stays, given.revision)? {
        Ok(found) => found,
        Err(change) => return Ok(change),
    };
    if item.team == given.team {
        return Ok(ItemChange::Done { revision: item.revision });
    }
    unit.execute("UPDATE review_item SET team = ?2 WHERE id = ?1", (bytes(id), &given.team))?;
    let said = Said {
        id: given.remark_id,
        kind: RemarkKind::Assigned,
        reason: given.team.as_deref(),
        comment: given.comment.as_deref(),
        assigned_to: None,
        until: None,
    };
    keep(unit, &item, acting, &said)?;
    let detail = given.team.as_ref().map_or_else(|| "to no team".to_owned(), |team| format!("to the team {team}"));
    audit::append(unit, &acting.cause, &Event::of("item.assigned", "item", id, &detail))?;
    grow(unit, &item)
}

/// What is said of an item.
pub(super) struct Said<'a> {
    pub(super) id: Uuid,
    pub(super) kind: RemarkKind,
    pub(super) reason: Option<&'a str>,
    pub(super) comment: Option<&'a str>,
    pub(super) assigned_to: Option<Uuid>,
    pub(super) until: Option<Timestamp>,
}

/// Keeps a remark after those that are there, its words sealed with the item's key.
pub(super) fn keep(unit: &Unit<'_>, item: &ReviewItem, acting: &Acting, said: &Said<'_>) -> Result<(), StoreError> {
    let key = items::key_of(unit, item.id)?;
    let comment = said.comment.map(|words| key.for_row("item_remark", said.id).seal("comment", words.as_bytes()));
    unit.execute(
        "INSERT INTO item_remark (id, item_id, position, user_id, kind, reason, subject_id, until, at, comment)
         VALUES (?1, ?2, (SELECT coalesce(max(position), 0) + 1 FROM item_remark WHERE item_id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            bytes(said.id),
            bytes(item.id),
            bytes(acting.by.user),
            said.kind.as_str(),
            said.reason,
            said.assigned_to.map(bytes),
            said.until.map(micros),
            micros(acting.cause.now),
            comment,
        ),
    )?;
    Ok(())
}

/// The remarks on an item, oldest first.
pub(super) fn remarks(unit: &Unit<'_>, item: Uuid) -> Result<Vec<Remark>, StoreError> {
    let sql = "SELECT r.id, r.kind, r.reason, r.subject_id, r.until, r.at, r.comment, u.name, s.name AS subject
               FROM item_remark r JOIN user_account u ON u.id = r.user_id LEFT JOIN user_account s ON s.id = r.subject_id
               WHERE r.item_id = ?1 ORDER BY r.position";
    let key = items::key_of(unit, item)?;
    unit.all("item_remark", sql, [bytes(item)], |row| {
        let comment = row.get::<Option<Vec<u8>>>("comment")?.filter(|sealed| !sealed.is_empty());
        Ok(Remark {
            kind: row.word("kind", |word| word.parse().ok())?,
            reason: row.get("reason")?,
            comment: comment
                .map(|sealed| key.for_row("item_remark", row.id("id")?).open_text("comment", &sealed))
                .transpose()?,
            assigned_to: row.id_or_none("subject_id")?.zip(row.get("subject")?),
            until: row.instant_or_none("until")?,
            by: row.get("name")?,
            at: row.instant("at")?,
        })
    })
}

/// Grows the revision.
pub(super) fn grow(unit: &Unit<'_>, item: &ReviewItem) -> Result<ItemChange, StoreError> {
    unit.execute("UPDATE review_item SET revision = revision + 1 WHERE id = ?1", [bytes(item.id)])?;
    Ok(ItemChange::Done { revision: item.revision + 1 })
}
