//! Destinations and deliveries.

use std::sync::Arc;

use super::{MINUTE, at, claim_one, extract_all, extraction, id, item_of, of_encounter, post, text, user};
use crate::{
    domain::{Channel, DeliveryState, Destination, EventKind, Role},
    store::{Actor, ClaimedDelivery, DeliveryEnd, DeliveryFilter, Finishing, JobFailure, NoteKey, Outgoing, Store},
};

pub(super) async fn destination(store: &dyn Store, name: &str, events: &[EventKind]) -> Destination {
    let channel = Channel::Webhook { url: format!("http://{name}.example"), secret: "whsec_c2VjcmV0".to_owned() };
    let destination =
        Destination { id: id(), name: name.to_owned(), channel, events: events.to_vec(), disabled: false, created_at: at(0) };
    assert!(store.add_destination(destination.clone(), Actor::service(), at(0)).await.expect("adds"));
    destination
}

async fn claim(store: &dyn Store, seconds: i64) -> Vec<ClaimedDelivery> {
    store.claim_deliveries(MINUTE, at(seconds)).await.expect("claims")
}

async fn all(store: &dyn Store) -> Vec<(EventKind, DeliveryState)> {
    let filter = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    store.deliveries(filter).await.expect("lists").into_iter().map(|one| (one.event, one.state)).collect()
}

pub(crate) async fn destinations(store: Arc<dyn Store>) {
    let first = destination(&*store, "b", &EventKind::ALL).await;
    let second = destination(&*store, "a", &[EventKind::ReviewFinished]).await;
    assert_eq!(store.destinations().await.expect("lists"), [second, first.clone()]);
    let again = Destination { id: id(), ..first };
    assert!(!store.add_destination(again, Actor::service(), at(1)).await.expect("answers"), "a name is taken once");
    assert!(store.set_destination_disabled("a", true, Actor::service(), at(1)).await.expect("disables"));
    assert!(store.destinations().await.expect("lists")[0].disabled);
    assert!(!store.set_destination_disabled("c", true, Actor::service(), at(1)).await.expect("answers"));
}

pub(crate) async fn every_event_is_written_with_its_cause(store: Arc<dyn Store>) {
    post(&*store, text("before anybody listens"), 0).await;
    extract_all(&*store, 0).await;
    let coder = user(&*store, "coder", Role::Coder).await;
    let hears = destination(&*store, "all", &EventKind::ALL).await;
    destination(&*store, "finished", &[EventKind::ReviewFinished]).await;
    let good = post(&*store, of_encounter("e", None, "good"), 1).await;
    extract_all(&*store, 2).await;
    let bad = post(&*store, of_encounter("e", None, "bad"), 3).await;
    let job = claim_one(&*store, 4).await;
    let failure = JobFailure::Quarantine { reason: "r".to_owned() };
    assert!(store.fail_job(&job, failure, at(4)).await.expect("fails"));
    assert!(!store.record_extraction(&job, extraction(bad), at(4)).await.expect("answers"), "a stale one emits nothing");
    store.retract_note(NoteKey::Id(bad), at(5), Actor::service(), at(5)).await.expect("retracts");
    let item = item_of(&*store, good, 6).await.item.id;
    store.claim_item(item, &coder, MINUTE, at(6)).await.expect("claims");
    let outgoing = vec![Outgoing { destination: hears.id, body: "the message".to_owned() }];
    let finishing = Finishing { outgoing, ..Finishing::at(None) };
    store.finish_item(item, &coder, finishing, at(7)).await.expect("finishes");
    let listed = store.deliveries(DeliveryFilter { limit: 100, ..DeliveryFilter::default() }).await.expect("lists");
    let of_all: Vec<_> = listed.iter().filter(|one| one.destination == "all").map(|one| (one.event, one.note_id)).collect();
    assert_eq!(
        of_all,
        [
            (EventKind::ExtractionReady, Some(good)),
            (EventKind::NoteQuarantined, Some(bad)),
            (EventKind::NoteRetracted, Some(bad)),
            (EventKind::ReviewFinished, None)
        ]
    );
    assert!(listed.iter().all(|one| one.item_id == Some(item)));
    assert_eq!(listed.iter().filter(|one| one.destination == "finished").count(), 1);
}

pub(crate) async fn deliveries_go_in_their_order(store: Arc<dyn Store>) {
    let to = destination(&*store, "a", &[EventKind::ExtractionReady]).await;
    for number in 0..3 {
        post(&*store, text("a"), number).await;
    }
    extract_all(&*store, 3).await;
    let first = claim(&*store, 4).await;
    assert_eq!((first.len(), first[0].destination.id, first[0].delivery.tries), (1, to.id, 1));
    assert!(claim(&*store, 5).await.is_empty(), "the next one waits for the first");
    let retry = DeliveryEnd::Retry { at: at(60), problem: "refused".to_owned() };
    assert!(store.end_delivery(&first[0], retry, at(5)).await.expect("ends"));
    assert!(claim(&*store, 59).await.is_empty());
    let again = claim(&*store, 60).await;
    assert_eq!((again[0].delivery.id, again[0].delivery.tries), (first[0].delivery.id, 2));
    assert!(!store.end_delivery(&first[0], DeliveryEnd::Delivered, at(61)).await.expect("answers"), "a stale fence");
    // a sender that died loses its claim
    let taken = claim(&*store, 120).await;
    assert_eq!((taken[0].delivery.id, taken[0].fence), (first[0].delivery.id, 3));
    let dead = DeliveryEnd::Dead { problem: "http_410".to_owned() };
    assert!(store.end_delivery(&taken[0], dead, at(121)).await.expect("ends"));
    let second = claim(&*store, 122).await;
    assert_ne!(second[0].delivery.id, first[0].delivery.id, "what is given up holds nobody up");
    assert!(store.end_delivery(&second[0], DeliveryEnd::Delivered, at(123)).await.expect("ends"));
    assert!(store.resend_delivery(first[0].delivery.id, Actor::service(), at(124)).await.expect("resends"));
    assert!(!store.resend_delivery(id(), Actor::service(), at(124)).await.expect("answers"));
    let resent = claim(&*store, 125).await;
    assert_eq!((resent[0].delivery.id, resent[0].delivery.tries), (first[0].delivery.id, 1), "at its place");
    let ready = EventKind::ExtractionReady;
    assert_eq!(
        all(&*store).await,
        [(ready, DeliveryState::Claimed), (ready, DeliveryState::Delivered), (ready, DeliveryState::Waiting)]
    );
}

pub(crate) async fn a_disabled_destination_gets_nothing(store: Arc<dyn Store>) {
    destination(&*store, "a", &[EventKind::ExtractionReady]).await;
    post(&*store, text("a"), 0).await;
    extract_all(&*store, 1).await;
    store.set_destination_disabled("a", true, Actor::service(), at(2)).await.expect("disables");
    assert!(claim(&*store, 3).await.is_empty());
    post(&*store, text("b"), 4).await;
    extract_all(&*store, 5).await;
    store.set_destination_disabled("a", false, Actor::service(), at(6)).await.expect("enables");
    assert_eq!(claim(&*store, 7).await.len(), 1);
    assert_eq!(all(&*store).await.len(), 1, "it did not hear of what happened meanwhile");
}
