//! `icd9_gems.tsv`: from codes of ICD-9-CM to codes of ICD-10-CM, by the General Equivalence Mappings.

use std::collections::BTreeMap;

use super::{
    editions::leaf,
    retired::Retired,
    rows::{Row, row},
};
use crate::{releases::Table, vocabulary::CodeBook};

/// A code of ICD-9-CM with the codes of ICD-10-CM: alternatives by `|`, what stands together joined by `+`, empty where nothing
/// corresponds. `approximate` is 1 where no alternative means the very same.
pub(super) const NINTH: Table = Table { name: "icd9_gems.tsv", columns: &["icd9", "codes", "approximate"] };

/// So many alternatives a code has at most.
const MOST: usize = 30;

/// Choices of one scenario, by their list: one of each list stands in a combination.
type Lists<'a> = BTreeMap<&'a str, Vec<String>>;

/// The rows of the mappings from ICD-9-CM (`source`, `target`, `approximate`, `no_map`, `combination`, `scenario`, `choice`), and sentences
/// about what was left out. Codes that were retired since are forwarded.
pub(super) fn rows(gems: &[Row], newest: &CodeBook, retired: &Retired) -> (Vec<Row>, Vec<String>) {
    let mut found: BTreeMap<&str, (Vec<String>, bool)> = BTreeMap::new();
    let mut combined: BTreeMap<(&str, &str), Lists<'_>> = BTreeMap::new();
    let mut gone = 0;
    for mapping in gems.iter().filter(|mapping| is_ninth(mapping, newest, retired)) {
        let (alternatives, approximate) = found.entry(&mapping[0]).or_insert_with(|| (Vec::new(), true));
        *approximate &= mapping[2] == "1";
        if mapping[1].is_empty() {
            continue;
        }
        let codes = current(&mapping[1], newest, retired);
        gone += usize::from(codes.is_empty());
        if mapping[4] == "1" {
            combined.entry((&mapping[0], &mapping[5])).or_default().entry(&mapping[6]).or_default().extend(codes);
        } else {
            add(alternatives, codes);
        }
    }
    for ((code, _), lists) in combined {
        if let Some((alternatives, _)) = found.get_mut(code) {
            add(alternatives, combinations(&lists));
        }
    }
    let rows = found
        .into_iter()
        .map(|(code, (alternatives, approximate))| row([code, &alternatives.join("|"), if approximate { "1" } else { "0" }]));
    let note = || format!("{}: {gone} targets were left out; the newest edition has nothing for them", NINTH.name);
    (rows.collect(), (gone > 0).then(note).into_iter().collect())
}

/// Mappings of both directions stand in one table; a code that begins with a digit is of ICD-9-CM, and of E and V codes the target tells.
fn is_ninth(mapping: &Row, newest: &CodeBook, retired: &Retired) -> bool {
    let (source, target) = (mapping[0].as_str(), mapping[1].as_str());
    let digit_first = |code: &str| code.starts_with(|first: char| first.is_ascii_digit());
    let external = |code: &str| code.starts_with('E') && code.split('.').next().is_some_and(|stem| stem.len() == 4);
    digit_first(source)
        || external(source)
        || source.starts_with('V')
            && !digit_first(target)
            && !external(target)
            && !target.starts_with('V')
            && !newest.is_billable(source)
            && retired.replacing(source).is_empty()
}

fn current(code: &str, newest: &CodeBook, retired: &Retired) -> Vec<String> {
    if newest.is_billable(code) {
        return vec![code.to_owned()];
    }
    let replaced = retired.replacing(code);
    if replaced.is_empty() { leaf(newest, code).map(str::to_owned).into_iter().collect() } else { replaced.to_vec() }
}

fn combinations(lists: &Lists<'_>) -> Vec<String> {
    let mut made = vec![String::new()];
    for choices in lists.values() {
        let joined =
            |before: &String, choice: &String| if before.is_empty() { choice.clone() } else { format!("{before}+{choice}") };
        made = made.iter().flat_map(|before| choices.iter().map(move |choice| joined(before, choice))).take(MOST).collect();
    }
    made.retain(|codes| !codes.is_empty());
    made
}

fn add(alternatives: &mut Vec<String>, codes: Vec<String>) {
    for code in codes {
        if !alternatives.contains(&code) && alternatives.len() < MOST {
            alternatives.push(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_ninth_revision_lead_to_those_of_today() {
        let text = "code\tbillable\ttitle\nA00.0\t1\tCholera\nE11.9\t1\tDiabetes\nM54.50\t1\tLow back pain\nS12.000A\t1\tFracture\n\
            S14.101A\t1\tCord\nS14.102A\t1\tCord, C2\nZ20.811\t1\tContact\n";
        let newest = CodeBook::parse(("icd10cm.tsv", text)).expect("a book");
        let older = CodeBook::parse(("icd10cm.tsv", "code\tbillable\ttitle\nM54.5\t1\tLow back pain\n")).expect("a book");
        let retired = Retired::new(&Default::default(), &[&older], &newest);
        let gems: Vec<Row> = [
            "001.0;A00.0;0;0;0;0;0",
            "250.00;E11.9;1;0;0;0;0",
            "365.70;;1;1;0;0;0",
            "724.2;M54.5;1;0;0;0;0",
            "806.00;S12.000A;1;0;1;1;1",
            "806.00;S14.101A;1;0;1;1;2",
            "806.00;S14.102A;1;0;1;1;2",
            "999.9;T99.9;1;0;0;0;0",
            "V01.0;Z20.811;1;0;0;0;0",
            "A00.0;001.0;0;0;0;0;0",
            "V00.101A;E006.0;1;0;0;0;0",
        ]
        .iter()
        .map(|line| line.split(';').map(str::to_owned).collect())
        .collect();
        let (made, notes) = rows(&gems, &newest, &retired);
        let seen: Vec<String> = made.iter().map(|row| row.join(";")).collect();
        assert_eq!(
            seen,
            [
                "001.0;A00.0;0",
                "250.00;E11.9;1",
                "365.70;;1",
                "724.2;M54.50;1",
                "806.00;S12.000A+S14.101A|S12.000A+S14.102A;1",
                "999.9;;1",
                "V01.0;Z20.811;1",
            ]
        );
        assert!(notes[0].contains("1 targets"), "{notes:?}");
    }
}
