//! A drafted query held against the record of its item, and the words of an entry as a draft quotes them.

use crate::{
    coding::queries::{NotedWords, QueryProblem, QueryRules},
    domain::{ClinicalIndicator, EntryKind, QueryContent, ReviewEntry, Span},
    store::ItemRecord,
    text::{Document, SectionTable},
    vocabulary::Vocabulary,
};

/// Most places of an entry that a draft quotes by itself.
const QUOTED: usize = 6;

/// What is wrong with a draft, held against the notes that count and the entries found in them.
#[must_use]
pub fn query_problems(
    (rules, vocabulary): (&QueryRules, &Vocabulary),
    record: &ItemRecord,
    entries: &[ReviewEntry],
    content: &QueryContent,
) -> Vec<QueryProblem> {
    let mut noted = NotedWords::default();
    for (note, _) in record.current_notes() {
        noted.add(vocabulary, note.id, &note.content.text);
    }
    let (said, denied): (Vec<_>, Vec<_>) = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Diagnosis)
        .partition(|entry| entry.assertion.is_none_or(|assertion| assertion.is_affirmed()));
    let words = |entries: Vec<&ReviewEntry>| {
        entries.into_iter().flat_map(|entry| entry.evidence.iter().map(|(_, one)| one.text.clone())).collect::<Vec<_>>()
    };
    for words in words(denied) {
        noted.deny(vocabulary, &words);
    }
    for words in words(said) {
        noted.affirm(vocabulary, &words);
    }
    rules.problems(vocabulary, &noted, content)
}

/// The record's own words for an entry, as they stand within a sentence where they do somewhere; its name where a coder added it without a place.
#[must_use]
pub fn condition_words(entry: &ReviewEntry) -> &str {
    let within = entry.evidence.iter().find(|(_, evidence)| evidence.text.starts_with(char::is_lowercase));
    within.or(entry.evidence.first()).map_or(&entry.display, |(_, evidence)| &evidence.text)
}

/// The sentences that an entry rests on, in notes that count, each once: what a draft about it quotes.
#[must_use]
pub fn quoted_evidence(record: &ItemRecord, entry: &ReviewEntry) -> Vec<ClinicalIndicator> {
    let mut quoted: Vec<ClinicalIndicator> = Vec::new();
    for (note_id, evidence) in &entry.evidence {
        let Some((note, _)) = record.current_notes().find(|(note, _)| note.id == *note_id) else { continue };
        let document = Document::new(&note.content.text, &SectionTable::default());
        let span = Span::new(evidence.start, evidence.end);
        let sentence = document.sentence_at(span).map(|sentence| sentence.span).filter(|sentence| sentence.end >= span.end);
        let text = sentence.map_or(evidence.text.as_str(), |sentence| sentence.of(&document.text));
        let indicator = ClinicalIndicator { note_id: *note_id, text: text.trim().to_owned() };
        if !quoted.contains(&indicator) {
            quoted.push(indicator);
        }
    }
    quoted.truncate(QUOTED);
    quoted
}
