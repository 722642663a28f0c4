//! What the workbench keeps beside the queue.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    site_lists,
    unit::{Unit, bytes, micros},
};
use crate::{
    domain::{EntryState, Preferences, SiteListName, SiteListVersion, SiteSettings, Tally, User},
    store::{Actor, AuditEvent, StoreError, Suggestion, SuggestionOutcome, WorkbenchStore},
};

/// Suggestions that one query asks about.
const TALLIES_AT_ONCE: usize = 200;

/// The row of the site's settings.
const SETTINGS: &str = "review";

#[async_trait]
impl<D: Database> WorkbenchStore for SqlStore<D> {
    async fn see_notes(&self, user: Uuid, item: Uuid, notes: Vec<Uuid>, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(move |unit| {
                for note in &notes {
                    unit.execute(
                        "INSERT INTO note_seen (user_id, note_id, at) SELECT ?1, id, ?4 FROM note WHERE id = ?2 AND item_id = ?3
                         ON CONFLICT DO NOTHING",
                        (bytes(user), bytes(*note), bytes(item), micros(now)),
                    )?;
                }
                Ok(())
            })
            .await
    }

    async fn seen_notes(&self, user: Uuid, item: Uuid) -> Result<Vec<Uuid>, StoreError> {
        self.database
            .read(move |unit| {
                let sql = "SELECT s.note_id AS id FROM note_seen s JOIN note n ON n.id = s.note_id WHERE s.user_id = ?1 AND n.item_id = ?2";
                unit.all("note_seen", sql, (bytes(user), bytes(item)), |row| row.id("id"))
            })
            .await
    }

    async fn preferences(&self, user: Uuid) -> Result<Preferences, StoreError> {
        self.database.read(move |unit| Ok(kept(unit, user)?.unwrap_or_default())).await
    }

    async fn set_preferences(&self, user: &User, preferences: Preferences) -> Result<(), StoreError> {
        let id = user.id;
        self.database
            .write(move |unit| {
                let inconsistent = |_| StoreError::Inconsistent {
                    table: "user_preference",
                    id: id.to_string(),
                    problem: "it cannot be written as JSON".to_owned(),
                };
                let body = serde_json::to_vec(&preferences).map_err(inconsistent)?;
                let (key, data_key) = unit.vault.new_data_key("user_preference", id);
                unit.execute(
                    "INSERT INTO user_preference (id, data_key, body) VALUES (?1, ?2, ?3)
                     ON CONFLICT (id) DO UPDATE SET data_key = excluded.data_key, body = excluded.body",
                    (bytes(id), data_key, key.seal("body", &body)),
                )?;
                Ok(())
            })
            .await
    }

    async fn settings(&self) -> Result<SiteSettings, StoreError> {
        self.database
            .read(|unit| {
                let sql = "SELECT body FROM site_setting WHERE name = ?1";
                let body = unit.one("site_setting", sql, [SETTINGS], |row| row.get::<String>("body"))?;
                // a setting that a newer program wrote is not guessed at: the usual ones hold
                Ok(body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default())
            })
            .await
    }

