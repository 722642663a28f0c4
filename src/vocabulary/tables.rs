//! The text of the tables, embedded or from a folder.

use std::{collections::BTreeMap, io::Read, path::Path};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::domain::table::TableError;

/// Tables by file name without `.gz`.
#[derive(Debug, Clone)]
pub struct Tables {
    texts: BTreeMap<String, String>,
    checksum: String,
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../vocabularies/", $name)) as &[u8])),*]
    };
}

/// The tables that the program carries.
const EMBEDDED: [(&str, &[u8]); 29] = embedded![
    "abbreviations.tsv",
    "allergen_concepts.tsv.gz",
    "allergens.tsv",
    "boilerplate.tsv",
    "clinical_drugs.tsv.gz",
    "code_confidence.tsv",
    "code_limits.tsv",
    "code_ranking.tsv",
    "cross_reactions.tsv",
    "cues.tsv",
    "diagnosis_terms.tsv.gz",
    "drug_classes.tsv",
    "edit_policy.tsv",
    "everyday_diagnoses.tsv",
    "everyday_medications.tsv",
    "hcc.tsv.gz",
    "history_codes.tsv",
    "icd10cm.tsv.gz",
    "icd10cm_notes.tsv.gz",
    "index.tsv",
    "medication_cues.tsv",
    "medications.tsv.gz",
    "reactions.tsv",
    "section_codes.tsv",
    "sections.tsv",
    "sig_words.tsv",
    "stop_terms.tsv",
    "unii.tsv.gz",
    "word_forms.tsv",
];

impl Tables {
    /// The embedded tables.
    ///
    /// # Errors
    /// When an embedded table does not unpack, which a test excludes.
    pub fn embedded() -> Result<Self, TableError> {
        Self::from_bytes(EMBEDDED.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())))
    }

    /// The embedded tables, each replaced by the file of the same name (with or without `.gz`) when `folder` has one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn with_folder(folder: &Path) -> Result<Self, TableError> {
        let files = EMBEDDED.iter().map(|(name, bytes)| {
            let plain = name.trim_end_matches(".gz");
            for candidate in [(*name).to_owned(), plain.to_owned(), format!("{plain}.gz")] {
                let path = folder.join(&candidate);
                if path.is_file() {
                    return std::fs::read(&path).map(|bytes| (candidate, bytes)).map_err(|error| TableError {
                        table: (*name).to_owned(),
                        line: 0,
                        message: format!("the file cannot be read: {error}"),
                    });
                }
            }
            Ok(((*name).to_owned(), bytes.to_vec()))
        });
        Self::from_bytes(files.collect::<Result<Vec<_>, _>>()?.into_iter())
    }

    fn from_bytes(files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<Self, TableError> {
        let mut hash = Sha256::new();
        let mut texts = BTreeMap::new();
        for (name, bytes) in files {
            hash.update(name.as_bytes());
            hash.update(&bytes);
            let error = |message: String| TableError { table: name.clone(), line: 0, message };
            let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
                let mut out = Vec::with_capacity(bytes.len() * 6);
                GzDecoder::new(bytes.as_slice())
                    .read_to_end(&mut out)
                    .map_err(|cause| error(format!("does not unpack: {cause}")))?;
                out
            } else {
                bytes
            };
            let text = String::from_utf8(bytes).map_err(|_| error("is not UTF-8".to_owned()))?;
            texts.insert(name.trim_end_matches(".gz").to_owned(), text);
        }
        let checksum = hash.finalize().iter().take(6).fold(String::new(), |out, byte| format!("{out}{byte:02x}"));
        Ok(Self { texts, checksum })
    }

    /// The text of a table.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> Result<(&str, &str), TableError> {
        self.texts.get_key_value(name).map(|(name, text)| (name.as_str(), text.as_str())).ok_or_else(|| TableError {
            table: name.to_owned(),
            line: 0,
            message: "there is no such table".to_owned(),
        })
    }

    /// First twelve hexadecimal digits of the SHA-256 over all tables.
    #[must_use]
    pub fn checksum(&self) -> &str {
        &self.checksum
    }
}
