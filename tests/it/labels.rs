//! Labels as senders say them and as they are told again; encounters that are opened under broken glass.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    api::{NOBODY, assert_problem},
    permissions::{Visitor, without},
    server::Server,
};

/// Posts a labelled note of an encounter; its id and that of its item.
fn labelled(server: &Server, name: &str) -> (String, String) {
    let note = server.post_note(&json!({"text": "ASSESSMENT: Gout.", "external_id": name, "patient": format!("P-{name}"),
        "encounter": format!("E-{name}"), "labels": ["hiv", "substance_use"]}));
    let item = server.call("GET", &format!("/v1/notes/{note}"), "submitter", None).json()["item_id"].clone();
    (note, item.as_str().expect("an id").to_owned())
}

#[test]
fn labels_are_told_where_they_were_said() {
    let mut server = Server::empty();
    server.add_user("cleared", &["--role", "coder", "--clearance", "hiv", "--clearance", "substance_use"]);
    server.add_user("half-cleared", &["--role", "coder", "--clearance", "hiv"]);
    let (note, item) = labelled(&server, "told");
    let labels = json!(["substance_use", "hiv"]);
    let of_note = server.call("GET", &format!("/v1/notes/{note}"), "cleared", None).json();
    assert_eq!((&of_note["labels"], &of_note["confidentiality"]), (&labels, &json!("normal")));
    assert_eq!(server.call("GET", &format!("/v1/review/items/{item}"), "cleared", None).json()["item"]["labels"], labels);
    let codes = |resource: &Value| -> BTreeSet<String> {
        let codings = resource["meta"]["security"].as_array().into_iter().flatten();
        codings.filter_map(|coding| coding["code"].as_str().map(str::to_owned)).collect()
    };
    let expected = BTreeSet::from(["HIV".to_owned(), "SUD".to_owned()]);
    for path in [format!("/fhir/DocumentReference/{note}"), format!("/fhir/Task/{item}")] {
        assert_eq!(codes(&server.call("GET", &path, "cleared", None).json()), expected, "{path}");
    }
    for user in ["half-cleared", "coder"] {
        for path in [format!("/v1/notes/{note}"), format!("/v1/review/items/{item}")] {
            assert_problem(&server.call("GET", &path, user, None), 404, "not_found", user);
        }
    }
    // a document that comes by FHIR with a label of the standard, and one with a code that nobody here knows
    for (code, expected) in [("PSYTHPN", "psychotherapy"), ("TBOO", "other")] {
        let document = json!({"resourceType": "DocumentReference", "status": "current",
            "identifier": [{"value": code}], "subject": {"identifier": {"value": "P-fhir"}},
            "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}]},
            "content": [{"attachment": {"contentType": "text/plain", "data": "R291dC4="}}]});
        let taken = server.call("POST", "/fhir/DocumentReference", "submitter", Some(document.to_string().as_bytes()));
        assert_eq!(taken.status, 201, "{}", taken.text);
        let id = taken.json()["id"].as_str().expect("an id").to_owned();
        assert_eq!(server.call("GET", &format!("/v1/notes/{id}"), "submitter", None).json()["labels"], json!([expected]));
    }
    let wrong = json!({"text": "Gout.", "labels": ["secret"]}).to_string();
    assert_problem(&server.call("POST", "/v1/notes", "submitter", Some(wrong.as_bytes())), 422, "invalid_field", "no label");
}

