//! The Table of Drugs and Chemicals (`icd10cm_drug_YYYY.xml`): substances, with a code for each way in which they did harm.
//!
//! Its layout is that of the index (see `terms`) with an `indexHeading` (`<head col="1">Substance</head>`) and, in each term, `cell`
//! elements: `col` 2 poisoning accidental (unintentional), 3 intentional self-harm, 4 assault, 5 undetermined, 6 adverse effect,
//! 7 underdosing. `--` means that there is no such code.

use super::terms::{Columns, Kind, import_columns};
use crate::releases::{Output, Release, Result, Summary, Table};

/// Substances in the order of the file.
pub const DRUGS: Table = Table {
    name: "drugs.tsv",
    columns: &["substance", "accidental", "self_harm", "assault", "undetermined", "adverse_effect", "underdosing", "see"],
};

/// Reads the Table of Drugs and Chemicals.
///
/// # Errors
/// When no file is that table, when it is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let wanted = "the Table of Drugs and Chemicals of ICD-10-CM (XML with the first heading \"Substance\")";
    import_columns(release, out, &Columns { kind: Kind::Drugs, wanted, table: DRUGS })
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, refused, rows},
        *,
    };

    #[test]
    fn substances_have_six_codes() {
        let (summary, out) =
            read(import, &[fixture("index.xml"), fixture("drugs.xml"), fixture("neoplasms.xml")]).expect("read");
        assert_eq!(summary, Summary { release: "2031".into(), notes: Vec::new(), ..Summary::default() });
        assert_eq!(
            rows(&out, "drugs.tsv"),
            [
                "Acid > acetic;T54.2X1;T54.2X2;T54.2X3;T54.2X4;;;",
                "Acid > acetic > medicinal;T49.8X1;T49.8X2;T49.8X3;T49.8X4;T49.8X5;T49.8X6;",
                "Aspirin;T39.011;T39.012;T39.013;T39.014;T39.015;T39.016;",
                "Spirit;;;;;;;Alcohol",
            ]
        );
    }

    #[test]
    fn a_last_term_without_cells_has_those_of_the_heading_above_it() {
        let cell = |column: u8, code: &str| format!("<cell col='{column}'>{code}</cell>");
        let term = |title: &str, inside: &str| format!("<term level='1'><title>{title}</title>{inside}</term>");
        let below = [
            term("lotion", ""),
            term("Note: a sentence", ""),
            term("sent away", "<see>Alcohol</see>"),
            term("dashed", &cell(2, "--")),
            term("group", &term("alone", "")),
        ];
        let main =
            format!("<mainTerm><title>Acid</title>{}{}{}</mainTerm>", cell(2, "T54.2X1"), cell(3, "T54.2X2"), below.concat());
        let heading = "<indexHeading><head col='1'>Substance</head></indexHeading>";
        let text = format!("<ICD10CM.index><version>1</version>{heading}<letter>{main}</letter></ICD10CM.index>");
        let (_, out) = super::super::testing::read_text(import, "d.xml", &text).expect("read");
        assert_eq!(
            rows(&out, "drugs.tsv"),
            ["Acid;T54.2X1;T54.2X2;;;;;", "Acid > lotion;T54.2X1;T54.2X2;;;;;", "Acid > sent away;;;;;;;Alcohol"]
        );
    }

    #[test]
    fn a_last_term_has_the_codes_of_the_heading_directly_above_it() {
        let cell = |code: &str| format!("<cell col='2'>{code}</cell>");
        let term = |title: &str, inside: &str| format!("<term level='1'><title>{title}</title>{inside}</term>");
        // behind a deeper heading the one above it counts again; a heading without codes hands none down
        let deep = format!("{}{}{}", cell("T54.3X1"), term("deepest", ""), term("dashed", &cell("--")));
        let bare = term("bare", &format!("{}{}", term("alone", ""), term("coded", &cell("T54.9X1"))));
        let below = [term("deep", &deep), term("lotion", ""), bare, term("last", "")].concat();
        let main = format!("<mainTerm><title>Acid</title>{}{below}</mainTerm>", cell("T54.2X1"));
        let next = format!("<mainTerm><title>Base</title>{}</mainTerm>", term("wash", ""));
        let heading = "<indexHeading><head col='1'>Substance</head></indexHeading>";
        let text = format!("<ICD10CM.index><version>1</version>{heading}<letter>{main}{next}</letter></ICD10CM.index>");
        let (_, out) = super::super::testing::read_text(import, "d.xml", &text).expect("read");
        let seen: Vec<String> = out.tables["drugs.tsv"].iter().map(|row| format!("{};{}", row[0], row[1])).collect();
        assert_eq!(
            seen,
            [
                "Acid;T54.2X1",
                "Acid > deep;T54.3X1",
                "Acid > deep > deepest;T54.3X1",
                "Acid > lotion;T54.2X1",
                "Acid > bare > coded;T54.9X1",
                "Acid > last;T54.2X1",
            ]
        );
    }

    #[test]
    fn a_file_that_is_cut_short_says_where() {
        let text =
            "<ICD10CM.index><indexHeading><head col='1'>Substance</head></indexHeading>\n<letter>\n<mainTerm><title>x</title>";
        assert!(refused(import, "d.xml", text).contains("d.xml, line 3: <mainTerm> is not closed"));
        assert!(refused(import, "d.xml", "<a></a>").contains("Table of Drugs and Chemicals"));
    }
}
