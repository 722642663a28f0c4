//! The command line: what `extract` reads and prints, keys, accounts beside a running server, and errors that help.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::server::{PROGRAM, Server, program};

/// `extract` without the model, which starts faster; the arguments stand for paths and options alike.
fn extract(arguments: &[&str], input: &[u8]) -> Output {
    program(&[&["extract", "--recognizers", "dictionary"], arguments].concat(), input)
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn lines_of(output: &Output) -> Vec<Value> {
    text_of(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["note_id"].as_str().expect("an id")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip is on every Debian");
    child.stdin.take().expect("its input").write_all(bytes).expect("writes");
    child.wait_with_output().expect("ends").stdout
}

fn path_of(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn files_folders_and_standard_input_come_out_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes the folder");
        std::fs::write(&path, bytes).expect("writes");
        path
    };
    let visit = write("Visit.One.txt", "Asthma.".as_bytes());
    let lines = write(
        "notes.jsonl",
        b"{\"id\":\"a\",\"text\":\"Gout.\",\"more\":1}\n\n{\"text\":\"Migraine.\"}\n{\"id\":9,\"text\":\"Gout.\"}",
    );
    let packed = write("packed.ndjson.gz", &gzip(b"{\"id\":\"z\",\"text\":\"Asthma.\"}\n"));
    write("folder/deep/b.txt", b"Gout.");
    write("folder/a.txt.gz", &gzip(b"Asthma."));
    write("folder/c.jsonl", b"{\"id\":\"c1\",\"text\":\"Asthma.\"}\n");
    write("folder/ignored.pdf", b"%PDF");
    let below = folder.path().join("folder");
    let arguments = ["--format", "ndjson", path_of(&packed), path_of(&visit), path_of(&below), "-", path_of(&lines)];
    let output = extract(&arguments, b"{\"id\":\"in\",\"text\":\"Asthma.\"}\n{\"text\":\"Gout.\"}\n");
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    let lines = lines_of(&output);
    assert_eq!(ids(&lines), ["z", "Visit.One", "a", "c1", "b", "in", "stdin:2", "a", "notes.jsonl:3", "9"]);
    for line in &lines {
        assert_eq!(line["entries"].as_array().map(Vec::len), Some(1), "{line}");
    }
}

#[test]
fn bad_notes_are_reported_in_their_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = folder.path().join("latin.txt");
    std::fs::write(&bytes, b"Caf\xe9 asthma").expect("writes");
    let large = folder.path().join("large.txt");
    std::fs::write(&large, "a".repeat(5_000_000)).expect("writes");
    let cut = folder.path().join("cut.jsonl.gz");
    let packed = gzip("{\"id\":\"x\",\"text\":\"Gout.\"}\n".repeat(100).as_bytes());
    std::fs::write(&cut, &packed[..packed.len() / 2]).expect("writes");
    let input = [
        &b"{\"id\":\"1\",\"text\":\"Asthma.\"}\n{\"id\":\"2\",\"text\":\" \"}\n{\"id\":\"3\",\"text\":\"a\\u0000\"}\n{\"id\":\"4\"}\n"[..],
        b"{\"id\":\"5\",\"text\":\n{\"id\":\"6\",\"text\":\"\xff\"}\n[]\n{\"id\":\"8\",\"text\":\"a\",\"spans\":[{\"start\":0,\"end\":5}]}\n",
        b"{\"id\":\"9\",\"text\":\"Gout.\"}\n",
    ]
    .concat();
    let arguments = ["--format", "ndjson", "-", path_of(&bytes), path_of(&large), path_of(&cut)];
    let output = extract(&arguments, &input);
    assert_eq!(output.status.code(), Some(1));
    let lines = lines_of(&output);
    let said: Vec<(&str, &str)> = lines
        .iter()
        .take(11)
        .map(|line| (line["note_id"].as_str().expect("an id"), line["error"]["code"].as_str().unwrap_or("ok")))
        .collect();
    let expected = [
        ("1", "ok"),
        ("2", "empty_note"),
        ("3", "nul_character"),
        ("4", "invalid_json"),
        ("stdin:5", "invalid_json"),
        ("stdin:6", "invalid_utf8"),
        ("stdin:7", "invalid_json"),
        ("8", "invalid_json"),
        ("9", "ok"),
        ("latin", "invalid_utf8"),
        ("large", "note_too_large"),
    ];
    assert_eq!(said, expected);
    let last = lines.last().expect("a line");
    assert_eq!(last["error"]["code"], "unreadable_file", "{last}");
    for line in lines.iter().filter(|line| !line["error"].is_null()) {
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys.len(), 2, "{line}");
        assert!(line["error"]["message"].as_str().is_some_and(|message| message.len() > 10), "{line}");
    }
    assert!(text_of(&output.stderr).contains("could not be extracted"), "{}", text_of(&output.stderr));
}

