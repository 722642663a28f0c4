//! `kill -9` in the middle of a batch loses no accepted note, stores none twice and leaves none half-extracted.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    ledger::{Ledger, SentNote, items, note},
    server::{PROGRAM, Server},
};

/// Rounds of posting and killing; `ABSTRACTOR_TEST_ROUNDS` asks for another number.
const ROUNDS: u64 = 5;
/// Threads that post.
const POSTERS: u64 = 3;

/// Numbers that look random and are the same in every run (SplitMix64).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one, below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit
    }
}

/// How many rounds are asked for.
#[expect(clippy::disallowed_methods, reason = "the long tier of the tests is asked for by the environment")]
fn rounds() -> u64 {
    std::env::var("ABSTRACTOR_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

/// Posts until the server is gone; every answer is an acknowledgement.
fn post_until_killed(server: &Server, ledger: &Ledger, stop: &AtomicBool, name: &str) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        match ledger.post(server, &note(name, number)) {
            Ok(reply) => assert_eq!(reply.status, 202, "{}", reply.text),
            Err(_) => return,
        }
        std::thread::sleep(Duration::from_millis(15));
    }
}

/// What an extraction says, without what names the note.
fn said(extraction: &Value) -> Value {
    let mut said = extraction.clone();
    said["note_id"] = Value::Null;
    let ids: BTreeMap<String, usize> = extraction["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry["id"].as_str().expect("an id").to_owned(), at))
        .collect();
    for entry in said["entries"].as_array_mut().expect("entries") {
        entry["id"] = json!(ids[entry["id"].as_str().expect("an id")]);
    }
    for medication in said["medications"].as_array_mut().into_iter().flatten() {
        for id in medication["entries"].as_array_mut().expect("ids") {
            *id = json!(ids[id.as_str().expect("an id")]);
        }
    }
    for alert in said["alerts"].as_array_mut().expect("alerts") {
        for entry in alert["entries"].as_array_mut().expect("entries") {
            *entry = json!(ids[entry.as_str().expect("an id")]);
        }
    }
    said
}

#[test]
fn no_accepted_note_is_lost_or_halved() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut numbers = Numbers(20_260_531);
    let ledger = Ledger::default();
    for round in 0..rounds() {
        let mut server = Server::again(folder.path());
        ledger.assert_kept(&server);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for poster in 0..POSTERS {
                let (server, ledger, stop) = (&server, &ledger, &stop);
                scope.spawn(move || post_until_killed(server, ledger, stop, &format!("{round}-{poster}")));
            }
            std::thread::sleep(Duration::from_millis(200 + numbers.below(1200)));
            server.signal("KILL");
            stop.store(true, Ordering::Relaxed);
        });
        server.kill();
    }
    let (acknowledged, sent) = (ledger.count(), ledger.notes().len());
    assert!(acknowledged as u64 >= rounds() * 5, "only {acknowledged} of {sent} notes were accepted before the kills");

    let server = Server::again(folder.path());
    ledger.assert_whole(&server);
    for SentNote { note, id } in ledger.notes().values() {
        let kept = said(&server.extraction(id.as_ref().expect("acknowledged by now")));
        let body = json!({ "text": note["text"] }).to_string();
        let again = server.call("POST", "/v1/extract", "submitter", Some(body.as_bytes())).json();
        assert_eq!(kept, said(&again), "{body}");
    }
    assert_eq!(server.gauge("abstractor_notes_quarantined"), 0);
    for item in items(&server) {
        assert_eq!(item["state"], "open");
        let detail = server.call("GET", &format!("/v1/review/items/{}", item["id"].as_str().expect("an id")), "coder", None);
        assert_eq!(detail.status, 200, "{}", detail.text);
        assert!(detail.json()["entries"].as_array().is_some_and(|entries| entries.len() >= 4));
    }
    eprintln!("{} rounds, {acknowledged} of {sent} notes acknowledged before the kills", rounds());
}

#[test]
fn a_second_server_on_the_folder_is_refused() {
    let server = Server::empty();
    let data = server.data.to_str().expect("a plain path");
    let key = server.data.join("demo.key");
    let key = key.to_str().expect("a plain path");
    for arguments in [
        vec!["demo", "--listen", "127.0.0.1:0", "--json", "--empty", "--data", data],
        vec!["serve", "--listen", "127.0.0.1:0", "--data", data, "--key-file", key],
    ] {
        let started = Instant::now();
        let output = super::server::program(&arguments, b"");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{PROGRAM} {arguments:?} is refused");
        assert!(said.contains("another process serves this database"), "{said}");
        assert!(started.elapsed() < Duration::from_secs(20), "refused before anything is loaded");
    }
    assert_eq!(server.call("GET", "/health/ready", "", None).status, 200, "the first one is not disturbed");
}
