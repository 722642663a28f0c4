//! `abstractor bench`: how fast this machine extracts, over notes made of our own fictional ones. Nothing is stored.

use std::{
    fmt::Write as _,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::{load::Load, vectors};
use crate::{
    engine::{Engine, Priority},
    pipeline::{NoteInput, Pipeline, Vectors},
    recognize::{Input, Model, Precision, cut_windows},
};

/// Words of the note whose latency is measured.
const LATENCY_WORDS: usize = 800;
/// Windows of one run of the encoder.
const BATCH: usize = 8;
/// Measurements that are compared take turns this often; each counts by its median.
const ROUNDS: u32 = 5;

/// Arguments of `abstractor bench`.
#[derive(Debug, Args)]
pub(super) struct Bench {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Seconds for each measurement
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    seconds: f64,
    /// Words of a note
    #[arg(long, default_value_t = 450, value_name = "N")]
    words: usize,
    #[command(flatten)]
    load: Load,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    model: String,
    cores: usize,
    /// Instructions that the encoder's kernels use.
    instructions: String,
    /// Seconds until model and vocabularies were ready.
    load_seconds: f64,
    /// The encoder alone, on one thread.
    encoder: Vec<EncoderSpeed>,
    /// Whole extractions of notes of `note_words` words.
    note_words: usize,
    extraction: Vec<ExtractionSpeed>,
    /// Of an extraction's time on one thread.
    shares: Shares,
    /// One note of [`LATENCY_WORDS`] words after the other, nothing else running.
    latency: Latency,
    /// Megabytes; none where the system does not tell.
    peak_memory_megabytes: Option<f64>,
}

#[derive(Debug, Serialize)]
struct EncoderSpeed {
    precision: String,
    wordpieces_per_second: f64,
}

#[derive(Debug, Serialize)]
struct ExtractionSpeed {
    threads: usize,
    notes_per_second: f64,
    words_per_second: f64,
}

#[derive(Debug, Serialize)]
struct Shares {
    /// Sentences, sections, wordpieces.
    reading: f64,
    encoder: f64,
    /// Dictionary, rules, codes.
    rest: f64,
    /// The part of `rest` in which codes are found by meaning; none when there are no vectors of terms.
    meaning: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Latency {
    words: usize,
    runs: usize,
    median_milliseconds: f64,
    p99_milliseconds: f64,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        anyhow::ensure!(self.seconds > 0.0 && self.words > 0, "--seconds and --words must be above zero");
        let started = Instant::now();
        let pipeline = Arc::new(self.load.pipeline()?);
        let load_seconds = started.elapsed().as_secs_f64();
        self.make_vectors(&pipeline)?;
        let notes = notes(self.words);
        let model = pipeline.model();
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            model: pipeline.engine_version().model,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            instructions: format!("{:?}", abstractor_encoder::Instructions::detect()),
            load_seconds,
            encoder: if model.is_some() { self.encoder(&notes)? } else { Vec::new() },
            note_words: self.words,
            shares: self.shares(&pipeline, &notes)?,
            extraction: self.extraction(&pipeline, &notes)?,
            latency: self.latency(&pipeline)?,
            peak_memory_megabytes: peak_memory(),
        };
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print!("{}", report.text());
        }
        Ok(())
    }

    fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Codes are found by meaning in what is measured, as in a service that has run for some minutes.
    fn make_vectors(&self, pipeline: &Arc<Pipeline>) -> anyhow::Result<()> {
        if pipeline.vectors().is_some() || self.load.vectors_file(pipeline).is_none() {
            return Ok(());
        }
        eprintln!("making the vectors of all terms, once ...");
        let made = vectors::made(pipeline, self.load.replicas(), |_, _| true)?;
        pipeline.set_vectors(Vectors::Ready(Arc::new(made)));
        self.load.keep_vectors(pipeline);
        Ok(())
    }

    /// The encoder in every precision that is another on this CPU, taking turns.
    fn encoder(&self, notes: &[String]) -> anyhow::Result<Vec<EncoderSpeed>> {
        let mut models: Vec<Model> = Vec::new();
        for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
            let model = self.load.load_model_in(precision)?;
            if models.iter().all(|other| other.precision() != model.precision()) {
                models.push(model);
            }
        }
        let inputs = inputs(&models[0], notes)?;
        let mut speeds: Vec<Vec<f64>> = vec![Vec::new(); models.len()];
        for _ in 0..ROUNDS {
            for (model, speeds) in models.iter().zip(&mut speeds) {
                let (mut pieces, started) = (0, Instant::now());
                for batch in inputs.chunks(BATCH).cycle() {
                    black_box(model.run(batch)?);
                    pieces += batch.iter().map(|input| input.ids.len()).sum::<usize>();
                    if started.elapsed() > self.duration() / ROUNDS {
                        break;
                    }
                }
                speeds.push(rate(pieces, started.elapsed()));
            }
        }
        let named = models.iter().zip(&mut speeds).map(|(model, speeds)| EncoderSpeed {
            precision: model.precision_name().to_owned(),
            wordpieces_per_second: median(speeds),
        });
        Ok(named.collect())
    }

    /// Whole extractions on one thread and on all.
    fn extraction(&self, pipeline: &Arc<Pipeline>, notes: &[String]) -> anyhow::Result<Vec<ExtractionSpeed>> {
        let mut counts = vec![1, self.load.replicas()];
        counts.dedup();
        let mut all = Vec::new();
        for threads in counts {
            let engine = Engine::start(Arc::clone(pipeline), threads, 1, None).context("cannot start the engine's threads")?;
            let mut waiting = std::collections::VecDeque::new();
            let (mut done, mut words, started) = (0, 0, Instant::now());
            for note in notes.iter().cycle() {
                waiting.push_back((note, engine.submit_background(input(note))));
                if waiting.len() >= 16 * threads
                    && let Some((note, answer)) = waiting.pop_front()
                {
                    answer.wait()?;
                    done += 1;
                    words += note.split_whitespace().count();
                    if started.elapsed() > self.duration() {
                        break;
                    }
                }
            }
            let took = started.elapsed();
            waiting.into_iter().try_for_each(|(_, answer)| answer.wait().map(drop))?;
            all.push(ExtractionSpeed { threads, notes_per_second: rate(done, took), words_per_second: rate(words, took) });
        }
        Ok(all)
    }

    /// Where the time of an extraction goes, on this thread.
    fn shares(&self, pipeline: &Arc<Pipeline>, notes: &[String]) -> anyhow::Result<Shares> {
        let mut spent = [Duration::ZERO; 4];
        let vectors = pipeline.vectors_state();
        let started = Instant::now();
        for note in notes.iter().cycle() {
            let mut lap = Instant::now();
            let mut took = || std::mem::replace(&mut lap, Instant::now()).elapsed();
            let prepared = pipeline.prepare(input(note))?;
            spent[0] += took();
            let logits = pipeline.run(&[&prepared], 4096, None)?.pop().unwrap_or_default();
            spent[1] += took();
            black_box(pipeline.assemble(&prepared, &logits));
            spent[2] += took();
            pipeline.set_vectors(Vectors::None);
            black_box(pipeline.assemble(&prepared, &logits));
            spent[3] += took();
            pipeline.set_vectors(vectors.clone());
            if started.elapsed() > self.duration() {
                break;
            }
        }
        let all = (spent[0] + spent[1] + spent[2]).as_secs_f64();
        let share = |part: Duration| part.as_secs_f64() / all;
        let meaning = matches!(vectors, Vectors::Ready(_)).then(|| share(spent[2].saturating_sub(spent[3])));
        Ok(Shares { reading: share(spent[0]), encoder: share(spent[1]), rest: share(spent[2]), meaning })
    }

    /// One note after the other through the engine, as `POST /v1/extract` sends it.
    fn latency(&self, pipeline: &Arc<Pipeline>) -> anyhow::Result<Latency> {
        let notes = self::notes(LATENCY_WORDS);
        let engine =
            Engine::start(Arc::clone(pipeline), self.load.replicas(), 1, None).context("cannot start the engine's threads")?;
        let runtime = super::running::runtime()?;
        let mut times = Vec::new();
        let begun = Instant::now();
        for note in notes.iter().cycle() {
            let started = Instant::now();
            black_box(runtime.block_on(engine.extract(input(note), Priority::Interactive, uuid::Uuid::nil()))?);
            times.push(started.elapsed().as_secs_f64() * 1e3);
            if begun.elapsed() > 2 * self.duration() {
                break;
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |hundredths: usize| times[(times.len() * hundredths / 100).min(times.len() - 1)];
        let (median_milliseconds, p99_milliseconds) = (at(50), at(99));
        Ok(Latency { words: LATENCY_WORDS, runs: times.len(), median_milliseconds, p99_milliseconds })
    }
}

/// Notes of about so many words each, of the lines of the demo's notes.
fn notes(words: usize) -> Vec<String> {
    let demo = super::demo::texts();
    let mut notes = Vec::new();
    let (mut note, mut count) = (String::new(), 0);
    for line in demo.iter().flat_map(|text| text.lines()).cycle() {
        let _ = writeln!(note, "{line}");
        count += line.split_whitespace().count();
        if count >= words {
            notes.push(std::mem::take(&mut note));
            count = 0;
            if notes.len() == 24 {
                break;
            }
        }
    }
    notes
}

/// Notes of about so many bytes each.
pub(super) fn notes_of(bytes: usize) -> Vec<String> {
    notes(bytes / 6 + 1)
}

fn input(text: &str) -> NoteInput {
    NoteInput { text: text.to_owned(), ..NoteInput::default() }
}

/// The encoder's inputs of all windows of the notes; every wordpiece is wanted, as other encoders give them.
fn inputs(model: &Model, notes: &[String]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for note in notes {
        let tokenized = model.tokenize(note)?;
        inputs.extend(cut_windows(tokenized.ids.len()).into_iter().map(|window| {
            let input = model.input(&tokenized, &window);
            Input { wanted: 0..input.ids.len(), ..input }
        }));
    }
    Ok(inputs)
}

#[expect(clippy::cast_precision_loss, reason = "a count to divide")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The most memory that this process has held, in megabytes.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0 / 1e6)
}

