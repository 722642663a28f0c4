//! Words that try to become part of a page, in every field that a person or a system can fill, on every page that shows them, in a real browser:
//! nothing of them runs, nothing of them becomes an element, and they are shown as they were written.

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    server::{Reply, Server},
};

/// What would run sets `pwned`; the rest breaks out of an element, an attribute, a style or a template. Short enough for every field.
const PAYLOADS: [&str; 11] = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "<svg/onload=window.pwned=1>",
    "\"><img src=x onerror=pwned=1>",
    "' autofocus onfocus=window.pwned=1 x='",
    "</title><svg onload=pwned=1>",
    "</textarea><script>pwned=1</script>",
    "javascript:window.pwned=1",
    "{{7*7}}{% x %}${7*7}<%=7*7%>",
    "</style><style>*{display:none}</style>",
    "&lt;b&gt;&#60;i&#62;&amp;",
];

/// A site's own texts with what would be elements; product stands in the title of every page.
const TEXTS: &str = "product = <b>Ab</b></title><script>window.pwned=1</script>\nqueue-empty = <img src=x onerror=window.pwned=1>\n\
    queue-title = \"><svg/onload=window.pwned=1>\n";

fn sign_in(browser: &Browser, server: &Server, role: &str) {
    browser.open(&format!("{}/sign-in", server.url));
    browser.fill("#code", &server.tokens[role]);
    browser.click("main button");
    browser.wait_for("location.pathname !== '/sign-in'");
}

/// Looks at what is shown: nothing ran or became an element, and these words stand there as they are.
fn unharmed(browser: &Browser, place: &str, shown: &[&str]) {
    assert_eq!(browser.evaluate("window.pwned === undefined"), true, "{place}: something ran");
    let strange = "[...document.querySelectorAll('img, svg:not(.drawing, .swatch), svg [href], iframe, object, embed, base, style, [onerror], [onload], [onfocus], [onclick], \
        a[href^=\"javascript:\" i], form[action^=\"javascript:\" i]')].map((one) => one.outerHTML)";
    assert_eq!(browser.evaluate(strange), json!([]), "{place}: words became an element");
    let own = "[...document.scripts].every((script) => script.src.startsWith(location.origin + '/assets/') && script.textContent.trim() === '')";
    assert_eq!(browser.evaluate(own), true, "{place}: a script that is not ours");
    let stopped: Vec<String> = browser
        .complaints()
        .into_iter()
        .filter(|line| line.contains("Content Security Policy") || line.contains("Uncaught"))
        .collect();
    assert!(stopped.is_empty(), "{place}: only the policy stopped it: {stopped:?}");
    for words in shown {
        let there = format!(
            "(document.body.textContent + [...document.querySelectorAll('input, textarea, option')].map((field) => field.value).join(' ')\
             + [...document.querySelectorAll('[title]')].map((one) => one.title).join(' ')).includes({})",
            json!(words)
        );
        assert_eq!(browser.evaluate(&there), true, "{place}: {words:?} is not shown as it was written");
    }
}

fn call(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    server.call("POST", path, role, Some(body.to_string().as_bytes()))
}

fn done(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{} {}", reply.status, reply.text);
    reply.json()
}

