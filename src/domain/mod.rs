//! The nouns of the field and their pure rules: no I/O, no clock, no randomness.
//!
//! Offsets inside the process are byte offsets on character boundaries of the note's canonical
//! text; [`Extraction::map_offsets`] turns them into the unit a caller asked for.

mod assertion;
mod attributes;
mod boilerplate;
mod broken_glass;
mod designation;
mod drift;
mod entry;
mod hl7_destination;
mod lifecycle;
mod lock_out;
mod mention;
mod note;
mod outbox;
mod outcome;
mod period;
mod preferences;
mod proposal;
mod query;
mod reconciliation;
mod review;
mod routing;
mod second_review;
mod sensitivity;
mod shadow;
mod site_lists;
mod site_pack;
mod small_cells;
mod span;
mod surroundings;
pub mod table;
mod worklist;
mod worklist_rules;

pub use assertion::{AllergyScope, Assertion, Certainty, Cue, Experiencer, MedicationStatus, Temporality};
pub use attributes::{Attribute, Attributes, Flag};
pub use boilerplate::{Boilerplate, BoilerplateKind};
pub use broken_glass::{BrokenGlass, GLASS_OPEN, GlassReason};
pub use designation::{Designation, DiagnosisRole, PresentOnAdmission};
pub use drift::{
    DriftAcknowledged, DriftAlert, DriftEvaluation, DriftFinding, DriftMeasure, DriftShare, DriftVerdict, DriftWindow,
    DriftWord,
};
pub use entry::{
    Alert, AssertedSpan, CodeCandidate, CodeRole, CodedEntry, EngineVersion, EntryKind, Evidence, Extraction, NotReportable,
    OffsetUnit, Prompt, ScoredBy, SectionCode, SectionOutline,
};
pub use hl7_destination::{AbstractFormat, HL7Destination};
pub use lifecycle::{Act, By, Place, Refusal};
pub use lock_out::delay_after;
pub use mention::{Mention, MentionKind};
pub use note::{
    Confidentiality, EncounterClass, NewNote, Note, NoteStatus, Patient, PurgedNote, RelatedNote, Relation, Standing,
};
pub use outbox::{Channel, Delivery, DeliveryState, Destination, EventKind};
pub use outcome::{Ended, EntryOutcome, ItemOutcome};
pub use period::Period;
pub use preferences::{MOST_LISTS, PRIOR_WEIGHT, Preferences, SavedList, SiteSettings, Tally};
pub use proposal::{DecidedProposal, Proposal, ProposalEffect, ProposalEvidence, ProposalExample, ProposalVerdict};
pub use query::{
    ClinicalIndicator, OptionKind, QUERY_ANSWER_CHARACTERS, Query, QueryAct, QueryAnswer, QueryContent, QueryEffect,
    QueryEvent, QueryKind, QueryOption, QueryState,
};
pub use reconciliation::{ListComparison, ListedMedication, MedicationList, ReconciledMedication};
pub use review::{
    ChangeKind, ChosenCode, Decision, DecisionKind, EntryChange, EntryState, ItemState, REJECT_REASONS, REOPEN_REASONS,
    ReviewEntry, ReviewItem, Role, User,
};
pub use routing::{PayerClass, Priority};
pub use second_review::{
    Agreement, CodingError, Finished, MOST_RULES, SamplingRule, SecondReview, Verdict, Worksheet, WorksheetLine, drawn,
};
pub use sensitivity::{Sensitivities, Sensitivity};
pub use shadow::{
    EngineIdentity, MOST_DIFFERENCES, ShadowChange, ShadowDifference, ShadowEffort, ShadowFigure, ShadowKind, ShadowReport,
    ShadowRule, ShadowVerdict,
};
pub use site_lists::{
    MOST_MEMBERS, MOST_REASONS, MOST_TEAMS, Reason, SiteListName, SiteListVersion, Team, problem_of_reasons, problem_of_teams,
    usual_label,
};
pub use site_pack::{
    ActivationReason, CodePreference, KindThreshold, PackActivation, PackChange, PackShadow, PackTable, PackVersion, SitePack,
    SiteTerm, SuppressedTerm, TableDifference, in_counts,
};
pub use small_cells::{Cell, SMALLEST_CELL, SuppressedTable, suppress, suppress_list};
pub use span::Span;
pub use surroundings::Surroundings;
pub use worklist::{
    Assigned, ESCALATE_REASONS, ItemSummary, ListEnd, PEND_REASONS, Remark, RemarkKind, UNSURE_BELOW, Worklist, WorklistOrder,
};
pub use worklist_rules::{MOST_WORKLIST_RULES, Route, WorklistRule, problem_of_worklist_rules, route};

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
