//! The pages of reports over many encounters: hostile words stay words, tables stay short, files are whole, and it is done in time.
//! `ABSTRACTOR_TEST_ENCOUNTERS=10000 cargo test --lib reports_of_many -- --nocapture` prints how long.

use std::time::Instant;

use axum::http::StatusCode;
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;

use super::{House, id};
use crate::{
    domain::{
        Decision, DecisionKind, DriftEvaluation, DriftFinding, DriftMeasure, DriftVerdict, DriftWindow, NewNote, OptionKind,
        Patient, Query, QueryAct, QueryAnswer, QueryContent, QueryKind, QueryOption, Role, User,
    },
    review::{item_outcome, rollup},
    store::{
        AccountStore as _, Actor, AddNote, Finishing, ItemChange, NoteStore as _, OversightStore as _, QueryChange,
        QueryStore as _, ReviewStore as _, WorkedOut, sqlite::SqliteStore,
    },
    web::samples,
};

const LEASE: SignedDuration = SignedDuration::from_mins(30);

/// The sample's extraction with more diagnoses, so that it is about as long as that of a stay.
fn extraction(note: uuid::Uuid) -> crate::domain::Extraction {
    let mut extraction = samples::extraction(note);
    for at in 0..60_u8 {
        // a few of many codes, other ones for each note
        if (u128::from(at) * 7 + note.as_u128()).is_multiple_of(6) {
            let mut entry = extraction.entries[0].clone();
            entry.id = format!("more-{at}");
            entry.display = format!("diagnosis {at}");
            if let Some(code) = entry.codes.first_mut() {
                code.code = format!("A{at:02}.0");
                code.display = format!("diagnosis {at}");
            }
            extraction.entries.push(entry);
        }
    }
    extraction
}

/// A note of an encounter of its own.
async fn post(store: &SqliteStore, at: usize) {
    let patient = Some(Patient { id: format!("P-{at}"), ..Patient::default() });
    let note = NewNote { patient, encounter: Some(format!("E-{at}")), ..samples::new_note() };
    let added = store.add_note(id(), note.into(), Actor::service(), samples::now()).await.expect("stores");
    assert!(matches!(added, AddNote::Created { .. }));
}

/// A query that was sent and, of every other item, answered.
async fn ask(store: &SqliteStore, item: uuid::Uuid, user: &User) {
    let now = samples::now();
    let option = |kind, label: &str| QueryOption { kind, label: label.to_owned() };
    let content = QueryContent {
        template: "acuity".to_owned(),
        kind: QueryKind::Specificity,
        entry_id: None,
        title: "Acuity".to_owned(),
        question: "Which?".to_owned(),
        options: vec![option(OptionKind::Choice, "acute"), option(OptionKind::Undetermined, "unable")],
        indicators: Vec::new(),
    };
    let drafted_by = (user.id, user.name.clone());
    let query = Query { id: id(), item_id: item, drafted_by, drafted_at: now, content, events: Vec::new() };
    let asked = query.id;
    assert!(matches!(store.add_query(query, user, now).await.expect("answers"), ItemChange::Done { .. }));
    let answer = QueryAct::Answer(QueryAnswer { option: Some(0), text: None, provider: Some("Dr. <b>".to_owned()) });
    for act in [QueryAct::Send {}, answer].into_iter().take(if item.as_u128().is_multiple_of(2) { 2 } else { 1 }) {
        assert!(matches!(store.act_on_query(asked, user, act, now).await.expect("answers"), QueryChange::Done(_)));
    }
}

