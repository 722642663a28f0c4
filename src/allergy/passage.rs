//! The passage in which substances and what they did are told, as words: substances, reactions and words of severity stand as one token each.

use regex::Regex;

use super::slots;
use super::table::{AllergyTables, Told};
use crate::domain::Span;

pattern!(WORDS, r"[-=]+>|--+|[A-Za-z][A-Za-z'’]*|\d+|\n|[^\sA-Za-z\d]");
pattern!(
    FIELD,
    r"(?i)^[.;,|\n]*\s*(?:(?:adverse )?reactions?(?: type)?|rxn|(?:pt's |patient's |the )?reaction (?:was|is)|manifestations?|severity|type|category|what happened)\s*(?::|was\b|is\b)"
);

pattern!(INDENTED, r"^\n(?:[ \t]{2,}|[ \t]*[-•>]+ ?)[A-Za-z]");

/// A passage reaches no farther than so many bytes: a note may be one line of megabytes.
const LONGEST: usize = 600;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    /// A word or mark.
    Word,
    /// The substance of that number.
    Substance(usize),
    /// The reaction of that number.
    Reaction(usize),
    /// The word of severity of that number.
    Severity(usize),
}

/// A word, mark, or thing told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// In small letters; a capital letter for a thing.
    pub word: String,
    /// What it stands for.
    pub thing: Thing,
}

/// A word of severity, with its grade and code.
#[derive(Debug, Clone)]
pub(super) struct Severity {
    pub span: Span,
    pub grade: String,
    pub code: String,
}

/// One passage.
#[derive(Debug)]
pub(super) struct Passage {
    pub tokens: Vec<Token>,
    pub reactions: Vec<Told>,
    pub severities: Vec<Severity>,
}

/// The passages that name a substance, in order.
pub(super) fn passages(text: &str, tables: &AllergyTables, substances: &[Span]) -> Vec<Passage> {
    let mut spans: Vec<Span> = Vec::new();
    for substance in substances {
        let floor = spans.last().map_or(0, |last| last.end);
        if substance.end <= floor {
            continue;
        }
        let near = substance.around(text, LONGEST / 2, LONGEST);
        let start = (near.start.max(floor)..substance.start.max(floor)).rev().find(|at| ends(text, *at));
        let start = start.map_or(near.start.max(floor), |at| at + 1).min(substance.start);
        let mut end = (substance.end..near.end).find(|at| ends(text, *at)).unwrap_or(near.end);
        // fields below it, and an indented line that names no other substance, are told of the substance above them
        while let Some(length) = continued(&text[end..near.end.max(end)]) {
            let from = end + length;
            let next = (from..near.end.max(from)).find(|at| ends(text, *at)).unwrap_or(near.end.max(from));
            if !FIELD.is_match(&text[end..from]) && substances.iter().any(|other| other.start >= from && other.start < next) {
                break;
            }
            end = next;
        }
        spans.push(Span::new(start, end));
    }
    spans.into_iter().map(|span| passage(text, tables, substances, span)).collect()
}

/// How far into `rest`, which begins at the end of a line, the words reach that make the next line a part of the passage.
fn continued(rest: &str) -> Option<usize> {
    FIELD.find(rest).or_else(|| INDENTED.find(rest)).map(|found| found.end())
}

/// Whether a passage ends at this byte: at the end of a line. What a drug did may be told in the next sentence.
fn ends(text: &str, at: usize) -> bool {
    text.as_bytes()[at] == b'\n'
}

fn passage(text: &str, tables: &AllergyTables, substances: &[Span], span: Span) -> Passage {
    let first = substances.partition_point(|one| one.start < span.start);
    let within = substances.iter().copied().enumerate().skip(first).take_while(|(_, one)| one.start < span.end);
    let inside: Vec<(usize, Span)> = within.filter(|(_, one)| one.end <= span.end).collect();
    let free = |place: Span| !inside.iter().any(|(_, one)| one.overlaps(place));
    let mut reactions: Vec<Told> =
        tables.reactions.reactions_in(text, span).into_iter().filter(|told| free(told.span)).collect();
    let severities: Vec<Severity> = tables
        .reactions
        .severities_in(text, span)
        .into_iter()
        .filter(|(place, ..)| free(*place) && !reactions.iter().any(|told| told.span.overlaps(*place)))
        .map(|(span, grade, code)| Severity { span, grade: grade.to_owned(), code: code.to_owned() })
        .collect();
    for (index, (_, substance)) in inside.iter().enumerate() {
        let end = inside.get(index + 1).map_or(span.end, |next| next.1.start);
        for place in slots::open_after(text, tables, Span::new(substance.end, end)) {
            if free(place) && !reactions.iter().any(|told| told.span.overlaps(place)) {
                reactions.push(Told { span: place, code: String::new(), display: None, open: true });
            }
        }
    }
    reactions.sort_by_key(|told| told.span);
    let mut things: Vec<(Span, Thing)> = inside.iter().map(|(number, place)| (*place, Thing::Substance(*number))).collect();
    things.extend(reactions.iter().enumerate().map(|(number, told)| (told.span, Thing::Reaction(number))));
    things.extend(severities.iter().enumerate().map(|(number, one)| (one.span, Thing::Severity(number))));
    things.sort_by_key(|(place, _)| *place);
    let mut tokens = Vec::new();
    let mut at = span.start;
    for (place, thing) in things {
        if place.start < at {
            continue;
        }
        words(&text[at..place.start], &WORDS, &mut tokens);
        let word = match thing {
            Thing::Substance(_) => "S",
            Thing::Reaction(number) if reactions[number].open => "O",
            Thing::Reaction(_) => "R",
            Thing::Severity(_) | Thing::Word => "V",
        };
        tokens.push(Token { word: word.to_owned(), thing });
        at = place.end;
    }
    words(&text[at..span.end], &WORDS, &mut tokens);
    Passage { tokens, reactions, severities }
}

fn words(gap: &str, pattern: &Regex, tokens: &mut Vec<Token>) {
    for word in pattern.find_iter(gap) {
        let word = match word.as_str() {
            "\n" => "nl".to_owned(),
            "." | "!" if gap[word.end()..].starts_with(|letter: char| !letter.is_whitespace() && letter != '"') => continue,
            "!" => ".".to_owned(),
            number if number.starts_with(|letter: char| letter.is_ascii_digit()) => "#".to_owned(),
            other => other.to_lowercase(),
        };
        tokens.push(Token { word, thing: Thing::Word });
    }
}
