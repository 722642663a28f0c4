//! Two systems over the same encounters.

use super::draws::{Draws, Sampling};

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

fn add<const N: usize>(sums: &mut [f64; N], row: &[f64; N]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

/// Compares the value of the sums of two systems; none where it is not defined for both. A draw for which it is not counts for nothing in the
/// interval.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "draws are few")]
pub fn paired<const N: usize>(
    rows: &[[[f64; N]; 2]],
    value: impl Fn(&[f64; N]) -> Option<f64>,
    sampling: Sampling,
) -> Option<PairedDifference> {
    let difference = |[first, second]: &[[f64; N]; 2]| Some(value(second)? - value(first)?);
    let of = |rows: &mut dyn Iterator<Item = [[f64; N]; 2]>| {
        let mut sums = [[0.0; N]; 2];
        for row in rows {
            add(&mut sums[0], &row[0]);
            add(&mut sums[1], &row[1]);
        }
        sums
    };
    let all = of(&mut rows.iter().copied());
    let (first, second) = (value(&all[0])?, value(&all[1])?);
    let mut draws = Draws::new(sampling.seed);
    let mut drawn: Vec<f64> = Vec::with_capacity(sampling.draws);
    let mut as_great = 0_usize;
    for _ in 0..sampling.draws {
        drawn.extend(difference(&of(&mut (0..rows.len()).map(|_| rows[draws.below(rows.len())]))));
        let exchanged =
            of(&mut rows.iter().map(|[one, other]| if draws.next_bits() & 1 == 1 { [*other, *one] } else { [*one, *other] }));
        // sums of decimal fractions differ in their last digits
        as_great += usize::from(difference(&exchanged).is_some_and(|found| found.abs() >= (second - first).abs() - 1e-12));
    }
    drawn.sort_by(f64::total_cmp);
    let last = drawn.len().checked_sub(1)?;
    let cut = (drawn.len() / 40).min(last);
    Some(PairedDifference {
        first,
        second,
        low: drawn[cut],
        high: drawn[last - cut],
        p: (as_great + 1) as f64 / (sampling.draws + 1) as f64,
    })
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
