//! Intake, identity, jobs and extractions.

use std::sync::Arc;

use jiff::civil::date;

use super::{
    MINUTE, at, claim_one, extract_all, extraction, id, identified, item_of, of_encounter, post, review::claim, text, user,
};
use crate::{
    domain::{
        Confidentiality, EncounterClass, ItemState, NewNote, NoteStatus, Patient, RelatedNote, Relation, Role, Sensitivity,
    },
    store::{Actor, AddNote, ClaimedJob, Counts, Finishing, ItemChange, JobFailure, Store},
};

pub(crate) async fn what_is_posted_is_read_back(store: Arc<dyn Store>) {
    let posted = NewNote {
        text: "No pneumonia.\r\nZoë: 37,5 °C \u{1F600}".to_owned(),
        source: "emr".to_owned(),
        external_id: Some("n-1".to_owned()),
        version: Some("2".to_owned()),
        versioned_at: Some(at(-60)),
        related: Some(RelatedNote { relation: Relation::Appends, external_id: "n-0".to_owned() }),
        patient: Some(Patient {
            id: "MRN 7".to_owned(),
            system: Some("urn:oid:2.999.1".to_owned()),
            name: Some("Doe, Jane".to_owned()),
            birth_date: Some(date(1950, 2, 28)),
            sex: Some("female".to_owned()),
        }),
        encounter: Some("e-1".to_owned()),
        encounter_class: Some(EncounterClass::Inpatient),
        note_type: Some("discharge_summary".to_owned()),
        service_date: Some(date(2026, 1, 31)),
        discharge_date: Some(date(2026, 2, 3)),
        author: Some("Dr. No".to_owned()),
        facility: Some("north".to_owned()),
        department: Some("icu".to_owned()),
        confidentiality: Confidentiality::Restricted,
        labels: [Sensitivity::Hiv, Sensitivity::Vip].into_iter().collect(),
        // these stand with the item
        priority: None,
        payer_class: None,
    };
    let note_id = post(&*store, posted.clone(), 5).await;
    let note = store.note(note_id).await.expect("reads").expect("is there");
    assert_eq!(note.id, note_id);
    assert!(note.content == posted, "what was read differs from what was posted");
    assert_eq!((note.status, note.received_at, note.quarantine_reason), (NoteStatus::Pending, at(5), None));

    let bare = post(&*store, text(""), 6).await;
    assert!(store.note(bare).await.expect("reads").expect("is there").content == text(""));
    assert!(store.note(id()).await.expect("reads").is_none());
    assert!(store.extraction(id()).await.expect("reads").is_none());
}

pub(crate) async fn posting_again_is_the_same_note(store: Arc<dyn Store>) {
    let first = post(&*store, identified("n-1", None, "a"), 0).await;
    let again = store.add_note(id(), identified("n-1", None, "a").into(), Actor::service(), at(1)).await.expect("stores");
    assert_eq!(again, AddNote::Existing { id: first });
    assert_eq!(store.claim_jobs(10, MINUTE, at(2)).await.expect("claims").len(), 1);
}

pub(crate) async fn identity_rules(store: Arc<dyn Store>) {
    let one = post(&*store, identified("n", Some("1"), "a"), 0).await;
    let two = post(&*store, identified("n", Some("2"), "b"), 1).await;
    let three = post(&*store, identified("n", Some("3"), "b"), 2).await;
    for (version, words, expected) in [
        (Some("1"), "a", AddNote::Existing { id: one }),
        (Some("1"), "b", AddNote::Conflict { id: one }),
        (Some("2"), "b", AddNote::Existing { id: two }),
        (Some("3"), "a", AddNote::Conflict { id: three }),
        (None, "a", AddNote::Existing { id: one }),
        (None, "b", AddNote::Existing { id: three }),
        (Some(""), "b", AddNote::Existing { id: three }),
        (None, "c", AddNote::VersionRequired { id: three }),
    ] {
        let outcome =
            store.add_note(id(), identified("n", version, words).into(), Actor::service(), at(3)).await.expect("stores");
        assert_eq!(outcome, expected, "{version:?} {words}");
    }
    let unversioned = post(&*store, identified("m", None, "a"), 4).await;
    let outcome = store.add_note(id(), identified("m", None, "b").into(), Actor::service(), at(5)).await.expect("stores");
    assert_eq!(outcome, AddNote::VersionRequired { id: unversioned });
    post(&*store, identified("m", Some("1"), "a"), 6).await;
}

pub(crate) async fn blank_identity_is_always_new(store: Arc<dyn Store>) {
    post(&*store, text("a"), 0).await;
    post(&*store, text("a"), 0).await;
    post(&*store, identified("", None, "a"), 0).await;
    post(&*store, identified("", None, "a"), 0).await;
}

