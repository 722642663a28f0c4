//! What the review of an encounter makes of its resources.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::domain::{
    Assertion, Attributes, ChangeKind, CodeRole, Decision, DecisionKind, EntryChange, EntryState, Evidence, ItemState,
    MedicationStatus, NewNote, NoteStatus, ReviewItem, ScoredBy, Standing,
};

const ITEM: Uuid = Uuid::from_u128(0x17e3);
const NOTE: Uuid = Uuid::from_u128(0x40de);

fn evidence() -> Evidence {
    Evidence {
        start: 3,
        end: 7,
        text: "gout".to_owned(),
        section: "assessment".to_owned(),
        assertion: None,
        status: None,
        confidence: 0.9,
        attributes: Attributes::default(),
        cues: Vec::new(),
        sources: Vec::new(),
        list: None,
        boilerplate: None,
    }
}

fn entry(kind: EntryKind, assertion: Option<Assertion>, decisions: Vec<DecisionKind>) -> ReviewEntry {
    let state = EntryState::fold(&decisions);
    let decision = |(at, kind): (usize, DecisionKind)| Decision {
        id: Uuid::from_u128(0xdec0 + at as u128),
        item_id: ITEM,
        entry_id: Uuid::from_u128(1),
        user_id: Uuid::from_u128(2),
        user_name: "ada".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        kind,
        evidence: Vec::new(),
    };
    ReviewEntry {
        id: Uuid::from_u128(1),
        kind,
        display: "Gout".to_owned(),
        assertion,
        status: (kind == EntryKind::Medication).then_some(MedicationStatus::Active),
        codes: vec![CodeCandidate {
            rank: 1,
            role: CodeRole::Code,
            system: crate::domain::system::SNOMED.to_owned(),
            code: "90560007".to_owned(),
            display: String::new(),
            score: 1.0,
            with: Vec::new(),
            why: String::new(),
            features: std::collections::BTreeMap::new(),
            scored_by: ScoredBy::Engine,
        }],
        confidence: None,
        reportable: true,
        not_reportable_because: None,
        attributes: Attributes::default(),
        attributes_note: None,
        prompts: Vec::new(),
        evidence: vec![(NOTE, evidence())],
        evidence_keys: Vec::new(),
        state,
        changed: None,
        designation: crate::domain::Designation::default(),
        decisions: decisions.into_iter().enumerate().map(decision).collect(),
    }
}

fn note() -> Note {
    Note {
        id: NOTE,
        content: NewNote { text: "No gout.".to_owned(), ..NewNote::default() },
        received_at: Timestamp::UNIX_EPOCH,
        status: NoteStatus::Ready,
        standing: Standing::Current,
        quarantine_reason: None,
        purged: None,
        item_id: ITEM,
        patient_id: None,
        item_patient_id: None,
    }
}

fn item() -> ReviewItem {
    ReviewItem {
        encounter: Some("V-1".to_owned()),
        revision: 3,
        notes: vec![NOTE],
        ..ReviewItem::new(ITEM, Timestamp::UNIX_EPOCH)
    }
}

fn engine() -> EngineVersion {
    let word = |word: &str| word.to_owned();
    EngineVersion {
        version: word("0"),
        model: word("m"),
        vocabulary: word("v"),
        edition: word("e"),
        edition_exact: true,
        site_pack: None,
    }
}

/// The resources of an encounter with one entry.
fn of(entry: ReviewEntry) -> Vec<Value> {
    let (item, note, engine) = (item(), note(), engine());
    let notes = [ChartNote { note: &note, made: Some((&engine, Timestamp::UNIX_EPOCH)) }];
    chart(Chart { item: &item, notes: &notes, entries: &[entry] })
}

fn reject(reason: &str) -> DecisionKind {
    DecisionKind::Reject { reason: reason.to_owned(), comment: None }
}

fn code(resource: &Value, field: &str) -> Option<String> {
    resource[field]["coding"][0]["code"].as_str().or_else(|| resource[field].as_str()).map(str::to_owned)
}

