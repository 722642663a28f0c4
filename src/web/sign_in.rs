//! `/sign-in` and `/sign-out`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{FromRequest, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    session::{self, Posted},
    shell::{Refusal, Shell, page, refused},
};
use crate::{
    auth::{Permission, Token, permits},
    domain::User,
    service::Service,
    store::{StoreError, TokenKind},
};

/// The sign-in page.
#[derive(Template, Default)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    /// The frame.
    pub shell: Shell,
    /// Fills the field.
    pub code: String,
    /// Why the last try failed.
    pub problem: Option<&'static str>,
}

/// What the page and its form carry.
#[derive(Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    code: String,
}

/// `GET /sign-in`, `?code=` fills the field. The code is used up by the form only, so that a link preview cannot do it.
pub(super) async fn show(Query(SignIn { code }): Query<SignIn>) -> Response {
    page(StatusCode::OK, &SignInPage { code, ..SignInPage::default() })
}

/// `POST /sign-in`
pub(super) async fn sign_in(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if !session::is_from_our_origin(&parts) {
        return Err(refused(StatusCode::FORBIDDEN, text!("sign-in-of-another-site")));
    }
    let Form(SignIn { code }) = Form::from_request(Request::from_parts(parts.clone(), body), &service)
        .await
        .map_err(|_| refused(StatusCode::BAD_REQUEST, text!("sign-in-unreadable")))?;
    let user = user_of(&service, code.trim()).await?.filter(|user| session::shows_certificate(&service, user, &parts));
    let Some(user) = user else {
        let problem = text!("sign-in-refused");
        return Ok(page(StatusCode::UNAUTHORIZED, &SignInPage { problem: Some(problem), ..SignInPage::default() }));
    };
    let cookie = session::start(&service, &user).await?;
    let first =
        [(Permission::ListItems, "/queue"), (Permission::ReadSettings, "/settings"), (Permission::ReadReports, "/reports")];
    let first = first.into_iter().find(|(permission, _)| permits(user.role, *permission)).map_or("/about", |(_, path)| path);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(first)).into_response())
}

/// The user of a one-time code, which is used up, or of an API token of somebody who works in the queue, arranges it or reads reports.
async fn user_of(service: &Service, code: &str) -> Result<Option<User>, StoreError> {
    let Some(token) = Token::parse(code) else { return Ok(None) };
    let now = service.surroundings.now();
    if let Some(user) = service.store.redeem_sign_in(token.hash(), now).await? {
        return Ok(Some(user));
    }
    let user = service.store.user_of_token(token.hash(), TokenKind::Api, now).await?;
    let pages = [Permission::ListItems, Permission::ReadSettings, Permission::ReadReports];
    Ok(user.filter(|user| pages.into_iter().any(|permission| permits(user.role, permission))))
}

/// Nothing but the form token.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /sign-out`
pub(super) async fn sign_out(State(service): State<Arc<Service>>, posted: Posted<Nothing>) -> Result<Response, Refusal> {
    let cookie = session::end(&service, &posted.session).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}
