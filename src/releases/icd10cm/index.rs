//! The Alphabetic Index: Index to Diseases and Injuries (`icd10cm_index_YYYY.xml`) and External Cause Index
//! (`icd10cm_eindex_YYYY.xml`), which have the same layout. They are two kinds of releases: what an injury came from is no disease.
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

/// External causes, as [`INDEX`].
pub const EXTERNAL_CAUSES: Table = Table { name: "external_causes.tsv", columns: INDEX.columns };

/// Reads the Index to Diseases and Injuries.
///
/// # Errors
/// When no file is that index, when it is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let (mut passed_over, mut of_diseases) = (Vec::new(), Vec::new());
    release.each(|member| {
        match terms::kind(&member.head()?) {
            Some(Kind::ExternalCauses) => passed_over.push(member.name.to_owned()),
            Some(Kind::Terms) => of_diseases.push(member.name.to_owned()),
            _ => {}
        }
        Ok(())
    })?;
    let wanted = "an Alphabetic Index of ICD-10-CM (XML with the root ICD10CM.index)";
    if let ([], [file, ..]) = (of_diseases.as_slice(), passed_over.as_slice()) {
        let hint = format!("{wanted}: {file} is the index of external causes, which is imported as icd10cm-external-causes");
        return Err(ReleaseError::not_found(hint));
    }
    let mut summary = import_terms(release, out, (Kind::Terms, INDEX, wanted))?;
    summary.notes.extend(passed_over.iter().map(|file| {
        format!("{file} is the index of external causes and was passed over; it is imported as icd10cm-external-causes")
    }));
    Ok(summary)
}

/// Reads the External Cause Index.
///
/// # Errors
/// When no file is that index, when it is malformed, or when the rows cannot be written.
pub fn import_external_causes(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let wanted = "the External Cause Index of ICD-10-CM (XML with the root ICD10CM.index and EXTERNAL CAUSE in its title)";
    import_terms(release, out, (Kind::ExternalCauses, EXTERNAL_CAUSES, wanted))
}

fn import_terms(release: &Release, out: &mut dyn Output, (kind, table, wanted): (Kind, Table, &str)) -> Result<Summary> {
    let (mut found, mut remarks) = (None, Remarks::default());
    release.each(|member| {
        if terms::kind(&member.head()?) != Some(kind) {
            return Ok(());
        }
        let file = member.name;
        let version = terms::each(member, &mut |term| add((&mut *out, table), file, term, &mut remarks))?;
        found.get_or_insert(version);
        Ok(())
    })?;
    let release = found.ok_or_else(|| ReleaseError::not_found(wanted))?;
    Ok(Summary { release, notes: remarks.into_notes(), ..Summary::default() })
}

fn add((out, table): (&mut dyn Output, Table), file: &str, term: &Term<'_>, remarks: &mut Remarks) -> Result<()> {
    let code = codes(file, term, ("code", remarks));
    let manifestation = codes(file, term, ("manif", remarks));
    let see_also = term.texts("seeAlso");
    let says_nothing = [&code, &manifestation, &term.see, &see_also].iter().all(|cell| cell.is_empty());
    if says_nothing && term.has_terms() {
        return Ok(());
    }
    out.row(table, &[&term.path, &term.nonessential.join("|"), &code, &manifestation, &term.see, &see_also])
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
        let (summary, out) = read(import_external_causes, &paths).expect("read");
        assert_eq!((summary.release.as_str(), summary.notes.len()), ("2024", 0));
        let causes = &out.tables["external_causes.tsv"];
        assert_eq!((out.tables.len(), causes.len()), (1, 7_492));
        assert_eq!(causes.iter().filter(|row| !row[2].is_empty()).count(), 6_646);
    }

    #[test]
    fn external_causes_are_no_diseases() {
        let external = fixture("index_external.xml");
        let (summary, out) = read(import_external_causes, &[fixture("index.xml"), external.clone()]).expect("read");
        assert_eq!((summary.release.as_str(), out.tables.len()), ("2031", 1));
        assert_eq!(
            rows(&out, "external_causes.tsv"),
            ["Accident;to;X58;;;", "Accident > aircraft;;;;Forces of nature;", "Fall, falling;;W19;;;"]
        );
        let (summary, out) = read(import, &[external.clone(), fixture("index.xml")]).expect("read");
        assert!(rows(&out, "index.tsv").iter().all(|row| !row.starts_with("Accident")), "{out:?}");
        assert!(
            summary.notes.iter().any(|note| note.contains("index_external.xml is the index of external causes")),
            "{summary:?}"
        );
        let refused = read(import, &[external]).expect_err("refused").to_string();
        assert!(refused.contains("imported as icd10cm-external-causes"), "{refused}");
        let refused = read(import_external_causes, &[fixture("index.xml")]).expect_err("refused").to_string();
        assert!(refused.contains("External Cause Index"), "{refused}");
    }
}
