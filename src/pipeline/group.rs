//! Mentions of one concept with one assertion (or status) make one entry.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{NoteInput, reconcile::list_of, site_pack::is_drug_of_pack};
use crate::{
    coding::{Coding, NO_KNOWN_ALLERGY, NO_KNOWN_DRUG_ALLERGY, reportable},
    domain::{
        AllergyScope, Assertion, Attributes, Boilerplate, CodeCandidate, CodeRole, CodedEntry, Cue, EntryKind, Evidence,
        MedicationList, MedicationStatus, Prompt, ScoredBy, Span, system,
    },
    text::Document,
};

/// A mention with everything found for it.
pub(super) struct CodedMention {
    pub kind: EntryKind,
    pub span: Span,
    pub confidence: f32,
    pub sources: Vec<String>,
    pub assertion: Option<Assertion>,
    pub status: Option<MedicationStatus>,
    pub scope: Option<AllergyScope>,
    pub attributes: Attributes,
    pub cues: Vec<Cue>,
    pub coding: Coding,
}

/// What makes two mentions one entry: kind, concept, assertion, status, scope.
type Key = (EntryKind, String, Option<Assertion>, Option<MedicationStatus>, Option<AllergyScope>);

impl CodedMention {
    /// The codes of the concept, or the folded words when there are none.
    fn concept(&self) -> String {
        let codes: Vec<&str> = match self.kind {
            EntryKind::Diagnosis | EntryKind::Allergy => self
                .coding
                .codes
                .iter()
                .filter(|code| code.role == CodeRole::Code)
                .take(1)
                .map(|code| code.code.as_str())
                .collect(),
            EntryKind::Medication => self
                .coding
                .codes
                .iter()
                .filter(|code| code.role == CodeRole::Ingredient)
                .map(|code| code.code.as_str())
                .collect(),
            EntryKind::NoKnownAllergies => Vec::new(),
        };
        if codes.is_empty() { crate::vocabulary::normalize_term(&self.coding.display) } else { codes.join("+") }
    }
}

/// Groups mentions (in order of the text) into entries, in order of their first evidence.
pub(super) fn entries(
    document: &Document,
    input: &NoteInput,
    passages: &[Boilerplate],
    mentions: Vec<CodedMention>,
) -> Vec<CodedEntry> {
    let mut groups: BTreeMap<Key, Vec<CodedMention>> = BTreeMap::new();
    for mention in mentions {
        let key = (mention.kind, mention.concept(), mention.assertion, mention.status, mention.scope);
        groups.entry(key).or_default().push(mention);
    }
    let mut entries: Vec<CodedEntry> =
        groups.into_iter().map(|(key, mentions)| entry(document, input, (&key, passages), mentions)).collect();
    entries.sort_by_key(|entry| entry.evidence.first().map(|evidence| (evidence.start, evidence.end)));
    entries
}

fn entry(
    document: &Document,
    input: &NoteInput,
    (key, passages): (&Key, &[Boilerplate]),
    mentions: Vec<CodedMention>,
) -> CodedEntry {
    let (kind, concept, assertion, status, scope) = key;
    let name = format!("{}|{}|{concept}|{assertion:?}|{status:?}|{scope:?}", input.note_id, kind.as_str());
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
    let best = mentions.iter().max_by(|left, right| first_score(left).total_cmp(&first_score(right)));
    let coding = match scope {
        Some(scope) => no_known_allergies(*scope),
        None => best.map(|mention| with_clinical_drug(document, mention, &mentions)).unwrap_or_default(),
    };
    let mut attributes = Attributes::default();
    for mention in in_order_of_word(document, &mentions) {
        attributes.fill_from(&mention.attributes);
    }
    let mention_confidence = mentions.iter().map(|mention| mention.confidence).fold(0.0, f32::max);
    let confidence = coding.codes.first().map(|code| (code.score * mention_confidence).clamp(0.0, 1.0));
    let because = reportable(*kind, *assertion, input.encounter_class, !coding.codes.is_empty());
    let evidence: Vec<Evidence> = mentions.into_iter().map(|mention| evidence(document, passages, mention)).collect();
    let mut prompts = coding.prompts;
    if evidence.iter().all(|evidence| evidence.boilerplate.is_some()) && assertion.is_none_or(Assertion::is_affirmed) {
        prompts.push(Prompt {
            kind: "boilerplate_only".to_owned(),
            message: "stands in template or copied text only: is it true of this patient today?".to_owned(),
        });
    }
    if attributes.not_understood.is_some() {
        prompts.push(Prompt {
            kind: "directions_not_understood".to_owned(),
            message: "part of the directions was not understood and stays as written".to_owned(),
        });
    }
    CodedEntry {
        id,
        kind: *kind,
        display: coding.display,
        assertion: *assertion,
        status: *status,
        scope: *scope,
        codes: coding.codes,
        confidence,
        reportable: because.is_none(),
        not_reportable_because: because,
        attributes,
        prompts,
        evidence,
    }
}

