//! `abstractor vocabulary`: import official releases, build the engine's tables of them, and look into what is loaded.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    code_book::{lookup, tell_hits},
    load::Load,
    vectors,
};
use crate::{
    pipeline::Pipeline,
    recognize::merge::Recognizers,
    vocabulary::{
        Tables, Vocabulary,
        build::{self, About, Kind},
        difference,
    },
};

/// Vocabularies: import releases, build tables of them, look into them.
#[derive(Debug, Subcommand)]
pub(super) enum Vocabularies {
    /// Keep an official release, as it was downloaded (zip, gz or plain files)
    Import(Import),
    /// Make the engine's tables of all kept releases, over those of the program
    Build {
        /// The folder of the releases; the tables are written into it
        folder: PathBuf,
    },
    /// Say what is loaded: editions, sources with release and licence, what is not loaded
    Info(Loaded),
    /// Say everything about a code, a chapter or block, or what a term stands for
    Lookup {
        /// A code ("E11.22", "e1122"), a chapter or block ("I00-I99"), or a term ("sugar diabetes")
        #[arg(required = true)]
        words: Vec<String>,
        #[command(flatten)]
        loaded: Loaded,
    },
    /// Find codes by words, synonyms, abbreviations, or the beginning of a code; by meaning where words find nothing
    Search {
        /// What to look for
        #[arg(required = true)]
        words: Vec<String>,
        /// At most so many codes
        #[arg(long, default_value = "20")]
        limit: usize,
        #[command(flatten)]
        load: Box<Load>,
    },
    /// Say what changes from one set of tables to another: codes, terms
    Diff {
        /// A folder of tables, or `embedded`
        from: PathBuf,
        /// A folder of tables, or `embedded`
        to: PathBuf,
        /// Every line, not only the first of each kind
        #[arg(long)]
        all: bool,
    },
    /// Make the vectors by which codes of like meaning are found, and keep them
    Vectors(Vectors),
}

/// Which tables are looked into.
#[derive(Debug, Args)]
pub(super) struct Loaded {
    /// Folder whose tables replace the embedded ones of the same name
    #[arg(long, value_name = "DIR", env = "ABSTRACTOR_VOCABULARIES")]
    vocabularies: Option<PathBuf>,
}

/// Arguments of `abstractor vocabulary import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// What it is: icd10cm-tabular, icd10cm-index, icd10cm-external-causes, icd10cm-neoplasms, icd10cm-drugs, icd10cm-order,
    /// icd10cm-addenda, icd10cm-conversion, icd10cm-poa-exempt, icd10cm-cc-mcc, gems, cms-hcc, rxnorm, rxterms, snomed-rf2, snomed-gps, umls, unii, fhir or site-terms
    kind: Kind,
    /// The files, as they were downloaded
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder that keeps releases and tables
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Release, where the files do not say it
    #[arg(long)]
    release: Option<String>,
    /// Name of the edition of a code list, such as "ICD-10-CM FY2027"
    #[arg(long)]
    edition: Option<String>,
    /// First day on which the edition holds
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day on which it holds
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
}

/// Arguments of `abstractor vocabulary vectors`.
#[derive(Debug, Args)]
pub(super) struct Vectors {
    #[command(flatten)]
    load: Load,
}

