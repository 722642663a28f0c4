//! A document with spans typed by names of its corpus, before the definition says what they are.

use std::collections::BTreeMap;

use super::{icd10, usual_kind};
use crate::{
    definition::CorpusDefinition,
    note::{Annotation, Kind, Note, words_at},
};

/// A typed span. Offsets are code points.
#[derive(Default)]
pub(crate) struct MarkedSpan {
    /// What relations call it.
    pub(crate) key: String,
    /// Its type.
    pub(crate) label: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Codes of any system.
    pub(crate) codes: Vec<String>,
    /// Names and values said of it; a value is empty for a mark that is only there or not.
    pub(crate) said: Vec<(String, String)>,
}

/// A document with its spans and the relations between them.
#[derive(Default)]
pub(crate) struct Marked {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) slices: BTreeMap<String, String>,
    pub(crate) spans: Vec<MarkedSpan>,
    /// Type, and the keys of both spans.
    pub(crate) relations: Vec<(String, String, String)>,
}

impl Marked {
    /// The note that the definition makes of it. Spans of types that are no kind of ours count only as values of relations.
    pub(crate) fn note(self, definition: &CorpusDefinition) -> Note {
        let kind = |label: &str| {
            if definition.types.is_empty() { usual_kind(label) } else { definition.types.get(label).copied() }
        };
        let mut annotations: Vec<(&str, Annotation)> = Vec::new();
        for span in &self.spans {
            let Some(kind) = kind(&span.label) else { continue };
            annotations.push((&span.key, annotation(kind, span, definition)));
        }
        let span_of = |key: &str| self.spans.iter().find(|span| span.key == key);
        for (label, first, second) in &self.relations {
            let Some(attribute) = definition.relations.get(label) else { continue };
            // the head is the span that is a mention; of two mentions the second, as in "Strength-Drug"
            let is_head = |key: &str| annotations.iter().any(|(own, _)| *own == key);
            let (head, value) = if is_head(second) { (second, first) } else { (first, second) };
            let Some(value) = span_of(value) else { continue };
            let words = words_at(&self.text, value.start, value.end).to_owned();
            if let Some((_, one)) = annotations.iter_mut().find(|(own, _)| own == head) {
                one.attributes.push((attribute.clone(), words));
            }
        }
        let annotations = annotations.into_iter().map(|(_, one)| one).collect();
        Note { id: self.id, text: self.text, slices: self.slices, annotations, ..Note::default() }
    }
}

fn annotation(kind: Kind, span: &MarkedSpan, definition: &CorpusDefinition) -> Annotation {
    let mut one = Annotation::new(kind, span.start, span.end);
    one.codes = span.codes.iter().filter_map(|code| icd10(code)).map(|code| vec![code]).collect();
    for (name, value) in &span.said {
        let word = if value.is_empty() { name } else { value };
        let ours = definition.assertions.get(word).map(String::as_str).or_else(|| usual_assertion(word));
        if let Some(ours) = ours {
            one.assertion = Some(ours.to_owned());
        } else if !value.is_empty() {
            one.attributes.push((name.clone(), value.clone()));
        }
    }
    one
}

/// The assertion that a corpus's word usually is.
fn usual_assertion(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "present" => "present",
        "absent" | "negated" | "negation" | "negative" => "absent",
        "possible" | "uncertain" | "uncertainty" | "speculation" => "possible",
        "hypothetical" | "conditional" => "hypothetical",
        "historical" | "history" => "historical",
        "family" | "associated_with_someone_else" | "subject_other" => "family",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(key: &str, label: &str, (start, end): (usize, usize)) -> MarkedSpan {
        MarkedSpan { key: key.to_owned(), label: label.to_owned(), start, end, ..MarkedSpan::default() }
    }

    fn definition(tables: &str) -> CorpusDefinition {
        toml::from_str(&format!("format = \"brat\"\npath = \"x\"\n{tables}")).expect("a definition")
    }

    fn document() -> Marked {
        let mut asthma = span("T3", "Disease", (16, 22));
        asthma.said = vec![("Negation".to_owned(), String::new()), ("severity".to_owned(), "mild".to_owned())];
        asthma.codes = vec!["ICD10CM:J45.909".to_owned(), "MESH:D001249".to_owned()];
        Marked {
            id: "a".to_owned(),
            text: "Lasix 20 mg, no asthma".to_owned(),
            spans: vec![span("T1", "Drug", (0, 5)), span("T2", "Strength", (6, 11)), asthma],
            relations: vec![("Strength-Drug".to_owned(), "T2".to_owned(), "T1".to_owned())],
            ..Marked::default()
        }
    }

    #[test]
    fn usual_names_are_known_and_relations_become_attributes() {
        let note = document().note(&definition("relations = { \"Strength-Drug\" = \"strength\" }"));
        let [drug, asthma] = note.annotations.as_slice() else { panic!("two mentions") };
        assert_eq!((drug.kind, drug.attributes.as_slice()), (Kind::Rx, &[("strength".to_owned(), "20 mg".to_owned())][..]));
        assert_eq!((asthma.kind, asthma.assertion.as_deref()), (Kind::Dx, Some("absent")));
        assert_eq!(asthma.codes, [["J45.909"]]);
        assert_eq!(asthma.attributes, [("severity".to_owned(), "mild".to_owned())]);
    }

    #[test]
    fn the_definition_names_types_and_assertions() {
        let note = document().note(&definition("types = { Disease = \"AL\" }\nassertions = { mild = \"possible\" }"));
        let [one] = note.annotations.as_slice() else { panic!("one mention") };
        assert_eq!((one.kind, one.assertion.as_deref()), (Kind::Al, Some("possible")));
    }
}
