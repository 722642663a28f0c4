//! Runs the rules over the kept releases. A rule whose releases are not kept makes no table.

use std::collections::BTreeMap;

use super::{
    BuildError, Kind, Result,
    codes::{self, HCC},
    concepts::{ByPreference, SnomedMaps, UmlsConcepts, fhir_claim},
    drugs::{self, DRUG_POISONING},
    editions::{Editions, Origin},
    index::{self, INDEX},
    medications::{MEDICATIONS, Names, Uniis},
    neoplasms,
    retired::{RETIRED, Retired},
    rows::{Input, Made},
    site,
    sources::{self, SOURCES, Superseded},
    terms::{self, Claim, DIAGNOSIS_TERMS, STOP_TERMS, TermTable},
};
use crate::releases::{
    icd10cm::{conversion, drugs as drug_release, hcc as hcc_release, index as index_release, neoplasms as neoplasm_release},
    terminologies::{CONCEPTS, rxnorm, site_terms::SITE_TERMS, snomed_rf2, umls, unii::UNII_NAMES},
};

/// Everything that was made.
#[derive(Debug)]
pub(super) struct AllMade {
    /// The tables.
    pub tables: Vec<Made>,
    /// Sentences for the report.
    pub notes: Vec<String>,
}

/// Makes the tables.
pub(super) fn make(input: &Input<'_>) -> Result<AllMade> {
    let (editions, notes) = Editions::new(input)?;
    let mut making = Making { input, tables: Vec::new(), notes, from: BTreeMap::new(), superseded: Vec::new() };
    making.editions(&editions);
    let retired = making.retired(&editions)?;
    making.hcc(&editions)?;
    making.terms(&editions, &retired)?;
    making.index(&editions)?;
    making.drugs(&editions)?;
    making.medications()?;
    making.unii()?;
    making.site_terms(&editions)?;
    making.sources();
    Ok(AllMade { tables: making.tables, notes: making.notes })
}

struct Making<'a> {
    input: &'a Input<'a>,
    tables: Vec<Made>,
    notes: Vec<String>,
    /// Tables that hold something of a release.
    from: BTreeMap<Kind, Vec<String>>,
    superseded: Vec<Superseded>,
}

