//! Text that means something to a database, a terminal, a header or a parser, sent through every field and parameter: answers are those of a
//! harmless text, and nothing that is stored is harmed.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use abstractor::interop::fhir::percent_encoded;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    server::{Reply, Server, Start, program},
};

/// Words that mean something to SQL, to a pattern or to a format; no two are the same.
const PAYLOADS: [&str; 22] = [
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "%",
    "_",
    "a'; DROP TABLE note;--",
    "' OR '1'='1",
    "\") OR 1=1 --",
    "x' UNION SELECT text FROM note--",
    "$1",
    "?1",
    ":name",
    "@x",
    "/* c */",
    "a\\'; SELECT pg_sleep(20);--",
    "{}{0}%s%n",
    "[a]*(?i)",
    "é🩺'",
    "NULL",
    "\u{202e}'\u{200b}",
];

/// Addresses with a place for words, and who may ask.
const ADDRESSES: [(&str, &str); 27] = [
    ("/v1/review/items?department=", "coder"),
    ("/v1/review/items?note_type=", "coder"),
    ("/v1/review/items?team=", "coder"),
    ("/v1/review/items?after=", "coder"),
    ("/v1/review/items?assigned=", "coder"),
    ("/v1/review/items?order=", "coder"),
    ("/v1/review/items/", "coder"),
    ("/v1/review/items?nothing=", "coder"),
    ("/v1/notes/", "submitter"),
    ("/v1/codes/", "coder"),
    ("/v1/code-blocks/", "coder"),
    ("/v1/audit/events?after=", "auditor"),
    ("/v1/deliveries?destination=", "lead"),
    ("/v1/messages?after=", "lead"),
    ("/v1/reports/work?days=", "lead"),
    ("/v1/reports/engine?facility=", "lead"),
    ("/v1/reports/backlog?department=", "lead"),
    ("/v1/reports/queries?coder=", "lead"),
    ("/v1/reports/population?from=", "lead"),
    ("/v1/reports/population?level=", "lead"),
    ("/fhir/Patient?identifier=", "coder"),
    ("/fhir/Patient/", "coder"),
    ("/fhir/DocumentReference?identifier=", "coder"),
    ("/fhir/DocumentReference?encounter=", "coder"),
    ("/fhir/DocumentReference?_page=", "coder"),
    ("/fhir/Condition?patient=", "coder"),
    ("/fhir/Condition?code=", "coder"),
];

fn post(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    server.call("POST", path, role, Some(body.to_string().as_bytes()))
}

/// What was stored comes back letter by letter, and a search for it finds it alone.
fn stored_and_found(server: &Server, words: &str) {
    let note = json!({"text": format!("Gout. {words}"), "external_id": words, "version": words, "author": words, "note_type": words,
        "patient": {"id": words, "system": words, "name": words}, "encounter_class": "inpatient",
        "encounter": {"id": words, "facility": words, "department": words}});
    let id = server.post_note(&note);
    assert_eq!(server.post_note(&note), id, "the same note again");
    server.extraction(&id);
    let kept = server.call("GET", &format!("/v1/notes/{id}"), "coder", None).json();
    for field in ["external_id", "version", "author", "note_type", "encounter"] {
        assert_eq!(kept[field], words, "{field}: {kept}");
    }
    assert_eq!(
        (&kept["patient"]["id"], &kept["patient"]["system"], &kept["patient"]["name"]),
        (&json!(words), &json!(words), &json!(words))
    );
    let text = server.call("GET", &format!("/v1/notes/{id}/text"), "coder", None).text;
    assert!(text.contains("Gout."), "{text}");
    let found = server.call("GET", &format!("/v1/review/items?department={}", percent_encoded(words)), "coder", None).json();
    let found: Vec<(&Value, &Value)> =
        found["items"].as_array().expect("items").iter().map(|item| (&item["id"], &item["department"])).collect();
    assert_eq!(found, [(&kept["item_id"], &json!(words))], "{words}");
    let patients = server.call("GET", &format!("/fhir/Patient?identifier=%7C{}", percent_encoded(words)), "coder", None);
    assert_eq!(patients.status, 200, "{words}: {}", patients.text);
}

