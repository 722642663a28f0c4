//! `sources.tsv`: where the tables come from, under which licence, and who must be named.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Kept,
    kind::{CMS, NCHS, NLM, PUBLIC_DOMAIN},
    rows::{Row, row},
};
use crate::releases::Table;

/// One row a source.
pub(super) const SOURCES: Table =
    Table { name: "sources.tsv", columns: &["source", "title", "release", "licence", "attribution", "tables"] };

/// A source of tables that the program carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Its word.
    pub source: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Release.
    pub release: &'static str,
    /// Under which licence it may be used, as a sentence.
    pub licence: &'static str,
    /// Who must be named; empty where nobody must be.
    pub attribution: &'static str,
    /// The tables that hold something of it.
    pub tables: &'static [&'static str],
}

const CC0: &str = "CC0 1.0 Universal (https://creativecommons.org/publicdomain/zero/1.0/).";
/// Word of the ICD-10-CM tabular list among the embedded sources.
pub(super) const TABULAR: &str = "icd10cm_tabular";
/// Word of the payment categories.
pub(super) const CMS_HCC: &str = "cms_hcc";
/// Word of RxNorm.
pub(super) const RXNORM: &str = "rxnorm";
/// Word of RxTerms.
pub(super) const RXTERMS: &str = "rxterms";
/// Word of the Table of Neoplasms and the references of the index.
pub(super) const NEOPLASMS: &str = "icd10cm_neoplasms";
/// Word of the free sets of SNOMED CT.
pub(super) const SNOMED_FREE_SETS: &str = "snomed_free_sets";
/// Word of DrugBank.
pub(super) const DRUGBANK: &str = "drugbank";
/// Word of the tables that a person has put there.
pub(in crate::vocabulary) const BY_HAND: &str = "by-hand";
/// Word of the tables that were written for this project.
pub(super) const OWN: &str = "own";

