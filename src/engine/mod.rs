//! The engine: extraction on its own threads behind a bounded queue.
//!
//! Inference is synchronous code. Each replica is one thread with a single-threaded pool of its own, takes what waits
//! (interactive work first, of every client in turn), runs the windows of several notes in one batch and answers each caller. A full
//! queue refuses; a caller that has gone away is skipped; a note that makes a batch fail is found by running the batch one by one. Where
//! other replicas have nothing to do, the windows of a batch are shared out over all threads, so that a person waits for a long note no longer
//! than the machine needs.
//!
//! A thread cannot be stopped. Where there is a time limit, a watchdog gives up a replica whose batch takes longer and starts another in
//! its place: a single note has failed then, the notes of a batch are run again one by one. No more threads are given up at a time than there
//! are replicas, so that a machine that is slow does not become slower still; an engine without any that works says so.

mod queue;

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use thiserror::Error;
use tokio::sync::oneshot;
use uuid::Uuid;

use self::queue::Lanes;
use crate::{
    domain::Extraction,
    pipeline::{NoteInput, Pipeline, Prepared, WindowLogits},
};

/// At most so many notes share a batch.
const NOTES_PER_BATCH: usize = 8;
/// A note that would make a batch larger than this is run alone: what a replica works on at once, its time and memory, stay bounded.
const BYTES_PER_BATCH: usize = 64_000;
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
    /// This note alone took longer than the engine's time limit.
    #[error("the extraction of this note took longer than it may")]
    TimedOut,
    /// This note makes the extraction fail; the message holds nothing of the note.
    #[error("the extraction of this note failed: {0}")]
    Failed(String),
}

/// Who waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A person or a system waits: bounded, half of it for one client at most, first.
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
    /// Notes of a batch that took too long, each to be run alone.
    again: VecDeque<Work>,
    interactive: Lanes<Work>,
    background: Lanes<Work>,
    /// Replicas that wait for work.
    idle: usize,
    stopped: bool,
}

/// What a replica works on.
struct Batch {
    since: Instant,
    works: Vec<Work>,
}

/// The replicas that are not given up.
#[derive(Default)]
struct Replicas {
    made: usize,
    threads: HashMap<usize, JoinHandle<()>>,
    running: HashMap<usize, Batch>,
    /// Threads that were given up and are not through yet.
    given_up: Vec<JoinHandle<()>>,
}

struct Shared {
    pipeline: RwLock<Arc<Pipeline>>,
    queue: Mutex<Queue>,
    arrived: Condvar,
    replicas: Mutex<Replicas>,
    capacity: usize,
    /// How many replicas there should be.
    wanted: usize,
    /// As many threads as there are replicas, for a batch that comes while others have nothing to do; none for a single replica.
    together: Option<rayon::ThreadPool>,
}

