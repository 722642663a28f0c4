//! The command line from end to end, with the dictionary alone, which loads fast.

use super::*;
use crate::own_notes::here;

fn run_measure_of(folder: &Path, definition: &str, more: &[&str]) -> anyhow::Result<ExitCode> {
    let file = folder.join("definition.toml");
    std::fs::write(&file, definition).expect("writes");
    let words = ["abstractor-eval", "measure", file.to_str().expect("a path"), "--output", folder.to_str().expect("a path")];
    run(words.into_iter().chain(more.iter().copied()).map(str::to_owned))
}

fn definition(system: &str) -> String {
    let notes = here("gold/notes.jsonl");
    format!(
        "name = \"A <try>\"\nabout = \"Words.\"\nlimits = \"Words & limits.\"\n[corpus]\nformat = \"gold\"\npath = {notes:?}\nlimit = 4\n\
         [metrics]\ndraws = 100\n[floors]\n\"DX.affirmed\" = 0.1\n{system}"
    )
}

const DICTIONARY: &str = "[system]\nkind = \"pipeline\"\noptions = { recognizers = \"dictionary\" }";

fn written(folder: &Path, ending: &str) -> PathBuf {
    let all = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found = all.filter(|path| path.extension().is_some_and(|own| own == ending));
    found.next().expect("it was written")
}

#[test]
fn a_definition_gives_results_a_report_and_a_comparison() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = run_measure_of(folder.path(), &definition(DICTIONARY), &[]).expect("measures");
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    let before = folder.path().join("before");
    let json = written(folder.path(), "json");
    std::fs::copy(&json, &before).expect("copies");
    let results = Results::read(&json).expect("reads");
    assert_eq!((results.documents.len(), results.slices["note_type"].is_empty()), (4, false));
    assert!(results.figures["DX.affirmed"].value.value > 0.5 && results.system.speed.is_some());
    assert!(results.documents.iter().all(|one| one.seconds.is_some() && one.characters.is_some_and(|count| count > 100)));
    assert_eq!(results.system.latency.as_ref().map(|latency| latency.notes), Some(4));

    // the results hold no word of a note, the report does, as text and never as markup
    let notes = std::fs::read_to_string(here("gold/notes.jsonl")).expect("reads");
    let first: serde_json::Value = serde_json::from_str(notes.lines().next().expect("a line")).expect("JSON");
    let sentence: String = first["text"].as_str().expect("a text").chars().take(30).collect();
    assert!(!std::fs::read_to_string(&json).expect("reads").contains(&sentence));
    let page = std::fs::read_to_string(written(folder.path(), "html")).expect("reads");
    assert!(page.contains("A &lt;try&gt;") && page.contains("Words &amp; limits.") && !page.contains("<try>"));
    assert!(page.contains("<article") && page.contains("</svg>") && !page.contains("src=\"") && !page.contains("href=\""));

    run_measure_of(folder.path(), &definition(DICTIONARY), &["--against", before.to_str().expect("a path")]).expect("measures");
    let compared = Results::read(&written(folder.path(), "json")).expect("reads").comparison.expect("a comparison");
    assert_eq!((compared.notes, compared.changes["DX.affirmed"].p), (4, 1.0));
    // how much is for nobody to say of two runs on a machine that does something else too
    let latency = compared.latency.expect("both were timed");
    assert!(latency.notes == 4 && latency.alike && latency.ratio.low <= latency.ratio.high, "{latency:?}");
    assert!(
        std::fs::read_to_string(written(folder.path(), "txt")).expect("reads").contains("times as long as in the run before")
    );
    let report = folder.path().join("again.html");
    let words = ["abstractor-eval", "report", json.to_str().expect("a path"), report.to_str().expect("a path")];
    run(words.map(str::to_owned)).expect("reports");
    let again = std::fs::read_to_string(report).expect("reads");
    assert!(again.contains("Against the run before") && !again.contains("<article"));
}

#[test]
fn a_floor_that_is_not_reached_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("nothing.ndjson");
    let notes = std::fs::read_to_string(here("gold/notes.jsonl")).expect("reads");
    let first: serde_json::Value = serde_json::from_str(notes.lines().next().expect("a line")).expect("JSON");
    std::fs::write(&lines, serde_json::json!({"note_id": first["id"], "entries": []}).to_string()).expect("writes");
    let system = "[system]\nkind = \"predictions\"\nsystem = \"nobody\"\npath = \"nothing.ndjson\"";
    let code = run_measure_of(folder.path(), &definition(system), &[]).expect("measures");
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    let results = Results::read(&written(folder.path(), "json")).expect("reads");
    assert_eq!((results.system.missing, results.floors[0].reached), (3, Some(0.0)));
}

#[test]
fn several_results_stand_side_by_side() {
    let folder = tempfile::tempdir().expect("a folder");
    run_measure_of(folder.path(), &definition(DICTIONARY), &[]).expect("measures");
    let results = Results::read(&written(folder.path(), "json")).expect("reads");
    let mut other = results.clone();
    other.system.name = "another".to_owned();
    other.show = vec!["DX.affirmed".to_owned(), "NKA.attributes".to_owned()];
    let printed = report::side_by_side(&[results.clone(), other]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!((lines[0], lines.len(), lines[3]), ("| metric | abstractor | another |", 4, "| NKA.attributes |  |  |"));
    let value = format!("{:.3} [", results.figures["DX.affirmed"].value.value);
    assert_eq!(lines[2].matches(&value).count(), 2, "{printed}");
}

#[test]
fn every_definition_of_the_repository_can_be_read() {
    let shared = here("../../shared");
    let folders = ["definitions", "peers"].map(|folder| std::fs::read_dir(here(folder)).expect("a folder"));
    let files = folders.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    for file in files.filter(|file| file.extension().is_some_and(|ending| ending == "toml")) {
        let text = std::fs::read_to_string(&file).expect("reads");
        match Definition::read(&file, Some(&shared)) {
            Ok(definition) => assert!(!definition.slug().is_empty()),
            // what it names may be missing here; it must be well written all the same
            Err(error) => {
                let missing = text.contains("$SHARED") || text.contains("target/");
                assert!(missing && error.to_string().contains("there is no"), "{error}");
            }
        }
    }
}
