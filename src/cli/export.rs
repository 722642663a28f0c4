//! `abstractor export`: finished encounters without identifiers, with extraction and what coders decided (`--deidentified`), or what coders left
//! of their notes as training and evaluation data (`--training`, [`super::training`]).

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    accounts::{operator, runtime},
    data::{DataFolder, make_folder},
    deidentify::{Replacing, day_told, mentions, told},
    surroundings,
    training::{self, AnnotatedNote, AnnotationFormat},
};
use crate::{
    deidentify::{DeidentificationKey, Deidentified, Deidentifier, Known, Method, Replacer},
    domain::{
        Confidentiality, DecisionKind, EntryState, Extraction, ItemState, ListEnd, Note, OffsetUnit, ReviewEntry,
        Sensitivities, Worklist,
    },
    review::{annotations, rollup},
    store::{ItemFilter, ItemRecord, Store},
    text::OffsetMap,
    vocabulary::{Tables, Vocabulary},
};

/// Encounters that are read from the store at once.
const PAGE: u32 = 200;
/// The file with one encounter a line.
const ENCOUNTERS: &str = "encounters.jsonl";
/// The file that says how it was made.
const MANIFEST: &str = "manifest.json";

/// Arguments of `abstractor export`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["deidentified", "training"]))]
pub(super) struct Export {
    /// Folder for the encounters without identifiers: encounters.jsonl and manifest.json, which must not exist
    #[arg(long, value_name = "DIR")]
    deidentified: Option<PathBuf>,
    /// Folder for the notes with what coders left of them as annotations, to train and to evaluate by: notes.jsonl or brat files, and manifest.json
    #[arg(long, value_name = "DIR")]
    training: Option<PathBuf>,
    /// How annotations are written
    #[arg(long, value_enum, default_value = "jsonl", requires = "training")]
    format: AnnotationFormat,
    /// Write the notes as they are, with the names and numbers of patients; for use within the hospital alone
    #[arg(long, requires = "training", conflicts_with_all = ["method", "shift", "date_key", "unknown"])]
    with_identifiers: bool,
    /// Only notes of this day and later: of service, or where none is known of arrival
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// Only notes of this day and earlier
    #[arg(long, value_name = "DAY")]
    to: Option<Date>,
    /// Only notes of this type; may be named several times
    #[arg(long, value_name = "TYPE")]
    note_type: Vec<String>,
    /// Restricted and labelled notes too
    #[arg(long)]
    include_restricted: bool,
    /// Folder whose tables replace the embedded ones of the same name
    #[arg(long, value_name = "DIR", env = "ABSTRACTOR_VOCABULARIES")]
    vocabularies: Option<PathBuf>,
    #[command(flatten)]
    replacing: Replacing,
    #[command(flatten)]
    data: DataFolder,
}

/// What is written, and how.
pub(super) struct Exporter<'a> {
    export: &'a Export,
    deidentifier: &'a Deidentifier,
    pub(super) key: &'a DeidentificationKey,
    /// Where brat files go; none where lines are written.
    pub(super) brat: Option<&'a Path>,
}

/// What came of it.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    encounters: usize,
    notes: usize,
    left_out: usize,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let key = self.replacing.key()?;
        let training = self.training.is_some();
        anyhow::ensure!(
            training || (!self.with_identifiers && self.format == AnnotationFormat::Jsonl),
            "--with-identifiers and --format go with --training DIR"
        );
        let folder =
            self.training.as_ref().or(self.deidentified.as_ref()).context("name --deidentified DIR or --training DIR")?;
        let name = if training { training::NOTES } else { ENCOUNTERS };
        let (path, manifest) = (folder.join(name), folder.join(MANIFEST));
        for file in [&path, &manifest] {
            anyhow::ensure!(!file.exists(), "{} is there already; name a folder without it", file.display());
        }
        let brat = training && self.format == AnnotationFormat::Brat;
        anyhow::ensure!(
            !brat || !folder.exists() || std::fs::read_dir(folder)?.next().is_none(),
            "{} is not empty; brat files go into a folder of their own",
            folder.display()
        );
        let tables = match &self.vocabularies {
            Some(folder) => Tables::with_folder(folder),
            None => Tables::embedded(),
        };
        let tables = tables.context("cannot read the vocabularies")?;
        let vocabulary = Vocabulary::load(&tables).context("cannot read the vocabularies")?;
        let deidentifier = Deidentifier::new(&tables, &vocabulary).context("cannot read the vocabularies")?;
        let exporter =
            Exporter { export: &self, deidentifier: &deidentifier, key: &key, brat: brat.then_some(folder.as_path()) };
        make_folder(folder)?;
        // under another name until it is whole
        let unfinished = folder.join(format!("{name}.unfinished"));
        let counts = runtime()?.block_on(exporter.write(&unfinished)).inspect_err(|_| {
            // what is there of it is not for use
            let _ = std::fs::remove_file(&unfinished);
        })?;
        let made = json!({
            "program": env!("CARGO_PKG_VERSION"),
            "what": if training { "training" } else { "encounters" },
            "identifiers": self.with_identifiers,
            "method": self.method_word(),
            "unknown": self.replacing.unknown_word(),
            "encounters": counts.encounters,
            "notes": counts.notes,
            "encounters_left_out": counts.left_out,
        });
        new_file(&manifest)?.write_all(format!("{made:#}\n").as_bytes())?;
        if brat {
            std::fs::remove_file(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))?;
        } else {
            std::fs::rename(&unfinished, &path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let place = if brat { folder } else { &path };
        println!("{} encounters with {} notes in {}", counts.encounters, counts.notes, place.display());
        if counts.left_out > 0 {
            eprintln!(
                "{} encounters are left out: something in their notes may be an identifier, or a note could not be read",
                counts.left_out
            );
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    const fn method_word(&self) -> &'static str {
        if self.with_identifiers {
            return "none";
        }
        match self.replacing.method() {
            Method::Tag => "tag",
            Method::Surrogate(_) => "surrogate",
        }
    }

    /// Whether a note is asked for. Its day is compared as it is, not as it is told.
    fn wants(&self, note: &Note) -> bool {
        let day = note.content.service_date.unwrap_or_else(|| note.received_at.to_zoned(TimeZone::UTC).date());
        let kind = note.content.note_type.as_deref().unwrap_or_default();
        let is_plain = note.content.confidentiality == Confidentiality::Normal && note.content.labels == Sensitivities::NONE;
        (self.include_restricted || is_plain)
            && note.purged.is_none()
            && self.from.is_none_or(|from| from <= day)
            && self.to.is_none_or(|to| day <= to)
            && (self.note_type.is_empty() || self.note_type.iter().any(|wanted| wanted == kind))
    }
}

/// A file that must not exist, for this user alone.
pub(super) fn new_file(path: &Path) -> anyhow::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot make {}; one that is there is never overwritten", path.display()))
}

