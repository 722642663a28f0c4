//! How people are let in, from outside: the first administrator, passwords, the second factor, how sessions end, and the proof that what arranges
//! the site asks for.

use std::{collections::BTreeMap, path::Path, time::Duration};

use abstractor::auth::OneTimeSecret;

use crate::{
    browser::Browser,
    faults::{clock_library, set_clock},
    server::{Server, Start, program, wait_until},
};

const PASSWORD: &str = "four small boats";
/// What is said where the first administrator is awaited.
const SAID: &str = "Nobody has signed in as an administrator yet";
/// Key of WebDriver.
const ENTER: &str = "\u{e007}";

/// Somebody without a browser.
struct Visitor {
    url: String,
    cookie: String,
    /// What a proxy says of where they come from; not sent when empty.
    hops: String,
}

/// What came back.
struct Answer {
    status: u16,
    place: String,
    cookie: String,
    after: String,
    html: String,
}

impl Visitor {
    fn new(server: &Server) -> Self {
        Self { url: server.url.clone(), cookie: String::new(), hops: String::new() }
    }

    /// Somebody behind a proxy, which says from where.
    fn from(server: &Server, hops: &str) -> Self {
        Self { hops: hops.to_owned(), ..Self::new(server) }
    }

    fn send(&self, path: &str, form: Option<&[(&str, &str)]>) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let address = format!("{}{path}", self.url);
        let hops = if self.hops.is_empty() { "x-nothing" } else { "x-forwarded-for" };
        let answer = match form {
            Some(form) => {
                let request = agent.post(&address).header("cookie", &self.cookie).header(hops, &self.hops);
                request.send_form(form.iter().copied())
            }
            None => agent.get(&address).header("cookie", &self.cookie).header(hops, &self.hops).call(),
        };
        let mut answer = answer.expect("the server answers");
        let header =
            |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default();
        let (place, cookie, after) = (header("location"), header("set-cookie"), header("retry-after"));
        let status = answer.status().as_u16();
        Answer { status, place, cookie, after, html: answer.body_mut().read_to_string().expect("a page") }
    }

    fn get(&self, path: &str) -> Answer {
        self.send(path, None)
    }

    /// Posts a form of a page, with the token that the page carries.
    fn post(&self, page: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let html = self.get(page).html;
        let token = between(&html, "name=\"form_token\" value=\"").to_owned();
        self.send(path, Some(&[&[("form_token", token.as_str())], form].concat()))
    }

    /// Takes the cookie of an answer that lets them in.
    fn take(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 303, "{}", answer.html);
        self.cookie = answer.cookie.split(';').next().expect("a cookie").to_owned();
    }

    fn sign_in_by_code(&mut self, code: &str) -> String {
        let answer = self.send("/sign-in", Some(&[("code", code)]));
        self.take(&answer);
        answer.cookie
    }

    fn try_password(&self, name: &str, password: &str) -> Answer {
        self.send("/sign-in", Some(&[("name", name), ("password", password), ("code", "")]))
    }

    fn set_password(&self) {
        let form = [("before", ""), ("password", PASSWORD), ("again", PASSWORD)];
        let answer = self.post("/account", "/account/password", &form);
        assert_eq!((answer.status, answer.place.as_str()), (303, "/account?notice=password"), "{}", answer.html);
    }
}

fn between<'a>(html: &'a str, start: &str) -> &'a str {
    html.split_once(start).unwrap_or_else(|| panic!("{start} is missing in {html}")).1.split('"').next().expect("an end")
}

#[expect(clippy::disallowed_methods, reason = "an authenticator app looks at the clock")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The bytes that a secret of an app stands for.
fn secret_of(text: &str) -> OneTimeSecret {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("a letter of base32");
        held = held << 5 | u32::try_from(value).expect("is small");
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 255).expect("a byte"));
        }
    }
    OneTimeSecret::of(bytes)
}

