//! All surface forms in one tree of words: normalised words, one edge each, matched on word edges.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::{
    domain::{Span, table::TableError},
    text::{Document, each_word},
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
pub struct TermsBuilder {
    forms: Vec<(String, TermRef)>,
}

/// Surface forms as a tree: from the root, one edge for each word.
#[derive(Debug, Default)]
pub struct Terms {
    /// The words of all forms.
    words: FxHashMap<Box<str>, u32>,
    /// Node and word -> next node; the root is node 0.
    edges: FxHashMap<(u32, u32), u32>,
    /// The form that ends at each node; [`NO_FORM`] where none does.
    ending: Vec<u32>,
    /// All forms, sorted, one behind the other, and where each ends.
    text: String,
    text_ends: Vec<usize>,
    /// Their meanings, and where those of each form end.
    meanings: Vec<TermRef>,
    meaning_ends: Vec<usize>,
}

const NO_FORM: u32 = u32::MAX;

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

/// The normalised form of a term: folded words joined by single spaces, without "the".
#[must_use]
pub fn normalize_term(term: &str) -> String {
    let mut out = String::with_capacity(term.len());
    each_word(term, |_, folded| {
        if folded != "the" {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(folded);
        }
    });
    out
}

impl TermsBuilder {
    /// Adds a meaning to a surface form; meanings keep the order in which they are added.
    pub fn add(&mut self, term: &str, meaning: TermRef) {
        self.forms.push((term.to_owned(), meaning));
    }

    /// Normalises the forms, on all cores, and grows the tree. The same meaning twice counts once; forms without letters are left
    /// out.
    ///
    /// # Errors
    /// When there are more forms or words than a number of 32 bits can tell.
    pub fn build(self) -> Result<Terms, TableError> {
        let mut forms: Vec<(String, TermRef)> =
            self.forms.into_par_iter().map(|(term, meaning)| (normalize_term(&term), meaning)).collect();
        // stable: the meanings of a form keep their order
        forms.par_sort_by(|left, right| left.0.cmp(&right.0));
        let mut terms = Terms { ending: vec![NO_FORM], ..Terms::default() };
        // the nodes along the form before, which in sorted order shares its beginning with the next one
        let mut path: Vec<(u32, u32)> = Vec::new();
        for group in forms.chunk_by(|left, right| left.0 == right.0) {
            let form = group[0].0.as_str();
            if form.chars().any(char::is_alphabetic) {
                terms.add(form, &mut path)?;
                let first = terms.meaning_ends.last().copied().unwrap_or_default();
                for (_, meaning) in group {
                    if !terms.meanings[first..].contains(meaning) {
                        terms.meanings.push(*meaning);
                    }
                }
                terms.meaning_ends.push(terms.meanings.len());
            }
        }
        Ok(terms)
    }
}

impl Terms {
    /// Adds a form that comes after all others in the order of forms. `path`: word and node along the form before.
    fn add(&mut self, form: &str, path: &mut Vec<(u32, u32)>) -> Result<(), TableError> {
        let full = || TableError { table: "all terms".to_owned(), line: 0, message: "there are too many terms".to_owned() };
        let number = |length: usize| u32::try_from(length).ok().filter(|number| *number != NO_FORM).ok_or_else(full);
        let at = number(self.text_ends.len())?;
        let mut node = 0;
        for (depth, word) in form.split(' ').enumerate() {
            let word = match self.words.get(word) {
                Some(known) => *known,
                None => {
                    let new = number(self.words.len())?;
                    self.words.insert(word.into(), new);
                    new
                }
            };
            if path.get(depth).is_some_and(|(known, _)| *known == word) {
                node = path[depth].1;
                continue;
            }
            path.truncate(depth);
            let next = number(self.ending.len())?;
            self.edges.insert((node, word), next);
            self.ending.push(NO_FORM);
            path.push((word, next));
            node = next;
        }
        self.ending[node as usize] = at;
        self.text.push_str(form);
        self.text_ends.push(self.text.len());
        Ok(())
    }

    /// What a normalised form (see [`normalize_term`]) stands for; empty when it is not a term.
    #[must_use]
    pub fn lookup(&self, form: &str) -> &[TermRef] {
        let step = |node, word| self.edges.get(&(node, *self.words.get(word)?)).copied();
        let node = form.split(' ').try_fold(0, step);
        node.map_or(&[], |node| self.meanings_of(self.ending[node as usize]))
    }

    /// Meanings of a form by its number; none of [`NO_FORM`].
    fn meanings_of(&self, form: u32) -> &[TermRef] {
        let at = form as usize;
        let Some(end) = self.meaning_ends.get(at) else { return &[] };
        let start = at.checked_sub(1).map_or(0, |before| self.meaning_ends[before]);
        &self.meanings[start..*end]
    }

    /// How many surface forms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text_ends.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text_ends.is_empty()
    }

    /// All forms with their meanings, by form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[TermRef])> {
        let starts = std::iter::once(0).chain(self.text_ends.iter().copied());
        let forms = starts.zip(&self.text_ends).map(|(start, end)| &self.text[start..*end]);
        forms.zip(0..).map(|(form, at)| (form, self.meanings_of(at)))
    }

    /// Every term that stands in the document on word edges, overlapping ones too, by start and then longest first.
    /// A term never crosses a sentence, or one of `. ; : ( ) [ ]` between two words.
    #[must_use]
    pub fn find<'a>(&'a self, document: &Document) -> Vec<TermMatch<'a>> {
        let words = self.words_of(document);
        let mut found = Vec::new();
        let mut ends: Vec<(usize, u32)> = Vec::new();
        for (at, first) in words.iter().enumerate() {
            let mut node = 0;
            for (place, word) in words[at..].iter().enumerate() {
                if place > 0 && word.begins {
                    break;
                }
                let Some(next) = word.number.and_then(|number| self.edges.get(&(node, number))) else { break };
                node = *next;
                if self.ending[node as usize] != NO_FORM {
                    ends.push((word.index, self.ending[node as usize]));
                }
            }
            for (last, form) in ends.drain(..).rev() {
                let span = Span::new(document.words[first.index].span.start, document.words[last].span.end);
                found.push(TermMatch { span, words: (first.index, last + 1), meanings: self.meanings_of(form) });
            }
        }
        found
    }

    /// The words of a document but for "the".
    fn words_of(&self, document: &Document) -> Vec<NoteWord> {
        let mut words = Vec::with_capacity(document.words.len());
        let mut sentence = 0;
        let mut previous: Option<(Span, usize)> = None;
        let mut begins = true;
        for (index, word) in document.words.iter().enumerate() {
            while document.sentences.get(sentence + 1).is_some_and(|next| next.span.start <= word.span.start) {
                sentence += 1;
            }
            begins |= previous.is_none_or(|(before, before_sentence)| {
                let gap = document.text.get(before.end..word.span.start).unwrap_or_default();
                before_sentence != sentence || gap.contains(['.', ';', ':', '(', ')', '[', ']'])
            });
            previous = Some((word.span, sentence));
            if word.folded != "the" {
                words.push(NoteWord { index, number: self.words.get(word.folded.as_str()).copied(), begins });
                begins = false;
            }
        }
        words
    }
}

/// A word of a document.
struct NoteWord {
    /// Its place in the document.
    index: usize,
    /// Its number, when a form has it.
    number: Option<u32>,
    /// Whether no term may go on into it from the word before.
    begins: bool,
}
