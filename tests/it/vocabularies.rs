//! Vocabularies as a product: releases imported, tables built, two editions side by side, other tables without a restart.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use super::server::{Server, program};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/releases").join(name).display().to_string()
}

/// Runs `abstractor vocabulary ...`; gives what it printed.
fn vocabulary(arguments: &[&str]) -> String {
    let output = program(&[&["vocabulary"], arguments].concat(), b"");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// An addendum of the next fiscal year: "unspecified appendicitis" becomes two codes.
fn addendum(folder: &Path) -> String {
    let path = folder.join("addenda.txt");
    std::fs::write(
        &path,
        "Add:         K370    Unspecified appendicitis with phlegmon\nAdd:         K379    Unspecified appendicitis, not further \
         specified\nDelete:      K37     Unspecified appendicitis\n",
    )
    .expect("written");
    path.display().to_string()
}

/// A folder with the tables of the next edition beside those of the program.
fn two_editions(folder: &Path) -> PathBuf {
    let into = folder.join("site");
    let path = into.display().to_string();
    let said = vocabulary(&[
        "import",
        "icd10cm-addenda",
        &addendum(folder),
        "--into",
        &path,
        "--release",
        "2027",
        "--edition",
        "ICD-10-CM FY2027",
        "--from",
        "2026-10-01",
        "--to",
        "2027-09-30",
    ]);
    assert!(said.contains("3 rows"), "{said}");
    let built = vocabulary(&["build", &path]);
    assert!(built.contains("2 billable codes were added, 1 retired"), "{built}");
    assert!(built.contains("not loaded: ICD-10-CM Table of Drugs"), "{built}");
    into
}

fn first_codes(extraction: &Value) -> Vec<String> {
    let entries = extraction["entries"].as_array().expect("entries");
    entries.iter().filter_map(|entry| entry["codes"][0]["code"].as_str().map(str::to_owned)).collect()
}

#[test]
fn two_editions_stand_side_by_side_and_the_day_chooses() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = two_editions(folder.path());
    let site = site.to_str().expect("a plain path");
    let info = vocabulary(&["info", "--vocabularies", site]);
    assert!(info.contains("ICD-10-CM FY2027, 2026-10-01 to 2027-09-30"), "{info}");
    assert!(info.contains("ICD-10-CM FY2026-04, 2026-04-01 to 2026-09-30"), "{info}");
    let diff = vocabulary(&["diff", "embedded", site]);
    assert!(
        diff.contains("codes added: 2") && diff.contains("codes retired: 1") && diff.contains("K37  Unspecified appendicitis"),
        "{diff}"
    );
    let lookup = vocabulary(&["lookup", "K37.9", "--vocabularies", site]);
    assert!(lookup.contains("not further specified"), "{lookup}");
    // the code of the older edition is answered, with what stands for it
    let lookup = vocabulary(&["lookup", "k37", "--vocabularies", site]);
    assert!(lookup.contains("ICD-10-CM FY2026-04, 2026-04-01 to 2026-09-30: billable"), "{lookup}");
    assert!(lookup.contains("retired; now K37.0") && lookup.contains("retired; now K37.9"), "{lookup}");
    let found = vocabulary(&["search", "K37", "--vocabularies", site]);
    assert!(found.starts_with("K37      - ") && found.contains("K37.0") && found.contains("K37.9"), "{found}");
    // a term of the newer release is not said to be of the one that the program carries
    let term = vocabulary(&["lookup", "appendicitis with phlegmon", "--vocabularies", site]);
    assert!(term.contains("ICD-10-CM FY2027") && !term.contains("April 1, 2026"), "{term}");
    let term = vocabulary(&["lookup", "type 2 diabetes mellitus without complications", "--vocabularies", site]);
    assert!(term.contains("April 1, 2026"), "{term}");
    let note = |id: &str, day: &str| json!({"id": id, "text": "ASSESSMENT: Appendicitis.", "service_date": day}).to_string();
    let inpatient = json!({"id": "c", "text": "ASSESSMENT: Appendicitis.", "service_date": "2026-09-29", "discharge_date": "2026-10-02",
        "encounter_class": "inpatient"});
    let lines = format!("{}\n{}\n{inpatient}\n{}\n", note("a", "2026-09-30"), note("b", "2026-10-01"), note("d", "2031-01-01"));
    let arguments = ["extract", "--recognizers", "dictionary", "--format", "ndjson", "--vocabularies", site, "-"];
    let output = program(&arguments, lines.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<Value> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = |at: usize| {
        (first_codes(&found[at]), found[at]["engine"]["edition"].clone(), found[at]["engine"]["edition_exact"].clone())
    };
    assert_eq!(of(0), (vec!["K37".to_owned()], json!("ICD-10-CM FY2026-04"), json!(true)));
    // the code that says least beside the retired one
    assert_eq!(of(1), (vec!["K37.9".to_owned()], json!("ICD-10-CM FY2027"), json!(true)));
    // an inpatient's codes are those of the day of discharge
    assert_eq!(of(2), (vec!["K37.9".to_owned()], json!("ICD-10-CM FY2027"), json!(true)));
    assert_eq!(
        (of(3).1, of(3).2),
        (json!("ICD-10-CM FY2027"), json!(false)),
        "no edition covers the day: the newest, and it is said"
    );
    assert!(
        found[1]["entries"][0]["codes"][0]["why"].as_str().is_some_and(|why| why.starts_with("K37 is not of")),
        "{:?}",
        found[1]
    );
}

#[test]
fn what_is_no_release_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("RxNorm_full_prescribe.zip");
    std::fs::write(&page, "<!DOCTYPE html><html><title>Sign in to UTS</title></html>").expect("written");
    let (page, into) = (page.display().to_string(), folder.path().join("site").display().to_string());
    let output = program(&["vocabulary", "import", "rxnorm", &page, "--into", &into], b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("Sign in with a browser"), "{said}");
    let output = program(&["vocabulary", "import", "rxnorm", &fixture("icd10cm/tabular.xml"), "--into", &into], b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("none of the files holds"), "{said}");
    assert!(!Path::new(&into).join("releases/rxnorm").exists(), "nothing half is kept");
    let output = program(&["vocabulary", "import", "icd9", &page, "--into", &into], b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("icd10cm-tabular"), "the kinds are named: {said}");
    let output = program(&["vocabulary", "lookup", "no such thing at all"], b"");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("vocabulary search"));
}

