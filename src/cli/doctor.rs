//! `abstractor doctor`: looks at all that `serve` needs, and says what is wrong and what to do about it. It changes nothing.

mod certificates;
mod database;
mod machine;

use std::{
    fmt::Write as _,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use abstractor_encoder::Instructions;
use clap::Args;
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use serde::Serialize;

use self::{
    certificates::{certificate, certificates_of_messages},
    database::{file, jobs, senders, server},
    machine::{
        address, available_memory, is_after, is_writable, memory, mode, not_free, open_file_limit, open_files, other_owner,
        processor, space,
    },
};
use super::{
    accounts::{database as database_of, runtime},
    data::DataFolder,
    keys::KeySource,
    load::Load,
    site::Site,
    surroundings,
    transport::{Transport, server_tls},
};
use crate::{
    config::Configuration,
    oidc::RelyingParty,
    seal::SiteKeys,
    store::{Holdings, postgres},
    vocabulary::{Editions, Vocabulary},
};

/// Files that a service holds open beside the connections that it takes.
const FILES: u64 = 128;
/// A clock that differs from the database's by more is told.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(5);
/// One that differs by more lets leases end early or late.
const CLOCKS_DISAGREE: SignedDuration = SignedDuration::from_mins(1);
/// What to do where this program is not run by whom the service is run.
const AS_THE_SERVICE: &str = "run this as the user that the service runs as, and give that user the file or folder";

/// Arguments of `abstractor doctor`: those of `serve`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFolder,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080", env = "ABSTRACTOR_LISTEN")]
    listen: SocketAddr,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    transport: Transport,
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    load: Load,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// As it should be.
    Ok,
    /// The service runs, but something should be done.
    Warning,
    /// The service does not start, loses something, or gives away what it must keep.
    Error,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What one look gave.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    found: String,
    /// What to do; none where nothing is to be done.
    remedy: Option<String>,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.0.push(Finding { check, level: Level::Ok, found: found.into(), remedy: None });
    }

    fn warning(&mut self, check: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { check, level: Level::Warning, found: found.into(), remedy: Some(remedy.into()) });
    }

    fn error(&mut self, check: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { check, level: Level::Error, found: found.into(), remedy: Some(remedy.into()) });
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    /// A line for each finding, and their sum.
    fn text(&self) -> String {
        let mut out = String::new();
        for Finding { check, level, found, remedy } in &self.0 {
            let remedy = remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
            let _ = writeln!(out, "{:<8} {check:<14} {found}{remedy}", level.word());
        }
        let _ = writeln!(out, "errors: {}, warnings: {}", self.count(Level::Error), self.count(Level::Warning));
        out
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "errors": self.count(Level::Error),
            "warnings": self.count(Level::Warning),
            "findings": self.0,
        })
    }
}

impl Doctor {
    /// Whether no error was found.
    pub(super) fn run(&self) -> anyhow::Result<bool> {
        let findings = &mut Findings::default();
        let now = surroundings().now();
        // before anything is loaded
        let has_room = memory(findings, available_memory());
        processor(findings, Instructions::detect());
        let configuration = self.configuration(findings);
        let keys = self.site_key(findings);
        let holds = self.database(findings, keys, now)?;
        if let Some(holds) = &holds {
            jobs(findings, holds, now);
        }
        self.cache(findings);
        if has_room {
            self.model(findings);
            self.vocabulary(findings, now.to_zoned(self.site.time_zone.clone()).date());
        } else {
            let remedy = "try again with more memory, or where no service runs";
            findings.warning(
                "model",
                "not looked at, nor the vocabulary: there is too little memory to load them".to_owned(),
                remedy,
            );
        }
        self.clock(findings, now);
        let messages: usize = configuration.mllp.iter().map(|listener| listener.max_connections).sum();
        open_files(findings, FILES + (configuration.limits.connections + messages) as u64, open_file_limit());
        if self.transport.is_open(self.listen, &configuration) {
            let found =
                format!("{} is open to other machines, and without TLS notes and tokens would go in clear", self.listen);
            let remedy = "give [tls] of the configuration a certificate, listen on 127.0.0.1, or say by --behind-proxy that a reverse proxy ends TLS";
            findings.error("TLS", found, remedy);
        }
        certificate(findings, server_tls(&configuration), now);
        certificates_of_messages(findings, &configuration, now);
        let is_served = address(findings, self.listen, &configuration);
        if let Some(holds) = &holds {
            senders(findings, &configuration.mllp, holds);
        }
        for listener in &configuration.mllp {
            match TcpListener::bind(listener.listen) {
                Ok(_) => findings.ok("HL7 messages", format!("{} is free", listener.listen)),
                Err(_) if is_served => findings.ok("HL7 messages", format!("{} is in use: a service runs", listener.listen)),
                Err(error) => not_free(findings, "HL7 messages", (listener.listen, &error)),
            }
        }
        let mut out = std::io::stdout();
        // a closed pipe (`| head`) is no error
        let _ = if self.json { writeln!(out, "{:#}", findings.json()) } else { out.write_all(findings.text().as_bytes()) };
        Ok(findings.count(Level::Error) == 0)
    }

