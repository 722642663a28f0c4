//! Whole months that have ended: of which a report of patients may be asked, and the columns that it may have.

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::domain::Period;

/// Columns over time, at most.
const MOST_STEPS: i32 = 60;
/// Months of a report, at most.
const MOST_MONTHS: i32 = 120;

/// What the columns of a report of patients are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnsBy {
    /// Months.
    #[default]
    Month,
    /// Quarters.
    Quarter,
    /// Years.
    Year,
    /// Facilities.
    Facility,
    /// Departments.
    Department,
    /// Classes of encounters.
    EncounterClass,
}

impl ColumnsBy {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Month, Self::Quarter, Self::Year, Self::Facility, Self::Department, Self::EncounterClass];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Facility => "facility",
            Self::Department => "department",
            Self::EncounterClass => "encounter_class",
        }
    }

    /// Whether the columns are times.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Month | Self::Quarter | Self::Year)
    }

    /// Months of a column, and those that are told where no time is asked for.
    const fn months(self) -> (i32, i32) {
        match self {
            Self::Quarter => (3, 24),
            Self::Year => (12, 60),
            Self::Month | Self::Facility | Self::Department | Self::EncounterClass => (1, 12),
        }
    }
}

/// Why a time cannot be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MonthsError {
    /// It is no month.
    #[error("months are written like 2026-04")]
    Form,
    /// The first is behind the last, or there are too many.
    #[error("the first month comes before the last, and they are at most {MOST_MONTHS} months and {MOST_STEPS} columns")]
    Order,
    /// The last has not ended.
    #[error(
        "only what has ended is counted, since what grows from day to day would tell who came: choose an earlier last month"
    )]
    NotEnded,
    /// Quarters or years are cut.
    #[error("quarters begin in January, April, July and October, years in January: choose whole ones")]
    Cut,
}

/// Whole months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Months {
    /// The first day.
    from: Date,
    /// The day behind the last.
    until: Date,
}

/// Months since year 0.
fn number(day: Date) -> i32 {
    i32::from(day.year()) * 12 + i32::from(day.month()) - 1
}

fn first_day(number: i32) -> Option<Date> {
    let year = i16::try_from(number.div_euclid(12)).ok()?;
    let month = i8::try_from(number.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, 1).ok()
}

fn month(word: &str) -> Result<Date, MonthsError> {
    let day = (word.len() == 7).then(|| format!("{word}-01").parse::<Date>().ok()).flatten();
    day.filter(|day| day.year() >= 1900).ok_or(MonthsError::Form)
}

