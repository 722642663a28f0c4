//! A stretch of a note's canonical text.

use serde::{Deserialize, Serialize};

/// Half-open range `start..end`; byte offsets inside the process, the asked unit on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Span {
    /// First offset.
    pub start: usize,
    /// One past the last offset.
    pub end: usize,
}

impl Span {
    /// A span from `start` to `end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Length in the unit of the offsets.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// True when nothing is covered.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// True when the two share at least one offset.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// True when `other` lies wholly inside `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// This byte span with at most so many bytes before and after it, cut to character boundaries: what is near in a text of any length.
    #[must_use]
    pub fn around(self, text: &str, before: usize, after: usize) -> Self {
        let from = self.start.min(text.len()).saturating_sub(before);
        let to = (self.end + after).min(text.len());
        let start = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let end = (0..=to).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Self::new(start, end.max(start))
    }

    /// The words of `text` under this byte span; empty when the span does not fit the text.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}
