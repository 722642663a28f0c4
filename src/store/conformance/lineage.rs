//! Documents: versions, addenda, replacements, retractions, and the sender's word for a request.

use std::sync::Arc;

use uuid::Uuid;

use super::{MINUTE, at, extract_all, id, identified, item_of, of_encounter, post, text, user};
use crate::{
    domain::{ItemState, NewNote, Patient, RelatedNote, Relation, Role, Standing},
    store::{Actor, AddNote, Finishing, IdempotencyKey, ItemChange, NoteKey, Posting, Store, Unversioned},
};

async fn standing(store: &dyn Store, note: Uuid) -> Standing {
    store.note(note).await.expect("reads").expect("is there").standing
}

/// A version as its sender made it `made` seconds after the beginning.
fn made(made: i64, words: &str) -> Posting {
    let note = NewNote { versioned_at: Some(at(made)), ..identified("d", None, words) };
    Posting { unversioned: Unversioned::Next, ..note.into() }
}

async fn add(store: &dyn Store, posting: Posting, seconds: i64) -> AddNote {
    store.add_note(id(), posting, Actor::service(), at(seconds)).await.expect("stores")
}

async fn added(store: &dyn Store, posting: Posting, seconds: i64) -> Uuid {
    match add(store, posting, seconds).await {
        AddNote::Created { id } => id,
        other => panic!("not new: {other:?}"),
    }
}

fn related(relation: Relation, external_id: &str, to: &str, words: &str) -> NewNote {
    let related = Some(RelatedNote { relation, external_id: to.to_owned() });
    NewNote { related, ..identified(external_id, None, words) }
}

fn document(external_id: &str) -> NoteKey {
    NoteKey::Document { source: "emr".to_owned(), external_id: external_id.to_owned() }
}

pub(crate) async fn the_newest_version_counts(store: Arc<dyn Store>) {
    let one = post(&*store, identified("d", Some("1"), "a"), 0).await;
    assert_eq!(standing(&*store, one).await, Standing::Current);
    let three = post(&*store, identified("d", Some("3"), "c"), 1).await;
    let two = post(&*store, identified("d", Some("2"), "b"), 2).await;
    let ten = post(&*store, identified("d", Some("10"), "d"), 3).await;
    for (note, expected) in
        [(one, Standing::Replaced), (two, Standing::Replaced), (three, Standing::Replaced), (ten, Standing::Current)]
    {
        assert_eq!(standing(&*store, note).await, expected);
    }
    // words are no order: what arrived last counts
    let a = post(&*store, identified("e", Some("draft"), "a"), 0).await;
    let b = post(&*store, identified("e", Some("amended"), "b"), 1).await;
    assert_eq!((standing(&*store, a).await, standing(&*store, b).await), (Standing::Replaced, Standing::Current));
    let record = item_of(&*store, ten, 4).await;
    assert_eq!(record.item.notes.len(), 4, "versions without an encounter share the item of their document");
    assert_eq!(record.current_notes().map(|(note, _)| note.id).collect::<Vec<_>>(), [ten]);
    assert_eq!(record.item.pending_notes, 1, "what does not count is not waited for");
}

pub(crate) async fn versions_count_in_the_order_they_were_made(store: Arc<dyn Store>) {
    let later = added(&*store, made(60, "second"), 100).await;
    let earlier = added(&*store, made(0, "first"), 101).await;
    assert_eq!(standing(&*store, later).await, Standing::Current);
    assert_eq!(standing(&*store, earlier).await, Standing::Replaced);
    assert_eq!(add(&*store, made(0, "first"), 102).await, AddNote::Existing { id: earlier }, "the same message again");
    let back = added(&*store, made(120, "first"), 103).await;
    assert_eq!(standing(&*store, back).await, Standing::Current, "an earlier text that comes back is a version");
    assert_eq!(standing(&*store, later).await, Standing::Replaced);
    let mut words = Vec::new();
    for note in [later, earlier, back] {
        words.push(store.note(note).await.expect("reads").expect("is there").content.version);
    }
    assert_eq!(words, [None, Some("2".to_owned()), Some("3".to_owned())]);
}

