//! Metrics: their names, and their values over any set of notes.
//!
//! Values are computed from counts alone, so that a draw of the bootstrap, a slice and the whole corpus go the same way.

use std::collections::BTreeSet;

use abstractor::statistics::{System, Taken};

use crate::counts::Counts;

/// Metrics of the short table.
pub const HEADLINE: [&str; 27] = [
    "DX.affirmed",
    "DX.strict",
    "DX.relaxed",
    "DX.anywhere",
    "DX.labelled",
    "DX.assertion",
    "DX.code@1",
    "DX.code@5",
    "DX.category@1",
    "DX.distance@1",
    "RX.strict",
    "RX.relaxed",
    "RX.labelled",
    "RX.identified",
    "RX.assertion",
    "RX.ingredient",
    "RX.attributes",
    "RX.relations",
    "AL.relaxed",
    "AL.substance",
    "AL.attributes",
    "NKA.relaxed",
    "doc.code.f1",
    "evidence.relaxed",
    "evidence.supported",
    "DX.ece",
    "effort.keystrokes",
];

/// Metrics that the regression gate watches. None of them is of the mentions that were found alone: who finds more, and harder ones, would lose there.
pub const GATED: [&str; 14] = [
    "DX.affirmed",
    "DX.strict",
    "DX.relaxed",
    "DX.labelled",
    "RX.strict",
    "RX.relaxed",
    "RX.labelled",
    "RX.identified",
    "RX.relations",
    "AL.identified",
    "AL.relations",
    "NKA.relaxed",
    "evidence.relaxed",
    "doc.code.recall",
];

/// Name and meaning; `K` stands for each of DX, RX, AL and NKA, `A` for an attribute.
pub const METRICS: [(&str, &str); 46] = [
    ("K.strict", "F1 of mentions with the same start and end"),
    ("K.relaxed", "F1 of mentions with a character in common"),
    ("K.anywhere", "F1 of distinct words of a note, wherever they stand"),
    ("ALL.strict", "the same over all kinds"),
    ("ALL.relaxed", "the same over all kinds"),
    ("DX.affirmed", "F1 (relaxed) of diagnoses present, historical or possible"),
    ("K.labelled", "F1 (relaxed) of mentions with the right assertion, status or scope"),
    ("RX.identified", "F1 (relaxed) of medications with the right ingredients"),
    ("AL.identified", "F1 (relaxed) of allergies with the right substance"),
    ("K.assertion", "of the mentions found, those with the right assertion, status or scope"),
    ("DX.coded", "of the affirmed diagnoses found, those with a code"),
    ("DX.code@1", "of the affirmed diagnoses found, those whose first code is acceptable"),
    ("DX.code@5", "the same for any of the first five"),
    ("DX.code@1.best", "the same where only the gold's first alternative counts"),
    ("DX.category@1", "of the affirmed diagnoses found, those whose first code is of an acceptable category"),
    ("DX.code@1|coded", "code@1 of those that have a code"),
    (
        "DX.distance@1",
        "edges in the tree of ICD-10-CM from the first code to the nearest acceptable one (mean, lower is better)",
    ),
    ("DX.shown.precision", "of all affirmed coded diagnoses proposed, those right in place and code"),
    ("DX.shown.precision@80", "the same for the 80 % with the highest confidence"),
    ("DX.shown.auroc", "how well the confidence tells right from wrong among them"),
    ("DX.ece", "expected calibration error of the confidence, ten bins (lower is better)"),
    ("RX.ingredient", "of the medications found, those with the right ingredients"),
    ("AL.coded", "of the allergies found, those with a code"),
    ("AL.substance", "of the allergies found, those with the right substance"),
    ("RX.attributes", "F1 of the attributes of medications that were found"),
    ("AL.attributes", "F1 of the attributes of allergies that were found"),
    ("RX.attributes.A", "the same for one attribute"),
    ("AL.attributes.A", "the same for one attribute"),
    ("RX.relations", "F1 of attributes with the medication that they belong to, found or not"),
    ("AL.relations", "F1 of attributes with the allergy that they belong to, found or not"),
    ("doc.code.precision", "of the distinct first codes of a note (present or historical), those that the gold accepts"),
    ("doc.code.recall", "of the gold's distinct diagnoses of a note, those whose code was proposed"),
    ("doc.code.f1", "of both"),
    ("evidence.strict", "F1 of pairs of code and span, the same span"),
    ("evidence.relaxed", "F1 of pairs of code and span, a character in common"),
    ("evidence.anywhere", "F1 of pairs of code and words, wherever they stand"),
    ("evidence.supported", "of the gold's codes that were proposed, those with evidence that overlaps the gold's"),
    ("effort.accepted", "of the charted entries, those that a coder would accept as they are (simulated)"),
    ("effort.amended", "of the charted entries, those that a coder would amend (simulated)"),
    ("effort.rejected", "of the charted entries, those that a coder would reject (simulated)"),
    ("effort.added", "of the gold's entries, those that a coder would have to add (simulated; lower is better)"),
    ("effort.keystrokes", "keys a note with the suggestions (mean, lower is better)"),
    ("effort.unaided", "keys a note without them (mean)"),
    ("review.accepted", "of the decided suggestions of a review, those accepted as they were"),
    ("review.amended", "of the decided suggestions of a review, those amended"),
    ("review.rejected", "of the decided suggestions of a review, those rejected"),
];

