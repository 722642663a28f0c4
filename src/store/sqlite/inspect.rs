//! A look at a database file that changes nothing and leaves nothing behind, whether a server runs, ended or was killed.

use std::{
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    connection::database,
    migrate::{MIGRATIONS, applied},
    session::SqliteSession,
};
use crate::{
    seal::SiteKeys,
    store::{
        Holdings, KeyFit, SchemaState, StoreError, TrailReport,
        sql::{holdings::holdings, trail::standing_with, vault::Vault},
    },
};

/// How long to wait for a server that writes.
const BUSY: Duration = Duration::from_secs(10);
/// What every database file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What a database file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInspection {
    /// Its schema.
    pub schema: SchemaState,
    /// Whether the site keys open it; none where no keys were given, or there is no schema.
    pub key: Option<KeyFit>,
    /// What a service depends on; none where the schema needs a newer program.
    pub holds: Option<Holdings>,
    /// Whether the end of the audit trail verifies; none where it cannot be told: no key, or a schema of another program.
    pub trail: Option<TrailReport>,
    /// Whether writes go to a log beside it, as the service sets it.
    pub has_write_ahead_log: bool,
    /// Whether a server runs on it, or was killed.
    pub is_open: bool,
}

/// Looks at a database, which a server may serve meanwhile. Its pages are read, not every value: `check` of the store does that.
///
/// # Errors
/// [`StoreError::Refused`] when it is no database, a page is damaged, or its log lies there without the index of the log.
pub fn inspect(path: &Path, keys: Option<&SiteKeys>) -> Result<FileInspection, StoreError> {
    let is_open = has_log(path);
    let found = look(path, keys, is_open);
    // a server that started meanwhile makes a look at a file at rest worthless
    if !is_open && has_log(path) { look(path, keys, true) } else { found }
}

fn look(path: &Path, keys: Option<&SiteKeys>, is_open: bool) -> Result<FileInspection, StoreError> {
    let refused = |problem: &str| StoreError::Refused(problem.to_owned());
    let mut header = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(refused("it is empty or cut off")),
        Err(error) => return Err(StoreError::Database(format!("its file cannot be read: {}", error.kind()))),
        Ok(()) if !header.starts_with(MAGIC) => return Err(refused("it is no database file, or its beginning is damaged")),
        Ok(()) => {}
    }
    if is_open && !beside(path, "-shm").exists() {
        return Err(refused("its write-ahead log lies there without the log's index, as after copying the files by hand"));
    }
    // A file at rest is read as one that nobody changes: otherwise SQLite would make a log and an index beside it, and leave them there.
    // Beside a log the file is opened for reading alone, so that closing it neither writes the log back nor removes it.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(address(path, is_open)?, flags).map_err(database)?;
    connection.busy_timeout(BUSY).map_err(database)?;
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(database)?;
    // of the answers only "ok" is told: others name rows
    let fine = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let damaged = || refused("a page or an index of it is damaged");
    match fine {
        Ok(answer) if answer == "ok" => {}
        Ok(_) => return Err(damaged()),
        Err(error) if is_damage(&error) => return Err(damaged()),
        Err(error) => return Err(database(error)),
    }
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    let has_schema = connection.query_row(table, [], |row| row.get::<_, i64>(0)).map_err(database)? > 0;
    let steps = if has_schema { applied(&connection)? } else { Vec::new() };
    let schema = SchemaState::of(&MIGRATIONS, &steps);
    let keys = keys.filter(|_| schema != SchemaState::Missing);
    let session = SqliteSession(&connection);
    let key = keys.map(|keys| Vault::fit(&session, keys)).transpose()?;
    let trail = standing_with(&session, &schema, keys)?;
    let holds = holdings(&SqliteSession(&connection), &schema)?;
    Ok(FileInspection { schema, key, holds, trail, has_write_ahead_log: header[18] == 2 && header[19] == 2, is_open })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase))
}

/// Whether a log lies beside the database: a server that ends takes it away.
fn has_log(path: &Path) -> bool {
    beside(path, "-wal").exists()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The file as SQLite takes it with settings.
fn address(path: &Path, is_open: bool) -> Result<String, StoreError> {
    let unreadable = |error: std::io::Error| StoreError::Database(format!("its file cannot be read: {}", error.kind()));
    let path = path.canonicalize().map_err(unreadable)?;
    let mut address = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/.-_".contains(byte) {
            address.push(char::from(*byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address.push_str(if is_open { "?mode=ro" } else { "?immutable=1" });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::store::sqlite::{OpenMode, SqliteStore};

    /// Every file of a folder with what is in it. The index of a log is left out: it is made anew by whoever comes first.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let paths = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let kept = paths.filter(|path| !path.to_string_lossy().ends_with("-shm"));
        kept.map(|path| (path.clone(), std::fs::read(&path).expect("reads"))).collect()
    }

    #[test]
    fn a_look_changes_nothing_at_rest_and_beside_a_server() {
        let folder = tempfile::tempdir().expect("a folder");
        // a name that an address has to write otherwise
        let path = folder.path().join("odd name?#%41.db");
        let keys = SiteKeys::generate();
        let store = SqliteStore::open(&path, keys.clone(), OpenMode::Serve).expect("opens");
        let before = files(folder.path());
        let found = inspect(&path, Some(&keys)).expect("is looked at");
        assert!(found.is_open && found.has_write_ahead_log, "{found:?}");
        assert_eq!((found.key, found.holds.as_ref()), (Some(KeyFit::First), Some(&Holdings::default())));
        assert!(matches!(found.schema, SchemaState::Current { .. }), "{found:?}");
        assert_eq!(files(folder.path()), before);
        drop(store);
        let before = files(folder.path());
        let other = inspect(&path, Some(&SiteKeys::generate())).expect("is looked at");
        assert!(!other.is_open && other.has_write_ahead_log, "{other:?}");
        assert_eq!(other.key, Some(KeyFit::None));
        let newer = keys.rotated_to(SiteKeys::generate());
        assert_eq!(inspect(&path, Some(&newer)).expect("is looked at").key, Some(KeyFit::Older));
        assert_eq!(inspect(&path, None).expect("is looked at").key, None);
        assert_eq!(files(folder.path()), before);
        assert!(!beside(&path, "-wal").exists() && !beside(&path, "-shm").exists());
    }

    #[test]
    fn what_is_no_whole_database_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abstractor.db");
        drop(SqliteStore::open(&path, SiteKeys::generate(), OpenMode::Serve).expect("opens"));
        let whole = std::fs::read(&path).expect("reads");
        let mut damaged = whole.clone();
        damaged[4096..12_288].fill(0x5a);
        for (bytes, problem) in [
            (Vec::new(), "empty or cut off"),
            (b"no database at all, but words".to_vec(), "no database file"),
            (damaged, "damaged"),
        ] {
            std::fs::write(&path, bytes).expect("writes");
            let message = inspect(&path, None).expect_err(problem).to_string();
            assert!(message.contains(problem), "{message}");
        }
        std::fs::write(&path, whole).expect("writes");
        std::fs::write(beside(&path, "-wal"), b"").expect("writes");
        let message = inspect(&path, None).expect_err("is refused").to_string();
        assert!(message.contains("without the log's index"), "{message}");
    }
}
