//! The committed OpenAPI file is the one the code makes.

use std::{path::Path, process::Command};

use crate::server::PROGRAM;

#[test]
fn the_committed_file_is_current() {
    let made = Command::new(PROGRAM).arg("openapi").output().expect("runs");
    assert!(made.status.success());
    let made = String::from_utf8(made.stdout).expect("UTF-8");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        made.trim() == committed.trim(),
        "openapi.json is out of date: run `abstractor openapi > openapi.json` and review the difference"
    );
}

#[test]
fn every_operation_is_described() {
    let made = Command::new(PROGRAM).arg("openapi").output().expect("runs");
    let document: serde_json::Value = serde_json::from_slice(&made.stdout).expect("JSON");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() >= 13);
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            let said = operation["summary"].as_str().or(operation["description"].as_str()).unwrap_or_default();
            assert!(!said.is_empty(), "{method} {path} says nothing");
            let responses = operation["responses"].as_object().expect("responses");
            let is_open = operation["security"] == serde_json::json!([{}]) || operation["security"] == serde_json::json!([]);
            assert!(
                is_open || path.starts_with("/health") || responses.contains_key("401"),
                "{method} {path} does not document 401"
            );
        }
    }
}
