//! Searches by patient, encounter and the sender's ids.

use std::sync::Arc;

use super::{MINUTE, at, extract_all, id, identified, item_of, of_encounter, post, text, user};
use crate::{
    domain::{Confidentiality, NewNote, Patient, Role},
    store::{Actor, ItemFilter, NoteSearch, PatientNumber, Store},
};

fn patient(system: Option<&str>, number: &str) -> Option<PatientNumber> {
    Some(PatientNumber { system: system.map(str::to_owned), number: number.to_owned(), id: None })
}

fn of_patient(system: Option<&str>, number: &str) -> NewNote {
    let system = system.map(str::to_owned);
    NewNote { patient: Some(Patient { id: number.to_owned(), system, ..Patient::default() }), ..text("a") }
}

fn all() -> NoteSearch {
    NoteSearch { include_restricted: true, ..NoteSearch::default() }
}

async fn found(store: &dyn Store, search: NoteSearch) -> Vec<uuid::Uuid> {
    store.find_notes(search, None, 100).await.expect("finds").into_iter().map(|note| note.id).collect()
}

pub(crate) async fn notes_are_found_by_what_their_sender_calls_them(store: Arc<dyn Store>) {
    let other = |note: NewNote| NewNote { source: "lab".to_owned(), ..note };
    let one = post(&*store, NewNote { external_id: Some("n".to_owned()), ..of_encounter("e", Some("p"), "a") }, 0).await;
    let two = post(&*store, of_encounter("e", Some("p"), "b"), 1).await;
    let theirs = post(&*store, other(identified("n", None, "a")), 2).await;
    let theirs_too = post(&*store, other(of_encounter("e", Some("q"), "a")), 3).await;
    post(&*store, text("a"), 4).await;
    let by = |patient, encounter: Option<&str>, external_id: Option<&str>| NoteSearch {
        patient,
        encounter: encounter.map(str::to_owned),
        external_id: external_id.map(str::to_owned),
        ..all()
    };
    for (search, expected) in [
        (by(patient(None, "p"), None, None), vec![one, two]),
        (by(None, Some("e"), None), vec![one, two, theirs_too]),
        (by(None, None, Some("n")), vec![one, theirs]),
        (by(patient(None, "p"), Some("e"), Some("n")), vec![one]),
        (by(patient(None, "q"), None, Some("n")), vec![]),
        (by(patient(None, "nobody"), None, None), vec![]),
        (NoteSearch { source: Some("lab".to_owned()), ..by(None, None, Some("n")) }, vec![theirs]),
        (NoteSearch { source: Some("emr".to_owned()), ..by(None, Some("e"), None) }, vec![one, two]),
    ] {
        assert_eq!(found(&*store, search.clone()).await, expected, "{search:?}");
    }
    let items = store.find_items(by(None, Some("e"), None)).await.expect("finds");
    assert_eq!(items, [item_of(&*store, one, 9).await.item.id, item_of(&*store, theirs_too, 9).await.item.id]);
}

pub(crate) async fn a_number_of_two_systems_is_two_patients(store: Arc<dyn Store>) {
    let first = post(&*store, of_patient(Some("urn:a"), "7"), 0).await;
    let second = post(&*store, of_patient(Some("urn:b"), "7"), 1).await;
    let again = post(&*store, of_patient(Some("urn:b"), "7"), 2).await;
    let unnamed = post(&*store, of_patient(None, "7"), 3).await;
    let by = |system: Option<&str>| NoteSearch { patient: patient(system, "7"), ..all() };
    assert_eq!(found(&*store, by(Some("urn:a"))).await, [first, unnamed], "no system: the patient that had the number first");
    assert_eq!(found(&*store, by(Some("urn:b"))).await, [second, again]);
    assert_eq!(found(&*store, by(None)).await, [first, second, again, unnamed]);
    assert_eq!(found(&*store, by(Some("urn:c"))).await, [] as [uuid::Uuid; 0]);
    let system_of =
        async |note| store.note(note).await.expect("reads").expect("is there").content.patient.and_then(|p| p.system);
    assert_eq!(system_of(first).await.as_deref(), Some("urn:a"));
    assert_eq!(system_of(again).await.as_deref(), Some("urn:b"));
    // a system that is told later belongs to the patient that is known
    let late = post(&*store, of_patient(None, "8"), 4).await;
    post(&*store, of_patient(Some("urn:a"), "8"), 5).await;
    assert_eq!(system_of(late).await.as_deref(), Some("urn:a"));
}

