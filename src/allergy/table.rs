//! Allergen and reaction words, found in a text with one automaton each.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::domain::Span;
use crate::domain::table::{self, TableError};

/// A substance of `vocabularies/allergens.tsv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allergen {
    /// Code system URI; empty when it has no code.
    pub system: String,
    /// Its code; empty when the free sets have none.
    pub code: String,
    /// Its plain name.
    pub display: String,
    /// `medication`, `food`, `environment` or `biologic`.
    pub category: String,
}

/// Substances that are named as allergens and are not single drugs.
#[derive(Debug)]
pub struct AllergyTable {
    words: Words,
    allergens: Vec<Allergen>,
}

/// Reactions and words of severity.
#[derive(Debug)]
pub struct ReactionTable {
    words: Words,
    /// Code, name, and severity for a word of severity.
    rows: Vec<(String, String, String)>,
}

/// Both tables; build them once per process.
#[derive(Debug)]
pub struct AllergyTables {
    /// `vocabularies/allergens.tsv`.
    pub allergens: AllergyTable,
    /// `vocabularies/reactions.tsv`.
    pub reactions: ReactionTable,
}

impl AllergyTables {
    /// Reads both tables.
    ///
    /// # Errors
    /// The first unreadable row of either.
    pub fn parse(allergens: &str, reactions: &str) -> Result<Self, TableError> {
        Ok(Self { allergens: AllergyTable::parse(allergens)?, reactions: ReactionTable::parse(reactions)? })
    }
}

impl AllergyTable {
    /// Reads `term`, `system`, `code`, `display`, `category`.
    ///
    /// # Errors
    /// An empty term or an unknown category.
    pub fn parse(allergens: &str) -> Result<Self, TableError> {
        let mut terms = Vec::new();
        let mut rows = Vec::new();
        table::read("allergens", allergens, |row| {
            let category = row.get("category")?;
            if row.get("term")?.is_empty() || !["medication", "food", "environment", "biologic"].contains(&category) {
                return Err(row.error("a row needs a term and a category: medication, food, environment or biologic"));
            }
            terms.push(row.get("term")?.to_lowercase());
            rows.push(Allergen {
                system: row.get("system")?.to_owned(),
                code: row.get("code")?.to_owned(),
                display: row.get("display")?.to_owned(),
                category: category.to_owned(),
            });
            Ok(())
        })?;
        Ok(Self { words: Words::new("allergens", terms)?, allergens: rows })
    }

    /// The substance of exactly these words.
    #[must_use]
    pub fn lookup(&self, words: &str) -> Option<&Allergen> {
        self.words.index.get(&words.to_lowercase()).and_then(|index| self.allergens.get(*index))
    }

    /// Every substance named inside `within`, longest first match.
    #[must_use]
    pub fn find_in(&self, text: &str, within: Span) -> Vec<Span> {
        self.words.find(text, within).into_iter().map(|(span, _)| span).collect()
    }
}

impl ReactionTable {
    /// Reads `term`, `code`, `display`, `severity`.
    ///
    /// # Errors
    /// An empty term.
    pub fn parse(reactions: &str) -> Result<Self, TableError> {
        let mut terms = Vec::new();
        let mut rows = Vec::new();
        table::read("reactions", reactions, |row| {
            if row.get("term")?.is_empty() {
                return Err(row.error("the term is empty"));
            }
            terms.push(row.get("term")?.to_lowercase());
            rows.push((row.get("code")?.to_owned(), row.get("display")?.to_owned(), row.get("severity")?.to_owned()));
            Ok(())
        })?;
        Ok(Self { words: Words::new("reactions", terms)?, rows })
    }

    /// True when these words name a reaction and nothing else.
    pub(super) fn names(&self, words: &str) -> bool {
        self.words.index.get(&words.to_lowercase()).and_then(|index| self.rows.get(*index)).is_some_and(|row| row.2.is_empty())
    }

    /// Reactions inside `within`, with code and name.
    pub(super) fn reactions_in(&self, text: &str, within: Span) -> Vec<(Span, &str, &str)> {
        let found = self.words.find(text, within).into_iter();
        found
            .filter_map(|(span, index)| self.rows.get(index).map(|row| (span, row)))
            .filter(|(_, row)| row.2.is_empty())
            .map(|(span, row)| (span, row.0.as_str(), row.1.as_str()))
            .collect()
    }

    /// The first word of severity inside `within`, with its grade and code.
    pub(super) fn severity_in(&self, text: &str, within: Span) -> Option<(Span, &str, &str)> {
        let found = self.words.find(text, within).into_iter();
        found
            .filter_map(|(span, index)| self.rows.get(index).map(|row| (span, row)))
            .find(|(_, row)| !row.2.is_empty())
            .map(|(span, row)| (span, row.2.as_str(), row.0.as_str()))
    }
}

/// Terms with one automaton; matches are whole words, longest first.
#[derive(Debug)]
struct Words {
    automaton: AhoCorasick,
    index: HashMap<String, usize>,
}

impl Words {
    fn new(name: &str, terms: Vec<String>) -> Result<Self, TableError> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&terms)
            .map_err(|error| TableError { table: name.to_owned(), line: 1, message: error.to_string() })?;
        let mut index = HashMap::new();
        for (row, term) in terms.into_iter().enumerate() {
            index.entry(term).or_insert(row);
        }
        Ok(Self { automaton, index })
    }

    fn find(&self, text: &str, within: Span) -> Vec<(Span, usize)> {
        let haystack = within.of(text);
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(hit) = haystack.get(from..).and_then(|rest| self.automaton.find(rest)) {
            let span = Span::new(within.start + from + hit.start(), within.start + from + hit.end());
            let before = text[..span.start].chars().next_back();
            let after = text[span.end..].chars().next();
            if before.is_some_and(char::is_alphanumeric) || after.is_some_and(char::is_alphanumeric) {
                let step = text[span.start..].chars().next().map_or(1, char::len_utf8);
                from = span.start + step - within.start;
                continue;
            }
            found.push((span, hit.pattern().as_usize()));
            from = span.end - within.start;
        }
        found
    }
}
