//! Recognition: which words of a note name a diagnosis, a medication, an allergen or a denial of allergies.
//!
//! Two recognisers work side by side. The [`dictionary`](mod@dictionary) finds what the vocabularies know; the transformer
//! ([`Encoder`], [`cut_windows`], [`tag`]) finds what no vocabulary has. [`merge`](mod@merge) writes their findings into one list.

pub mod dictionary;
mod encoder;
mod gelu;
mod labels;
pub mod merge;
mod model;
mod windows;

pub use encoder::Encoder;
pub use labels::{LabelSet, Tag};
pub use model::{Model, ModelError, ModelFiles};
pub use windows::{Tagging, TokenizedNote, WINDOW_PIECES, WINDOW_STRIDE, Window, cut_windows, tag};
