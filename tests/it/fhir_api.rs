//! The FHIR interface on a running server: an EHR's journeys with a client that is not ours, permissions, scopes, errors, Bundles.

use std::{
    collections::BTreeSet,
    sync::OnceLock,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    fhir::{of, python, validate},
    fhir_rules::assert_rules,
    server::{Reply, Server},
};

/// An id that nothing has.
const NOBODY: &str = "0192f0c1-2222-7333-8444-555566667777";
/// What a test sends where it must not come back.
const SENT: &str = "Zyxwatson";

pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut server = Server::shared(&[]);
        server.add_user("lab-feed", &["--role", "submitter", "--source", "lab"]);
        server.add_user("north-coder", &["--role", "coder", "--facility", "north"]);
        server.add_user("cleared-coder", &["--role", "coder", "--sees-restricted"]);
        server
    })
}

pub fn get(path: &str, role: &str) -> Reply {
    server().call("GET", path, role, None)
}

pub fn post(path: &str, role: &str, body: &Value) -> Reply {
    server().call("POST", path, role, Some(body.to_string().as_bytes()))
}

fn attachment(kind: &str, bytes: &[u8]) -> Value {
    json!({"attachment": {"contentType": kind, "data": STANDARD.encode(bytes)}})
}

pub fn document(number: &str, patient: &str, text: &str) -> Value {
    json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "identifier": [{"value": number}],
        "subject": {"identifier": {"value": patient}},
        "content": [attachment("text/plain", text.as_bytes())],
    })
}

/// Posts a document and gives its id.
pub fn posted(document: &Value, role: &str) -> String {
    let reply = post("/fhir/DocumentReference", role, document);
    assert_eq!(reply.status, 201, "{}", reply.text);
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(reply.headers["location"], format!("{}/fhir/DocumentReference/{id}", server().url));
    id
}

/// A page, with the content type that all have.
pub fn page(path: &str, role: &str) -> Value {
    let reply = get(path, role);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    assert_eq!(reply.headers["content-type"], "application/fhir+json");
    reply.json()
}

/// Waits until what a search gives meets a wish.
fn wait_for(path: &str, role: &str, wish: impl Fn(&[&Value]) -> bool, kind: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let found = page(path, role);
        if wish(&resources(&found, kind)) {
            return found;
        }
        assert!(Instant::now() < until, "never: {found}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Resources of a kind of a page, which may be empty.
pub fn resources<'a>(bundle: &'a Value, kind: &str) -> Vec<&'a Value> {
    if bundle["entry"].is_array() { of(bundle, kind) } else { Vec::new() }
}

fn assert_outcome(reply: &Reply, status: u16, code: &str, name: &str) -> Value {
    assert_eq!(reply.status, status, "{name}: {}", reply.text);
    assert_eq!(reply.headers["content-type"], "application/fhir+json", "{name}");
    let outcome = reply.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{name}");
    assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], code, "{name}: {}", reply.text);
    assert!(!reply.text.contains(SENT), "{name} quotes what was sent: {}", reply.text);
    outcome
}

#[test]
fn an_ehr_goes_its_ways_with_a_client_that_is_not_ours() {
    let server = Server::empty();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/peers/ehr.py");
    let output = python()
        .arg(script)
        .arg(&server.url)
        .args(["submitter", "coder", "auditor"].map(|role| &server.tokens[role]))
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}\nlast: {}",
        String::from_utf8_lossy(&output.stderr),
        said.lines().last().unwrap_or("")
    );
    let shown: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(shown.len() > 30, "only {} resources", shown.len());
    validate(&shown);
}