#[test]
fn json_is_one_array_and_text_a_table() {
    let input = "{\"id\":\"one\",\"text\":\"é ASSESSMENT: Asthma.\"}\n{\"id\":\"two\",\"text\":\"\"}\n".as_bytes();
    let output = extract(&["--format", "json", "-"], input);
    let all: Value = serde_json::from_slice(&output.stdout).expect("one JSON value");
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    assert_eq!(all[0]["entries"][0]["evidence"][0]["start"], 14);
    assert_eq!(all[1]["error"]["code"], "empty_note");
    let empty = extract(&["--format", "json", "-"], b"");
    assert_eq!(serde_json::from_slice::<Value>(&empty.stdout).expect("one JSON value"), json!([]));
    for (unit, start) in [("utf8", 15), ("utf16", 14), ("codepoint", 14)] {
        let output = extract(&["--format", "ndjson", "--offset-unit", unit, "-"], input);
        let line = &lines_of(&output)[0];
        assert_eq!((&line["offset_unit"], &line["entries"][0]["evidence"][0]["start"]), (&json!(unit), &json!(start)));
    }
    let output = extract(&["-"], input);
    let shown = text_of(&output.stdout);
    for words in ["one", "[Asthma]", "KIND", "J45.909", "two: the note is empty", "(empty_note)"] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn control_characters_of_a_note_never_reach_the_terminal() {
    let text = "ASSESSMENT: Asthma\u{1b}[31m, heart\u{1b}[2J failure. \u{1b}]0;title\u{7} \u{9b}1m gout\r\u{8}\u{7f}. Xylo\u{1b}[1mfrob 5 mg daily.";
    let lines = [json!({"id": "n\u{1b}[31m", "text": text}), json!({"id": "bad\u{1b}[31m\u{9b}", "text": ""})];
    let input = format!("{}\n{}\n", lines[0], lines[1]);
    for arguments in [&["extract", "-"][..], &["extract", "--recognizers", "model", "-"]] {
        let output = program(arguments, input.as_bytes());
        let shown = text_of(&output.stdout);
        let control = shown.chars().find(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
        assert_eq!(control, None, "{shown:?}");
        assert!(shown.contains("Asthma"), "{shown}");
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let note = folder.path().join("n.txt");
    std::fs::write(&note, "Asthma.").expect("writes");
    let command = format!("'{PROGRAM}' extract --recognizers dictionary '{}'", path_of(&note));
    // script gives the program a terminal
    let on_a_terminal = |no_colour: &str| {
        let output = Command::new("script").args(["-qec", &command, "/dev/null"]).env("NO_COLOR", no_colour).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    match (on_a_terminal(""), on_a_terminal("1")) {
        (Ok(coloured), Ok(plain)) => {
            assert!(coloured.contains("\u{1b}[1;33m"), "{coloured:?}");
            assert!(!plain.contains('\u{1b}') && plain.contains("[Asthma]"), "{plain:?}");
        }
        _ => println!("not run with a terminal: script is not on this machine"),
    }
    let output = extract(&[path_of(&note)], b"");
    assert!(!text_of(&output.stdout).contains('\u{1b}'), "a pipe gets no colours");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let lines = "{\"text\":\"Asthma and gout.\"}\n".repeat(400);
    let mut child = Command::new(PROGRAM)
        .args(["extract", "--recognizers", "dictionary", "--format", "ndjson", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let _ = child.stdin.take().expect("its input").write_all(lines.as_bytes());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), text_of(&output.stderr).as_str()), (Some(0), ""));
}

#[test]
fn wrong_paths_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, words) in [("no-such.txt", "there is no file"), ("", "has no .txt, .jsonl or .ndjson file")] {
        let path = folder.path().join(path);
        let output = extract(&[path_of(&path)], b"");
        let said = text_of(&output.stderr);
        assert!(!output.status.success() && said.contains(words) && said.contains(path_of(&path)), "{said}");
    }
}

/// A copy of the program's model folder whose manifest fits it, after `change` was made to it.
fn changed_model(change: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/clinical-ner");
    for name in ["config.json", "tokenizer.json", "calibration.json", "manifest.json", "model.safetensors"] {
        std::fs::copy(source.join(name), folder.path().join(name)).expect("copies");
    }
    change(folder.path());
    folder
}

/// Writes the checksums of the files as they are now into the manifest.
fn sign(folder: &Path) {
    let manifest = folder.join("manifest.json");
    let mut value: Value = serde_json::from_slice(&std::fs::read(&manifest).expect("reads")).expect("JSON");
    for name in ["config.json", "tokenizer.json", "calibration.json", "model.safetensors"] {
        let output = Command::new("sha256sum").arg(folder.join(name)).output().expect("sha256sum is on every Debian");
        value["sha256"][name] = json!(text_of(&output.stdout).split(' ').next());
    }
    std::fs::write(manifest, value.to_string()).expect("writes");
}

fn edit(folder: &Path, name: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(name)).expect("reads");
    assert!(text.contains(from), "{from} is not in {name}");
    std::fs::write(folder.join(name), text.replacen(from, to, 1)).expect("writes");
}

