//! Abstractor: clinical notes in, coded entries with evidence out, queued for review.

pub mod domain;
pub mod recognize;

pub mod text;
