//! The one reader of our tab-separated tables: header row, `#` comments, named columns. A first value that begins with `#` is written
//! `\#` ([`escaped`]), so that its line is no comment.

use std::borrow::Cow;

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
        self.find(column).ok_or_else(|| self.error(format!("the table has no column {column:?}")))
    }

    /// The value in a column that the table need not have; empty when the row is short.
    #[must_use]
    pub fn find(&self, column: &str) -> Option<&'a str> {
        let index = self.columns.iter().position(|name| *name == column)?;
        let value = self.text.split('\t').nth(index).unwrap_or_default().trim();
        let is_escaped = index == 0 && value.starts_with('\\') && value.trim_start_matches('\\').starts_with('#');
        Some(if is_escaped { &value[1..] } else { value })
    }

    /// An error about this row.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> TableError {
        TableError { table: self.table.to_owned(), line: self.line, message: message.into() }
    }
}

/// The first value of a line as it is written: with a backslash before what would make the line a comment.
#[must_use]
pub fn escaped(value: &str) -> Cow<'_, str> {
    if value.trim_start_matches('\\').starts_with('#') { Cow::Owned(format!("\\{value}")) } else { Cow::Borrowed(value) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_begins_with_a_hash_is_no_comment() {
        let values = ["#neck", "\\#neck", "plain", "\\plain"];
        let lines: Vec<String> = values.iter().map(|value| format!("{}\tx", escaped(value))).collect();
        let text = format!("# a comment\nterm\tcodes\n{}\n#comment\t\n", lines.join("\n"));
        let mut seen = Vec::new();
        let read = read("a.tsv", &text, |row| {
            assert_eq!(row.find("rank"), None);
            seen.push(row.get("term")?.to_owned());
            Ok(())
        });
        assert_eq!((read, seen), (Ok(()), values.map(str::to_owned).to_vec()));
    }
}
