//! What leads keep for their site, from outside: reasons, teams and templates, each change another version; and how encounters are routed by
//! priority, payer and team.

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    server::{Reply, Server},
};

const TEXT: &str = "ASSESSMENT:\nChronic kidney disease. Gout. Heart failure, on furosemide.\n";

fn post(server: &Server, name: &str, more: &Value) -> String {
    let mut note = json!({"text": TEXT, "external_id": name, "patient": name, "encounter": name, "encounter_class": "inpatient",
        "service_date": "2026-05-04"});
    for (field, value) in more.as_object().into_iter().flatten() {
        note[field] = value.clone();
    }
    let id = server.post_note(&note);
    server.extraction(&id);
    server.call("GET", &format!("/v1/notes/{id}"), "coder", None).json()["item_id"].as_str().expect("an id").to_owned()
}

fn change(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    server.call("POST", path, role, Some(body.to_string().as_bytes()))
}

fn listed(server: &Server, asked: &str, role: &str) -> Vec<String> {
    let page = server.call("GET", &format!("/v1/review/items?{asked}"), role, None).json();
    let items = page["items"].as_array().unwrap_or_else(|| panic!("{asked}: {page}"));
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn sign_in(browser: &Browser, server: &Server, role: &str) {
    browser.open(&format!("{}/sign-in", server.url));
    browser.fill("#code", &server.tokens[role]);
    browser.click("main button");
    browser.wait_for("location.pathname !== '/sign-in'");
}

/// Writes a field anew.
fn write(browser: &Browser, field: &str, text: &str) {
    browser.evaluate(&format!("document.querySelector({field:?}).value = {}", json!(text)));
}

#[test]
fn encounters_go_where_their_priority_payer_and_team_say() {
    let mut server = Server::empty();
    server.add_user("ann", &["--role", "coder"]);
    let routine = post(&server, "ROUTINE", &json!({}));
    let urgent = post(&server, "URGENT", &json!({"priority": "stat", "payer_class": "medicare"}));
    assert_eq!(listed(&server, "order=priority", "coder"), [urgent.clone(), routine.clone()]);
    assert_eq!(listed(&server, "priority=stat", "coder"), [urgent.as_str()]);
    assert_eq!(listed(&server, "payer_class=medicare", "coder"), [urgent.as_str()]);
    let found = server.call("GET", &format!("/v1/review/items/{urgent}"), "coder", None).json();
    assert_eq!((&found["item"]["priority"], &found["item"]["payer_class"]), (&json!("stat"), &json!("medicare")));
    // pages of one, by the cursor as it comes
    let first = server.call("GET", "/v1/review/items?order=priority&limit=1", "coder", None).json();
    let next = first["next"].as_str().expect("another page");
    assert_eq!(listed(&server, &format!("order=priority&limit=1&after={next}"), "coder"), [routine.as_str()]);
    assert_eq!(server.call("GET", "/v1/review/items?after=nonsense", "coder", None).code(), "invalid_parameter");

    let browser = Browser::start(1366);
    sign_in(&browser, &server, "lead");
    browser.open(&format!("{}/settings/lists", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the lists");
    write(&browser, "#t-teams", "Kidney: demo-coder, nobody");
    browser.click("#keep-teams");
    browser.wait_for("document.querySelector('[aria-labelledby=l-teams] .problem') !== null");
    assert!(browser.text("[aria-labelledby=l-teams] .problem").contains("nobody here has the login name \"nobody\""));
    assert_eq!(
        browser.evaluate("document.querySelector('#t-teams').value"),
        "Kidney: demo-coder, nobody",
        "what was typed stays"
    );
    write(&browser, "#t-teams", "Kidney: demo-lead*, demo-coder");
    browser.click("#keep-teams");
    browser.wait_for("document.querySelector('.notice')?.textContent.includes('Kept')");
    // rules send what comes from now on
    write(&browser, "#t-worklist_rules", "ward Icu: team Kidney");
    browser.click("#keep-worklist_rules");
    browser.wait_for("document.querySelector('[aria-labelledby=l-worklist_rules] .problem') !== null");
    assert!(browser.text("[aria-labelledby=l-worklist_rules] .problem").contains("line 1: \"ward Icu\" is none of class"));
    write(&browser, "#t-worklist_rules", "class inpatient, payer medicaid: priority asap, team Kidney");
    browser.click("#keep-worklist_rules");
    browser.wait_for("document.querySelector('.notice')?.textContent.includes('Kept')");
    let sent = post(&server, "SENT", &json!({"payer_class": "medicaid"}));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while listed(&server, "team=Kidney&priority=asap", "coder") != [sent.as_str()] {
        assert!(std::time::Instant::now() < until, "no rule sent the encounter");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    browser.open(&format!("{}/items/{sent}/history", server.url));
    assert!(browser.text("main").contains("sent where the rules of worklists say"));
    browser.open(&format!("{}/items/{sent}", server.url));
    browser.click("#claim");
    browser.wait_for("document.querySelector('#finish') !== null");

    browser.open(&format!("{}/items/{routine}", server.url));
    browser.click("#more");
    browser.fill("#assign-team", "Kidney");
    browser.click("#assign");
    browser.wait_for("document.querySelector('.heading').textContent.includes('for the team Kidney')");

    let claim = |role: &str| change(&server, &format!("/v1/review/items/{routine}/claim"), role, &json!({}));
    assert_eq!(claim("ann").code(), "for_team");
    assert_eq!(listed(&server, "assigned=team", "coder"), [routine.as_str(), sent.as_str()]);
    assert_eq!(listed(&server, "team=Kidney", "ann"), [routine.as_str(), sent.as_str()], "everybody sees whose it is");
    assert!(listed(&server, "assigned=team", "ann").is_empty());
    assert_eq!(claim("coder").status, 200);
    let assign = format!("/v1/review/items/{routine}/assign");
    assert_eq!(change(&server, &assign, "lead", &json!({"team": "Nobody's"})).status, 422);
    assert_eq!(change(&server, &assign, "lead", &json!({"team": null})).status, 200);
    let now = server.call("GET", &format!("/v1/review/items/{routine}"), "coder", None).json();
    assert_eq!(
        (&now["item"]["team"], &now["item"]["claimed_by"]),
        (&Value::Null, &json!("demo-coder")),
        "who holds it goes on"
    );
    browser.open(&format!("{}/queue?state=all&order=priority", server.url));
    assert!(browser.text("tbody tr:first-child").contains("stat") && browser.text("tbody tr:first-child").contains("Medicare"));
    assert_eq!(browser.accessibility(), [""; 0], "the queue with its filters");
    browser.screenshot("queue-filters-1366");

    // on a telephone they can be read: nothing is wider than the window
    browser.resize(390, 844);
    for (path, name) in [
        ("/queue?state=all&order=priority", "queue"),
        ("/settings/lists", "site-lists"),
        ("/settings/templates", "templates"),
        (&format!("/items/{routine}"), "item"),
        ("/second-reviews", "second-reviews"),
    ] {
        browser.open(&format!("{}{path}", server.url));
        let wider = browser.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
        assert_eq!(wider, false, "{name} fits a narrow window");
        browser.screenshot(&format!("{name}-390"));
    }
}

#[test]
fn reasons_and_templates_are_the_sites() {
    let server = Server::empty();
    let item = post(&server, "REASONS", &json!({}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "lead");
    browser.open(&format!("{}/settings", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the settings");
    browser.click("#lists");
    browser.wait_for("location.pathname === '/settings/lists'");
    browser.screenshot("site-lists-1366");
    write(&browser, "#t-reject_reasons", "wrong_code: wrong code\nToo vague\nother: other");
    browser.click("#keep-reject_reasons");
    browser.wait_for("document.querySelector('.notice')?.textContent.includes('Kept')");
    assert!(browser.text("#l-reject_reasons").contains("version 1"));
    browser.open(&format!("{}/settings/templates", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the templates");
    browser.screenshot("templates-1366");
    browser.click("#template-acuity summary");
    write(&browser, "#template-acuity input[name=title]", "How to raise the DRG");
    browser.click("#keep-template-acuity");
    browser.wait_for("document.querySelector('#template-acuity .problem') !== null");
    assert!(browser.text("#template-acuity .problem").contains("query_words.tsv refuses"));
    write(&browser, "#template-acuity input[name=title]", "How acute {condition} is");
    browser.click("#keep-template-acuity");
    browser.wait_for("document.querySelector('.notice')?.textContent.includes('Kept')");
    assert!(server.events().iter().any(|event| event["action"] == "site_list.changed"));
    browser.click(".bar form button");

    // what coders see of it
    sign_in(&browser, &server, "coder");
    browser.open(&format!("{}/items/{item}", server.url));
    browser.click("#claim");
    browser.wait_for("document.querySelector('#finish') !== null");
    let detail = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
    let entry = |words: &str| {
        let entries = detail["entries"].as_array().expect("entries").iter();
        let found = entries
            .filter(|entry| entry["kind"] == "diagnosis")
            .find(|entry| entry["evidence"][0]["text"].as_str().is_some_and(|text| text.to_lowercase().contains(words)));
        found.unwrap_or_else(|| panic!("{words} in {detail}"))["id"].as_str().expect("an id").to_owned()
    };
    let (kidney, gout, heart) = (entry("kidney"), entry("gout"), entry("heart"));
    // the question about the stage offers the stages: a digit takes one
    browser.evaluate(&format!("document.querySelector('#e-{kidney}').focus()"));
    browser.screenshot("choices-1366");
    assert!(browser.text(&format!("#e-{kidney} .choices button:nth-of-type(6)")).contains("N18.4"));
    assert_eq!(browser.accessibility(), [""; 0], "an encounter with choices");
    browser.press("6");
    browser.wait_for(&format!("document.querySelector('#e-{kidney}.amended .code')?.textContent.includes('N18.4')"));
    assert_eq!(browser.count(&format!("#e-{kidney} .choices")), 0, "nothing is open any more");
    browser.evaluate(&format!("document.querySelector('#e-{gout}').focus()"));
    browser.press("r");
    browser.fill(&format!("#reason-{gout}"), "Too vague");
    browser.fill(&format!("#why-{gout}"), "which joint");
    browser.press("\u{e007}");
    browser.wait_for(&format!("document.querySelector('#e-{gout}.rejected .decisions')?.textContent.includes('Too vague')"));
    let decide = |reason: &str| {
        let decisions = json!({"decisions": [{"entry_id": gout, "decision": {"action": "reject", "reason": reason}}]});
        change(&server, &format!("/v1/review/items/{item}/decisions"), "coder", &decisions)
    };
    let refused = decide("historical");
    assert_eq!((refused.status, refused.text.contains("wrong_code, too_vague, other")), (422, true), "{}", refused.text);
    assert_eq!(decide("too_vague").status, 200);

    // a draft of the site's template, written anew before it is sent
    let draft = json!({"template": "acuity", "entry_id": heart});
    let query = change(&server, &format!("/v1/review/items/{item}/queries"), "coder", &draft).json();
    assert_eq!(query["title"], "How acute Heart failure is", "{query}");
    let id = query["id"].as_str().expect("an id");
    let revise = |body: &Value| change(&server, &format!("/v1/review/queries/{id}/revise"), "coder", body);
    assert_eq!(revise(&json!({"title": "For the DRG"})).code(), "query_mentions_payment");
    assert_eq!(revise(&json!({"title": "Heart failure: how acute"})).json()["title"], "Heart failure: how acute");
    browser.open(&format!("{}/items/{item}", server.url));
    browser.click("a.revise");
    browser.wait_for("location.pathname.endsWith('/revise')");
    assert_eq!(browser.accessibility(), [""; 0], "a draft");
    assert_eq!(browser.evaluate("document.querySelector('#title').value"), "Heart failure: how acute");
    write(&browser, "#title", "Acuity of the heart failure");
    browser.click("button[value=send]");
    browser.wait_for("location.pathname.startsWith('/items/')");
    let sent = server.call("GET", &format!("/v1/review/items/{item}/queries"), "coder", None).json();
    let sent = &sent["queries"][0];
    assert_eq!((&sent["state"], &sent["title"]), (&json!("sent"), &json!("Acuity of the heart failure")));
    assert_eq!(sent["events"].as_array().map(Vec::len), Some(4), "drafted, written anew twice, sent: {sent}");
    assert_eq!(revise(&json!({"title": "Too late"})).code(), "query_state");
}

#[test]
fn a_nul_character_is_refused_wherever_it_comes() {
    let server = Server::empty();
    let posted = |note: &Value| change(&server, "/v1/notes", "submitter", note);
    for note in [
        json!({"text": "Gout.", "note_type": "a\0b"}),
        json!({"text": "Gout.", "encounter": {"id": "e", "department": "\0"}}),
        json!({"text": "Gout.", "patient": {"id": "p", "name": "\0"}}),
        json!({"text": "Go\0ut."}),
    ] {
        let reply = posted(&note);
        assert_eq!((reply.status, reply.code().as_str()), (422, "nul_character"), "{note}");
    }
    let fhir = json!({"resourceType": "DocumentReference", "status": "current", "type": {"text": "a\0"}});
    let reply = change(&server, "/fhir/DocumentReference", "submitter", &fhir);
    assert_eq!((reply.status, reply.text.contains("nul_character")), (422, true), "{}", reply.text);
    for (path, role) in
        [("/v1/review/items?department=%00", "coder"), ("/v1/codes/%00", "coder"), ("/fhir/Patient?identifier=a%00", "coder")]
    {
        assert_eq!(server.call("GET", path, role, None).status, 400, "{path}");
    }
    let many = "{\"text\": \"Gout.\", \"author\": \"\\u0000\"}\n{\"text\": \"Gout.\"}\n";
    let reply = server.call("POST", "/v1/notes/bulk", "submitter", Some(many.as_bytes()));
    let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines[0].to_string().contains("nul_character") && lines[1]["id"].is_string(), "{}", reply.text);
}
