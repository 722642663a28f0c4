//! `/account`: what somebody proves who they are with: their password, their second factor, their sessions. Nobody else sets or sees these.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    notice::Notice,
    picture,
    session::{self, Posted, Proved, Session},
    shell::{Refusal, Shell, page},
    sign_in::{Nothing, wait_words},
};
use crate::{
    auth::{FEWEST_CHARACTERS, OneTimeSecret, PasswordProblem},
    service::{CredentialError, Service, actor},
    store::CredentialChange,
};

/// A second factor that is being set up.
#[derive(Debug, Clone)]
pub(super) struct Enrolment {
    /// Its secret, to be typed.
    pub secret: String,
    /// The same as an address.
    pub address: String,
    /// The same as the source of an image.
    pub picture: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Whether they have a password.
    pub has_password: bool,
    /// Fewest characters of one.
    pub fewest: usize,
    /// Whether they have a second factor.
    pub has_factor: bool,
    /// Whether their role asks for one.
    pub needs_factor: bool,
    /// One that is being set up.
    pub enrolment: Option<Enrolment>,
    /// Recovery codes that are left.
    pub codes_left: u64,
    /// Recovery codes that were just made, shown once.
    pub codes: Vec<String>,
}

/// What the address says.
#[derive(Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
}

impl Address {
    fn notice(&self) -> Option<Notice> {
        let said = |words: &'static str| Some(Notice { is_problem: false, text: words.into() });
        match (self.problem.as_deref(), self.notice.as_deref()) {
            (Some("factor_needed"), _) => Some(Notice::refusing(text!("account-factor-needed").to_owned())),
            (_, Some("password")) => said(text!("account-password-kept")),
            (_, Some("removed")) => said(text!("account-factor-removed")),
            _ => None,
        }
    }
}

/// `GET /account`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    shown(&service, &session, (StatusCode::OK, address.notice()), Vec::new()).await
}

async fn shown(
    service: &Service,
    session: &Session,
    (status, notice): (StatusCode, Option<Notice>),
    codes: Vec<String>,
) -> Result<Response, Refusal> {
    let user = &session.user;
    let credentials = service.store.credentials(user.id).await?;
    // the secret is shown to who has just proved who they are, not to who finds the page open
    let begun = credentials.factor.as_ref().filter(|factor| !factor.is_confirmed && !service.needs_proof(&session.live));
    let enrolment = begun.map(|factor| {
        let secret = OneTimeSecret::of(factor.secret.clone());
        let address = secret.address(&user.name).to_string();
        Enrolment { secret: secret.text().to_string(), picture: picture::source(&address), address }
    });
    let view = AccountPage {
        shell: Shell::of(session),
        notice,
        has_password: credentials.password.is_some(),
        fewest: FEWEST_CHARACTERS,
        has_factor: credentials.confirmed_factor().is_some(),
        needs_factor: service.needs_factor(user),
        enrolment,
        codes_left: credentials.recovery_codes,
        codes,
    };
    Ok(page(status, &view))
}

/// The page with why nothing was done.
async fn refused(service: &Service, session: &Session, error: CredentialError) -> Result<Response, Refusal> {
    let (status, words) = match error {
        CredentialError::Password(problem) => (StatusCode::UNPROCESSABLE_ENTITY, problem_words(problem)),
        CredentialError::Refused => (StatusCode::UNPROCESSABLE_ENTITY, text!("account-problem-refused").to_owned()),
        CredentialError::Factor => (StatusCode::UNPROCESSABLE_ENTITY, text!("account-problem-factor").to_owned()),
        CredentialError::Wait(until) => (StatusCode::TOO_MANY_REQUESTS, wait_words(service, until)),
        CredentialError::Store(error) => return Err(error.into()),
    };
    shown(service, session, (status, Some(Notice::refusing(words))), Vec::new()).await
}

fn problem_words(problem: PasswordProblem) -> String {
    match problem {
        PasswordProblem::Short => text!("account-problem-short", fewest = FEWEST_CHARACTERS),
        PasswordProblem::Long => text!("account-problem-long").to_owned(),
        PasswordProblem::IsName => text!("account-problem-name").to_owned(),
        PasswordProblem::Common => text!("account-problem-common").to_owned(),
    }
}

/// The form of a password.
#[derive(Deserialize)]
pub(super) struct PasswordForm {
    #[serde(default)]
    before: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// `POST /account/password`: the first one, or another one by whoever knows the one before.
pub(super) async fn password(
    State(service): State<Arc<Service>>,
    Posted { session, form, .. }: Posted<PasswordForm>,
) -> Result<Response, Refusal> {
    let has_one = service.store.credentials(session.user.id).await?.password.is_some();
    // without the one before, only a fresh sign-in shows that it is them; a password waits in no form
    if !has_one && service.needs_proof(&session.live) {
        return Ok(Redirect::to("/account/confirm?back=/account").into_response());
    }
    if form.password != form.again {
        let notice = Notice::refusing(text!("account-problem-again").to_owned());
        return shown(&service, &session, (StatusCode::UNPROCESSABLE_ENTITY, Some(notice)), Vec::new()).await;
    }
    match service.choose_password((&session.user, session.hash()), &form.before, &form.password).await {
        Ok(()) => Ok(Redirect::to("/account?notice=password").into_response()),
        Err(error) => refused(&service, &session, error).await,
    }
}

/// `POST /account/factor`: begins to set a second factor up.
pub(super) async fn factor(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, .. }): Proved<Nothing>,
) -> Result<Response, Refusal> {
    match service.begin_factor(&session.user).await {
        Ok(()) => Ok(Redirect::to("/account#factor").into_response()),
        Err(error) => refused(&service, &session, error).await,
    }
}

/// A code of a second factor.
#[derive(Deserialize)]
pub(super) struct CodeForm {
    #[serde(default)]
    code: String,
}

/// `POST /account/factor/confirm`: the factor holds from now on; its recovery codes are shown once.
pub(super) async fn confirm_factor(
    State(service): State<Arc<Service>>,
    Proved(Posted { session, form, .. }): Proved<CodeForm>,
) -> Result<Response, Refusal> {
    match service.confirm_factor((&session.user, session.hash()), form.code.trim()).await {
        Ok(codes) => shown(&service, &session, (StatusCode::OK, None), codes).await,
        Err(error) => refused(&service, &session, error).await,
    }
}

/// `POST /account/factor/remove`
pub(super) async fn remove_factor(
    State(service): State<Arc<Service>>,
    Posted { session, form, .. }: Posted<CodeForm>,
) -> Result<Response, Refusal> {
    match service.remove_own_factor((&session.user, session.hash()), form.code.trim()).await {
        Ok(()) => Ok(Redirect::to("/account?notice=removed").into_response()),
        Err(error) => refused(&service, &session, error).await,
    }
}

/// `POST /account/sessions`: ends all sessions of the user, this one too.
pub(super) async fn end_sessions(
    State(service): State<Arc<Service>>,
    Posted { session, .. }: Posted<Nothing>,
) -> Result<Response, Refusal> {
    let user = &session.user;
    let change = CredentialChange { user_id: user.id, kept: None, actor: actor(user) };
    service.store.end_sessions(change, service.surroundings.now()).await?;
    Ok(([(header::SET_COOKIE, session::gone(&service))], Redirect::to("/sign-in")).into_response())
}
