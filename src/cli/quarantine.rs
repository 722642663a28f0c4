//! `abstractor quarantine`: notes that could not be extracted, and trying them again.

use std::io::Write as _;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{
    accounts::{operator, runtime},
    data::DataFolder,
    render::in_a_row,
    surroundings,
};
use crate::store::Store;

/// Notes that are read from the store at once.
const PAGE: u32 = 500;

/// Arguments of `abstractor quarantine`.
#[derive(Debug, Args)]
pub(super) struct Quarantine {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: QuarantineCommand,
}

#[derive(Debug, Subcommand)]
enum QuarantineCommand {
    /// List the notes that could not be extracted, with the reason
    List,
    /// Have notes tried again by a running server, for example after an update; recorded in the audit trail
    Retry {
        /// Their ids, from `quarantine list`
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<Uuid>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
}

impl Quarantine {
    /// Whether what was asked for was done.
    pub(super) fn run(self) -> anyhow::Result<bool> {
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            match self.command {
                QuarantineCommand::List => list(&*store).await.map(|()| true),
                QuarantineCommand::Retry { ids, all } => retry(&*store, ids, all).await,
            }
        })
    }
}

async fn list(store: &dyn Store) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{:<38} {:<22} {:<22} {:<16} {:<6} REASON", "NOTE", "RECEIVED", "GIVEN UP", "SOURCE", "TRIES")?;
    let mut after = None;
    loop {
        let page = store.quarantined(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for note in page {
            let moment = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let (received, given_up) = (moment(note.received_at), moment(note.at));
            writeln!(
                out,
                "{:<38} {received:<22} {given_up:<22} {:<16} {:<6} {}",
                note.id,
                in_a_row(&note.source),
                note.tries,
                in_a_row(&note.reason)
            )?;
        }
    }
}

/// Whether every note that was named is tried again.
async fn retry(store: &dyn Store, mut ids: Vec<Uuid>, all: bool) -> anyhow::Result<bool> {
    if all {
        let mut page = store.quarantined(None, PAGE).await?;
        while let Some(last) = page.last().map(|note| note.id) {
            ids.extend(page.iter().map(|note| note.id));
            page = store.quarantined(Some(last), PAGE).await?;
        }
    }
    let (mut retried, mut others) = (0_usize, Vec::new());
    for id in ids {
        if store.retry_note(id, operator(), surroundings().now()).await? {
            retried += 1;
        } else {
            others.push(id);
        }
    }
    println!("{retried} {} again when a server runs", if retried == 1 { "note is tried" } else { "notes are tried" });
    for id in &others {
        eprintln!("{id} is in no quarantine; `abstractor quarantine list` lists the notes that are");
    }
    // with --all a note may have left quarantine meanwhile
    Ok(all || others.is_empty())
}
