//! Terms of the site's pack in a note: the same tree of words, folding and edges as the dictionary's, with the guards of short words.

use super::dictionary::{lists_diagnoses, lists_medications, shouted};
use crate::{
    domain::{EntryKind, MentionKind, SiteTerm, Span, table::TableError},
    text::Document,
    vocabulary::{TermRef, Terms, TermsBuilder},
};

/// What stands in `evidence[].sources` for a term of the site's pack.
pub const PACK_SOURCE: &str = "dictionary:site_pack";

/// A word of so many letters or fewer is an abbreviation: "MS" is found, the "Ms" of a name is not.
const SHORT: usize = 3;

/// The terms of a pack as a tree of words.
pub struct PackTerms {
    terms: Terms,
}

/// A term of the pack that stands in a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackMatch {
    pub span: Span,
    /// First and one past the last of its words in the document.
    pub words: (usize, usize),
    pub kind: MentionKind,
}

impl PackTerms {
    /// Builds the tree.
    ///
    /// # Errors
    /// When there are more words than a tree can hold.
    pub fn new<'a>(terms: impl Iterator<Item = &'a SiteTerm>) -> Result<Self, TableError> {
        let mut builder = TermsBuilder::default();
        for term in terms {
            // the kind is all that a find has to know: what a term stands for is looked up by its words
            let meaning = match term.kind {
                EntryKind::Diagnosis => TermRef::Diagnosis(0),
                EntryKind::Medication => TermRef::Medication(0),
                EntryKind::Allergy => TermRef::Allergen(0),
                EntryKind::NoKnownAllergies => continue,
            };
            builder.add(&term.words, meaning);
        }
        Ok(Self { terms: builder.build()? })
    }

    /// Every term that stands in the document and that its guards allow, overlapping ones too.
    pub(super) fn find(&self, document: &Document) -> Vec<PackMatch> {
        let mut found = Vec::new();
        for hit in self.terms.find(document) {
            for meaning in hit.meanings {
                let kind = match meaning {
                    TermRef::Diagnosis(_) => MentionKind::Diagnosis,
                    TermRef::Medication(_) | TermRef::Class(_) => MentionKind::Medication,
                    TermRef::Allergen(_) => MentionKind::Allergen,
                };
                if is_allowed(document, hit.span, kind) {
                    found.push(PackMatch { span: hit.span, words: hit.words, kind });
                }
            }
        }
        found
    }
}

/// Whether words may be read as a term: short ones have to be written in capitals, or to stand in a list of their kind.
fn is_allowed(document: &Document, span: Span, kind: MentionKind) -> bool {
    let surface = span.of(&document.text).trim_end_matches("'s");
    if surface.contains(char::is_whitespace) || surface.chars().filter(|letter| letter.is_alphabetic()).count() > SHORT {
        return true;
    }
    let section = document.section_kind_at(span);
    let listed = match kind {
        MentionKind::Diagnosis => lists_diagnoses(section),
        MentionKind::Medication => lists_medications(section),
        MentionKind::Allergen | MentionKind::NoKnownAllergies => section.contains("allerg"),
    };
    let in_capitals = !surface.trim_end_matches('s').chars().any(char::is_lowercase);
    listed || (in_capitals && !shouted(document, span))
}
