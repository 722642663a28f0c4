//! A running demo server of the built program, and a plain HTTP client for it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_abstractor");

/// A demo server; killed when dropped.
pub struct Server {
    /// Where it listens.
    pub url: String,
    /// A token of every role.
    pub tokens: BTreeMap<String, String>,
    /// Its data folder.
    pub data: PathBuf,
    /// Where it listens for HL7 messages, in the order of its configuration.
    pub mllp: Vec<String>,
    child: Child,
    folder: Option<tempfile::TempDir>,
    watchdog: Option<Child>,
    start: Start,
}

/// How a `serve` differs from a plain one on its own folder.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// A PostgreSQL database in place of the file.
    pub database: Option<String>,
    /// Another program than the one that is tested.
    pub program: Option<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// For a data folder, the command that gives the server file systems of its own; the server's own command line follows.
    pub apart: Option<fn(&Path) -> Vec<String>>,
}

impl Start {
    fn command(&self) -> Command {
        Command::new(self.program.as_deref().unwrap_or(PROGRAM))
    }
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// Whether the full counts are asked for, as `tests/run --long` does.
#[expect(clippy::disallowed_methods, reason = "the long tier of the tests is asked for by the environment")]
pub fn is_long_tier() -> bool {
    std::env::var("ABSTRACTOR_TEST_TIER").is_ok_and(|tier| tier == "long")
}

/// Waits until something holds, asking again and again.
///
/// # Panics
/// When it does not hold in time.
pub fn wait_until(what: &str, bound: Duration, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + bound;
    while !holds() {
        assert!(Instant::now() < until, "not after {bound:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs the program to its end, with something on standard input.
pub fn program(arguments: &[&str], input: &[u8]) -> Output {
    program_by(Command::new(PROGRAM), arguments, input)
}

/// The same by a command that ends with the program.
fn program_by(mut command: Command, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command
        .env("ABSTRACTOR_SIMILARITY", "off")
        .args(arguments)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.to_owned();
    // a program that ends early does not read to the end; that is not this function's business
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the input is written");
    output
}

/// What a command of the program printed; it must not have failed.
fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A command line that ends with the program.
fn command_of(words: &[String]) -> Command {
    let (first, rest) = words.split_first().expect("a command");
    let mut command = Command::new(first);
    command.args(rest).arg(PROGRAM);
    command
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body as text.
    pub text: String,
}

impl Reply {
    /// Body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// The stable code of a problem document.
    pub fn code(&self) -> String {
        assert_eq!(self.headers.get("content-type").map(String::as_str), Some("application/problem+json"), "{}", self.text);
        self.json()["code"].as_str().expect("a code").to_owned()
    }
}

impl Server {
    /// Starts one on a folder of its own, without notes.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_owned();
        Self::start(&path, &["--empty"], Some(folder))
    }

    /// Starts one on a folder of its own, with the demo's notes, extracted.
    pub fn with_notes() -> Self {
        Self::with_notes_and(&[])
    }

    /// The same with further arguments.
    pub fn with_notes_and(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_owned();
        Self::start(&path, more, Some(folder))
    }

    /// Starts one without notes for a whole test file to share: kept in a static, which is never dropped, so a watchdog
    /// ends the server and removes its folder when the test process has ended, however it ended.
    pub fn shared(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_owned();
        let mut server = Self::start(&path, &[&["--empty"], more].concat(), Some(folder));
        let watchdog = Command::new("sh")
            .args(["-c", "cat >/dev/null; kill -9 \"$1\" 2>/dev/null; rm -rf \"$2\"", "sh", &server.child.id().to_string()])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        server.watchdog = Some(watchdog);
        server
    }

    /// Starts one on the folder of an earlier one, without posting notes.
    pub fn again(folder: &Path) -> Self {
        Self::start(folder, &["--empty"], None)
    }

    /// Starts the demo again, after it was killed, where it listened before: pages that are open reach it.
    pub fn again_at_its_address(mut self) -> Self {
        let address = self.url.trim_start_matches("http://").to_owned();
        let keep = self.folder.take();
        Self::start_at(&address, &self.data.clone(), &["--empty"], keep)
    }

    fn start(folder: &Path, more: &[&str], keep: Option<tempfile::TempDir>) -> Self {
        Self::start_at("127.0.0.1:0", folder, more, keep)
    }

    fn start_at(listen: &str, folder: &Path, more: &[&str], keep: Option<tempfile::TempDir>) -> Self {
        let mut child = Command::new(PROGRAM)
            .env("ABSTRACTOR_SIMILARITY", "off")
            .args(["demo", "--listen", listen, "--json", "--data"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::options().create(true).append(true).open(folder.join("stderr.log")).expect("a log file"))
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("one line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("no ready line; log: {}", std::fs::read_to_string(folder.join("stderr.log")).unwrap_or_default())
        });
        let tokens = ready["tokens"].as_object().expect("tokens");
        let tokens = tokens.iter().map(|(role, token)| (role.clone(), token.as_str().expect("a token").to_owned())).collect();
        let url = ready["url"].as_str().expect("a url").to_owned();
        let data = folder.to_owned();
        Self { url, tokens, data, mllp: Vec::new(), child, folder: keep, watchdog: None, start: Start::default() }
    }

    /// Starts `serve`, not the demo, on a folder of its own: with this configuration, a user of every role named by it, and the submitter
    /// `emr` for the source `emr`. Files that the configuration names lie in the folder that `prepare` gets.
    pub fn serve(configuration: &str, prepare: impl FnOnce(&Path)) -> Self {
        Self::serve_as(Start::default(), configuration, prepare)
    }

    /// As [`Self::serve`], but not a plain one.
    pub fn serve_as(start: Start, configuration: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_owned();
        // what receives in the tests is on this machine
        // (an earlier program does not know the table)
        let says_itself = configuration.contains("[deliveries]") || start.program.is_some();
        let reach = if says_itself { "" } else { "\n[deliveries]\nallow = [\"127.0.0.1\"]\n" };
        std::fs::write(path.join("abstractor.toml"), format!("{configuration}{reach}")).expect("is written");
        prepare(&path);
        let key = path.join("demo.key");
        let made = program(&["key", "generate", key.to_str().expect("a plain path")], b"");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let place = Self::place(&start, &path);
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let tool = |command: &str, arguments: &[&str]| {
            told(&program_by(start.command(), &[&[command], &*place, arguments].concat(), b""))
        };
        tool("user", &["add", "emr", "--role", "submitter", "--source", "emr"]);
        let mut tokens = BTreeMap::from([("submitter".to_owned(), tool("token", &["add", "emr"]))]);
        for role in ["coder", "lead", "auditor", "admin"] {
            tool("user", &["add", role, "--role", role]);
            tokens.insert(role.to_owned(), tool("token", &["add", role]));
        }
        Self::serve_on(start, &path, tokens, Some(folder))
    }

    /// Starts `serve` on the folder of an earlier one.
    pub fn serve_again(folder: &Path, tokens: BTreeMap<String, String>, keep: Option<tempfile::TempDir>) -> Self {
        Self::serve_on(Start::default(), folder, tokens, keep)
    }

    /// Starts `serve` on a folder with a key file, a configuration, and a database or none yet.
    pub fn serve_on(start: Start, folder: &Path, tokens: BTreeMap<String, String>, keep: Option<tempfile::TempDir>) -> Self {
        let log = folder.join("stderr.log");
        let before = std::fs::read_to_string(&log).unwrap_or_default().len();
        let mut command = match start.apart {
            Some(apart) => command_of(&apart(folder)),
            None => start.command(),
        };
        if let Some(database) = &start.database {
            command.env("ABSTRACTOR_DATABASE", database);
        }
        let child = command
            .env("ABSTRACTOR_SIMILARITY", "off")
            .envs(start.environment.iter().map(|(name, value)| (name, value)))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-json", "--recognizers", "dictionary", "--data"])
            .arg(folder)
            .arg("--key-file")
            .arg(folder.join("demo.key"))
            .arg("--config")
            .arg(folder.join("abstractor.toml"))
            .stderr(std::fs::File::options().create(true).append(true).open(&log).expect("a log file"))
            .spawn()
            .expect("the program starts");
        let (url, data) = (String::new(), folder.to_owned());
        let mut server = Self { url, tokens, data, mllp: Vec::new(), child, folder: keep, watchdog: None, start };
        let until = Instant::now() + Duration::from_secs(120);
        while server.url.is_empty() {
            assert!(Instant::now() < until && server.child.try_wait().expect("is asked").is_none(), "{}", server.log());
            std::thread::sleep(Duration::from_millis(20));
            server.mllp.clear();
            for line in server.log()[before..].lines().filter(|line| line.ends_with('}')) {
                let line: Value = serde_json::from_str(line).expect("a line of JSON");
                let address = || line["fields"]["address"].as_str().expect("an address").to_owned();
                match line["fields"]["message"].as_str() {
                    Some("listening for HL7 messages") => server.mllp.push(address()),
                    Some("serving") => server.url = format!("{}://{}", server.scheme(), address()),
                    _ => {}
                }
            }
        }
        server
    }

    /// What it speaks, by its configuration.
    fn scheme(&self) -> &'static str {
        let configuration = std::fs::read_to_string(self.data.join("abstractor.toml")).unwrap_or_default();
        let speaks_tls = configuration.split("[tls]").nth(1).is_some_and(|tls| tls.trim_start().starts_with("certificate"));
        if speaks_tls { "https" } else { "http" }
    }

    /// Starts `serve` again on the folder of this one, which has ended.
    pub fn restarted(mut self) -> Self {
        let (folder, tokens) = (self.folder.take(), std::mem::take(&mut self.tokens));
        // an empty demo has none
        let configuration = self.data.join("abstractor.toml");
        if !configuration.exists() {
            std::fs::write(configuration, "").expect("is written");
        }
        // it would take the folder away
        let watchdog = self.watchdog.take();
        let mut again = Self::serve_on(std::mem::take(&mut self.start), &self.data.clone(), tokens, folder);
        again.watchdog = watchdog;
        again
    }

    /// Starts a further server on the PostgreSQL database of this one.
    pub fn another(&self) -> Self {
        assert!(self.start.database.is_some(), "a file has one server");
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["demo.key", "abstractor.toml"] {
            std::fs::copy(self.data.join(name), folder.path().join(name)).expect("is there");
        }
        let path = folder.path().to_owned();
        Self::serve_on(self.start.clone(), &path, self.tokens.clone(), Some(folder))
    }

    /// Kills it and starts `serve` again on its folder.
    pub fn restarted_after_kill(mut self) -> Self {
        self.kill();
        self.restarted()
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// A folder or file in the server's own view of the file systems.
    pub fn seen(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.process(), path.display()))
    }

    /// The options that name its database.
    fn place(start: &Start, folder: &Path) -> Vec<String> {
        let path = |path: &Path| path.to_str().expect("a plain path").to_owned();
        let mut options = vec!["--data".to_owned(), path(folder)];
        if let Some(database) = &start.database {
            options.extend([
                "--database".to_owned(),
                database.clone(),
                "--key-file".to_owned(),
                path(&folder.join("demo.key")),
            ]);
        }
        options
    }

    /// What it wrote on standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("stderr.log")).unwrap_or_default()
    }

