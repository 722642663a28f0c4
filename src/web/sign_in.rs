//! `/sign-in` with its second step, and `/sign-out`.

use std::{net::IpAddr, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::{FromRequest, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    oidc::Offer,
    session::{self, Posted},
    shell::{Refusal, Shell, page, refused},
};
use crate::{
    auth::{Permission, Token, permits},
    domain::User,
    network::PeerCertificate,
    service::{CodesTaken, Entering, Service},
};

/// The sign-in page.
#[derive(Template, Default)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    /// The frame.
    pub shell: Shell,
    /// Fills the field.
    pub code: String,
    /// The login name, as typed.
    pub name: String,
    /// Why the last try failed.
    pub problem: Option<String>,
    /// Sign-in with the hospital's own provider.
    pub offer: Offer,
}

/// The page of the second step.
#[derive(Template)]
#[template(path = "second_step.html")]
pub(super) struct SecondStepPage {
    /// The frame.
    pub shell: Shell,
    /// What shows that the first step was made.
    pub step: String,
    /// Why the last try failed.
    pub problem: Option<String>,
}

/// What the page and its form carry.
#[derive(Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// `GET /sign-in`, `?code=` fills the field. The code is used up by the form only, so that a link preview cannot do it.
pub(super) async fn show(offer: Offer, Query(SignIn { code, .. }): Query<SignIn>) -> Response {
    page(StatusCode::OK, &SignInPage { code, offer, ..SignInPage::default() })
}

/// The form of somebody who is not signed in: of our own origin, as far as the browser says where it comes from.
async fn form_of<T: DeserializeOwned>(request: Request) -> Result<T, Refusal> {
    let (parts, body) = request.into_parts();
    if !session::is_from_our_origin(&parts) {
        return Err(refused(StatusCode::FORBIDDEN, text!("sign-in-of-another-site")));
    }
    let form = Form::from_request(Request::from_parts(parts, body), &()).await;
    Ok(form.map_err(|_| refused(StatusCode::BAD_REQUEST, text!("sign-in-unreadable")))?.0)
}

/// That no try is taken for a while, and how long it is. At least one second, so that nobody is told to come back at once.
pub(super) fn wait_words(service: &Service, until: Timestamp) -> String {
    text!("sign-in-wait", seconds = seconds_to(service, until))
}

fn seconds_to(service: &Service, until: Timestamp) -> i64 {
    until.duration_since(service.surroundings.now()).as_secs().saturating_add(1)
}

/// `POST /sign-in`: a code when one is given, else a name and a password. Where the provider alone lets people in, one-time codes do too.
pub(super) async fn sign_in(State(service): State<Arc<Service>>, offer: Offer, request: Request) -> Result<Response, Refusal> {
    let shown: Option<PeerCertificate> = request.extensions().get().cloned();
    let address = address_of(&service, &request);
    let SignIn { code, name, password } = form_of(request).await?;
    let (code, name) = (code.trim(), name.trim());
    let is_code = !code.is_empty() || name.is_empty() || offer.is_only;
    let taken = if offer.is_only { CodesTaken::OneTime } else { CodesTaken::Any };
    let refusal = match (is_code, offer.is_only) {
        (_, true) => text!("sign-in-oidc-code-refused"),
        (true, false) => text!("sign-in-refused"),
        (false, false) => text!("sign-in-password-refused"),
    };
    let again = |problem: String| SignInPage { name: name.to_owned(), problem: Some(problem), offer, ..SignInPage::default() };
    let attempt = match service.begin_from(address).await {
        Ok(attempt) => attempt,
        Err(seconds) => return Ok(too_many(seconds, &again(address_words(seconds)))),
    };
    let entering = match is_code {
        true => service.enter_by_code(code, taken, shown.as_ref()).await?,
        false => service.enter_by_password(name, &password, shown.as_ref()).await?,
    };
    match entering {
        Entering::In(user) => let_in(&service, &user).await,
        Entering::SecondFactor(step) => Ok(second_step(&step, (StatusCode::OK, None))),
        Entering::Refused => {
            service.count_failure(attempt).await;
            Ok(page(StatusCode::UNAUTHORIZED, &again(refusal.to_owned())))
        }
        Entering::Wait(until) => Ok(waiting(&service, until, &again(wait_words(&service, until)))),
    }
}