/// Every address, and who passes: submitter, coder, lead, auditor, admin.
pub const ADDRESSES: [(&str, &str, &str); 28] = [
    ("POST", "/fhir", "x...."),
    ("POST", "/fhir/DocumentReference", "x...."),
    ("PUT", "/fhir/DocumentReference/{id}", "x...."),
    ("POST", "/fhir/DocumentReference/$extract", "xxx.."),
    ("GET", "/fhir/DocumentReference/{id}", "xxx.."),
    ("GET", "/fhir/DocumentReference/{id}/$everything", "xxx.."),
    ("GET", "/fhir/DocumentReference?patient=x", "xxx.."),
    ("GET", "/fhir/Binary/{id}", "xxx.."),
    ("GET", "/fhir/Condition?patient=x", "xxx.."),
    ("GET", "/fhir/Condition/{id}", "xxx.."),
    ("POST", "/fhir/Condition/_search", "xxx.."),
    ("GET", "/fhir/AllergyIntolerance?patient=x", "xxx.."),
    ("GET", "/fhir/MedicationStatement?patient=x", "xxx.."),
    ("GET", "/fhir/MedicationRequest?patient=x", "xxx.."),
    ("GET", "/fhir/FamilyMemberHistory?patient=x", "xxx.."),
    ("GET", "/fhir/Provenance?patient=x", "xxx.."),
    ("GET", "/fhir/Provenance/{id}", "xxx.."),
    ("GET", "/fhir/Patient?identifier=x", "xxx.."),
    ("GET", "/fhir/Patient/{id}", "xxx.."),
    ("GET", "/fhir/Task", "xxx.."),
    ("GET", "/fhir/Task/{id}", "xxx.."),
    ("GET", "/fhir/Task?status=requested", "xxx.."),
    ("GET", "/fhir/AuditEvent", "...x."),
    ("GET", "/fhir/AuditEvent/1", "...x."),
    ("POST", "/fhir/Subscription", "....x"),
    ("GET", "/fhir/Subscription", "....x"),
    ("GET", "/fhir/Subscription/{id}", "....x"),
    ("PUT", "/fhir/Subscription/{id}", "....x"),
];

#[test]
fn every_address_asks_for_a_token_and_a_role() {
    let mut outcomes = Vec::new();
    for (method, path, row) in ADDRESSES {
        let address = path.replace("{id}", NOBODY);
        let body: Option<&[u8]> = if method == "GET" { None } else { Some(b"{}") };
        let reply = server().call(method, &address, "", body);
        outcomes.push(assert_outcome(&reply, 401, "unauthorized", path));
        assert_eq!(reply.headers["www-authenticate"], "Bearer", "{path}");
        for (role, cell) in ["submitter", "coder", "lead", "auditor", "admin"].into_iter().zip(row.chars()) {
            let reply = server().call(method, &address, role, body);
            if cell == 'x' {
                assert!(![401, 403].contains(&reply.status) && reply.status < 500, "{role} {path}: {}", reply.text);
            } else {
                outcomes.push(assert_outcome(&reply, 403, "forbidden", &format!("{role} {path}")));
            }
        }
    }
    let open = get("/fhir/metadata", "");
    assert_eq!(open.status, 200);
    validate(&[outcomes, vec![open.json()]].concat());
}

