//! Oversight of the engine from outside: thresholds, drift with its alert, shadow runs of site packs with the real model, and what may be served.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    browser::Browser,
    permissions::Visitor,
    server::{Reply, Server, Start, wait_until},
};

const TEXT: &str = "ASSESSMENT:\nGout. Hypertension.\n\nMEDICATIONS:\nLisinopril 10 mg daily.\n";

fn post(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    server.call("POST", path, role, Some(body.to_string().as_bytes()))
}

/// Receives webhooks on a port of its own; its address, and the bodies that came.
fn receiver() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(told) = line.to_lowercase().strip_prefix("content-length:") {
                    length = told.trim().parse().expect("a length");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the body");
            kept.lock().expect("no panic").push(String::from_utf8(body).expect("UTF-8"));
            let answer = b"HTTP/1.1 200 Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            reader.into_inner().write_all(answer).expect("answers");
        }
    });
    (url, received)
}

/// A note of an encounter of its own, which a coder finishes: everything accepted, or rejected what this word names.
fn finished(server: &Server, number: usize, rejected: &str) {
    let note = json!({"text": TEXT, "external_id": format!("o-{number}"), "note_type": "progress_note"});
    let note = server.post_note(&note);
    server.extraction(&note);
    let item = server.call("GET", &format!("/v1/notes/{note}"), "submitter", None).json()["item_id"].clone();
    let path = format!("/v1/review/items/{}", item.as_str().expect("an id"));
    let done = |what: &str, body: &Value| {
        let reply = post(server, &format!("{path}/{what}"), "coder", body);
        assert!(reply.status < 300, "{what}: {}", reply.text);
    };
    done("claim", &json!({}));
    let entries = server.call("GET", &path, "coder", None).json()["entries"].as_array().expect("entries").clone();
    assert!(entries.len() >= 3, "{entries:?}");
    for entry in entries {
        let is_named = !rejected.is_empty() && entry["display"].to_string().to_lowercase().contains(rejected);
        let decision =
            if is_named { json!({"action": "reject", "reason": "not_documented"}) } else { json!({"action": "accept"}) };
        done("decisions", &json!({"decisions": [{"entry_id": entry["id"], "decision": decision}]}));
    }
    done("finish", &json!({}));
}

fn thresholds(server: &Server) -> Value {
    server.call("GET", "/v1/reports/thresholds?days=1", "lead", None).json()
}

/// Waits until so many encounters are worked out.
fn worked_out(server: &Server, encounters: u64) {
    wait_until("the outcomes are worked out", Duration::from_secs(60), || {
        thresholds(server)["encounters"].as_u64() == Some(encounters)
    });
}

fn drift(server: &Server) -> Value {
    server.call("GET", "/v1/drift", "auditor", None).json()
}

fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
    let now = jiff::Timestamp::now();
    now.to_string()
}

fn icd(code: &str) -> Value {
    json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code})
}

/// Tries a version of the pack on the page; the newest report.
fn tried(server: &Server, lead: &Visitor, version: u64) -> Value {
    let runs = || server.call("GET", "/v1/shadow-runs", "lead", None).json()["reports"].as_array().expect("reports").clone();
    let before = runs().len();
    let (status, place, _) = lead.post(server, "/shadow", &[("version", &version.to_string()), ("days", "1")]);
    assert_eq!((status, place.as_str()), (303, "/shadow?notice=shadow_started"));
    wait_until("the run ends", Duration::from_secs(300), || runs().len() > before);
    runs()[0].clone()
}

