//! Decisions on proposals.

use std::sync::Arc;

use super::{at, id};
use crate::{
    domain::{ChosenCode, EntryKind, PackChange, Proposal, ProposalEffect, ProposalEvidence, ProposalVerdict, SuppressedTerm},
    store::{Actor, NewProposalDecision, Store},
};

fn proposal(words: &str) -> Proposal {
    let code = ChosenCode { system: "s".to_owned(), code: "J00".to_owned(), display: "Cold".to_owned() };
    let term = SuppressedTerm { words: words.to_owned(), kind: EntryKind::Diagnosis, code: Some(code), section: None };
    let change = PackChange::Suppress(term);
    Proposal {
        id: change.proposal_id(),
        change,
        evidence: ProposalEvidence { support: 9, ..ProposalEvidence::default() },
        effect: ProposalEffect { would_have_saved: 9, would_have_broken: 1, encounters_read: Some(70) },
    }
}

pub(crate) async fn what_was_decided_on_proposals_is_kept(store: Arc<dyn Store>) {
    assert!(store.decided_proposals(9).await.expect("lists").is_empty());
    let (one, other) = (proposal("zorb"), proposal("flib"));
    let decision = |proposal: &Proposal, verdict| NewProposalDecision {
        id: id(),
        proposal: proposal.clone(),
        verdict,
        pack_version: None,
    };
    let declined = decision(&one, ProposalVerdict::Declined);
    store.decide_proposals(vec![declined.clone()], Actor::service(), at(1)).await.expect("keeps");
    store.decide_proposals(vec![decision(&other, ProposalVerdict::Approved)], Actor::service(), at(2)).await.expect("keeps");
    let kept = store.decided_proposals(9).await.expect("lists");
    assert_eq!(kept.iter().map(|one| one.verdict).collect::<Vec<_>>(), [ProposalVerdict::Approved, ProposalVerdict::Declined]);
    let last = &kept[1];
    assert_eq!((last.id, &last.change, last.support, last.effect), (one.id, &one.change, 9, one.effect));
    assert_eq!((last.pack_version, last.by.as_str(), last.at), (None, "service", at(1)));
    assert_eq!(store.decided_proposals(1).await.expect("lists").len(), 1);
    // all or none: the second one has an id that is taken
    let again = vec![decision(&one, ProposalVerdict::Approved), declined];
    assert!(store.decide_proposals(again, Actor::service(), at(3)).await.is_err());
    assert_eq!(store.decided_proposals(9).await.expect("lists").len(), 2);
    let told: Vec<String> = store
        .audit_events(0, 500)
        .await
        .expect("lists")
        .into_iter()
        .filter(|event| event.action == "proposal.decided")
        .map(|event| event.detail)
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|detail| detail.starts_with("suppress ") && !detail.contains("zorb")), "{told:?}");
}
