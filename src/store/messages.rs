//! Messages that another system sent, as they are kept: to know one again, and to look at those that could not be used.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Actor, StoreError};

/// What tells a message from others of its source. Its parts are sealed; only their blind index is compared.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MessageIdentity {
    /// Sending application and facility.
    pub sender: (String, String),
    /// Receiving application and facility.
    pub receiver: (String, String),
    /// The sender's number of the message.
    pub control_id: String,
}

impl std::fmt::Debug for MessageIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MessageIdentity(..)")
    }
}

/// What became of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageOutcome {
    /// Why it could not be used: a stable code. None = it was accepted.
    pub reason: Option<String>,
    /// The note that it made or changed.
    pub note_id: Option<Uuid>,
    /// What was answered, in its frames; may be empty.
    pub acknowledgement: Vec<u8>,
}

impl std::fmt::Debug for MessageOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageOutcome({:?}, {:?})", self.reason, self.note_id)
    }
}

/// A message with what became of it. `Debug` prints ids and codes only.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Our id.
    pub id: Uuid,
    /// The user who sent it.
    pub user_id: Uuid,
    /// Their source.
    pub source: String,
    /// `MDM^T02`; `other` for what is no word of the standard.
    pub event: String,
    /// None for a piece of a message, or one without a number: it is never the same as another.
    pub identity: Option<MessageIdentity>,
    /// Its bytes.
    pub content: Vec<u8>,
    /// What became of it.
    pub outcome: MessageOutcome,
    /// When it came.
    pub received_at: Timestamp,
}

impl std::fmt::Debug for ReceivedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReceivedMessage({}, {}, {:?})", self.id, self.event, self.outcome)
    }
}

/// A line of the list of messages: nothing that is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLine {
    /// Our id.
    pub id: Uuid,
    /// Source of the user who sent it.
    pub source: String,
    /// `MDM^T02`.
    pub event: String,
    /// Why it could not be used; none when it was.
    pub reason: Option<String>,
    /// The note that it made or changed.
    pub note_id: Option<Uuid>,
    /// When it came.
    pub received_at: Timestamp,
}

/// Whether a message came before.
#[derive(Clone, PartialEq, Eq)]
pub enum KnownMessage {
    /// It did not.
    New,
    /// It did, and this was answered.
    Same {
        /// The answer in its frames.
        acknowledgement: Vec<u8>,
    },
    /// Its number did, with another content.
    OtherContent,
}

/// Which messages are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFilter {
    /// Those that could not be used.
    Failed,
    /// All.
    Any,
}

/// Messages of other systems.
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Whether a message of this source, identity and content is there.
    async fn known_message(&self, source: &str, identity: MessageIdentity, content: &[u8]) -> Result<KnownMessage, StoreError>;
    /// Keeps a message with what became of it. When the same one is there already (it came twice at once), nothing is kept and that
    /// one's answer is given.
    async fn add_message(&self, message: ReceivedMessage, actor: Actor) -> Result<Option<Vec<u8>>, StoreError>;
    /// Messages, newest first, before the one with this id (the last of the page before).
    async fn messages(&self, filter: MessageFilter, before: Option<Uuid>, limit: u32) -> Result<Vec<MessageLine>, StoreError>;
    /// One message, opened.
    async fn message(&self, id: Uuid) -> Result<Option<ReceivedMessage>, StoreError>;
    /// Writes down what became of a message that could not be used, after it was handled again; `false` when it is not one.
    async fn settle_message(&self, id: Uuid, outcome: MessageOutcome, actor: Actor, now: Timestamp)
    -> Result<bool, StoreError>;
}
