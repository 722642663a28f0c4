//! The site's pack in a pipeline: whether it can be used with these vocabularies, and what it does to the mentions of a note.
//!
//! A term gets its code where the engine codes, before what the note as a whole does to codes; a preferred code takes the engine's place after
//! that; what is suppressed is left out: with any code before the codes of a note act on each other, with a certain code in the end. A personal
//! or family history has codes of its own, so that the pack's code goes through the same table of histories as the engine's does.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use thiserror::Error;

use super::group::CodedMention;
use crate::{
    coding::{Coding, DrugPlace, for_edition},
    domain::{
        Assertion, Attributes, ChosenCode, CodeCandidate, CodePreference, CodeRole, EntryKind, ScoredBy, SitePack, SiteTerm,
        SuppressedTerm, system,
    },
    recognize::PackTerms,
    text::Document,
    vocabulary::{Edition, Vocabulary, normalize_term},
};

/// Rows of a pack in all.
pub const MOST_PACK_ROWS: usize = 20_000;
/// Bytes of the words of a row.
const LONGEST_WORDS: usize = 200;

/// Probability of a code that the pack puts first and the engine has not: nobody has measured it here, so it is below that of every exact
/// dictionary term, and it leaves one in five to what the engine would have said.
pub const PACK_SCORE: f32 = 0.8;
/// The same where a term of the pack is only a part of the words of a mention.
const PART_SCORE: f32 = 0.5;

/// Why a code of a term stands first.
const WHY_TERM: &str = "a term of this site";
/// Why a code of a term that is part of the words was proposed.
const WHY_PART: &str = "part of the words is a term of this site";
/// Why a preferred code stands first.
const WHY_PREFERRED: &str = "this site prefers it";

/// Why a pack cannot be used. Words of the pack are quoted: they are the site's own terms, told to the one who gave them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackProblem {
    /// There are too many rows.
    #[error("a pack has at most {MOST_PACK_ROWS} rows; this one has {0}")]
    TooLong(usize),
    /// The words say nothing, or too much.
    #[error("{table}, row {row}: the words must have a letter and at most {LONGEST_WORDS} bytes")]
    Words {
        /// Table.
        table: &'static str,
        /// Number of the row, from 1.
        row: usize,
    },
    /// The kind has no code to choose.
    #[error("{table}, row {row}: the kind must be diagnosis, medication or allergy")]
    Kind {
        /// Table.
        table: &'static str,
        /// Number of the row, from 1.
        row: usize,
    },
    /// No loaded edition has the code.
    #[error(
        "{table}, row {row}: {code:?} is no code that can be chosen for a {kind} in the vocabularies that are loaded; look it up in the code book"
    )]
    Code {
        /// Table.
        table: &'static str,
        /// Number of the row, from 1.
        row: usize,
        /// The code.
        code: String,
        /// What it was for.
        kind: &'static str,
    },
    /// The same words of the same kind twice.
    #[error("{table}, row {row}: an earlier row says something of the same words and kind; keep one of them")]
    Twice {
        /// Table.
        table: &'static str,
        /// Number of the row, from 1.
        row: usize,
    },
    /// A threshold beyond what there is.
    #[error("thresholds, row {row}: shown_from must be 0 to 100")]
    Threshold {
        /// Number of the row, from 1.
        row: usize,
    },
}

/// The codes that can be chosen beside those of ICD-10-CM, gathered once for a whole pack.
struct Codes<'a> {
    vocabulary: &'a Vocabulary,
    /// Names of ingredients, clinical drugs and allergens by system and code.
    substances: HashMap<(&'a str, &'a str), &'a str>,
}