/// A month as it is written.
fn written(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

impl Months {
    /// From one month to another, both written like `2026-04`; where one is left out, so that the last ones that have ended are told.
    ///
    /// # Errors
    /// When they cannot be reported in such columns.
    pub fn asked(given: (Option<&str>, Option<&str>), columns: ColumnsBy, today: Date) -> Result<Self, MonthsError> {
        let (each, usual) = columns.months();
        let (from, last) = (given.0.map(month).transpose()?, given.1.map(month).transpose()?);
        let ended = number(today);
        let until = last.map_or_else(|| ended - ended.rem_euclid(each), |day| number(day) + 1);
        let from = from.map_or(until - usual, number);
        if from >= until || until - from > MOST_MONTHS || columns.is_time() && (until - from) / each > MOST_STEPS {
            return Err(MonthsError::Order);
        }
        if until > ended {
            return Err(MonthsError::NotEnded);
        }
        if from.rem_euclid(each) != 0 || until.rem_euclid(each) != 0 {
            return Err(MonthsError::Cut);
        }
        let (from, until) = (first_day(from).ok_or(MonthsError::Form)?, first_day(until).ok_or(MonthsError::Form)?);
        Ok(Self { from, until })
    }

    /// As a time of a zone; none where it has no place in time.
    #[must_use]
    pub fn period(&self, zone: &TimeZone) -> Option<Period> {
        Period::days(self.from, self.until.checked_sub(1.day()).ok()?, zone)
    }

    /// The first month, as it is written.
    #[must_use]
    pub fn first(&self) -> String {
        written(self.from)
    }

    /// The last month, as it is written.
    #[must_use]
    pub fn last(&self) -> String {
        first_day(number(self.until) - 1).map(written).unwrap_or_default()
    }

    /// In which column over time a day lies; 0 where columns are no times; none outside of the months.
    #[must_use]
    pub fn step_of(&self, day: Date, columns: ColumnsBy) -> Option<usize> {
        let lies_within = self.from <= day && day < self.until;
        let step = if columns.is_time() { (number(day) - number(self.from)) / columns.months().0 } else { 0 };
        usize::try_from(step).ok().filter(|_| lies_within)
    }

    /// The names of the columns over time.
    #[must_use]
    pub fn steps(&self, columns: ColumnsBy) -> Vec<String> {
        let each = columns.months().0;
        let begins = (number(self.from)..number(self.until)).step_by(usize::try_from(each).unwrap_or(1));
        begins
            .filter_map(first_day)
            .map(|day| match columns {
                ColumnsBy::Quarter => format!("{:04}-Q{}", day.year(), (day.month() - 1) / 3 + 1),
                ColumnsBy::Year => format!("{:04}", day.year()),
                _ => written(day),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn asked(from: &str, until: &str, columns: ColumnsBy) -> Result<(String, String), MonthsError> {
        let given = [from, until].map(|word| Some(word).filter(|word| !word.is_empty()));
        Months::asked((given[0], given[1]), columns, date(2026, 8, 14)).map(|months| (months.first(), months.last()))
    }

    #[test]
    fn what_has_ended_is_told() {
        let months = |from: &str, until: &str| Ok((from.to_owned(), until.to_owned()));
        assert_eq!(asked("", "", ColumnsBy::Month), months("2025-08", "2026-07"));
        assert_eq!(asked("", "", ColumnsBy::Quarter), months("2024-07", "2026-06"));
        assert_eq!(asked("", "", ColumnsBy::Year), months("2021-01", "2025-12"));
        assert_eq!(asked("2026-07", "", ColumnsBy::Facility), months("2026-07", "2026-07"));
        assert_eq!(asked("", "2026-03", ColumnsBy::Quarter), months("2024-04", "2026-03"));
        assert_eq!(asked("2026-07", "2026-08", ColumnsBy::Month), Err(MonthsError::NotEnded));
        assert_eq!(asked("2026-02", "2026-06", ColumnsBy::Quarter), Err(MonthsError::Cut));
        assert_eq!(asked("2025-01", "2026-06", ColumnsBy::Year), Err(MonthsError::Cut));
        assert_eq!(asked("2026-06", "2026-05", ColumnsBy::Month), Err(MonthsError::Order));
        assert_eq!(asked("2021-06", "2026-06", ColumnsBy::Month), Err(MonthsError::Order), "61 columns");
        assert_eq!(asked("2016-01", "2026-01", ColumnsBy::Facility), Err(MonthsError::Order), "121 months");
        for wrong in ["2026-13", "2026-4", "April", "2026-04-01", "0001-01", "-026-01"] {
            assert_eq!(asked(wrong, "2026-05", ColumnsBy::Month), Err(MonthsError::Form), "{wrong}");
        }
    }

    #[test]
    fn days_lie_in_their_columns() {
        let given = (Some("2025-10"), Some("2026-03"));
        let months = Months::asked(given, ColumnsBy::Month, date(2026, 8, 14)).expect("months");
        assert_eq!(months.steps(ColumnsBy::Quarter), ["2025-Q4", "2026-Q1"]);
        assert_eq!(months.steps(ColumnsBy::Month).len(), 6);
        let at = |day| (months.step_of(day, ColumnsBy::Month), months.step_of(day, ColumnsBy::Quarter));
        assert_eq!(at(date(2025, 9, 30)), (None, None));
        assert_eq!(at(date(2025, 10, 1)), (Some(0), Some(0)));
        assert_eq!(at(date(2026, 3, 31)), (Some(5), Some(1)));
        assert_eq!(at(date(2026, 4, 1)), (None, None));
        assert_eq!(months.step_of(date(2026, 2, 1), ColumnsBy::Facility), Some(0));
        let zone = TimeZone::get("America/New_York").expect("is known");
        let period = months.period(&zone).expect("a time");
        assert_eq!(period.until.to_zoned(zone).date(), date(2026, 4, 1));
    }
}