pub(crate) async fn two_hundred_posts_at_once_make_one_note(store: Arc<dyn Store>) {
    let posts: Vec<_> = (0..200)
        .map(|_| {
            let store = Arc::clone(&store);
            let note = NewNote { encounter: Some("e".to_owned()), ..identified("n", Some("1"), "same") };
            tokio::spawn(async move { store.add_note(id(), note.into(), Actor::service(), at(0)).await.expect("stores") })
        })
        .collect();
    let mut outcomes = Vec::new();
    for post in posts {
        outcomes.push(post.await.expect("runs"));
    }
    let created: Vec<_> = outcomes.iter().filter(|outcome| matches!(outcome, AddNote::Created { .. })).collect();
    let [AddNote::Created { id: note }] = created[..] else { panic!("{created:?}") };
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == AddNote::Existing { id: *note }).count(), 199);
    assert_eq!(store.counts(at(0)).await.expect("counts").notes, 1);
    assert_eq!(store.audit_events(0, 1000).await.expect("reads").len(), 1);
}

pub(crate) async fn sources_do_not_share_identities(store: Arc<dyn Store>) {
    let other = |note: NewNote| NewNote { source: "lab".to_owned(), ..note };
    post(&*store, identified("n", Some("1"), "a"), 0).await;
    post(&*store, other(identified("n", Some("1"), "b")), 0).await;
    let mine = post(&*store, of_encounter("e", Some("p"), "a"), 0).await;
    let theirs = post(&*store, other(of_encounter("e", Some("p"), "a")), 0).await;
    assert_ne!(item_of(&*store, mine, 0).await.item.id, item_of(&*store, theirs, 0).await.item.id);
}

pub(crate) async fn a_patient_keeps_what_is_known(store: Arc<dyn Store>) {
    let note = |name: Option<&str>, sex: Option<&str>| NewNote {
        patient: Some(Patient {
            id: "p".to_owned(),
            system: None,
            name: name.map(str::to_owned),
            sex: sex.map(str::to_owned),
            birth_date: None,
        }),
        ..text("a")
    };
    let first = post(&*store, note(Some("Roe"), Some("male")), 0).await;
    post(&*store, note(Some("Roe, R."), None), 1).await;
    let patient = item_of(&*store, first, 2).await.item.patient.expect("has a patient");
    assert_eq!((patient.name.as_deref(), patient.sex.as_deref()), (Some("Roe, R."), Some("male")));
}

pub(crate) async fn a_job_is_claimed_once(store: Arc<dyn Store>) {
    for seconds in 0..5 {
        post(&*store, text("a"), seconds).await;
    }
    let first = store.claim_jobs(2, MINUTE, at(10)).await.expect("claims");
    let rest = store.claim_jobs(10, MINUTE, at(10)).await.expect("claims");
    assert_eq!((first.len(), rest.len()), (2, 3));
    let notes: std::collections::BTreeSet<_> = first.iter().chain(&rest).map(|job| job.note_id).collect();
    assert_eq!(notes.len(), 5);
    assert!(first.iter().chain(&rest).map(|job| job.note_id).is_sorted(), "oldest first");
    assert!(store.claim_jobs(10, MINUTE, at(10)).await.expect("claims").is_empty());
}

pub(crate) async fn an_expired_lease_is_claimed_again(store: Arc<dyn Store>) {
    post(&*store, text("a"), 0).await;
    let first = claim_one(&*store, 0).await;
    assert_eq!((first.fence, first.tries), (1, 1));
    assert!(store.claim_jobs(1, MINUTE, at(59)).await.expect("claims").is_empty());
    let second = claim_one(&*store, 60).await;
    assert_eq!(second, ClaimedJob { fence: 2, tries: 2, ..first });
}

pub(crate) async fn a_stale_fence_records_nothing(store: Arc<dyn Store>) {
    let note = post(&*store, text("a"), 0).await;
    let stale = claim_one(&*store, 0).await;
    let live = claim_one(&*store, 60).await;
    let quarantine = JobFailure::Quarantine { reason: "late".to_owned() };
    assert!(!store.record_extraction(&stale, extraction(note), at(61)).await.expect("answers"));
    assert!(!store.fail_job(&stale, quarantine.clone(), at(61)).await.expect("answers"));
    assert!(!store.fail_job(&stale, JobFailure::Retry { at: at(61) }, at(61)).await.expect("answers"));
    assert!(store.extraction(note).await.expect("reads").is_none());
    assert!(store.record_extraction(&live, extraction(note), at(62)).await.expect("records"));
    assert!(!store.record_extraction(&live, extraction(note), at(63)).await.expect("answers"), "a job ends once");
    assert!(!store.fail_job(&live, quarantine, at(63)).await.expect("answers"));
    assert_eq!(store.note(note).await.expect("reads").expect("is there").status, NoteStatus::Ready);
}

