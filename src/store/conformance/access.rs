//! Who may see what: labels, sources, own records, broken glass.

use std::sync::Arc;

use uuid::Uuid;

use super::{at, id, identified, item_of, of_encounter, outbox::destination, post, user};
use crate::{
    domain::{
        BrokenGlass, Confidentiality, EventKind, GLASS_OPEN, GlassReason, NewNote, Patient, Period, Role, Sensitivities,
        Sensitivity, User,
    },
    store::{Actor, AddNote, DeliveryFilter, ItemFilter, NoteSearch, PatientMerge, ReportScope, Store},
};

const HIV: Sensitivity = Sensitivity::Hiv;
const VIP: Sensitivity = Sensitivity::Vip;

fn labelled(note: NewNote, kinds: &[Sensitivity]) -> NewNote {
    NewNote { labels: kinds.iter().copied().collect(), ..note }
}

/// What a reader with these limits finds: items of the list, notes, items by their notes, and encounters of a report.
async fn seen(store: &dyn Store, scope: &ReportScope) -> [usize; 4] {
    let ReportScope { source, facility, department, include_restricted, clearances, hidden_patients } = scope.clone();
    let filter = ItemFilter {
        source: source.clone(),
        facility: facility.clone(),
        department: department.clone(),
        include_restricted,
        clearances,
        hidden_patients: hidden_patients.clone(),
        limit: 100,
        ..ItemFilter::default()
    };
    let search =
        NoteSearch { source, facility, department, include_restricted, clearances, hidden_patients, ..NoteSearch::default() };
    let report = store.work_report(scope.clone(), Period { from: at(0), until: at(1000) }, at(9)).await.expect("counts");
    let counted: u64 = report.backlog.iter().flat_map(|(_, ages)| ages).sum();
    [
        store.items(filter, at(9)).await.expect("lists").len(),
        store.find_notes(search.clone(), None, 100).await.expect("finds").len(),
        store.find_items(search).await.expect("finds").len(),
        usize::try_from(counted).expect("few"),
    ]
}

pub(crate) async fn labels_stick_to_the_encounter(store: Arc<dyn Store>) {
    let first = post(&*store, labelled(of_encounter("e", Some("p"), "a"), &[HIV]), 0).await;
    let second = post(&*store, labelled(of_encounter("e", Some("p"), "b"), &[VIP]), 1).await;
    let third = post(&*store, of_encounter("e", Some("p"), "c"), 2).await;
    let record = item_of(&*store, third, 3).await;
    assert_eq!(record.item.labels.kinds(), [HIV, VIP], "of all its notes together");
    assert_eq!(record.item.source.as_deref(), Some("emr"));
    let of_note = async |note| store.note(note).await.expect("reads").expect("is there").content.labels.kinds();
    assert_eq!((of_note(first).await, of_note(second).await, of_note(third).await), (vec![HIV], vec![VIP], vec![]));
}

pub(crate) async fn versions_are_labelled_alike(store: Arc<dyn Store>) {
    let first = post(&*store, identified("n", Some("1"), "a"), 0).await;
    let second = post(&*store, labelled(identified("n", Some("2"), "b"), &[HIV]), 1).await;
    let third = post(&*store, identified("n", Some("3"), "c"), 2).await;
    let other = post(&*store, identified("m", Some("1"), "d"), 3).await;
    for (note, kinds) in [(first, vec![HIV]), (second, vec![HIV]), (third, vec![HIV]), (other, vec![])] {
        assert_eq!(store.note(note).await.expect("reads").expect("is there").content.labels.kinds(), kinds);
        assert_eq!(item_of(&*store, note, 4).await.item.labels.kinds(), kinds);
    }
}

