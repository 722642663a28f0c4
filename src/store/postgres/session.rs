//! Statements and rows of PostgreSQL as the shared code sees them, and what of an error may be said.

use std::{borrow::Cow, cell::Cell, fmt::Write as _};

use bytes::BytesMut;
use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio_postgres::{
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::store::{
    DISK_IS_FULL, StoreError,
    sql::{
        unit::{Row, Session},
        value::Value,
    },
};

type Problem = Box<dyn std::error::Error + Sync + Send>;

/// What happened to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing.
    Well,
    /// A statement failed: it can only be undone.
    Failed,
    /// Another one was in its way, or the connection was lost: it was undone, and may be done again.
    Again,
}

/// A connection inside a transaction, used by a thread that may wait.
pub(in crate::store) struct PostgresSession<'a> {
    client: &'a Object,
    runtime: &'a Handle,
    health: Cell<Health>,
}

impl<'a> PostgresSession<'a> {
    pub(in crate::store) const fn new(client: &'a Object, runtime: &'a Handle) -> Self {
        Self { client, runtime, health: Cell::new(Health::Well) }
    }

    /// How the transaction is.
    pub(super) fn health(&self) -> Health {
        self.health.get()
    }

    /// Runs words that take no values: BEGIN, COMMIT.
    pub(in crate::store) fn run(&self, words: &str) -> Result<(), StoreError> {
        self.runtime.block_on(self.client.batch_execute(words)).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &tokio_postgres::Error) -> StoreError {
        let undone = error.is_closed()
            || error.code().is_some_and(|code| {
                [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::ADMIN_SHUTDOWN].contains(code)
            });
        self.health.set(if undone { Health::Again } else { Health::Failed });
        database(error)
    }
}

impl Session for PostgresSession<'_> {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let changed = self.runtime.block_on(async {
            let statement = self.client.prepare_cached(&numbered(sql)).await?;
            self.client.execute_raw(&statement, values).await
        });
        changed.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX)).map_err(|error| self.failed(&error))
    }

    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.runtime.block_on(async {
            let statement = self.client.prepare_cached(&numbered(sql)).await?;
            self.client.query(&statement, &values).await
        });
        rows.map_err(|error| self.failed(&error))?.iter().try_for_each(|row| each(row))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn hold(&self, numbers: &[i64]) -> Result<(), StoreError> {
        match numbers {
            [] => Ok(()),
            [number] => self.query("SELECT pg_advisory_xact_lock(?1)", &[Value::Integer(*number)], &mut |_| Ok(())),
            numbers => {
                let rows: Vec<String> = (1..=numbers.len()).map(|number| format!("(?{number}::bigint)")).collect();
                // one after another in the order of the list
                let sql = format!("SELECT pg_advisory_xact_lock(held) FROM (VALUES {}) AS names (held)", rows.join(", "));
                let values: Vec<Value<'_>> = numbers.iter().map(|number| Value::Integer(*number)).collect();
                self.query(&sql, &values, &mut |_| Ok(()))
            }
        }
    }

    fn unguarded(&self, tables: &[&str], work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        tables.iter().try_for_each(|table| self.run(&format!("ALTER TABLE {table} DISABLE TRIGGER USER")))?;
        work()?;
        tables.iter().try_for_each(|table| self.run(&format!("ALTER TABLE {table} ENABLE TRIGGER USER")))
    }
}

/// SQL with values as PostgreSQL names them: `$1` for `?1`, and for each `?` the next number.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let (mut next, mut quoted) = (0, false);
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        quoted ^= letter == '\'';
        if letter != '?' || quoted {
            out.push(letter);
            continue;
        }
        out.push('$');
        if !letters.peek().is_some_and(char::is_ascii_digit) {
            next += 1;
            let _ = write!(out, "{next}");
        }
    }
    out
}

/// A database error as the store reports it: its code and what was broken, never its message, which can quote a value.
pub(super) fn database(error: &tokio_postgres::Error) -> StoreError {
    let may_pass = error.as_db_error().is_none_or(|told| passes(told.code()));
    let told = match error.as_db_error() {
        Some(told) => {
            let what = match *told.code() {
                SqlState::QUERY_CANCELED => "a statement took too long".to_owned(),
                SqlState::INSUFFICIENT_PRIVILEGE => {
                    "the user of the database may not use it or its tables; their owner has to grant that, as deploy/compose/grants.sql does"
                        .to_owned()
                }
                SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                    "it does not let this user in".to_owned()
                }
                SqlState::INVALID_CATALOG_NAME => "there is no such database".to_owned(),
                SqlState::READ_ONLY_SQL_TRANSACTION => "it takes no writes: it is a standby".to_owned(),
                SqlState::DISK_FULL => return StoreError::Full(DISK_IS_FULL),
                _ => "a statement was refused".to_owned(),
            };
            let constraint = told.constraint().map(|name| format!(", constraint {name}")).unwrap_or_default();
            format!("{what} (SQLSTATE {}{constraint})", told.code().code())
        }
        None if error.is_closed() => "the connection was lost".to_owned(),
        None => {
            let source = std::error::Error::source(error);
            let kind = source.and_then(|source| source.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
            kind.map_or_else(|| "the connection failed".to_owned(), |kind| format!("the connection failed: {kind}"))
        }
    };
    if may_pass { StoreError::Unavailable(told) } else { StoreError::Database(told) }
}

/// Whether what PostgreSQL could not do now it may do later.
fn passes(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::QUERY_CANCELED,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ]
    .contains(code)
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
        match self {
            Value::Null => return Ok(IsNull::Yes),
            Value::Integer(number) => match *kind {
                Type::INT8 => out.extend_from_slice(&number.to_be_bytes()),
                Type::INT4 => out.extend_from_slice(&i32::try_from(*number)?.to_be_bytes()),
                Type::INT2 => out.extend_from_slice(&i16::try_from(*number)?.to_be_bytes()),
                _ => return Err("an integer is no value for this column".into()),
            },
            Value::Text(text) => match *kind {
                Type::TEXT | Type::VARCHAR | Type::NAME => out.extend_from_slice(text.as_bytes()),
                _ => return Err("text is no value for this column".into()),
            },
            Value::Blob(bytes) => match *kind {
                Type::BYTEA => out.extend_from_slice(bytes),
                Type::UUID if bytes.len() == 16 => out.extend_from_slice(bytes),
                _ => return Err("bytes are no value for this column".into()),
            },
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Problem> {
        Ok(match *kind {
            Type::INT8 => Value::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Value::Integer(i16::from_sql(kind, raw)?.into()),
            Type::BOOL => Value::Integer(bool::from_sql(kind, raw)?.into()),
            Type::BYTEA | Type::UUID => Value::Blob(Cow::Borrowed(raw)),
            _ => Value::Text(Cow::Borrowed(std::str::from_utf8(raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Problem> {
        Ok(Value::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::INT2, Type::BOOL, Type::BYTEA, Type::UUID, Type::TEXT, Type::VARCHAR, Type::NAME]
            .contains(kind)
    }
}

impl Row for tokio_postgres::Row {
    fn value(&self, column: &str) -> Result<Value<'_>, StoreError> {
        self.try_get(column).map_err(|_| StoreError::Database(format!("column {column} of a query has an unexpected type")))
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn values_are_numbered() {
        for (written, sent) in [
            ("a = ?1 AND b = ?12", "a = $1 AND b = $12"),
            ("a IN (?, ?) LIMIT ?", "a IN ($1, $2) LIMIT $3"),
            ("a = '?' AND b = ?2", "a = '?' AND b = $2"),
        ] {
            assert_eq!(numbered(written), sent);
        }
    }
}
