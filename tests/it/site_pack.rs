//! What a site teaches the engine, from outside: versions that become live and go, who may do that and when, what a note gets by it, and the way
//! of a pack to another site.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    permissions::Visitor,
    server::{Reply, Server, wait_until},
};

const TEXT: &str = "ASSESSMENT:\nZorblitis, worse since Monday. Gout.\n";

fn post(server: &Server, path: &str, role: &str, body: &Value) -> Reply {
    server.call("POST", path, role, Some(body.to_string().as_bytes()))
}

fn icd(code: &str) -> Value {
    json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code})
}

fn pack() -> Value {
    json!({
        "terms": [{"words": "The Zorblitis", "kind": "diagnosis", "code": icd("K29.70")}],
        "suppressed": [{"words": "gout", "kind": "diagnosis"}],
        "thresholds": [{"kind": "diagnosis", "shown_from": 10}]
    })
}

fn add(server: &Server, role: &str, pack: &Value) -> Reply {
    post(server, "/v1/site-packs", role, &json!({"pack": pack, "note": "taught by a test"}))
}

/// Makes a version live by the word of an admin.
fn answered_for(server: &Server, version: u64) -> Reply {
    let body = json!({"version": version, "without_shadow_run": "tried on the notes of a test"});
    post(server, "/v1/site-packs/activate", "admin", &body)
}

/// What is found in the text, without the ids, which are others in every answer.
fn extract(server: &Server) -> Value {
    let reply = post(server, "/v1/extract", "coder", &json!({"text": TEXT}));
    assert_eq!(reply.status, 200, "{}", reply.text);
    let mut found = reply.json();
    found["note_id"].take();
    found["entries"].as_array_mut().expect("entries").iter_mut().for_each(|entry| drop(entry["id"].take()));
    found
}

