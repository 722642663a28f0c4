//! Abstractor: clinical notes in, coded entries with evidence out, queued for review.
#![doc = include_str!("../ARCHITECTURE.md")]

/// `pattern!(NAME, "...")`: a constant regular expression, compiled when it is first used; every test run compiles it.
macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| crate::text::pattern::compile($pattern).unwrap());
    };
}

pub mod allergy;
pub mod api;
pub mod assertion;
pub mod auth;
pub mod cli;
pub mod coding;
pub mod config;
pub mod deidentify;
pub mod delivery;
pub mod domain;
pub mod engine;
#[cfg(test)]
mod fuzzing;
pub mod interop;
pub mod learning;
pub mod medication;
pub mod mllp;
pub mod network;
pub mod oidc;
pub mod oversight;
pub mod pipeline;
pub mod recognize;
pub mod releases;
pub mod report;
pub mod retention;
pub mod review;
pub mod seal;
pub mod service;
pub mod statistics;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod vocabulary;
pub mod web;
pub mod worker;
