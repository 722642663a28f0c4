//! The ICD-10-CM code table.

use std::collections::HashMap;

use crate::domain::table::{self, TableError};

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// With its dot.
    pub code: String,
    /// Title of the tabular list.
    pub title: String,
    /// Whether it may stand on a claim.
    pub billable: bool,
}

/// All codes, by code and in order.
#[derive(Debug, Default)]
pub struct CodeBook {
    codes: Vec<Code>,
    index: HashMap<String, usize>,
}

impl CodeBook {
    /// Parses `icd10cm.tsv` (`code billable title`, sorted by code).
    ///
    /// # Errors
    /// A row without code or title.
    pub fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut book = Self::default();
        table::read(name, text, |row| {
            let (code, title) = (row.get("code")?, row.get("title")?);
            if code.is_empty() || title.is_empty() {
                return Err(row.error("code and title must not be empty"));
            }
            book.index.insert(code.to_owned(), book.codes.len());
            book.codes.push(Code { code: code.to_owned(), title: title.to_owned(), billable: row.get("billable")? == "1" });
            Ok(())
        })?;
        Ok(book)
    }

    /// The code, when the edition has it.
    #[must_use]
    pub fn lookup(&self, code: &str) -> Option<&Code> {
        self.index.get(code).and_then(|index| self.codes.get(*index))
    }

    /// True for a code that may stand on a claim.
    #[must_use]
    pub fn is_billable(&self, code: &str) -> bool {
        self.lookup(code).is_some_and(|code| code.billable)
    }

    /// Title of a code, or the code itself when the edition does not have it.
    #[must_use]
    pub fn title<'a>(&'a self, code: &'a str) -> &'a str {
        self.lookup(code).map_or(code, |found| found.title.as_str())
    }

    /// All codes in order.
    #[must_use]
    pub fn all(&self) -> &[Code] {
        &self.codes
    }

    /// Place of a code in [`Self::all`].
    #[must_use]
    pub fn position(&self, code: &str) -> Option<usize> {
        self.index.get(code).copied()
    }

    /// The next higher code of the hierarchy: the longest beginning that is a code itself.
    #[must_use]
    pub fn parent(&self, code: &str) -> Option<&Code> {
        (3..code.len()).rev().find_map(|end| self.lookup(code.get(..end)?.trim_end_matches('.')))
    }

    /// The code to use where nothing more is said: of the billable codes that begin with `stem`, the initial encounter of the one whose title
    /// adds no complication ("with ...") and leaves most unspecified.
    #[must_use]
    pub fn default_leaf<'a>(&'a self, stem: &str) -> Option<&'a str> {
        let unsaid = |title: &str| title.to_lowercase().matches("unspecified").count();
        let leaves = self.starting_with(stem).filter(|code| code.billable);
        let later = |code: &Code| code.code.len() == 8 && !code.code.ends_with('A');
        leaves.min_by_key(|code| (later(code), std::cmp::Reverse(unsaid(&code.title)))).map(|code| code.code.as_str())
    }

    /// The codes directly under this one.
    pub fn children<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a Code> {
        self.starting_with(code).filter(move |below| self.parent(&below.code).is_some_and(|parent| parent.code == code))
    }

    /// The codes that begin with `prefix`, in order, the prefix itself first.
    pub fn starting_with<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a Code> + use<'a> {
        let start = self.codes.partition_point(|code| code.code.as_str() < prefix);
        let prefix = prefix.to_owned();
        self.codes[start..].iter().take_while(move |code| code.code.starts_with(&prefix))
    }
}
