//! One unit of work in one transaction: queries that give domain values, rows that say what is wrong with them, and what is held
//! against others who write at the same time.

use std::cell::RefCell;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    tail::{self, Tail},
    value::{FromValue, Value, Values},
    vault::Vault,
};
use crate::store::StoreError;

/// One transaction of one database.
pub(in crate::store) trait Session {
    /// Runs a statement that gives no rows; how many it changed. Values are named `?1`, `?2` … or stand as `?` in their order.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError>;
    /// Runs a statement of which nobody needs to know how many rows it changed. It may be sent together with the next one; where it fails, that
    /// one says so, or the commit.
    fn write(&self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError>;
    /// Runs a statement and hands over its rows.
    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
    /// Whether others write at the same time.
    fn is_shared(&self) -> bool;
    /// Waits for these numbers, before whatever is asked next, and holds them until the transaction ends; in order, so that two who want the same ones do not wait for
    /// each other. Nothing where nobody else writes.
    fn hold(&self, numbers: &[i64]) -> Result<(), StoreError>;
    /// Does work while the triggers that keep these tables append-only stand aside, and puts them back, all in this transaction: nobody else
    /// sees the tables without them, and work that fails leaves them in place. On PostgreSQL only the owner of the tables may do it.
    fn unguarded(&self, tables: &[&str], work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError>;
}

/// One row.
pub(in crate::store) trait Row {
    /// The value of a column.
    fn value(&self, column: &str) -> Result<Value<'_>, StoreError>;
}

/// A transaction with the keys, and what is written at its end.
pub(in crate::store) struct Unit<'a> {
    pub(in crate::store) session: &'a dyn Session,
    pub(in crate::store) vault: &'a Vault,
    pub(super) tail: RefCell<Tail>,
}

impl<'a> Unit<'a> {
    pub(in crate::store) fn new(session: &'a dyn Session, vault: &'a Vault) -> Self {
        Self { session, vault, tail: RefCell::default() }
    }

    /// Writes what comes last in a transaction. Whoever runs work that writes calls it before the commit.
    pub(in crate::store) fn finish(&self) -> Result<(), StoreError> {
        tail::write(self)
    }

    /// Runs a statement; how many rows it changed.
    pub(in crate::store) fn execute(&self, sql: &str, values: impl Values) -> Result<usize, StoreError> {
        self.session.execute(sql, &values.to_values())
    }

    /// Runs a statement of which nobody needs to know how many rows it changed; see [`Session::write`].
    pub(in crate::store) fn write(&self, sql: &str, values: impl Values) -> Result<(), StoreError> {
        self.session.write(sql, &values.to_values())
    }

    /// Every row of a query over `table`.
    pub(in crate::store) fn all<T>(
        &self,
        table: &'static str,
        sql: &str,
        values: impl Values,
        read: impl FnMut(&Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        rows(self.session, table, sql, values, read)
    }

    /// The first row of a query over `table`.
    pub(in crate::store) fn one<T>(
        &self,
        table: &'static str,
        sql: &str,
        values: impl Values,
        read: impl FnMut(&Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(table, sql, values, read)?.into_iter().next())
    }

    /// A count.
    pub(in crate::store) fn count(&self, sql: &str, values: impl Values) -> Result<u64, StoreError> {
        let count = self.one("", sql, values, |row| row.get::<i64>("n"))?;
        Ok(u64::try_from(count.unwrap_or_default()).unwrap_or_default())
    }

    /// Holds what these blind indexes name, whether or not there is a row of it: who comes with the same one waits until the transaction ends.
    pub(super) fn hold_indexes(&self, indexes: &[[u8; 32]]) -> Result<(), StoreError> {
        self.session.hold(&numbers(indexes.iter()))
    }

    /// Holds one row, when it is there, before whatever is asked next.
    pub(super) fn hold_row(&self, table: &'static str, id: Uuid) -> Result<(), StoreError> {
        if !self.session.is_shared() {
            return Ok(());
        }
        self.write(&format!("SELECT id FROM {table} WHERE id = ?1 {}", self.held()), [bytes(id)])
    }

    /// Holds the rows of a table that meet a condition, in the order of their ids; how many. None where nobody else writes.
    pub(super) fn hold_rows(&self, table: &'static str, condition: &str, values: impl Values) -> Result<usize, StoreError> {
        if !self.session.is_shared() {
            return Ok(0);
        }
        let sql = format!("SELECT id FROM {table} WHERE {condition} ORDER BY id {}", self.held());
        Ok(self.all(table, &sql, values, |_| Ok(()))?.len())
    }

    /// Behind a SELECT: holds the rows that it gives. Others may still refer to them.
    pub(super) fn held(&self) -> &'static str {
        if self.session.is_shared() { "FOR NO KEY UPDATE" } else { "" }
    }

