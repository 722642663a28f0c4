//! Rows of reports: what waits, what came and went, the steps of the audit trail, and queries.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    queries,
    reports::seen,
    unit::{Columns, Unit, bytes, micros},
    value::Value,
};
use crate::{
    domain::{Period, Priority, Query},
    store::{Movements, ReportScope, StepAct, StoreError, TrailStep, WAITING_DAYS, Waiting, WaitingGroup, WaitingItem},
};

/// Where an unfinished item stands at `?1`.
pub(super) const STATE: &str = "CASE WHEN i.state = 'claimed' AND i.claimed_until <= ?1 THEN 'open'
    WHEN i.state = 'open' AND i.pended_until > ?1 THEN 'pended' ELSE i.state END";

/// Microseconds of a quarter of an hour: days begin with one in every zone.
const QUARTER: i64 = 900_000_000;

/// Items of which the steps are read with one statement.
const ITEMS_AT_ONCE: usize = 500;

/// The events that tell who worked on an item and how long.
const STEPS: &str = "('item.claimed', 'entry.decided', 'item.finished', 'item.released', 'item.pended', 'item.escalated',
    'item.assigned', 'item.reopened', 'item.closed')";

fn bounds(period: Period) -> Vec<Value<'static>> {
    vec![Value::Integer(micros(period.from)), Value::Integer(micros(period.until))]
}

/// What waits now.
pub(super) fn waiting(unit: &Unit<'_>, scope: &ReportScope, (oldest, now): (u32, Timestamp)) -> Result<Waiting, StoreError> {
    let mut values = vec![Value::Integer(micros(now))];
    values.extend(WAITING_DAYS.map(|days| Value::Integer(micros(now - SignedDuration::from_hours(24 * days)))));
    let ages: String = (0..WAITING_DAYS.len()).map(|at| format!("WHEN i.created_at > ?{} THEN {at} ", at + 2)).collect();
    let condition = seen(scope, &mut values);
    let sql = format!(
        "SELECT {STATE} AS state, i.priority AS priority, i.team AS team, i.facility AS facility, i.department AS department,
                CASE {ages}ELSE {} END AS age, count(*) AS counted
         FROM review_item i WHERE i.state <> 'finished'{condition} GROUP BY 1, 2, 3, 4, 5, 6",
        WAITING_DAYS.len()
    );
    let groups = unit.all("review_item", &sql, values, |row| {
        Ok(WaitingGroup {
            state: row.word("state", |word| word.parse().ok())?,
            priority: priority(row)?,
            team: row.get("team")?,
            facility: row.get("facility")?,
            department: row.get("department")?,
            age: usize::try_from(row.unsigned("age")?).unwrap_or(usize::MAX),
            encounters: row.unsigned("counted")?,
        })
    })?;
    let mut values = vec![Value::Integer(micros(now)), Value::Integer(oldest.into())];
    let condition = seen(scope, &mut values);
    let sql = format!(
        "SELECT i.id, {STATE} AS state, i.priority, i.team, i.facility, i.department, i.created_at
         FROM review_item i WHERE i.state <> 'finished'{condition} ORDER BY i.created_at, i.id LIMIT ?2"
    );
    let oldest = unit.all("review_item", &sql, values, |row| {
        Ok(WaitingItem {
            id: row.id("id")?,
            state: row.word("state", |word| word.parse().ok())?,
            priority: priority(row)?,
            team: row.get("team")?,
            facility: row.get("facility")?,
            department: row.get("department")?,
            received_at: row.instant("created_at")?,
        })
    })?;
    Ok(Waiting { groups, oldest })
}

fn priority(row: &Columns<'_>) -> Result<Priority, StoreError> {
    // what a newer program may have written counts as what nothing was said of
    Ok(Priority::of_rank(row.get::<u32>("priority")?).unwrap_or(Priority::Routine))
}

/// What came and what was finished.
pub(super) fn movements(unit: &Unit<'_>, scope: &ReportScope, period: Period) -> Result<Movements, StoreError> {
    let mut values = bounds(period);
    let condition = seen(scope, &mut values);
    let read = |sql: &str| {
        unit.all("review_item", sql, values.clone(), |row| {
            let begins = row.get::<i64>("quarter")?.saturating_mul(QUARTER);
            let at = Timestamp::from_microsecond(begins).unwrap_or(Timestamp::MIN).max(period.from);
            Ok((at, row.unsigned("counted")?))
        })
    };
    let arrived = read(&format!(
        "SELECT i.created_at / {QUARTER} AS quarter, count(*) AS counted FROM review_item i
         WHERE i.created_at >= ?1 AND i.created_at < ?2{condition} GROUP BY 1 ORDER BY 1"
    ))?;
    let finished = read(&format!(
        "SELECT e.at / {QUARTER} AS quarter, count(*) AS counted FROM audit_event e JOIN review_item i ON i.id = e.subject_id
         WHERE e.action = 'item.finished' AND e.at >= ?1 AND e.at < ?2{condition} GROUP BY 1 ORDER BY 1"
    ))?;
    Ok(Movements { arrived, finished })
}

