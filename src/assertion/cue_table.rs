//! The table of cues, `vocabularies/cues.tsv`: one row a phrase, readable by a coder.

use std::collections::HashMap;

use super::tokens;
use crate::domain::{Assertion, table, table::Row, table::TableError};

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Means {
    /// Speaks for an assertion.
    Says(Assertion),
    /// Looks like a cue and is none: "no change in".
    Pseudo,
    /// Ends the scope of other cues.
    Stop,
    /// A mention that holds this phrase is an event, over when it is told of the past.
    Event,
    /// A mention that holds this phrase lasts: a history of it is its presence.
    Chronic,
}

/// Where a row's mentions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// After the cue.
    Forward,
    /// Before the cue.
    Backward,
    /// On either side.
    Both,
    /// The cue is part of the mention.
    Inside,
    /// The phrase is the kind of a section; its mentions stand in it.
    Section,
}

/// Which mentions a historical row speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heads {
    /// All.
    Any,
    /// Those that hold an event phrase.
    Event,
    /// All but those that hold a chronic phrase.
    NotChronic,
}

/// A row.
#[derive(Debug, Clone)]
pub(super) struct CueRow {
    pub(super) phrase: Vec<String>,
    /// True when no word may follow the phrase: "pneumonia, likely." but not "pneumonia, likely viral".
    pub(super) closing: bool,
    pub(super) means: Means,
    pub(super) direction: Direction,
    /// Most words between cue and mention, mentions not counted.
    pub(super) scope: usize,
    /// False when the cue is said of the next mention only and of those joined to it by "and" or "or".
    pub(super) lists: bool,
    pub(super) heads: Heads,
    /// Assertions whose scope a stop row ends; empty means all.
    pub(super) stops: Vec<Assertion>,
}

impl CueRow {
    /// True when this row ends the scope of a cue for `assertion`.
    pub(super) fn ends(&self, assertion: Assertion) -> bool {
        self.means == Means::Stop && (self.stops.is_empty() || self.stops.contains(&assertion))
    }
}

/// Cues, what ends them, and which diseases last.
#[derive(Debug, Default)]
pub struct CueTable {
    rows: Vec<CueRow>,
    /// First token of a phrase to its rows, longest phrase first.
    first: HashMap<String, Vec<usize>>,
    /// Rows for the kinds of sections.
    sections: HashMap<String, Vec<usize>>,
    /// Word to the classes it belongs to, as phrases write them: `<kin>`.
    classes: HashMap<String, Vec<String>>,
}

impl CueTable {
    /// Reads the table `cues.tsv` (columns `phrase`, `means`, `direction`, `scope`, `lists`, `heads`, `stops`).
    ///
    /// # Errors
    /// A missing column, an empty phrase or an unknown word in a column; the error names the line.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let mut table = Self::default();
        table::read("cues.tsv", text, |row| {
            if let Some(class) = row.get("means")?.strip_prefix("class:") {
                for word in tokens::phrase(row.get("phrase")?) {
                    table.classes.entry(word).or_default().push(format!("<{class}>"));
                }
                return Ok(());
            }
            let parsed = parse_row(row)?;
            let index = table.rows.len();
            let index_of_first = if parsed.direction == Direction::Section { &mut table.sections } else { &mut table.first };
            index_of_first.entry(parsed.phrase[0].clone()).or_default().push(index);
            table.rows.push(parsed);
            Ok(())
        })?;
        let rows = &table.rows;
        for indices in table.first.values_mut() {
            indices.sort_by_key(|index| std::cmp::Reverse(rows[*index].phrase.len()));
        }
        Ok(table)
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn row(&self, index: usize) -> &CueRow {
        &self.rows[index]
    }

    /// Rows whose phrase begins with this token, longest first.
    pub(super) fn beginning_with(&self, token: &str) -> &[usize] {
        self.first.get(token).map_or(&[], Vec::as_slice)
    }

