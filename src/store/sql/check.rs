//! Whether what is kept is whole: every note with its job, every ready note with its extraction, no event missing, and everything sealed opens.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, items, trail,
    unit::{Unit, bytes},
};
use crate::store::{Checked, StoreError};

/// Items that are opened in one read.
const ITEMS: u32 = 50;

/// What must be true of the rows: a sentence for how many break it, and the query that counts them.
const RULES: [(&str, &str); 6] = [
    ("notes have no job", "SELECT count(*) AS n FROM note n WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.note_id = n.id)"),
    (
        "notes are ready and have not exactly one extraction that holds",
        "SELECT count(*) AS n FROM note n WHERE n.status = 'ready' AND n.purged_at IS NULL
            AND (SELECT count(*) FROM extraction e WHERE e.note_id = n.id AND e.live = 1) <> 1",
    ),
    (
        "notes wait for a job that has ended",
        "SELECT count(*) AS n FROM note n JOIN job j ON j.note_id = n.id WHERE n.status = 'pending' AND j.state IN ('done', 'failed')",
    ),
    (
        "notes have no event that tells of their arrival",
        "SELECT count(*) AS n FROM note n WHERE NOT EXISTS
            (SELECT 1 FROM audit_event a WHERE a.subject_id = n.id AND a.action = 'note.stored')
            AND n.received_at > (SELECT coalesce(max(c.sealed_at), 0) FROM audit_checkpoint c WHERE c.pruned_at IS NOT NULL)",
    ),
    (
        "events are missing from the audit trail",
        "SELECT coalesce(max(sequence), 0) - count(*)
            - (SELECT coalesce(max(c.sequence), 0) FROM audit_checkpoint c WHERE c.pruned_at IS NOT NULL) AS n FROM audit_event",
    ),
    (
        "encounters of the queue have no note",
        "SELECT count(*) AS n FROM review_item i WHERE NOT EXISTS (SELECT 1 FROM note n WHERE n.item_id = i.id)",
    ),
];

/// Checks the rules of the rows in one state of the database, then opens every encounter.
pub(super) async fn check<D: Database>(database: &D) -> Result<Checked, StoreError> {
    let mut found = database.read(rows).await?;
    let mut after = Uuid::nil();
    loop {
        let (opened, last) = database.read(move |unit| open_items(unit, after)).await?;
        found.problems.extend(opened.problems);
        found.items += opened.items;
        found.notes += opened.notes;
        match last {
            Some(last) => after = last,
            None => return Ok(found),
        }
    }
}

fn rows(unit: &Unit<'_>) -> Result<Checked, StoreError> {
    let mut found = Checked { events: unit.count("SELECT count(*) AS n FROM audit_event", ())?, ..Checked::default() };
    for (problem, sql) in RULES {
        let broken = unit.count(sql, ())?;
        if broken > 0 {
            found.problems.push(format!("{broken} {problem}"));
        }
    }
    let trail = trail::standing(unit.session, unit.vault.audit_key(unit.session)?.map(|key| key.public()))?;
    found.problems.extend(trail.problem.map(|problem| format!("the audit trail: {problem}")));
    Ok(found)
}

/// Opens the items behind one; the last of them, none where there was none.
fn open_items(unit: &Unit<'_>, after: Uuid) -> Result<(Checked, Option<Uuid>), StoreError> {
    let sql = "SELECT id FROM review_item WHERE id > ?1 ORDER BY id LIMIT ?2";
    let ids = unit.all("review_item", sql, (bytes(after), ITEMS), |row| row.id("id"))?;
    let mut found = Checked::default();
    for id in &ids {
        match items::record(unit, *id, Timestamp::UNIX_EPOCH) {
            Ok(Some(record)) => {
                found.items += 1;
                found.notes += record.notes.len() as u64;
            }
            Ok(None) => {}
            Err(error) => found.problems.push(format!("the encounter {id} cannot be opened: {error}")),
        }
    }
    Ok((found, ids.last().copied()))
}
