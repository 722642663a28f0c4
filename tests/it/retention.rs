//! Data at rest to its end, from outside: keys rotated under load and a kill, purges with proof, holds, what is due, rights of patients.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    hl7::{Peer, document, listener},
    server::{PROGRAM, Server, Start, program, wait_until},
};

fn text_of(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A command below `key` on the folder of a server.
fn key(server: &Server, command: &str) -> Output {
    program(&["key", command, "--data", text_of(&server.data)], b"")
}

/// What a command on the folder of a server printed; it must have gone well.
fn done(server: &Server, command: &str, arguments: &[&str]) -> String {
    let output = server.try_tool(command, arguments);
    assert!(output.status.success(), "{command} {arguments:?}: {}", said(&output));
    said(&output)
}

/// The same, which must not have gone well.
fn refused(server: &Server, command: &str, arguments: &[&str]) -> String {
    let output = server.try_tool(command, arguments);
    assert!(!output.status.success(), "{command} {arguments:?}: {}", said(&output));
    said(&output)
}

fn note(number: usize) -> Value {
    json!({
        "text": format!("ASSESSMENT:\nGout. Note {number} is of nobody.\n"), "external_id": format!("N-{number}"),
        "patient": {"id": format!("P-{}", number % 7)}, "encounter": format!("E-{number}"),
    })
}

fn text(server: &Server, id: &str) -> (u16, String) {
    let reply = server.call("GET", &format!("/v1/notes/{id}/text"), "submitter", None);
    (reply.status, reply.text)
}

fn item(server: &Server, id: &str) -> String {
    let note = server.call("GET", &format!("/v1/notes/{id}"), "submitter", None).json();
    note["item_id"].as_str().expect("an item").to_owned()
}

/// Claims and finishes an encounter, every entry accepted.
fn finish(server: &Server, item: &str) {
    let at = |what: &str| format!("/v1/review/items/{item}{what}");
    assert_eq!(server.call("POST", &at("/claim"), "coder", None).status, 200);
    let found = server.call("GET", &at(""), "coder", None).json();
    let wanted = found["entries"].as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == true);
    let decisions: Vec<Value> =
        wanted.map(|entry| json!({"entry_id": entry["id"], "decision": {"action": "accept"}})).collect();
    if !decisions.is_empty() {
        let body = json!({"decisions": decisions}).to_string();
        let reply = server.call("POST", &at("/decisions"), "coder", Some(body.as_bytes()));
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let reply = server.call("POST", &at("/finish?override_edits=documentation_supports_it"), "coder", None);
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[test]
fn keys_are_rotated_under_load_although_the_rotation_is_killed() {
    let server = Server::serve("", |_| {});
    let file = server.data.join("demo.key");
    let old = std::fs::read_to_string(&file).expect("a key");
    for number in 0..600 {
        server.post_note(&note(number));
    }
    let (stop, posted) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1000.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let id = server.post_note(&note(number));
                let (status, text) = text(&server, &id);
                assert_eq!(status, 200, "{text}");
                posted.lock().expect("nobody panicked").push((id, number));
            }
        });
        // killed at several moments: before, while and after the new key is announced and comes first
        for milliseconds in [30, 300, 1500, 2600] {
            let mut rotation = Command::new(PROGRAM)
                .args(["key", "rotate", "--data", text_of(&server.data)])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts");
            std::thread::sleep(Duration::from_millis(milliseconds));
            let _ = rotation.kill();
            let _ = rotation.wait();
        }
        let rotated = program(&["keys", "rotate", "--data", text_of(&server.data)], b"");
        assert!(rotated.status.success(), "{}", said(&rotated));
        stop.store(true, Ordering::Relaxed);
    });
    let retired = key(&server, "retire");
    assert!(retired.status.success(), "{}", said(&retired));
    let new = std::fs::read_to_string(&file).expect("a key");
    let keys = |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert!(keys(&new).len() == 1 && keys(&new) != keys(&old), "one new key");
    // nothing is wrapped by another one, the index key included
    let database = rusqlite::Connection::open(server.data.join("abstractor.db")).expect("opens");
    let ids = |sql: &str| {
        let mut statement = database.prepare(sql).expect("is a query");
        let found = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("runs");
        found.collect::<Result<Vec<_>, _>>().expect("reads")
    };
    let of_secret = ids("SELECT DISTINCT substr(wrapped, 2, 8) FROM site_secret");
    assert_eq!(of_secret.len(), 1);
    for table in ["note", "patient", "encounter", "review_item"] {
        assert_eq!(ids(&format!("SELECT DISTINCT substr(data_key, 2, 8) FROM {table}")), of_secret, "{table}");
    }
    drop(database);
    let posted = posted.into_inner().expect("nobody panicked");
    assert!(!posted.is_empty());
    // with the server that ran all the time, and with one that knows the new key alone
    let fresh = server.post_note(&note(5000));
    let server = server.restarted_after_kill();
    for (id, number) in posted.iter().chain([&(fresh, 5000)]) {
        let (status, text) = text(&server, id);
        assert!(status == 200 && text.contains(&format!("Note {number} ")), "{status} {text}");
    }
    assert!(done(&server, "check", &[]).contains("nothing is wrong"));
    let again = key(&server, "retire");
    assert!(again.status.success() && said(&again).contains("nothing to do"), "{}", said(&again));
}

