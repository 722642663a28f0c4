//! Reports on a running server: after a session of several coders, every number is the sum of what the audit trail and the decisions say; on both
//! databases. And the pages in a real browser.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    browser::Browser,
    cluster::Cluster,
    permissions::Visitor,
    server::{Server, Start, wait_until},
};

const TEXT: &str = "HISTORY OF PRESENT ILLNESS:\nAdmitted with community-acquired pneumonia. No chest pain.\n\
    PAST MEDICAL HISTORY:\nType 2 diabetes mellitus. Gout. Asthma.\nMEDICATIONS:\nMetformin 500 mg by mouth twice daily. Allopurinol 100 mg daily.\n\
    ALLERGIES:\nPenicillin (rash).\nFAMILY HISTORY:\nMother had breast cancer.\n";

/// Posts a note of an encounter of its own and waits until it is read; the item.
fn posted(server: &Server, name: &str, facility: &str) -> String {
    let note = json!({"text": TEXT, "external_id": name, "patient": name, "encounter": {"id": name, "facility": facility, "department": "icu"}, "encounter_class": "inpatient",
        "note_type": "history_and_physical", "service_date": "2026-05-04"});
    let id = server.post_note(&note);
    server.extraction(&id);
    server.call("GET", &format!("/v1/notes/{id}"), "lead", None).json()["item_id"].as_str().expect("an id").to_owned()
}

fn change(server: &Server, user: &str, (item, act): (&str, &str), body: &Value) -> Value {
    let reply = server.call("POST", &format!("/v1/review/items/{item}/{act}"), user, Some(body.to_string().as_bytes()));
    assert!(reply.status < 300, "{act}: {}", reply.text);
    reply.json()
}

fn entries(server: &Server, item: &str) -> Vec<Value> {
    let detail = server.call("GET", &format!("/v1/review/items/{item}"), "lead", None).json();
    detail["entries"].as_array().expect("entries").clone()
}

fn named(server: &Server, item: &str, name: &str) -> Value {
    let found = entries(server, item)
        .into_iter()
        .find(|entry| entry["display"].as_str().is_some_and(|display| display.to_lowercase().contains(name)));
    found.unwrap_or_else(|| panic!("{name} is not among them"))["id"].clone()
}

fn decide(server: &Server, user: &str, item: &str, decisions: &[Value]) {
    change(server, user, (item, "decisions"), &json!({ "decisions": decisions }));
}

fn accept_rest(server: &Server, user: &str, item: &str) {
    let waiting = entries(server, item).into_iter().filter(|entry| entry["needs_decision"] == true);
    let decisions: Vec<Value> =
        waiting.map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}})).collect();
    decide(server, user, item, &decisions);
}

fn icd(code: &str) -> Value {
    json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": code})
}

fn query(server: &Server, user: &str, item: &str, acts: &[(&str, Value)]) {
    let pneumonia = named(server, item, "pneumonia");
    let draft = change(server, user, (item, "queries"), &json!({"template": "finding_significance", "entry_id": pneumonia}));
    for (act, body) in acts {
        let address = format!("/v1/review/queries/{}/{act}", draft["id"].as_str().expect("an id"));
        let reply = server.call("POST", &address, user, Some(body.to_string().as_bytes()));
        assert_eq!(reply.status, 200, "{act}: {}", reply.text);
    }
}

