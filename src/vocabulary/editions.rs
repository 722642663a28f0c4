//! Editions of ICD-10-CM side by side, and what became of retired codes.

use std::collections::HashMap;

use jiff::civil::Date;

use super::{Code, CodeBook, CodeNotes, tables::Tables};
use crate::domain::table::{self, TableError};

/// One edition.
pub struct Edition {
    /// Its name, for `engine.edition`.
    pub name: String,
    /// First day of service on which its codes hold.
    pub first_day: Date,
    /// Last day.
    pub last_day: Date,
    /// Its codes.
    pub codes: CodeBook,
    /// What the tabular list says beside them, and payment categories.
    pub notes: CodeNotes,
}

/// The name alone: the book is long.
impl std::fmt::Debug for Edition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Edition").field(&self.name).finish()
    }
}

/// All loaded editions, the newest first.
#[derive(Debug)]
pub struct Editions {
    newest: Edition,
    older: Vec<Edition>,
    retired: HashMap<String, Vec<String>>,
}

/// What a code is in another edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// The same.
    Same,
    /// Another code stands for it there.
    To(String),
    /// Nothing that is known.
    Gone,
}

impl Editions {
    /// Reads `editions.tsv` (columns `edition`, `first_day`, `last_day`, `codes`, `notes`), the tables it names, and
    /// `icd10cm_retired.tsv` (columns `code`, `replacements`).
    ///
    /// # Errors
    /// A row or a table that cannot be used.
    pub(super) fn load(tables: &Tables) -> Result<Self, TableError> {
        let (name, text) = tables.get("editions.tsv")?;
        let mut all: Vec<Edition> = Vec::new();
        table::read(name, text, |row| {
            let day = |column: &str| -> Result<Date, TableError> {
                row.get(column)?.parse().map_err(|_| row.error(format!("{column} is not a day like 2026-04-01")))
            };
            all.push(Edition {
                name: row.get("edition")?.to_owned(),
                first_day: day("first_day")?,
                last_day: day("last_day")?,
                codes: CodeBook::parse(tables.get(row.get("codes")?)?)?,
                notes: CodeNotes::parse(tables.get(row.get("notes")?)?, tables.get("hcc.tsv")?)?,
            });
            Ok(())
        })?;
        all.sort_by_key(|edition| std::cmp::Reverse(edition.first_day));
        let mut all = all.into_iter();
        let newest =
            all.next().ok_or_else(|| TableError { table: name.to_owned(), line: 1, message: "names no edition".to_owned() })?;
        let mut retired = HashMap::new();
        let (name, text) = tables.get("icd10cm_retired.tsv")?;
        table::read(name, text, |row| {
            let list = row.get("replacements")?.split('|').map(str::trim).filter(|code| !code.is_empty());
            retired.insert(row.get("code")?.to_owned(), list.map(str::to_owned).collect());
            Ok(())
        })?;
        Ok(Self { newest, older: all.collect(), retired })
    }

    /// The newest.
    #[must_use]
    pub const fn newest(&self) -> &Edition {
        &self.newest
    }

    /// All, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &Edition> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// The edition for a day of service or discharge, and whether it covers the day. Without a day, or where none covers it, the newest.
    #[must_use]
    pub fn on(&self, day: Option<Date>) -> (&Edition, bool) {
        let Some(day) = day else { return (&self.newest, true) };
        let covers = |edition: &&Edition| edition.first_day <= day && day <= edition.last_day;
        self.all().find(covers).map_or((&self.newest, false), |edition| (edition, true))
    }

    /// The newest edition that has a code, with the code.
    #[must_use]
    pub fn lookup(&self, code: &str) -> Option<(&Edition, &Code)> {
        self.all().find_map(|edition| edition.codes.lookup(code).map(|code| (edition, code)))
    }

    /// Whether the code is known as retired.
    #[must_use]
    pub fn is_retired(&self, code: &str) -> bool {
        self.retired.contains_key(code)
    }

