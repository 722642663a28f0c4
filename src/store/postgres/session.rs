//! Statements and rows of PostgreSQL as the shared code sees them, and what of an error may be said.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    fmt::Write as _,
    future::poll_fn,
    pin::Pin,
    task::Poll,
};

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
type Failure = tokio_postgres::Error;

/// What happened to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing.
    Well,
    /// A statement failed: it can only be undone.
    Failed,
    /// Another one was in its way, or the connection was lost: it was undone, and may be done again.
    Again,
    /// Its commit failed, or the connection was lost in it: it may have been done.
    Unknown,
}

/// A connection inside a transaction, used by a thread that may wait.
///
/// What nobody needs an answer of waits until the next question, and goes to the server together with it: one way there and back for all.
/// The server does it in that order, and refuses everything after a statement that failed.
pub(in crate::store) struct PostgresSession<'a> {
    client: &'a Object,
    runtime: &'a Handle,
    health: Cell<Health>,
    waiting: RefCell<Vec<Step<'static>>>,
}

/// What is sent to the server.
enum Step<'v> {
    /// Words that take no values: BEGIN, COMMIT.
    Words(Cow<'v, str>),
    /// A statement whose rows are wanted.
    Query(&'v str, &'v [Value<'v>]),
    /// A statement of which is wanted how many rows it changed.
    Change(&'v str, &'v [Value<'v>]),
    /// A statement of which nothing is wanted.
    Write(String, Vec<Value<'static>>),
    /// Numbers to be held, one after another.
    Hold(Vec<i64>),
}

/// What comes back of it.
enum Answer {
    Count(u64),
    Rows(Vec<tokio_postgres::Row>),
}

/// What failed first of what was sent at once.
struct Fault {
    at: usize,
    /// Whether it never left this program, nor anything behind it.
    is_unsent: bool,
    error: Failure,
}

type Sent<'s> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 's>>;

impl<'a> PostgresSession<'a> {
    pub(in crate::store) const fn new(client: &'a Object, runtime: &'a Handle) -> Self {
        Self { client, runtime, health: Cell::new(Health::Well), waiting: RefCell::new(Vec::new()) }
    }

    /// How the transaction is.
    pub(super) fn health(&self) -> Health {
        self.health.get()
    }

    /// Runs words that take no values.
    pub(in crate::store) fn run(&self, words: &str) -> Result<(), StoreError> {
        self.send(Step::Words(Cow::Borrowed(words))).map(drop).map_err(|fault| self.failed(&fault.error))
    }

    /// Begins a transaction: with the first question.
    pub(super) fn begin(&self, words: &'static str) {
        self.waiting.borrow_mut().push(Step::Words(Cow::Borrowed(words)));
    }

    /// Sends what waits, and the commit behind it. Where the server did not say that something before the commit failed, and yet the commit is not
    /// answered, it is not known whether it was done: then it is not to be done again.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        let last = self.waiting.borrow().len();
        self.send(Step::Words(Cow::Borrowed("COMMIT"))).map(drop).map_err(|Fault { at, is_unsent, error }| {
            let told = self.failed(&error);
            if !is_unsent && (at == last || error.as_db_error().is_none()) {
                self.health.set(Health::Unknown);
            }
            told
        })
    }

    /// Undoes the transaction; whether the connection can be used again.
    pub(super) fn roll_back(&self) -> bool {
        // nothing was sent yet, not even its beginning
        let is_unsent = matches!(self.waiting.take().first(), Some(Step::Words(_)));
        is_unsent || self.run("ROLLBACK").is_ok()
    }

    fn failed(&self, error: &Failure) -> StoreError {
        let undone = error.is_closed()
            || error.code().is_some_and(|code| {
                [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::ADMIN_SHUTDOWN].contains(code)
            });
        self.health.set(if undone { Health::Again } else { Health::Failed });
        database(error)
    }

    /// Sends what waits and then this, all at once; the answer to this, or what failed first.
    fn send(&self, last: Step<'_>) -> Result<Answer, Fault> {
        let mut steps: Vec<Step<'_>> = self.waiting.take();
        steps.push(last);
        self.runtime.block_on(async {
            let mut sent = Vec::with_capacity(steps.len());
            for (at, step) in steps.iter().enumerate() {
                sent.push(self.sent(step).await.map_err(|error| Fault { at, is_unsent: true, error })?);
            }
            in_order(sent).await
        })
    }

    async fn changing<'s>(&'s self, sql: &'s str, values: &'s [Value<'s>]) -> Result<Sent<'s>, Failure> {
        let statement = self.client.prepare_cached(&numbered(sql)).await?;
        Ok(Box::pin(async move { self.client.execute_raw(&statement, values.iter()).await.map(Answer::Count) }))
    }

    /// A step that is ready to be sent: its statement is known to the server.
    async fn sent<'s>(&'s self, step: &'s Step<'_>) -> Result<Sent<'s>, Failure> {
        Ok(match step {
            Step::Words(words) => Box::pin(async { self.client.batch_execute(words).await.map(|()| Answer::Count(0)) }),
            Step::Query(sql, values) => {
                let statement = self.client.prepare_cached(&numbered(sql)).await?;
                let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
                Box::pin(async move { self.client.query(&statement, &values).await.map(Answer::Rows) })
            }
            Step::Change(sql, values) => self.changing(sql, values).await?,
            Step::Write(sql, values) => self.changing(sql, values).await?,
            Step::Hold(numbers) => {
                // one after another in the order of the list
                let sql = "SELECT pg_advisory_xact_lock(held) FROM unnest($1::bigint[]) AS names (held)";
                let statement = self.client.prepare_cached(sql).await?;
                Box::pin(async move { self.client.execute_raw(&statement, [numbers]).await.map(Answer::Count) })
            }
        })
    }
}

/// Sends all, and waits for all; the last answer, or the first failure. What cannot be sent keeps everything behind it from being
/// sent, a commit above all.
async fn in_order(mut sent: Vec<Sent<'_>>) -> Result<Answer, Fault> {
    let mut answers: Vec<Option<Result<Answer, Failure>>> = Vec::with_capacity(sent.len());
    poll_fn(|context| {
        for future in &mut sent {
            // the first poll is what sends it
            let answer = match future.as_mut().poll(context) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            };
            let is_unsent = matches!(answer, Some(Err(_)));
            answers.push(answer);
            if is_unsent {
                break;
            }
        }
        Poll::Ready(())
    })
    .await;
    let mut last = Answer::Count(0);
    for (at, (future, answer)) in sent.iter_mut().zip(answers).enumerate() {
        let is_answered = answer.is_some();
        let answer = match answer {
            Some(answer) => answer,
            None => future.await,
        };
        // a connection that is lost may have taken it with it
        last = answer.map_err(|error| Fault { at, is_unsent: is_answered && !error.is_closed(), error })?;
    }
    Ok(last)
}

impl Session for PostgresSession<'_> {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        match self.send(Step::Change(sql, values)).map_err(|fault| self.failed(&fault.error))? {
            Answer::Count(rows) => Ok(usize::try_from(rows).unwrap_or(usize::MAX)),
            Answer::Rows(rows) => Ok(rows.len()),
        }
    }

    fn write(&self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        let values = values.iter().map(|value| value.clone().into_owned()).collect();
        self.waiting.borrow_mut().push(Step::Write(sql.to_owned(), values));
        Ok(())
    }

    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self.send(Step::Query(sql, values)).map_err(|fault| self.failed(&fault.error))? {
            Answer::Rows(rows) => rows.iter().try_for_each(|row| each(row)),
            Answer::Count(_) => Ok(()),
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn hold(&self, numbers: &[i64]) -> Result<(), StoreError> {
        if !numbers.is_empty() {
            self.waiting.borrow_mut().push(Step::Hold(numbers.to_vec()));
        }
        Ok(())
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
