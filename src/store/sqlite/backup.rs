//! A copy of the database in one file, made while a server serves it, and such a copy brought back.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{
    connection::{create_private, database, open_plain, open_reader, overwrite_deleted},
    lock, migrate,
    session::SqliteSession,
};
use crate::{
    seal::SiteKeys,
    store::{
        Proof, RestOfItem, RewrapPlace, StoreError, Tombstone,
        sql::{keys, proof, replay, unit::Unit, vault::Vault},
    },
};

/// Copies the database, which a server may serve meanwhile, as it is at one moment, into a file that must not exist, and checks the copy. What is
/// sealed stays sealed. The file appears when it is whole and on the disk.
///
/// # Errors
/// [`StoreError::Refused`] when there is no such database, the file exists, or the copy is not whole.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    if !from.is_file() {
        return Err(StoreError::Refused("there is no such database".to_owned()));
    }
    written(to, |partial| {
        let source = open_reader(from)?;
        let mut copy = open_plain(partial)?;
        // in one step, under one read transaction: a writer does not wait for it, and does not make it begin anew
        let step = Backup::new(&source, &mut copy).and_then(|backup| backup.step(-1)).map_err(database)?;
        if step != StepResult::Done {
            return Err(StoreError::Database("it is in use by another program; try again".to_owned()));
        }
        whole(&copy)?;
        Ok(copy)
    })
}

/// Records that a command did something with the whole database, without its keys and beside a server.
///
/// # Errors
/// When it cannot be written to.
pub fn record(path: &Path, action: &str, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_event (sequence, at, actor_id, actor_name, action, subject_kind, subject_id, detail)
               SELECT coalesce(max(sequence), 0) + 1, ?1, NULL, 'command_line', ?2, '', NULL, '' FROM audit_event";
    open_plain(path)?.execute(sql, (now.as_microsecond(), action)).map(drop).map_err(database)
}

/// Puts a copy that [`backup`] made where a database is to be served; there must be none, and nobody may serve there. The copy is checked first, and
/// that the site keys open it.
///
/// # Errors
/// [`StoreError::Refused`] when there is no such copy, it is not whole, or a database is there; [`StoreError::Sealed`] when the keys are not its keys.
pub fn restore(from: &Path, to: &Path, keys: SiteKeys) -> Result<(), StoreError> {
    if !from.is_file() {
        return Err(StoreError::Refused("there is no such backup".to_owned()));
    }
    let lock_file = beside(to, ".lock");
    let was_there = lock_file.exists();
    let held = lock(to)?;
    let restored = bring_back(from, to, keys);
    // a lock beside no database would be all that is left; it goes while it is still held
    if restored.is_err() && !was_there {
        let _ = fs::remove_file(lock_file);
    }
    drop(held);
    restored
}

/// Whether anything that was purged can be opened in a backup with these keys. The backup is not changed.
///
/// # Errors
/// [`StoreError::Refused`] when there is no such backup.
pub fn prove_backup(backup: &Path, keys: &SiteKeys, tombstones: &[Tombstone]) -> Result<Proof, StoreError> {
    if !backup.is_file() {
        return Err(StoreError::Refused("there is no such backup".to_owned()));
    }
    let connection = open_reader(backup)?;
    let session = SqliteSession(&connection);
    // one of an earlier release lacks tables
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let mut known = Vec::new();
    for tombstone in tombstones {
        if connection.query_row(sql, [&tombstone.kind], |row| row.get::<_, i64>(0)).map_err(database)? > 0 {
            known.push(tombstone.clone());
        }
    }
    let mut found = proof::prove(&session, keys, &known)?;
    found.gone += (tombstones.len() - known.len()) as u64;
    Ok(found)
}

