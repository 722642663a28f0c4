//! Purges and their tombstones, holds, what is due, a merge that is taken back, leases and site keys in use.

use std::sync::Arc;

use jiff::{SignedDuration, civil::date};
use uuid::Uuid;

use super::{MINUTE, at, extract_all, id, identified, item_of, messages::message, of_encounter, post, queries, text, user};
use crate::{
    domain::{Decision, DecisionKind, NewNote, Patient, Role, Standing, User},
    store::{
        Actor, AddNote, Finishing, HoldChange, IdempotencyKey, ItemChange, ItemPurge, KnownMessage, LegalHold, Named,
        NoteSearch, Part, PatientMerge, PatientNumber, Posting, Proof, Purged, Remaining, RetentionRule, Store, Subject,
        Versions,
    },
};

fn whole(item: Uuid) -> ItemPurge {
    ItemPurge { item, part: None, reason: "objection".to_owned() }
}

async fn purge(store: &dyn Store, purge: ItemPurge, seconds: i64) -> Purged {
    store.purge_item(purge, Actor::service(), at(seconds)).await.expect("answers")
}

fn decision(item: Uuid, entry: Uuid, user: &User, kind: DecisionKind) -> Decision {
    let (user_id, user_name) = (user.id, user.name.clone());
    Decision { id: id(), item_id: item, entry_id: entry, user_id, user_name, at: at(3), kind, evidence: Vec::new() }
}

fn hold(subject: Subject, seconds: i64) -> LegalHold {
    LegalHold { id: id(), subject, reason: "case-1".to_owned(), actor: "service".to_owned(), at: at(seconds), released: None }
}

async fn actions(store: &dyn Store, action: &str) -> Vec<(Option<Uuid>, String)> {
    let events = store.audit_events(0, 1000).await.expect("reads");
    events.into_iter().filter(|event| event.action == action).map(|event| (event.subject_id, event.detail)).collect()
}

