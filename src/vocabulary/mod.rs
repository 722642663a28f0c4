//! The vocabularies: codes and their names, terms and what they stand for, read from the tables under `vocabularies/`.
//!
//! The tables are embedded in the program; [`Tables`] holds their text, so that a test or a site can replace one by a file of
//! the same name. Rule tables (cues, sections, sig words) are only carried here; their modules parse them.

mod alphabetic_index;
pub mod build;
mod code_lists;
mod code_notes;
mod code_search;
mod codes;
mod diagnoses;
mod difference;
mod editions;
mod provenance;
mod substances;
mod tables;
mod terms;

pub use alphabetic_index::{AlphabeticIndex, IndexEntry, WordForms};
pub use code_lists::{CodeLists, NinthMapping};
pub use code_notes::{CodeNote, CodeNotes, NoteKind};
pub use code_search::{CodeHit, CodeSearch};
pub use codes::{Code, CodeBook};
pub use diagnoses::{AbbreviationGuard, CodeSet, Context, DiagnosisTerm, HistoryCodes, TermKind};
pub use difference::{Difference, difference};
pub use editions::{Edition, Editions, Moved};
pub use provenance::LoadedSource;
pub use substances::{Allergen, CaseGuard, ClinicalDrug, DrugClass, Medication};
pub use tables::Tables;
pub use terms::{TermMatch, TermRef, Terms, normalize_term};

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
    /// Where the tables come from.
    sources: Vec<LoadedSource>,
    /// Tables of interest that are not there.
    not_loaded: Vec<&'static str>,
    /// All surface forms in one automaton.
    pub terms: Terms,
    /// Made when it is first asked for: only coders search.
    search: OnceLock<CodeSearch>,
}

/// A code of the book with its surroundings.
#[derive(Debug, Clone)]
pub struct CodeEntry<'a> {
    /// The code.
    pub code: &'a Code,
    /// The codes above it, highest first.
    pub parents: Vec<&'a Code>,
    /// The codes directly below it.
    pub children: Vec<&'a Code>,
    /// Its notes, and those of the codes, blocks and chapters above it that hold for it too.
    pub notes: Vec<&'a CodeNote>,
    /// Paths of the Alphabetic Index that lead to it.
    pub paths: Vec<&'a IndexEntry>,
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
        let terms = terms.build()?;
        let forms = WordForms::parse(tables.get("word_forms.tsv")?)?;
        Ok(Self {
            index: AlphabeticIndex::parse(tables.get("index.tsv")?, &editions, &forms)?,
            forms,
            lists: CodeLists::load(tables, &editions)?,
            sources: provenance::sources(tables)?,
            not_loaded: provenance::not_loaded(tables),
            checksum: tables.checksum().to_owned(),
            editions,
            diagnoses,
            medications,
            clinical_drugs,
            unii,
            classes,
            allergens,
            history,
            terms,
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

    /// The source of a name of a medication, with its release and licence.
    #[must_use]
    pub fn source_of_medication(&self, medication: &Medication) -> Option<&LoadedSource> {
        provenance::source_of(&self.sources, (&medication.source, ""), "medications.tsv")
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

    /// A code with what stands above, below and beside it; none when the edition does not have it.
    #[must_use]
    pub fn code_entry(&self, code: &str) -> Option<CodeEntry<'_>> {
        let code = self.codes().lookup(code)?;
        let mut parents = Vec::new();
        let mut at = code;
        while let Some(parent) = self.codes().parent(&at.code) {
            parents.push(parent);
            at = parent;
        }
        // names are the code's own, instructions hold for everything below
        let mut notes: Vec<&CodeNote> = self.notes().at(&code.code).collect();
        for parent in &parents {
            notes.extend(self.notes().at(&parent.code).filter(|note| note.kind != NoteKind::Inclusion));
        }
        notes.extend(self.notes().over(&code.code).into_iter().filter(|note| note.kind != NoteKind::Inclusion));
        parents.reverse();
        Some(CodeEntry {
            code,
            parents,
            children: self.codes().children(&code.code).collect(),
            notes,
            paths: self.index.leading_to(&code.code).collect(),
        })
    }

    /// At most `limit` ICD-10-CM codes for words, or for a code or its beginning; best first.
    #[must_use]
    pub fn find_codes(&self, query: &str, limit: usize) -> Vec<CodeHit<'_>> {
        let search = self.search.get_or_init(|| CodeSearch::new(self.codes(), self.notes(), &self.diagnoses));
        search.find((self.codes(), self.notes(), &self.diagnoses), query, limit)
    }
}
