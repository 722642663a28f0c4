//! Second-level review: a finished encounter is coded or checked again by somebody else, and the two are compared.
//!
//! What is compared are the codes of the encounter, not where coders marked words: two coders who mark "acute appendicitis" and "appendicitis"
//! and give the same code agree.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Rules that a site may have.
pub const MOST_RULES: usize = 20;

/// Which finished encounters are looked at again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingRule {
    /// Out of a hundred of those that it concerns.
    #[schema(minimum = 1, maximum = 100)]
    pub percent: u8,
    /// At most so many encounters of one coder and day, by whatever rules; any number when none. 100 percent with it draws the first ones of a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub most: Option<u32>,
    /// Of this coder, by login name; of all when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coder: Option<String>,
    /// With a code that begins so; with any when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Only with a code that payment hangs on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub payment: bool,
    /// Whether the reviewer codes it without seeing what the coder chose.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub blinded: bool,
}

impl SamplingRule {
    /// What is wrong with it; none when it can be used.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        if self.most == Some(0) {
            return Some("most must be at least 1");
        }
        (!(1..=100).contains(&self.percent)).then_some("percent must be 1 to 100")
    }
}

/// A finished encounter, as the rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The item.
    pub item: Uuid,
    /// Its revision.
    pub revision: u64,
    /// Login name of who finished it.
    pub coder: &'a str,
    /// Its codes.
    pub codes: &'a [&'a str],
    /// Whether payment hangs on one of them.
    pub payment: bool,
    /// How many encounters of the coder were drawn on this day before.
    pub drawn_today: u32,
}

/// The first rule that draws the encounter. The draw follows from item and revision, so that anybody can check that nobody chose.
#[must_use]
pub fn drawn<'a>(rules: &'a [SamplingRule], finished: &Finished<'_>) -> Option<&'a SamplingRule> {
    rules
        .iter()
        .enumerate()
        .find(|(at, rule)| concerns(rule, finished) && draw(*at, finished) < u64::from(rule.percent))
        .map(|(_, rule)| rule)
}

fn concerns(rule: &SamplingRule, finished: &Finished<'_>) -> bool {
    rule.coder.as_deref().is_none_or(|coder| coder == finished.coder)
        && rule.code.as_deref().is_none_or(|prefix| finished.codes.iter().any(|code| code.starts_with(prefix)))
        && (!rule.payment || finished.payment)
        && rule.most.is_none_or(|most| finished.drawn_today < most)
}

/// A number below a hundred that looks random and is the same for the same rule, item and revision.
fn draw(rule: usize, finished: &Finished<'_>) -> u64 {
    let mut hash = Sha256::new();
    hash.update((rule as u64).to_be_bytes());
    hash.update(finished.item.as_bytes());
    hash.update(finished.revision.to_be_bytes());
    let digest = hash.finalize();
    digest.iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) % 100
}

/// What the reviewer says of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The code is right.
    Agreed,
    /// It is wrong, or should be another one.
    Wrong,
    /// The coder does not have it.
    Missed,
}

/// What kind of error a line of the worksheet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodingError {
    /// The record does not say it, or not of the patient.
    NotDocumented,
    /// The record allows a more specific code.
    Unspecific,
    /// The record says something else than the code.
    WrongCode,
    /// It is not to be reported by the guidelines.
    NotReportable,
    /// Its place or role is another one.
    Sequence,
    /// Its present-on-admission indicator is another one.
    PresentOnAdmission,
}

impl CodingError {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::NotDocumented, Self::Unspecific, Self::WrongCode, Self::NotReportable, Self::Sequence, Self::PresentOnAdmission];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotDocumented => "not_documented",
            Self::Unspecific => "unspecific",
            Self::WrongCode => "wrong_code",
            Self::NotReportable => "not_reportable",
            Self::Sequence => "sequence",
            Self::PresentOnAdmission => "present_on_admission",
        }
    }
}

