//! The vectors of terms, made in the background while the service runs.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::load::Load;
use crate::{
    coding::{TermVectors, VectorError},
    pipeline::{Pipeline, Vectors},
};

/// Makes the vectors of a pipeline on one thread beside the others, and keeps them for the next start. Where they are kept already they are
/// read. The making for the pipeline before stops: it was replaced.
pub(super) fn in_background(load: Load) -> impl Fn(&Arc<Pipeline>) + Send + Sync {
    let running = Running::default();
    move |pipeline| {
        let stop = running.next();
        let Some(file) = load.vectors_file(pipeline) else { return };
        if pipeline.vectors().is_some() {
            return;
        }
        pipeline.set_vectors(Vectors::Making { done: 0, all: 0 });
        let made_for = Arc::clone(pipeline);
        let started = std::thread::Builder::new()
            .name("term-vectors".to_owned())
            .spawn(move || settle(&made_for, || read_or_make(&made_for, &file, &stop)));
        if let Err(error) = started {
            pipeline.set_vectors(Vectors::None);
            tracing::warn!(%error, "no thread for the vectors of terms: codes are found without them");
        }
    }
}

/// Tells the making that runs when another one takes its place.
#[derive(Default)]
struct Running(Mutex<Arc<AtomicBool>>);

impl Running {
    /// Stops the one that runs; the flag says when the next one is to stop.
    fn next(&self) -> Arc<AtomicBool> {
        let stop = Arc::new(AtomicBool::new(false));
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), Arc::clone(&stop));
        before.store(true, Ordering::Relaxed);
        stop
    }
}

/// Does the work, and says what came of it: after a failure, a panic too, nobody makes the vectors any more.
fn settle(pipeline: &Pipeline, work: impl FnOnce() -> Result<usize, VectorError>) {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(count)) => {
            tracing::info!(terms = count, "codes are found by meaning from now on");
            return;
        }
        Ok(Err(VectorError::Stopped)) => {
            tracing::info!("the vectors of terms are not made to the end: other tables took their place")
        }
        Ok(Err(error)) => tracing::warn!(%error, "no vectors of terms: codes are found without them"),
        Err(_) => tracing::error!("making the vectors of terms failed: codes are found without them"),
    }
    pipeline.set_vectors(Vectors::None);
}

fn read_or_make(pipeline: &Arc<Pipeline>, file: &Path, stop: &AtomicBool) -> Result<usize, VectorError> {
    let model = pipeline.model().ok_or(VectorError::None)?;
    if let Some(vectors) = TermVectors::read(file, pipeline.vocabulary(), model) {
        let count = vectors.len();
        pipeline.set_vectors(Vectors::Ready(Arc::new(vectors)));
        return Ok(count);
    }
    tracing::info!("making the vectors of all terms in the background; until they are there codes are found without them");
    let vectors = made(pipeline, 1, |done, all| {
        pipeline.set_vectors(Vectors::Making { done, all });
        // where this thread alone still holds the pipeline, the service ends
        !stop.load(Ordering::Relaxed) && Arc::strong_count(pipeline) > 1
    })?;
    let count = vectors.len();
    if let Err(error) = vectors.write(file) {
        tracing::warn!(%error, "the vectors of terms cannot be kept; the next start makes them anew");
    }
    pipeline.set_vectors(Vectors::Ready(Arc::new(vectors)));
    Ok(count)
}

/// Makes the vectors of a pipeline's vocabulary on so many threads of their own.
pub(super) fn made(
    pipeline: &Pipeline,
    threads: usize,
    progress: impl FnMut(usize, usize) -> bool + Send,
) -> Result<TermVectors, VectorError> {
    let model = pipeline.model().ok_or(VectorError::None)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|_| VectorError::Stopped)?;
    pool.install(|| TermVectors::make(pipeline.vocabulary(), model, progress))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recognize::merge::Recognizers, vocabulary::Tables};

    #[test]
    fn after_a_failure_or_a_panic_nobody_makes_them() {
        let recognizers = Recognizers { dictionary: true, model: false };
        let tables = Tables::embedded().expect("tables");
        let pipeline = Arc::new(Pipeline::new(&tables, None, recognizers).expect("a pipeline"));
        let endings: [fn() -> Result<usize, VectorError>; 3] =
            [|| Err(VectorError::None), || Err(VectorError::Stopped), || panic!("as an encoder may")];
        for ending in endings {
            pipeline.set_vectors(Vectors::Making { done: 1, all: 2 });
            settle(&pipeline, ending);
            assert!(matches!(pipeline.vectors_state(), Vectors::None));
        }
    }

    #[test]
    fn the_next_making_stops_the_one_before() {
        let running = Running::default();
        let first = running.next();
        assert!(!first.load(Ordering::Relaxed));
        let second = running.next();
        assert!(first.load(Ordering::Relaxed) && !second.load(Ordering::Relaxed));
    }
}
