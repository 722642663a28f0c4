//! `site_terms.tsv`: a site's own terms, once their codes are known to be billable.

use super::rows::Row;

// places of the columns
const TERM: usize = 0;
const KIND: usize = 1;
const CODES: usize = 2;

/// Every code of a site term (`term`, `kind`, `codes`...) that is not billable, as "term: code"; those of medications are RxCUIs.
pub(super) fn wrong_codes(terms: &[Row], is_billable: impl Fn(&str) -> bool) -> Vec<String> {
    let diagnoses = terms.iter().filter(|term| term[KIND] != "medication");
    let codes = diagnoses.flat_map(|term| term[CODES].split(['|', '+']).map(move |code| (term, code.trim())));
    let wrong = codes.filter(|(_, code)| !code.is_empty() && !is_billable(code));
    wrong.map(|(term, code)| format!("{}: {code}", term[TERM])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_codes_are_named() {
        let terms: Vec<Row> =
            ["sugar;diagnosis;E11.22+N18.3|E11.9", "pill;medication;161", "zorv;abbreviation;Q00", "no;stop;"]
                .iter()
                .map(|line| line.split(';').map(str::to_owned).collect())
                .collect();
        let wrong = wrong_codes(&terms, |code| ["E11.22", "E11.9"].contains(&code));
        assert_eq!(wrong, ["sugar: N18.3", "zorv: Q00"]);
    }
}
