//! The UNII lists of the FDA (Global Substance Registration System): names and records. UTF-8, separated by tabs, with a header row,
//! no quoting.
//!
//! - names (4): Name, TYPE, UNII, Display Name (older: PT); types are of = official name, sys = systematic name, cn = common name,
//!   cd = code, bn = brand
//! - records (about 24): UNII, PT (or Display Name), RN, EC, NCIT, RXCUI, PUBCHEM, ... INGREDIENT_TYPE; what more there is changes
//!   from release to release
//!
//! One of the two is enough; RxCUIs stand in the records only. Spelling of the columns varies: letters and digits count.

use std::collections::HashMap;

use super::rows::{Header, Layout, Row, each_row, first_line};
use crate::releases::{Output, Release, ReleaseError, Result, Summary, Table};

/// Names of substances. `type` is that of the list in lower case, or `pt` for the preferred term; `rxcui` is often empty.
pub const UNII_NAMES: Table = Table { name: "unii_names.tsv", columns: &["unii", "name", "type", "rxcui"] };

/// Preferred term and RxCUI by UNII.
type Records = HashMap<String, (String, String)>;

/// Reads a release.
///
/// # Errors
/// When there is neither list, a line cannot be used, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut records: Records = HashMap::new();
    let (mut has_records, mut has_names) = (false, false);
    release.each(|member| {
        let Some(places) = record_places(&Header::new(&first_line(member)?, '\t')) else { return Ok(()) };
        has_records = true;
        each_row(member, Layout::Headed('\t'), |row| record(row, places, &mut records, out))
    })?;
    release.each(|member| {
        let Some(places) = Header::new(&first_line(member)?, '\t').places(["unii", "name", "type"]) else { return Ok(()) };
        has_names = true;
        each_row(member, Layout::Headed('\t'), |row| name(row, places, &records, out))
    })?;
    let notes = match (has_records, has_names) {
        (false, false) => {
            return Err(ReleaseError::not_found("a UNII list (columns Name, TYPE, UNII, or UNII, PT, RXCUI)"));
        }
        (false, true) => vec!["The UNII records were not given: no name has its RxCUI".to_owned()],
        (true, false) => vec!["The UNII names were not given: only preferred terms were read".to_owned()],
        (true, true) => Vec::new(),
    };
    Ok(Summary { release: String::new(), notes, ..Summary::default() })
}

fn record_places(header: &Header) -> Option<[usize; 3]> {
    let preferred = header.place(&["pt", "displayName", "preferredTerm"])?;
    Some([header.place(&["unii"])?, preferred, header.place(&["rxcui"])?])
}

fn record(row: &Row<'_>, places: [usize; 3], records: &mut Records, out: &mut dyn Output) -> Result<()> {
    let [unii, term, rxcui] = places.map(|place| row.cells[place].trim());
    is_unii(row, unii)?;
    if records.insert(unii.to_owned(), (term.to_owned(), rxcui.to_owned())).is_some() || term.is_empty() {
        return Ok(());
    }
    out.row(UNII_NAMES, &[unii, term, "pt", rxcui])
}

fn name(row: &Row<'_>, places: [usize; 3], records: &Records, out: &mut dyn Output) -> Result<()> {
    let [unii, name, kind] = places.map(|place| row.cells[place].trim());
    is_unii(row, unii)?;
    let (preferred, rxcui) = records.get(unii).map_or(("", ""), |(preferred, rxcui)| (preferred, rxcui));
    if name.is_empty() || name == preferred {
        return Ok(());
    }
    out.row(UNII_NAMES, &[unii, name, &kind.to_lowercase(), rxcui])
}

fn is_unii(row: &Row<'_>, code: &str) -> Result<()> {
    if code.len() == 10 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(row.wrong(format!("\"{code}\" is no UNII, which has ten letters and digits; import the file as the publisher made it")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::terminologies::testing::{imported_fixtures, refusal, refuses_what_is_damaged, rows, try_import};

    const FILES: [&str; 2] = ["unii/UNII_Names.txt", "unii/UNII_Records.txt"];

    #[test]
    fn names_have_the_rxcui_of_their_record() {
        let (out, summary) = imported_fixtures(import, &FILES);
        assert_eq!(
            rows(&out, "unii_names.tsv"),
            [
                "362O9ITL9D\tACETAMINOPHEN\tpt\t161",
                "ZZZZZZZZ00\tZORVANIL\tpt\t",
                "ZZZZZZZZ01\tZORV POLLEN\tpt\t",
                "362O9ITL9D\tPARACETAMOL\tcn\t161",
                "ZZZZZZZZ00\t\"ZORVANIL\" BRAND\tbn\t",
            ]
        );
        assert_eq!(summary, Summary::default());
    }

    #[test]
    fn either_list_is_enough_and_headers_vary() {
        let names = b"NAME\tType\tUnii\tDISPLAY_NAME\nPARACETAMOL\tCN\t362O9ITL9D\tACETAMINOPHEN\n";
        let (out, summary) = try_import(import, names).expect("names alone");
        assert_eq!(rows(&out, "unii_names.tsv"), ["362O9ITL9D\tPARACETAMOL\tcn\t"]);
        assert!(summary.notes[0].contains("records"));
        let (out, summary) =
            try_import(import, b"RXCUI\tUNII\tDisplay Name\n161\t362O9ITL9D\tACETAMINOPHEN\n").expect("records");
        assert_eq!(rows(&out, "unii_names.tsv"), ["362O9ITL9D\tACETAMINOPHEN\tpt\t161"]);
        assert!(summary.notes[0].contains("names"));
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_what_is_damaged(import, &FILES);
        let short = refusal(import, b"Name\tTYPE\tUNII\tDisplay Name\nZORVANIL\tbn\n");
        assert_eq!(short, "download, line 2: has 2 fields, not 4; the file is damaged: download it again");
        let code = refusal(import, b"Name\tTYPE\tUNII\tPT\nZORVANIL\tbn\tZORV\tZORVANIL\n");
        assert!(code.contains("line 2: \"ZORV\" is no UNII"), "{code}");
    }
}
