//! Site packs, version by version; which of them is live; and what shadow runs said.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    unit::{Columns, Unit, bytes, derived_id, micros},
    value::params,
};
use crate::{
    domain::{PackActivation, PackShadow, PackVersion, SitePack},
    store::{Actor, NewActivation, NewPack, SitePackStore, StoreError},
};

const VERSION: &str = "SELECT p.id, p.version, p.data_key, p.note, p.changed, p.actor, p.at,
    CASE WHEN EXISTS (SELECT 1 FROM site_pack_activation a WHERE a.version = p.version) THEN 1 ELSE 0 END AS was_live FROM site_pack p";

#[async_trait]
impl<D: Database> SitePackStore for SqlStore<D> {
    async fn pack_versions(&self, limit: u32) -> Result<Vec<PackVersion>, StoreError> {
        self.database
            .read(move |unit| {
                let sql = format!("{VERSION} ORDER BY p.version DESC LIMIT ?1");
                let found = unit.all("site_pack", &sql, [limit], |row| version(unit, row))?;
                found.into_iter().map(|version| with_shadow(unit, version)).collect()
            })
            .await
    }

    async fn pack_version(&self, number: u64) -> Result<Option<PackVersion>, StoreError> {
        self.database
            .read(move |unit| {
                let found = unit
                    .one("site_pack", &format!("{VERSION} WHERE p.version = ?1"), [signed(number)], |row| version(unit, row))?;
                found.map(|version| with_shadow(unit, version)).transpose()
            })
            .await
    }

    async fn site_pack(&self, version: u64) -> Result<Option<SitePack>, StoreError> {
        let sql = "SELECT id, data_key, body FROM site_pack WHERE version = ?1";
        self.database
            .read(move |unit| {
                unit.one("site_pack", sql, [signed(version)], |row| {
                    let key = unit.vault.data_key("site_pack", row.id("id")?, &row.get::<Vec<u8>>("data_key")?)?;
                    key.open_json("body", &row.get::<Vec<u8>>("body")?)
                })
            })
            .await
    }

