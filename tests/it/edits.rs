//! Edits of drafted codes: shown with the item, and a hard one needs a reason before the item is finished.

use std::time::Duration;

use serde_json::{Value, json};

use super::server::Server;

/// Posts a note of an encounter, waits for its extraction, claims the item and accepts what waits. Gives the item's address.
fn accepted(server: &Server, note: &Value) -> String {
    let posted = server.call("POST", "/v1/notes", "submitter", Some(note.to_string().as_bytes())).json();
    let address = format!("/v1/notes/{}/extraction", posted["id"].as_str().expect("an id"));
    while server.call("GET", &address, "submitter", None).status == 202 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let items = server.call("GET", "/v1/review/items?state=open", "coder", None).json();
    let item = items["items"].as_array().and_then(|items| items.last().cloned()).expect("an item");
    let address = format!("/v1/review/items/{}", item["id"].as_str().expect("an id"));
    assert_eq!(server.call("POST", &format!("{address}/claim"), "coder", None).status, 200);
    let detail = server.call("GET", &address, "coder", None).json();
    let waiting = detail["entries"].as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == json!(true));
    let decisions: Vec<Value> =
        waiting.map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}})).collect();
    let body = json!({ "decisions": decisions }).to_string();
    let decided = server.call("POST", &format!("{address}/decisions"), "coder", Some(body.as_bytes()));
    assert_eq!(decided.status, 200, "{}", decided.text);
    address
}

fn kinds(detail: &Value) -> Vec<(String, String)> {
    let edits = detail["edits"].as_array().expect("edits").iter();
    let word = |edit: &Value, field: &str| edit[field].as_str().expect("a word").to_owned();
    edits.map(|edit| (word(edit, "kind"), word(edit, "severity"))).collect()
}

#[test]
fn a_hard_edit_needs_a_reason() {
    let server = Server::shared(&["--recognizers", "dictionary"]);
    let note = json!({
        "text": "ASSESSMENT: Gestational diabetes. Prostate cancer.", "encounter": "e1", "encounter_class": "inpatient",
        "service_date": "2026-05-04", "patient": {"id": "1", "sex": "female", "birth_date": "1940-01-01"}
    });
    let address = accepted(&server, &note);
    let detail = server.call("GET", &address, "coder", None).json();
    let found = kinds(&detail);
    assert!(found.contains(&("age".to_owned(), "hard".to_owned())), "86 years and gestational diabetes: {found:?}");
    assert!(found.contains(&("sex".to_owned(), "soft".to_owned())), "a woman and a prostate: {found:?}");
    assert_eq!(found.first().map(|(_, severity)| severity.as_str()), Some("hard"), "the gravest first");
    let concerned = detail["edits"][0]["entries"][0].clone();
    assert!(detail["entries"].as_array().is_some_and(|entries| entries.iter().any(|entry| entry["id"] == concerned)));
    let finish = format!("{address}/finish");
    let refused = server.call("POST", &finish, "coder", None);
    assert_eq!((refused.status, refused.code().as_str()), (409, "hard_edits"));
    let refused = server.call("POST", &format!("{finish}?override_edits=because"), "coder", None);
    assert_eq!((refused.status, refused.code().as_str()), (400, "invalid_parameter"));
    let done = server.call("POST", &format!("{finish}?override_edits=documentation_supports_it"), "coder", None);
    assert_eq!(done.status, 200, "{}", done.text);
    let told = server.call("GET", &address, "coder", None).json()["overrides"].clone();
    assert_eq!((&told[0]["by"], &told[0]["reason"]), (&json!("demo-coder"), &json!("documentation_supports_it")), "{told}");
    let events = server.call("GET", "/v1/audit/events?limit=1000", "auditor", None).json();
    let event = events["events"].as_array().expect("events").iter().find(|event| event["action"] == "edits.overridden");
    let detail = event.and_then(|event| event["detail"].as_str()).expect("recorded");
    assert!(detail.contains("(age)") && detail.ends_with("documentation_supports_it"), "{detail}");
}

/// What a coder chose is checked like what was suggested, and an amendment decides anew what would be reported.
#[test]
fn amended_codes_are_checked() {
    let server = Server::shared(&["--recognizers", "dictionary"]);
    let note = json!({
        "text": "ASSESSMENT: Type 2 diabetes.", "encounter": "e3", "encounter_class": "outpatient", "service_date": "2026-05-04"
    });
    let address = accepted(&server, &note);
    let detail = server.call("GET", &address, "coder", None).json();
    assert!(kinds(&detail).iter().all(|(_, severity)| severity == "informational"), "{detail}");
    let decide = |decision: Value| {
        let body = json!({"decisions": [{"entry_id": detail["entries"][0]["id"], "decision": decision}]}).to_string();
        let decided = server.call("POST", &format!("{address}/decisions"), "coder", Some(body.as_bytes()));
        assert_eq!(decided.status, 200, "{}", decided.text);
        server.call("GET", &address, "coder", None).json()
    };
    let codes: Vec<Value> =
        ["E11.9", "E10.9"].map(|code| json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code})).into();
    let both = decide(json!({"action": "amend", "codes": codes}));
    assert!(kinds(&both).contains(&("excludes1".to_owned(), "soft".to_owned())), "{both}");
    let uncertain = decide(json!({"action": "amend", "assertion": "possible"}));
    assert_eq!(uncertain["entries"][0]["not_reportable_because"], json!("uncertain_outpatient"));
    assert_eq!(uncertain["entries"][0]["codes"].as_array().map(Vec::len), Some(2), "the codes chosen before stay");
    assert_eq!(uncertain["edits"], json!([]), "what is not reported is not checked");
}

#[test]
fn soft_edits_are_said_and_hold_nobody_up() {
    let server = Server::shared(&["--recognizers", "dictionary"]);
    let note = json!({
        "text": "ASSESSMENT: Type 1 diabetes. Type 2 diabetes. Hypertension.", "encounter": "e2", "encounter_class": "outpatient",
        "service_date": "2026-05-04"
    });
    let address = accepted(&server, &note);
    let detail = server.call("GET", &address, "coder", None).json();
    assert!(kinds(&detail).contains(&("excludes1".to_owned(), "soft".to_owned())), "{detail}");
    assert_eq!(server.call("POST", &format!("{address}/finish"), "coder", None).status, 200);
}
