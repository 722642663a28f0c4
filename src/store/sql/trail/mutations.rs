//! What somebody can do who writes to the database by other means than this program: each must be found. Run on both databases.

use jiff::SignedDuration;
use uuid::Uuid;

use super::{
    super::{
        Database, SqlStore,
        audit::{EVENT, event},
        unit::{Unit, rows},
        value::params,
    },
    CHECKPOINT, GUARDED, hashes, kept,
};
use crate::{
    domain::Role,
    seal::SigningKey,
    store::{
        AccountStore as _, Actor, Checkpoint, NoteStore as _, Sealer, Signing, Store, StoreError, TrailReport, TrailStore as _,
        Witness,
        conformance::{at, id, user},
    },
};

/// One test for each case; `open().await` gives a fresh store and something to keep alive meanwhile.
macro_rules! mutations {
    ($open:path: $($case:ident),* $(,)?) => {
        mod trail_mutations {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    let (store, _kept) = $open().await;
                    crate::store::sql::trail::mutations::$case(store).await;
                }
            )*
        }
    };
    ($open:path) => {
        crate::store::sql::trail::mutations::mutations!($open: every_change_is_found, a_chain_made_anew_is_found,
            a_sealer_remembers, an_erased_name_leaves_the_chain_whole, a_pruned_trail_verifies, one_process_seals,
            many_events_are_signed_often);
    };
}
pub(in crate::store) use mutations;

/// Statements, as somebody runs them who can lift the triggers.
async fn run<D: Database>(store: &SqlStore<D>, statements: Vec<String>) -> Result<(), StoreError> {
    let work = move |unit: &Unit<'_>| {
        let run = |sql: &String| unit.execute(sql, ()).map(drop);
        unit.session.unguarded(&GUARDED, &mut || statements.iter().try_for_each(run))
    };
    store.database.write(work).await
}

async fn seal<D: Database>(store: &SqlStore<D>, signing: Signing, seconds: i64) {
    let sealer = Sealer { holder: Uuid::from_u128(1), remembered: None, signing };
    assert!(store.seal_events(sealer, at(seconds)).await.expect("seals").signed);
}

async fn verified<D: Database>(store: &SqlStore<D>, witness: Witness) -> TrailReport {
    store.verify_trail(witness).await.expect("is read")
}

async fn problem<D: Database>(store: &SqlStore<D>, witness: Witness) -> Option<String> {
    verified(store, witness).await.problem
}

/// Twelve sealed events by two users, with checkpoints at 6 and 12, and two that are not sealed; and the first user.
async fn filled<D: Database>(store: &SqlStore<D>) -> Actor {
    let store_of_traits: &dyn Store = store;
    let ann = user(store_of_traits, "ann", Role::Coder).await;
    let ben = user(store_of_traits, "ben", Role::Coder).await;
    let actors = [ann, ben].map(|user| Actor { user_id: Some(user.id), name: user.name });
    for number in 3..=14 {
        let odd = number % 2;
        let (actor, action) = (actors[odd].clone(), ["note.read", "item.read"][odd]);
        let (kind, detail) = (["note", "item"][odd], format!("detail {number}"));
        store.record_audit(actor, action, Some((kind, id())), &detail, at(number as i64)).await.expect("records");
        if number == 6 || number == 12 {
            seal(store, Signing::Now, number as i64).await;
        }
    }
    actors[0].clone()
}

