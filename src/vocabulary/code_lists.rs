//! Codes of ICD-9-CM, and lists about codes of ICD-10-CM, that only `vocabulary build` makes of releases.

use std::collections::{HashMap, HashSet};

use super::{Editions, tables::Tables};
use crate::domain::table::{self, TableError};

/// What stands for a code of ICD-9-CM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NinthMapping {
    /// Codes of ICD-10-CM: alternatives, each of codes that stand together. Empty where nothing corresponds.
    pub codes: Vec<Vec<String>>,
    /// Whether no alternative means the very same.
    pub approximate: bool,
}

/// What is known of codes beside the editions: General Equivalence Mappings, present on admission, complications.
#[derive(Debug, Default)]
pub struct CodeLists {
    ninth: HashMap<String, NinthMapping>,
    exempt: HashSet<String>,
    levels: HashMap<String, String>,
}

impl CodeLists {
    /// Reads `icd9_gems.tsv` (columns `icd9`, `codes`, `approximate`), `poa_exempt.tsv` (`code`) and `cc_mcc.tsv` (`code`, `level`), where
    /// they are.
    ///
    /// # Errors
    /// A missing column, or a mapping to a code that no loaded edition has as billable and that is not known as retired, with its line.
    pub(super) fn load(tables: &Tables, editions: &Editions) -> Result<Self, TableError> {
        let mut lists = Self::default();
        let text = |name: &'static str| tables.find(name).unwrap_or((name, "code"));
        let (name, mappings) = text("icd9_gems.tsv");
        table::read(name, mappings, |row| {
            let mut codes = Vec::new();
            for alternative in row.get("codes")?.split('|').filter(|alternative| !alternative.is_empty()) {
                let mut together = Vec::new();
                for code in alternative.split('+') {
                    let usable = editions.usable(code);
                    let unknown =
                        || row.error(format!("code {code:?} is not billable in any loaded edition, nor a retired one"));
                    together.extend(usable.ok_or_else(unknown)?);
                }
                codes.push(together);
            }
            let approximate = row.get("approximate")? == "1";
            lists.ninth.insert(row.get("icd9")?.to_owned(), NinthMapping { codes, approximate });
            Ok(())
        })?;
        let (name, exempt) = text("poa_exempt.tsv");
        table::read(name, exempt, |row| {
            lists.exempt.insert(row.get("code")?.to_owned());
            Ok(())
        })?;
        let (name, levels) = text("cc_mcc.tsv");
        table::read(name, levels, |row| {
            lists.levels.insert(row.get("code")?.to_owned(), row.get("level")?.to_owned());
            Ok(())
        })?;
        Ok(lists)
    }

    /// What stands for a code of ICD-9-CM, with or without its dot; none for one that is not known.
    #[must_use]
    pub fn of_ninth_revision(&self, code: &str) -> Option<&NinthMapping> {
        let code = code.trim().to_uppercase();
        self.ninth.get(&code).or_else(|| {
            let stem = if code.starts_with('E') { 4 } else { 3 };
            let (before, behind) = code.split_at_checked(stem)?;
            self.ninth.get(&format!("{before}.{behind}"))
        })
    }

    /// Whether a code needs no present-on-admission indicator, as far as the list is loaded.
    #[must_use]
    pub fn is_exempt(&self, code: &str) -> bool {
        self.exempt.contains(code)
    }

    /// Whether the lists of complications are loaded.
    #[must_use]
    pub fn knows_complications(&self) -> bool {
        !self.levels.is_empty()
    }

    /// `CC` or `MCC`, when the lists are loaded and have the code.
    #[must_use]
    pub fn complication(&self, code: &str) -> Option<&str> {
        self.levels.get(code).map(String::as_str)
    }
}
