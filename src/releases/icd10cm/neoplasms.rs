//! The Table of Neoplasms (`icd10cm_neoplasm_YYYY.xml`): the sites of a neoplasm, with a code for each behaviour.
//!
//! Its layout is that of the index (see `terms`) with an `indexHeading` (`<head col="1">Neoplasm</head>`) and, in each term, `cell`
//! elements: `col` 2 malignant primary, 3 malignant secondary, 4 in situ, 5 benign, 6 uncertain, 7 unspecified behaviour. A dash
//! means that there is no such code.

use super::terms::{Columns, Kind, import_columns};
use crate::releases::{Output, Release, Result, Summary, Table};

/// Sites in the order of the file; a stem of codes ends with `-`.
pub const NEOPLASMS: Table = Table {
    name: "neoplasms.tsv",
    columns: &["path", "primary", "secondary", "in_situ", "benign", "uncertain", "unspecified", "see"],
};

/// Reads the Table of Neoplasms.
///
/// # Errors
/// When no file is that table, when it is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let wanted = "the Table of Neoplasms of ICD-10-CM (XML with the first heading \"Neoplasm\")";
    import_columns(release, out, &Columns { kind: Kind::Neoplasms, wanted, table: NEOPLASMS })
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, refused, rows, shared},
        *,
    };

    #[test]
    fn sites_have_six_codes() {
        let (summary, out) =
            read(import, &[fixture("neoplasms.xml"), fixture("drugs.xml"), fixture("index.xml")]).expect("read");
        assert_eq!(summary, Summary { release: "2031".into(), notes: Vec::new(), ..Summary::default() });
        assert_eq!(
            rows(&out, "neoplasms.tsv"),
            [
                "Neoplasm, neoplastic;C80.1;C79.9;D09.9;D36.9;D48.9;D49.9;",
                "Neoplasm, neoplastic > abdomen, abdominal > wall;C44.509;C79.2-;D04.5;D23.5;D48.5;D49.2;",
                "Neoplasm, neoplastic > abdomen, abdominal > wall > common duct;C49.4;C79.8-;;D21.4;;;",
                "Neoplasm, neoplastic > autonomic nerve;;;;;;;Neoplasm, nerve, peripheral",
                "Neoplasm, neoplastic > bowel;;;;;;;Neoplasm, intestine",
            ]
        );
    }

    #[test]
    fn malformed_tables_say_where_and_what() {
        let table = |cell: &str| {
            let heading = "<indexHeading><head col='1'>Neoplasm</head></indexHeading>";
            let term = format!("<mainTerm><title>x</title>\n{cell}</mainTerm>");
            format!("<ICD10CM.index><version>1</version>\n{heading}<letter>{term}</letter></ICD10CM.index>")
        };
        for (cell, wanted) in [
            ("<cell>C80.1</cell>", "line 3: <cell> has no attribute col"),
            ("<cell col='8'>C80.1</cell>", "line 3: <cell> has no attribute col"),
            ("<cell col='2'>C80.1", "line 3: is no well-formed XML"),
        ] {
            let message = refused(import, "n.xml", &table(cell));
            assert!(message.contains(wanted), "{message}");
        }
        let (summary, _) = super::super::testing::read_text(import, "n.xml", &table("<cell col='2'>80</cell>")).expect("read");
        assert_eq!(summary.notes, ["n.xml, line 3: \"80\" is no code and was left out"]);
        assert!(refused(import, "n.xml", "<ICD10CM.index></ICD10CM.index>").contains("Table of Neoplasms"));
    }

    #[test]
    fn the_release_of_2024_is_read() {
        let Some(path) = shared("icd10cm-index/icd10cm-neoplasm-April-2024.xml.gz") else { return };
        let (summary, out) = read(import, &[path]).expect("read");
        assert_eq!((summary.release.as_str(), summary.notes.len()), ("2024", 0));
        let rows = &out.tables["neoplasms.tsv"];
        assert_eq!(rows.len(), 1_889);
        assert!(rows.iter().any(|row| row[0] == "Neoplasm, neoplastic > breast" && row[1].starts_with("C50")));
    }
}
