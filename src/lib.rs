//! Abstractor: clinical notes in, coded entries with evidence out, queued for review.

pub mod assertion;
pub mod domain;
pub mod text;
