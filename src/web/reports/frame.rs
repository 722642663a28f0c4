//! What the pages of reports have in common: tabs, the form that narrows them, figures, and blocks of a chart beside its table.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{Address, KINDS, chart::Chart};
use crate::{
    service::{ReportAsked, Service},
    web::{
        session::Session,
        shell::{Shell, page},
        words,
    },
};

/// A link among several of which one is where the reader is.
#[derive(Debug, Clone)]
pub(in crate::web) struct Choice {
    /// Where it leads.
    pub href: String,
    /// Its words.
    pub name: &'static str,
    /// Whether it is shown.
    pub is_current: bool,
}

/// A figure that is read first.
#[derive(Debug, Clone)]
pub(in crate::web) struct Figure {
    /// Its id on the page.
    pub id: &'static str,
    /// What it is.
    pub name: &'static str,
    /// The figure.
    pub value: String,
    /// What it says and what it does not; may be empty.
    pub hint: &'static str,
}

/// A row of a table.
#[derive(Debug, Clone, Default)]
pub(in crate::web) struct Row {
    /// Its heading.
    pub name: String,
    /// More of it: the title of a code.
    pub more: String,
    /// Where the heading leads; may be empty.
    pub href: String,
    /// The cells behind it.
    pub cells: Vec<String>,
    /// Whether it is the sum of those above.
    pub is_sum: bool,
}

impl Row {
    /// A row of counts.
    pub(super) fn of(name: impl Into<String>, cells: impl IntoIterator<Item = impl ToString>) -> Self {
        Self { name: name.into(), cells: cells.into_iter().map(|cell| cell.to_string()).collect(), ..Self::default() }
    }
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(in crate::web) struct Table {
    /// The headings of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// What stands in its place when it has none.
    pub nothing: &'static str,
}

impl Table {
    /// With headings and rows.
    pub(super) fn of(columns: &[&str], rows: Vec<Row>) -> Self {
        let columns = columns.iter().map(|heading| (*heading).to_owned()).collect();
        Self { columns, rows, nothing: text!("reports-nothing") }
    }
}

/// A chart beside its table.
#[derive(Debug, Clone)]
pub(in crate::web) struct Block {
    /// The id of its heading.
    pub id: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// What the figures say and what they do not; may be empty.
    pub hint: String,
    /// Other ways to cut it.
    pub choices: Vec<Choice>,
    /// The chart; none where there is nothing to draw.
    pub chart: Option<Chart>,
    /// The table.
    pub table: Table,
}

impl Block {
    /// A table with a chart of its figures.
    pub(super) fn of((id, heading): (&'static str, &'static str), chart: Option<Chart>, table: Table) -> Self {
        let chart = chart.filter(|_| !table.rows.is_empty());
        Self { id, heading, hint: String::new(), choices: Vec::new(), chart, table }
    }

    /// With what is to be known of it.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// The report that is asked in another way than the others.
pub(in crate::web) const POPULATION: &str = "/population";

/// The reports there are, of which one is where the reader is; `to` says where the others lead.
pub(in crate::web) fn tabs(current: &str, to: impl Fn(&str) -> String) -> Vec<Choice> {
    let reports = [
        ("/reports", text!("reports-tab-work")),
        ("/reports/engine", text!("reports-tab-engine")),
        ("/reports/backlog", text!("reports-tab-backlog")),
        ("/reports/queries", text!("reports-tab-queries")),
        (POPULATION, text!("reports-tab-population")),
    ];
    reports.into_iter().map(|(there, name)| Choice { href: to(there), name, is_current: there == current }).collect()
}

/// Which fields the form has beside the time and the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fields {
    /// None.
    None,
    /// The coder.
    Coder,
    /// The coder and the kind of entry.
    CoderAndKind,
}

/// The page of a report.
#[derive(Template)]
#[template(path = "report.html")]
pub(in crate::web) struct ReportPage {
    /// The frame.
    pub shell: Shell,
    /// The reports.
    pub tabs: Vec<Choice>,
    /// Alerts of drift that wait, where the page tells of them.
    pub drift_alerts: u64,
    /// The words of this one.
    pub title: &'static str,
    /// Where its form leads.
    pub path: &'static str,
    /// What was asked.
    pub asked: Address,
    /// The time in words.
    pub time: String,
    /// The kinds of entries that can be asked for; none where the form has no such field.
    pub kinds: Vec<(&'static str, &'static str)>,
    /// Whether the form has the coder.
    pub has_coder: bool,
    /// The files: where, with which id, in which words.
    pub files: Vec<(String, &'static str, &'static str)>,
    /// What is read first.
    pub figures: Vec<Figure>,
    /// The charts and tables.
    pub blocks: Vec<Block>,
    /// What is to be known of all of it.
    pub hint: String,
}

impl ReportPage {
    /// A page without its content.
    pub(super) fn of(
        (service, session): (&Service, &Session),
        path: &'static str,
        (address, asked): (&Address, &ReportAsked),
        fields: Fields,
    ) -> Self {
        // whole months and no filter of places: what was asked here is no question there
        let to = |there: &str| if there == POPULATION { there.to_owned() } else { address.at(there, &[]) };
        let tabs = tabs(path, to);
        let title = tabs.iter().find(|tab| tab.is_current).map_or("", |tab| tab.name);
        let moment = |at| words::moment(at, &service.time_zone);
        Self {
            shell: Shell::of(session),
            tabs,
            drift_alerts: 0,
            title,
            path,
            asked: address.clone(),
            time: text!("reports-time", from = moment(asked.period.from), until = moment(asked.period.until)),
            kinds: match fields {
                Fields::CoderAndKind => KINDS.map(|kind| (kind.as_str(), words::kind(kind))).into(),
                Fields::None | Fields::Coder => Vec::new(),
            },
            has_coder: fields != Fields::None,
            files: Vec::new(),
            figures: Vec::new(),
            blocks: Vec::new(),
            hint: text!("reports-scope-hint").to_owned(),
        }
    }

    /// The page as an answer.
    pub(super) fn answer(self) -> Response {
        page(StatusCode::OK, &self)
    }
}
