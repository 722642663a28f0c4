//! Shadow runs: what another model, vocabulary or site pack would have suggested for encounters that coders finished, beside what runs now.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::EntryKind;

/// What suggests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineIdentity {
    /// Version of the program.
    pub version: String,
    /// Name, version and checksum of the model, and its precision.
    pub model: String,
    /// Checksum of the vocabularies.
    pub vocabulary: String,
    /// Version of the site pack; none where there is none.
    pub site_pack: Option<u64>,
}

impl EngineIdentity {
    /// Whether model and vocabulary are those of another one: site packs are held to their own reports.
    #[must_use]
    pub fn is_configured_as(&self, other: &Self) -> bool {
        self.model == other.model && self.vocabulary == other.vocabulary
    }
}

/// A figure of both, and how sure the difference is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShadowFigure {
    /// Of what runs now.
    pub champion: f64,
    /// Of what is tried.
    pub challenger: f64,
    /// Lower end of the 95 % interval of the difference, by drawing encounters.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Two-sided p by exchanging the two encounter by encounter.
    pub p: f64,
}

impl ShadowFigure {
    /// Challenger less champion.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.challenger - self.champion
    }
}

/// What coders would have to do beside accepting: the fewer the better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShadowEffort {
    /// Entries to add, because they were not suggested.
    pub add: u64,
    /// Entries to amend, because their first code is another one.
    pub amend: u64,
    /// Suggestions to reject.
    pub reject: u64,
}

impl ShadowEffort {
    /// All of it.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.add + self.amend + self.reject
    }
}

/// The figures of a kind of entries, or of all together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShadowKind {
    /// Of which kind; none for all together.
    pub kind: Option<EntryKind>,
    /// Encounters that have something of it.
    pub encounters: u64,
    /// Entries that coders left.
    pub gold: u64,
    /// Share of what was suggested that coders left.
    pub precision: Option<ShadowFigure>,
    /// Share of what coders left that was suggested.
    pub recall: Option<ShadowFigure>,
    /// Their harmonic mean.
    pub f1: Option<ShadowFigure>,
    /// Share of what coders left with a code, and that was suggested, whose first code is theirs.
    pub code_at_1: Option<ShadowFigure>,
    /// As `f1`, where a suggestion is right only with its first code.
    pub coded_f1: Option<ShadowFigure>,
    /// What coders would have to do: with what runs now, and with what is tried.
    pub effort: [ShadowEffort; 2],
    /// Acts that what is tried would save, and acts that it would add.
    pub saved: u64,
    /// See `saved`.
    pub broken: u64,
    /// Suggestions of what is tried that meet nothing a coder decided on: counted as wrong, though nobody has looked at them.
    pub unseen: [u64; 2],
}

/// How an entry differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShadowChange {
    /// Right before, and not suggested any more.
    Lost,
    /// Right before, and with another first code.
    Miscoded,
    /// Missing or with another code before, and right.
    Gained,
    /// Rejected by coders, and not suggested any more.
    Silenced,
    /// Rejected by coders, and suggested now.
    Raised,
    /// Suggested now, and nobody has looked at it.
    Unseen,
    /// Suggested before and of nobody's decision, and not suggested any more.
    Gone,
}

impl ShadowChange {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Miscoded => "miscoded",
            Self::Gained => "gained",
            Self::Silenced => "silenced",
            Self::Raised => "raised",
            Self::Unseen => "unseen",
            Self::Gone => "gone",
        }
    }

    /// Whether it speaks for what is tried.
    #[must_use]
    pub const fn is_better(self) -> bool {
        matches!(self, Self::Gained | Self::Silenced | Self::Gone)
    }
}

/// An entry that differs, by our ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShadowDifference {
    /// The encounter.
    pub item: Uuid,
    /// The entry: of the encounter where a coder decided on one, else of the suggestion.
    pub entry: Uuid,
    /// What it states.
    pub kind: EntryKind,
    /// How it differs.
    pub change: ShadowChange,
}

/// What the report comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShadowVerdict {
    /// Not worse beyond the margin on any kind with enough encounters, and at least as good on the sum.
    Passed,
    /// Too few finished encounters.
    TooFew,
    /// It cannot be ruled out that it is worse beyond the margin.
    NotShown,
    /// It is worse on the sum.
    Worse,
}

impl ShadowVerdict {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::TooFew => "too_few",
            Self::NotShown => "not_shown",
            Self::Worse => "worse",
        }
    }
}

/// By what a report passes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShadowRule {
    /// How much worse F1 may be, as a share: the lower end of the interval must lie above minus this.
    pub margin: f64,
    /// Encounters that are needed at least.
    pub encounters: u64,
}

impl ShadowRule {
    /// Encounters from which on a kind counts by itself: a third of those that are needed.
    #[must_use]
    pub const fn encounters_of_kind(&self) -> u64 {
        self.encounters.div_ceil(3)
    }
}

impl Default for ShadowRule {
    fn default() -> Self {
        Self { margin: 0.02, encounters: 50 }
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShadowReport {
    /// Our id.
    pub id: Uuid,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Login name of who asked for it.
    pub by: String,
    /// What runs now.
    pub champion: EngineIdentity,
    /// What is tried.
    pub challenger: EngineIdentity,
    /// Proposals that were put on top of the site pack of what is tried; empty where a pack that is kept was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Uuid>,
    /// Encounters that were finished from this moment on take part.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Encounters that took part.
    pub encounters: u64,
    /// Notes in them.
    pub notes: u64,
    /// Encounters that were left out because a note could not be extracted by one of the two.
    pub failed: Vec<Uuid>,
    /// Seconds that the two took for all notes together.
    pub seconds: [f64; 2],
    /// By kind, those with enough encounters; all together last.
    pub kinds: Vec<ShadowKind>,
    /// By what it passes.
    pub rule: ShadowRule,
    /// What it comes to.
    pub verdict: ShadowVerdict,
    /// The kinds for which it was not shown; none stands for all together.
    pub not_shown: Vec<Option<EntryKind>>,
    /// What differs, at most [`MOST_DIFFERENCES`].
    pub differences: Vec<ShadowDifference>,
    /// How many entries differ in all.
    pub differing: u64,
}

/// Differing entries that a report keeps.
pub const MOST_DIFFERENCES: usize = 1_000;

impl ShadowReport {
    /// Whether what was tried may become what runs.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict == ShadowVerdict::Passed
    }
}
