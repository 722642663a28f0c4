//! Moving items without deciding on them: giving back, laying aside, passing up, assigning, putting back; and remarks on them.

use jiff::Timestamp;
use uuid::Uuid;

use super::{DecideError, Service, visible};
use crate::{
    auth::{Permission, Scope, permits},
    domain::{Act, SiteListName, User},
    store::{GivenToTeam, ItemChange, Movement},
};

/// Characters of the longest comment.
const LONGEST_COMMENT: usize = 4_000;

/// How an item is moved: why, in whose words, from which revision.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Moving {
    /// Why: a word of the act's list.
    pub reason: Option<String>,
    /// Free words; sealed.
    pub comment: Option<String>,
    /// Only at this revision; any when none.
    pub revision: Option<u64>,
}

impl Service {
    /// Gives the claim back.
    ///
    /// # Errors
    /// When the item is missing or the store fails.
    pub async fn release(&self, user: &User, id: Uuid) -> Result<ItemChange, DecideError> {
        self.moved(user, id, (Act::Release, None), Moving::default()).await
    }

    /// Lays an item aside for one of the site's reasons, until a time or until somebody takes it; a note that arrives brings it back.
    ///
    /// # Errors
    /// When the item is missing, the reason is not known, the time is past, or the store fails.
    pub async fn pend(
        &self,
        user: &User,
        id: Uuid,
        until: Option<Timestamp>,
        moving: Moving,
    ) -> Result<ItemChange, DecideError> {
        self.known(&moving, SiteListName::PendReasons).await?;
        if until.is_some_and(|until| until <= self.surroundings.now()) {
            return Err(DecideError::Unacceptable("until must be a time to come".to_owned()));
        }
        self.moved(user, id, (Act::Pend, until), moving).await
    }

    /// Passes an item up to the leads, for one of the site's reasons.
    ///
    /// # Errors
    /// When the item is missing, the reason is not known, or the store fails.
    pub async fn escalate(&self, user: &User, id: Uuid, moving: Moving) -> Result<ItemChange, DecideError> {
        self.known(&moving, SiteListName::EscalateReasons).await?;
        self.moved(user, id, (Act::Escalate, None), moving).await
    }

    /// Says who is to work on an item, by login name; none = whoever takes it. Who holds it otherwise loses it.
    ///
    /// # Errors
    /// When the item is missing, nobody of this name can work on it, or the store fails.
    pub async fn assign(&self, user: &User, id: Uuid, to: Option<&str>, moving: Moving) -> Result<ItemChange, DecideError> {
        let (record, _) = self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        let to = match to {
            None => None,
            Some(name) => {
                let found = self.store.user_named(name).await?;
                let can_work = found
                    .filter(|one| !one.disabled && permits(one.role, Permission::Decide))
                    .filter(|one| visible(one, &Scope::of_item(&record.item)));
                let message = "to must be the login name of a coder or lead who may see the item";
                Some(can_work.ok_or_else(|| DecideError::Unacceptable(message.to_owned()))?.id)
            }
        };
        self.moved(user, id, (Act::Assign(to), None), moving).await
    }

    /// Puts an item back into the queue, finished or held by anybody, for one of the site's reasons.
    ///
    /// # Errors
    /// When the item is missing, the reason is not known, or the store fails.
    pub async fn reopen(&self, user: &User, id: Uuid, moving: Moving) -> Result<ItemChange, DecideError> {
        self.known(&moving, SiteListName::ReopenReasons).await?;
        self.moved(user, id, (Act::Reopen, None), moving).await
    }

    /// Keeps words on an item for those who work on it after.
    ///
    /// # Errors
    /// When the item is missing, the words are none or too many, or the store fails.
    pub async fn remark(&self, user: &User, id: Uuid, comment: &str) -> Result<ItemChange, DecideError> {
        let comment = comment.trim();
        if comment.is_empty() {
            return Err(DecideError::Unacceptable("comment must not be empty".to_owned()));
        }
        short(Some(comment))?;
        self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        let (remark_id, now) = (self.surroundings.new_id(), self.surroundings.now());
        Ok(self.store.remark(id, user, remark_id, comment.to_owned(), now).await?)
    }

    /// Says which team works on an item, by name; none = whoever takes it. Who holds it goes on holding it.
    ///
    /// # Errors
    /// When the item is missing, there is no such team, or the store fails.
    pub async fn give_to_team(
        &self,
        user: &User,
        id: Uuid,
        team: Option<&str>,
        moving: Moving,
    ) -> Result<ItemChange, DecideError> {
        short(moving.comment.as_deref())?;
        self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        if let Some(name) = team
            && !self.teams().await?.list.iter().any(|known| known.name == name)
        {
            return Err(DecideError::Unacceptable("team must be the name of a team of this site".to_owned()));
        }
        let Moving { comment, revision, .. } = moving;
        let comment = comment.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty());
        let given = GivenToTeam { team: team.map(str::to_owned), revision, comment, remark_id: self.surroundings.new_id() };
        Ok(self.store.give_to_team(id, user, given, self.surroundings.now()).await?)
    }

    async fn known(&self, moving: &Moving, list: SiteListName) -> Result<(), DecideError> {
        self.known_reason(list, moving.reason.as_deref()).await?.map_err(DecideError::Unacceptable)
    }

    async fn moved(
        &self,
        user: &User,
        id: Uuid,
        (act, until): (Act, Option<Timestamp>),
        moving: Moving,
    ) -> Result<ItemChange, DecideError> {
        short(moving.comment.as_deref())?;
        self.open_item(user, id).await?.ok_or(DecideError::Missing)?;
        let Moving { reason, comment, revision } = moving;
        let comment = comment.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty());
        let movement = Movement { act, revision, reason, comment, until, remark_id: self.surroundings.new_id() };
        Ok(self.store.move_item(id, user, movement, self.surroundings.now()).await?)
    }
}

fn short(comment: Option<&str>) -> Result<(), DecideError> {
    if comment.is_some_and(|words| words.chars().count() > LONGEST_COMMENT) {
        return Err(DecideError::Unacceptable(format!("comment must have at most {LONGEST_COMMENT} characters")));
    }
    Ok(())
}
