//! De-identification for analytics and research: the identifiers of a note, and the note without them.
//!
//! [`Deidentifier`] finds, [`Replacer`] puts tags or surrogates in their place, [`Deidentified`] maps places of the old text into
//! the new one. Finding is rules over tables of names, places and ordinary words; what the envelope of the note says
//! ([`Known`]) is found whatever stands around it, and what was found once is found again everywhere in the note. Words that
//! recognition takes for a diagnosis, a drug or a part of the body are names only where their context says so.
//!
//! Rules find most and never all. Whoever gives a text away decides whether what is left is little enough.

mod ages;
mod class;
mod date_words;
mod dates;
mod extraction;
mod grow;
mod headers;
mod known;
mod lexicon;
#[cfg(test)]
mod measure;
mod names;
mod numbers;
mod odd_dates;
mod places;
mod replace;
mod rooms;
mod shift;
mod signatures;
mod surrogates;
mod tokens;
mod unknown;
mod words;

pub use class::IdentifierClass;
pub use known::Known;
pub use replace::{Deidentified, Method, Replacement, Replacer, UnknownWords};
pub use surrogates::{DateShift, DeidentificationKey, DeidentificationKeyError};

use aho_corasick::AhoCorasick;
use dates::WrittenDate;
use lexicon::{Bearer, Lexicon};
use names::Names;
use places::Places;
use tokens::{Shape, Token};

use crate::{
    domain::{Span, table::TableError},
    vocabulary::{Tables, Vocabulary},
};

/// An identifier in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Where it stands; bytes.
    pub span: Span,
    /// What it is.
    pub class: IdentifierClass,
    /// What a date says.
    date: Option<WrittenDate>,
}

impl Identifier {
    const fn new(span: Span, class: IdentifierClass) -> Self {
        Self { span, class, date: None }
    }
}

/// What was found in a note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The identifiers, in order, without overlaps.
    pub identifiers: Vec<Identifier>,
    /// Words and numbers that nothing knows, and that may be identifiers therefore; none of them overlaps an identifier.
    pub unsure: Vec<Span>,
}

impl Findings {
    /// What nothing knows taken for identifiers too.
    #[must_use]
    pub fn with_unknown(mut self) -> Self {
        self.identifiers.extend(self.unsure.drain(..).map(|span| Identifier::new(span, IdentifierClass::Other)));
        self.identifiers.sort_by_key(|identifier| identifier.span.start);
        self
    }
}

/// Finds identifiers.
#[derive(Debug)]
pub struct Deidentifier {
    lexicon: Lexicon,
}

impl Deidentifier {
    /// Reads its tables.
    ///
    /// # Errors
    /// A row of a table that cannot be used.
    pub fn new(tables: &Tables, vocabulary: &Vocabulary) -> Result<Self, TableError> {
        Ok(Self { lexicon: Lexicon::load(tables, vocabulary)? })
    }

    /// The identifiers of a text; `mentions` are the words that recognition takes for diagnoses, drugs and their like.
    #[must_use]
    pub fn find(&self, text: &str, known: &Known, mentions: &[Span]) -> Findings {
        let words = tokens::tokens(text);
        let places = Places { text, tokens: &words, lexicon: &self.lexicon };
        let upper = words.iter().filter(|word| matches!(word.shape, Shape::Upper | Shape::Letter)).count();
        let mentioned = Covered::of(mentions.iter().copied());
        let names = Names {
            text,
            tokens: &words,
            lexicon: &self.lexicon,
            mentions: &mentioned,
            is_caseless: places.is_caseless(),
            is_upper: words.len() > 8 && upper * 10 > words.len() * 7,
        };
        // the surest first: what overlaps an earlier one is cut
        let mut found = known::find(text, &words, known, &self.lexicon);
        found.extend(headers::find(text));
        found.extend(numbers::find(text));
        found.extend(odd_dates::ranges(text));
        found.extend(dates::find(text));
        found.extend(odd_dates::find(text));
        found.extend(ages::find(text));
        found.extend(rooms::find(text));
        found.extend(places.find());
        let (mut persons, others) = (names.find(), found);
        persons.sort_by_key(|name| name.span.start);
        let mut all = Merged { text, identifiers: Vec::new() };
        for identifier in others.into_iter().chain(persons) {
            all.add(identifier);
        }
        for identifier in numbers::find_unlabelled(text) {
            all.add(identifier);
        }
        for again in self.again(text, &words, &all.identifiers) {
            all.add(again);
        }
        for initial in initials_before(text, &words, &all.identifiers) {
            all.add(initial);
        }
        for more in grow::find(text, &words, &all.identifiers, (&self.lexicon, &mentioned)) {
            all.add(more);
        }
        let identifiers = all.finish();
        let unknown = unknown::Unknown {
            text,
            tokens: &words,
            lexicon: &self.lexicon,
            mentions: &mentioned,
            found: &Covered::of(identifiers.iter().map(|identifier| identifier.span)),
            is_upper: names.is_upper,
            is_caseless: names.is_caseless,
        };
        let unsure = unknown.find();
        Findings { identifiers, unsure }
    }