impl<'a> Codes<'a> {
    /// Those that a pack names.
    fn of(vocabulary: &'a Vocabulary, pack: &SitePack) -> Self {
        let terms = pack.terms.iter().map(|term| (term.kind, &term.code));
        let named = terms.chain(pack.preferences.iter().map(|one| (one.kind, &one.code)));
        let wanted: HashSet<&str> =
            named.filter(|(kind, _)| *kind != EntryKind::Diagnosis).map(|(_, code)| code.code.as_str()).collect();
        let mut substances = HashMap::new();
        if wanted.is_empty() {
            return Self { vocabulary, substances };
        }
        for medication in &vocabulary.medications {
            if let [only] = medication.ingredients.as_slice()
                && wanted.contains(only.as_str())
            {
                substances.entry((system::RXNORM, only.as_str())).or_insert(medication.display.as_str());
            }
        }
        for medication in &vocabulary.medications {
            for ingredient in medication.ingredients.iter().filter(|code| wanted.contains(code.as_str())) {
                substances.entry((system::RXNORM, ingredient.as_str())).or_insert(ingredient.as_str());
            }
        }
        for drug in vocabulary.clinical_drugs.iter().filter(|drug| wanted.contains(drug.rxcui.as_str())) {
            substances.entry((system::RXNORM, drug.rxcui.as_str())).or_insert(drug.name.as_str());
        }
        for allergen in vocabulary.allergens.iter().filter(|allergen| wanted.contains(allergen.code.as_str())) {
            let system = if allergen.system.is_empty() { system::SNOMED } else { allergen.system.as_str() };
            substances.entry((system, allergen.code.as_str())).or_insert(allergen.display.as_str());
        }
        for unii in vocabulary.unii.values().filter(|unii| wanted.contains(unii.as_str())) {
            substances.entry((system::UNII, unii.as_str())).or_insert(unii.as_str());
        }
        Self { vocabulary, substances }
    }

    /// The name of a code that can be chosen for a kind; none when it cannot.
    fn name(&self, kind: EntryKind, code: &ChosenCode) -> Option<&'a str> {
        let fits = match kind {
            EntryKind::Diagnosis => code.system == system::ICD10CM,
            EntryKind::Medication => code.system == system::RXNORM,
            EntryKind::Allergy => code.system != system::ICD10CM,
            EntryKind::NoKnownAllergies => false,
        };
        if !fits {
            return None;
        }
        if kind == EntryKind::Diagnosis {
            let editions = &self.vocabulary.editions;
            return editions
                .is_billable(&code.code)
                .then(|| editions.lookup(&code.code))
                .flatten()
                .map(|(_, code)| code.title.as_str());
        }
        self.substances.get(&(code.system.as_str(), code.code.as_str())).copied()
    }
}

/// A pack as it is kept: words folded, codes with their names, every code one that can be chosen.
///
/// # Errors
/// The first row that cannot be used.
pub fn checked_pack(vocabulary: &Vocabulary, mut pack: SitePack) -> Result<SitePack, PackProblem> {
    if pack.rows() > MOST_PACK_ROWS {
        return Err(PackProblem::TooLong(pack.rows()));
    }
    let named = pack.clone();
    let codes = Codes::of(vocabulary, &named);
    let words = |table, row: usize, words: &mut String| {
        let folded = normalize_term(words);
        if folded.len() > LONGEST_WORDS || !folded.chars().any(char::is_alphabetic) {
            return Err(PackProblem::Words { table, row: row + 1 });
        }
        *words = folded;
        Ok(())
    };
    let code = |table, row: usize, (kind, code): (EntryKind, &mut ChosenCode)| {
        let name = codes.name(kind, code);
        let unknown = || PackProblem::Code { table, row: row + 1, code: code.code.clone(), kind: kind.as_str() };
        name.ok_or_else(unknown)?.clone_into(&mut code.display);
        Ok(())
    };
    let coded = |table, row: usize, kind| match kind {
        EntryKind::NoKnownAllergies => Err(PackProblem::Kind { table, row: row + 1 }),
        _ => Ok(()),
    };
    let mut seen = HashSet::new();
    for (row, term) in pack.terms.iter_mut().enumerate() {
        words("terms", row, &mut term.words)?;
        coded("terms", row, term.kind)?;
        code("terms", row, (term.kind, &mut term.code))?;
        if !seen.insert((term.words.clone(), term.kind)) {
            return Err(PackProblem::Twice { table: "terms", row: row + 1 });
        }
    }
    let mut seen = HashSet::new();
    for (row, term) in pack.suppressed.iter_mut().enumerate() {
        words("suppressed", row, &mut term.words)?;
        // a code that is not to be suggested need not be known: older tables may have suggested it
        if !seen.insert((term.words.clone(), term.kind, term.code.clone(), term.section.clone())) {
            return Err(PackProblem::Twice { table: "suppressed", row: row + 1 });
        }
    }
    let mut seen = HashSet::new();
    for (row, preference) in pack.preferences.iter_mut().enumerate() {
        words("preferences", row, &mut preference.words)?;
        coded("preferences", row, preference.kind)?;
        code("preferences", row, (preference.kind, &mut preference.code))?;
        let replaced = preference.instead_of.as_ref().map(|code| (code.system.clone(), code.code.clone()));
        if !seen.insert((preference.words.clone(), preference.kind, replaced)) {
            return Err(PackProblem::Twice { table: "preferences", row: row + 1 });
        }
    }
    let mut seen = HashSet::new();
    for (row, threshold) in pack.thresholds.iter().enumerate() {
        if threshold.shown_from > 100 {
            return Err(PackProblem::Threshold { row: row + 1 });
        }
        if !seen.insert(threshold.kind) {
            return Err(PackProblem::Twice { table: "thresholds", row: row + 1 });
        }
    }
    Ok(pack)
}

