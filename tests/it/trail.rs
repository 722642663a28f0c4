//! The audit trail from outside: sealed while a server writes, verified by the built program, read by auditors, shortened by an operator.

use std::{
    path::Path,
    process::Output,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    server::{Server, Start, wait_until},
};

fn text_of(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn note(number: usize) -> Value {
    json!({"text": format!("ASSESSMENT:\nGout. Note {number}.\n"), "external_id": format!("T-{number}"),
        "patient": format!("TP-{number}"), "encounter": format!("TE-{number}")})
}

/// Whether a command succeeded, and what it said on both streams.
fn said(output: &Output) -> (bool, String) {
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn verify(server: &Server, more: &[&str]) -> (bool, String) {
    said(&server.try_tool("audit", &[&["verify"], more].concat()))
}

/// Events of an action, as actor and detail.
fn of_action(server: &Server, action: &str) -> Vec<(String, String)> {
    let text = |event: &Value, field: &str| event[field].as_str().expect("a text").to_owned();
    let events = server.events();
    let found = events.iter().filter(|event| event["action"] == action);
    found.map(|event| (text(event, "actor"), text(event, "detail"))).collect()
}

/// Writes to the database file as somebody who lifts its triggers.
fn tamper(server: &Server, sql: &str) {
    let connection = rusqlite::Connection::open(server.data.join("abstractor.db")).expect("opens");
    connection.busy_timeout(Duration::from_secs(30)).expect("waits");
    let triggers = "DROP TRIGGER audit_is_not_updated; DROP TRIGGER audit_is_not_deleted;
                    DROP TRIGGER audit_link_is_not_updated; DROP TRIGGER audit_link_is_not_deleted;";
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {triggers} {sql} COMMIT;")).expect("is done");
}

/// Posts notes while the trail is verified again and again.
fn verified_while_it_is_written(server: &Server) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                server.post_note(&note(number));
                number += 1;
            }
        });
        for _ in 0..3 {
            let (is_whole, told) = verify(server, &[]);
            stop.store(!is_whole, Ordering::Relaxed);
            assert!(is_whole, "{told}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    wait_until("what was recorded is sealed", Duration::from_secs(30), || {
        let (is_whole, told) = verify(server, &[]);
        assert!(is_whole, "{told}");
        told.contains("every event is sealed")
    });
}

#[test]
fn a_trail_is_sealed_while_it_is_written_and_every_change_is_told() {
    let mut server = Server::serve("", |_| {});
    verified_while_it_is_written(&server);

    // what is kept elsewhere
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (checkpoint, key) = (elsewhere.path().join("checkpoints.jsonl"), elsewhere.path().join("audit.pem"));
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(30)), Some(0), "{}", server.log());
    let line = server.tool("audit", &["checkpoint"]);
    std::fs::write(&checkpoint, format!("{{\"older\": 1}}\n{line}\n")).expect("writes");
    std::fs::write(&key, server.tool("audit", &["public-key"])).expect("writes");
    let witness = ["--checkpoint", text_of(&checkpoint), "--public-key", text_of(&key)];
    let (is_whole, told) = verify(&server, &witness);
    assert!(is_whole && told.contains("every event is sealed"), "a stop seals and signs: {told}");
    assert!(told.contains("are those of the checkpoint that was kept outside"), "{told}");

    let server = server.restarted();
    let (is_whole, told) = verify(&server, &witness);
    assert!(is_whole, "{told}");
    let events = server.events();
    let first = |action: &str| events.iter().find(|event| event["action"] == action).expect(action)["sequence"].clone();
    assert!(first("service.started").as_i64() < first("service.stopped").as_i64());
    let started = &of_action(&server, "service.started")[0].1;
    for word in ["version 0.", "model ", "vocabulary ", "configuration "] {
        assert!(started.contains(word), "{started}");
    }

    // somebody changes an event, beside the server
    tamper(&server, "UPDATE audit_event SET action = 'note.listed' WHERE sequence = 3;");
    let (is_whole, told) = verify(&server, &[]);
    assert!(!is_whole && told.contains("wrong: event 3"), "{told}");
    drop(server);
}

