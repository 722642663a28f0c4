//! The workbench in a real browser: what happens when two work on one encounter, when a claim or the server is lost, when an encounter is laid
//! aside or passed up, and what users and leads arrange for themselves.

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    server::{Reply, Server},
};

const TEXT: &str = "HISTORY OF PRESENT ILLNESS:\nAdmitted with community-acquired pneumonia. No chest pain.\n\
    PAST MEDICAL HISTORY:\nType 2 diabetes mellitus. Gout. Asthma.\nMEDICATIONS:\nMetformin 500 mg by mouth twice daily. Allopurinol 100 mg daily.\n\
    ALLERGIES:\nPenicillin (rash).\nFAMILY HISTORY:\nMother had breast cancer.\n";

/// Posts a note of an encounter of its own and waits until it is read; the item.
fn post(server: &Server, name: &str, more: &Value) -> String {
    let mut note = json!({"text": TEXT, "external_id": name, "patient": name, "encounter": name, "encounter_class": "inpatient",
        "note_type": "history_and_physical", "service_date": "2026-05-04"});
    for (field, value) in more.as_object().into_iter().flatten() {
        note[field] = value.clone();
    }
    let id = server.post_note(&note);
    server.extraction(&id);
    let page = server.call("GET", "/v1/review/items?limit=200", "coder", None).json();
    let items = page["items"].as_array().expect("items");
    let item =
        items.iter().find(|item| item["notes"].as_array().is_some_and(|notes| notes.contains(&json!(id)))).expect("its item");
    item["id"].as_str().expect("an id").to_owned()
}

fn change(server: &Server, item: &str, act: &str, role: &str, body: &Value) -> Reply {
    let reply = server.call("POST", &format!("/v1/review/items/{item}/{act}"), role, Some(body.to_string().as_bytes()));
    assert!(reply.status < 300, "{act}: {}", reply.text);
    reply
}

fn sign_in(browser: &Browser, server: &Server, role: &str) {
    browser.open(&format!("{}/sign-in", server.url));
    browser.fill("#code", &server.tokens[role]);
    browser.click("main button");
    browser.wait_for("location.pathname !== '/sign-in'");
}

/// Opens an item and claims it.
fn claim(browser: &Browser, server: &Server, item: &str) {
    browser.open(&format!("{}/items/{item}", server.url));
    browser.click("#claim");
    browser.wait_for("document.querySelector('#finish') !== null");
}

/// The entries of an item by their name.
fn entry(server: &Server, item: &str, name: &str) -> Value {
    let detail = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
    let entries = detail["entries"].as_array().expect("entries");
    let found =
        entries.iter().find(|entry| entry["display"].as_str().is_some_and(|display| display.to_lowercase().contains(name)));
    found.unwrap_or_else(|| panic!("{name} is not among them")).clone()
}

const OTHERS: &str = "document.querySelectorAll('.entry.undecided').length";

