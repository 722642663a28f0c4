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

/// Columns and rows of the grid in which pictures are compared.
const GRID: (usize, usize) = (40, 26);

/// Whether the references of pictures are written anew.
#[expect(clippy::disallowed_methods, reason = "references are written when a person asks for it by the environment")]
fn writes_references() -> bool {
    std::env::var("ABSTRACTOR_TEST_WRITE_SCREENS").is_ok_and(|asked| asked == "1")
}

/// What tells two pictures apart at a glance; none where only words moved a little. Digits are compared, 0 to 9.
fn gross_change(expected: &str, seen: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).map(|digit| i32::from(digit - b'0')).collect::<Vec<_>>();
    let (expected, seen) = (digits(expected), digits(seen));
    if expected.len() != seen.len() {
        return Some("it is of another size".to_owned());
    }
    let apart: Vec<i32> = expected.iter().zip(&seen).map(|(one, other)| (one - other).abs()).collect();
    let clear = apart.iter().filter(|difference| **difference >= 3).count();
    // a twelfth of the fields in clearly another light: a pane, a bar or a theme that is gone
    (clear * 12 > apart.len()).then(|| format!("{clear} of {} fields are in clearly another light", apart.len()))
}

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
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" } } } });
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

    /// What the browser complained of since it was asked last: errors of scripts, and what the content security policy stopped.
    pub fn complaints(&self) -> Vec<String> {
        let lines = self.post("se/log", &json!({ "type": "browser" })).expect("is told");
        lines.as_array().expect("lines").iter().map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Posts a form of the page's own session to an address, as a person's browser would, and waits for what is shown.
    pub fn submit(&self, action: &str, fields: &[(&str, &str)]) {
        let script = format!(
            "(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = {}; \
             const token = document.querySelector('input[name=form_token]').value; \
             for (const [name, value] of [...{}, ['form_token', token]]) {{ const field = document.createElement('textarea'); \
             field.name = name; field.value = value; form.append(field); }} \
             window.left = true; document.body.append(form); form.submit(); }})()",
            json!(action),
            json!(fields),
        );
        self.evaluate(&script);
        self.wait_for("window.left === undefined && document.readyState === 'complete'");
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

    /// Gives the page a window of this size, smaller than that of a desktop where asked.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let body = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.post("goog/cdp/execute", &body).expect("is emulated");
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

    /// Saves what is seen under `target/screenshots/`, and compares it with what the page looked like when somebody looked at it last
    /// (`tests/fixtures/screens`): how light each field of a coarse grid is. Words and fonts may change; a part that is gone or in another place is told.
    pub fn screenshot(&self, name: &str) {
        let image = call("GET", &format!("{}/screenshot", self.session), None).expect("a picture");
        let image = image.as_str().expect("text");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.png")), STANDARD.decode(image).expect("base64")).expect("writes");
        let seen = self.grid(image);
        let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/screens/{name}.txt"));
        if writes_references() {
            std::fs::create_dir_all(reference.parent().expect("a folder")).expect("a folder");
            std::fs::write(&reference, &seen).expect("writes");
        }
        let advice = "look at target/screenshots; when it is right, run the test with ABSTRACTOR_TEST_WRITE_SCREENS=1 and commit the reference";
        let expected = std::fs::read_to_string(&reference).unwrap_or_else(|_| panic!("{name} has no reference: {advice}"));
        if let Some(difference) = gross_change(&expected, &seen) {
            panic!("{name} looks otherwise ({difference}): {advice}\nwas\n{expected}is\n{seen}");
        }
    }

    /// How light a picture is, field by field: a digit each, 0 is black. The page itself reads its picture.
    fn grid(&self, image: &str) -> String {
        let script = "const [data, columns, rows, done] = arguments; const picture = new Image(); picture.onload = () => { \
            const canvas = document.createElement('canvas'); canvas.width = columns * 8; canvas.height = rows * 8; \
            const place = canvas.getContext('2d'); place.imageSmoothingQuality = 'high'; \
            place.drawImage(picture, 0, 0, canvas.width, canvas.height); const { data: dots } = place.getImageData(0, 0, canvas.width, canvas.height); \
            let text = ''; for (let row = 0; row < rows; row++) { for (let column = 0; column < columns; column++) { let sum = 0; \
            for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) { const at = ((row * 8 + y) * canvas.width + column * 8 + x) * 4; \
            sum += 0.299 * dots[at] + 0.587 * dots[at + 1] + 0.114 * dots[at + 2]; } text += Math.min(9, Math.floor(sum / 64 / 25.6)); } text += '\\n'; } \
            done(text); }; picture.onerror = () => done(''); picture.src = 'data:image/png;base64,' + data;";
        let body = json!({ "script": script, "args": [image, GRID.0, GRID.1] });
        let text = self.post("execute/async", &body).expect("the picture is read");
        let text = text.as_str().expect("text").to_owned();
        assert_eq!(text.len(), (GRID.0 + 1) * GRID.1, "the picture could not be read");
        text
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

#[test]
fn a_gross_change_is_told_and_a_small_one_is_not() {
    let page = "9".repeat(GRID.0 * GRID.1);
    let darker = |fields: usize, digit: &str| format!("{}{}", digit.repeat(fields), &page[fields..]);
    assert_eq!(gross_change(&page, &page), None);
    assert_eq!(gross_change(&page, &darker(GRID.0 * GRID.1, "7")), None, "another font");
    assert_eq!(gross_change(&page, &darker(GRID.0 * 2, "2")), None, "a line more");
    assert!(gross_change(&page, &darker(GRID.0 * 3, "2")).is_some(), "a bar that is not there");
    assert!(gross_change(&page, &darker(GRID.0 * GRID.1, "1")).is_some(), "another theme");
    assert!(gross_change(&page, "9").is_some());
}
