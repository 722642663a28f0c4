//! Where an importer's rows go.

use std::collections::BTreeMap;

use super::{Result, clean};

/// A release table: its file name and its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// File name, "codes.tsv".
    pub name: &'static str,
    /// Names of the columns.
    pub columns: &'static [&'static str],
}

/// Takes rows, in the order in which they come.
pub trait Output {
    /// Adds a row; tabs and line breaks inside a cell become single spaces.
    ///
    /// # Errors
    /// When the disk does not take it.
    fn row(&mut self, table: Table, cells: &[&str]) -> Result<()>;
}

/// Keeps the rows in memory: for tests and for small releases.
#[derive(Debug, Default)]
pub struct MemoryOutput {
    /// Rows by table name.
    pub tables: BTreeMap<&'static str, Vec<Vec<String>>>,
}

impl Output for MemoryOutput {
    fn row(&mut self, table: Table, cells: &[&str]) -> Result<()> {
        debug_assert_eq!(cells.len(), table.columns.len(), "{}", table.name);
        self.tables.entry(table.name).or_default().push(cells.iter().map(|cell| clean(cell)).collect());
        Ok(())
    }
}
