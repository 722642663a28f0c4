//! Users, tokens and the audit trail.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore, access,
    audit::{self, Cause, Event},
    unit::{Columns, Unit, bytes, micros},
    value::params,
};
use crate::{
    domain::{Sensitivities, User},
    seal::DataKey,
    store::{AccountStore, Actor, AuditEvent, StoreError, TokenKind, TokenRecord},
};

/// What an administrator changed of a user, as the trail keeps it: `role coder to lead, tokens revoked; facility; restricted granted;
/// clearances hiv, vip`.
fn what_changed(before: &User, after: &User) -> String {
    let role = (before.role != after.role)
        .then(|| format!("role {} to {}, tokens revoked", before.role.as_str(), after.role.as_str()));
    let scope = |name: &str, is_other: bool| is_other.then(|| name.to_owned());
    let clearance = if after.sees_restricted { "restricted granted" } else { "restricted withdrawn" };
    let changes = [
        role,
        scope("source", before.source != after.source),
        scope("facility", before.facility != after.facility),
        scope("department", before.department != after.department),
        scope(clearance, before.sees_restricted != after.sees_restricted),
        (before.clearances != after.clearances).then(|| {
            let kinds: Vec<&str> = after.clearances.kinds().into_iter().map(crate::domain::Sensitivity::as_str).collect();
            if kinds.is_empty() { "no clearances".to_owned() } else { format!("clearances {}", kinds.join(", ")) }
        }),
    ];
    changes.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

pub(super) const USER_COLUMNS: &str =
    "u.id, u.name, u.role, u.source, u.facility, u.department, u.sees_restricted, u.clearances, u.disabled";

#[async_trait]
impl<D: Database> AccountStore for SqlStore<D> {
    async fn add_user(&self, user: User, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let added = unit.execute(
                    "INSERT INTO user_account
                     (id, name, role, source, facility, department, sees_restricted, disabled, created_at, clearances)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (name) DO NOTHING",
                    params![
                        bytes(user.id),
                        user.name,
                        user.role.as_str(),
                        user.source,
                        user.facility,
                        user.department,
                        user.sees_restricted,
                        user.disabled,
                        micros(now),
                        user.clearances.bits()
                    ],
                )? > 0;
                if added {
                    audit::append(unit, &cause, &Event::of("user.created", "user", user.id, user.role.as_str()))?;
                }
                Ok(added)
            })
            .await
    }

    async fn user_named(&self, name: &str) -> Result<Option<User>, StoreError> {
        let name = name.to_owned();
        self.database.read(move |unit| user_named(unit, &name)).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let sql = format!("SELECT {USER_COLUMNS} FROM user_account u ORDER BY u.name");
        self.database
            .read(move |unit| {
                let mut users = unit.all("user_account", &sql, (), user_without_own_record)?;
                for (owner, patient) in access::own_patients(unit, None)? {
                    if let Some(user) = users.iter_mut().find(|user| user.id == owner) {
                        user.own_patients.push(patient);
                    }
                }
                Ok(users)
            })
            .await
    }

    async fn change_user(&self, user: User, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_rows("user_account", "name = ?1", [&user.name])?;
                let Some(before) = user_named(unit, &user.name)? else { return Ok(false) };
                // whose record is theirs is said apart
                let own_patients = before.own_patients.clone();
                let after = User { id: before.id, disabled: before.disabled, own_patients, ..user.clone() };
                if before != after {
                    unit.execute(
                        "UPDATE user_account SET role = ?2, source = ?3, facility = ?4, department = ?5, sees_restricted = ?6,
                                clearances = ?7 WHERE id = ?1",
                        params![
                            bytes(after.id),
                            after.role.as_str(),
                            after.source.clone(),
                            after.facility.clone(),
                            after.department.clone(),
                            after.sees_restricted,
                            after.clearances.bits()
                        ],
                    )?;
                    if before.role != after.role {
                        // what was given out for one role opens nothing for another; a session is of somebody who is here
                        unit.execute(
                            "UPDATE token SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL AND kind <> 'session'",
                            (bytes(after.id), micros(cause.now)),
                        )?;
                    }
                    audit::append(unit, &cause, &Event::of("user.changed", "user", after.id, &what_changed(&before, &after)))?;
                }
                Ok(true)
            })
            .await
    }

    async fn set_user_disabled(&self, name: &str, disabled: bool, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_rows("user_account", "name = ?1", [&name])?;
                let Some(user) = user_named(unit, &name)? else { return Ok(false) };
                if user.disabled != disabled {
                    unit.execute("UPDATE user_account SET disabled = ?2 WHERE id = ?1", (bytes(user.id), disabled))?;
                    if disabled {
                        // who is let in again later signs in again
                        let sql = "UPDATE token SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL AND kind IN ('session', 'sign_in')";
                        unit.execute(sql, (bytes(user.id), micros(cause.now)))?;
                    }
                    let action = if disabled { "user.disabled" } else { "user.enabled" };
                    audit::append(unit, &cause, &Event::of(action, "user", user.id, ""))?;
                }
                Ok(true)
            })
            .await
    }

    async fn add_token(&self, token: TokenRecord, hash: [u8; 32], actor: Actor, now: Timestamp) -> Result<(), StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.execute(
                    "INSERT INTO token (id, user_id, kind, label, hash, created_at, expires_at, revoked_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        bytes(token.id),
                        bytes(token.user_id),
                        token.kind.as_str(),
                        token.label,
                        hash,
                        micros(token.created_at),
                        token.expires_at.map(micros),
                        token.revoked_at.map(micros)
                    ],
                )?;
                let detail = format!("{} of {}", token.kind.as_str(), token.user_id);
                audit::append(unit, &cause, &Event::of("token.created", "token", token.id, &detail))
            })
            .await
    }

    async fn user_of_token(&self, hash: [u8; 32], kind: TokenKind, now: Timestamp) -> Result<Option<User>, StoreError> {
        self.database.read(move |unit| Ok(live_token(unit, hash, kind, now)?.map(|(_, user)| user))).await
    }

    async fn user_of_api_token(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<(User, TokenKind)>, StoreError> {
        let kinds = [TokenKind::Api, TokenKind::ApiRead, TokenKind::ApiWrite];
        self.database.look(move |unit| Ok(live(unit, hash, &kinds, now)?.map(|(_, user, kind)| (user, kind)))).await
    }

    async fn set_client_keys(
        &self,
        name: &str,
        keys: Option<String>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_rows("user_account", "name = ?1", [&name])?;
                let Some(user) = user_named(unit, &name)? else { return Ok(false) };
                unit.execute("DELETE FROM client_key WHERE user_id = ?1", [bytes(user.id)])?;
                if let Some(keys) = &keys {
                    let sql = "INSERT INTO client_key (user_id, keys, changed_at) VALUES (?1, ?2, ?3)";
                    unit.execute(sql, (bytes(user.id), keys, micros(now)))?;
                }
                let action = if keys.is_some() { "client.keys_registered" } else { "client.keys_removed" };
                audit::append(unit, &cause, &Event::of(action, "user", user.id, ""))?;
                Ok(true)
            })
            .await
    }

    async fn client_keys(&self, name: &str) -> Result<Option<(User, String)>, StoreError> {
        let name = name.to_owned();
        let sql = format!(
            "SELECT {USER_COLUMNS}, k.keys FROM user_account u JOIN client_key k ON k.user_id = u.id WHERE u.name = ?1 AND u.disabled = 0"
        );
        let read =
            move |unit: &Unit<'_>| unit.one("user_account", &sql, [name], |row| Ok((whole_user(unit, row)?, row.get("keys")?)));
        self.database.read(read).await
    }

    fn derived_key(&self, duty: &str) -> DataKey {
        self.vault.derived_key(duty)
    }

    async fn redeem_assertion(&self, hash: [u8; 32], expires_at: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.database
            .write(move |unit| {
                unit.execute("DELETE FROM used_assertion WHERE expires_at < ?1", [micros(now)])?;
                let sql = "INSERT INTO used_assertion (hash, expires_at) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING";
                Ok(unit.execute(sql, (hash, micros(expires_at)))? > 0)
            })
            .await
    }

    async fn redeem_sign_in(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<User>, StoreError> {
        self.database
            .write(move |unit| {
                let Some((id, user)) = live_token(unit, hash, TokenKind::SignIn, now)? else { return Ok(None) };
                let sql = "UPDATE token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
                if unit.execute(sql, (bytes(id), micros(now)))? == 0 {
                    return Ok(None);
                }
                let actor = Actor { user_id: Some(user.id), name: user.name.clone() };
                audit::append(
                    unit,
                    &Cause { actor, now },
                    &Event::of("token.redeemed", "token", id, TokenKind::SignIn.as_str()),
                )?;
                Ok(Some(user))
            })
            .await
    }

    async fn tokens(&self, user_id: Uuid) -> Result<Vec<TokenRecord>, StoreError> {
        let sql = "SELECT id, user_id, kind, label, created_at, expires_at, revoked_at, used_at FROM token
                   WHERE user_id = ?1 ORDER BY created_at DESC, id DESC";
        self.database.read(move |unit| unit.all("token", sql, [bytes(user_id)], token)).await
    }

    async fn revoke_token(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                if unit.count("SELECT count(*) AS n FROM token WHERE id = ?1", [bytes(id)])? == 0 {
                    return Ok(false);
                }
                revoke(unit, id, &cause)?;
                Ok(true)
            })
            .await
    }

    async fn revoke_token_hash(&self, hash: [u8; 32], now: Timestamp) -> Result<bool, StoreError> {
        self.database
            .write(move |unit| {
                let sql = "SELECT t.id AS token_id, u.id AS id, u.name AS name
                           FROM token t JOIN user_account u ON u.id = t.user_id WHERE t.hash = ?1";
                let owned = unit.one("token", sql, [hash], |row| {
                    Ok((row.id("token_id")?, Actor { user_id: Some(row.id("id")?), name: row.get("name")? }))
                })?;
                let Some((id, actor)) = owned else { return Ok(false) };
                revoke(unit, id, &Cause { actor, now })?;
                Ok(true)
            })
            .await
    }

    async fn record_audit(
        &self,
        actor: Actor,
        action: &str,
        subject: Option<(&str, Uuid)>,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (action, detail) = (action.to_owned(), detail.to_owned());
        let subject = subject.map(|(kind, id)| (kind.to_owned(), id));
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let subject = subject.as_ref().map(|(kind, id)| (kind.as_str(), *id));
                audit::append(unit, &cause, &Event { action: &action, subject, detail: &detail })
            })
            .await
    }

    async fn record_reads(
        &self,
        actor: Actor,
        action: &str,
        (kind, ids): (&str, Vec<Uuid>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (action, kind) = (action.to_owned(), kind.to_owned());
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| ids.iter().try_for_each(|id| audit::append(unit, &cause, &Event::of(&action, &kind, *id, ""))))
            .await
    }

    async fn audit_events(&self, after: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        self.database.read(move |unit| audit::list(unit, after, limit)).await
    }
}