pub(crate) async fn patients_are_found_in_their_scope(store: Arc<dyn Store>) {
    let note = post(&*store, of_patient(Some("urn:a"), "7"), 0).await;
    let secret = NewNote { confidentiality: Confidentiality::Restricted, ..of_patient(Some("urn:b"), "7") };
    let secret = post(&*store, secret, 1).await;
    let id_of = async |note| store.note(note).await.expect("reads").expect("is there").patient_id.expect("a patient");
    let (plain, restricted) = (id_of(note).await, id_of(secret).await);
    let found = async |number: &str, include_restricted, after| {
        let search = NoteSearch { patient: patient(None, number), include_restricted, ..NoteSearch::default() };
        let patients = store.find_patients(search, after, 10).await.expect("finds");
        patients.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let mut both = [plain, restricted];
    both.sort_unstable();
    assert_eq!(found("7", true, None).await, both);
    assert_eq!(found("7", true, Some(both[0])).await, both[1..]);
    assert_eq!(found("7", false, None).await, [plain], "nobody hears of a patient by a note that is not theirs to see");
    assert!(found(&plain.to_string(), true, None).await.is_empty(), "our id is no number of a sender's");
    let by_id = async |id, include_restricted| {
        let search = NoteSearch { patient: Some(PatientNumber::of_id(id)), include_restricted, ..NoteSearch::default() };
        store.find_patients(search, None, 10).await.expect("finds").into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(by_id(plain, false).await, [plain]);
    assert_eq!(by_id(restricted, true).await, [restricted]);
    assert!(by_id(restricted, false).await.is_empty());
    assert!(by_id(id(), true).await.is_empty());
    assert!(found("9", true, None).await.is_empty());
    let search = NoteSearch { patient: patient(Some("urn:b"), "7"), ..all() };
    let details = store.find_patients(search, None, 10).await.expect("finds");
    assert_eq!(details.iter().map(|(_, one)| one.system.as_deref()).collect::<Vec<_>>(), [Some("urn:b")]);
}

pub(crate) async fn a_search_stays_in_its_scope(store: Arc<dyn Store>) {
    let at_place = |facility: &str, department: &str, confidentiality| NewNote {
        facility: Some(facility.to_owned()),
        department: Some(department.to_owned()),
        confidentiality,
        ..of_patient(None, "p")
    };
    let north = post(&*store, at_place("north", "icu", Confidentiality::Normal), 0).await;
    let south = post(&*store, at_place("south", "icu", Confidentiality::Normal), 1).await;
    let secret = post(&*store, at_place("north", "icu", Confidentiality::Restricted), 2).await;
    let by = |facility: Option<&str>, include_restricted| NoteSearch {
        patient: patient(None, "p"),
        facility: facility.map(str::to_owned),
        include_restricted,
        ..NoteSearch::default()
    };
    assert_eq!(found(&*store, by(None, false)).await, [north, south]);
    assert_eq!(found(&*store, by(Some("north"), true)).await, [north, secret]);
    assert_eq!(found(&*store, NoteSearch { department: Some("ed".to_owned()), ..by(None, true) }).await, [] as [uuid::Uuid; 0]);
    let filter = |source: &str| ItemFilter {
        source: Some(source.to_owned()),
        include_restricted: true,
        limit: 10,
        ..ItemFilter::default()
    };
    assert_eq!(store.items(filter("emr"), at(3)).await.expect("lists").len(), 3);
    assert_eq!(store.items(filter("lab"), at(3)).await.expect("lists").len(), 0);
}

pub(crate) async fn pages_of_notes_follow_each_other(store: Arc<dyn Store>) {
    let mut posted = Vec::new();
    for seconds in 0..5 {
        posted.push(post(&*store, of_patient(None, "p"), seconds / 2).await);
    }
    let search = NoteSearch { patient: patient(None, "p"), ..all() };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.find_notes(search.clone(), after, 2).await.expect("finds");
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|note| note.id));
    }
    assert_eq!(seen, posted);
}

pub(crate) async fn changes_of_an_item_are_dated(store: Arc<dyn Store>) {
    let note = post(&*store, of_encounter("e", None, "a"), 0).await;
    let item = item_of(&*store, note, 0).await.item.id;
    let changed = async || store.changed_at(vec![id(), item]).await.expect("reads");
    assert_eq!(changed().await, [(item, at(0))]);
    assert_eq!(store.extracted_at(item).await.expect("reads"), []);
    extract_all(&*store, 5).await;
    assert_eq!(changed().await, [(item, at(5))]);
    assert_eq!(store.extracted_at(item).await.expect("reads"), [(note, at(5))]);
    let coder = user(&*store, "coder", Role::Coder).await;
    store.claim_item(item, &coder, MINUTE, at(7)).await.expect("claims");
    assert_eq!(changed().await, [(item, at(7))]);
    store.record_audit(Actor::service(), "item.read", Some(("item", item)), "", at(8)).await.expect("records");
    assert_eq!(changed().await, [(item, at(7))], "looking changes nothing");
}

pub(crate) async fn reads_are_recorded_together(store: Arc<dyn Store>) {
    let ids = vec![id(), id(), id()];
    store.record_reads(Actor::service(), "note.read", ("note", ids.clone()), at(1)).await.expect("records");
    store.record_reads(Actor::service(), "note.read", ("note", Vec::new()), at(2)).await.expect("records");
    let events = store.audit_events(0, 10).await.expect("reads");
    assert_eq!(events.iter().map(|event| event.subject_id).collect::<Vec<_>>(), ids.into_iter().map(Some).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event.action == "note.read" && event.subject_kind == "note" && event.at == at(1)));
}
