//! Sealing: takes what was committed into the chain, one process at a time, and signs checkpoints.
//!
//! The chain is begun once. Where its key was made and its links or checkpoints are gone, nothing is sealed any more: who emptied those tables
//! would otherwise have the service itself seal altered events anew.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    super::{
        audit::{EVENT, event},
        unit::{Columns, Session, Unit, bytes, micros, rows},
        value::{Value, params},
    },
    Kept, LINK, beginning, hashes, last, link, link_of, newest,
};
use crate::{
    seal::{SigningKey, random_bytes},
    store::{CHECKPOINT_AFTER, CHECKPOINT_EVENTS, Head, SEALED_AT_ONCE, Sealer, Sealing, Signing, StoreError},
};

/// How long a process seals without a sign of life before another one may.
const LEASE: SignedDuration = SignedDuration::from_secs(10);
/// Links that one statement writes.
const LINKS: usize = 100;

/// Whether a lease until then holds now. One longer than a lease is of a clock that went back.
fn holds(until: i64, now: Timestamp) -> bool {
    until > micros(now) && until <= micros(now + LEASE)
}

/// Whether a checkpoint is due, for a chain that ends at this number.
fn is_due(newest: Option<&Kept>, head: i64, now: Timestamp) -> bool {
    let Some(Kept { checkpoint, .. }) = newest else { return head > 0 };
    let behind = head - checkpoint.sequence;
    behind >= CHECKPOINT_EVENTS || (behind > 0 && now.duration_since(checkpoint.sealed_at).abs() >= CHECKPOINT_AFTER)
}

/// Whether this process has something to seal or to sign.
pub(super) fn waits(session: &dyn Session, holder: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let read = |row: &Columns<'_>| Ok((row.id("holder")?, row.get::<i64>("held_until")?));
    let held = rows(session, "audit_sealer", "SELECT holder, held_until FROM audit_sealer", (), read)?;
    if held.iter().any(|(by, until)| *by != holder && holds(*until, now)) {
        return Ok(false);
    }
    let sealed = last(session, "audit_link")?;
    Ok(last(session, "audit_event")? > sealed || is_due(newest(session)?.as_ref(), sealed, now))
}

/// One step of sealing.
pub(super) fn seal(unit: &Unit<'_>, sealer: &Sealer, now: Timestamp) -> Result<Sealing, StoreError> {
    if !take(unit, sealer.holder, now)? {
        return Ok(Sealing { is_elsewhere: true, ..Sealing::default() });
    }
    let newest = newest(unit.session)?;
    if newest.is_none() && last(unit.session, "audit_event")? == 0 {
        return Ok(Sealing::default());
    }
    let (key, mut head) = standing(unit, sealer.remembered, newest.as_ref())?;
    let after = format!("{EVENT} WHERE sequence > ?1 ORDER BY sequence LIMIT {SEALED_AT_ONCE}");
    let events = unit.all("audit_event", &after, [head.sequence], event)?;
    for some_events in events.chunks(LINKS) {
        let mut values: Vec<Value<'static>> = Vec::with_capacity(4 * some_events.len());
        for event in some_events {
            let salt: [u8; 16] = random_bytes();
            let actor = hashes::commitment(&salt, &event.actor);
            head = Head { sequence: event.sequence, hash: hashes::link(&head.hash, event, &actor) };
            values.push(Value::Integer(event.sequence));
            values.extend([&salt[..], &actor, &head.hash].map(|bytes| Value::Blob(Cow::Owned(bytes.to_vec()))));
        }
        let rows = vec!["(?, ?, ?, ?)"; some_events.len()].join(", ");
        unit.execute(&format!("INSERT INTO audit_link (sequence, salt, actor, hash) VALUES {rows}"), values)?;
    }
    let is_behind = newest.as_ref().is_none_or(|kept| head.sequence > kept.checkpoint.sequence) && head.sequence > 0;
    let signed = is_due(newest.as_ref(), head.sequence, now) || (sealer.signing == Signing::Now && is_behind);
    if signed {
        sign(unit, &key, head, now)?;
    }
    Ok(Sealing { is_elsewhere: false, sealed: events.len(), signed, head: Some(head) })
}

/// Takes the sealing, or keeps it; whether it is this process's.
fn take(unit: &Unit<'_>, holder: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "INSERT INTO audit_sealer (name, holder, held_until) VALUES ('trail', ?1, ?2)
               ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
               WHERE audit_sealer.holder = excluded.holder OR audit_sealer.held_until <= ?3
                  OR audit_sealer.held_until > excluded.held_until";
    Ok(unit.execute(sql, params![bytes(holder), micros(now + LEASE), micros(now)])? > 0)
}

/// The key and the end of the chain, after a look at what was sealed before: the newest checkpoint is the key's and stands on the chain, and
/// what this process saw last is still there.
fn standing(unit: &Unit<'_>, remembered: Option<Head>, newest: Option<&Kept>) -> Result<(SigningKey, Head), StoreError> {
    let session = unit.session;
    let end = unit.one("audit_link", &format!("{LINK} ORDER BY sequence DESC LIMIT 1"), (), link)?;
    let (key, newest) = match (unit.vault.audit_key(session)?, newest) {
        (None, None) if end.is_none() && remembered.is_none() => {
            return Ok((unit.vault.make_audit_key(session)?, Head { sequence: 0, hash: hashes::BEGINNING }));
        }
        (None, _) => return Err(gone(0, "the key that signs the audit trail is gone")),
        (Some(_), None) => return Err(gone(0, "the checkpoints of the audit trail are gone")),
        (Some(key), Some(newest)) => (key, newest),
    };
    let (public, checkpoint) = (key.public(), &newest.checkpoint);
    if !hashes::is_signed(checkpoint, &public) {
        return Err(gone(checkpoint.sequence, "the checkpoint of this event was not signed by the key of this database"));
    }
    let begins_after = match beginning(session)? {
        Some(kept) if kept.is_beginning(&public) => kept.checkpoint.sequence,
        Some(kept) => return Err(gone(kept.checkpoint.sequence, "that events up to this one were removed is not signed")),
        None => 0,
    };
    let is_there = |head: Head| -> Result<bool, StoreError> {
        Ok(head.sequence <= begins_after || link_of(session, head.sequence)?.is_some_and(|link| link.hash == head.hash))
    };
    let sealed = Head { sequence: checkpoint.sequence, hash: checkpoint.hash };
    for head in [Some(sealed), remembered].into_iter().flatten() {
        if !is_there(head)? {
            return Err(gone(head.sequence, "the seal of this event is gone or was altered"));
        }
    }
    // where the newest checkpoint is where the trail begins, there may be no link yet
    let end = end.map_or(sealed, |link| Head { sequence: link.sequence, hash: link.hash });
    Ok((key, end))
}

fn gone(sequence: i64, problem: &str) -> StoreError {
    let problem = format!("{problem}; nothing is sealed until `abstractor audit verify` finds the trail whole again");
    StoreError::Inconsistent { table: "audit_link", id: sequence.to_string(), problem }
}

/// Signs a checkpoint.
fn sign(unit: &Unit<'_>, key: &SigningKey, head: Head, now: Timestamp) -> Result<(), StoreError> {
    let (sealed_at, public_key) = (micros(now), key.public().bytes());
    let signature = key.sign(&hashes::checkpoint(head.sequence, &head.hash, sealed_at));
    let sql = "INSERT INTO audit_checkpoint (sequence, hash, sealed_at, public_key, signature) VALUES (?1, ?2, ?3, ?4, ?5)";
    unit.execute(sql, params![head.sequence, head.hash, sealed_at, public_key, signature]).map(drop)
}
