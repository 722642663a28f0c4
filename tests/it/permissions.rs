//! Who may see what, from outside: the table of every route (`tests/fixtures/permissions.tsv`) is complete, roles pass as it says, and what a
//! user may not see answers as what is not there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::OnceLock,
};

use serde_json::{Value, json};

use super::{
    api::NOBODY,
    endpoints::ENDPOINTS,
    server::{Reply, Server},
};

/// A row of the table.
struct Route {
    kind: &'static str,
    method: &'static str,
    path: &'static str,
    roles: &'static str,
    names: &'static str,
}

const ROLES: [&str; 5] = ["submitter", "coder", "lead", "auditor", "admin"];

/// Every label of the contract.
const LABELS: [&str; 9] =
    ["substance_use", "psychotherapy", "mental_health", "hiv", "sexual_health", "genetic", "vip", "employee", "other"];

fn table() -> Vec<Route> {
    let rows = include_str!("../fixtures/permissions.tsv").lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| {
        let cells: Vec<&'static str> = row.split('\t').collect();
        let [kind, method, path, roles, names] = cells[..] else { panic!("five columns: {row}") };
        Route { kind, method, path, roles, names }
    })
    .collect()
}

#[test]
fn the_table_has_every_route() {
    let rows = table();
    let of = |kind: &str| -> BTreeSet<(String, String)> {
        let rows = rows.iter().filter(|row| row.kind == kind);
        rows.map(|row| (row.method.to_owned(), row.path.to_owned())).collect()
    };
    let described = server().call("GET", "/openapi.json", "", None).json();
    let paths = described["paths"].as_object().expect("paths").iter();
    let api = paths.flat_map(|(path, methods)| {
        methods.as_object().expect("methods").keys().map(|method| (method.clone(), path.clone())).collect::<Vec<_>>()
    });
    assert_eq!(of("api"), api.collect(), "the API");
    assert_eq!(of("page"), pages(), "the pages");
    assert_eq!(of("fhir"), fhir(), "FHIR");
    let told: BTreeMap<_, _> = ENDPOINTS.iter().map(|(method, path, roles)| ((*method, *path), *roles)).collect();
    for row in rows.iter().filter(|row| row.kind == "api" && !row.roles.contains('o')) {
        // what needs broken glass is refused to who did not break it
        let roles = row.roles.replace('g', ".");
        assert_eq!(told.get(&(row.method, row.path)).copied(), Some(roles.as_str()), "{} {}", row.method, row.path);
    }
}

/// The routes of the pages, as their sources have them.
fn pages() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        for route in source.split(".route(").skip(1) {
            let Some(route) = route.trim_start().strip_prefix('"') else { continue };
            let (address, handlers) = route.split_once('"').expect("an address");
            // to the end of the call
            let mut depth = 1;
            let end = handlers.find(|letter| {
                depth += match letter {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth == 0
            });
            let handlers = &handlers[..end.expect("the call ends")];
            for method in ["get", "post", "put", "delete"] {
                let names = |at: usize| !handlers[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
                if handlers.match_indices(&format!("{method}(")).any(|(at, _)| names(at)) {
                    found.insert((method.to_owned(), address.to_owned()));
                }
            }
        }
    }
    found
}

/// The routes of FHIR, as the CapabilityStatement has them.
fn fhir() -> BTreeSet<(String, String)> {
    let statement = server().call("GET", "/fhir/metadata", "", None).json();
    let route = |method: &str, path: String| (method.to_owned(), path);
    let mut found = BTreeSet::from([route("get", "/fhir/metadata".to_owned()), route("post", "/fhir".to_owned())]);
    for resource in statement["rest"][0]["resource"].as_array().expect("resources") {
        let base = format!("/fhir/{}", resource["type"].as_str().expect("a type"));
        for interaction in resource["interaction"].as_array().into_iter().flatten() {
            match interaction["code"].as_str().expect("a code") {
                "read" => drop(found.insert(route("get", format!("{base}/{{id}}")))),
                "create" => drop(found.insert(route("post", base.clone()))),
                "update" => drop(found.insert(route("put", format!("{base}/{{id}}")))),
                "search-type" => {
                    found.insert(route("get", base.clone()));
                    found.insert(route("post", format!("{base}/_search")));
                }
                other => panic!("{other} has no row"),
            }
        }
        for operation in resource["operation"].as_array().into_iter().flatten() {
            match operation["name"].as_str().expect("a name") {
                "extract" => found.insert(route("post", format!("{base}/$extract"))),
                "everything" => found.insert(route("get", format!("{base}/{{id}}/$everything"))),
                other => panic!("{other} has no row"),
            };
        }
    }
    found
}