    /// The configuration; the default where there is none or it cannot be used.
    fn configuration(&self, findings: &mut Findings) -> Configuration {
        const CHECK: &str = "configuration";
        const NEW_KEY: &str = "have a certificate with a new key made";
        let configuration = match self.config.as_deref().map(Configuration::read).transpose() {
            Ok(read) => read.unwrap_or_default(),
            Err(error) => {
                let told = error.to_string();
                // the reader of TOML draws the place over several lines
                let told = told.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
                findings.error(CHECK, told, "correct the file; `abstractor config` prints every setting");
                return Configuration::default();
            }
        };
        let before = findings.0.len();
        if let Err(error) = self.site.use_texts(configuration.texts.as_deref()) {
            findings.error(CHECK, format!("{error:#}"), "correct the texts; `abstractor texts` prints those there are");
        }
        if let Some(files) = &configuration.tls.files {
            secret(findings, CHECK, (&files.key, NEW_KEY));
        }
        for files in configuration.mllp.iter().filter_map(|listener| listener.tls.as_ref()) {
            for file in [Some(&files.certificate), Some(&files.key), files.client_authority.as_ref()].into_iter().flatten() {
                if let Err(error) = std::fs::File::open(file) {
                    findings.error(CHECK, format!("{} cannot be read: {}", file.display(), error.kind()), AS_THE_SERVICE);
                }
            }
            secret(findings, CHECK, (&files.key, NEW_KEY));
        }
        if let Some(oidc) = &configuration.oidc {
            if let Err(error) = RelyingParty::new(oidc.clone()) {
                findings.error(CHECK, error.to_string(), AS_THE_SERVICE);
            }
            if let Some(file) = &oidc.client_secret {
                secret(findings, CHECK, (file, "have another secret made at the provider"));
            }
        }
        if findings.0.len() == before {
            let found = self.config.as_ref().map(|file| format!("{} can be used", file.display()));
            findings.ok(CHECK, found.unwrap_or_else(|| "no file is named: the defaults hold".to_owned()));
        }
        configuration
    }

