//! The one writer: a thread that commits whatever has queued up in one transaction (group commit).
//!
//! Nobody hears "done" before the commit that holds their work has reached the disk. Where a piece fails, the group is undone and done again with a
//! savepoint around each piece, so that one that fails undoes only itself. Not so from the start: under a savepoint SQLite copies every page
//! before its first change, for each piece anew, and a piece that fails is rare.
//!
//! Why not a transaction per write? With `synchronous=FULL` each commit waits for the disk; under load the wait is
//! shared by all who queued during the one before.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{connection::database, session::SqliteSession};
use crate::store::{
    StoreError,
    sql::{unit::Unit, vault::Vault},
};

/// Pieces of work that may share one commit.
const GROUP: usize = 64;
/// Pieces of work that may wait; beyond it a caller waits to queue.
const QUEUE: usize = 256;

/// One piece of work in the queue.
trait Write: Send {
    /// Does it, once more where it was undone. `false` when it must be undone.
    fn run(&mut self, unit: &Unit<'_>) -> bool;
    /// Why it must be undone, when it must.
    fn failure(&self) -> Option<&StoreError>;
    /// Answers the caller, once it is known whether the commit succeeded.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Piece<T, F> {
    work: F,
    result: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write for Piece<T, F>
where
    T: Send,
    F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, unit: &Unit<'_>) -> bool {
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(unit).and_then(|value| unit.finish().map(|()| value))))
            .unwrap_or_else(|_| Err(StoreError::Database("a write panicked; it was undone".to_owned())));
        self.result.insert(result).is_ok()
    }

    fn failure(&self) -> Option<&StoreError> {
        self.result.as_ref().and_then(|result| result.as_ref().err())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (self.result, committed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(problem)) => Err(problem),
            (None, Ok(())) => Err(StoreError::Database("a write was not run".to_owned())),
        };
        // A caller that went away no longer wants to know; its work is committed all the same.
        let _ = self.caller.send(answer);
    }
}

/// The queue to the writing thread. Dropping it waits for what is queued, then closes the connection.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Write>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `held` lives as long as the connection (the lock on the database).
    pub(super) fn start(connection: Connection, vault: Arc<Vault>, held: Option<std::fs::File>) -> Result<Self, StoreError> {
        let (queue, mut pieces) = mpsc::channel::<Box<dyn Write>>(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                while let Some(first) = pieces.blocking_recv() {
                    commit_group(&connection, &vault, first, &mut pieces);
                }
                drop(connection);
                drop(held);
            })
            .map_err(|error| StoreError::Database(format!("the writing thread does not start: {}", error.kind())))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues work and waits until it is committed. It is committed (or undone) even when the caller stops waiting.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let closed = || StoreError::Database("the writing thread has ended".to_owned());
        let (caller, answer) = oneshot::channel();
        let piece = Box::new(Piece { work, result: None, caller });
        self.queue.as_ref().ok_or_else(closed)?.send(piece).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs `first` and what else has queued, commits, answers.
fn commit_group(connection: &Connection, vault: &Vault, first: Box<dyn Write>, pieces: &mut mpsc::Receiver<Box<dyn Write>>) {
    let mut group = vec![first];
    let mut outcome = run_together(connection, vault, pieces, &mut group);
    if let Err(Undone::Piece) = outcome {
        // one that was alone knows what is wrong with it already
        outcome = if group.len() == 1 { Ok(()) } else { run_apart(connection, vault, &mut group) };
    }
    let outcome = outcome.map_err(|undone| match undone {
        Undone::Group(problem) => problem,
        Undone::Piece => StoreError::Database("a group of writes was not run".to_owned()),
    });
    if let Err(problem) = &outcome {
        tracing::error!(%problem, writes = group.len(), "a group of writes was not committed");
        roll_back(connection);
    }
    for piece in group {
        piece.answer(outcome.clone());
    }
}

/// Why a group was undone.
enum Undone {
    /// A piece of it failed.
    Piece,
    /// None of it can be done now.
    Group(StoreError),
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Undone> {
    let done = connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    done.map(drop).map_err(|error| Undone::Group(database(error)))
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
}

/// Runs the first of the group and takes in what has queued up meanwhile.
fn run_together(
    connection: &Connection,
    vault: &Vault,
    pieces: &mut mpsc::Receiver<Box<dyn Write>>,
    group: &mut Vec<Box<dyn Write>>,
) -> Result<(), Undone> {
    execute(connection, "BEGIN IMMEDIATE")?;
    loop {
        let kept = group.last_mut().is_some_and(|piece| piece.run(&Unit::new(&SqliteSession(connection), vault)));
        still_begun(connection, group.last().and_then(|piece| piece.failure()))?;
        if !kept {
            roll_back(connection);
            return Err(Undone::Piece);
        }
        if group.len() == GROUP {
            break;
        }
        match pieces.try_recv() {
            Ok(next) => group.push(next),
            Err(_) => break,
        }
    }
    execute(connection, "COMMIT")
}

/// Runs every piece of a group in a savepoint: what fails is undone by itself.
fn run_apart(connection: &Connection, vault: &Vault, group: &mut [Box<dyn Write>]) -> Result<(), Undone> {
    execute(connection, "BEGIN IMMEDIATE")?;
    for piece in group {
        execute(connection, "SAVEPOINT piece")?;
        let kept = piece.run(&Unit::new(&SqliteSession(connection), vault));
        still_begun(connection, piece.failure())?;
        if !kept {
            execute(connection, "ROLLBACK TO piece")?;
        }
        execute(connection, "RELEASE piece")?;
    }
    execute(connection, "COMMIT")
}

/// A full disk or an I/O error makes SQLite undo the whole transaction by itself.
fn still_begun(connection: &Connection, failure: Option<&StoreError>) -> Result<(), Undone> {
    if !connection.is_autocommit() {
        return Ok(());
    }
    let undone = || StoreError::Database("the transaction was undone by the database".to_owned());
    // what is wrong with the last one's rows is told to the last one alone
    let of_database = |error: &&StoreError| matches!(error, StoreError::Full(_) | StoreError::Unavailable(_));
    Err(Undone::Group(failure.filter(of_database).cloned().unwrap_or_else(undone)))
}