/// The items with a step within a time.
pub(super) fn worked_items(unit: &Unit<'_>, scope: &ReportScope, period: Period) -> Result<Vec<Uuid>, StoreError> {
    let mut values = bounds(period);
    let condition = seen(scope, &mut values);
    let sql = format!(
        "SELECT DISTINCT e.subject_id AS id FROM audit_event e JOIN review_item i ON i.id = e.subject_id
         WHERE e.action IN {STEPS} AND e.at >= ?1 AND e.at < ?2{condition} ORDER BY 1"
    );
    unit.all("audit_event", &sql, values, |row| row.id("id"))
}

/// The steps of items.
pub(super) fn trail_steps(unit: &Unit<'_>, items: &[Uuid]) -> Result<Vec<TrailStep>, StoreError> {
    let places = (1..=ITEMS_AT_ONCE).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT e.subject_id AS id, e.actor_name, e.action, e.detail, e.at FROM audit_event e
         WHERE e.subject_id IN ({places}) AND e.action IN {STEPS} ORDER BY e.subject_id, e.sequence"
    );
    let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut steps = Vec::new();
    for chunk in items.chunks(ITEMS_AT_ONCE) {
        // one statement for all chunks: a short one names its last item again
        let last = chunk.last().copied().unwrap_or_default();
        let ids = chunk.iter().copied().chain(std::iter::repeat(last)).take(ITEMS_AT_ONCE);
        let values: Vec<Value<'_>> = ids.map(|id| Value::Blob(bytes(id).to_vec().into())).collect();
        steps.extend(unit.all("audit_event", &sql, values, |row| {
            let name: String = row.get("actor_name")?;
            let actor = names.get(name.as_str()).cloned().unwrap_or_else(|| {
                let actor: Arc<str> = name.into();
                names.insert(Arc::clone(&actor));
                actor
            });
            let act = act(&row.get::<String>("action")?, &row.get::<String>("detail")?);
            Ok(TrailStep { item: row.id("id")?, actor, act, at: row.instant("at")? })
        })?);
    }
    Ok(steps)
}

/// What an event is to who holds the item; see what writes them in [`super::places`] and [`super::review`].
fn act(action: &str, detail: &str) -> StepAct {
    let decides = ["accept ", "amend ", "reject ", "add "].iter().any(|word| detail.starts_with(word));
    match action {
        "item.claimed" => StepAct::Claimed,
        "item.finished" => StepAct::Finished,
        "entry.decided" if decides => StepAct::Decided,
        "entry.decided" => StepAct::Other,
        // whoever holds it goes on, unless it was taken from them
        "item.assigned" if !detail.ends_with("held it") => StepAct::Other,
        _ => StepAct::Left,
    }
}

/// Queries that were touched within a time, and those that wait.
pub(super) fn reported_queries(unit: &Unit<'_>, scope: &ReportScope, period: Period) -> Result<Vec<Query>, StoreError> {
    let mut values = bounds(period);
    let condition = seen(scope, &mut values);
    let touched = format!(
        "(q.state = 'sent' OR (q.at >= ?1 AND q.at < ?2)
            OR EXISTS (SELECT 1 FROM query_act t WHERE t.query_id = q.id AND t.at >= ?1 AND t.at < ?2)){condition}"
    );
    queries::all_that(unit, &touched, &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_steps() {
        for (action, detail, expected) in [
            ("entry.decided", "accept decision 1", StepAct::Decided),
            ("entry.decided", "add decision 1", StepAct::Decided),
            ("entry.decided", "withdraw decision 1", StepAct::Other),
            ("entry.decided", "designate decision 1", StepAct::Other),
            ("item.assigned", "to user 1", StepAct::Other),
            ("item.assigned", "to user 1; kim held it", StepAct::Left),
            ("item.reopened", "claim_abandoned; kim held it", StepAct::Left),
            ("item.pended", "awaiting_results", StepAct::Left),
        ] {
            assert_eq!(act(action, detail), expected, "{action} {detail}");
        }
    }
}
