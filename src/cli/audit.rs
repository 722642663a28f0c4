//! `abstractor audit`: whether the trail is what was sealed, what proves it, who read or changed what, and what may leave it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{
    accounts::{operator, runtime},
    data::DataFolder,
    surroundings,
};
use crate::{
    seal::PublicKey,
    service::{ACCESS_COLUMNS, csv_of},
    store::{AccessFilter, Checkpoint, Store, Witness},
};

/// How old the trail must be kept (HIPAA, 45 CFR 164.316).
const KEPT_YEARS: i64 = 6;
/// Events that are read at once.
const PAGE: u32 = 1_000;

/// Arguments of `abstractor audit`.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Read the whole trail and hold it against its seals; a server may run
    Verify {
        /// A checkpoint that was kept elsewhere, as `audit checkpoint` printed it; of several lines the last one
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// The public key that was kept elsewhere, as `audit public-key` printed it
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
    },
    /// Print the newest signed checkpoint as one line of JSON, to be kept where nobody who can change the database can change it
    Checkpoint,
    /// Print the key that verifies checkpoints, as PEM
    PublicKey,
    /// Print who read or changed what as CSV, newest first; recorded in the trail
    Report(Report),
    /// Remove sealed events that are older than a day, up to a checkpoint, from which the trail verifies on
    Prune {
        /// The first day that stays, in UTC
        #[arg(long, value_name = "DATE")]
        before: Date,
        /// Remove events that are younger than six years too
        #[arg(long)]
        shorter_than_six_years: bool,
    },
    /// Erase id and name of a disabled user from every sealed event; the events stay, and the trail verifies. There is no way back
    EraseUser {
        /// Login name
        name: String,
    },
}

/// Which accesses; what is left out is not asked for.
#[derive(Debug, Args)]
struct Report {
    /// By the user of this login name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Of this kind, for example note.read
    #[arg(long)]
    action: Option<String>,
    /// Of the patient, encounter or note with this id of ours, and what belongs to it
    #[arg(long, value_name = "ID", conflicts_with = "patient")]
    of: Option<Uuid>,
    /// Of the patient with this record number
    #[arg(long, value_name = "NUMBER", requires = "source")]
    patient: Option<String>,
    /// The source that the record number is of
    #[arg(long, requires = "patient")]
    source: Option<String>,
    /// From this day on, in UTC
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Until this day, it included
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
}

impl Audit {
    /// Whether all is well.
    pub(super) fn run(self) -> anyhow::Result<bool> {
        runtime()?.block_on(async {
            let opened = self.data.open_tool().await?;
            let store = opened.store();
            match self.command {
                AuditCommand::Verify { checkpoint, public_key } => {
                    let checkpoint = checkpoint.as_deref().map(read_checkpoint).transpose()?;
                    let public_key = public_key.as_deref().map(read_public_key).transpose()?;
                    return verify(&*store, Witness { checkpoint, public_key }).await;
                }
                AuditCommand::Checkpoint => {
                    let found = store.newest_checkpoint().await?;
                    let checkpoint = found.context("nothing was sealed yet: a running service seals and signs within a minute")?;
                    writeln!(std::io::stdout(), "{}", checkpoint.to_line())?;
                }
                AuditCommand::PublicKey => {
                    let found = store.audit_public_key().await?;
                    let key = found.context("there is no key yet: a running service makes it when it seals the first events")?;
                    write!(std::io::stdout(), "{}", key.to_pem())?;
                }
                AuditCommand::Report(report) => print(&*store, report).await?,
                AuditCommand::Prune { before, shorter_than_six_years } => {
                    let now = surroundings().now();
                    let before = begins(before)?;
                    let six_years_ago = now.to_zoned(TimeZone::UTC).checked_sub(KEPT_YEARS.years())?.timestamp();
                    anyhow::ensure!(
                        before <= six_years_ago || shorter_than_six_years,
                        "events of the last six years are kept (HIPAA, 45 CFR 164.316); --shorter-than-six-years removes them all the same"
                    );
                    anyhow::ensure!(before <= now, "the day is still to come");
                    ensure_whole(&*store).await?;
                    let pruned = store.prune_trail(before, operator(), now).await.context(AS_THE_OWNER)?;
                    match pruned.events {
                        0 => println!("nothing to remove: no checkpoint has only older events before it"),
                        events => println!("{events} events removed, up to event {}; keep a new checkpoint elsewhere", pruned.to),
                    }
                }
                AuditCommand::EraseUser { name } => {
                    let user = store.user_named(&name).await?;
                    let user = user.with_context(|| format!("there is no user {name}; `abstractor user list` lists them"))?;
                    anyhow::ensure!(user.disabled, "{name} still works here; `abstractor user disable {name}` first");
                    ensure_whole(&*store).await?;
                    let erased = store.erase_actor(user.id, operator(), surroundings().now()).await.context(AS_THE_OWNER)?;
                    println!("who it was is erased from {erased} events; what is not sealed yet is left, so run it again in a minute");
                }
            }
            Ok(true)
        })
    }
}

