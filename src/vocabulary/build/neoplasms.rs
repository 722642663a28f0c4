//! The Table of Neoplasms in natural words.

use super::{
    editions::Editions,
    rows::Row,
    terms::{Claim, Source},
};
use crate::vocabulary::CodeBook;

/// How a neoplasm of a site is said, for each column behind the path; `{}` is the site.
const WORDS: [&[&str]; 6] = [
    &["malignant neoplasm of {}", "{} cancer", "cancer of {}", "carcinoma of {}"],
    &["metastasis to {}", "{} metastasis", "secondary malignant neoplasm of {}"],
    &["carcinoma in situ of {}"],
    &["benign neoplasm of {}"],
    &["neoplasm of {} of uncertain behavior"],
    &["{} tumor"],
];

/// Words in a title that say that it is no site by itself.
const NO_SITE: [&str; 8] = ["see", "specified", "overlapping", "contiguous", "and", "or", "unspecified", "site"];

/// Claims of the rows (`path`, six columns of codes, `see`); sites below a part of a site say too little.
pub(super) fn claims(rows: &[Row], editions: &Editions) -> Vec<Claim> {
    let mut claims = Vec::new();
    for row in rows {
        let sites = sites(&row[0]);
        // "accessory sinus: see Neoplasm, sinus" has the codes of that site
        let led_to = if row[1..7].iter().all(String::is_empty) { target(rows, &row[7]).unwrap_or(row) } else { row };
        for (words, written) in WORDS.iter().zip(&led_to[1..7]) {
            let Some(code) = site_code(editions, written) else { continue };
            for term in sites.iter().flat_map(|site| said(words, site)) {
                claims.push(Claim { term, codes: vec![code.to_owned()], source: Source::Neoplasms, case_sensitive: false });
            }
        }
    }
    claims
}

/// The billable code for what the table writes. Of a stem ("C79.8-") whose codes all name a site ("breast", "genital organs") it is the one
/// for other sites.
fn site_code<'a>(editions: &'a Editions, written: &str) -> Option<&'a str> {
    let leaf = editions.leaf(written)?;
    let Some(stem) = written.trim().strip_suffix('-') else { return Some(leaf) };
    let book = editions.all().map(|edition| &edition.book).find(|book| book.is_billable(leaf))?;
    other_site(book, stem.trim_end_matches('.'), leaf).or(Some(leaf))
}

fn other_site<'a>(book: &'a CodeBook, stem: &str, leaf: &str) -> Option<&'a str> {
    if book.title(leaf).to_lowercase().contains("unspecified") {
        return None;
    }
    let other = book.starting_with(stem).find(|code| code.billable && code.title.to_lowercase().contains("other specified"));
    other.map(|code| code.code.as_str())
}

/// The row of which every level is named by a part of the reference "Neoplasm, nerve, peripheral".
fn target<'a>(rows: &'a [Row], see: &str) -> Option<&'a Row> {
    let see = see.split('|').next().unwrap_or_default().to_lowercase();
    let parts: Vec<&str> = see.split(", ").collect();
    let names = |level: &str, part: &str| site_title(level).split(", ").any(|name| name == part);
    rows.iter().filter(|row| row[1..7].iter().any(|code| !code.is_empty())).find(|row| {
        let levels: Vec<&str> = row[0].split(" > ").collect();
        levels.len() == parts.len() && levels.iter().zip(&parts).all(|(level, part)| names(level, part))
    })
}

/// A neoplasm of a site: an adjective stands before the neoplasm, a site with "of" behind it.
fn said(words: &[&str], site: &str) -> impl Iterator<Item = String> {
    let (adjective, compound) = (is_adjective(site), site.contains(" of "));
    let fits = move |words: &&&str| if words.starts_with("{}") { !compound } else { !adjective };
    words.iter().filter(fits).map(|words| words.replace("{}", site)).collect::<Vec<_>>().into_iter()
}

