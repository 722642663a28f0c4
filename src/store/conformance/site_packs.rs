//! Site packs: versions, which one is live, shadow runs.

use std::sync::Arc;

use uuid::Uuid;

use super::{at, id};
use crate::{
    domain::{ActivationReason, ChosenCode, EntryKind, PackChange, PackShadow, SitePack, SiteTerm},
    store::{Actor, NewActivation, NewPack, Store},
};

fn pack(words: &str) -> SitePack {
    let code = ChosenCode { system: "s".to_owned(), code: "K29.70".to_owned(), display: "d".to_owned() };
    SitePack::default().with(PackChange::AddTerm(SiteTerm { words: words.to_owned(), kind: EntryKind::Diagnosis, code }))
}

async fn add(store: &dyn Store, before: u64, words: &str) -> bool {
    let new = NewPack { before, pack: pack(words), changed: "terms +1".to_owned(), note: format!("about {words}") };
    store.add_site_pack(new, Actor::service(), at(10)).await.expect("answers")
}

async fn activate(store: &dyn Store, before: u64, version: Option<u64>, explanation: &str) -> bool {
    let reason = if version.is_some() { ActivationReason::WithoutShadowRun } else { ActivationReason::NoPack };
    let activation = NewActivation { before, version, reason, explanation: explanation.to_owned() };
    store.activate_pack(activation, Actor::service(), at(20)).await.expect("answers")
}

async fn told(store: &dyn Store, action: &str) -> Vec<String> {
    let events = store.audit_events(0, 500).await.expect("lists");
    events.into_iter().filter(|event| event.action == action).map(|event| event.detail).collect()
}

pub(crate) async fn a_version_comes_on_top_of_the_newest(store: Arc<dyn Store>) {
    assert!(store.pack_versions(9).await.expect("lists").is_empty());
    assert_eq!(store.site_pack(1).await.expect("reads"), None);
    assert!(add(&*store, 0, "zorblitis").await);
    assert!(!add(&*store, 0, "too late").await, "somebody was faster");
    assert!(!add(&*store, 5, "too early").await);
    assert!(add(&*store, 1, "flibosis").await);
    let versions = store.pack_versions(9).await.expect("lists");
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [2, 1]);
    let newest = &versions[0];
    assert_eq!((newest.note.as_str(), newest.changed.as_str(), newest.by.as_str()), ("about flibosis", "terms +1", "service"));
    assert_eq!((newest.at, newest.shadow, newest.was_live), (at(10), None, false));
    assert_eq!(store.pack_version(2).await.expect("reads").as_ref(), Some(newest));
    assert_eq!(store.site_pack(1).await.expect("reads"), Some(pack("zorblitis")));
    assert_eq!(store.site_pack(2).await.expect("reads"), Some(pack("flibosis")));
    assert_eq!(store.pack_versions(1).await.expect("lists").len(), 1);
    assert_eq!(told(&*store, "site_pack.version_added").await, ["version 1: terms +1", "version 2: terms +1"]);
}

pub(crate) async fn versions_added_at_once_are_one(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { add(&*store, 0, &format!("zorb{number}")).await })
        })
        .collect();
    let mut added = 0;
    for task in tasks {
        added += u32::from(task.await.expect("runs"));
    }
    assert_eq!((added, store.pack_versions(9).await.expect("lists").len()), (1, 1));
}

pub(crate) async fn what_is_live_is_the_newest_activation(store: Arc<dyn Store>) {
    assert_eq!(store.live_pack().await.expect("reads"), None);
    assert!(!activate(&*store, 0, Some(1), "").await, "there is no such version");
    add(&*store, 0, "zorblitis").await;
    add(&*store, 1, "flibosis").await;
    assert!(activate(&*store, 0, Some(2), "tried by hand").await);
    assert!(!activate(&*store, 0, Some(1), "").await, "somebody was faster");
    assert_eq!(store.live_pack().await.expect("reads"), Some(2));
    assert!(activate(&*store, 1, None, "").await);
    assert_eq!(store.live_pack().await.expect("reads"), None);
    assert!(activate(&*store, 2, Some(2), "again").await);
    let activations = store.pack_activations(9).await.expect("lists");
    let said: Vec<_> = activations.iter().map(|one| (one.number, one.version, one.explanation.as_str())).collect();
    assert_eq!(said, [(3, Some(2), "again"), (2, None, ""), (1, Some(2), "tried by hand")]);
    assert_eq!((activations[1].reason, activations[0].at), (ActivationReason::NoPack, at(20)));
    let versions = store.pack_versions(9).await.expect("lists");
    assert_eq!((versions[0].was_live, versions[1].was_live), (true, false));
    let expected = ["version 2, without_shadow_run", "no version, no_pack", "version 2, without_shadow_run"];
    assert_eq!(told(&*store, "site_pack.activated").await, expected, "no word of the explanation");
}

pub(crate) async fn the_last_shadow_run_of_a_version_counts(store: Arc<dyn Store>) {
    let run = |report: Uuid, passed, seconds| PackShadow { report, passed, at: at(seconds) };
    let record = async |version, shadow| store.record_shadow(version, shadow, Actor::service()).await.expect("answers");
    let (first, second) = (id(), id());
    assert!(!record(1, run(first, true, 1)).await, "there is no such version");
    add(&*store, 0, "zorblitis").await;
    assert_eq!(store.shadow_of(1).await.expect("reads"), None);
    assert!(record(1, run(first, false, 1)).await);
    assert!(!record(1, run(first, true, 2)).await, "a report says one thing");
    assert_eq!(store.shadow_of(1).await.expect("reads"), Some(run(first, false, 1)));
    assert!(record(1, run(second, true, 3)).await);
    assert_eq!(store.shadow_of(1).await.expect("reads"), Some(run(second, true, 3)));
    assert_eq!(store.pack_versions(9).await.expect("lists")[0].shadow, Some(run(second, true, 3)));
    let expected = [format!("version 1 not passed, report {first}"), format!("version 1 passed, report {second}")];
    assert_eq!(told(&*store, "site_pack.shadow_run").await, expected);
}

pub(crate) async fn packs_have_keys_of_their_own(store: Arc<dyn Store>) {
    add(&*store, 0, "zorblitis").await;
    activate(&*store, 0, Some(1), "tried by hand").await;
    let wrapped = store.wrapped_keys().await.expect("counts");
    let of = |table: &str| wrapped.iter().filter(|one| one.table == table).map(|one| one.keys).sum::<u64>();
    assert_eq!((of("site_pack"), of("site_pack_activation")), (1, 1));
    let (mut place, mut changed) = (Some(crate::store::RewrapPlace::default()), 0);
    while let Some(from) = place {
        let (next, wrapped) = store.rewrap(from).await.expect("wraps");
        (place, changed) = (next, changed + wrapped);
    }
    assert_eq!(changed, 0, "everything is wrapped with the first key");
}

/// A pack and an activation whose words are sealed, for tests of rotation.
pub(crate) async fn keep_one(store: &dyn Store) {
    assert!(add(store, 0, "zorblitis").await && activate(store, 0, Some(1), "tried by hand").await);
}

/// That they still open.
pub(crate) async fn assert_one_opens(store: &dyn Store) {
    assert_eq!(store.site_pack(1).await.expect("opens"), Some(pack("zorblitis")));
    assert_eq!(store.pack_versions(1).await.expect("opens")[0].note, "about zorblitis");
    assert_eq!(store.pack_activations(1).await.expect("opens")[0].explanation, "tried by hand");
}
