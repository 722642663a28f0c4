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
    /// Beginnings of exempt codes with the seventh characters that are exempt, none = all; by the first three characters.
    exempt_rules: HashMap<String, Vec<(String, String)>>,
    levels: HashMap<String, String>,
}

impl CodeLists {
    /// Reads `poa_exempt_rules.tsv` (columns `beginning`, `seventh`), and `icd9_gems.tsv` (`icd9`, `codes`, `approximate`), `poa_exempt.tsv`
    /// (`code`) and `cc_mcc.tsv` (`code`, `level`), where they are.
    ///
    /// # Errors
    /// A missing column, a beginning of less than three characters, or a mapping to a code that no loaded edition has as billable and that is not known as retired, with its line.
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
        let (name, rules) = tables.find("poa_exempt_rules.tsv").unwrap_or(("poa_exempt_rules.tsv", "beginning\tseventh"));
        table::read(name, rules, |row| {
            let (beginning, seventh) = (row.get("beginning")?, row.get("seventh")?);
            let category = beginning.get(..3).ok_or_else(|| row.error("a beginning has three characters at least"))?;
            let rule = (beginning.to_owned(), seventh.to_owned());
            lists.exempt_rules.entry(category.to_owned()).or_default().push(rule);
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

    /// Whether a code needs no present-on-admission indicator: by the list that was imported, else by the rules that the program carries.
    #[must_use]
    pub fn is_exempt(&self, code: &str) -> bool {
        if !self.exempt.is_empty() {
            return self.exempt.contains(code);
        }
        let seventh = code.chars().filter(|letter| *letter != '.').nth(6);
        let rules = code.get(..3).and_then(|category| self.exempt_rules.get(category));
        rules.into_iter().flatten().any(|(beginning, letters)| {
            code.starts_with(beginning.as_str())
                && (letters.is_empty() || seventh.is_some_and(|seventh| letters.contains(seventh)))
        })
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

#[cfg(test)]
mod tests {
    use crate::vocabulary::{Tables, Vocabulary};

    #[test]
    fn what_is_exempt_from_the_indicator_of_presence_on_admission() {
        let tables = Tables::embedded().expect("tables");
        let lists = &Vocabulary::load(&tables).expect("a vocabulary").lists;
        for code in ["Z79.4", "Z87.891", "I25.2", "B90.0", "S72.001D", "S72.001S", "V03.10XA", "Q21.0", "O80", "Z38.00"] {
            assert!(lists.is_exempt(code), "{code}");
        }
        for code in ["J18.9", "I50.9", "E11.9", "S72.001A", "S72.001B", "Z16.11", "I69", "", "é"] {
            assert!(!lists.is_exempt(code), "{code}");
        }
    }
}