#[test]
fn a_code_of_an_older_edition_is_no_hard_edit() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = two_editions(folder.path()).display().to_string();
    let server = Server::shared(&["--recognizers", "dictionary", "--vocabularies", &site]);
    let retired = server.call("GET", "/v1/codes/k37", "coder", None);
    assert_eq!(retired.status, 200, "{}", retired.text);
    let retired = retired.json();
    let list = |list: &Value, field: &str| -> Vec<String> {
        list.as_array().expect("a list").iter().map(|one| one[field].to_string()).collect()
    };
    assert_eq!((&retired["retired"], &retired["title"]), (&json!(true), &json!("Unspecified appendicitis")));
    assert_eq!(list(&retired["replaced_by"], "code"), ["\"K37.9\"", "\"K37.0\""]);
    assert_eq!(list(&retired["editions"], "billable"), ["false", "true"]);
    let new = server.call("GET", "/v1/codes/K37.0", "coder", None).json();
    assert_eq!((&new["replaces"], &new["retired"]), (&json!(["K37"]), &json!(false)));
    assert_eq!(list(&new["editions"], "has_code"), ["true", "false"]);
    let note = json!({"text": "ASSESSMENT: Appendicitis.", "encounter": "e1", "service_date": "2026-09-01"}).to_string();
    let posted = server.call("POST", "/v1/notes", "submitter", Some(note.as_bytes())).json();
    let address = format!("/v1/notes/{}/extraction", posted["id"].as_str().expect("an id"));
    while server.call("GET", &address, "submitter", None).status == 202 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let items = server.call("GET", "/v1/review/items", "coder", None).json();
    let id = items["items"][0]["id"].as_str().expect("an item").to_owned();
    let detail = server.call("GET", &format!("/v1/review/items/{id}"), "coder", None).json();
    assert_eq!(detail["entries"][0]["codes"][0]["code"], json!("K37"), "the edition of the day: {detail}");
    let edits = detail["edits"].as_array().expect("edits");
    assert!(edits.iter().all(|edit| edit["severity"] != "hard"), "{edits:?}");
    // a coder's codes follow the same day
    assert_eq!(server.call("POST", &format!("/v1/review/items/{id}/claim"), "coder", None).status, 200);
    let amend = |code: &str| {
        let code = json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code});
        let decision = json!({"entry_id": detail["entries"][0]["id"], "decision": {"action": "amend", "codes": [code]}});
        let body = json!({"decisions": [decision]}).to_string();
        server.call("POST", &format!("/v1/review/items/{id}/decisions"), "coder", Some(body.as_bytes()))
    };
    let refused = amend("K37.9");
    assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_decision"));
    assert!(refused.text.contains("K37 stands for it there"), "{}", refused.text);
    assert_eq!(amend("K37").status, 200);
}

