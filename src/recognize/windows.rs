//! Long notes in overlapping windows of wordpieces, and the way back from logits to tags.
//!
//! The steps are those of `models/training/spans.py`, so that what was measured there holds here.

use std::ops::Range;

use tokenizers::{ModelWrapper, Tokenizer};

use super::{ContextHeads, LabelSet, ModelError, Tag, layout::layout_types};
use crate::{
    domain::{Assertion, MedicationStatus, MentionKind, Span},
    text::Document,
};

/// Wordpieces of a window, without `[CLS]` and `[SEP]`.
pub const WINDOW_PIECES: usize = 180;
/// Wordpieces from one window's start to the next.
pub const WINDOW_STRIDE: usize = 120;

/// A note as wordpieces, without special tokens.
#[derive(Debug, Clone, Default)]
pub struct TokenizedNote {
    /// Wordpiece ids.
    pub ids: Vec<u32>,
    /// Byte span of each.
    pub offsets: Vec<Span>,
    /// Whether it continues the word before.
    pub continuation: Vec<bool>,
    /// Token type of each: the layout (capitals, line starts), or zero for a model that does not use it.
    pub types: Vec<u32>,
}

/// A stretch of a note's wordpieces that runs through the encoder at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// First wordpiece.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// The wordpieces that this window speaks for: those that lie farther from its ends than from the ends of any other window.
    pub kept: Range<usize>,
}

impl Window {
    /// The window of a note that has no other.
    #[must_use]
    pub const fn whole(pieces: usize) -> Self {
        Self { start: 0, end: pieces, kept: 0..pieces }
    }

    /// How far a wordpiece of the window is from its nearer end.
    fn depth(&self, piece: usize) -> usize {
        (piece - self.start).min(self.end - 1 - piece)
    }
}

impl TokenizedNote {
    /// Tokenizes a note; `layout` says whether the model's token types carry the layout.
    ///
    /// # Errors
    /// When the tokenizer fails; its message is not passed on, since it could quote the note.
    pub fn new(text: &str, tokenizer: &Tokenizer, layout: bool) -> Result<Self, ModelError> {
        let encoding = tokenizer.encode(text, false).map_err(|_| ModelError::Tokenize)?;
        let words = encoding.get_word_ids();
        let wordpiece = matches!(tokenizer.get_model(), ModelWrapper::WordPiece(_));
        let mut note = Self { ids: encoding.get_ids().to_vec(), ..Self::default() };
        for (piece, (start, end)) in encoding.get_offsets().iter().enumerate() {
            let own = text.get(*start..*end).unwrap_or_default();
            // byte-level tokenizers count the space before a word to it
            let start = start + (own.len() - own.trim_start().len());
            let letter = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
            // WordPiece marks what continues a word; of others, pieces of one word that touch without punctuation between
            let continues = if wordpiece {
                encoding.get_tokens()[piece].starts_with("##")
            } else {
                piece > 0
                    && words[piece].is_some()
                    && words[piece] == words[piece - 1]
                    && note.offsets.last().is_some_and(|last: &Span| {
                        last.end >= start && letter(text[..start].chars().next_back()) && letter(text[start..].chars().next())
                    })
            };
            note.offsets.push(Span::new(start, (*end).max(start)));
            note.continuation.push(continues);
        }
        note.types = if layout { layout_types(text, &note.offsets, &note.continuation) } else { vec![0; note.ids.len()] };
        Ok(note)
    }
}

/// The windows that cover `pieces` wordpieces; none for an empty note.
#[must_use]
pub fn cut_windows(pieces: usize) -> Vec<Window> {
    if pieces == 0 {
        return Vec::new();
    }
    // as many strides as it takes until a window reaches the end
    let strides = pieces.saturating_sub(WINDOW_PIECES).div_ceil(WINDOW_STRIDE);
    let window = |start: usize| {
        let end = (start + WINDOW_PIECES).min(pieces);
        Window { start, end, kept: start..end }
    };
    let mut windows: Vec<Window> = (0..=strides).map(|stride| window(stride * WINDOW_STRIDE)).collect();
    for index in 1..windows.len() {
        let (before, after) = (&windows[index - 1], &windows[index]);
        let border = (after.start..before.end).find(|piece| after.depth(*piece) > before.depth(*piece)).unwrap_or(before.end);
        windows[index - 1].kept.end = border;
        windows[index].kept.start = border;
    }
    windows
}

