//! What became of the engine's suggestions, by code, section, type of note, coder, version, place and kind.

use std::{cmp::Reverse, collections::HashMap};

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OutcomeCounts, Series, Step};
use crate::domain::{ChosenCode, Ended, EngineVersion, EntryKind, EntryOutcome, ItemOutcome, Period};

/// By what outcomes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The code that was suggested first; of what was added, the coder's.
    Code,
    /// Kind of the section.
    Section,
    /// Type of the note.
    NoteType,
    /// Who decided; of what nobody decided on, who finished the encounter.
    Coder,
    /// What made the extraction: program, model and vocabulary.
    Engine,
    /// Facility of the encounter.
    Facility,
    /// Department of the encounter.
    Department,
    /// What the entry states.
    Kind,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Code, Self::Section, Self::NoteType, Self::Coder, Self::Engine, Self::Facility, Self::Department, Self::Kind];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Section => "section",
            Self::NoteType => "note_type",
            Self::Coder => "coder",
            Self::Engine => "engine",
            Self::Facility => "facility",
            Self::Department => "department",
            Self::Kind => "kind",
        }
    }
}

impl std::str::FromStr for Dimension {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == word).ok_or(())
    }
}

/// Which entries count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Of this kind alone.
    pub kind: Option<EntryKind>,
    /// Of this coder alone, by login name: see [`Dimension::Coder`].
    pub coder: Option<String>,
}

/// What a coder changed of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AmendedPart {
    /// Its code.
    Code,
    /// What the note says of it: present, historical, absent ...
    Assertion,
    /// What the note says of a medication: active, given, discontinued ...
    Status,
    /// Something else: directions, reactions.
    Attributes,
}

impl AmendedPart {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Assertion => "assertion",
            Self::Status => "status",
            Self::Attributes => "attributes",
        }
    }
}

/// One code in the place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amendment {
    /// The code that was suggested; empty where the engine gave none.
    pub from: String,
    /// Its title.
    pub from_title: String,
    /// The code that a coder chose; several with commas between.
    pub to: String,
    /// Its title.
    pub to_title: String,
    /// How often.
    pub times: u64,
}

/// Why suggestions were rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReasonCount {
    /// The reason's word.
    pub reason: String,
    /// How often.
    pub times: u64,
}

/// What became of the entries of one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutcomeRow {
    /// The value: a code, a section, a name; empty where there is none.
    pub value: String,
    /// The title of a code; else empty.
    pub title: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: OutcomeCounts,
}

/// The rows of a dimension, those with the most entries first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutcomeRows {
    /// The first ones.
    pub rows: Vec<OutcomeRow>,
    /// How many more there are.
    pub other_rows: usize,
    /// Those together.
    pub others: OutcomeCounts,
}

/// One step of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutcomeStep {
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// The counts, by when their encounter was finished.
    #[serde(flatten)]
    pub counts: OutcomeCounts,
}

/// Counts of a value, and its title.
type Counted = HashMap<String, (String, OutcomeCounts)>;

/// What became of the suggestions of finished encounters. Encounters that are not finished are left out: nobody can say yet what is ignored.
#[derive(Debug, Clone)]
pub struct EngineReport {
    filter: EntryFilter,
    /// Encounters with an entry that counts; all where every entry counts.
    pub encounters: u64,
    /// All entries that count.
    pub all: OutcomeCounts,
    by: [Counted; 8],
    series: Series<OutcomeCounts>,
    reasons: HashMap<String, u64>,
    parts: HashMap<AmendedPart, u64>,
    pairs: HashMap<(String, String), (String, String, u64)>,
}

impl EngineReport {
    /// With nothing counted.
    #[must_use]
    pub fn new(filter: EntryFilter, period: Period, zone: &TimeZone) -> Self {
        Self {
            filter,
            encounters: 0,
            all: OutcomeCounts::default(),
            by: Default::default(),
            series: Series::new(period, Step::of(&period), zone),
            reasons: HashMap::new(),
            parts: HashMap::new(),
            pairs: HashMap::new(),
        }
    }

    /// Counts the entries of an encounter, if it is finished.
    pub fn add(&mut self, item: &ItemOutcome) {
        let Some((finished_at, _, finisher)) = &item.finished else { return };
        let engines: Vec<String> = item.engines.iter().map(engine_name).collect();
        let mut counted = OutcomeCounts::default();
        for entry in &item.entries {
            let coder = entry.decided.as_ref().map_or(finisher.as_str(), |(_, name, _)| name);
            if self.filter.kind.is_some_and(|kind| kind != entry.kind)
                || self.filter.coder.as_deref().is_some_and(|asked| asked != coder)
            {
                continue;
            }
            counted.add(entry.ended);
            let code = entry.suggested.as_ref().or_else(|| entry.codes.first().filter(|_| entry.ended == Ended::Added));
            let values = [
                code.map_or("", |code| code.code.as_str()),
                entry.section.as_deref().unwrap_or_default(),
                entry.note_type.as_deref().unwrap_or_default(),
                coder,
                entry.engine.and_then(|at| engines.get(at)).map_or("", String::as_str),
                item.facility.as_deref().unwrap_or_default(),
                item.department.as_deref().unwrap_or_default(),
                entry.kind.as_str(),
            ];
            for (at, (counts, value)) in self.by.iter_mut().zip(values).enumerate() {
                let title = code.filter(|_| at == 0).map_or("", |code| code.display.as_str());
                match counts.get_mut(value) {
                    Some((_, counts)) => counts.add(entry.ended),
                    None => {
                        let (_, counts) =
                            counts.entry(value.to_owned()).or_insert((title.to_owned(), OutcomeCounts::default()));
                        counts.add(entry.ended);
                    }
                }
            }
            self.add_why(entry);
        }
        let everything = self.filter == EntryFilter::default();
        self.encounters += u64::from(everything || counted.total() > 0);
        self.all = self.all.with(counted);
        if let Some(step) = self.series.at(*finished_at) {
            *step = step.with(counted);
        }
    }

