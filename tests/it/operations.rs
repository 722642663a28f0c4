//! What an operator asks the program: the doctor, the health of a service, the reference of the configuration, the manual, completions.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    server::{PROGRAM, Server, is_root, program, wait_until},
};

pub fn text_of(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A folder as an operator leaves it: data and key apart, a database with a submitter.
pub struct Site {
    /// Where both lie.
    pub root: tempfile::TempDir,
    /// The data folder.
    pub data: PathBuf,
    /// The key file.
    pub key: PathBuf,
}

impl Site {
    /// With the submitter `emr`.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let (data, key) = (root.path().join("data"), root.path().join("site.key"));
        std::fs::create_dir(&data).expect("is made");
        chmod(&data, 0o700);
        let site = Self { root, data, key };
        site.done(&["key", "generate", text_of(&site.key)]);
        site.tool("user", &["add", "emr", "--role", "submitter", "--source", "emr"]);
        site
    }

    /// What a command on its database printed.
    pub fn tool(&self, command: &str, arguments: &[&str]) -> String {
        self.done(&[&[command, "--data", text_of(&self.data), "--key-file", text_of(&self.key)], arguments].concat())
    }

    /// What a command printed, which must not have failed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = program(arguments, b"");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Options of `serve` and `doctor`.
    pub fn options<'a>(&'a self, key: &'a Path) -> Vec<&'a str> {
        vec![
            "--data",
            text_of(&self.data),
            "--key-file",
            text_of(key),
            "--listen",
            "127.0.0.1:0",
            "--recognizers",
            "dictionary",
        ]
    }

    /// What the doctor says of it with its own key and further options.
    pub fn doctor(&self, more: &[&str]) -> Report {
        Report::of(&program(&[&["doctor", "--json"], &*self.options(&self.key), more].concat(), b""))
    }
}

pub fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("is changed");
}

/// What is in a folder: every file with its mode and content. The index of SQLite's log is left out, which whoever comes first makes anew, and
/// what a server logs.
fn contents(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if !text_of(&path).ends_with("-shm") && !path.ends_with("stderr.log") {
            let mode = path.metadata().expect("is there").permissions().mode();
            found.insert(path.clone(), (mode, std::fs::read(&path).expect("reads")));
        }
    }
    found
}

/// What the doctor said.
pub struct Report {
    /// Its exit.
    pub exit: Option<i32>,
    findings: Vec<Value>,
}

