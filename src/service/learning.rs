//! What the site's reviews propose, and what leads make of it.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use uuid::Uuid;

use super::{
    PackError, Service, ShadowError,
    access::scope_of,
    actor,
    shadow::{Trial, with_pack},
};
use crate::{
    domain::{DecidedProposal, EntryKind, ItemOutcome, PackChange, Proposal, ProposalVerdict, SiteTerm, User},
    learning::{Floors, Gathered, occurrences},
    oversight::each_outcome,
    store::{NewProposalDecision, OutcomeTime, OutcomeWindow, StoreError},
    vocabulary::normalize_term,
};

/// Days that are learnt from where nothing else is asked.
pub const LEARNING_DAYS: u32 = 90;
/// Decisions that are looked at, and shown.
const DECIDED: u32 = 1_000;
/// Encounters whose notes are read for the words of proposed terms: the last ones.
const READ: usize = 200;

/// What is proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Learning {
    /// Finished encounters of the time that were learnt from.
    pub encounters: u64,
    /// What they propose, the greatest benefit first.
    pub proposals: Vec<Proposal>,
    /// What leads decided before, the newest first.
    pub decided: Vec<DecidedProposal>,
}

/// Why a proposal is not decided on.
#[derive(Debug, Error)]
pub enum ProposalError {
    /// None is named.
    #[error("name at least one proposal")]
    None,
    /// It is not proposed (any more).
    #[error("a proposal is not there any more; load the page again")]
    Gone,
    /// Thresholds alone: what they do is worked out of the decisions, and the engine suggests the same with them.
    #[error(
        "a threshold changes nothing that the engine suggests: what it would have done is worked out of the decisions; choose a term, a suppression or a code to try"
    )]
    OnlyThresholds,
    /// It cannot be tried now.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    /// The pack does not take it.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Codes that coders left for an encounter, and the encounter.
type Left = (Uuid, Vec<(EntryKind, String, String)>);

