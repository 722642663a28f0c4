//! The drafted codes of an encounter, checked as one list.

use jiff::civil::Date;
use uuid::Uuid;

use crate::{
    coding::edits::{About, Edit, EditKind, EditRules, Sex},
    domain::{EntryKind, EntryState, ReviewEntry, system},
    store::ItemRecord,
    vocabulary::Editions,
};

/// Why an item may be finished although a hard edit stands.
pub const OVERRIDE_REASONS: [&str; 4] =
    ["documentation_supports_it", "provider_was_asked", "conditions_are_unrelated", "payer_asks_for_it"];

/// A finding about the drafted codes, with the entries that the codes come from.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemEdit {
    /// What was found.
    pub edit: Edit,
    /// The entries.
    pub entries: Vec<Uuid>,
}

/// Findings about the codes that would be reported: of diagnoses that are reportable and not rejected, the first code and those beside it.
#[must_use]
pub fn item_edits((rules, editions): (&EditRules, &Editions), record: &ItemRecord, entries: &[ReviewEntry]) -> Vec<ItemEdit> {
    let mut codes: Vec<(&str, Uuid)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis && entry.reportable && counts(entry)) {
        let Some(first) = entry.codes.iter().find(|code| code.system == system::ICD10CM) else { continue };
        for code in std::iter::once(&first.code).chain(&first.with) {
            // two entries may ask for the same code beside them
            if !codes.iter().any(|(known, _)| known == code) {
                codes.push((code, entry.id));
            }
        }
    }
    let list: Vec<&str> = codes.iter().map(|(code, _)| *code).collect();
    // the rules are those of the newest edition; what an older one has is billable all the same
    let of_another =
        |edit: &Edit| edit.kind == EditKind::NotBillable && edit.codes.iter().all(|code| editions.is_billable(code));
    rules
        .check(&list, &about(record))
        .into_iter()
        .filter(|edit| !of_another(edit))
        .map(|edit| {
            let of = |code: &String| codes.iter().find(|(known, _)| known == code).map(|(_, entry)| *entry);
            let mut entries: Vec<Uuid> = edit.codes.iter().filter_map(of).collect();
            entries.dedup();
            ItemEdit { edit, entries }
        })
        .collect()
}

fn counts(entry: &ReviewEntry) -> bool {
    matches!(entry.state, EntryState::Suggested | EntryState::Accepted | EntryState::Amended | EntryState::Added)
}

fn about(record: &ItemRecord) -> About {
    let patient = record.item.patient.as_ref();
    let sex = patient.and_then(|patient| match patient.sex.as_deref() {
        Some("female") => Some(Sex::Female),
        Some("male") => Some(Sex::Male),
        _ => None,
    });
    let day = record.notes.iter().filter_map(|(note, _)| note.content.service_date).max();
    let born = patient.and_then(|patient| patient.birth_date);
    let (age_years, age_days) = born.zip(day).and_then(|(born, day)| age(born, day)).unzip();
    About { sex, age_years, age_days }
}

/// Whole years and days from one day to another; none when it is earlier.
fn age(born: Date, day: Date) -> Option<(u16, u32)> {
    let days = u32::try_from(born.until(day).ok()?.get_days()).ok()?;
    let birthday_came = (day.month(), day.day()) >= (born.month(), born.day());
    let years = day.year() - born.year() - i16::from(!birthday_came);
    Some((u16::try_from(years).ok()?, days))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn ages_are_whole_years_and_days() {
        assert_eq!(age(date(2000, 2, 29), date(2026, 2, 28)).map(|age| age.0), Some(25));
        assert_eq!(age(date(2000, 2, 28), date(2026, 2, 28)).map(|age| age.0), Some(26));
        assert_eq!(age(date(2026, 5, 1), date(2026, 5, 15)), Some((0, 14)));
        assert_eq!(age(date(2026, 5, 2), date(2026, 5, 1)), None);
    }
}
