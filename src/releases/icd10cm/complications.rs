//! Complications or comorbidities (CC) and major ones (MCC) of the MS-DRGs, as CMS publishes them: Table 6I ("Complete MCC List") and Table
//! 6J ("Complete CC List") of the IPPS final rule, text with tabs or CSV, each row with a code and its title. A row may also say its
//! level itself (`CC` or `MCC` in a cell).

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
        let Some(separator) = listed::separator(&head, |head| level_in(head).is_some()) else { return Ok(()) };
        let title = listed::above_the_codes(&head, separator);
        let of_file = level_in(&title.to_lowercase());
        let file = member.name;
        delimited::each(member, separator, &mut |line, cells| {
            let Some(code) = listed::code(cells) else { return Ok(()) };
            let said = cells.iter().find(|cell| matches!(cell.to_ascii_uppercase().as_str(), "CC" | "MCC"));
            match said.map(|cell| cell.to_ascii_uppercase()).or_else(|| of_file.map(str::to_owned)) {
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
        return Ok(Summary { release: String::new(), notes: remarks.into_notes() });
    }
    Err(ReleaseError::not_found("a CC or MCC list (Table 6I or 6J as text or CSV, or rows with a code and CC or MCC)"))
}

/// `MCC` or `CC`, when a text in lower case speaks of one of them alone.
fn level_in(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    match (words.contains(&"mcc"), words.contains(&"cc")) {
        (true, _) => Some("MCC"),
        (false, true) => Some("CC"),
        _ => None,
    }
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
}
