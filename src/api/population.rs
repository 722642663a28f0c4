//! `/v1/reports/population`: patients by diagnosis, medication or allergen, small groups left out.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ApiError, Caller, ProblemBody, body::Parameters};
use crate::{
    auth::Permission,
    domain::{Cell, SMALLEST_CELL},
    report::{CodeLevel, ColumnOf, ColumnsBy, CountedBy, PopulationAsked, PopulationRow, RowOf},
    service::Service,
};

/// Of what. What the caller may not see is left out whatever is asked.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PopulationParameters {
    /// What patients are counted by; diagnoses when left out.
    by: Option<CountedBy>,
    /// How finely diagnoses are told; by category when left out. Of medications and allergens nothing is asked.
    level: Option<CodeLevel>,
    /// What the columns are; months when left out.
    columns: Option<ColumnsBy>,
    /// The first month, like 2026-04. When left out, so that the last 12 months, 8 quarters or 5 years are told.
    #[param(pattern = r"^[0-9]{4}-[0-9]{2}$")]
    from: Option<String>,
    /// The last month. It has ended; when left out, the last that has ended.
    #[param(pattern = r"^[0-9]{4}-[0-9]{2}$")]
    until: Option<String>,
}

/// A column.
#[derive(Serialize, ToSchema)]
pub struct PopulationColumnBody {
    /// A month, quarter or year (`2026-04`, `2026-Q2`, `2026`), a facility, a department or a class; empty where encounters have none.
    value: String,
    /// Whether these are the places with fewer patients together.
    others: bool,
}

/// Distinct patients.
#[derive(Serialize, ToSchema)]
pub struct PatientCountsBody {
    /// By column; null is not told.
    patients: Vec<Option<u64>>,
    /// Of all columns, each counted once; null is not told.
    all: Option<u64>,
}

/// A row.
#[derive(Serialize, ToSchema)]
pub struct PopulationRowBody {
    /// `code`, `no_known_allergies` or `uncoded`.
    kind: &'static str,
    /// Code system URI.
    system: Option<String>,
    /// The code, category, or range of a block or chapter.
    code: Option<String>,
    title: Option<String>,
    #[serde(flatten)]
    counts: PatientCountsBody,
}

/// Patients.
#[derive(Serialize, ToSchema)]
pub struct PopulationBody {
    by: CountedBy,
    /// How finely diagnoses are told; null for medications and allergens.
    level: Option<CodeLevel>,
    columns_by: ColumnsBy,
    /// The first month.
    from: String,
    /// The last month.
    until: String,
    /// Smaller counts than this are null, but 0, and so are those that would tell them.
    smallest_told: u64,
    columns: Vec<PopulationColumnBody>,
    /// Patients with a finished encounter.
    seen: PatientCountsBody,
    /// What is told of all columns first, with the most patients first; then the others by code.
    rows: Vec<PopulationRowBody>,
    /// Finished encounters without a patient, which are not counted; null is not told.
    encounters_without_patient: Option<u64>,
}

fn counts(cells: &[Cell], all: Cell) -> PatientCountsBody {
    PatientCountsBody { patients: cells.iter().map(|cell| cell.told()).collect(), all: all.told() }
}

fn row(row: PopulationRow) -> PopulationRowBody {
    let counts = counts(&row.cells, row.patients);
    let title = Some(row.title).filter(|title| !title.is_empty());
    match row.of {
        RowOf::Code { system, code } => {
            PopulationRowBody { kind: "code", system: Some(system), code: Some(code), title, counts }
        }
        RowOf::NoKnownAllergies => {
            PopulationRowBody { kind: "no_known_allergies", system: None, code: None, title: None, counts }
        }
        RowOf::Uncoded => PopulationRowBody { kind: "uncoded", system: None, code: None, title: None, counts },
    }
}

fn column(column: ColumnOf) -> PopulationColumnBody {
    match column {
        ColumnOf::Time(value) | ColumnOf::Place(value) => PopulationColumnBody { value, others: false },
        ColumnOf::OtherPlaces => PopulationColumnBody { value: String::new(), others: true },
    }
}

/// Distinct patients of encounters that were finished last within whole months, by what coders let stand: accepted, amended or added, and not
/// denied, of the family, hypothetical or past; of what the caller may see. Counts below 11, and what would tell them, are null. Reading it is recorded.
#[utoipa::path(get, path = "/v1/reports/population", tag = "reports", params(PopulationParameters), responses(
    (status = 200, body = PopulationBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn population(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<PopulationParameters>,
) -> Result<Json<PopulationBody>, ApiError> {
    let user = caller.may(Permission::ReadReports)?;
    let PopulationParameters { by, level, columns, from, until } = parameters;
    let (by, columns) = (by.unwrap_or_default(), columns.unwrap_or_default());
    let bad = |why: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_parameter", why);
    let months = service
        .months((from.as_deref(), until.as_deref()), columns)
        .map_err(|why| bad(format!("from and until cannot be reported: {why}")))?;
    let asked = PopulationAsked { by, level: level.unwrap_or_default(), columns, months };
    let report = service.population(user, asked, "report.read").await?;
    Ok(Json(PopulationBody {
        by,
        level: (by == CountedBy::Diagnosis).then_some(asked.level),
        columns_by: columns,
        from: months.first(),
        until: months.last(),
        smallest_told: SMALLEST_CELL,
        columns: report.columns.into_iter().map(column).collect(),
        seen: counts(&report.seen, report.patients),
        rows: report.rows.into_iter().map(row).collect(),
        encounters_without_patient: report.without_patient.told(),
    }))
}