fn unharmed(server: &Server) {
    let started = Instant::now();
    let usual: Vec<u16> =
        ADDRESSES.iter().map(|(address, role)| server.call("GET", &format!("{address}harmless"), role, None).status).collect();
    for words in PAYLOADS {
        stored_and_found(server, words);
        for ((address, role), usual) in ADDRESSES.iter().zip(&usual) {
            let reply = server.call("GET", &format!("{address}{}", percent_encoded(words)), role, None);
            assert_eq!(reply.status, *usual, "{address}{words}: {}", reply.text);
        }
        // fields of bodies that are no notes, headers, and forms: refused or taken, never a failure
        let destination = json!({"name": words, "events": [words], "channel": {"kind": words, "url": words}});
        let hook =
            json!({"hook": "patient-view", "hookInstance": words, "context": {"patientId": words, "encounterId": words}});
        let fhir = json!({"resourceType": "DocumentReference", "status": words, "subject": {"reference": words}, "identifier": [{"value": words}]});
        for (path, role, body) in [
            ("/v1/destinations", "admin", &destination),
            ("/cds-services/patient-view", "coder", &hook),
            ("/fhir/DocumentReference", "submitter", &fhir),
        ] {
            let reply = post(server, path, role, body);
            assert!(reply.status < 500, "{path} {words}: {} {}", reply.status, reply.text);
        }
        for (name, value) in [
            ("if-match", words),
            ("idempotency-key", words),
            ("authorization", words),
            ("cookie", words),
            ("x-request-id", words),
        ] {
            // what no header can hold is not sent by this client either
            if value.is_ascii() {
                let role = if name == "authorization" { "" } else { "coder" };
                let reply = server.send("GET", "/v1/review/items", role, &[(name, value)], None).expect("the server answers");
                assert!(reply.status < 500, "{name} {words}: {}", reply.text);
            }
        }
        let form = format!("code={}", percent_encoded(words));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", server.url.as_str())];
        let signed = server.send("POST", "/sign-in", "", &headers, Some(form.as_bytes())).expect("the server answers");
        assert!(signed.status < 500 && !signed.headers.contains_key("set-cookie"), "{words}: {}", signed.text);
    }
    assert!(started.elapsed() < Duration::from_secs(300), "a statement slept");
    let events = server.events();
    let stored: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["action"] == "note.stored")
        .map(|event| event["subject_id"].as_str().unwrap_or_default())
        .collect();
    assert!(stored.len() >= PAYLOADS.len(), "{} notes were stored", stored.len());
    assert!(server.tool("check", &[]).contains("nothing is wrong"));
    assert!(!server.log().contains("\"level\":\"ERROR\""), "{}", server.log());
}

const LIMITS: &str = "[limits]\nrequests_per_second = 100000\n";

#[test]
fn words_of_sql_are_words_in_a_file() {
    unharmed(&Server::serve(LIMITS, |_| {}));
}

#[test]
fn words_of_sql_are_words_in_postgresql() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let start = Start { database: Some(cluster.url("hospital")), ..Start::default() };
    unharmed(&Server::serve_as(start, LIMITS, |_| {}));
}

/// Status line and head of a raw request.
fn raw(server: &Server, head: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("is told");
    stream.write_all(head).expect("is sent");
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn no_header_and_no_line_of_the_log_is_made_by_a_caller() {
    let server = Server::serve(LIMITS, |_| {});
    // a line break within a value is no request
    for id in ["a\rset-cookie: x=1", "a\nset-cookie: x=1", "\x1b[2J", "a\0b"] {
        let head = format!("GET /v1/review/items HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n");
        let said = raw(&server, head.as_bytes()).to_lowercase();
        assert!(said.starts_with("http/1.1 400") || !said.contains("set-cookie: x=1"), "{id:?}: {said}");
    }
    // what a header may hold comes back to the caller and into no log
    let id = "Qzid\"},{\"level\":\"ERROR\"";
    let reply = server.send("GET", "/v1/review/items", "coder", &[("x-request-id", id)], None).expect("answers");
    assert_eq!(reply.headers.get("x-request-id").map(String::as_str), Some(id));
    assert!(!server.log().contains("Qzid"), "a caller wrote into the log");
    // and a line break in an address never reaches a redirection
    for path in [
        "/sign-in?next=%0d%0aset-cookie:%20x=1",
        "/codes/E11.9%0d%0aset-cookie:%20x=1",
        "/queue?notice=%0d%0aset-cookie:%20x=1",
        "/%0d%0aset-cookie:%20x=1",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "//evil.example/%2e%2e",
    ] {
        let reply = server.call("GET", path, "", None);
        assert!(reply.status < 500 && !reply.headers.contains_key("set-cookie"), "{path}: {}", reply.status);
        let place = reply.headers.get("location").map_or("/", String::as_str);
        assert!(place.starts_with('/') && !place.starts_with("//"), "{path} leads to {place}");
        assert!(!reply.text.contains("root:"), "{path}");
    }
}

/// A packed body is refused before anything of it is read as one; nothing unpacks it, so there is no bomb.
#[test]
fn a_packed_body_is_refused() {
    let server = Server::serve(LIMITS, |_| {});
    let note = json!({"text": "Gout."}).to_string();
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, identity", "identity, gzip", "x"] {
        for (path, role) in
            [("/v1/notes", "submitter"), ("/fhir/DocumentReference", "submitter"), ("/v1/extract", "coder"), ("/sign-in", "")]
        {
            let reply =
                server.send("POST", path, role, &[("content-encoding", encoding)], Some(note.as_bytes())).expect("answers");
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (415, "unsupported_encoding"),
                "{encoding} {path}: {}",
                reply.text
            );
            assert_eq!(reply.headers.get("accept-encoding").map(String::as_str), Some("identity"));
        }
    }
    let reply = server.send("POST", "/v1/notes", "submitter", &[("content-encoding", "identity")], Some(note.as_bytes()));
    assert_eq!(reply.expect("answers").status, 202);
}

