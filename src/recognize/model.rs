//! Loading a model folder in the ordinary Hugging Face layout, with every check that a wrong file can fail.

use abstractor_encoder::Precision;
use serde::Deserialize;
use thiserror::Error;
use tokenizers::Tokenizer;

use super::{Description, Input, ModelFiles, TokenizedNote, Window, network::Network, similarity::Similarity};

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

#[derive(Deserialize)]
struct Calibration {
    temperature: f32,
}

/// A loaded model: tokenizer, network, labels, temperature.
pub struct Model {
    /// Name, version, first characters of the checksum of the weights, and precision, for `engine.model`.
    pub name: String,
    /// What it is.
    pub description: Description,
    /// Its temperature; 1 when it was not calibrated.
    pub temperature: f32,
    tokenizer: Tokenizer,
    network: Network,
    similarity: Option<Similarity>,
    vectors_version: String,
    first: u32,
    last: u32,
}

/// Reads a file with a library that gives up by a panic where its parts contradict each other.
fn guarded<T>(file: &'static str, read: impl FnOnce() -> Result<T, ModelError>) -> Result<T, ModelError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let reason = "its parts do not fit together, or not to config.json; save the model again with the library that made it"
            .to_owned();
        Err(ModelError::Invalid { file, reason })
    })
}

impl Model {
    /// Checks the files against their manifest, and loads. The precision is what BERT and its kin compute with on a CPU that is fast in it; on
    /// others, on a GPU and in other families it is f32.
    ///
    /// # Errors
    /// Checksum, label, shape or tokenizer errors, each naming its file.
    pub fn load(files: &ModelFiles<'_>, precision: Precision) -> Result<Self, ModelError> {
        let manifest = files.checked_manifest()?;
        let checksum = manifest.sha256.get("model.safetensors").map_or("", String::as_str);
        let name = format!("{} {} {}", manifest.name, manifest.version, checksum.get(..12).unwrap_or_default());
        Self::load_unchecked(files, name, precision)
    }

