//! Patients by what coders let stand of them: by diagnosis, medication or allergen, over time or by place. Small groups are left out, with what
//! would tell them.

use std::{cmp::Reverse, collections::HashMap};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ColumnsBy, Months};
use crate::{
    domain::{
        Cell, Ended, EntryKind, EntryOutcome, ItemOutcome, MedicationStatus, SMALLEST_CELL, suppress, suppress_list, system,
    },
    vocabulary::Vocabulary,
};

/// Columns of places, at most: those with the most patients, and one for the others.
const MOST_PLACES: usize = 20;

/// What patients are counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// Diagnoses.
    #[default]
    Diagnosis,
    /// Ingredients of medications.
    Medication,
    /// What patients are allergic to, and that no allergies are known.
    Allergy,
}

impl CountedBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Diagnosis, Self::Medication, Self::Allergy];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Diagnosis => "diagnosis",
            Self::Medication => "medication",
            Self::Allergy => "allergy",
        }
    }
}

/// How finely diagnoses are told. One report has one level: a code beside its category would tell the rest of the category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeLevel {
    /// Chapters of ICD-10-CM.
    Chapter,
    /// Blocks.
    Block,
    /// Categories: three characters.
    #[default]
    Category,
    /// Codes as they stand.
    Code,
}

impl CodeLevel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chapter, Self::Block, Self::Category, Self::Code];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chapter => "chapter",
            Self::Block => "block",
            Self::Category => "category",
            Self::Code => "code",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PopulationAsked {
    /// What patients are counted by.
    pub by: CountedBy,
    /// How finely; for diagnoses.
    pub level: CodeLevel,
    /// What the columns are.
    pub columns: ColumnsBy,
    /// Of encounters that were finished last within these months.
    pub months: Months,
}

/// What a row stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowOf {
    /// A code, or a range of codes.
    Code {
        /// Code system URI.
        system: String,
        /// The code, category, or range of a block or chapter.
        code: String,
    },
    /// No allergies are known.
    NoKnownAllergies,
    /// What stands without a code.
    Uncoded,
}

/// What stands at the head of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnOf {
    /// A month, quarter or year: `2026-04`, `2026-Q2`, `2026`.
    Time(String),
    /// A facility, a department or the word of a class; empty where encounters have none.
    Place(String),
    /// The places with fewer patients together.
    OtherPlaces,
}

/// A row as it may be told: distinct patients by column, and of all columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopulationRow {
    /// What it stands for.
    pub of: RowOf,
    /// Its name.
    pub title: String,
    /// Patients by column.
    pub cells: Vec<Cell>,
    /// Patients of all columns. Who is counted in several columns counts once here.
    pub patients: Cell,
}

/// The report as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopulationReport {
    /// The columns.
    pub columns: Vec<ColumnOf>,
    /// Patients with a finished encounter, by column.
    pub seen: Vec<Cell>,
    /// Of all columns.
    pub patients: Cell,
    /// The rows: what is told of all columns first, with the most patients first; then the others in the order of their codes, since any other order
    /// would say something of them.
    pub rows: Vec<PopulationRow>,
    /// Finished encounters without a patient, which are not counted.
    pub without_patient: Cell,
}

/// A patient in a row and a column: the row is 0 for who was seen at all.
type Fact = (u32, u32, u32);

/// Patients of finished encounters, counted.
pub struct Population<'a> {
    zone: TimeZone,
    vocabulary: &'a Vocabulary,
    patients: HashMap<Uuid, u32>,
    /// What a code counts under, and its title.
    levels: HashMap<String, (String, String)>,
    gathered: Gathered,
}

/// Who is in which row and column, before anything is left out.
pub struct Gathered {
    asked: PopulationAsked,
    places: HashMap<String, u32>,
    rows: HashMap<RowOf, (u32, String)>,
    facts: Vec<Fact>,
    /// So many facts stood when they were last put in order, each once.
    tidied: usize,
    without_patient: u64,
}

/// Distinct patients by column, and of all columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counted {
    cells: Vec<u64>,
    patients: u64,
}

