//! Whole builds: over the tables of the program, and over small tables that the test writes.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::*;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The text of an embedded table.
fn embedded(name: &str) -> Option<String> {
    let folder = Path::new(ROOT).join("vocabularies");
    fs::read_to_string(folder.join(name)).ok().or_else(|| unpacked(&folder.join(format!("{name}.gz"))))
}

fn unpacked(path: &Path) -> Option<String> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
    Some(text)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(ROOT).join("tests/fixtures/releases").join(name)
}

fn of_year(year: &str) -> About {
    About { release: Some(year.to_owned()), imported_at: "2026-11-01".to_owned(), ..About::default() }
}

/// A folder in which releases are kept and tables are made.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn keep(&self, kind: Kind, names: &[&str], about: &About) {
        let files: Vec<PathBuf> = names.iter().map(|name| fixture(name)).collect();
        import(kind, &files, about, self.path()).expect("kept");
    }

    /// Keeps a release that consists of these files.
    fn keep_texts(&self, kind: Kind, texts: &[(&str, &str)]) {
        let files = texts.iter().map(|(name, text)| {
            let path = self.path().join(format!("{name}.input"));
            fs::write(&path, text).expect("written");
            path
        });
        import(kind, &files.collect::<Vec<_>>(), &of_year("2027"), self.path()).expect("kept");
    }

    fn build(&self) -> Report {
        build(self.path(), &embedded).expect("built")
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = unpacked(&self.path().join(format!("{name}.gz"))).unwrap_or_else(|| panic!("{name} was not built"));
        text.lines().skip(1).map(str::to_owned).collect()
    }

    /// Tables that were built, by name, packed.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let tables = entries.filter(|path| path.extension().is_some_and(|extension| extension == "gz"));
        tables
            .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read(&path).expect("readable")))
            .collect()
    }
}