/// What two words and a kind name.
type Key = (EntryKind, String);

/// A pack ready to be used with the vocabularies of a pipeline.
pub(super) struct ReadyPack {
    pub(super) version: u64,
    pub(super) pack: Arc<SitePack>,
    /// Rows that cannot be used with these vocabularies.
    pub(super) left_out: usize,
    pub(super) terms: Option<PackTerms>,
    by_words: HashMap<Key, SiteTerm>,
    suppressed: HashMap<Key, Vec<SuppressedTerm>>,
    preferences: HashMap<Key, Vec<CodePreference>>,
    /// Where the substances of its codes stand in the vocabularies.
    places: HashMap<String, DrugPlace>,
}

impl ReadyPack {
    /// Rows whose code these vocabularies do not have are left out: a pack outlives the tables that it was made with.
    pub(super) fn new(vocabulary: &Vocabulary, version: u64, pack: Arc<SitePack>) -> Self {
        let codes = Codes::of(vocabulary, &pack);
        let mut left_out = 0;
        let mut is_known = |kind, code: &ChosenCode| {
            let known = codes.name(kind, code).is_some();
            left_out += usize::from(!known);
            known
        };
        let mut by_words = HashMap::new();
        for term in pack.terms.iter().filter(|term| is_known(term.kind, &term.code)) {
            by_words.insert((term.kind, normalize_term(&term.words)), term.clone());
        }
        let mut preferences: HashMap<Key, Vec<CodePreference>> = HashMap::new();
        for one in pack.preferences.iter().filter(|one| is_known(one.kind, &one.code)) {
            preferences.entry((one.kind, normalize_term(&one.words))).or_default().push(one.clone());
        }
        // one that names the code that it replaces says more than one for any
        preferences.values_mut().for_each(|all| all.sort_by_key(|one| one.instead_of.is_none()));
        let mut suppressed: HashMap<Key, Vec<SuppressedTerm>> = HashMap::new();
        for one in &pack.suppressed {
            suppressed.entry((one.kind, normalize_term(&one.words))).or_default().push(one.clone());
        }
        let terms = if by_words.is_empty() { None } else { PackTerms::new(by_words.values()).ok() };
        let of_terms = by_words.values().map(|term| (term.kind, &term.code));
        let of_preferences = preferences.values().flatten().map(|one| (one.kind, &one.code));
        let substances = of_terms.chain(of_preferences).filter(|(kind, _)| *kind != EntryKind::Diagnosis);
        let places = DrugPlace::all(vocabulary, substances.map(|(_, code)| code));
        Self { version, pack, left_out, terms, by_words, suppressed, preferences, places }
    }

    /// Where the substance of a code stands in the vocabularies.
    pub(super) fn place(&self, code: &ChosenCode) -> DrugPlace {
        self.places.get(&code.code).copied().unwrap_or_default()
    }

    /// The term that these words are; of an allergen also where they name a medication.
    fn term(&self, kind: EntryKind, words: &str) -> Option<&SiteTerm> {
        self.by_words.get(&(kind, normalize_term(words)))
    }

    /// Puts the code of a term first, where the words of the mention are one; `part` is the longest term of the dictionary in it.
    pub(super) fn diagnosis(
        &self,
        vocabulary: &Vocabulary,
        (words, part): (&str, Option<&str>),
        assertion: Assertion,
        coding: &mut Coding,
    ) {
        if let Some(term) = self.term(EntryKind::Diagnosis, words) {
            put_first(coding, of_assertion(vocabulary, &term.code, assertion, (PACK_SCORE, WHY_TERM)));
        } else if let Some(term) = part.and_then(|part| self.term(EntryKind::Diagnosis, part)) {
            let first = coding.codes.first().map_or(0.0, |code| code.score);
            if first < PART_SCORE {
                put_first(coding, of_assertion(vocabulary, &term.code, assertion, (PART_SCORE, WHY_PART)));
            }
        }
    }

