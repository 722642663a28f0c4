//! What a pipeline would code of mentions that another one found: which suggestions change when tables do.

use super::{NoteInput, Pipeline, Prepared, assemble::Assembly, diagnoses::Asserted};
use crate::{
    assertion::Context,
    domain::{Certainty, EntryKind, Experiencer, Extraction, MedicationStatus, Mention, MentionKind, Span, Temporality},
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
    /// mentions and what the note says of them stay.
    #[must_use]
    pub fn recoded(&self, input: NoteInput, extraction: &Extraction) -> Vec<Recoded> {
        let document = Document::new(&input.text, &self.sections);
        let prepared = Prepared { input, document, tokenized: TokenizedNote::default(), windows: Vec::new() };
        let assembly = Assembly { pipeline: self, prepared: &prepared };
        let found = dictionary::find(&prepared.document, &self.vocabulary);
        let mut coded = assembly.coded_diagnoses(asserted(&prepared.document, extraction), &found.mentions);
        assembly.settle_with(&mut coded, &taken(extraction));
        let mut changed: Vec<Recoded> = Vec::new();
        for entry in extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis) {
            let before = entry.codes.first().map(|code| code.code.clone());
            let own = |span: Span| entry.evidence.iter().any(|one| (one.start, one.end) == (span.start, span.end));
            let codes = coded.iter().filter(|mention| own(mention.span)).filter_map(|mention| mention.coding.codes.first());
            let after = codes.max_by(|one, other| one.score.total_cmp(&other.score)).map(|code| code.code.clone());
            if before != after {
                changed.push(Recoded { entry: entry.id.clone(), before, after });
            }
        }
        changed
    }
}

fn asserted(document: &Document, extraction: &Extraction) -> Vec<Asserted> {
    let diagnoses = extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis);
    let evidence = diagnoses.flat_map(|entry| &entry.evidence);
    evidence
        .filter(|evidence| document.text.get(evidence.start..evidence.end).is_some())
        .filter_map(|evidence| {
            let mention = Mention {
                span: Span::new(evidence.start, evidence.end),
                kind: MentionKind::Diagnosis,
                confidence: evidence.confidence,
                sources: evidence.sources.clone(),
            };
            let context = Context {
                assertion: evidence.assertion?,
                experiencer: Experiencer::Patient,
                temporality: Temporality::Current,
                certainty: Certainty::Affirmed,
                cues: Vec::new(),
            };
            Some((mention, context, None))
        })
        .collect()
}

fn taken(extraction: &Extraction) -> Vec<String> {
    let medications = extraction.entries.iter().filter(|entry| entry.kind == EntryKind::Medication);
    let taken = medications.filter(|entry| entry.status == Some(MedicationStatus::Active));
    taken.map(|entry| entry.display.to_lowercase()).collect()
}
