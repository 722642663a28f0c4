//! Where the tables come from: sources with release, licence and attribution, and what is not there.

use super::{DiagnosisTerm, Editions, build::embedded_sources, tables::Tables};
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

/// The words of the sources that may have given a term, by the word that the term's row has: those of the program, then kinds of releases.
fn words_of(term_source: &str) -> &[&str] {
    match term_source {
        "icd10cm_title" | "icd10cm_category" | "icd10cm_inclusion" | "icd10cm_variant" => {
            &["icd10cm_tabular", "icd10cm-tabular", "icd10cm-order", "icd10cm-addenda"]
        }
        "doid" | "doid_narrow" => &["doid"],
        "neoplasm_table" => &["icd10cm_neoplasms", "icd10cm-neoplasms"],
        "index_see" => &["icd10cm_neoplasms"],
        "snomed" => &["snomed_free_sets"],
        "snomed_map" => &["snomed-rf2"],
        "site" => &["site-terms"],
        "everyday" | "abbreviation" | "correction" | "stop" => &["own"],
        _ => &[],
    }
}

/// The sources that may have given what carries this word.
fn candidates<'a>(sources: &'a [LoadedSource], word: &str) -> Vec<&'a LoadedSource> {
    let words = words_of(word);
    let named = |source: &&LoadedSource| {
        words.contains(&source.source.as_str())
            || words.is_empty() && (source.source == word || source.source.replace('_', "-") == word)
    };
    sources.iter().filter(named).collect()
}

/// The source of a medication, a class or an allergen, by the word that its row has.
pub(super) fn source_named<'a>(sources: &'a [LoadedSource], word: &str) -> Option<&'a LoadedSource> {
    candidates(sources, word).into_iter().next()
}

/// The source of a diagnosis term. Where the program and an imported release could both have given it, it is the program's when the
/// program's own table has it, else that of the release whose edition has its code.
pub(super) fn source_of_diagnosis<'a>(
    sources: &'a [LoadedSource],
    term: &DiagnosisTerm,
    editions: &Editions,
) -> Option<&'a LoadedSource> {
    let found = candidates(sources, &term.source);
    let [first, _, ..] = found.as_slice() else { return found.first().copied() };
    let is_own = |source: &LoadedSource| embedded_sources().iter().any(|own| own.source == source.source);
    if is_own(first) && program_names(term) {
        return Some(first);
    }
    let imported: Vec<&LoadedSource> = found.iter().filter(|source| !is_own(source)).copied().collect();
    let code = term.codes.first().and_then(|set| set.first())?;
    let having = editions.all().filter(|edition| edition.codes.lookup(code).is_some());
    having
        .flat_map(|edition| imported.iter().filter(|source| source.release == edition.name))
        .next()
        .or(imported.first())
        .copied()
}

/// Whether the program's own table has a term from this source.
fn program_names(term: &DiagnosisTerm) -> bool {
    let Ok(tables) = Tables::embedded() else { return false };
    let Some((_, text)) = tables.find("diagnosis_terms.tsv") else { return false };
    text.lines().any(|line| {
        let mut cells = line.split('\t');
        cells.next() == Some(term.term.as_str()) && cells.nth(1) == Some(term.source.as_str())
    })
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
