//! What the tests of the importers share: fixtures, releases made on the spot, and what every kind must refuse.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::releases::{MemoryOutput, Output, Release, Result, Summary};

/// An importer.
pub type Import = fn(&Release, &mut dyn Output) -> Result<Summary>;

/// Path of a fixture.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/releases/terminologies")).join(name)
}

/// Path of a release among the shared ones, where it is there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vocabularies")).join(name);
    path.exists().then_some(path)
}

/// What an importer makes of these files.
pub fn imported(import: Import, paths: &[PathBuf]) -> (MemoryOutput, Summary) {
    let mut out = MemoryOutput::default();
    let summary = import(&Release::new(paths), &mut out).expect("a release that can be imported");
    (out, summary)
}

/// What an importer makes of these fixtures.
pub fn imported_fixtures(import: Import, names: &[&str]) -> (MemoryOutput, Summary) {
    imported(import, &names.iter().map(|name| fixture(name)).collect::<Vec<_>>())
}

/// The rows of a table, cells joined by tabs.
pub fn rows(out: &MemoryOutput, table: &str) -> Vec<String> {
    out.tables.get(table).map(|rows| rows.iter().map(|cells| cells.join("\t")).collect()).unwrap_or_default()
}

/// A zip of these members.
pub fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(content).expect("written");
    }
    zip.finish().expect("closed").into_inner()
}

/// Imports a file with this content.
pub fn try_import(import: Import, content: &[u8]) -> Result<(MemoryOutput, Summary)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("download");
    std::fs::write(&path, content).expect("written");
    let mut out = MemoryOutput::default();
    import(&Release::new(&[path]), &mut out).map(|summary| (out, summary))
}

/// What an importer says to a file that it cannot use.
pub fn refusal(import: Import, content: &[u8]) -> String {
    try_import(import, content).expect_err("refused").to_string()
}

/// What every importer of lines refuses: a zip that ends too early, a file of something else, and bytes that are no UTF-8. `names` are
/// fixtures that import together.
pub fn refuses_what_is_damaged(import: Import, names: &[&str]) {
    refuses_other_files(import, names);
    let mut contents = contents(names);
    contents[0].1.extend_from_slice(b"caf\xe9\n");
    let latin = refusal(import, &zipped_contents(&contents));
    assert!(latin.contains("UTF-8") && latin.contains(names[0]), "{latin}");
}

/// What every importer refuses: a zip that ends too early and a file of something else.
pub fn refuses_other_files(import: Import, names: &[&str]) {
    let whole = zipped_contents(&contents(names));
    try_import(import, &whole).expect("the whole zip can be imported");
    let cut = refusal(import, &whole[..whole.len() / 2]);
    assert!(cut.starts_with("download: ") && cut.contains("Zip"), "{cut}");
    let other = refusal(import, b"Dear customer, thank you for your order.\n");
    assert!(other.contains("none of the files holds") && other.contains("as it was downloaded"), "{other}");
}

fn contents<'n>(names: &[&'n str]) -> Vec<(&'n str, Vec<u8>)> {
    names.iter().map(|name| (*name, std::fs::read(fixture(name)).expect("a fixture"))).collect()
}

fn zipped_contents(contents: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zipped(&contents.iter().map(|(name, content)| (*name, content.as_slice())).collect::<Vec<_>>())
}
