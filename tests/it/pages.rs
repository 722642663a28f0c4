//! The pages in a real browser: a coder's way from the sign-in to a finished encounter, at two widths.
//! What it saw lies under `target/screenshots/`.

use crate::{browser::Browser, server::Server};

/// Opens the third encounter of the queue, a short one, and claims it.
fn open_and_claim(browser: &Browser) -> String {
    browser.click("tbody tr:nth-child(3) a");
    browser.wait_for("document.querySelector('#claim') !== null");
    let address = browser.address();
    assert!(browser.count("mark") > 0, "evidence is highlighted");
    assert_eq!(browser.count(".do form"), 0, "nobody decides without a claim");
    browser.click("#claim");
    browser.wait_for("document.querySelector('#finish') !== null");
    address
}

/// Accepts what is undecided, one by one with the keyboard.
fn accept_the_rest(browser: &Browser) {
    while browser.count(".entry.undecided") > 0 {
        let before = browser.text("#undecided");
        browser.press("n");
        browser.press("a");
        browser.wait_for(&format!("document.querySelector('#undecided')?.textContent !== '{before}'"));
    }
}

fn journey(width: u32) {
    let server = Server::with_notes();
    let browser = Browser::start(width);
    let shot = |name: &str| browser.screenshot(&format!("{name}-{width}"));

    browser.open(&server.url);
    browser.wait_for("location.pathname === '/sign-in'");
    browser.fill("#code", "abs_nonsense");
    browser.click("main button");
    browser.wait_for("document.querySelector('[role=alert]') !== null");
    shot("sign-in");
    browser.fill("#code", &server.tokens["coder"]);
    browser.click("main button");
    browser.wait_for("location.pathname === '/queue'");
    assert!(browser.count("tbody tr") > 5, "the queue shows the demo's encounters");
    shot("queue");

    let item = open_and_claim(&browser);
    shot("item");

    let inline = "[...document.querySelectorAll('mark')].every((mark) => getComputedStyle(mark).display === 'inline')";
    assert_eq!(browser.evaluate(inline), true, "a mark breaks no line of the note");

    // the evidence of the first entry: the link leads to the words it quotes
    let quote = browser.text(".entry .places a");
    browser.click(".entry .places a");
    browser.wait_for("document.querySelector('.note :target') !== null");
    let seen = "(() => { let at = document.querySelector('.note :target'), words = ''; while (at && !at.matches('mark')) \
                at = at.nextElementSibling; return at.textContent; })()";
    let marked = browser.evaluate(seen).as_str().expect("text").to_owned();
    assert!(quote.contains(&marked), "{quote} leads to {marked}");
    shot("evidence");

    browser.click(".entry.diagnosis.undecided button.accept");
    browser.wait_for("document.querySelectorAll('.entry.accepted').length === 1");
    assert!(browser.text(".notice").contains("Accepted"));

    browser.click(".entry.diagnosis.undecided details.reject summary");
    shot("reject");
    browser.fill(".entry.diagnosis.undecided details.reject select", "duplicate");
    browser.fill(".entry.diagnosis.undecided details.reject input[name=comment]", "stands above <b>already</b>");
    browser.click(".entry.diagnosis.undecided details.reject button");
    browser.wait_for("document.querySelectorAll('.entry.rejected').length === 1");
    assert!(browser.text(".entry.rejected .decisions").contains("rejected: duplicate – “stands above <b>already</b>”"));

    browser.click(".entry.undecided details.amend summary");
    shot("amend");
    browser.fill(".entry.undecided details.amend select[name=system]", "ICD-10-CM");
    browser.fill(".entry.undecided details.amend input[name=code]", "E11");
    browser.press(ENTER);
    browser.wait_for("document.querySelector('#not-saved').hidden === false");
    assert!(browser.text("#not-saved").contains("the code is the heading E11"), "{}", browser.text("#not-saved"));
    shot("refused");
    browser.evaluate("document.querySelector('.entry.undecided details.amend input[name=code]').value = ''");
    browser.fill(".entry.undecided details.amend input[name=code]", "e119");
    // the codes that are offered lie over the button until they are dismissed
    browser.wait_for("[...document.querySelectorAll('.offers')].some((list) => !list.hidden)");
    browser.press(ESCAPE);
    browser.click(".entry.undecided details.amend button");
    browser.wait_for("document.querySelectorAll('.entry.amended').length === 1");
    assert!(browser.text(".entry.amended .code").contains("E11.9"));
    assert_eq!(browser.text(".entry.amended h3"), "Type 2 diabetes mellitus without complications");

    browser.click(".add summary");
    browser.fill("#add-display", "hypertension, essential");
    browser.fill("#add-code", "I10");
    browser.press(ENTER);
    browser.wait_for("document.querySelectorAll('.entry.added').length === 1");
    shot("decided");

    browser.press("?");
    browser.wait_for("document.querySelector('#keys').open");
    shot("keys");
    browser.click("#keys button");

    accept_the_rest(&browser);
    browser.click("#finish");
    browser.wait_for("location.pathname === '/queue'");
    assert!(browser.text(".notice").contains("finished"));
    browser.click(".filters a[href$=finished]");
    browser.wait_for("location.search === '?state=finished'");
    assert_eq!(browser.count("tbody .tag.finished"), 1);
    shot("finished");
    browser.click("tbody a");
    browser.wait_for("location.pathname.startsWith('/items/')");
    assert_eq!(browser.address().split('?').next(), item.split('?').next());
    assert_eq!(browser.count(".do form"), 0, "what is finished stays");

    browser.prefer_dark();
    shot("dark");
    let wider = browser.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
    assert_eq!(wider, false, "the page fits its window");

    browser.click(".bar form button");
    browser.wait_for("location.pathname === '/sign-in'");
    browser.open(&item);
    browser.wait_for("location.pathname === '/sign-in'");
}

