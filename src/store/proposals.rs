//! What leads decided on what the site's reviews proposed.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Actor, StoreError};
use crate::domain::{DecidedProposal, Proposal, ProposalVerdict};

/// A decision on a proposal.
#[derive(Debug, Clone, PartialEq)]
pub struct NewProposalDecision {
    /// Our id of the decision.
    pub id: Uuid,
    /// The proposal, as it was told.
    pub proposal: Proposal,
    /// What was decided.
    pub verdict: ProposalVerdict,
    /// The version of the site pack that it went into.
    pub pack_version: Option<u64>,
}

/// Decisions on proposals.
#[async_trait]
pub trait ProposalStore: Send + Sync {
    /// Keeps decisions, all or none; recorded.
    async fn decide_proposals(
        &self,
        decisions: Vec<NewProposalDecision>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// What was decided, the newest first, at most `limit`.
    async fn decided_proposals(&self, limit: u32) -> Result<Vec<DecidedProposal>, StoreError>;
}
