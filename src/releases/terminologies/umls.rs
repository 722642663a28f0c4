//! The UMLS Metathesaurus: the RRF files MRCONSO and MRSTY. UTF-8, no quoting, no header; every field ends with `|`.
//!
//! - MRCONSO (18): CUI, LAT, TS, LUI, STT, SUI, ISPREF, AUI, SAUI, SCUI, SDUI, SAB, TTY, CODE, STR, SRL, SUPPRESS, CVF
//! - MRSTY (6): CUI, TUI, STN, STY, ATUI, CVF
//! - MRSAT (13), where it is there: CUI, LUI, SUI, METAUI, STYPE, CODE, ATUI, SATUI, ATN, SAB, ATV, SUPPRESS, CVF; of it the case
//!   significance of names of SNOMED CT (ATN `CASE_SIGNIFICANCE_ID`)
//! - release.dat, where it is there: `umls.release.name=2026AA`
//!
//! Read are the English names with SUPPRESS N of concepts that have one of the [`SEMANTIC_TYPES`].

use std::collections::{HashMap, HashSet};

use super::{
    CASE_SENSITIVE, FLAGS,
    rows::{Layout, Row, each_row, first_line, rrf},
};
use crate::releases::{Output, Release, ReleaseError, Result, Summary, Table};

/// Terms of concepts. `semantic_types` are those of the concept that are read, separated by a vertical bar; `case_sensitive` is 1 where
/// MRSAT was given and says so of the name.
pub const TERMS: Table =
    Table { name: "terms.tsv", columns: &["cui", "source", "code", "term", "term_type", "semantic_types", "case_sensitive"] };

/// The semantic types that are read: what can be a diagnosis, a complaint, a medication or the cause of an allergy.
pub const SEMANTIC_TYPES: [(&str, &str); 25] = [
    ("T019", "Congenital Abnormality"),
    ("T020", "Acquired Abnormality"),
    ("T033", "Finding"),
    ("T037", "Injury or Poisoning"),
    ("T046", "Pathologic Function"),
    ("T047", "Disease or Syndrome"),
    ("T048", "Mental or Behavioral Dysfunction"),
    ("T049", "Cell or Molecular Dysfunction"),
    ("T109", "Organic Chemical"),
    ("T116", "Amino Acid, Peptide, or Protein"),
    ("T121", "Pharmacologic Substance"),
    ("T122", "Biomedical or Dental Material"),
    ("T125", "Hormone"),
    ("T127", "Vitamin"),
    ("T129", "Immunologic Factor"),
    ("T130", "Indicator, Reagent, or Diagnostic Aid"),
    ("T131", "Hazardous or Poisonous Substance"),
    ("T167", "Substance"),
    ("T168", "Food"),
    ("T184", "Sign or Symptom"),
    ("T190", "Anatomical Abnormality"),
    ("T191", "Neoplastic Process"),
    ("T195", "Antibiotic"),
    ("T197", "Inorganic Chemical"),
    ("T200", "Clinical Drug"),
];

/// Semantic types of a concept, one bit each in the order of [`SEMANTIC_TYPES`].
type Types = u32;

/// Reads a release.
///
/// # Errors
/// When MRCONSO or MRSTY is missing, a line cannot be used, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut types: HashMap<u32, Types> = HashMap::new();
    let mut case_sensitive: HashSet<u64> = HashSet::new();
    let mut summary = Summary::default();
    let mut found = false;
    release.each(|member| {
        let first = first_line(member)?;
        if let Some(name) = first.strip_prefix("umls.release.name=") {
            summary.release = name.trim().to_owned();
        }
        if is_attributes(&first) {
            return each_row(member, Layout::Rrf(13), |row| {
                if row.cells[8] == "CASE_SIGNIFICANCE_ID" && row.cells[10] == CASE_SENSITIVE {
                    case_sensitive.extend(atom(row.cells[3]));
                }
                Ok(())
            });
        }
        if !is_semantic_types(&first) {
            return Ok(());
        }
        found = true;
        each_row(member, Layout::Rrf(6), |row| {
            if let Some(bit) = SEMANTIC_TYPES.iter().position(|(code, _)| *code == row.cells[1]) {
                *types.entry(concept(row)?).or_default() |= 1 << bit;
            }
            Ok(())
        })
    })?;
    if !found {
        return Err(ReleaseError::not_found("MRSTY (semantic types of the UMLS, 6 fields)"));
    }
    found = false;
    release.each(|member| {
        if !is_names(&first_line(member)?) {
            return Ok(());
        }
        found = true;
        each_row(member, Layout::Rrf(18), |row| write(row, (&types, &case_sensitive), out))
    })?;
    if found { Ok(summary) } else { Err(ReleaseError::not_found("MRCONSO (names of the UMLS, 18 fields)")) }
}