/// A row's counts as they may be told, and the columns whose count of seen patients may be told beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    cells: Vec<Cell>,
    patients: Cell,
    seen: Vec<bool>,
    all_seen: bool,
}

fn next_index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn is_small(count: u64, smallest: u64) -> bool {
    (1..smallest).contains(&count)
}

/// Whether an entry says something of the patient that holds now: accepted, amended or added, not denied, of the family, hypothetical, or past.
fn stands(entry: &EntryOutcome) -> bool {
    let is_kept = matches!(entry.ended, Ended::Accepted | Ended::Amended | Ended::Added);
    let holds = match entry.kind {
        EntryKind::Diagnosis | EntryKind::Allergy => entry.assertion[1].is_none_or(crate::domain::Assertion::is_drafted),
        EntryKind::Medication => {
            matches!(entry.status[1], None | Some(MedicationStatus::Active | MedicationStatus::Given))
        }
        EntryKind::NoKnownAllergies => true,
    };
    is_kept && holds
}

impl<'a> Population<'a> {
    /// With nobody counted.
    #[must_use]
    pub fn new(asked: PopulationAsked, zone: &TimeZone, vocabulary: &'a Vocabulary) -> Self {
        let gathered =
            Gathered { asked, places: HashMap::new(), rows: HashMap::new(), facts: Vec::new(), tidied: 0, without_patient: 0 };
        Self { zone: zone.clone(), vocabulary, patients: HashMap::new(), levels: HashMap::new(), gathered }
    }

    /// Who was counted: what is told of them takes no vocabulary.
    #[must_use]
    pub fn gathered(self) -> Gathered {
        self.gathered
    }

    /// Counts the patient of an encounter, if it is finished and lies in the months that are asked for.
    pub fn add(&mut self, item: &ItemOutcome) {
        let Some((finished_at, ..)) = &item.finished else { return };
        let day = finished_at.to_zoned(self.zone.clone()).date();
        let Some(step) = self.gathered.asked.months.step_of(day, self.gathered.asked.columns) else { return };
        let Some(patient) = item.patient else {
            self.gathered.without_patient += 1;
            return;
        };
        let patients = next_index(self.patients.len());
        let patient = *self.patients.entry(patient).or_insert(patients);
        let column = match self.gathered.asked.columns {
            ColumnsBy::Month | ColumnsBy::Quarter | ColumnsBy::Year => next_index(step),
            ColumnsBy::Facility => self.gathered.place(item.facility.as_deref()),
            ColumnsBy::Department => self.gathered.place(item.department.as_deref()),
            ColumnsBy::EncounterClass => self.gathered.place(item.encounter_class.map(crate::domain::EncounterClass::as_str)),
        };
        self.gathered.facts.push((0, column, patient));
        for entry in item.entries.iter().filter(|entry| stands(entry)) {
            for (of, title) in self.rows_of(entry) {
                let next = next_index(self.gathered.rows.len() + 1);
                let (row, name) = self.gathered.rows.entry(of).or_insert_with(|| (next, title.clone()));
                // whatever the order in which encounters come
                if name.is_empty() || !title.is_empty() && title < *name {
                    *name = title;
                }
                self.gathered.facts.push((*row, column, patient));
            }
        }
        // the memory grows with who is counted, not with how often
        if self.gathered.facts.len() > 2 * self.gathered.tidied + 100_000 {
            self.gathered.tidy();
        }
    }

    /// The rows that an entry counts in, with their titles.
    fn rows_of(&mut self, entry: &EntryOutcome) -> Vec<(RowOf, String)> {
        let rows: Vec<(RowOf, String)> = match (self.gathered.asked.by, entry.kind) {
            (CountedBy::Allergy, EntryKind::NoKnownAllergies) => return vec![(RowOf::NoKnownAllergies, String::new())],
            (CountedBy::Diagnosis, EntryKind::Diagnosis) => {
                let codes = entry.codes.iter().filter(|code| code.system == system::ICD10CM);
                codes
                    .map(|code| {
                        let (code, title) = self.at_level(&code.code);
                        (RowOf::Code { system: system::ICD10CM.to_owned(), code }, title)
                    })
                    .collect()
            }
            (CountedBy::Medication, EntryKind::Medication) | (CountedBy::Allergy, EntryKind::Allergy) => {
                let codes = entry.codes.iter();
                codes
                    .map(|code| (RowOf::Code { system: code.system.clone(), code: code.code.clone() }, code.display.clone()))
                    .collect()
            }
            _ => return Vec::new(),
        };
        if rows.is_empty() { vec![(RowOf::Uncoded, String::new())] } else { rows }
    }