fn first_score(mention: &CodedMention) -> f32 {
    mention.coding.codes.first().map_or(-1.0, |code| code.score)
}

/// The mentions in the order in which their words count: of a medication the discharge list first, then the last one told.
fn in_order_of_word<'a>(document: &Document, mentions: &'a [CodedMention]) -> Vec<&'a CodedMention> {
    let mut ordered: Vec<&CodedMention> = mentions.iter().collect();
    ordered.sort_by_cached_key(|mention| {
        let list = mention.status.and_then(|status| list_of(document, mention.span, status));
        let last = mention.status.map_or(mention.span.start, |_| usize::MAX - mention.span.start);
        (list != Some(MedicationList::Discharge), last)
    });
    ordered
}

/// The best mention's coding; a medication's clinical drug is that of the mention whose strength is shown.
fn with_clinical_drug(document: &Document, best: &CodedMention, mentions: &[CodedMention]) -> Coding {
    let mut coding = best.coding.clone();
    if best.kind == EntryKind::Medication && !is_drug_of_pack(&coding.codes) {
        coding.codes.retain(|code| code.role != CodeRole::ClinicalDrug);
        let drug = in_order_of_word(document, mentions)
            .into_iter()
            .find(|mention| mention.attributes.strength.is_some())
            .into_iter()
            .flat_map(|mention| &mention.coding.codes)
            .filter(|code| code.role == CodeRole::ClinicalDrug);
        coding.codes.extend(drug.cloned());
        for (place, code) in coding.codes.iter_mut().enumerate() {
            code.rank = u32::try_from(place + 1).unwrap_or(u32::MAX);
        }
    }
    coding
}

fn no_known_allergies(scope: AllergyScope) -> Coding {
    let (code, display) = match scope {
        AllergyScope::Drug => NO_KNOWN_DRUG_ALLERGY,
        AllergyScope::All => NO_KNOWN_ALLERGY,
    };
    let candidate = CodeCandidate {
        rank: 1,
        role: CodeRole::Code,
        system: system::SNOMED.to_owned(),
        code: code.to_owned(),
        display: display.to_owned(),
        score: 0.98,
        with: Vec::new(),
        why: "statement of no known allergies".to_owned(),
        features: std::collections::BTreeMap::new(),
        scored_by: ScoredBy::Engine,
    };
    Coding { display: display.to_owned(), codes: vec![candidate], prompts: Vec::new() }
}

fn evidence(document: &Document, passages: &[Boilerplate], mention: CodedMention) -> Evidence {
    let passage = passages.iter().find(|passage| passage.start <= mention.span.start && mention.span.start < passage.end);
    Evidence {
        list: mention.status.and_then(|status| list_of(document, mention.span, status)),
        boilerplate: passage.map(|passage| passage.kind),
        start: mention.span.start,
        end: mention.span.end,
        text: mention.span.of(&document.text).to_owned(),
        section: document.section_kind_at(mention.span).to_owned(),
        assertion: mention.assertion,
        status: mention.status,
        confidence: mention.confidence,
        attributes: mention.attributes,
        cues: mention.cues,
        sources: mention.sources,
    }
}
