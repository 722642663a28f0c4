//! Where the tables come from: sources with release, licence and attribution, and what is not there.

use super::{
    build::{embedded_sources, source_of_word},
    tables::Tables,
};
use crate::domain::table::{self, TableError};

/// A source of what is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedSource {
    /// Its word, as terms name it.
    pub source: String,
    /// What it is called.
    pub title: String,
    /// Release.
    pub release: String,
    /// Under which licence it may be used.
    pub licence: String,
    /// Who must be named; empty where nobody must be.
    pub attribution: String,
    /// The tables that hold something of it.
    pub tables: String,
}

/// The source of a row of a table: the release that the row names, else the one that its word stands for. Where an imported release and
/// the program have the same word, it is the one of which the table holds something.
pub(super) fn source_of<'a>(
    sources: &'a [LoadedSource],
    (word, origin): (&str, &str),
    table: &str,
) -> Option<&'a LoadedSource> {
    if !origin.is_empty() {
        return sources.iter().find(|source| source.source == origin);
    }
    let word = source_of_word(word);
    let named = || sources.iter().filter(|source| source.source == word);
    named().find(|source| source.tables.split('|').any(|held| held == table)).or_else(|| named().next())
}

/// The sources that `sources.tsv` names (`vocabulary build` writes it), else those of the program's own tables.
pub(super) fn sources(tables: &Tables) -> Result<Vec<LoadedSource>, TableError> {
    let Some((name, text)) = tables.find("sources.tsv") else {
        return Ok(embedded_sources()
            .iter()
            .map(|source| LoadedSource {
                source: source.source.to_owned(),
                title: source.title.to_owned(),
                release: source.release.to_owned(),
                licence: source.licence.to_owned(),
                attribution: source.attribution.to_owned(),
                tables: source.tables.join("|"),
            })
            .collect());
    };
    let mut sources = Vec::new();
    table::read(name, text, |row| {
        let cell = |column: &str| row.get(column).map(str::to_owned);
        sources.push(LoadedSource {
            source: cell("source")?,
            title: cell("title")?,
            release: cell("release")?,
            licence: cell("licence")?,
            attribution: cell("attribution")?,
            tables: cell("tables")?,
        });
        Ok(())
    })?;
    Ok(sources)
}

/// What coders ask for and these tables do not have.
pub(super) fn not_loaded(tables: &Tables) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if tables.find("drug_poisoning.tsv").is_none() {
        missing.push("ICD-10-CM Table of Drugs and Chemicals");
    }
    let official_index = sources(tables).is_ok_and(|sources| {
        sources.iter().any(|source| {
            source.source.starts_with("icd10cm-index") && source.tables.split('|').any(|table| table == "index.tsv")
        })
    });
    if !official_index {
        missing.push("ICD-10-CM Alphabetic Index, official (the program\u{2019}s own index is)");
    }
    for (table, title) in [("poa_exempt.tsv", "present-on-admission exempt list"), ("cc_mcc.tsv", "CC and MCC list")] {
        if tables.find(table).is_none() {
            missing.push(title);
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_of_the_release_that_its_table_holds() {
        let source = |source: &str, release: &str, tables: &str| LoadedSource {
            source: source.to_owned(),
            title: String::new(),
            release: release.to_owned(),
            licence: String::new(),
            attribution: String::new(),
            tables: tables.to_owned(),
        };
        let sources = [
            source("icd10cm_tabular", "carried", "diagnosis_terms.tsv"),
            source("rxnorm", "carried", "unii.tsv"),
            source("icd10cm-tabular@2026-10-01", "imported", "icd10cm.tsv|diagnosis_terms.tsv"),
            source("rxnorm", "imported", "medications.tsv|clinical_drugs.tsv"),
        ];
        for (row, table, release) in [
            (("icd10cm_title", ""), "diagnosis_terms.tsv", "carried"),
            (("icd10cm_title", "icd10cm-tabular@2026-10-01"), "diagnosis_terms.tsv", "imported"),
            (("rxnorm", ""), "medications.tsv", "imported"),
            (("rxnorm", ""), "unii.tsv", "carried"),
            (("rxnorm", ""), "other.tsv", "carried"),
        ] {
            assert_eq!(source_of(&sources, row, table).map(|found| found.release.as_str()), Some(release), "{row:?} {table}");
        }
        assert_eq!(source_of(&sources, ("doid", ""), "diagnosis_terms.tsv"), None);
    }
}
