//! Passwords, second factors, tries that failed, and sessions.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Database, SqlStore,
    accounts::{USER_COLUMNS, user_named, whole_user},
    audit::{self, Cause, Event},
    unit::{Unit, bytes, micros},
    value::params,
    vault::RowKey,
};
use crate::{
    domain::{User, delay_after},
    store::{
        Actor, CredentialChange, Credentials, KeptFactor, LiveSession, PROVED_TWICE, SignInStep, SignInStore, StoreError,
        TokenRecord, Try, TryKind,
    },
};

const TABLE: &str = "user_credential";
/// Failures so long ago count no more.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);
/// How exactly it is kept when a token was used, and how long unknown names are counted before they are told.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[async_trait]
impl<D: Database> SignInStore for SqlStore<D> {
    async fn credentials(&self, user_id: Uuid) -> Result<Credentials, StoreError> {
        self.database.read(move |unit| credentials(unit, user_id)).await
    }

    async fn user_with_credentials(&self, name: &str) -> Result<Option<(User, Credentials)>, StoreError> {
        let name = name.to_owned();
        self.database
            .read(move |unit| {
                let Some(user) = user_named(unit, &name)? else { return Ok(None) };
                let credentials = credentials(unit, user.id)?;
                Ok(Some((user, credentials)))
            })
            .await
    }

    async fn set_password(&self, change: CredentialChange, hash: Option<String>, now: Timestamp) -> Result<(), StoreError> {
        let cause = Cause { actor: change.actor.clone(), now };
        self.database
            .write(move |unit| {
                let key = row_key(unit, change.user_id)?;
                let sealed = hash.as_ref().map(|hash| key.seal("password", hash.as_bytes()));
                let sql = "UPDATE user_credential SET password = ?2, password_changed_at = ?3 WHERE id = ?1";
                unit.execute(sql, params![bytes(change.user_id), sealed, micros(now)])?;
                end_sessions(unit, &change, now)?;
                let action = if hash.is_some() { "password.changed" } else { "password.removed" };
                audit::append(unit, &cause, &Event::of(action, "user", change.user_id, ""))
            })
            .await
    }

    async fn rehash_password(&self, user_id: Uuid, before: &str, hash: String) -> Result<(), StoreError> {
        let before = before.to_owned();
        self.database
            .write(move |unit| {
                let key = row_key(unit, user_id)?;
                // whoever changed the password meanwhile has another hash there
                if credentials(unit, user_id)?.password.as_ref() == Some(&before) {
                    let sealed = key.seal("password", hash.as_bytes());
                    unit.execute("UPDATE user_credential SET password = ?2 WHERE id = ?1", (bytes(user_id), sealed))?;
                }
                Ok(())
            })
            .await
    }

    async fn begin_factor(&self, user_id: Uuid, secret: Vec<u8>) -> Result<bool, StoreError> {
        self.database
            .write(move |unit| {
                let key = row_key(unit, user_id)?;
                let sql =
                    "UPDATE user_credential SET factor = ?2, factor_step = NULL WHERE id = ?1 AND factor_confirmed_at IS NULL";
                Ok(unit.execute(sql, (bytes(user_id), key.seal("factor", &secret)))? > 0)
            })
            .await
    }

    async fn confirm_factor(
        &self,
        user: &User,
        (secret, step): (Vec<u8>, i64),
        recovery: Vec<[u8; 32]>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (user_id, cause) = (user.id, Cause { actor: actor_of(user), now });
        self.database
            .write(move |unit| {
                row_key(unit, user_id)?;
                let begun = credentials(unit, user_id)?.factor;
                if !begun.is_some_and(|factor| !factor.is_confirmed && factor.secret == secret) {
                    return Ok(false);
                }
                let sql = "UPDATE user_credential SET factor_confirmed_at = ?2, factor_step = ?3 WHERE id = ?1";
                unit.execute(sql, params![bytes(user_id), micros(now), step])?;
                for (position, hash) in (1_i64..).zip(&recovery) {
                    unit.execute(
                        "INSERT INTO recovery_code (user_id, position, hash) VALUES (?1, ?2, ?3)
                         ON CONFLICT (user_id, position) DO UPDATE SET hash = excluded.hash, used_at = NULL",
                        params![bytes(user_id), position, *hash],
                    )?;
                }
                audit::append(unit, &cause, &Event::of("second_factor.added", "user", user_id, ""))?;
                Ok(true)
            })
            .await
    }

