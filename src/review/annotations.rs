//! What coders left of an encounter as annotations of its notes: training and evaluation data.
//!
//! What was accepted, amended or added stands as the coders left it; what was rejected is told with its reason, so that a learner sees what is
//! wrong too; what had to be decided on and was not is told as judged by nobody. Coders saw the engine's suggestions: what neither it nor they
//! saw is not there.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::{
    domain::{Attributes, CodeRole, DecisionKind, EntryKind, EntryState, OffsetUnit, ReviewEntry, Span, system},
    store::ItemRecord,
    text::OffsetMap,
};

/// What became of an annotated place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It stands: accepted, amended or added (the word of the contract).
    Stands(&'static str),
    /// It is wrong, for this reason.
    Rejected(String),
    /// Nobody decided on it.
    Unjudged,
}

/// One annotated place of a note. Spans are bytes of the note's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Where.
    pub span: Span,
    /// What is stated.
    pub kind: EntryKind,
    /// Assertion, status or scope: the word of the contract.
    pub said: Option<&'static str>,
    /// Codes that stand for it, with their systems.
    pub codes: Vec<(String, String)>,
    /// Name of ingredient or allergen.
    pub substance: Option<String>,
    /// What the note says of a medication or an allergy: name, words, and where they stand.
    pub attributes: Vec<(String, String, Span)>,
    /// What became of it.
    pub judged: Judged,
}

/// The annotations of each note that counts, in the order of their places.
#[must_use]
pub fn annotations(record: &ItemRecord, entries: &[ReviewEntry]) -> BTreeMap<Uuid, Vec<Annotation>> {
    let mut found: BTreeMap<Uuid, Vec<Annotation>> = record.current_notes().map(|(note, _)| (note.id, Vec::new())).collect();
    for entry in entries {
        let Some(judged) = judged(entry) else { continue };
        let model = Annotation {
            span: Span::new(0, 0),
            kind: entry.kind,
            said: said(entry),
            codes: codes(entry),
            substance: substance(entry),
            attributes: Vec::new(),
            judged,
        };
        for (note, evidence) in &entry.evidence {
            let Some(of_note) = found.get_mut(note) else { continue };
            // what a coder changed the attributes to stands in no text
            let kept = entry.state != EntryState::Amended || entry.attributes_note.is_some();
            let attributes = if kept { attributes(&evidence.attributes) } else { Vec::new() };
            of_note.push(Annotation { span: Span::new(evidence.start, evidence.end), attributes, ..model.clone() });
        }
        if let Some((note, span)) = added_at(record, entry)
            && let Some(of_note) = found.get_mut(&note)
        {
            of_note.push(Annotation { span, ..model });
        }
    }
    for of_note in found.values_mut() {
        of_note.sort_by_key(|one| (one.span.start, one.span.end));
    }
    found
}

/// None for what nobody had to decide on and nobody did, and for what was taken back.
fn judged(entry: &ReviewEntry) -> Option<Judged> {
    match entry.state {
        EntryState::Accepted | EntryState::Amended | EntryState::Added => Some(Judged::Stands(entry.state.as_str())),
        EntryState::Rejected => {
            let reason = entry.deciding().next_back().and_then(|decision| match &decision.kind {
                DecisionKind::Reject { reason, .. } => Some(reason.clone()),
                _ => None,
            });
            Some(Judged::Rejected(reason.unwrap_or_default()))
        }
        EntryState::Suggested => Some(Judged::Unjudged),
        EntryState::Withdrawn => None,
    }
}

fn said(entry: &ReviewEntry) -> Option<&'static str> {
    match entry.kind {
        EntryKind::Medication => entry.status.map(|status| status.as_str()),
        EntryKind::Diagnosis | EntryKind::Allergy => entry.assertion.map(|assertion| assertion.as_str()),
        EntryKind::NoKnownAllergies => None,
    }
}

/// Of a suggestion that a coder let stand the first code and what stands beside it; of a coder's choice all.
fn codes(entry: &ReviewEntry) -> Vec<(String, String)> {
    let pair = |system: &str, code: &str| (system.to_owned(), code.to_owned());
    let all = entry.codes.iter().map(|code| pair(&code.system, &code.code));
    if entry.has_chosen_codes() {
        return all.collect();
    }
    match entry.kind {
        EntryKind::Diagnosis => entry.codes.first().map_or_else(Vec::new, |first| {
            let beside = first.with.iter().map(|code| pair(system::ICD10CM, code));
            std::iter::once(pair(&first.system, &first.code)).chain(beside).collect()
        }),
        EntryKind::Medication => {
            let ingredients = entry.codes.iter().filter(|code| code.role == CodeRole::Ingredient);
            let of: Vec<_> = ingredients.map(|code| pair(&code.system, &code.code)).collect();
            if of.is_empty() { all.take(1).collect() } else { of }
        }
        EntryKind::Allergy => all.take(1).collect(),
        EntryKind::NoKnownAllergies => Vec::new(),
    }
}

