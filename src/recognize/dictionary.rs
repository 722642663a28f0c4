//! The dictionary recogniser: terms of the vocabularies, with the guards that keep ordinary words out.
//!
//! Policy: among the terms that their guards allow, the longest wins, whichever vocabulary it comes from; of two equally long
//! ones the earlier; phrases that are known not to be diagnoses ("hernia repair") win like terms and yield nothing.

use super::pack_terms::{PACK_SOURCE, PackMatch, PackTerms};
use crate::{
    domain::{MentionKind, Span},
    text::{Document, Section},
    vocabulary::{AbbreviationGuard, CaseGuard, DiagnosisTerm, TermKind, TermMatch, TermRef, Vocabulary},
};

/// A term found in the note that its guards allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it stands.
    pub span: Span,
    /// What it names.
    pub kind: MentionKind,
    /// What it stands for, preferred meaning first.
    pub meanings: Vec<TermRef>,
    /// The vocabulary that has it, for `evidence[].sources`.
    pub source: String,
}

/// What the dictionary finds in a note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Diagnoses and medications, without overlaps, in order.
    pub mentions: Vec<Candidate>,
    /// Words that may be allergens where the context speaks of allergies, without overlaps, in order.
    pub allergens: Vec<Candidate>,
    /// Phrases that are known not to be diagnoses.
    pub blocked: Vec<Span>,
}

/// Sections in which a sign or symptom is listed as a diagnosis.
#[must_use]
pub fn lists_diagnoses(section: &str) -> bool {
    section.contains("diagnos")
        || section.contains("assessment")
        || section.contains("impression")
        || matches!(section, "problem_list" | "past_medical_history" | "indications" | "preoperative_diagnosis")
}

/// Sections in which medications are listed.
#[must_use]
pub fn lists_medications(section: &str) -> bool {
    section.contains("medication")
}

/// Finds terms.
#[must_use]
pub fn find(document: &Document, vocabulary: &Vocabulary) -> Found {
    find_with(document, vocabulary, None)
}

/// Finds terms, also those of the site's pack, which go before others of the same words.
#[must_use]
pub fn find_with(document: &Document, vocabulary: &Vocabulary, pack: Option<&PackTerms>) -> Found {
    let mut found = Found::default();
    let mut allowed: Vec<(TermMatch<'_>, Reading)> = Vec::new();
    let mut allergens: Vec<(Span, TermRef)> = Vec::new();
    let mut of_pack: Vec<Candidate> = Vec::new();
    // first: a sort that keeps the order of equals leaves them before the vocabularies' own
    for PackMatch { span, words, kind } in pack.map(|pack| pack.find(document)).unwrap_or_default() {
        if kind == MentionKind::Allergen {
            of_pack.push(Candidate { span, kind, meanings: Vec::new(), source: PACK_SOURCE.to_owned() });
        } else {
            allowed.push((TermMatch { span, words, meanings: &[] }, Reading::Mention { kind, meanings: Vec::new() }));
        }
    }
    for hit in vocabulary.terms.find(document) {
        let reader = Reader { document, vocabulary, hit };
        if let Some(reading) = reader.read() {
            allowed.push((hit, reading));
        }
        for meaning in hit.meanings {
            if matches!(meaning, TermRef::Allergen(_)) {
                allergens.push((hit.span, *meaning));
            }
        }
    }
    allowed.sort_by_key(|(hit, _)| {
        (std::cmp::Reverse(hit.words.1 - hit.words.0), std::cmp::Reverse(hit.span.len()), hit.span.start)
    });
    let mut taken: Vec<Span> = Vec::new();
    for (hit, reading) in allowed {
        if taken.iter().any(|span| span.overlaps(hit.span)) {
            continue;
        }
        taken.push(hit.span);
        match reading {
            Reading::Blocked => found.blocked.push(hit.span),
            Reading::Mention { kind, meanings } => {
                // what a term of the pack stands for is no row of a vocabulary
                let source = meanings.first().map_or_else(|| PACK_SOURCE.to_owned(), |meaning| source(vocabulary, *meaning));
                found.mentions.push(Candidate { span: hit.span, kind, meanings, source });
            }
        }
    }
    found.mentions.sort_by_key(|candidate| candidate.span);
    of_pack.sort_by_key(|candidate| (std::cmp::Reverse(candidate.span.len()), candidate.span.start));
    for candidate in of_pack {
        if !found.allergens.iter().any(|known| known.span.overlaps(candidate.span)) {
            found.allergens.push(candidate);
        }
    }
    allergens.sort_by_key(|(span, _)| (std::cmp::Reverse(span.len()), span.start));
    for (span, meaning) in allergens {
        if let Some(same) = found.allergens.iter_mut().find(|candidate| candidate.span == span) {
            same.meanings.push(meaning);
        } else if !found.allergens.iter().any(|candidate| candidate.span.overlaps(span)) {
            found.allergens.push(Candidate {
                span,
                kind: MentionKind::Allergen,
                meanings: vec![meaning],
                source: "dictionary:allergens".to_owned(),
            });
        }
    }
    found.allergens.sort_by_key(|candidate| candidate.span);
    found
}

fn source(vocabulary: &Vocabulary, meaning: TermRef) -> String {
    let name = match meaning {
        TermRef::Diagnosis(index) => vocabulary.diagnoses[index as usize].source.as_str(),
        TermRef::Medication(index) => vocabulary.medications[index as usize].source.as_str(),
        TermRef::Class(_) => "drug_classes",
        TermRef::Allergen(_) => "allergens",
    };
    format!("dictionary:{name}")
}

enum Reading {
    Blocked,
    Mention { kind: MentionKind, meanings: Vec<TermRef> },
}

struct Reader<'a> {
    document: &'a Document,
    vocabulary: &'a Vocabulary,
    hit: TermMatch<'a>,
}

