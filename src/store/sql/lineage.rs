//! Documents: which posted note is which, and which version of a document counts.
//!
//! A document is what a sender names by (source, external id). Its versions are rows of their own; they count in the order in which
//! their sender made them, whatever order they arrive in: by the sender's instants where all have one, else by their numbers
//! where all are numbers, else by instant or arrival.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    audit::{self, Cause, Event},
    encounters::{self, Placing},
    items,
    note_rows::SealedNote,
    outbox::{self, Happened},
    places,
    unit::{Unit, bytes, micros},
};
use crate::{
    domain::{Act, By, EventKind, ItemState, Relation, Standing},
    store::{AddNote, IDEMPOTENCY_KEPT, NoteKey, StoreError, Unversioned},
};

/// What is there already of that which a posted note names. Most notes are the first of their document, and many of their encounter: of what is
/// not there nothing more is asked.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// Its id.
    id: bool,
    /// A version of its document, one of the document it relates to, or a note that relates to either.
    pub(super) kin: bool,
    /// The number of its patient.
    pub(super) patient: bool,
    /// The number of its encounter.
    pub(super) encounter: bool,
}

/// Looks what is there. The names are held, so that it stays so.
pub(super) fn look(unit: &Unit<'_>, note: &SealedNote) -> Result<Known, StoreError> {
    // counted, each by one equality: for EXISTS, or for a list, PostgreSQL may read a table that was small when it planned from end to end
    let sql = "SELECT (SELECT count(*) FROM note WHERE id = ?1) AS of_id,
                   (SELECT count(*) FROM note WHERE identity_index = ?2) + (SELECT count(*) FROM note WHERE related_index = ?2)
                   + (SELECT count(*) FROM note WHERE identity_index = ?3) + (SELECT count(*) FROM note WHERE related_index = ?3) AS of_kin,
                   (SELECT count(*) FROM patient WHERE identity_index = ?4) AS of_patient,
                   (SELECT count(*) FROM encounter WHERE encounter_index = ?5) AS of_encounter";
    let values = (bytes(note.id), note.identity, note.related, note.patient, note.encounter);
    let known = unit.one("note", sql, values, |row| {
        Ok(Known {
            id: row.get::<i64>("of_id")? > 0,
            kin: row.get::<i64>("of_kin")? > 0,
            patient: row.get::<i64>("of_patient")? > 0,
            encounter: row.get::<i64>("of_encounter")? > 0,
        })
    })?;
    known.ok_or_else(|| StoreError::Database("a question was not answered".to_owned()))
}

/// Holds the items of a note's document and of the one that it relates to, before anything of them changes.
pub(super) fn hold_items(unit: &Unit<'_>, note: &SealedNote, known: Known) -> Result<(), StoreError> {
    if !known.kin {
        return Ok(());
    }
    let condition = "id IN (SELECT item_id FROM note WHERE identity_index IN (?1, ?2))";
    unit.hold_rows("review_item", condition, (note.identity, note.related)).map(drop)
}

/// Whether a posted note is already there.
pub(super) enum Identity {
    /// It is, or it is refused.
    Known(AddNote),
    /// It is new: the version that it gets, and the version that counted before it.
    New { version: String, previous: Option<Uuid> },
}

/// The identity rules, see [`AddNote`]: an external id names a document, its versions are told apart by the sender's word.
pub(super) fn identify(
    unit: &Unit<'_>,
    note: &SealedNote,
    (unversioned, known): (Unversioned, Known),
) -> Result<Identity, StoreError> {
    if known.id {
        let problem = "a new note cannot take the id of one that is there".to_owned();
        return Err(StoreError::Inconsistent { table: "note", id: note.id.to_string(), problem });
    }
    let new = |version: &str, previous| Ok(Identity::New { version: version.to_owned(), previous });
    let Some(identity) = note.identity.filter(|_| known.kin) else { return new(&note.version, None) };
    let mut versions = versions(unit, identity)?;
    versions.reverse();
    let Some(newest) = versions.first() else { return new(&note.version, None) };
    let same_text = |version: &&Version| version.content_hash == note.content_hash;
    let known = if note.version.is_empty() {
        versions.iter().find(same_text).filter(|version| {
            // an earlier text that comes back is another version, unless it is the message that brought it
            unversioned == Unversioned::Refuse
                || version.id == newest.id
                || (version.versioned_at.is_some() && version.versioned_at == note.content.versioned_at)
        })
    } else {
        versions.iter().find(|version| version.version == note.version)
    };
    match known {
        Some(version) if version.content_hash == note.content_hash => Ok(Identity::Known(AddNote::Existing { id: version.id })),
        Some(version) => Ok(Identity::Known(AddNote::Conflict { id: version.id })),
        None if !note.version.is_empty() => new(&note.version, Some(newest.id)),
        None if unversioned == Unversioned::Next => {
            let number = (versions.len() + 1..).map(|number| number.to_string());
            let free = number.into_iter().find(|number| versions.iter().all(|version| version.version != *number));
            new(&free.unwrap_or_default(), Some(newest.id))
        }
        None => Ok(Identity::Known(AddNote::VersionRequired { id: newest.id })),
    }
}

