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
}

impl Lexicon {
    pub(super) fn load(tables: &Tables, vocabulary: &Vocabulary) -> Result<Self, TableError> {
        let (mut names, mut places) = (FxHashMap::default(), FxHashMap::default());
        let (mut ordinary, mut clinical) = (FxHashSet::default(), FxHashSet::default());
        let (name, text) = tables.get("person_names.tsv")?;
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
        })?;
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
        Ok(Self { names, places, ordinary, clinical })
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

    /// A word that nothing here knows but as a name.
    pub(super) fn is_unknown(&self, folded: &str) -> bool {
        !self.is_ordinary(folded) && !self.is_clinical(folded)
    }
}
