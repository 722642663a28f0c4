//! Whether confidences are probabilities, and what abstaining on the least sure would give.

use serde::{Deserialize, Serialize};

use crate::figures::bin;

/// Diagnoses whose confidence falls into one tenth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end of the tenth.
    pub from: f64,
    /// How many.
    pub cases: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that is right.
    pub right: f64,
}

/// The reliability curve: one bin a tenth that has cases.
#[must_use]
pub fn reliability(cases: &[(f64, bool)]) -> Vec<Bin> {
    let mut sums = [(0_u64, 0.0, 0.0); 10];
    for (confidence, right) in cases {
        let (count, sum, hits) = &mut sums[bin(*confidence)];
        *count += 1;
        *sum += confidence;
        *hits += f64::from(u8::from(*right));
    }
    let filled = sums.into_iter().enumerate().filter(|(_, (count, ..))| *count > 0);
    filled
        .map(|(at, (cases, sum, hits))| {
            let of = cases as f64;
            Bin { from: at as f64 / 10.0, cases, confidence: sum / of, right: hits / of }
        })
        .collect()
}

/// What keeping only the surest codes gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Codes with this confidence or more are kept.
    pub threshold: f64,
    /// Of the diagnoses found, those that keep a code.
    pub coverage: f64,
    /// Of those, the share that is right.
    pub accuracy: f64,
}

/// Points of the curve.
const POINTS: usize = 40;

/// Abstention against accuracy: from the surest few to all that have a code. `found` is how many diagnoses were found, with a code or not.
#[must_use]
pub fn abstention(cases: &[(f64, bool)], found: u64) -> Vec<Kept> {
    let mut sorted = cases.to_vec();
    sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut ends: Vec<usize> = (1..=POINTS).map(|point| (sorted.len() * point).div_ceil(POINTS)).collect();
    ends.dedup();
    let mut out = Vec::new();
    for mut end in ends.into_iter().filter(|end| *end > 0) {
        // who keeps a confidence keeps all that have it
        while end < sorted.len() && sorted[end].0 == sorted[end - 1].0 {
            end += 1;
        }
        let right = sorted[..end].iter().filter(|(_, right)| *right).count();
        let point = Kept {
            threshold: sorted[end - 1].0,
            coverage: end as f64 / (found as f64).max(1.0),
            accuracy: right as f64 / end as f64,
        };
        if out.last() != Some(&point) {
            out.push(point);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_what_falls_into_them() {
        let bins = reliability(&[(0.95, true), (1.0, true), (0.91, false), (0.05, false)]);
        assert_eq!(bins.iter().map(|bin| (bin.from, bin.cases)).collect::<Vec<_>>(), [(0.0, 1), (0.9, 3)]);
        assert!((bins[1].right - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn keeping_fewer_is_more_accurate_where_confidence_means_something() {
        let curve = abstention(&[(0.9, true), (0.9, true), (0.5, false), (0.4, true)], 5);
        let first = curve.first().expect("a point");
        assert_eq!((first.threshold, first.coverage, first.accuracy), (0.9, 0.4, 1.0));
        let last = curve.last().expect("a point");
        assert_eq!((last.threshold, last.coverage, last.accuracy), (0.4, 0.8, 0.75));
        assert!(abstention(&[], 3).is_empty());
    }
}