    async fn set_settings(&self, settings: SiteSettings, actor: Actor, now: Timestamp) -> Result<(), StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let inconsistent = |_| StoreError::Inconsistent {
                    table: "site_setting",
                    id: SETTINGS.to_owned(),
                    problem: "it cannot be written as JSON".to_owned(),
                };
                let body = serde_json::to_string(&settings).map_err(inconsistent)?;
                unit.execute(
                    "INSERT INTO site_setting (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                    (SETTINGS, &body),
                )?;
                audit::append(unit, &cause, &Event { action: "settings.changed", subject: None, detail: &body })
            })
            .await
    }

    async fn site_list(&self, name: SiteListName, limit: u32) -> Result<Vec<SiteListVersion>, StoreError> {
        self.database.read(move |unit| site_lists::versions(unit, name, limit)).await
    }

    async fn add_site_list(
        &self,
        name: SiteListName,
        before: u64,
        body: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| site_lists::add(unit, (name, before, &body), &cause)).await
    }

    async fn tallies(&self, suggestions: Vec<Suggestion>) -> Result<Vec<Tally>, StoreError> {
        self.database
            .read(move |unit| {
                let indexes: Vec<[u8; 32]> = suggestions.iter().map(|suggestion| index_of(unit, suggestion)).collect();
                let mut known: HashMap<Vec<u8>, Tally> = HashMap::new();
                for some in indexes.chunks(TALLIES_AT_ONCE) {
                    let places: Vec<String> = (1..=some.len()).map(|place| format!("?{place}")).collect();
                    let sql = format!(
                        "SELECT suggestion, accepted, amended, rejected FROM suggestion_tally WHERE suggestion IN ({})",
                        places.join(", ")
                    );
                    let found = unit.all("suggestion_tally", &sql, some.to_vec(), |row| {
                        let tally = Tally {
                            accepted: row.get("accepted")?,
                            amended: row.get("amended")?,
                            rejected: row.get("rejected")?,
                        };
                        Ok((row.get::<Vec<u8>>("suggestion")?, tally))
                    })?;
                    known.extend(found);
                }
                let tallies = indexes.iter().map(|index| known.get(&index[..]).copied().unwrap_or_default()).collect();
                Ok(tallies)
            })
            .await
    }

    async fn item_history(&self, item: Uuid, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        self.database.read(move |unit| audit::history(unit, item, limit)).await
    }
}

/// What is kept for a user.
fn kept(unit: &Unit<'_>, user: Uuid) -> Result<Option<Preferences>, StoreError> {
    let sql = "SELECT id, data_key, body FROM user_preference WHERE id = ?1";
    unit.one("user_preference", sql, [bytes(user)], |row| {
        let key = unit.vault.data_key("user_preference", user, &row.get::<Vec<u8>>("data_key")?)?;
        key.open_json("body", &row.get::<Vec<u8>>("body")?)
    })
}

fn index_of(unit: &Unit<'_>, suggestion: &Suggestion) -> [u8; 32] {
    unit.vault.blind_index("suggestion", &[suggestion.kind, &suggestion.code, &suggestion.words])
}

/// Counts how suggestions of an item ended: those decided since it was counted last.
pub(super) fn count(unit: &Unit<'_>, item: Uuid, outcomes: &[SuggestionOutcome], now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT tallied_at FROM review_item WHERE id = ?1";
    let before = unit.one("review_item", sql, [bytes(item)], |row| row.instant_or_none("tallied_at"))?.flatten();
    let mut ended: Vec<_> = outcomes
        .iter()
        .filter(|outcome| before.is_none_or(|before| outcome.at > before))
        .map(|outcome| (index_of(unit, &outcome.suggestion), outcome))
        .collect();
    // in one order, so that two who count the same suggestions do not wait for each other
    ended.sort_by_key(|(index, _)| *index);
    for (index, outcome) in ended {
        let (accepted, amended, rejected) = match outcome.state {
            EntryState::Accepted => (1, 0, 0),
            EntryState::Amended => (0, 1, 0),
            EntryState::Rejected => (0, 0, 1),
            EntryState::Suggested | EntryState::Added | EntryState::Withdrawn => continue,
        };
        unit.execute(
            "INSERT INTO suggestion_tally (suggestion, accepted, amended, rejected) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (suggestion) DO UPDATE SET accepted = suggestion_tally.accepted + excluded.accepted,
                amended = suggestion_tally.amended + excluded.amended, rejected = suggestion_tally.rejected + excluded.rejected",
            (index, accepted, amended, rejected),
        )?;
    }
    unit.execute("UPDATE review_item SET tallied_at = ?2 WHERE id = ?1", (bytes(item), micros(now)))?;
    Ok(())
}