/// Metrics of which less is better.
const LOWER: [&str; 7] =
    ["DX.distance@1", "DX.ece", "effort.rejected", "effort.amended", "effort.added", "effort.keystrokes", "review.rejected"];

/// Whether less of it is better.
#[must_use]
pub fn lower_is_better(metric: &str) -> bool {
    LOWER.contains(&metric)
}

/// Whether its values are shares, from 0 to 1.
#[must_use]
pub fn is_share(metric: &str) -> bool {
    !matches!(metric, "DX.distance@1" | "effort.keystrokes" | "effort.unaided")
}

/// Whether there is such a metric.
#[must_use]
pub fn is_known(metric: &str) -> bool {
    let fits = |pattern: &str| {
        let kinds = ["DX", "RX", "AL", "NKA"].map(|kind| pattern.replacen("K.", &format!("{kind}."), 1));
        match pattern.strip_suffix(".A") {
            Some(stem) => metric.strip_prefix(stem).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.')),
            None if pattern.starts_with("K.") => kinds.iter().any(|name| name == metric),
            None => pattern == metric,
        }
    };
    METRICS.iter().any(|(pattern, _)| fits(pattern))
}

/// What a number says of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// F1, a share or a mean: the metric's value.
    Value,
    /// Precision.
    Precision,
    /// Recall.
    Recall,
}

/// Metrics that are made of others.
const DERIVED: [&str; 5] = ["doc.code.f1", "DX.ece", "DX.shown.precision", "DX.shown.precision@80", "DX.shown.auroc"];

#[derive(Clone, Default)]
struct Row {
    found: Vec<[f64; 3]>,
    shares: Vec<[f64; 2]>,
    means: Vec<[f64; 2]>,
    shown: Vec<(f64, bool)>,
    coded: Vec<(f64, bool)>,
}

/// Names of the metrics of a set of notes, in one order.
#[derive(Clone, PartialEq, Eq)]
pub struct Names {
    found: Vec<String>,
    shares: Vec<String>,
    means: Vec<String>,
}

impl Names {
    /// The metrics that any of these notes has.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Counts>) -> Self {
        let (mut found, mut shares, mut means) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for counts in all {
            found.extend(counts.found.keys().cloned());
            shares.extend(counts.shares.keys().cloned());
            means.extend(counts.means.keys().cloned());
        }
        let list = |set: BTreeSet<String>| set.into_iter().collect();
        Self { found: list(found), shares: list(shares), means: list(means) }
    }

    /// Metric and part of each value that [`Table::values`] gives.
    #[must_use]
    pub fn keys(&self) -> Vec<(&str, Part)> {
        let mut keys = Vec::new();
        for name in &self.found {
            keys.extend([Part::Value, Part::Precision, Part::Recall].map(|part| (name.as_str(), part)));
        }
        keys.extend(self.shares.iter().chain(&self.means).map(|name| (name.as_str(), Part::Value)));
        keys.extend(DERIVED.map(|name| (name, Part::Value)));
        keys
    }
}

/// Counts of notes, one row a note, ready to be summed many times.
pub struct Table<'n> {
    names: &'n Names,
    rows: Vec<Row>,
}

