//! What lists say of items: kept beside them, made anew when the item changed.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    audit::{self, Cause, Event},
    items, site_lists,
    unit::{Columns, Unit, bytes, micros},
    value::params,
};
use crate::{
    domain::{ItemState, ItemSummary, RemarkKind, Route, route},
    store::{Actor, StoreError},
};

/// Items whose summary or outcome is of another revision. The condition is that of the index over these few.
pub(super) fn stale(unit: &Unit<'_>, limit: u32) -> Result<Vec<Uuid>, StoreError> {
    let sql = "SELECT id FROM review_item WHERE summary_revision IS DISTINCT FROM revision OR outcome_revision IS DISTINCT FROM revision
               ORDER BY id LIMIT ?1";
    unit.all("review_item", sql, [limit], |row| row.id("id"))
}

/// Keeps a summary, unless the item changed since it was made, and sends the item where the site's rules say.
pub(super) fn keep(unit: &Unit<'_>, id: Uuid, summary: &ItemSummary, now: Timestamp) -> Result<(), StoreError> {
    let kept = unit.execute(
        "UPDATE review_item SET summary_revision = ?2, waiting = ?3, unsure = ?4, alerts = ?5, hard_edits = ?6, prompts = ?7,
                payment = ?8, note_types = ?9, service_from = ?10, service_to = ?11, benefit_order = ?12,
                ordered_at = CASE WHEN benefit_order <> ?12 OR service_from IS DISTINCT FROM ?10 THEN ?13 ELSE ordered_at END,
                source = coalesce(source, (SELECT min(n.source) FROM note n WHERE n.item_id = review_item.id))
         WHERE id = ?1 AND revision = ?2",
        params![
            bytes(id),
            i64::try_from(summary.revision).unwrap_or(i64::MAX),
            summary.waiting,
            summary.unsure,
            summary.alerts,
            summary.hard_edits,
            summary.prompts,
            summary.payment,
            summary.note_types.join(" "),
            summary.service_from.map(|date| date.to_string()),
            summary.service_to.map(|date| date.to_string()),
            -i64::from(summary.benefit()),
            micros(now)
        ],
    )?;
    if kept == 0 { Ok(()) } else { send(unit, id, summary, now) }
}

/// Sends an item that is not finished where the site's rules say. What a lead said of its team stands, also that it is for none.
fn send(unit: &Unit<'_>, id: Uuid, summary: &ItemSummary, now: Timestamp) -> Result<(), StoreError> {
    let rules = site_lists::worklist_rules(unit)?;
    if rules.is_empty() {
        return Ok(());
    }
    let Some(item) = items::item(unit, id, now)?.filter(|item| item.state != ItemState::Finished) else { return Ok(()) };
    let Route { priority, mut team } = route(&rules, &item, summary);
    if team.is_some() {
        let sql = "SELECT count(*) AS said FROM item_remark WHERE item_id = ?1 AND kind = ?2";
        let said = unit.all("item_remark", sql, (bytes(id), RemarkKind::Assigned.as_str()), |row| row.get::<i64>("said"))?;
        team = team.filter(|_| said.first().is_none_or(|said| *said == 0));
    }
    let mut told = Vec::new();
    if let Some((priority, rule)) = priority {
        let sql = "UPDATE review_item SET priority = ?2, ordered_at = ?3 WHERE id = ?1";
        unit.execute(sql, (bytes(id), priority.rank(), micros(now)))?;
        told.push(format!("priority {} by rule {rule}", priority.as_str()));
    }
    if let Some((team, rule)) = team {
        unit.execute("UPDATE review_item SET team = ?2 WHERE id = ?1", (bytes(id), &team))?;
        told.push(format!("to the team {team} by rule {rule}"));
    }
    if !told.is_empty() {
        let cause = Cause { actor: Actor::service(), now };
        audit::append(unit, &cause, &Event::of("item.routed", "item", id, &told.join(", ")))?;
    }
    Ok(())
}

/// The summary in a row of an item; none where none was made yet.
pub(super) fn read(row: &Columns<'_>) -> Result<Option<ItemSummary>, StoreError> {
    if row.get::<Option<i64>>("summary_revision")?.is_none() {
        return Ok(None);
    }
    let date = |column: &str| row.word_or_none(column, |word| word.parse().ok());
    Ok(Some(ItemSummary {
        revision: row.unsigned("summary_revision")?,
        waiting: row.get("waiting")?,
        unsure: row.get("unsure")?,
        alerts: row.get("alerts")?,
        hard_edits: row.get("hard_edits")?,
        prompts: row.get("prompts")?,
        payment: row.get("payment")?,
        note_types: row.get::<String>("note_types")?.split_whitespace().map(str::to_owned).collect(),
        service_from: date("service_from")?,
        service_to: date("service_to")?,
    }))
}
