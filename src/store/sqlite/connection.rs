//! Connections and their settings, and what of a database error may be said.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::store::{DISK_IS_FULL, StoreError};

/// How long a connection waits for another process (an admin command) before it gives up.
const BUSY: Duration = Duration::from_secs(10);
/// How often it is tried to empty the log; each try waits for [`BUSY`] at most.
const TRIES: u32 = 5;

/// Opens the writing connection, creating the file for its owner alone.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    create_private(path)?;
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // SQLite goes on in another mode where a file system has no shared memory, and says so only when it is asked
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(database)?;
    // Every commit reaches the disk before its caller hears of it; group commit pays for it.
    connection.pragma_update(None, "synchronous", "FULL").map_err(database)?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(database)?;
    if (mode.as_str(), synchronous) != ("wal", 2) {
        return Err(StoreError::Refused(format!(
            "the database file cannot be kept safely where it lies (journal {mode}, synchronous {synchronous} in place of wal and 2): put the \
             data folder on a local file system"
        )));
    }
    // Pages of indexes over random values are changed again and again: written back seldom, each is written back once for many changes.
    connection.pragma_update(None, "wal_autocheckpoint", 8_000).map_err(database)?;
    connection.pragma_update(None, "cache_size", -65_536).map_err(database)?;
    // After a burst the log shrinks again.
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(database)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(database)?;
    overwrite_deleted(&connection)?;
    Ok(connection)
}

/// Has what is deleted or replaced overwritten with zeros rather than left in free space.
pub(super) fn overwrite_deleted(connection: &Connection) -> Result<(), StoreError> {
    // the pragma answers with what holds now
    connection.pragma_update_and_check(None, "secure_delete", true, |row| row.get::<_, i64>(0)).map(drop).map_err(database)
}

/// Writes the log back into the database and cuts it to nothing, beside whoever uses the database; tried again while somebody reads.
pub(super) fn empty_log(path: &Path) -> Result<(), StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    for _ in 0..TRIES {
        let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).map_err(database)?;
        if busy == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let problem = "its log is read all the time and could not be emptied; what was purged is in it until it can be";
    Err(StoreError::Unavailable(problem.to_owned()))
}

/// Opens a connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    // Read-write on the file, because a reader of a WAL database keeps the shared index; `query_only` forbids the rest.
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "query_only", true).map_err(database)?;
    Ok(connection)
}

/// Opens a file as it is, to be filled or looked at before it is served.
pub(super) fn open_plain(path: &Path) -> Result<Connection, StoreError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(database)?;
    connection.busy_timeout(BUSY).map_err(database)?;
    // Sorting never spills to a file; 16 MiB of page cache a connection that reads.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(database)?;
    connection.pragma_update(None, "cache_size", -16_384).map_err(database)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Creates the file, readable by its owner only, when it is not there. SQLite gives `-wal` and `-shm` the same mode.
pub(super) fn create_private(path: &Path) -> Result<std::fs::File, StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| StoreError::Database(format!("its file cannot be opened: {}", error.kind())))
}

/// A database error as the store reports it. SQLite's messages name tables and columns, never bound values.
pub(super) fn database(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(code, _) if code.code == rusqlite::ErrorCode::DiskFull => StoreError::Full(DISK_IS_FULL),
        rusqlite::Error::SqliteFailure(code, message) => {
            use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, SystemIoFailure};
            let told = message.unwrap_or_else(|| format!("{:?}", code.code));
            match code.code {
                DatabaseBusy | DatabaseLocked | SystemIoFailure => StoreError::Unavailable(told),
                _ => StoreError::Database(told),
            }
        }
        rusqlite::Error::FromSqlConversionFailure(column, ..) | rusqlite::Error::InvalidColumnType(column, ..) => {
            StoreError::Database(format!("column {column} of a query has an unexpected type"))
        }
        other => StoreError::Database(other.to_string()),
    }
}