/// Somebody signed in to the pages.
pub struct Visitor {
    cookie: String,
    form_token: String,
}

/// One exchange that follows no redirect: status, where it leads, the cookie it sets, and its page.
fn exchange(server: &Server, path: &str, cookie: &str, form: Option<&[(&str, &str)]>) -> (u16, String, String, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let address = format!("{}{path}", server.url);
    let answer = match form {
        Some(form) => agent.post(&address).header("cookie", cookie).send_form(form.iter().copied()),
        None => agent.get(&address).header("cookie", cookie).call(),
    };
    let mut answer = answer.expect("the server answers");
    let header =
        |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default();
    let (status, place, set) = (answer.status().as_u16(), header("location"), header("set-cookie"));
    (status, place, set, answer.body_mut().with_config().limit(50_000_000).read_to_string().expect("a page"))
}

impl Visitor {
    /// The user of this login name.
    pub fn of(server: &Server, name: &str) -> Self {
        let code = server.tool("user", &["sign-in", name]);
        let (_, _, cookie, _) = exchange(server, "/sign-in", "", Some(&[("code", &code)]));
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let (_, _, _, page) = exchange(server, "/about", &cookie, None);
        let token = page.split_once("name=\"form_token\" value=\"").expect("a form").1;
        let form_token = token.split('"').next().expect("a token").to_owned();
        Self { cookie, form_token }
    }

    /// Status, where it leads, and the page.
    pub fn get(&self, server: &Server, path: &str) -> (u16, String, String) {
        let (status, place, _, page) = exchange(server, path, &self.cookie, None);
        (status, place, page)
    }

    /// The same of a form.
    pub fn post(&self, server: &Server, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let form = [&[("form_token", self.form_token.as_str())], fields].concat();
        let (status, place, _, page) = exchange(server, path, &self.cookie, Some(&form));
        (status, place, page)
    }

    /// A route of the pages with every field that a form of theirs must have.
    fn call(&self, server: &Server, method: &str, path: &str) -> (u16, String, String) {
        if method == "get" {
            return self.get(server, path);
        }
        let fields = [
            ("entry", NOBODY),
            ("action", ""),
            ("kind", "diagnosis"),
            ("list", "teams"),
            ("version", "0"),
            ("what", ""),
            ("count", "0"),
            ("days", "1"),
            ("shown_from", ""),
            ("together_from", ""),
        ];
        self.post(server, path, &fields)
    }
}

/// A body that the route reads.
fn body(route: &Route, id: &str) -> Option<Vec<u8>> {
    let last = route.path.rsplit('/').next().unwrap_or_default();
    let body = match (route.method, last) {
        ("get", _) => return None,
        (_, "_search") => return Some(b"_id=x".to_vec()),
        ("put", _) if route.path.contains("DocumentReference") => {
            json!({"resourceType": "DocumentReference", "id": id, "status": "entered-in-error"})
        }
        (_, "reopen" | "pend" | "escalate") => json!({"reason": "other"}),
        (_, "assign") => json!({"to": null}),
        (_, "remarks") => json!({"comment": "seen"}),
        (_, "queries") => json!({"template": "heart_failure_type"}),
        (_, "answer") => json!({"option": 0, "provider": "Dr. Example"}),
        (_, "close") => json!({"effect": "no_change"}),
        (_, "decisions") => json!({"decisions": []}),
        (_, "break-glass") => json!({"reason": "other", "comment": "seen"}),
        _ => json!({}),
    };
    Some(body.to_string().into_bytes())
}

fn call(server: &Server, route: &Route, user: &str, (path, id): (&str, &str)) -> Reply {
    let body = body(route, id);
    let headers: &[(&str, &str)] =
        if path.ends_with("_search") { &[("content-type", "application/x-www-form-urlencoded")] } else { &[] };
    server.send(&route.method.to_uppercase(), path, user, headers, body.as_deref()).expect("the server answers")
}

/// A server for the walks over roles.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::shared(&["--recognizers", "dictionary"]))
}

fn filled(path: &str, id: &str) -> String {
    let path = path.replace("{id}", id).replace("{entry}", NOBODY).replace("{note}", NOBODY);
    path.replace("{code}", "E11.9").replace("{range}", "I00-I99").replace("{name}", "nowhere").replace("{version}", "1")
}

