//! `/account/confirm`: a fresh proof of who it is, for what arranges the site. What was to be done goes on with it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    session::{Posted, Session},
    shell::{Refusal, Shell, page},
    sign_in::wait_words,
};
use crate::{
    service::{Proof, Service},
    store::StoreError,
};

/// What the fields of the proof begin with, so that none is one of the form that waits.
const PROOF: &str = "proof_";

/// The page.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage {
    /// The frame.
    pub shell: Shell,
    /// Why the last try failed.
    pub problem: Option<String>,
    /// Where it goes on.
    pub to: String,
    /// The form that waits, as names and values.
    pub fields: Vec<(String, String)>,
    /// Whether the user has a password.
    pub has_password: bool,
    /// Whether they have a second factor.
    pub has_factor: bool,
}

/// Asks for a proof, for a form that was posted to a path.
pub(super) async fn asked(
    service: &Service,
    session: &Session,
    waiting: (String, Vec<(String, String)>),
) -> Result<Response, StoreError> {
    shown(service, session, waiting, (StatusCode::FORBIDDEN, None)).await
}

async fn shown(
    service: &Service,
    session: &Session,
    (to, fields): (String, Vec<(String, String)>),
    (status, problem): (StatusCode, Option<String>),
) -> Result<Response, StoreError> {
    let credentials = service.store.credentials(session.user.id).await?;
    let view = ConfirmPage {
        shell: Shell::of(session),
        problem,
        to,
        fields: fields.into_iter().filter(|(name, _)| name != "form_token" && !name.starts_with(PROOF)).collect(),
        has_password: credentials.password.is_some(),
        has_factor: credentials.confirmed_factor().is_some(),
    };
    Ok(page(status, &view))
}

/// What the address says.
#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    back: String,
}

/// A path of ours; the account's where it is none.
fn path_of(text: &str) -> &str {
    let is_path = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    if is_path && text.bytes().all(|byte| byte.is_ascii_graphic()) { text } else { "/account" }
}

/// `GET /account/confirm`, `?back=` says where it goes on.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(Back { back }): Query<Back>,
) -> Result<Response, Refusal> {
    Ok(shown(&service, &session, (path_of(&back).to_owned(), Vec::new()), (StatusCode::OK, None)).await?)
}

/// The proof.
#[derive(Deserialize)]
pub(super) struct ConfirmForm {
    #[serde(default)]
    proof_to: String,
    #[serde(default)]
    proof_password: String,
    #[serde(default)]
    proof_code: String,
}

/// `POST /account/confirm`: with the proof the form that waits goes on to its path, as it was.
pub(super) async fn confirm(
    State(service): State<Arc<Service>>,
    Posted { session, form, fields, .. }: Posted<ConfirmForm>,
) -> Result<Response, Refusal> {
    let to = path_of(&form.proof_to);
    let problem = match service.prove(&session.live, (&form.proof_password, form.proof_code.trim())).await? {
        Proof::Given => {
            let waits = fields.iter().any(|(name, _)| name != "form_token" && !name.starts_with(PROOF));
            // 307 has the browser post the same form to another path
            let redirect = if waits { Redirect::temporary(to) } else { Redirect::to(to) };
            return Ok(redirect.into_response());
        }
        Proof::Refused => (StatusCode::UNPROCESSABLE_ENTITY, text!("confirm-refused").to_owned()),
        Proof::Wait(until) => (StatusCode::TOO_MANY_REQUESTS, wait_words(&service, until)),
    };
    let (status, problem) = problem;
    Ok(shown(&service, &session, (to.to_owned(), fields), (status, Some(problem))).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_within_the_service_alone() {
        for path in ["/settings/people", "/settings/people/kim?notice=saved"] {
            assert_eq!(path_of(path), path);
        }
        for other in ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "/ä", "settings"] {
            assert_eq!(path_of(other), "/account", "{other:?}");
        }
    }
}
