//! page
use crate::{results::Results, score::examples::Example};
/// The page.
#[must_use]
pub fn html(_results: &Results, _examples: &[&Example]) -> String { String::new() }
