//! Verifying: every event is held against its link, every link against the one before, every checkpoint against its key and the chain.
//!
//! The trail is read some events at a time, each time in a transaction of its own, so that millions of events need no more memory than a few
//! and nobody waits. What is written meanwhile is not looked at.

use std::collections::BTreeMap;

use super::{
    super::{
        Database,
        audit::{EVENT, event},
        unit::{Session, rows},
    },
    CHECKPOINT, Kept, LINK, Link, beginning, hashes, kept, last, link, newest,
};
use crate::{
    seal::PublicKey,
    store::{AuditEvent, StoreError, TrailReport, Witness},
};

/// Events that are read at once.
const STEP: i64 = 2_000;

/// Where verifying stands.
struct Walk {
    /// The last event that was looked at, and the hash there.
    sequence: i64,
    hash: [u8; 32],
    /// The last event that must be sealed, and the last one of all.
    sealed_to: i64,
    last: i64,
    key: PublicKey,
    witness: Witness,
    report: TrailReport,
}

/// The whole trail.
pub(super) async fn whole<D: Database>(database: &D, witness: Witness) -> Result<TrailReport, StoreError> {
    let begun = database.read(move |unit| {
        let key = unit.vault.audit_key(unit.session)?.map(|key| key.public());
        match begin(unit.session, key, witness)? {
            Ok(walk) => from_the_beginning(unit.session, walk),
            ended => Ok(ended),
        }
    });
    let mut walk = match begun.await? {
        Ok(walk) => walk,
        Err(report) => return Ok(*report),
    };
    while walk.report.problem.is_none() && walk.sequence < walk.last {
        walk = database.read(move |unit| step(unit.session, walk)).await?;
    }
    Ok(ended(walk))
}

/// The last events alone: from the checkpoint before the newest one on, as far as they are sealed. What is not sealed is counted.
pub(in crate::store) fn standing(session: &dyn Session, key: Option<PublicKey>) -> Result<TrailReport, StoreError> {
    let mut walk = match begin(session, key, Witness::default())? {
        Ok(walk) => walk,
        Err(report) => return Ok(*report),
    };
    let sql = format!("{CHECKPOINT} ORDER BY sequence DESC LIMIT 2");
    let before = rows(session, "audit_checkpoint", &sql, (), kept)?.into_iter().nth(1);
    match before.filter(|kept| kept.checkpoint.sequence > walk.report.begins_after) {
        Some(Kept { checkpoint, .. }) if hashes::is_signed(&checkpoint, &walk.key) => {
            (walk.sequence, walk.hash) = (checkpoint.sequence, checkpoint.hash);
            walk.report.verified_to = checkpoint.sequence;
        }
        Some(kept) => walk.report.problem = Some(not_signed(kept.checkpoint.sequence)),
        None => {}
    }
    let last = std::mem::replace(&mut walk.last, walk.sealed_to);
    while walk.report.problem.is_none() && walk.sequence < walk.last {
        walk = step(session, walk)?;
    }
    walk.report.unsealed = u64::try_from(last - walk.sealed_to).unwrap_or_default();
    Ok(ended(walk))
}

/// A walk, or a report where there is nothing to walk over.
type Begun = Result<Walk, Box<TrailReport>>;

/// Where the trail begins and ends.
fn begin(session: &dyn Session, key: Option<PublicKey>, witness: Witness) -> Result<Begun, StoreError> {
    let (newest, sealed) = (newest(session)?.map(|kept| kept.checkpoint), last(session, "audit_link")?);
    let last = last(session, "audit_event")?;
    let mut report = TrailReport { checkpoint: newest.clone(), ..TrailReport::default() };
    let checked = |report: TrailReport, problem: &str| -> Result<Begun, StoreError> {
        Ok(Err(Box::new(TrailReport { problem: Some(problem.to_owned()), ..report })))
    };
    let Some(key) = key else {
        report.unsealed = u64::try_from(last).unwrap_or_default();
        return if newest.is_some() || sealed > 0 {
            checked(
                report,
                "the key that signs the audit trail is missing from the database, though events were sealed with it",
            )
        } else if witness != Witness::default() {
            checked(report, "nothing was ever sealed in this database, though there is a checkpoint or a key of it outside")
        } else {
            Ok(Err(Box::new(report)))
        };
    };
    if witness.public_key.is_some_and(|outside| outside != key) {
        return checked(report, "the database signs with another key than the public key that was kept outside");
    }
    if witness.checkpoint.as_ref().is_some_and(|outside| !hashes::is_signed(outside, &key)) {
        return checked(report, "the checkpoint that was kept outside was not signed by the key of this database");
    }
    if newest.is_none() {
        return checked(report, "every checkpoint was removed from the database, though its key was made with the first one");
    }
    let (mut sequence, mut hash) = (0, hashes::BEGINNING);
    if let Some(kept) = beginning(session)? {
        (sequence, hash) = (kept.checkpoint.sequence, kept.checkpoint.hash);
        report.begins_after = sequence;
        if !kept.is_beginning(&key) {
            report.problem = Some(format!(
                "the trail begins behind event {sequence}, and that the events before it were removed is not signed"
            ));
        }
    }
    report.verified_to = sequence;
    let sealed_to = sealed.max(newest.map_or(0, |checkpoint| checkpoint.sequence));
    Ok(Ok(Walk { sequence, hash, sealed_to, last: last.max(sealed_to), key, witness, report }))
}