pub(crate) async fn a_purged_encounter_leaves_tombstones_alone(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let word = IdempotencyKey { owner: "token".to_owned(), key: "once".to_owned(), body: [7; 32] };
    let note = NewNote {
        external_id: Some("doc".to_owned()),
        author: Some("Dr. Roe".to_owned()),
        note_type: Some("progress_note".to_owned()),
        service_date: Some(date(2026, 1, 2)),
        ..of_encounter("e", Some("p"), "gone")
    };
    let posting = Posting { key: Some(word.clone()), ..note.clone().into() };
    let AddNote::Created { id: first } = store.add_note(id(), posting, Actor::service(), at(0)).await.expect("stores") else {
        panic!("it is new")
    };
    extract_all(&*store, 1).await;
    let item = item_of(&*store, first, 2).await.item;
    let mut brought = message(&*store, Some("C1"), "brought it", None).await;
    brought.outcome.note_id = Some(first);
    store.add_message(brought.clone(), Actor::service()).await.expect("keeps");
    store.claim_item(item.id, &coder, MINUTE, at(3)).await.expect("claims");
    let said =
        decision(item.id, id(), &coder, DecisionKind::Reject { reason: "other".to_owned(), comment: Some("why".to_owned()) });
    store.decide(item.id, &coder, vec![said], None, at(3)).await.expect("decides");
    store.add_query(queries::draft(item.id, first, &coder), &coder, at(3)).await.expect("drafts");
    store.remark(item.id, &coder, id(), "a remark".to_owned(), at(3)).await.expect("remarks");
    store.break_glass(super::access::access(&coder, item.id, 3)).await.expect("is kept");
    let patient = item.patient_id.expect("has a patient");
    let other = post(&*store, of_encounter("other", Some("q"), "stays"), 4).await;

    let extent = store.purge_extent(Subject::Encounter(item.id), Versions::All).await.expect("reads").expect("is there");
    assert_eq!((extent.items.len(), extent.items[0].notes.clone(), extent.items[0].is_whole), (1, vec![first], true));
    assert_eq!(purge(&*store, whole(item.id), 5).await, Purged::Done { notes: 1 });
    assert_eq!(purge(&*store, whole(item.id), 6).await, Purged::Missing);
    store.settle_purge().await.expect("settles");

    let left = store.note(first).await.expect("reads").expect("its row is there");
    let purged = left.purged.expect("is purged");
    assert_eq!((purged.at, purged.reason.as_str()), (at(5), "objection"));
    let bare = NewNote { text: String::new(), source: "emr".to_owned(), ..NewNote::default() };
    assert_eq!((left.content, left.standing), (bare, Standing::Retracted));
    assert_eq!(store.extraction(first).await.expect("reads"), None);
    let record = store.item(item.id, at(7)).await.expect("reads").expect("its row is there");
    assert!(record.decisions.is_empty() && record.remarks.is_empty() && record.item.encounter.is_none());
    assert_eq!((record.item.patient, record.item.notes), (None, vec![first]));
    assert!(store.queries(item.id).await.expect("reads").is_empty());
    let accesses = store.broken_glasses(10).await.expect("lists");
    assert_eq!(accesses.iter().map(|access| (access.item_id, access.words.as_str())).collect::<Vec<_>>(), [(item.id, "")]);
    assert_eq!(store.claim_item(item.id, &coder, MINUTE, at(7)).await.expect("answers"), ItemChange::Missing);
    // with the last encounter the patient went
    assert_eq!(store.patient_record(patient).await.expect("reads"), None);
    assert_eq!(store.message(brought.id).await.expect("reads"), None);
    let known = store.known_message("emr", brought.identity.expect("has one"), b"brought it").await.expect("reads");
    assert!(matches!(known, KnownMessage::New));
    // nothing of equality is left: the same is new everywhere
    let number = PatientNumber { system: None, number: "p".to_owned(), id: None };
    for search in [
        NoteSearch { patient: Some(number), include_restricted: true, ..NoteSearch::default() },
        NoteSearch { encounter: Some("e".to_owned()), include_restricted: true, ..NoteSearch::default() },
        NoteSearch { external_id: Some("doc".to_owned()), include_restricted: true, ..NoteSearch::default() },
    ] {
        assert!(store.find_notes(search, None, 10).await.expect("searches").is_empty());
    }
    assert_eq!(store.counts(at(8)).await.expect("counts").notes, 1, "a purged note is not counted");
    let again =
        store.add_note(id(), Posting { key: Some(word), ..note.into() }, Actor::service(), at(9)).await.expect("stores");
    let AddNote::Created { id: again } = again else { panic!("it is new: {again:?}") };
    assert_ne!(item_of(&*store, again, 10).await.item.id, item.id);
    assert_eq!(store.note(other).await.expect("reads").expect("is there").content.text, "stays");

    for (action, subject) in [("note.purged", first), ("item.purged", item.id), ("patient.purged", patient)] {
        assert_eq!(actions(&*store, action).await, [(Some(subject), "objection".to_owned())], "{action}");
    }
    let Proof { gone, closed, open } = store.prove().await.expect("proves");
    assert!(gone >= 9 && closed == 0 && open.is_empty(), "{gone} {closed} {open:?}");
    extract_all(&*store, 11).await;
    let checked = store.check().await.expect("checks");
    assert_eq!(checked.problems, [""; 0]);
}

