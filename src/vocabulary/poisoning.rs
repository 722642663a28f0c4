//! The Table of Drugs and Chemicals: the code of a substance by the way in which it did harm. Only `vocabulary build` makes the table.

use std::collections::HashMap;

use super::{normalize_term, tables::Tables};
use crate::domain::table::{self, TableError};

/// The way in which a substance did harm, as the table's columns have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// Poisoning by accident.
    Accidental,
    /// Poisoning by the patient's own intent.
    Intentional,
    /// Poisoning by another person.
    Assault,
    /// Poisoning of which the intent is not known.
    Undetermined,
    /// Harm of a substance that was rightly given.
    AdverseEffect,
    /// Too little of it taken.
    Underdosing,
}

impl Intent {
    /// All, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Accidental, Self::Intentional, Self::Assault, Self::Undetermined, Self::AdverseEffect, Self::Underdosing];

    /// The word of the table and of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accidental => "accidental",
            Self::Intentional => "intentional",
            Self::Assault => "assault",
            Self::Undetermined => "undetermined",
            Self::AdverseEffect => "adverse_effect",
            Self::Underdosing => "underdosing",
        }
    }
}

/// A substance with its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poisoning {
    /// The substance.
    pub substance: String,
    /// A code for each of [`Intent::ALL`]; empty where there is none.
    codes: [String; 6],
}

impl Poisoning {
    /// The codes that there are, by intent.
    pub fn codes(&self) -> impl Iterator<Item = (Intent, &str)> {
        Intent::ALL.into_iter().zip(self.codes.iter().map(String::as_str)).filter(|(_, code)| !code.is_empty())
    }
}

/// The table, by substance and by code.
#[derive(Debug, Default)]
pub struct Poisonings {
    rows: Vec<Poisoning>,
    /// Folded name of each row.
    folded: Vec<String>,
    by_code: HashMap<String, Vec<(u32, Intent)>>,
}

/// What later encounters share: the code without its seventh character.
fn stem(code: &str) -> &str {
    code.get(..7).filter(|_| code.len() == 8).unwrap_or(code)
}

impl Poisonings {
    /// Reads `drug_poisoning.tsv` (`substance` and one column an intent), where it is there.
    ///
    /// # Errors
    /// A missing column.
    pub(super) fn load(tables: &Tables) -> Result<Self, TableError> {
        let mut read = Self::default();
        let Some((name, text)) = tables.find("drug_poisoning.tsv") else { return Ok(read) };
        table::read(name, text, |row| {
            let mut codes = <[String; 6]>::default();
            let at = u32::try_from(read.rows.len()).unwrap_or(u32::MAX);
            for (code, intent) in codes.iter_mut().zip(Intent::ALL) {
                *code = row.get(intent.as_str())?.to_owned();
                if !code.is_empty() {
                    read.by_code.entry(stem(code).to_owned()).or_default().push((at, intent));
                }
            }
            read.folded.push(normalize_term(&row.get("substance")?.replace('>', " ")));
            read.rows.push(Poisoning { substance: row.get("substance")?.to_owned(), codes });
            Ok(())
        })?;
        Ok(read)
    }

    /// Whether the table is there.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        !self.rows.is_empty()
    }

    /// At most `limit` substances whose names hold all these words, the whole names first.
    #[must_use]
    pub fn find(&self, words: &str, limit: usize) -> Vec<&Poisoning> {
        let wanted = normalize_term(words);
        let asked: Vec<&str> = wanted.split(' ').filter(|word| word.len() > 2).collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (at, folded) in self.folded.iter().enumerate() {
            if asked.iter().all(|word| folded.split(' ').any(|known| known == *word)) {
                found.push((if *folded == wanted { 0 } else { folded.len() }, at));
            }
        }
        found.sort_unstable();
        found.into_iter().take(limit).map(|(_, at)| &self.rows[at]).collect()
    }

    /// At most `limit` substances whose names hold all words of one of these names, each once; the names share the places.
    #[must_use]
    pub fn find_each<'n>(&self, names: impl Iterator<Item = &'n str>, limit: usize) -> Vec<&Poisoning> {
        let mut lists: Vec<_> = names.map(|name| self.find(name, limit).into_iter()).collect();
        let mut found: Vec<&Poisoning> = Vec::new();
        while found.len() < limit {
            let turn: Vec<&Poisoning> = lists.iter_mut().filter_map(Iterator::next).collect();
            if turn.is_empty() {
                break;
            }
            for one in turn {
                if !found.iter().any(|known| std::ptr::eq(*known, one)) {
                    found.push(one);
                }
            }
        }
        found.truncate(limit);
        found
    }

    /// The substances that lead to a code, or to another encounter of it.
    #[must_use]
    pub fn leading_to(&self, code: &str) -> Vec<(&Poisoning, Intent)> {
        let found = self.by_code.get(stem(code)).map_or(&[][..], Vec::as_slice);
        found.iter().map(|(at, intent)| (&self.rows[*at as usize], *intent)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_share_the_places() {
        let rows = |name: &str| {
            (0..4)
                .map(|at| Poisoning { substance: format!("{name} {at}"), codes: <[String; 6]>::default() })
                .collect::<Vec<_>>()
        };
        let rows = [rows("aspirin"), rows("codeine"), rows("aspirin codeine")].concat();
        let folded = rows.iter().map(|row| normalize_term(&row.substance)).collect();
        let table = Poisonings { rows, folded, by_code: HashMap::new() };
        let found = |names: &[&str], limit: usize| -> Vec<&str> {
            table.find_each(names.iter().copied(), limit).iter().map(|row| row.substance.as_str()).collect()
        };
        assert_eq!(found(&["aspirin", "codeine"], 3), ["aspirin 0", "codeine 0", "aspirin 1"]);
        assert_eq!(found(&["codeine", "nothing"], 2), ["codeine 0", "codeine 1"]);
        assert_eq!(found(&["aspirin", "aspirin", "codeine"], 20).len(), 12, "each once, and all of them");
        assert!(found(&[], 3).is_empty() && found(&["aspirin"], 0).is_empty());
    }
}
