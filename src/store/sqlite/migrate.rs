//! Numbered migrations, compiled in, and the check that this program may open a schema.

use rusqlite::{Connection, TransactionBehavior};

use super::connection::database;
use crate::store::{
    StoreError,
    sql::schema::{self, Migration, VERSION_TABLE},
};

/// Every step of the schema.
pub(in crate::store) const MIGRATIONS: [Migration; 20] = [
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
    Migration { version: 13, name: "routing", oldest_binary: "0.1.0", sql: include_str!("migrations/0013_routing.sql") },
    Migration { version: 14, name: "lists", oldest_binary: "0.1.0", sql: include_str!("migrations/0014_lists.sql") },
    Migration {
        version: 15,
        name: "fair_claims",
        oldest_binary: "0.1.0",
        sql: include_str!("migrations/0015_fair_claims.sql"),
    },
    Migration {
        version: 16,
        name: "audit_chain",
        oldest_binary: "0.1.0",
        sql: include_str!("migrations/0016_audit_chain.sql"),
    },
    Migration { version: 17, name: "sign_in", oldest_binary: "0.1.0", sql: include_str!("migrations/0017_sign_in.sql") },
    Migration { version: 18, name: "labels", oldest_binary: "0.1.0", sql: include_str!("migrations/0018_labels.sql") },
    Migration { version: 19, name: "retention", oldest_binary: "0.1.0", sql: include_str!("migrations/0019_retention.sql") },
    Migration { version: 20, name: "outcomes", oldest_binary: "0.1.0", sql: include_str!("migrations/0020_outcomes.sql") },
];

/// Whether steps are missing. Refuses a schema that needs a newer program.
pub(super) fn is_behind(connection: &Connection) -> Result<bool, StoreError> {
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    if connection.query_row(table, [], |row| row.get::<_, i64>(0)).map_err(database)? == 0 {
        return Ok(true);
    }
    Ok(!schema::missing(&MIGRATIONS, &applied(connection)?)?.is_empty())
}

/// The steps that were applied.
pub(super) fn applied(connection: &Connection) -> Result<Vec<(i64, String)>, StoreError> {
    let mut statement = connection.prepare("SELECT version, oldest_binary FROM schema_version").map_err(database)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).and_then(Iterator::collect).map_err(database)
}

/// Applies what is missing, each step in one transaction; the names of the steps.
pub(super) fn migrate(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    connection.execute_batch(&format!("{VERSION_TABLE} STRICT")).map_err(database)?;
    let mut done = Vec::new();
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
        done.push(format!("{:04} {}", migration.version, migration.name));
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().expect("opens");
        assert!(is_behind(&connection).expect("reads"));
        assert_eq!(migrate(&mut connection).expect("migrates").len(), MIGRATIONS.len());
        assert_eq!(migrate(&mut connection).expect("migrates again").len(), 0);
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
