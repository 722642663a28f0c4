//! What second-level reviews found: how far reviewers and coders agree, and what kinds of errors there were.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Share;
use crate::domain::{Agreement, CodingError, Period, SecondReview, Verdict};

/// What reviews found of one coder, or of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ReviewCounts {
    /// Encounters that were reviewed.
    pub reviews: u64,
    /// Of those, coded by the reviewer without seeing what the coder chose.
    pub blinded: u64,
    /// Codes that both have, codes that either has, errors.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Codes that are wrong.
    pub wrong: u64,
    /// Codes that the coder does not have.
    pub missed: u64,
    /// Encounters whose principal diagnosis should be another one.
    pub principal_changed: u64,
}

impl ReviewCounts {
    /// Of the codes that either has, those that both have.
    #[must_use]
    pub fn share(&self) -> Share {
        Share::of(self.agreement.agreed.into(), self.agreement.codes.into())
    }

    fn add(&mut self, review: &SecondReview) {
        let Some(sheet) = &review.worksheet else { return };
        let with = |verdict| sheet.lines.iter().filter(|line| line.verdict == verdict).count() as u64;
        self.reviews += 1;
        self.blinded += u64::from(review.blinded);
        self.agreement = self.agreement.with(sheet.agreement());
        self.wrong += with(Verdict::Wrong);
        self.missed += with(Verdict::Missed);
        self.principal_changed += u64::from(sheet.principal_changed);
    }
}

/// Wrong codes of one kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorCount {
    /// The kind; none where the reviewer said none.
    pub error: Option<CodingError>,
    /// How many.
    pub times: u64,
}

/// The report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ReviewReport {
    /// By who finished the encounters, by login name.
    pub by_coder: BTreeMap<String, ReviewCounts>,
    /// All of them.
    pub all: ReviewCounts,
    /// Kinds of errors of wrong codes, the most frequent first.
    pub errors: Vec<ErrorCount>,
}

/// What the reviews of a period found, of one coder where one is asked for.
#[must_use]
pub fn review_report(reviews: &[SecondReview], period: &Period, coder: Option<&str>) -> ReviewReport {
    let mut report = ReviewReport::default();
    let mut errors: BTreeMap<Option<&str>, ErrorCount> = BTreeMap::new();
    for review in reviews {
        let is_in_time = review.reviewed.as_ref().is_some_and(|(_, at)| period.has(*at));
        let Some(sheet) = review.worksheet.as_ref().filter(|_| is_in_time) else { continue };
        if coder.is_some_and(|asked| asked != review.coder.1) {
            continue;
        }
        report.all.add(review);
        report.by_coder.entry(review.coder.1.clone()).or_default().add(review);
        for line in sheet.lines.iter().filter(|line| line.verdict == Verdict::Wrong) {
            let word = line.error.map(CodingError::as_str);
            errors.entry(word).or_insert(ErrorCount { error: line.error, times: 0 }).times += 1;
        }
    }
    report.errors = errors.into_values().collect();
    report.errors.sort_by_key(|count| std::cmp::Reverse(count.times));
    report
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Worksheet, WorksheetLine};

    fn line(verdict: Verdict, error: Option<CodingError>) -> WorksheetLine {
        WorksheetLine { code: "I10".to_owned(), verdict, instead: None, error, comment: None }
    }

    fn review(coder: &str, second: i64, worksheet: Option<Worksheet>) -> SecondReview {
        let at = Timestamp::from_second(second).expect("a time");
        SecondReview {
            id: Uuid::nil(),
            item_id: Uuid::nil(),
            revision: 1,
            coder: (Uuid::nil(), coder.to_owned()),
            blinded: coder == "lee",
            drawn_at: at,
            reviewed: worksheet.is_some().then(|| ("lead".to_owned(), at)),
            worksheet,
        }
    }

    #[test]
    fn reviews_are_counted_by_coder_and_error() {
        let unspecific = Some(CodingError::Unspecific);
        let lines = vec![
            line(Verdict::Agreed, None),
            line(Verdict::Wrong, unspecific),
            line(Verdict::Wrong, unspecific),
            line(Verdict::Wrong, None),
            line(Verdict::Missed, None),
        ];
        let changed = Worksheet { lines, principal_changed: true, comment: None };
        let right = Worksheet { lines: vec![line(Verdict::Agreed, None)], ..Worksheet::default() };
        let reviews = [
            review("kim", 5, Some(changed)),
            review("lee", 6, Some(right.clone())),
            review("lee", 50, Some(right)),
            review("kim", 7, None),
        ];
        let period = Period { from: Timestamp::UNIX_EPOCH, until: Timestamp::from_second(10).expect("a time") };
        let report = review_report(&reviews, &period, None);
        let kim = &report.by_coder["kim"];
        assert_eq!((kim.reviews, kim.blinded, kim.wrong, kim.missed, kim.principal_changed), (1, 0, 3, 1, 1));
        assert_eq!(kim.agreement, Agreement { agreed: 1, errors: 5, codes: 5 });
        assert_eq!((report.all.reviews, report.all.blinded, report.all.agreement.codes), (2, 1, 6));
        assert_eq!((report.all.share().part, report.all.share().whole), (2, 6));
        assert_eq!(
            report.errors,
            [ErrorCount { error: unspecific, times: 2 }, ErrorCount { error: None, times: 1 }],
            "missed codes are no wrong ones"
        );
        assert_eq!(review_report(&reviews, &period, Some("lee")).by_coder.len(), 1);
    }
}
