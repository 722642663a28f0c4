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
    assert_eq!((report.not_loaded.len(), report.notes.len()), (7, 0));
    assert_eq!(missing(&report), vocabulary(&folder).not_loaded(), "loaded tables say the same");
    assert!(report.tables.iter().all(|table| (table.changed, table.dropped) == (0, 0)), "{report:?}");
}

#[test]
fn the_rules_over_the_embedded_tables_give_them_back() {
    let input = rows::Input::new(Path::new("nowhere"), &embedded).expect("no releases");
    let (editions, _) = editions::Editions::new(&input).expect("the embedded edition");
    let retired = retired::Retired::new(&retired::Named::default(), &editions.older(), &editions.newest().book);
    assert_eq!(retired.len(), 0);
    let terms = input.embedded(terms::DIAGNOSIS_TERMS).expect("terms");
    let stopped = input.embedded(terms::STOP_TERMS).expect("stop terms");
    let table = terms::TermTable::new(&terms, &stopped, (&editions, &retired));
    assert_eq!((table.dropped, table.forwarded), (0, 0));
    assert!(table.settled().rows == terms);
    assert!(terms::of_new_codes(&editions).is_empty());
    let codes = input.embedded(codes::CODES).expect("codes");
    assert!(codes::with_changes(&codes, &[]) == codes && codes::sorted_codes(codes.clone()) == codes);
    let notes = input.embedded(codes::NOTES).expect("notes");
    assert!(codes::sorted_notes(notes.clone()) == notes && codes::carried_notes(&notes, &editions.newest().book) == notes);
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
            "c diff colitis\tA04.7\ticd10cm_variant\t4\t\t",
            "enterocolitis due to clostridium difficile, recurrent\tA04.71\ticd10cm_title\t1\t\ticd10cm-addenda@2026-10-01",
            "gone disease\tB00\ticd10cm_title\t1\t\t",
            "west nile fever\tA92.3|A04.7\tdoid\t5\t\t",
        ]
    );
    assert!(report.notes.iter().any(|note| note.contains("1 billable codes were added, 1 retired, 1 renamed")), "{report:?}");
    let changed = report.tables.iter().find(|table| table.name == "icd10cm.tsv").expect("reported");
    assert_eq!((changed.rows, changed.new, changed.changed, changed.dropped), (7, 2, 2, 0));
    // of the codes both have something, and the older edition is that of the program
    assert_eq!(
        changed.sources,
        [
            "ICD-10-CM Tabular List of Diseases and Injuries, update of April 1, 2026 (FY2026)",
            "ICD-10-CM addenda: codes added, deleted and renamed, ICD-10-CM FY2027"
        ]
    );
    let tables = |source: &str| {
        let row = folder.lines("sources.tsv").into_iter().find(|row| row.starts_with(&format!("{source}\t"))).expect("listed");
        row.rsplit('\t').next().unwrap_or_default().to_owned()
    };
    assert_eq!(tables("icd10cm-addenda@2026-10-01"), "icd10cm.tsv|icd10cm_retired.tsv|diagnosis_terms.tsv");
    assert!(tables("icd10cm_tabular").contains("icd10cm_2026-04-01.tsv"));
    assert!(!tables("own").contains("diagnosis_terms.tsv"), "no correction is among the terms");
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
    // B00 of the program is gone too: terms and notes that have it must not be refused
    assert_eq!(folder.lines("icd10cm_retired.tsv"), ["A04.7\tA00.0", "A92.3\tA00.0", "B00\t"]);
    assert!(report.notes.iter().any(|note| note.contains("3 codes are retired, 1 of them without")), "{:?}", report.notes);
    let terms = folder.lines("diagnosis_terms.tsv");
    assert!(terms.contains(&"c diff colitis\tA00.0\ticd10cm_variant\t4\t\t".to_owned()), "{terms:?}");
    assert!(
        terms.contains(&"west nile fever\tA00.0\tdoid\t5\t\t".to_owned()) && !terms.iter().any(|term| term.contains("B00"))
    );
    assert!(terms.contains(&"ménière's disease, right ear\tH81.01\ticd10cm_title\t1\t\ticd10cm-order@2026-04-01".to_owned()));
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
    let before: std::collections::BTreeSet<String> = before.lines().map(|line| format!("{line}\t\t")).collect();
    let terms = folder.lines("diagnosis_terms.tsv");
    let new: Vec<&String> = terms.iter().filter(|term| !before.contains(term.as_str())).collect();
    assert_eq!(
        new,
        [
            "Zorvé dust allergy\tZ91.048\tsnomed_map\t9\t1\tsnomed-rf2",
            "allergy to \"zorv\" dust\tZ91.048\tsnomed_map\t9\t\tsnomed-rf2",
            "zorv disease\tR69\tsnomed_map\t9\t\tsnomed-rf2",
            "zorv fibrosis\tE84.9\tumls\t11\t\tumls",
            "zorv pressure\tI10\tfhir\t12\t\tfhir",
            "zorvanoid fibrosis\tE84.9\tumls\t11\t\tumls",
            "zorvitis\tR69\tsnomed_map\t9\t\tsnomed-rf2",
        ]
    );
    assert_eq!(terms.len(), before.len() - 1 + new.len());
    assert!(!report.not_loaded.iter().any(|table| table.title.contains("SNOMED") || table.title.contains("UMLS")));
    assert_eq!(missing(&report), vocabulary(&folder).not_loaded(), "loaded tables say the same");
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
    let wanted = ["Present-on-admission exempt list", "CC and MCC list", "SNOMED CT map to ICD-10-CM", "UMLS Metathesaurus"];
    assert_eq!(missing(&report), wanted, "the index is of an edition, so its source has a day in its name");
    let terms = folder.lines("diagnosis_terms.tsv");
    let wall = |term: &&String| term.starts_with("neoplasm of abdomen wall of uncertain behavior\tD48.5\tneoplasm_table\t7\t");
    assert!(terms.iter().any(|term| wall(&term)));
    let index = folder.lines("index.tsv");
    assert!(index.contains(&"Abasia\t-astasia|hysterical\tF44.4\t\t".to_owned()), "{index:?}");
    assert!(index.contains(
        &"Abnormal, abnormality, abnormalities > auditory perception > Sjögren's & other\t\tM35.0-\tH42\t".to_owned()
    ));
    assert!(folder.lines("drug_poisoning.tsv").iter().any(|row| row.starts_with("aspirin\tT39.011A\tT39.012A\t")));
    assert_eq!(folder.lines("hcc.tsv"), ["A01.03\t115\t", "B20\t1\t1"]);
    assert_eq!(folder.lines("icd9_gems.tsv"), ["001.0\tA00.0\t0", "365.70\t\t1"]);
    // "see category T71" and "see subcategory T75.0" lead to their codes
    assert!(index.contains(&"Strangulation\taccidentally\tT71-\t\t".to_owned()), "{index:?}");
    assert!(index.contains(&"Strangulation > lightning\t\tT75.0-\t\t".to_owned()), "{index:?}");
    let sources = folder.lines("sources.tsv");
    assert!(!sources.iter().any(|source| source.starts_with("cms_hcc\t") || source.contains("|index.tsv")));
    // what is no longer made goes
    fs::remove_dir_all(folder.path().join("releases/icd10cm-drugs@2030-10-01")).expect("removed");
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
fn wrong_site_terms_are_told_with_their_line_and_the_rest_is_loaded() {
    let folder = Folder::new();
    let terms = "term,kind,codes,case_sensitive\n#zorv fever,,R50.9,\nzorv chill,,R50,\nIt,,R52,1\nzorv pain,,R52|Q99.99,\nblue puffer,medication,435,\n\
        red pill,medication,999999999,\nbaby pill,medication,Aspirin,\nodd pill,medication,dostarlimabb,\ncut,,R52\n";
    folder.keep_texts(Kind::SiteTerms, &[("terms", terms)]);
    let report = folder.build();
    assert_eq!(
        folder.lines("site_terms.tsv"),
        [
            "\\#zorv fever\tdiagnosis\tR50.9\t\tany\t\t",
            "It\tdiagnosis\tR52\t\tany\t\t1",
            "blue puffer\tmedication\t435\t\tany\t\t",
            "baby pill\tmedication\t1191\t\tany\t\t",
        ]
    );
    for (error, wanted) in report.errors.iter().zip([
        "site-terms, terms.input, line 10 was left out: has 3 cells, not 4; put cells",
        "line 3: \"zorv chill\" was left out: R50 is not billable",
        "line 5: \"zorv pain\" was left out: Q99.99",
        "line 7: \"red pill\" was left out: 999999999 is no ingredient",
        "line 9: \"odd pill\" was left out: \"dostarlimabb\" is no name",
    ]) {
        assert!(error.contains(wanted), "{error}");
    }
    assert_eq!(report.errors.len(), 5);
    let loaded = vocabulary(&folder);
    let term = |name: &str| loaded.diagnoses.iter().find(|term| term.term == name && term.source == "site").expect("loaded");
    assert!(!term("#zorv fever").case_sensitive && term("It").case_sensitive);
}

