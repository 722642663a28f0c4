//! A look at a database of PostgreSQL that changes nothing: what the cluster promises, how much room there is, whether the keys fit.

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio_postgres::Client;

use super::{
    Connections, PostgresSession, PostgresSettings, check,
    migrate::{MIGRATIONS, applied},
    session::database,
};
use crate::{
    domain::Surroundings,
    seal::SiteKeys,
    store::{
        Holdings, KeyFit, SchemaState, StoreError, TrailReport,
        sql::{holdings::holdings, trail::standing_with, vault::Vault},
    },
};

/// What a database of PostgreSQL is.
#[derive(Debug, Clone)]
pub struct ServerInspection {
    /// Version of PostgreSQL.
    pub version: String,
    /// Why the service would not use it, where it would not.
    pub refused: Option<String>,
    /// Its schema.
    pub schema: SchemaState,
    /// Whether the user may make the schema, or change it.
    pub may_change_schema: bool,
    /// Whether the site keys open it; none where no keys were given, or there is no schema that the user may use.
    pub key: Option<KeyFit>,
    /// What a service depends on; none where the schema is not for this program or its user.
    pub holds: Option<Holdings>,
    /// Whether the end of the audit trail verifies; none where it cannot be told: no key, or a schema of another program.
    pub trail: Option<TrailReport>,
    /// Version of TLS; none where the connection is in clear.
    pub tls: Option<String>,
    /// Whether it runs on another machine than this one.
    pub is_elsewhere: bool,
    /// Whether the user may do everything.
    pub is_superuser: bool,
    /// What the cluster sets for `synchronous_commit`; the service sets its own.
    pub synchronous_commit: String,
    /// Connections that are open, of all who use the cluster.
    pub connections: i64,
    /// Connections that may be open.
    pub most_connections: i64,
    /// Size of the database.
    pub bytes: u64,
    /// How far its clock is ahead of this machine's.
    pub ahead: SignedDuration,
}

/// Read in one row, so that all is of one moment. What the user must be allowed is what deploy/compose/grants.sql allows.
const STATE: &str = "SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
    (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS synchronous_commit,
    current_setting('is_superuser') = 'on' AS is_superuser,
    (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
    coalesce(inet_client_addr() <> inet_server_addr(), false) AS is_elsewhere,
    (SELECT coalesce(sum(numbackends), 0)::int8 FROM pg_stat_database) AS connections,
    least(current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8,
        (SELECT nullif(datconnlimit, -1)::int8 FROM pg_database WHERE datname = current_database()),
        (SELECT nullif(rolconnlimit, -1)::int8 FROM pg_roles WHERE rolname = current_user)) AS most_connections,
    pg_database_size(current_database())::int8 AS bytes,
    to_regclass('copy_state') IS NOT NULL AS is_copying,
    coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('schema_version')),
        has_schema_privilege(current_schema()::text, 'CREATE'), false) AS may_change_schema,
    NOT EXISTS (SELECT 1 FROM pg_class AS version JOIN pg_class AS owned
        ON owned.relnamespace = version.relnamespace AND owned.relowner = version.relowner AND owned.relkind = 'r'
        WHERE version.oid = to_regclass('schema_version') AND NOT (has_table_privilege(owned.oid, 'SELECT')
            AND (owned.oid = version.oid
                OR has_table_privilege(owned.oid, 'INSERT') AND has_table_privilege(owned.oid, 'UPDATE'))
            AND (owned.relname NOT IN ('idempotency_key', 'used_assertion', 'client_key', 'sign_in_failure', 'sign_in_step')
                OR has_table_privilege(owned.oid, 'DELETE')))) AS may_use_tables";

