//! What is kept, as traits that speak the domain: one method is one transaction, "missing" is `Ok(None)`.
//!
//! [`sqlite`] is the embedded store, [`postgres`] the one for several servers. Rows, SQL and sealing are shared by both (`sql`) and stay inside.

mod access;
mod chart;
mod copy;
mod inspection;
mod keys;
mod messages;
mod oversight;
mod patients;
pub mod postgres;
mod proposals;
mod queries;
mod reports;
mod retention;
mod review;
mod second_reviews;
mod sign_in;
mod site_packs;
mod sql;
pub mod sqlite;
mod trail;
mod workbench;

#[cfg(test)]
mod conformance;

pub use access::AccessStore;
pub use chart::{ChartStore, NoteSearch, PatientNumber};
pub use copy::{CopiedTable, copy};
pub use inspection::{Holdings, KeyFit, SchemaState};
pub use keys::{KeyHolder, KeyStore, RewrapPlace, WrappedKeys};
pub use messages::{KnownMessage, MessageFilter, MessageIdentity, MessageLine, MessageOutcome, MessageStore, ReceivedMessage};
pub use oversight::{DRIFT_QUIET, DriftReference, OversightStore};
pub use patients::{Merged, PatientMerge, PatientStore};
pub use proposals::{NewProposalDecision, ProposalStore};
pub use queries::{QueryChange, QueryStore};
pub use reports::{
    BACKLOG_DAYS, Movements, OutcomeEnd, OutcomeTime, OutcomeWindow, ReportScope, ReportStore, StepAct, TrailStep,
    WAITING_DAYS, Waiting, WaitingGroup, WaitingItem, WorkOf, WorkReport,
};
pub use retention::{
    BesideItem, BesideNote, HoldChange, ItemPurge, KeptExtraction, LegalHold, Named, Part, PatientRecord, Proof, PurgeExtent,
    Purged, PurgedItem, Remaining, RestOfItem, RetentionRule, RetentionStore, Subject, Tombstone, Unmerged, Versions,
};
pub use review::{Finishing, GivenToTeam, ItemChange, ItemFilter, ItemRecord, Movement, Outgoing, ReviewStore, WorkedOut};
pub use second_reviews::{Drawn, FinishedItem, Reviewed, SecondReviewStore, WhichReviews};
pub use sign_in::{
    CredentialChange, Credentials, KeptFactor, LiveSession, PROVED_TWICE, SignInStep, SignInStore, Try, TryKind,
};
pub use site_packs::{NewActivation, NewPack, SitePackStore};
pub use sql::SqlStore;
pub use trail::{
    AccessEnd, AccessFilter, CHECKPOINT_AFTER, CHECKPOINT_EVENTS, Checkpoint, Head, NoCheckpoint, Pruned, SEALED_AT_ONCE,
    Sealer, Sealing, Signing, TrailReport, TrailStore, Witness,
};
pub use workbench::{Suggestion, SuggestionOutcome, WorkbenchStore};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    domain::{Delivery, DeliveryState, Destination, Extraction, NewNote, Note, User},
    seal::DataKey,
};

/// What is said where the database finds no room to write.
const DISK_IS_FULL: &str = "the disk of the database is full; make room, nothing has to be restarted";

/// A failure of the store. Says table and id, never a value that could be PHI.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The database refused.
    #[error("the database failed: {0}")]
    Database(String),
    /// A row contradicts the code's expectations.
    #[error("row {id} of table {table}: {problem}")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Row id.
        id: String,
        /// What is wrong.
        problem: String,
    },
    /// A sealed value does not open with the configured site keys.
    #[error("a sealed value of table {table} does not open with the configured site keys; configure the key that sealed it")]
    Sealed {
        /// Table.
        table: &'static str,
    },
    /// It cannot be reached or is busy now, so that asking again may do.
    #[error("the database cannot answer now: {0}")]
    Unavailable(String),
    /// It can take nothing more now: says what is full and what to do.
    #[error("{0}")]
    Full(&'static str),
    /// Another process serves this database, or its schema is from a newer program.
    #[error("{0}")]
    Refused(String),
}

/// Who does something, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// User id; none for the service itself.
    pub user_id: Option<Uuid>,
    /// Login name, or `service`.
    pub name: String,
}

impl Actor {
    /// The service itself.
    #[must_use]
    pub fn service() -> Self {
        Self { user_id: None, name: "service".to_owned() }
    }
}

/// An audit event as the store keeps it. `detail` holds our own ids, counts and stable words only, never PHI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Grows with every event, without gaps.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, for example `note.stored`, `note.read`, `item.claimed`, `entry.decided`, `token.created`.
    pub action: String,
    /// Kind of the thing it was done to: `note`, `item`, `user`, `token`.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: Option<Uuid>,
    /// Stable words.
    pub detail: String,
}

