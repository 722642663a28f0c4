//! The files in the folder: the tables that were made, and `built.toml`, which lists them so that a later build knows what is its own.
//!
//! A table that a person put there (or changed) is left as it is. Nothing takes its name before everything is written.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    BuildError, Result, files,
    rows::{Made, text_of},
};

/// Name of the list of what was built.
const LIST: &str = "built.toml";

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
    #[serde(default)]
    tables: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    name: String,
    rows: usize,
    sha256: String,
}

/// Writes the tables as `NAME.gz`.
pub(super) fn write(dir: &Path, tables: &[Made]) -> Result<Written> {
    fs::create_dir_all(dir).map_err(BuildError::unreadable(dir))?;
    let former = former(dir)?;
    let mut written = Written { by_hand: by_hand(dir, &former)?, removed: Vec::new() };
    let mine: Vec<&Made> = tables.iter().filter(|made| !written.is_by_hand(&made.name)).collect();
    let partials = mine.iter().map(|made| write_partial(dir, made)).collect::<Result<Vec<_>>>();
    let listed = match partials {
        Ok(listed) => listed,
        Err(error) => {
            // the first error is what the person must see
            mine.iter().for_each(|made| drop(fs::remove_file(partial(dir, &file_name(made)))));
            return Err(error);
        }
    };
    // both lists until all is done, so that a build that is cut short knows its files either way
    write_list(dir, former.iter().chain(&listed).cloned().collect())?;
    for table in &listed {
        rename(&partial(dir, &table.name), &dir.join(&table.name))?;
    }
    let gone = former.iter().filter(|table| !listed.iter().any(|new| new.name == table.name));
    for table in gone.filter(|table| !written.by_hand.contains(&table.name)) {
        let path = dir.join(&table.name);
        if path.is_file() {
            fs::remove_file(&path).map_err(BuildError::unreadable(&path))?;
            written.removed.push(table.name.clone());
        }
    }
    written.removed.dedup();
    write_list(dir, listed)?;
    Ok(written)
}

fn file_name(made: &Made) -> String {
    format!("{}.gz", made.name)
}

fn partial(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!(".{name}.partial"))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(BuildError::unreadable(to))
}

/// What the build before this one wrote.
fn former(dir: &Path) -> Result<Vec<Listed>> {
    let path = dir.join(LIST);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).map_err(BuildError::unreadable(&path))?;
    let list: List = toml::from_str(&text).map_err(|error| BuildError::Damaged {
        path: path.clone(),
        message: format!(
            "{}; without it every table counts as put there by hand, so remove it with the tables that were built",
            error.message()
        ),
    })?;
    Ok(list.tables)
}

/// Tables in the folder that no build wrote as they are, by name.
fn by_hand(dir: &Path, former: &[Listed]) -> Result<Vec<String>> {
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
            let (_, sha256) = files::size_and_sha256(&path)?;
            if listed.any(|table| table.sha256 == sha256) {
                continue;
            }
        }
        found.push(name);
    }
    found.sort();
    Ok(found)
}

fn write_partial(dir: &Path, made: &Made) -> Result<Listed> {
    let name = file_name(made);
    let path = partial(dir, &name);
    let written = files::gzip(&path).and_then(|mut gzip| {
        gzip.write_all(text_of(made.table.columns, &made.rows).as_bytes())?;
        files::finish(gzip)
    });
    written.map_err(BuildError::unreadable(&path))?;
    let (_, sha256) = files::size_and_sha256(&path)?;
    Ok(Listed { name, rows: made.rows.len(), sha256 })
}

fn write_list(dir: &Path, tables: Vec<Listed>) -> Result<()> {
    let path = partial(dir, LIST);
    let text = toml::to_string(&List { tables })
        .map_err(|error| BuildError::Unreadable { path: path.clone(), cause: std::io::Error::other(error) })?;
    fs::write(&path, text).map_err(BuildError::unreadable(&path))?;
    rename(&path, &dir.join(LIST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{releases::Table, vocabulary::build::rows::row};

    const ONE: Table = Table { name: "one.tsv", columns: &["a"] };
    const TWO: Table = Table { name: "two.tsv", columns: &["a"] };

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
    fn a_build_that_is_cut_short_knows_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        let made = |cell| Made::new(ONE, vec![row([cell])]);
        write(dir, &[made("old")]).expect("written");
        let former = former(dir).expect("listed");
        let new = write_partial(dir, &made("new")).expect("written");
        write_list(dir, former.into_iter().chain([new]).collect()).expect("written");
        assert!(write(dir, &[made("new")]).expect("written").by_hand.is_empty());
        assert_eq!(names(dir), ["built.toml", "one.tsv.gz"]);
    }
}