impl std::str::FromStr for CodingError {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|error| error.as_str() == word).ok_or(())
    }
}

/// One line of the auditor's worksheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorksheetLine {
    /// The coder's code, or the one that the coder missed.
    pub code: String,
    /// What the reviewer says of it.
    pub verdict: Verdict,
    /// The code that should stand instead of a wrong one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What kind of error it is, where the reviewer said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CodingError>,
    /// Free words; sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The auditor's worksheet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Worksheet {
    /// One line a code.
    pub lines: Vec<WorksheetLine>,
    /// Whether another principal diagnosis should be named.
    #[serde(default)]
    pub principal_changed: bool,
    /// Free words on the whole; sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Worksheet {
    /// The worksheet of two lists of codes that were made apart: what both have is agreed, what only one has is wrong or missed.
    #[must_use]
    pub fn compared(coder: &[&str], reviewer: &[&str]) -> Self {
        let line =
            |code: &str, verdict| WorksheetLine { code: code.to_owned(), verdict, instead: None, error: None, comment: None };
        let mut missed: Vec<&str> = reviewer.iter().copied().filter(|code| !coder.contains(code)).collect();
        let mut lines = Vec::new();
        for code in coder {
            if reviewer.contains(code) {
                lines.push(line(code, Verdict::Agreed));
                continue;
            }
            // a code of the same category in its place is one error, not two; so is another principal diagnosis in the place of the principal one
            let category = code.get(..3).unwrap_or(code);
            let principal = reviewer.first().filter(|_| coder.first() == Some(code));
            let stands_for = |other: &&str| other.starts_with(category) || Some(other) == principal;
            let instead = missed.iter().position(stands_for).map(|at| missed.remove(at).to_owned());
            lines.push(WorksheetLine { instead, ..line(code, Verdict::Wrong) });
        }
        lines.extend(missed.into_iter().map(|code| line(code, Verdict::Missed)));
        let principal_changed = matches!((coder.first(), reviewer.first()), (Some(one), Some(other)) if one != other);
        Self { lines, principal_changed, comment: None }
    }

    /// How far the two agree.
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        let counted =
            |verdict| u32::try_from(self.lines.iter().filter(|line| line.verdict == verdict).count()).unwrap_or(u32::MAX);
        let (agreed, wrong, missed) = (counted(Verdict::Agreed), counted(Verdict::Wrong), counted(Verdict::Missed));
        // a changed principal diagnosis counts as two errors, as auditors count it: the line itself and what hangs on it
        let errors = wrong + missed + if self.principal_changed { 1 + u32::from(wrong + missed == 0) } else { 0 };
        Agreement { agreed, errors, codes: agreed + wrong + missed }
    }
}

/// How far coder and reviewer agree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Agreement {
    /// Codes that both have.
    pub agreed: u32,
    /// Errors; a changed principal diagnosis counts as two.
    pub errors: u32,
    /// Codes that either has.
    pub codes: u32,
}

impl Agreement {
    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self { agreed: self.agreed + other.agreed, codes: self.codes + other.codes, errors: self.errors + other.errors }
    }

    /// Agreed codes out of all, in percent; 100 when there is none.
    #[must_use]
    pub const fn percent(self) -> u32 {
        match self.agreed.saturating_mul(100).checked_div(self.codes) {
            Some(percent) => percent,
            None => 100,
        }
    }
}

/// A second-level review as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondReview {
    /// Our id.
    pub id: Uuid,
    /// The item.
    pub item_id: Uuid,
    /// Its revision when it was drawn.
    pub revision: u64,
    /// Who finished it, with name.
    pub coder: (Uuid, String),
    /// Whether the reviewer codes it without seeing what the coder chose.
    pub blinded: bool,
    /// When it was drawn.
    pub drawn_at: Timestamp,
    /// Who reviewed it, and when; none while it waits.
    pub reviewed: Option<(String, Timestamp)>,
    /// The result; none while it waits.
    pub worksheet: Option<Worksheet>,
}

