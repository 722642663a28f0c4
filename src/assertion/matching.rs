//! Finding the cues of a sentence: from left to right, the longest phrase first, no two over the same words.

use std::ops::Range;

use super::{
    cue_table::{CueRow, CueTable, Direction, Means},
    tokens::Token,
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
pub(super) fn find(tokens: &[Token<'_>], mention: &Range<usize>, table: &CueTable) -> Vec<Found> {
    // cues forward, cues backward and stops are looked for apart, so that "is negative" does not hide "negative for"
    let forward = |row: &CueRow| {
        row.means == Means::Pseudo
            || matches!(row.means, Means::Says(_)) && matches!(row.direction, Direction::Forward | Direction::Both)
    };
    let backward = |row: &CueRow| {
        row.means == Means::Pseudo
            || matches!(row.means, Means::Says(_)) && matches!(row.direction, Direction::Backward | Direction::Both)
    };
    let stop = |row: &CueRow| matches!(row.means, Means::Stop | Means::Pseudo);
    let (before, after) = (0..mention.start, mention.end..tokens.len());
    let mut out = scan(tokens, before.clone(), table, forward);
    out.extend(scan(tokens, after.clone(), table, backward));
    out.extend(scan(tokens, before, table, stop));
    out.extend(scan(tokens, after, table, stop));
    out
}

/// Rows found inside the mention's own words.
pub(super) fn inside(tokens: &[Token<'_>], mention: Range<usize>, table: &CueTable) -> Vec<Found> {
    let wanted = |row: &CueRow| row.direction == Direction::Inside || matches!(row.means, Means::Event | Means::Chronic);
    scan(tokens, mention, table, wanted)
}

fn scan(tokens: &[Token<'_>], range: Range<usize>, table: &CueTable, wanted: impl Fn(&CueRow) -> bool) -> Vec<Found> {
    let mut out = Vec::new();
    let mut position = range.start;
    while position < range.end {
        let rows = longest(tokens, position..range.end, table, &wanted);
        let length = rows.first().map_or(1, |row| table.row(*row).phrase.len());
        out.extend(rows.into_iter().map(|row| Found { first: position, end: position + length, row }));
        position += length;
    }
    out
}

/// The rows with the longest phrase that begins here; one phrase may have several rows.
fn longest(all: &[Token<'_>], range: Range<usize>, table: &CueTable, wanted: impl Fn(&CueRow) -> bool) -> Vec<usize> {
    let tokens = &all[range.clone()];
    let Some(first) = tokens.first() else { return Vec::new() };
    let mut best = Vec::new();
    let mut length = 1;
    let candidates = std::iter::once(first.text).chain(table.classes(first.text));
    for row in candidates.flat_map(|word| table.beginning_with(word)).copied() {
        let phrase = &table.row(row).phrase;
        if phrase.len() < length || phrase.len() > tokens.len() || !wanted(table.row(row)) {
            continue;
        }
        if table.row(row).closing && all.get(range.start + phrase.len()).is_some_and(|next| next.is_word) {
            continue;
        }
        if phrase.iter().zip(tokens).all(|(asked, token)| table.fits(asked, token.text)) {
            if phrase.len() > length {
                best.clear();
                length = phrase.len();
            }
            best.push(row);
        }
    }
    best
}
