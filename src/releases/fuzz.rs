//! Damaged releases of every kind, and archives of them.

use std::{io::Write as _, path::Path};

use super::{MemoryOutput, Output, Release, Result, Summary, icd10cm, terminologies};
use crate::fuzzing::{Damaged, Seeds, fuzz};

type Import = fn(&Release, &mut dyn Output) -> Result<Summary>;

/// Bytes that mean something in XML, in delimited rows, in fixed columns, in JSON and in archives.
const TELLING: &[u8] = b"<>/&;!?\"'=|\t,\n\r {}[]:\\0129AZ.-#PK\x01\x02\x03\x04\x05\x06\x1f\x8b\0\xff\xef\xbb\xbf";

/// The importers, each with the fixtures that it reads together.
const KINDS: [(Import, &[&str]); 19] = [
    (icd10cm::tabular::import, &["icd10cm/tabular.xml"]),
    (icd10cm::index::import, &["icd10cm/index.xml"]),
    (icd10cm::index::import_external_causes, &["icd10cm/index_external.xml"]),
    (icd10cm::neoplasms::import, &["icd10cm/neoplasms.xml"]),
    (icd10cm::drugs::import, &["icd10cm/drugs.xml"]),
    (icd10cm::order::import, &["icd10cm/order.txt"]),
    (icd10cm::addenda::import, &["icd10cm/addenda_order.txt", "icd10cm/addenda_codes.txt"]),
    (icd10cm::conversion::import, &["icd10cm/conversion.txt"]),
    (icd10cm::exempt::import, &["icd10cm/order.txt"]),
    (icd10cm::complications::import, &["icd10cm/conversion.txt"]),
    (icd10cm::gems::import, &["icd10cm/gem_to_icd9.txt", "icd10cm/gem_from_icd9.txt", "icd10cm/gem.csv"]),
    (icd10cm::hcc::import, &["icd10cm/hcc_mappings.csv", "icd10cm/F2499P1M.TXT"]),
    (
        terminologies::rxnorm::import,
        &[
            "terminologies/rxnorm/RXNCONSO.RRF",
            "terminologies/rxnorm/RXNREL.RRF",
            "terminologies/rxnorm/RXNSAT.RRF",
            "terminologies/rxnorm/RXNSAB.RRF",
            "terminologies/rxnorm/RXNSTY.RRF",
        ],
    ),
    (terminologies::rxterms::import, &["terminologies/rxterms/RxTerms.txt", "terminologies/rxterms/RxTermsIngredients.txt"]),
    (
        terminologies::snomed_rf2::import,
        &[
            "terminologies/snomed_rf2/Concept.txt",
            "terminologies/snomed_rf2/Description.txt",
            "terminologies/snomed_rf2/Language.txt",
            "terminologies/snomed_rf2/ExtendedMap.txt",
            "terminologies/snomed_rf2/Relationship.txt",
        ],
    ),
    (
        terminologies::umls::import,
        &["terminologies/umls/MRCONSO.RRF", "terminologies/umls/MRSTY.RRF", "terminologies/umls/release.dat"],
    ),
    (terminologies::unii::import, &["terminologies/unii/UNII_Names.txt", "terminologies/unii/UNII_Records.txt"]),
    (
        terminologies::fhir::import,
        &["terminologies/fhir/bundle.json", "terminologies/fhir/code_system.json", "terminologies/fhir/resources.ndjson"],
    ),
    (terminologies::site_terms::import, &["terminologies/site_terms/spreadsheet.csv", "terminologies/site_terms/tabs.tsv"]),
];

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/releases").join(name)).expect("a fixture")
}

/// One file of a release is damaged, the others are as they were.
#[test]
fn releases() {
    let files: Vec<Vec<Vec<u8>>> = KINDS.iter().map(|(_, names)| names.iter().map(|name| fixture(name)).collect()).collect();
    let folder = tempfile::tempdir().expect("a folder");
    fuzz!("release of a vocabulary", Slow, (u8, u8, Damaged), |input: &(u8, u8, Damaged)| {
        let (kind, which, damaged) = input;
        let kind = usize::from(*kind) % KINDS.len();
        let good = &files[kind];
        let which = usize::from(*which) % good.len();
        let paths: Vec<_> = (0..good.len())
            .map(|at| {
                let path = folder.path().join(format!("{kind}-{at}"));
                let seeds = Seeds { good: &[good[at].as_slice()], telling: TELLING };
                let bytes = if at == which { damaged.bytes(seeds) } else { good[at].clone() };
                std::fs::write(&path, bytes).expect("written");
                path
            })
            .collect();
        if let Err(error) = KINDS[kind].0(&Release::new(&paths), &mut MemoryOutput::default()) {
            assert!(!error.to_string().is_empty());
        }
    });
}

/// The archive itself is damaged: its entries, its directory, the packed bytes, or a gzip.
#[test]
fn archives() {
    let order = fixture("icd10cm/order.txt");
    let zipped = |method: zip::CompressionMethod| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in [("order.txt", order.as_slice()), ("readme.html", b"<html></html>"), ("../../up.txt", b"one\n")]
        {
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options).expect("an entry");
            zip.write_all(content).expect("written");
        }
        zip.finish().expect("closed").into_inner()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&order).expect("packed");
    let good =
        [zipped(zip::CompressionMethod::Deflated), zipped(zip::CompressionMethod::Stored), gzip.finish().expect("packed")];
    let good: Vec<&[u8]> = good.iter().map(Vec::as_slice).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("download");
    fuzz!("archive of a release", Slow, Damaged, |input: &Damaged| {
        std::fs::write(&path, input.bytes(Seeds { good: &good, telling: TELLING })).expect("written");
        let _ = icd10cm::order::import(&Release::new(std::slice::from_ref(&path)), &mut MemoryOutput::default());
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "an archive wrote a file");
    });
}
