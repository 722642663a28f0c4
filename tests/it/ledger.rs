//! A ledger of what a server was sent and what it acknowledged, held against what it keeps: nothing acknowledged is lost, nothing is kept
//! twice, nothing is half done, and the audit trail tells of everything once. Whatever befalls a server, its ledger is checked afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::server::{Reply, Server, wait_until};

/// How long all jobs that were there may take, once nothing is in their way.
const EXTRACTING: Duration = Duration::from_secs(120);

/// A note as it was sent.
#[derive(Debug, Clone)]
pub struct SentNote {
    /// The body of the request.
    pub note: Value,
    /// Its id, once it was acknowledged.
    pub id: Option<String>,
}

/// A decision that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Decided {
    item: String,
    entry: String,
    action: String,
}

/// What was sent and acknowledged; several threads may write into it.
#[derive(Debug, Default)]
pub struct Ledger {
    notes: Mutex<BTreeMap<String, SentNote>>,
    /// How often each was acknowledged.
    decided: Mutex<BTreeMap<Decided, usize>>,
}

/// A note of which no two are alike; five have an encounter together.
pub fn note(name: &str, number: u64) -> Value {
    let finding = ["Asthma", "Gout", "Type 2 diabetes mellitus", "Migraine"][(number % 4) as usize];
    json!({
        "text": format!("Visit {name}-{number}.\nASSESSMENT: {finding}. No pneumonia.\nMEDICATIONS: Metformin 500 mg p.o. b.i.d.\nALLERGIES: Penicillin (rash)."),
        "external_id": format!("{name}-{number}"),
        "encounter": format!("E-{name}-{}", number / 5),
    })
}

/// The same with a text of about so many bytes.
pub fn long_note(name: &str, number: u64, bytes: usize) -> Value {
    let mut long = note(name, number);
    let mut text = long["text"].as_str().expect("text").to_owned();
    for line in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&format!(
            "\nOn day {line} of visit {number} the course was discussed with the family, and gout was mentioned."
        ));
    }
    long["text"] = json!(text);
    long
}

/// The first so many notes of a name.
pub fn notes(name: &str, count: u64) -> Vec<Value> {
    (0..count).map(|number| note(name, number)).collect()
}

/// All items of the queue, read page by page.
pub fn items(server: &Server) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = server.call("GET", &format!("/v1/review/items?limit=200{after}"), "coder", None).json();
        items.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

fn external_id(note: &Value) -> String {
    note["external_id"].as_str().expect("a note of a ledger has one").to_owned()
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().expect("no thread panicked with it")
}

impl Ledger {
    /// Writes down that a note is sent: from now on it may be stored.
    pub fn sent(&self, note: &Value) {
        let fresh = || SentNote { note: note.clone(), id: None };
        held(&self.notes).entry(external_id(note)).or_insert_with(fresh);
    }

    /// Writes down that a note was acknowledged under an id, which it has for ever.
    pub fn acknowledged(&self, note: &Value, id: &Value) {
        let id = id.as_str().expect("an id").to_owned();
        let mut notes = held(&self.notes);
        let sent = notes.get_mut(&external_id(note)).expect("was sent");
        assert_eq!(sent.id.get_or_insert_with(|| id.clone()), &id, "an acknowledged note has one id for ever");
    }

    /// Sends a note; 202 is an acknowledgement.
    pub fn post(&self, server: &Server, note: &Value) -> Result<Reply, ureq::Error> {
        self.sent(note);
        let reply = server.try_call("POST", "/v1/notes", "submitter", Some(note.to_string().as_bytes()))?;
        if reply.status == 202 {
            self.acknowledged(note, &reply.json()["id"]);
        }
        Ok(reply)
    }

    /// Sends notes in one request; all of them must be taken.
    pub fn post_many(&self, server: &Server, notes: &[Value]) {
        notes.iter().for_each(|note| self.sent(note));
        let body: Vec<String> = notes.iter().map(Value::to_string).collect();
        let reply = server.call("POST", "/v1/notes/bulk", "submitter", Some(body.join("\n").as_bytes()));
        assert_eq!((reply.status, reply.text.lines().count()), (200, notes.len()), "{}", reply.text);
        for (note, line) in notes.iter().zip(reply.text.lines()) {
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert!(line["id"].is_string(), "{line}");
            self.acknowledged(note, &line["id"]);
        }
    }

    /// Sends decisions on entries of an item, by a role's user; 200 is an acknowledgement of all.
    pub fn decide(&self, server: &Server, role: &str, item: &str, decisions: &[(String, Value)]) -> Reply {
        let body: Vec<Value> =
            decisions.iter().map(|(entry, decision)| json!({"entry_id": entry, "decision": decision})).collect();
        let body = json!({ "decisions": body }).to_string();
        let reply = server.call("POST", &format!("/v1/review/items/{item}/decisions"), role, Some(body.as_bytes()));
        if reply.status == 200 {
            for (entry, decision) in decisions {
                let action = decision["action"].as_str().expect("an action").to_owned();
                *held(&self.decided).entry(Decided { item: item.to_owned(), entry: entry.clone(), action }).or_default() += 1;
            }
        }
        reply
    }

    /// The notes that were sent, by their external ids.
    pub fn notes(&self) -> BTreeMap<String, SentNote> {
        held(&self.notes).clone()
    }

    /// How many notes were acknowledged.
    pub fn count(&self) -> usize {
        held(&self.notes).values().filter(|sent| sent.id.is_some()).count()
    }

    /// How many decisions were acknowledged.
    pub fn decisions(&self) -> usize {
        held(&self.decided).values().sum()
    }

