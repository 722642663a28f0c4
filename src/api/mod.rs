//! The JSON API: `/v1`, health, metrics and the OpenAPI file. Wire types live beside their endpoints.

mod accesses;
mod admission;
mod audit;
mod authenticate;
mod body;
mod break_glass;
mod bulk;
mod cds_hooks;
mod codes;
mod destinations;
mod error;
mod extract;
mod fhir;
mod framing;
#[cfg(test)]
mod fuzz;
mod headers;
mod health;
mod items;
mod learning;
mod messages;
mod notes;
mod oauth;
mod oversight;
mod population;
mod queries;
mod refusals;
mod reports;
mod site_lists;
mod site_packs;
mod vocabularies;
mod worklists;

pub use admission::{Admission, Limits, admit, refused};
pub use authenticate::Caller;
pub use body::{refuse_encoded, refuse_nul};
pub use error::{ApiError, ProblemBody, panicked};
pub use framing::refuse_ambiguous;
pub use headers::{Reached, add_headers, require_certificate};
pub use notes::NoteRequest;
pub use refusals::record_refusals;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, http::StatusCode, response::IntoResponse};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::service::Service;

/// The largest body read: a note of the greatest length, its characters escaped, and the other fields.
const fn body_limit(max_note_bytes: usize) -> usize {
    6 * max_note_bytes + 65_536
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Abstractor",
        description = "Turns diagnoses, medications and allergies in clinical notes into coded entries with evidence, queued for human review."
    ),
    modifiers(&BearerToken)
)]
struct Document;

struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("token", [])]);
    }
}

fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(notes::post_note))
        .routes(routes!(bulk::post_notes))
        .routes(routes!(notes::retract))
        .routes(routes!(notes::get_note))
        .routes(routes!(notes::get_text))
        .routes(routes!(notes::get_extraction))
        .routes(routes!(notes::get_fhir))
        .routes(routes!(extract::extract))
        .routes(routes!(bulk::extract_many))
        .routes(routes!(worklists::list_items))
        .routes(routes!(items::get_item))
        .routes(routes!(items::claim_item))
        .routes(routes!(worklists::release_item))
        .routes(routes!(items::decide))
        .routes(routes!(items::finish_item))
        .routes(routes!(break_glass::break_glass))
        .routes(routes!(worklists::pend_item))
        .routes(routes!(worklists::escalate_item))
        .routes(routes!(worklists::assign_item))
        .routes(routes!(worklists::reopen_item))
        .routes(routes!(worklists::add_remark))
        .routes(routes!(site_lists::list_reasons))
        .routes(routes!(site_lists::list_teams))
        .routes(routes!(queries::list_query_templates))
        .routes(routes!(queries::list_queries, queries::draft_query))
        .routes(routes!(queries::revise_query))
        .routes(routes!(queries::send_query))
        .routes(routes!(queries::withdraw_query))
        .routes(routes!(queries::answer_query))
        .routes(routes!(queries::close_query))
        .routes(routes!(codes::find_codes))
        .routes(routes!(codes::get_code))
        .routes(routes!(codes::list_chapters))
        .routes(routes!(codes::get_block))
        .routes(routes!(vocabularies::get_vocabularies))
        .routes(routes!(vocabularies::reload))
        .routes(routes!(vocabularies::roll_back))
        .routes(routes!(site_packs::list_packs, site_packs::add_pack))
        .routes(routes!(site_packs::get_pack))
        .routes(routes!(site_packs::activate_pack))
        .routes(routes!(destinations::list_destinations, destinations::add_destination))
        .routes(routes!(destinations::disable_destination))
        .routes(routes!(destinations::enable_destination))
        .routes(routes!(destinations::list_deliveries))
        .routes(routes!(destinations::resend))
        .routes(routes!(messages::list_messages))
        .routes(routes!(messages::replay_message))
        .routes(routes!(cds_hooks::discover))
        .routes(routes!(cds_hooks::call))
        .routes(routes!(oauth::configuration))
        .routes(routes!(oauth::token))
        .routes(routes!(audit::list_events))
        .routes(routes!(accesses::list_accesses))
        .routes(routes!(reports::work))
        .routes(routes!(oversight::thresholds))
        .routes(routes!(learning::proposals))
        .routes(routes!(learning::decide_proposals))
        .routes(routes!(learning::try_proposals))
        .routes(routes!(oversight::drift))
        .routes(routes!(oversight::shadow_runs))
        .routes(routes!(reports::engine))
        .routes(routes!(reports::backlog))
        .routes(routes!(reports::queries))
        .routes(routes!(population::population))
}

/// The OpenAPI description of all endpoints.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = routes().split_for_parts().1;
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            for (status, response) in &mut operation.responses.responses {
                if let utoipa::openapi::RefOr::T(response) = response {
                    describe(status, response);
                }
            }
        }
    }
    document
}

/// OpenAPI asks for a description of every response: the words of its status, where the handler gives none.
fn describe(status: &str, response: &mut utoipa::openapi::Response) {
    if response.description.is_empty() {
        let known = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
        known.and_then(|status| status.canonical_reason()).unwrap_or("Answer").clone_into(&mut response.description);
    }
}

/// The same as JSON.
#[must_use]
pub fn described() -> serde_json::Value {
    serde_json::to_value(openapi()).unwrap_or_default()
}

/// The API's routes.
pub fn router(service: Arc<Service>) -> Router {
    let document = described().to_string();
    routes()
        .split_for_parts()
        .0
        .route(
            "/openapi.json",
            axum::routing::get(move || {
                let document = document.clone();
                async move { ([("content-type", "application/json")], document) }
            }),
        )
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address does not take this method")
        })
        .layer(DefaultBodyLimit::max(body_limit(service.max_note_bytes)))
        .merge(fhir::router(service.max_note_bytes))
        .with_state(service)
}

/// The routes of a process that only works: health and metrics.
pub fn operations(service: Arc<Service>) -> Router {
    let routes =
        OpenApiRouter::new().routes(routes!(health::live)).routes(routes!(health::ready)).routes(routes!(health::metrics));
    routes.split_for_parts().0.with_state(service)
}

/// The routes of health alone.
pub fn health(service: Arc<Service>) -> Router {
    OpenApiRouter::new().routes(routes!(health::live)).routes(routes!(health::ready)).split_for_parts().0.with_state(service)
}

/// What an unknown address answers.
pub async fn unknown_address() -> impl IntoResponse {
    ApiError::new(StatusCode::NOT_FOUND, "unknown_address", "there is nothing at this address; see /openapi.json")
}