#[test]
fn a_cut_end_is_told_by_the_doctor_the_check_and_what_was_kept_outside() {
    let mut server = Server::serve("", |_| {});
    server.extraction(&server.post_note(&note(1)));
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(30)), Some(0), "{}", server.log());
    let config = server.data.join("abstractor.toml");
    let doctor =
        |server: &Server| {
            let key = server.data.join("demo.key");
            said(&server.try_tool(
                "doctor",
                &["--recognizers", "dictionary", "--config", text_of(&config), "--key-file", text_of(&key)],
            ))
            .1
        };
    assert!(doctor(&server).contains("its end is as it was sealed"), "{}", doctor(&server));
    tamper(&server, "DELETE FROM audit_event WHERE sequence > 5; DELETE FROM audit_link WHERE sequence > 5;");
    let (is_whole, told) = verify(&server, &[]);
    assert!(!is_whole && told.contains("wrong: event 6 is missing"), "{told}");
    // these look at the end alone
    let (is_whole, told) = said(&server.try_tool("check", &[]));
    assert!(!is_whole && told.contains("the audit trail: event") && told.contains("is missing"), "{told}");
    assert!(doctor(&server).contains("is missing"), "{}", doctor(&server));
    let (is_verified, told) = verify(&server, &["--checkpoint", text_of(&config)]);
    assert!(!is_verified && told.contains("this is no checkpoint"), "{told}");
}