/// The titles of what a build says is not loaded.
fn missing(report: &Report) -> Vec<&str> {
    report.not_loaded.iter().map(|table| table.title).collect()
}

/// What the engine makes of the folder.
fn vocabulary(folder: &Folder) -> crate::vocabulary::Vocabulary {
    let tables = crate::vocabulary::Tables::with_folder(folder.path()).expect("readable");
    crate::vocabulary::Vocabulary::load(&tables).expect("tables that can be used")
}

#[test]
fn codes_that_an_imported_edition_drops_are_forwarded_or_flagged() {
    // an order file that lacks most codes of the program takes the place of its edition, which own tables name codes of
    let folder = Folder::new();
    let april = About { first_day: Some("2026-04-01".to_owned()), ..About::default() };
    folder.keep(Kind::Icd10cmOrder, &["icd10cm/order.txt"], &april);
    let gems = "4280 A000 10000\n";
    let back = "I509 4280 10000\n";
    folder.keep_texts(Kind::Gems, &[("forward", gems), ("back", back)]);
    folder.build();
    assert!(!folder.lines("code_limits.tsv").iter().any(|limit| limit.starts_with("A18")), "no limit of a code that is gone");
    let loaded = vocabulary(&folder);
    assert_eq!(loaded.editions.all().count(), 1);
    let newest = loaded.editions.newest();
    assert_eq!(loaded.editions.moved("I50.9", newest), crate::vocabulary::Moved::To("A00.0".to_owned()));
    assert_eq!(loaded.editions.moved("E11.9", newest), crate::vocabulary::Moved::Gone);
    assert_eq!(loaded.lists.of_ninth_revision("4280").expect("known").codes, [["A00.0"]]);
}