impl Service {
    /// What the encounters that were finished within so many days, and that the user may see, propose on top of the newest version of the site pack.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn learning(&self, user: &User, days: u32) -> Result<Learning, StoreError> {
        let until = self.surroundings.now();
        let from = until - SignedDuration::from_hours(24 * i64::from(days));
        let window = OutcomeWindow { from, until, by: OutcomeTime::Finished };
        let (mut gathered, mut last) = (Gathered::default(), Vec::new());
        each_outcome(&*self.store, (scope_of(user), window), |outcome| {
            gathered.add(&outcome);
            if last.len() >= 2 * READ {
                last.drain(..READ);
            }
            last.push(left(&outcome));
        })
        .await?;
        let (_, pack) = self.newest_pack().await?;
        let settings = self.store.settings().await?;
        let shown_from = |kind| pack.shown_from(kind).unwrap_or(settings.shown_from);
        let mut proposals = gathered.proposals(&Floors::default(), &pack, shown_from);
        let decided = self.store.decided_proposals(DECIDED).await?;
        proposals.retain(|proposal| !is_declined(proposal, &decided));
        self.read_for_terms(&mut proposals, &last[last.len().saturating_sub(READ)..]).await?;
        proposals.sort_by_key(|proposal| (std::cmp::Reverse(proposal.benefit()), proposal.id));
        // words of encounters that lie outside the user's scope are not told
        let decided = decided.into_iter().filter(|one| sees_everything(user) || one.by == user.name).collect();
        Ok(Learning { encounters: gathered.encounters(), proposals, decided })
    }

    /// Looks in notes for the words of proposed terms: where coders did not give the code, the term would have been wrong or superfluous.
    async fn read_for_terms(&self, proposals: &mut [Proposal], encounters: &[Left]) -> Result<(), StoreError> {
        let terms: Vec<(usize, SiteTerm)> = proposals
            .iter()
            .enumerate()
            .filter_map(|(at, proposal)| match &proposal.change {
                PackChange::AddTerm(term) => Some((at, term.clone())),
                _ => None,
            })
            .collect();
        if terms.is_empty() {
            return Ok(());
        }
        let mut wrong: HashMap<usize, u64> = HashMap::new();
        let mut read = 0;
        for (item, codes) in encounters {
            let Some(record) = self.store.item(*item, self.surroundings.now()).await? else { continue };
            read += 1;
            let (terms, codes) = (terms.clone(), codes.clone());
            let found = tokio::task::spawn_blocking(move || {
                let texts: Vec<String> = record.current_notes().map(|(note, _)| normalize_term(&note.content.text)).collect();
                let is_left = |term: &SiteTerm| {
                    codes
                        .iter()
                        .any(|(kind, system, code)| (*kind, system, code) == (term.kind, &term.code.system, &term.code.code))
                };
                let stands = |term: &SiteTerm| texts.iter().any(|text| occurrences(text, &term.words) > 0);
                terms.iter().filter(|(_, term)| !is_left(term) && stands(term)).map(|(at, _)| *at).collect::<Vec<_>>()
            })
            .await
            .map_err(|_| StoreError::Database("the notes of an encounter could not be read for terms".to_owned()))?;
            for at in found {
                *wrong.entry(at).or_default() += 1;
            }
        }
        for (at, _) in terms {
            let effect = &mut proposals[at].effect;
            // what decisions say is part of what notes say, where all of them were read
            effect.would_have_broken = effect.would_have_broken.max(wrong.get(&at).copied().unwrap_or_default());
            effect.encounters_read = Some(read);
        }
        Ok(())
    }

    /// Takes proposals into another version of the site pack, which becomes live as every version does; its number. Recorded.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub async fn approve_proposals(&self, user: &User, days: u32, ids: &[Uuid]) -> Result<u64, ProposalError> {
        let chosen = self.chosen(user, days, ids).await?;
        let changes = chosen.iter().map(|proposal| proposal.change.clone()).collect();
        let note = format!("{} proposals from reviews of {days} days", chosen.len());
        let version = self.add_pack_version(user, changes, note).await?;
        self.keep(user, (chosen, ProposalVerdict::Approved), Some(version)).await?;
        Ok(version)
    }

    /// Declines proposals: they come again when twice as much speaks for them. Recorded.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub async fn decline_proposals(&self, user: &User, days: u32, ids: &[Uuid]) -> Result<(), ProposalError> {
        let chosen = self.chosen(user, days, ids).await?;
        Ok(self.keep(user, (chosen, ProposalVerdict::Declined), None).await?)
    }

    /// Tries proposals before anybody takes them: starts a shadow run of the newest version of the site pack with them beside that version without
    /// them; the id that its report will have.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub async fn try_proposals(self: &Arc<Self>, user: &User, days: u32, ids: &[Uuid]) -> Result<Uuid, ProposalError> {
        let mut chosen = self.chosen(user, days, ids).await?;
        chosen.retain(|proposal| !matches!(proposal.change, PackChange::SetThreshold(_)));
        if chosen.is_empty() {
            return Err(ProposalError::OnlyThresholds);
        }
        let (newest, pack) = self.newest_pack().await?;
        let changed = chosen.iter().fold(pack.clone(), |pack, proposal| pack.with(proposal.change.clone()));
        let changed = self.checked_pack(changed).await?;
        let live = self.engine.pipeline();
        let before = if newest == 0 { Arc::new(live.with_site_pack(None)) } else { with_pack(&live, newest, pack).await? };
        let engines = [before, with_pack(&live, newest, changed).await?];
        let proposals = chosen.iter().map(|proposal| proposal.id).collect();
        Ok(self.begin(user, Trial { engines, proposals, days })?)
    }

    async fn chosen(&self, user: &User, days: u32, ids: &[Uuid]) -> Result<Vec<Proposal>, ProposalError> {
        if ids.is_empty() {
            return Err(ProposalError::None);
        }
        let mut proposals = self.learning(user, days).await?.proposals;
        proposals.retain(|proposal| ids.contains(&proposal.id));
        let all_there = ids.iter().all(|id| proposals.iter().any(|proposal| proposal.id == *id));
        if all_there { Ok(proposals) } else { Err(ProposalError::Gone) }
    }

    async fn keep(
        &self,
        user: &User,
        (proposals, verdict): (Vec<Proposal>, ProposalVerdict),
        pack_version: Option<u64>,
    ) -> Result<(), StoreError> {
        let decision = |proposal| NewProposalDecision { id: self.surroundings.new_id(), proposal, verdict, pack_version };
        let decisions = proposals.into_iter().map(decision).collect();
        let now: Timestamp = self.surroundings.now();
        self.store.decide_proposals(decisions, actor(user), now).await
    }
}

/// Declined, and not twice as much speaks for it since.
fn is_declined(proposal: &Proposal, decided: &[DecidedProposal]) -> bool {
    let last = decided.iter().find(|one| one.id == proposal.id);
    last.is_some_and(|last| {
        last.verdict == ProposalVerdict::Declined && proposal.evidence.support < last.support.saturating_mul(2)
    })
}

const fn sees_everything(user: &User) -> bool {
    user.source.is_none() && user.facility.is_none() && user.department.is_none()
}

fn left(outcome: &ItemOutcome) -> Left {
    let codes = outcome
        .entries
        .iter()
        .flat_map(|entry| entry.codes.iter().map(|code| (entry.kind, code.system.clone(), code.code.clone())));
    (outcome.item, codes.collect())
}