    /// What a diagnosis code counts under, and its title.
    fn at_level(&mut self, code: &str) -> (String, String) {
        if let Some(known) = self.levels.get(code) {
            return known.clone();
        }
        let titled = |code: &str| (code.to_owned(), self.vocabulary.title(code).to_owned());
        let over = self.vocabulary.blocks.over(code);
        let found = match self.gathered.asked.level {
            CodeLevel::Code => titled(code),
            CodeLevel::Category => titled(code.get(..3).unwrap_or(code)),
            CodeLevel::Block => over.last().map_or_else(|| titled(code), |block| (block.range.clone(), block.title.clone())),
            CodeLevel::Chapter => over
                .iter()
                .find(|block| block.chapter.is_some())
                .map_or_else(|| titled(code), |block| (block.range.clone(), block.title.clone())),
        };
        self.levels.insert(code.to_owned(), found.clone());
        found
    }
}

impl Gathered {
    fn tidy(&mut self) {
        self.facts.sort_unstable();
        self.facts.dedup();
        self.tidied = self.facts.len();
    }

    fn place(&mut self, name: Option<&str>) -> u32 {
        let name = name.unwrap_or_default();
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = next_index(self.places.len());
        self.places.insert(name.to_owned(), place);
        place
    }

    /// The report as it may be told.
    #[must_use]
    pub fn told(self) -> PopulationReport {
        self.told_from(SMALLEST_CELL)
    }

    fn told_from(mut self, smallest: u64) -> PopulationReport {
        self.tidy();
        let columns = self.ordered_columns();
        let counted = self.counted(columns.len());
        let nobody = Counted { cells: vec![0; columns.len()], patients: 0 };
        let seen = counted.get(&0).unwrap_or(&nobody);
        let mut tells_seen = vec![true; columns.len()];
        let mut tells_all = true;
        let mut rows = Vec::new();
        for (of, (row, title)) in &self.rows {
            let told = told_of((seen, counted.get(row).unwrap_or(&nobody)), smallest);
            tells_seen.iter_mut().zip(&told.seen).for_each(|(all, one)| *all &= *one);
            tells_all &= told.all_seen;
            rows.push(PopulationRow { of: of.clone(), title: title.clone(), cells: told.cells, patients: told.patients });
        }
        rows.sort_by(|one, other| {
            let key = |row: &PopulationRow| Reverse(row.patients.told());
            key(one).cmp(&key(other)).then_with(|| one.of.cmp(&other.of))
        });
        let (cells, sum) = suppress_list(&seen.cells, smallest);
        let told = |cell: Cell, tells: bool| if tells { cell } else { Cell::Suppressed };
        let whole = Cell::Count(seen.patients);
        PopulationReport {
            columns,
            seen: cells.into_iter().zip(tells_seen).map(|(cell, tells)| told(cell, tells)).collect(),
            patients: told(whole, tells_all && sum.told().is_some() && !is_small(seen.patients, smallest)),
            rows,
            without_patient: told(Cell::Count(self.without_patient), !is_small(self.without_patient, smallest)),
        }
    }