#[test]
fn errors_are_outcomes_and_quote_nothing() {
    let get = |path: &str| server().call("GET", path, "submitter", None);
    let wrong = |body: &Value| post("/fhir/DocumentReference", "submitter", body);
    let with = |kind: &str| {
        let mut document = document("E-1", "E", "x");
        document["content"] = json!([attachment(kind, b"%PDF-1.7")]);
        document
    };
    let typed = |kind: &str| {
        server()
            .send("POST", "/fhir/DocumentReference", "submitter", &[("content-type", kind)], Some(b"<a/>"))
            .expect("the server answers")
    };
    let accepting =
        |kind: &str| server().send("GET", "/fhir/Task", "submitter", &[("accept", kind)], None).expect("the server answers");
    let mut status = document("E-1", "E", "x");
    status["status"] = json!(SENT);
    let mut empty = document("E-1", "E", " ");
    empty["subject"] = json!({"identifier": {"value": SENT}});
    let long = format!("{SENT} {}", "gout ".repeat(220_000));
    let cases = [
        ("no resource", get("/fhir/Observation/1"), 404, "unknown_address"),
        ("no address", get("/fhir/x/y/z"), 404, "unknown_address"),
        ("no document", get(&format!("/fhir/DocumentReference/{NOBODY}")), 404, "not_found"),
        ("no id", get("/fhir/DocumentReference/Zyxwatson"), 404, "not_found"),
        (
            "no condition",
            get(&format!("/fhir/Condition/{}{}", NOBODY.replace('-', ""), NOBODY.replace('-', ""))),
            404,
            "not_found",
        ),
        ("method", server().call("DELETE", "/fhir/Condition", "submitter", None), 405, "method_not_allowed"),
        ("patch", server().call("PATCH", &format!("/fhir/Task/{NOBODY}"), "submitter", Some(b"{}")), 405, "method_not_allowed"),
        ("parameter", get("/fhir/Condition?patient=a&Zyxwatson=1"), 400, "invalid_parameter"),
        ("modifier", get("/fhir/Condition?patient:missing=true"), 400, "invalid_parameter"),
        ("twice", get("/fhir/Condition?patient=a&patient=Zyxwatson"), 400, "invalid_parameter"),
        ("nothing named", get("/fhir/Condition"), 400, "invalid_parameter"),
        ("count", get("/fhir/Condition?patient=a&_count=Zyxwatson"), 400, "invalid_parameter"),
        ("cursor", get("/fhir/Condition?patient=a&_page=Zyxwatson"), 400, "invalid_parameter"),
        ("status of a task", get("/fhir/Task?status=Zyxwatson"), 400, "invalid_parameter"),
        ("format", get("/fhir/Task?_format=xml"), 406, "not_acceptable"),
        ("accept", accepting("application/fhir+xml"), 406, "not_acceptable"),
        ("content type", typed("application/fhir+xml"), 415, "unsupported_content"),
        ("not JSON", server().call("POST", "/fhir", "submitter", Some(b"{Zyxwatson")), 400, "invalid_json"),
        ("a list", server().call("POST", "/fhir", "submitter", Some(b"[\"Zyxwatson\"]")), 422, "invalid_field"),
        ("a PDF", wrong(&with("application/pdf")), 415, "unsupported_content"),
        ("an image", wrong(&with(&format!("image/{SENT}"))), 415, "unsupported_content"),
        ("a status", wrong(&status), 422, "invalid_field"),
        ("white space", wrong(&empty), 422, "empty_note"),
        ("NUL", wrong(&document("E-1", "E", &format!("{SENT}\0"))), 422, "nul_character"),
        ("a long note", wrong(&document("E-1", "E", &long)), 413, "note_too_large"),
        ("another resource", wrong(&json!({"resourceType": "Patient", "id": SENT})), 422, "invalid_field"),
        (
            "a search Bundle",
            post("/fhir", "submitter", &json!({"resourceType": "Bundle", "type": "searchset"})),
            422,
            "invalid_field",
        ),
    ];
    let outcomes: Vec<Value> =
        cases.into_iter().map(|(name, reply, status, code)| assert_outcome(&reply, status, code, name)).collect();
    validate(&outcomes);
    let huge = format!("{{\"resourceType\": \"{}\"}}", "x".repeat(10_000_000));
    let reply = server().call("POST", "/fhir/DocumentReference", "submitter", Some(huge.as_bytes()));
    assert_outcome(&reply, 413, "note_too_large", "a huge body");
}

#[test]
fn every_form_of_text_is_kept_as_the_words_that_a_reader_sees() {
    for (at, (kind, bytes, expected)) in [
        ("text/plain; charset=windows-1252", &b"Zo\xeb has gout."[..], "Zoë has gout."),
        (
            "text/html",
            b"<html><body><h1>Assessment</h1><ul><li>Gout</li><li>BP &lt; 120</li></ul></body></html>",
            "Assessment\n- Gout\n- BP < 120",
        ),
        ("application/rtf", br"{\rtf1\ansi\ansicpg1252 Assessment:\par Gout \u8212? Zo\'eb.}", "Assessment:\nGout — Zoë."),
    ]
    .into_iter()
    .enumerate()
    {
        let mut document = document(&format!("FORM-{at}"), "FORM", "");
        document["content"] = json!([attachment(kind, bytes)]);
        let id = posted(&document, "submitter");
        let text = get(&format!("/fhir/Binary/{id}"), "submitter");
        assert_eq!((text.text.as_str(), text.headers["content-type"].as_str()), (expected, "text/plain; charset=utf-8"));
        let accept = [("accept", "application/fhir+json")];
        let binary =
            server().send("GET", &format!("/fhir/Binary/{id}"), "coder", &accept, None).expect("the server answers").json();
        assert_eq!(STANDARD.decode(binary["data"].as_str().expect("data")).expect("base64"), expected.as_bytes());
        validate(&[binary]);
    }
}

