//! Where the text that may speak of a drug ends: list items, sentences, headings.

use crate::domain::Span;
use crate::text::Document;

/// First offset at or after `from` at which a sentence or list item ends, at most `limit`.
///
/// `joins` says whether a sig word starts at an offset: "b.i.d. p.o." is no sentence end.
pub(super) fn clause_end(document: &Document, (from, limit): (usize, usize), joins: impl Fn(usize) -> bool) -> usize {
    let limit = document
        .section_at(Span::new(from, from))
        .map_or(limit, |section| if section.body.end > from { limit.min(section.body.end) } else { limit });
    let text = &document.text;
    let bytes = text.as_bytes();
    let mut index = from;
    while index < limit {
        match bytes[index] {
            b'\n' if ends_line(text, index, &joins) => return index,
            b'.' | b';' | b'!' | b'?' if ends_sentence(text, index, &joins) => return index,
            _ => {}
        }
        index += 1;
    }
    limit
}

/// A line break ends an item unless the next line goes on in lower case or with a sig word.
fn ends_line(text: &str, at: usize, joins: &impl Fn(usize) -> bool) -> bool {
    let rest = &text[at + 1..];
    let next = rest.trim_start_matches([' ', '\t', '\r']);
    let start = text.len() - next.len();
    !(next.starts_with(|character: char| character.is_lowercase()) || joins(start))
}

/// A full stop ends a sentence before white space and a capital or a list number, unless a sig word follows.
fn ends_sentence(text: &str, at: usize, joins: &impl Fn(usize) -> bool) -> bool {
    let rest = &text[at + 1..];
    let next = rest.trim_start_matches([' ', '\t']);
    if next.len() == rest.len() {
        return false;
    }
    let start = text.len() - next.len();
    if text.as_bytes()[at] == b';' {
        return !joins(start);
    }
    let list_number = next.find(['.', ')']).is_some_and(|dot| {
        dot > 0 && dot <= 2 && next[..dot].bytes().all(|byte| byte.is_ascii_digit()) && next[dot + 1..].starts_with([' ', '\t'])
    });
    if list_number {
        return true;
    }
    if joins(start) || next.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("sig")) {
        return false;
    }
    // "500 mg capsules. Take 4 capsules": the directions go on
    let verb = next.split(' ').next().unwrap_or_default();
    if ["take", "takes", "give", "apply", "inject", "use", "place", "instill", "inhale"]
        .iter()
        .any(|known| verb.eq_ignore_ascii_case(known))
        && joins(start + verb.len() + 1)
    {
        return false;
    }
    next.starts_with(|character: char| character.is_uppercase() || character == '"')
}
