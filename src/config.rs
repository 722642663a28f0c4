//! The configuration file of `abstractor serve` and `worker`: what other systems send and how, bounds, traces, and the site's own texts. TOML; a
//! field that is not known is refused.

#[cfg(test)]
mod fuzz;
mod oidc;
mod reference;
mod shadow;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::SignedDuration;
use serde::Deserialize;
use thiserror::Error;

pub use self::reference::{Holds, REFERENCE, Setting, Table};

use crate::{
    api::Limits,
    domain::Role,
    mllp::Settings,
    network::{CertificateName, ClientCertificates, Network, Reach, TlsFiles, TrustedProxies},
    retention::RetentionPolicy,
    service::{OversightSettings, SignInSettings},
    telemetry::TraceSettings,
};

/// Bytes of the longest message, where the configuration says nothing: a note of the greatest length, escaped or in base64.
const MAX_MESSAGE: usize = 4_000_000;
/// Bytes that may be asked for at most.
const MOST: usize = 64_000_000;
/// Failed sign-ins of one address an hour at most, where they are limited at all.
const MOST_FAILURES: u32 = 100_000;
/// Days that a note is kept at most, where it is not kept for ever.
const MOST_DAYS: u32 = 36_500;

/// A configuration that was read and checked.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// Where the service is reached from outside: what clients of SMART Backend Services mean their assertions for.
    pub public_url: Option<String>,
    /// Texts of the pages in the site's own words.
    pub texts: Option<PathBuf>,
    /// Listeners for HL7 messages.
    pub mllp: Vec<Settings>,
    /// TLS of HTTP.
    pub tls: Tls,
    /// Where destinations may lead.
    pub reach: Reach,
    /// What is served at once, and how long it may take.
    pub limits: Limits,
    /// How long everybody is still served after the process was told to stop.
    pub linger: Duration,
    /// Who takes traces; nobody when left out.
    pub traces: Option<TraceSettings>,
    /// How long notes are kept; for ever when left out.
    pub retention: RetentionPolicy,
    /// How people are let in, and for how long.
    pub sign_in: SignInSettings,
    /// What another model or vocabulary has to show before it is served.
    pub oversight: OversightSettings,
    /// The hospital's own OpenID provider; none when left out.
    pub oidc: Option<crate::oidc::Settings>,
}

/// How HTTP is protected on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificate and key; plain HTTP when none.
    pub files: Option<TlsFiles>,
    /// Whether everything but health is refused to who shows no certificate.
    pub requires_certificate: bool,
    /// Whose tokens work only together with a certificate.
    pub clients: ClientCertificates,
    /// Whether a proxy ends TLS, so that plain HTTP may be served to other machines.
    pub behind_proxy: bool,
}

