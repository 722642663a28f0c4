//! What lists say of an item, from its entries.

use super::{edits::ItemEdit, rollup};
use crate::{
    coding::edits::Severity,
    domain::{EntryKind, ItemSummary, ReviewEntry, UNSURE_BELOW, system},
    store::{ItemRecord, Suggestion, SuggestionOutcome},
    vocabulary::{Edition, Vocabulary, normalize_term},
};

/// Counts over the entries of an item as they stand.
#[must_use]
pub fn summarize(
    (vocabulary, edition): (&Vocabulary, &Edition),
    record: &ItemRecord,
    (entries, edits): (&[ReviewEntry], &[ItemEdit]),
) -> ItemSummary {
    let waiting: Vec<&ReviewEntry> = entries.iter().filter(|entry| entry.needs_decision()).collect();
    let counted = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let paid = |entry: &&&ReviewEntry| {
        let first = entry.codes.first().filter(|code| code.system == system::ICD10CM);
        first.is_some_and(|code| is_paid((vocabulary, edition), &code.code))
    };
    let dates = || record.current_notes().filter_map(|(note, _)| note.content.service_date);
    let mut note_types: Vec<String> = record.current_notes().filter_map(|(note, _)| note.content.note_type.clone()).collect();
    note_types.sort_unstable();
    note_types.dedup();
    let alerts = record.current_notes().filter_map(|(_, extraction)| extraction.as_ref()).map(|one| one.alerts.len()).sum();
    ItemSummary {
        revision: record.item.revision,
        waiting: counted(waiting.len()),
        unsure: counted(waiting.iter().filter(|entry| is_unsure(entry)).count()),
        alerts: counted(alerts),
        hard_edits: counted(edits.iter().filter(|found| found.edit.severity == Severity::Hard).count()),
        prompts: counted(waiting.iter().map(|entry| entry.prompts.len()).sum()),
        payment: counted(waiting.iter().filter(paid).count()),
        note_types,
        service_from: dates().min(),
        service_to: dates().max(),
    }
}

/// Whether payment hangs on a code: a condition category of a risk model, or a complication where the lists are loaded.
#[must_use]
pub fn is_paid((vocabulary, edition): (&Vocabulary, &Edition), code: &str) -> bool {
    edition.notes.categories(code).is_some() || vocabulary.lists.complication(code).is_some()
}

/// Whether the engine is not sure of an entry: of its code for a diagnosis, of its words for another.
#[must_use]
pub fn is_unsure(entry: &ReviewEntry) -> bool {
    if entry.codes.is_empty() {
        return true;
    }
    if entry.kind == EntryKind::Diagnosis {
        return entry.confidence.is_none_or(|probability| probability < UNSURE_BELOW);
    }
    entry.evidence.iter().all(|(_, evidence)| evidence.confidence < UNSURE_BELOW)
}

/// What makes suggestions the same, see [`Suggestion`]: by the note's words for it, and whatever the words.
#[must_use]
pub fn suggestions_of(entry: &ReviewEntry) -> [Suggestion; 2] {
    // what coders made of it does not make it another suggestion, so the codes are those of the engine only while nothing was amended
    let code = entry.codes.first().map_or_else(String::new, |code| format!("{}|{}", code.system, code.code));
    let words = entry.evidence.first().map(|(_, evidence)| normalize_term(&evidence.text)).unwrap_or_default();
    let of = |words: String| Suggestion { kind: entry.kind.as_str(), code: code.clone(), words };
    [of(words), of(String::new())]
}

/// How the suggestions of an item ended, to be counted: accepted, amended and rejected ones, by what was suggested.
#[must_use]
pub fn outcomes(record: &ItemRecord, entries: &[ReviewEntry]) -> Vec<SuggestionOutcome> {
    // as the engine suggested them, before coders changed their codes
    let suggested = rollup(&ItemRecord { decisions: Vec::new(), ..record.clone() });
    let of = |entry: &ReviewEntry| {
        let ended = entries.iter().find(|one| one.id == entry.id)?;
        let at = ended.deciding().next_back()?.at;
        Some(suggestions_of(entry).map(|suggestion| SuggestionOutcome { suggestion, state: ended.state, at }))
    };
    suggested.iter().filter_map(of).flatten().collect()
}