/// What the model says of a note.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tagging {
    /// Decoded spans, in order.
    pub tags: Vec<Tag>,
    /// Of every wordpiece its byte span and the probability of each kind, in the order of [`MentionKind::ALL`].
    pub pieces: Vec<(Span, [f32; 4])>,
    /// Of every wordpiece the logits of the context heads: assertions, then statuses. Empty when the model has no such heads.
    pub contexts: Vec<Vec<f32>>,
    /// What the columns of `contexts` mean.
    pub heads: ContextHeads,
}

impl Tagging {
    /// Mean over the wordpieces under `span` of the probability of `kind`; zero where there is none.
    #[must_use]
    pub fn probability(&self, span: Span, kind: MentionKind) -> f32 {
        let first = self.pieces.partition_point(|(piece, _)| piece.end <= span.start);
        let under: Vec<f32> = self.pieces[first..]
            .iter()
            .take_while(|(piece, _)| piece.start < span.end)
            .map(|(_, p)| p[kind as usize])
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a span has few wordpieces")]
        let count = under.len().max(1) as f32;
        under.iter().sum::<f32>() / count
    }

    /// What the model takes the words under `span` to be asserted as, each class with its probability; empty without that head.
    #[must_use]
    pub fn assertions(&self, span: Span) -> Vec<(Assertion, f32)> {
        let columns = 0..self.heads.assertions.len();
        self.heads.assertions.iter().copied().zip(self.context(span, columns)).collect()
    }

    /// The same of a medication's status.
    #[must_use]
    pub fn statuses(&self, span: Span) -> Vec<(MedicationStatus, f32)> {
        let first = self.heads.assertions.len();
        let columns = first..first + self.heads.statuses.len();
        self.heads.statuses.iter().copied().zip(self.context(span, columns)).collect()
    }

    /// Softmax of the mean logits over the wordpieces under `span`.
    fn context(&self, span: Span, columns: std::ops::Range<usize>) -> Vec<f32> {
        let first = self.pieces.partition_point(|(piece, _)| piece.end <= span.start);
        let last = self.pieces.partition_point(|(piece, _)| piece.start < span.end);
        let Some(under) = self.contexts.get(first..last).filter(|under| !under.is_empty()) else { return Vec::new() };
        #[expect(clippy::cast_precision_loss, reason = "a span has few wordpieces")]
        let count = under.len() as f32;
        let mean: Vec<f32> = columns.map(|column| under.iter().map(|row| row[column]).sum::<f32>() / count).collect();
        softmax(&mean, 1.0)
    }
}

/// Words that name nothing by themselves; a tag of nothing else is a slip of the model.
const FUNCTION_WORDS: [&str; 24] = [
    "a", "an", "and", "at", "both", "by", "for", "from", "his", "her", "in", "is", "left", "no", "of", "on", "or", "right",
    "the", "there", "to", "was", "were", "with",
];

/// Function words that a mention does not begin with.
const LEADING: [&str; 14] = ["a", "an", "and", "at", "by", "for", "from", "his", "her", "in", "of", "on", "or", "the"];
/// Function words that a mention does not end with ("hepatitis A" does end with one of them).
const TRAILING: [&str; 15] =
    ["and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to", "was", "were", "with"];

