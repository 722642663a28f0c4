//! Lists that the site keeps, version by version.

use super::{
    audit::{self, Cause, Event},
    unit::{Unit, bytes, micros},
};
use crate::{
    domain::{SiteListName, SiteListVersion, Team, WorklistRule},
    store::StoreError,
};

/// The versions of a list, the newest first.
pub(super) fn versions(unit: &Unit<'_>, name: SiteListName, limit: u32) -> Result<Vec<SiteListVersion>, StoreError> {
    let sql = "SELECT version, body, actor, at FROM site_list WHERE name = ?1 ORDER BY version DESC LIMIT ?2";
    unit.all("site_list", sql, (name.as_str(), limit), |row| {
        Ok(SiteListVersion {
            version: row.unsigned("version")?,
            body: row.get("body")?,
            by: row.get("actor")?,
            at: row.instant("at")?,
        })
    })
}

/// The rules that say where encounters go.
pub(super) fn worklist_rules(unit: &Unit<'_>) -> Result<Vec<WorklistRule>, StoreError> {
    let newest = versions(unit, SiteListName::WorklistRules, 1)?;
    // a version that another program wrote in a way that this one does not know must not stop the queue
    Ok(newest.first().and_then(|found| serde_json::from_str(&found.body).ok()).unwrap_or_default())
}

/// Adds a version behind the one that is the newest, and writes the event; `false` when it is that no more.
pub(super) fn add(unit: &Unit<'_>, (name, before, body): (SiteListName, u64, &str), cause: &Cause) -> Result<bool, StoreError> {
    let newest = versions(unit, name, 1)?.first().map_or(0, |found| found.version);
    if newest != before {
        return Ok(false);
    }
    let version = before + 1;
    let added = unit.execute(
        "INSERT INTO site_list (name, version, body, actor_id, actor, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        (
            name.as_str(),
            i64::try_from(version).unwrap_or(i64::MAX),
            body,
            cause.actor.user_id.map(bytes),
            &cause.actor.name,
            micros(cause.now),
        ),
    )?;
    if added == 0 {
        return Ok(false);
    }
    let detail = format!("{} version {version}", name.as_str());
    audit::append(unit, cause, &Event { action: "site_list.changed", subject: None, detail: &detail })?;
    Ok(true)
}

/// Whether a user belongs to a team, by the teams as they are now. A team that is there no more has no members.
pub(super) fn is_member(unit: &Unit<'_>, team: &str, user: &str) -> Result<bool, StoreError> {
    let newest = versions(unit, SiteListName::Teams, 1)?;
    let teams: Vec<Team> = newest.first().and_then(|found| serde_json::from_str(&found.body).ok()).unwrap_or_default();
    Ok(teams.iter().any(|known| known.name == team && known.has(user)))
}