impl Shared {
    fn pipeline(&self) -> Arc<Pipeline> {
        Arc::clone(&self.pipeline.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The threads of all replicas, where some of them have nothing to do and nothing waits for them. Not while threads are given up: some of
    /// these may hang too.
    fn together(&self) -> Option<&rayon::ThreadPool> {
        let pool = self.together.as_ref()?;
        let is_free = {
            let queue = locked(&self.queue);
            queue.idle > 0 && queue.again.is_empty() && queue.interactive.count() + queue.background.count() == 0
        };
        (is_free && locked(&self.replicas).given_up.is_empty()).then_some(pool)
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

/// The engine. Dropping it stops its threads, each when it is through with what it works on.
pub struct Engine {
    shared: Arc<Shared>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Starts `replicas` threads; `capacity` interactive requests may wait. With a time limit, a note that takes longer fails.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(pipeline: Arc<Pipeline>, replicas: usize, capacity: usize, limit: Option<Duration>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            pipeline: RwLock::new(pipeline),
            queue: Mutex::new(Queue::default()),
            arrived: Condvar::new(),
            replicas: Mutex::default(),
            capacity,
            wanted: replicas.max(1),
            together: (replicas > 1).then(|| rayon::ThreadPoolBuilder::new().num_threads(replicas).build().ok()).flatten(),
        });
        for _ in 0..shared.wanted {
            start_replica(&shared)?;
        }
        if let Some(limit) = limit {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("engine-watchdog".to_owned()).spawn(move || watch(&shared, limit))?;
        }
        Ok(Self { shared })
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

    /// Runs what is made of the pipeline as it is then, from the next batch on: nobody who does the same at the same time is passed over.
    pub fn change(&self, make: impl FnOnce(&Pipeline) -> Pipeline) {
        let mut running = self.shared.pipeline.write().unwrap_or_else(PoisonError::into_inner);
        *running = Arc::new(make(&running));
    }

    /// Extracts a note for a client; offsets of the answer are bytes.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn extract(&self, input: NoteInput, priority: Priority, client: Uuid) -> Result<Extraction, EngineError> {
        self.submit(input, priority, client)?.await.unwrap_or(Err(EngineError::Stopped))
    }

    /// Hands in a note of a batch and returns at once; the answer is waited for later, without an asynchronous runtime.
    #[must_use]
    pub fn submit_background(&self, input: NoteInput) -> Answer {
        Answer(self.submit(input, Priority::Background, Uuid::nil()))
    }

    fn submit(
        &self,
        input: NoteInput,
        priority: Priority,
        client: Uuid,
    ) -> Result<oneshot::Receiver<Result<Extraction, EngineError>>, EngineError> {
        let (reply, answer) = oneshot::channel();
        let mut queue = locked(&self.shared.queue);
        if queue.stopped {
            return Err(EngineError::Stopped);
        }
        let work = Work { input, reply };
        match priority {
            Priority::Interactive => {
                let share = self.shared.capacity.div_ceil(2);
                let lanes = &mut queue.interactive;
                if lanes.count() >= self.shared.capacity || lanes.count_of(client) >= share {
                    lanes.retain(|work| !work.reply.is_closed());
                }
                if lanes.count() >= self.shared.capacity || lanes.count_of(client) >= share {
                    return Err(EngineError::Busy);
                }
                lanes.push(client, work);
            }
            Priority::Background => queue.background.push(client, work),
        }
        drop(queue);
        self.shared.arrived.notify_one();
        Ok(answer)
    }

    /// Whether no thread is left that works: each was given up and none is through. Only another process helps then.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        let replicas = locked(&self.shared.replicas);
        replicas.threads.is_empty() && !replicas.given_up.is_empty()
    }

    /// How many requests wait: interactive, background.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        let queue = locked(&self.shared.queue);
        (queue.interactive.count(), queue.background.count())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // what waits is answered; a thread that works ends behind its batch, and nobody waits for one that may hang
        let mut queue = locked(&self.shared.queue);
        *queue = Queue { stopped: true, idle: queue.idle, ..Queue::default() };
        drop(queue);
        self.shared.arrived.notify_all();
    }
}

fn start_replica(shared: &Arc<Shared>) -> std::io::Result<()> {
    let mut replicas = locked(&shared.replicas);
    let number = replicas.made;
    let own = Arc::clone(shared);
    let thread = std::thread::Builder::new().name(format!("engine-{number}")).spawn(move || replica(&own, number))?;
    replicas.made += 1;
    replicas.threads.insert(number, thread);
    Ok(())
}

/// Gives up replicas whose batch takes longer than the limit, until the engine has stopped.
fn watch(shared: &Arc<Shared>, limit: Duration) {
    let pause = (limit / 8).clamp(Duration::from_millis(5), Duration::from_secs(1));
    loop {
        std::thread::sleep(pause);
        let mut late = Vec::new();
        let missing = {
            let mut replicas = locked(&shared.replicas);
            let numbers: Vec<usize> =
                replicas.running.iter().filter(|(_, batch)| batch.since.elapsed() > limit).map(|(number, _)| *number).collect();
            for number in numbers {
                let thread = replicas.threads.remove(&number);
                replicas.given_up.extend(thread);
                late.extend(replicas.running.remove(&number).map(|batch| batch.works));
            }
            replicas.given_up.retain(|thread| !thread.is_finished());
            if replicas.threads.values().all(JoinHandle::is_finished) && locked(&shared.queue).stopped {
                return;
            }
            let missing = shared.wanted.saturating_sub(replicas.threads.len());
            missing.min((2 * shared.wanted).saturating_sub(replicas.threads.len() + replicas.given_up.len()))
        };
        for works in late {
            metrics::counter!("abstractor_engine_threads_given_up_total").increment(1);
            tracing::error!(notes = works.len(), "an extraction takes longer than it may; its thread is given up");
            fail_or_run_alone(shared, works);
        }
        for _ in 0..missing {
            if let Err(error) = start_replica(shared) {
                tracing::error!(%error, "no thread could be started in the place of one that was given up");
            }
        }
    }
}