#[test]
fn a_purged_note_opens_in_no_backup_once_the_keys_are_rotated() {
    let server = Server::serve("", |_| {});
    let (gone, kept) = (server.post_note(&note(1)), server.post_note(&note(2)));
    server.extraction(&gone);
    server.extraction(&kept);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let [left, brought] = ["left", "brought"].map(|name| elsewhere.path().join(name));
    for file in [&left, &brought] {
        let made = program(&["backup", "--data", text_of(&server.data), text_of(file)], b"");
        assert!(made.status.success(), "{}", said(&made));
    }
    let sealed = rusqlite::Connection::open(&left).expect("opens");
    let sql = "SELECT data_key, text FROM note WHERE hex(id) = ?1";
    let id = gone.replace('-', "").to_uppercase();
    let (wrapped, bytes): (Vec<u8>, Vec<u8>) =
        sealed.query_row(sql, [&id], |row| Ok((row.get(0)?, row.get(1)?))).expect("is there");
    drop(sealed);

    let dry = done(&server, "purge", &["note", &gone, "--reason", "objection", "--dry-run"]);
    assert!(dry.contains(&gone) && dry.contains("1 notes, all of it"), "{dry}");
    assert_eq!(text(&server, &gone).0, 200, "nothing was destroyed");
    assert!(refused(&server, "purge", &["note", &gone, "--reason", "Jane Roe asked"]).contains("one word"));
    done(&server, "purge", &["note", "--source", "emr", "--record", "N-1", "--reason", "objection"]);
    for path in [format!("/v1/notes/{gone}"), format!("/v1/notes/{gone}/text"), format!("/v1/notes/{gone}/extraction")] {
        let reply = server.call("GET", &path, "submitter", None);
        assert_eq!((reply.status, reply.code().as_str()), (410, "note_purged"), "{path}");
    }
    assert_eq!(server.call("GET", &format!("/fhir/DocumentReference/{gone}"), "submitter", None).status, 410);
    assert!(refused(&server, "purge", &["note", &gone, "--reason", "objection"]).contains("nothing of this note is left"));
    for name in ["abstractor.db", "abstractor.db-wal"] {
        let file = std::fs::read(server.data.join(name)).unwrap_or_default();
        for needle in [&wrapped, &bytes] {
            assert!(!file.windows(needle.len()).any(|window| window == needle), "{name}");
        }
    }
    let events = server.events();
    let told: Vec<&Value> = events.iter().filter(|event| event["action"] == "note.purged").collect();
    assert!(told.len() == 1 && told[0]["subject_id"] == gone.as_str() && told[0]["detail"] == "objection", "{told:?}");

    let prove = ["prove", "--backup", text_of(&left), "--backup", text_of(&brought)];
    assert!(refused(&server, "purge", &prove).contains(&format!("note {gone} opens")));
    let rotated = key(&server, "rotate");
    assert!(rotated.status.success(), "{}", said(&rotated));
    assert!(done(&server, "purge", &["apply", text_of(&brought)]).contains("1 notes destroyed"));
    let retired = key(&server, "retire");
    assert!(retired.status.success(), "{}", said(&retired));
    assert!(done(&server, "purge", &prove).contains("nothing that was purged opens"));
    assert_eq!(text(&server, &kept).0, 200);
    // the one that was brought along is still a backup
    let new = elsewhere.path().join("new");
    let key = elsewhere.path().join("site.key");
    std::fs::copy(server.data.join("demo.key"), &key).expect("is copied");
    let place = ["restore", "--data", text_of(&new), "--key-file", text_of(&key)];
    let restored = program(&[&place[..], &[text_of(&brought)]].concat(), b"");
    assert!(restored.status.success() && said(&restored).contains("nothing is wrong"), "{}", said(&restored));
    let old = program(
        &["restore", "--data", text_of(&elsewhere.path().join("old")), "--key-file", text_of(&key), text_of(&left)],
        b"",
    );
    assert!(!old.status.success(), "{}", said(&old));
}

