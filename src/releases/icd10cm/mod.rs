//! The ICD-10-CM family of releases, as CDC/NCHS and CMS publish them: one file a kind, each with `import`.
//!
//! | kind | reads | writes |
//! |---|---|---|
//! | [`tabular`] | tabular list, XML | `codes.tsv`, `notes.tsv` |
//! | [`index`] | Index to Diseases and Injuries, External Cause Index, XML | `index.tsv`, `external_causes.tsv` |
//! | [`neoplasms`] | Table of Neoplasms, XML | `neoplasms.tsv` |
//! | [`drugs`] | Table of Drugs and Chemicals, XML | `drugs.tsv` |
//! | [`order`] | order file, fixed columns | `codes.tsv` |
//! | [`addenda`] | addenda of the order and codes files | `changes.tsv` |
//! | [`conversion`] | conversion table | `conversions.tsv` |
//! | [`exempt`] | codes exempt from present-on-admission reporting | `poa_exempt.tsv` |
//! | [`complications`] | CC and MCC lists | `cc_mcc.tsv` |
//! | [`gems`] | General Equivalence Mappings | `gems.tsv` |
//! | [`hcc`] | CMS-HCC categories | `hcc.tsv` |
//!
//! Here is what they share: codes with and without their dot, and the remarks about what was left out. `xml` reads elements,
//! `terms` the terms of the three indexes, `delimited` the rows of a table.

pub mod addenda;
pub mod complications;
pub mod conversion;
mod delimited;
pub mod drugs;
pub mod exempt;
pub mod gems;
pub mod hcc;
pub mod index;
mod listed;
pub mod neoplasms;
pub mod order;
pub mod tabular;
mod terms;
mod xml;

/// Whether `text` has the form of an ICD-10-CM category or code, with or without its dot: "A00", "A00.1", "A001".
fn is_code(text: &str) -> bool {
    let (category, rest) = match text.split_once('.') {
        Some((category, rest)) if category.len() == 3 && !rest.is_empty() => (category, rest),
        Some(_) => return false,
        None if text.len() >= 3 && text.is_ascii() => text.split_at(3),
        None => return false,
    };
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    category.len() == 3
        && category.as_bytes()[0].is_ascii_uppercase()
        && category.bytes().chain(rest.bytes()).all(upper)
        && category.bytes().any(|byte| byte.is_ascii_digit())
        && rest.len() <= 4
}

/// The code with its dot after the third character, when `text` has the form of a code.
fn dotted(text: &str) -> Option<String> {
    if !is_code(text) {
        return None;
    }
    let bare = text.replace('.', "");
    Some(if bare.len() > 3 { format!("{}.{}", &bare[..3], &bare[3..]) } else { bare })
}

/// Whether `text` is a code or the stem of codes: "D05.-", "C79.8-".
pub(crate) fn is_code_or_stem(text: &str) -> bool {
    is_code(text.strip_suffix('-').map_or(text, |stem| stem.trim_end_matches('.')))
}

/// The lines of a member's head that hold anything.
fn filled_lines(head: &str) -> impl Iterator<Item = &str> {
    head.lines().map(str::trim_end).filter(|line| !line.trim_start().is_empty())
}

/// What was left out of a table, for [`super::Summary::notes`]: the first few in full, the rest as a number.
#[derive(Debug, Default)]
struct Remarks {
    sentences: Vec<String>,
    more: usize,
}

impl Remarks {
    const SHOWN: usize = 10;

    fn add(&mut self, file: &str, line: u64, message: &str) {
        if self.sentences.len() < Self::SHOWN {
            self.sentences.push(format!("{file}, line {line}: {message}"));
        } else {
            self.more += 1;
        }
    }

    fn into_notes(mut self) -> Vec<String> {
        if self.more > 0 {
            self.sentences.push(format!("{} more of the kind are not shown.", self.more));
        }
        self.sentences
    }
}

#[cfg(test)]
mod testing {
    //! Reading fixtures, written texts and the releases beside the repository.

    use std::path::{Path, PathBuf};

    use crate::releases::{MemoryOutput, Output, Release, Result, Summary};

    pub type Import = fn(&Release, &mut dyn Output) -> Result<Summary>;

    pub fn fixture(name: &str) -> PathBuf {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/releases/icd10cm")).join(name)
    }

    /// A file of the releases beside the repository, where they are.
    pub fn shared(name: &str) -> Option<PathBuf> {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vocabularies")).join(name);
        path.exists().then_some(path)
    }

    pub fn read(import: Import, paths: &[PathBuf]) -> Result<(Summary, MemoryOutput)> {
        let mut out = MemoryOutput::default();
        let summary = import(&Release::new(paths), &mut out)?;
        Ok((summary, out))
    }

    /// Reads `text` as a file of this name.
    pub fn read_text(import: Import, name: &str, text: &str) -> Result<(Summary, MemoryOutput)> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        read(import, &[path])
    }

    /// The message of an import that must fail.
    pub fn refused(import: Import, name: &str, text: &str) -> String {
        read_text(import, name, text).expect_err("refused").to_string()
    }

    /// Rows with their cells joined by `;`.
    pub fn rows(out: &MemoryOutput, table: &str) -> Vec<String> {
        out.tables.get(table).map(|rows| rows.iter().map(|row| row.join(";")).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_one_form() {
        for (written, code) in
            [("A00", "A00"), ("A001", "A00.1"), ("S062X7A", "S06.2X7A"), ("QA0", "QA0"), ("C7A.00", "C7A.00")]
        {
            assert_eq!(dotted(written).as_deref(), Some(code));
        }
        for written in ["", "A0", "0010", "ABC", "A00.", "A0.01", "A00.12345", "a00", "Äöü", "02703DZ"] {
            assert!(!is_code(written), "{written}");
        }
        assert!(is_code_or_stem("D05.-") && is_code_or_stem("C79.8-") && !is_code_or_stem("25.11") && !is_code_or_stem("-"));
    }

    #[test]
    fn remarks_are_counted_after_the_first_ten() {
        let mut remarks = Remarks::default();
        (1..=12).for_each(|line| remarks.add("a.xml", line, "is odd"));
        let notes = remarks.into_notes();
        assert_eq!((notes.len(), notes[10].as_str()), (11, "2 more of the kind are not shown."));
    }
}