impl Report {
    fn of(output: &Output) -> Self {
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let findings = report["findings"].as_array().expect("findings").clone();
        for finding in &findings {
            let has_remedy = finding["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10);
            assert_eq!(has_remedy, finding["level"] != "ok", "{finding}");
        }
        let errors = findings.iter().filter(|finding| finding["level"] == "error").count();
        assert_eq!((report["errors"].as_u64(), output.status.code()), (Some(errors as u64), Some(i32::from(errors > 0))));
        Self { exit: output.status.code(), findings }
    }

    /// The finding of a check with these words in it.
    pub fn finding(&self, check: &str, words: &str) -> &Value {
        let fits = |finding: &&Value| {
            finding["check"] == check && finding["found"].as_str().is_some_and(|found| found.contains(words))
        };
        self.findings.iter().find(fits).unwrap_or_else(|| panic!("no {words:?} of {check} in {:#?}", self.findings))
    }

    /// That there is this error, with a remedy of these words, and no other one.
    pub fn has_one_error(&self, check: &str, words: &str, remedy: &str) {
        let finding = self.finding(check, words);
        assert_eq!(finding["level"], "error", "{finding}");
        assert!(finding["remedy"].as_str().is_some_and(|told| told.contains(remedy)), "{finding}");
        let errors: Vec<&Value> = self.findings.iter().filter(|finding| finding["level"] == "error").collect();
        assert_eq!((errors.len(), self.exit), (1, Some(1)), "{errors:#?}");
    }
}

#[test]
fn the_doctor_finds_a_healthy_site_well() {
    let site = Site::new();
    let config = site.root.path().join("abstractor.toml");
    let text = "[[mllp]]\nlisten = \"127.0.0.1:0\"\nuser = \"emr\"\n";
    std::fs::write(&config, text).expect("writes");
    let before = contents(site.root.path());
    let options = ["--data", text_of(&site.data), "--key-file", text_of(&site.key), "--listen", "127.0.0.1:0"];
    let more = ["--config", text_of(&config), "--time-zone", "Europe/Berlin"];
    let report = Report::of(&program(&[&["doctor", "--json"], &options[..], &more[..]].concat(), b""));
    assert_eq!(report.exit, Some(0), "{:#?}", report.findings);
    for (check, words) in [
        ("configuration", "can be used"),
        ("site key", "keys in it: 1"),
        ("site key", "the first key opens the database"),
        ("data folder", "by its owner alone"),
        ("database", "is whole and closed; what is written goes through a log"),
        ("schema", "that of this program"),
        ("model", "its checksums are right"),
        ("clock", "Europe/Berlin"),
        ("address", "127.0.0.1:0 is free"),
        ("HL7 messages", "is free"),
        ("HL7 messages", "the user \"emr\" may send them"),
        ("jobs", "not done: 0"),
    ] {
        assert_eq!(report.finding(check, words)["level"], "ok", "{check}");
    }
    for check in ["disk", "memory", "open files", "processor", "vocabulary"] {
        report.finding(check, "");
    }
    assert_eq!(contents(site.root.path()), before);

    // for people: one line each, and what they come to
    let output = program(&[&["doctor"], &*site.options(&site.key)].concat(), b"");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("ok       schema         version"), "{told}");
    assert!(told.lines().last().is_some_and(|line| line.starts_with("errors: 0, warnings: ")), "{told}");
    let of_checks = told.lines().filter(|line| ["ok ", "warning ", "error "].iter().any(|word| line.starts_with(word))).count();
    assert_eq!(of_checks + 1, told.lines().count(), "{told}");
}

#[test]
fn the_doctor_tells_what_is_wrong_with_keys() {
    let site = Site::new();
    chmod(&site.key, 0o644);
    chmod(site.root.path(), 0o700);
    // as secrets of Compose lie: in a folder that lets nobody else in
    let report = site.doctor(&[]);
    assert_eq!((report.exit, &report.finding("site key", "nobody else comes in")["level"]), (Some(0), &Value::from("warning")));
    chmod(site.root.path(), 0o755);
    let before = contents(site.root.path());
    site.doctor(&[]).has_one_error("site key", "can be read by everybody", "chmod 600");
    site.doctor(&[]).has_one_error("site key", "can be read by everybody", "abstractor key rotate");
    assert_eq!(contents(site.root.path()), before);
    chmod(&site.key, 0o640);
    let report = site.doctor(&[]);
    assert_eq!((report.exit, &report.finding("site key", "by its group")["level"]), (Some(0), &Value::from("warning")));
    chmod(&site.key, 0o600);

    let other = site.root.path().join("other.key");
    site.done(&["key", "generate", text_of(&other)]);
    let with = |key: &Path| Report::of(&program(&[&["doctor", "--json"], &*site.options(key)].concat(), b""));
    let before = contents(site.root.path());
    with(&other).has_one_error("site key", "no key of the file opens the database", "the key that it was made with");
    // a new key before the old one: the rows are still wrapped by the old one
    let both = site.root.path().join("both.key");
    let files = [&other, &site.key].map(|file| std::fs::read_to_string(file).expect("reads"));
    std::fs::write(&both, files.concat()).expect("writes");
    chmod(&both, 0o600);
    let report = with(&both);
    assert_eq!(report.exit, Some(0));
    assert!(report.finding("site key", "an older key")["remedy"].as_str().is_some_and(|told| told.contains("key rewrap")));
    std::fs::remove_file(&both).expect("is removed");
    with(&site.root.path().join("none.key")).has_one_error("site key", "cannot read the key file", "name the right file");
    let secret = "c2hvcnQ=";
    std::fs::write(&other, secret).expect("writes");
    let report = with(&other);
    report.has_one_error("site key", "line 1 of the key file", "bring back its copy");
    assert!(!format!("{:?}", report.findings).contains(secret));
    std::fs::write(&other, &before[&other].1).expect("writes");
    let without = ["doctor", "--json", "--data", text_of(&site.data), "--listen", "127.0.0.1:0", "--recognizers", "dictionary"];
    Report::of(&program(&without, b"")).has_one_error("site key", "no key file is named", "key generate");
    assert_eq!(contents(site.root.path()), before);
}

