//! The suite of every store on PostgreSQL, and what only several servers can show.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use super::{PostgresSettings, PostgresStore, cluster::Cluster, migrate};
use crate::{
    domain::{NewNote, Role},
    seal::SiteKeys,
    store::{
        AccountStore, Actor, AddNote, JobFailure, NoteStore, ReviewStore, Store, StoreError,
        conformance::{self, MINUTE, at, extract_all, extraction, id, identified, item_of, of_encounter, post, text, user},
        sqlite,
    },
};

conformance::conformance!(super::opened);
crate::store::sql::trail::mutations::mutations!(super::plain);

/// A store that is not behind the traits.
async fn plain() -> (PostgresStore, Kept) {
    let kept = database().await;
    (open(&kept.0, SiteKeys::generate()).await, kept)
}

/// The cluster of this process. It is never dropped; it ends with the process.
pub(in crate::store) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&[]))
}

pub(in crate::store) fn settings(cluster: &Cluster, database: &str) -> PostgresSettings {
    PostgresSettings::parse(&cluster.url(database), None).expect("reads")
}

/// A database that goes with its test.
pub(in crate::store) struct Kept(pub(in crate::store) String);

impl Drop for Kept {
    fn drop(&mut self) {
        cluster().sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.0));
    }
}

/// A new database with the schema, a copy of one that was migrated once.
pub(in crate::store) async fn database() -> Kept {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(async || {
            cluster().sql("postgres", "CREATE DATABASE migrated");
            migrate(&settings(cluster(), "migrated")).await.expect("migrates");
        })
        .await;
    Kept(cluster().add_database("migrated"))
}

pub(in crate::store) async fn open(database: &str, keys: SiteKeys) -> PostgresStore {
    PostgresStore::open(settings(cluster(), database), keys).await.expect("opens")
}

async fn opened() -> (Arc<dyn Store>, Kept) {
    let kept = database().await;
    (Arc::new(open(&kept.0, SiteKeys::generate()).await), kept)
}