fn is_adjective(site: &str) -> bool {
    !site.ends_with("canal") && ["al", "ic", "ar", "ous", "ior", "uterine"].iter().any(|ending| site.ends_with(ending))
}

/// The sites of "Neoplasm, neoplastic > abdomen, abdominal > wall": "abdomen wall", "wall of abdomen", "abdominal wall".
fn sites(path: &str) -> Vec<String> {
    let titles: Vec<String> = path.split(" > ").skip(1).map(site_title).collect();
    let says_no_site = |title: &String| {
        title.is_empty() || title.split([' ', ',']).any(|word| NO_SITE.contains(&word)) || title.contains(['(', '['])
    };
    if titles.iter().any(says_no_site) {
        return Vec::new();
    }
    match titles.as_slice() {
        [site] => site.split(", ").map(str::to_owned).collect(),
        [site, part] if !part.contains(',') => site.split(", ").flat_map(|site| part_of(site, part)).collect(),
        _ => Vec::new(),
    }
}

/// A title in lower case without the signs that refer to the notes of the table.
fn site_title(title: &str) -> String {
    let title = title.replace(['*', '#', '\u{25c6}'], "").to_lowercase();
    title.trim().trim_end_matches(" nos").to_owned()
}

fn part_of(site: &str, part: &str) -> Vec<String> {
    if is_adjective(part) {
        vec![format!("{part} {site}")]
    } else if is_adjective(site) {
        vec![format!("{site} {part}")]
    } else {
        vec![format!("{site} {part}"), format!("{part} of {site}")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjectives_stand_before_the_neoplasm() {
        let said = |site| said(WORDS[0], site).collect::<Vec<_>>();
        assert_eq!(said("abdominal"), ["abdominal cancer"]);
        assert_eq!(said("breast").len(), 4);
        assert_eq!(said("wall of abdomen").len(), 3);
    }

    #[test]
    fn a_stem_of_named_sites_is_the_other_one() {
        let text = "code\tbillable\ttitle\nC79.8\t0\tOther\nC79.81\t1\tSecondary malignant neoplasm of breast\nC79.89\t1\tSecondary \
            malignant neoplasm of other specified sites\nC79.00\t1\tOf unspecified kidney\n";
        let book = CodeBook::parse(("icd10cm.tsv", text)).expect("a book");
        assert_eq!(other_site(&book, "C79.8", "C79.81"), Some("C79.89"));
        assert_eq!(other_site(&book, "C79.0", "C79.00"), None);
    }

    #[test]
    fn references_have_the_codes_of_their_site() {
        let rows: Vec<Row> = [
            "Neoplasm, neoplastic > intestine, intestinal;C26.0;;;;;;",
            "Neoplasm, neoplastic > bowel;;;;;;;Neoplasm, intestine",
            "Neoplasm, neoplastic > loop;;;;;;;Neoplasm, loop",
        ]
        .iter()
        .map(|line| line.split(';').map(str::to_owned).collect())
        .collect();
        assert_eq!(target(&rows, &rows[1][7]), Some(&rows[0]));
        assert_eq!(target(&rows, &rows[2][7]), None);
    }

    #[test]
    fn sites_are_written_out() {
        assert_eq!(sites("Neoplasm, neoplastic > breast"), ["breast"]);
        assert_eq!(
            sites("Neoplasm, neoplastic > abdomen, abdominal > wall"),
            ["abdomen wall", "wall of abdomen", "abdominal wall"]
        );
        assert_eq!(sites("Neoplasm > aorta > abdominal"), ["abdominal aorta"]);
        assert_eq!(sites("Neoplasm > skin NOS* > anal canal"), ["skin anal canal", "anal canal of skin"]);
        for path in
            ["Neoplasm", "Neoplasm > a > b > c", "Neoplasm > bone > specified site", "Neoplasm > x and y", "Neoplasm > *"]
        {
            assert!(sites(path).is_empty(), "{path}");
        }
    }
}