    /// Every acknowledged note is there, with its text.
    pub fn assert_kept(&self, server: &Server) {
        for (key, SentNote { note, id }) in self.notes() {
            if let Some(id) = id {
                let reply = server.call("GET", &format!("/v1/notes/{id}/text"), "submitter", None);
                assert_eq!((reply.status, reply.text.as_str()), (200, note["text"].as_str().expect("text")), "note {key}");
            }
        }
    }

    /// Everything is kept, once and whole. Before that all notes are sent again: a sender repeats what was not acknowledged, and may
    /// repeat what was.
    pub fn assert_whole(&self, server: &Server) {
        self.assert_kept(server);
        for SentNote { note, .. } in self.notes().values() {
            let reply = self.post(server, note).expect("the server answers");
            assert_eq!(reply.status, 202, "{}", reply.text);
        }
        let notes = self.notes();
        let ids: BTreeSet<String> = notes.values().filter_map(|sent| sent.id.clone()).collect();
        assert_eq!(ids.len(), notes.len(), "two notes have one id");
        assert_eq!(server.gauge("abstractor_notes"), notes.len() as u64, "each note once");
        let ready = assert_extracted(server, &ids);
        wait_until("no job is left", Duration::from_secs(10), || server.gauge("abstractor_jobs_waiting") == 0);
        assert_eq!(server.gauge("abstractor_notes_quarantined"), (ids.len() - ready.len()) as u64);
        assert_gathered(server, &notes);
        self.assert_decided(server);
        assert_told(server, &ids, &ready);
        // what only the rows show: one live extraction a note, no event missing, everything opens
        let said = server.tool("check", &[]);
        assert!(said.contains("nothing is wrong"), "{said}");
    }

    /// Every decision that was acknowledged stands in the record of its entry.
    fn assert_decided(&self, server: &Server) {
        let mut kept: BTreeMap<Decided, usize> = BTreeMap::new();
        let decided = held(&self.decided).clone();
        let decided_items: BTreeSet<&String> = decided.keys().map(|one| &one.item).collect();
        for item in decided_items {
            let reply = server.call("GET", &format!("/v1/review/items/{item}"), "lead", None);
            assert_eq!(reply.status, 200, "{}", reply.text);
            for entry in reply.json()["entries"].as_array().expect("entries") {
                for decision in entry["decisions"].as_array().expect("decisions") {
                    let word = |value: &Value| value.as_str().expect("a word").to_owned();
                    let one = Decided { item: item.clone(), entry: word(&entry["id"]), action: word(&decision["action"]) };
                    *kept.entry(one).or_default() += 1;
                }
            }
        }
        for (one, count) in decided {
            assert_eq!(kept.get(&one), Some(&count), "{one:?}");
        }
    }
}

/// Every note has its extraction, or is in quarantine with a reason; those that have one.
fn assert_extracted(server: &Server, ids: &BTreeSet<String>) -> BTreeSet<String> {
    let until = Instant::now() + EXTRACTING;
    let mut ready = BTreeSet::new();
    for id in ids {
        loop {
            let reply = server.call("GET", &format!("/v1/notes/{id}/extraction"), "submitter", None);
            match reply.status {
                200 => {
                    assert_eq!(reply.json()["note_id"], *id);
                    assert!(reply.json()["entries"].as_array().is_some_and(|entries| entries.len() >= 4), "{}", reply.text);
                    ready.insert(id.clone());
                    break;
                }
                202 if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
                409 => {
                    let note = server.call("GET", &format!("/v1/notes/{id}"), "submitter", None).json();
                    assert!(note["quarantine_reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{note}");
                    break;
                }
                status => panic!("note {id} has no extraction: {status} {}", reply.text),
            }
        }
    }
    ready
}

/// The notes of each encounter stand in one item, and in no other.
fn assert_gathered(server: &Server, notes: &BTreeMap<String, SentNote>) {
    let mut sent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for SentNote { note, id } in notes.values() {
        let encounter = note["encounter"].as_str().expect("an encounter").to_owned();
        sent.entry(encounter).or_default().insert(id.clone().expect("acknowledged by now"));
    }
    let listed = items(server);
    assert_eq!(listed.len(), sent.len(), "an item for each encounter");
    for item in listed {
        let of_item: BTreeSet<String> =
            item["notes"].as_array().expect("notes").iter().map(|id| id.as_str().expect("an id").to_owned()).collect();
        assert_eq!(Some(&of_item), sent.get(item["encounter"].as_str().expect("an encounter")));
        assert_eq!(item["pending_notes"], 0);
    }
}

/// The audit trail has no gap, and tells of each note once that it came and once that it was read by the engine.
fn assert_told(server: &Server, ids: &BTreeSet<String>, ready: &BTreeSet<String>) {
    let events = server.events();
    let numbered: Vec<i64> = events.iter().map(|event| event["sequence"].as_i64().expect("a number")).collect();
    assert_eq!(numbered, (1..=events.len() as i64).collect::<Vec<_>>(), "the audit trail has a gap");
    let told = |action: &str| {
        let of_action = events.iter().filter(|event| event["action"] == action);
        let mut subjects: Vec<&str> = of_action.map(|event| event["subject_id"].as_str().expect("a note")).collect();
        subjects.sort_unstable();
        subjects
    };
    assert_eq!(told("note.stored"), ids.iter().map(String::as_str).collect::<Vec<_>>(), "stored once");
    assert_eq!(told("extraction.recorded"), ready.iter().map(String::as_str).collect::<Vec<_>>(), "extracted once");
}