/// What is done, in which statements, and what is told of it.
const CHANGES: [(&str, &[&str], &str); 30] = [
    ("the time", &["UPDATE audit_event SET at = at + 1 WHERE sequence = 4"], "event 4 or its seal was altered"),
    ("the name", &["UPDATE audit_event SET actor_name = 'mallory' WHERE sequence = 4"], "event 4 was altered"),
    ("no user", &["UPDATE audit_event SET actor_id = NULL WHERE sequence = 4"], "event 4 was altered"),
    (
        "another user",
        &["UPDATE audit_event SET actor_id = (SELECT actor_id FROM audit_event WHERE sequence = 5) WHERE sequence = 4"],
        "event 4 was altered",
    ),
    ("the action", &["UPDATE audit_event SET action = 'note.listed' WHERE sequence = 4"], "event 4 or its seal was altered"),
    ("the kind", &["UPDATE audit_event SET subject_kind = 'item' WHERE sequence = 4"], "event 4 or its seal was altered"),
    ("no thing", &["UPDATE audit_event SET subject_id = NULL WHERE sequence = 4"], "event 4 or its seal was altered"),
    (
        "another thing",
        &["UPDATE audit_event SET subject_id = (SELECT subject_id FROM audit_event WHERE sequence = 5) WHERE sequence = 4"],
        "event 4 or its seal was altered",
    ),
    ("the detail", &["UPDATE audit_event SET detail = '' WHERE sequence = 4"], "event 4 or its seal was altered"),
    ("the first", &["UPDATE audit_event SET detail = 'x' WHERE sequence = 1"], "event 1 or its seal was altered"),
    ("the last sealed", &["UPDATE audit_event SET detail = 'x' WHERE sequence = 12"], "event 12 or its seal was altered"),
    ("a deletion", &["DELETE FROM audit_event WHERE sequence = 4"], "event 4 is missing"),
    (
        "a deletion with its seal",
        &["DELETE FROM audit_event WHERE sequence = 4", "DELETE FROM audit_link WHERE sequence = 4"],
        "event 4 is missing",
    ),
    (
        "a deletion closed up",
        &[
            "DELETE FROM audit_event WHERE sequence = 4",
            "UPDATE audit_event SET sequence = -sequence WHERE sequence > 4",
            "UPDATE audit_event SET sequence = -sequence - 1 WHERE sequence < 0",
        ],
        "event 4",
    ),
    ("a deletion of what is not sealed", &["DELETE FROM audit_event WHERE sequence = 13"], "event 13 is missing"),
    ("a seal taken off", &["DELETE FROM audit_link WHERE sequence = 4"], "the seal of event 4 was removed"),
    (
        "two swapped",
        &[
            "UPDATE audit_event SET sequence = -4 WHERE sequence = 4",
            "UPDATE audit_event SET sequence = 4 WHERE sequence = 5",
            "UPDATE audit_event SET sequence = 5 WHERE sequence = -4",
        ],
        "event 4",
    ),
    (
        "two swapped with their seals",
        &[
            "UPDATE audit_event SET sequence = -4 WHERE sequence = 4",
            "UPDATE audit_event SET sequence = 4 WHERE sequence = 5",
            "UPDATE audit_event SET sequence = 5 WHERE sequence = -4",
            "UPDATE audit_link SET sequence = -4 WHERE sequence = 4",
            "UPDATE audit_link SET sequence = 4 WHERE sequence = 5",
            "UPDATE audit_link SET sequence = 5 WHERE sequence = -4",
        ],
        "event 4 or its seal was altered",
    ),
    (
        "one put in",
        &[
            "UPDATE audit_event SET sequence = -sequence WHERE sequence >= 5",
            "UPDATE audit_event SET sequence = 1 - sequence WHERE sequence < 0",
            "INSERT INTO audit_event (sequence, at, actor_id, actor_name, action, subject_kind, subject_id, detail)
             SELECT 5, at, actor_id, actor_name, action, subject_kind, subject_id, 'new' FROM audit_event WHERE sequence = 4",
        ],
        "event 5",
    ),
    (
        "one put in before all",
        &["INSERT INTO audit_event (sequence, at, actor_id, actor_name, action, subject_kind, subject_id, detail)
           SELECT 0, at, actor_id, actor_name, action, subject_kind, subject_id, 'new' FROM audit_event WHERE sequence = 4"],
        "event 0 was put in before the beginning",
    ),
    (
        "the end cut off",
        &["DELETE FROM audit_event WHERE sequence > 10", "DELETE FROM audit_link WHERE sequence > 10"],
        "event 11 is missing",
    ),
    (
        "the beginning cut off as if pruned",
        &[
            "DELETE FROM audit_event WHERE sequence <= 6",
            "DELETE FROM audit_link WHERE sequence <= 6",
            "UPDATE audit_checkpoint SET pruned_at = sealed_at, pruning = signature WHERE sequence = 6",
        ],
        "is not signed",
    ),
    (
        "when a checkpoint was signed",
        &["UPDATE audit_checkpoint SET sealed_at = sealed_at - 1 WHERE sequence = 6"],
        "the checkpoint at event 6 was not signed",
    ),
    (
        "what a checkpoint seals",
        &["UPDATE audit_checkpoint SET hash = (SELECT hash FROM audit_link WHERE sequence = 5) WHERE sequence = 6"],
        "the checkpoint at event 6 was not signed",
    ),
    (
        "the signature of another one",
        &[
            "UPDATE audit_checkpoint SET signature = (SELECT signature FROM audit_checkpoint WHERE sequence = 6) WHERE sequence = 12",
        ],
        "the checkpoint at event 12 was not signed",
    ),
    (
        "a checkpoint at another place",
        &["UPDATE audit_checkpoint SET sequence = 7 WHERE sequence = 6"],
        "the checkpoint at event 7 was not signed",
    ),
    (
        "a hash of the chain",
        &["UPDATE audit_link SET hash = (SELECT hash FROM audit_link WHERE sequence = 5) WHERE sequence = 4"],
        "event 4 or its seal was altered",
    ),
    (
        "a commitment",
        &["UPDATE audit_link SET actor = (SELECT actor FROM audit_link WHERE sequence = 5) WHERE sequence = 4"],
        "event 4 was altered",
    ),
    (
        "a name erased without the key",
        &[
            "UPDATE audit_link SET salt = NULL, erasure = (SELECT signature FROM audit_checkpoint WHERE sequence = 6) WHERE sequence = 4",
            "UPDATE audit_event SET actor_id = NULL, actor_name = 'erased' WHERE sequence = 4",
        ],
        "who did event 4 was erased without the key",
    ),
    (
        "everything that seals",
        &["DELETE FROM audit_link WHERE true", "DELETE FROM audit_checkpoint WHERE true"],
        "every checkpoint was removed",
    ),
];

/// Every change of an event, a link or a checkpoint is found; nothing is found in a trail that nobody touched.
pub(in crate::store) async fn every_change_is_found<D: Database>(store: SqlStore<D>) {
    filled(&store).await;
    let report = verified(&store, Witness::default()).await;
    assert_eq!((report.problem, report.verified, report.verified_to, report.unsealed), (None, 12, 12, 2));
    let outside = store.newest_checkpoint().await.expect("reads");
    assert_eq!(outside.as_ref().map(|checkpoint| checkpoint.sequence), Some(12));
    let witness = Witness { checkpoint: outside, public_key: store.audit_public_key().await.expect("reads") };
    assert_eq!(problem(&store, witness.clone()).await, None);
    assert_eq!(store.trail_standing().await.expect("reads").problem, None);

    let tables = ["audit_event", "audit_link", "audit_checkpoint", "site_secret"];
    let keep = tables.map(|table| format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
    run(&store, keep.to_vec()).await.expect("is kept");
    let back = tables.iter().flat_map(|table| {
        [format!("DELETE FROM {table} WHERE true"), format!("INSERT INTO {table} SELECT * FROM kept_{table}")]
    });
    let back: Vec<String> = back.collect();
    for (name, statements, told) in CHANGES {
        run(&store, statements.iter().map(|sql| (*sql).to_owned()).collect()).await.expect(name);
        let found = problem(&store, Witness::default()).await.unwrap_or_default();
        assert!(found.contains(told), "{name}: {found:?}");
        run(&store, back.clone()).await.expect("is put back");
        assert_eq!(problem(&store, witness.clone()).await, None, "after {name} was put back");
    }

    // the end with its checkpoint: only what was kept outside tells
    let cut = ["audit_event", "audit_link", "audit_checkpoint"].map(|table| format!("DELETE FROM {table} WHERE sequence > 6"));
    run(&store, cut.to_vec()).await.expect("is cut");
    assert_eq!(problem(&store, Witness::default()).await, None);
    let found = problem(&store, witness.clone()).await.unwrap_or_default();
    assert!(found.contains("the end was cut off behind event 6") && found.contains("up to 12"), "{found}");
    run(&store, back.clone()).await.expect("is put back");

    // the key: what signed the trail is missing
    run(&store, vec!["DELETE FROM site_secret WHERE name = 'audit_key'".to_owned()]).await.expect("is removed");
    let found = problem(&store, Witness::default()).await.unwrap_or_default();
    assert!(found.contains("the key that signs the audit trail is missing"), "{found}");
    run(&store, back.clone()).await.expect("is put back");

    // a checkpoint that another key signed is no witness
    let mut forged = witness.clone();
    if let Some(checkpoint) = &mut forged.checkpoint {
        checkpoint.signature = SigningKey::generate().sign(b"x");
    }
    let found = problem(&store, forged).await.unwrap_or_default();
    assert!(found.contains("kept outside was not signed"), "{found}");
}

/// Somebody without the key writes the whole chain anew; somebody with the service, who has it begin anew.
pub(in crate::store) async fn a_chain_made_anew_is_found<D: Database>(store: SqlStore<D>) {
    filled(&store).await;
    let witness = Witness {
        checkpoint: store.newest_checkpoint().await.expect("reads"),
        public_key: store.audit_public_key().await.expect("reads"),
    };
    run(&store, vec!["UPDATE audit_event SET detail = 'forged' WHERE sequence = 4".to_owned()]).await.expect("is altered");
    store.database.write(|unit| unit.session.unguarded(&GUARDED, &mut || anew(unit))).await.expect("is written anew");
    let found = problem(&store, Witness::default()).await.unwrap_or_default();
    assert!(found.contains("the checkpoint at event 6 was not signed by the key of this database"), "{found}");
    assert!(store.trail_standing().await.expect("reads").problem.is_some(), "a short look finds it too");
    let checked = store.check().await.expect("is read").problems;
    assert!(checked.iter().any(|problem| problem.contains("audit trail")), "{checked:?}");

    // the service does not lend its key to a chain that is begun anew
    let wipe = ["DELETE FROM audit_link WHERE true", "DELETE FROM audit_checkpoint WHERE true"].map(str::to_owned);
    run(&store, wipe.to_vec()).await.expect("is emptied");
    let sealer = Sealer { holder: Uuid::from_u128(1), remembered: None, signing: Signing::Now };
    let refused = store.seal_events(sealer, at(100)).await;
    assert!(matches!(refused, Err(StoreError::Inconsistent { .. })), "{refused:?}");

    // where its key is taken away too, it makes another one, and what was kept outside tells
    run(&store, vec!["DELETE FROM site_secret WHERE name = 'audit_key'".to_owned()]).await.expect("is removed");
    seal(&store, Signing::Now, 101).await;
    assert_eq!(problem(&store, Witness::default()).await, None);
    let by_key = Witness { public_key: witness.public_key, ..Witness::default() };
    let found = problem(&store, by_key).await.unwrap_or_default();
    assert!(found.contains("another key than the public key"), "{found}");
    let by_checkpoint = Witness { checkpoint: witness.checkpoint, ..Witness::default() };
    let found = problem(&store, by_checkpoint).await.unwrap_or_default();
    assert!(found.contains("kept outside was not signed"), "{found}");
}

/// The chain of the events as they are, with other salts and signed by another key.
fn anew(unit: &Unit<'_>) -> Result<(), StoreError> {
    let key = SigningKey::generate();
    let events = rows(unit.session, "audit_event", &format!("{EVENT} WHERE sequence <= 12 ORDER BY sequence"), (), event)?;
    let checkpoints = rows(unit.session, "audit_checkpoint", CHECKPOINT, (), kept)?;
    let mut hash = hashes::BEGINNING;
    for event in events {
        let (salt, number) = ([9_u8; 16], event.sequence);
        let actor = hashes::commitment(&salt, &event.actor);
        hash = hashes::link(&hash, &event, &actor);
        let link = "UPDATE audit_link SET salt = ?2, actor = ?3, hash = ?4 WHERE sequence = ?1";
        unit.execute(link, params![number, salt, actor, hash])?;
        if let Some(Checkpoint { sealed_at, .. }) =
            checkpoints.iter().map(|kept| &kept.checkpoint).find(|checkpoint| checkpoint.sequence == number)
        {
            let signature = key.sign(&hashes::checkpoint(number, &hash, sealed_at.as_microsecond()));
            let public_key = key.public().bytes();
            let checkpoint = "UPDATE audit_checkpoint SET hash = ?2, public_key = ?3, signature = ?4 WHERE sequence = ?1";
            unit.execute(checkpoint, params![number, hash, public_key, signature])?;
        }
    }
    Ok(())
}

/// What a sealer saw last must still be there, or it seals nothing behind it.
pub(in crate::store) async fn a_sealer_remembers<D: Database>(store: SqlStore<D>) {
    filled(&store).await;
    let holder = Uuid::from_u128(1);
    let sealer = Sealer { holder, remembered: None, signing: Signing::Due };
    let seen = store.seal_events(sealer, at(15)).await.expect("seals");
    assert_eq!((seen.sealed, seen.head.map(|head| head.sequence)), (2, Some(14)));
    // back to the checkpoint before, which is whole by itself
    let cut = ["audit_event", "audit_link"].map(|table| format!("DELETE FROM {table} WHERE sequence > 12"));
    run(&store, cut.to_vec()).await.expect("is cut");
    store.record_audit(Actor::service(), "note.read", None, "forged", at(16)).await.expect("records");
    let again = store.seal_events(Sealer { remembered: seen.head, ..sealer }, at(17)).await;
    let told = again.expect_err("is refused").to_string();
    assert!(told.contains("row 14 of table audit_link") && told.contains("gone or was altered"), "{told}");
}

/// Who it was leaves the events of a user, and nothing else can be changed under that cover.
pub(in crate::store) async fn an_erased_name_leaves_the_chain_whole<D: Database>(store: SqlStore<D>) {
    let ann = filled(&store).await;
    let user = ann.user_id.expect("is a user");
    let before = verified(&store, Witness::default()).await;
    let erased = store.erase_actor(user, Actor::service(), at(20)).await.expect("erases");
    assert_eq!(erased, 5, "the sealed ones of ten");
    let report = verified(&store, Witness { checkpoint: before.checkpoint, public_key: None }).await;
    assert_eq!((report.problem, report.verified, report.erased), (None, 12, 5));
    let events = store.audit_events(0, 100).await.expect("reads");
    let named: Vec<i64> = events.iter().filter(|event| event.actor == ann).map(|event| event.sequence).collect();
    assert_eq!(named, [14], "what is not sealed yet");
    assert!(events.iter().any(|event| event.action == "audit.actor_erased" && event.subject_id == Some(user)));
    // ann read 4, ben read 5
    for (name, sql) in [
        ("another name", "UPDATE audit_event SET actor_name = 'ben' WHERE sequence = 4"),
        ("the detail", "UPDATE audit_event SET detail = '' WHERE sequence = 4"),
        (
            "the erasure of another event",
            "UPDATE audit_link SET salt = NULL, erasure = (SELECT erasure FROM audit_link WHERE sequence = 4) WHERE sequence = 5",
        ),
    ] {
        run(&store, vec!["CREATE TABLE kept AS SELECT * FROM audit_event".to_owned(), sql.to_owned()]).await.expect(name);
        assert!(problem(&store, Witness::default()).await.is_some(), "{name}");
        let back = ["DELETE FROM audit_event WHERE true", "INSERT INTO audit_event SELECT * FROM kept", "DROP TABLE kept"];
        run(&store, back.map(str::to_owned).to_vec()).await.expect("is put back");
    }
}

/// Old events go up to a checkpoint; what is left verifies, nothing else can be removed, and numbers go on.
pub(in crate::store) async fn a_pruned_trail_verifies<D: Database>(store: SqlStore<D>) {
    filled(&store).await;
    let outside = store.newest_checkpoint().await.expect("reads");
    let nothing = store.prune_trail(at(3), Actor::service(), at(30)).await.expect("looks");
    assert_eq!(nothing.events, 0, "no checkpoint has only older events before it");
    let pruned = store.prune_trail(at(9), Actor::service(), at(30)).await.expect("removes");
    assert_eq!((pruned.events, pruned.to), (6, 6), "up to the checkpoint, not to the day");
    let report = verified(&store, Witness { checkpoint: outside.clone(), public_key: None }).await;
    assert_eq!((report.problem, report.begins_after, report.verified, report.unsealed), (None, 6, 6, 3));
    let events = store.audit_events(0, 100).await.expect("reads");
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), (7..=15).collect::<Vec<_>>());
    assert_eq!(events.last().map(|event| event.action.as_str()), Some("audit.pruned"));
    assert_eq!(store.check().await.expect("is read").problems, [""; 0]);
    // the triggers are back
    for table in GUARDED {
        for sql in [
            format!("DELETE FROM {table} WHERE sequence = 12"),
            format!("UPDATE {table} SET sequence = 99 WHERE sequence = 12"),
        ] {
            let refused = store.database.write(move |unit| unit.execute(&sql, ()).map(drop)).await;
            assert!(refused.is_err(), "{table}");
        }
    }
    // sealing goes on, also where everything that was sealed is gone
    seal(&store, Signing::Now, 31).await;
    let all = store.prune_trail(at(1000), Actor::service(), at(32)).await.expect("removes");
    assert_eq!((all.events, all.to), (9, 15), "the newest events stay");
    seal(&store, Signing::Now, 33).await;
    let report = verified(&store, Witness { checkpoint: outside, public_key: None }).await;
    assert_eq!((report.problem, report.begins_after, report.verified_to), (None, 15, 17));
    // somebody cuts more, behind the next checkpoint, with the signature of the last time
    store.record_audit(Actor::service(), "note.read", None, "", at(34)).await.expect("records");
    let cut = [
        "DELETE FROM audit_event WHERE sequence <= 17",
        "DELETE FROM audit_link WHERE sequence <= 17",
        "UPDATE audit_checkpoint SET pruned_at = (SELECT pruned_at FROM audit_checkpoint WHERE sequence = 15),
             pruning = (SELECT pruning FROM audit_checkpoint WHERE sequence = 15) WHERE sequence = 17",
        "DELETE FROM audit_checkpoint WHERE sequence = 15",
    ];
    run(&store, cut.map(str::to_owned).to_vec()).await.expect("is cut");
    let found = problem(&store, Witness::default()).await.unwrap_or_default();
    assert!(found.contains("is not signed"), "{found}");
}