/// A session of three coders and a lead over six encounters; the items.
fn session(server: &mut Server) -> Vec<String> {
    for name in ["kim", "lee"] {
        server.add_user(name, &["--role", "coder"]);
    }
    let server = &*server;
    let items: Vec<String> =
        [("R1", "NORTH"), ("R2", "NORTH"), ("R3", "SOUTH"), ("R4", "SOUTH"), ("R5", "NORTH"), ("R6", "SOUTH")]
            .map(|(name, facility)| posted(server, name, facility))
            .into();
    let empty = json!({});

    // everything that can be done with an entry, and something taken back
    let first = &items[0];
    change(server, "kim", (first, "claim"), &empty);
    let of = |name: &str| named(server, first, name);
    decide(
        server,
        "kim",
        first,
        &[
            json!({"entry_id": of("diabetes"), "decision": {"action": "amend", "codes": [icd("E11.65")]}}),
            json!({"entry_id": of("gout"), "decision": {"action": "reject", "reason": "historical"}}),
            json!({"entry_id": of("asthma"), "decision": {"action": "reject", "reason": "duplicate"}}),
            json!({"decision": {"action": "add", "kind": "diagnosis", "display": "Obesity", "codes": [icd("E66.9")], "assertion": "present"}}),
        ],
    );
    decide(server, "kim", first, &[json!({"entry_id": of("asthma"), "decision": {"action": "withdraw"}})]);
    accept_rest(server, "kim", first);
    change(server, "kim", (first, "finish"), &empty);

    // begun by one, finished by another
    let second = &items[1];
    change(server, "lee", (second, "claim"), &empty);
    decide(server, "lee", second, &[json!({"entry_id": named(server, second, "gout"), "decision": {"action": "accept"}})]);
    change(server, "lee", (second, "release"), &empty);
    change(server, "kim", (second, "claim"), &empty);
    accept_rest(server, "kim", second);
    change(server, "kim", (second, "finish"), &empty);

    // opened again by a lead, and decided otherwise by another
    let third = &items[2];
    change(server, "kim", (third, "claim"), &empty);
    accept_rest(server, "kim", third);
    change(server, "kim", (third, "finish"), &empty);
    change(server, "lead", (third, "reopen"), &json!({"reason": "coding_error"}));
    change(server, "lee", (third, "claim"), &empty);
    let historical = json!({"action": "amend", "assertion": "historical"});
    decide(server, "lee", third, &[json!({"entry_id": named(server, third, "gout"), "decision": historical})]);
    change(server, "lee", (third, "finish"), &empty);

    // queries in every state; then laid aside
    let fourth = &items[3];
    change(server, "lee", (fourth, "claim"), &empty);
    let answer = json!({"option": 0, "provider": "Dr. Example"});
    query(
        server,
        "lee",
        fourth,
        &[("send", empty.clone()), ("answer", answer.clone()), ("close", json!({"effect": "no_change"}))],
    );
    query(server, "lee", fourth, &[("send", empty.clone()), ("answer", answer)]);
    query(server, "lee", fourth, &[("send", empty.clone()), ("withdraw", empty.clone())]);
    query(server, "lee", fourth, &[("withdraw", empty.clone())]);
    query(server, "lee", fourth, &[("send", empty.clone())]);
    change(server, "lee", (fourth, "pend"), &json!({"reason": "awaiting_results"}));

    // held now; and one that nobody touched
    change(server, "coder", (&items[4], "claim"), &empty);
    decide(
        server,
        "coder",
        &items[4],
        &[json!({"entry_id": named(server, &items[4], "gout"), "decision": {"action": "accept"}})],
    );

    // a lead looks at all that is finished again: one code of each is wrong, one is missed, one principal diagnosis is another
    let lead = Visitor::of(server, "lead");
    assert_eq!(lead.post(server, "/second-reviews", &[("count", "10"), ("days", "1")]).0, 303);
    let (_, _, list) = lead.get(server, "/second-reviews");
    let waiting: BTreeSet<String> =
        list.split("href=\"/second-reviews/").skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect();
    assert_eq!(waiting.len(), 3, "{list}");
    for (at, review) in waiting.iter().enumerate() {
        let (_, _, page) = lead.get(server, &format!("/second-reviews/{review}"));
        let codes: BTreeSet<&str> = page.split("name=\"verdict-").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let named: Vec<(String, String)> =
            codes.iter().map(|code| (format!("verdict-{code}"), format!("error-{code}"))).collect();
        let mut form = vec![("codes", "I10"), ("principal_changed", if at == 0 { "1" } else { "" })];
        for (at, (verdict, error)) in named.iter().enumerate() {
            form.push((verdict.as_str(), if at == 0 { "wrong" } else { "agreed" }));
            form.push((error.as_str(), if at == 0 { "unspecific" } else { "" }));
        }
        let (status, place, _) = lead.post(server, &format!("/second-reviews/{review}"), &form);
        assert!(status == 303 && place.contains("notice=reviewed"), "{status} {place}");
    }
    // outcomes are worked out behind the coders
    wait_until("the outcomes", std::time::Duration::from_secs(60), || {
        server.call("GET", "/v1/reports/engine?days=1", "lead", None).json()["encounters"] == 3
    });
    items
}

