//! Every endpoint and every page, asked by everybody, with what is right and what is damaged: what is personal is read by who may read it,
//! and stands in no error, header, log of any level, metric, trace, audit event, file or backup.

use serde_json::{Value, json};

use super::{
    leak::{AUTHOR, COMMENT, ENCOUNTER, EXTERNAL, NAME, PART, RECORD, TEXT, document, holds},
    routes::{Asked, Route, answer, endpoints, pages, session},
    server::{Reply, Server, Start},
    traces::collector,
};

/// What is sent where it is refused; nobody has it yet.
const SENT: &str = "Qxhostile-sent";
const SENT_PART: &[u8] = b"qxhostile";

/// Who asks.
struct Caller {
    role: &'static str,
    header: Option<(&'static str, String)>,
    /// Whether by a session of the pages.
    in_browser: bool,
}

fn callers(server: &Server) -> Vec<Caller> {
    let mut all = vec![Caller { role: "nobody", header: None, in_browser: false }];
    for role in ["submitter", "coder", "lead", "auditor", "admin"] {
        let token = format!("Bearer {}", server.tokens[role]);
        all.push(Caller { role, header: Some(("authorization", token)), in_browser: false });
        if role != "submitter" {
            all.push(Caller { role, header: Some(("cookie", session(server, role))), in_browser: true });
        }
    }
    all
}

/// What was planted, by its ids.
struct Planted {
    note: String,
    item: String,
    entry: String,
    query: String,
    patient: String,
}

/// Puts something personal into everything that holds some.
fn plant(server: &Server) -> Planted {
    let call = |path: &str, role: &str, body: &Value| {
        let reply = server.call("POST", path, role, Some(body.to_string().as_bytes()));
        assert!(reply.status < 300, "{path}: {}", reply.text);
        reply
    };
    let note = server.post_note(&json!({
        "text": format!("ASSESSMENT: Mr {TEXT} has pneumonia and {TEXT} disease.\nMEDICATIONS: {TEXT} 5 mg daily."),
        "external_id": EXTERNAL, "author": AUTHOR, "patient": {"id": RECORD, "name": NAME}, "encounter": {"id": ENCOUNTER},
    }));
    server.extraction(&note);
    let item =
        server.call("GET", &format!("/v1/notes/{note}"), "coder", None).json()["item_id"].as_str().expect("one").to_owned();
    let address = format!("/v1/review/items/{item}");
    call(&format!("{address}/claim"), "coder", &json!({}));
    call(&format!("{address}/remarks"), "coder", &json!({"comment": COMMENT}));
    let add = json!({"decisions": [{"decision": {"action": "add", "kind": "diagnosis", "display": COMMENT, "comment": COMMENT,
        "codes": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M10.9", "display": COMMENT}], "assertion": "present"}}]});
    call(&format!("{address}/decisions"), "coder", &add);
    let draft = json!({"template": "finding_significance", "indicators": [{"note_id": note, "text": "pneumonia"}]});
    let query = call(&format!("{address}/queries"), "coder", &draft).json()["id"].as_str().expect("an id").to_owned();
    call(&format!("/v1/review/queries/{query}/send"), "coder", &json!({}));
    call(&format!("/v1/review/queries/{query}/answer"), "coder", &json!({"option": 0, "provider": NAME, "text": COMMENT}));
    call("/fhir/DocumentReference", "submitter", &document());
    // who may read it, reads it
    let seen = server.call("GET", &address, "coder", None);
    let text = server.call("GET", &format!("/v1/notes/{note}/text"), "coder", None).text;
    assert!(text.contains(TEXT), "the text is not there");
    for sentinel in [NAME, RECORD, ENCOUNTER, AUTHOR, COMMENT] {
        assert!(seen.text.contains(sentinel), "{sentinel} is not in the item");
    }
    let entry = seen.json()["entries"][0]["id"].as_str().expect("an entry").to_owned();
    let found = server.call("GET", &format!("/fhir/Patient?identifier={RECORD}"), "coder", None).json();
    let patient = found["entry"][0]["resource"]["id"].as_str().unwrap_or_else(|| panic!("no patient: {found}")).to_owned();
    Planted { note, item, entry, query, patient }
}

/// Bodies for a route: one that could be right for some endpoint, and damaged ones.
fn bodies(route: &Route, is_page: bool) -> Vec<Option<Vec<u8>>> {
    if route.method == "GET" {
        return vec![None];
    }
    if is_page {
        let form = format!("form_token={SENT}&text={SENT}&comment={SENT}&name={SENT}&code={SENT}");
        return vec![Some(form.clone().into_bytes()), Some(format!("%ff%zz{form}&&=").into_bytes())];
    }
    let note = json!({"text": format!("ASSESSMENT: {SENT} has gout."), "external_id": SENT, "author": SENT, "patient": {"id": SENT, "name": SENT}});
    let stray = json!({SENT: SENT, "text": {SENT: SENT}, "resourceType": SENT, "decisions": SENT, "comment": [SENT]});
    let whole = note.to_string();
    vec![
        Some(whole.clone().into_bytes()),
        Some(stray.to_string().into_bytes()),
        Some(whole.as_bytes()[..whole.len() - 3].to_vec()),
        Some([SENT.as_bytes(), b"\xff\0"].concat()),
    ]
}

/// Fails where an answer says more than its caller may read.
fn check(caller: &Caller, is_page: bool, reply: &Reply, what: &str) {
    let (headers, body) = (format!("{:?}", reply.headers), reply.text.as_bytes());
    let reads_notes = ["submitter", "coder", "lead"].contains(&caller.role);
    let is_refused = reply.status >= 400;
    for part in [PART, SENT_PART] {
        assert!(!holds(headers.as_bytes(), part), "{what}: in the headers: {headers}");
        // on a page that is refused a person finds again what they typed, be it the name of a failed sign-in
        let is_typed = is_page && is_refused && part == SENT_PART;
        let may_be_there = is_typed || reads_notes && (!is_refused || (is_page && caller.in_browser));
        assert!(may_be_there || !holds(body, part), "{what}: {}", reply.text);
    }
}

fn walk(server: &Server, planted: &Planted) {
    let Planted { note, item, entry, query, patient } = planted;
    let callers = callers(server);
    for caller in &callers {
        let (address, headers) = (format!("/items/{item}/entries/{entry}"), caller.header.iter().cloned().collect());
        let reply = answer(server, &Asked { method: "GET", address: &address, headers, body: None });
        check(caller, true, &reply, &format!("{address} by {}", caller.role));
    }
    let endpoints = endpoints(server).into_iter().map(|route| (route, false));
    let mut all: Vec<(Route, bool)> = endpoints.chain(pages().into_iter().map(|route| (route, true))).collect();
    // what changes something comes after what reads it; a sign-out ends sessions
    all.sort_by_key(|(route, _)| (route.method != "GET", route.pattern == "/sign-out"));
    for (route, is_page) in &all {
        let ids: &[&str] = match (route.pattern.contains('{'), route.method.as_str()) {
            (false, _) => &[SENT],
            (true, "GET") => &[note, item, query, patient, SENT],
            (true, _) => &[note, item, query, SENT],
        };
        for id in ids {
            let address = route.address(id);
            for caller in &callers {
                for body in bodies(route, *is_page) {
                    let kind = if *is_page { "application/x-www-form-urlencoded" } else { "application/json" };
                    let mut headers: Vec<(&str, String)> = caller.header.iter().cloned().collect();
                    if body.is_some() {
                        headers.push(("content-type", kind.to_owned()));
                    }
                    let asked =
                        Asked { method: &route.method, address: &address, headers: headers.clone(), body: body.as_deref() };
                    let what = format!("{} {address} by {}", route.method, caller.role);
                    check(caller, *is_page, &answer(server, &asked), &what);
                }
                if !is_page && route.method == "GET" {
                    let mark = if address.contains('?') { '&' } else { '?' };
                    let address = format!("{address}{mark}{SENT}={SENT}&patient={SENT}");
                    let headers = caller.header.iter().cloned().collect();
                    let reply = answer(server, &Asked { method: "GET", address: &address, headers, body: None });
                    check(caller, false, &reply, &format!("{address} by {}", caller.role));
                }
            }
        }
    }
}

fn assert_clean(bytes: &[u8], what: &str) {
    for part in [PART, SENT_PART] {
        assert!(!holds(bytes, part), "{what} holds {}", String::from_utf8_lossy(part));
    }
}

#[test]
fn whoever_asks_for_whatever_learns_no_more_than_they_may() {
    let (address, collected) = collector();
    // the finest level holds all the others
    let start = Start { environment: vec![("ABSTRACTOR_LOG".to_owned(), "trace".to_owned())], ..Start::default() };
    let configuration = format!("[traces]\nendpoint = \"{address}\"\nshare = 1.0\n[limits]\nrequests_per_second = 100000\n");
    let mut server = Server::serve_as(start, &configuration, |_| {});
    walk(&server, &plant(&server));

    let metrics = server.call("GET", "/metrics", "admin", None).text;
    assert_clean(metrics.as_bytes(), "the metrics");
    for event in server.events() {
        assert_clean(event.to_string().as_bytes(), "the audit trail");
    }
    let elsewhere = tempfile::tempdir().expect("a folder");
    let backup = elsewhere.path().join("backup");
    server.tool("backup", &[backup.to_str().expect("a plain path")]);
    assert_clean(&std::fs::read(&backup).expect("is there"), "the backup");

    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&server.data).expect("the data folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            assert_clean(&std::fs::read(&path).expect("reads"), &name);
            seen.push(name);
        }
    }
    for name in ["abstractor.db", "abstractor.db-wal", "stderr.log"] {
        assert!(seen.iter().any(|one| one == name), "{name} is not among {seen:?}");
    }
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0), "{}", server.log());
    assert_clean(server.log().as_bytes(), "the log");
    let spans = collected.bodies();
    assert!(!spans.is_empty());
    for body in spans {
        assert_clean(&body, "a trace");
    }
}

#[test]
fn no_level_of_the_log_and_no_file_of_the_demo_tells_of_a_note() {
    for level in ["info", "debug", "trace"] {
        let server = Server::with_notes_and(&["--empty", "--log", level]);
        plant(&server);
        let folder = std::fs::read_dir(&server.data).expect("the data folder");
        for entry in folder {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                assert_clean(&std::fs::read(&path).expect("reads"), &format!("{} at {level}", path.display()));
            }
        }
        assert_clean(server.log().as_bytes(), level);
    }
}
