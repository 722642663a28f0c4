//! Abstractor: clinical notes in, coded entries with evidence out, queued for review.

pub mod allergy;
pub mod assertion;
pub mod cli;
pub mod coding;
pub mod domain;
pub mod engine;
pub mod medication;
pub mod pipeline;
pub mod recognize;
pub mod text;
pub mod vocabulary;
