//! Messages of other systems.

use std::sync::Arc;

use uuid::Uuid;

use super::{at, id, post, text, user};
use crate::{
    domain::Role,
    store::{Actor, KnownMessage, MessageFilter, MessageIdentity, MessageOutcome, ReceivedMessage, Store},
};

fn identity(control_id: &str) -> MessageIdentity {
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    MessageIdentity { sender: pair("ehr", "north"), receiver: pair("abs", "him"), control_id: control_id.to_owned() }
}

async fn sender(store: &dyn Store) -> Uuid {
    match store.user_named("interface").await.expect("reads") {
        Some(user) => user.id,
        None => user(store, "interface", Role::Submitter).await.id,
    }
}

pub(crate) async fn message(
    store: &dyn Store,
    control_id: Option<&str>,
    content: &str,
    reason: Option<&str>,
) -> ReceivedMessage {
    ReceivedMessage {
        id: id(),
        user_id: sender(store).await,
        source: "emr".to_owned(),
        event: "MDM^T02".to_owned(),
        identity: control_id.map(identity),
        content: content.as_bytes().to_vec(),
        outcome: MessageOutcome {
            reason: reason.map(str::to_owned),
            note_id: None,
            acknowledgement: format!("answer to {content}").into_bytes(),
        },
        received_at: at(5),
    }
}

async fn keep(store: &dyn Store, control_id: Option<&str>, content: &str, reason: Option<&str>) -> Uuid {
    let message = message(store, control_id, content, reason).await;
    let id = message.id;
    assert_eq!(store.add_message(message, Actor::service()).await.expect("keeps"), None);
    id
}

pub(crate) async fn a_message_is_read_back(store: Arc<dyn Store>) {
    let note = post(&*store, text("a"), 0).await;
    let mut message = message(&*store, Some("C1"), "MSH|", Some("no_text")).await;
    message.content.push(0xff);
    message.outcome.note_id = Some(note);
    store.add_message(message.clone(), Actor::service()).await.expect("keeps");
    assert_eq!(store.message(message.id).await.expect("reads"), Some(message));
    let piece = keep(&*store, None, "piece", Some("truncated")).await;
    assert_eq!(store.message(piece).await.expect("reads").expect("is there").identity, None);
    assert_eq!(store.message(id()).await.expect("reads"), None);
}

pub(crate) async fn a_message_is_known_again(store: Arc<dyn Store>) {
    keep(&*store, Some("C1"), "one", None).await;
    let known = async |source: &str, control_id: &str, content: &str| {
        store.known_message(source, identity(control_id), content.as_bytes()).await.expect("looks")
    };
    let same = KnownMessage::Same { acknowledgement: b"answer to one".to_vec() };
    assert!(known("emr", "C1", "one").await == same);
    assert!(known("emr", "C1", "two").await == KnownMessage::OtherContent);
    assert!(known("emr", "C2", "one").await == KnownMessage::New);
    assert!(known("lab", "C1", "one").await == KnownMessage::New);
    let other = MessageIdentity { receiver: ("abs".to_owned(), "billing".to_owned()), ..identity("C1") };
    assert!(store.known_message("emr", other, b"one").await.expect("looks") == KnownMessage::New);
    // the other content is kept as well, and known from then on
    keep(&*store, Some("C1"), "two", Some("control_id_reused")).await;
    assert!(known("emr", "C1", "two").await == KnownMessage::Same { acknowledgement: b"answer to two".to_vec() });
    assert!(known("emr", "C1", "one").await == same);
    assert!(known("emr", "C1", "three").await == KnownMessage::OtherContent);
}

pub(crate) async fn the_same_message_at_once_is_kept_once(store: Arc<dyn Store>) {
    keep(&*store, Some("C1"), "one", None).await;
    let again = message(&*store, Some("C1"), "one", None).await;
    let answer = store.add_message(again, Actor::service()).await.expect("looks");
    assert_eq!(answer.as_deref(), Some(&b"answer to one"[..]));
    assert_eq!(store.messages(MessageFilter::Any, None, 10).await.expect("lists").len(), 1);
    keep(&*store, None, "piece", Some("truncated")).await;
    keep(&*store, None, "piece", Some("truncated")).await;
}

pub(crate) async fn failed_messages_are_listed_and_paged(store: Arc<dyn Store>) {
    let mut failed = Vec::new();
    for number in 0..5 {
        keep(&*store, Some(&format!("good {number}")), "good", None).await;
        failed.push(keep(&*store, Some(&format!("bad {number}")), "bad", Some("no_text")).await);
    }
    failed.reverse();
    let ids = async |filter, before, limit| -> Vec<Uuid> {
        let lines = store.messages(filter, before, limit).await.expect("lists");
        lines.into_iter().map(|line| line.id).collect()
    };
    assert_eq!(ids(MessageFilter::Failed, None, 10).await, failed);
    assert_eq!(ids(MessageFilter::Failed, None, 2).await, failed[..2]);
    assert_eq!(ids(MessageFilter::Failed, Some(failed[1]), 2).await, failed[2..4]);
    assert_eq!(ids(MessageFilter::Any, None, 100).await.len(), 10);
    let line = store.messages(MessageFilter::Failed, None, 1).await.expect("lists").remove(0);
    assert_eq!((line.event.as_str(), line.source.as_str(), line.reason.as_deref()), ("MDM^T02", "emr", Some("no_text")));
}

pub(crate) async fn a_failed_message_is_settled(store: Arc<dyn Store>) {
    let note = post(&*store, text("a"), 0).await;
    let bad = keep(&*store, Some("C1"), "one", Some("unknown_document")).await;
    let outcome = |reason: Option<&str>| MessageOutcome {
        reason: reason.map(str::to_owned),
        note_id: reason.is_none().then_some(note),
        acknowledgement: b"now".to_vec(),
    };
    let settle = async |reason| store.settle_message(bad, outcome(reason), Actor::service(), at(9)).await.expect("settles");
    assert!(settle(Some("no_text")).await);
    assert_eq!(store.message(bad).await.expect("reads").expect("is there").outcome, outcome(Some("no_text")));
    assert!(settle(None).await);
    let settled = store.message(bad).await.expect("reads").expect("is there");
    assert_eq!(settled.outcome, outcome(None));
    assert!(!settle(Some("late")).await, "what was accepted stays so");
    assert!(!store.settle_message(id(), outcome(None), Actor::service(), at(9)).await.expect("looks"));
    assert!(store.messages(MessageFilter::Failed, None, 10).await.expect("lists").is_empty());
    let known = store.known_message("emr", identity("C1"), b"one").await.expect("looks");
    assert!(known == KnownMessage::Same { acknowledgement: b"now".to_vec() });
    let events = store.audit_events(0, 100).await.expect("reads");
    let told: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event.subject_kind == "message")
        .map(|event| (event.action.as_str(), event.detail.as_str()))
        .collect();
    assert_eq!(
        told,
        [("message.failed", "unknown_document"), ("message.replayed", "no_text"), ("message.replayed", "accepted")]
    );
}
