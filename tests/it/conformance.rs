//! The running server against its own description: schemathesis (Python), which we did not write, sends right and wrong requests to every operation
//! and holds status, headers, content type and body of each answer against `/openapi.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use super::server::{Reply, Server, is_long_tier};

/// What needs more than a running server: tables in a folder, or an earlier reload; a message that could not be used; a registered key.
const NEVER_A_SUCCESS: [&str; 6] = [
    "POST /v1/learning/proposals/decisions",
    "POST /v1/learning/proposals/trials",
    "POST /v1/vocabularies/reload",
    "POST /v1/vocabularies/rollback",
    "POST /v1/messages/{id}/replay",
    "POST /oauth/token",
];

fn change(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    let reply = server.call("POST", path, role, Some(body.to_string().as_bytes()));
    assert!((200..300).contains(&reply.status), "{path}: {}", reply.text);
    reply
}

/// A note that is extracted, with its item, which the coder has claimed.
fn claimed(server: &Server, note: &Value) -> (String, String) {
    let id = server.post_note(note);
    server.extraction(&id);
    let body = server.call("GET", &format!("/v1/notes/{id}"), "submitter", None).json();
    let item = body["item_id"].as_str().expect("an item").to_owned();
    change(server, &format!("/v1/review/items/{item}/claim"), "coder", &json!({}));
    (id, item)
}

/// Queries about an item that the coder has claimed, three in each state from which something is done, by what is done.
fn queries(server: &Server, item: &str, note: &str) -> Vec<(String, String)> {
    let mut made = Vec::new();
    for (name, steps) in [("REVISE", 0), ("SEND", 0), ("WITHDRAW", 0), ("ANSWER", 1), ("CLOSE", 2)] {
        for number in 1..=3 {
            let draft = json!({"template": "finding_significance", "indicators": [{"note_id": note, "text": "pneumonia"}]});
            let query = change(server, &format!("/v1/review/items/{item}/queries"), "coder", &draft).json()["id"].clone();
            let query = query.as_str().expect("an id").to_owned();
            let answer = json!({"option": 0, "provider": "Dr. Example"});
            for (what, body) in [("send", json!({})), ("answer", answer)].into_iter().take(steps) {
                change(server, &format!("/v1/review/queries/{query}/{what}"), "coder", &body);
            }
            made.push((format!("{name}_{number}"), query));
        }
    }
    made
}

/// What stands in the place of `${...}`: things to ask for, with something in every field that an answer may have.
fn things(server: &Server) -> Vec<(String, String)> {
    let channel = json!({"kind": "webhook", "url": "http://127.0.0.1:9/"});
    change(
        server,
        "/v1/destinations",
        "admin",
        &json!({"name": "archive", "events": ["extraction.ready"], "channel": channel}),
    );
    let code = json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "K29.70"});
    let rows = json!({"terms": [{"words": "zorblitis", "kind": "diagnosis", "code": code}],
        "suppressed": [{"words": "gout", "kind": "diagnosis", "code": code, "section": "family_history"}],
        "preferences": [{"words": "flib", "kind": "diagnosis", "instead_of": code, "code": code}],
        "thresholds": [{"kind": "diagnosis", "shown_from": 30}]});
    change(server, "/v1/site-packs", "admin", &json!({"pack": rows, "note": "of the site"}));
    let without = json!({"version": 1, "without_shadow_run": "tried here and nowhere else"});
    change(server, "/v1/site-packs/activate", "admin", &without);
    let text = "ASSESSMENT: Community-acquired pneumonia.\nMEDICATIONS: aspirin 81 mg by mouth daily, started today.\n\
                ALLERGIES: penicillin (severe rash).";
    let patient = json!({"id": "P-1", "name": "Ada Example", "birth_date": "1950-01-31", "sex": "female"});
    let (note, _) = claimed(
        server,
        &json!({"text": text, "external_id": "conformance-1", "version": "1", "patient": patient,
        "versioned_at": "2026-01-02T03:04:05Z", "encounter": {"id": "E-1", "facility": "North"}, "encounter_class": "inpatient"}),
    );
    let (quoted, item) = claimed(server, &json!({"text": text, "patient": patient, "service_date": "2026-01-02"}));
    let queries = queries(server, &item, &quoted);
    let entries = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json()["entries"].clone();
    let entry = |kind: &str| {
        let found = entries.as_array().expect("entries").iter().find(|entry| entry["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} in {entries}"))["id"].as_str().expect("an id").to_owned()
    };
    let code = json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J18.9", "display": "Pneumonia"});
    let decisions = json!({"decisions": [
        {"entry_id": entry("diagnosis"), "decision": {"action": "amend", "codes": [code], "comment": "as the film says"}},
        {"entry_id": entry("medication"), "decision": {"action": "accept"}},
        {"entry_id": entry("allergy"), "decision": {"action": "reject", "reason": "historical"}},
        {"decision": {"action": "add", "kind": "diagnosis", "display": "Pneumonia", "codes": [code], "assertion": "present"}}]});
    change(server, &format!("/v1/review/items/{item}/decisions"), "coder", &decisions);
    let delivery = server.call("GET", "/v1/deliveries", "lead", None).json()["deliveries"][0]["id"].clone();
    let delivery = delivery.as_str().expect("a delivery").to_owned();
    let mut things: Vec<(String, String)> =
        [("NOTE", note), ("ITEM", item), ("ENTRY", entry("medication")), ("DELIVERY", delivery)]
            .map(|(name, id)| (name.to_owned(), id))
            .into();
    things.extend(queries);
    // several for queries and decisions, each with an entry: what is tried before may have finished or passed up some of them
    for number in 1..=6 {
        let (_, item) = claimed(server, &json!({"text": text, "external_id": format!("asked-{number}")}));
        let entries = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json()["entries"].clone();
        let entry = entries.as_array().expect("entries").iter().find(|entry| entry["kind"] == "medication");
        let entry = entry.expect("a medication")["id"].as_str().expect("an id").to_owned();
        things.extend([(format!("ASK_{number}"), item), (format!("ASKED_{number}"), entry)]);
    }
    for act in ["FINISH", "RELEASE", "REOPEN", "PEND", "ESCALATE", "ASSIGN"] {
        for number in 1..=3 {
            let name = format!("{act}_{number}");
            let item = claimed(server, &json!({"text": "The visit went well.", "external_id": name})).1;
            things.push((name, item));
        }
    }
    things
}

