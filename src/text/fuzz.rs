//! The structure of any text: spans slice it, lie in order and inside each other, and offsets come back.

use std::sync::LazyLock;

use super::{BoilerplateTable, Document, OffsetMap, SectionTable, boilerplate, fold_word, folded_sentence, passage};
use crate::{
    domain::{OffsetUnit, Span},
    fuzzing::{Notes, fuzz},
};

static SECTIONS: LazyLock<SectionTable> =
    LazyLock::new(|| SectionTable::parse(include_str!("../../vocabularies/sections.tsv")).expect("our own table"));
static BOILERPLATE: LazyLock<BoilerplateTable> =
    LazyLock::new(|| BoilerplateTable::parse(include_str!("../../vocabularies/boilerplate.tsv")).expect("our own table"));

#[test]
fn structure() {
    fuzz!("structure of a note", Quick, Notes, |input: &Notes| {
        let text = input.text();
        let document = Document::new(&text, &SECTIONS);
        let slice = |span: Span| text.get(span.start..span.end).expect("a span on character boundaries inside the text");
        let mut end = 0;
        for section in &document.sections {
            assert!(section.body.start >= end, "sections overlap");
            end = section.body.end;
            slice(section.body);
            section.title.map(slice);
        }
        let mut end = 0;
        for sentence in &document.sentences {
            let body = document.sections[sentence.section].body;
            assert!(sentence.span.start >= end && body.start <= sentence.span.start && sentence.span.end <= body.end);
            slice(sentence.span);
            end = sentence.span.end;
            let _ = folded_sentence(&text, sentence.span);
        }
        let mut end = 0;
        for word in &document.words {
            assert!(word.span.start >= end, "words overlap");
            end = word.span.end;
            let _ = fold_word(slice(word.span));
            let _ = (document.sentence_at(word.span), document.section_kind_at(word.span));
            assert!(!document.words_in(word.span).is_empty());
        }
        for found in boilerplate(&document, &BOILERPLATE) {
            let span = Span::new(found.start, found.end);
            slice(span);
            let _ = passage(&text, span);
        }
    });
}

#[test]
fn offsets() {
    fuzz!("offsets of a note", Quick, (Notes, u16, u16), |input: &(Notes, u16, u16)| {
        let (notes, start, end) = input;
        let text = notes.text();
        for unit in [OffsetUnit::Utf8, OffsetUnit::Utf16, OffsetUnit::Codepoint] {
            let map = OffsetMap::new(&text, unit);
            for (byte, _) in text.char_indices() {
                assert_eq!(map.to_byte(map.from_byte(byte)), byte);
            }
            let _ = map.from_byte(usize::MAX);
            if let Some(span) = map.to_bytes(Span::new(usize::from(*start), usize::from(*end))) {
                assert!(!text.get(span.start..span.end).expect("a span of the text").is_empty());
            }
            assert_eq!(map.to_bytes(Span::new(0, usize::MAX)), None);
        }
    });
}
