//! Outcomes counted by everything that they are counted by.

use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::*;
use crate::domain::{Assertion, ItemState, MedicationStatus, system};

fn code(code: &str) -> ChosenCode {
    ChosenCode { system: system::ICD10CM.to_owned(), code: code.to_owned(), display: format!("title of {code}") }
}

/// An entry of `ended` that was suggested as one code and stands as others, decided by `coder`.
fn entry(ended: Ended, (suggested, stands): (&str, &[&str]), coder: &str) -> EntryOutcome {
    let suggested = Some(suggested).filter(|one| !one.is_empty()).map(code);
    EntryOutcome {
        entry_id: Uuid::from_u128(1),
        kind: EntryKind::Diagnosis,
        ended,
        words: "words".to_owned(),
        other_words: Vec::new(),
        note_id: None,
        note_type: Some("progress_note".to_owned()),
        section: Some("assessment".to_owned()),
        engine: (ended != Ended::Added).then_some(0),
        suggested,
        confidence: Some(0.9),
        others: Vec::new(),
        codes: stands.iter().map(|one| code(one)).collect(),
        assertion: [Some(Assertion::Present); 2],
        status: [None; 2],
        charted: true,
        reason: (ended == Ended::Rejected).then(|| "historical".to_owned()),
        decided: (!coder.is_empty()).then(|| (Uuid::from_u128(2), coder.to_owned(), Timestamp::UNIX_EPOCH)),
        bulk: false,
    }
}

fn item(finished: Option<&str>, entries: Vec<EntryOutcome>) -> ItemOutcome {
    ItemOutcome {
        item: Uuid::from_u128(3),
        patient: None,
        revision: 1,
        state: ItemState::Finished,
        received_at: Timestamp::UNIX_EPOCH,
        finished: finished.map(|at| (at.parse().expect("a time"), Uuid::from_u128(4), "kim".to_owned())),
        encounter_class: None,
        facility: Some("NORTH".to_owned()),
        department: None,
        service_date: None,
        note_types: Vec::new(),
        engines: vec![EngineVersion {
            version: "1.0".to_owned(),
            model: "model".to_owned(),
            vocabulary: "words".to_owned(),
            edition: "2026".to_owned(),
            edition_exact: true,
            site_pack: None,
        }],
        entries,
    }
}

fn report(filter: EntryFilter, items: &[ItemOutcome]) -> EngineReport {
    let days = Period::days("2026-05-01".parse().expect("a day"), "2026-05-03".parse().expect("a day"), &TimeZone::UTC);
    let mut report = EngineReport::new(filter, days.expect("days"), &TimeZone::UTC);
    for item in items {
        report.add(item);
    }
    report
}

fn told(rows: &OutcomeRows) -> Vec<(&str, [u64; 5])> {
    rows.rows.iter().map(|row| (row.value.as_str(), row.counts.in_order())).collect()
}

fn sample() -> Vec<ItemOutcome> {
    let mut medication = entry(Ended::Amended, ("42", &["42"]), "lee");
    medication.kind = EntryKind::Medication;
    medication.status = [Some(MedicationStatus::Active), Some(MedicationStatus::Discontinued)];
    let mut asserted = entry(Ended::Amended, ("I10", &["I10"]), "kim");
    asserted.assertion[1] = Some(Assertion::Historical);
    vec![
        item(
            Some("2026-05-01T10:00:00Z"),
            vec![
                entry(Ended::Accepted, ("E11.9", &["E11.9"]), "kim"),
                entry(Ended::Amended, ("E11.9", &["E11.65", "Z79.4"]), "lee"),
                entry(Ended::Rejected, ("I10", &[]), "kim"),
                entry(Ended::Added, ("", &["N18.30"]), "kim"),
                entry(Ended::Ignored, ("J45.909", &[]), ""),
            ],
        ),
        item(
            Some("2026-05-03T23:00:00Z"),
            vec![entry(Ended::Amended, ("E11.9", &["E11.65", "Z79.4"]), "lee"), medication, asserted],
        ),
        item(None, vec![entry(Ended::Ignored, ("J45.909", &[]), "")]),
        item(Some("2026-05-02T23:00:00Z"), Vec::new()),
    ]
}

