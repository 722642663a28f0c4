//! The files of a model folder in the Hugging Face layout, and their checksums.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ModelError;

/// The files of a model folder, in memory. All but the first three may be left out of a folder of another maker.
#[derive(Debug, Clone)]
pub struct ModelFiles<'a> {
    /// `config.json`: family, sizes, label names.
    pub config: Cow<'a, [u8]>,
    /// `tokenizer.json`: the tokenizer, in the form of the `tokenizers` library.
    pub tokenizer: Cow<'a, [u8]>,
    /// `model.safetensors`: the weights.
    pub weights: Cow<'a, [u8]>,
    /// `calibration.json`: the temperature. Without it probabilities are taken as they come.
    pub calibration: Option<Cow<'a, [u8]>>,
    /// `similarity.safetensors`: the layer that makes vectors of phrases. Without it no code is found by similarity.
    pub similarity: Option<Cow<'a, [u8]>>,
    /// `labels.json`: the model's own label names to ours.
    pub labels: Option<Cow<'a, [u8]>>,
    /// `manifest.json`: name, version and checksums of the others.
    pub manifest: Option<Cow<'a, [u8]>>,
}

/// Name, version and checksum (SHA-256, hexadecimal) of each file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the model.
    pub name: String,
    /// Version of the model.
    pub version: String,
    /// Checksums by file name.
    pub sha256: BTreeMap<String, String>,
}

impl ModelFiles<'static> {
    /// Reads a model folder.
    ///
    /// # Errors
    /// The file that cannot be read, with what to do when the folder has it in another form.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let needed = |file: &'static str| {
            std::fs::read(folder.join(file))
                .map(Cow::Owned)
                .map_err(|error| ModelError::Unreadable { file, reason: format!("{error}{}", instead(folder, file)) })
        };
        let optional = |file: &'static str| match std::fs::read(folder.join(file)) {
            Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ModelError::Unreadable { file, reason: error.to_string() }),
        };
        Ok(Self {
            config: needed("config.json")?,
            tokenizer: needed("tokenizer.json")?,
            weights: needed("model.safetensors")?,
            calibration: optional("calibration.json")?,
            similarity: optional("similarity.safetensors")?,
            labels: optional("labels.json")?,
            manifest: optional("manifest.json")?,
        })
    }

    /// The model that the program carries.
    #[must_use]
    pub fn embedded() -> Self {
        use Cow::Borrowed;
        Self {
            config: Borrowed(include_bytes!("../../models/clinical-ner/config.json")),
            tokenizer: Borrowed(include_bytes!("../../models/clinical-ner/tokenizer.json")),
            weights: Borrowed(include_bytes!("../../models/clinical-ner/model.safetensors")),
            calibration: Some(Borrowed(include_bytes!("../../models/clinical-ner/calibration.json"))),
            similarity: Some(Borrowed(include_bytes!("../../models/clinical-ner/similarity.safetensors"))),
            labels: None,
            manifest: Some(Borrowed(include_bytes!("../../models/clinical-ner/manifest.json"))),
        }
    }
}

/// What to do about a file that the folder holds in another form.
fn instead(folder: &Path, file: &str) -> &'static str {
    let has = |name: &str| folder.join(name).exists();
    match file {
        "model.safetensors" if has("model.safetensors.index.json") => "; the weights are split: save them as one file",
        "model.safetensors" if has("pytorch_model.bin") => {
            "; pickled weights (pytorch_model.bin) are never opened: save the model as safetensors"
        }
        "tokenizer.json" if has("vocab.txt") || has("vocab.json") || has("spm.model") => {
            "; save the tokenizer in its fast form, which writes tokenizer.json"
        }
        _ => "",
    }
}

impl ModelFiles<'_> {
    /// The files that are there, by name; the manifest itself left out.
    fn named(&self) -> Vec<(&'static str, &[u8])> {
        let mut files: Vec<(&'static str, &[u8])> =
            vec![("config.json", &self.config), ("tokenizer.json", &self.tokenizer), ("model.safetensors", &self.weights)];
        files.extend(self.calibration.as_deref().map(|bytes| ("calibration.json", bytes)));
        files.extend(self.similarity.as_deref().map(|bytes| ("similarity.safetensors", bytes)));
        files.extend(self.labels.as_deref().map(|bytes| ("labels.json", bytes)));
        files
    }

    /// A manifest of these files.
    #[must_use]
    pub fn new_manifest(&self, name: &str, version: &str) -> Manifest {
        let sha256 = self.named().into_iter().map(|(file, bytes)| (file.to_owned(), hex(&Sha256::digest(bytes)))).collect();
        Manifest { name: name.to_owned(), version: version.to_owned(), sha256 }
    }

    /// The manifest, after every file was held against it.
    ///
    /// # Errors
    /// When there is none, or the first file that is missing from it or differs.
    pub fn checked_manifest(&self) -> Result<Manifest, ModelError> {
        let bytes = self.manifest.as_deref().ok_or_else(|| ModelError::Unreadable {
            file: "manifest.json",
            reason: "it is not there; check the folder with `abstractor model check DIR`, then write its checksums with \
                     `abstractor model manifest DIR`"
                .to_owned(),
        })?;
        let manifest: Manifest = super::model::json("manifest.json", bytes)?;
        let found = self.new_manifest(&manifest.name, &manifest.version);
        for (file, _) in self.named() {
            if manifest.sha256.get(file) != found.sha256.get(file) {
                return Err(ModelError::Checksum { file });
            }
        }
        Ok(manifest)
    }
}

/// First twelve hexadecimal digits of the SHA-256 over several files.
pub(super) fn short_checksum(files: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file);
    }
    let mut digits = hex(&hash.finalize());
    digits.truncate(12);
    digits
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
