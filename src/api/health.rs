//! Health, readiness, metrics.

use std::sync::Arc;

use axum::{Json, extract::State, http::header, response::IntoResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Caller, ProblemBody};
use crate::{auth::Permission, service::Service};

/// Answer of the health checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    /// `ok`.
    status: &'static str,
    /// Version of the program.
    version: &'static str,
}

const OK: HealthBody = HealthBody { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// The process runs.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses((status = 200, body = HealthBody)))]
pub async fn live() -> Json<HealthBody> {
    Json(OK)
}

/// The store answers, so notes can be taken.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()), responses(
    (status = 200, body = HealthBody), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn ready(State(service): State<Arc<Service>>) -> Result<Json<HealthBody>, ApiError> {
    match service.store.counts(service.surroundings.now()).await {
        Ok(_) => Ok(Json(OK)),
        Err(error) => {
            tracing::error!(%error, "not ready");
            Err(ApiError::unavailable("not_ready", "the store does not answer", 5))
        }
    }
}

/// Metrics in Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn metrics(State(service): State<Arc<Service>>, caller: Caller) -> Result<impl IntoResponse, ApiError> {
    caller.may(Permission::ReadMetrics)?;
    let counts = service.store.counts(service.surroundings.now()).await?;
    let (interactive, background) = service.engine.waiting();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    for (name, value) in [
        ("abstractor_jobs_waiting", counts.jobs_waiting as f64),
        ("abstractor_notes_quarantined", counts.notes_quarantined as f64),
        ("abstractor_notes", counts.notes as f64),
        ("abstractor_items_open", counts.items_open as f64),
        ("abstractor_engine_waiting_interactive", interactive as f64),
        ("abstractor_engine_waiting_background", background as f64),
    ] {
        metrics::gauge!(name).set(value);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (service.metrics)()))
}