/// An encounter in which everything that can be filled is filled with the words: its item, the newer version of its note, and a query about it.
fn encounter(server: &Server, number: usize, words: &str) -> (String, String, String) {
    let note = |version: &str, text: String| {
        json!({"text": text, "external_id": format!("d{number} {words}"), "version": version,
            "versioned_at": format!("2026-05-04T10:00:0{version}Z"),
            "patient": {"id": format!("p{number} {words}"), "name": words},
            "encounter": {"id": format!("e{number} {words}"), "facility": words, "department": words},
            "encounter_class": "inpatient", "note_type": words, "author": words, "service_date": "2026-05-04"})
    };
    let text = format!("HPI: {words}\nASSESSMENT: Heart failure. LVEF 30 %. {words} Gout.\nALLERGIES: penicillin {words}.");
    let first = server.post_note(&note("1", text.clone()));
    server.extraction(&first);
    let second = server.post_note(&note("2", format!("{text}\nPLAN: {words} again.")));
    server.extraction(&second);
    let item =
        server.call("GET", &format!("/v1/notes/{second}"), "coder", None).json()["item_id"].as_str().expect("an id").to_owned();
    let address = format!("/v1/review/items/{item}");
    done(call(server, &format!("{address}/claim"), "coder", &json!({})));
    let entries = server.call("GET", &address, "coder", None).json()["entries"].clone();
    let entry =
        entries.as_array().expect("entries").iter().find(|entry| entry["kind"] == "diagnosis").expect("a diagnosis")["id"]
            .clone();
    let decisions = json!({"decisions": [
        {"entry_id": entry, "decision": {"action": "reject", "reason": "other", "comment": words}},
        {"decision": {"action": "add", "kind": "diagnosis", "display": words, "assertion": "present", "comment": words,
            "codes": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10", "display": words}]}},
    ]});
    done(call(server, &format!("{address}/decisions"), "coder", &decisions));
    done(call(server, &format!("{address}/remarks"), "coder", &json!({"comment": words})));
    let query = json!({"template": "acuity", "title": words, "question": format!("Which acuity, if it is known? {words}"),
        "options": [{"kind": "choice", "label": format!("Acute {words}")}, {"kind": "choice", "label": format!("Chronic {words}")},
            {"kind": "other", "label": "Other (please specify)"}, {"kind": "undetermined", "label": "Unable to determine"}],
        "indicators": [{"note_id": second, "text": "Heart failure. LVEF 30 %."}]});
    let query = done(call(server, &format!("{address}/queries"), "coder", &query))["id"].as_str().expect("an id").to_owned();
    done(call(server, &format!("/v1/review/queries/{query}/send"), "coder", &json!({})));
    done(call(
        server,
        &format!("/v1/review/queries/{query}/answer"),
        "lead",
        &json!({"option": 0, "text": words, "provider": words}),
    ));
    done(call(
        server,
        &format!("/v1/review/queries/{query}/close"),
        "coder",
        &json!({"effect": "no_change", "comment": words}),
    ));
    done(call(server, &format!("{address}/pend"), "coder", &json!({"reason": "other", "comment": words})));
    (item, second, query)
}

#[test]
fn stored_words_never_become_part_of_a_page() {
    let configuration = "texts = \"site.ftl\"\n[limits]\nrequests_per_second = 100000\n";
    let server = Server::serve(configuration, |folder| std::fs::write(folder.join("site.ftl"), TEXTS).expect("is written"));
    let encounters: Vec<(String, String, String)> =
        PAYLOADS.iter().enumerate().map(|(number, words)| encounter(&server, number, words)).collect();
    for words in PAYLOADS {
        server.tool("token", &["add", "coder", "--label", words]);
    }
    let browser = Browser::start(1366);

    // before anybody is signed in: the page shows what was typed
    for words in PAYLOADS {
        browser.open(&format!("{}/sign-in", server.url));
        browser.fill("#code", words);
        browser.click("main button");
        browser.wait_for("document.querySelector('[role=alert]') !== null");
        unharmed(&browser, "/sign-in", &[]);
    }

    sign_in(&browser, &server, "coder");
    // what the browser said of the sign-in is not of the pages
    browser.complaints();
    for ((item, note, query), words) in encounters.iter().zip(PAYLOADS) {
        let title = browser.evaluate("document.title");
        assert!(
            title.as_str().is_some_and(|title| title.ends_with("</script>")),
            "the site's own words are the title's: {title}"
        );
        for (path, shown) in [
            (format!("/items/{item}"), vec![words]),
            (format!("/items/{item}/history"), vec![words]),
            (format!("/items/{item}/compare/{note}"), vec![words]),
            (format!("/queries/{query}/print"), vec![words]),
            (format!("/codes?query={}", encoded(words)), vec![words]),
            (format!("/queue?state=all&department={}&note_type={}", encoded(words), encoded(words)), vec![]),
        ] {
            browser.open(&format!("{}{path}", server.url));
            unharmed(&browser, &path, &shown);
        }
        // lists and preferences of a person
        browser.submit("/queue/lists", &[("list_name", words), ("department", words), ("note_type", words), ("team", words)]);
        unharmed(&browser, "/queue with a list", &[words]);
    }
    for path in ["/queue?state=all", "/preferences", "/about"] {
        browser.open(&format!("{}{path}", server.url));
        unharmed(&browser, path, if path == "/preferences" { &PAYLOADS } else { &[] });
    }

    sign_in(&browser, &server, "lead");
    browser.complaints();
    for words in PAYLOADS {
        for (list, text) in [
            ("teams", format!("{words}: lead*, coder")),
            ("reject_reasons", format!("other: {words}")),
            ("worklist_rules", format!("department {words}: team {words}")),
        ] {
            browser.open(&format!("{}/settings/lists", server.url));
            let version = browser.evaluate(&format!(
                "document.querySelector('form input[name=list][value={list}]').form.querySelector('input[name=version]').value"
            ));
            let version = version.as_str().expect("a version").to_owned();
            browser.submit("/settings/lists", &[("list", list), ("version", &version), ("text", &text)]);
            let shown: &[&str] = if list == "reject_reasons" { std::slice::from_ref(&words) } else { &[] };
            unharmed(&browser, list, shown);
        }
        browser.open(&format!("{}/settings/templates", server.url));
        let version = browser.evaluate("document.querySelector('input[name=version]').value");
        let choices = format!("{words} one\n{words} two");
        browser.submit(
            "/settings/templates",
            &[
                ("version", version.as_str().expect("a version")),
                ("key", "hostile"),
                ("kind", "specificity"),
                ("title", words),
                ("question", words),
                ("choices", &choices),
                ("offered", "1"),
            ],
        );
        unharmed(&browser, "/settings/templates", &[words]);
    }
    for path in ["/settings", "/reports", "/second-reviews"] {
        browser.open(&format!("{}{path}", server.url));
        unharmed(&browser, path, &[]);
    }

    sign_in(&browser, &server, "admin");
    browser.complaints();
    browser.open(&format!("{}/settings/people/coder", server.url));
    unharmed(&browser, "labels of tokens", &PAYLOADS);
    for (number, words) in PAYLOADS.iter().enumerate() {
        // a name that is none is shown as it was typed
        browser.open(&format!("{}/settings/people", server.url));
        let places = [("role", "coder"), ("facility", *words), ("department", *words)];
        browser.submit("/settings/people", &[&places[..], &[("name", *words), ("source", *words)]].concat());
        unharmed(&browser, "/settings/people", &[words]);
        let name = format!("hostile{number}");
        browser.open(&format!("{}/settings/people", server.url));
        browser.submit("/settings/people", &[&places[..], &[("name", name.as_str())]].concat());
        browser.open(&format!("{}/settings/people/{name}", server.url));
        unharmed(&browser, "a person", &[words]);
        browser.open(&format!("{}/settings/people/{}", server.url, encoded(words)));
        unharmed(&browser, "a person that there is not", &[]);
    }
}

fn encoded(text: &str) -> String {
    abstractor::interop::fhir::percent_encoded(text)
}
