//! What goes wrong around a server on one file: its disk is full or slow, its clock jumps, it is told to stop in the middle of work, other
//! commands use its file. That it is killed, and that a second server on its file is refused, is in `kill.rs`.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    ledger::{Ledger, items, long_note, note, notes},
    server::{Reply, Server, Start, is_long_tier, is_root, wait_until},
};

/// Notes of a burst: more than the worker is through with at once.
const BURST: u64 = 200;

/// A refusal of a server that cannot do its work now: a problem document, never another answer.
pub fn assert_unable(reply: &Reply) {
    assert!([500, 503].contains(&reply.status), "{} {}", reply.status, reply.text);
    assert!(!reply.code().is_empty());
}

fn path_of(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

/// Puts the data folder onto a file system of memory that nobody else sees, with little room beside a ballast.
fn on_a_small_disk(data: &Path) -> Vec<String> {
    let script = r#"set -e
        mount -t tmpfs -o size=32m tmpfs "$0/disk"
        cp -a "$0"/abstractor.* "$0/demo.key" "$0/disk/"
        head -c 27M /dev/zero > "$0/disk/ballast"
        mount --bind "$0/disk" "$0"
        exec "$@""#;
    let as_root: &[&str] = if is_root() { &[] } else { &["--map-root-user"] };
    let words = [&["unshare", "--mount"], as_root, &["sh", "-c", script]].concat();
    words.into_iter().map(str::to_owned).chain([path_of(data)]).collect()
}

#[test]
fn a_full_disk_refuses_notes_until_there_is_room() {
    let start = Start { apart: Some(on_a_small_disk), ..Start::default() };
    let server = Server::serve_as(start, "", |data| std::fs::create_dir(data.join("disk")).expect("is made"));
    let ballast = server.seen(&server.data.join("ballast"));
    assert!(ballast.is_file() && !server.data.join("ballast").exists(), "the disk is the server's alone");
    let ledger = Ledger::default();
    let (mut refused, mut number) = (0, 0);
    while refused < 5 {
        assert!(number < 2_000, "the disk is never full");
        let reply = ledger.post(&server, &long_note("full", number, 20_000)).expect("the server answers");
        if reply.status == 202 {
            refused = 0;
        } else {
            assert_unable(&reply);
            refused += 1;
        }
        number += 1;
    }
    assert!(ledger.count() >= 5, "{} notes fit", ledger.count());

    // what needs no record of who read it is told as ever; what needs one is told, or is not
    for (path, role) in [("/health/live", ""), ("/v1/audit/events?limit=5", "auditor"), ("/metrics", "admin")] {
        assert_eq!(server.call("GET", path, role, None).status, 200, "{path}");
    }
    for sent in ledger.notes().values().take(3) {
        let Some(id) = &sent.id else { continue };
        let reply = server.call("GET", &format!("/v1/notes/{id}/text"), "submitter", None);
        if reply.status == 200 {
            assert_eq!(reply.text, sent.note["text"].as_str().expect("text"));
        } else {
            assert_unable(&reply);
        }
    }

    std::fs::remove_file(ballast).expect("makes room");
    let next = note("room", 0);
    wait_until("notes are taken again, without a restart", Duration::from_secs(15), || {
        ledger.post(&server, &next).expect("the server answers").status == 202
    });
    for note in &notes("room", 5) {
        assert_eq!(ledger.post(&server, note).expect("the server answers").status, 202);
    }
    ledger.assert_whole(&server);
    assert_eq!(server.gauge("abstractor_notes_quarantined"), 0, "a full disk is no fault of a note");
    eprintln!("{} of {number} notes were acknowledged before there was room", ledger.count() - 5);
}

/// Takes up whatever room is left.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).expect("is made");
    for piece in [vec![0_u8; 65_536], vec![0; 512], vec![0; 1]] {
        while file.write_all(&piece).is_ok() {}
    }
}

#[test]
fn jobs_that_a_full_disk_interrupts_are_done_soon_after_there_is_room() {
    let start = Start { apart: Some(on_a_small_disk), ..Start::default() };
    let server = Server::serve_as(start, "", |data| std::fs::create_dir(data.join("disk")).expect("is made"));
    let (ballast, rest) = (server.seen(&server.data.join("ballast")), server.seen(&server.data.join("rest")));
    let ledger = Ledger::default();
    let long: Vec<Value> = (0..8).map(|number| long_note("interrupted", number, 100_000)).collect();
    ledger.post_many(&server, &long);
    wait_until("jobs are claimed", Duration::from_secs(30), || server.gauge("abstractor_jobs_running") > 0);
    fill(&rest);
    let interrupted = || server.log().contains("the store cannot do it now");
    wait_until("the worker feels it", Duration::from_secs(60), interrupted);
    assert!(server.gauge("abstractor_jobs_waiting") > 0, "everything was done before the disk was full");
    for file in [rest, ballast] {
        std::fs::remove_file(file).expect("makes room");
    }
    let is_idle = || server.gauge("abstractor_jobs_waiting") == 0;
    wait_until("what was claimed is done, and nobody waits for a lease of minutes", Duration::from_secs(60), is_idle);
    ledger.assert_whole(&server);
    assert_eq!(server.gauge("abstractor_notes_quarantined"), 0, "a full disk is no fault of a note");
}

