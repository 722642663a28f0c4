//! Intervals of whatever is made of a choice of rows, by drawing rows with replacement. A row is all that an encounter (or a note) has, so what
//! stands in one stays together.

use super::draws::{Draws, Sampling};

/// The middle 95 % of each value over draws of as many rows with replacement, in the order of the values; none where a value is never defined. A
/// draw for which a value is not defined counts for nothing in its interval. `values` gets the places of the rows, a place as often as it was drawn.
#[must_use]
pub fn intervals(length: usize, values: impl Fn(&[usize]) -> Vec<Option<f64>>, sampling: Sampling) -> Vec<Option<(f64, f64)>> {
    let mut draws = Draws::new(sampling.seed);
    let mut rows = Vec::with_capacity(length);
    let mut samples: Vec<Vec<f64>> = Vec::new();
    for _ in 0..sampling.draws {
        rows.clear();
        rows.extend((0..length).map(|_| draws.below(length)));
        let values = values(&rows);
        samples.resize_with(values.len(), Vec::new);
        for (all, value) in samples.iter_mut().zip(values) {
            all.extend(value);
        }
    }
    samples.into_iter().map(middle).collect()
}

/// The middle 95 % of values; none of none.
pub(super) fn middle(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let cut = (values.len() / 40).min(last);
    Some((values[cut], values[last - cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_leaves_out_one_in_forty_on_each_side() {
        assert_eq!(middle((0..80).rev().map(f64::from).collect()), Some((2.0, 77.0)));
        assert_eq!((middle(vec![3.0]), middle(Vec::new())), (Some((3.0, 3.0)), None));
    }

    /// Of 400 rows, half of which are 1, a mean of 0.5 with a standard error of 0.025: 1.96 of them to each side.
    #[test]
    fn intervals_are_as_wide_as_the_theory_says_and_come_again() {
        let values = |rows: &[usize]| {
            let ones = rows.iter().filter(|row| **row % 2 == 0).count();
            vec![Some(ones as f64 / rows.len() as f64), None, rows.contains(&0).then_some(1.0)]
        };
        let sampling = Sampling { draws: 4_000, seed: 11 };
        let found = intervals(400, values, sampling);
        let (low, high) = found[0].expect("an interval");
        assert!((low - 0.451).abs() < 0.004 && (high - 0.549).abs() < 0.004, "{low} {high}");
        assert_eq!(found[1..], [None, Some((1.0, 1.0))], "a draw without a value counts for nothing");
        assert_eq!(intervals(400, values, sampling), found);
    }
}
