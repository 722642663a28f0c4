//! What a build says about what it made.

use std::collections::BTreeMap;

use super::{
    Kind,
    codes::NOTES,
    made::AllMade,
    rows::{Input, Made, Row},
    write::Written,
};
use crate::releases::terminologies::snomed_rf2;

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The tables that were written.
    pub tables: Vec<TableReport>,
    /// Sentences: what was left out, what differs from the edition of the program.
    pub notes: Vec<String>,
    /// Tables of interest that are not loaded.
    pub not_loaded: Vec<NotLoaded>,
    /// Files that a person put into the folder; they were left alone, and no table took their place.
    pub kept_by_hand: Vec<String>,
    /// Files of an earlier build that were removed.
    pub removed: Vec<String>,
}

/// A table against the embedded one of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// Its name, without `.gz`.
    pub name: String,
    /// How many rows it has.
    pub rows: usize,
    /// Rows whose first column the embedded table does not have.
    pub new: usize,
    /// Rows that say something else than there.
    pub changed: usize,
    /// Rows of the embedded table whose first column it does not have.
    pub dropped: usize,
}

/// A table that is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLoaded {
    /// What it is called.
    pub title: &'static str,
    /// What is missing by that, and how to get it, as a sentence.
    pub advice: &'static str,
}

const DRUGS: NotLoaded = NotLoaded {
    title: "ICD-10-CM Table of Drugs and Chemicals",
    advice: "No poisoning codes by substance; import icd10cm-drugs.",
};
const INDEX: NotLoaded = NotLoaded {
    title: "ICD-10-CM Alphabetic Index, official",
    advice: "The index of the program is used, which is shorter; import icd10cm-index.",
};
const EXEMPT: NotLoaded = NotLoaded {
    title: "Present-on-admission exempt list",
    advice: "Nothing says which codes need no present-on-admission indicator; there is no importer for it yet.",
};
const COMPLICATIONS: NotLoaded = NotLoaded {
    title: "CC and MCC list",
    advice: "Nothing says which codes are complications or comorbidities; there is no importer for it yet.",
};
const MAPS: NotLoaded = NotLoaded {
    title: "SNOMED CT map to ICD-10-CM",
    advice: "No terms of SNOMED CT beyond the free sets; import snomed-rf2 of the US edition, which holds the map.",
};
const UMLS: NotLoaded = NotLoaded { title: "UMLS Metathesaurus", advice: "No terms of its sources; import umls." };

/// The report of a build.
pub(super) fn report(input: &Input<'_>, made: AllMade, written: Written) -> Report {
    let mine = made.tables.iter().filter(|table| !written.is_by_hand(&table.name));
    Report {
        tables: mine.map(|table| compare(input, table)).collect(),
        notes: made.notes,
        not_loaded: not_loaded(input, &written),
        kept_by_hand: written.by_hand,
        removed: written.removed,
    }
}

fn not_loaded(input: &Input<'_>, written: &Written) -> Vec<NotLoaded> {
    let kept = |kind: Kind| input.kept(kind).is_some();
    let has_maps = input.kept(Kind::SnomedRf2).is_some_and(|kept| kept.rows.contains_key(snomed_rf2::MAPS.name));
    let loaded = [
        (DRUGS, kept(Kind::Icd10cmDrugs) || written.is_by_hand("drug_poisoning.tsv")),
        (INDEX, kept(Kind::Icd10cmIndex)),
        (EXEMPT, written.is_by_hand("poa_exempt.tsv")),
        (COMPLICATIONS, written.is_by_hand("cc_mcc.tsv")),
        (MAPS, has_maps),
        (UMLS, kept(Kind::Umls)),
    ];
    loaded.into_iter().filter(|(_, loaded)| !loaded).map(|(table, _)| table).collect()
}

fn compare(input: &Input<'_>, made: &Made) -> TableReport {
    let embedded = input.embedded_if_any(made.table).unwrap_or_default();
    // of notes several stand at a code, so each stands for itself
    let width = if made.table == NOTES { NOTES.columns.len() } else { 1 };
    let (there, here) = (by_key(&embedded, width), by_key(&made.rows, width));
    let count = |rows: &BTreeMap<&[String], Vec<&Row>>, other: &BTreeMap<&[String], Vec<&Row>>| -> usize {
        rows.iter().filter(|(key, _)| !other.contains_key(*key)).map(|(_, rows)| rows.len()).sum()
    };
    let changed = here.iter().filter_map(|(key, rows)| there.get(key).map(|former| (rows, former)));
    TableReport {
        name: made.name.clone(),
        rows: made.rows.len(),
        new: count(&here, &there),
        changed: changed.filter(|(rows, former)| rows != former).map(|(rows, _)| rows.len()).sum(),
        dropped: count(&there, &here),
    }
}

fn by_key(rows: &[Row], width: usize) -> BTreeMap<&[String], Vec<&Row>> {
    let mut found: BTreeMap<&[String], Vec<&Row>> = BTreeMap::new();
    rows.iter().for_each(|row| found.entry(&row[..width]).or_default().push(row));
    found
}
