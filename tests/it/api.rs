//! The API on a running server: who may call, what is refused and how, and the journeys of integrator and coder.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use serde_json::{Value, json};

use super::server::{Reply, Server};

/// The submitter of another source than the demo's.
pub const OTHER_SUBMITTER: &str = "lab-feed";
/// An id that nothing has.
pub const NOBODY: &str = "0192f0c1-2222-7333-8444-555566667777";
/// What a test sends where it must not come back.
const SENT: &str = "Zyxwatson";

pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut server = Server::shared(&[]);
        server.add_user(OTHER_SUBMITTER, &["--role", "submitter", "--source", "lab"]);
        server
    })
}

pub fn post(path: &str, role: &str, body: &Value) -> Reply {
    server().call("POST", path, role, Some(body.to_string().as_bytes()))
}

pub fn get(path: &str, role: &str) -> Reply {
    server().call("GET", path, role, None)
}

/// The same stable form for every error, and nothing of what was sent in it.
pub fn assert_problem(reply: &Reply, status: u16, code: &str, name: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{name}: {}", reply.text);
    let body = reply.json();
    assert_eq!(body["status"], status, "{name}");
    assert_eq!(body["type"], format!("about:blank#{code}"), "{name}");
    for field in ["title", "detail"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{name}: no {field}");
    }
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 5, "{name}: {keys:?}");
    assert!(!reply.text.contains(SENT), "{name} quotes what was sent: {}", reply.text);
}

#[test]
fn tokens_that_are_not_live_are_refused() {
    let live = &server().tokens["coder"];
    let changed = format!("{}A", &live[..live.len() - 1]);
    for header in [
        "Bearer".to_owned(),
        "Bearer x".to_owned(),
        format!("Basic {live}"),
        live.clone(),
        format!("Bearer {changed}B"),
        format!("Bearer abs_{}", "A".repeat(43)),
        format!("Bearer {SENT}"),
    ] {
        let reply = server()
            .send("GET", "/v1/review/items", "", &[("authorization", header.as_str())], None)
            .expect("the server answers");
        assert_problem(&reply, 401, "unauthorized", &header);
    }
}

