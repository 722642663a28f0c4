//! Second-level reviews.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Event},
    items,
    places::Acting,
    unit::{Columns, Unit, bytes, micros},
    value::params,
};
use crate::{
    domain::{ReviewItem, SecondReview, User, Worksheet},
    store::{Drawn, Reviewed, SecondReviewStore, StoreError},
};

const REVIEW: &str = "
    SELECT s.id, s.item_id, s.revision, s.coder_id, c.name AS coder, s.blinded, s.drawn_at, r.name AS reviewer, s.reviewed_at, s.worksheet
    FROM second_review s JOIN user_account c ON c.id = s.coder_id LEFT JOIN user_account r ON r.id = s.reviewer_id";

#[async_trait]
impl<D: Database> SecondReviewStore for SqlStore<D> {
    async fn second_reviews(&self, waiting: bool, limit: u32) -> Result<Vec<SecondReview>, StoreError> {
        let which = if waiting {
            "s.reviewed_at IS NULL ORDER BY s.drawn_at, s.id"
        } else {
            "s.reviewed_at IS NOT NULL ORDER BY s.reviewed_at DESC, s.id"
        };
        self.database
            .read(move |unit| {
                unit.all("second_review", &format!("{REVIEW} WHERE {which} LIMIT ?1"), [limit], |row| open(unit, row))
            })
            .await
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
                let sql = "SELECT count(*) AS drawn FROM second_review WHERE coder_id = ?1 AND drawn_at >= ?2";
                let found = unit.one("second_review", sql, (bytes(coder), micros(since)), |row| row.get::<u32>("drawn"))?;
                Ok(found.unwrap_or_default())
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
    unit.execute(
        "INSERT INTO second_review (id, item_id, revision, coder_id, blinded, drawn_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            bytes(drawn.id),
            bytes(item.id),
            i64::try_from(item.revision).unwrap_or(i64::MAX),
            bytes(acting.by.user),
            drawn.blinded,
            micros(acting.cause.now)
        ],
    )?;
    audit::append(unit, &acting.cause, &Event::of("item.drawn_for_review", "item", item.id, ""))
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<SecondReview, StoreError> {
    let (id, item_id) = (row.id("id")?, row.id("item_id")?);
    let worksheet = match row.get::<Option<Vec<u8>>>("worksheet")? {
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
