//! Second-level reviews as they are kept. They are drawn in the transaction that finishes an item, see [`Finishing`](super::Finishing).

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{SecondReview, User, Worksheet};

/// That an item is to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// The review's id.
    pub id: Uuid,
    /// Whether the reviewer codes it without seeing what the coder chose.
    pub blinded: bool,
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
    /// Those that wait, the oldest first, or those that are done, the newest first; at most `limit`.
    async fn second_reviews(&self, waiting: bool, limit: u32) -> Result<Vec<SecondReview>, StoreError>;
    /// One.
    async fn second_review(&self, id: Uuid) -> Result<Option<SecondReview>, StoreError>;
    /// Those of an item, oldest first.
    async fn second_reviews_of(&self, item: Uuid) -> Result<Vec<SecondReview>, StoreError>;
    /// How many encounters of a coder were drawn since.
    async fn drawn_since(&self, coder: Uuid, since: Timestamp) -> Result<u32, StoreError>;
    /// Records the result, once, by somebody else than the coder.
    async fn record_second_review(
        &self,
        id: Uuid,
        reviewer: &User,
        worksheet: Worksheet,
        now: Timestamp,
    ) -> Result<Reviewed, StoreError>;
}
