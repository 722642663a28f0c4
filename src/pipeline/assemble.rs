//! From the model's logits and the dictionary's finds to asserted and coded mentions.

use std::collections::HashMap;

use jiff::civil::{Date, date};

use super::{
    Pipeline, Prepared, WindowLogits, alerts, context,
    group::{CodedMention, entries},
    reconcile::reconcile,
};
use crate::{
    allergy::{self, FoundAllergy},
    assertion::{Context, assert_mention},
    coding::{Coding, Known, Near, Reference},
    domain::{
        AssertedSpan, Assertion, Attributes, EntryKind, Experiencer, Extraction, MedicationStatus, Mention, MentionKind,
        OffsetUnit, SectionOutline, Span,
    },
    medication,
    recognize::{
        Tagging, dictionary, edges,
        merge::{merge, spans_of},
    },
    text::boilerplate,
};

/// First and last day of the embedded edition (ICD-10-CM FY2026, April update).
const EDITION_DAYS: (Date, Date) = (date(2026, 4, 1), date(2026, 9, 30));

/// So many terms of like meaning are looked at.
const SIMILAR: usize = 12;

/// A model's allergen outside of any allergy context needs this probability.
const LONE_ALLERGEN: f32 = 0.6;

pub(super) struct Assembly<'a> {
    pub pipeline: &'a Pipeline,
    pub prepared: &'a Prepared,
}

