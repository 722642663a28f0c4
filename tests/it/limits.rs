//! Every bound that a sender can meet, met from outside: what is full says so, says when to come back, and takes again afterwards.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    cluster::Cluster,
    ledger::{Ledger, note, notes},
    server::{PROGRAM, Reply, Server, Start, wait_until},
};

/// A text that takes this build some seconds.
fn long_text() -> String {
    "Hypertension and type 2 diabetes mellitus, on metformin 500 mg twice daily. Denies chest pain. ".repeat(10_000)
}

fn assert_refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text);
    let seconds: u64 = reply.headers["retry-after"].parse().expect("seconds");
    assert!((1..=60).contains(&seconds));
}

/// What the server says over a plain connection.
fn said(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("is told");
    // the other side may end the connection hard after its last word
    let _ = stream.read_to_string(&mut text);
    text
}

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects")
}

/// Whether something was turned away for this reason.
pub fn is_refused(server: &Server, reason: &str) -> bool {
    let line = format!("abstractor_refused_total{{reason=\"{reason}\"}}");
    server.call("GET", "/metrics", "admin", None).text.lines().any(|found| found.starts_with(&line))
}

#[test]
fn a_client_that_sends_too_fast_waits_and_the_others_do_not() {
    let server = Server::serve("[limits]\nrequests_per_second = 4\n", |_| {});
    let replies: Vec<Reply> = (0..12).map(|_| server.call("GET", "/v1/notes/none", "submitter", None)).collect();
    let slowed: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!((4..=8).contains(&slowed.len()), "{} of 12", slowed.len());
    assert_refused(slowed[0], 429, "too_many_requests");
    assert_eq!(server.call("GET", "/v1/review/items", "coder", None).status, 200, "another client");
    for _ in 0..20 {
        assert_eq!(server.call("GET", "/health/ready", "", None).status, 200, "who watches the service is never slowed");
    }
    std::thread::sleep(Duration::from_secs(1));
    assert_ne!(server.call("GET", "/v1/notes/none", "submitter", None).status, 429);
    assert!(is_refused(&server, "client_rate"));
}

#[test]
fn one_client_gets_half_of_the_places_and_an_answer_that_takes_too_long_is_given_up() {
    let server = Server::serve("[limits]\nrequests = 4\nrequest_seconds = 2\nextraction_seconds = 120\n", |_| {});
    let body = json!({"text": long_text()}).to_string();
    std::thread::scope(|scope| {
        let extract = || server.call("POST", "/v1/extract", "submitter", Some(body.as_bytes()));
        let running: Vec<_> = (0..2).map(|_| scope.spawn(extract)).collect();
        wait_until("two run", Duration::from_secs(10), || server.gauge("abstractor_http_requests_in_flight") >= 2);
        assert_refused(&server.call("GET", "/v1/notes/none", "submitter", None), 429, "too_many_at_once");
        assert_eq!(server.call("GET", "/v1/review/items", "coder", None).status, 200, "another client");
        for reply in running {
            assert_refused(&reply.join().expect("answers"), 503, "deadline");
        }
    });
    // the places are free again
    assert_eq!(server.call("GET", "/v1/notes/none", "submitter", None).status, 404);
    assert!(is_refused(&server, "client_requests") && is_refused(&server, "deadline"));
}

#[test]
fn connections_are_bounded_and_those_that_say_nothing_are_ended() {
    let server = Server::serve("[limits]\nconnections = 3\n", |_| {});
    let mut silent: Vec<TcpStream> = (0..3).map(|_| connect(&server)).collect();
    wait_until("the fourth is refused", Duration::from_secs(10), || {
        server.try_call("GET", "/v1/notes/none", "submitter", None).is_ok_and(|reply| reply.status == 503)
    });
    assert_refused(&server.call("GET", "/v1/notes/none", "submitter", None), 503, "overloaded");
    for _ in 0..40 {
        assert_eq!(
            server.call("GET", "/health/ready", "", None).status,
            200,
            "who watches the service is answered all the same"
        );
    }
    // what is sent piece by piece is taken; one connection less, and the next one is served
    silent[0].write_all(b"GET /health/live HT").expect("sends");
    silent[0].write_all(b"TP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sends");
    assert!(said(&mut silent[0]).starts_with("HTTP/1.1 200 OK"));
    wait_until("a place is free", Duration::from_secs(10), || {
        server.try_call("GET", "/health/live", "", None).is_ok_and(|reply| reply.status == 200)
    });
    drop(silent);
    wait_until("all places are free", Duration::from_secs(10), || {
        (0..3).all(|_| server.try_call("GET", "/health/live", "", None).is_ok_and(|reply| reply.status == 200))
    });
    assert!(is_refused(&server, "connections"));
}

