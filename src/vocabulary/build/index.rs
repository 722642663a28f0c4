//! `index.tsv`: the Alphabetic Index.

use super::{
    editions::leaf,
    retired::Retired,
    rows::{Row, row},
};
use crate::{
    releases::{Table, icd10cm::is_code_or_stem},
    vocabulary::{CodeBook, alphabetic_index::CONNECTIVES, normalize_term},
};

/// Paths of the index with their codes; a stem ends with `-`.
pub(super) const INDEX: Table = Table { name: "index.tsv", columns: &["path", "nonessential", "code", "manifestation", "see"] };

/// The rows of the official index (`path`, `nonessential`, `code`, `manifestation`, `see`, `see_also`), and sentences about what was
/// left out: external causes, codes of which the newest edition has no leaf, and terms that lead nowhere. A term without a code that sends
/// the reader to a category ("category I10", "code to S06.0-") has the code of that.
pub(super) fn rows(release: &[Row], newest: &CodeBook) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut gone, mut external) = (Vec::new(), 0, 0);
    for term in release {
        let [path, nonessential, codes, manifestations, see, see_also] = term.as_slice() else { continue };
        if codes.starts_with(['V', 'W', 'X', 'Y']) {
            external += 1;
            continue;
        }
        let (path, behind) = path.rsplit_once(" - code to ").map_or((path.as_str(), ""), |(path, behind)| (path, behind));
        let mut written = codes.clone();
        if written.is_empty() {
            let references = see.split('|').chain(see_also.split('|')).chain([behind]);
            written = references.filter_map(named_codes).collect::<Vec<_>>().join("|");
        }
        let code = first_known(&written, newest);
        let manifestation = first_known(manifestations, newest);
        let lost = |written: &String, found: &Option<String>| usize::from(!written.is_empty() && found.is_none());
        gone += lost(&written, &code) + lost(manifestations, &manifestation);
        // a manifestation is never coded alone
        let manifestation = manifestation.filter(|_| code.is_some()).unwrap_or_default();
        let see = see.split('|').find(|see| named_codes(see).is_none()).unwrap_or_default();
        let code = code.unwrap_or_default();
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

/// The codes, joined by `|`, of a reference that names nothing else: "category T71", "categories T17 and T18", "code to S06.0-".
fn named_codes(reference: &str) -> Option<String> {
    const AROUND: [&str; 12] =
        ["category", "categories", "subcategory", "subcategories", "code", "codes", "to", "and", "or", "also", "block", "see"];
    let words = reference.split([' ', ',', ';', '(', ')']).filter(|word| !word.is_empty());
    let mut codes: Vec<&str> = Vec::new();
    for word in words.filter(|word| !AROUND.contains(&word.to_lowercase().as_str())) {
        if !is_code_or_stem(word) {
            return None;
        }
        codes.push(word);
    }
    (!codes.is_empty()).then(|| codes.join("|"))
}

/// The rows of the program's own index for editions that it was not written for: a stem that the newest edition has no leaf for stands for
/// what replaced its codes, else the line goes. None when every line stays as it is.
pub(super) fn for_editions(own: &[Row], newest: &CodeBook, retired: &Retired) -> Option<Vec<Row>> {
    let mut changed = false;
    let mut kept = Vec::with_capacity(own.len());
    for line in own {
        let mut line = line.clone();
        for cell in [2, 3] {
            let Some(stem) = line[cell].strip_suffix('-').filter(|stem| newest.default_leaf(stem).is_none()) else { continue };
            changed = true;
            line[cell] = retired.replacing_below(stem).unwrap_or_default().to_owned();
        }
        if !(line[2].is_empty() && line[4].is_empty()) {
            kept.push(line);
        }
    }
    changed.then_some(kept)
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
            "Asphyxia;;;;category F44.4|Other term;",
            "Hearing;;;;;subcategory H93.29",
            "Pressure > high - code to I10;;;;;",
            "Lung - code to condition;;;;;",
            "Range;;;;categories H93-H95;",
            "Both;;;;categories Q00 and H93.29-;",
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
                "Asphyxia;;F44.4;;Other term",
                "Hearing;;H93.29-;;",
                "Pressure > high;;I10;;",
                "Range;;;;categories H93-H95",
                "Both;;H93.29-;;",
            ]
        );
        assert!(notes[0].contains("2 codes") && notes[1].contains("1 terms"), "{notes:?}");
    }

    #[test]
    fn the_own_index_follows_the_editions() {
        let older = CodeBook::parse(("icd10cm.tsv", "code\tbillable\ttitle\nA04\t0\tOther\nA04.7\t1\tC. diff\nB00\t1\tGone\n"))
            .expect("a book");
        let newest = CodeBook::parse(("icd10cm.tsv", "code\tbillable\ttitle\nA05.1\t1\tC. diff\n")).expect("a book");
        let retired = Retired::new(&Default::default(), &[&older], &newest);
        let own: Vec<Row> = ["Colitis;;A04-;;", "Gone;;B00-;;", "Gone too;;B00;;", "Sent;;;;Colitis"]
            .iter()
            .map(|line| line.split(';').map(str::to_owned).collect())
            .collect();
        let made = for_editions(&own, &newest, &retired).expect("changed");
        let seen: Vec<String> = made.iter().map(|row| row.join(";")).collect();
        assert_eq!(seen, ["Colitis;;A05.1;;", "Gone too;;B00;;", "Sent;;;;Colitis"]);
        assert_eq!(for_editions(&own[2..], &newest, &retired), None);
    }
}
