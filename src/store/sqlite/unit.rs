//! One unit of work on one connection: queries that give domain values, rows that say what is wrong with them.

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, types::FromSql};
use uuid::Uuid;

use super::{connection::database, vault::Vault};
use crate::store::StoreError;

/// A connection inside a transaction, with the keys.
pub(super) struct Unit<'a> {
    pub(super) connection: &'a Connection,
    pub(super) vault: &'a Vault,
}

impl Unit<'_> {
    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(database)
    }

    /// Every row of a query over `table`.
    pub(super) fn all<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(database)?;
        let mut rows = statement.query(params).map_err(database)?;
        let mut values = Vec::new();
        while let Some(row) = rows.next().map_err(database)? {
            values.push(read(&Columns { table, row })?);
        }
        Ok(values)
    }

    /// The first row of a query over `table`.
    pub(super) fn one<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(table, sql, params, read)?.into_iter().next())
    }

    /// A count.
    pub(super) fn count(&self, sql: &str, params: impl Params) -> Result<u64, StoreError> {
        let count = self.one("", sql, params, |row| row.get::<i64>("n"))?;
        Ok(u64::try_from(count.unwrap_or_default()).unwrap_or_default())
    }
}

/// The columns of one row, by name.
pub(super) struct Columns<'a> {
    table: &'static str,
    row: &'a Row<'a>,
}

impl Columns<'_> {
    /// A plain value.
    pub(super) fn get<T: FromSql>(&self, column: &str) -> Result<T, StoreError> {
        self.row.get(column).map_err(database)
    }

    /// An id.
    pub(super) fn id(&self, column: &str) -> Result<Uuid, StoreError> {
        Ok(Uuid::from_bytes(self.get(column)?))
    }

    /// An id that may be absent.
    pub(super) fn id_or_none(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        Ok(self.get::<Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
    }

    /// An instant.
    pub(super) fn instant(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.instant_or_none(column)?.ok_or_else(|| self.inconsistent(column))
    }

    /// An instant that may be absent.
    pub(super) fn instant_or_none(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.get::<Option<i64>>(column)?
            .map(|micros| Timestamp::from_microsecond(micros).map_err(|_| self.inconsistent(column)))
            .transpose()
    }

    /// A word of the domain.
    pub(super) fn word<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        self.word_or_none(column, parse)?.ok_or_else(|| self.inconsistent(column))
    }

    /// A word of the domain that may be absent.
    pub(super) fn word_or_none<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, StoreError> {
        self.get::<Option<String>>(column)?.map(|word| parse(&word).ok_or_else(|| self.inconsistent(column))).transpose()
    }

    /// A count or revision.
    pub(super) fn unsigned(&self, column: &str) -> Result<u64, StoreError> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| self.inconsistent(column))
    }

    fn inconsistent(&self, column: &str) -> StoreError {
        let id = self.id("id").map_or_else(|_| "?".to_owned(), |id| id.to_string());
        StoreError::Inconsistent { table: self.table, id, problem: format!("column {column} holds an unknown value") }
    }
}

/// An id as a column holds it.
pub(super) const fn bytes(id: Uuid) -> [u8; 16] {
    id.into_bytes()
}

/// An instant as a column holds it.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A row of ours that belongs to another gets an id derived from it, so that no id is made in here.
pub(super) fn derived_id(parent: Uuid, what: &str) -> Uuid {
    Uuid::new_v5(&parent, what.as_bytes())
}