/// Imports a site's terms into a folder and builds.
fn site_terms(into: &str, rows: &str) {
    let csv = Path::new(into).parent().expect("a parent").join("terms.csv");
    std::fs::write(&csv, format!("term,kind,codes\n{rows}")).expect("written");
    vocabulary(&["import", "site-terms", &csv.display().to_string(), "--into", into]);
    vocabulary(&["build", into]);
}

fn database_of(server: &Server) -> PathBuf {
    let files = std::fs::read_dir(&server.data).expect("a folder").map(|entry| entry.expect("an entry").path());
    let is_database = |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3"));
    files.filter(|path| path.is_file()).find(is_database).expect("a database")
}

/// `drug_poisoning.tsv` is read: by substance and by code.
#[test]
fn the_table_of_drugs_is_told_by_substance_and_by_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("site").display().to_string();
    vocabulary(&["import", "icd10cm-drugs", &fixture("icd10cm/drugs.xml"), "--into", &into]);
    vocabulary(&["build", &into]);
    let said = vocabulary(&["lookup", "aspirin", "--vocabularies", &into]);
    assert!(said.contains("adverse effect  T39.015A") && said.contains("underdosing     T39.016A"), "{said}");
    // a later encounter, and a brand
    let said = vocabulary(&["lookup", "T39.015D", "--vocabularies", &into]);
    assert!(said.contains("table of drugs: aspirin (adverse effect)"), "{said}");
    let said = vocabulary(&["lookup", "ecotrin", "--vocabularies", &into]);
    assert!(said.contains("T39.011A"), "{said}");
    let server = Server::shared(&["--recognizers", "dictionary", "--vocabularies", &into]);
    let found = server.call("GET", "/v1/codes?query=aspirin", "coder", None).json();
    assert_eq!(found["substances"][0]["codes"][4], json!({"intent": "adverse_effect", "code": "T39.015A"}), "{found}");
    let code = server.call("GET", "/v1/codes/T39.011A", "coder", None).json();
    assert_eq!(code["substances"], json!([{"substance": "aspirin", "intent": "accidental"}]));
}

/// A table of rules that no start would take is refused when it is built, not only a table of terms.
#[test]
fn a_build_that_would_not_start_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("site").display().to_string();
    site_terms(&into, "frost knee,diagnosis,M25.561\n");
    std::fs::write(Path::new(&into).join("cues.tsv"), "nonsense\nwords\n").expect("written");
    let output = program(&["vocabulary", "build", &into], b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("cues") && said.contains("would not start"), "{said}");
}

