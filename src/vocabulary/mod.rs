//! The vocabularies: codes and their names, terms and what they stand for, read from the tables under `vocabularies/`.
//!
//! The tables are embedded in the program; [`Tables`] holds their text, so that a test or a site can replace one by a file of
//! the same name. Rule tables (cues, sections, sig words) are only carried here; their modules parse them.

mod codes;
mod diagnoses;
mod substances;
mod tables;
mod terms;

pub use codes::{Code, CodeBook};
pub use diagnoses::{AbbreviationGuard, CodeSet, Context, DiagnosisTerm, HistoryCodes, TermKind};
pub use substances::{Allergen, CaseGuard, ClinicalDrug, DrugClass, Medication};
pub use tables::Tables;
pub use terms::{TermMatch, TermRef, Terms, normalize_term};

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
    /// All surface forms in one automaton.
    pub terms: Terms,
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
        Ok(Self {
            checksum: tables.checksum().to_owned(),
            codes,
            diagnoses,
            medications,
            clinical_drugs,
            unii,
            classes,
            allergens,
            history,
            terms,
        })
    }
}
