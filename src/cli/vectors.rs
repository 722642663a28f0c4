//! The vectors of terms, made in the background while the service runs.

use std::sync::Arc;

use super::load::Load;
use crate::{
    coding::{TermVectors, VectorError},
    pipeline::{Pipeline, Vectors},
};

/// Makes the vectors of a pipeline on one thread beside the others, and keeps them for the next start. Where they are kept already they are
/// read. A pipeline that nobody uses any more is left.
pub(super) fn in_background(load: Load) -> impl Fn(&Arc<Pipeline>) + Send + Sync {
    move |pipeline| {
        let (load, pipeline) = (load.clone(), Arc::clone(pipeline));
        let Some(file) = load.vectors_file(&pipeline) else { return };
        if pipeline.vectors().is_some() {
            return;
        }
        pipeline.set_vectors(Vectors::Making { done: 0, all: 0 });
        let started = std::thread::Builder::new().name("term-vectors".to_owned()).spawn(move || {
            let result = read_or_make(&pipeline, &file);
            match result {
                Ok(count) => tracing::info!(terms = count, "codes are found by meaning from now on"),
                Err(VectorError::Stopped) => {}
                Err(error) => {
                    pipeline.set_vectors(Vectors::None);
                    tracing::warn!(%error, "no vectors of terms: codes are found without them");
                }
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "no thread for the vectors of terms");
        }
    }
}

fn read_or_make(pipeline: &Arc<Pipeline>, file: &std::path::Path) -> Result<usize, VectorError> {
    let model = pipeline.model().ok_or(VectorError::None)?;
    if let Some(vectors) = TermVectors::read(file, pipeline.vocabulary(), model) {
        let count = vectors.len();
        pipeline.set_vectors(Vectors::Ready(Arc::new(vectors)));
        return Ok(count);
    }
    tracing::info!("making the vectors of all terms in the background; until they are there codes are found without them");
    let vectors = made(pipeline, 1, |done, all| {
        pipeline.set_vectors(Vectors::Making { done, all });
        // this thread alone still holds it: the service has other tables by now, or ends
        Arc::strong_count(pipeline) > 1
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
