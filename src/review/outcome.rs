//! How the entries of an encounter came out: what the engine suggested beside what coders made of it.

use std::collections::HashMap;

use uuid::Uuid;

use super::{annotations::added_at, rollup};
use crate::{
    domain::{
        ChosenCode, CodeCandidate, CodeRole, Decision, DecisionKind, Ended, EngineVersion, EntryKind, EntryOutcome, EntryState,
        Extraction, ItemOutcome, Note, ReviewEntry, system,
    },
    store::ItemRecord,
    vocabulary::normalize_term,
};

/// Candidates that are kept beside the first one.
const OTHERS: usize = 4;

/// How the entries of an item came out; `entries` are those of its [`rollup`](fn@rollup). Who finished it the store knows.
#[must_use]
pub fn item_outcome(record: &ItemRecord, entries: &[ReviewEntry]) -> ItemOutcome {
    // as the engine suggested them, before coders changed anything
    let suggested: HashMap<Uuid, ReviewEntry> =
        rollup(&ItemRecord { decisions: Vec::new(), ..record.clone() }).into_iter().map(|entry| (entry.id, entry)).collect();
    let mut engines: Vec<EngineVersion> = Vec::new();
    let mut outcomes = Vec::new();
    for entry in entries {
        let Some(mut outcome) = outcome_of(record, (suggested.get(&entry.id), entry)) else { continue };
        outcome.engine = extraction_of(record, outcome.note_id).filter(|_| outcome.ended != Ended::Added).map(|extraction| {
            engines.iter().position(|one| *one == extraction.engine).unwrap_or_else(|| {
                engines.push(extraction.engine.clone());
                engines.len() - 1
            })
        });
        outcomes.push(outcome);
    }
    let current = || record.current_notes().map(|(note, _)| note);
    ItemOutcome {
        item: record.item.id,
        patient: record.item.patient_id,
        revision: record.item.revision,
        state: record.item.state,
        received_at: current().map(|note| note.received_at).min().unwrap_or(record.item.created_at),
        finished: None,
        encounter_class: record.item.encounter_class,
        facility: record.item.facility.clone(),
        department: record.item.department.clone(),
        service_date: current().filter_map(|note| note.content.service_date).max(),
        note_types: current().map(|note| note.content.note_type.clone()).collect(),
        engines,
        entries: outcomes,
    }
}

/// None for what neither the notes that count nor a coder says.
fn outcome_of(record: &ItemRecord, (suggested, entry): (Option<&ReviewEntry>, &ReviewEntry)) -> Option<EntryOutcome> {
    let ended = match entry.state {
        EntryState::Withdrawn => return None,
        EntryState::Added => Ended::Added,
        _ if suggested.is_none() => return None,
        EntryState::Accepted => Ended::Accepted,
        EntryState::Amended => Ended::Amended,
        EntryState::Rejected => Ended::Rejected,
        EntryState::Suggested => Ended::Ignored,
    };
    let decision = entry.deciding().next_back().filter(|_| ended != Ended::Ignored);
    let (note, words, section) = match entry.evidence.first() {
        Some((note, evidence)) => (Some(*note), normalize_term(&evidence.text), Some(evidence.section.clone())),
        None => marked(record, entry).unwrap_or_default(),
    };
    let mut other_words: Vec<String> = Vec::new();
    for (_, evidence) in entry.evidence.iter().skip(1) {
        let one = normalize_term(&evidence.text);
        if one != words && !other_words.contains(&one) {
            other_words.push(one);
        }
    }
    let candidates = suggested.map(|one| one.codes.as_slice()).unwrap_or_default();
    let note_type =
        record.notes.iter().find(|(one, _)| Some(one.id) == note).and_then(|(one, _)| one.content.note_type.clone());
    Some(EntryOutcome {
        entry_id: entry.id,
        kind: entry.kind,
        ended,
        words,
        other_words,
        note_id: note,
        note_type,
        section,
        suggested: candidates.first().map(chosen),
        confidence: suggested.and_then(|one| one.confidence),
        others: candidates.iter().skip(1).take(OTHERS).map(|code| (chosen(code), code.score)).collect(),
        codes: match ended {
            Ended::Rejected | Ended::Ignored => Vec::new(),
            Ended::Accepted | Ended::Amended | Ended::Added => standing(entry),
        },
        assertion: [suggested.and_then(|one| one.assertion), entry.assertion],
        status: [suggested.and_then(|one| one.status), entry.status],
        charted: ReviewEntry { state: EntryState::Suggested, ..entry.clone() }.needs_decision(),
        reason: decision.and_then(reason),
        decided: decision.map(|one| (one.user_id, one.user_name.clone(), one.at)),
        bulk: decision.is_some_and(|one| matches!(one.kind, DecisionKind::Accept { bulk: true })),
        engine: None,
    })
}

fn extraction_of(record: &ItemRecord, note: Option<Uuid>) -> Option<&Extraction> {
    record.notes.iter().find(|(one, _)| Some(one.id) == note).and_then(|(_, extraction)| extraction.as_ref())
}

fn chosen(code: &CodeCandidate) -> ChosenCode {
    ChosenCode { system: code.system.clone(), code: code.code.clone(), display: code.display.clone() }
}

/// The codes that stand: those that a coder chose; of a suggestion the first and what stands beside it, of a medication all its ingredients.
fn standing(entry: &ReviewEntry) -> Vec<ChosenCode> {
    if entry.has_chosen_codes() {
        return entry.codes.iter().map(chosen).collect();
    }
    let Some(first) = entry.codes.first() else { return Vec::new() };
    let mut codes = vec![chosen(first)];
    match entry.kind {
        EntryKind::Diagnosis => codes.extend(first.with.iter().map(|code| ChosenCode {
            system: system::ICD10CM.to_owned(),
            code: code.clone(),
            display: String::new(),
        })),
        EntryKind::Medication => {
            codes.extend(entry.codes.iter().skip(1).filter(|code| code.role == CodeRole::Ingredient).map(chosen));
        }
        EntryKind::Allergy | EntryKind::NoKnownAllergies => {}
    }
    codes
}

fn reason(decision: &Decision) -> Option<String> {
    match &decision.kind {
        DecisionKind::Reject { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

/// Where a coder marked an added entry: the note, the words, the section.
fn marked(record: &ItemRecord, entry: &ReviewEntry) -> Option<(Option<Uuid>, String, Option<String>)> {
    let (note, span) = added_at(record, entry)?;
    let (found, extraction): &(Note, Option<Extraction>) = record.notes.iter().find(|(one, _)| one.id == note)?;
    let text = &found.content.text;
    let words = normalize_term(text.get(span.start..span.end)?);
    let sections = extraction.iter().flat_map(|extraction| &extraction.sections);
    let section =
        sections.filter(|one| one.body.start <= span.start && span.end <= one.body.end).map(|one| one.kind.clone()).next_back();
    Some((Some(note), words, section))
}
