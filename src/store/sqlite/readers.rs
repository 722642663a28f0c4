//! The read pool: a few connections that cannot write, used on blocking threads.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{
    connection::{database, open_reader},
    session::SqliteSession,
};
use crate::store::{
    StoreError,
    sql::{unit::Unit, vault::Vault},
};

/// Reads at the same time.
const READERS: usize = 4;

/// The pool. A connection lost to a panic is opened anew by the next read.
pub(super) struct Readers {
    path: PathBuf,
    vault: Arc<Vault>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// A pool over this database.
    pub(super) fn new(path: &Path, vault: Arc<Vault>) -> Self {
        Self { path: path.to_owned(), vault, idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Runs a read in one transaction, so that all its queries see one state.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let gone = |_| StoreError::Database("the read pool is closed".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(gone)?;
        let (path, vault, idle) = (self.path.clone(), Arc::clone(&self.vault), Arc::clone(&self.idle));
        let read = move || {
            let _permit = permit;
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = taken.map_or_else(|| open_reader(&path), Ok)?;
            let result = in_transaction(&connection, &vault, work);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Database("a read panicked".to_owned()))?
    }
}

fn in_transaction<T>(
    connection: &Connection,
    vault: &Vault,
    work: impl FnOnce(&Unit<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.unchecked_transaction().map_err(database)?;
    work(&Unit::new(&SqliteSession(&transaction), vault))
    // Dropping the transaction ends it; there is nothing to commit.
}
