//! What waits and for how long, and what comes against what is finished.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Series, Step};
use crate::{
    domain::Period,
    store::{WAITING_DAYS, WaitingGroup},
};

/// By what waiting encounters are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingDimension {
    /// Where they stand.
    State,
    /// How soon they are to be coded.
    Priority,
    /// The team that they are given to.
    Team,
    /// Facility.
    Facility,
    /// Department.
    Department,
}

impl WaitingDimension {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::State, Self::Priority, Self::Team, Self::Facility, Self::Department];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Priority => "priority",
            Self::Team => "team",
            Self::Facility => "facility",
            Self::Department => "department",
        }
    }
}

/// Encounters by how many days ago they came: up to each of [`WAITING_DAYS`], and longer.
pub type WaitingCounts = [u64; WAITING_DAYS.len() + 1];

/// What waits of one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WaitingRow {
    /// The value; empty where there is none.
    pub value: String,
    /// By age.
    pub encounters: [u64; 7],
}

/// What comes and goes in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Flow {
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Encounters whose first note came in it.
    pub arrived: u64,
    /// Encounters that coders finished in it, each time.
    pub finished: u64,
}

/// What waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BacklogReport {
    /// All of it.
    pub all: WaitingCounts,
    by: BTreeMap<WaitingDimension, Vec<WaitingRow>>,
}

impl BacklogReport {
    /// The rows of a dimension: what waits most first; states and priorities in their own order.
    #[must_use]
    pub fn rows(&self, dimension: WaitingDimension) -> &[WaitingRow] {
        self.by.get(&dimension).map_or(&[], Vec::as_slice)
    }
}

/// The groups of the store counted by each dimension.
#[must_use]
pub fn backlog_report(groups: &[WaitingGroup]) -> BacklogReport {
    let mut report = BacklogReport::default();
    let mut by: BTreeMap<WaitingDimension, BTreeMap<(u32, &str), WaitingCounts>> = BTreeMap::new();
    for group in groups {
        let Some(sum) = report.all.get_mut(group.age) else { continue };
        *sum += group.encounters;
        for dimension in WaitingDimension::ALL {
            let value = match dimension {
                WaitingDimension::State => (group.state as u32, group.state.as_str()),
                WaitingDimension::Priority => (group.priority.rank(), group.priority.as_str()),
                WaitingDimension::Team => (0, group.team.as_deref().unwrap_or_default()),
                WaitingDimension::Facility => (0, group.facility.as_deref().unwrap_or_default()),
                WaitingDimension::Department => (0, group.department.as_deref().unwrap_or_default()),
            };
            by.entry(dimension).or_default().entry(value).or_default()[group.age] += group.encounters;
        }
    }
    report.by = by
        .into_iter()
        .map(|(dimension, rows)| {
            let mut rows: Vec<WaitingRow> =
                rows.into_iter().map(|((_, value), encounters)| WaitingRow { value: value.to_owned(), encounters }).collect();
            if !matches!(dimension, WaitingDimension::State | WaitingDimension::Priority) {
                rows.sort_by_key(|row| std::cmp::Reverse(row.encounters.iter().sum::<u64>()));
            }
            (dimension, rows)
        })
        .collect();
    report
}

/// What came against what was finished, by day, week or month.
#[must_use]
pub fn flow(arrived: &[(Timestamp, u64)], finished: &[(Timestamp, u64)], (period, zone): (&Period, &TimeZone)) -> Vec<Flow> {
    let mut series = Series::<(u64, u64)>::new(*period, Step::of(period), zone);
    for (at, count) in arrived {
        if let Some(step) = series.at(*at) {
            step.0 += count;
        }
    }
    for (at, count) in finished {
        if let Some(step) = series.at(*at) {
            step.1 += count;
        }
    }
    series.steps.into_iter().map(|(day, (arrived, finished))| Flow { day, arrived, finished }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ItemState, Priority};

    fn group(state: ItemState, priority: Priority, (team, age, encounters): (&str, usize, u64)) -> WaitingGroup {
        let team = Some(team.to_owned()).filter(|team| !team.is_empty());
        WaitingGroup { state, priority, team, facility: Some("NORTH".to_owned()), department: None, age, encounters }
    }

    #[test]
    fn what_waits_is_counted_by_everything() {
        let report = backlog_report(&[
            group(ItemState::Pended, Priority::Routine, ("", 6, 2)),
            group(ItemState::Open, Priority::Routine, ("heart", 0, 3)),
            group(ItemState::Open, Priority::Stat, ("", 0, 4)),
        ]);
        assert_eq!(report.all, [7, 0, 0, 0, 0, 0, 2]);
        let told = |dimension| -> Vec<(String, u64)> {
            report.rows(dimension).iter().map(|row| (row.value.clone(), row.encounters.iter().sum())).collect()
        };
        let rows =
            |rows: &[(&str, u64)]| -> Vec<(String, u64)> { rows.iter().map(|(value, n)| ((*value).to_owned(), *n)).collect() };
        assert_eq!(told(WaitingDimension::State), rows(&[("open", 7), ("pended", 2)]));
        assert_eq!(told(WaitingDimension::Priority), rows(&[("stat", 4), ("routine", 5)]));
        assert_eq!(told(WaitingDimension::Team), rows(&[("", 6), ("heart", 3)]));
        assert_eq!(told(WaitingDimension::Facility), rows(&[("NORTH", 9)]));
        assert!(backlog_report(&[]).rows(WaitingDimension::State).is_empty());
    }

    #[test]
    fn what_comes_stands_against_what_is_finished() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let period = Period { from: at("2026-05-01T00:00:00Z"), until: at("2026-05-03T00:00:00Z") };
        let arrived = [(at("2026-05-01T08:00:00Z"), 5), (at("2026-05-03T00:00:00Z"), 9)];
        let finished = [(at("2026-05-02T23:45:00Z"), 2)];
        let steps = flow(&arrived, &finished, (&period, &TimeZone::UTC));
        assert_eq!(steps.iter().map(|step| (step.arrived, step.finished)).collect::<Vec<_>>(), [(5, 0), (0, 2)]);
    }
}
