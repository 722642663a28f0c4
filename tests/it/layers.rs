//! The directions between modules, module docs, and sizes: what ARCHITECTURE promises of the source.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Modules and their rank: a module uses modules of a lower rank, or itself.
const RANKS: [(&str, u8); 36] = [
    ("domain", 0),
    ("fuzzing", 0),
    ("network", 1),
    ("text", 1),
    ("seal", 1),
    ("statistics", 1),
    ("releases", 1),
    ("vocabulary", 2),
    ("recognize", 3),
    ("assertion", 3),
    ("medication", 3),
    ("allergy", 4),
    ("coding", 4),
    ("deidentify", 4),
    ("interop", 5),
    ("pipeline", 5),
    ("store", 5),
    ("engine", 6),
    ("auth", 6),
    ("report", 6),
    ("review", 6),
    ("oversight", 6),
    ("learning", 6),
    ("oidc", 7),
    ("worker", 7),
    ("retention", 7),
    ("service", 7),
    ("api", 8),
    ("web", 8),
    ("mllp", 8),
    ("delivery", 9),
    ("telemetry", 8),
    ("config", 9),
    ("cli", 10),
    ("main", 11),
    ("lib", 11),
];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a source file");
            (path.strip_prefix(&root).expect("below src").to_owned(), text)
        })
        .collect()
}

fn module_of(path: &Path) -> String {
    let first = path.components().next().expect("a component").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Modules that a source names as `crate::NAME` or inside `use crate::{NAME...}`.
fn uses(text: &str, ranks: &BTreeMap<&str, u8>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 && (letter.is_alphanumeric() || letter == '_') {
                    word.push(letter);
                } else {
                    if depth == 0 || letter == '{' {
                        found.push(std::mem::take(&mut word));
                    }
                    word.clear();
                }
            }
            found.push(word);
        } else {
            found.push(rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect());
        }
    }
    found.retain(|name| ranks.contains_key(name.as_str()));
    found
}

#[test]
fn modules_use_only_lower_ones() {
    let ranks: BTreeMap<&str, u8> = RANKS.into_iter().collect();
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let module = module_of(&path);
        let rank =
            *ranks.get(module.as_str()).unwrap_or_else(|| panic!("src/{} has no rank in tests/it/layers.rs", path.display()));
        for used in uses(&text, &ranks) {
            if used != module && ranks[used.as_str()] >= rank {
                wrong.push(format!("src/{} uses {used}", path.display()));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "against the layers:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_uses_sees_groups_and_paths() {
    let ranks: BTreeMap<&str, u8> = RANKS.into_iter().collect();
    let text = "use crate::{\n    auth::{Permission, permits},\n    store,\n};\nfn f() { crate::review::check() }";
    assert_eq!(uses(text, &ranks), ["auth", "store", "review"]);
}

#[test]
fn every_module_says_what_lives_in_it() {
    let silent: Vec<String> = all()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!") && !text.starts_with("#![doc"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "without //!: {silent:?}");
}

#[test]
fn files_stay_small() {
    let long: Vec<String> = all()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 600)
        .map(|(path, text)| format!("{} has {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "over 600 lines: {long:?}");
}

/// The clock, random identifiers and the environment are read at the edge only (clippy bans them elsewhere); `fuzzing` is of the tests.
#[test]
fn exceptions_to_the_clock_ban_stand_at_the_edge() {
    for (path, text) in all() {
        if text.contains("clippy::disallowed_methods") {
            assert!(["cli", "config", "fuzzing", "main"].contains(&module_of(&path).as_str()), "src/{}", path.display());
        }
    }
}