/// Why a configuration is not taken.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {kind}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        kind: std::io::ErrorKind,
    },
    /// It is no TOML, or has a field that is not known or of another type.
    #[error("the configuration {} cannot be used: {message}", .file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong and where.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    public_url: Option<String>,
    texts: Option<PathBuf>,
    #[serde(default)]
    mllp: Vec<ListenerTable>,
    #[serde(default)]
    tls: HttpTlsTable,
    #[serde(default)]
    deliveries: DeliveriesTable,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    stop: StopTable,
    traces: Option<TracesTable>,
    #[serde(default)]
    retention: RetentionTable,
    #[serde(default)]
    sign_in: SignInTable,
    #[serde(default)]
    shadow: shadow::ShadowTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionTable {
    days: Option<u32>,
    #[serde(default)]
    types: BTreeMap<String, u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInTable {
    idle_minutes: Option<u64>,
    session_hours: Option<u64>,
    #[serde(default)]
    second_factor: Vec<String>,
    failures_per_address: Option<u32>,
    oidc: Option<oidc::OidcTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpTlsTable {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_authority: Option<PathBuf>,
    #[serde(default)]
    require_client_certificate: bool,
    #[serde(default)]
    clients: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    behind_proxy: bool,
    #[serde(default)]
    trusted_proxies: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveriesTable {
    #[serde(default)]
    allow: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    connections: Option<u64>,
    requests: Option<u64>,
    requests_per_second: Option<u64>,
    waiting_notes: Option<u64>,
    request_seconds: Option<u64>,
    extraction_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StopTable {
    linger_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TracesTable {
    endpoint: String,
    share: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenerTable {
    listen: SocketAddr,
    user: String,
    #[serde(default = "this_machine")]
    allow: Vec<String>,
    tls: Option<TlsTable>,
    max_message: Option<usize>,
    max_connections: Option<usize>,
    idle_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    certificate: PathBuf,
    key: PathBuf,
    client_authority: Option<PathBuf>,
}

fn this_machine() -> Vec<String> {
    vec!["127.0.0.0/8".to_owned(), "::1".to_owned()]
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::Unreadable { file: file.to_owned(), kind: error.kind() })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|message| ConfigError::Invalid { file: file.to_owned(), message })
    }

    /// Reads the text of a configuration; files that it names lie relative to `folder`.
    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mllp = file.mllp.into_iter().map(|table| table.checked(folder)).collect::<Result<Vec<_>, _>>()?;
        let public_url = file.public_url.map(|url| url.trim_end_matches('/').to_owned());
        if public_url.as_ref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            return Err("public_url must begin with https:// or http://".to_owned());
        }
        let linger = file.stop.linger_seconds.unwrap_or_default();
        if linger > 600 {
            return Err("linger_seconds must be 0 to 600".to_owned());
        }
        let proxies = file.tls.trusted_proxies.iter().map(|network| network.parse()).collect::<Result<_, String>>();
        let proxies = proxies.map_err(|message| format!("trusted_proxies of [tls]: {message}"))?;
        Ok(Self {
            public_url,
            texts: file.texts.map(|texts| folder.join(texts)),
            mllp,
            tls: file.tls.checked(folder)?,
            reach: Reach::allowing(networks(&file.deliveries.allow)?),
            limits: file.limits.checked()?,
            linger: Duration::from_secs(linger),
            traces: file.traces.map(TracesTable::checked).transpose()?,
            retention: file.retention.checked()?,
            oversight: file.shadow.checked()?,
            oidc: file.sign_in.oidc.take().map(|table| table.checked(folder)).transpose()?,
            sign_in: SignInSettings { trusted_proxies: TrustedProxies::of(proxies), ..file.sign_in.checked()? },
        })
    }
}

fn within(name: &str, value: u64, most: u64) -> Result<(), String> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(format!("{name} must be 1 to {most}")) }
}

fn networks(allow: &[String]) -> Result<Vec<Network>, String> {
    let read = allow.iter().map(|network| network.parse()).collect::<Result<_, String>>();
    read.map_err(|message| format!("allow: {message}"))
}

impl HttpTlsTable {
    fn checked(self, folder: &Path) -> Result<Tls, String> {
        let client_authority = self.client_authority.map(|file| folder.join(file));
        let asks = client_authority.is_some();
        let files = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: folder.join(certificate), key: folder.join(key), client_authority })
            }
            (None, None) if !asks => None,
            _ => return Err("[tls] needs both certificate and key".to_owned()),
        };
        if !asks && (self.require_client_certificate || !self.clients.is_empty()) {
            return Err("[tls] needs client_authority, which signs the certificates of clients".to_owned());
        }
        let mut clients = BTreeMap::new();
        for (user, certificates) in self.clients {
            let names = certificates.iter().map(|name| name.parse::<CertificateName>()).collect::<Result<Vec<_>, _>>();
            let names = names.map_err(|message| format!("clients of [tls]: {user}: {message}"))?;
            if names.is_empty() {
                return Err(format!("clients of [tls]: {user} needs at least one certificate"));
            }
            clients.insert(user, names);
        }
        Ok(Tls {
            files,
            requires_certificate: self.require_client_certificate,
            clients: ClientCertificates::of(clients),
            behind_proxy: self.behind_proxy,
        })
    }
}

