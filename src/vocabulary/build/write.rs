//! The files in the folder: the tables that were made, and `built.toml`, which lists them so that a later build knows what is its own.
//!
//! A table that a person put there (or changed) is left as it is. Everything is written into `.build.partial` first. Once that is complete it
//! becomes `.build.ready` in one step, and from then on the new tables count: [`files`] gives those that are still in it before those of
//! the folder, so that a build that is cut short while it moves them leaves either the old tables or the new ones, never some of each. The
//! next build moves the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    BuildError, Result, files as packed,
    rows::{Made, text_of},
};

/// Name of the list of what was built.
const LIST: &str = "built.toml";
/// A table that every build writes, so that its list is there too.
const ALWAYS: &str = "sources.tsv.gz";
/// Folder of tables that are being written.
const PARTIAL: &str = ".build.partial";
/// Folder of tables that are complete and not all in their place.
const READY: &str = ".build.ready";

/// What a build did to the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Tables of a person, which stay.
    pub by_hand: Vec<String>,
    /// Tables of an earlier build, which are gone.
    pub removed: Vec<String>,
}

impl Written {
    /// Whether a person keeps this table, as plain text or as gzip.
    pub(super) fn is_by_hand(&self, table: &str) -> bool {
        self.by_hand.iter().any(|name| name.strip_suffix(".gz").unwrap_or(name) == table)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    /// Tables of the build before that are not made any more; they go when the new ones take their place.
    #[serde(default)]
    removed: Vec<String>,
    tables: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    name: String,
    rows: usize,
    sha256: String,
}

/// Writes the tables as `NAME.gz`. When that fails, the tables that were there stay.
pub(super) fn write(dir: &Path, tables: &[Made]) -> Result<Written> {
    fs::create_dir_all(dir).map_err(BuildError::unreadable(dir))?;
    settle(dir)?;
    let former = former(dir)?;
    let mut written = Written { by_hand: changed_by_hand(dir, &former)?, removed: Vec::new() };
    let mine: Vec<&Made> = tables.iter().filter(|made| !written.is_by_hand(&made.name)).collect();
    let partial = dir.join(PARTIAL);
    let staged = stage(&partial, &mine, |listed| {
        let gone = former.iter().filter(|table| !listed.iter().any(|new| new.name == table.name));
        let gone = gone.filter(|table| !written.by_hand.contains(&table.name) && dir.join(&table.name).is_file());
        gone.map(|table| table.name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    });
    match staged {
        Ok(removed) => written.removed = removed,
        Err(error) => {
            // the first error is what the person must see
            let _ = fs::remove_dir_all(&partial);
            return Err(error);
        }
    }
    let ready = dir.join(READY);
    rename(&partial, &ready)?;
    packed::sync_folder(dir)?;
    settle(dir)?;
    Ok(written)
}

/// Writes the tables and their list into a folder; gives the names that are to be removed.
fn stage(partial: &Path, tables: &[&Made], gone: impl Fn(&[Listed]) -> Vec<String>) -> Result<Vec<String>> {
    if partial.exists() {
        fs::remove_dir_all(partial).map_err(BuildError::unreadable(partial))?;
    }
    fs::create_dir(partial).map_err(BuildError::unreadable(partial))?;
    let listed = tables.iter().map(|made| write_table(partial, made)).collect::<Result<Vec<_>>>()?;
    let list = List { removed: gone(&listed), tables: listed };
    let path = partial.join(LIST);
    let text = toml::to_string(&list)
        .map_err(|error| BuildError::Unreadable { path: path.clone(), cause: std::io::Error::other(error) })?;
    let mut file = fs::File::create(&path).map_err(BuildError::unreadable(&path))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(BuildError::unreadable(&path))?;
    packed::sync_folder(partial)?;
    Ok(list.removed)
}

/// Moves tables that are complete to their place, where a build was cut short behind that.
fn settle(dir: &Path) -> Result<()> {
    let ready = dir.join(READY);
    if !ready.is_dir() {
        return Ok(());
    }
    // the list moves last; without it, all are in their place
    if ready.join(LIST).is_file() {
        let List { removed, tables } = list(&ready)?;
        for Listed { name, .. } in &tables {
            let from = ready.join(name);
            if from.is_file() {
                rename(&from, &dir.join(name))?;
            }
        }
        for path in removed.iter().map(|name| dir.join(name)).filter(|path| path.is_file()) {
            fs::remove_file(&path).map_err(BuildError::unreadable(&path))?;
        }
        // the disk has the tables before it has their list
        packed::sync_folder(dir)?;
        rename(&ready.join(LIST), &dir.join(LIST))?;
        packed::sync_folder(dir)?;
    }
    fs::remove_dir_all(&ready).map_err(BuildError::unreadable(&ready))
}

/// The files of a folder by name, with their path: those that a build has completed and not yet moved before those of the folder.
///
/// # Errors
/// A folder that cannot be listed.
pub(in crate::vocabulary) fn files(dir: &Path) -> std::io::Result<BTreeMap<String, PathBuf>> {
    let of = |dir: &Path| -> std::io::Result<BTreeMap<String, PathBuf>> {
        let entries = fs::read_dir(dir)?;
        entries.map(|entry| entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))).collect()
    };
    let mut found = of(dir)?;
    let ready = dir.join(READY);
    if let Ok(list) = list(&ready) {
        found.retain(|name, _| !list.removed.contains(name));
        // one that has been moved since is in its place
        found.extend(of(&ready).unwrap_or_default());
    }
    Ok(found)
}

