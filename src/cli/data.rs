//! The data folder: database and site keys.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;

use super::{
    accounts::{database, runtime},
    keys::{self, KeySource},
};
use crate::{
    seal::SiteKeys,
    store::{
        Store,
        postgres::{self, JobListener, PostgresSettings, PostgresStore},
        sqlite::{self, OpenMode, SqliteStore},
    },
};

const CANNOT_OPEN: &str = "cannot open the PostgreSQL database";
const NO_KEY: &str = "no site key is configured, and notes are never stored unsealed: make one with `abstractor key generate FILE`, \
                      keep a copy of it in a safe place, and pass --key-file FILE (or set ABSTRACTOR_KEY_FILE); \
                      ABSTRACTOR_KEY and --key-command give keys without a file";

/// Where data and keys lie.
#[derive(Debug, Clone, Args)]
pub(super) struct DataFolder {
    /// Folder of the database
    #[arg(long, value_name = "DIR", default_value = "data", env = "ABSTRACTOR_DATA")]
    pub data: PathBuf,
    /// File with the site keys, one base64 key a line, the newest first; made by `abstractor key generate`
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Command that prints the site keys as a key file has them, as of a vault; run without a shell
    #[arg(long, value_name = "COMMAND", env = "ABSTRACTOR_KEY_COMMAND", hide_env_values = true)]
    pub key_command: Option<String>,
    /// Whether it is the demo's: with a key of its own, whatever the environment says.
    #[arg(skip)]
    is_demo: bool,
    #[command(flatten)]
    pub server: DatabaseServer,
}

/// A database of a PostgreSQL server, in place of the one in the data folder.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DatabaseServer {
    /// PostgreSQL database, in place of the one in the data folder: postgres://user@host/name?sslmode=verify-full
    #[arg(long, value_name = "URL", env = "ABSTRACTOR_DATABASE", hide_env_values = true)]
    pub database: Option<Url>,
    /// File with the password of the PostgreSQL user; without it PGPASSWORD holds
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_DATABASE_PASSWORD_FILE")]
    pub database_password_file: Option<PathBuf>,
    /// Connections to PostgreSQL that this process holds at most
    #[arg(long, value_name = "NUMBER", default_value_t = 16, env = "ABSTRACTOR_DATABASE_CONNECTIONS")]
    pub database_connections: u16,
}

/// An address with, perhaps, a password in it: it is never printed.
#[derive(Clone)]
pub(super) struct Url(String);

impl std::str::FromStr for Url {
    type Err = std::convert::Infallible;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self(url.to_owned()))
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(..)")
    }
}

impl DatabaseServer {
    /// How the PostgreSQL database is reached, where one is named.
    pub(super) fn settings(&self) -> anyhow::Result<Option<PostgresSettings>> {
        self.database.as_ref().map(|url| self.settings_of(url)).transpose()
    }

    /// How a PostgreSQL database is reached.
    pub(super) fn settings_of(&self, url: &Url) -> anyhow::Result<PostgresSettings> {
        let password = match &self.database_password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read the password file {}", file.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => super::password_of_environment(),
        };
        let mut settings = PostgresSettings::parse(&url.0, password.as_deref())?;
        settings.connections = self.database_connections.into();
        Ok(settings)
    }
}

/// An open store.
pub(super) enum Opened {
    /// In a file.
    Sqlite(Arc<SqliteStore>),
    /// Of a server.
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    /// The store behind the traits.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Hears of jobs that other servers add, where there can be others.
    pub(super) fn job_listener(&self) -> Option<JobListener> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.job_listener()),
        }
    }
}

impl DataFolder {
    /// The folder alone, with the key file that the demo makes in it.
    pub(super) fn of_demo(data: PathBuf) -> Self {
        Self { data, key_file: None, key_command: None, is_demo: true, server: DatabaseServer::default() }
    }

    /// Opens the database for serving; nobody else may serve one that is a file.
    pub(super) async fn open_serve(&self) -> anyhow::Result<Opened> {
        self.key_source_of_site()?.context(NO_KEY)?;
        self.open(OpenMode::Serve).await
    }

    /// Opens the demo's database for serving, with the key file that the demo made.
    pub(super) async fn open_demo(&self) -> anyhow::Result<Opened> {
        self.open(OpenMode::Serve).await
    }

