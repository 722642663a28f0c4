//! Which entries may be accepted together, without a look at each by itself: what is beyond doubt and costs little where it is wrong. And which
//! were decided last.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{edits::ItemEdit, engine_probability, is_paid, reliability, rollup::entry_id};
use crate::{
    coding::edits::Severity,
    domain::{Decision, DecisionKind, EncounterClass, EntryKind, ReviewEntry, Tally, system},
    store::ItemRecord,
    vocabulary::{Edition, Vocabulary},
};

/// Entries of the item that wait, that the engine is `sure` of, about which nothing is asked or alerted, whose codes no hard or soft
/// edit names, and that carry no payment: none in a hierarchical condition category, no complication or comorbidity. Where the lists of
/// complications are not loaded, no diagnosis of an encounter that they could pay for.
#[must_use]
pub fn acceptable_together(
    (vocabulary, edition): (&Vocabulary, &Edition),
    record: &ItemRecord,
    (entries, edits): (&[ReviewEntry], &[ItemEdit]),
    sure: &Sure<'_>,
) -> Vec<Uuid> {
    let mut alerted = alerted(record);
    alerted
        .extend(edits.iter().filter(|found| found.edit.severity != Severity::Informational).flat_map(|found| &found.entries));
    let outside = matches!(record.item.encounter_class, Some(EncounterClass::Outpatient | EncounterClass::Emergency));
    let is_known = outside || vocabulary.lists.knows_complications();
    let is_paid = |code: &str| is_paid((vocabulary, edition), code);
    let may = |entry: &&ReviewEntry| {
        let first = entry.codes.first().filter(|code| code.system == system::ICD10CM);
        let paid = first.is_some_and(|code| is_paid(&code.code) || code.with.iter().any(|beside| is_paid(beside)));
        let asked = !entry.prompts.is_empty() || entry.changed.is_some();
        (is_known || entry.kind != EntryKind::Diagnosis)
            && entry.needs_decision()
            && !asked
            && !alerted.contains(&entry.id)
            && !paid
            && sure.is_of(entry)
    };
    entries.iter().filter(may).map(|entry| entry.id).collect()
}

/// The entries of the user's last decision that still stands on its entry; of all decisions that were made together with it. Taking back a
/// change to an added entry would take the entry away, so only its addition is taken back.
#[must_use]
pub fn last_decided(entries: &[ReviewEntry], user: Uuid) -> Vec<Uuid> {
    let standing = entries.iter().filter_map(|entry| Some((entry, entry.deciding().next_back()?)));
    let own: Vec<(Uuid, &Decision)> = standing
        .filter(|(entry, last)| {
            !entry.decisions.iter().any(|one| !std::ptr::eq(one, *last) && matches!(one.kind, DecisionKind::Add { .. }))
        })
        .filter(|(_, decision)| decision.user_id == user && !matches!(decision.kind, DecisionKind::Withdraw {}))
        .map(|(entry, decision)| (entry.id, decision))
        .collect();
    let Some(at) = own.iter().map(|(_, decision)| decision.at).max() else { return Vec::new() };
    // what a diagnosis is to the encounter is said anew, not taken back: nothing before it is taken back in its place
    let designated = entries
        .iter()
        .flat_map(|entry| &entry.decisions)
        .any(|one| one.user_id == user && one.at > at && one.kind.designation().is_some());
    if designated {
        return Vec::new();
    }
    own.into_iter().filter(|(_, decision)| decision.at == at).map(|(entry, _)| entry).collect()
}

/// What is sure enough: from this probability on, by the engine and by what coders made of suggestions like it.
#[derive(Debug, Clone, Copy)]
pub struct Sure<'a> {
    /// The probability, 0 to 1.
    pub from: f32,
    /// How suggestions like an entry's ended so far.
    pub tallies: &'a HashMap<Uuid, Tally>,
}

impl Sure<'_> {
    /// By the code where there is one to be sure of, else by the words. What coders often changed is not sure, however sure the engine is.
    fn is_of(&self, entry: &ReviewEntry) -> bool {
        let by_experience = reliability(entry, self.tallies.get(&entry.id)).is_none_or(|known| known >= self.from);
        !entry.codes.is_empty() && by_experience && engine_probability(entry).is_some_and(|engine| engine >= self.from)
    }
}

