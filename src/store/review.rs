//! The queue as it is kept: items, how they move, what is decided on them.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{AuditEvent, Drawn, StoreError, SuggestionOutcome};
use crate::domain::{
    Act, Decision, Extraction, ItemOutcome, ItemSummary, ListEnd, Note, Remark, ReviewItem, Sensitivities, Standing, User,
    Worklist,
};

/// What the queue list is asked for. `None` = any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// What was asked for. An expired claim, and what was laid aside long enough, count as open.
    pub worklist: Worklist,
    /// Who asks: whose items [`Assigned::Me`](crate::domain::Assigned::Me) are.
    pub user: Option<Uuid>,
    /// Only this facility.
    pub facility: Option<String>,
    /// Only this department.
    pub department: Option<String>,
    /// Only items with notes of this source.
    pub source: Option<String>,
    /// Whether restricted items may be seen.
    pub include_restricted: bool,
    /// Labelled items may be seen where these cover all their labels.
    pub clearances: Sensitivities,
    /// Nothing of these patients is seen.
    pub hidden_patients: Vec<Uuid>,
    /// The teams of who asks: whose items [`Assigned::Team`](crate::domain::Assigned::Team) are.
    pub teams: Vec<String>,
    /// Behind the end of the page before.
    pub after: Option<ListEnd>,
    /// At most so many, 1 to 200.
    pub limit: u32,
}

/// Everything a coder needs of an item.
#[derive(Debug, Clone)]
pub struct ItemRecord {
    /// The item.
    pub item: ReviewItem,
    /// Its notes with their live extraction, oldest first.
    pub notes: Vec<(Note, Option<Extraction>)>,
    /// All decisions, oldest first.
    pub decisions: Vec<Decision>,
    /// Who finished it although hard code edits stood, and why, oldest first: `edits.overridden` of the audit trail.
    pub overrides: Vec<AuditEvent>,
    /// What users said of it as a whole, oldest first.
    pub remarks: Vec<Remark>,
}

impl ItemRecord {
    /// The notes that count, oldest first.
    pub fn current_notes(&self) -> impl Iterator<Item = &(Note, Option<Extraction>)> {
        self.notes.iter().filter(|(note, _)| note.standing == Standing::Current)
    }
}

/// What is worked out of an item whenever it changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkedOut {
    /// What lists say of it.
    pub summary: ItemSummary,
    /// How its entries came out.
    pub outcome: Option<ItemOutcome>,
}

impl From<ItemSummary> for WorkedOut {
    fn from(summary: ItemSummary) -> Self {
        Self { summary, outcome: None }
    }
}

/// How an item is finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finishing {
    /// Only at this revision; any when none.
    pub revision: Option<u64>,
    /// Why hard code edits stand, with their number; recorded in the transaction that finishes. Never note text.
    pub overridden: Option<String>,
    /// What is sent to destinations that want more than the event; written in the transaction that finishes.
    pub outgoing: Vec<Outgoing>,
    /// How its suggestions ended, to be counted.
    pub outcomes: Vec<SuggestionOutcome>,
    /// That it is to be looked at again.
    pub drawn: Option<Drawn>,
}

/// How an item is moved by an act that needs no codes: given back, laid aside, passed up, assigned, put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// What is done.
    pub act: Act,
    /// Only at this revision; any when none.
    pub revision: Option<u64>,
    /// Why, a stable word of the domain; with it or a comment a remark is kept.
    pub reason: Option<String>,
    /// Free words; sealed.
    pub comment: Option<String>,
    /// Until when it is laid aside; none = until somebody takes it.
    pub until: Option<Timestamp>,
    /// The id of the remark.
    pub remark_id: Uuid,
}

/// To which team an item is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenToTeam {
    /// Its name; none = whoever takes it.
    pub team: Option<String>,
    /// Only at this revision; any when none.
    pub revision: Option<u64>,
    /// Free words; sealed.
    pub comment: Option<String>,
    /// The id of the remark.
    pub remark_id: Uuid,
}