    /// Parts of names and numbers that were found, wherever else they stand.
    fn again(&self, text: &str, words: &[Token], found: &[Identifier]) -> Vec<Identifier> {
        let covered = Covered::of(found.iter().map(|identifier| identifier.span));
        let named = Covered::of(found.iter().filter(|one| one.class == IdentifierClass::Name).map(|name| name.span));
        let inside = |span: Span| covered.overlaps(span);
        let mut out = Vec::new();
        let parts: rustc_hash::FxHashSet<&str> = words
            .iter()
            .filter(|word| word.folded.len() > 2 || word.shape == Shape::Title && word.folded.len() == 2)
            .filter(|word| named.overlaps(word.span))
            .map(|word| word.folded.as_str())
            .collect();
        for (at, word) in words.iter().enumerate() {
            if !parts.contains(word.folded.as_str()) || inside(word.span) {
                continue;
            }
            let is_word = self.lexicon.is_ordinary(&word.folded)
                || self.lexicon.is_clinical(&word.folded)
                || self.lexicon.name(&word.folded).is_some_and(|name| name.is_ordinary);
            let next = words.get(at + 1).filter(|next| matches!(tokens::gap(text, word, next), " " | "'s " | "\u{2019}s "));
            let is_term = next.is_some_and(|next| next.shape == Shape::Lower && self.lexicon.is_clinical(&next.folded));
            let is_found = match word.shape {
                Shape::Title => {
                    let is_beginning =
                        word.begins && next.is_some_and(|next| next.shape == Shape::Lower && !is_verb(&next.folded));
                    !(is_word && (is_term || is_beginning))
                }
                Shape::Upper => !is_word || word.folded.len() > 3,
                Shape::Lower => !is_word && self.lexicon.is_plain_name(&word.folded),
                Shape::Letter => false,
            };
            if is_found {
                out.push(Identifier::new(word.span, IdentifierClass::Name));
            }
        }
        let is_number = |one: &&Identifier| {
            let digits = one.span.of(text).bytes().filter(u8::is_ascii_digit).count();
            digits > 4 && !matches!(one.class, IdentifierClass::Date | IdentifierClass::Time)
        };
        let numbers: Vec<&Identifier> = found.iter().filter(is_number).collect();
        // more patterns than it takes: what was found where it stands is found
        if let Ok(matcher) = AhoCorasick::new(numbers.iter().map(|number| number.span.of(text))) {
            out.extend(matcher.find_iter(text).filter_map(|place| {
                let number = numbers.get(place.pattern().as_usize())?;
                Some(Identifier::new(Span::new(place.start(), place.end()), number.class))
            }));
        }
        out
    }

    fn bearer(&self, folded: &str) -> Option<Bearer> {
        self.lexicon.name(folded).and_then(|name| name.given)
    }
}

/// Initials that stand before a name: the "S." of "S. Hayes".
fn initials_before(text: &str, words: &[Token], found: &[Identifier]) -> Vec<Identifier> {
    let covered = Covered::of(found.iter().map(|identifier| identifier.span));
    let is_name =
        |word: &Token| found.iter().any(|one| one.class == IdentifierClass::Name && one.span.start == word.span.start);
    let is_letter_before = |at: usize| {
        at > 0 && words[at - 1].shape == Shape::Letter && matches!(tokens::gap(text, &words[at - 1], &words[at]), "." | ". ")
    };
    let pairs = words.windows(2).enumerate().filter(|(_, pair)| {
        pair[0].shape == Shape::Letter
            && !covered.overlaps(pair[0].span)
            && matches!(tokens::gap(text, &pair[0], &pair[1]), ". " | " " | ".")
            && is_name(&pair[1])
    });
    let first = |at: usize, start: usize| if is_letter_before(at) { words[at - 1].span.start } else { start };
    pairs
        .map(|(at, pair)| Identifier::new(Span::new(first(at, pair[0].span.start), pair[1].span.end), IdentifierClass::Name))
        .collect()
}

