//! Drift, shadow runs, and what was live.

use std::sync::Arc;

use uuid::Uuid;

use super::{MINUTE, at, id, outbox::destination};
use crate::{
    domain::{
        DeliveryState, DriftEvaluation, DriftFinding, DriftMeasure, DriftVerdict, DriftWindow, DriftWord, EngineIdentity,
        EventKind, ShadowChange, ShadowDifference, ShadowReport, ShadowRule, ShadowVerdict,
    },
    store::{Actor, DRIFT_QUIET, DeliveryFilter, ReportScope, Store},
};

fn lead() -> Actor {
    Actor { user_id: None, name: "lead".to_owned() }
}

fn finding(measure: DriftMeasure, verdict: DriftVerdict) -> DriftFinding {
    DriftFinding {
        measure,
        reference: Some(0.8),
        current: Some(0.6),
        effect: Some(-0.2),
        divergence: None,
        p: Some(0.001),
        adjusted: Some(0.007),
        encounters: [40, 41],
        observations: [100, 90],
        shares: Vec::new(),
        verdict,
    }
}

fn evaluation(seconds: i64, verdict: DriftVerdict) -> DriftEvaluation {
    DriftEvaluation {
        id: id(),
        at: at(seconds),
        reference: DriftWindow { from: at(seconds - 200), until: at(seconds - 100) },
        current: DriftWindow { from: at(seconds - 100), until: at(seconds) },
        fixed_reference: false,
        findings: vec![
            finding(DriftMeasure::AcceptanceRate, verdict),
            finding(DriftMeasure::NoteTypes, DriftVerdict::Small),
            finding(DriftMeasure::Confidence, DriftVerdict::TooFew),
        ],
    }
}

pub(crate) async fn a_drift_is_told_once_until_it_is_acknowledged(store: Arc<dyn Store>) {
    destination(&*store, "hears", &[EventKind::DriftDetected]).await;
    destination(&*store, "else", &[EventKind::ReviewFinished]).await;
    let steady = evaluation(0, DriftVerdict::Steady);
    assert!(store.record_drift(steady.clone(), Actor::service()).await.expect("records").is_empty());
    let drifted = evaluation(10, DriftVerdict::Drifted);
    let raised = store.record_drift(drifted.clone(), Actor::service()).await.expect("records");
    assert_eq!(raised.len(), 1);
    assert_eq!(store.drift_alerts(10).await.expect("lists"), raised);
    assert_eq!(store.drift_evaluations(10).await.expect("lists"), [drifted.clone(), steady]);
    assert_eq!(store.drift_evaluations(1).await.expect("lists").len(), 1);
    // seen again: no other alert, and no other event
    assert!(store.record_drift(evaluation(20, DriftVerdict::Drifted), Actor::service()).await.expect("records").is_empty());
    let seen = store.drift_alerts(10).await.expect("lists");
    assert_eq!((seen[0].at, seen[0].seen_at, seen[0].evaluation, seen.len()), (at(10), at(20), drifted.id, 1));
    assert_eq!(store.waiting_drift_alerts().await.expect("counts"), 1);

    assert!(!store.acknowledge_drift(id(), DriftWord::Expected, lead(), at(30)).await.expect("answers"));
    assert!(store.acknowledge_drift(seen[0].id, DriftWord::Expected, lead(), at(30)).await.expect("acknowledges"));
    assert!(!store.acknowledge_drift(seen[0].id, DriftWord::Mended, lead(), at(31)).await.expect("answers"), "once");
    let said = store.drift_alerts(10).await.expect("lists")[0].acknowledged.clone().expect("is acknowledged");
    assert_eq!((said.by.as_str(), said.at, said.word), ("lead", at(30), DriftWord::Expected));
    assert_eq!(store.waiting_drift_alerts().await.expect("counts"), 0);
    let quiet = evaluation(30 + DRIFT_QUIET.as_secs() - 1, DriftVerdict::Drifted);
    assert!(store.record_drift(quiet, Actor::service()).await.expect("records").is_empty(), "it was acknowledged just now");
    let later = evaluation(30 + DRIFT_QUIET.as_secs(), DriftVerdict::Drifted);
    assert_eq!(store.record_drift(later, Actor::service()).await.expect("records").len(), 1);

    let sent = store.claim_deliveries(MINUTE, at(40)).await.expect("claims");
    let [first] = &sent[..] else { panic!("{} deliveries", sent.len()) };
    assert_eq!((first.delivery.event, first.delivery.item_id), (EventKind::DriftDetected, None));
    let told: serde_json::Value = serde_json::from_str(first.body.as_deref().expect("a body")).expect("JSON");
    assert_eq!(
        (&told["alert_id"], &told["measure"]),
        (&serde_json::json!(raised[0].id), &serde_json::json!("acceptance_rate"))
    );
    let events = store.audit_events(0, 100).await.expect("lists");
    let of = |action: &str| events.iter().filter(|event| event.action == action).count();
    assert_eq!([of("drift.evaluated"), of("drift.detected"), of("drift.acknowledged")], [5, 2, 1]);
}

