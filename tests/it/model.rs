//! `abstractor model`: a folder of another maker is checked, gets its manifest, and extracts.

use std::path::{Path, PathBuf};

use super::server::program;

fn fixture(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(family)
}

/// A copy of a fixture's folder that may be changed.
fn copy(family: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(fixture(family)).expect("the fixture") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("copies");
    }
    folder
}

/// Exit status, standard output and standard error of a command on a folder.
fn run(arguments: &[&str], folder: &Path) -> (bool, String) {
    let path = folder.to_str().expect("a plain path");
    let output = program(&[arguments, &[path]].concat(), b"");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("UTF-8"))
}

#[test]
fn every_family_is_checked_and_described() {
    for family in ["bert", "roberta", "distilbert", "deberta-v2", "modernbert"] {
        let (usable, said) = run(&["model", "check"], &fixture(family));
        assert!(usable && said.contains(family) && said.contains("ran through"), "{said}");
        let (fine, said) = run(&["model", "info"], &fixture(family));
        assert!(fine && said.contains(family), "{said}");
        assert_eq!(said.contains("B-problem → B-DIAGNOSIS"), family != "bert", "{said}");
    }
    let embedded = program(&["model", "info"], b"");
    let said = String::from_utf8(embedded.stdout).expect("UTF-8");
    assert!(said.contains("clinical-ner") && said.contains("temperature"), "{said}");
}

#[test]
fn a_folder_without_its_manifest_says_how_to_get_one() {
    let folder = copy("roberta");
    std::fs::remove_file(folder.path().join("manifest.json")).expect("was there");
    let (usable, said) = run(&["model", "check"], folder.path());
    assert!(!usable && said.contains("abstractor model manifest"), "{said}");
    let (written, said) = run(&["model", "manifest", "--name", "ours", "--version", "7"], folder.path());
    assert!(written, "{said}");
    let (usable, said) = run(&["model", "check"], folder.path());
    assert!(usable && said.contains("ours 7"), "{said}");

    let note = folder.path().join("note.txt");
    std::fs::write(&note, "Metformin 500 mg for type 2 diabetes.").expect("writes");
    let model = folder.path().to_str().expect("a plain path");
    let output = program(&["extract", "--format", "ndjson", "--model", model, note.to_str().expect("a plain path")], b"");
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one extraction");
    assert!(line["engine"]["model"].as_str().expect("a name").starts_with("ours 7 "), "{line}");
}

#[test]
fn what_is_wrong_with_a_folder_is_named() {
    type Change = fn(&Path);
    let cases: [(Change, &str); 5] = [
        (|folder| std::fs::remove_file(folder.join("model.safetensors")).expect("was there"), "model.safetensors"),
        (
            |folder| std::fs::rename(folder.join("model.safetensors"), folder.join("pytorch_model.bin")).expect("renames"),
            "never opened",
        ),
        (|folder| std::fs::remove_file(folder.join("labels.json")).expect("was there"), "B-problem"),
        (|folder| std::fs::write(folder.join("tokenizer.json"), "{}").expect("writes"), "tokenizer.json"),
        (
            |folder| {
                let bytes = std::fs::read(folder.join("model.safetensors")).expect("reads");
                std::fs::write(folder.join("model.safetensors"), &bytes[..bytes.len() / 2]).expect("writes");
            },
            "model.safetensors",
        ),
    ];
    for (change, word) in cases {
        let folder = copy("distilbert");
        change(folder.path());
        let (usable, said) = run(&["model", "check"], folder.path());
        assert!(!usable && said.contains(word), "{word}: {said}");
    }
    let folder = copy("bert");
    std::fs::write(folder.path().join("calibration.json"), "{\"temperature\": 2}").expect("writes");
    let (usable, said) = run(&["model", "check"], folder.path());
    assert!(!usable && said.contains("checksum"), "{said}");
}