    /// The retired codes that begin with a prefix, in order.
    #[must_use]
    pub fn retired_starting_with(&self, prefix: &str) -> Vec<&str> {
        let mut found: Vec<&str> = self.retired.keys().map(String::as_str).filter(|code| code.starts_with(prefix)).collect();
        found.sort_unstable();
        found
    }

    /// The codes that stand for a code in an edition that has it not, or not for claims, the least special first: forward what replaced it,
    /// else the codes into which it was divided, else back what it replaced. Empty for a code that is valid there, and where nothing is known.
    #[must_use]
    pub fn successors<'e>(&self, code: &str, edition: &'e Edition) -> Vec<&'e Code> {
        if edition.codes.is_billable(code) { Vec::new() } else { self.following(code, edition) }
    }

    /// What [`Self::successors`] and [`Self::moved`] find for a code that may not stand on a claim of the edition.
    fn following<'e>(&self, code: &str, edition: &'e Edition) -> Vec<&'e Code> {
        let mut found = walk(code, edition, |code| self.retired.get(code).into_iter().flatten().map(String::as_str).collect());
        // once a code of its own, a category now
        if found.is_empty() && self.is_billable(code) {
            found = edition.codes.starting_with(code).filter(|below| below.billable).collect();
            let least = edition.codes.default_leaf(code);
            if let Some(place) = found.iter().position(|below| Some(below.code.as_str()) == least) {
                found[..=place].rotate_right(1);
            }
        }
        if found.is_empty() { walk(code, edition, |code| self.predecessors(code)) } else { found }
    }

    /// The retired codes for which a code stands now.
    #[must_use]
    pub fn predecessors(&self, code: &str) -> Vec<&str> {
        let mut found: Vec<&str> = self
            .retired
            .iter()
            .filter(|(old, to)| old.as_str() != code && to.iter().any(|to| to == code))
            .map(|(old, _)| old.as_str())
            .collect();
        found.sort_unstable();
        found
    }

    /// Whether the code may stand on a claim in any of them.
    #[must_use]
    pub fn is_billable(&self, code: &str) -> bool {
        self.all().any(|edition| edition.codes.is_billable(code))
    }

    /// The code as a table of terms may use it: itself, what replaced it when it was retired before all editions, or nothing when nothing
    /// did. None for a code that nobody knows.
    pub(super) fn usable(&self, code: &str) -> Option<Vec<String>> {
        if self.is_billable(code) {
            return Some(vec![code.to_owned()]);
        }
        self.retired.get(code).map(|to| to.iter().filter(|to| self.is_billable(to)).take(1).cloned().collect())
    }

    /// What a code is in an edition: forward to what replaced it, or back to what it replaced.
    #[must_use]
    pub fn moved(&self, code: &str, edition: &Edition) -> Moved {
        if edition.codes.is_billable(code) {
            return Moved::Same;
        }
        self.following(code, edition).first().map_or(Moved::Gone, |found| Moved::To(found.code.clone()))
    }
}