pub(crate) async fn an_addendum_joins_and_both_count(store: Arc<dyn Store>) {
    let first = post(&*store, identified("d", None, "a"), 0).await;
    let addendum = post(&*store, related(Relation::Appends, "d2", "d", "b"), 1).await;
    assert_eq!((standing(&*store, first).await, standing(&*store, addendum).await), (Standing::Current, Standing::Current));
    assert_eq!(item_of(&*store, first, 2).await.item.notes, [first, addendum]);
    // an addendum may arrive before its document
    let early = post(&*store, related(Relation::Appends, "f2", "f", "b"), 3).await;
    let late = post(&*store, identified("f", None, "a"), 4).await;
    assert_eq!(item_of(&*store, late, 5).await.item.notes, [early, late]);
    // but it never joins another patient's item
    let patient = |number: &str, note: NewNote| NewNote {
        patient: Some(Patient { id: number.to_owned(), ..Patient::default() }),
        ..note
    };
    let theirs = post(&*store, patient("p", identified("g", None, "a")), 6).await;
    let mine = post(&*store, patient("q", related(Relation::Appends, "g2", "g", "b")), 7).await;
    assert_ne!(item_of(&*store, theirs, 8).await.item.id, item_of(&*store, mine, 8).await.item.id);
}

pub(crate) async fn a_replacement_stands_in_its_place(store: Arc<dyn Store>) {
    let first = post(&*store, identified("d", None, "a"), 0).await;
    let second = post(&*store, related(Relation::Replaces, "d2", "d", "b"), 1).await;
    assert_eq!((standing(&*store, first).await, standing(&*store, second).await), (Standing::Replaced, Standing::Current));
    // the replaced one may arrive late
    let early = post(&*store, related(Relation::Replaces, "f2", "f", "b"), 2).await;
    let late = post(&*store, identified("f", None, "a"), 3).await;
    assert_eq!((standing(&*store, early).await, standing(&*store, late).await), (Standing::Current, Standing::Replaced));
}

pub(crate) async fn a_replaced_note_leaves_its_item(store: Arc<dyn Store>) {
    let wrong = NewNote { external_id: Some("d".to_owned()), version: Some("1".to_owned()), ..of_encounter("e1", None, "a") };
    let right = NewNote { version: Some("2".to_owned()), encounter: Some("e2".to_owned()), ..wrong.clone() };
    let (wrong, right) = (post(&*store, wrong, 0).await, post(&*store, right, 1).await);
    let (left, joined) = (item_of(&*store, wrong, 2).await.item, item_of(&*store, right, 2).await.item);
    assert_ne!(left.id, joined.id);
    assert_eq!((left.state, joined.state), (ItemState::Finished, ItemState::Open), "nothing is left to review there");
}

