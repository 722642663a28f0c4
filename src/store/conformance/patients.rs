//! Newer demographics, and two record numbers that are one patient.

use std::sync::Arc;

use jiff::civil::date;

use super::{MINUTE, at, extract_all, id, item_of, of_encounter, post, user};
use crate::{
    domain::{Decision, DecisionKind, NewNote, Patient, Role},
    store::{Actor, Merged, PatientMerge, Store},
};

fn patient(number: &str) -> Patient {
    Patient { id: number.to_owned(), ..Patient::default() }
}

async fn merge(store: &dyn Store, surviving: Patient, retired: &str, seconds: i64) -> Merged {
    let merge = PatientMerge { source: "emr".to_owned(), surviving, retired: patient(retired) };
    store.merge_patients(id(), merge, Actor::service(), at(seconds)).await.expect("merges")
}

fn merged(notes: u64, encounters: u64, items: u64) -> Merged {
    Merged { notes, encounters, items }
}

pub(crate) async fn authorities_are_kept_apart(store: Arc<dyn Store>) {
    let of = |authority: Option<&str>| NewNote {
        patient: Some(Patient { system: authority.map(str::to_owned), ..patient("7") }),
        ..of_encounter("e", None, "a")
    };
    let north = post(&*store, of(Some("north")), 0).await;
    let south = post(&*store, of(Some("south")), 1).await;
    let again = post(&*store, of(Some("north")), 2).await;
    let item = async |note| item_of(&*store, note, 3).await.item;
    assert_eq!(item(north).await.id, item(again).await.id);
    assert_ne!(item(north).await.id, item(south).await.id);
    assert_eq!(item(south).await.patient.expect("has a patient").system.as_deref(), Some("south"));
}

pub(crate) async fn demographics_are_brought_up_to_date(store: Arc<dyn Store>) {
    let note = post(&*store, of_encounter("e", Some("p"), "a"), 0).await;
    let before = item_of(&*store, note, 0).await.item;
    let newer = Patient { name: Some("Roe, Jane".to_owned()), birth_date: Some(date(1950, 2, 28)), ..patient("p") };
    let update = async |source: &str, patient: Patient| {
        store.update_patient(source, patient, Actor::service(), at(1)).await.expect("updates")
    };
    let known = update("emr", newer.clone()).await;
    assert!(known.is_some());
    let after = item_of(&*store, note, 1).await.item;
    assert_eq!(after.patient, Some(newer.clone()));
    assert_eq!(after.revision, before.revision + 1, "what the item shows has changed");
    // the same again, and what says less, changes nothing
    assert_eq!(update("emr", newer.clone()).await, known);
    assert_eq!(update("emr", patient("p")).await, known);
    assert_eq!(item_of(&*store, note, 1).await.item, after);
    assert_eq!(update("emr", patient("unknown")).await, None);
    assert_eq!(update("lab", newer).await, None);
    let events = store.audit_events(0, 100).await.expect("reads");
    assert_eq!(events.iter().filter(|event| event.action == "patient.updated").count(), 1);
}

