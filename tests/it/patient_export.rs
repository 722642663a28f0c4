//! What a patient is given of what is kept of them: table by table, with something to know each again by, on both databases.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    hl7::{Peer, document, listener},
    permissions::Visitor,
    server::{Server, Start, wait_until},
};

/// Every table that says something of a patient: the line that tells it, where in the line, and what stands there in the test below.
const GIVEN: [(&str, &str, &str, &str); 18] = [
    ("audit_event", "event", "/action", "note.stored"),
    ("broken_glass", "access_under_broken_glass", "/words", "QxGLASS"),
    ("decision", "encounter", "/decisions", "QxDECISION"),
    ("delivery", "delivery", "/body", "MRN-77"),
    ("encounter", "encounter", "/encounter", "V-77"),
    ("extraction", "note", "/extraction", "M10"),
    ("item_outcome", "encounter", "/outcome", "J45.909"),
    ("item_remark", "encounter", "/remarks", "QxREMARK"),
    ("legal_hold", "patient", "/holds", "case-17"),
    ("message", "message", "/content", "QxFAILED"),
    ("note", "note", "/text", "QxTEXT"),
    ("note_seen", "note", "/seen", "coder"),
    ("own_record", "patient", "/own_record_of", "kim"),
    ("patient", "patient", "/details", "MRN-77"),
    ("query", "query", "/content", "QxTEXT"),
    ("query_act", "query", "/acts", "QxANSWER"),
    ("review_item", "encounter", "/state", "finished"),
    ("second_review", "second_review", "/worksheet", "QxWORKSHEET"),
];

/// Every other table, and why a patient is not given it.
const NOT_GIVEN: [(&str, &str); 34] = [
    ("audit_checkpoint", "signatures over the whole trail"),
    ("audit_link", "hashes of events, which are given"),
    ("audit_sealer", "which process seals the trail"),
    ("client_key", "public keys of programs"),
    ("destination", "where other systems are; what was sent to them is given"),
    ("drift_alert", "numbers over all notes"),
    ("drift_evaluation", "numbers over all notes"),
    ("drift_reference", "times"),
    ("idempotency_key", "hashes of a sender's word for a request, for a week"),
    ("job", "when the extraction of a note is due; the trail says when it was made"),
    ("key_holder", "which process knows which keys"),
    ("live_engine", "which model and vocabulary were live"),
    ("proposal_decision", "what leads taught the engine; it names no patient and no note"),
    ("purge_permit", "nothing outside the transaction of a purge"),
    ("recovery_code", "of users"),
    ("schema_version", "of the database itself"),
    ("shadow_report", "numbers, our ids and stable words of a trial of another engine; nothing of a note"),
    ("sign_in_failure", "of users"),
    ("sign_in_step", "of users"),
    ("site_list", "what leads arranged for the site; nothing of a patient"),
    ("site_pack", "what leads taught the engine; it names no patient and no note"),
    ("site_pack_activation", "which of those was live"),
    ("site_pack_shadow", "which trial a pack passed"),
    ("site_secret", "keys of the database itself"),
    ("site_setting", "what leads arranged for the site; nothing of a patient"),
    ("suggestion_tally", "counts by blind index over all encounters; no row says of what"),
    ("token", "of users"),
    ("tombstone", "that something is gone, by our id; the trail says it too"),
    ("unknown_sign_in", "a count"),
    ("used_assertion", "hashes of what programs signed"),
    ("user_account", "of users; whoever did something is named beside what they did"),
    ("user_credential", "of users"),
    ("user_preference", "what users arranged for themselves"),
    ("work_lease", "which process sweeps"),
];

