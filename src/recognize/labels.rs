//! Labels of a token-classification model and the decoding of tagged wordpieces into spans.

use crate::domain::{MentionKind, Span};

/// A label in BIO coding: outside, beginning of a kind, inside of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Outside,
    Begin(MentionKind),
    Inside(MentionKind),
}

/// The labels of a model in the order of its output rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSet {
    labels: Vec<Label>,
}

/// A tagged span: byte offsets, kind, probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tag {
    /// Where it stands.
    pub span: Span,
    /// What it names.
    pub kind: MentionKind,
    /// Mean over its wordpieces of the probability of its kind.
    pub probability: f32,
}

impl LabelSet {
    /// Reads label names such as `B-DIAGNOSIS`; without a prefix, as in models that do not mark beginnings, it is an inside label.
    ///
    /// # Errors
    /// The first name that is not a BIO label of a known kind.
    pub fn parse(names: &[String]) -> Result<Self, String> {
        let labels = names.iter().map(|name| Self::label(name).ok_or_else(|| name.clone())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { labels })
    }

    fn label(name: &str) -> Option<Label> {
        if name == "O" {
            return Some(Label::Outside);
        }
        let (prefix, kind) = name.split_once('-').unwrap_or(("I", name));
        let kind = match kind {
            "DIAGNOSIS" => MentionKind::Diagnosis,
            "MEDICATION" => MentionKind::Medication,
            "ALLERGEN" => MentionKind::Allergen,
            "NO_KNOWN_ALLERGIES" => MentionKind::NoKnownAllergies,
            _ => return None,
        };
        match prefix {
            "B" => Some(Label::Begin(kind)),
            "I" => Some(Label::Inside(kind)),
            _ => None,
        }
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Probability of each kind, begin and inside together, in the order of [`MentionKind::ALL`].
    #[must_use]
    pub fn by_kind(&self, row: &[f32]) -> [f32; 4] {
        let mut kinds = [0.0; 4];
        for (label, value) in self.labels.iter().zip(row) {
            if let Label::Begin(kind) | Label::Inside(kind) = label {
                kinds[*kind as usize] += value;
            }
        }
        kinds
    }

    /// Spans of the most probable labels. A begin label starts a span, and so does an inside label that no open span of its
    /// kind precedes; a `##` continuation goes with the piece before it, so that a span holds whole words.
    /// `probabilities` has one row a wordpiece, one column a label.
    #[must_use]
    pub fn decode(&self, offsets: &[Span], continuation: &[bool], probabilities: &[Vec<f32>]) -> Vec<Tag> {
        let mut tags = Vec::new();
        let mut open: Option<(MentionKind, Vec<usize>)> = None;
        for (piece, row) in probabilities.iter().enumerate() {
            if continuation[piece] {
                if let Some((_, pieces)) = &mut open {
                    pieces.push(piece);
                }
                continue;
            }
            let best = row.iter().enumerate().fold(0, |best, (index, value)| if *value > row[best] { index } else { best });
            match self.labels[best] {
                Label::Outside => self.close(&mut open, offsets, probabilities, &mut tags),
                Label::Inside(kind) if open.as_ref().is_some_and(|(open, _)| *open == kind) => {
                    if let Some((_, pieces)) = &mut open {
                        pieces.push(piece);
                    }
                }
                Label::Begin(kind) | Label::Inside(kind) => {
                    self.close(&mut open, offsets, probabilities, &mut tags);
                    open = Some((kind, vec![piece]));
                }
            }
        }
        self.close(&mut open, offsets, probabilities, &mut tags);
        tags
    }

    fn close(
        &self,
        open: &mut Option<(MentionKind, Vec<usize>)>,
        offsets: &[Span],
        probabilities: &[Vec<f32>],
        tags: &mut Vec<Tag>,
    ) {
        let Some((kind, pieces)) = open.take() else { return };
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return };
        let columns: Vec<usize> = (0..self.labels.len())
            .filter(|index| matches!(self.labels[*index], Label::Begin(of) | Label::Inside(of) if of == kind))
            .collect();
        let total: f32 =
            pieces.iter().map(|piece| columns.iter().map(|column| probabilities[*piece][*column]).sum::<f32>()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a span has few wordpieces")]
        let probability = (total / pieces.len() as f32).clamp(0.0, 1.0);
        tags.push(Tag { span: Span::new(offsets[*first].start, offsets[*last].end), kind, probability });
    }
}