pub(super) fn user_named(unit: &Unit<'_>, name: &str) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {USER_COLUMNS} FROM user_account u WHERE u.name = ?1");
    unit.one("user_account", &sql, [name], |row| whole_user(unit, row))
}

/// The user of a row with the patients that they are themselves, as these are merged by now. Whoever is let in is read so.
pub(super) fn whole_user(unit: &Unit<'_>, row: &Columns<'_>) -> Result<User, StoreError> {
    let user = user_without_own_record(row)?;
    let own = access::own_patients(unit, Some(user.id))?;
    Ok(User { own_patients: own.into_iter().map(|(_, patient)| patient).collect(), ..user })
}

/// A token that works now, and its user.
fn live_token(unit: &Unit<'_>, hash: [u8; 32], kind: TokenKind, now: Timestamp) -> Result<Option<(Uuid, User)>, StoreError> {
    Ok(live(unit, hash, &[kind], now)?.map(|(id, user, _)| (id, user)))
}

/// As [`live_token`], of one of several kinds: one question, and another one only of who has a record of their own here.
fn live(
    unit: &Unit<'_>,
    hash: [u8; 32],
    kinds: &[TokenKind],
    now: Timestamp,
) -> Result<Option<(Uuid, User, TokenKind)>, StoreError> {
    let sql = format!(
        "SELECT t.id AS token_id, t.kind, {USER_COLUMNS},
                CASE WHEN EXISTS (SELECT 1 FROM own_record o WHERE o.user_id = u.id) THEN 1 ELSE 0 END AS has_own_record
         FROM token t JOIN user_account u ON u.id = t.user_id
         WHERE t.hash = ?1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?2) AND u.disabled = 0"
    );
    let found = unit.one("token", &sql, params![hash, micros(now)], |row| {
        let word: String = row.get("kind")?;
        let Some(kind) = kinds.iter().copied().find(|kind| kind.as_str() == word) else { return Ok(None) };
        let user = if row.get("has_own_record")? { whole_user(unit, row)? } else { user_without_own_record(row)? };
        Ok(Some((row.id("token_id")?, user, kind)))
    })?;
    Ok(found.flatten())
}

