//! The queue: items, claims, decisions.

use std::sync::Arc;

use uuid::Uuid;

use super::{MINUTE, at, extract_all, id, item_of, of_encounter, post, text, user};
use crate::{
    domain::{Act, Confidentiality, Decision, DecisionKind, ItemState, ListEnd, NewNote, Role, User, Worklist, WorklistOrder},
    store::{Finishing, ItemChange, ItemFilter, Movement, Store, StoreError},
};

/// An item with one extracted note, and a coder.
pub(super) async fn ready(store: &dyn Store) -> (Uuid, User) {
    let note = post(store, of_encounter("e", Some("p"), "a"), 0).await;
    extract_all(store, 0).await;
    (item_of(store, note, 0).await.item.id, user(store, "coder", Role::Coder).await)
}

pub(super) fn decision(item: Uuid, user: &User, kind: DecisionKind) -> Decision {
    Decision {
        id: id(),
        item_id: item,
        entry_id: id(),
        user_id: user.id,
        user_name: user.name.clone(),
        at: at(1),
        kind,
        evidence: Vec::new(),
    }
}

/// An act without a reason, at any revision.
pub(super) fn moving(act: Act) -> Movement {
    Movement { act, revision: None, reason: None, comment: None, until: None, remark_id: id() }
}

fn in_state(state: ItemState) -> Worklist {
    Worklist { state: Some(state), ..Worklist::default() }
}

pub(super) async fn claim(store: &dyn Store, item: Uuid, user: &User, seconds: i64) -> u64 {
    match store.claim_item(item, user, MINUTE, at(seconds)).await.expect("answers") {
        ItemChange::Done { revision } => revision,
        other => panic!("not claimed: {other:?}"),
    }
}

pub(crate) async fn notes_of_an_encounter_share_an_item(store: Arc<dyn Store>) {
    let first = post(&*store, of_encounter("e", Some("p"), "a"), 0).await;
    let second = post(&*store, of_encounter("e", Some("p"), "b"), 1).await;
    let without = post(&*store, of_encounter("e", None, "c"), 2).await;
    let alone = post(&*store, text("d"), 3).await;
    let record = item_of(&*store, first, 4).await;
    assert_eq!(record.item.notes, [first, second, without]);
    assert_eq!(record.notes.iter().map(|(note, _)| note.id).collect::<Vec<_>>(), [first, second, without]);
    assert_eq!((record.item.encounter.as_deref(), record.item.pending_notes, record.item.revision), (Some("e"), 3, 3));
    let other = item_of(&*store, alone, 4).await.item;
    assert_eq!((other.notes, other.encounter, other.patient), (vec![alone], None, None));
}

pub(crate) async fn a_number_of_two_patients_is_two_items(store: Arc<dyn Store>) {
    let first = post(&*store, of_encounter("e", Some("p"), "a"), 0).await;
    let second = post(&*store, of_encounter("e", Some("q"), "b"), 1).await;
    let nobody = post(&*store, of_encounter("e", None, "c"), 2).await;
    let mut items = Vec::new();
    for note in [first, second, nobody] {
        items.push(item_of(&*store, note, 3).await.item.id);
    }
    items.sort();
    items.dedup();
    assert_eq!(items.len(), 3, "a note that names neither patient belongs to neither");
}

pub(crate) async fn a_first_patient_is_taken_over(store: Arc<dyn Store>) {
    let first = post(&*store, of_encounter("e", None, "a"), 0).await;
    let second = post(&*store, of_encounter("e", Some("p"), "b"), 1).await;
    let item = item_of(&*store, first, 2).await.item;
    assert_eq!(item.notes, [first, second]);
    assert_eq!(item.patient.map(|patient| patient.id), Some("p".to_owned()));
    let third = post(&*store, of_encounter("e", Some("q"), "c"), 3).await;
    assert_ne!(item_of(&*store, third, 4).await.item.id, item.id);
}