    /// Behind a SELECT: passes over rows of `table` that others hold, and holds those it gives.
    pub(super) fn passing_over_held(&self, table: &str) -> String {
        if self.session.is_shared() { format!("FOR NO KEY UPDATE OF {table} SKIP LOCKED") } else { String::new() }
    }
}

/// The numbers that are held for these blind indexes, in the order in which everybody holds them.
pub(in crate::store) fn numbers<'i>(indexes: impl Iterator<Item = &'i [u8; 32]>) -> Vec<i64> {
    let number = |index: &[u8; 32]| index.first_chunk().map_or(0, |first| i64::from_be_bytes(*first));
    let mut numbers: Vec<i64> = indexes.map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Every row of a query over `table`, for what needs no keys.
pub(super) fn rows<T>(
    session: &dyn Session,
    table: &'static str,
    sql: &str,
    values: impl Values,
    mut read: impl FnMut(&Columns<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    session.query(sql, &values.to_values(), &mut |row| {
        found.push(read(&Columns { table, row })?);
        Ok(())
    })?;
    Ok(found)
}

/// The columns of one row, by name.
pub(in crate::store) struct Columns<'a> {
    table: &'static str,
    row: &'a dyn Row,
}

impl Columns<'_> {
    /// A plain value.
    pub(in crate::store) fn get<T: FromValue>(&self, column: &str) -> Result<T, StoreError> {
        let unexpected = || StoreError::Database(format!("column {column} of a query has an unexpected type"));
        T::from_value(self.row.value(column)?).ok_or_else(unexpected)
    }

    /// An id.
    pub(in crate::store) fn id(&self, column: &str) -> Result<Uuid, StoreError> {
        Ok(Uuid::from_bytes(self.get(column)?))
    }

    /// An id that may be absent.
    pub(in crate::store) fn id_or_none(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        Ok(self.get::<Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
    }

    /// An instant.
    pub(in crate::store) fn instant(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.instant_or_none(column)?.ok_or_else(|| self.inconsistent(column))
    }

    /// An instant that may be absent.
    pub(in crate::store) fn instant_or_none(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.get::<Option<i64>>(column)?
            .map(|micros| Timestamp::from_microsecond(micros).map_err(|_| self.inconsistent(column)))
            .transpose()
    }

    /// A word of the domain.
    pub(in crate::store) fn word<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        self.word_or_none(column, parse)?.ok_or_else(|| self.inconsistent(column))
    }

    /// A word of the domain that may be absent.
    pub(in crate::store) fn word_or_none<T>(
        &self,
        column: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.get::<Option<String>>(column)?.map(|word| parse(&word).ok_or_else(|| self.inconsistent(column))).transpose()
    }

    /// A count or revision.
    pub(in crate::store) fn unsigned(&self, column: &str) -> Result<u64, StoreError> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| self.inconsistent(column))
    }

    fn inconsistent(&self, column: &str) -> StoreError {
        let id = self.id("id").map_or_else(|_| "?".to_owned(), |id| id.to_string());
        StoreError::Inconsistent { table: self.table, id, problem: format!("column {column} holds an unknown value") }
    }
}

/// An id as a column holds it.
pub(in crate::store) const fn bytes(id: Uuid) -> [u8; 16] {
    id.into_bytes()
}

/// An instant as a column holds it.
pub(in crate::store) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A row of ours that belongs to another gets an id derived from it, so that no id is made in here.
pub(in crate::store) fn derived_id(parent: Uuid, what: &str) -> Uuid {
    Uuid::new_v5(&parent, what.as_bytes())
}