pub(crate) async fn what_is_about_no_encounter_is_told_whoever_asks(store: Arc<dyn Store>) {
    destination(&*store, "hears", &[EventKind::DriftDetected]).await;
    store.record_drift(evaluation(0, DriftVerdict::Drifted), Actor::service()).await.expect("records");
    let scope = ReportScope { facility: Some("NORTH".to_owned()), ..ReportScope::default() };
    let filter = DeliveryFilter { scope: Some(scope), limit: 10, ..DeliveryFilter::default() };
    let listed = store.deliveries(filter).await.expect("lists");
    assert_eq!(listed.iter().map(|one| (one.item_id, one.state)).collect::<Vec<_>>(), [(None, DeliveryState::Waiting)]);
}

pub(crate) async fn a_reference_is_what_was_said_last(store: Arc<dyn Store>) {
    assert_eq!(store.drift_reference().await.expect("reads"), None);
    let window = DriftWindow { from: at(0), until: at(100) };
    store.set_drift_reference(id(), Some(window), lead(), at(200)).await.expect("sets");
    let found = store.drift_reference().await.expect("reads").expect("was set");
    assert_eq!((found.window, found.by.as_str(), found.at), (Some(window), "lead", at(200)));
    store.set_drift_reference(id(), None, lead(), at(201)).await.expect("sets");
    assert_eq!(store.drift_reference().await.expect("reads").expect("was set").window, None);
}

fn engine(model: &str) -> EngineIdentity {
    EngineIdentity { version: "0.1.0".to_owned(), model: model.to_owned(), vocabulary: "words".to_owned(), site_pack: None }
}

fn report(seconds: i64, model: &str, verdict: ShadowVerdict) -> ShadowReport {
    ShadowReport {
        proposals: Vec::new(),
        id: id(),
        at: at(seconds),
        by: "lead".to_owned(),
        champion: engine("live"),
        challenger: engine(model),
        since: at(0),
        encounters: 3,
        notes: 4,
        failed: vec![id()],
        seconds: [1.5, 0.75],
        kinds: Vec::new(),
        rule: ShadowRule::default(),
        verdict,
        not_shown: vec![None],
        differences: vec![ShadowDifference {
            item: id(),
            entry: id(),
            kind: crate::domain::EntryKind::Allergy,
            change: ShadowChange::Lost,
        }],
        differing: 1,
    }
}

pub(crate) async fn shadow_reports_are_kept(store: Arc<dyn Store>) {
    let worse = report(1, "new", ShadowVerdict::Worse);
    let passed = report(2, "new", ShadowVerdict::Passed);
    let other = report(3, "other", ShadowVerdict::TooFew);
    for one in [&worse, &passed, &other] {
        store.add_shadow_report(one.clone(), lead()).await.expect("adds");
    }
    assert_eq!(store.shadow_reports(2).await.expect("lists"), [other, passed.clone()]);
    assert_eq!(store.shadow_report(worse.id).await.expect("reads"), Some(worse));
    assert_eq!(store.shadow_report(Uuid::nil()).await.expect("reads"), None);
    assert_eq!(store.shadow_report_of(&engine("new"), &engine("live")).await.expect("reads"), Some(passed));
    assert_eq!(store.shadow_report_of(&engine("new"), &engine("older")).await.expect("reads"), None, "beside another one");
    assert_eq!(store.shadow_report_of(&engine("live"), &engine("live")).await.expect("reads"), None);
}

pub(crate) async fn the_live_engine_is_known(store: Arc<dyn Store>) {
    assert_eq!(store.live_engine().await.expect("reads"), None);
    for (seconds, model) in [(1, "a"), (2, "a"), (3, "b"), (4, "a")] {
        store.record_live_engine(id(), &engine(model), Actor::service(), at(seconds)).await.expect("records");
        assert_eq!(store.live_engine().await.expect("reads"), Some(engine(model)));
    }
    assert!(store.was_live(&engine("b")).await.expect("reads") && !store.was_live(&engine("c")).await.expect("reads"));
    let events = store.audit_events(0, 100).await.expect("lists");
    assert_eq!(
        events.iter().filter(|event| event.action == "engine.live").count(),
        2,
        "the first one is no change, and the second start changed nothing"
    );
}
