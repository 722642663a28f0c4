//! Patients counted as a plain count counts them, and nothing small that could be worked out of what is told.

use std::collections::{BTreeMap, BTreeSet, HashMap as Map, HashSet};

use jiff::{Timestamp, civil::date};
use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Assertion, ChosenCode, EncounterClass, ItemState},
    vocabulary::Tables,
};

fn vocabulary() -> &'static Vocabulary {
    static LOADED: std::sync::OnceLock<Vocabulary> = std::sync::OnceLock::new();
    LOADED.get_or_init(|| Vocabulary::load(&Tables::embedded().expect("tables")).expect("a vocabulary"))
}

fn asked(by: CountedBy, level: CodeLevel, columns: ColumnsBy) -> PopulationAsked {
    let months = Months::asked((Some("2026-01"), Some("2026-06")), columns, date(2026, 8, 14)).expect("months");
    PopulationAsked { by, level, columns, months }
}

fn code(system: &str, code: &str) -> ChosenCode {
    ChosenCode { system: system.to_owned(), code: code.to_owned(), display: format!("name of {code}") }
}

fn entry(kind: EntryKind, ended: Ended, codes: Vec<ChosenCode>) -> EntryOutcome {
    EntryOutcome {
        entry_id: Uuid::from_u128(1),
        kind,
        ended,
        words: String::new(),
        other_words: Vec::new(),
        note_id: None,
        note_type: None,
        section: None,
        suggested: None,
        confidence: None,
        others: Vec::new(),
        codes,
        assertion: [Some(Assertion::Present); 2],
        status: [None; 2],
        charted: true,
        reason: None,
        decided: None,
        bulk: false,
        engine: None,
    }
}

fn diagnosis(of: &str) -> EntryOutcome {
    entry(EntryKind::Diagnosis, Ended::Accepted, vec![code(system::ICD10CM, of)])
}

/// An encounter of a patient (0 is none) that was finished in the middle of a month of 2026.
fn item(patient: u128, month: i8, entries: Vec<EntryOutcome>) -> ItemOutcome {
    let at: Timestamp = format!("2026-{month:02}-15T12:00:00Z").parse().expect("a time");
    ItemOutcome {
        item: Uuid::from_u128(3),
        patient: (patient > 0).then(|| Uuid::from_u128(patient)),
        revision: 1,
        state: ItemState::Finished,
        received_at: at,
        finished: Some((at, Uuid::from_u128(4), "kim".to_owned())),
        encounter_class: Some(EncounterClass::Inpatient),
        facility: None,
        department: None,
        service_date: None,
        note_types: Vec::new(),
        engines: Vec::new(),
        entries,
    }
}

fn report(asked: PopulationAsked, items: &[ItemOutcome], smallest: u64) -> PopulationReport {
    let mut population = Population::new(asked, &TimeZone::UTC, vocabulary());
    items.iter().for_each(|item| population.add(item));
    population.gathered().told_from(smallest)
}

/// The rows by their codes: cells, then the patients of all columns; what is not told is none.
fn rows(report: &PopulationReport) -> BTreeMap<String, Vec<Option<u64>>> {
    let told = |row: &PopulationRow| row.cells.iter().chain([&row.patients]).map(|cell| cell.told()).collect();
    let of = |row: &PopulationRow| match &row.of {
        RowOf::Code { code, .. } => code.clone(),
        RowOf::NoKnownAllergies => "none known".to_owned(),
        RowOf::Uncoded => "uncoded".to_owned(),
    };
    report.rows.iter().map(|row| (of(row), told(row))).collect()
}