fn export(server: &Server) -> Vec<Value> {
    let given = server.tool("patient", &["export", "--source", "emr", "--record", "MRN-77", "-"]);
    given.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Everything that can be kept of a patient is kept of one.
fn keep_everything(server: &mut Server) {
    let destination = json!({"name": "billing", "events": ["review.finished"], "channel": {
        "kind": "hl7", "address": "127.0.0.1:9", "settings": {"format": "dft", "receiving_application": "BILLING"}}});
    let call = |server: &Server, path: &str, role: &str, body: &Value| {
        let reply = server.call("POST", path, role, Some(body.to_string().as_bytes()));
        assert!(reply.status < 300, "{path}: {}", reply.text);
        reply
    };
    call(server, "/v1/destinations", "admin", &destination);
    let mut peer = Peer::connect(server);
    assert_eq!(peer.exchange(&document("T02", "C1", "77", "ASSESSMENT: Gout. QxTEXT")).0, "AA");
    // about the patient, but of a document that nobody knows: it is kept, and makes no note
    let failed = document("T11", "C2", "77", "QxFAILED").replace("||||||||77\r", "||||||||never\r");
    assert_eq!(peer.exchange(&failed).1, "unknown_document");
    assert_eq!(peer.exchange(&document("T02", "C3", "78", "ASSESSMENT: Asthma. QxOTHER")).0, "AA");
    wait_until("the notes are extracted", Duration::from_secs(60), || server.gauge("abstractor_jobs_waiting") == 0);
    server.add_user("kim", &["--role", "coder"]);
    server.tool("user", &["own-record", "kim", "--source", "emr", "--record", "MRN-77"]);
    let hold = server.tool("hold", &["add", "patient", "--source", "emr", "--record", "MRN-77", "--reason", "case-17"]);
    server.tool("hold", &["release", &hold]);
    let note = super::hl7::notes(server).into_iter().map(|(_, note)| note).find(|note| note["external_id"] == "77");
    let note = note.expect("the note is there");
    let (note, item) = (note["id"].as_str().expect("an id"), note["item_id"].as_str().expect("an id"));
    let at = |what: &str| format!("/v1/review/items/{item}{what}");
    call(server, &at("/claim"), "coder", &json!({}));
    call(server, &at("/remarks"), "coder", &json!({"comment": "QxREMARK"}));
    let add = json!({"decision": {"action": "add", "kind": "diagnosis", "display": "QxDECISION", "comment": "QxDECISION",
        "codes": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J45.909", "display": "Asthma"}], "assertion": "present"}});
    let found = server.call("GET", &at(""), "coder", None).json();
    let waiting = found["entries"].as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == true);
    let accept = waiting.map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}}));
    let decisions: Vec<Value> = accept.chain([add]).collect();
    call(server, &at("/decisions"), "coder", &json!({"decisions": decisions}));
    let draft = json!({"template": "finding_significance", "indicators": [{"note_id": note, "text": "QxTEXT"}]});
    let query = call(server, &at("/queries"), "coder", &draft).json()["id"].as_str().expect("an id").to_owned();
    call(server, &format!("/v1/review/queries/{query}/send"), "coder", &json!({}));
    let answer = json!({"option": 0, "provider": "Dr. Roe", "text": "QxANSWER"});
    call(server, &format!("/v1/review/queries/{query}/answer"), "coder", &answer);
    let page = Visitor::of(server, "coder");
    assert_eq!(page.post(server, &format!("/items/{item}/seen"), &[("notes", note)]).0, 200);
    call(server, &at("/break-glass"), "admin", &json!({"reason": "patient_safety", "comment": "QxGLASS"}));
    call(server, &at("/finish?override_edits=documentation_supports_it"), "coder", &json!({}));
    let lead = Visitor::of(server, "lead");
    let sample = [("count", "1"), ("days", "1"), ("blinded", "on")];
    assert_eq!(lead.post(server, "/second-reviews", &sample).1, "/second-reviews?drawn=1");
    let list = lead.get(server, "/second-reviews").2;
    let review = list.split("/second-reviews/").nth(1).and_then(|rest| rest.split('"').next()).expect("one waits");
    let (status, place, page) =
        lead.post(server, &format!("/second-reviews/{review}"), &[("codes", "M10.9"), ("comment", "QxWORKSHEET")]);
    assert!(status == 303 && place.ends_with("notice=reviewed"), "{place} {page}");
}

/// All of a patient is given, by a server on either database.
fn everything_is_given(server: &mut Server) {
    keep_everything(server);
    // the outcome is worked out behind the change
    let has_outcome = || export(server).iter().any(|line| line["line"] == "encounter" && line["outcome"].is_object());
    wait_until("the outcome is worked out", Duration::from_secs(60), has_outcome);
    let lines = export(server);
    for (table, kind, place, word) in GIVEN {
        let holds = |line: &&Value| line["line"] == kind && line.pointer(place).is_some_and(|at| at.to_string().contains(word));
        assert!(lines.iter().any(|line| holds(&line)), "{table}: no line {kind} has {word} at {place}: {lines:#?}");
    }
    let messages: Vec<&Value> = lines.iter().filter(|line| line["line"] == "message").collect();
    let dry = server.tool("patient", &["erase", "--source", "emr", "--record", "MRN-77", "--dry-run"]);
    assert!(dry.contains(&format!("{} messages", messages.len())), "what erase would purge is what is given: {dry}");
    assert!(messages.len() == 2 && messages[0]["content"].as_str().expect("text").starts_with("MSH|"), "{messages:?}");
    assert!(lines.iter().any(|line| line["action"] == "message.failed"), "the trail of messages is there too");
    let whole = Value::from(lines).to_string();
    assert!(!whole.contains("QxOTHER") && !whole.contains("MRN-78"), "nothing of another patient");
}

#[test]
fn a_patient_is_given_every_kind_of_what_is_kept() {
    everything_is_given(&mut Server::serve(&listener(""), |_| {}));
}

#[test]
fn a_patient_is_given_the_same_from_postgresql() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let start = Start { database: Some(cluster.url("hospital")), ..Start::default() };
    everything_is_given(&mut Server::serve_as(start, &listener(""), |_| {}));
}

#[test]
fn every_table_is_given_or_says_why_not() {
    let server = Server::serve("", |_| {});
    let database = rusqlite::Connection::open(server.data.join("abstractor.db")).expect("opens");
    let mut statement = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").expect("is a query");
    let found = statement.query_map([], |row| row.get::<_, String>(0)).expect("runs");
    let found: BTreeSet<String> = found.collect::<Result<_, _>>().expect("reads");
    assert!(found.len() > 40, "{found:?}");
    let given = GIVEN.iter().map(|(table, ..)| *table);
    let told: Vec<&str> = given.chain(NOT_GIVEN.iter().map(|(table, _)| *table)).collect();
    let once: BTreeSet<&str> = told.iter().copied().collect();
    assert_eq!(once.len(), told.len(), "a table stands twice");
    let unknown: Vec<&String> = found.iter().filter(|table| !once.contains(table.as_str())).collect();
    assert!(unknown.is_empty(), "`patient export` gives these, or NOT_GIVEN says why it does not: {unknown:?}");
    let gone: Vec<&&str> = once.iter().filter(|table| !found.contains(**table)).collect();
    assert!(gone.is_empty(), "there are no such tables: {gone:?}");
}