pub(crate) async fn an_encounter_that_goes_on_keeps_what_rests_on_other_notes(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let kept = post(&*store, of_encounter("e", Some("p"), "stays"), 0).await;
    let going = post(&*store, of_encounter("e", Some("p"), "goes"), 1).await;
    extract_all(&*store, 2).await;
    let item = item_of(&*store, kept, 2).await.item.id;
    store.remark(item, &coder, id(), "before it came".to_owned(), at(0)).await.expect("remarks");
    store.claim_item(item, &coder, MINUTE, at(3)).await.expect("claims");
    let (said, unsaid) = (id(), id());
    let accept = || DecisionKind::Accept { bulk: false };
    let mut both = decision(item, said, &coder, accept());
    both.evidence = vec!["of the rest".to_owned(), "of the note".to_owned()];
    let mut alone = decision(item, said, &coder, accept());
    alone.evidence = vec!["of the note".to_owned()];
    let gone = decision(item, unsaid, &coder, accept());
    let add = |note: Uuid| DecisionKind::Add {
        kind: crate::domain::EntryKind::Diagnosis,
        display: "Gout".to_owned(),
        codes: Vec::new(),
        assertion: None,
        status: None,
        note_id: Some(note),
        start: Some(0),
        end: Some(1),
        comment: None,
    };
    let (added, dropped) = (decision(item, id(), &coder, add(kept)), decision(item, id(), &coder, add(going)));
    let on_added = decision(item, added.entry_id, &coder, accept());
    let all = vec![both.clone(), alone, gone, added.clone(), dropped, on_added.clone()];
    store.decide(item, &coder, all, None, at(3)).await.expect("decides");
    let asked = queries::draft(item, going, &coder);
    store.add_query(asked.clone(), &coder, at(3)).await.expect("drafts");
    let mut about_rest = queries::draft(item, kept, &coder);
    about_rest.content.entry_id = None;
    store.add_query(about_rest.clone(), &coder, at(3)).await.expect("drafts");
    store.remark(item, &coder, id(), "since it came".to_owned(), at(4)).await.expect("remarks");

    let remaining = Remaining { entries: [said].into(), evidence: ["of the rest".to_owned()].into() };
    let revision = item_of(&*store, kept, 5).await.item.revision;
    let part = |revision| Part { notes: vec![going], revision, remaining: remaining.clone() };
    let of_notes = |part| ItemPurge { part: Some(part), ..whole(item) };
    assert_eq!(
        purge(&*store, of_notes(part(revision + 1)), 5).await,
        Purged::Changed,
        "the rest was worked out of another state"
    );
    assert_eq!(purge(&*store, of_notes(part(revision)), 5).await, Purged::Done { notes: 1 });
    assert_eq!(purge(&*store, of_notes(part(revision)), 5).await, Purged::Missing);

    let record = item_of(&*store, kept, 6).await;
    both.evidence.pop();
    assert_eq!(record.decisions, [both, added, on_added]);
    let comments: Vec<Option<&str>> = record.remarks.iter().map(|remark| remark.comment.as_deref()).collect();
    assert_eq!(comments, [Some("before it came"), None]);
    let asked: Vec<Uuid> = store.queries(item).await.expect("reads").iter().map(|query| query.id).collect();
    assert_eq!(asked, [about_rest.id]);
    assert_eq!(record.item.revision, revision + 1);
    assert_eq!(store.note(kept).await.expect("reads").expect("is there").content.text, "stays");
    // what is decided later is sealed with the new key
    let later = decision(item, said, &coder, accept());
    let decided = store.decide(item, &coder, vec![later.clone()], None, at(7)).await.expect("answers");
    assert!(matches!(decided, ItemChange::Done { .. }));
    assert_eq!(item_of(&*store, kept, 8).await.decisions.last(), Some(&later));
    assert_eq!(store.prove().await.expect("proves").open, []);
    assert_eq!(actions(&*store, "item.resealed").await.len(), 1);
    assert_eq!(store.check().await.expect("checks").problems, [""; 0]);
}

pub(crate) async fn a_document_goes_with_its_versions(store: Arc<dyn Store>) {
    let first = post(&*store, identified("d", Some("1"), "one"), 0).await;
    let second = post(&*store, identified("d", Some("2"), "two"), 1).await;
    let note = Subject::Note(first);
    let named = Named::Note { source: "emr".to_owned(), external_id: "d".to_owned() };
    assert_eq!(store.find_subjects(named).await.expect("finds"), [Subject::Note(second)]);
    let all = store.purge_extent(note, Versions::All).await.expect("reads").expect("is there");
    assert_eq!((all.items[0].notes.clone(), all.items[0].is_whole), (vec![first, second], true));
    let this = store.purge_extent(note, Versions::This).await.expect("reads").expect("is there");
    assert_eq!((this.items[0].notes.clone(), this.items[0].is_whole), (vec![first], false));
    assert_eq!(store.purge_extent(Subject::Note(id()), Versions::All).await.expect("reads"), None);
}