#[test]
fn editions_stand_side_by_side_whatever_their_codes() {
    let folder = Folder::new();
    let order = |first: &str, edition: &str| About {
        first_day: Some(first.to_owned()),
        edition: Some(edition.to_owned()),
        ..About::default()
    };
    let april: String = small("icd10cm.tsv")
        .expect("codes")
        .lines()
        .skip(1)
        .enumerate()
        .map(|(at, line)| {
            let cells: Vec<&str> = line.split('\t').collect();
            format!("{at:05} {:<7} {} {:<60} {}\n", cells[0].replace('.', ""), cells[1], cells[2], cells[2])
        })
        .collect();
    let path = folder.path().join("same.txt");
    fs::write(&path, april).expect("written");
    for (first, name) in [("2027-10-01", "Ours 2028"), ("2026-10-01", "Ours 2027")] {
        import(Kind::Icd10cmOrder, std::slice::from_ref(&path), &order(first, name), folder.path()).expect("kept");
    }
    folder.keep(Kind::Icd10cmAddenda, &["icd10cm/addenda_order.txt"], &of_year("2029"));
    let report = build(folder.path(), &small).expect("built");
    let days: Vec<String> =
        folder.lines("editions.tsv").iter().map(|row| row.split('\t').take(4).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        days,
        [
            "ICD-10-CM FY2029 2028-10-01 2029-09-30 icd10cm.tsv",
            "Ours 2028 2027-10-01 2028-09-30 icd10cm_2027-10-01.tsv",
            "Ours 2027 2026-10-01 2027-09-30 icd10cm_2026-10-01.tsv",
            "ICD-10-CM FY2026-04 2026-04-01 2026-09-30 icd10cm_2026-04-01.tsv",
        ]
    );
    assert!(report.notes.iter().any(|note| note.contains("Ours 2027 of 2026-10-01 has the same codes")), "{:?}", report.notes);
    assert_eq!(folder.lines("icd10cm_retired.tsv"), ["A04.7\tA04.71"]);
}

