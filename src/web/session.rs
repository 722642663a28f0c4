//! Browser sessions: the cookie, the [`Session`] extractor, and the guard against forms forged by other sites.
//!
//! A session ends when its user does nothing for a while, and at the latest after some hours; both are the site's. What a script does by itself
//! is nothing that the user does. What arranges the site asks for a fresh proof of who it is ([`Proved`]).
//!
//! A form is taken when it comes from our own origin, as far as the browser says where it comes from, and carries the
//! session's form token: a keyed hash of the session token, which another site can neither read nor make.

use std::sync::Arc;

use axum::{
    Form,
    body::Body,
    extract::{FromRequest, FromRequestParts, RawForm, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::Sha256;

use super::{
    confirm,
    shell::{self, Refusal},
};
use crate::{
    auth::{Permission, Token, permits},
    domain::User,
    network::PeerCertificate,
    service::{ProvedAtProvider, SESSION_COOKIES, Service, actor},
    store::{LiveSession, PROVED_TWICE, StoreError, TokenKind, TokenRecord},
};

/// Never for scripts, never sent from another site. `Secure` comes with an address of TLS: over plain HTTP, as in the demo, a browser would
/// not send the cookie back.
const COOKIE_ATTRIBUTES: &str = "HttpOnly; SameSite=Strict; Path=/";

/// Name of the cookie, and what is added to its attributes, for a service at this address.
fn cookie(public_url: &str) -> (&'static str, &'static str) {
    let [plain, of_host] = SESSION_COOKIES;
    if public_url.starts_with("https://") { (of_host, "; Secure") } else { (plain, "") }
}

/// The value of `Set-Cookie` for a service at this address.
fn set_cookie(public_url: &str, value: &str, seconds: i64) -> String {
    let (name, secure) = cookie(public_url);
    format!("{name}={value}; Max-Age={seconds}; {COOKIE_ATTRIBUTES}{secure}")
}

/// A signed-in user. Without one, the page sends to the sign-in page.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who.
    pub user: User,
    /// Their session.
    pub live: LiveSession,
    token: Token,
}

impl Session {
    /// The session of a request, whoever caused it. Who needs a second factor and has none may do nothing but set one up.
    async fn open(parts: &Parts, service: &Service) -> Result<Self, Refusal> {
        let to_sign_in = || Refusal::from(Redirect::to("/sign-in").into_response());
        let token = token_of(&parts.headers, cookie(&service.public_url).0).ok_or_else(to_sign_in)?;
        let (idle, now) = (service.sign_in.settings.idle, service.surroundings.now());
        let live = service.store.session(token.hash(), idle, now).await?.ok_or_else(to_sign_in)?;
        if !service.client_certificates.permit(&live.user.name, parts.extensions.get::<PeerCertificate>()) {
            return Err(to_sign_in());
        }
        let path = parts.uri.path();
        let is_open = path == "/account" || path.starts_with("/account/") || path == "/sign-out";
        if !live.has_factor && !is_open && service.needs_factor(&live.user) {
            return Err(Redirect::to("/account?problem=factor_needed").into_response().into());
        }
        Ok(Self { user: live.user.clone(), live, token })
    }

    /// What the store knows the session by.
    pub(super) fn hash(&self) -> [u8; 32] {
        self.token.hash()
    }

    /// The user, when their role has the permission.
    pub(super) fn may(&self, permission: Permission) -> Result<&User, Refusal> {
        if permits(self.user.role, permission) { Ok(&self.user) } else { Err(shell::forbidden(self)) }
    }

    /// The user, when their role has the permission, or when they opened the item under broken glass.
    pub(super) async fn may_read(&self, service: &Service, permission: Permission, item: uuid::Uuid) -> Result<&User, Refusal> {
        match self.may(permission) {
            Err(_) if service.glass_over(&self.user, item).await?.is_some() => Ok(&self.user),
            may => may,
        }
    }

    /// What the forms of this session carry.
    pub(super) fn form_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.mac().finalize().into_bytes())
    }

    /// Compared in constant time.
    fn made(&self, form_token: &str) -> bool {
        URL_SAFE_NO_PAD.decode(form_token).is_ok_and(|shown| self.mac().verify_slice(&shown).is_ok())
    }

    fn mac(&self) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.token.reveal().as_bytes()).expect("HMAC takes a key of any length");
        mac.update(b"abstractor form");
        mac
    }
}

impl FromRequestParts<Arc<Service>> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Refusal> {
        let session = Self::open(parts, service).await?;
        service.keep_use(session.hash()).await;
        Ok(session)
    }
}

/// The session token of the cookie.
pub(super) fn token_of(headers: &HeaderMap, cookie: &str) -> Option<Token> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| if name == cookie { Token::parse(value) } else { None })
}

/// Starts a session, with a new token each time: the value of `Set-Cookie`.
pub(super) async fn start(service: &Service, user: &User) -> Result<String, StoreError> {
    start_by_provider(service, user, ProvedAtProvider::Once).await
}

/// The same for somebody whom the hospital's provider let in.
pub(super) async fn start_by_provider(service: &Service, user: &User, proved: ProvedAtProvider) -> Result<String, StoreError> {
    let (token, now) = (Token::generate(), service.surroundings.now());
    let life = service.sign_in.settings.session;
    let record = TokenRecord {
        id: service.surroundings.new_id(),
        user_id: user.id,
        kind: TokenKind::Session,
        label: if proved == ProvedAtProvider::Twice { PROVED_TWICE } else { "browser" }.to_owned(),
        created_at: now,
        expires_at: Some(now + life),
        revoked_at: None,
        used_at: None,
    };
    service.store.add_token(record, token.hash(), actor(user), now).await?;
    Ok(set_cookie(&service.public_url, token.reveal(), life.as_secs()))
}

