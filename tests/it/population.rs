//! Patients by diagnosis on a running server: what is told and what is not, the same on the page, in the file and by the API; and for who may see
//! less.

use std::{collections::BTreeMap, path::Path, time::Duration};

use jiff::{ToSpan as _, civil::Date};
use serde_json::{Value, json};

use super::{
    browser::Browser,
    faults::{clock_library, set_clock},
    permissions::Visitor,
    server::{Server, Start, wait_until},
};

/// A server with a clock of its own.
fn with_clock(clock: &Path) -> Start {
    let path = |path: &Path| path.to_str().expect("a plain path").to_owned();
    let environment = [
        ("LD_PRELOAD", path(&clock_library())),
        ("FAKETIME_TIMESTAMP_FILE", path(clock)),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    Start { environment: environment.map(|(name, value)| (name.to_owned(), value)).into(), ..Start::default() }
}

fn today() -> Date {
    #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
    let now = jiff::Timestamp::now();
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// An encounter of a patient (none where the name is empty) that a coder finishes with everything accepted.
fn finished(server: &Server, (number, patient): (usize, &str), facility: &str, text: &str) {
    let mut note = json!({"text": format!("ASSESSMENT:\n{text}\n"), "external_id": format!("p-{number}"), "encounter": {"id": format!("e-{number}"), "facility": facility},
        "note_type": "progress_note"});
    if !patient.is_empty() {
        note["patient"] = json!(patient);
    }
    let note = server.post_note(&note);
    server.extraction(&note);
    let item = server.call("GET", &format!("/v1/notes/{note}"), "submitter", None).json()["item_id"].clone();
    let path = format!("/v1/review/items/{}", item.as_str().expect("an id"));
    let done = |what: &str, body: &Value| {
        let reply = server.call("POST", &format!("{path}/{what}"), "coder", Some(body.to_string().as_bytes()));
        assert!(reply.status < 300, "{what}: {}", reply.text);
    };
    done("claim", &json!({}));
    let entries = server.call("GET", &path, "coder", None).json()["entries"].as_array().expect("entries").clone();
    let waiting = entries.iter().filter(|entry| entry["needs_decision"] == true);
    let decisions: Vec<Value> =
        waiting.map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}})).collect();
    assert!(!decisions.is_empty(), "{entries:?}");
    done("decisions", &json!({ "decisions": decisions }));
    done("finish", &json!({}));
}

/// Rows by their code, `seen` for who was seen: what is told by column, that of all columns last.
type Rows = BTreeMap<String, Vec<Option<u64>>>;

fn by_api(server: &Server, query: &str, user: &str) -> (Value, Rows) {
    let reply = server.call("GET", &format!("/v1/reports/population?{query}"), user, None);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let report = reply.json();
    let counts = |row: &Value| -> Vec<Option<u64>> {
        row["patients"].as_array().expect("counts").iter().chain([&row["all"]]).map(Value::as_u64).collect()
    };
    let rows = report["rows"].as_array().expect("rows").iter();
    let rows = rows.map(|row| (row["code"].as_str().or(row["kind"].as_str()).expect("a code").to_owned(), counts(row)));
    let rows = rows.chain([("seen".to_owned(), counts(&report["seen"]))]).collect();
    (report, rows)
}

fn on_page(visitor: &Visitor, server: &Server, query: &str) -> Rows {
    let (status, _, page) = visitor.get(server, &format!("/population?{query}"));
    assert_eq!(status, 200, "{page}");
    let body = page.split_once("<tbody>").and_then(|(_, rest)| rest.split_once("</tbody>")).expect("a table").0;
    body.split("<tr")
        .skip(1)
        .map(|row| {
            let name = row.split_once("<th scope=\"row\">").expect("a heading").1.split('<').next().expect("words").trim();
            let cells = row.split("<td>").skip(1).map(|cell| {
                let words = cell.split('<').next().expect("words");
                assert!(words == "*" || words.parse::<u64>().is_ok(), "{words}");
                words.parse().ok()
            });
            let name = if row.starts_with(" id=\"seen\"") { "seen" } else { name };
            (name.to_owned(), cells.collect())
        })
        .collect()
}

fn in_file(visitor: &Visitor, server: &Server, query: &str) -> Rows {
    let (status, _, file) = visitor.get(server, &format!("/population.csv?{query}"));
    assert!(status == 200 && file.starts_with("row,system,code,title,column_by,column,patients,suppressed"), "{status} {file}");
    let mut rows = Rows::new();
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    for record in reader.records() {
        let record = record.expect("a row");
        let name = if record[2].is_empty() { &record[0] } else { &record[2] };
        assert_eq!(&record[7], if record[6].is_empty() { "yes" } else { "" }, "{record:?}");
        rows.entry(name.to_owned()).or_default().push(record[6].parse().ok());
    }
    rows
}

