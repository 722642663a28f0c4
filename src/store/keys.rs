//! Site keys in use: which wrap what, which process knows which, and how a rotation goes on while servers run.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;
use crate::seal::{KeyId, SiteKeys};

/// How many keys of a table a site key wraps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKeys {
    /// The table.
    pub table: &'static str,
    /// The site key.
    pub key: KeyId,
    /// Keys that it wraps.
    pub keys: u64,
}

/// A running process with the site keys that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// Of this process.
    pub id: Uuid,
    /// Ids of its keys in hexadecimal, the one that wraps first.
    pub keys: Vec<String>,
    /// When it said so last.
    pub seen_at: Timestamp,
}

/// How far wrapping anew has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RewrapPlace {
    /// Which of the tables.
    pub(in crate::store) table: usize,
    /// The last row of it that was looked at.
    pub(in crate::store) after: Uuid,
}

/// Site keys in use.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Works with these site keys from now on. They must be those of this database; nothing is wrapped anew.
    fn take_keys(&self, keys: SiteKeys);
    /// Says which site keys this process knows.
    async fn announce_keys(&self, holder: Uuid, now: Timestamp) -> Result<(), StoreError>;
    /// The processes that said since an instant which keys they know.
    async fn key_holders(&self, since: Timestamp) -> Result<Vec<KeyHolder>, StoreError>;
    /// What the site keys wrap, by table.
    async fn wrapped_keys(&self) -> Result<Vec<WrappedKeys>, StoreError>;
    /// Wraps the next few hundred keys with the first site key: where it goes on, none at the end, and how many were changed.
    async fn rewrap(&self, place: RewrapPlace) -> Result<(Option<RewrapPlace>, u64), StoreError>;
}