pub(crate) async fn recording_makes_the_note_ready(store: Arc<dyn Store>) {
    let note = post(&*store, text("a"), 0).await;
    let before = item_of(&*store, note, 0).await.item;
    extract_all(&*store, 1).await;
    assert_eq!(store.extraction(note).await.expect("reads"), Some(extraction(note)));
    let after = item_of(&*store, note, 1).await;
    assert_eq!((before.pending_notes, after.item.pending_notes), (1, 0));
    assert_eq!(after.item.revision, before.revision + 1, "what the item shows has changed");
    assert_eq!(after.notes[0].1, Some(extraction(note)));
    assert!(store.claim_jobs(10, MINUTE, at(1000)).await.expect("claims").is_empty());
}

pub(crate) async fn a_retry_waits(store: Arc<dyn Store>) {
    post(&*store, text("a"), 0).await;
    let job = claim_one(&*store, 0).await;
    assert!(store.fail_job(&job, JobFailure::Retry { at: at(30) }, at(1)).await.expect("answers"));
    assert!(store.claim_jobs(1, MINUTE, at(29)).await.expect("claims").is_empty());
    let again = claim_one(&*store, 30).await;
    assert_eq!((again.fence, again.tries), (2, 2));
}

pub(crate) async fn quarantine_blocks_nobody(store: Arc<dyn Store>) {
    let bad = post(&*store, of_encounter("e", None, "bad"), 0).await;
    let good = post(&*store, of_encounter("e", None, "good"), 1).await;
    for job in store.claim_jobs(10, MINUTE, at(2)).await.expect("claims") {
        let done = if job.note_id == bad {
            store.fail_job(&job, JobFailure::Quarantine { reason: "window_too_long".to_owned() }, at(2)).await
        } else {
            store.record_extraction(&job, extraction(good), at(2)).await
        };
        assert!(done.expect("answers"));
    }
    let note = store.note(bad).await.expect("reads").expect("is there");
    assert_eq!((note.status, note.quarantine_reason.as_deref()), (NoteStatus::Quarantined, Some("window_too_long")));
    assert_eq!(item_of(&*store, good, 3).await.item.pending_notes, 0);
    assert!(store.claim_jobs(10, MINUTE, at(1000)).await.expect("claims").is_empty());
}

pub(crate) async fn a_note_comes_out_of_quarantine(store: Arc<dyn Store>) {
    let bad = post(&*store, of_encounter("e", None, "bad"), 0).await;
    let good = post(&*store, of_encounter("e", None, "good"), 1).await;
    for job in store.claim_jobs(10, MINUTE, at(2)).await.expect("claims") {
        let done = if job.note_id == bad {
            store.fail_job(&job, JobFailure::Quarantine { reason: "too_many_tries".to_owned() }, at(2)).await
        } else {
            store.record_extraction(&job, extraction(good), at(2)).await
        };
        assert!(done.expect("answers"));
    }
    let listed = store.quarantined(None, 10).await.expect("lists");
    let [one] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((one.id, one.reason.as_str(), one.tries, one.received_at, one.at), (bad, "too_many_tries", 1, at(0), at(2)));
    assert!(store.quarantined(Some(bad), 10).await.expect("lists").is_empty(), "none behind it");
    // a coder finished the encounter meanwhile
    let item = one.item_id;
    let coder = user(&*store, "coder", Role::Coder).await;
    claim(&*store, item, &coder, 3).await;
    let finished = store.finish_item(item, &coder, Finishing::at(None), at(4)).await.expect("answers");
    assert!(matches!(finished, ItemChange::Done { .. }), "{finished:?}");

    assert!(!store.retry_note(good, Actor::service(), at(5)).await.expect("answers"), "it is in no quarantine");
    assert!(store.retry_note(bad, Actor::service(), at(5)).await.expect("answers"));
    assert!(!store.retry_note(bad, Actor::service(), at(5)).await.expect("answers"), "once");
    assert!(store.quarantined(None, 10).await.expect("lists").is_empty());
    let waiting = item_of(&*store, good, 5).await.item;
    assert_eq!((waiting.state, waiting.pending_notes), (ItemState::Open, 1), "what is in it is not decided on yet");
    let job = claim_one(&*store, 5).await;
    assert_eq!((job.note_id, job.tries), (bad, 1));
    assert!(store.record_extraction(&job, extraction(bad), at(6)).await.expect("records"));
    assert_eq!(store.note(bad).await.expect("reads").expect("is there").status, NoteStatus::Ready);
    let checked = store.check().await.expect("checks");
    assert_eq!((checked.items, checked.notes, checked.problems), (1, 2, Vec::new()));
    let events = store.audit_events(0, 1000).await.expect("reads");
    assert_eq!(checked.events, events.len() as u64);
    let told = |word: &str| events.iter().filter(|event| event.action == word).count();
    assert_eq!((told("note.quarantined"), told("note.retried"), told("item.reopened")), (1, 1, 1));
}

