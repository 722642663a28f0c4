//! Data at rest to its end: purges that leave a tombstone, legal holds, what is due, and the rights of patients.

use std::collections::HashSet;

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use super::{Actor, AuditEvent, ItemRecord, StoreError};
use crate::domain::{BrokenGlass, Delivery, Patient};

/// What is purged or held, by our ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A patient, with everything of theirs.
    Patient(Uuid),
    /// An encounter, by the id of its review item.
    Encounter(Uuid),
    /// A note.
    Note(Uuid),
}

impl Subject {
    /// Kinds, as they are written.
    pub const KINDS: [&'static str; 3] = ["patient", "encounter", "note"];

    /// Of a kind, by its word.
    #[must_use]
    pub fn of(kind: &str, id: Uuid) -> Option<Self> {
        match kind {
            "patient" => Some(Self::Patient(id)),
            "encounter" => Some(Self::Encounter(id)),
            "note" => Some(Self::Note(id)),
            _ => None,
        }
    }

    /// The word of its kind.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Patient(_) => "patient",
            Self::Encounter(_) => "encounter",
            Self::Note(_) => "note",
        }
    }

    /// Our id.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Patient(id) | Self::Encounter(id) | Self::Note(id) => id,
        }
    }
}

/// A subject as its sender names it. `Debug` prints nothing: it is PHI.
#[derive(Clone, PartialEq, Eq)]
pub enum Named {
    /// By the record number.
    Patient {
        /// Whose number it is.
        source: String,
        /// The number.
        record: String,
        /// Who gives it out; any when none.
        system: Option<String>,
    },
    /// By the number of the encounter.
    Encounter {
        /// Whose number it is.
        source: String,
        /// The number.
        number: String,
    },
    /// By the sender's id.
    Note {
        /// Whose id it is.
        source: String,
        /// The id.
        external_id: String,
    },
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Named(..)")
    }
}

/// Which versions of a note's document go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// All of them.
    All,
    /// None: the note alone.
    This,
}

/// What a purge would destroy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeExtent {
    /// By encounter.
    pub items: Vec<PurgedItem>,
    /// The patient, where all of theirs goes.
    pub patient: Option<Uuid>,
    /// Holds that stand against it.
    pub holds: Vec<LegalHold>,
}

/// What of an encounter a purge would destroy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgedItem {
    /// The review item.
    pub item: Uuid,
    /// Notes that are not purged yet.
    pub notes: Vec<Uuid>,
    /// Whether nothing of the encounter is left.
    pub is_whole: bool,
}

/// What the notes that stay still say of an encounter: decisions on nothing else survive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Entries.
    pub entries: HashSet<Uuid>,
    /// Keys of the words that they rest on.
    pub evidence: HashSet<String>,
}

/// Works out what is left of an encounter without some of its notes.
pub type RestOfItem = fn(&ItemRecord, &[Uuid]) -> Remaining;

/// A part of an encounter that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The notes that go.
    pub notes: Vec<Uuid>,
    /// The revision of the item of which the rest was worked out.
    pub revision: u64,
    /// What the rest says.
    pub remaining: Remaining,
}

/// A purge of an encounter, or of notes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPurge {
    /// The review item.
    pub item: Uuid,
    /// Notes of it; everything when none.
    pub part: Option<Part>,
    /// Why: a stable word.
    pub reason: String,
}

/// What came of a purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purged {
    /// It is done.
    Done {
        /// Notes that were destroyed.
        notes: u64,
    },
    /// It is under hold; nothing was destroyed.
    Held(Vec<LegalHold>),
    /// The encounter changed meanwhile, or holds more than was purged; nothing was destroyed.
    Changed,
    /// It is not there, or was purged before.
    Missing,
}

/// Something that must be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalHold {
    /// Our id.
    pub id: Uuid,
    /// What is kept.
    pub subject: Subject,
    /// Why: a stable word, such as the number of a case.
    pub reason: String,
    /// Who said so: a login name.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Who ended it, and when.
    pub released: Option<(String, Timestamp)>,
}

/// What came of adding or ending a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldChange {
    /// It is done.
    Done,
    /// There is no such subject or hold.
    Missing,
    /// The hold has ended, or the subject was purged.
    TooLate,
}

/// Notes that are due: of one type, or of all but some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// Of this type; of none of `others` when none.
    pub note_type: Option<String>,
    /// Types that have rules of their own.
    pub others: Vec<String>,
    /// Discharged or served before this day.
    pub day: Date,
    /// With neither day: arrived before this instant.
    pub arrival: Timestamp,
}

/// What is kept of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientRecord {
    /// Our id.
    pub id: Uuid,
    /// As the newest message has them.
    pub patient: Patient,
    /// Numbers that were merged into this one.
    pub merged: Vec<(Uuid, Patient)>,
    /// Encounters, by their review items.
    pub items: Vec<Uuid>,
    /// Notes, purged ones too.
    pub notes: Vec<Uuid>,
    /// Holds that stand.
    pub holds: Vec<LegalHold>,
    /// Messages that brought or changed their notes, oldest first.
    pub messages: Vec<Uuid>,
    /// Users of the service who said that this record is their own, by login name.
    pub users: Vec<String>,
}