/// What changes with every build: who reads the folder while it is the same has read the tables of one build.
pub(in crate::vocabulary) fn generation(dir: &Path) -> (Option<Vec<u8>>, bool) {
    (fs::read(dir.join(LIST)).ok(), dir.join(READY).join(LIST).is_file())
}

/// Tables that a person keeps in the folder, without `.gz`.
pub(super) fn by_hand(dir: &Path) -> Result<BTreeSet<String>> {
    if !dir.is_dir() {
        return Ok(BTreeSet::new());
    }
    settle(dir)?;
    let found = changed_by_hand(dir, &former(dir)?)?;
    Ok(found.iter().map(|name| name.strip_suffix(".gz").unwrap_or(name).to_owned()).collect())
}

fn file_name(made: &Made) -> String {
    format!("{}.gz", made.name)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(BuildError::unreadable(to))
}

/// The tables of the build before; none where there was none.
fn former(dir: &Path) -> Result<Vec<Listed>> {
    let former = list(dir)?.tables;
    if former.is_empty() && dir.join(ALWAYS).is_file() {
        let message = format!("names no tables, though a build wrote {ALWAYS}");
        return Err(BuildError::ListDamaged { path: dir.join(LIST), message });
    }
    Ok(former)
}

/// What a build wrote.
fn list(dir: &Path) -> Result<List> {
    let path = dir.join(LIST);
    if !path.is_file() {
        return Ok(List::default());
    }
    let text = fs::read_to_string(&path).map_err(BuildError::unreadable(&path))?;
    toml::from_str(&text).map_err(|error| BuildError::ListDamaged { path: path.clone(), message: error.message().to_owned() })
}

/// Tables in the folder that no build wrote as they are, by name.
fn changed_by_hand(dir: &Path, former: &[Listed]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(BuildError::unreadable(dir))? {
        let path = entry.map_err(BuildError::unreadable(dir))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_table = name.ends_with(".tsv") || name.ends_with(".tsv.gz");
        if name.starts_with('.') || !is_table || !path.is_file() {
            continue;
        }
        let mut listed = former.iter().filter(|table| table.name == name).peekable();
        if listed.peek().is_some() {
            let (_, sha256) = packed::size_and_sha256(&path)?;
            if listed.any(|table| table.sha256 == sha256) {
                continue;
            }
        }
        found.push(name);
    }
    found.sort();
    Ok(found)
}

