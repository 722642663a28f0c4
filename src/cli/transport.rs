//! How what is listened to is protected on its way: TLS by the program, a proxy that ends it, or this machine alone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clap::Args;

use super::surroundings;
use crate::{
    config::Configuration,
    network::{Demand, ServerTls, TlsError},
    store::Store,
};

/// How often the files of certificates are looked at. What changed is taken at the look after the one that saw it.
const LOOK: Duration = Duration::from_secs(10);
const SECONDS_OF_A_DAY: f64 = 86_400.0;
/// What is spoken within TLS.
const HTTP: &[u8] = b"http/1.1";

/// The option of every command that listens.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Transport {
    /// Listen to other machines without TLS: a reverse proxy ends it, and nobody else reaches this address
    #[arg(long, env = "ABSTRACTOR_BEHIND_PROXY")]
    behind_proxy: bool,
}

impl Transport {
    /// Whether plain HTTP would be served to other machines, and nobody said that a proxy is in front.
    pub(super) fn is_open(self, listen: SocketAddr, configuration: &Configuration) -> bool {
        let is_private = listen.ip().to_canonical().is_loopback();
        let is_protected = configuration.tls.files.is_some() || configuration.tls.behind_proxy || self.behind_proxy;
        !is_private && !is_protected
    }

    /// Says so where everybody comes from one address: those who fail to sign in keep the others out then.
    pub(super) fn warn_of_one_address(self, configuration: &Configuration) {
        let sign_in = &configuration.sign_in;
        let is_behind_proxy = configuration.tls.behind_proxy || self.behind_proxy;
        if is_behind_proxy && sign_in.trusted_proxies.is_empty() && sign_in.failures_per_address > 0 {
            tracing::warn!(
                failures_per_address = sign_in.failures_per_address,
                "a proxy is in front, and [tls] of the configuration names no trusted_proxies: failed sign-ins of everybody count together"
            );
        }
    }

    /// TLS of HTTP, where the configuration has some; refused where other machines would be spoken with in clear.
    pub(super) fn tls(self, listen: SocketAddr, configuration: &Configuration) -> anyhow::Result<Option<Arc<ServerTls>>> {
        anyhow::ensure!(
            !self.is_open(listen, configuration),
            "{listen} is open to other machines, and without TLS notes and tokens would go in clear: give [tls] of the configuration a certificate, \
             listen on 127.0.0.1, or, where a reverse proxy ends TLS, say so by --behind-proxy"
        );
        Ok(server_tls(configuration)?.map(Arc::new))
    }
}

/// TLS of HTTP as the configuration has it. Who has to show a certificate is told over HTTP, so that the health is answered to everybody.
pub(super) fn server_tls(configuration: &Configuration) -> Result<Option<ServerTls>, TlsError> {
    configuration.tls.files.clone().map(|files| ServerTls::new(files, Demand::Optional, Some(HTTP))).transpose()
}

/// Whoever has to show a certificate must be known: a name that is misspelt would protect nobody.
pub(super) async fn check_clients(store: &dyn Store, configuration: &Configuration) -> anyhow::Result<()> {
    for name in configuration.tls.clients.users() {
        anyhow::ensure!(
            store.user_named(name).await?.is_some(),
            "the configuration names the user {name:?} in clients of [tls], who is not there; `abstractor user list` prints who is"
        );
    }
    Ok(())
}

/// Looks at the files of certificates again and again, and tells in metrics until when they hold.
pub(super) async fn watch(certificates: Vec<Arc<ServerTls>>) {
    loop {
        let looked = certificates.clone();
        let ended = tokio::task::spawn_blocking(move || looked.iter().for_each(|tls| tls.look_again())).await;
        if ended.is_err() {
            tracing::error!("the files of certificates could not be looked at");
        }
        let now = surroundings().now();
        let seconds = certificates.iter().filter_map(|tls| tls.ends()).map(|end| end.duration_since(now).as_secs_f64());
        if let Some(first) = seconds.reduce(f64::min) {
            metrics::gauge!("abstractor_certificate_days").set(first / SECONDS_OF_A_DAY);
        }
        let refused = u32::try_from(certificates.iter().filter(|tls| tls.is_refused()).count()).unwrap_or(u32::MAX);
        metrics::gauge!("abstractor_certificates_refused").set(f64::from(refused));
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_listened_to_over_tls_or_behind_a_proxy() {
        let plain = Configuration::default();
        let mut proxied = Configuration::default();
        proxied.tls.behind_proxy = true;
        let is_open = |behind_proxy, listen: &str, configuration| {
            Transport { behind_proxy }.is_open(listen.parse().expect("an address"), configuration)
        };
        for listen in ["127.0.0.1:8080", "127.9.9.9:1", "[::1]:8080", "[::ffff:127.0.0.1]:8080"] {
            assert!(!is_open(false, listen, &plain), "{listen}");
        }
        for listen in ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:80", "192.0.2.1:80"] {
            assert!(is_open(false, listen, &plain), "{listen}");
            assert!(!is_open(true, listen, &plain) && !is_open(false, listen, &proxied), "{listen}");
        }
    }
}
