//! What a site's reviews teach the engine, from outside: coders decide, a proposal comes, a lead takes it, a note gets it, and it goes again.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    permissions::Visitor,
    server::{Reply, Server, wait_until},
};

fn post(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    server.call("POST", path, role, Some(body.to_string().as_bytes()))
}

fn posted(server: &Server, number: usize, text: &str) -> (String, String) {
    let note = json!({
        "text": text, "external_id": format!("L-{number}"), "encounter": format!("L-{number}"), "encounter_class": "outpatient",
        "patient": {"id": format!("P-{number}")}, "service_date": "2026-03-04"
    });
    let note = server.post_note(&note);
    server.extraction(&note);
    let item = server.call("GET", &format!("/v1/notes/{note}"), "lead", None).json()["item_id"].clone();
    (note, item.as_str().expect("an id").to_owned())
}

/// Reviews a note: words to add with a code, words whose suggestion is rejected; the rest is accepted.
fn review(server: &Server, role: &str, (note, item): (&str, &str), (text, added, rejected): (&str, Option<&str>, &str)) {
    let done = |path: &str, body: &Value| {
        let reply = post(server, &format!("/v1/review/items/{item}/{path}"), role, body);
        assert!(reply.status < 300, "{path}: {}", reply.text);
    };
    done("claim", &json!({}));
    let entries = server.call("GET", &format!("/v1/review/items/{item}"), role, None).json()["entries"].clone();
    for entry in entries.as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == true) {
        let decision = if entry["evidence"][0]["text"] == rejected {
            json!({"action": "reject", "reason": "not_a_diagnosis"})
        } else {
            json!({"action": "accept"})
        };
        done("decisions", &json!({"decisions": [{"entry_id": entry["id"], "decision": decision}]}));
    }
    if let Some(words) = added {
        let start = text.find(words).expect("is there");
        let code = json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "K29.70"});
        let add = json!({
            "action": "add", "kind": "diagnosis", "display": words, "codes": [code], "assertion": "present",
            "note_id": note, "start": start, "end": start + words.len()
        });
        done("decisions", &json!({"decisions": [{"decision": add}]}));
    }
    done("finish", &json!({}));
}

fn proposals(server: &Server) -> Vec<Value> {
    let reply = server.call("GET", "/v1/learning/proposals?days=30", "lead", None);
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["proposals"].as_array().expect("proposals").clone()
}

/// The report of a trial when it has ended.
fn trial(server: &Server, id: &Value) -> Value {
    let mut found = Value::Null;
    wait_until("the trial has ended", Duration::from_secs(60), || {
        let runs = server.call("GET", "/v1/shadow-runs", "lead", None).json();
        found = runs["reports"].as_array().expect("reports").iter().find(|one| one["id"] == *id).cloned().unwrap_or_default();
        !found.is_null()
    });
    found
}

