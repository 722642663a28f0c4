//! From the model's logits and the dictionary's finds to asserted and coded mentions.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Pipeline, Prepared, WindowLogits, alerts, context,
    group::{CodedMention, entries},
    reconcile::reconcile,
    site_pack::is_of_pack,
};
use crate::{
    allergy::{self, FoundAllergy},
    assertion::assert_mention,
    coding::Coding,
    domain::{
        AssertedSpan, Assertion, Attributes, Boilerplate, ChosenCode, CodedEntry, EntryKind, Extraction, MedicationStatus,
        Mention, MentionKind, OffsetUnit, SectionOutline, Span,
    },
    medication,
    recognize::{
        Tagging, dictionary, edges,
        merge::{merge, spans_of},
    },
    text::boilerplate,
};

/// A model's allergen outside of any allergy context needs this probability.
const LONE_ALLERGEN: f32 = 0.6;

/// Spans, to be asked which of them another touches: a note may have tens of thousands of each.
struct Covered {
    /// In the order of the text: where one is, how far those up to it reach, and its place among those that were given.
    spans: Vec<(Span, usize, usize)>,
}

impl Covered {
    fn by(spans: impl Iterator<Item = Span>) -> Self {
        let mut spans: Vec<(Span, usize, usize)> = spans.enumerate().map(|(place, span)| (span, span.end, place)).collect();
        spans.sort_unstable();
        let mut furthest = 0;
        for (_, reach, _) in &mut spans {
            furthest = furthest.max(*reach);
            *reach = furthest;
        }
        Self { spans }
    }

    /// Places of those that overlap with a span, in the order in which they were given.
    fn touching(&self, span: Span) -> Vec<usize> {
        let before = self.spans.partition_point(|(one, ..)| one.start < span.end);
        let near = self.spans[..before].iter().rev().take_while(|(_, reach, _)| *reach > span.start);
        let mut places: Vec<usize> = near.filter(|(one, ..)| one.overlaps(span)).map(|(.., place)| *place).collect();
        places.sort_unstable();
        places
    }

    fn touches(&self, span: Span) -> bool {
        let before = self.spans.partition_point(|(one, ..)| one.start < span.end);
        before.checked_sub(1).is_some_and(|last| self.spans[last].1 > span.start)
    }
}

pub(super) struct Assembly<'a> {
    pub pipeline: &'a Pipeline,
    pub prepared: &'a Prepared,
}

