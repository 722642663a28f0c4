//! The embedded store: one SQLite file, one writer with group commit, a read pool, sealed columns.
//!
//! - **Durable when answered.** WAL with `synchronous=FULL`; the writer answers after the commit (`writer`).
//! - **One server.** [`OpenMode::Serve`] holds a lock beside the database; admin commands use [`OpenMode::Tool`].
//! - **Sealed.** Text, quotes, comments, names and identifiers are sealed before SQLite sees them (`vault`); which
//!   columns those are is written in `migrations/`.
//! - **No ids and no clock in here.** Rows that belong to another have ids derived from it; instants are arguments.
//!
//! Why not an ORM, or SQL shared with PostgreSQL? The traits are the shared part, and one suite of tests holds both to
//! it; each adapter then uses what its database is good at.

mod accounts;
mod audit;
mod connection;
mod encounters;
mod items;
mod jobs;
mod lineage;
mod messages;
mod migrate;
mod note_rows;
mod notes;
mod outbox;
mod patients;
mod places;
mod queries;
mod readers;
mod review;
mod searches;
mod second_reviews;
mod summaries;
mod unit;
mod vault;
mod workbench;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

use self::{readers::Readers, unit::bytes, vault::Vault, writer::Writer};
use super::StoreError;
use crate::seal::SiteKeys;

/// Who opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// The service: takes the lock; a second one is refused.
    Serve,
    /// An admin command: takes no lock and works while a server runs.
    Tool,
}

/// The store in one SQLite file. Dropping it finishes what is queued and closes the file.
pub struct SqliteStore {
    // Readers first: the last connection to close checkpoints the log, and that should be the writer's.
    readers: Readers,
    writer: Writer,
    vault: Arc<Vault>,
}

impl SqliteStore {
    /// Opens the database, creating or migrating it. Blocks; call it before serving.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when another process serves it or its schema needs a newer program;
    /// [`StoreError::Sealed`] when the site keys are not this database's.
    pub fn open(path: &Path, keys: SiteKeys, mode: OpenMode) -> Result<Self, StoreError> {
        let lock = match mode {
            OpenMode::Serve => Some(lock(path)?),
            OpenMode::Tool => None,
        };
        let mut writing = connection::open_writer(path)?;
        if migrate::is_behind(&writing)? {
            // A tool of a newer release must not change the schema under a running server.
            let _held = if lock.is_none() { Some(self::lock(path)?) } else { None };
            migrate::migrate(&mut writing)?;
        }
        if mode == OpenMode::Serve {
            // whoever held these claims died with the last process that served: nobody else can hold the lock
            let release = "UPDATE job SET lease_until = 0 WHERE state = 'claimed';
                           UPDATE delivery SET lease_until = 0 WHERE state = 'claimed';";
            writing.execute_batch(release).map_err(|error| StoreError::Database(error.to_string()))?;
        }
        let vault = Arc::new(Vault::open(&writing, keys)?);
        let writer = Writer::start(writing, Arc::clone(&vault), lock)?;
        Ok(Self { readers: Readers::new(path, Arc::clone(&vault)), writer, vault })
    }

    /// Wraps every data key with the first site key, a few hundred rows at a time; how many it wrapped. After it, the
    /// older site keys can be removed from the key file.
    ///
    /// # Errors
    /// When a key does not open with the configured site keys, or the database fails.
    pub async fn rewrap_data_keys(&self) -> Result<u64, StoreError> {
        const STEP: usize = 500;
        let mut wrapped = 0;
        for table in ["patient", "encounter", "review_item", "note", "destination", "message", "user_preference"] {
            let mut after = Uuid::nil();
            loop {
                let step = move |unit: &unit::Unit<'_>| {
                    let select = format!("SELECT id, data_key FROM {table} WHERE id > ?1 ORDER BY id LIMIT {STEP}");
                    let rows = unit.all(table, &select, [bytes(after)], |row| Ok((row.id("id")?, row.get("data_key")?)))?;
                    let mut changed = 0;
                    for (id, key) in &rows {
                        let key: &Vec<u8> = key;
                        if let Some(key) = unit.vault.rewrap(table, *id, key)? {
                            unit.execute(&format!("UPDATE {table} SET data_key = ?2 WHERE id = ?1"), (bytes(*id), key))?;
                            changed += 1;
                        }
                    }
                    Ok((rows.last().map(|(id, _)| *id), changed))
                };
                let (last, changed) = self.writer.write(step).await?;
                wrapped += changed;
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        self.writer.write(|unit| unit.vault.rewrap_index_key(unit.connection)).await?;
        Ok(wrapped)
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStore(..)")
    }
}

/// Takes the lock beside the database. The system frees it when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = OsString::from(path);
    name.push(".lock");
    let file = connection::create_private(&PathBuf::from(name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Refused(
            "another process serves this database; stop it first, or give this one another database".to_owned(),
        )),
        Err(TryLockError::Error(error)) => {
            Err(StoreError::Database(format!("the lock beside the database cannot be taken: {}", error.kind())))
        }
    }
}