pub(crate) async fn a_note_that_comes_again_is_never_less_restricted(store: Arc<dyn Store>) {
    let note = post(&*store, identified("n", Some("1"), "a"), 0).await;
    let again =
        async |note: NewNote, seconds| store.add_note(id(), note.into(), Actor::service(), at(seconds)).await.expect("answers");
    let revision = item_of(&*store, note, 1).await.item.revision;
    let more = NewNote { confidentiality: Confidentiality::Restricted, ..labelled(identified("n", Some("1"), "a"), &[HIV]) };
    assert_eq!(again(more, 1).await, AddNote::Existing { id: note });
    let record = item_of(&*store, note, 2).await;
    assert_eq!((record.item.labels.kinds(), record.item.restricted), (vec![HIV], true));
    assert_eq!(record.item.revision, revision + 1, "what it shows has changed");
    assert_eq!(again(identified("n", Some("1"), "a"), 2).await, AddNote::Existing { id: note });
    let kept = store.note(note).await.expect("reads").expect("is there").content;
    assert_eq!((kept.labels.kinds(), kept.confidentiality), (vec![HIV], Confidentiality::Restricted), "never less");
    assert_eq!(item_of(&*store, note, 3).await.item.revision, revision + 1);
    let events = store.audit_events(0, 100).await.expect("reads");
    assert_eq!(events.iter().filter(|event| event.action == "note.labelled").count(), 1);
}

pub(crate) async fn what_is_labelled_is_for_who_is_cleared(store: Arc<dyn Store>) {
    post(&*store, of_encounter("plain", Some("p"), "a"), 0).await;
    post(&*store, labelled(of_encounter("one", Some("p"), "a"), &[HIV]), 1).await;
    post(&*store, labelled(of_encounter("two", Some("p"), "a"), &[HIV, VIP]), 2).await;
    let cleared = |kinds: &[Sensitivity]| ReportScope {
        include_restricted: true,
        clearances: kinds.iter().copied().collect(),
        ..ReportScope::default()
    };
    assert_eq!(seen(&*store, &cleared(&[])).await, [1; 4]);
    assert_eq!(seen(&*store, &cleared(&[VIP])).await, [1; 4], "each label must be covered");
    assert_eq!(seen(&*store, &cleared(&[HIV])).await, [2; 4]);
    assert_eq!(seen(&*store, &cleared(&[HIV, VIP])).await, [3; 4]);
    let all = ReportScope { clearances: Sensitivities::ALL, ..cleared(&[]) };
    assert_eq!(seen(&*store, &all).await, [3; 4]);
}

pub(crate) async fn a_source_is_a_limit(store: Arc<dyn Store>) {
    post(&*store, of_encounter("e", Some("p"), "a"), 0).await;
    post(&*store, NewNote { source: "lab".to_owned(), ..of_encounter("e", Some("p"), "b") }, 1).await;
    post(&*store, NewNote { source: "lab".to_owned(), ..of_encounter("f", Some("p"), "b") }, 2).await;
    let of = |source: Option<&str>| ReportScope { source: source.map(str::to_owned), ..ReportScope::default() };
    assert_eq!(seen(&*store, &of(None)).await, [3; 4]);
    assert_eq!(seen(&*store, &of(Some("emr"))).await, [1; 4]);
    assert_eq!(seen(&*store, &of(Some("lab"))).await, [2; 4]);
    assert_eq!(seen(&*store, &of(Some("other"))).await, [0; 4]);
}