#[test]
fn what_is_refused_extracted_and_asked_by_hooks_is_recorded_and_counted() {
    let mut server = Server::serve("", |_| {});
    let nobody = "0192f0c1-2222-7333-8444-555566667777";
    for _ in 0..5 {
        let refused =
            server.call("POST", &format!("/v1/review/items/{nobody}/reopen"), "coder", Some(br#"{"reason":"other"}"#));
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    assert_eq!(server.call("GET", "/fhir/AuditEvent", "coder", None).status, 403);
    assert_eq!(server.call("GET", "/v1/audit/events", "", None).status, 401);
    let text = br#"{"text":"ASSESSMENT: Gout."}"#;
    for _ in 0..3 {
        assert_eq!(server.call("POST", "/v1/extract", "coder", Some(text)).status, 200);
    }
    let many = b"{\"text\":\"ASSESSMENT: Gout.\"}\n{\"text\":\"ASSESSMENT: Asthma.\"}\n{}\n";
    assert_eq!(server.call("POST", "/v1/extract/bulk", "lead", Some(many)).status, 200);
    let hook = json!({"hook": "note-sign", "hookInstance": nobody, "context": {"patientId": "Zyxwatson", "note": "Gout."}});
    let called = server.call("POST", "/cds-services/note-sign", "submitter", Some(hook.to_string().as_bytes()));
    assert_eq!(called.status, 200, "{}", called.text);
    let pair = |actor: &str, detail: &str| (actor.to_owned(), detail.to_owned());
    let first = "POST /v1/review/items/{id}/reopen";
    assert_eq!(of_action(&server, "call.refused"), [pair("coder", first), pair("coder", "GET /fhir/AuditEvent")]);
    assert_eq!(of_action(&server, "cds.called"), [pair("emr", "note-sign")]);
    wait_until("the bulk is recorded when its answer ended", Duration::from_secs(10), || {
        of_action(&server, "text.extracted") == [pair("coder", "1 text"), pair("lead", "3 texts")]
    });
    assert!(of_action(&server, "audit.read").len() <= 4, "reading again and again is one event a minute");
    // what was counted is recorded at the latest when the service stops
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(30)), Some(0), "{}", server.log());
    let report = server.tool("audit", &["report"]);
    assert!(report.contains(&format!("{first}, 4 times more within a minute")), "{report}");
    assert!(report.contains("1 text, 2 times more within a minute"), "{report}");
    assert!(!report.contains("Zyxwatson") && !report.contains(nobody), "no value of an address and nothing of a patient");
}

#[test]
fn accesses_are_reported_by_patient_encounter_note_and_user() {
    let mut server = Server::serve("", |_| {});
    let (id, other) = (server.post_note(&note(1)), server.post_note(&note(2)));
    server.extraction(&id);
    server.extraction(&other);
    assert_eq!(server.call("GET", &format!("/v1/notes/{id}/text"), "coder", None).status, 200);
    let items = server.call("GET", "/v1/review/items", "coder", None).json();
    let item = items["items"].as_array().expect("items")[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(server.call("GET", &format!("/v1/review/items/{item}"), "lead", None).status, 200);
    let report = |query: &str| {
        let reply = server.call("GET", &format!("/v1/audit/accesses?{query}"), "auditor", None);
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        let page = reply.json();
        let events = page["events"].as_array().expect("events").iter();
        let of = |event: &Value| {
            (event["actor"].as_str().expect("a name").to_owned(), event["action"].as_str().expect("a word").to_owned())
        };
        events.map(of).collect::<Vec<_>>()
    };
    let has = |found: &[(String, String)], actor: &str, action: &str| found.iter().any(|one| one.0 == actor && one.1 == action);
    let of_note = report(&format!("of={id}"));
    assert!(has(&of_note, "coder", "note.read") && has(&of_note, "emr", "note.stored"), "{of_note:?}");
    assert!(!has(&of_note, "lead", "item.read"), "{of_note:?}");
    // the encounter of the first note, by its id and by the patient's number
    let stored = server.call("GET", &format!("/v1/notes/{id}"), "coder", None).json();
    let of_item = stored["item_id"].as_str().unwrap_or(&item).to_owned();
    assert!(has(&report(&format!("of={of_item}")), "emr", "note.stored"));
    let of_patient = report("patient=TP-1&source=emr");
    assert!(has(&of_patient, "coder", "note.read") && has(&of_patient, "emr", "note.stored"), "{of_patient:?}");
    assert!(report("patient=TP-3&source=emr").is_empty());
    assert!(report("actor=coder").iter().all(|(actor, _)| actor == "coder"));
    assert_eq!(report("action=note.stored").len(), 2);
    assert!(report("from=2020-01-01&until=2020-12-31").is_empty());
    let page = server.call("GET", "/v1/audit/accesses?limit=2", "auditor", None).json();
    let next = page["next"].as_str().expect("a next page").to_owned();
    let second = server.call("GET", &format!("/v1/audit/accesses?limit=2&after={next}"), "auditor", None).json();
    let number = |page: &Value, at: usize| page["events"][at]["sequence"].as_i64().expect("a number");
    assert!(number(&second, 0) < number(&page, 1), "{second}");
    for (query, status, code) in
        [("patient=TP-1", 422, "invalid_field"), ("after=x", 400, "invalid_parameter"), ("of=x", 400, "invalid_parameter")]
    {
        let refused = server.call("GET", &format!("/v1/audit/accesses?{query}"), "auditor", None);
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{query}");
        assert!(!refused.text.contains("TP-1"), "{}", refused.text);
    }
    for ask in [("/v1/audit/accesses?format=csv", ""), ("/v1/audit/accesses", "text/csv")] {
        let reply = server.send("GET", ask.0, "auditor", &[("accept", ask.1)], None).expect("answers");
        assert!(reply.headers["content-type"].starts_with("text/csv"), "{ask:?}");
        let mut lines = reply.text.lines();
        assert_eq!(lines.next(), Some("sequence,at,actor,action,subject_kind,subject_id,detail"));
        assert!(lines.count() > 10, "{}", reply.text);
    }
    let printed = server.tool("audit", &["report", "--patient", "TP-1", "--source", "emr"]);
    assert!(printed.contains("note.read") && !printed.contains("TP-1"), "{printed}");
    let said = said(&server.try_tool("audit", &["report", "--patient", "TP-3", "--source", "emr"]));
    assert!(!said.0 && said.1.contains("there is no patient"), "{}", said.1);
    let told = of_action(&server, "audit.read");
    assert!(told.iter().any(|(_, detail)| detail.starts_with("accesses of a record number: ")), "{told:?}");
    assert!(told.iter().all(|(_, detail)| !detail.contains("TP-1")), "{told:?}");
    server.kill();
}

#[test]
fn old_events_are_pruned_by_who_asks_for_it() {
    let mut server = Server::serve("", |_| {});
    server.extraction(&server.post_note(&note(1)));
    let backup = server.data.join("night.backup");
    // the command takes no key
    let data = text_of(&server.data).to_owned();
    let (done, told) = said(&super::server::program(&["backup", "--data", &data, text_of(&backup)], b""));
    assert!(done, "{told}");
    assert_eq!(of_action(&server, "database.backed_up"), [("command_line".to_owned(), String::new())]);
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(30)), Some(0), "{}", server.log());
    let server = server.restarted();
    wait_until("the start is sealed", Duration::from_secs(30), || verify(&server, &[]).1.contains("every event is sealed"));
    let tomorrow = "2200-01-01";
    let prune = |more: &[&str]| said(&server.try_tool("audit", &[&["prune", "--before"], more].concat()));
    let (done, told) = prune(&["2200-01-01"]);
    assert!(!done && told.contains("164.316"), "{told}");
    let (done, told) = prune(&[tomorrow, "--shorter-than-six-years"]);
    assert!(!done && told.contains("still to come"), "{told}");
    let (done, told) = prune(&["2001-01-01"]);
    assert!(done && told.contains("nothing to remove"), "{told}");
    let today = server.events()[0]["at"].as_str().expect("an instant")[..10].to_owned();
    // events of today are not older than today
    let (done, told) = prune(&[&today, "--shorter-than-six-years"]);
    assert!(done && told.contains("nothing to remove"), "{told}");
    // as if they were of another year
    let (is_whole, told) = verify(&server, &[]);
    assert!(is_whole, "{told}");
    // only a disabled user is forgotten
    let (done, told) = said(&server.try_tool("audit", &["erase-user", "coder"]));
    assert!(!done && told.contains("still works here"), "{told}");
    server.tool("user", &["disable", "emr"]);
    let told = server.tool("audit", &["erase-user", "emr"]);
    assert!(told.contains("is erased from"), "{told}");
    let (is_whole, told) = verify(&server, &[]);
    assert!(is_whole && told.contains("who it was is erased"), "{told}");
    assert!(server.events().iter().any(|event| event["actor"] == "erased" && event["action"] == "note.stored"));
    // a change is not hidden by removing it
    tamper(&server, "UPDATE audit_event SET detail = 'x' WHERE sequence = 2;");
    let (done, told) = prune(&["2001-01-01"]);
    assert!(!done && told.contains("the trail does not verify"), "{told}");
}

#[test]
fn servers_on_postgresql_seal_one_trail() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let start = Start { database: Some(cluster.url("hospital")), ..Start::default() };
    let one = Server::serve_as(start, "", |_| {});
    let mut other = one.another();
    for number in 0..10 {
        let server = if number % 2 == 0 { &one } else { &other };
        server.post_note(&note(number));
    }
    verified_while_it_is_written(&one);
    // the one that seals may be the one that goes
    other.signal("TERM");
    assert_eq!(other.ended_within(Duration::from_secs(30)), Some(0), "{}", other.log());
    one.post_note(&note(1_000_000));
    wait_until("the one that is left seals", Duration::from_secs(30), || verify(&one, &[]).1.contains("every event is sealed"));
    assert_eq!(of_action(&one, "service.started").len(), 2);
    assert_eq!(of_action(&one, "service.stopped").len(), 1);
    let alter = "ALTER TABLE audit_event DISABLE TRIGGER USER; UPDATE audit_event SET at = at + 1 WHERE sequence = 2;
                 ALTER TABLE audit_event ENABLE TRIGGER USER";
    cluster.sql("hospital", alter);
    let (is_whole, told) = verify(&one, &[]);
    assert!(!is_whole && told.contains("wrong: event 2"), "{told}");
}