#[test]
fn a_coder_works_through_an_encounter() {
    journey(1280);
}

#[test]
fn a_coder_works_through_an_encounter_in_a_narrow_window() {
    journey(700);
}

/// Signs the coder in and opens the queue.
fn sign_in(browser: &Browser, server: &Server) {
    browser.open(&server.url);
    browser.fill("#code", &server.tokens["coder"]);
    browser.click("main button");
    browser.wait_for("location.pathname === '/queue'");
}

/// Keys of WebDriver.
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const DOWN: &str = "\u{e015}";

/// Selects these words where they stand first in a note.
fn select(browser: &Browser, words: &str) {
    let script = format!(
        "(() => {{ const walker = document.createTreeWalker(document.querySelector('.note .text'), NodeFilter.SHOW_TEXT); let node; \
         while ((node = walker.nextNode())) {{ const at = node.data.indexOf({words:?}); if (at < 0) continue; \
         const range = document.createRange(); range.setStart(node, at); range.setEnd(node, at + {words:?}.length); \
         getSelection().removeAllRanges(); getSelection().addRange(range); return true; }} return false; }})()"
    );
    assert_eq!(browser.evaluate(&script), true, "{words} stand in the note");
}

#[test]
fn what_saves_a_coder_steps() {
    let mut server = Server::empty();
    server.add_user("emr", &["--role", "submitter", "--source", "emr"]);
    let text = "HISTORY OF PRESENT ILLNESS:\r\nMs Zo\u{eb} Rowe \u{1f642} feels well. Walks her zebrafish twice a day.\r\n\
                PAST MEDICAL HISTORY: Gout. Asthma. GERD.\r\nMEDICATIONS: Allopurinol 100 mg daily. Omeprazole 20 mg daily. Albuterol inhaler prn.";
    for number in 1..=2 {
        let id = server
            .post_note(&serde_json::json!({"text": text, "external_id": format!("STEPS-{number}"), "patient": "STEPS",
            "encounter": format!("STEPS-{number}"), "encounter_class": "outpatient"}));
        server.extraction(&id);
    }
    let browser = Browser::start(1366);
    sign_in(&browser, &server);
    assert_eq!(browser.accessibility(), [""; 0], "the queue");

    // the next encounter with one key
    browser.press("x");
    browser.wait_for("document.querySelector('#finish') !== null");
    let first = browser.address().split('?').next().expect("an address").to_owned();
    assert_eq!(browser.accessibility(), [""; 0], "the encounter");

    // accepted together, and taken back together
    let medications = "form.together:has(input[value=medication])";
    assert_eq!(
        browser.evaluate(&format!("document.querySelector('{medications}').hidden")),
        true,
        "nothing of it was on the screen"
    );
    for _ in 0..browser.count(".entry") {
        browser.press("j");
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
    browser.wait_for(&format!("document.querySelector('{medications}')?.hidden === false"));
    let many = browser.text(&format!("{medications} .how-many")).parse::<usize>().expect("a number");
    assert!(many >= 2, "{many}");
    browser.screenshot("together-1366");
    browser.click(&format!("{medications} button"));
    browser.wait_for(&format!("document.querySelectorAll('.entry.medication.accepted').length === {many}"));
    assert!(browser.text(".entry.medication.accepted .decisions").contains("accepted with others of its kind"));
    browser.press("u");
    browser.wait_for("document.querySelectorAll('.entry.medication.accepted').length === 0");
    assert!(browser.text(".notice").contains("Taken back"));
    assert_eq!(browser.count(".entry.medication.undecided"), browser.count(".entry.medication"), "they wait again");

    // words of the note become an entry, with a code found by other words
    select(&browser, "zebrafish");
    browser.wait_for("document.querySelector('#select-add').hidden === false");
    browser.screenshot("selection-1366");
    browser.press("s");
    browser.wait_for("document.activeElement.id === 'add-code'");
    assert!(browser.text("#add-place").contains("zebrafish"));
    browser.fill("#add-code", "essential hypertension");
    browser.wait_for("document.querySelectorAll('#add .offers li').length > 0");
    browser.press(DOWN);
    let wider = "[...document.querySelectorAll('.entries, .notes')].some((pane) => pane.scrollWidth > pane.clientWidth)";
    assert_eq!(browser.evaluate(wider), false, "the offers stay in their pane");
    browser.screenshot("offers-1366");
    browser.press(ENTER);
    assert_eq!(browser.evaluate("document.querySelector('#add-code').value"), "I10");
    assert!(browser.text("#add .chosen").contains("Essential (primary) hypertension"));
    browser.click("#add button.primary");
    browser.wait_for("document.querySelectorAll('.entry.added').length === 1");
    assert_eq!(browser.text("mark.added"), "zebrafish", "what was selected is marked");
    browser.press("u");
    browser.wait_for("document.querySelectorAll('.entry.withdrawn, .entry.added').length === document.querySelectorAll('.entry.withdrawn').length");

    // a code by words while amending
    browser.evaluate("document.querySelector('.entry.diagnosis.undecided').focus()");
    browser.press("m");
    browser.wait_for("document.activeElement.closest('details.amend') !== null");
    browser.fill(".entry:focus-within details.amend input[name=code]", "chronic gout, unspecified");
    browser.wait_for("[...document.querySelectorAll('.offers')].some((list) => !list.hidden)");
    browser.press(DOWN);
    browser.press(ENTER);
    let code = browser.evaluate("document.activeElement.value").as_str().expect("a code").to_owned();
    assert!(code.starts_with("M1A"), "{code}");
    browser.press(ENTER);
    browser.wait_for("document.querySelectorAll('.entry.amended').length === 1");
    assert!(browser.text(".entry.amended .code").contains(&code));

    accept_the_rest(&browser);
    let codes = browser.text("#assigned");
    assert!(codes.contains(&code) && codes.contains("J45.909"), "{codes}");
    browser.screenshot("assigned-1366");
    browser.click("#finish");
    browser.wait_for("location.pathname === '/queue'");
    browser.press("x");
    browser.wait_for("document.querySelector('#finish') !== null");
    assert_ne!(browser.address().split('?').next().expect("an address"), first, "another encounter");
    for (path, name) in
        [("/codes?query=gout", "the code book"), ("/codes/M10.9", "a code"), ("/about", "about"), ("/reference", "the API")]
    {
        browser.open(&format!("{}{path}", server.url));
        browser.wait_for("document.readyState === 'complete'");
        assert_eq!(browser.accessibility(), [""; 0], "{name}");
    }
    browser.prefer_dark();
    browser.open(&first);
    assert_eq!(browser.accessibility(), [""; 0], "the encounter, finished and dark");
    browser.click(".bar form button");
    browser.wait_for("location.pathname === '/sign-in'");
    assert_eq!(browser.accessibility(), [""; 0], "the sign-in");
}

#[test]
fn a_lead_puts_a_finished_encounter_back() {
    let server = Server::empty();
    let id = server.post_note(&serde_json::json!({"text": "ASSESSMENT: Gout.", "external_id": "BACK-1", "patient": "BACK"}));
    server.extraction(&id);
    let browser = Browser::start(1366);
    sign_in(&browser, &server);
    browser.press("x");
    browser.wait_for("document.querySelector('#finish') !== null");
    let item = browser.address().split('?').next().expect("an address").to_owned();
    accept_the_rest(&browser);
    browser.click("#finish");
    browser.wait_for("location.pathname === '/queue'");
    browser.open(&item);
    assert_eq!(browser.count("#reopen"), 0, "a coder cannot");
    browser.click(".bar form button");
    browser.wait_for("location.pathname === '/sign-in'");
    browser.fill("#code", &server.tokens["lead"]);
    browser.click("main button");
    browser.wait_for("location.pathname === '/queue'");
    browser.open(&item);
    assert_eq!(browser.accessibility(), [""; 0]);
    browser.click("#more");
    browser.screenshot("reopen-1366");
    browser.fill("#reopen-reason", "a code is wrong");
    browser.click("#reopen");
    browser.wait_for("document.querySelector('#claim') !== null");
    assert!(browser.text(".notice").contains("open again"));
    assert_eq!(browser.count(".entry.accepted"), 1, "its decisions stand");
}
