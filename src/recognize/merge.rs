//! Dictionary and model mentions in one list.
//!
//! Policy, for each kind:
//! 1. a span that the model tags is a mention when its probability reaches the kind's model floor, or the lower joint floor
//!    when a dictionary term of the same kind overlaps it;
//! 2. its words are the model's, unless a dictionary term of the same kind holds all of them and the model gives the extra
//!    words half a chance: then the longer term;
//! 3. a dictionary term that no tag overlaps is a mention when the model gives its words at least the kind's dictionary floor
//!    (without a model: always); shorthand, which the dictated notes that the model learnt from hardly have, at least a
//!    hundredth; a term of the site's pack whatever the model gives it;
//! 4. where kinds compete for words, the more probable one stays.
//!
//! A mention's confidence is the share of right mentions among its like. Floors and confidences were chosen on the tenth of the training notes that the weights never saw.

use super::{PACK_SOURCE, Tagging, dictionary::Candidate};
use crate::domain::{Mention, MentionKind, Span};

/// Which recognisers take part; for ablation tables and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognizers {
    /// The dictionary.
    pub dictionary: bool,
    /// The model.
    pub model: bool,
}

struct Floors {
    model: f32,
    joint: f32,
    dictionary: f32,
    /// Confidence of a dictionary mention when no model ran.
    alone: f32,
}

const fn floors(kind: MentionKind) -> Floors {
    match kind {
        MentionKind::Diagnosis => Floors { model: 0.80, joint: 0.30, dictionary: 0.10, alone: 0.6 },
        MentionKind::Medication => Floors { model: 0.80, joint: 0.25, dictionary: 0.10, alone: 0.8 },
        MentionKind::Allergen | MentionKind::NoKnownAllergies => {
            Floors { model: 0.40, joint: 0.25, dictionary: 0.20, alone: 0.8 }
        }
    }
}

/// Least probability that the model must give the words of a dictionary term without a tag. Abbreviations of diagnoses are guarded by the
/// words around them, and everyday names of drugs are names of little else; both stand mostly in notes written in shorthand, of
/// which the model has seen few.
fn dictionary_floor(candidate: &Candidate) -> f32 {
    match (candidate.kind, candidate.source.as_str()) {
        (MentionKind::Diagnosis, "dictionary:abbreviation") | (MentionKind::Medication, "dictionary:everyday") => SHORTHAND,
        // coders named these words: that the model does not know them is why they did
        (_, PACK_SOURCE) => 0.0,
        (kind, _) => floors(kind).dictionary,
    }
}

/// The floor of shorthand.
const SHORTHAND: f32 = 0.01;

/// Share of right mentions among those that only the model has, by its probability (held-out tenth of the training notes).
fn lone(probability: f32) -> f32 {
    probability.powi(4)
}

/// The same where a dictionary term overlaps the tag.
fn agreed(probability: f32) -> f32 {
    1.0 - 0.3 * (1.0 - probability)
}

/// The same for a dictionary term without a tag, by the model's probability of its words.
fn unseen(probability: f32) -> f32 {
    0.4 + 0.4 * probability
}

/// Merges; `tagging` is none when no model runs.
#[must_use]
pub fn merge(candidates: &[Candidate], tagging: Option<&Tagging>) -> Vec<Mention> {
    let mut mentions: Vec<Mention> = Vec::new();
    let mut used = vec![false; candidates.len()];
    for tag in tagging.map(|tagging| tagging.tags.as_slice()).unwrap_or_default() {
        let floor = floors(tag.kind);
        let mut sources = Vec::new();
        let mut span = tag.span;
        for (index, candidate) in candidates.iter().enumerate() {
            if candidate.kind == tag.kind && candidate.span.overlaps(tag.span) {
                used[index] = true;
                sources.push(candidate.source.clone());
                let agreed = tagging.is_some_and(|tagging| tagging.probability(candidate.span, tag.kind) >= 0.5);
                if candidate.span.contains(span) && agreed {
                    span = candidate.span;
                }
            }
        }
        if tag.probability < if sources.is_empty() { floor.model } else { floor.joint } {
            continue;
        }
        sources.sort_unstable();
        sources.dedup();
        let confidence = if sources.is_empty() { lone(tag.probability) } else { agreed(tag.probability) };
        sources.push(format!("model:{:.2}", tag.probability));
        mentions.push(Mention { span, kind: tag.kind, confidence, sources });
    }
    for (candidate, _) in candidates.iter().zip(&used).filter(|(_, used)| !**used) {
        let probability = tagging.map(|tagging| tagging.probability(candidate.span, candidate.kind));
        if probability.is_none_or(|probability| probability >= dictionary_floor(candidate)) {
            let alone = floors(candidate.kind).alone;
            // of words that coders taught, the model is no witness
            let least = if candidate.source == PACK_SOURCE { alone } else { 0.0 };
            let confidence = probability.map_or(alone, unseen).max(least);
            let sources = vec![candidate.source.clone()];
            mentions.push(Mention { span: candidate.span, kind: candidate.kind, confidence, sources });
        }
    }
    without_overlaps(mentions)
}

