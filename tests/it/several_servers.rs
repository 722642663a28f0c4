//! Several servers on one PostgreSQL database, and the commands that name it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    cluster::Cluster,
    server::{Server, Start, program},
};

#[test]
fn two_servers_share_a_database() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let (database, folder) = (cluster.url("hospital"), tempfile::tempdir().expect("a folder"));
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let (key, file) = (path("demo.key"), path("file"));
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
    let token = |name: &str| tool(&["token", "add", name]);
    let tokens = [("submitter", submitter), ("ada", token("ada")), ("anna", token("anna"))];
    let tokens: BTreeMap<String, String> = tokens.map(|(role, token)| (role.to_owned(), token)).into();

    std::fs::write(path("abstractor.toml"), "").expect("is written");
    let start = Start { database: Some(database.clone()), ..Start::default() };
    let one = Server::serve_on(start, folder.path(), tokens, None);
    let other = one.another();
    let mut notes = Vec::new();
    for number in 0..10 {
        let (server, elsewhere) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let text = format!("Visit {number}.\nASSESSMENT: Asthma.\nMEDICATIONS: Metformin 500 mg p.o. b.i.d.");
        let note = json!({"text": text, "external_id": format!("n{number}"), "encounter": format!("e{}", number / 2)});
        notes.push(server.post_note(&note));
        assert_eq!(notes.last(), Some(&elsewhere.post_note(&note)), "the same note");
    }
    for note in &notes {
        assert_eq!(one.extraction(note), other.extraction(note));
    }
    let list = other.call("GET", "/v1/review/items", "ada", None).json();
    let items = list["items"].as_array().expect("items");
    assert_eq!(items.len(), 5, "the two notes of an encounter came by two servers");
    let claim = format!("/v1/review/items/{}/claim", items[0]["id"].as_str().expect("an id"));
    assert_eq!(one.call("POST", &claim, "ada", Some(b"")).status, 200);
    assert_eq!(other.call("POST", &claim, "anna", Some(b"")).status, 409, "the other server knows who holds it");

    // one dies, the other goes on
    drop(one);
    let last = other.post_note(&json!({"text": "Gout.", "external_id": "last"}));
    other.extraction(&last);
}
