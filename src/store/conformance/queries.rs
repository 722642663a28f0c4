//! Queries to providers: drafts, acts, what is recorded of them and who hears of it.

use std::sync::Arc;

use uuid::Uuid;

use super::{MINUTE, at, extract_all, id, item_of, of_encounter, post, user};
use crate::{
    domain::{
        Channel, ClinicalIndicator, Destination, EventKind, OptionKind, Query, QueryAct, QueryAnswer, QueryContent,
        QueryEffect, QueryEvent, QueryKind, QueryOption, QueryState, Role, User,
    },
    store::{Actor, DeliveryFilter, Finishing, ItemChange, QueryChange, Store, StoreError},
};

/// An item that a coder has claimed, with its note.
async fn claimed(store: &dyn Store) -> (Uuid, Uuid, User) {
    let note = post(store, of_encounter("e", Some("p"), "a"), 0).await;
    extract_all(store, 0).await;
    let item = item_of(store, note, 0).await.item.id;
    let coder = user(store, "coder", Role::Coder).await;
    assert!(matches!(store.claim_item(item, &coder, MINUTE, at(0)).await.expect("answers"), ItemChange::Done { .. }));
    (item, note, coder)
}

/// A draft that quotes a note.
pub(crate) fn draft(item: Uuid, note: Uuid, user: &User) -> Query {
    let option = |kind, label: &str| QueryOption { kind, label: label.to_owned() };
    Query {
        id: id(),
        item_id: item,
        drafted_by: (user.id, user.name.clone()),
        drafted_at: at(1),
        content: QueryContent {
            template: "acuity".to_owned(),
            kind: QueryKind::Specificity,
            entry_id: Some(id()),
            title: "sentinel title".to_owned(),
            question: "sentinel question?".to_owned(),
            options: vec![
                option(OptionKind::Choice, "sentinel option"),
                option(OptionKind::Choice, "chronic"),
                option(OptionKind::Other, "other"),
                option(OptionKind::Undetermined, "unable"),
            ],
            indicators: vec![ClinicalIndicator { note_id: note, text: "sentinel words".to_owned() }],
        },
        events: Vec::new(),
    }
}

/// An answer with words.
pub(crate) fn answer() -> QueryAct {
    let (text, provider) = (Some("sentinel answer".to_owned()), Some("Dr. Sentinel".to_owned()));
    QueryAct::Answer(QueryAnswer { option: Some(0), text, provider })
}

async fn added(store: &dyn Store, query: &Query, user: &User) {
    let done = store.add_query(query.clone(), user, at(1)).await.expect("answers");
    assert!(matches!(done, ItemChange::Done { .. }), "{done:?}");
}

async fn act(store: &dyn Store, query: &Query, user: &User, (act, seconds): (QueryAct, i64)) -> QueryChange {
    store.act_on_query(query.id, user, act, at(seconds)).await.expect("answers")
}

async fn audited(store: &dyn Store) -> Vec<(String, String, String, Option<Uuid>, String)> {
    let events = store.audit_events(0, 1000).await.expect("reads");
    let of_queries = events.into_iter().filter(|event| event.action.starts_with("query."));
    of_queries.map(|event| (event.action, event.actor.name, event.subject_kind, event.subject_id, event.detail)).collect()
}

pub(crate) async fn a_draft_is_written_anew(store: Arc<dyn Store>) {
    let (item, note, coder) = claimed(&*store).await;
    let first = draft(item, note, &coder);
    added(&*store, &first, &coder).await;
    for (title, second) in [("another title", 2), ("the last title", 3)] {
        let content = QueryContent { title: title.to_owned(), ..first.content.clone() };
        let done = act(&*store, &first, &coder, (QueryAct::Revise(Box::new(content)), second)).await;
        let QueryChange::Done(now) = done else { panic!("{done:?}") };
        assert_eq!((now.content.title.as_str(), now.state()), (title, QueryState::Draft));
    }
    let kept = store.query(first.id).await.expect("reads").expect("is there");
    assert_eq!(
        (kept.content.title.as_str(), kept.events.len()),
        ("the last title", 2),
        "what it said before stays in the record"
    );
    act(&*store, &first, &coder, (QueryAct::Send {}, 4)).await;
    let late = act(&*store, &first, &coder, (QueryAct::Revise(Box::new(first.content.clone())), 5)).await;
    assert_eq!(late, QueryChange::NotAllowed(QueryState::Sent));
    let told: Vec<String> = audited(&*store).await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(told, ["query.drafted", "query.revised", "query.revised", "query.sent"]);
}

