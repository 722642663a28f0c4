//! Diagnoses: what the note says of each mention, and its codes, with what the note as a whole does to them.

use std::collections::HashMap;

use super::{
    assemble::{Assembly, with_model_word},
    context,
    group::CodedMention,
};
use crate::{
    assertion::{Context, assert_mention},
    coding::{CandidateSource, Diagnosed, Known, Near, NoteSays, Phrase, Reference, for_edition},
    domain::{
        Assertion, Attributes, Boilerplate, ChosenCode, EntryKind, Experiencer, MedicationStatus, Mention, MentionKind, Span,
    },
    recognize::{Tagging, dictionary},
};

/// So many terms of like meaning are looked at.
const SIMILAR: usize = 12;

/// So many different phrases of a note are looked for; a note with more is no ordinary one.
const PHRASES: usize = 512;

/// A mention with what the note says of it, and how sure the model is of that where it decided.
pub(super) type Asserted = (Mention, Context, Option<f32>);

impl Assembly<'_> {
    pub(super) fn diagnoses(
        &self,
        mentions: &[Mention],
        candidates: &[dictionary::Candidate],
        tagging: Option<&Tagging>,
        boilerplate: &[Boilerplate],
    ) -> Vec<CodedMention> {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let spans: Vec<Span> = mentions.iter().map(|mention| mention.span).collect();
        let asserted = mentions
            .iter()
            .filter(|mention| mention.kind == MentionKind::Diagnosis)
            .map(|mention| {
                if let Some(cue) = context::general_information(document, boilerplate, mention.span) {
                    return (mention.clone(), context::in_general(cue), None);
                }
                let mut context = assert_mention(document, &pipeline.cues, mention.span, mention.kind, &spans);
                let model = tagging.map(|tagging| tagging.assertions(mention.span)).unwrap_or_default();
                let weighed = context::weighed(document, mention.span, &context, model);
                let (assertion, by_model) = context::decide(context.assertion, &weighed);
                context.assertion = assertion;
                (mention.clone(), context, by_model)
            })
            .collect();
        self.coded_diagnoses(asserted, candidates)
    }

    /// Codes what was asserted; `candidates` are the dictionary's terms.
    pub(super) fn coded_diagnoses(
        &self,
        mut asserted: Vec<Asserted>,
        candidates: &[dictionary::Candidate],
    ) -> Vec<CodedMention> {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        // fuller mentions first: bare words refer to them
        let words_of = |span: Span| document.words_in(span).len();
        asserted.sort_by_key(|(mention, ..)| (std::cmp::Reverse(words_of(mention.span)), mention.span));
        let phrases: Vec<Phrase<'_>> =
            asserted.iter().map(|(mention, ..)| pipeline.coder.phrase(&pipeline.vocabulary, document, mention.span)).collect();
        let similar = self.similar(phrases.iter().filter(|phrase| !phrase.is_term()).map(Phrase::span));
        let note = NoteSays::of(document);
        let mut references: Vec<Reference> = Vec::new();
        let mut out = Vec::with_capacity(asserted.len());
        for ((mention, context, by_model), phrase) in asserted.into_iter().zip(&phrases) {
            let term = candidates
                .iter()
                .filter(|candidate| candidate.kind == MentionKind::Diagnosis && candidate.span.overlaps(mention.span))
                .map(|candidate| candidate.span)
                .max_by_key(|span| span.len());
            // what a roommate has is no family history: the code is the one the disease would have
            let of_other = context.assertion == Assertion::Family && context.experiencer == Experiencer::Other;
            let known = Known {
                term,
                note,
                assertion: if of_other { Assertion::Absent } else { context.assertion },
                references: &references,
                similar: similar.as_ref().map(|found| found.get(&mention.span).map_or(&[][..], Vec::as_slice)),
            };
            let mut coding = pipeline.coder.diagnosis(&pipeline.ranking, phrase, known);
            if let Some(pack) = &pipeline.pack {
                let words = (mention.span.of(&document.text), term.map(|span| span.of(&document.text)));
                pack.diagnosis(&pipeline.vocabulary, words, known.assertion, &mut coding);
            }
            if context.assertion.is_drafted() && words_of(mention.span) > 1 {
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

    /// What the note as a whole does to the codes, and what the edition of its day does.
    pub(super) fn settle(&self, coded: &mut [CodedMention]) {
        // what was given once is no long-term use (Guidelines I.C.4.a.3)
        let taken = |mention: &&CodedMention| mention.status == Some(MedicationStatus::Active);
        let drugs: Vec<String> = coded.iter().filter(taken).map(|mention| mention.coding.display.to_lowercase()).collect();
        self.settle_with(coded, &drugs);
    }

    /// The same, where the ingredients that are taken are known already.
    pub(super) fn settle_with(&self, coded: &mut [CodedMention], drugs: &[String]) {
        let pipeline = self.pipeline;
        let mut diagnoses: Vec<Diagnosed<'_>> = coded
            .iter_mut()
            .filter(|mention| mention.kind == EntryKind::Diagnosis)
            .filter_map(|mention| {
                Some(Diagnosed { span: mention.span, assertion: mention.assertion?, coding: &mut mention.coding })
            })
            .collect();
        if !pipeline.ranking.explain && !pipeline.ranking.without.contains(&CandidateSource::Conventions) {
            let tables = (&*pipeline.vocabulary, &*pipeline.coder);
            pipeline.conventions.apply(tables, &self.prepared.document, drugs, &mut diagnoses);
        }
        let (edition, _) = pipeline.vocabulary.editions.on(self.prepared.input.code_date());
        if let Some(pack) = &pipeline.pack {
            let made = |code: &ChosenCode, mention: &CodedMention| match mention.kind {
                EntryKind::Allergy => pipeline.coder.allergen_of_code(&pipeline.vocabulary, code, pack.place(code)).0,
                _ => pipeline.medication_of_code(pack, code, &mention.attributes),
            };
            pack.prefer((&pipeline.vocabulary, edition, &self.prepared.document), made, coded.iter_mut());
        }
        for mention in coded {
            for_edition(&pipeline.vocabulary.editions, edition, &mut mention.coding);
            if mention.kind == EntryKind::Diagnosis {
                let drafted = mention.assertion.is_some_and(Assertion::is_drafted);
                let surface = mention.span.of(&self.prepared.document.text);
                pipeline.coder.ask(&edition.codes, surface, drafted, &mut mention.coding);
            }
            if mention.kind == EntryKind::Diagnosis && mention.assertion == Some(Assertion::Present) {
                pipeline.prompts.ask(&mut mention.coding);
            }
        }
    }

    /// The terms nearest in meaning to the words of these mentions; none where there are no vectors.
    fn similar(&self, mentions: impl Iterator<Item = Span>) -> Option<HashMap<Span, Vec<Near>>> {
        let (pipeline, document) = (self.pipeline, &self.prepared.document);
        let (model, vectors) = (pipeline.model.as_ref()?, pipeline.vectors()?);
        let spans: Vec<Span> = mentions.collect();
        let mut phrases: Vec<&str> = spans.iter().map(|span| span.of(&document.text)).collect();
        phrases.sort_unstable();
        phrases.dedup();
        phrases.truncate(PHRASES);
        // a code without this way is better than no extraction
        let found = vectors.nearest(&model.vectors(&phrases).ok()?, SIMILAR);
        let near = |span: &Span| {
            let at = phrases.binary_search(&span.of(&document.text)).ok()?;
            Some((*span, found.get(at)?.clone()))
        };
        Some(spans.iter().filter_map(near).collect())
    }
}
