//! An administrator and the people who work here: added, limited, given a code or a token, disabled, on the pages alone.

use crate::{browser::Browser, server::Server};

fn sign_in(browser: &Browser, server: &Server, code: &str) {
    browser.open(&format!("{}/sign-in", server.url));
    browser.fill("#code", code);
    browser.click("main button");
    browser.wait_for("location.pathname !== '/sign-in'");
}

fn choose(browser: &Browser, field: &str, value: &str) {
    browser.evaluate(&format!("document.querySelector({field:?}).value = {value:?}"));
}

#[test]
fn an_administrator_adds_limits_and_disables_people() {
    let mut server = Server::empty();
    let admin = Browser::start(1366);
    sign_in(&admin, &server, &server.tokens["admin"]);
    admin.click("#change-people");
    admin.wait_for("location.pathname === '/settings/people'");
    assert_eq!(admin.accessibility(), [""; 0], "the people");
    assert!(admin.text("tbody").contains("demo-coder"));

    // a name that is none is refused with what was typed, and one that is taken
    admin.fill("#name", "demo-coder");
    admin.fill("#department", "Cardiology");
    admin.click("#add-person");
    admin.wait_for("document.querySelector('.notice.problem') !== null");
    assert!(admin.text(".notice.problem").contains("already"), "{}", admin.text(".notice.problem"));
    assert_eq!(admin.evaluate("document.querySelector('#department').value"), "Cardiology", "what was typed stays");
    admin.screenshot("people-1366");
    choose(&admin, "#name", "kim");
    admin.click("#add-person");
    admin.wait_for("location.pathname === '/settings/people/kim'");
    assert_eq!(admin.accessibility(), [""; 0], "a person");
    assert!(admin.text(".notice").contains("Added"));

    // the code signs her in, once
    admin.click("#make-code");
    admin.wait_for("document.querySelector('#made') !== null");
    let code = admin.text("#made");
    assert!(!admin.evaluate("location.href").as_str().expect("an address").contains(&code), "a secret is in no address");
    admin.screenshot("person-1366");
    let kim = Browser::start(1366);
    sign_in(&kim, &server, &code);
    kim.wait_for("location.pathname === '/queue'");

    // a token works until it is revoked
    admin.fill("#label", "night job");
    admin.click("#make-token");
    admin.wait_for(
        "document.querySelector('#made') !== null && document.querySelector('tbody').textContent.includes('night job')",
    );
    server.tokens.insert("kim".to_owned(), admin.text("#made"));
    let works = || server.call("GET", "/v1/review/items", "kim", None).status;
    assert_eq!(works(), 200);
    admin.evaluate("[...document.querySelectorAll('tbody tr')].find((row) => row.textContent.includes('night job')).querySelector('button').click()");
    admin.wait_for("!document.querySelector('main').textContent.includes('night job')");
    assert_eq!(works(), 401);

    // another role holds from the next page on
    choose(&admin, "#role", "auditor");
    admin.click("#keep-person");
    admin.wait_for("document.querySelector('h1').textContent.includes('auditor')");
    kim.open(&format!("{}/queue", server.url));
    assert!(kim.text("main").contains("Not for your role"), "{}", kim.text("main"));

    // disabled, her session stops at once; enabled, she needs a new code
    admin.click("#disable");
    admin.wait_for("document.querySelector('#enable') !== null");
    kim.open(&format!("{}/queue", server.url));
    kim.wait_for("location.pathname === '/sign-in'");
    assert_eq!(admin.count("#make-code"), 0, "no code for who may not sign in");
    admin.click("#enable");
    admin.wait_for("document.querySelector('#disable') !== null");

    // a submitter needs a source; nobody locks themselves out
    choose(&admin, "#role", "submitter");
    admin.click("#keep-person");
    admin.wait_for("document.querySelector('.notice.problem') !== null");
    admin.open(&format!("{}/settings/people/demo-admin", server.url));
    assert_eq!(admin.count("#disable"), 0);
    choose(&admin, "#role", "coder");
    admin.click("#keep-person");
    admin.wait_for("document.querySelector('.notice.problem') !== null");
    assert!(admin.text(".notice.problem").contains("your own role"));

    // the trail has it all, by who did it
    let events = server.events();
    let did = |action: &str, detail: &str| {
        events.iter().any(|event| event["action"] == action && event["actor"] == "demo-admin" && event["detail"] == detail)
    };
    for (action, detail) in [
        ("user.created", "coder"),
        ("user.changed", "role coder to auditor, tokens revoked"),
        ("user.disabled", ""),
        ("user.enabled", ""),
    ] {
        assert!(did(action, detail), "{action} {detail}: {events:?}");
    }

    // nobody else arranges people
    sign_in(&kim, &server, &server.tokens["lead"]);
    for path in ["/settings/people", "/settings/people/kim"] {
        kim.open(&format!("{}{path}", server.url));
        assert!(kim.text("main").contains("Not for your role"), "{path}");
    }
    kim.open(&format!("{}/settings", server.url));
    assert_eq!(kim.count("#change-people"), 0);
}
