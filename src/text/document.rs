//! The analysed note: what every later stage reads.

use super::{SectionTable, Word, split_sections, split_sentences, words};
use crate::domain::Span;

/// A section of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Kind key of `vocabularies/sections.tsv`, for example `past_medical_history`; `unspecified` before the first heading.
    pub kind: String,
    /// The heading's words, without the colon; none before the first heading.
    pub title: Option<Span>,
    /// What stands under it, heading excluded.
    pub body: Span,
}

/// A clinical sentence, or one list item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Where it stands, trimmed of white space.
    pub span: Span,
    /// Index of its section in [`Document::sections`].
    pub section: usize,
}

/// A note's text with its structure. Sections cover the text without overlap, sentences lie inside section bodies,
/// words are in order; all spans are bytes on character boundaries.
#[derive(Debug, Clone)]
pub struct Document {
    /// The canonical text.
    pub text: String,
    /// In order of the text.
    pub sections: Vec<Section>,
    /// In order of the text.
    pub sentences: Vec<Sentence>,
    /// In order of the text.
    pub words: Vec<Word>,
}

impl Document {
    /// Analyses a note.
    #[must_use]
    pub fn new(text: &str, table: &SectionTable) -> Self {
        let sections = split_sections(text, table);
        let sentences = split_sentences(text, &sections);
        Self { text: text.to_owned(), sections, sentences, words: words(text) }
    }

    /// The sentence around `span` (the one holding its start; the one before it when it stands between two).
    #[must_use]
    pub fn sentence_at(&self, span: Span) -> Option<&Sentence> {
        let index = self.sentences.partition_point(|sentence| sentence.span.start <= span.start);
        index.checked_sub(1).and_then(|index| self.sentences.get(index))
    }

    /// The section around `span`.
    #[must_use]
    pub fn section_at(&self, span: Span) -> Option<&Section> {
        let index = self.sections.partition_point(|section| section.title.unwrap_or(section.body).start <= span.start);
        index.checked_sub(1).and_then(|index| self.sections.get(index))
    }

    /// Kind of the section around `span`; `unspecified` when there is none.
    #[must_use]
    pub fn section_kind_at(&self, span: Span) -> &str {
        self.section_at(span).map_or("unspecified", |section| section.kind.as_str())
    }

    /// Indices of the words that touch `span`.
    #[must_use]
    pub fn words_in(&self, span: Span) -> std::ops::Range<usize> {
        let start = self.words.partition_point(|word| word.span.end <= span.start);
        let end = self.words.partition_point(|word| word.span.start < span.end);
        start..end.max(start)
    }
}
