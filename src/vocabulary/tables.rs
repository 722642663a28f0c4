//! The text of the tables, embedded or from a folder.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use super::build;
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
const EMBEDDED: [(&str, &[u8]); 45] = embedded![
    "abbreviations.tsv",
    "allergen_concepts.tsv.gz",
    "allergens.tsv",
    "allergy_links.tsv",
    "boilerplate.tsv",
    "census_names.tsv.gz",
    "clinical_drugs.tsv.gz",
    "code_confidence.tsv",
    "code_limits.tsv",
    "code_ranking.tsv",
    "conventions.tsv",
    "cross_reactions.tsv",
    "cues.tsv",
    "diagnosis_terms.tsv.gz",
    "drug_classes.tsv",
    "edit_policy.tsv",
    "editions.tsv",
    "english_words.tsv.gz",
    "everyday_diagnoses.tsv",
    "everyday_medications.tsv",
    "hcc.tsv.gz",
    "history_codes.tsv",
    "icd10cm.tsv.gz",
    "icd10cm_blocks.tsv.gz",
    "icd10cm_notes.tsv.gz",
    "icd10cm_retired.tsv",
    "index.tsv",
    "medication_cues.tsv",
    "medications.tsv.gz",
    "ordinary_words.tsv",
    "person_names.tsv",
    "places.tsv",
    "poa_exempt_rules.tsv",
    "queries.tsv",
    "query_words.tsv",
    "reaction_phrases.tsv",
    "reactions.tsv",
    "section_codes.tsv",
    "sections.tsv",
    "sig_words.tsv",
    "site_terms.tsv",
    "specificity_prompts.tsv",
    "stop_terms.tsv",
    "unii.tsv.gz",
    "word_forms.tsv",
];

/// Tables that are not embedded: `vocabulary build` makes them.
const BUILT_ONLY: [&str; 5] = ["cc_mcc.tsv", "drug_poisoning.tsv", "icd9_gems.tsv", "poa_exempt.tsv", "sources.tsv"];

/// So often a folder is read anew in which a build moves its tables.
const TRIES: usize = 20;

/// So many times its size a packed table unpacks to at most; those of ours to ten times.
const MOST_TIMES: u64 = 200;
/// Bytes of a table that are never suspect: a short one may be all blanks.
const LARGEST_UNSUSPECTED: u64 = 16 << 20;

fn plain(name: &str) -> &str {
    name.trim_end_matches(".gz")
}

impl Tables {
    /// The embedded tables.
    ///
    /// # Errors
    /// When an embedded table does not unpack, which a test excludes.
    pub fn embedded() -> Result<Self, TableError> {
        Self::from_bytes(EMBEDDED.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())))
    }

    /// The embedded tables, each replaced by the file of the same name (with or without `.gz`) when `folder` has one, and the tables that only
    /// `vocabulary build` makes: sources, the Table of Drugs, codes of ICD-9-CM, lists of codes, other editions (`icd10cm_*.tsv`). A build that
    /// runs meanwhile or was cut short leaves either its tables or those before it, never some of each.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn with_folder(folder: &Path) -> Result<Self, TableError> {
        let mut tries = 1..TRIES;
        loop {
            let before = build::generation(folder);
            let read = Self::read_folder(folder);
            // a table may have been moved between its being listed and its being read
            let is_settled = build::generation(folder) == before && (read.is_ok() || !before.1);
            if tries.next().is_none() || is_settled {
                return read;
            }
        }
    }

    fn read_folder(folder: &Path) -> Result<Self, TableError> {
        let error = |name: &str, cause: std::io::Error| TableError {
            table: name.to_owned(),
            line: 0,
            message: format!("the file cannot be read: {cause}"),
        };
        let mut files: BTreeMap<String, (String, Vec<u8>)> =
            EMBEDDED.iter().map(|(name, bytes)| (plain(name).to_owned(), ((*name).to_owned(), bytes.to_vec()))).collect();
        let found = build::files(folder).map_err(|cause| error(&folder.display().to_string(), cause))?;
        // a plain file, which a person can edit, goes before a packed one
        let mut entries: Vec<(String, PathBuf)> = found.into_iter().collect();
        entries.sort_by_key(|(name, _)| (!name.ends_with(".gz"), name.clone()));
        for (name, path) in entries {
            let known = plain(&name);
            if files.contains_key(known)
                || BUILT_ONLY.contains(&known)
                || known.starts_with("icd10cm_") && known.ends_with(".tsv")
            {
                let bytes = std::fs::read(&path).map_err(|cause| error(&name, cause))?;
                files.insert(known.to_owned(), (name, bytes));
            }
        }
        Self::from_bytes(files.into_values())
    }

    fn from_bytes(files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<Self, TableError> {
        let mut hash = Sha256::new();
        let mut texts = BTreeMap::new();
        for (name, bytes) in files {
            hash.update(name.as_bytes());
            hash.update(&bytes);
            let error = |message: String| TableError { table: name.clone(), line: 0, message };
            let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
                let most = LARGEST_UNSUSPECTED.max(MOST_TIMES * bytes.len() as u64);
                let mut out = Vec::with_capacity(bytes.len() * 6);
                GzDecoder::new(bytes.as_slice())
                    .take(most + 1)
                    .read_to_end(&mut out)
                    .map_err(|cause| error(format!("does not unpack: {cause}")))?;
                if out.len() as u64 > most {
                    let message = format!(
                        "unpacks to more than {MOST_TIMES} times its size, which no table does; it is damaged or made to harm: build it again"
                    );
                    return Err(error(message));
                }
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

    /// The text of a table that need not be there.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(&str, &str)> {
        self.get(name).ok()
    }

    /// First twelve hexadecimal digits of the SHA-256 over all tables.
    #[must_use]
    pub fn checksum(&self) -> &str {
        &self.checksum
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_table_that_unpacks_to_far_too_much_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = std::fs::File::create(folder.path().join("stop_terms.tsv.gz")).expect("a file");
        let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        (0..64).for_each(|_| gzip.write_all(&vec![b'\n'; 1 << 20]).expect("written"));
        gzip.finish().expect("closed");
        let message = Tables::with_folder(folder.path()).expect_err("refused").to_string();
        assert!(message.contains("stop_terms.tsv.gz") && message.contains("200 times"), "{message}");
    }
}
