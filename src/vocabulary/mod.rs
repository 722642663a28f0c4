//! The vocabularies: codes and their names, terms and what they stand for, read from the tables under `vocabularies/`.
//!
//! The tables are embedded in the program; [`Tables`] holds their text, so that a test or a site can replace one by a file of
//! the same name. Rule tables (cues, sections, sig words) are only carried here; their modules parse them.

mod alphabetic_index;
mod blocks;
pub mod build;
mod code_entry;
mod code_lists;
mod code_notes;
mod code_search;
mod codes;
mod diagnoses;
mod difference;
mod editions;
mod near_words;
mod poisoning;
mod provenance;
mod substances;
mod tables;
mod terms;

pub use alphabetic_index::{AlphabeticIndex, IndexEntry, WordForms};
pub use blocks::{Block, Blocks};
pub use code_entry::{BlockEntry, CodeAnswer, CodeEntry, CodeInEdition, RetiredCode};
pub use code_lists::{CodeLists, NinthMapping};
pub use code_notes::{CodeNote, CodeNotes, NoteKind};
pub use code_search::{CodeHit, CodeSearch, FoundBy};
pub use codes::{Code, CodeBook, tidy_code};
pub use diagnoses::{AbbreviationGuard, CodeSet, Context, DiagnosisTerm, HistoryCodes, TermKind};
pub use difference::{Difference, difference};
#[cfg(test)]
pub(crate) use editions::tests::two as two_editions;
pub use editions::{Edition, Editions, Moved};
pub use poisoning::{Intent, Poisoning, Poisonings};
pub use provenance::{LoadedSource, NotLoaded};
pub use substances::{Allergen, CaseGuard, ClinicalDrug, DrugClass, Medication};
pub use tables::Tables;
pub use terms::{TermMatch, TermRef, Terms, TermsBuilder, normalize_term};

use std::sync::OnceLock;

use crate::domain::table::TableError;

/// Everything that recognition and coding look up.
pub struct Vocabulary {
    /// Checksum over all tables, for `engine.vocabulary`.
    pub checksum: String,
    /// The editions of ICD-10-CM.
    pub editions: Editions,
    /// What diagnosis terms stand for.
    pub diagnoses: Vec<DiagnosisTerm>,
    /// What medication terms stand for.
    pub medications: Vec<Medication>,
    /// Clinical drugs by ingredient set.
    pub clinical_drugs: Vec<ClinicalDrug>,
    /// Drug classes.
    pub classes: Vec<DrugClass>,
    /// Allergens.
    pub allergens: Vec<Allergen>,
    /// FDA UNII of ingredients, by RxCUI.
    pub unii: std::collections::HashMap<String, String>,
    /// Personal and family history codes by code prefix.
    pub history: HistoryCodes,
    /// The Alphabetic Index.
    pub index: AlphabeticIndex,
    /// Forms of words that name the same thing.
    pub forms: WordForms,
    /// Codes of ICD-9-CM, codes exempt from present-on-admission reporting, complications; empty where they are not loaded.
    pub lists: CodeLists,
    /// Chapters and blocks of the codes.
    pub blocks: Blocks,
    /// The Table of Drugs and Chemicals; empty where it is not loaded.
    pub poisonings: Poisonings,
    /// Where the tables come from.
    sources: Vec<LoadedSource>,
    /// Tables of interest that are not there.
    not_loaded: Vec<&'static str>,
    /// All surface forms in one tree of words.
    pub terms: Terms,
    /// Made when it is first asked for: only coders search.
    search: OnceLock<CodeSearch>,
}

impl Vocabulary {
    /// Reads the tables.
    ///
    /// # Errors
    /// The first row that cannot be used, by table and line.
    pub fn load(tables: &Tables) -> Result<Self, TableError> {
        let mut terms = terms::TermsBuilder::default();
        let editions = Editions::load(tables)?;
        let diagnoses = diagnoses::load(tables, &editions, &mut terms)?;
        let (medications, classes) = substances::load_medications(tables, &mut terms)?;
        let allergens = substances::load_allergens(tables, &mut terms)?;
        let clinical_drugs = substances::load_clinical_drugs(tables)?;
        let history = HistoryCodes::parse(tables.get("history_codes.tsv")?)?;
        let unii = substances::load_unii(tables)?;
        let (terms, rest) = rayon::join(
            || terms.build(),
            || -> Result<_, TableError> {
                let forms = WordForms::parse(tables.get("word_forms.tsv")?)?;
                let index = AlphabeticIndex::parse(tables.get("index.tsv")?, &editions, &forms)?;
                Ok((forms, index, CodeLists::load(tables, &editions)?))
            },
        );
        let (forms, index, lists) = rest?;
        let sources = provenance::sources(tables)?;
        Ok(Self {
            index,
            forms,
            lists,
            blocks: Blocks::load(tables)?,
            poisonings: Poisonings::load(tables)?,
            not_loaded: provenance::missing(tables, &sources),
            sources,
            checksum: tables.checksum().to_owned(),
            editions,
            diagnoses,
            medications,
            clinical_drugs,
            unii,
            classes,
            allergens,
            history,
            terms: terms?,
            search: OnceLock::new(),
        })
    }