    async fn remove_factor(&self, change: CredentialChange, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor: change.actor.clone(), now };
        self.database
            .write(move |unit| {
                let id = bytes(change.user_id);
                let sql = "UPDATE user_credential SET factor = NULL, factor_confirmed_at = NULL, factor_step = NULL
                           WHERE id = ?1 AND factor IS NOT NULL";
                if unit.execute(sql, [id])? == 0 {
                    return Ok(false);
                }
                let spend = "UPDATE recovery_code SET used_at = ?2 WHERE user_id = ?1 AND used_at IS NULL";
                unit.execute(spend, (id, micros(now)))?;
                end_sessions(unit, &change, now)?;
                audit::append(unit, &cause, &Event::of("second_factor.removed", "user", change.user_id, ""))?;
                Ok(true)
            })
            .await
    }

    async fn use_step(&self, user_id: Uuid, step: i64) -> Result<bool, StoreError> {
        self.database
            .write(move |unit| {
                let sql = "UPDATE user_credential SET factor_step = ?2
                           WHERE id = ?1 AND factor_confirmed_at IS NOT NULL AND (factor_step < ?2 OR factor_step IS NULL)";
                Ok(unit.execute(sql, (bytes(user_id), step))? > 0)
            })
            .await
    }

    async fn use_recovery_code(&self, user_id: Uuid, hash: [u8; 32], now: Timestamp) -> Result<bool, StoreError> {
        self.database
            .write(move |unit| {
                let sql = "UPDATE recovery_code SET used_at = ?3 WHERE user_id = ?1 AND hash = ?2 AND used_at IS NULL";
                Ok(unit.execute(sql, params![bytes(user_id), hash, micros(now)])? > 0)
            })
            .await
    }

    async fn begin_try(&self, kind: TryKind, name: &str, now: Timestamp) -> Result<Try, StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |unit| {
                let index = name_index(unit, kind, &name);
                unit.hold_indexes(&[index])?;
                unit.execute("DELETE FROM sign_in_failure WHERE failed_at < ?1", [micros(now - FORGOTTEN)])?;
                let sql = "SELECT failures, blocked_until FROM sign_in_failure WHERE name_index = ?1";
                let read = unit.one("sign_in_failure", sql, [index], |row| {
                    Ok((row.get::<u32>("failures")?, row.instant("blocked_until")?))
                })?;
                let (before, blocked) = read.unwrap_or((0, Timestamp::UNIX_EPOCH));
                if blocked > now {
                    // a clock that goes back makes no wait longer than the longest
                    return Ok(Try::Blocked { until: blocked.min(now + longest_wait()) });
                }
                let failures = before.saturating_add(1);
                let wait = delay_after(failures);
                let until = now + wait.unwrap_or_default();
                unit.execute(
                    "INSERT INTO sign_in_failure (name_index, failures, failed_at, blocked_until) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (name_index) DO UPDATE SET failures = excluded.failures, failed_at = excluded.failed_at,
                     blocked_until = excluded.blocked_until",
                    params![index, failures, micros(now), micros(until)],
                )?;
                Ok(Try::Begun { wait })
            })
            .await
    }

    async fn blocked_until(&self, kind: TryKind, name: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let name = name.to_owned();
        self.database
            .read(move |unit| {
                let sql = "SELECT blocked_until FROM sign_in_failure WHERE name_index = ?1 AND blocked_until > ?2";
                let values = (name_index(unit, kind, &name), micros(now));
                unit.one("sign_in_failure", sql, values, |row| row.instant("blocked_until"))
            })
            .await
    }

    async fn clear_tries(&self, kind: TryKind, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |unit| {
                let index = name_index(unit, kind, &name);
                unit.execute("DELETE FROM sign_in_failure WHERE name_index = ?1", [index])?;
                Ok(())
            })
            .await
    }

    async fn record_failed_try(
        &self,
        user_id: Option<Uuid>,
        kind: TryKind,
        wait: Option<SignedDuration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let cause = Cause { actor: Actor::service(), now };
        self.database
            .write(move |unit| {
                let Some(user_id) = user_id else {
                    tell_unknown(unit, now)?;
                    unit.execute(
                        "INSERT INTO unknown_sign_in (id, since, tries) VALUES (1, ?1, 1) ON CONFLICT (id) DO UPDATE SET
                         since = CASE WHEN unknown_sign_in.tries = 0 THEN excluded.since ELSE unknown_sign_in.since END,
                         tries = unknown_sign_in.tries + 1",
                        [micros(now)],
                    )?;
                    return Ok(());
                };
                audit::append(unit, &cause, &Event::of("sign_in.failed", "user", user_id, kind.as_str()))?;
                if let Some(wait) = wait {
                    let detail = format!("{}: {} seconds", kind.as_str(), wait.as_secs());
                    audit::append(unit, &cause, &Event::of("sign_in.locked", "user", user_id, &detail))?;
                }
                Ok(())
            })
            .await
    }

    async fn tell_unknown_tries(&self, now: Timestamp) -> Result<u64, StoreError> {
        // every server asks each minute, and seldom there is something to tell
        let sql = "SELECT count(*) AS n FROM unknown_sign_in WHERE tries > 0 AND since <= ?1";
        let due = self.database.read(move |unit| unit.count(sql, [micros(now - MINUTE)])).await?;
        if due == 0 {
            return Ok(0);
        }
        self.database.write(move |unit| tell_unknown(unit, now)).await
    }

    async fn add_sign_in_step(
        &self,
        (user_id, how): (Uuid, &str),
        hash: [u8; 32],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let how = how.to_owned();
        self.database
            .write(move |unit| {
                unit.execute("DELETE FROM sign_in_step WHERE expires_at < ?1", [micros(now)])?;
                let sql = "INSERT INTO sign_in_step (hash, user_id, how, expires_at) VALUES (?1, ?2, ?3, ?4)";
                unit.execute(sql, params![hash, bytes(user_id), how, micros(expires_at)])?;
                Ok(())
            })
            .await
    }

    async fn sign_in_step(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<SignInStep>, StoreError> {
        let sql = format!(
            "SELECT s.how, {USER_COLUMNS} FROM sign_in_step s JOIN user_account u ON u.id = s.user_id
             WHERE s.hash = ?1 AND s.expires_at > ?2 AND u.disabled = 0"
        );
        self.database
            .read(move |unit| {
                unit.one("sign_in_step", &sql, (hash, micros(now)), |row| {
                    Ok(SignInStep { user: whole_user(unit, row)?, how: row.get("how")? })
                })
            })
            .await
    }

    async fn end_sign_in_step(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        let end = move |unit: &Unit<'_>| Ok(unit.execute("DELETE FROM sign_in_step WHERE hash = ?1", [hash])? > 0);
        self.database.write(end).await
    }

    async fn session(&self, hash: [u8; 32], idle: SignedDuration, now: Timestamp) -> Result<Option<LiveSession>, StoreError> {
        let sql = format!(
            "SELECT t.id AS token_id, coalesce(t.used_at, t.created_at) AS active_at,
                    coalesce(t.proved_at, t.created_at) AS proved_at,
                    CASE WHEN c.factor_confirmed_at IS NULL AND t.label <> ?4 THEN 0 ELSE 1 END AS has_factor, {USER_COLUMNS}
             FROM token t JOIN user_account u ON u.id = t.user_id LEFT JOIN user_credential c ON c.id = u.id
             WHERE t.hash = ?1 AND t.kind = 'session' AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?2)
             AND coalesce(t.used_at, t.created_at) > ?3 AND u.disabled = 0"
        );
        self.database
            .read(move |unit| {
                unit.one("token", &sql, params![hash, micros(now), micros(now - idle), PROVED_TWICE], |row| {
                    Ok(LiveSession {
                        id: row.id("token_id")?,
                        user: whole_user(unit, row)?,
                        active_at: row.instant("active_at")?,
                        proved_at: row.instant("proved_at")?,
                        has_factor: row.get("has_factor")?,
                    })
                })
            })
            .await
    }

    async fn keep_use(&self, hash: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(move |unit| {
                let sql = "UPDATE token SET used_at = ?2 WHERE hash = ?1 AND (used_at <= ?3 OR used_at IS NULL)";
                unit.execute(sql, params![hash, micros(now), micros(now - MINUTE)])?;
                Ok(())
            })
            .await
    }

    async fn keep_proof(&self, session: Uuid, actor: Actor, how: &str, now: Timestamp) -> Result<(), StoreError> {
        let (how, cause) = (how.to_owned(), Cause { actor, now });
        self.database
            .write(move |unit| {
                let sql = "UPDATE token SET proved_at = ?2 WHERE id = ?1 AND kind = 'session'";
                unit.execute(sql, (bytes(session), micros(now)))?;
                audit::append(unit, &cause, &Event::of("session.confirmed", "token", session, &how))
            })
            .await
    }

    async fn end_sessions(&self, change: CredentialChange, now: Timestamp) -> Result<u64, StoreError> {
        self.database.write(move |unit| end_sessions(unit, &change, now)).await
    }

    async fn rotate_token(
        &self,
        old: Uuid,
        (successor, hash): (TokenRecord, [u8; 32]),
        overlap: SignedDuration,
        actor: Actor,
    ) -> Result<Option<Uuid>, StoreError> {
        let now = successor.created_at;
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_row("token", old)?;
                let sql = "SELECT user_id, kind, label, expires_at FROM token WHERE id = ?1 AND revoked_at IS NULL
                           AND (expires_at > ?2 OR expires_at IS NULL) AND kind IN ('api', 'api_read', 'api_write')";
                let found = unit.one("token", sql, (bytes(old), micros(now)), |row| {
                    let kind: String = row.get("kind")?;
                    Ok((row.id("user_id")?, kind, row.get::<String>("label")?, row.instant_or_none("expires_at")?))
                })?;
                let Some((user_id, kind, label, expires_at)) = found else { return Ok(None) };
                let end = expires_at.map_or(now + overlap, |at| at.min(now + overlap));
                unit.execute("UPDATE token SET expires_at = ?2 WHERE id = ?1", (bytes(old), micros(end)))?;
                unit.execute(
                    "INSERT INTO token (id, user_id, kind, label, hash, created_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        bytes(successor.id),
                        bytes(user_id),
                        kind,
                        label,
                        hash,
                        micros(now),
                        successor.expires_at.map(micros)
                    ],
                )?;
                let detail = format!("{kind} of {user_id} for {old}");
                audit::append(unit, &cause, &Event::of("token.rotated", "token", successor.id, &detail))?;
                Ok(Some(user_id))
            })
            .await
    }
}