impl std::fmt::Debug for SecondReview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondReview").field("id", &self.id).field("item_id", &self.item_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished<'a>(item: u128, codes: &'a [&'a str]) -> Finished<'a> {
        Finished { item: Uuid::from_u128(item), revision: 3, coder: "kim", codes, payment: false, drawn_today: 0 }
    }

    #[test]
    fn rules_concern_what_they_name() {
        let whole = |rule: SamplingRule| SamplingRule { percent: 100, ..rule };
        let one = finished(1, &["E11.9", "I10"]);
        let some = |word: &str| Some(word.to_owned());
        for (rule, expected) in [
            (SamplingRule::default(), true),
            (SamplingRule { coder: some("kim"), ..SamplingRule::default() }, true),
            (SamplingRule { coder: some("lee"), ..SamplingRule::default() }, false),
            (SamplingRule { code: some("E11"), ..SamplingRule::default() }, true),
            (SamplingRule { code: some("E10"), ..SamplingRule::default() }, false),
            (SamplingRule { payment: true, ..SamplingRule::default() }, false),
        ] {
            assert_eq!(drawn(&[whole(rule.clone())], &one).is_some(), expected, "{rule:?}");
        }
        let paid = Finished { payment: true, ..one };
        assert!(drawn(&[whole(SamplingRule { payment: true, ..SamplingRule::default() })], &paid).is_some());
        assert!(drawn(&[], &one).is_none());
        let few = [whole(SamplingRule { most: Some(5), ..SamplingRule::default() })];
        let on_day = |drawn_today| drawn(&few, &Finished { drawn_today, ..one }).is_some();
        assert_eq!([0, 4, 5, 6].map(on_day), [true, true, false, false]);
        assert!(SamplingRule { most: Some(0), ..few[0].clone() }.problem().is_some());
    }

    #[test]
    fn the_share_that_is_drawn_is_the_share_asked_for() {
        let rules = [SamplingRule { percent: 20, ..SamplingRule::default() }];
        let count = (0..5000).filter(|item| drawn(&rules, &finished(*item, &[])).is_some()).count();
        assert!((850..=1150).contains(&count), "{count} of 5000");
        let again = |item| drawn(&rules, &finished(item, &[])).is_some();
        assert!((0..50).all(|item| again(item) == again(item)), "nobody chooses");
    }

    #[test]
    fn lists_made_apart_are_compared() {
        let sheet = Worksheet::compared(&["J18.9", "E11.9", "I10", "Z87.891"], &["J18.9", "E11.65", "I10", "N18.30"]);
        let drawn: Vec<(&str, Verdict, Option<&str>)> =
            sheet.lines.iter().map(|line| (line.code.as_str(), line.verdict, line.instead.as_deref())).collect();
        assert_eq!(
            drawn,
            [
                ("J18.9", Verdict::Agreed, None),
                ("E11.9", Verdict::Wrong, Some("E11.65")),
                ("I10", Verdict::Agreed, None),
                ("Z87.891", Verdict::Wrong, None),
                ("N18.30", Verdict::Missed, None)
            ]
        );
        assert_eq!(sheet.agreement(), Agreement { agreed: 2, errors: 3, codes: 5 });
        assert_eq!(sheet.agreement().percent(), 40);
    }

    #[test]
    fn another_principal_diagnosis_counts_twice() {
        let sheet = Worksheet::compared(&["J18.9", "I50.9"], &["I50.9", "J18.9"]);
        assert!(sheet.principal_changed);
        assert_eq!(sheet.agreement(), Agreement { agreed: 2, errors: 2, codes: 2 });
        let wrong = Worksheet::compared(&["J18.9"], &["J15.1"]);
        assert_eq!(wrong.agreement().errors, 2, "the line, and that it is the principal one");
        assert_eq!(Worksheet::default().agreement().percent(), 100);
    }
}
