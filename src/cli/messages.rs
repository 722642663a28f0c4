//! `abstractor messages`: those that other systems sent and that could not be used.

use std::io::Write as _;

use clap::{Args, Subcommand};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    accounts::{operator, runtime},
    data::DataFolder,
    limit::NoteLimit,
    render::in_a_row,
    surroundings,
};
use crate::{
    service::{Backlog, Intake, Replay},
    store::{MessageFilter, Store},
};

/// Arguments of `abstractor messages`.
#[derive(Debug, Args)]
pub(super) struct Messages {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: MessageCommand,
}

#[derive(Debug, Subcommand)]
enum MessageCommand {
    /// List messages that could not be used, newest first
    List {
        /// Those that were accepted too
        #[arg(long)]
        all: bool,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Print a message as it came; it holds what patients told. Recorded in the audit trail
    Show {
        /// Its id, from `messages list`
        id: Uuid,
    },
    /// Handle a message again that could not be used
    Replay {
        /// Its id, from `messages list`
        id: Uuid,
        #[command(flatten)]
        limit: NoteLimit,
    },
}

impl Messages {
    /// Whether what was asked for was done.
    pub(super) fn run(self) -> anyhow::Result<bool> {
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            match self.command {
                MessageCommand::List { all, limit } => list(&*store, all, limit).await.map(|()| true),
                MessageCommand::Show { id } => show(&*store, id).await.map(|()| true),
                MessageCommand::Replay { id, limit } => replay(&*store, id, limit).await,
            }
        })
    }
}

async fn list(store: &dyn Store, all: bool, limit: u32) -> anyhow::Result<()> {
    let filter = if all { MessageFilter::Any } else { MessageFilter::Failed };
    let mut out = std::io::stdout();
    writeln!(out, "{:<38} {:<22} {:<16} {:<9} STATE", "ID", "RECEIVED", "SOURCE", "EVENT")?;
    for line in store.messages(filter, None, limit).await? {
        let received = line.received_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let state = line.reason.as_deref().unwrap_or("accepted");
        let (source, event) = (in_a_row(&line.source), in_a_row(&line.event));
        writeln!(out, "{:<38} {received:<22} {source:<16} {event:<9} {}", line.id, in_a_row(state))?;
    }
    Ok(())
}

async fn show(store: &dyn Store, id: Uuid) -> anyhow::Result<()> {
    let message = store.message(id).await?;
    let message =
        message.ok_or_else(|| anyhow::anyhow!("there is no message {id}; `abstractor messages list --all` lists them"))?;
    store.record_audit(operator(), "message.read", Some(("message", id)), "", surroundings().now()).await?;
    // segments as lines; a message may hold anything, and a terminal would act upon control characters
    let text = String::from_utf8_lossy(&message.content).replace('\r', "\n");
    let shown: String =
        text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect();
    writeln!(std::io::stdout(), "{}", shown.trim_end())?;
    Ok(())
}

async fn replay(store: &dyn Store, id: Uuid, limit: NoteLimit) -> anyhow::Result<bool> {
    let (surroundings, wake) = (surroundings(), Notify::new());
    let intake =
        Intake { store, surroundings: &surroundings, wake: &wake, backlog: &Backlog::default(), max_note_bytes: limit.bytes() };
    match intake.replay_message(operator(), id).await? {
        Replay::Missing => {
            anyhow::bail!("there is no message {id}; `abstractor messages list` lists those that could not be used")
        }
        Replay::Piece => anyhow::bail!("only a piece of the message is here; its sender must send it again"),
        Replay::AcceptedBefore => println!("accepted before; there is nothing to do"),
        Replay::Accepted { note_id: Some(note) } => println!("accepted; note {note}"),
        Replay::Accepted { note_id: None } => println!("accepted"),
        Replay::Failed(problem) => {
            println!("{}: {}", problem.code, problem.detail);
            return Ok(false);
        }
    }
    Ok(true)
}