/// Ends the session: the value of `Set-Cookie`.
pub(super) async fn end(service: &Service, session: &Session) -> Result<String, StoreError> {
    service.store.revoke_token_hash(session.token.hash(), service.surroundings.now()).await?;
    Ok(gone(service))
}

/// The value of `Set-Cookie` that takes the cookie away.
pub(super) fn gone(service: &Service) -> String {
    set_cookie(&service.public_url, "", 0)
}

/// The header of a form that the script of a page posts.
const LIVE: &str = "x-live";

/// A form of a signed-in user, checked not to be forged.
pub(super) struct Posted<T> {
    /// Who posts it.
    pub session: Session,
    /// What.
    pub form: T,
    /// The same as names and values, to be shown again where it is not taken.
    pub fields: Vec<(String, String)>,
    /// Whether the script of the page posts it and wants the parts that changed, not the page.
    pub live: bool,
}

#[derive(Deserialize)]
struct Guarded<T> {
    form_token: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned + Send> FromRequest<Arc<Service>> for Posted<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        if !is_from_our_origin(&parts) {
            return Err(shell::refused(StatusCode::FORBIDDEN, text!("form-of-another-site")));
        }
        let session = Session::open(&parts, service).await?;
        let unreadable = || shell::refused(StatusCode::BAD_REQUEST, text!("form-unreadable"));
        let live = parts.headers.contains_key(LIVE);
        let RawForm(bytes) =
            RawForm::from_request(Request::from_parts(parts.clone(), body), service).await.map_err(|_| unreadable())?;
        let first = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
        let second = Request::from_parts(parts, Body::from(bytes));
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(second, service).await.map_err(|_| unreadable())?;
        let Form(Guarded { form_token, form }) =
            Form::<Guarded<T>>::from_request(first, service).await.map_err(|_| unreadable())?;
        if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(unreadable());
        }
        if !session.made(&form_token) {
            return Err(shell::refused(StatusCode::FORBIDDEN, text!("form-of-earlier-sign-in")));
        }
        // the sign of life of a page that nobody touches keeps no session
        if !fields.iter().any(|(name, value)| name == "active" && value.is_empty()) {
            service.keep_use(session.hash()).await;
        }
        Ok(Self { session, form, fields, live })
    }
}

/// A form that arranges the site, of a user who has proved a short while ago who they are. Otherwise they are asked to, and the form goes on with
/// the proof.
pub(super) struct Proved<T>(pub Posted<T>);

impl<T: DeserializeOwned + Send> FromRequest<Arc<Service>> for Proved<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Refusal> {
        let path = request.uri().path().to_owned();
        let posted = Posted::<T>::from_request(request, service).await?;
        if service.needs_proof(&posted.session.live) {
            return Err(confirm::asked(service, &posted.session, (path, posted.fields)).await?.into());
        }
        Ok(Self(posted))
    }
}

/// False when the browser says that another site sends the request. A proxy in front must pass the `Host` on.
pub(super) fn is_from_our_origin(parts: &Parts) -> bool {
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    let host = text("host").or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    text("origin").is_none_or(|origin| origin.split_once("://").is_some_and(|(_, place)| Some(place) == host))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn origins() {
        for (origin, site, expected) in [
            (None, None, true),
            (Some("http://our.host:8080"), None, true),
            (Some("https://our.host:8080"), Some("same-origin"), true),
            (Some("http://our.host:8080"), Some("none"), true),
            (Some("http://our.host"), None, false),
            (Some("http://evil.example"), None, false),
            (Some("null"), None, false),
            (None, Some("cross-site"), false),
            (Some("http://our.host:8080"), Some("same-site"), false),
        ] {
            let mut request = Request::post("/queue").header("host", "our.host:8080");
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            assert_eq!(is_from_our_origin(&parts), expected, "{origin:?} {site:?}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        for (address, other) in [("http://our.host", "https://our.host"), ("https://our.host", "http://our.host")] {
            let (token, name) = (Token::generate(), cookie(address).0);
            let read = |value: String| {
                let mut headers = HeaderMap::new();
                headers.insert(header::COOKIE, value.parse().expect("a header"));
                token_of(&headers, name)
            };
            assert_eq!(read(format!("a=b; {name}={}; c=d", token.reveal())), Some(token.clone()));
            assert_eq!(read(format!("{name}=nonsense; {name}={}", token.reveal())), Some(token.clone()));
            assert_eq!(read(format!("x{name}=y")), None);
            assert_eq!(read(format!("{}={}", cookie(other).0, token.reveal())), None, "only the name of this address counts");
        }
    }

    #[test]
    fn over_tls_a_cookie_goes_over_tls_alone() {
        let plain = set_cookie("http://127.0.0.1:8080", "abs_x", 60);
        assert_eq!(plain, "abstractor_session=abs_x; Max-Age=60; HttpOnly; SameSite=Strict; Path=/");
        let sure = set_cookie("https://abstractor.hospital.example", "abs_x", 60);
        assert_eq!(sure, "__Host-abstractor_session=abs_x; Max-Age=60; HttpOnly; SameSite=Strict; Path=/; Secure");
        assert!(!sure.contains("Domain"), "a browser refuses __Host- with a domain");
    }
}
