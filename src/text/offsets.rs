//! Offset units: bytes inside, whatever was asked for on the wire.

use crate::domain::OffsetUnit;

/// Byte offset to another unit and back, for one text. Offsets outside the text or inside a character go to the
/// start of the character or the end of the text.
#[derive(Debug)]
pub struct OffsetMap {
    unit: OffsetUnit,
    /// (byte, unit) of every character start, and of the end.
    marks: Vec<(usize, usize)>,
}

impl OffsetMap {
    /// Builds the map for `text`. ASCII text needs none.
    #[must_use]
    pub fn new(text: &str, unit: OffsetUnit) -> Self {
        if text.is_ascii() || unit == OffsetUnit::Utf8 {
            return Self { unit, marks: Vec::new() };
        }
        let mut other = 0;
        let mut marks = Vec::with_capacity(text.len() + 1);
        for (byte, character) in text.char_indices() {
            marks.push((byte, other));
            other += if unit == OffsetUnit::Utf16 { character.len_utf16() } else { 1 };
        }
        marks.push((text.len(), other));
        Self { unit, marks }
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
}