/// A bad body: name, bytes, status, code, words that the detail must have.
type BadBody = (&'static str, Vec<u8>, u16, &'static str, &'static str);

/// Bodies that both `/v1/notes` and `/v1/extract` refuse alike.
fn bad_bodies() -> Vec<BadBody> {
    let text = |text: &str| json!({ "text": text }).to_string().into_bytes();
    let raw = |body: String| body.into_bytes();
    vec![
        ("empty note", text(""), 422, "empty_note", "empty"),
        ("white space", text(" \r\n\t\u{a0}\u{2003}"), 422, "empty_note", "empty"),
        ("5 MB note", text(&format!("{SENT} {}", "asthma ".repeat(720_000))), 413, "note_too_large", "at most"),
        ("a byte too long", text(&"a".repeat(1_000_001)), 413, "note_too_large", "1000001"),
        ("NUL", text(&format!("{SENT}\0")), 422, "nul_character", "byte 18"),
        ("invalid UTF-8", [br#"{"text":"Zyxwatson "#, &b"\xff\xfe\"}"[..]].concat(), 400, "invalid_utf8", "byte 19"),
        ("UTF-16", "{\"text\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect(), 400, "invalid_json", "JSON"),
        ("unpaired surrogate", raw(format!(r#"{{"text":"{SENT}\ud800"}}"#)), 422, "invalid_field", "text"),
        ("unknown field", raw(format!(r#"{{"text":"a","mrn":"{SENT}"}}"#)), 422, "unknown_field", "`mrn`"),
        ("duplicate field", raw(format!(r#"{{"text":"a","text":"{SENT}"}}"#)), 422, "invalid_field", "`text`"),
        ("no text", raw("{}".to_owned()), 422, "invalid_field", "`text`"),
        ("text null", raw(r#"{"text":null}"#.to_owned()), 422, "invalid_field", "text"),
        ("text a number", raw(r#"{"text":90210}"#.to_owned()), 422, "invalid_field", "text"),
        ("text a list", raw(format!(r#"{{"text":["{SENT}"]}}"#)), 422, "invalid_field", "text"),
        ("text an object", raw(format!(r#"{{"text":{{"{SENT}":1}}}}"#)), 422, "invalid_field", "text"),
        ("a wrong word", raw(format!(r#"{{"text":"a","encounter_class":"{SENT}"}}"#)), 422, "invalid_field", "encounter_class"),
        ("class a number", raw(r#"{"text":"a","encounter_class":7}"#.to_owned()), 422, "invalid_field", "encounter_class"),
        ("a bad date", raw(format!(r#"{{"text":"a","service_date":"{SENT}"}}"#)), 422, "invalid_field", "service_date"),
        ("no such day", raw(r#"{"text":"a","service_date":"2026-02-30"}"#.to_owned()), 422, "invalid_field", "service_date"),
        ("type a number", raw(r#"{"text":"a","note_type":1}"#.to_owned()), 422, "invalid_field", "note_type"),
        ("nothing", Vec::new(), 400, "invalid_json", "JSON"),
        ("not JSON", raw(SENT.to_owned()), 400, "invalid_json", "JSON"),
        ("half an object", raw(format!(r#"{{"text":"{SENT}"#)), 400, "invalid_json", "line 1"),
        ("something after it", raw(format!(r#"{{"text":"a"}} {SENT}"#)), 400, "invalid_json", "after"),
        ("two objects", raw(r#"{"text":"a"}{"text":"b"}"#.to_owned()), 400, "invalid_json", "after"),
        ("a list", raw(format!(r#"["{SENT}"]"#)), 422, "invalid_field", "object"),
        ("a full list", raw(format!("[\"{SENT}\"{}]", ",null".repeat(10))), 422, "invalid_field", "object"),
        ("a string", raw(format!("{SENT:?}")), 422, "invalid_field", "object"),
        ("null", raw("null".to_owned()), 422, "invalid_field", "object"),
        ("depth", raw(format!(r#"{{"text":{}"#, "[".repeat(100_000))), 422, "invalid_field", "text"),
    ]
}

#[test]
fn bad_bodies_are_refused_with_a_stable_code() {
    for path in ["/v1/notes", "/v1/extract"] {
        for (name, body, status, code, words) in bad_bodies() {
            let reply = server().call("POST", path, "submitter", Some(&body));
            let name = format!("{path}, {name}");
            assert_problem(&reply, status, code, &name);
            let detail = reply.json()["detail"].as_str().expect("a detail").to_owned();
            assert!(detail.contains(words), "{name}: {detail}");
        }
    }
}

#[test]
fn bad_fields_of_one_endpoint_are_refused() {
    let cases = [
        ("/v1/notes", json!({"text": "a", "patient": {"id": "p", SENT: 1}}), "unknown_field"),
        ("/v1/notes", json!({"text": "a", "patient": {"name": SENT}}), "invalid_field"),
        ("/v1/notes", json!({"text": "a", "patient": {"id": "p", "birth_date": SENT}}), "invalid_field"),
        ("/v1/notes", json!({"text": "a", "patient": 5}), "invalid_field"),
        ("/v1/notes", json!({"text": "a", "encounter": {"id": "e", "ward": SENT}}), "unknown_field"),
        ("/v1/notes", json!({"text": "a", "encounter": [SENT]}), "invalid_field"),
        ("/v1/notes", json!({"text": "a", "external_id": {"id": SENT}}), "invalid_field"),
        ("/v1/notes", json!({"text": "a", "confidentiality": SENT}), "invalid_field"),
        ("/v1/extract", json!({"text": "a", "offset_unit": SENT}), "invalid_field"),
        ("/v1/extract", json!({"text": "a", "id": 7}), "invalid_field"),
        ("/v1/extract", json!({"text": "a", "spans": SENT}), "invalid_field"),
        ("/v1/extract", json!({"text": "a", "spans": [{"start": -1, "end": 1}]}), "invalid_field"),
        ("/v1/extract", json!({"text": "a", "spans": [{"start": 0, "end": 2}]}), "invalid_span"),
        ("/v1/extract", json!({"text": "abc", "spans": [{"start": 2, "end": 1}]}), "invalid_span"),
        ("/v1/extract", json!({"text": "abc", "spans": [{"start": 1, "end": 1}]}), "invalid_span"),
        ("/v1/extract", json!({"text": "é", "spans": [{"start": 0, "end": 2}]}), "invalid_span"),
        ("/v1/extract", json!({"text": "é", "spans": [{"start": 0, "end": u64::MAX}]}), "invalid_span"),
        ("/v1/extract", json!({"text": "éa", "spans": [{"start": 1, "end": 3}], "offset_unit": "utf8"}), "invalid_span"),
        ("/v1/extract", json!({"text": "😀a", "spans": [{"start": 1, "end": 3}], "offset_unit": "utf16"}), "invalid_span"),
    ];
    for (path, body, code) in cases {
        let reply = post(path, "submitter", &body);
        // the name of an unknown field is given back, so that the sender finds it
        if code == "unknown_field" {
            assert_eq!((reply.status, reply.code().as_str()), (422, code), "{body}: {}", reply.text);
            let field = if body["patient"].is_object() { SENT } else { "ward" };
            assert!(reply.text.contains(&format!("`{field}`")), "{}", reply.text);
        } else {
            assert_problem(&reply, 422, code, &body.to_string());
        }
    }
}

#[test]
fn bad_addresses_are_refused() {
    let cases = [
        ("GET", "/v1/notes/Zyxwatson", "submitter", 404, "not_found"),
        ("GET", "/v1/notes/%ff", "submitter", 404, "not_found"),
        ("GET", "/v1/review/items/7", "coder", 404, "not_found"),
        ("POST", "/v1/review/items/7/claim", "coder", 404, "not_found"),
        ("GET", "/v1/notes/0192f0c1-2222-7333-8444-555566667777", "submitter", 404, "not_found"),
        ("GET", "/v1/notes/0192f0c1-2222-7333-8444-555566667777/text", "coder", 404, "not_found"),
        ("GET", "/v1/notes/0192f0c1-2222-7333-8444-555566667777/extraction", "lead", 404, "not_found"),
        ("GET", "/v1/review/items/0192f0c1-2222-7333-8444-555566667777", "coder", 404, "not_found"),
        ("POST", "/v1/review/items/0192f0c1-2222-7333-8444-555566667777/claim", "coder", 404, "not_found"),
        ("POST", "/v1/review/items/0192f0c1-2222-7333-8444-555566667777/release", "coder", 404, "not_found"),
        ("POST", "/v1/review/items/0192f0c1-2222-7333-8444-555566667777/finish", "lead", 404, "not_found"),
        ("GET", "/v1/review/items?status=Zyxwatson", "coder", 400, "invalid_parameter"),
        ("GET", "/v1/review/items?state=Zyxwatson", "coder", 400, "invalid_parameter"),
        ("GET", "/v1/review/items?after=Zyxwatson", "coder", 400, "invalid_parameter"),
        ("GET", "/v1/review/items?limit=Zyxwatson", "coder", 400, "invalid_parameter"),
        ("GET", "/v1/review/items?limit=-1", "coder", 400, "invalid_parameter"),
        ("GET", "/v1/audit/events?actor=Zyxwatson", "auditor", 400, "invalid_parameter"),
        ("GET", "/v1/audit/events?after=Zyxwatson", "auditor", 400, "invalid_parameter"),
        (
            "GET",
            "/v1/notes/0192f0c1-2222-7333-8444-555566667777/extraction?offset_unit=Zyxwatson",
            "coder",
            400,
            "invalid_parameter",
        ),
        ("GET", "/v1/Zyxwatson", "coder", 404, "unknown_address"),
        ("GET", "/v2/notes", "", 404, "unknown_address"),
        ("POST", "/v1/notes/0192f0c1-2222-7333-8444-555566667777/Zyxwatson", "submitter", 404, "unknown_address"),
        ("DELETE", "/v1/notes/0192f0c1-2222-7333-8444-555566667777", "submitter", 405, "method_not_allowed"),
        ("GET", "/v1/notes", "submitter", 405, "method_not_allowed"),
        ("PUT", "/v1/extract", "submitter", 405, "method_not_allowed"),
        ("POST", "/health/live", "", 405, "method_not_allowed"),
    ];
    for (method, path, role, status, code) in cases {
        let reply = server().call(method, path, role, None);
        assert_problem(&reply, status, code, &format!("{method} {path}"));
        if status == 405 {
            assert!(reply.headers.contains_key("allow"), "{method} {path} does not say what is allowed");
        }
    }
}

#[test]
fn a_note_of_text_alone_is_stored_and_extracted() {
    let text = "ASSESSMENT: Asthma.\r\nÜbelkeit 😀 — e\u{301}.";
    let reply = post("/v1/notes", "submitter", &json!({ "text": text }));
    assert_eq!(reply.status, 202, "{}", reply.text);
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(reply.json()["status"], "pending");
    let extraction = server().extraction(&id);
    assert_eq!(extraction["note_id"], id);
    assert!(extraction["entries"].as_array().is_some_and(|entries| !entries.is_empty()), "{extraction}");
    for role in ["submitter", "coder", "lead"] {
        let note = get(&format!("/v1/notes/{id}"), role).json();
        assert_eq!((note["id"].as_str(), note["status"].as_str()), (Some(id.as_str()), Some("ready")));
        assert_eq!(note["source"], "demo-ehr", "the submitter's own source is the default");
        assert_eq!((&note["text"], &note["confidentiality"]), (&json!(text), &json!("normal")));
        let reply = get(&format!("/v1/notes/{id}/text"), role);
        assert_eq!(reply.text, text, "the canonical text, byte for byte");
        assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    }
}

#[test]
fn a_note_keeps_all_its_fields() {
    let full = json!({
        "text": "Gout.", "source": "demo-ehr", "external_id": "full-1", "version": "3",
        "patient": {"id": "MRN-1", "name": "Ada Quill", "birth_date": "1950-02-03", "sex": "female"},
        "encounter": {"id": "ENC-FULL", "facility": "north", "department": "icu"}, "encounter_class": "inpatient",
        "note_type": "discharge_summary", "service_date": "2026-05-31", "author": "Dr Ink", "confidentiality": "normal"
    });
    let id = server().post_note(&full);
    let note = get(&format!("/v1/notes/{id}"), "submitter").json();
    for field in
        ["text", "source", "external_id", "version", "patient", "encounter_class", "note_type", "service_date", "author"]
    {
        assert_eq!(note[field], full[field], "{field}");
    }
    assert_eq!(note["encounter"], "ENC-FULL");
    // patient and encounter as plain ids are the same patient and encounter
    let short = json!({"text": "Gout again.", "external_id": "full-2", "patient": "MRN-1", "encounter": "ENC-FULL"});
    let other = server().post_note(&short);
    let other = get(&format!("/v1/notes/{other}"), "submitter").json();
    assert_eq!(other["encounter"], "ENC-FULL");
    assert_eq!(other["patient"]["id"], "MRN-1");
    assert_eq!(other["item_id"], note["item_id"], "one encounter is one item");
}

#[test]
fn posting_again_changes_nothing_and_versions_are_notes() {
    let note = |text: &str, version: Option<&str>| {
        let mut note = json!({"text": text, "external_id": "again-1", "encounter": "ENC-AGAIN"});
        if let Some(version) = version {
            note["version"] = json!(version);
        }
        note
    };
    let first = server().post_note(&note("Asthma.", None));
    assert_eq!(server().post_note(&note("Asthma.", None)), first, "the same note has the same id");
    server().extraction(&first);
    assert_eq!(post("/v1/notes", "submitter", &note("Asthma.", None)).json()["status"], "ready");
    let reply = post("/v1/notes", "submitter", &note("Asthma and gout.", None));
    assert_problem(&reply, 409, "version_required", "other text, no version");
    let second = server().post_note(&note("Asthma and gout.", Some("2")));
    assert_ne!(second, first);
    assert_eq!(server().post_note(&note("Asthma and gout.", Some("2"))), second);
    let reply = post("/v1/notes", "submitter", &note("Gout.", Some("2")));
    assert_problem(&reply, 409, "version_conflict", "other text, same version");
    let item = |id: &str| get(&format!("/v1/notes/{id}"), "submitter").json()["item_id"].clone();
    assert_eq!(item(&first), item(&second), "both versions are in the encounter's item");
    assert_eq!(get(&format!("/v1/notes/{first}/text"), "submitter").text, "Asthma.", "a version is immutable");
}

#[test]
fn a_submitter_sees_its_own_source_only() {
    let id = server().post_note(&json!({"text": "Migraine.", "external_id": "shared-id"}));
    for address in ["", "/text", "/extraction"] {
        let reply = get(&format!("/v1/notes/{id}{address}"), OTHER_SUBMITTER);
        assert_problem(&reply, 404, "not_found", address);
    }
    let reply = post("/v1/notes", OTHER_SUBMITTER, &json!({"text": "Gout.", "source": "demo-ehr"}));
    assert_problem(&reply, 403, "wrong_source", "another's source");
    // the same id from another source is another note
    let reply = post("/v1/notes", OTHER_SUBMITTER, &json!({"text": "Gout.", "external_id": "shared-id", "source": "lab"}));
    assert_eq!(reply.status, 202, "{}", reply.text);
    assert_ne!(reply.json()["id"], json!(id));
}

/// The words of an offset pair in a unit.
fn slice(text: &str, unit: &str, start: usize, end: usize) -> String {
    match unit {
        "utf8" => text[start..end].to_owned(),
        "utf16" => {
            let units: Vec<u16> = text.encode_utf16().collect();
            String::from_utf16(&units[start..end]).expect("whole characters")
        }
        _ => text.chars().skip(start).take(end - start).collect(),
    }
}

#[test]
fn offsets_slice_back_in_every_unit() {
    let text = "😀 Café visit\r\nASSESSMENT: 🫀 Type 2 diabetes mellitus; cafe\u{301} — asthma.\r\nMEDICATIONS: metformin 500 mg p.o. b.i.d.\r\nALLERGIES: “penicillin” 👩‍⚕️ (rash).";
    let id = server().post_note(&json!({ "text": text }));
    server().extraction(&id);
    let mut starts: BTreeMap<&str, usize> = BTreeMap::new();
    for unit in ["utf8", "utf16", "codepoint"] {
        let stored = get(&format!("/v1/notes/{id}/extraction?offset_unit={unit}"), "coder").json();
        let at_once = post("/v1/extract", "coder", &json!({"text": text, "offset_unit": unit, "id": id})).json();
        assert_eq!(stored, at_once, "the stored extraction is the synchronous one");
        assert_eq!(stored["offset_unit"], unit);
        let evidence: Vec<&Value> = stored["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .flat_map(|entry| entry["evidence"].as_array().expect("some"))
            .collect();
        assert!(evidence.len() >= 4, "{stored}");
        for one in evidence {
            let (start, end) =
                (one["start"].as_u64().expect("a start") as usize, one["end"].as_u64().expect("an end") as usize);
            assert_eq!(slice(text, unit, start, end), one["text"].as_str().expect("text"), "{unit}");
            *starts.entry(unit).or_default() += start;
        }
    }
    assert!(starts["codepoint"] < starts["utf16"] && starts["utf16"] < starts["utf8"], "{starts:?}");
}

#[test]
fn extract_gives_the_context_of_spans() {
    let text = "😀 FAMILY HISTORY: Mother had gout. ASSESSMENT: No sinusitis.";
    let find = |word: &str| {
        let byte = text.find(word).expect("is there");
        let start = text[..byte].chars().count();
        json!({"start": start, "end": start + word.chars().count()})
    };
    let body = json!({"id": "mine", "text": text, "spans": [find("gout"), find("sinusitis")]});
    let reply = post("/v1/extract", "submitter", &body);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let extraction = reply.json();
    assert_eq!(extraction["note_id"], "mine");
    let spans = extraction["spans"].as_array().expect("spans");
    let said: Vec<(&str, &str, &str)> = spans
        .iter()
        .map(|span| {
            let word = |field: &str| span[field].as_str().unwrap_or_else(|| panic!("no {field} in {span}"));
            (word("text"), word("assertion"), word("experiencer"))
        })
        .collect();
    assert_eq!(said, [("gout", "family", "family"), ("sinusitis", "absent", "patient")]);
    for span in spans {
        for field in ["start", "end", "section", "temporality", "cues"] {
            assert!(!span[field].is_null(), "no {field} in {span}");
        }
    }
}

/// The entry of an item with these words as evidence.
fn entry_with<'a>(detail: &'a Value, words: &str) -> &'a Value {
    let entries = detail["entries"].as_array().expect("entries");
    let found = entries.iter().find(|entry| {
        entry["evidence"].as_array().is_some_and(|all| {
            all.iter().any(|one| one["text"].as_str().is_some_and(|text| text.to_lowercase().contains(words)))
        })
    });
    found.unwrap_or_else(|| panic!("no {words} in {detail}"))
}

#[test]
fn a_coder_works_through_an_encounter() {
    let note = json!({
        "text": "ASSESSMENT: Type 2 diabetes mellitus. Hypertension. Gout.\nMEDICATIONS: Metformin 500 mg p.o. b.i.d.\nALLERGIES: Penicillin (rash).\nFAMILY HISTORY: Mother with breast cancer.",
        "external_id": "review-1", "encounter": "ENC-REVIEW", "encounter_class": "inpatient", "patient": "MRN-REVIEW"
    });
    let id = server().post_note(&note);
    server().extraction(&id);
    let item = get(&format!("/v1/notes/{id}"), "coder").json()["item_id"].as_str().expect("an item").to_owned();
    let address = format!("/v1/review/items/{item}");
    let action = |what: &str, role: &str| server().call("POST", &format!("{address}/{what}"), role, Some(b""));
    let decide = |role: &str, decisions: Value| post(&format!("{address}/decisions"), role, &json!({ "decisions": decisions }));
    let read = || get(&address, "coder").json();

    let listed = queue("coder", 50);
    let mine = listed.iter().find(|one| one["id"] == json!(item)).expect("is in the queue");
    assert_eq!((&mine["state"], &mine["encounter"], &mine["pending_notes"]), (&json!("open"), &json!("ENC-REVIEW"), &json!(0)));
    assert_eq!((&mine["notes"], &mine["encounter_class"]), (&json!([id]), &json!("inpatient")));

    let detail = read();
    let (diabetes, hypertension) =
        (entry_with(&detail, "diabetes")["id"].clone(), entry_with(&detail, "hypertension")["id"].clone());
    let gout = entry_with(&detail, "gout")["id"].clone();
    assert_eq!(entry_with(&detail, "breast cancer")["needs_decision"], false, "family history needs no decision");
    let accept = |entry: &Value| json!({"entry_id": entry, "decision": {"action": "accept"}});

    assert_problem(&decide("coder", json!([accept(&gout)])), 409, "not_claimed", "before the claim");
    assert_problem(&action("finish", "coder"), 409, "not_claimed", "finish before the claim");
    let claimed = action("claim", "coder");
    assert_eq!(claimed.status, 200, "{}", claimed.text);
    assert_eq!(claimed.headers["etag"], format!("\"{}\"", claimed.json()["revision"]));
    assert_problem(&action("claim", "lead"), 409, "held_by_other", "a second coder");
    assert_problem(&decide("lead", json!([accept(&gout)])), 409, "held_by_other", "a second coder decides");
    assert_eq!(read()["item"]["claimed_by"], "demo-coder");
    assert_eq!(action("claim", "coder").status, 200, "the holder renews");
    assert_problem(&action("finish", "coder"), 409, "entries_undecided", "undecided");

    let wrong = [
        (json!([{"entry_id": NOBODY, "decision": {"action": "accept"}}]), 404, "unknown_entry"),
        (json!([{"decision": {"action": "accept"}}]), 422, "invalid_decision"),
        (json!([{"entry_id": gout, "decision": {"action": "reject", "reason": SENT}}]), 422, "invalid_decision"),
        (json!([{"entry_id": gout, "decision": {"action": "amend"}}]), 422, "invalid_decision"),
        (json!([{"entry_id": gout, "decision": {"action": SENT}}]), 422, "invalid_field"),
        (json!([{"entry_id": gout, "decision": {"action": "amend", "codes": [icd(SENT)]}}]), 422, "invalid_decision"),
        (json!([{"entry_id": gout, "decision": {"action": "amend", "codes": [icd("E11")]}}]), 422, "invalid_decision"),
        (json!([{"entry_id": gout, "decision": {"action": "amend", "assertion": SENT}}]), 422, "invalid_field"),
        (json!([accept(&gout), {"entry_id": NOBODY, "decision": {"action": "accept"}}]), 404, "unknown_entry"),
    ];
    for (decisions, status, code) in wrong {
        assert_problem(&decide("coder", decisions.clone()), status, code, &decisions.to_string());
    }
    let reply = post(&format!("{address}/decisions"), "coder", &json!({"decisions": [], "force": true}));
    assert_problem(&reply, 422, "unknown_field", "decisions with an unknown field");
    assert_eq!(entry_with(&read(), "gout")["state"], "suggested", "all or none");

    let revision = read()["item"]["revision"].as_u64().expect("a revision");
    let one = json!({"decisions": [accept(&gout)]}).to_string();
    let with_match = |tag: &str| {
        let headers = [("if-match", tag)];
        server().send("POST", &format!("{address}/decisions"), "coder", &headers, Some(one.as_bytes())).expect("answers")
    };
    assert_problem(&with_match(&format!("\"{}\"", revision - 1)), 412, "stale_revision", "an old ETag");
    assert_problem(&with_match(SENT), 400, "invalid_if_match", "no ETag of ours");
    assert_eq!(with_match(&format!("\"{revision}\"")).status, 200);
    let withdrawn = decide("coder", json!([{"entry_id": gout, "decision": {"action": "withdraw"}}]));
    assert_eq!(withdrawn.status, 200);
    assert_eq!(entry_with(&read(), "gout")["state"], "suggested", "withdrawn");

    let added = json!({"action": "add", "kind": "diagnosis", "display": "Obesity", "codes": [icd("E66.9")],
        "assertion": "present", "note_id": id, "start": 0, "end": 10, "comment": "stated by the dietitian"});
    let decided = decide(
        "coder",
        json!([
            accept(&diabetes),
            {"entry_id": gout, "decision": {"action": "reject", "reason": "not_documented", "comment": "no"}},
            {"entry_id": hypertension, "decision": {"action": "amend", "codes": [icd("I16.0")]}},
            {"decision": added},
        ]),
    );
    assert_eq!(decided.status, 200, "{}", decided.text);
    let entries = decided.json()["entries"].as_array().expect("entries").clone();
    assert_eq!(&entries[..3], &[diabetes.clone(), gout.clone(), hypertension.clone()]);
    let detail = read();
    let by_id =
        |id: &Value| detail["entries"].as_array().expect("entries").iter().find(|one| one["id"] == *id).cloned().expect("it");
    assert_eq!(by_id(&diabetes)["state"], "accepted");
    assert_eq!(by_id(&gout)["state"], "rejected");
    assert_eq!(
        (&by_id(&hypertension)["state"], &by_id(&hypertension)["codes"][0]["code"]),
        (&json!("amended"), &json!("I16.0"))
    );
    assert_eq!((&by_id(&entries[3])["state"], &by_id(&entries[3])["display"]), (&json!("added"), &json!("Obesity")));
    assert_eq!(by_id(&gout)["decisions"].as_array().map(Vec::len), Some(3), "accept, withdraw, reject");

    accept_the_rest(&address);
    let finished = action("finish", "coder");
    assert_eq!(finished.status, 200, "{}", finished.text);
    assert_eq!(read()["item"]["state"], "finished");
    for what in ["claim", "finish"] {
        assert_problem(&action(what, "coder"), 409, "finished", what);
    }

    // a new note of the encounter opens the item again; what was decided stands
    let second = server().post_note(&json!({"text": "ASSESSMENT: Hypertension. Gout. Migraine.", "external_id": "review-2",
        "encounter": "ENC-REVIEW", "patient": "MRN-REVIEW"}));
    server().extraction(&second);
    let detail = read();
    assert_eq!(detail["item"]["state"], "open");
    assert_eq!(detail["item"]["notes"], json!([id, second]));
    let state = |words: &str| entry_with(&detail, words)["state"].clone();
    assert_eq!(
        [state("diabetes"), state("gout"), state("hypertension")],
        [json!("accepted"), json!("rejected"), json!("amended")]
    );
    assert_eq!(
        (state("migraine"), entry_with(&detail, "migraine")["needs_decision"].clone()),
        (json!("suggested"), json!(true))
    );
    assert_eq!(action("claim", "lead").status, 200, "a lead may take it now");
    assert_eq!(action("release", "lead").status, 200);

    let events = server().events();
    let sequence: Vec<i64> = events.iter().map(|event| event["sequence"].as_i64().expect("a number")).collect();
    assert_eq!(sequence, (1..=events.len() as i64).collect::<Vec<_>>(), "gap-free");
    let did: BTreeSet<(&str, &str)> = events
        .iter()
        .filter(|event| event["subject_id"] == json!(item))
        .map(|event| (event["actor"].as_str().expect("who"), event["action"].as_str().expect("what")))
        .collect();
    for action in ["item.read", "item.claimed", "entry.decided", "item.finished"] {
        assert!(did.contains(&("demo-coder", action)), "{action} is missing in {did:?}");
    }
}

/// An ICD-10-CM code as a coder sends it.
fn icd(code: &str) -> Value {
    json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code})
}

/// Accepts what still waits for a decision.
fn accept_the_rest(address: &str) {
    let detail = get(address, "coder").json();
    let rest: Vec<Value> = detail["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["needs_decision"] == true)
        .map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}}))
        .collect();
    let reply = post(&format!("{address}/decisions"), "coder", &json!({ "decisions": rest }));
    assert_eq!(reply.status, 200, "{}", reply.text);
}

/// The whole queue, read in pages of `limit`.
fn queue(role: &str, limit: usize) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(&format!("/v1/review/items?limit={limit}{after}"), role).json();
        let more = page["items"].as_array().expect("items");
        assert!(more.len() <= limit);
        items.extend(more.iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

#[test]
fn the_queue_is_read_in_pages_oldest_first() {
    let ids: Vec<String> = (0..5)
        .map(|number| {
            let id = server().post_note(&json!({"text": "Asthma.", "external_id": format!("page-{number}")}));
            get(&format!("/v1/notes/{id}"), "submitter").json()["item_id"].as_str().expect("an item").to_owned()
        })
        .collect();
    let all: Vec<String> = queue("lead", 2).iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no item twice");
    let mine: Vec<&String> = all.iter().filter(|id| ids.contains(id)).collect();
    assert_eq!(mine, ids.iter().collect::<Vec<_>>());
    let finished = get("/v1/review/items?state=finished&limit=200", "lead").json();
    assert!(finished["items"].as_array().expect("items").iter().all(|item| item["state"] == "finished"));
}

#[test]
fn two_hundred_posts_of_one_note_at_once_are_one_note() {
    let body = json!({"text": "Asthma. Gout.", "external_id": "at-once", "encounter": "ENC-AT-ONCE"}).to_string();
    let ids: BTreeSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let one = || {
                        let reply = server().call("POST", "/v1/notes", "submitter", Some(body.as_bytes()));
                        assert_eq!(reply.status, 202, "{}", reply.text);
                        reply.json()["id"].as_str().expect("an id").to_owned()
                    };
                    (0..10).map(|_| one()).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("ends")).collect()
    });
    assert_eq!(ids.len(), 1, "{ids:?}");
    let items: Vec<Value> = queue("coder", 200).into_iter().filter(|item| item["encounter"] == "ENC-AT-ONCE").collect();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["notes"].as_array().map(Vec::len), Some(1));
}