    /// Loads files whose checksums nobody has written yet; all other checks are made.
    ///
    /// # Errors
    /// Label, shape or tokenizer errors, each naming its file.
    pub fn load_unchecked(files: &ModelFiles<'_>, name: String, precision: Precision) -> Result<Self, ModelError> {
        let description = Description::read(&files.config, files.labels.as_deref())?;
        let temperature = match files.calibration.as_deref() {
            Some(bytes) => json::<Calibration>("calibration.json", bytes)?.temperature,
            None => 1.0,
        };
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(ModelError::Invalid { file: "calibration.json", reason: "temperature must be above zero".to_owned() });
        }
        let network = guarded("model.safetensors", || {
            Network::new(&files.weights, &files.config, &description, precision)
                .map_err(|reason| ModelError::Invalid { file: "model.safetensors", reason })
        })?;
        let invalid = |reason: String| ModelError::Invalid { file: "tokenizer.json", reason };
        let mut tokenizer =
            guarded("tokenizer.json", || Tokenizer::from_bytes(&files.tokenizer).map_err(|error| invalid(error.to_string())))?;
        // notes are cut into windows here, whatever the file says
        tokenizer.with_truncation(None).map_err(|error| invalid(error.to_string()))?;
        tokenizer.with_padding(None);
        let special = |tokens: [&str; 2]| {
            let found = tokens.iter().find_map(|token| tokenizer.token_to_id(token));
            found.ok_or_else(|| invalid(format!("the vocabulary has neither {} nor {}", tokens[0], tokens[1])))
        };
        let (first, last) = (special(["[CLS]", "<s>"])?, special(["[SEP]", "</s>"])?);
        let shape = (description.shape.hidden, description.shape.layers);
        let similarity = files.similarity.as_deref().map(|bytes| Similarity::read(bytes, shape)).transpose()?;
        let precision = precision_name(network.precision());
        let checksum = super::files::short_checksum(&[&files.weights, files.similarity.as_deref().unwrap_or_default()]);
        let (name, vectors_version) = (format!("{name} {precision}"), format!("{checksum}-{precision}"));
        Ok(Self { name, description, temperature, tokenizer, network, similarity, vectors_version, first, last })
    }

    /// What it computes with.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.network.precision()
    }

    /// The word for that: `int8`, `bf16` or `f32`.
    #[must_use]
    pub fn precision_name(&self) -> &'static str {
        precision_name(self.precision())
    }

    /// Wordpieces of a note.
    ///
    /// # Errors
    /// [`ModelError::Tokenize`].
    pub fn tokenize(&self, text: &str) -> Result<TokenizedNote, ModelError> {
        TokenizedNote::new(text, &self.tokenizer, self.description.layout)
    }

    /// The network's input for a window: its wordpieces between `[CLS]` and `[SEP]`, of which those are wanted that the window speaks for.
    #[must_use]
    pub fn input(&self, note: &TokenizedNote, window: &Window) -> Input {
        let framed = |first: u32, inner: &[u32], last: u32| [&[first], inner, &[last]].concat();
        Input {
            ids: framed(self.first, &note.ids[window.start..window.end], self.last),
            types: framed(0, &note.types[window.start..window.end], 0),
            wanted: window.kept.start + 1 - window.start..window.kept.end + 1 - window.start,
        }
    }

    /// Logits of a batch of inputs: of each the rows of the wordpieces that are wanted.
    ///
    /// # Errors
    /// [`ModelError::Run`].
    pub fn run(&self, inputs: &[Input]) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
        self.network.logits(inputs).map_err(|error| ModelError::Run(error.to_string()))
    }

    /// What vectors of phrases depend on: the checksum of weights and projection as hexadecimal digits, and the precision.
    #[must_use]
    pub fn vectors_version(&self) -> &str {
        &self.vectors_version
    }

    /// How many numbers a phrase's vector has; none for a model that makes no vectors.
    #[must_use]
    pub fn vector_size(&self) -> Option<usize> {
        self.similarity.as_ref().filter(|_| self.network.pools()).map(|similarity| similarity.size)
    }

    /// Vectors of phrases, of length 1: the closer the meaning, the greater the product of two. Empty for a model that makes none.
    ///
    /// # Errors
    /// When tokenizer or encoder fail.
    pub fn vectors(&self, phrases: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        let Some(similarity) = self.similarity.as_ref().filter(|_| self.network.pools()) else { return Ok(Vec::new()) };
        let phrases: Vec<TokenizedNote> =
            phrases.iter().map(|phrase| TokenizedNote::new(phrase, &self.tokenizer, false)).collect::<Result<_, _>>()?;
        similarity.vectors(&self.network, &phrases, (self.first, self.last)).map_err(|error| ModelError::Run(error.to_string()))
    }

    /// Tags of a note from the logits of its windows.
    #[must_use]
    pub fn tag(&self, note: &TokenizedNote, logits: &[Vec<Vec<f32>>]) -> super::Tagging {
        let columns = (&self.description.labels, &self.description.contexts);
        super::tag(note, logits, columns, self.temperature)
    }
}

/// The word for a precision.
const fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    }
}

