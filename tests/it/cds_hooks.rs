//! CDS Hooks from outside: discovery, cards of a patient's notes, cards of a note that is not stored.

use serde_json::{Value, json};

use super::api::{assert_problem, get, post, server};

fn body(service: &str, context: &Value) -> Value {
    json!({
        "hook": service, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "fhirServer": "https://ehr.example/fhir",
        "context": context, "prefetch": {}
    })
}

fn call(service: &str, role: &str, context: &Value) -> super::server::Reply {
    post(&format!("/cds-services/{service}"), role, &body(service, context))
}

fn cards(reply: &super::server::Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let cards = reply.json()["cards"].as_array().expect("cards").clone();
    for card in &cards {
        assert!(card["summary"].as_str().is_some_and(|summary| summary.chars().count() < 140), "{card}");
        assert!(["info", "warning", "critical"].contains(&card["indicator"].as_str().expect("an indicator")), "{card}");
        assert_eq!(card["source"]["label"], "Abstractor");
    }
    cards
}

const NOTE: &str = "ALLERGIES: Penicillin (anaphylaxis).\nASSESSMENT: Heart failure. Fracture of the wrist.\n\
                    MEDICATIONS: Amoxicillin 500 mg p.o. t.i.d.";

#[test]
fn services_are_discovered_without_a_token() {
    let reply = get("/cds-services", "");
    assert_eq!(reply.status, 200);
    let services = reply.json()["services"].as_array().expect("services").clone();
    let hooks: Vec<&str> = services.iter().filter_map(|service| service["hook"].as_str()).collect();
    assert_eq!(hooks, ["patient-view", "note-sign"]);
    assert!(services.iter().all(|service| service["id"] == service["hook"] && service["description"].is_string()));
}

#[test]
fn a_note_gets_cards_before_it_is_signed() {
    let own = super::server::Server::empty();
    let asked = body("note-sign", &json!({"userId": "Practitioner/1", "patientId": "x", "note": NOTE})).to_string();
    let found = cards(&own.call("POST", "/cds-services/note-sign", "submitter", Some(asked.as_bytes())));
    assert_ne!(found[0]["indicator"], "info", "{found:?}");
    assert!(found[0]["summary"].as_str().is_some_and(|summary| summary.to_lowercase().contains("amoxicillin")), "{found:?}");
    let questions = found.last().expect("a card");
    assert!(questions["detail"].as_str().is_some_and(|detail| detail.contains("eart failure")), "{questions}");
    assert_eq!(own.gauge("abstractor_notes"), 0, "nothing is stored");
    assert!(cards(&call("note-sign", "submitter", &json!({"patientId": "x", "note": "Feels well."}))).is_empty());
}

#[test]
fn a_chart_gets_the_cards_of_its_notes() {
    let note = json!({"text": NOTE, "patient": "CDS-1", "encounter": "CDS-E1"});
    let id = server().post_note(&note);
    server().extraction(&id);
    let of = |context: Value| cards(&call("patient-view", "submitter", &context));
    let found = of(json!({"patientId": "CDS-1"}));
    assert!(found.iter().any(|card| card["indicator"] != "info"), "{found:?}");
    assert_eq!(of(json!({"patientId": "CDS-1", "encounterId": "CDS-E1"})), found);
    assert!(of(json!({"patientId": "CDS-1", "encounterId": "CDS-E2"})).is_empty());
    assert!(of(json!({"patientId": "CDS-2"})).is_empty());
    let other = call("patient-view", super::api::OTHER_SUBMITTER, &json!({"patientId": "CDS-1"}));
    assert!(cards(&other).is_empty(), "another source's patient");
    post(&format!("/v1/notes/{id}/retraction"), "submitter", &json!({}));
    assert!(of(json!({"patientId": "CDS-1"})).is_empty(), "what was taken back says nothing");
}

#[test]
fn calls_that_cannot_be_answered() {
    assert_problem(&call("order-sign", "submitter", &json!({})), 404, "not_found", "no such service");
    assert_problem(&call("patient-view", "submitter", &json!({})), 422, "invalid_field", "no patient");
    assert_problem(&call("note-sign", "submitter", &json!({})), 422, "invalid_field", "no note");
    assert_problem(&call("note-sign", "submitter", &json!({"note": ""})), 422, "empty_note", "an empty note");
    assert_problem(&call("patient-view", "admin", &json!({"patientId": "CDS-1"})), 403, "forbidden", "an admin reads nothing");
    let body = json!({"hook": "note-sign", "hookInstance": "x", "context": {}});
    assert_problem(&post("/cds-services/patient-view", "submitter", &body), 422, "invalid_field", "another hook");
}
