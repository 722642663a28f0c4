//! Entries of the notes of one item, rolled up.

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    coding::reportable,
    domain::{
        Attributes, BoilerplateKind, ChangeKind, ChosenCode, CodeCandidate, CodeRole, CodedEntry, Decision, DecisionKind,
        Designation, DiagnosisRole, EntryChange, EntryKind, EntryState, Evidence, NotReportable, OffsetUnit, ReviewEntry,
        ScoredBy, Span, Standing, system,
    },
    store::ItemRecord,
    text::{OffsetMap, folded, folded_sentence, passage},
};

/// The entries of an item: one for each concept and assertion (or status) over all its notes, in the order of their first
/// evidence, then what coders added; each with its decisions folded in. Evidence offsets are bytes of their note.
#[must_use]
pub fn rollup(record: &ItemRecord) -> Vec<ReviewEntry> {
    let mut entries: Vec<ReviewEntry> = Vec::new();
    let mut index: BTreeMap<Uuid, usize> = BTreeMap::new();
    // sentences of the notes before: what stands in them word for word was copied forward
    let mut told: HashSet<String> = HashSet::new();
    for (note, extraction) in record.current_notes() {
        let mut here: Vec<String> = Vec::new();
        for entry in extraction.iter().flat_map(|extraction| &extraction.entries) {
            let id = entry_id(record.item.id, entry);
            let at = *index.entry(id).or_insert_with(|| {
                entries.push(from_extraction(id, entry));
                entries.len() - 1
            });
            let rolled = &mut entries[at];
            // of one note only, so that their places are places of one text; the last note's word counts
            if entry.attributes != Attributes::default() {
                rolled.attributes.clone_from(&entry.attributes);
                rolled.attributes_note = Some(note.id);
            }
            for evidence in &entry.evidence {
                let mut evidence = evidence.clone();
                if let Some(passage) = passage(&note.content.text, Span::new(evidence.start, evidence.end)) {
                    if told.contains(&passage) {
                        evidence.boilerplate = Some(BoilerplateKind::CopiedForward);
                    }
                    here.push(passage);
                }
                rolled.evidence_keys.push(evidence_key(&note.content.text, &evidence));
                rolled.evidence.push((note.id, evidence));
            }
            // the most confident note speaks for the code
            if entry.confidence > rolled.confidence {
                rolled.confidence = entry.confidence;
                rolled.codes.clone_from(&entry.codes);
                rolled.prompts.clone_from(&entry.prompts);
                rolled.display.clone_from(&entry.display);
            }
        }
        told.extend(here);
    }
    let said: HashSet<Uuid> = index.keys().copied().collect();
    for decision in &record.decisions {
        let at = *index.entry(decision.entry_id).or_insert_with(|| {
            entries.push(said_before(record, decision.entry_id).unwrap_or_else(|| added(decision)));
            entries.len() - 1
        });
        entries[at].decisions.push(decision.clone());
    }
    for entry in &mut entries {
        entry.state = EntryState::fold(entry.decisions.iter().map(|decision| &decision.kind));
        entry.changed = change_of((record, &said), entry);
        if entry.state == EntryState::Amended {
            amend(entry);
        }
        if entry.changed.is_some() {
            entry.state = EntryState::Suggested;
        }
        // by what the entry says now, and by the class of the encounter: the class of one note may have been unknown
        let coded = entry.codes.iter().any(|code| code.system == system::ICD10CM);
        let gone = entry.changed.as_ref().is_some_and(|change| change.what == ChangeKind::EvidenceGone);
        entry.not_reportable_because = reportable(entry.kind, entry.assertion, record.item.encounter_class, coded)
            .or(gone.then_some(NotReportable::NoLongerDocumented));
        entry.reportable = entry.not_reportable_because.is_none();
    }
    designate(record, &mut entries);
    entries
}

