//! Claims and lists beside ten million notes: the rows are made by SQL, the queries are the store's own.
//!
//! The short tier makes a few thousand rows and shows that the queries find what they should; the long tier, or
//! `ABSTRACTOR_TEST_NOTES=10000000 cargo test --lib store::postgres::many -- --nocapture`, measures and holds the floor.

use std::time::{Duration, Instant};

use jiff::civil::date;

use super::tests::{cluster, database, open};
use crate::{
    domain::{Assigned, EncounterClass, ItemState, NewNote, PayerClass, Worklist, WorklistOrder},
    seal::SiteKeys,
    store::{
        ItemFilter, NoteStore as _, ReviewStore as _,
        conformance::{MINUTE, at, of_encounter, post},
    },
};

/// A page of a list, and a claim of 16 jobs, take no longer than this in the median.
const FLOOR: Duration = Duration::from_millis(10);
/// Notes of the short tier.
const FEW: u64 = 4_000;
const DEPARTMENTS: u64 = 20;

fn notes() -> u64 {
    let told = |name: &str| std::env::var_os(name).and_then(|text| text.into_string().ok());
    let is_long = told("ABSTRACTOR_TEST_TIER").is_some_and(|tier| tier == "long");
    told("ABSTRACTOR_TEST_NOTES").and_then(|text| text.parse().ok()).unwrap_or(if is_long { 10_000_000 } else { FEW })
}

