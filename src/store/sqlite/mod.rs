//! The embedded store: one SQLite file, one writer with group commit, a read pool.
//!
//! - **Durable when answered.** WAL with `synchronous=FULL`; the writer answers after the commit (`writer`).
//! - **One server.** [`OpenMode::Serve`] holds a lock beside the database; admin commands use [`OpenMode::Tool`].
//! - **Sealed.** What is sealed, and every query, is shared with the other adapter (`store::sql`).

mod backup;
mod connection;
mod inspect;
mod migrate;
mod readers;
mod session;
mod writer;

#[cfg(test)]
pub(in crate::store) use self::migrate::MIGRATIONS;

#[cfg(test)]
mod purge_tests;
#[cfg(test)]
pub(in crate::store) mod tests;

use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::{
    backup::{backup, prove_backup, purge_backup, record, restore},
    inspect::{FileInspection, inspect},
};
use self::{readers::Readers, session::SqliteSession, writer::Writer};
use super::{
    StoreError,
    sql::{Database, SqlStore, unit::Unit, vault::Vault},
};
use crate::seal::KeyRing;

/// Who opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// The service: takes the lock; a second one is refused.
    Serve,
    /// An admin command: takes no lock and works while a server runs.
    Tool,
}

/// The store in one SQLite file. Dropping it finishes what is queued and closes the file.
pub type SqliteStore = SqlStore<Sqlite>;

/// One SQLite file.
pub struct Sqlite {
    // Readers first: the last connection to close checkpoints the log, and that should be the writer's.
    readers: Readers,
    writer: Writer,
    path: PathBuf,
}

impl Database for Sqlite {
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.read(work).await
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.write(work).await
    }

    async fn settle(&self) -> Result<(), StoreError> {
        let path = self.path.clone();
        let settled = tokio::task::spawn_blocking(move || connection::empty_log(&path)).await;
        settled.map_err(|_| StoreError::Database("emptying the log panicked".to_owned()))?
    }
}

impl SqliteStore {
    /// Opens the database, creating or migrating it. Blocks; call it before serving.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when another process serves it or its schema needs a newer program;
    /// [`StoreError::Sealed`] when the site keys are not this database's.
    pub fn open(path: &Path, keys: impl Into<KeyRing>, mode: OpenMode) -> Result<Self, StoreError> {
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
                           UPDATE delivery SET lease_until = 0 WHERE state = 'claimed';
                           UPDATE audit_sealer SET held_until = 0;";
            writing.execute_batch(release).map_err(|error| StoreError::Database(error.to_string()))?;
        }
        let vault = Arc::new(Vault::open(&SqliteSession(&writing), keys)?);
        let writer = Writer::start(writing, Arc::clone(&vault), lock)?;
        let readers = Readers::new(path, Arc::clone(&vault));
        Ok(Self::new(Sqlite { readers, writer, path: path.to_owned() }, vault))
    }
}

/// Applies the steps of the schema that are missing; their names. No server may run meanwhile.
///
/// # Errors
/// As [`SqliteStore::open`].
pub fn migrate(path: &Path) -> Result<Vec<String>, StoreError> {
    let _held = lock(path)?;
    let mut writing = connection::open_writer(path)?;
    if migrate::is_behind(&writing)? { migrate::migrate(&mut writing) } else { Ok(Vec::new()) }
}

/// A database that nobody serves, to be read as it is.
pub(in crate::store) struct AtRest {
    connection: rusqlite::Connection,
    _lock: File,
}

impl AtRest {
    /// Refused while somebody serves it, and where its schema is older than this program.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(StoreError::Refused("there is no such database".to_owned()));
        }
        let lock = lock(path)?;
        let connection = connection::open_reader(path)?;
        if migrate::is_behind(&connection)? {
            let problem = "its schema is older than this program; run `abstractor migrate` first";
            return Err(StoreError::Refused(problem.to_owned()));
        }
        Ok(Self { connection, _lock: lock })
    }

    pub(in crate::store) fn session(&self) -> SqliteSession<'_> {
        SqliteSession(&self.connection)
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