#[test]
fn allergens_are_refreshed_from_the_patient_set() {
    let path = Path::new(ROOT).join("../shared/vocabularies/snomed-gps/gps_2020.tsv.gz");
    if !path.exists() {
        return;
    }
    let folder = Folder::new();
    import(Kind::SnomedGps, &[path], &About::default(), folder.path()).expect("kept");
    let report = folder.build();
    let table = report.tables.iter().find(|table| table.name == "allergen_concepts.tsv").expect("made");
    assert!(table.dropped == 0 && table.new < 150 && table.rows >= 485, "{table:?}");
    assert!(table.sources.iter().any(|source| source.starts_with("SNOMED CT Global Patient Set")), "{table:?}");
    let sources = folder.lines("sources.tsv");
    assert!(sources.iter().any(|row| row.starts_with("snomed-gps\t") && row.ends_with("\tallergen_concepts.tsv")));
    vocabulary(&folder);
}

#[test]
fn tables_of_a_person_are_said_to_be_theirs() {
    let folder = Folder::new();
    fs::write(folder.path().join("cues.tsv"), "mine\n").expect("written");
    fs::write(folder.path().join("poa_exempt.tsv"), "code\nZ38.00\n").expect("written");
    folder.keep_texts(Kind::Icd10cmPoaExempt, &[("poa", "POA exempt\nCode\tTitle\nI10\tHypertension\n")]);
    folder.keep_texts(Kind::Icd10cmCcMcc, &[("mcc", "Complete MCC List\nCode\tTitle\nI21.9\tInfarction\nQ00.00\tGone\n")]);
    let report = folder.build();
    assert_eq!(report.kept_by_hand, ["cues.tsv", "poa_exempt.tsv"]);
    assert_eq!(folder.lines("cc_mcc.tsv"), ["I21.9\tMCC"]);
    assert!(!report.not_loaded.iter().any(|table| table.title.contains("exempt") || table.title.contains("CC")));
    assert_eq!(report.not_loaded.len(), 5);
    let sources = folder.lines("sources.tsv");
    let row = |source: &str| sources.iter().find(|row| row.starts_with(&format!("{source}\t"))).expect("listed").clone();
    assert!(row("by-hand").ends_with("\tcues.tsv|poa_exempt.tsv"));
    assert!(row("icd10cm-poa-exempt@2026-10-01").ends_with('\t') && !row("own").contains("|cues.tsv"));
}

#[test]
fn a_kept_release_that_is_damaged_says_so() {
    let folder = Folder::new();
    folder.keep(Kind::Icd10cmIndex, &["icd10cm/index.xml"], &About::default());
    let path = folder.path().join("releases/icd10cm-index@2030-10-01/index.tsv.gz");
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
    let april = About { first_day: Some("2026-04-01".to_owned()), ..About::default() };
    import(Kind::Icd10cmTabular, &[path], &april, folder.path()).expect("kept");
    let report = folder.build();
    let text = unpacked(&folder.path().join("icd10cm.tsv.gz")).expect("built");
    assert!(embedded("icd10cm.tsv").expect("embedded") == text, "icd10cm.tsv differs");
    let terms: Vec<String> =
        embedded("diagnosis_terms.tsv").expect("embedded").lines().skip(1).map(|line| format!("{line}\t\t")).collect();
    assert!(folder.lines("diagnosis_terms.tsv") == terms, "diagnosis_terms.tsv differs");
    let notes = report.tables.iter().find(|table| table.name == "icd10cm_notes.tsv").expect("reported");
    assert_eq!((notes.new, notes.changed, notes.dropped), (0, 0, 0));
    assert_eq!(folder.lines("editions.tsv"), ["ICD-10-CM FY2026-04\t2026-04-01\t2026-09-30\ticd10cm.tsv\ticd10cm_notes.tsv"]);
}