/// What a server with a clock of its own needs.
fn with_clock(clock: &Path) -> Start {
    set_clock(clock, "+0");
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

#[test]
fn the_first_administrator_is_told_a_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    std::fs::write(path.join("abstractor.toml"), "").expect("is written");
    let key = path.join("demo.key");
    assert!(program(&["key", "generate", key.to_str().expect("a plain path")], b"").status.success());
    let mut server = Server::serve_on(Start::default(), &path, BTreeMap::new(), Some(folder));
    let codes = |server: &Server| {
        let log = server.log();
        let codes = log.lines().map(str::trim).filter(|line| line.starts_with("abs_")).map(str::to_owned);
        codes.collect::<Vec<_>>()
    };
    let told = |server: &Server, count: usize| {
        wait_until("the code is told", Duration::from_secs(10), || codes(server).len() == count);
        assert!(server.log().contains(SAID) && server.log().contains("/sign-in"));
    };
    told(&server, 1);
    for line in server.log().lines().filter(|line| line.starts_with('{')) {
        assert!(!line.contains("abs_"), "no log line has a code: {line}");
    }
    // nobody has used it: another one at the next start
    server.kill();
    let mut server = server.restarted();
    told(&server, 2);
    let mut admin = Visitor::new(&server);
    admin.sign_in_by_code(&codes(&server)[1]);
    assert_eq!(admin.get("/settings/people").status, 200);
    assert!(admin.get("/settings/people").html.contains("/settings/people/admin"));
    assert_eq!(admin.send("/sign-in", Some(&[("code", &codes(&server)[1])])).status, 401, "it works once");
    server.kill();
    let server = server.restarted();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(codes(&server).len(), 2, "an administrator has signed in");

    // not where users are
    let other = Server::serve("", |_| {});
    std::thread::sleep(Duration::from_millis(500));
    assert!(!other.log().contains(SAID) && !other.log().contains("abs_"));
}

#[test]
fn a_password_lets_in_and_failures_tell_nothing_of_names() {
    let server = Server::empty();
    let mut ada = Visitor::new(&server);
    let cookie = ada.sign_in_by_code(&server.tool("user", &["sign-in", "demo-coder"]));
    for word in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(cookie.starts_with("abstractor_session=") && !cookie.contains("Secure"), "over plain HTTP: {cookie}");
    ada.set_password();
    assert_eq!(ada.get("/queue").status, 200);
    let answer = ada.try_password("demo-coder", PASSWORD);
    assert_eq!((answer.status, answer.place.as_str()), (303, "/queue"));
    let before = std::mem::take(&mut ada.cookie);
    ada.take(&answer);
    assert_ne!(ada.cookie, before);

    // somebody and nobody: the same words, the same waits
    let without_names = |html: &str, name: &str| html.replace(&format!("value=\"{name}\""), "");
    let tries = |name: &str| {
        let mut answers = Vec::new();
        for _ in 0..6 {
            let answer = ada.try_password(name, "wrong wrong wrong");
            let after: u64 = answer.after.parse().unwrap_or_default();
            answers.push((
                answer.status,
                after > 0,
                without_names(&answer.html, name).replace(&format!("{after} seconds"), ""),
            ));
        }
        answers
    };
    let (known, unknown) = (tries("demo-coder"), tries("no-such-person"));
    assert_eq!(known.iter().map(|answer| answer.0).collect::<Vec<_>>(), [401, 401, 401, 401, 401, 429]);
    assert_eq!(known, unknown);
    assert_eq!(ada.try_password("demo-coder", PASSWORD).status, 429, "the right one waits too");
    // a code works all the same
    Visitor::new(&server).sign_in_by_code(&server.tool("user", &["sign-in", "demo-coder"]));
    assert_eq!(ada.try_password("demo-coder", PASSWORD).status, 303);

    // the operator unlocks, and takes a password away
    for _ in 0..5 {
        ada.try_password("demo-coder", "wrong wrong wrong");
    }
    assert_eq!(ada.try_password("demo-coder", PASSWORD).status, 429);
    server.tool("user", &["unlock", "demo-coder"]);
    assert_eq!(ada.try_password("demo-coder", PASSWORD).status, 303);
    server.tool("user", &["remove-password", "demo-coder"]);
    assert_eq!(ada.try_password("demo-coder", PASSWORD).status, 401);
    assert_eq!(ada.get("/queue").place, "/sign-in", "sessions end with it");
    assert!(!server.try_tool("user", &["unlock", "no-such-person"]).status.success());

    let events = server.events();
    let told = |action: &str| events.iter().filter(|event| event["action"] == action).collect::<Vec<_>>();
    for action in
        ["sign_in.succeeded", "sign_in.failed", "sign_in.locked", "sign_in.unlocked", "password.changed", "password.removed"]
    {
        assert!(!told(action).is_empty(), "{action}");
    }
    let all = serde_json::to_string(&events).expect("is written");
    assert!(!all.contains("no-such-person") && !all.contains("wrong wrong") && !all.contains("argon2"));
}

