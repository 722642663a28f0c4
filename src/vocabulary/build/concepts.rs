//! Terms of other terminologies that lead to ICD-10-CM: SNOMED CT through its map, UMLS through shared concepts, FHIR by the code itself.
//!
//! These releases are large. Their rows come one after the other, and only what is needed is held.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    editions::Editions,
    forms,
    terms::{Claim, MOST_CODES, Source},
};
use crate::{domain::system, releases::terminologies::name_and_tag};

/// Semantic tags of SNOMED CT whose concepts are conditions. A situation may be one that is absent or that a relative has.
const CONDITIONS: [&str; 5] = ["disorder", "finding", "event", "morphologic abnormality", ""];

/// Codes of the concepts whose map is unconditional.
#[derive(Debug, Default)]
pub(super) struct SnomedMaps {
    concepts: HashMap<String, Mapped>,
}

#[derive(Debug)]
struct Mapped {
    group: String,
    in_one_group: bool,
    code: Option<String>,
}

impl SnomedMaps {
    /// Takes a row of the map: `code`, `target`, `group`, `priority`, `rule`, `advice`.
    pub(super) fn map(&mut self, cells: &[&str], editions: &Editions) {
        let &[concept, target, group, _, rule, _] = cells else { return };
        let mapped = self.concepts.entry(concept.to_owned()).or_insert_with(|| Mapped {
            group: group.to_owned(),
            in_one_group: true,
            code: None,
        });
        mapped.in_one_group &= mapped.group == group;
        if matches!(rule, "TRUE" | "OTHERWISE TRUE") {
            mapped.code = target_code(target, editions);
        }
    }

    /// The claims of a row of the concepts: `system`, `code`, `term`, `preferred`, `semantic_tag`, `case_sensitive`.
    pub(super) fn claim(&self, cells: &[&str]) -> Option<(Preference, Claim)> {
        let &[system, concept, term, preferred, tag, case_sensitive] = cells else { return None };
        let mapped = self.concepts.get(concept).filter(|mapped| mapped.in_one_group && system == system::SNOMED)?;
        let codes = vec![mapped.code.clone()?];
        let claim = claim_of((term, case_sensitive), codes, Source::SnomedMap).filter(|_| CONDITIONS.contains(&tag))?;
        Some((if preferred == "1" { Preference::Preferred } else { Preference::Other }, claim))
    }
}

/// Whether a term is the preferred one of its concept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Preference {
    /// It is.
    Preferred,
    /// It is a synonym.
    Other,
}

/// A target of the map, when it is billable; one that leaves its last character open (`S72.001?`) is the initial encounter.
fn target_code(target: &str, editions: &Editions) -> Option<String> {
    let found = if target.ends_with('?') { editions.leaf(target)? } else { target };
    (editions.is_billable(found) && is_condition(found, editions)).then(|| found.to_owned())
}

/// Codes of the concepts of the UMLS that ICD-10-CM has.
#[derive(Debug, Default)]
pub(super) struct UmlsConcepts {
    codes: HashMap<String, BTreeSet<(Above, String)>>,
}

/// Whether a code is above the leaves, so that its default leaf stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Above {
    Leaf,
    Heading,
}

impl UmlsConcepts {
    /// Takes a row for its code: `cui`, `source`, `code`, `term`, `term_type`, `semantic_types`, `case_sensitive`.
    pub(super) fn code(&mut self, cells: &[&str], editions: &Editions) {
        let &[cui, "ICD10CM", code, ..] = cells else { return };
        let Some(leaf) = editions.leaf(code).filter(|leaf| is_condition(leaf, editions)) else { return };
        let above = if leaf == code { Above::Leaf } else { Above::Heading };
        self.codes.entry(cui.to_owned()).or_default().insert((above, leaf.to_owned()));
    }

    /// The claim of a row.
    pub(super) fn claim(&self, cells: &[&str]) -> Option<Claim> {
        let &[cui, _, _, term, _, _, case_sensitive] = cells else { return None };
        let mut codes: Vec<String> = Vec::new();
        for (_, code) in self.codes.get(cui)? {
            if !codes.contains(code) && codes.len() < MOST_CODES {
                codes.push(code.clone());
            }
        }
        claim_of((name_and_tag(term).0, case_sensitive), codes, Source::Umls)
    }
}

/// The claim of a concept of FHIR; only those of ICD-10-CM have one.
pub(super) fn fhir_claim(cells: &[&str], editions: &Editions) -> Option<Claim> {
    let &[system::ICD10CM, code, term, _, _, case_sensitive] = cells else { return None };
    let leaf = editions.leaf(code).filter(|leaf| is_condition(leaf, editions))?;
    claim_of((term, case_sensitive), vec![leaf.to_owned()], Source::Fhir)
}

fn is_condition(code: &str, editions: &Editions) -> bool {
    let known = editions.all().find_map(|edition| edition.book.lookup(code));
    known.is_some_and(|code| forms::names_a_condition(&code.code, &code.title))
}

fn claim_of((term, case_sensitive): (&str, &str), codes: Vec<String>, source: Source) -> Option<Claim> {
    let (term, case_sensitive) = (term.trim(), case_sensitive == "1");
    let is_term = !is_abbreviation(term) && forms::is_sound(&term.to_lowercase());
    is_term.then(|| Claim { term: term.to_owned(), codes, source, case_sensitive })
}

/// A single short word, or one in capitals: abbreviations are a table of their own, with what guards them.
fn is_abbreviation(term: &str) -> bool {
    !term.contains(' ') && (term.chars().count() < 4 || !term.chars().any(char::is_lowercase))
}

/// Claims with the preferred terms first.
#[derive(Debug, Default)]
pub(super) struct ByPreference {
    claims: BTreeMap<Preference, Vec<Claim>>,
}

impl ByPreference {
    /// Adds a claim.
    pub(super) fn add(&mut self, (preference, claim): (Preference, Claim)) {
        self.claims.entry(preference).or_default().push(claim);
    }

    /// The claims, the preferred terms first.
    pub(super) fn into_claims(self) -> impl Iterator<Item = Claim> {
        self.claims.into_values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_known() {
        for term in ["COPD", "MS", "flu", "G6PD", "II"] {
            assert!(is_abbreviation(term), "{term}");
        }
        assert!(!is_abbreviation("Asthma") && !is_abbreviation("Crohn disease"));
    }
}