fn fail_or_run_alone(shared: &Shared, mut works: Vec<Work>) {
    if works.len() == 1 {
        if let Some(work) = works.pop() {
            let _ = work.reply.send(Err(EngineError::TimedOut));
        }
        return;
    }
    run_alone_later(shared, works);
}

fn run_alone_later(shared: &Shared, works: impl IntoIterator<Item = Work>) {
    locked(&shared.queue).again.extend(works);
    shared.arrived.notify_all();
}

fn replica(shared: &Shared, number: usize) {
    // without a pool of its own the replica works all the same, only slower
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok();
    while let Some(batch) = next(shared) {
        let is_wanted = match &pool {
            Some(pool) => pool.install(|| serve(shared, number, batch)),
            None => serve(shared, number, batch),
        };
        if !is_wanted {
            return;
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
        let mut bytes = 0;
        if let Some(alone) = queue.again.pop_front() {
            batch.push(alone);
            bytes = BYTES_PER_BATCH;
        }
        while batch.len() < NOTES_PER_BATCH && bytes < BYTES_PER_BATCH {
            let Some(work) = queue.interactive.pop().or_else(|| queue.background.pop()) else { break };
            bytes += work.input.text.len();
            if work.reply.is_closed() {
                bytes -= work.input.text.len();
            } else if batch.is_empty() || bytes <= BYTES_PER_BATCH {
                batch.push(work);
            } else {
                queue.again.push_back(work);
            }
        }
        if !batch.is_empty() {
            return Some(batch);
        }
        queue.idle += 1;
        queue = shared.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        queue.idle -= 1;
    }
}

/// Runs a batch and answers its callers; `false` when the replica was given up meanwhile.
fn serve(shared: &Shared, number: usize, batch: Vec<Work>) -> bool {
    let Some((works, extracted)) = run(shared, number, batch) else { return false };
    match extracted {
        Ok(extractions) => {
            for (work, extraction) in works.into_iter().zip(extractions) {
                let _ = work.reply.send(Ok(extraction));
            }
        }
        Err(error) if works.len() == 1 => works.into_iter().for_each(|work| drop(work.reply.send(Err(error.clone())))),
        // one of them breaks the batch: find it, so that the others get their answer
        Err(_) => run_alone_later(shared, works),
    }
    true
}

/// A batch that was run: its notes, and what was found in them all.
type Ended = (Vec<Work>, Result<Vec<Extraction>, EngineError>);

/// Runs notes under the eyes of the watchdog; none when the replica was given up meanwhile, and its notes with it.
fn run(shared: &Shared, number: usize, works: Vec<Work>) -> Option<Ended> {
    let inputs: Vec<NoteInput> = works.iter().map(|work| work.input.clone()).collect();
    locked(&shared.replicas).running.insert(number, Batch { since: Instant::now(), works });
    let extracted = extract_all(&shared.pipeline(), inputs, shared.together());
    let batch = locked(&shared.replicas).running.remove(&number)?;
    Some((batch.works, extracted))
}

/// All of them, or the failure of the batch.
fn extract_all(
    pipeline: &Pipeline,
    inputs: Vec<NoteInput>,
    together: Option<&rayon::ThreadPool>,
) -> Result<Vec<Extraction>, EngineError> {
    unharmed(|| {
        let failed = |error: crate::recognize::ModelError| EngineError::Failed(error.to_string());
        let prepared: Vec<Prepared> =
            inputs.into_iter().map(|input| pipeline.prepare(input)).collect::<Result<_, _>>().map_err(failed)?;
        let all: Vec<&Prepared> = prepared.iter().collect();
        let logits: Vec<Vec<WindowLogits>> = pipeline.run(&all, BATCH_BUDGET, together).map_err(failed)?;
        Ok(prepared.iter().zip(&logits).map(|(note, logits)| pipeline.assemble(note, logits)).collect())
    })
}

/// What an extraction gives. A panic inside is a failure; its message is not passed on, it could quote the note.
fn unharmed<T>(run: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(EngineError::Failed("the extraction panicked".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recognize::{Model, ModelFiles, Precision, merge::Recognizers},
        vocabulary::Tables,
    };

    fn input(text: &str) -> NoteInput {
        NoteInput { note_id: "n".to_owned(), text: text.to_owned(), ..NoteInput::default() }
    }

    fn engine(replicas: usize, capacity: usize, limit: Option<Duration>) -> Engine {
        let tables = Tables::embedded().expect("tables");
        let pipeline = Pipeline::new(&tables, None, Recognizers { dictionary: true, model: false }).expect("a pipeline");
        Engine::start(Arc::new(pipeline), replicas, capacity, limit).expect("threads")
    }

    /// A note that takes a thread far longer than the short ones beside it.
    fn long() -> NoteInput {
        input(&"Hypertension and type 2 diabetes mellitus, on metformin 500 mg twice daily. Denies chest pain.\n".repeat(8_000))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_note_that_takes_too_long_fails_alone_and_its_thread_is_replaced() {
        let engine = engine(1, 64, Some(Duration::from_millis(150)));
        let warm = engine.extract(input("Asthma."), Priority::Interactive, Uuid::nil()).await.expect("extracts");
        assert_eq!(warm.entries.len(), 1);
        let late = engine.submit_background(long());
        let beside: Vec<Answer> = (0..3).map(|_| engine.submit_background(input("Gout."))).collect();
        let (late, beside) =
            tokio::task::spawn_blocking(move || (late.wait(), beside.into_iter().map(Answer::wait).collect::<Vec<_>>()))
                .await
                .expect("ends");
        assert_eq!(late.expect_err("takes too long"), EngineError::TimedOut);
        for answer in beside {
            assert_eq!(answer.expect("extracts").entries.len(), 1);
        }
        let after = engine.extract(input("Asthma."), Priority::Interactive, Uuid::nil()).await;
        assert_eq!(after.expect("extracts").entries, warm.entries);
    }

    #[test]
    fn windows_that_are_shared_out_say_what_they_say_on_one_thread() {
        let tables = Tables::embedded().expect("tables");
        let pipeline = Pipeline::new(&tables, None, Recognizers { dictionary: true, model: true }).expect("a pipeline");
        let model = Model::load(&ModelFiles::embedded(), Precision::Int8).expect("a model");
        let pipeline = pipeline.with_model(Arc::new(model));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        let line = "Hypertension and type 2 diabetes mellitus, on metformin 500 mg twice daily. Denies chest pain.\n";
        for lines in [0, 1, 8, 60] {
            let text = format!("Asthma.\n{}", line.repeat(lines));
            let one = extract_all(&pipeline, vec![input(&text), input("Gout.")], None);
            let shared_out = extract_all(&pipeline, vec![input(&text), input("Gout.")], Some(&pool));
            assert!(one.as_ref().expect("extracts").iter().all(|extraction| !extraction.entries.is_empty()));
            assert_eq!(one, shared_out, "{lines} lines");
        }
    }

    #[test]
    fn a_panic_inside_is_a_failure_that_says_nothing_of_the_note() {
        let note = "Mr Qzsentinel has gout";
        let failed = unharmed::<()>(|| panic!("cannot slice {note:?}")).expect_err("fails");
        assert!(!format!("{failed} {failed:?}").contains("Qzsentinel"), "{failed:?}");
        assert_eq!(unharmed(|| Ok(1)), Ok(1));
    }

    #[test]
    fn who_stops_waits_for_no_note_that_hangs() {
        let engine = engine(1, 1, Some(Duration::from_secs(120)));
        let running = engine.submit_background(long());
        while engine.waiting() != (0, 0) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let queued = engine.submit_background(input("Gout."));
        let started = Instant::now();
        drop(engine);
        assert_eq!(queued.wait().expect_err("never began"), EngineError::Stopped);
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
        assert!(running.wait().is_ok(), "what had begun is not cut off");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_client_does_not_take_the_whole_queue_and_who_went_away_takes_no_place() {
        let engine = Arc::new(engine(1, 4, None));
        let (greedy, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        // keeps the one thread busy meanwhile
        let busy = engine.submit_background(long());
        while engine.waiting() != (0, 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ask = |client| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move { engine.extract(input("Gout."), Priority::Interactive, client).await })
        };
        let mut asked: Vec<_> = (0..2).map(|_| ask(greedy)).collect();
        while engine.waiting() != (2, 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(ask(greedy).await.expect("ends").expect_err("has its half"), EngineError::Busy);
        asked.push(ask(other));
        while engine.waiting() != (3, 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // one of the greedy goes away: its place is free
        let gone = asked.remove(0);
        gone.abort();
        assert!(gone.await.expect_err("was stopped").is_cancelled());
        asked.push(ask(greedy));
        for task in asked {
            assert_eq!(task.await.expect("ends").expect("extracts").entries.len(), 1);
        }
        drop(busy);
    }
}
