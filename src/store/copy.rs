//! A whole store from a SQLite file into a PostgreSQL database: every row as it is. What is sealed stays sealed, so no key is needed, and
//! the same site keys open it afterwards.
//!
//! Nobody may serve the file meanwhile. Rows go over in batches, each in one transaction with how far it came, so a copy that was broken
//! off goes on where it was. In the end both sides are read again and compared. Until then no server opens the new database.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use super::{
    StoreError,
    postgres::{self, Connections, PostgresSession, PostgresSettings},
    sql::{
        unit::{Row, Session},
        value::{ToValue as _, Value},
    },
    sqlite::AtRest,
};

/// Rows of one batch.
const ROWS: usize = 200;
/// Bytes of one batch, about.
const BYTES: usize = 8 << 20;
/// Rows that are read at once to be compared.
const COMPARED: usize = 50;

/// The tables in an order in which each row comes after those that it names, with the order of their rows. Tables without a number of
/// their rows are small, and are begun anew.
const TABLES: [(&str, &str); 42] = [
    ("site_secret", BY_NUMBER),
    ("user_account", BY_NUMBER),
    ("token", BY_NUMBER),
    // whoever another one was merged into comes first
    ("patient", "merged_into IS NOT NULL"),
    ("encounter", BY_NUMBER),
    ("review_item", BY_NUMBER),
    ("note", BY_NUMBER),
    ("job", BY_NUMBER),
    ("extraction", BY_NUMBER),
    ("decision", BY_NUMBER),
    ("audit_event", BY_NUMBER),
    ("audit_link", BY_NUMBER),
    ("audit_checkpoint", BY_NUMBER),
    ("audit_sealer", BY_NUMBER),
    ("idempotency_key", BY_NUMBER),
    ("destination", BY_NUMBER),
    ("query", BY_NUMBER),
    ("query_act", BY_NUMBER),
    ("delivery", BY_NUMBER),
    ("message", BY_NUMBER),
    ("client_key", BY_NUMBER),
    ("used_assertion", BY_NUMBER),
    ("item_remark", BY_NUMBER),
    ("note_seen", "user_id"),
    ("user_preference", BY_NUMBER),
    ("site_setting", BY_NUMBER),
    ("suggestion_tally", "suggestion"),
    ("second_review", BY_NUMBER),
    ("item_outcome", BY_NUMBER),
    ("site_list", "name, version"),
    ("tombstone", BY_NUMBER),
    ("purge_permit", BY_NUMBER),
    ("legal_hold", BY_NUMBER),
    ("key_holder", BY_NUMBER),
    ("work_lease", BY_NUMBER),
    ("own_record", BY_NUMBER),
    ("broken_glass", BY_NUMBER),
    ("user_credential", BY_NUMBER),
    ("recovery_code", BY_NUMBER),
    ("sign_in_failure", BY_NUMBER),
    ("unknown_sign_in", BY_NUMBER),
    ("sign_in_step", BY_NUMBER),
];

/// In the order in which they were added, with a number to go on from.
const BY_NUMBER: &str = "rowid";

/// What of a table is on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// A sum over its rows, whatever their order.
    pub checksum: String,
}

/// Copies everything and compares; what is on both sides. Done again, it goes on where it was broken off.
///
/// # Errors
/// [`StoreError::Refused`] when somebody serves the file, its schema is older than this program, or the database holds other data;
/// [`StoreError::Inconsistent`] when the two sides differ in the end.
pub async fn copy(from: &Path, to: &PostgresSettings) -> Result<Vec<CopiedTable>, StoreError> {
    let source = AtRest::open(from)?;
    postgres::migrate(to).await?;
    let client = Connections::new(to)?.get().await?;
    let runtime = Handle::current();
    let copy = move || {
        let target = PostgresSession::new(&client, &runtime);
        let source = source.session();
        prepare(&source, &target)?;
        for (table, order) in TABLES {
            copy_table(&source, &target, (table, order))?;
        }
        let copied = compare(&source, &target)?;
        target.run("DROP TABLE copy_state")?;
        Ok(copied)
    };
    tokio::task::spawn_blocking(copy).await.map_err(|_| StoreError::Database("the copy panicked".to_owned()))?
}