/// Two notes an encounter. Of a hundred encounters 98 were finished, the old ones first; one job in two hundred waits, of six sources.
fn rows(notes: u64) -> String {
    let start = at(0).as_microsecond();
    format!(
        "SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB';
        CREATE FUNCTION made(kind int, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS
            $$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
        INSERT INTO review_item (id, facility, department, encounter_class, payer_class, restricted, state, revision, data_key, created_at,
                summary_revision, waiting, unsure, alerts, hard_edits, prompts, payment, note_types, service_from, service_to,
                benefit_order, priority)
            SELECT made(1, n), 'main', 'dep-' || n % {DEPARTMENTS}, CASE WHEN n % 3 = 0 THEN 'inpatient' ELSE 'outpatient' END,
                CASE WHEN n % 5 = 0 THEN 'medicare' ELSE 'commercial' END, (n % 50 = 0)::int,
                CASE WHEN n <= {finished} THEN 'finished' ELSE 'open' END, 3, '\\x00', {start} + n * 1000, 3, n % 12, n % 4,
                (n % 37 = 0)::int, 0, n % 3, 0, CASE WHEN n % 2 = 0 THEN 'progress_note' ELSE 'discharge_summary progress_note' END,
                to_char(date '2020-01-01' + (n * 2000 / {items})::int, 'YYYY-MM-DD'),
                to_char(date '2020-01-03' + (n * 2000 / {items})::int, 'YYYY-MM-DD'), -(n % 97), 3
            FROM generate_series(1::bigint, {items}) n;
        INSERT INTO note (id, item_id, source, identity_index, version, content_hash, data_key, text, note_type, facility, department,
                confidentiality, status, received_at)
            SELECT made(2, n), made(1, (n + 1) / 2), 'source-' || n % 6, decode(lpad(to_hex(n), 64, '0'), 'hex'), '',
                decode(lpad(to_hex(n), 64, '0'), 'hex'), decode(repeat('00', 60), 'hex'), decode(repeat('00', 200), 'hex'), 'progress_note',
                'main', 'dep-' || n % {DEPARTMENTS}, 'normal', CASE WHEN n % 200 = 0 THEN 'pending' ELSE 'ready' END, {start} + n * 500
            FROM generate_series(1::bigint, {notes}) n;
        INSERT INTO job (id, note_id, state, run_after, fence, tries, created_at, source)
            SELECT made(3, n), made(2, n), CASE WHEN n % 200 = 0 THEN 'waiting' ELSE 'done' END, 0, 0, 0, {start} + n * 500,
                'source-' || n % 6
            FROM generate_series(1::bigint, {notes}) n;
        INSERT INTO extraction (id, note_id, live, engine_version, model, vocabulary, edition, edition_exact, body, recorded_at)
            SELECT made(4, n), made(2, n), 1, '0.1.0', 'm', 'v', 'ICD-10-CM FY2026', 1, decode(repeat('00', 100), 'hex'), {start} + n * 500
            FROM generate_series(1::bigint, {notes}) n WHERE n % 200 <> 0;
        SET session_replication_role = DEFAULT;",
        items = notes / 2,
        finished = notes / 2 * 98 / 100,
    )
}

/// The median and the greatest of some durations.
fn summary(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() - 1])
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_and_lists_stay_quick_beside_many_notes() {
    let notes = notes();
    let kept = database().await;
    let started = Instant::now();
    cluster().sql(&kept.0, &rows(notes));
    cluster().sql(&kept.0, "VACUUM ANALYZE");
    let store = open(&kept.0, SiteKeys::generate()).await;
    let now = at(100_000_000);
    // encounters that are sealed as they should be stand in every list among the others
    for number in 0..40 {
        let note = NewNote { department: Some("dep-3".to_owned()), ..of_encounter(&format!("e{number}"), Some("p"), "words") };
        post(&store, note, number).await;
    }
    let mut report = format!("{notes} notes in PostgreSQL, made in {:.0} s\n", started.elapsed().as_secs_f64());

    let mut slow = Vec::new();
    let mut times = Vec::new();
    let mut sources = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let begun = Instant::now();
        let jobs = store.claim_jobs(16, MINUTE, now).await.expect("claims");
        times.push(begun.elapsed());
        // of a note that was made, the number says its source
        let made = jobs.iter().map(|job| job.note_id.as_u128()).filter(|id| id >> 96 == 2);
        sources.extend(made.map(|id| id % 6));
        if notes == FEW {
            break;
        }
    }
    let mut told = |what: &str, times: Vec<Duration>, floor: Duration| {
        let (median, most) = summary(times);
        let line =
            format!("{what:30} median {:>6.2} ms, most {:>6.2} ms\n", median.as_secs_f64() * 1e3, most.as_secs_f64() * 1e3);
        report.push_str(&line);
        if median > floor {
            slow.push(what.to_owned());
        }
    };
    told("claim 16 jobs", times, FLOOR);

    let open_ones = Worklist { state: Some(ItemState::Open), ..Worklist::default() };
    let dated = |from, to| Worklist { service_from: Some(from), service_to: Some(to), ..open_ones.clone() };
    for (name, worklist) in [
        ("open, oldest first", open_ones.clone()),
        ("open, by benefit", Worklist { order: WorklistOrder::Benefit, ..open_ones.clone() }),
        ("open, by date of service", Worklist { order: WorklistOrder::ServiceDate, ..open_ones.clone() }),
        ("open, by priority", Worklist { order: WorklistOrder::Priority, ..open_ones.clone() }),
        ("open, of a department", Worklist { department: Some("dep-7".to_owned()), ..open_ones.clone() }),
        ("open, of inpatients", Worklist { encounter_class: Some(EncounterClass::Inpatient), ..open_ones.clone() }),
        ("open, of a payer", Worklist { payer_class: Some(PayerClass::Medicare), ..open_ones.clone() }),
        ("open, of a type of note", Worklist { note_type: Some("discharge_summary".to_owned()), ..open_ones.clone() }),
        ("open, with an alert", Worklist { alert: true, ..open_ones.clone() }),
        ("open, of nobody", Worklist { assigned: Some(Assigned::Nobody), ..open_ones.clone() }),
        ("open, of some days", dated(date(2025, 5, 20), date(2025, 5, 30))),
        ("finished, oldest first", Worklist { state: Some(ItemState::Finished), ..Worklist::default() }),
        ("all, by benefit", Worklist { order: WorklistOrder::Benefit, ..Worklist::default() }),
    ] {
        let filter = ItemFilter { worklist, limit: 50, ..ItemFilter::default() };
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..if notes == FEW { 1 } else { 15 } {
            let begun = Instant::now();
            found = store.items(filter.clone(), now).await.expect("lists").len();
            times.push(begun.elapsed());
        }
        assert!(found > 0, "{name} is empty");
        told(name, times, FLOOR);
    }
    let begun = Instant::now();
    store.answers().await.expect("answers");
    told("readiness", vec![begun.elapsed()], FLOOR);
    let counts = store.counts(now).await.expect("counts");
    assert_eq!(counts.notes, notes + 40);
    let begun = Instant::now();
    assert_eq!(store.counts(now).await.expect("counts").notes, notes + 40);
    told("counts for metrics", vec![begun.elapsed()], Duration::MAX);
    print!("{report}");
    if notes > FEW {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/target/many.txt");
        std::fs::write(file, report).expect("is written");
    }
    assert_eq!(sources.len(), 3, "every source that has waiting jobs gets its turn");
    assert!(notes == FEW || slow.is_empty(), "slower than {FLOOR:?}: {slow:?}");
}
