//! Reports: counts over what their reader may see.

use jiff::Timestamp;
use uuid::Uuid;

use super::{CLAIM_LEASE, Service, access::scope_of};
use crate::{
    auth::{Permission, permits},
    domain::{EntryKind, ItemOutcome, Period, User},
    oversight::each_outcome,
    report::{
        BacklogReport, EngineReport, EntryFilter, Flow, QueryFact, QueryReport, ReviewReport, WorkTime, WorkTimes,
        backlog_report, flow, query_report, review_report,
    },
    store::{OutcomeTime, OutcomeWindow, ReportScope, StoreError, WaitingItem, WhichReviews, WorkReport},
};

/// Reviews that a report reads, at most: the last ones.
const REVIEWS: u32 = 10_000;

/// Of the oldest encounters that wait so many are named.
const OLDEST: u32 = 20;

/// Items whose steps are read at a time.
const ITEMS: usize = 5_000;

/// Of what a report is asked for. What the reader may not see is left out whatever is asked.
#[derive(Debug, Clone)]
pub struct ReportAsked {
    /// Of which time.
    pub period: Period,
    /// Of encounters of this facility alone.
    pub facility: Option<String>,
    /// Of encounters of this department alone.
    pub department: Option<String>,
    /// Of entries of this kind alone; for the report on the engine.
    pub kind: Option<EntryKind>,
    /// Of this coder alone, by login name.
    pub coder: Option<String>,
}

impl ReportAsked {
    /// Of a time, and of everything.
    #[must_use]
    pub const fn of(period: Period) -> Self {
        Self { period, facility: None, department: None, kind: None, coder: None }
    }

    /// What is counted for this reader; none where nothing of what is asked lies in their scope.
    fn scope(&self, user: &User) -> Option<ReportScope> {
        let within = |limit: Option<String>, asked: &Option<String>| match (limit, asked) {
            (Some(limit), Some(asked)) if limit != *asked => None,
            (limit, asked) => Some(limit.or_else(|| asked.clone())),
        };
        let scope = scope_of(user);
        Some(ReportScope {
            facility: within(scope.facility, &self.facility)?,
            department: within(scope.department, &self.department)?,
            ..scope
        })
    }

    fn is_of(&self, name: &str) -> bool {
        self.coder.as_deref().is_none_or(|asked| asked == name)
    }
}

/// What is reported of the work.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What waits, and what was done.
    pub work: WorkReport,
    /// How long coders worked, by login name, and all together.
    pub times: (std::collections::BTreeMap<String, WorkTime>, WorkTime),
    /// What second-level reviews came to.
    pub reviews: ReviewReport,
}

/// What is reported of what waits.
#[derive(Debug, Clone, Default)]
pub struct BacklogFigures {
    /// The counts.
    pub report: BacklogReport,
    /// The oldest encounters.
    pub oldest: Vec<WaitingItem>,
    /// What came against what was finished.
    pub flow: Vec<Flow>,
}

impl Service {
    /// What waits now, what was done within a time and how long it took, and what second-level reviews of that time came to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn report(&self, user: &User, asked: &ReportAsked) -> Result<Report, StoreError> {
        let Some(scope) = asked.scope(user) else { return Ok(Report::default()) };
        let (now, period) = (self.surroundings.now(), asked.period);
        let mut work = self.store.work_report(scope.clone(), period, now).await?;
        work.work.retain(|of| asked.is_of(&of.name));
        let reviews = self.store.second_reviews(scope.clone(), WhichReviews::DoneSince(period.from), REVIEWS).await?;
        let reviews = review_report(&reviews, &period, asked.coder.as_deref());
        let mut times = WorkTimes::new(period, CLAIM_LEASE);
        let items: Vec<Uuid> = self.store.worked_items(scope, period).await?;
        for some in items.chunks(ITEMS) {
            let mut steps = self.store.trail_steps(some.to_vec()).await?;
            for of_one in steps.chunk_by_mut(|one, next| one.item == next.item) {
                times.add(of_one);
            }
        }
        let (mut by_coder, mut all) = times.told();
        if let Some(coder) = &asked.coder {
            by_coder.retain(|name, _| name == coder);
            all = by_coder.get(coder).copied().unwrap_or_default();
        }
        Ok(Report { work, times: (by_coder, all), reviews })
    }

    /// What became of the engine's suggestions in encounters that were finished last within a time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn engine_report(&self, user: &User, asked: &ReportAsked) -> Result<EngineReport, StoreError> {
        let filter = EntryFilter { kind: asked.kind, coder: asked.coder.clone() };
        let mut report = EngineReport::new(filter, asked.period, &self.time_zone);
        let Some(scope) = asked.scope(user) else { return Ok(report) };
        let window = OutcomeWindow { from: asked.period.from, until: asked.period.until, by: OutcomeTime::Finished };
        self.each_outcome(scope, window, |outcome| report.add(&outcome)).await?;
        Ok(report)
    }

    /// What waits now, and what came against what was finished within a time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn backlog_figures(&self, user: &User, asked: &ReportAsked) -> Result<BacklogFigures, StoreError> {
        let Some(scope) = asked.scope(user) else { return Ok(BacklogFigures::default()) };
        let waiting = self.store.waiting(scope.clone(), OLDEST, self.surroundings.now()).await?;
        let moved = self.store.movements(scope, asked.period).await?;
        Ok(BacklogFigures {
            report: backlog_report(&waiting.groups),
            oldest: waiting.oldest,
            flow: flow(&moved.arrived, &moved.finished, (&asked.period, &self.time_zone)),
        })
    }

    /// Queries that were drafted, sent, answered, closed or withdrawn within a time, and those that wait for an answer now. Who answered is told
    /// to those alone who may read queries.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn query_figures(&self, user: &User, asked: &ReportAsked) -> Result<QueryReport, StoreError> {
        let now: Timestamp = self.surroundings.now();
        let found = match asked.scope(user) {
            Some(scope) => self.store.reported_queries(scope, asked.period).await?,
            None => Vec::new(),
        };
        let facts: Vec<QueryFact> = found.iter().map(QueryFact::from).filter(|fact| asked.is_of(&fact.drafted_by)).collect();
        let mut report = query_report(&facts, (&asked.period, &self.time_zone), now);
        if !permits(user.role, Permission::AskProvider) {
            report.by_provider.clear();
        }
        Ok(report)
    }
}

impl Service {
    /// Tells how the entries of encounters came out, one encounter after the other, in the order of the window's time. They are read some at a
    /// time, so that the memory does not grow with the window.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn each_outcome(
        &self,
        scope: ReportScope,
        window: OutcomeWindow,
        tell: impl FnMut(ItemOutcome) + Send,
    ) -> Result<(), StoreError> {
        each_outcome(&*self.store, (scope, window), tell).await
    }
}