#[test]
fn the_server_answers_as_its_description_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let server = Server::empty();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hooks = root.join("tests/fixtures/schemathesis_hooks.py");
    let mut settings = include_str!("../fixtures/schemathesis.toml").replace("${HOOKS}", hooks.to_str().expect("a plain path"));
    let tokens = server.tokens.iter().map(|(role, token)| (role.to_uppercase(), token.clone()));
    let examples = ("EXAMPLES".to_owned(), if is_long_tier() { "100" } else { "8" }.to_owned());
    let things = things(&server);
    let id_of = |wanted: &str| things.iter().find(|(name, _)| name == wanted).map(|(_, id)| id.clone()).expect("is there");
    let asked: BTreeMap<String, String> =
        (1..=6).map(|number| (id_of(&format!("ASK_{number}")), id_of(&format!("ASKED_{number}")))).collect();
    let asked = serde_json::to_string(&asked).expect("JSON");
    for (name, value) in tokens.chain(things).chain([examples]) {
        settings = settings.replace(&format!("${{{name}}}"), &value);
    }
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, settings).expect("writes");
    let answers = folder.path().join("answers");

    let tried = Command::new(root.join("target/peers/bin/schemathesis"))
        .arg("--config-file")
        .arg(&file)
        .args(["run", &format!("{}/openapi.json", server.url), "--no-color"])
        .env("ANSWERS", &answers)
        .env("ASKED", asked)
        .current_dir(folder.path())
        .output()
        .expect("tests/run made the peers");
    let said = String::from_utf8_lossy(&tried.stdout).into_owned() + &String::from_utf8_lossy(&tried.stderr);
    assert!(tried.status.success(), "{said}");

    let answers = std::fs::read_to_string(&answers).expect("the answers");
    let is_success = |answer: &&str| answer.starts_with('2');
    let successes: BTreeSet<&str> =
        answers.lines().filter(is_success).filter_map(|line| Some(line.split_once(' ')?.1)).collect();
    let description = server.call("GET", "/openapi.json", "", None).json();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            let operation = format!("{} {path}", method.to_uppercase());
            let is_success = successes.contains(operation.as_str());
            let given = || -> BTreeSet<&str> {
                answers
                    .lines()
                    .filter_map(|line| line.split_once(' '))
                    .filter(|one| one.1 == operation)
                    .map(|one| one.0)
                    .collect()
            };
            assert!(
                is_success || NEVER_A_SUCCESS.contains(&operation.as_str()),
                "{operation} was never answered with a success, but with {:?}: does tests/fixtures/schemathesis.toml give its tag a token?",
                given()
            );
        }
    }
}
