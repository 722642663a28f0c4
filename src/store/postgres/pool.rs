//! Connections: a few for writing, a few kept free for reading, each with its settings; one piece of work on one of them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    session::{Health, PostgresSession, database},
    settings::PostgresSettings,
};
use crate::store::{
    StoreError,
    sql::{unit::Unit, vault::Vault},
};

/// How long a piece of work waits for a connection.
const WAITING: Duration = Duration::from_secs(30);
/// How often a piece of work is done when another one is in its way.
const TRIES: u32 = 5;
/// Statements that a connection remembers before it forgets all.
const STATEMENTS: usize = 500;

/// What every connection begins with. A statement ends by itself, so that a lost one holds nobody up; a transaction whose program hangs is
/// undone. Whoever set a stronger `synchronous_commit` than `on` keeps it.
const BEGINNING: &str =
    "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = error;
    SELECT set_config('synchronous_commit',
        CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)";

/// The connections of one process.
#[derive(Clone)]
pub(in crate::store) struct Connections {
    pool: Pool,
    writing: Arc<Semaphore>,
}

impl Connections {
    /// Nothing is connected yet. Must be called inside a runtime.
    pub(in crate::store) fn new(settings: &PostgresSettings) -> Result<Self, StoreError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(settings.config.clone(), settings.tls.clone(), recycling);
        let begin = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(BEGINNING).await.map_err(HookError::Backend) })
        });
        let forget = Hook::sync_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            if client.statement_cache.size() > STATEMENTS {
                client.statement_cache.clear();
            }
            Ok(())
        });
        let most = settings.connections.max(2);
        let pool = Pool::builder(manager)
            .max_size(most)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAITING))
            .create_timeout(Some(WAITING))
            .recycle_timeout(Some(WAITING))
            .post_create(begin)
            .pre_recycle(forget)
            .build()
            .map_err(|_| StoreError::Database("its connections cannot be set up".to_owned()))?;
        // who reads never waits for those who write
        Ok(Self { pool, writing: Arc::new(Semaphore::new(most - most.div_ceil(4).min(most - 1))) })
    }

    pub(in crate::store) async fn get(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => database(&error),
            PoolError::Timeout(_) => StoreError::Unavailable("no connection became free in time".to_owned()),
            _ => StoreError::Unavailable("no connection could be made".to_owned()),
        })
    }

    /// Runs work that changes nothing: one state for all its queries, and no waiting for who writes.
    pub(super) async fn read<T, F>(&self, vault: Arc<Vault>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let client = self.get().await?;
        let runtime = Handle::current();
        let read = move || {
            let session = PostgresSession::new(&client, &runtime);
            session.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
            let result =
                catch_unwind(AssertUnwindSafe(|| work(&Unit::new(&session, &vault)))).unwrap_or_else(|_| Err(panicked()));
            let is_clean = session.roll_back();
            discard_unless(is_clean, client);
            result
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| panicked())?
    }

    /// Runs one question without a transaction around it: it is one way there and back.
    pub(super) async fn look<T, F>(&self, vault: Arc<Vault>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let client = self.get().await?;
        let runtime = Handle::current();
        let look = move || work(&Unit::new(&PostgresSession::new(&client, &runtime), &vault));
        tokio::task::spawn_blocking(look).await.map_err(|_| panicked())?
    }

    /// A connection to write with, once one of those is free, and what keeps it from others meanwhile.
    pub(super) async fn to_write(&self) -> Result<(OwnedSemaphorePermit, Object), StoreError> {
        let closed = |_| StoreError::Database("its connections are closed".to_owned());
        let permit = Arc::clone(&self.writing).acquire_owned().await.map_err(closed)?;
        Ok((permit, self.get().await?))
    }

    /// Runs work in a transaction and commits; again, when another one was in its way.
    pub(super) async fn write<T, F>(&self, vault: Arc<Vault>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (permit, first) = self.to_write().await?;
        let (runtime, connections) = (Handle::current(), self.clone());
        let write = move || {
            let _permit = permit;
            connections.write_here(&mut Some(first), &runtime, &vault, &mut |unit| work(unit))
        };
        tokio::task::spawn_blocking(write).await.map_err(|_| panicked())?
    }

    /// As [`Self::write`], on this thread, which may wait. Begins with the connection that is given, and leaves one that can be used.
    pub(super) fn write_here<T>(
        &self,
        client: &mut Option<Object>,
        runtime: &Handle,
        vault: &Vault,
        work: &mut dyn FnMut(&Unit<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        for attempt in 1.. {
            let held = match client.take() {
                Some(held) => held,
                None => runtime
                    .block_on(self.pool.get())
                    .map_err(|_| StoreError::Unavailable("the connection was lost".to_owned()))?,
            };
            let (result, health, left) = attempt_once(held, runtime, vault, work);
            *client = left;
            if result.is_ok() || health != Health::Again || attempt == TRIES {
                return result;
            }
            tracing::debug!(attempt, "a transaction is done again");
            runtime.block_on(tokio::time::sleep(Duration::from_millis(10) * attempt));
        }
        unreachable!("the last attempt returns")
    }
}

/// Does the work once; with how its transaction was, and the connection, where it can be used again.
pub(super) fn attempt_once<T>(
    client: Object,
    runtime: &Handle,
    vault: &Vault,
    work: &mut dyn FnMut(&Unit<'_>) -> Result<T, StoreError>,
) -> (Result<T, StoreError>, Health, Option<Object>) {
    let session = PostgresSession::new(&client, runtime);
    session.begin("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    let unit = Unit::new(&session, vault);
    let done = catch_unwind(AssertUnwindSafe(|| work(&unit).and_then(|value| unit.finish().map(|()| value))))
        .unwrap_or_else(|_| Err(panicked()));
    let result = match done {
        Ok(value) if session.health() == Health::Well => session.commit().map(|()| value),
        // a COMMIT of a transaction with a failure in it would be answered like one that was kept
        Ok(_) => Err(StoreError::Database("the transaction was undone by the database".to_owned())),
        Err(error) => Err(error),
    };
    let health = session.health();
    let is_clean = result.is_ok() || session.roll_back();
    (result, health, discard_unless(is_clean, client))
}

/// Keeps a connection, or closes it, so that nobody gets one in the middle of a transaction.
fn discard_unless(is_clean: bool, client: Object) -> Option<Object> {
    if is_clean {
        return Some(client);
    }
    drop(Object::take(client));
    None
}

pub(super) fn panicked() -> StoreError {
    StoreError::Database("a piece of work panicked; it was undone".to_owned())
}