impl Report {
    fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "model       {} on {} cores, {}", self.model, self.cores, self.instructions);
        let _ = writeln!(out, "loading     {:.2} s", self.load_seconds);
        for speed in &self.encoder {
            let _ = writeln!(
                out,
                "encoder     {:>8.0} wordpieces/s on one thread in {}",
                speed.wordpieces_per_second, speed.precision
            );
        }
        for speed in &self.extraction {
            let _ = writeln!(
                out,
                "extraction  {:>8.1} notes/s of {} words, {:.0} words/s, on {} thread{}",
                speed.notes_per_second,
                self.note_words,
                speed.words_per_second,
                speed.threads,
                if speed.threads == 1 { "" } else { "s" }
            );
        }
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let meaning = self.shares.meaning.map_or_else(|| "no vectors".to_owned(), percent);
        let _ = writeln!(
            out,
            "shares      reading {}, encoder {}, rules and codes {} (codes by meaning: {meaning})",
            percent(self.shares.reading),
            percent(self.shares.encoder),
            percent(self.shares.rest)
        );
        let latency = &self.latency;
        let _ = writeln!(
            out,
            "latency     {:.0} ms median, {:.0} ms p99 for one note of {} words ({} runs)",
            latency.median_milliseconds, latency.p99_milliseconds, latency.words, latency.runs
        );
        if let Some(peak) = self.peak_memory_megabytes {
            let _ = writeln!(out, "memory      {peak:.0} MB at most");
        }
        out
    }
}
