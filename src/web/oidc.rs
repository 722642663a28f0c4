//! `/sign-in/oidc`: to the hospital's own provider, back from it, and out of it.
//!
//! The session cookie is `SameSite=Strict`, and a browser that comes back from another site sends no such cookie on, however often it is
//! redirected. So the way back ends at a page of ours, which goes on by itself: what it leads to is asked for by our own site.

use std::{convert::Infallible, sync::Arc};

use askama::Template;
use axum::{
    extract::{FromRequestParts, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    session,
    shell::{Refusal, Shell, page},
    sign_in::{SignInPage, first_page, second_step},
};
use crate::{
    domain::User,
    interop::fhir::percent_encoded,
    oidc::{Attempt, Callback, RelyingParty, SignInProblem},
    service::{Entering, ProvedAtProvider, Service},
    store::{Actor, StoreError},
};

/// Name of the cookie that carries an attempt.
const COOKIE: &str = "abstractor_sign_in";
/// It comes back from another site, which `Strict` would not allow; scripts never see it.
const COOKIE_ATTRIBUTES: &str = "; HttpOnly; SameSite=Lax; Path=/sign-in/oidc";
/// What the key that seals it is for.
const DUTY: &str = "sign_in.oidc";
/// The longest address that is gone on to.
const LONGEST_NEXT: usize = 1_024;

/// What the sign-in page offers beside a code.
#[derive(Debug, Clone, Default)]
pub(super) struct Offer {
    party: Option<Arc<RelyingParty>>,
    /// Whether nobody signs in otherwise, but by a one-time code.
    pub is_only: bool,
    /// Whether somebody just signed out here.
    pub has_left: bool,
    next: Option<String>,
}

#[derive(Default, Deserialize)]
struct Asked {
    next: Option<String>,
    left: Option<String>,
}

impl Offer {
    /// Whether there is a provider.
    pub(super) const fn is_there(&self) -> bool {
        self.party.is_some()
    }

    /// Where an attempt begins.
    pub(super) fn beginning(&self) -> String {
        match &self.next {
            Some(next) => format!("/sign-in/oidc?next={}", percent_encoded(next)),
            None => "/sign-in/oidc".to_owned(),
        }
    }

    /// Where somebody who signed out goes.
    pub(super) const fn after_sign_out(&self) -> &'static str {
        if self.is_there() { "/sign-in?left=here" } else { "/sign-in" }
    }
}

impl FromRequestParts<Arc<Service>> for Offer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Service>) -> Result<Self, Infallible> {
        let party = parts.extensions.get::<Option<Arc<RelyingParty>>>().cloned().flatten();
        let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri).unwrap_or_default();
        Ok(Self {
            is_only: party.as_ref().is_some_and(|party| party.is_only()),
            has_left: party.is_some() && asked.left.is_some(),
            next: asked.next.filter(|next| is_own_path(next)),
            party,
        })
    }
}

/// Whether an address is a path of ours, which a browser cannot read as an address of another site, or as one that signs in or out again.
fn is_own_path(next: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~?&=%+,:".contains(&byte);
    let path = next.split('?').next().unwrap_or_default();
    next.len() <= LONGEST_NEXT
        && next.starts_with('/')
        && next.bytes().all(is_plain)
        && !path.contains("//")
        && !path.contains("..")
        && !path.starts_with("/sign-")
}

/// The page that goes on.
#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage {
    shell: Shell,
    next: String,
}

/// Why nobody is signed in.
enum Failure {
    Problem(SignInProblem),
    /// The provider let somebody in whom nobody is here: why, and who it is where there is somebody.
    NoAccount(&'static str, Option<Uuid>),
}

impl From<SignInProblem> for Failure {
    fn from(problem: SignInProblem) -> Self {
        Self::Problem(problem)
    }
}

impl Failure {
    const fn word(&self) -> &'static str {
        match self {
            Self::Problem(problem) => problem.word(),
            Self::NoAccount(word, _) => word,
        }
    }

