//! Finding the cues of a sentence: from left to right, the longest phrase first, no two over the same words.

use super::{
    cue_table::{CueTable, Direction, Means},
    tokens::{Token, classes, fits},
};

/// A cue in the tokens of a sentence: tokens `first..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) first: usize,
    pub(super) end: usize,
    /// Index of its row.
    pub(super) row: usize,
}

/// All cues of `tokens`, pseudo cues and stops included. No cue reaches into `mention` (a range of tokens).
pub(super) fn find(tokens: &[Token<'_>], mention: &std::ops::Range<usize>, table: &CueTable) -> Vec<Found> {
    let wanted = |row: usize| {
        !matches!(table.row(row).direction, Direction::Inside)
            && !matches!(table.row(row).means, Means::Event | Means::Chronic)
    };
    let mut out = Vec::new();
    let mut position = 0;
    while position < tokens.len() {
        if mention.contains(&position) {
            position = mention.end;
            continue;
        }
        let limit = if position < mention.start { mention.start } else { tokens.len() };
        match longest(&tokens[position..limit], table, wanted) {
            Some((row, length)) => {
                out.push(Found { first: position, end: position + length, row });
                position += length;
            }
            None => position += 1,
        }
    }
    out
}

/// Rows found inside the mention's own words.
pub(super) fn inside(tokens: &[Token<'_>], table: &CueTable) -> Vec<Found> {
    let wanted = |row: usize| {
        table.row(row).direction == Direction::Inside || matches!(table.row(row).means, Means::Event | Means::Chronic)
    };
    let mut out = Vec::new();
    let mut position = 0;
    while position < tokens.len() {
        match longest(&tokens[position..], table, wanted) {
            Some((row, length)) => {
                out.push(Found { first: position, end: position + length, row });
                position += length;
            }
            None => position += 1,
        }
    }
    out
}

/// The row with the longest phrase that begins here, and how many tokens it takes.
fn longest(tokens: &[Token<'_>], table: &CueTable, wanted: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
    let first = tokens.first()?.text;
    let literal = table.beginning_with(first).iter();
    let by_class = classes(first).flat_map(|class| table.beginning_with(class));
    literal
        .chain(by_class)
        .copied()
        .filter(|row| wanted(*row))
        .filter(|row| {
            let phrase = &table.row(*row).phrase;
            phrase.len() <= tokens.len() && phrase.iter().zip(tokens).all(|(asked, token)| fits(asked, token.text))
        })
        .map(|row| (row, table.row(row).phrase.len()))
        .max_by_key(|(row, length)| (*length, std::cmp::Reverse(*row)))
}