#[test]
fn the_doctor_tells_what_is_wrong_with_a_database() {
    let site = Site::new();
    let path = site.data.join("abstractor.db");
    let change = |sql: &str| {
        let connection = rusqlite::Connection::open(&path).expect("opens");
        connection.execute_batch(sql).expect("is done");
    };
    change("INSERT INTO schema_version VALUES (98, 'a later one', '0.1.0')");
    let before = contents(site.root.path());
    let report = site.doctor(&[]);
    assert_eq!((report.exit, &report.finding("schema", "98 is newer")["level"]), (Some(0), &Value::from("warning")));
    assert_eq!(contents(site.root.path()), before);
    change("INSERT INTO schema_version VALUES (99, 'one that needs more', '99.0.0')");
    let before = contents(site.root.path());
    site.doctor(&[]).has_one_error("schema", "needs release 99.0.0", "install that release");
    assert_eq!(contents(site.root.path()), before);
    change("DELETE FROM schema_version WHERE version >= (SELECT max(version) FROM schema_version WHERE version < 98)");
    let before = contents(site.root.path());
    let report = site.doctor(&[]);
    assert!(
        report.finding("schema", "steps that are missing: 1")["remedy"].as_str().is_some_and(|told| told.contains("migrate"))
    );
    assert_eq!((report.exit, contents(site.root.path())), (Some(0), before), "nothing is migrated");

    let mut bytes = std::fs::read(&path).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0x5a);
    std::fs::write(&path, &bytes).expect("writes");
    let before = contents(site.root.path());
    site.doctor(&[]).has_one_error("database", "damaged", "abstractor restore");
    assert_eq!(contents(site.root.path()), before);
    std::fs::write(&path, "words").expect("writes");
    site.doctor(&[]).has_one_error("database", "empty or cut off", "abstractor restore");
    std::fs::remove_file(&path).expect("is removed");
    let report = site.doctor(&[]);
    assert_eq!((report.exit, &report.finding("database", "there is none")["level"]), (Some(0), &Value::from("warning")));
    assert!(!path.exists(), "no database is made");
}

#[test]
fn the_doctor_tells_what_is_wrong_with_a_folder() {
    let site = Site::new();
    chmod(&site.data, 0o755);
    let report = site.doctor(&[]);
    assert!(
        report.finding("data folder", "is open to others")["remedy"].as_str().is_some_and(|told| told.contains("chmod go="))
    );
    chmod(&site.data, 0o500);
    let before = contents(site.root.path());
    // root may write everywhere, unless that is taken from it
    let mut command = Command::new(if is_root() { "setpriv" } else { PROGRAM });
    if is_root() {
        let none = "-dac_override,-dac_read_search";
        command.args(["--bounding-set", none, "--inh-caps", none, PROGRAM]);
    }
    let output = command.args(["doctor", "--json"]).args(site.options(&site.key)).output().expect("starts");
    Report::of(&output).has_one_error("data folder", "cannot be written to", "as the user that the service runs as");
    assert_eq!(contents(site.root.path()), before);
    chmod(&site.data, 0o700);
    let file = site.root.path().join("a file");
    std::fs::write(&file, "").expect("writes");
    let missing = site.root.path().join("missing");
    for (folder, words) in [(&file, "is no folder"), (&missing, "is not there")] {
        let output = program(
            &["doctor", "--json", "--data", text_of(folder), "--key-file", text_of(&site.key), "--listen", "127.0.0.1:0"],
            b"",
        );
        Report::of(&output).finding("data folder", words);
    }
    assert!(!missing.exists(), "no folder is made");
}