/// Revokes once; a second time changes nothing and is no event.
fn revoke(unit: &Unit<'_>, id: Uuid, cause: &Cause) -> Result<(), StoreError> {
    let sql = "UPDATE token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    if unit.execute(sql, (bytes(id), micros(cause.now)))? > 0 {
        audit::append(unit, cause, &Event::of("token.revoked", "token", id, ""))?;
    }
    Ok(())
}

/// A user of a row, for what lets nobody in.
pub(super) fn user_without_own_record(row: &Columns<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: row.id("id")?,
        name: row.get("name")?,
        role: row.word("role", |word| word.parse().ok())?,
        source: row.get("source")?,
        facility: row.get("facility")?,
        department: row.get("department")?,
        sees_restricted: row.get("sees_restricted")?,
        clearances: Sensitivities::of_bits(row.get("clearances")?),
        own_patients: Vec::new(),
        disabled: row.get("disabled")?,
    })
}

fn token(row: &Columns<'_>) -> Result<TokenRecord, StoreError> {
    Ok(TokenRecord {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        kind: row.word("kind", |word| {
            [TokenKind::Api, TokenKind::ApiRead, TokenKind::ApiWrite, TokenKind::Session, TokenKind::SignIn]
                .into_iter()
                .find(|kind| kind.as_str() == word)
        })?,
        label: row.get("label")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant_or_none("expires_at")?,
        revoked_at: row.instant_or_none("revoked_at")?,
        used_at: row.instant_or_none("used_at")?,
    })
}
