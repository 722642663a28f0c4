//! Own records of users and accesses under broken glass; and the conditions that keep from a query what its reader may not see.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    accounts::user_named,
    audit::{self, Cause, Event},
    outbox::{self, Happened},
    patients::number_index,
    unit::{Columns, Unit, bytes, micros},
    value::params,
};
use crate::{
    domain::{BrokenGlass, EventKind, Sensitivities, User},
    store::{AccessStore, Actor, StoreError},
};

/// The condition that a row of a note or an item has no label but those of the clearances. That most have none is said first: a planner knows how
/// many these are, and nothing of bits. The number stands in the text: it is of a small set.
pub(super) fn cleared(row: &str, clearances: Sensitivities) -> String {
    format!("({row}.labels = 0 OR ({row}.labels & {}) = 0)", clearances.lacking())
}

/// The condition that an item `i` is of the source `#`: as it says itself, or as its notes say where an older program made it.
pub(super) const OF_SOURCE: &str =
    "(i.source = # OR (i.source IS NULL AND EXISTS (SELECT 1 FROM note n WHERE n.item_id = i.id AND n.source = #)))";

/// The condition that an item `i` is not of the patient `#`.
pub(super) const OF_ANOTHER_PATIENT: &str = "(i.patient_id IS NULL OR i.patient_id <> #)";

/// Users and the patients that they are themselves, as these are merged by now: of one user, or of all.
pub(super) fn own_patients(unit: &Unit<'_>, user: Option<Uuid>) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    // two texts: one that serves both cases would be planned for all patients
    let of = if user.is_some() { "WHERE o.user_id = ?1" } else { "" };
    let sql = format!(
        "SELECT o.user_id, coalesce(p.merged_into, p.id) AS id FROM own_record o JOIN patient p ON p.identity_index = o.record_index {of}
         UNION SELECT o.user_id, coalesce(p.merged_into, p.id) AS id FROM own_record o JOIN patient p ON p.number_index = o.record_index {of}"
    );
    let values: Vec<[u8; 16]> = user.map(bytes).into_iter().collect();
    unit.all("own_record", &sql, values, |row| Ok((row.id("user_id")?, row.id("id")?)))
}