pub(crate) async fn a_query_from_draft_to_closing(store: Arc<dyn Store>) {
    let (item, note, coder) = claimed(&*store).await;
    let (first, second) = (draft(item, note, &coder), draft(item, note, &coder));
    let revision = store.item(item, at(1)).await.expect("reads").expect("is there").item.revision;
    added(&*store, &first, &coder).await;
    added(&*store, &second, &coder).await;
    assert_eq!(store.query(first.id).await.expect("reads"), Some(first.clone()));
    assert_eq!(store.queries(item).await.expect("reads"), [first.clone(), second.clone()]);

    let system = user(&*store, "system", Role::Submitter).await;
    let comment = Some("sentinel comment".to_owned());
    let steps = [
        (&coder, QueryAct::Send {}, QueryState::Sent),
        (&system, answer(), QueryState::Answered),
        (&coder, QueryAct::Close { effect: QueryEffect::EntryAmended, comment }, QueryState::Closed),
    ];
    let mut expected = first.clone();
    for ((by, step, state), seconds) in steps.into_iter().zip(2..) {
        expected.events.push(QueryEvent { by: (by.id, by.name.clone()), at: at(seconds), act: step.clone() });
        assert_eq!(act(&*store, &first, by, (step, seconds)).await, QueryChange::Done(Box::new(expected.clone())));
        assert_eq!(expected.state(), state);
        assert_eq!(store.query(first.id).await.expect("reads"), Some(expected.clone()));
    }
    assert_eq!(store.queries(item).await.expect("reads"), [expected, second], "the other one is as it was");
    let now = store.item(item, at(6)).await.expect("reads").expect("is there").item.revision;
    assert_eq!(now, revision, "what the item shows did not change");

    let detail = format!("specificity; item {item}");
    let told = |action: &str, name: &str, query: &Query| {
        (action.to_owned(), name.to_owned(), "query".to_owned(), Some(query.id), detail.clone())
    };
    let events = audited(&*store).await;
    assert_eq!(events[0], told("query.drafted", "coder", &first));
    assert_eq!(
        events[2..],
        [told("query.sent", "coder", &first), told("query.answered", "system", &first), told("query.closed", "coder", &first)]
    );
}

pub(crate) async fn a_draft_needs_the_claim(store: Arc<dyn Store>) {
    let (item, note, coder) = claimed(&*store).await;
    let other = user(&*store, "other", Role::Coder).await;
    let held = ItemChange::HeldBy { name: "coder".to_owned(), until: at(60) };
    assert_eq!(store.add_query(draft(item, note, &other), &other, at(1)).await.expect("answers"), held);
    let ran_out = store.add_query(draft(item, note, &coder), &coder, at(60)).await.expect("answers");
    assert_eq!(ran_out, ItemChange::NotHeld);
    assert_eq!(store.add_query(draft(id(), note, &coder), &coder, at(1)).await.expect("answers"), ItemChange::Missing);
    let stranger = store.add_query(draft(item, note, &other), &coder, at(1)).await;
    assert!(matches!(stranger, Err(StoreError::Inconsistent { table: "query", .. })), "{stranger:?}");
    store.finish_item(item, &coder, Finishing::at(None), at(2)).await.expect("answers");
    assert_eq!(store.add_query(draft(item, note, &coder), &coder, at(3)).await.expect("answers"), ItemChange::Finished);
    assert_eq!(store.queries(item).await.expect("reads"), []);
    assert_eq!(audited(&*store).await, []);
}

