//! Assertion: what the note says of a mention, after the ConText algorithm: cue, direction, scope, termination.
//!
//! A cue ("denies", "was ruled out", "mother") speaks for the mentions in its scope, before or after it, until a word
//! that ends it ("but", "secondary to"). The section a mention stands in speaks for it too. When several hold, absent
//! comes before family, hypothetical, possible, historical and present. All phrases are rows of `vocabularies/cues.tsv`.

mod cue_table;
mod decide;
mod matching;
mod scope;
mod tokens;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod measure;

pub use cue_table::CueTable;
pub use decide::{Context, assert_mention};
