//! Measures Abstractor, or any system that writes its extraction contract, on annotated notes.
//!
//! ```text
//! definition (TOML) ──> corpus ──> notes ──┐
//!                   └─> system ──> predictions ──> score ──> counts of each note ──> figures, intervals ──> results ──> terminal, JSON, HTML
//!                                                                     └──────────────> compare, gate (two runs over the same notes)
//! ```
//!
//! - [`definition`]: what is measured on what. [`corpus`]: readers of eight formats. [`system`]: the engine in this process (what the service
//!   runs), a running service, or a file of another system.
//! - [`score`] counts, note by note; [`figures`] makes values of counts; [`abstractor::statistics`] draws notes for intervals and paired tests.
//!   [`latency`] is how long notes took, with intervals of the same draws; the gate knows nothing of it.
//! - [`results`] is what is kept: figures and counts, no word of a note. [`report`] writes it for people; errors in context stand there alone.
//! - [`gate`] holds a run against a committed baseline: what `cargo test` does on the notes of `eval/gold`.
//!
//! Time, seed and the environment are arguments; only `cli` and `main` read them.

pub mod calibration;
pub mod cli;
pub mod compare;
pub mod corpus;
pub mod counts;
pub mod definition;
pub mod environment;
pub mod error;
mod export;
pub mod figures;
pub mod gate;
pub mod latency;
pub mod measure;
pub mod names;
pub mod note;
#[cfg(test)]
mod own_notes;
pub mod prediction;
pub mod report;
pub mod results;
pub mod score;
pub mod system;
