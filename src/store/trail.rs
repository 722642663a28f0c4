//! The audit trail as a chain that can be verified, and what is read of it.
//!
//! Events are written with their cause. A sealer comes behind: for each event it keeps the hash over the event and the hash before, and every
//! so often it signs the newest hash: a [`Checkpoint`]. Whoever keeps a checkpoint elsewhere can tell later whether the events up to it are
//! still those that they were.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::{Actor, AuditEvent, StoreError};
use crate::seal::PublicKey;

/// The events of the trail up to one of them, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the last event that it seals.
    pub sequence: i64,
    /// The hash of the chain there.
    pub hash: [u8; 32],
    /// When it was signed.
    pub sealed_at: Timestamp,
    /// The key that signed it.
    pub public_key: PublicKey,
    /// The signature over the three.
    pub signature: [u8; 64],
}

/// Text that is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is no checkpoint: it must be one line as `abstractor audit checkpoint` prints it")]
pub struct NoCheckpoint;

/// A checkpoint as a line of JSON; bytes in base64.
#[derive(Serialize, Deserialize)]
struct Line {
    sequence: i64,
    hash: String,
    sealed_at: Timestamp,
    public_key: String,
    signature: String,
}

impl Checkpoint {
    /// As one line, to be kept elsewhere.
    #[must_use]
    pub fn to_line(&self) -> String {
        let line = Line {
            sequence: self.sequence,
            hash: STANDARD.encode(self.hash),
            sealed_at: self.sealed_at,
            public_key: STANDARD.encode(self.public_key.bytes()),
            signature: STANDARD.encode(self.signature),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// From such a line.
    ///
    /// # Errors
    /// [`NoCheckpoint`] when it is none.
    pub fn parse(line: &str) -> Result<Self, NoCheckpoint> {
        fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NoCheckpoint> {
            STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NoCheckpoint)
        }
        let line: Line = serde_json::from_str(line.trim()).map_err(|_| NoCheckpoint)?;
        Ok(Self {
            sequence: line.sequence,
            hash: bytes(&line.hash)?,
            sealed_at: line.sealed_at,
            public_key: PublicKey::of(bytes(&line.public_key)?),
            signature: bytes(&line.signature)?,
        })
    }
}

/// Where the chain ends, as one sealer left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the last event in it.
    pub sequence: i64,
    /// The hash there.
    pub hash: [u8; 32],
}

/// When a checkpoint is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// When it is due.
    Due,
    /// Whenever there are events behind the last one: the service stops.
    Now,
}

/// One process that seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealer {
    /// Its id.
    pub holder: Uuid,
    /// The last head that it saw: what was sealed then must still be there.
    pub remembered: Option<Head>,
    /// When it signs.
    pub signing: Signing,
}

/// What one step of sealing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sealing {
    /// Another process seals.
    pub is_elsewhere: bool,
    /// Events that were added to the chain.
    pub sealed: usize,
    /// Whether a checkpoint was signed.
    pub signed: bool,
    /// Where the chain ends now.
    pub head: Option<Head>,
}

/// Events that one step seals.
pub const SEALED_AT_ONCE: usize = 500;
/// Events behind a checkpoint after which the next one is signed.
pub const CHECKPOINT_EVENTS: i64 = 1_000;
/// Time after a checkpoint at which the next one is signed, when there are events.
pub const CHECKPOINT_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What was kept outside the database, to hold it against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witness {
    /// A checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// The key that must have signed every checkpoint.
    pub public_key: Option<PublicKey>,
}

/// What verifying the trail found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailReport {
    /// Number of the event behind which the trail begins: 0, or the last one that was pruned.
    pub begins_after: i64,
    /// Sealed events that were verified.
    pub verified: u64,
    /// Of these those of whom it was erased who did it.
    pub erased: u64,
    /// Number of the last one.
    pub verified_to: i64,
    /// Events that are not sealed yet.
    pub unsealed: u64,
    /// The newest checkpoint of the database.
    pub checkpoint: Option<Checkpoint>,
    /// What is wrong first; none when all is well. Says the number of an event and nothing that stands in it.
    pub problem: Option<String>,
}

