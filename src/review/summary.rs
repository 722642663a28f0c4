//! What lists say of an item, from its entries.

use super::{edits::ItemEdit, rollup};
use crate::{
    coding::edits::Severity,
    domain::{EntryKind, EntryState, ItemSummary, ReviewEntry, Tally, UNSURE_BELOW, system},
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

/// What makes each candidate code of an entry the same as another for the same words, with the entry and the place of the candidate.
pub fn candidate_suggestions(entry: &ReviewEntry) -> impl Iterator<Item = ((uuid::Uuid, usize), Suggestion)> {
    let words = entry.evidence.first().map(|(_, evidence)| normalize_term(&evidence.text)).unwrap_or_default();
    entry.codes.iter().enumerate().map(move |(at, code)| {
        let code = format!("{}|{}", code.system, code.code);
        ((entry.id, at), Suggestion { kind: entry.kind.as_str(), code, words: words.clone() })
    })
}

/// How the suggestions of an item ended, to be counted: accepted, amended and rejected ones, by what was suggested. A code that a coder chose
/// in place of another counts as accepted for the same words.
#[must_use]
pub fn outcomes(record: &ItemRecord, entries: &[ReviewEntry]) -> Vec<SuggestionOutcome> {
    // as the engine suggested them, before coders changed their codes
    let suggested = rollup(&ItemRecord { decisions: Vec::new(), ..record.clone() });
    let of = |entry: &ReviewEntry| {
        let ended = entries.iter().find(|one| one.id == entry.id)?;
        let at = ended.deciding().next_back()?.at;
        let mut told: Vec<SuggestionOutcome> = suggestions_of(entry)
            .map(|suggestion| SuggestionOutcome { suggestion, state: ended.state, at })
            .into_iter()
            .collect();
        if ended.state == EntryState::Amended && ended.has_chosen_codes() {
            let [chosen, _] = suggestions_of(&ReviewEntry { codes: ended.codes.clone(), ..entry.clone() });
            if chosen.code != told[0].suggestion.code {
                told.push(SuggestionOutcome { suggestion: chosen, state: EntryState::Accepted, at });
            }
        }
        Some(told)
    };
    suggested.iter().filter_map(of).flatten().collect()
}

/// The engine's probability for an entry: of its code for a diagnosis, of its words for another; none where it abstained.
#[must_use]
pub fn engine_probability(entry: &ReviewEntry) -> Option<f32> {
    if entry.kind == EntryKind::Diagnosis {
        return entry.confidence.filter(|_| !entry.codes.is_empty());
    }
    entry.evidence.iter().map(|(_, evidence)| evidence.confidence).reduce(f32::max)
}

/// What is known of an entry's words and code by experience: the probability that it is right after what coders made of suggestions like it. Of
/// what coders changed, or never saw before, there is nothing.
#[must_use]
pub fn reliability(entry: &ReviewEntry, tally: Option<&Tally>) -> Option<f32> {
    let tally = tally.filter(|tally| tally.total() > 0 && entry.state == EntryState::Suggested)?;
    engine_probability(entry).map(|engine| tally.reliability(engine))
}
