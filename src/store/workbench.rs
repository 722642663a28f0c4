//! What the workbench keeps beside the queue: which notes were seen, what users and leads arranged, how suggestions ended.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Actor, AuditEvent, StoreError};
use crate::domain::{EntryState, Preferences, SiteListName, SiteListVersion, SiteSettings, Tally, User};

/// What makes two suggestions the same: kind, first code and the note's words for it, folded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Suggestion {
    /// Kind.
    pub kind: &'static str,
    /// System and code of the first candidate; empty when none was determined.
    pub code: String,
    /// The words; empty = whatever the words.
    pub words: String,
}

impl std::fmt::Debug for Suggestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Suggestion(..)")
    }
}

/// How a suggestion ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestionOutcome {
    /// Which.
    pub suggestion: Suggestion,
    /// Accepted, amended or rejected; another state counts as none.
    pub state: EntryState,
    /// When it was decided.
    pub at: Timestamp,
}

/// The workbench's own.
#[async_trait]
pub trait WorkbenchStore: Send + Sync {
    /// Remembers that a user had notes of an item on the screen; notes of other items are left out.
    async fn see_notes(&self, user: Uuid, item: Uuid, notes: Vec<Uuid>, now: Timestamp) -> Result<(), StoreError>;
    /// The notes of an item that a user had on the screen.
    async fn seen_notes(&self, user: Uuid, item: Uuid) -> Result<Vec<Uuid>, StoreError>;
    /// What a user arranged for themselves.
    async fn preferences(&self, user: Uuid) -> Result<Preferences, StoreError>;
    /// Keeps what a user arranged in place of what was there.
    async fn set_preferences(&self, user: &User, preferences: Preferences) -> Result<(), StoreError>;
    /// What leads arranged for the site.
    async fn settings(&self) -> Result<SiteSettings, StoreError>;
    /// Keeps the site's settings; recorded.
    async fn set_settings(&self, settings: SiteSettings, actor: Actor, now: Timestamp) -> Result<(), StoreError>;
    /// The versions of a list that the site keeps, the newest first, at most `limit`; none where it keeps none.
    async fn site_list(&self, name: SiteListName, limit: u32) -> Result<Vec<SiteListVersion>, StoreError>;
    /// Keeps another version of a list, when `before` is the newest one (0 where there is none); recorded. `false` when somebody was faster.
    async fn add_site_list(
        &self,
        name: SiteListName,
        before: u64,
        body: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// How suggestions like these ended so far, in their order.
    async fn tallies(&self, suggestions: Vec<Suggestion>) -> Result<Vec<Tally>, StoreError>;
    /// The audit events of an item and its notes that change something, oldest first, at most `limit`, the last ones.
    async fn item_history(&self, item: Uuid, limit: u32) -> Result<Vec<AuditEvent>, StoreError>;
}
