//! Two runs over the same notes, side by side.

use std::collections::{BTreeMap, HashMap};

use abstractor::statistics::{Sampling, paired_values};
use serde::{Deserialize, Serialize};

use crate::{
    counts::Counts,
    figures::{Names, Part, Table, lower_is_better},
    latency::LatencyChange,
    results::Document,
};

/// How a metric differs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Of the run before.
    pub before: f64,
    /// Of this run.
    pub now: f64,
    /// Lower end of the 95 % interval of the difference.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Two-sided p by approximate randomisation.
    pub p: f64,
}

impl Change {
    /// Whether the whole interval speaks for a loss.
    #[must_use]
    pub fn is_loss(&self, metric: &str) -> bool {
        if lower_is_better(metric) { self.low > 0.0 } else { self.high < 0.0 }
    }

    /// Whether the whole interval speaks for a gain.
    #[must_use]
    pub fn is_gain(&self, metric: &str) -> bool {
        if lower_is_better(metric) { self.high < 0.0 } else { self.low > 0.0 }
    }
}

/// A run before and how this one differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What the run before was called, and when it was.
    pub before: String,
    /// Notes that both have; others take no part.
    pub notes: usize,
    /// Notes that only one has.
    pub left_out: usize,
    /// By metric.
    pub changes: BTreeMap<String, Change>,
    /// How long notes take against the run before; none where one of them was not timed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency: Option<LatencyChange>,
}

/// Compares the counts of the notes that both runs have; of how long they took it says nothing, which the regression gate must not hear.
#[must_use]
pub fn compare(before: (&str, &[Document]), now: &[Document], sampling: Sampling) -> Comparison {
    let (name, before) = before;
    let earlier: HashMap<&str, &Counts> = before.iter().map(|one| (one.id.as_str(), &one.counts)).collect();
    let pairs: Vec<(&Counts, &Counts)> =
        now.iter().filter_map(|one| Some((*earlier.get(one.id.as_str())?, &one.counts))).collect();
    let names = Names::of(pairs.iter().flat_map(|(before, now)| [*before, *now]));
    let (first, second) =
        (Table::new(&names, pairs.iter().map(|(before, _)| *before)), Table::new(&names, pairs.iter().map(|(_, now)| *now)));
    let differences = paired_values(pairs.len(), |taken| Table::values_of_both(&first, &second, taken), sampling);
    let values = names.keys().into_iter().zip(differences).filter(|((_, part), _)| *part == Part::Value);
    let changes = values.filter_map(|((metric, _), difference)| {
        let difference = difference?;
        let change = Change {
            before: difference.first,
            now: difference.second,
            low: difference.low,
            high: difference.high,
            p: difference.p,
        };
        Some((metric.to_owned(), change))
    });
    Comparison {
        before: name.to_owned(),
        notes: pairs.len(),
        left_out: before.len() + now.len() - 2 * pairs.len(),
        changes: changes.collect(),
        latency: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(right: usize, from: usize) -> Vec<Document> {
        let note = |at: usize| {
            let mut counts = Counts::default();
            counts.find("DX.strict", [right + at % 2, 1, 3]);
            counts.mean("effort.keystrokes", 20.0 - right as f64);
            Document { id: at.to_string(), counts, ..Document::default() }
        };
        (from..from + 30).map(note).collect()
    }

    fn shares(right_of_ten: impl Fn(usize) -> usize) -> Vec<Document> {
        let note = |at: usize| {
            let mut counts = Counts::default();
            counts.share("DX.code@1", [right_of_ten(at), 10]);
            Document { id: at.to_string(), counts, ..Document::default() }
        };
        (0..40).map(note).collect()
    }

    #[test]
    fn a_steady_loss_is_told_from_chance() {
        let difference = |before: &[Document], now: &[Document]| {
            compare(("before", before), now, Sampling { draws: 400, seed: 7 }).changes["DX.code@1"]
        };
        let before = shares(|at| 6 + at % 3);
        let worse = difference(&before, &shares(|at| 5 + at % 3));
        assert!(worse.high < 0.0 && worse.p < 0.01, "{worse:?}");
        let shuffled = difference(&before, &shares(|at| 6 + (at + 1) % 3));
        assert!(shuffled.low < 0.0 && shuffled.high > 0.0 && shuffled.p > 0.05, "{shuffled:?}");
        let same = difference(&before, &before);
        assert_eq!((same.low, same.high, same.p), (0.0, 0.0, 1.0));
    }

    #[test]
    fn only_common_notes_are_compared_and_direction_is_known() {
        let compared = compare(("before", &run(8, 0)), &run(5, 10), Sampling { draws: 200, seed: 1 });
        assert_eq!((compared.notes, compared.left_out), (20, 20));
        let strict = compared.changes["DX.strict"];
        assert!(strict.is_loss("DX.strict") && !strict.is_gain("DX.strict") && strict.p < 0.05, "{strict:?}");
        assert_eq!(compared.latency, None);
        // three keys more are a loss too
        assert!(compared.changes["effort.keystrokes"].is_loss("effort.keystrokes"));
    }
}
