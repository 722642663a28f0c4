//! Where the tables come from: sources with release, licence and attribution, and what is not there.

use super::{
    build::{BY_HAND, embedded_sources, source_of_word},
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

/// A table of interest that is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLoaded {
    /// What it is called.
    pub title: &'static str,
    /// What is missing by that, and how to get it, as a sentence.
    pub advice: &'static str,
}

/// How to tell that something is loaded.
enum Told {
    /// By a table that has rows.
    Table(&'static str),
    /// By a table that holds something of releases of a kind, or is a person's.
    Source(&'static str, &'static str),
}

/// What coders ask for and the program does not carry.
const OF_INTEREST: [(Told, NotLoaded); 7] = [
    (
        Told::Table("drug_poisoning.tsv"),
        NotLoaded {
            title: "ICD-10-CM Table of Drugs and Chemicals",
            advice: "No poisoning codes by substance; import icd10cm-drugs.",
        },
    ),
    (
        Told::Source("icd10cm-index", "index.tsv"),
        NotLoaded {
            title: "ICD-10-CM Alphabetic Index, official",
            advice: "The index of the program is used, which is shorter; import icd10cm-index.",
        },
    ),
    (
        Told::Table("poa_exempt.tsv"),
        NotLoaded {
            title: "Present-on-admission exempt list",
            advice: "The rules of the program are used, which are those of FY2025; import icd10cm-poa-exempt.",
        },
    ),
    (
        Told::Table("cc_mcc.tsv"),
        NotLoaded {
            title: "CC and MCC list",
            advice: "Nothing says which codes are complications or comorbidities; import icd10cm-cc-mcc.",
        },
    ),
    (
        Told::Table("icd9_gems.tsv"),
        NotLoaded {
            title: "General Equivalence Mappings from ICD-9-CM",
            advice: "Codes of ICD-9-CM lead nowhere; import gems.",
        },
    ),
    (
        Told::Source("snomed-rf2", "diagnosis_terms.tsv"),
        NotLoaded {
            title: "SNOMED CT map to ICD-10-CM",
            advice: "No terms of SNOMED CT beyond the free sets; import snomed-rf2 of the US edition, which holds the map.",
        },
    ),
    (
        Told::Source("umls", "diagnosis_terms.tsv"),
        NotLoaded { title: "UMLS Metathesaurus", advice: "No terms of its sources; import umls." },
    ),
];

/// What coders ask for and these tables do not have: `has_rows` tells it of a table, `sources` are words of sources with the tables that hold
/// something of them.
pub(super) fn not_loaded(has_rows: &dyn Fn(&str) -> bool, sources: &[(&str, &str)]) -> Vec<NotLoaded> {
    let holds = |kind: &str, table: &str| {
        sources.iter().any(|(source, tables)| {
            (source.split('@').next() == Some(kind) || *source == BY_HAND) && tables.split('|').any(|held| held == table)
        })
    };
    let is_loaded = |told: &Told| match told {
        Told::Table(table) => has_rows(table),
        Told::Source(kind, table) => holds(kind, table),
    };
    OF_INTEREST.iter().filter(|(told, _)| !is_loaded(told)).map(|(_, table)| *table).collect()
}

/// What coders ask for and loaded tables do not have, by its title.
pub(super) fn missing(tables: &Tables, sources: &[LoadedSource]) -> Vec<&'static str> {
    let has_rows = |table: &str| tables.find(table).is_some_and(|(_, text)| text.lines().nth(1).is_some());
    let sources: Vec<(&str, &str)> = sources.iter().map(|source| (source.source.as_str(), source.tables.as_str())).collect();
    not_loaded(&has_rows, &sources).into_iter().map(|table| table.title).collect()
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
