//! `/population`: patients by diagnosis, medication or allergen, over time or by place, small groups left out; as CSV too.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use super::{
    change::{Answer, filled},
    chart::{Chart, Heading, Series},
    csv_cell::cell,
    reports,
    session::Session,
    shell::{Refusal, Shell, failed, page, refused},
    words,
};
use crate::{
    auth::Permission,
    domain::{Cell, SMALLEST_CELL},
    interop::fhir::percent_encoded,
    report::{
        CodeLevel, ColumnOf, ColumnsBy, CountedBy, MOST_ROWS, MonthsError, PopulationAsked, PopulationReport, PopulationRow,
        RowOf, charted,
    },
    service::Service,
};

/// Lines of the chart: the classes are those of the style sheet.
const LINES: [&str; 5] = ["line-1", "line-2", "line-3", "line-4", "line-5"];

/// What the address says; what cannot be read is what is shown first.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    /// What patients are counted by.
    pub by: String,
    /// How finely diagnoses are told.
    pub level: String,
    /// What the columns are.
    pub columns: String,
    /// The first month.
    pub from: String,
    /// The last month.
    pub until: String,
}

/// One of several that can be chosen.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// Its word in the address.
    pub word: &'static str,
    /// Its words on the page.
    pub name: &'static str,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// A row of the table.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its name.
    pub name: String,
    /// More of it: the title of a code.
    pub more: String,
    /// Its cells.
    pub cells: Vec<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "population.html")]
pub(super) struct PopulationPage {
    /// The frame.
    pub shell: Shell,
    /// The reports.
    pub tabs: Vec<reports::Choice>,
    /// What patients are counted by.
    pub by: Vec<Choice>,
    /// How finely diagnoses are told.
    pub levels: Vec<Choice>,
    /// What the columns are.
    pub columns_by: Vec<Choice>,
    /// The first and the last month.
    pub months: [String; 2],
    /// The same in words.
    pub time: String,
    /// Where the file is.
    pub file: String,
    /// The chart; none where the columns are no times, or nothing is told.
    pub chart: Option<Chart>,
    /// Headings of the columns.
    pub columns: Vec<String>,
    /// Patients seen.
    pub seen: Line,
    /// The rows.
    pub rows: Vec<Line>,
    /// How many more rows the file has.
    pub more_rows: usize,
    /// Encounters without a patient.
    pub without_patient: String,
    /// Counts from this one on are told.
    pub smallest: u64,
}

fn by_words(by: CountedBy) -> &'static str {
    match by {
        CountedBy::Diagnosis => text!("population-by-diagnosis"),
        CountedBy::Medication => text!("population-by-medication"),
        CountedBy::Allergy => text!("population-by-allergy"),
    }
}

fn level_words(level: CodeLevel) -> &'static str {
    match level {
        CodeLevel::Chapter => text!("population-chapter"),
        CodeLevel::Block => text!("population-block"),
        CodeLevel::Category => text!("population-category"),
        CodeLevel::Code => text!("population-code"),
    }
}

fn columns_words(columns: ColumnsBy) -> &'static str {
    match columns {
        ColumnsBy::Month => text!("population-month"),
        ColumnsBy::Quarter => text!("population-quarter"),
        ColumnsBy::Year => text!("population-year"),
        ColumnsBy::Facility => text!("population-facility"),
        ColumnsBy::Department => text!("population-department"),
        ColumnsBy::EncounterClass => text!("population-class"),
    }
}

fn why(error: MonthsError) -> &'static str {
    match error {
        MonthsError::Form => text!("population-bad-form"),
        MonthsError::Order => text!("population-bad-order"),
        MonthsError::NotEnded => text!("population-not-ended"),
        MonthsError::Cut => text!("population-cut"),
    }
}

impl Address {
    fn asked(&self, service: &Service) -> Result<PopulationAsked, Refusal> {
        let columns = ColumnsBy::ALL.into_iter().find(|one| one.as_str() == self.columns).unwrap_or_default();
        let (from, until) = (filled(&self.from), filled(&self.until));
        let months = service
            .months((from.as_deref(), until.as_deref()), columns)
            .map_err(|error| refused(StatusCode::BAD_REQUEST, why(error)))?;
        Ok(PopulationAsked {
            by: CountedBy::ALL.into_iter().find(|one| one.as_str() == self.by).unwrap_or_default(),
            level: CodeLevel::ALL.into_iter().find(|one| one.as_str() == self.level).unwrap_or_default(),
            columns,
            months,
        })
    }
}