pub(crate) async fn acts_keep_to_the_state(store: Arc<dyn Store>) {
    let (item, note, coder) = claimed(&*store).await;
    let query = draft(item, note, &coder);
    added(&*store, &query, &coder).await;
    let close = || QueryAct::Close { effect: QueryEffect::NoChange, comment: None };
    let withdraw = || QueryAct::Withdraw { comment: None };
    let refused = async |step, state| {
        assert_eq!(act(&*store, &query, &coder, (step, 9)).await, QueryChange::NotAllowed(state));
    };
    refused(answer(), QueryState::Draft).await;
    refused(close(), QueryState::Draft).await;
    assert!(matches!(act(&*store, &query, &coder, (QueryAct::Send {}, 2)).await, QueryChange::Done(_)));
    refused(QueryAct::Send {}, QueryState::Sent).await;
    refused(close(), QueryState::Sent).await;
    assert!(matches!(act(&*store, &query, &coder, (withdraw(), 3)).await, QueryChange::Done(_)));
    for step in [QueryAct::Send {}, answer(), close(), withdraw()] {
        refused(step, QueryState::Withdrawn).await;
    }
    assert_eq!(store.act_on_query(id(), &coder, withdraw(), at(4)).await.expect("answers"), QueryChange::Missing);
    assert_eq!(store.query(id()).await.expect("reads"), None);
    // what is not asked any more stays to be read
    let kept = store.query(query.id).await.expect("reads").expect("is there");
    assert_eq!((kept.state(), kept.events.len()), (QueryState::Withdrawn, 2));
    let actions: Vec<String> = audited(&*store).await.into_iter().map(|event| event.0).collect();
    assert_eq!(actions, ["query.drafted", "query.sent", "query.withdrawn"], "what was refused is no event");
}

pub(crate) async fn answers_given_at_once_are_one(store: Arc<dyn Store>) {
    let (item, note, coder) = claimed(&*store).await;
    let query = draft(item, note, &coder);
    added(&*store, &query, &coder).await;
    act(&*store, &query, &coder, (QueryAct::Send {}, 2)).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (store, coder, id) = (Arc::clone(&store), coder.clone(), query.id);
            tokio::spawn(async move { store.act_on_query(id, &coder, answer(), at(3)).await.expect("answers") })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        match task.await.expect("runs") {
            QueryChange::Done(_) => done += 1,
            other => assert_eq!(other, QueryChange::NotAllowed(QueryState::Answered)),
        }
    }
    assert_eq!(done, 1);
}

pub(crate) async fn destinations_hear_of_queries(store: Arc<dyn Store>) {
    let (item, note, coder) = claimed(&*store).await;
    let channel = Channel::Webhook { url: "http://a.example".to_owned(), secret: "whsec_c2VjcmV0".to_owned() };
    let events = vec![EventKind::QuerySent, EventKind::QueryAnswered];
    let destination = Destination { id: id(), name: "a".to_owned(), channel, events, disabled: false, created_at: at(0) };
    assert!(store.add_destination(destination, Actor::service(), at(0)).await.expect("adds"));
    let query = draft(item, note, &coder);
    added(&*store, &query, &coder).await;
    let close = QueryAct::Close { effect: QueryEffect::NoChange, comment: None };
    for (step, seconds) in [QueryAct::Send {}, answer(), close].into_iter().zip(2..) {
        assert!(matches!(act(&*store, &query, &coder, (step, seconds)).await, QueryChange::Done(_)));
    }
    let listed = store.deliveries(DeliveryFilter { limit: 100, ..DeliveryFilter::default() }).await.expect("lists");
    let told: Vec<_> = listed.iter().map(|one| (one.event, one.item_id, one.note_id, one.query_id)).collect();
    assert_eq!(
        told,
        [
            (EventKind::QuerySent, Some(item), None, Some(query.id)),
            (EventKind::QueryAnswered, Some(item), None, Some(query.id))
        ]
    );
    let claimed = store.claim_deliveries(MINUTE, at(9)).await.expect("claims");
    assert_eq!((claimed[0].delivery.query_id, &claimed[0].body), (Some(query.id), &None), "the ids alone");
}