/// An entry that was decided on and that only notes say which do not count any more.
fn said_before(record: &ItemRecord, id: Uuid) -> Option<ReviewEntry> {
    let extractions = record.notes.iter().rev().filter_map(|(_, extraction)| extraction.as_ref());
    let entry = extractions.flat_map(|extraction| &extraction.entries).find(|entry| entry_id(record.item.id, entry) == id)?;
    Some(from_extraction(id, entry))
}

/// Whether the words that the last decision on an entry rested on have changed since; `said` are the entries of the notes that count.
fn change_of((record, said): (&ItemRecord, &HashSet<Uuid>), entry: &ReviewEntry) -> Option<EntryChange> {
    let decision = entry.deciding().next_back()?;
    let what = match (&decision.kind, entry.state) {
        (DecisionKind::Add { note_id: Some(note), start: Some(start), end: Some(end), .. }, _) => {
            (!still_said(record, *note, Span::new(*start, *end))).then_some(ChangeKind::EvidenceGone)?
        }
        (_, EntryState::Accepted | EntryState::Amended) if !said.contains(&entry.id) && !was_added(entry) => {
            ChangeKind::EvidenceGone
        }
        (_, EntryState::Accepted | EntryState::Amended | EntryState::Rejected) => {
            (!entry.rests_on(decision)).then_some(ChangeKind::EvidenceChanged)?
        }
        _ => return None,
    };
    Some(EntryChange { what, was: entry.state, by: decision.user_name.clone(), at: decision.at })
}

fn was_added(entry: &ReviewEntry) -> bool {
    entry.decisions.iter().any(|decision| matches!(decision.kind, DecisionKind::Add { .. }))
}

/// Whether a note that counts has the sentence around these code points of a note of the item.
fn still_said(record: &ItemRecord, note: Uuid, place: Span) -> bool {
    let Some((note, _)) = record.notes.iter().find(|(one, _)| one.id == note) else { return true };
    if note.standing == Standing::Current {
        return true;
    }
    let text = &note.content.text;
    let Some(place) = OffsetMap::new(text, OffsetUnit::Codepoint).to_bytes(place) else { return true };
    let sentence = folded_sentence(text, place);
    record.current_notes().any(|(current, _)| folded(&current.content.text).contains(&sentence))
}

