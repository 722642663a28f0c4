//! What is asked of the provider, and how long the answers are kept. Small answers, soon, over TLS, from the address that was named: no
//! redirect is followed.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Semaphore;
use ureq::{
    http::Uri,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};
use zeroize::Zeroizing;

use super::{SetUpError, SignInProblem};
use crate::auth::jws;

/// How long one request may take, and how long somebody may wait for a turn.
const TIME_OUT: Duration = Duration::from_secs(10);
/// Bytes of the longest answer.
const LONGEST_ANSWER: u64 = 1_000_000;
/// Requests at once: a provider that hangs holds up nobody else.
const AT_ONCE: usize = 8;
/// How long its description is believed: a provider that is away is noticed before a browser is sent there.
const DESCRIPTION_KEPT: SignedDuration = SignedDuration::from_mins(1);
/// How long its keys are believed: a key that it took back signs nobody in after that.
const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// How the provider describes itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Description {
    issuer: String,
    /// Where a browser goes.
    pub authorization_endpoint: String,
    /// Where a code is exchanged.
    pub token_endpoint: String,
    jwks_uri: String,
    /// Where a browser signs out.
    pub end_session_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether its answers say whom they are from.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl Description {
    /// Some say nothing of PKCE and take it.
    pub(super) fn takes_pkce(&self) -> bool {
        self.code_challenge_methods_supported.as_ref().is_none_or(|methods| methods.iter().any(|method| method == "S256"))
    }

    /// Whether the secret goes into a header; that is the default of the standard.
    pub(super) fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }

    /// Whether it is of this provider, and leads nowhere in clear.
    fn is_sound(&self, issuer: &str) -> bool {
        let needed = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        self.issuer == issuer && needed.into_iter().chain(&self.end_session_endpoint).all(|address| is_secure_address(address))
    }
}

/// One request.
pub(super) enum Asked {
    /// `GET`.
    Get(String),
    /// `POST` of a form.
    Post {
        /// Where.
        url: String,
        /// What.
        form: Vec<(&'static str, String)>,
        /// Who asks.
        authorization: Option<Zeroizing<String>>,
    },
}

/// The provider, and what it said.
pub(super) struct Provider {
    issuer: String,
    agent: ureq::Agent,
    places: Semaphore,
    description: Mutex<Option<Kept<Description>>>,
    keys: Mutex<Option<Kept<Vec<Jwk>>>>,
}

struct Kept<T> {
    value: Arc<T>,
    at: Timestamp,
}

/// What is kept and still believed.
fn kept<T>(place: &Mutex<Option<Kept<T>>>, life: SignedDuration, now: Timestamp) -> Option<Arc<T>> {
    let place = place.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = place.as_ref().filter(|kept| now >= kept.at && now.duration_since(kept.at) < life)?;
    Some(Arc::clone(&kept.value))
}

fn keep<T>(place: &Mutex<Option<Kept<T>>>, value: T, at: Timestamp) -> Arc<T> {
    let value = Arc::new(value);
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Kept { value: Arc::clone(&value), at });
    value
}

impl Provider {
    pub(super) fn new(issuer: String, authority: Option<&Path>) -> Result<Self, SetUpError> {
        let roots = match authority {
            None => RootCerts::PlatformVerifier,
            Some(file) => authorities(file)?,
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIME_OUT))
            .proxy(None)
            // a connection that is kept may be one that the provider just closed, and few are made
            .max_idle_connections(0)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .user_agent(concat!("abstractor/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .build()
            .into();
        let places = Semaphore::new(AT_ONCE);
        Ok(Self { issuer, agent, places, description: Mutex::default(), keys: Mutex::default() })
    }

    /// How it describes itself.
    pub(super) async fn description(&self, now: Timestamp) -> Result<Arc<Description>, SignInProblem> {
        if let Some(description) = kept(&self.description, DESCRIPTION_KEPT, now) {
            return Ok(description);
        }
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let description: Description = self.read(address).await?;
        if !description.is_sound(&self.issuer) {
            tracing::warn!("the OpenID provider describes itself with another issuer, or with addresses that are not https");
            return Err(SignInProblem::Answer);
        }
        Ok(keep(&self.description, description, now))
    }

    /// The keys that it signs with.
    pub(super) async fn keys(&self, description: &Description, now: Timestamp) -> Result<Arc<Vec<Jwk>>, SignInProblem> {
        match kept(&self.keys, KEYS_KEPT, now) {
            Some(keys) => Ok(keys),
            None => self.new_keys(description, now).await,
        }
    }

    /// The keys that it signs with, asked for anew.
    pub(super) async fn new_keys(&self, description: &Description, now: Timestamp) -> Result<Arc<Vec<Jwk>>, SignInProblem> {
        let set: serde_json::Value = self.read(description.jwks_uri.clone()).await?;
        let keys = jws::keys_of(&set).ok_or(SignInProblem::Answer)?;
        Ok(keep(&self.keys, keys, now))
    }

    async fn read<T: DeserializeOwned>(&self, address: String) -> Result<T, SignInProblem> {
        let (status, body) = self.ask(Asked::Get(address)).await?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|_| SignInProblem::Answer),
            500.. => Err(SignInProblem::Unreachable),
            _ => Err(SignInProblem::Answer),
        }
    }

    /// Asks once, on a thread that may wait: status and body.
    pub(super) async fn ask(&self, asked: Asked) -> Result<(u16, Vec<u8>), SignInProblem> {
        let turn = tokio::time::timeout(TIME_OUT, self.places.acquire()).await;
        let Ok(Ok(_place)) = turn else { return Err(SignInProblem::Unreachable) };
        let agent = self.agent.clone();
        let asked = tokio::task::spawn_blocking(move || send(&agent, asked)).await;
        let answered = asked.map_err(|_| SignInProblem::Unreachable)?;
        answered.map_err(|error| {
            let problem = match error {
                ureq::Error::Timeout(_) => "timeout",
                ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "tls",
                // what rustls says of a certificate during the handshake comes so
                ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => "tls",
                ureq::Error::HostNotFound => "unknown_host",
                ureq::Error::BodyExceedsLimit(_) => "answer_too_long",
                _ => "unreachable",
            };
            tracing::warn!(problem, "the OpenID provider could not be asked");
            SignInProblem::Unreachable
        })
    }
}