#[test]
fn a_second_factor_is_asked_for() {
    let server = Server::serve("[sign_in]\nsecond_factor = [\"coder\"]\n", |_| {});
    let mut coder = Visitor::new(&server);
    coder.sign_in_by_code(&server.tool("user", &["sign-in", "coder"]));
    assert_eq!(coder.get("/queue").place, "/account?problem=factor_needed");
    coder.set_password();
    assert_eq!(coder.post("/account", "/account/factor", &[]).status, 303);
    let page = coder.get("/account").html;
    let secret = secret_of(page.split_once("<code id=\"secret\">").expect("a secret").1.split('<').next().expect("its end"));
    assert!(page.contains("data:image/svg+xml;base64,"));
    let code = secret.code_at(now());
    let confirmed = coder.post("/account", "/account/factor/confirm", &[("code", &code)]);
    assert_eq!(confirmed.status, 200, "{}", confirmed.html);
    let recovery =
        confirmed.html.split_once("id=\"recovery-codes\"><li><code>").expect("codes").1.split('<').next().expect("one");
    assert_eq!(coder.get("/queue").status, 200);

    let mut again = Visitor::new(&server);
    let first = again.try_password("coder", PASSWORD);
    assert_eq!((first.status, first.cookie.as_str()), (200, ""), "no session yet");
    let step = between(&first.html, "name=\"step\" value=\"").to_owned();
    // a code that was shown is used up; it is the next one's turn
    let replayed = again.send("/sign-in/second", Some(&[("step", &step), ("code", "000000")]));
    assert_eq!(replayed.status, 401);
    assert!(replayed.html.contains("role=\"alert\""));
    let answer = again.send("/sign-in/second", Some(&[("step", &step), ("code", recovery)]));
    assert_eq!(answer.place, "/queue");
    again.take(&answer);
    assert_eq!(again.get("/queue").status, 200);
    let first = again.try_password("coder", PASSWORD);
    let step = between(&first.html, "name=\"step\" value=\"").to_owned();
    assert_eq!(again.send("/sign-in/second", Some(&[("step", &step), ("code", recovery)])).status, 401, "once");

    // the phone is lost: the operator takes the factor away, and a new one is to be set up
    server.tool("user", &["remove-factor", "coder"]);
    assert_eq!(again.get("/queue").place, "/sign-in");
    let answer = again.try_password("coder", PASSWORD);
    again.take(&answer);
    assert_eq!(again.get("/queue").place, "/account?problem=factor_needed");
    let events = server.events();
    for action in ["second_factor.added", "second_factor.removed"] {
        assert!(events.iter().any(|event| event["action"] == action), "{action}");
    }
}

#[test]
fn sessions_end_and_proofs_grow_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    let configuration =
        "public_url = \"https://abstractor.hospital.example\"\n[sign_in]\nidle_minutes = 30\nsession_hours = 2\n";
    let server = Server::serve_as(with_clock(&clock), configuration, |_| {});
    let mut admin = Visitor::new(&server);
    let cookie = admin.sign_in_by_code(&server.tool("user", &["sign-in", "admin"]));
    assert!(cookie.starts_with("__Host-abstractor_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(cookie.contains("Max-Age=7200"), "{cookie}");
    admin.set_password();

    // twenty minutes later it asks whether it is still them, and goes on with what was typed
    set_clock(&clock, "+20m");
    let form = [("name", "kim"), ("role", "coder"), ("department", "Cardiology")];
    let asked = admin.post("/settings/people", "/settings/people", &form);
    assert_eq!(asked.status, 403);
    assert!(asked.html.contains("name=\"department\" value=\"Cardiology\""), "{}", asked.html);
    let proof = |password: &'static str| {
        [&form[..], &[("proof_to", "/settings/people"), ("proof_password", password), ("proof_code", "")]].concat()
    };
    assert_eq!(admin.post("/account", "/account/confirm", &proof("wrong wrong wrong")).status, 422);
    let goes_on = admin.post("/account", "/account/confirm", &proof(PASSWORD));
    assert_eq!((goes_on.status, goes_on.place.as_str()), (307, "/settings/people"));
    let added = admin.post("/account", "/settings/people", &proof(PASSWORD));
    assert_eq!((added.status, added.place.as_str()), (303, "/settings/people/kim?notice=person_added"));

    // idle
    set_clock(&clock, "+49m");
    assert_eq!(admin.get("/settings").status, 200);
    set_clock(&clock, "+80m");
    assert_eq!(admin.get("/settings").place, "/sign-in");
    // and in the end, however busy
    let answer = admin.try_password("admin", PASSWORD);
    admin.take(&answer);
    for minutes in ["+100m", "+120m", "+140m", "+160m", "+180m", "+199m"] {
        set_clock(&clock, minutes);
        assert_eq!(admin.get("/settings").status, 200, "{minutes}");
    }
    set_clock(&clock, "+201m");
    assert_eq!(admin.get("/settings").place, "/sign-in");
}

