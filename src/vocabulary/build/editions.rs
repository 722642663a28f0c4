//! Editions of ICD-10-CM side by side: the one that the program carries, and those of kept releases.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{
    BuildError, Kept, Kind, Result,
    codes::{self, CODES, NOTES},
    keep::day,
    rows::{self, Input, Made, Row, row},
};
use crate::{
    releases::{
        Table,
        icd10cm::{addenda, order, tabular},
    },
    vocabulary::CodeBook,
};

/// The editions that are loaded, the newest first, with the tables that hold them.
pub(super) const EDITIONS: Table =
    Table { name: "editions.tsv", columns: &["edition", "first_day", "last_day", "codes", "notes"] };

/// What a table holds something of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origins {
    /// Names of kept releases.
    pub kept: BTreeSet<String>,
    /// Whether rows of the program are in it.
    pub program: bool,
}

impl Origins {
    fn program() -> Self {
        Self { kept: BTreeSet::new(), program: true }
    }

    fn and(mut self, kept: &Kept) -> Self {
        self.kept.insert(kept.name());
        self
    }
}

/// One edition.
#[derive(Debug)]
pub(super) struct Edition {
    /// Its name.
    pub name: String,
    /// Name of the kept release that makes it; none for that of the program.
    pub kept: Option<String>,
    /// Its codes.
    pub book: CodeBook,
    /// Its notes.
    pub notes: Vec<Row>,
    codes: Vec<Row>,
    first_day: Date,
    last_day: Date,
    codes_of: Origins,
    notes_of: Origins,
}

/// The editions that are loaded.
#[derive(Debug)]
pub(super) struct Editions {
    /// The newest first; there is one.
    all: Vec<Edition>,
    /// The codes of the edition that the program carries.
    pub embedded: CodeBook,
}

/// A table of an edition.
pub(super) struct EditionTable {
    /// The table.
    pub made: Made,
    /// What it holds something of.
    pub origins: Origins,
}

impl Editions {
    /// The embedded edition and those of the kept code lists, one a first day: of a day the tabular list, else the order file, else the
    /// edition before it with the changes of addenda. Beside them sentences for the report.
    pub(super) fn new(input: &Input<'_>) -> Result<(Self, Vec<String>)> {
        let embedded = Edition::embedded(input)?;
        let book = codes_to_book(&embedded.codes)?;
        let (carried, of_program) = (embedded.first_day, embedded.name.clone());
        let (carried_codes, mut notes) = (embedded.codes.clone(), Vec::new());
        let mut all = BTreeMap::from([(carried, embedded)]);
        for (day, list) in lists(input, &mut notes)? {
            let before = all.range(..=day).next_back().or_else(|| all.iter().next());
            let before = before.map(|(_, edition)| edition).ok_or_else(no_edition)?;
            let edition = Edition::listed(input, list, before)?;
            if list.kind == Kind::Icd10cmOrder {
                notes.push(without_notes(&edition, before));
            }
            if day != carried && same_codes(&edition.codes, &carried_codes) {
                notes.push(format!(
                    "{} of {day} has the same codes as {of_program} of {carried}, and both are there; if it is that update, import it again with \
                     its first day (--from {carried})",
                    edition.name
                ));
            }
            if day == carried {
                notes.push(format!("{} of {} takes the place of {of_program} in the program", CODES.name, edition.name));
            }
            all.insert(day, edition);
        }
        let mut addenda: Vec<&Kept> = input.all_of(Kind::Icd10cmAddenda).collect();
        addenda.sort_by(|one, other| one.first_day.cmp(&other.first_day));
        for kept in addenda {
            let day = first_day(kept)?;
            if let Some(there) = all.get(&day) {
                notes.push(format!("The addenda {} were not applied: {} has them already", kept.name(), there.name));
            } else if let Some((_, before)) = all.range(..day).next_back() {
                let edition = Edition::changed(input, kept, before)?;
                notes.push(without_notes(&edition, before));
                all.insert(day, edition);
            } else {
                notes.push(format!("The addenda {} were not applied: no edition is there on which they follow", kept.name()));
            }
        }
        let mut all: Vec<Edition> = all.into_values().rev().collect();
        for at in 1..all.len() {
            notes.push(said_of(&all[at], &all[at - 1]));
            // an update within a year ends the edition before it
            let newer = all[at - 1].first_day;
            all[at].last_day = all[at].last_day.min(newer.yesterday().unwrap_or(newer));
        }
        if all.is_empty() { Err(no_edition()) } else { Ok((Self { all, embedded: book }, notes)) }
    }

