//! Editions of ICD-10-CM side by side: the one that the program carries, and the one of a kept release.

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

/// Where an edition comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The program.
    Embedded,
    /// A kept release.
    Imported(Kind),
}

impl Origin {
    /// The kind of the release.
    pub(super) const fn kind(self) -> Option<Kind> {
        match self {
            Self::Embedded => None,
            Self::Imported(kind) => Some(kind),
        }
    }
}

/// One edition.
#[derive(Debug)]
pub(super) struct Edition {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Its codes.
    pub book: CodeBook,
    /// Its notes.
    pub notes: Vec<Row>,
    codes: Vec<Row>,
    first_day: Date,
    last_day: Date,
}

/// The editions that are loaded.
#[derive(Debug)]
pub(super) struct Editions {
    /// The one with the latest first day.
    pub newest: Edition,
    /// The other one, when there are two.
    pub older: Option<Edition>,
    /// The codes of the edition that the program carries.
    pub embedded: CodeBook,
}

impl Editions {
    /// The embedded edition and that of the kept code list; beside them sentences for the report.
    pub(super) fn new(input: &Input<'_>) -> Result<(Self, Vec<String>)> {
        let embedded = Edition::embedded(input)?;
        let book = codes_to_book(&embedded.codes)?;
        let mut notes = Vec::new();
        let Some(imported) = imported(input, &embedded, &mut notes)? else {
            return Ok((Self { newest: embedded, older: None, embedded: book }, notes));
        };
        let mut same_edition = |name: String, first_day: Date, last_day: Date| {
            notes.push(format!("{} of {} takes the place of {} in the program", CODES.name, imported.name, embedded.name));
            (name, first_day, last_day)
        };
        let (name, first_day, last_day) = if same_codes(&imported.codes, &embedded.codes) {
            same_edition(embedded.name.clone(), embedded.first_day, embedded.last_day)
        } else if imported.first_day == embedded.first_day {
            same_edition(imported.name.clone(), imported.first_day, imported.last_day)
        } else {
            let (newest, mut older) =
                if imported.first_day > embedded.first_day { (imported, embedded) } else { (embedded, imported) };
            notes.push(said_of(&older, &newest));
            // an update within a year ends the edition before it
            older.last_day = older.last_day.min(newest.first_day.yesterday().unwrap_or(newest.first_day));
            return Ok((Self { newest, older: Some(older), embedded: book }, notes));
        };
        Ok((Self { newest: Edition { name, first_day, last_day, ..imported }, older: None, embedded: book }, notes))
    }

    /// All editions, the newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Edition> {
        std::iter::once(&self.newest).chain(&self.older)
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

    /// The kinds of the releases whose editions are loaded.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.all().filter_map(|edition| edition.origin.kind())
    }

    /// Whether the code list is not simply that of the program.
    pub(super) fn changed(&self) -> bool {
        self.older.is_some() || self.newest.origin != Origin::Embedded
    }

    /// The tables of the editions, with the release that they hold, if any.
    pub(super) fn tables(&self) -> Vec<(Made, Option<Kind>)> {
        let mut made = Vec::new();
        let mut listed = Vec::new();
        for (edition, is_newest) in self.all().zip([true, false]) {
            let name = |table: Table| match (is_newest, table.name.strip_suffix(".tsv")) {
                (false, Some(stem)) => format!("{stem}_{}.tsv", edition.first_day),
                _ => table.name.to_owned(),
            };
            let [first, last] = [edition.first_day, edition.last_day].map(|day| day.to_string());
            listed.push(row([&edition.name, &first, &last, &name(CODES), &name(NOTES)]));
            if self.changed() {
                let kind = edition.origin.kind();
                made.push((Made { name: name(CODES), table: CODES, rows: edition.codes.clone() }, kind));
                made.push((Made { name: name(NOTES), table: NOTES, rows: edition.notes.clone() }, kind));
            }
        }
        made.push((Made::new(EDITIONS, listed), None));
        made
    }
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
        let Some([name, first_day, last_day, ..]) = carried.first().map(Vec::as_slice) else {
            return Err(BuildError::NotEmbedded { table: EDITIONS.name.to_owned() });
        };
        let codes = input.embedded(CODES)?;
        Ok(Self {
            name: name.clone(),
            origin: Origin::Embedded,
            book: codes_to_book(&codes)?,
            notes: input.embedded(NOTES)?,
            codes,
            first_day: day(first_day)?,
            last_day: day(last_day)?,
        })
    }

    fn imported(kept: &Kept, codes: Vec<Row>, notes: Option<Vec<Row>>, before: &Self) -> Result<Self> {
        let unknown = || BuildError::EditionUnknown { kind: kept.kind };
        let known = |text: &str| if text.is_empty() { Err(unknown()) } else { day(text) };
        let codes = codes::sorted_codes(codes);
        let book = codes_to_book(&codes)?;
        Ok(Self {
            name: if kept.edition.is_empty() { format!("ICD-10-CM of {}", kept.first_day) } else { kept.edition.clone() },
            origin: Origin::Imported(kept.kind),
            notes: notes.map_or_else(|| codes::carried_notes(&before.notes, &book), codes::sorted_notes),
            book,
            codes,
            first_day: known(&kept.first_day)?,
            last_day: known(&kept.last_day)?,
        })
    }
}

/// The edition of a kept code list: the tabular list, else the order file, else the embedded edition with the changes of addenda.
fn imported(input: &Input<'_>, embedded: &Edition, notes: &mut Vec<String>) -> Result<Option<Edition>> {
    let kinds = [Kind::Icd10cmTabular, Kind::Icd10cmOrder, Kind::Icd10cmAddenda];
    let mut kept = kinds.into_iter().filter_map(|kind| input.kept(kind));
    let Some(first) = kept.next() else { return Ok(None) };
    for other in kept {
        notes.push(format!("The release {} was not used for the code list: {} is there", other.kind, first.kind));
    }
    let edition = match first.kind {
        Kind::Icd10cmTabular => {
            let (codes, notes) = (input.rows(first.kind, tabular::CODES)?, input.rows(first.kind, tabular::NOTES)?);
            Edition::imported(first, codes, Some(notes), embedded)?
        }
        Kind::Icd10cmOrder => Edition::imported(first, input.rows(first.kind, order::CODES)?, None, embedded)?,
        _ => {
            let changes = input.rows(first.kind, addenda::CHANGES)?;
            let edition = Edition::imported(first, codes::with_changes(&embedded.codes, &changes), None, embedded)?;
            if edition.first_day <= embedded.first_day {
                notes.push(format!("The addenda of {} were not applied: {} has them already", edition.name, embedded.name));
                return Ok(None);
            }
            edition
        }
    };
    if first.kind != Kind::Icd10cmTabular {
        notes.push(format!(
            "{} comes without notes: those of {} were carried over where their code is there",
            edition.name, embedded.name
        ));
    }
    Ok(Some(edition))
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