impl<'n> Table<'n> {
    /// A row for each of these notes.
    pub fn new<'a>(names: &'n Names, all: impl IntoIterator<Item = &'a Counts>) -> Self {
        let number = |count: u64| count as f64;
        let row = |counts: &Counts| Row {
            found: names.found.iter().map(|name| counts.found.get(name).copied().unwrap_or_default().map(number)).collect(),
            shares: names.shares.iter().map(|name| counts.shares.get(name).copied().unwrap_or_default().map(number)).collect(),
            means: names
                .means
                .iter()
                .map(|name| counts.means.get(name).map_or([0.0; 2], |(sum, of)| [*sum, number(*of)]))
                .collect(),
            shown: counts.shown.clone(),
            coded: counts.coded.clone(),
        };
        Self { names, rows: all.into_iter().map(row).collect() }
    }

    /// How many notes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The values of these rows, a row as often as it is named, in the order of [`Names::keys`]; none where nothing was counted.
    #[must_use]
    pub fn values(&self, rows: &[usize]) -> Vec<Option<f64>> {
        self.values_of(rows.iter().map(|row| &self.rows[*row]))
    }

    /// The values of rows of two tables of the same names and notes.
    #[must_use]
    pub fn values_of_both(first: &Self, second: &Self, taken: &[Taken]) -> Vec<Option<f64>> {
        first.values_of(taken.iter().map(|one| match one.of {
            System::First => &first.rows[one.row],
            System::Second => &second.rows[one.row],
        }))
    }

    /// How many cases each metric has, in the order of [`Names::keys`]: of the gold for what is found, else all.
    #[must_use]
    pub fn cases(&self) -> Vec<u64> {
        let sum = |value: &dyn Fn(&Row) -> f64| self.rows.iter().map(value).sum::<f64>() as u64;
        let mut out = Vec::new();
        for at in 0..self.names.found.len() {
            out.extend([sum(&|row| row.found[at][0] + row.found[at][2]); 3]);
        }
        out.extend((0..self.names.shares.len()).map(|at| sum(&|row| row.shares[at][1])));
        out.extend((0..self.names.means.len()).map(|at| sum(&|row| row.means[at][1])));
        let (coded, shown) = (sum(&|row| row.coded.len() as f64), sum(&|row| row.shown.len() as f64));
        let recall = self.names.shares.iter().position(|name| name == "doc.code.recall");
        let documents = recall.map_or(0, |at| sum(&|row| row.shares[at][1]));
        out.extend([documents, coded, shown, surest(shown as usize) as u64, shown]);
        out
    }

    fn values_of<'a>(&self, rows: impl Iterator<Item = &'a Row>) -> Vec<Option<f64>> {
        let mut sum = Row {
            found: vec![[0.0; 3]; self.names.found.len()],
            shares: vec![[0.0; 2]; self.names.shares.len()],
            means: vec![[0.0; 2]; self.names.means.len()],
            ..Row::default()
        };
        for row in rows {
            let cells = sum.found.iter_mut().flatten().zip(row.found.iter().flatten());
            let cells = cells.chain(sum.shares.iter_mut().flatten().zip(row.shares.iter().flatten()));
            for (total, more) in cells.chain(sum.means.iter_mut().flatten().zip(row.means.iter().flatten())) {
                *total += more;
            }
            sum.shown.extend_from_slice(&row.shown);
            sum.coded.extend_from_slice(&row.coded);
        }
        let mut out = Vec::new();
        for [right, spurious, missed] in &sum.found {
            out.extend(f1(*right, *spurious, *missed));
        }
        out.extend(sum.shares.iter().chain(&sum.means).map(|[part, of]| (*of > 0.0).then(|| part / of)));
        let share = |name: &str| {
            let at = self.names.shares.iter().position(|own| own == name)?;
            let [part, of] = sum.shares[at];
            // nothing proposed is a precision of nothing, as the gold folder's scorer has it
            Some(if of > 0.0 { part / of } else { 0.0 })
        };
        out.push(document_f1(share("doc.code.precision"), share("doc.code.recall")));
        out.extend([calibration_error(&sum.coded), precision(&sum.shown), precision_at_80(&mut sum.shown), auroc(&sum.shown)]);
        out
    }
}

/// F1, precision and recall; none where there was nothing to find and nothing was found.
fn f1(right: f64, spurious: f64, missed: f64) -> [Option<f64>; 3] {
    if right + spurious + missed == 0.0 {
        return [None; 3];
    }
    let share = |of: f64| if of > 0.0 { right / of } else { 0.0 };
    let (precision, recall) = (share(right + spurious), share(right + missed));
    let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    [Some(f1), Some(precision), Some(recall)]
}

/// To four digits, as the gold folder's scorer prints.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    format!("{value:.4}").parse().unwrap_or(value)
}

