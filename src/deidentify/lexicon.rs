//! What is known of words: names of persons and places, ordinary words, words of diagnoses and drugs.

use rustc_hash::{FxHashMap, FxHashSet};

use super::tokens::fold;
use crate::{
    domain::table::{self, TableError},
    vocabulary::{Tables, Vocabulary},
};

/// Who bears a given name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    Female,
    Male,
    Either,
}

/// A word that is a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownName {
    /// As a given name.
    pub(super) given: Option<Bearer>,
    /// Also an ordinary word, an eponym or a place.
    pub(super) is_ordinary: bool,
}

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceKind {
    City,
    Organization,
}

/// The words.
#[derive(Debug)]
pub(super) struct Lexicon {
    names: FxHashMap<String, KnownName>,
    places: FxHashMap<String, (PlaceKind, bool)>,
    ordinary: FxHashSet<String>,
    clinical: FxHashSet<String>,
    /// Words of English and of our tables, whatever they say.
    known: FxHashSet<String>,
}

/// Tables whose words a note may use without anybody being known by them.
const TABLES_OF_WORDS: &[&str] = &[
    "abbreviations.tsv",
    "allergen_concepts.tsv",
    "allergens.tsv",
    "boilerplate.tsv",
    "clinical_drugs.tsv",
    "conventions.tsv",
    "cues.tsv",
    "diagnosis_terms.tsv",
    "drug_classes.tsv",
    "english_words.tsv",
    "everyday_diagnoses.tsv",
    "everyday_medications.tsv",
    "icd10cm.tsv",
    "icd10cm_notes.tsv",
    "index.tsv",
    "medication_cues.tsv",
    "medications.tsv",
    "ordinary_words.tsv",
    "queries.tsv",
    "reaction_phrases.tsv",
    "reactions.tsv",
    "section_codes.tsv",
    "sections.tsv",
    "sig_words.tsv",
    "specificity_prompts.tsv",
    "stop_terms.tsv",
    "word_forms.tsv",
];

fn read_names(tables: &Tables, table: &str, names: &mut FxHashMap<String, KnownName>) -> Result<(), TableError> {
    let (name, text) = tables.get(table)?;
    table::read(name, text, |row| {
        let kind = row.get("kind")?;
        let given = match kind.split('+').next().unwrap_or_default() {
            "female" => Some(Bearer::Female),
            "male" => Some(Bearer::Male),
            "either" => Some(Bearer::Either),
            "surname" => None,
            _ => return Err(row.error("kind must be female, male, either or surname, or two of them with a plus")),
        };
        names.insert(fold(row.get("name")?), KnownName { given, is_ordinary: row.get("ordinary")? == "1" });
        Ok(())
    })
}

/// The words of all tables of words, folded.
fn known_words(tables: &Tables) -> Result<FxHashSet<String>, TableError> {
    let mut known = FxHashSet::default();
    for table in TABLES_OF_WORDS {
        let (_, text) = tables.get(table)?;
        for word in text.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.len() > 1) {
            let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
            if is_plain && !known.contains(word) {
                known.insert(word.to_owned());
            } else if !is_plain {
                let folded = fold(word);
                if !known.contains(&folded) {
                    known.insert(folded);
                }
            }
        }
    }
    Ok(known)
}

impl Lexicon {
    pub(super) fn load(tables: &Tables, vocabulary: &Vocabulary) -> Result<Self, TableError> {
        let (mut names, mut places) = (FxHashMap::default(), FxHashMap::default());
        let (mut ordinary, mut clinical) = (FxHashSet::default(), FxHashSet::default());
        // ours go before those of the census
        read_names(tables, "census_names.tsv", &mut names)?;
        read_names(tables, "person_names.tsv", &mut names)?;
        let (name, text) = tables.get("places.tsv")?;
        table::read(name, text, |row| {
            let kind = match row.get("kind")? {
                "city" => PlaceKind::City,
                "organization" => PlaceKind::Organization,
                _ => return Err(row.error("kind must be city or organization")),
            };
            places.insert(fold(row.get("place")?), (kind, row.get("ordinary")? == "1"));
            Ok(())
        })?;
        let (name, text) = tables.get("ordinary_words.tsv")?;
        table::read(name, text, |row| {
            ordinary.insert(row.get("word")?.to_owned());
            Ok(())
        })?;
        let diagnoses = vocabulary.diagnoses.iter().map(|diagnosis| &diagnosis.term);
        let medications = vocabulary.medications.iter().flat_map(|medication| [&medication.term, &medication.display]);
        let others = vocabulary.classes.iter().map(|class| &class.term).chain(vocabulary.allergens.iter().map(|one| &one.term));
        for term in diagnoses.chain(medications).chain(others) {
            for word in term.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.len() > 2) {
                if !clinical.contains(word) {
                    clinical.insert(fold(word));
                }
            }
        }
        Ok(Self { names, places, ordinary, clinical, known: known_words(tables)? })
    }

    pub(super) fn name(&self, folded: &str) -> Option<KnownName> {
        self.names.get(folded).copied()
    }

    /// A name that is hardly anything else.
    pub(super) fn is_plain_name(&self, folded: &str) -> bool {
        self.name(folded).is_some_and(|name| !name.is_ordinary) && !self.clinical.contains(folded)
    }

    /// A given name that is hardly anything else.
    pub(super) fn is_plain_given(&self, folded: &str) -> bool {
        self.is_plain_name(folded) && self.name(folded).is_some_and(|name| name.given.is_some())
    }

    /// A place by its words in lower case, and whether it needs context.
    pub(super) fn place(&self, words: &str) -> Option<(PlaceKind, bool)> {
        self.places.get(words).copied()
    }

    pub(super) fn is_ordinary(&self, folded: &str) -> bool {
        self.ordinary.contains(folded)
            || folded.ends_with("ologist")
            || folded.ends_with("iatrist")
            || folded.strip_suffix('s').is_some_and(|stem| stem.len() > 2 && self.ordinary.contains(stem))
    }

    pub(super) fn is_clinical(&self, folded: &str) -> bool {
        self.clinical.contains(folded)
    }

    /// A word of English, of medicine or of our tables, also with a common ending.
    pub(super) fn is_known(&self, folded: &str) -> bool {
        let has = |word: &str| self.known.contains(word) || self.ordinary.contains(word) || self.clinical.contains(word);
        has(folded)
            || ["s", "es", "ed", "d", "ing", "ly", "er", "al", "ally", "y"]
                .iter()
                .any(|ending| folded.strip_suffix(ending).is_some_and(|stem| stem.len() > 2 && has(stem)))
    }

    /// The word as it is, of English or of medicine.
    pub(super) fn has_word(&self, folded: &str) -> bool {
        self.known.contains(folded) || self.clinical.contains(folded)
    }

    /// A word that nothing here knows but as a name.
    pub(super) fn is_unknown(&self, folded: &str) -> bool {
        !self.is_ordinary(folded) && !self.is_clinical(folded)
    }
}
