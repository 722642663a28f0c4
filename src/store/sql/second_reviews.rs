//! Second-level reviews.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Event},
    items,
    places::Acting,
    reports::seen,
    unit::{Columns, Unit, bytes, micros},
    value::{Value, params},
};
use crate::{
    domain::{ReviewItem, SecondReview, User, Worksheet},
    store::{Drawn, FinishedItem, ReportScope, Reviewed, SecondReviewStore, StoreError, WhichReviews},
};

const REVIEW: &str = "
    SELECT s.id, s.item_id, s.revision, s.coder_id, c.name AS coder, s.blinded, s.drawn_at, r.name AS reviewer, s.reviewed_at, s.worksheet
    FROM second_review s JOIN user_account c ON c.id = s.coder_id LEFT JOIN user_account r ON r.id = s.reviewer_id";

#[async_trait]
impl<D: Database> SecondReviewStore for SqlStore<D> {
    async fn second_reviews(
        &self,
        scope: ReportScope,
        which: WhichReviews,
        limit: u32,
    ) -> Result<Vec<SecondReview>, StoreError> {
        let mut values = vec![Value::Integer(limit.into())];
        let condition = match which {
            WhichReviews::Waiting => {
                "s.reviewed_at IS NULL AND i.state = 'finished' AND i.revision = s.revision + 1 AND length(i.data_key) > 0"
            }
            WhichReviews::DoneSince(since) => {
                values.push(Value::Integer(micros(since)));
                "s.reviewed_at >= ?2"
            }
        };
        let order = if which == WhichReviews::Waiting { "s.drawn_at, s.id" } else { "s.reviewed_at DESC, s.id" };
        let seen = seen(&scope, &mut values);
        let sql = format!("{REVIEW} JOIN review_item i ON i.id = s.item_id WHERE {condition}{seen} ORDER BY {order} LIMIT ?1");
        self.database.read(move |unit| unit.all("second_review", &sql, values.clone(), |row| open(unit, row))).await
    }

    async fn second_review(&self, id: Uuid) -> Result<Option<SecondReview>, StoreError> {
        self.database
            .read(move |unit| {
                unit.one("second_review", &format!("{REVIEW} WHERE s.id = ?1"), [bytes(id)], |row| open(unit, row))
            })
            .await
    }

    async fn second_reviews_of(&self, item: Uuid) -> Result<Vec<SecondReview>, StoreError> {
        self.database
            .read(move |unit| {
                let sql = format!("{REVIEW} WHERE s.item_id = ?1 ORDER BY s.drawn_at, s.id");
                unit.all("second_review", &sql, [bytes(item)], |row| open(unit, row))
            })
            .await
    }

    async fn drawn_since(&self, coder: Uuid, since: Timestamp) -> Result<u32, StoreError> {
        self.database
            .read(move |unit| {
                // a rule draws as an encounter is finished, in the same moment
                let sql = "SELECT count(*) AS drawn FROM second_review s WHERE s.coder_id = ?1 AND s.drawn_at >= ?2 AND EXISTS
                           (SELECT 1 FROM audit_event e WHERE e.subject_id = s.item_id AND e.action = 'item.finished' AND e.at = s.drawn_at)";
                let found = unit.one("second_review", sql, (bytes(coder), micros(since)), |row| row.get::<u32>("drawn"))?;
                Ok(found.unwrap_or_default())
            })
            .await
    }

    async fn finished_since(
        &self,
        scope: ReportScope,
        coder: Option<Uuid>,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<FinishedItem>, StoreError> {
        let mut values = vec![Value::Integer(micros(since)), Value::Integer(limit.into())];
        let by = match coder {
            Some(coder) => {
                values.push(Value::Blob(bytes(coder).to_vec().into()));
                "= ?3"
            }
            None => "IS NOT NULL",
        };
        let seen = seen(&scope, &mut values);
        // the last time counts, and a draw of an earlier state of the encounter does not
        let sql = format!(
            "SELECT e.subject_id AS item_id, i.revision - 1 AS revision, e.actor_id AS coder_id
             FROM audit_event e JOIN review_item i ON i.id = e.subject_id
             WHERE e.action = 'item.finished' AND e.at >= ?1 AND e.actor_id {by} AND i.state = 'finished' AND length(i.data_key) > 0
               AND e.sequence = (SELECT max(f.sequence) FROM audit_event f WHERE f.subject_id = e.subject_id AND f.action = 'item.finished')
               AND NOT EXISTS (SELECT 1 FROM second_review s WHERE s.item_id = i.id AND s.revision = i.revision - 1){seen}
             ORDER BY e.sequence DESC LIMIT ?2"
        );
        let read = |row: &Columns<'_>| {
            Ok(FinishedItem { item_id: row.id("item_id")?, revision: row.unsigned("revision")?, coder_id: row.id("coder_id")? })
        };
        self.database.read(move |unit| unit.all("audit_event", &sql, values.clone(), read)).await
    }