fn send(agent: &ureq::Agent, asked: Asked) -> Result<(u16, Vec<u8>), ureq::Error> {
    let mut answer = match asked {
        Asked::Get(url) => agent.get(url).call()?,
        Asked::Post { url, form, authorization } => {
            let post = agent.post(url);
            let post = match &authorization {
                Some(authorization) => post.header("authorization", authorization.as_str()),
                None => post,
            };
            post.send_form(form.iter().map(|(name, value)| (*name, value.as_str())))?
        }
    };
    let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
    Ok((answer.status().as_u16(), body))
}

/// Those who may have signed the provider's certificate.
fn authorities(file: &Path) -> Result<RootCerts, SetUpError> {
    let unreadable = || SetUpError::File { what: "authority", file: file.to_owned() };
    let pem = std::fs::read(file).map_err(|_| unreadable())?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| unreadable())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() { Err(unreadable()) } else { Ok(RootCerts::from(certificates)) }
}

/// Whether an address is one of https without names or passwords in it; one of http does on this machine alone.
#[must_use]
pub fn is_secure_address(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    if authority.as_str().contains('@') || address.contains('#') || !address.is_ascii() {
        return false;
    }
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(authority.host(), "127.0.0.1" | "[::1]" | "localhost"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_clear_are_for_this_machine_alone() {
        for address in [
            "https://idp.example",
            "https://idp.example:8443/realms/a",
            "http://127.0.0.1:9/a",
            "http://[::1]:9",
            "http://localhost/",
        ] {
            assert!(is_secure_address(address), "{address}");
        }
        for address in [
            "",
            "idp.example",
            "/auth",
            "http://idp.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "https://a:b@idp.example",
            "https://idp.example/#a",
            "file:///etc/passwd",
            "ftp://idp.example",
        ] {
            assert!(!is_secure_address(address), "{address}");
        }
    }

    fn description(more: &[(&str, serde_json::Value)]) -> Description {
        let mut value = serde_json::json!({
            "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/auth",
            "token_endpoint": "https://idp.example/token", "jwks_uri": "https://idp.example/keys",
        });
        for (name, one) in more {
            value[*name] = one.clone();
        }
        serde_json::from_value(value).expect("a description")
    }

    #[test]
    fn a_description_is_of_its_issuer_and_leads_nowhere_in_clear() {
        assert!(description(&[]).is_sound("https://idp.example"));
        assert!(!description(&[]).is_sound("https://idp.example/"));
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"] {
            let clear = description(&[(name, "http://idp.example/x".into())]);
            assert!(!clear.is_sound("https://idp.example"), "{name}");
        }
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        let silent = description(&[]);
        assert!(silent.takes_pkce() && silent.takes_basic() && !silent.authorization_response_iss_parameter_supported);
        let plain = description(&[
            ("code_challenge_methods_supported", serde_json::json!(["plain"])),
            ("token_endpoint_auth_methods_supported", serde_json::json!(["client_secret_post"])),
        ]);
        assert!(!plain.takes_pkce() && !plain.takes_basic());
    }

    #[test]
    fn answers_are_believed_for_a_while() {
        let at = |seconds: i64| Timestamp::from_second(1_780_000_000 + seconds).expect("a time of this century");
        let place = Mutex::default();
        assert!(kept::<u8>(&place, KEYS_KEPT, at(0)).is_none());
        keep(&place, 7, at(0));
        assert_eq!(kept(&place, KEYS_KEPT, at(3_599)).as_deref(), Some(&7));
        assert!(kept(&place, KEYS_KEPT, at(3_600)).is_none() && kept(&place, KEYS_KEPT, at(-1)).is_none());
        assert!(kept(&place, DESCRIPTION_KEPT, at(60)).is_none());
    }
}