fn write(row: &Row<'_>, (types, case_sensitive): (&HashMap<u32, Types>, &HashSet<u64>), out: &mut dyn Output) -> Result<()> {
    if row.cells[1] != "ENG" || row.cells[16] != "N" {
        return Ok(());
    }
    let Some(types) = types.get(&concept(row)?) else { return Ok(()) };
    let listed = SEMANTIC_TYPES.iter().enumerate().filter(|(bit, _)| types & (1 << bit) != 0);
    let listed: Vec<&str> = listed.map(|(_, (code, _))| *code).collect();
    let [cui, source, term_type, code, term] = [0, 11, 12, 13, 14].map(|cell| row.cells[cell]);
    let sensitive = FLAGS[usize::from(atom(row.cells[7]).is_some_and(|atom| case_sensitive.contains(&atom)))];
    out.row(TERMS, &[cui, source, code, term, term_type, &listed.join("|"), sensitive])
}

/// The number in "A0000039".
fn atom(aui: &str) -> Option<u64> {
    aui.strip_prefix('A')?.parse().ok()
}

/// The number in "C0000039".
fn concept(row: &Row<'_>) -> Result<u32> {
    let cui = row.cells[0];
    cui.strip_prefix('C')
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| row.wrong(format!("\"{cui}\" is no CUI; import the file as the publisher made it")))
}

fn is_cui(field: &str) -> bool {
    field.strip_prefix('C').is_some_and(|digits| digits.len() >= 7 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_names(line: &str) -> bool {
    let fields = rrf(line);
    fields.len() == 18 && is_cui(fields[0]) && fields[1].len() == 3
}

fn is_attributes(line: &str) -> bool {
    let fields = rrf(line);
    fields.len() == 13 && is_cui(fields[0]) && matches!(fields[4], "AUI" | "CUI" | "CODE" | "SCUI" | "SDUI" | "RUI" | "SRUI")
}

fn is_semantic_types(line: &str) -> bool {
    let fields = rrf(line);
    fields.len() == 6 && is_cui(fields[0]) && fields[1].len() == 4 && fields[1].starts_with('T')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::terminologies::testing::{
        fixture, imported_fixtures, refusal, refuses_what_is_damaged, rows, try_import, zipped,
    };

    const FILES: [&str; 3] = ["umls/MRCONSO.RRF", "umls/MRSTY.RRF", "umls/release.dat"];

    #[test]
    fn english_terms_of_disorders_and_drugs_are_read() {
        let (out, summary) = imported_fixtures(import, &FILES);
        assert_eq!(
            rows(&out, "terms.tsv"),
            [
                "C9000001\tSNOMEDCT_US\t100001\tZorv disease\tPT\tT047|T191\t0",
                "C9000001\tMSH\tD900001\tZorvitis\tET\tT047|T191\t0",
                "C9000002\tRXNORM\t9000001\tzorvanil\tIN\tT109|T121\t0",
            ]
        );
        assert_eq!(summary.release, "2026AA");
    }

    #[test]
    fn the_attributes_say_which_names_have_their_case() {
        let mut members: Vec<(&str, Vec<u8>)> =
            FILES.map(|name| (name, std::fs::read(fixture(name)).expect("a fixture"))).to_vec();
        let attribute =
            |atom: &str, value: &str| format!("C9000001|L1|S1|{atom}|AUI|1|AT||CASE_SIGNIFICANCE_ID|SNOMEDCT_US|{value}|N||\n");
        let text = [attribute("A1", CASE_SENSITIVE), attribute("A2", "900000000000448009")].concat();
        members.push(("MRSAT.RRF", text.into_bytes()));
        let members: Vec<(&str, &[u8])> = members.iter().map(|(name, text)| (*name, text.as_slice())).collect();
        let (out, _) = try_import(import, &zipped(&members)).expect("imported");
        assert_eq!(rows(&out, "terms.tsv").iter().map(|row| row.ends_with("\t1")).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn semantic_types_fit_their_bits_and_are_in_order() {
        assert!(SEMANTIC_TYPES.len() <= Types::BITS as usize && SEMANTIC_TYPES.is_sorted());
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_what_is_damaged(import, &FILES);
        let [names, types] = [FILES[0], FILES[1]].map(|name| std::fs::read(fixture(name)).expect("a fixture"));
        assert!(refusal(import, &names).contains("MRSTY"));
        assert!(refusal(import, &types).contains("MRCONSO"));
        let short = [&names, b"C9000002|ENG|zorvanil|\n".as_slice()].concat();
        let short = refusal(import, &zipped(&[("MRSTY", &types), ("MRCONSO", &short)]));
        assert_eq!(short, "download/MRCONSO, line 7: has 3 fields, not 18; the file is damaged: download it again");
        let number = [&types, b"X1|T047|B|Disease or Syndrome|AT||\n".as_slice()].concat();
        assert!(refusal(import, &number).contains("line 6: \"X1\" is no CUI"));
    }
}