const EMBEDDED: [Source; 15] = [
    Source {
        source: TABULAR,
        title: "ICD-10-CM Tabular List of Diseases and Injuries",
        release: "update of April 1, 2026 (FY2026)",
        licence: PUBLIC_DOMAIN,
        attribution: NCHS,
        tables: &["icd10cm.tsv", "icd10cm_blocks.tsv", "icd10cm_notes.tsv", "diagnosis_terms.tsv"],
    },
    Source {
        source: NEOPLASMS,
        title: "ICD-10-CM Table of Neoplasms, references of the index",
        release: "April 2024",
        licence: PUBLIC_DOMAIN,
        attribution: NCHS,
        tables: &["diagnosis_terms.tsv"],
    },
    Source {
        source: "icd10cm_poa_exempt",
        title: "ICD-10-CM codes exempt from present-on-admission reporting, as rules",
        release: "FY2025",
        licence: PUBLIC_DOMAIN,
        attribution: CMS,
        tables: &["poa_exempt_rules.tsv"],
    },
    Source {
        source: CMS_HCC,
        title: "CMS-HCC risk adjustment categories",
        release: "F2422P1M (V24), F2824T1N (V28)",
        licence: PUBLIC_DOMAIN,
        attribution: CMS,
        tables: &["hcc.tsv"],
    },
    Source {
        source: "doid",
        title: "Human Disease Ontology",
        release: "2026-08",
        licence: CC0,
        attribution: "",
        tables: &["diagnosis_terms.tsv"],
    },
    Source {
        source: "mondo",
        title: "Mondo Disease Ontology mapping sets",
        release: "2026-08-04",
        licence: CC0,
        attribution: "",
        tables: &["diagnosis_terms.tsv"],
    },
    Source {
        source: SNOMED_FREE_SETS,
        title: "SNOMED CT IPS Terminology free sets and Global Patient Set",
        release: "2022-07-31, September 2019",
        licence: "Creative Commons Attribution 4.0 International (https://creativecommons.org/licenses/by/4.0/).",
        attribution: "This product includes content of the SNOMED CT Global Patient Set and of the SNOMED CT IPS Terminology, (c) SNOMED \
                      International, used under the Creative Commons Attribution 4.0 International licence. The content was selected and \
                      re-shaped; SNOMED International does not endorse this product. SNOMED and SNOMED CT are registered trademarks of \
                      SNOMED International.",
        tables: &["allergen_concepts.tsv", "diagnosis_terms.tsv", "sig_words.tsv"],
    },
    Source {
        source: RXNORM,
        title: "RxNorm Current Prescribable Content",
        release: "2025-10-06",
        licence: "No licence is needed.",
        attribution: NLM,
        tables: &["medications.tsv", "clinical_drugs.tsv", "unii.tsv"],
    },
    Source {
        source: RXTERMS,
        title: "RxTerms",
        release: "June 2026",
        licence: "No licence is needed.",
        attribution: NLM,
        tables: &["medications.tsv"],
    },
    Source {
        source: "orange_book",
        title: "Approved Drug Products with Therapeutic Equivalence Evaluations (Orange Book)",
        release: "about 2009",
        licence: PUBLIC_DOMAIN,
        attribution: "U.S. Food and Drug Administration.",
        tables: &["medications.tsv"],
    },
    Source {
        source: DRUGBANK,
        title: "DrugBank Open Data, DrugBank vocabulary",
        release: "open data",
        licence: CC0,
        attribution: "",
        tables: &["medications.tsv", "unii.tsv"],
    },
    Source {
        source: "loinc",
        title: "LOINC codes of sections",
        release: "as in Consolidated CDA",
        licence: "LOINC license, free of charge (http://loinc.org/license).",
        attribution: "This material contains content from LOINC (http://loinc.org). LOINC is copyright (c) Regenstrief Institute, Inc. and \
                      the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under the license \
                      at http://loinc.org/license. LOINC is a registered United States trademark of Regenstrief Institute, Inc.",
        tables: &["section_codes.tsv"],
    },
    Source {
        source: "scowl",
        title: "SCOWL (Spell Checker Oriented Word Lists), levels 10 to 70",
        release: "2020.12.07",
        licence: "Free to use, copy, modify, distribute and sell with its notices (vocabularies/english_words.copyright.txt).",
        attribution: "SCOWL is copyright (c) 2000-2011 Kevin Atkinson and the authors that its notices name.",
        tables: &["english_words.tsv"],
    },
    Source {
        source: "census_names",
        title: "Names by frequency of the census of 1990, U.S. Census Bureau",
        release: "1990",
        licence: PUBLIC_DOMAIN,
        attribution: "",
        tables: &["census_names.tsv"],
    },
    Source {
        source: OWN,
        title: "Tables written for this project",
        release: "of the program",
        licence: "Apache License 2.0.",
        attribution: "",
        tables: &[
            "abbreviations.tsv",
            "allergens.tsv",
            "allergy_links.tsv",
            "boilerplate.tsv",
            "code_confidence.tsv",
            "code_limits.tsv",
            "code_ranking.tsv",
            "conventions.tsv",
            "cross_reactions.tsv",
            "ordinary_words.tsv",
            "person_names.tsv",
            "places.tsv",
            "cues.tsv",
            "diagnosis_terms.tsv",
            "drug_classes.tsv",
            "edit_policy.tsv",
            "everyday_diagnoses.tsv",
            "everyday_medications.tsv",
            "history_codes.tsv",
            "index.tsv",
            "medication_cues.tsv",
            "queries.tsv",
            "query_words.tsv",
            "reaction_phrases.tsv",
            "reactions.tsv",
            "section_codes.tsv",
            "sections.tsv",
            "sig_words.tsv",
            "specificity_prompts.tsv",
            "stop_terms.tsv",
            "word_forms.tsv",
        ],
    },
];

/// The sources of the tables that the program carries.
#[must_use]
pub fn embedded_sources() -> &'static [Source] {
    &EMBEDDED
}

/// The word of the source that a row of terms names by its own word.
#[must_use]
pub(in crate::vocabulary) fn source_of_word(word: &str) -> &str {
    match word {
        "icd10cm_title" | "icd10cm_category" | "icd10cm_inclusion" | "icd10cm_variant" => TABULAR,
        "doid_narrow" => "doid",
        "neoplasm_table" | "index_see" => NEOPLASMS,
        "snomed" => SNOMED_FREE_SETS,
        "snomed_map" => "snomed-rf2",
        "site" => "site-terms",
        "everyday" | "abbreviation" | "correction" | "stop" => OWN,
        other => other,
    }
}

/// The word of an embedded source, when there is one.
pub(super) fn embedded_word(word: &str) -> Option<&'static str> {
    EMBEDDED.iter().map(|source| source.source).find(|known| *known == word)
}