    fn add_why(&mut self, entry: &EntryOutcome) {
        match entry.ended {
            Ended::Rejected => *self.reasons.entry(entry.reason.clone().unwrap_or_default()).or_default() += 1,
            Ended::Amended => {
                let from = entry.suggested.as_ref();
                let is_same =
                    entry.codes.first().map(|code| (&code.system, &code.code)) == from.map(|code| (&code.system, &code.code));
                let part = if !is_same {
                    AmendedPart::Code
                } else if entry.assertion[0] != entry.assertion[1] {
                    AmendedPart::Assertion
                } else if entry.status[0] != entry.status[1] {
                    AmendedPart::Status
                } else {
                    AmendedPart::Attributes
                };
                *self.parts.entry(part).or_default() += 1;
                if !is_same {
                    let joined =
                        |codes: &[ChosenCode]| codes.iter().map(|code| code.code.as_str()).collect::<Vec<_>>().join(", ");
                    let pair = (from.map(|code| code.code.clone()).unwrap_or_default(), joined(&entry.codes));
                    let title = |code: Option<&ChosenCode>| code.map(|code| code.display.clone()).unwrap_or_default();
                    let kept = self.pairs.entry(pair).or_insert_with(|| (title(from), title(entry.codes.first()), 0));
                    kept.2 += 1;
                }
            }
            Ended::Accepted | Ended::Added | Ended::Ignored => {}
        }
    }

    /// The rows of a dimension, at most so many.
    #[must_use]
    pub fn rows(&self, dimension: Dimension, most: usize) -> OutcomeRows {
        let counted = &self.by[dimension as usize];
        let mut rows: Vec<OutcomeRow> = counted
            .iter()
            .map(|(value, (title, counts))| OutcomeRow { value: value.clone(), title: title.clone(), counts: *counts })
            .collect();
        rows.sort_by(|one, other| {
            (Reverse(one.counts.total()), &one.value).cmp(&(Reverse(other.counts.total()), &other.value))
        });
        let rest = rows.split_off(rows.len().min(most));
        let others = rest.iter().fold(OutcomeCounts::default(), |sum, row| sum.with(row.counts));
        OutcomeRows { rows, other_rows: rest.len(), others }
    }

    /// The counts by day, week or month.
    #[must_use]
    pub fn steps(&self) -> Vec<OutcomeStep> {
        self.series.steps.iter().map(|(day, counts)| OutcomeStep { day: *day, counts: *counts }).collect()
    }

    /// Why suggestions were rejected, the most frequent first.
    #[must_use]
    pub fn reasons(&self) -> Vec<ReasonCount> {
        let mut reasons: Vec<ReasonCount> =
            self.reasons.iter().map(|(reason, times)| ReasonCount { reason: reason.clone(), times: *times }).collect();
        reasons.sort_by(|one, other| (Reverse(one.times), &one.reason).cmp(&(Reverse(other.times), &other.reason)));
        reasons
    }

    /// What was changed of amended suggestions: each counts once, by the first that differs.
    #[must_use]
    pub fn parts(&self) -> Vec<(AmendedPart, u64)> {
        let mut parts: Vec<_> = self.parts.iter().map(|(part, times)| (*part, *times)).collect();
        parts.sort_unstable();
        parts
    }

    /// Which code was put into the place of which, the most frequent first, at most so many.
    #[must_use]
    pub fn amendments(&self, most: usize) -> Vec<Amendment> {
        let mut pairs: Vec<Amendment> = self
            .pairs
            .iter()
            .map(|((from, to), (from_title, to_title, times))| Amendment {
                from: from.clone(),
                from_title: from_title.clone(),
                to: to.clone(),
                to_title: to_title.clone(),
                times: *times,
            })
            .collect();
        pairs.sort_by(|one, other| {
            (Reverse(one.times), &one.from, &one.to).cmp(&(Reverse(other.times), &other.from, &other.to))
        });
        pairs.truncate(most);
        pairs
    }
}

/// Program, model, vocabulary and site pack in one name. The edition is left out: it follows the day of the encounter.
fn engine_name(engine: &EngineVersion) -> String {
    let parts = [Some(&engine.version), Some(&engine.model), Some(&engine.vocabulary), engine.site_pack.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
