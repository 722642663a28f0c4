//! What a build says about what it made.

use std::collections::BTreeMap;

use super::{
    codes::NOTES,
    made::AllMade,
    rows::{Input, Made, Row},
    sources::SOURCES,
    write::Written,
};
use crate::vocabulary::provenance::{NotLoaded, not_loaded};

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The tables that were written.
    pub tables: Vec<TableReport>,
    /// Sentences: what was left out, what differs from the edition of the program.
    pub notes: Vec<String>,
    /// Rows of releases that are wrong and were left out, each with its line and what to do.
    pub errors: Vec<String>,
    /// Tables of interest that are not loaded.
    pub not_loaded: Vec<NotLoaded>,
    /// Files that a person put into the folder; they were left alone, and no table took their place.
    pub kept_by_hand: Vec<String>,
    /// Files of an earlier build that were removed.
    pub removed: Vec<String>,
}

/// A table against the embedded one of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// Its name, without `.gz`.
    pub name: String,
    /// What it holds something of: title and release of each source.
    pub sources: Vec<String>,
    /// How many rows it has.
    pub rows: usize,
    /// Rows beyond those of the embedded table with the same first column.
    pub new: usize,
    /// Rows that say something else than there.
    pub changed: usize,
    /// Rows of the embedded table in whose place nothing stands.
    pub dropped: usize,
}

/// The report of a build.
pub(super) fn report(input: &Input<'_>, made: AllMade, written: Written) -> Report {
    let mine: Vec<&Made> = made.tables.iter().filter(|table| !written.is_by_hand(&table.name)).collect();
    let listed = made.tables.iter().find(|table| table.table == SOURCES).map_or(&[][..], |table| &table.rows);
    Report {
        tables: mine.iter().map(|table| compare(input, table, listed)).collect(),
        not_loaded: missing(&mine, listed, &written),
        notes: made.notes,
        errors: made.errors,
        kept_by_hand: written.by_hand,
        removed: written.removed,
    }
}

/// What is missing of the tables as they are now.
fn missing(made: &[&Made], listed: &[Row], written: &Written) -> Vec<NotLoaded> {
    let is_made = |table: &str| made.iter().any(|made| made.name == table && !made.rows.is_empty());
    let sources = listed.iter().map(|source| (source[0].as_str(), source[5].as_str()));
    not_loaded(&|table| is_made(table) || written.is_by_hand(table), &sources.collect::<Vec<_>>())
}

fn compare(input: &Input<'_>, made: &Made, listed: &[Row]) -> TableReport {
    let embedded = input.embedded_if_any(made.table).unwrap_or_default();
    // of notes several stand at a code, so each stands for itself
    let width = if made.table == NOTES { NOTES.columns.len() } else { 1 };
    let (there, mut here) = (by_key(&embedded, width), by_key(&made.rows, width));
    let (mut new, mut changed, mut dropped) = (0, 0, 0);
    for (key, mut before) in there {
        let mut now = here.remove(key).unwrap_or_default();
        // rows that are the same on both sides, as often as they are
        now.retain(|row| match before.iter().position(|known| known == row) {
            Some(at) => {
                before.swap_remove(at);
                false
            }
            None => true,
        });
        let both = now.len().min(before.len());
        changed += both;
        new += now.len() - both;
        dropped += before.len() - both;
    }
    new += here.values().map(Vec::len).sum::<usize>();
    let holds = |source: &&Row| source[5].split('|').any(|table| table == made.name);
    let sources = listed.iter().filter(holds).map(|source| format!("{}, {}", source[1], source[2])).collect();
    TableReport { name: made.name.clone(), sources, rows: made.rows.len(), new, changed, dropped }
}

fn by_key(rows: &[Row], width: usize) -> BTreeMap<&[String], Vec<&Row>> {
    let mut found: BTreeMap<&[String], Vec<&Row>> = BTreeMap::new();
    rows.iter().for_each(|row| found.entry(&row[..width]).or_default().push(row));
    found
}
