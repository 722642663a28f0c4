//! Group commit: who shares a commit, and what the failure of one means for the others.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use super::{
    PostgresStore,
    group::{CROWD, LEADERS},
    tests::{Kept, cluster, database, open},
};
use crate::{
    seal::SiteKeys,
    store::{
        AccountStore as _, Actor, AddNote, NoteStore as _, StoreError,
        conformance::{at, id, identified},
        sql::{Database as _, unit::Unit, value::Value},
    },
};

/// A piece of work.
type Work = Box<dyn Fn(&Unit<'_>) -> Result<(), StoreError> + Send>;

const INSERT: &str = "INSERT INTO site_setting (name, body) VALUES (?1, ?2)";

async fn opened() -> (Arc<PostgresStore>, Kept) {
    let kept = database().await;
    let store = open(&kept.0, SiteKeys::generate()).await;
    (Arc::new(store), kept)
}

fn name(number: u8) -> [u8; 32] {
    [number; 32]
}

async fn count(store: &PostgresStore, sql: &'static str) -> u64 {
    store.database.read(move |unit| unit.count(sql, ())).await.expect("counts")
}

/// Holds a name that all leaders wait for, and queues the works behind them, so that they come in groups. Their answers.
async fn in_groups<W>(store: &Arc<PostgresStore>, works: impl IntoIterator<Item = W>) -> Vec<Result<(), StoreError>>
where
    W: Fn(&Unit<'_>) -> Result<(), StoreError> + Send + 'static,
{
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let holder = tokio::task::spawn({
        let store = Arc::clone(store);
        let (held, begun) = (std::sync::Mutex::new(held), std::sync::Mutex::new(Some(begun)));
        async move {
            let hold = move |unit: &Unit<'_>| {
                unit.session.hold(&[i64::from_be_bytes([255; 8])])?;
                unit.count("SELECT 1 AS n", ())?;
                if let Some(begun) = begun.lock().expect("one thread").take() {
                    begun.send(()).expect("somebody waits");
                }
                held.lock().expect("one thread").recv().map_err(|_| StoreError::Database("nobody let go".to_owned()))
            };
            store.database.write(hold).await
        }
    });
    begins.await.expect("holds");
    let add = |names: Vec<[u8; 32]>, work: Work| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.database.write_named(names, work).await })
    };
    let mut leaders = Vec::new();
    for leader in 1..=LEADERS {
        let enough = if leader == 1 { 1 } else { CROWD };
        leaders.extend((0..enough).map(|_| add(vec![name(255)], Box::new(|_| Ok(())))));
        let waiting = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while count(store, waiting).await < leader as u64 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    let works: Vec<_> = works.into_iter().zip(0..).map(|(work, number)| add(vec![name(number)], Box::new(work))).collect();
    while store.database.groups.waits() < works.len() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let_go.send(()).expect("the holder waits");
    holder.await.expect("runs").expect("holds");
    for leader in leaders {
        leader.await.expect("runs").expect("is done");
    }
    let mut answers = Vec::new();
    for work in works {
        answers.push(work.await.expect("runs"));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_queued_up_shares_a_commit() {
    let (store, _kept) = opened().await;
    let works = (0..50).map(|number| move |unit: &Unit<'_>| unit.write(INSERT, (format!("row {number}"), "")));
    assert!(in_groups(&store, works).await.iter().all(Result::is_ok));
    assert_eq!(count(&store, "SELECT count(*) AS n FROM site_setting WHERE name LIKE 'row %'").await, 50);
    let commits = count(&store, "SELECT count(DISTINCT xmin::text) AS n FROM site_setting WHERE name LIKE 'row %'").await;
    assert!(commits <= 2, "{commits} commits for what two leaders found waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_in_a_group_undoes_only_itself() {
    let (store, _kept) = opened().await;
    // says nothing wrong itself: the database does, with the next statement or at the commit
    store.database.write(|unit| unit.write(INSERT, ("taken", ""))).await.expect("writes");
    let works = (0..60).map(|number| {
        move |unit: &Unit<'_>| {
            unit.write(INSERT, (format!("row {number}"), ""))?;
            match number % 4 {
                0 => Ok(()),
                1 => Err(StoreError::Refused("test".to_owned())),
                2 => unit.write(INSERT, ("taken", "")),
                _ => panic!("a test's panic"),
            }
        }
    });
    for (number, answer) in in_groups(&store, works).await.into_iter().enumerate() {
        match (number % 4, answer) {
            (0, Ok(())) => {}
            (1, Err(StoreError::Refused(problem))) => assert_eq!(problem, "test"),
            (2, Err(StoreError::Database(problem))) => assert!(problem.contains("23505"), "{problem}"),
            (3, Err(StoreError::Database(problem))) => assert!(problem.contains("panicked"), "{problem}"),
            (_, answer) => panic!("{number}: {answer:?}"),
        }
    }
    assert_eq!(count(&store, "SELECT count(*) AS n FROM site_setting WHERE name LIKE 'row %'").await, 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_connection_is_lost_before_the_commit_is_done_again() {
    let (store, _kept) = opened().await;
    let (lost, runs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let works = (0..20).map(|number| {
        let (lost, runs) = (Arc::clone(&lost), Arc::clone(&runs));
        move |unit: &Unit<'_>| {
            runs.fetch_add(1, Ordering::SeqCst);
            unit.write(INSERT, (format!("row {number}"), ""))?;
            if number == 10 && !lost.swap(true, Ordering::SeqCst) {
                unit.count("SELECT count(pg_terminate_backend(pg_backend_pid())) AS n", ())?;
                unit.count("SELECT 1 AS n", ())?;
            }
            Ok(())
        }
    });
    let answers = in_groups(&store, works).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(runs.load(Ordering::SeqCst) > 20, "the group was undone");
    assert_eq!(count(&store, "SELECT count(*) AS n FROM site_setting WHERE name LIKE 'row %'").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_connection_is_lost_in_the_commit_is_told_so_and_not_done_again() {
    let (store, kept) = opened().await;
    let runs = Arc::new(AtomicU32::new(0));
    cluster().sql(
        &kept.0,
        "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER leaves AFTER INSERT ON site_setting DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW WHEN (NEW.name = 'row 7') EXECUTE FUNCTION leave()",
    );
    let works = (0..20).map(|number| {
        let runs = Arc::clone(&runs);
        move |unit: &Unit<'_>| {
            runs.fetch_add(1, Ordering::SeqCst);
            unit.write(INSERT, (format!("row {number}"), ""))
        }
    });
    let answers = in_groups(&store, works).await;
    let told = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Unavailable(_)))).count() as u64;
    assert!(told > 0 && answers.iter().all(|answer| !matches!(answer, Err(StoreError::Database(_)))), "{answers:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 20, "nothing was done twice");
    assert_eq!(count(&store, "SELECT count(*) AS n FROM site_setting WHERE name LIKE 'row %'").await, 20 - told);
}

/// A statement that never leaves this program must not leave a commit behind it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_committed_around_what_cannot_be_sent() {
    let (store, _kept) = opened().await;
    for last in [("row b", Value::Integer(1)), ("taken", Value::Text("".into()))] {
        let written = store.database.write(move |unit| {
            unit.write(INSERT, ("taken", ""))?;
            unit.write(INSERT, ("row a", ""))?;
            unit.session.write(INSERT, &[Value::Text(last.0.into()), last.1.clone()])
        });
        let problem = written.await.expect_err("one of them cannot be written").to_string();
        assert!(!problem.contains("row"), "{problem}");
        assert_eq!(count(&store, "SELECT count(*) AS n FROM site_setting").await, 0, "{problem}");
    }
}

/// Two servers, notes of the same encounters in other orders, versions that are sent to both: all are there once, and the trail has no gaps.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_several_servers_keep_the_rules() {
    let (kept, keys) = (database().await, SiteKeys::generate());
    let stores = [Arc::new(open(&kept.0, keys.clone()).await), Arc::new(open(&kept.0, keys).await)];
    let posts: Vec<_> = (0..400)
        .map(|task: i64| {
            // each document goes to both servers, each encounter has notes of both, and neighbours come in both orders
            let (store, document) = (Arc::clone(&stores[usize::from(task % 2 == 1)]), task / 2);
            let encounter = if task % 3 == 0 { document % 7 } else { 6 - document % 7 };
            let note = crate::domain::NewNote {
                encounter: Some(format!("e{encounter}")),
                patient: Some(crate::domain::Patient { id: format!("p{encounter}"), ..Default::default() }),
                ..identified(&format!("d{document}"), None, "kept")
            };
            tokio::spawn(async move { store.add_note(id(), note.into(), Actor::service(), at(task)).await.expect("stores") })
        })
        .collect();
    let mut created = 0;
    for post in posts {
        created += u32::from(matches!(post.await.expect("runs"), AddNote::Created { .. }));
    }
    assert_eq!(created, 200, "each document is there once");
    let counts = stores[0].counts(at(500)).await.expect("counts");
    assert_eq!((counts.notes, counts.items_open, counts.jobs_waiting), (200, 7, 200));
    let events = stores[1].audit_events(0, 100_000).await.expect("reads");
    assert!(events.iter().zip(1..).all(|(event, number)| event.sequence == number), "the trail has no gaps");
    assert_eq!(events.iter().filter(|event| event.action == "note.stored").count(), 200);
}
