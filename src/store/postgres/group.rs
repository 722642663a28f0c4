//! Group commit: short work that holds nothing but names shares a transaction with whatever else of its kind has queued up.
//!
//! A leader, or two when many wait, takes what waits, at most [`GROUP`] pieces, and does it on one connection: the names of all are held first, in one order, then
//! one piece after the other is done, then the numbered rows of all are written and committed at once. So the lock under which rows are numbered
//! and the flush of the log are paid for once a group, and while one group is flushed the next one is prepared. Nobody hears "done" before
//! the commit that holds their work.
//!
//! Where a piece fails, or the group was in somebody's way, or its connection was lost before the commit, the group is undone and each piece is done
//! by itself, as if there were no groups: what is wrong with one is told to that one alone.
//!
//! Why no savepoints? On PostgreSQL each is a subtransaction with a number of its own, paid for by every piece, while a piece that fails is rare:
//! what a sender does wrong is an answer and no failure.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use deadpool_postgres::Object;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
};

use super::{
    pool::{Connections, attempt_once, panicked},
    session::Health,
};
use crate::store::{
    StoreError,
    sql::{
        unit::{Unit, numbers},
        vault::Vault,
    },
};

/// Pieces of work that may share one commit.
const GROUP: usize = 64;
/// Groups at the same time in one process: one is flushed while others are prepared.
pub(super) const LEADERS: usize = 2;
/// So many wait before another leader comes, or one that is not alone goes on: few large groups cost less than many small ones.
pub(super) const CROWD: usize = 16;
/// Pieces of work that may wait; beyond it a caller waits to queue.
const QUEUE: usize = 256;

/// One piece of work in the queue.
trait Write: Send {
    /// The blind indexes that it holds before it reads anything.
    fn names(&self) -> &[[u8; 32]];
    /// Does it, and keeps what it gives. It may be done again, when it was undone.
    fn run(&mut self, unit: &Unit<'_>) -> Result<(), StoreError>;
    /// Answers the caller.
    fn answer(self: Box<Self>, done: Result<(), StoreError>);
}

struct Piece<T, F> {
    names: Vec<[u8; 32]>,
    work: F,
    value: Option<T>,
    caller: oneshot::Sender<Result<T, StoreError>>,
    _room: OwnedSemaphorePermit,
}

impl<T, F> Write for Piece<T, F>
where
    T: Send,
    F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send,
{
    fn names(&self) -> &[[u8; 32]] {
        &self.names
    }

    fn run(&mut self, unit: &Unit<'_>) -> Result<(), StoreError> {
        self.value = None;
        let value = catch_unwind(AssertUnwindSafe(|| (self.work)(unit))).unwrap_or_else(|_| Err(panicked()))?;
        self.value = Some(value);
        Ok(())
    }

    fn answer(self: Box<Self>, done: Result<(), StoreError>) {
        let Self { value, caller, .. } = *self;
        let not_run = || StoreError::Database("a write was not run".to_owned());
        // a caller that went away no longer wants to know; its work is committed all the same
        let _ = caller.send(done.and_then(|()| value.ok_or_else(not_run)));
    }
}

/// What waits, and who works on it.
#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Box<dyn Write>>,
    leaders: usize,
}

/// The queue of one process.
pub(super) struct Groups {
    connections: Connections,
    vault: Arc<Vault>,
    waiting: Mutex<Waiting>,
    room: Arc<Semaphore>,
}

impl Groups {
    pub(super) fn new(connections: Connections, vault: Arc<Vault>) -> Arc<Self> {
        Arc::new(Self { connections, vault, waiting: Mutex::default(), room: Arc::new(Semaphore::new(QUEUE)) })
    }

    /// Queues work that holds these names, and waits until it is committed. It is committed (or undone) even when the caller stops waiting.
    pub(super) async fn write<T, F>(self: &Arc<Self>, names: Vec<[u8; 32]>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let closed = || StoreError::Database("the queue of writes is closed".to_owned());
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| closed())?;
        let (caller, answer) = oneshot::channel();
        if self.add(Box::new(Piece { names, work, value: None, caller, _room: room })) {
            tokio::spawn(Arc::clone(self).lead());
        }
        answer.await.map_err(|_| closed())?
    }

    /// Whether a leader has to come for it.
    fn add(&self, piece: Box<dyn Write>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pieces.push_back(piece);
        let is_wanted = waiting.leaders == 0 || (waiting.leaders < LEADERS && waiting.pieces.len() >= CROWD);
        waiting.leaders += usize::from(is_wanted);
        is_wanted
    }

    /// Pieces that no leader has taken yet.
    #[cfg(test)]
    pub(super) fn waits(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pieces.len()
    }

    /// What has queued up; a leader that gets nothing leaves. Where another one is at work, a few are left to that one.
    fn take(&self) -> Vec<Box<dyn Write>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match waiting.pieces.len() {
            few if waiting.leaders > 1 && few < CROWD => 0,
            all => all.min(GROUP),
        };
        if count == 0 {
            waiting.leaders -= 1;
        }
        waiting.pieces.drain(..count).collect()
    }

    /// Commits groups while something waits. Connections are asked for anew for each, so that other writes have their turn.
    async fn lead(self: Arc<Self>) {
        loop {
            let writing = self.connections.to_write().await;
            let group = self.take();
            if group.is_empty() {
                return;
            }
            match writing {
                Ok((permit, client)) => {
                    let (groups, runtime) = (Arc::clone(&self), Handle::current());
                    let commit = move || {
                        let _permit = permit;
                        groups.commit(group, client, &runtime);
                    };
                    // it does not panic: a piece that does is caught
                    let _ = tokio::task::spawn_blocking(commit).await;
                }
                Err(problem) => group.into_iter().for_each(|piece| piece.answer(Err(problem.clone()))),
            }
        }
    }

    /// Commits a group, or each of it by itself, and answers.
    fn commit(&self, mut group: Vec<Box<dyn Write>>, client: Object, runtime: &Handle) {
        let mut client = Some(client);
        if group.len() > 1
            && let Some(held) = client.take()
        {
            let together = &mut |unit: &Unit<'_>| {
                unit.session.hold(&numbers(group.iter().flat_map(|piece| piece.names())))?;
                group.iter_mut().try_for_each(|piece| piece.run(unit))
            };
            let (result, health, left) = attempt_once(held, runtime, &self.vault, together);
            client = left;
            // where it is not known whether it was committed, it is not to be done again
            if result.is_ok() || health == Health::Unknown {
                group.into_iter().for_each(|piece| piece.answer(result.clone()));
                return;
            }
            tracing::debug!(writes = group.len(), "a group of writes was undone; each is done by itself");
        }
        let mut away = None;
        for mut piece in group {
            if client.is_none() && away.is_none() {
                client = runtime.block_on(self.connections.get()).map_err(|problem| away = Some(problem)).ok();
            }
            // nobody waits for the others to find out the same
            if let Some(problem) = &away {
                piece.answer(Err(problem.clone()));
                continue;
            }
            let alone = &mut |unit: &Unit<'_>| {
                unit.session.hold(&numbers(piece.names().iter()))?;
                piece.run(unit)
            };
            let result = self.connections.write_here(&mut client, runtime, &self.vault, alone);
            piece.answer(result);
        }
    }
}
