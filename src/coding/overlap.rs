//! Terms that share words with a phrase, weighted by how rare the words are.

use std::collections::HashMap;

use crate::vocabulary::{TermKind, TermRef, Vocabulary};

/// Words that carry no meaning of their own.
const EMPTY_WORDS: [&str; 46] = [
    "of",
    "and",
    "with",
    "in",
    "on",
    "to",
    "due",
    "or",
    "a",
    "an",
    "by",
    "for",
    "at",
    "from",
    "unspecified",
    "other",
    "not",
    "elsewhere",
    "classified",
    "specified",
    "type",
    "her",
    "his",
    "their",
    "its",
    "my",
    "your",
    "this",
    "that",
    "these",
    "some",
    "any",
    "very",
    "over",
    "into",
    "onto",
    "along",
    "as",
    "is",
    "was",
    "has",
    "have",
    "been",
    "which",
    "he",
    "she",
];

/// Shortest word, in bytes, in which a slip is forgiven.
const SLIP_LENGTH: usize = 6;

/// An inverted index over the words of all diagnosis terms.
pub(super) struct OverlapIndex {
    words: HashMap<String, u32>,
    /// Inverse document frequency of each word.
    weights: Vec<f32>,
    /// The greatest of them.
    rarest: f32,
    /// Terms (indices into `terms`) that hold each word.
    postings: Vec<Vec<u32>>,
    terms: Vec<IndexedTerm>,
    /// Sorted words -> term, for another order of the same words.
    orders: HashMap<Vec<u32>, u32>,
}

struct IndexedTerm {
    /// Index into the vocabulary's diagnoses.
    diagnosis: u32,
    /// Sum of the weights of its words.
    weight: f32,
}

/// A term that shares words with the phrase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Similar {
    /// Index into the vocabulary's diagnoses.
    pub diagnosis: u32,
    /// Weighted overlap, 0 to 1: shared weight over the weight of both together, the term's surplus counted half.
    pub overlap: f32,
}

impl OverlapIndex {
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        let mut index = Self {
            words: HashMap::new(),
            weights: Vec::new(),
            rarest: 0.0,
            postings: Vec::new(),
            terms: Vec::new(),
            orders: HashMap::new(),
        };
        let mut forms: Vec<(&str, u32)> = vocabulary
            .terms
            .iter()
            .filter_map(|(form, meanings)| {
                meanings.iter().find_map(|meaning| match meaning {
                    TermRef::Diagnosis(at) => {
                        let term = &vocabulary.diagnoses[*at as usize];
                        let usable = matches!(term.kind, TermKind::Diagnosis | TermKind::Finding)
                            && !term.codes.is_empty()
                            && term.guard.is_none();
                        usable.then_some((form, *at))
                    }
                    _ => None,
                })
            })
            .collect();
        forms.sort_unstable();
        for (form, diagnosis) in forms {
            let at = u32::try_from(index.terms.len()).unwrap_or(u32::MAX);
            let meaningful = form.split(' ').filter(|word| !EMPTY_WORDS.contains(word));
            let mut ids: Vec<u32> = meaningful.map(|word| index.id(vocabulary.forms.of(word))).collect();
            ids.sort_unstable();
            ids.dedup();
            for id in &ids {
                index.postings[*id as usize].push(at);
            }
            index.orders.entry(ids).or_insert(at);
            index.terms.push(IndexedTerm { diagnosis, weight: 0.0 });
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below the precision of f32")]
        let total = index.terms.len() as f32;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below the precision of f32")]
        let weights: Vec<f32> =
            index.postings.iter().map(|posting| (1.0 + total / (1.0 + posting.len() as f32)).ln()).collect();
        for (word, posting) in index.postings.iter().enumerate() {
            for term in posting {
                index.terms[*term as usize].weight += weights[word];
            }
        }
        index.rarest = weights.iter().copied().fold(0.0_f32, f32::max);
        index.weights = weights;
        index
    }