pub(crate) async fn an_own_record_is_found_through_merges(store: Arc<dyn Store>) {
    user(&*store, "kim", Role::Coder).await;
    let own = async || store.user_named("kim").await.expect("reads").expect("is there").own_patients;
    let actor = Actor::service;
    assert!(!store.add_own_record("nobody", ("emr", "7"), actor(), at(0)).await.expect("answers"));
    assert!(store.add_own_record("kim", ("emr", "7"), actor(), at(0)).await.expect("answers"));
    assert!(store.add_own_record("kim", ("emr", "7"), actor(), at(0)).await.expect("answers"), "again changes nothing");
    assert_eq!(own().await, [] as [Uuid; 0], "no note of the patient came");
    let note = post(&*store, of_encounter("e", Some("7"), "a"), 1).await;
    let other = post(&*store, of_encounter("f", Some("8"), "a"), 2).await;
    let patient = async |note| store.note(note).await.expect("reads").expect("is there").patient_id.expect("a patient");
    assert_eq!(own().await, [patient(note).await]);
    let number = |number: &str| Patient { id: number.to_owned(), ..Patient::default() };
    let merge = PatientMerge { source: "emr".to_owned(), surviving: number("8"), retired: number("7") };
    store.merge_patients(id(), merge, actor(), at(3)).await.expect("merges");
    assert_eq!(own().await, [patient(other).await], "the record that stays is theirs too");
    assert_eq!(patient(note).await, patient(other).await);
    let kim = store.user_named("kim").await.expect("reads").expect("is there");
    assert_eq!(store.own_records(kim.id).await.expect("counts"), 1);
    assert_eq!(store.users().await.expect("lists"), [kim]);
    assert!(store.remove_own_records("kim", actor(), at(4)).await.expect("answers"));
    assert!(!store.remove_own_records("nobody", actor(), at(4)).await.expect("answers"));
    assert_eq!(own().await, [] as [Uuid; 0]);
    let events = store.audit_events(0, 100).await.expect("reads");
    let of_records: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event.action.starts_with("user.own_record"))
        .map(|event| (event.action.as_str(), event.detail.as_str()))
        .collect();
    assert_eq!(of_records, [("user.own_record_added", ""), ("user.own_records_removed", "")], "which record is not told");
}

pub(crate) async fn nothing_of_an_own_record_is_listed(store: Arc<dyn Store>) {
    let note = post(&*store, of_encounter("e", Some("7"), "a"), 0).await;
    post(&*store, of_encounter("f", Some("8"), "a"), 1).await;
    post(&*store, of_encounter("g", None, "a"), 2).await;
    let stored = store.note(note).await.expect("reads").expect("is there");
    assert_eq!(stored.item_patient_id, stored.patient_id);
    let hidden_patients: Vec<Uuid> = stored.patient_id.into_iter().collect();
    assert_eq!(seen(&*store, &ReportScope::default()).await, [3; 4]);
    assert_eq!(
        seen(&*store, &ReportScope { hidden_patients: hidden_patients.clone(), ..ReportScope::default() }).await,
        [2; 4]
    );
    let search = NoteSearch { hidden_patients: hidden_patients.clone(), ..NoteSearch::default() };
    assert_eq!(store.find_patients(search, None, 10).await.expect("finds").len(), 1);
    // a note of the encounter that names no patient is of the patient too
    let unnamed = post(&*store, of_encounter("e", None, "b"), 3).await;
    let unnamed = store.note(unnamed).await.expect("reads").expect("is there");
    assert_eq!((unnamed.patient_id, unnamed.item_patient_id), (None, stored.patient_id));
    assert_eq!(seen(&*store, &ReportScope { hidden_patients, ..ReportScope::default() }).await, [2; 4]);
}

pub(crate) fn access(by: &User, item_id: Uuid, seconds: i64) -> BrokenGlass {
    BrokenGlass {
        id: id(),
        by: (by.id, by.name.clone()),
        item_id,
        reason: GlassReason::Deadline,
        words: "the bill of Jane Roe is due".to_owned(),
        at: at(seconds),
        until: at(seconds) + GLASS_OPEN,
        acknowledged: None,
    }
}

