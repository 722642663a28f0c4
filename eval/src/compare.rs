//! Two runs over the same notes, side by side.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::{
    bootstrap::{Sampling, paired},
    counts::Counts,
    figures::{Names, Part, Table, lower_is_better},
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
}

/// Compares the notes that both runs have.
#[must_use]
pub fn compare(before: (&str, &[Document]), now: &[Document], sampling: Sampling) -> Comparison {
    let (name, before) = before;
    let earlier: HashMap<&str, &Counts> = before.iter().map(|one| (one.id.as_str(), &one.counts)).collect();
    let pairs: Vec<(&Counts, &Counts)> =
        now.iter().filter_map(|one| Some((*earlier.get(one.id.as_str())?, &one.counts))).collect();
    let names = Names::of(pairs.iter().flat_map(|(before, now)| [*before, *now]));
    let (first, second) =
        (Table::new(&names, pairs.iter().map(|(before, _)| *before)), Table::new(&names, pairs.iter().map(|(_, now)| *now)));
    let differences = paired(&first, &second, sampling);
    let values = names.keys().into_iter().zip(differences).filter(|((_, part), _)| *part == Part::Value);
    let changes = values.filter_map(|((metric, _), difference)| {
        let difference = difference?;
        let change = Change {
            before: difference.before,
            now: difference.now,
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
            Document { id: at.to_string(), counts }
        };
        (from..from + 30).map(note).collect()
    }

    #[test]
    fn only_common_notes_are_compared_and_direction_is_known() {
        let compared = compare(("before", &run(8, 0)), &run(5, 10), Sampling { draws: 200, seed: 1 });
        assert_eq!((compared.notes, compared.left_out), (20, 20));
        let strict = compared.changes["DX.strict"];
        assert!(strict.is_loss("DX.strict") && !strict.is_gain("DX.strict") && strict.p < 0.05, "{strict:?}");
        // three keys more are a loss too
        assert!(compared.changes["effort.keystrokes"].is_loss("effort.keystrokes"));
    }
}
