//! `abstractor deidentify`: notes in, notes without identifiers out, in the order of the notes; nothing of a note that fails.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{ToSpan, civil::Date};

use super::{
    inputs::{self, BadNote, Envelope},
    limit::NoteLimit,
    load,
};
use crate::{
    deidentify::{
        DateShift, DeidentificationKey, Deidentified, Deidentifier, Known, Method, Replacement, Replacer, UnknownWords,
    },
    domain::{Extraction, NewNote, OffsetUnit, Patient, Span},
    engine::{Answer, Engine},
    text::OffsetMap,
};

/// What is put in the place of identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MethodName {
    /// `[NAME]`, `[DATE]`
    Tag,
    /// Invented names and numbers, the same for the same of a patient; dates moved by one offset a patient
    Surrogate,
}

/// By what dates are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShiftName {
    /// Any number of days, -365 to 365
    Days,
    /// Whole weeks, so that days of the week stay
    Weeks,
}

/// What becomes of words and numbers that nothing knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum UnknownName {
    /// `[OTHER]` stands in their place; most identifiers are found so
    Replace,
    /// They stay; fewer words are lost, and more identifiers are left
    Keep,
    /// A note that has one is left out
    LeaveOut,
}

/// How a de-identified note is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The notes as text, a line of dashes between them
    Text,
    /// One JSON object a line: text, and what was replaced where
    Ndjson,
}

/// How identifiers are replaced, the same for every command that gives notes away.
#[derive(Debug, Clone, Args)]
pub(super) struct Replacing {
    /// What is put in the place of identifiers
    #[arg(long, value_enum, default_value = "tag")]
    method: MethodName,
    /// By what dates are moved, with surrogates
    #[arg(long, value_enum, default_value = "days")]
    shift: ShiftName,
    /// File with the key from which surrogates and offsets follow, made by `abstractor key generate`; surrogates need it. Keep it where the notes
    /// are: it never goes with what is given away
    #[arg(long, value_name = "FILE")]
    date_key: Option<PathBuf>,
    /// What becomes of words and numbers that no list and no form of clinical writing knows: they may be identifiers
    #[arg(long, value_enum, default_value = "replace")]
    unknown: UnknownName,
}

impl Replacing {
    /// What is put in place.
    pub(super) const fn method(&self) -> Method {
        match (self.method, self.shift) {
            (MethodName::Tag, _) => Method::Tag,
            (MethodName::Surrogate, ShiftName::Days) => Method::Surrogate(DateShift::Days),
            (MethodName::Surrogate, ShiftName::Weeks) => Method::Surrogate(DateShift::Weeks),
        }
    }

    /// What becomes of what nothing knows.
    pub(super) const fn unknown(&self) -> UnknownWords {
        match self.unknown {
            UnknownName::Replace => UnknownWords::Replace,
            UnknownName::Keep | UnknownName::LeaveOut => UnknownWords::Keep,
        }
    }

    /// The word for it.
    pub(super) const fn unknown_word(&self) -> &'static str {
        match self.unknown {
            UnknownName::Replace => "replace",
            UnknownName::Keep => "keep",
            UnknownName::LeaveOut => "leave-out",
        }
    }

    /// Whether a note in which something unknown is left is left out.
    pub(super) const fn leaves_out(&self) -> bool {
        matches!(self.unknown, UnknownName::LeaveOut)
    }

    /// The key; with tags and none named a new one, of which nothing is kept.
    pub(super) fn key(&self) -> anyhow::Result<DeidentificationKey> {
        match &self.date_key {
            Some(file) => key_of(file),
            None => {
                let advice = "surrogates need a key, so that a patient has the same offset in the next export too: make one with \
                              `abstractor key generate FILE` and pass --date-key FILE";
                anyhow::ensure!(self.method == MethodName::Tag, advice);
                Ok(DeidentificationKey::generate())
            }
        }
    }
}

fn key_of(file: &Path) -> anyhow::Result<DeidentificationKey> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the key file {}", file.display()))?;
    DeidentificationKey::parse(&text).with_context(|| format!("the key file {} is not usable", file.display()))
}

/// A day of the envelope as it may be told: moved as the dates of the note are, or its year alone.
pub(super) fn day_told(day: Date, replacer: &Replacer<'_>) -> String {
    match replacer.method {
        Method::Surrogate(how) => {
            day.checked_add(replacer.days(how).days()).map_or_else(|_| day.year().to_string(), |day| day.to_string())
        }
        Method::Tag => day.year().to_string(),
    }
}

