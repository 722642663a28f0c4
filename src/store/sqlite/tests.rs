//! The suite of every store, and what only a file can show: nothing in clear, the lock, the log, old files.

use std::{path::Path, sync::Arc, time::Instant};

use tempfile::TempDir;

use super::{OpenMode, SqliteStore};
use crate::{
    domain::{Decision, DecisionKind, NewNote, Patient, Role},
    seal::{Place, SiteKeys},
    store::{
        AccountStore, Actor, MessageFilter, MessageStore, NoteStore, ReviewStore, Store, StoreError, TrailStore as _,
        conformance::{self, MINUTE, at, extract_all, extraction, id, identified, item_of, post, text, user},
    },
};

conformance::conformance!(super::opened);
crate::store::sql::trail::mutations::mutations!(super::plain);

/// A store that is not behind the traits.
async fn plain() -> (SqliteStore, TempDir) {
    let folder = TempDir::new().expect("makes a folder");
    (serve(folder.path(), SiteKeys::generate()), folder)
}

async fn opened() -> (Arc<dyn Store>, TempDir) {
    fresh()
}

/// A store in a folder of its own.
fn fresh() -> (Arc<dyn Store>, TempDir) {
    let folder = TempDir::new().expect("makes a folder");
    let store = serve(folder.path(), SiteKeys::generate());
    (Arc::new(store), folder)
}

fn open(folder: &Path, keys: SiteKeys, mode: OpenMode) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&folder.join("abstractor.db"), keys, mode)
}

fn serve(folder: &Path, keys: SiteKeys) -> SqliteStore {
    open(folder, keys, OpenMode::Serve).expect("opens")
}