pub(crate) async fn lifecycle(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let revision = claim(&*store, item, &coder, 1).await;
    let claimed = store.item(item, at(2)).await.expect("reads").expect("is there").item;
    assert_eq!((claimed.state, claimed.claimed_until), (ItemState::Claimed, Some(at(61))));
    assert_eq!(claimed.claimed_by, Some((coder.id, "coder".to_owned())));
    let comment = Some("see page 2".to_owned());
    let reject = decision(item, &coder, DecisionKind::Reject { reason: "negated".to_owned(), comment });
    let accept = decision(item, &coder, DecisionKind::Accept { bulk: false });
    let decisions = vec![reject, accept];
    let done = store.decide(item, &coder, decisions.clone(), Some(revision), at(3)).await.expect("answers");
    assert_eq!(done, ItemChange::Done { revision: revision + 1 });
    let later = decision(item, &coder, DecisionKind::Withdraw {});
    store.decide(item, &coder, vec![later.clone()], None, at(4)).await.expect("answers");
    let record = store.item(item, at(5)).await.expect("reads").expect("is there");
    assert_eq!(record.decisions, [decisions, vec![later]].concat());
    let done = store.finish_item(item, &coder, Finishing::at(Some(revision + 2)), at(6)).await.expect("answers");
    assert_eq!(done, ItemChange::Done { revision: revision + 3 });
    let finished = store.item(item, at(7)).await.expect("reads").expect("is there").item;
    assert_eq!((finished.state, finished.claimed_by, finished.claimed_until), (ItemState::Finished, None, None));
    for refused in [
        store.claim_item(item, &coder, MINUTE, at(8)).await,
        store.move_item(item, &coder, moving(Act::Release), at(8)).await,
        store.decide(item, &coder, Vec::new(), None, at(8)).await,
        store.finish_item(item, &coder, Finishing::at(None), at(8)).await,
    ] {
        assert_eq!(refused.expect("answers"), ItemChange::Finished);
    }
    let words: Vec<_> = store.audit_events(0, 100).await.expect("reads").into_iter().map(|event| event.action).collect();
    let expected = [
        "note.stored",
        "extraction.recorded",
        "user.created",
        "item.claimed",
        "entry.decided",
        "entry.decided",
        "entry.decided",
        "item.finished",
    ];
    assert_eq!(words, expected);
}

pub(crate) async fn one_holder_at_a_time(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let other = user(&*store, "other", Role::Coder).await;
    claim(&*store, item, &coder, 0).await;
    let held = ItemChange::HeldBy { name: "coder".to_owned(), until: at(60) };
    let accept = decision(item, &other, DecisionKind::Accept { bulk: false });
    for refused in [
        store.claim_item(item, &other, MINUTE, at(59)).await,
        store.move_item(item, &other, moving(Act::Release), at(59)).await,
        store.decide(item, &other, vec![accept], None, at(59)).await,
        store.finish_item(item, &other, Finishing::at(None), at(59)).await,
    ] {
        assert_eq!(refused.expect("answers"), held);
    }
    assert!(matches!(
        store.move_item(item, &coder, moving(Act::Release), at(59)).await.expect("answers"),
        ItemChange::Done { .. }
    ));
    claim(&*store, item, &other, 59).await;
}

pub(crate) async fn an_expired_claim_is_open(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let other = user(&*store, "other", Role::Coder).await;
    claim(&*store, item, &coder, 0).await;
    let open = ItemFilter { worklist: in_state(ItemState::Open), limit: 10, ..ItemFilter::default() };
    let claimed = ItemFilter { worklist: in_state(ItemState::Claimed), ..open.clone() };
    for (seconds, in_open, in_claimed) in [(59, 0, 1), (60, 1, 0)] {
        assert_eq!(store.items(open.clone(), at(seconds)).await.expect("lists").len(), in_open, "open at {seconds}");
        assert_eq!(store.items(claimed.clone(), at(seconds)).await.expect("lists").len(), in_claimed, "claimed at {seconds}");
    }
    let listed = store.items(open, at(60)).await.expect("lists").remove(0);
    assert_eq!((listed.state, listed.claimed_by, listed.claimed_until), (ItemState::Open, None, None));
    assert_eq!(store.finish_item(item, &coder, Finishing::at(None), at(60)).await.expect("answers"), ItemChange::NotHeld);
    claim(&*store, item, &other, 60).await;
}

pub(crate) async fn renewing_keeps_the_revision(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let revision = claim(&*store, item, &coder, 0).await;
    assert_eq!(claim(&*store, item, &coder, 30).await, revision);
    let until = store.item(item, at(80)).await.expect("reads").expect("is there").item.claimed_until;
    assert_eq!(until, Some(at(90)));
}

pub(crate) async fn changes_need_the_claim(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let accept = decision(item, &coder, DecisionKind::Accept { bulk: false });
    for (refused, expected) in [
        (store.decide(item, &coder, vec![accept.clone()], None, at(1)).await, ItemChange::NotHeld),
        (store.move_item(item, &coder, moving(Act::Release), at(1)).await, ItemChange::NotHeld),
        (store.finish_item(item, &coder, Finishing::at(None), at(1)).await, ItemChange::NotHeld),
        (store.claim_item(id(), &coder, MINUTE, at(1)).await, ItemChange::Missing),
        (store.decide(id(), &coder, vec![accept], None, at(1)).await, ItemChange::Missing),
    ] {
        assert_eq!(refused.expect("answers"), expected);
    }
    assert!(store.item(id(), at(1)).await.expect("reads").is_none());
}

