//! The layout of a note as token types: what a lower-casing tokenizer hides.
//!
//! A heading is in capitals and opens a line; a brand name is capitalised. The tokenizer of the shipped model keeps neither,
//! so each wordpiece is given a token type instead. `layout_types` of `models/training/spans.py` gives the same.

use crate::domain::Span;

/// How many token types there are: three cases, each for the first word of a line and for every other.
pub(super) const LAYOUT_TYPES: usize = 6;

/// Token type of each wordpiece: lower case 0, capitalised 1, capitals (two letters or more) 2; 3 more where the word is the
/// first of its line. Letters are those from A to Z. A word is a wordpiece with the pieces that continue it.
pub(super) fn layout_types(text: &str, offsets: &[Span], continuation: &[bool]) -> Vec<u32> {
    let mut types = Vec::with_capacity(offsets.len());
    while types.len() < offsets.len() {
        let piece = types.len();
        let more = continuation[piece + 1..].iter().take_while(|continues| **continues).count();
        let word = text.get(offsets[piece].start..offsets[piece + more].end).unwrap_or_default();
        let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
        let case = if capitals >= 2 && !word.bytes().any(|byte| byte.is_ascii_lowercase()) {
            2
        } else {
            u32::from(word.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase()))
        };
        // two pieces of one character (a ligature) have nothing between them
        let opens =
            piece == 0 || text.get(offsets[piece - 1].end..offsets[piece].start).is_some_and(|between| between.contains('\n'));
        types.push(case + 3 * u32::from(opens));
        types.extend(std::iter::repeat_n(case, more));
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_and_line_starts() {
        let text = "PAST history\nof Lasix, x";
        let spans = [(0, 4), (5, 9), (9, 12), (13, 15), (16, 19), (19, 21), (21, 22), (23, 24)].map(|(s, e)| Span::new(s, e));
        let continuation = [false, false, true, false, false, true, false, false];
        assert_eq!(layout_types(text, &spans, &continuation), [5, 0, 0, 3, 1, 1, 0, 0]);
        assert!(layout_types("", &[], &[]).is_empty());
        // "ﬁ" is one character of three bytes, which a normaliser makes two
        assert_eq!(layout_types("ﬁ", &[Span::new(0, 3), Span::new(0, 3)], &[false, false]), [3, 0]);
    }
}