/// What one destination is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The destination.
    pub destination: Uuid,
    /// The message.
    pub body: String,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("destination", &self.destination).finish_non_exhaustive()
    }
}

impl Finishing {
    /// At a revision, or at any.
    #[must_use]
    pub const fn at(revision: Option<u64>) -> Self {
        Self { revision, overridden: None, outgoing: Vec::new(), outcomes: Vec::new(), drawn: None }
    }
}

/// What came of a change to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemChange {
    /// Done; the new revision.
    Done {
        /// New revision of the item.
        revision: u64,
    },
    /// No such item.
    Missing,
    /// Another coder holds it (their login name, until when).
    HeldBy {
        /// Login name.
        name: String,
        /// End of their claim.
        until: Timestamp,
    },
    /// The caller does not hold a claim on it, or it ran out.
    NotHeld,
    /// It is finished; nothing changes.
    Finished,
    /// It is assigned to another coder (their login name).
    AssignedTo {
        /// Login name.
        name: String,
    },
    /// It was passed up: a lead takes it.
    ForLeads,
    /// It is a team's, and the caller does not belong to it.
    ForTeam {
        /// The team's name.
        team: String,
    },
    /// Its notes are not all extracted, so it cannot be finished.
    Pending {
        /// How many.
        notes: u32,
    },
    /// The expected revision is not the current one.
    Stale {
        /// Current revision.
        revision: u64,
    },
}

/// The queue.
#[async_trait]
pub trait ReviewStore: Send + Sync {
    /// A page of the items that were asked for, in the order asked for; the order is total.
    async fn items(&self, filter: ItemFilter, now: Timestamp) -> Result<Vec<ReviewItem>, StoreError>;
    /// One item with everything under it.
    async fn item(&self, id: Uuid, now: Timestamp) -> Result<Option<ItemRecord>, StoreError>;
    /// Takes or renews the claim of an open item.
    async fn claim_item(&self, id: Uuid, user: &User, lease: SignedDuration, now: Timestamp) -> Result<ItemChange, StoreError>;
    /// Gives an item back, lays it aside, passes it up, assigns it or puts it back, as [`Place::after`](crate::domain::Place::after) allows.
    /// What leaves it where it is changes nothing. Its decisions stay.
    async fn move_item(&self, id: Uuid, user: &User, movement: Movement, now: Timestamp) -> Result<ItemChange, StoreError>;
    /// Says which team works on an item. Who holds it goes on holding it.
    async fn give_to_team(&self, id: Uuid, user: &User, given: GivenToTeam, now: Timestamp) -> Result<ItemChange, StoreError>;
    /// Keeps a remark on an item, from whoever may see it.
    async fn remark(
        &self,
        id: Uuid,
        user: &User,
        remark_id: Uuid,
        comment: String,
        now: Timestamp,
    ) -> Result<ItemChange, StoreError>;
    /// Items whose summary is of an older revision, at most `limit`.
    async fn unsummarized_items(&self, limit: u32) -> Result<Vec<Uuid>, StoreError>;
    /// Keeps what lists say of an item, unless it is at another revision by now.
    async fn summarize_item(&self, id: Uuid, worked_out: WorkedOut, now: Timestamp) -> Result<(), StoreError>;
    /// Appends decisions, all or nothing, for the holder of the claim; `revision` is checked when given.
    async fn decide(
        &self,
        id: Uuid,
        user: &User,
        decisions: Vec<Decision>,
        revision: Option<u64>,
        now: Timestamp,
    ) -> Result<ItemChange, StoreError>;
    /// Finishes an item that the user holds; refused while notes are pending.
    async fn finish_item(&self, id: Uuid, user: &User, finishing: Finishing, now: Timestamp) -> Result<ItemChange, StoreError>;
}