impl Making<'_> {
    fn add(&mut self, made: Made, kinds: &[Kind]) {
        for kind in kinds.iter().filter(|kind| self.input.kept(**kind).is_some()) {
            self.from.entry(*kind).or_default().push(made.name.clone());
        }
        self.tables.push(made);
    }

    fn editions(&mut self, editions: &Editions) {
        for (made, kind) in editions.tables() {
            self.add(made, kind.as_slice());
        }
        if editions.older.is_none() && editions.newest.origin == Origin::Imported(Kind::Icd10cmTabular) {
            self.superseded.extend([(sources::TABULAR, codes::CODES.name), (sources::TABULAR, codes::NOTES.name)]);
        }
    }

    fn retired(&mut self, editions: &Editions) -> Result<Retired> {
        let conversions = self.input.rows(Kind::Icd10cmConversion, conversion::CONVERSIONS)?;
        let older = editions.older.as_ref().map(|edition| &edition.book);
        let retired = Retired::new(&conversions, older, &editions.newest.book);
        if retired.len() > 0 {
            self.notes.push(format!("{}: {} codes are retired", RETIRED.name, retired.len()));
            let kinds: Vec<Kind> = editions.kinds().chain([Kind::Icd10cmConversion]).collect();
            self.add(Made::new(RETIRED, retired.rows()), &kinds);
        }
        Ok(retired)
    }

    fn hcc(&mut self, editions: &Editions) -> Result<()> {
        if self.input.kept(Kind::CmsHcc).is_none() {
            return Ok(());
        }
        let release = self.input.rows(Kind::CmsHcc, hcc_release::HCC)?;
        let (rows, notes) = codes::hcc(&release, &self.input.embedded(HCC)?, |code| editions.is_billable(code));
        if notes.is_empty() {
            self.superseded.push((sources::CMS_HCC, HCC.name));
        }
        self.notes.extend(notes);
        self.add(Made::new(HCC, rows), &[Kind::CmsHcc]);
        Ok(())
    }

    fn terms(&mut self, editions: &Editions, retired: &Retired) -> Result<()> {
        let given = [Kind::Icd10cmNeoplasms, Kind::SnomedRf2, Kind::Umls, Kind::Fhir];
        if !editions.changed() && given.iter().all(|kind| self.input.kept(*kind).is_none()) {
            return Ok(());
        }
        let (embedded, stopped) = (self.input.embedded(DIAGNOSIS_TERMS)?, self.input.embedded(STOP_TERMS)?);
        let mut table = TermTable::new(&embedded, &stopped, (editions, retired));
        if table.forwarded > 0 || table.dropped > 0 {
            let (forwarded, dropped) = (table.forwarded, table.dropped);
            let what = "terms of retired codes lead to their replacements now";
            self.notes.push(format!("{}: {forwarded} {what}, {dropped} were dropped", DIAGNOSIS_TERMS.name));
        }
        terms::of_new_codes(editions).into_iter().for_each(|claim| table.claim(claim));
        self.claims_of_releases(editions, &mut |claim| table.claim(claim))?;
        let kinds: Vec<Kind> = editions.kinds().chain(given).collect();
        self.add(Made::new(DIAGNOSIS_TERMS, table.into_rows()), &kinds);
        Ok(())
    }

    /// Claims of the Table of Neoplasms, SNOMED CT, the UMLS and FHIR, in this order.
    fn claims_of_releases(&self, editions: &Editions, take: &mut dyn FnMut(Claim)) -> Result<()> {
        let neoplasms = self.input.rows(Kind::Icd10cmNeoplasms, neoplasm_release::NEOPLASMS)?;
        neoplasms::claims(&neoplasms, editions).into_iter().for_each(&mut *take);
        let (mut maps, mut preferred) = (SnomedMaps::default(), ByPreference::default());
        self.input.each(Kind::SnomedRf2, snomed_rf2::MAPS, |cells| maps.map(cells, editions))?;
        self.input
            .each(Kind::SnomedRf2, CONCEPTS, |cells| maps.claim(cells).into_iter().for_each(|claim| preferred.add(claim)))?;
        preferred.into_claims().for_each(&mut *take);
        let mut concepts = UmlsConcepts::default();
        self.input.each(Kind::Umls, umls::TERMS, |cells| concepts.code(cells, editions))?;
        self.input.each(Kind::Umls, umls::TERMS, |cells| concepts.claim(cells).into_iter().for_each(&mut *take))?;
        self.input.each(Kind::Fhir, CONCEPTS, |cells| fhir_claim(cells, editions).into_iter().for_each(&mut *take))
    }

    fn index(&mut self, editions: &Editions) -> Result<()> {
        if self.input.kept(Kind::Icd10cmIndex).is_none() {
            return Ok(());
        }
        let release = self.input.rows(Kind::Icd10cmIndex, index_release::INDEX)?;
        let (rows, notes) = index::rows(&release, &editions.newest.book);
        self.superseded.push((sources::OWN, INDEX.name));
        self.notes.extend(notes);
        self.add(Made::new(INDEX, rows), &[Kind::Icd10cmIndex]);
        Ok(())
    }

    fn drugs(&mut self, editions: &Editions) -> Result<()> {
        if self.input.kept(Kind::Icd10cmDrugs).is_none() {
            return Ok(());
        }
        let release = self.input.rows(Kind::Icd10cmDrugs, drug_release::DRUGS)?;
        let (rows, notes) = drugs::rows(&release, &editions.newest.book);
        self.notes.extend(notes);
        self.add(Made::new(DRUG_POISONING, rows), &[Kind::Icd10cmDrugs]);
        Ok(())
    }

    fn medications(&mut self) -> Result<()> {
        let rxnorm = self.input.rows_if_kept(Kind::Rxnorm, MEDICATIONS)?;
        let rxterms = self.input.rows_if_kept(Kind::Rxterms, MEDICATIONS)?;
        if rxnorm.is_none() && rxterms.is_none() {
            return Ok(());
        }
        let embedded = self.input.embedded(MEDICATIONS)?;
        let names = Names { rxnorm: rxnorm.as_deref(), rxterms: rxterms.as_deref(), embedded: &embedded };
        let rows = names.rows(&terms::stopped(&self.input.embedded(STOP_TERMS)?));
        self.add(Made::new(MEDICATIONS, rows), &[Kind::Rxnorm, Kind::Rxterms]);
        if rxterms.is_some() {
            self.superseded.push((sources::RXTERMS, MEDICATIONS.name));
        }
        if rxnorm.is_some() {
            let drugs = self.input.rows(Kind::Rxnorm, rxnorm::CLINICAL_DRUGS)?;
            self.add(Made::new(rxnorm::CLINICAL_DRUGS, drugs), &[Kind::Rxnorm]);
            let gone = [MEDICATIONS, rxnorm::CLINICAL_DRUGS, rxnorm::UNII].map(|table| (sources::RXNORM, table.name));
            self.superseded.extend(gone);
        }
        Ok(())
    }

    fn unii(&mut self) -> Result<()> {
        let rxnorm = self.input.rows_if_kept(Kind::Rxnorm, rxnorm::UNII)?;
        let names = self.input.rows_if_kept(Kind::Unii, UNII_NAMES)?;
        if rxnorm.is_none() && names.is_none() {
            return Ok(());
        }
        let (released, embedded) = (self.input.rows_if_kept(Kind::Rxnorm, MEDICATIONS)?, self.input.embedded(MEDICATIONS)?);
        let medications = Names { rxnorm: released.as_deref(), rxterms: None, embedded: &embedded };
        let (names, embedded) = (names.unwrap_or_default(), self.input.embedded(rxnorm::UNII)?);
        let uniis = Uniis { rxnorm: rxnorm.as_deref(), names: &names, embedded: &embedded };
        let rows = uniis.rows(&medications.known_ingredients());
        self.add(Made::new(rxnorm::UNII, rows), &[Kind::Rxnorm, Kind::Unii]);
        Ok(())
    }

    fn site_terms(&mut self, editions: &Editions) -> Result<()> {
        let Some(rows) = self.input.rows_if_kept(Kind::SiteTerms, SITE_TERMS)? else { return Ok(()) };
        let wrong = site::wrong_codes(&rows, |code| editions.is_billable(code));
        if !wrong.is_empty() {
            return Err(BuildError::SiteCodes { wrong });
        }
        self.add(Made::new(SITE_TERMS, rows), &[Kind::SiteTerms]);
        Ok(())
    }

    fn sources(&mut self) {
        let from = &self.from;
        let kept = self.input.all_kept().map(|kept| (kept, from.get(&kept.kind).cloned().unwrap_or_default()));
        let rows = sources::rows(&self.superseded, kept);
        for kept in self.input.all_kept().filter(|kept| !from.contains_key(&kept.kind)) {
            self.notes.push(format!("The release {} is kept, but no table holds anything of it", kept.kind));
        }
        self.tables.push(Made::new(SOURCES, rows));
    }
}
