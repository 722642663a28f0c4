//! `abstractor health`: whether a service is ready, for the health check of a container.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::Args;

use crate::config::Configuration;

/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(3);

/// Arguments of `abstractor health`.
#[derive(Debug, Args)]
pub(super) struct Health {
    /// Where the service is reached, for example http://127.0.0.1:8080 or 127.0.0.1:8081; that of --listen when left out
    url: Option<String>,
    /// Address that the service listens on
    #[arg(long, default_value = "127.0.0.1:8080", env = "ABSTRACTOR_LISTEN")]
    listen: SocketAddr,
    /// Configuration file (TOML) of the service, which says whether it speaks TLS
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_CONFIG")]
    config: Option<PathBuf>,
}

/// A service of ours.
#[derive(Debug)]
pub(super) struct Place {
    url: String,
    /// Whether it is this machine's own address, which the certificate of the service does not name.
    is_here: bool,
}

impl Health {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let place = match &self.url {
            Some(url) => Place { url: url_of(url), is_here: false },
            None => {
                let configuration = self.config.as_deref().map(Configuration::read).transpose()?.unwrap_or_default();
                address_of(self.listen, &configuration)
            }
        };
        let url = &place.url;
        match ask(&place, "/health/ready") {
            Ok((200, _)) => {
                println!("ready");
                Ok(())
            }
            Ok((status, text)) => {
                let detail = detail(&text).map(|detail| format!(": {detail}")).unwrap_or_default();
                anyhow::bail!("the service at {url} is not ready: it answers {status}{detail}")
            }
            Err(problem) => anyhow::bail!("no service answers at {url}: {problem}"),
        }
    }
}

/// What was given, as a URL: a host and port alone are those of HTTP.
fn url_of(given: &str) -> String {
    let given = given.trim_end_matches('/');
    if given.contains("://") { given.to_owned() } else { format!("http://{given}") }
}

/// What a problem document says, in one line.
fn detail(text: &str) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(problem["detail"].as_str()?.replace(char::is_control, " "))
}

/// Where a service is reached from this machine that listens there.
pub(super) fn address_of(listen: SocketAddr, configuration: &Configuration) -> Place {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    let scheme = if configuration.tls.files.is_some() { "https" } else { "http" };
    Place { url: format!("{scheme}://{}", SocketAddr::new(address, listen.port())), is_here: true }
}

/// Asks a service of ours; its status and the beginning of what it says.
pub(super) fn ask(Place { url, is_here }: &Place, path: &str) -> Result<(u16, String), String> {
    // at its own address of this machine nothing secret is sent, and no certificate names it
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier);
    let tls = tls.disable_verification(*is_here).build();
    // not by a proxy of the environment: it would answer for another machine
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(WAIT))
        .proxy(None)
        .tls_config(tls)
        .build()
        .into();
    let mut answer = agent.get(format!("{url}{path}")).call().map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(10_000).read_to_string();
    Ok((status, text.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_asked_here() {
        for (listen, url) in [
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://[::1]:8080"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
        ] {
            let place = address_of(listen.parse().expect("an address"), &Configuration::default());
            assert_eq!((place.url.as_str(), place.is_here), (url, true));
        }
    }

    #[test]
    fn a_host_and_port_are_taken_for_a_url() {
        for (given, url) in [
            ("127.0.0.1:8081", "http://127.0.0.1:8081"),
            ("worker:8081/", "http://worker:8081"),
            ("https://abstractor.example/", "https://abstractor.example"),
        ] {
            assert_eq!(url_of(given), url);
        }
    }

    #[test]
    fn of_a_problem_its_detail_is_told() {
        assert_eq!(detail(r#"{"status": 503, "detail": "it stops\nnow"}"#).as_deref(), Some("it stops now"));
        assert_eq!((detail("Bad Gateway"), detail("{}")), (None, None));
    }
}
