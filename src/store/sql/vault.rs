//! The keys an open database works with: site keys from outside, the index key from inside.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    unit::Session,
    value::{FromValue as _, ToValue as _},
};
use crate::{
    seal::{DataKey, IndexKey, KeyRing, Place, ReadKeys, SealError, SigningKey, SiteKeys},
    store::{KeyFit, StoreError},
};

/// Name of the index key's row, and its place.
const INDEX_KEY: &str = "index_key";
const INDEX_PLACE: Place<'_> = Place::new("site_secret", INDEX_KEY.as_bytes(), "wrapped");

/// Name of the row of the key that signs checkpoints of the audit trail, and its place.
const AUDIT_KEY: &str = "audit_key";
const AUDIT_PLACE: Place<'_> = Place::new("site_secret", AUDIT_KEY.as_bytes(), "wrapped");

/// Seals, opens and indexes for the rows of this database.
pub(in crate::store) struct Vault {
    keys: RwLock<Arc<SiteKeys>>,
    again: Option<ReadAgain>,
    index: IndexKey,
}

/// How long after the site keys were read again they are not read once more, however many rows ask for it.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the site keys again, one thread at a time.
struct ReadAgain {
    read: ReadKeys,
    last: Mutex<Option<Instant>>,
}

impl Vault {
    /// Opens the index key, or makes it in a new database. Fails when the site keys are not this database's.
    pub(in crate::store) fn open(session: &dyn Session, ring: impl Into<KeyRing>) -> Result<Self, StoreError> {
        let KeyRing { mut keys, read_again } = ring.into();
        let fresh = IndexKey::generate().wrap(&keys, INDEX_PLACE);
        let insert = "INSERT INTO site_secret (name, wrapped) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
        let wrapped = match wrapped_key(session, INDEX_KEY)? {
            Some(wrapped) => wrapped,
            None => {
                session.execute(insert, &[INDEX_KEY.to_value(), fresh.to_value()])?;
                wrapped_key(session, INDEX_KEY)?.unwrap_or_default()
            }
        };
        let mut opened = IndexKey::open(&keys, INDEX_PLACE, &wrapped);
        // a rotation that ran since they were read
        if opened.as_ref().err() == Some(&SealError::UnknownSiteKey)
            && let Some(newer) = read_again.as_ref().and_then(|read| read())
        {
            keys = newer;
            opened = IndexKey::open(&keys, INDEX_PLACE, &wrapped);
        }
        let index = opened.map_err(|error| sealed("site_secret", error))?;
        let again = read_again.map(|read| ReadAgain { read, last: Mutex::new(None) });
        Ok(Self { keys: RwLock::new(Arc::new(keys)), again, index })
    }

    /// The site keys as they are now.
    pub(super) fn keys(&self) -> Arc<SiteKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Works with these site keys from now on.
    pub(super) fn take_keys(&self, keys: SiteKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Opens a wrapped key. One that is wrapped by a key that is not known has the site keys read again.
    fn unwrap(&self, place: Place<'_>, wrapped: &[u8]) -> Result<DataKey, SealError> {
        match (self.keys().open(place, wrapped), &self.again) {
            (Err(SealError::UnknownSiteKey), Some(again)) => {
                let mut last = again.last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.is_none_or(|last| last.elapsed() >= PAUSE) {
                    if let Some(keys) = (again.read)() {
                        tracing::info!(
                            keys = keys.count(),
                            "site keys read again: something is wrapped by one that was not known"
                        );
                        self.take_keys(keys);
                    }
                    *last = Some(Instant::now());
                }
                drop(last);
                self.keys().open(place, wrapped)
            }
            (opened, _) => opened,
        }
    }

    /// How the site keys stand to this database. Changes nothing.
    pub(in crate::store) fn fit(session: &dyn Session, keys: &SiteKeys) -> Result<KeyFit, StoreError> {
        let Some(wrapped) = wrapped_key(session, INDEX_KEY)? else { return Ok(KeyFit::NewDatabase) };
        Ok(match IndexKey::open(keys, INDEX_PLACE, &wrapped) {
            Err(_) => KeyFit::None,
            Ok(_) if keys.is_current(&wrapped) => KeyFit::First,
            Ok(_) => KeyFit::Older,
        })
    }

    /// A new data key for a row, with its wrapped form for the row's `data_key` column.
    pub(super) fn new_data_key(&self, table: &'static str, row: Uuid) -> (RowKey, Vec<u8>) {
        let key = DataKey::generate();
        let wrapped = self.keys().wrap(Place::new(table, row.as_bytes(), "data_key"), &key);
        (RowKey { table, row, key }, wrapped)
    }

    /// Opens the `data_key` column of a row.
    pub(super) fn data_key(&self, table: &'static str, row: Uuid, wrapped: &[u8]) -> Result<RowKey, StoreError> {
        let key = self.unwrap(Place::new(table, row.as_bytes(), "data_key"), wrapped).map_err(|error| sealed(table, error))?;
        Ok(RowKey { table, row, key })
    }

    /// The `data_key` column wrapped by the first site key; `None` when it is already.
    pub(super) fn rewrap(&self, table: &'static str, row: Uuid, wrapped: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.keys().is_current(wrapped) {
            return Ok(None);
        }
        let key = self.data_key(table, row, wrapped)?.key;
        Ok(Some(self.keys().wrap(Place::new(table, row.as_bytes(), "data_key"), &key)))
    }