    fn site_key(&self, findings: &mut Findings) -> Option<SiteKeys> {
        const CHECK: &str = "site key";
        if let Ok(Some(source @ (KeySource::Environment | KeySource::Command(_)))) = self.data.key_source_of_site() {
            return match source.read() {
                Ok(keys) => {
                    findings.ok(CHECK, format!("{} can be used; keys in it: {}", source.told(), keys.count()));
                    Some(keys)
                }
                Err(error) => {
                    findings.error(
                        CHECK,
                        format!("{error:#}"),
                        "see that the service gets the keys there, in the format of a key file",
                    );
                    None
                }
            };
        }
        let Some(file) = &self.data.key_file else {
            let remedy = "make one with `abstractor key generate FILE`, keep a copy elsewhere, and name it by --key-file or ABSTRACTOR_KEY_FILE";
            findings.error(CHECK, "no key file is named, and notes are never stored unsealed", remedy);
            return None;
        };
        let before = findings.0.len();
        let rotation = "rotate it: run `abstractor key rotate`, then `abstractor key retire`";
        secret(findings, CHECK, (file, rotation));
        let inside = |folder: &Path| folder.canonicalize().ok().zip(file.canonicalize().ok());
        if inside(&self.data.data).is_some_and(|(folder, file)| file.starts_with(folder)) {
            let found = format!("{} lies in the data folder, so that one copy of the folder holds both", file.display());
            findings.warning(CHECK, found, "keep the key in another folder, and out of the backups of the data");
        }
        match self.data.keys() {
            Ok(keys) => {
                if findings.0.len() == before {
                    findings.ok(CHECK, format!("{} can be used; keys in it: {}", file.display(), keys.count()));
                }
                Some(keys)
            }
            Err(error) => {
                let remedy = "name the right file, which must be readable for the service, or bring back its copy";
                findings.error(CHECK, format!("{error:#}"), remedy);
                None
            }
        }
    }

    /// What the database holds; none where that cannot be told.
    fn database(&self, findings: &mut Findings, keys: Option<SiteKeys>, now: Timestamp) -> anyhow::Result<Option<Holdings>> {
        Ok(match self.data.server.settings() {
            Err(error) => {
                findings.error("database", format!("{error:#}"), "correct --database or the password file");
                None
            }
            Ok(Some(settings)) => {
                if let Some(file) = &self.data.server.database_password_file {
                    secret(findings, "database", (file, "give the user of the database another password"));
                }
                match runtime()?.block_on(postgres::inspect(&settings, keys, &surroundings())) {
                    Ok(found) => {
                        server(findings, &settings, &found);
                        found.holds
                    }
                    Err(error) => {
                        findings.error(
                            "database",
                            format!("PostgreSQL: {error}"),
                            "see that it runs, that host, port, name and user of --database are right, and the password and its certificate too",
                        );
                        None
                    }
                }
            }
            Ok(None) => {
                let path = database_of(&self.data.data);
                self.data_folder(findings);
                let holds = file(findings, &path, keys.as_ref());
                let size = |path: &Path| path.metadata().map_or(0, |file| file.len());
                space(findings, &self.data.data, size(&path) + size(&path.with_extension("db-wal")));
                if path.metadata().and_then(|file| file.modified()).is_ok_and(|at| is_after(at, now)) {
                    let found = "the database was written at a time that is still to come";
                    findings.error("clock", found, "set the clock of this machine right before the service starts");
                }
                holds
            }
        })
    }

    fn data_folder(&self, findings: &mut Findings) {
        const CHECK: &str = "data folder";
        let (folder, name) = (&self.data.data, self.data.data.display());
        if !folder.exists() {
            let remedy = format!("see that --data is right, and make it for the service alone: `install -d -m 700 {name}`");
            return findings.warning(CHECK, format!("{name} is not there"), remedy);
        }
        if !folder.is_dir() {
            return findings.error(CHECK, format!("{name} is no folder"), "name a folder by --data");
        }
        if !is_writable(folder) {
            return findings.error(CHECK, format!("{name} cannot be written to"), AS_THE_SERVICE);
        }
        let before = findings.0.len();
        for path in [folder.clone(), database_of(folder)] {
            if mode(&path).is_some_and(|mode| mode & 0o077 != 0) {
                let name = path.display();
                findings.warning(CHECK, format!("{name} is open to others"), format!("`chmod go= {name}`"));
            }
            if let Some(owner) = other_owner(&path) {
                findings.warning(
                    CHECK,
                    format!("{} belongs to the user {owner}, not to this one", path.display()),
                    AS_THE_SERVICE,
                );
            }
        }
        if findings.0.len() == before {
            findings.ok(CHECK, format!("{name} can be written to, by its owner alone"));
        }
    }

