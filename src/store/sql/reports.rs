//! Counts for reports.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Database, SqlStore, access, outcomes, report_rows,
    unit::{Unit, bytes, micros},
    value::Value,
};
use crate::{
    domain::{ItemOutcome, ItemState, Period, Query},
    store::{
        BACKLOG_DAYS, Movements, OutcomeEnd, OutcomeWindow, ReportScope, ReportStore, StoreError, TrailStep, Waiting, WorkOf,
        WorkReport,
    },
};

#[async_trait]
impl<D: Database> ReportStore for SqlStore<D> {
    async fn work_report(&self, scope: ReportScope, period: Period, now: Timestamp) -> Result<WorkReport, StoreError> {
        self.database
            .read(move |unit| Ok(WorkReport { backlog: backlog(unit, &scope, now)?, work: work(unit, &scope, period)? }))
            .await
    }

    async fn outcomes(
        &self,
        scope: ReportScope,
        window: OutcomeWindow,
        after: Option<OutcomeEnd>,
        limit: u32,
    ) -> Result<Vec<ItemOutcome>, StoreError> {
        self.database.read(move |unit| outcomes::page(unit, &scope, (&window, after), limit)).await
    }

    async fn waiting(&self, scope: ReportScope, oldest: u32, now: Timestamp) -> Result<Waiting, StoreError> {
        self.database.read(move |unit| report_rows::waiting(unit, &scope, (oldest, now))).await
    }

    async fn movements(&self, scope: ReportScope, period: Period) -> Result<Movements, StoreError> {
        self.database.read(move |unit| report_rows::movements(unit, &scope, period)).await
    }

    async fn worked_items(&self, scope: ReportScope, period: Period) -> Result<Vec<Uuid>, StoreError> {
        self.database.read(move |unit| report_rows::worked_items(unit, &scope, period)).await
    }

    async fn trail_steps(&self, items: Vec<Uuid>) -> Result<Vec<TrailStep>, StoreError> {
        self.database.read(move |unit| report_rows::trail_steps(unit, &items)).await
    }

    async fn reported_queries(&self, scope: ReportScope, period: Period) -> Result<Vec<Query>, StoreError> {
        self.database.read(move |unit| report_rows::reported_queries(unit, &scope, period)).await
    }
}

/// What is counted: a condition on an item `i`, and its values behind those that stand already.
pub(super) fn seen(scope: &ReportScope, values: &mut Vec<Value<'static>>) -> String {
    let mut condition = String::new();
    for (column, limit) in [("facility", &scope.facility), ("department", &scope.department)] {
        if let Some(limit) = limit {
            values.push(Value::Text(limit.clone().into()));
            condition.push_str(&format!(" AND i.{column} = ?{}", values.len()));
        }
    }
    if !scope.include_restricted {
        condition.push_str(" AND i.restricted = 0");
    }
    condition.push_str(&format!(" AND {}", access::cleared("i", scope.clearances)));
    let source = scope.source.iter().map(|source| (access::OF_SOURCE, Value::Text(source.clone().into())));
    let patients = scope.hidden_patients.iter().map(|patient| {
        let patient = Value::Blob(bytes(*patient).to_vec().into());
        (access::OF_ANOTHER_PATIENT, patient)
    });
    for (limit, value) in source.chain(patients) {
        values.push(value);
        condition.push_str(&format!(" AND {}", limit.replace('#', &format!("?{}", values.len()))));
    }
    condition
}

fn backlog(unit: &Unit<'_>, scope: &ReportScope, now: Timestamp) -> Result<Vec<(ItemState, [u64; 4])>, StoreError> {
    let mut values = vec![Value::Integer(micros(now))];
    values.extend(BACKLOG_DAYS.map(|days| Value::Integer(micros(now - SignedDuration::from_hours(24 * days)))));
    let seen = seen(scope, &mut values);
    let sql = format!(
        "SELECT {} AS state,
                CASE WHEN i.created_at > ?2 THEN 0 WHEN i.created_at > ?3 THEN 1 WHEN i.created_at > ?4 THEN 2 ELSE 3 END AS age,
                count(*) AS counted
         FROM review_item i WHERE i.state <> 'finished'{seen} GROUP BY 1, 2 ORDER BY 1, 2",
        report_rows::STATE
    );
    let rows = unit.all("review_item", &sql, values, |row| {
        Ok((row.word("state", |word| word.parse().ok())?, row.unsigned("age")?, row.unsigned("counted")?))
    })?;
    let mut found: Vec<(ItemState, [u64; 4])> = Vec::new();
    for (state, age, counted) in rows {
        let at = found.iter().position(|(one, _)| *one == state).unwrap_or_else(|| {
            found.push((state, [0; 4]));
            found.len() - 1
        });
        if let Some(place) = usize::try_from(age).ok().and_then(|age| found[at].1.get_mut(age)) {
            *place += counted;
        }
    }
    Ok(found)
}

fn work(unit: &Unit<'_>, scope: &ReportScope, period: Period) -> Result<Vec<WorkOf>, StoreError> {
    let mut values = vec![Value::Integer(micros(period.from)), Value::Integer(micros(period.until))];
    let seen = seen(scope, &mut values);
    let decided = format!(
        "SELECT u.name AS name, d.action AS act, count(*) AS counted
         FROM decision d JOIN user_account u ON u.id = d.user_id JOIN review_item i ON i.id = d.item_id
         WHERE d.at >= ?1 AND d.at < ?2{seen} GROUP BY u.name, d.action"
    );
    let finished = format!(
        "SELECT e.actor_name AS name, 'finish' AS act, count(*) AS counted
         FROM audit_event e JOIN review_item i ON i.id = e.subject_id
         WHERE e.action = 'item.finished' AND e.at >= ?1 AND e.at < ?2{seen} GROUP BY e.actor_name"
    );
    let mut found: BTreeMap<String, WorkOf> = BTreeMap::new();
    for sql in [decided, finished] {
        let rows = unit.all("decision", &sql, values.clone(), |row| {
            Ok((row.get::<String>("name")?, row.get::<String>("act")?, row.unsigned("counted")?))
        })?;
        for (name, act, counted) in rows {
            let of = found.entry(name.clone()).or_insert_with(|| WorkOf { name, ..WorkOf::default() });
            match act.as_str() {
                "finish" => of.finished = counted,
                "accept" => of.accepted = counted,
                "amend" => of.amended = counted,
                "reject" => of.rejected = counted,
                "add" => of.added = counted,
                "withdraw" => of.withdrawn = counted,
                // a principal diagnosis or an indicator said of a code is no outcome of a suggestion
                _ => {}
            }
        }
    }
    Ok(found.into_values().collect())
}
