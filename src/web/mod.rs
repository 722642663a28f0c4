//! The pages: sign-in, the queue, and one encounter with its notes. Plain HTML that works without scripts.
//!
//! One file a page, each in one order: view structs, handlers. Templates are compiled and escape everything
//! ([`templates`](https://docs.rs/askama) under `src/web/templates`). What a page changes goes through forms that carry a
//! token bound to the session and come from our own origin (`session`); what it shows goes through the use cases of
//! [`Service`], which check scopes and record the access.

#[macro_use]
mod texts;

mod about;
mod account;
mod assets;
mod audit;
mod break_glass;
mod change;
mod chart;
mod codes;
mod confirm;
mod conflict;
mod csv_cell;
mod drift;
mod entry;
mod highlight;
mod history;
mod item;
mod item_view;
mod label_words;
mod learning;
mod list_address;
mod lists;
mod movements;
mod notice;
mod oidc;
mod people;
mod personal;
mod picture;
mod population;
mod preferences;
mod queries;
mod query_draft;
mod query_print;
mod queue;
mod reference;
mod reports;
mod script_texts;
mod second_reviews;
mod session;
mod settings;
mod shadow;
mod shell;
mod shortcuts;
mod sign_in;
mod site_lists;
mod site_pack;
mod site_templates;
mod thresholds;
mod words;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::{Redirect, Response},
    routing::{get, post},
};

pub use texts::{ENGLISH_TEXTS, TextsError, use_site_texts};

use crate::service::Service;

/// The largest form read.
const FORM_LIMIT: usize = 64 * 1024;

/// Headers of every answer. The referrer stays on our own origin; `no-referrer` would make browsers send `Origin: null`
/// with our forms, and the check of the origin would refuse them.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The routes of the pages, to be merged beside the API's.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/queue") }))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-in/second", post(sign_in::second))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(account::show))
        .route("/account/password", post(account::password))
        .route("/account/factor", post(account::factor))
        .route("/account/factor/remove", post(account::remove_factor))
        .route("/account/factor/confirm", post(account::confirm_factor))
        .route("/account/sessions", post(account::end_sessions))
        .route("/account/confirm", get(confirm::show).post(confirm::confirm))
        .route("/sign-in/oidc", get(oidc::begin))
        .route("/sign-in/oidc/callback", get(oidc::finish))
        .route("/sign-in/oidc/end", get(oidc::end))
        .route("/queue", get(queue::show))
        .route("/about", get(about::show))
        .route("/codes", get(codes::search))
        .route("/queue/next", post(queue::next))
        .route("/codes/offers", post(shortcuts::offers))
        .route("/codes/{code}", get(codes::show))
        .route("/items/{id}", get(item::show))
        .route("/items/{id}/entries/{entry}", get(item::entry))
        .route("/items/{id}/claim", post(change::claim))
        .route("/items/{id}/release", post(movements::release))
        .route("/items/{id}/decide", post(change::decide))
        .route("/items/{id}/add", post(change::add))
        .route("/items/{id}/accept-together", post(shortcuts::accept_together))
        .route("/items/{id}/undo", post(shortcuts::undo))
        .route("/items/{id}/hide", post(personal::hide))
        .route("/items/{id}/seen", post(personal::seen))
        .route("/items/{id}/heartbeat", post(personal::heartbeat))
        .route("/items/{id}/codes.csv", get(personal::codes_csv))
        .route("/items/{id}/history", get(history::show))
        .route("/items/{id}/compare/{note}", get(history::compare))
        .route("/preferences", get(preferences::show).post(preferences::change))
        .route("/queue/lists", post(preferences::save_list))
        .route("/second-reviews", get(second_reviews::list).post(second_reviews::draw))
        .route("/second-reviews/{id}", get(second_reviews::show).post(second_reviews::record))
        .route("/reports", get(reports::work::show))
        .route("/reports/work.csv", get(reports::work::csv))
        .route("/reports/engine", get(reports::engine::show))
        .route("/reports/engine.csv", get(reports::engine::csv))
        .route("/reports/amendments.csv", get(reports::engine::amendments_csv))
        .route("/reports/backlog", get(reports::backlog::show))
        .route("/reports/backlog.csv", get(reports::backlog::csv))
        .route("/reports/flow.csv", get(reports::backlog::flow_csv))
        .route("/reports/queries", get(reports::queries::show))
        .route("/reports/queries.csv", get(reports::queries::csv))
        .route("/population", get(population::show))
        .route("/population.csv", get(population::csv))
        .route("/audit", get(audit::show))
        .route("/audit/accesses.csv", get(audit::accesses_csv))
        .route("/audit/patient", post(audit::of_patient))
        .route("/settings", get(settings::show).post(settings::change))
        .route("/settings/lists", get(site_lists::show).post(site_lists::change))
        .route("/settings/people", get(people::list).post(people::add))
        .route("/settings/people/{name}", get(people::show).post(people::change))
        .route("/settings/templates", get(site_templates::show).post(site_templates::change))
        .route("/items/{id}/finish", post(change::finish))
        .route("/items/{id}/reopen", post(movements::reopen))
        .route("/items/{id}/pend", post(movements::pend))
        .route("/items/{id}/escalate", post(movements::escalate))
        .route("/items/{id}/assign", post(movements::assign))
        .route("/items/{id}/remark", post(movements::remark))
        .route("/thresholds", get(thresholds::show))
        .route("/learning", get(learning::show).post(learning::decide))
        .route("/drift", get(drift::show))
        .route("/drift/evaluate", post(drift::evaluate))
        .route("/drift/reference", post(drift::set_reference))
        .route("/drift/alerts/{id}", post(drift::acknowledge))
        .route("/shadow", get(shadow::list).post(shadow::start))
        .route("/shadow/{id}", get(shadow::show))
        .merge(queries::routes())
        .merge(break_glass::routes())
        .merge(site_pack::routes())
        .route("/assets/{name}", get(assets::show))
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(middleware::from_fn(protect))
        .with_state(service)
}

/// The page that describes the API, for an OpenAPI description.
pub fn reference(document: &serde_json::Value) -> Router {
    reference::router(document).layer(middleware::from_fn(protect))
}

/// Adds [`HEADERS`], and `no-store` to all that does not say how long it may be kept.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = shell::in_our_words(next.run(request).await);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