/// A count, or that it is not told.
fn told(cell: Cell) -> String {
    cell.told().map_or_else(|| text!("population-untold").to_owned(), |count| count.to_string())
}

fn cells(cells: &[Cell], all: Cell) -> Vec<String> {
    cells.iter().chain([&all]).map(|cell| told(*cell)).collect()
}

fn column_words(column: &ColumnOf, columns: ColumnsBy) -> String {
    match column {
        ColumnOf::Place(class) if columns == ColumnsBy::EncounterClass => words::encounter_class(class.parse().ok()).to_owned(),
        ColumnOf::Place(place) if place.is_empty() => text!("population-no-place").to_owned(),
        ColumnOf::Time(name) | ColumnOf::Place(name) => name.clone(),
        ColumnOf::OtherPlaces => text!("population-other-places").to_owned(),
    }
}

/// What a row is called: a diagnosis by its code, the others by their names.
fn row_words(row: &PopulationRow, by: CountedBy) -> (String, String) {
    match &row.of {
        RowOf::Code { code, .. } if by == CountedBy::Diagnosis || row.title.is_empty() => (code.clone(), row.title.clone()),
        RowOf::Code { code, .. } => (row.title.clone(), code.clone()),
        RowOf::NoKnownAllergies => (text!("population-none-known").to_owned(), String::new()),
        RowOf::Uncoded => (text!("population-uncoded").to_owned(), String::new()),
    }
}

fn chart(report: &PopulationReport, asked: &PopulationAsked) -> Option<Chart> {
    let shown = charted(report, LINES.len());
    if !asked.columns.is_time() || shown.is_empty() {
        return None;
    }
    let names: Vec<String> = report.columns.iter().map(|column| column_words(column, asked.columns)).collect();
    let series: Vec<Series> = LINES
        .into_iter()
        .zip(shown)
        .map(|(class, row)| Series {
            class,
            name: row_words(row, asked.by).0,
            counts: row.cells.iter().map(|cell| cell.told()).collect(),
        })
        .collect();
    let heading = Heading {
        id: "chart-population",
        title: text!("population-chart", by = by_words(asked.by)),
        description: text!("population-chart-words").to_owned(),
    };
    Some(Chart::with_gaps(heading, series, &names))
}

/// `GET /population`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ReadReports)?;
    let asked = address.asked(&service)?;
    let report = service.population(user, asked, "report.read").await?;
    let months = [asked.months.first(), asked.months.last()];
    let fields = [
        ("by", asked.by.as_str()),
        ("level", asked.level.as_str()),
        ("columns", asked.columns.as_str()),
        ("from", &months[0]),
        ("until", &months[1]),
    ];
    let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    let line = |row: &PopulationRow| {
        let (name, more) = row_words(row, asked.by);
        Line { name, more, cells: cells(&row.cells, row.patients) }
    };
    let view = PopulationPage {
        shell: Shell::of(&session),
        tabs: reports::tabs(reports::POPULATION, str::to_owned),
        by: CountedBy::ALL.map(|one| Choice { word: one.as_str(), name: by_words(one), is_chosen: one == asked.by }).into(),
        levels: CodeLevel::ALL
            .map(|one| Choice { word: one.as_str(), name: level_words(one), is_chosen: one == asked.level })
            .into(),
        columns_by: ColumnsBy::ALL
            .map(|one| Choice { word: one.as_str(), name: columns_words(one), is_chosen: one == asked.columns })
            .into(),
        time: text!("population-time", from = months[0], until = months[1]),
        months,
        file: format!("/population.csv?{}", query.join("&")),
        chart: chart(&report, &asked),
        columns: report.columns.iter().map(|column| column_words(column, asked.columns)).collect(),
        seen: Line {
            name: text!("population-seen").to_owned(),
            more: String::new(),
            cells: cells(&report.seen, report.patients),
        },
        rows: report.rows.iter().take(MOST_ROWS).map(line).collect(),
        more_rows: report.rows.len().saturating_sub(MOST_ROWS),
        without_patient: match report.without_patient {
            Cell::Count(0) => String::new(),
            Cell::Count(count) => text!("population-without-patient", count = count),
            Cell::Suppressed => text!("population-few-without-patient", smallest = SMALLEST_CELL),
        },
        smallest: SMALLEST_CELL,
    };
    Ok(page(StatusCode::OK, &view))
}

