//! What a site taught the engine: terms of its own, suggestions that it does not want, codes that it prefers, thresholds. A pack is a whole, is
//! versioned, and is never changed: a change is another version, and going back is to make an older one live.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChosenCode, EntryKind};

/// Words of a site that name something, with its code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteTerm {
    /// The words, folded (`normalize_term`).
    pub words: String,
    /// What they name.
    pub kind: EntryKind,
    /// Its code: ICD-10-CM for a diagnosis, RxNorm for a medication or an allergen, SNOMED CT where an allergen has no other.
    pub code: ChosenCode,
}

/// A suggestion that the site does not want.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressedTerm {
    /// The words, folded.
    pub words: String,
    /// As what they are not to be suggested.
    pub kind: EntryKind,
    /// With this code alone (system and code); with any when none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<ChosenCode>,
    /// In sections of this kind alone; in any when none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub section: Option<String>,
}

/// A code that the site gives where the engine would give another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodePreference {
    /// The words, folded.
    pub words: String,
    /// What they name.
    pub kind: EntryKind,
    /// The engine's first code that it takes the place of; of any when none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instead_of: Option<ChosenCode>,
    /// The code that comes first.
    pub code: ChosenCode,
}

/// From which probability on entries of a kind are shown unfolded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KindThreshold {
    /// Of which kind.
    pub kind: EntryKind,
    /// Hundredths, 0 to 100.
    pub shown_from: u8,
}

/// What a site taught the engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SitePack {
    /// Terms of its own.
    pub terms: Vec<SiteTerm>,
    /// What it does not want to be suggested.
    pub suppressed: Vec<SuppressedTerm>,
    /// Codes that it prefers.
    pub preferences: Vec<CodePreference>,
    /// Thresholds by kind; kinds without one have the site's.
    pub thresholds: Vec<KindThreshold>,
}

/// One change of a pack: what a proposal proposes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum PackChange {
    /// A term is added.
    AddTerm(SiteTerm),
    /// A suggestion is suppressed.
    Suppress(SuppressedTerm),
    /// A code is preferred.
    Prefer(CodePreference),
    /// A threshold is set.
    SetThreshold(KindThreshold),
}

impl SitePack {
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.suppressed.is_empty() && self.preferences.is_empty() && self.thresholds.is_empty()
    }

    /// The pack after a change; what it says of the same words and kind is replaced.
    #[must_use]
    pub fn with(mut self, change: PackChange) -> Self {
        match change {
            PackChange::AddTerm(term) => {
                self.terms.retain(|one| (&one.words, one.kind) != (&term.words, term.kind));
                self.terms.push(term);
            }
            PackChange::Suppress(term) => {
                self.suppressed.retain(|one| {
                    (&one.words, one.kind, &one.code, &one.section) != (&term.words, term.kind, &term.code, &term.section)
                });
                self.suppressed.push(term);
            }
            PackChange::Prefer(preference) => {
                self.preferences.retain(|one| {
                    (&one.words, one.kind, &one.instead_of) != (&preference.words, preference.kind, &preference.instead_of)
                });
                self.preferences.push(preference);
            }
            PackChange::SetThreshold(threshold) => {
                self.thresholds.retain(|one| one.kind != threshold.kind);
                self.thresholds.push(threshold);
            }
        }
        self
    }
}

/// Which table of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackTable {
    /// Terms of its own.
    Terms,
    /// What is not suggested.
    Suppressed,
    /// Preferred codes.
    Preferences,
    /// Thresholds.
    Thresholds,
}

impl PackTable {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Terms, Self::Suppressed, Self::Preferences, Self::Thresholds];

    /// The word of the contract, the audit trail and the pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Suppressed => "suppressed",
            Self::Preferences => "preferences",
            Self::Thresholds => "thresholds",
        }
    }
}

impl std::str::FromStr for PackTable {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|table| table.as_str() == word).ok_or(())
    }
}

/// How many rows of a table another pack has more, and how many it lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableDifference {
    /// Which table.
    pub table: PackTable,
    /// Rows that only the other pack has.
    pub added: usize,
    /// Rows that only this one has.
    pub removed: usize,
}