    /// The same for a medication: what the engine read into the words is left out, so that no other drug stands beside.
    pub(super) fn medication(&self, words: &str, made: impl FnOnce(&ChosenCode) -> Coding, coding: &mut Coding) {
        let Some(term) = self.term(EntryKind::Medication, words) else { return };
        if is_alone(coding, &term.code) {
            told(coding, WHY_TERM);
        } else {
            *coding = scored(made(&term.code), WHY_TERM);
        }
    }

    /// The same for an allergen, which a term for a medication names too where the engine knows nothing of it.
    pub(super) fn allergen(&self, words: &str, made: impl FnOnce(&ChosenCode) -> Coding, coding: &mut Coding) {
        let of_drug =
            || self.term(EntryKind::Medication, words).filter(|_| !coding.codes.iter().any(|code| code.role == CodeRole::Code));
        let Some(term) = self.term(EntryKind::Allergy, words).or_else(of_drug) else { return };
        if first_is(coding, &term.code) {
            told(coding, WHY_TERM);
        } else {
            *coding = scored(made(&term.code), WHY_TERM);
        }
    }

    /// Leaves out what is not suggested whatever its code.
    pub(super) fn without_suppressed(&self, document: &Document, coded: &mut Vec<CodedMention>) {
        self.leave_out(document, coded, |row, _| row.code.is_none());
    }

    /// Leaves out what is not suggested with the code that it got.
    pub(super) fn without_suppressed_codes(&self, document: &Document, coded: &mut Vec<CodedMention>) {
        self.leave_out(document, coded, |row, mention| row.code.as_ref().is_some_and(|code| first_is(&mention.coding, code)));
    }

    fn leave_out(
        &self,
        document: &Document,
        coded: &mut Vec<CodedMention>,
        applies: impl Fn(&SuppressedTerm, &CodedMention) -> bool,
    ) {
        if self.suppressed.is_empty() {
            return;
        }
        coded.retain(|mention| {
            let key = (mention.kind, normalize_term(mention.span.of(&document.text)));
            let section = document.section_kind_at(mention.span);
            let is_there = |row: &SuppressedTerm| row.section.as_deref().is_none_or(|kind| kind == section);
            !self.suppressed.get(&key).is_some_and(|rows| rows.iter().any(|row| is_there(row) && applies(row, mention)))
        });
    }

    /// Puts the codes first that the site prefers to those that the engine chose.
    pub(super) fn prefer<'m>(
        &self,
        (vocabulary, edition, document): (&Vocabulary, &Edition, &Document),
        made: impl Fn(&ChosenCode, &CodedMention) -> Coding,
        coded: impl Iterator<Item = &'m mut CodedMention>,
    ) {
        if self.preferences.is_empty() {
            return;
        }
        for mention in coded {
            let key = (mention.kind, normalize_term(mention.span.of(&document.text)));
            let Some(rows) = self.preferences.get(&key) else { continue };
            // as coders see it: in the edition of the note's day
            let mut seen = mention.coding.clone();
            for_edition(&vocabulary.editions, edition, &mut seen);
            let fits = |row: &&CodePreference| {
                row.instead_of.as_ref().is_none_or(|code| first_is(&mention.coding, code) || first_is(&seen, code))
            };
            let Some(row) = rows.iter().find(fits) else { continue };
            match mention.kind {
                EntryKind::Diagnosis => {
                    // who names the code of a history wants that replaced, and gives the code that stands
                    let assertion = match (&row.instead_of, mention.assertion) {
                        (None, Some(assertion)) => assertion,
                        _ => Assertion::Present,
                    };
                    put_first(&mut mention.coding, of_assertion(vocabulary, &row.code, assertion, (PACK_SCORE, WHY_PREFERRED)));
                }
                EntryKind::Medication if is_alone(&mention.coding, &row.code) => told(&mut mention.coding, WHY_PREFERRED),
                EntryKind::Allergy if first_is(&mention.coding, &row.code) => told(&mut mention.coding, WHY_PREFERRED),
                EntryKind::Medication | EntryKind::Allergy => {
                    mention.coding = scored(made(&row.code, mention), WHY_PREFERRED);
                }
                EntryKind::NoKnownAllergies => {}
            }
        }
    }
}