/// The library that gives a program another clock.
pub fn clock_library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("is there").flatten().map(|entry| entry.path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.is_file()).expect("the tests need faketime; `apt-get install faketime` installs it")
}

/// Sets how far the clock is from the machine's: `+2h`, `-1d`.
pub fn set_clock(file: &Path, offset: &str) {
    let next = file.with_extension("next");
    std::fs::write(&next, format!("{offset}\n")).expect("is written");
    std::fs::rename(next, file).expect("is named");
}

/// The entries of an item that wait for a decision.
fn undecided(server: &Server, item: &str) -> Vec<String> {
    let detail = server.call("GET", &format!("/v1/review/items/{item}"), "lead", None).json();
    let entries = detail["entries"].as_array().expect("entries").iter();
    let waiting = entries.filter(|entry| entry["needs_decision"] == true);
    waiting.map(|entry| entry["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_clock_that_jumps_loses_nothing_and_holds_up_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    set_clock(&clock, "+0");
    let environment = [
        ("LD_PRELOAD", path_of(&clock_library())),
        ("FAKETIME_TIMESTAMP_FILE", path_of(&clock)),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // a machine whose clock is set anew counts on from where it was
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
    let server = Server::serve_as(Start { environment, ..Start::default() }, "", |_| {});
    let ledger = Ledger::default();
    let is_idle = || server.gauge("abstractor_jobs_waiting") == 0;
    ledger.post_many(&server, &notes("before", 10));
    wait_until("the first notes are extracted", Duration::from_secs(60), is_idle);
    let item = items(&server)[0]["id"].as_str().expect("an id").to_owned();
    let claim = |role: &str| server.call("POST", &format!("/v1/review/items/{item}/claim"), role, Some(b"")).status;
    let accept = |role: &str| {
        let entry = undecided(&server, &item).first().expect("an entry waits").clone();
        ledger.decide(&server, role, &item, &[(entry, json!({"action": "accept"}))])
    };
    let received = |name: &str| {
        let id = ledger.notes()[name].id.clone().expect("is acknowledged");
        let note = server.call("GET", &format!("/v1/notes/{id}"), "submitter", None).json();
        note["received_at"].as_str().expect("an instant").parse::<jiff::Timestamp>().expect("an instant")
    };
    assert_eq!(claim("coder"), 200);
    assert_eq!(accept("coder").status, 200);

    set_clock(&clock, "+2h");
    ledger.post_many(&server, &notes("ahead", 5));
    let ahead = received("ahead-0").duration_since(received("before-0"));
    assert!((7_000..8_000).contains(&ahead.as_secs()), "the clock is {} seconds ahead", ahead.as_secs());
    assert_eq!(accept("coder").code(), "not_claimed", "a claim of half an hour has run out");
    assert_eq!(claim("lead"), 200, "and another takes the item");
    assert_eq!(accept("lead").status, 200);
    // notes that wait when the clock goes back were stored in what is the future then
    let burst: Vec<Value> = (0..BURST).map(|number| long_note("burst", number, 4_000)).collect();
    ledger.post_many(&server, &burst);
    let waiting = server.gauge("abstractor_jobs_waiting");
    set_clock(&clock, "-22h");
    assert!(waiting > 0, "the burst was over before the clock went back");
    ledger.post_many(&server, &notes("behind", 5));
    let behind = received("ahead-0").duration_since(received("behind-0"));
    assert!((85_000..88_000).contains(&behind.as_secs()), "the clock is {} seconds behind", behind.as_secs());
    assert_eq!(accept("lead").status, 200, "who holds the item goes on");
    wait_until("jobs of the future are done now", Duration::from_secs(120), is_idle);
    ledger.assert_whole(&server);
    assert_eq!((ledger.decisions(), server.gauge("abstractor_notes_quarantined")), (3, 0));
}

/// What a bring to the disk takes on the slow disk.
const SYNC: Duration = Duration::from_millis(100);
/// Senders that share the waits.
const SENDERS: u64 = 16;

#[test]
fn a_slow_disk_is_waited_for_by_all_senders_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let (library, delay) = (folder.path().join("slow_disk.so"), folder.path().join("delay"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/faults/slow_disk.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).args([source, "-ldl"]).status();
    assert!(built.expect("a C compiler").success());
    let set_delay = |delay_of: Duration| std::fs::write(&delay, delay_of.as_millis().to_string()).expect("is written");
    set_delay(Duration::ZERO);
    let environment = [("LD_PRELOAD", path_of(&library)), ("SLOW_DISK_FILE", path_of(&delay))];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
    let server = Server::serve_as(Start { environment, ..Start::default() }, "", |_| {});
    let ledger = Ledger::default();
    let post = |name: &str, number: u64| {
        let reply = ledger.post(&server, &note(name, number)).expect("the server answers");
        assert_eq!(reply.status, 202, "{}", reply.text);
    };

    // alone: nobody hears of a note before it is on the disk
    set_delay(SYNC);
    for number in 0..5 {
        let started = Instant::now();
        post("alone", number);
        assert!(started.elapsed() >= SYNC, "acknowledged after {:?}, before it was on the disk", started.elapsed());
    }

    let rounds = if is_long_tier() { 50 } else { 5 };
    let (together, is_over) = (Barrier::new(SENDERS as usize + 1), AtomicBool::new(false));
    let took = std::thread::scope(|scope| {
        let (post, together, is_over, server) = (&post, &together, &is_over, &server);
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                scope.spawn(move || {
                    together.wait();
                    (0..rounds).for_each(|number| post(&format!("sender-{sender}"), number));
                })
            })
            .collect();
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                assert_eq!(
                    server.call("GET", "/health/ready", "", None).status,
                    200,
                    "a slow disk is no reason to send nothing"
                );
                assert!(asked.elapsed() < Duration::from_secs(5), "ready after {:?}", asked.elapsed());
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        together.wait();
        let started = Instant::now();
        let ended: Vec<_> = senders.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok), "a sender failed");
        started.elapsed()
    });
    let apart = SYNC * u32::try_from(SENDERS * rounds).expect("few");
    eprintln!("{} notes of {SENDERS} senders in {took:?}; one after another they would wait {apart:?}", SENDERS * rounds);
    assert!(took < apart / 2, "{took:?}, where one after another takes {apart:?}");

    set_delay(Duration::ZERO);
    ledger.assert_whole(&server);
    // and the log that was waited for is a write-ahead log
    let connection = rusqlite::Connection::open(server.data.join("abstractor.db")).expect("opens");
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("tells");
    assert_eq!(mode, "wal");
}

