//! `icd10cm_retired.tsv`: codes that the newest edition no longer has as billable, and what replaces them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// By the conversion table (`code`, `replacement`, `effective`) and by what the newest edition lacks of those before it: such a code is
    /// replaced by the codes that were added below it or under its very title, and where nothing else names one, by those that share its
    /// ICD-9-CM code in the equivalence mappings. Replacements that were replaced themselves are followed.
    pub(super) fn new(named: &Named<'_>, older: &[&CodeBook], newest: &CodeBook) -> Self {
        let mut steps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for conversion in named.conversions {
            steps.entry(&conversion[0]).or_default().push(&conversion[1]);
        }
        let by_title: HashMap<String, &str> = newest
            .all()
            .iter()
            .filter(|code| code.billable)
            .map(|code| (code.title.to_lowercase(), code.code.as_str()))
            .collect();
        for book in older {
            for code in book.all().iter().filter(|code| code.billable && !newest.is_billable(&code.code)) {
                let is_new = |added: &str| !book.is_billable(added);
                let below = newest.starting_with(&code.code).filter(|below| below.billable).map(|below| below.code.as_str());
                let alike = by_title.get(&code.title.to_lowercase()).copied();
                let found = steps.entry(&code.code).or_default();
                for added in below.chain(alike).filter(|added| is_new(added)) {
                    if !found.contains(&added) {
                        found.push(added);
                    }
                }
            }
        }
        let gone = steps.keys().filter(|code| !newest.is_billable(code));
        let mut replacements: BTreeMap<String, Vec<String>> =
            gone.map(|code| ((*code).to_owned(), followed(code, &steps, newest))).collect();
        let equivalents = Equivalents::new(named.gems);
        for (code, found) in replacements.iter_mut().filter(|(_, found)| found.is_empty()) {
            *found = equivalents.of(code, newest);
        }
        Self { replacements }
    }

    /// What replaces a code, the least special first.
    pub(super) fn replacing(&self, code: &str) -> &[String] {
        self.replacements.get(code).map_or(&[], Vec::as_slice)
    }

    /// What replaces the first retired code below a stem.
    pub(super) fn replacing_below(&self, stem: &str) -> Option<&str> {
        let below = self.replacements.range(stem.to_owned()..).take_while(|(code, _)| code.starts_with(stem));
        below.filter_map(|(_, found)| found.first()).next().map(String::as_str)
    }

    /// How many codes.
    pub(super) fn len(&self) -> usize {
        self.replacements.len()
    }

    /// How many codes nothing replaces.
    pub(super) fn without_replacement(&self) -> usize {
        self.replacements.values().filter(|found| found.is_empty()).count()
    }

    /// The rows of the table.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.replacements.iter().map(|(code, replacements)| row([code, &replacements.join("|")])).collect()
    }
}

/// What names replacements.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named<'a> {
    /// Rows of the conversion tables.
    pub conversions: &'a [Row],
    /// Rows of the equivalence mappings: `source`, `target`, `approximate`, `no_map`, `combination`...
    pub gems: &'a [Row],
}

/// Codes of ICD-10-CM that share a code of ICD-9-CM.
#[derive(Debug, Default)]
struct Equivalents<'a> {
    /// From ICD-10-CM to ICD-9-CM, or the other way round: both stand in one table, and their codes do not look alike but for E and V.
    targets: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Equivalents<'a> {
    fn new(gems: &'a [Row]) -> Self {
        let mut targets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for mapping in gems.iter().filter(|mapping| !mapping[1].is_empty() && mapping[4] == "0") {
            targets.entry(&mapping[0]).or_default().push(&mapping[1]);
        }
        Self { targets }
    }

    /// The billable codes behind the ICD-9-CM codes of a code, at most [`MOST_EQUIVALENTS`].
    fn of(&self, code: &str, newest: &CodeBook) -> Vec<String> {
        let of = |code: &str| self.targets.get(code).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<String> = Vec::new();
        for back in of(code).iter().flat_map(|ninth| of(ninth)).filter(|back| newest.is_billable(back)) {
            if !found.iter().any(|known| known == back) && found.len() < MOST_EQUIVALENTS {
                found.push((*back).to_owned());
            }
        }
        found
    }
}

/// More codes behind one of ICD-9-CM say too little.
const MOST_EQUIVALENTS: usize = 5;

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
        let oldest = book(&["D00\t1\tRenumbered", "E00\t1\tOf the ninth"]);
        let newest = book(&[
            "A04.7\t0\tC. diff",
            "A04.71\t1\tC. diff, recurrent",
            "A04.72\t1\tC. diff, unspecified",
            "C00\t1\tStays",
            "D10\t1\trenumbered",
            "F00\t1\tEquivalent",
        ]);
        let gems = [["E00", "240.0"], ["240.0", "F00"], ["240.0", "G00"], ["B00", ""]]
            .map(|[source, target]| row([source, target, "1", "0", "0", "0", "0"]));
        let conversions = [row(["X00", "A04.7", "2017-10-01"]), row(["C00", "A04.71", ""]), row(["Y00", "Y01", ""])];
        let retired = Retired::new(&Named { conversions: &conversions, gems: &gems }, &[&older, &oldest], &newest);
        let seen: Vec<String> = retired.rows().iter().map(|row| row.join(";")).collect();
        assert_eq!(seen, ["A04.7;A04.72|A04.71", "B00;", "D00;D10", "E00;F00", "X00;A04.71|A04.72", "Y00;"]);
        assert_eq!((retired.len(), retired.replacing("C00").len()), (6, 0));
    }
}
