//! Runs the rules over the kept releases. A rule whose releases are not kept makes no table.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Kind, Result,
    allergens::{self, ALLERGENS},
    codes::{self, CC_MCC, HCC, LIMITS, POA_EXEMPT},
    concepts::{ByPreference, SnomedMaps, UmlsConcepts, fhir_claim},
    drugs::{self, DRUG_POISONING},
    editions::Editions,
    index::{self, INDEX},
    medications::{MEDICATIONS, Names, Uniis},
    neoplasms,
    ninth::{self, NINTH},
    retired::{Named, RETIRED, Retired},
    rows::{Input, Made, Row},
    site::{self, SITE_TERMS},
    sources::{self, Holdings, SOURCES},
    terms::{self, Claim, DIAGNOSIS_TERMS, STOP_TERMS, TermTable},
};
use crate::releases::{
    icd10cm::{
        complications, conversion, drugs as drug_release, exempt, gems, hcc as hcc_release, index as index_release,
        neoplasms as neoplasm_release,
    },
    terminologies::{CONCEPTS, rxnorm, site_terms, snomed_rf2, umls, unii::UNII_NAMES},
};

/// Everything that was made.
#[derive(Debug)]
pub(super) struct AllMade {
    /// The tables.
    pub tables: Vec<Made>,
    /// Sentences for the report.
    pub notes: Vec<String>,
    /// Rows of releases that are wrong and were left out, each with its line and what to do.
    pub errors: Vec<String>,
}

/// A SNOMED CT with no more terms is an extension by itself, which says nothing of the concepts that it does not have.
const TERMS_OF_AN_EXTENSION: u64 = 200_000;

/// What a table holds something of.
#[derive(Debug, Default)]
struct Of {
    /// Names of kept releases.
    kept: BTreeSet<String>,
    /// Words of the program's sources.
    program: BTreeSet<&'static str>,
}

/// Makes the tables. Those in `by_hand` (names without `.gz`) stay a person's.
pub(super) fn make(input: &Input<'_>, by_hand: BTreeSet<String>) -> Result<AllMade> {
    let (editions, notes) = Editions::new(input)?;
    let holdings = Holdings { by_hand, ..Holdings::default() };
    let errors =
        input.all_kept().flat_map(|kept| kept.errors.iter().map(|error| format!("{}, {error}", kept.name()))).collect();
    let mut making = Making { input, tables: Vec::new(), notes, errors, from: BTreeMap::new(), holdings };
    making.editions(&editions);
    let retired = making.retired(&editions)?;
    making.lists_of_codes(&editions)?;
    making.terms(&editions, &retired)?;
    making.index(&editions, &retired)?;
    making.limits(&editions);
    making.drugs(&editions)?;
    making.ninth(&editions, &retired)?;
    making.medications()?;
    making.unii()?;
    making.allergens()?;
    making.site_terms(&editions)?;
    making.sources();
    Ok(AllMade { tables: making.tables, notes: making.notes, errors: making.errors })
}

struct Making<'a> {
    input: &'a Input<'a>,
    tables: Vec<Made>,
    notes: Vec<String>,
    errors: Vec<String>,
    /// Tables that hold something of a release, by its name.
    from: BTreeMap<String, Vec<String>>,
    holdings: Holdings<'static>,
}