pub(crate) async fn a_stale_revision_changes_nothing(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let revision = claim(&*store, item, &coder, 0).await;
    let accept = || vec![decision(item, &coder, DecisionKind::Accept { bulk: false })];
    store.decide(item, &coder, accept(), Some(revision), at(1)).await.expect("answers");
    let stale = ItemChange::Stale { revision: revision + 1 };
    assert_eq!(store.decide(item, &coder, accept(), Some(revision), at(2)).await.expect("answers"), stale);
    let overridden =
        |revision: u64| Finishing { overridden: Some("1 hard edit: word".to_owned()), ..Finishing::at(Some(revision)) };
    let overrides = || async {
        let events = store.audit_events(0, 100).await.expect("reads");
        events.into_iter().filter(|event| event.action == "edits.overridden").map(|event| event.detail).collect::<Vec<_>>()
    };
    assert_eq!(store.finish_item(item, &coder, overridden(revision), at(2)).await.expect("answers"), stale);
    assert!(overrides().await.is_empty(), "what did not finish overrode nothing");
    assert_eq!(store.item(item, at(3)).await.expect("reads").expect("is there").decisions.len(), 1);
    let done = store.finish_item(item, &coder, overridden(revision + 1), at(4)).await.expect("answers");
    assert!(matches!(done, ItemChange::Done { .. }), "{done:?}");
    assert_eq!(overrides().await, ["1 hard edit: word"], "in the transaction that finishes");
    let told = store.item(item, at(5)).await.expect("reads").expect("is there").overrides;
    let told: Vec<_> = told.iter().map(|event| (event.actor.name.as_str(), event.at, event.detail.as_str())).collect();
    assert_eq!(told, [("coder", at(4), "1 hard edit: word")], "and told with the item");
}

pub(crate) async fn decisions_are_all_or_nothing(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let revision = claim(&*store, item, &coder, 0).await;
    let good = decision(item, &coder, DecisionKind::Accept { bulk: false });
    let elsewhere = decision(id(), &coder, DecisionKind::Accept { bulk: false });
    let failed = store.decide(item, &coder, vec![good.clone(), elsewhere], None, at(1)).await;
    assert!(matches!(failed, Err(StoreError::Inconsistent { table: "decision", .. })), "{failed:?}");
    assert!(store.decide(item, &coder, vec![good.clone(), good], None, at(1)).await.is_err(), "one id, two decisions");
    let record = store.item(item, at(2)).await.expect("reads").expect("is there");
    assert_eq!((record.decisions.len(), record.item.revision), (0, revision));
    assert!(store.audit_events(0, 100).await.expect("reads").iter().all(|event| event.action != "entry.decided"));
}

pub(crate) async fn finishing_waits_for_extraction(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    post(&*store, of_encounter("e", Some("p"), "b"), 1).await;
    claim(&*store, item, &coder, 2).await;
    let pending = store.finish_item(item, &coder, Finishing::at(None), at(3)).await.expect("answers");
    assert_eq!(pending, ItemChange::Pending { notes: 1 });
    extract_all(&*store, 4).await;
    assert!(matches!(
        store.finish_item(item, &coder, Finishing::at(None), at(5)).await.expect("answers"),
        ItemChange::Done { .. }
    ));
}

pub(crate) async fn a_new_note_reopens(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    claim(&*store, item, &coder, 0).await;
    post(&*store, of_encounter("e", Some("p"), "b"), 1).await;
    let during = store.item(item, at(2)).await.expect("reads").expect("is there").item;
    assert_eq!(during.state, ItemState::Claimed, "the coder keeps the claim");
    extract_all(&*store, 2).await;
    let ItemChange::Done { revision } = store.finish_item(item, &coder, Finishing::at(None), at(3)).await.expect("answers")
    else {
        panic!()
    };
    let restricted = NewNote { confidentiality: Confidentiality::Restricted, ..of_encounter("e", Some("p"), "c") };
    post(&*store, restricted, 4).await;
    let after = store.item(item, at(5)).await.expect("reads").expect("is there").item;
    assert_eq!((after.state, after.revision, after.pending_notes, after.restricted), (ItemState::Open, revision + 1, 1, true));
    assert!(store.audit_events(0, 100).await.expect("reads").iter().any(|event| event.action == "item.reopened"));
}

