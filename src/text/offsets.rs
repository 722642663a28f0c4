//! Offset units: bytes inside, whatever was asked for on the wire.

use crate::domain::{OffsetUnit, Span};

/// Byte offset to another unit and back, for one text. Offsets outside the text or inside a character go to the
/// start of the character or the end of the text.
#[derive(Debug)]
pub struct OffsetMap {
    unit: OffsetUnit,
    /// Of the text, in bytes.
    length: usize,
    /// (byte, unit) of every character start, and of the end.
    marks: Vec<(usize, usize)>,
}

impl OffsetMap {
    /// Builds the map for `text`. ASCII text needs none.
    #[must_use]
    pub fn new(text: &str, unit: OffsetUnit) -> Self {
        if text.is_ascii() {
            return Self { unit, length: text.len(), marks: Vec::new() };
        }
        let mut other = 0;
        let mut marks = Vec::with_capacity(text.len() + 1);
        for (byte, character) in text.char_indices() {
            marks.push((byte, other));
            other += match unit {
                OffsetUnit::Utf8 => character.len_utf8(),
                OffsetUnit::Utf16 => character.len_utf16(),
                OffsetUnit::Codepoint => 1,
            };
        }
        marks.push((text.len(), other));
        Self { unit, length: text.len(), marks }
    }

    /// The unit it maps to.
    #[must_use]
    pub const fn unit(&self) -> OffsetUnit {
        self.unit
    }

    /// From a byte offset.
    #[must_use]
    pub fn from_byte(&self, byte: usize) -> usize {
        if self.marks.is_empty() {
            return byte;
        }
        let index = self.marks.partition_point(|mark| mark.0 <= byte);
        self.marks[index.saturating_sub(1)].1
    }

    /// The bytes of a span that somebody else sent; none when it is empty, lies outside the text or cuts a character.
    #[must_use]
    pub fn to_bytes(&self, span: Span) -> Option<Span> {
        let exact = |offset: usize| Some(self.to_byte(offset)).filter(|byte| self.from_byte(*byte) == offset);
        let bytes = Span::new(exact(span.start)?, exact(span.end)?);
        (!bytes.is_empty() && bytes.end <= self.length).then_some(bytes)
    }

    /// To a byte offset.
    #[must_use]
    pub fn to_byte(&self, offset: usize) -> usize {
        if self.marks.is_empty() {
            return offset;
        }
        let index = self.marks.partition_point(|mark| mark.1 <= offset);
        self.marks[index.saturating_sub(1)].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_differ_and_return() {
        let text = "é😀 pneumonia";
        let byte = text.find("pneumonia").expect("is there");
        assert_eq!(byte, 7);
        assert_eq!(OffsetMap::new(text, OffsetUnit::Codepoint).from_byte(byte), 3);
        assert_eq!(OffsetMap::new(text, OffsetUnit::Utf16).from_byte(byte), 4);
        for unit in [OffsetUnit::Codepoint, OffsetUnit::Utf16, OffsetUnit::Utf8] {
            let map = OffsetMap::new(text, unit);
            for (byte, _) in text.char_indices() {
                assert_eq!(map.to_byte(map.from_byte(byte)), byte);
            }
        }
    }

    #[test]
    fn spans_of_others_are_checked() {
        for (text, unit, start, end, expected) in [
            ("abc", OffsetUnit::Codepoint, 0, 3, Some((0, 3))),
            ("abc", OffsetUnit::Codepoint, 0, 4, None),
            ("abc", OffsetUnit::Codepoint, 2, 2, None),
            ("abc", OffsetUnit::Codepoint, 2, 1, None),
            ("é😀a", OffsetUnit::Codepoint, 1, 3, Some((2, 7))),
            ("é😀a", OffsetUnit::Codepoint, 1, 4, None),
            ("é😀a", OffsetUnit::Codepoint, 1, usize::MAX, None),
            ("é😀a", OffsetUnit::Utf8, 2, 6, Some((2, 6))),
            ("é😀a", OffsetUnit::Utf8, 1, 6, None),
            ("é😀a", OffsetUnit::Utf16, 1, 3, Some((2, 6))),
            ("é😀a", OffsetUnit::Utf16, 1, 2, None),
        ] {
            let found = OffsetMap::new(text, unit).to_bytes(Span::new(start, end));
            assert_eq!(found, expected.map(|(start, end)| Span::new(start, end)), "{text} {unit:?} {start} {end}");
        }
    }
}