impl SitePack {
    /// How many rows are in it.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.terms.len() + self.suppressed.len() + self.preferences.len() + self.thresholds.len()
    }

    /// The pack without a row, by its place in its table; none where there is no such row.
    #[must_use]
    pub fn without(mut self, table: PackTable, place: usize) -> Option<Self> {
        fn take<T>(rows: &mut Vec<T>, place: usize) -> Option<()> {
            (place < rows.len()).then(|| drop(rows.remove(place)))
        }
        match table {
            PackTable::Terms => take(&mut self.terms, place),
            PackTable::Suppressed => take(&mut self.suppressed, place),
            PackTable::Preferences => take(&mut self.preferences, place),
            PackTable::Thresholds => take(&mut self.thresholds, place),
        }?;
        Some(self)
    }

    /// The rows that only this pack has, beside another one.
    #[must_use]
    pub fn only_here(&self, other: &Self) -> Self {
        fn only<T: Clone + PartialEq>(here: &[T], there: &[T]) -> Vec<T> {
            here.iter().filter(|row| !there.contains(row)).cloned().collect()
        }
        Self {
            terms: only(&self.terms, &other.terms),
            suppressed: only(&self.suppressed, &other.suppressed),
            preferences: only(&self.preferences, &other.preferences),
            thresholds: only(&self.thresholds, &other.thresholds),
        }
    }

    /// What another pack has more and less, table by table; nothing where they say the same.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Vec<TableDifference> {
        let (added, removed) = (other.only_here(self), self.only_here(other));
        let rows = |pack: &Self, table| match table {
            PackTable::Terms => pack.terms.len(),
            PackTable::Suppressed => pack.suppressed.len(),
            PackTable::Preferences => pack.preferences.len(),
            PackTable::Thresholds => pack.thresholds.len(),
        };
        let differences =
            PackTable::ALL.map(|table| TableDifference { table, added: rows(&added, table), removed: rows(&removed, table) });
        differences.into_iter().filter(|difference| difference.added + difference.removed > 0).collect()
    }

    /// From which probability on entries of a kind are shown unfolded, where the pack says so.
    #[must_use]
    pub fn shown_from(&self, kind: EntryKind) -> Option<u8> {
        self.thresholds.iter().find(|threshold| threshold.kind == kind).map(|threshold| threshold.shown_from)
    }
}

/// What changed, in counts and our own words alone, as the audit trail has it: `terms +2 -1, thresholds +1`.
#[must_use]
pub fn in_counts(differences: &[TableDifference]) -> String {
    let counted = |difference: &TableDifference| {
        let mut words = difference.table.as_str().to_owned();
        for (sign, count) in [('+', difference.added), ('-', difference.removed)] {
            if count > 0 {
                words.push_str(&format!(" {sign}{count}"));
            }
        }
        words
    };
    if differences.is_empty() { "nothing".to_owned() } else { differences.iter().map(counted).collect::<Vec<_>>().join(", ") }
}

/// What is known of a version of the pack beside its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackVersion {
    /// Its number, from 1.
    pub version: u64,
    /// What it has more and less than the one before, in counts.
    pub changed: String,
    /// What its maker says of it.
    pub note: String,
    /// Login name of its maker.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether it passed its last shadow run; none where there was none.
    pub shadow: Option<PackShadow>,
    /// Whether it was live before.
    pub was_live: bool,
}

/// What a shadow run said of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackShadow {
    /// Id of its report.
    pub report: Uuid,
    /// Whether the version passed.
    pub passed: bool,
    /// When.
    pub at: Timestamp,
}

/// Why a version may become live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationReason {
    /// It passed its shadow run.
    PassedShadowRun,
    /// It was live before.
    GoingBack,
    /// No pack shall be used.
    NoPack,
    /// It did not pass, or there was no run, and an admin answers for it in writing.
    WithoutShadowRun,
}

impl ActivationReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PassedShadowRun, Self::GoingBack, Self::NoPack, Self::WithoutShadowRun];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PassedShadowRun => "passed_shadow_run",
            Self::GoingBack => "going_back",
            Self::NoPack => "no_pack",
            Self::WithoutShadowRun => "without_shadow_run",
        }
    }
}

impl std::str::FromStr for ActivationReason {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).ok_or(())
    }
}

/// That a version, or none, became live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackActivation {
    /// Its number, from 1.
    pub number: u64,
    /// Which; none where the site uses no pack from then on.
    pub version: Option<u64>,
    /// Why.
    pub reason: ActivationReason,
    /// What an admin wrote who answers for it; empty otherwise.
    pub explanation: String,
    /// Login name.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: &str) -> ChosenCode {
        ChosenCode { system: "s".to_owned(), code: code.to_owned(), display: String::new() }
    }

    fn term(words: &str, to: &str) -> PackChange {
        PackChange::AddTerm(SiteTerm { words: words.to_owned(), kind: EntryKind::Diagnosis, code: code(to) })
    }

    #[test]
    fn a_change_takes_the_place_of_what_it_says_of_the_same_words() {
        let one = SitePack::default().with(term("zorb", "A")).with(term("flib", "B"));
        let other = one
            .clone()
            .with(term("zorb", "C"))
            .with(PackChange::SetThreshold(KindThreshold { kind: EntryKind::Diagnosis, shown_from: 30 }));
        assert_eq!((one.rows(), other.rows()), (2, 3));
        assert_eq!(in_counts(&one.difference(&other)), "terms +1 -1, thresholds +1");
        assert_eq!(in_counts(&one.difference(&one)), "nothing");
        assert_eq!((other.shown_from(EntryKind::Diagnosis), other.shown_from(EntryKind::Allergy)), (Some(30), None));
    }

    #[test]
    fn single_rows_are_taken_out() {
        let pack = SitePack::default().with(term("zorb", "A")).with(term("flib", "B"));
        let left = pack.clone().without(PackTable::Terms, 0).expect("a row");
        assert_eq!(left.terms.iter().map(|term| term.words.as_str()).collect::<Vec<_>>(), ["flib"]);
        assert_eq!(pack.clone().without(PackTable::Terms, 2), None);
        assert_eq!(pack.without(PackTable::Thresholds, 0), None);
    }
}
