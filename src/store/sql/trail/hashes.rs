//! Which bytes enter the hashes and signatures of the audit trail.
//!
//! Everything is a sequence of parts, each with its length before it as eight bytes, most significant first; the first part says what it is
//! (`abstractor audit ... 1`), so that no hash of one kind is one of another. Numbers are parts of eight bytes (two's complement), instants
//! microseconds since 1970, ids parts of sixteen bytes, an id that is absent an empty part.
//!
//! ```text
//! commitment  = SHA-256(`abstractor audit actor 1`, salt, actor_id, actor_name)
//! hash        = SHA-256(`abstractor audit event 1`, hash before, sequence, at, commitment, action, subject_kind, subject_id, detail)
//! checkpoint  = Ed25519(`abstractor audit checkpoint 1`, sequence, hash, sealed_at)
//! pruning     = Ed25519(`abstractor audit pruning 1`, sequence, hash, pruned_at)
//! erasure     = Ed25519(`abstractor audit erasure 1`, sequence, commitment)
//! ```
//!
//! The hash before the first event is 32 zero bytes. The salt has sixteen random bytes: without it nobody can try names against a commitment,
//! so that destroying it erases the name, and the chain, which holds the commitment, still verifies. That a name is gone is signed, or else
//! whoever can write to the database could put another name into an event and say that the true one was erased.

use sha2::{Digest as _, Sha256};

use crate::store::{Actor, AuditEvent, Checkpoint};

/// The hash before the first event.
pub(super) const BEGINNING: [u8; 32] = [0; 32];

/// Who did it, where that was erased.
pub(super) const ERASED: &str = "erased";

/// Parts, each with its length before it.
#[derive(Default)]
struct Parts(Vec<u8>);

impl Parts {
    fn of(kind: &str) -> Self {
        Self::default().and(kind.as_bytes())
    }

    fn and(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    fn number(self, number: i64) -> Self {
        self.and(&number.to_be_bytes())
    }

    fn id(self, id: Option<uuid::Uuid>) -> Self {
        match id {
            Some(id) => self.and(id.as_bytes()),
            None => self.and(&[]),
        }
    }

    fn hash(self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// The commitment to who did something.
pub(super) fn commitment(salt: &[u8], actor: &Actor) -> [u8; 32] {
    Parts::of("abstractor audit actor 1").and(salt).id(actor.user_id).and(actor.name.as_bytes()).hash()
}

/// The hash of the chain at an event.
pub(super) fn link(before: &[u8; 32], event: &AuditEvent, actor: &[u8; 32]) -> [u8; 32] {
    Parts::of("abstractor audit event 1")
        .and(before)
        .number(event.sequence)
        .number(event.at.as_microsecond())
        .and(actor)
        .and(event.action.as_bytes())
        .and(event.subject_kind.as_bytes())
        .id(event.subject_id)
        .and(event.detail.as_bytes())
        .hash()
}

/// What the signature of a checkpoint is of.
pub(super) fn checkpoint(sequence: i64, hash: &[u8; 32], sealed_at: i64) -> Vec<u8> {
    Parts::of("abstractor audit checkpoint 1").number(sequence).and(hash).number(sealed_at).0
}

/// What the signature of a removal is of.
pub(super) fn pruning(sequence: i64, hash: &[u8; 32], pruned_at: i64) -> Vec<u8> {
    Parts::of("abstractor audit pruning 1").number(sequence).and(hash).number(pruned_at).0
}

/// What the signature of an erasure is of.
pub(super) fn erasure(sequence: i64, actor: &[u8; 32]) -> Vec<u8> {
    Parts::of("abstractor audit erasure 1").number(sequence).and(actor).0
}

/// Whether a checkpoint was signed by the key.
pub(super) fn is_signed(checkpoint: &Checkpoint, key: &crate::seal::PublicKey) -> bool {
    let message = self::checkpoint(checkpoint.sequence, &checkpoint.hash, checkpoint.sealed_at.as_microsecond());
    key.verifies(&message, &checkpoint.signature)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn event() -> AuditEvent {
        AuditEvent {
            sequence: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: Actor { user_id: Some(Uuid::from_u128(1)), name: "ann".to_owned() },
            action: "note.read".to_owned(),
            subject_kind: "note".to_owned(),
            subject_id: Some(Uuid::from_u128(2)),
            detail: String::new(),
        }
    }

    #[test]
    fn every_field_enters() {
        let (event, actor) = (event(), [3; 32]);
        let hash = link(&BEGINNING, &event, &actor);
        let others = [
            link(&[1; 32], &event, &actor),
            link(&BEGINNING, &event, &[4; 32]),
            link(&BEGINNING, &AuditEvent { sequence: 2, ..event.clone() }, &actor),
            link(&BEGINNING, &AuditEvent { at: Timestamp::MAX, ..event.clone() }, &actor),
            link(&BEGINNING, &AuditEvent { action: "item.read".to_owned(), ..event.clone() }, &actor),
            link(&BEGINNING, &AuditEvent { subject_kind: "item".to_owned(), ..event.clone() }, &actor),
            link(&BEGINNING, &AuditEvent { subject_id: None, ..event.clone() }, &actor),
            link(&BEGINNING, &AuditEvent { detail: "x".to_owned(), ..event.clone() }, &actor),
            // the same letters in other fields
            link(
                &BEGINNING,
                &AuditEvent { action: "note.readnote".to_owned(), subject_kind: String::new(), ..event.clone() },
                &actor,
            ),
        ];
        assert!(others.iter().all(|other| *other != hash));
        let who = |salt: u8, id: Option<u128>, name: &str| {
            commitment(&[salt; 16], &Actor { user_id: id.map(Uuid::from_u128), name: name.to_owned() })
        };
        let named = who(1, Some(1), "ann");
        for other in [who(2, Some(1), "ann"), who(1, Some(2), "ann"), who(1, None, "ann"), who(1, Some(1), "anna")] {
            assert_ne!(other, named);
        }
    }

    /// The bytes are those of the module's description, so that others can verify a trail by themselves.
    #[test]
    fn the_bytes_are_as_described() {
        let part = |bytes: &[u8]| [&(bytes.len() as u64).to_be_bytes()[..], bytes].concat();
        let message = [
            part(b"abstractor audit event 1"),
            part(&[0; 32]),
            part(&1_i64.to_be_bytes()),
            part(&0_i64.to_be_bytes()),
            part(&[3; 32]),
            part(b"note.read"),
            part(b"note"),
            part(Uuid::from_u128(2).as_bytes()),
            part(b""),
        ]
        .concat();
        let expected: [u8; 32] = Sha256::digest(message).into();
        assert_eq!(link(&BEGINNING, &event(), &[3; 32]), expected);
    }
}