#[test]
fn the_doctor_tells_what_is_wrong_with_a_configuration() {
    let site = Site::new();
    let config = site.root.path().join("abstractor.toml");
    let with = |text: &str| {
        std::fs::write(&config, text).expect("writes");
        let before = contents(site.root.path());
        let report = site.doctor(&["--config", text_of(&config)]);
        assert_eq!(contents(site.root.path()), before);
        report
    };
    with("pubic_url = \"https://abstractor.example\"\n").has_one_error("configuration", "pubic_url", "abstractor config");
    with("texts = \"none.ftl\"\n").has_one_error("configuration", "none.ftl", "abstractor texts");
    let listener = "[[mllp]]\nlisten = \"127.0.0.1:0\"\nuser = \"emr\"\n";
    let report = with(&format!("{listener}tls = {{ certificate = \"none.pem\", key = \"site.key\" }}\n"));
    report.has_one_error("configuration", "none.pem cannot be read", "as the user that the service runs as");
    let missing = site.doctor(&["--config", text_of(&site.root.path().join("none.toml"))]);
    missing.has_one_error("configuration", "cannot read the configuration", "correct the file");
    // an address that another program has
    let taken = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = taken.local_addr().expect("an address").to_string();
    let report = with(&listener.replace("127.0.0.1:0", &address));
    report.has_one_error("HL7 messages", &address, "stop the program that listens there");
}

#[test]
fn the_doctor_looks_beside_a_server_and_after_its_death() {
    let mut server = Server::serve("", |_| {});
    let address = server.url.trim_start_matches("http://").to_owned();
    let (data, key) = (server.data.clone(), server.data.join("demo.key"));
    let look = |address: &str| {
        let options = ["--data", text_of(&data), "--key-file", text_of(&key), "--recognizers", "dictionary"];
        Report::of(&program(&[&["doctor", "--json", "--listen", address], &options[..]].concat(), b""))
    };
    let before = contents(&data);
    let report = look(&address);
    assert_eq!(report.exit, Some(0), "{:#?}", report.findings);
    assert_eq!(report.finding("address", "a service of this version answers")["level"], "ok");
    assert_eq!(report.finding("database", "is whole and in use")["level"], "ok");
    assert_eq!(report.finding("site key", "lies in the data folder")["level"], "warning");
    assert_eq!(contents(&data), before);
    // the server was not disturbed, and can be taken for ready
    assert_eq!(health(&[&server.url]), (Some(0), "ready\n".to_owned(), String::new()));

    let note = server.post_note(&json!({"text": "ASSESSMENT: Gout.", "external_id": "D-1"}));
    server.extraction(&note);
    server.kill();
    let before = contents(&data);
    assert!(before.contains_key(&data.join("abstractor.db-wal")), "what was written last is in the log");
    let report = look("127.0.0.1:0");
    assert_eq!(report.exit, Some(0), "{:#?}", report.findings);
    assert_eq!(report.finding("database", "not closed by its last service")["level"], "ok");
    assert_eq!(report.finding("schema", "that of this program")["level"], "ok");
    assert_eq!(contents(&data), before);
    let taken = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = taken.local_addr().expect("an address").to_string();
    look(&address).has_one_error("address", &address, "stop the program that listens there");
}

