//! Rows of delimited files: RRF, where every field ends with a vertical bar, and tables with a header row.

use std::str::FromStr;

use crate::releases::{Member, ReleaseError, Result};

/// How the rows of a file are laid out.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// So many fields, each ended by `|`; no header, no quoting.
    Rrf(usize),
    /// A header row, then rows of as many cells, with this separator; no quoting.
    Headed(char),
}

/// One row, and where it stands.
#[derive(Debug)]
pub struct Row<'l> {
    /// Its cells.
    pub cells: Vec<&'l str>,
    file: &'l str,
    line: u64,
}

impl Row<'_> {
    /// An error that says where the row stands.
    pub fn wrong(&self, message: impl Into<String>) -> ReleaseError {
        ReleaseError::malformed(self.file, self.line, message)
    }

    /// The number in a cell.
    pub fn number<T: FromStr>(&self, cell: usize) -> Result<T> {
        self.cells[cell].parse().map_err(|_| {
            let text = self.cells[cell];
            self.wrong(format!(
                "field {} is \"{text}\" where a number belongs; import the file as the publisher made it",
                cell + 1
            ))
        })
    }
}

/// Calls `each` with the rows of a member, a header row left out. Empty lines are passed over.
///
/// # Errors
/// The first error of `each`, a row with the wrong number of fields, or what [`Member::lines`] says.
pub fn each_row(member: &mut Member<'_>, layout: Layout, mut each: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
    let file = member.name;
    let mut width = 0;
    member.lines(|line, text| {
        if text.is_empty() {
            return Ok(());
        }
        let cells = match layout {
            Layout::Rrf(fields) => {
                width = fields;
                rrf(text)
            }
            Layout::Headed(separator) => text.split(separator).collect(),
        };
        if width == 0 {
            width = cells.len();
            return Ok(());
        }
        let row = Row { cells, file, line };
        if row.cells.len() != width {
            let found = row.cells.len();
            return Err(row.wrong(format!("has {found} fields, not {width}; the file is damaged: download it again")));
        }
        each(&row)
    })
}

/// The fields of an RRF line. The bar that closes the last field opens no further one.
pub fn rrf(line: &str) -> Vec<&str> {
    line.strip_suffix('|').unwrap_or(line).split('|').collect()
}

/// The first line of a member, without consuming it.
///
/// # Errors
/// When the file cannot be read.
pub fn first_line(member: &mut Member<'_>) -> Result<String> {
    let head = member.head()?;
    Ok(head.lines().next().unwrap_or_default().to_owned())
}

/// A header row. Names of columns are compared by their letters and digits, in any case: publishers change the rest.
#[derive(Debug)]
pub struct Header {
    names: Vec<String>,
}

impl Header {
    /// The header in this line.
    pub fn new(line: &str, separator: char) -> Self {
        Self { names: line.split(separator).map(folded).collect() }
    }

    /// Where the first of these columns that the header has stands.
    pub fn place(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.names.iter().position(|own| *own == folded(name)))
    }

    /// Where all of these columns stand; nothing when one is missing.
    pub fn places<const N: usize>(&self, names: [&str; N]) -> Option<[usize; N]> {
        let found: Vec<usize> = names.iter().filter_map(|name| self.place(&[name])).collect();
        found.try_into().ok()
    }
}

fn folded(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_compared_by_letters_and_digits() {
        let header = Header::new("\"Display Name\"\tTYPE\tUNII", '\t');
        assert_eq!(header.place(&["DISPLAY_NAME"]), Some(0));
        assert_eq!(header.places(["unii", "type"]), Some([2, 1]));
        assert_eq!(header.places(["unii", "rxcui"]), None);
    }

    #[test]
    fn the_last_bar_closes_a_field() {
        assert_eq!(rrf("1|ENG||"), ["1", "ENG", ""]);
    }
}