#[test]
fn one_note_of_an_encounter_goes_and_the_rest_stays() {
    let server = Server::serve("", |_| {});
    let of = |number: usize, text: &str| json!({"text": text, "external_id": format!("D-{number}"), "encounter": "E", "patient": "P"});
    let gone = server.post_note(&of(1, "ASSESSMENT:\nGout.\n"));
    let kept = server.post_note(&of(2, "ASSESSMENT:\nAsthma.\n"));
    server.extraction(&gone);
    server.extraction(&kept);
    let item = item(&server, &kept);
    finish(&server, &item);
    let look = || server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json();
    let decided = |item: &Value| -> Vec<String> {
        let entries = item["entries"].as_array().expect("entries").iter();
        entries
            .filter(|entry| !entry["decisions"].as_array().expect("decisions").is_empty())
            .map(|entry| entry["display"].to_string())
            .collect()
    };
    assert_eq!(decided(&look()).len(), 2, "{}", look());
    done(&server, "purge", &["note", &gone, "--reason", "objection"]);
    let after = look();
    assert_eq!(decided(&after).len(), 1, "{after}");
    assert!(decided(&after)[0].to_lowercase().contains("asthma"), "{after}");
    assert_eq!(after["item"]["state"], "finished");
    let notes = after["notes"].as_array().expect("notes");
    assert!(notes.iter().any(|note| note["id"] == gone.as_str() && note["purged_at"].is_string()), "{after}");
    assert!(!after.to_string().to_lowercase().contains("gout"), "{after}");
    assert!(done(&server, "check", &[]).contains("nothing is wrong"));
}

#[test]
fn what_is_held_stays_and_what_is_due_goes() {
    let configuration = "[retention]\ndays = 3650\ntypes = { progress_note = 30, operative_note = 0 }\n";
    let server = Server::serve(configuration, |_| {});
    let of = |number: usize, note_type: &str, day: &str| {
        json!({"text": "ASSESSMENT:\nGout.\n", "external_id": format!("R-{number}"), "encounter": format!("RE-{number}"),
               "patient": format!("RP-{number}"), "note_type": note_type, "service_date": day})
    };
    let due = server.post_note(&of(1, "progress_note", "2020-01-01"));
    let held = server.post_note(&of(2, "progress_note", "2020-01-01"));
    let ever = server.post_note(&of(3, "operative_note", "1990-01-01"));
    let other = server.post_note(&of(4, "discharge_summary", "2020-01-01"));
    let open = server.post_note(&of(5, "progress_note", "2020-01-01"));
    for id in [&due, &held, &ever, &other] {
        server.extraction(id);
        finish(&server, &item(&server, id));
    }
    let hold = server.tool("hold", &["add", "patient", "--source", "emr", "--record", "RP-2", "--reason", "case-17"]);
    let config = server.data.join("abstractor.toml");
    let config = text_of(&config);
    let listed = done(&server, "purge", &["due", "--config", config, "--dry-run"]);
    assert!(listed.contains(&due) && listed.contains("1 notes are due"), "{listed}");
    for id in [&held, &ever, &other, &open] {
        assert!(!listed.contains(id.as_str()), "{listed}");
    }
    assert!(done(&server, "purge", &["due", "--config", config]).contains("1 notes were due"));
    assert_eq!(text(&server, &due).0, 410);
    for id in [&held, &ever, &other, &open] {
        assert_eq!(text(&server, id).0, 200);
    }
    let by_service =
        server.events().into_iter().filter(|event| event["action"] == "note.purged" && event["actor"] == "service");
    assert_eq!(by_service.count(), 1, "{:?}", server.events().last());
    // a hold stands against everybody
    let why = refused(&server, "purge", &["note", &held, "--reason", "objection"]);
    assert!(why.contains("under legal hold") && why.contains("case-17"), "{why}");
    assert!(refused(&server, "patient", &["erase", "--source", "emr", "--record", "RP-2"]).contains("under legal hold"));
    assert!(server.tool("hold", &["list"]).contains(&hold));
    done(&server, "hold", &["release", &hold]);
    assert_eq!(server.tool("hold", &["list"]), "");
    assert!(done(&server, "purge", &["due", "--config", config]).contains("1 notes were due"));
    assert_eq!(text(&server, &held).0, 410);
}