pub(super) fn json<T: for<'de> Deserialize<'de>>(file: &'static str, bytes: &[u8]) -> Result<T, ModelError> {
    serde_json::from_slice(bytes).map_err(|error| ModelError::Invalid { file, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs of the training framework (torch, float32) for texts of ours; `models/training` writes them.
    #[derive(Deserialize)]
    struct Parity {
        cases: Vec<ParityCase>,
    }
    #[derive(Deserialize)]
    struct ParityCase {
        text: String,
        input_ids: Vec<u32>,
        token_type_ids: Vec<u32>,
        offsets: Vec<(usize, usize)>,
        logits: Vec<Vec<f32>>,
    }

    /// Every number within 1e-3, batched with padding and one by one.
    fn assert_parity(model: &Model, parity: &[u8]) {
        let parity: Parity = serde_json::from_slice(parity).expect("fixture");
        assert!(parity.cases.len() >= 2);
        let mut inputs = Vec::new();
        for case in &parity.cases {
            let note = model.tokenize(&case.text).expect("tokenizes");
            let mut input = model.input(&note, &Window::whole(note.ids.len()));
            input.wanted = 0..input.ids.len();
            assert_eq!((&input.ids, &input.types), (&case.input_ids, &case.token_type_ids));
            let map = crate::text::OffsetMap::new(&case.text, crate::domain::OffsetUnit::Codepoint);
            let offsets: Vec<_> =
                note.offsets.iter().map(|span| (map.from_byte(span.start), map.from_byte(span.end))).collect();
            assert_eq!(offsets, case.offsets[1..case.offsets.len() - 1]);
            inputs.push(input);
        }
        let batched = model.network.logits(&inputs).expect("runs");
        for (index, case) in parity.cases.iter().enumerate() {
            let single = model.network.logits(&inputs[index..=index]).expect("runs");
            for (row, expected) in case.logits.iter().enumerate() {
                assert_eq!((batched[index][row].len(), single[0][row].len()), (expected.len(), expected.len()));
                for (column, expected) in expected.iter().enumerate() {
                    assert!((batched[index][row][column] - expected).abs() < 1e-3, "batched {index} {row} {column}");
                    assert!((single[0][row][column] - expected).abs() < 1e-3, "single {index} {row} {column}");
                }
            }
        }
    }

    #[test]
    fn equals_the_training_framework() {
        let model = Model::load(&ModelFiles::embedded(), Precision::F32).expect("the shipped model loads");
        assert_parity(&model, include_bytes!("../../models/clinical-ner/parity.json"));
    }

    #[test]
    fn candle_equals_the_training_framework() {
        let files = ModelFiles::embedded();
        let mut model = Model::load(&files, Precision::F32).expect("the shipped model loads");
        let device = candle_core::Device::Cpu;
        model.network = Network::on(device, &files.weights, &files.config, &model.description, None).expect("builds");
        assert_parity(&model, include_bytes!("../../models/clinical-ner/parity.json"));
    }

    #[test]
    fn every_family_equals_the_training_framework() {
        for family in ["bert", "roberta", "distilbert", "deberta-v2", "modernbert"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(family);
            let files = ModelFiles::read(&folder).expect("the folder");
            let model = Model::load(&files, Precision::F32).unwrap_or_else(|error| panic!("{family}: {error}"));
            assert_eq!(model.description.family.as_str(), family);
            let parity = std::fs::read(folder.join("parity.json")).expect("fixture");
            assert_parity(&model, &parity);
            assert_eq!(model.description.contexts.assertions.len(), if family == "bert" { 6 } else { 0 }, "{family}");
        }
    }

    #[test]
    fn context_heads_are_read_at_the_mention() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models/bert");
        let model = Model::load(&ModelFiles::read(&folder).expect("the folder"), Precision::F32).expect("loads");
        let text = "Possible pneumonia. Metformin daily.";
        let note = model.tokenize(text).expect("tokenizes");
        let window = Window::whole(note.ids.len());
        let logits = model.run(&[model.input(&note, &window)]).expect("runs");
        let tagging = model.tag(&note, &logits);
        let pneumonia = crate::domain::Span::new(9, 18);
        let (assertions, statuses) = (tagging.assertions(pneumonia), tagging.statuses(pneumonia));
        assert_eq!((assertions.len(), statuses.len()), (6, 5));
        for sum in [assertions.iter().map(|(_, p)| p).sum::<f32>(), statuses.iter().map(|(_, p)| p).sum()] {
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        }
        // the mean over the mention's own wordpieces, and of no others
        let first = model.description.labels.len();
        let under: Vec<&Vec<f32>> =
            note.offsets.iter().zip(&logits[0]).filter(|(span, _)| span.overlaps(pneumonia)).map(|(_, row)| row).collect();
        let mean = |column: usize| under.iter().map(|row| row[first + column]).sum::<f32>();
        let best = (0..6).max_by(|left, right| mean(*left).total_cmp(&mean(*right))).expect("six columns");
        let chosen = assertions.iter().max_by(|left, right| left.1.total_cmp(&right.1)).expect("six classes");
        assert_eq!(chosen.0, model.description.contexts.assertions[best]);
    }

    #[test]
    fn wrong_files_are_refused_by_name() {
        let mut files = ModelFiles::embedded();
        files.config = std::borrow::Cow::Owned(b"{}".to_vec());
        let error = Model::load(&files, Precision::F32).err().expect("refused");
        assert!(error.to_string().contains("config.json"), "{error}");
        files = ModelFiles::embedded();
        files.manifest = None;
        let error = Model::load(&files, Precision::F32).err().expect("refused");
        assert!(error.to_string().contains("abstractor model manifest"), "{error}");
    }

    #[test]
    fn weights_of_another_shape_are_named() {
        let mut files = ModelFiles::embedded();
        let config =
            String::from_utf8(files.config.to_vec()).expect("utf-8").replace("\"vocab_size\": 30522", "\"vocab_size\": 30523");
        files.config = std::borrow::Cow::Owned(config.into_bytes());
        let error = Model::load_unchecked(&files, String::new(), Precision::F32).err().expect("refused").to_string();
        assert!(error.contains("word_embeddings") && error.contains("30523"), "{error}");
    }
}