#[test]
fn other_tables_without_a_restart_and_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("site").display().to_string();
    site_terms(&into, "frost knee,diagnosis,M25.561\nblue puffer,medication,435\n");
    let looked = vocabulary(&["lookup", "blue puffer", "--vocabularies", &into]);
    assert!(looked.contains("albuterol (RxNorm 435)"), "a site's name of a medication: {looked}");
    let server = Server::shared(&["--recognizers", "dictionary", "--vocabularies", &into]);
    let code = || {
        let body = json!({"text": "ASSESSMENT: Frost knee."}).to_string();
        let reply = server.call("POST", "/v1/extract", "coder", Some(body.as_bytes()));
        assert_eq!(reply.status, 200, "{}", reply.text);
        first_codes(&reply.json())
    };
    assert_eq!(code(), ["M25.561"]);
    let note = json!({"text": "ASSESSMENT: Frost knee.", "external_id": "1"}).to_string();
    let posted = server.call("POST", "/v1/notes", "submitter", Some(note.as_bytes())).json();
    let address = format!("/v1/notes/{}/extraction", posted["id"].as_str().expect("an id"));
    while server.call("GET", &address, "submitter", None).status == 202 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let first = server.call("GET", "/v1/vocabularies", "coder", None).json();
    assert_eq!((&first["can_roll_back"], &first["similarity"]["state"]), (&json!(false), &json!("off")));
    assert!(first["sources"].as_array().is_some_and(|sources| sources.iter().any(|source| source["attribution"] != "")));
    assert!(first["not_loaded"].as_array().is_some_and(|missing| !missing.is_empty()));
    let refused = server.call("POST", "/v1/vocabularies/rollback", "admin", None);
    assert_eq!((refused.status, refused.code().as_str()), (409, "nothing_to_roll_back"));
    assert_eq!(server.call("POST", "/v1/vocabularies/reload", "coder", Some(b"{}")).status, 403);

    site_terms(&into, "frost knee,diagnosis,M25.562\n");
    let report = server.call("POST", "/v1/vocabularies/reload", "admin", Some(br#"{"only_report":true}"#)).json();
    assert_eq!(
        (&report["active"], &report["items"], &report["suggestions"]),
        (&json!(false), &json!(1), &json!(1)),
        "{report}"
    );
    let items = server.call("GET", "/v1/review/items", "coder", None).json();
    let item = &items["items"][0]["id"];
    assert_eq!(report["changes"], json!([{"from": "M25.561", "to": "M25.562", "suggestions": 1, "items": [item]}]));
    assert_eq!(report["failed_notes"], json!([]));
    assert_eq!(code(), ["M25.561"], "a report changes nothing");

    // what cannot be written down does not happen
    let database = rusqlite::Connection::open(database_of(&server)).expect("the database");
    database.busy_timeout(Duration::from_secs(20)).expect("patience");
    let trigger = "CREATE TRIGGER no_audit BEFORE INSERT ON audit_event WHEN NEW.action LIKE 'vocabularies.%' BEGIN SELECT RAISE(ABORT, 'no'); \
                   END";
    database.execute_batch(trigger).expect("a trigger");
    assert_eq!(server.call("POST", "/v1/vocabularies/reload", "admin", Some(b"{}")).status, 500);
    database.execute_batch("DROP TRIGGER no_audit").expect("dropped");
    let kept = server.call("GET", "/v1/vocabularies", "admin", None).json();
    assert_eq!(
        (code(), &kept["checksum"], &kept["can_roll_back"]),
        (vec!["M25.561".to_owned()], &first["checksum"], &json!(false))
    );

    // requests go on while the tables are read, and none fails
    std::thread::scope(|scope| {
        let reloaded = scope.spawn(|| server.call("POST", "/v1/vocabularies/reload", "admin", Some(b"{}")).json());
        while !reloaded.is_finished() {
            let found = code();
            assert!(found == ["M25.561"] || found == ["M25.562"], "{found:?}");
        }
        assert_eq!(reloaded.join().expect("reloaded")["active"], json!(true));
    });
    assert_eq!(code(), ["M25.562"]);
    let second = server.call("GET", "/v1/vocabularies", "admin", None).json();
    assert!(second["can_roll_back"] == json!(true) && second["checksum"] != first["checksum"]);

    // the same tables once more are no change, and the way back stays
    let again = server.call("POST", "/v1/vocabularies/reload", "admin", Some(b"{}")).json();
    assert_eq!((&again["active"], &again["before"], &again["changes"]), (&json!(true), &again["checksum"], &json!([])));

    let back = server.call("POST", "/v1/vocabularies/rollback", "admin", None).json();
    assert_eq!(back["checksum"], first["checksum"]);
    let third = server.call("GET", "/v1/vocabularies", "admin", None).json();
    assert_eq!(third["can_roll_back"], json!(false));
    assert_eq!(code(), ["M25.561"]);
    let events = server.call("GET", "/v1/audit/events?limit=1000", "auditor", None).json();
    let actions: Vec<&str> =
        events["events"].as_array().expect("events").iter().filter_map(|one| one["action"].as_str()).collect();
    assert!(actions.contains(&"vocabularies.reloaded") && actions.contains(&"vocabularies.rolled_back"), "{actions:?}");

    // tables that cannot be used change nothing
    std::fs::write(Path::new(&into).join("cues.tsv"), "nonsense\nwords\n").expect("written");
    let refused = server.call("POST", "/v1/vocabularies/reload", "admin", Some(b"{}"));
    assert_eq!((refused.status, refused.code().as_str()), (422, "unusable_vocabularies"), "{}", refused.text);
    assert!(refused.text.contains("cues"), "{}", refused.text);
    assert_eq!(code(), ["M25.561"]);
}

#[test]
fn without_a_folder_there_is_nothing_to_reload() {
    let server = Server::shared(&["--recognizers", "dictionary"]);
    let refused = server.call("POST", "/v1/vocabularies/reload", "admin", Some(b"{}"));
    assert_eq!((refused.status, refused.code().as_str()), (409, "no_vocabulary_folder"));
}

/// A vocabulary of a few terms, whose vectors are made in a moment.
fn few_terms(folder: &Path) -> String {
    let terms = "term\tcodes\tkind\nheart attack\tI21.9\tdiagnosis\nkidney stone\tN20.0\tdiagnosis\npneumonia\tJ18.9\tdiagnosis\nhigh blood \
                 pressure\tI10\tdiagnosis\n";
    std::fs::write(folder.join("everyday_diagnoses.tsv"), terms).expect("written");
    std::fs::write(folder.join("diagnosis_terms.tsv"), "term\tcodes\tsource\trank\n").expect("written");
    std::fs::write(folder.join("index.tsv"), "path\tnonessential\tcode\tmanifestation\tsee\n").expect("written");
    folder.display().to_string()
}

#[test]
fn a_term_tells_its_source_release_licence_rank_and_case() {
    let said = vocabulary(&["lookup", "west", "nile", "fever"]);
    assert!(said.contains("diagnosis") && said.contains("rank") && said.contains("in any case"), "{said}");
    assert!(said.contains("licence") || said.contains("Licence") || said.contains("CC0") || said.contains("Apache"), "{said}");
    let said = vocabulary(&["lookup", "MS"]);
    assert!(said.contains("only"), "an abbreviation says when it counts: {said}");
    let said = vocabulary(&["lookup", "type 2 diabetes mellitus without complications"]);
    assert!(said.contains("icd10cm_title, rank 1") && said.contains("public domain"), "{said}");
}

#[test]
fn codes_of_the_ninth_revision_lead_to_those_of_today() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("site").display().to_string();
    let gems = folder.path().join("2018_I9gem.txt");
    std::fs::write(&gems, "25000 E119  10000\n36570 NoDx  11000\n").expect("written");
    vocabulary(&["import", "gems", &gems.display().to_string(), "--into", &into]);
    let terms = folder.path().join("terms.csv");
    std::fs::write(&terms, "term,kind,codes\n#frost toe,diagnosis,T34.831A\nred pill,medication,999999999\n").expect("written");
    vocabulary(&["import", "site-terms", &terms.display().to_string(), "--into", &into]);
    // a line is left out, so the exit status says so, and the tables are there
    let output = program(&["vocabulary", "build", &into], b"");
    let built = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{built}");
    assert!(built.contains("error: site-terms, line 3: \"red pill\" was left out: 999999999 is no ingredient"), "{built}");
    assert!(built.contains("of General Equivalence Mappings"), "{built}");
    for code in ["250.00", "25000"] {
        let said = vocabulary(&["lookup", code, "--vocabularies", &into]);
        assert!(said.contains("approximately in ICD-10-CM") && said.contains("E11.9     Type 2 diabetes"), "{said}");
    }
    assert!(vocabulary(&["lookup", "365.70", "--vocabularies", &into]).contains("nothing corresponds"));
    let said = vocabulary(&["lookup", "frost toe", "--vocabularies", &into]);
    assert!(said.contains("\"#frost toe\": T34.831A") && said.contains("The site's own terms"), "{said}");
}

