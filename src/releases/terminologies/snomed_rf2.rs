//! SNOMED CT in Release Format 2: the files Concept, Description and Language and, where it is there, ExtendedMap. UTF-8, separated
//! by tabs, with a header row, no quoting.
//!
//! - Concept: id, effectiveTime, active, moduleId, definitionStatusId
//! - Description (and TextDefinition, which is passed over): id, effectiveTime, active, moduleId, conceptId, languageCode, typeId,
//!   term, caseSignificanceId
//! - Language: id, effectiveTime, active, moduleId, refsetId, referencedComponentId, acceptabilityId
//! - ExtendedMap: id, effectiveTime, active, moduleId, refsetId, referencedComponentId, mapGroup, mapPriority, mapRule, mapAdvice,
//!   mapTarget, correlationId, mapCategoryId
//!
//! A release holds the folders Full and Snapshot, whose files look alike. Of every id the row with the latest effectiveTime counts, so
//! that Snapshot, Full and both together give the same.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    CASE_SENSITIVE, CONCEPTS, FLAGS, name_and_tag,
    rows::{Header, Layout, Row, each_row, first_line},
};
use crate::{
    domain::system,
    releases::{Output, Release, ReleaseError, Result, Summary, Table},
};

/// Maps of concepts to ICD-10-CM, with the rules of the map: of each group the first row, by priority, whose rule holds.
pub const MAPS: Table = Table { name: "maps.tsv", columns: &["code", "target", "group", "priority", "rule", "advice"] };

const FULLY_SPECIFIED: &str = "900000000000003001";
const SYNONYM: &str = "900000000000013009";
const US_ENGLISH: &str = "900000000000509007";
const PREFERRED: &str = "900000000000548007";
/// The reference set that maps to ICD-10-CM; the one that maps to ICD-10 (447562003) has the same columns.
const ICD_10_CM_MAP: &str = "6011000124106";

const CONCEPT: [&str; 4] = ["id", "effectiveTime", "active", "definitionStatusId"];
const DESCRIPTION: [&str; 8] =
    ["id", "effectiveTime", "active", "conceptId", "languageCode", "typeId", "term", "caseSignificanceId"];
const LANGUAGE: [&str; 6] = ["id", "effectiveTime", "active", "refsetId", "referencedComponentId", "acceptabilityId"];
const MAP: [&str; 10] = [
    "id",
    "effectiveTime",
    "active",
    "refsetId",
    "referencedComponentId",
    "mapTarget",
    "mapGroup",
    "mapPriority",
    "mapRule",
    "mapAdvice",
];

const COLUMNS: Layout = Layout::Headed('\t');

/// Since when a state holds, and what it is.
type Dated<T> = (u32, T);

/// What has been read, by id.
#[derive(Debug, Default)]
struct Snapshot {
    /// Whether a concept is active.
    concepts: HashMap<u64, Dated<bool>>,
    /// Whether a synonym is active.
    synonyms: HashMap<u64, Dated<bool>>,
    /// Fully specified names; none where one is inactive.
    full_names: BTreeMap<u64, Dated<Option<FullName>>>,
    /// The description that a member of the language reference set prefers.
    preferences: HashMap<u128, Dated<Option<u64>>>,
    /// Members of the map.
    maps: HashMap<u128, Dated<()>>,
    other_maps: bool,
}

#[derive(Debug)]
struct FullName {
    concept: u64,
    text: String,
    case_sensitive: bool,
}

/// Reads a release.
///
/// # Errors
/// When the concepts or the descriptions are missing, a line cannot be used, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let snapshot = Snapshot::read(release)?;
    let summary = snapshot.summary();
    let mut rows = Rows::new(snapshot, out);
    release.each(|member| {
        let header = Header::new(&first_line(member)?, '\t');
        if let Some(places) = header.places(DESCRIPTION) {
            return each_row(member, COLUMNS, |row| rows.synonym(row, places));
        }
        header.places(MAP).map_or(Ok(()), |places| each_row(member, COLUMNS, |row| rows.map(row, places)))
    })?;
    rows.full_names()?;
    Ok(summary)
}