/// What is kept of a note beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BesideNote {
    /// Its extractions, the ones before too, oldest first.
    pub extractions: Vec<KeptExtraction>,
    /// Who had it on the screen, by login name, and when first.
    pub seen: Vec<(String, Timestamp)>,
}

/// An extraction as it is kept. `Debug` prints no finding.
#[derive(Clone, PartialEq)]
pub struct KeptExtraction {
    /// Our id.
    pub id: Uuid,
    /// Whether it is the one that counts.
    pub is_live: bool,
    /// When it was recorded.
    pub at: Timestamp,
    /// The contract's JSON, by the release that made it.
    pub body: serde_json::Value,
}

impl std::fmt::Debug for KeptExtraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeptExtraction({}, {})", self.id, self.at)
    }
}

/// What is kept of an encounter beside its record and its notes. `Debug` prints no finding.
#[derive(Clone, Default, PartialEq)]
pub struct BesideItem {
    /// How its entries came out of review, as JSON; none while it is worked out anew.
    pub outcome: Option<serde_json::Value>,
    /// Accesses under broken glass, oldest first.
    pub accesses: Vec<BrokenGlass>,
    /// What was sent or is to be sent of it, in its order, with the text that is sent; none = the event alone.
    pub deliveries: Vec<(Delivery, Option<String>)>,
}

impl std::fmt::Debug for BesideItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BesideItem").field("accesses", &self.accesses).finish_non_exhaustive()
    }
}

/// What taking a merge back moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unmerged {
    /// Notes that came under the number.
    pub notes: u64,
    /// Encounters of these notes alone.
    pub encounters: u64,
    /// Encounters that hold notes of both numbers, and stay with the one that survived.
    pub shared: u64,
}

/// A row whose sealed bytes were destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Its table.
    pub kind: String,
    /// Its id.
    pub id: Uuid,
    /// Why: a stable word.
    pub reason: String,
    /// Who: a login name.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// Whether anything that was purged can still be opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Rows of which nothing is left.
    pub gone: u64,
    /// Rows whose bytes are there and open with none of the keys at hand.
    pub closed: u64,
    /// Rows that open, by table and id.
    pub open: Vec<(String, Uuid)>,
}

/// Purges, holds, retention, rights of patients.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// The subjects that a sender calls so, by our ids; a merged record number leads to the patient that survived.
    async fn find_subjects(&self, named: Named) -> Result<Vec<Subject>, StoreError>;
    /// What purging a subject would destroy; none where there is no such subject. Changes nothing.
    async fn purge_extent(&self, subject: Subject, versions: Versions) -> Result<Option<PurgeExtent>, StoreError>;
    /// Destroys an encounter or notes of it, all or nothing: wrapped keys, sealed bytes and blind indexes. The rows stay as tombstones. With
    /// the last of a patient the patient goes. Follow it by [`RetentionStore::settle_purge`].
    async fn purge_item(&self, purge: ItemPurge, actor: Actor, now: Timestamp) -> Result<Purged, StoreError>;
    /// Destroys what is kept of a patient of whom no note is left, the numbers merged into them, and these messages.
    async fn purge_patient(
        &self,
        patient: Uuid,
        (messages, reason): (Vec<Uuid>, String),
        actor: Actor,
        now: Timestamp,
    ) -> Result<Purged, StoreError>;
    /// Empties the log of the database, in which the destroyed bytes may still be.
    async fn settle_purge(&self) -> Result<(), StoreError>;
    /// Notes that are due behind one, by id: of finished encounters, not under hold, not purged.
    async fn due_notes(&self, rule: RetentionRule, after: Uuid, limit: u32) -> Result<Vec<Uuid>, StoreError>;
    /// Everything that was destroyed.
    async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreError>;
    /// Whether anything of that can still be opened with the site keys at hand.
    async fn prove(&self) -> Result<Proof, StoreError>;
    /// Has something kept, whatever else says that it goes; recorded.
    async fn add_hold(&self, hold: LegalHold, actor: Actor) -> Result<HoldChange, StoreError>;
    /// Ends a hold; recorded.
    async fn release_hold(&self, id: Uuid, actor: Actor, now: Timestamp) -> Result<HoldChange, StoreError>;
    /// All holds, the ended ones too, oldest first.
    async fn holds(&self) -> Result<Vec<LegalHold>, StoreError>;
    /// Takes or renews a lease of this name; `false` while another one holds it.
    async fn take_lease(&self, name: &str, holder: Uuid, until: Timestamp, now: Timestamp) -> Result<bool, StoreError>;
    /// What is kept of a patient; none when there is none, or nothing is left.
    async fn patient_record(&self, id: Uuid) -> Result<Option<PatientRecord>, StoreError>;
    /// What is kept of a note beside it; nothing where it was purged.
    async fn beside_note(&self, note: Uuid) -> Result<BesideNote, StoreError>;
    /// What is kept of an encounter, by its review item, beside its record and its notes.
    async fn beside_item(&self, item: Uuid) -> Result<BesideItem, StoreError>;
    /// Audit events about these subjects after a number, oldest first.
    async fn events_about(&self, subjects: Vec<Uuid>, after: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError>;
    /// Takes back that a record number was merged into another one: what came under it goes back to it; recorded. None when the number is not
    /// known, or was merged into none.
    async fn unmerge_patient(&self, named: Named, actor: Actor, now: Timestamp) -> Result<Option<Unmerged>, StoreError>;
}