#[test]
fn decisions_are_the_verification_of_a_condition() {
    use Assertion::{Absent, Historical, Possible, Present};
    let accept = || vec![DecisionKind::Accept { bulk: false }];
    for (assertion, decisions, verification, clinical) in [
        (Present, vec![], "unconfirmed", Some("active")),
        (Present, accept(), "confirmed", Some("active")),
        (Historical, accept(), "confirmed", Some("resolved")),
        (Possible, accept(), "provisional", Some("active")),
        (Absent, accept(), "refuted", None),
        (Present, vec![reject("negated")], "refuted", None),
        (Present, vec![reject("wrong_patient")], "entered-in-error", None),
        (Present, vec![reject("other"), DecisionKind::Withdraw {}], "unconfirmed", Some("active")),
    ] {
        let found = of(entry(EntryKind::Diagnosis, Some(assertion), decisions.clone()));
        assert_eq!(code(&found[0], "verificationStatus").as_deref(), Some(verification), "{assertion:?} {decisions:?}");
        assert_eq!(code(&found[0], "clinicalStatus").as_deref(), clinical, "{assertion:?} {decisions:?}");
        assert_eq!(found.len(), 2 + decisions.len(), "the engine's provenance, and one of each decision");
    }
}

#[test]
fn decisions_are_the_status_of_the_others() {
    let cases = [
        (EntryKind::Allergy, "verificationStatus", ["unconfirmed", "confirmed", "refuted", "entered-in-error"]),
        (EntryKind::NoKnownAllergies, "verificationStatus", ["unconfirmed", "confirmed", "refuted", "entered-in-error"]),
        (EntryKind::Medication, "status", ["active", "active", "not-taken", "entered-in-error"]),
    ];
    for (kind, field, expected) in cases {
        let decisions =
            [vec![], vec![DecisionKind::Accept { bulk: false }], vec![reject("negated")], vec![reject("not_documented")]];
        for (decisions, expected) in decisions.into_iter().zip(expected) {
            let assertion = (kind == EntryKind::Allergy).then_some(Assertion::Present);
            let found = of(entry(kind, assertion, decisions));
            assert_eq!(code(&found[0], field).as_deref(), Some(expected), "{kind:?}");
            let clinical = if kind == EntryKind::Medication || expected == "entered-in-error" {
                None
            } else if expected == "refuted" {
                Some("inactive")
            } else {
                Some("active")
            };
            assert_eq!(code(&found[0], "clinicalStatus").as_deref(), clinical, "ait-1, ait-2: {kind:?} {expected}");
        }
    }
}

#[test]
fn a_resource_is_found_by_its_id_and_keeps_it() {
    let suggested = of(entry(EntryKind::Diagnosis, Some(Assertion::Present), vec![]));
    let accepted = of(entry(EntryKind::Diagnosis, Some(Assertion::Present), vec![DecisionKind::Accept { bulk: false }]));
    let id = suggested[0]["id"].as_str().expect("an id");
    assert_eq!((id.len(), item_of_id(id)), (64, Some(ITEM)));
    assert_eq!(accepted[0]["id"], id);
    assert_eq!(suggested[1]["target"], json!([{"reference": format!("Condition/{id}")}]));
    for other in ["", "x", &id[1..], &id.replace('0', "é"), &"z".repeat(64)] {
        assert_eq!(item_of_id(other), None);
    }
}

#[test]
fn provenance_tells_the_engine_then_the_coder() {
    let found = of(entry(EntryKind::Diagnosis, Some(Assertion::Present), vec![DecisionKind::Accept { bulk: false }]));
    let parts: Vec<Option<String>> = found[1..].iter().map(|one| code(&one["agent"][0], "type")).collect();
    assert_eq!(parts, [Some("assembler".to_owned()), Some("verifier".to_owned())]);
    assert_eq!(found[1]["entity"][0]["what"]["reference"], format!("DocumentReference/{NOTE}"));
    assert_eq!(found[2]["agent"][0]["who"]["display"], "ada");
}