    /// The codes of the newest edition.
    #[must_use]
    pub const fn codes(&self) -> &CodeBook {
        &self.editions.newest().codes
    }

    /// The notes of the newest edition's tabular list, and payment categories.
    #[must_use]
    pub const fn notes(&self) -> &CodeNotes {
        &self.editions.newest().notes
    }

    /// Where the tables come from, with release, licence and attribution.
    #[must_use]
    pub fn sources(&self) -> &[LoadedSource] {
        &self.sources
    }

    /// The source of a term, with its release and licence.
    #[must_use]
    pub fn source_of(&self, term: &DiagnosisTerm) -> Option<&LoadedSource> {
        provenance::source_of(&self.sources, (&term.source, &term.origin), "diagnosis_terms.tsv")
    }

    /// The source of a row of a table, by the word that the row carries, with its release and licence.
    #[must_use]
    pub fn source_of_row(&self, word: &str, table: &str) -> Option<&LoadedSource> {
        provenance::source_of(&self.sources, (word, ""), table)
    }

    /// Tables of interest that are not loaded.
    #[must_use]
    pub fn not_loaded(&self) -> &[&'static str] {
        &self.not_loaded
    }

    /// How many diagnosis terms each source gave, by its name.
    #[must_use]
    pub fn term_sources(&self) -> std::collections::BTreeMap<&str, usize> {
        let mut counts = std::collections::BTreeMap::new();
        for term in &self.diagnoses {
            *counts.entry(term.source.as_str()).or_default() += 1;
        }
        counts
    }

    /// Title of a code in the newest edition that has it; the code itself when none has.
    #[must_use]
    pub fn title<'a>(&'a self, code: &'a str) -> &'a str {
        self.editions.all().find_map(|edition| edition.codes.lookup(code)).map_or(code, |found| found.title.as_str())
    }

    /// Whether a code may stand on a claim in any loaded edition.
    #[must_use]
    pub fn is_billable(&self, code: &str) -> bool {
        self.editions.is_billable(code)
    }

    /// At most `limit` ICD-10-CM codes for words, or for a code or its beginning; best first.
    #[must_use]
    pub fn find_codes(&self, query: &str, limit: usize) -> Vec<CodeHit<'_>> {
        self.search().find((&self.editions, &self.diagnoses), query, limit)
    }

    /// Codes by words as [`Self::find_codes`] gives them; where words find nothing, or only some of them are found, the codes that `by_meaning`
    /// gives come first. It is not called otherwise: meaning is dear.
    ///
    /// # Errors
    /// That of `by_meaning`.
    pub fn find_codes_or<'a, E>(
        &'a self,
        query: &str,
        limit: usize,
        by_meaning: impl FnOnce() -> Result<Vec<CodeHit<'a>>, E>,
    ) -> Result<Vec<CodeHit<'a>>, E> {
        let words = self.find_codes(query, limit);
        if query.trim().is_empty() || words.first().is_some_and(|hit| hit.found_by != FoundBy::PartOfWords) {
            return Ok(words);
        }
        let mut hits = by_meaning()?;
        hits.extend(words);
        let mut seen = std::collections::HashSet::new();
        hits.retain(|hit| seen.insert(hit.code.code.as_str()));
        hits.truncate(limit);
        Ok(hits)
    }

    /// Makes the index of the code book now, so that the first search does not wait for it.
    pub fn prepare_search(&self) {
        self.search();
    }

    fn search(&self) -> &CodeSearch {
        self.search.get_or_init(|| CodeSearch::new(self.codes(), self.notes(), &self.diagnoses))
    }
}
