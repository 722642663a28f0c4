//! Medications, drug classes, clinical drugs and allergens.

use std::collections::HashSet;

use super::{TermRef, tables::Tables, terms::TermsBuilder};
use crate::domain::table::{self, TableError};

/// How much a medication name must prove before it is taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseGuard {
    /// Nothing.
    None,
    /// An ordinary English word too: capitalised, or with a dose, or in a medication list.
    Word,
    /// Mostly a laboratory value or body substance: with a dose or in a medication list only.
    Analyte,
}

/// A medication term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medication {
    /// The term as its table has it.
    pub term: String,
    /// RxCUIs of its active ingredients.
    pub ingredients: Vec<String>,
    /// Ingredient names joined by `+`.
    pub display: String,
    /// RxCUI of the brand, when it is one.
    pub brand: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// How much it must prove.
    pub guard: CaseGuard,
}

/// A drug class term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrugClass {
    /// The term.
    pub term: String,
    /// The class it names.
    pub class: String,
    /// RxCUIs of its members, where they matter.
    pub members: HashSet<String>,
    /// Name shown.
    pub display: String,
    /// Where it comes from.
    pub source: &'static str,
}

/// A clinical drug (SCD or SBD).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicalDrug {
    /// RxCUI.
    pub rxcui: String,
    /// Name.
    pub name: String,
    /// RxCUIs of its ingredients.
    pub ingredients: Vec<String>,
    /// RxCUI of the brand; none for a generic.
    pub brand: Option<String>,
    /// Strength, for example `10 MG`.
    pub strength: String,
    /// Dose form, for example `Oral Tablet`.
    pub form: String,
}

/// An allergen that is no drug, or a class of drugs as a SNOMED CT substance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allergen {
    /// The term.
    pub term: String,
    /// Code system URI; empty when no code is known.
    pub system: String,
    /// The code.
    pub code: String,
    /// Its name.
    pub display: String,
    /// `food`, `medication`, `environment`, `biologic` or `other`.
    pub category: String,
    /// Where it comes from.
    pub source: &'static str,
}

fn list(text: &str) -> Vec<String> {
    text.split('|').map(str::trim).filter(|part| !part.is_empty() && *part != "-").map(str::to_owned).collect()
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A site's own names of medications, whose codes are RxCUIs of ingredients; they go before all others.
fn site_medications(tables: &Tables) -> Result<Vec<Medication>, TableError> {
    let mut found: Vec<Medication> = Vec::new();
    let (name, text) = tables.get("site_terms.tsv")?;
    table::read(name, text, |row| {
        if row.get("kind")? == "medication" {
            let first = row.get("codes")?.split('|').next().unwrap_or_default();
            found.push(Medication {
                term: row.get("term")?.to_owned(),
                ingredients: first.split('+').map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned).collect(),
                display: String::new(),
                brand: None,
                source: "site".to_owned(),
                guard: CaseGuard::None,
            });
        }
        Ok(())
    })?;
    if found.is_empty() {
        return Ok(found);
    }
    let mut names: std::collections::HashMap<String, String> = std::collections::HashMap::new();
    let (name, text) = tables.get("medications.tsv")?;
    table::read(name, text, |row| {
        if row.get("kind")? == "ingredient" {
            names.entry(row.get("ingredients")?.to_owned()).or_insert(row.get("display")?.to_owned());
        }
        Ok(())
    })?;
    for medication in &mut found {
        let named: Vec<String> = medication.ingredients.iter().map(|code| names.get(code).unwrap_or(code).clone()).collect();
        medication.display = named.join("+");
    }
    Ok(found)
}

