//! Intake from outside: versions, addenda, retractions, the sender's word for a request, many notes in one request.

use serde_json::{Value, json};

use super::{
    api::{assert_problem, get, post, server},
    server::Server,
};

fn note(external_id: &str, text: &str) -> Value {
    json!({"external_id": external_id, "text": text})
}

fn with(mut note: Value, field: &str, value: Value) -> Value {
    note[field] = value;
    note
}

fn standing(id: &str) -> String {
    get(&format!("/v1/notes/{id}"), "submitter").json()["standing"].as_str().expect("a standing").to_owned()
}

fn item_of(id: &str) -> String {
    get(&format!("/v1/notes/{id}"), "submitter").json()["item_id"].as_str().expect("an id").to_owned()
}

#[test]
fn the_same_note_a_thousand_times_at_once_is_one_note() {
    let body = with(note("thousand", "Asthma."), "encounter", json!("ENC-THOUSAND")).to_string();
    let ids: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let posters: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    let call = |_| server().call("POST", "/v1/notes", "submitter", Some(body.as_bytes()));
                    (0..100).map(call).map(|reply| reply.json()["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
                })
            })
            .collect();
        posters.into_iter().flat_map(|poster| poster.join().expect("posts")).collect()
    });
    assert_eq!(ids.len(), 1);
    let item = item_of(ids.first().expect("one"));
    let item = get(&format!("/v1/review/items/{item}"), "coder").json();
    assert_eq!(item["notes"].as_array().expect("notes").len(), 1);
}

#[test]
fn a_key_is_one_request() {
    let send = |key: &str, body: &Value| {
        let headers = [("idempotency-key", key)];
        server().send("POST", "/v1/notes", "submitter", &headers, Some(body.to_string().as_bytes())).expect("answers")
    };
    let body = json!({"text": "Gout."});
    let first = send("key-1", &body);
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(send("key-1", &body).json()["id"], first.json()["id"]);
    assert_problem(&send("key-1", &json!({"text": "Gout!"})), 409, "idempotency_conflict", "another body");
    assert_ne!(send("key-2", &body).json()["id"], first.json()["id"]);
    assert_problem(&send("", &body), 400, "invalid_idempotency_key", "an empty key");
    assert_problem(&send(&"k".repeat(256), &body), 400, "invalid_idempotency_key", "a long key");
    assert_problem(&send("two words", &body), 400, "invalid_idempotency_key", "a key with a space");
}

