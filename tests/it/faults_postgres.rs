//! What goes wrong between servers and their PostgreSQL database: it restarts, is away, or does not answer; a server dies or freezes with
//! jobs that it claimed; settings that would lose what was answered.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    cluster::Cluster,
    faults::assert_unable,
    ledger::{Ledger, long_note, note, notes},
    server::{Server, Start, program, wait_until},
};

/// No request may take longer, whatever the database does.
const BOUND: Duration = Duration::from_secs(30);
/// A server whose requests wait no longer than a few seconds.
const IMPATIENT: &str = "[limits]\nrequest_seconds = 10\n";

/// A cluster with a database for a site.
fn hospital(settings: &[&str]) -> Cluster {
    let cluster = Cluster::start(settings);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    cluster
}

fn serve(database: String) -> Server {
    Server::serve_as(Start { database: Some(database), ..Start::default() }, IMPATIENT, |_| {})
}

/// One number that the database tells.
fn number(cluster: &Cluster, sql: &str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let url = cluster.url("hospital");
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("connects");
        let driven = tokio::spawn(connection);
        let row = client.query_one(sql, &[]).await.expect("answers");
        drop(client);
        let _ = driven.await;
        row.get(0)
    })
}

/// Posts until it is told to stop. Every request is answered in time: with an acknowledgement, or with a problem.
fn post_until(server: &Server, ledger: &Ledger, is_over: &AtomicBool, name: &str) {
    for number in (0..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
        let started = Instant::now();
        let reply = ledger.post(server, &note(name, number)).expect("the server answers");
        if reply.status != 202 {
            assert_unable(&reply);
        }
        assert!(started.elapsed() < BOUND, "answered {} after {:?}", reply.status, started.elapsed());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_database_that_restarts_or_is_away_comes_back_without_a_restart_of_the_server() {
    let cluster = hospital(&[]);
    let server = serve(cluster.url("hospital"));
    let (ledger, is_over) = (Ledger::default(), AtomicBool::new(false));
    let ready = || server.call("GET", "/health/ready", "", None).status;
    let faults = || {
        let more = |count: usize| {
            let before = ledger.count();
            wait_until("notes are taken", BOUND, || ledger.count() >= before + count);
        };
        more(20);
        cluster.control("restart");
        more(20);
        cluster.control("stop");
        wait_until("it says that it is not ready", BOUND, || ready() == 503);
        assert_eq!(server.call("GET", "/health/live", "", None).status, 200, "which is no reason to start it again");
        std::thread::sleep(Duration::from_secs(2));
        cluster.control("start");
        more(20);
        wait_until("it is ready again", BOUND, || ready() == 200);
    };
    std::thread::scope(|scope| {
        for sender in 0..3 {
            let (server, ledger, is_over) = (&server, &ledger, &is_over);
            scope.spawn(move || post_until(server, ledger, is_over, &format!("away-{sender}")));
        }
        // the senders end, whatever came of it
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(faults));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
    ledger.assert_whole(&server);
    assert_eq!(server.gauge("abstractor_notes_quarantined"), 0, "which is no fault of a note");
}

/// Stands between a server and PostgreSQL. While it holds what it gets, the other side seems to be there and says nothing.
struct Between {
    url: String,
    is_holding: Arc<AtomicBool>,
}

impl Between {
    fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("postgres://postgres@127.0.0.1:{port}/hospital?sslmode=disable");
        let is_holding = Arc::new(AtomicBool::new(false));
        let between = Self { url, is_holding: Arc::clone(&is_holding) };
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(database)) = (client, UnixStream::connect(&socket)) else { continue };
                let both = Arc::new((client, database));
                for is_answer in [false, true] {
                    let (both, is_holding) = (Arc::clone(&both), Arc::clone(&is_holding));
                    std::thread::spawn(move || {
                        let (client, database) = (&both.0, &both.1);
                        if is_answer {
                            pass_on(database, client, &is_holding);
                        } else {
                            pass_on(client, database, &is_holding);
                        }
                        let _ = client.shutdown(Shutdown::Both);
                        let _ = database.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        between
    }

    fn hold(&self, holds: bool) {
        self.is_holding.store(holds, Ordering::Relaxed);
    }
}

fn pass_on(mut from: impl Read, mut to: impl Write, is_holding: &AtomicBool) {
    let mut buffer = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while is_holding.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

#[test]
fn a_database_that_does_not_answer_lets_no_request_hang() {
    let cluster = hospital(&[]);
    let between = Between::start(cluster.folder().join(".s.PGSQL.5432"));
    let server = serve(between.url.clone());
    let ledger = Ledger::default();
    ledger.post_many(&server, &notes("before", 20));
    between.hold(true);
    std::thread::scope(|scope| {
        let (server, ledger) = (&server, &ledger);
        // more than there are connections
        for number in 0..24 {
            scope.spawn(move || {
                let started = Instant::now();
                let reply = ledger.post(server, &note("held", number)).expect("the server answers");
                assert_unable(&reply);
                assert!(started.elapsed() < BOUND, "answered after {:?}", started.elapsed());
            });
        }
        scope.spawn(move || {
            let started = Instant::now();
            assert_eq!(server.call("GET", "/health/ready", "", None).status, 503);
            assert!(started.elapsed() < BOUND, "answered after {:?}", started.elapsed());
        });
        assert_eq!(server.call("GET", "/health/live", "", None).status, 200);
    });
    between.hold(false);
    let next = note("after", 0);
    wait_until("notes are taken again, without a restart", BOUND, || {
        ledger.post(&server, &next).expect("the server answers").status == 202
    });
    wait_until("it is ready again", BOUND, || server.call("GET", "/health/ready", "", None).status == 200);
    ledger.assert_whole(&server);
    assert_eq!(server.gauge("abstractor_notes_quarantined"), 0, "which is no fault of a note");
}

/// Notes that keep a server busy for a while.
fn busy(name: &str) -> Vec<Value> {
    (0..40).map(|number| long_note(name, number, 8_000)).collect()
}

/// Stops a server's process, without ending it, while it holds claims; how many.
fn frozen_with_claims(server: &Server, cluster: &Cluster) -> i64 {
    for _ in 0..100 {
        server.signal("STOP");
        // what was sent before is done by then; a transaction in which nobody goes on is undone, as PostgreSQL does by itself in a minute
        let end =
            "SELECT pg_sleep(0.2); SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'";
        cluster.sql("hospital", end);
        let held = number(cluster, "SELECT count(*) FROM job WHERE state = 'claimed'");
        if held > 0 {
            return held;
        }
        server.signal("CONT");
        std::thread::sleep(Duration::from_millis(30));
    }
    panic!("the server never held a claim");
}

/// Has the claims of a server that is gone run out, which takes five minutes, once the other one has done everything else.
fn run_out(cluster: &Cluster, held: i64) {
    let claimed = "SELECT count(*) FROM job WHERE state = 'claimed'";
    let is_rest = format!(
        "SELECT (count(*) FILTER (WHERE state = 'waiting') = 0 AND count(*) FILTER (WHERE state = 'claimed') = {held})::int::bigint FROM job"
    );
    let is_done = |sql: &str, wanted: i64| {
        std::thread::sleep(Duration::from_millis(200));
        number(cluster, sql) == wanted
    };
    wait_until("only what the other one claimed is left", Duration::from_secs(120), || is_done(&is_rest, 1));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(number(cluster, claimed), held, "a claim is taken over before it ran out");
    cluster.sql("hospital", "UPDATE job SET lease_until = 0 WHERE state = 'claimed'");
    let open = "SELECT count(*) FROM job WHERE state IN ('waiting', 'claimed')";
    wait_until("what was claimed is taken over", Duration::from_secs(60), || is_done(open, 0));
}

#[test]
fn claims_of_a_server_that_is_gone_run_out_and_those_of_one_that_comes_back_are_stale() {
    let cluster = hospital(&[]);
    let mut first = serve(cluster.url("hospital"));
    let ledger = Ledger::default();
    ledger.post_many(&first, &busy("dead"));
    let held = frozen_with_claims(&first, &cluster);
    first.kill();
    let second = first.another();
    run_out(&cluster, held);

    ledger.post_many(&second, &busy("frozen"));
    let held = frozen_with_claims(&second, &cluster);
    let third = second.another();
    run_out(&cluster, held);
    let before = number(&cluster, "SELECT count(*) FROM audit_event WHERE action = 'extraction.recorded'");
    assert_eq!(before, 80);
    second.signal("CONT");
    wait_until("the frozen one hears that its claims are stale", Duration::from_secs(60), || {
        let metrics = second.call("GET", "/metrics", "admin", None).text;
        metrics.lines().any(|line| line.starts_with("abstractor_extractions_total{recorded=\"stale\"}"))
    });
    ledger.assert_whole(&third);
    ledger.assert_kept(&second);
}

#[test]
fn whatever_the_cluster_says_an_answer_waits_for_its_disk() {
    let cluster = hospital(&["synchronous_commit=off"]);
    // a cluster that itself does not wait for the disk is refused, and told so
    for setting in ["fsync", "full_page_writes"] {
        let set = |value: &str| {
            cluster.sql("postgres", &format!("ALTER SYSTEM SET {setting} = {value}"));
            cluster.sql("postgres", "SELECT pg_reload_conf()");
            let shown = format!("SELECT count(*) FROM pg_settings WHERE name = '{setting}' AND setting = '{value}'");
            wait_until(&format!("{setting} is {value}"), Duration::from_secs(10), || number(&cluster, &shown) == 1);
        };
        set("off");
        let output = program(&["migrate", "--database", &cluster.url("hospital")], b"");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("can lose what it answered"), "{setting}: {said}");
        set("on");
    }

    let mut server = serve(cluster.url("hospital"));
    // each transaction tells how it is committed
    let tables = ["note", "extraction", "decision", "audit_event", "user_account", "token"];
    let triggers = tables.map(|table| {
        format!("CREATE TRIGGER tell AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.tell_how_it_is_committed();")
    });
    let sql = format!(
        "CREATE TABLE told (source TEXT, setting TEXT);
         CREATE FUNCTION public.tell_how_it_is_committed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO told VALUES (TG_TABLE_NAME, current_setting('synchronous_commit')); RETURN NULL; END $$;
         {}",
        triggers.concat()
    );
    cluster.sql("hospital", &sql);
    let id = server.post_note(&note("durable", 0));
    server.extraction(&id);
    server.add_user("ada", &["--role", "coder"]);
    let item = super::ledger::items(&server)[0]["id"].as_str().expect("an id").to_owned();
    let address = format!("/v1/review/items/{item}");
    assert_eq!(server.call("POST", &format!("{address}/claim"), "ada", Some(b"")).status, 200);
    let detail = server.call("GET", &address, "ada", None).json();
    let entry = detail["entries"][0]["id"].as_str().expect("an id").to_owned();
    let accept = serde_json::json!({"action": "accept"});
    assert_eq!(Ledger::default().decide(&server, "ada", &item, &[(entry, accept)]).status, 200);
    assert_eq!(number(&cluster, "SELECT count(DISTINCT source) FROM told"), i64::try_from(tables.len()).expect("few"));
    assert_eq!(number(&cluster, "SELECT count(*) FROM told WHERE setting <> 'on'"), 0, "a commit does not wait for the disk");
}