impl Exporter<'_> {
    async fn write(&self, path: &Path) -> anyhow::Result<Counts> {
        let store = self.export.data.open_tool().await?.store();
        let mut out = BufWriter::new(new_file(path)?);
        let progress =
            ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {pos} encounters, {elapsed}")?);
        let mut counts = Counts::default();
        let detail = format!("method={} note_types={}", self.export.method_word(), self.export.note_type.len());
        let action = if self.export.training.is_some() { "export.training" } else { "export.deidentified" };
        store.record_audit(operator(), action, None, &detail, surroundings().now()).await?;
        let mut after = None;
        loop {
            let now = surroundings().now();
            let filter = ItemFilter {
                worklist: Worklist { state: Some(ItemState::Finished), ..Worklist::default() },
                include_restricted: self.export.include_restricted,
                clearances: if self.export.include_restricted { Sensitivities::ALL } else { Sensitivities::NONE },
                after: after.take(),
                limit: PAGE,
                ..ItemFilter::default()
            };
            let order = filter.worklist.order;
            let page = store.items(filter, now).await?;
            let Some(last) = page.last() else { break };
            after = Some(ListEnd::of(order, last, now));
            for item in &page {
                self.encounter(&*store, item.id, (&mut out, &mut counts)).await?;
                progress.inc(1);
            }
        }
        out.flush()?;
        out.get_ref().sync_all()?;
        progress.finish_and_clear();
        Ok(counts)
    }

    async fn encounter(
        &self,
        store: &dyn Store,
        id: Uuid,
        (out, counts): (&mut BufWriter<std::fs::File>, &mut Counts),
    ) -> anyhow::Result<()> {
        let now = surroundings().now();
        let Some(record) = store.item(id, now).await? else { return Ok(()) };
        if record.item.state != ItemState::Finished || !record.current_notes().any(|(note, _)| self.export.wants(note)) {
            return Ok(());
        }
        let detail = if self.export.with_identifiers { "with identifiers" } else { "deidentified" };
        if self.export.training.is_some() {
            let Some(notes) = self.annotated(&record) else {
                counts.left_out += 1;
                return Ok(());
            };
            // what cannot be recorded is not given away
            store.record_audit(operator(), "item.exported", Some(("item", id)), detail, now).await?;
            for note in &notes {
                training::write(note, self.brat, out)?;
            }
            counts.encounters += 1;
            counts.notes += notes.len();
            return Ok(());
        }
        match self.told(&record) {
            Some((line, notes)) => {
                store.record_audit(operator(), "item.exported", Some(("item", id)), detail, now).await?;
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)?;
                counts.encounters += 1;
                counts.notes += notes;
            }
            None => counts.left_out += 1,
        }
        Ok(())
    }

    /// Its notes with what coders left of them; none when one of them must be left out.
    fn annotated(&self, record: &ItemRecord) -> Option<Vec<AnnotatedNote>> {
        let patient = record.item.patient_id.unwrap_or(record.item.id).to_string();
        let replacer = Replacer {
            deidentifier: self.deidentifier,
            method: self.export.replacing.method(),
            unknown: self.export.replacing.unknown(),
            key: self.key,
            patient: &patient,
        };
        let mut found = annotations(record, &rollup(record));
        let mut notes = Vec::new();
        for (note, extraction) in record.current_notes().filter(|(note, _)| self.export.wants(note)) {
            let text = &note.content.text;
            let told = if self.export.with_identifiers {
                Deidentified::unchanged(text)
            } else {
                let spans = extraction.as_ref().map(mentions).unwrap_or_default();
                let told = replacer.deidentify(text, &Known::from(&note.content), &spans);
                if self.export.replacing.leaves_out() && !told.unsure.is_empty() {
                    return None;
                }
                told
            };
            let annotations = found.remove(&note.id).unwrap_or_default();
            notes.push(AnnotatedNote {
                id: self.key.pseudonym("note", &note.id.to_string()),
                note_type: note.content.note_type.as_deref().map(|kind| told.words(kind)),
                told,
                annotations,
            });
        }
        Some(notes)
    }

    /// The encounter as it is written, and of how many notes; none when one of them must be left out.
    fn told(&self, record: &ItemRecord) -> Option<(Value, usize)> {
        let patient = record.item.patient_id.unwrap_or(record.item.id).to_string();
        let replacer = Replacer {
            deidentifier: self.deidentifier,
            method: self.export.replacing.method(),
            unknown: self.export.replacing.unknown(),
            key: self.key,
            patient: &patient,
        };
        let mut notes = Vec::new();
        let mut moved: BTreeMap<Uuid, (Deidentified, &Note)> = BTreeMap::new();
        for (note, extraction) in record.current_notes().filter(|(note, _)| self.export.wants(note)) {
            let (line, deidentified) = self.note(note, extraction.as_ref(), &replacer)?;
            notes.push(line);
            moved.insert(note.id, (deidentified, note));
        }
        let entries: Vec<Value> = rollup(record).iter().filter_map(|entry| self.entry(entry, &moved)).collect();
        let count = notes.len();
        let line = json!({
            "encounter": self.key.pseudonym("encounter", &record.item.id.to_string()),
            "patient": self.key.pseudonym("patient", &patient),
            "encounter_class": record.item.encounter_class,
            "notes": notes,
            "entries": entries,
        });
        Some((line, count))
    }

    fn note(&self, note: &Note, extraction: Option<&Extraction>, replacer: &Replacer<'_>) -> Option<(Value, Deidentified)> {
        let text = &note.content.text;
        let extraction = extraction.cloned();
        let spans = extraction.as_ref().map(mentions).unwrap_or_default();
        let deidentified = replacer.deidentify(text, &Known::from(&note.content), &spans);
        if self.export.replacing.leaves_out() && !deidentified.unsure.is_empty() {
            return None;
        }
        let id = self.key.pseudonym("note", &note.id.to_string());
        let map = OffsetMap::new(&deidentified.text, OffsetUnit::Codepoint);
        let extraction = match extraction {
            Some(mut extraction) => {
                extraction.note_id.clone_from(&id);
                Some(deidentified.extraction(extraction)?.map_offsets(OffsetUnit::Codepoint, |byte| map.from_byte(byte)))
            }
            None => None,
        };
        let line = json!({
            "note": id,
            "note_type": note.content.note_type.as_deref().map(|kind| deidentified.words(kind)),
            "service_date": note.content.service_date.map(|day| day_told(day, replacer)),
            "text": deidentified.text,
            "replacements": told(text, &deidentified),
            "extraction": extraction,
        });
        Some((line, deidentified))
    }

    /// What coders made of an entry, with its evidence in the notes that are exported. Their free words stay here.
    fn entry(&self, entry: &ReviewEntry, notes: &BTreeMap<Uuid, (Deidentified, &Note)>) -> Option<Value> {
        let evidence: Vec<Value> = entry
            .evidence
            .iter()
            .filter_map(|(note, evidence)| {
                let (deidentified, _) = notes.get(note)?;
                let (start, end) = deidentified.map(evidence.start, evidence.end);
                let map = OffsetMap::new(&deidentified.text, OffsetUnit::Codepoint);
                Some(json!({
                    "note": self.key.pseudonym("note", &note.to_string()),
                    "start": map.from_byte(start),
                    "end": map.from_byte(end),
                    "text": crate::domain::Span::new(start, end).of(&deidentified.text),
                }))
            })
            .collect();
        if evidence.is_empty() && entry.state != EntryState::Added {
            return None;
        }
        let words = |words: &str| notes.values().fold(words.to_owned(), |words, (deidentified, _)| deidentified.words(&words));
        let codes: Vec<Value> = entry
            .codes
            .iter()
            .map(|code| json!({"system": code.system, "code": code.code, "display": words(&code.display)}))
            .collect();
        let decisions: Vec<Value> = entry
            .decisions
            .iter()
            .map(|decision| match &decision.kind {
                DecisionKind::Reject { reason, .. } => json!({"action": "reject", "reason": reason}),
                other => json!({"action": other.action()}),
            })
            .collect();
        Some(json!({
            "kind": entry.kind,
            "display": words(&entry.display),
            "assertion": entry.assertion,
            "status": entry.status,
            "codes": codes,
            "state": entry.state.as_str(),
            "designation": entry.designation,
            "decisions": decisions,
            "evidence": evidence,
        }))
    }
}
