//! The engine: extraction on its own threads behind a bounded queue.
//!
//! Inference is synchronous code. Each replica is one thread with a single-threaded pool of its own, takes what waits
//! (interactive work first), runs the windows of several notes in one batch and answers each caller. A full queue refuses; a
//! caller that has gone away is skipped; a note that makes a batch fail is found by running the batch one by one.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
    thread::JoinHandle,
};

use thiserror::Error;
use tokio::sync::oneshot;

use crate::{
    domain::Extraction,
    pipeline::{NoteInput, Pipeline, Prepared, WindowLogits},
};

/// At most so many notes share a batch.
const NOTES_PER_BATCH: usize = 8;
/// Wordpieces of one run of the encoder.
const BATCH_BUDGET: usize = 1456;

/// Why an extraction did not come.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The queue is full; try again in a moment.
    #[error("the engine's queue is full; try again in a moment")]
    Busy,
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Stopped,
    /// This note makes the extraction fail; the message holds nothing of the note.
    #[error("the extraction of this note failed: {0}")]
    Failed(String),
}

/// Who waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A person or a system waits: bounded, first.
    Interactive,
    /// A job of the queue: the worker bounds how many it sends.
    Background,
}

struct Work {
    input: NoteInput,
    reply: oneshot::Sender<Result<Extraction, EngineError>>,
}

#[derive(Default)]
struct Queue {
    interactive: VecDeque<Work>,
    background: VecDeque<Work>,
    stopped: bool,
}

struct Shared {
    pipeline: RwLock<Arc<Pipeline>>,
    queue: Mutex<Queue>,
    arrived: Condvar,
    capacity: usize,
}

impl Shared {
    fn pipeline(&self) -> Arc<Pipeline> {
        Arc::clone(&self.pipeline.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The answer to come of [`Engine::submit_background`].
pub struct Answer(Result<oneshot::Receiver<Result<Extraction, EngineError>>, EngineError>);

impl Answer {
    /// Waits for it, blocking the thread.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn wait(self) -> Result<Extraction, EngineError> {
        self.0?.blocking_recv().unwrap_or(Err(EngineError::Stopped))
    }
}

/// The engine. Dropping it finishes what runs and stops its threads.
pub struct Engine {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Starts `replicas` threads; `capacity` interactive requests may wait.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(pipeline: Arc<Pipeline>, replicas: usize, capacity: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            pipeline: RwLock::new(pipeline),
            queue: Mutex::new(Queue::default()),
            arrived: Condvar::new(),
            capacity,
        });
        let threads = (0..replicas.max(1))
            .map(|index| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new().name(format!("engine-{index}")).spawn(move || replica(&shared))
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self { shared, threads })
    }

    /// The pipeline it runs.
    #[must_use]
    pub fn pipeline(&self) -> Arc<Pipeline> {
        self.shared.pipeline()
    }

    /// Runs another pipeline from the next batch on, and gives back the one before. What runs goes on with the one it began with.
    pub fn replace(&self, pipeline: Arc<Pipeline>) -> Arc<Pipeline> {
        let mut running = self.shared.pipeline.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *running, pipeline)
    }

    /// Extracts a note; offsets of the answer are bytes.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn extract(&self, input: NoteInput, priority: Priority) -> Result<Extraction, EngineError> {
        self.submit(input, priority)?.await.unwrap_or(Err(EngineError::Stopped))
    }

    /// Hands in a note of a batch and returns at once; the answer is waited for later, without an asynchronous runtime.
    #[must_use]
    pub fn submit_background(&self, input: NoteInput) -> Answer {
        Answer(self.submit(input, Priority::Background))
    }

    fn submit(
        &self,
        input: NoteInput,
        priority: Priority,
    ) -> Result<oneshot::Receiver<Result<Extraction, EngineError>>, EngineError> {
        let (reply, answer) = oneshot::channel();
        let mut queue = locked(&self.shared.queue);
        if queue.stopped {
            return Err(EngineError::Stopped);
        }
        let work = Work { input, reply };
        match priority {
            Priority::Interactive if queue.interactive.len() >= self.shared.capacity => return Err(EngineError::Busy),
            Priority::Interactive => queue.interactive.push_back(work),
            Priority::Background => queue.background.push_back(work),
        }
        drop(queue);
        self.shared.arrived.notify_one();
        Ok(answer)
    }

    /// How many requests wait: interactive, background.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        let queue = locked(&self.shared.queue);
        (queue.interactive.len(), queue.background.len())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        locked(&self.shared.queue).stopped = true;
        self.shared.arrived.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn replica(shared: &Shared) {
    // without a pool of its own the replica works all the same, only slower
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok();
    while let Some(batch) = next(shared) {
        match &pool {
            Some(pool) => pool.install(|| serve(&shared.pipeline(), batch)),
            None => serve(&shared.pipeline(), batch),
        }
    }
}

/// Waits for work; none when the engine stops.
fn next(shared: &Shared) -> Option<Vec<Work>> {
    let mut queue = locked(&shared.queue);
    loop {
        if queue.stopped {
            return None;
        }
        let mut batch = Vec::new();
        while batch.len() < NOTES_PER_BATCH {
            let Some(work) = queue.interactive.pop_front().or_else(|| queue.background.pop_front()) else { break };
            if !work.reply.is_closed() {
                batch.push(work);
            }
        }
        if !batch.is_empty() {
            return Some(batch);
        }
        queue = shared.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

fn serve(pipeline: &Pipeline, batch: Vec<Work>) {
    let inputs: Vec<NoteInput> = batch.iter().map(|work| work.input.clone()).collect();
    match extract_all(pipeline, inputs) {
        Ok(extractions) => {
            for (work, extraction) in batch.into_iter().zip(extractions) {
                let _ = work.reply.send(Ok(extraction));
            }
        }
        // one of them breaks the batch: find it, so that the others get their answer
        Err(_) => {
            for work in batch {
                let alone = extract_all(pipeline, vec![work.input]);
                let _ = work.reply.send(alone.and_then(|mut one| one.pop().ok_or(EngineError::Stopped)));
            }
        }
    }
}

/// All of them, or the failure of the batch. A panic inside is a failure; its message is not passed on, it could quote the note.
fn extract_all(pipeline: &Pipeline, inputs: Vec<NoteInput>) -> Result<Vec<Extraction>, EngineError> {
    let run = || -> Result<Vec<Extraction>, EngineError> {
        let failed = |error: crate::recognize::ModelError| EngineError::Failed(error.to_string());
        let prepared: Vec<Prepared> =
            inputs.into_iter().map(|input| pipeline.prepare(input)).collect::<Result<_, _>>().map_err(failed)?;
        let all: Vec<&Prepared> = prepared.iter().collect();
        let logits: Vec<Vec<WindowLogits>> = pipeline.run(&all, BATCH_BUDGET).map_err(failed)?;
        Ok(prepared.iter().zip(&logits).map(|(note, logits)| pipeline.assemble(note, logits)).collect())
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(EngineError::Failed("the extraction panicked".to_owned())))
}