impl Snapshot {
    fn read(release: &Release) -> Result<Self> {
        let mut snapshot = Self::default();
        let (mut concepts, mut descriptions) = (false, false);
        release.each(|member| {
            let header = Header::new(&first_line(member)?, '\t');
            if let Some(places) = header.places(CONCEPT) {
                concepts = true;
                return each_row(member, COLUMNS, |row| snapshot.concept(row, places));
            }
            if let Some(places) = header.places(DESCRIPTION) {
                descriptions = true;
                return each_row(member, COLUMNS, |row| snapshot.description(row, places));
            }
            if let Some(places) = header.places(LANGUAGE) {
                return each_row(member, COLUMNS, |row| snapshot.preference(row, places));
            }
            header.places(MAP).map_or(Ok(()), |places| each_row(member, COLUMNS, |row| snapshot.map(row, places)))
        })?;
        for (found, columns) in [(concepts, CONCEPT.as_slice()), (descriptions, DESCRIPTION.as_slice())] {
            if !found {
                return Err(ReleaseError::not_found(format!("the RF2 file with the columns {}", columns.join(", "))));
            }
        }
        Ok(snapshot)
    }

    fn concept(&mut self, row: &Row<'_>, [id, time, active, _]: [usize; 4]) -> Result<()> {
        keep_latest(self.concepts.entry(row.number(id)?).or_default(), (row.number(time)?, is_active(row, active)));
        Ok(())
    }

    fn description(&mut self, row: &Row<'_>, places: [usize; 8]) -> Result<()> {
        let [id, time, active, concept, language, kind, term, case] = places;
        if row.cells[language] != "en" {
            return Ok(());
        }
        let (id, time, active) = (row.number(id)?, row.number(time)?, is_active(row, active));
        if row.cells[kind] == SYNONYM {
            keep_latest(self.synonyms.entry(id).or_default(), (time, active));
        } else if row.cells[kind] == FULLY_SPECIFIED {
            let (text, case_sensitive) = (row.cells[term].to_owned(), row.cells[case] == CASE_SENSITIVE);
            let name = FullName { concept: row.number(concept)?, text, case_sensitive };
            keep_latest(self.full_names.entry(id).or_default(), (time, active.then_some(name)));
        }
        Ok(())
    }

    fn preference(&mut self, row: &Row<'_>, [id, time, active, refset, description, acceptability]: [usize; 6]) -> Result<()> {
        if row.cells[refset] == US_ENGLISH {
            let preferred = is_active(row, active) && row.cells[acceptability] == PREFERRED;
            let description = if preferred { Some(row.number(description)?) } else { None };
            keep_latest(self.preferences.entry(member_id(row, id)?).or_default(), (row.number(time)?, description));
        }
        Ok(())
    }

    fn map(&mut self, row: &Row<'_>, [id, time, _, refset, ..]: [usize; 10]) -> Result<()> {
        if row.cells[refset] == ICD_10_CM_MAP {
            keep_latest(self.maps.entry(member_id(row, id)?).or_default(), (row.number(time)?, ()));
        } else {
            self.other_maps = true;
        }
        Ok(())
    }

    fn is_active(&self, concept: u64) -> bool {
        self.concepts.get(&concept).is_some_and(|(_, active)| *active)
    }

    fn summary(&self) -> Summary {
        let latest = self.concepts.values().map(|(time, _)| *time).max();
        let mut notes = Vec::new();
        if self.preferences.is_empty() {
            notes.push(
                "There is no US English language reference set: fully specified names are taken for preferred".to_owned(),
            );
        }
        if self.other_maps {
            notes.push(format!("Maps to other targets than ICD-10-CM (reference set {ICD_10_CM_MAP}) were left out"));
        }
        Summary { release: latest.map(|time| time.to_string()).unwrap_or_default(), notes, ..Summary::default() }
    }
}

