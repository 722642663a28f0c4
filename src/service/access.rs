//! Who may read what: the limits of a user as lists, counts and searches have them, and reading under broken glass.

use jiff::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use super::{Service, actor};
use crate::{
    auth::{Permission, Scope, is_own_chart, may_read_note, permits},
    domain::{BrokenGlass, GLASS_OPEN, GlassReason, Role, Sensitivities, User},
    store::{ItemFilter, NoteSearch, PatientNumber, ReportScope, StoreError},
};

/// Characters of the longest words of a reason.
const LONGEST_WORDS: usize = 1_000;

/// Accesses of the list.
const LISTED: u32 = 500;

/// How a user comes to read something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It lies in their scope.
    InScope,
    /// Under broken glass, until then.
    UnderGlass(Timestamp),
}

impl Reading {
    /// Until when it is read under broken glass.
    pub(super) const fn glass(self) -> Option<Timestamp> {
        match self {
            Self::InScope => None,
            Self::UnderGlass(until) => Some(until),
        }
    }
}

/// An encounter that is hidden, as somebody names it who has it from elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub enum Encounter {
    /// By our id.
    Id(Uuid),
    /// By what its sender calls it.
    Named {
        /// The system that sent it.
        source: String,
        /// The encounter number; or none.
        number: Option<String>,
        /// The record number of the patient; or none.
        record: Option<String>,
    },
}

/// Why the glass is not broken.
#[derive(Debug, Error)]
pub enum BreakGlassError {
    /// There is no such encounter, or it is never to be opened by this user.
    #[error("there is no such encounter")]
    Missing,
    /// Several fit.
    #[error("several encounters fit; name the encounter number")]
    Several,
    /// It lies in the user's scope.
    #[error("this encounter can be read without; nothing was recorded")]
    InScope(Uuid),
    /// No words, or too many.
    #[error("comment must say why in 1 to {LONGEST_WORDS} characters")]
    Words,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a user may see, for lists and counts. A submitter sees what its source sent, whatever the label.
pub(super) fn scope_of(user: &User) -> ReportScope {
    if user.role == Role::Submitter {
        // one without a source speaks for none
        let source = Some(user.source.clone().unwrap_or_default());
        let (clearances, hidden_patients) = (Sensitivities::ALL, user.own_patients.clone());
        return ReportScope { source, include_restricted: true, clearances, hidden_patients, ..ReportScope::default() };
    }
    ReportScope {
        source: user.source.clone(),
        facility: user.facility.clone(),
        department: user.department.clone(),
        include_restricted: user.sees_restricted,
        clearances: user.clearances,
        hidden_patients: user.own_patients.clone(),
    }
}

/// A list of all that a user may see.
pub(super) fn within(user: &User) -> ItemFilter {
    let scope = scope_of(user);
    ItemFilter {
        user: Some(user.id),
        source: scope.source,
        facility: scope.facility,
        department: scope.department,
        include_restricted: scope.include_restricted,
        clearances: scope.clearances,
        hidden_patients: scope.hidden_patients,
        ..ItemFilter::default()
    }
}

impl Service {
    /// How the user may read a thing that stands there and belongs to an item: by role and scope, or under broken glass; none when they may
    /// not.
    pub(super) async fn reading(&self, user: &User, scope: &Scope<'_>, item: Uuid) -> Result<Option<Reading>, StoreError> {
        if may_read_note(user, scope) {
            return Ok(Some(Reading::InScope));
        }
        if user.disabled || is_own_chart(user, scope) {
            return Ok(None);
        }
        Ok(self.glass_over(user, item).await?.map(Reading::UnderGlass))
    }

    /// Until when an item, named by its id or that of one of its notes, is open to the user under broken glass.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn glass_over(&self, user: &User, id: Uuid) -> Result<Option<Timestamp>, StoreError> {
        if !permits(user.role, Permission::BreakGlass) {
            return Ok(None);
        }
        self.store.glass_over(user, id, self.surroundings.now()).await
    }

    /// Records that something was read, and that it was under broken glass.
    pub(super) async fn record_reading(
        &self,
        user: &User,
        action: &str,
        subject: (&str, Uuid),
        reading: Reading,
    ) -> Result<(), StoreError> {
        let detail = if reading.glass().is_some() { "under broken glass" } else { "" };
        self.store.record_audit(actor(user), action, Some(subject), detail, self.surroundings.now()).await
    }

    /// Opens an encounter that the user's scope or clearance hides, for an hour, to be read. That it was done is recorded and told; that one
    /// was looked for in vain is recorded too. The access.
    ///
    /// # Errors
    /// [`BreakGlassError`]: what may not be opened looks like what is not there.
    pub async fn break_glass(
        &self,
        user: &User,
        encounter: Encounter,
        (reason, words): (GlassReason, &str),
    ) -> Result<BrokenGlass, BreakGlassError> {
        let words = words.trim();
        if words.is_empty() || words.chars().count() > LONGEST_WORDS {
            return Err(BreakGlassError::Words);
        }
        let now = self.surroundings.now();
        let found = match encounter {
            Encounter::Id(id) => vec![id],
            Encounter::Named { source, number, record } => self.named(source, number, record).await?,
        };
        let mut items = Vec::new();
        for id in found {
            let Some(record) = self.store.item(id, now).await? else { continue };
            if !is_own_chart(user, &Scope::of_item(&record.item)) {
                items.push(record.item);
            }
        }
        let [item] = &items[..] else {
            self.store.record_audit(actor(user), "access.glass_refused", None, reason.as_str(), now).await?;
            return Err(if items.is_empty() { BreakGlassError::Missing } else { BreakGlassError::Several });
        };
        let scope = Scope::of_item(item);
        if may_read_note(user, &scope) {
            return Err(BreakGlassError::InScope(item.id));
        }
        let access = BrokenGlass {
            id: self.surroundings.new_id(),
            by: (user.id, user.name.clone()),
            item_id: item.id,
            reason,
            words: words.to_owned(),
            at: now,
            until: now.saturating_add(GLASS_OPEN).unwrap_or(Timestamp::MAX),
            acknowledged: None,
        };
        self.store.break_glass(access.clone()).await?;
        Ok(access)
    }

    /// The encounters that a sender calls so. At least one of the numbers must be given.
    async fn named(&self, source: String, number: Option<String>, record: Option<String>) -> Result<Vec<Uuid>, StoreError> {
        if number.is_none() && record.is_none() {
            return Ok(Vec::new());
        }
        let everything = NoteSearch {
            patient: record.map(|number| PatientNumber { system: None, number, id: None }),
            encounter: number,
            source: Some(source),
            include_restricted: true,
            clearances: Sensitivities::ALL,
            ..NoteSearch::default()
        };
        self.store.find_items(everything).await
    }

    /// The accesses under broken glass, those that nobody looked at first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn broken_glasses(&self) -> Result<Vec<BrokenGlass>, StoreError> {
        self.store.broken_glasses(LISTED).await
    }

    /// Says that the user looked at an access; `false` when there is none, or somebody did before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn acknowledge_access(&self, user: &User, id: Uuid) -> Result<bool, StoreError> {
        self.store.acknowledge_access(id, user, self.surroundings.now()).await
    }
}
