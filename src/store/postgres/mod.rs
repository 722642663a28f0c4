//! The store for several servers: PostgreSQL, the same rows and queries as SQLite.
//!
//! - **Durable when answered.** `synchronous_commit` is on in every session; a cluster without `fsync` or `full_page_writes` is refused.
//! - **Any number of servers.** Jobs and deliveries are claimed with `FOR UPDATE SKIP LOCKED`, a lease and a fence. A server that starts
//!   frees no claims: others may hold them, and those of a dead one run out.
//! - **Sealed and immutable.** As in SQLite; triggers refuse to change what is append-only.
//! - **Never a value in an error.** Messages of PostgreSQL can quote one. Its code and the name of a constraint are told, nothing else.
//!
//! # Transactions
//!
//! Work that writes runs in READ COMMITTED and holds what it decides upon: rows by `SELECT … FOR NO KEY UPDATE`, and names that may have
//! no row yet (a document, a patient's number, an encounter's, a request's) by `pg_advisory_xact_lock` over their blind index. A statement
//! that follows sees what was committed until then, so what is held is seen as it is. The holding is written in the shared code
//! ([`store::sql`](super)), in one order. Where two transactions wait for each other all the same, PostgreSQL undoes one of them, and
//! it is done again, five times at most; so is one whose connection was lost before its commit.
//!
//! Why not SERIALIZABLE? Audit events and deliveries are numbered without gaps in the order of the commits. Under SERIALIZABLE two
//! transactions that number rows are always in each other's way, so nearly every one under load would be undone and done again. Held as
//! above, they wait instead.
//!
//! **What that costs.** Whoever numbers rows holds one lock from the first numbered row, the last thing that a transaction writes, until
//! its commit is on the disk. Writes that leave an audit event therefore commit one after another, over all servers. So the lock, the rows and the
//! commit go to the server in one message, notes share a commit (`group`), and everything else runs beside it: reading, sealing, finding.
//!
//! **Ways there and back.** A statement of which nobody needs an answer waits for the next question and goes with it (`session`).
//! The commit is the last of such a message: the server answers it by undoing when anything before it failed, and it is not sent behind a
//! statement that could not be.
//!
//! Work is synchronous, so it runs on threads that may wait, one for each connection in use. Work that reads sees one state (REPEATABLE
//! READ, read only) and waits for nobody; a quarter of the connections is kept for it.
//!
//! Why not sqlx? Its SQLite would bind a second C library, and one set of queries on two drivers is what we have without it.

mod group;
mod inspect;
mod listen;
mod migrate;
mod pool;
mod session;
mod settings;

#[cfg(test)]
pub(crate) mod cluster;
#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod many;
#[cfg(test)]
pub(in crate::store) mod tests;

use std::sync::Arc;

use tokio::runtime::Handle;

#[cfg(test)]
pub(in crate::store) use self::migrate::MIGRATIONS;
use self::{group::Groups, session::database};
pub use self::{
    inspect::{ServerInspection, inspect},
    listen::JobListener,
    settings::PostgresSettings,
};
pub(in crate::store) use self::{pool::Connections, session::PostgresSession};
use super::{
    StoreError,
    sql::{Database, SqlStore, unit::Unit, vault::Vault},
};
use crate::seal::KeyRing;

/// The oldest PostgreSQL that is still cared for by those who make it.
const OLDEST: i32 = 130_000;

/// The store in PostgreSQL.
pub type PostgresStore = SqlStore<Postgres>;

/// One PostgreSQL database.
pub struct Postgres {
    connections: Connections,
    settings: PostgresSettings,
    vault: Arc<Vault>,
    groups: Arc<Groups>,
}

impl Database for Postgres {
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.connections.read(Arc::clone(&self.vault), work).await
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.connections.write(Arc::clone(&self.vault), work).await
    }

    async fn look<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.connections.look(Arc::clone(&self.vault), work).await
    }

    async fn write_named<T, F>(&self, names: Vec<[u8; 32]>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.groups.write(names, work).await
    }
}

impl PostgresStore {
    /// Opens the database, migrating it where steps are missing.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the cluster would lose what it answered, or the schema needs a newer program;
    /// [`StoreError::Sealed`] when the site keys are not this database's.
    pub async fn open(settings: PostgresSettings, keys: impl Into<KeyRing> + Send) -> Result<Self, StoreError> {
        let keys: KeyRing = keys.into();
        migrate(&settings).await?;
        let connections = Connections::new(&settings)?;
        let client = connections.get().await?;
        let runtime = Handle::current();
        let copying = client.query_one("SELECT to_regclass('copy_state') IS NOT NULL", &[]).await;
        if copying.and_then(|row| row.try_get::<_, bool>(0)).map_err(|error| database(&error))? {
            let problem = "a copy into this database was not finished; run `abstractor copy` again";
            return Err(StoreError::Refused(problem.to_owned()));
        }
        let open = move || Vault::open(&PostgresSession::new(&client, &runtime), keys);
        let opened = tokio::task::spawn_blocking(open).await;
        let vault = Arc::new(opened.map_err(|_| StoreError::Database("opening its keys panicked".to_owned()))??);
        let groups = Groups::new(connections.clone(), Arc::clone(&vault));
        Ok(Self::new(Postgres { connections, settings, vault: Arc::clone(&vault), groups }, vault))
    }

    /// What hears of jobs that any server adds.
    #[must_use]
    pub fn job_listener(&self) -> JobListener {
        JobListener { settings: self.database.settings.clone() }
    }
}

/// Checks the cluster and applies the steps that are missing; their names.
///
/// # Errors
/// As [`PostgresStore::open`].
pub async fn migrate(settings: &PostgresSettings) -> Result<Vec<String>, StoreError> {
    let (mut client, connection) = settings.config.connect(settings.tls.clone()).await.map_err(|error| database(&error))?;
    let driven = tokio::spawn(connection);
    let result = async {
        check(&client).await?;
        migrate::migrate(&mut client).await
    };
    let result = result.await;
    drop(client);
    let _ = driven.await;
    result
}

/// Whether there is a schema, of whatever version. Must be called inside a runtime.
///
/// # Errors
/// [`StoreError::Database`] when it cannot be reached or read.
pub async fn has_schema(settings: &PostgresSettings) -> Result<bool, StoreError> {
    let client = Connections::new(settings)?.get().await?;
    let found = client.query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[]).await;
    found.and_then(|row| row.try_get(0)).map_err(|error| database(&error))
}

/// Refuses a cluster that does not keep what it answered.
async fn check(client: &tokio_postgres::Client) -> Result<(), StoreError> {
    let refused = |problem: &str| Err(StoreError::Refused(format!("this PostgreSQL cannot be used: {problem}")));
    let sql =
        "SELECT current_setting('server_version_num')::int4, current_setting('fsync'), current_setting('full_page_writes'),
                      pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()";
    let read = async {
        let row = client.query_one(sql, &[]).await?;
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
    };
    let (version, fsync, pages, encoding): (i32, String, String, String) =
        read.await.map_err(|error: tokio_postgres::Error| database(&error))?;
    if version < OLDEST {
        return refused("it is older than version 13");
    }
    if fsync != "on" || pages != "on" {
        return refused("fsync or full_page_writes is off, so it can lose what it answered; turn both on");
    }
    if encoding != "UTF8" {
        return refused("the encoding of the database is not UTF8");
    }
    Ok(())
}