impl Reader<'_> {
    fn read(&self) -> Option<Reading> {
        let mut diagnoses = Vec::new();
        let mut substances = Vec::new();
        let mut stopped = false;
        for meaning in self.hit.meanings {
            match *meaning {
                TermRef::Diagnosis(index) => {
                    let term = &self.vocabulary.diagnoses[index as usize];
                    if !sense_allowed(self.document, self.hit.span, term) {
                        continue;
                    }
                    match term.kind {
                        TermKind::NotDiagnosis if diagnoses.is_empty() => return Some(Reading::Blocked),
                        TermKind::NotDiagnosis => {}
                        TermKind::Stop => stopped = true,
                        TermKind::Finding if !self.in_list_of_diagnoses() => stopped = true,
                        TermKind::Finding | TermKind::Diagnosis => diagnoses.push(*meaning),
                    }
                }
                TermRef::Medication(index) => {
                    if self.medication_allowed(self.vocabulary.medications[index as usize].guard) {
                        substances.push(*meaning);
                    }
                }
                TermRef::Class(_) => substances.push(*meaning),
                TermRef::Allergen(_) => {}
            }
        }
        if !diagnoses.is_empty() && !stopped {
            Some(Reading::Mention { kind: MentionKind::Diagnosis, meanings: diagnoses })
        } else if !substances.is_empty() {
            Some(Reading::Mention { kind: MentionKind::Medication, meanings: substances })
        } else {
            None
        }
    }

    fn in_list_of_diagnoses(&self) -> bool {
        lists_diagnoses(self.document.section_kind_at(self.hit.span))
    }

    fn medication_allowed(&self, guard: CaseGuard) -> bool {
        let surface = self.hit.span.of(&self.document.text);
        let listed = || lists_medications(self.document.section_kind_at(self.hit.span));
        match guard {
            CaseGuard::None => true,
            CaseGuard::Analyte => self.dose_near() || (listed() && !self.number_follows()),
            CaseGuard::Word => {
                let capital = surface.starts_with(|letter: char| letter.is_uppercase());
                let mixed = capital && surface.chars().any(char::is_lowercase);
                self.dose_near() || listed() || (mixed && !self.starts_sentence())
            }
        }
    }

    fn starts_sentence(&self) -> bool {
        self.document.sentence_at(self.hit.span).is_none_or(|sentence| {
            !self.document.text[sentence.span.start..self.hit.span.start].chars().any(char::is_alphabetic)
        })
    }

    /// A number with a unit of dose within the next four or the last three words.
    fn dose_near(&self) -> bool {
        const UNITS: [&str; 14] =
            ["mg", "mcg", "g", "gram", "ml", "cc", "unit", "tablet", "tab", "capsule", "puff", "drop", "iu", "meq"];
        let words = &self.document.words;
        let after = &words[self.hit.words.1..(self.hit.words.1 + 4).min(words.len())];
        let before = &words[self.hit.words.0.saturating_sub(3)..self.hit.words.0];
        [after, before].into_iter().any(|window| {
            window.iter().any(|word| {
                let unit = word.folded.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
                UNITS.contains(&unit)
            })
        })
    }

    fn number_follows(&self) -> bool {
        self.document
            .words
            .get(self.hit.words.1)
            .is_some_and(|word| word.folded.chars().all(|c| c.is_ascii_digit() || c == '.'))
            && !self.dose_near()
    }
}