fn codes_of(server: &Server, words: &str) -> Vec<String> {
    let found = post(server, "/v1/extract", "coder", &json!({"text": format!("ASSESSMENT:\n{words} again.\n")})).json();
    let entries = found["entries"].as_array().expect("entries").iter();
    entries.map(|entry| entry["codes"][0]["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_coders_do_again_and_again_is_proposed_taken_and_left() {
    let server = Server::shared(&["--recognizers", "dictionary"]);
    let text = "ASSESSMENT:\nZorblitis, worse since Monday. Gout.\n";
    for number in 1..=9 {
        let (note, item) = posted(&server, number, text);
        let role = if number % 2 == 0 { "coder" } else { "lead" };
        review(&server, role, (&note, &item), (text, Some("Zorblitis"), "Gout"));
        if number == 2 {
            assert!(proposals(&server).is_empty(), "two are too few");
        }
    }
    // the words stand in a note whose coder did not give the code
    let (note, item) = posted(&server, 10, text);
    review(&server, "coder", (&note, &item), (text, None, "Gout"));

    wait_until("what was decided is worked out", Duration::from_secs(20), || {
        proposals(&server).len() == 2 && {
            let read = proposals(&server).iter().filter_map(|one| one["effect"]["encounters_read"].as_u64()).max();
            read == Some(10)
        }
    });
    let found = proposals(&server);
    let of = |change: &str| found.iter().find(|one| one["change"] == change).expect("is proposed").clone();
    let (term, suppressed) = (of("add_term"), of("suppress"));
    assert_eq!(term["adds"]["terms"][0]["words"], "zorblitis");
    assert_eq!(term["adds"]["terms"][0]["code"]["code"], "K29.70");
    assert_eq!(
        (&term["evidence"]["support"], &term["evidence"]["patients"], &term["evidence"]["coders"]),
        (&json!(9), &json!(9), &json!(2))
    );
    assert_eq!(term["effect"], json!({"would_have_saved": 9, "would_have_broken": 1, "encounters_read": 10}));
    assert_eq!(term["evidence"]["examples"].as_array().map(Vec::len), Some(9));
    assert_eq!(suppressed["adds"]["suppressed"][0]["words"], "gout");
    assert_eq!(suppressed["effect"], json!({"would_have_saved": 10, "would_have_broken": 0}));

    // before anybody decides, the engine reads the same notes with the proposals; nothing else changes
    let try_on_notes = |role: &str, ids: &[&Value]| {
        post(&server, "/v1/learning/proposals/trials", role, &json!({"proposals": ids, "days": 30}))
    };
    for role in ["coder", "auditor", "admin", "submitter"] {
        assert_eq!(try_on_notes(role, &[&term["id"]]).status, 403, "{role}");
    }
    assert_eq!(try_on_notes("lead", &[]).status, 422);
    assert_eq!(try_on_notes("lead", &[&json!("00000000-0000-0000-0000-000000000001")]).status, 404);
    let started = try_on_notes("lead", &[&term["id"], &suppressed["id"]]);
    assert_eq!(started.status, 202, "{}", started.text);
    let tried = trial(&server, &started.json()["report"]);
    assert_eq!(tried["proposals"].as_array().map(Vec::len), Some(2));
    assert_eq!((&tried["champion"]["site_pack"], &tried["challenger"]["site_pack"]), (&Value::Null, &Value::Null));
    let sum = tried["kinds"].as_array().and_then(|kinds| kinds.last()).expect("all together");
    // the term is gained nine times and raised once where its coder did not want it; gout is silenced ten times
    assert_eq!((&tried["encounters"], &sum["saved"], &sum["broken"]), (&json!(10), &json!(19), &json!(1)), "{tried}");
    assert_eq!(server.call("GET", "/v1/site-packs", "lead", None).json()["versions"], json!([]), "nothing is kept");
    assert_eq!(proposals(&server).len(), 2);

    // and from the page
    let lead = Visitor::of(&server, "demo-lead");
    let id = suppressed["id"].as_str().expect("an id");
    let (status, place, _) = lead.post(&server, "/learning", &[("days", "30"), ("proposal", id), ("verdict", "try")]);
    assert_eq!((status, place.as_str()), (303, "/shadow?notice=proposals_tried"));
    wait_until("the trial has ended", Duration::from_secs(60), || {
        lead.get(&server, "/shadow").2.contains("a proposal of reviews")
    });

    // a lead decides; whoever may not read notes does not, and what is not proposed is not taken
    let decide = |role: &str, verdict: &str, ids: &[&Value]| {
        post(&server, "/v1/learning/proposals/decisions", role, &json!({"verdict": verdict, "proposals": ids, "days": 30}))
    };
    for role in ["coder", "auditor", "admin", "submitter"] {
        assert_eq!(decide(role, "approved", &[&term["id"]]).status, 403, "{role}");
    }
    assert_eq!(decide("lead", "approved", &[]).status, 422);
    assert_eq!(decide("lead", "approved", &[&json!("00000000-0000-0000-0000-000000000001")]).status, 404);
    assert_eq!(decide("lead", "declined", &[&suppressed["id"]]).json(), json!({"site_pack": null}));
    let taken = decide("lead", "approved", &[&term["id"]]);
    assert_eq!((taken.status, &taken.json()["site_pack"]), (200, &json!(1)), "{}", taken.text);
    assert!(proposals(&server).is_empty(), "one is taken, one is declined");
    let decided = server.call("GET", "/v1/learning/proposals", "lead", None).json()["decided"].clone();
    assert_eq!(
        (&decided[0]["verdict"], &decided[0]["site_pack"], &decided[1]["verdict"]),
        (&json!("approved"), &json!(1), &json!("declined"))
    );

    // the version is used when it is made live, and one click goes back
    assert_eq!(codes_of(&server, "Zorblitis"), Vec::<String>::new());
    let live = |version: &Value| {
        let body = json!({"version": version, "without_shadow_run": "tried on the notes of a test"});
        assert_eq!(post(&server, "/v1/site-packs/activate", "admin", &body).status, 200);
    };
    live(&json!(1));
    assert_eq!(codes_of(&server, "Zorblitis"), ["K29.70"]);
    live(&Value::Null);
    assert_eq!(codes_of(&server, "Zorblitis"), Vec::<String>::new());

    let told: Vec<String> = server
        .events()
        .iter()
        .filter(|event| event["action"] == "proposal.decided")
        .map(|event| event["detail"].as_str().expect("words").to_owned())
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|detail| !detail.contains("zorblitis") && !detail.contains("gout")), "{told:?}");
    assert!(server.events().iter().any(|event| event["action"] == "learning.read"));
}