    async fn add_site_pack(&self, pack: NewPack, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| add(unit, &pack, &cause)).await
    }

    async fn pack_activations(&self, limit: u32) -> Result<Vec<PackActivation>, StoreError> {
        let sql = "SELECT id, number, version, reason, data_key, explanation, actor, at FROM site_pack_activation
                   ORDER BY number DESC LIMIT ?1";
        self.database.read(move |unit| unit.all("site_pack_activation", sql, [limit], |row| activation(unit, row))).await
    }

    async fn live_pack(&self) -> Result<Option<u64>, StoreError> {
        self.database.read(|unit| Ok(newest(unit)?.and_then(|(_, version)| version))).await
    }

    async fn activate_pack(&self, activation: NewActivation, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| activate(unit, &activation, &cause)).await
    }

    async fn record_shadow(&self, version: u64, shadow: PackShadow, actor: Actor) -> Result<bool, StoreError> {
        let cause = Cause { actor, now: shadow.at };
        self.database
            .write(move |unit| {
                let sql = "INSERT INTO site_pack_shadow (version, report_id, passed, at)
                           SELECT version, ?2, ?3, ?4 FROM site_pack WHERE version = ?1 ON CONFLICT DO NOTHING";
                let values = (signed(version), bytes(shadow.report), i64::from(shadow.passed), micros(shadow.at));
                if unit.execute(sql, values)? == 0 {
                    return Ok(false);
                }
                let ended = if shadow.passed { "passed" } else { "not passed" };
                let detail = format!("version {version} {ended}, report {}", shadow.report);
                audit::append(unit, &cause, &Event { action: "site_pack.shadow_run", subject: None, detail: &detail })?;
                Ok(true)
            })
            .await
    }

    async fn shadow_of(&self, version: u64) -> Result<Option<PackShadow>, StoreError> {
        self.database.read(move |unit| shadow(unit, version)).await
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn version(unit: &Unit<'_>, row: &Columns<'_>) -> Result<PackVersion, StoreError> {
    let key = unit.vault.data_key("site_pack", row.id("id")?, &row.get::<Vec<u8>>("data_key")?)?;
    Ok(PackVersion {
        version: row.unsigned("version")?,
        changed: row.get("changed")?,
        note: key.open_text("note", &row.get::<Vec<u8>>("note")?)?,
        by: row.get("actor")?,
        at: row.instant("at")?,
        shadow: None,
        was_live: row.get::<i64>("was_live")? != 0,
    })
}

fn with_shadow(unit: &Unit<'_>, version: PackVersion) -> Result<PackVersion, StoreError> {
    Ok(PackVersion { shadow: shadow(unit, version.version)?, ..version })
}

fn shadow(unit: &Unit<'_>, version: u64) -> Result<Option<PackShadow>, StoreError> {
    let sql = "SELECT report_id, passed, at FROM site_pack_shadow WHERE version = ?1 ORDER BY at DESC, report_id LIMIT 1";
    unit.one("site_pack_shadow", sql, [signed(version)], |row| {
        Ok(PackShadow { report: row.id("report_id")?, passed: row.get::<i64>("passed")? != 0, at: row.instant("at")? })
    })
}

fn activation(unit: &Unit<'_>, row: &Columns<'_>) -> Result<PackActivation, StoreError> {
    let key = unit.vault.data_key("site_pack_activation", row.id("id")?, &row.get::<Vec<u8>>("data_key")?)?;
    Ok(PackActivation {
        number: row.unsigned("number")?,
        version: row.get::<Option<i64>>("version")?.and_then(|version| u64::try_from(version).ok()),
        reason: row.word("reason", |word| word.parse().ok())?,
        explanation: key.open_text("explanation", &row.get::<Vec<u8>>("explanation")?)?,
        by: row.get("actor")?,
        at: row.instant("at")?,
    })
}

/// The newest activation: its number, and the version that became live by it.
fn newest(unit: &Unit<'_>) -> Result<Option<(u64, Option<u64>)>, StoreError> {
    let sql = "SELECT number AS id, number, version FROM site_pack_activation ORDER BY number DESC LIMIT 1";
    unit.one("site_pack_activation", sql, (), |row| {
        let version = row.get::<Option<i64>>("version")?.and_then(|version| u64::try_from(version).ok());
        Ok((row.unsigned("number")?, version))
    })
}

/// Adds a version behind the one that is the newest, and writes the event; `false` when it is that no more.
fn add(unit: &Unit<'_>, pack: &NewPack, cause: &Cause) -> Result<bool, StoreError> {
    if unit.count("SELECT coalesce(max(version), 0) AS n FROM site_pack", ())? != pack.before {
        return Ok(false);
    }
    let version = pack.before + 1;
    let id = derived_id(Uuid::nil(), &format!("site_pack {version}"));
    let inconsistent = |_| StoreError::Inconsistent {
        table: "site_pack",
        id: version.to_string(),
        problem: "it cannot be written as JSON".to_owned(),
    };
    let body = serde_json::to_vec(&pack.pack).map_err(inconsistent)?;
    let (key, data_key) = unit.vault.new_data_key("site_pack", id);
    let added = unit.execute(
        "INSERT INTO site_pack (id, version, data_key, body, note, changed, actor_id, actor, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            bytes(id),
            signed(version),
            data_key,
            key.seal("body", &body),
            key.seal("note", pack.note.as_bytes()),
            &pack.changed,
            cause.actor.user_id.map(bytes),
            &cause.actor.name,
            micros(cause.now)
        ],
    )?;
    if added == 0 {
        return Ok(false);
    }
    let detail = format!("version {version}: {}", pack.changed);
    audit::append(unit, cause, &Event { action: "site_pack.version_added", subject: None, detail: &detail })?;
    Ok(true)
}

/// Makes a version live, and writes the event; `false` when another one became live meanwhile, or there is no such version.
fn activate(unit: &Unit<'_>, activation: &NewActivation, cause: &Cause) -> Result<bool, StoreError> {
    if newest(unit)?.map_or(0, |(number, _)| number) != activation.before {
        return Ok(false);
    }
    let is_there = |version| unit.count("SELECT count(*) AS n FROM site_pack WHERE version = ?1", [signed(version)]);
    if let Some(version) = activation.version
        && is_there(version)? == 0
    {
        return Ok(false);
    }
    let number = activation.before + 1;
    let id = derived_id(Uuid::nil(), &format!("site_pack_activation {number}"));
    let (key, data_key) = unit.vault.new_data_key("site_pack_activation", id);
    let added = unit.execute(
        "INSERT INTO site_pack_activation (id, number, version, reason, data_key, explanation, actor_id, actor, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            bytes(id),
            signed(number),
            activation.version.map(signed),
            activation.reason.as_str(),
            data_key,
            key.seal("explanation", activation.explanation.as_bytes()),
            cause.actor.user_id.map(bytes),
            &cause.actor.name,
            micros(cause.now)
        ],
    )?;
    if added == 0 {
        return Ok(false);
    }
    let which = activation.version.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
    let detail = format!("{which}, {}", activation.reason.as_str());
    audit::append(unit, cause, &Event { action: "site_pack.activated", subject: None, detail: &detail })?;
    Ok(true)
}
