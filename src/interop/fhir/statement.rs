//! What every derived resource is made of: one entry, as an extraction suggests it or as the review of its encounter left it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{DERIVATION, status};
use crate::domain::{
    Assertion, Attributes, ChangeKind, CodeCandidate, CodedEntry, Decision, DecisionKind, EntryKind, EntryState, Evidence,
    MedicationStatus, ReviewEntry,
};

/// System of the tag that says what the coders decided about the entry behind a resource.
const ENTRY_STATE: &str = "urn:abstractor:entry-state";

/// What a person said of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing yet.
    Suggested,
    /// It is right, perhaps after changes, or it was added by hand.
    Confirmed,
    /// The patient does not have it: rejected as negated.
    Refuted,
    /// It should not have been said.
    Mistaken,
}

/// Words of a note, code points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) note: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// One entry.
pub(super) struct Statement<'a> {
    pub(super) id: String,
    pub(super) kind: EntryKind,
    pub(super) display: &'a str,
    pub(super) assertion: Option<Assertion>,
    pub(super) status: Option<MedicationStatus>,
    pub(super) codes: &'a [CodeCandidate],
    pub(super) attributes: &'a Attributes,
    /// With the note that each stands in.
    pub(super) evidence: Vec<(String, &'a Evidence)>,
    /// Where a coder who added it says that it stands.
    added_at: Option<Place>,
    pub(super) standing: Standing,
    /// The word of the state, where there was a review.
    state: Option<EntryState>,
    pub(super) decisions: &'a [Decision],
}

impl<'a> Statement<'a> {
    /// As the engine suggests it.
    pub(super) fn suggested(note: &str, entry: &'a CodedEntry) -> Self {
        Self {
            id: entry.id.clone(),
            kind: entry.kind,
            display: &entry.display,
            assertion: entry.assertion,
            status: entry.status,
            codes: &entry.codes,
            attributes: &entry.attributes,
            evidence: entry.evidence.iter().map(|one| (note.to_owned(), one)).collect(),
            added_at: None,
            standing: Standing::Suggested,
            state: None,
            decisions: &[],
        }
    }

    /// As the review left it. `within` leaves out what stands in other notes. None for an entry that says nothing any more: taken back by
    /// the coder who added it, or decided on and not suggested since.
    pub(super) fn reviewed(entry: &'a ReviewEntry, within: Option<Uuid>) -> Option<Self> {
        let added_at = entry.decisions.iter().find_map(|decision| match decision.kind {
            DecisionKind::Add { note_id: Some(note), start: Some(start), end: Some(end), .. } => {
                Some(Place { note: note.to_string(), start, end })
            }
            _ => None,
        });
        let evidence: Vec<(String, &Evidence)> = entry
            .evidence
            .iter()
            .filter(|(note, _)| within.is_none_or(|only| only == *note))
            .map(|(note, evidence)| (note.to_string(), evidence))
            .collect();
        let added_at = added_at.filter(|place| within.is_none_or(|only| only.to_string() == place.note));
        let added = matches!(entry.state, EntryState::Added)
            || entry.decisions.iter().any(|decision| matches!(decision.kind, DecisionKind::Add { .. }));
        // what was confirmed and is said by no note any more is told as an error, so that who took it over hears of it
        let taken_back = is_gone(entry);
        let gone = entry.state == EntryState::Withdrawn || (entry.evidence.is_empty() && !added && !taken_back);
        let elsewhere = within.is_some() && evidence.is_empty() && added_at.is_none();
        if gone || elsewhere {
            return None;
        }
        Some(Self {
            id: entry.id.to_string(),
            kind: entry.kind,
            display: &entry.display,
            assertion: entry.assertion,
            status: entry.status,
            codes: &entry.codes,
            attributes: &entry.attributes,
            evidence,
            added_at,
            standing: standing(entry),
            state: Some(entry.state),
            decisions: &entry.decisions,
        })
    }

    /// The words it rests on, or its name where a coder added it without a place.
    pub(super) fn words(&self) -> &'a str {
        self.evidence.first().map_or(self.display, |(_, one)| one.text.as_str())
    }

    /// Every place that it rests on.
    pub(super) fn places(&self) -> Vec<Place> {
        let evidence = self.evidence.iter().map(|(note, one)| Place { note: note.clone(), start: one.start, end: one.end });
        evidence.chain(self.added_at.clone()).collect()
    }

    /// Puts on a resource what all kinds have: the places of its words, and what the review left of it.
    pub(super) fn mark(&self, resource: &mut Value, places: &[Place], binary: impl Fn(&str) -> String) {
        if !places.is_empty() {
            resource["extension"] = places.iter().map(|place| derivation(place, &binary(&place.note))).collect();
        }
        if let Some(state) = self.state {
            resource["meta"] = json!({"tag": [{"system": ENTRY_STATE, "code": state.as_str()}]});
        }
    }

    /// `entered-in-error` or `refuted` where a person said so.
    pub(super) fn withdrawn(&self, system: &str) -> Option<Value> {
        match self.standing {
            Standing::Refuted => Some(status(system, "refuted")),
            Standing::Mistaken => Some(status(system, "entered-in-error")),
            Standing::Suggested | Standing::Confirmed => None,
        }
    }
}

/// Whether it was decided on and no note that counts says it any more.
fn is_gone(entry: &ReviewEntry) -> bool {
    entry.changed.as_ref().is_some_and(|change| change.what == ChangeKind::EvidenceGone)
}

fn standing(entry: &ReviewEntry) -> Standing {
    if is_gone(entry) {
        return Standing::Mistaken;
    }
    match entry.state {
        EntryState::Suggested => Standing::Suggested,
        EntryState::Accepted | EntryState::Amended | EntryState::Added => Standing::Confirmed,
        EntryState::Rejected => match entry.decisions.last().map(|decision| &decision.kind) {
            Some(DecisionKind::Reject { reason, .. }) if reason == "negated" => Standing::Refuted,
            _ => Standing::Mistaken,
        },
        EntryState::Withdrawn => Standing::Mistaken,
    }
}

/// The extension that points at the words.
fn derivation(place: &Place, binary: &str) -> Value {
    json!({"url": DERIVATION, "extension": [
        {"url": "reference", "valueReference": {"reference": binary}},
        {"url": "path", "valueString": "Binary.data"},
        {"url": "offset", "valueInteger": place.start},
        {"url": "length", "valueInteger": place.end.saturating_sub(place.start)},
    ]})
}
