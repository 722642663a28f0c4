//! Results for people: a table at the terminal, and one self-contained page.

mod browser;
mod latency;
mod page;
mod plots;
mod table;

pub use page::html;
pub use table::{side_by_side, terminal};

use std::collections::BTreeMap;

use crate::score::examples::{Example, Sort};

/// At most so many errors of each sort, spread evenly over the notes.
#[must_use]
pub fn chosen(examples: &[Example], most: usize) -> Vec<&Example> {
    let mut sorts: BTreeMap<Sort, Vec<&Example>> = BTreeMap::new();
    for example in examples {
        sorts.entry(example.sort).or_default().push(example);
    }
    let spread = |all: Vec<&'_ Example>| -> Vec<usize> {
        let kept = all.len().min(most);
        (0..kept).map(|at| at * all.len() / kept).collect()
    };
    sorts.into_values().flat_map(|all| spread(all.clone()).into_iter().map(move |at| all[at])).collect()
}

/// A metric's value as it is printed: shares as such, means with one digit.
fn number(metric: &str, value: f64) -> String {
    if crate::figures::is_share(metric) { format!("{value:.4}") } else { format!("{value:.2}") }
}