    /// Sends a signal, by name, while others use the server.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Waits until it ended by itself, at most so long; its exit code, none when a signal ended it.
    ///
    /// # Panics
    /// When it still runs then.
    pub fn ended_within(&mut self, bound: Duration) -> Option<i32> {
        let until = Instant::now() + bound;
        loop {
            if let Some(status) = self.child.try_wait().expect("is asked") {
                return status.code();
            }
            assert!(Instant::now() < until, "it runs on after {bound:?}; log: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it ended by itself; its exit code, none when a signal ended it.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("ends").code()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("is killed");
        self.child.wait().expect("ends");
    }

    /// A request with a role's token ("" = none) and a body, if any.
    pub fn call(&self, method: &str, path: &str, role: &str, body: Option<&[u8]>) -> Reply {
        self.try_call(method, path, role, body).expect("the server answers")
    }

    /// As [`Self::call`], but the server may be gone.
    pub fn try_call(&self, method: &str, path: &str, role: &str, body: Option<&[u8]>) -> Result<Reply, ureq::Error> {
        self.send(method, path, role, &[], body)
    }

    /// As [`Self::try_call`], with further headers.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        role: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Reply, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !role.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.tokens[role]));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body).expect("a request");
                agent.run(request)?
            }
            None => agent.run(request.body(()).expect("a request"))?,
        };
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let text = response.body_mut().with_config().limit(50_000_000).read_to_string()?;
        Ok(Reply { status: response.status().as_u16(), headers, text })
    }

    /// Posts a note and gives its id.
    pub fn post_note(&self, note: &Value) -> String {
        let reply = self.call("POST", "/v1/notes", "submitter", Some(note.to_string().as_bytes()));
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply.json()["id"].as_str().expect("an id").to_owned()
    }

    /// A gauge of `/metrics`.
    pub fn gauge(&self, name: &str) -> u64 {
        let text = self.call("GET", "/metrics", "admin", None).text;
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
    }

    /// A command of the program on this server's data folder: `tool("user", &["list"])`. Gives its standard output.
    pub fn tool(&self, command: &str, arguments: &[&str]) -> String {
        told(&self.try_tool(command, arguments))
    }

    /// As [`Self::tool`], but it may fail.
    pub fn try_tool(&self, command: &str, arguments: &[&str]) -> Output {
        let place = Self::place(&self.start, &self.data);
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let beside = match self.start.apart {
            None => self.start.command(),
            // in the file systems of the server
            Some(_) => {
                let mut command = Command::new("nsenter");
                command.args(["--target", &self.process().to_string(), "--mount"]);
                if !is_root() {
                    command.args(["--user", "--preserve-credentials"]);
                }
                command.arg("--").arg(PROGRAM);
                command
            }
        };
        program_by(beside, &[&[command], &*place, arguments].concat(), b"")
    }

    /// Makes a user with a token; calls name it by the user's name in place of the role.
    pub fn add_user(&mut self, name: &str, options: &[&str]) {
        self.tool("user", &[&["add", name], options].concat());
        let token = self.tool("token", &["add", name]);
        self.tokens.insert(name.to_owned(), token);
    }

    /// All audit events, read page by page.
    pub fn events(&self) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        let mut after = 0;
        loop {
            let page = self.call("GET", &format!("/v1/audit/events?limit=100&after={after}"), "auditor", None).json();
            events.extend(page["events"].as_array().expect("events").iter().cloned());
            match page["next"].as_i64() {
                Some(next) => after = next,
                None => return events,
            }
        }
    }

    /// Waits for the extraction of a note.
    pub fn extraction(&self, id: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let reply = self.call("GET", &format!("/v1/notes/{id}/extraction"), "submitter", None);
            match reply.status {
                200 => return reply.json(),
                202 if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
                _ => panic!("no extraction: {} {}", reply.status, reply.text),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(watchdog) = &mut self.watchdog {
            let _ = watchdog.kill();
            let _ = watchdog.wait();
        }
        drop(self.folder.take());
    }
}