    /// The one with the latest first day.
    pub(super) fn newest(&self) -> &Edition {
        &self.all[0]
    }

    /// All editions, the newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Edition> {
        self.all.iter()
    }

    /// The codes of every edition but the newest, and of that of the program, which notes of earlier days and the program's tables have.
    pub(super) fn older(&self) -> Vec<&CodeBook> {
        self.all.iter().skip(1).map(|edition| &edition.book).chain([&self.embedded]).collect()
    }

    /// Whether a code may stand on a claim in any edition.
    pub(super) fn is_billable(&self, code: &str) -> bool {
        self.all().any(|edition| edition.book.is_billable(code))
    }

    /// The billable code for what a release writes: a code, a heading, a stem ("C79.8-"), a code without its last character
    /// ("S72.001?").
    pub(super) fn leaf(&self, written: &str) -> Option<&str> {
        self.all().find_map(|edition| leaf(&edition.book, written))
    }

    /// The names of the releases whose editions are loaded.
    pub(super) fn kept(&self) -> BTreeSet<String> {
        self.all().flat_map(|edition| edition.codes_of.kept.iter().cloned()).collect()
    }

    /// Whether the code list is not simply that of the program.
    pub(super) fn changed(&self) -> bool {
        self.all.len() > 1 || self.newest().kept.is_some()
    }

    /// The tables of the editions, and the list of them.
    pub(super) fn tables(&self) -> (Vec<EditionTable>, Made) {
        let (mut tables, mut listed) = (Vec::new(), Vec::new());
        for (at, edition) in self.all().enumerate() {
            let name = |table: Table| match (at, table.name.strip_suffix(".tsv")) {
                (1.., Some(stem)) => format!("{stem}_{}.tsv", edition.first_day),
                _ => table.name.to_owned(),
            };
            let [first, last] = [edition.first_day, edition.last_day].map(|day| day.to_string());
            listed.push(row([&edition.name, &first, &last, &name(CODES), &name(NOTES)]));
            if self.changed() {
                let made = |table, rows: &[Row]| Made { name: name(table), table, rows: rows.to_vec() };
                tables.push(EditionTable { made: made(CODES, &edition.codes), origins: edition.codes_of.clone() });
                tables.push(EditionTable { made: made(NOTES, &edition.notes), origins: edition.notes_of.clone() });
            }
        }
        (tables, Made::new(EDITIONS, listed))
    }
}

/// Tabular lists and order files by their first day. Of one day the tabular list is used, which has notes.
fn lists<'a>(input: &'a Input<'_>, notes: &mut Vec<String>) -> Result<BTreeMap<Date, &'a Kept>> {
    let mut lists: BTreeMap<Date, &Kept> = BTreeMap::new();
    for kept in [Kind::Icd10cmTabular, Kind::Icd10cmOrder].into_iter().flat_map(|kind| input.all_of(kind)) {
        let there = *lists.entry(first_day(kept)?).or_insert(kept);
        if there.kind != kept.kind {
            notes.push(format!("The release {} was not used for the code list: {} is there", kept.name(), there.name()));
        }
    }
    Ok(lists)
}

fn first_day(kept: &Kept) -> Result<Date> {
    if kept.first_day.is_empty() { Err(BuildError::EditionUnknown { kind: kept.kind }) } else { day(&kept.first_day) }
}

fn no_edition() -> BuildError {
    BuildError::NotEmbedded { table: EDITIONS.name.to_owned() }
}

fn without_notes(edition: &Edition, before: &Edition) -> String {
    format!("{} comes without notes: those of {} were carried over where their code is there", edition.name, before.name)
}

