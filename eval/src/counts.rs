//! What is counted of one note: everything that figures, intervals and comparisons are made of. Counts hold no word of the note.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts by metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counts {
    /// Right, spurious and missed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<String, [u64; 3]>,
    /// Right, and of how many.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<String, [u64; 2]>,
    /// Sum, and of how many.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub means: BTreeMap<String, (f64, u64)>,
    /// Confidence and rightness of affirmed coded diagnoses, whether or not the gold has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(f64, bool)>,
    /// Confidence and rightness of codes of diagnoses that the gold has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coded: Vec<(f64, bool)>,
}

impl Counts {
    /// Adds to what was found.
    pub fn find(&mut self, metric: &str, [right, spurious, missed]: [usize; 3]) {
        let counts = self.found.entry(metric.to_owned()).or_default();
        for (sum, more) in counts.iter_mut().zip([right, spurious, missed]) {
            *sum += more as u64;
        }
    }

    /// Adds one case of a share.
    pub fn hit(&mut self, metric: &str, right: bool) {
        self.share(metric, [usize::from(right), 1]);
    }

    /// Adds several cases of a share.
    pub fn share(&mut self, metric: &str, [right, of]: [usize; 2]) {
        let counts = self.shares.entry(metric.to_owned()).or_default();
        counts[0] += right as u64;
        counts[1] += of as u64;
    }

    /// Adds one case of a mean.
    pub fn mean(&mut self, metric: &str, value: f64) {
        let (sum, of) = self.means.entry(metric.to_owned()).or_default();
        *sum += value;
        *of += 1;
    }

    /// Only these metrics, and no lists of confidences: what a baseline keeps.
    #[must_use]
    pub fn only(&self, metrics: &[&str]) -> Self {
        let kept = |name: &&String| metrics.contains(&name.as_str());
        Self {
            found: self.found.iter().filter(|(name, _)| kept(name)).map(|(name, counts)| (name.clone(), *counts)).collect(),
            shares: self.shares.iter().filter(|(name, _)| kept(name)).map(|(name, counts)| (name.clone(), *counts)).collect(),
            ..Self::default()
        }
    }
}

/// Gold label, predicted label, how often: one table a kind. The predicted label `not found` stands for a missed mention, the gold label
/// `not annotated` for a spurious one.
pub type Confusion = BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>>;
