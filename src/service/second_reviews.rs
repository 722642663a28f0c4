//! Second-level review: what is drawn when an encounter is finished, and the worksheets of those who look at it again.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{DecideError, QueueItem, Service, access::scope_of, visible};
use crate::{
    auth::Scope,
    domain::{Finished, ItemState, ReviewEntry, ReviewItem, SecondReview, SiteSettings, User, Worksheet, drawn},
    review::{assigned_codes, is_paid, rollup},
    store::{Drawn, ItemRecord, Reviewed, StoreError, WhichReviews},
    vocabulary::{Edition, Vocabulary},
};

/// Reviews of a list.
const LISTED: u32 = 200;

/// Finished encounters of which a sample is drawn, at most: the last ones.
const SAMPLED_FROM: u32 = 2_000;

/// Encounters that are opened for a sample, at most: those with a code that begins so may be few.
const OPENED: usize = 500;

/// Encounters of one sample, at most.
pub const MOST_OF_SAMPLE: u32 = 100;

/// A sample that a lead asks for.
#[derive(Debug, Clone, Default)]
pub struct SampleAsked {
    /// So many encounters.
    pub count: u32,
    /// Finished by this coder; by anybody when none.
    pub coder: Option<Uuid>,
    /// With a code that begins so; with any when none.
    pub code: Option<String>,
    /// Finished within so many days.
    pub days: u32,
    /// Whether the reviewer codes them without seeing what the coder chose.
    pub blinded: bool,
}

/// A review with its item.
#[derive(Debug)]
pub struct ReviewedItem {
    /// The review.
    pub review: SecondReview,
    /// The item; for a blinded review that waits without what coders decided.
    pub item: QueueItem,
    /// Whether the user finished it, or decided anything on it: it is for somebody else then.
    pub is_own: bool,
    /// Whether the encounter stands as it was finished when it was drawn; else it is drawn anew, or not, when it is finished again.
    pub is_current: bool,
}

/// Whether an item stands as it was when a review was drawn: finishing made its revision grow by one, and nothing since.
fn is_current(review: &SecondReview, item: &ReviewItem) -> bool {
    item.state == ItemState::Finished && item.revision == review.revision + 1
}

fn is_own(review: &SecondReview, record: &ItemRecord, user: &User) -> bool {
    review.coder.0 == user.id || record.decisions.iter().any(|decision| decision.user_id == user.id)
}

