//! Every endpoint: who may call it, and that the description names it.

use std::collections::BTreeSet;

use super::api::{NOBODY, assert_problem, get, server};

#[test]
fn health_needs_no_token_and_metrics_an_admin() {
    for path in ["/health/live", "/health/ready"] {
        let reply = get(path, "");
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.json()["status"], "ok", "{path}");
    }
    let openapi = get("/openapi.json", "");
    assert_eq!(openapi.status, 200);
    assert!(openapi.json()["openapi"].as_str().is_some_and(|version| version.starts_with("3.")));
    let metrics = get("/metrics", "admin");
    assert_eq!(metrics.status, 200);
    assert!(metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    for name in ["abstractor_jobs_waiting", "abstractor_notes", "abstractor_items_open", "abstractor_http_requests_total"] {
        assert!(metrics.text.contains(name), "{name} is missing in {}", metrics.text);
    }
}

/// Every endpoint of the description, and who passes: submitter, coder, lead, auditor, admin.
pub const ENDPOINTS: [(&str, &str, &str); 65] = [
    ("get", "/metrics", "....x"),
    ("post", "/v1/notes", "x...."),
    ("post", "/v1/notes/bulk", "x...."),
    ("post", "/v1/notes/{id}/retraction", "x...."),
    ("get", "/v1/notes/{id}", "xxx.."),
    ("get", "/v1/notes/{id}/text", "xxx.."),
    ("get", "/v1/notes/{id}/extraction", "xxx.."),
    ("get", "/v1/notes/{id}/fhir", "xxx.."),
    ("post", "/v1/extract", "xxx.."),
    ("post", "/v1/extract/bulk", "xxx.."),
    ("get", "/v1/review/items", ".xx.."),
    ("get", "/v1/review/items/{id}", ".xx.."),
    ("post", "/v1/review/items/{id}/claim", ".xx.."),
    ("post", "/v1/review/items/{id}/release", ".xx.."),
    ("post", "/v1/review/items/{id}/decisions", ".xx.."),
    ("post", "/v1/review/items/{id}/finish", ".xx.."),
    ("post", "/v1/review/items/{id}/reopen", "..x.."),
    ("post", "/v1/review/items/{id}/pend", ".xx.."),
    ("post", "/v1/review/items/{id}/escalate", ".xx.."),
    ("post", "/v1/review/items/{id}/assign", "..x.."),
    ("post", "/v1/review/items/{id}/remarks", ".xx.."),
    ("post", "/v1/review/items/{id}/break-glass", ".xx.x"),
    ("get", "/v1/review/reasons", ".xx.."),
    ("get", "/v1/review/teams", ".xx.."),
    ("get", "/v1/site-packs", "..x.x"),
    ("post", "/v1/site-packs", "..x.x"),
    ("get", "/v1/site-packs/{version}", "..x.x"),
    ("post", "/v1/site-packs/activate", "..x.x"),
    ("get", "/v1/review/query-templates", ".xx.."),
    ("get", "/v1/review/items/{id}/queries", "xxx.."),
    ("post", "/v1/review/items/{id}/queries", ".xx.."),
    ("post", "/v1/review/queries/{id}/revise", ".xx.."),
    ("post", "/v1/review/queries/{id}/send", ".xx.."),
    ("post", "/v1/review/queries/{id}/withdraw", ".xx.."),
    ("post", "/v1/review/queries/{id}/answer", "xxx.."),
    ("post", "/v1/review/queries/{id}/close", ".xx.."),
    ("get", "/v1/codes", ".xx.."),
    ("get", "/v1/codes/{code}", ".xx.."),
    ("get", "/v1/code-blocks", ".xx.."),
    ("get", "/v1/code-blocks/{range}", ".xx.."),
    ("get", "/v1/vocabularies", "xxxxx"),
    ("post", "/v1/vocabularies/reload", "....x"),
    ("post", "/v1/vocabularies/rollback", "....x"),
    ("get", "/v1/destinations", "....x"),
    ("post", "/v1/destinations", "....x"),
    ("post", "/v1/destinations/{name}/disable", "....x"),
    ("post", "/v1/destinations/{name}/enable", "....x"),
    ("get", "/v1/deliveries", "..x.x"),
    ("post", "/v1/deliveries/{id}/resend", "..x.x"),
    ("get", "/v1/messages", "..x.x"),
    ("post", "/v1/messages/{id}/replay", "..x.x"),
    ("post", "/cds-services/{id}", "xxx.."),
    ("get", "/v1/audit/events", "...x."),
    ("get", "/v1/audit/accesses", "...x."),
    ("get", "/v1/reports/work", "..xx."),
    ("get", "/v1/reports/thresholds", "..xx."),
    ("get", "/v1/learning/proposals", "..x.."),
    ("post", "/v1/learning/proposals/decisions", "..x.."),
    ("post", "/v1/learning/proposals/trials", "..x.."),
    ("get", "/v1/drift", "..xx."),
    ("get", "/v1/shadow-runs", "..xx."),
    ("get", "/v1/reports/engine", "..xx."),
    ("get", "/v1/reports/backlog", "..xx."),
    ("get", "/v1/reports/queries", "..xx."),
    ("get", "/v1/reports/population", "..xx."),
];