impl Assembly<'_> {
    pub(super) fn extraction(&self, logits: &[WindowLogits]) -> Extraction {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let boilerplate = boilerplate(document, &pipeline.boilerplate);
        let found = if pipeline.recognizers.dictionary {
            let pack = pipeline.pack.as_ref().and_then(|pack| pack.terms.as_ref());
            dictionary::find_with(document, &pipeline.vocabulary, pack)
        } else {
            dictionary::Found::default()
        };
        let tagging =
            pipeline.model.as_ref().map(|model| model.tag(&self.prepared.tokenized, logits).within_sentences(document));
        let mentions = edges::trimmed(document, merge(&found.mentions, tagging.as_ref()));
        let (allergies, none_known) = self.allergies(&mentions, &found);
        let taken = Covered::by(allergies.iter().chain(&none_known).map(|mention| mention.span));
        let free: Vec<Mention> = mentions.into_iter().filter(|mention| !taken.touches(mention.span)).collect();
        let medications = self.medications(&free, tagging.as_ref(), &boilerplate);
        let diagnoses = self.diagnoses(&free, &found.mentions, tagging.as_ref(), &boilerplate);
        let mut coded: Vec<CodedMention> = Vec::new();
        coded.extend(diagnoses);
        coded.extend(medications);
        coded.extend(allergies);
        coded.extend(none_known);
        if let Some(pack) = &pipeline.pack {
            pack.without_suppressed(document, &mut coded);
        }
        self.settle(&mut coded);
        if let Some(pack) = &pipeline.pack {
            pack.without_suppressed_codes(document, &mut coded);
        }
        let (edition, exact) = pipeline.vocabulary.editions.on(self.prepared.input.code_date());
        coded.sort_by_key(|mention| mention.span);
        let mut entries = entries(document, &self.prepared.input, &boilerplate, coded);
        // what the pack put first is none of what the model of confidence was fitted to
        let measured = |entry: &&mut CodedEntry| entry.kind == EntryKind::Diagnosis && !is_of_pack(&entry.codes);
        for entry in entries.iter_mut().filter(measured) {
            entry.confidence = pipeline.confidence.of(entry);
        }
        let mut engine = pipeline.engine_version();
        engine.edition.clone_from(&edition.name);
        engine.edition_exact = exact;
        Extraction {
            note_id: self.prepared.input.note_id.clone(),
            offset_unit: OffsetUnit::Utf8,
            engine,
            sections: document
                .sections
                .iter()
                .map(|section| SectionOutline {
                    kind: section.kind.clone(),
                    title: section.title,
                    body: section.body,
                    code: pipeline.sections.code(&section.kind).cloned(),
                })
                .collect(),
            alerts: alerts::alerts(&pipeline.vocabulary, &pipeline.cross_reactions, &entries),
            medications: reconcile(&entries),
            entries,
            spans: self.asserted_spans(&boilerplate),
            boilerplate,
        }
    }

    fn medications(&self, mentions: &[Mention], tagging: Option<&Tagging>, boilerplate: &[Boilerplate]) -> Vec<CodedMention> {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let spans = spans_of(mentions, MentionKind::Medication);
        let problems = spans_of(mentions, MentionKind::Diagnosis);
        let attributes = medication::attributes(document, &pipeline.sig, &spans, &problems);
        mentions
            .iter()
            .filter(|mention| mention.kind == MentionKind::Medication)
            .zip(attributes)
            .map(|(mention, mut attributes)| {
                let (status, cues, certain) =
                    medication::status(document, &pipeline.medication_cues, mention.span, &attributes);
                let model = tagging.filter(|_| !certain).map(|tagging| tagging.statuses(mention.span)).unwrap_or_default();
                let (status, by_model, cues) = match context::general_information(document, boilerplate, mention.span) {
                    Some(cue) => (MedicationStatus::Hypothetical, None, vec![cue]),
                    None => {
                        let (status, by_model) = context::decide(status, &model);
                        (status, by_model, cues)
                    }
                };
                // what stands at the head of an item is no purpose of a drug that is stopped or avoided there
                if matches!(status, MedicationStatus::Discontinued | MedicationStatus::Absent) {
                    attributes.indication = attributes.indication.filter(|indication| indication.start > mention.span.start);
                }
                attributes.change = pipeline.medication_cues.change(document, mention.span, status);
                let mut coding = pipeline.coder.medication(&pipeline.vocabulary, document, mention.span, &attributes);
                if let Some(pack) = &pipeline.pack {
                    let words = mention.span.of(&document.text);
                    pack.medication(words, |code| pipeline.medication_of_code(pack, code, &attributes), &mut coding);
                }
                CodedMention {
                    kind: EntryKind::Medication,
                    span: mention.span,
                    confidence: mention.confidence,
                    sources: with_model_word(&mention.sources, "status", by_model),
                    assertion: None,
                    status: Some(status),
                    scope: None,
                    attributes,
                    cues,
                    coding,
                }
            })
            .collect()
    }

    /// Allergies and statements of no known allergies: what the rules find among all substances, and what only the model sees.
    fn allergies(&self, mentions: &[Mention], found: &dictionary::Found) -> (Vec<CodedMention>, Vec<CodedMention>) {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let by_model = |kind: MentionKind| mentions.iter().filter(move |mention| mention.kind == kind);
        let candidates = substances(mentions, found);
        let none_candidates = spans_of(mentions, MentionKind::NoKnownAllergies);
        let findings = allergy::find(document, &pipeline.allergies, &candidates, &none_candidates);
        let by_rules: BTreeSet<Span> = findings.allergies.iter().map(|found| found.span).collect();
        let (all, terms) =
            (Covered::by(mentions.iter().map(|one| one.span)), Covered::by(found.allergens.iter().map(|one| one.span)));
        let source_of = |span: Span| -> (f32, Vec<String>) {
            let near: Vec<&Mention> = all.touching(span).into_iter().map(|place| &mentions[place]).collect();
            let only_model = near.iter().find(|mention| mention.kind == MentionKind::Allergen && mention.span == span);
            if let Some(mention) = only_model.filter(|_| !by_rules.contains(&span)) {
                return (mention.confidence, mention.sources.clone());
            }
            let mut sources: Vec<String> = Vec::new();
            let mut confidence: f32 = 0.8;
            for mention in near {
                sources.extend(mention.sources.iter().cloned());
                confidence = confidence.max(mention.confidence);
            }
            for place in terms.touching(span) {
                sources.push(found.allergens[place].source.clone());
            }
            sources.push("rule:allergy_context".to_owned());
            sources.dedup();
            (confidence, sources)
        };
        let none_known: Vec<CodedMention> = findings
            .none_known
            .into_iter()
            .map(|none| {
                let (confidence, sources) = source_of(none.span);
                CodedMention {
                    kind: EntryKind::NoKnownAllergies,
                    span: none.span,
                    confidence,
                    sources,
                    assertion: None,
                    status: None,
                    scope: Some(none.scope),
                    attributes: Attributes::default(),
                    cues: Vec::new(),
                    coding: Coding::default(),
                }
            })
            .collect();
        let mut named = findings.allergies;
        let of_rules = named.len();
        let taken: Vec<Span> = named.iter().map(|found| found.span).chain(none_known.iter().map(|none| none.span)).collect();
        let covered = Covered::by(taken.iter().copied());
        for mention in by_model(MentionKind::Allergen) {
            let refused = allergy::is_no_substance(document, &pipeline.allergies, mention.span)
                || allergy::is_tolerated(document, mention.span);
            if mention.confidence >= LONE_ALLERGEN && !refused && !covered.touches(mention.span) {
                let context = assert_mention(document, &pipeline.cues, mention.span, mention.kind, &taken);
                let assertion = match context.assertion {
                    Assertion::Hypothetical => Assertion::Possible,
                    other => other,
                };
                let cues = context.cues;
                named.push(FoundAllergy { span: mention.span, assertion, cues, attributes: Attributes::default() });
            }
        }
        // what only the model sees stands in the same statements as what the rules see
        if named.len() > of_rules {
            named.sort_by_key(|found| found.span);
            for found in &mut named {
                found.attributes = Attributes::default();
            }
            allergy::complete(document, &pipeline.allergies, &candidates, &mut named);
        }
        let allergies = named
            .into_iter()
            .map(|FoundAllergy { span, assertion, cues, attributes }| {
                let (confidence, sources) = source_of(span);
                self.allergy((span, assertion), attributes, (confidence, sources, cues))
            })
            .collect();
        (allergies, none_known)
    }

    fn allergy(
        &self,
        (span, assertion): (Span, Assertion),
        mut attributes: Attributes,
        (confidence, sources, cues): (f32, Vec<String>, Vec<crate::domain::Cue>),
    ) -> CodedMention {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let (mut coding, mut category) = pipeline.coder.allergen(&pipeline.vocabulary, document, span);
        if let Some(pack) = &pipeline.pack {
            let made = |code: &ChosenCode| {
                let (coding, known) = pipeline.coder.allergen_of_code(&pipeline.vocabulary, code, pack.place(code));
                category = known;
                coding
            };
            pack.allergen(span.of(&document.text), made, &mut coding);
        }
        // a brand name does not show that its ingredient is an antibody; "Humira" is adalimumab
        let antibody = coding.display.split(['+', ' ']).any(|word| word.ends_with("mab"));
        if antibody || attributes.category.is_none() {
            attributes.category = if antibody { Some("biologic".to_owned()) } else { category };
        }
        CodedMention {
            kind: EntryKind::Allergy,
            span,
            confidence,
            sources,
            assertion: Some(assertion),
            status: None,
            scope: None,
            attributes,
            cues,
            coding,
        }
    }

    fn asserted_spans(&self, boilerplate: &[Boilerplate]) -> Vec<AssertedSpan> {
        let document = &self.prepared.document;
        let spans = &self.prepared.input.spans;
        spans
            .iter()
            .map(|span| {
                let context = match context::general_information(document, boilerplate, *span) {
                    Some(cue) => context::in_general(cue),
                    None => assert_mention(document, &self.pipeline.cues, *span, MentionKind::Diagnosis, spans),
                };
                AssertedSpan {
                    start: span.start,
                    end: span.end,
                    text: span.of(&document.text).to_owned(),
                    section: document.section_kind_at(*span).to_owned(),
                    assertion: context.assertion,
                    experiencer: context.experiencer,
                    temporality: context.temporality,
                    certainty: context.certainty,
                    cues: context.cues,
                }
            })
            .collect()
    }
}