#[test]
fn glass_is_broken_for_one_encounter_and_told() {
    let mut server = Server::empty();
    server.add_user("kim", &["--role", "coder"]);
    server.tool("user", &["own-record", "kim", "--source", "demo-ehr", "--record", "P-own"]);
    let (note, item) = labelled(&server, "glass");
    let (other_note, other) = labelled(&server, "other");
    let (_, own) = labelled(&server, "own");
    let read = |user: &str, path: &str| server.call("GET", path, user, None).status;
    let of_item = |item: &str| format!("/v1/review/items/{item}");
    let break_glass = |user: &str, item: &str, comment: &str| {
        let body = json!({"reason": "patient_safety", "comment": comment}).to_string();
        server.call("POST", &format!("/v1/review/items/{item}/break-glass"), user, Some(body.as_bytes()))
    };
    assert_eq!(read("kim", &of_item(&item)), 404);
    assert_problem(&break_glass("kim", NOBODY, "why"), 404, "not_found", "nothing there");
    assert_problem(&break_glass("kim", &own, "why"), 404, "not_found", "their own");
    assert_problem(&break_glass("kim", &item, " "), 422, "invalid_field", "no words");
    assert_eq!(read("kim", &of_item(&item)), 404, "nothing of it opened anything");
    let opened = break_glass("kim", &item, "Zyxwords of the patient");
    assert_eq!(opened.status, 201, "{}", opened.text);

    // read, and nothing else; this one, and no other; kim, and nobody else
    for path in [of_item(&item), format!("/v1/notes/{note}"), format!("/v1/notes/{note}/text"), format!("/fhir/Task/{item}")] {
        assert_eq!(read("kim", &path), 200, "{path}");
        assert_eq!(read("coder", &path), 404, "{path}");
    }
    for path in [of_item(&other), format!("/v1/notes/{other_note}"), of_item(&own)] {
        assert_eq!(read("kim", &path), 404, "{path}");
    }
    let (claimed, remark) = (format!("{}/claim", of_item(&item)), format!("{}/remarks", of_item(&item)));
    assert_problem(&server.call("POST", &claimed, "kim", None), 404, "not_found", "reading only");
    assert_problem(&server.call("POST", &remark, "kim", Some(br#"{"comment":"a"}"#)), 404, "not_found", "reading only");
    let visitor = Visitor::of(&server, "kim");
    let (status, _, page) = visitor.get(&server, &format!("/items/{item}"));
    assert!(status == 200 && page.contains("under break-glass until") && !page.contains("id=\"claim\""), "{page}");
    assert_eq!(visitor.get(&server, &format!("/items/{item}/codes.csv")).0, 404, "nothing of it is taken along");
    let listed = server.call("GET", "/v1/review/items?limit=200", "kim", None).json();
    assert_eq!(listed["items"], json!([]), "lists show nothing of it");

    // an administrator reads no note without it, and with it that encounter only
    assert_problem(&server.call("GET", &of_item(&item), "admin", None), 403, "forbidden", "an administrator");
    assert_eq!(break_glass("admin", &item, "looked at for the vendor").status, 201);
    assert_eq!((read("admin", &of_item(&item)), read("admin", &format!("/v1/notes/{note}/text"))), (200, 200));
    assert_eq!((read("admin", &of_item(&other)), read("admin", &format!("/v1/notes/{other_note}"))), (403, 403));
    for role in ["submitter", "auditor"] {
        assert_problem(&break_glass(role, &item, "why"), 403, "forbidden", role);
    }

    // the trail has it, with the word of the reason and none of the words
    let events = server.events();
    let of = |action: &str, detail: &str| {
        let wanted = |event: &&Value| event["action"] == action && event["detail"] == detail;
        events.iter().filter(wanted).filter(|event| event["actor"] == "kim").count()
    };
    assert_eq!(of("access.broken_glass", "patient_safety"), 1, "{events:?}");
    assert!(of("item.read", "under broken glass") >= 2 && of("note.read", "under broken glass") == 2, "{events:?}");
    assert_eq!((of("item.read", ""), of("note.read", "")), (0, 0), "every look is marked");
    assert_eq!(of("access.glass_refused", "patient_safety"), 2, "what was looked for in vain");
    assert!(events.iter().all(|event| !event.to_string().contains("Zyx")), "no event quotes the words");
    assert!(!server.log().contains("Zyxwords"), "nor does the log");

    // an auditor looks at it, once
    let auditor = Visitor::of(&server, "demo-auditor");
    let (_, _, page) = auditor.get(&server, "/break-glass/accesses");
    assert!(page.contains("kim") && page.contains("Zyxwords of the patient") && page.contains(&item), "{page}");
    let access = page.split("action=\"/break-glass/accesses/").nth(1).expect("a form").split('"').next().expect("an id");
    let path = format!("/break-glass/accesses/{access}");
    assert_eq!(auditor.post(&server, &path, &[]).0, 303);
    assert_eq!(auditor.post(&server, &path, &[]).0, 404, "it was looked at");
    assert_eq!(visitor.post(&server, &path, &[]).0, 403, "a coder looks at none");
}

#[test]
fn an_encounter_is_opened_by_its_numbers() {
    let mut server = Server::empty();
    server.add_user("kim", &["--role", "coder"]);
    server.tool("user", &["own-record", "kim", "--source", "demo-ehr", "--record", "P-own"]);
    let (_, first) = labelled(&server, "first");
    let (_, second) = labelled(&server, "second");
    labelled(&server, "own");
    let visitor = Visitor::of(&server, "kim");
    let open = |fields: &[(&str, &str)]| {
        visitor.post(&server, "/break-glass", &[&[("reason", "deadline"), ("comment", "the bill")], fields].concat())
    };
    for fields in [
        &[("source", "demo-ehr"), ("encounter", "E-nobody")][..],
        &[("source", "lab"), ("encounter", "E-first")],
        &[("source", "demo-ehr"), ("encounter", "E-own")],
        &[("source", "demo-ehr"), ("record", "P-own")],
        &[("source", "demo-ehr"), ("encounter", "E-first"), ("record", "P-second")],
        &[("source", "demo-ehr")],
    ] {
        let (status, _, page) = open(fields);
        assert!(status == 404 && page.contains("There is no such encounter"), "{fields:?}: {status} {page}");
        assert!(page.contains("role=\"alert\""), "{page}");
    }
    let unknown = visitor.get(&server, &format!("/items/{NOBODY}/break-glass"));
    let known = visitor.get(&server, &format!("/items/{first}/break-glass"));
    assert_eq!(without(&known.2, &first), without(&unknown.2, NOBODY), "the form tells nobody what there is");
    let (status, place, _) = open(&[("source", "demo-ehr"), ("encounter", "E-first")]);
    assert_eq!((status, place), (303, format!("/items/{first}")));
    assert_eq!(visitor.get(&server, &format!("/items/{first}")).0, 200);
    let (status, place, _) = open(&[("source", "demo-ehr"), ("record", "P-second")]);
    assert_eq!((status, place), (303, format!("/items/{second}")));
    let (status, _, page) = visitor.post(&server, "/break-glass", &[("source", "demo-ehr"), ("encounter", "E-first")]);
    assert!(status == 422 && page.contains("Choose why"), "{status} {page}");
}
