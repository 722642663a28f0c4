//! The drafted codes of an encounter, checked as one list.

use std::collections::BTreeSet;

use jiff::civil::Date;
use uuid::Uuid;

use super::{
    codes::{CodeProblem, code_problem},
    day::code_day,
};
use crate::{
    coding::edits::{About, Edit, EditKind, EditRules, Sex},
    domain::{Designation, DiagnosisRole, EntryKind, EntryState, ReviewEntry, system},
    store::ItemRecord,
    vocabulary::{Edition, Editions},
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

/// A code that would be reported.
struct Reported<'a> {
    code: &'a str,
    entry: Uuid,
    /// Whether a coder chose it.
    chosen: bool,
}

/// Findings about the codes that would be reported, by the edition of the item's day: of diagnoses that are reportable and not rejected.
///
/// Of a suggestion these are the first code and those beside it, of what a coder chose or added all codes. A code that only stands beside
/// another, or that we suggest for two entries, is reported once; what a coder chose is never left out, so that a code chosen twice is told.
#[must_use]
pub fn item_edits((rules, editions): (&EditRules, &Editions), record: &ItemRecord, entries: &[ReviewEntry]) -> Vec<ItemEdit> {
    let diagnoses = || entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis && entry.reportable && counts(entry));
    let (chosen, suggested): (Vec<_>, Vec<_>) = diagnoses().flat_map(reported).partition(|one| one.chosen);
    let mut list: Vec<&str> = chosen.iter().map(|one| one.code).collect();
    let mut of_us: Vec<&str> = Vec::new();
    for one in &suggested {
        // a condition that is present and possible has two entries, and one code
        if !of_us.contains(&one.code) {
            of_us.push(one.code);
        }
    }
    list.extend(of_us);
    let beside: Vec<Reported<'_>> = diagnoses().flat_map(beside).collect();
    for one in &beside {
        if !list.contains(&one.code) {
            list.push(one.code);
        }
    }
    let day = code_day(record);
    let (edition, _) = editions.on(day);
    let found = rules.check(&edition.name, &list, &about(record, day));
    let with_entries = |mut edit: Edit| {
        if edit.kind == EditKind::NotBillable
            && let Some(problem) = edit.codes.first().and_then(|code| other_edition((editions, edition), code))
        {
            edit.message = problem;
        }
        let mut entries: Vec<Uuid> = Vec::new();
        for one in chosen.iter().chain(&suggested).chain(&beside).filter(|one| edit.codes.iter().any(|code| code == one.code)) {
            if !entries.contains(&one.entry) {
                entries.push(one.entry);
            }
        }
        ItemEdit { edit, entries }
    };
    found.into_iter().map(with_entries).collect()
}

/// The codes of an entry itself.
fn reported(entry: &ReviewEntry) -> impl Iterator<Item = Reported<'_>> {
    let chosen = entry.has_chosen_codes();
    let codes = entry.codes.iter().filter(|code| code.system == system::ICD10CM);
    // of a suggestion the others are alternatives
    codes.take(if chosen { usize::MAX } else { 1 }).map(move |code| Reported { code: &code.code, entry: entry.id, chosen })
}

/// The codes that stand beside its first one.
fn beside(entry: &ReviewEntry) -> impl Iterator<Item = Reported<'_>> {
    let first = entry.codes.iter().find(|code| code.system == system::ICD10CM);
    first.into_iter().flat_map(|code| &code.with).map(|code| Reported { code, entry: entry.id, chosen: false })
}

/// A code that stands on the encounter's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedCode<'a> {
    /// The code.
    pub code: &'a str,
    /// The entry that it comes from.
    pub entry: Uuid,
    /// What its diagnosis is to the encounter.
    pub designation: Designation,
}

/// The ICD-10-CM codes that coders let stand and that may be reported, each once: the principal one first, then by the sequence that coders
/// gave, then in the order of their entries. A diagnosis that is
/// named admitting alone is told on the claim elsewhere.
#[must_use]
pub fn assigned_codes(entries: &[ReviewEntry]) -> Vec<AssignedCode<'_>> {
    let standing = entries.iter().filter(|entry| {
        let listed = entry.designation.role != Some(DiagnosisRole::Admitting);
        entry.kind == EntryKind::Diagnosis
            && entry.reportable
            && counts(entry)
            && entry.state != EntryState::Suggested
            && listed
    });
    let mut ordered: Vec<&ReviewEntry> = standing.collect();
    // stable: what nobody gave a place keeps that of its entry
    ordered.sort_by_key(|entry| entry.designation.order());
    let mut codes: Vec<AssignedCode<'_>> = Vec::new();
    for entry in ordered {
        for (at, one) in reported(entry).chain(beside(entry)).enumerate() {
            // one code is the principal one: the entry's first
            let role = entry.designation.role.filter(|_| at == 0);
            if !codes.iter().any(|known| known.code == one.code) {
                codes.push(AssignedCode {
                    code: one.code,
                    entry: entry.id,
                    designation: Designation { role, ..entry.designation },
                });
            }
        }
    }
    codes
}

/// What to do about a code that another edition has.
fn other_edition(editions: (&Editions, &Edition), code: &str) -> Option<String> {
    code_problem(editions, code)
        .filter(|problem| matches!(problem, CodeProblem::OtherEdition { .. }))
        .map(|problem| format!("A drafted code {problem}."))
}

fn counts(entry: &ReviewEntry) -> bool {
    matches!(entry.state, EntryState::Suggested | EntryState::Accepted | EntryState::Amended | EntryState::Added)
}

/// What is recorded of hard edits that stand: how many, of which kinds, and the reason; never a code, which would tell of the patient.
#[must_use]
pub fn override_detail(hard: &[&ItemEdit], reason: &str) -> String {
    let kinds: BTreeSet<&str> = hard.iter().map(|found| found.edit.kind.as_str()).collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
    let edits = if hard.len() == 1 { "edit" } else { "edits" };
    format!("{} hard {edits} ({kinds}): {reason}", hard.len())
}

/// The reason that an [`override_detail`] ends with.
#[must_use]
pub fn override_reason(detail: &str) -> &str {
    detail.rsplit_once(": ").map_or(detail, |(_, reason)| reason)
}

fn about(record: &ItemRecord, day: Option<Date>) -> About {
    let patient = record.item.patient.as_ref();
    let sex = patient.and_then(|patient| match patient.sex.as_deref() {
        Some("female") => Some(Sex::Female),
        Some("male") => Some(Sex::Male),
        _ => None,
    });
    let served = record.current_notes().filter_map(|(note, _)| note.content.service_date).max();
    let born = patient.and_then(|patient| patient.birth_date);
    let (age_years, age_days) = born.zip(served.or(day)).and_then(|(born, day)| age(born, day)).unzip();
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