/// See [`Editions::leaf`].
pub(super) fn leaf<'a>(book: &'a CodeBook, written: &str) -> Option<&'a str> {
    let stem = written.trim().trim_end_matches(['-', '?']).trim_end_matches('.');
    if stem.len() < 3 {
        return None;
    }
    match book.lookup(stem) {
        Some(code) if code.billable => Some(&code.code),
        _ => book.default_leaf(stem),
    }
}

fn codes_to_book(codes: &[Row]) -> Result<CodeBook> {
    Ok(CodeBook::parse((CODES.name, &rows::text_of(CODES.columns, codes)))?)
}

/// The same codes, billable alike. Titles do not count: the order file writes some otherwise than the tabular list.
fn same_codes(one: &[Row], other: &[Row]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one[..2] == other[..2])
}

fn said_of(older: &Edition, newest: &Edition) -> String {
    let codes::Compared { added, retired, renamed } = codes::compare(&older.book, &newest.book);
    format!(
        "{} against {}: {added} billable codes were added, {retired} retired, {renamed} renamed; both editions are there",
        newest.name, older.name
    )
}

impl Edition {
    fn embedded(input: &Input<'_>) -> Result<Self> {
        let carried = input.embedded(EDITIONS)?;
        let Some([name, first_day, last_day, ..]) = carried.first().map(Vec::as_slice) else { return Err(no_edition()) };
        let codes = input.embedded(CODES)?;
        Ok(Self {
            name: name.clone(),
            kept: None,
            book: codes_to_book(&codes)?,
            notes: input.embedded(NOTES)?,
            codes,
            first_day: day(first_day)?,
            last_day: day(last_day)?,
            codes_of: Origins::program(),
            notes_of: Origins::program(),
        })
    }

    /// The edition of a tabular list or an order file.
    fn listed(input: &Input<'_>, kept: &Kept, before: &Self) -> Result<Self> {
        if kept.kind == Kind::Icd10cmOrder {
            return Self::of(kept, input.rows_of(kept, order::CODES)?, before);
        }
        let notes = codes::sorted_notes(input.rows_of(kept, tabular::NOTES)?);
        let edition = Self::of(kept, input.rows_of(kept, tabular::CODES)?, before)?;
        Ok(Self { notes, notes_of: Origins::default().and(kept), ..edition })
    }

    /// The edition before it with the changes of addenda.
    fn changed(input: &Input<'_>, kept: &Kept, before: &Self) -> Result<Self> {
        let changes = input.rows_of(kept, addenda::CHANGES)?;
        let edition = Self::of(kept, codes::with_changes(&before.codes, &changes), before)?;
        Ok(Self { codes_of: before.codes_of.clone().and(kept), ..edition })
    }

    /// With the notes of the edition before it.
    fn of(kept: &Kept, codes: Vec<Row>, before: &Self) -> Result<Self> {
        let codes = codes::sorted_codes(codes);
        let book = codes_to_book(&codes)?;
        Ok(Self {
            name: if kept.edition.is_empty() { format!("ICD-10-CM of {}", kept.first_day) } else { kept.edition.clone() },
            kept: Some(kept.name()),
            notes: codes::carried_notes(&before.notes, &book),
            book,
            codes,
            first_day: first_day(kept)?,
            last_day: day(&kept.last_day)?,
            codes_of: Origins::default().and(kept),
            notes_of: before.notes_of.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_and_headings_stand_for_a_leaf() {
        let text = "code\tbillable\ttitle\nS72.00\t0\tFracture\nS72.001\t0\tFracture, right\nS72.001A\t1\tFracture, right, initial\n\
            S72.001D\t1\tFracture, right, subsequent\nS72.009A\t1\tFracture, unspecified side, initial\n";
        let book = CodeBook::parse(("icd10cm.tsv", text)).expect("a book");
        for (written, code) in [
            ("S72.001D", Some("S72.001D")),
            ("S72.001?", Some("S72.001A")),
            ("S72.-", Some("S72.009A")),
            ("S72.00", Some("S72.009A")),
            ("C50.-", None),
            ("-", None),
        ] {
            assert_eq!(leaf(&book, written), code, "{written}");
        }
    }
}
