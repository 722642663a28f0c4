//! Medications: strength, dose, form, route, frequency, duration, "as needed" and purpose of each mention, and its status.
//!
//! [`attributes`] reads the sigs of a whole note at once, because an amount belongs to one drug only;
//! [`status()`] decides for one mention whether it is taken, was given, was stopped, is only considered, or is denied,
//! and [`MedicationCueTable::change`] whether it was started, increased, decreased, held, resumed, stopped or continued.
//! Words come from `vocabularies/sig_words.tsv` and `vocabularies/medication_cues.tsv`.

mod boundary;
mod change;
pub mod dosage;
#[cfg(test)]
pub(crate) mod gold_tests;
mod indication;
mod link;
mod scan;
mod sig;
mod status;
mod value;

pub use link::attributes;
pub use sig::SigTable;
pub use status::{MedicationCueTable, status};