/// Makes sure that the target is empty, or what an earlier copy of the same source left there.
fn prepare(source: &dyn Session, target: &PostgresSession<'_>) -> Result<(), StoreError> {
    if count(target, "SELECT count(*) AS n FROM pg_class WHERE oid = to_regclass('copy_state')")? > 0 {
        let (mut ours, mut theirs) = (Sum::default(), Sum::default());
        source.query("SELECT * FROM site_secret", &[], &mut |row| ours.add(row, &["name".into(), "wrapped".into()]))?;
        target.query("SELECT * FROM site_secret", &[], &mut |row| theirs.add(row, &["name".into(), "wrapped".into()]))?;
        if theirs.rows > 0 && ours != theirs {
            return Err(StoreError::Refused(
                "the database holds an unfinished copy of another one; give this copy an empty database".to_owned(),
            ));
        }
        return Ok(());
    }
    for (table, _) in TABLES.into_iter().filter(|(table, _)| *table != "site_secret") {
        if count(target, &format!("SELECT count(*) AS n FROM (SELECT 1 FROM {table} LIMIT 1) AS first"))? > 0 {
            return Err(StoreError::Refused("the database holds data already; a copy needs an empty one".to_owned()));
        }
    }
    // a key that was made when somebody looked at the empty database seals nothing
    target.run(
        "BEGIN; DELETE FROM site_secret;
         CREATE TABLE copy_state (name TEXT NOT NULL PRIMARY KEY, position BIGINT NOT NULL); COMMIT",
    )
}

fn count(session: &dyn Session, sql: &str) -> Result<i64, StoreError> {
    let mut found = 0;
    session.query(sql, &[], &mut |row| {
        if let Value::Integer(number) = row.value("n")? {
            found = number;
        }
        Ok(())
    })?;
    Ok(found)
}

/// The columns of a table, as PostgreSQL has them.
fn columns(target: &dyn Session, table: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT column_name::text AS name FROM information_schema.columns
               WHERE table_schema = current_schema() AND table_name = ?1 ORDER BY ordinal_position";
    let mut found = Vec::new();
    target.query(sql, &[table.to_value()], &mut |row| {
        if let Value::Text(name) = row.value("name")? {
            found.push(name.into_owned());
        }
        Ok(())
    })?;
    Ok(found)
}

/// Rows on their way.
struct Batch<'a> {
    target: &'a PostgresSession<'a>,
    table: &'static str,
    columns: &'a [String],
    rows: usize,
    bytes: usize,
    values: Vec<Value<'static>>,
    /// The number of the last one, where they are in the order of their numbers.
    position: Option<i64>,
}

impl Batch<'_> {
    fn add(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        for column in self.columns {
            let value = row.value(column)?.into_owned();
            self.bytes += value.bytes();
            self.values.push(value);
        }
        self.rows += 1;
        if self.position.is_some() {
            self.position = if let Value::Integer(number) = row.value("copy_number")? { Some(number) } else { None };
        }
        if self.rows == ROWS || self.bytes >= BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.rows == 0 {
            return Ok(());
        }
        let places = vec!["?"; self.columns.len()].join(", ");
        let rows = vec![format!("({places})"); self.rows].join(", ");
        let (table, columns) = (self.table, self.columns.join(", "));
        let insert = format!("INSERT INTO {table} ({columns}) VALUES {rows} ON CONFLICT DO NOTHING");
        self.target.run("BEGIN")?;
        self.target.execute(&insert, &self.values)?;
        if let Some(position) = self.position {
            let keep = "INSERT INTO copy_state (name, position) VALUES (?1, ?2)
                        ON CONFLICT (name) DO UPDATE SET position = excluded.position";
            self.target.execute(keep, &[table.to_value(), Value::Integer(position)])?;
        }
        self.target.run("COMMIT")?;
        (self.rows, self.bytes) = (0, 0);
        self.values.clear();
        Ok(())
    }
}