    fn cache(&self, findings: &mut Findings) {
        if !self.load.makes_vectors() {
            return;
        }
        match self.load.cache_folder() {
            None => findings.warning(
                "cache",
                "there is no folder for what is made once, so every start makes the vectors of terms anew",
                "name one by --cache or ABSTRACTOR_CACHE",
            ),
            Some(folder) if folder.is_dir() && !is_writable(&folder) => {
                findings.warning("cache", format!("{} cannot be written to", folder.display()), AS_THE_SERVICE);
            }
            Some(folder) => space(findings, &folder, 0),
        }
    }

    fn model(&self, findings: &mut Findings) {
        if !self.load.uses_model() {
            return findings.ok("model", "takes no part: --recognizers says so");
        }
        match self.load.load_model() {
            Ok(model) => findings.ok("model", format!("{} loads, and its checksums are right", model.name)),
            Err(error) => findings.error(
                "model",
                format!("{error:#}"),
                "`abstractor model check DIR` says more; without --model the program's own is used",
            ),
        }
    }

    fn vocabulary(&self, findings: &mut Findings, today: Date) {
        const CHECK: &str = "vocabulary";
        let loaded = self.load.tables().and_then(|tables| Ok(Vocabulary::load(&tables)?));
        match loaded {
            Ok(vocabulary) => editions(findings, &vocabulary.editions, today),
            Err(error) => {
                let remedy = "correct the table, or build the folder anew with `abstractor vocabulary build DIR`";
                findings.error(CHECK, format!("{error:#}"), remedy);
            }
        }
    }

    fn clock(&self, findings: &mut Findings, now: Timestamp) {
        let here = now.to_zoned(self.site.time_zone.clone());
        if !(2026..2100).contains(&here.year()) {
            let remedy = "set the clock of this machine, and let it be kept right by NTP";
            return findings.error("clock", format!("this machine says that it is {}", here.date()), remedy);
        }
        let name = self.site.time_zone.iana_name().unwrap_or("a zone without a name");
        findings.ok("clock", format!("times on the pages are of {name}, where it is {}", here.strftime("%Y-%m-%d %H:%M")));
    }
}

/// A file with a secret: nobody but its owner should read it. Told with what to do where others may have read it.
fn secret(findings: &mut Findings, check: &'static str, (path, instead): (&Path, &str)) {
    let (Some(mode), name) = (mode(path), path.display()) else { return };
    if mode & 0o027 != 0 && lets_nobody_in(path) {
        let found =
            format!("{name} can be read or changed by everybody (mode {mode:03o}), but lies where nobody else comes in");
        findings.warning(check, found, format!("`chmod 600 {name}`, unless the service is another user in a container"));
    } else if mode & 0o027 != 0 {
        let found = format!("{name} can be read by everybody, or changed by others than its owner (mode {mode:03o})");
        findings.error(check, found, format!("`chmod 600 {name}`; where others may have read it, {instead}"));
    } else if mode & 0o040 != 0 {
        let found = format!("{name} can be read by its group (mode {mode:03o})");
        findings.warning(check, found, format!("`chmod 600 {name}`, unless the group is the service's own"));
    }
}

/// Whether its folder lets only its owner in, or it lies where secrets are mounted into a container.
fn lets_nobody_in(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    path.starts_with("/run/secrets") || path.parent().and_then(mode).is_some_and(|mode| mode & 0o011 == 0)
}

fn editions(findings: &mut Findings, editions: &Editions, today: Date) {
    const CHECK: &str = "vocabulary";
    const REMEDY: &str =
        "import the edition that follows (`abstractor vocabulary import`, see the README), or update the program";
    let (edition, covers) = editions.on(Some(today));
    let (name, last) = (&edition.name, edition.last_day);
    if !covers {
        findings.warning(CHECK, format!("no edition covers {today}: the newest, {name}, ends on {last}"), REMEDY);
    } else if editions.newest().last_day < today.saturating_add(30.days()) {
        findings.warning(CHECK, format!("{name} ends on {last}, and none follows it"), REMEDY);
    } else {
        findings.ok(CHECK, format!("loads; {name} covers {today}, until {last}"));
    }
}
