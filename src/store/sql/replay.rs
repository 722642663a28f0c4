//! What was purged in a database purged in an older copy of it, by its tombstones.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    audit::Cause,
    items,
    purge::{self, Purging},
    unit::{Unit, bytes},
};
use crate::store::{Actor, ItemPurge, Part, Purged, RestOfItem, StoreError, Tombstone};

/// Purges the same; how many notes were destroyed.
pub(in crate::store) fn replay(unit: &Unit<'_>, tombstones: &[Tombstone], rest: RestOfItem) -> Result<u64, StoreError> {
    let mut destroyed = 0;
    let mut parts: BTreeMap<Uuid, (&Tombstone, Vec<Uuid>)> = BTreeMap::new();
    for tombstone in tombstones {
        match tombstone.kind.as_str() {
            "review_item" => destroyed += purge(unit, (tombstone.id, None), tombstone)?,
            "note" => {
                let sql = "SELECT id, item_id FROM note WHERE id = ?1 AND purged_at IS NULL";
                if let Some(item) = unit.one("note", sql, [bytes(tombstone.id)], |row| row.id("item_id"))? {
                    parts.entry(item).or_insert((tombstone, Vec::new())).1.push(tombstone.id);
                }
            }
            _ => {}
        }
    }
    for (item, (tombstone, notes)) in parts {
        // none where the item was purged as a whole just now
        if items::is_purged(unit, item)? {
            continue;
        }
        let Some(record) = items::record(unit, item, Timestamp::UNIX_EPOCH)? else { continue };
        let remaining = rest(&record, &notes);
        destroyed += purge(unit, (item, Some(Part { notes, revision: 0, remaining })), tombstone)?;
    }
    for tombstone in tombstones {
        let cause = cause(tombstone);
        let purging = Purging { cause: &cause, reason: &tombstone.reason };
        match tombstone.kind.as_str() {
            "patient" => purge::destroy_patient(unit, tombstone.id, &purging)?,
            "message" => purge::destroy_message(unit, tombstone.id, &purging)?,
            kind => purge::destroy_row(unit, (kind, tombstone.id), &purging)?,
        }
    }
    Ok(destroyed)
}

fn cause(tombstone: &Tombstone) -> Cause {
    Cause { actor: Actor { user_id: None, name: tombstone.actor.clone() }, now: tombstone.at }
}

fn purge(unit: &Unit<'_>, (item, part): (Uuid, Option<Part>), tombstone: &Tombstone) -> Result<u64, StoreError> {
    let purge = ItemPurge { item, part, reason: tombstone.reason.clone() };
    Ok(match purge::destroy(unit, &purge, &cause(tombstone))? {
        Purged::Done { notes } => notes,
        Purged::Held(_) | Purged::Changed | Purged::Missing => 0,
    })
}