/// Of overlapping mentions the more probable stays; of equally probable ones the longer.
fn without_overlaps(mut mentions: Vec<Mention>) -> Vec<Mention> {
    mentions.sort_by(|left, right| {
        right
            .confidence
            .total_cmp(&left.confidence)
            .then(right.span.len().cmp(&left.span.len()))
            .then(left.span.start.cmp(&right.span.start))
    });
    let mut kept: Vec<Mention> = Vec::with_capacity(mentions.len());
    for mention in mentions {
        if !kept.iter().any(|other: &Mention| other.span.overlaps(mention.span)) {
            kept.push(mention);
        }
    }
    kept.sort_by_key(|mention| mention.span);
    kept
}

/// Spans of the mentions of one kind.
#[must_use]
pub fn spans_of(mentions: &[Mention], kind: MentionKind) -> Vec<Span> {
    mentions.iter().filter(|mention| mention.kind == kind).map(|mention| mention.span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recognize::Tag;

    fn candidate(start: usize, end: usize, kind: MentionKind) -> Candidate {
        Candidate { span: Span::new(start, end), kind, meanings: Vec::new(), source: "dictionary:test".to_owned() }
    }

    fn tagging(tags: Vec<Tag>, pieces: &[(usize, usize, f32)]) -> Tagging {
        let pieces = pieces.iter().map(|(start, end, p)| (Span::new(*start, *end), [*p, 0.0, 0.0, 0.0])).collect();
        Tagging { tags, pieces, ..Tagging::default() }
    }

    #[test]
    fn without_a_model_the_dictionary_stands() {
        let merged = merge(&[candidate(0, 5, MentionKind::Diagnosis)], None);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].sources, ["dictionary:test"]);
    }

    #[test]
    fn a_term_the_model_denies_is_dropped() {
        let denied = tagging(Vec::new(), &[(0, 5, 0.001)]);
        assert!(merge(&[candidate(0, 5, MentionKind::Diagnosis)], Some(&denied)).is_empty());
        let unsure = tagging(Vec::new(), &[(0, 5, 0.4)]);
        assert_eq!(merge(&[candidate(0, 5, MentionKind::Diagnosis)], Some(&unsure)).len(), 1);
    }

    #[test]
    fn shorthand_stands_where_other_terms_fall() {
        let denied = tagging(Vec::new(), &[(0, 5, 0.03)]);
        let shorthand = Candidate { source: "dictionary:abbreviation".to_owned(), ..candidate(0, 5, MentionKind::Diagnosis) };
        assert_eq!(merge(&[shorthand], Some(&denied)).len(), 1);
        assert!(merge(&[candidate(0, 5, MentionKind::Diagnosis)], Some(&denied)).is_empty());
    }

    #[test]
    fn both_are_named_and_the_longer_term_wins_when_the_model_agrees() {
        let tag = Tag { span: Span::new(6, 10), kind: MentionKind::Diagnosis, probability: 0.9 };
        let agreed = tagging(vec![tag], &[(0, 5, 0.6), (6, 10, 0.9)]);
        let merged = merge(&[candidate(0, 10, MentionKind::Diagnosis)], Some(&agreed));
        assert_eq!(merged[0].span, Span::new(0, 10));
        assert_eq!(merged[0].sources, ["dictionary:test", "model:0.90"]);
    }
}
