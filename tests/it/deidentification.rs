//! De-identification from outside: notes of files by `deidentify`, finished encounters by `export --deidentified`.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::{Value, json};

use super::server::{Server, program};

const NOTE: &str = "Dr. Halvorsen saw Mrs. Wetherby (MRN 4471902) on 03/04/2026 in Duluth, MN 55803 for asthma. Recheck 03/14/2026. Takes Tylenol.";
const SECRETS: [&str; 7] = ["Halvorsen", "Wetherby", "4471902", "03/04/2026", "Duluth", "55803", "03/14/2026"];

fn key_file(folder: &Path) -> String {
    let path = folder.join("dates.key");
    let made = program(&["key", "generate", path.to_str().expect("a plain path")], b"");
    assert!(made.status.success());
    path.to_str().expect("a plain path").to_owned()
}

fn deidentify(arguments: &[&str], input: &str) -> (Vec<Value>, Option<i32>, String) {
    let all = [&["deidentify", "--recognizers", "dictionary", "--format", "ndjson"], arguments, &["-"]].concat();
    let output = program(&all, input.as_bytes());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    (lines, output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

fn holds_a_secret(words: &str) -> Option<&'static str> {
    SECRETS.into_iter().find(|secret| words.contains(secret))
}

fn words_at(text: &Value, place: &Value) -> String {
    let number = |name: &str| usize::try_from(place[name].as_u64().expect("an offset")).expect("small");
    let (start, end) = (number("start"), number("end"));
    text.as_str().expect("text").chars().skip(start).take(end - start).collect()
}

#[test]
fn notes_of_files_come_out_without_identifiers() {
    let line = json!({"id": "9-secret", "text": NOTE, "patient": {"id": "4471902", "name": "Wetherby, Ann"}}).to_string();
    let (lines, status, errors) = deidentify(&["--extraction"], &line);
    assert_eq!(status, Some(0), "{errors}");
    let note = &lines[0];
    assert_eq!(holds_a_secret(&note.to_string()), None, "{note}");
    assert!(!note.to_string().contains("9-secret"), "the sender's id is hashed");
    let text = note["text"].as_str().expect("text");
    assert!(text.contains("[NAME]") && text.contains("[DATE]") && text.contains("MN 558") && text.contains("asthma"), "{text}");
    for replacement in note["replacements"].as_array().expect("replacements") {
        assert!(!words_at(&note["text"], &replacement["target"]).is_empty());
    }
    let entries = note["extraction"]["entries"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["evidence"][0]["text"] == "asthma"), "{entries:?}");
    for evidence in entries.iter().flat_map(|entry| entry["evidence"].as_array().expect("evidence")) {
        assert_eq!(evidence["text"], words_at(&note["text"], evidence), "a quote stands where it says");
    }
}

#[test]
fn surrogates_of_a_patient_hold_from_run_to_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = key_file(folder.path());
    let line = |id: &str, patient: &str| json!({"id": id, "text": NOTE, "patient": {"id": patient}}).to_string();
    let arguments = ["--method", "surrogate", "--date-key", key.as_str()];
    let (first, _, errors) = deidentify(&arguments, &format!("{}\n{}", line("1", "A"), line("2", "B")));
    let (again, _, _) = deidentify(&arguments, &line("3", "A"));
    assert_eq!(first.len(), 2, "{errors}");
    assert_eq!(first[0]["text"], again[0]["text"]);
    assert_eq!(first[0]["patient"], again[0]["patient"]);
    assert_ne!(first[0]["text"], first[1]["text"], "another patient has other surrogates");
    // a date may become another date of the note
    let told = first[0].to_string();
    let kept: Vec<&str> = SECRETS.into_iter().filter(|secret| !secret.contains('/') && told.contains(*secret)).collect();
    assert!(kept.is_empty(), "{kept:?}");
    let (lines, status, errors) = deidentify(&["--method", "surrogate"], &line("1", "A"));
    assert!(lines.is_empty() && status != Some(0) && errors.contains("--date-key"), "{errors}");
}

