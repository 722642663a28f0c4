//! `abstractor backup`, `restore` and `check`: a copy of the database in one file, that copy brought back, and whether what is kept is whole.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::{
    accounts::{database, runtime},
    data::{DataFolder, DatabaseServer, make_folder},
    surroundings,
};
use crate::store::{Checked, sqlite};

const OF_SERVER: &str = "a PostgreSQL database is backed up by PostgreSQL's own programs; the README says how";

/// Arguments of `abstractor backup`.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write; it must not exist
    file: PathBuf,
    /// Folder of the database
    #[arg(long, value_name = "DIR", default_value = "data", env = "ABSTRACTOR_DATA")]
    data: PathBuf,
    // named, it says that the file is not what is served any more
    #[command(flatten)]
    server: DatabaseServer,
}

impl Backup {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.server.database.is_none(), OF_SERVER);
        let from = database(&self.data);
        if from.is_file() && !self.file.exists() {
            // in the copy too; a disk that is full must not keep anybody from a copy elsewhere
            if let Err(error) = sqlite::record(&from, "database.backed_up", surroundings().now()) {
                eprintln!("the backup is not recorded in the audit trail: {error}");
            }
        }
        sqlite::backup(&from, &self.file)
            .with_context(|| format!("{} is not backed up to {}", from.display(), self.file.display()))?;
        println!(
            "{} is whole, on the disk, and as sealed as the database: keep the key file too, in another place",
            self.file.display()
        );
        Ok(())
    }
}

/// Arguments of `abstractor restore`.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// What `abstractor backup` wrote
    file: PathBuf,
    #[command(flatten)]
    to: DataFolder,
}

impl Restore {
    /// Whether what was brought back is whole.
    pub(super) fn run(&self) -> anyhow::Result<bool> {
        anyhow::ensure!(self.to.server.database.is_none(), OF_SERVER);
        // without the keys it would be brought back and be of no use
        let keys = self.to.keys()?;
        let data = &self.to.data;
        let missing = data.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made: Vec<&Path> = missing.collect();
        make_folder(data)?;
        let restored = sqlite::restore(&self.file, &database(data), keys);
        if restored.is_err() {
            // only what is empty goes
            let _ = made.iter().try_for_each(std::fs::remove_dir);
        }
        restored.with_context(|| format!("{} is not restored to {}", self.file.display(), data.display()))?;
        println!("restored to {}", data.display());
        sqlite::record(&database(data), "database.restored", surroundings().now()).context("the restore is not recorded")?;
        check(&self.to)
    }
}

/// Whether everything kept is whole and opens with the site keys; what is wrong is printed.
pub(super) fn check(data: &DataFolder) -> anyhow::Result<bool> {
    let Checked { items, notes, events, problems } =
        runtime()?.block_on(async { anyhow::Ok(data.open_tool().await?.store().check().await?) })?;
    println!("{items} encounters with {notes} notes open with the site keys; {events} events in the audit trail");
    for problem in &problems {
        eprintln!("wrong: {problem}");
    }
    if problems.is_empty() {
        println!("nothing is wrong");
    }
    Ok(problems.is_empty())
}