    /// How rare the form of a word is among the terms; one that no term has is as rare as the rarest.
    pub(super) fn weight(&self, form: &str) -> f32 {
        if EMPTY_WORDS.contains(&form) {
            return 0.0;
        }
        self.words.get(form).map_or(self.rarest, |id| self.weights[*id as usize])
    }

    fn id(&mut self, word: &str) -> u32 {
        if let Some(id) = self.words.get(word) {
            return *id;
        }
        let id = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
        self.words.insert(word.to_owned(), id);
        self.postings.push(Vec::new());
        id
    }

    /// The word of the terms that a long word is a slip of one letter away from; of several the most frequent. None for a known word.
    pub(super) fn corrected(&self, word: &str) -> Option<&str> {
        let wrong =
            word.len() >= SLIP_LENGTH && word.bytes().all(|byte| byte.is_ascii_lowercase()) && !self.words.contains_key(word);
        if !wrong {
            return None;
        }
        let near = self.words.iter().filter(|(known, _)| {
            known.len() >= SLIP_LENGTH
                && known.as_bytes().first() == word.as_bytes().first()
                && known.len().abs_diff(word.len()) <= 1
                && crate::text::one_slip(known, word)
        });
        // of equally frequent ones the first by the alphabet, so that the answer is always the same
        let best = near.max_by_key(|(known, id)| (self.postings[**id as usize].len(), std::cmp::Reverse(known.as_str())));
        best.map(|(known, _)| known.as_str())
    }

    /// Share of the weight of a phrase that a part of it holds, 0 to 1.
    pub(super) fn share(&self, part: &[&str], phrase: &[&str]) -> f32 {
        let all: f32 = phrase.iter().map(|form| self.weight(form)).sum();
        let held: f32 = phrase.iter().filter(|form| part.contains(form)).map(|form| self.weight(form)).sum();
        if all > 0.0 { held / all } else { 0.0 }
    }

    fn ids(&self, words: &[&str]) -> Option<Vec<u32>> {
        let meaningful = words.iter().filter(|word| !EMPTY_WORDS.contains(word));
        let mut ids = meaningful.map(|word| self.words.get(*word).copied()).collect::<Option<Vec<u32>>>()?;
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    /// The term with the same forms of words in another order.
    pub(super) fn reordered(&self, words: &[&str]) -> Option<u32> {
        let ids = self.ids(words)?;
        if ids.is_empty() {
            return None;
        }
        self.orders.get(&ids).map(|term| self.terms[*term as usize].diagnosis)
    }

    /// The terms that share most forms of words, best first, at most `limit`.
    pub(super) fn similar(&self, words: &[&str], limit: usize) -> Vec<Similar> {
        let mut phrase_weight = 0.0;
        let mut shared: HashMap<u32, f32> = HashMap::new();
        let mut seen: Vec<&str> = Vec::new();
        for word in words.iter().filter(|word| !EMPTY_WORDS.contains(word)) {
            if seen.contains(word) {
                continue;
            }
            seen.push(word);
            let Some(id) = self.words.get(*word) else {
                phrase_weight += self.rarest * 0.6;
                continue;
            };
            let weight = self.weights[*id as usize];
            phrase_weight += weight;
            for term in &self.postings[*id as usize] {
                *shared.entry(*term).or_default() += weight;
            }
        }
        if phrase_weight <= 0.0 {
            return Vec::new();
        }
        let mut similar: Vec<Similar> = shared
            .into_iter()
            .map(|(term, weight)| {
                let term = &self.terms[term as usize];
                let surplus = (term.weight - weight).max(0.0);
                Similar { diagnosis: term.diagnosis, overlap: weight / (phrase_weight + 0.5 * surplus) }
            })
            .collect();
        similar
            .sort_unstable_by(|left, right| right.overlap.total_cmp(&left.overlap).then(left.diagnosis.cmp(&right.diagnosis)));
        similar.truncate(limit);
        similar
    }
}
