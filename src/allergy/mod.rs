//! Allergies: which named substances are allergens, what they did to the patient, and statements of no known allergies.
//!
//! [`find()`] decides for the whole note, because an allergies section is read as one list. Words come from
//! `vocabularies/allergens.tsv` and `vocabularies/reactions.tsv`.

mod describe;
mod find;
#[cfg(test)]
mod gold_tests;
mod grid;
mod none_known;
mod reaction;
mod table;

pub use describe::complete;
pub use find::{AllergyFindings, FoundAllergy, FoundNone, find, is_no_substance, is_tolerated};
pub use table::{Allergen, AllergyTable, AllergyTables, ReactionTable};
