//! Codes as numbers: a code and everything below it is one interval, so that holding a code is two comparisons.

use std::fmt;

/// Most characters of a code without its dot.
const LONGEST: usize = 7;

/// A code without its dot, first character in the highest byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    /// Reads `E11.22`, `e1122`, ` E11 `. None for what has not the form of a code.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut bytes = [0_u8; LONGEST];
        let mut count = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'.' && at == 3 && text.len() > 4 {
                continue;
            }
            let fits = match count {
                0 => byte.is_ascii_alphabetic(),
                1 => byte.is_ascii_digit(),
                _ => byte.is_ascii_alphanumeric(),
            };
            *bytes.get_mut(count).filter(|_| fits)? = byte.to_ascii_uppercase();
            count += 1;
        }
        (count >= 3).then(|| Self(bytes.iter().fold(0, |key, byte| key << 8 | u64::from(*byte))))
    }

    /// Its characters; zero after the last.
    pub(super) fn characters(self) -> [u8; LONGEST] {
        let mut bytes = [0; LONGEST];
        bytes.copy_from_slice(&self.0.to_be_bytes()[1..]);
        bytes
    }

    /// How many characters it has.
    pub(super) fn len(self) -> usize {
        self.characters().iter().take_while(|byte| **byte != 0).count()
    }

    /// Its first `count` characters.
    pub(super) fn first(self, count: usize) -> Self {
        Self(self.0 & !below(count))
    }

    /// The code itself and everything below it.
    pub(super) fn span(self) -> Span {
        Span { low: self, high: Self(self.0 | below(self.len())) }
    }
}

/// All bits after the first `count` characters.
fn below(count: usize) -> u64 {
    (1 << (8 * (LONGEST - count.min(LONGEST)))) - 1
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.characters().into_iter().take(self.len()).enumerate() {
            if at == 3 {
                out.write_str(".")?;
            }
            write!(out, "{}", char::from(byte))?;
        }
        Ok(())
    }
}

/// A code or range of codes with everything below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first code.
    pub(super) low: Key,
    /// Behind the last code.
    pub(super) high: Key,
}

impl Span {
    /// From one code to another, both with everything below; None when they stand in the wrong order.
    pub(super) fn between(low: Key, high: Key) -> Option<Self> {
        let span = Self { low, high: high.span().high };
        (span.low <= span.high).then_some(span)
    }

    /// Reads `E11`, `E11.2` or `A00-B99`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once('-') {
            None => Key::parse(text).map(Key::span),
            Some((low, high)) => Self::between(Key::parse(low)?, Key::parse(high)?),
        }
    }

    /// Whether the code is inside.
    pub(super) fn holds(self, key: Key) -> bool {
        self.low <= key && key <= self.high
    }

    /// The code when it is a single one.
    pub(super) fn single(self) -> Option<Key> {
        (self.low.span() == self).then_some(self.low)
    }

    /// How much it holds, to tell the narrower of two.
    pub(super) fn width(self) -> u64 {
        self.high.0 - self.low.0
    }

    /// The span widened to all codes that share their first two characters with one inside: about its block.
    pub(super) fn neighbourhood(self) -> Self {
        Self { low: self.low.first(2), high: Key(self.high.first(2).0 | below(2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: &str) -> Key {
        Key::parse(code).expect("a code")
    }

    #[test]
    fn codes_with_and_without_dot() {
        for (text, code) in
            [("E11.22", "E11.22"), ("e1122", "E11.22"), (" w19.xxxa ", "W19.XXXA"), ("C7A.090", "C7A.090"), ("I10", "I10")]
        {
            assert_eq!(key(text).to_string(), code);
        }
        for text in ["", "E", "E1", "E1.1", "E11.", "E11.22.3", "11E", "EE1", "E11.22223", "É11", "E11 22", "E.11", "E11-", "-"]
        {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn spans_hold_what_is_below() {
        let span = Span::parse("A00-B99").expect("a range");
        assert!(span.holds(key("A00")) && span.holds(key("B99.9")) && !span.holds(key("C00")));
        let span = Span::parse("E11.2").expect("a code");
        assert!(span.holds(key("E11.2")) && span.holds(key("E11.22")) && !span.holds(key("E11")) && !span.holds(key("E11.3")));
        assert_eq!(span.single(), Some(key("E11.2")));
        assert_eq!(Span::parse("A00-B99").and_then(Span::single), None);
        assert!(Span::parse("O00-O9A").expect("a range").holds(key("O9A.311")));
        for text in ["B99-A00", "A00-", "-B99", "A00-A09-A10", "all"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
        assert!(Span::parse("A41.9").expect("a code").neighbourhood().holds(key("A40.3")));
    }
}
