//! Statements and rows of SQLite as the shared code sees them.

use std::borrow::Cow;

use rusqlite::{
    Connection, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::connection::database;
use crate::store::{
    StoreError,
    sql::{
        unit::{Row, Session},
        value::Value,
    },
};

/// A connection inside a transaction.
pub(in crate::store) struct SqliteSession<'a>(pub(super) &'a Connection);

impl Session for SqliteSession<'_> {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        self.0.prepare_cached(sql).and_then(|mut statement| statement.execute(params_from_iter(values))).map_err(database)
    }

    fn write(&self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        self.execute(sql, values).map(drop)
    }

    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(database)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(database)?;
        while let Some(row) = rows.next().map_err(database)? {
            each(row)?;
        }
        Ok(())
    }

    fn is_shared(&self) -> bool {
        // the writer is alone, and a tool that writes beside it waits for its transaction
        false
    }

    fn hold(&self, _: &[i64]) -> Result<(), StoreError> {
        Ok(())
    }

    fn unguarded(&self, tables: &[&str], work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let read = |table: &&str| -> rusqlite::Result<Vec<(String, String)>> {
            let mut named = self.0.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1")?;
            named.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let found: Vec<_> = tables.iter().map(read).collect::<Result<_, _>>().map_err(database)?;
        let guards = found.concat();
        for (name, _) in &guards {
            self.0.execute_batch(&format!("DROP TRIGGER \"{}\"", name.replace('"', "\"\""))).map_err(database)?;
        }
        work()?;
        guards.iter().try_for_each(|(_, sql)| self.0.execute_batch(sql).map_err(database))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Row for rusqlite::Row<'_> {
    fn value(&self, column: &str) -> Result<Value<'_>, StoreError> {
        Ok(match self.get_ref(column).map_err(database)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text)),
            ValueRef::Blob(bytes) => Value::Blob(Cow::Borrowed(bytes)),
            ValueRef::Real(_) => {
                return Err(StoreError::Database(format!("column {column} of a query has an unexpected type")));
            }
        })
    }
}
