//! Queries to providers on a running server: what may be asked and how, who may answer, and where the words of it do not turn up.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{
    api::{NOBODY, assert_problem},
    browser::Browser,
    server::{Reply, Server},
};

/// A submitter of another source than the demo's.
const OTHER: &str = "lab-feed";
/// A part of every word that must not turn up.
const SENTINEL: &str = "Qzquery";

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut server = Server::shared(&["--recognizers", "dictionary", "--log", "debug"]);
        server.add_user(OTHER, &["--role", "submitter", "--source", "lab"]);
        let destination = json!({"name": "inbox", "events": ["query.sent", "query.answered"],
            "channel": {"kind": "webhook", "url": "http://127.0.0.1:9/"}});
        let added = server.call("POST", "/v1/destinations", "admin", Some(destination.to_string().as_bytes()));
        assert_eq!(added.status, 201, "{}", added.text);
        server
    })
}

fn post(path: &str, role: &str, body: &Value) -> Reply {
    server().call("POST", path, role, Some(body.to_string().as_bytes()))
}

/// A note's item, claimed by the coder: the address of the item, the note's id.
fn claimed(text: &str) -> (String, String) {
    let note = server().post_note(&json!({"text": text, "encounter_class": "inpatient"}));
    server().extraction(&note);
    let item = server().call("GET", &format!("/v1/notes/{note}"), "coder", None).json()["item_id"].clone();
    let address = format!("/v1/review/items/{}", item.as_str().expect("an id"));
    assert_eq!(server().call("POST", &format!("{address}/claim"), "coder", None).status, 200);
    (address, note)
}

const NOTE: &str = "ASSESSMENT: Heart failure. LVEF 30 %, BNP 1200.\nNo pneumonia. Mother had breast cancer.";

/// The entry of a diagnosis.
fn entry(address: &str, words: &str) -> String {
    let detail = server().call("GET", address, "coder", None).json();
    let entries = detail["entries"].as_array().expect("entries");
    let found =
        entries.iter().find(|entry| entry["evidence"].as_array().is_some_and(|all| all.iter().any(|one| one["text"] == words)));
    found.unwrap_or_else(|| panic!("{detail}"))["id"].as_str().expect("an id").to_owned()
}

/// A draft that was taken: its address.
fn drafted(address: &str, draft: &Value) -> (String, Value) {
    let reply = post(&format!("{address}/queries"), "coder", draft);
    assert_eq!(reply.status, 201, "{}", reply.text);
    let query = reply.json();
    (format!("/v1/review/queries/{}", query["id"].as_str().expect("an id")), query)
}

