//! Of which time something is counted.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// A time, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
}

impl Period {
    /// The last so many days before a moment, and the moment.
    #[must_use]
    pub fn last(days: u32, now: Timestamp) -> Self {
        let from = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
        Self { from, until: now.saturating_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX) }
    }

    /// Whole days of a zone, the last one included; none where a day has no place in time.
    #[must_use]
    pub fn days(from: Date, until: Date, zone: &TimeZone) -> Option<Self> {
        let begins = |day: Date| day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
        let behind = until.checked_add(1.day()).ok()?;
        Some(Self { from: begins(from)?, until: begins(behind)? })
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_days_have_now_in_them() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().expect("a time");
        let last = Period::last(7, now);
        assert!(last.has(now) && last.has(last.from) && !last.has(last.until));
        assert_eq!(Period::last(u32::MAX, now).from, Timestamp::MIN);
        assert_eq!(Period::days(Date::MAX, Date::MAX, &TimeZone::UTC), None);
    }
}