pub(crate) async fn nothing_under_hold_is_purged(store: Arc<dyn Store>) {
    let note = post(&*store, of_encounter("e", Some("p"), "kept"), 0).await;
    let item = item_of(&*store, note, 1).await.item;
    let patient = item.patient_id.expect("has a patient");
    for (seconds, subject) in [(2, Subject::Patient(patient)), (3, Subject::Encounter(item.id)), (4, Subject::Note(note))] {
        let hold = hold(subject, seconds);
        assert_eq!(store.add_hold(hold.clone(), Actor::service()).await.expect("adds"), HoldChange::Done);
        assert_eq!(purge(&*store, whole(item.id), seconds).await, Purged::Held(vec![hold.clone()]), "{subject:?}");
        let extent = store.purge_extent(Subject::Note(note), Versions::All).await.expect("reads").expect("is there");
        assert_eq!(extent.holds, std::slice::from_ref(&hold));
        assert_eq!(store.release_hold(hold.id, Actor::service(), at(seconds)).await.expect("ends"), HoldChange::Done);
        assert_eq!(store.release_hold(hold.id, Actor::service(), at(seconds)).await.expect("answers"), HoldChange::TooLate);
    }
    let of_patient = hold(Subject::Patient(patient), 5);
    store.add_hold(of_patient.clone(), Actor::service()).await.expect("adds");
    let what = (Vec::new(), "erasure".to_owned());
    let held = store.purge_patient(patient, what.clone(), Actor::service(), at(5)).await.expect("answers");
    assert_eq!(held, Purged::Held(vec![of_patient.clone()]));
    store.release_hold(of_patient.id, Actor::service(), at(6)).await.expect("ends");
    let full = store.purge_patient(patient, what, Actor::service(), at(6)).await.expect("answers");
    assert_eq!(full, Purged::Changed, "a patient with notes goes after them");
    assert_eq!(purge(&*store, whole(item.id), 7).await, Purged::Done { notes: 1 });
    let (late, nobody) = (hold(Subject::Note(note), 8), hold(Subject::Note(id()), 8));
    assert_eq!(store.add_hold(late, Actor::service()).await.expect("answers"), HoldChange::TooLate);
    assert_eq!(store.add_hold(nobody, Actor::service()).await.expect("answers"), HoldChange::Missing);
    let holds = store.holds().await.expect("lists");
    assert!(holds.len() == 4 && holds.iter().all(|hold| hold.released.is_some()));
    assert_eq!((actions(&*store, "hold.added").await.len(), actions(&*store, "hold.released").await.len()), (4, 4));
}

pub(crate) async fn what_is_due_is_finished_and_not_held(store: Arc<dyn Store>) {
    let coder = user(&*store, "coder", Role::Coder).await;
    let dated = |encounter: &str, note_type: Option<&str>, day: Option<i8>| NewNote {
        note_type: note_type.map(str::to_owned),
        service_date: day.map(|day| date(2026, 1, day)),
        ..of_encounter(encounter, Some(encounter), "a")
    };
    let old = post(&*store, dated("old", None, Some(1)), 0).await;
    let discharged = post(&*store, NewNote { discharge_date: Some(date(2026, 3, 1)), ..dated("late", None, Some(1)) }, 1).await;
    let typed = post(&*store, dated("typed", Some("progress_note"), Some(2)), 2).await;
    let undated = post(&*store, dated("undated", None, None), 3).await;
    let open = post(&*store, dated("open", None, Some(1)), 4).await;
    let held = post(&*store, dated("held", None, Some(1)), 5).await;
    extract_all(&*store, 6).await;
    for note in [old, discharged, typed, undated, held] {
        let item = item_of(&*store, note, 7).await.item.id;
        store.claim_item(item, &coder, MINUTE, at(7)).await.expect("claims");
        store.finish_item(item, &coder, Finishing::at(None), at(8)).await.expect("finishes");
    }
    let patient = item_of(&*store, held, 9).await.item.patient_id.expect("has a patient");
    store.add_hold(hold(Subject::Patient(patient), 9), Actor::service()).await.expect("adds");
    let rule = |note_type: Option<&str>, arrival: i64| RetentionRule {
        note_type: note_type.map(str::to_owned),
        others: if note_type.is_some() { Vec::new() } else { vec!["progress_note".to_owned()] },
        day: date(2026, 2, 1),
        arrival: at(arrival),
    };
    let due = async |rule: RetentionRule, after: Uuid| store.due_notes(rule, after, 10).await.expect("looks");
    assert_eq!(due(rule(None, 0), Uuid::nil()).await, [old], "not {discharged}, {typed}, {undated}, {open}, {held}");
    assert_eq!(due(rule(None, 4), Uuid::nil()).await, [old, undated]);
    assert_eq!(due(rule(None, 4), old).await, [undated]);
    assert_eq!(due(rule(Some("progress_note"), 0), Uuid::nil()).await, [typed]);
    assert_eq!(due(rule(Some("operative_note"), 0), Uuid::nil()).await, Vec::<Uuid>::new());
    let item = item_of(&*store, old, 10).await.item.id;
    assert_eq!(purge(&*store, whole(item), 10).await, Purged::Done { notes: 1 });
    assert_eq!(due(rule(None, 0), Uuid::nil()).await, Vec::<Uuid>::new());
}