#[test]
fn the_doctor_looks_at_postgresql() {
    let site = Site::new();
    let doctor = |database: &str| site.doctor(&["--database", database]);
    let report = doctor("postgres://user:hidden-password@127.0.0.1:1/none");
    report.has_one_error("database", "PostgreSQL: the database cannot answer now: the connection failed", "see that it runs");
    assert!(!format!("{:?}", report.findings).contains("hidden"));
    let report = doctor("mysql://user:hidden-password@127.0.0.1/none");
    report.has_one_error("database", "must begin with postgres://", "correct --database");
    assert!(!format!("{:?}", report.findings).contains("hidden"));

    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let database = cluster.url("hospital");
    for _ in 0..2 {
        let report = doctor(&database);
        assert_eq!(report.exit, Some(0), "{:#?}", report.findings);
        assert_eq!(report.finding("schema", "there is none yet")["level"], "warning", "the doctor makes no schema");
    }
    site.done(&["user", "--database", &database, "--key-file", text_of(&site.key), "add", "ada", "--role", "coder"]);
    let report = doctor(&database);
    assert_eq!(report.exit, Some(0), "{:#?}", report.findings);
    for (check, words) in [
        ("database", "fsync and full_page_writes are on"),
        ("schema", "that of this program"),
        ("site key", "the first key opens the database"),
        ("connections", "this service may want 16"),
        ("clock", "the database's clock differs from this machine's by 0."),
    ] {
        assert_eq!(report.finding(check, words)["level"], "ok", "{check}");
    }
    assert_eq!(report.finding("database", "superuser")["level"], "warning");
    let report = site.doctor(&["--database", &database, "--database-connections", "1000"]);
    report.has_one_error("connections", "may want 1000", "--database-connections");
    cluster.sql("postgres", "ALTER SYSTEM SET full_page_writes = off");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    wait_until("PostgreSQL has read its settings", Duration::from_secs(30), || doctor(&database).exit == Some(1));
    doctor(&database).has_one_error("database", "full_page_writes is off", "mend that in PostgreSQL");
}

/// `abstractor health`: its exit, and what it said on both streams.
fn health(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program(&[&["health"], arguments].concat(), b"");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn health_is_told_by_the_exit() {
    let server = Server::empty();
    let address = server.url.trim_start_matches("http://");
    assert_eq!(health(&["--listen", address]).0, Some(0));
    assert_eq!(health(&[address]).0, Some(0));
    assert_eq!(health(&[&format!("{}/", server.url)]).0, Some(0));

    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("an address").to_string();
    let answers = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().expect("a caller");
        let mut request = [0; 1024];
        let read = first.read(&mut request).expect("a request");
        let problem = json!({"status": 503, "detail": "the database cannot answer now"}).to_string();
        let head =
            format!("HTTP/1.1 503 Service Unavailable\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", problem.len());
        first.write_all((head + &problem).as_bytes()).expect("is answered");
        // and the second one is left without an answer
        let held = listener.accept().expect("a caller");
        (String::from_utf8_lossy(&request[..read]).into_owned(), held, listener)
    });
    let (exit, said, why) = health(&["--listen", &address]);
    assert_eq!((exit, said.as_str()), (Some(1), ""));
    assert!(why.contains("is not ready: it answers 503: the database cannot answer now"), "{why}");
    let started = Instant::now();
    let (exit, _, why) = health(&[&format!("http://{address}")]);
    assert!(started.elapsed() < Duration::from_secs(20), "it gives up");
    assert!(exit == Some(1) && why.contains("no service answers at http://"), "{why}");
    let (request, ..) = answers.join().expect("ends");
    assert!(request.starts_with("GET /health/ready "), "{request}");
    // now nobody listens there
    let (exit, _, why) = health(&["--listen", &address]);
    assert!(exit == Some(1) && why.contains("no service answers at http://"), "{why}");
}

#[test]
fn the_reference_of_the_configuration_is_the_one_of_the_program() {
    let printed = String::from_utf8(program(&["config"], b"").stdout).expect("text");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/configuration.toml");
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(kept == printed, "abstractor config > deploy/configuration.toml");
}

