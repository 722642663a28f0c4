//! How the time of a report is cut for a series.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Period;

/// How a series is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// By day.
    Day,
    /// By week, from Monday on.
    Week,
    /// By month.
    Month,
}

impl Step {
    /// The one that a period is shown by: at most about forty steps of it fit on a page, but for very long times.
    #[must_use]
    pub fn of(period: &Period) -> Self {
        match period.until.duration_since(period.from).as_hours() / 24 {
            ..=42 => Self::Day,
            43..=280 => Self::Week,
            _ => Self::Month,
        }
    }

    fn begin(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let since = i64::from(day.weekday().since(Weekday::Monday));
                day.checked_sub(since.days()).unwrap_or(day)
            }
            Self::Month => day.first_of_month(),
        }
    }

    fn next(self, day: Date) -> Option<Date> {
        match self {
            Self::Day => day.checked_add(1.day()),
            Self::Week => day.checked_add(1.week()),
            Self::Month => day.checked_add(1.month()),
        }
        .ok()
    }
}

/// The steps of a period, in a zone, each with something counted in it; none is left out.
#[derive(Debug, Clone)]
pub struct Series<T> {
    period: Period,
    begins: Vec<Timestamp>,
    /// The steps by their first day.
    pub steps: Vec<(Date, T)>,
}

impl<T: Default> Series<T> {
    /// With nothing counted.
    #[must_use]
    pub fn new(period: Period, step: Step, zone: &TimeZone) -> Self {
        let mut series = Self { period, begins: Vec::new(), steps: Vec::new() };
        let mut day = Some(step.begin(period.from.to_zoned(zone.clone()).date()));
        while let Some(begin) = day {
            let Ok(at) = begin.to_zoned(zone.clone()) else { break };
            if at.timestamp() >= period.until {
                break;
            }
            series.begins.push(at.timestamp());
            series.steps.push((begin, T::default()));
            day = step.next(begin);
        }
        series
    }

    /// What is counted in the step of a moment; none where the moment lies outside of the period.
    pub fn at(&mut self, at: Timestamp) -> Option<&mut T> {
        if !self.period.has(at) {
            return None;
        }
        let place = self.begins.partition_point(|begin| *begin <= at).checked_sub(1)?;
        self.steps.get_mut(place).map(|(_, counted)| counted)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("is known")
    }

    #[test]
    fn days_are_those_of_the_zone() {
        // the night in which the clocks go forward is an hour shorter
        let period = Period::days(date(2026, 3, 7), date(2026, 3, 9), &zone()).expect("days");
        assert_eq!(period.until.duration_since(period.from).as_hours(), 71);
        let mut series = Series::<u64>::new(period, Step::of(&period), &zone());
        assert_eq!(series.steps.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [7, 8, 9].map(|day| date(2026, 3, day)));
        for at in [
            "2026-03-07T04:59:59Z",
            "2026-03-07T05:00:00Z",
            "2026-03-08T04:59:59Z",
            "2026-03-10T03:59:59Z",
            "2026-03-10T04:00:00Z",
        ] {
            if let Some(counted) = series.at(at.parse().expect("a time")) {
                *counted += 1;
            }
        }
        assert_eq!(series.steps.iter().map(|(_, counted)| *counted).collect::<Vec<_>>(), [2, 0, 1]);
    }

    #[test]
    fn long_times_are_cut_in_weeks_and_months() {
        let steps = |from: Date, until: Date| {
            let period = Period::days(from, until, &TimeZone::UTC).expect("days");
            let step = Step::of(&period);
            let series = Series::<()>::new(period, step, &TimeZone::UTC);
            (step, series.steps.len(), series.steps[0].0)
        };
        assert_eq!(steps(date(2026, 1, 1), date(2026, 1, 31)), (Step::Day, 31, date(2026, 1, 1)));
        assert_eq!(steps(date(2026, 1, 1), date(2026, 6, 30)), (Step::Week, 27, date(2025, 12, 29)));
        assert_eq!(steps(date(2025, 1, 15), date(2026, 1, 14)), (Step::Month, 13, date(2025, 1, 1)));
    }
}
