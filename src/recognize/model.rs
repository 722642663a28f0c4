//! Loading a model folder in the ordinary Hugging Face layout, with every check that a wrong file can fail.

use std::{collections::HashMap, path::Path};

use candle_core::Device;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokenizers::Tokenizer;

use super::{Encoder, LabelSet, TokenizedNote, Window, encoder::Shape};

/// Why a model cannot be used, and what to do.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("model file {file} cannot be read: {reason}")]
    Unreadable {
        /// File name.
        file: &'static str,
        /// Reason of the operating system.
        reason: String,
    },
    /// The checksum does not match the manifest.
    #[error("model file {file} does not match the checksum in manifest.json; copy the model folder again")]
    Checksum {
        /// File name.
        file: &'static str,
    },
    /// A file does not hold what it should.
    #[error("model file {file}: {reason}")]
    Invalid {
        /// File name.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The tokenizer failed on a note.
    #[error("the tokenizer failed on a note")]
    Tokenize,
    /// The encoder failed on a batch.
    #[error("the encoder failed: {0}")]
    Run(String),
}

/// The files of a model folder, in memory.
#[derive(Debug, Clone)]
pub struct ModelFiles<'a> {
    /// `config.json`.
    pub config: std::borrow::Cow<'a, [u8]>,
    /// `tokenizer.json`.
    pub tokenizer: std::borrow::Cow<'a, [u8]>,
    /// `model.safetensors`.
    pub weights: std::borrow::Cow<'a, [u8]>,
    /// `calibration.json`.
    pub calibration: std::borrow::Cow<'a, [u8]>,
    /// `manifest.json`.
    pub manifest: std::borrow::Cow<'a, [u8]>,
}

#[derive(Deserialize)]
struct Config {
    model_type: String,
    hidden_act: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    id2label: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Calibration {
    temperature: f32,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
    sha256: HashMap<String, String>,
}

impl ModelFiles<'static> {
    /// Reads a model folder.
    ///
    /// # Errors
    /// The file that cannot be read.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let read = |file: &'static str| {
            std::fs::read(folder.join(file))
                .map(std::borrow::Cow::Owned)
                .map_err(|error| ModelError::Unreadable { file, reason: error.to_string() })
        };
        Ok(Self {
            config: read("config.json")?,
            tokenizer: read("tokenizer.json")?,
            weights: read("model.safetensors")?,
            calibration: read("calibration.json")?,
            manifest: read("manifest.json")?,
        })
    }

    /// The model that the program carries.
    #[must_use]
    pub fn embedded() -> Self {
        use std::borrow::Cow::Borrowed;
        Self {
            config: Borrowed(include_bytes!("../../models/clinical-ner/config.json")),
            tokenizer: Borrowed(include_bytes!("../../models/clinical-ner/tokenizer.json")),
            weights: Borrowed(include_bytes!("../../models/clinical-ner/model.safetensors")),
            calibration: Borrowed(include_bytes!("../../models/clinical-ner/calibration.json")),
            manifest: Borrowed(include_bytes!("../../models/clinical-ner/manifest.json")),
        }
    }
}

/// A loaded model: tokenizer, encoder, labels, temperature.
pub struct Model {
    /// Name, version and first characters of the checksum of the weights, for `engine.model`.
    pub name: String,
    tokenizer: Tokenizer,
    encoder: Encoder,
    labels: LabelSet,
    temperature: f32,
    cls: u32,
    sep: u32,
}

impl Model {
    /// Checks and loads.
    ///
    /// # Errors
    /// Checksum, label, shape or tokenizer errors, each naming its file.
    pub fn load(files: &ModelFiles<'_>) -> Result<Self, ModelError> {
        let manifest: Manifest = json("manifest.json", &files.manifest)?;
        let mut weights_checksum = String::new();
        for (file, bytes) in [
            ("config.json", &files.config),
            ("tokenizer.json", &files.tokenizer),
            ("calibration.json", &files.calibration),
            ("model.safetensors", &files.weights),
        ] {
            let checksum = hex(&Sha256::digest(bytes));
            if manifest.sha256.get(file) != Some(&checksum) {
                return Err(ModelError::Checksum { file });
            }
            weights_checksum = checksum;
        }
        let config: Config = json("config.json", &files.config)?;
        let labels = labels(&config)?;
        let shape = shape(&config, labels.len())?;
        let calibration: Calibration = json("calibration.json", &files.calibration)?;
        if !(calibration.temperature.is_finite() && calibration.temperature > 0.0) {
            return Err(ModelError::Invalid { file: "calibration.json", reason: "temperature must be above zero".to_owned() });
        }
        let tensors = candle_core::safetensors::load_buffer(&files.weights, &Device::Cpu)
            .map_err(|error| ModelError::Invalid { file: "model.safetensors", reason: error.to_string() })?;
        let encoder =
            Encoder::new(&tensors, &shape).map_err(|reason| ModelError::Invalid { file: "model.safetensors", reason })?;
        let tokenizer = Tokenizer::from_bytes(&files.tokenizer)
            .map_err(|error| ModelError::Invalid { file: "tokenizer.json", reason: error.to_string() })?;
        let special = |token: &str| {
            tokenizer.token_to_id(token).ok_or_else(|| ModelError::Invalid {
                file: "tokenizer.json",
                reason: format!("the vocabulary has no {token} token"),
            })
        };
        let (cls, sep) = (special("[CLS]")?, special("[SEP]")?);
        let name = format!("{} {} {}", manifest.name, manifest.version, weights_checksum.get(..12).unwrap_or_default());
        Ok(Self { name, encoder, labels, temperature: calibration.temperature, cls, sep, tokenizer })
    }

