//! What SECURITY.md claims is held by a test that it names, or it says that none holds it.

use std::{collections::BTreeMap, path::Path};

/// What the last column of a table says where no test can hold a claim.
const EXCEPTIONS: [&str; 2] = ["the site", "no test:"];

/// One row of a table whose last column is headed "held by".
struct Claim<'a> {
    line: usize,
    what: &'a str,
    held_by: &'a str,
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_start_matches('|').trim_end_matches('|').split('|').map(str::trim).collect()
}

fn claims(document: &str) -> Vec<Claim<'_>> {
    let mut found = Vec::new();
    let mut is_claims = false;
    for (index, line) in document.lines().enumerate() {
        if !line.starts_with('|') {
            is_claims = false;
            continue;
        }
        let cells = cells(line);
        let (Some(what), Some(last)) = (cells.first(), cells.last()) else { continue };
        if *last == "held by" {
            is_claims = true;
        } else if is_claims && !last.starts_with("---") {
            found.push(Claim { line: index + 1, what, held_by: last });
        }
    }
    found
}

/// The tests that a cell names, as `file: name`.
fn named(cell: &str) -> Vec<(&str, &str)> {
    cell.split('`').skip(1).step_by(2).filter_map(|word| word.split_once(": ")).collect()
}

/// Whether a source has a test of this name: a function with the attribute of a test, in Rust or in Python.
fn has_test(source: &str, name: &str) -> bool {
    let (rust, python) = (format!("fn {name}("), format!("    def {name}(self"));
    if source.contains(&python) {
        return name.starts_with("test_");
    }
    let lines: Vec<&str> = source.lines().collect();
    lines.iter().enumerate().filter(|(_, line)| line.contains(&rust)).any(|(at, _)| {
        let mut above = lines[..at].iter().rev().take_while(|line| !line.trim().is_empty() && !line.starts_with('}'));
        above.any(|line| line.contains("test]") || line.contains("::test("))
    })
}

/// Whether the suite that every store must pass runs this case.
fn is_case_of_the_suite(name: &str) -> bool {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/conformance/mod.rs");
    let Ok(source) = std::fs::read_to_string(file) else { return false };
    let lists = source.split("conformance!(@module $open, ").skip(1).filter_map(|list| list.split(");").next());
    lists.filter_map(|list| list.split_once(':')).any(|(_, cases)| cases.split(',').any(|case| case.trim() == name))
}

/// What is wrong with a claim.
fn problem(claim: &Claim<'_>, sources: &mut BTreeMap<String, Option<String>>) -> Option<String> {
    let tests = named(claim.held_by);
    if tests.is_empty() {
        let is_told = EXCEPTIONS.iter().any(|words| claim.held_by.contains(words));
        return (!is_told).then(|| "names no test and does not say why".to_owned());
    }
    tests.into_iter().find_map(|(file, name)| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let source = sources.entry(file.to_owned()).or_insert_with(|| std::fs::read_to_string(root.join(file)).ok());
        match source {
            None => Some(format!("there is no file {file}")),
            Some(source) if file.starts_with("src/store/conformance/") => {
                let is_run = source.contains(&format!("fn {name}(")) && is_case_of_the_suite(name);
                (!is_run).then(|| format!("{file} has no case {name} that is run"))
            }
            Some(source) if has_test(source, name) => None,
            Some(_) => Some(format!("{file} has no test {name}")),
        }
    })
}

fn problems(document: &str) -> Vec<String> {
    let mut sources = BTreeMap::new();
    claims(document)
        .iter()
        .filter_map(|claim| problem(claim, &mut sources).map(|words| format!("line {}: {}: {words}", claim.line, claim.what)))
        .collect()
}

#[test]
fn every_claim_of_the_security_document_is_held() {
    let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).expect("reads");
    let (all, problems) = (claims(&document), problems(&document));
    assert!(all.len() >= 60, "{} claims are read: the form of the tables changed", all.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_claim_without_its_test_is_found() {
    let table = |cell: &str| format!("| threat | held by |\n|---|---|\n| a note | {cell} |\n");
    let here = "`tests/it/claims.rs: a_claim_without_its_test_is_found`";
    for (cell, is_wrong) in [
        (here.to_owned(), false),
        ("the site".to_owned(), false),
        ("no test: it cannot be had here".to_owned(), false),
        (String::new(), true),
        ("everybody knows".to_owned(), true),
        ("`tests/it/claims.rs: cells`".to_owned(), true),
        ("`tests/it/claims.rs: nothing_of_this_name`".to_owned(), true),
        ("`tests/it/nowhere.rs: nothing`".to_owned(), true),
        (format!("{here}, `tests/it/claims.rs: nothing`"), true),
        ("`src/store/conformance/accounts.rs: a_sign_in_works_once`".to_owned(), false),
        ("`src/store/conformance/mod.rs: at`".to_owned(), true),
    ] {
        assert_eq!(!problems(&table(&cell)).is_empty(), is_wrong, "{cell}");
    }
    assert!(problems("| threat | what |\n|---|---|\n| a | b |\n").is_empty(), "another table makes no claims");
}