/// scispacy#460: a drug that a vocabulary does not have was a bird.
#[test]
fn a_drug_is_itself_or_nothing() {
    let note = json!({"id": "1", "text": "MEDICATIONS: Dostarlimab 500 mg IV every 3 weeks. Zanvorlimab 10 mg p.o. daily."})
        .to_string();
    let output = program(&["extract", "--format", "ndjson", "-"], note.as_bytes());
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let medications = found["entries"].as_array().expect("entries").iter().filter(|entry| entry["kind"] == "medication");
    let medications: Vec<&Value> = medications.collect();
    assert_eq!(medications[0]["display"], json!("dostarlimab"), "{found}");
    // a name of our own making has no code, not that of a drug that is spelt alike
    for unknown in medications.iter().filter(|entry| entry["evidence"][0]["text"] == json!("Zanvorlimab")) {
        assert_eq!(unknown["codes"], json!([]), "{unknown}");
    }
}

#[test]
fn codes_are_found_by_meaning_once_the_vectors_are_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = few_terms(folder.path());
    let cache = folder.path().join("cache").display().to_string();
    let server = Server::shared(&["--similarity", "on", "--vocabularies", &tables, "--cache", &cache]);
    let state = || server.call("GET", "/v1/vocabularies", "coder", None).json()["similarity"].clone();
    while state()["state"] == "making" {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(state(), json!({"state": "ready", "terms_done": 4, "terms": 4}));
    let kept: Vec<PathBuf> =
        std::fs::read_dir(&cache).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(kept.len(), 1, "one file for this model and these terms: {kept:?}");

    // words that no term has are looked for by their meaning
    let reply = server.call("GET", "/v1/codes?query=cardiac%20infarct", "coder", None);
    let found = &reply.json()["codes"][0];
    assert!(found["found_by"] == "meaning" || found["found_by"] == "words", "{}", reply.text);
    let reply = server.call("GET", "/v1/codes?query=stones%20of%20the%20renal%20pelvis%20area", "coder", None).json();
    let by_meaning = |one: &Value| one["found_by"] == "meaning" && one["code"] == "N20.0";
    assert!(reply["codes"].as_array().expect("codes").iter().any(by_meaning), "{reply}");

    // the same tables but for a rule: the vectors that are kept are there at once, on the way back too
    let sections = Path::new(&tables).join("stop_terms.tsv");
    let text = include_str!("../../vocabularies/stop_terms.tsv");
    std::fs::write(&sections, format!("# another table with the same terms\n{text}")).expect("written");
    assert_eq!(server.call("POST", "/v1/vocabularies/reload", "admin", Some(b"{}")).json()["active"], json!(true));
    assert_eq!(state()["state"], "ready");
    assert_eq!(server.call("POST", "/v1/vocabularies/rollback", "admin", None).status, 200);
    assert_eq!(state()["state"], "ready");
    std::fs::remove_file(&sections).expect("removed");

    // the same file serves every other command
    let arguments = ["vectors", "--similarity", "on", "--vocabularies", &tables, "--cache", &cache];
    assert!(vocabulary(&arguments).contains("4 vectors are there already"));
    let note = json!({"id": "1", "text": "ASSESSMENT: Acute myocardial infarction of the heart."}).to_string();
    let explained = |similarity: &str| -> String {
        let arguments = [
            "extract",
            "--explain",
            "--similarity",
            similarity,
            "--vocabularies",
            &tables,
            "--cache",
            &cache,
            "--format",
            "ndjson",
            "-",
        ];
        let output = program(&arguments, note.as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let found: Value = serde_json::from_str(&explained("on")).expect("JSON");
    let codes = found["entries"][0]["codes"].as_array().expect("codes");
    let near = codes.iter().find(|code| code["features"]["similar"].is_number()).expect("a code by meaning");
    assert_eq!((&near["code"], &codes[0]["code"]), (&json!("I21.9"), &json!("I21.9")), "{codes:?}");
    assert!(!explained("off").contains("similar"));

    // a file that is damaged is no vectors: they are made anew, and nothing else happens
    std::fs::write(&kept[0], b"not safetensors").expect("written");
    assert!(vocabulary(&arguments).contains("4 vectors written"));
}

/// The note about tables that are not made stands before a build and not behind it.
#[test]
fn a_folder_whose_tables_are_made_is_not_said_to_lack_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("site").display().to_string();
    vocabulary(&["import", "icd10cm-external-causes", &fixture("icd10cm/index_external.xml"), "--into", &into]);
    let said = || {
        let arguments = ["vocabulary", "search", "E11.22", "--vocabularies", &into];
        let output = program(&arguments, b"");
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert!(said().contains("keeps releases of which no tables are made"), "{}", said());
    let built = vocabulary(&["build", &into]);
    assert_eq!(said(), "");
    // this kind is kept only, as its description says
    assert!(
        built.contains("The release icd10cm-external-causes@2030-10-01 is kept, but no table holds anything of it"),
        "{built}"
    );
    let tables: Vec<String> = std::fs::read_dir(&into)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".gz"))
        .collect();
    assert_eq!(tables.len(), 2, "editions and sources: {tables:?}");
}

