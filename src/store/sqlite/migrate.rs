//! Numbered migrations, compiled in, and the check that this program may open a schema.

use rusqlite::{Connection, TransactionBehavior};

use super::connection::database;
use crate::store::StoreError;

/// One step of the schema. Never edited after a release: a new step follows instead.
struct Migration {
    version: i64,
    name: &'static str,
    /// The oldest release whose program may still open a schema with this step.
    oldest_binary: &'static str,
    sql: &'static str,
}

const MIGRATIONS: [Migration; 12] = [
    Migration { version: 1, name: "first", oldest_binary: "0.1.0", sql: include_str!("migrations/0001_first.sql") },
    Migration {
        version: 2,
        name: "discharge_date",
        oldest_binary: "0.1.0",
        sql: include_str!("migrations/0002_discharge_date.sql"),
    },
    Migration {
        version: 3,
        name: "overridden_edits",
        oldest_binary: "0.1.0",
        sql: include_str!("migrations/0003_overridden_edits.sql"),
    },
    Migration { version: 4, name: "standing", oldest_binary: "0.1.0", sql: include_str!("migrations/0004_standing.sql") },
    Migration { version: 5, name: "outbox", oldest_binary: "0.1.0", sql: include_str!("migrations/0005_outbox.sql") },
    Migration { version: 6, name: "messages", oldest_binary: "0.1.0", sql: include_str!("migrations/0006_messages.sql") },
    Migration { version: 7, name: "searches", oldest_binary: "0.1.0", sql: include_str!("migrations/0007_searches.sql") },
    Migration { version: 8, name: "clients", oldest_binary: "0.1.0", sql: include_str!("migrations/0008_clients.sql") },
    Migration { version: 9, name: "worklists", oldest_binary: "0.1.0", sql: include_str!("migrations/0009_worklists.sql") },
    Migration { version: 10, name: "workbench", oldest_binary: "0.1.0", sql: include_str!("migrations/0010_workbench.sql") },
    Migration {
        version: 11,
        name: "second_reviews",
        oldest_binary: "0.1.0",
        sql: include_str!("migrations/0011_second_reviews.sql"),
    },
    Migration { version: 12, name: "queries", oldest_binary: "0.1.0", sql: include_str!("migrations/0012_queries.sql") },
];

const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, oldest_binary TEXT NOT NULL) STRICT";

/// Whether steps are missing. Refuses a schema that needs a newer program.
pub(super) fn is_behind(connection: &Connection) -> Result<bool, StoreError> {
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    if connection.query_row(table, [], |row| row.get::<_, i64>(0)).map_err(database)? == 0 {
        return Ok(true);
    }
    let mut statement = connection.prepare("SELECT version, oldest_binary FROM schema_version").map_err(database)?;
    let steps: Vec<(i64, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).and_then(Iterator::collect).map_err(database)?;
    let mine = release(env!("CARGO_PKG_VERSION"));
    if let Some((version, oldest)) = steps.iter().find(|(_, oldest)| release(oldest) > mine) {
        return Err(StoreError::Refused(format!(
            "the database has schema version {version}, which needs release {oldest} or newer; this is release {}",
            env!("CARGO_PKG_VERSION")
        )));
    }
    Ok(MIGRATIONS.iter().any(|migration| !steps.iter().any(|(version, _)| *version == migration.version)))
}

/// Applies what is missing, each step in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    connection.execute_batch(VERSION_TABLE).map_err(database)?;
    for migration in &MIGRATIONS {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(database)?;
        let known = "SELECT count(*) FROM schema_version WHERE version = ?1";
        if transaction.query_row(known, [migration.version], |row| row.get::<_, i64>(0)).map_err(database)? > 0 {
            continue;
        }
        transaction.execute_batch(migration.sql).map_err(database)?;
        transaction
            .execute(
                "INSERT INTO schema_version (version, name, oldest_binary) VALUES (?1, ?2, ?3)",
                (migration.version, migration.name, migration.oldest_binary),
            )
            .map_err(database)?;
        transaction.commit().map_err(database)?;
    }
    Ok(())
}

/// A release as numbers, so that 0.10.0 is newer than 0.9.0.
fn release(version: &str) -> [u64; 3] {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_compare_as_numbers() {
        assert!(release("0.10.0") > release("0.9.9"));
        assert!(release("1.0.0") > release("0.99.0"));
        assert_eq!(release("0.1.0-dev"), release("0.1.0"));
    }

    #[test]
    fn versions_count_up_from_one() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version), Ok(index + 1), "{}", migration.name);
        }
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().expect("opens");
        assert!(is_behind(&connection).expect("reads"));
        migrate(&mut connection).expect("migrates");
        migrate(&mut connection).expect("migrates again");
        assert!(!is_behind(&connection).expect("reads"));
    }

    #[test]
    fn a_newer_schema_is_refused_only_when_it_needs_a_newer_program() {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection).expect("migrates");
        connection.execute("INSERT INTO schema_version VALUES (98, 'compatible', '0.1.0')", []).expect("inserts");
        assert!(!is_behind(&connection).expect("a newer, compatible schema opens"));
        connection.execute("INSERT INTO schema_version VALUES (99, 'contracts', '99.0.0')", []).expect("inserts");
        assert!(matches!(is_behind(&connection), Err(StoreError::Refused(message)) if message.contains("99.0.0")));
    }
}