pub(super) fn load_medications(
    tables: &Tables,
    terms: &mut TermsBuilder,
) -> Result<(Vec<Medication>, Vec<DrugClass>), TableError> {
    let mut stopped = HashSet::new();
    let (name, text) = tables.get("stop_terms.tsv")?;
    table::read(name, text, |row| {
        if row.get("kind")? == "medication" {
            stopped.insert(super::normalize_term(row.get("term")?));
        }
        Ok(())
    })?;
    let mut medications = site_medications(tables)?;
    for (at, medication) in medications.iter().enumerate() {
        terms.add(&medication.term, TermRef::Medication(index(at)));
    }
    let (name, text) = tables.get("everyday_medications.tsv")?;
    table::read(name, text, |row| {
        terms.add(row.get("term")?, TermRef::Medication(index(medications.len())));
        medications.push(Medication {
            term: row.get("term")?.to_owned(),
            ingredients: list(row.get("ingredients")?),
            display: row.get("display")?.to_owned(),
            brand: None,
            source: "everyday".to_owned(),
            guard: CaseGuard::None,
        });
        Ok(())
    })?;
    let (name, text) = tables.get("medications.tsv")?;
    table::read(name, text, |row| {
        let term = row.get("term")?;
        if stopped.contains(&super::normalize_term(term)) {
            return Ok(());
        }
        terms.add(term, TermRef::Medication(index(medications.len())));
        medications.push(Medication {
            term: term.to_owned(),
            ingredients: list(row.get("ingredients")?),
            display: row.get("display")?.to_owned(),
            brand: Some(row.get("brand_rxcui")?.to_owned()).filter(|brand| !brand.is_empty()),
            source: row.get("source")?.to_owned(),
            guard: match row.get("case_guard")? {
                "1" => CaseGuard::Word,
                "2" => CaseGuard::Analyte,
                _ => CaseGuard::None,
            },
        });
        Ok(())
    })?;
    let mut classes = Vec::new();
    let (name, text) = tables.get("drug_classes.tsv")?;
    table::read(name, text, |row| {
        terms.add(row.get("term")?, TermRef::Class(index(classes.len())));
        classes.push(DrugClass {
            term: row.get("term")?.to_owned(),
            class: row.get("class")?.to_owned(),
            members: list(row.get("rxcuis")?).into_iter().collect(),
            display: row.get("display")?.to_owned(),
            source: "own",
        });
        Ok(())
    })?;
    Ok((medications, classes))
}

pub(super) fn load_allergens(tables: &Tables, terms: &mut TermsBuilder) -> Result<Vec<Allergen>, TableError> {
    let mut allergens = Vec::new();
    for (table_name, source) in [("allergens.tsv", "own"), ("allergen_concepts.tsv", "snomed")] {
        let (name, text) = tables.get(table_name)?;
        table::read(name, text, |row| {
            terms.add(row.get("term")?, TermRef::Allergen(index(allergens.len())));
            allergens.push(Allergen {
                term: row.get("term")?.to_owned(),
                system: row.get("system")?.to_owned(),
                code: row.get("code")?.to_owned(),
                display: row.get("display")?.to_owned(),
                category: row.get("category")?.to_owned(),
                source,
            });
            Ok(())
        })?;
    }
    Ok(allergens)
}

pub(super) fn load_clinical_drugs(tables: &Tables) -> Result<Vec<ClinicalDrug>, TableError> {
    let mut drugs = Vec::with_capacity(20_000);
    let (name, text) = tables.get("clinical_drugs.tsv")?;
    table::read(name, text, |row| {
        let mut ingredients = list(row.get("ingredients")?);
        ingredients.sort_unstable();
        drugs.push(ClinicalDrug {
            rxcui: row.get("rxcui")?.to_owned(),
            name: row.get("name")?.to_owned(),
            ingredients,
            brand: Some(row.get("brand_rxcui")?.to_owned()).filter(|brand| !brand.is_empty()),
            strength: row.get("strength")?.to_owned(),
            form: row.get("form")?.to_owned(),
        });
        Ok(())
    })?;
    drugs.sort_by(|left, right| left.ingredients.cmp(&right.ingredients));
    Ok(drugs)
}

pub(super) fn load_unii(tables: &Tables) -> Result<std::collections::HashMap<String, String>, TableError> {
    let mut unii = std::collections::HashMap::new();
    let (name, text) = tables.get("unii.tsv")?;
    table::read(name, text, |row| {
        unii.insert(row.get("rxcui")?.to_owned(), row.get("unii")?.to_owned());
        Ok(())
    })?;
    Ok(unii)
}