/// A code of ICD-9-CM leads to its mapping, wherever its dot stands, and never to another code of the same letters.
#[test]
fn codes_of_the_ninth_revision_are_looked_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("site").display().to_string();
    let gems = folder.path().join("gems.txt");
    std::fs::write(&gems, "25000 E119 10000\nE8809 W108XXA 10000\nV1005 Z85038 00000\n").expect("written");
    let gems = gems.display().to_string();
    let output = program(&["vocabulary", "import", "gems", &gems, "--into", &into], b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    vocabulary(&["build", &into]);
    let look = |code: &str| vocabulary(&["lookup", code, "--vocabularies", &into]);
    assert!(
        look("250.00").starts_with("ICD-9-CM    250.00: approximately in ICD-10-CM\n  E11.9     Type 2"),
        "{}",
        look("250.00")
    );
    let external = look("E880.9");
    assert!(external.starts_with("ICD-9-CM    E880.9: ") && external.contains("W10.8XXA"), "{external}");
    assert!(!external.contains("E88.09"), "{external}");
    // without the dot it may be either, and both are told
    let both = look("e8809");
    assert!(both.contains("E88.09") && both.contains("ICD-9-CM    E8809: ") && both.contains("W10.8XXA"), "{both}");
    assert!(look("V10.05").contains("Z85.038"), "{}", look("V10.05"));
}

