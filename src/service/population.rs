//! Patients by diagnosis, medication or allergen: of what their reader may see.

use super::{Service, access::scope_of, actor};
use crate::{
    domain::User,
    oversight::each_outcome,
    report::{ColumnsBy, CountedBy, Months, MonthsError, Population, PopulationAsked, PopulationReport},
    store::{OutcomeTime, OutcomeWindow, StoreError},
};

impl Service {
    /// The months that are told of, in the hospital's zone.
    ///
    /// # Errors
    /// When they cannot be reported.
    pub fn months(&self, given: (Option<&str>, Option<&str>), columns: ColumnsBy) -> Result<Months, MonthsError> {
        let today = self.surroundings.now().to_zoned(self.time_zone.clone()).date();
        let months = Months::asked(given, columns, today)?;
        months.period(&self.time_zone).map(|_| months).ok_or(MonthsError::Form)
    }

    /// Patients of encounters that were finished last within some months. Who reads it is recorded, with what was asked: reports that overlap tell
    /// more together than each by itself.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn population(&self, user: &User, asked: PopulationAsked, action: &str) -> Result<PopulationReport, StoreError> {
        let pipeline = self.engine.pipeline();
        let mut population = Population::new(asked, &self.time_zone, pipeline.vocabulary());
        if let Some(period) = asked.months.period(&self.time_zone) {
            let window = OutcomeWindow { from: period.from, until: period.until, by: OutcomeTime::Finished };
            each_outcome(&*self.store, (scope_of(user), window), |outcome| population.add(&outcome)).await?;
        }
        // many rows take their time, which must not hold up what else this thread does
        let gathered = population.gathered();
        let report = tokio::task::spawn_blocking(move || gathered.told()).await;
        let report = report.map_err(|_| StoreError::Database("patients could not be counted".to_owned()))?;
        let (by, columns) = (asked.by.as_str(), asked.columns.as_str());
        let level = if asked.by == CountedBy::Diagnosis { asked.level.as_str() } else { "code" };
        let (first, last) = (asked.months.first(), asked.months.last());
        let detail = format!("population by {by} level {level} columns {columns} from {first} until {last}");
        self.store.record_audit(actor(user), action, None, &detail, self.surroundings.now()).await?;
        Ok(report)
    }
}