pub(crate) async fn a_merge_is_taken_back(store: Arc<dyn Store>) {
    let patient = |id: &str| Patient { id: id.to_owned(), ..Patient::default() };
    let named = |record: &str| Named::Patient { source: "emr".to_owned(), record: record.to_owned(), system: None };
    let unmerge = async |record: &str| store.unmerge_patient(named(record), Actor::service(), at(9)).await.expect("answers");
    let old = post(&*store, of_encounter("e", Some("old"), "a"), 0).await;
    let alone = post(&*store, NewNote { encounter: None, ..of_encounter("", Some("old"), "b") }, 1).await;
    let new = post(&*store, of_encounter("e", Some("new"), "c"), 2).await;
    assert_eq!(unmerge("old").await, None, "it is merged into none");
    let merge = PatientMerge { source: "emr".to_owned(), surviving: patient("new"), retired: patient("old") };
    store.merge_patients(id(), merge, Actor::service(), at(3)).await.expect("merges");
    // what comes under the old number later: its own encounter, and one that joins the survivor's
    let later = post(&*store, of_encounter("later", Some("old"), "d"), 4).await;
    let shared = post(&*store, of_encounter("e", Some("old"), "e"), 5).await;
    let survivor = item_of(&*store, new, 6).await.item.patient_id;
    assert_eq!(item_of(&*store, shared, 6).await.item.id, item_of(&*store, new, 6).await.item.id);
    let kept = hold(Subject::Patient(survivor.expect("has a patient")), 7);
    assert_eq!(store.add_hold(kept, Actor::service()).await.expect("adds"), HoldChange::Done);
    let back = unmerge("old").await.expect("is taken back");
    assert_eq!((back.notes, back.encounters, back.shared), (3, 3, 1));
    for (note, record) in [(old, "old"), (alone, "old"), (later, "old"), (new, "new"), (shared, "new")] {
        let item = item_of(&*store, note, 10).await.item;
        assert_eq!(item.patient.map(|patient| patient.id).as_deref(), Some(record));
        let note = store.note(note).await.expect("reads").expect("is there");
        assert_eq!(
            (note.patient_id == survivor, note.content.patient.map(|patient| patient.id)),
            (record == "new", Some(record.to_owned()))
        );
    }
    // what was held stays held on both sides
    for note in [old, new] {
        let item = item_of(&*store, note, 10).await.item.id;
        assert!(matches!(purge(&*store, whole(item), 10).await, Purged::Held(_)));
    }
    // both numbers find their own again
    let next = post(&*store, of_encounter("e", Some("old"), "f"), 11).await;
    assert_eq!(item_of(&*store, next, 12).await.item.id, item_of(&*store, old, 12).await.item.id);
    assert_eq!(unmerge("old").await, None);
    assert_eq!(unmerge("nobody").await, None);
    assert_eq!(actions(&*store, "patient.unmerged").await.len(), 1);
}

