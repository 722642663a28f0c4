//! What the program is made of and by: where memory is handled by hand, which compiler builds it, what may enter the tree.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

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

/// Lines of a source that are code, with their numbers from 0.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn is_unsafe(line: &str) -> bool {
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "unsafe(", "allow(unsafe", "expect(unsafe"]
        .iter()
        .any(|word| line.contains(word))
}

/// The lint forbids it in every crate; the kernels of the encoder, and the bench that measures their bound, are where it is lifted.
#[test]
fn memory_is_handled_by_hand_in_the_kernels_alone() {
    const PLACES: [&str; 2] = ["encoder/src/kernels/", "encoder/examples/bench/peak.rs"];
    let mut files = Vec::new();
    for folder in ["src", "encoder", "eval", "tests/it"] {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() > 300, "{} files", files.len());
    let mut blocks = 0;
    let mut wrong = Vec::new();
    // this file has the words in its strings
    for file in files.iter().filter(|file| !file.ends_with("tests/it/supply_chain.rs")) {
        let text = std::fs::read_to_string(file).expect("a source");
        let name = file.strip_prefix(root()).expect("of ours").display().to_string();
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in code(&text).filter(|(_, line)| is_unsafe(line)) {
            if !PLACES.iter().any(|place| name.starts_with(place)) {
                wrong.push(format!("{name}, line {}: {}", number + 1, line.trim()));
            }
            if name.starts_with(PLACES[0]) && line.contains("unsafe {") {
                blocks += 1;
                let before = lines[number.saturating_sub(6)..=number].join("\n");
                if !before.contains("SAFETY:") {
                    wrong.push(format!("{name}, line {}: no sentence says why it is sound", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(blocks > 10, "{blocks} blocks: are the kernels elsewhere?");
}

#[test]
fn every_crate_denies_what_is_handled_by_hand() {
    for manifest in ["Cargo.toml", "encoder/Cargo.toml", "eval/Cargo.toml"] {
        let text = std::fs::read_to_string(root().join(manifest)).expect("a manifest");
        assert!(text.contains("unsafe_code = \"deny\""), "{manifest}");
    }
    let encoder = std::fs::read_to_string(root().join("encoder/Cargo.toml")).expect("a manifest");
    assert!(encoder.contains("undocumented_unsafe_blocks = \"deny\"") && encoder.contains("unsafe_op_in_unsafe_fn = \"deny\""));
}

/// One compiler builds it everywhere: that of the manifest, of the image and of the tests.
#[test]
fn one_compiler_is_named_everywhere() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).expect("a file");
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let wanted = manifest["package"]["rust-version"].as_str().expect("a version").to_owned();
    for member in ["encoder/Cargo.toml", "eval/Cargo.toml"] {
        let member: toml::Table = read(member).parse().expect("TOML");
        assert_eq!(member["package"]["rust-version"].as_str(), Some(wanted.as_str()));
    }
    assert!(read("Dockerfile").contains(&format!("FROM rust:{wanted}.")), "the image is built by another compiler");
    let told = std::process::Command::new("rustc").arg("--version").output().expect("rustc is there");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.starts_with(&format!("rustc {wanted}.")),
        "Rust {wanted} builds this: rustup default {wanted}.0; here is {told}"
    );
}

/// Everything comes from one index with a checksum, and nothing asks for any release that there will be.
#[test]
fn every_package_of_the_lock_file_has_its_checksum() {
    let lock: toml::Table = std::fs::read_to_string(root().join("Cargo.lock")).expect("a file").parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    assert!(packages.len() > 300);
    for package in packages {
        let own = package["name"].as_str().expect("a name").starts_with("abstractor");
        let sealed = package.get("checksum").and_then(toml::Value::as_str).is_some_and(|sum| sum.len() == 64);
        let from = package.get("source").and_then(toml::Value::as_str).unwrap_or_default();
        assert!(own != sealed && (own || from.starts_with("registry+")), "{package}");
    }
}