/// The codes of an edition to which steps lead from a code, the nearest first: what stands for it may have been replaced in its turn.
fn walk<'s, 'e>(code: &'s str, edition: &'e Edition, steps: impl Fn(&str) -> Vec<&'s str>) -> Vec<&'e Code> {
    let mut found: Vec<&Code> = Vec::new();
    let (mut at, mut seen) = (vec![code], vec![code]);
    while !at.is_empty() {
        let next: Vec<&str> = at.iter().flat_map(|code| steps(code)).collect();
        at.clear();
        for code in next {
            if seen.contains(&code) {
                continue;
            }
            seen.push(code);
            match edition.codes.lookup(code).filter(|code| code.billable) {
                Some(code) => found.push(code),
                None => at.push(code),
            }
        }
    }
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn edition(name: &str, codes: &str, from: i16) -> Edition {
        let rows: String =
            codes.split(' ').map(|code| format!("{code}\t{}\ttitle of {code}\n", u8::from(code.len() > 3))).collect();
        let notes = CodeNotes::parse(("notes.tsv", "code\tkind\tnote\n"), ("hcc.tsv", "code\tv24\tv28\n"));
        Edition {
            name: name.to_owned(),
            first_day: jiff::civil::date(from, 10, 1),
            last_day: jiff::civil::date(from + 1, 9, 30),
            codes: CodeBook::parse(("icd10cm.tsv", &format!("code\tbillable\ttitle\n{rows}"))).expect("a book"),
            notes: notes.expect("notes"),
        }
    }

    /// Two editions: K37.1 was replaced by K37.2, which was replaced by K38.0 and K38.1; K39.9 was dropped; K40.0 was divided.
    pub(crate) fn two() -> Editions {
        let retired = [("K37.1", &["K37.2"][..]), ("K37.2", &["K38.0", "K38.1"]), ("K39.9", &[])];
        Editions {
            newest: edition("FY2027", "K38 K38.0 K38.1 K40 K40.00 K40.01", 2026),
            older: vec![edition("FY2026", "K37 K37.2 K39 K39.9 K40 K40.0", 2025)],
            retired: retired.map(|(code, to)| (code.to_owned(), to.iter().map(|to| (*to).to_owned()).collect())).into(),
        }
    }

    #[test]
    fn retired_codes_have_their_successors_of_today() {
        let editions = two();
        let successors =
            |code: &str| editions.successors(code, editions.newest()).iter().map(|code| code.code.clone()).collect::<Vec<_>>();
        assert_eq!(successors("K37.1"), ["K38.0", "K38.1"], "through the one between");
        assert_eq!(successors("K37.2"), ["K38.0", "K38.1"]);
        assert_eq!(successors("K40.0"), ["K40.00", "K40.01"], "divided without a word in the table");
        assert_eq!((successors("K39.9").len(), successors("K38.0").len(), successors("K38").len()), (0, 0, 0));
        assert_eq!(editions.predecessors("K38.1"), ["K37.2"]);
        assert!(editions.is_retired("K37.1") && !editions.is_retired("K38.0"));
        assert_eq!(editions.lookup("K39.9").map(|(edition, _)| edition.name.as_str()), Some("FY2026"));
    }

    #[test]
    fn a_code_is_moved_to_the_first_of_its_successors() {
        let editions = two();
        let of = |code: &str, edition: &Edition| {
            let successors: Vec<String> = editions.successors(code, edition).iter().map(|code| code.code.clone()).collect();
            let moved = editions.moved(code, edition);
            match &moved {
                Moved::To(to) => assert_eq!(Some(to), successors.first(), "{code}"),
                Moved::Same | Moved::Gone => assert!(successors.is_empty(), "{code}: {successors:?}"),
            }
            (moved, successors.join(" "))
        };
        let to = |code: &str| Moved::To(code.to_owned());
        let newest = editions.newest();
        let older = editions.all().last().expect("an older edition");
        assert_eq!(of("K37.1", newest), (to("K38.0"), "K38.0 K38.1".to_owned()), "through the one between");
        assert_eq!(of("K37.1", older), (to("K37.2"), "K37.2".to_owned()), "of that edition alone");
        assert_eq!(of("K40.0", newest), (to("K40.00"), "K40.00 K40.01".to_owned()), "divided without a word in the table");
        assert_eq!(of("K38.1", older), (to("K37.2"), "K37.2".to_owned()), "back to what it replaced");
        assert_eq!(of("K39.9", newest), (Moved::Gone, String::new()));
        for same in ["K38.0", "K40.00"] {
            assert_eq!(of(same, newest), (Moved::Same, String::new()));
        }
        assert_eq!(of("K38", newest), (Moved::Gone, String::new()), "a heading was never a code");
    }
}
