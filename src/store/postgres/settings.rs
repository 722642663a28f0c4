//! Where the database is and how it is reached: a URL, a password that may come from elsewhere, TLS.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::store::StoreError;

/// Connections that one server holds, unless told otherwise.
const CONNECTIONS: usize = 16;
/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);
/// After so long without a sign of life a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(30);

/// How a PostgreSQL database is reached. `Debug` prints nothing: there may be a password in it.
///
/// `sslmode` is `disable`, `prefer`, `require`, `verify-ca` or `verify-full`. Where TLS is spoken, the certificate must be signed by
/// `sslrootcert`, a PEM file, else by what the machine trusts, and name the host; the last three are therefore the same. Without `sslmode`
/// TLS is required of any host but this machine's.
#[derive(Clone)]
pub struct PostgresSettings {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: MakeRustlsConnect,
    /// The most connections that this process holds.
    pub connections: usize,
}

impl std::fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresSettings(..)")
    }
}

impl PostgresSettings {
    /// Reads `postgres://user@host:port/database?sslmode=…`. `password` holds where the URL has none.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with what is wrong, never with a part of the URL.
    pub fn parse(url: &str, password: Option<&str>) -> Result<Self, StoreError> {
        let refused = |problem: &str| StoreError::Refused(format!("the URL of the database cannot be used: {problem}"));
        if !is_url(url) {
            return Err(refused("it must begin with postgres://"));
        }
        let (address, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut authority, mut others) = (None, None, Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", word)) => mode = Some(word.to_owned()),
                Some(("sslrootcert", file)) => {
                    authority = Some(PathBuf::from(decoded(file).ok_or_else(|| refused("sslrootcert is no name of a file"))?));
                }
                _ => others.push(option),
            }
        }
        let mut config: tokio_postgres::Config = format!("{address}?{}", others.join("&"))
            .parse()
            .map_err(|_| refused("it must read postgres://user@host:port/database, with special characters written as %20"))?;
        let mode = match mode.as_deref() {
            Some("disable") => SslMode::Disable,
            Some("prefer") => SslMode::Prefer,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err(refused("sslmode is disable, prefer, require, verify-ca or verify-full")),
            None if config.get_hosts().iter().all(is_this_machine) => SslMode::Prefer,
            None => SslMode::Require,
        };
        if let (None, Some(password)) = (config.get_password(), password) {
            config.password(password);
        }
        config.ssl_mode(mode).application_name("abstractor");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECTING);
        }
        config.keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        // a standby would take no note
        if config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let speaks_tls = mode != SslMode::Disable && !config.get_hosts().iter().all(is_socket);
        let tls = tls(speaks_tls, authority)?;
        Ok(Self { config, tls, connections: CONNECTIONS })
    }
}

/// Whether this names a PostgreSQL database.
pub(super) fn is_url(address: &str) -> bool {
    address.starts_with("postgres://") || address.starts_with("postgresql://")
}

#[cfg(unix)]
fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

#[cfg(not(unix))]
fn is_socket(_: &Host) -> bool {
    false
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// A part of a URL without its %20.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn tls(is_spoken: bool, authority: Option<PathBuf>) -> Result<MakeRustlsConnect, StoreError> {
    let unusable = |what: String| StoreError::Refused(format!("TLS to the database cannot be set up: {what}"));
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    let config = if let Some(file) = authority {
        let no_pem = |_| unusable(format!("{} must be a PEM file that this program may read", file.display()));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&file).map_err(no_pem)? {
            roots.add(certificate.map_err(no_pem)?).map_err(|error| unusable(error.to_string()))?;
        }
        builder.with_root_certificates(roots).with_no_client_auth()
    } else if is_spoken {
        let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(|error| unusable(error.to_string()))?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
    } else {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    };
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<PostgresSettings, String> {
        PostgresSettings::parse(url, Some("elsewhere")).map_err(|error| error.to_string())
    }

    #[test]
    fn tls_is_required_of_other_machines() {
        for (url, mode) in [
            ("postgres://u@db.example/n", SslMode::Require),
            ("postgres://u@localhost/n", SslMode::Prefer),
            ("postgres://u@127.0.0.1:5433/n", SslMode::Prefer),
            ("postgresql:///n?host=/run/postgresql", SslMode::Prefer),
            ("postgres://u@db.example/n?sslmode=prefer", SslMode::Prefer),
            ("postgres://u@db.example/n?sslmode=disable&connect_timeout=3", SslMode::Disable),
            ("postgres://u@localhost/n?sslmode=verify-full", SslMode::Require),
        ] {
            assert_eq!(parsed(url).expect(url).config.get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn a_password_of_the_url_holds_before_another() {
        let password = |url: &str| parsed(url).expect("reads").config.get_password().map(<[u8]>::to_vec);
        assert_eq!(password("postgres://u@localhost/n"), Some(b"elsewhere".to_vec()));
        assert_eq!(password("postgres://u:own%21@localhost/n"), Some(b"own!".to_vec()));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        for (url, problem) in [
            ("mysql://secret@localhost/n", "must begin with postgres://"),
            ("postgres://secret@localhost/n?sslmode=maybe", "sslmode is"),
            ("postgres://secret@localhost:port/n", "must read postgres://"),
            ("postgres://secret@localhost/n?sslrootcert=%2", "no name of a file"),
            ("postgres://secret@localhost/n?sslrootcert=/nowhere/root.pem", "PEM file"),
        ] {
            let told = parsed(url).expect_err("is refused");
            assert!(told.contains(problem) && !told.contains("secret"), "{told}");
        }
        assert_eq!(format!("{:?}", parsed("postgres://u:secret@localhost/n")), "Ok(PostgresSettings(..))");
    }
}