#[test]
fn drift_is_told_and_acknowledged_and_packs_are_tried_before_they_are_live() {
    let server = Server::empty();
    let (url, received) = receiver();
    let body = json!({"name": "ops", "events": ["drift.detected"], "channel": {"kind": "webhook", "url": url}});
    assert_eq!(post(&server, "/v1/destinations", "admin", &body).status, 201);
    let (lead, auditor) = (Visitor::of(&server, "demo-lead"), Visitor::of(&server, "demo-auditor"));

    // thirty-five encounters as they should be, thirty-two in which coders no longer want one of the suggestions
    let begin = now();
    (0..35).for_each(|number| finished(&server, number, ""));
    worked_out(&server, 35);
    let middle = now();
    (35..67).for_each(|number| finished(&server, number, "gout"));
    worked_out(&server, 67);

    // thresholds
    let report = thresholds(&server);
    let all = report["kinds"].as_array().expect("kinds").last().expect("all").clone();
    let steps = all["steps"].as_array().expect("steps");
    let (decided, silent) = (all["decided"].as_u64().expect("a count"), all["without_confidence"].as_u64().expect("a count"));
    let at = |threshold: u64| steps.iter().find(|step| step["threshold"] == threshold).expect("a step");
    for step in steps {
        let (hidden, accepted) =
            (step["hidden"]["of"].as_u64().expect("a count"), step["accepted"]["of"].as_u64().expect("a count"));
        assert_eq!(hidden + accepted, decided - silent, "{step}");
        assert_eq!(step["right"]["of"].as_u64().expect("a count") + step["wrong"]["of"].as_u64().expect("a count"), accepted);
    }
    assert_eq!(at(5)["wrong"]["of"].as_u64().expect("a count") + at(5)["spared"]["of"].as_u64().expect("a count"), 32, "{all}");
    assert_eq!((&report["shown_from"], &report["together_from"]), (&json!(40), &json!(80)));

    // drift: the reference is fixed to the first ones, and the rest is held against it
    let window = [("kind", "fixed"), ("from", begin.as_str()), ("until", middle.as_str())];
    assert_eq!(auditor.post(&server, "/drift/reference", &window).0, 403);
    assert_eq!(lead.post(&server, "/drift/reference", &window[..2]).1, "/drift?problem=reference");
    assert_eq!(lead.post(&server, "/drift/reference", &window).1, "/drift?notice=saved");
    assert_eq!(auditor.post(&server, "/drift/evaluate", &[]).0, 403);
    assert_eq!(lead.post(&server, "/drift/evaluate", &[]).1, "/drift?notice=evaluated");
    let state = drift(&server);
    let alerts = state["alerts"].as_array().expect("alerts");
    let [alert] = &alerts[..] else { panic!("{state}") };
    let finding = &alert["finding"];
    assert_eq!((&finding["measure"], &finding["verdict"]), (&json!("acceptance_rate"), &json!("drifted")), "{finding}");
    assert_eq!((&finding["encounters"], &finding["reference"]), (&json!([35, 32]), &json!(1.0)));
    assert!(finding["adjusted"].as_f64().is_some_and(|p| p <= 0.01), "{finding}");
    let id = alert["id"].as_str().expect("an id").to_owned();
    wait_until("the webhook hears of it", Duration::from_secs(30), || !received.lock().expect("no panic").is_empty());
    let told: Value = serde_json::from_str(&received.lock().expect("no panic")[0]).expect("JSON");
    assert_eq!((&told["type"], &told["data"]["alert_id"]), (&json!("drift.detected"), &json!(id)), "{told}");
    assert_eq!((&told["data"]["measure"], told["data"].get("item_id")), (&json!("acceptance_rate"), None));
    assert_eq!(server.gauge("abstractor_drift_alerts_waiting"), 1);
    let metrics = server.call("GET", "/metrics", "admin", None).text;
    assert!(metrics.contains("abstractor_drift_effect{measure=\"acceptance_rate\"}"), "{metrics}");
    assert!(lead.get(&server, "/queue").2.contains("nobody has acknowledged"));
    // again: nothing new is raised
    lead.post(&server, "/drift/evaluate", &[]);
    assert_eq!(drift(&server)["alerts"].as_array().map(Vec::len), Some(1));

    let path = format!("/drift/alerts/{id}");
    let browser = Browser::start(1366);
    pictures(&browser, &server);
    assert_eq!(auditor.post(&server, &path, &[("word", "expected")]).0, 403);
    assert_eq!(lead.post(&server, &path, &[("word", "whatever")]).1, "/drift?problem=invalid");
    assert_eq!(lead.post(&server, &path, &[("word", "expected")]).1, "/drift?notice=saved");
    assert_eq!(lead.post(&server, &path, &[("word", "expected")]).0, 404, "once");
    let acknowledged = drift(&server)["alerts"][0].clone();
    assert_eq!((&acknowledged["word"], &acknowledged["acknowledged_by"]), (&json!("expected"), &json!("demo-lead")));
    assert_eq!(server.gauge("abstractor_drift_alerts_waiting"), 0);
    assert!(!lead.get(&server, "/queue").2.contains("nobody has acknowledged"));

    // a pack that suppresses what coders accept fails, a harmless one passes, and only that one may become live
    let harmful = json!({"pack": {"suppressed": [{"words": "hypertension", "kind": "diagnosis"}]}, "note": "harmful"});
    let added = post(&server, "/v1/site-packs", "lead", &harmful);
    assert_eq!(added.status, 201, "{}", added.text);
    let harmless =
        json!({"pack": {"terms": [{"words": "zorblitis", "kind": "diagnosis", "code": icd("K29.70")}]}, "note": "harmless"});
    let added = post(&server, "/v1/site-packs", "lead", &harmless);
    assert_eq!(added.status, 201, "{}", added.text);
    let failed = tried(&server, &lead, 1);
    assert_eq!(
        (&failed["verdict"], &failed["encounters"], &failed["notes"]),
        (&json!("worse"), &json!(67), &json!(67)),
        "{failed}"
    );
    assert!(failed["differing"].as_u64().is_some_and(|count| count >= 67), "{failed}");
    assert!(failed["differences"].as_array().expect("differences").iter().all(|one| one["change"] == "lost"), "{failed}");
    let passed = tried(&server, &lead, 2);
    assert_eq!((&passed["verdict"], &passed["differing"]), (&json!("passed"), &json!(0)), "{passed}");
    assert_eq!(passed["challenger"]["site_pack"], 2);
    let live = |version: u64| post(&server, "/v1/site-packs/activate", "lead", &json!({"version": version}));
    let refused = live(1);
    assert!(refused.status >= 400, "{}", refused.text);
    let taken = live(2);
    assert_eq!(taken.status, 200, "{}", taken.text);
    assert_eq!(taken.json()["activations"][0]["reason"], "passed_shadow_run");

    // the same on the command line, beside the running server
    let output = server.try_tool("shadow", &["--site-pack", "1", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["verdict"], &report["by"]), (&json!("worse"), &json!("command_line")));

    browser.open(&format!("{}/shadow", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the shadow runs");
    browser.open(&format!("{}/shadow/{}", server.url, failed["id"].as_str().expect("an id")));
    assert_eq!(browser.accessibility(), [""; 0], "a report");
    assert!(browser.text("main").contains("It did not pass"), "{}", browser.text("main"));
    assert_eq!(complaints(&browser), [""; 0]);

    // who did what is in the trail, and no words of notes
    let events = server.events();
    let of = |action: &str| events.iter().filter(|event| event["action"] == action).count();
    let counted =
        ["drift.reference_set", "drift.evaluated", "drift.detected", "drift.acknowledged", "shadow.started", "shadow.reported"];
    assert_eq!(counted.map(of), [1, 2, 1, 1, 3, 3]);
    let ours: Vec<&Value> = events
        .iter()
        .filter(|event| {
            event["action"].as_str().is_some_and(|action| action.starts_with("drift.") || action.starts_with("shadow."))
        })
        .collect();
    assert!(!json!(ours).to_string().to_lowercase().contains("gout"));
}

/// What the browser refused to do; that it does not know a feature which we forbid is no such thing.
fn complaints(browser: &Browser) -> Vec<String> {
    browser.complaints().into_iter().filter(|said| !said.contains("Permissions-Policy")).collect()
}

/// Thresholds and drift as they look.
fn pictures(browser: &Browser, server: &Server) {
    browser.open(&format!("{}/sign-in", server.url));
    browser.fill("#code", &server.tokens["lead"]);
    browser.click("main button");
    browser.wait_for("location.pathname === '/queue'");
    browser.screenshot("queue-drift-1366");
    for (path, name) in [("/thresholds?days=1", "thresholds-1366"), ("/drift", "drift-1366")] {
        browser.open(&format!("{}{path}", server.url));
        assert_eq!(browser.accessibility(), [""; 0], "{path}");
        browser.screenshot(name);
    }
    assert_eq!(complaints(browser), [""; 0]);
}

/// A folder of tables that differ from the program's by one comment.
fn other_tables(folder: &Path) -> String {
    let name = "everyday_diagnoses.tsv";
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("vocabularies").join(name);
    let text = std::fs::read_to_string(own).expect("a table");
    std::fs::write(folder.join(name), format!("# of a test\n{text}")).expect("is written");
    folder.display().to_string()
}

#[test]
fn another_vocabulary_is_served_when_its_shadow_run_passed() {
    let mut server = Server::serve("[shadow]\nrequired = true\nencounters = 3\n", |_| ());
    (0..4).for_each(|number| finished(&server, number, ""));
    worked_out(&server, 4);
    let tables = tempfile::tempdir().expect("a folder");
    let tables = other_tables(tables.path());
    let configuration = server.data.join("abstractor.toml").display().to_string();
    let key = server.data.join("demo.key").display().to_string();
    let options =
        ["--key-file", &key, "--config", configuration.as_str(), "--recognizers", "dictionary", "--vocabularies", &tables];
    server.kill();
    let refused = server.try_tool("serve", &[&options[..], &["--listen", "127.0.0.1:0"]].concat());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("[shadow] required") && said.contains("abstractor shadow"), "{said}");

    let output = server.try_tool("shadow", &options);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("PASSED") && told.contains("times as fast"), "{told}");

    let environment = vec![("ABSTRACTOR_VOCABULARIES".to_owned(), tables)];
    let start = Start { environment, ..Start::default() };
    let served = Server::serve_on(start, &server.data, server.tokens.clone(), None);
    let events = served.events();
    assert_eq!(events.iter().filter(|event| event["action"] == "engine.live").count(), 1, "the one that passed");
}