/// Bodies that nest, repeat or count without end are refused by code in the time of any other.
#[test]
fn bodies_that_are_made_to_harm_are_refused_at_once() {
    let server = Server::serve(LIMITS, |_| {});
    let fields: String = (0..100_000).map(|number| format!("\"a{number}\":1,")).collect();
    let bodies = [
        format!("{{\"text\":{}", "[".repeat(500_000)),
        format!("{{\"text\":{}", "{\"a\":".repeat(200_000)),
        format!("{{\"text\":\"Gout.\",{}\"z\":1}}", fields),
        "{\"text\":\"Gout.\",\"text\":\"Gout.\"}".to_owned(),
        format!("{{\"text\":\"Gout.\",\"spans\":[{{\"start\":{},\"end\":1}}]}}", "9".repeat(100_000)),
        "{\"text\":\"Gout.\",\"spans\":[{\"start\":1e400,\"end\":-1e400}]}".to_owned(),
        format!("{{\"text\":\"{}\"}}", "\\ud800".repeat(100_000)),
        format!("\u{feff}{}", "{\"text\":\"Gout.\"}"),
    ];
    let started = Instant::now();
    for body in &bodies {
        for (path, role) in [
            ("/v1/notes", "submitter"),
            ("/v1/extract", "coder"),
            ("/fhir/DocumentReference", "submitter"),
            ("/cds-services/note-sign", "coder"),
        ] {
            let reply = server.call("POST", path, role, Some(body.as_bytes()));
            let start: String = body.chars().take(40).collect();
            assert!((400..500).contains(&reply.status), "{path} {start}: {} {}", reply.status, reply.text);
        }
        let reply = server.call("POST", "/v1/notes/bulk", "submitter", Some(body.as_bytes()));
        assert!(reply.status == 200 && reply.text.contains("\"error\""), "{}", reply.text);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(server.call("GET", "/health/ready", "", None).status, 200);
}

/// What others wrote is printed without what a terminal acts upon: labels, sources, names in archives.
#[test]
fn a_terminal_gets_no_escapes() {
    const HOSTILE: &str = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{202e}txt";
    let server = Server::serve(LIMITS, |_| {});
    server.tool("token", &["add", "coder", "--label", HOSTILE]);
    // refused or taken; listed either way
    let _ = server.try_tool("user", &["add", "odd", "--role", "submitter", "--source", HOSTILE]);
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("release.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&archive).expect("a file"));
    zip.start_file(format!("{HOSTILE}.txt"), zip::write::SimpleFileOptions::default()).expect("an entry");
    zip.write_all(b"<!DOCTYPE html><html>sign in</html>").expect("written");
    zip.finish().expect("closed");
    let archive = archive.to_str().expect("a plain path");
    let kept = folder.path().join("kept");
    let refused = program(&["vocabulary", "import", "rxnorm", archive, "--into", kept.to_str().expect("a plain path")], b"");
    let refusal = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && refusal.contains("is an HTML page"), "{refusal}");
    let labels = server.tool("token", &["list", "coder"]);
    assert!(labels.contains("owned") && refusal.contains("owned"), "{labels} {refusal}");
    for printed in [
        labels,
        server.tool("user", &["list"]),
        server.tool("messages", &["list", "--all"]),
        server.tool("quarantine", &["list"]),
        refusal,
    ] {
        let acts = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
        assert!(!printed.contains(acts), "{printed:?}");
    }
}
