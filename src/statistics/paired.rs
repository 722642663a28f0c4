//! Two systems over the same encounters.

use super::{
    bootstrap::middle,
    draws::{Draws, Sampling},
};

/// How a value differs between two systems over the same encounters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// The value of the first.
    pub first: f64,
    /// Of the second.
    pub second: f64,
    /// The middle 95 % of `second - first` over draws of as many encounters with replacement, both systems drawn alike: its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Two-sided p by approximate randomisation: how often a difference at least as great comes of exchanging the systems encounter by encounter.
    pub p: f64,
}

/// One of two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// The first.
    First,
    /// The second.
    Second,
}

/// What one of the systems has of an encounter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The place of the encounter, from 0.
    pub row: usize,
    /// Whose it is.
    pub of: System,
}

/// Compares values of two systems over the same encounters; none where one is not defined for both. A draw for which it is not counts for nothing
/// in the interval. `values` gives the values of a choice of rows, always the same ones in the same order.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "draws are few")]
pub fn paired_values(
    length: usize,
    values: impl Fn(&[Taken]) -> Vec<Option<f64>>,
    sampling: Sampling,
) -> Vec<Option<PairedDifference>> {
    let whole = |of| values(&(0..length).map(|row| Taken { row, of }).collect::<Vec<_>>());
    let observed: Vec<Option<(f64, f64)>> =
        whole(System::First).into_iter().zip(whole(System::Second)).map(|(first, second)| first.zip(second)).collect();
    let mut differences: Vec<Vec<f64>> = vec![Vec::new(); observed.len()];
    let mut as_great = vec![0_usize; observed.len()];
    let mut draws = Draws::new(sampling.seed);
    let (mut one, mut other) = (Vec::with_capacity(length), Vec::with_capacity(length));
    for _ in 0..sampling.draws {
        one.clear();
        one.extend((0..length).map(|_| Taken { row: draws.below(length), of: System::First }));
        other.clear();
        other.extend(one.iter().map(|taken| Taken { of: System::Second, ..*taken }));
        for (all, (first, second)) in differences.iter_mut().zip(values(&one).into_iter().zip(values(&other))) {
            all.extend(first.zip(second).map(|(first, second)| second - first));
        }
        one.clear();
        other.clear();
        for row in 0..length {
            let exchanged = draws.next_bits() & 1 == 1;
            let (of, beside) = if exchanged { (System::Second, System::First) } else { (System::First, System::Second) };
            one.push(Taken { row, of });
            other.push(Taken { row, of: beside });
        }
        let exchanged = values(&one).into_iter().zip(values(&other));
        for ((count, (one, other)), observed) in as_great.iter_mut().zip(exchanged).zip(&observed) {
            if let (Some(one), Some(other), Some((first, second))) = (one, other, observed) {
                // sums of decimal fractions differ in their last digits
                *count += usize::from((other - one).abs() >= (second - first).abs() - 1e-12);
            }
        }
    }
    let results = observed.into_iter().zip(differences).zip(as_great);
    results
        .map(|((observed, differences), as_great)| {
            let ((first, second), (low, high)) = (observed?, middle(differences)?);
            Some(PairedDifference { first, second, low, high, p: (as_great + 1) as f64 / (sampling.draws + 1) as f64 })
        })
        .collect()
}

/// As [`paired_values`], of one value of sums.
#[must_use]
pub fn paired<const N: usize>(
    rows: &[[[f64; N]; 2]],
    value: impl Fn(&[f64; N]) -> Option<f64>,
    sampling: Sampling,
) -> Option<PairedDifference> {
    let of_sums = |taken: &[Taken]| {
        let mut sums = [0.0; N];
        for one in taken {
            let [first, second] = &rows[one.row];
            let row = if one.of == System::First { first } else { second };
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        vec![value(&sums)]
    };
    paired_values(rows.len(), of_sums, sampling).pop().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLING: Sampling = Sampling { draws: 2_000, seed: 7 };

    fn share([right, all]: &[f64; 2]) -> Option<f64> {
        (*all > 0.0).then(|| right / all)
    }

    fn compared(first: impl Fn(usize) -> f64, second: impl Fn(usize) -> f64) -> PairedDifference {
        let rows: Vec<_> = (0..40).map(|at| [[first(at), 10.0], [second(at), 10.0]]).collect();
        paired(&rows, share, SAMPLING).expect("both have it")
    }

    #[test]
    fn a_steady_loss_is_told_from_chance() {
        let few = |at: usize| [6.0, 7.0, 8.0][at % 3];
        let worse = compared(few, |at| few(at) - 1.0);
        assert!((worse.second - worse.first + 0.1).abs() < 1e-9 && worse.high < 0.0 && worse.p < 0.01, "{worse:?}");
        let shuffled = compared(few, |at| few(at + 1));
        assert!(shuffled.low < 0.0 && shuffled.high > 0.0 && shuffled.p > 0.05, "{shuffled:?}");
        let same = compared(few, few);
        assert_eq!((same.low, same.high, same.p), (0.0, 0.0, 1.0));
        assert_eq!(paired(&[[[0.0, 0.0]; 2]], share, SAMPLING), None);
    }

    /// Three encounters, each lost by one: of the 8 ways to exchange them 2 differ as much, so p is 0.25.
    #[test]
    fn p_is_the_share_of_all_exchanges() {
        let rows = [[[5.0, 10.0], [4.0, 10.0]]; 3];
        let found = paired(&rows, share, SAMPLING).expect("both have it");
        assert!((found.p - 0.25).abs() < 0.03 && (found.low + 0.1).abs() < 1e-9, "{found:?}");
    }
}