    /// What the user is told. Which of the reasons there are against an account, the audit trail says.
    fn told(&self) -> (StatusCode, &'static str) {
        let Self::Problem(problem) = self else { return (StatusCode::FORBIDDEN, text!("sign-in-oidc-no-account")) };
        match problem {
            SignInProblem::NoAttempt
            | SignInProblem::Expired
            | SignInProblem::WrongState
            | SignInProblem::Used
            | SignInProblem::NoCode => (StatusCode::BAD_REQUEST, text!("sign-in-oidc-again")),
            SignInProblem::Refused => (StatusCode::FORBIDDEN, text!("sign-in-oidc-refused")),
            SignInProblem::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, text!("sign-in-oidc-away")),
            SignInProblem::WrongIssuer
            | SignInProblem::Answer
            | SignInProblem::NoPkce
            | SignInProblem::CodeRefused
            | SignInProblem::Token(_) => (StatusCode::BAD_GATEWAY, text!("sign-in-oidc-unusable")),
            SignInProblem::SecondFactor => (StatusCode::FORBIDDEN, text!("sign-in-oidc-second-factor")),
            SignInProblem::Claim | SignInProblem::NoUserClaim => (StatusCode::FORBIDDEN, text!("sign-in-oidc-no-account")),
        }
    }
}

/// The sign-in page with what went wrong.
fn told(offer: Offer, (status, problem): (StatusCode, &'static str)) -> Response {
    let mut response = page(status, &SignInPage { problem: Some(problem.to_owned()), offer, ..SignInPage::default() });
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
    }
    response
}

fn not_offered(offer: Offer) -> Response {
    told(offer, (StatusCode::NOT_FOUND, text!("sign-in-oidc-none")))
}

