//! `index.tsv`: the Alphabetic Index.

use super::{
    editions::leaf,
    rows::{Row, row},
};
use crate::{
    releases::Table,
    vocabulary::{CodeBook, alphabetic_index::CONNECTIVES, normalize_term},
};

/// Paths of the index with their codes; a stem ends with `-`.
pub(super) const INDEX: Table = Table { name: "index.tsv", columns: &["path", "nonessential", "code", "manifestation", "see"] };

/// The rows of the official index (`path`, `nonessential`, `code`, `manifestation`, `see`, `see_also`), and sentences about what was
/// left out: external causes, codes of which the newest edition has no leaf, and terms that lead nowhere.
pub(super) fn rows(release: &[Row], newest: &CodeBook) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut gone, mut external) = (Vec::new(), 0, 0);
    for term in release {
        let [path, nonessential, codes, manifestations, see, _] = term.as_slice() else { continue };
        if codes.starts_with(['V', 'W', 'X', 'Y']) {
            external += 1;
            continue;
        }
        let code = first_known(codes, newest);
        let manifestation = first_known(manifestations, newest);
        let lost = |written: &String, found: &Option<String>| usize::from(!written.is_empty() && found.is_none());
        gone += lost(codes, &code) + lost(manifestations, &manifestation);
        // a manifestation is never coded alone
        let manifestation = manifestation.filter(|_| code.is_some()).unwrap_or_default();
        let (code, see) = (code.unwrap_or_default(), see.split('|').next().unwrap_or_default());
        if says_something(path) && !(code.is_empty() && see.is_empty()) {
            rows.push(row([path, nonessential, &code, &manifestation, see]));
        }
    }
    let mut notes = Vec::new();
    if gone > 0 {
        notes.push(format!("index.tsv: {gone} codes were left out; the newest edition has no billable code for them"));
    }
    if external > 0 {
        notes.push(format!("index.tsv: {external} terms of external causes were left out"));
    }
    (rows, notes)
}

/// The first of the codes that has a leaf: as it is when it is billable, else as a stem.
fn first_known(codes: &str, newest: &CodeBook) -> Option<String> {
    codes
        .split('|')
        .filter(|code| leaf(newest, code).is_some())
        .map(|code| {
            let stem = code.trim_end_matches('-').trim_end_matches('.');
            if newest.is_billable(stem) { stem.to_owned() } else { format!("{stem}-") }
        })
        .next()
}

fn says_something(path: &str) -> bool {
    normalize_term(path).split(' ').any(|word| !word.is_empty() && !CONNECTIVES.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_leaf_and_terms_lead_somewhere() {
        let text = "code\tbillable\ttitle\nF44.4\t1\tConversion disorder\nH93.29\t0\tAbnormal auditory\nH93.291\t1\tRight\nI10\t1\tHypertension\n";
        let newest = CodeBook::parse(("icd10cm.tsv", text)).expect("a book");
        let release: Vec<Row> = [
            "Abasia;-astasia|hysterical;F44.4;;;",
            "Auditory;;H93.29-;;;",
            "Auditory > heading;;H93.29;;;",
            "Two;;Q00|I10;;;",
            "Gone;;Q00.0;;;",
            "Fall;;W19;;;",
            "Retained;;;;Retention, urine;also",
            "Condition;;;;Disease;",
            "Only also;;;;;Other",
            "Gone pair;;Q00;F44.4;;",
            "Pair;;I10;F44.4;;",
        ]
        .iter()
        .map(|line| line.split(';').map(str::to_owned).collect())
        .collect();
        let (made, notes) = rows(&release, &newest);
        let seen: Vec<String> = made.iter().map(|row| row.join(";")).collect();
        assert_eq!(
            seen,
            [
                "Abasia;-astasia|hysterical;F44.4;;",
                "Auditory;;H93.29-;;",
                "Auditory > heading;;H93.29-;;",
                "Two;;I10;;",
                "Retained;;;;Retention, urine",
                "Pair;;I10;F44.4;",
            ]
        );
        assert!(notes[0].contains("2 codes") && notes[1].contains("1 terms"), "{notes:?}");
    }
}
