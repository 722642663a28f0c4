//! How much there is and how old it is, for metrics. Each is read from an index that holds what is not done, so that a site with ten
//! million notes is asked as often as one with ten.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Database, SqlStore,
    unit::{Unit, bytes},
};
use crate::store::{Counts, StoreError};

/// Notes are counted anew from the start as long as there are no more than this; behind it only those that came since.
const COUNTED_AGAIN: u64 = 100_000;
/// Notes whose ids are older than this may be counted for good: none comes with such an id any more.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);

/// How many notes have an id before one. Notes are never deleted.
#[derive(Debug, Default)]
pub(in crate::store) struct SettledNotes(Mutex<(Uuid, u64)>);

#[expect(private_bounds, reason = "who uses a store does not see how a database runs work")]
impl<D: Database> SqlStore<D> {
    pub(super) async fn counted(&self, now: Timestamp) -> Result<Counts, StoreError> {
        let (before, settled) = *self.settled.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = self.database.read(move |unit| count(unit, before)).await?;
        if counts.notes > COUNTED_AGAIN {
            let border = first_id(now - SETTLED);
            if border > before {
                let more = self.database.read(move |unit| notes_between(unit, before, border)).await?;
                *self.settled.0.lock().unwrap_or_else(PoisonError::into_inner) = (border, settled + more);
            }
        }
        counts.notes = (counts.notes + settled).saturating_sub(self.purged().await?);
        Ok(counts)
    }

    /// How many notes were purged: their rows are counted and they are not.
    async fn purged(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) AS n FROM tombstone WHERE kind = 'note'";
        self.database.read(move |unit| unit.count(sql, ())).await
    }
}

/// The first id that could be made at an instant: ids of notes begin with the milliseconds of the clock.
fn first_id(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    Uuid::from_bytes(id)
}

fn notes_between(unit: &Unit<'_>, from: Uuid, to: Uuid) -> Result<u64, StoreError> {
    unit.count("SELECT count(*) AS n FROM note WHERE id >= ?1 AND id < ?2", (bytes(from), bytes(to)))
}

/// What is to be delivered; a disabled destination gets nothing.
const DELIVERIES: &str = "FROM delivery d JOIN destination t ON t.id = d.destination_id
    WHERE d.state IN ('waiting', 'claimed') AND t.disabled = 0";

/// Counts all; of the notes those from an id on.
fn count(unit: &Unit<'_>, from: Uuid) -> Result<Counts, StoreError> {
    let first =
        |table, sql: &str| Ok::<_, StoreError>(unit.one(table, sql, (), |row| row.instant_or_none("created_at"))?.flatten());
    let size = if unit.session.is_shared() {
        "SELECT pg_database_size(current_database()) AS n"
    } else {
        "SELECT page_count * page_size AS n FROM pragma_page_count(), pragma_page_size()"
    };
    Ok(Counts {
        jobs_waiting: unit.count("SELECT count(*) AS n FROM job WHERE state IN ('waiting', 'claimed')", ())?,
        jobs_running: unit
            .count("SELECT count(*) AS n FROM job WHERE state IN ('waiting', 'claimed') AND state = 'claimed'", ())?,
        oldest_job: first(
            "job",
            "SELECT created_at FROM job WHERE state IN ('waiting', 'claimed') AND state = 'waiting' ORDER BY created_at LIMIT 1",
        )?,
        notes_quarantined: unit.count("SELECT count(*) AS n FROM note WHERE status = 'quarantined'", ())?,
        notes: unit.count("SELECT count(*) AS n FROM note WHERE id >= ?1", [bytes(from)])?,
        items_open: unit.count("SELECT count(*) AS n FROM review_item WHERE state <> 'finished'", ())?,
        deliveries_waiting: unit.count(&format!("SELECT count(*) AS n {DELIVERIES}"), ())?,
        oldest_delivery: first("delivery", &format!("SELECT min(d.created_at) AS created_at {DELIVERIES}"))?,
        database_bytes: unit.count(size, ())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_time_lie_behind_its_first() {
        let at = Timestamp::from_second(1_780_000_000).expect("a time");
        assert_eq!(first_id(at).to_string(), "019e7044-8800-0000-0000-000000000000");
        assert!(first_id(at) < first_id(at + SignedDuration::from_millis(1)));
    }
}
