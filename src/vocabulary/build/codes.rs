//! Rules of the code table and of what stands beside it: codes, notes, changes by addenda, payment categories.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Row, row};
use crate::{releases::Table, vocabulary::CodeBook};

/// Every category and code.
pub(super) const CODES: Table = Table { name: "icd10cm.tsv", columns: &["code", "billable", "title"] };
/// What the tabular list says at a code; blocks and chapters have their range as code.
pub(super) const NOTES: Table = Table { name: "icd10cm_notes.tsv", columns: &["code", "kind", "note"] };
/// Payment categories of CMS.
pub(super) const HCC: Table = Table { name: "hcc.tsv", columns: &["code", "v24", "v28"] };

/// Codes that need no present-on-admission indicator.
pub(super) const POA_EXEMPT: Table = Table { name: "poa_exempt.tsv", columns: &["code"] };
/// Complications or comorbidities, and major ones.
pub(super) const CC_MCC: Table = Table { name: "cc_mcc.tsv", columns: &["code", "level"] };

/// Codes that fit one sex or some ages only.
pub(super) const LIMITS: Table = Table {
    name: "code_limits.tsv",
    columns: &["prefix", "sex", "youngest_years", "oldest_years", "youngest_days", "oldest_days", "severity", "reason"],
};

/// Kinds of notes in the order in which they stand at a code.
const NOTE_KINDS: [&str; 9] = [
    "inclusion",
    "includes",
    "excludes1",
    "excludes2",
    "code_first",
    "use_additional_code",
    "code_also",
    "seventh_character",
    "note",
];

/// Codes in their order.
pub(super) fn sorted_codes(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|one, other| one[0].cmp(&other[0]));
    rows
}

/// Notes by code, then by kind; those of one kind stay in the order of the release.
pub(super) fn sorted_notes(mut rows: Vec<Row>) -> Vec<Row> {
    let place = |kind: &str| NOTE_KINDS.iter().position(|known| *known == kind).unwrap_or(NOTE_KINDS.len());
    rows.sort_by(|one, other| one[0].cmp(&other[0]).then_with(|| place(&one[1]).cmp(&place(&other[1]))));
    rows
}

/// The codes with the changes of addenda (`change`, `code`, `billable`, `title`, `former_title`). A deleted code with codes below it stays
/// as a heading, and a code that gets codes below it becomes one.
pub(super) fn with_changes(codes: &[Row], changes: &[Row]) -> Vec<Row> {
    let mut edition: BTreeMap<&str, (bool, &str)> =
        codes.iter().map(|row| (row[0].as_str(), (row[1] == "1", row[2].as_str()))).collect();
    let of_kind = |kind: &'static str| changes.iter().filter(move |change| change[0] == kind);
    let mut deleted: BTreeSet<&str> = of_kind("delete").map(|change| change[1].as_str()).collect();
    for change in of_kind("revise").chain(of_kind("add")) {
        let (code, title) = (change[1].as_str(), change[3].as_str());
        let before = edition.get(code).filter(|_| change[0] == "revise").is_none_or(|(billable, _)| *billable);
        let billable = if change[2].is_empty() { before } else { change[2] == "1" };
        edition.insert(code, (billable, title));
        deleted.remove(code);
    }
    // deepest first, so that a heading whose codes all go is one that goes
    for code in deleted.into_iter().rev() {
        if has_codes_below(&edition, code) {
            edition.entry(code).and_modify(|(billable, _)| *billable = false);
        } else {
            edition.remove(code);
        }
    }
    let headings: Vec<&str> = edition.keys().copied().filter(|code| has_codes_below(&edition, code)).collect();
    for heading in headings {
        edition.entry(heading).and_modify(|(billable, _)| *billable = false);
    }
    edition.into_iter().map(|(code, (billable, title))| row([code, if billable { "1" } else { "0" }, title])).collect()
}

fn has_codes_below(edition: &BTreeMap<&str, (bool, &str)>, code: &str) -> bool {
    use std::ops::Bound::{Excluded, Unbounded};
    edition.range::<str, _>((Excluded(code), Unbounded)).next().is_some_and(|(next, _)| next.starts_with(code))
}

/// Notes for an edition that comes without its own: those of its codes, of blocks and of chapters.
pub(super) fn carried_notes(notes: &[Row], book: &CodeBook) -> Vec<Row> {
    notes.iter().filter(|note| note[0].contains('-') || book.lookup(&note[0]).is_some()).cloned().collect()
}

/// How an edition differs from the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Codes that are billable now and were not.
    pub added: usize,
    /// Codes that were billable and are not.
    pub retired: usize,
    /// Codes with another title.
    pub renamed: usize,
}

/// Compares the billable codes of two editions.
pub(super) fn compare(older: &CodeBook, newer: &CodeBook) -> Compared {
    let billable = |book: &'_ CodeBook, other: &CodeBook| {
        book.all().iter().filter(|code| code.billable && !other.is_billable(&code.code)).count()
    };
    let renamed = |code: &&crate::vocabulary::Code| older.is_billable(&code.code) && older.title(&code.code) != code.title;
    Compared {
        added: billable(newer, older),
        retired: billable(older, newer),
        renamed: newer.all().iter().filter(|code| code.billable).filter(renamed).count(),
    }
}

