//! What a measurement leaves: figures with intervals, and the counts that they were made of. It holds no word of a note, so it may be kept and
//! shown where the notes may not.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    calibration::{Bin, Kept},
    compare::Comparison,
    counts::{Confusion, Counts},
    environment::Environment,
    error::{EvaluationError, Result},
    latency::Latency,
    system::Speed,
};

/// The version of the form of the JSON; another one is refused.
pub const FORM: u32 = 1;

/// A value and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Over all notes.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A metric's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// F1, a share or a mean.
    pub value: Estimate,
    /// Precision, of an F1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub precision: Option<Estimate>,
    /// Recall, of an F1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recall: Option<Estimate>,
    /// Of how many cases.
    pub of: u64,
}

/// A value without an interval, of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// F1, a share or a mean.
    pub value: f64,
    /// Of how many cases.
    pub of: u64,
}

/// Notes with one value of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// How many notes; 0 for a section, which is a part of notes.
    pub notes: usize,
    /// By metric.
    pub figures: BTreeMap<String, Part>,
}

/// What was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusFacts {
    /// Name of its file or folder, without the way to it.
    pub name: String,
    /// How many notes.
    pub notes: usize,
    /// How many words.
    pub words: usize,
    /// Annotations by kind.
    pub annotations: BTreeMap<String, usize>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemFacts {
    /// What it is called.
    pub name: String,
    /// What it says of itself: version, model, vocabulary, edition, options.
    pub engine: BTreeMap<String, String>,
    /// Notes that it said nothing of.
    pub missing: usize,
    /// Notes that it failed on, by stable code.
    pub failed: BTreeMap<String, usize>,
    /// Places that it gave with words that do not stand there.
    pub misplaced: usize,
    /// How fast it was.
    pub speed: Option<Speed>,
    /// How long notes took; none where it answered before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency: Option<Latency>,
}

/// A floor and what was reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// The metric.
    pub metric: String,
    /// Its least value.
    pub floor: f64,
    /// What was reached; none where nothing was counted.
    pub reached: Option<f64>,
}

impl Floor {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.reached.is_some_and(|reached| reached >= self.floor)
    }
}

/// Counts of one note, and how long it took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its id in the corpus.
    pub id: String,
    /// What was counted.
    pub counts: Counts,
    /// Characters of its text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub characters: Option<u64>,
    /// Seconds from handing it in to its answer; none where it failed or was answered before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<f64>,
}

/// A measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// [`FORM`].
    pub form: u32,
    /// As the definition has it.
    pub name: String,
    /// As the definition has it.
    pub about: String,
    /// As the definition has it.
    pub limits: String,
    /// Day and time, RFC 3339.
    pub date: String,
    /// Where and with what.
    pub environment: Environment,
    /// What was measured on.
    pub corpus: CorpusFacts,
    /// What was measured.
    pub system: SystemFacts,
    /// Draws of the bootstrap.
    pub draws: usize,
    /// Their seed.
    pub seed: u64,
    /// Metrics of the short table, in order.
    pub show: Vec<String>,
    /// By metric.
    pub figures: BTreeMap<String, Figure>,
    /// Label against label, by kind.
    pub confusion: Confusion,
    /// Reliability of the confidence of codes.
    pub reliability: Vec<Bin>,
    /// Abstention against accuracy.
    pub abstention: Vec<Kept>,
    /// By field and value.
    pub slices: BTreeMap<String, BTreeMap<String, Slice>>,
    /// Floors of the definition.
    pub floors: Vec<Floor>,
    /// Against a run before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comparison: Option<Comparison>,
    /// Note by note.
    pub documents: Vec<Document>,
}

impl Results {
    /// Reads the JSON of a measurement.
    ///
    /// # Errors
    /// A file that is missing, is none, or has another form.
    pub fn read(file: &Path) -> Result<Self> {
        let wrong = |message: String| EvaluationError::output(file, message);
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(format!("no JSON: {error}")))?;
        if value["form"] != FORM {
            return Err(wrong(format!("no results of form {FORM}; measure again with this version")));
        }
        serde_json::from_value(value).map_err(|error| wrong(format!("no results: {error}")))
    }

    /// Writes it as JSON, one note a line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let wrong = |message: String| EvaluationError::output(file, message);
        let text = serde_json::to_string(self).map_err(|error| wrong(error.to_string()))?;
        std::fs::write(file, text.replace("{\"id\":", "\n{\"id\":") + "\n").map_err(|error| wrong(error.to_string()))
    }
}
