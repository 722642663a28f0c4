//! The list of codes that are exempt from present-on-admission reporting, as CMS publishes it for each fiscal year: text with tabs or CSV,
//! each row with a code (with or without its dot, perhaps behind a number) and its title, below lines of title.

use super::{Remarks, delimited, listed};
use crate::releases::{Output, Release, ReleaseError, Result, Summary, Table};

/// Codes, sorted as in the file.
pub const EXEMPT: Table = Table { name: "poa_exempt.tsv", columns: &["code"] };

/// Reads the list.
///
/// # Errors
/// When no file is such a list, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let (mut found, mut remarks) = (false, Remarks::default());
    release.each(|member| {
        let Some(separator) = listed::separator(&member.head()?, |head| head.contains("exempt") || head.contains("poa")) else {
            return Ok(());
        };
        let file = member.name;
        let mut begun = false;
        delimited::each(member, separator, &mut |line, cells| match listed::code(cells) {
            Some(code) => {
                (found, begun) = (true, true);
                out.row(EXEMPT, &[&code])
            }
            None => {
                if begun && cells.iter().any(|cell| !cell.is_empty()) {
                    remarks.add(file, line, "has no ICD-10-CM code and was left out");
                }
                Ok(())
            }
        })
    })?;
    if found {
        return Ok(Summary { release: String::new(), notes: remarks.into_notes(), ..Summary::default() });
    }
    Err(ReleaseError::not_found(
        "the list of codes exempt from present-on-admission reporting (text or CSV with \"POA\" or \"exempt\" in its first lines, then codes)",
    ))
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{read_text, refused, rows},
        *,
    };

    #[test]
    fn codes_are_read_below_the_title() {
        let text = "FY 2031 POA Exempt List\nOrder\tCode\tDescription\n1\tB90.0\tSequelae\n2\tZ3800\tSingle liveborn\nend\n";
        let (summary, out) = read_text(import, "p.txt", text).expect("read");
        assert_eq!(rows(&out, "poa_exempt.tsv"), ["B90.0", "Z38.00"]);
        assert_eq!(summary.notes, ["p.txt, line 5: has no ICD-10-CM code and was left out"]);
        let (_, out) = read_text(import, "p.csv", "\"ICD-10-CM code (POA exempt)\",\"Description\"\nB900,\"Sequelae, of\"\n")
            .expect("read");
        assert_eq!(rows(&out, "poa_exempt.tsv"), ["B90.0"]);
        assert!(refused(import, "p.csv", "A00,Cholera\n").contains("present-on-admission"));
    }
}
