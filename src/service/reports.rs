//! Reports: counts over what their reader may see.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Service, access::scope_of};
use crate::{
    domain::{Agreement, ItemOutcome, User, Worksheet},
    oversight::each_outcome,
    store::{OutcomeWindow, ReportScope, StoreError, WhichReviews, WorkReport},
};

/// Reviews that a report reads, at most: the last ones.
const REVIEWS: u32 = 10_000;

/// What is reported of the work.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What waits, and what was done.
    pub work: WorkReport,
    /// How far second-level reviews agree with who finished the encounters, by their names.
    pub agreement: BTreeMap<String, Agreement>,
}

impl Service {
    /// What waits now, what was done within so many days, and what second-level reviews of that time came to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn report(&self, user: &User, days: u32) -> Result<Report, StoreError> {
        let now = self.surroundings.now();
        let since = now - SignedDuration::from_hours(24 * i64::from(days));
        let work = self.store.work_report(scope_of(user), since, now).await?;
        let mut agreement: BTreeMap<String, Agreement> = BTreeMap::new();
        for review in self.store.second_reviews(scope_of(user), WhichReviews::DoneSince(since), REVIEWS).await? {
            let Some(found) = review.worksheet.as_ref().map(Worksheet::agreement) else { continue };
            let sum = agreement.entry(review.coder.1).or_default();
            *sum = sum.with(found);
        }
        Ok(Report { work, agreement })
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
