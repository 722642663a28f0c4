//! `kill -9` in the middle of a batch loses no accepted note, stores none twice and leaves none half-extracted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::server::{PROGRAM, Server};

/// Rounds of posting and killing; `ABSTRACTOR_TEST_ROUNDS` asks for another number.
const ROUNDS: u64 = 3;
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

#[expect(clippy::disallowed_methods, reason = "the long tier of the tests is asked for by the environment")]
fn rounds() -> u64 {
    std::env::var("ABSTRACTOR_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

/// A note of which no two are alike.
fn note(round: u64, poster: u64, number: u64) -> Value {
    let finding = ["Asthma", "Gout", "Type 2 diabetes mellitus", "Migraine"][(number % 4) as usize];
    json!({
        "text": format!("Visit {round}-{poster}-{number}.\nASSESSMENT: {finding}. No pneumonia.\nMEDICATIONS: Metformin 500 mg p.o. b.i.d.\nALLERGIES: Penicillin (rash)."),
        "external_id": format!("{round}-{poster}-{number}"),
        "encounter": format!("E-{}", number % 7),
    })
}

/// What became of the notes that were sent: the id of every one that was acknowledged.
type Sent = BTreeMap<String, (Value, Option<String>)>;

/// Posts until the server is gone; every answer with an id is an acknowledgement.
fn post_until_killed(server: &Server, sent: &Mutex<Sent>, stop: &AtomicBool, (round, poster): (u64, u64)) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let note = note(round, poster, number);
        let key = note["external_id"].as_str().expect("an id").to_owned();
        let reply = server.try_call("POST", "/v1/notes", "submitter", Some(note.to_string().as_bytes()));
        let id = match &reply {
            Ok(reply) => {
                assert_eq!(reply.status, 202, "{}", reply.text);
                Some(reply.json()["id"].as_str().expect("an id").to_owned())
            }
            Err(_) => None,
        };
        sent.lock().expect("no poster panicked").insert(key, (note, id));
        if reply.is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(15));
    }
}

/// Every acknowledged note is there, with its text.
fn assert_kept(server: &Server, sent: &Sent) {
    for (key, (note, id)) in sent {
        if let Some(id) = id {
            let reply = server.call("GET", &format!("/v1/notes/{id}/text"), "submitter", None);
            assert_eq!((reply.status, reply.text.as_str()), (200, note["text"].as_str().expect("text")), "note {key}");
        }
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
    let mut sent = Sent::new();
    for round in 0..rounds() {
        let mut server = Server::again(folder.path());
        assert_kept(&server, &sent);
        let shared = Mutex::new(std::mem::take(&mut sent));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for poster in 0..POSTERS {
                let (server, shared, stop) = (&server, &shared, &stop);
                scope.spawn(move || post_until_killed(server, shared, stop, (round, poster)));
            }
            std::thread::sleep(Duration::from_millis(200 + numbers.below(1200)));
            server.signal("KILL");
            stop.store(true, Ordering::Relaxed);
        });
        server.kill();
        sent = shared.into_inner().expect("no poster panicked");
    }
    let acknowledged = sent.values().filter(|(_, id)| id.is_some()).count();
    assert!(acknowledged as u64 >= rounds() * 5, "only {acknowledged} of {} notes were accepted before the kills", sent.len());

    let server = Server::again(folder.path());
    assert_kept(&server, &sent);
    // a sender repeats what was not acknowledged, and may repeat what was
    for (note, id) in sent.values_mut() {
        let again = server.post_note(note);
        assert_eq!(id.get_or_insert_with(|| again.clone()), &again, "an acknowledged note has one id for ever");
    }
    assert_eq!(server.gauge("abstractor_notes"), sent.len() as u64, "each note once");
    let ids: BTreeSet<&String> = sent.values().filter_map(|(_, id)| id.as_ref()).collect();
    assert_eq!(ids.len(), sent.len());

    let mut items: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (note, id) in sent.values() {
        let id = id.as_ref().expect("acknowledged by now");
        let stored = server.extraction(id);
        assert_eq!(stored["note_id"], *id);
        let kept = said(&stored);
        let body = json!({ "text": note["text"] }).to_string();
        let again = server.call("POST", "/v1/extract", "submitter", Some(body.as_bytes())).json();
        assert_eq!(kept, said(&again), "{body}");
        assert!(kept["entries"].as_array().is_some_and(|entries| entries.len() >= 4), "{kept}");
        items.entry(note["encounter"].as_str().expect("one").to_owned()).or_default().insert(id.clone());
    }
    assert_eq!(
        (server.gauge("abstractor_jobs_waiting"), server.gauge("abstractor_notes_quarantined")),
        (0, 0),
        "all jobs ended"
    );

    let page = server.call("GET", "/v1/review/items?limit=200", "coder", None).json();
    let listed = page["items"].as_array().expect("items");
    assert_eq!(listed.len(), items.len(), "an item for each encounter");
    for item in listed {
        let notes: BTreeSet<String> =
            item["notes"].as_array().expect("notes").iter().map(|id| id.as_str().expect("an id").to_owned()).collect();
        assert_eq!(notes, items[item["encounter"].as_str().expect("an encounter")]);
        assert_eq!((&item["pending_notes"], &item["state"]), (&json!(0), &json!("open")));
        let detail = server.call("GET", &format!("/v1/review/items/{}", item["id"].as_str().expect("an id")), "coder", None);
        assert_eq!(detail.status, 200, "{}", detail.text);
        assert!(detail.json()["entries"].as_array().is_some_and(|entries| entries.len() >= 4));
    }
    let events = server.events();
    let numbered: Vec<i64> = events.iter().map(|event| event["sequence"].as_i64().expect("a number")).collect();
    assert_eq!(numbered, (1..=events.len() as i64).collect::<Vec<_>>(), "the audit trail has no gap");
    let of = |action: &str| events.iter().filter(|event| event["action"] == action).count();
    assert_eq!((of("note.stored"), of("extraction.recorded")), (sent.len(), sent.len()), "stored once, extracted once");
    eprintln!("{} rounds, {acknowledged} of {} notes acknowledged before the kills", rounds(), sent.len());
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
