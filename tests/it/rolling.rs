//! A rolling upgrade: servers behind a balancer are replaced one by one while notes come in and lists are read.
//!
//! The balancer is the sender's own choice of a server that said a moment ago that it is ready; it never tries a failed request again, so a
//! single refused or broken one fails the test.

use std::{
    collections::BTreeMap,
    sync::{
        RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    cluster::Cluster,
    ledger::{Ledger, note},
    server::{Server, Start, wait_until},
};

/// A server that goes on serving for a second when it was told to stop.
const LINGERS: &str = "[stop]\nlinger_seconds = 1\n";
/// How often a balancer asks who is ready; well below the time that a stopping server goes on serving.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// The servers, and whether each was ready when it was asked last.
#[derive(Default)]
struct Balancer(RwLock<Vec<(Server, AtomicBool)>>);

impl Balancer {
    fn add(&self, server: Server) {
        self.0.write().expect("nobody panicked").push((server, AtomicBool::new(false)));
        self.ask();
    }

    fn ask(&self) {
        for (server, is_ready) in &*self.0.read().expect("nobody panicked") {
            let ready = server.try_call("GET", "/health/ready", "", None).is_ok_and(|reply| reply.status == 200);
            is_ready.store(ready, Ordering::Relaxed);
        }
    }

    /// Stops the one that is here longest, and takes it out when it says that it is not ready any more.
    fn stop_first(&self) {
        if !lingers(&self.0.read().expect("nobody panicked")[0].0) {
            // a program that closes at once is taken out first, as its operator would
            let (mut old, _) = self.0.write().expect("nobody panicked").remove(0);
            old.signal("TERM");
            assert_eq!(old.ended_within(Duration::from_secs(30)), Some(0), "{}", old.log());
            return;
        }
        self.0.read().expect("nobody panicked")[0].0.signal("TERM");
        wait_until("it is not ready", Duration::from_secs(5), || {
            !self.0.read().expect("nobody panicked")[0].1.load(Ordering::Relaxed)
        });
        // nobody sends to it now: the lock waits for those who do
        let (mut old, _) = self.0.write().expect("nobody panicked").remove(0);
        assert_eq!(old.ended_within(Duration::from_secs(30)), Some(0), "{}", old.log());
    }

    /// One that is ready, each in its turn.
    fn with_one<T>(&self, turn: &AtomicU64, act: impl FnOnce(&Server) -> T) -> T {
        let servers = self.0.read().expect("nobody panicked");
        let ready: Vec<&Server> =
            servers.iter().filter(|(_, ready)| ready.load(Ordering::Relaxed)).map(|(one, _)| one).collect();
        assert!(!ready.is_empty(), "nobody is ready");
        let index = turn.fetch_add(1, Ordering::Relaxed) % ready.len() as u64;
        act(ready[usize::try_from(index).expect("a small number")])
    }
}

fn lingers(server: &Server) -> bool {
    std::fs::read_to_string(server.data.join("abstractor.toml")).expect("its configuration") == LINGERS
}

/// What a server of the new program is started with.
struct NewServer {
    tokens: BTreeMap<String, String>,
    start: Start,
    key: Vec<u8>,
}

impl NewServer {
    fn another(&self) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("demo.key"), &self.key).expect("is written");
        std::fs::write(folder.path().join("abstractor.toml"), LINGERS).expect("is written");
        let path = folder.path().to_owned();
        Server::serve_on(self.start.clone(), &path, self.tokens.clone(), Some(folder))
    }
}

#[expect(clippy::disallowed_methods, reason = "the long tier of the tests is asked for by the environment")]
fn previous() -> Option<String> {
    std::env::var("ABSTRACTOR_TEST_PREVIOUS").ok().filter(|program| !program.is_empty())
}

/// The long tier begins with the last program that had another schema (`ABSTRACTOR_TEST_PREVIOUS`), the short one with this one.
#[test]
fn servers_are_replaced_one_by_one_without_a_failed_request() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let new = Start { database: Some(cluster.url("hospital")), ..Start::default() };
    let old = Start { program: previous(), ..new.clone() };
    // a program that knew of no linger is given none
    let configuration = if old.program.is_some() { "" } else { LINGERS };
    let first = Server::serve_as(old, configuration, |_| {});
    let newest =
        NewServer { tokens: first.tokens.clone(), start: new, key: std::fs::read(first.data.join("demo.key")).expect("a key") };
    let balancer = Balancer::default();
    let second = first.another();
    balancer.add(first);
    balancer.add(second);
    let (ledger, is_over, turn) = (Ledger::default(), AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for sender in 0..2 {
            let (balancer, ledger, is_over, turn) = (&balancer, &ledger, &is_over, &turn);
            scope.spawn(move || {
                for number in (0..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    balancer.with_one(turn, |server| {
                        let reply = ledger.post(server, &note(&format!("rolling-{sender}"), number)).expect("a server answers");
                        assert_eq!(reply.status, 202, "{}", reply.text);
                        let list = server.call("GET", "/v1/review/items?limit=5", "coder", None);
                        assert_eq!(list.status, 200, "{}", list.text);
                    });
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
        }
        let (balancer, newest, ended) = (&balancer, &newest, &is_over);
        scope.spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                balancer.ask();
                std::thread::sleep(ASKED_EVERY);
            }
        });
        let replaced = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..2 {
                balancer.add(newest.another());
                balancer.stop_first();
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = replaced {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(ledger.count() > 20, "{}", ledger.count());
    let servers = balancer.0.read().expect("nobody panicked");
    ledger.assert_whole(&servers[0].0);
}
