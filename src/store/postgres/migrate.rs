//! Numbered migrations for PostgreSQL, and the check that this program may open a schema.

use std::time::Duration;

use tokio_postgres::{Client, GenericClient, error::SqlState};

use super::session::database;
use crate::store::{
    StoreError,
    sql::schema::{self, Migration, VERSION_TABLE},
};

/// Every step of the schema. The first one is SQLite's first twelve.
pub(in crate::store) const MIGRATIONS: [Migration; 9] = [
    Migration { version: 12, name: "head", oldest_binary: "0.1.0", sql: include_str!("migrations/0012_head.sql") },
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

/// How often it is tried to change tables that others hold, and the time between.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(5);

/// Held by whoever changes the schema, so that servers that start at once do it one after another.
const SCHEMA: i64 = 0x6162_7374_0000_0002;

/// Applies what is missing, all or nothing; the names of the steps. Refuses a schema that needs a newer program. Where others hold what it
/// changes, it lets them go first and comes again.
pub(super) async fn migrate(client: &mut Client) -> Result<Vec<String>, StoreError> {
    for _ in 0..TRIES {
        match migrate_now(client).await {
            Err(StoreError::Unavailable(problem)) => {
                tracing::warn!(problem, "the schema cannot be changed now; it is tried again")
            }
            ended => return ended,
        }
        tokio::time::sleep(PAUSE).await;
    }
    migrate_now(client).await
}

async fn migrate_now(client: &mut Client) -> Result<Vec<String>, StoreError> {
    if schema::missing(&MIGRATIONS, &applied(client).await?)?.is_empty() {
        return Ok(Vec::new());
    }
    let begin = client.transaction().await.map_err(|error| database(&error))?;
    // a server that waits for a table holds up everybody who comes behind it: a backup may have it for an hour
    begin
        .batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '3s'")
        .await
        .map_err(|error| database(&error))?;
    begin.execute("SELECT pg_advisory_xact_lock($1)", &[&SCHEMA]).await.map_err(|error| database(&error))?;
    // another one may have done it meanwhile
    let mut done = Vec::new();
    let found = applied(&begin).await?;
    for step in schema::missing(&MIGRATIONS, &found)? {
        let insert = "INSERT INTO schema_version (version, name, oldest_binary) VALUES ($1, $2, $3)";
        let version = i32::try_from(step.version).unwrap_or(i32::MAX);
        let apply = async {
            begin.batch_execute(VERSION_TABLE).await?;
            begin.batch_execute(step.sql).await?;
            begin.execute(insert, &[&version, &step.name, &step.oldest_binary]).await
        };
        apply.await.map_err(|error| match error.code() {
            Some(code) if [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::INVALID_SCHEMA_NAME].contains(code) => {
                StoreError::Refused(of_owner(found.is_empty()))
            }
            _ => database(&error),
        })?;
        done.push(format!("{:04} {}", step.version, step.name));
    }
    begin.commit().await.map_err(|error| database(&error))?;
    Ok(done)
}

/// What is said to a user who may not do what the owner of the schema has to do.
fn of_owner(is_new: bool) -> String {
    let found = if is_new {
        "the database has no schema yet, and its user may not make one"
    } else {
        "the schema of the database is older than this program, and its user may not change it"
    };
    format!(
        "{found}; its owner has to run `abstractor migrate --database postgres://OWNER@HOST/NAME`, then the statements of deploy/compose/grants.sql"
    )
}

/// The steps that were applied.
pub(super) async fn applied(client: &impl GenericClient) -> Result<Vec<(i64, String)>, StoreError> {
    let read = async {
        if !client.query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[]).await?.try_get::<_, bool>(0)? {
            return Ok(Vec::new());
        }
        let rows = client.query("SELECT version, oldest_binary FROM schema_version ORDER BY version", &[]).await?;
        rows.iter().map(|row| Ok((row.try_get::<_, i32>(0)?.into(), row.try_get(1)?))).collect()
    };
    read.await.map_err(|error: tokio_postgres::Error| database(&error))
}