    /// True when a token of the text is what a token of a phrase asks for.
    pub(super) fn fits(&self, asked: &str, token: &str) -> bool {
        asked == token
            || asked.starts_with('<')
                && (tokens::is_of(asked, token)
                    || self.classes.get(token).is_some_and(|classes| classes.iter().any(|class| class == asked)))
    }

    /// True when one of these words names somebody who is no family by blood.
    pub(super) fn names_acquaintance(&self, words: &str) -> bool {
        tokens::phrase(words)
            .iter()
            .any(|word| self.classes.get(word).is_some_and(|classes| classes.iter().any(|class| class == "<acquaintance>")))
    }

    /// The classes a token belongs to, as they are written in phrases.
    pub(super) fn classes<'a>(&'a self, token: &'a str) -> impl Iterator<Item = &'a str> {
        tokens::CLASSES
            .iter()
            .copied()
            .filter(|class| tokens::is_of(class, token))
            .chain(self.classes.get(token).into_iter().flatten().map(String::as_str))
    }

    /// Rows for a kind of section.
    pub(super) fn of_section(&self, kind: &str) -> impl Iterator<Item = &CueRow> {
        self.sections.get(kind).into_iter().flatten().map(|index| &self.rows[*index])
    }
}

fn parse_row(row: Row<'_>) -> Result<CueRow, TableError> {
    let direction = match row.get("direction")? {
        "forward" | "" => Direction::Forward,
        "backward" => Direction::Backward,
        "both" => Direction::Both,
        "inside" => Direction::Inside,
        "section" => Direction::Section,
        other => return Err(row.error(format!("direction {other:?}: forward, backward, both, inside or section"))),
    };
    let words = row.get("phrase")?;
    let (words, closing) = words.strip_suffix("<end>").map_or((words, false), |words| (words, true));
    let phrase = if direction == Direction::Section { vec![words.to_owned()] } else { tokens::phrase(words) };
    if phrase.first().is_none_or(String::is_empty) {
        return Err(row.error("the phrase has no word"));
    }
    let means = match row.get("means")? {
        "pseudo" => Means::Pseudo,
        "stop" => Means::Stop,
        "event" => Means::Event,
        "chronic" => Means::Chronic,
        other => Means::Says(
            other
                .parse()
                .map_err(|()| row.error(format!("means {other:?}: an assertion, or pseudo, stop, event or chronic")))?,
        ),
    };
    let scope = match row.get("scope")? {
        "sentence" | "" => usize::MAX,
        words => words.parse().map_err(|_| row.error(format!("scope {words:?}: a number of words, or sentence")))?,
    };
    let lists = match row.get("lists")? {
        "yes" | "" => true,
        "no" => false,
        other => return Err(row.error(format!("lists {other:?}: yes or no"))),
    };
    let heads = match row.get("heads")? {
        "any" | "" => Heads::Any,
        "event" => Heads::Event,
        "not_chronic" => Heads::NotChronic,
        other => return Err(row.error(format!("heads {other:?}: any, event or not_chronic"))),
    };
    let stops = row
        .get("stops")?
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().map_err(|()| row.error(format!("stops {word:?}: names of assertions, with commas"))))
        .collect::<Result<_, _>>()?;
    Ok(CueRow { phrase, closing, means, direction, scope, lists, heads, stops })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_table_parses() {
        let table = CueTable::parse(include_str!("../../vocabularies/cues.tsv")).expect("our own table");
        assert!(table.len() > 300, "{}", table.len());
        assert!(!table.is_empty());
    }

    #[test]
    fn a_wrong_word_names_its_line() {
        let header = "phrase\tmeans\tdirection\tscope\tlists\theads\tstops\n";
        for row in [
            "no\tnegated",
            "no\tabsent\tleft",
            "no\tabsent\tforward\tfar",
            "\tabsent",
            "x\tstop\t\t\t\t\tno",
            "x\tabsent\t\t\tmaybe",
        ] {
            let error = CueTable::parse(&format!("{header}{row}\n")).expect_err(row);
            assert_eq!(error.line, 2, "{row}");
        }
    }
}