/// First code of the entry that rests on these words.
fn code_of(extraction: &Value, words: &str) -> Option<String> {
    let entries = extraction["entries"].as_array().expect("entries").iter();
    let mut found = entries.filter(|entry| entry["evidence"][0]["text"] == words);
    found.next().map(|entry| entry["codes"][0]["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_pack_is_made_tried_used_and_left() {
    let mut server = Server::shared(&["--recognizers", "dictionary"]);
    server.add_user("other-lead", &["--role", "lead"]);
    let plain = extract(&server);
    assert!(plain["engine"].get("site_pack").is_none(), "{plain}");
    assert_eq!((code_of(&plain, "Zorblitis"), code_of(&plain, "Gout").is_some()), (None, true));
    let stored = server.post_note(&json!({"text": TEXT, "external_id": "before"}));
    let stored_before = server.extraction(&stored);

    // what no edition has is refused, and so is what would say the same
    let unknown = json!({"terms": [{"words": "flib", "kind": "diagnosis", "code": icd("K29.7X")}]});
    let refused = add(&server, "lead", &unknown);
    assert_eq!((refused.status, refused.code().as_str()), (422, "unusable_site_pack"));
    assert!(refused.text.contains("terms, row 1") && refused.text.contains("look it up in the code book"), "{}", refused.text);
    let added = add(&server, "lead", &pack());
    assert_eq!((added.status, &added.json()["version"]), (201, &json!(1)), "{}", added.text);
    assert_eq!(add(&server, "lead", &pack()).code(), "site_pack_unchanged");
    let stale = json!({"before": 0, "pack": {}});
    assert_eq!(post(&server, "/v1/site-packs", "lead", &stale).code(), "site_pack_changed");
    let kept = server.call("GET", "/v1/site-packs/1", "lead", None).json();
    assert_eq!(kept["pack"]["terms"][0]["words"], "zorblitis", "folded");
    assert!(kept["pack"]["terms"][0]["code"]["display"].as_str().is_some_and(|name| name.contains("astritis")), "{kept}");
    assert_eq!(
        (&kept["changed"], &kept["note"]),
        (&json!("terms +1, suppressed +1, thresholds +1"), &json!("taught by a test"))
    );
    assert_eq!(server.call("GET", "/v1/site-packs/2", "lead", None).status, 404);
    assert_eq!(code_of(&extract(&server), "Zorblitis"), None, "it is not live yet");

    // without a shadow run an admin has to answer for it, in writing
    let live = |role: &str, body: &Value| post(&server, "/v1/site-packs/activate", role, body);
    assert_eq!(live("lead", &json!({"version": 1})).code(), "no_shadow_run");
    assert_eq!(live("lead", &json!({"version": 1, "without_shadow_run": "because I say so, again"})).status, 403);
    assert_eq!(live("admin", &json!({"version": 1})).code(), "no_shadow_run");
    assert_eq!(live("admin", &json!({"version": 1, "without_shadow_run": "short"})).code(), "explanation_required");
    assert_eq!(live("admin", &json!({"version": 9})).status, 404);
    assert_eq!(live("lead", &json!({})).status, 422, "no version is said and not left out");
    assert_eq!(answered_for(&server, 1).status, 200);

    let found = extract(&server);
    assert_eq!(found["engine"]["site_pack"], "1");
    assert_eq!((code_of(&found, "Zorblitis").as_deref(), code_of(&found, "Gout")), (Some("K29.70"), None));
    assert_eq!(server.call("GET", "/health/ready", "", None).json()["site_pack"], 1);
    assert_eq!(server.extraction(&stored), stored_before, "what is stored stays");
    let next = server.post_note(&json!({"text": TEXT, "external_id": "after"}));
    assert_eq!(server.extraction(&next)["engine"]["site_pack"], "1");

    // one click back, by a lead, and again there
    assert_eq!(live("other-lead", &json!({"version": null})).status, 200);
    assert_eq!(extract(&server), plain, "everything is as it was");
    assert_eq!(live("lead", &json!({"version": 1, "before": 1})).code(), "site_pack_changed");
    let back = live("lead", &json!({"version": 1, "before": 2}));
    assert_eq!((back.status, &back.json()["activations"][0]["reason"]), (200, &json!("going_back")), "{}", back.text);
    assert_eq!(live("lead", &json!({"version": 1})).json()["activations"].as_array().map(Vec::len), Some(3), "nothing to do");

    let events: Vec<Value> =
        server.events().into_iter().filter(|event| event["action"].to_string().contains("site_pack")).collect();
    let told = json!(events).to_string();
    assert_eq!(events.len(), 4, "one version, three activations: {told}");
    assert!(!told.contains("orblitis") && !told.contains("gout") && !told.contains("tried on"), "{told}");
    let restarted = server.restarted_after_kill();
    assert_eq!(extract(&restarted)["engine"]["site_pack"], "1", "a server that starts takes the live one first");
}

#[test]
fn packs_are_exchanged_under_requests() {
    let server = Server::shared(&["--recognizers", "dictionary"]);
    assert_eq!(add(&server, "lead", &pack()).status, 201);
    assert_eq!(answered_for(&server, 1).status, 200);
    let (is_over, with, without) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let found = extract(&server);
                    let (term, gout) = (code_of(&found, "Zorblitis"), code_of(&found, "Gout"));
                    // each note is of one pack as a whole
                    match found["engine"]["site_pack"].as_str() {
                        Some("1") => assert_eq!((term.as_deref(), gout), (Some("K29.70"), None)),
                        Some(other) => panic!("version {other}"),
                        None => assert_eq!((term, gout.is_some()), (None, true)),
                    }
                    if found["engine"].get("site_pack").is_some() { &with } else { &without }.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for version in [json!(null), json!(1)].into_iter().cycle().take(24) {
            let reply = post(&server, "/v1/site-packs/activate", "lead", &json!({"version": version}));
            assert_eq!(reply.status, 200, "{}", reply.text);
            std::thread::sleep(Duration::from_millis(40));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let (with, without) = (with.into_inner(), without.into_inner());
    assert!(with > 10 && without > 10, "{with} notes with the pack and {without} without");
}

#[test]
fn a_pack_travels_to_another_site() {
    let (here, there) = (Server::shared(&["--recognizers", "dictionary"]), Server::shared(&["--recognizers", "dictionary"]));
    let nothing = here.try_tool("site-pack", &["export"]);
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("there is no site pack yet"));
    assert_eq!(add(&here, "lead", &pack()).status, 201);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pack.json");
    let file = file.to_str().expect("a plain path");
    here.tool("site-pack", &["export", "--output", file]);
    assert!(!here.try_tool("site-pack", &["export", "--output", file]).status.success(), "nothing is written over");
    assert!(here.events().iter().any(|event| event["action"] == "site_pack.exported" && event["detail"] == "version 1"));
    let said = there.tool("site-pack", &["import", file]);
    assert!(said.starts_with("version 1 of the site pack is kept"), "{said}");
    let rows = |server: &Server, version: u64| {
        server.call("GET", &format!("/v1/site-packs/{version}"), "lead", None).json()["pack"].clone()
    };
    assert_eq!(rows(&there, 1), rows(&here, 1), "row by row");
    let again = there.try_tool("site-pack", &["import", file]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("says nothing that the newest version"), "{again:?}");
    // what is there stays beside it, unless it is to go
    let own = json!({"terms": [{"words": "flibosis", "kind": "diagnosis", "code": icd("J45.909")}]});
    assert_eq!(add(&there, "lead", &own).status, 201);
    there.tool("site-pack", &["import", file]);
    assert_eq!(rows(&there, 3)["terms"].as_array().map(Vec::len), Some(2));
    there.tool("site-pack", &["import", file, "--replace"]);
    assert_eq!(rows(&there, 4), rows(&here, 1));
    assert!(there.tool("site-pack", &["list"]).starts_with("4 terms -1 by command_line"));
    // a code that this site's vocabularies do not have
    let text = std::fs::read_to_string(file).expect("reads").replace("K29.70", "K29.7X");
    std::fs::write(file, text).expect("writes");
    let refused = there.try_tool("site-pack", &["import", file]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("\"K29.7X\" is no code"), "{said}");
}

#[test]
fn leads_see_and_change_it_on_its_page() {
    let server = Server::shared(&["--recognizers", "dictionary"]);
    let (lead, admin) = (Visitor::of(&server, "demo-lead"), Visitor::of(&server, "demo-admin"));
    let (status, _, page) = lead.get(&server, "/site-pack");
    assert!(status == 200 && page.contains("No version is live"), "{page}");
    assert_eq!(add(&server, "lead", &pack()).status, 201);
    let (_, _, page) = lead.get(&server, "/site-pack?activate=1");
    assert!(page.contains("has had no shadow run") && !page.contains("action=\"/site-pack/activate\""), "a lead has no button");
    let (_, _, page) = admin.get(&server, "/site-pack?activate=1");
    assert!(page.contains("name=\"explanation\"") && page.contains("zorblitis") && page.contains("K29.70"), "{page}");
    let form = [("version", "1"), ("before", "0"), ("explanation", "tried on the notes of a test")];
    assert_eq!(lead.post(&server, "/site-pack/activate", &form).0, 422, "only an admin answers for it");
    let (status, place, _) = admin.post(&server, "/site-pack/activate", &form);
    assert_eq!((status, place.as_str()), (303, "/site-pack?notice=pack_live"));
    assert_eq!(admin.post(&server, "/site-pack/activate", &form).0, 422, "it was seen otherwise");
    let (_, _, page) = lead.get(&server, "/site-pack");
    assert!(page.contains("Version 1 is live.") && page.contains("tried on the notes of a test"), "{page}");
    assert!(lead.get(&server, "/about").2.contains("Version 1 of the site pack is in use"));

    // a row goes: another version, which is not live
    let form = [("version", "1"), ("table", "suppressed"), ("row", "0")];
    let (status, place, _) = lead.post(&server, "/site-pack/remove", &form);
    assert_eq!((status, place.as_str()), (303, "/site-pack?version=2&notice=pack_kept"));
    assert_eq!(lead.post(&server, "/site-pack/remove", &form).0, 422, "somebody was faster");
    let (_, _, page) = lead.get(&server, &place);
    assert!(page.contains("suppressed -1") && page.contains("Version 1 is live."), "{page}");
    assert_eq!(code_of(&extract(&server), "Gout"), None);
    // none, after a look at what goes
    let (_, _, page) = lead.get(&server, "/site-pack?activate=none");
    assert!(page.contains("Use no version") && page.contains("Goes: Terms of this site"), "{page}");
    assert_eq!(lead.post(&server, "/site-pack/activate", &[("version", "none"), ("before", "1")]).0, 303);
    assert!(extract(&server)["engine"].get("site_pack").is_none());
    assert_eq!(lead.get(&server, "/site-pack?version=9").0, 404);
    assert_eq!(Visitor::of(&server, "demo-coder").get(&server, "/site-pack").0, 403);
}

#[test]
fn servers_of_one_database_follow_each_other() {
    let cluster = super::cluster::Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE hospital");
    let (database, folder) = (cluster.url("hospital"), tempfile::tempdir().expect("a folder"));
    let key = folder.path().join("demo.key");
    let key = key.to_str().expect("a plain path");
    let done = |arguments: &[&str]| {
        let output = super::server::program(arguments, b"");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    done(&["key", "generate", key]);
    done(&["migrate", "--database", &database]);
    let mut tokens = std::collections::BTreeMap::new();
    for role in ["lead", "admin", "coder"] {
        done(&["user", "--database", &database, "--key-file", key, "add", role, "--role", role]);
        tokens.insert(role.to_owned(), done(&["token", "--database", &database, "--key-file", key, "add", role]));
    }
    std::fs::write(folder.path().join("abstractor.toml"), "").expect("is written");
    let start = super::server::Start { database: Some(database.clone()), ..super::server::Start::default() };
    let one = Server::serve_on(start, folder.path(), tokens, None);
    let other = one.another();
    assert_eq!(add(&one, "lead", &pack()).status, 201);
    assert_eq!(answered_for(&one, 1).status, 200);
    let in_use = |server: &Server| server.call("GET", "/health/ready", "", None).json()["site_pack"].clone();
    assert_eq!(in_use(&one), json!(1), "who makes it live takes it at once");
    wait_until("the other server has it too", Duration::from_secs(10), || in_use(&other) == json!(1));
    assert_eq!(extract(&other)["engine"]["site_pack"], "1");
    assert_eq!(post(&other, "/v1/site-packs/activate", "lead", &json!({"version": null})).status, 200);
    wait_until("and lets it go", Duration::from_secs(10), || in_use(&one).is_null());
}
