//! Reactions that speech builds out of words, "lips go numb", "swelling of the tongue", "LFTs up", by the patterns of
//! `vocabularies/reaction_phrases.tsv`.

use std::collections::{BTreeMap, HashMap};

use regex::Regex;

use crate::domain::Span;
use crate::domain::table::{self, TableError};
use crate::text;

/// The patterns of phrases, and the kinds of words that say how a reaction and a substance hang together.
#[derive(Debug)]
pub(super) struct PhraseTable {
    phrases: Vec<Regex>,
    /// What a pattern of endings takes though it is no reaction.
    except: Option<Regex>,
    /// Kind of a word of relation.
    words: HashMap<String, Vec<String>>,
}

impl PhraseTable {
    /// Reads `kind`, `name`, `pattern`.
    ///
    /// # Errors
    /// An unknown kind, or a pattern that cannot be compiled.
    pub(super) fn parse(text: &str) -> Result<Self, TableError> {
        let mut classes: BTreeMap<String, String> = BTreeMap::new();
        let (mut phrases, mut except) = (Vec::new(), None);
        let mut words: HashMap<String, Vec<String>> = HashMap::new();
        table::read("reaction_phrases", text, |row| {
            let (name, pattern) = (row.get("name")?, row.get("pattern")?);
            let compile = || {
                let filled = classes.iter().fold(pattern.to_owned(), |so_far, (class, words)| {
                    so_far.replace(&format!("{{{class}}}"), &format!("(?:{words})"))
                });
                text::pattern::compile(&format!(r"(?i)\b(?:{filled})\b")).map_err(|error| row.error(error.to_string()))
            };
            match row.get("kind")? {
                "class" => {
                    classes.insert(name.to_owned(), pattern.to_owned());
                }
                "phrase" => phrases.push(compile()?),
                "except" => except = Some(compile()?),
                "relation" => {
                    for word in pattern.split('|') {
                        words.entry(word.to_owned()).or_default().push(name.to_owned());
                    }
                }
                _ => return Err(row.error("kind is class, phrase, except or relation")),
            }
            Ok(())
        })?;
        Ok(Self { phrases, except, words })
    }

    /// Every phrase inside `within`; of those that overlap the longest, in order.
    pub(super) fn find(&self, text: &str, within: Span) -> Vec<Span> {
        let words = within.of(text);
        let mut found: Vec<Span> = Vec::new();
        for pattern in &self.phrases {
            for captures in pattern.captures_iter(words) {
                let Some(hit) = captures.name("r").or_else(|| captures.get(0)) else { continue };
                let is_whole = |except: &Regex| except.find(hit.as_str()).is_some_and(|one| one.len() == hit.len());
                if !self.except.as_ref().is_some_and(is_whole) {
                    found.push(Span::new(within.start + hit.start(), within.start + hit.end()));
                }
            }
        }
        longest(found)
    }

    /// The kinds of a word of relation: "cause", "suffer".
    pub(super) fn kinds(&self, word: &str) -> &[String] {
        self.words.get(word).map_or(&[], Vec::as_slice)
    }
}

/// Of spans that overlap the longest, in order.
pub(super) fn longest(mut found: Vec<Span>) -> Vec<Span> {
    found.sort_by_key(|span| (std::cmp::Reverse(span.len()), span.start));
    let mut kept: Vec<Span> = Vec::with_capacity(found.len());
    for span in found {
        if !kept.iter().any(|other| other.overlaps(span)) {
            kept.push(span);
        }
    }
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_built_of_words() {
        let table = PhraseTable::parse(include_str!("../../vocabularies/reaction_phrases.tsv")).expect("our own table");
        for (text, wanted) in [
            ("and her lips went numb at once", "lips went numb"),
            ("had swelling of the tongue", "swelling of the tongue"),
            ("his LFTs were up", "LFTs were up"),
            ("it made her drowsy", "drowsy"),
            ("a flu-like illness", "flu-like illness"),
            ("could not breathe", "could not breathe"),
            ("with pancytopenia", "pancytopenia"),
            ("a blistering rash", "blistering rash"),
        ] {
            let found: Vec<&str> = table.find(text, Span::new(0, text.len())).into_iter().map(|span| span.of(text)).collect();
            assert_eq!(found, [wanted], "{text}");
        }
        assert!(table.find("on dialysis", Span::new(0, 11)).is_empty());
        assert!(PhraseTable::parse("kind\tname\tpattern\nphrase\tbroken\t(\n").is_err());
    }
}
