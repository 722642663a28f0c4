//! The program's own engine within this process: what `abstractor extract` and the service's worker run.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use abstractor::{
    cli::Load,
    coding::CandidateSource,
    domain::OffsetUnit,
    engine::Engine,
    pipeline::{MAX_NOTE_BYTES, NoteInput, check_text},
    text::OffsetMap,
};

use super::{Answers, engine_of, failed, on_threads};
use crate::{
    error::{EvaluationError, Result},
    note::Note,
    prediction::{self, Prediction},
};

/// Options by name, and the sources of codes that take no part.
type Settings<'a> = (&'a BTreeMap<String, String>, &'a [String]);

pub(super) fn ask((options, without): Settings<'_>, notes: &[Note], done: &(dyn Fn() + Sync)) -> Result<Answers> {
    let wrong = |message: String| EvaluationError::System(message);
    let began = Instant::now();
    let load = Load::of_options(options.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map_err(|error| wrong(format!("`options` are those of `abstractor extract`: {error}")))?;
    let without: Vec<CandidateSource> =
        without.iter().map(|word| word.parse()).collect::<std::result::Result<_, _>>().map_err(wrong)?;
    let pipeline = load.pipeline().map_err(|error| wrong(format!("{error:#}")))?.without(without);
    let vectors = pipeline.vectors().is_some();
    let replicas = load.replicas();
    let engine = Engine::start(Arc::new(pipeline), replicas, 1, None).map_err(|error| wrong(error.to_string()))?;
    let loading = began.elapsed().as_secs_f64();
    let (predictions, mut speed) = on_threads(notes, replicas, done, |note| one(&engine, note));
    (speed.loading_seconds, speed.memory) = (Some(loading), most_memory());
    let mut about = engine_of(&predictions);
    about.insert("term_vectors".to_owned(), if vectors { "yes" } else { "no" }.to_owned());
    about.extend(options.iter().map(|(name, value)| (format!("option {name}"), value.clone())));
    Ok(Answers { predictions, name: "abstractor".to_owned(), engine: about, missing: 0, speed: Some(speed) })
}

fn one(engine: &Engine, note: &Note) -> Prediction {
    let read = extraction(engine, note).map(|line| prediction::read(&line, &note.text));
    match read {
        Ok(Some((_, prediction))) => prediction,
        Ok(None) => failed("not_the_contract"),
        Err(code) => failed(code),
    }
}

/// The extraction of a note as a client gets it, or the stable word for why there is none.
fn extraction(engine: &Engine, note: &Note) -> std::result::Result<serde_json::Value, &'static str> {
    check_text(&note.text, MAX_NOTE_BYTES).map_err(|error| error.code())?;
    let input = NoteInput { note_id: note.id.clone(), text: note.text.clone(), ..NoteInput::default() };
    let extraction = engine.submit_background(input).wait().map_err(|_| "extraction_failed")?;
    let map = OffsetMap::new(&note.text, OffsetUnit::Codepoint);
    let extraction = extraction.map_offsets(OffsetUnit::Codepoint, |byte| map.from_byte(byte));
    // by way of the text of the JSON, so that numbers are those of the wire
    let line = serde_json::to_string(&extraction).and_then(|line| serde_json::from_str(&line));
    line.map_err(|_| "not_the_contract")
}

/// For the tests: the extractions themselves.
#[cfg(test)]
pub(crate) fn extractions(
    options: &BTreeMap<String, String>,
    notes: &[Note],
) -> std::result::Result<Vec<serde_json::Value>, String> {
    let options = options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let pipeline = Load::of_options(options)?.pipeline().map_err(|error| format!("{error:#}"))?;
    let engine = Engine::start(Arc::new(pipeline), 2, 1, None).map_err(|error| error.to_string())?;
    let waiting = std::thread::scope(|scope| {
        let halves = notes.chunks(notes.len().div_ceil(2)).map(|half| {
            let engine = &engine;
            scope.spawn(move || half.iter().map(|note| extraction(engine, note)).collect::<Vec<_>>())
        });
        let halves: Vec<_> = halves.collect();
        halves.into_iter().flat_map(|half| half.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    waiting.into_iter().map(|one| one.map_err(str::to_owned)).collect()
}

/// The most memory that this process ever held, by Linux.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &[(&str, &str)], without: &[&str]) -> String {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let without: Vec<String> = without.iter().map(|word| (*word).to_owned()).collect();
        ask((&options, &without), &[], &|| {}).map(|_| ()).expect_err("is refused").to_string()
    }

    #[test]
    fn settings_that_do_not_exist_are_refused_in_the_words_of_the_command_line() {
        assert!(refused(&[("recogniser", "dictionary")], &[]).contains("--recogniser"));
        assert!(refused(&[("recognizers", "nobody")], &[]).contains("dictionary"));
        assert!(refused(&[], &["guesses"]).contains("fuller-mentions"));
    }
}
