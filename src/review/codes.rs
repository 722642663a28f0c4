//! Whether a code may stand on an encounter, by the edition of its day, and what to do where it may not.

use thiserror::Error;

use crate::vocabulary::{Edition, Editions, Moved};

/// Why a code may not stand. Only codes that some edition has are quoted: anything else may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodeProblem {
    /// No edition has it.
    #[error("is not a billable ICD-10-CM code of {edition}, the edition of this encounter's day; look it up in the code book")]
    Unknown {
        /// Name of the edition.
        edition: String,
    },
    /// The edition has codes below it only.
    #[error("is the heading {code} and not billable; choose a code below it{}", such_as(.below.as_deref()))]
    Heading {
        /// The code.
        code: String,
        /// A billable code below it.
        below: Option<String>,
    },
    /// Another edition has it.
    #[error("is {code}, which is not a code of {edition}, the edition of this encounter's day; {}", instead(.successor.as_deref()))]
    OtherEdition {
        /// The code.
        code: String,
        /// Name of the edition.
        edition: String,
        /// The code that stands for it there.
        successor: Option<String>,
    },
}

fn such_as(below: Option<&str>) -> String {
    below.map_or_else(String::new, |below| format!(", such as {below}"))
}

fn instead(successor: Option<&str>) -> String {
    successor.map_or_else(
        || "nothing is known to stand for it there: look the condition up in the code book".to_owned(),
        |successor| format!("{successor} stands for it there"),
    )
}

/// Why a code may not stand on a claim of this edition; none when it may.
#[must_use]
pub fn code_problem((editions, edition): (&Editions, &Edition), code: &str) -> Option<CodeProblem> {
    if edition.codes.is_billable(code) {
        return None;
    }
    let successor = match editions.moved(code, edition) {
        Moved::To(other) => Some(other),
        Moved::Same | Moved::Gone => None,
    };
    if successor.is_some() || editions.is_billable(code) {
        return Some(CodeProblem::OtherEdition { code: code.to_owned(), edition: edition.name.clone(), successor });
    }
    if edition.codes.lookup(code).is_some() {
        let below = edition.codes.default_leaf(code).map(str::to_owned);
        return Some(CodeProblem::Heading { code: code.to_owned(), below });
    }
    Some(CodeProblem::Unknown { edition: edition.name.clone() })
}