/// Tables of a program that knows three codes.
fn small(name: &str) -> Option<String> {
    let text = match name {
        "icd10cm.tsv" => {
            "code\tbillable\ttitle\nA04\t0\tOther bacterial intestinal infections\nA04.7\t1\tEnterocolitis due to Clostridium \
             difficile\nA92\t0\tOther fevers\nA92.3\t1\tWest Nile virus\nB00\t1\tGone disease\n"
        }
        "icd10cm_notes.tsv" => "code\tkind\tnote\nA04.7\tinclusion\tPseudomembranous colitis\nB00\tinclusion\tGone\n",
        "diagnosis_terms.tsv" => {
            "term\tcodes\tsource\trank\nc diff colitis\tA04.7\ticd10cm_variant\t4\ngone disease\tB00\ticd10cm_title\t1\nwest nile \
             fever\tA92.3|A04.7\tdoid\t5\n"
        }
        "stop_terms.tsv" => "term\tkind\treason\ncolitis\tdiagnosis\t-\n",
        "editions.tsv" => {
            "edition\tfirst_day\tlast_day\tcodes\tnotes\nICD-10-CM FY2026-04\t2026-04-01\t2026-09-30\ticd10cm.tsv\ticd10cm_notes.tsv\n"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

#[test]
fn without_releases_the_tables_stay_as_they_are() {
    let folder = Folder::new();
    let report = folder.build();
    assert_eq!(folder.files().into_keys().collect::<Vec<_>>(), ["editions.tsv.gz", "sources.tsv.gz"]);
    assert_eq!(folder.lines("editions.tsv"), ["ICD-10-CM FY2026-04\t2026-04-01\t2026-09-30\ticd10cm.tsv\ticd10cm_notes.tsv"]);
    assert_eq!(folder.lines("sources.tsv").len(), embedded_sources().len());
    assert_eq!(report.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["editions.tsv", "sources.tsv"]);
    assert_eq!((report.not_loaded.len(), report.notes.len()), (6, 0));
}

#[test]
fn the_rules_over_the_embedded_tables_give_them_back() {
    let input = rows::Input::new(Path::new("nowhere"), &embedded).expect("no releases");
    let (editions, _) = editions::Editions::new(&input).expect("the embedded edition");
    let retired = retired::Retired::new(&[], None, &editions.newest.book);
    let terms = input.embedded(terms::DIAGNOSIS_TERMS).expect("terms");
    let stopped = input.embedded(terms::STOP_TERMS).expect("stop terms");
    let table = terms::TermTable::new(&terms, &stopped, (&editions, &retired));
    assert_eq!((table.dropped, table.forwarded), (0, 0));
    assert!(table.into_rows() == terms);
    assert!(terms::of_new_codes(&editions).is_empty());
    let codes = input.embedded(codes::CODES).expect("codes");
    assert!(codes::with_changes(&codes, &[]) == codes && codes::sorted_codes(codes.clone()) == codes);
    let notes = input.embedded(codes::NOTES).expect("notes");
    assert!(codes::sorted_notes(notes.clone()) == notes && codes::carried_notes(&notes, &editions.newest.book) == notes);
    let medications = input.embedded(medications::MEDICATIONS).expect("medications");
    let names = medications::Names { rxnorm: None, rxterms: None, embedded: &medications };
    let made = names.rows(&std::collections::BTreeSet::new());
    assert!(made.iter().all(|row| medications.contains(row)) && made.len() + 20 > medications.len(), "{}", made.len());
}

#[test]
fn the_same_releases_give_the_same_bytes() {
    let built = || {
        let folder = Folder::new();
        folder.keep(Kind::Icd10cmNeoplasms, &["icd10cm/neoplasms.xml"], &About::default());
        folder.keep(Kind::Icd10cmAddenda, &["icd10cm/addenda_order.txt"], &of_year("2027"));
        folder.keep(Kind::Rxnorm, &["terminologies/rxnorm/RXNCONSO.RRF", "terminologies/rxnorm/RXNREL.RRF"], &About::default());
        folder.build();
        let first = folder.files();
        folder.build();
        assert!(first == folder.files());
        first
    };
    assert!(built() == built());
}

#[test]
fn addenda_make_an_edition_beside_that_of_the_program() {
    let folder = Folder::new();
    folder.keep(Kind::Icd10cmAddenda, &["icd10cm/addenda_order.txt"], &of_year("2027"));
    folder.keep_texts(
        Kind::Icd10cmConversion,
        &[("c", "Current code assignment\tEffective\tPrevious Code(s) Assignment\nA92.3\t2026\tB00\n")],
    );
    let report = build(folder.path(), &small).expect("built");
    assert_eq!(
        folder.lines("editions.tsv"),
        [
            "ICD-10-CM FY2027\t2026-10-01\t2027-09-30\ticd10cm.tsv\ticd10cm_notes.tsv",
            "ICD-10-CM FY2026-04\t2026-04-01\t2026-09-30\ticd10cm_2026-04-01.tsv\ticd10cm_notes_2026-04-01.tsv",
        ]
    );
    let codes = folder.lines("icd10cm.tsv");
    assert!(codes.contains(&"A04.7\t0\tEnterocolitis due to Clostridium difficile".to_owned()), "{codes:?}");
    assert!(codes.contains(&"A04.71\t1\tEnterocolitis due to Clostridium difficile, recurrent".to_owned()));
    assert_eq!((codes.len(), folder.lines("icd10cm_2026-04-01.tsv").len()), (7, 5));
    assert_eq!(folder.lines("icd10cm_notes.tsv").len(), 2);
    assert_eq!(folder.lines("icd10cm_retired.tsv"), ["A04.7\tA04.71"]);
    // A04.7 is billable in the edition of the program, so its terms stay
    assert_eq!(
        folder.lines("diagnosis_terms.tsv"),
        [
            "c diff colitis\tA04.7\ticd10cm_variant\t4",
            "enterocolitis due to clostridium difficile, recurrent\tA04.71\ticd10cm_title\t1",
            "gone disease\tB00\ticd10cm_title\t1",
            "west nile fever\tA92.3|A04.7\tdoid\t5",
        ]
    );
    assert!(report.notes.iter().any(|note| note.contains("1 billable codes were added, 1 retired, 1 renamed")), "{report:?}");
    let changed = report.tables.iter().find(|table| table.name == "icd10cm.tsv").expect("reported");
    assert_eq!((changed.rows, changed.new, changed.changed, changed.dropped), (7, 2, 2, 0));
}

#[test]
fn an_older_edition_stands_beside_that_of_the_program() {
    let folder = Folder::new();
    folder.keep(Kind::Icd10cmOrder, &["icd10cm/order.txt"], &of_year("2026"));
    build(folder.path(), &small).expect("built");
    assert_eq!(
        folder.lines("editions.tsv"),
        [
            "ICD-10-CM FY2026-04\t2026-04-01\t2026-09-30\ticd10cm.tsv\ticd10cm_notes.tsv",
            "ICD-10-CM FY2026\t2025-10-01\t2026-03-31\ticd10cm_2025-10-01.tsv\ticd10cm_notes_2025-10-01.tsv",
        ]
    );
    assert_eq!((folder.lines("icd10cm.tsv").len(), folder.lines("icd10cm_2025-10-01.tsv").len()), (5, 5));
    assert!(folder.lines("icd10cm_retired.tsv").contains(&"A00.0\t".to_owned()));
}

#[test]
fn terms_of_codes_that_no_edition_has_are_forwarded_or_dropped() {
    // a release of the edition of the program takes its place
    let folder = Folder::new();
    let april = About { first_day: Some("2026-04-01".to_owned()), ..About::default() };
    folder.keep_texts(
        Kind::Icd10cmConversion,
        &[("c", "Current code assignment\tEffective\tPrevious Code(s) Assignment\nA00.0\t2026\tA04.7, A92.3\n")],
    );
    folder.keep(Kind::Icd10cmOrder, &["icd10cm/order.txt"], &april);
    let report = build(folder.path(), &small).expect("built");
    assert_eq!(folder.lines("editions.tsv").len(), 1);
    assert_eq!(folder.lines("icd10cm_retired.tsv"), ["A04.7\tA00.0", "A92.3\tA00.0"]);
    let terms = folder.lines("diagnosis_terms.tsv");
    assert!(terms.contains(&"c diff colitis\tA00.0\ticd10cm_variant\t4".to_owned()), "{terms:?}");
    assert!(terms.contains(&"west nile fever\tA00.0\tdoid\t5".to_owned()) && !terms.iter().any(|term| term.contains("B00")));
    assert!(terms.contains(&"meniere's disease, right ear\tH81.01\ticd10cm_title\t1".replace("meniere", "ménière")));
    assert!(report.notes.iter().any(|note| note.contains("2 terms") && note.contains("1 were dropped")), "{:?}", report.notes);
}

#[test]
fn terminologies_give_terms() {
    let folder = Folder::new();
    let rf2 = ["Concept.txt", "Description.txt", "Language.txt", "ExtendedMap.txt"]
        .map(|name| format!("terminologies/snomed_rf2/{name}"));
    folder.keep(Kind::SnomedRf2, &rf2.each_ref().map(String::as_str), &About::default());
    let name = |cui: &str, source: &str, code: &str, term: &str| {
        format!("{cui}|ENG|P|L|PF|S|Y|A||||{source}|PT|{code}|{term}|0|N||\n")
    };
    let names = [
        name("C9000001", "ICD10CM", "E84.9", "Cystic fibrosis, unspecified"),
        name("C9000001", "MSH", "D1", "Zorvanoid fibrosis"),
        name("C9000001", "MSH", "D1", "ZF"),
        name("C9000001", "SNOMEDCT_US", "1", "Zorv fibrosis (disorder)"),
        name("C9000002", "MSH", "D2", "Elsewhere zorvitis"),
    ]
    .concat();
    let types = "C9000001|T047|B|Disease|AT||\nC9000002|T047|B|Disease|AT||\n";
    folder.keep_texts(Kind::Umls, &[("MRCONSO", &names), ("MRSTY", types)]);
    let fhir = r#"{"resourceType": "CodeSystem", "url": "http://hl7.org/fhir/sid/icd-10-cm", "content": "complete", "concept": [
        {"code": "I10", "display": "Zorv pressure"}, {"code": "W19", "display": "Zorv fall"}, {"code": "E84", "display": "Zorvanoid fibrosis"}]}"#;
    folder.keep_texts(Kind::Fhir, &[("fhir", fhir)]);
    let report = folder.build();
    let before = embedded("diagnosis_terms.tsv").expect("terms");
    let before: std::collections::BTreeSet<&str> = before.lines().collect();
    let terms = folder.lines("diagnosis_terms.tsv");
    let new: Vec<&String> = terms.iter().filter(|term| !before.contains(term.as_str())).collect();
    assert_eq!(
        new,
        [
            "allergy to \"zorv\" dust\tZ91.048\tsnomed_map\t9",
            "zorv disease\tR69\tsnomed_map\t9",
            "zorv fibrosis\tE84.9\tumls\t11",
            "zorv pressure\tI10\tfhir\t12",
            "zorvanoid fibrosis\tE84.9\tumls\t11",
            "zorvitis\tR69\tsnomed_map\t9",
            "zorvé dust allergy\tZ91.048\tsnomed_map\t9",
        ]
    );
    assert_eq!(terms.len(), before.len() - 1 + new.len());
    assert!(!report.not_loaded.iter().any(|table| table.title.contains("SNOMED") || table.title.contains("UMLS")));
    let sources = folder.lines("sources.tsv");
    assert!(sources.iter().any(|source| source.starts_with("umls\t") && source.ends_with("\tdiagnosis_terms.tsv")));
}

#[test]
fn neoplasms_index_drugs_and_categories_are_made() {
    let folder = Folder::new();
    folder.keep(Kind::Icd10cmNeoplasms, &["icd10cm/neoplasms.xml"], &About::default());
    folder.keep(Kind::Icd10cmIndex, &["icd10cm/index.xml"], &About::default());
    folder.keep(Kind::Icd10cmDrugs, &["icd10cm/drugs.xml"], &About::default());
    folder.keep(Kind::CmsHcc, &["icd10cm/hcc_mappings.csv"], &About::default());
    folder.keep(Kind::Gems, &["icd10cm/gem.csv"], &About::default());
    let report = folder.build();
    let terms = folder.lines("diagnosis_terms.tsv");
    assert!(terms.contains(&"neoplasm of abdomen wall of uncertain behavior\tD48.5\tneoplasm_table\t7".to_owned()));
    let index = folder.lines("index.tsv");
    assert!(index.contains(&"Abasia\t-astasia|hysterical\tF44.4\t\t".to_owned()), "{index:?}");
    assert!(index.contains(
        &"Abnormal, abnormality, abnormalities > auditory perception > Sjögren's & other\t\tM35.0-\tH42\t".to_owned()
    ));
    assert!(folder.lines("drug_poisoning.tsv").iter().any(|row| row.starts_with("aspirin\tT39.011A\tT39.012A\t")));
    assert_eq!(folder.lines("hcc.tsv"), ["A01.03\t115\t", "B20\t1\t1"]);
    assert!(report.notes.iter().any(|note| note == "The release gems is kept, but no table holds anything of it"));
    let sources = folder.lines("sources.tsv");
    assert!(!sources.iter().any(|source| source.starts_with("cms_hcc\t") || source.contains("|index.tsv")));
    // what is no longer made goes
    fs::remove_dir_all(folder.path().join("releases/icd10cm-drugs")).expect("removed");
    assert_eq!(folder.build().removed, ["drug_poisoning.tsv.gz"]);
}

#[test]
fn medications_are_those_of_the_release_and_old_names() {
    let folder = Folder::new();
    let rxnorm = ["RXNCONSO.RRF", "RXNREL.RRF", "RXNSAT.RRF", "RXNSAB.RRF"].map(|name| format!("terminologies/rxnorm/{name}"));
    folder.keep(Kind::Rxnorm, &rxnorm.each_ref().map(String::as_str), &About::default());
    folder.keep(
        Kind::Rxterms,
        &["terminologies/rxterms/RxTerms.txt", "terminologies/rxterms/RxTermsIngredients.txt"],
        &About::default(),
    );
    folder.keep(Kind::Unii, &["terminologies/unii/UNII_Records.txt"], &About::default());
    let report = folder.build();
    let names = folder.lines("medications.tsv");
    assert!(names.contains(&"zorvatab\tbrand\t9000001\tzorvanil\t9000010\trxnorm\t0".to_owned()));
    assert!(
        names.iter().any(|name| name.contains("\torange_book\t")) && names.iter().any(|name| name.contains("\tdrugbank\t"))
    );
    assert!(!names.iter().any(|name| name.contains("lisinopril")));
    assert_eq!(folder.lines("clinical_drugs.tsv").len(), 8);
    assert_eq!(folder.lines("unii.tsv"), ["161\t362O9ITL9D", "7804\tCD35PMG570", "11289\t5Q7ZVV76EI"]);
    let sources = folder.lines("sources.tsv");
    assert!(sources.iter().any(|source| source.starts_with("rxnorm\tRxNorm\t20251006\t")));
    let table = report.tables.iter().find(|table| table.name == "medications.tsv").expect("reported");
    assert!(table.new > 0 && table.dropped > 10_000, "{table:?}");
}

#[test]
fn wrong_codes_of_site_terms_are_all_named_and_nothing_changes() {
    let folder = Folder::new();
    folder.keep_texts(Kind::SiteTerms, &[("terms", "term,codes\nzorv fever,R50.9\n")]);
    folder.build();
    assert_eq!(folder.lines("site_terms.tsv"), ["zorv fever\tdiagnosis\tR50.9\t\tany\t"]);
    let before = folder.files();
    folder.keep_texts(Kind::SiteTerms, &[("terms", "term,codes\nzorv fever,R50\nzorv pain,R52|Q99.99\n")]);
    let error = build(folder.path(), &embedded).expect_err("refused").to_string();
    assert!(error.contains("zorv fever: R50; zorv pain: Q99.99"), "{error}");
    assert!(folder.files() == before);
}

#[test]
fn a_kept_release_that_is_damaged_says_so() {
    let folder = Folder::new();
    folder.keep(Kind::Icd10cmIndex, &["icd10cm/index.xml"], &About::default());
    let path = folder.path().join("releases/icd10cm-index/index.tsv.gz");
    fs::write(&path, &fs::read(&path).expect("readable")[..40]).expect("written");
    let error = build(folder.path(), &embedded).expect_err("refused").to_string();
    assert!(error.contains("index.tsv.gz cannot be used") && error.ends_with("Import the release again"), "{error}");
    let error = build(folder.path(), &|_| None).expect_err("refused").to_string();
    assert!(error.contains("does not carry the table editions.tsv"), "{error}");
}

#[test]
fn the_tabular_list_of_the_program_gives_its_tables() {
    let path = Path::new(ROOT).join("../shared/vocabularies/icd10cm/icd10cm-tabular-April-1-2026.xml.gz");
    if !path.exists() {
        return;
    }
    let folder = Folder::new();
    import(Kind::Icd10cmTabular, &[path], &About::default(), folder.path()).expect("kept");
    let report = folder.build();
    for name in ["icd10cm.tsv", "diagnosis_terms.tsv"] {
        let text = unpacked(&folder.path().join(format!("{name}.gz"))).expect("built");
        assert!(embedded(name).expect("embedded") == text, "{name} differs");
    }
    let notes = report.tables.iter().find(|table| table.name == "icd10cm_notes.tsv").expect("reported");
    assert_eq!((notes.new, notes.changed, notes.dropped), (0, 0, 0));
    assert_eq!(folder.lines("editions.tsv"), ["ICD-10-CM FY2026-04\t2026-04-01\t2026-09-30\ticd10cm.tsv\ticd10cm_notes.tsv"]);
}
