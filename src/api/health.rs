//! Health, readiness, metrics.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use axum::{Json, extract::State, http::header, response::IntoResponse};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Caller, ProblemBody};
use crate::{
    auth::Permission,
    domain::{DriftMeasure, EngineVersion},
    service::Service,
};

/// Who asks for readiness does not wait longer than this for the store.
const PATIENCE: Duration = Duration::from_secs(3);

/// Answer of the health checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    /// `ok`.
    status: &'static str,
    /// Version of the program.
    version: &'static str,
    /// Version of the site pack that this process runs with; left out where it runs with none.
    #[serde(skip_serializing_if = "Option::is_none")]
    site_pack: Option<u64>,
}

const OK: HealthBody = HealthBody { status: "ok", version: env!("CARGO_PKG_VERSION"), site_pack: None };

/// The process runs and can work. Where it cannot, because every thread of the engine hangs, it has to be started again.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses(
    (status = 200, body = HealthBody), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn live(State(service): State<Arc<Service>>) -> Result<Json<HealthBody>, ApiError> {
    if service.engine.is_stuck() {
        return Err(ApiError::unavailable("stuck", "no thread of the engine works any more; start the process again", 5));
    }
    Ok(Json(OK))
}

/// The store answers and the service is not about to stop, so notes can be sent here.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()), responses(
    (status = 200, body = HealthBody), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn ready(State(service): State<Arc<Service>>) -> Result<Json<HealthBody>, ApiError> {
    if service.is_stopping.load(Ordering::Relaxed) {
        return Err(ApiError::unavailable("stopping", "the service is shutting down", 5));
    }
    match tokio::time::timeout(PATIENCE, service.store.answers()).await {
        Ok(Ok(())) => {
            let site_pack = service.engine.pipeline().site_pack().map(|(version, _)| version);
            return Ok(Json(HealthBody { site_pack, ..OK }));
        }
        Ok(Err(error)) => tracing::error!(%error, "not ready"),
        Err(_) => tracing::error!("not ready: the store says nothing"),
    }
    Err(ApiError::unavailable("not_ready", "the store does not answer", 5))
}

/// Metrics in Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn metrics(State(service): State<Arc<Service>>, caller: Caller) -> Result<impl IntoResponse, ApiError> {
    caller.may(Permission::ReadMetrics)?;
    let now = service.surroundings.now();
    let counts = service.store.counts(now).await?;
    let age = |since: Option<Timestamp>| since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
    let (interactive, background) = service.engine.waiting();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    for (name, value) in [
        ("abstractor_jobs_waiting", counts.jobs_waiting as f64),
        ("abstractor_notes_quarantined", counts.notes_quarantined as f64),
        ("abstractor_notes", counts.notes as f64),
        ("abstractor_items_open", counts.items_open as f64),
        ("abstractor_jobs_running", counts.jobs_running as f64),
        ("abstractor_oldest_job_seconds", age(counts.oldest_job)),
        ("abstractor_deliveries_waiting", counts.deliveries_waiting as f64),
        ("abstractor_oldest_delivery_seconds", age(counts.oldest_delivery)),
        ("abstractor_database_bytes", counts.database_bytes as f64),
        ("abstractor_engine_waiting_interactive", interactive as f64),
        ("abstractor_engine_waiting_background", background as f64),
    ] {
        metrics::gauge!(name).set(value);
    }
    tell_drift(&service, now).await?;
    tell_build(service.engine.pipeline().engine_version());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (service.metrics)()))
}

/// Says how far the last evaluation found each measure from its reference, and how many alerts wait.
async fn tell_drift(service: &Service, now: Timestamp) -> Result<(), ApiError> {
    let waiting = service.store.waiting_drift_alerts().await?;
    #[expect(clippy::cast_precision_loss, reason = "there are at most as many as measures")]
    metrics::gauge!("abstractor_drift_alerts_waiting").set(waiting as f64);
    let newest = service.store.drift_evaluations(1).await?.into_iter().next();
    let age = newest.as_ref().map_or(0.0, |newest| now.duration_since(newest.at).as_secs_f64().max(0.0));
    metrics::gauge!("abstractor_drift_evaluation_age_seconds").set(age);
    for measure in DriftMeasure::ALL {
        let found = newest.as_ref().and_then(|newest| newest.findings.iter().find(|finding| finding.measure == measure));
        let effect = found.and_then(|finding| finding.effect).unwrap_or(0.0).abs() / measure.material_from();
        metrics::gauge!("abstractor_drift_effect", "measure" => measure.as_str()).set(effect);
    }
    Ok(())
}

/// Says what runs; what ran before, until other vocabularies came, does not any more.
fn tell_build(engine: EngineVersion) {
    static TOLD: Mutex<Option<EngineVersion>> = Mutex::new(None);
    let set = |engine: EngineVersion, value: f64| {
        metrics::gauge!("abstractor_build_info", "version" => engine.version, "model" => engine.model, "vocabulary" => engine.vocabulary)
            .set(value);
    };
    let before = TOLD.lock().unwrap_or_else(PoisonError::into_inner).replace(engine.clone());
    if let Some(before) = before.filter(|before| *before != engine) {
        set(before, 0.0);
    }
    set(engine, 1.0);
}