/// Claims an item, asks a provider of every fifth, decides on everything, finishes it, and works out how it came out; how many entries it has.
async fn finish(store: &SqliteStore, item: uuid::Uuid, user: &User) -> usize {
    let now = samples::now();
    assert!(matches!(store.claim_item(item, user, LEASE, now).await.expect("answers"), ItemChange::Done { .. }));
    if item.as_u128().is_multiple_of(5) {
        ask(store, item, user).await;
    }
    let entries = rollup(&store.item(item, now).await.expect("reads").expect("is there"));
    let decisions: Vec<Decision> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.needs_decision())
        .map(|(at, entry)| Decision {
            id: id(),
            item_id: item,
            entry_id: entry.id,
            user_id: user.id,
            user_name: user.name.clone(),
            at: now,
            kind: match at % 7 {
                0 => DecisionKind::Reject { reason: "historical".to_owned(), comment: None },
                _ => DecisionKind::Accept { bulk: false },
            },
            evidence: Vec::new(),
        })
        .collect();
    store.decide(item, user, decisions, None, now).await.expect("answers");
    let done = store.finish_item(item, user, Finishing::at(None), now).await.expect("answers");
    assert!(matches!(done, ItemChange::Done { .. }), "{done:?}");
    let record = store.item(item, now).await.expect("reads").expect("is there");
    let outcome = item_outcome(&record, &rollup(&record));
    let counted = outcome.entries.len();
    let worked_out = WorkedOut { outcome: Some(outcome), ..WorkedOut::default() };
    store.summarize_item(item, worked_out, now).await.expect("keeps");
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_many() {
    let asked = std::env::var_os("ABSTRACTOR_TEST_ENCOUNTERS").and_then(|many| many.into_string().ok()?.parse().ok());
    let many: usize = asked.unwrap_or(60);
    let house = House::new().await;
    let store = &*house.store;
    stream::iter(0..many).for_each_concurrent(64, |at| post(store, at)).await;
    let mut items = Vec::new();
    loop {
        let jobs = store.claim_jobs(64, LEASE, samples::now()).await.expect("claims");
        if jobs.is_empty() {
            break;
        }
        let recorded = jobs.iter().map(|job| async move {
            assert!(store.record_extraction(job, extraction(job.note_id), samples::now()).await.expect("records"));
            store.note(job.note_id).await.expect("reads").expect("is there").item_id
        });
        items.extend(futures_util::future::join_all(recorded).await);
    }
    assert_eq!(items.len(), many);
    let coder = store.user_named("coder").await.expect("reads").expect("is there");
    let coder = &coder;
    let entries: usize = stream::iter(items)
        .map(|item| finish(store, item, coder))
        .buffer_unordered(64)
        .fold(0, async |sum, one| sum + one)
        .await;

    // patients are counted in months that have ended
    house.clock.store(10 * 24 * 3600, std::sync::atomic::Ordering::Relaxed);
    let cookie = house.sign_in(Role::Lead).await;
    let mut told = format!("{many} encounters, {entries} entries:");
    for path in [
        "/reports",
        "/reports/engine",
        "/reports/engine?by=section",
        "/reports/backlog",
        "/reports/queries",
        "/population?from=2026-05&until=2026-05",
        "/population?from=2026-05&until=2026-05&level=code&columns=facility",
        "/population?from=2026-05&until=2026-05&by=medication",
        "/reports/work.csv",
        "/reports/engine.csv",
    ] {
        let start = Instant::now();
        let (status, html) = house.get(path, &cookie).await;
        told.push_str(&format!("\n{:>6} ms {path}", start.elapsed().as_millis()));
        assert_eq!(status, StatusCode::OK, "{path}");
        let is_page = !path.ends_with("csv");
        assert!(
            !is_page || !html.contains("<script>alert") && !html.contains("style="),
            "{path}: words of a sender stand in it as they are"
        );
        assert!(path.ends_with("csv") || html.len() < 250_000, "{path} has {} bytes", html.len());
    }
    println!("{told}");
    let (_, patients) = house.get("/population?from=2026-05&until=2026-05", &cookie).await;
    let seen = patients.split_once("id=\"seen\"").expect("the row").1.split_once("</tr>").expect("its end").0;
    assert!(seen.contains(&format!("<td>{many}<")), "each a patient of their own: {seen}");
    let (_, queries) = house.get("/reports/queries", &cookie).await;
    assert!(!queries.contains("<b>") && queries.contains("id=\"sent\""), "{queries}");
    let (_, page) = house.get("/reports/engine?by=code", &cookie).await;
    assert!(page.contains(&format!("id=\"encounters\">{many}<")), "{page}");
    let table = page.split_once("aria-labelledby=\"by\"").expect("the table").1.split_once("</table>").expect("its end").0;
    let rows = table.matches("<tr").count();
    let (_, file) = house.get("/reports/engine.csv", &cookie).await;
    let codes = file.lines().filter(|line| line.starts_with("code,")).count();
    assert!(codes > 50 && rows == 52, "{codes} codes in the file, {rows} rows: a heading, fifty and the rest");
    let (status, page) = house.get("/reports/engine?facility=nowhere", &cookie).await;
    assert!(status == StatusCode::OK && page.contains("id=\"encounters\">0<"));
    assert_eq!(house.get("/reports?from=2026-05-02&until=2026-05-01", &cookie).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn patients_are_a_report_among_the_others_and_drift_that_waits_is_told_on_the_first() {
    const CURRENT: &str = "<a href=\"/population\" aria-current=\"page\">";
    let house = House::new().await;
    let (lead, auditor) = (house.sign_in(Role::Lead).await, house.sign_in(Role::Auditor).await);
    let (status, patients) = house.get("/population", &lead).await;
    assert!(status == StatusCode::OK && patients.contains(CURRENT) && patients.contains("<a href=\"/reports/backlog\">"));
    let (_, work) = house.get("/reports?days=7&facility=North", &lead).await;
    assert!(work.contains("<a href=\"/population\">") && !work.contains(CURRENT), "another question is asked there: {work}");
    assert!(work.contains("<a href=\"/reports/backlog?days=7&#38;facility=North\">"), "{work}");
    assert!(!work.contains("drift-waits"), "nothing waits");

    let window = |from: i64, until: i64| {
        let at = |days: i64| samples::now() - SignedDuration::from_hours(24 * days);
        DriftWindow { from: at(from), until: at(until) }
    };
    let finding = DriftFinding {
        measure: DriftMeasure::AcceptanceRate,
        reference: Some(0.8),
        current: Some(0.6),
        effect: Some(-0.2),
        divergence: None,
        p: Some(0.001),
        adjusted: Some(0.007),
        encounters: [40, 41],
        observations: [100, 90],
        shares: Vec::new(),
        verdict: DriftVerdict::Drifted,
    };
    let evaluation = DriftEvaluation {
        id: id(),
        at: samples::now(),
        reference: window(60, 7),
        current: window(7, 0),
        fixed_reference: false,
        findings: vec![finding],
    };
    assert_eq!(house.store.record_drift(evaluation, Actor::service()).await.expect("records").len(), 1);
    for reader in [&lead, &auditor] {
        let (_, work) = house.get("/reports", reader).await;
        let notice = work.split_once("id=\"drift-waits\"").expect("the notice").1.split_once("</p>").expect("its end").0;
        assert!(notice.contains("Something drifts") && notice.contains("<a href=\"/drift\">"), "{notice}");
        assert_eq!(house.get("/drift", reader).await.0, StatusCode::OK, "where it leads to");
    }
    let (_, engine) = house.get("/reports/engine", &lead).await;
    assert!(!engine.contains("drift-waits"), "once is enough");
}