#[test]
fn two_at_once_lose_nothing() {
    let server = Server::empty();
    let item = post(&server, "TWO", &json!({}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    claim(&browser, &server, &item);

    // the same coder decides elsewhere: the page shows both, and the choice is saved all the same
    let gout = entry(&server, &item, "gout");
    let gout_id = gout["id"].as_str().expect("an id");
    let rejected = json!({"decisions": [{"entry_id": gout_id, "decision": {"action": "reject", "reason": "historical"}}]});
    change(&server, &item, "decisions", "coder", &rejected);
    browser.evaluate(&format!("document.querySelector('#e-{gout_id}').focus()"));
    browser.press("a");
    browser.wait_for("document.querySelector('#retry') !== null");
    assert_eq!(browser.accessibility(), [""; 0], "the page of both");
    browser.screenshot("conflict-1366");
    assert!(browser.text("section[aria-labelledby=yours]").contains("accepted"));
    assert!(browser.text("section[aria-labelledby=theirs]").contains("rejected: past, not current · demo-coder"));
    assert_eq!(entry(&server, &item, "gout")["state"], "rejected", "nothing was overwritten");
    browser.click("#retry");
    browser.wait_for(&format!("document.querySelector('#e-{gout_id}.accepted') !== null"));
    assert_eq!(entry(&server, &item, "gout")["decisions"].as_array().map(Vec::len), Some(2), "both stand in the record");

    // a lead takes it: what the coder chose is kept on the page, and can be left
    change(&server, &item, "reopen", "lead", &json!({"reason": "claim_abandoned"}));
    change(&server, &item, "claim", "lead", &json!({}));
    let asthma = entry(&server, &item, "asthma");
    let asthma_id = asthma["id"].as_str().expect("an id");
    browser.evaluate(&format!("document.querySelector('#e-{asthma_id}').focus()"));
    browser.press("r");
    browser.fill(&format!("#reason-{asthma_id}"), "duplicate");
    browser.fill(&format!("#why-{asthma_id}"), "said twice");
    browser.press("\u{e007}");
    browser.wait_for("document.querySelector('#leave') !== null");
    assert!(browser.text(".notice.problem").contains("demo-lead holds this encounter until"));
    assert!(browser.text("section[aria-labelledby=yours]").contains("said twice"), "what was typed is still there");
    assert_eq!(browser.count("#retry"), 0);

    // given back, the claim is taken again with the choice
    change(&server, &item, "release", "lead", &json!({}));
    browser.click("#leave");
    browser.wait_for("document.querySelector('#claim') !== null");
    browser.click("#claim");
    browser.wait_for("document.querySelector('#finish') !== null");
    change(&server, &item, "release", "coder", &json!({}));
    browser.evaluate(&format!("document.querySelector('#e-{asthma_id}').focus()"));
    browser.press("a");
    browser.wait_for("document.querySelector('#retry') !== null");
    assert!(browser.text("#retry").contains("Claim it again"));
    browser.click("#retry");
    browser.wait_for(&format!("document.querySelector('#e-{asthma_id}.accepted') !== null"));
}

#[test]
fn a_lost_server_loses_no_decision() {
    let mut server = Server::empty();
    let item = post(&server, "LOST", &json!({}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    claim(&browser, &server, &item);
    browser.press("n");
    browser.press("a");
    browser.wait_for("document.querySelectorAll('.entry.accepted').length === 1");
    let waiting = browser.evaluate(OTHERS);

    server.kill();
    browser.press("n");
    browser.press("a");
    browser.wait_for("document.querySelector('#not-saved')?.hidden === false");
    assert!(browser.text("#not-saved").contains("cannot be reached"));
    assert_eq!(browser.evaluate(OTHERS), waiting, "the page does not say that it is decided");
    browser.screenshot("unreachable-1366");

    let server = server.again_at_its_address();
    let decided = entry(&server, &item, "");
    assert!(decided["id"].is_string());
    let detail = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
    let accepted = |detail: &Value| {
        detail["entries"].as_array().into_iter().flatten().filter(|entry| entry["state"] == "accepted").count()
    };
    assert_eq!(accepted(&detail), 1, "what the page said was saved is there after the kill");
    browser.press("a");
    browser.wait_for("document.querySelectorAll('.entry.accepted').length === 2");
    assert_eq!(browser.evaluate("document.querySelector('#not-saved').hidden"), true);
    let detail = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
    assert_eq!(accepted(&detail), 2);
}

#[test]
fn by_keyboard_alone() {
    let server = Server::empty();
    let item = post(&server, "KEYS", &json!({}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    browser.press("x");
    browser.wait_for("document.querySelector('#finish') !== null");
    assert!(browser.address().contains(&item));
    assert_eq!(browser.accessibility(), [""; 0], "the encounter");

    // the principal diagnosis, and whether it was present on admission
    let pneumonia = entry(&server, &item, "pneumonia")["id"].as_str().expect("an id").to_owned();
    browser.evaluate(&format!("document.querySelector('#e-{pneumonia}').focus()"));
    browser.press("a");
    browser.wait_for(&format!("document.querySelector('#e-{pneumonia}.accepted') !== null"));
    assert_eq!(browser.evaluate("document.activeElement.id"), format!("e-{pneumonia}"), "the focus stays");
    browser.press("p");
    browser.wait_for(&format!("document.querySelector('#e-{pneumonia} header').textContent.includes('principal')"));
    browser.press("y");
    browser.wait_for("document.activeElement.name === 'present_on_admission'");
    browser.press("Y");
    browser.evaluate("document.activeElement.form.requestSubmit()");
    browser.wait_for(&format!("document.querySelector('#e-{pneumonia} header').textContent.includes('POA Y')"));
    let first = browser.evaluate("document.querySelector('#assigned li').textContent");
    assert!(first.as_str().is_some_and(|line| line.contains("principal")), "it stands first: {first}");

    // the directions of a medication, as one would write them
    let metformin = entry(&server, &item, "metformin")["id"].as_str().expect("an id").to_owned();
    browser.evaluate(&format!("document.querySelector('#e-{metformin}').focus()"));
    browser.press("m");
    browser.evaluate(&format!("document.querySelector('#directions-{metformin}').select()"));
    browser.fill(&format!("#directions-{metformin}"), "850 mg by mouth three times daily");
    browser.press("\u{e007}");
    browser.wait_for(&format!("document.querySelector('#e-{metformin}.amended') !== null"));
    let attributes = browser.text(&format!("#e-{metformin} .attributes"));
    assert!(
        attributes.contains("850 mg") && attributes.contains("three times daily") && attributes.contains("2550 mg"),
        "{attributes}"
    );
    let amended = entry(&server, &item, "metformin");
    assert_eq!(amended["attributes"]["strength"]["value"]["unit"], "mg", "{amended}");

    // hidden for oneself, and there again
    browser.press("n");
    let hidden = browser.evaluate("document.activeElement.id").as_str().expect("an id").to_owned();
    browser.press("h");
    browser.wait_for(&format!("document.querySelector('.hidden-ones #{hidden}') !== null"));
    browser
        .evaluate(&format!("document.querySelector('.hidden-ones').open = true, document.querySelector('#{hidden}').focus()"));
    browser.press("h");
    browser
        .wait_for(&format!("document.querySelector('#{hidden}') !== null && document.querySelector('.hidden-ones') === null"));

    while browser.count(".entry.undecided") > 0 {
        let before = browser.text("#undecided");
        browser.press("n");
        browser.press("a");
        browser.wait_for(&format!("document.querySelector('#undecided').textContent !== '{before}'"));
    }
    browser.screenshot("by-keyboard-1366");
    let csv = browser.evaluate("(() => { const request = new XMLHttpRequest(); request.open('GET', document.querySelector('#export-codes').href, false); request.send(); return request.responseText; })()");
    let csv = csv.as_str().expect("text");
    assert!(csv.starts_with("place,code,title,role,present_on_admission\n1,J18.9,") && csv.contains(",principal,Y\n"), "{csv}");
    browser.evaluate("document.querySelector('#finish').focus()");
    browser.press("\u{e007}");
    browser.wait_for("location.pathname === '/queue'");

    // how it ended is shown with the next suggestion of the same words
    let next = post(&server, "KEYS-2", &json!({}));
    browser.open(&format!("{}/items/{next}", server.url));
    assert!(browser.text("section.entries").contains("accepted 1 of 1 times"), "how often it was accepted");
    browser.open(&format!("{}/items/{item}/history", server.url));
    let history = browser.text("table.history");
    for told in ["note 1 arrived", "note 1 read by the engine", "claimed", "principal diagnosis", "accepted", "finished"] {
        assert!(history.contains(told), "{told} is missing in {history}");
    }
    assert_eq!(browser.accessibility(), [""; 0], "the history");
}

#[test]
fn an_encounter_is_laid_aside_passed_up_and_assigned() {
    let server = Server::empty();
    let item = post(&server, "MOVES", &json!({"encounter": {"id": "MOVES", "department": "icu"}}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    claim(&browser, &server, &item);
    browser.click("#more");
    browser.screenshot("more-1366");
    browser.fill("#pend-reason", "waits for results");
    browser.fill("#pend-comment", "culture pending");
    browser.click("#pend");
    browser.wait_for("location.pathname === '/queue'");
    assert!(browser.text(".notice").contains("laid aside"));
    assert_eq!(browser.count("tbody tr"), 0, "the queue is what is open");
    browser.click(".filters a[href*=pended]");
    browser.wait_for("location.search.includes('pended')");
    assert!(browser.text("tbody tr").contains("waits for results"));
    browser.click("tbody a");
    browser.wait_for("document.querySelector('#claim') !== null");
    assert!(browser.text(".remarks").contains("“culture pending” · demo-coder"));

    // a note brings it back
    let id = server
        .post_note(&json!({"text": "Sputum culture: Klebsiella pneumonia.", "external_id": "MOVES-2", "patient": "MOVES",
        "encounter": "MOVES", "note_type": "progress_note", "service_date": "2026-05-06"}));
    server.extraction(&id);
    claim(&browser, &server, &item);
    browser.click("#more");
    browser.fill("#escalate-reason", "a complex case");
    browser.click("#escalate");
    browser.wait_for("location.pathname === '/queue'");
    browser.open(&format!("{}/items/{item}", server.url));
    browser.click("#claim");
    browser.wait_for("document.querySelector('.notice.problem:not([hidden])') !== null");
    assert!(browser.text(".notice.problem").contains("passed up"));
    browser.click(".bar form button");

    sign_in(&browser, &server, "lead");
    browser.click(".filters a[href*=leads]");
    browser.wait_for("location.search.includes('leads')");
    browser.screenshot("leads-1366");
    browser.click("tbody a");
    browser.wait_for("document.querySelector('#more') !== null");
    browser.click("#more");
    browser.fill("#assign-to", "demo-coder");
    browser.click("#assign");
    browser.wait_for("document.querySelector('.notice')?.textContent.includes('Assigned')");
    browser.click(".bar form button");

    sign_in(&browser, &server, "coder");
    browser.press("x");
    browser.wait_for("document.querySelector('#finish') !== null");
    assert!(browser.address().contains(&item), "what is assigned comes first");
    let history = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
    let kinds: Vec<&str> =
        history["remarks"].as_array().into_iter().flatten().filter_map(|remark| remark["kind"].as_str()).collect();
    assert_eq!(kinds, ["pended", "escalated", "assigned"]);
}

#[test]
fn lists_are_narrowed_saved_and_sorted() {
    let server = Server::empty();
    post(
        &server,
        "PLAIN",
        &json!({"text": "ASSESSMENT: Gout.", "encounter": {"id": "PLAIN", "department": "clinic"}, "note_type": "progress_note"}),
    );
    post(
        &server,
        "CONFLICT",
        &json!({"text": format!("{TEXT}DISCHARGE MEDICATIONS:\nAmoxicillin 500 mg by mouth three times daily."), "encounter": {"id": "CONFLICT", "department": "icu"}}),
    );
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    // within a second of a change the list says what there is
    browser.wait_for("(() => { if (document.querySelectorAll('tbody .tag.warn').length === 0) location.reload(); return document.querySelectorAll('tbody .tag.warn').length === 1; })()");
    assert!(browser.text("tbody .tag.warn").contains("1 alert"));
    assert!(browser.text("tbody tr:first-child").contains("PLAIN"), "the oldest first");
    browser.click(".narrow summary");
    browser.fill("#order", "most to gain");
    browser.click("#show-list");
    browser.wait_for("location.search.includes('order=benefit')");
    assert!(browser.text("tbody tr:first-child").contains("CONFLICT"), "an alert first");
    assert_eq!(browser.accessibility(), [""; 0], "the list");
    browser.fill("#department", "icu");
    browser.evaluate("document.querySelector('input[name=alert]').click()");
    browser.click("#show-list");
    browser.wait_for("location.search.includes('alert=1')");
    assert_eq!(browser.count("tbody tr"), 1);
    browser.fill("#list-name", "alerts in the ICU");
    browser.click("#save-list");
    browser.wait_for("document.querySelector('.notice')?.textContent.includes('saved')");
    browser.screenshot("lists-1366");
    browser.open(&format!("{}/queue", server.url));
    assert_eq!(browser.count("tbody tr"), 2);
    browser.evaluate(
        "[...document.querySelectorAll('.filters a')].find((link) => link.textContent === 'alerts in the ICU').click()",
    );
    browser.wait_for("location.search.includes('alert=1')");
    browser.press("x");
    browser.wait_for("document.querySelector('#finish') !== null");
    assert!(browser.text("h1").contains("CONFLICT"), "the next one of this list");
}

#[test]
fn notes_are_read_and_compared() {
    let server = Server::empty();
    let item = post(&server, "READ", &json!({"version": "1"}));
    post(&server, "READ", &json!({"version": "2", "text": TEXT.replace("500 mg", "850 mg")}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    browser.open(&format!("{}/items/{item}", server.url));
    assert!(browser.text("#unseen").contains("unread"));
    browser.wait_for("document.querySelectorAll('.note.unread').length < 2");
    browser.click(".sections summary");
    browser.evaluate("[...document.querySelectorAll('.sections a')].find((link) => link.textContent === 'ALLERGIES').click()");
    browser.wait_for("document.querySelector('.place:target') !== null");
    browser.screenshot("sections-1366");
    let title = browser.evaluate("document.querySelector('mark.diagnosis').title");
    let title = title.as_str().expect("text");
    assert!(title.contains(" %") && title.contains("dictionary"), "why it is marked: {title}");
    browser.click("a.compare");
    browser.wait_for("location.pathname.includes('/compare/')");
    assert_eq!((browser.text("del"), browser.text("ins")), ("500".to_owned(), "850".to_owned()));
    assert_eq!(browser.accessibility(), [""; 0], "the versions");
    browser.screenshot("compare-1366");
}

#[test]
fn users_and_leads_arrange_their_work() {
    let server = Server::empty();
    let item = post(&server, "OWN", &json!({}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    browser.open(&format!("{}/preferences", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "preferences");
    browser.evaluate("document.querySelector('#key-accept').value = 'j'");
    browser.click("#change-keys button");
    browser.wait_for("document.querySelector('.notice.problem') !== null");
    assert!(browser.text(".notice.problem").contains("same key"));
    browser.evaluate("document.querySelector('#key-accept').value = 'f'");
    browser.click("#change-keys button");
    browser.wait_for("document.querySelector('.notice:not(.problem)') !== null");
    browser.screenshot("preferences-1366");
    browser.open(&format!("{}/codes/M10.9", server.url));
    browser.click("#favourite");
    browser.wait_for("document.querySelector('.notice') !== null");
    claim(&browser, &server, &item);
    browser.press("n");
    browser.press("a");
    browser.press("f");
    browser.wait_for("document.querySelectorAll('.entry.accepted').length === 1");
    browser.press("n");
    browser.press("m");
    browser.wait_for(
        "[...document.querySelectorAll('.offers')].some((list) => !list.hidden && list.textContent.includes('M10.9'))",
    );
    browser.screenshot("at-hand-1366");
    browser.click(".bar form button");

    // an administrator sees no encounter, and may set the thresholds
    sign_in(&browser, &server, "admin");
    browser.wait_for("location.pathname === '/settings'");
    assert_eq!(browser.accessibility(), [""; 0], "settings");
    browser.screenshot("settings-1366");
    browser.evaluate("document.querySelector('#shown-from').value = '100'");
    browser.click("#keep-settings");
    browser.wait_for("document.querySelector('.notice') !== null");
    browser.open(&format!("{}/items/{item}", server.url));
    assert!(browser.text("main").contains("Not for your role"));
    browser.click(".bar form button");

    sign_in(&browser, &server, "coder");
    browser.open(&format!("{}/items/{item}", server.url));
    let folded = browser.count(".less-sure .entry");
    assert!(folded > 0, "nothing is as sure as that");
    assert!(browser.text(".less-sure summary").contains("Less sure"));
    assert_eq!(browser.count(".less-sure .entry.allergy"), 0, "an allergy is always shown");
    browser.screenshot("less-sure-1366");
}

/// Decides everything of an item by the API and finishes it.
fn finish(server: &Server, item: &str) {
    change(server, item, "claim", "coder", &json!({}));
    let detail = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
    let waiting = detail["entries"].as_array().into_iter().flatten().filter(|entry| entry["needs_decision"] == true);
    let decisions: Vec<Value> =
        waiting.map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}})).collect();
    change(server, item, "decisions", "coder", &json!({ "decisions": decisions }));
    change(server, item, "finish", "coder", &json!({}));
}

#[test]
fn a_lead_looks_at_finished_encounters_again() {
    let server = Server::empty();
    let seen = post(&server, "SEEN", &json!({}));
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "lead");
    let rules = |rules: &str| {
        browser.open(&format!("{}/settings", server.url));
        browser.evaluate(&format!("document.querySelector('#second-review').value = '{rules}'"));
        browser.click("#keep-settings");
        browser.wait_for("document.querySelector('.notice:not(.problem)') !== null");
    };
    rules("100 coder=demo-coder");
    finish(&server, &seen);

    // with the coder's codes in view
    browser.open(&format!("{}/second-reviews", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the list of second-level reviews");
    browser.click("tbody a");
    browser.wait_for("document.querySelector('#worksheet') !== null");
    assert_eq!(browser.accessibility(), [""; 0], "the worksheet");
    let codes = browser.count("#worksheet fieldset");
    assert!(codes >= 4, "{codes}");
    browser.evaluate("document.querySelectorAll('#worksheet input[value=agreed]').forEach((one) => one.click())");
    browser.evaluate("[...document.querySelectorAll('#worksheet fieldset')].find((one) => one.textContent.includes('E11.9')).querySelector('input[value=wrong]').click()");
    assert!(browser.text("#worksheet").contains("“Type 2 diabetes mellitus” note 1"), "the words that a code rests on");
    browser.fill("select[name='error-E11.9']", "a more specific code");
    browser.fill("input[name='instead-E11.9']", "e1165");
    browser.fill("input[name='comment-E11.9']", "see the glucose");
    browser.fill("#codes", "I10");
    browser.screenshot("worksheet-1366");
    browser.click("#keep-review");
    browser.wait_for("document.querySelector('#result') !== null");
    assert_eq!(
        browser.text("#result"),
        format!("{} of {} codes agreed ({} %), 2 errors", codes - 1, codes + 1, (codes - 1) * 100 / (codes + 1))
    );
    assert!(browser.text("table.worksheet").contains("a more specific code is documented; instead E11.65"));
    assert_eq!(browser.accessibility(), [""; 0], "the worksheet, filled in");

    // the coder sees what was found
    let coder = Browser::start(1366);
    sign_in(&coder, &server, "coder");
    coder.open(&format!("{}/items/{seen}", server.url));
    let found = coder.text("#second-looks");
    assert!(
        found.contains("E11.9 wrong (a more specific code is documented), instead E11.65 “see the glucose”")
            && found.contains("I10 missed"),
        "{found}"
    );
    coder.open(&format!("{}/second-reviews", server.url));
    assert!(coder.text("main").contains("Not for your role"));

    // blindly: the page shows neither the coder nor a decision
    rules("100 blinded");
    let blind = post(&server, "BLIND", &json!({}));
    finish(&server, &blind);
    browser.open(&format!("{}/second-reviews", server.url));
    assert!(!browser.text("tbody tr").contains("coder"), "who coded it is not said");
    browser.click("tbody a");
    browser.wait_for("document.querySelector('textarea#codes') !== null");
    assert_eq!((browser.count("#worksheet fieldset"), browser.count("mark.accepted")), (0, 0));
    assert_eq!(browser.accessibility(), [""; 0], "the worksheet of a blinded review");
    browser.screenshot("blinded-1366");
    browser.fill("#codes", "J18.9 E11.9 M10.9 J45.909");
    browser.click("#keep-review");
    browser.wait_for("document.querySelector('#result') !== null");
    assert!(browser.text("table.worksheet").contains("agreed"), "now they are compared");
    browser.open(&format!("{}/second-reviews", server.url));
    assert_eq!(browser.count("[aria-labelledby=done] tbody tr"), 2);
    assert!(browser.text("#overall").contains("codes agreed"));
    browser.screenshot("second-reviews-1366");

    // a sample of what was finished, drawn afterwards
    rules("");
    let later = post(&server, "LATER", &json!({}));
    finish(&server, &later);
    let draw = |code: &str| {
        browser.open(&format!("{}/second-reviews", server.url));
        browser.click("#draw summary");
        browser.evaluate("document.querySelector('#coder').value = 'demo-coder'");
        browser.fill("#code", code);
        browser.click("#draw-sample");
        browser.wait_for("document.querySelector('.notice') !== null");
        browser.text(".notice")
    };
    assert!(draw("Z99").contains("No encounter was drawn"));
    assert!(draw("e11").contains("One encounter was drawn"));
    assert_eq!(browser.accessibility(), [""; 0], "the list with a notice");
    assert_eq!(browser.count("[aria-labelledby=waiting] tbody tr"), 1);
    assert!(draw("e11").contains("No encounter was drawn"), "what was drawn is drawn once");

    // the report's sums are those of the trail
    browser.open(&format!("{}/reports", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the reports");
    let events = server.events();
    let finished = events.iter().filter(|event| event["action"] == "item.finished").count();
    let cell = |row: &str, at: usize| {
        let cell = format!(
            "[...document.querySelectorAll('[aria-labelledby=work] tbody tr')].find((row) => row.querySelector('th').textContent === {row:?}).cells[{at}].textContent"
        );
        browser.evaluate(&cell).as_str().expect("a cell").to_owned()
    };
    assert_eq!((cell("demo-coder", 1), cell("All", 1)), (finished.to_string(), finished.to_string()));
    let accepted: usize = [&seen, &blind, &later]
        .into_iter()
        .map(|item| {
            let detail = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
            let entries = detail["entries"].as_array().expect("entries").clone();
            entries.iter().filter(|entry| entry["state"] == "accepted").count()
        })
        .sum();
    assert_eq!(cell("All", 2), accepted.to_string());
    assert!(cell("demo-coder", 8).contains("codes agreed"), "{}", cell("demo-coder", 8));
    browser.screenshot("reports-1366");
    coder.open(&format!("{}/reports", server.url));
    assert!(coder.text("main").contains("Not for your role"));
    // an auditor's first page
    browser.click(".bar form button");
    sign_in(&browser, &server, "auditor");
    browser.wait_for("location.pathname === '/reports'");
    browser.open(&format!("{}/reports/work.csv", server.url));
    // the same figures for a program
    let told = server.call("GET", "/v1/reports/work?days=7", "auditor", None).json();
    let by =
        |name: &str| told["work"].as_array().expect("people").iter().map(|of| of[name].as_u64().expect("a count")).sum::<u64>();
    assert_eq!((told["days"].as_u64(), by("accepted")), (Some(7), accepted as u64));
    assert!(told["reviews"]["demo-coder"]["codes"].as_u64().expect("reviewed codes") > 0, "{told}");
    let read = server.events().iter().filter(|event| event["action"] == "report.read").count();
    assert_eq!(read, 1, "who read them is in the trail");
    let exported = server.events().iter().filter(|event| event["action"] == "report.exported").count();
    assert_eq!(exported, 1, "who took the figures away is in the trail");
}