#[test]
fn few_patients_are_told_nowhere_and_many_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    // the middle of the month before the last
    let then = today().first_of_month().checked_sub(2.months()).and_then(|day| day.checked_add(14.days())).expect("a day");
    set_clock(&clock, &format!("-{}d", today().since((jiff::Unit::Day, then)).expect("days").get_days()));
    let mut server = Server::serve_as(with_clock(&clock), "", |_| {});
    server.add_user("south-lead", &["--role", "lead", "--facility", "SOUTH"]);
    let server = &server;
    for at in 0..12 {
        finished(server, (at, &format!("N-{at}")), "NORTH", "Hypertension.");
    }
    for at in 0..12 {
        let text = if at < 3 { "Asthma. Gout." } else { "Asthma." };
        finished(server, (20 + at, &format!("S-{at}")), "SOUTH", text);
    }
    // one of them again, and one whom nobody knows
    finished(server, (40, "N-0"), "NORTH", "Hypertension.");
    finished(server, (41, ""), "NORTH", "Hypertension.");
    wait_until("the outcomes are worked out", Duration::from_secs(60), || {
        server.call("GET", "/v1/reports/thresholds?days=1", "lead", None).json()["encounters"] == json!(26)
    });
    let month = then.to_string()[..7].to_owned();
    // while the month goes on, nothing is told of it
    let early = server.call("GET", &format!("/v1/reports/population?from={month}&until={month}"), "lead", None);
    assert_eq!((early.status, early.code().as_str()), (422, "invalid_parameter"), "{}", early.text);
    assert!(early.text.contains("has ended"), "{}", early.text);
    assert_eq!(by_api(server, "", "lead").1.keys().collect::<Vec<_>>(), ["seen"]);
    set_clock(&clock, "+0");

    let (report, rows) = by_api(server, "", "lead");
    let column =
        report["columns"].as_array().expect("columns").iter().position(|one| one["value"] == month).expect("the month");
    assert_eq!((rows["seen"].len(), rows["seen"][column], rows["seen"][12]), (13, Some(24), Some(24)), "{report}");
    for many in ["I10", "J45"] {
        assert_eq!((rows[many][column], rows[many][12]), (Some(12), Some(12)), "{many} {report}");
    }
    assert_eq!((rows["M10"][column], rows["M10"][12]), (None, None), "three are few");
    assert_eq!((&report["encounters_without_patient"], &report["smallest_told"]), (&Value::Null, &json!(11)));

    let visitor = Visitor::of(server, "lead");
    for query in [
        "by=diagnosis&level=category&columns=month".to_owned(),
        format!("by=diagnosis&level=code&columns=month&from={month}&until={month}"),
        "by=diagnosis&level=chapter&columns=facility".to_owned(),
        "by=diagnosis&level=block&columns=encounter_class".to_owned(),
    ] {
        let (_, rows) = by_api(server, &query, "lead");
        assert!(rows.len() > 2, "{query} {rows:?}");
        assert!(rows.values().flatten().flatten().all(|count| *count == 0 || *count >= 11), "{query} {rows:?}");
        assert_eq!(rows, in_file(&visitor, server, &query), "{query}");
        assert_eq!(rows, on_page(&visitor, server, &query), "{query}");
    }
    let by_facility = by_api(server, "columns=facility", "lead").1;
    assert_eq!(by_facility["I10"], [Some(12), Some(0), Some(12)]);
    assert_eq!(by_facility["J45"], [Some(0), Some(12), Some(12)]);
    assert_eq!(by_facility["seen"], [Some(12), Some(12), Some(24)]);
    assert_eq!(by_api(server, "by=medication", "lead").1.len(), 1, "no row but who was seen");

    // who may see one facility counts there alone
    let south = by_api(server, "columns=facility", "south-lead").1;
    assert_eq!((&south["seen"], south.contains_key("I10")), (&vec![Some(12), Some(12)], false));
    assert_eq!(south["M10"], [None, None]);

    for wrong in
        ["from=2026-4", "from=2026-05&until=2026-04", "columns=quarter&from=2025-02&until=2025-06", "level=x", "days=3"]
    {
        let reply = server.call("GET", &format!("/v1/reports/population?{wrong}"), "lead", None);
        assert!(matches!((reply.status, reply.code().as_str()), (400 | 422, "invalid_parameter")), "{wrong} {}", reply.text);
    }
    assert_eq!(visitor.get(server, "/population?from=April").0, 400);
    let recorded = |action: &str| {
        let events = server.events();
        let of = events.iter().filter(|event| event["action"] == action);
        of.filter(|event| event["detail"].as_str().is_some_and(|detail| detail.starts_with("population by"))).count()
    };
    assert!(recorded("report.read") >= 12 && recorded("report.exported") == 4, "who reads them is in the trail");
    seen_in_a_browser(server);
}

fn seen_in_a_browser(server: &Server) {
    let browser = Browser::start(1366);
    browser.open(&format!("{}/sign-in", server.url));
    browser.fill("#code", &server.tool("user", &["sign-in", "lead"]));
    browser.click("main button");
    browser.wait_for("location.pathname !== '/sign-in'");
    browser.open(&format!("{}/reports", server.url));
    browser.click("nav a[href='/population']");
    browser.wait_for("location.pathname === '/population'");
    assert_eq!(browser.text("nav.filters a[aria-current]"), "Patients");
    for look in ["1366", "390"] {
        if look == "390" {
            browser.resize(390, 844);
        }
        browser.open(&format!("{}/population", server.url));
        assert_eq!(browser.accessibility(), [""; 0], "{look}");
        assert_eq!(browser.count("figure.chart svg[role=img]"), 1);
        let wide = browser.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
        assert_eq!(wide, json!(false), "{look} is wider than its window");
        browser.screenshot(&format!("population-{look}"));
    }
    browser.open(&format!("{}/population?columns=facility", server.url));
    assert_eq!(browser.accessibility(), [""; 0]);
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|said| !said.contains("Content Security Policy")), "{complaints:?}");
}