/// What a removal of old events took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events.
    pub events: u64,
    /// The last one; 0 when there were none.
    pub to: i64,
}

/// Which accesses are reported. What is not named is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// By the user of this login name.
    pub actor: Option<String>,
    /// Of this kind: `note.read`.
    pub action: Option<String>,
    /// Of one of these things, and of what belongs to it: notes and queries of an item; encounters, items and notes of a patient.
    pub of: Option<Vec<Uuid>>,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

/// An event as the end of a page of accesses.
pub type AccessEnd = (Timestamp, i64);

/// The audit trail: sealed, verified, read and shortened.
#[async_trait]
pub trait TrailStore: Send + Sync {
    /// Whether there is something to seal or to sign now that nobody else seals. Reads next to nothing.
    async fn trail_waits(&self, holder: Uuid, now: Timestamp) -> Result<bool, StoreError>;
    /// Takes some events that are not sealed yet into the chain, and signs a checkpoint when one is due.
    /// [`StoreError::Inconsistent`] when what was sealed before is not there any more: the chain is never begun anew.
    async fn seal_events(&self, sealer: Sealer, now: Timestamp) -> Result<Sealing, StoreError>;
    /// Gives the sealing to whoever comes next.
    async fn release_sealing(&self, holder: Uuid) -> Result<(), StoreError>;
    /// The newest checkpoint.
    async fn newest_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError>;
    /// The key that verifies checkpoints; none before the first one.
    async fn audit_public_key(&self) -> Result<Option<PublicKey>, StoreError>;
    /// Reads the whole trail and holds it against its chain, its checkpoints, and what was kept outside.
    async fn verify_trail(&self, witness: Witness) -> Result<TrailReport, StoreError>;
    /// The same for the last events alone: from the checkpoint before the newest one on.
    async fn trail_standing(&self) -> Result<TrailReport, StoreError>;
    /// Removes sealed events that are all older than an instant, up to a checkpoint, which is where the trail begins then. Some at a
    /// time, each with its event and its checkpoint, so that a removal that breaks off leaves a trail that verifies.
    async fn prune_trail(&self, before: Timestamp, actor: Actor, now: Timestamp) -> Result<Pruned, StoreError>;
    /// Erases who it was from every sealed event of a user: id, name and salt. The events stay, and the chain verifies. How many.
    async fn erase_actor(&self, user: Uuid, actor: Actor, now: Timestamp) -> Result<u64, StoreError>;
    /// Events that meet the filter, newest first, behind the end of a page.
    async fn accesses(&self, filter: AccessFilter, after: Option<AccessEnd>, limit: u32)
    -> Result<Vec<AuditEvent>, StoreError>;
    /// The patients that a source calls by this record number, by their ids; those that they were merged into.
    async fn patients_numbered(&self, source: &str, number: &str) -> Result<Vec<Uuid>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::SigningKey;

    #[test]
    fn a_checkpoint_is_read_back() {
        let key = SigningKey::generate();
        let checkpoint = Checkpoint {
            sequence: 17,
            hash: [7; 32],
            sealed_at: Timestamp::from_microsecond(1_780_000_000_123_456).expect("a time"),
            public_key: key.public(),
            signature: key.sign(b"x"),
        };
        let line = checkpoint.to_line();
        assert!(!line.contains('\n'));
        assert_eq!(Checkpoint::parse(&format!("{line}\n")), Ok(checkpoint));
        let bad = ["", "{}", "17"].map(str::to_owned);
        for bad in bad.into_iter().chain([line.replace("=\"", "\""), line.replace("\"sequence\":17,", "")]) {
            assert_eq!(Checkpoint::parse(&bad), Err(NoCheckpoint), "{bad}");
        }
    }
}
