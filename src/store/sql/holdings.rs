//! What a look at a database reads of its rows without the keys: who may call, and the work that waits.

use super::{
    accounts::user_without_own_record,
    unit::{Session, rows},
};
use crate::store::{Holdings, SchemaState, StoreError};

/// A job can be done from the time on that it came or that its delay ends, one that is held when its lease ends.
const JOBS: &str = "SELECT count(*) AS jobs,
    min(CASE WHEN state = 'claimed' THEN lease_until WHEN run_after > created_at THEN run_after ELSE created_at END) AS due_since,
    max(CASE WHEN state = 'claimed' THEN lease_until END) AS held_until
    FROM job WHERE state IN ('waiting', 'claimed')";

/// The columns that every schema of ours has had; what came later is not asked for here.
const USERS: &str = "SELECT id, name, role, source, facility, department, sees_restricted, 0 AS clearances, disabled FROM user_account ORDER BY name";

/// Changes nothing. None where the schema is not for this program, or not for the user of the database.
pub(in crate::store) fn holdings(session: &dyn Session, schema: &SchemaState) -> Result<Option<Holdings>, StoreError> {
    match schema {
        SchemaState::Closed | SchemaState::Refused { .. } => return Ok(None),
        SchemaState::Missing => return Ok(Some(Holdings::default())),
        SchemaState::Current { .. } | SchemaState::Older { .. } | SchemaState::Newer { .. } => {}
    }
    let users = rows(session, "user_account", USERS, (), user_without_own_record)?;
    let jobs = rows(session, "job", JOBS, (), |row| {
        Ok(Holdings {
            users: Vec::new(),
            jobs: row.unsigned("jobs")?,
            due_since: row.instant_or_none("due_since")?,
            held_until: row.instant_or_none("held_until")?,
        })
    })?;
    Ok(jobs.into_iter().next().map(|jobs| Holdings { users, ..jobs }))
}
