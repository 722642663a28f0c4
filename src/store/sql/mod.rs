//! The store in SQL: rows, queries and sealing, the same for every database that speaks SQL.
//!
//! A method of the traits is one piece of work on a [`Unit`], which a [`Database`] runs in one transaction. The work is
//! synchronous and takes all it needs along. A database says how a transaction is run, and whether others write meanwhile.
//!
//! - **One text of SQL.** The statements keep to what SQLite and PostgreSQL both understand, and to four kinds of values
//!   (`value`); PostgreSQL takes the kind of a value from where it stands first, so a comparison comes before `IS NULL`. What differs is in two places: the migrations, and what is held.
//! - **Held is said once.** Work that reads before it writes says what it holds (`hold_row`, `hold_indexes`). Where one thread writes, as
//!   in SQLite, that costs nothing. The order is always: names, patients, encounters, items, notes and the rest, last the numbered rows
//!   (`tail`).
//! - **Sealed.** Text, quotes, comments, names and identifiers are sealed before the database sees them (`vault`); which columns those are
//!   is written in the migrations.
//! - **No ids and no clock in here.** Rows that belong to another have ids derived from it; instants are arguments.
//!
//! Why not a twin of every query for each database? There were two of a hundred and fifty queries, and the second one would differ in a
//! dozen words. Every new column would be written twice, and mostly tested once. Why not an ORM? The queries are the part that has to be read.

mod accesses;
mod accounts;
mod audit;
mod check;
mod counts;
mod encounters;
pub(super) mod holdings;
mod items;
mod jobs;
mod lineage;
mod messages;
mod note_rows;
mod notes;
mod outbox;
mod patients;
mod places;
mod queries;
mod reports;
mod review;
pub(super) mod schema;
mod searches;
mod second_reviews;
mod site_lists;
mod summaries;
mod tail;
pub(super) mod trail;
pub(super) mod unit;
pub(super) mod value;
pub(super) mod vault;
mod workbench;

use std::sync::Arc;

use uuid::Uuid;

use self::{
    unit::{Unit, bytes},
    vault::Vault,
};
use super::StoreError;

/// Runs pieces of work, each in one transaction.
pub(in crate::store) trait Database: Send + Sync + 'static {
    /// Runs work that changes nothing; all its queries see one state.
    fn read<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static;
    /// Runs work, all or nothing; it is on the disk before the answer. The work is run again where the database asks for it, and goes on
    /// when the caller stops waiting.
    fn write<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static;
}

/// The store in a database.
pub struct SqlStore<D> {
    pub(in crate::store) database: D,
    pub(in crate::store) vault: Arc<Vault>,
    settled: counts::SettledNotes,
}

/// Tables whose rows have a data key.
pub(in crate::store) const KEYED_TABLES: [&str; 7] =
    ["patient", "encounter", "review_item", "note", "destination", "message", "user_preference"];

#[expect(private_bounds, reason = "who uses a store does not see how a database runs work")]
impl<D: Database> SqlStore<D> {
    pub(in crate::store) fn new(database: D, vault: Arc<Vault>) -> Self {
        Self { database, vault, settled: counts::SettledNotes::default() }
    }

    /// Wraps every data key with the first site key, a few hundred rows at a time; how many it wrapped. After it, the
    /// older site keys can be removed from the key file.
    ///
    /// # Errors
    /// When a key does not open with the configured site keys, or the database fails.
    pub async fn rewrap_data_keys(&self) -> Result<u64, StoreError> {
        let mut wrapped = 0;
        for table in KEYED_TABLES {
            let mut after = Uuid::nil();
            loop {
                let (last, changed) = self.database.write(move |unit| rewrap_some(unit, table, after)).await?;
                wrapped += changed;
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        self.database.write(|unit| unit.vault.rewrap_own_keys(unit.session)).await?;
        Ok(wrapped)
    }
}

/// Wraps the data keys of some rows after one; the last row, and how many keys were changed.
fn rewrap_some(unit: &Unit<'_>, table: &'static str, after: Uuid) -> Result<(Option<Uuid>, u64), StoreError> {
    const STEP: usize = 500;
    let held = unit.held();
    let select = format!("SELECT id, data_key FROM {table} WHERE id > ?1 ORDER BY id LIMIT {STEP} {held}");
    let rows = unit.all(table, &select, [bytes(after)], |row| Ok((row.id("id")?, row.get("data_key")?)))?;
    let mut changed = 0;
    for (id, key) in &rows {
        let key: &Vec<u8> = key;
        if let Some(key) = unit.vault.rewrap(table, *id, key)? {
            unit.execute(&format!("UPDATE {table} SET data_key = ?2 WHERE id = ?1"), (bytes(*id), key))?;
            changed += 1;
        }
    }
    Ok((rows.last().map(|(id, _)| *id), changed))
}

impl<D> std::fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqlStore(..)")
    }
}
