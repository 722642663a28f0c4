//! Coding: from the words of a mention to ranked candidate codes, or to none when nothing is good enough.
//!
//! A diagnosis is looked up exactly, without its qualifiers, in any word order, by weighted word overlap, and through fuller
//! mentions of the same thing in the note; each candidate says why. Medications go to RxNorm ingredients and, with strength
//! and form, to a clinical drug; allergens to RxNorm or SNOMED CT and an ICD-10-CM allergy-status code.

mod allergen;
mod confidence;
mod conventions;
mod diagnosis;
mod edition;
pub mod edits;
#[cfg(test)]
mod fuzz;
mod index;
mod laterality;
mod left_out;
mod logistic;
mod medication;
mod overlap;
mod proposals;
pub mod queries;
mod ranking;
mod reportable;
mod similarity;
mod specificity;

pub use allergen::{ALLERGY_STATUS_DISPLAY, NO_KNOWN_ALLERGY, NO_KNOWN_DRUG_ALLERGY};
pub use confidence::ConfidenceModel;
pub use conventions::{Conventions, Diagnosed};
pub use diagnosis::{Known, Ranking, Reference};
pub use edition::for_edition;
pub use medication::DrugPlace;
pub use proposals::{CandidateSource, Phrase};
pub use ranking::{NoteSays, RANKING_FEATURES, RankingModel};
pub use reportable::reportable;
pub use similarity::{Near, TermVectors, VectorError, terms_of};
pub use specificity::{MOST_CHOICES, SpecificityPrompts};

use crate::{
    domain::{CodeCandidate, Prompt},
    vocabulary::Vocabulary,
};

/// What coding found for a mention.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coding {
    /// Name of the concept, for the entry.
    pub display: String,
    /// Candidates, best first; empty = abstained.
    pub codes: Vec<CodeCandidate>,
    /// Questions to the coder.
    pub prompts: Vec<Prompt>,
}

/// The coder: look-up structures over the vocabulary, built once.
pub struct Coder {
    overlap: overlap::OverlapIndex,
    sides: laterality::Sides,
    names: medication::Names,
}

impl Coder {
    /// Builds the look-up structures.
    #[must_use]
    pub fn new(vocabulary: &Vocabulary) -> Self {
        Self {
            overlap: overlap::OverlapIndex::new(vocabulary),
            sides: laterality::Sides::new(vocabulary),
            names: medication::Names::new(vocabulary),
        }
    }
}
