//! Second-level reviews as they are kept. They are drawn in the transaction that finishes an item, see [`Finishing`](super::Finishing).

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{ReportScope, StoreError};
use crate::domain::{SecondReview, User, Worksheet};

/// That an item is to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// The review's id.
    pub id: Uuid,
    /// Whether the reviewer codes it without seeing what the coder chose.
    pub blinded: bool,
}

/// Reviews that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichReviews {
    /// Those that wait.
    Waiting,
    /// Those that were done since.
    DoneSince(Timestamp),
}

/// An encounter that was finished and is not to be looked at again yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedItem {
    /// The item.
    pub item_id: Uuid,
    /// Its revision before it was finished, as [`SecondReview::revision`] keeps it.
    pub revision: u64,
    /// Who finished it.
    pub coder_id: Uuid,
}

/// What came of recording a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reviewed {
    /// Recorded.
    Done,
    /// There is no such review.
    Missing,
    /// It was done before.
    Already,
    /// The reviewer is the coder.
    Own,
}

/// Second-level reviews.
#[async_trait]
pub trait SecondReviewStore: Send + Sync {
    /// Of what a reader may see: those that wait, the oldest first, of encounters that stand as they were when they were drawn; or those that
    /// were done since, the newest first; at most `limit`.
    async fn second_reviews(
        &self,
        scope: ReportScope,
        which: WhichReviews,
        limit: u32,
    ) -> Result<Vec<SecondReview>, StoreError>;
    /// One.
    async fn second_review(&self, id: Uuid) -> Result<Option<SecondReview>, StoreError>;
    /// Those of an item, oldest first.
    async fn second_reviews_of(&self, item: Uuid) -> Result<Vec<SecondReview>, StoreError>;
    /// How many encounters of a coder were drawn since as they were finished; samples that leads drew afterwards do not count.
    async fn drawn_since(&self, coder: Uuid, since: Timestamp) -> Result<u32, StoreError>;
    /// Encounters of what a reader may see that were finished since, by a coder or by anybody, are finished still and were not drawn; the last
    /// ones first.
    async fn finished_since(
        &self,
        scope: ReportScope,
        coder: Option<Uuid>,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<FinishedItem>, StoreError>;
    /// Keeps that a finished item is to be looked at again; `false` when it stands no longer as it was found, or was drawn meanwhile.
    async fn draw_second_review(&self, item: FinishedItem, drawn: Drawn, by: &User, now: Timestamp)
    -> Result<bool, StoreError>;
    /// Records the result, once, by somebody else than the coder.
    async fn record_second_review(
        &self,
        id: Uuid,
        reviewer: &User,
        worksheet: Worksheet,
        now: Timestamp,
    ) -> Result<Reviewed, StoreError>;
}