#[test]
fn what_is_finished_is_counted_by_everything() {
    let report = report(EntryFilter::default(), &sample());
    assert_eq!((report.encounters, report.all.in_order()), (3, [1, 4, 1, 1, 1]), "what is not finished is left out");
    assert_eq!(
        told(&report.rows(Dimension::Code, 50)),
        [
            ("E11.9", [1, 2, 0, 0, 0]),
            ("I10", [0, 1, 1, 0, 0]),
            ("42", [0, 1, 0, 0, 0]),
            ("J45.909", [0, 0, 0, 0, 1]),
            ("N18.30", [0, 0, 0, 1, 0])
        ]
    );
    assert_eq!(report.rows(Dimension::Code, 50).rows[0].title, "title of E11.9");
    assert_eq!(told(&report.rows(Dimension::Coder, 50)), [("kim", [1, 1, 1, 1, 1]), ("lee", [0, 3, 0, 0, 0])]);
    assert_eq!(
        told(&report.rows(Dimension::Engine, 50)),
        [("1.0 · model · words", [1, 4, 1, 0, 1]), ("", [0, 0, 0, 1, 0])],
        "what a coder added is of no engine"
    );
    assert_eq!(told(&report.rows(Dimension::Facility, 50)), [("NORTH", [1, 4, 1, 1, 1])]);
    assert_eq!(told(&report.rows(Dimension::Department, 50)), [("", [1, 4, 1, 1, 1])]);
    assert_eq!(told(&report.rows(Dimension::Kind, 50)), [("diagnosis", [1, 3, 1, 1, 1]), ("medication", [0, 1, 0, 0, 0])]);
    for dimension in Dimension::ALL {
        let rows = report.rows(dimension, usize::MAX);
        let sum = rows.rows.iter().fold(OutcomeCounts::default(), |sum, row| sum.with(row.counts));
        assert_eq!(sum, report.all, "{dimension:?} leaves something out");
        assert_eq!(dimension.as_str().parse(), Ok(dimension));
    }
    let steps: Vec<[u64; 5]> = report.steps().iter().map(|step| step.counts.in_order()).collect();
    assert_eq!(steps, [[1, 1, 1, 1, 1], [0; 5], [0, 3, 0, 0, 0]]);
}

#[test]
fn the_rest_of_a_long_table_stands_in_one_row() {
    let rows = report(EntryFilter::default(), &sample()).rows(Dimension::Code, 2);
    assert_eq!((rows.rows.len(), rows.other_rows, rows.others.in_order()), (2, 3, [0, 1, 0, 1, 1]));
}

#[test]
fn why_suggestions_did_not_stand() {
    let report = report(EntryFilter::default(), &sample());
    assert_eq!(report.reasons(), [ReasonCount { reason: "historical".to_owned(), times: 1 }]);
    assert_eq!(report.parts(), [(AmendedPart::Code, 2), (AmendedPart::Assertion, 1), (AmendedPart::Status, 1)]);
    let [pair] = &report.amendments(10)[..] else { panic!("one pair") };
    assert_eq!((pair.from.as_str(), pair.to.as_str(), pair.times), ("E11.9", "E11.65, Z79.4", 2));
    assert_eq!((pair.from_title.as_str(), pair.to_title.as_str()), ("title of E11.9", "title of E11.65"));
    assert!(report.amendments(0).is_empty());
}

#[test]
fn a_filter_leaves_out_what_is_not_asked_for() {
    let of = |kind, coder: Option<&str>| report(EntryFilter { kind, coder: coder.map(str::to_owned) }, &sample());
    let medications = of(Some(EntryKind::Medication), None);
    assert_eq!((medications.encounters, medications.all.in_order()), (1, [0, 1, 0, 0, 0]));
    let lee = of(None, Some("lee"));
    assert_eq!((lee.encounters, lee.all.in_order()), (2, [0, 3, 0, 0, 0]));
    assert_eq!(of(None, Some("kim")).all.in_order(), [1, 1, 1, 1, 1], "what nobody decided on is of who finished");
    assert_eq!(of(Some(EntryKind::Allergy), None).encounters, 0);
}
