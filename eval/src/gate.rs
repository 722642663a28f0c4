//! The regression gate: a run over the notes of `eval/gold` against the baseline that is committed beside them.
//!
//! A baseline holds, note by note, the counts of [`GATED`] metrics. The gate fails for a metric whose difference to the
//! baseline lies wholly below nought: its 95 % interval over draws of notes, both runs drawn alike. A change of a digit, as another
//! processor may bring it, does not. What is gained becomes the baseline by `abstractor-eval measure DEFINITION --baseline FILE`.

use std::{collections::BTreeMap, path::Path};

use abstractor::statistics::Sampling;
use serde::{Deserialize, Serialize};

use crate::{
    compare::{Change, compare},
    counts::Counts,
    error::{EvaluationError, Result},
    figures::GATED,
    results::{Document, FORM, Results},
};

/// Counts to hold later runs against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The form of the file.
    pub form: u32,
    /// When it was measured.
    pub date: String,
    /// Of which commit.
    pub commit: Option<String>,
    /// What measured: version, model, vocabulary.
    pub engine: BTreeMap<String, String>,
    /// By note.
    pub notes: BTreeMap<String, Counts>,
}

impl Baseline {
    /// What a run leaves for later ones.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        let notes = results.documents.iter().map(|one| (one.id.clone(), one.counts.only(&GATED)));
        Self {
            form: FORM,
            date: results.date.clone(),
            commit: results.environment.commit.clone(),
            engine: results.system.engine.clone(),
            notes: notes.collect(),
        }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// A file that is missing or is none.
    pub fn read(file: &Path) -> Result<Self> {
        let wrong = |message: String| EvaluationError::output(file, message);
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let baseline: Self = serde_json::from_str(&text).map_err(|error| wrong(format!("no baseline: {error}")))?;
        if baseline.form != FORM {
            return Err(wrong(format!("no baseline of form {FORM}; measure it again")));
        }
        Ok(baseline)
    }

    /// Writes it, one note a line, so that a change shows in review.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let wrong = |message: String| EvaluationError::output(file, message);
        let text = serde_json::to_string(self).map_err(|error| wrong(error.to_string()))?;
        let text = text.replace("\"notes\":{", "\"notes\":{\n").replace("}},\"", "}},\n\"");
        std::fs::write(file, text + "\n").map_err(|error| wrong(error.to_string()))
    }
}

/// What the gate found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// By metric.
    pub changes: BTreeMap<String, Change>,
    /// Notes that only the baseline or only the run has: the notes changed, so the baseline must be measured again.
    pub left_out: usize,
}

impl Verdict {
    /// Metrics that fell beyond the interval.
    #[must_use]
    pub fn losses(&self) -> Vec<&str> {
        self.changes.iter().filter(|(metric, change)| change.is_loss(metric)).map(|(metric, _)| metric.as_str()).collect()
    }

    /// Whether the run may pass.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.left_out == 0 && self.losses().is_empty()
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (metric, change) in &self.changes {
            let word = match (change.is_loss(metric), change.is_gain(metric)) {
                (true, _) => "LOSS",
                (_, true) => "gain",
                _ => "",
            };
            let (difference, low, high) = (change.now - change.before, change.low, change.high);
            writeln!(
                f,
                "{metric:<18} {:.4} -> {:.4}  {difference:+.4} [{low:+.4}, {high:+.4}]  p {:.3}  {word}",
                change.before, change.now, change.p
            )?;
        }
        if self.left_out > 0 {
            writeln!(f, "{} notes stand in one of both only: the notes changed, measure the baseline again", self.left_out)?;
        }
        Ok(())
    }
}

/// Holds a run against a baseline.
#[must_use]
pub fn hold(baseline: &Baseline, documents: &[Document], sampling: Sampling) -> Verdict {
    let before: Vec<Document> = baseline
        .notes
        .iter()
        .map(|(id, counts)| Document { id: id.clone(), counts: counts.clone(), ..Document::default() })
        .collect();
    let now: Vec<Document> = documents
        .iter()
        .map(|one| Document { id: one.id.clone(), counts: one.counts.only(&GATED), ..Document::default() })
        .collect();
    let compared = compare(("baseline", &before), &now, sampling);
    let gated = |metric: &String| GATED.contains(&metric.as_str());
    let changes = compared.changes.into_iter().filter(|(metric, _)| gated(metric)).collect();
    Verdict { changes, left_out: compared.left_out }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