#[test]
fn a_query_from_template_to_closing() {
    let templates = server().call("GET", "/v1/review/query-templates", "coder", None).json();
    let templates = templates["templates"].as_array().expect("templates");
    assert!(templates.iter().any(|template| template["key"] == "heart_failure_type" && template["codes"][0] == "I50"));
    let (address, note) = claimed(NOTE);
    let entry = entry(&address, "Heart failure");
    let (query, body) = drafted(&address, &json!({"template": "heart_failure_type", "entry_id": entry}));
    assert_eq!((&body["state"], &body["kind"], &body["entry_id"]), (&json!("draft"), &json!("specificity"), &json!(entry)));
    assert_eq!(body["title"], "Type of Heart failure");
    assert_eq!(body["indicators"], json!([{"note_id": note, "text": "Heart failure."}]), "the words that the entry rests on");
    let kinds: Vec<&str> =
        body["options"].as_array().expect("options").iter().filter_map(|option| option["kind"].as_str()).collect();
    assert_eq!(kinds, ["choice", "choice", "choice", "other", "undetermined"]);

    let answer = json!({"option": 0, "text": "EF 30 %", "provider": "Dr. Example"});
    let close = json!({"effect": "entry_amended", "comment": "as answered"});
    let step = |what: &str, role: &str, body: &Value, state: &str| {
        let reply = post(&format!("{query}/{what}"), role, body);
        assert_eq!(reply.status, 200, "{what}: {}", reply.text);
        assert_eq!(reply.json(), json!({"id": body_id(&query), "state": state}));
    };
    let refused = |what: &str, body: &Value| {
        assert_problem(&post(&format!("{query}/{what}"), "coder", body), 409, "query_state", what);
    };
    refused("answer", &answer);
    refused("close", &close);
    step("send", "coder", &json!({}), "sent");
    refused("send", &json!({}));
    refused("close", &close);
    // the claim is not needed any more
    assert_eq!(server().call("POST", &format!("{address}/release"), "coder", None).status, 200);
    step("answer", "lead", &answer, "answered");
    refused("answer", &answer);
    refused("withdraw", &json!({}));
    step("close", "coder", &close, "closed");

    let listed = server().call("GET", &format!("{address}/queries"), "coder", None).json();
    let told = &listed["queries"][0];
    assert_eq!((&told["state"], &told["answer"], &told["effect"]), (&json!("closed"), &answer, &json!("entry_amended")));
    let events: Vec<(&str, &str)> = told["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| (event["state"].as_str().expect("a state"), event["by"].as_str().expect("a name")))
        .collect();
    assert_eq!(events, [("draft", "demo-coder"), ("sent", "demo-coder"), ("answered", "demo-lead"), ("closed", "demo-coder")]);
    let deliveries = server().call("GET", "/v1/deliveries?destination=inbox&limit=200", "lead", None).json();
    let heard: Vec<&Value> = deliveries["deliveries"]
        .as_array()
        .expect("deliveries")
        .iter()
        .filter(|one| one["query_id"] == json!(body_id(&query)))
        .map(|one| &one["event"])
        .collect();
    assert_eq!(heard, ["query.sent", "query.answered"]);
}

fn body_id(address: &str) -> String {
    address.rsplit('/').next().expect("an id").to_owned()
}

#[test]
fn drafts_that_are_not_compliant_are_refused() {
    let (address, note) = claimed(NOTE);
    let good = json!({"template": "acuity", "title": "Acuity of heart failure", "question": "Which acuity, if it is known?",
        "options": [{"kind": "choice", "label": "Acute"}, {"kind": "choice", "label": "Chronic"},
            {"kind": "other", "label": "Other (please specify)"}, {"kind": "undetermined", "label": "Unable to determine"}],
        "indicators": [{"note_id": note, "text": "LVEF 30 %,  BNP 1200"}]});
    let with = |field: &str, value: Value| {
        let mut draft = good.clone();
        draft[field] = value;
        draft
    };
    let option = |at: usize, label: &str| {
        let mut draft = good.clone();
        draft["options"][at]["label"] = json!(label);
        draft
    };
    let without = |at: usize| {
        let mut draft = good.clone();
        draft["options"].as_array_mut().expect("options").remove(at);
        draft
    };
    let mut yes_no = option(0, "Yes");
    yes_no["options"][1]["label"] = json!("No");
    for (name, draft, status, code) in [
        ("no template", with("template", json!("nonsense")), 422, "unknown_template"),
        ("no entry", with("entry_id", json!(NOBODY)), 404, "unknown_entry"),
        ("no title", with("title", json!(" ")), 422, "query_incomplete"),
        ("nothing quoted", with("indicators", json!([])), 422, "query_without_indicator"),
        ("not quoted", with("indicators", json!([{"note_id": note, "text": "BNP 9"}])), 422, "query_indicator_not_in_record"),
        (
            "another note",
            with("indicators", json!([{"note_id": NOBODY, "text": "BNP 1200"}])),
            422,
            "query_indicator_not_in_record",
        ),
        ("one choice", without(0), 422, "query_too_few_choices"),
        ("no other", without(2), 422, "query_without_other_option"),
        ("no undetermined", without(3), 422, "query_without_undetermined_option"),
        ("yes and no", yes_no.clone(), 422, "query_yes_or_no"),
        ("twice the same", option(0, "chronic"), 422, "query_repeated_option"),
        ("the DRG", with("question", json!("Which acuity? The DRG depends on it.")), 422, "query_mentions_payment"),
        ("an MCC", option(0, "Acute (MCC)"), 422, "query_mentions_payment"),
        ("a score", with("question", json!("Which acuity, for our quality score?")), 422, "query_mentions_quality"),
        ("leading", with("question", json!("Do you agree that it is acute?")), 422, "query_leading_words"),
        ("not documented", with("title", json!("Sepsis")), 422, "query_undocumented_diagnosis"),
        ("negated", with("title", json!("Pneumonia")), 422, "query_undocumented_diagnosis"),
        ("the mother's", with("title", json!("Breast cancer")), 422, "query_undocumented_diagnosis"),
        ("unknown field", with("reimbursement", json!(1)), 422, "unknown_field"),
        ("unknown kind", with("options", json!([{"kind": "best", "label": "a"}])), 422, "invalid_field"),
    ] {
        assert_problem(&post(&format!("{address}/queries"), "coder", &draft), status, code, name);
    }
    let listed = server().call("GET", &format!("{address}/queries"), "coder", None).json();
    assert_eq!(listed, json!({"queries": []}), "what is refused leaves nothing");
    drafted(&address, &good);
    // yes and no, where the condition is documented and its time is asked
    yes_no["template"] = json!("present_on_admission");
    drafted(&address, &yes_no);
}

#[test]
fn who_may_draft_answer_and_read() {
    let (address, note) = claimed(NOTE);
    let draft = json!({"template": "finding_significance", "indicators": [{"note_id": note, "text": "BNP 1200"}]});
    let queries = format!("{address}/queries");
    assert_problem(&post(&queries, "lead", &draft), 409, "held_by_other", "another holds it");
    let (query, _) = drafted(&address, &draft);
    assert_eq!(server().call("POST", &format!("{address}/release"), "coder", None).status, 200);
    assert_problem(&post(&queries, "coder", &draft), 409, "not_claimed", "nobody holds it");

    let read = |role: &str| server().call("GET", &queries, role, None);
    assert_eq!(read("submitter").json(), json!({"queries": []}), "nobody has a draft");
    assert_problem(&read(OTHER), 404, "not_found", "another source");
    assert_problem(&read("admin"), 403, "forbidden", "admin");
    let answer = |option: Value, text: Value| json!({"option": option, "text": text, "provider": "Dr. Example"});
    let good = answer(json!(1), Value::Null);
    assert_eq!(post(&format!("{query}/send"), "coder", &json!({})).status, 200);
    assert_problem(&post(&format!("{query}/answer"), OTHER, &good), 404, "not_found", "another source");
    for (name, body, code) in [
        ("no such option", answer(json!(9), Value::Null), "invalid_answer"),
        ("neither option nor words", answer(Value::Null, json!(" ")), "invalid_answer"),
        ("other without words", answer(json!(3), Value::Null), "invalid_answer"),
        ("by nobody", json!({"option": 0, "provider": ""}), "invalid_answer"),
        ("no provider", json!({"option": 0}), "invalid_field"),
    ] {
        assert_problem(&post(&format!("{query}/answer"), "submitter", &body), 422, code, name);
    }
    assert_eq!(read("submitter").json()["queries"][0]["state"], "sent");
    assert_eq!(post(&format!("{query}/answer"), "submitter", &good).status, 200);
    assert_problem(&post(&format!("{query}/close"), "submitter", &json!({"effect": "no_change"})), 403, "forbidden", "close");
    let effect = post(&format!("{query}/close"), "coder", &json!({"effect": "paid"}));
    assert_problem(&effect, 422, "invalid_field", "an unknown effect");
    assert_problem(&post(&format!("/v1/review/queries/{NOBODY}/send"), "coder", &json!({})), 404, "not_found", "no query");
}

#[test]
fn a_query_that_waits_stops_nobody_from_finishing() {
    let (address, note) = claimed("The visit went well. BP 120/80.");
    let draft = json!({"template": "finding_significance", "indicators": [{"note_id": note, "text": "BP 120/80"}]});
    let (query, _) = drafted(&address, &draft);
    assert_eq!(post(&format!("{query}/send"), "coder", &json!({})).status, 200);
    let finished = server().call("POST", &format!("{address}/finish"), "coder", None);
    assert_eq!(finished.status, 200, "{}", finished.text);
    let answer = json!({"text": "no significance", "provider": "Dr. Example"});
    assert_eq!(post(&format!("{query}/answer"), "coder", &answer).status, 200, "an answer comes when it comes");
    assert_problem(&post(&format!("{address}/queries"), "coder", &draft), 409, "finished", "no new one");
}

#[test]
fn a_query_about_a_note_that_was_taken_back_is_not_sent() {
    let text = "Labs: sodium 121.";
    let note = server().post_note(&json!({"text": text, "external_id": "taken-back", "encounter": "e-taken-back"}));
    server().post_note(&json!({"text": "Seen and examined.", "encounter": "e-taken-back"}));
    server().extraction(&note);
    let item = server().call("GET", &format!("/v1/notes/{note}"), "coder", None).json()["item_id"].clone();
    let address = format!("/v1/review/items/{}", item.as_str().expect("an id"));
    assert_eq!(server().call("POST", &format!("{address}/claim"), "coder", None).status, 200);
    let draft = json!({"template": "finding_significance", "indicators": [{"note_id": note, "text": "sodium 121"}]});
    let (query, _) = drafted(&address, &draft);
    assert!(post(&format!("/v1/notes/{note}/retraction"), "submitter", &json!({})).status < 300);
    let reply = post(&format!("{query}/send"), "coder", &json!({}));
    assert_problem(&reply, 422, "query_indicator_not_in_record", "taken back");
    assert_eq!(post(&format!("{query}/withdraw"), "coder", &json!({"comment": "the note is gone"})).status, 200);
}

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(SENTINEL.len()).any(|window| window.eq_ignore_ascii_case(SENTINEL.as_bytes()))
}

