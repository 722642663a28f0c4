//! Whether a code may stand on an encounter, by the edition of its day, and what to do where it may not.

use thiserror::Error;

use crate::vocabulary::{Edition, Editions};

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
    #[error("is {code}, which is not a code of {edition}, the edition of this encounter's day; {}", instead(.successors))]
    OtherEdition {
        /// The code.
        code: String,
        /// Name of the edition.
        edition: String,
        /// The codes that stand for it there, the least special first.
        successors: Vec<String>,
    },
}

fn such_as(below: Option<&str>) -> String {
    below.map_or_else(String::new, |below| format!(", such as {below}"))
}

fn instead(successors: &[String]) -> String {
    match successors {
        [] => "nothing is known to stand for it there: look the condition up in the code book".to_owned(),
        [one] => format!("{one} stands for it there"),
        several => format!("{} stand for it there: choose the one that the note supports", several.join(", ")),
    }
}

/// Why a code may not stand on a claim of this edition; none when it may.
#[must_use]
pub fn code_problem((editions, edition): (&Editions, &Edition), code: &str) -> Option<CodeProblem> {
    if edition.codes.is_billable(code) {
        return None;
    }
    let successors: Vec<String> = editions.successors(code, edition).iter().map(|code| code.code.clone()).collect();
    let is_heading = edition.codes.lookup(code).is_some();
    Some(if successors.is_empty() && is_heading {
        let below = edition.codes.default_leaf(code).map(str::to_owned);
        CodeProblem::Heading { code: code.to_owned(), below }
    } else if !successors.is_empty() || editions.is_billable(code) {
        CodeProblem::OtherEdition { code: code.to_owned(), edition: edition.name.clone(), successors }
    } else {
        CodeProblem::Unknown { edition: edition.name.clone() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::two_editions;

    #[test]
    fn what_to_do_about_a_code_of_another_edition() {
        let editions = two_editions();
        let (newest, older) = (editions.newest(), editions.all().last().expect("an older edition"));
        let said = |code: &str, edition| code_problem((&editions, edition), code).map(|problem| problem.to_string());
        assert_eq!((said("K38.0", newest), said("K37.2", older)), (None, None));
        for (code, edition, wanted) in [
            ("K37.2", newest, "K38.0, K38.1 stand for it there"),
            ("K40.0", newest, "K40.00, K40.01 stand for it there"),
            ("K38.1", older, "; K37.2 stands for it there"),
            ("K39.9", newest, "nothing is known to stand for it there"),
            ("K40", newest, "is the heading K40 and not billable; choose a code below it, such as K40.00"),
            ("Q00.0", newest, "is not a billable ICD-10-CM code of FY2027"),
        ] {
            let said = said(code, edition).expect("a problem");
            assert!(said.contains(wanted), "{code}: {said}");
        }
    }
}
