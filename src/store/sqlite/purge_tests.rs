//! What only files can show of a purge and of a rotation: bytes that are gone, backups that open no more, backups that were brought along.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use uuid::Uuid;

use super::{OpenMode, SqliteStore, backup, prove_backup, purge_backup};
use crate::{
    domain::{Decision, DecisionKind, Role},
    seal::{KeyRing, SiteKeys},
    store::{
        Actor, ItemPurge, KeyStore, NoteStore, Purged, Remaining, RetentionStore, ReviewStore, StoreError,
        conformance::{MINUTE, at, extract_all, id, item_of, of_encounter, post, text, user},
        sqlite::tests::post_many,
    },
};

struct House {
    folder: TempDir,
    keys: SiteKeys,
}

impl House {
    fn new() -> Self {
        Self { folder: TempDir::new().expect("makes a folder"), keys: SiteKeys::generate() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, keys: impl Into<KeyRing>, mode: OpenMode) -> SqliteStore {
        SqliteStore::open(&self.path("abstractor.db"), keys, mode).expect("opens")
    }

    /// Whether the database or its log contains these bytes.
    fn holds(&self, needle: &[u8]) -> bool {
        ["abstractor.db", "abstractor.db-wal"].iter().any(|name| {
            let bytes = std::fs::read(self.path(name)).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    }
}

/// The wrapped key and the sealed text of a note as they lie in the file.
fn sealed(path: &Path, note: Uuid) -> (Vec<u8>, Vec<u8>) {
    let connection = rusqlite::Connection::open(path).expect("opens");
    let sql = "SELECT data_key, text FROM note WHERE id = ?1";
    connection.query_row(sql, [note.into_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).expect("is there")
}

async fn purge(store: &SqliteStore, note: Uuid) {
    let item = item_of(store, note, 50).await.item.id;
    let purge = ItemPurge { item, part: None, reason: "objection".to_owned() };
    let purged = store.purge_item(purge, Actor::service(), at(50)).await.expect("answers");
    assert!(matches!(purged, Purged::Done { .. }), "{purged:?}");
    store.settle_purge().await.expect("empties the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_bytes_and_wrapped_keys_are_in_neither_file_nor_log() {
    let house = House::new();
    let store = house.open(house.keys.clone(), OpenMode::Serve);
    let long = "Nobody may read this again. ".repeat(2000);
    let note = post(&store, of_encounter("e", Some("p"), &long), 0).await;
    let kept = post(&store, of_encounter("f", Some("q"), &long), 1).await;
    extract_all(&store, 2).await;
    let (key, sealed_text) = sealed(&house.path("abstractor.db"), note);
    let pieces: Vec<&[u8]> = sealed_text.chunks(900).filter(|piece| piece.len() == 900).collect();
    assert!(house.holds(&key) && pieces.len() > 50);
    purge(&store, note).await;
    assert!(!house.holds(&key), "the wrapped key is left");
    assert_eq!(pieces.iter().filter(|piece| house.holds(&piece[100..132])).count(), 0, "sealed text is left");
    assert_eq!(std::fs::metadata(house.path("abstractor.db-wal")).map(|log| log.len()).unwrap_or_default(), 0);
    assert_eq!(store.note(kept).await.expect("reads").expect("is there").content.text, long);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_backup_opens_what_was_purged_once_the_old_key_is_retired() {
    let house = House::new();
    let store = house.open(house.keys.clone(), OpenMode::Serve);
    let coder = user(&store, "coder", Role::Coder).await;
    let note = post(&store, of_encounter("e", Some("p"), "gone"), 0).await;
    let kept = post(&store, of_encounter("f", Some("q"), "kept"), 1).await;
    extract_all(&store, 2).await;
    let item = item_of(&store, note, 3).await.item.id;
    store.claim_item(item, &coder, MINUTE, at(3)).await.expect("claims");
    let decision = Decision {
        id: id(),
        item_id: item,
        entry_id: id(),
        user_id: coder.id,
        user_name: coder.name.clone(),
        at: at(3),
        kind: DecisionKind::Accept { bulk: false },
        evidence: Vec::new(),
    };
    store.decide(item, &coder, vec![decision], None, at(3)).await.expect("decides");
    let [left, brought] = ["left.backup", "brought.backup"].map(|name| house.path(name));
    for file in [&left, &brought] {
        backup(&house.path("abstractor.db"), file).expect("backs up");
    }
    purge(&store, note).await;
    let tombstones = store.tombstones().await.expect("reads");
    let both = house.keys.announcing(SiteKeys::generate()).promoted();
    store.take_keys(both.clone());
    assert!(store.rewrap_data_keys().await.expect("wraps") > 0);
    let open = prove_backup(&left, &both, &tombstones).expect("looks").open;
    assert!(open.contains(&("note".to_owned(), note)) && open.iter().any(|(kind, _)| kind == "decision"), "{open:?}");
    assert_eq!(purge_backup(&brought, both.clone(), (&tombstones, |_, _| Remaining::default())).expect("purges"), 1);
    let retired = both.retired();
    store.take_keys(retired.clone());

    let found = store.prove().await.expect("proves");
    assert_eq!((found.gone, found.closed, found.open), (tombstones.len() as u64, 0, Vec::new()));
    let found = prove_backup(&left, &retired, &tombstones).expect("looks");
    assert!(found.closed > 0 && found.open.is_empty(), "{found:?}");
    let found = prove_backup(&brought, &retired, &tombstones).expect("looks");
    assert_eq!((found.closed, found.open), (0, Vec::new()));
    assert!(
        SqliteStore::open(&left, retired.clone(), OpenMode::Tool).is_err(),
        "the old backup opens with no key that is left"
    );
    let restored = SqliteStore::open(&brought, retired, OpenMode::Serve).expect("opens with the new key alone");
    assert_eq!(restored.note(kept).await.expect("reads").expect("is there").content.text, "kept");
    assert!(restored.note(note).await.expect("reads").expect("is there").purged.is_some());
    assert_eq!(restored.check().await.expect("checks").problems, [""; 0]);
    assert_eq!(store.note(kept).await.expect("reads").expect("is there").content.text, "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lacks_the_new_key_reads_its_keys_again_and_goes_on() {
    let house = House::new();
    let file = house.path("site.key");
    std::fs::write(&file, house.keys.to_key_file().as_bytes()).expect("writes");
    let from = file.clone();
    let again = move || SiteKeys::parse(&std::fs::read_to_string(&from).ok()?).ok();
    let ring = KeyRing { keys: house.keys.clone(), read_again: Some(std::sync::Arc::new(again)) };
    let server = std::sync::Arc::new(house.open(ring, OpenMode::Serve));
    post_many(server.clone(), 1, 700, "A note of before.".to_owned()).await;
    let newest = house.keys.announcing(SiteKeys::generate());
    std::fs::write(&file, newest.to_key_file().as_bytes()).expect("writes");
    // another process that wraps with the new key already, and one that was killed after a step
    let promoted = newest.promoted();
    let tool = house.open(promoted.clone(), OpenMode::Tool);
    let theirs = post(&tool, text("of the other one"), 1).await;
    let (place, changed) = tool.rewrap(crate::store::RewrapPlace::default()).await.expect("wraps");
    assert!(place.is_some());
    drop(tool);
    assert_eq!(server.note(theirs).await.expect("reads").expect("is there").content.text, "of the other one");
    let mine = post(&*server, text("of the server"), 2).await;
    let first = promoted.first_id();
    let is_old = |wrapped: &&crate::store::WrappedKeys| wrapped.key != first;
    assert!(server.wrapped_keys().await.expect("counts").iter().any(|wrapped| is_old(&wrapped)));
    std::fs::write(&file, promoted.to_key_file().as_bytes()).expect("writes");
    server.take_keys(promoted.clone());
    assert!(server.rewrap_data_keys().await.expect("wraps") + changed >= 700);
    assert_eq!(server.wrapped_keys().await.expect("counts").iter().filter(is_old).count(), 0, "the index key too");
    server.take_keys(promoted.retired());
    assert_eq!(server.note(mine).await.expect("reads").expect("is there").content.text, "of the server");
    assert_eq!(server.check().await.expect("checks").problems, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_triggers_let_nothing_but_the_purge_through() {
    let house = House::new();
    let store = house.open(house.keys.clone(), OpenMode::Serve);
    let note = post(&store, of_encounter("e", Some("p"), "gone"), 0).await;
    let other = post(&store, of_encounter("f", Some("q"), "stays"), 1).await;
    extract_all(&store, 2).await;
    purge(&store, note).await;
    let refused = async |sql: &'static str| {
        let answer = store.database.writer.write(move |unit| unit.execute(sql, ())).await;
        assert!(matches!(answer, Err(StoreError::Database(_))), "{sql}");
    };
    refused("UPDATE note SET text = x'', content_hash = x'', data_key = x'' WHERE purged_at IS NULL").await;
    refused("UPDATE note SET purged_at = 1, text = x'' WHERE purged_at IS NULL").await;
    refused("UPDATE note SET purged_at = NULL WHERE purged_at IS NOT NULL").await;
    refused("UPDATE note SET data_key = x'01' WHERE purged_at IS NOT NULL").await;
    refused("DELETE FROM tombstone").await;
    refused("UPDATE tombstone SET reason = 'other'").await;
    let open = "SELECT count(*) AS n FROM purge_permit WHERE is_open = 1";
    assert_eq!(store.database.readers.read(|unit| unit.count(open, ())).await.expect("counts"), 0);
    assert_eq!(store.note(other).await.expect("reads").expect("is there").content.text, "stays");
}