/// The gold folder's scorer makes this one of what it has rounded; to agree with it to the last digit, so is it here.
fn document_f1(precision: Option<f64>, recall: Option<f64>) -> Option<f64> {
    let (precision, recall) = (rounded(precision?), rounded(recall?));
    Some(if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 })
}

/// Which of ten bins a confidence falls into.
#[must_use]
pub fn bin(confidence: f64) -> usize {
    ((confidence * 10.0).trunc().max(0.0) as usize).min(9)
}

fn calibration_error(coded: &[(f64, bool)]) -> Option<f64> {
    let mut bins = [(0.0, 0.0); 10];
    for (confidence, right) in coded {
        let (sum, hits) = &mut bins[bin(*confidence)];
        *sum += confidence;
        *hits += f64::from(u8::from(*right));
    }
    // |mean confidence - share right| * cases is the difference of the sums
    let error: f64 = bins.iter().map(|(sum, hits)| (sum - hits).abs()).sum();
    (!coded.is_empty()).then(|| error / coded.len() as f64)
}

fn precision(cases: &[(f64, bool)]) -> Option<f64> {
    let right = cases.iter().filter(|(_, right)| *right).count();
    (!cases.is_empty()).then(|| right as f64 / cases.len() as f64)
}

/// Sorts by confidence, the highest first; equal ones stay in their order.
fn precision_at_80(cases: &mut [(f64, bool)]) -> Option<f64> {
    cases.sort_by(|one, other| other.0.total_cmp(&one.0));
    precision(&cases[..surest(cases.len())])
}

/// Four in five, at least one where there is one.
fn surest(cases: usize) -> usize {
    ((0.8 * cases as f64) as usize).max(1).min(cases)
}

/// The area under the curve; the cases are sorted. None without both right and wrong ones.
fn auroc(sorted: &[(f64, bool)]) -> Option<f64> {
    let right = sorted.iter().filter(|(_, right)| *right).count() as f64;
    let wrong = sorted.len() as f64 - right;
    if right == 0.0 || wrong == 0.0 {
        return None;
    }
    let (mut area, mut above) = (0.0, 0.0);
    for group in sorted.chunk_by(|one, other| one.0 == other.0) {
        let hits = group.iter().filter(|(_, right)| *right).count() as f64;
        area += (group.len() as f64 - hits) * (above + 0.5 * hits);
        above += hits;
    }
    Some(area / (right * wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(all: &[Counts], metric: &str) -> Option<f64> {
        let names = Names::of(all);
        let rows: Vec<usize> = (0..all.len()).collect();
        let values = Table::new(&names, all).values(&rows);
        let at = names.keys().iter().position(|key| *key == (metric, Part::Value)).expect("a metric");
        values[at]
    }

    #[test]
    fn sums_are_taken_before_ratios() {
        let (mut one, mut two) = (Counts::default(), Counts::default());
        one.find("DX.strict", [1, 0, 3]);
        two.find("DX.strict", [2, 2, 0]);
        two.hit("DX.code@1", true);
        let all = [one, two];
        assert_eq!(value(&all, "DX.strict"), Some(0.6 * 0.5 * 2.0 / 1.1));
        assert_eq!(value(&all, "DX.code@1"), Some(1.0));
        assert_eq!(value(&all, "DX.ece"), None);
    }

    #[test]
    fn confidences_are_held_against_what_was_right() {
        let counts = Counts {
            shown: vec![(0.9, true), (0.2, false), (0.9, false), (0.5, true), (0.1, false)],
            coded: vec![(0.95, true), (0.95, false), (0.25, false)],
            ..Counts::default()
        };
        let all = [counts];
        assert_eq!(value(&all, "DX.shown.precision"), Some(0.4));
        assert_eq!(value(&all, "DX.shown.precision@80"), Some(0.5));
        // pairs: 0.9 beats 0.2 and 0.1 and ties 0.9; 0.5 beats 0.2 and 0.1
        assert_eq!(value(&all, "DX.shown.auroc"), Some(4.5 / 6.0));
        let error = value(&all, "DX.ece").expect("a value");
        assert!((error - (0.9 + 0.25) / 3.0).abs() < 1e-12, "{error}");
    }

    #[test]
    fn every_metric_of_the_lists_is_known() {
        for metric in HEADLINE.iter().chain(&GATED).chain(&LOWER).chain(&DERIVED) {
            assert!(is_known(metric), "{metric}");
        }
        assert!(is_known("RX.attributes.strength") && !is_known("RX.attributes.") && !is_known("PX.strict"));
    }
}