/// What to do with another text of a known document that names no version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unversioned {
    /// Refuse it: its sender must say which version it is.
    #[default]
    Refuse,
    /// It is the next version: its sender says so by the kind of its message.
    Next,
}

/// A sender's word for one request: the same word is the same request.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who may use the word: a token's hash, in hexadecimal.
    pub owner: String,
    /// The word.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body: [u8; 32],
}

impl std::fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyKey(..)")
    }
}

/// How long a sender's word for a request is kept.
pub const IDEMPOTENCY_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A note with how it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posting {
    /// The note.
    pub note: NewNote,
    /// The sender's word for this request.
    pub key: Option<IdempotencyKey>,
    /// What to do when it names no version.
    pub unversioned: Unversioned,
}

impl From<NewNote> for Posting {
    fn from(note: NewNote) -> Self {
        Self { note, ..Self::default() }
    }
}

/// A document as its sender names it, or one note of ours.
#[derive(Clone, PartialEq, Eq)]
pub enum NoteKey {
    /// Our id: this note, and the other versions of its document.
    Id(Uuid),
    /// The sender's id.
    Document {
        /// The system that sent it.
        source: String,
        /// The sender's id.
        external_id: String,
    },
}

impl std::fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => f.debug_tuple("Id").field(id).finish(),
            Self::Document { .. } => f.write_str("Document(..)"),
        }
    }
}

/// What came of posting a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddNote {
    /// Stored, with its job.
    Created {
        /// The note.
        id: Uuid,
    },
    /// The same note (source, external id, version, text) is already there.
    Existing {
        /// The note that is there.
        id: Uuid,
    },
    /// Source, external id and version are known with another text.
    Conflict {
        /// The note that is there.
        id: Uuid,
    },
    /// Source and external id are known with another text and the sender gave no version.
    VersionRequired {
        /// The note that is there.
        id: Uuid,
    },
    /// The sender's word for the request was used with another body.
    KeyConflict {
        /// The note that it stood for.
        id: Uuid,
    },
}

/// A job that a worker holds until `lease_until`; `fence` must be shown to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    /// The job.
    pub id: Uuid,
    /// The note to extract.
    pub note_id: Uuid,
    /// Fencing token: grows with every claim of this job; a stale one cannot record.
    pub fence: i64,
    /// How often it was claimed, this claim included.
    pub tries: u32,
}

/// What became of a failed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFailure {
    /// Try again at this time.
    Retry {
        /// Not before.
        at: Timestamp,
    },
    /// Give up; the note is quarantined with this stable code.
    Quarantine {
        /// Stable code, never note text.
        reason: String,
    },
}

/// A note that could not be extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedNote {
    /// Our id.
    pub id: Uuid,
    /// Its item.
    pub item_id: Uuid,
    /// Who sent it.
    pub source: String,
    /// Why: a stable code.
    pub reason: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When it was given up.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

/// What a check of everything kept found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Encounters that open.
    pub items: u64,
    /// Notes in them.
    pub notes: u64,
    /// Events of the audit trail.
    pub events: u64,
    /// What is wrong; empty when all is well. No sentence quotes a note.
    pub problems: Vec<String>,
}

/// A token as it is kept: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Our id.
    pub id: Uuid,
    /// Its user.
    pub user_id: Uuid,
    /// What it is.
    pub kind: TokenKind,
    /// A word of the one who made it, for the list.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, to a minute; of a session, when its user last did something.
    pub used_at: Option<Timestamp>,
}

/// Kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// For programs: the Authorization header.
    Api,
    /// For programs that asked for reading alone.
    ApiRead,
    /// For programs that asked for writing alone.
    ApiWrite,
    /// A browser session: the cookie.
    Session,
    /// Works once, to start a browser session.
    SignIn,
}

impl TokenKind {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::ApiRead => "api_read",
            Self::ApiWrite => "api_write",
            Self::Session => "session",
            Self::SignIn => "sign_in",
        }
    }
}

/// How much there is, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that are not done: waiting or claimed.
    pub jobs_waiting: u64,
    /// Of these the claimed ones.
    pub jobs_running: u64,
    /// Since when the oldest job waits that nobody claimed.
    pub oldest_job: Option<Timestamp>,
    /// Notes in quarantine.
    pub notes_quarantined: u64,
    /// Notes kept.
    pub notes: u64,
    /// Items not finished.
    pub items_open: u64,
    /// Deliveries that are not done.
    pub deliveries_waiting: u64,
    /// Since when the oldest of them waits.
    pub oldest_delivery: Option<Timestamp>,
    /// Bytes of the database; of a file without what is not yet written back to it.
    pub database_bytes: u64,
}

