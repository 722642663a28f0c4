//! `site_terms.tsv`: a site's own terms, once their codes and ingredients are known. A row that is wrong is told and left out.

use std::collections::{BTreeSet, HashMap};

use super::rows::Row;
use crate::{releases::Table, vocabulary::normalize_term};

/// A site's own terms.
pub(super) const SITE_TERMS: Table =
    Table { name: "site_terms.tsv", columns: &["term", "kind", "codes", "expansion", "guard", "context", "case_sensitive"] };

// places of the columns
const TERM: usize = 0;
const KIND: usize = 1;
const CODES: usize = 2;
const EXPANSION: usize = 3;
/// Of the release table, behind the columns of ours.
const LINE: usize = 7;

/// The ingredients that are loaded, by RxCUI and by name.
#[derive(Debug)]
pub(super) struct Medications {
    rxcuis: BTreeSet<String>,
    by_name: HashMap<String, String>,
}

impl Medications {
    /// Of the rows of `medications.tsv` (`term`, `kind`, `ingredients`, ...).
    pub(super) fn new(rows: &[Row]) -> Self {
        let rxcuis = rows.iter().flat_map(|row| row[2].split('|')).map(str::to_owned).collect();
        let by_name = rows.iter().map(|row| (normalize_term(&row[0]), row[2].replace('|', "+"))).collect();
        Self { rxcuis, by_name }
    }

    /// RxCUIs, joined by `+`, of what a site writes for them: an RxCUI of an ingredient, or a name.
    fn ingredients(&self, written: &str) -> Result<String, String> {
        if written.bytes().all(|byte| byte.is_ascii_digit()) {
            let known = self.rxcuis.contains(written);
            let advice = "give RxCUIs of ingredients (such as 161), or their names";
            return if known {
                Ok(written.to_owned())
            } else {
                Err(format!("{written} is no ingredient of the RxNorm that is loaded; {advice}"))
            };
        }
        let found = self.by_name.get(&normalize_term(written)).cloned();
        found.ok_or_else(|| {
            format!("\"{written}\" is no name of a medication in the RxNorm that is loaded; give the RxCUIs of its ingredients")
        })
    }

    fn codes(&self, term: &Row) -> Result<String, String> {
        let written = if term[CODES].is_empty() { &term[EXPANSION] } else { &term[CODES] };
        let together = |alternative: &str| -> Result<String, String> {
            let found: Vec<String> =
                alternative.split('+').map(|one| self.ingredients(one.trim())).collect::<Result<_, _>>()?;
            Ok(found.join("+"))
        };
        Ok(written.split('|').map(together).collect::<Result<Vec<_>, _>>()?.join("|"))
    }
}

/// The rows of the table, and for every row that is wrong (its code is not billable, its ingredient is not loaded) its line and what to do.
pub(super) fn checked(terms: &[Row], is_billable: impl Fn(&str) -> bool, medications: &Medications) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for term in terms {
        let codes = if term[KIND] == "medication" { medications.codes(term) } else { diagnoses(&term[CODES], &is_billable) };
        match codes {
            Ok(codes) => {
                let mut row = term[..LINE].to_vec();
                row[CODES] = codes;
                rows.push(row);
            }
            Err(message) => errors.push(format!("site-terms, line {}: \"{}\" was left out: {message}", term[LINE], term[TERM])),
        }
    }
    (rows, errors)
}

fn diagnoses(codes: &str, is_billable: impl Fn(&str) -> bool) -> Result<String, String> {
    let wrong: Vec<&str> =
        codes.split(['|', '+']).map(str::trim).filter(|code| !code.is_empty() && !is_billable(code)).collect();
    if wrong.is_empty() {
        return Ok(codes.to_owned());
    }
    let wrong = wrong.join(", ");
    Err(format!(
        "{wrong} is not billable in any loaded edition; look for the code with `abstractor vocabulary search`, correct the line and import the terms again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_rows_are_told_and_the_rest_stays() {
        let medications = Medications::new(
            &["aspirin;ingredient;1191;aspirin", "percocet;brand;161|7804;acetaminophen+oxycodone"]
                .map(|line| line.split(';').map(str::to_owned).collect()),
        );
        let terms: Vec<Row> = [
            "sugar;diagnosis;E11.22+N18.3|E11.9;;any;;;2",
            "fine;diagnosis;E11.22|E11.9;;any;;1;3",
            "pill;medication;161;;any;;;4",
            "baby pill;medication;Aspirin;;any;;;5",
            "p;medication;;percocet;any;;;6",
            "unknown;medication;99;;any;;;7",
            "nonsense;medication;zorvanil+aspirin;;any;;;8",
            "no;stop;;;any;;;9",
        ]
        .iter()
        .map(|line| line.split(';').map(str::to_owned).collect())
        .collect();
        let (rows, errors) = checked(&terms, |code| ["E11.22", "E11.9"].contains(&code), &medications);
        let seen: Vec<String> = rows.iter().map(|row| row.join(";")).collect();
        assert_eq!(
            seen,
            [
                "fine;diagnosis;E11.22|E11.9;;any;;1",
                "pill;medication;161;;any;;",
                "baby pill;medication;1191;;any;;",
                "p;medication;161+7804;percocet;any;;",
                "no;stop;;;any;;",
            ]
        );
        for (error, wanted) in
            errors.iter().zip(["line 2: \"sugar\" was left out: N18.3", "line 7: \"unknown\"", "line 8: \"nonsense\""])
        {
            assert!(error.contains(wanted), "{error}");
        }
        assert_eq!(errors.len(), 3);
    }
}