fn copy_table(
    source: &dyn Session,
    target: &PostgresSession<'_>,
    (table, order): (&'static str, &str),
) -> Result<(), StoreError> {
    let columns = columns(target, table)?;
    let listed = columns.join(", ");
    let mut batch = Batch { target, table, columns: &columns, rows: 0, bytes: 0, values: Vec::new(), position: None };
    if order == BY_NUMBER {
        let sql = format!("SELECT coalesce(max(position), -9223372036854775808) AS n FROM copy_state WHERE name = '{table}'");
        let position = count(target, &sql)?;
        batch.position = Some(position);
        let sql = format!("SELECT rowid AS copy_number, {listed} FROM {table} WHERE rowid > ?1 ORDER BY rowid");
        source.query(&sql, &[Value::Integer(position)], &mut |row| batch.add(row))?;
    } else {
        source.query(&format!("SELECT {listed} FROM {table} ORDER BY {order}"), &[], &mut |row| batch.add(row))?;
    }
    batch.flush()
}

/// A sum over rows that does not depend on their order.
#[derive(Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    lanes: [u64; 4],
}

impl Sum {
    fn add(&mut self, row: &dyn Row, columns: &[String]) -> Result<(), StoreError> {
        let mut hash = Sha256::new();
        for column in columns {
            let (kind, bytes) = match row.value(column)? {
                Value::Null => (0, Vec::new()),
                Value::Integer(number) => (1, number.to_be_bytes().to_vec()),
                Value::Text(text) => (2, text.as_bytes().to_vec()),
                Value::Blob(bytes) => (3, bytes.into_owned()),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        for (lane, bytes) in self.lanes.iter_mut().zip(hash.finalize().as_chunks().0) {
            *lane = lane.wrapping_add(u64::from_be_bytes(*bytes));
        }
        self.rows += 1;
        Ok(())
    }

    fn checksum(&self) -> String {
        format!("{:016x}", self.lanes.iter().fold(self.rows, |sum, lane| sum.rotate_left(13) ^ lane))
    }
}

/// Reads both sides again.
fn compare(source: &dyn Session, target: &PostgresSession<'_>) -> Result<Vec<CopiedTable>, StoreError> {
    let mut compared = Vec::new();
    for (table, _) in TABLES {
        let columns = columns(target, table)?;
        let listed = columns.join(", ");
        let (mut ours, mut theirs) = (Sum::default(), Sum::default());
        source.query(&format!("SELECT {listed} FROM {table}"), &[], &mut |row| ours.add(row, &columns))?;
        target.run(&format!("BEGIN READ ONLY; DECLARE copied_{table} CURSOR FOR SELECT {listed} FROM {table}"))?;
        loop {
            let before = theirs.rows;
            let fetch = format!("FETCH {COMPARED} FROM copied_{table}");
            target.query(&fetch, &[], &mut |row| theirs.add(row, &columns))?;
            if theirs.rows == before {
                break;
            }
        }
        target.run("COMMIT")?;
        if ours != theirs {
            let problem = format!("the copy has {} rows and differs from the {} of its source", theirs.rows, ours.rows);
            return Err(StoreError::Inconsistent { table, id: "?".to_owned(), problem });
        }
        compared.push(CopiedTable { table, rows: ours.rows, checksum: ours.checksum() });
    }
    Ok(compared)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::{
        domain::{Decision, DecisionKind, Role},
        seal::SiteKeys,
        store::{
            AccountStore as _, Actor, AddNote, MessageStore as _, NoteStore as _, PatientMerge, PatientStore as _,
            ReviewStore as _,
            conformance::{self, MINUTE, at, extract_all, id, identified, item_of, of_encounter, post, user},
            postgres::{
                PostgresStore,
                tests::{cluster, database, open, settings},
            },
            sqlite::{OpenMode, SqliteStore, tests::post_many},
        },
    };

    #[test]
    fn every_table_is_copied() {
        let folder = TempDir::new().expect("makes a folder");
        let path = folder.path().join("abstractor.db");
        drop(SqliteStore::open(&path, SiteKeys::generate(), OpenMode::Serve).expect("opens"));
        let source = AtRest::open(&path).expect("nobody serves it");
        let mut tables = Vec::new();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_version' ORDER BY name";
        let read = source.session().query(sql, &[], &mut |row| {
            if let Value::Text(name) = row.value("name")? {
                tables.push(name.into_owned());
            }
            Ok(())
        });
        read.expect("reads");
        let mut copied = TABLES.map(|(table, _)| table);
        copied.sort_unstable();
        assert_eq!(tables, copied);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_moves_to_a_server() {
        let folder = TempDir::new().expect("makes a folder");
        let (path, keys) = (folder.path().join("abstractor.db"), SiteKeys::generate());
        let file = Arc::new(SqliteStore::open(&path, keys.clone(), OpenMode::Serve).expect("opens"));
        for poster in 0..3 {
            post_many(file.clone(), poster, 150, "A note that moves.".to_owned()).await;
        }
        let note = post(&*file, of_encounter("e", Some("p"), "decided"), 0).await;
        let newer = post(&*file, identified("v", Some("1"), "first"), 1).await;
        post(&*file, identified("v", Some("2"), "second"), 2).await;
        extract_all(&*file, 1).await;
        let coder = user(&*file, "coder", Role::Coder).await;
        let item = item_of(&*file, note, 2).await.item.id;
        file.claim_item(item, &coder, MINUTE, at(3)).await.expect("claims");
        let kind = DecisionKind::Reject { reason: "other".to_owned(), comment: Some("why".to_owned()) };
        let decision = Decision {
            id: id(),
            item_id: item,
            entry_id: id(),
            user_id: coder.id,
            user_name: coder.name.clone(),
            at: at(3),
            kind,
            evidence: Vec::new(),
        };
        file.decide(item, &coder, vec![decision], None, at(3)).await.expect("decides");
        let patient = |id: &str| crate::domain::Patient { id: id.to_owned(), ..Default::default() };
        let merge = PatientMerge { source: "emr".to_owned(), surviving: patient("later"), retired: patient("p") };
        file.merge_patients(id(), merge, Actor::service(), at(4)).await.expect("merges");
        let message = conformance::messages::message(&*file, Some("C1"), "kept", None).await;
        file.add_message(message.clone(), Actor::service()).await.expect("keeps");
        let before = file.item(item, at(5)).await.expect("reads").expect("is there");
        let events = file.audit_events(0, 10_000).await.expect("reads");

        let kept = database().await;
        let target = settings(cluster(), &kept.0);
        let served = copy(&path, &target).await;
        assert!(
            matches!(served, Err(StoreError::Refused(message)) if message.contains("another process")),
            "while it is served"
        );
        drop(file);

        // a copy that was broken off: some rows are there, and how far it came
        let connections = Connections::new(&target).expect("connects");
        let client = connections.get().await.expect("connects");
        let (broken, runtime) = (path.clone(), Handle::current());
        let half = tokio::task::spawn_blocking(move || {
            let source = AtRest::open(&broken)?;
            let target = PostgresSession::new(&client, &runtime);
            prepare(&source.session(), &target)?;
            TABLES.into_iter().take(8).try_for_each(|table| copy_table(&source.session(), &target, table))
        });
        half.await.expect("runs").expect("copies");
        let unfinished = PostgresStore::open(target.clone(), keys.clone()).await;
        assert!(matches!(unfinished, Err(StoreError::Refused(message)) if message.contains("abstractor copy")));

        let copied = copy(&path, &target).await.expect("goes on");
        let rows = |table: &str| copied.iter().find(|found| found.table == table).map(|found| found.rows);
        assert_eq!((rows("note"), rows("audit_event")), (Some(453), Some(events.len() as u64)));
        assert!(matches!(copy(&path, &target).await, Err(StoreError::Refused(message)) if message.contains("empty")));

        let store = open(&kept.0, keys).await;
        assert_eq!(format!("{:?}", store.item(item, at(5)).await.expect("reads")), format!("{:?}", Some(before)));
        assert_eq!(store.audit_events(0, 10_000).await.expect("reads"), events);
        assert_eq!(store.message(message.id).await.expect("reads"), Some(message));
        assert_eq!(store.user_named("coder").await.expect("reads"), Some(coder));
        let again = store.add_note(id(), identified("v", Some("1"), "first").into(), Actor::service(), at(9)).await;
        assert_eq!(again.expect("answers"), AddNote::Existing { id: newer }, "blind indexes moved too");
        post(&store, identified("v", Some("3"), "third"), 10).await;
        let last = store.audit_events(events.len() as i64, 10).await.expect("reads");
        assert_eq!(last[0].sequence, events.len() as i64 + 1, "the trail goes on");
    }
}
