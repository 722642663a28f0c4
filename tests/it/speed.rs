//! How fast the pages are for who works with them all day, measured in a real browser: a long note, and a long queue.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{browser::Browser, server::Server};

/// Suggestions of the long note, at least.
const SUGGESTIONS: usize = 300;
/// Its length in bytes, at least.
const NOTE_BYTES: usize = 100_000;

/// A note of a hundred kilobytes with a diagnosis in every paragraph, each another one: terms of our own table, far from each other in it.
fn long_note() -> String {
    let table = include_str!("../../vocabularies/everyday_diagnoses.tsv");
    let rows = table.lines().filter(|line| line.ends_with("\tdiagnosis"));
    let terms: Vec<(&str, &str)> = rows.filter_map(|row| row.split_once('\t')).collect();
    let mut text = String::from("ASSESSMENT:\n");
    let mut codes = std::collections::BTreeSet::new();
    let wanted = SUGGESTIONS + 60;
    for (term, rest) in terms.iter().step_by(terms.len() / (2 * wanted)) {
        let category = rest.get(..3).unwrap_or(rest);
        if !term.chars().all(|letter| letter.is_ascii_lowercase() || letter == ' ') || !codes.insert(category) {
            continue;
        }
        let number = codes.len();
        writeln!(text, "{number}. {term}. Paragraph {number} was talked over at the bedside, there was time for questions, and the plan of that morning \
            was kept for the day; who came later on read paragraph {number} again and left it as it was, as did the team that came in the night.")
            .expect("is written");
        if codes.len() == wanted {
            break;
        }
    }
    while text.len() < NOTE_BYTES {
        text.push_str("What was said at the bedside was said again at the door, in the same words, and was written down once more.\n");
    }
    text
}

/// Watches a page: how long it takes from a key to the frame that shows what the key did, and what moves on the screen meanwhile.
const WATCH: &str = "(() => {
  const watch = { start: 0, times: [], moved: [] };
  window.watch = watch;
  document.addEventListener('keydown', (event) => { watch.start = event.timeStamp; }, true);
  const painted = () => requestAnimationFrame(() => setTimeout(() => watch.times.push(performance.now() - watch.start)));
  document.addEventListener('parts', painted);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      watch.moved.push(`${entry.value.toFixed(4)} ${entry.sources.map((one) => one.node && (one.node.id || one.node.className || one.node.nodeName)).join(', ')}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
  return true;
})()";

/// Milliseconds of the present page from the click until its parts were read, and until it was whole.
fn opening(browser: &Browser) -> (f64, f64) {
    browser.wait_for("document.readyState === 'complete' && performance.getEntriesByType('navigation')[0].loadEventEnd > 0");
    let times = browser.evaluate(
        "(() => { const of = performance.getEntriesByType('navigation')[0]; return [of.responseEnd, of.loadEventEnd]; })()",
    );
    (times[0].as_f64().expect("a number"), times[1].as_f64().expect("a number"))
}

/// The middle one.
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn sign_in(browser: &Browser, server: &Server, role: &str) {
    browser.open(&format!("{}/sign-in", server.url));
    browser.fill("#code", &server.tokens[role]);
    browser.click("main button");
    browser.wait_for("location.pathname !== '/sign-in'");
}

#[test]
fn a_long_note_is_fast() {
    let server = Server::serve("", |_| {});
    let text = long_note();
    assert!(text.len() >= NOTE_BYTES, "{}", text.len());
    let id = server.post_note(&json!({"text": text, "external_id": "LONG", "patient": "LONG", "encounter": "LONG",
        "encounter_class": "inpatient", "note_type": "discharge_summary", "service_date": "2026-05-04"}));
    let found = server.extraction(&id)["entries"].as_array().expect("entries").len();
    assert!(found >= SUGGESTIONS, "{found} suggestions in {} bytes", text.len());
    let item = server.call("GET", "/v1/review/items", "coder", None).json()["items"][0]["id"].as_str().expect("an id").to_owned();
    let browser = Browser::start(1366);
    sign_in(&browser, &server, "coder");
    let address = format!("{}/items/{item}", server.url);
    browser.open(&address);
    browser.click("#claim");
    browser.wait_for("document.querySelector('#finish') !== null");

    let mut openings: Vec<(f64, f64)> = (0..5)
        .map(|_| {
            browser.open("about:blank");
            browser.open(&address);
            opening(&browser)
        })
        .collect();
    openings.sort_by(|one, other| one.1.total_cmp(&other.1));
    let bytes = browser.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize");
    println!("opening {found} suggestions in {} bytes (a page of {bytes}): {openings:.0?} ms", text.len());

    browser.evaluate(WATCH);
    for count in 1..=12 {
        browser.press("n");
        std::thread::sleep(std::time::Duration::from_millis(120));
        browser.evaluate("window.watch.moved = []");
        browser.press("a");
        browser.wait_for(&format!("window.watch.times.length === {count}"));
        std::thread::sleep(std::time::Duration::from_millis(60));
        let moved = browser.evaluate("window.watch.moved");
        println!("moved: {moved}");
    }
    let mut times: Vec<f64> =
        browser.evaluate("window.watch.times").as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
    println!("decisions: {times:.0?} ms");
    let middle = median(&mut times);
    println!("median {middle:.0} ms");
}
