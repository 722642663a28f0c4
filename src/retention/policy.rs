//! How long notes are kept: days by type of note, and a default.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::store::RetentionRule;

/// How long notes are kept, counted from the day of discharge or service, else from arrival. Nothing is purged by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Days of notes of the other types; for ever when none.
    pub days: Option<u32>,
    /// Days by type of note; 0 = for ever.
    pub types: BTreeMap<String, u32>,
}

impl RetentionPolicy {
    /// Whether anything is ever due.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_none() && self.types.values().all(|days| *days == 0)
    }

    /// What is due now: a rule for each type that has one, and the default.
    #[must_use]
    pub fn rules(&self, now: Timestamp) -> Vec<RetentionRule> {
        let rule = |note_type: Option<&String>, days: u32| {
            let arrival = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
            let others = if note_type.is_some() { Vec::new() } else { self.types.keys().cloned().collect() };
            RetentionRule { note_type: note_type.cloned(), others, day: arrival.to_zoned(TimeZone::UTC).date(), arrival }
        };
        let own = self.types.iter().filter(|(_, days)| **days > 0).map(|(note_type, days)| rule(Some(note_type), *days));
        own.chain(self.days.map(|days| rule(None, days))).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_type_has_its_own_rule_and_the_default_leaves_it_out() {
        let now: Timestamp = "2026-03-10T01:00:00Z".parse().expect("a time");
        assert!(RetentionPolicy::default().is_empty() && RetentionPolicy::default().rules(now).is_empty());
        let types = [("progress_note".to_owned(), 10), ("operative_note".to_owned(), 0)].into();
        let policy = RetentionPolicy { days: Some(30), types };
        let rules = policy.rules(now);
        assert_eq!(rules.len(), 2, "what is kept for ever has no rule");
        assert_eq!((rules[0].note_type.as_deref(), rules[0].day), (Some("progress_note"), date(2026, 2, 28)));
        assert_eq!((rules[1].note_type.as_deref(), rules[1].day), (None, date(2026, 2, 8)));
        assert_eq!(rules[1].others, ["operative_note", "progress_note"]);
        assert_eq!(rules[1].arrival, "2026-02-08T01:00:00Z".parse().expect("a time"));
    }
}
