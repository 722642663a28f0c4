//! Counts of outcomes, shares with their intervals, and the middle and the far end of durations.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{domain::Ended, statistics::wilson};

/// What became of entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutcomeCounts {
    /// Accepted as suggested.
    pub accepted: u64,
    /// Accepted with changes.
    pub amended: u64,
    /// Rejected.
    pub rejected: u64,
    /// Added by a coder: nothing of the kind was suggested.
    pub added: u64,
    /// Suggested, and nobody decided on it: of a finished encounter what nobody had to decide on.
    pub ignored: u64,
}

impl OutcomeCounts {
    /// Counts one.
    pub const fn add(&mut self, ended: Ended) {
        match ended {
            Ended::Accepted => self.accepted += 1,
            Ended::Amended => self.amended += 1,
            Ended::Rejected => self.rejected += 1,
            Ended::Added => self.added += 1,
            Ended::Ignored => self.ignored += 1,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            amended: self.amended + other.amended,
            rejected: self.rejected + other.rejected,
            added: self.added + other.added,
            ignored: self.ignored + other.ignored,
        }
    }

    /// In the order of [`Ended::ALL`].
    #[must_use]
    pub const fn in_order(self) -> [u64; 5] {
        [self.accepted, self.amended, self.rejected, self.added, self.ignored]
    }

    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.accepted + self.amended + self.rejected + self.added + self.ignored
    }

    /// Suggestions that a coder decided on.
    #[must_use]
    pub const fn decided(self) -> u64 {
        self.accepted + self.amended + self.rejected
    }

    /// Of the suggestions that a coder decided on, those that were accepted as they were.
    #[must_use]
    pub fn accepted_share(self) -> Share {
        Share::of(self.accepted, self.decided())
    }

    /// Of the suggestions that a coder decided on, those that stand, as they were or with changes: the finding was right, whatever its code.
    #[must_use]
    pub fn kept_share(self) -> Share {
        Share::of(self.accepted + self.amended, self.decided())
    }

    /// Of what stands at last, that which the engine had suggested. Coders saw the suggestions, so this is no recall against an independent
    /// standard.
    #[must_use]
    pub fn found_share(self) -> Share {
        Share::of(self.accepted + self.amended, self.accepted + self.amended + self.added)
    }
}

/// So many out of so many, with the rate and its 95 % interval (Wilson); none of them where there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Share {
    /// So many.
    pub part: u64,
    /// Out of so many.
    pub whole: u64,
    /// The rate, 0 to 1.
    pub rate: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Share {
    /// `part` out of `whole`.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Self {
        let (low, high) = wilson(part, whole).unzip();
        Self { part, whole, rate: (whole > 0).then(|| number(part) / number(whole)), low, high }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a report are far below 2^52")]
const fn number(count: u64) -> f64 {
    count as f64
}

/// The middle and the far end of durations; none where there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Seconds of the one in the middle: half of them took as long or less.
    pub median_seconds: Option<i64>,
    /// Seconds of the one that nine in ten do not exceed.
    pub p90_seconds: Option<i64>,
}

/// The spread of durations, by nearest rank: each figure is one of them.
#[must_use]
pub fn spread(mut seconds: Vec<i64>) -> Spread {
    seconds.sort_unstable();
    let rank = |percent: usize| seconds.get((seconds.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Spread { count: seconds.len() as u64, median_seconds: rank(50), p90_seconds: rank(90) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_intervals() {
        let share = Share::of(8, 10);
        let near = |value: Option<f64>, expected: f64| value.is_some_and(|value| (value - expected).abs() < 5e-5);
        // as statsmodels' proportion_confint(8, 10, method="wilson") has it
        assert!(near(share.rate, 0.8) && near(share.low, 0.4902) && near(share.high, 0.9433), "{share:?}");
        let all = Share::of(5, 5);
        assert!(near(all.low, 0.5655) && near(all.high, 1.0), "{all:?}");
        let none = Share::of(0, 5);
        assert!(near(none.low, 0.0) && near(none.high, 0.4345), "{none:?}");
        assert_eq!(Share::of(0, 0), Share { part: 0, whole: 0, rate: None, low: None, high: None });
    }

    #[test]
    fn counts_add_up() {
        let mut counts = OutcomeCounts::default();
        for ended in Ended::ALL.into_iter().chain([Ended::Accepted, Ended::Added]) {
            counts.add(ended);
        }
        assert_eq!(counts.in_order(), [2, 1, 1, 2, 1]);
        assert_eq!((counts.total(), counts.decided()), (7, 4));
        let shares = [counts.accepted_share(), counts.kept_share(), counts.found_share()];
        assert_eq!(shares.map(|share| (share.part, share.whole)), [(2, 4), (3, 4), (3, 5)]);
        assert_eq!(counts.with(counts).in_order(), [4, 2, 2, 4, 2]);
    }

    #[test]
    fn the_middle_and_the_far_end() {
        assert_eq!(spread(Vec::new()), Spread::default());
        assert_eq!(spread(vec![7]), Spread { count: 1, median_seconds: Some(7), p90_seconds: Some(7) });
        let ten = spread((1..=10).rev().collect());
        assert_eq!(ten, Spread { count: 10, median_seconds: Some(5), p90_seconds: Some(9) });
    }
}
