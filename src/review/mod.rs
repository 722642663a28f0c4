//! The review of an encounter: the entries of all its notes rolled up per concept, with the decisions folded in.

mod annotations;
mod codes;
mod day;
mod edits;
mod outcome;
#[cfg(test)]
mod outcome_tests;
mod queries;
mod rollup;
mod summary;
#[cfg(test)]
pub(crate) mod tests;
mod together;

pub use annotations::{Annotation, Judged, added_at, annotations};
pub use codes::{CodeProblem, code_problem};
pub use day::code_day;
pub use edits::{AssignedCode, ItemEdit, OVERRIDE_REASONS, assigned_codes, item_edits, override_detail, override_reason};
pub use outcome::item_outcome;
pub use queries::{condition_words, query_problems, quoted_evidence};
pub use rollup::{evidence_key, rollup};
pub use summary::{
    candidate_suggestions, engine_probability, is_paid, is_unsure, outcomes, reliability, suggestions_of, summarize,
};
pub use together::{Sure, acceptable_together, last_decided};

use jiff::civil::Date;

use crate::{
    domain::{DecisionKind, Designation, EntryKind, EntryState, ReviewEntry, system},
    vocabulary::Editions,
};

/// Why a decision is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// No such entry in this item.
    #[error("there is no entry {0} in this item")]
    UnknownEntry(uuid::Uuid),
    /// A code that may not stand on this item.
    #[error("codes[{at}] {problem}")]
    Code {
        /// Its place among the codes of the decision.
        at: usize,
        /// Why not.
        problem: CodeProblem,
    },
    /// A word that is not known, or fields that do not fit together.
    #[error("{0}")]
    Invalid(String),
}

/// The last place among the secondary diagnoses.
const LAST_PLACE: u16 = 999;

const fn is_out(entry: &ReviewEntry) -> bool {
    matches!(entry.state, EntryState::Rejected | EntryState::Withdrawn)
}

const fn takes_attributes(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Medication | EntryKind::Allergy)
}

/// Checks a decision against the entries of its item and the codes of the edition of the item's day.
///
/// # Errors
/// Why it is not taken.
pub fn check(
    (editions, day): (&Editions, Option<Date>),
    entries: &[ReviewEntry],
    entry_id: Option<uuid::Uuid>,
    kind: &DecisionKind,
) -> Result<(), DecisionError> {
    let invalid = |message: &str| Err(DecisionError::Invalid(message.to_owned()));
    match (kind, entry_id) {
        (DecisionKind::Add { .. }, None) => {}
        (DecisionKind::Add { .. }, Some(_)) => return invalid("an added entry gets its id from us; leave entry_id out"),
        (_, None) => return invalid("entry_id is missing"),
        (_, Some(id)) if !entries.iter().any(|entry| entry.id == id) => return Err(DecisionError::UnknownEntry(id)),
        (_, Some(_)) => {}
    }
    let decided = entries.iter().find(|entry| Some(entry.id) == entry_id);
    let codes = match kind {
        DecisionKind::Amend { codes, assertion, status, attributes, .. } => {
            if codes.is_empty() && assertion.is_none() && status.is_none() && attributes.is_none() {
                return invalid("an amendment must change codes, assertion, status or attributes");
            }
            if attributes.is_some() && !decided.is_some_and(|entry| takes_attributes(entry.kind)) {
                return invalid("only medications and allergies have attributes");
            }
            codes
        }
        DecisionKind::Designate { sequence, .. } => {
            if kind.designation().is_none_or(Designation::is_empty) {
                return invalid("a designation must say role, present_on_admission or sequence");
            }
            if sequence.is_some_and(|place| !(1..=LAST_PLACE).contains(&place)) {
                return invalid("sequence must be 1 to 999");
            }
            if !decided.is_some_and(|entry| entry.kind == EntryKind::Diagnosis && entry.reportable && !is_out(entry)) {
                return invalid("only a diagnosis whose code may be reported is designated");
            }
            return Ok(());
        }
        DecisionKind::Add { display, codes, start, end, note_id, .. } => {
            if display.trim().is_empty() {
                return invalid("display must not be empty");
            }
            if start.is_some() != end.is_some() || (start.is_some() && note_id.is_none()) {
                return invalid("note_id, start and end stand together");
            }
            codes
        }
        DecisionKind::Accept { .. } | DecisionKind::Reject { .. } | DecisionKind::Withdraw {} => return Ok(()),
    };
    let (edition, _) = editions.on(day);
    for (at, code) in codes.iter().enumerate() {
        if code.code.trim().is_empty() || code.system.trim().is_empty() {
            return invalid("a code needs system and code");
        }
        if code.system == system::ICD10CM
            && let Some(problem) = code_problem((editions, edition), &code.code)
        {
            return Err(DecisionError::Code { at, problem });
        }
    }
    Ok(())
}