/// Words that recognition takes for diagnoses, drugs and their like, as bytes.
pub(super) fn mentions(extraction: &Extraction) -> Vec<Span> {
    let evidence = extraction.entries.iter().flat_map(|entry| &entry.evidence);
    evidence.map(|evidence| Span::new(evidence.start, evidence.end)).collect()
}

/// Replacements with their places in code points, as every other place on the wire.
pub(super) fn told(text: &str, deidentified: &Deidentified) -> Vec<Replacement> {
    let (old, new) = (OffsetMap::new(text, OffsetUnit::Codepoint), OffsetMap::new(&deidentified.text, OffsetUnit::Codepoint));
    let span = |map: &OffsetMap, span: Span| Span::new(map.from_byte(span.start), map.from_byte(span.end));
    let one =
        |one: &Replacement| Replacement { class: one.class, source: span(&old, one.source), target: span(&new, one.target) };
    deidentified.replacements.iter().map(one).collect()
}

/// Arguments of `abstractor deidentify`.
#[derive(Debug, Args)]
pub(super) struct Deidentify {
    /// Notes: .txt files, .jsonl or .ndjson files (also .gz), folders of such, or - for NDJSON on standard input. A line may say patient, author,
    /// facility and department: each mention of them is found
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// With the extraction of every note, moved into its new text
    #[arg(long)]
    extraction: bool,
    #[command(flatten)]
    replacing: Replacing,
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
    encounter_class: Option<&'static str>,
    envelope: Box<NewNote>,
    answer: Answer,
}

struct Printer<'a> {
    out: io::BufWriter<io::StdoutLock<'static>>,
    format: Format,
    with_extraction: bool,
    leaves_out: bool,
    unknown: UnknownWords,
    method: Method,
    deidentifier: &'a Deidentifier,
    key: &'a DeidentificationKey,
    printed: usize,
    failed: usize,
    progress: ProgressBar,
}

impl Deidentify {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(!self.extraction || self.format == Format::Ndjson, "--extraction needs --format ndjson");
        let key = self.replacing.key()?;
        let files = inputs::files(&self.paths)?;
        let tables = self.load.tables()?;
        let pipeline = Arc::new(self.load.pipeline_of(&tables)?);
        let deidentifier = Deidentifier::new(&tables, pipeline.vocabulary()).context("cannot read the vocabularies")?;
        let engine = Engine::start(pipeline, self.load.replicas(), 1, None).context("cannot start the engine's threads")?;
        let progress = if io::stderr().is_terminal() && !io::stdout().is_terminal() {
            ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {pos} notes, {per_sec}, {elapsed}")?)
        } else {
            ProgressBar::hidden()
        };
        let mut printer = Printer {
            out: io::BufWriter::new(io::stdout().lock()),
            format: self.format,
            with_extraction: self.extraction,
            leaves_out: self.replacing.leaves_out(),
            unknown: self.replacing.unknown(),
            method: self.replacing.method(),
            deidentifier: &deidentifier,
            key: &key,
            printed: 0,
            failed: 0,
            progress,
        };
        let mut waiting: VecDeque<Result<Waiting, BadNote>> = VecDeque::new();
        for file in files {
            let read = inputs::read_enveloped(&file, (OffsetUnit::Codepoint, self.limit.bytes()), &mut |note| {
                waiting.push_back(note.and_then(|(input, envelope)| {
                    let envelope = Box::new(note_of(envelope, &input.note_id, input.service_date)?);
                    Ok(Waiting {
                        note_id: input.note_id.clone(),
                        text: input.text.clone(),
                        encounter_class: input.encounter_class.map(crate::domain::EncounterClass::as_str),
                        envelope,
                        answer: engine.submit_background(input),
                    })
                }));
                while waiting.len() >= IN_FLIGHT {
                    let Some(next) = waiting.pop_front() else { break };
                    printer.print(next)?;
                }
                Ok(())
            });
            if let Err(error) = read {
                if super::extract::is_broken_pipe(&error) {
                    return Ok(ExitCode::SUCCESS);
                }
                let note_id = file.display().to_string();
                waiting.push_back(Err(BadNote { note_id, code: "unreadable_file", message: format!("{error:#}") }));
            }
        }
        match waiting.into_iter().try_for_each(|next| printer.print(next)).and_then(|()| printer.finish()) {
            Err(error) if super::extract::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            other => other,
        }
    }
}