#[test]
fn an_address_that_fails_too_often_waits_whatever_it_tries() {
    let proxied = "[sign_in]\nfailures_per_address = 3\n[tls]\nbehind_proxy = true\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let server = Server::serve(proxied, |_| {});
    let code = server.tool("user", &["sign-in", "coder"]);
    // three accounts once each, so that none of them waits
    let attacker = Visitor::from(&server, "203.0.113.7");
    for name in ["coder", "nobody"] {
        assert_eq!(attacker.try_password(name, "a wrong password").status, 401, "{name}");
    }
    let wrong = "abs_0000000000000000000000000000000000000000000";
    assert_eq!(attacker.send("/sign-in", Some(&[("code", wrong)])).status, 401);
    let refused = |answer: &Answer| {
        assert_eq!(answer.status, 429, "{}", answer.html);
        let seconds: u64 = answer.after.parse().expect("seconds");
        assert!((1000..=1201).contains(&seconds), "a third of an hour: {seconds}");
        assert!(answer.html.contains("Try again in") && answer.html.contains("role=\"alert\""), "{}", answer.html);
    };
    refused(&attacker.try_password("lead", "a wrong password"));
    refused(&attacker.send("/sign-in", Some(&[("code", code.as_str())])));
    // what a client writes to the left of the proxy's word is nothing, and the other header not believed
    refused(&Visitor::from(&server, "198.51.100.1, 203.0.113.7").try_password("lead", "a wrong password"));
    let token = |hops: &str| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", "a.b.c"),
            ("scope", "system/*.read"),
        ];
        let request = agent.post(format!("{}/oauth/token", server.url)).header("forwarded", format!("for=\"{hops}\""));
        let mut answer = request.send_form(form).expect("the server answers");
        let after = answer.headers().get("retry-after").map(|after| after.to_str().expect("text").to_owned());
        (answer.status().as_u16(), after, answer.body_mut().read_to_string().expect("a body"))
    };
    let (status, after, body) = token("203.0.113.7");
    assert!(status == 429 && after.is_some() && body.contains("\"code\":\"too_many_failures\""), "{status} {after:?} {body}");
    // the others are let in, with the very code that was refused
    let mut coder = Visitor::from(&server, "203.0.113.8");
    coder.sign_in_by_code(&code);
    // clients that sign for themselves, of one network of version 6
    for host in 1..=3 {
        assert_eq!(token(&format!("[2001:db8::{host}]")).0, 401);
    }
    assert_eq!((token("[2001:db8::4]").0, token("[2001:db8:0:1::4]").0), (429, 401));
    // the second step
    coder.set_password();
    assert_eq!(coder.post("/account", "/account/factor", &[]).status, 303);
    let page = coder.get("/account").html;
    let secret = secret_of(page.split_once("<code id=\"secret\">").expect("a secret").1.split('<').next().expect("its end"));
    let confirmed = coder.post("/account", "/account/factor/confirm", &[("code", &secret.code_at(now()))]).html;
    let recovery = confirmed.split_once("id=\"recovery-codes\"><li><code>").expect("codes").1.split('<').next().expect("one");
    let thief = Visitor::from(&server, "203.0.113.9");
    let first = thief.try_password("coder", PASSWORD);
    assert_eq!(first.status, 200, "{}", first.html);
    let step = between(&first.html, "name=\"step\" value=\"").to_owned();
    for _ in 0..3 {
        assert_eq!(thief.send("/sign-in/second", Some(&[("step", &step), ("code", "not one")])).status, 401);
    }
    refused(&thief.send("/sign-in/second", Some(&[("step", &step), ("code", recovery)])));
    let elsewhere = coder.send("/sign-in/second", Some(&[("step", &step), ("code", recovery)]));
    assert_eq!(elsewhere.place, "/queue", "{}", elsewhere.html);
    // once for each of the three, by a word, and nowhere the address
    let events = server.events();
    let told: Vec<&str> = events
        .iter()
        .filter(|event| event["action"] == "sign_in.address_refused")
        .map(|event| event["detail"].as_str().expect("words"))
        .collect();
    assert!(told.len() == 3 && told.iter().all(|detail| detail.ends_with(": 3 failures an hour")), "{told:?}");
    for everything in [format!("{events:?}"), server.log(), server.call("GET", "/metrics", "admin", None).text] {
        assert!(!everything.contains("203.0.113.") && !everything.contains("2001:db8"), "{everything}");
    }
    let metrics = server.call("GET", "/metrics", "admin", None).text;
    assert!(metrics.contains("abstractor_refused_total{reason=\"sign_in_address\"} 6\n"), "{metrics}");
}