    async fn draw_second_review(
        &self,
        item: FinishedItem,
        drawn: Drawn,
        by: &User,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let acting = Acting::of(by, now);
        self.database
            .write(move |unit| {
                unit.hold_row("review_item", item.item_id)?;
                let stands = "SELECT count(*) AS n FROM review_item WHERE id = ?1 AND state = 'finished' AND revision = ?2 AND length(data_key) > 0";
                let revision = i64::try_from(item.revision).unwrap_or(i64::MAX);
                if unit.count(stands, (bytes(item.item_id), revision.saturating_add(1)))? == 0 {
                    return Ok(false);
                }
                keep(unit, &item, &acting, drawn)
            })
            .await
    }

    async fn record_second_review(
        &self,
        id: Uuid,
        reviewer: &User,
        worksheet: Worksheet,
        now: Timestamp,
    ) -> Result<Reviewed, StoreError> {
        let acting = Acting::of(reviewer, now);
        self.database
            .write(move |unit| {
                let of = "SELECT id, item_id FROM second_review WHERE id = ?1";
                let Some(item) = unit.one("second_review", of, [bytes(id)], |row| row.id("item_id"))? else {
                    return Ok(Reviewed::Missing);
                };
                // whoever purges something of the encounter holds it too: its key stands until the end
                unit.hold_row("review_item", item)?;
                if items::is_purged(unit, item)? {
                    return Ok(Reviewed::Missing);
                }
                unit.hold_row("second_review", id)?;
                let sql = format!("{REVIEW} WHERE s.id = ?1");
                let review = match unit.one("second_review", &sql, [bytes(id)], |row| open(unit, row))? {
                    None => return Ok(Reviewed::Missing),
                    Some(review) if review.reviewed.is_some() => return Ok(Reviewed::Already),
                    Some(review) if is_own(unit, &review, acting.by.user)? => return Ok(Reviewed::Own),
                    Some(review) => review,
                };
                let inconsistent = |_| StoreError::Inconsistent {
                    table: "second_review",
                    id: id.to_string(),
                    problem: "it cannot be written as JSON".to_owned(),
                };
                let body = serde_json::to_vec(&worksheet).map_err(inconsistent)?;
                let sealed = items::key_of(unit, review.item_id)?.for_row("second_review", id).seal("worksheet", &body);
                unit.execute(
                    "UPDATE second_review SET reviewer_id = ?2, reviewed_at = ?3, worksheet = ?4 WHERE id = ?1",
                    params![bytes(id), bytes(acting.by.user), micros(now), sealed],
                )?;
                let agreement = worksheet.agreement();
                let detail = format!("{} of {} codes agreed, {} errors", agreement.agreed, agreement.codes, agreement.errors);
                audit::append(unit, &acting.cause, &Event::of("item.reviewed_again", "item", review.item_id, &detail))?;
                Ok(Reviewed::Done)
            })
            .await
    }
}

/// Whether a user finished the encounter, or decided anything on it.
fn is_own(unit: &Unit<'_>, review: &SecondReview, user: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) AS n FROM decision WHERE item_id = ?1 AND user_id = ?2";
    Ok(review.coder.0 == user || unit.count(sql, (bytes(review.item_id), bytes(user)))? > 0)
}

/// Keeps that an item is to be looked at again, in the transaction that finishes it.
pub(super) fn draw(unit: &Unit<'_>, item: &ReviewItem, acting: &Acting, drawn: Drawn) -> Result<(), StoreError> {
    let item = FinishedItem { item_id: item.id, revision: item.revision, coder_id: acting.by.user };
    keep(unit, &item, acting, drawn).map(drop)
}

/// `false` when it was drawn before.
fn keep(unit: &Unit<'_>, item: &FinishedItem, acting: &Acting, drawn: Drawn) -> Result<bool, StoreError> {
    let kept = unit.execute(
        "INSERT INTO second_review (id, item_id, revision, coder_id, blinded, drawn_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (item_id, revision) DO NOTHING",
        params![
            bytes(drawn.id),
            bytes(item.item_id),
            i64::try_from(item.revision).unwrap_or(i64::MAX),
            bytes(item.coder_id),
            drawn.blinded,
            micros(acting.cause.now)
        ],
    )? > 0;
    if kept {
        audit::append(unit, &acting.cause, &Event::of("item.drawn_for_review", "item", item.item_id, ""))?;
    }
    Ok(kept)
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<SecondReview, StoreError> {
    let (id, item_id) = (row.id("id")?, row.id("item_id")?);
    let worksheet = match row.get::<Option<Vec<u8>>>("worksheet")?.filter(|sealed| !sealed.is_empty()) {
        None => None,
        Some(sealed) => Some(items::key_of(unit, item_id)?.for_row("second_review", id).open_json("worksheet", &sealed)?),
    };
    Ok(SecondReview {
        id,
        item_id,
        revision: row.unsigned("revision")?,
        coder: (row.id("coder_id")?, row.get("coder")?),
        blinded: row.get("blinded")?,
        drawn_at: row.instant("drawn_at")?,
        reviewed: row.get::<Option<String>>("reviewer")?.zip(row.instant_or_none("reviewed_at")?),
        worksheet,
    })
}
