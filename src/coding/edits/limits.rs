//! Which codes fit one sex or some ages only: `code_limits.tsv`.

use super::{
    About, Severity, Sex,
    key::{Key, Span},
    places::Places,
};
use crate::domain::table::{self, Row, TableError};

/// Fewest and most days of a year of life, to compare years with days.
const YEAR: (u32, u32) = (365, 366);

/// A row of the table.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    /// The code or range.
    pub(super) rule: String,
    /// Whom it fits; none = both.
    pub(super) sex: Option<Sex>,
    /// Whole years, both included.
    years: (Option<u16>, Option<u16>),
    /// Days since birth, both included.
    days: (Option<u32>, Option<u32>),
    /// How heavy at most.
    pub(super) severity: Severity,
    /// Why.
    pub(super) reason: String,
}

impl Limit {
    fn limits_age(&self) -> bool {
        self.years != (None, None) || self.days != (None, None)
    }

    /// Whether somebody like this may have the code; true when the age is not known well enough.
    pub(super) fn fits_age(&self, about: &About) -> bool {
        let years = about
            .age_years
            .or_else(|| about.age_days.map(|days| u16::try_from(u64::from(days) * 4 / 1461).unwrap_or(u16::MAX)));
        let days = match (about.age_days, about.age_years) {
            (Some(days), _) => Some((days, days)),
            (None, Some(years)) => {
                let years = u32::from(years);
                Some((years * YEAR.0, (years + 1) * YEAR.1))
            }
            (None, None) => None,
        };
        let old_enough = self.years.0.is_none_or(|least| years.is_none_or(|years| years >= least))
            && self.days.0.is_none_or(|least| days.is_none_or(|(_, at_most)| at_most >= least));
        let young_enough = self.years.1.is_none_or(|most| years.is_none_or(|years| years <= most))
            && self.days.1.is_none_or(|most| days.is_none_or(|(at_least, _)| at_least <= most));
        old_enough && young_enough
    }

    /// `9 to 64 years`, `up to 7 days`, `15 years or older`.
    pub(super) fn ages(&self) -> String {
        let words = |from: Option<u32>, to: Option<u32>, unit: &str| match (from, to) {
            (Some(from), Some(to)) => Some(format!("{from} to {to} {unit}")),
            (Some(from), None) => Some(format!("{from} {unit} or older")),
            (None, Some(0)) if unit == "years" => Some("under one year".to_owned()),
            (None, Some(to)) => Some(format!("up to {to} {unit}")),
            (None, None) => None,
        };
        let days = words(self.days.0, self.days.1, "days");
        let years = words(self.years.0.map(u32::from), self.years.1.map(u32::from), "years");
        [days, years].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// All rows.
#[derive(Debug)]
pub(super) struct Limits(Places<Limit>);

impl Limits {
    /// Reads the table. A prefix whose codes were retired, or come with a later edition, limits nothing and is left standing: the table is
    /// one for all editions.
    pub(super) fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut places = Places::new();
        let mut seen = Vec::new();
        table::read(name, text, |row| {
            let (place, limit) = read(&row)?;
            if seen.contains(&place) {
                return Err(row.error(format!("prefix {:?} stands twice; keep one row", limit.rule)));
            }
            seen.push(place);
            places.add(place, limit);
            Ok(())
        })?;
        Ok(Self(places))
    }

    /// All rows.
    #[cfg(test)]
    pub(super) fn all(&self) -> &[Limit] {
        self.0.all()
    }

    /// The row that decides on the sex.
    pub(super) fn sex(&self, key: Key) -> Option<&Limit> {
        self.0.for_code(key).find(|limit| limit.sex.is_some())
    }

    /// The row that decides on the age.
    pub(super) fn age(&self, key: Key) -> Option<&Limit> {
        self.0.for_code(key).find(|limit| limit.limits_age())
    }
}

fn read(row: &Row<'_>) -> Result<(Span, Limit), TableError> {
    let rule = row.get("prefix")?.to_owned();
    let place = Span::parse(&rule)
        .ok_or_else(|| row.error(format!("{rule:?} is no code and no range; write E11, E11.2 or O00-O9A")))?;
    let sex = match row.get("sex")? {
        "" => None,
        "F" => Some(Sex::Female),
        "M" => Some(Sex::Male),
        other => return Err(row.error(format!("unknown sex {other:?}; write F, M or nothing"))),
    };
    let years = (number(row, "youngest_years")?, number(row, "oldest_years")?);
    let days = (number(row, "youngest_days")?, number(row, "oldest_days")?);
    let severity = match row.get("severity")? {
        "hard" => Severity::Hard,
        "soft" => Severity::Soft,
        other => return Err(row.error(format!("unknown severity {other:?}; write hard or soft"))),
    };
    let reason = row.get("reason")?.to_owned();
    let limit = Limit { rule, sex, years, days, severity, reason };
    let wrong_way = |(from, to): (Option<u32>, Option<u32>)| from.zip(to).is_some_and(|(from, to)| from > to);
    if wrong_way((years.0.map(u32::from), years.1.map(u32::from))) || wrong_way(days) {
        return Err(row.error("the youngest is older than the oldest; exchange them"));
    }
    if limit.sex.is_none() && !limit.limits_age() {
        return Err(row.error("the row limits nothing; give a sex or an age, or delete it"));
    }
    if limit.reason.is_empty() {
        return Err(row.error("a row needs a reason, which the coder reads"));
    }
    Ok((place, limit))
}

fn number<T: std::str::FromStr>(row: &Row<'_>, column: &str) -> Result<Option<T>, TableError> {
    match row.get(column)? {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| row.error(format!("{column} {text:?} is no whole number of this size"))),
    }
}