    /// The keys of the database itself, wrapped by the first site key.
    pub(super) fn rewrap_own_keys(&self, session: &dyn Session) -> Result<(), StoreError> {
        let keys = self.keys();
        let update = "UPDATE site_secret SET wrapped = ?2 WHERE name = ?1";
        let wrapped = self.index.wrap(&keys, INDEX_PLACE);
        session.execute(update, &[INDEX_KEY.to_value(), wrapped.to_value()])?;
        if let Some(key) = self.audit_key(session)? {
            session.execute(update, &[AUDIT_KEY.to_value(), key.wrap(&keys, AUDIT_PLACE).to_value()])?;
        }
        Ok(())
    }

    /// A key for another duty than rows, the same on every server of this database.
    pub(super) fn derived_key(&self, duty: &str) -> DataKey {
        self.index.derived(duty)
    }

    /// The key that signs checkpoints of the audit trail; none before the first one.
    pub(super) fn audit_key(&self, session: &dyn Session) -> Result<Option<SigningKey>, StoreError> {
        match audit_key(session, &self.keys()) {
            // wrapped by a site key that is not known yet: a look at it has the keys read again
            Err(StoreError::Sealed { .. }) => {
                let wrapped = wrapped_key(session, AUDIT_KEY)?.unwrap_or_default();
                let _ = self.unwrap(AUDIT_PLACE, &wrapped);
                audit_key(session, &self.keys())
            }
            found => found,
        }
    }

    /// Makes that key. Whoever calls it holds what keeps others from doing so at the same time.
    pub(super) fn make_audit_key(&self, session: &dyn Session) -> Result<SigningKey, StoreError> {
        let key = SigningKey::generate();
        let insert = "INSERT INTO site_secret (name, wrapped) VALUES (?1, ?2)";
        session.execute(insert, &[AUDIT_KEY.to_value(), key.wrap(&self.keys(), AUDIT_PLACE).to_value()])?;
        Ok(key)
    }

    /// The keyed hash of bytes, for equality.
    pub(super) fn content_hash(&self, column: &str, content: &[u8]) -> [u8; 32] {
        self.index.blind_index_of(column, &[content])
    }

    /// The blind index of a value of several parts.
    pub(super) fn blind_index(&self, column: &str, parts: &[&str]) -> [u8; 32] {
        self.index.blind_index(column, parts)
    }
}

/// The data key of a row, where these site keys open it. Nothing is told of one that does not open.
pub(super) fn row_key(keys: &SiteKeys, table: &'static str, row: Uuid, wrapped: &[u8]) -> Option<RowKey> {
    let key = keys.open(Place::new(table, row.as_bytes(), "data_key"), wrapped).ok()?;
    Some(RowKey { table, row, key })
}

/// The key that signs checkpoints of the audit trail, opened with site keys.
pub(super) fn audit_key(session: &dyn Session, keys: &SiteKeys) -> Result<Option<SigningKey>, StoreError> {
    let Some(wrapped) = wrapped_key(session, AUDIT_KEY)? else { return Ok(None) };
    SigningKey::open(keys, AUDIT_PLACE, &wrapped).map(Some).map_err(|error| sealed("site_secret", error))
}

/// A key of the database as it is stored; none where it was not made yet.
fn wrapped_key(session: &dyn Session, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let mut wrapped = None;
    session.query("SELECT wrapped FROM site_secret WHERE name = ?1", &[name.to_value()], &mut |row| {
        wrapped = Vec::<u8>::from_value(row.value("wrapped")?);
        Ok(())
    })?;
    Ok(wrapped)
}

/// The data key of one row, which knows the row: what it seals stands there or in a row it names.
pub(super) struct RowKey {
    table: &'static str,
    row: Uuid,
    key: DataKey,
}

impl RowKey {
    /// Seals a column of this row.
    pub(super) fn seal(&self, column: &str, plaintext: &[u8]) -> Vec<u8> {
        self.key.seal(Place::new(self.table, self.row.as_bytes(), column), plaintext)
    }

    /// Opens a column of this row.
    pub(super) fn open(&self, column: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.key.open(Place::new(self.table, self.row.as_bytes(), column), value).map_err(|error| sealed(self.table, error))
    }

    /// Whether it opens a column of this row.
    pub(super) fn opens(&self, column: &str, value: &[u8]) -> bool {
        self.key.open(Place::new(self.table, self.row.as_bytes(), column), value).is_ok()
    }

    /// Opens a column of this row as text.
    pub(super) fn open_text(&self, column: &str, value: &[u8]) -> Result<String, StoreError> {
        String::from_utf8(self.open(column, value)?).map_err(|_| self.inconsistent(column))
    }

    /// Opens a column of this row as a JSON value of the domain.
    pub(super) fn open_json<T: serde::de::DeserializeOwned>(&self, column: &str, value: &[u8]) -> Result<T, StoreError> {
        // serde's message could quote the value; only the fact is reported.
        serde_json::from_str(&self.open_text(column, value)?).map_err(|_| self.inconsistent(column))
    }

    /// The same key for a row of another table that belongs to this one (an extraction, a decision).
    pub(super) fn for_row(&self, table: &'static str, row: Uuid) -> Self {
        Self { table, row, key: self.key.clone() }
    }

    fn inconsistent(&self, column: &str) -> StoreError {
        StoreError::Inconsistent {
            table: self.table,
            id: self.row.to_string(),
            problem: format!("column {column} opens but does not read as this program's format"),
        }
    }
}

fn sealed(table: &'static str, error: SealError) -> StoreError {
    tracing::error!(table, %error, "a sealed value does not open");
    StoreError::Sealed { table }
}