fn waiting(service: &Service, until: Timestamp, view: &impl Template) -> Response {
    too_many(u64::try_from(seconds_to(service, until)).unwrap_or(1), view)
}

fn too_many(seconds: u64, view: &impl Template) -> Response {
    let after = [(header::RETRY_AFTER, seconds.to_string())];
    (after, page(StatusCode::TOO_MANY_REQUESTS, view)).into_response()
}

/// From which address somebody signs in.
fn address_of(service: &Service, request: &Request) -> IpAddr {
    service.sign_in.settings.trusted_proxies.client(request.extensions(), request.headers())
}

/// That nobody signs in from this address for a while, and how many minutes it is.
fn address_words(seconds: u64) -> String {
    text!("sign-in-address-wait", minutes = seconds.div_ceil(60))
}

/// The page that asks for the second factor.
pub(super) fn second_step(step: &Token, (status, problem): (StatusCode, Option<String>)) -> Response {
    page(status, &SecondStepPage { shell: Shell::default(), step: step.reveal().to_owned(), problem })
}

async fn let_in(service: &Service, user: &User) -> Result<Response, Refusal> {
    let cookie = session::start(service, user).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(first_page(user).unwrap_or("/about"))).into_response())
}

/// The page where somebody's work begins; none for whom there are no pages.
pub(super) fn first_page(user: &User) -> Option<&'static str> {
    let first =
        [(Permission::ListItems, "/queue"), (Permission::ReadSettings, "/settings"), (Permission::ReadReports, "/reports")];
    first.into_iter().find(|(permission, _)| permits(user.role, *permission)).map(|(_, path)| path)
}

/// What the form of the second step carries.
#[derive(Deserialize)]
pub(super) struct SecondStep {
    #[serde(default)]
    step: String,
    #[serde(default)]
    code: String,
}

/// `POST /sign-in/second`: a code of the second factor.
pub(super) async fn second(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Refusal> {
    let address = address_of(&service, &request);
    let form: SecondStep = form_of(request).await?;
    let attempt = match service.begin_from(address).await {
        Ok(attempt) => attempt,
        Err(seconds) => {
            let problem = Some(address_words(seconds));
            return Ok(too_many(seconds, &SecondStepPage { shell: Shell::default(), step: form.step, problem }));
        }
    };
    let entering = match Token::parse(form.step.trim()) {
        Some(step) => service.enter_by_second_factor(&step, form.code.trim()).await?,
        None => Entering::Refused,
    };
    if matches!(entering, Entering::SecondFactor(_) | Entering::Refused) {
        service.count_failure(attempt).await;
    }
    match entering {
        Entering::In(user) => let_in(&service, &user).await,
        Entering::SecondFactor(step) => {
            let problem = text!("sign-in-second-refused").to_owned();
            Ok(second_step(&step, (StatusCode::UNAUTHORIZED, Some(problem))))
        }
        Entering::Refused => {
            let problem = Some(text!("sign-in-second-over").to_owned());
            Ok(page(StatusCode::UNAUTHORIZED, &SignInPage { problem, ..SignInPage::default() }))
        }
        Entering::Wait(until) => {
            let problem = Some(wait_words(&service, until));
            Ok(waiting(&service, until, &SecondStepPage { shell: Shell::default(), step: form.step, problem }))
        }
    }
}

/// Nothing but the form token.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(service): State<Arc<Service>>,
    offer: Offer,
    posted: Posted<Nothing>,
) -> Result<Response, Refusal> {
    let cookie = session::end(&service, &posted.session).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(offer.after_sign_out())).into_response())
}
