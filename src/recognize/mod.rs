//! Recognition: which words of a note name a diagnosis, a medication, an allergen or a denial of allergies.
//!
//! Two recognisers work side by side. The [`dictionary`](mod@dictionary) finds what the vocabularies know; the transformer
//! ([`Model`], [`cut_windows`], [`tag`]) finds what no vocabulary has. [`merge`](mod@merge) writes their findings into one list.

mod config;
pub mod dictionary;
pub mod edges;
mod encoder;
mod files;
mod fused;
#[cfg(test)]
mod fuzz;
mod labels;
mod layout;
pub mod merge;
mod model;
mod network;
mod pack_terms;
mod similarity;
mod weights;
mod windows;

pub use abstractor_encoder::Precision;
pub use config::{ContextHeads, Description, Family};
pub use encoder::Input;
pub use files::{Manifest, ModelFiles};
pub use labels::{LabelSet, Tag};
pub use model::{Model, ModelError};
pub use pack_terms::{PACK_SOURCE, PackTerms};
pub use windows::{Tagging, TokenizedNote, WINDOW_PIECES, WINDOW_STRIDE, Window, cut_windows, tag};