/// The envelope as of a posted note. A patient that cannot be read is an error: what is not known would not be found.
fn note_of(envelope: Envelope, note_id: &str, service_date: Option<Date>) -> Result<NewNote, BadNote> {
    let bad = |field: &str, expected: &str| BadNote {
        note_id: note_id.to_owned(),
        code: "invalid_json",
        message: format!("{field:?} must be {expected}"),
    };
    let words = |value: Option<serde_json::Value>, field: &str| match value {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(words)) => Ok(Some(words)),
        Some(_) => Err(bad(field, "a string")),
    };
    let patient = match envelope.patient {
        None | Some(serde_json::Value::Null) => None,
        Some(value) => {
            let expected = "an object with \"id\" and, if known, \"name\", \"birth_date\", \"sex\" and \"system\"";
            Some(serde_json::from_value::<Patient>(value).map_err(|_| bad("patient", expected))?)
        }
    };
    Ok(NewNote {
        patient,
        encounter: words(envelope.encounter, "encounter")?,
        note_type: words(envelope.note_type, "note_type")?,
        author: words(envelope.author, "author")?,
        facility: words(envelope.facility, "facility")?,
        department: words(envelope.department, "department")?,
        service_date,
        ..NewNote::default()
    })
}

impl Printer<'_> {
    fn print(&mut self, next: Result<Waiting, BadNote>) -> anyhow::Result<()> {
        self.progress.inc(1);
        let note = next.and_then(|waiting| {
            let failed = |code, message| BadNote { note_id: waiting.note_id.clone(), code, message };
            let extraction = waiting.answer.wait().map_err(|error| failed("extraction_failed", error.to_string()))?;
            // without a patient every note is one's own
            let patient = waiting.envelope.patient.as_ref();
            let word = patient.map_or_else(
                || format!("note {}", waiting.note_id),
                |patient| format!("{} {}", patient.system.as_deref().unwrap_or_default(), patient.id),
            );
            let replacer = Replacer {
                deidentifier: self.deidentifier,
                method: self.method,
                unknown: self.unknown,
                key: self.key,
                patient: &word,
            };
            let known = Known::from(&*waiting.envelope);
            let deidentified = replacer.deidentify(&waiting.text, &known, &mentions(&extraction));
            if self.leaves_out && !deidentified.unsure.is_empty() {
                let message =
                    format!("{} places may be identifiers; left out as --unknown leave-out asks", deidentified.unsure.len());
                return Err(failed("unsure", message));
            }
            let line =
                self.line((&waiting.note_id, &waiting.text), (extraction, &waiting.envelope), (&replacer, &deidentified));
            let mut line =
                line.ok_or_else(|| failed("extraction_failed", "the extraction does not fit the note".to_owned()))?;
            if let Some(class) = waiting.encounter_class {
                line["encounter_class"] = class.into();
            }
            Ok((line, deidentified.text))
        });
        match note {
            Ok((line, text)) => self.note(&line, &text)?,
            Err(bad) => {
                // the sender's id goes to the terminal and never into the output
                self.failed += 1;
                eprintln!("{}", super::render::printable(&format!("{}: {} ({})", bad.note_id, bad.message, bad.code)));
            }
        }
        Ok(())
    }

    /// What is printed of a note. Its id is a keyed hash of the sender's.
    fn line(
        &self,
        (note_id, text): (&str, &str),
        (mut extraction, envelope): (Extraction, &NewNote),
        (replacer, deidentified): (&Replacer<'_>, &Deidentified),
    ) -> Option<serde_json::Value> {
        let id = self.key.pseudonym("note", note_id);
        let mut line = serde_json::json!({"id": id, "text": deidentified.text, "replacements": told(text, deidentified)});
        if envelope.patient.is_some() {
            line["patient"] = self.key.pseudonym("patient", replacer.patient).into();
        }
        if let Some(kind) = &envelope.note_type {
            line["note_type"] = deidentified.words(kind).into();
        }
        if let Some(day) = envelope.service_date {
            line["service_date"] = day_told(day, replacer).into();
        }
        if self.with_extraction {
            extraction.note_id.clone_from(&id);
            let map = OffsetMap::new(&deidentified.text, OffsetUnit::Codepoint);
            let moved = deidentified.extraction(extraction)?.map_offsets(OffsetUnit::Codepoint, |byte| map.from_byte(byte));
            line["extraction"] = serde_json::to_value(moved).ok()?;
        }
        Some(line)
    }

    fn note(&mut self, line: &serde_json::Value, text: &str) -> anyhow::Result<()> {
        if self.format == Format::Ndjson {
            serde_json::to_writer(&mut self.out, line)?;
            writeln!(self.out)?;
        } else {
            if self.printed > 0 {
                writeln!(self.out, "----------")?;
            }
            writeln!(self.out, "{}", text.trim_end_matches('\n'))?;
        }
        self.printed += 1;
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<ExitCode> {
        self.out.flush()?;
        self.progress.finish_and_clear();
        if self.failed > 0 {
            eprintln!("{} of {} notes are left out; nothing of them was written", self.failed, self.failed + self.printed);
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}
