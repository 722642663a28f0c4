//! Every address of a running server: the endpoints of its description, those of FHIR, and the pages, which are read from their routes.

use std::{path::Path, time::Duration};

use regex::Regex;

use super::{
    api::NOBODY,
    fhir_api,
    server::{Reply, Server},
};

/// An address and how it is asked; what stands in braces in a route is filled in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Method, in capitals.
    pub method: String,
    /// As the router has it.
    pub pattern: String,
}

impl Route {
    fn new(method: &str, pattern: &str) -> Self {
        Self { method: method.to_uppercase(), pattern: pattern.to_owned() }
    }

    /// The address with an id, or a word, in the place of what varies.
    pub fn address(&self, id: &str) -> String {
        let named = [("{code}", "E11.9"), ("{range}", "I00-I99"), ("{name}", "nowhere")];
        let filled = named.iter().fold(self.pattern.clone(), |path, (name, word)| path.replace(name, word));
        Regex::new(r"\{\w+\}").expect("a pattern").replace_all(&filled, id).into_owned()
    }
}

/// What a page's router takes: read from the sources, so that a new page is among them by itself.
pub fn pages() -> Vec<Route> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let place = Regex::new(r#"\.route\(\s*"([^"]+)""#).expect("a pattern");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the pages") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        let routes: Vec<_> = place.captures_iter(&source).collect();
        for (at, route) in routes.iter().enumerate() {
            let (whole, pattern) = (route.get(0).expect("all of it"), &route[1]);
            let next = routes.get(at + 1).map_or(source.len(), |next| next.get(0).expect("all of it").start());
            let handlers = source[whole.end()..next].split("\n        .").next().unwrap_or_default();
            found.extend(
                ["get", "post"]
                    .into_iter()
                    .filter(|method| handlers.contains(&format!("{method}(")))
                    .map(|method| Route::new(method, pattern)),
            );
        }
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 50, "the routes of the pages are written in another way: {found:?}");
    for known in [("GET", "/items/{id}"), ("POST", "/queries/{id}/answer"), ("GET", "/reference"), ("POST", "/sign-out")] {
        assert!(found.contains(&Route::new(known.0, known.1)), "{known:?} is not among {found:?}");
    }
    found
}

/// Every endpoint of the description, and of FHIR.
pub fn endpoints(server: &Server) -> Vec<Route> {
    let description = server.call("GET", "/openapi.json", "", None).json();
    let mut found = vec![Route::new("get", "/openapi.json")];
    for (path, methods) in description["paths"].as_object().expect("paths") {
        found.extend(methods.as_object().expect("methods").keys().map(|method| Route::new(method, path)));
    }
    found.extend(fhir_api::ADDRESSES.iter().map(|(method, path, _)| Route::new(method, path)));
    found.push(Route::new("get", "/fhir/metadata"));
    found
}

/// A request whose answer is taken as it comes: no redirect is followed.
pub struct Asked<'a> {
    pub method: &'a str,
    pub address: &'a str,
    pub headers: Vec<(&'a str, String)>,
    pub body: Option<&'a [u8]>,
}

/// The very answer to a request.
pub fn answer(server: &Server, asked: &Asked<'_>) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(asked.method).uri(format!("{}{}", server.url, asked.address));
    for (name, value) in &asked.headers {
        request = request.header(*name, value);
    }
    let sent = match asked.body {
        Some(body) => agent.run(request.body(body).expect("a request")),
        None => agent.run(request.body(()).expect("a request")),
    };
    let mut response = sent.unwrap_or_else(|error| panic!("{} {}: {error}", asked.method, asked.address));
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let text = response.body_mut().with_config().limit(50_000_000).lossy_utf8(true).read_to_string().expect("a body");
    Reply { status: response.status().as_u16(), headers, text }
}

/// Signs a role in and gives the header of its session.
pub fn session(server: &Server, role: &str) -> String {
    let form = format!("code={}", server.tokens[role]);
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let asked = Asked { method: "POST", address: "/sign-in", headers, body: Some(form.as_bytes()) };
    let reply = answer(server, &asked);
    assert_eq!(reply.status, 303, "{role}: {}", reply.text);
    reply.headers["set-cookie"].split(';').next().expect("a value").to_owned()
}

/// An id that nothing has.
pub const NOTHING: &str = NOBODY;
