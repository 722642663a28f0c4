//! Several servers on one PostgreSQL database, and the commands that name it.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::server::{PROGRAM, program};

#[expect(dead_code, reason = "the tests of the store use the rest of it")]
#[path = "../../src/store/postgres/cluster.rs"]
mod cluster;

/// `serve` on a database; killed when dropped.
struct Serving {
    url: String,
    child: Child,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start(database: &str, key: &str, log: &std::path::Path) -> Self {
        let child = Command::new(PROGRAM)
            .env("ABSTRACTOR_SIMILARITY", "off")
            .env("ABSTRACTOR_DATABASE", database)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-json", "--recognizers", "dictionary", "--key-file", key])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(log).expect("a log file"))
            .spawn()
            .expect("the program starts");
        let mut serving = Self { url: String::new(), child };
        let until = Instant::now() + Duration::from_secs(120);
        while serving.url.is_empty() {
            let written = std::fs::read_to_string(log).expect("reads");
            assert!(Instant::now() < until && serving.child.try_wait().expect("is asked").is_none(), "{written}");
            std::thread::sleep(Duration::from_millis(20));
            for line in written.lines().filter(|line| line.ends_with('}')) {
                let line: Value = serde_json::from_str(line).expect("a line of JSON");
                if line["fields"]["message"] == "serving" {
                    serving.url = format!("http://{}", line["fields"]["address"].as_str().expect("an address"));
                }
            }
        }
        serving
    }

    fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut reply = agent.run(request.body(body).expect("a request")).expect("the server answers");
        (reply.status().as_u16(), reply.body_mut().read_json().unwrap_or_default())
    }

    fn extraction(&self, note: &str, token: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match self.call("GET", &format!("/v1/notes/{note}/extraction"), token, None) {
                (200, extraction) => return extraction,
                (status, _) => assert!(status == 202 && Instant::now() < until, "{status}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn two_servers_share_a_database() {
    let cluster = cluster::Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let (database, folder) = (cluster.url("hospital"), tempfile::tempdir().expect("a folder"));
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let (key, file) = (path("site.key"), path("file"));
    let done = |arguments: &[&str]| {
        let output = program(arguments, b"");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let refused = |arguments: &[&str]| {
        let output = program(arguments, b"");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    done(&["key", "generate", &key]);

    // a password is told nowhere, whatever goes wrong
    let unreachable = "postgres://user:hidden-password@127.0.0.1:1/none";
    let said = refused(&["user", "--database", unreachable, "--key-file", &key, "list"]);
    assert!(said.contains("cannot open the PostgreSQL database") && !said.contains("hidden"), "{said}");

    // begun on a file, then moved
    done(&["user", "--data", &file, "--key-file", &key, "add", "emr", "--role", "submitter", "--source", "emr"]);
    let submitter = done(&["token", "--data", &file, "--key-file", &key, "add", "emr"]);
    assert_eq!(done(&["migrate", "--data", &file]), "nothing to do: the schema is the one of this program");
    let applied = done(&["migrate", "--database", &database]);
    assert!(applied.contains("applied 0012 head") && applied.contains("0013 routing"), "{applied}");
    let from = format!("sqlite:{file}");
    let copied = done(&["copy", "--from", &from, "--to", &database]);
    assert!(copied.contains("user_account") && copied.contains("both sides are the same"), "{copied}");
    let again = refused(&["copy", "--from", &from, "--to", &database]);
    assert!(again.contains("needs an empty one"), "{again}");
    let tool = |arguments: &[&str]| {
        let (command, rest) = arguments.split_first().expect("a command");
        done(&[&[*command, "--database", &database, "--key-file", &key], rest].concat())
    };
    tool(&["user", "add", "ada", "--role", "coder"]);
    tool(&["user", "add", "anna", "--role", "coder"]);
    let (ada, anna) = (tool(&["token", "add", "ada"]), tool(&["token", "add", "anna"]));

    let one = Serving::start(&database, &key, &folder.path().join("one.log"));
    let other = Serving::start(&database, &key, &folder.path().join("other.log"));
    let mut notes = Vec::new();
    for number in 0..10 {
        let server = if number % 2 == 0 { &one } else { &other };
        let text = format!("Visit {number}.\nASSESSMENT: Asthma.\nMEDICATIONS: Metformin 500 mg p.o. b.i.d.");
        let note = json!({"text": text, "external_id": format!("n{number}"), "encounter": format!("e{}", number / 2)});
        let (status, reply) = server.call("POST", "/v1/notes", &submitter, Some(note.clone()));
        assert_eq!(status, 202, "{reply}");
        notes.push(reply["id"].as_str().expect("an id").to_owned());
        let elsewhere = if number % 2 == 0 { &other } else { &one };
        assert_eq!(elsewhere.call("POST", "/v1/notes", &submitter, Some(note)).1["id"], reply["id"], "the same note");
    }
    for note in &notes {
        assert_eq!(one.extraction(note, &submitter), other.extraction(note, &submitter));
    }
    let (_, list) = other.call("GET", "/v1/review/items", &ada, None);
    let items = list["items"].as_array().expect("items");
    assert_eq!(items.len(), 5, "the two notes of an encounter came by two servers");
    let claim = format!("/v1/review/items/{}/claim", items[0]["id"].as_str().expect("an id"));
    assert_eq!(one.call("POST", &claim, &ada, None).0, 200);
    assert_eq!(other.call("POST", &claim, &anna, None).0, 409, "the other server knows who holds it");

    // one dies, the other goes on
    drop(one);
    let last = json!({"text": "Gout.", "external_id": "last"});
    let (_, reply) = other.call("POST", "/v1/notes", &submitter, Some(last));
    other.extraction(reply["id"].as_str().expect("an id"), &submitter);
}
