//! The query to a provider: a question about what the record leaves open, from its draft to its closing.
//!
//! ```text
//! draft --send--> sent --answer--> answered --close--> closed
//!   |              |
//!   +-- withdraw --+--> withdrawn
//! ```

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueryKind {
    /// The record holds statements that do not agree.
    ConflictingDocumentation,
    /// A documented condition lacks type, acuity, side, severity or stage.
    Specificity,
    /// A finding or a treatment stands without what it means.
    ClinicalSignificance,
    /// Whether one documented condition is due to another, or to a drug or procedure.
    CauseAndEffect,
    /// Whether a documented condition was there at admission.
    PresentOnAdmission,
    /// A documented diagnosis lacks the clinical indicators of it.
    ClinicalValidation,
    /// A diagnosis was documented as uncertain, and what became of it is not.
    RuledOutOrConfirmed,
}

impl QueryKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ConflictingDocumentation,
        Self::Specificity,
        Self::ClinicalSignificance,
        Self::CauseAndEffect,
        Self::PresentOnAdmission,
        Self::ClinicalValidation,
        Self::RuledOutOrConfirmed,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConflictingDocumentation => "conflicting_documentation",
            Self::Specificity => "specificity",
            Self::ClinicalSignificance => "clinical_significance",
            Self::CauseAndEffect => "cause_and_effect",
            Self::PresentOnAdmission => "present_on_admission",
            Self::ClinicalValidation => "clinical_validation",
            Self::RuledOutOrConfirmed => "ruled_out_or_confirmed",
        }
    }

    /// Whether "yes" and "no" may be all the choices: only where the diagnosis asked about is documented already.
    #[must_use]
    pub const fn allows_yes_or_no(self) -> bool {
        matches!(self, Self::CauseAndEffect | Self::PresentOnAdmission | Self::ClinicalValidation)
    }
}

impl std::str::FromStr for QueryKind {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

/// What choosing an option means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// One of the answers that the indicators support.
    Choice,
    /// Another answer, in the provider's own words.
    Other,
    /// It cannot be determined.
    Undetermined,
}

/// An answer that a provider can choose.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryOption {
    /// What choosing it means.
    pub kind: OptionKind,
    /// Its words; sealed.
    pub label: String,
}

impl std::fmt::Debug for QueryOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueryOption({:?}, {} bytes)", self.kind, self.label.len())
    }
}

/// Words of the record that make the question arise.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClinicalIndicator {
    /// The note that they stand in.
    pub note_id: Uuid,
    /// The words, as the note has them; sealed.
    pub text: String,
}

impl std::fmt::Debug for ClinicalIndicator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClinicalIndicator({}, {} bytes)", self.note_id, self.text.len())
    }
}

/// What is asked. All of it is sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryContent {
    /// Key of the template that it was made from.
    pub template: String,
    /// Why it is asked.
    pub kind: QueryKind,
    /// The entry that it is about; none = the encounter.
    #[serde(default)]
    pub entry_id: Option<Uuid>,
    /// Its title.
    pub title: String,
    /// The question.
    pub question: String,
    /// The answers to choose from.
    pub options: Vec<QueryOption>,
    /// The words of the record that it rests on.
    pub indicators: Vec<ClinicalIndicator>,
}

impl std::fmt::Debug for QueryContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryContent").field("kind", &self.kind).field("indicators", &self.indicators).finish_non_exhaustive()
    }
}

/// Longest answer and comment, in characters.
pub const QUERY_ANSWER_CHARACTERS: usize = 4_000;

/// Longest name of who answered, in characters.
const PROVIDER_CHARACTERS: usize = 200;

/// What the provider answered. All of it is sealed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// Place of the chosen option, from 0; none = in words alone.
    #[serde(default)]
    pub option: Option<usize>,
    /// The provider's own words.
    #[serde(default)]
    pub text: Option<String>,
    /// Who answered.
    #[serde(default)]
    pub provider: Option<String>,
}

impl std::fmt::Debug for QueryAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QueryAnswer(..)")
    }
}

impl QueryContent {
    /// Checks that an answer answers this query.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_answer(&self, answer: &QueryAnswer) -> Result<(), &'static str> {
        let words = answer.text.as_deref().map(str::trim).unwrap_or_default();
        if answer.provider.as_deref().is_none_or(|name| name.trim().is_empty()) {
            return Err("provider must name who answered");
        }
        if answer.provider.as_deref().is_some_and(|name| name.chars().count() > PROVIDER_CHARACTERS) {
            return Err("provider may have 200 characters");
        }
        if words.chars().count() > QUERY_ANSWER_CHARACTERS {
            return Err("text may have 4000 characters");
        }
        match answer.option.map(|at| self.options.get(at)) {
            Some(None) => Err("option must be the place of one of the query's options, from 0"),
            Some(Some(QueryOption { kind: OptionKind::Other, .. })) if words.is_empty() => {
                Err("this option asks for words of the provider's own: give them as text")
            }
            None if words.is_empty() => Err("an answer needs an option or text"),
            Some(Some(_)) | None => Ok(()),
        }
    }
}