pub(crate) async fn a_retraction_closes_the_item(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let one = post(&*store, identified("d", Some("1"), "a"), 0).await;
    let two = post(&*store, identified("d", Some("2"), "b"), 1).await;
    let item = item_of(&*store, two, 2).await.item.id;
    store.claim_item(item, &coder, MINUTE, at(2)).await.expect("claims");
    let taken = store.retract_note(document("d"), at(3), Actor::service(), at(3)).await.expect("retracts");
    assert_eq!(taken.map(|mut taken| (taken.sort_unstable(), taken).1), Some(vec![one, two]));
    let record = store.item(item, at(4)).await.expect("reads").expect("is there");
    assert_eq!((record.item.state, &record.item.claimed_by, record.item.pending_notes), (ItemState::Finished, &None, 0));
    assert_eq!(record.current_notes().count(), 0);
    let again = store.retract_note(document("d"), at(5), Actor::service(), at(5)).await.expect("retracts");
    assert_eq!(again, Some(Vec::new()), "again changes nothing");
    assert_eq!(store.retract_note(document("x"), at(5), Actor::service(), at(5)).await.expect("answers"), None);
    assert_eq!(store.retract_note(NoteKey::Id(id()), at(5), Actor::service(), at(5)).await.expect("answers"), None);
    // a version made before the retraction stays retracted, one made after it counts
    let late = NewNote { versioned_at: Some(at(2)), ..identified("d", Some("1.5"), "c") };
    let late = post(&*store, late, 6).await;
    assert_eq!(standing(&*store, late).await, Standing::Retracted);
    assert_eq!(store.item(item, at(6)).await.expect("reads").expect("is there").item.state, ItemState::Finished);
    let new = post(&*store, identified("d", Some("3"), "d"), 7).await;
    assert_eq!(standing(&*store, new).await, Standing::Current);
    assert_eq!(store.item(item, at(8)).await.expect("reads").expect("is there").item.state, ItemState::Open);
    let actions: Vec<String> = store.audit_events(0, 100).await.expect("reads").into_iter().map(|event| event.action).collect();
    for action in ["note.replaced", "note.retracted", "item.closed", "item.reopened"] {
        assert!(actions.iter().any(|found| found == action), "{action}: {actions:?}");
    }
}

pub(crate) async fn a_retraction_reopens_what_is_left(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let kept = post(&*store, of_encounter("e", None, "a"), 0).await;
    let wrong = post(&*store, of_encounter("e", None, "b"), 1).await;
    extract_all(&*store, 2).await;
    let item = item_of(&*store, kept, 3).await.item.id;
    store.claim_item(item, &coder, MINUTE, at(3)).await.expect("claims");
    let done = store.finish_item(item, &coder, Finishing::at(None), at(4)).await.expect("finishes");
    assert!(matches!(done, ItemChange::Done { .. }));
    let taken = store.retract_note(NoteKey::Id(wrong), at(5), Actor::service(), at(5)).await.expect("retracts");
    assert_eq!(taken, Some(vec![wrong]));
    let record = store.item(item, at(6)).await.expect("reads").expect("is there");
    assert_eq!(record.item.state, ItemState::Open);
    assert_eq!(record.current_notes().map(|(note, _)| note.id).collect::<Vec<_>>(), [kept]);
}

pub(crate) async fn a_word_for_a_request(store: Arc<dyn Store>) {
    let keyed = |owner: &str, key: &str, body: u8, note: NewNote| Posting {
        key: Some(IdempotencyKey { owner: owner.to_owned(), key: key.to_owned(), body: [body; 32] }),
        ..note.into()
    };
    let first = added(&*store, keyed("token", "k", 1, text("a")), 0).await;
    assert_eq!(add(&*store, keyed("token", "k", 1, text("a")), 1).await, AddNote::Existing { id: first });
    assert_eq!(add(&*store, keyed("token", "k", 2, text("b")), 1).await, AddNote::KeyConflict { id: first });
    let other = added(&*store, keyed("another", "k", 2, text("b")), 1).await;
    assert_ne!(first, other, "a word is the token's own");
    let week = 7 * 24 * 3600;
    assert_eq!(add(&*store, keyed("token", "k", 1, text("a")), week).await, AddNote::Existing { id: first });
    added(&*store, keyed("token", "k", 2, text("b")), week + 1).await;
}

pub(crate) async fn a_word_sent_at_once_makes_one_note(store: Arc<dyn Store>) {
    let posts: Vec<_> = (0..200)
        .map(|_| {
            let store = Arc::clone(&store);
            let key = Some(IdempotencyKey { owner: "token".to_owned(), key: "k".to_owned(), body: [1; 32] });
            let posting = Posting { key, ..text("same").into() };
            tokio::spawn(async move { store.add_note(id(), posting, Actor::service(), at(0)).await.expect("stores") })
        })
        .collect();
    let mut created = 0;
    for post in posts {
        created += usize::from(matches!(post.await.expect("runs"), AddNote::Created { .. }));
    }
    assert_eq!((created, store.counts(at(0)).await.expect("counts").notes), (1, 1));
}
