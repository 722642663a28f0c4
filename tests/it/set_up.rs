//! How an operator sets a site up: folders and keys, users and tokens, who sends messages, who owns the schema; and what is said where a step
//! was left out.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::Value;

use crate::{
    cluster::Cluster,
    operations::{Site, chmod, text_of},
    server::program,
};

/// What a command said on standard error; it must have failed.
fn refused(arguments: &[&str]) -> String {
    let output = program(arguments, b"");
    assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command said on standard error; it must not have failed.
fn said(arguments: &[&str]) -> String {
    let output = program(arguments, b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("is there").permissions().mode() & 0o777
}

fn change(site: &Site, sql: &str) {
    let connection = rusqlite::Connection::open(site.data.join("abstractor.db")).expect("opens");
    connection.execute_batch(sql).expect("is done");
}

#[test]
fn the_doctor_tells_who_cannot_send_messages() {
    const CHECK: &str = "HL7 messages";
    let site = Site::new();
    let config = site.root.path().join("abstractor.toml");
    let named = |user: &str| {
        let text = format!("[[mllp]]\nlisten = \"127.0.0.1:0\"\nuser = \"{user}\"\n");
        std::fs::write(&config, text).expect("writes");
    };
    let doctor = |user: &str| {
        named(user);
        site.doctor(&["--config", text_of(&config)])
    };
    doctor("lab").has_one_error(CHECK, "\"lab\" for messages, who is not there", "user add lab --role submitter");
    site.tool("user", &["add", "ada", "--role", "coder"]);
    doctor("ada").has_one_error(CHECK, "\"ada\" for messages, who is no submitter", "user add NAME --role submitter");
    // what the doctor finds, `serve` refuses
    named("ada");
    let serve = [&["serve", "--config", text_of(&config)], &*site.options(&site.key)].concat();
    assert!(refused(&serve).contains("who is no submitter; `abstractor user add NAME"), "{}", refused(&serve));
    site.tool("user", &["disable", "emr"]);
    let report = doctor("emr");
    let finding = report.finding(CHECK, "\"emr\" is disabled");
    assert_eq!((report.exit, &finding["level"]), (Some(0), &Value::from("warning")));
    assert!(finding["remedy"].as_str().is_some_and(|told| told.contains("abstractor user enable emr")), "{finding}");
    // no command makes such a one
    change(&site, "UPDATE user_account SET source = NULL WHERE name = 'emr'");
    doctor("emr").has_one_error(CHECK, "\"emr\" for messages, who has no source", "user add NAME --role submitter");
    // before there is a database
    std::fs::remove_file(site.data.join("abstractor.db")).expect("is removed");
    doctor("emr").has_one_error(CHECK, "who is not there", "user add emr --role submitter");
}

#[test]
fn the_doctor_tells_of_jobs_that_nobody_does() {
    let site = Site::new();
    change(
        &site,
        "PRAGMA foreign_keys = off;
         INSERT INTO job (id, note_id, state, run_after, fence, tries, created_at)
         VALUES (randomblob(16), randomblob(16), 'waiting', 0, 0, 0, 0)",
    );
    let report = site.doctor(&[]);
    let finding = report.finding("jobs", "nobody does them");
    assert_eq!((report.exit, &finding["level"]), (Some(0), &Value::from("warning")));
    assert!(finding["remedy"].as_str().is_some_and(|told| told.contains("without --without-worker")), "{finding}");
    change(&site, "PRAGMA foreign_keys = off; UPDATE job SET state = 'claimed', lease_until = 9000000000000000");
    assert_eq!(site.doctor(&[]).finding("jobs", "not done: 1")["level"], "ok");
    // one that came just now, which is due from the beginning of time
    change(
        &site,
        "PRAGMA foreign_keys = off;
         UPDATE job SET state = 'waiting', lease_until = NULL, created_at = 1000000 * CAST(strftime('%s', 'now') AS INTEGER)",
    );
    assert_eq!(site.doctor(&[]).finding("jobs", "not done: 1")["level"], "ok");
}

#[test]
fn a_user_of_the_database_is_told_what_its_owner_has_to_do() {
    let site = Site::new();
    let cluster = Cluster::start(&[]);
    for sql in ["CREATE ROLE abstractor_owner LOGIN", "CREATE ROLE abstractor LOGIN", "CREATE DATABASE hospital"] {
        cluster.sql("postgres", sql);
    }
    cluster.sql("hospital", "REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO abstractor_owner");
    let url = |role: &str| cluster.url("hospital").replace("user=postgres", &format!("user={role}"));
    let (owner, servers) = (url("abstractor_owner"), url("abstractor"));
    let doctor = |database: &str| site.doctor(&["--database", database]);
    let serve = [&["serve", "--database", &servers], &*site.options(&site.key)].concat();
    let key = ["--key-file", text_of(&site.key)];

    // there is no schema
    doctor(&servers).has_one_error("schema", "there is none yet, and this user", "migrate --database postgres://OWNER@");
    for arguments in [&*serve, &["migrate", "--database", &servers]] {
        let why = refused(arguments);
        assert!(why.contains("has no schema yet, and its user may not make one"), "{why}");
        assert!(why.contains("`abstractor migrate --database postgres://OWNER@"), "{why}");
    }
    let why = refused(&[&["user", "--database", &owner], &key[..], &["list"]].concat());
    assert!(why.contains("there is no schema in the PostgreSQL database; `abstractor migrate` makes it"), "{why}");
    let report = doctor(&owner);
    assert_eq!((report.exit, &report.finding("schema", "there is none yet")["level"]), (Some(0), &Value::from("warning")));

    // there is one, and nothing was granted
    site.done(&["migrate", "--database", &owner]);
    doctor(&servers).has_one_error("schema", "may not use its tables", "deploy/compose/grants.sql");
    let why = refused(&serve);
    assert!(why.contains("may not use it or its tables; their owner has to grant that"), "{why}");

    // granted as the file has it; the doctor asks for no more than that, and for no less
    let grants = include_str!("../../deploy/compose/grants.sql");
    cluster.sql("hospital", &format!("SET ROLE abstractor_owner; {grants}"));
    let report = doctor(&servers);
    assert_eq!((report.exit, &report.finding("schema", "that of this program")["level"]), (Some(0), &Value::from("ok")));
    site.done(&[&["user", "--database", &servers], &key[..], &["add", "ada", "--role", "coder"]].concat());
    cluster.sql("hospital", "REVOKE DELETE ON used_assertion FROM abstractor");
    doctor(&servers).has_one_error("schema", "may not use its tables", "deploy/compose/grants.sql");
    cluster.sql("hospital", "GRANT DELETE ON used_assertion TO abstractor");

    // it is older than the program
    cluster.sql("hospital", "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)");
    doctor(&servers).has_one_error("schema", "this user of the database may not change it", "abstractor migrate --database");
    let why = refused(&serve);
    assert!(why.contains("is older than this program, and its user may not change it"), "{why}");
}

#[test]
fn a_folder_for_data_is_its_owners_alone_and_only_some_commands_make_one() {
    let root = tempfile::tempdir().expect("a folder");
    chmod(root.path(), 0o755);
    let (keys, above) = (root.path().join("keys"), root.path().join("above"));
    let (key, data) = (keys.join("site.key"), above.join("data"));
    let why = refused(&["key", "generate", text_of(&key)]);
    assert!(why.contains(&format!("`install -d -m 700 {}`", keys.display())), "{why}");
    std::fs::create_dir(&keys).expect("is made");
    let told = said(&["key", "generate", text_of(&key)]);
    assert!(told.contains("keep a copy of") && told.lines().count() == 1, "{told}");

    let options = ["--data", text_of(&data), "--key-file", text_of(&key)];
    let id = "019e7044-8800-7000-8000-000000000000";
    let commands: [(&str, &[&str]); 12] = [
        ("user", &["list"]),
        ("user", &["sign-in", "ada"]),
        ("user", &["disable", "ada"]),
        ("token", &["list", "ada"]),
        ("token", &["add", "ada"]),
        ("token", &["revoke", id]),
        ("quarantine", &["list"]),
        ("quarantine", &["retry", "--all"]),
        ("messages", &["list"]),
        ("messages", &["show", id]),
        ("messages", &["replay", id]),
        ("check", &[]),
    ];
    for (command, arguments) in commands {
        let why = refused(&[&[command], &options[..], arguments].concat());
        assert!(why.contains("there is no database in"), "{command} {arguments:?}: {why}");
        assert!(!above.exists(), "{command} {arguments:?} makes a folder");
    }
    said(&[&["user"], &options[..], &["add", "ada", "--role", "coder"]].concat());
    assert_eq!((mode(&above), mode(&data)), (0o700, 0o700));
    assert_eq!(mode(root.path()), 0o755, "what was there stays as it was");
    let other = root.path().join("other");
    said(&["migrate", "--data", text_of(&other)]);
    assert_eq!(mode(&other), 0o700);

    // what is no backup leaves nothing behind; a folder that was there stays
    let words = root.path().join("words");
    std::fs::write(&words, "no backup").expect("writes");
    let there = root.path().join("there");
    std::fs::create_dir(&there).expect("is made");
    for to in [root.path().join("one/two"), there.clone()] {
        let why = refused(&["restore", "--data", text_of(&to), "--key-file", text_of(&key), text_of(&words)]);
        assert!(why.contains("is not restored to"), "{why}");
    }
    assert!(!root.path().join("one").exists());
    assert_eq!(std::fs::read_dir(&there).expect("is there").count(), 0);
}

#[test]
fn a_token_says_when_it_ends() {
    let site = Site::new();
    let options = ["--data", text_of(&site.data), "--key-file", text_of(&site.key)];
    let add = |more: &[&str]| said(&[&["token"], &options[..], &["add", "emr"], more].concat());
    let never = add(&["--label", "for always", "--days", "never"]);
    assert!(never.contains("it is not shown again; it never ends"), "{never}");
    let year = add(&["--label", "for a year", "--access", "read"]);
    assert!(year.contains("it works until"), "{year}");
    let until = add(&["--label", "for two days", "--days", "2"]);
    let end = until.split_once("it works until ").expect("an end").1.trim();
    let listed = site.tool("token", &["list", "emr"]);
    let (head, rows) = listed.split_once('\n').expect("a heading");
    for (label, ends) in [("for always", "never"), ("for two days", end)] {
        let row = rows.lines().find(|row| row.ends_with(label)).expect("is listed");
        for (heading, word) in [("KIND", "api"), ("ENDS", ends), ("STATE", "live"), ("LABEL", label)] {
            let column = head.find(heading).expect("a column");
            assert!(row[column..].starts_with(word), "{heading}: {listed}");
        }
    }
    let year = rows.lines().find(|row| row.ends_with("for a year")).expect("is listed");
    let column = |heading: &str| &year[head.find(heading).expect("a column")..];
    assert!(column("KIND").starts_with("api_read") && column("USED").starts_with("never"), "{listed}");

    // a successor has its user, access and label; the old one goes on for the overlap
    let id = year.split(' ').next().expect("an id");
    let rotate = |id: &str, more: &[&str]| said(&[&["token"], &options[..], &["rotate", id], more].concat());
    let told = rotate(id, &["--overlap-days", "3"]);
    assert!(told.contains("the old one works until"), "{told}");
    let listed = site.tool("token", &["list", "emr"]);
    let rows = || listed.lines().filter(|row| row.ends_with("for a year"));
    assert_eq!(rows().filter(|row| row.contains(" live ") && row.contains("api_read")).count(), 2, "{listed}");
    // without an overlap it ends at once
    rotate(id, &[]);
    let why = refused(&[&["token"], &options[..], &["rotate", id]].concat());
    assert!(why.contains("there is no token for programs of this id that works now"), "{why}");
}