/// What came of a request on a connection of its own.
enum Exchange {
    /// The whole answer.
    Answered(u16, String),
    /// Not a byte of an answer.
    Refused,
    /// A part of an answer.
    Cut(String),
}

/// The head of a request that posts a note of so many bytes.
fn head(server: &Server, length: usize) -> String {
    let token = &server.tokens["submitter"];
    format!(
        "POST /v1/notes HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

fn connect(server: &Server) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

/// Posts a note, byte by byte what the wire carries: a client library would not tell an answer that was cut from none.
fn exchange(server: &Server, note: &Value) -> Exchange {
    let body = note.to_string();
    let mut bytes = Vec::new();
    let Ok(mut stream) = connect(server) else { return Exchange::Refused };
    let sent = stream.write_all(format!("{}{body}", head(server, body.len())).as_bytes());
    // what was read before an error stays in the buffer
    let _ = sent.and_then(|()| stream.read_to_end(&mut bytes));
    if bytes.is_empty() {
        return Exchange::Refused;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Exchange::Cut(text) };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    match status {
        Some(status) if length == Some(body.len()) => Exchange::Answered(status, body.to_owned()),
        _ => Exchange::Cut(text),
    }
}

#[test]
fn told_to_stop_it_finishes_what_it_began() {
    let mut server = Server::serve("[limits]\nrequest_seconds = 5\n", |_| {});
    let ledger = Ledger::default();
    let stopping = AtomicBool::new(false);
    let (refused, stalled) = std::thread::scope(|scope| {
        let (server, ledger, stopping) = (&server, &ledger, &stopping);
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                scope.spawn(move || {
                    for number in 0.. {
                        let note = note(&format!("stop-{sender}"), number);
                        ledger.sent(&note);
                        match exchange(server, &note) {
                            Exchange::Answered(202, body) => {
                                let body: Value = serde_json::from_str(&body).expect("JSON");
                                ledger.acknowledged(&note, &body["id"]);
                            }
                            Exchange::Answered(503, body) => assert!(body.contains("\"code\""), "{body}"),
                            Exchange::Answered(status, body) => panic!("{status} {body}"),
                            Exchange::Cut(text) => panic!("an answer was cut: {text}"),
                            Exchange::Refused => {
                                assert!(stopping.load(Ordering::Relaxed), "refused without a reason");
                                return 1_u32;
                            }
                        }
                    }
                    0_u32
                })
            })
            .collect();
        wait_until("two hundred notes are stored and jobs wait", Duration::from_secs(60), || {
            ledger.count() as u64 >= BURST && server.gauge("abstractor_jobs_waiting") > 0
        });
        // a client that says the half of a note and no more must not keep the server from stopping
        let mut stalled = connect(server).expect("connects");
        stalled.write_all(format!("{}{{\"text\": \"Gou", head(server, 1_000)).as_bytes()).expect("is sent");
        stopping.store(true, Ordering::Relaxed);
        server.signal("TERM");
        (senders.into_iter().map(|sender| sender.join().expect("a sender failed")).sum::<u32>(), stalled)
    });
    assert_eq!(refused, 4, "every sender was in the middle of sending");
    let started = Instant::now();
    assert_eq!(server.ended_within(Duration::from_secs(30)), Some(0), "{}", server.log());
    eprintln!("{} notes were stored; the server ended {:?} after the last sender", ledger.count(), started.elapsed());
    drop(stalled);
    let server = server.restarted();
    ledger.assert_whole(&server);
    assert_eq!(server.gauge("abstractor_notes_quarantined"), 0);
}