/// `Set-Cookie` for an attempt, or to forget it.
fn cookie(service: &Service, value: &str, seconds: i64) -> String {
    let secure = if service.public_url.starts_with("https://") { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Max-Age={seconds}{COOKIE_ATTRIBUTES}{secure}")
}

/// The attempt of the cookie, still sealed.
fn attempt_of(headers: &HeaderMap) -> &str {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map_or("", |(_, value)| value)
}

/// `GET /sign-in/oidc`, `?next=` says where to go on to: to the provider.
pub(super) async fn begin(State(service): State<Arc<Service>>, offer: Offer) -> Response {
    let Some(party) = offer.party.clone() else { return not_offered(offer) };
    let now = service.surroundings.now();
    let redirect = format!("{}/sign-in/oidc/callback", service.public_url.trim_end_matches('/'));
    let attempt = Attempt::new(redirect, offer.next.clone(), now);
    match party.begin(&attempt, now).await {
        Ok(address) => {
            let sealed = attempt.seal(&service.store.derived_key(DUTY));
            let cookie = cookie(&service, &sealed, Attempt::LIFE.as_secs());
            ([(header::SET_COOKIE, cookie)], Redirect::to(&address)).into_response()
        }
        Err(problem) => {
            tracing::warn!(why = problem.word(), %problem, "a sign-in with the hospital's provider could not begin");
            told(offer, Failure::Problem(problem).told())
        }
    }
}

/// `GET /sign-in/oidc/callback`: back from the provider.
pub(super) async fn finish(
    State(service): State<Arc<Service>>,
    offer: Offer,
    parts: Parts,
    callback: Result<Query<Callback>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Some(party) = offer.party.clone() else { return Ok(not_offered(offer)) };
    // one that cannot be read is one without a state
    let callback = callback.map(|Query(callback)| callback).unwrap_or_default();
    let forgotten = cookie(&service, "", 0);
    let (user, next) = match user_of(&service, &party, attempt_of(&parts.headers), &callback).await? {
        Ok(found) => found,
        Err(failure) => {
            let word = failure.word();
            tracing::warn!(why = word, "a sign-in with the hospital's provider failed");
            // a link that somebody opens without an attempt is nothing to keep
            if word != SignInProblem::NoAttempt.word() {
                let subject = if let Failure::NoAccount(_, Some(id)) = failure { Some(("user", id)) } else { None };
                let (detail, now) = (["oidc", word].join(": "), service.surroundings.now());
                service.store.record_audit(Actor::service(), "sign_in.failed", subject, &detail, now).await?;
            }
            let answer = told(offer, failure.told());
            return Ok((AppendHeaders([(header::SET_COOKIE, forgotten)]), answer).into_response());
        }
    };
    let proved = if party.proved_twice() { ProvedAtProvider::Twice } else { ProvedAtProvider::Once };
    let forget = AppendHeaders([(header::SET_COOKIE, forgotten.clone())]);
    let user = match service.enter_by_provider(user, proved, parts.extensions.get()).await? {
        Entering::In(user) => user,
        Entering::SecondFactor(step) => return Ok((forget, second_step(&step, (StatusCode::OK, None))).into_response()),
        Entering::Refused | Entering::Wait(_) => {
            let refused = Failure::NoAccount("certificate", None).told();
            return Ok((forget, told(offer, refused)).into_response());
        }
    };
    let started = session::start_by_provider(&service, &user, proved).await?;
    let answer = page(StatusCode::OK, &SignedInPage { shell: Shell::default(), next });
    let cookies = AppendHeaders([(header::SET_COOKIE, started), (header::SET_COOKIE, forgotten)]);
    Ok((cookies, answer).into_response())
}

/// The user whom the provider let in, and where they go on to.
async fn user_of(
    service: &Service,
    party: &RelyingParty,
    sealed: &str,
    callback: &Callback,
) -> Result<Result<(User, String), Failure>, StoreError> {
    let now = service.surroundings.now();
    let attempt = match Attempt::open(sealed, &callback.state, &service.store.derived_key(DUTY), now) {
        Ok(attempt) => attempt,
        Err(problem) => return Ok(Err(problem.into())),
    };
    let (used, until) = attempt.used();
    if !service.store.redeem_assertion(used, until, now).await? {
        return Ok(Err(SignInProblem::Used.into()));
    }
    let name = match party.finish(&attempt, callback, now).await {
        Ok(name) => name,
        Err(problem) => {
            tracing::warn!(why = problem.word(), %problem, "the provider's answer is not taken");
            return Ok(Err(problem.into()));
        }
    };
    let Some(user) = service.store.user_named(&name).await? else {
        return Ok(Err(Failure::NoAccount("unknown_user", None)));
    };
    if user.disabled {
        return Ok(Err(Failure::NoAccount("disabled_user", Some(user.id))));
    }
    // a submitter is a program: whoever has its name at the provider is somebody else
    let Some(first) = first_page(&user) else {
        return Ok(Err(Failure::NoAccount("no_pages", Some(user.id))));
    };
    let next = attempt.next().unwrap_or(first).to_owned();
    Ok(Ok((user, next)))
}

/// `GET /sign-in/oidc/end`: to where the provider signs out, for who has signed out here.
pub(super) async fn end(State(service): State<Arc<Service>>, offer: Offer) -> Response {
    let Some(party) = offer.party.clone() else { return not_offered(offer) };
    match party.sign_out_address(service.surroundings.now()).await {
        Ok(Some(address)) => Redirect::to(&address).into_response(),
        Ok(None) => told(offer, (StatusCode::NOT_FOUND, text!("sign-in-oidc-no-end"))),
        Err(problem) => told(offer, Failure::Problem(problem).told()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_on_to() {
        for next in ["/", "/queue", "/items/0192?notice=a&b=c%20d", "/queue?state=all"] {
            assert!(is_own_path(next), "{next}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_NEXT));
        for next in [
            "",
            "queue",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "\\\\evil.example",
            "/a//evil.example",
            "/a/../../b",
            "javascript:alert(1)",
            "/queue\r\nset-cookie: a=b",
            "/queue\"><script>",
            "/queue;url=https://evil.example",
            "/ü",
            "/sign-in",
            "/sign-in/oidc",
            "/sign-out",
            &long,
        ] {
            assert!(!is_own_path(next), "{next:?}");
        }
    }

    #[test]
    fn the_attempt_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(attempt_of(&headers), "");
        headers.append(header::COOKIE, "a=b; abstractor_sign_in=x.y; c=d".parse().expect("a header"));
        headers.append(header::COOKIE, "abstractor_sign_in=z".parse().expect("a header"));
        assert_eq!(attempt_of(&headers), "x.y");
    }
}