/// Whether any file of the folder contains these bytes.
fn contains(folder: &Path, needle: &str) -> bool {
    std::fs::read_dir(folder).expect("lists").any(|file| {
        let bytes = std::fs::read(file.expect("lists").path()).expect("reads");
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[tokio::test]
async fn nothing_sealed_stands_in_clear_in_any_file() {
    let folder = TempDir::new().expect("makes a folder");
    let store = serve(folder.path(), SiteKeys::generate());
    let note = NewNote {
        patient: Some(Patient {
            id: "SENTINEL-RECORD-NUMBER".to_owned(),
            system: Some("urn:sentinel-system".to_owned()),
            name: Some("Sentinel, Patience".to_owned()),
            birth_date: Some(jiff::civil::date(1931, 7, 13)),
            sex: Some("sentinel-sex".to_owned()),
        }),
        encounter: Some("SENTINEL-ENCOUNTER".to_owned()),
        author: Some("Dr. Sentinel".to_owned()),
        source: "clear-source".to_owned(),
        ..identified("SENTINEL-EXTERNAL-ID", Some("1"), "The sentinel sentence speaks of glioblastoma.")
    };
    let note = post(&store, note, 0).await;
    let job = store.claim_jobs(1, MINUTE, at(1)).await.expect("claims").remove(0);
    let mut found = extraction(note);
    found.alerts.push(crate::domain::Alert {
        kind: "k".to_owned(),
        message: "sentinel quote of glioblastoma".to_owned(),
        entries: Vec::new(),
    });
    assert!(store.record_extraction(&job, found, at(1)).await.expect("records"));
    let coder = user(&store, "coder", Role::Coder).await;
    let item = item_of(&store, note, 2).await.item.id;
    store.claim_item(item, &coder, MINUTE, at(2)).await.expect("claims");
    let comment = Some("sentinel comment".to_owned());
    let kind = DecisionKind::Reject { reason: "other".to_owned(), comment };
    let decision = Decision {
        id: id(),
        item_id: item,
        entry_id: id(),
        user_id: coder.id,
        user_name: coder.name.clone(),
        at: at(3),
        kind,
        evidence: Vec::new(),
    };
    store.decide(item, &coder, vec![decision], None, at(3)).await.expect("decides");

    let message = conformance::messages::message(&store, Some("SENTINEL-CONTROL-ID"), "sentinel content", None).await;
    assert_eq!(store.add_message(message, Actor::service()).await.expect("keeps"), None);

    let sentinels = ["glioblastoma", "SENTINEL", "Sentinel", "sentinel", "Patience", "1931-07-13"];
    let log = std::fs::metadata(folder.path().join("abstractor.db-wal")).expect("the log is there").len();
    assert!(log > 0, "the log must hold the writes for this test to mean something");
    assert!(contains(folder.path(), "clear-source"), "the search must find what is in clear");
    for sentinel in sentinels {
        assert!(!contains(folder.path(), sentinel), "{sentinel} while open");
    }
    drop(store);
    assert!(contains(folder.path(), "clear-source"));
    for sentinel in sentinels {
        assert!(!contains(folder.path(), sentinel), "{sentinel} when closed");
    }
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = TempDir::new().expect("makes a folder");
    let keys = SiteKeys::generate();
    let store = serve(folder.path(), keys.clone());
    let note = post(&store, identified("n", Some("1"), "kept"), 0).await;
    extract_all(&store, 1).await;
    drop(store);
    let store = serve(folder.path(), keys);
    assert_eq!(store.note(note).await.expect("reads").expect("is there").content.text, "kept");
    assert_eq!(store.extraction(note).await.expect("reads"), Some(extraction(note)));
    let again = store.add_note(id(), identified("n", Some("1"), "kept").into(), Actor::service(), at(2)).await.expect("stores");
    assert_eq!(again, crate::store::AddNote::Existing { id: note });
    assert_eq!(store.audit_events(0, 10).await.expect("reads").len(), 2);
}

#[tokio::test]
async fn one_server_and_any_tool() {
    let folder = TempDir::new().expect("makes a folder");
    let keys = SiteKeys::generate();
    let server = serve(folder.path(), keys.clone());
    let second = open(folder.path(), keys.clone(), OpenMode::Serve);
    assert!(matches!(second, Err(StoreError::Refused(message)) if message.contains("another process serves")));
    let tool = open(folder.path(), keys.clone(), OpenMode::Tool).expect("a tool works beside a server");
    user(&tool, "coder", Role::Coder).await;
    assert!(server.user_named("coder").await.expect("reads").is_some());
    post(&server, text("a"), 0).await;
    drop(server);
    drop(tool);
    drop(serve(folder.path(), keys));
}

#[tokio::test]
async fn other_site_keys_are_refused() {
    let folder = TempDir::new().expect("makes a folder");
    drop(serve(folder.path(), SiteKeys::generate()));
    let other = open(folder.path(), SiteKeys::generate(), OpenMode::Serve);
    assert!(matches!(other, Err(StoreError::Sealed { table: "site_secret" })));
}

#[tokio::test]
async fn after_rotation_the_old_site_key_is_not_needed() {
    let folder = TempDir::new().expect("makes a folder");
    let (old, new) = (SiteKeys::generate(), SiteKeys::generate());
    let store = serve(folder.path(), old.clone());
    let posted = conformance::of_encounter("e", Some("p"), "kept");
    let note = post(&store, posted.clone(), 0).await;
    extract_all(&store, 1).await;
    let message = conformance::messages::message(&store, Some("C1"), "kept", None).await;
    store.add_message(message.clone(), Actor::service()).await.expect("keeps");
    let place = Place::new("cookie", b"a", "b");
    let carried = store.derived_key("one").seal(place, b"text");
    conformance::site_packs::keep_one(&store).await;
    drop(store);
    let store = serve(folder.path(), old.rotated_to(new.clone()));
    assert!(store.note(note).await.expect("reads").is_some(), "both keys read the old note");
    assert_eq!(store.rewrap_data_keys().await.expect("wraps"), 7);
    assert_eq!(store.rewrap_data_keys().await.expect("wraps"), 0);
    drop(store);
    let store = serve(folder.path(), new);
    assert_eq!(store.message(message.id).await.expect("reads"), Some(message));
    conformance::site_packs::assert_one_opens(&store).await;
    assert!(store.note(note).await.expect("reads").expect("is there").content == posted);
    let second = post(&store, posted, 2).await;
    assert_eq!(item_of(&store, second, 3).await.item.notes, [note, second], "blind indexes outlive the rotation");
    assert_eq!(store.derived_key("one").open(place, &carried), Ok(b"text".to_vec()), "derived keys too");
}

#[tokio::test]
async fn a_write_that_fails_or_panics_undoes_only_itself() {
    let folder = TempDir::new().expect("makes a folder");
    let store = Arc::new(serve(folder.path(), SiteKeys::generate()));
    let insert = "INSERT INTO site_secret (name, wrapped) VALUES (?1, x'00')";
    let writes: Vec<_> = (0..90)
        .map(|index| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                store
                    .database
                    .writer
                    .write(move |unit| {
                        unit.execute(insert, [format!("row {index}")])?;
                        match index % 3 {
                            0 => Ok(()),
                            1 => Err(StoreError::Refused("test".to_owned())),
                            _ => panic!("a test's panic"),
                        }
                    })
                    .await
            })
        })
        .collect();
    for (index, write) in writes.into_iter().enumerate() {
        assert_eq!(write.await.expect("runs").is_ok(), index % 3 == 0, "{index}");
    }
    let rows = store
        .database
        .readers
        .read(|unit| unit.count("SELECT count(*) AS n FROM site_secret WHERE name LIKE 'row %'", ()))
        .await;
    assert_eq!(rows.expect("counts"), 30);
}

