//! How the entries of encounters came out.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    at, extract_all, item_of, of_encounter, post,
    review::{claim, decision, ready},
};
use crate::{
    domain::{Assertion, DecisionKind, Ended, EntryKind, EntryOutcome, ItemOutcome, ItemSummary, NewNote, Sensitivities},
    store::{Actor, Finishing, ItemPurge, OutcomeTime, OutcomeWindow, Purged, ReportScope, Store, WorkedOut},
};

/// An outcome of the item as it is now, of what coders added alone: working it out of entries is not the store's.
pub(super) async fn outcome_of(store: &dyn Store, item: Uuid) -> ItemOutcome {
    let record = store.item(item, at(9)).await.expect("reads").expect("is there");
    let added = record.decisions.iter().map(|decision| EntryOutcome {
        entry_id: decision.entry_id,
        kind: EntryKind::Diagnosis,
        ended: Ended::Added,
        words: "gout".to_owned(),
        other_words: Vec::new(),
        note_id: None,
        note_type: None,
        section: None,
        suggested: None,
        confidence: None,
        others: Vec::new(),
        codes: Vec::new(),
        assertion: [None, Some(Assertion::Present)],
        status: [None, None],
        charted: true,
        reason: None,
        decided: Some((decision.user_id, decision.user_name.clone(), decision.at)),
        bulk: false,
        engine: None,
    });
    ItemOutcome {
        item,
        patient: None,
        revision: record.item.revision,
        state: record.item.state,
        received_at: record.notes[0].0.received_at,
        finished: None,
        encounter_class: None,
        facility: None,
        department: None,
        service_date: None,
        note_types: vec![None],
        engines: Vec::new(),
        entries: added.collect(),
    }
}

/// Works out an item as the worker does.
pub(super) async fn work_out(store: &dyn Store, item: Uuid) {
    let outcome = outcome_of(store, item).await;
    let summary = ItemSummary { revision: outcome.revision, ..ItemSummary::default() };
    store.summarize_item(item, WorkedOut { summary, outcome: Some(outcome) }, at(9)).await.expect("keeps");
}

pub(crate) async fn outcomes_are_read_by_time_and_scope(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let other = of_encounter("e2", Some("p2"), "another");
    let other = post(&*store, NewNote { facility: Some("North".to_owned()), ..other }, 5).await;
    extract_all(&*store, 5).await;
    let other = item_of(&*store, other, 5).await.item.id;
    let all = ReportScope { include_restricted: true, clearances: Sensitivities::ALL, ..ReportScope::default() };
    let window = |by, from, until| OutcomeWindow { from: at(from), until: at(until), by };
    let read = async |scope: &ReportScope, window: OutcomeWindow, after, limit| {
        store.outcomes(scope.clone(), window, after, limit).await.expect("reads")
    };
    let ids = |found: &[ItemOutcome]| found.iter().map(|one| one.item).collect::<Vec<_>>();
    let received = window(OutcomeTime::Received, 0, 100);
    assert!(read(&all, received, None, 10).await.is_empty(), "nothing is worked out yet");
    work_out(&*store, item).await;
    work_out(&*store, other).await;
    let found = read(&all, received, None, 10).await;
    assert_eq!(ids(&found), [item, other]);
    assert_eq!((found[1].facility.as_deref(), found[0].finished.is_none()), (Some("North"), true));
    assert!(found[0].patient.is_some());
    // page by page
    let first = read(&all, received, None, 1).await;
    let rest = read(&all, received, Some(received.end_at(&first[0])), 10).await;
    assert_eq!((ids(&first), ids(&rest)), (vec![item], vec![other]));
    assert_eq!(ids(&read(&all, window(OutcomeTime::Received, 5, 6), None, 10).await), [other]);
    // scope
    let north = ReportScope { facility: Some("North".to_owned()), ..all.clone() };
    assert_eq!(ids(&read(&north, received, None, 10).await), [other]);
    let hidden = ReportScope { hidden_patients: found[0].patient.into_iter().collect(), ..all.clone() };
    assert_eq!(ids(&read(&hidden, received, None, 10).await), [other]);
    // finished, with its decisions
    claim(&*store, item, &coder, 20).await;
    assert_eq!(ids(&read(&all, received, None, 10).await), [other], "it changed and is not worked out again");
    let added = DecisionKind::Add {
        kind: EntryKind::Diagnosis,
        display: "Gout".to_owned(),
        codes: Vec::new(),
        assertion: Some(Assertion::Present),
        status: None,
        note_id: None,
        start: None,
        end: None,
        comment: None,
    };
    let decided = decision(item, &coder, added);
    store.decide(item, &coder, vec![decided], None, at(21)).await.expect("decides");
    store.finish_item(item, &coder, Finishing::default(), at(22)).await.expect("finishes");
    work_out(&*store, item).await;
    let finished = window(OutcomeTime::Finished, 22, 23);
    let found = read(&all, finished, None, 10).await;
    assert_eq!(ids(&found), [item]);
    assert_eq!(found[0].finished, Some((at(22), coder.id, coder.name.clone())));
    assert_eq!(found[0].entries[0].ended, Ended::Added);
    assert!(read(&all, window(OutcomeTime::Finished, 23, 100), None, 10).await.is_empty());
    // one of an older revision is not kept
    let stale = ItemOutcome { revision: 1, entries: Vec::new(), ..found[0].clone() };
    let worked_out = WorkedOut { summary: ItemSummary { revision: 1, ..ItemSummary::default() }, outcome: Some(stale) };
    store.summarize_item(item, worked_out, at(30)).await.expect("answers");
    assert_eq!(read(&all, finished, None, 10).await, found);
    // a purge takes it along
    let purge = ItemPurge { item, reason: "request".to_owned(), part: None };
    assert!(matches!(store.purge_item(purge, Actor::service(), at(40)).await.expect("answers"), Purged::Done { .. }));
    assert!(read(&all, finished, None, 10).await.is_empty());
    assert_eq!(ids(&read(&all, received, None, 10).await), [other]);
    assert!(store.unsummarized_items(10).await.expect("reads").is_empty());
}
