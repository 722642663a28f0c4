//! Names of persons: by titles, labels, relations, signatures and credentials; by lists of names; and what no list knows.

use super::{
    Covered, Identifier, IdentifierClass,
    lexicon::Lexicon,
    places::is_state,
    tokens::{Shape, Token, gap},
    words::{CREDENTIALS, LABELS, PARTICLES, RELATIONS, STOPPERS, TERMS, TITLES, holds},
};
use crate::domain::Span;

/// Titles that are words of other meanings, and need a capital behind them.
const WEAK_TITLES: &[&str] = &[
    "sister",
    "nurse",
    "father",
    "lady",
    "lord",
    "officer",
    "sr",
    "judge",
    "pastor",
    "hon",
    "fr",
    "sen",
    "rep",
    "deacon",
    "elder",
    "bishop",
    "brother",
    "chaplain",
    "coach",
    "principal",
    "nurses",
    "maj",
    "col",
    "dra",
    "ofc",
    "cpl",
    "pvt",
    "cmdr",
    "captain",
    "capt",
    "lt",
    "sgt",
    "detective",
    "attorney",
    "drs",
];

pattern!(DOSE, r"(?i)^\s?(?:XR|SR|ER|MR|CR|LA|XL|HCT|DS)?\s?\d+(?:[.,/]\d+)*\s?(?:mg|mcg|ml|units?|iu|g|%|puffs?|tabs?)\b");
pattern!(AGE_BEHIND, r"(?i)^(?:,| is an?| is)?\s{0,2}\d{1,3}\s?-?(?:years?\b|yrs?\b|y/?o\b|yo[MF]?\b|[MF]\b)");

/// How much speaks for a name where a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    /// A title, a label: the next word is a name whatever it is.
    Strong,
    /// The next word must have a capital and be no ordinary word.
    Weak,
}

/// Names of a text.
pub(super) struct Names<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) lexicon: &'a Lexicon,
    /// Words that recognition takes for diagnoses, drugs or parts of the body.
    pub(super) mentions: &'a Covered,
    pub(super) is_caseless: bool,
    /// Whether most of the note is in capitals.
    pub(super) is_upper: bool,
}

