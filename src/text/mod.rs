//! A note's text: sections, sentences, words normalised with a map back to the original, offset units.

mod boilerplate;
mod document;
mod education;
#[cfg(test)]
mod fuzz;
mod normalize;
mod offsets;
pub mod pattern;
mod sections;
mod sentences;

pub use boilerplate::{BoilerplateTable, boilerplate, folded, folded_sentence, passage};
pub use document::{Document, Section, Sentence};
pub use normalize::{Word, each_word, fold_word, words};
pub use offsets::OffsetMap;
pub(crate) use sections::one_slip;
pub use sections::{SectionTable, split_sections};
pub use sentences::split_sentences;