/// The entries that an alert of their note concerns.
fn alerted(record: &ItemRecord) -> HashSet<Uuid> {
    let mut found = HashSet::new();
    for extraction in record.current_notes().filter_map(|(_, extraction)| extraction.as_ref()) {
        let named: HashSet<&str> = extraction.alerts.iter().flat_map(|alert| &alert.entries).map(String::as_str).collect();
        let of_item = extraction.entries.iter().filter(|entry| named.contains(entry.id.as_str()));
        found.extend(of_item.map(|entry| entry_id(record.item.id, entry)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(tallies: &HashMap<Uuid, Tally>) -> Sure<'_> {
        Sure { from: 0.8, tallies }
    }

    use crate::{
        coding::edits::{Edit, EditKind},
        domain::{EntryState, Prompt},
        review::{rollup, tests},
    };

    #[test]
    fn what_was_decided_together_is_taken_back_together() {
        let (user, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let entry = |number: u128, decisions: Vec<(Uuid, i64, DecisionKind)>| {
            let mut entry = rollup(&tests::record_of("I10", 0.9)).remove(0);
            entry.id = Uuid::from_u128(number);
            let made = |(user_id, second, kind): (Uuid, i64, DecisionKind)| Decision {
                id: Uuid::from_u128(9),
                item_id: Uuid::from_u128(1),
                entry_id: entry.id,
                user_id,
                user_name: String::new(),
                at: jiff::Timestamp::from_second(second).expect("an instant"),
                kind,
                evidence: Vec::new(),
            };
            entry.decisions = decisions.into_iter().map(made).collect();
            entry
        };
        let accept = |bulk| DecisionKind::Accept { bulk };
        let entries = [
            entry(1, vec![(user, 5, accept(false))]),
            entry(2, vec![(user, 6, accept(true))]),
            entry(3, vec![(user, 6, accept(true))]),
            entry(4, vec![(user, 7, accept(false)), (user, 8, DecisionKind::Withdraw {})]),
            entry(5, vec![(user, 7, accept(false)), (other, 9, accept(false))]),
        ];
        assert_eq!(last_decided(&entries, user), [Uuid::from_u128(2), Uuid::from_u128(3)]);
        assert_eq!(last_decided(&entries, other), [Uuid::from_u128(5)]);
        let add = || DecisionKind::Add {
            kind: EntryKind::Diagnosis,
            display: "Gout".to_owned(),
            codes: Vec::new(),
            assertion: None,
            status: None,
            note_id: None,
            start: None,
            end: None,
            comment: None,
        };
        let added = [entry(1, vec![(user, 5, add())]), entry(2, vec![(other, 5, add()), (user, 6, accept(false))])];
        assert_eq!(last_decided(&added, user), [Uuid::from_u128(1)], "what was only changed does not go");
        assert!(last_decided(&entries[3..4], user).is_empty());
    }

    #[test]
    fn what_is_asked_alerted_paid_or_unsure_is_looked_at_alone() {
        let vocabulary = tests::vocabulary();
        let edition = vocabulary.editions.newest();
        let record = tests::record_of("I10", 0.95);
        let entries = rollup(&record);
        let of = |record: &ItemRecord, entries: &[ReviewEntry]| {
            acceptable_together((vocabulary, edition), record, (entries, &[]), &sure(&HashMap::new()))
        };
        assert_eq!(of(&record, &entries), [entries[0].id]);

        let paid = tests::record_of("I50.9", 0.95);
        assert!(of(&paid, &rollup(&paid)).is_empty(), "heart failure is in a condition category");
        let mut inpatient = record.clone();
        inpatient.item.encounter_class = Some(EncounterClass::Inpatient);
        assert!(of(&inpatient, &entries).is_empty(), "no list says whether it is a complication");
        for (severity, expected) in [(Severity::Informational, 1), (Severity::Soft, 0), (Severity::Hard, 0)] {
            let edit = Edit {
                kind: EditKind::Excludes1,
                severity,
                codes: vec!["I10".to_owned()],
                message: String::new(),
                rule: String::new(),
            };
            let named = [ItemEdit { edit, entries: vec![entries[0].id] }];
            let found = acceptable_together((vocabulary, edition), &record, (&entries, &named), &sure(&HashMap::new()));
            assert_eq!(found.len(), expected, "{severity:?}");
        }
        let mut beside = record.clone();
        beside.notes[0].1.as_mut().expect("an extraction").entries[0].codes[0].with = vec!["I50.9".to_owned()];
        assert!(of(&beside, &rollup(&beside)).is_empty(), "it stands beside the code");
        let unsure = tests::record_of("I10", 0.79);
        assert!(of(&unsure, &rollup(&unsure)).is_empty());

        let mut asked = entries.clone();
        asked[0].prompts.push(Prompt { kind: "laterality".to_owned(), message: "which side".to_owned() });
        assert!(of(&record, &asked).is_empty());
        let mut decided = entries.clone();
        decided[0].state = EntryState::Accepted;
        assert!(of(&record, &decided).is_empty());

        let mut alerted = record.clone();
        let extraction = alerted.notes[0].1.as_mut().expect("an extraction");
        let id = extraction.entries[0].id.clone();
        extraction.alerts.push(crate::domain::Alert {
            kind: "allergy_conflict".to_owned(),
            message: String::new(),
            entries: vec![id],
        });
        assert!(of(&alerted, &entries).is_empty());
    }
}
