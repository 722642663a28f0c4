//! How long notes took, and against a run before. Wall-clock times differ from run to run, so they stand beside the metrics and are none: the
//! regression gate and the floors know nothing of them.

use std::collections::HashMap;

use abstractor::statistics::{Sampling, intervals, quantile};
use serde::{Deserialize, Serialize};

use crate::results::{Document, Estimate};

/// Seconds from handing in a note to its answer, each with its 95 % interval over draws of notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Of how many notes.
    pub notes: usize,
    /// The mean.
    pub mean: Estimate,
    /// The median.
    pub p50: Estimate,
    /// What nine in ten do not exceed.
    pub p90: Estimate,
    /// What ninety-nine in a hundred do not exceed; of fewer than a hundred notes the longest.
    pub p99: Estimate,
}

impl Latency {
    /// With their words, in the order in which they are shown.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, Estimate); 4] {
        [("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("mean", self.mean)]
    }
}

/// How long notes take against the run before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencyChange {
    /// Notes that both runs timed.
    pub notes: usize,
    /// How many times as long a note takes: the geometric mean over the notes, with its 95 % interval over draws of notes.
    pub ratio: Estimate,
    /// Whether machine, build and notes at a time were the same: otherwise the ratio is theirs too.
    pub alike: bool,
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

/// A value over all rows with its interval; none where it is not defined.
fn estimates<const N: usize>(
    length: usize,
    values: impl Fn(&[usize]) -> [Option<f64>; N],
    sampling: Sampling,
) -> Option<[Estimate; N]> {
    let all = values(&(0..length).collect::<Vec<_>>());
    let drawn = intervals(length, |rows| values(rows).to_vec(), sampling);
    let mut found = [Estimate { value: 0.0, low: 0.0, high: 0.0 }; N];
    for ((estimate, value), interval) in found.iter_mut().zip(all).zip(drawn) {
        let (value, (low, high)) = (value?, interval?);
        *estimate = Estimate { value, low, high };
    }
    (length > 0).then_some(found)
}

/// What these seconds come to; none of none.
#[must_use]
pub fn latency(seconds: &[f64], sampling: Sampling) -> Option<Latency> {
    let values = |rows: &[usize]| {
        let mut drawn: Vec<f64> = rows.iter().map(|row| seconds[*row]).collect();
        let mean = mean(drawn.iter().copied());
        drawn.sort_by(f64::total_cmp);
        [mean, quantile(&drawn, 0.5), quantile(&drawn, 0.9), quantile(&drawn, 0.99)]
    };
    let [mean, p50, p90, p99] = estimates(seconds.len(), values, sampling)?;
    Some(Latency { notes: seconds.len(), mean, p50, p90, p99 })
}

/// How long the notes that both runs timed take now against before; none where there are none. That the runs are alike is for the caller to say.
#[must_use]
pub fn change((before, now): (&[Document], &[Document]), sampling: Sampling) -> Option<LatencyChange> {
    let timed = |one: &Document| one.seconds.filter(|seconds| *seconds > 0.0);
    let earlier: HashMap<&str, f64> = before.iter().filter_map(|one| Some((one.id.as_str(), timed(one)?))).collect();
    let logarithms: Vec<f64> = now.iter().filter_map(|one| Some((timed(one)? / earlier.get(one.id.as_str())?).ln())).collect();
    let values = |rows: &[usize]| [mean(rows.iter().map(|row| logarithms[*row]))];
    let [ratio] = estimates(logarithms.len(), values, sampling)?;
    let ratio = Estimate { value: ratio.value.exp(), low: ratio.low.exp(), high: ratio.high.exp() };
    Some(LatencyChange { notes: logarithms.len(), ratio, alike: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLING: Sampling = Sampling { draws: 400, seed: 7 };

    #[test]
    fn ranks_and_mean_stand_within_their_intervals() {
        let seconds: Vec<f64> = (1..=200).map(|at| f64::from(at) / 100.0).collect();
        let found = latency(&seconds, SAMPLING).expect("some were timed");
        assert_eq!((found.notes, found.p50.value, found.p90.value, found.p99.value), (200, 1.0, 1.8, 1.98));
        assert!((found.mean.value - 1.005).abs() < 1e-9);
        for (name, Estimate { value, low, high }) in found.parts() {
            assert!(low <= value && value <= high && low < high && high <= 2.0, "{name} {value} [{low}, {high}]");
        }
        assert_eq!(latency(&seconds, SAMPLING), Some(found), "the draws come of the seed");
        assert_eq!(latency(&[], SAMPLING), None);
        let one = latency(&[0.5], SAMPLING).expect("one was timed");
        assert_eq!((one.p99.low, one.p99.high), (0.5, 0.5));
    }

    fn run(seconds: impl Fn(u32) -> Option<f64>) -> Vec<Document> {
        (0..40).map(|at| Document { id: at.to_string(), seconds: seconds(at), ..Document::default() }).collect()
    }

    /// Notes of very different length, each half as long again: the ratio is that of each note, not of the long ones.
    #[test]
    fn notes_are_held_against_themselves() {
        let before = run(|at| Some(f64::from(at + 1)));
        let found = change((&before, &run(|at| Some(1.5 * f64::from(at + 1)))), SAMPLING).expect("both were timed");
        assert!((found.ratio.value - 1.5).abs() < 1e-9 && (found.ratio.low - found.ratio.high).abs() < 1e-9, "{found:?}");
        let mixed = run(|at| Some(f64::from(at + 1) * if at % 2 == 0 { 2.0 } else { 0.5 }));
        let found = change((&before, &mixed), SAMPLING).expect("both were timed");
        assert!((found.ratio.value - 1.0).abs() < 1e-9 && found.ratio.low < 0.95 && found.ratio.high > 1.05, "{found:?}");
        // what only one run timed takes no part
        let some = run(|at| (at < 10).then_some(1.0));
        assert_eq!(change((&before, &some), SAMPLING).map(|found| found.notes), Some(10));
        assert_eq!(change((&before, &run(|_| None)), SAMPLING), None);
    }
}
