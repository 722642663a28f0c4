//! The conversion table of CDC and CMS (`icd10cm_conversion_table_FYYYYY.txt`): which earlier code a new code replaces.
//!
//! Text with tabs, commas or at least two blanks between its three columns, after a title or none:
//!
//! ```text
//! Current code assignment    Effective    Previous Code(s) Assignment
//! E66.813                    2024         E66.01, E66.8
//! H02.151                    2017         H02.101-H02.106; H02.109
//! ```
//!
//! A year means the first of October of that year, when the codes of the next fiscal year begin; other dates are written in full. A
//! range whose codes differ in digits only is written out. Codes without an earlier one ("None") have no row, and what is said in
//! words has none but a remark. The table is also published as a workbook (xlsx), which is not read.

use super::{Remarks, delimited, dotted, is_code};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table};

/// Former code, the code that replaces it, and the day from which it does (`2024-10-01`; empty where the table leaves it out).
pub const CONVERSIONS: Table = Table { name: "conversions.tsv", columns: &["code", "replacement", "effective"] };

/// Reads the conversion table.
///
/// # Errors
/// When no file is a conversion table, when a row is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let (mut found, mut remarks) = (false, Remarks::default());
    release.each(|member| match separator(&member.head()?) {
        Some(separator) => {
            found = true;
            read(member, separator, &mut |conversion| add(out, conversion, &mut remarks))
        }
        None => Ok(()),
    })?;
    if !found {
        return Err(ReleaseError::not_found(
            "an ICD-10-CM conversion table (text with the heading \"Current code assignment\")",
        ));
    }
    Ok(Summary { release: String::new(), notes: remarks.into_notes(), ..Summary::default() })
}

/// What stands between the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Character(u8),
    Blanks,
}

/// A row of the table.
struct Conversion<'a> {
    file: &'a str,
    line: u64,
    current: String,
    effective: String,
    previous: String,
}

fn is_heading(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("current code assignment") && text.contains("previous code")
}

/// The separator of the heading, when the head of a file has one.
fn separator(head: &str) -> Option<Separator> {
    let heading = head.lines().find(|line| is_heading(line))?;
    [b'\t', b',']
        .into_iter()
        .find(|&byte| heading.as_bytes().contains(&byte))
        .map(Separator::Character)
        .or(Some(Separator::Blanks))
}

fn read(member: &mut Member<'_>, separator: Separator, each: &mut dyn FnMut(Conversion<'_>) -> Result<()>) -> Result<()> {
    let file = member.name;
    let mut places: Option<[usize; 3]> = None;
    let mut row = |line: u64, cells: &[String]| {
        let Some(places) = places else {
            if is_heading(&cells.join(" ")) {
                places = Some(columns(file, line, cells)?);
            }
            return Ok(());
        };
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        let cell = |place: usize| cells.get(place).map(|cell| cell.trim().to_owned());
        let [Some(current), Some(effective), Some(previous)] = places.map(cell) else {
            return Err(ReleaseError::malformed(
                file,
                line,
                "has fewer columns than the heading; import the file as published",
            ));
        };
        each(Conversion { file, line, current, effective, previous })
    };
    match separator {
        Separator::Character(byte) => delimited::each(member, byte, &mut row),
        Separator::Blanks => member.lines(|number, line| row(number, &split_at_blanks(line))),
    }
}

fn split_at_blanks(line: &str) -> Vec<String> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

fn columns(file: &str, line: u64, heading: &[String]) -> Result<[usize; 3]> {
    let place = |word: &str| {
        let found = heading.iter().position(|cell| cell.trim().to_lowercase().starts_with(word));
        found.ok_or_else(|| {
            ReleaseError::malformed(file, line, format!("the heading has no column \"{word}\"; import the file as published"))
        })
    };
    Ok([place("current code")?, place("effective")?, place("previous code")?])
}

fn add(out: &mut dyn Output, row: Conversion<'_>, remarks: &mut Remarks) -> Result<()> {
    let wrong = |message| ReleaseError::malformed(row.file, row.line, message);
    let replacement = dotted(&row.current).ok_or_else(|| wrong(format!("{:?} is no ICD-10-CM code", row.current)))?;
    let effective = day(&row.effective)
        .ok_or_else(|| wrong(format!("{:?} is neither a year nor a date like 04/01/2023 or 2023-04-01", row.effective)))?;
    let listed = row.previous.replace(" and ", ",");
    for previous in listed.split([',', ';']).map(|previous| previous.trim_matches(['"', ' '])).filter(|text| !text.is_empty()) {
        if previous.to_lowercase().starts_with("none") {
            continue;
        }
        let codes = written_out(previous);
        if codes.is_empty() {
            remarks.add(
                row.file,
                row.line,
                &format!("the codes before {replacement} are said in words ({previous}) and were left out"),
            );
        }
        for code in codes {
            out.row(CONVERSIONS, &[&code, &replacement, &effective])?;
        }
    }
    Ok(())
}