impl Assembly<'_> {
    pub(super) fn extraction(&self, logits: &[WindowLogits]) -> Extraction {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let found = if pipeline.recognizers.dictionary {
            dictionary::find(document, &pipeline.vocabulary)
        } else {
            dictionary::Found::default()
        };
        let tagging = pipeline
            .model
            .as_ref()
            .map(|model| model.tag(&self.prepared.tokenized, &self.prepared.windows, logits).within_sentences(document));
        let mentions = edges::trimmed(document, merge(&found.mentions, tagging.as_ref()));
        let (allergies, none_known) = self.allergies(&mentions, &found);
        let taken: Vec<Span> = allergies.iter().chain(&none_known).map(|mention| mention.span).collect();
        let free: Vec<Mention> =
            mentions.into_iter().filter(|mention| !taken.iter().any(|span| span.overlaps(mention.span))).collect();
        let medications = self.medications(&free, tagging.as_ref());
        let diagnoses = self.diagnoses(&free, &found.mentions, tagging.as_ref());
        let mut coded: Vec<CodedMention> = Vec::new();
        coded.extend(diagnoses);
        coded.extend(medications);
        coded.extend(allergies);
        coded.extend(none_known);
        coded.sort_by_key(|mention| mention.span);
        let boilerplate = boilerplate(document, &pipeline.boilerplate);
        let mut entries = entries(document, &self.prepared.input, &boilerplate, coded);
        for entry in entries.iter_mut().filter(|entry| entry.kind == EntryKind::Diagnosis) {
            entry.confidence = pipeline.confidence.of(entry);
        }
        let mut engine = pipeline.engine_version();
        engine.edition_exact =
            self.prepared.input.service_date.is_none_or(|day| EDITION_DAYS.0 <= day && day <= EDITION_DAYS.1);
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
            boilerplate,
            alerts: alerts::alerts(&pipeline.vocabulary, &pipeline.cross_reactions, &entries),
            medications: reconcile(&entries),
            entries,
            spans: self.asserted_spans(),
        }
    }

    fn diagnoses(
        &self,
        mentions: &[Mention],
        candidates: &[dictionary::Candidate],
        tagging: Option<&Tagging>,
    ) -> Vec<CodedMention> {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let spans: Vec<Span> = mentions.iter().map(|mention| mention.span).collect();
        let mut asserted: Vec<(&Mention, Context, Option<f32>)> = mentions
            .iter()
            .filter(|mention| mention.kind == MentionKind::Diagnosis)
            .map(|mention| {
                let mut context = assert_mention(document, &pipeline.cues, mention.span, mention.kind, &spans);
                let model = tagging.map(|tagging| tagging.assertions(mention.span)).unwrap_or_default();
                let (assertion, by_model) = context::decide(context.assertion, &model);
                context.assertion = assertion;
                (mention, context, by_model)
            })
            .collect();
        // fuller mentions first: bare words refer to them
        let words_of = |span: Span| document.words_in(span).len();
        asserted.sort_by_key(|(mention, ..)| (std::cmp::Reverse(words_of(mention.span)), mention.span));
        let similar = self.similar(asserted.iter().map(|(mention, ..)| mention.span));
        let mut references: Vec<Reference> = Vec::new();
        let mut out = Vec::with_capacity(asserted.len());
        for (mention, context, by_model) in asserted {
            let term = candidates
                .iter()
                .filter(|candidate| candidate.kind == MentionKind::Diagnosis && candidate.span.overlaps(mention.span))
                .map(|candidate| candidate.span)
                .max_by_key(|span| span.len());
            // what a roommate has is no family history: the code is the one the disease would have
            let of_other = context.assertion == Assertion::Family && context.experiencer == Experiencer::Other;
            let known = Known {
                term,
                assertion: if of_other { Assertion::Absent } else { context.assertion },
                references: &references,
                similar: similar.as_ref().map(|found| found.get(&mention.span).map_or(&[][..], Vec::as_slice)),
            };
            let tables = (&pipeline.vocabulary, &pipeline.ranking);
            let coding = pipeline.coder.diagnosis(tables, document, mention.span, known);
            if matches!(context.assertion, Assertion::Present | Assertion::Possible) && words_of(mention.span) > 1 {
                let words = document.words[document.words_in(mention.span)].iter().map(|word| word.folded.clone()).collect();
                references.push(Reference { words, coding: coding.clone() });
            }
            out.push(CodedMention {
                kind: EntryKind::Diagnosis,
                span: mention.span,
                confidence: mention.confidence,
                sources: with_model_word(&mention.sources, "assertion", by_model),
                assertion: Some(context.assertion),
                status: None,
                scope: None,
                attributes: Attributes::default(),
                cues: context.cues,
                coding,
            });
        }
        out
    }

    /// The terms nearest in meaning to those of the mentions that are no term; none where there are no vectors.
    fn similar(&self, mentions: impl Iterator<Item = Span>) -> Option<HashMap<Span, Vec<Near>>> {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let (model, vectors) = (pipeline.model.as_ref()?, pipeline.vectors()?);
        let spans: Vec<Span> =
            mentions.filter(|span| pipeline.coder.wants_similar(&pipeline.vocabulary, document, *span)).collect();
        let phrases: Vec<&str> = spans.iter().map(|span| span.of(&document.text)).collect();
        // a code without this way is better than no extraction
        let phrases = model.vectors(&phrases).ok()?;
        Some(spans.into_iter().zip(vectors.nearest(&phrases, SIMILAR)).collect())
    }

    fn medications(&self, mentions: &[Mention], tagging: Option<&Tagging>) -> Vec<CodedMention> {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let spans = spans_of(mentions, MentionKind::Medication);
        let problems = spans_of(mentions, MentionKind::Diagnosis);
        let attributes = medication::attributes(document, &pipeline.sig, &spans, &problems);
        mentions
            .iter()
            .filter(|mention| mention.kind == MentionKind::Medication)
            .zip(attributes)
            .map(|(mention, mut attributes)| {
                let (status, cues) = medication::status(document, &pipeline.medication_cues, mention.span, &attributes);
                let model = tagging.map(|tagging| tagging.statuses(mention.span)).unwrap_or_default();
                let (status, by_model) = context::decide(status, &model);
                // what stands at the head of an item is no purpose of a drug that is stopped or avoided there
                if matches!(status, MedicationStatus::Discontinued | MedicationStatus::Absent) {
                    attributes.indication = attributes.indication.filter(|indication| indication.start > mention.span.start);
                }
                attributes.change = pipeline.medication_cues.change(document, mention.span, status);
                let coding = pipeline.coder.medication(&pipeline.vocabulary, document, mention.span, &attributes);
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
        let by_rules: Vec<Span> = findings.allergies.iter().map(|found| found.span).collect();
        let source_of = |span: Span| -> (f32, Vec<String>) {
            if let Some(mention) = by_model(MentionKind::Allergen).find(|mention| mention.span == span)
                && !by_rules.contains(&span)
            {
                return (mention.confidence, mention.sources.clone());
            }
            let mut sources: Vec<String> = Vec::new();
            let mut confidence: f32 = 0.8;
            for mention in mentions.iter().filter(|mention| mention.span.overlaps(span)) {
                sources.extend(mention.sources.iter().cloned());
                confidence = confidence.max(mention.confidence);
            }
            for candidate in found.allergens.iter().filter(|candidate| candidate.span.overlaps(span)) {
                sources.push(candidate.source.clone());
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
        let taken: Vec<Span> = named.iter().map(|found| found.span).chain(none_known.iter().map(|none| none.span)).collect();
        for mention in by_model(MentionKind::Allergen) {
            let refused = allergy::is_no_substance(document, &pipeline.allergies, mention.span)
                || allergy::is_tolerated(document, mention.span);
            if mention.confidence >= LONE_ALLERGEN && !refused && !taken.iter().any(|span| span.overlaps(mention.span)) {
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
        if named.len() > by_rules.len() {
            named.sort_by_key(|found| found.span);
            for found in &mut named {
                found.attributes = Attributes::default();
            }
            allergy::complete(document, &pipeline.allergies, &mut named);
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
        let (coding, category) = self.pipeline.coder.allergen(&self.pipeline.vocabulary, &self.prepared.document, span);
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

    fn asserted_spans(&self) -> Vec<AssertedSpan> {
        let document = &self.prepared.document;
        let spans = &self.prepared.input.spans;
        spans
            .iter()
            .map(|span| {
                let context = assert_mention(document, &self.pipeline.cues, *span, MentionKind::Diagnosis, spans);
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
fn with_model_word(sources: &[String], what: &str, by_model: Option<f32>) -> Vec<String> {
    let mut sources = sources.to_vec();
    sources.extend(by_model.map(|probability| format!("model-{what}:{probability:.2}")));
    sources
}

/// Everything that could be an allergen, without overlaps, in order: the model's allergens, medications, allergen terms.
fn substances(mentions: &[Mention], found: &dictionary::Found) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut add = |span: Span| {
        if !spans.iter().any(|other: &Span| other.overlaps(span)) {
            spans.push(span);
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
    spans.sort_unstable();
    spans
}