#[async_trait]
impl<D: Database> AccessStore for SqlStore<D> {
    async fn add_own_record(
        &self,
        name: &str,
        (source, number): (&str, &str),
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let record = number_index(&self.vault, source, number);
        let (name, cause) = (name.to_owned(), Cause { actor, now });
        self.database
            .write(move |unit| {
                let Some(user) = user_named(unit, &name)? else { return Ok(false) };
                let sql = "INSERT INTO own_record (user_id, record_index) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                if unit.execute(sql, (bytes(user.id), record))? > 0 {
                    audit::append(unit, &cause, &Event::of("user.own_record_added", "user", user.id, ""))?;
                }
                Ok(true)
            })
            .await
    }

    async fn remove_own_records(&self, name: &str, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let (name, cause) = (name.to_owned(), Cause { actor, now });
        self.database
            .write(move |unit| {
                let Some(user) = user_named(unit, &name)? else { return Ok(false) };
                if unit.execute("DELETE FROM own_record WHERE user_id = ?1", [bytes(user.id)])? > 0 {
                    audit::append(unit, &cause, &Event::of("user.own_records_removed", "user", user.id, ""))?;
                }
                Ok(true)
            })
            .await
    }

    async fn own_records(&self, user: Uuid) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) AS n FROM own_record WHERE user_id = ?1";
        self.database.read(move |unit| unit.count(sql, [bytes(user)])).await
    }

    async fn break_glass(&self, access: BrokenGlass) -> Result<(), StoreError> {
        let (key, data_key) = self.vault.new_data_key("broken_glass", access.id);
        let words = key.seal("words", access.words.as_bytes());
        let actor = Actor { user_id: Some(access.by.0), name: access.by.1.clone() };
        let cause = Cause { actor, now: access.at };
        self.database
            .write(move |unit| {
                unit.execute(
                    "INSERT INTO broken_glass (id, user_id, item_id, reason, data_key, words, at, until)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        bytes(access.id),
                        bytes(access.by.0),
                        bytes(access.item_id),
                        access.reason.as_str(),
                        data_key,
                        words,
                        micros(access.at),
                        micros(access.until)
                    ],
                )?;
                let event = Event::of("access.broken_glass", "item", access.item_id, access.reason.as_str());
                audit::append(unit, &cause, &event)?;
                let happened =
                    Happened { event: EventKind::AccessBreakGlass, note: None, item: Some(access.item_id), outgoing: &[] };
                outbox::emit(unit, &happened, access.at)
            })
            .await
    }

    async fn glass_over(&self, user: &User, id: Uuid, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let user = user.id;
        let sql = "SELECT id, until FROM broken_glass WHERE user_id = ?1 AND at <= ?3 AND until > ?3
                   AND (item_id = ?2 OR item_id = (SELECT item_id FROM note WHERE id = ?2)) ORDER BY until DESC LIMIT 1";
        self.database
            .read(move |unit| unit.one("broken_glass", sql, (bytes(user), bytes(id), micros(now)), |row| row.instant("until")))
            .await
    }

    async fn broken_glasses(&self, limit: u32) -> Result<Vec<BrokenGlass>, StoreError> {
        let sql = format!("{GLASS} ORDER BY CASE WHEN g.acknowledged_at IS NULL THEN 0 ELSE 1 END, g.at DESC, g.id LIMIT ?1");
        self.database.read(move |unit| unit.all("broken_glass", &sql, [limit], |row| open(unit, row))).await
    }

    async fn acknowledge_access(&self, id: Uuid, by: &User, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor: Actor { user_id: Some(by.id), name: by.name.clone() }, now };
        let by = by.id;
        self.database
            .write(move |unit| {
                let sql = "UPDATE broken_glass SET acknowledged_by = ?2, acknowledged_at = ?3
                           WHERE id = ?1 AND acknowledged_at IS NULL RETURNING id, item_id";
                let found = unit.one("broken_glass", sql, (bytes(id), bytes(by), micros(now)), |row| row.id("item_id"))?;
                let Some(item) = found else { return Ok(false) };
                audit::append(unit, &cause, &Event::of("access.acknowledged", "item", item, &format!("access {id}")))?;
                Ok(true)
            })
            .await
    }
}

const GLASS: &str = "
    SELECT g.id, g.user_id, u.name, g.item_id, g.reason, g.data_key, g.words, g.at, g.until, a.name AS acknowledged_by, g.acknowledged_at
    FROM broken_glass g JOIN user_account u ON u.id = g.user_id LEFT JOIN user_account a ON a.id = g.acknowledged_by";

/// Accesses to an item, oldest first.
pub(super) fn of_item(unit: &Unit<'_>, item: Uuid) -> Result<Vec<BrokenGlass>, StoreError> {
    let sql = format!("{GLASS} WHERE g.item_id = ?1 ORDER BY g.at, g.id");
    unit.all("broken_glass", &sql, [bytes(item)], |row| open(unit, row))
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<BrokenGlass, StoreError> {
    let id = row.id("id")?;
    let (wrapped, sealed): (Vec<u8>, Vec<u8>) = (row.get("data_key")?, row.get("words")?);
    // none where the encounter was purged
    let words = match wrapped.is_empty() {
        true => String::new(),
        false => unit.vault.data_key("broken_glass", id, &wrapped)?.open_text("words", &sealed)?,
    };
    Ok(BrokenGlass {
        id,
        by: (row.id("user_id")?, row.get("name")?),
        item_id: row.id("item_id")?,
        reason: row.word("reason", |word| word.parse().ok())?,
        words,
        at: row.instant("at")?,
        until: row.instant("until")?,
        acknowledged: row.get::<Option<String>>("acknowledged_by")?.zip(row.instant_or_none("acknowledged_at")?),
    })
}