fn substance(entry: &ReviewEntry) -> Option<String> {
    match entry.kind {
        EntryKind::Medication => {
            let ingredients = entry.codes.iter().filter(|code| code.role == CodeRole::Ingredient && !code.display.is_empty());
            let names: Vec<&str> = ingredients.map(|code| code.display.as_str()).collect();
            Some(if names.is_empty() { entry.display.clone() } else { names.join(" + ") })
        }
        EntryKind::Allergy => Some(entry.display.clone()),
        EntryKind::Diagnosis | EntryKind::NoKnownAllergies => None,
    }
}

/// What is a reading of the words rather than words of its own.
const READINGS: [&str; 3] = ["dosage", "total_daily_dose", "not_understood"];

/// Every attribute that has a place in the note.
fn attributes(all: &Attributes) -> Vec<(String, String, Span)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(all) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, value) in &fields {
        let name = if name == "reactions" { "reaction" } else { name };
        let each: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        for one in each {
            let number = |field: &str| one[field].as_u64().and_then(|place| usize::try_from(place).ok());
            if let (Some(words), Some(start), Some(end)) = (one["text"].as_str(), number("start"), number("end"))
                && start < end
                && !READINGS.contains(&name)
            {
                found.push((name.to_owned(), words.to_owned(), Span::new(start, end)));
            }
        }
    }
    found.sort_by_key(|(_, _, span)| (span.start, span.end));
    found
}

/// Where a coder marked an added entry: the note, and bytes of its text.
#[must_use]
pub fn added_at(record: &ItemRecord, entry: &ReviewEntry) -> Option<(Uuid, Span)> {
    let place = |kind: &DecisionKind| match kind {
        DecisionKind::Add { note_id: Some(note), start: Some(start), end: Some(end), .. } => {
            Some((*note, Span::new(*start, *end)))
        }
        _ => None,
    };
    let (note, span) = entry.decisions.iter().rev().find_map(|decision| place(&decision.kind))?;
    let (found, _) = record.notes.iter().find(|(one, _)| one.id == note)?;
    Some((note, OffsetMap::new(&found.content.text, OffsetUnit::Codepoint).to_bytes(span)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Assertion,
        review::{
            rollup,
            tests::{add, amend, decide, drafted, record_of},
        },
    };

    fn of_note(record: &ItemRecord) -> Vec<Annotation> {
        annotations(record, &rollup(record)).into_values().next().expect("one note")
    }

    #[test]
    fn what_coders_left_stands_and_what_they_rejected_is_told() {
        let mut record = crate::review::outcome_tests::with_evidence(record_of("I10", 0.8));
        let id = rollup(&record)[0].id;
        assert_eq!(of_note(&record)[0].judged, Judged::Unjudged);
        decide(&mut record, id, amend(&["I11.9", "I50.9"], Some(Assertion::Possible)));
        let found = of_note(&record);
        assert_eq!(found.len(), 2, "both places");
        assert_eq!((found[0].span, found[0].said), (Span::new(0, 12), Some("possible")));
        assert_eq!(found[0].codes.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), ["I11.9", "I50.9"]);
        assert_eq!(found[0].judged, Judged::Stands("amended"));
        decide(&mut record, id, DecisionKind::Reject { reason: "negated".to_owned(), comment: None });
        assert_eq!(of_note(&record)[0].judged, Judged::Rejected("negated".to_owned()));
    }

    #[test]
    fn an_addition_stands_where_it_was_marked() {
        let mut record = drafted(vec![]);
        record.notes[0].0.content.text = "Müde. Gout.".to_owned();
        let note = record.notes[0].0.id;
        let DecisionKind::Add { kind, display, codes, assertion, .. } = add(&["M10.9"], Assertion::Present) else {
            unreachable!("an addition")
        };
        let (start, end) = (Some(6), Some(10));
        let added =
            DecisionKind::Add { kind, display, codes, assertion, status: None, note_id: Some(note), start, end, comment: None };
        decide(&mut record, Uuid::from_u128(50), added);
        let found = of_note(&record);
        assert_eq!(found[0].span.of(&record.notes[0].0.content.text), "Gout");
        assert_eq!(found[0].judged, Judged::Stands("added"));
        decide(&mut record, Uuid::from_u128(50), DecisionKind::Withdraw {});
        assert!(of_note(&record).is_empty());
    }
}