#[test]
fn the_words_of_a_query_turn_up_nowhere() {
    let word = |of: &str| format!("{SENTINEL}-{of}");
    let (address, note) = claimed(&format!("Labs of today: {} 1200.", word("indicator")));
    let draft = json!({"template": "finding_significance", "title": word("title"), "question": word("question"),
        "options": [{"kind": "choice", "label": word("first")}, {"kind": "choice", "label": word("second")},
            {"kind": "other", "label": word("other")}, {"kind": "undetermined", "label": word("unable")}],
        "indicators": [{"note_id": note, "text": format!("{} 1200", word("indicator"))}]});
    let (query, _) = drafted(&address, &draft);
    assert_eq!(post(&format!("{query}/send"), "coder", &json!({})).status, 200);
    let answer = json!({"option": 2, "text": word("answer"), "provider": word("provider")});
    assert_eq!(post(&format!("{query}/answer"), "submitter", &answer).status, 200);
    let close = json!({"effect": "no_change", "comment": word("comment")});
    assert_eq!(post(&format!("{query}/close"), "coder", &close).status, 200);
    let (other, _) = drafted(&address, &draft);
    assert_eq!(post(&format!("{other}/withdraw"), "coder", &json!({"comment": word("comment")})).status, 200);
    // who may read it, reads it
    let listed = server().call("GET", &format!("{address}/queries"), "coder", None).text;
    for of in ["title", "question", "first", "indicator", "answer", "provider", "comment"] {
        assert!(listed.contains(&word(of)), "{of} is not told");
    }
    for (path, body) in [
        (format!("{address}/queries"), json!({"template": word("x"), "title": word("x")})),
        (format!("{address}/queries"), json!({"template": "acuity", "title": format!("{} MCC", word("x"))})),
        (format!("{address}/queries"), json!({"template": "acuity", "mrn": word("x")})),
        (format!("{query}/answer"), json!({"provider": word("x"), "text": word("x")})),
        (format!("{query}/close"), json!({"effect": word("x")})),
    ] {
        let reply = post(&path, "coder", &body);
        assert!((400..500).contains(&reply.status) && !holds(reply.text.as_bytes()), "{}", reply.text);
    }
    let mut told = 0;
    for event in server().events() {
        assert!(!holds(event.to_string().as_bytes()), "{event}");
        told += usize::from(event["subject_kind"] == "query" && event["subject_id"] == json!(body_id(&query)));
        let (action, detail) = (event["action"].as_str().expect("a word"), event["detail"].as_str().expect("words"));
        if action.starts_with("query.") && action != "query.read" {
            let item = detail.split_once("; item ").expect("why it is asked, and the item").1;
            assert_eq!(item.len(), 36, "{detail}");
        }
    }
    assert!(told >= 5, "drafted, sent, answered, closed, read: {told}");
    let metrics = server().call("GET", "/metrics", "admin", None).text;
    assert!(!holds(metrics.as_bytes()), "{metrics}");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&server().data).expect("the data folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!holds(&std::fs::read(&path).expect("reads")), "{name} holds words of a query");
        seen.push(name);
    }
    for name in ["abstractor.db", "abstractor.db-wal", "stderr.log"] {
        assert!(seen.iter().any(|one| one == name), "{name} is not among {seen:?}");
    }
}