#[test]
fn a_patient_gets_everything_and_is_forgotten() {
    let server = Server::serve(&listener(""), |_| {});
    let mut peer = Peer::connect(&server);
    assert_eq!(peer.exchange(&document("T02", "C1", "77", "ASSESSMENT: Gout.")).0, "AA");
    // a message about the patient that brings no note
    let update = "MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504101500+0000||ADT^A08^ADT_A01|C2|P|2.5.1||||||UNICODE UTF-8\rEVN|A08|20260504\r\
                  PID|1||MRN-77^^^NORTH^MR||Sentinel^Forgotten||19500228|F\rPV1|1|O\r";
    assert_eq!(peer.exchange(update).0, "AA");
    wait_until("the note is there", Duration::from_secs(60), || server.gauge("abstractor_jobs_waiting") == 0);
    let record = ["--source", "emr", "--record", "MRN-77"];
    let given = done(&server, "patient", &[&["export"][..], &record, &["-"]].concat());
    let lines: Vec<Value> = given.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["line"] == kind).collect::<Vec<_>>();
    assert_eq!((of("patient").len(), of("encounter").len(), of("note").len()), (1, 1, 1), "{given}");
    assert!(
        of("patient")[0].to_string().contains("Forgotten") && of("note")[0]["text"].as_str().expect("text").contains("Gout")
    );
    assert!(of("event").iter().any(|event| event["action"] == "note.stored"), "{given}");
    assert!(of("event").iter().any(|event| event["action"] == "patient.exported"), "{given}");
    let folder = server.data.join("export");
    done(&server, "patient", &[&["export"][..], &record, &[text_of(&folder)]].concat());
    assert!(std::fs::read_to_string(folder.join("patient.ndjson")).expect("is written").contains("Gout"));
    assert!(refused(&server, "patient", &[&["export"][..], &record, &[text_of(&folder)]].concat()).contains("not overwritten"));

    let dry = done(&server, "patient", &[&["erase"][..], &record, &["--dry-run"]].concat());
    assert!(dry.contains("1 encounters, 1 notes, 2 messages"), "{dry}");
    done(&server, "patient", &[&["erase"][..], &record].concat());
    assert!(refused(&server, "patient", &[&["export"][..], &record, &["-"]].concat()).contains("no such patient"));
    assert!(done(&server, "purge", &["prove"]).contains("nothing that was purged opens"));
    let database = rusqlite::Connection::open(server.data.join("abstractor.db")).expect("opens");
    let sql = "SELECT count(*) FROM message WHERE length(data_key) > 0 OR length(content) > 0";
    assert_eq!(database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("counts"), 0);
    assert!(done(&server, "check", &[]).contains("nothing is wrong"));
    let actions: Vec<String> = server.events().iter().map(|event| event["action"].to_string()).collect();
    for action in ["patient.exported", "patient.purged", "note.purged", "message.purged"] {
        assert!(actions.contains(&format!("\"{action}\"")), "{action}");
    }
}

#[test]
fn a_wrong_merge_is_taken_back() {
    let server = Server::serve(&listener(""), |_| {});
    let mut peer = Peer::connect(&server);
    for (control, number) in [("C1", "1"), ("C2", "2")] {
        assert_eq!(peer.exchange(&document("T02", control, number, "ASSESSMENT: Gout.")).0, "AA");
    }
    let merge = "MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504101500+0000||ADT^A40^ADT_A39|C3|P|2.5.1||||||UNICODE UTF-8\rEVN|A40|20260504\r\
                 PID|1||MRN-1^^^NORTH^MR||Sentinel^Patience\rMRG|MRN-2^^^NORTH^MR\r";
    assert_eq!(peer.exchange(merge).0, "AA");
    let record = ["--source", "emr", "--record", "MRN-2"];
    let unmerge = [&["unmerge"][..], &record].concat();
    assert!(done(&server, "patient", &unmerge).contains("1 encounters with 1 notes went back"));
    assert!(refused(&server, "patient", &unmerge).contains("merged into none"));
    let given = done(&server, "patient", &[&["export"][..], &record, &["-"]].concat());
    assert_eq!(given.lines().filter(|line| line.contains("\"line\":\"note\"")).count(), 1, "{given}");
    assert!(server.events().iter().any(|event| event["action"] == "patient.unmerged"));
}