/// The rows of the file: one for each cell.
fn file_rows(report: &PopulationReport, asked: &PopulationAsked) -> Vec<[String; 8]> {
    let of_seen = (["seen", "", "", ""].map(str::to_owned), &report.seen, report.patients);
    let of_rows = report.rows.iter().map(|row| {
        let (kind, system, code) = match &row.of {
            RowOf::Code { system, code } => ("code", system.as_str(), code.as_str()),
            RowOf::NoKnownAllergies => ("no_known_allergies", "", ""),
            RowOf::Uncoded => ("uncoded", "", ""),
        };
        ([kind, system, code, &row.title].map(str::to_owned), &row.cells, row.patients)
    });
    let mut rows = Vec::new();
    for (head, cells, all) in std::iter::once(of_seen).chain(of_rows) {
        let columns = report.columns.iter().map(|column| match column {
            ColumnOf::Time(name) | ColumnOf::Place(name) => (asked.columns.as_str(), name.as_str()),
            ColumnOf::OtherPlaces => ("others", ""),
        });
        for ((by, column), cell) in columns.chain([("all", "")]).zip(cells.iter().chain([&all])) {
            let [kind, system, code, title] = head.clone();
            let count = cell.told().map(|count| count.to_string());
            let suppressed = if count.is_some() { "" } else { "yes" };
            let (by, column, suppressed) = (by.to_owned(), column.to_owned(), suppressed.to_owned());
            rows.push([kind, system, code, title, by, column, count.unwrap_or_default(), suppressed]);
        }
    }
    rows
}

/// `GET /population.csv`
pub(super) async fn csv(State(service): State<Arc<Service>>, session: Session, Query(address): Query<Address>) -> Answer {
    let user = session.may(Permission::ReadReports)?;
    let asked = address.asked(&service)?;
    let report = service.population(user, asked, "report.exported").await?;
    let mut out = csv::Writer::from_writer(Vec::new());
    let heading = ["row", "system", "code", "title", "column_by", "column", "patients", "suppressed"];
    out.write_record(heading).map_err(|_| failed())?;
    for row in file_rows(&report, &asked) {
        out.write_record(row.each_ref().map(|value| cell(value).into_owned())).map_err(|_| failed())?;
    }
    let body = out.into_inner().map_err(|_| failed())?;
    let place = "attachment; filename=\"population.csv\"";
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, place)], body).into_response())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::report::Months;

    fn report() -> (PopulationReport, PopulationAsked) {
        let given = (Some("2026-01"), Some("2026-03"));
        let columns = ColumnsBy::Month;
        let months = Months::asked(given, columns, date(2026, 8, 14)).expect("months");
        let asked = PopulationAsked { by: CountedBy::Diagnosis, level: CodeLevel::Code, columns, months };
        let row = |code: &str, cells: [Cell; 3], patients| PopulationRow {
            of: RowOf::Code { system: "s".to_owned(), code: code.to_owned() },
            title: "<b>=title".to_owned(),
            cells: cells.into(),
            patients,
        };
        let (few, count) = (Cell::Suppressed, Cell::Count);
        let report = PopulationReport {
            columns: months.steps(columns).into_iter().map(ColumnOf::Time).collect(),
            seen: vec![count(30), count(40), count(50)],
            patients: count(90),
            rows: vec![row("I10", [count(11), few, count(15)], count(26)), row("J45", [few; 3], few)],
            without_patient: few,
        };
        (report, asked)
    }

    #[test]
    fn what_is_not_told_is_empty_in_the_file_and_marked() {
        let (report, asked) = report();
        let rows = file_rows(&report, &asked);
        assert_eq!(rows.len(), 12);
        assert!(rows.iter().all(|row| row[6].is_empty() == (row[7] == "yes")));
        assert_eq!(rows[0][4..], ["month", "2026-01", "30", ""]);
        assert_eq!(rows[3][4..], ["all", "", "90", ""]);
        assert_eq!(rows[5][..3], ["code", "s", "I10"]);
        assert_eq!(rows[5][4..], ["month", "2026-02", "", "yes"]);
    }

    #[test]
    fn what_is_not_told_is_a_gap_in_the_chart() {
        let (report, asked) = report();
        let chart = chart(&report, &asked).expect("a chart");
        let html = chart.render().expect("renders");
        assert_eq!(html.matches("<circle").count(), 2, "{html}");
        assert!(!html.contains("J45"), "nothing is told of it");
        let places = PopulationAsked { columns: ColumnsBy::Facility, ..asked };
        assert!(super::chart(&report, &places).is_none());
    }
}
