//! Counts for reports: of what a reader may see, and nothing of a patient.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{ItemOutcome, ItemState, Sensitivities};

/// Days after which an unfinished encounter stands in the next column of the backlog; what is older than the last stands in one more.
pub const BACKLOG_DAYS: [i64; 3] = [1, 3, 7];

/// What a reader may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportScope {
    /// Of this facility alone.
    pub facility: Option<String>,
    /// Of this department alone.
    pub department: Option<String>,
    /// Restricted encounters too.
    pub include_restricted: bool,
    /// Of this source alone.
    pub source: Option<String>,
    /// Labelled encounters too, where these cover all their labels.
    pub clearances: Sensitivities,
    /// Not of these patients.
    pub hidden_patients: Vec<Uuid>,
}

/// What a person did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkOf {
    /// Login name.
    pub name: String,
    /// Encounters finished, each time.
    pub finished: u64,
    /// Decisions: accepted.
    pub accepted: u64,
    /// Amended.
    pub amended: u64,
    /// Rejected.
    pub rejected: u64,
    /// Added, where the engine suggested nothing.
    pub added: u64,
    /// Taken back, their own or another's.
    pub withdrawn: u64,
}

/// The counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkReport {
    /// Unfinished encounters by state, and by how long ago they came: up to each of [`BACKLOG_DAYS`], and longer.
    pub backlog: Vec<(ItemState, [u64; 4])>,
    /// What was done, by who did it.
    pub work: Vec<WorkOf>,
}

/// Reports.
#[async_trait]
pub trait ReportStore: Send + Sync {
    /// What waits now, and what was done since.
    async fn work_report(&self, scope: ReportScope, since: Timestamp, now: Timestamp) -> Result<WorkReport, StoreError>;
    /// How the entries of encounters came out, of a time, in its order, behind `after`, at most `limit`; none when there are no more.
    async fn outcomes(
        &self,
        scope: ReportScope,
        window: OutcomeWindow,
        after: Option<OutcomeEnd>,
        limit: u32,
    ) -> Result<Vec<ItemOutcome>, StoreError>;
}

/// Which outcomes are read: of what time, and by which of its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeWindow {
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
    /// Which moment of an encounter counts.
    pub by: OutcomeTime,
}

/// Which moment of an encounter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeTime {
    /// When it was finished last; what is not finished is left out.
    Finished,
    /// When its first note came, finished or not.
    Received,
}

impl OutcomeWindow {
    /// Where a page that ends with this outcome ends.
    #[must_use]
    pub fn end_at(&self, last: &ItemOutcome) -> OutcomeEnd {
        let finished = last.finished.as_ref().map(|(at, _, _)| *at);
        let at = if self.by == OutcomeTime::Finished { finished.unwrap_or(last.received_at) } else { last.received_at };
        (at, last.item)
    }
}

/// Where a page of outcomes ended.
pub type OutcomeEnd = (Timestamp, Uuid);