#[test]
fn every_endpoint_asks_for_a_token_and_a_role() {
    let roles = ["submitter", "coder", "lead", "auditor", "admin"];
    for (method, path, row) in ENDPOINTS {
        let query = if path == "/v1/codes" { "?query=gout" } else { "" };
        let address = format!(
            "{}{query}",
            path.replace("{id}", NOBODY)
                .replace("{code}", "E11.9")
                .replace("{range}", "I00-I99")
                .replace("{name}", "nowhere")
                .replace("{version}", "1")
        );
        let body: Option<&[u8]> = match (method, path.rsplit('/').next()) {
            ("get", _) => None,
            (_, Some("reopen" | "pend" | "escalate")) => Some(br#"{"reason":"other"}"#),
            (_, Some("assign")) => Some(br#"{"to":null}"#),
            (_, Some("remarks")) => Some(br#"{"comment":"seen"}"#),
            (_, Some("break-glass")) => Some(br#"{"reason":"other","comment":"seen"}"#),
            (_, Some("queries")) => Some(br#"{"template":""}"#),
            (_, Some("answer")) => Some(br#"{"provider":""}"#),
            (_, Some("close")) => Some(br#"{"effect":"no_change"}"#),
            (_, Some("withdraw" | "revise")) => Some(b"{}"),
            (_, Some("decisions")) if path.starts_with("/v1/learning") => Some(br#"{"verdict":"declined","proposals":[]}"#),
            (_, Some("trials")) => Some(br#"{"proposals":[]}"#),
            (_, Some("decisions")) => Some(br#"{"decisions":[]}"#),
            (_, Some("reload" | "rollback" | "retraction" | "replay")) => Some(b"{}"),
            (_, Some("site-packs")) => Some(br#"{"pack":{}}"#),
            (_, Some("activate")) => Some(br#"{"version":null}"#),
            (_, Some("destinations")) => Some(br#"{"name":"","events":[],"channel":{"kind":"webhook","url":""}}"#),
            _ if path.starts_with("/cds-services") => Some(br#"{"hook":"","hookInstance":"","context":{}}"#),
            _ => Some(br#"{"text":""}"#),
        };
        let method = method.to_uppercase();
        let reply = server().call(&method, &address, "", body);
        assert_problem(&reply, 401, "unauthorized", path);
        assert_eq!(reply.headers.get("www-authenticate").map(String::as_str), Some("Bearer"), "{path}");
        for (role, cell) in roles.into_iter().zip(row.chars()) {
            let reply = server().call(&method, &address, role, body);
            if cell == 'x' {
                assert!(![401, 403].contains(&reply.status) && reply.status < 500, "{role} {path}: {}", reply.text);
            } else {
                assert_problem(&reply, 403, "forbidden", &format!("{role} {path}"));
            }
        }
    }
}

#[test]
fn the_table_of_endpoints_is_that_of_the_description() {
    let openapi = get("/openapi.json", "").json();
    let mut described = BTreeSet::new();
    for (path, methods) in openapi["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            // open to everybody
            let is_open = ["/health/", "/oauth/", "/fhir/.well-known/"].iter().any(|open| path.starts_with(open))
                || path == "/cds-services";
            if !is_open {
                described.insert((method.as_str(), path.as_str()));
            }
        }
    }
    assert_eq!(described, ENDPOINTS.iter().map(|(method, path, _)| (*method, *path)).collect());
}
