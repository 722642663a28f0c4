//! `abstractor purge`: what is kept of a note, an encounter or a patient destroyed, and the proof that it is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{
    accounts::{operator, runtime},
    data::DataFolder,
    subject::{Which, holds_told},
    surroundings,
};
use crate::{
    config::Configuration,
    retention::{Ended, Purging, is_reason, purge_due, rest_of_item},
    store::{Proof, PurgeExtent, Store, Subject, Versions, sqlite},
};

/// Due notes that are listed at once.
const PAGE: u32 = 1000;

/// Arguments of `abstractor purge`.
#[derive(Debug, Args)]
pub(super) struct Purge {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: PurgeCommand,
}

#[derive(Debug, Subcommand)]
enum PurgeCommand {
    /// Destroy a note with all versions of its document, and what was decided on it alone
    Note(PurgeSubject),
    /// Destroy an encounter with its notes, decisions, remarks, queries and reviews
    Encounter(PurgeSubject),
    /// Destroy everything of a patient, but for messages that brought no note: `patient erase` takes those too
    Patient(PurgeSubject),
    /// Purge what `[retention]` of the configuration says is due, as a running server does every hour
    Due {
        /// Configuration file (TOML)
        #[arg(long, value_name = "FILE", env = "ABSTRACTOR_CONFIG")]
        config: PathBuf,
        /// Only say what is due
        #[arg(long)]
        dry_run: bool,
    },
    /// Show that nothing that was purged opens with the keys at hand, in the database and in backups
    Prove {
        /// A backup to look at too; may be given several times
        #[arg(long, value_name = "FILE")]
        backup: Vec<PathBuf>,
    },
    /// Purge in an older backup what was purged since, and wrap its keys with the first site key, so that it stays usable
    Apply {
        /// What `abstractor backup` wrote; it is replaced
        backup: PathBuf,
    },
}

/// What is purged.
#[derive(Debug, Args)]
struct PurgeSubject {
    #[command(flatten)]
    which: Which,
    /// Why: a word of letters, digits, dots, dashes and underscores, which stays in the audit trail
    #[arg(long, value_name = "WORD", value_parser = reason)]
    reason: String,
    /// Only say what would be destroyed
    #[arg(long)]
    dry_run: bool,
}

/// A reason as it may be kept.
pub(super) fn reason(word: &str) -> Result<String, String> {
    if is_reason(word) {
        Ok(word.to_owned())
    } else {
        Err("must be one word of at most 64 letters, digits, dots, dashes and underscores: it stays in the audit trail"
            .to_owned())
    }
}

impl Purge {
    /// Whether what was asked for was done, or holds.
    pub(super) fn run(self) -> anyhow::Result<bool> {
        let Self { data, command } = self;
        match command {
            PurgeCommand::Note(subject) => runtime()?.block_on(subject.run(&data, "note")),
            PurgeCommand::Encounter(subject) => runtime()?.block_on(subject.run(&data, "encounter")),
            PurgeCommand::Patient(subject) => runtime()?.block_on(subject.run(&data, "patient")),
            PurgeCommand::Due { config, dry_run } => runtime()?.block_on(due(&data, &config, dry_run)),
            PurgeCommand::Prove { backup } => runtime()?.block_on(prove(&data, &backup)),
            PurgeCommand::Apply { backup } => runtime()?.block_on(apply(&data, &backup)),
        }
    }
}

impl PurgeSubject {
    async fn run(&self, data: &DataFolder, kind: &str) -> anyhow::Result<bool> {
        let store = data.open_tool().await?.store();
        let subject = self.which.find(&*store, kind).await?;
        if self.dry_run {
            let extent = store.purge_extent(subject, Versions::All).await?;
            let extent = extent.with_context(|| format!("nothing of this {kind} is left"))?;
            tell(&extent);
            return Ok(extent.holds.is_empty());
        }
        purge(&*store, subject, (&self.reason, Vec::new())).await
    }
}

fn tell(extent: &PurgeExtent) {
    for item in &extent.items {
        let whole = if item.is_whole { "all of it" } else { "a part of it" };
        println!("encounter {}: {} notes, {whole}", item.item, item.notes.len());
        for note in &item.notes {
            println!("  note {note}");
        }
    }
    if let Some(patient) = extent.patient {
        println!("patient {patient}");
    }
    holds_told(&extent.holds);
}

