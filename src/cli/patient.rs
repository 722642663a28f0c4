//! `abstractor patient`: what a patient may ask for. What is kept of them given out or destroyed, and a wrong merge taken back.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{
    accounts::{operator, runtime},
    data::{DataFolder, make_folder},
    purge::{purge, reason},
    surroundings,
};
use crate::{
    retention::{export, messages_of},
    store::{Named, Store, Subject, Versions},
};

/// Arguments of `abstractor patient`.
#[derive(Debug, Args)]
pub(super) struct Patients {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: PatientCommand,
}

/// A record number.
#[derive(Debug, Args)]
struct Record {
    /// The source whose number it is
    #[arg(long)]
    source: String,
    /// The record number
    #[arg(long)]
    record: String,
    /// Who gives out the number, where the source has several
    #[arg(long)]
    system: Option<String>,
}

#[derive(Debug, Subcommand)]
enum PatientCommand {
    /// Give out everything that is kept of a patient: details, encounters, notes, decisions, queries, second reviews, what was sent, messages as
    /// they came, and who read what
    Export {
        #[command(flatten)]
        record: Record,
        /// Folder for the file patient.ndjson, which must not exist; - prints it
        #[arg(value_name = "DIR")]
        to: PathBuf,
    },
    /// Destroy everything that is kept of a patient, messages that brought no note too
    Erase {
        #[command(flatten)]
        record: Record,
        /// Why: a word of letters, digits, dots, dashes and underscores, which stays in the audit trail
        #[arg(long, value_name = "WORD", default_value = "erasure", value_parser = reason)]
        reason: String,
        /// Only say how much it is
        #[arg(long)]
        dry_run: bool,
    },
    /// Take back that a record number was merged into another one
    Unmerge {
        #[command(flatten)]
        record: Record,
    },
}

impl Record {
    fn named(&self) -> Named {
        let Self { source, record, system } = self;
        Named::Patient { source: source.clone(), record: record.clone(), system: system.clone() }
    }

    async fn find(&self, store: &dyn Store) -> anyhow::Result<Subject> {
        store.find_subjects(self.named()).await?.first().copied().context("this source has no such patient")
    }
}

impl Patients {
    /// Whether what was asked for was done.
    pub(super) fn run(self) -> anyhow::Result<bool> {
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            match self.command {
                PatientCommand::Export { record, to } => give_out(&*store, &record, &to).await.map(|()| true),
                PatientCommand::Erase { record, reason, dry_run } => {
                    let subject = record.find(&*store).await?;
                    let known = store.patient_record(subject.id()).await?.context("nothing of this patient is left")?;
                    let messages = messages_of(&*store, &record.source, &known).await?;
                    if dry_run {
                        let extent = store.purge_extent(subject, Versions::All).await?.unwrap_or_default();
                        let notes: usize = extent.items.iter().map(|item| item.notes.len()).sum();
                        println!("{} encounters, {notes} notes, {} messages", extent.items.len(), messages.len());
                        super::subject::holds_told(&extent.holds);
                        return Ok(extent.holds.is_empty());
                    }
                    purge(&*store, subject, (&reason, messages)).await
                }
                PatientCommand::Unmerge { record } => {
                    let unmerged = store.unmerge_patient(record.named(), operator(), surroundings().now()).await?;
                    let moved = unmerged.context("this number is not known, or was merged into none")?;
                    println!("{} encounters with {} notes went back to this number", moved.encounters, moved.notes);
                    if moved.shared > 0 {
                        println!("{} encounters hold notes of both numbers and stay where they are", moved.shared);
                    }
                    Ok(true)
                }
            }
        })
    }
}

async fn give_out(store: &dyn Store, record: &Record, to: &Path) -> anyhow::Result<()> {
    let subject = record.find(store).await?;
    let surroundings = surroundings();
    let mut out: Box<dyn Write> = if to.as_os_str() == "-" {
        Box::new(std::io::stdout().lock())
    } else {
        make_folder(to)?;
        let file = to.join("patient.ndjson");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let made = options.open(&file).with_context(|| format!("cannot make {}; a file is not overwritten", file.display()))?;
        Box::new(std::io::BufWriter::new(made))
    };
    let known = export((store, &surroundings), (subject.id(), &record.source), operator(), |line| {
        writeln!(out, "{line}").context("the export cannot be written")
    })
    .await?;
    anyhow::ensure!(known, "nothing of this patient is left");
    out.flush().context("the export cannot be written")?;
    Ok(())
}