#[test]
fn roles_pass_as_the_table_says() {
    let server = server();
    let rows = table();
    for (at, role) in ROLES.into_iter().enumerate() {
        let visitor = Visitor::of(server, &format!("demo-{role}"));
        // two end the session
        let goes_on = |row: &&Route| row.kind == "page" && !["/sign-out", "/account/sessions"].contains(&row.path);
        for row in rows.iter().filter(goes_on) {
            let path = filled(row.path, NOBODY);
            let (status, place, _) = visitor.call(server, row.method, &path);
            let name = format!("{role} {} {path}: {status} {place}", row.method);
            match row.roles.as_bytes()[at] {
                b'x' => assert!(status != 403 && status < 500 && place != "/sign-in", "{name}"),
                b'o' => assert!(status != 403 && status < 500, "{name}"),
                _ => assert_eq!(status, 403, "{name}"),
            }
        }
        for row in rows.iter().filter(|row| row.kind == "fhir") {
            let path = filled(row.path, NOBODY);
            let status = call(server, row, role, (&path, NOBODY)).status;
            let name = format!("{role} {} {path}: {status}", row.method);
            match row.roles.as_bytes()[at] {
                b'x' | b'o' => assert!(![401, 403].contains(&status) && status < 500, "{name}"),
                _ => assert_eq!(status, 403, "{name}"),
            }
        }
    }
    for row in rows.iter().filter(|row| row.kind == "page" && !row.roles.contains('o')) {
        let path = filled(row.path, NOBODY);
        let form: Option<&[(&str, &str)]> = (row.method != "get").then_some(&[("form_token", "")]);
        let (status, place, _, _) = exchange(server, &path, "", form);
        assert_eq!((status, place.as_str()), (303, "/sign-in"), "nobody {} {path}", row.method);
    }
}

/// An encounter of one situation, with everything that a route can name of it.
struct Thing {
    situation: String,
    ids: BTreeMap<&'static str, String>,
}

/// What a coder who may see everything does with a note until a lead can look at it again: a query is drafted, entries are accepted, the
/// encounter is finished.
fn worked_on(server: &Server, situation: &str, submitter: &str, more: &Value) -> Thing {
    let mut note = json!({"text": "ASSESSMENT: Heart failure.", "external_id": situation, "patient": format!("P-{situation}"),
        "encounter": {"id": format!("E-{situation}"), "facility": "north", "department": "icu"}, "encounter_class": "inpatient"});
    for (field, value) in more.as_object().into_iter().flatten() {
        note[field] = value.clone();
    }
    let send = |method: &str, path: &str, user: &str, body: Option<Value>| {
        let body = body.map(|body| body.to_string().into_bytes());
        let reply = server.call(method, path, user, body.as_deref());
        assert!(reply.status < 300, "{situation} {method} {path}: {} {}", reply.status, reply.text);
        reply
    };
    let note = send("POST", "/v1/notes", submitter, Some(note)).json()["id"].as_str().expect("an id").to_owned();
    super::server::wait_until("it is read", std::time::Duration::from_secs(60), || {
        server.call("GET", &format!("/v1/notes/{note}/extraction"), submitter, None).status == 200
    });
    let item =
        send("GET", &format!("/v1/notes/{note}"), "everything", None).json()["item_id"].as_str().expect("an id").to_owned();
    let address = format!("/v1/review/items/{item}");
    send("POST", &format!("{address}/claim"), "everything", None);
    let detail = send("GET", &address, "everything", None).json();
    let entries = detail["entries"].as_array().expect("entries");
    let failure = entries.iter().find(|entry| entry["kind"] == "diagnosis").expect("heart failure");
    let draft = json!({"template": "heart_failure_type", "entry_id": failure["id"]});
    let query =
        send("POST", &format!("{address}/queries"), "everything", Some(draft)).json()["id"].as_str().expect("an id").to_owned();
    let accepted: Vec<Value> = entries
        .iter()
        .filter(|entry| entry["needs_decision"] == true)
        .map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}}))
        .collect();
    send("POST", &format!("{address}/decisions"), "everything", Some(json!({"decisions": accepted})));
    send("POST", &format!("{address}/finish?override_edits=documentation_supports_it"), "everything", None);
    let task = send("GET", &format!("/fhir/Task/{item}"), "everything", None).json();
    let patient = task["for"]["reference"].as_str().expect("a patient").trim_start_matches("Patient/").to_owned();
    let found = send("GET", &format!("/fhir/Condition?encounter=E-{situation}"), "everything", None).json();
    let condition = found["entry"][0]["resource"]["id"].as_str().expect("a condition").to_owned();
    let ids = [("note", note), ("item", item), ("query", query), ("patient", patient), ("condition", condition)];
    Thing { situation: situation.to_owned(), ids: ids.into() }
}

