//! The Alphabetic Index: Index to Diseases and Injuries (`icd10cm_index_YYYY.xml`) and External Cause Index
//! (`icd10cm_eindex_YYYY.xml`), which have the same layout. Both go into one table when a release holds both.
//!
//! Beside what `terms` says of the layout, a term has `code` (a stem of codes ends with `-`), `manif` (the code of the manifestation that
//! is coded second), `see`, `seecat` and `subcat` (a category or subcategory to see), and `seeAlso`.

use super::{
    Remarks,
    terms::{self, Kind, Term},
};
use crate::releases::{Output, Release, ReleaseError, Result, Summary, Table};

/// Terms in the order of the file. Cells with several values have them joined by `|`; `see` of a category reads `category T71`.
pub const INDEX: Table =
    Table { name: "index.tsv", columns: &["path", "nonessential", "code", "manifestation", "see", "see_also"] };

/// Reads the Alphabetic Index.
///
/// # Errors
/// When no file is an index, when it is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let (mut found, mut remarks) = (None, Remarks::default());
    release.each(|member| {
        if terms::kind(&member.head()?) != Some(Kind::Terms) {
            return Ok(());
        }
        let file = member.name;
        let version = terms::each(member, &mut |term| add(out, file, term, &mut remarks))?;
        found.get_or_insert(version);
        Ok(())
    })?;
    let release =
        found.ok_or_else(|| ReleaseError::not_found("an Alphabetic Index of ICD-10-CM (XML with the root ICD10CM.index)"))?;
    Ok(Summary { release, notes: remarks.into_notes() })
}

fn add(out: &mut dyn Output, file: &str, term: &Term<'_>, remarks: &mut Remarks) -> Result<()> {
    let code = codes(file, term, ("code", remarks));
    let manifestation = codes(file, term, ("manif", remarks));
    let see_also = term.texts("seeAlso");
    let says_nothing = [&code, &manifestation, &term.see, &see_also].iter().all(|cell| cell.is_empty());
    if says_nothing && term.has_terms() {
        return Ok(());
    }
    out.row(INDEX, &[&term.path, &term.nonessential.join("|"), &code, &manifestation, &term.see, &see_also])
}

fn codes(file: &str, term: &Term<'_>, (name, remarks): (&str, &mut Remarks)) -> String {
    let codes: Vec<String> = term.element.children(name).filter_map(|element| terms::code(file, element, remarks)).collect();
    codes.join("|")
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, refused, rows, shared},
        *,
    };

    #[test]
    fn terms_have_their_path_and_their_codes() {
        let (summary, out) = read(import, &[fixture("index.xml")]).expect("read");
        assert_eq!(summary.release, "2031");
        assert_eq!(summary.notes, ["index.xml, line 59: \"25.11\" is no code and was left out"]);
        assert_eq!(
            rows(&out, "index.tsv"),
            [
                "Abasia;-astasia|hysterical;F44.4;;;",
                "Abnormal, abnormality, abnormalities;;;;;Anomaly",
                "Abnormal, abnormality, abnormalities > auditory perception;;H93.29-;;;",
                "Abnormal, abnormality, abnormalities > auditory perception > Sjögren's & other;;M35.0-;H42;;",
                "Disease, diseased > lung > in, due to > amyloidosis;acute|chronic;E85.4;J99;;",
                "Disease, diseased > lung > electric bicyclist, hot;assisted;J98.4;;Fibrosis, lung;",
                "Disease, diseased > lung > microvascular - code to condition;;;;;",
                "Strangulation;accidentally;;;category T71;",
                "Strangulation > lightning;;;;subcategory T75.0;",
                "Strangulation > odd;;;;;",
            ]
        );
    }

    #[test]
    fn malformed_indexes_say_where_and_what() {
        for (text, wanted) in [
            ("<ICD10CM.index>\n<letter><mainTerm><title>A", "line 2: <title> is not closed"),
            (
                "<ICD10CM.index>\n<letter>\n<mainTerm><code>A00</code></mainTerm></letter></ICD10CM.index>",
                "line 3: <mainTerm> has no <title>",
            ),
            ("<ICD10CM.tabular></ICD10CM.tabular>", "none of the files holds an Alphabetic Index"),
            ("A00 Cholera", "none of the files holds an Alphabetic Index"),
        ] {
            let message = refused(import, "i.xml", text);
            assert!(message.contains(wanted), "{message}");
        }
    }

    #[test]
    fn the_head_of_the_2027_index_is_read() {
        let Some(path) = shared("icd10cm-index/icd10cm_index_2027.head.xml") else { return };
        let (summary, out) = read(import, &[path]).expect("read");
        assert_eq!((summary.release.as_str(), summary.notes.len()), ("2027", 0));
        let rows = rows(&out, "index.tsv");
        for row in [
            "Aarskog's syndrome;;Q87.19;;;",
            "Abandonment;;;;Maltreatment;",
            "Abasia;-astasia|hysterical;F44.4;;;",
            "Aberrant > artery > basilar;;Q28.1;;;",
            "Aberrant > vein;peripheral;Q27.8;;;",
            "Abnormal, abnormality, abnormalities > auditory perception > diplacusis;;;;Diplacusis;",
        ] {
            assert!(rows.iter().any(|known| known == row), "{row} in {rows:?}");
        }
        assert_eq!(rows.len(), 12);
    }

    #[test]
    fn the_external_cause_index_is_read_and_the_neoplasms_are_passed_over() {
        let names = ["icd10cm-index/icd10cm-eindex-April-2024.xml.gz", "icd10cm-index/icd10cm-neoplasm-April-2024.xml.gz"];
        let Some(paths) = names.into_iter().map(shared).collect::<Option<Vec<_>>>() else { return };
        let (summary, out) = read(import, &paths).expect("read");
        assert_eq!((summary.release.as_str(), summary.notes.len()), ("2024", 0));
        assert_eq!(out.tables["index.tsv"].len(), 7_492);
        assert_eq!(out.tables["index.tsv"].iter().filter(|row| !row[2].is_empty()).count(), 6_646);
    }
}