/// The note that a sender's word for a request stood for, when the word is known.
pub(super) fn keyed(
    unit: &Unit<'_>,
    key_index: [u8; 32],
    body: [u8; 32],
    now: Timestamp,
) -> Result<Option<AddNote>, StoreError> {
    let before = now.saturating_sub(IDEMPOTENCY_KEPT).unwrap_or(Timestamp::MIN);
    unit.write("DELETE FROM idempotency_key WHERE created_at < ?1", [micros(before)])?;
    let sql = "SELECT note_id, body_hash FROM idempotency_key WHERE key_index = ?1";
    unit.one("idempotency_key", sql, [key_index], |row| {
        let id = row.id("note_id")?;
        let same = row.get::<[u8; 32]>("body_hash")? == body;
        Ok(if same { AddNote::Existing { id } } else { AddNote::KeyConflict { id } })
    })
}

/// Keeps what a sender's word stood for.
pub(super) fn keep_key(
    unit: &Unit<'_>,
    (key_index, body): ([u8; 32], [u8; 32]),
    note: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO idempotency_key (key_index, body_hash, note_id, created_at) VALUES (?1, ?2, ?3, ?4)";
    unit.write(sql, (key_index, body, bytes(note), micros(now)))
}

/// One version of a document.
struct Version {
    id: Uuid,
    item: Uuid,
    version: String,
    content_hash: [u8; 32],
    versioned_at: Option<Timestamp>,
    received_at: Timestamp,
    standing: Standing,
    retracted_at: Option<Timestamp>,
}

impl Version {
    fn instant(&self) -> Timestamp {
        self.versioned_at.unwrap_or(self.received_at)
    }
}

/// The versions of a document in the order in which they count, the newest last.
fn versions(unit: &Unit<'_>, identity: [u8; 32]) -> Result<Vec<Version>, StoreError> {
    let sql = "SELECT id, item_id, version, content_hash, versioned_at, received_at, standing, retracted_at FROM note
               WHERE identity_index = ?1 ORDER BY received_at, id";
    let mut versions = unit.all("note", sql, [identity], |row| {
        Ok(Version {
            id: row.id("id")?,
            item: row.id("item_id")?,
            version: row.get("version")?,
            content_hash: row.get("content_hash")?,
            versioned_at: row.instant_or_none("versioned_at")?,
            received_at: row.instant("received_at")?,
            standing: row.word("standing", |word| word.parse().ok())?,
            retracted_at: row.instant_or_none("retracted_at")?,
        })
    })?;
    let numbers: Option<Vec<u64>> = versions.iter().map(|version| version.version.parse().ok()).collect();
    // both sorts are stable: what arrived later counts after what is equal to it
    if numbers.is_some() && versions.iter().any(|version| version.versioned_at.is_none()) {
        versions.sort_by_key(|version| version.version.parse::<u64>().unwrap_or_default());
    } else {
        versions.sort_by_key(Version::instant);
    }
    Ok(versions)
}

/// Decides anew which notes count after `note` was written: the versions of its document, and of the document it replaces.
/// Items that lost or gained a note that counts are opened or closed.
pub(super) fn note_arrived(
    unit: &Unit<'_>,
    note: &SealedNote,
    (placing, known): (&Placing, Known),
    cause: &Cause,
) -> Result<(), StoreError> {
    if !known.kin {
        // nothing stands beside it, so it counts
        return settle_items(unit, if placing.joined { vec![placing.item_id] } else { Vec::new() }, cause);
    }
    let mut touched = Vec::new();
    if let Some(identity) = note.identity {
        touched.extend(settle(unit, identity, cause)?);
    }
    let replaces = note.content.related.as_ref().is_some_and(|related| related.relation == Relation::Replaces);
    if let Some(replaced) = note.related.filter(|_| replaces) {
        touched.extend(settle(unit, replaced, cause)?);
    }
    let sql = "SELECT count(*) AS n FROM note WHERE id = ?1 AND standing = 'current'";
    if !placing.joined {
        // its own new item
    } else if unit.count(sql, [bytes(note.id)])? > 0 {
        touched.push(placing.item_id);
    } else {
        // a late version is shown, and opens nothing
        unit.write("UPDATE review_item SET revision = revision + 1 WHERE id = ?1", [bytes(placing.item_id)])?;
    }
    settle_items(unit, touched, cause)
}

