//! What happens to a drug at this encounter: started, increased, decreased, held, resumed, stopped, continued.
//!
//! Of the rows of `vocabularies/medication_cues.tsv` whose meaning is a change, the one whose words stand nearest to the drug in
//! its clause tells it, when it agrees with the status: nothing that is denied or only considered changes.

use regex::Regex;

use super::status::clause_around;
use crate::domain::{Attribute, MedicationStatus, Span};
use crate::text::Document;

/// The changes, as the table and the JSON name them, with the statuses that allow them.
const CHANGES: [(&str, &[MedicationStatus]); 7] = [
    ("started", &[MedicationStatus::Active, MedicationStatus::Given]),
    ("increased", &[MedicationStatus::Active]),
    ("decreased", &[MedicationStatus::Active]),
    ("resumed", &[MedicationStatus::Active]),
    ("continued", &[MedicationStatus::Active, MedicationStatus::Given]),
    ("held", &[MedicationStatus::Discontinued]),
    ("stopped", &[MedicationStatus::Discontinued]),
];

/// A row of the table whose meaning is a change.
#[derive(Debug)]
pub(super) struct ChangeRow {
    pub(super) pattern: Regex,
    pub(super) means: &'static str,
    pub(super) before: bool,
    pub(super) reach: usize,
}

/// The table's word for a change, when it is one.
pub(super) fn named(means: &str) -> Option<&'static str> {
    CHANGES.iter().map(|(name, _)| *name).find(|name| *name == means)
}

/// The change of the drug at `span`, as written and by its name; none when nothing near says one.
pub(super) fn change(document: &Document, rows: &[ChangeRow], span: Span, status: MedicationStatus) -> Option<Attribute> {
    let text = &document.text;
    let clause = clause_around(document, span);
    let allowed = |means: &str| CHANGES.iter().any(|(name, statuses)| *name == means && statuses.contains(&status));
    let mut nearest: Option<(usize, Span, &str)> = None;
    for row in rows {
        let (from, to) = if row.before { (clause.start, span.start) } else { (span.end, clause.end) };
        let mut all = row.pattern.find_iter(&text[from..to]);
        let Some(found) = (if row.before { all.last() } else { all.next() }) else { continue };
        let cue = Span::new(from + found.start(), from + found.end());
        let between = if row.before { &text[cue.end..span.start] } else { &text[span.end..cue.start] };
        let words = between.split_whitespace().count();
        if words <= row.reach && nearest.is_none_or(|(least, ..)| words < least) {
            nearest = Some((words, cue, row.means));
        }
    }
    let (_, cue, means) = nearest.filter(|(.., means)| allowed(means))?;
    Some(Attribute { text: cue.of(text).to_owned(), start: cue.start, end: cue.end, value: Some(means.into()) })
}

#[cfg(test)]
mod tests {
    use super::super::{MedicationCueTable, gold_tests::document, status};
    use super::*;
    use crate::domain::Attributes;

    fn of(marked: &str) -> Option<String> {
        let (start, end) = (marked.find('[').expect("a mark"), marked.find(']').expect("a mark"));
        let text = marked.replace(['[', ']'], "");
        let cues = MedicationCueTable::parse(include_str!("../../vocabularies/medication_cues.tsv")).expect("our own table");
        let (document, span) = (document(&text), Span::new(start, end - 1));
        let (status, ..) = status(&document, &cues, span, &Attributes::default());
        cues.change(&document, span, status).map(|change| change.value.expect("named").as_str().expect("a word").to_owned())
    }

    #[test]
    fn tells_what_changes() {
        for (sentence, wanted) in [
            ("We will start [lisinopril] 10 mg daily.", Some("started")),
            ("She was started on [Zoloft] 50 mg.", Some("started")),
            ("[Metformin] was started in May.", Some("started")),
            ("Increase [Lasix] to 40 mg b.i.d.", Some("increased")),
            ("The [metoprolol] was increased to 50 mg.", Some("increased")),
            ("Increase Lasix and [lisinopril].", Some("increased")),
            ("We will decrease the dose of [prednisone] to 10 mg.", Some("decreased")),
            ("[Prednisone] is being tapered.", Some("decreased")),
            ("Hold [Coumadin] tonight.", Some("held")),
            ("[Plavix] was held before surgery.", Some("held")),
            ("Resume [Coumadin] tomorrow.", Some("resumed")),
            ("[Lovenox] was restarted.", Some("resumed")),
            ("Stop [aspirin] and start Plavix.", Some("stopped")),
            ("Stop aspirin and start [Plavix].", Some("started")),
            ("[Lipitor] was discontinued last week.", Some("stopped")),
            ("Continue [metoprolol] 25 mg b.i.d.", Some("continued")),
            ("Increase Lasix to 40 mg daily, continue [lisinopril].", Some("continued")),
            ("She takes [lisinopril] daily.", None),
            ("He has not started [Lyrica].", None),
            ("We may consider increasing [Lyrica].", None),
            ("Denies [aspirin] use.", None),
        ] {
            assert_eq!(of(sentence).as_deref(), wanted, "{sentence}");
        }
    }
}