impl Tagging {
    /// Cuts tags where a sentence or list item ends, trims function words at their edges, and drops what names nothing. Statements of no known allergies may run on.
    #[must_use]
    pub fn within_sentences(mut self, document: &Document) -> Self {
        let tags = std::mem::take(&mut self.tags);
        for tag in tags {
            if tag.kind == MentionKind::NoKnownAllergies {
                self.tags.push(tag);
                continue;
            }
            let first = document.sentences.partition_point(|sentence| sentence.span.end <= tag.span.start);
            let pieces: Vec<Span> = document.sentences[first..]
                .iter()
                .take_while(|sentence| sentence.span.start < tag.span.end)
                .map(|sentence| {
                    let start = sentence.span.start.max(tag.span.start);
                    Span::new(start, sentence.span.end.min(tag.span.end))
                })
                .collect();
            let pieces = if pieces.len() > 1 { pieces } else { vec![tag.span] };
            for piece in pieces {
                let mut words = &document.words[document.words_in(piece)];
                if !words.iter().any(|word| !FUNCTION_WORDS.contains(&word.folded.as_str())) {
                    continue;
                }
                while let Some((_, rest)) = words.split_first().filter(|(word, _)| LEADING.contains(&word.folded.as_str())) {
                    words = rest;
                }
                while let Some((_, rest)) = words.split_last().filter(|(word, _)| TRAILING.contains(&word.folded.as_str())) {
                    words = rest;
                }
                let (Some(first), Some(last)) = (words.first(), words.last()) else { continue };
                let trimmed = Span::new(first.span.start.max(piece.start), last.span.end.min(piece.end));
                // what stands outside of words (brackets, a percent sign) stays unless words were trimmed or the tag was cut
                let whole = piece == tag.span && words.len() == document.words_in(piece).len();
                let (span, probability) =
                    if whole { (piece, tag.probability) } else { (trimmed, self.probability(trimmed, tag.kind)) };
                self.tags.push(Tag { span, kind: tag.kind, probability });
            }
        }
        self
    }
}

/// Tags of a note from the logits of its windows, each of the wordpieces that it speaks for: softmax with the model's temperature, BIO
/// decoding.
#[must_use]
pub fn tag(
    note: &TokenizedNote,
    logits: &[Vec<Vec<f32>>],
    (labels, heads): (&LabelSet, &ContextHeads),
    temperature: f32,
) -> Tagging {
    let rows: Vec<&Vec<f32>> = logits.iter().flatten().collect();
    if rows.len() != note.ids.len() {
        return Tagging::default();
    }
    let probabilities: Vec<Vec<f32>> = rows.iter().map(|row| softmax(&row[..labels.len()], temperature)).collect();
    let contexts = rows.iter().map(|row| row[labels.len()..].to_vec()).filter(|row| !row.is_empty()).collect();
    let pieces = note.offsets.iter().zip(&probabilities).map(|(span, row)| (*span, labels.by_kind(row))).collect();
    let tags = labels.decode(&note.offsets, &note.continuation, &probabilities);
    Tagging { tags, pieces, contexts, heads: heads.clone() }
}

fn softmax(row: &[f32], temperature: f32) -> Vec<f32> {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = row.iter().map(|value| ((value - highest) / temperature).exp()).collect();
    let total: f32 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| value / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_piece() {
        for pieces in (0..800).chain([5000]) {
            let windows = cut_windows(pieces);
            let mut next = 0;
            for window in &windows {
                assert!(
                    window.kept.start == next && window.kept.end <= window.end && window.start <= next,
                    "{pieces} {window:?}"
                );
                next = window.kept.end;
                for piece in window.kept.clone() {
                    let is_there = |other: &&Window| other.start <= piece && piece < other.end;
                    let deepest = windows.iter().filter(is_there).map(|other| other.depth(piece)).max();
                    assert_eq!(deepest, Some(window.depth(piece)), "{pieces} {piece}");
                }
            }
            assert_eq!(next, pieces);
            assert!(windows.iter().all(|window| window.end - window.start <= WINDOW_PIECES));
        }
        assert_eq!(cut_windows(181).len(), 2);
        assert!(cut_windows(0).is_empty());
    }
}
