//! A headless browser, driven over WebDriver: the dozen calls that the tests of the pages need.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one window; ended when dropped.
pub struct Browser {
    driver: Child,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one of this width.
    pub fn start(width: u32) -> Self {
        // a port that was free a moment ago: the driver does not tell which one it takes
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: chromium-driver)");
        let profile = tempfile::tempdir().expect("a folder");
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-prefers-reduced-motion",
            format!("--user-data-dir={}", profile.path().display()),
            format!("--window-size={width},900"),
        ]);
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let sessions = format!("http://127.0.0.1:{port}/session");
        let until = Instant::now() + PATIENCE;
        let session = loop {
            match call("POST", &sessions, Some(&wanted)) {
                Ok(value) => break format!("{sessions}/{}", value["sessionId"].as_str().expect("an id")),
                Err(error) => assert!(Instant::now() < until, "no browser: {error}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        Self { driver, session, _profile: profile }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        call("POST", &format!("{}/{path}", self.session), Some(body))
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url })).expect("opens");
    }

    /// The address shown.
    pub fn address(&self) -> String {
        let url = call("GET", &format!("{}/url", self.session), None).expect("an address");
        url.as_str().expect("text").to_owned()
    }

    /// What a script gives; it sees the page as a person does, not the answers of the server.
    pub fn evaluate(&self, expression: &str) -> Value {
        self.post("execute/sync", &json!({ "script": format!("return {expression}"), "args": [] })).expect("evaluates")
    }

    /// How many elements match.
    pub fn count(&self, selector: &str) -> usize {
        let found = self.post("elements", &json!({ "using": "css selector", "value": selector })).expect("looks");
        found.as_array().expect("a list").len()
    }

    /// Visible text of the first match.
    pub fn text(&self, selector: &str) -> String {
        let element = self.element(selector);
        let text = call("GET", &format!("{}/element/{element}/text", self.session), None).expect("text");
        text.as_str().expect("text").to_owned()
    }

    fn element(&self, selector: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.post("element", &json!({ "using": "css selector", "value": selector })) {
                Ok(found) => return found[ELEMENT].as_str().expect("an element").to_owned(),
                Err(error) => assert!(Instant::now() < until, "{selector} at {}: {error}", self.address()),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks the first match, as a person can: it must be visible and not covered.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/click"), &json!({})).unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types into the first match.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        let body = json!({ "text": text });
        self.post(&format!("element/{element}/value"), &body).unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Presses a key wherever the focus is.
    pub fn press(&self, key: &str) {
        let actions = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.post("actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] })).expect("presses");
    }

    /// Waits until an expression is true.
    pub fn wait_for(&self, expression: &str) {
        let until = Instant::now() + PATIENCE;
        while self.evaluate(expression) != Value::Bool(true) {
            assert!(Instant::now() < until, "never true: {expression} at {}", self.address());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Makes the page see the reader's wish for a dark theme.
    pub fn prefer_dark(&self) {
        let parameters = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": parameters });
        self.post("goog/cdp/execute", &body).expect("is emulated");
    }

    /// What axe-core finds grave or serious on the page: rule, and the first element that breaks it.
    pub fn accessibility(&self) -> Vec<String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers-node/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(file).expect("axe-core is installed: `tests/run` does it");
        self.post("execute/sync", &json!({ "script": axe, "args": [] })).expect("axe is read");
        let script = "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(\
            (found) => done({ tried: found.passes.length, wrong: found.violations.filter((one) => \
            ['serious', 'critical'].includes(one.impact)).map((one) => `${one.id}: ${one.nodes[0].html}`) }), \
            (error) => done({ tried: 0, wrong: [String(error)] }))";
        let found = self.post("execute/async", &json!({ "script": script, "args": [] })).expect("axe runs");
        assert!(found["tried"].as_u64().is_some_and(|tried| tried > 10) || found["wrong"] != json!([]), "axe tried nothing");
        found["wrong"].as_array().expect("a list").iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Saves what is seen under `target/screenshots/`.
    pub fn screenshot(&self, name: &str) {
        let image = call("GET", &format!("{}/screenshot", self.session), None).expect("a picture");
        let bytes = STANDARD.decode(image.as_str().expect("text")).expect("base64");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("writes");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = call("DELETE", &self.session, None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// One call of the protocol; its value, or what went wrong.
fn call(method: &str, url: &str, body: Option<&Value>) -> Result<Value, String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build().into();
    let request = ureq::http::Request::builder().method(method).uri(url).header("content-type", "application/json");
    let answer = match body {
        Some(body) => agent.run(request.body(body.to_string()).expect("a request")),
        None => agent.run(request.body(()).expect("a request")),
    };
    let mut answer = answer.map_err(|error| error.to_string())?;
    let ok = answer.status().is_success();
    let text = answer.body_mut().with_config().limit(50_000_000).read_to_string().map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if ok { Ok(value["value"].clone()) } else { Err(value["value"]["message"].to_string()) }
}