#[tokio::test]
async fn what_is_append_only_cannot_be_changed() {
    let folder = TempDir::new().expect("makes a folder");
    let store = serve(folder.path(), SiteKeys::generate());
    let note = post(&store, text("a"), 0).await;
    for sql in ["UPDATE audit_event SET detail = ''", "DELETE FROM audit_event", "UPDATE note SET text = x''"] {
        let refused = store.database.writer.write(move |unit| unit.execute(sql, ())).await;
        assert!(matches!(refused, Err(StoreError::Database(_))), "{sql}");
    }
    assert_eq!(store.note(note).await.expect("reads").expect("is there").content.text, "a");
}

#[tokio::test]
async fn a_damaged_row_says_where_and_nothing_else() {
    let folder = TempDir::new().expect("makes a folder");
    let store = serve(folder.path(), SiteKeys::generate());
    let note = post(&store, identified("secret-number", None, "secret text"), 0).await;
    store.database.writer.write(|unit| unit.execute("UPDATE note SET external_id = x'0102030405'", ())).await.expect("damages");
    let error = store.note(note).await.expect_err("does not open");
    assert!(matches!(error, StoreError::Sealed { table: "note" }), "{error}");
    store
        .database
        .writer
        .write(|unit| unit.execute("UPDATE note SET external_id = NULL, service_date = 'secret'", ()))
        .await
        .expect("damages");
    let error = store.note(note).await.expect_err("does not read").to_string();
    assert!(error.contains(&note.to_string()) && error.contains("service_date") && !error.contains("secret"), "{error}");
}

/// A database that an earlier schema made (`golden/`, with its key) opens in every later release.
#[tokio::test]
async fn databases_of_every_schema_open() {
    for (dump, discharged, messages) in [
        (include_str!("golden/schema_1.sql"), None, 0),
        (include_str!("golden/schema_2.sql"), Some("2026-04-02"), 0),
        (include_str!("golden/schema_6.sql"), Some("2026-04-02"), 3),
    ] {
        let folder = TempDir::new().expect("makes a folder");
        let old = rusqlite::Connection::open(folder.path().join("abstractor.db")).expect("opens");
        old.execute_batch("PRAGMA foreign_keys = OFF").expect("a dump is not in order of reference");
        old.execute_batch(dump).expect("restores");
        drop(old);
        let keys = SiteKeys::parse(include_str!("golden/schema_1.keys")).expect("reads");
        let store = serve(folder.path(), keys);
        let items = store.items(crate::store::ItemFilter { limit: 10, ..Default::default() }, at(100)).await.expect("lists");
        let record = store.item(items[0].id, at(100)).await.expect("reads").expect("is there");
        let (note, extraction) = &record.notes[0];
        assert_eq!(note.content.text, "A fictional note of the first schema.");
        assert_eq!(note.content.patient.as_ref().and_then(|patient| patient.name.as_deref()), Some("Doe, Jane"));
        assert_eq!(note.content.discharge_date.map(|day| day.to_string()).as_deref(), discharged);
        assert_eq!(record.item.encounter.as_deref(), Some("e-1"));
        assert!(extraction.is_some());
        assert_eq!(record.decisions[0].kind, DecisionKind::Accept { bulk: false });
        assert_eq!(record.decisions[0].user_name, "coder");
        let lines = store.messages(MessageFilter::Any, None, 10).await.expect("lists");
        assert_eq!(lines.len(), messages);
        for line in lines {
            let message = store.message(line.id).await.expect("reads").expect("is there");
            assert!(
                message.content.starts_with(b"MSH|")
                    && message.identity.is_some()
                    && !message.outcome.acknowledgement.is_empty()
            );
            let Some(note) = message.outcome.note_id else { continue };
            let note = store.note(note).await.expect("reads").expect("is there");
            assert_eq!(note.content.text, "A fictional note that came by message.");
            assert_eq!(note.content.patient.map(|patient| patient.id).as_deref(), Some("golden-new"), "merged");
        }
    }
}

