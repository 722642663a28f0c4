//! Rows of text with commas or tabs between the columns, as a stream.

use crate::releases::{Member, ReleaseError, Result, clean};

/// Calls `row` with the line (from 1) and the cells of each row, white space in them as single spaces. Bytes that are no UTF-8 are
/// replaced: some tables hold titles in another encoding, and codes are ASCII in all of them.
///
/// # Errors
/// The first error of `row`, or a file that cannot be read.
pub fn each(member: &mut Member<'_>, delimiter: u8, row: &mut dyn FnMut(u64, &[String]) -> Result<()>) -> Result<()> {
    let file = member.name;
    // With "\n" as the end, the line a row begins in is right for "\r\n" too; the "\r" goes with the white space.
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(member.whole());
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| ReleaseError::unreadable(file, error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<String> = record.iter().map(|cell| clean(&String::from_utf8_lossy(cell))).collect();
        row(line, &cells)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::Release;

    #[test]
    fn rows_know_their_line_whatever_ends_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        for end in ["\n", "\r\n"] {
            let lines = ["\u{feff}\"one", "two\",b", "c,\"d, e\"", "f,g"];
            std::fs::write(&path, lines.join(end)).expect("written");
            let mut seen = Vec::new();
            let mut keep = |line: u64, cells: &[String]| {
                seen.push(format!("{line} {}", cells.join(";")));
                Ok(())
            };
            Release::new(std::slice::from_ref(&path)).each(|member| each(member, b',', &mut keep)).expect("read");
            assert_eq!(seen, ["1 one two;b", "3 c;d, e", "4 f;g"]);
        }
    }
}