/// With the keyboard alone where a key does it, and with axe-core on every page of the way.
#[test]
fn a_coder_asks_a_provider_in_a_browser() {
    let server = Server::empty();
    let id = server
        .post_note(&json!({"text": "ASSESSMENT: Asthma, wheezing on both sides.", "external_id": "ASK-1", "patient": "ASK"}));
    server.extraction(&id);
    let browser = Browser::start(1366);
    browser.open(&server.url);
    browser.fill("#code", &server.tokens["coder"]);
    browser.click("main button");
    browser.wait_for("location.pathname === '/queue'");
    browser.press("x");
    browser.wait_for("document.querySelector('#finish') !== null");
    let nothing = [""; 0];
    browser.click(".entry.diagnosis .ask-one");
    browser.wait_for("document.querySelector('input[name=template]') !== null");
    assert_eq!(browser.accessibility(), nothing, "the templates");
    browser.click("input[value=severity]");
    browser.click("main form button");
    browser.wait_for("document.querySelector('#question') !== null");
    assert_eq!(browser.accessibility(), nothing, "the draft");
    browser.screenshot("query-draft-1366");
    let write = |title: &str| {
        browser.evaluate("document.querySelector('#title').value = ''");
        browser.fill("#title", title);
    };
    write("For the DRG");
    browser.click("button[value=draft]");
    browser.wait_for("document.querySelector('[role=alert]') !== null");
    assert!(browser.text("[role=alert]").contains("nothing of payment"));
    assert_eq!(browser.accessibility(), nothing, "what is refused");
    write("Severity of the asthma");
    browser.click("button[value=send]");
    browser.wait_for("document.querySelector('.query') !== null");
    assert!(browser.text("#queries-waiting").contains("waits for the provider"));
    assert_eq!(browser.accessibility(), nothing, "the encounter");
    browser.click(".query details.answer summary");
    browser.click(".query details.answer input[value='1']");
    browser.fill(".query input[name=provider]", "Dr. Example");
    browser.screenshot("query-answer-1366");
    browser.press("\u{e007}");
    browser.wait_for("document.querySelector('.query .tag.answered') !== null");
    assert_eq!(browser.accessibility(), nothing, "the answer");
    browser.click(".query .do > a");
    browser.wait_for("document.querySelector('.query-sheet') !== null");
    assert_eq!(browser.accessibility(), nothing, "the sheet");
    browser.screenshot("query-sheet-1366");
}
