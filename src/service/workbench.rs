//! What the workbench shows of an item beside its entries: what the user saw and arranged, what leads arranged, how suggestions like these ended.

use std::collections::HashMap;

use uuid::Uuid;

use super::{DecideError, QueueItem, Service, SiteReasons, actor};
use crate::{
    auth::Scope,
    domain::{EntryState, Preferences, ReviewEntry, SecondReview, SiteSettings, Tally, User},
    review::{candidate_suggestions, suggestions_of},
    store::{AuditEvent, StoreError, Suggestion},
};

/// Suggestions of the same words to speak of them, rather than of the code alone.
const ENOUGH: u32 = 3;
/// Events of a history.
const LONGEST_HISTORY: u32 = 500;

/// An item as a user sees it.
#[derive(Debug)]
pub struct Workbench {
    /// The item, its entries and edits.
    pub item: QueueItem,
    /// Notes that the user had on the screen.
    pub seen: Vec<Uuid>,
    /// What the user arranged.
    pub preferences: Preferences,
    /// What leads arranged.
    pub settings: SiteSettings,
    /// How suggestions like an entry's ended so far, where there were any: for the same words, else for the same code.
    pub tallies: HashMap<Uuid, Tally>,
    /// How often coders took or refused each candidate of an entry for its words, by the place of the candidate: of entries that wait, where there
    /// was any.
    pub candidates: HashMap<(Uuid, usize), Tally>,
    /// The reasons that may be given.
    pub reasons: SiteReasons,
    /// Second-level reviews of it that are done, oldest first.
    pub second_reviews: Vec<SecondReview>,
}

impl Service {
    /// One item as the user sees it; none when there is none in the user's scope. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn workbench(&self, user: &User, id: Uuid) -> Result<Option<Workbench>, StoreError> {
        let Some(item) = self.item(user, id).await? else { return Ok(None) };
        let tallies = self.tallies(&item.entries).await?;
        let candidates = self.candidates(&item.entries).await?;
        Ok(Some(Workbench {
            seen: self.store.seen_notes(user.id, id).await?,
            preferences: self.store.preferences(user.id).await?,
            settings: self.store.settings().await?,
            reasons: self.site_reasons().await?,
            second_reviews: self.store.second_reviews_of(id).await?.into_iter().filter(|one| one.worksheet.is_some()).collect(),
            tallies,
            candidates,
            item,
        }))
    }

    pub(super) async fn tallies(&self, entries: &[ReviewEntry]) -> Result<HashMap<Uuid, Tally>, StoreError> {
        let asked: Vec<Suggestion> = entries.iter().flat_map(suggestions_of).collect();
        let found = self.store.tallies(asked).await?;
        let of_entries = entries.iter().zip(found.chunks(2)).filter_map(|(entry, pair)| {
            let told = pair.iter().find(|tally| tally.total() >= ENOUGH).or_else(|| pair.last())?;
            (told.total() > 0).then_some((entry.id, *told))
        });
        Ok(of_entries.collect())
    }

    async fn candidates(&self, entries: &[ReviewEntry]) -> Result<HashMap<(Uuid, usize), Tally>, StoreError> {
        let waiting = entries.iter().filter(|entry| entry.state == EntryState::Suggested && entry.codes.len() > 1);
        let (places, asked): (Vec<_>, Vec<_>) = waiting.flat_map(candidate_suggestions).unzip();
        let found = self.store.tallies(asked).await?;
        Ok(places.into_iter().zip(found).filter(|(_, tally)| tally.total() > 0).collect())
    }

    /// Remembers that the user had notes of an item on the screen.
    ///
    /// # Errors
    /// When the item is missing or the store fails.
    pub async fn see_notes(&self, user: &User, id: Uuid, notes: Vec<Uuid>) -> Result<(), DecideError> {
        // what was seen under broken glass was seen
        let record = self.store.item(id, self.surroundings.now()).await?.ok_or(DecideError::Missing)?;
        self.reading(user, &Scope::of_item(&record.item), id).await?.ok_or(DecideError::Missing)?;
        Ok(self.store.see_notes(user.id, id, notes, self.surroundings.now()).await?)
    }

    /// Changes what the user arranged for themselves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn arrange(&self, user: &User, change: impl FnOnce(&mut Preferences) + Send) -> Result<(), StoreError> {
        let mut own = self.store.preferences(user.id).await?;
        let before = own.clone();
        change(&mut own);
        if own == before {
            return Ok(());
        }
        self.store.set_preferences(user, own).await
    }

    /// Changes what leads arranged for the site; recorded.
    ///
    /// # Errors
    /// When they cannot be used, or the store fails.
    pub async fn set_settings(&self, user: &User, settings: SiteSettings) -> Result<(), DecideError> {
        if let Some(problem) = settings.problem() {
            return Err(DecideError::Unacceptable(problem.to_owned()));
        }
        Ok(self.store.set_settings(settings, actor(user), self.surroundings.now()).await?)
    }

    /// The item and the trail of what changed of it; none when there is none in the user's scope. Reading is recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, user: &User, id: Uuid) -> Result<Option<(QueueItem, Vec<AuditEvent>)>, StoreError> {
        let Some(item) = self.item(user, id).await? else { return Ok(None) };
        let events = self.store.item_history(id, LONGEST_HISTORY).await?;
        Ok(Some((item, events)))
    }
}