/// Purges in a backup what was purged in the database since, and wraps all keys of it with the first site key. The backup is replaced when
/// that is on the disk; until then it stays as it was. How many notes were destroyed in it.
///
/// # Errors
/// [`StoreError::Refused`] when there is no such backup or it is not whole; [`StoreError::Sealed`] when the keys do not open it.
pub fn purge_backup(backup: &Path, keys: SiteKeys, (tombstones, rest): (&[Tombstone], RestOfItem)) -> Result<u64, StoreError> {
    if !backup.is_file() {
        return Err(StoreError::Refused("there is no such backup".to_owned()));
    }
    let partial = beside(backup, ".partial");
    let made = || {
        create_private(&partial)?.set_len(0).map_err(|error| file("the file cannot be written", &error))?;
        fs::copy(backup, &partial).map_err(|error| file("the backup cannot be copied", &error))?;
        let mut copy = open_plain(&partial)?;
        whole(&copy)?;
        overwrite_deleted(&copy)?;
        migrate::migrate(&mut copy)?;
        let vault = Vault::open(&SqliteSession(&copy), keys)?;
        let transaction = copy.unchecked_transaction().map_err(database)?;
        let session = SqliteSession(&transaction);
        let unit = Unit::new(&session, &vault);
        let notes = replay::replay(&unit, tombstones, rest)?;
        let mut place = Some(RewrapPlace::default());
        while let Some(from) = place {
            place = keys::step(&unit, from)?.0;
        }
        unit.finish()?;
        transaction.commit().map_err(database)?;
        copy.execute_batch("VACUUM").map_err(database)?;
        copy.pragma_update(None, "journal_mode", "DELETE").map_err(database)?;
        whole(&copy)?;
        drop(copy);
        named(&partial, backup)?;
        Ok(notes)
    };
    made().inspect_err(|_| drop(fs::remove_file(&partial)))
}

fn bring_back(from: &Path, to: &Path, keys: SiteKeys) -> Result<(), StoreError> {
    for rest in ["-wal", "-shm"] {
        if beside(to, rest).exists() {
            let problem = "the log of another database lies there; move it away, and the database with it, first";
            return Err(StoreError::Refused(problem.to_owned()));
        }
    }
    written(to, |partial| {
        fs::copy(from, partial).map_err(|error| file("the backup cannot be copied", &error))?;
        let copy = open_plain(partial)?;
        whole(&copy)?;
        Vault::open(&SqliteSession(&copy), keys)?;
        Ok(copy)
    })
}

/// Makes a file by `make`, which checks it, under another name, brings it to the disk, and gives it its name.
fn written(to: &Path, make: impl FnOnce(&Path) -> Result<Connection, StoreError>) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Refused("the file exists, and is not overwritten; name another one".to_owned()));
    }
    let partial = beside(to, ".partial");
    let made = || {
        create_private(&partial)?.set_len(0).map_err(|error| file("the file cannot be written", &error))?;
        let copy = make(&partial)?;
        // one file, without a log beside it
        copy.pragma_update(None, "journal_mode", "DELETE").map_err(database)?;
        drop(copy);
        named(&partial, to)
    };
    made().inspect_err(|_| drop(fs::remove_file(&partial)))
}

/// Brings a file to the disk and gives it its name.
fn named(partial: &Path, to: &Path) -> Result<(), StoreError> {
    let synchronised = File::open(partial).and_then(|file| file.sync_all());
    synchronised.map_err(|error| file("the file cannot be brought to the disk", &error))?;
    fs::rename(partial, to).map_err(|error| file("the file cannot be named", &error))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| file("its folder cannot be brought to the disk", &error))
}

/// Whether pages, indexes and references of a database are as they should be.
fn whole(connection: &Connection) -> Result<(), StoreError> {
    let refused = |problem: &str| Err(StoreError::Refused(format!("the copy is not whole: {problem}")));
    // of the answers only "ok" is told: others name rows
    let fine: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(database)?;
    if fine != "ok" {
        return refused("a page or an index of it is damaged");
    }
    let mut references = connection.prepare("PRAGMA foreign_key_check").map_err(database)?;
    if references.exists([]).map_err(database)? {
        return refused("a row names another that is not there");
    }
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('schema_version', 'note', 'audit_event')";
    let tables: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(database)?;
    if tables == 3 { Ok(()) } else { refused("it is no database of this program") }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn file(what: &str, error: &std::io::Error) -> StoreError {
    StoreError::Database(format!("{what}: {}", error.kind()))
}