/// Purges a subject, of a patient also these messages, and empties the log. Whether it was done.
pub(super) async fn purge(
    store: &dyn Store,
    subject: Subject,
    (reason, messages): (&str, Vec<uuid::Uuid>),
) -> anyhow::Result<bool> {
    let (surroundings, actor) = (surroundings(), operator());
    let purging = Purging { store, surroundings: &surroundings, actor: &actor, reason };
    match purging.purge(subject, Versions::All, messages).await? {
        Ended::Done { notes } => {
            store.settle_purge().await?;
            println!("{notes} notes destroyed, with all that was sealed of them");
            println!(
                "backups from before still hold them: run `abstractor purge apply BACKUP` on those to keep, `abstractor key rotate` and \
                 `abstractor key retire`, and `abstractor purge prove`"
            );
            Ok(true)
        }
        Ended::Held(holds) => {
            holds_told(&holds);
            eprintln!("it is under legal hold: nothing of what is held was destroyed; `abstractor hold release` ends a hold");
            Ok(false)
        }
        Ended::Missing => anyhow::bail!("nothing of this {} is left", subject.kind()),
        Ended::Overtaken => anyhow::bail!("notes came again and again meanwhile; stop their sender, and run it again"),
    }
}

async fn due(data: &DataFolder, config: &Path, dry_run: bool) -> anyhow::Result<bool> {
    let policy = Configuration::read(config)?.retention;
    anyhow::ensure!(!policy.is_empty(), "{} has no [retention]: nothing is ever due", config.display());
    let store = data.open_tool().await?.store();
    let surroundings = surroundings();
    if !dry_run {
        let purged = purge_due((&*store, &surroundings), &policy, || false).await?;
        println!("{purged} notes were due and are destroyed");
        return Ok(true);
    }
    let mut count = 0_u64;
    for rule in policy.rules(surroundings.now()) {
        let of = rule.note_type.clone().unwrap_or_else(|| "other types".to_owned());
        let mut after = uuid::Uuid::nil();
        loop {
            let notes = store.due_notes(rule.clone(), after, PAGE).await?;
            let Some(last) = notes.last() else { break };
            after = *last;
            for note in &notes {
                println!("note {note}: {of}, before {}", rule.day);
            }
            count += notes.len() as u64;
        }
    }
    println!("{count} notes are due; nothing was destroyed");
    Ok(true)
}

async fn prove(data: &DataFolder, backups: &[PathBuf]) -> anyhow::Result<bool> {
    let store = data.open_tool().await?.store();
    let found = store.prove().await?;
    // in the database itself the bytes have to be gone, not only closed
    let mut is_proved = found.closed == 0;
    is_proved &= told("the database", &found);
    if found.closed > 0 {
        eprintln!("the database: sealed bytes of purged rows are left in it");
    }
    let tombstones = store.tombstones().await?;
    for backup in backups {
        let keys = data.keys()?;
        let found = sqlite::prove_backup(backup, &keys, &tombstones)
            .with_context(|| format!("{} cannot be looked at", backup.display()))?;
        is_proved &= told(&backup.display().to_string(), &found);
    }
    println!(
        "{}",
        if is_proved {
            "nothing that was purged opens with the keys at hand"
        } else {
            "not proved: `abstractor purge apply BACKUP`, `abstractor key rotate` and `abstractor key retire` close what is open"
        }
    );
    Ok(is_proved)
}

/// Prints what was found in one copy; whether nothing opens.
fn told(place: &str, found: &Proof) -> bool {
    let Proof { gone, closed, open } = found;
    println!("{place}: {gone} rows destroyed, {closed} rows that no key at hand opens, {} rows that open", open.len());
    for (kind, id) in open {
        eprintln!("{place}: {kind} {id} opens");
    }
    open.is_empty()
}

async fn apply(data: &DataFolder, backup: &Path) -> anyhow::Result<bool> {
    let store = data.open_tool().await?.store();
    let tombstones = store.tombstones().await?;
    let notes = sqlite::purge_backup(backup, data.keys()?, (&tombstones, rest_of_item))
        .with_context(|| format!("{} is as it was", backup.display()))?;
    println!("{}: {notes} notes destroyed in it, and its keys wrapped with the first site key", backup.display());
    Ok(true)
}