#[test]
fn versions_addenda_and_retractions() {
    let made = |hour: u8, text: &str| {
        let versioned = with(note("lineage", text), "versioned_at", json!(format!("2026-05-04T{hour:02}:00:00Z")));
        server().post_note(&with(versioned, "version", json!(format!("v{hour}"))))
    };
    let second = made(12, "Asthma and gout.");
    let first = made(8, "Asthma.");
    assert_eq!((standing(&first).as_str(), standing(&second).as_str()), ("replaced", "current"), "in the order they were made");
    let relates = |relation: &str| json!({"relation": relation, "external_id": "lineage"});
    let addendum = server().post_note(&with(note("lineage-a", "Also migraine."), "relates_to", relates("appends")));
    assert_eq!(item_of(&addendum), item_of(&first), "an addendum joins the item of its document");
    assert_eq!(get(&format!("/v1/notes/{addendum}"), "submitter").json()["relates_to"], relates("appends"));
    for id in [&first, &second, &addendum] {
        server().extraction(id);
    }
    let names = || {
        let item = get(&format!("/v1/review/items/{}", item_of(&first)), "coder").json();
        let mut names: Vec<String> = item["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| entry["codes"][0]["code"].as_str().expect("a code").to_owned())
            .collect();
        names.sort();
        (names.join(" "), item["item"]["state"].as_str().expect("a state").to_owned())
    };
    assert_eq!(names(), ("G43.909 J45.909 M10.9".to_owned(), "open".to_owned()));
    let replacement = server().post_note(&with(note("lineage-r", "Epilepsy."), "relates_to", relates("replaces")));
    server().extraction(&replacement);
    assert_eq!((standing(&second), standing(&addendum)), ("replaced".to_owned(), "current".to_owned()));
    assert_eq!(names().0, "G40.909 G43.909");
    let retract = |id: &str| post(&format!("/v1/notes/{id}/retraction"), "submitter", &json!({}));
    assert_eq!(retract(&addendum).json()["retracted"], json!([addendum]));
    assert_eq!(names().0, "G40.909");
    assert_eq!(retract(&replacement).status, 200);
    assert_eq!(names(), (String::new(), "finished".to_owned()), "nothing is left to review");
    assert_eq!(retract(&replacement).json()["retracted"], json!([]));
    let reply = post(&format!("/v1/notes/{first}/retraction"), super::api::OTHER_SUBMITTER, &json!({}));
    assert_problem(&reply, 404, "not_found", "another source's");
    let itself = with(with(note("lineage-i", "Gout."), "relates_to", Value::Null), "text", json!("Gout."));
    let one = server().post_note(&itself);
    let relates = json!({"relation": "replaces", "external_id": "lineage-i"});
    let two = server().post_note(&with(note("lineage-i", "Gout, acute."), "relates_to", relates));
    assert_eq!(
        (standing(&one).as_str(), standing(&two).as_str()),
        ("replaced", "current"),
        "what replaces itself is a version"
    );
}

#[test]
fn a_decision_stands_with_its_words() {
    let text = "Seen today. She has asthma since childhood. Gout of the big toe is well controlled.";
    let first = server().post_note(&with(note("carry", text), "version", json!("1")));
    server().extraction(&first);
    let item = item_of(&first);
    let change = |path: &str, body: &Value| {
        let reply = post(&format!("/v1/review/items/{item}/{path}"), "coder", body);
        assert_eq!(reply.status, 200, "{}", reply.text);
    };
    let entries = || {
        let item = get(&format!("/v1/review/items/{item}"), "coder").json();
        item["entries"].as_array().expect("entries").clone()
    };
    let named = |words: &str| {
        let entry =
            entries().into_iter().find(|entry| entry["codes"][0]["code"].as_str().is_some_and(|code| code.starts_with(words)));
        entry.unwrap_or_else(|| panic!("no {words}"))
    };
    change("claim", &json!({}));
    for entry in entries() {
        change("decisions", &json!({"decisions": [{"entry_id": entry["id"], "decision": {"action": "accept"}}]}));
    }
    change("finish", &json!({}));
    let text = "Seen today, addendum. She has asthma since childhood. She never had trouble with gout before this summer.";
    let second = server().post_note(&with(note("carry", text), "version", json!("2")));
    server().extraction(&second);
    let detail = get(&format!("/v1/review/items/{item}"), "coder").json();
    assert_eq!(detail["item"]["state"], "open", "a new version opens the item");
    assert_eq!(named("J45")["state"], "accepted", "unchanged words keep their decision");
    assert!(entries().iter().any(|entry| entry["changed"]["was"] == "accepted"), "changed words are decided again");
    let notes: Vec<&str> =
        detail["notes"].as_array().expect("notes").iter().filter_map(|note| note["standing"].as_str()).collect();
    assert_eq!(notes, ["replaced", "current"]);
}

/// The lines of an NDJSON answer.
fn bulk(path: &str, role: &str, body: &str) -> Vec<Value> {
    let reply = server().send("POST", path, role, &[], Some(body.as_bytes())).expect("answers");
    assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, "application/x-ndjson"), "{}", reply.text);
    reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn many_notes_in_one_request() {
    let mut lines: Vec<String> = (0..300).map(|number| note(&format!("bulk-{number}"), "Asthma.").to_string()).collect();
    lines[7] = "{\"text\": \"\"}".to_owned();
    lines[8] = "not JSON".to_owned();
    lines[9] = "{\"text\": \"Gout.\", \"mrn\": \"5\"}".to_owned();
    lines[10] = String::new();
    lines[11] = note("bulk-0", "Gout.").to_string();
    let answers = bulk("/v1/notes/bulk", "submitter", &lines.join("\n"));
    assert_eq!(answers.len(), 299, "a blank line is none");
    let codes = |line: u64| answers.iter().find(|answer| answer["line"] == line).expect("the line")["error"]["code"].clone();
    assert_eq!(
        [codes(8), codes(9), codes(10), codes(12)],
        [json!("empty_note"), json!("invalid_json"), json!("unknown_field"), json!("version_required")]
    );
    assert!(answers.windows(2).all(|pair| pair[0]["line"].as_u64() < pair[1]["line"].as_u64()), "in order");
    let stored = answers.iter().filter(|answer| answer["id"].is_string()).count();
    assert_eq!(stored, 295);
    let again = bulk("/v1/notes/bulk", "submitter", &lines[..3].join("\n"));
    assert_eq!(again[2]["id"], answers[2]["id"]);
    assert_problem(&post("/v1/notes/bulk", "coder", &json!({})), 403, "forbidden", "a coder posts nothing");
}

#[test]
fn many_extractions_in_one_request() {
    let lines = ["{\"text\": \"Asthma.\", \"id\": \"a\"}", "{}", "{\"text\": \"🫁 Gout.\", \"offset_unit\": \"utf16\"}"];
    let answers = bulk("/v1/extract/bulk", "submitter", &lines.join("\n"));
    assert_eq!(answers[0]["note_id"], "a");
    assert_eq!(answers[0]["entries"][0]["codes"][0]["code"], "J45.909");
    assert_eq!(answers[1], json!({"note_id": "line-2", "error": {"code": "invalid_field", "message": "missing field `text`"}}));
    assert_eq!(answers[2]["note_id"], "line-3");
    assert_eq!(answers[2]["entries"][0]["evidence"][0]["start"], 3);
}