/// Renames a tensor in the header, keeping its length.
fn rename_tensor(folder: &Path, from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let path = folder.join("model.safetensors");
    let mut bytes = std::fs::read(&path).expect("reads");
    let at = bytes.windows(from.len()).position(|window| window == from).expect("the tensor is there");
    bytes[at..at + to.len()].copy_from_slice(to);
    std::fs::write(&path, bytes).expect("writes");
}

#[test]
fn a_broken_model_folder_is_refused_by_file() {
    /// Does one kind of harm to the folder.
    type Harm = fn(&Path);
    let cases: [(&str, &str, Harm); 7] = [
        ("model.safetensors", "checksum", |folder| rename_tensor(folder, b"classifier.weight", b"classifier.weighs")),
        ("config.json", "checksum", |folder| edit(folder, "config.json", "B-DIAGNOSIS", "B-DISEASE")),
        ("model.safetensors", "classifier.weight", |folder| {
            rename_tensor(folder, b"classifier.weight", b"classifier.weighs");
            sign(folder);
        }),
        ("config.json", "B-DISEASE", |folder| {
            edit(folder, "config.json", "B-DIAGNOSIS", "B-DISEASE");
            sign(folder);
        }),
        ("model.safetensors", "model file", |folder| {
            std::fs::write(folder.join("model.safetensors"), b"not tensors").expect("writes");
            sign(folder);
        }),
        ("tokenizer.json", "cannot be read", |folder| std::fs::remove_file(folder.join("tokenizer.json")).expect("removes")),
        ("manifest.json", "model file", |folder| std::fs::write(folder.join("manifest.json"), b"{").expect("writes")),
    ];
    for (file, words, change) in cases {
        let folder = changed_model(change);
        let output = program(&["extract", "--model", path_of(folder.path()), "-"], b"");
        let said = text_of(&output.stderr);
        assert!(!output.status.success(), "{file} {words}");
        assert!(said.contains(file) && said.contains(words), "{file}, {words}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let whole = changed_model(|_| {});
    let output =
        program(&["extract", "--format", "ndjson", "--model", path_of(whole.path()), "-"], b"{\"text\":\"Asthma.\"}\n");
    assert!(output.status.success(), "{}", text_of(&output.stderr));
}

#[test]
fn a_broken_vocabulary_folder_is_refused_by_file() {
    let packed = gzip(b"code\tbillable\ttitle\nA00\t0\tCholera\n");
    let cases: [(&str, Vec<u8>); 4] = [
        ("cues.tsv", b"no\tsuch\tcolumns\nx\ty\tz\n".to_vec()),
        ("stop_terms.tsv", b"term\tkind\treason\n\xff\tdiagnosis\tx\n".to_vec()),
        ("icd10cm.tsv.gz", packed[..packed.len() - 12].to_vec()),
        ("sections.tsv", Vec::new()),
    ];
    for (file, bytes) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(file), bytes).expect("writes");
        let output = extract(&["--vocabularies", path_of(folder.path()), "-"], b"");
        let said = text_of(&output.stderr);
        assert!(!output.status.success(), "{file}");
        assert!(said.contains(file.trim_end_matches(".gz")) && !said.contains("panicked"), "{file}: {said}");
    }
}