/// What the made tables hold of the program's sources, and what a person has put there.
#[derive(Debug, Default)]
pub(super) struct Holdings<'a> {
    /// Names of the made tables with the words of the program's sources of which they hold something.
    pub made: BTreeMap<String, BTreeSet<&'a str>>,
    /// Tables of a person, without `.gz`: nobody knows what is in them.
    pub by_hand: BTreeSet<String>,
}

impl Holdings<'_> {
    fn of_program(&self, source: &Source) -> Vec<&str> {
        let untouched = source.tables.iter().copied().filter(|table| !self.made.contains_key(*table));
        let held = self.made.iter().filter(|(_, sources)| sources.contains(source.source)).map(|(table, _)| table.as_str());
        let mut tables: Vec<&str> = untouched.chain(held).filter(|table| !self.by_hand.contains(*table)).collect();
        tables.sort_unstable();
        tables
    }
}

/// The rows: the embedded sources of which something is still used, then the kept releases with the tables that hold something of them,
/// then what a person has put there.
pub(super) fn rows<'a>(holdings: &Holdings<'_>, kept: impl Iterator<Item = (&'a Kept, Vec<String>)>) -> Vec<Row> {
    let mut rows = Vec::new();
    for source in embedded_sources() {
        let used = holdings.of_program(source);
        if !used.is_empty() {
            let Source { source, title, release, licence, attribution, .. } = *source;
            rows.push(row([source, title, release, licence, attribution, &used.join("|")]));
        }
    }
    for (kept, mut tables) in kept {
        tables.retain(|table| !holdings.by_hand.contains(table));
        let (name, release) = (kept.name(), kept.edition_or_release());
        rows.push(row([&name, kept.kind.title(), release, &kept.licence, &kept.attribution, &tables.join("|")]));
    }
    if !holdings.by_hand.is_empty() {
        let tables: Vec<&str> = holdings.by_hand.iter().map(String::as_str).collect();
        rows.push(row([BY_HAND, "Tables that the site put there", "unknown", "As the site knows.", "", &tables.join("|")]));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_name_tables_that_are_there() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vocabularies"));
        for source in embedded_sources() {
            for table in source.tables {
                let there = [table.to_string(), format!("{table}.gz")].iter().any(|name| folder.join(name).is_file());
                assert!(there, "{}: {table}", source.source);
            }
        }
    }

    #[test]
    fn every_table_of_the_program_has_a_source() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vocabularies"));
        // lists of what is loaded, empty here
        let empty = ["editions.tsv", "icd10cm_retired.tsv", "site_terms.tsv"];
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            let table = name.strip_suffix(".gz").unwrap_or(&name);
            if table.ends_with(".tsv") && !empty.contains(&table) {
                assert!(embedded_sources().iter().any(|source| source.tables.contains(&table)), "{table}");
            }
        }
    }

    #[test]
    fn a_source_goes_with_its_last_table() {
        let made = [
            ("medications.tsv", BTreeSet::from([RXNORM])),
            ("index.tsv", BTreeSet::new()),
            ("icd10cm.tsv", BTreeSet::new()),
            ("icd10cm_2026-04-01.tsv", BTreeSet::from([TABULAR])),
        ];
        let made = made.into_iter().map(|(table, sources)| (table.to_owned(), sources)).collect();
        let holdings = Holdings { made, by_hand: BTreeSet::from(["cues.tsv".to_owned()]) };
        let rows = rows(&holdings, std::iter::empty());
        let tables = |source: &str| rows.iter().find(|row| row[0] == source).map(|row| row[5].split('|').collect::<Vec<_>>());
        assert_eq!(tables(RXTERMS), None);
        assert!(tables(OWN).is_some_and(|tables| !tables.contains(&"index.tsv") && !tables.contains(&"cues.tsv")));
        assert!(tables(RXNORM).is_some_and(|tables| tables.contains(&"medications.tsv")));
        let wanted = ["diagnosis_terms.tsv", "icd10cm_2026-04-01.tsv", "icd10cm_blocks.tsv", "icd10cm_notes.tsv"];
        assert_eq!(tables(TABULAR).expect("used"), wanted);
        assert_eq!(tables("by-hand").expect("said"), ["cues.tsv"]);
    }
}
