//! What is personal stays where it belongs: sentinels planted in every field and every wrong request turn up in no log,
//! no error, no metric, no audit event, and not in clear in any file of the database.

use std::sync::OnceLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::server::{Server, program};

/// A sentinel for each field that may hold something personal; all share a part that nothing else holds.
pub const TEXT: &str = "Qzsentinel-text";
pub const NAME: &str = "Qzsentinel-name";
pub const RECORD: &str = "Qzsentinel-record";
pub const EXTERNAL: &str = "Qzsentinel-external";
pub const AUTHOR: &str = "Qzsentinel-author";
pub const ENCOUNTER: &str = "Qzsentinel-encounter";
pub const COMMENT: &str = "Qzsentinel-comment";
/// What is searched for, in any case.
pub const PART: &[u8] = b"qzsentinel";

/// Whether bytes hold a part, in any case of its letters.
pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::shared(&["--log", "debug"]))
}

#[test]
fn the_search_finds_what_is_there() {
    assert!(holds(b"a QZSENTINEL-text b", PART) && !holds(b"qzsentine", PART));
}

#[test]
fn sentinels_turn_up_nowhere() {
    let note = json!({
        "text": format!("ASSESSMENT: Mr {TEXT} has gout and {TEXT} disease.\nMEDICATIONS: {TEXT} 5 mg daily."),
        "external_id": EXTERNAL, "author": AUTHOR,
        "patient": {"id": RECORD, "name": NAME}, "encounter": {"id": ENCOUNTER},
    });
    let id = server().post_note(&note);
    server().extraction(&id);
    let item =
        server().call("GET", &format!("/v1/notes/{id}"), "coder", None).json()["item_id"].as_str().expect("one").to_owned();
    let address = format!("/v1/review/items/{item}");
    assert_eq!(server().call("POST", &format!("{address}/claim"), "coder", Some(b"")).status, 200);
    let add = json!({"decisions": [{"decision": {"action": "add", "kind": "diagnosis", "display": COMMENT, "comment": COMMENT,
        "codes": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M10.9", "display": COMMENT}], "assertion": "present"}}]});
    let reply = server().call("POST", &format!("{address}/decisions"), "coder", Some(add.to_string().as_bytes()));
    assert_eq!(reply.status, 200, "{}", reply.text);
    // who may read it, reads it: the sentinels did arrive
    let detail = server().call("GET", &address, "coder", None).text;
    for sentinel in [TEXT, NAME, RECORD, ENCOUNTER, AUTHOR, COMMENT] {
        assert!(detail.contains(sentinel), "{sentinel} is not in the item");
    }

    let document = document();
    let reply = server().call("POST", "/fhir/DocumentReference", "submitter", Some(document.to_string().as_bytes()));
    assert_eq!(reply.status, 201, "{}", reply.text);
    let search = format!("/fhir/DocumentReference?patient={RECORD}");
    assert!(server().call("GET", &search, "coder", None).text.contains(AUTHOR), "the sentinels did not arrive by FHIR");

    let wrong = wrong_requests(&note, &address).into_iter().chain(wrong_fhir(&document));
    for (method, path, role, body) in wrong {
        let reply = server().call(method, &path, role, Some(body.as_slice()));
        let sent = String::from_utf8_lossy(&body);
        assert!((400..500).contains(&reply.status), "{method} {path} {sent}: {}", reply.status);
        let everything = format!("{:?} {}", reply.headers, reply.text);
        assert!(!holds(everything.as_bytes(), PART), "{method} {path} {sent}: {everything}");
    }
    let metrics = server().call("GET", "/metrics", "admin", None).text;
    assert!(!holds(metrics.as_bytes(), PART), "{metrics}");
    for event in server().events() {
        assert!(!holds(event.to_string().as_bytes(), PART), "{event}");
    }
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&server().data).expect("the data folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("reads");
        assert!(!holds(&bytes, PART), "{name} holds a sentinel");
        seen.push(name);
    }
    for name in ["abstractor.db", "abstractor.db-wal", "stderr.log"] {
        assert!(seen.iter().any(|one| one == name), "{name} is not among {seen:?}");
    }
}

/// A request: method, path, role, body.
type Sent = (&'static str, String, &'static str, Vec<u8>);

/// Requests that are refused, each with a sentinel in it.
fn wrong_requests(note: &serde_json::Value, address: &str) -> Vec<Sent> {
    let with = |field: &str, value: serde_json::Value| {
        let mut body = note.clone();
        body[field] = value;
        body.to_string().into_bytes()
    };
    let whole = note.to_string();
    let decision = |decision: serde_json::Value| {
        let id = "0192f0c1-2222-7333-8444-555566667777";
        json!({"decisions": [{"entry_id": id, "decision": decision}]}).to_string().into_bytes()
    };
    let decisions = format!("{address}/decisions");
    let mut sent: Vec<Sent> = vec![
        ("POST", decisions.clone(), "coder", decision(json!({"action": TEXT}))),
        ("POST", decisions.clone(), "coder", decision(json!({"action": "reject", "reason": TEXT, "comment": TEXT}))),
        ("POST", decisions.clone(), "coder", decision(json!({"action": "amend", "assertion": TEXT}))),
        ("POST", decisions, "lead", decision(json!({"action": "accept"}))),
        ("POST", format!("/v1/notes/{TEXT}"), "submitter", whole.clone().into_bytes()),
        ("POST", format!("/v1/notes?patient={RECORD}&name={NAME}"), "", whole.clone().into_bytes()),
        ("GET", format!("/v1/review/items?state={TEXT}"), "coder", Vec::new()),
        ("GET", format!("/v1/review/items?{RECORD}={NAME}"), "coder", Vec::new()),
        ("GET", format!("/v1/notes/{EXTERNAL}/text?offset_unit={TEXT}"), "coder", Vec::new()),
        ("DELETE", format!("/v1/notes/{EXTERNAL}"), "admin", Vec::new()),
    ];
    for path in ["/v1/notes", "/v1/extract"] {
        let bodies = [
            whole.replace('}', "").into_bytes(),
            format!("{whole}{TEXT}").into_bytes(),
            TEXT.into(),
            format!("[{TEXT:?}]").into_bytes(),
            [TEXT.as_bytes(), b"\xff"].concat(),
            with("encounter_class", json!(TEXT)),
            with("service_date", json!(RECORD)),
            with("text", json!({TEXT: NAME})),
            with("text", json!([TEXT])),
            with("text", json!(format!("{TEXT}\0"))),
            with("text", json!(format!("{TEXT} {}", "a".repeat(1_000_000)))),
            with("patient", json!([NAME])),
            with("patient", json!({"id": {NAME: 1}})),
            with("version", json!([EXTERNAL])),
        ];
        sent.extend(bodies.into_iter().map(|body| ("POST", path.to_owned(), "submitter", body)));
    }
    sent.push(("POST", "/v1/notes".to_owned(), "submitter", with("text", json!(format!("another {TEXT}")))));
    sent.push(("POST", "/v1/notes".to_owned(), "submitter", with("source", json!(NAME))));
    sent.push(("POST", "/v1/notes".to_owned(), "coder", whole.into_bytes()));
    sent
}

/// A FHIR document with a sentinel in every field that may hold something personal.
pub fn document() -> serde_json::Value {
    json!({
        "resourceType": "DocumentReference", "status": "current", "identifier": [{"value": format!("{EXTERNAL}-2")}],
        "subject": {"identifier": {"value": RECORD}, "display": NAME}, "author": [{"display": AUTHOR}],
        "context": {"encounter": [{"identifier": {"value": ENCOUNTER}}]},
        "content": [{"attachment": {"contentType": "text/plain", "title": TEXT, "data": STANDARD.encode(format!("{TEXT} has gout."))}}],
    })
}

/// FHIR requests that are refused, each with a sentinel in it.
fn wrong_fhir(document: &serde_json::Value) -> Vec<Sent> {
    let with = |field: &str, value: serde_json::Value| {
        let mut body = document.clone();
        body[field] = value;
        body.to_string().into_bytes()
    };
    let attachment = |kind: &str, data: &str| json!([{"attachment": {"contentType": kind, "data": data}}]);
    let post = |body: Vec<u8>| -> Sent { ("POST", "/fhir/DocumentReference".to_owned(), "submitter", body) };
    let related = json!([{"code": "replaces", "target": {"reference": format!("DocumentReference/{EXTERNAL}")}}]);
    vec![
        post(with("status", json!(TEXT))),
        post(with("resourceType", json!(TEXT))),
        post(with("content", attachment(TEXT, "R291dA=="))),
        post(with("content", attachment(&format!("text/plain; charset={TEXT}"), "R291dA=="))),
        post(with("content", attachment("text/plain", &format!("{TEXT}!")))),
        post(with("content", attachment("text/plain", &STANDARD.encode(format!("{TEXT}\0"))))),
        post(with("content", json!([{"attachment": {"contentType": "text/plain", "url": format!("https://{TEXT}.example")}}]))),
        post(with("subject", json!({"reference": format!("#{RECORD}")}))),
        post(with("relatesTo", related)),
        post(format!("{{{TEXT}").into_bytes()),
        ("POST", "/fhir".to_owned(), "submitter", document.to_string().into_bytes()),
        ("POST", "/fhir/DocumentReference".to_owned(), "coder", document.to_string().into_bytes()),
        ("GET", format!("/fhir/{NAME}/{RECORD}"), "coder", Vec::new()),
        ("GET", format!("/fhir/Condition/{EXTERNAL}"), "coder", Vec::new()),
        ("GET", format!("/fhir/Condition?{RECORD}={NAME}"), "coder", Vec::new()),
        ("GET", format!("/fhir/Condition?patient={RECORD}&_page={TEXT}"), "coder", Vec::new()),
        ("GET", format!("/fhir/Condition?patient={RECORD}&_count={TEXT}"), "coder", Vec::new()),
        ("GET", format!("/fhir/Condition?patient={RECORD}"), "admin", Vec::new()),
        ("GET", format!("/fhir/Task?status={TEXT}"), "coder", Vec::new()),
        ("PUT", format!("/fhir/DocumentReference/{EXTERNAL}"), "submitter", document.to_string().into_bytes()),
    ]
}

#[test]
fn the_command_line_does_not_quote_bad_notes() {
    let lines = [
        format!("{{\"id\":\"1\",\"text\":\"{TEXT}\\u0000\"}}"),
        format!("{{\"id\":\"2\",\"text\":\"{TEXT}\""),
        format!("{{\"id\":\"3\",\"text\":[\"{TEXT}\"]}}"),
        format!("{{\"id\":\"4\",\"text\":\"a\",\"encounter_class\":\"{TEXT}\"}}"),
        format!("{{\"id\":\"5\",\"text\":\"a\",\"service_date\":\"{TEXT}\"}}"),
        format!("{{\"id\":\"6\",\"text\":\"a\",\"spans\":[\"{TEXT}\"]}}"),
        format!("[\"{TEXT}\"]"),
        TEXT.to_owned(),
    ];
    let output = program(
        &["extract", "--recognizers", "dictionary", "--format", "ndjson", "-"],
        format!("{}\n", lines.join("\n")).as_bytes(),
    );
    assert!(!output.status.success());
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), lines.len(), "each is reported in its place");
    for out in [&output.stdout, &output.stderr] {
        assert!(!holds(out, PART), "{}", String::from_utf8_lossy(out));
    }
}
