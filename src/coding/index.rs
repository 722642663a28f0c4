//! Codes through the Alphabetic Index: main term in the mention, the words below it in the mention or near it.

use std::collections::HashSet;

use super::{overlap::OverlapIndex, proposals::QUALIFIERS};
use crate::vocabulary::{IndexEntry, Vocabulary};

/// A path that fits a phrase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    /// The line of the index.
    pub entry: &'a IndexEntry,
    /// Share of the phrase's meaning that the path explains, 0 to 1.
    pub explained: f32,
    /// How many of its words stand near the phrase, not in it.
    pub near: usize,
}

/// Sides: codes of the index leave them open.
const SIDES: [&str; 9] = ["left", "right", "bilateral", "bilaterally", "both", "lt", "rt", "sided", "side"];

/// What a phrase says is not there: the word that says so, and the words after it.
fn denied<'a, 'b>(phrase: &'b [&'a str]) -> (&'a str, &'b [&'a str]) {
    let at = phrase.iter().position(|form| ["without", "no", "not"].contains(form));
    at.map_or(("", &[]), |at| (phrase[at], &phrase[at + 1..]))
}

/// Paths that fit the forms of words, best first, at most `limit`. All words of a path must be there: the main term's in the phrase, the
/// others in the phrase or in `near`.
pub(super) fn paths<'a>(
    (vocabulary, weights): (&'a Vocabulary, &OverlapIndex),
    phrase: &[&str],
    near: &HashSet<String>,
    limit: usize,
) -> Vec<Path<'a>> {
    let forms: Vec<(&str, f32)> =
        phrase.iter().filter(|form| !SIDES.contains(form)).map(|form| (*form, weights.weight(form))).collect();
    let (denial, denied) = denied(phrase);
    let mut found: Vec<Path<'a>> = Vec::new();
    // what is denied explains nothing, and need not be explained
    let affirmed = &forms[..forms.iter().position(|(form, _)| *form == denial).unwrap_or(forms.len())];
    for (form, _) in &forms {
        for entry in vocabulary.index.under(form) {
            let is_meant = denial.is_empty() || entry.path.contains(denial);
            let forms = if is_meant { &forms[..] } else { affirmed };
            let missing = |word: &&String| !forms.iter().any(|(form, _)| form == word);
            if entry.main.iter().any(|word| missing(&word)) || found.iter().any(|known| std::ptr::eq(known.entry, entry)) {
                continue;
            }
            // "appendicitis without perforation" is none with perforation; a path that says "without" itself is meant
            if !is_meant && entry.words.iter().any(|word| denied.contains(&word.as_str())) {
                continue;
            }
            let outside: Vec<&String> = entry.words.iter().filter(missing).collect();
            if outside.iter().any(|word| !near.contains(*word)) {
                continue;
            }
            let (mut all, mut said) = (0.0, 0.0);
            for (form, weight) in forms {
                if entry.words.iter().any(|word| word == form) {
                    all += weight;
                    said += weight;
                } else if !entry.nonessential.iter().any(|word| word == form) {
                    // what only describes counts little
                    all += if QUALIFIERS.contains(form) { weight * 0.15 } else { *weight };
                }
            }
            found.push(Path { entry, explained: if all > 0.0 { said / all } else { 0.0 }, near: outside.len() });
        }
    }
    let inside = |path: &Path<'_>| path.entry.words.len() - path.near;
    found.sort_by(|one, other| {
        other
            .explained
            .total_cmp(&one.explained)
            .then(inside(other).cmp(&inside(one)))
            .then(other.near.cmp(&one.near))
            .then(one.entry.path.cmp(&other.entry.path))
    });
    found.truncate(limit);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_stands_behind_its_word() {
        assert_eq!(denied(&["acute", "appendicitis", "without", "perforation"]), ("without", &["perforation"][..]));
        assert_eq!(denied(&["gout"]), ("", &[][..]));
        assert_eq!(denied(&["migraine", "not", "intractable"]), ("not", &["intractable"][..]));
    }
}