pub(crate) async fn counts(store: Arc<dyn Store>) {
    let sized = |counts: Counts| {
        assert!(counts.database_bytes > 10_000, "{counts:?}");
        Counts { database_bytes: 0, ..counts }
    };
    store.answers().await.expect("answers");
    assert_eq!(sized(store.counts(at(0)).await.expect("counts")), Counts::default());
    post(&*store, text("a"), 0).await;
    post(&*store, text("b"), 1).await;
    let job = store.claim_jobs(1, MINUTE, at(2)).await.expect("claims").remove(0);
    store.fail_job(&job, JobFailure::Quarantine { reason: "r".to_owned() }, at(2)).await.expect("answers");
    let expected =
        Counts { jobs_waiting: 1, oldest_job: Some(at(1)), notes_quarantined: 1, notes: 2, items_open: 2, ..Counts::default() };
    assert_eq!(sized(store.counts(at(3)).await.expect("counts")), expected);
    claim_one(&*store, 4).await;
    let claimed = Counts { jobs_running: 1, oldest_job: None, ..expected };
    assert_eq!(sized(store.counts(at(5)).await.expect("counts")), claimed);
}

/// A source with many old notes leaves room for the others.
pub(crate) async fn sources_are_claimed_in_turn(store: Arc<dyn Store>) {
    let of = |source: &str, words: &str| NewNote { source: source.to_owned(), ..text(words) };
    for number in 0..20 {
        post(&*store, of("archive", &format!("old {number}")), number).await;
    }
    let ward = [post(&*store, of("ward", "new 1"), 100).await, post(&*store, of("ward", "new 2"), 101).await];
    let clinic = post(&*store, of("clinic", "newest"), 102).await;
    let first = store.claim_jobs(6, MINUTE, at(103)).await.expect("claims");
    let notes: Vec<_> = first.iter().map(|job| job.note_id).collect();
    assert!(first.len() == 6 && notes.contains(&clinic) && ward.iter().all(|note| notes.contains(note)), "{notes:?}");
    let rest = store.claim_jobs(100, MINUTE, at(104)).await.expect("claims");
    assert_eq!(rest.len(), 17, "what no other source wants the one gets that has it");
    assert!(store.claim_jobs(100, MINUTE, at(104)).await.expect("claims").is_empty());
}

/// The answer of a claim was lost, with what it claimed.
pub(crate) async fn a_claim_is_given_back(store: Arc<dyn Store>) {
    post(&*store, text("lost"), 0).await;
    post(&*store, text("held"), 1).await;
    let lost = store.claim_jobs(1, MINUTE, at(2)).await.expect("claims").remove(0);
    let held = store.claim_jobs(1, MINUTE, at(3)).await.expect("claims").remove(0);
    assert!(store.has_more_jobs_than(1).await.expect("counts") && !store.has_more_jobs_than(2).await.expect("counts"));
    store.release_claims(at(2) + MINUTE).await.expect("gives back");
    let again = claim_one(&*store, 4).await;
    assert_eq!((again.note_id, again.tries, again.fence), (lost.note_id, 2, lost.fence + 1));
    assert!(store.record_extraction(&held, extraction(held.note_id), at(5)).await.expect("records"), "the other one is held");
}

/// The clock stood a day ahead for a while: what was posted, failed and claimed then does not wait for that day.
pub(crate) async fn a_clock_that_went_back_holds_nothing_up(store: Arc<dyn Store>) {
    const DAY: i64 = 86_400;
    let waiting = post(&*store, text("waiting"), DAY).await;
    let job = claim_one(&*store, DAY).await;
    assert!(store.fail_job(&job, JobFailure::Retry { at: at(DAY + 60) }, at(DAY + 1)).await.expect("answers"));
    let fresh = post(&*store, text("fresh"), DAY + 1).await;
    let jobs = store.claim_jobs(10, MINUTE, at(10)).await.expect("claims");
    let notes: Vec<_> = jobs.iter().map(|job| job.note_id).collect();
    assert!(notes.len() == 2 && notes.contains(&waiting) && notes.contains(&fresh), "{notes:?}");
    // their worker dies; the clock of the next one stands an hour and more behind
    assert_eq!(store.claim_jobs(10, MINUTE, at(-2 * 3600)).await.expect("claims").len(), 2);
}
