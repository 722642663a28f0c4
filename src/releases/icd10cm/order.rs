//! The order file of CMS (`icd10cm_order_YYYY.txt`): every category and code in one list.
//!
//! Fixed columns, from 1: order number 1-5, code without its dot 7-13, 1 for a code that can stand on a claim and 0 for a heading 15,
//! short title 17-76, long title from 78.

use std::collections::BTreeMap;

use super::{dotted, filled_lines};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table};

/// Categories, subcategories and codes with their long titles, sorted by code.
pub const CODES: Table = Table { name: "codes.tsv", columns: &["code", "billable", "title"] };

/// Reads the order file.
///
/// # Errors
/// When no file is an order file, when a line does not have its columns, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut codes = BTreeMap::new();
    release.each(|member| match filled_lines(&member.head()?).next() {
        Some(first) if is_order_line(first) => read(member, &mut codes),
        _ => Ok(()),
    })?;
    if codes.is_empty() {
        return Err(ReleaseError::not_found(
            "an ICD-10-CM order file (fixed columns: order number, code, 0 or 1, short title, long title)",
        ));
    }
    for (code, (billable, title)) in &codes {
        out.row(CODES, &[code, billable, title])?;
    }
    Ok(Summary::default())
}

fn is_order_line(line: &str) -> bool {
    line.bytes().take(5).filter(u8::is_ascii_digit).count() == 5 && columns(line).is_ok()
}

fn read(member: &mut Member<'_>, codes: &mut BTreeMap<String, (String, String)>) -> Result<()> {
    let file = member.name;
    member.lines(|number, line| {
        if line.trim().is_empty() {
            return Ok(());
        }
        let (code, billable, title) = columns(line).map_err(|message| ReleaseError::malformed(file, number, message))?;
        let twice = format!("{code} stands twice; import one release at a time");
        match codes.insert(code, (billable.to_owned(), title.to_owned())) {
            Some(_) => Err(ReleaseError::malformed(file, number, twice)),
            None => Ok(()),
        }
    })
}

/// Code, flag and long title of a line.
fn columns(line: &str) -> Result<(String, &str, &str), String> {
    let code = line.get(6..13).map(str::trim).unwrap_or_default();
    let code = dotted(code).ok_or_else(|| format!("columns 7 to 13 hold {code:?}, which is no ICD-10-CM code"))?;
    let billable = line.get(14..15).filter(|flag| matches!(*flag, "0" | "1"));
    let billable = billable.ok_or_else(|| format!("column 15 of {code} is neither 0 nor 1"))?;
    let title = long_title(line).filter(|title| !title.is_empty());
    Ok((code, billable, title.ok_or("there is no long title from column 78 on; is the line cut short?")?))
}

/// What stands behind column 77, which is blank. Columns are characters; a publisher who pads to bytes is understood as well.
fn long_title(line: &str) -> Option<&str> {
    let by_characters = line.char_indices().nth(77).map(|(start, _)| start);
    let starts = by_characters.into_iter().chain([77]);
    let (_, title) = starts.filter_map(|start| line.split_at_checked(start)).find(|(before, _)| before.ends_with(' '))?;
    Some(title.trim())
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, read_text, refused, rows},
        *,
    };

    fn line(code: &str, short: &str, long: &str) -> String {
        format!("00001 {code:<7} 1 {short:<60} {long}\n")
    }

    #[test]
    fn long_titles_are_taken_and_codes_get_their_dot() {
        let (_, out) = read(import, &[fixture("addenda_order.txt"), fixture("order.txt")]).expect("read");
        assert_eq!(
            rows(&out, "codes.tsv"),
            [
                "A00;0;Cholera",
                "A00.0;1;Cholera due to Vibrio cholerae 01, biovar cholerae",
                "H81.0;0;Ménière's disease",
                "H81.01;1;Ménière's disease, right ear",
                "T36.0X1A;1;Poisoning by penicillins, accidental (unintentional), initial encounter",
            ]
        );
    }

    #[test]
    fn short_titles_padded_to_bytes_are_understood() {
        let short = format!("Ménière's disease{}", " ".repeat(60 - "Ménière's disease".len()));
        let (_, out) = read_text(import, "o.txt", &format!("00001 H810    0 {short} Ménière's disease\n")).expect("read");
        assert_eq!(rows(&out, "codes.tsv"), ["H81.0;0;Ménière's disease"]);
    }

    #[test]
    fn malformed_lines_say_where_and_what() {
        let first = line("A000", "Cholera", "Cholera, long");
        for (second, wanted) in [
            (line("0010", "x", "x"), "line 2: columns 7 to 13 hold \"0010\""),
            (first.clone(), "line 2: A00.0 stands twice"),
            ("00002 A001    x Cholera\n".to_owned(), "line 2: column 15 of A00.1"),
            ("00002 A001    1 Cholera\n".to_owned(), "line 2: there is no long title"),
            ("00002\n".to_owned(), "line 2: columns 7 to 13 hold \"\""),
        ] {
            let message = refused(import, "o.txt", &format!("{first}{second}"));
            assert!(message.contains(wanted), "{message}");
        }
        assert!(refused(import, "o.txt", "A000    Cholera due to Vibrio cholerae 01\n").contains("order file"));
    }
}