#[test]
fn a_note_that_takes_too_long_is_quarantined_and_the_others_go_on() {
    let server = Server::serve("[limits]\nextraction_seconds = 1\n", |_| {});
    let long = server.post_note(&json!({"text": long_text(), "external_id": "long"}));
    let short = server.post_note(&json!({"text": "ASSESSMENT: Gout.", "external_id": "short"}));
    assert_eq!(server.extraction(&short)["entries"].as_array().expect("entries").len(), 1);
    wait_until("it is given up", Duration::from_secs(60), || server.gauge("abstractor_notes_quarantined") == 1);
    let reply = server.call("GET", &format!("/v1/notes/{long}/extraction"), "submitter", None);
    assert!(reply.status == 409 && reply.text.contains("extraction_timeout"), "{}", reply.text);
    let after = server.post_note(&json!({"text": "ASSESSMENT: Asthma.", "external_id": "after"}));
    assert_eq!(server.extraction(&after)["entries"].as_array().expect("entries").len(), 1);
    let body = json!({"text": long_text()}).to_string();
    let reply = server.call("POST", "/v1/extract", "submitter", Some(body.as_bytes()));
    assert_eq!((reply.status, reply.code().as_str()), (422, "extraction_timeout"));
}

/// A process that only works; ends when it is dropped.
struct Working(Child);

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn work_for(server: &Server, database: &str) -> Working {
    let mut worker = Command::new(PROGRAM);
    worker.env("ABSTRACTOR_SIMILARITY", "off").env("ABSTRACTOR_DATABASE", database);
    worker
        .args(["worker", "--listen", "127.0.0.1:0", "--recognizers", "dictionary", "--key-file"])
        .arg(server.data.join("demo.key"));
    Working(worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts"))
}

#[test]
fn while_too_many_notes_wait_no_more_are_taken_until_a_worker_has_done_them() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let database = cluster.url("hospital");
    let start = Start {
        database: Some(database.clone()),
        environment: vec![("ABSTRACTOR_WITHOUT_WORKER".to_owned(), "true".to_owned())],
        ..Start::default()
    };
    let server = Server::serve_as(start, "[limits]\nwaiting_notes = 3\n", |_| {});
    let ledger = Ledger::default();
    let mut refusal = None;
    for note in notes("wait", 4000) {
        let reply = ledger.post(&server, &note).expect("the server answers");
        if reply.status != 202 {
            refusal = Some(reply);
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let refusal = refusal.expect("it takes no more");
    assert_refused(&refusal, 503, "full");
    assert!(ledger.count() > 3, "a few more than the bound came, since it is looked at from time to time");
    assert_eq!(server.gauge("abstractor_jobs_running"), 0, "a server without a worker does no job");
    assert!(server.gauge("abstractor_jobs_waiting") >= 4);
    let _worker = work_for(&server, &database);
    wait_until("the worker has done them", Duration::from_secs(60), || server.gauge("abstractor_jobs_waiting") == 0);
    let note = note("afterwards", 0);
    wait_until("notes are taken again", Duration::from_secs(20), || {
        ledger.post(&server, &note).expect("the server answers").status == 202
    });
    ledger.assert_whole(&server);
}

#[test]
fn who_is_told_to_stop_says_that_it_is_not_ready_and_serves_a_little_longer() {
    let mut server = Server::serve("[stop]\nlinger_seconds = 2\n", |_| {});
    let told = Instant::now();
    server.signal("TERM");
    wait_until("it is not ready", Duration::from_secs(2), || server.call("GET", "/health/ready", "", None).status == 503);
    let id = server.post_note(&json!({"text": "ASSESSMENT: Gout.", "external_id": "late"}));
    assert_eq!(server.call("GET", "/health/live", "", None).status, 200);
    assert_eq!(server.ended_within(Duration::from_secs(20)), Some(0));
    assert!(told.elapsed() >= Duration::from_secs(2));
    let server = server.restarted();
    assert_eq!(server.extraction(&id)["entries"].as_array().expect("entries").len(), 1);
}

#[test]
fn a_terminal_that_closes_stops_it_unless_it_was_started_to_outlive_it() {
    // whoever runs the tests may have them outlive a terminal, and what is started inherits that
    let ordinary = Start { apart: Some(|_| vec!["env".to_owned(), "--default-signal=HUP".to_owned()]), ..Start::default() };
    let mut server = Server::serve_as(ordinary, "", |_| {});
    server.signal("HUP");
    assert_eq!(server.ended_within(Duration::from_secs(20)), Some(0), "as any stop signal");
    let outliving = Start { apart: Some(|_| vec!["nohup".to_owned()]), ..Start::default() };
    let server = Server::serve_as(outliving, "", |_| {});
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.call("GET", "/health/ready", "", None).status, 200);
}
