//! `abstractor site-pack`: what a site taught its engine as a file, to travel to another site.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::{
    accounts::{operator, runtime},
    data::DataFolder,
    load::Load,
    surroundings,
};
use crate::{
    domain::{PackChange, SitePack},
    pipeline::checked_pack,
    service::{keep_pack, newest_pack},
    vocabulary::Vocabulary,
};

/// What the file says it is.
const FORMAT: &str = "abstractor site pack 1";

/// Arguments of `abstractor site-pack`.
#[derive(Debug, Args)]
pub(super) struct SitePacks {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: PackCommand,
}

#[derive(Debug, Subcommand)]
enum PackCommand {
    /// List the versions of the pack, the newest first, and say which one is live
    List,
    /// Write a version of the pack as JSON: the live one, else the newest
    Export {
        /// Another version
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
        /// File that must not exist yet; standard output when left out
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Add a version with the rows of such a file; what it says of the same words takes the place of what was said. It becomes live on the
    /// page or through the API alone
    Import {
        #[command(flatten)]
        load: Box<Load>,
        /// The file
        file: PathBuf,
        /// With the rows of the file alone
        #[arg(long)]
        replace: bool,
    },
}

/// What becomes of the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// They stay, where the file says nothing of the same words.
    OnTop,
    /// They go.
    Alone,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    format: String,
    /// The version that it was where it comes from.
    version: u64,
    pack: SitePack,
}

impl PackFile {
    fn read(text: &str) -> anyhow::Result<Self> {
        let file: Self = serde_json::from_str(text).context("it is no file that `abstractor site-pack export` wrote")?;
        anyhow::ensure!(
            file.format == FORMAT,
            "it has the format {:?}; this program reads {FORMAT:?}",
            file.format.chars().take(60).collect::<String>()
        );
        Ok(file)
    }
}

/// A pack with the rows of another one put into it.
fn merged(into: SitePack, from: SitePack) -> SitePack {
    let changes = from.terms.into_iter().map(PackChange::AddTerm);
    let changes = changes.chain(from.suppressed.into_iter().map(PackChange::Suppress));
    let changes = changes.chain(from.preferences.into_iter().map(PackChange::Prefer));
    changes.chain(from.thresholds.into_iter().map(PackChange::SetThreshold)).fold(into, SitePack::with)
}

impl SitePacks {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.command {
            PackCommand::List => list(&self.data),
            PackCommand::Export { version, output } => export(&self.data, version, output),
            PackCommand::Import { load, file, replace } => {
                let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
                let from = PackFile::read(&text).with_context(|| format!("cannot use {}", file.display()))?;
                // before the database is opened: it takes a while, and may fail
                let vocabulary = Vocabulary::load(&load.tables()?)?;
                let given = checked_pack(&vocabulary, from.pack).with_context(|| format!("cannot use {}", file.display()))?;
                import(&self.data, (from.version, given), if replace { How::Alone } else { How::OnTop })
            }
        }
    }
}

fn list(data: &DataFolder) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let store = data.open_tool().await?.store();
        let live = store.live_pack().await?;
        for version in store.pack_versions(u32::MAX).await? {
            let shadow = match version.shadow {
                None => "no shadow run",
                Some(run) if run.passed => "shadow run passed",
                Some(_) => "shadow run not passed",
            };
            let is_live = if live == Some(version.version) { ", live" } else { "" };
            println!("{} {} by {} {}, {shadow}{is_live}", version.version, version.changed, version.by, version.at);
        }
        Ok(())
    })
}

fn export(data: &DataFolder, version: Option<u64>, output: Option<PathBuf>) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let store = data.open_tool().await?.store();
        let version = match version {
            Some(version) => version,
            None => match store.live_pack().await? {
                Some(live) => live,
                None => newest_pack(&*store).await?.0,
            },
        };
        let pack = store.site_pack(version).await?.with_context(|| match version {
            0 => "there is no site pack yet".to_owned(),
            _ => format!("there is no version {version} of the site pack; `abstractor site-pack list` lists them"),
        })?;
        let text = serde_json::to_string_pretty(&PackFile { format: FORMAT.to_owned(), version, pack })?;
        // nothing leaves that is not written down
        let detail = format!("version {version}");
        store.record_audit(operator(), "site_pack.exported", None, &detail, surroundings().now()).await?;
        match output {
            None => writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")?,
            Some(file) => {
                let mut made = std::fs::OpenOptions::new().write(true).create_new(true).open(&file);
                let written = made.as_mut().map_err(|error| std::io::Error::new(error.kind(), error.to_string()));
                written.and_then(|to| writeln!(to, "{text}")).with_context(|| format!("cannot write {}", file.display()))?;
            }
        }
        Ok(())
    })
}

fn import(data: &DataFolder, (theirs, given): (u64, SitePack), how: How) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let store = data.open_tool().await?.store();
        let (before, known) = newest_pack(&*store).await?;
        let pack = match how {
            How::OnTop => merged(known, given),
            How::Alone => given,
        };
        let note = format!("imported from a file with version {theirs} of a pack");
        let version = keep_pack(&*store, (operator(), surroundings().now()), (before, pack), &note).await?;
        println!(
            "version {version} of the site pack is kept; make it live on the page /site-pack when its shadow run has passed"
        );
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EntryKind, KindThreshold};

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let pack =
            SitePack { thresholds: vec![KindThreshold { kind: EntryKind::Diagnosis, shown_from: 30 }], ..SitePack::default() };
        let file = PackFile { format: FORMAT.to_owned(), version: 3, pack: pack.clone() };
        let text = serde_json::to_string(&file).expect("JSON");
        assert_eq!(PackFile::read(&text).expect("reads").pack, pack);
        let other = PackFile::read(&text.replace("pack 1", "pack 9")).expect_err("is refused").to_string();
        assert!(other.contains("this program reads"), "{other}");
        for text in ["[]", "{}", &text.replace("\"version\"", "\"wersion\"")] {
            assert!(PackFile::read(text).is_err(), "{text}");
        }
        let known =
            SitePack { thresholds: vec![KindThreshold { kind: EntryKind::Diagnosis, shown_from: 50 }], ..SitePack::default() };
        assert_eq!(merged(known, pack.clone()), pack);
    }
}