/// A transaction with everything that a document refers to.
fn transaction(kind: &str, number: &str) -> Value {
    let entry = |url: &str, resource: Value| {
        let request = json!({"method": "POST", "url": resource["resourceType"]});
        json!({"fullUrl": url, "resource": resource, "request": request})
    };
    let mut first = document(&format!("{number}-1"), "", "");
    first["subject"] = json!({"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"});
    first["context"] = json!({"encounter": [{"reference": "urn:uuid:00000000-0000-4000-8000-000000000002"}]});
    first["content"] =
        json!([{"attachment": {"contentType": "text/html", "url": "urn:uuid:00000000-0000-4000-8000-000000000003"}}]);
    let mut second = document(&format!("{number}-2"), "", "Addendum: asthma.");
    second["subject"] = first["subject"].clone();
    second["context"] = first["context"].clone();
    second["relatesTo"] =
        json!([{"code": "appends", "target": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000004"}}]);
    json!({"resourceType": "Bundle", "type": kind, "entry": [
        entry("urn:uuid:00000000-0000-4000-8000-000000000001", json!({
            "resourceType": "Patient", "identifier": [{"system": "urn:oid:2.999.3", "value": format!("{number}-P")}],
            "name": [{"family": "Doe", "given": ["Jane"]}], "birthDate": "1960-05-06", "gender": "female",
        })),
        entry("urn:uuid:00000000-0000-4000-8000-000000000002", json!({
            "resourceType": "Encounter", "status": "finished", "class": {"code": "IMP"},
            "identifier": [{"value": format!("{number}-V")}], "period": {"start": "2026-01-02", "end": "2026-01-09"},
        })),
        entry("urn:uuid:00000000-0000-4000-8000-000000000003", json!({
            "resourceType": "Binary", "contentType": "text/html", "data": STANDARD.encode("<p>Gout.</p>"),
        })),
        entry("urn:uuid:00000000-0000-4000-8000-000000000004", first),
        entry("urn:uuid:00000000-0000-4000-8000-000000000005", second),
    ]})
}

#[test]
fn a_transaction_brings_documents_with_their_patient_and_encounter() {
    let sent = transaction("transaction", "TX");
    let reply = post("/fhir", "submitter", &sent);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answer = reply.json();
    assert_eq!(answer["type"], "transaction-response");
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["response"]["status"].as_str().expect("a status"))
        .collect();
    assert_eq!(statuses, ["200 OK", "200 OK", "200 OK", "201 Created", "201 Created"]);
    let location = answer["entry"][3]["response"]["location"].as_str().expect("a location").to_owned();
    let id = location.strip_prefix("DocumentReference/").expect("of the document");
    let note = get(&format!("/v1/notes/{id}"), "submitter").json();
    assert_eq!(
        note["patient"],
        json!({"id": "TX-P", "system": "urn:oid:2.999.3", "name": "Doe, Jane", "birth_date": "1960-05-06", "sex": "female"})
    );
    assert_eq!((&note["encounter"], &note["encounter_class"]), (&json!("TX-V"), &json!("inpatient")));
    assert_eq!((&note["discharge_date"], &note["text"]), (&json!("2026-01-09"), &json!("Gout.")));
    let documents = page("/fhir/DocumentReference?encounter=TX-V", "submitter");
    assert_eq!(resources(&documents, "DocumentReference").len(), 2);
    let by_system = page("/fhir/DocumentReference?identifier=urn:docs|TX-1", "submitter");
    assert_eq!(resources(&by_system, "DocumentReference").len(), 1);
    assert_eq!(resources(&by_system, "OperationOutcome").len(), 1, "that the system was not looked at is told");
    let tasks = page("/fhir/Task?encounter=TX-V", "coder");
    assert_eq!(resources(&tasks, "Task").len(), 1, "an addendum joins its encounter");
    // the same again is the same
    let again = post("/fhir", "submitter", &sent).json();
    assert_eq!(again["entry"][3]["response"]["status"], "200 OK");
    assert_eq!(again["entry"][3]["response"]["location"], location);
    validate(&[answer, documents, by_system, tasks, again, page(&format!("/fhir/DocumentReference/{id}"), "submitter")]);

    // all or none: nothing of a transaction is stored when one document of it cannot be
    let mut broken = transaction("transaction", "BROKEN");
    broken["entry"][4]["resource"]["content"] = json!([attachment("application/pdf", b"%PDF")]);
    let outcome = assert_outcome(&post("/fhir", "submitter", &broken), 415, "unsupported_content", "broken");
    assert_eq!(
        outcome["issue"][0]["expression"],
        json!(["Bundle.entry[4].resource.DocumentReference.content[0].attachment.contentType"])
    );
    assert!(resources(&page("/fhir/DocumentReference?encounter=BROKEN-V", "submitter"), "DocumentReference").is_empty());
    // each by itself: a batch stores what it can
    broken["type"] = json!("batch");
    let answer = post("/fhir", "submitter", &broken).json();
    assert_eq!(answer["type"], "batch-response");
    assert_eq!(answer["entry"][3]["response"]["status"], "201 Created");
    assert_eq!(answer["entry"][4]["response"]["status"], "415 Unsupported Media Type");
    assert_eq!(answer["entry"][4]["response"]["outcome"]["resourceType"], "OperationOutcome");
    validate(&[answer, outcome]);
}

#[test]
fn a_document_bundle_is_the_sections_of_its_composition() {
    let narrative =
        |html: &str| json!({"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{html}</div>")});
    let sent = json!({"resourceType": "Bundle", "type": "document", "identifier": {"value": "DOC-B"}, "timestamp": "2026-02-03T00:00:00Z", "entry": [
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000011", "resource": {
            "resourceType": "Composition", "status": "final", "type": {"coding": [{"system": "http://loinc.org", "code": "34117-2"}]},
            "identifier": {"value": "DOC-1"}, "subject": {"reference": "Patient/DOC-P"}, "date": "2026-02-03", "title": "H&P",
            "author": [{"display": "Dr. Ruth"}],
            "section": [
                {"title": "Assessment", "text": narrative("<p>Gout.</p>")},
                {"title": "Allergies", "text": narrative("<p>No known drug allergies.</p>")},
            ],
        }},
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000012", "resource": {
            "resourceType": "Observation", "status": "final", "code": {"text": "weight"},
        }},
    ]});
    for kind in ["document", "message"] {
        let mut sent = sent.clone();
        sent["type"] = json!(kind);
        let reply = post("/fhir", "submitter", &sent);
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let documents = page("/fhir/DocumentReference?patient=Patient/DOC-P", "submitter");
    let [document] = resources(&documents, "DocumentReference")[..] else { panic!("{documents}") };
    assert_eq!(document["type"]["coding"][0]["code"], "34117-2");
    let text = get(&format!("/fhir/Binary/{}", document["id"].as_str().expect("an id")), "submitter").text;
    assert_eq!(text, "Assessment:\nGout.\n\nAllergies:\nNo known drug allergies.");
    let allergies =
        wait_for("/fhir/AllergyIntolerance?patient=DOC-P", "coder", |found| !found.is_empty(), "AllergyIntolerance");
    let none = resources(&allergies, "AllergyIntolerance")[0];
    assert_eq!(none["code"]["coding"][0]["code"], "409137002", "no known drug allergy is coded");
    validate(&[documents.clone(), allergies.clone()]);
}