/// A line of a site's terms that is wrong is told, the others are loaded, and a script can tell.
#[test]
fn a_wrong_line_of_the_sites_terms_is_told_and_the_others_are_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("site").display().to_string();
    let terms = folder.path().join("terms.csv");
    std::fs::write(&terms, "term,kind,codes\nfrost knee,diagnosis,M25.561\nfrost hip,M25.551\nfrost toe,diagnosis,M79.674\n")
        .expect("written");
    let terms = terms.display().to_string();
    let run = |arguments: &[&str]| {
        let output = program(&[&["vocabulary"], arguments].concat(), b"");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let wanted = "error: terms.csv, line 3 was left out: has 2 cells, not 3; put cells that hold the separator in quotes";
    let (code, said) = run(&["import", "site-terms", &terms, "--into", &into]);
    assert!(code == Some(1) && said.contains(wanted) && said.contains("2 rows  site_terms.tsv"), "{code:?}: {said}");
    let (code, said) = run(&["build", &into]);
    let wanted = wanted.replace("error: ", "error: site-terms, ");
    assert!(code == Some(1) && said.contains(&wanted) && said.contains("use them with"), "{code:?}: {said}");
    assert!(vocabulary(&["lookup", "frost toe", "--vocabularies", &into]).contains("M79.674"));
    std::fs::write(&terms, "term,kind,codes\nfrost knee,diagnosis,M25.561\nfrost hip,,M25.551\n").expect("written");
    vocabulary(&["import", "site-terms", &terms, "--into", &into]);
    assert!(!vocabulary(&["build", &into]).contains("error:"));
}