impl Making<'_> {
    fn add(&mut self, made: Made, of: Of) {
        for kept in of.kept {
            self.from.entry(kept).or_default().push(made.name.clone());
        }
        self.holdings.made.insert(made.name.clone(), of.program);
        self.tables.push(made);
    }

    /// The newest releases of these kinds.
    fn of(&self, kinds: &[Kind]) -> Of {
        let kept = kinds.iter().filter_map(|kind| self.input.kept(*kind)).map(super::Kept::name).collect();
        Of { kept, program: BTreeSet::new() }
    }

    fn editions(&mut self, editions: &Editions) {
        let (tables, list) = editions.tables();
        for table in tables {
            let program = if table.origins.program { BTreeSet::from([sources::TABULAR]) } else { BTreeSet::new() };
            self.add(table.made, Of { kept: table.origins.kept, program });
        }
        self.tables.push(list);
    }

    fn retired(&mut self, editions: &Editions) -> Result<Retired> {
        let mut conversions = Vec::new();
        for kept in self.input.all_of(Kind::Icd10cmConversion) {
            conversions.extend(self.input.rows_of(kept, conversion::CONVERSIONS)?);
        }
        let gems = self.input.rows(Kind::Gems, gems::GEMS)?;
        let named = Named { conversions: &conversions, gems: &gems };
        let retired = Retired::new(&named, &editions.older(), &editions.newest().book);
        if retired.len() > 0 {
            let (all, without) = (retired.len(), retired.without_replacement());
            self.notes.push(format!("{}: {all} codes are retired, {without} of them without a replacement", RETIRED.name));
            let conversions = self.input.all_of(Kind::Icd10cmConversion).map(super::Kept::name);
            let mut of = Of { kept: editions.kept().into_iter().chain(conversions).collect(), program: BTreeSet::new() };
            of.kept.extend(self.of(&[Kind::Gems]).kept);
            self.add(Made::new(RETIRED, retired.rows()), of);
        }
        Ok(retired)
    }

    /// Payment categories, codes exempt from present-on-admission reporting, complications and comorbidities.
    fn lists_of_codes(&mut self, editions: &Editions) -> Result<()> {
        if self.input.kept(Kind::CmsHcc).is_some() {
            let release = self.input.rows(Kind::CmsHcc, hcc_release::HCC)?;
            let (rows, notes) = codes::hcc(&release, &self.input.embedded(HCC)?, |code| editions.is_billable(code));
            let mut of = self.of(&[Kind::CmsHcc]);
            if !notes.is_empty() {
                of.program.insert(sources::CMS_HCC);
            }
            self.notes.extend(notes);
            self.add(Made::new(HCC, rows), of);
        }
        for (kind, from, to) in
            [(Kind::Icd10cmPoaExempt, exempt::EXEMPT, POA_EXEMPT), (Kind::Icd10cmCcMcc, complications::LEVELS, CC_MCC)]
        {
            if self.input.kept(kind).is_some() {
                let (rows, notes) = codes::listed(to, self.input.rows(kind, from)?, |code| editions.is_billable(code));
                self.notes.extend(notes);
                self.add(Made::new(to, rows), self.of(&[kind]));
            }
        }
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
        terms::of_new_codes(editions).into_iter().for_each(|(claim, origin)| table.claim(claim, &origin));
        self.claims_of_releases(editions, &mut |claim, kind| {
            if let Some(kept) = self.input.kept(kind) {
                table.claim(claim, &kept.name());
            }
        })?;
        let settled = table.settled();
        let program = settled.of_program.iter().map(|word| sources::source_of_word(word));
        let program = program.filter_map(sources::embedded_word).collect();
        self.add(Made::new(DIAGNOSIS_TERMS, settled.rows), Of { kept: settled.kept, program });
        Ok(())
    }

    /// Claims of the Table of Neoplasms, SNOMED CT, the UMLS and FHIR, in this order.
    fn claims_of_releases(&self, editions: &Editions, take: &mut dyn FnMut(Claim, Kind)) -> Result<()> {
        let neoplasms = self.input.rows(Kind::Icd10cmNeoplasms, neoplasm_release::NEOPLASMS)?;
        neoplasms::claims(&neoplasms, editions).into_iter().for_each(|claim| take(claim, Kind::Icd10cmNeoplasms));
        let (mut maps, mut preferred) = (SnomedMaps::default(), ByPreference::default());
        self.input.each(Kind::SnomedRf2, snomed_rf2::MAPS, |cells| maps.map(cells, editions))?;
        self.input
            .each(Kind::SnomedRf2, CONCEPTS, |cells| maps.claim(cells).into_iter().for_each(|claim| preferred.add(claim)))?;
        preferred.into_claims().for_each(|claim| take(claim, Kind::SnomedRf2));
        let mut concepts = UmlsConcepts::default();
        self.input.each(Kind::Umls, umls::TERMS, |cells| concepts.code(cells, editions))?;
        self.input.each(Kind::Umls, umls::TERMS, |cells| {
            concepts.claim(cells).into_iter().for_each(|claim| take(claim, Kind::Umls));
        })?;
        self.input.each(Kind::Fhir, CONCEPTS, |cells| {
            fhir_claim(cells, editions).into_iter().for_each(|claim| take(claim, Kind::Fhir));
        })
    }

    fn index(&mut self, editions: &Editions, retired: &Retired) -> Result<()> {
        let newest = &editions.newest().book;
        if self.input.kept(Kind::Icd10cmIndex).is_some() {
            let release = self.input.rows(Kind::Icd10cmIndex, index_release::INDEX)?;
            let (rows, notes) = index::rows(&release, newest);
            self.notes.extend(notes);
            self.add(Made::new(INDEX, rows), self.of(&[Kind::Icd10cmIndex]));
        } else if editions.changed()
            && let Some(own) = self.input.embedded_if_any(INDEX)
            && let Some(rows) = index::for_editions(&own, newest, retired)
        {
            let gone = own.len() - rows.len();
            self.notes.push(format!(
                "{}: {gone} lines of the program were dropped; {} has no code for them",
                INDEX.name,
                editions.newest().name
            ));
            self.add(Made::new(INDEX, rows), Of { kept: BTreeSet::new(), program: BTreeSet::from([sources::OWN]) });
        }
        Ok(())
    }

    fn limits(&mut self, editions: &Editions) {
        let own = if editions.changed() { self.input.embedded_if_any(LIMITS).unwrap_or_default() } else { Vec::new() };
        if let Some(rows) = codes::limits(&own, &editions.newest().book) {
            let gone = own.len() - rows.len();
            self.notes.push(format!("{}: {gone} rows were dropped; {} has no such codes", LIMITS.name, editions.newest().name));
            self.add(Made::new(LIMITS, rows), Of { kept: BTreeSet::new(), program: BTreeSet::from([sources::OWN]) });
        }
    }

    fn drugs(&mut self, editions: &Editions) -> Result<()> {
        if self.input.kept(Kind::Icd10cmDrugs).is_none() {
            return Ok(());
        }
        let release = self.input.rows(Kind::Icd10cmDrugs, drug_release::DRUGS)?;
        let (rows, notes) = drugs::rows(&release, &editions.newest().book);
        self.notes.extend(notes);
        self.add(Made::new(DRUG_POISONING, rows), self.of(&[Kind::Icd10cmDrugs]));
        Ok(())
    }

    fn ninth(&mut self, editions: &Editions, retired: &Retired) -> Result<()> {
        if self.input.kept(Kind::Gems).is_none() {
            return Ok(());
        }
        let (rows, notes) = ninth::rows(&self.input.rows(Kind::Gems, gems::GEMS)?, &editions.newest().book, retired);
        self.notes.extend(notes);
        self.add(Made::new(NINTH, rows), self.of(&[Kind::Gems]));
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
        let words: BTreeSet<&str> = rows.iter().map(|row| row[5].as_str()).collect();
        let mut of = Of::default();
        for (word, kind) in [(sources::RXNORM, Kind::Rxnorm), (sources::RXTERMS, Kind::Rxterms)] {
            match self.input.kept(kind) {
                Some(kept) => _ = of.kept.insert(kept.name()),
                None if words.contains(word) => _ = of.program.insert(word),
                None => {}
            }
        }
        let others = words.iter().filter(|word| ![sources::RXNORM, sources::RXTERMS].contains(word));
        of.program.extend(others.filter_map(|word| sources::embedded_word(word)));
        self.add(Made::new(MEDICATIONS, rows), of);
        if rxnorm.is_some() {
            let drugs = self.input.rows(Kind::Rxnorm, rxnorm::CLINICAL_DRUGS)?;
            self.add(Made::new(rxnorm::CLINICAL_DRUGS, drugs), self.of(&[Kind::Rxnorm]));
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
        let mut of = self.of(&[Kind::Rxnorm, Kind::Unii]);
        if uniis.holds_embedded(&rows) {
            of.program.extend([sources::RXNORM, sources::DRUGBANK]);
        }
        self.add(Made::new(rxnorm::UNII, rows), of);
        Ok(())
    }

    fn allergens(&mut self) -> Result<()> {
        let kinds = [Kind::SnomedGps, Kind::SnomedRf2];
        if kinds.iter().all(|kind| self.input.kept(*kind).is_none()) {
            return Ok(());
        }
        let (embedded, ingredients) = (self.input.embedded(ALLERGENS)?, self.ingredient_names()?);
        let mut found = allergens::Substances::new(&embedded, &ingredients);
        for kind in kinds {
            self.input.each(kind, CONCEPTS, |cells| found.concept(kind, cells))?;
        }
        let of_releases = self.of(&kinds);
        let terms = self.input.kept(Kind::SnomedRf2).and_then(|kept| kept.rows.get(CONCEPTS.name).copied());
        let (rows, notes, held) = found.rows(terms.is_some_and(|terms| terms > TERMS_OF_AN_EXTENSION));
        self.notes.extend(notes);
        let program = if held { BTreeSet::from([sources::SNOMED_FREE_SETS]) } else { BTreeSet::new() };
        self.add(Made::new(ALLERGENS, rows), Of { program, ..of_releases });
        Ok(())
    }

    /// The names of medications as this build leaves them.
    fn medication_rows(&self) -> Result<Vec<Row>> {
        let made = self.tables.iter().find(|made| made.name == MEDICATIONS.name);
        made.map_or_else(|| self.input.embedded(MEDICATIONS), |made| Ok(made.rows.clone()))
    }

    fn ingredient_names(&self) -> Result<BTreeSet<String>> {
        let rows = self.medication_rows()?;
        let ingredients = rows.iter().filter(|row| row[1] == "ingredient");
        Ok(ingredients.map(|row| crate::vocabulary::normalize_term(&row[0])).collect())
    }

    fn site_terms(&mut self, editions: &Editions) -> Result<()> {
        let Some(rows) = self.input.rows_if_kept(Kind::SiteTerms, site_terms::SITE_TERMS)? else { return Ok(()) };
        let medications = site::Medications::new(&self.medication_rows()?);
        let (rows, errors) = site::checked(&rows, |code| editions.is_billable(code), &medications);
        self.errors.extend(errors);
        self.add(Made::new(SITE_TERMS, rows), self.of(&[Kind::SiteTerms]));
        Ok(())
    }

    fn sources(&mut self) {
        let from = &self.from;
        let kept = self.input.all_kept().map(|kept| (kept, from.get(&kept.name()).cloned().unwrap_or_default()));
        let rows = sources::rows(&self.holdings, kept);
        for kept in self.input.all_kept().filter(|kept| !from.contains_key(&kept.name())) {
            self.notes.push(match self.input.kept(kept.kind).filter(|newest| newest.name() != kept.name()) {
                Some(newest) if !kept.kind.makes_an_edition() => {
                    format!("The release {} is kept, but {} is newer and was used", kept.name(), newest.name())
                }
                _ => format!("The release {} is kept, but no table holds anything of it", kept.name()),
            });
        }
        self.tables.push(Made::new(SOURCES, rows));
    }
}
