//! Words of a note as names are read from them: letters with inner apostrophes, with how they are written.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::domain::Span;

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `smith`
    Lower,
    /// `Smith`, `McAllister`
    Title,
    /// `SMITH`
    Upper,
    /// `J`
    Letter,
}

/// A word.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) span: Span,
    /// Lower case, without accents and possessive.
    pub(super) folded: String,
    pub(super) shape: Shape,
    /// Whether a sentence, a line or a list item begins with it.
    pub(super) begins: bool,
}

/// Lower case, without accents; typographic apostrophes as plain ones.
pub(super) fn fold(word: &str) -> String {
    word.nfkd()
        .filter(|character| !is_combining_mark(*character))
        .flat_map(char::to_lowercase)
        .map(|character| if matches!(character, '\u{2018}' | '\u{2019}') { '\'' } else { character })
        .collect()
}

fn shape(word: &str) -> Shape {
    let letters = || word.chars().filter(|character| character.is_alphabetic());
    let first_is_upper = letters().next().is_some_and(char::is_uppercase);
    match letters().count() {
        1 if first_is_upper => Shape::Letter,
        _ if letters().all(char::is_uppercase) => Shape::Upper,
        // an I that a scanner took for an l
        count if count > 3 && first_is_upper && letters().all(|letter| letter.is_uppercase() || letter == 'l') => Shape::Upper,
        _ if first_is_upper => Shape::Title,
        _ => Shape::Lower,
    }
}

/// The words of a text. Letters that stand beside a digit belong to a code and are no word.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut start: Option<usize> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let is_inside = character.is_alphabetic()
            || is_combining_mark(character)
            || (start.is_some() && matches!(character, '\'' | '\u{2019}') && next.is_some_and(char::is_alphabetic));
        if is_inside {
            start.get_or_insert(at);
        }
        let end = if is_inside { text.len() } else { at };
        if let Some(begin) = start.filter(|_| !is_inside || next.is_none()) {
            start = None;
            push(text, Span::new(begin, end), &mut out);
        }
    }
    out
}

fn push(text: &str, mut span: Span, out: &mut Vec<Token>) {
    let digit = |character: Option<char>| character.is_some_and(|character| character.is_ascii_digit());
    if digit(text[..span.start].chars().next_back()) || digit(text[span.end..].chars().next()) {
        return;
    }
    let word = span.of(text);
    for ending in ["'s", "\u{2019}s", "'S", "\u{2019}S"] {
        if word.ends_with(ending) && word.len() > ending.len() + 1 {
            span.end -= ending.len();
            break;
        }
    }
    let before = text[..span.start].trim_end_matches([' ', '\t', '"', '(', '*']);
    let begins = before.is_empty() || before.ends_with(['\n', '\r', '!', '?', ':', ';', '\u{2022}', '|'])
        // the point of a title or an initial ends no sentence
        || before.strip_suffix('.').is_some_and(|rest| {
            let last = rest.rsplit(|character: char| !character.is_alphabetic()).next().unwrap_or_default();
            let is_initial = last.chars().count() == 1 && last.chars().all(char::is_uppercase);
            !(is_initial || is_abbreviated(last))
        });
    let word = span.of(text);
    out.push(Token { span, folded: fold(word), shape: shape(word), begins });
}

fn is_abbreviated(word: &str) -> bool {
    ["dr", "mr", "mrs", "ms", "prof", "st", "sra", "sr", "jr", "rev", "sgt", "lt"].contains(&word.to_ascii_lowercase().as_str())
}

/// What stands between two words.
pub(super) fn gap<'a>(text: &'a str, left: &Token, right: &Token) -> &'a str {
    Span::new(left.span.end, right.span.start).of(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_shape_and_place() {
        let text = "Dr. O\u{2019}Malley saw Ms. LEE's son; J. Ruiz-Peña came. K338201";
        let found = tokens(text);
        let words: Vec<(&str, Shape)> = found.iter().map(|token| (token.span.of(text), token.shape)).collect();
        assert_eq!(
            words[..4],
            [("Dr", Shape::Title), ("O\u{2019}Malley", Shape::Title), ("saw", Shape::Lower), ("Ms", Shape::Title)]
        );
        assert_eq!(words[4], ("LEE", Shape::Upper));
        assert!(words.contains(&("J", Shape::Letter)) && words.contains(&("Peña", Shape::Title)));
        assert!(!words.iter().any(|(word, _)| *word == "K"), "letters of a code are no word");
        assert!(found.iter().any(|token| token.folded == "pena"));
        assert!(!found[1].begins && !found[4].begins && found[6].begins);
    }
}