/// Takes a document back with the versions that its sender made until `at`; the notes that count no longer.
pub(super) fn retract(unit: &Unit<'_>, key: &NoteKey, at: Timestamp, cause: &Cause) -> Result<Option<Vec<Uuid>>, StoreError> {
    let identity = match key {
        NoteKey::Document { source, external_id } => {
            let identity = unit.vault.blind_index("note.external_id", &[source, external_id]);
            unit.hold_indexes(&[identity])?;
            let known = unit.count("SELECT count(*) AS n FROM note WHERE identity_index = ?1", [identity])? > 0;
            if !known {
                return Ok(None);
            }
            Some(identity)
        }
        NoteKey::Id(id) => {
            let sql = "SELECT id, identity_index FROM note WHERE id = ?1";
            match unit.one("note", sql, [bytes(*id)], |row| row.get::<Option<[u8; 32]>>("identity_index"))? {
                None => return Ok(None),
                Some(identity) => {
                    unit.hold_indexes(identity.as_slice())?;
                    identity
                }
            }
        }
    };
    let id = if let NoteKey::Id(id) = key { Some(bytes(*id)) } else { None };
    let condition = "id IN (SELECT item_id FROM note WHERE identity_index = ?1 OR id = ?2)";
    unit.hold_rows("review_item", condition, (identity, id))?;
    let which = "standing <> 'retracted' AND coalesce(versioned_at, received_at) <= ?2";
    let mark = |column: &str| {
        format!(
            "UPDATE note SET standing = 'retracted', retracted_at = ?2 WHERE {column} = ?1 AND {which} RETURNING id, item_id"
        )
    };
    let read = |row: &super::unit::Columns<'_>| Ok((row.id("id")?, row.id("item_id")?));
    let taken: Vec<(Uuid, Uuid)> = match (identity, key) {
        (Some(identity), _) => unit.all("note", &mark("identity_index"), (identity, micros(at)), read)?,
        (None, NoteKey::Id(id)) => unit.all("note", &mark("id"), (bytes(*id), micros(at)), read)?,
        (None, NoteKey::Document { .. }) => Vec::new(),
    };
    for (note, item) in &taken {
        audit::append(unit, cause, &Event::of("note.retracted", "note", *note, ""))?;
        let happened = Happened { event: EventKind::NoteRetracted, note: Some(*note), item: Some(*item), outgoing: &[] };
        outbox::emit(unit, &happened, cause.now)?;
    }
    settle_items(unit, taken.iter().map(|(_, item)| *item).collect(), cause)?;
    Ok(Some(taken.into_iter().map(|(note, _)| note).collect()))
}

/// Writes the standing of every version of a document; the items of those that changed.
fn settle(unit: &Unit<'_>, identity: [u8; 32], cause: &Cause) -> Result<Vec<Uuid>, StoreError> {
    encounters::label_alike(unit, identity, cause)?;
    let versions = versions(unit, identity)?;
    let sql = "SELECT id, versioned_at FROM note WHERE related_index = ?1 AND relation = 'replaces'";
    let replacements = unit.all("note", sql, [identity], |row| row.instant_or_none("versioned_at"))?;
    let retracted = versions.iter().filter_map(|version| version.retracted_at).max();
    let mut touched = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        // a replacement that says no time replaces what is there and what arrives late
        let replaced = replacements.iter().any(|replacement| match (replacement, version.versioned_at) {
            (Some(replacement), Some(made)) => made <= *replacement,
            _ => true,
        });
        let retracted = retracted.filter(|retracted| version.instant() <= *retracted);
        let standing = match retracted {
            Some(_) => Standing::Retracted,
            None if replaced || at + 1 < versions.len() => Standing::Replaced,
            None => Standing::Current,
        };
        if standing == version.standing {
            continue;
        }
        let sql = "UPDATE note SET standing = ?2, retracted_at = ?3 WHERE id = ?1";
        unit.execute(sql, (bytes(version.id), standing.as_str(), retracted.map(micros)))?;
        let action = format!("note.{}", standing.as_str());
        audit::append(unit, cause, &Event::of(&action, "note", version.id, ""))?;
        touched.push(version.item);
    }
    Ok(touched)
}

/// Opens or closes items after notes of them began or ceased to count, and grows their revision.
pub(super) fn settle_items(unit: &Unit<'_>, mut items: Vec<Uuid>, cause: &Cause) -> Result<(), StoreError> {
    items.sort_unstable();
    items.dedup();
    for item in items {
        unit.hold_row("review_item", item)?;
        let Some(found) = items::item(unit, item, cause.now)? else { continue };
        let counting =
            unit.count("SELECT count(*) AS n FROM note WHERE item_id = ?1 AND standing = 'current'", [bytes(item)])?;
        let act = if counting == 0 { Act::NotesGone } else { Act::NoteChanged };
        let nobody = By { user: Uuid::nil(), leads: false, in_team: true };
        // neither act is ever refused
        let place = found.place().after(act, nobody).unwrap_or_else(|_| found.place());
        if place != found.place() {
            places::write(unit, item, place, None)?;
        }
        unit.write("UPDATE review_item SET revision = revision + 1 WHERE id = ?1", [bytes(item)])?;
        let event = match (found.state, place.state) {
            (before, after) if before == after => None,
            (_, ItemState::Finished) => Some("item.closed"),
            _ => Some("item.reopened"),
        };
        if let Some(action) = event {
            audit::append(unit, cause, &Event::of(action, "item", item, ""))?;
        }
    }
    Ok(())
}