const AS_THE_OWNER: &str =
    "the trail is append-only, and only the owner of its tables may lift that: on PostgreSQL name the owner by --database";

/// What is removed or erased could not be held against its seal any more: no change is hidden in that way.
async fn ensure_whole(store: &dyn Store) -> anyhow::Result<()> {
    let problem = store.verify_trail(Witness::default()).await?.problem;
    anyhow::ensure!(
        problem.is_none(),
        "the trail does not verify, and nothing is removed from it; see `abstractor audit verify`"
    );
    Ok(())
}

async fn verify(store: &dyn Store, witness: Witness) -> anyhow::Result<bool> {
    let held = witness.checkpoint.as_ref().map(|checkpoint| checkpoint.sequence);
    let report = store.verify_trail(witness).await?;
    let mut out = std::io::stdout();
    let first = report.begins_after + 1;
    if report.verified > 0 {
        writeln!(out, "{} sealed events verified, {first} to {}", report.verified, report.verified_to)?;
    }
    if report.begins_after > 0 {
        writeln!(out, "the events up to {} were pruned; the trail begins behind the checkpoint there", report.begins_after)?;
    }
    if report.erased > 0 {
        writeln!(out, "of {} events who it was is erased", report.erased)?;
    }
    if let Some(problem) = &report.problem {
        eprintln!("wrong: {problem}");
        return Ok(false);
    }
    match &report.checkpoint {
        Some(checkpoint) => {
            writeln!(out, "newest checkpoint: event {}, signed {}", checkpoint.sequence, checkpoint.sealed_at)?;
        }
        None => writeln!(out, "nothing was sealed yet")?,
    }
    match held {
        Some(sequence) if sequence < report.begins_after => {
            writeln!(
                out,
                "the checkpoint that was kept outside, event {sequence}, is older than what was pruned: its signature is right, and more it cannot tell"
            )?;
        }
        Some(sequence) => writeln!(out, "the events up to {sequence} are those of the checkpoint that was kept outside")?,
        None => {}
    }
    match report.unsealed {
        0 => writeln!(out, "every event is sealed")?,
        count => writeln!(out, "not sealed yet: {count} events, from {} on", report.verified_to + 1)?,
    }
    Ok(true)
}

fn read_checkpoint(file: &Path) -> anyhow::Result<Checkpoint> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Checkpoint::parse(line).with_context(|| format!("cannot use {}", file.display()))
}

fn read_public_key(file: &Path) -> anyhow::Result<PublicKey> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    PublicKey::from_pem(&text).with_context(|| {
        format!("{} holds no public key of Ed25519 in PEM, as `abstractor audit public-key` prints it", file.display())
    })
}

/// The beginning of a day, in UTC.
fn begins(day: Date) -> anyhow::Result<Timestamp> {
    Ok(day.to_zoned(TimeZone::UTC)?.timestamp())
}

async fn print(store: &dyn Store, report: Report) -> anyhow::Result<()> {
    let of = match (&report.source, &report.patient) {
        (Some(source), Some(number)) => {
            let found = store.patients_numbered(source, number).await?;
            anyhow::ensure!(!found.is_empty(), "there is no patient with this record number at this source");
            Some(found)
        }
        _ => report.of.map(|id| vec![id]),
    };
    let filter = AccessFilter {
        actor: report.user,
        action: report.action,
        of,
        from: report.from.map(begins).transpose()?,
        until: report.until.map(|day| begins(day.checked_add(1.day())?)).transpose()?,
    };
    let told = filter.of.as_deref().unwrap_or_default().iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ");
    let told = if told.is_empty() { "accesses".to_owned() } else { format!("accesses of {told}") };
    store.record_audit(operator(), "audit.read", None, &told, surroundings().now()).await?;
    let mut out = std::io::BufWriter::new(std::io::stdout());
    writeln!(out, "{}", ACCESS_COLUMNS.join(","))?;
    let mut after = None;
    loop {
        let events = store.accesses(filter.clone(), after, PAGE).await?;
        out.write_all(&csv_of(&events)?)?;
        match events.last() {
            Some(last) if events.len() == PAGE as usize => after = Some((last.at, last.sequence)),
            _ => break,
        }
    }
    Ok(out.flush()?)
}
