//! What surrounds every page, and the pages that only say something.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{
    assets::{LIVE, SCRIPT, STYLE, WORK},
    session::Session,
    words,
};
use crate::{
    auth::{Permission, permits},
    service::{RefusedTo, actor},
    store::StoreError,
};

/// The frame of a page: who is signed in, and what their forms carry.
#[derive(Debug, Clone, Default)]
pub(super) struct Shell {
    /// Login name; none when nobody is signed in.
    pub user: Option<String>,
    /// Their role.
    pub role: &'static str,
    /// What their forms carry.
    pub form_token: String,
    /// Whether they look at finished encounters again.
    pub reviews: bool,
    /// Whether they may read reports.
    pub reports: bool,
    /// Whether they may see the site's settings.
    pub leads: bool,
    /// Whether they look at accesses under broken glass.
    pub accesses: bool,
    /// Whether the page offers to break the glass.
    pub glass: bool,
    /// Whether they may read the audit trail.
    pub audits: bool,
}

impl Shell {
    /// The frame for a session.
    pub(super) fn of(session: &Session) -> Self {
        Self {
            user: Some(session.user.name.clone()),
            role: words::user_role(session.user.role),
            form_token: session.form_token(),
            reviews: permits(session.user.role, Permission::SecondReview),
            reports: permits(session.user.role, Permission::ReadReports),
            leads: permits(session.user.role, Permission::ReadSettings),
            accesses: permits(session.user.role, Permission::ReviewAccesses),
            glass: false,
            audits: permits(session.user.role, Permission::ReadAudit),
        }
    }

    /// Address of the style sheet.
    pub(super) fn style(&self) -> &'static str {
        &STYLE.path
    }

    /// Address of the script of every page.
    pub(super) fn script(&self) -> &'static str {
        &SCRIPT.path
    }

    /// Address of the script of an item's page.
    pub(super) fn work(&self) -> &'static str {
        &WORK.path
    }

    /// Address of the script that saves without a new page.
    pub(super) fn live(&self) -> &'static str {
        &LIVE.path
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct MessagePage {
    /// The frame.
    pub shell: Shell,
    /// Heading.
    pub title: String,
    /// What it says.
    pub message: String,
}

/// A rendered page.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page instead of the one asked for. Boxed: most calls succeed.
#[derive(Debug)]
pub(super) struct Refusal(Box<Response>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

/// The service failed; why stands in the log only.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a page failed");
        failed()
    }
}

/// 500; why stands in the log.
pub(super) fn failed() -> Refusal {
    let words = text!("message-failed-how");
    message(StatusCode::INTERNAL_SERVER_ERROR, Shell::default(), (text!("message-failed"), words))
}

fn message(status: StatusCode, shell: Shell, (title, message): (&str, &str)) -> Refusal {
    page(status, &MessagePage { shell, title: title.to_owned(), message: message.to_owned() }).into()
}

/// The role may not do this.
pub(super) fn forbidden(session: &Session) -> Refusal {
    let words = text!("message-forbidden-how", name = session.user.name, role = words::user_role(session.user.role));
    let mut refusal = message(StatusCode::FORBIDDEN, Shell::of(session), (text!("message-forbidden"), &words));
    refusal.0.extensions_mut().insert(RefusedTo(actor(&session.user)));
    refusal
}

/// Nothing there, or not in the user's scope.
pub(super) fn missing(session: &Session) -> Refusal {
    let words = text!("message-missing-how");
    // offered whether or not there is something: it tells nobody that there is
    let shell = Shell { glass: permits(session.user.role, Permission::BreakGlass), ..Shell::of(session) };
    message(StatusCode::NOT_FOUND, shell, (text!("message-missing"), words))
}

/// An address or a form that cannot be read: what the router says of it quotes it, and it may name a patient.
pub(super) fn in_our_words(response: Response) -> Response {
    let is_plain = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !response.status().is_client_error() || !is_plain {
        return response;
    }
    refused(response.status(), text!("message-unreadable")).into_response()
}

/// A form that is not taken.
pub(super) fn refused(status: StatusCode, words: &str) -> Refusal {
    message(status, Shell::default(), (text!("message-not-taken"), words))
}