/// What is written, and what is still to be written of it.
struct Rows<'o> {
    snapshot: Snapshot,
    full_names: BTreeMap<u64, FullName>,
    preferred: HashSet<u64>,
    /// Concepts that have their fully specified name as a synonym too.
    repeated: HashSet<u64>,
    out: &'o mut dyn Output,
}

impl<'o> Rows<'o> {
    fn new(mut snapshot: Snapshot, out: &'o mut dyn Output) -> Self {
        let names = std::mem::take(&mut snapshot.full_names).into_values().filter_map(|(_, name)| name);
        let full_names = names.filter(|name| snapshot.is_active(name.concept)).map(|name| (name.concept, name)).collect();
        let preferred = snapshot.preferences.values().filter_map(|(_, description)| *description).collect();
        Self { snapshot, full_names, preferred, repeated: HashSet::new(), out }
    }

    fn synonym(&mut self, row: &Row<'_>, places: [usize; 8]) -> Result<()> {
        let [id, time, _, concept, language, kind, term, case] = places;
        if row.cells[language] != "en" || row.cells[kind] != SYNONYM {
            return Ok(());
        }
        let (id, concept) = (row.number(id)?, row.number(concept)?);
        // Once written it goes, for the same row stands in Full and in Snapshot.
        if self.snapshot.synonyms.get(&id) != Some(&(row.number(time)?, true)) || !self.snapshot.is_active(concept) {
            return Ok(());
        }
        self.snapshot.synonyms.remove(&id);
        let (name, tag) = self.full_names.get(&concept).map_or(("", ""), |name| name_and_tag(&name.text));
        if name == row.cells[term] {
            self.repeated.insert(concept);
        }
        let preferred = FLAGS[usize::from(self.preferred.contains(&id))];
        let sensitive = FLAGS[usize::from(row.cells[case] == CASE_SENSITIVE)];
        self.out.row(CONCEPTS, &[system::SNOMED, &concept.to_string(), row.cells[term], preferred, tag, sensitive])
    }

    fn map(&mut self, row: &Row<'_>, [id, time, active, refset, code, cells @ ..]: [usize; 10]) -> Result<()> {
        if row.cells[refset] != ICD_10_CM_MAP || !self.snapshot.is_active(row.number(code)?) {
            return Ok(());
        }
        let id = member_id(row, id)?;
        if self.snapshot.maps.get(&id) != Some(&(row.number(time)?, ())) {
            return Ok(());
        }
        self.snapshot.maps.remove(&id);
        if !is_active(row, active) {
            return Ok(());
        }
        let [target, group, priority, rule, advice] = cells.map(|cell| row.cells[cell]);
        self.out.row(MAPS, &[row.cells[code], target, group, priority, rule, advice])
    }

    /// Fully specified names that no synonym repeats.
    fn full_names(self) -> Result<()> {
        let preferred = FLAGS[usize::from(self.snapshot.preferences.is_empty())];
        for (concept, name) in self.full_names.iter().filter(|(concept, _)| !self.repeated.contains(concept)) {
            let (text, tag) = name_and_tag(&name.text);
            let sensitive = FLAGS[usize::from(name.case_sensitive)];
            self.out.row(CONCEPTS, &[system::SNOMED, &concept.to_string(), text, preferred, tag, sensitive])?;
        }
        Ok(())
    }
}

fn is_active(row: &Row<'_>, active: usize) -> bool {
    row.cells[active] == "1"
}

/// Replaces a state by one that is as late or later.
fn keep_latest<T>(there: &mut Dated<T>, found: Dated<T>) {
    if there.0 <= found.0 {
        *there = found;
    }
}

