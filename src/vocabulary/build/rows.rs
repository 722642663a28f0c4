//! Rows of tables: those of kept releases, those that the program carries, those that are made.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use super::{BuildError, Kept, Kind, Result, keep};
use crate::{domain::table, releases::Table};

/// The cells of a row, in the order of the columns.
pub(super) type Row = Vec<String>;

/// A row of these cells.
pub(super) fn row<const N: usize>(cells: [&str; N]) -> Row {
    cells.map(str::to_owned).to_vec()
}

/// What a build has to work with.
pub(super) struct Input<'a> {
    dir: &'a Path,
    kept: Vec<Kept>,
    embedded: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Input<'a> {
    /// The releases in `dir` and the embedded tables.
    pub(super) fn new(dir: &'a Path, embedded: &'a dyn Fn(&str) -> Option<String>) -> Result<Self> {
        Ok(Self { dir, kept: keep::kept(dir)?, embedded })
    }

    /// The newest release of a kind.
    pub(super) fn kept(&self, kind: Kind) -> Option<&Kept> {
        self.all_of(kind).next()
    }

    /// All releases of a kind, the newest first.
    pub(super) fn all_of(&self, kind: Kind) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(move |kept| kept.kind == kind)
    }

    /// All releases, in the order of the kinds.
    pub(super) fn all_kept(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter()
    }

    /// Calls `each` with the rows of a table of the newest release of a kind, one after the other.
    pub(super) fn each(&self, kind: Kind, table: Table, each: impl FnMut(&[&str])) -> Result<()> {
        self.kept(kind).map_or(Ok(()), |kept| self.each_of(kept, table, each))
    }

    /// Calls `each` with the rows of a release table, one after the other; a table without rows has no file.
    pub(super) fn each_of(&self, kept: &Kept, table: Table, mut each: impl FnMut(&[&str])) -> Result<()> {
        let path = kept.folder(self.dir).join(format!("{}.gz", table.name));
        let said = kept.rows.get(table.name).copied().unwrap_or_default();
        if said == 0 {
            return Ok(());
        }
        let damaged = |message: String| BuildError::Damaged { path: path.clone(), message };
        let file = File::open(&path).map_err(BuildError::unreadable(&path))?;
        let mut lines = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(BufReader::new(file)));
        let (mut line, mut number) = (String::new(), 0);
        loop {
            line.clear();
            let read = lines.read_line(&mut line).map_err(|cause| damaged(format!("it does not unpack: {cause}")))?;
            if read == 0 {
                break;
            }
            let cells: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
            if number == 0 && cells != table.columns {
                return Err(damaged("its columns are those of another version of the program".to_owned()));
            }
            if cells.len() != table.columns.len() {
                return Err(damaged(format!("line {} has {} cells", number + 1, cells.len())));
            }
            if number > 0 {
                each(&cells);
            }
            number += 1;
        }
        if number == said + 1 { Ok(()) } else { Err(damaged(format!("it should have {said} rows"))) }
    }

    /// All rows of a table of the newest release of a kind.
    pub(super) fn rows(&self, kind: Kind, table: Table) -> Result<Vec<Row>> {
        self.kept(kind).map_or(Ok(Vec::new()), |kept| self.rows_of(kept, table))
    }

    /// All rows of a release table.
    pub(super) fn rows_of(&self, kept: &Kept, table: Table) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each_of(kept, table, |cells| rows.push(cells.iter().map(|cell| (*cell).to_owned()).collect()))?;
        Ok(rows)
    }

    /// All rows of a release table, when its release is kept.
    pub(super) fn rows_if_kept(&self, kind: Kind, table: Table) -> Result<Option<Vec<Row>>> {
        self.kept(kind).map(|_| self.rows(kind, table)).transpose()
    }

    /// All rows of an embedded table, in the order of the columns of `table`.
    pub(super) fn embedded(&self, table: Table) -> Result<Vec<Row>> {
        let missing = || BuildError::NotEmbedded { table: table.name.to_owned() };
        rows_of(table, &(self.embedded)(table.name).ok_or_else(missing)?)
    }

    /// All rows of an embedded table, where there is one.
    pub(super) fn embedded_if_any(&self, table: Table) -> Option<Vec<Row>> {
        (self.embedded)(table.name).and_then(|text| rows_of(table, &text).ok())
    }
}

/// Rows of the text of a table.
pub(super) fn rows_of(table: Table, text: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    table::read(table.name, text, |found| {
        // a table of the program may lack a column that builds add
        rows.push(table.columns.iter().map(|column| found.find(column).unwrap_or_default().to_owned()).collect());
        Ok(())
    })?;
    Ok(rows)
}

/// The text of a table.
pub(super) fn text_of(columns: &[&str], rows: &[Row]) -> String {
    let mut text = columns.join("\t");
    text.push('\n');
    for row in rows {
        let mut cells = row.iter();
        text.push_str(&cells.next().map_or_else(Default::default, |first| table::escaped(first)));
        for cell in cells {
            text.push('\t');
            text.push_str(cell);
        }
        text.push('\n');
    }
    text
}

/// A table that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// Its name in the folder, without `.gz`. Tables of an edition that is not the newest have its first day in their name.
    pub name: String,
    /// The table that it is one of.
    pub table: Table,
    /// Its rows.
    pub rows: Vec<Row>,
}

impl Made {
    /// A table under its own name.
    pub(super) fn new(table: Table, rows: Vec<Row>) -> Self {
        Self { name: table.name.to_owned(), table, rows }
    }
}