fn actor_of(user: &User) -> Actor {
    Actor { user_id: Some(user.id), name: user.name.clone() }
}

fn longest_wait() -> SignedDuration {
    delay_after(u32::MAX).unwrap_or_default()
}

/// The same whether or not there is such a user, so that nothing differs by it.
fn name_index(unit: &Unit<'_>, kind: TryKind, name: &str) -> [u8; 32] {
    unit.vault.blind_index("sign_in_failure.name_index", &[kind.as_str(), name])
}

/// The key of the user's row, which is made where it is missing, and held.
fn row_key(unit: &Unit<'_>, user_id: Uuid) -> Result<RowKey, StoreError> {
    let (_, fresh) = unit.vault.new_data_key(TABLE, user_id);
    let insert = "INSERT INTO user_credential (id, data_key) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
    unit.execute(insert, (bytes(user_id), fresh))?;
    unit.hold_row(TABLE, user_id)?;
    let sql = "SELECT data_key FROM user_credential WHERE id = ?1";
    let wrapped: Option<Vec<u8>> = unit.one(TABLE, sql, [bytes(user_id)], |row| row.get("data_key"))?;
    unit.vault.data_key(TABLE, user_id, &wrapped.unwrap_or_default())
}

fn credentials(unit: &Unit<'_>, user_id: Uuid) -> Result<Credentials, StoreError> {
    let sql = "SELECT id, data_key, password, factor, factor_confirmed_at, factor_step FROM user_credential WHERE id = ?1";
    let kept = unit.one(TABLE, sql, [bytes(user_id)], |row| {
        let key = unit.vault.data_key(TABLE, user_id, &row.get::<Vec<u8>>("data_key")?)?;
        let (password, factor): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get("password")?, row.get("factor")?);
        let (is_confirmed, step) = (row.instant_or_none("factor_confirmed_at")?.is_some(), row.get("factor_step")?);
        let secret = factor.map(|sealed| key.open("factor", &sealed)).transpose()?;
        Ok(Credentials {
            password: password.map(|sealed| key.open_text("password", &sealed)).transpose()?,
            factor: secret.map(|secret| KeptFactor { secret, is_confirmed, step }),
            recovery_codes: 0,
        })
    })?;
    let count = "SELECT count(*) AS n FROM recovery_code WHERE user_id = ?1 AND used_at IS NULL";
    Ok(Credentials { recovery_codes: unit.count(count, [bytes(user_id)])?, ..kept.unwrap_or_default() })
}

