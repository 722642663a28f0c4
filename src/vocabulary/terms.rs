//! All surface forms in one automaton: normalised words, matched on word edges.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use rayon::prelude::*;

use crate::{
    domain::{Span, table::TableError},
    text::{Document, Word, words},
};

/// What a surface form stands for: an index into the vocabulary's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermRef {
    /// Into `diagnoses`.
    Diagnosis(u32),
    /// Into `medications`.
    Medication(u32),
    /// Into `classes`.
    Class(u32),
    /// Into `allergens`.
    Allergen(u32),
}

/// Collects surface forms.
#[derive(Debug, Default)]
pub(super) struct TermsBuilder {
    forms: Vec<(String, TermRef)>,
}

/// Surface forms and the automaton over them.
#[derive(Debug)]
pub struct Terms {
    automaton: AhoCorasick,
    /// Meanings of each pattern, in the order of the patterns.
    meanings: Vec<Vec<TermRef>>,
    index: HashMap<String, u32>,
}

/// A surface form found in a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermMatch<'a> {
    /// Where it stands.
    pub span: Span,
    /// First and one past the last of its words in the document.
    pub words: (usize, usize),
    /// What it may stand for.
    pub meanings: &'a [TermRef],
}

/// Separates words that must not be joined into one term.
const BREAK: &str = "\u{1}";

/// The normalised form of a term: folded words joined by single spaces, without "the".
#[must_use]
pub fn normalize_term(term: &str) -> String {
    join(words(term).iter())
}

fn join<'a>(words: impl Iterator<Item = &'a Word>) -> String {
    let mut out = String::new();
    for word in words.filter(|word| word.folded != "the") {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word.folded);
    }
    out
}

impl TermsBuilder {
    /// Adds a meaning to a surface form; meanings keep the order in which they are added.
    pub fn add(&mut self, term: &str, meaning: TermRef) {
        self.forms.push((term.to_owned(), meaning));
    }

    /// Normalises the forms (on all cores: it is most of the loading) and builds the automaton. The same meaning twice counts
    /// once; forms without letters are left out.
    pub fn build(self) -> Result<Terms, TableError> {
        let normal: Vec<(String, TermRef)> =
            self.forms.into_par_iter().map(|(term, meaning)| (normalize_term(&term), meaning)).collect();
        let mut grouped: HashMap<String, Vec<TermRef>> = HashMap::with_capacity(normal.len());
        for (form, meaning) in normal {
            if form.chars().any(char::is_alphabetic) {
                let meanings = grouped.entry(form).or_default();
                if !meanings.contains(&meaning) {
                    meanings.push(meaning);
                }
            }
        }
        let mut forms: Vec<(String, Vec<TermRef>)> = grouped.into_iter().collect();
        forms.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(forms.iter().map(|(form, _)| format!(" {form} ")))
            .map_err(|error| TableError { table: "all terms".to_owned(), line: 0, message: error.to_string() })?;
        let mut meanings = Vec::with_capacity(forms.len());
        let mut index = HashMap::with_capacity(forms.len());
        for (at, (form, meaning)) in forms.into_iter().enumerate() {
            index.insert(form, u32::try_from(at).unwrap_or(u32::MAX));
            meanings.push(meaning);
        }
        Ok(Terms { automaton, meanings, index })
    }
}

impl Terms {
    /// What a normalised form (see [`normalize_term`]) stands for; empty when it is not a term.
    #[must_use]
    pub fn lookup(&self, form: &str) -> &[TermRef] {
        self.index.get(form).and_then(|at| self.meanings.get(*at as usize)).map_or(&[], Vec::as_slice)
    }

    /// How many surface forms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.meanings.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meanings.is_empty()
    }

    /// All forms with their meanings, in no stated order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[TermRef])> {
        self.index.iter().map(|(form, at)| (form.as_str(), self.meanings[*at as usize].as_slice()))
    }

    /// Every term that stands in the document on word edges, overlapping ones too, by start and then longest first.
    /// A term never crosses a sentence, or one of `. ; : ( ) [ ]` between two words.
    #[must_use]
    pub fn find<'a>(&'a self, document: &Document) -> Vec<TermMatch<'a>> {
        let mut text = String::with_capacity(document.text.len() + 2);
        // offset in `text` where a word begins -> its index; and where it ends
        let mut starts: Vec<(usize, usize)> = Vec::with_capacity(document.words.len());
        let mut ends: Vec<(usize, usize)> = Vec::with_capacity(document.words.len());
        text.push(' ');
        let mut sentence = 0;
        let mut previous: Option<(Span, usize)> = None;
        for (index, word) in document.words.iter().enumerate() {
            while document.sentences.get(sentence + 1).is_some_and(|next| next.span.start <= word.span.start) {
                sentence += 1;
            }
            if let Some((before, before_sentence)) = previous {
                let gap = document.text.get(before.end..word.span.start).unwrap_or_default();
                if before_sentence != sentence || gap.contains(['.', ';', ':', '(', ')', '[', ']']) {
                    text.push_str(BREAK);
                    text.push(' ');
                }
            }
            previous = Some((word.span, sentence));
            if word.folded == "the" {
                continue;
            }
            starts.push((text.len(), index));
            text.push_str(&word.folded);
            ends.push((text.len(), index));
            text.push(' ');
        }
        let mut found: Vec<TermMatch<'a>> = self
            .automaton
            .find_overlapping_iter(&text)
            .filter_map(|hit| {
                // a hit includes the space before and after
                let first = starts.binary_search_by_key(&(hit.start() + 1), |mark| mark.0).ok()?;
                let last = ends.binary_search_by_key(&(hit.end() - 1), |mark| mark.0).ok()?;
                let (first, last) = (starts[first].1, ends[last].1);
                let span = Span::new(document.words[first].span.start, document.words[last].span.end);
                Some(TermMatch { span, words: (first, last + 1), meanings: &self.meanings[hit.pattern().as_usize()] })
            })
            .collect();
        found.sort_unstable_by_key(|hit| (hit.span.start, std::cmp::Reverse(hit.span.end)));
        found
    }
}