/// Before the first step: nothing stands before the beginning, and the beginning is that of a checkpoint that was kept outside.
fn from_the_beginning(session: &dyn Session, mut walk: Walk) -> Result<Begun, StoreError> {
    let begins_after = walk.report.begins_after;
    for table in ["audit_event", "audit_link"] {
        let sql = format!("SELECT min(sequence) AS n FROM {table} WHERE sequence <= ?1");
        let first: Option<i64> = rows(session, table, &sql, [begins_after], |row| row.get("n"))?.pop().flatten();
        if let Some(number) = first {
            let problem =
                format!("event {number} was put in before the beginning of the trail, which is behind event {begins_after}");
            walk.report.problem.get_or_insert(problem);
        }
    }
    if let Some(outside) = &walk.witness.checkpoint
        && outside.sequence == begins_after
        && outside.hash != walk.hash
    {
        walk.report.problem.get_or_insert(differs(begins_after));
    }
    Ok(if walk.report.problem.is_some() { Err(Box::new(walk.report)) } else { Ok(walk) })
}

/// Looks at some events.
fn step(session: &dyn Session, mut walk: Walk) -> Result<Walk, StoreError> {
    let to = walk.last.min(walk.sequence + STEP);
    let range = (walk.sequence, to);
    let within = "WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence";
    let events = rows(session, "audit_event", &format!("{EVENT} {within}"), range, event)?;
    let links = rows(session, "audit_link", &format!("{LINK} {within}"), range, link)?;
    let checkpoints = rows(session, "audit_checkpoint", &format!("{CHECKPOINT} {within}"), range, kept)?;
    let mut events: BTreeMap<i64, AuditEvent> = events.into_iter().map(|event| (event.sequence, event)).collect();
    let mut links: BTreeMap<i64, Link> = links.into_iter().map(|link| (link.sequence, link)).collect();
    let checkpoints: BTreeMap<i64, Kept> = checkpoints.into_iter().map(|kept| (kept.checkpoint.sequence, kept)).collect();
    for number in walk.sequence + 1..=to {
        let found = (events.remove(&number), links.remove(&number), checkpoints.get(&number));
        walk.report.problem = problem_of(&mut walk, number, found);
        if walk.report.problem.is_some() {
            return Ok(walk);
        }
        walk.sequence = number;
    }
    Ok(walk)
}

/// What is wrong with an event, its link and its checkpoint.
fn problem_of(
    walk: &mut Walk,
    number: i64,
    (event, link, checkpoint): (Option<AuditEvent>, Option<Link>, Option<&Kept>),
) -> Option<String> {
    let Some(event) = event else { return Some(format!("event {number} is missing")) };
    if number > walk.sealed_to {
        walk.report.unsealed += 1;
        return None;
    }
    let Some(link) = link else {
        return Some(format!("the seal of event {number} was removed, though later ones were sealed behind it"));
    };
    match (&link.salt, &link.erasure) {
        (Some(salt), _) if hashes::commitment(salt, &event.actor) != link.actor => {
            return Some(format!("event {number} was altered: it is not sealed as done by whom it names"));
        }
        (Some(_), _) => {}
        (None, Some(signature)) if walk.key.verifies(&hashes::erasure(number, &link.actor), signature) => {
            if event.actor.user_id.is_some() || event.actor.name != hashes::ERASED {
                return Some(format!("event {number} was altered: who did it was erased, and it names somebody"));
            }
            walk.report.erased += 1;
        }
        (None, _) => return Some(format!("who did event {number} was erased without the key of this database")),
    }
    let hash = hashes::link(&walk.hash, &event, &link.actor);
    if hash != link.hash {
        return Some(format!("event {number} or its seal was altered: what it says is not what was sealed"));
    }
    if let Some(Kept { checkpoint, .. }) = checkpoint {
        if checkpoint.public_key != walk.key || !hashes::is_signed(checkpoint, &walk.key) {
            return Some(not_signed(number));
        }
        if checkpoint.hash != hash {
            return Some(format!("the events up to {number} are not those that the checkpoint there was signed for"));
        }
    }
    if let Some(outside) = &walk.witness.checkpoint
        && outside.sequence == number
        && outside.hash != hash
    {
        return Some(differs(number));
    }
    walk.hash = hash;
    walk.report.verified += 1;
    walk.report.verified_to = number;
    None
}

/// The report, once everything was looked at.
fn ended(walk: Walk) -> TrailReport {
    let Walk { sealed_to, witness, mut report, .. } = walk;
    if let Some(outside) = witness.checkpoint
        && report.problem.is_none()
        && outside.sequence > sealed_to
    {
        report.problem = Some(format!(
            "the end was cut off behind event {sealed_to}: the checkpoint that was kept outside seals the events up to {}",
            outside.sequence
        ));
    }
    report
}

fn not_signed(sequence: i64) -> String {
    format!("the checkpoint at event {sequence} was not signed by the key of this database")
}

fn differs(sequence: i64) -> String {
    format!(
        "the events up to {sequence} are not those of the checkpoint that was kept outside: they were replaced, with the key of this database or by a copy of it"
    )
}
