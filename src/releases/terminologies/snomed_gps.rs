//! The SNOMED CT Global Patient Set: one file, UTF-8, separated by tabs, with a header row, no quoting.
//!
//! - as SNOMED International publishes it: ConceptID, Active, FSN, USPreferredTerm
//! - as it is taken from FHIR value sets: sctid, display
//!
//! Columns may stand in any order and beside others. The set does not say which terms are case sensitive.

use super::{
    CONCEPTS, FLAGS, name_and_tag,
    rows::{Header, Layout, Row, each_row, first_line},
};
use crate::{
    domain::system,
    releases::{Output, Release, ReleaseError, Result, Summary},
};

/// Where the columns stand.
#[derive(Debug, Clone, Copy)]
struct Places {
    code: usize,
    active: Option<usize>,
    full_name: usize,
    preferred: Option<usize>,
}

impl Places {
    fn new(header: &Header) -> Option<Self> {
        Some(Self {
            code: header.place(&["conceptId", "sctid", "id"])?,
            active: header.place(&["active"]),
            full_name: header.place(&["fsn", "fullySpecifiedName", "display"])?,
            preferred: header.place(&["usPreferredTerm", "preferredTerm", "term"]),
        })
    }
}

/// Reads a release.
///
/// # Errors
/// When there is no such file, a line cannot be used, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut found = false;
    let mut inactive = 0;
    release.each(|member| {
        let Some(places) = Places::new(&Header::new(&first_line(member)?, '\t')) else { return Ok(()) };
        found = true;
        each_row(member, Layout::Headed('\t'), |row| {
            if places.active.is_some_and(|active| row.cells[active] != "1") {
                inactive += 1;
                return Ok(());
            }
            write(row, places, out)
        })
    })?;
    if !found {
        return Err(ReleaseError::not_found(
            "the Global Patient Set (columns ConceptID, Active, FSN and USPreferredTerm, or sctid and display)",
        ));
    }
    let notes = if inactive > 0 { vec![format!("{inactive} inactive concepts were left out")] } else { Vec::new() };
    Ok(Summary { release: String::new(), notes, ..Summary::default() })
}

fn write(row: &Row<'_>, places: Places, out: &mut dyn Output) -> Result<()> {
    let code = row.number::<u64>(places.code)?.to_string();
    let (name, tag) = name_and_tag(row.cells[places.full_name]);
    let preferred = places.preferred.map_or("", |place| row.cells[place].trim());
    let mut term =
        |term: &str, preferred: usize| out.row(CONCEPTS, &[system::SNOMED, &code, term, FLAGS[preferred], tag, FLAGS[0]]);
    if preferred.is_empty() || preferred == name {
        return term(name, 1);
    }
    term(preferred, 1)?;
    term(name, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::terminologies::testing::{
        imported, imported_fixtures, refusal, refuses_what_is_damaged, rows, shared,
    };

    #[test]
    fn the_official_file_has_two_terms() {
        let (out, summary) = imported_fixtures(import, &["snomed_gps/gps.txt"]);
        assert_eq!(
            rows(&out, "concepts.tsv"),
            [
                "http://snomed.info/sct\t100001\tZorvitis\t1\tdisorder\t0",
                "http://snomed.info/sct\t100001\tZorv disease\t0\tdisorder\t0",
                "http://snomed.info/sct\t100002\tZorv dust\t1\tsubstance\t0",
                "http://snomed.info/sct\t100004\tZorv (old)\t1\tevent\t0",
            ]
        );
        assert_eq!(summary.notes, ["1 inactive concepts were left out"]);
    }

    #[test]
    fn a_value_set_has_one_term() {
        let (out, _) = imported_fixtures(import, &["snomed_gps/value_set.tsv"]);
        assert_eq!(
            rows(&out, "concepts.tsv"),
            [
                "http://snomed.info/sct\t100001\tZorv disease\t1\tdisorder\t0",
                "http://snomed.info/sct\t100005\tZorvé graft\t1\t\t0",
            ]
        );
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_what_is_damaged(import, &["snomed_gps/gps.txt"]);
        let short = refusal(import, b"sctid\tdisplay\n100001 Zorv disease\n");
        assert_eq!(short, "download, line 2: has 1 fields, not 2; the file is damaged: download it again");
        let code = refusal(import, b"sctid\tdisplay\nzorv\tZorv disease\n");
        assert!(code.contains("line 2: field 1 is \"zorv\" where a number belongs"), "{code}");
    }

    #[test]
    fn the_set_of_2019_has_all_its_concepts() {
        let Some(path) = shared("snomed-gps/gps_2020.tsv.gz") else { return };
        let (out, _) = imported(import, &[path]);
        let found = &out.tables["concepts.tsv"];
        assert_eq!(found.len(), 21_789);
        assert_eq!(found.iter().filter(|row| row[4] == "disorder").count(), 6_835);
        assert!(found.iter().all(|row| !row[2].is_empty() && !row[4].is_empty()));
    }

    #[test]
    fn the_free_sets_are_in_the_same_layout() {
        for (name, terms) in [("AllergyIntolerance", 292), ("Problems", 5_622), ("Medications", 10), ("Vaccines", 78)] {
            let Some(path) = shared(&format!("snomed-ips/{name}.tsv.gz")) else { return };
            let (out, _) = imported(import, &[path]);
            assert_eq!(out.tables["concepts.tsv"].len(), terms, "{name}");
        }
    }
}
