//! `abstractor copy`: from a database file to a database of a PostgreSQL server.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{
    accounts::{database, runtime},
    data::{DatabaseServer, Url},
};
use crate::store;

/// Arguments of `abstractor copy`.
#[derive(Debug, Args)]
pub(super) struct Copy {
    /// The database file, or the folder that it lies in; nobody may serve it meanwhile
    #[arg(long, value_name = "sqlite:PATH", value_parser = sqlite_path)]
    from: PathBuf,
    /// The PostgreSQL database: empty, or what an earlier copy of the same file left there
    #[arg(long, value_name = "URL")]
    to: Url,
    /// File with the password of the PostgreSQL user; without it PGPASSWORD holds
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_DATABASE_PASSWORD_FILE")]
    database_password_file: Option<PathBuf>,
}

fn sqlite_path(address: &str) -> Result<PathBuf, String> {
    address.strip_prefix("sqlite:").map(PathBuf::from).ok_or_else(|| "must begin with sqlite:".to_owned())
}

impl Copy {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let server = DatabaseServer { database_password_file: self.database_password_file, ..DatabaseServer::default() };
        let to = server.settings_of(&self.to)?;
        let from = if self.from.is_dir() { database(&self.from) } else { self.from };
        let copied = runtime()?
            .block_on(store::copy(&from, &to))
            .with_context(|| format!("{} is not copied; what is copied stays, and the same command goes on", from.display()))?;
        println!("{:<18} {:>10} CHECKSUM", "TABLE", "ROWS");
        for table in copied {
            println!("{:<18} {:>10} {}", table.table, table.rows, table.checksum);
        }
        println!("both sides are the same; `abstractor serve --database URL` serves the copy with the same key file");
        Ok(())
    }
}
