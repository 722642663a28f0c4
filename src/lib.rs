//! Abstractor: clinical notes in, coded entries with evidence out, queued for review.

pub mod allergy;
pub mod domain;
pub mod medication;
pub mod text;