impl LimitsTable {
    fn checked(self) -> Result<Limits, String> {
        let mut limits = Limits::default();
        let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        if let Some(connections) = self.connections {
            within("connections", connections, 100_000)?;
            limits.connections = count(connections);
        }
        if let Some(requests) = self.requests {
            within("requests", requests, 100_000)?;
            limits.requests = count(requests);
        }
        if let Some(rate) = self.requests_per_second {
            within("requests_per_second", rate, 1_000_000)?;
            limits.requests_per_second = u32::try_from(rate).unwrap_or(u32::MAX);
        }
        if let Some(notes) = self.waiting_notes {
            within("waiting_notes", notes, 1_000_000_000)?;
            limits.waiting_notes = notes;
        }
        if let Some(seconds) = self.request_seconds {
            within("request_seconds", seconds, 3600)?;
            limits.request = Duration::from_secs(seconds);
        }
        if let Some(seconds) = self.extraction_seconds {
            // a job is held for five minutes: a longer extraction would be begun twice
            within("extraction_seconds", seconds, 240)?;
            limits.extraction = Duration::from_secs(seconds);
        }
        Ok(limits)
    }
}

impl RetentionTable {
    fn checked(self) -> Result<RetentionPolicy, String> {
        if let Some(days) = self.days {
            within("days of [retention]", days.into(), MOST_DAYS.into())?;
        }
        if self.types.values().any(|days| *days > MOST_DAYS) {
            return Err(format!("types of [retention] must have 0 to {MOST_DAYS} days"));
        }
        Ok(RetentionPolicy { days: self.days, types: self.types })
    }
}

impl SignInTable {
    fn checked(self) -> Result<SignInSettings, String> {
        let mut settings = SignInSettings::default();
        if let Some(minutes) = self.idle_minutes {
            within("idle_minutes", minutes, 1440)?;
            settings.idle = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX));
        }
        if let Some(hours) = self.session_hours {
            within("session_hours", hours, 168)?;
            settings.session = SignedDuration::from_hours(i64::try_from(hours).unwrap_or(i64::MAX));
        }
        let roles = self.second_factor.iter().map(|role| role.parse::<Role>()).collect::<Result<Vec<_>, _>>();
        settings.second_factor = roles.map_err(|message| format!("second_factor: {message}"))?;
        if let Some(failures) = self.failures_per_address {
            if failures > MOST_FAILURES {
                return Err(format!("failures_per_address must be 0 to {MOST_FAILURES}"));
            }
            settings.failures_per_address = failures;
        }
        Ok(settings)
    }
}

impl TracesTable {
    fn checked(self) -> Result<TraceSettings, String> {
        if !self.endpoint.starts_with("https://") && !self.endpoint.starts_with("http://") {
            return Err("endpoint of [traces] must begin with https:// or http://".to_owned());
        }
        let share = self.share.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&share) {
            return Err("share of [traces] must be 0 to 1".to_owned());
        }
        // many collectors document the address with the path of the protocol
        let endpoint = self.endpoint.trim_end_matches('/').trim_end_matches("/v1/traces").to_owned();
        Ok(TraceSettings { endpoint, share })
    }
}

