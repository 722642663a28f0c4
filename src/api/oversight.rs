//! `/v1/reports/thresholds`, `/v1/drift`, `/v1/shadow-runs`: oversight of the engine, as numbers.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ApiError, Caller, ProblemBody, body::Parameters};
use crate::{
    auth::Permission,
    domain::{DriftEvaluation, DriftFinding, DriftWindow, DriftWord, ShadowReport},
    oversight::Thresholds,
    service::{Service, actor},
};

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ThresholdParameters {
    /// Encounters that were finished within the last so many days, 1 to 3650; 90 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    days: Option<u32>,
}

/// What other thresholds would have done.
#[derive(Serialize, ToSchema)]
pub struct ThresholdsBody {
    days: u32,
    /// Finished encounters that take part.
    encounters: u64,
    /// Entries are shown unfolded from here on now, in hundredths.
    shown_from: u8,
    /// Entries may be accepted together from here on now, in hundredths.
    together_from: u8,
    /// By kind; all together last.
    kinds: Vec<Thresholds>,
    /// What this cannot tell.
    limits: &'static str,
}

const LIMITS: &str = "Coders saw each suggestion and how sure the engine was. Entries that were accepted together with others (bulk) were looked \
                      at less. Intervals take entries as independent, which those of one encounter are not.";

/// What hiding below a threshold, or accepting from it on, would have done to suggestions that coders decided on; of what the caller may see.
/// Reading it is recorded.
#[utoipa::path(get, path = "/v1/reports/thresholds", tag = "reports", params(ThresholdParameters), responses(
    (status = 200, body = ThresholdsBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn thresholds(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<ThresholdParameters>,
) -> Result<Json<ThresholdsBody>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let days = parameters.days.unwrap_or(90).clamp(1, 3_650);
    let report = service.thresholds(user, days).await?;
    let now = service.surroundings.now();
    service.store.record_audit(actor(user), "report.read", None, &format!("days={days}"), now).await?;
    Ok(Json(ThresholdsBody {
        days,
        encounters: report.encounters,
        shown_from: report.settings.shown_from,
        together_from: report.settings.together_from,
        kinds: report.kinds,
        limits: LIMITS,
    }))
}

/// What drift is held against.
#[derive(Serialize, ToSchema)]
pub struct DriftReferenceBody {
    /// The fixed window; null where the reference goes along with time.
    window: Option<DriftWindow>,
    /// Login name of who said so.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// An alert.
#[derive(Serialize, ToSchema)]
pub struct DriftAlertBody {
    id: Uuid,
    /// The evaluation that found it first.
    evaluation: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// When an evaluation found it last.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    finding: DriftFinding,
    /// Login name of who acknowledged it; null while it waits.
    acknowledged_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    acknowledged_at: Option<Timestamp>,
    word: Option<DriftWord>,
}

/// Where drift stands.
#[derive(Serialize, ToSchema)]
pub struct DriftBody {
    /// Null where nobody ever said anything.
    reference: Option<DriftReferenceBody>,
    /// The last evaluations, the newest first.
    evaluations: Vec<DriftEvaluation>,
    /// Those that wait first.
    alerts: Vec<DriftAlertBody>,
}

/// What of the last days is no longer as it was, over the whole site, as numbers; and the alerts that came of it.
#[utoipa::path(get, path = "/v1/drift", tag = "reports", responses(
    (status = 200, body = DriftBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn drift(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<DriftBody>, ApiError> {
    caller.may(Permission::ReadReports)?;
    let state = service.drift().await?;
    let alerts = state.alerts.into_iter().map(|alert| {
        let acknowledged = alert.acknowledged;
        DriftAlertBody {
            id: alert.id,
            evaluation: alert.evaluation,
            at: alert.at,
            seen_at: alert.seen_at,
            finding: alert.finding,
            acknowledged_at: acknowledged.as_ref().map(|one| one.at),
            word: acknowledged.as_ref().map(|one| one.word),
            acknowledged_by: acknowledged.map(|one| one.by),
        }
    });
    Ok(Json(DriftBody {
        alerts: alerts.collect(),
        evaluations: state.evaluations,
        reference: state.reference.map(|one| DriftReferenceBody { window: one.window, by: one.by, at: one.at }),
    }))
}

/// The last shadow runs.
#[derive(Serialize, ToSchema)]
pub struct ShadowRunList {
    /// The newest first.
    reports: Vec<ShadowReport>,
}

/// What other models, vocabularies and site packs came to beside those that were live, on encounters that coders finished; of what differs only
/// what lies in encounters that the caller may see.
#[utoipa::path(get, path = "/v1/shadow-runs", tag = "reports", responses(
    (status = 200, body = ShadowRunList),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn shadow_runs(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<ShadowRunList>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    Ok(Json(ShadowRunList { reports: service.shadow_reports(user).await? }))
}
