//! Intervals and paired tests, by drawing notes.
//!
//! A note is drawn as a whole, because mentions of one note are alike. The draws come from a seed by SplitMix64 (Steele, Lea and Flood, 2014),
//! written out here so that a result can be had again whatever becomes of other generators.

use crate::figures::Table;

/// A source of draws.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A whole number below `most`; the bias of the product is below 2⁻⁴⁰ for any corpus that fits into memory.
    fn below(&mut self, most: usize) -> usize {
        ((u128::from(self.next()) * most as u128) >> 64) as usize
    }
}

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    /// How often.
    pub draws: usize,
    /// From where.
    pub seed: u64,
}

/// The middle 95 % of each value over draws of as many notes with replacement, in the order of the table's values; none where a value is
/// never defined.
#[must_use]
pub fn intervals(table: &Table<'_>, sampling: Sampling) -> Vec<Option<(f64, f64)>> {
    let mut draws = Draws(sampling.seed);
    let mut samples: Vec<Vec<f64>> = Vec::new();
    for _ in 0..sampling.draws {
        let rows = sample(&mut draws, table.len());
        let values = table.values(&rows);
        samples.resize_with(values.len(), Vec::new);
        for (all, value) in samples.iter_mut().zip(values) {
            all.extend(value);
        }
    }
    samples.into_iter().map(middle).collect()
}

fn sample(draws: &mut Draws, length: usize) -> Vec<usize> {
    (0..length).map(|_| draws.below(length)).collect()
}

fn middle(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let cut = (0.025 * values.len() as f64) as usize;
    Some((values[cut.min(last)], values[last - cut.min(last)]))
}

/// How a value differs between two runs over the same notes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Of the run before.
    pub before: f64,
    /// Of this run.
    pub now: f64,
    /// The middle 95 % of `now - before` over draws of notes, both runs drawn alike.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Two-sided p by approximate randomisation: how often a difference at least as great comes of exchanging the runs note by note.
    pub p: f64,
}

/// Compares two runs whose rows are the same notes in the same order; none where a value is not defined in both.
#[must_use]
pub fn paired(before: &Table<'_>, now: &Table<'_>, sampling: Sampling) -> Vec<Option<Difference>> {
    let all: Vec<usize> = (0..now.len()).collect();
    let observed: Vec<Option<(f64, f64)>> =
        before.values(&all).into_iter().zip(now.values(&all)).map(|(before, now)| before.zip(now)).collect();
    let mut differences: Vec<Vec<f64>> = vec![Vec::new(); observed.len()];
    let mut as_great = vec![0_usize; observed.len()];
    let mut draws = Draws(sampling.seed);
    for _ in 0..sampling.draws {
        let rows = sample(&mut draws, now.len());
        let drawn = before.values(&rows).into_iter().zip(now.values(&rows));
        for (all, (before, now)) in differences.iter_mut().zip(drawn) {
            all.extend(before.zip(now).map(|(before, now)| now - before));
        }
        let exchange: Vec<bool> = all.iter().map(|_| draws.next() & 1 == 1).collect();
        let exchanged = before.mixed(now, &exchange).into_iter().zip(now.mixed(before, &exchange));
        for ((count, (one, other)), observed) in as_great.iter_mut().zip(exchanged).zip(&observed) {
            if let (Some(one), Some(other), Some((before, now))) = (one, other, observed) {
                // sums of decimal fractions differ in their last digits
                *count += usize::from((other - one).abs() >= (now - before).abs() - 1e-12);
            }
        }
    }
    let results = observed.into_iter().zip(differences).zip(as_great);
    results
        .map(|((observed, differences), as_great)| {
            let ((before, now), (low, high)) = (observed?, middle(differences)?);
            let p = (as_great + 1) as f64 / (sampling.draws + 1) as f64;
            Some(Difference { before, now, low, high, p })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        counts::Counts,
        figures::{Names, Part},
    };

    const SAMPLING: Sampling = Sampling { draws: 400, seed: 7 };

    fn notes(right_of_ten: impl Fn(usize) -> usize) -> Vec<Counts> {
        let note = |at: usize| {
            let mut counts = Counts::default();
            counts.share("DX.code@1", [right_of_ten(at), 10]);
            counts
        };
        (0..40).map(note).collect()
    }

    fn difference(before: &[Counts], now: &[Counts]) -> Difference {
        let names = Names::of(before);
        let at = names.keys().iter().position(|key| *key == ("DX.code@1", Part::Value)).expect("a metric");
        paired(&Table::new(&names, before), &Table::new(&names, now), SAMPLING)[at].expect("both have it")
    }

    #[test]
    fn intervals_hold_the_value_and_come_again() {
        let counts = notes(|at| if at % 2 == 0 { 9 } else { 5 });
        let names = Names::of(&counts);
        let table = Table::new(&names, &counts);
        let (low, high) = intervals(&table, SAMPLING)[0].expect("an interval");
        assert!(low < 0.7 && 0.7 < high && high - low < 0.2, "{low} {high}");
        assert_eq!(intervals(&table, SAMPLING), intervals(&table, SAMPLING));
    }

    #[test]
    fn a_steady_loss_is_told_from_chance() {
        let before = notes(|at| 6 + at % 3);
        let worse = difference(&before, &notes(|at| 5 + at % 3));
        assert!(worse.high < 0.0 && worse.p < 0.01, "{worse:?}");
        let shuffled = difference(&before, &notes(|at| 6 + (at + 1) % 3));
        assert!(shuffled.low < 0.0 && shuffled.high > 0.0 && shuffled.p > 0.05, "{shuffled:?}");
        let same = difference(&before, &before);
        assert_eq!((same.low, same.high, same.p), (0.0, 0.0, 1.0));
    }
}