    /// Opens the database beside a running server. Where there is none, a name was mistaken: none is made.
    pub(super) async fn open_tool(&self) -> anyhow::Result<Opened> {
        match self.server.settings()? {
            Some(settings) => {
                let has_schema = postgres::has_schema(&settings).await.context(CANNOT_OPEN)?;
                anyhow::ensure!(has_schema, "there is no schema in the PostgreSQL database; `abstractor migrate` makes it");
            }
            None => {
                let (has_database, folder) = (database(&self.data).is_file(), self.data.display());
                let make = "`abstractor migrate`, `user add` and `serve` make one";
                anyhow::ensure!(has_database, "there is no database in {folder}; {make}");
            }
        }
        self.open(OpenMode::Tool).await
    }

    /// The same, but makes a database where there is none.
    pub(super) async fn open_or_make(&self) -> anyhow::Result<Opened> {
        self.open(OpenMode::Tool).await
    }

    /// Wraps every data key anew.
    pub(super) fn rewrap(&self) -> anyhow::Result<()> {
        let wrapped = runtime()?.block_on(async {
            anyhow::Ok(match self.open_tool().await? {
                Opened::Sqlite(store) => store.rewrap_data_keys().await?,
                Opened::Postgres(store) => store.rewrap_data_keys().await?,
            })
        })?;
        println!("{wrapped} data keys wrapped with the first key of the key file");
        Ok(())
    }

    /// Applies the steps of the schema that are missing, and says which.
    pub(super) fn migrate(&self) -> anyhow::Result<()> {
        let steps = match self.server.settings()? {
            Some(settings) => {
                runtime()?.block_on(postgres::migrate(&settings)).context("cannot migrate the PostgreSQL database")?
            }
            None => {
                make_folder(&self.data)?;
                let path = database(&self.data);
                sqlite::migrate(&path).with_context(|| format!("cannot migrate the database {}", path.display()))?
            }
        };
        for step in &steps {
            println!("applied {step}");
        }
        if steps.is_empty() {
            println!("nothing to do: the schema is the one of this program");
        }
        Ok(())
    }

    async fn open(&self, mode: OpenMode) -> anyhow::Result<Opened> {
        let keys = self.key_source()?.ring()?;
        if let Some(settings) = self.server.settings()? {
            let store = PostgresStore::open(settings, keys).await.context(CANNOT_OPEN)?;
            return Ok(Opened::Postgres(Arc::new(store)));
        }
        make_folder(&self.data)?;
        let path = database(&self.data);
        let store =
            SqliteStore::open(&path, keys, mode).with_context(|| format!("cannot open the database {}", path.display()))?;
        Ok(Opened::Sqlite(Arc::new(store)))
    }

    /// The site keys.
    pub(super) fn keys(&self) -> anyhow::Result<SiteKeys> {
        self.key_source()?.read()
    }

    /// Where the site keys come from.
    pub(super) fn key_source(&self) -> anyhow::Result<KeySource> {
        let demo = demo_key_file(&self.data);
        match self.key_source_of_site()? {
            Some(source) => Ok(source),
            None if demo.is_file() => Ok(KeySource::File(demo)),
            None => anyhow::bail!(NO_KEY),
        }
    }

    /// The one way that is named in which the site keys come; none where none is.
    pub(super) fn key_source_of_site(&self) -> anyhow::Result<Option<KeySource>> {
        if self.is_demo {
            return Ok(None);
        }
        let ways = [
            self.key_file.clone().map(KeySource::File),
            keys::of_environment().map(|_| KeySource::Environment),
            self.key_command.clone().map(KeySource::Command),
        ];
        let mut named = ways.into_iter().flatten();
        let source = named.next();
        anyhow::ensure!(
            named.next().is_none(),
            "the site keys are named in several ways; keep one of --key-file (ABSTRACTOR_KEY_FILE), ABSTRACTOR_KEY and --key-command \
             (ABSTRACTOR_KEY_COMMAND)"
        );
        Ok(source)
    }
}

/// Makes a folder for data, and those above it that are missing, for this user alone. One that is there stays as it is.
pub(super) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// The key file that only the demo makes for itself.
pub(super) fn demo_key_file(folder: &Path) -> PathBuf {
    folder.join("demo.key")
}

/// Writes a new site key, and says what has to be done with it.
pub(super) fn generate_key(file: &Path) -> anyhow::Result<()> {
    write_key(file)?;
    eprintln!("keep a copy of {} in another place: without it the database cannot be read", file.display());
    Ok(())
}

/// Writes a new site key to a file that must not exist, readable by its owner only.
pub(super) fn write_key(file: &Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let name = folder.display();
        anyhow::ensure!(folder.is_dir(), "there is no folder {name}: make it first, with `install -d -m 700 {name}`");
    }
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