impl ListenerTable {
    fn checked(self, folder: &Path) -> Result<Settings, String> {
        let max_message = self.max_message.unwrap_or(MAX_MESSAGE);
        let max_connections = self.max_connections.unwrap_or(64);
        let idle_seconds = self.idle_seconds.unwrap_or(600);
        within("max_message", max_message as u64, MOST as u64)?;
        within("max_connections", max_connections as u64, 10_000)?;
        within("idle_seconds", idle_seconds, 86_400)?;
        if self.allow.is_empty() {
            return Err("allow must name at least one address or network".to_owned());
        }
        Ok(Settings {
            listen: self.listen,
            user: self.user,
            allow: networks(&self.allow)?,
            tls: self.tls.map(|tls| TlsFiles {
                certificate: folder.join(tls.certificate),
                key: folder.join(tls.key),
                client_authority: tls.client_authority.map(|file| folder.join(file)),
            }),
            max_message,
            max_connections,
            idle: Duration::from_secs(idle_seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Configuration, String> {
        Configuration::parse(text, Path::new("/etc/abstractor"))
    }

    #[test]
    fn bounds_are_taken_and_checked() {
        let none = read("").expect("can be used");
        assert_eq!((none.limits, none.linger), (Limits::default(), Duration::ZERO));
        assert!(none.traces.is_none());
        let text = "[limits]\nconnections = 10\nrequests = 8\nrequests_per_second = 5\nwaiting_notes = 7\nrequest_seconds = 3\n\
                    extraction_seconds = 2\n[stop]\nlinger_seconds = 4\n[traces]\nendpoint = \"http://collector:4318/v1/traces/\"\nshare = 0.5\n";
        let all = read(text).expect("can be used");
        let limits = Limits {
            connections: 10,
            requests: 8,
            requests_per_second: 5,
            waiting_notes: 7,
            request: Duration::from_secs(3),
            extraction: Duration::from_secs(2),
        };
        assert_eq!((all.limits, all.linger), (limits, Duration::from_secs(4)));
        let traces = all.traces.expect("traces");
        assert_eq!((traces.endpoint.as_str(), traces.share), ("http://collector:4318", 0.5));
        for (text, what) in [
            ("[limits]\nrequests = 0", "requests must be 1 to"),
            ("[limits]\nextraction_seconds = 300", "extraction_seconds must be 1 to 240"),
            ("[limits]\nrequest = 1", "unknown field `request`"),
            ("[stop]\nlinger_seconds = 601", "linger_seconds must be 0 to 600"),
            ("[traces]\nendpoint = \"collector\"", "endpoint of [traces]"),
            ("[traces]\nendpoint = \"http://c\"\nshare = 2.0", "share of [traces]"),
            ("[retention]\ndays = 0", "days of [retention] must be 1 to"),
            ("[retention]\ntypes = { progress_note = 40000 }", "types of [retention] must have 0 to"),
        ] {
            let message = read(text).expect_err("cannot be used");
            assert!(message.contains(what), "{message}");
        }
    }

    #[test]
    fn how_people_are_let_in_is_checked() {
        assert_eq!(read("").expect("can be used").sign_in, SignInSettings::default());
        let text = "[sign_in]\nidle_minutes = 15\nsession_hours = 8\nsecond_factor = [\"admin\", \"lead\"]\nfailures_per_address = 0\n\
                    [tls]\nbehind_proxy = true\ntrusted_proxies = [\"10.1.0.0/24\", \"::1\"]\n";
        let network = |text: &str| text.parse().expect("a network");
        let wanted = SignInSettings {
            idle: SignedDuration::from_mins(15),
            session: SignedDuration::from_hours(8),
            second_factor: vec![Role::Admin, Role::Lead],
            failures_per_address: 0,
            trusted_proxies: TrustedProxies::of(vec![network("10.1.0.0/24"), network("::1")]),
        };
        assert_eq!(read(text).expect("can be used").sign_in, wanted);
        for (text, what) in [
            ("[sign_in]\nidle_minutes = 0", "idle_minutes must be 1 to 1440"),
            ("[sign_in]\nsession_hours = 169", "session_hours must be 1 to 168"),
            ("[sign_in]\nsecond_factor = [\"surgeon\"]", "second_factor: unknown role \"surgeon\""),
            ("[sign_in]\npasswords = true", "unknown field `passwords`"),
            ("[sign_in]\nfailures_per_address = 100001", "failures_per_address must be 0 to 100000"),
            ("[tls]\ntrusted_proxies = [\"proxy\"]", "trusted_proxies of [tls]: \"proxy\""),
        ] {
            let message = read(text).expect_err("cannot be used");
            assert!(message.contains(what), "{message}");
        }
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let configuration = read("[[mllp]]\nlisten = \"127.0.0.1:2575\"\nuser = \"emr\"\n").expect("can be used");
        let [listener] = &configuration.mllp[..] else { panic!("one listener") };
        assert_eq!((listener.max_message, listener.max_connections, listener.idle.as_secs()), (4_000_000, 64, 600));
        assert!(listener.allow.iter().any(|network| network.contains("127.0.0.1".parse().expect("an address"))));
        assert!(!listener.allow.iter().any(|network| network.contains("10.0.0.1".parse().expect("an address"))));
        assert!(listener.tls.is_none());
        assert!(read("").expect("can be used").mllp.is_empty());
        let outside = read("public_url = \"https://abstractor.example/\"").expect("can be used").public_url;
        assert_eq!(outside.as_deref(), Some("https://abstractor.example"));
        let texts = read("texts = \"de.ftl\"").expect("can be used").texts;
        assert_eq!(texts.as_deref(), Some(Path::new("/etc/abstractor/de.ftl")));
    }

    #[test]
    fn everything() {
        let text = "[[mllp]]\nlisten = \"0.0.0.0:2575\"\nuser = \"emr\"\nallow = [\"10.1.0.0/16\"]\nmax_message = 5\nmax_connections = 6\n\
                    idle_seconds = 7\ntls = { certificate = \"a.pem\", key = \"/keys/b.pem\", client_authority = \"c.pem\" }\n\
                    [[mllp]]\nlisten = \"[::1]:2576\"\nuser = \"lab\"\n";
        let configuration = read(text).expect("can be used");
        assert_eq!(configuration.mllp.len(), 2);
        let first = &configuration.mllp[0];
        assert_eq!((first.max_message, first.max_connections, first.idle.as_secs()), (5, 6, 7));
        let tls = first.tls.as_ref().expect("TLS");
        assert_eq!(tls.certificate, Path::new("/etc/abstractor/a.pem"));
        assert_eq!(tls.key, Path::new("/keys/b.pem"));
        assert_eq!(tls.client_authority.as_deref(), Some(Path::new("/etc/abstractor/c.pem")));
    }

    #[test]
    fn how_http_is_protected_and_where_destinations_may_lead() {
        let none = read("").expect("can be used");
        assert_eq!((none.tls, none.reach), (Tls::default(), Reach::default()));
        let text = "[tls]\ncertificate = \"a.pem\"\nkey = \"/keys/b.pem\"\nclient_authority = \"c.pem\"\nrequire_client_certificate = true\n\
                    clients = { emr = [\"emr.example\"] }\n[deliveries]\nallow = [\"10.0.0.0/8\"]\n";
        let all = read(text).expect("can be used");
        let files = all.tls.files.expect("files");
        assert_eq!(
            (files.certificate.as_path(), files.key.as_path()),
            (Path::new("/etc/abstractor/a.pem"), Path::new("/keys/b.pem"))
        );
        assert!(all.tls.requires_certificate && !all.tls.behind_proxy && all.tls.clients.users().eq(["emr"]));
        assert!(all.reach.permits("10.1.2.3".parse().expect("an address")));
        assert!(!all.reach.permits("127.0.0.1".parse().expect("an address")));
        for (text, what) in [
            ("[tls]\ncertificate = \"a.pem\"", "certificate and key"),
            ("[tls]\nkey = \"a.pem\"", "certificate and key"),
            ("[tls]\nclient_authority = \"a.pem\"", "certificate and key"),
            ("[tls]\nrequire_client_certificate = true", "client_authority"),
            ("[tls]\nclients = { emr = [\"emr.example\"] }", "client_authority"),
            ("[tls]\ncertificate = \"a\"\nkey = \"b\"\nclient_authority = \"c\"\nclients = { emr = [] }", "at least one"),
            ("[tls]\ncertificate = \"a\"\nkey = \"b\"\nclient_authority = \"c\"\nclients = { emr = [\"a b\"] }", "fingerprint"),
            ("[deliveries]\nallow = [\"hospital\"]", "allow: \"hospital\""),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(what), "{text}: {message}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let listener = |more: &str| format!("[[mllp]]\nlisten = \"127.0.0.1:2575\"\nuser = \"emr\"\n{more}\n");
        for (text, named) in [
            ("[[mlp]]\n".to_owned(), "mlp"),
            ("public_url = \"abstractor.example\"".to_owned(), "public_url"),
            (listener("port = 1"), "port"),
            (listener("allow = [\"10.0.0.0/40\"]"), "10.0.0.0/40"),
            (listener("allow = []"), "allow"),
            (listener("max_message = 0"), "max_message"),
            (listener("idle_seconds = 100000"), "idle_seconds"),
            (listener("tls = { certificate = \"a\" }"), "key"),
            ("[[mllp]]\nuser = \"emr\"\n".to_owned(), "listen"),
            ("[[mllp]]\nlisten = \"2575\"\nuser = \"emr\"\n".to_owned(), "listen"),
        ] {
            let message = read(&text).expect_err(&text);
            assert!(message.contains(named), "{text}: {message}");
        }
    }
}
