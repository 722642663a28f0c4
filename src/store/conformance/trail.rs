//! Reports of accesses. What seals the trail is tested with the database's own means (`store::sql::trail::mutations`).

use std::sync::Arc;

use jiff::SignedDuration;
use uuid::Uuid;

use super::{at, id, item_of, of_encounter, post, user};
use crate::{
    domain::Role,
    store::{AccessFilter, Actor, Store},
};

/// What was done, newest first, as kinds and things.
async fn found(store: &dyn Store, filter: AccessFilter) -> Vec<(String, Option<Uuid>)> {
    let events = store.accesses(filter, None, 1000).await.expect("reads");
    assert!(events.is_sorted_by(|one, next| (one.at, one.sequence) >= (next.at, next.sequence)), "newest first");
    events.into_iter().map(|event| (event.action, event.subject_id)).collect()
}

fn of(thing: Uuid) -> AccessFilter {
    AccessFilter { of: Some(vec![thing]), ..AccessFilter::default() }
}

pub(crate) async fn accesses_of_a_thing_and_what_belongs_to_it(store: Arc<dyn Store>) {
    let first = post(&*store, of_encounter("e1", Some("p1"), "first"), 1).await;
    let second = post(&*store, of_encounter("e1", Some("p1"), "second"), 2).await;
    let other = post(&*store, of_encounter("e2", Some("p2"), "other"), 3).await;
    let item = item_of(&*store, first, 4).await.item.id;
    let patients = store.patients_numbered("emr", "p1").await.expect("reads");
    let [patient] = patients[..] else { panic!("{patients:?}") };
    assert!(store.patients_numbered("emr", "p3").await.expect("reads").is_empty());
    assert!(store.patients_numbered("lab", "p1").await.expect("reads").is_empty(), "a number is of a source");
    assert!(store.patients_numbered("emr", "").await.expect("reads").is_empty());
    let read = async |kind: &str, thing: Uuid, seconds: i64| {
        let action = format!("{kind}.read");
        store.record_audit(Actor::service(), &action, Some((kind, thing)), "", at(seconds)).await.expect("records");
    };
    read("note", second, 10).await;
    read("item", item, 11).await;
    read("patient", patient, 12).await;
    read("note", other, 13).await;
    let said = |action: &str, thing: Uuid| (action.to_owned(), Some(thing));
    let of_the_item =
        [said("item.read", item), said("note.read", second), said("note.stored", second), said("note.stored", first)];
    assert_eq!(found(&*store, of(second)).await, [said("note.read", second), said("note.stored", second)]);
    assert_eq!(found(&*store, of(item)).await, of_the_item);
    let of_the_patient = [&[said("patient.read", patient)], &of_the_item[..]].concat();
    assert_eq!(found(&*store, of(patient)).await, of_the_patient);
    assert_eq!(found(&*store, of(id())).await, []);
    let nobody = AccessFilter { of: Some(Vec::new()), ..AccessFilter::default() };
    assert_eq!(found(&*store, nobody).await, [], "of nothing is not of anything");
    // what was the other patient's belongs to the survivor after a merge
    let known = |number: &str| crate::domain::Patient { id: number.to_owned(), ..Default::default() };
    let merge = crate::store::PatientMerge { source: "emr".to_owned(), surviving: known("p1"), retired: known("p2") };
    store.merge_patients(id(), merge, Actor::service(), at(20)).await.expect("merges");
    assert_eq!(store.patients_numbered("emr", "p2").await.expect("reads"), [patient]);
    let merged = found(&*store, of(patient)).await;
    assert!(merged.contains(&said("note.read", other)) && merged.contains(&said("patient.merged", patient)), "{merged:?}");
}

pub(crate) async fn accesses_by_user_kind_and_time(store: Arc<dyn Store>) {
    let mut actors = Vec::new();
    for name in ["ann", "ben"] {
        let user = user(&*store, name, Role::Coder).await;
        actors.push(Actor { user_id: Some(user.id), name: user.name });
    }
    for second in 10..20 {
        let (actor, action) = (actors[second % 2].clone(), if second < 15 { "item.read" } else { "note.read" });
        store.record_audit(actor, action, Some(("item", id())), "", at(second as i64)).await.expect("records");
    }
    let count = async |filter: AccessFilter| store.accesses(filter, None, 1000).await.expect("reads").len();
    let all = AccessFilter::default();
    assert_eq!(count(all.clone()).await, 12);
    let ann = AccessFilter { actor: Some("ann".to_owned()), ..all.clone() };
    assert_eq!(count(ann.clone()).await, 5);
    assert_eq!(count(AccessFilter { action: Some("item.read".to_owned()), ..ann.clone() }).await, 3);
    let (from, until) = (Some(at(12)), Some(at(18)));
    assert_eq!(count(AccessFilter { from, until, ..all.clone() }).await, 6, "the end is not in it");
    assert_eq!(count(AccessFilter { from, until, ..ann }).await, 3);
    let later = Some(at(19) + SignedDuration::from_micros(1));
    assert_eq!(count(AccessFilter { from: later, ..all }).await, 0);
}

pub(crate) async fn pages_of_accesses_follow_each_other(store: Arc<dyn Store>) {
    let things: Vec<Uuid> = (0..25).map(|_| id()).collect();
    // many at one instant, and one whose clock went back
    store.record_reads(Actor::service(), "note.read", ("note", things.clone()), at(5)).await.expect("records");
    store.record_reads(Actor::service(), "note.read", ("note", vec![id()]), at(1)).await.expect("records");
    for filter in [AccessFilter::default(), AccessFilter { of: Some(things), ..AccessFilter::default() }] {
        let whole = store.accesses(filter.clone(), None, 1000).await.expect("reads");
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = store.accesses(filter.clone(), after, 7).await.expect("reads");
            assert!(page.len() <= 7);
            after = page.last().map(|event| (event.at, event.sequence));
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, whole);
        assert!(whole.len() >= 25);
    }
}
