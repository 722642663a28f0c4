//! What the site's own reviews propose to teach the engine, and what leads decided on such proposals.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChosenCode, EntryKind, PackChange};

/// An entry that a proposal rests on, by our ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProposalExample {
    /// The review item.
    pub item_id: Uuid,
    /// The entry.
    pub entry_id: Uuid,
}

/// What a proposal rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProposalEvidence {
    /// Entries of the same words and kind that coders accepted as suggested.
    pub accepted: u64,
    /// Amended.
    pub amended: u64,
    /// Rejected.
    pub rejected: u64,
    /// Added, where nothing was suggested.
    pub added: u64,
    /// Of these the entries that speak for the proposal.
    pub support: u64,
    /// Encounters that speak for it.
    pub encounters: u64,
    /// Patients.
    pub patients: u64,
    /// Coders.
    pub coders: u64,
    /// The first and the last day on which coders decided so.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first: Option<Timestamp>,
    /// The last one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last: Option<Timestamp>,
    /// Some of the entries.
    pub examples: Vec<ProposalExample>,
}

/// What a change would have done to what coders decided already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProposalEffect {
    /// Decisions that would not have been needed: additions suggested, rejections and amendments avoided.
    pub would_have_saved: u64,
    /// What coders let stand that would have been hidden or changed, and, for a term, encounters whose notes have its words and whose coders did not
    /// give its code.
    pub would_have_broken: u64,
    /// Of a term: encounters whose notes were read for its words; none where it was worked out of decisions alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encounters_read: Option<u64>,
}

/// What a lead decided on a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalVerdict {
    /// It went into a version of the site pack.
    Approved,
    /// It is not wanted.
    Declined,
}

impl ProposalVerdict {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

impl std::str::FromStr for ProposalVerdict {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Approved, Self::Declined].into_iter().find(|one| one.as_str() == word).ok_or(())
    }
}

/// A proposal.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Made from the change, so that the same change is the same proposal.
    pub id: Uuid,
    /// What is proposed.
    pub change: PackChange,
    /// What it rests on.
    pub evidence: ProposalEvidence,
    /// What it would have done.
    pub effect: ProposalEffect,
}

impl Proposal {
    /// By what proposals are ordered: decisions saved less those broken, which weigh three times: a coder sees a wrong code less easily than a
    /// missing one.
    #[must_use]
    pub fn benefit(&self) -> i64 {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        count(self.effect.would_have_saved).saturating_sub(count(self.effect.would_have_broken).saturating_mul(3))
    }
}

/// A proposal that a lead decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct DecidedProposal {
    /// The proposal.
    pub id: Uuid,
    /// What was proposed.
    pub change: PackChange,
    /// What was decided.
    pub verdict: ProposalVerdict,
    /// Entries that spoke for it then.
    pub support: u64,
    /// The effect that was told.
    pub effect: ProposalEffect,
    /// The version of the site pack that it went into.
    pub pack_version: Option<u64>,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl PackChange {
    /// The stable word of the kind of change.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AddTerm(_) => "add_term",
            Self::Suppress(_) => "suppress",
            Self::Prefer(_) => "prefer",
            Self::SetThreshold(_) => "set_threshold",
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::AddTerm(term) => term.kind,
            Self::Suppress(term) => term.kind,
            Self::Prefer(preference) => preference.kind,
            Self::SetThreshold(threshold) => threshold.kind,
        }
    }

    /// The words that it is about; none for a threshold.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::AddTerm(term) => Some(&term.words),
            Self::Suppress(term) => Some(&term.words),
            Self::Prefer(preference) => Some(&preference.words),
            Self::SetThreshold(_) => None,
        }
    }

    /// The id of its proposal: the same for the same change, whatever its codes are called. It is worked out, and never kept: whoever has the
    /// database could try words against it.
    #[must_use]
    pub fn proposal_id(&self) -> Uuid {
        let code = |code: &ChosenCode| format!("{}|{}", code.system, code.code);
        let optional = |one: &Option<ChosenCode>| one.as_ref().map_or_else(String::new, code);
        let said = match self {
            Self::AddTerm(term) => code(&term.code),
            Self::Suppress(term) => format!("{}|{}", optional(&term.code), term.section.as_deref().unwrap_or_default()),
            Self::Prefer(preference) => format!("{}|{}", optional(&preference.instead_of), code(&preference.code)),
            Self::SetThreshold(threshold) => threshold.shown_from.to_string(),
        };
        let name = [self.as_str(), self.kind().as_str(), self.words().unwrap_or_default(), &said].join("\u{1f}");
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }
}
