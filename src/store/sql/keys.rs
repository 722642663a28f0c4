//! Site keys in use: counted by what they wrap, and everything wrapped anew a few hundred rows at a time.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, KEYED_TABLES, SqlStore,
    unit::{Unit, bytes, micros},
};
use crate::{
    seal::{KeyId, SiteKeys},
    store::{KeyHolder, KeyStore, RewrapPlace, StoreError, WrappedKeys},
};

/// Rows of one step.
const STEP: usize = 500;

#[async_trait]
impl<D: Database> KeyStore for SqlStore<D> {
    fn take_keys(&self, keys: SiteKeys) {
        self.vault.take_keys(keys);
    }

    async fn announce_keys(&self, holder: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let keys: Vec<String> = self.vault.keys().ids().iter().map(ToString::to_string).collect();
        let keys = keys.join(" ");
        let sql = "INSERT INTO key_holder (id, keys, seen_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET keys = excluded.keys, seen_at = excluded.seen_at";
        self.database.write(move |unit| unit.execute(sql, (bytes(holder), &keys, micros(now))).map(drop)).await
    }

    async fn key_holders(&self, since: Timestamp) -> Result<Vec<KeyHolder>, StoreError> {
        self.database
            .read(move |unit| {
                let sql = "SELECT id, keys, seen_at FROM key_holder WHERE seen_at >= ?1 ORDER BY id";
                unit.all("key_holder", sql, [micros(since)], |row| {
                    Ok(KeyHolder {
                        id: row.id("id")?,
                        keys: row.get::<String>("keys")?.split_whitespace().map(str::to_owned).collect(),
                        seen_at: row.instant("seen_at")?,
                    })
                })
            })
            .await
    }

    async fn wrapped_keys(&self) -> Result<Vec<WrappedKeys>, StoreError> {
        self.database.read(wrapped).await
    }

    async fn rewrap(&self, place: RewrapPlace) -> Result<(Option<RewrapPlace>, u64), StoreError> {
        self.database.write(move |unit| step(unit, place)).await
    }
}

/// What each site key wraps.
pub(in crate::store) fn wrapped(unit: &Unit<'_>) -> Result<Vec<WrappedKeys>, StoreError> {
    let mut found = Vec::new();
    let tables = KEYED_TABLES.iter().map(|table| (*table, "data_key")).chain([("site_secret", "wrapped")]);
    for (table, column) in tables {
        // the id of the site key stands behind the version, see `seal`
        let sql = format!(
            "SELECT substr({column}, 2, 8) AS key_id, count(*) AS n FROM {table} WHERE length({column}) > 0
             GROUP BY substr({column}, 2, 8)"
        );
        for (key, keys) in unit.all(table, &sql, (), |row| Ok((row.get::<Vec<u8>>("key_id")?, row.unsigned("n")?)))? {
            let key = KeyId::of_bytes(&key).ok_or_else(|| StoreError::Inconsistent {
                table,
                id: "?".to_owned(),
                problem: "a wrapped key of it is cut off".to_owned(),
            })?;
            found.push(WrappedKeys { table, key, keys });
        }
    }
    Ok(found)
}

/// Wraps the keys of the next rows, at the end those of the database itself; where it goes on, and how many keys were changed.
pub(in crate::store) fn step(unit: &Unit<'_>, place: RewrapPlace) -> Result<(Option<RewrapPlace>, u64), StoreError> {
    let Some(table) = KEYED_TABLES.get(place.table).copied() else {
        unit.vault.rewrap_own_keys(unit.session)?;
        return Ok((None, 0));
    };
    let held = unit.held();
    let select =
        format!("SELECT id, data_key FROM {table} WHERE id > ?1 AND length(data_key) > 0 ORDER BY id LIMIT {STEP} {held}");
    let rows = unit.all(table, &select, [bytes(place.after)], |row| Ok((row.id("id")?, row.get::<Vec<u8>>("data_key")?)))?;
    let mut changed = 0;
    for (id, key) in &rows {
        if let Some(key) = unit.vault.rewrap(table, *id, key)? {
            unit.execute(&format!("UPDATE {table} SET data_key = ?2 WHERE id = ?1"), (bytes(*id), key))?;
            changed += 1;
        }
    }
    let next = match rows.last() {
        Some((last, _)) => RewrapPlace { after: *last, ..place },
        None => RewrapPlace { table: place.table + 1, after: Uuid::nil() },
    };
    Ok((Some(next), changed))
}