fn report(server: &Server, name: &str, query: &str, user: &str) -> Value {
    let reply = server.call("GET", &format!("/v1/reports/{name}?days=1{query}"), user, None);
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

/// How often something stands in a list of words.
fn counts<T: Ord>(words: impl IntoIterator<Item = T>) -> BTreeMap<T, u64> {
    words.into_iter().fold(BTreeMap::new(), |mut counts, word| {
        *counts.entry(word).or_default() += 1;
        counts
    })
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Who did what is what the trail says.
fn work_ties(server: &Server, events: &[Value]) {
    let told = report(server, "work", "", "auditor");
    let of = |action: &str| events.iter().filter(move |event| event["action"] == action).collect::<Vec<_>>();
    let decided = counts(of("entry.decided").iter().map(|event| {
        (text(&event["actor"]).to_owned(), text(&event["detail"]).split(' ').next().unwrap_or_default().to_owned())
    }));
    let finished = counts(of("item.finished").iter().map(|event| text(&event["actor"]).to_owned()));
    assert_eq!(finished.values().sum::<u64>(), 4, "one of the three was finished twice");
    let work: BTreeMap<&str, &Value> =
        told["work"].as_array().expect("work").iter().map(|of| (text(&of["name"]), of)).collect();
    assert_eq!(work.keys().copied().collect::<Vec<_>>(), ["coder", "kim", "lee"]);
    let actions =
        [("accepted", "accept"), ("amended", "amend"), ("rejected", "reject"), ("added", "add"), ("withdrawn", "withdraw")];
    for (name, of) in &work {
        assert_eq!(number(&of["finished"]), finished.get(*name).copied().unwrap_or_default(), "{name}");
        for (field, action) in actions {
            let expected = decided.get(&((*name).to_owned(), action.to_owned())).copied().unwrap_or_default();
            assert_eq!(number(&of[field]), expected, "{name} {field}");
        }
    }
    // times: a sitting for each claim, an encounter for each finish, an entry for each decision but those taken back
    let claims = counts(of("item.claimed").iter().map(|event| text(&event["actor"]).to_owned()));
    for (name, time) in told["times"].as_object().expect("times") {
        assert_eq!(number(&time["sittings"]), claims[name], "{name}");
        assert_eq!(number(&time["per_encounter"]["count"]), finished.get(name).copied().unwrap_or_default(), "{name}");
        let entries: u64 =
            actions[..4].iter().filter_map(|(_, action)| decided.get(&(name.clone(), (*action).to_owned()))).sum();
        assert_eq!(number(&time["entries"]), entries, "{name}");
        assert!(number(&time["seconds"]) < 600, "{name} {time}");
    }
    assert_eq!(number(&told["all_times"]["sittings"]), claims.values().sum::<u64>());

    // second-level reviews: the sums of what each event tells
    let mut sums = [0_u64; 3];
    for event in of("item.reviewed_again") {
        let numbers: Vec<u64> =
            text(&event["detail"]).split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        let [agreed, codes, errors] = numbers[..] else { panic!("{event}") };
        sums = [sums[0] + agreed, sums[1] + codes, sums[2] + errors];
    }
    let reviews = &told["second_reviews"];
    let all = &reviews["all"];
    assert_eq!(["agreed", "codes", "errors"].map(|field| number(&all[field])), sums);
    assert_eq!((number(&all["reviews"]), of("item.reviewed_again").len()), (3, 3));
    assert_eq!((number(&all["wrong"]), number(&all["missed"]), number(&all["principal_changed"])), (3, 3, 1));
    assert_eq!(reviews["errors"], json!([{"error": "unspecific", "times": 3}]));
    let by_coder: u64 = reviews["by_coder"].as_object().expect("coders").values().map(|of| number(&of["codes"])).sum();
    assert_eq!(by_coder, sums[1]);

    let kim = report(server, "work", "&coder=kim", "lead");
    assert_eq!(kim["work"], json!([work["kim"]]));
    assert_eq!(kim["all_times"], told["times"]["kim"]);
}

/// What became of the suggestions is what the entries of the finished encounters say, and each decision is in the trail.
fn engine_ties(server: &Server, items: &[String], events: &[Value]) {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let mut coders: BTreeMap<(String, String), u64> = BTreeMap::new();
    let trail: BTreeMap<&str, &str> = events
        .iter()
        .filter(|event| event["action"] == "entry.decided")
        .filter_map(|event| Some((text(&event["detail"]).rsplit(' ').next()?, text(&event["actor"]))))
        .collect();
    for item in &items[..3] {
        for entry in entries(server, item) {
            let ended = match text(&entry["state"]) {
                "suggested" => "ignored",
                "withdrawn" => continue,
                state => state,
            };
            *expected.entry(ended.to_owned()).or_default() += 1;
            let last = entry["decisions"].as_array().expect("decisions").last().cloned();
            if let Some(last) = last.filter(|_| ended != "ignored") {
                let who = trail[text(&last["id"])];
                *coders.entry((who.to_owned(), ended.to_owned())).or_default() += 1;
            }
        }
    }
    let told = report(server, "engine", "", "auditor");
    let of = |counts: &Value| -> BTreeMap<String, u64> {
        let fields = ["accepted", "amended", "rejected", "added", "ignored"];
        fields.iter().map(|field| ((*field).to_owned(), number(&counts[field]))).filter(|(_, count)| *count > 0).collect()
    };
    assert_eq!(of(&told["all"]), expected);
    assert_eq!((expected["amended"], expected["rejected"], expected["added"]), (2, 1, 1), "{expected:?}");
    let add = |sum: &mut BTreeMap<String, u64>, counts: &Value| {
        for (field, count) in of(counts) {
            *sum.entry(field).or_default() += count;
        }
    };
    for (dimension, rows) in told["by"].as_object().expect("dimensions") {
        let mut sum = BTreeMap::new();
        rows["rows"].as_array().expect("rows").iter().chain([&rows["others"]]).for_each(|row| add(&mut sum, row));
        assert_eq!(sum, expected, "{dimension} leaves something out or counts it twice");
    }
    let mut sum = BTreeMap::new();
    told["steps"].as_array().expect("steps").iter().for_each(|step| add(&mut sum, step));
    assert_eq!(sum, expected);
    for row in told["by"]["coder"]["rows"].as_array().expect("rows") {
        for (ended, count) in of(row).into_iter().filter(|(ended, _)| ended != "ignored") {
            assert_eq!(count, coders[&(text(&row["value"]).to_owned(), ended.clone())], "{row} {ended}");
        }
    }
    assert_eq!(told["reject_reasons"], json!([{"reason": "historical", "times": 1}]));
    assert_eq!(told["amended_parts"], json!({"code": 1, "assertion": 1}));
    let [pair] = &told["amendments"].as_array().expect("pairs")[..] else { panic!("{}", told["amendments"]) };
    assert_eq!((text(&pair["from"]), text(&pair["to"]), number(&pair["times"])), ("E11.9", "E11.65", 1));
    let share = &told["accepted_share"];
    assert_eq!(number(&share["part"]), expected["accepted"]);
    assert_eq!(number(&share["whole"]), expected["accepted"] + expected["amended"] + expected["rejected"]);

    // narrowed, it is a part; and the parts are the whole
    let at = |facility: &str| report(server, "engine", &format!("&facility={facility}"), "lead");
    let (north, south) = (at("NORTH"), at("SOUTH"));
    let mut sum = of(&north["all"]);
    add(&mut sum, &south["all"]);
    assert_eq!((sum, &north["encounters"], &south["encounters"]), (expected, &json!(2), &json!(1)));
    assert_eq!(at("NOWHERE")["all"], json!({"accepted": 0, "amended": 0, "rejected": 0, "added": 0, "ignored": 0}));
    let diagnoses = report(server, "engine", "&kind=diagnosis", "lead");
    let kinds = told["by"]["kind"]["rows"].as_array().expect("rows");
    let of_kind = kinds.iter().find(|row| row["value"] == "diagnosis").expect("diagnoses");
    assert_eq!(of(&diagnoses["all"]), of(of_kind));
    let file = Visitor::of(server, "lead").get(server, "/reports/engine.csv?days=1").2;
    let csv_sum: u64 = file
        .lines()
        .filter(|line| line.starts_with("code,"))
        .map(|line| line.rsplit(',').skip(3).take(5).filter_map(|count| count.parse::<u64>().ok()).sum::<u64>())
        .sum();
    assert_eq!(csv_sum, of(&told["all"]).values().sum::<u64>(), "{file}");
}

/// What waits is what the list of encounters says; what came and was finished is in the trail.
fn backlog_ties(server: &Server, items: &[String], events: &[Value]) {
    let told = report(server, "backlog", "", "auditor");
    let states = items.iter().map(|item| {
        let detail = server.call("GET", &format!("/v1/review/items/{item}"), "lead", None).json();
        text(&detail["item"]["state"]).to_owned()
    });
    let mut expected = counts(states);
    assert_eq!(expected.remove("finished"), Some(3));
    let sum = |row: &Value| row.as_array().expect("counts").iter().map(number).sum::<u64>();
    let by_state: BTreeMap<String, u64> = told["by"]["state"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (text(&row["value"]).to_owned(), sum(&row["encounters"])))
        .collect();
    assert_eq!(by_state, expected);
    assert_eq!((sum(&told["all"]), told["oldest"].as_array().map(Vec::len)), (3, Some(3)));
    for (dimension, rows) in told["by"].as_object().expect("dimensions") {
        assert_eq!(rows.as_array().expect("rows").iter().map(|row| sum(&row["encounters"])).sum::<u64>(), 3, "{dimension}");
    }
    let flow = |field: &str| told["flow"].as_array().expect("steps").iter().map(|step| number(&step[field])).sum::<u64>();
    let finished = events.iter().filter(|event| event["action"] == "item.finished").count() as u64;
    assert_eq!((flow("arrived"), flow("finished")), (items.len() as u64, finished));
    let south = report(server, "backlog", "&facility=SOUTH", "lead");
    assert_eq!(sum(&south["all"]), 2);
}

/// Queries are what the trail says.
fn queries_tie(server: &Server, events: &[Value]) {
    let told = report(server, "queries", "", "lead");
    let expected = counts(events.iter().map(|event| text(&event["action"])).filter(|action| action.starts_with("query.")));
    let of = |field: &str| number(&told["all"][field]);
    let trail = |action: &str| expected.get(format!("query.{action}").as_str()).copied().unwrap_or_default();
    for field in ["drafted", "sent", "answered", "closed", "withdrawn"] {
        assert_eq!(of(field), trail(field), "{field}");
    }
    assert_eq!(["drafted", "sent", "answered", "closed", "withdrawn", "open"].map(of), [5, 4, 2, 1, 2, 1]);
    assert_eq!(number(&told["all"]["turnaround"]["count"]), 2);
    for by in ["by_kind", "by_coder"] {
        let sum: u64 = told[by].as_array().expect("rows").iter().map(|row| number(&row["sent"])).sum();
        assert_eq!(sum, 4, "{by}");
    }
    // the trail has the kind of each
    let kinds = counts(
        events
            .iter()
            .filter(|event| event["action"] == "query.sent")
            .filter_map(|event| text(&event["detail"]).split(';').next()),
    );
    for row in told["by_kind"].as_array().expect("rows") {
        assert_eq!(number(&row["sent"]), kinds[text(&row["value"])]);
    }
    let sum = |field: &str| told[field].as_array().expect("counts").iter().map(number).sum::<u64>();
    assert_eq!((sum("turnaround"), sum("open_ages"), &told["effects"]), (2, 1, &json!({"no_change": 1})));
    assert_eq!(told["by_provider"][0]["value"], "Dr. Example");
    assert_eq!(report(server, "queries", "", "auditor")["by_provider"], json!([]), "an auditor reads no queries");
}

fn ties(server: &mut Server) {
    let items = session(server);
    let server = &*server;
    let events = server.events();
    work_ties(server, &events);
    engine_ties(server, &items, &events);
    backlog_ties(server, &items, &events);
    queries_tie(server, &events);
    // what lies outside of the time is not counted
    let before = server.call("GET", "/v1/reports/work?from=2020-01-01&until=2020-12-31", "lead", None).json();
    assert_eq!((&before["work"], &before["days"]), (&json!([]), &json!(366)));
    for wrong in [
        "from=2026-05-02&until=2026-05-01",
        "from=2010-01-01&until=2026-01-01",
        "days=3&from=2026-01-01",
        "from=yesterday",
        "kind=x",
    ] {
        let reply = server.call("GET", &format!("/v1/reports/engine?{wrong}"), "lead", None);
        assert!(matches!((reply.status, reply.code().as_str()), (400 | 422, "invalid_parameter")), "{wrong}");
    }
    let read = server.events().iter().filter(|event| event["action"] == "report.read").count();
    assert!(read > 10, "who read them is in the trail");
}

#[test]
fn numbers_are_those_of_the_trail() {
    let mut server = Server::serve_as(Start::default(), "", |_| {});
    ties(&mut server);
    server.add_user("south-lead", &["--role", "lead", "--facility", "SOUTH"]);
    let all = report(&server, "work", "", "south-lead");
    let finished: u64 = all["work"].as_array().expect("work").iter().map(|of| number(&of["finished"])).sum();
    assert_eq!(finished, 2, "of the other facility nothing is counted");
    let engine = report(&server, "engine", "", "south-lead");
    assert_eq!(
        (&engine["encounters"], &report(&server, "engine", "&facility=NORTH", "south-lead")["encounters"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(report(&server, "queries", "", "south-lead")["all"]["sent"], 4);
    assert_eq!(report(&server, "queries", "&facility=NORTH", "south-lead")["all"]["sent"], 0);

    pages_of(&server);
}

#[test]
fn numbers_are_those_of_the_trail_in_postgresql() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    ties(&mut Server::serve_as(Start { database: Some(cluster.url("hospital")), ..Start::default() }, "", |_| {}));
}

/// The pages as somebody sees them who signs in to them.
fn pages_of(server: &Server) {
    let browser = Browser::start(1366);
    let sign_in = |name: &str| {
        browser.open(&format!("{}/sign-in", server.url));
        browser.fill("#code", &server.tool("user", &["sign-in", name]));
        browser.click("main button");
        browser.wait_for("location.pathname !== '/sign-in'");
    };
    sign_in("lead");
    let pages = [
        ("reports-work", "/reports?days=7"),
        ("reports-engine", "/reports/engine?days=7"),
        ("reports-sections", "/reports/engine?days=7&by=section"),
        ("reports-backlog", "/reports/backlog?days=7"),
        ("reports-queries", "/reports/queries?days=7"),
    ];
    let told = report(server, "engine", "", "lead");
    let look = |look: &str| {
        for (name, path) in pages {
            browser.open(&format!("{}{path}", server.url));
            assert_eq!(browser.accessibility(), [""; 0], "{name} {look}");
            assert!(browser.count("figure.chart svg[role=img]") >= 1, "{name}");
            let wide = browser.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
            assert_eq!(wide, json!(false), "{name} {look} is wider than its window");
            browser.screenshot(&format!("{name}-{look}"));
        }
    };
    look("1366");
    // the page says what the program says
    browser.open(&format!("{}/reports/engine?days=7", server.url));
    for field in ["accepted", "amended", "rejected", "added", "ignored"] {
        assert_eq!(browser.text(&format!("#{field}")), told["all"][field].to_string(), "{field}");
    }
    assert_eq!(browser.text("#encounters"), "3");
    let cells = browser.evaluate("[...document.querySelectorAll('[aria-labelledby=by] tbody tr')].reduce((sum, row) => sum + Number(row.cells[1].textContent), 0)");
    assert_eq!(cells, told["all"]["accepted"]);
    let drawn = browser.evaluate("document.querySelectorAll('[aria-labelledby^=chart-by] rect.accepted').length");
    assert!(drawn.as_u64().is_some_and(|bars| bars > 3), "{drawn}");
    // narrowed by the form, and kept from one report to the next
    browser.fill("#facility", "SOUTH");
    browser.click("#show-days");
    browser.wait_for("location.search.includes('SOUTH')");
    assert_eq!(browser.text("#encounters"), "1");
    browser.click("nav a[href^='/reports/backlog']");
    browser.wait_for("location.pathname === '/reports/backlog'");
    assert_eq!(browser.text("#waiting"), "2");
    browser.open(&format!("{}/reports?from=2026-13-01", server.url));
    assert!(browser.text("main").contains("year-month-day"), "{}", browser.text("main"));
    browser.open(&format!("{}/reports/queries?from=2020-01-01&until=2020-01-31", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "with nothing in it");

    browser.resize(390, 844);
    look("390");
    browser.resize(1366, 900);
    browser.prefer_dark();
    look("dark-1366");
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|said| !said.contains("Content Security Policy")), "{complaints:?}");

    let exported = |server: &Server| server.events().iter().filter(|event| event["action"] == "report.exported").count();
    let (before, lead) = (exported(server), Visitor::of(server, "lead"));
    for (name, heading) in [
        ("work", "name,finished,"),
        ("engine", "by,value,title,"),
        ("amendments", "suggested,"),
        ("backlog", "by,value,up_to_1_days"),
        ("flow", "from_day,"),
        ("queries", "by,value,drafted"),
    ] {
        let (status, _, file) = lead.get(server, &format!("/reports/{name}.csv?days=1&facility=NORTH"));
        assert!(status == 200 && file.starts_with(heading), "{name}: {status} {file}");
    }
    assert_eq!(exported(server), before + 6, "who took the figures away is in the trail");
}
