//! Code edits: a drafted list of codes is checked as a coder's encoder checks it. What the tabular list says of codes that exclude one
//! another, that need their cause first or another code beside them; limits of sex and age; codes that say too little, that are not
//! billable, or that stand twice.
//!
//! All notes of the newest edition are read once, in [`EditRules::new`]; those of an older one when an encounter of its days is first
//! looked at. A check is a pure function of the codes, the edition, and who has the codes.

mod checks;
mod facts;
mod instructions;
mod key;
mod limits;
mod places;
mod policy;
mod ranges;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::table::TableError,
    vocabulary::{CodeBook, CodeNotes, Editions},
};

/// A person's sex, as far as codes are limited by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// Who has the codes. What is not known is not checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct About {
    /// The sex on record.
    pub sex: Option<Sex>,
    /// Age in whole years at the encounter.
    pub age_years: Option<u16>,
    /// Age in days at the encounter, for newborns.
    pub age_days: Option<u32>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditKind {
    /// Two codes that an Excludes1 note forbids together.
    Excludes1,
    /// A code whose cause is to be coded first, and is not there.
    CodeFirst,
    /// A code beside which another is to be coded, and is not there.
    UseAdditionalCode,
    /// A code that does not fit the sex.
    Sex,
    /// A code that does not fit the age.
    Age,
    /// A code that leaves open what another names.
    Unspecified,
    /// A manifestation without its cause.
    ManifestationAlone,
    /// A heading, a code without its seventh character, or no code at all.
    NotBillable,
    /// A code that stands more than once.
    Duplicate,
}

impl EditKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Excludes1,
        Self::CodeFirst,
        Self::UseAdditionalCode,
        Self::Sex,
        Self::Age,
        Self::Unspecified,
        Self::ManifestationAlone,
        Self::NotBillable,
        Self::Duplicate,
    ];

    /// The word of the table and of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excludes1 => "excludes1",
            Self::CodeFirst => "code_first",
            Self::UseAdditionalCode => "use_additional_code",
            Self::Sex => "sex",
            Self::Age => "age",
            Self::Unspecified => "unspecified",
            Self::ManifestationAlone => "manifestation_alone",
            Self::NotBillable => "not_billable",
            Self::Duplicate => "duplicate",
        }
    }
}

/// How heavy an edit weighs; the heaviest is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Must be settled.
    Hard,
    /// To be looked at.
    Soft,
    /// A hint.
    Informational,
}

impl Severity {
    /// All severities, the heaviest first.
    pub const ALL: [Self; 3] = [Self::Hard, Self::Soft, Self::Informational];

    /// The word of the table and of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Informational => "informational",
        }
    }
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Edit {
    /// What is wrong.
    pub kind: EditKind,
    /// How heavy it weighs.
    pub severity: Severity,
    /// The codes concerned; the first is the one at which the rule stands. Hints of one kind may name several.
    pub codes: Vec<String>,
    /// What to do, for the coder.
    pub message: String,
    /// The code or range at which the rule stands.
    pub rule: String,
}

/// What the tabular list of one edition says.
#[derive(Debug)]
struct Tabular {
    facts: facts::Facts,
    notes: instructions::Rules,
}

impl Tabular {
    fn new(codes: &CodeBook, notes: &CodeNotes) -> Self {
        Self { facts: facts::Facts::new(codes), notes: instructions::Rules::new(notes) }
    }
}

/// The rules, read once.
#[derive(Debug)]
pub struct EditRules {
    newest: Tabular,
    /// Those of older editions, by name.
    older: Mutex<HashMap<String, Arc<Tabular>>>,
    limits: limits::Limits,
    policy: policy::Policy,
}

impl EditRules {
    /// Reads the notes of the newest edition and the two tables, each as name and text: `code_limits.tsv` and `edit_policy.tsv`.
    ///
    /// # Errors
    /// A row of a table that is wrong, with its line and what to do.
    pub fn new(codes: &CodeBook, notes: &CodeNotes, limits: (&str, &str), policy: (&str, &str)) -> Result<Self, TableError> {
        let (limits, policy) = (limits::Limits::parse(limits)?, policy::Policy::parse(policy)?);
        Ok(Self { newest: Tabular::new(codes, notes), older: Mutex::default(), limits, policy })
    }

    /// The edits of a list of codes by the newest edition: hard ones first, then soft, then informational, each by code. A problem is found
    /// once.
    #[must_use]
    pub fn check(&self, codes: &[&str], about: &About) -> Vec<Edit> {
        checks::check((self, &self.newest), codes, about)
    }

    /// The same by the edition that holds on a day.
    #[must_use]
    pub fn check_on(&self, (editions, day): (&Editions, Option<Date>), codes: &[&str], about: &About) -> Vec<Edit> {
        let (edition, _) = editions.on(day);
        if std::ptr::eq(edition, editions.newest()) {
            return self.check(codes, about);
        }
        let tabular = {
            let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
            let read = || Arc::new(Tabular::new(&edition.codes, &edition.notes));
            Arc::clone(older.entry(edition.name.clone()).or_insert_with(read))
        };
        checks::check((self, &tabular), codes, about)
    }
}