fn names(report: &PopulationReport) -> BTreeSet<String> {
    rows(report).into_keys().collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_coders_let_stand_of_the_patient_counts() {
    let with = |change: fn(&mut EntryOutcome), of: &str| {
        let mut entry = diagnosis(of);
        change(&mut entry);
        entry
    };
    let items = [item(
        1,
        2,
        vec![
            diagnosis("I10"),
            with(|entry| entry.ended = Ended::Amended, "E11.9"),
            with(|entry| entry.ended = Ended::Added, "J45.909"),
            with(|entry| entry.assertion[1] = Some(Assertion::Possible), "I26.99"),
            with(|entry| entry.assertion[1] = None, "K29.70"),
            with(|entry| entry.ended = Ended::Rejected, "A01"),
            with(|entry| entry.ended = Ended::Ignored, "A02"),
            with(|entry| entry.assertion[1] = Some(Assertion::Absent), "A03"),
            with(|entry| entry.assertion[1] = Some(Assertion::Family), "A04"),
            with(|entry| entry.assertion[1] = Some(Assertion::Hypothetical), "A05"),
            with(|entry| entry.assertion[1] = Some(Assertion::Historical), "A06"),
            with(|entry| entry.codes.clear(), ""),
            with(|entry| entry.status[1] = Some(MedicationStatus::Active), "M10.9"),
        ],
    )];
    let told = report(asked(CountedBy::Diagnosis, CodeLevel::Code, ColumnsBy::Month), &items, 1);
    assert_eq!(names(&told), set(&["I10", "E11.9", "J45.909", "I26.99", "K29.70", "uncoded", "M10.9"]));
    let at = |level| names(&report(asked(CountedBy::Diagnosis, level, ColumnsBy::Month), &items[..1], 1));
    assert!(at(CodeLevel::Category).is_superset(&set(&["I10", "E11", "J45", "I26", "K29", "M10"])));
    assert!(at(CodeLevel::Block).is_superset(&set(&["I10-I1A", "E08-E13"])), "{:?}", at(CodeLevel::Block));
    assert!(at(CodeLevel::Chapter).is_superset(&set(&["I00-I99", "E00-E89"])), "{:?}", at(CodeLevel::Chapter));
    let hypertension = told.rows.iter().find(|row| row.title.to_lowercase().contains("hypertension"));
    assert!(hypertension.is_some(), "codes have their titles");
}

#[test]
fn medications_and_allergens_have_rows_of_their_own() {
    let drug = |of: &str, status| EntryOutcome {
        status: [None, status],
        ..entry(EntryKind::Medication, Ended::Accepted, vec![code(system::RXNORM, of)])
    };
    let entries = vec![
        drug("1", Some(MedicationStatus::Active)),
        drug("2", Some(MedicationStatus::Given)),
        drug("3", Some(MedicationStatus::Discontinued)),
        drug("4", Some(MedicationStatus::Hypothetical)),
        drug("5", Some(MedicationStatus::Absent)),
        drug("6", None),
        entry(EntryKind::Allergy, Ended::Added, vec![code(system::RXNORM, "7")]),
        entry(EntryKind::NoKnownAllergies, Ended::Accepted, Vec::new()),
        diagnosis("I10"),
    ];
    let of = |by| names(&report(asked(by, CodeLevel::Code, ColumnsBy::Month), &[item(1, 1, entries.clone())], 1));
    assert_eq!(of(CountedBy::Medication), set(&["1", "2", "6"]));
    assert_eq!(of(CountedBy::Allergy), set(&["7", "none known"]));
    assert_eq!(of(CountedBy::Diagnosis), set(&["I10"]));
}

#[test]
fn patients_count_once_and_encounters_without_one_apart() {
    let mut items: Vec<ItemOutcome> =
        (1..=12).map(|patient| item(patient, 1, vec![diagnosis("I10"), diagnosis("I10")])).collect();
    items.extend((1..=12).map(|patient| item(patient, 3, vec![diagnosis("I10")])));
    items.extend((21..=40).map(|patient| item(patient, 1, vec![diagnosis("E11.9")])));
    items.extend((21..=23).map(|patient| item(patient, 2, vec![diagnosis("K29.70")])));
    items.extend((0..11).map(|_| item(0, 1, vec![diagnosis("E11.9")])));
    items.push(item(99, 7, vec![diagnosis("I10")]));
    items.push(ItemOutcome { finished: None, ..item(98, 1, vec![diagnosis("I10")]) });
    let told = report(asked(CountedBy::Diagnosis, CodeLevel::Category, ColumnsBy::Quarter), &items, SMALLEST_CELL);
    assert_eq!(told.columns, ["2026-Q1", "2026-Q2"].map(|step| ColumnOf::Time(step.to_owned())));
    let cells: Vec<_> = told.seen.iter().chain([&told.patients]).map(|cell| cell.told()).collect();
    assert_eq!(cells, [Some(32), Some(0), Some(32)]);
    assert_eq!(told.without_patient, Cell::Count(11));
    let rows = rows(&told);
    assert_eq!(rows["I10"], [Some(12), Some(0), Some(12)]);
    assert_eq!(rows["E11"], [Some(20), Some(0), Some(20)]);
    assert_eq!((rows["K29"][0], rows["K29"][2]), (None, None), "three are not told");
    assert_eq!(told.rows.last().map(|row| row.patients), Some(Cell::Suppressed), "what is not told stands last");
    assert_eq!(charted(&told, 5).len(), 2);
    items.pop();
    items.truncate(50);
    let fewer = report(asked(CountedBy::Diagnosis, CodeLevel::Category, ColumnsBy::Month), &items, SMALLEST_CELL);
    assert_eq!(fewer.without_patient, Cell::Suppressed);
}

#[test]
fn many_places_are_told_together() {
    let items: Vec<ItemOutcome> = (1..=25_u128)
        .flat_map(|place| (0..place + 10).map(move |patient| (place, place * 1000 + patient)))
        .map(|(place, patient)| ItemOutcome {
            facility: Some(format!("F{place:02}")),
            ..item(patient, 1, vec![diagnosis("I10")])
        })
        .collect();
    let told = report(asked(CountedBy::Diagnosis, CodeLevel::Code, ColumnsBy::Facility), &items, SMALLEST_CELL);
    assert_eq!((told.columns.len(), told.columns.last()), (21, Some(&ColumnOf::OtherPlaces)));
    assert_eq!(told.columns[0], ColumnOf::Place("F06".to_owned()));
    assert_eq!(told.seen[20], Cell::Count((11..=15).sum()));
    assert_eq!(rows(&told)["I10"].iter().flatten().sum::<u64>(), 2 * items.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With nothing left out, every count is that of a plain count; and what is told with small ones left out is one of those.
    #[test]
    fn counts_are_those_of_a_plain_count(
        seen in proptest::collection::vec((0_u128..40, 1_i8..8, 0_usize..3, proptest::collection::vec(0_usize..4, 0..4)), 0..150)
    ) {
        let (codes, places) = (["I10", "E11.9", "K29.70", "J45.909"], ["", "NORTH", "SOUTH"]);
        let items: Vec<ItemOutcome> = seen.iter().map(|(patient, month, place, entries)| {
            let facility = Some(places[*place].to_owned()).filter(|place| !place.is_empty());
            ItemOutcome { facility, ..item(*patient, *month, entries.iter().map(|at| diagnosis(codes[*at])).collect()) }
        }).collect();
        for columns in [ColumnsBy::Month, ColumnsBy::Quarter, ColumnsBy::Facility] {
            let asked = asked(CountedBy::Diagnosis, CodeLevel::Code, columns);
            let (told, plain) = (report(asked, &items, SMALLEST_CELL), report(asked, &items, 1));
            let mut expected: Map<(String, usize), HashSet<u128>> = Map::new();
            for (patient, month, place, entries) in seen.iter().filter(|one| one.0 > 0 && one.1 < 7) {
                let column = match columns {
                    ColumnsBy::Month => usize::try_from(*month).expect("a month") - 1,
                    ColumnsBy::Quarter => (usize::try_from(*month).expect("a month") - 1) / 3,
                    _ => plain.columns.iter().position(|one| *one == ColumnOf::Place(places[*place].to_owned())).expect("a column"),
                };
                for row in entries.iter().map(|at| codes[*at]).chain(["seen"]) {
                    for column in [column, plain.columns.len()] {
                        expected.entry((row.to_owned(), column)).or_default().insert(*patient);
                    }
                }
            }
            let count = |row: &str, column| expected.get(&(row.to_owned(), column)).map_or(0, |of| of.len() as u64);
            let mut all = rows(&plain);
            all.insert("seen".to_owned(), plain.seen.iter().chain([&plain.patients]).map(|cell| cell.told()).collect());
            for (row, cells) in &all {
                for (column, cell) in cells.iter().enumerate() {
                    prop_assert_eq!(*cell, Some(count(row, column)), "{} {}", row, column);
                }
            }
            for (row, cells) in rows(&told) {
                for (cell, plain) in cells.iter().zip(&all[&row]) {
                    prop_assert!(cell.is_none() || cell == plain && cell.is_none_or(|count| count == 0 || count >= SMALLEST_CELL));
                }
            }
            prop_assert_eq!(names(&told), names(&plain));
        }
    }
}

/// All populations of at most so many patients over two columns: each patient is not seen, seen without or seen with the diagnosis in either.
fn populations(most: usize) -> Vec<(Counted, Counted)> {
    let kinds: Vec<[u8; 2]> = (1..9).map(|kind| [kind / 3, kind % 3]).collect();
    let mut found = Vec::new();
    let mut open: Vec<(usize, Vec<[u8; 2]>)> = vec![(0, Vec::new())];
    while let Some((from, patients)) = open.pop() {
        let count = |column: usize, least: u8| patients.iter().filter(|patient| patient[column] >= least).count() as u64;
        let with = patients.iter().filter(|patient| patient.contains(&2)).count() as u64;
        found.push((
            Counted { cells: vec![count(0, 1), count(1, 1)], patients: patients.len() as u64 },
            Counted { cells: vec![count(0, 2), count(1, 2)], patients: with },
        ));
        if patients.len() < most {
            open.extend((from..kinds.len()).map(|kind| (kind, [patients.as_slice(), &[kinds[kind]]].concat())));
        }
    }
    found
}

/// What is told of a population of one row, as the report tells it.
fn told_numbers((seen, row): &(Counted, Counted), smallest: u64) -> Vec<Option<u64>> {
    let told = told_of((seen, row), smallest);
    let (cells, sum) = suppress_list(&seen.cells, smallest);
    let columns = cells.iter().zip(&told.seen).map(|(cell, tells)| cell.told().filter(|_| *tells));
    let all = Some(seen.patients).filter(|all| told.all_seen && sum.told().is_some() && !is_small(*all, smallest));
    columns.chain([all]).chain(told.cells.iter().map(|cell| cell.told())).chain([told.patients.told()]).collect()
}

/// Its numbers in the same order, and behind them who was seen without it.
fn numbers((seen, row): &(Counted, Counted)) -> Vec<u64> {
    let of = |counted: &Counted| counted.cells.iter().copied().chain([counted.patients]).collect::<Vec<u64>>();
    let (seen, row) = (of(seen), of(row));
    let rest: Vec<u64> = seen.iter().zip(&row).map(|(seen, with)| seen - with).collect();
    [seen, row, rest].concat()
}

/// By brute force: of every small population, nobody can work out a small number from what is told, since another population tells the same.
#[test]
fn no_small_number_follows_from_what_is_told() {
    for (smallest, most) in [(3, 8), (4, 9)] {
        let all = populations(most);
        let mut by_told: Map<Vec<Option<u64>>, Vec<Vec<u64>>> = Map::new();
        // the largest ones have no larger neighbour to be mistaken for
        for population in all.iter().filter(|population| population.0.patients + 2 <= most as u64) {
            by_told.entry(told_numbers(population, smallest)).or_default().push(numbers(population));
        }
        let all: HashSet<Vec<u64>> = all.iter().map(numbers).collect();
        assert!(by_told.len() > 100, "{} ways to tell", by_told.len());
        assert!(by_told.keys().any(|told| told.iter().all(Option::is_some)), "much is told");
        for (told, hidden) in by_told {
            let fits =
                |numbers: &&Vec<u64>| told.iter().zip(*numbers).all(|(told, number)| told.is_none_or(|told| told == *number));
            let fitting: Vec<&Vec<u64>> = all.iter().filter(fits).collect();
            for numbers in hidden {
                for (at, number) in numbers.iter().enumerate().filter(|(_, number)| is_small(**number, smallest)) {
                    assert!(
                        fitting.iter().any(|other| other[at] != *number),
                        "number {at} of {numbers:?} follows from {told:?} where {smallest} is the smallest"
                    );
                }
            }
        }
    }
}
