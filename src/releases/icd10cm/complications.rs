//! Complications or comorbidities (CC) and major ones (MCC) of the MS-DRGs, as CMS publishes them: Table 6I ("Complete MCC List") and Table
//! 6J ("Complete CC List") of the IPPS final rule, text with tabs or CSV, each row with a code and its title. A row may also say its
//! level itself (`CC` or `MCC` in a cell). Where a column is headed "CC/MCC" or the like, its cells say the level, and a row whose cell there says
//! neither is of none.

use super::{Remarks, delimited, listed};
use crate::releases::{Output, Release, ReleaseError, Result, Summary, Table};

/// Codes with `CC` or `MCC`, in the order of the files.
pub const LEVELS: Table = Table { name: "cc_mcc.tsv", columns: &["code", "level"] };

/// Reads the lists.
///
/// # Errors
/// When no file is such a list, when a row does not say its level, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let (mut found, mut remarks) = (false, Remarks::default());
    release.each(|member| {
        let head = member.head()?;
        let Some(separator) = listed::separator(&head, speaks_of_a_level) else { return Ok(()) };
        let above = listed::above_the_codes(&head, separator).to_lowercase();
        let (title, heading) = above.rsplit_once('\n').unwrap_or(("", &above));
        let headings = listed::split(heading, separator);
        let column = headings.iter().position(|heading| is_of_levels(heading));
        let of_file = level_in(title).or_else(|| level_in(heading)).filter(|_| column.is_none());
        let file = member.name;
        delimited::each(member, separator, &mut |line, cells| {
            let Some(code) = listed::code(cells) else { return Ok(()) };
            let of_levels = column.map_or(cells, |column| cells.get(column..=column).unwrap_or_default());
            let said =
                of_levels.iter().map(|cell| cell.to_ascii_uppercase()).find(|cell| matches!(cell.as_str(), "CC" | "MCC"));
            match said.or_else(|| of_file.map(str::to_owned)) {
                Some(level) => {
                    found = true;
                    out.row(LEVELS, &[&code, &level])
                }
                None => {
                    remarks.add(file, line, &format!("{code} says neither CC nor MCC and was left out"));
                    Ok(())
                }
            }
        })
    })?;
    if found {
        return Ok(Summary { release: String::new(), notes: remarks.into_notes(), ..Summary::default() });
    }
    Err(ReleaseError::not_found("a CC or MCC list (Table 6I or 6J as text or CSV, or rows with a code and CC or MCC)"))
}

/// Whether a text in lower case speaks of one of them.
fn speaks_of_a_level(text: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric()).any(|word| matches!(word, "cc" | "mcc"))
}

/// `MCC` or `CC`, when a text in lower case speaks of one of them alone.
fn level_in(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    match (words.contains(&"mcc"), words.contains(&"cc")) {
        (true, false) => Some("MCC"),
        (false, true) => Some("CC"),
        _ => None,
    }
}

/// Whether a heading in lower case says that the cells below it are levels: "CC/MCC", "Level (CC or MCC)", "CC level".
fn is_of_levels(heading: &str) -> bool {
    let words = || heading.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_level = |word: &str| matches!(word, "cc" | "mcc");
    words().any(is_level)
        && words().all(|word| is_level(word) || matches!(word, "non" | "or" | "level" | "status" | "indicator"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{read_text, refused, rows},
        *,
    };

    #[test]
    fn the_level_is_that_of_the_file_or_of_the_row() {
        let title = |level: &str| {
            format!("Table 6.-Complete {level} List-FY 2031\nDiagnosis Code\tDescription\nA00.0\tCholera due to CC\n")
        };
        for level in ["MCC", "CC"] {
            let (_, out) = read_text(import, "t.txt", &title(level)).expect("read");
            assert_eq!(rows(&out, "cc_mcc.tsv"), [format!("A00.0;{level}")]);
        }
        let (summary, out) = read_text(import, "t.csv", "code,level (CC or MCC)\nA000,MCC\nA001,cc\n").expect("read");
        assert_eq!((rows(&out, "cc_mcc.tsv"), summary.notes.len()), (vec!["A00.0;MCC".to_owned(), "A00.1;CC".to_owned()], 0));
        assert!(refused(import, "t.csv", "A00,Cholera\n").contains("CC or MCC list"));
    }

    #[test]
    fn a_heading_of_levels_makes_no_row_a_complication() {
        let rows_of = |text: &str| {
            let (summary, out) = read_text(import, "t.csv", text).expect("read");
            (rows(&out, "cc_mcc.tsv"), summary.notes.len())
        };
        let codes = "A000,Cholera,MCC\nA001,\"Other, due to CC\",\nA009,Unspecified,cc\nA010,Fever,Non-CC\n";
        let wanted = (vec!["A00.0;MCC".to_owned(), "A00.9;CC".to_owned()], 2);
        for title in ["", "Table of the CC and MCC of FY 2031\n", "Complete MCC List\n"] {
            for heading in ["CC/MCC", "CC Level", "Level (CC or MCC)"] {
                assert_eq!(rows_of(&format!("{title}Code,Description,{heading}\n{codes}")), wanted, "{title} {heading}");
            }
        }
        // the words of another column are no level
        let (found, _) = rows_of("Complete MCC List\nCode,Description,CC Exclusion\nA000,Cholera,0001\n");
        assert_eq!(found, ["A00.0;MCC"]);
    }
}