/// A server with an encounter of every situation, and users who see only the plain one; things in the order: the plain one first.
fn house() -> (Server, Vec<Thing>) {
    let mut server = Server::shared(&["--recognizers", "dictionary"]);
    server.add_user("lab", &["--role", "submitter", "--source", "lab"]);
    let mut cleared = vec!["--sees-restricted".to_owned()];
    cleared.extend(LABELS.iter().flat_map(|label| ["--clearance".to_owned(), (*label).to_owned()]));
    let cleared: Vec<&str> = cleared.iter().map(String::as_str).collect();
    server.add_user("everything", &[&["--role", "coder"], &cleared[..]].concat());
    server.add_user("every-lead", &[&["--role", "lead"], &cleared[..]].concat());
    let limits = ["--source", "demo-ehr", "--facility", "north", "--department", "icu"];
    for role in ["coder", "lead"] {
        let name = format!("limited-{role}");
        server.add_user(&name, &[&["--role", role], &limits[..]].concat());
        server.tool("user", &["own-record", &name, "--source", "demo-ehr", "--record", "P-own"]);
    }
    let place = |facility: &str, department: &str, situation: &str| json!({"encounter": {"id": format!("E-{situation}"), "facility": facility, "department": department}});
    let mut things = vec![
        worked_on(&server, "plain", "submitter", &json!({})),
        worked_on(&server, "source", "lab", &json!({})),
        worked_on(&server, "facility", "submitter", &place("south", "icu", "facility")),
        worked_on(&server, "department", "submitter", &place("north", "ed", "department")),
        worked_on(&server, "restricted", "submitter", &json!({"confidentiality": "restricted"})),
        worked_on(&server, "own", "submitter", &json!({})),
    ];
    for label in LABELS {
        things.push(worked_on(&server, label, "submitter", &json!({"labels": [label]})));
    }
    // everything is drawn for a second look
    let lead = Visitor::of(&server, "every-lead");
    let drawn = lead.post(&server, "/second-reviews", &[("count", "100"), ("days", "1")]);
    assert_eq!(drawn.0, 303, "{}", drawn.2);
    let (_, _, list) = lead.get(&server, "/second-reviews");
    let reviews: BTreeSet<&str> =
        list.split("href=\"/second-reviews/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(reviews.len(), things.len(), "every encounter is drawn: {list}");
    for review in reviews {
        let (_, _, page) = lead.get(&server, &format!("/second-reviews/{review}"));
        let thing = things.iter_mut().find(|thing| page.contains(&thing.ids["item"])).expect("its encounter");
        thing.ids.insert("second_review", review.to_owned());
    }
    (server, things)
}

/// An answer without the ids that were asked for.
pub fn without(text: &str, id: &str) -> String {
    text.replace(id, "ID")
}

/// What is hidden from a user answers, on every route that names it, exactly as what is not there; what is not hidden is there.
fn hidden_looks_like_nothing(server: &Server, (user, role): (&str, &str), things: &[Thing], hides: impl Fn(&str) -> bool) {
    let at = ROLES.iter().position(|one| *one == role).expect("a role");
    let visitor = Visitor::of(server, &if user == role { format!("demo-{role}") } else { user.to_owned() });
    let mut rows: Vec<Route> = table().into_iter().filter(|row| !["-", "glass"].contains(&row.names)).collect();
    // what changes something comes after everything was looked at
    rows.sort_by_key(|row| (row.method != "get", row.path.ends_with("retraction") || row.method == "put"));
    for row in &rows {
        let may = row.roles.as_bytes()[at] == b'x';
        for thing in things {
            let id = &thing.ids[row.names];
            let nobody = match row.names {
                "condition" => format!("{}{}", NOBODY.replace('-', ""), &id[32..]),
                _ => NOBODY.to_owned(),
            };
            let answer = |id: &str| {
                let path = filled(row.path, id);
                match row.kind {
                    "page" => {
                        let (status, place, page) = visitor.call(server, row.method, &path);
                        (status, without(&format!("{place}\n{page}"), id))
                    }
                    _ => {
                        let reply = call(server, row, user, (&path, id));
                        (reply.status, without(&reply.text, id))
                    }
                }
            };
            let name = format!("{user}: {} {} of {}", row.method, row.path, thing.situation);
            let hidden = hides(&thing.situation);
            if !may {
                assert_eq!(answer(id).0, 403, "{name}");
            } else if hidden {
                let (found, nothing) = (answer(id), answer(&nobody));
                assert_eq!(found, nothing, "{name} tells that there is something");
                assert!(row.method != "get" || found.0 == 404, "{name}: {}", found.0);
                assert!(!(200..300).contains(&found.0), "{name}: {}", found.0);
            } else if row.method == "get"
                && !row.path.contains("{entry}")
                && !row.path.contains("{note}")
                && !row.path.ends_with("revise")
            {
                assert_eq!(answer(id).0, 200, "{name}");
            }
        }
    }
}

/// Lists, searches and counts have what a user may see, and nothing tells that there is more.
fn lists_keep_to_scope(server: &Server, user: &str, things: &[Thing]) {
    let json = |path: &str| server.call("GET", path, user, None).json();
    let plain = &things[0].ids;
    let listed = json("/v1/review/items?limit=200");
    let items: Vec<&str> = listed["items"].as_array().expect("items").iter().filter_map(|item| item["id"].as_str()).collect();
    assert_eq!(items, [plain["item"].as_str()], "{user}");
    assert!(listed["next"].is_null(), "{user}: there is no more");
    for thing in &things[1..] {
        for (path, kind) in [
            (format!("/fhir/DocumentReference?patient=P-{}", thing.situation), "DocumentReference"),
            (format!("/fhir/DocumentReference?encounter=E-{}", thing.situation), "DocumentReference"),
            (format!("/fhir/Condition?patient=P-{}", thing.situation), "Condition"),
            (format!("/fhir/Condition?_id={}", thing.ids["condition"]), "Condition"),
            (format!("/fhir/Task?patient=P-{}", thing.situation), "Task"),
            (format!("/fhir/Task?_id={}", thing.ids["item"]), "Task"),
            (format!("/fhir/Task?focus=DocumentReference/{}", thing.ids["note"]), "Task"),
            (format!("/fhir/Patient?identifier=P-{}", thing.situation), "Patient"),
            (format!("/fhir/Provenance?target=DocumentReference/{}", thing.ids["note"]), "Provenance"),
        ] {
            let found = json(&path);
            let of_kind = found["entry"].as_array().into_iter().flatten().filter(|one| one["resource"]["resourceType"] == kind);
            assert_eq!(of_kind.count(), 0, "{user} {path}: {found}");
        }
    }
    let visitor = Visitor::of(server, user);
    for path in ["/queue?state=all", "/queue?state=finished"] {
        let (_, _, page) = visitor.get(server, path);
        let items: BTreeSet<&str> = page.split("href=\"/items/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(items, BTreeSet::from([plain["item"].as_str()]), "{user} {path}");
    }
    if user.ends_with("lead") {
        let (_, _, page) = visitor.get(server, "/second-reviews");
        let of_others = things[1..].iter().filter(|thing| page.contains(&thing.ids["second_review"]));
        assert_eq!(of_others.count(), 0, "{user}: {page}");
        assert!(page.contains(&plain["second_review"]), "{user}: {page}");
        let report = server.call("GET", "/v1/reports/work?days=1", user, None).text;
        let everything = server.call("GET", "/v1/reports/work?days=1", "every-lead", None).text;
        let finished = |report: &str| -> u64 {
            let report: Value = serde_json::from_str(report).expect("JSON");
            report["work"].as_array().expect("work").iter().filter_map(|one| one["finished"].as_u64()).sum()
        };
        assert_eq!((finished(&report), finished(&everything)), (1, things.len() as u64), "{report}");
    }
}

#[test]
fn what_is_hidden_looks_like_nothing_on_every_route() {
    let (server, things) = house();
    for (user, role) in [("limited-coder", "coder"), ("limited-lead", "lead")] {
        lists_keep_to_scope(&server, user, &things);
        hidden_looks_like_nothing(&server, (user, role), &things, |situation| situation != "plain");
    }
    for role in ["auditor", "admin"] {
        hidden_looks_like_nothing(&server, (role, role), &things, |_| true);
    }
    // last, because it takes its notes back; labels do not keep a source from what it sent
    hidden_looks_like_nothing(&server, ("submitter", "submitter"), &things, |situation| situation == "source");
}
