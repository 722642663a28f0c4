//! Tokens of a sentence: folded words and the punctuation that carries meaning.

use crate::domain::Span;
use crate::text::{Document, words};

/// A word or a punctuation mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) span: Span,
    /// Folded word, or the mark.
    pub(super) text: &'a str,
    pub(super) is_word: bool,
}

/// Marks that are tokens wherever they stand; a hyphen is one only between spaces or brackets.
const MARKS: &[&str] = &[",", ";", ":", "?", "(", ")", "+", "="];

/// The tokens of `range`.
pub(super) fn tokens(document: &Document, range: Span) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut end = range.start;
    for word in &document.words[document.words_in(range)] {
        marks(&document.text, Span::new(end, word.span.start), &mut out);
        out.push(Token { span: word.span, text: &word.folded, is_word: true });
        end = word.span.end;
    }
    marks(&document.text, Span::new(end, range.end), &mut out);
    out
}

fn marks<'a>(text: &'a str, gap: Span, out: &mut Vec<Token<'a>>) {
    for (index, character) in gap.of(text).char_indices() {
        let start = gap.start + index;
        let span = Span::new(start, start + character.len_utf8());
        let mark = span.of(text);
        if MARKS.contains(&mark) {
            out.push(Token { span, text: mark, is_word: false });
        } else if matches!(character, '-' | '\u{2013}' | '\u{2014}')
            && text[..start].ends_with(|c: char| c.is_whitespace() || c == '(')
            && text[span.end..].starts_with(|c: char| c.is_whitespace() || c == ')')
        {
            out.push(Token { span, text: "-", is_word: false });
        }
    }
}

/// The tokens of a phrase of the table; `<year>` and the like stay as they are.
pub(super) fn phrase(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for part in text.split_whitespace() {
        if part.starts_with('<') || part == "-" || MARKS.contains(&part) {
            out.push(part.to_owned());
        } else {
            out.extend(words(part).into_iter().map(|word| word.folded));
        }
    }
    out
}

/// Classes that need no list of words.
pub(super) const CLASSES: &[&str] = &["<year>", "<number>", "<unit>", "<month>"];

/// True when a token is of one of [`CLASSES`].
pub(super) fn is_of(class: &str, token: &str) -> bool {
    match class {
        "<year>" => is_year(token),
        "<number>" => is_number(token),
        "<unit>" => is_unit(token),
        "<month>" => is_month(token),
        _ => false,
    }
}

fn is_year(token: &str) -> bool {
    token.len() == 4 && token.bytes().all(|b| b.is_ascii_digit()) && (token.starts_with("19") || token.starts_with("20"))
}

fn is_number(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_digit()) && token.len() <= 3
        || matches!(
            token,
            "a" | "one"
                | "two"
                | "three"
                | "four"
                | "five"
                | "six"
                | "seven"
                | "eight"
                | "nine"
                | "ten"
                | "eleven"
                | "twelve"
                | "several"
                | "few"
                | "couple"
                | "many"
                | "half"
        )
}

fn is_unit(token: &str) -> bool {
    matches!(token, "day" | "week" | "month" | "year" | "decade" | "yr" | "wk" | "mo" | "weeks" | "hour")
}

fn is_month(token: &str) -> bool {
    matches!(
        token,
        "january"
            | "february"
            | "march"
            | "april"
            | "may"
            | "june"
            | "july"
            | "august"
            | "september"
            | "october"
            | "november"
            | "december"
            | "jan"
            | "feb"
            | "mar"
            | "apr"
            | "jun"
            | "jul"
            | "aug"
            | "sep"
            | "sept"
            | "oct"
            | "nov"
            | "dec"
            | "spring"
            | "summer"
            | "fall"
            | "winter"
    )
}