/// The key of the words that an entry rests on: they, their sentence and their section, without their place. A version of the note that
/// leaves them as they are has the same key.
#[must_use]
pub fn evidence_key(text: &str, evidence: &Evidence) -> String {
    let sentence = folded_sentence(text, Span::new(evidence.start, evidence.end));
    let mut hash = Sha256::new();
    for part in [evidence.text.as_str(), &sentence, &evidence.section] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Stable for the item, the kind, the concept and the assertion or status, so that a decision serves every repetition and
/// survives a new note or another extraction.
pub(super) fn entry_id(item: Uuid, entry: &CodedEntry) -> Uuid {
    let concept = entry
        .codes
        .iter()
        .filter(|code| matches!(code.role, CodeRole::Code | CodeRole::Ingredient))
        .take(if entry.kind == EntryKind::Medication { usize::MAX } else { 1 })
        .map(|code| code.code.as_str())
        .collect::<Vec<_>>()
        .join("+");
    let concept = if concept.is_empty() { crate::vocabulary::normalize_term(&entry.display) } else { concept };
    let name = format!(
        "{}|{concept}|{}|{}|{:?}",
        entry.kind.as_str(),
        entry.assertion.map_or("", |assertion| assertion.as_str()),
        entry.status.map_or("", |status| status.as_str()),
        entry.scope
    );
    Uuid::new_v5(&item, name.as_bytes())
}

fn from_extraction(id: Uuid, entry: &CodedEntry) -> ReviewEntry {
    ReviewEntry {
        id,
        kind: entry.kind,
        display: entry.display.clone(),
        assertion: entry.assertion,
        status: entry.status,
        codes: entry.codes.clone(),
        confidence: entry.confidence,
        reportable: entry.reportable,
        not_reportable_because: entry.not_reportable_because,
        attributes: Attributes::default(),
        attributes_note: None,
        prompts: entry.prompts.clone(),
        evidence: Vec::new(),
        evidence_keys: Vec::new(),
        state: EntryState::Suggested,
        changed: None,
        designation: Designation::default(),
        decisions: Vec::new(),
    }
}

fn chosen(codes: &[ChosenCode]) -> Vec<CodeCandidate> {
    codes
        .iter()
        .enumerate()
        .map(|(at, code)| CodeCandidate {
            rank: u32::try_from(at + 1).unwrap_or(u32::MAX),
            role: CodeRole::Code,
            system: code.system.clone(),
            code: code.code.clone(),
            display: code.display.clone(),
            score: 1.0,
            with: Vec::new(),
            why: "chosen by a coder".to_owned(),
            features: std::collections::BTreeMap::new(),
            scored_by: ScoredBy::Engine,
        })
        .collect()
}

/// An entry that exists by a decision only: added by a coder, or decided on before its note was retracted or re-extracted.
fn added(decision: &Decision) -> ReviewEntry {
    let mut entry = ReviewEntry {
        id: decision.entry_id,
        kind: EntryKind::Diagnosis,
        display: "entry no longer suggested".to_owned(),
        assertion: None,
        status: None,
        codes: Vec::new(),
        confidence: None,
        reportable: false,
        not_reportable_because: None,
        attributes: Attributes::default(),
        attributes_note: None,
        prompts: Vec::new(),
        evidence: Vec::new(),
        evidence_keys: Vec::new(),
        state: EntryState::Suggested,
        changed: None,
        designation: Designation::default(),
        decisions: Vec::new(),
    };
    if let DecisionKind::Add { kind, display, codes, assertion, status, .. } = &decision.kind {
        entry.kind = *kind;
        entry.display.clone_from(display);
        entry.codes = chosen(codes);
        entry.assertion = *assertion;
        entry.status = *status;
    }
    entry
}

/// Shows what was amended in place of the suggestion: each amendment since the last other decision changes what it names.
fn amend(entry: &mut ReviewEntry) {
    for decision in entry.standing_amendments().into_iter().cloned().collect::<Vec<_>>() {
        let DecisionKind::Amend { codes, assertion, status, attributes, .. } = decision.kind else { continue };
        if !codes.is_empty() {
            entry.codes = chosen(&codes);
            if let Some(first) = codes.first().filter(|first| !first.display.is_empty()) {
                entry.display.clone_from(&first.display);
            }
        }
        entry.assertion = assertion.or(entry.assertion);
        entry.status = status.or(entry.status);
        if let Some(attributes) = attributes {
            entry.attributes = *attributes;
            // a coder's words stand in no note
            entry.attributes_note = None;
        }
    }
}

/// What coders said that the diagnoses are to the encounter. Who is named principal last is; a principal or admitting one that was rejected
/// is none.
fn designate(record: &ItemRecord, entries: &mut [ReviewEntry]) {
    let mut holders: [(DiagnosisRole, Option<Uuid>); 2] = [(DiagnosisRole::Principal, None), (DiagnosisRole::Admitting, None)];
    for decision in &record.decisions {
        let Some(designation) = decision.kind.designation() else { continue };
        for (role, holder) in &mut holders {
            match designation.role {
                Some(named) if named == *role => *holder = Some(decision.entry_id),
                // what is named something else is it no more
                Some(_) if *holder == Some(decision.entry_id) => *holder = None,
                _ => {}
            }
        }
        if let Some(entry) = entries.iter_mut().find(|entry| entry.id == decision.entry_id) {
            entry.designation = entry.designation.then(designation);
        }
    }
    for entry in entries {
        let lost = holders.iter().any(|(role, holder)| entry.designation.role == Some(*role) && *holder != Some(entry.id));
        let is_out = matches!(entry.state, EntryState::Rejected | EntryState::Withdrawn);
        if lost {
            entry.designation.role = Some(DiagnosisRole::Secondary);
        }
        if is_out {
            entry.designation = Designation::default();
        }
    }
}
