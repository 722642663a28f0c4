//! The data folder: database and site keys.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;

use super::accounts::database;
use crate::{
    seal::SiteKeys,
    store::sqlite::{OpenMode, SqliteStore},
};

const NO_KEY: &str = "no site key is configured, and notes are never stored unsealed: make one with `abstractor key generate FILE`, \
                      keep a copy of it in a safe place, and pass --key-file FILE (or set ABSTRACTOR_KEY_FILE)";

/// Where data and keys lie.
#[derive(Debug, Clone, Args)]
pub(super) struct DataFolder {
    /// Folder of the database
    #[arg(long, value_name = "DIR", default_value = "data", env = "ABSTRACTOR_DATA")]
    pub data: PathBuf,
    /// File with the site keys, one base64 key a line, the newest first; made by `abstractor key generate`
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

impl DataFolder {
    /// Opens the database for serving: nobody else may serve it.
    pub(super) fn open_serve(&self) -> anyhow::Result<SqliteStore> {
        anyhow::ensure!(self.key_file.is_some(), NO_KEY);
        self.open(OpenMode::Serve)
    }

    /// Opens the demo's database for serving, with the key file that the demo made.
    pub(super) fn open_demo(&self) -> anyhow::Result<SqliteStore> {
        self.open(OpenMode::Serve)
    }

    /// Opens the database beside a running server.
    pub(super) fn open_tool(&self) -> anyhow::Result<SqliteStore> {
        self.open(OpenMode::Tool)
    }

    /// Wraps every data key anew.
    pub(super) fn rewrap(&self) -> anyhow::Result<()> {
        let store = self.open_tool()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
        let wrapped = runtime.block_on(store.rewrap_data_keys())?;
        println!("{wrapped} data keys wrapped with the first key of the key file");
        Ok(())
    }

    fn open(&self, mode: OpenMode) -> anyhow::Result<SqliteStore> {
        let keys = self.keys()?;
        std::fs::create_dir_all(&self.data).with_context(|| format!("cannot make the folder {}", self.data.display()))?;
        let path = database(&self.data);
        SqliteStore::open(&path, keys, mode).with_context(|| format!("cannot open the database {}", path.display()))
    }

    fn keys(&self) -> anyhow::Result<SiteKeys> {
        let demo = demo_key_file(&self.data);
        let file = match &self.key_file {
            Some(file) => file,
            None if demo.is_file() => &demo,
            None => anyhow::bail!(NO_KEY),
        };
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the key file {}", file.display()))?;
        SiteKeys::parse(&text).with_context(|| format!("the key file {} is not usable", file.display()))
    }
}

/// The key file that only the demo makes for itself.
pub(super) fn demo_key_file(folder: &Path) -> PathBuf {
    folder.join("demo.key")
}

/// Writes a new site key to a file that must not exist, readable by its owner only.
pub(super) fn write_key(file: &Path) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options
        .open(file)
        .with_context(|| format!("cannot make the key file {}; an existing one is never overwritten", file.display()))?;
    out.write_all(SiteKeys::generate().to_key_file().as_bytes())?;
    out.sync_all()?;
    Ok(())
}