impl super::Pipeline {
    /// A medication by a code of the pack.
    pub(super) fn medication_of_code(&self, pack: &ReadyPack, code: &ChosenCode, attributes: &Attributes) -> Coding {
        self.coder.medication_of_code(&self.vocabulary, (code, pack.place(code)), attributes)
    }
}

/// Whether the probability of the first code is the pack's, and not that of the engine, which is measured.
pub(super) fn is_of_pack(codes: &[CodeCandidate]) -> bool {
    codes.first().is_some_and(|first| first.scored_by == ScoredBy::SitePack)
}

/// Whether the code that a medication got stays as the pack gave it, whatever else is said of the drug.
pub(super) fn is_drug_of_pack(codes: &[CodeCandidate]) -> bool {
    is_of_pack(codes) && codes.first().is_some_and(|first| first.role == CodeRole::ClinicalDrug)
}

fn first_is(coding: &Coding, code: &ChosenCode) -> bool {
    coding.codes.first().is_some_and(|first| first.system == code.system && first.code == code.code)
}

/// Whether a medication has this ingredient and no other one.
fn is_alone(coding: &Coding, code: &ChosenCode) -> bool {
    first_is(coding, code) && coding.codes.iter().filter(|code| code.role == CodeRole::Ingredient).count() == 1
}

/// Says before the engine's own words why the code that it chose itself stands first.
fn told(coding: &mut Coding, why: &str) {
    if let Some(first) = coding.codes.first_mut() {
        first.why = format!("{why}; {}", first.why);
    }
}

/// What a term or preference made of a code alone, with the pack's probability.
fn scored(mut coding: Coding, why: &str) -> Coding {
    let beside = |role| matches!(role, CodeRole::AllergyStatus);
    for code in coding.codes.iter_mut().filter(|code| !beside(code.role)) {
        code.score = code.score.min(PACK_SCORE);
        code.scored_by = ScoredBy::SitePack;
    }
    if let Some(first) = coding.codes.first_mut() {
        (first.score, first.scored_by) = (PACK_SCORE, ScoredBy::SitePack);
        why.clone_into(&mut first.why);
    }
    coding
}

/// The candidates of a diagnosis code as the note speaks of it: of a personal or family history the code of that, and the disease's behind it.
fn of_assertion(
    vocabulary: &Vocabulary,
    code: &ChosenCode,
    assertion: Assertion,
    (score, why): (f32, &'static str),
) -> Vec<CodeCandidate> {
    let candidate = |code: &str, score: f32, why: String| CodeCandidate {
        rank: 1,
        role: CodeRole::Code,
        system: system::ICD10CM.to_owned(),
        code: code.to_owned(),
        display: vocabulary.title(code).to_owned(),
        score,
        with: Vec::new(),
        why,
        features: BTreeMap::new(),
        scored_by: ScoredBy::SitePack,
    };
    let (whose, histories) = match assertion {
        Assertion::Family => ("family", vocabulary.history.family(&code.code)),
        Assertion::Historical => ("personal", vocabulary.history.personal(&code.code)),
        _ => return vec![candidate(&code.code, score, why.to_owned())],
    };
    let behind = if histories.is_empty() { 1.0 } else { 0.6 };
    let history = |code_of: &String| candidate(code_of, score, format!("{whose} history of {}; {why}", code.code));
    let mut found: Vec<CodeCandidate> = histories.iter().take(1).map(history).collect();
    found.push(candidate(&code.code, score * behind, why.to_owned()));
    found
}

/// Puts candidates first. One that the engine chose itself keeps its measured probability; what stood first before is left what the pack
/// leaves it.
fn put_first(coding: &mut Coding, candidates: Vec<CodeCandidate>) {
    let Some(first) = candidates.first() else { return };
    if coding.codes.first().is_some_and(|own| own.system == first.system && own.code == first.code) {
        let why = first.why.clone();
        told(coding, &why);
        return;
    }
    let left = 1.0 - first.score;
    let mut behind: Vec<CodeCandidate> = std::mem::take(&mut coding.codes);
    behind.retain(|own| !candidates.iter().any(|code| code.system == own.system && code.code == own.code));
    behind.iter_mut().for_each(|own| own.score = own.score.min(left));
    coding.display.clone_from(&first.display);
    coding.codes = candidates;
    coding.codes.append(&mut behind);
    coding.prompts.clear();
    number(coding);
}

fn number(coding: &mut Coding) {
    for (place, code) in coding.codes.iter_mut().enumerate() {
        code.rank = u32::try_from(place + 1).unwrap_or(u32::MAX);
    }
}
