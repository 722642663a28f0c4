//! Allergies: which named substances are allergens, what they did to the patient, and statements of no known allergies.
//!
//! [`find()`] decides for the whole note, because an allergies section is read as one list. Words come from
//! `vocabularies/allergens.tsv`, `reactions.tsv` and `reaction_phrases.tsv`, weights from `allergy_links.tsv`.

mod describe;
mod find;
#[cfg(test)]
mod gold_tests;
mod grid;
mod links;
mod list;
mod none_known;
mod passage;
mod phrases;
mod reaction;
mod slots;
mod table;
#[cfg(test)]
mod training;
mod unnamed;

pub use describe::complete;
pub use find::{AllergyFindings, FoundAllergy, FoundNone, find, is_no_substance, is_tolerated};
pub use table::{Allergen, AllergyTable, AllergyTables, AllergyTexts, ReactionTable};
