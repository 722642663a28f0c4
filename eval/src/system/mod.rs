//! Systems under test: notes in, predictions out, in the order of the notes.

mod file;
mod http;
mod pipeline;
mod service;

pub(crate) use http::Caller;
#[cfg(test)]
pub(crate) use http::tests::serve;
#[cfg(test)]
pub(crate) use pipeline::extractions;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::{definition::SystemDefinition, error::Result, note::Note, prediction::Prediction};

/// What a system answered.
#[derive(Default)]
pub struct Answers {
    /// One a note; empty ones where it said nothing.
    pub predictions: Vec<Prediction>,
    /// What it is called.
    pub name: String,
    /// What says of itself that it answered: version, model, vocabulary.
    pub engine: BTreeMap<String, String>,
    /// Notes that it said nothing of.
    pub missing: usize,
    /// How fast it was; none where it answered before.
    pub speed: Option<Speed>,
}

/// How fast a system was as a whole; how long each note took is [`crate::latency::Latency`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Notes at a time.
    pub concurrency: usize,
    /// Seconds from the first note to the last answer.
    pub seconds: f64,
    /// Notes a second, over all of them.
    pub notes_per_second: f64,
    /// Seconds to load what the system needs, where it is loaded here.
    pub loading_seconds: Option<f64>,
    /// Most memory that this process ever held, bytes; none where another process did the work or the operating system does not say.
    pub memory: Option<u64>,
}

/// Asks the system of a definition about all notes; `done` hears of each answer.
///
/// # Errors
/// A system that cannot be loaded or reached. That it fails on a note is no error: the note counts as missed.
pub fn ask(system: &SystemDefinition, notes: &[Note], done: &(dyn Fn() + Sync)) -> Result<Answers> {
    match system {
        SystemDefinition::Pipeline { options, without } => pipeline::ask((options, without), notes, done),
        SystemDefinition::Service { url, token_file, concurrency } => {
            service::ask(&Caller::new(url, token_file.as_deref())?, (notes, *concurrency), done)
        }
        SystemDefinition::Predictions { path, system } => file::ask((path, system), notes),
    }
}

/// Asks about every note on so many threads, and measures.
fn on_threads(
    notes: &[Note],
    concurrency: usize,
    done: &(dyn Fn() + Sync),
    ask: impl Fn(&Note) -> Prediction + Sync,
) -> (Vec<Prediction>, Speed) {
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(notes.len())));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..concurrency.max(1) {
            scope.spawn(|| {
                while let Some((at, note)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, notes.get(at)?)))
                {
                    let asked = Instant::now();
                    let mut prediction = ask(note);
                    prediction.seconds = Some(asked.elapsed().as_secs_f64());
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push((at, prediction));
                    done();
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(at, _)| *at);
    let predictions: Vec<Prediction> = answers.into_iter().map(|(_, prediction)| prediction).collect();
    let speed = Speed {
        concurrency,
        seconds,
        notes_per_second: notes.len() as f64 / seconds.max(f64::EPSILON),
        loading_seconds: None,
        memory: None,
    };
    (predictions, speed)
}

/// A prediction of a note that the system failed on.
fn failed(code: &str) -> Prediction {
    Prediction { failed: Some(code.to_owned()), ..Prediction::default() }
}

/// What the first answer says of who made it.
fn engine_of(predictions: &[Prediction]) -> BTreeMap<String, String> {
    predictions.iter().find(|one| !one.engine.is_empty()).map(|one| one.engine.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_notes() {
        let notes: Vec<Note> = (0..20).map(|at| Note { id: at.to_string(), ..Note::default() }).collect();
        let counted = AtomicUsize::new(0);
        let done = || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let (predictions, speed) = on_threads(&notes, 3, &done, |note| failed(&note.id));
        let ids: Vec<_> = predictions.iter().map(|one| one.failed.clone().expect("an id")).collect();
        assert_eq!(ids, notes.iter().map(|note| note.id.clone()).collect::<Vec<_>>());
        assert_eq!((counted.into_inner(), speed.concurrency), (20, 3));
        assert!(
            speed.seconds > 0.0 && predictions.iter().all(|one| one.seconds.is_some_and(|seconds| seconds <= speed.seconds))
        );
    }
}
