//! Sealing: the pure cryptography that keeps clinical text, names and identifiers unreadable at rest. No storage here.
//!
//! Three kinds of key, each with one duty:
//!
//! | key | where it lives | what it does |
//! |---|---|---|
//! | [`SiteKeys`] | a key file of the hospital, never in the database | wraps the other two |
//! | [`DataKey`] | one per note, patient, encounter and item, wrapped, in its row | seals that row's columns |
//! | [`IndexKey`] | one per database, wrapped | turns identifiers into blind indexes for equality look-up |
//!
//! A [`SigningKey`], one per database and wrapped too, signs what the database must not be able to make by itself: checkpoints of the audit trail.
//!
//! Whoever holds the database without a site key holds noise. Destroying one wrapped [`DataKey`] makes everything it
//! sealed unreadable, in the write-ahead log and in backups too.
//!
//! # Format
//!
//! A sealed value is `version (1 byte) | nonce (12) | ciphertext and tag`; a wrapped key is `version (1) | id of the site
//! key (8) | nonce (12) | 32 bytes of ciphertext and tag`. The cipher is AES-256-GCM; its associated data name the table,
//! row and column ([`Place`]), so that a value copied to another place does not open.
//!
//! # Why not a nonce counter?
//!
//! A data key seals a handful of values; a site key wraps a few keys per note. Random 96-bit nonces stay far below the
//! 2^32 messages at which their collision would matter, and survive a database restored from a backup, which a counter
//! does not.

mod cipher;
mod data_key;
#[cfg(test)]
mod fuzz;
mod index_key;
mod signing_key;
mod site_keys;

pub use data_key::DataKey;
pub use index_key::IndexKey;
pub use signing_key::{PublicKey, SigningKey};
pub use site_keys::{KeyFileError, KeyId, KeyRing, ReadKeys, SiteKeys};

use thiserror::Error;

/// Where a sealed value stands; it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Table.
    pub table: &'a str,
    /// Key of the row.
    pub row: &'a [u8],
    /// Column.
    pub column: &'a str,
}

impl<'a> Place<'a> {
    /// The place in this table, row and column.
    #[must_use]
    pub const fn new(table: &'a str, row: &'a [u8], column: &'a str) -> Self {
        Self { table, row, column }
    }
}

/// Why a sealed value does not open. Says nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// It was altered, moved from another place, or sealed with another key.
    #[error("the sealed value does not open: altered, moved, or sealed with another key")]
    DoesNotOpen,
    /// None of the site keys has the id that the wrapped key names.
    #[error("no configured site key wraps this value")]
    UnknownSiteKey,
    /// It is not in a format that this program knows.
    #[error("not a sealed value of a known format")]
    Format,
}

/// Random bytes for keys, tokens and nonces, from a generator seeded by the operating system.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes[..]);
    bytes
}