    /// The columns in their order, with the facts counted under their places in it.
    fn ordered_columns(&mut self) -> Vec<ColumnOf> {
        if self.asked.columns.is_time() {
            return self.asked.months.steps(self.asked.columns).into_iter().map(ColumnOf::Time).collect();
        }
        let mut sizes: HashMap<u32, u64> = HashMap::new();
        for (_, column, _) in self.facts.iter().filter(|(row, ..)| *row == 0) {
            *sizes.entry(*column).or_default() += 1;
        }
        let mut places: Vec<(&String, u32)> = self.places.iter().map(|(name, place)| (name, *place)).collect();
        places.sort_by_key(|(name, place)| (Reverse(sizes.get(place).copied().unwrap_or_default()), *name));
        let has_others = places.len() > MOST_PLACES;
        places.truncate(MOST_PLACES);
        places.sort();
        let at: HashMap<u32, u32> = places.iter().zip(0..).map(|((_, place), at)| (*place, at)).collect();
        let last = next_index(places.len());
        for (_, column, _) in &mut self.facts {
            *column = at.get(column).copied().unwrap_or(last);
        }
        let mut columns: Vec<ColumnOf> = places.into_iter().map(|(name, _)| ColumnOf::Place(name.clone())).collect();
        if has_others {
            columns.push(ColumnOf::OtherPlaces);
        }
        self.tidy();
        columns
    }

    /// Distinct patients by row; the facts are in order, each once.
    fn counted(&self, columns: usize) -> HashMap<u32, Counted> {
        let mut counted = HashMap::new();
        for facts in self.facts.chunk_by(|one, next| one.0 == next.0) {
            let mut of = Counted { cells: vec![0; columns], patients: 0 };
            for (_, column, _) in facts {
                if let Some(cell) = usize::try_from(*column).ok().and_then(|column| of.cells.get_mut(column)) {
                    *cell += 1;
                }
            }
            let mut patients: Vec<u32> = facts.iter().map(|(.., patient)| *patient).collect();
            patients.sort_unstable();
            patients.dedup();
            of.patients = patients.len() as u64;
            counted.insert(facts[0].0, of);
        }
        counted
    }
}

/// What may be told of a row. Who was seen in a column either has it or has it not: a table of two rows, whose totals of columns are the patients
/// seen. Patients of all columns are no sum of the columns, since some are counted in several, but lie between the largest and the sum.
fn told_of((seen, row): (&Counted, &Counted), smallest: u64) -> Told {
    // where nobody was seen nobody has it: nothing hides there
    let lived: Vec<usize> = (0..seen.cells.len()).filter(|at| seen.cells[*at] > 0).collect();
    let with: Vec<u64> = lived.iter().map(|at| row.cells[*at]).collect();
    let without = lived.iter().zip(&with).map(|(at, with)| seen.cells[*at].saturating_sub(*with)).collect();
    let table = suppress(&[with, without], smallest);
    let is_told = |cell: &Cell| cell.told().is_some();
    let sums_are_told = table.rows.first().is_some_and(is_told) && is_told(&table.all);
    let rest = seen.patients.saturating_sub(row.patients);
    let tells_patients = sums_are_told && !is_small(row.patients, smallest) && !is_small(rest, smallest);
    // the one column with patients would tell how many there are of all
    let is_alone = row.cells.iter().filter(|count| **count > 0).count() == 1;
    let mut told = Told {
        cells: vec![Cell::Count(0); seen.cells.len()],
        patients: if tells_patients { Cell::Count(row.patients) } else { Cell::Suppressed },
        seen: vec![true; seen.cells.len()],
        all_seen: is_told(&table.all),
    };
    for ((at, cell), column) in lived.into_iter().zip(&table.cells[0]).zip(&table.columns) {
        let tells_all = !tells_patients && is_alone && row.cells[at] > 0;
        told.cells[at] = if tells_all { Cell::Suppressed } else { *cell };
        told.seen[at] = is_told(column);
    }
    told
}

/// The rows with the most patients that are told, for a chart: of at most so many rows their names and, by column, what is told.
#[must_use]
pub fn charted(report: &PopulationReport, most: usize) -> Vec<&PopulationRow> {
    report
        .rows
        .iter()
        .filter(|row| row.cells.iter().any(|cell| cell.told().is_some_and(|count| count > 0)))
        .take(most)
        .collect()
}

#[cfg(test)]
#[path = "population_tests.rs"]
mod tests;