#[test]
fn an_addition_may_say_its_place_in_any_unit() {
    let text = "🫁 Toe nails are thick.";
    let note = server().post_note(&json!({"text": text, "encounter": "ENC-UNITS"}));
    server().extraction(&note);
    let item = item_of(&note);
    let path = |what: &str| format!("/v1/review/items/{item}/{what}");
    assert_eq!(post(&path("claim"), "coder", &json!({})).status, 200);
    let add = |unit: &str, start: usize, end: usize| {
        let decision = json!({"action": "add", "kind": "diagnosis", "display": "Onychogryphosis", "assertion": "present", "note_id": note,
            "codes": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "L60.2"}], "start": start, "end": end});
        post(&path("decisions"), "coder", &json!({"offset_unit": unit, "decisions": [{"decision": decision}]}))
    };
    for (unit, start) in [("utf8", 5), ("utf16", 3), ("codepoint", 2)] {
        let added = add(unit, start, start + 9);
        assert_eq!(added.status, 200, "{}", added.text);
        let id = added.json()["entries"][0].clone();
        let entries = get(&format!("/v1/review/items/{item}"), "coder").json()["entries"].clone();
        let entry = entries.as_array().expect("entries").iter().find(|entry| entry["id"] == id).expect("is there").clone();
        assert_eq!((&entry["decisions"][0]["start"], &entry["decisions"][0]["end"]), (&json!(2), &json!(11)), "{unit}");
    }
    assert_problem(&add("utf8", 1, 3), 422, "invalid_span", "cuts a character");
    assert_problem(&add("utf8", 5, 500), 422, "invalid_span", "beyond the note");
}

#[test]
fn a_request_has_an_id() {
    let sent = server().send("GET", "/v1/vocabularies", "coder", &[("x-request-id", "mine-1")], None).expect("answers");
    assert_eq!(sent.headers["x-request-id"], "mine-1");
    let (one, other) = (get("/health/live", ""), get("/nowhere", ""));
    assert_ne!(one.headers["x-request-id"], other.headers["x-request-id"]);
}

#[test]
fn the_api_can_be_read_without_a_token() {
    let reply = get("/reference", "");
    assert_eq!(reply.status, 200);
    assert!(reply.headers["content-security-policy"].contains("default-src 'none'"));
    let openapi = get("/openapi.json", "").json();
    for (path, methods) in openapi["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let (id, method) = (operation["operationId"].as_str().expect("an id"), method.to_uppercase());
            assert!(reply.text.contains(&format!("id=\"{id}\"")) && reply.text.contains(&format!("{method} {path}")), "{path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                assert_eq!(parameter["in"] == "path", path.contains(&format!("{{{name}}}")), "{method} {path} {name}");
            }
        }
    }
    for link in reply.text.split("href=\"#").skip(1) {
        let id = link.split('"').next().expect("an id");
        assert!(id == "main" || reply.text.contains(&format!("id=\"{id}\"")), "nothing at #{id}");
    }
}

#[test]
fn the_longest_note_is_what_the_site_says() {
    let server = Server::shared(&["--max-note-bytes", "3000"]);
    let text = |length: usize| "gout ".repeat(length).chars().take(length).collect::<String>();
    let post = |path: &str, body: &Value| server.call("POST", path, "submitter", Some(body.to_string().as_bytes()));
    for path in ["/v1/notes", "/v1/extract"] {
        let kept = post(path, &json!({"text": text(3000)}));
        assert!([200, 201, 202].contains(&kept.status), "{path}: {}", kept.text);
        let refused = post(path, &json!({"text": text(3001)}));
        assert_problem(&refused, 413, "note_too_large", path);
        assert!(refused.text.contains("at most 3000"), "{}", refused.text);
        // a body that no note of this length can have is not read to its end
        let huge = post(path, &json!({"text": text(200_000)}));
        assert_problem(&huge, 413, "note_too_large", path);
    }
    for path in ["/v1/notes/bulk", "/v1/extract/bulk"] {
        let lines = format!("{}\n{}\n", json!({"text": text(3001)}), json!({"text": text(2999)}));
        let reply = server.call("POST", path, "submitter", Some(lines.as_bytes()));
        let answers: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(answers.len(), 2, "{}", reply.text);
        assert!(answers[0].to_string().contains("note_too_large"), "{}", answers[0]);
        assert!(!answers[1].to_string().contains("note_too_large"), "{}", answers[1]);
    }
    let document = super::fhir_api::document("LONG-1", "LONG", &text(3001));
    assert_eq!(post("/fhir/DocumentReference", &document).status, 413);
    let document = super::fhir_api::document("LONG-2", "LONG", &text(3000));
    assert_eq!(post("/fhir/DocumentReference", &document).status, 201);
}
