//! Steps of a schema, numbered alike for every database, and whether this program may open what it finds.

use crate::store::StoreError;

/// One step of the schema. Never edited after a release: a new step follows instead, for each database the twin of the other's.
pub(in crate::store) struct Migration {
    pub(in crate::store) version: i64,
    pub(in crate::store) name: &'static str,
    /// The oldest release whose program may still open a schema with this step.
    pub(in crate::store) oldest_binary: &'static str,
    pub(in crate::store) sql: &'static str,
}

/// The table that says which steps were applied.
pub(in crate::store) const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, oldest_binary TEXT NOT NULL)";

/// The steps that are missing where these were applied, each with the oldest release that may open it. Refuses a schema that needs a newer
/// program.
pub(in crate::store) fn missing<'a>(all: &'a [Migration], applied: &[(i64, String)]) -> Result<Vec<&'a Migration>, StoreError> {
    let mine = release(env!("CARGO_PKG_VERSION"));
    if let Some((version, oldest)) = applied.iter().find(|(_, oldest)| release(oldest) > mine) {
        return Err(StoreError::Refused(format!(
            "the database has schema version {version}, which needs release {oldest} or newer; this is release {}",
            env!("CARGO_PKG_VERSION")
        )));
    }
    Ok(all.iter().filter(|step| applied.iter().all(|(version, _)| *version != step.version)).collect())
}

/// A release as numbers, so that 0.10.0 is newer than 0.9.0.
fn release(version: &str) -> [u64; 3] {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{postgres, sqlite};

    #[test]
    fn releases_compare_as_numbers() {
        assert!(release("0.10.0") > release("0.9.9"));
        assert!(release("1.0.0") > release("0.99.0"));
        assert_eq!(release("0.1.0-dev"), release("0.1.0"));
    }

    /// PostgreSQL begins with SQLite's twelfth step; from there on each step has its twin.
    #[test]
    fn steps_are_twins() {
        let steps = |all: &[Migration]| all.iter().map(|step| (step.version, step.oldest_binary)).collect::<Vec<_>>();
        let (sqlite, postgres) = (steps(&sqlite::MIGRATIONS), steps(&postgres::MIGRATIONS));
        assert_eq!(sqlite[11..], postgres[..]);
        // a number may be missing where it was given to work that is not merged yet
        assert!(sqlite.windows(2).all(|pair| pair[0].0 < pair[1].0), "{sqlite:?}");
    }
}
