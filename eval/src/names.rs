//! Names of substances and their codes: by them a coded ingredient or allergen is held against the name that the gold gives.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
};

use abstractor::{domain::table, vocabulary::Tables};

use crate::{
    corpus::text_of,
    error::{EvaluationError, Result},
    score::values::substance_words,
};

/// Names and codes.
#[derive(Debug, Default)]
pub struct SubstanceNames {
    /// Lower-case names of single ingredients and their RxNorm codes.
    codes: HashMap<String, HashSet<String>>,
    /// Codes of any system and the words of each of their names.
    words: HashMap<String, Vec<BTreeSet<String>>>,
    /// The words of every name.
    every: HashSet<BTreeSet<String>>,
}

impl SubstanceNames {
    /// The names in the program's own tables.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn embedded() -> Result<Self> {
        let wrong = |error: String| EvaluationError::System(error);
        let tables = Tables::embedded().map_err(|error| wrong(error.to_string()))?;
        let mut names = Self::default();
        let mut unii: HashMap<String, String> = HashMap::new();
        names
            .table(&tables, "unii.tsv", |row, _| {
                unii.insert(row("rxcui"), row("unii"));
            })
            .map_err(wrong)?;
        names
            .table(&tables, "medications.tsv", |row, names| {
                let (term, ingredients, brand) = (row("term").to_lowercase(), row("ingredients"), row("brand_rxcui"));
                if !brand.is_empty() {
                    names.add(&brand, &term);
                }
                if ingredients.contains('|') || ingredients.is_empty() || row("kind") == "brand" {
                    return;
                }
                names.codes.entry(term.clone()).or_default().insert(ingredients.clone());
                names.add(&ingredients, &term);
                names.add(&ingredients, &row("display").to_lowercase());
                if let Some(unii) = unii.get(&ingredients) {
                    names.add(unii, &term);
                }
            })
            .map_err(wrong)?;
        for table in ["allergens.tsv", "allergen_concepts.tsv"] {
            names
                .table(&tables, table, |row, names| {
                    let code = row("code");
                    if !code.is_empty() {
                        names.add(&code, &row("term").to_lowercase());
                        names.add(&code, &row("display").to_lowercase());
                    }
                })
                .map_err(wrong)?;
        }
        Ok(names)
    }

    fn table(
        &mut self,
        tables: &Tables,
        name: &str,
        mut each: impl FnMut(&dyn Fn(&str) -> String, &mut Self),
    ) -> std::result::Result<(), String> {
        let (name, text) = tables.get(name).map_err(|error| error.to_string())?;
        table::read(name, text, |row| {
            each(&|column| row.get(column).unwrap_or_default().to_owned(), self);
            Ok(())
        })
        .map_err(|error| error.to_string())
    }

    /// The names of a folder of vocabularies laid out as `../shared/vocabularies`, which is what the gold folder's scorer reads.
    ///
    /// # Errors
    /// A file that is missing or lacks a column.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let mut names = Self::default();
        names.rows(&folder.join("rxnorm/ingredients.tsv"), &["rxcui", "name", "unii"], |row, names| {
            let name = row[1].to_lowercase();
            names.codes.entry(name.clone()).or_default().insert(row[0].to_owned());
            names.add(row[0], &name);
            if !row[2].is_empty() {
                names.add(row[2], &name);
            }
        })?;
        names.rows(&folder.join("rxnorm/brands.tsv"), &["bn_rxcui", "name"], |row, names| {
            if !row[0].is_empty() {
                names.add(row[0], &row[1].to_lowercase());
            }
        })?;
        for file in ["snomed-gps/gps_2020.tsv.gz", "snomed-ips/AllergyIntolerance.tsv.gz"] {
            for line in text_of(&folder.join(file))?.lines() {
                let mut fields = line.split('\t');
                if let (Some(code), Some(name)) = (fields.next(), fields.next()) {
                    names.add(code, &name.to_lowercase());
                }
            }
        }
        Ok(names)
    }

    fn rows(&mut self, file: &Path, columns: &[&str], mut each: impl FnMut(&[&str], &mut Self)) -> Result<()> {
        let text = text_of(file)?;
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let find = |column: &&str| header.iter().position(|name| name == column);
        let Some(places) = columns.iter().map(find).collect::<Option<Vec<usize>>>() else {
            return Err(EvaluationError::corpus(file, Some(1), format!("it lacks one of the columns {}", columns.join(", "))));
        };
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let row: Vec<&str> = places.iter().map(|place| fields.get(*place).copied().unwrap_or_default()).collect();
            each(&row, self);
        }
        Ok(())
    }

    fn add(&mut self, code: &str, name: &str) {
        let words = substance_words(name);
        self.every.insert(words.clone());
        self.words.entry(code.to_owned()).or_default().push(words);
    }

    /// The RxNorm codes of an ingredient of that name, lower case.
    #[must_use]
    pub fn codes_of(&self, name: &str) -> Option<&HashSet<String>> {
        self.codes.get(name)
    }

    /// Whether a name of one of these codes holds all these words.
    #[must_use]
    pub fn names_hold<'a>(&self, mut codes: impl Iterator<Item = &'a str>, words: &BTreeSet<String>) -> bool {
        codes.any(|code| self.words.get(code).into_iter().flatten().any(|name| words.is_subset(name)))
    }

    /// Whether any name there is holds all these words.
    #[must_use]
    pub fn any_holds(&self, words: &BTreeSet<String>) -> bool {
        self.every.contains(words) || self.every.iter().any(|name| words.is_subset(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_own_tables_know_the_usual_drugs() {
        let names = SubstanceNames::embedded().expect("reads");
        assert!(names.codes_of("furosemide").is_some_and(|codes| codes.contains("4603")));
        assert!(names.names_hold(["4603"].into_iter(), &substance_words("Furosemide")));
        assert!(names.any_holds(&substance_words("peanut")));
        assert!(!names.any_holds(&substance_words("qwertyuiop")));
    }

    #[test]
    fn a_folder_without_the_columns_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(SubstanceNames::of_folder(folder.path()).is_err());
        std::fs::create_dir(folder.path().join("rxnorm")).expect("a folder");
        std::fs::write(folder.path().join("rxnorm/ingredients.tsv"), "rxcui\tnames\n").expect("writes");
        let message = SubstanceNames::of_folder(folder.path()).map(|_| ()).expect_err("is refused").to_string();
        assert!(message.contains("columns"), "{message}");
    }
}