/// Words that follow a name at the beginning of a sentence.
fn is_verb(folded: &str) -> bool {
    [
        "is",
        "was",
        "has",
        "had",
        "denies",
        "reports",
        "states",
        "says",
        "called",
        "comes",
        "presents",
        "returns",
        "did",
        "lives",
        "slept",
        "feels",
        "and",
        "to",
        "will",
        "agrees",
        "tolerated",
        "returned",
        "does",
        "went",
        "improved",
        "remains",
        "continues",
        "tells",
        "asked",
        "would",
        "who",
    ]
    .contains(&folded)
}

/// Places in order, to be asked whether one of them overlaps another.
struct Covered(Vec<Span>);

impl Covered {
    fn of(spans: impl Iterator<Item = Span>) -> Self {
        let mut spans: Vec<Span> = spans.collect();
        spans.sort_unstable();
        Self(spans)
    }

    /// Whether a place overlaps one of them; of those that lie within each other the last few are looked at.
    fn overlaps(&self, span: Span) -> bool {
        let before = self.0.partition_point(|other| other.start < span.end);
        self.0[..before].iter().rev().take(8).any(|other| other.overlaps(span))
    }
}

/// Identifiers without overlaps: the first keeps its place, later ones the part that is left of theirs.
struct Merged<'a> {
    text: &'a str,
    identifiers: Vec<Identifier>,
}

impl Merged<'_> {
    fn add(&mut self, mut identifier: Identifier) {
        // a name that goes on beyond one that is there is one name
        let name = |other: &Identifier| {
            other.class == identifier.class
                && matches!(other.class, IdentifierClass::Name | IdentifierClass::Location | IdentifierClass::Organization)
        };
        if let Some(same) = self.identifiers.iter_mut().find(|other| other.span.overlaps(identifier.span) && name(other)) {
            let (start, end) = (same.span.start.min(identifier.span.start), same.span.end.max(identifier.span.end));
            same.span = Span::new(start, end);
            self.trim_neighbours(start, end);
            return;
        }
        // what holds an earlier one in it goes around it
        let overlapping: Vec<Span> =
            self.identifiers.iter().map(|other| other.span).filter(|other| other.overlaps(identifier.span)).collect();
        if overlapping.is_empty() {
            self.identifiers.push(identifier);
            return;
        }
        identifier.date = None;
        let mut at = identifier.span.start;
        let mut rest = Vec::new();
        let mut sorted = overlapping;
        sorted.sort_unstable();
        for taken in sorted {
            rest.push(Span::new(at, taken.start));
            at = at.max(taken.end);
        }
        rest.push(Span::new(at, identifier.span.end));
        for span in rest {
            let part = span.of(self.text);
            let start = span.start + (part.len() - part.trim_start_matches(|one: char| !one.is_alphanumeric()).len());
            let end = span.end.saturating_sub(part.len() - part.trim_end_matches(|one: char| !one.is_alphanumeric()).len());
            if span.start < span.end && start < end {
                self.identifiers.push(Identifier::new(Span::new(start, end), identifier.class));
            }
        }
    }

    /// Takes out what a name that grew covers, and joins other parts of it.
    fn trim_neighbours(&mut self, start: usize, end: usize) {
        let grown = Span::new(start, end);
        let mut kept: Vec<Identifier> = Vec::new();
        for other in std::mem::take(&mut self.identifiers) {
            let is_covered = grown.contains(other.span) && other.span != grown;
            if !is_covered {
                kept.push(other);
            }
        }
        self.identifiers = kept;
    }

    fn finish(mut self) -> Vec<Identifier> {
        self.identifiers.retain(|identifier| !identifier.span.of(self.text).trim().is_empty());
        self.identifiers.sort_by_key(|identifier| (identifier.span.start, std::cmp::Reverse(identifier.span.end)));
        let mut out: Vec<Identifier> = Vec::new();
        for mut identifier in self.identifiers {
            if let Some(last) = out.last()
                && last.span.end > identifier.span.start
            {
                if last.span.end >= identifier.span.end {
                    continue;
                }
                identifier.span.start = last.span.end;
                identifier.date = None;
            }
            out.push(identifier);
        }
        out
    }
}