/// Variables and arguments of a command.
type Way<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn keys_come_from_one_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("site.key"), folder.path().join("data"));
    let made = program(&["key", "generate", text_of(&file)], b"");
    assert!(made.status.success(), "{}", said(&made));
    let text = std::fs::read_to_string(&file).expect("a key");
    let run = |environment: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["user", "--data", text_of(&data)]).args(arguments).envs(environment.iter().copied());
        command.output().expect("the program runs")
    };
    let of_command = format!("cat '{}'", file.display());
    let ways: [Way<'_>; 4] = [
        (&[], &["--key-file", text_of(&file)]),
        (&[("ABSTRACTOR_KEY", &text)], &[]),
        (&[], &["--key-command", &of_command]),
        (&[("ABSTRACTOR_KEY_COMMAND", &of_command)], &[]),
    ];
    for (number, (environment, options)) in ways.into_iter().enumerate() {
        let name = format!("user{number}");
        let added = run(environment, &[options, &["add", &name, "--role", "coder"]].concat());
        assert!(added.status.success(), "{}", said(&added));
    }
    let both = run(&[("ABSTRACTOR_KEY", &text)], &["--key-file", text_of(&file), "list"]);
    assert!(!both.status.success() && said(&both).contains("in several ways"), "{}", said(&both));
    let failing = run(&[], &["--key-command", "sh -c 'echo SENTINEL; echo SENTINEL >&2; exit 9'", "list"]);
    let told = said(&failing);
    assert!(!failing.status.success() && told.contains("the key command sh") && !told.contains("SENTINEL"), "{told}");
    let wrong = run(&[("ABSTRACTOR_KEY", "SENTINEL")], &["list"]);
    assert!(!wrong.status.success() && !said(&wrong).contains("SENTINEL"), "{}", said(&wrong));
    let rotated = Command::new(PROGRAM)
        .args(["key", "rotate", "--data", text_of(&data), "--key-command", &of_command])
        .output()
        .expect("the program runs");
    assert!(!rotated.status.success() && said(&rotated).contains("cannot be written"), "{}", said(&rotated));
}

#[test]
fn older_keys_stay_in_the_file_while_they_wrap_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, file, newer] = ["data", "site.key", "newer.key"].map(|name| folder.path().join(name));
    for file in [&file, &newer] {
        let made = program(&["key", "generate", text_of(file)], b"");
        assert!(made.status.success(), "{}", said(&made));
    }
    let place = ["--data", text_of(&data), "--key-file", text_of(&file)];
    let added = program(&[&["user"][..], &place, &["add", "ada", "--role", "coder"]].concat(), b"");
    assert!(added.status.success(), "{}", said(&added));
    let key = |command: &str| program(&[&["key", command][..], &place].concat(), b"");
    let alone = key("retire");
    assert!(alone.status.success() && said(&alone).contains("nothing to do"), "{}", said(&alone));
    // as somebody rotates by hand, and forgets to wrap anew
    let both = [&newer, &file].map(|file| std::fs::read_to_string(file).expect("a key")).concat();
    std::fs::write(&file, &both).expect("is written");
    let refused = key("retire");
    assert!(!refused.status.success() && said(&refused).contains("still wrap something (site_secret 1)"), "{}", said(&refused));
    assert_eq!(std::fs::read_to_string(&file).expect("a key"), both, "nothing is taken out");
    let rotated = key("rotate");
    assert!(rotated.status.success() && said(&rotated).contains("broken off goes on"), "{}", said(&rotated));
    let retired = key("retire");
    assert!(retired.status.success() && said(&retired).contains("1 older key is taken out"), "{}", said(&retired));
    let listed = program(&[&["user"][..], &place, &["list"]].concat(), b"");
    assert!(listed.status.success() && said(&listed).contains("ada"), "{}", said(&listed));
}

#[test]
fn a_server_without_the_new_key_holds_a_rotation_up() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let start = Start { database: Some(cluster.url("hospital")), ..Start::default() };
    let server = Server::serve_as(start, "", |_| {});
    // its key file is a copy that nobody brings up to date
    let other = server.another();
    let id = server.post_note(&note(1));
    let rotate = |wait: &str| -> Output {
        let file: PathBuf = server.data.join("demo.key");
        program(&["key", "rotate", "--database", &cluster.url("hospital"), "--key-file", text_of(&file), "--wait", wait], b"")
    };
    let held = rotate("5");
    assert!(!held.status.success() && said(&held).contains("do not know the new key yet"), "{}", said(&held));
    assert_eq!((text(&server, &id).0, text(&other, &id).0), (200, 200));
    std::fs::copy(server.data.join("demo.key"), other.data.join("demo.key")).expect("is copied");
    // the second half needs the other server to have the file again: it comes first in it then
    let promoted = std::thread::scope(|scope| {
        let rotation = scope.spawn(|| rotate("60"));
        while !rotation.is_finished() {
            let _ = std::fs::copy(server.data.join("demo.key"), other.data.join("demo.key"));
            std::thread::sleep(Duration::from_millis(200));
        }
        rotation.join().expect("ends")
    });
    assert!(promoted.status.success(), "{}", said(&promoted));
    assert_eq!((text(&server, &id).0, text(&other, &id).0), (200, 200));
}
