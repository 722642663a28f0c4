//! The one reader of our tab-separated tables: header row, `#` comments, named columns.

use thiserror::Error;

/// A table that cannot be read; says which table, line and why.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("table {table}, line {line}: {message}")]
pub struct TableError {
    /// Name of the table.
    pub table: String,
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// One row, by column name.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    table: &'a str,
    line: usize,
    columns: &'a [&'a str],
    text: &'a str,
}

impl<'a> Row<'a> {
    /// The value in the named column; empty when the row is short.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn get(&self, column: &str) -> Result<&'a str, TableError> {
        let index = self
            .columns
            .iter()
            .position(|name| *name == column)
            .ok_or_else(|| self.error(format!("the table has no column {column:?}")))?;
        Ok(self.text.split('\t').nth(index).unwrap_or_default().trim())
    }

    /// An error about this row.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> TableError {
        TableError { table: self.table.to_owned(), line: self.line, message: message.into() }
    }
}

/// Calls `each` with every row of a table.
///
/// # Errors
/// The first error of `each`, or a table without a header.
pub fn read(table: &str, text: &str, mut each: impl FnMut(Row<'_>) -> Result<(), TableError>) -> Result<(), TableError> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim_end_matches('\r')))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let (_, header) = lines.next().ok_or_else(|| TableError {
        table: table.to_owned(),
        line: 1,
        message: "the table is empty; its first line must name the columns".to_owned(),
    })?;
    let columns: Vec<&str> = header.split('\t').map(str::trim).collect();
    for (line, text) in lines {
        each(Row { table, line, columns: &columns, text })?;
    }
    Ok(())
}