#[test]
fn a_search_shows_what_its_caller_may_see() {
    let mut north = document("SCOPE-1", "SCOPE", "ASSESSMENT: Gout.");
    north["custodian"] = json!({"display": "north"});
    let mut secret = document("SCOPE-2", "SCOPE", "ASSESSMENT: Psoriasis.");
    secret["securityLabel"] =
        json!([{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}]);
    let theirs = document("SCOPE-3", "SCOPE", "ASSESSMENT: Migraine.");
    posted(&north, "submitter");
    let secret = posted(&secret, "submitter");
    posted(&theirs, "lab-feed");
    let words = |role: &str| -> BTreeSet<String> {
        let found = page("/fhir/Condition?patient=SCOPE", role);
        resources(&found, "Condition").iter().map(|one| one["code"]["text"].as_str().expect("words").to_owned()).collect()
    };
    let cleared = "cleared-coder";
    wait_for("/fhir/Condition?patient=SCOPE", cleared, |found| found.len() == 3, "Condition");
    for (role, expected) in [
        ("submitter", vec!["Gout", "Psoriasis"]),
        ("lab-feed", vec!["Migraine"]),
        ("coder", vec!["Gout", "Migraine"]),
        ("north-coder", vec!["Gout"]),
        (cleared, vec!["Gout", "Migraine", "Psoriasis"]),
    ] {
        assert_eq!(words(role), expected.iter().map(|word| (*word).to_owned()).collect(), "{role}");
        let documents = page("/fhir/DocumentReference?patient=SCOPE", role);
        assert_eq!(resources(&documents, "DocumentReference").len(), expected.len(), "{role}");
        let tasks = page("/fhir/Task?patient=SCOPE", role);
        assert_eq!(resources(&tasks, "Task").len(), expected.len(), "{role}");
    }
    let all = page("/fhir/Condition?patient=SCOPE", cleared);
    let hidden = resources(&all, "Condition").into_iter().find(|one| one["code"]["text"] == "Psoriasis").expect("is there");
    let hidden = format!("/fhir/Condition/{}", hidden["id"].as_str().expect("an id"));
    for path in [
        hidden,
        format!("/fhir/DocumentReference/{secret}"),
        format!("/fhir/Binary/{secret}"),
        format!("/fhir/DocumentReference/{secret}/$everything"),
    ] {
        assert_eq!(get(&path, cleared).status, 200, "{path}");
        assert_outcome(&get(&path, "coder"), 404, "not_found", &path);
        assert_outcome(&get(&path, "lab-feed"), 404, "not_found", &path);
    }
    // nobody takes back what another source sent
    let foreign = json!({"resourceType": "DocumentReference", "id": secret, "status": "entered-in-error", "content": []});
    let reply =
        server().call("PUT", &format!("/fhir/DocumentReference/{secret}"), "lab-feed", Some(foreign.to_string().as_bytes()));
    assert_outcome(&reply, 404, "not_found", "a foreign document");
}

