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

mod access;
mod accesses;
mod accounts;
mod audit;
mod check;
mod counts;
mod encounters;
pub(super) mod holdings;
mod items;
mod jobs;
pub(super) mod keys;
mod lineage;
mod messages;
mod note_rows;
mod notes;
mod outbox;
mod outcomes;
mod oversight;
mod patient_rights;
mod patients;
mod places;
pub(super) mod proof;
mod proposals;
mod purge;
mod queries;
pub(super) mod replay;
mod report_rows;
mod reports;
mod reseal;
mod retention;
mod review;
pub(super) mod schema;
mod searches;
mod second_reviews;
mod sign_in;
mod site_lists;
mod site_packs;
mod summaries;
mod tail;
pub(super) mod trail;
pub(super) mod unit;
pub(super) mod value;
pub(super) mod vault;
mod workbench;

use std::sync::Arc;

use self::{unit::Unit, vault::Vault};
use super::{KeyStore as _, RewrapPlace, StoreError};

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
    /// As [`Self::read`], for work that asks one question, or whose questions need not see one state: a database may leave the transaction out.
    fn look<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: FnOnce(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.read(work)
    }
    /// As [`Self::write`], for short work that holds these names before it reads anything, and no others: it may share its transaction, and so its
    /// commit, with other work of the kind. The names are held already when it is run.
    fn write_named<T, F>(&self, names: Vec<[u8; 32]>, work: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: Fn(&Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write(move |unit| {
            unit.hold_indexes(&names)?;
            work(unit)
        })
    }
    /// Brings what was written to its last place and empties the log, where the database has one of its own: after a purge nothing of what
    /// was destroyed is left in either.
    fn settle(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }
}

/// The store in a database.
pub struct SqlStore<D> {
    pub(in crate::store) database: D,
    pub(in crate::store) vault: Arc<Vault>,
    settled: counts::SettledNotes,
}

/// Tables whose rows have a data key.
pub(in crate::store) const KEYED_TABLES: [&str; 12] = [
    "patient",
    "encounter",
    "review_item",
    "note",
    "destination",
    "message",
    "user_preference",
    "user_credential",
    "broken_glass",
    "site_pack",
    "site_pack_activation",
    "proposal_decision",
];

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
        let (mut wrapped, mut place) = (0, Some(RewrapPlace::default()));
        while let Some(from) = place {
            let (next, changed) = self.rewrap(from).await?;
            wrapped += changed;
            place = next;
        }
        Ok(wrapped)
    }
}

impl<D> std::fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqlStore(..)")
    }
}
