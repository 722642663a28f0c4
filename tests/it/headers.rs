//! What every answer says to browsers: every address is asked by everybody, and no answer is without it.

use super::{
    routes::{Asked, NOTHING, Route, answer, endpoints, pages, session},
    server::{Reply, Server},
};

const ROLES: [&str; 5] = ["submitter", "coder", "lead", "auditor", "admin"];

fn assert_protected(reply: &Reply, what: &str) {
    let header = |name: &str| reply.headers.get(name).map_or("", String::as_str);
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{what}: {policy:?}");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy:?}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("x-frame-options"), "DENY", "{what}");
    assert!(["no-referrer", "same-origin"].contains(&header("referrer-policy")), "{what}");
    assert!(header("permissions-policy").contains("camera=()"), "{what}");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{what}");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
    let is_asset = what.contains("/assets/") && reply.status == 200;
    if !is_asset {
        assert_eq!(header("cache-control"), "no-store", "{what}");
    }
    assert!(!reply.headers.contains_key("server") && !reply.headers.contains_key("x-powered-by"), "{what}");
    let opened: Vec<&String> = reply.headers.keys().filter(|name| name.starts_with("access-control-")).collect();
    assert!(opened.is_empty(), "{what}: {opened:?}");
}

/// Asks and checks; gives the answer.
fn checked(server: &Server, route: &Route, who: &[(&'static str, String)]) -> Reply {
    let address = route.address(NOTHING);
    let mut headers = vec![("origin", "https://elsewhere.example".to_owned())];
    headers.extend(who.iter().cloned());
    let body: Option<&[u8]> = if ["POST", "PUT"].contains(&route.method.as_str()) { Some(b"{}") } else { None };
    if body.is_some() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    let asked = Asked { method: &route.method, address: &address, headers, body };
    let reply = answer(server, &asked);
    let name = who.first().map_or("nobody", |(name, _)| name);
    assert_protected(&reply, &format!("{} {address} by {name}: {}", route.method, reply.status));
    reply
}

#[test]
fn every_answer_is_protected() {
    let server = Server::empty();
    let bearer = |role: &str| ("authorization", format!("Bearer {}", server.tokens[role]));
    let sessions = ["coder", "lead", "auditor", "admin"].map(|role| ("cookie", session(&server, role)));
    let stray = [
        ("GET", "/nowhere"),
        ("GET", "/v1/nowhere"),
        ("GET", "/fhir/Nothing"),
        ("DELETE", "/v1/notes"),
        ("GET", "/a%00b"),
        ("BREW", "/queue"),
    ];
    let stray = stray.map(|(method, pattern)| Route { method: method.to_owned(), pattern: pattern.to_owned() });
    for route in endpoints(&server).into_iter().chain(pages()).chain(stray) {
        checked(&server, &route, &[]);
        for role in ROLES {
            // a reload of vocabularies and the like is refused to an empty body or has nothing to do
            checked(&server, &route, &[bearer(role)]);
        }
        // signing out would end the session
        if route.pattern != "/sign-out" {
            for session in &sessions {
                checked(&server, &route, std::slice::from_ref(session));
            }
        }
        let preflight = Route { method: "OPTIONS".to_owned(), ..route.clone() };
        let reply = checked(&server, &preflight, &[("access-control-request-method", route.method.clone())]);
        assert!(reply.status >= 400, "a preflight of {} is answered with {}", route.pattern, reply.status);
    }
    let page = server.call("GET", "/sign-in", "", None);
    let style = page.text.split('"').find(|part| part.starts_with("/assets/")).expect("a style sheet");
    let asset = server.call("GET", style, "", None);
    assert_eq!(asset.status, 200);
    assert_protected(&asset, style);
    assert!(!asset.headers.contains_key("strict-transport-security"), "over plain HTTP it says nothing of HTTPS");
}

#[test]
fn what_is_refused_before_a_route_is_protected_too() {
    let server = Server::serve("public_url = \"https://abstractor.example\"\n[limits]\nrequests_per_second = 1\n", |_| {});
    let mut slowed = 0;
    for _ in 0..5 {
        let reply = server.call("GET", "/v1/vocabularies", "coder", None);
        assert_protected(&reply, &format!("{}", reply.status));
        // who is reached by HTTPS says so, also where a proxy ends it
        assert_eq!(reply.headers["strict-transport-security"], "max-age=31536000");
        slowed += u32::from(reply.status == 429);
    }
    assert!(slowed > 0);
    let large = format!("{{\"text\":\"{}\"}}", "a".repeat(1_000_001));
    let reply = server.call("POST", "/v1/notes", "submitter", Some(large.as_bytes()));
    assert_eq!(reply.status, 413, "{}", reply.text);
    assert_protected(&reply, "a body that is too large");
}