/// Two servers on one database.
async fn two() -> (Arc<PostgresStore>, Arc<PostgresStore>, Kept) {
    let (kept, keys) = (database().await, SiteKeys::generate());
    (Arc::new(open(&kept.0, keys.clone()).await), Arc::new(open(&kept.0, keys).await), kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_claim_every_job_once() {
    let (one, other, _kept) = two().await;
    for number in 0..60 {
        post(&*one, text(&format!("note {number}")), number).await;
    }
    let claims: Vec<_> = (0..40)
        .map(|task| {
            let store = Arc::clone(if task % 2 == 0 { &one } else { &other });
            tokio::spawn(async move { store.claim_jobs(3, MINUTE, at(100)).await.expect("claims") })
        })
        .collect();
    let mut jobs = Vec::new();
    for claim in claims {
        jobs.extend(claim.await.expect("runs"));
    }
    let all: BTreeSet<_> = jobs.iter().map(|job| job.id).collect();
    assert_eq!(all.len(), jobs.len(), "no job is claimed twice");
    // those that were passed over while others held them are found by the next claim
    jobs.extend(one.claim_jobs(100, MINUTE, at(100)).await.expect("claims"));
    assert_eq!(jobs.len(), 60);
    assert!(jobs.iter().all(|job| job.tries == 1 && job.fence == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_posted_to_both_at_once_is_one_note() {
    let (one, other, _kept) = two().await;
    let note = NewNote { external_id: Some("n1".to_owned()), ..of_encounter("e1", Some("p1"), "the same") };
    let posts: Vec<_> = (0..40)
        .map(|task| {
            let (store, note) = (Arc::clone(if task % 2 == 0 { &one } else { &other }), note.clone());
            tokio::spawn(async move { store.add_note(id(), note.into(), Actor::service(), at(0)).await.expect("stores") })
        })
        .collect();
    let mut created = 0;
    for post in posts {
        created += u32::from(matches!(post.await.expect("runs"), AddNote::Created { .. }));
    }
    let counts = one.counts(at(0)).await.expect("counts");
    assert_eq!((created, counts.notes, counts.items_open, counts.jobs_waiting), (1, 1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_of_an_encounter_posted_to_both_at_once_share_an_item() {
    let (one, other, _kept) = two().await;
    let posts: Vec<_> = (0..24)
        .map(|task| {
            let store = Arc::clone(if task % 2 == 0 { &one } else { &other });
            let note = of_encounter(&format!("e{}", task % 3), Some("p"), &format!("note {task}"));
            tokio::spawn(async move { post(&*store, note, task).await })
        })
        .collect();
    for post in posts {
        post.await.expect("runs");
    }
    let counts = other.counts(at(0)).await.expect("counts");
    assert_eq!((counts.notes, counts.items_open), (24, 3));
    let events = other.audit_events(0, 100).await.expect("reads");
    let numbers: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>(), "the trail has no gaps and no doubles");
}

/// What a reader of the trail has seen is never added to from behind.
#[tokio::test(flavor = "multi_thread")]
async fn the_trail_grows_in_the_order_of_the_commits() {
    let (one, other, _kept) = two().await;
    let writers: Vec<_> = (0..8)
        .map(|task| {
            let store = Arc::clone(if task % 2 == 0 { &one } else { &other });
            tokio::spawn(async move {
                for number in 0..20 {
                    let subject = Some(("note", id()));
                    store.record_audit(Actor::service(), "note.read", subject, "", at(number)).await.expect("records");
                }
            })
        })
        .collect();
    let mut seen = 0;
    while seen < 160 {
        let events = one.audit_events(seen, 1000).await.expect("reads");
        for event in events {
            seen += 1;
            assert_eq!(event.sequence, seen);
        }
    }
    for writer in writers {
        writer.await.expect("runs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_another_server_took_over_records_nothing() {
    let (one, other, _kept) = two().await;
    let note = post(&*one, text("a"), 0).await;
    let stale = one.claim_jobs(1, MINUTE, at(0)).await.expect("claims").remove(0);
    assert!(other.claim_jobs(1, MINUTE, at(30)).await.expect("claims").is_empty(), "a start frees nobody's claims");
    let current = other.claim_jobs(1, MINUTE, at(61)).await.expect("claims").remove(0);
    assert!(!one.record_extraction(&stale, extraction(note), at(62)).await.expect("answers"));
    assert!(!one.fail_job(&stale, JobFailure::Retry { at: at(70) }, at(62)).await.expect("answers"));
    assert!(other.record_extraction(&current, extraction(note), at(63)).await.expect("records"));
}

/// Coders on two servers: everything that changes one item comes one after another.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_has_one_holder_on_two_servers() {
    let (one, other, _kept) = two().await;
    let note = post(&*one, of_encounter("e", Some("p"), "a"), 0).await;
    extract_all(&*one, 1).await;
    let item = item_of(&*one, note, 2).await.item.id;
    let mut coders = Vec::new();
    for number in 0..12 {
        coders.push(user(&*one, &format!("coder{number}"), Role::Coder).await);
    }
    let claims: Vec<_> = coders
        .into_iter()
        .enumerate()
        .map(|(number, coder)| {
            let store = Arc::clone(if number % 2 == 0 { &one } else { &other });
            tokio::spawn(async move { store.claim_item(item, &coder, MINUTE, at(3)).await.expect("answers") })
        })
        .collect();
    let mut done = 0;
    for claim in claims {
        done += u32::from(matches!(claim.await.expect("runs"), crate::store::ItemChange::Done { .. }));
    }
    assert_eq!(done, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_servers_that_start_at_once_migrate_once() {
    let kept = Kept(cluster().add_database("template1"));
    let keys = SiteKeys::generate();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let (settings, keys) = (settings(cluster(), &kept.0), keys.clone());
            tokio::spawn(async move { PostgresStore::open(settings, keys).await.map(Arc::new) })
        })
        .collect();
    let mut stores = Vec::new();
    for start in starts {
        stores.push(start.await.expect("runs").expect("opens"));
    }
    let note = post(&*stores[0], identified("n", None, "seen by all"), 0).await;
    for store in &stores {
        let again = store.add_note(id(), identified("n", None, "seen by all").into(), Actor::service(), at(1)).await;
        assert_eq!(again.expect("answers"), AddNote::Existing { id: note }, "all have one index key");
    }
    assert!(migrate(&settings(cluster(), &kept.0)).await.expect("opens").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_only_when_it_needs_a_newer_program() {
    let kept = database().await;
    cluster().sql(&kept.0, "INSERT INTO schema_version VALUES (98, 'compatible', '0.1.0')");
    drop(open(&kept.0, SiteKeys::generate()).await);
    cluster().sql(&kept.0, "INSERT INTO schema_version VALUES (99, 'contracts', '99.0.0')");
    let refused = PostgresStore::open(settings(cluster(), &kept.0), SiteKeys::generate()).await;
    assert!(matches!(refused, Err(StoreError::Refused(message)) if message.contains("99.0.0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_site_keys_are_refused_and_rotation_works() {
    let kept = database().await;
    let (old, new) = (SiteKeys::generate(), SiteKeys::generate());
    let store = open(&kept.0, old.clone()).await;
    let note = post(&store, of_encounter("e", Some("p"), "kept"), 0).await;
    let refused = PostgresStore::open(settings(cluster(), &kept.0), new.clone()).await;
    assert!(matches!(refused, Err(StoreError::Sealed { table: "site_secret" })));
    conformance::site_packs::keep_one(&store).await;
    let rotated = open(&kept.0, old.rotated_to(new.clone())).await;
    assert_eq!(rotated.rewrap_data_keys().await.expect("wraps"), 6);
    assert_eq!(rotated.rewrap_data_keys().await.expect("wraps"), 0);
    let store = open(&kept.0, new).await;
    conformance::site_packs::assert_one_opens(&store).await;
    assert_eq!(store.note(note).await.expect("reads").expect("is there").content.text, "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_append_only_cannot_be_changed() {
    let kept = database().await;
    let store = open(&kept.0, SiteKeys::generate()).await;
    let note = post(&store, text("a"), 0).await;
    for sql in
        ["UPDATE audit_event SET detail = ''", "DELETE FROM audit_event", "TRUNCATE audit_event", "UPDATE note SET text = ''"]
    {
        let refused = store.database.connections.write(Arc::clone(&store.vault), move |unit| unit.execute(sql, ())).await;
        let problem = refused.expect_err(sql).to_string();
        assert!(problem.contains("SQLSTATE 23001, constraint "), "{problem}");
    }
    assert_eq!(store.note(note).await.expect("reads").expect("is there").content.text, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_no_value() {
    let kept = database().await;
    let store = open(&kept.0, SiteKeys::generate()).await;
    let insert = "INSERT INTO site_setting (name, body) VALUES (?1, ?2)";
    let write = |name: &'static str| {
        store.database.connections.write(Arc::clone(&store.vault), move |unit| unit.execute(insert, (name, "secret-body")))
    };
    write("secret-name").await.expect("writes");
    let problem = write("secret-name").await.expect_err("is there already").to_string();
    assert!(problem.contains("23505") && problem.contains("site_setting_pkey") && !problem.contains("secret"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_or_panics_undoes_only_itself() {
    let kept = database().await;
    let store = Arc::new(open(&kept.0, SiteKeys::generate()).await);
    let insert = "INSERT INTO site_secret (name, wrapped) VALUES (?1, '')";
    let writes: Vec<_> = (0..60)
        .map(|index| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let work = move |unit: &crate::store::sql::unit::Unit<'_>| {
                    unit.execute(insert, [format!("row {index}")])?;
                    match index % 3 {
                        0 => Ok(()),
                        1 => Err(StoreError::Refused("test".to_owned())),
                        _ => panic!("a test's panic"),
                    }
                };
                store.database.connections.write(Arc::clone(&store.vault), work).await
            })
        })
        .collect();
    for (index, write) in writes.into_iter().enumerate() {
        assert_eq!(write.await.expect("runs").is_ok(), index % 3 == 0, "{index}");
    }
    let count = "SELECT count(*) AS n FROM site_secret WHERE name LIKE 'row %'";
    let rows = store.database.connections.read(Arc::clone(&store.vault), move |unit| unit.count(count, ())).await;
    assert_eq!(rows.expect("counts"), 20);
}

/// Two transactions that wait for each other: one is undone and done again, and both are there in the end.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_each_other_comes_through() {
    let kept = database().await;
    let store = Arc::new(open(&kept.0, SiteKeys::generate()).await);
    cluster().sql(&kept.0, "INSERT INTO site_setting VALUES ('a', ''), ('b', '')");
    let runs = Arc::new(AtomicU32::new(0));
    let writes: Vec<_> = [("a", "b"), ("b", "a")]
        .into_iter()
        .map(|names| {
            let (store, runs) = (Arc::clone(&store), Arc::clone(&runs));
            tokio::spawn(async move {
                let work = move |unit: &crate::store::sql::unit::Unit<'_>| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    let sql = "UPDATE site_setting SET body = body || 'x' WHERE name = ?1";
                    unit.execute(sql, [names.0])?;
                    std::thread::sleep(Duration::from_millis(300));
                    unit.execute(sql, [names.1])
                };
                store.database.connections.write(Arc::clone(&store.vault), work).await
            })
        })
        .collect();
    for write in writes {
        write.await.expect("runs").expect("writes");
    }
    assert!(runs.load(Ordering::SeqCst) >= 3, "one was in the other's way");
    let count = "SELECT count(*) AS n FROM site_setting WHERE body = 'xx'";
    let rows = store.database.connections.read(Arc::clone(&store.vault), move |unit| unit.count(count, ())).await;
    assert_eq!(rows.expect("counts"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_is_woken_by_the_other_server() {
    let (one, other, _kept) = two().await;
    let wake = Arc::new(tokio::sync::Notify::new());
    let bell = Arc::clone(&wake);
    let listening = tokio::spawn(other.job_listener().run(move || bell.notify_one()));
    let woken = || tokio::time::timeout(Duration::from_secs(10), wake.notified());
    woken().await.expect("wakes when it begins to listen");
    post(&*one, text("a"), 0).await;
    woken().await.expect("wakes for a job");
    listening.abort();
}

/// A crash of the database: what was answered is there, and the store goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_database_loses_nothing_that_was_answered() {
    let own = Cluster::start(&[]);
    let store = Arc::new(PostgresStore::open(settings(&own, "postgres"), SiteKeys::generate()).await.expect("opens"));
    let wake = Arc::new(tokio::sync::Notify::new());
    let bell = Arc::clone(&wake);
    let listening = tokio::spawn(store.job_listener().run(move || bell.notify_one()));
    let posters: Vec<_> = (0..6)
        .map(|poster| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for number in 0..150 {
                    let note = identified(&format!("{poster}-{number}"), None, "kept");
                    if let Ok(AddNote::Created { id }) = store.add_note(id(), note.into(), Actor::service(), at(number)).await {
                        answered.push(id);
                    }
                }
                answered
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    tokio::task::block_in_place(|| own.control("restart"));
    let mut answered = Vec::new();
    for poster in posters {
        answered.extend(poster.await.expect("runs"));
    }
    assert!(!answered.is_empty());
    for note in &answered {
        assert!(store.note(*note).await.expect("the pool recovers").is_some(), "{note} was answered");
    }
    let after = post(&*store, text("after the crash"), 0).await;
    assert!(store.note(after).await.expect("reads").is_some());
    let events = store.audit_events(0, 100_000).await.expect("reads");
    assert!(events.iter().zip(1..).all(|(event, number)| event.sequence == number), "the trail has no gaps");
    while let Ok(()) = tokio::time::timeout(Duration::from_millis(2500), wake.notified()).await {}
    post(&*store, text("heard"), 0).await;
    let woken = tokio::time::timeout(Duration::from_secs(10), wake.notified()).await;
    woken.expect("the listener connects again");
    listening.abort();
}

/// The role that SECURITY advises: it uses the tables and owns none.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_owns_nothing_serves() {
    let (kept, empty) = (database().await, Kept(cluster().add_database("template1")));
    cluster().sql("postgres", "CREATE ROLE clerk LOGIN");
    cluster().sql(&kept.0, "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO clerk");
    cluster().sql(
        &kept.0,
        "GRANT DELETE ON idempotency_key, used_assertion, client_key, own_record, sign_in_failure, sign_in_step TO clerk",
    );
    let open = async |database: &str| {
        let url = cluster().url(database).replace("user=postgres", "user=clerk");
        PostgresStore::open(PostgresSettings::parse(&url, None).expect("reads"), SiteKeys::generate()).await
    };
    let store = open(&kept.0).await.expect("opens");
    let note = post(&store, of_encounter("e", Some("p"), "a"), 0).await;
    extract_all(&store, 1).await;
    let coder = user(&store, "coder", Role::Coder).await;
    let item = item_of(&store, note, 2).await.item.id;
    store.claim_item(item, &coder, MINUTE, at(3)).await.expect("claims");
    assert!(store.set_client_keys("coder", Some("{}".to_owned()), Actor::service(), at(4)).await.expect("keeps"));
    store.redeem_assertion([1; 32], at(9), at(4)).await.expect("keeps");
    let behind = open(&empty.0).await;
    assert!(matches!(behind, Err(StoreError::Refused(message)) if message.contains("abstractor migrate")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_loses_answers_is_refused() {
    let own = Cluster::start(&["fsync=off"]);
    let refused = PostgresStore::open(settings(&own, "postgres"), SiteKeys::generate()).await;
    assert!(matches!(refused, Err(StoreError::Refused(message)) if message.contains("fsync")));
}

/// Over the network: a password, and a certificate that must be signed by whom we trust.
#[tokio::test(flavor = "multi_thread")]
async fn tls_and_password() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let own = Cluster::start(&["listen_addresses=127.0.0.1", &format!("port={free}")]);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("makes a certificate");
    let (certificate, key) = (own.folder().join("data/server.crt"), own.folder().join("data/server.key"));
    std::fs::write(&certificate, made.cert.pem()).expect("writes");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("writes");
    let fixed = std::process::Command::new("sh")
        .args(["-c", "chmod 600 \"$1\" && chown --reference=\"$2\" \"$1\" \"$0\""])
        .arg(&certificate)
        .arg(&key)
        .arg(own.folder().join("data/PG_VERSION"))
        .status();
    assert!(fixed.expect("runs").success());
    let settings_file = own.folder().join("data/postgresql.auto.conf");
    let lines = std::fs::read_to_string(&settings_file).expect("reads");
    std::fs::write(&settings_file, format!("{lines}ssl = on\n")).expect("writes");
    tokio::task::block_in_place(|| own.control("restart"));

    let open = async |host: &str, rest: &str, password: &str| {
        let url = format!("postgres://postgres@{host}:{free}/postgres?sslmode=verify-full{rest}");
        let settings = PostgresSettings::parse(&url, Some(password)).expect("reads");
        PostgresStore::open(settings, SiteKeys::generate()).await.map(drop)
    };
    let trusted = format!("&sslrootcert={}", certificate.display());
    let password = super::cluster::PASSWORD;
    let problem = |result: Result<(), StoreError>| result.expect_err("is refused").to_string();
    assert!(problem(open("localhost", "", password).await).contains("connection"), "nobody signed it whom the machine trusts");
    assert!(problem(open("127.0.0.1", &trusted, password).await).contains("connection"), "it names another host");
    assert!(problem(open("localhost", &trusted, "wrong secret").await).contains("28P01"));
    open("localhost", &trusted, password).await.expect("opens");
}

/// Prints how many notes a second each store takes, side by side; asserts only that none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn notes_a_second() {
    let body = "The patient denies chest pain. ".repeat(66);
    for (posters, each) in [(1, 200), (32, 40)] {
        let folder = tempfile::TempDir::new().expect("makes a folder");
        let path = folder.path().join("abstractor.db");
        let file = sqlite::SqliteStore::open(&path, SiteKeys::generate(), sqlite::OpenMode::Serve).expect("opens");
        let (server, _kept) = opened().await;
        for (name, store) in [("SQLite", Arc::new(file) as Arc<dyn Store>), ("PostgreSQL", server)] {
            let start = Instant::now();
            let tasks: Vec<_> = (0..posters)
                .map(|poster| tokio::spawn(sqlite::tests::post_many(Arc::clone(&store), poster, each, body.clone())))
                .collect();
            for task in tasks {
                task.await.expect("runs");
            }
            let (seconds, notes) = (start.elapsed().as_secs_f64(), posters * each);
            println!(
                "{name}: {notes} notes of {} bytes by {posters} posters: {:.0} notes/s",
                body.len(),
                f64::from(notes) / seconds
            );
            assert_eq!(store.counts(at(0)).await.expect("counts").notes, u64::from(notes));
        }
    }
}