#[test]
fn the_last_use_of_a_token_is_told() {
    let server = Server::serve("", |_| {});
    let used = || {
        let listed = server.tool("token", &["list", "coder"]);
        let (head, rows) = listed.split_once('\n').expect("a heading");
        let column = head.find("USED").expect("a column");
        rows.lines().next().expect("a token")[column..].split(' ').next().expect("a word").to_owned()
    };
    assert_eq!(used(), "never");
    assert_eq!(server.call("GET", "/v1/review/items", "coder", None).status, 200);
    let first = used();
    assert!(first.starts_with("20") && first.ends_with('Z'), "{first}");
    assert_eq!(server.call("GET", "/v1/review/items", "coder", None).status, 200);
    assert_eq!(used(), first, "once a minute at most");
}

#[test]
fn the_pages_are_used_by_keyboard() {
    let server = Server::empty();
    let browser = Browser::start(1366);
    browser.open(&format!("{}/sign-in", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the sign-in");
    browser.fill("#code", &server.tokens["coder"]);
    browser.press(ENTER);
    browser.wait_for("location.pathname === '/queue'");
    browser.open(&format!("{}/account", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the account");
    browser.fill("#new-password", "short");
    browser.fill("#again", "short");
    browser.press(ENTER);
    browser.wait_for("document.querySelector('[role=alert]') !== null");
    assert!(browser.text("[role=alert]").contains("at least 12 characters"));
    browser.fill("#new-password", PASSWORD);
    browser.fill("#again", PASSWORD);
    browser.press(ENTER);
    browser.wait_for("location.search === '?notice=password'");
    browser.click("#begin-factor");
    browser.wait_for("document.querySelector('#factor-code') !== null");
    browser.wait_for("document.querySelector('.settings img').naturalWidth > 0");
    assert_eq!(browser.accessibility(), [""; 0], "the account while a second factor is set up");
    let secret = secret_of(&browser.text("#secret"));
    browser.fill("#factor-code", &secret.code_at(now()));
    browser.press(ENTER);
    browser.wait_for("document.querySelectorAll('#recovery-codes li').length === 10");
    let recovery = browser.text("#recovery-codes li");
    browser.open(&format!("{}/account/confirm?back=/queue", server.url));
    assert_eq!(browser.accessibility(), [""; 0], "the proof");
    browser.fill("#proof-password", PASSWORD);
    browser.press(ENTER);
    browser.wait_for("location.pathname === '/queue'");

    browser.click(".bar form button");
    browser.wait_for("location.pathname === '/sign-in'");
    browser.fill("#name", "demo-coder");
    browser.fill("#password", "not the password");
    browser.press(ENTER);
    browser.wait_for("document.querySelector('[role=alert]') !== null");
    assert_eq!(browser.evaluate("document.querySelector('#name').value"), "demo-coder", "the name stays");
    assert_eq!(browser.accessibility(), [""; 0], "a refused sign-in");
    browser.fill("#password", PASSWORD);
    browser.press(ENTER);
    browser.wait_for("location.pathname === '/sign-in' && document.querySelector('input[name=step]') !== null");
    assert_eq!(browser.accessibility(), [""; 0], "the second step");
    browser.fill("#code", &recovery);
    browser.press(ENTER);
    browser.wait_for("location.pathname === '/queue'");
}