/// Ends the sessions of a user but the kept one, and what they have of a sign-in.
fn end_sessions(unit: &Unit<'_>, change: &CredentialChange, now: Timestamp) -> Result<u64, StoreError> {
    let id = bytes(change.user_id);
    unit.execute("DELETE FROM sign_in_step WHERE user_id = ?1", [id])?;
    // no token has a hash of nothing but zeros
    let kept = change.kept.unwrap_or_default();
    let sql = "UPDATE token SET revoked_at = ?3
               WHERE user_id = ?1 AND hash <> ?2 AND kind = 'session' AND revoked_at IS NULL AND (expires_at > ?3 OR expires_at IS NULL)";
    let ended = unit.execute(sql, params![id, kept, micros(now)])? as u64;
    if ended > 0 {
        let cause = Cause { actor: change.actor.clone(), now };
        audit::append(unit, &cause, &Event::of("sessions.ended", "user", change.user_id, &ended.to_string()))?;
    }
    Ok(ended)
}

/// Tells of tries with names and codes that nobody has, when they are counted for a minute.
fn tell_unknown(unit: &Unit<'_>, now: Timestamp) -> Result<u64, StoreError> {
    let held = unit.held();
    let sql = format!("SELECT tries, since FROM unknown_sign_in WHERE id = 1 AND tries > 0 AND since <= ?1 {held}");
    let due =
        unit.one("unknown_sign_in", &sql, [micros(now - MINUTE)], |row| Ok((row.unsigned("tries")?, row.instant("since")?)))?;
    let Some((tries, since)) = due else { return Ok(0) };
    unit.execute("UPDATE unknown_sign_in SET tries = 0 WHERE id = 1", ())?;
    let detail = format!("{tries} with names or codes that nobody has, since {since}");
    let cause = Cause { actor: Actor::service(), now };
    audit::append(unit, &cause, &Event { action: "sign_in.failed", subject: None, detail: &detail })?;
    Ok(tries)
}
