//! Messages of other systems.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    unit::{Columns, Unit, bytes, micros},
    value::params,
    vault::Vault,
};
use crate::store::{
    Actor, KnownMessage, MessageFilter, MessageIdentity, MessageLine, MessageOutcome, MessageStore, ReceivedMessage, StoreError,
};

#[async_trait]
impl<D: Database> MessageStore for SqlStore<D> {
    async fn known_message(&self, source: &str, identity: MessageIdentity, content: &[u8]) -> Result<KnownMessage, StoreError> {
        let index = index_of(&self.vault, source, &identity);
        let hash = self.vault.content_hash("message.content", content);
        self.database
            .read(move |unit| {
                let sql = "SELECT id, data_key, acknowledgement, content_hash FROM message WHERE identity_index = ?1";
                let mut known = KnownMessage::New;
                for answer in unit.all("message", sql, [index], |row| {
                    let same = row.get::<[u8; 32]>("content_hash")? == hash;
                    same.then(|| acknowledgement(unit, row)).transpose()
                })? {
                    match answer {
                        Some(acknowledgement) => return Ok(KnownMessage::Same { acknowledgement }),
                        None => known = KnownMessage::OtherContent,
                    }
                }
                Ok(known)
            })
            .await
    }

    async fn add_message(&self, message: ReceivedMessage, actor: Actor) -> Result<Option<Vec<u8>>, StoreError> {
        let index = message.identity.as_ref().map(|identity| index_of(&self.vault, &message.source, identity));
        let hash = self.vault.content_hash("message.content", &message.content);
        let (key, data_key) = self.vault.new_data_key("message", message.id);
        let identity = message.identity.as_ref().map(|identity| key.seal("identity", &json(identity)));
        let content = key.seal("content", &message.content);
        let acknowledgement_sealed = key.seal("acknowledgement", &message.outcome.acknowledgement);
        let cause = Cause { actor, now: message.received_at };
        self.database
            .write(move |unit| {
                unit.hold_indexes(index.as_slice())?;
                let sql = "SELECT id, data_key, acknowledgement FROM message WHERE identity_index = ?1 AND content_hash = ?2";
                if let Some(answer) = unit.one("message", sql, (index, hash), |row| acknowledgement(unit, row))? {
                    return Ok(Some(answer));
                }
                unit.execute(
                    "INSERT INTO message (id, user_id, source, event, identity_index, content_hash, data_key, identity, content,
                                          acknowledgement, state, reason, note_id, received_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                    params![
                        bytes(message.id),
                        bytes(message.user_id),
                        message.source,
                        message.event,
                        index,
                        hash,
                        data_key,
                        identity,
                        content,
                        acknowledgement_sealed,
                        state(&message.outcome),
                        message.outcome.reason,
                        message.outcome.note_id.map(bytes),
                        micros(message.received_at)
                    ],
                )?;
                if let Some(reason) = &message.outcome.reason {
                    audit::append(unit, &cause, &Event::of("message.failed", "message", message.id, reason))?;
                }
                Ok(None)
            })
            .await
    }

    async fn messages(&self, filter: MessageFilter, before: Option<Uuid>, limit: u32) -> Result<Vec<MessageLine>, StoreError> {
        let which = match filter {
            MessageFilter::Failed => "state = 'failed' AND length(data_key) > 0",
            MessageFilter::Any => "true",
        };
        let place = if before.is_some() {
            "(received_at, id) < (SELECT received_at, id FROM message WHERE id = ?1)"
        } else {
            "CAST(?1 AS TEXT) IS NULL"
        };
        let sql = format!(
            "SELECT id, source, event, reason, note_id, received_at FROM message WHERE {which} AND {place}
             ORDER BY received_at DESC, id DESC LIMIT ?2"
        );
        self.database
            .read(move |unit| {
                unit.all("message", &sql, (before.map(bytes), limit.clamp(1, 1000)), |row| {
                    Ok(MessageLine {
                        id: row.id("id")?,
                        source: row.get("source")?,
                        event: row.get("event")?,
                        reason: row.get("reason")?,
                        note_id: row.id_or_none("note_id")?,
                        received_at: row.instant("received_at")?,
                    })
                })
            })
            .await
    }

    async fn message(&self, id: Uuid) -> Result<Option<ReceivedMessage>, StoreError> {
        self.database.read(move |unit| one(unit, id)).await
    }

    async fn settle_message(
        &self,
        id: Uuid,
        outcome: MessageOutcome,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.hold_row("message", id)?;
                let sql = "SELECT id, data_key FROM message WHERE id = ?1 AND state = 'failed' AND length(data_key) > 0";
                let key = unit.one("message", sql, [bytes(id)], |row| {
                    unit.vault.data_key("message", id, &row.get::<Vec<u8>>("data_key")?)
                })?;
                let Some(key) = key else { return Ok(false) };
                unit.execute(
                    "UPDATE message SET state = ?2, reason = ?3, note_id = ?4, acknowledgement = ?5 WHERE id = ?1",
                    params![
                        bytes(id),
                        state(&outcome),
                        outcome.reason,
                        outcome.note_id.map(bytes),
                        key.seal("acknowledgement", &outcome.acknowledgement)
                    ],
                )?;
                let detail = outcome.reason.as_deref().unwrap_or("accepted");
                audit::append(unit, &cause, &Event::of("message.replayed", "message", id, detail))?;
                Ok(true)
            })
            .await
    }
}

fn state(outcome: &MessageOutcome) -> &'static str {
    if outcome.reason.is_some() { "failed" } else { "accepted" }
}

fn index_of(vault: &Vault, source: &str, identity: &MessageIdentity) -> [u8; 32] {
    let MessageIdentity { sender, receiver, control_id } = identity;
    vault.blind_index("message.identity", &[source, &sender.0, &sender.1, &receiver.0, &receiver.1, control_id])
}

fn json(identity: &MessageIdentity) -> Vec<u8> {
    serde_json::to_vec(identity).expect("an identity is strings, which JSON can hold")
}

fn acknowledgement(unit: &Unit<'_>, row: &Columns<'_>) -> Result<Vec<u8>, StoreError> {
    let key = unit.vault.data_key("message", row.id("id")?, &row.get::<Vec<u8>>("data_key")?)?;
    key.open("acknowledgement", &row.get::<Vec<u8>>("acknowledgement")?)
}

fn one(unit: &Unit<'_>, id: Uuid) -> Result<Option<ReceivedMessage>, StoreError> {
    let sql = "SELECT id, user_id, source, event, data_key, identity, content, acknowledgement, reason, note_id, received_at
               FROM message WHERE id = ?1 AND length(data_key) > 0";
    unit.one("message", sql, [bytes(id)], |row| {
        let key = unit.vault.data_key("message", id, &row.get::<Vec<u8>>("data_key")?)?;
        let identity = row.get::<Option<Vec<u8>>>("identity")?;
        Ok(ReceivedMessage {
            id,
            user_id: row.id("user_id")?,
            source: row.get("source")?,
            event: row.get("event")?,
            identity: identity.map(|sealed| key.open_json("identity", &sealed)).transpose()?,
            content: key.open("content", &row.get::<Vec<u8>>("content")?)?,
            outcome: MessageOutcome {
                reason: row.get("reason")?,
                note_id: row.id_or_none("note_id")?,
                acknowledgement: acknowledgement(unit, row)?,
            },
            received_at: row.instant("received_at")?,
        })
    })
}