impl Names<'_> {
    pub(super) fn find(&self) -> Vec<Identifier> {
        let mut out = Vec::new();
        for at in 0..self.tokens.len() {
            self.after_title(at, &mut out);
            self.after_label(at, &mut out);
            self.after_relation(at, &mut out);
            self.before_credentials(at, &mut out);
            self.listed(at, &mut out);
            self.unknown(at, &mut out);
            self.before_relation(at, &mut out);
        }
        self.initials(&mut out);
        self.after_phrases(&mut out);
        self.signatures(&mut out);
        out
    }

    fn gap_after(&self, at: usize) -> &str {
        match self.tokens.get(at + 1) {
            Some(next) => gap(self.text, &self.tokens[at], next),
            None => &self.text[self.tokens[at].span.end..],
        }
    }

    fn is_mention(&self, token: &Token) -> bool {
        self.mentions.overlaps(token.span)
    }

    /// Whether a word could be a name only by what stands around it.
    pub(super) fn needs_context(&self, token: &Token) -> bool {
        !self.lexicon.is_unknown(&token.folded) || self.is_mention(token)
    }

    /// An eponym with its noun: "Wilson disease".
    fn is_term(&self, at: usize) -> bool {
        let next = |from: usize| self.tokens.get(from).map(|token| token.folded.as_str()).unwrap_or_default();
        let joins = |from: usize| matches!(self.gap_after(from), " " | "'s " | "\u{2019}s " | "-");
        joins(at)
            && (holds(TERMS, next(at + 1))
                || at + 1 < self.tokens.len() && joins(at + 1) && self.gap_after(at) != " " && holds(TERMS, next(at + 2)))
    }

    fn starts(&self, at: usize, strength: Strength) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let is_stop = holds(STOPPERS, token.folded.as_str())
            && !(token.shape == Shape::Title && matches!(token.folded.as_str(), "will" | "may" | "or"));
        if is_stop || token.folded.len() < 2 && token.shape != Shape::Letter {
            return false;
        }
        match strength {
            Strength::Strong => {
                token.shape != Shape::Lower
                    || holds(PARTICLES, token.folded.as_str())
                    || self.lexicon.is_unknown(&token.folded)
                    || !self.lexicon.is_ordinary(&token.folded)
                        && (self.is_caseless || self.lexicon.name(&token.folded).is_some())
                    || self.is_caseless && self.lexicon.name(&token.folded).is_some()
            }
            Strength::Weak => {
                let known = self.lexicon.name(&token.folded);
                (token.shape == Shape::Title && (known.is_some() || !self.needs_context(token)))
                    || (self.is_upper
                        && token.shape == Shape::Upper
                        && (known.is_some_and(|name| !name.is_ordinary) || self.lexicon.is_unknown(&token.folded)))
                    || self.is_caseless && (self.lexicon.is_plain_name(&token.folded) || self.lexicon.is_unknown(&token.folded))
            }
        }
    }

    /// The last word of the name that begins at a word.
    fn run(&self, first: usize, strength: Strength) -> usize {
        let mut last = first;
        let mut commas = 0;
        while last + 1 < self.tokens.len() && last - first < 5 {
            let (here, next) = (&self.tokens[last], &self.tokens[last + 1]);
            let between = gap(self.text, here, next);
            let is_wide = !between.is_empty() && between.len() <= 4 && between.bytes().all(|byte| byte == b' ');
            let is_initial = here.shape == Shape::Letter && matches!(between, ". " | ".");
            let is_given = self.lexicon.name(&next.folded).is_some_and(|name| name.given.is_some());
            let may_turn = strength == Strength::Strong || is_given && next.shape == here.shape;
            let is_comma = matches!(between, ", " | ",") && commas == 0 && may_turn;
            // "Sandoval, M.D.", "FARTHINGALE  D.O.B."
            let rest = &self.text[next.span.start..];
            let is_credential =
                ["M.D", "D.O", "R.N", "N.P", "P.A", "Ph.D", "L.P"].iter().any(|letters| rest.starts_with(letters));
            if next.shape == Shape::Letter && (is_comma || between.len() > 1) && is_credential {
                break;
            }
            let is_hyphen = matches!(between, "-" | "\u{2010}" | "\u{2011}");
            if !(is_wide || is_initial || is_comma || is_hyphen) {
                break;
            }
            // columns of a header: wide space joins capitals only
            if is_wide && between.len() > 1 && here.shape != Shape::Upper {
                break;
            }
            let folded = next.folded.as_str();
            if holds(CREDENTIALS, folded) && next.shape != Shape::Lower && !(folded == "do" && next.shape == Shape::Title)
                || holds(STOPPERS, folded)
            {
                break;
            }
            let known = self.lexicon.name(folded);
            let is_next = match next.shape {
                Shape::Letter => !is_comma || strength == Strength::Strong || self.text[next.span.end..].starts_with('.'),
                Shape::Title => {
                    here.shape != Shape::Lower
                        && (known.is_some() || !self.lexicon.is_ordinary(folded) && !self.is_mention(next) || is_hyphen)
                        || here.shape == Shape::Lower && holds(PARTICLES, here.folded.as_str())
                }
                Shape::Upper => {
                    known.is_some_and(|name| !name.is_ordinary)
                        || !self.lexicon.is_ordinary(folded) && folded.len() > 2 && !self.lexicon.is_clinical(folded)
                        || is_comma && folded.len() > 2
                }
                Shape::Lower => {
                    is_hyphen && here.shape != Shape::Lower
                        || holds(PARTICLES, folded)
                            && self.tokens.get(last + 2).is_some_and(|after| {
                                after.shape == Shape::Title
                                    || holds(PARTICLES, after.folded.as_str())
                                        && self.tokens.get(last + 3).is_some_and(|third| third.shape == Shape::Title)
                            })
                        || here.shape == Shape::Lower
                            && !is_comma
                            && (self.lexicon.is_plain_name(folded) || self.is_caseless && self.lexicon.is_unknown(folded))
                }
            };
            if !is_next {
                break;
            }
            commas += usize::from(is_comma);
            last += 1;
        }
        last
    }

    fn push(&self, (first, last): (usize, usize), out: &mut Vec<Identifier>) {
        let span = Span::new(self.tokens[first].span.start, self.tokens[last].span.end);
        out.push(Identifier::new(span, IdentifierClass::Name));
    }

    pub(super) fn push_run(&self, first: usize, strength: Strength, out: &mut Vec<Identifier>) {
        if self.starts(first, strength) {
            self.push((first, self.run(first, strength)), out);
        }
    }

    fn after_title(&self, at: usize, out: &mut Vec<Identifier>) {
        let token = &self.tokens[at];
        if !holds(TITLES, token.folded.as_str()) || !matches!(self.gap_after(at), " " | ". " | "." | "  " | ".  ") {
            return;
        }
        let Some(next) = self.tokens.get(at + 1) else { return };
        if WEAK_TITLES.contains(&token.folded.as_str())
            && (next.shape == Shape::Lower
                || token.shape == Shape::Lower && self.needs_context(next) && self.lexicon.name(&next.folded).is_none())
        {
            return;
        }
        // "Dr. Dr. Weiss", "Dr Prof"
        if holds(TITLES, next.folded.as_str()) && next.shape == Shape::Title && token.folded != "sister" {
            return;
        }
        // "the doctor called": a title without a capital in a note with capitals
        let is_plain_title = matches!(token.folded.as_str(), "dr" | "mr" | "mrs" | "ms");
        let is_named = self.lexicon.name(&next.folded).is_some() && !holds(STOPPERS, next.folded.as_str());
        if is_plain_title && next.shape == Shape::Lower && is_named && !self.is_caseless {
            self.push((at + 1, self.run(at + 1, Strength::Strong)), out);
            return;
        }
        let may_be_lower = self.is_caseless || is_plain_title && self.lexicon.is_unknown(&next.folded);
        if token.shape == Shape::Lower && next.shape == Shape::Lower && !may_be_lower {
            return;
        }
        if next.shape == Shape::Lower
            && self.lexicon.is_ordinary(&next.folded)
            && self.lexicon.name(&next.folded).is_none()
            && !holds(PARTICLES, next.folded.as_str())
        {
            return;
        }
        self.push_run(at + 1, Strength::Strong, out);
    }

    fn after_label(&self, at: usize, out: &mut Vec<Identifier>) {
        let token = &self.tokens[at];
        if !holds(LABELS, token.folded.as_str()) {
            return;
        }
        let between = self.gap_after(at);
        let plain = between.trim_end_matches([' ', '\t']).trim_start();
        let has_colon = (plain.starts_with(':') || plain == "-" || plain == "." && token.shape == Shape::Upper || plain == ")")
            && !between.contains('\n')
            && plain.len() <= 4
            && plain.chars().all(|one| matches!(one, ':' | '"' | '(' | '-' | '.' | ')' | '/'));
        let is_column = between.len() >= 2 && between.bytes().all(|byte| byte == b' ') && token.shape == Shape::Upper;
        if !has_colon && !is_column {
            return;
        }
        let Some(next) = self.tokens.get(at + 1) else { return };
        // "ANESTHESIA: General", "TO: Emergency Department"
        let is_word = self.needs_context(next) && self.lexicon.name(&next.folded).is_none();
        let has_comma = matches!(self.gap_after(at + 1), ", ");
        let is_before_a_name = matches!(self.gap_after(at + 1), " ")
            && next.shape == Shape::Title
            && self.tokens.get(at + 2).is_some_and(|after| after.shape == Shape::Title && !self.needs_context(after));
        if holds(TITLES, next.folded.as_str())
            || is_word
                && !is_before_a_name
                && !(has_comma && next.shape != Shape::Lower && !self.lexicon.is_ordinary(&next.folded))
        {
            return;
        }
        if next.shape == Shape::Lower && !self.is_caseless {
            return;
        }
        self.push_run(at + 1, Strength::Strong, out);
    }

    fn after_relation(&self, at: usize, out: &mut Vec<Identifier>) {
        let token = &self.tokens[at];
        if !holds(RELATIONS, token.folded.as_str()) {
            return;
        }
        let mut next = at + 1;
        let between = self.gap_after(at);
        if !matches!(between, " \"" | " (\"" | " " | ", " | " (" | ": " | ", (" | "'s " | "  " | " - " | ") ") {
            return;
        }
        while self.tokens.get(next).is_some_and(|word| {
            matches!(word.folded.as_str(), "name" | "named" | "is" | "called" | "in" | "law" | "patient" | "of" | "pt" | "to")
                && word.shape == Shape::Lower
        }) && next - at < 4
        {
            next += 1;
        }
        let Some(word) = self.tokens.get(next) else { return };
        if gap(self.text, &self.tokens[next - 1], word).contains(['.', '\n', ';']) || self.is_term(next) {
            return;
        }
        let known = self.lexicon.name(&word.folded);
        let is_name = match word.shape {
            Shape::Title => {
                let is_double = self.gap_after(next) == "-" && !self.lexicon.is_clinical(&word.folded);
                let is_right_behind = next == at + 1
                    && matches!(between, " " | " \"")
                    && token.shape == Shape::Lower
                    && !matches!(
                        token.folded.as_str(),
                        "patient" | "pt" | "client" | "parent" | "baby" | "cm" | "rt" | "tech" | "nurse" | "rn"
                    )
                    && (!self.is_mention(word) || !self.lexicon.is_ordinary(&word.folded))
                    && ![TITLES, RELATIONS, STOPPERS, LABELS].iter().any(|list| holds(list, &word.folded))
                    && !self.is_state(next)
                    && !super::date_words::WEEKDAYS.contains(&word.folded.as_str());
                known.is_some() || !self.needs_context(word) || is_double || is_right_behind
            }
            Shape::Upper => known.is_some() && word.folded.len() > 2 || self.is_upper && self.lexicon.is_unknown(&word.folded),
            Shape::Lower => {
                self.lexicon.is_plain_given(&word.folded) && !self.lexicon.is_ordinary(&word.folded)
                    || self.is_caseless
                        && (known.is_some_and(|name| !name.is_ordinary) || self.lexicon.is_unknown(&word.folded))
            }
            Shape::Letter => false,
        };
        if is_name {
            self.push((next, self.run(next, Strength::Strong)), out);
        }
    }

    /// "K. Bjornstad RN", "Hope Ferrante, DO"
    fn before_credentials(&self, at: usize, out: &mut Vec<Identifier>) {
        let token = &self.tokens[at];
        let is_credential = holds(CREDENTIALS, token.folded.as_str()) && token.shape != Shape::Lower && token.folded != "ms"
            || token.shape == Shape::Letter && self.text[token.span.end..].starts_with(".D.");
        if !is_credential || at == 0 || !matches!(gap(self.text, &self.tokens[at - 1], token), ", " | " " | "," | ",  ") {
            return;
        }
        let mut first = at;
        while first > 0 && at - first < 5 {
            let (before, here) = (&self.tokens[first - 1], &self.tokens[first]);
            let between = gap(self.text, before, here);
            let joins = if first == at {
                matches!(between, ", " | " " | "," | ",  ")
            } else {
                matches!(between, " " | "-" | ". " | "." | ", ") && !(between == ". " && before.shape != Shape::Letter)
            };
            let known = self.lexicon.name(&before.folded);
            let is_part = match before.shape {
                Shape::Letter => true,
                Shape::Title => {
                    !holds(STOPPERS, before.folded.as_str())
                        && !holds(TITLES, before.folded.as_str())
                        && (known.is_some() || !self.needs_context(before) || between == "-")
                        || matches!(before.folded.as_str(), "will" | "may")
                }
                Shape::Upper => {
                    before.folded.len() > 2
                        && (known.is_some() || self.lexicon.is_unknown(&before.folded))
                        && !holds(CREDENTIALS, before.folded.as_str())
                }
                Shape::Lower => holds(PARTICLES, before.folded.as_str()) && before.folded.len() > 1 && first < at,
            };
            if !joins || !is_part {
                break;
            }
            first -= 1;
        }
        while first < at && (self.tokens[first].shape == Shape::Lower && !self.is_caseless) {
            first += 1;
        }
        // one comma belongs between surname and given name
        if first < at && (at - first > 1 || self.tokens[first].folded.len() > 1) {
            self.push((first, at - 1), out);
        }
    }

    fn listed(&self, at: usize, out: &mut Vec<Identifier>) {
        let token = &self.tokens[at];
        let Some(known) = self.lexicon.name(&token.folded) else { return };
        if self.is_term(at) || self.is_state(at) || self.is_mention(token) && !self.has_given_before(at) {
            return;
        }
        let is_plain = self.lexicon.is_plain_name(&token.folded) && !self.lexicon.is_ordinary(&token.folded);
        let next = self.tokens.get(at + 1);
        let is_full = known.given.is_some()
            && matches!(self.gap_after(at), " " | "-" | "  ")
            && next.is_some_and(|next| {
                next.shape == token.shape
                    && (self.lexicon.name(&next.folded).is_some() || self.lexicon.is_unknown(&next.folded))
                    && !holds(STOPPERS, next.folded.as_str())
            });
        let found = match token.shape {
            Shape::Title => {
                is_plain
                    || is_full
                        && !(token.begins
                            && known.is_ordinary
                            && next.is_some_and(|next| self.lexicon.name(&next.folded).is_none()))
            }
            Shape::Upper => token.folded.len() > 3 && is_plain || is_full && self.lexicon.is_plain_given(&token.folded),
            Shape::Lower => self.is_caseless && self.lexicon.is_plain_given(&token.folded) && token.folded.len() > 3,
            Shape::Letter => false,
        };
        // ordinary names in the middle of a sentence, with a capital
        let is_capital_inside =
            token.shape == Shape::Title && !token.begins && known.given.is_some() && !self.needs_clinical_context(at);
        let last = self.run(at, Strength::Weak);
        // "Ann Arbor stage II"
        if (found || is_capital_inside) && !(last > at && self.is_term(last)) {
            self.push((at, last), out);
        }
    }

    fn has_given_before(&self, at: usize) -> bool {
        at > 0
            && self.gap_after(at - 1) == " "
            && self.lexicon.name(&self.tokens[at - 1].folded).is_some_and(|name| name.given.is_some())
            && self.tokens[at - 1].shape == Shape::Title
    }

    fn needs_clinical_context(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        // months, weekdays and terms
        matches!(token.folded.as_str(), "may" | "april" | "june" | "august" | "will") && !self.has_neighbour_name(at)
            || self.lexicon.is_clinical(&token.folded) && !self.has_neighbour_name(at)
    }

    fn has_neighbour_name(&self, at: usize) -> bool {
        let next_is = self.tokens.get(at + 1).is_some_and(|next| {
            self.gap_after(at) == " " && next.shape == Shape::Title && !self.lexicon.is_ordinary(&next.folded)
        });
        next_is || self.has_given_before(at)
    }

    /// A word with a capital in the middle of a sentence that nothing knows.
    fn unknown(&self, at: usize, out: &mut Vec<Identifier>) {
        let token = &self.tokens[at];
        if token.shape != Shape::Title
            || token.folded.len() < 3
            || self.needs_context(token)
            || self.is_term(at)
            || self.is_state(at)
            || holds(TITLES, &token.folded)
            || holds(RELATIONS, &token.folded)
            || self.text[token.span.end..].trim_start_matches(' ').starts_with([':', '#', '='])
                && self.lexicon.is_known(&token.folded)
        {
            return;
        }
        // a drug that no vocabulary has
        if DOSE.is_match(&self.text[token.span.end..]) {
            return;
        }
        let next = self.tokens.get(at + 1);
        let verb = next.is_some_and(|next| {
            self.gap_after(at) == " "
                && matches!(
                    next.folded.as_str(),
                    "is" | "was"
                        | "has"
                        | "denies"
                        | "reports"
                        | "states"
                        | "had"
                        | "says"
                        | "called"
                        | "comes"
                        | "presents"
                        | "returns"
                        | "will"
                        | "did"
                        | "lives"
                        | "slept"
                        | "feels"
                        | "translates"
                        | "accompanies"
                        | "tolerated"
                )
        });
        let is_in_name = next.is_some_and(|next| {
            matches!(self.gap_after(at), " " | "-")
                && matches!(next.shape, Shape::Title)
                && (self.lexicon.name(&next.folded).is_some() || self.lexicon.is_unknown(&next.folded))
                && !self.lexicon.is_ordinary(&next.folded)
        });
        let last = self.run(at, Strength::Weak);
        if (!token.begins || verb || is_in_name) && !(last > at && self.is_term(last)) {
            self.push((at, last), out);
        }
    }

    /// A state or a country, of one word or two.
    fn is_state(&self, at: usize) -> bool {
        let word = |at: usize| self.tokens.get(at).map(|token| token.folded.as_str()).unwrap_or_default();
        let with_next = format!("{} {}", word(at), word(at + 1));
        let with_last = at.checked_sub(1).map(|last| format!("{} {}", word(last), word(at)));
        is_state(word(at)) || is_state(&with_next) || with_last.is_some_and(|words| is_state(&words))
    }

    /// "Samira (wife)", "Park, 48F"
    fn before_relation(&self, at: usize, out: &mut Vec<Identifier>) {
        let token = &self.tokens[at];
        if !matches!(token.shape, Shape::Title | Shape::Upper) || self.is_state(at) {
            return;
        }
        let known = self.lexicon.name(&token.folded).is_some();
        let next = self.tokens.get(at + 1);
        let has_relation = self.gap_after(at) == " (" && next.is_some_and(|next| holds(RELATIONS, next.folded.as_str()));
        let has_age = AGE_BEHIND.is_match(&self.text[token.span.end..]);
        let is_stopper = holds(STOPPERS, token.folded.as_str());
        if (has_relation || has_age) && (known || !self.needs_context(token)) && !is_stopper {
            self.push((at, at), out);
        }
    }
}
