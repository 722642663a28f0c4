//! The nouns of the field and their pure rules: no I/O, no clock, no randomness.
//!
//! Offsets inside the process are byte offsets on character boundaries of the note's canonical
//! text; [`Extraction::map_offsets`] turns them into the unit a caller asked for.

mod assertion;
mod attributes;
mod boilerplate;
mod entry;
mod hl7_destination;
mod mention;
mod note;
mod outbox;
mod query;
mod reconciliation;
mod review;
mod span;
mod surroundings;
pub mod table;

pub use assertion::{AllergyScope, Assertion, Certainty, Cue, Experiencer, MedicationStatus, Temporality};
pub use attributes::{Attribute, Attributes, Flag};
pub use boilerplate::{Boilerplate, BoilerplateKind};
pub use entry::{
    Alert, AssertedSpan, CodeCandidate, CodeRole, CodedEntry, EngineVersion, EntryKind, Evidence, Extraction, NotReportable,
    OffsetUnit, Prompt, SectionCode, SectionOutline,
};
pub use hl7_destination::{AbstractFormat, HL7Destination};
pub use mention::{Mention, MentionKind};
pub use note::{Confidentiality, EncounterClass, NewNote, Note, NoteStatus, Patient, RelatedNote, Relation, Standing};
pub use outbox::{Channel, Delivery, DeliveryState, Destination, EventKind};
pub use query::{
    ClinicalIndicator, OptionKind, QUERY_ANSWER_CHARACTERS, Query, QueryAct, QueryAnswer, QueryContent, QueryEffect,
    QueryEvent, QueryKind, QueryOption, QueryState,
};
pub use reconciliation::{ListComparison, ListedMedication, MedicationList, ReconciledMedication};
pub use review::{
    ChangeKind, ChosenCode, Decision, DecisionKind, EntryChange, EntryState, ItemState, REJECT_REASONS, REOPEN_REASONS,
    ReviewEntry, ReviewItem, Role, User,
};
pub use span::Span;
pub use surroundings::Surroundings;

/// Code system URIs of the contract.
pub mod system {
    /// ICD-10-CM.
    pub const ICD10CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
    /// RxNorm.
    pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
    /// SNOMED CT.
    pub const SNOMED: &str = "http://snomed.info/sct";
    /// LOINC.
    pub const LOINC: &str = "http://loinc.org";
    /// FDA UNII.
    pub const UNII: &str = "http://fdasis.nlm.nih.gov";
}