pub(crate) async fn glass_is_broken_for_an_hour(store: Arc<dyn Store>) {
    let (kim, lee) = (user(&*store, "kim", Role::Coder).await, user(&*store, "lee", Role::Coder).await);
    let hears = destination(&*store, "officer", &[EventKind::AccessBreakGlass]).await;
    let note = post(&*store, of_encounter("e", Some("p"), "a"), 0).await;
    let item = item_of(&*store, note, 1).await.item.id;
    let other = post(&*store, of_encounter("f", Some("p"), "a"), 0).await;
    assert_eq!(store.glass_over(&kim, item, at(1)).await.expect("answers"), None);
    let broken = access(&kim, item, 1);
    store.break_glass(broken.clone()).await.expect("is kept");
    for (who, what, seconds, expected) in [
        (&kim, item, 1, Some(broken.until)),
        (&kim, note, 2, Some(broken.until)),
        (&kim, item, 3_600, Some(broken.until)),
        (&kim, item, 3_601, None),
        (&kim, item, 0, None),
        (&kim, other, 2, None),
        (&lee, item, 2, None),
    ] {
        let found = store.glass_over(who, what, at(seconds)).await.expect("answers");
        assert_eq!(found, expected, "{} {what} {seconds}", who.name);
    }
    let event = store.audit_events(0, 100).await.expect("reads").pop().expect("an event");
    assert_eq!((event.action.as_str(), event.detail.as_str()), ("access.broken_glass", "deadline"));
    assert_eq!((event.actor.user_id, event.subject_id), (Some(kim.id), Some(item)));
    let heard = store.deliveries(DeliveryFilter { limit: 10, ..DeliveryFilter::default() }).await.expect("lists");
    let heard: Vec<_> = heard.into_iter().map(|one| (one.destination, one.event, one.item_id)).collect();
    assert_eq!(heard, [(hears.name, EventKind::AccessBreakGlass, Some(item))]);
    let of = |facility: Option<&str>| DeliveryFilter {
        limit: 10,
        scope: Some(ReportScope { facility: facility.map(str::to_owned), ..ReportScope::default() }),
        ..DeliveryFilter::default()
    };
    assert_eq!(store.deliveries(of(None)).await.expect("lists").len(), 1);
    assert!(store.deliveries(of(Some("south"))).await.expect("lists").is_empty(), "about what is hidden");
}

pub(crate) async fn accesses_are_looked_at_once(store: Arc<dyn Store>) {
    let kim = user(&*store, "kim", Role::Coder).await;
    let (ada, bea) = (user(&*store, "ada", Role::Auditor).await, user(&*store, "bea", Role::Auditor).await);
    let item = item_of(&*store, post(&*store, of_encounter("e", None, "a"), 0).await, 0).await.item.id;
    let (first, second) = (access(&kim, item, 1), access(&kim, item, 2));
    for one in [&first, &second] {
        store.break_glass(one.clone()).await.expect("is kept");
    }
    assert_eq!(store.broken_glasses(10).await.expect("lists"), [second.clone(), first.clone()], "the newest first");
    assert!(store.acknowledge_access(second.id, &ada, at(5)).await.expect("answers"));
    assert!(!store.acknowledge_access(second.id, &bea, at(6)).await.expect("answers"), "somebody did before");
    assert!(!store.acknowledge_access(id(), &bea, at(6)).await.expect("answers"), "there is none");
    let looked_at = BrokenGlass { acknowledged: Some(("ada".to_owned(), at(5))), ..second };
    assert_eq!(store.broken_glasses(10).await.expect("lists"), [first.clone(), looked_at], "what waits comes first");
    assert_eq!(store.broken_glasses(1).await.expect("lists"), [first]);
    let event = store.audit_events(0, 100).await.expect("reads").pop().expect("an event");
    assert_eq!((event.action.as_str(), event.actor.user_id), ("access.acknowledged", Some(ada.id)));
}

pub(crate) async fn clearances_are_kept_and_told(store: Arc<dyn Store>) {
    let before = user(&*store, "kim", Role::Coder).await;
    let after = User { clearances: [HIV, VIP].into_iter().collect(), source: Some("emr".to_owned()), ..before.clone() };
    assert!(store.change_user(after.clone(), Actor::service(), at(1)).await.expect("answers"));
    assert_eq!(store.user_named("kim").await.expect("reads"), Some(after.clone()));
    let told = async || store.audit_events(0, 100).await.expect("reads").pop().map(|event| event.detail);
    assert_eq!(told().await.as_deref(), Some("source; clearances hiv, vip"));
    assert!(
        store.change_user(User { clearances: Sensitivities::NONE, ..after }, Actor::service(), at(2)).await.expect("answers")
    );
    assert_eq!(told().await.as_deref(), Some("no clearances"));
}
