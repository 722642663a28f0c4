//! Whether anything that was purged can still be opened: every tombstone is looked up, and what is found in its row is tried with the keys at
//! hand. It works on any copy of the database, also one from before the purge.

use uuid::Uuid;

use super::{
    unit::{Session, Unit, bytes, rows},
    vault::row_key,
};
use crate::{
    seal::SiteKeys,
    store::{Proof, StoreError, Tombstone},
};

/// What of a row is sealed, and by whose key.
struct Sealed {
    kind: &'static str,
    /// The table of the key.
    key_of: &'static str,
    column: &'static str,
    /// Gives `key_id`, `data_key` and `value`.
    sql: &'static str,
}

const SEALED: [Sealed; 14] = [
    Sealed {
        kind: "broken_glass",
        key_of: "broken_glass",
        column: "words",
        sql: "SELECT id AS key_id, data_key, words AS value FROM broken_glass WHERE id = ?1",
    },
    Sealed {
        kind: "note",
        key_of: "note",
        column: "text",
        sql: "SELECT id AS key_id, data_key, text AS value FROM note WHERE id = ?1",
    },
    Sealed {
        kind: "extraction",
        key_of: "note",
        column: "body",
        sql: "SELECT n.id AS key_id, n.data_key, x.body AS value FROM extraction x JOIN note n ON n.id = x.note_id WHERE x.id = ?1",
    },
    Sealed {
        kind: "decision",
        key_of: "review_item",
        column: "body",
        sql: "SELECT i.id AS key_id, i.data_key, d.body AS value FROM decision d JOIN review_item i ON i.id = d.item_id WHERE d.id = ?1",
    },
    Sealed {
        kind: "item_remark",
        key_of: "review_item",
        column: "comment",
        sql: "SELECT i.id AS key_id, i.data_key, r.comment AS value FROM item_remark r JOIN review_item i ON i.id = r.item_id WHERE r.id = ?1",
    },
    Sealed {
        kind: "query",
        key_of: "review_item",
        column: "body",
        sql: "SELECT i.id AS key_id, i.data_key, q.body AS value FROM query q JOIN review_item i ON i.id = q.item_id WHERE q.id = ?1",
    },
    Sealed {
        kind: "query_act",
        key_of: "review_item",
        column: "body",
        sql: "SELECT i.id AS key_id, i.data_key, a.body AS value FROM query_act a JOIN query q ON q.id = a.query_id
              JOIN review_item i ON i.id = q.item_id WHERE a.id = ?1",
    },
    Sealed {
        kind: "second_review",
        key_of: "review_item",
        column: "worksheet",
        sql: "SELECT i.id AS key_id, i.data_key, s.worksheet AS value FROM second_review s JOIN review_item i ON i.id = s.item_id WHERE s.id = ?1",
    },
    Sealed {
        kind: "item_outcome",
        key_of: "review_item",
        column: "body",
        sql: "SELECT i.id AS key_id, i.data_key, o.body AS value FROM item_outcome o JOIN review_item i ON i.id = o.id WHERE o.id = ?1",
    },
    Sealed {
        kind: "review_item",
        key_of: "review_item",
        column: "",
        sql: "SELECT id AS key_id, data_key, data_key AS value FROM review_item WHERE id = ?1",
    },
    Sealed {
        kind: "encounter",
        key_of: "encounter",
        column: "external_id",
        sql: "SELECT id AS key_id, data_key, external_id AS value FROM encounter WHERE id = ?1",
    },
    Sealed {
        kind: "patient",
        key_of: "patient",
        column: "details",
        sql: "SELECT id AS key_id, data_key, details AS value FROM patient WHERE id = ?1",
    },
    Sealed {
        kind: "message",
        key_of: "message",
        column: "content",
        sql: "SELECT id AS key_id, data_key, content AS value FROM message WHERE id = ?1",
    },
    Sealed {
        kind: "delivery",
        key_of: "destination",
        column: "body",
        sql: "SELECT t.id AS key_id, t.data_key, d.body AS value FROM delivery d JOIN destination t ON t.id = d.destination_id WHERE d.id = ?1",
    },
];

/// Everything that was destroyed.
pub(in crate::store) fn tombstones(unit: &Unit<'_>) -> Result<Vec<Tombstone>, StoreError> {
    let sql = "SELECT subject_id AS id, kind, reason, actor, at FROM tombstone ORDER BY at, kind, subject_id";
    unit.all("tombstone", sql, (), |row| {
        Ok(Tombstone {
            kind: row.get("kind")?,
            id: row.id("id")?,
            reason: row.get("reason")?,
            actor: row.get("actor")?,
            at: row.instant("at")?,
        })
    })
}

/// Tries every tombstone in a copy of the database.
pub(in crate::store) fn prove(session: &dyn Session, keys: &SiteKeys, tombstones: &[Tombstone]) -> Result<Proof, StoreError> {
    let mut proof = Proof::default();
    for tombstone in tombstones {
        let Some(sealed) = SEALED.iter().find(|sealed| sealed.kind == tombstone.kind) else { continue };
        let found = rows(session, sealed.key_of, sealed.sql, [bytes(tombstone.id)], |row| {
            Ok((row.id("key_id")?, row.get::<Vec<u8>>("data_key")?, row.get::<Option<Vec<u8>>>("value")?))
        })?;
        let left = found.into_iter().next().filter(|(_, key, value)| {
            let has_own_key = sealed.kind == sealed.key_of;
            value.as_ref().is_some_and(|value| !value.is_empty()) || (has_own_key && !key.is_empty())
        });
        match left {
            None => proof.gone += 1,
            Some((id, key, value)) if is_open(keys, sealed, (id, tombstone.id), (&key, value.as_deref())) => {
                proof.open.push((tombstone.kind.clone(), tombstone.id));
            }
            Some(_) => proof.closed += 1,
        }
    }
    Ok(proof)
}

fn is_open(keys: &SiteKeys, sealed: &Sealed, (of, row): (Uuid, Uuid), (key, value): (&[u8], Option<&[u8]>)) -> bool {
    let Some(key) = row_key(keys, sealed.key_of, of, key) else { return false };
    // a key of its own that opens opens whatever copy of the row's bytes there is
    sealed.kind == sealed.key_of || value.is_some_and(|value| key.for_row(sealed.kind, row).opens(sealed.column, value))
}