pub(crate) async fn a_lead_puts_items_back(store: Arc<dyn Store>) {
    let (item, coder) = ready(&*store).await;
    let lead = user(&*store, "lead", Role::Lead).await;
    let because = |reason: &str, revision| Movement { reason: Some(reason.to_owned()), revision, ..moving(Act::Reopen) };
    let reopen = async |second| store.move_item(item, &lead, because("coding_error", None), at(second)).await.expect("answers");
    let now = async |second| store.item(item, at(second)).await.expect("reads").expect("is there");
    let ItemChange::Done { revision: open } = reopen(1).await else { panic!("an open one") };
    assert_eq!(now(1).await.item.revision, open, "nothing changed");

    claim(&*store, item, &coder, 2).await;
    let accept = decision(item, &coder, DecisionKind::Accept { bulk: false });
    assert!(matches!(store.decide(item, &coder, vec![accept], None, at(3)).await.expect("answers"), ItemChange::Done { .. }));
    assert!(matches!(reopen(4).await, ItemChange::Done { .. }));
    let back = now(5).await;
    assert_eq!((back.item.state, back.item.claimed_by, back.decisions.len()), (ItemState::Open, None, 1));
    let lost = store.finish_item(item, &coder, Finishing::at(None), at(5)).await.expect("answers");
    assert_eq!(lost, ItemChange::NotHeld);

    claim(&*store, item, &coder, 6).await;
    extract_all(&*store, 6).await;
    assert!(matches!(
        store.finish_item(item, &coder, Finishing::at(None), at(7)).await.expect("answers"),
        ItemChange::Done { .. }
    ));
    assert!(matches!(reopen(8).await, ItemChange::Done { .. }));
    let back = now(9).await;
    assert_eq!((back.item.state, back.decisions.len()), (ItemState::Open, 1));
    let stale = store.move_item(item, &lead, because("other", Some(open)), at(9)).await.expect("answers");
    assert_eq!(stale, ItemChange::Stale { revision: back.item.revision }, "it is no more what the lead saw");
    let nowhere = store.move_item(id(), &lead, because("other", None), at(9)).await.expect("answers");
    assert_eq!(nowhere, ItemChange::Missing);
    let events = store.audit_events(0, 1000).await.expect("reads");
    let reopened: Vec<_> = events.iter().filter(|event| event.action == "item.reopened").collect();
    assert_eq!(reopened.len(), 2);
    assert!(reopened.iter().all(|event| event.actor.name == lead.name && event.detail.starts_with("coding_error")));
    assert!(reopened[0].detail.contains(&coder.name), "whose claim it was");
}

pub(crate) async fn the_list_is_filtered_and_paged(store: Arc<dyn Store>) {
    let place = |facility: &str, department: &str, label| NewNote {
        facility: Some(facility.to_owned()),
        department: Some(department.to_owned()),
        confidentiality: label,
        ..text("a")
    };
    // Two at one instant, so that the id decides.
    post(&*store, place("north", "icu", Confidentiality::Normal), 0).await;
    post(&*store, place("north", "ed", Confidentiality::Normal), 0).await;
    post(&*store, place("south", "ed", Confidentiality::Normal), 1).await;
    post(&*store, place("north", "icu", Confidentiality::Restricted), 2).await;
    let all = ItemFilter { include_restricted: true, limit: 100, ..ItemFilter::default() };
    let some = |word: &str| Some(word.to_owned());
    for (name, filter, expected) in [
        ("all", all.clone(), 4),
        ("not restricted", ItemFilter { include_restricted: false, ..all.clone() }, 3),
        ("north", ItemFilter { facility: some("north"), ..all.clone() }, 3),
        ("north ed", ItemFilter { facility: some("north"), department: some("ed"), ..all.clone() }, 1),
        ("finished", ItemFilter { worklist: in_state(ItemState::Finished), ..all.clone() }, 0),
        ("limit", ItemFilter { limit: 2, ..all.clone() }, 2),
    ] {
        assert_eq!(store.items(filter, at(3)).await.expect("lists").len(), expected, "{name}");
    }
    let whole: Vec<_> = store.items(all.clone(), at(3)).await.expect("lists").into_iter().map(|item| item.id).collect();
    let (mut paged, mut after) = (Vec::new(), None);
    while let Some(item) = store.items(ItemFilter { after, limit: 1, ..all.clone() }, at(3)).await.expect("lists").pop() {
        paged.push(item.id);
        after = Some(ListEnd::of(WorklistOrder::Oldest, &item, at(3)));
    }
    assert_eq!(paged, whole);
}