impl Service {
    /// Whether a finished item is drawn for a second look.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn draw(
        &self,
        settings: &SiteSettings,
        user: &User,
        (record, entries): (&ItemRecord, &[ReviewEntry]),
        (vocabulary, edition): (&Vocabulary, &Edition),
    ) -> Result<Option<Drawn>, StoreError> {
        if settings.second_review.is_empty() {
            return Ok(None);
        }
        let zone = &self.time_zone;
        let morning = self.surroundings.now().to_zoned(zone.clone()).start_of_day();
        let since = morning.map_or_else(|_| self.surroundings.now(), |zoned| zoned.timestamp());
        let drawn_today = self.store.drawn_since(user.id, since).await?;
        let codes: Vec<&str> = assigned_codes(entries).into_iter().map(|one| one.code).collect();
        let finished = Finished {
            item: record.item.id,
            revision: record.item.revision,
            coder: &user.name,
            codes: &codes,
            payment: codes.iter().any(|code| is_paid((vocabulary, edition), code)),
            drawn_today,
        };
        let rule = drawn(&settings.second_review, &finished);
        Ok(rule.map(|rule| Drawn { id: self.surroundings.new_id(), blinded: rule.blinded }))
    }

    /// Draws a sample of what was finished, at random, of what the user may see and did not work on; how many were drawn.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn draw_sample(&self, user: &User, asked: &SampleAsked) -> Result<u32, StoreError> {
        let now = self.surroundings.now();
        let since = now - SignedDuration::from_hours(24 * i64::from(asked.days));
        let mut finished = self.store.finished_since(scope_of(user), asked.coder, since, SAMPLED_FROM).await?;
        // an order that nobody chooses: by a hash with an id that is made for this draw
        let draw = self.surroundings.new_id();
        finished.sort_by_cached_key(|one| Sha256::digest([draw.as_bytes(), one.item_id.as_bytes().as_slice()].concat()));
        let (mut drawn, mut opened) = (0, 0);
        for one in finished.into_iter().filter(|one| one.coder_id != user.id) {
            if drawn == asked.count.min(MOST_OF_SAMPLE) || opened == OPENED {
                break;
            }
            opened += 1;
            let Some(record) = self.store.item(one.item_id, now).await? else { continue };
            let is_own = record.decisions.iter().any(|decision| decision.user_id == user.id);
            if is_own || !visible(user, &Scope::of_item(&record.item)) {
                continue;
            }
            if let Some(prefix) = &asked.code {
                let entries = rollup(&record);
                if !assigned_codes(&entries).iter().any(|one| one.code.starts_with(prefix.as_str())) {
                    continue;
                }
            }
            let kept = Drawn { id: self.surroundings.new_id(), blinded: asked.blinded };
            drawn += u32::from(self.store.draw_second_review(one, kept, user, now).await?);
        }
        Ok(drawn)
    }

    /// Reviews that wait, or that are done, of items that the user may see; without those of their own work while they wait.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn second_reviews(&self, user: &User, waiting: bool) -> Result<Vec<SecondReview>, StoreError> {
        let mut seen = Vec::new();
        let which = if waiting { WhichReviews::Waiting } else { WhichReviews::DoneSince(Timestamp::UNIX_EPOCH) };
        for review in self.store.second_reviews(scope_of(user), which, LISTED).await? {
            let Some(record) = self.store.item(review.item_id, self.surroundings.now()).await? else { continue };
            let waits_for_user = is_current(&review, &record.item) && !is_own(&review, &record, user);
            if visible(user, &Scope::of_item(&record.item)) && (!waiting || waits_for_user) {
                seen.push(review);
            }
        }
        Ok(seen)
    }

    /// One review with its item; none when there is none in the user's scope. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn second_review(&self, user: &User, id: Uuid) -> Result<Option<ReviewedItem>, StoreError> {
        let Some(review) = self.store.second_review(id).await? else { return Ok(None) };
        let Some(mut item) = self.item(user, review.item_id).await? else { return Ok(None) };
        let is_own = is_own(&review, &item.record, user);
        let is_current = is_current(&review, &item.record.item);
        if review.blinded && review.worksheet.is_none() {
            item.record.decisions.clear();
            item.record.remarks.clear();
            item.record.overrides.clear();
            item.entries = rollup(&item.record);
            item.edits.clear();
        }
        Ok(Some(ReviewedItem { review, item, is_own, is_current }))
    }

    /// Records a worksheet.
    ///
    /// # Errors
    /// When the review is missing, done before, or of the user's own work, or the store fails.
    pub async fn record_second_review(&self, user: &User, id: Uuid, worksheet: Worksheet) -> Result<(), DecideError> {
        let reviewed = self.second_review(user, id).await?.ok_or(DecideError::Missing)?;
        if reviewed.item.glass.is_some() {
            return Err(DecideError::Missing);
        }
        if !reviewed.is_current {
            return Err(DecideError::Unacceptable("the encounter is not as it was finished when this was drawn".to_owned()));
        }
        match self.store.record_second_review(id, user, worksheet, self.surroundings.now()).await? {
            Reviewed::Done => Ok(()),
            Reviewed::Missing => Err(DecideError::Missing),
            Reviewed::Already => Err(DecideError::Unacceptable("this review is done already".to_owned())),
            Reviewed::Own => Err(DecideError::Unacceptable("nobody reviews their own work".to_owned())),
        }
    }

    /// Records the comparison of the coder's codes with those that a reviewer gave without seeing them.
    ///
    /// # Errors
    /// As [`Self::record_second_review`].
    pub async fn record_blinded_review(
        &self,
        user: &User,
        id: Uuid,
        codes: &[String],
        comment: Option<String>,
    ) -> Result<(), DecideError> {
        let reviewed = self.second_review(user, id).await?.ok_or(DecideError::Missing)?;
        // the item as it was decided: the blinded one has no decisions
        let (_, entries) = self.open_item(user, reviewed.review.item_id).await?.ok_or(DecideError::Missing)?;
        let coder: Vec<&str> = assigned_codes(&entries).into_iter().map(|one| one.code).collect();
        let reviewer: Vec<&str> = codes.iter().map(String::as_str).collect();
        let worksheet = Worksheet { comment, ..Worksheet::compared(&coder, &reviewer) };
        self.record_second_review(user, id, worksheet).await
    }
}