pub(crate) async fn what_is_kept_beside_notes_and_encounters_is_told(store: Arc<dyn Store>) {
    let (coder, kim) = (user(&*store, "coder", Role::Coder).await, user(&*store, "kim", Role::Coder).await);
    assert!(store.add_own_record("kim", ("emr", "p"), Actor::service(), at(0)).await.expect("adds"));
    let to = super::outbox::destination(&*store, "billing", &[crate::domain::EventKind::ReviewFinished]).await;
    let note = post(&*store, of_encounter("e", Some("p"), "one"), 0).await;
    let other = post(&*store, of_encounter("f", Some("q"), "another"), 0).await;
    extract_all(&*store, 1).await;
    let item = item_of(&*store, note, 2).await.item;
    let patient = item.patient_id.expect("has a patient");
    let mut brought = message(&*store, Some("C1"), "brought it", None).await;
    brought.outcome.note_id = Some(note);
    store.add_message(brought.clone(), Actor::service()).await.expect("keeps");
    let mut unrelated = message(&*store, Some("C2"), "brought the other", None).await;
    unrelated.outcome.note_id = Some(other);
    store.add_message(unrelated, Actor::service()).await.expect("keeps");
    store.see_notes(coder.id, item.id, vec![note], at(3)).await.expect("keeps");
    let access = super::access::access(&kim, item.id, 3);
    store.break_glass(access.clone()).await.expect("is kept");
    store.claim_item(item.id, &coder, MINUTE, at(4)).await.expect("claims");
    let outgoing = vec![crate::store::Outgoing { destination: to.id, body: "what is sent".to_owned() }];
    store.finish_item(item.id, &coder, Finishing { outgoing, ..Finishing::default() }, at(5)).await.expect("finishes");

    let record = store.patient_record(patient).await.expect("reads").expect("is there");
    assert_eq!((record.messages, record.users), (vec![brought.id], vec!["kim".to_owned()]));
    let of_note = store.beside_note(note).await.expect("reads");
    assert_eq!(of_note.seen, [("coder".to_owned(), at(3))]);
    let [extraction] = &of_note.extractions[..] else { panic!("one: {of_note:?}") };
    assert_eq!((extraction.is_live, extraction.at, &extraction.body["note_id"]), (true, at(1), &note.to_string().into()));
    let beside = store.beside_item(item.id).await.expect("reads");
    assert_eq!((beside.outcome, &beside.accesses[..]), (None, &[access][..]));
    let sent: Vec<Option<&str>> = beside.deliveries.iter().map(|(_, body)| body.as_deref()).collect();
    assert_eq!(sent, [Some("what is sent")]);
    super::outcomes::work_out(&*store, item.id).await;
    let outcome = store.beside_item(item.id).await.expect("reads").outcome.expect("is worked out");
    assert_eq!(outcome["item"], item.id.to_string());
    let of_other = store.beside_item(item_of(&*store, other, 6).await.item.id).await.expect("reads");
    assert_eq!(of_other, crate::store::BesideItem::default());

    assert_eq!(purge(&*store, whole(item.id), 7).await, Purged::Done { notes: 1 });
    assert_eq!(store.beside_note(note).await.expect("reads"), crate::store::BesideNote::default());
    let left = store.beside_item(item.id).await.expect("reads");
    assert!(left.outcome.is_none() && left.deliveries.iter().all(|(_, body)| body.is_none()), "{left:?}");
    assert!(left.accesses.iter().all(|access| access.words.is_empty()), "that there was one stays");
}

pub(crate) async fn one_process_has_a_lease(store: Arc<dyn Store>) {
    let (one, other) = (id(), id());
    let hour = SignedDuration::from_hours(1);
    let take =
        async |holder, seconds| store.take_lease("sweep", holder, at(seconds) + hour, at(seconds)).await.expect("answers");
    assert!(take(one, 0).await);
    assert!(!take(other, 10).await);
    assert!(take(one, 20).await, "its holder renews it");
    assert!(!take(other, 3605).await);
    assert!(take(other, 3620).await, "it ran out");
    assert!(!take(one, 3621).await);
    assert!(store.take_lease("another", one, at(9), at(8)).await.expect("answers"));
}

pub(crate) async fn site_keys_in_use_are_told(store: Arc<dyn Store>) {
    let note = post(&*store, of_encounter("e", Some("p"), "a"), 0).await;
    let before = store.wrapped_keys().await.expect("counts");
    let of = |table: &str| before.iter().filter(|wrapped| wrapped.table == table).map(|wrapped| wrapped.keys).sum::<u64>();
    assert_eq!([of("note"), of("patient"), of("encounter"), of("review_item"), of("site_secret")], [1; 5]);
    let holder = id();
    store.announce_keys(holder, at(10)).await.expect("tells");
    store.announce_keys(holder, at(20)).await.expect("tells");
    let [known] = &store.key_holders(at(15)).await.expect("lists")[..] else { panic!("one") };
    assert_eq!((known.id, known.seen_at, known.keys.clone()), (holder, at(20), vec![before[0].key.to_string()]));
    assert!(store.key_holders(at(21)).await.expect("lists").is_empty(), "it has ended");
    let item = item_of(&*store, note, 1).await.item.id;
    purge(&*store, whole(item), 2).await;
    let kept: Vec<&str> = store.wrapped_keys().await.expect("counts").iter().map(|wrapped| wrapped.table).collect();
    assert_eq!(kept, ["site_secret"], "a destroyed key is wrapped by none");
    let (mut place, mut changed) = (Some(crate::store::RewrapPlace::default()), 0);
    while let Some(from) = place {
        let (next, wrapped) = store.rewrap(from).await.expect("wraps");
        (place, changed) = (next, changed + wrapped);
    }
    assert_eq!(changed, 0, "everything is wrapped with the first key");
    assert_eq!(
        post(&*store, text("later"), 3).await,
        store
            .find_notes(NoteSearch { source: Some("emr".to_owned()), ..NoteSearch::default() }, None, 9)
            .await
            .expect("searches")[0]
            .id
    );
}
