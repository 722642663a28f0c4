//! Scope: does a cue reach a mention?

use std::ops::Range;

use super::{
    cue_table::{CueTable, Direction, Means},
    matching::Found,
    tokens::Token,
};
use crate::domain::Assertion;

/// A sentence's tokens with everything that bears on scope.
pub(super) struct Scene<'a> {
    pub(super) tokens: &'a [Token<'a>],
    /// True where a token belongs to another mention.
    pub(super) others: &'a [bool],
    pub(super) found: &'a [Found],
    /// Tokens of the mention asked about.
    pub(super) mention: Range<usize>,
    pub(super) table: &'a CueTable,
}

impl Scene<'_> {
    /// True when `cue` says `assertion` of the mention.
    pub(super) fn reaches(&self, cue: &Found, assertion: Assertion) -> bool {
        let row = self.table.row(cue.row);
        let before = cue.end <= self.mention.start;
        match row.direction {
            Direction::Forward if !before => false,
            Direction::Backward if before => false,
            Direction::Inside | Direction::Section => false,
            _ if before => self.forward(cue, assertion, row.scope) && (row.lists || self.next(cue)),
            _ => self.backward(cue, assertion, row.scope),
        }
    }

    /// The words that `cue` governs for `assertion`: from it to where its scope ends, mentions included.
    pub(super) fn governed(&self, cue: &Found, assertion: Assertion) -> Range<usize> {
        let row = self.table.row(cue.row);
        if cue.end <= self.mention.start {
            let mut end = self.mention.end;
            while end < self.tokens.len() {
                let between = cue.end..end + 1;
                let mark = &self.tokens[end];
                let ends = !mark.is_word && matches!(mark.text, ";" | ":") || (!row.lists && mark.text == ",");
                if ends || self.longest_member(&between) > row.scope || self.stopped(&between, assertion) {
                    break;
                }
                end += 1;
            }
            while end > self.mention.end && !self.tokens[end - 1].is_word {
                end -= 1;
            }
            return cue.end..end;
        }
        let mut start = self.mention.start;
        while start > 0 {
            let between = start - 1..cue.first;
            let mark = &self.tokens[start - 1];
            if !mark.is_word && !matches!(mark.text, "," | "(" | ")" | "/") {
                break;
            }
            if self.words(&between) > row.scope + 1 || self.stopped(&between, assertion) {
                break;
            }
            start -= 1;
        }
        while start < self.mention.start && !self.tokens[start].is_word {
            start += 1;
        }
        start..cue.first
    }

    fn forward(&self, cue: &Found, assertion: Assertion, scope: usize) -> bool {
        let between = cue.end..self.mention.start;
        if self.longest_member(&between) > scope || self.stopped(&between, assertion) {
            return false;
        }
        for index in between.clone() {
            let token = &self.tokens[index];
            if token.is_word {
                continue;
            }
            match token.text {
                ";" if assertion != Assertion::Family && assertion != Assertion::Hypothetical => return false,
                ":" if index > cue.end && assertion != Assertion::Family => return false,
                _ => {}
            }
        }
        assertion != Assertion::Absent || !self.new_statement(&between)
    }

    /// A cue for uncertainty or risk that begins a new member of the sentence ends a denial.
    fn new_statement(&self, between: &Range<usize>) -> bool {
        self.found.iter().any(|other| {
            between.contains(&other.first)
                && other.first > between.start
                && (self.tokens[other.first - 1].text == "," || self.others[other.first - 1])
                && self.table.row(other.row).direction != Direction::Backward
                && matches!(self.table.row(other.row).means, Means::Says(Assertion::Possible))
        })
    }

    fn backward(&self, cue: &Found, assertion: Assertion, scope: usize) -> bool {
        let between = self.mention.end..cue.first;
        if scope == 0 && !between.is_empty() {
            return false;
        }
        if self.words(&between) > scope || self.stopped(&between, assertion) {
            return false;
        }
        // past another mention only along a list
        let crosses = between.clone().any(|index| self.others[index]);
        between.clone().all(|index| {
            let token = &self.tokens[index];
            token.text != ";"
                && (!crosses
                    || self.others[index]
                    || matches!(token.text, "," | "and" | "or" | "(" | ")")
                    || !between.clone().skip_while(|later| *later <= index).any(|later| self.others[later]))
        })
    }

    /// True when no comma parts the mention from the cue.
    fn next(&self, cue: &Found) -> bool {
        !(cue.end..self.mention.start).any(|index| matches!(self.tokens[index].text, "," | ";" | "("))
    }

    /// Words of the longest member of a list between, mentions not counted: "denies fever, weight loss, or".
    fn longest_member(&self, between: &Range<usize>) -> usize {
        let (mut longest, mut here) = (0, 0);
        for index in between.clone() {
            let token = &self.tokens[index];
            if self.others[index] || matches!(token.text, "," | "or" | "and" | ";") {
                here = 0;
            } else if token.is_word && !matches!(token.text, "a" | "an" | "as" | "well" | "of" | "any" | "the") {
                here += 1;
            }
            longest = longest.max(here);
        }
        longest
    }

    /// Words between, other mentions not counted.
    fn words(&self, between: &Range<usize>) -> usize {
        between.clone().filter(|index| self.tokens[*index].is_word && !self.others[*index]).count()
    }

    /// True when a stop for `assertion` stands between and is not part of another mention.
    fn stopped(&self, between: &Range<usize>, assertion: Assertion) -> bool {
        self.found.iter().any(|other| {
            between.contains(&other.first)
                // "no demonstrated fracture": right after a denial it is part of it
                && !(other.first == between.start && assertion == Assertion::Absent)
                && !(other.first..other.end).all(|index| self.others[index])
                && self.table.row(other.row).ends(assertion)
        })
    }
}