/// One process seals at a time; another one takes over when the lease is over, or was given back.
pub(in crate::store) async fn one_process_seals<D: Database>(store: SqlStore<D>) {
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let sealer = |holder| Sealer { holder, remembered: None, signing: Signing::Due };
    assert!(!store.trail_waits(one, at(0)).await.expect("looks"), "nothing happened yet");
    assert_eq!(store.seal_events(sealer(one), at(0)).await.expect("looks").sealed, 0);
    store.release_sealing(one).await.expect("gives back");
    user(&store, "ann", Role::Coder).await;
    assert!(store.trail_waits(one, at(0)).await.expect("looks") && store.trail_waits(other, at(0)).await.expect("looks"));
    let sealed = store.seal_events(sealer(one), at(0)).await.expect("seals");
    assert!(sealed.sealed == 1 && sealed.signed, "the first step signs: {sealed:?}");
    user(&store, "ben", Role::Coder).await;
    assert!(!store.trail_waits(other, at(5)).await.expect("looks"), "another process seals");
    assert!(store.seal_events(sealer(other), at(5)).await.expect("looks").is_elsewhere);
    let later = store.seal_events(sealer(other), at(11)).await.expect("seals");
    assert_eq!((later.is_elsewhere, later.sealed, later.signed), (false, 1, false), "the lease of the first is over");
    assert!(!store.trail_waits(other, at(12)).await.expect("looks"), "sealed, and not due to be signed");
    let due = at(0) + SignedDuration::from_mins(1);
    assert!(store.trail_waits(other, due).await.expect("looks"), "a minute after the last checkpoint");
    assert!(store.seal_events(sealer(other), due).await.expect("signs").signed);
    assert!(
        !store.trail_waits(other, due + SignedDuration::from_mins(5)).await.expect("looks"),
        "nothing new is not signed again"
    );
    store.release_sealing(other).await.expect("gives back");
    user(&store, "eve", Role::Coder).await;
    assert!(!store.seal_events(sealer(one), due).await.expect("seals").is_elsewhere, "given back");
    // a clock that went back holds nobody up
    assert!(!store.seal_events(sealer(other), at(-1000)).await.expect("seals").is_elsewhere);
    assert_eq!(problem(&store, Witness::default()).await, None);
}