#[test]
fn nothing_is_written_of_a_note_that_fails() {
    let input = [
        json!({"id": "1", "text": NOTE}),
        json!({"id": "2", "text": " "}),
        json!({"id": "3", "text": NOTE, "patient": "Wetherby"}),
        json!({"id": "4", "text": "Asthma. The quorvexa hung on the wall."}),
    ]
    .map(|line| line.to_string())
    .join("\n");
    let (lines, status, errors) = deidentify(&["--unknown", "leave-out"], &input);
    assert_eq!((lines.len(), status), (1, Some(1)), "{errors}");
    for code in ["empty_note", "invalid_json", "unsure"] {
        assert!(errors.contains(code), "{code}: {errors}");
    }
    assert_eq!(holds_a_secret(&errors), None, "{errors}");
    let (lines, _, _) = deidentify(&["--unknown", "keep"], &input);
    assert_eq!(lines.len(), 2, "the last one is written");
    assert!(lines[1]["text"].as_str().expect("text").contains("quorvexa"), "{lines:?}");
    let (lines, _, _) = deidentify(&[], &input);
    assert!(!lines[1]["text"].as_str().expect("text").contains("quorvexa"), "{lines:?}");
}

fn call(server: &Server, path: &str, body: &Value) {
    let reply = server.call("POST", path, "coder", Some(body.to_string().as_bytes()));
    assert!(reply.status < 300, "{path}: {}", reply.text);
}

#[test]
fn finished_encounters_are_exported_without_identifiers() {
    let server = Server::empty();
    let post = |encounter: &str, kind: &str, day: &str| {
        let note = json!({
            "external_id": encounter, "text": NOTE, "patient": {"id": "4471902", "name": "Wetherby, Ann"}, "author": "Halvorsen",
            "encounter": encounter, "encounter_class": "outpatient", "note_type": kind, "service_date": day
        });
        let id = server.post_note(&note);
        server.extraction(&id);
        server.call("GET", &format!("/v1/notes/{id}"), "submitter", None).json()["item_id"].as_str().expect("an id").to_owned()
    };
    let item = post("V-1", "progress_note", "2026-03-04");
    post("V-2", "progress_note", "2026-03-05");
    call(&server, &format!("/v1/review/items/{item}/claim"), &json!({}));
    let entries = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json()["entries"].clone();
    for entry in entries.as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == true) {
        let decision = json!({"action": "reject", "reason": "not_documented", "comment": "asked Halvorsen"});
        let body = json!({"decisions": [{"entry_id": entry["id"], "decision": decision}]});
        call(&server, &format!("/v1/review/items/{item}/decisions"), &body);
    }
    call(&server, &format!("/v1/review/items/{item}/finish"), &json!({}));

    let folder = tempfile::tempdir().expect("a folder");
    let to = |name: &str| folder.path().join(name);
    let path = |name: &str| to(name).to_str().expect("a plain path").to_owned();
    server.tool("export", &["--deidentified", &path("all")]);
    let file = to("all").join("encounters.jsonl");
    assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).expect("reads");
    assert_eq!(text.lines().count(), 1, "the one that is finished");
    assert_eq!(holds_a_secret(&text), None, "{text}");
    assert!(!text.contains(&item) && !text.contains("V-1") && !text.contains("2026-03-04"), "{text}");
    let encounter: Value = serde_json::from_str(&text).expect("JSON");
    let note = &encounter["notes"][0];
    let rejected = encounter["entries"].as_array().expect("entries").iter().find(|entry| entry["state"] == "rejected");
    let rejected = rejected.expect("what the coder rejected");
    assert_eq!(rejected["evidence"][0]["text"], words_at(&note["text"], &rejected["evidence"][0]));
    assert_eq!(rejected["decisions"][0], json!({"action": "reject", "reason": "not_documented"}), "no free words");

    server.tool("export", &["--deidentified", &path("none"), "--from", "2026-03-05"]);
    assert_eq!(std::fs::read_to_string(to("none").join("encounters.jsonl")).expect("reads"), "");
    server.tool("export", &["--deidentified", &path("kinds"), "--note-type", "discharge_summary"]);
    assert_eq!(std::fs::read_to_string(to("kinds").join("encounters.jsonl")).expect("reads"), "");
    let again = server.try_tool("export", &["--deidentified", &path("all")]);
    assert!(!again.status.success(), "what is there is not overwritten");
    let events = server.events();
    let exported: Vec<&Value> = events.iter().filter(|event| event["action"] == "item.exported").collect();
    assert_eq!(exported.len(), 1);
    assert_eq!(exported[0]["subject_id"], item.as_str());
    assert_eq!(events.iter().filter(|event| event["action"] == "export.deidentified").count(), 3);
}

