//! Browser sessions: the cookie, the [`Session`] extractor, and the guard against forms forged by other sites.
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

use super::shell::{self, Refusal};
use crate::{
    auth::{Permission, Token, permits},
    domain::User,
    network::PeerCertificate,
    service::{Service, actor},
    store::{StoreError, TokenKind, TokenRecord},
};

/// Name of the cookie.
const COOKIE: &str = "abstractor_session";
/// Never for scripts, never sent from another site. `Secure` comes with the configuration of TLS: over plain HTTP, as in
/// the demo, a browser would not send the cookie back.
const COOKIE_ATTRIBUTES: &str = "HttpOnly; SameSite=Strict; Path=/";
/// How long a session lasts: one long shift.
const LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_hours(12);

/// A signed-in user. Without one, the page sends to the sign-in page.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who.
    pub user: User,
    token: Token,
}

impl Session {
    /// The user, when their role has the permission.
    pub(super) fn may(&self, permission: Permission) -> Result<&User, Refusal> {
        if permits(self.user.role, permission) { Ok(&self.user) } else { Err(shell::forbidden(self)) }
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
        let to_sign_in = || Refusal::from(Redirect::to("/sign-in").into_response());
        let token = token_of(&parts.headers).ok_or_else(to_sign_in)?;
        let found = service.store.user_of_token(token.hash(), TokenKind::Session, service.surroundings.now()).await;
        let user = found?.ok_or_else(to_sign_in)?;
        if !shows_certificate(service, &user, parts) {
            return Err(to_sign_in());
        }
        Ok(Self { user, token })
    }
}

/// Whether who has to show a certificate shows it.
pub(super) fn shows_certificate(service: &Service, user: &User, parts: &Parts) -> bool {
    service.client_certificates.permit(&user.name, parts.extensions.get::<PeerCertificate>())
}

/// The session token of the cookie.
fn token_of(headers: &HeaderMap) -> Option<Token> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| if name == COOKIE { Token::parse(value) } else { None })
}

/// Starts a session: the value of `Set-Cookie`.
pub(super) async fn start(service: &Service, user: &User) -> Result<String, StoreError> {
    let (token, now) = (Token::generate(), service.surroundings.now());
    let record = TokenRecord {
        id: service.surroundings.new_id(),
        user_id: user.id,
        kind: TokenKind::Session,
        label: "browser".to_owned(),
        created_at: now,
        expires_at: Some(now + LIFETIME),
        revoked_at: None,
    };
    service.store.add_token(record, token.hash(), actor(user), now).await?;
    Ok(format!("{COOKIE}={}; Max-Age={}; {COOKIE_ATTRIBUTES}", token.reveal(), LIFETIME.as_secs()))
}

/// Ends the session: the value of `Set-Cookie`.
pub(super) async fn end(service: &Service, session: &Session) -> Result<String, StoreError> {
    service.store.revoke_token_hash(session.token.hash(), service.surroundings.now()).await?;
    Ok(format!("{COOKIE}=; Max-Age=0; {COOKIE_ATTRIBUTES}"))
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

impl<T: DeserializeOwned> FromRequest<Arc<Service>> for Posted<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        if !is_from_our_origin(&parts) {
            return Err(shell::refused(StatusCode::FORBIDDEN, text!("form-of-another-site")));
        }
        let session = Session::from_request_parts(&mut parts, service).await?;
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
        if session.made(&form_token) {
            Ok(Self { session, form, fields, live })
        } else {
            Err(shell::refused(StatusCode::FORBIDDEN, text!("form-of-earlier-sign-in")))
        }
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
        let token = Token::generate();
        let read = |value: String| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, value.parse().expect("a header"));
            token_of(&headers)
        };
        assert_eq!(read(format!("a=b; {COOKIE}={}; c=d", token.reveal())), Some(token.clone()));
        assert_eq!(read(format!("{COOKIE}=nonsense; {COOKIE}={}", token.reveal())), Some(token));
        assert_eq!(read(format!("x{COOKIE}=y")), None);
    }
}