/// Categories of the billable codes. A version that the release does not have is kept from the embedded table, which the sentence
/// says.
pub(super) fn hcc(release: &[Row], embedded: &[Row], is_billable: impl Fn(&str) -> bool) -> (Vec<Row>, Vec<String>) {
    const VERSIONS: [&str; 2] = ["V24", "V28"];
    let mut codes: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    let mut notes = Vec::new();
    for (place, version) in VERSIONS.into_iter().enumerate() {
        let mut found = release.iter().filter(|row| row[1] == version).map(|row| (row[0].as_str(), row[2].as_str())).peekable();
        if found.peek().is_some() {
            found.for_each(|(code, category)| codes.entry(code).or_default()[place].push(category));
        } else {
            notes.push(format!("hcc.tsv: the release has no categories of {version}; those of the program stay"));
            let kept = embedded.iter().filter(|row| !row[place + 1].is_empty());
            kept.for_each(|row| codes.entry(&row[0]).or_default()[place].push(&row[place + 1]));
        }
    }
    codes.retain(|code, _| is_billable(code));
    let rows = codes.into_iter().map(|(code, [v24, v28])| row([code, &v24.join("|"), &v28.join("|")])).collect();
    (rows, notes)
}

/// The limits of which the newest edition has codes: one of a code that is gone would stop the start. None when all stay.
pub(super) fn limits(own: &[Row], newest: &CodeBook) -> Option<Vec<Row>> {
    let has_codes = |row: &&Row| match row[0].split_once('-') {
        Some((first, last)) => {
            let within = |code: &str| code >= first && (code <= last || code.starts_with(last));
            newest.all().iter().any(|code| within(&code.code))
        }
        None => newest.starting_with(&row[0]).next().is_some(),
    };
    let kept: Vec<Row> = own.iter().filter(has_codes).cloned().collect();
    (kept.len() < own.len()).then_some(kept)
}

/// A list of codes, sorted, each row once; codes that no loaded edition has as billable are left out, which the sentence says.
pub(super) fn listed(table: Table, mut rows: Vec<Row>, is_billable: impl Fn(&str) -> bool) -> (Vec<Row>, Vec<String>) {
    let all = rows.len();
    rows.retain(|row| is_billable(&row[0]));
    let gone = all - rows.len();
    rows.sort();
    rows.dedup();
    let note = || format!("{}: {gone} codes were left out; no loaded edition has them as billable", table.name);
    (rows, (gone > 0).then(note).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[&str]) -> Vec<Row> {
        lines.iter().map(|line| line.split(';').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn addenda_make_headings_and_take_what_has_nothing_below_it() {
        let codes = rows(&["A04;0;Other", "A04.7;1;C. diff", "A05;0;Poisoning", "A05.0;1;Staph", "A92.3;1;West Nile virus"]);
        let changes = rows(&[
            "add;A04.71;1;C. diff, recurrent;",
            "add;A04.72;;C. diff, first;",
            "delete;A04.7;1;C. diff;",
            "delete;A05;0;Poisoning;",
            "delete;A05.0;1;Staph;",
            "revise;A92.3;;West Nile virus infection;West Nile virus",
        ]);
        assert_eq!(
            with_changes(&codes, &changes),
            rows(&[
                "A04;0;Other",
                "A04.7;0;C. diff",
                "A04.71;1;C. diff, recurrent",
                "A04.72;1;C. diff, first",
                "A92.3;1;West Nile virus infection"
            ])
        );
        assert_eq!(with_changes(&codes, &[]), codes);
    }

    #[test]
    fn a_code_that_is_deleted_and_added_again_is_what_is_added() {
        let codes = rows(&["A04.7;1;C. diff"]);
        let changes = rows(&["delete;A04.7;1;C. diff;", "add;A04.7;0;C. difficile;"]);
        assert_eq!(with_changes(&codes, &changes), rows(&["A04.7;0;C. difficile"]));
    }

    #[test]
    fn limits_of_codes_that_are_gone_go() {
        let newest = CodeBook::parse((
            "icd10cm.tsv",
            "code\tbillable\ttitle\nA18.1\t0\tTuberculosis\nA18.14\t1\tProstate\nO9A.1\t1\tOther\n",
        ));
        let own = rows(&["A18.14;M", "A18.15;M", "O00-O9A;F", "P00-P96;"]);
        let newest = newest.expect("a book");
        assert_eq!(limits(&own, &newest), Some(rows(&["A18.14;M", "O00-O9A;F"])));
        assert_eq!(limits(&rows(&["A18;M"]), &newest), None);
    }

    #[test]
    fn categories_are_joined_and_a_missing_version_stays() {
        let release = rows(&["B20;V28;1", "B37.7;V28;2", "B37.7;V28;6", "Z99;V28;7"]);
        let (made, notes) = hcc(&release, &rows(&["A01.03;115;", "B20;1;9"]), |code| code != "Z99");
        assert_eq!(made, rows(&["A01.03;115;", "B20;1;1", "B37.7;;2|6"]));
        assert!(notes[0].contains("V24") && notes.len() == 1);
    }

    #[test]
    fn notes_stand_by_code_and_kind() {
        let notes = rows(&["B20;note;n", "B20-B20;note;block", "B20;inclusion;b", "B20;inclusion;a", "A00;excludes1;x"]);
        let sorted = sorted_notes(notes);
        let seen: Vec<String> = sorted.iter().map(|row| row.join(";")).collect();
        assert_eq!(seen, ["A00;excludes1;x", "B20;inclusion;b", "B20;inclusion;a", "B20;note;n", "B20-B20;note;block"]);
    }
}