#[test]
fn what_a_coder_added_points_where_the_coder_says() {
    let add = |place: Option<(usize, usize)>| DecisionKind::Add {
        kind: EntryKind::Diagnosis,
        display: "Gout".to_owned(),
        codes: Vec::new(),
        assertion: Some(Assertion::Present),
        status: None,
        note_id: place.map(|_| NOTE),
        start: place.map(|(start, _)| start),
        end: place.map(|(_, end)| end),
        comment: None,
    };
    let added = |place, more: Vec<DecisionKind>| {
        let decisions = std::iter::once(add(place)).chain(more).collect();
        of(ReviewEntry { evidence: Vec::new(), ..entry(EntryKind::Diagnosis, Some(Assertion::Present), decisions) })
    };
    let found = added(Some((1, 3)), vec![]);
    assert_eq!(found[0]["extension"][0]["extension"][2]["valueInteger"], 1);
    assert_eq!(code(&found[0], "verificationStatus").as_deref(), Some("confirmed"));
    assert_eq!(code(&found[1]["agent"][0], "type").as_deref(), Some("author"), "the engine had no part in it");
    assert!(added(None, vec![])[0]["extension"].is_null());
    assert_eq!(added(None, vec![DecisionKind::Withdraw {}]), [] as [Value; 0]);
}

#[test]
fn what_no_note_says_any_more_is_taken_back_where_it_was_decided() {
    let gone = |decisions: Vec<DecisionKind>, what: Option<ChangeKind>| {
        let by = "ada".to_owned();
        let changed = what.map(|what| EntryChange { what, was: EntryState::Accepted, by, at: Timestamp::UNIX_EPOCH });
        let entry = entry(EntryKind::Diagnosis, Some(Assertion::Present), decisions);
        of(ReviewEntry { evidence: Vec::new(), changed, state: EntryState::Suggested, ..entry })
    };
    let told = gone(vec![DecisionKind::Accept { bulk: false }], Some(ChangeKind::EvidenceGone));
    assert_eq!(code(&told[0], "verificationStatus").as_deref(), Some("entered-in-error"));
    assert_eq!(gone(vec![reject("other")], None), [] as [Value; 0], "what was rejected and is gone is not told again");
}

#[test]
fn the_bundle_of_a_note_has_what_stands_in_it() {
    let here = entry(EntryKind::Diagnosis, Some(Assertion::Present), vec![DecisionKind::Accept { bulk: false }]);
    let elsewhere = ReviewEntry { id: Uuid::from_u128(9), evidence: vec![(Uuid::from_u128(7), evidence())], ..here.clone() };
    let (note, engine) = (note(), engine());
    let bundle = reviewed_bundle(&ChartNote { note: &note, made: Some((&engine, Timestamp::UNIX_EPOCH)) }, &[here, elsewhere]);
    let kinds: Vec<&Value> =
        bundle["entry"].as_array().expect("entries").iter().map(|entry| &entry["resource"]["resourceType"]).collect();
    assert_eq!(kinds, ["Binary", "DocumentReference", "Condition", "Provenance", "Provenance"]);
    let binary = &bundle["entry"][0]["fullUrl"];
    assert_eq!(&bundle["entry"][2]["resource"]["extension"][0]["extension"][0]["valueReference"]["reference"], binary);
    assert_eq!(&bundle["entry"][1]["resource"]["content"][0]["attachment"]["url"], binary);
    assert_eq!(collection(bundle)["entry"][0]["request"], Value::Null);
}

#[test]
fn a_task_is_its_item() {
    let changed_at = Timestamp::from_second(7200).expect("an instant");
    for (state, status) in
        [(ItemState::Open, "requested"), (ItemState::Claimed, "in-progress"), (ItemState::Finished, "completed")]
    {
        let item = ReviewItem { state, ..item() };
        let found = task(Task { item: &item, changed_at });
        assert_eq!((&found["status"], &found["lastModified"]), (&json!(status), &json!("1970-01-01T02:00:00Z")));
        assert_eq!(found["focus"]["reference"], format!("DocumentReference/{NOTE}"));
        assert_eq!(task_state(status), Some(state));
    }
    assert_eq!(task_state("cancelled"), None);
}
