//! Whether two groups of rows come from one source: how often a distance at least as great comes of dealing the rows out anew. A row is all that an
//! encounter (or a day) has, as sums, so what stands in one encounter stays together, and no assumption is made of how alike it is.

use super::draws::{Draws, Sampling};

/// Sums that differ by less than this are the same: those of decimal fractions differ in their last digits.
const SAME: f64 = 1e-12;

/// Rows of two groups.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Of the reference.
    pub reference: &'a [Vec<f64>],
    /// Of what is held against it.
    pub current: &'a [Vec<f64>],
}

impl Rows<'_> {
    fn width(&self) -> usize {
        self.reference.iter().chain(self.current).map(Vec::len).max().unwrap_or(0)
    }
}

/// The sums of rows, column by column.
fn sums<'a>(rows: impl IntoIterator<Item = &'a Vec<f64>>, width: usize) -> Vec<f64> {
    let mut out = vec![0.0; width];
    for row in rows {
        for (sum, value) in out.iter_mut().zip(row) {
            *sum += value;
        }
    }
    out
}

/// The p-value of a distance between the sums of the two groups, the reference's first: (1 + draws at least as far) / (1 + draws).
#[must_use]
pub fn permutation(rows: Rows<'_>, distance: impl Fn(&[f64], &[f64]) -> f64, sampling: Sampling) -> f64 {
    let width = rows.width();
    let mut all: Vec<&Vec<f64>> = rows.reference.iter().chain(rows.current).collect();
    let total = sums(all.iter().copied(), width);
    let observed = distance(&sums(rows.reference, width), &sums(rows.current, width));
    let mut draws = Draws::new(sampling.seed);
    dealt(sampling.draws, observed, || {
        draws.choose(&mut all, rows.current.len());
        let current = sums(all[..rows.current.len()].iter().copied(), width);
        let reference: Vec<f64> = total.iter().zip(&current).map(|(all, current)| all - current).collect();
        distance(&reference, &current)
    })
}

/// As [`permutation`], dealing out within strata alone (days within their day of the week): each is a pair of groups.
#[must_use]
pub fn permutation_within(strata: &[Rows<'_>], distance: impl Fn(&[f64], &[f64]) -> f64, sampling: Sampling) -> f64 {
    let width = strata.iter().map(Rows::width).max().unwrap_or(0);
    let of = |group: fn(&Rows<'_>) -> Vec<Vec<f64>>| sums(&strata.iter().flat_map(group).collect::<Vec<_>>(), width);
    let (reference, current) = (of(|rows| rows.reference.to_vec()), of(|rows| rows.current.to_vec()));
    let observed = distance(&reference, &current);
    let total: Vec<f64> = reference.iter().zip(&current).map(|(one, other)| one + other).collect();
    let mut pools: Vec<(Vec<&Vec<f64>>, usize)> =
        strata.iter().map(|rows| (rows.reference.iter().chain(rows.current).collect(), rows.current.len())).collect();
    let mut draws = Draws::new(sampling.seed);
    dealt(sampling.draws, observed, || {
        let mut current = vec![0.0; width];
        for (pool, taken) in &mut pools {
            draws.choose(pool, *taken);
            for row in &pool[..*taken] {
                for (sum, value) in current.iter_mut().zip(*row) {
                    *sum += value;
                }
            }
        }
        let reference: Vec<f64> = total.iter().zip(&current).map(|(all, current)| all - current).collect();
        distance(&reference, &current)
    })
}

#[expect(clippy::cast_precision_loss, reason = "draws are few")]
fn dealt(draws: usize, observed: f64, mut distance: impl FnMut() -> f64) -> f64 {
    let as_far = (0..draws).filter(|_| distance() >= observed - SAME).count();
    (as_far + 1) as f64 / (draws + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLING: Sampling = Sampling { draws: 4_000, seed: 5 };

    fn mean_apart(reference: &[f64], current: &[f64]) -> f64 {
        (reference[0] / reference[1] - current[0] / current[1]).abs()
    }

    fn rows(values: &[f64]) -> Vec<Vec<f64>> {
        values.iter().map(|value| vec![*value, 1.0]).collect()
    }

    /// Of the 20 ways to deal six values out by three, 2 are as far apart as 1 2 3 against 10 11 12: p is 0.1.
    #[test]
    fn p_is_the_share_of_all_ways_to_deal_out() {
        let (reference, current) = (rows(&[1.0, 2.0, 3.0]), rows(&[10.0, 11.0, 12.0]));
        let p = permutation(Rows { reference: &reference, current: &current }, mean_apart, SAMPLING);
        assert!((p - 0.1).abs() < 0.015, "{p}");
        let same = rows(&[4.0, 4.0, 4.0]);
        let p = permutation(Rows { reference: &same, current: &same }, mean_apart, SAMPLING);
        assert!((p - 1.0).abs() < 1e-12, "{p}");
    }

    /// Twenty entries of one encounter are one observation, not twenty: a test of entries would find something here.
    #[test]
    fn what_stands_together_is_dealt_out_together() {
        let encounter = |right: f64| vec![right, 20.0];
        let reference: Vec<_> = [20.0, 0.0, 20.0, 0.0, 20.0].map(encounter).into();
        let current: Vec<_> = [0.0, 0.0, 20.0, 0.0].map(encounter).into();
        let p = permutation(Rows { reference: &reference, current: &current }, mean_apart, SAMPLING);
        assert!(p > 0.3, "{p}");
    }

    /// Saturdays are few in both; dealt out over all days this would be hidden, within the days of the week it is one of two ways each.
    #[test]
    fn strata_are_dealt_out_apart() {
        let weekdays = (rows(&[50.0, 51.0, 49.0, 50.0]), rows(&[90.0]));
        let saturdays = (rows(&[5.0, 6.0, 5.0, 4.0]), rows(&[9.0]));
        let strata = [&weekdays, &saturdays].map(|(reference, current)| Rows { reference, current });
        let distance = |reference: &[f64], current: &[f64]| (current[0] / current[1] - reference[0] / reference[1]).abs();
        let p = permutation_within(&strata, distance, SAMPLING);
        // 5 × 5 ways, of which this one is the farthest
        assert!((p - 0.04).abs() < 0.01, "{p}");
    }
}