fn write_table(folder: &Path, made: &Made) -> Result<Listed> {
    let name = file_name(made);
    let path = folder.join(&name);
    let written = packed::gzip(&path).and_then(|mut gzip| {
        gzip.write_all(text_of(made.table.columns, &made.rows).as_bytes())?;
        packed::finish(gzip)
    });
    written.map_err(BuildError::unreadable(&path))?;
    let (_, sha256) = packed::size_and_sha256(&path)?;
    Ok(Listed { name, rows: made.rows.len(), sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{releases::Table, vocabulary::build::rows::row};

    const ONE: Table = Table { name: "one.tsv", columns: &["a"] };
    const TWO: Table = Table { name: "two.tsv", columns: &["a"] };
    const SOURCES: Table = Table { name: "sources.tsv", columns: &["a"] };

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn tables_of_a_person_stay_and_those_no_longer_made_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        let made = |table| Made::new(table, vec![row(["x"])]);
        write(dir, &[made(ONE), made(TWO)]).expect("written");
        assert_eq!(names(dir), ["built.toml", "one.tsv.gz", "two.tsv.gz"]);
        fs::write(dir.join("three.tsv"), "a\nx\n").expect("written");
        fs::write(dir.join("README.md"), "ours").expect("written");
        let done = write(dir, &[made(TWO)]).expect("written");
        assert_eq!(done, Written { by_hand: vec!["three.tsv".to_owned()], removed: vec!["one.tsv.gz".to_owned()] });
        // a person changes what was built, and puts the plain text of another table there
        fs::write(dir.join("two.tsv.gz"), "a\nmine\n").expect("written");
        fs::write(dir.join("one.tsv"), "a\nmine\n").expect("written");
        let done = write(dir, &[made(ONE), made(TWO)]).expect("written");
        assert_eq!(done.by_hand, ["one.tsv", "three.tsv", "two.tsv.gz"]);
        assert_eq!(fs::read_to_string(dir.join("two.tsv.gz")).expect("readable"), "a\nmine\n");
        let done = write(dir, &[]).expect("written");
        assert!(done.removed.is_empty() && done.by_hand.len() == 3);
        assert_eq!(names(dir), ["README.md", "built.toml", "one.tsv", "three.tsv", "two.tsv.gz"]);
    }

    #[test]
    fn a_list_that_is_lost_makes_no_table_a_persons() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        let tables = || [Made::new(ONE, vec![row(["x"])]), Made::new(SOURCES, vec![row(["x"])])];
        // tables of a person alone have no list
        fs::write(dir.join("two.tsv.gz"), "a\nmine\n").expect("written");
        assert_eq!(write(dir, &tables()).expect("written").by_hand, ["two.tsv.gz"]);
        let list = fs::read(dir.join(LIST)).expect("a list");
        for damage in [Some("".as_bytes()), Some(b"removed = []\n"), Some(b"removed = []\ntables = []\n"), None] {
            match damage {
                Some(bytes) => fs::write(dir.join(LIST), bytes).expect("written"),
                None => fs::remove_file(dir.join(LIST)).expect("removed"),
            }
            for error in [by_hand(dir).expect_err("refused"), write(dir, &tables()).expect_err("refused")] {
                let message = error.to_string();
                assert!(message.contains("built.toml") && message.contains("remove the tables that were built"), "{message}");
            }
        }
        fs::write(dir.join(LIST), list).expect("written");
        assert_eq!(write(dir, &tables()).expect("written").by_hand, ["two.tsv.gz"]);
        assert_eq!(names(dir), ["built.toml", "one.tsv.gz", "sources.tsv.gz", "two.tsv.gz"]);
    }

    /// What a reader sees of each table.
    fn seen(dir: &Path) -> Vec<String> {
        let found = files(dir).expect("listed");
        let text = |path: &PathBuf| {
            let mut text = String::new();
            let packed = fs::File::open(path).expect("a file");
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut text).expect("unpacked");
            text
        };
        let tables = found.iter().filter(|(name, _)| name.ends_with(".gz"));
        tables.map(|(name, path)| format!("{name} {}", text(path).lines().last().unwrap_or_default())).collect()
    }

    #[test]
    fn a_build_that_is_cut_short_leaves_the_old_tables_or_the_new_ones() {
        let made = |table, cell| Made::new(table, vec![row([cell])]);
        let old = ["gone.tsv.gz old", "one.tsv.gz old", "two.tsv.gz old"];
        let new = ["one.tsv.gz new", "two.tsv.gz new"];
        const GONE: Table = Table { name: "gone.tsv", columns: &["a"] };
        // after how many moves it is cut short; 0 before the new tables are complete
        for moves in 0_usize..=4 {
            let folder = tempfile::tempdir().expect("a folder");
            let dir = folder.path();
            write(dir, &[made(GONE, "old"), made(ONE, "old"), made(TWO, "old")]).expect("written");
            let (one, two) = (made(ONE, "new"), made(TWO, "new"));
            stage(&dir.join(PARTIAL), &[&one, &two], |_| vec!["gone.tsv.gz".to_owned()]).expect("staged");
            if moves > 0 {
                fs::rename(dir.join(PARTIAL), dir.join(READY)).expect("renamed");
            }
            for name in ["one.tsv.gz", "two.tsv.gz"].iter().take(moves.saturating_sub(1)) {
                fs::rename(dir.join(READY).join(name), dir.join(name)).expect("moved");
            }
            if moves > 3 {
                fs::remove_file(dir.join("gone.tsv.gz")).expect("removed");
            }
            let expected: &[&str] = if moves == 0 { &old } else { &new };
            assert_eq!(seen(dir), expected, "{moves} moves, for a reader");
            assert!(by_hand(dir).expect("listed").is_empty());
            assert_eq!(seen(dir), expected, "{moves} moves, after the next build has begun");
            assert!(write(dir, &[one, two]).expect("written").by_hand.is_empty());
            assert_eq!(names(dir), ["built.toml", "one.tsv.gz", "two.tsv.gz"]);
        }
    }

    #[test]
    fn a_build_that_fails_leaves_the_tables_as_they_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        write(dir, &[Made::new(ONE, vec![row(["old"])])]).expect("written");
        let impossible = Made { name: "no such folder/two.tsv".to_owned(), table: TWO, rows: vec![row(["new"])] };
        write(dir, &[Made::new(ONE, vec![row(["new"])]), impossible]).expect_err("refused");
        assert_eq!(
            (seen(dir), names(dir)),
            (vec!["one.tsv.gz old".to_owned()], vec!["built.toml".to_owned(), "one.tsv.gz".to_owned()])
        );
    }
}
