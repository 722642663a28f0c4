//! `abstractor extract`: notes in, extractions out, in the order of the notes; no bad note stops the rest.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::{
    inputs::{self, BadNote, Input},
    limit::NoteLimit,
    load, render,
};
use crate::{
    coding::CandidateSource,
    domain::{Extraction, OffsetUnit},
    engine::{Answer, Engine},
    interop::fhir::{Source, bundle},
    text::OffsetMap,
};

/// How extractions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a person: the note with highlights, and a table.
    Text,
    /// One JSON array, indented.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// One FHIR R4 transaction Bundle a line; offsets are code points.
    Fhir,
}

/// Units of offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Unit {
    /// Bytes.
    Utf8,
    /// UTF-16 code units.
    Utf16,
    /// Unicode code points.
    Codepoint,
}

impl From<Unit> for OffsetUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Utf8 => Self::Utf8,
            Unit::Utf16 => Self::Utf16,
            Unit::Codepoint => Self::Codepoint,
        }
    }
}

/// Arguments of `abstractor extract`.
#[derive(Debug, Args)]
pub(super) struct Extract {
    /// Notes: .txt files, .jsonl or .ndjson files (also .gz), folders of such, or - for NDJSON on standard input
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Unit of the offsets
    #[arg(long, value_enum, default_value = "codepoint")]
    offset_unit: Unit,
    /// Show every candidate code of a diagnosis, with what its score was made of: the words alone count then, no code is held back, and what the
    /// rest of the note does to a code (conventions) is left out
    #[arg(long)]
    explain: bool,
    /// Candidate codes of these sources take no part (to measure what each adds): terms, parts, shared-words, index, meaning,
    /// fuller-mentions, side, conventions
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    without: Vec<CandidateSource>,
    #[command(flatten)]
    limit: NoteLimit,
    #[command(flatten)]
    load: load::Load,
}

/// How many notes may be on their way at once.
const IN_FLIGHT: usize = 64;

struct Waiting {
    note_id: String,
    text: String,
    answer: Answer,
}

struct Printer {
    out: io::BufWriter<io::StdoutLock<'static>>,
    format: Format,
    unit: OffsetUnit,
    colour: bool,
    printed: usize,
    failed: usize,
    progress: ProgressBar,
    /// When the command began: a bundle says when it was made.
    started: Timestamp,
}

impl Extract {
    pub(super) fn run(self) -> anyhow::Result<std::process::ExitCode> {
        let files = inputs::files(&self.paths)?;
        let pipeline = self.load.pipeline()?;
        let pipeline = pipeline.without(self.without);
        let pipeline = Arc::new(if self.explain { pipeline.explaining() } else { pipeline });
        let engine = Engine::start(pipeline, self.load.replicas(), 1, None).context("cannot start the engine's threads")?;
        let colour = io::stdout().is_terminal() && super::colour_wanted();
        let progress = if io::stderr().is_terminal() && self.format != Format::Text {
            ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {pos} notes, {per_sec}, {elapsed}")?)
        } else {
            ProgressBar::hidden()
        };
        let started = super::surroundings().now();
        let out = io::BufWriter::new(io::stdout().lock());
        let mut printer = Printer {
            out,
            format: self.format,
            unit: self.offset_unit.into(),
            colour,
            printed: 0,
            failed: 0,
            progress,
            started,
        };
        if self.format == Format::Json {
            write!(printer.out, "[")?;
        }
        let mut waiting: VecDeque<Result<Waiting, BadNote>> = VecDeque::new();
        for file in files {
            let read = inputs::read(&file, (self.offset_unit.into(), self.limit.bytes()), &mut |input: Input| {
                waiting.push_back(input.map(|input| Waiting {
                    note_id: input.note_id.clone(),
                    text: input.text.clone(),
                    answer: engine.submit_background(input),
                }));
                while waiting.len() >= IN_FLIGHT {
                    let Some(next) = waiting.pop_front() else { break };
                    printer.print(next)?;
                }
                Ok(())
            });
            if let Err(error) = read {
                if is_broken_pipe(&error) {
                    return Ok(std::process::ExitCode::SUCCESS);
                }
                let note_id = file.display().to_string();
                waiting.push_back(Err(BadNote { note_id, code: "unreadable_file", message: format!("{error:#}") }));
            }
        }
        let last = waiting.into_iter().try_for_each(|next| printer.print(next)).and_then(|()| printer.finish());
        match last {
            Err(error) if is_broken_pipe(&error) => Ok(std::process::ExitCode::SUCCESS),
            other => other,
        }
    }
}

/// Whether who reads the output went away, which is no error.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let kind = kind.or_else(|| error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind));
    kind == Some(io::ErrorKind::BrokenPipe)
}

impl Printer {
    fn print(&mut self, next: Result<Waiting, BadNote>) -> anyhow::Result<()> {
        let outcome = next.and_then(|waiting| match waiting.answer.wait() {
            Ok(extraction) => Ok((waiting.text, extraction)),
            Err(error) => Err(BadNote { note_id: waiting.note_id, code: "extraction_failed", message: error.to_string() }),
        });
        self.progress.inc(1);
        match outcome {
            Ok((text, extraction)) => self.extraction(&text, extraction)?,
            Err(bad) => self.bad(&bad)?,
        }
        self.printed += 1;
        Ok(())
    }

    fn extraction(&mut self, text: &str, extraction: Extraction) -> anyhow::Result<()> {
        if self.format == Format::Text {
            return Ok(render::note(&mut self.out, text, &extraction, self.colour)?);
        }
        if self.format == Format::Fhir {
            let map = OffsetMap::new(text, OffsetUnit::Codepoint);
            let extraction = extraction.map_offsets(OffsetUnit::Codepoint, |byte| map.from_byte(byte));
            let source = Source { text, patient: None, encounter: None, recorded: self.started };
            return self.json(&bundle(&extraction, source));
        }
        let map = OffsetMap::new(text, self.unit);
        let extraction = extraction.map_offsets(self.unit, |byte| map.from_byte(byte));
        self.json(&extraction)
    }

    fn bad(&mut self, bad: &BadNote) -> anyhow::Result<()> {
        self.failed += 1;
        if self.format == Format::Text {
            let line = format!("{}: {} ({})", bad.note_id, bad.message, bad.code);
            writeln!(self.out, "{}", render::printable(&line))?;
            return Ok(());
        }
        self.json(&serde_json::json!({"note_id": bad.note_id, "error": {"code": bad.code, "message": bad.message}}))
    }

    fn json(&mut self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        if self.format == Format::Json {
            write!(self.out, "{}", if self.printed == 0 { "\n" } else { ",\n" })?;
            serde_json::to_writer_pretty(&mut self.out, value)?;
        } else {
            serde_json::to_writer(&mut self.out, value)?;
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<std::process::ExitCode> {
        if self.format == Format::Json {
            writeln!(self.out, "\n]")?;
        }
        self.out.flush()?;
        self.progress.finish_and_clear();
        if self.failed > 0 {
            eprintln!("{} of {} notes could not be extracted; each is reported in its place", self.failed, self.printed);
            return Ok(std::process::ExitCode::FAILURE);
        }
        Ok(std::process::ExitCode::SUCCESS)
    }
}
