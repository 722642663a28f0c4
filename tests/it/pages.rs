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
    browser.wait_for("document.querySelector('.place:target') !== null");
    let seen = "(() => { let at = document.querySelector('.place:target'), words = ''; while (at && !at.matches('mark')) \
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
    browser.click(".entry.undecided details.amend button");
    browser.wait_for("document.querySelector('[role=alert]') !== null");
    shot("refused");
    browser.click(".entry.undecided details.amend summary");
    browser.fill(".entry.undecided details.amend select[name=system]", "ICD-10-CM");
    browser.fill(".entry.undecided details.amend input[name=code]", "e119");
    browser.click(".entry.undecided details.amend button");
    browser.wait_for("document.querySelectorAll('.entry.amended').length === 1");
    assert!(browser.text(".entry.amended .code").contains("E11.9"));
    assert_eq!(browser.text(".entry.amended h3"), "Type 2 diabetes mellitus without complications");

    browser.click(".add summary");
    browser.fill("#add-display", "hypertension, essential");
    browser.fill("#add-code", "I10");
    browser.click("#add button");
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

    browser.click(".bar button");
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
