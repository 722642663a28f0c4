//! Where the tables come from: sources with release, licence and attribution, and what is not there.

use super::{build::embedded_sources, tables::Tables};
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

/// The source of a term, by the word that the term's row has.
pub(super) fn source_of<'a>(sources: &'a [LoadedSource], term_source: &str) -> Option<&'a LoadedSource> {
    let word = match term_source {
        "icd10cm_title" | "icd10cm_category" | "icd10cm_inclusion" | "icd10cm_variant" => "icd10cm_tabular",
        "doid" | "doid_narrow" => "doid",
        "neoplasm_table" | "index_see" => "icd10cm_neoplasms",
        "snomed" => "snomed_free_sets",
        "snomed_map" => "snomed-rf2",
        "site" => "site-terms",
        "everyday" | "abbreviation" | "correction" | "stop" => "own",
        other => other,
    };
    sources.iter().find(|source| source.source == word || source.source.replace('_', "-") == word)
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
    let official_index = tables.find("sources.tsv").is_some_and(|(_, text)| text.contains("icd10cm-index"));
    if !official_index {
        missing.push("ICD-10-CM Alphabetic Index, official (the program\u{2019}s own index is)");
    }
    missing.extend(["present-on-admission exempt list", "CC and MCC list"]);
    missing
}