/// Looks at a database, which servers may serve meanwhile. Must be called inside a runtime.
///
/// # Errors
/// [`StoreError::Database`] when it cannot be reached or read.
pub async fn inspect(
    settings: &PostgresSettings,
    keys: Option<SiteKeys>,
    surroundings: &Surroundings,
) -> Result<ServerInspection, StoreError> {
    let held = Connections::new(settings)?.get().await?;
    let client: &Client = &held;
    client.batch_execute("SET default_transaction_read_only = on").await.map_err(|error| database(&error))?;
    let ahead = ahead(client, surroundings).await?;
    let refused = match check(client).await {
        Ok(()) => None,
        Err(StoreError::Refused(problem)) => Some(problem),
        Err(other) => return Err(other),
    };
    let read = async {
        let row = client.query_one(STATE, &[]).await?;
        let copying = "a copy into this database was not finished; run `abstractor copy` again";
        let refused = refused.or(row.try_get::<_, bool>("is_copying")?.then(|| copying.to_owned()));
        Ok(ServerInspection {
            version: row.try_get("version")?,
            refused,
            schema: if row.try_get("may_use_tables")? { SchemaState::Missing } else { SchemaState::Closed },
            may_change_schema: row.try_get("may_change_schema")?,
            key: None,
            holds: None,
            trail: None,
            tls: row.try_get("tls")?,
            is_elsewhere: row.try_get("is_elsewhere")?,
            is_superuser: row.try_get("is_superuser")?,
            synchronous_commit: row.try_get("synchronous_commit")?,
            connections: row.try_get("connections")?,
            most_connections: row.try_get("most_connections")?,
            bytes: row.try_get::<_, i64>("bytes")?.unsigned_abs(),
            ahead,
        })
    };
    let mut found = read.await.map_err(|error: tokio_postgres::Error| database(&error))?;
    if found.schema != SchemaState::Closed {
        found.schema = SchemaState::of(&MIGRATIONS, &applied(client).await?);
    }
    let (runtime, schema) = (Handle::current(), found.schema.clone());
    let look = move || {
        let session = PostgresSession::new(&held, &runtime);
        let keys = keys.filter(|_| !matches!(schema, SchemaState::Missing | SchemaState::Closed));
        let key = keys.as_ref().map(|keys| Vault::fit(&session, keys)).transpose()?;
        Ok::<_, StoreError>((key, holdings(&session, &schema)?, standing_with(&session, &schema, keys.as_ref())?))
    };
    let panicked = |_| StoreError::Database("reading its rows panicked".to_owned());
    (found.key, found.holds, found.trail) = tokio::task::spawn_blocking(look).await.map_err(panicked)??;
    Ok(found)
}

/// How far the clock of the database is ahead, taken in the middle of the question's way.
async fn ahead(client: &Client, surroundings: &Surroundings) -> Result<SignedDuration, StoreError> {
    let asked = surroundings.now();
    let read = async {
        let row = client.query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8", &[]).await?;
        row.try_get::<_, i64>(0)
    };
    let told = read.await.map_err(|error| database(&error))?;
    let way = surroundings.now().duration_since(asked) / 2;
    let told = Timestamp::from_microsecond(told).map_err(|_| StoreError::Database("its clock tells no time".to_owned()))?;
    Ok(told.duration_since(asked) - way)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::{PostgresStore, cluster::Cluster};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_look_tells_the_state_and_makes_no_schema() {
        let cluster = Cluster::start(&[]);
        cluster.sql("postgres", "CREATE DATABASE looked_at CONNECTION LIMIT 7");
        let settings = PostgresSettings::parse(&cluster.url("looked_at"), None).expect("reads");
        let surroundings = Surroundings::new(|| Timestamp::UNIX_EPOCH, uuid::Uuid::nil);
        let keys = SiteKeys::generate();
        for _ in 0..2 {
            let found = inspect(&settings, Some(keys.clone()), &surroundings).await.expect("is looked at");
            assert_eq!((found.schema, found.key, found.refused), (SchemaState::Missing, None, None));
            assert_eq!((found.most_connections, found.is_superuser, found.tls), (7, true, None));
            assert!(found.may_change_schema && found.holds == Some(Holdings::default()));
            assert!(!found.is_elsewhere && found.connections >= 1 && found.bytes > 1_000_000);
            assert!(found.ahead > SignedDuration::from_hours(24 * 365 * 50), "this clock stands at 1970");
        }
        drop(PostgresStore::open(settings.clone(), keys.clone()).await.expect("opens"));
        let found = inspect(&settings, Some(keys), &surroundings).await.expect("is looked at");
        assert!(matches!(found.schema, SchemaState::Current { .. }), "{found:?}");
        assert_eq!(found.key, Some(KeyFit::First));
        let other = inspect(&settings, Some(SiteKeys::generate()), &surroundings).await.expect("is looked at");
        assert_eq!(other.key, Some(KeyFit::None));
    }
}
