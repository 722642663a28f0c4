//! The vocabularies: codes and their names, terms and what they stand for, read from the tables under `vocabularies/`.
//!
//! The tables are embedded in the program; [`Tables`] holds their text, so that a test or a site can replace one by a file of
//! the same name. Rule tables (cues, sections, sig words) are only carried here; their modules parse them.

mod alphabetic_index;
mod code_notes;
mod code_search;
mod codes;
mod diagnoses;
mod substances;
mod tables;
mod terms;

pub use alphabetic_index::{AlphabeticIndex, IndexEntry, WordForms};
pub use code_notes::{CodeNote, CodeNotes, NoteKind};
pub use code_search::{CodeHit, CodeSearch};
pub use codes::{Code, CodeBook};
pub use diagnoses::{AbbreviationGuard, CodeSet, Context, DiagnosisTerm, HistoryCodes, TermKind};
pub use substances::{Allergen, CaseGuard, ClinicalDrug, DrugClass, Medication};
pub use tables::Tables;
pub use terms::{TermMatch, TermRef, Terms, normalize_term};

use std::sync::OnceLock;

use crate::domain::table::TableError;

/// Everything that recognition and coding look up.
pub struct Vocabulary {
    /// Checksum over all tables, for `engine.vocabulary`.
    pub checksum: String,
    /// The ICD-10-CM code table.
    pub codes: CodeBook,
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
    /// Notes of the tabular list and payment categories.
    pub notes: CodeNotes,
    /// The Alphabetic Index.
    pub index: AlphabeticIndex,
    /// Forms of words that name the same thing.
    pub forms: WordForms,
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
    /// Its notes, and those of the codes above it that hold for it too.
    pub notes: Vec<&'a CodeNote>,
}

/// The edition of the diagnosis codes that the program carries.
pub const EDITION: &str = "ICD-10-CM FY2026-04";

impl Vocabulary {
    /// Reads the tables.
    ///
    /// # Errors
    /// The first row that cannot be used, by table and line.
    pub fn load(tables: &Tables) -> Result<Self, TableError> {
        let mut terms = terms::TermsBuilder::default();
        let codes = CodeBook::parse(tables.get("icd10cm.tsv")?)?;
        let diagnoses = diagnoses::load(tables, &codes, &mut terms)?;
        let (medications, classes) = substances::load_medications(tables, &mut terms)?;
        let allergens = substances::load_allergens(tables, &mut terms)?;
        let clinical_drugs = substances::load_clinical_drugs(tables)?;
        let history = HistoryCodes::parse(tables.get("history_codes.tsv")?)?;
        let unii = substances::load_unii(tables)?;
        let terms = terms.build()?;
        let forms = WordForms::parse(tables.get("word_forms.tsv")?)?;
        Ok(Self {
            index: AlphabeticIndex::parse(tables.get("index.tsv")?, &codes, &forms)?,
            forms,
            checksum: tables.checksum().to_owned(),
            codes,
            diagnoses,
            medications,
            clinical_drugs,
            unii,
            classes,
            allergens,
            history,
            notes: CodeNotes::parse(tables.get("icd10cm_notes.tsv")?, tables.get("hcc.tsv")?)?,
            terms,
            search: OnceLock::new(),
        })
    }

    /// A code with what stands above, below and beside it; none when the edition does not have it.
    #[must_use]
    pub fn code_entry(&self, code: &str) -> Option<CodeEntry<'_>> {
        let code = self.codes.lookup(code)?;
        let mut parents = Vec::new();
        let mut at = code;
        while let Some(parent) = self.codes.parent(&at.code) {
            parents.push(parent);
            at = parent;
        }
        // names are the code's own, instructions hold for everything below
        let mut notes: Vec<&CodeNote> = self.notes.at(&code.code).collect();
        for parent in &parents {
            notes.extend(self.notes.at(&parent.code).filter(|note| note.kind != NoteKind::Inclusion));
        }
        parents.reverse();
        Some(CodeEntry { code, parents, children: self.codes.children(&code.code).collect(), notes })
    }

    /// At most `limit` ICD-10-CM codes for words, or for a code or its beginning; best first.
    #[must_use]
    pub fn find_codes(&self, query: &str, limit: usize) -> Vec<CodeHit<'_>> {
        let search = self.search.get_or_init(|| CodeSearch::new(&self.codes, &self.notes, &self.diagnoses));
        search.find((&self.codes, &self.notes, &self.diagnoses), query, limit)
    }
}