#[test]
fn commands_work_beside_a_server_under_load() {
    let server = Server::serve("", |_| {});
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (ledger, is_over) = (Ledger::default(), AtomicBool::new(false));
    let rounds = if is_long_tier() { 20 } else { 3 };
    std::thread::scope(|scope| {
        let (server, ledger, is_over) = (&server, &ledger, &is_over);
        for sender in 0..3 {
            scope.spawn(move || {
                for number in (0..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    let reply = ledger.post(server, &note(&format!("beside-{sender}"), number)).expect("the server answers");
                    assert_eq!(reply.status, 202, "{}", reply.text);
                }
            });
        }
        let commands = || {
            for round in 0..rounds {
                let before = ledger.count();
                let name = format!("coder-{round}");
                server.tool("user", &["add", &name, "--role", "coder"]);
                let token = format!("Bearer {}", server.tool("token", &["add", &name]));
                let reply = server.send("GET", "/v1/review/items?limit=1", "", &[("authorization", &token)], None);
                assert_eq!(reply.expect("the server answers").status, 200, "a new token works at once");
                let said = server.tool("check", &[]);
                assert!(said.contains("nothing is wrong"), "{said}");
                let backup = elsewhere.path().join(format!("{round}.backup"));
                server.tool("backup", &[&path_of(&backup)]);
                assert!(backup.is_file());
                assert!(ledger.count() > before, "notes came meanwhile");
            }
        };
        // the senders end, whatever came of the commands
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(commands));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
    ledger.assert_whole(&server);
}

/// What the system kills for its memory dies like this. The note that it worked on is found, however often the process is started again.
#[test]
fn a_note_that_kills_the_process_is_quarantined_and_the_others_go_on() {
    /// As many claims as the worker gives a job whose process dies each time.
    const CLAIMS: u32 = 10;
    let mut server = Server::serve("", |_| {});
    let ledger = Ledger::default();
    let deadly = server.post_note(&long_note("deadly", 0, 900_000));
    wait_until("it is worked on", Duration::from_secs(30), || server.gauge("abstractor_jobs_running") == 1);
    ledger.post_many(&server, &notes("beside", 5));
    let kills = if is_long_tier() { CLAIMS } else { 1 };
    for kill in 1..=kills {
        server.kill();
        if kill < kills {
            server = server.restarted();
            wait_until("it is worked on again", Duration::from_secs(30), || server.gauge("abstractor_jobs_running") >= 1);
        }
    }
    if kills < CLAIMS {
        // the other deaths, which the long tier dies
        let database = rusqlite::Connection::open(server.data.join("abstractor.db")).expect("opens");
        let id = uuid::Uuid::try_parse(&deadly).expect("an id").into_bytes();
        let more = database.execute("UPDATE job SET tries = tries + ?2 WHERE note_id = ?1", (id, CLAIMS - kills));
        assert_eq!(more.expect("is counted"), 1);
    }
    let server = server.restarted();
    wait_until("it is given up", Duration::from_secs(60), || server.gauge("abstractor_notes_quarantined") == 1);
    let reply = server.call("GET", &format!("/v1/notes/{deadly}/extraction"), "submitter", None);
    assert!(reply.status == 409 && reply.text.contains("too_many_tries"), "{}", reply.text);
    for (_, note) in ledger.notes() {
        server.extraction(note.id.as_deref().expect("was acknowledged"));
    }
}
