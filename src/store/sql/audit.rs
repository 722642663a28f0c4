//! Audit events: written in the transaction of their cause, numbered without gaps.

use jiff::Timestamp;
use uuid::Uuid;

use super::unit::{Columns, Unit, bytes};
use crate::store::{Actor, AuditEvent, StoreError};

/// What an event is about. `detail` holds our own ids, counts and stable words only, never PHI.
pub(super) struct Event<'a> {
    pub(super) action: &'a str,
    pub(super) subject: Option<(&'a str, Uuid)>,
    pub(super) detail: &'a str,
}

impl<'a> Event<'a> {
    /// An event about one thing.
    pub(super) const fn of(action: &'a str, kind: &'a str, id: Uuid, detail: &'a str) -> Self {
        Self { action, subject: Some((kind, id)), detail }
    }
}

/// Who does something, and when.
pub(super) struct Cause {
    pub(super) actor: Actor,
    pub(super) now: Timestamp,
}

/// Appends an event, at the end of the transaction.
pub(super) fn append(unit: &Unit<'_>, cause: &Cause, event: &Event<'_>) -> Result<(), StoreError> {
    unit.tail.borrow_mut().event(cause, event);
    Ok(())
}

/// Events after a number, oldest first.
pub(super) fn list(unit: &Unit<'_>, after: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
    unit.all("audit_event", &format!("{EVENT} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"), (after, limit), event)
}

/// Events about these subjects after a number, oldest first.
pub(super) fn about(unit: &Unit<'_>, subjects: &[Uuid], after: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
    let sql = format!("{EVENT} WHERE subject_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3");
    let mut found = Vec::new();
    for subject in subjects {
        found.extend(unit.all("audit_event", &sql, (bytes(*subject), after, limit), event)?);
    }
    found.sort_by_key(|event: &AuditEvent| event.sequence);
    found.truncate(limit as usize);
    Ok(found)
}

/// The action of an event that says why hard edits stand.
pub(super) const OVERRIDDEN: &str = "edits.overridden";

/// Why hard edits of an item stand, oldest first. The action stands in the text of the query, so that the index over these few is used.
pub(super) fn overrides(unit: &Unit<'_>, item: Uuid) -> Result<Vec<AuditEvent>, StoreError> {
    let sql = format!("{EVENT} WHERE action = '{OVERRIDDEN}' AND subject_id = ?1 ORDER BY sequence");
    unit.all("audit_event", &sql, [bytes(item)], event)
}

/// What changed of an item and its notes, the last `limit` events, oldest first.
pub(super) fn history(unit: &Unit<'_>, item: Uuid, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
    let sql = format!(
        "SELECT * FROM ({EVENT} WHERE (subject_id = ?1 OR subject_id IN (SELECT id FROM note WHERE item_id = ?1))
         AND action NOT IN ('item.read', 'note.read', 'entry.decided') ORDER BY sequence DESC LIMIT ?2) AS newest ORDER BY sequence"
    );
    unit.all("audit_event", &sql, (bytes(item), limit), event)
}

pub(super) const EVENT: &str =
    "SELECT sequence, at, actor_id, actor_name, action, subject_kind, subject_id, detail FROM audit_event";

pub(super) fn event(row: &Columns<'_>) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        sequence: row.get("sequence")?,
        at: row.instant("at")?,
        actor: Actor { user_id: row.id_or_none("actor_id")?, name: row.get("actor_name")? },
        action: row.get("action")?,
        subject_kind: row.get("subject_kind")?,
        subject_id: row.id_or_none("subject_id")?,
        detail: row.get("detail")?,
    })
}
