//! What is told of a request: counted, timed, traced, and its id in the log lines of its time.

use std::time::Instant;

use axum::{extract::MatchedPath, http::HeaderMap, middleware::Next};
use opentelemetry_http::HeaderExtractor;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Counts, times and traces a request, by its route pattern, method and status; never by the address itself. Log lines written meanwhile
/// carry its id.
pub async fn observe(request: axum::extract::Request, next: Next) -> axum::response::Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", |path| path.as_str()).to_owned();
    let method = match request.method().as_str() {
        known @ ("GET" | "POST" | "PUT" | "DELETE" | "HEAD" | "PATCH" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let started = Instant::now();
    // names of OpenTelemetry's semantic conventions
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        request_id = request_id(request.headers()),
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    // none where nobody takes traces
    let _ = span.set_parent(caller_of(request.headers()));
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("abstractor_http_request_seconds", "route" => route.clone(), "method" => method.clone())
        .record(seconds);
    let status = response.status().as_u16().to_string();
    metrics::counter!("abstractor_http_requests_total", "route" => route, "method" => method, "status" => status).increment(1);
    response
}

/// The id of a request as the log may have it: a sender's own is told only where it is a UUID, since anything else could name a patient.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    uuid::Uuid::try_parse(id).ok().map(|id| id.to_string())
}

/// The span that a caller says is above this one, in the headers of W3C Trace Context.
fn caller_of(headers: &HeaderMap) -> opentelemetry::Context {
    opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(headers)))
}
