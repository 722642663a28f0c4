//! `icd10cm_retired.tsv`: codes that the newest edition no longer has as billable, and what replaces them.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Row, row};
use crate::{releases::Table, vocabulary::CodeBook};

/// Former codes with the codes that replace them, the least special first; empty where nothing does.
pub(super) const RETIRED: Table = Table { name: "icd10cm_retired.tsv", columns: &["code", "replacements"] };

/// Former codes and what replaces them.
#[derive(Debug, Default)]
pub(super) struct Retired {
    replacements: BTreeMap<String, Vec<String>>,
}

impl Retired {
    /// By the conversion table (`code`, `replacement`, `effective`) and by what the newest edition lacks of the one before it: such a
    /// code is replaced by the codes that were added below it. Replacements that were replaced themselves are followed.
    pub(super) fn new(conversions: &[Row], older: Option<&CodeBook>, newest: &CodeBook) -> Self {
        let mut steps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for conversion in conversions {
            steps.entry(&conversion[0]).or_default().push(&conversion[1]);
        }
        for code in older.map_or(&[][..], CodeBook::all).iter().filter(|code| code.billable && !newest.is_billable(&code.code))
        {
            let was_there = |code: &str| older.is_some_and(|older| older.is_billable(code));
            let added = newest.starting_with(&code.code).filter(|below| below.billable && !was_there(&below.code));
            steps.entry(&code.code).or_default().extend(added.map(|below| below.code.as_str()));
        }
        let gone = steps.keys().filter(|code| !newest.is_billable(code));
        Self { replacements: gone.map(|code| ((*code).to_owned(), followed(code, &steps, newest))).collect() }
    }

    /// What replaces a code, the least special first.
    pub(super) fn replacing(&self, code: &str) -> &[String] {
        self.replacements.get(code).map_or(&[], Vec::as_slice)
    }

    /// How many codes.
    pub(super) fn len(&self) -> usize {
        self.replacements.len()
    }

    /// The rows of the table.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.replacements.iter().map(|(code, replacements)| row([code, &replacements.join("|")])).collect()
    }
}

/// The billable codes to which the steps lead from a code.
fn followed(from: &str, steps: &BTreeMap<&str, Vec<&str>>, newest: &CodeBook) -> Vec<String> {
    let (mut seen, mut found, mut open) = (BTreeSet::from([from]), BTreeSet::new(), vec![from]);
    while let Some(code) = open.pop() {
        for next in steps.get(code).into_iter().flatten() {
            if newest.is_billable(next) {
                found.insert((*next).to_owned());
            } else if seen.insert(next) {
                open.push(next);
            }
        }
    }
    let mut found: Vec<String> = found.into_iter().collect();
    // the code that says least comes first
    if let Some(place) = newest.default_leaf(from).and_then(|leaf| found.iter().position(|code| code == leaf)) {
        found[..=place].rotate_right(1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(rows: &[&str]) -> CodeBook {
        let text = format!("code\tbillable\ttitle\n{}\n", rows.join("\n"));
        CodeBook::parse(("icd10cm.tsv", &text)).expect("a book")
    }

    #[test]
    fn replacements_are_followed_and_the_least_special_is_first() {
        let older = book(&["A04.7\t1\tC. diff", "B00\t1\tOld", "C00\t1\tStays"]);
        let newest =
            book(&["A04.7\t0\tC. diff", "A04.71\t1\tC. diff, recurrent", "A04.72\t1\tC. diff, unspecified", "C00\t1\tStays"]);
        let conversions = [row(["X00", "A04.7", "2017-10-01"]), row(["C00", "A04.71", ""]), row(["Y00", "Y01", ""])];
        let retired = Retired::new(&conversions, Some(&older), &newest);
        let seen: Vec<String> = retired.rows().iter().map(|row| row.join(";")).collect();
        assert_eq!(seen, ["A04.7;A04.72|A04.71", "B00;", "X00;A04.71|A04.72", "Y00;"]);
        assert_eq!((retired.len(), retired.replacing("C00").len()), (4, 0));
    }
}