/// A killed process leaves the files as they are: whatever was answered must be in a copy of them.
#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let (folder, copy) = (TempDir::new().expect("makes a folder"), TempDir::new().expect("makes a folder"));
    let keys = SiteKeys::generate();
    let store = serve(folder.path(), keys.clone());
    let mut notes = Vec::new();
    for number in 0..20 {
        notes.push(post(&store, identified(&format!("n{number}"), None, "kept"), 0).await);
    }
    let job = store.claim_jobs(1, MINUTE, at(0)).await.expect("claims").remove(0);
    assert!(store.record_extraction(&job, extraction(job.note_id), at(0)).await.expect("records"));
    assert_eq!(store.claim_jobs(5, MINUTE, at(0)).await.expect("claims").len(), 5);
    for name in ["abstractor.db", "abstractor.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).expect("copies");
    }
    let survivor = serve(copy.path(), keys);
    for note in &notes {
        assert!(survivor.note(*note).await.expect("reads").is_some());
    }
    assert!(survivor.extraction(job.note_id).await.expect("reads").is_some());
    let again = survivor.claim_jobs(50, MINUTE, at(0)).await.expect("claims");
    assert_eq!(again.len(), 19, "who serves does not wait for the leases of the dead");
    assert_eq!(again.iter().filter(|job| job.tries == 2).count(), 5);
}

/// Prints how many notes a second the store takes; asserts only that none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn notes_a_second() {
    for (posters, each) in [(1, 300), (32, 60)] {
        let (store, _folder) = fresh();
        let body = "The patient denies chest pain. ".repeat(66);
        let start = Instant::now();
        let tasks: Vec<_> =
            (0..posters).map(|poster| tokio::spawn(post_many(Arc::clone(&store), poster, each, body.clone()))).collect();
        for task in tasks {
            task.await.expect("runs");
        }
        let seconds = start.elapsed().as_secs_f64();
        let notes = posters * each;
        println!("{notes} notes of {} bytes by {posters} posters: {:.0} notes/s", body.len(), f64::from(notes) / seconds);
        assert_eq!(store.counts(at(0)).await.expect("counts").notes, u64::from(notes));
    }
}

/// Posts notes as one sender does.
pub(in crate::store) async fn post_many(store: Arc<dyn Store>, poster: u32, each: u32, body: String) {
    for number in 0..each {
        let encounter = format!("e{poster}-{}", number / 3);
        let note = NewNote {
            external_id: Some(format!("{poster}-{number}")),
            ..conformance::of_encounter(&encounter, Some(&format!("p{poster}")), &body)
        };
        post(&*store, note, 0).await;
    }
}

/// The key that signs checkpoints outlives the site key that wrapped it.
#[tokio::test]
async fn the_key_of_the_trail_is_wrapped_anew() {
    let folder = TempDir::new().expect("makes a folder");
    let (old, new) = (SiteKeys::generate(), SiteKeys::generate());
    let store = serve(folder.path(), old.clone());
    user(&store, "ann", Role::Coder).await;
    let sealer = crate::store::Sealer { holder: id(), remembered: None, signing: crate::store::Signing::Due };
    assert!(store.seal_events(sealer, at(1)).await.expect("seals").signed);
    let key = store.audit_public_key().await.expect("reads");
    assert!(key.is_some());
    drop(store);
    let store = serve(folder.path(), old.rotated_to(new.clone()));
    store.rewrap_data_keys().await.expect("wraps");
    drop(store);
    let store = serve(folder.path(), new);
    assert_eq!(store.audit_public_key().await.expect("opens with the new key alone"), key);
    assert_eq!(store.verify_trail(crate::store::Witness::default()).await.expect("reads").problem, None);
}