pub(crate) async fn a_merge_links_everything_to_the_survivor(store: Arc<dyn Store>) {
    let old = post(&*store, of_encounter("e1", Some("old"), "a"), 0).await;
    let without = post(&*store, NewNote { encounter: None, ..of_encounter("", Some("old"), "b") }, 1).await;
    let new = post(&*store, of_encounter("e2", Some("new"), "c"), 2).await;
    let surviving = Patient { name: Some("Roe, Jane".to_owned()), ..patient("new") };
    assert_eq!(merge(&*store, surviving.clone(), "old", 3).await, merged(2, 1, 2));
    for note in [old, without, new] {
        assert_eq!(store.note(note).await.expect("reads").expect("is there").content.patient, Some(surviving.clone()));
        assert_eq!(item_of(&*store, note, 4).await.item.patient, Some(surviving.clone()));
    }
    // doing it again changes nothing
    let before = item_of(&*store, old, 4).await.item;
    assert_eq!(merge(&*store, surviving.clone(), "old", 4).await, merged(0, 0, 0));
    assert_eq!(item_of(&*store, old, 4).await.item, before);
    // what comes later under the old number joins the same encounter of the survivor
    let later = post(&*store, of_encounter("e1", Some("old"), "d"), 5).await;
    assert_eq!(item_of(&*store, later, 6).await.item.id, before.id);
    let later = post(&*store, of_encounter("e1", Some("new"), "e"), 6).await;
    let item = item_of(&*store, later, 7).await.item;
    assert_eq!((item.id, item.patient), (before.id, Some(surviving)));
    let events = store.audit_events(0, 100).await.expect("reads");
    let told: Vec<&str> =
        events.iter().filter(|event| event.action == "patient.merged").map(|event| event.detail.as_str()).collect();
    assert!(told.len() == 1 && told[0].ends_with(": 2 notes, 1 encounters, 2 items"), "{told:?}");
}

pub(crate) async fn merges_of_numbers_that_are_not_known(store: Arc<dyn Store>) {
    assert_eq!(merge(&*store, patient("c"), "b", 0).await, merged(0, 0, 0));
    assert_eq!(merge(&*store, patient("b"), "a", 1).await, merged(0, 0, 0));
    // a chain: both old numbers lead to the last one, and it leads nowhere
    for (seconds, number) in [(2, "a"), (3, "b"), (4, "c")] {
        let note = post(&*store, of_encounter("e", Some(number), number), seconds).await;
        let item = item_of(&*store, note, 5).await.item;
        assert_eq!(item.patient.expect("has a patient").id, "c", "{number}");
        assert_eq!(item.notes.len(), usize::try_from(seconds - 1).expect("small"), "{number}");
    }
    assert_eq!(merge(&*store, patient("a"), "c", 5).await, merged(0, 0, 0), "they are one already");
    assert_eq!(merge(&*store, patient("d"), "c", 6).await, merged(3, 1, 1));
    let note = post(&*store, of_encounter("e", Some("a"), "late"), 7).await;
    assert_eq!(item_of(&*store, note, 8).await.item.patient.expect("has a patient").id, "d");
}

/// One number used for an encounter of both: nothing of either is lost.
pub(crate) async fn an_encounter_of_both_stays_two_items(store: Arc<dyn Store>) {
    let old = post(&*store, of_encounter("e", Some("old"), "a"), 0).await;
    let new = post(&*store, of_encounter("e", Some("new"), "b"), 1).await;
    extract_all(&*store, 2).await;
    let coder = user(&*store, "coder", Role::Coder).await;
    let item = item_of(&*store, old, 3).await.item.id;
    store.claim_item(item, &coder, MINUTE, at(3)).await.expect("claims");
    let decision = Decision {
        id: id(),
        item_id: item,
        entry_id: id(),
        user_id: coder.id,
        user_name: coder.name.clone(),
        at: at(3),
        kind: DecisionKind::Accept { bulk: false },
        evidence: Vec::new(),
    };
    store.decide(item, &coder, vec![decision.clone()], None, at(3)).await.expect("decides");
    assert_eq!(merge(&*store, patient("new"), "old", 4).await, merged(1, 1, 1));
    let (of_old, of_new) = (item_of(&*store, old, 5).await, item_of(&*store, new, 5).await);
    assert_ne!(of_old.item.id, of_new.item.id);
    assert_eq!(of_old.decisions, [decision]);
    for record in [&of_old, &of_new] {
        assert_eq!(record.item.patient.as_ref().map(|patient| patient.id.as_str()), Some("new"));
        assert_eq!(record.item.encounter.as_deref(), Some("e"));
    }
    let later = post(&*store, of_encounter("e", Some("old"), "c"), 6).await;
    assert_eq!(item_of(&*store, later, 7).await.item.id, of_new.item.id, "a later note finds the survivor's");
}
