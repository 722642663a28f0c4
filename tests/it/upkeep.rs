//! What keeps a site's data: backups that are brought back, checks, and notes that come out of quarantine.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::server::{Server, program};

fn text_of(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Runs a command; its exit and what it printed, on both streams.
fn told(arguments: &[&str]) -> (bool, String) {
    let output = program(arguments, b"");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn note(number: usize) -> Value {
    json!({"text": format!("ASSESSMENT:\nGout. Note {number}.\n"), "external_id": format!("B-{number}"), "patient": format!("P-{number}"),
        "encounter": format!("E-{number}")})
}

#[test]
fn what_was_acknowledged_before_a_backup_is_there_after_it_was_restored() {
    let mut server = Server::serve("", |_| {});
    let first = server.post_note(&note(0));
    server.extraction(&first);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("night.backup");
    // while it takes notes
    let stop = AtomicBool::new(false);
    let (before, said) = std::thread::scope(|scope| {
        let posting = scope.spawn(|| {
            let mut posted = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                posted.push(server.post_note(&note(posted.len() + 1)));
            }
            posted
        });
        while server.gauge("abstractor_notes") < 20 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let acknowledged = server.gauge("abstractor_notes");
        let said = told(&["backup", "--data", text_of(&server.data), text_of(&file)]);
        stop.store(true, Ordering::Relaxed);
        (
            posting
                .join()
                .expect("posts")
                .into_iter()
                .take(usize::try_from(acknowledged).expect("few") - 1)
                .collect::<Vec<_>>(),
            said,
        )
    });
    assert!(said.0, "{}", said.1);
    assert!(!elsewhere.path().join("night.backup.partial").exists());
    let (again, why) = told(&["backup", "--data", text_of(&server.data), text_of(&file)]);
    assert!(!again && why.contains("is not overwritten"), "{why}");

    // a disk is lost, and the backup brought back to another
    let key = elsewhere.path().join("site.key");
    std::fs::copy(server.data.join("demo.key"), &key).expect("the key is kept elsewhere");
    let new = elsewhere.path().join("new");
    let restore = |file: &Path, key: &Path, to: &Path| {
        told(&["restore", "--data", text_of(to), "--key-file", text_of(key), text_of(file)])
    };
    let (done, why) = restore(&file, &key, &new);
    assert!(done && why.contains("nothing is wrong"), "{why}");
    let (again, why) = restore(&file, &key, &new);
    assert!(!again && why.contains("is not overwritten"), "{why}");
    server.kill();
    for name in ["demo.key", "abstractor.toml"] {
        std::fs::copy(server.data.join(name), new.join(name)).expect("is there");
    }
    let tokens = server.tokens.clone();
    let restored = Server::serve_again(&new, tokens, None);
    for id in before.iter().chain([&first]) {
        restored.extraction(id);
    }
    assert!(before.len() >= 19, "{} notes were there before", before.len());

    // what is damaged, of another key, or no backup is refused, and leaves nothing behind
    let other_key = elsewhere.path().join("other.key");
    assert!(told(&["key", "generate", text_of(&other_key)]).0);
    let wrong = elsewhere.path().join("wrong");
    let (done, why) = restore(&file, &other_key, &wrong);
    assert!(!done && why.contains("key"), "{why}");
    assert!(restore(&file, &key, &wrong).0, "the right key is tried next");
    let mut bytes = std::fs::read(&file).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0x5a);
    let damaged = elsewhere.path().join("damaged.backup");
    std::fs::write(&damaged, &bytes).expect("writes");
    let to = elsewhere.path().join("damaged");
    let (done, why) = restore(&damaged, &key, &to);
    assert!(!done && !to.join("abstractor.db").exists(), "{why}");
    std::fs::write(&damaged, b"SQLite format 3\0 and no more").expect("writes");
    assert!(!restore(&damaged, &key, &to).0);
    let (done, why) = told(&["restore", "--data", text_of(&to), text_of(&file)]);
    assert!(!done && why.contains("no site key"), "{why}");
}

#[test]
fn a_check_says_what_is_wrong_and_a_note_comes_out_of_quarantine() {
    let server = Server::empty();
    let id = server.post_note(&note(1));
    server.extraction(&id);
    assert!(server.tool("check", &[]).contains("1 encounters with 1 notes open with the site keys"));
    assert!(!server.tool("quarantine", &["list"]).contains(&id));

    // as a worker leaves a note that it could not read
    let connection = rusqlite::Connection::open(server.data.join("abstractor.db")).expect("opens");
    connection.busy_timeout(std::time::Duration::from_secs(30)).expect("waits");
    let run = |sql: &str| connection.execute_batch(sql).expect("is done");
    run("UPDATE note SET status = 'quarantined', quarantine_reason = 'too_many_tries'; UPDATE job SET state = 'failed', tries = 3;
         UPDATE extraction SET live = 0;");
    let refused = server.call("GET", &format!("/v1/notes/{id}/extraction"), "submitter", None);
    assert_eq!(refused.code(), "note_quarantined");
    let listed = server.tool("quarantine", &["list"]);
    assert!(listed.contains(&id) && listed.contains("too_many_tries"), "{listed}");
    assert!(server.tool("quarantine", &["retry", &id]).contains("1 note is tried again"));
    server.extraction(&id);
    let events = server.events();
    let retried: Vec<&Value> = events.iter().filter(|event| event["action"] == "note.retried").collect();
    assert_eq!(retried.len(), 1);
    let data = text_of(&server.data);
    let (done, why) = told(&["quarantine", "--data", data, "retry", &id]);
    assert!(!done && why.contains("is in no quarantine"), "{why}");
    assert!(server.tool("quarantine", &["retry", "--all"]).contains("0 notes are tried again"));
    assert!(server.tool("check", &[]).contains("nothing is wrong"));

    // a row that a person took out by hand, and a note that does not open
    run(
        "UPDATE extraction SET live = 0; PRAGMA foreign_keys = off; UPDATE job SET note_id = x'00000000000000000000000000000000';",
    );
    let (done, why) = told(&["check", "--data", data]);
    assert!(!done && why.contains("1 notes have no job") && why.contains("not exactly one extraction"), "{why}");
}