/// The id of a member of a reference set, a UUID.
fn member_id(row: &Row<'_>, cell: usize) -> Result<u128> {
    let text = row.cells[cell];
    let digits = text.replace('-', "");
    u128::from_str_radix(&digits, 16)
        .map_err(|_| row.wrong(format!("\"{text}\" is no UUID; import the file as the publisher made it")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::terminologies::testing::{
        fixture, imported, imported_fixtures, refusal, refuses_what_is_damaged, rows, zipped,
    };

    const FILES: [&str; 5] = [
        "snomed_rf2/Description.txt",
        "snomed_rf2/Concept.txt",
        "snomed_rf2/Language.txt",
        "snomed_rf2/ExtendedMap.txt",
        "snomed_rf2/Relationship.txt",
    ];

    #[test]
    fn active_terms_have_their_tag_and_preference() {
        let (out, summary) = imported_fixtures(import, &FILES);
        assert_eq!(
            rows(&out, "concepts.tsv"),
            [
                "http://snomed.info/sct\t100001\tZorv disease\t0\tdisorder\t0",
                "http://snomed.info/sct\t100001\tZorvitis\t1\tdisorder\t0",
                "http://snomed.info/sct\t100002\tZorvé dust allergy\t1\tfinding\t1",
                "http://snomed.info/sct\t100002\tAllergy to \"zorv\" dust\t0\tfinding\t0",
                "http://snomed.info/sct\t100004\tFourth\t0\t\t0",
            ]
        );
        assert_eq!(summary.release, "20260301");
    }

    #[test]
    fn maps_are_those_to_icd_10_cm() {
        let (out, summary) = imported_fixtures(import, &FILES);
        let rule = "IFA 445518008 | Age at onset of clinical finding | < 28 days";
        assert_eq!(
            rows(&out, "maps.tsv"),
            [
                &format!("100001\tP96.89\t1\t1\t{rule}\tIF AGE AT ONSET < 28 DAYS CHOOSE P96.89"),
                "100001\tR69\t1\t2\tOTHERWISE TRUE\tALWAYS R69",
                "100002\tZ91.048\t1\t1\tTRUE\tALWAYS Z91.048",
            ]
        );
        assert!(summary.notes[0].contains("6011000124106"), "{:?}", summary.notes);
    }

    #[test]
    fn full_and_snapshot_together_give_the_same() {
        let (once, _) = imported_fixtures(import, &FILES);
        let (both, _) = imported(import, &FILES.iter().chain(&FILES).map(|name| fixture(name)).collect::<Vec<_>>());
        assert_eq!(once.tables, both.tables);
    }

    #[test]
    fn without_a_language_reference_set_full_names_are_preferred() {
        let (out, summary) = imported_fixtures(import, &FILES[..2]);
        assert!(rows(&out, "concepts.tsv").contains(&"http://snomed.info/sct\t100004\tFourth\t1\t\t0".to_owned()));
        assert!(summary.notes[0].contains("language reference set") && !out.tables.contains_key("maps.tsv"));
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_what_is_damaged(import, &FILES);
        let concepts = std::fs::read(fixture(FILES[1])).expect("a fixture");
        let alone = refusal(import, &concepts);
        assert!(alone.contains("languageCode"), "{alone}");
        let descriptions = std::fs::read(fixture(FILES[0])).expect("a fixture");
        let short = [&concepts, b"100009\t20260301\t1\n".as_slice()].concat();
        let short = refusal(import, &zipped(&[("c", &short), ("d", &descriptions)]));
        assert_eq!(short, "download/c, line 7: has 3 fields, not 5; the file is damaged: download it again");
        let language = b"id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId\n\
            none\t20260301\t1\t1\t900000000000509007\t1012\t900000000000548007\n";
        let member = refusal(import, &zipped(&[("c", &concepts), ("d", &descriptions), ("l", language)]));
        assert!(member.contains("download/l, line 2: \"none\" is no UUID"), "{member}");
    }
}
