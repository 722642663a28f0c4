//! `abstractor hold`: what must be kept, whatever else says that it goes.

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{
    accounts::{operator, runtime},
    data::DataFolder,
    purge::reason,
    subject::Which,
    surroundings,
};
use crate::store::{HoldChange, LegalHold, Subject};

/// Arguments of `abstractor hold`.
#[derive(Debug, Args)]
pub(super) struct Hold {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: HoldCommand,
}

#[derive(Debug, Subcommand)]
enum HoldCommand {
    /// Have a patient, an encounter or a note kept: nothing of it is purged until the hold is released
    Add {
        /// patient, encounter or note
        #[arg(value_parser = Subject::KINDS)]
        kind: String,
        #[command(flatten)]
        which: Which,
        /// Why: a word, such as the number of a case, without names; it stays in the audit trail
        #[arg(long, value_name = "WORD", value_parser = reason)]
        reason: String,
    },
    /// List the holds
    List {
        /// Those that have ended too
        #[arg(long)]
        all: bool,
    },
    /// End a hold
    Release {
        /// Its id, from `hold list`
        id: Uuid,
    },
}

impl Hold {
    pub(super) fn run(self) -> anyhow::Result<()> {
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            let surroundings = surroundings();
            match self.command {
                HoldCommand::Add { kind, which, reason } => {
                    let subject = which.find(&*store, &kind).await?;
                    let (id, at) = (surroundings.new_id(), surroundings.now());
                    let actor = operator();
                    let hold = LegalHold { id, subject, reason, actor: actor.name.clone(), at, released: None };
                    match store.add_hold(hold, actor).await? {
                        HoldChange::Done => println!("{id}"),
                        HoldChange::Missing => anyhow::bail!("there is no such {kind}"),
                        HoldChange::TooLate => anyhow::bail!("this {kind} was purged"),
                    }
                }
                HoldCommand::List { all } => {
                    for hold in store.holds().await?.iter().filter(|hold| all || hold.released.is_none()) {
                        let subject = hold.subject;
                        let ended =
                            hold.released.as_ref().map(|(by, at)| format!(", released by {by} {at}")).unwrap_or_default();
                        let of = format!("{} {}", subject.kind(), subject.id());
                        println!("{} {of} {} by {} {}{ended}", hold.id, hold.reason, hold.actor, hold.at);
                    }
                }
                HoldCommand::Release { id } => match store.release_hold(id, operator(), surroundings.now()).await? {
                    HoldChange::Done => println!("{id} has ended"),
                    HoldChange::Missing => anyhow::bail!("there is no hold {id}; `abstractor hold list` lists them"),
                    HoldChange::TooLate => anyhow::bail!("the hold {id} has ended before"),
                },
            }
            Ok(())
        })
    }
}
