//! The chain behind the audit trail: its rows, who seals it, how it is verified and shortened.
//!
//! Sealing costs intake nothing that it waits for: events are written and numbered as before, and what seals them reads what was committed.

mod hashes;
mod pruning;
mod sealing;
mod verify;

#[cfg(test)]
pub(in crate::store) mod mutations;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

pub(in crate::store) use self::verify::standing;
use super::{
    Database, SqlStore, accesses,
    audit::Cause,
    unit::{Columns, Session, bytes, rows},
    vault,
};
use crate::{
    seal::{PublicKey, SiteKeys},
    store::{
        AccessEnd, AccessFilter, Actor, AuditEvent, Checkpoint, Pruned, SchemaState, Sealer, Sealing, StoreError, TrailReport,
        TrailStore, Witness,
    },
};

/// The tables that are append-only.
const GUARDED: [&str; 3] = ["audit_event", "audit_link", "audit_checkpoint"];

#[async_trait]
impl<D: Database> TrailStore for SqlStore<D> {
    async fn trail_waits(&self, holder: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        self.database.read(move |unit| sealing::waits(unit.session, holder, now)).await
    }

    async fn seal_events(&self, sealer: Sealer, now: Timestamp) -> Result<Sealing, StoreError> {
        self.database.write(move |unit| sealing::seal(unit, &sealer, now)).await
    }

    async fn release_sealing(&self, holder: Uuid) -> Result<(), StoreError> {
        self.database
            .write(move |unit| {
                unit.execute("UPDATE audit_sealer SET held_until = 0 WHERE holder = ?1", [bytes(holder)]).map(drop)
            })
            .await
    }

    async fn newest_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        self.database.read(|unit| Ok(newest(unit.session)?.map(|kept| kept.checkpoint))).await
    }

    async fn audit_public_key(&self) -> Result<Option<PublicKey>, StoreError> {
        self.database.read(|unit| Ok(unit.vault.audit_key(unit.session)?.map(|key| key.public()))).await
    }

    async fn verify_trail(&self, witness: Witness) -> Result<TrailReport, StoreError> {
        verify::whole(&self.database, witness).await
    }

    async fn trail_standing(&self) -> Result<TrailReport, StoreError> {
        self.database.read(|unit| standing(unit.session, unit.vault.audit_key(unit.session)?.map(|key| key.public()))).await
    }

    async fn prune_trail(&self, before: Timestamp, actor: Actor, now: Timestamp) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        loop {
            let cause = Cause { actor: actor.clone(), now };
            let step = self.database.write(move |unit| pruning::prune(unit, before, &cause)).await?;
            if step.events == 0 {
                return Ok(pruned);
            }
            pruned = Pruned { events: pruned.events + step.events, to: step.to };
        }
    }

    async fn erase_actor(&self, user: Uuid, actor: Actor, now: Timestamp) -> Result<u64, StoreError> {
        let mut erased = 0;
        loop {
            let cause = Cause { actor: actor.clone(), now };
            let step = self.database.write(move |unit| pruning::erase(unit, user, &cause)).await?;
            if step == 0 {
                return Ok(erased);
            }
            erased += step;
        }
    }

    async fn accesses(
        &self,
        filter: AccessFilter,
        after: Option<AccessEnd>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        self.database.read(move |unit| accesses::list(unit, &filter, after, limit)).await
    }

    async fn patients_numbered(&self, source: &str, number: &str) -> Result<Vec<Uuid>, StoreError> {
        let (source, number) = (source.to_owned(), number.to_owned());
        self.database.read(move |unit| accesses::patients_numbered(unit, &source, &number)).await
    }
}

/// Whether the end of the trail verifies, for a look at a database that is not opened. None where it cannot be told.
pub(in crate::store) fn standing_with(
    session: &dyn Session,
    schema: &SchemaState,
    keys: Option<&SiteKeys>,
) -> Result<Option<TrailReport>, StoreError> {
    let (SchemaState::Current { .. } | SchemaState::Newer { .. }, Some(keys)) = (schema, keys) else { return Ok(None) };
    match vault::audit_key(session, keys) {
        Ok(key) => standing(session, key.map(|key| key.public())).map(Some),
        // told of the keys themselves
        Err(StoreError::Sealed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The seal of one event.
struct Link {
    sequence: i64,
    salt: Option<Vec<u8>>,
    actor: [u8; 32],
    hash: [u8; 32],
    erasure: Option<Vec<u8>>,
}

const LINK: &str = "SELECT sequence, salt, actor, hash, erasure FROM audit_link";

fn link(row: &Columns<'_>) -> Result<Link, StoreError> {
    Ok(Link {
        sequence: row.get("sequence")?,
        salt: row.get("salt")?,
        actor: row.get("actor")?,
        hash: row.get("hash")?,
        erasure: row.get("erasure")?,
    })
}

/// The seal of an event, where there is one.
fn link_of(session: &dyn Session, sequence: i64) -> Result<Option<Link>, StoreError> {
    Ok(rows(session, "audit_link", &format!("{LINK} WHERE sequence = ?1"), [sequence], link)?.pop())
}

/// A checkpoint as it is kept.
struct Kept {
    checkpoint: Checkpoint,
    /// When the events up to it were removed, and the signature of that.
    pruning: Option<(i64, Vec<u8>)>,
}

impl Kept {
    /// Whether the trail begins behind it.
    fn is_beginning(&self, key: &PublicKey) -> bool {
        let Checkpoint { sequence, hash, .. } = &self.checkpoint;
        let signed = |(at, signature): &(i64, Vec<u8>)| key.verifies(&hashes::pruning(*sequence, hash, *at), signature);
        hashes::is_signed(&self.checkpoint, key) && self.pruning.as_ref().is_some_and(signed)
    }
}

const CHECKPOINT: &str = "SELECT sequence, hash, sealed_at, public_key, signature, pruned_at, pruning FROM audit_checkpoint";

fn kept(row: &Columns<'_>) -> Result<Kept, StoreError> {
    let (at, signature): (Option<i64>, Option<Vec<u8>>) = (row.get("pruned_at")?, row.get("pruning")?);
    Ok(Kept {
        checkpoint: Checkpoint {
            sequence: row.get("sequence")?,
            hash: row.get("hash")?,
            sealed_at: row.instant("sealed_at")?,
            public_key: PublicKey::of(row.get("public_key")?),
            signature: row.get("signature")?,
        },
        pruning: at.zip(signature),
    })
}

/// The newest checkpoint.
fn newest(session: &dyn Session) -> Result<Option<Kept>, StoreError> {
    let sql = format!("{CHECKPOINT} ORDER BY sequence DESC LIMIT 1");
    Ok(rows(session, "audit_checkpoint", &sql, (), kept)?.pop())
}

/// The checkpoint that the trail begins behind, where events were removed. Its signatures are the caller's to check.
fn beginning(session: &dyn Session) -> Result<Option<Kept>, StoreError> {
    let sql = format!("{CHECKPOINT} WHERE pruned_at IS NOT NULL ORDER BY sequence DESC LIMIT 1");
    Ok(rows(session, "audit_checkpoint", &sql, (), kept)?.pop())
}

/// The largest number of a table; 0 where it is empty.
fn last(session: &dyn Session, table: &'static str) -> Result<i64, StoreError> {
    let sql = format!("SELECT coalesce(max(sequence), 0) AS n FROM {table}");
    Ok(rows(session, table, &sql, (), |row| row.get("n"))?.pop().unwrap_or_default())
}