/// Whether the words at `span` may be read as `term`: for abbreviations by case and context, always for other terms.
#[must_use]
pub fn sense_allowed(document: &Document, span: Span, term: &DiagnosisTerm) -> bool {
    let Some(guard) = term.guard else { return true };
    if !written_as(span.of(&document.text), &term.term) {
        return false;
    }
    let near = |words: &[String]| words.iter().any(|word| word_near(document, span, word));
    if near(&term.context.forbids) {
        return false;
    }
    let in_context = !term.context.needs.is_empty() && near(&term.context.needs);
    match guard {
        AbbreviationGuard::Context => {
            in_context && (term.term.len() > 3 || !span.of(&document.text).chars().any(char::is_lowercase))
        }
        AbbreviationGuard::Any => term.context.needs.is_empty() || in_context,
        AbbreviationGuard::Upper => {
            let surface = span.of(&document.text).trim_end_matches("'s");
            let written_upper =
                surface.chars().any(char::is_alphabetic) && !surface.trim_end_matches('s').chars().any(char::is_lowercase);
            let same_case = surface == term.term;
            let unshouted = surface.chars().count() > 3 || !shouted(document, span);
            (term.context.needs.is_empty() || in_context)
                && (same_case || written_upper)
                && (unshouted || in_context || lists_diagnoses(document.section_kind_at(span)))
        }
    }
}

/// An abbreviation is folded like any word to be found ("AIDS" becomes "aid"), so its letters are compared here.
fn written_as(surface: &str, term: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
    let (surface, term) = (letters(surface), letters(term));
    surface == term || surface.strip_suffix('s') == Some(term.as_str())
}

/// The sentence is in capitals, so capitals say nothing.
pub(super) fn shouted(document: &Document, span: Span) -> bool {
    document.sentence_at(span).is_some_and(|sentence| {
        let text = sentence.span.of(&document.text);
        let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
        letters > span.len() + 8 && !text.chars().any(char::is_lowercase)
    })
}

/// Words on each side of a term among which its context is looked for: a sentence that is longer is none, and each term in it would read all of it.
const NEAR: usize = 200;

fn word_near(document: &Document, span: Span, phrase: &str) -> bool {
    let Some(sentence) = document.sentence_at(span) else { return false };
    let own = document.words_in(span);
    let contains = |area: Span| {
        let area = document.words_in(area);
        let near = area.start.max(own.start.saturating_sub(NEAR))..area.end.min(own.end + NEAR);
        let words = document.words.get(if area.contains(&own.start) { near } else { area }).unwrap_or_default();
        let wanted: Vec<&str> = phrase.split(' ').collect();
        words.windows(wanted.len()).any(|window| {
            window.iter().zip(&wanted).all(|(word, wanted)| word.folded == *wanted) && !span.overlaps(window[0].span)
        })
    };
    let heading = document.sections.get(sentence.section).and_then(|section: &Section| section.title);
    contains(sentence.span) || heading.is_some_and(contains)
}
