//! What may leave the audit trail: events that are old enough, and who did the events of a user.
//!
//! The triggers refuse it. They stand aside for one transaction and are put back in it, which on PostgreSQL only the owner of the tables may do;
//! the role of the servers may not, and has no right to delete. Both are signed with the key of the database, so that whoever can write to it
//! by other means cannot do the same without being found.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{
        audit::{self, Cause, Event},
        tail::ORDER,
        unit::{Unit, bytes, micros},
        value::params,
    },
    CHECKPOINT, GUARDED, Kept, hashes, kept,
};
use crate::store::{Pruned, StoreError};

/// Events that one transaction removes, about; others who write wait for it.
const AT_ONCE: i64 = 10_000;
/// Events that one transaction erases the actor of.
const ERASED_AT_ONCE: i64 = 2_000;

/// Removes some of the events before an instant. None where there is no checkpoint to begin behind.
pub(super) fn prune(unit: &Unit<'_>, before: Timestamp, cause: &Cause) -> Result<Pruned, StoreError> {
    // whoever numbers events has committed, and nobody new begins: the table can be taken without a knot
    unit.session.hold(&[ORDER])?;
    let Some(key) = unit.vault.audit_key(unit.session)? else { return Ok(Pruned::default()) };
    let Some(kept) = next_beginning(unit, before)? else { return Ok(Pruned::default()) };
    let checkpoint = &kept.checkpoint;
    if !hashes::is_signed(checkpoint, &key.public()) {
        let problem = "this checkpoint was not signed by the key of this database; nothing is removed".to_owned();
        return Err(StoreError::Inconsistent { table: "audit_checkpoint", id: checkpoint.sequence.to_string(), problem });
    }
    let (to, at) = (checkpoint.sequence, micros(cause.now));
    let signature = key.sign(&hashes::pruning(to, &checkpoint.hash, at));
    let mut events = 0;
    unit.session.unguarded(&GUARDED, &mut || {
        events = unit.execute("DELETE FROM audit_event WHERE sequence <= ?1", [to])?;
        unit.execute("DELETE FROM audit_link WHERE sequence <= ?1", [to])?;
        unit.execute("DELETE FROM audit_checkpoint WHERE sequence < ?1", [to])?;
        let mark = "UPDATE audit_checkpoint SET pruned_at = ?2, pruning = ?3 WHERE sequence = ?1";
        unit.execute(mark, params![to, at, signature]).map(drop)
    })?;
    let detail = format!("{events} events up to {to}, before {before}");
    audit::append(unit, cause, &Event { action: "audit.pruned", subject: None, detail: &detail })?;
    Ok(Pruned { events: events as u64, to })
}

/// The checkpoint that the trail can begin behind next: all events up to it are older, some stay, and not too many go at once.
fn next_beginning(unit: &Unit<'_>, before: Timestamp) -> Result<Option<Kept>, StoreError> {
    let ends = "SELECT min(sequence) AS first, max(sequence) AS last FROM audit_event";
    let ends =
        unit.one("audit_event", ends, (), |row| Ok((row.get::<Option<i64>>("first")?, row.get::<Option<i64>>("last")?)))?;
    let Some((Some(first), Some(last))) = ends else { return Ok(None) };
    let most = first.saturating_add(AT_ONCE);
    let stays = "SELECT sequence FROM audit_event WHERE sequence <= ?1 AND at >= ?2 ORDER BY sequence LIMIT 1";
    let stays: Option<i64> = unit.one("audit_event", stays, (most, micros(before)), |row| row.get("sequence"))?;
    // the last one of all stays, since the next number is counted from it
    let end = stays.unwrap_or(most).min(last);
    let sql = format!("{CHECKPOINT} WHERE sequence >= ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT 1");
    unit.one("audit_checkpoint", &sql, (first, end), kept)
}

/// Erases who it was from some sealed events of a user; how many.
pub(super) fn erase(unit: &Unit<'_>, user: Uuid, cause: &Cause) -> Result<u64, StoreError> {
    unit.session.hold(&[ORDER])?;
    let Some(key) = unit.vault.audit_key(unit.session)? else { return Ok(0) };
    let sql = "SELECT e.sequence, l.actor FROM audit_event e JOIN audit_link l ON l.sequence = e.sequence
               WHERE e.actor_name = (SELECT name FROM user_account WHERE id = ?1) AND e.actor_id = ?1 AND l.salt IS NOT NULL
               ORDER BY e.sequence LIMIT ?2";
    let read = |row: &super::Columns<'_>| Ok((row.get::<i64>("sequence")?, row.get::<[u8; 32]>("actor")?));
    let found = unit.all("audit_event", sql, params![bytes(user), ERASED_AT_ONCE], read)?;
    if found.is_empty() {
        return Ok(0);
    }
    unit.session.unguarded(&GUARDED, &mut || {
        for (sequence, actor) in &found {
            let signature = key.sign(&hashes::erasure(*sequence, actor));
            let link = "UPDATE audit_link SET salt = NULL, erasure = ?2 WHERE sequence = ?1";
            unit.execute(link, params![*sequence, signature])?;
            let event = "UPDATE audit_event SET actor_id = NULL, actor_name = ?2 WHERE sequence = ?1";
            unit.execute(event, (*sequence, hashes::ERASED))?;
        }
        Ok(())
    })?;
    let detail = format!("{} events", found.len());
    audit::append(unit, cause, &Event::of("audit.actor_erased", "user", user, &detail))?;
    Ok(found.len() as u64)
}
