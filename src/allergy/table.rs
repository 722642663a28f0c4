//! Allergen and reaction words, found in a text with one automaton each.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::links::LinkModel;
use super::phrases::{PhraseTable, longest};
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
    phrases: PhraseTable,
    /// Code, name, and severity for a word of severity.
    rows: Vec<(String, String, String)>,
}

/// A reaction as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its words.
    pub span: Span,
    /// SNOMED CT; empty when the free sets have none.
    pub code: String,
    /// Its plain name; None when no table has it.
    pub display: Option<String>,
    /// A reaction by its place alone.
    pub open: bool,
}

/// The texts of the tables.
#[derive(Debug, Clone, Copy)]
pub struct AllergyTexts<'a> {
    /// `vocabularies/allergens.tsv`.
    pub allergens: &'a str,
    /// `vocabularies/reactions.tsv`.
    pub reactions: &'a str,
    /// `vocabularies/reaction_phrases.tsv`.
    pub phrases: &'a str,
    /// `vocabularies/allergy_links.tsv`.
    pub links: &'a str,
}

/// All tables of allergies; build them once per process.
#[derive(Debug)]
pub struct AllergyTables {
    /// `vocabularies/allergens.tsv`.
    pub allergens: AllergyTable,
    /// `vocabularies/reactions.tsv`.
    pub reactions: ReactionTable,
    pub(super) links: LinkModel,
}

impl AllergyTables {
    /// Reads all tables.
    ///
    /// # Errors
    /// The first unreadable row of any.
    pub fn parse(texts: AllergyTexts<'_>) -> Result<Self, TableError> {
        Ok(Self {
            allergens: AllergyTable::parse(texts.allergens)?,
            reactions: ReactionTable::parse(texts.reactions, texts.phrases)?,
            links: LinkModel::parse(texts.links)?,
        })
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
    /// Reads `term`, `code`, `display`, `severity`, and the patterns of phrases.
    ///
    /// # Errors
    /// An empty term, or a pattern that cannot be used.
    pub fn parse(reactions: &str, phrases: &str) -> Result<Self, TableError> {
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
        Ok(Self { words: Words::new("reactions", terms)?, phrases: PhraseTable::parse(phrases)?, rows })
    }

    /// True when these words name a reaction and nothing else.
    pub(super) fn names(&self, words: &str) -> bool {
        self.words.index.get(&words.to_lowercase()).and_then(|index| self.rows.get(*index)).is_some_and(|row| row.2.is_empty())
    }

    /// The kinds of a word of relation.
    pub(super) fn kinds(&self, word: &str) -> &[String] {
        self.phrases.kinds(word)
    }

    /// Reactions inside `within`: terms and phrases, of those that overlap the longest, in order.
    pub(super) fn reactions_in(&self, text: &str, within: Span) -> Vec<Told> {
        let found = self.words.find(text, within).into_iter();
        let terms: Vec<(Span, &(String, String, String))> = found
            .filter_map(|(span, index)| self.rows.get(index).map(|row| (span, row)))
            .filter(|(_, row)| row.2.is_empty())
            .collect();
        let mut spans: Vec<Span> = terms.iter().map(|(span, _)| *span).collect();
        spans.extend(self.phrases.find(text, within));
        let mut told: Vec<Told> = Vec::new();
        for span in longest(spans) {
            let row = terms.iter().rev().find(|(term, _)| span.contains(*term)).map(|(_, row)| *row);
            let (code, display) = row.map_or_else(Default::default, |row| (row.0.clone(), Some(row.1.clone())));
            match told.last_mut() {
                // "blistering rash" is one reaction, named by its last word
                Some(last) if text[last.span.end..span.start] == *" " => {
                    last.span.end = span.end;
                    if display.is_some() {
                        (last.code, last.display) = (code, display);
                    }
                }
                _ => told.push(Told { span, code, display, open: false }),
            }
        }
        told
    }

    /// Words of severity inside `within`, with grade and code, in order.
    pub(super) fn severities_in(&self, text: &str, within: Span) -> Vec<(Span, &str, &str)> {
        let found = self.words.find(text, within).into_iter();
        found
            .filter_map(|(span, index)| self.rows.get(index).map(|row| (span, row)))
            .filter(|(_, row)| !row.2.is_empty())
            .map(|(span, row)| (span, row.2.as_str(), row.0.as_str()))
            .collect()
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