/// A thousand events are signed without waiting for the minute, and more than one step is verified.
pub(in crate::store) async fn many_events_are_signed_often<D: Database>(store: SqlStore<D>) {
    let things: Vec<Uuid> = (0..5_300).map(|_| id()).collect();
    store.record_reads(Actor::service(), "note.read", ("note", things), at(0)).await.expect("records");
    let sealer = Sealer { holder: Uuid::from_u128(1), remembered: None, signing: Signing::Due };
    let mut steps = Vec::new();
    while store.trail_waits(sealer.holder, at(1)).await.expect("looks") {
        steps.push(store.seal_events(sealer, at(1)).await.expect("seals"));
    }
    assert_eq!(steps.iter().map(|step| step.sealed).sum::<usize>(), 5_300);
    let signed = steps.iter().filter(|step| step.signed).count();
    assert!((5..=7).contains(&signed), "{signed} checkpoints");
    let report = verified(&store, Witness::default()).await;
    assert_eq!((report.problem, report.verified), (None, 5_300));
    let standing = store.trail_standing().await.expect("looks");
    assert!(standing.problem.is_none() && standing.verified < 2_500 && standing.verified_to == 5_300, "{standing:?}");
    run(&store, vec!["UPDATE audit_event SET detail = 'x' WHERE sequence = 4100".to_owned()]).await.expect("is altered");
    let found = problem(&store, Witness::default()).await.unwrap_or_default();
    assert!(found.contains("event 4100"), "{found}");
}
