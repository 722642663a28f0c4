//! Sign-in with a hospital's own provider, as a browser does it: against oidc-provider, which is certified and not by us.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{browser::Browser, server::Server};

/// What the provider and the service both know.
const SECRET: &str = "s%/+ ecret:of the tests";

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

/// The configuration of a service with a provider.
pub fn configuration(issuer: &str, more: &str) -> String {
    format!("[sign_in.oidc]\nissuer = \"{issuer}\"\nclient_id = \"abstractor\"\n{more}\n")
}

/// A running oidc-provider with its output, which it must be able to write to; ended when dropped.
struct Provider(Child, #[expect(dead_code, reason = "held open")] BufReader<ChildStdout>);

impl Provider {
    /// Starts one that knows a client of this service, with these further fields.
    fn start(place: (&str, u16), server: &Server, client: &[(&str, &str)]) -> Self {
        let mut known = json!({"client_id": "abstractor", "redirect_uris": [format!("{}/sign-in/oidc/callback", server.url)]});
        for (name, value) in client {
            known[*name] = json!(value);
        }
        let coders = json!({"groups": ["staff", "coders"]});
        let claims = json!({"coder": coders, "lead": coders, "stranger": coders, "gone": coders, "emr": coders, "auditor": {"groups": ["staff"]}});
        let given = json!({"host": place.0, "port": place.1, "clients": [known], "claims": claims});
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("node")
            .arg(root.join("tests/fixtures/peers/provider.mjs"))
            .arg(root.join("target/peers-node/node_modules"))
            .arg(given.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is installed");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "listening", "`tests/run` installs oidc-provider");
        Self(child, output)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A page as it came.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it was found, after redirects.
    pub address: String,
    /// Status.
    pub status: u16,
    /// What the answer sets, and the others before it.
    pub set_cookies: Vec<String>,
    /// Body.
    pub text: String,
}

impl Page {
    /// What stands between two texts of it.
    pub fn between(&self, start: &str, end: &str) -> Option<&str> {
        self.text.split_once(start)?.1.split_once(end).map(|(between, _)| between)
    }

    /// Where it goes on to by itself.
    pub fn goes_on_to(&self) -> Option<&str> {
        self.between("<meta http-equiv=\"refresh\" content=\"0; url=", "\">")
    }
}

struct Cookie {
    value: String,
    path: String,
    is_strict: bool,
}

/// A browser without scripts. It keeps the cookies of each site (here: each address and port), and sends those of `SameSite=Strict` only where
/// nothing but pages of that site led.
pub struct Visitor {
    agent: ureq::Agent,
    cookies: BTreeMap<(String, String), Cookie>,
}

/// Scheme, name and port.
fn site(address: &str) -> String {
    address.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn joined(base: &str, place: &str) -> String {
    if place.starts_with('/') { format!("{}{place}", site(base)) } else { place.to_owned() }
}

impl Visitor {
    pub fn new() -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self { agent, cookies: BTreeMap::new() }
    }

    /// Types an address.
    pub fn open(&mut self, address: &str) -> Page {
        self.navigate(&site(address), address, None)
    }

    /// Follows a link of a page, or goes on as the page does by itself.
    pub fn follow(&mut self, page: &Page, place: &str) -> Page {
        self.navigate(&site(&page.address), &joined(&page.address, place), None)
    }

    /// Posts a form of a page.
    pub fn post(&mut self, page: &Page, place: &str, form: &[(&str, &str)]) -> Page {
        self.navigate(&site(&page.address), &joined(&page.address, place), Some(form))
    }

    fn navigate(&mut self, from: &str, address: &str, mut form: Option<&[(&str, &str)]>) -> Page {
        let (mut address, mut set_cookies) = (address.to_owned(), Vec::new());
        let mut is_crossed = site(&address) != from;
        for _ in 0..20 {
            let cookies = self.cookies_for(&address, is_crossed);
            let answer = match form.take() {
                Some(form) => self.agent.post(&address).header("cookie", &cookies).send_form(form.iter().copied()),
                None => self.agent.get(&address).header("cookie", &cookies).call(),
            };
            let mut answer = answer.unwrap_or_else(|error| panic!("{address}: {error}"));
            for cookie in answer.headers().get_all("set-cookie") {
                let cookie = cookie.to_str().expect("text").to_owned();
                self.keep(&address, &cookie);
                set_cookies.push(cookie);
            }
            let place = answer.headers().get("location").map(|place| place.to_str().expect("text").to_owned());
            let status = answer.status().as_u16();
            match place.filter(|_| (300..400).contains(&status)) {
                Some(place) => {
                    let next = joined(&address, &place);
                    is_crossed |= site(&next) != site(&address);
                    address = next;
                }
                None => {
                    let text = answer.body_mut().with_config().limit(50_000_000).read_to_string().expect("a page");
                    return Page { address, status, set_cookies, text };
                }
            }
        }
        panic!("{address} leads nowhere");
    }

    fn cookies_for(&self, address: &str, is_crossed: bool) -> String {
        let (site, path) = (site(address), path_of(address));
        let sent = self
            .cookies
            .iter()
            .filter(|((of, _), cookie)| *of == site && path.starts_with(&cookie.path) && !(cookie.is_strict && is_crossed));
        sent.map(|((_, name), cookie)| format!("{name}={}", cookie.value)).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, address: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a name and a value");
        let attributes: Vec<(String, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        let attribute = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let is_over = attribute("max-age") == Some("0") || attribute("expires").is_some_and(|end| end.contains(" 1970 "));
        let key = (site(address), name.to_owned());
        if is_over {
            self.cookies.remove(&key);
        } else {
            let is_strict = attribute("samesite").is_some_and(|value| value.eq_ignore_ascii_case("strict"));
            let path = attribute("path").unwrap_or("/").to_owned();
            self.cookies.insert(key, Cookie { value: value.to_owned(), path, is_strict });
        }
    }

    /// The value of a cookie of a site.
    pub fn cookie(&self, address: &str, name: &str) -> Option<String> {
        self.cookies.get(&(site(address), name.to_owned())).map(|cookie| cookie.value.clone())
    }

    /// Fills the forms of the provider in, until its pages end.
    fn let_in(&mut self, mut page: Page, name: &str) -> Page {
        for _ in 0..4 {
            let Some(prompt) = page.between("name=\"prompt\" value=\"", "\"").map(str::to_owned) else { break };
            let action = page.between("action=\"", "\"").expect("a form").to_owned();
            page = self.post(&page, &action, &[("prompt", &prompt), ("login", name), ("password", "x")]);
        }
        page
    }
}

fn path_of(address: &str) -> String {
    format!("/{}", address.splitn(4, '/').nth(3).unwrap_or_default())
}

/// The audit events of signing in: action, detail, actor.
pub fn sign_ins(server: &Server) -> Vec<(String, String, String)> {
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let events = server.events().into_iter().filter(|event| text(event, "action").starts_with("sign_in."));
    events.map(|event| (text(&event, "action"), text(&event, "detail"), text(&event, "actor"))).collect()
}

fn event(action: &str, detail: &str, actor: &str) -> (String, String, String) {
    (action.to_owned(), detail.to_owned(), actor.to_owned())
}

fn with_secret(folder: &Path) {
    std::fs::write(folder.join("oidc.secret"), format!("{SECRET}\n")).expect("is written");
}

#[test]
fn a_coder_signs_in_and_out_with_the_hospitals_provider() {
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let server = Server::serve(&configuration(&issuer, "client_secret_file = \"oidc.secret\""), with_secret);
    // every start has new keys under new names: those that the server read before sign nobody in
    for algorithm in ["RS256", "PS256", "ES384"] {
        let client = [("client_secret", SECRET), ("id_token_signed_response_alg", algorithm)];
        let _provider = Provider::start(("127.0.0.1", port), &server, &client);
        let mut visitor = Visitor::new();
        let page = visitor.open(&format!("{}/sign-in?next=%2Fqueue%3Fstate%3Dall", server.url));
        let link = page.between("class=\"button primary\" href=\"", "\"").expect("a link to the provider").to_owned();
        assert_eq!(link, "/sign-in/oidc?next=%2Fqueue%3Fstate%3Dall");
        let page = visitor.follow(&page, &link);
        assert!(page.address.starts_with(&issuer) && page.status == 200, "{page:?}");
        let attempt = page.set_cookies.iter().find(|cookie| cookie.starts_with("abstractor_sign_in=")).expect("an attempt");
        for word in ["HttpOnly", "SameSite=Lax", "Path=/sign-in/oidc", "Max-Age=600"] {
            assert!(attempt.contains(word), "{attempt}");
        }
        let page = visitor.let_in(page, "coder");
        assert_eq!(page.status, 200, "{algorithm}: {} {}", page.text, server.log());
        assert_eq!(page.goes_on_to(), Some("/queue?state=all"));
        let session = page.set_cookies.iter().find(|cookie| cookie.starts_with("abstractor_session=")).expect("a session");
        assert!(session.contains("HttpOnly") && session.contains("SameSite=Strict"), "{session}");
        assert_eq!(visitor.cookie(&server.url, "abstractor_sign_in"), None, "an attempt is forgotten");
        // what the other site leads to comes without the session: that is why the page of ours is there
        let led = visitor.navigate(&issuer, &format!("{}/queue", server.url), None);
        assert!(led.address.ends_with("/sign-in"), "{}", led.address);
        let queue = visitor.follow(&page, page.goes_on_to().expect("an address"));
        assert_eq!((queue.status, queue.address.as_str()), (200, format!("{}/queue?state=all", server.url).as_str()));
        assert!(queue.between("<p class=\"who\">", " <").is_some_and(|name| name == "coder"), "{}", queue.text);

        let form_token = queue.between("name=\"form_token\" value=\"", "\"").expect("a form").to_owned();
        let left = visitor.post(&queue, "/sign-out", &[("form_token", &form_token)]);
        assert!(left.status == 200 && left.text.contains("href=\"/sign-in/oidc/end\""), "{}", left.text);
        assert!(visitor.follow(&left, "/queue").address.ends_with("/sign-in"), "the session is over");
        let end = visitor.follow(&left, "/sign-in/oidc/end");
        assert_eq!((end.status, end.address), (200, format!("{issuer}/session/end?client_id=abstractor")));
    }
    assert_eq!(sign_ins(&server), vec![event("sign_in.succeeded", "oidc", "coder"); 3]);
}

#[test]
fn a_public_client_has_pkce_in_place_of_a_secret() {
    let port = free_port();
    let server = Server::serve(&configuration(&format!("http://127.0.0.1:{port}"), ""), |_| {});
    let client = [("token_endpoint_auth_method", "none"), ("id_token_signed_response_alg", "ES256")];
    let _provider = Provider::start(("127.0.0.1", port), &server, &client);
    let mut visitor = Visitor::new();
    let page = visitor.open(&format!("{}/sign-in/oidc", server.url));
    let page = visitor.let_in(page, "lead");
    assert_eq!((page.status, page.goes_on_to()), (200, Some("/queue")), "{} {}", page.text, server.log());
    assert!(visitor.follow(&page, "/settings").text.contains("lead"));
}

#[test]
fn who_has_no_account_here_is_told_so_and_nothing_more() {
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let more = "client_secret_file = \"oidc.secret\"\nscopes = [\"openid\", \"profile\", \"groups\"]\nrequired_claims = { groups = \"coders\" }";
    let server = Server::serve(&configuration(&issuer, more), with_secret);
    server.tool("user", &["add", "gone", "--role", "coder"]);
    server.tool("user", &["disable", "gone"]);
    let _provider = Provider::start(("127.0.0.1", port), &server, &[("client_secret", SECRET)]);
    let mut told = Vec::new();
    for (name, word) in
        [("stranger", "unknown_user"), ("gone", "disabled_user"), ("emr", "no_pages"), ("auditor", "claim_missing")]
    {
        let mut visitor = Visitor::new();
        let page = visitor.open(&format!("{}/sign-in/oidc", server.url));
        let page = visitor.let_in(page, name);
        assert_eq!(page.status, 403, "{name}: {}", page.text);
        assert!(page.text.contains("role=\"alert\"") && !page.text.contains(name), "{}", page.text);
        assert_eq!(visitor.cookie(&server.url, "abstractor_session"), None, "{name}");
        assert_eq!(sign_ins(&server).last(), Some(&event("sign_in.failed", &format!("oidc: {word}"), "service")));
        told.push(page.text);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "which of the reasons it is, nobody reads on the page");
    assert_eq!(server.tool("user", &["list"]).lines().filter(|line| line.contains("stranger")).count(), 0, "nobody is made");

    let mut visitor = Visitor::new();
    let page = visitor.open(&format!("{}/sign-in/oidc", server.url));
    let action = page.between("action=\"", "\"").expect("a form").to_owned();
    let page = visitor.follow(&page, &format!("{action}/abort"));
    assert!(page.status == 403 && !page.text.contains("aborted"), "{}", page.text);
    assert_eq!(sign_ins(&server).last(), Some(&event("sign_in.failed", "oidc: refused_by_provider", "service")));
    let page = visitor.open(&format!("{}/sign-in/oidc", server.url));
    assert_eq!(visitor.let_in(page, "lead").status, 200, "who has the group is let in: {}", server.log());
}

/// In a real browser `localhost` and `127.0.0.1` are two sites.
#[test]
fn a_browser_comes_back_from_another_site_with_its_session() {
    let port = free_port();
    let issuer = format!("http://localhost:{port}");
    let server = Server::serve(&configuration(&issuer, "client_secret_file = \"oidc.secret\"\nonly = true"), with_secret);
    let _provider = Provider::start(("localhost", port), &server, &[("client_secret", SECRET)]);
    let browser = Browser::start(900);
    browser.open(&format!("{}/sign-in", server.url));
    assert_eq!(browser.accessibility(), [""; 0]);
    browser.click("a.button");
    browser.fill("input[name=login]", "coder");
    browser.fill("input[name=password]", "x");
    browser.click("button[type=submit]");
    browser.wait_for("document.querySelector('input[name=prompt][value=consent]') !== null");
    browser.click("button[type=submit]");
    browser.wait_for("location.pathname === '/queue'");
    assert!(browser.text("p.who").contains("coder"));
}

#[test]
fn a_provider_that_is_away_is_told_and_a_code_works_meanwhile() {
    let server = Server::serve(&configuration(&format!("http://127.0.0.1:{}", free_port()), "only = true"), |_| {});
    let mut visitor = Visitor::new();
    let page = visitor.open(&format!("{}/sign-in/oidc", server.url));
    assert_eq!((page.status, page.goes_on_to()), (503, None), "{}", page.text);
    assert!(page.text.contains("role=\"alert\"") && page.text.contains("id=\"code\""), "{}", page.text);
    let refused = visitor.post(&page, "/sign-in", &[("code", &server.tokens["coder"])]);
    assert_eq!(refused.status, 401, "a token is no code where the provider is the only way");
    assert_eq!(visitor.cookie(&server.url, "abstractor_session"), None);
    let code = server.tool("user", &["sign-in", "coder"]);
    let queue = visitor.post(&page, "/sign-in", &[("code", code.trim())]);
    assert!(queue.status == 200 && queue.address.ends_with("/queue"), "{}", queue.address);
    let end = visitor.open(&format!("{}/sign-in/oidc/end", server.url));
    assert_eq!(end.status, 503);
    assert_eq!(server.call("GET", "/health/ready", "", None).status, 200, "the service is ready without its provider");
}

#[test]
fn without_a_provider_there_is_no_such_sign_in() {
    let server = Server::serve("", |_| {});
    let mut visitor = Visitor::new();
    let page = visitor.open(&format!("{}/sign-in", server.url));
    assert!(page.status == 200 && !page.text.contains("/sign-in/oidc"), "{}", page.text);
    for path in ["/sign-in/oidc", "/sign-in/oidc/callback?code=a&state=b", "/sign-in/oidc/end"] {
        assert_eq!(visitor.open(&format!("{}{path}", server.url)).status, 404, "{path}");
    }
}