/// The sources of a mention, and that the model decided what is said of it where the rules said something else.
pub(super) fn with_model_word(sources: &[String], what: &str, by_model: Option<f32>) -> Vec<String> {
    let mut sources = sources.to_vec();
    sources.extend(by_model.map(|probability| format!("model-{what}:{probability:.2}")));
    sources
}

/// Everything that could be an allergen, without overlaps, in order: the model's allergens, medications, allergen terms.
fn substances(mentions: &[Mention], found: &dictionary::Found) -> Vec<Span> {
    // start and end; none of them touches another, so the last that begins before an end reaches furthest
    let mut spans: BTreeMap<usize, usize> = BTreeMap::new();
    let mut add = |span: Span| {
        if !span.is_empty() && spans.range(..span.end).next_back().is_none_or(|(_, end)| *end <= span.start) {
            spans.insert(span.start, span.end);
        }
    };
    spans_of(mentions, MentionKind::Allergen).into_iter().for_each(&mut add);
    spans_of(mentions, MentionKind::Medication).into_iter().for_each(&mut add);
    found
        .mentions
        .iter()
        .filter(|candidate| candidate.kind == MentionKind::Medication)
        .map(|candidate| candidate.span)
        .for_each(&mut add);
    found.allergens.iter().map(|candidate| candidate.span).for_each(&mut add);
    spans.into_iter().map(|(start, end)| Span::new(start, end)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn covered_is_as_each_by_itself(spans in proptest::collection::vec((0usize..30, 0usize..6), 0..8), at in 0usize..30, length in 0usize..6) {
            let spans: Vec<Span> = spans.into_iter().map(|(start, length)| Span::new(start, start + length)).collect();
            let asked = Span::new(at, at + length);
            let covered = Covered::by(spans.iter().copied());
            let each: Vec<usize> = (0..spans.len()).filter(|place| spans[*place].overlaps(asked)).collect();
            prop_assert_eq!(covered.touches(asked), !each.is_empty());
            prop_assert_eq!(covered.touching(asked), each);
        }
    }
}