#[test]
fn what_coders_left_is_exported_to_train_and_to_evaluate_by() {
    let server = Server::empty();
    let note = json!({
        "external_id": "T-1", "text": NOTE, "patient": {"id": "4471902", "name": "Wetherby, Ann"}, "author": "Halvorsen",
        "encounter": "T-1", "encounter_class": "outpatient", "note_type": "progress_note", "service_date": "2026-03-04"
    });
    let note = server.post_note(&note);
    server.extraction(&note);
    let item = server.call("GET", &format!("/v1/notes/{note}"), "submitter", None).json()["item_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    call(&server, &format!("/v1/review/items/{item}/claim"), &json!({}));
    let entries = server.call("GET", &format!("/v1/review/items/{item}"), "coder", None).json()["entries"].clone();
    for entry in entries.as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == true) {
        let decision = if entry["kind"] == "medication" {
            json!({"action": "reject", "reason": "not_documented"})
        } else {
            json!({"action": "accept"})
        };
        let body = json!({"decisions": [{"entry_id": entry["id"], "decision": decision}]});
        call(&server, &format!("/v1/review/items/{item}/decisions"), &body);
    }
    let start = NOTE.find("Recheck").expect("is there");
    let added = json!({
        "action": "add", "kind": "diagnosis", "display": "Check", "codes": [], "assertion": "present",
        "note_id": note, "start": start, "end": start + "Recheck".len()
    });
    call(&server, &format!("/v1/review/items/{item}/decisions"), &json!({"decisions": [{"decision": added}]}));
    call(&server, &format!("/v1/review/items/{item}/finish"), &json!({}));

    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    server.tool("export", &["--training", &path("lines")]);
    let text = std::fs::read_to_string(folder.path().join("lines/notes.jsonl")).expect("reads");
    assert_eq!((text.lines().count(), holds_a_secret(&text)), (1, None), "{text}");
    let line: Value = serde_json::from_str(&text).expect("JSON");
    let of = |list: &str| line[list].as_array().expect("a list").clone();
    for one in of("annotations").iter().chain(&of("rejected")) {
        assert_eq!(one["text"], words_at(&line["text"], one), "a quote stands where it says");
    }
    let standing: Vec<(String, String)> = of("annotations")
        .iter()
        .map(|one| (one["text"].as_str().expect("text").to_owned(), one["decided"].as_str().expect("decided").to_owned()))
        .collect();
    let pair = |words: &str, decided: &str| (words.to_owned(), decided.to_owned());
    assert_eq!(standing, [pair("asthma", "accepted"), pair("Recheck", "added")]);
    assert_eq!(of("annotations")[0]["codes"][0][0], "J45.909");
    assert_eq!(
        (of("rejected")[0]["text"].clone(), of("rejected")[0]["reason"].clone()),
        (json!("Tylenol"), json!("not_documented"))
    );

    server.tool("export", &["--training", &path("brat"), "--format", "brat", "--with-identifiers"]);
    let files: Vec<_> =
        std::fs::read_dir(folder.path().join("brat")).expect("a folder").map(|file| file.expect("a file").path()).collect();
    let of_kind = |kind: &str| files.iter().find(|file| file.extension().is_some_and(|one| one == kind)).expect("is there");
    assert_eq!(std::fs::read_to_string(of_kind("txt")).expect("reads"), NOTE, "as it is");
    let standoff = std::fs::read_to_string(of_kind("ann")).expect("reads");
    for said in ["\tasthma\n", "ICD10CM:J45.909", "Judged T", "rejected", "Reason T"] {
        assert!(standoff.contains(said), "{said}: {standoff}");
    }
    assert_eq!(files.len(), 3, "and the manifest");
    assert_eq!(std::fs::metadata(of_kind("txt")).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(!server.try_tool("export", &["--training", &path("brat"), "--format", "brat"]).status.success(), "not empty");
    assert!(!server.try_tool("export", &["--deidentified", &path("x"), "--with-identifiers"]).status.success());
    let told: Vec<Value> =
        server.events().iter().filter(|event| event["action"] == "item.exported").map(|one| one["detail"].clone()).collect();
    assert_eq!(told, ["deidentified", "with identifiers"]);
}