/// What an answer led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueryEffect {
    /// The suggestion was accepted.
    EntryAccepted,
    /// The suggestion was accepted with changes.
    EntryAmended,
    /// The suggestion was rejected.
    EntryRejected,
    /// An entry was added.
    EntryAdded,
    /// Nothing was changed.
    NoChange,
}

impl QueryEffect {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::EntryAccepted, Self::EntryAmended, Self::EntryRejected, Self::EntryAdded, Self::NoChange];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EntryAccepted => "entry_accepted",
            Self::EntryAmended => "entry_amended",
            Self::EntryRejected => "entry_rejected",
            Self::EntryAdded => "entry_added",
            Self::NoChange => "no_change",
        }
    }
}

impl std::str::FromStr for QueryEffect {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == word).ok_or(())
    }
}

/// Something done with a query after it was drafted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum QueryAct {
    /// The draft is written anew.
    Revise(Box<QueryContent>),
    /// It goes to the provider.
    Send {},
    /// The provider's answer is recorded.
    Answer(QueryAnswer),
    /// A coder has done what the answer asks for.
    Close {
        /// What that was.
        effect: QueryEffect,
        /// Free words; sealed.
        #[serde(default)]
        comment: Option<String>,
    },
    /// It is not asked any more.
    Withdraw {
        /// Free words; sealed.
        #[serde(default)]
        comment: Option<String>,
    },
}

impl std::fmt::Debug for QueryAct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueryAct({})", self.as_str())
    }
}

impl QueryAct {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Revise(_) => "revise",
            Self::Send {} => "send",
            Self::Answer(_) => "answer",
            Self::Close { .. } => "close",
            Self::Withdraw { .. } => "withdraw",
        }
    }

    /// The state that it leads to, wherever it is allowed.
    #[must_use]
    pub const fn leads_to(&self) -> QueryState {
        match self {
            Self::Revise(_) => QueryState::Draft,
            Self::Send {} => QueryState::Sent,
            Self::Answer(_) => QueryState::Answered,
            Self::Close { .. } => QueryState::Closed,
            Self::Withdraw { .. } => QueryState::Withdrawn,
        }
    }
}

/// Where a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueryState {
    /// Written, not sent.
    Draft,
    /// It waits for the provider.
    Sent,
    /// The answer waits for the coder.
    Answered,
    /// The answer was used.
    Closed,
    /// It is not asked any more.
    Withdrawn,
}

impl QueryState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Sent, Self::Answered, Self::Closed, Self::Withdrawn];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state after an act; none where the act is not allowed.
    #[must_use]
    pub const fn after(self, act: &QueryAct) -> Option<Self> {
        match (self, act) {
            (Self::Draft, QueryAct::Revise(_) | QueryAct::Send {} | QueryAct::Withdraw { .. })
            | (Self::Sent, QueryAct::Answer(_) | QueryAct::Withdraw { .. })
            | (Self::Answered, QueryAct::Close { .. }) => Some(act.leads_to()),
            (Self::Draft | Self::Sent | Self::Answered | Self::Closed | Self::Withdrawn, _) => None,
        }
    }
}

impl std::str::FromStr for QueryState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(())
    }
}

/// An act with who did it and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryEvent {
    /// Who, with login name.
    pub by: (Uuid, String),
    /// When.
    pub at: Timestamp,
    /// What.
    pub act: QueryAct,
}

/// A query of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Our id.
    pub id: Uuid,
    /// The review item.
    pub item_id: Uuid,
    /// Who drafted it, with login name.
    pub drafted_by: (Uuid, String),
    /// When.
    pub drafted_at: Timestamp,
    /// What is asked, as it was written last.
    pub content: QueryContent,
    /// What was done with it, oldest first.
    pub events: Vec<QueryEvent>,
}

impl Query {
    /// Where it stands: the fold of what was done with it.
    #[must_use]
    pub fn state(&self) -> QueryState {
        self.events.iter().fold(QueryState::Draft, |state, event| state.after(&event.act).unwrap_or(state))
    }

    /// With what was written last in the place of what was written first.
    #[must_use]
    pub fn as_revised(mut self) -> Self {
        let written = self.events.iter().rev().find_map(|event| match &event.act {
            QueryAct::Revise(content) => Some(content.as_ref().clone()),
            QueryAct::Send {} | QueryAct::Answer(_) | QueryAct::Close { .. } | QueryAct::Withdraw { .. } => None,
        });
        if let Some(content) = written {
            self.content = content;
        }
        self
    }

    /// When it was sent, and by whom.
    #[must_use]
    pub fn sent(&self) -> Option<&QueryEvent> {
        self.events.iter().find(|event| matches!(event.act, QueryAct::Send {}))
    }

    /// The answer, with who recorded it and when.
    #[must_use]
    pub fn answer(&self) -> Option<(&QueryAnswer, &QueryEvent)> {
        self.events.iter().find_map(|event| match &event.act {
            QueryAct::Answer(answer) => Some((answer, event)),
            QueryAct::Revise(_) | QueryAct::Send {} | QueryAct::Close { .. } | QueryAct::Withdraw { .. } => None,
        })
    }
}

#[cfg(test)]
mod tests;