/// A code, or the codes of a range that differ in their last digits only; nothing where it is neither.
fn written_out(text: &str) -> Vec<String> {
    const LONGEST: usize = 100;
    let Some((first, last)) = text.split_once('-') else { return dotted(text).into_iter().collect() };
    let (first, last) = (first.trim(), last.trim());
    // "H02.101-106" says the end of the code only.
    let last = match first.len().checked_sub(last.len()) {
        Some(kept) if is_code(first) => format!("{}{last}", &first[..kept]),
        _ => return Vec::new(),
    };
    let same = first.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count();
    let (Ok(from), Ok(to)) = (first[same..].parse::<u32>(), last[same..].parse::<u32>()) else { return Vec::new() };
    let width = first.len() - same;
    let codes = (from..=to).take(LONGEST + 1).filter_map(|number| dotted(&format!("{}{number:0width$}", &first[..same])));
    let codes: Vec<String> = codes.collect();
    if codes.len() > LONGEST { Vec::new() } else { codes }
}

/// A year, `M/D/YY`, `M/D/YYYY` or `YYYY-MM-DD` as `YYYY-MM-DD`; nothing stays nothing.
fn day(text: &str) -> Option<String> {
    let number = |text: &str| text.parse::<u16>().ok();
    let parts: Vec<&str> = text.split(['/', '-']).collect();
    let (year, month, day) = match parts[..] {
        [""] => return Some(String::new()),
        [year] => (number(year)?, 10, 1),
        [month, day, year] if text.contains('/') => (number(year)?, number(month)?, number(day)?),
        [year, month, day] => (number(year)?, number(month)?, number(day)?),
        _ => return None,
    };
    let year = if year < 100 { 2000 + year } else { year };
    let is_day = (2000..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then(|| format!("{year}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, read_text, refused, rows},
        *,
    };

    #[test]
    fn lists_and_ranges_are_written_out() {
        let (summary, out) = read(import, &[fixture("conversion.txt")]).expect("read");
        assert_eq!(
            summary.notes,
            ["conversion.txt, line 8: the codes before Z99.1 are said in words (Several categories) and were left out"]
        );
        assert_eq!(
            rows(&out, "conversions.tsv"),
            [
                "A04.7;A04.71;2017-10-01",
                "E66.01;E66.813;2024-10-01",
                "E66.8;E66.813;2024-10-01",
                "H02.101;H02.151;2017-10-01",
                "H02.102;H02.151;2017-10-01",
                "H02.103;H02.151;2017-10-01",
                "H02.109;H02.151;2017-10-01",
                "T84.040A;M97.01XA;2023-04-01",
                "T84.041A;M97.01XA;2023-04-01",
            ]
        );
        assert!(read(import, &[fixture("order.txt")]).is_err());
    }

    #[test]
    fn commas_and_blanks_separate_columns_as_well() {
        for text in [
            "Current code assignment,Effective,Previous Code(s) Assignment\nE66.813,2024,\"E66.01, E66.8\"\n",
            "Current code assignment   Effective  Previous Code(s) Assignment\n\nE66813            2024       E6601, E668\n",
        ] {
            let (_, out) = read_text(import, "c.txt", text).expect("read");
            assert_eq!(rows(&out, "conversions.tsv"), ["E66.01;E66.813;2024-10-01", "E66.8;E66.813;2024-10-01"]);
        }
    }

    #[test]
    fn ranges_that_cannot_be_written_out_are_none() {
        assert_eq!(written_out("S06.0X1-3"), ["S06.0X1", "S06.0X2", "S06.0X3"]);
        for text in ["M80.00XA-M80.00XS", "A00-", "-A00", "é-A00", "A00.000-A00.999", "A00.1-A00.22"] {
            assert!(written_out(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn malformed_rows_say_where_and_what() {
        let heading = "Current code assignment\tEffective\tPrevious Code(s) Assignment\n";
        for (row, wanted) in [
            ("E66.813\t2024", "line 2: has fewer columns"),
            ("obesity\t2024\tE66.8", "line 2: \"obesity\" is no"),
            ("E66.813\tsoon\tE66.8", "line 2: \"soon\" is neither"),
            ("E66.813\t13/40/2024\tE66.8", "line 2: \"13/40/2024\" is neither"),
        ] {
            let message = refused(import, "c.txt", &format!("{heading}{row}\n"));
            assert!(message.contains(wanted), "{message}");
        }
        let message = refused(import, "c.txt", "Current code assignment\tPrevious Code(s) Assignment\nA04.71\tA04.7\n");
        assert!(message.contains("line 1: the heading has no column \"effective\""), "{message}");
        assert!(refused(import, "c.txt", "A00 Cholera\n").contains("conversion table"));
    }
}
