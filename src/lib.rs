//! Abstractor: clinical notes in, coded entries with evidence out, queued for review.

pub mod auth;
pub mod domain;
pub mod seal;
pub mod store;
pub mod text;
