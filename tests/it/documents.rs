//! The documents are true of the code: commands that README names exist, the error codes of ARCHITECTURE are those of the code.

use std::{path::Path, process::Command};

use crate::server::PROGRAM;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|_| panic!("{name} is missing"))
}

/// Lines of shell blocks that call the program: the words after `abstractor`.
fn commands(document: &str) -> Vec<Vec<String>> {
    let mut shell = false;
    let mut out = Vec::new();
    for line in document.lines() {
        if let Some(fence) = line.trim().strip_prefix("```") {
            shell = !shell && matches!(fence, "sh" | "bash" | "console");
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| word.ends_with("abstractor") || *word == "--").filter(|_| shell) else {
            continue;
        };
        if words[at] == "--" && !line.contains("cargo run") {
            continue;
        }
        out.push(words[at + 1..].iter().map(|word| (*word).to_owned()).collect());
    }
    out
}

#[test]
fn commands_of_the_readme_exist() {
    let found = commands(&read("README.md"));
    assert!(found.len() >= 5, "README shows {} commands", found.len());
    for words in found {
        let verbs: Vec<&str> = words
            .iter()
            .take_while(|word| word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'))
            .map(String::as_str)
            .take_while(|word| !word.starts_with('-'))
            .take(2)
            .collect();
        let Some(first) = verbs.first() else { continue };
        let first_help = Command::new(PROGRAM).args([*first, "--help"]).output().expect("runs");
        let first_help = String::from_utf8_lossy(&first_help.stdout).into_owned();
        // the second verb of a command that has several stands before or behind the options of the first
        let commands = first_help.split_once("Commands:").map_or("", |(_, commands)| commands);
        let is_verb = |word: &&String| {
            !word.starts_with('-') && commands.lines().any(|line| line.split_whitespace().next() == Some(word))
        };
        let verbs: Vec<&str> = std::iter::once(*first).chain(words[1..].iter().find(is_verb).map(String::as_str)).collect();
        let help = Command::new(PROGRAM).args(&verbs).arg("--help").output().expect("runs");
        assert!(help.status.success(), "README calls `abstractor {}`, which does not exist", words.join(" "));
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        for option in words.iter().filter_map(|word| word.strip_prefix("--")).filter(|option| !option.is_empty()) {
            let name = option.split('=').next().unwrap_or_default();
            let parent = Command::new(PROGRAM).arg(verbs[0]).arg("--help").output().expect("runs");
            let parent = String::from_utf8_lossy(&parent.stdout).into_owned();
            assert!(
                help.contains(&format!("--{name}")) || parent.contains(&format!("--{name}")),
                "README uses --{name} with {verbs:?}"
            );
        }
    }
}

#[test]
fn the_table_of_error_codes_is_complete() {
    let architecture = read("ARCHITECTURE.md");
    let mut missing = Vec::new();
    for source in [
        "authenticate",
        "body",
        "bulk",
        "cds_hooks",
        "destinations",
        "error",
        "extract",
        "framing",
        "headers",
        "health",
        "items",
        "messages",
        "mod",
        "notes",
        "vocabularies",
        "fhir/call",
        "fhir/mod",
        "fhir/outcome",
        "fhir/subscriptions",
    ] {
        let text = read(&format!("src/api/{source}.rs"));
        for (at, _) in text
            .match_indices("ApiError::new(")
            .chain(text.match_indices("Self::new("))
            .chain(text.match_indices("conflict("))
            .chain(text.match_indices("unavailable("))
            .chain(text.match_indices("bad("))
        {
            // what stands before the end of the statement
            let rest: String = text[at..].chars().take(160).take_while(|letter| *letter != ';').collect();
            if let Some(code) = rest.split('"').nth(1) {
                let is_code = !code.is_empty() && code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
                if is_code && code.len() > 3 && !architecture.contains(&format!("`{code}`")) {
                    missing.push(code.to_owned());
                }
            }
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "ARCHITECTURE does not list the error codes {missing:?}");
}
