//! Counts for reports: of what a reader may see, and nothing of a patient.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{ItemOutcome, ItemState, Period, Priority, Query, Sensitivities};

/// Days after which an unfinished encounter stands in the next column of the backlog; what is older than the last stands in one more.
pub const BACKLOG_DAYS: [i64; 3] = [1, 3, 7];

/// The same for the report of the backlog, which shows more of what is old.
pub const WAITING_DAYS: [i64; 6] = [1, 3, 7, 14, 30, 90];

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

/// What somebody did with an item, as far as it tells who worked on it and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepAct {
    /// Claimed it.
    Claimed,
    /// Accepted, amended, rejected or added an entry.
    Decided,
    /// Did something else with it: said what a diagnosis is to the encounter, took a decision back.
    Other,
    /// Ended a claim without finishing: gave it back, laid it aside, passed it up; a lead took it away, or nothing was left of it.
    Left,
    /// Finished it.
    Finished,
}

/// One step of an item in the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailStep {
    /// The item.
    pub item: Uuid,
    /// Login name of who did it.
    pub actor: Arc<str>,
    /// What.
    pub act: StepAct,
    /// When.
    pub at: Timestamp,
}

/// Unfinished encounters that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingGroup {
    /// Where they stand.
    pub state: ItemState,
    /// How soon they are to be coded.
    pub priority: Priority,
    /// The team that they are given to.
    pub team: Option<String>,
    /// Facility.
    pub facility: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// How long ago they came: the place of their column by [`WAITING_DAYS`].
    pub age: usize,
    /// How many.
    pub encounters: u64,
}

/// One unfinished encounter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingItem {
    /// The item.
    pub id: Uuid,
    /// Where it stands.
    pub state: ItemState,
    /// How soon it is to be coded.
    pub priority: Priority,
    /// The team that it is given to.
    pub team: Option<String>,
    /// Facility.
    pub facility: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// When its first note came.
    pub received_at: Timestamp,
}

/// What waits now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// All of it, by what is alike.
    pub groups: Vec<WaitingGroup>,
    /// The oldest ones.
    pub oldest: Vec<WaitingItem>,
}

/// Encounters that came and that were finished, counted by quarters of an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Movements {
    /// Those whose first note came then.
    pub arrived: Vec<(Timestamp, u64)>,
    /// Those that were finished then, each time.
    pub finished: Vec<(Timestamp, u64)>,
}

/// Reports.
#[async_trait]
pub trait ReportStore: Send + Sync {
    /// What waits now, and what was done within a time.
    async fn work_report(&self, scope: ReportScope, period: Period, now: Timestamp) -> Result<WorkReport, StoreError>;
    /// How the entries of encounters came out, of a time, in its order, behind `after`, at most `limit`; none when there are no more.
    async fn outcomes(
        &self,
        scope: ReportScope,
        window: OutcomeWindow,
        after: Option<OutcomeEnd>,
        limit: u32,
    ) -> Result<Vec<ItemOutcome>, StoreError>;
    /// What waits now, with the oldest ones, at most so many.
    async fn waiting(&self, scope: ReportScope, oldest: u32, now: Timestamp) -> Result<Waiting, StoreError>;
    /// What came and what was finished within a time.
    async fn movements(&self, scope: ReportScope, period: Period) -> Result<Movements, StoreError>;
    /// The items with a step in the audit trail within a time.
    async fn worked_items(&self, scope: ReportScope, period: Period) -> Result<Vec<Uuid>, StoreError>;
    /// All steps of items, of one item after another, oldest first.
    async fn trail_steps(&self, items: Vec<Uuid>) -> Result<Vec<TrailStep>, StoreError>;
    /// The queries that were drafted or touched within a time, and those that wait for an answer now, opened; what was purged is left out.
    async fn reported_queries(&self, scope: ReportScope, period: Period) -> Result<Vec<Query>, StoreError>;
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
