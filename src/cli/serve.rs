//! `abstractor serve`: the service on the command's data folder or database, until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    data::DataFolder,
    first_admin,
    load::Load,
    running::{Part, Protection, Running, Settings, checksum, run},
    site::Site,
    transport::{Transport, check_clients},
};
use crate::{
    auth::{Permission, permits},
    config::Configuration,
    domain::User,
    mllp,
    oidc::RelyingParty,
    store::Store,
    telemetry::{self, LogFormat},
};

/// Arguments of `abstractor serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub data: DataFolder,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080", env = "ABSTRACTOR_LISTEN")]
    pub listen: SocketAddr,
    /// Configuration file (TOML): where messages of other systems come in, bounds, traces, and texts of the pages
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Leave the queue of jobs and deliveries to `abstractor worker` processes on the same database
    #[arg(long, env = "ABSTRACTOR_WITHOUT_WORKER")]
    without_worker: bool,
    /// Take notes and serve coders, but extract nothing and send nothing: jobs and deliveries wait for a start without this. To load many notes
    /// first, or to measure
    #[arg(long, env = "ABSTRACTOR_PAUSED")]
    paused: bool,
    #[command(flatten)]
    transport: Transport,
    #[command(flatten)]
    pub site: Site,
    #[command(flatten)]
    log: Log,
    #[command(flatten)]
    pub load: Load,
}

/// What is written of what a process does.
#[derive(Debug, Clone, Args)]
pub(super) struct Log {
    /// Which log lines to write, for example info or abstractor=debug
    #[arg(long, default_value = "info", env = "ABSTRACTOR_LOG")]
    log: String,
    /// Write log lines as JSON
    #[arg(long)]
    log_json: bool,
}

impl Log {
    /// Starts logs, and traces where the configuration names who takes them. Within the runtime, which sends the traces.
    pub(super) fn start(&self, configuration: &Configuration) -> anyhow::Result<telemetry::Traces> {
        let format = if self.log_json { LogFormat::Json } else { LogFormat::Text };
        telemetry::start(&self.log, format, configuration.traces.as_ref())
    }
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let configuration = self.config.as_deref().map(Configuration::read).transpose()?.unwrap_or_default();
        let tls = self.transport.tls(self.listen, &configuration)?;
        let traces = self.log.start(&configuration)?;
        self.transport.warn_of_one_address(&configuration);
        self.site.use_texts(configuration.texts.as_deref())?;
        let stopped = run(async {
            let opened = self.data.open_serve().await?;
            if self.without_worker && opened.job_listener().is_none() {
                anyhow::bail!("--without-worker needs --database: nothing else may work on a database file that is served");
            }
            if self.paused {
                tracing::warn!("paused: notes are taken, but extracted only after a start without --paused");
            }
            // what is wrong with the configuration is told before anything is loaded
            check_clients(&*opened.store(), &configuration).await?;
            let listeners = listeners(&*opened.store(), configuration.mllp).await?;
            let oidc = configuration.oidc.map(RelyingParty::new).transpose()?.map(Arc::new);
            let protection = Protection {
                tls,
                of_listeners: listeners.iter().filter_map(mllp::Listener::tls).collect(),
                requires_certificate: configuration.tls.requires_certificate,
                clients: configuration.tls.clients,
                reach: configuration.reach,
            };
            let settings = Settings {
                listen: self.listen,
                public_url: configuration.public_url,
                limits: configuration.limits,
                sign_in: configuration.sign_in,
                oversight: configuration.oversight,
                linger: configuration.linger,
                part: if self.without_worker || self.paused { Part::Server } else { Part::Both },
                oidc,
                configuration: checksum(self.config.as_deref())?,
                protection,
            };
            let mut running = Running::start(&opened, &self.load, settings, &self.site).await?;
            running.keep_keys(self.data.key_source()?);
            running.sweep(configuration.retention);
            for listener in listeners {
                tracing::info!(address = %listener.address()?, "listening for HL7 messages");
                running.listen(listener);
            }
            tracing::info!(address = %running.address, version = env!("CARGO_PKG_VERSION"), "serving");
            first_admin::offer(&*running.service.store, &running.service.public_url).await?;
            running.until_stopped().await
        });
        traces.finish();
        stopped
    }
}

/// Binds the listeners for messages, whose users must be able to post notes.
async fn listeners(store: &dyn Store, settings: Vec<mllp::Settings>) -> anyhow::Result<Vec<mllp::Listener>> {
    let mut listeners = Vec::new();
    for settings in settings {
        let name = &settings.user;
        if let Some((found, remedy)) = unfit_sender(name, store.user_named(name).await?.as_ref()) {
            anyhow::bail!("{found}; {remedy}");
        }
        listeners.push(mllp::Listener::bind(settings).await?);
    }
    Ok(listeners)
}

/// Why a user cannot send the messages of a listener, and what mends that; none where they can.
pub(super) fn unfit_sender(name: &str, user: Option<&User>) -> Option<(String, String)> {
    let of = format!("the configuration names the user {name:?} for messages");
    let Some(user) = user else {
        let remedy = format!("`abstractor user add {name} --role submitter --source SOURCE` makes one");
        return Some((format!("{of}, who is not there"), remedy));
    };
    let lacks = match (permits(user.role, Permission::PostNote), &user.source) {
        (true, Some(_)) => return None,
        (true, None) => "has no source",
        (false, _) => "is no submitter",
    };
    let remedy = "`abstractor user add NAME --role submitter --source SOURCE` makes one that can be named in place of it";
    Some((format!("{of}, who {lacks}"), remedy.to_owned()))
}