impl Vocabularies {
    /// Runs the command; a failure without an error says that lines were wrong and left out.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Import(import) => return import.run(),
            Self::Build { folder } => return built(&folder),
            Self::Info(loaded) => say(&loaded.tables().and_then(|tables| info(&tables))?),
            Self::Lookup { words, loaded } => say(&lookup(&loaded.vocabulary()?, &words.join(" "))?),
            Self::Search { words, limit, load } => say(&search(&load, &words.join(" "), limit)?),
            Self::Diff { from, to, all } => {
                let (from, to) = (tables_of(&from)?, tables_of(&to)?);
                say(&difference(&Vocabulary::load(&from)?, &Vocabulary::load(&to)?).written(if all { usize::MAX } else { 20 }));
            }
            Self::Vectors(vectors) => vectors.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Loaded {
    fn tables(&self) -> anyhow::Result<Tables> {
        self.vocabularies.as_deref().map_or_else(|| Ok(Tables::embedded()?), |folder| Ok(Tables::with_folder(folder)?))
    }

    fn vocabulary(&self) -> anyhow::Result<Vocabulary> {
        Ok(Vocabulary::load(&self.tables()?)?)
    }
}

/// To standard output; a closed pipe (`| head`) is no error.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// What tells a script whether lines were left out.
fn left_out(errors: &[String]) -> ExitCode {
    if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tables_of(folder: &Path) -> anyhow::Result<Tables> {
    if folder == Path::new("embedded") { Ok(Tables::embedded()?) } else { Ok(Tables::with_folder(folder)?) }
}

impl Import {
    fn run(self) -> anyhow::Result<ExitCode> {
        let about = About {
            release: self.release,
            edition: self.edition,
            first_day: self.from,
            last_day: self.to,
            imported_at: super::surroundings().now().to_string(),
        };
        let kept_before = releases(&self.into);
        let kept = build::import(self.kind, &self.files, &about, &self.into)?;
        let mut out = format!("{}, release {}\n", kept.kind.title(), kept.release);
        if !kept.edition.is_empty() {
            let _ = writeln!(out, "  {}, {} to {}, kept as {}", kept.edition, kept.first_day, kept.last_day, kept.name());
        }
        for (table, rows) in &kept.rows {
            let _ = writeln!(out, "  {rows:>9} rows  {table}");
        }
        for error in &kept.errors {
            let _ = writeln!(out, "  error: {error}");
        }
        for note in &kept.notes {
            let _ = writeln!(out, "  note: {note}");
        }
        if kept_before.contains(&kept.name()) {
            let _ = writeln!(
                out,
                "  note: takes the place of what was kept as {} before; give files that belong together at once",
                kept.name()
            );
        }
        let _ = writeln!(out, "  licence: {}", kept.licence);
        let _ = writeln!(out, "make the tables with: abstractor vocabulary build {}", self.into.display());
        say(&out);
        Ok(left_out(&kept.errors))
    }
}

/// Names of the releases that a folder keeps.
fn releases(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("releases")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn built(folder: &Path) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(folder.is_dir(), "{} is no folder; `abstractor vocabulary import ... --into` makes it", folder.display());
    let embedded = Tables::embedded()?;
    let report = build::build(folder, &|name| embedded.find(name).map(|(_, text)| text.to_owned()))?;
    let mut out = String::new();
    for table in &report.tables {
        let _ = writeln!(
            out,
            "  {:>9} rows  {}  ({} new, {} changed, {} dropped)",
            table.rows, table.name, table.new, table.changed, table.dropped
        );
        for source in &table.sources {
            let _ = writeln!(out, "                  of {source}");
        }
    }
    for error in &report.errors {
        let _ = writeln!(out, "  error: {error}");
    }
    for note in report.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    for file in report.kept_by_hand {
        let _ = writeln!(out, "  left alone: {file} was put there or changed by hand");
    }
    for file in report.removed {
        let _ = writeln!(out, "  removed: {file}");
    }
    for table in report.not_loaded {
        let _ = writeln!(out, "  not loaded: {}. {}", table.title, table.advice);
    }
    // what was made is loaded once as a start does, so that a table that cannot be used is told here and not at the next start
    Pipeline::new(&Tables::with_folder(folder)?, None, Recognizers { dictionary: true, model: false })
        .context("the tables were written but cannot be used; `serve` would not start with this folder")?;
    let _ = writeln!(out, "use them with: --vocabularies {}", folder.display());
    say(&out);
    Ok(left_out(&report.errors))
}

fn info(tables: &Tables) -> anyhow::Result<String> {
    let vocabulary = Vocabulary::load(tables)?;
    let mut out = format!("checksum  {}\n", vocabulary.checksum);
    for edition in vocabulary.editions.all() {
        let billable = edition.codes.all().iter().filter(|code| code.billable).count();
        let _ = writeln!(
            out,
            "edition   {}, {} to {}: {} codes, {billable} billable, {} notes",
            edition.name,
            edition.first_day,
            edition.last_day,
            edition.codes.all().len(),
            edition.notes.all().len()
        );
    }
    let _ = writeln!(out, "terms     {} forms; index {} paths", vocabulary.terms.len(), vocabulary.index.entries().len());
    for (source, count) in vocabulary.term_sources() {
        let _ = writeln!(out, "          {count:>7} diagnosis terms of {source}");
    }
    for source in vocabulary.sources() {
        let _ = writeln!(out, "source    {}, {}: {}", source.title, source.release, source.licence);
    }
    for table in vocabulary.not_loaded() {
        let _ = writeln!(out, "missing   {table}: not loaded");
    }
    Ok(out)
}

/// By words; the model and the vectors of terms are loaded only where words find nothing.
fn search(load: &Load, words: &str, limit: usize) -> anyhow::Result<String> {
    let vocabulary = Vocabulary::load(&load.tables()?)?;
    let hits = vocabulary.find_codes_or(words, limit, || match load.meanings(&vocabulary)? {
        Some((model, vectors)) => anyhow::Ok(vectors.codes_near((&vocabulary, &model), words, limit)?),
        None => Ok(Vec::new()),
    })?;
    let found = tell_hits(&vocabulary, &hits);
    anyhow::ensure!(!found.is_empty(), "no code has these words; try fewer, or the beginning of a code");
    Ok(found)
}

impl Vectors {
    fn run(&self) -> anyhow::Result<()> {
        let pipeline = self.load.pipeline()?;
        let file = self
            .load
            .vectors_file(&pipeline)
            .context("the model makes no vectors, or no folder keeps them; name one with --cache")?;
        if let Some(vectors) = pipeline.vectors() {
            say(&format!("{} vectors are there already: {}\n", vectors.len(), file.display()));
            return Ok(());
        }
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos} of {len} terms, {eta} left")?);
        let vectors = vectors::made(&pipeline, self.load.replicas(), |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            true
        })?;
        bar.finish_and_clear();
        vectors.write(&file)?;
        say(&format!("{} vectors written to {}\n", vectors.len(), file.display()));
        Ok(())
    }
}
