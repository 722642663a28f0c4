//! `abstractor worker`: does the jobs and sends the deliveries of a database that servers take notes into; it answers health and metrics
//! alone.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::{
    data::DataFolder,
    load::Load,
    running::{Part, Protection, Running, Settings, checksum, run},
    serve::Log,
    site::Site,
    transport::{Transport, check_clients},
};
use crate::config::Configuration;

/// Arguments of `abstractor worker`.
#[derive(Debug, Args)]
pub(super) struct Work {
    #[command(flatten)]
    data: DataFolder,
    /// Address to answer health and metrics on
    #[arg(long, default_value = "127.0.0.1:8081", env = "ABSTRACTOR_LISTEN")]
    listen: SocketAddr,
    /// Configuration file (TOML), the one of the servers: TLS, bounds and traces hold here too
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    transport: Transport,
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    log: Log,
    #[command(flatten)]
    load: Load,
}

impl Work {
    pub(super) fn run(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.data.server.database.is_some(),
            "`abstractor worker` works on a PostgreSQL database: name it by --database; on a database file `abstractor serve` does the jobs"
        );
        let configuration = self.config.as_deref().map(Configuration::read).transpose()?.unwrap_or_default();
        let tls = self.transport.tls(self.listen, &configuration)?;
        let traces = self.log.start(&configuration)?;
        let stopped = run(async {
            let opened = self.data.open_serve().await?;
            check_clients(&*opened.store(), &configuration).await?;
            let protection = Protection {
                tls,
                of_listeners: Vec::new(),
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
                part: Part::Worker,
                oidc: None,
                configuration: checksum(self.config.as_deref())?,
                protection,
            };
            let mut running = Running::start(&opened, &self.load, settings, &self.site).await?;
            running.keep_keys(self.data.key_source()?);
            running.sweep(configuration.retention);
            tracing::info!(address = %running.address, version = env!("CARGO_PKG_VERSION"), "working");
            running.until_stopped().await
        });
        traces.finish();
        stopped
    }
}