/// `serve` of the built program; ended when dropped.
struct Serve {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Serve {
    fn start(data: &Path, key: &Path) -> Self {
        let log = data.with_extension("log");
        let child = Command::new(PROGRAM)
            .env("ABSTRACTOR_SIMILARITY", "off")
            .args(["serve", "--listen", "127.0.0.1:0", "--recognizers", "dictionary", "--data", path_of(data), "--key-file"])
            .arg(key)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a log file"))
            .spawn()
            .expect("starts");
        let mut serve = Self { child, log, url: String::new() };
        let until = Instant::now() + Duration::from_secs(60);
        while serve.url.is_empty() {
            assert!(Instant::now() < until && serve.child.try_wait().expect("waits").is_none(), "{}", serve.said());
            std::thread::sleep(Duration::from_millis(50));
            let said = serve.said();
            if let Some((_, rest)) = said.split_once("serving address=") {
                serve.url = format!("http://{}", rest.split_whitespace().next().expect("an address"));
            }
        }
        serve
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn status(&self, path: &str, token: &str) -> u16 {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let reply = agent.get(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}")).call();
        reply.expect("the server answers").status().as_u16()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn keys_accounts_and_a_clean_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, key) = (folder.path().join("data"), folder.path().join("site.key"));
    let (data_path, key_path) = (path_of(&data).to_owned(), path_of(&key).to_owned());

    let refused = program(&["serve", "--listen", "127.0.0.1:0", "--data", &data_path], b"");
    let said = text_of(&refused.stderr);
    assert!(!refused.status.success() && said.contains("no site key is configured") && said.contains("key generate"), "{said}");

    assert!(program(&["key", "generate", &key_path], b"").status.success());
    let written = std::fs::read(&key).expect("the key");
    assert_eq!(std::fs::metadata(&key).expect("the file").permissions().mode() & 0o777, 0o600);
    let again = program(&["key", "generate", &key_path], b"");
    assert!(!again.status.success() && text_of(&again.stderr).contains("never overwritten"), "{}", text_of(&again.stderr));
    assert_eq!(std::fs::read(&key).expect("the key"), written);

    let mut serve = Serve::start(&data, &key);
    let tool = |command: &str, arguments: &[&str]| {
        program(&[&[command, "--data", &data_path, "--key-file", &key_path], arguments].concat(), b"")
    };
    let done = |output: Output| {
        assert!(output.status.success(), "{}", text_of(&output.stderr));
        text_of(&output.stdout).trim().to_owned()
    };
    let refuse = |output: Output, words: &str| {
        let said = text_of(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{said}");
    };
    done(tool("user", &["add", "ada", "--role", "coder"]));
    refuse(tool("user", &["add", "ada", "--role", "lead"]), "already");
    refuse(tool("user", &["add", "a b", "--role", "lead"]), "login name");
    refuse(tool("user", &["add", "emr", "--role", "submitter"]), "--source");
    refuse(tool("user", &["add", "eve", "--role", "surgeon"]), "unknown role");
    refuse(tool("token", &["add", "nobody"]), "there is no user");
    let token = done(tool("token", &["add", "ada", "--label", "laptop"]));
    let other = done(tool("token", &["add", "ada", "--days", "2"]));
    assert!(token.starts_with("abs_") && token != other);
    let works = |token: &str| serve.status("/v1/review/items", token);
    assert_eq!((works(&token), works(&other)), (200, 200));
    assert!(done(tool("user", &["list"])).contains("ada"));

    let listed = done(tool("token", &["list", "ada"]));
    assert!(!listed.contains(&token), "a token is shown once");
    let id = listed.lines().find(|line| line.ends_with("laptop")).and_then(|line| line.split(' ').next()).expect("its id");
    done(tool("token", &["revoke", id]));
    assert_eq!((works(&token), works(&other)), (401, 200), "revoked at once");
    done(tool("user", &["disable", "ada"]));
    assert_eq!(works(&other), 401, "disabled at once");
    refuse(tool("token", &["add", "ada"]), "disabled");
    done(tool("user", &["enable", "ada"]));
    assert_eq!(works(&other), 200);
    refuse(tool("user", &["disable", "nobody"]), "there is no user");

    let wrong = folder.path().join("other.key");
    done(program(&["key", "generate", path_of(&wrong)], b""));
    let output = program(&["user", "--data", &data_path, "--key-file", path_of(&wrong), "list"], b"");
    assert!(!output.status.success(), "another key opens nothing");
    std::fs::write(&wrong, "not a key").expect("writes");
    refuse(program(&["user", "--data", &data_path, "--key-file", path_of(&wrong), "list"], b""), "is not usable");

    let stopped = Command::new("sh").args(["-c", "kill -s TERM \"$1\"", "sh", &serve.child.id().to_string()]).status();
    assert!(stopped.expect("a shell").success());
    let until = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = serve.child.try_wait().expect("waits") {
            break status;
        }
        assert!(Instant::now() < until, "does not stop: {}", serve.said());
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(0), "{}", serve.said());
    for secret in [&token, &other] {
        assert!(!serve.said().contains(secret), "a token is in the log");
    }
}

#[test]
fn the_demo_stops_on_a_signal_and_opens_its_folder_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::again(folder.path());
    let id = server.post_note(&json!({"text": "Asthma."}));
    server.extraction(&id);
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));
    let again = Server::again(folder.path());
    assert_eq!(again.extraction(&id)["note_id"], json!(id));
}

#[test]
fn the_demo_reads_its_own_notes() {
    let server = Server::with_notes();
    let notes = server.gauge("abstractor_notes");
    assert!(notes >= 12, "{notes} notes");
    assert_eq!((server.gauge("abstractor_jobs_waiting"), server.gauge("abstractor_notes_quarantined")), (0, 0));
    let items = server.call("GET", "/v1/review/items?limit=200", "coder", None).json();
    let mut kinds = std::collections::BTreeSet::new();
    for item in items["items"].as_array().expect("items") {
        let address = format!("/v1/review/items/{}", item["id"].as_str().expect("an id"));
        for entry in server.call("GET", &address, "coder", None).json()["entries"].as_array().expect("entries") {
            kinds.insert(entry["kind"].as_str().expect("a kind").to_owned());
        }
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}