    /// Wordpieces of a note.
    ///
    /// # Errors
    /// [`ModelError::Tokenize`].
    pub fn tokenize(&self, text: &str) -> Result<TokenizedNote, ModelError> {
        TokenizedNote::new(text, &self.tokenizer)
    }

    /// The encoder's input for a window: its wordpieces between `[CLS]` and `[SEP]`.
    #[must_use]
    pub fn input(&self, note: &TokenizedNote, window: Window) -> Vec<u32> {
        let mut input = Vec::with_capacity(window.end - window.start + 2);
        input.push(self.cls);
        input.extend_from_slice(&note.ids[window.start..window.end]);
        input.push(self.sep);
        input
    }

    /// Logits of a batch of inputs, special tokens left out.
    ///
    /// # Errors
    /// [`ModelError::Run`].
    pub fn run(&self, inputs: &[Vec<u32>]) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
        let mut batch = self.encoder.logits(inputs).map_err(|error| ModelError::Run(error.to_string()))?;
        for rows in &mut batch {
            rows.pop();
            if !rows.is_empty() {
                rows.remove(0);
            }
        }
        Ok(batch)
    }

    /// Tags of a note from the logits of its windows.
    #[must_use]
    pub fn tag(&self, note: &TokenizedNote, windows: &[Window], logits: &[Vec<Vec<f32>>]) -> super::Tagging {
        super::tag(note, windows, logits, &self.labels, self.temperature)
    }
}

fn labels(config: &Config) -> Result<LabelSet, ModelError> {
    let invalid = |reason: String| ModelError::Invalid { file: "config.json", reason };
    let names = (0..config.id2label.len())
        .map(|id| config.id2label.get(&id.to_string()).cloned().ok_or_else(|| invalid(format!("id2label has no label {id}"))))
        .collect::<Result<Vec<_>, _>>()?;
    LabelSet::parse(&names).map_err(|name| {
        invalid(format!("label {name:?} is not one of O, B-… and I-… of DIAGNOSIS, MEDICATION, ALLERGEN, NO_KNOWN_ALLERGIES"))
    })
}

fn shape(config: &Config, labels: usize) -> Result<Shape, ModelError> {
    let invalid = |reason: String| Err(ModelError::Invalid { file: "config.json", reason });
    if config.model_type != "bert" {
        return invalid(format!("model_type {:?} is not supported; it must be \"bert\"", config.model_type));
    }
    if config.hidden_act != "gelu" {
        return invalid(format!("hidden_act {:?} is not supported; it must be \"gelu\"", config.hidden_act));
    }
    if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
        return invalid("hidden_size must be a multiple of num_attention_heads".to_owned());
    }
    if config.max_position_embeddings < super::WINDOW_PIECES + 2 {
        return invalid(format!("max_position_embeddings must be at least {}", super::WINDOW_PIECES + 2));
    }
    Ok(Shape {
        vocabulary: config.vocab_size,
        hidden: config.hidden_size,
        intermediate: config.intermediate_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        positions: config.max_position_embeddings,
        types: config.type_vocab_size,
        epsilon: config.layer_norm_eps,
        labels,
    })
}

fn json<T: for<'de> Deserialize<'de>>(file: &'static str, bytes: &[u8]) -> Result<T, ModelError> {
    serde_json::from_slice(bytes).map_err(|error| ModelError::Invalid { file, reason: error.to_string() })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Parity {
        cases: Vec<ParityCase>,
    }
    #[derive(Deserialize)]
    struct ParityCase {
        text: String,
        input_ids: Vec<u32>,
        offsets: Vec<(usize, usize)>,
        logits: Vec<Vec<f32>>,
    }

    #[test]
    fn equals_the_training_framework() {
        let files = ModelFiles::embedded();
        let model = Model::load(&files).expect("the shipped model loads");
        let parity: Parity = serde_json::from_slice(include_bytes!("../../models/clinical-ner/parity.json")).expect("fixture");
        assert!(parity.cases.len() >= 4);
        let mut inputs = Vec::new();
        for case in &parity.cases {
            let note = model.tokenize(&case.text).expect("tokenizes");
            let input = model.input(&note, Window { start: 0, end: note.ids.len() });
            assert_eq!(input, case.input_ids);
            let map = crate::text::OffsetMap::new(&case.text, crate::domain::OffsetUnit::Codepoint);
            let offsets: Vec<_> =
                note.offsets.iter().map(|span| (map.from_byte(span.start), map.from_byte(span.end))).collect();
            assert_eq!(offsets, case.offsets[1..case.offsets.len() - 1]);
            inputs.push(input);
        }
        // batched with padding, and one by one
        let batched = model.encoder.logits(&inputs).expect("runs");
        for (index, case) in parity.cases.iter().enumerate() {
            let single = model.encoder.logits(&inputs[index..=index]).expect("runs");
            for (row, expected) in case.logits.iter().enumerate() {
                for (column, expected) in expected.iter().enumerate() {
                    assert!((batched[index][row][column] - expected).abs() < 1e-3, "batched {index} {row} {column}");
                    assert!((single[0][row][column] - expected).abs() < 1e-3, "single {index} {row} {column}");
                }
            }
        }
    }

    #[test]
    fn wrong_files_are_refused_by_name() {
        let mut files = ModelFiles::embedded();
        files.config = std::borrow::Cow::Owned(b"{}".to_vec());
        let error = Model::load(&files).err().expect("refused");
        assert!(error.to_string().contains("config.json"), "{error}");
    }
}