#[test]
fn shells_take_the_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = program(&["completions", shell], b"");
        let script = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success() && script.contains("doctor") && script.contains("key-file"), "{shell}: {script}");
        std::fs::write(folder.path().join(shell), script).expect("writes");
    }
    // what bash offers after the beginning of a word
    let ask = "set -e; source \"$0\"; COMP_WORDS=(abstractor doct); COMP_CWORD=1; _abstractor abstractor doct abstractor; echo \"${COMPREPLY[@]}\"";
    let checked = Command::new("bash").arg("-n").arg(folder.path().join("bash")).output().expect("bash is there");
    assert!(checked.status.success() && checked.stderr.is_empty(), "{}", String::from_utf8_lossy(&checked.stderr));
    let offered =
        Command::new("bash").args(["--norc", "-c", ask]).arg(folder.path().join("bash")).output().expect("bash is there");
    assert_eq!(String::from_utf8_lossy(&offered.stdout).trim(), "doctor", "{}", String::from_utf8_lossy(&offered.stderr));
    assert!(!program(&["completions", "cmd"], b"").status.success());
}

#[test]
fn the_manual_is_a_page_of_man() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("abstractor.1");
    let output = program(&["manual"], b"");
    assert!(output.status.success());
    std::fs::write(&page, &output.stdout).expect("writes");
    let text = String::from_utf8(output.stdout).expect("text");
    for heading in [
        ".SH NAME",
        ".SH SYNOPSIS",
        ".SH DESCRIPTION",
        ".SH OPTIONS",
        ".SH \"ABSTRACTOR DOCTOR\"",
        ".SH \"ABSTRACTOR KEY REWRAP\"",
    ] {
        assert_eq!(text.lines().filter(|line| *line == heading).count(), 1, "{heading}");
    }
    // where there is a reader of such pages, it finds nothing wrong with it
    if Command::new("man").arg("--version").output().is_ok_and(|output| output.status.success()) {
        let mut man = Command::new("man");
        let read = man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80").args(["--warnings", "-l"]).arg(&page);
        let read = read.output().expect("reads");
        assert!(read.status.success() && read.stderr.is_empty(), "{}", String::from_utf8_lossy(&read.stderr));
        assert!(String::from_utf8_lossy(&read.stdout).contains("ABSTRACTOR DOCTOR"));
    }
    let pages = folder.path().join("pages");
    assert!(program(&["manual", "--output", text_of(&pages)], b"").status.success());
    for name in ["abstractor.1", "abstractor-doctor.1", "abstractor-user-add.1"] {
        let page = std::fs::read_to_string(pages.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(".TH ") && page.contains(".SH SYNOPSIS"), "{name}");
    }
}

/// The table is what the dashboard, the rules and the texts of `/metrics` are held to.
#[test]
fn every_metric_is_in_the_table_and_the_other_way_round() {
    let table = include_str!("../../deploy/monitoring/metrics.tsv");
    let rows = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let known: BTreeMap<&str, Vec<&str>> =
        rows.map(|line| line.split('\t').collect::<Vec<_>>()).map(|row| (row[0], row)).collect();
    let server = Server::serve("", |_| {});
    let id = server.post_note(&json!({"text": "ASSESSMENT: Gout."}));
    server.extraction(&id);
    server.call("GET", "/metrics", "admin", None);
    let text = server.call("GET", "/metrics", "admin", None).text;
    let mut told = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a type");
        let row = known.get(name).unwrap_or_else(|| panic!("{name} is not in metrics.tsv"));
        assert_eq!(row[1], kind, "{name}");
        assert!(text.contains(&format!("# HELP {name} {}", row[5])) || name.starts_with("process_"), "{name} is not explained");
        told.insert(name);
    }
    for name in known.keys() {
        assert!(told.contains(name), "{name} is in metrics.tsv, and nowhere in:\n{text}");
    }
    // a counter begins at nothing, so that its first event is an increase
    assert!(text.contains("abstractor_refused_total{reason=\"waiting_notes\"} 0"), "{text}");
}