/// Notes, their jobs and their extractions.
#[async_trait]
pub trait NoteStore: Send + Sync {
    /// Stores a note with its patient, encounter, review item, job and audit event in one durable transaction, or finds it
    /// already there. `id` is the new note's id. A note of a known encounter joins (and reopens) that encounter's item; one that
    /// relates to a document joins that document's. Versions of a document count in the order in which their sender made them.
    async fn add_note(&self, id: Uuid, posting: Posting, actor: Actor, now: Timestamp) -> Result<AddNote, StoreError>;
    /// Takes a document back with all versions made until `at`: they do not count any more. An item without a note that
    /// counts is closed, one that was finished and still has some is opened again. The notes taken back; none when there is no such
    /// document. Taking it back again changes nothing.
    async fn retract_note(
        &self,
        document: NoteKey,
        at: Timestamp,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<Vec<Uuid>>, StoreError>;
    /// The note, opened.
    async fn note(&self, id: Uuid) -> Result<Option<Note>, StoreError>;
    /// Claims up to `limit` due jobs for `lease` (also those whose lease ran out): as many of each source that has some, and of a source
    /// the oldest first. Counts the try.
    async fn claim_jobs(&self, limit: u32, lease: SignedDuration, now: Timestamp) -> Result<Vec<ClaimedJob>, StoreError>;
    /// Makes jobs due that were claimed until exactly this instant: of a claim whose answer was lost. A claim of another that ends in the
    /// same microsecond is made due too, which its fence bears.
    async fn release_claims(&self, until: Timestamp) -> Result<(), StoreError>;
    /// Records the extraction, ends the job and marks the note ready, all or nothing. `false` when the fence is stale.
    async fn record_extraction(&self, job: &ClaimedJob, extraction: Extraction, now: Timestamp) -> Result<bool, StoreError>;
    /// Ends a try. `false` when the fence is stale.
    async fn fail_job(&self, job: &ClaimedJob, failure: JobFailure, now: Timestamp) -> Result<bool, StoreError>;
    /// Notes in quarantine behind a note, in the order in which they came.
    async fn quarantined(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<QuarantinedNote>, StoreError>;
    /// Has a note in quarantine tried again as if it had just come; its item waits for it once more. `false` when it is in none.
    async fn retry_note(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// The live extraction of a note.
    async fn extraction(&self, note_id: Uuid) -> Result<Option<Extraction>, StoreError>;
    /// Checks what is kept: the rules of the rows in one state of the database, then every encounter with its notes, extractions, decisions and
    /// remarks, opened with the site keys. An error says that the database cannot be read at all; what is wrong in it is told.
    async fn check(&self) -> Result<Checked, StoreError>;
    /// Whether more than so many jobs are not done.
    async fn has_more_jobs_than(&self, limit: u64) -> Result<bool, StoreError>;
    /// Answers when the database does; reads next to nothing.
    async fn answers(&self) -> Result<(), StoreError>;
    /// Counts for metrics.
    async fn counts(&self, now: Timestamp) -> Result<Counts, StoreError>;
}

/// Users, tokens and the audit trail.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Adds a user; `false` when the name is taken.
    async fn add_user(&self, user: User, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// By login name.
    async fn user_named(&self, name: &str) -> Result<Option<User>, StoreError>;
    /// All users, by name.
    async fn users(&self) -> Result<Vec<User>, StoreError>;
    /// Gives the user of that name the role, source, facility, department and clearances of `user`; `false` when there is none. Another role
    /// revokes their tokens, but for sessions.
    async fn change_user(&self, user: User, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// Disables or enables a user; `false` when there is none of that name.
    async fn set_user_disabled(&self, name: &str, disabled: bool, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// Adds a token by its SHA-256 hash.
    async fn add_token(&self, token: TokenRecord, hash: [u8; 32], actor: Actor, now: Timestamp) -> Result<(), StoreError>;
    /// The user of a live token of this kind (not expired, revoked, or of a disabled user).
    async fn user_of_token(&self, hash: [u8; 32], kind: TokenKind, now: Timestamp) -> Result<Option<User>, StoreError>;
    /// The user of a live token for programs, and which of the three kinds it is.
    async fn user_of_api_token(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<(User, TokenKind)>, StoreError>;
    /// Registers the public keys of a user (a JSON Web Key Set) in place of those before; none takes them away. `false` when there is no such
    /// user.
    async fn set_client_keys(&self, name: &str, keys: Option<String>, actor: Actor, now: Timestamp)
    -> Result<bool, StoreError>;
    /// A user that is not disabled, with the registered keys.
    async fn client_keys(&self, name: &str) -> Result<Option<(User, String)>, StoreError>;
    /// A key that seals what browsers carry for this duty: the same on every server of the database, and after a rotation of the site key.
    fn derived_key(&self, duty: &str) -> DataKey;
    /// Uses up an assertion, known by a hash of client and id, or an attempt to sign in, which ends by itself at `expires_at`; `false` when it
    /// was used before.
    async fn redeem_assertion(&self, hash: [u8; 32], expires_at: Timestamp, now: Timestamp) -> Result<bool, StoreError>;
    /// Uses up a sign-in token: its user, once.
    async fn redeem_sign_in(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<User>, StoreError>;
    /// Tokens of a user, newest first.
    async fn tokens(&self, user_id: Uuid) -> Result<Vec<TokenRecord>, StoreError>;
    /// Revokes a token; `false` when there is none.
    async fn revoke_token(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// Revokes the token with this hash (sign-out).
    async fn revoke_token_hash(&self, hash: [u8; 32], now: Timestamp) -> Result<bool, StoreError>;
    /// Records an access that changes nothing (reading a note, a refused call).
    async fn record_audit(
        &self,
        actor: Actor,
        action: &str,
        subject: Option<(&str, Uuid)>,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Records that several things of one kind were read, all or none.
    async fn record_reads(
        &self,
        actor: Actor,
        action: &str,
        subjects: (&str, Vec<Uuid>),
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Audit events after a sequence number, oldest first, at most `limit`.
    async fn audit_events(&self, after: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError>;
}

/// A delivery that a sender holds, with all it needs.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// Where it goes.
    pub destination: Destination,
    /// What is sent; none = the event alone.
    pub body: Option<String>,
    /// Fencing token, as a job's.
    pub fence: i64,
}

/// What became of a try to deliver. `problem` is stable words, never an answer's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The other side has it.
    Delivered,
    /// Try again at this time; what comes after it waits.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Why.
        problem: String,
    },
    /// Give up; what comes after it goes on.
    Dead {
        /// Why.
        problem: String,
    },
}

/// Which deliveries are listed. `None` = any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// To the destination of this name.
    pub destination: Option<String>,
    /// The one with this id.
    pub id: Option<Uuid>,
    /// About encounters that this reader may see.
    pub scope: Option<ReportScope>,
    /// After this sequence number.
    pub after: i64,
    /// At most so many, 1 to 200.
    pub limit: u32,
}

/// Destinations, and what is delivered to them in the order of its causes.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Adds a destination; `false` when the name is taken. It hears of what happens from now on.
    async fn add_destination(&self, destination: Destination, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
    /// All destinations, by name.
    async fn destinations(&self) -> Result<Vec<Destination>, StoreError>;
    /// Disables or enables a destination; `false` when there is none of that name.
    async fn set_destination_disabled(
        &self,
        name: &str,
        disabled: bool,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Claims for `lease` the first unfinished delivery of every enabled destination, where it is due. Counts the try.
    async fn claim_deliveries(&self, lease: SignedDuration, now: Timestamp) -> Result<Vec<ClaimedDelivery>, StoreError>;
    /// Ends a try. `false` when the fence is stale.
    async fn end_delivery(&self, delivery: &ClaimedDelivery, end: DeliveryEnd, now: Timestamp) -> Result<bool, StoreError>;
    /// Deliveries in their order.
    async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;
    /// Sends a delivery once more, at its place in the order; `false` when there is none, or it is being sent.
    async fn resend_delivery(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<bool, StoreError>;
}

/// The whole store.
pub trait Store:
    NoteStore
    + ReviewStore
    + WorkbenchStore
    + SecondReviewStore
    + ReportStore
    + QueryStore
    + ChartStore
    + AccountStore
    + SignInStore
    + OutboxStore
    + MessageStore
    + PatientStore
    + KeyStore
    + RetentionStore
    + AccessStore
    + TrailStore
    + SitePackStore
    + ProposalStore
    + OversightStore
{
}
impl<T> Store for T where
    T: NoteStore
        + ReviewStore
        + WorkbenchStore
        + SecondReviewStore
        + ReportStore
        + QueryStore
        + ChartStore
        + AccountStore
        + SignInStore
        + OutboxStore
        + MessageStore
        + PatientStore
        + KeyStore
        + RetentionStore
        + AccessStore
        + TrailStore
        + SitePackStore
        + ProposalStore
        + OversightStore
{
}
