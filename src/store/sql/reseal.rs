//! The rest of an encounter of which notes are purged: what rests on these notes alone goes, what is left is sealed anew under a new key of
//! the item, and the old key is destroyed.
//!
//! - A decision stays when a note that stays says its entry and one of the words that it rested on, or when a coder added the entry without
//!   naming a purged note. Of its keys of evidence those go that no note says any more.
//! - A query goes when its entry does, or when it or an act on it names a purged note.
//! - Words on the encounter as a whole, which cannot be taken apart (comments of remarks, worksheets of second reviews), go when they were
//!   written since the first of the purged notes came.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    audit::{self, Event},
    items,
    purge::{self, Purging, nothing},
    unit::{Unit, bytes},
    vault::RowKey,
};
use crate::{
    domain::{Decision, DecisionKind, QueryContent},
    store::{Part, StoreError},
};

/// The two keys of an item, and how much went.
struct Resealing<'a> {
    unit: &'a Unit<'a>,
    item: Uuid,
    old: RowKey,
    new: RowKey,
    purging: &'a Purging<'a>,
}

/// Seals an item anew without what rests on the notes that go. They are still there; the permit of the item is open.
pub(super) fn reseal(unit: &Unit<'_>, (item, part): (Uuid, &Part), purging: &Purging<'_>) -> Result<(), StoreError> {
    let since = first_arrival(unit, &part.notes)?;
    let old = items::key_of(unit, item)?;
    let (new, wrapped) = unit.vault.new_data_key("review_item", item);
    let resealing = Resealing { unit, item, old, new, purging };
    let (decisions, standing) = resealing.decisions(part)?;
    let queries = resealing.queries(part, &standing)?;
    let words = resealing.words("item_remark", ("comment", "at"), since)?
        + resealing.words("second_review", ("worksheet", "reviewed_at"), since)?;
    purge::destroy_glass(unit, item, since, purging)?;
    unit.execute("UPDATE review_item SET data_key = ?2 WHERE id = ?1", (bytes(item), wrapped))?;
    let detail = format!("{decisions} decisions, {queries} queries, {words} comments and worksheets gone");
    audit::append(unit, purging.cause, &Event::of("item.resealed", "item", item, &detail))
}

fn first_arrival(unit: &Unit<'_>, notes: &[Uuid]) -> Result<i64, StoreError> {
    let mut first = i64::MAX;
    for note in notes {
        let at =
            unit.one("note", "SELECT id, received_at FROM note WHERE id = ?1", [bytes(*note)], |row| row.get("received_at"))?;
        first = first.min(at.unwrap_or(i64::MAX));
    }
    Ok(first)
}

impl Resealing<'_> {
    /// Writes a sealed column of a row anew, or empties it.
    fn write(&self, (table, column): (&'static str, &str), id: Uuid, plain: Option<&[u8]>) -> Result<(), StoreError> {
        let sealed = plain.map_or_else(nothing, |plain| self.new.for_row(table, id).seal(column, plain));
        self.unit.execute(&format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1"), (bytes(id), sealed))?;
        if plain.is_none() { self.purging.bury(self.unit, table, id) } else { Ok(()) }
    }

    /// How many decisions went, and the entries that are still said or added.
    fn decisions(&self, part: &Part) -> Result<(u64, HashSet<Uuid>), StoreError> {
        let mut standing = part.remaining.entries.clone();
        let (mut gone, mut added) = (0, HashSet::new());
        let sql = "SELECT id, body FROM decision WHERE item_id = ?1 AND length(body) > 0 ORDER BY position";
        let decisions = self.unit.all("decision", sql, [bytes(self.item)], |row| {
            self.old.for_row("decision", row.id("id")?).open_json::<Decision>("body", &row.get::<Vec<u8>>("body")?)
        })?;
        for mut decision in decisions {
            if let DecisionKind::Add { note_id, .. } = &decision.kind
                && note_id.is_none_or(|note| !part.notes.contains(&note))
            {
                added.insert(decision.entry_id);
                standing.insert(decision.entry_id);
            }
            let rested = !decision.evidence.is_empty();
            decision.evidence.retain(|key| part.remaining.evidence.contains(key));
            let stays = match &decision.kind {
                DecisionKind::Add { note_id: Some(note), .. } if part.notes.contains(note) => false,
                _ if added.contains(&decision.entry_id) => true,
                _ => standing.contains(&decision.entry_id) && (!rested || !decision.evidence.is_empty()),
            };
            let body = stays.then(|| json("decision", decision.id, &decision)).transpose()?;
            self.write(("decision", "body"), decision.id, body.as_deref())?;
            gone += u64::from(!stays);
        }
        Ok((gone, standing))
    }

    /// How many queries went.
    fn queries(&self, part: &Part, standing: &HashSet<Uuid>) -> Result<u64, StoreError> {
        let names = part.notes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let is_named = |body: &str| names.iter().any(|name| body.contains(name.as_str()));
        let opened = |table: &'static str, sql: &str, of: Uuid| {
            self.unit.all(table, sql, [bytes(of)], |row| {
                let id = row.id("id")?;
                Ok((id, self.old.for_row(table, id).open_text("body", &row.get::<Vec<u8>>("body")?)?))
            })
        };
        let mut gone = 0;
        for (id, body) in opened("query", "SELECT id, body FROM query WHERE item_id = ?1 AND length(body) > 0", self.item)? {
            let acts = opened("query_act", "SELECT id, body FROM query_act WHERE query_id = ?1 AND length(body) > 0", id)?;
            let content: QueryContent = serde_json::from_str(&body).map_err(|_| inconsistent("query", id))?;
            let stays = content.entry_id.is_none_or(|entry| standing.contains(&entry))
                && !is_named(&body)
                && !acts.iter().any(|(_, body)| is_named(body));
            self.write(("query", "body"), id, stays.then_some(body.as_bytes()))?;
            for (act, body) in acts {
                self.write(("query_act", "body"), act, stays.then_some(body.as_bytes()))?;
            }
            gone += u64::from(!stays);
        }
        Ok(gone)
    }

    /// Words on the encounter as a whole; how many went.
    fn words(&self, table: &'static str, (column, at): (&'static str, &str), since: i64) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT id, {column}, CASE WHEN {at} >= ?2 THEN 1 ELSE 0 END AS is_later FROM {table}
             WHERE item_id = ?1 AND length({column}) > 0"
        );
        let rows = self.unit.all(table, &sql, (bytes(self.item), since), |row| {
            let id = row.id("id")?;
            let words = self.old.for_row(table, id).open(column, &row.get::<Vec<u8>>(column)?)?;
            Ok((id, words, row.get::<i64>("is_later")? == 1))
        })?;
        let gone = rows.iter().filter(|(_, _, is_later)| *is_later).count();
        for (id, words, is_later) in rows {
            self.write((table, column), id, (!is_later).then_some(&words[..]))?;
        }
        Ok(gone as u64)
    }
}

fn json(table: &'static str, id: Uuid, value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|_| inconsistent(table, id))
}

fn inconsistent(table: &'static str, id: Uuid) -> StoreError {
    let problem = "it cannot be read or written as JSON".to_owned();
    StoreError::Inconsistent { table, id: id.to_string(), problem }
}
