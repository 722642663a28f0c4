//! What leaves the service: events, and the destinations that an admin configured for them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::HL7Destination;

/// Something that others may want to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub enum EventKind {
    /// The extraction of a note is there.
    #[serde(rename = "extraction.ready")]
    ExtractionReady,
    /// A note could not be extracted.
    #[serde(rename = "note.quarantined")]
    NoteQuarantined,
    /// A sender took a note back.
    #[serde(rename = "note.retracted")]
    NoteRetracted,
    /// A coder finished an encounter; again after it was opened anew.
    #[serde(rename = "review.finished")]
    ReviewFinished,
    /// A query goes to a provider.
    #[serde(rename = "query.sent")]
    QuerySent,
    /// The answer to a query is there.
    #[serde(rename = "query.answered")]
    QueryAnswered,
    /// Somebody reads an encounter that their scope or clearance hides: for the privacy officer.
    #[serde(rename = "access.break_glass")]
    AccessBreakGlass,
    /// Something drifted: a lead should look.
    #[serde(rename = "drift.detected")]
    DriftDetected,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ExtractionReady,
        Self::NoteQuarantined,
        Self::NoteRetracted,
        Self::ReviewFinished,
        Self::QuerySent,
        Self::QueryAnswered,
        Self::AccessBreakGlass,
        Self::DriftDetected,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExtractionReady => "extraction.ready",
            Self::NoteQuarantined => "note.quarantined",
            Self::NoteRetracted => "note.retracted",
            Self::ReviewFinished => "review.finished",
            Self::QuerySent => "query.sent",
            Self::QueryAnswered => "query.answered",
            Self::AccessBreakGlass => "access.break_glass",
            Self::DriftDetected => "drift.detected",
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == word)
            .ok_or_else(|| format!("unknown event {word:?}; one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// How a destination is reached. It holds secrets: sealed in the store, never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Channel {
    /// JSON by POST, signed as Standard Webhooks has it: ids only, never the words of a note.
    Webhook {
        /// Where to.
        url: String,
        /// Key of the signature, `whsec_` and base64.
        secret: String,
    },
    /// An empty POST, as a FHIR Subscription has it.
    RestHook {
        /// Where to.
        url: String,
        /// Headers to send, name and value; they may hold secrets.
        headers: Vec<(String, String)>,
    },
    /// The abstract of a finished encounter as an HL7 version 2 message over MLLP.
    Hl7 {
        /// `HOST:PORT`.
        address: String,
        /// File with the authority of the receiver's certificate; plain TCP when none.
        authority: Option<String>,
        /// What the receiver wants.
        settings: HL7Destination,
    },
}

impl Channel {
    /// The word of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::RestHook { .. } => "rest_hook",
            Self::Hl7 { .. } => "hl7",
        }
    }

    /// Where it leads, for lists: without secrets.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::Webhook { url, .. } | Self::RestHook { url, .. } => url,
            Self::Hl7 { address, .. } => address,
        }
    }

    /// Failed tries of one delivery before it is given up; none = never.
    #[must_use]
    pub const fn max_tries(&self) -> Option<u32> {
        match self {
            Self::Webhook { .. } | Self::RestHook { .. } => Some(12),
            // a bill or a chart must not miss an encounter: it is tried until it is taken, or a lead disables the destination
            Self::Hl7 { .. } => None,
        }
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Channel({})", self.kind())
    }
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Our id.
    pub id: Uuid,
    /// Unique name: letters, digits, dot, dash, underscore.
    pub name: String,
    /// How it is reached.
    pub channel: Channel,
    /// What it hears of.
    pub events: Vec<EventKind>,
    /// A disabled one gets nothing; what waits for it waits on.
    pub disabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its turn or its next try.
    Waiting,
    /// It is being sent.
    Claimed,
    /// The other side has it.
    Delivered,
    /// It was given up; it can be sent again.
    Dead,
}

impl DeliveryState {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Waiting, Self::Claimed, Self::Delivered, Self::Dead].into_iter().find(|state| state.as_str() == word).ok_or(())
    }
}

/// A delivery, without what is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the order of all.
    pub sequence: i64,
    /// Our id; the other side sees the same one at every try.
    pub id: Uuid,
    /// Name of the destination.
    pub destination: String,
    /// What happened.
    pub event: EventKind,
    /// The note, where it is about one.
    pub note_id: Option<Uuid>,
    /// The item, where it is about one.
    pub item_id: Option<Uuid>,
    /// The query, where it is about one.
    pub query_id: Option<Uuid>,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub tries: u32,
    /// Stable words of the last failure.
    pub problem: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
}