#[test]
fn looking_is_on_the_record() {
    let id = posted(&document("AUDIT-1", "AUDIT", "ASSESSMENT: Gout."), "submitter");
    wait_for("/fhir/Condition?patient=AUDIT", "submitter", |found| !found.is_empty(), "Condition");
    let item = get(&format!("/v1/notes/{id}"), "submitter").json()["item_id"].as_str().expect("an item").to_owned();
    let count = |action: &str, subject: &str| {
        let events = server().events();
        events
            .iter()
            .filter(|event| event["action"] == action && event["subject_id"] == subject && event["actor"] == "demo-lead")
            .count()
    };
    let note = [
        format!("/fhir/DocumentReference/{id}"),
        format!("/fhir/Binary/{id}"),
        "/fhir/DocumentReference?patient=AUDIT".to_owned(),
    ];
    for (at, path) in note.iter().enumerate() {
        assert_eq!(get(path, "lead").status, 200, "{path}");
        assert_eq!(count("note.read", &id), at + 1, "{path}");
    }
    let items =
        ["/fhir/Condition?patient=AUDIT".to_owned(), "/fhir/Task?patient=AUDIT".to_owned(), format!("/fhir/Task/{item}")];
    for (at, path) in items.iter().enumerate() {
        assert_eq!(get(path, "lead").status, 200, "{path}");
        assert_eq!(count("item.read", &item), at + 1, "{path}");
    }
}

#[test]
fn an_order_is_a_draft_until_a_coder_agrees() {
    let text =
        "DISCHARGE MEDICATIONS:\n1. Lisinopril 10 mg tablet by mouth daily #30, refills: 2.\n2. Aspirin 81 mg by mouth daily.";
    let id = posted(&document("ORDER-1", "ORDER", text), "submitter");
    let path = "/fhir/MedicationRequest?patient=ORDER&intent=order";
    let found = wait_for(path, "submitter", |found| !found.is_empty(), "MedicationRequest");
    let [order] = resources(&found, "MedicationRequest")[..] else { panic!("{found}") };
    assert_rules(order);
    assert_eq!(order["status"], "draft");
    assert_eq!(order["dispenseRequest"]["quantity"]["value"], 30);
    assert_eq!(order["dispenseRequest"]["numberOfRepeatsAllowed"], 2);
    assert!(order["dosageInstruction"].is_array(), "{order}");
    let statements = page("/fhir/MedicationStatement?patient=ORDER", "submitter");
    let all = resources(&statements, "MedicationStatement");
    assert_eq!(all.len(), 2, "what is taken and not ordered is a statement alone");
    let reference = format!("MedicationRequest/{}", order["id"].as_str().expect("an id"));
    assert_eq!(all.iter().filter(|one| one["basedOn"][0]["reference"] == reference.as_str()).count(), 1);
    assert_eq!(get(&format!("/fhir/{reference}"), "coder").json()["id"], order["id"]);
    let item = get(&format!("/v1/notes/{id}"), "submitter").json()["item_id"].as_str().expect("an item").to_owned();
    let path = format!("/v1/review/items/{item}");
    assert_eq!(post(&format!("{path}/claim"), "coder", &json!({})).status, 200);
    let entries = get(&path, "coder").json()["entries"].as_array().expect("entries").clone();
    let decisions: Vec<Value> =
        entries.iter().map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}})).collect();
    assert_eq!(post(&format!("{path}/decisions"), "coder", &json!({"decisions": decisions})).status, 200);
    let active = page("/fhir/MedicationRequest?patient=ORDER&status=active", "submitter");
    assert_eq!(resources(&active, "MedicationRequest")[0]["id"], order["id"], "it keeps its id");
    validate(&[found.clone(), statements.clone(), active]);
}
