//! Code edits: a drafted list of codes is checked as a coder's encoder checks it. What the tabular list says of codes that exclude one
//! another, that need their cause first or another code beside them; limits of sex and age; codes that say too little, that are not
//! billable, or that stand twice.
//!
//! All notes of all editions are read once, in [`EditRules::new`]. A check is a pure function of the codes, the edition, and who has the codes.

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

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::table::TableError,
    vocabulary::{CodeBook, CodeNotes},
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
    /// Of all editions by name, the newest first.
    editions: Vec<(String, Tabular)>,
    limits: limits::Limits,
    policy: policy::Policy,
}

impl EditRules {
    /// Reads the notes of all editions, the newest first, and the two tables, each as name and text: `code_limits.tsv` and
    /// `edit_policy.tsv`.
    ///
    /// # Errors
    /// A row of a table that is wrong, with its line and what to do.
    pub fn new<'a>(
        editions: impl IntoIterator<Item = (&'a str, &'a CodeBook, &'a CodeNotes)>,
        limits: (&str, &str),
        policy: (&str, &str),
    ) -> Result<Self, TableError> {
        let read = |(name, codes, notes): (&str, &CodeBook, &CodeNotes)| (name.to_owned(), Tabular::new(codes, notes));
        Ok(Self {
            editions: editions.into_iter().map(read).collect(),
            limits: limits::Limits::parse(limits)?,
            policy: policy::Policy::parse(policy)?,
        })
    }

    /// The edits of a list of codes by an edition: hard ones first, then soft, then informational, each by code. A problem is found once. By an
    /// edition that nobody read nothing is found.
    #[must_use]
    pub fn check(&self, edition: &str, codes: &[&str], about: &About) -> Vec<Edit> {
        let read = self.editions.iter().find(|(name, _)| name == edition);
        read.map(|(_, tabular)| checks::check((self, tabular), codes, about)).unwrap_or_default()
    }
}
