//! What a pipeline would code of mentions that another one found: which suggestions change when tables do.

use super::{NoteInput, Pipeline, Prepared, assemble::Assembly, diagnoses::Asserted, group::entries};
use crate::{
    assertion::{Context, assert_mention},
    domain::{
        Assertion, Certainty, CodedEntry, EntryKind, Experiencer, Extraction, MedicationStatus, Mention, MentionKind, Span,
        Temporality,
    },
    recognize::{TokenizedNote, dictionary},
    text::Document,
};

/// A suggestion whose first code would be another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recoded {
    /// Id of the entry in the extraction.
    pub entry: String,
    /// First code as it was stored; none when the coder abstained.
    pub before: Option<String>,
    /// First code with these tables.
    pub after: Option<String>,
}

impl Pipeline {
    /// The diagnosis entries of a stored extraction (offsets in bytes) whose first code would be another. Nothing is looked for anew: the
    /// mentions and what the note says of them stay, and go the way on which the extraction went.
    #[must_use]
    pub fn recoded(&self, input: NoteInput, extraction: &Extraction) -> Vec<Recoded> {
        let document = Document::new(&input.text, &self.sections);
        let prepared = Prepared { input, document, tokenized: TokenizedNote::default(), windows: Vec::new() };
        let assembly = Assembly { pipeline: self, prepared: &prepared };
        let found = self.recognizers.dictionary.then(|| {
            let pack = self.pack.as_ref().and_then(|pack| pack.terms.as_ref());
            dictionary::find_with(&prepared.document, &self.vocabulary, pack)
        });
        let candidates = found.map(|found| found.mentions).unwrap_or_default();
        let mut coded = assembly.coded_diagnoses(self.asserted(&prepared.document, extraction), &candidates);
        if let Some(pack) = &self.pack {
            pack.without_suppressed(&prepared.document, &mut coded);
        }
        assembly.settle_with(&mut coded, &taken(extraction));
        if let Some(pack) = &self.pack {
            pack.without_suppressed_codes(&prepared.document, &mut coded);
        }
        coded.sort_by_key(|mention| mention.span);
        let anew = entries(&prepared.document, &prepared.input, &[], coded);
        let diagnoses = extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis);
        diagnoses
            .filter_map(|entry| {
                let first = |entry: &CodedEntry| entry.codes.first().map(|code| code.code.clone());
                let held = |other: &&CodedEntry| other.assertion == entry.assertion && shares_evidence(other, entry);
                let (before, after) = (first(entry), anew.iter().find(held).and_then(first));
                (before != after).then(|| Recoded { entry: entry.id.clone(), before, after })
            })
            .collect()
    }

    fn asserted(&self, document: &Document, extraction: &Extraction) -> Vec<Asserted> {
        let diagnoses = extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis);
        let evidence: Vec<_> = diagnoses
            .flat_map(|entry| &entry.evidence)
            .filter(|evidence| document.text.get(evidence.start..evidence.end).is_some())
            .collect();
        let spans: Vec<Span> = evidence.iter().map(|evidence| Span::new(evidence.start, evidence.end)).collect();
        evidence
            .iter()
            .zip(&spans)
            .filter_map(|(evidence, span)| {
                let assertion = evidence.assertion?;
                let (kind, sources) = (MentionKind::Diagnosis, evidence.sources.clone());
                let mention = Mention { span: *span, kind, confidence: evidence.confidence, sources };
                // whose disease it is stands in no extraction: a roommate's is no family history
                let experiencer = if assertion == Assertion::Family {
                    assert_mention(document, &self.cues, *span, kind, &spans).experiencer
                } else {
                    Experiencer::Patient
                };
                let (temporality, certainty) = (Temporality::Current, Certainty::Affirmed);
                Some((mention, Context { assertion, experiencer, temporality, certainty, cues: Vec::new() }, None))
            })
            .collect()
    }
}

fn shares_evidence(one: &CodedEntry, other: &CodedEntry) -> bool {
    let places = |entry: &CodedEntry| -> Vec<(usize, usize)> { entry.evidence.iter().map(|at| (at.start, at.end)).collect() };
    let known = places(other);
    places(one).iter().any(|place| known.contains(place))
}

fn taken(extraction: &Extraction) -> Vec<String> {
    let medications = extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Medication);
    let taken = medications.filter(|entry| entry.status == Some(MedicationStatus::Active));
    taken.map(|entry| entry.display.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recognize::{Model, ModelFiles, Precision, merge::Recognizers},
        vocabulary::Tables,
    };
    use std::sync::Arc;

    /// The tables that made an extraction change nothing of it, for every note of the demo.
    #[test]
    fn the_same_tables_change_nothing() {
        let model = Arc::new(Model::load(&ModelFiles::embedded(), Precision::Int8).expect("a model"));
        let recognizers = Recognizers { dictionary: true, model: true };
        let pipeline = Pipeline::new(&Tables::embedded().expect("tables"), Some(model), recognizers).expect("a pipeline");
        let mut suggestions = 0;
        for line in include_str!("../cli/demo_notes.jsonl").lines() {
            let note: serde_json::Value = serde_json::from_str(line).expect("a note of the demo");
            let word = |name: &str| note[name].as_str();
            let input = NoteInput {
                text: word("text").expect("its text").to_owned(),
                service_date: word("service_date").and_then(|day| day.parse().ok()),
                discharge_date: word("discharge_date").and_then(|day| day.parse().ok()),
                encounter_class: word("encounter_class").and_then(|class| class.parse().ok()),
                ..NoteInput::default()
            };
            let extraction = pipeline.extract(input.clone()).expect("an extraction");
            suggestions += extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis).count();
            assert_eq!(pipeline.recoded(input, &extraction), []);
        }
        assert!(suggestions > 50, "{suggestions}");
    }
}
