//! How probable it is that an entry's first code is right.
//!
//! A logistic model over a few things that a coder would look at too: how surely the words are a mention, how the code was found, whether
//! the dictionary knows the words, how specific the code is. The weights are rows of `vocabularies/code_confidence.tsv`, fitted by
//! `models/training/confidence.py` on annotated notes; the features are computed here and there from the same fields of the JSON.

use super::logistic::Logistic;
use crate::domain::{Assertion, CodedEntry, table::TableError};

/// The features, in the order in which [`features`] gives them.
pub const FEATURES: [&str; 29] = [
    "mention_logit",
    "code_logit",
    "in_dictionary",
    "everyday_term",
    "abbreviation",
    "inclusion_term",
    "fuller_mention",
    "history_code",
    "one_word",
    "four_words",
    "no_alternative",
    "alternatives",
    "repeated",
    "chapter_r",
    "chapter_s_t",
    "chapter_z",
    "chapter_c_d",
    "unspecified",
    "other_specified",
    "prompted",
    "model_overruled",
    "possible",
    "historical",
    "overlaps_words",
    "shares_words",
    "part_of_words",
    "index_path",
    "like_meaning",
    "score_gap",
];

/// The fitted weights.
#[derive(Debug, Clone)]
pub struct ConfidenceModel(Logistic<{ FEATURES.len() }>);

impl ConfidenceModel {
    /// Reads the table (columns `feature`, `weight`): every feature once, and `intercept`.
    ///
    /// # Errors
    /// An unknown, repeated or missing feature, or a weight that is no number.
    pub fn parse(table: (&str, &str)) -> Result<Self, TableError> {
        Logistic::parse(table, &FEATURES, "weight").map(Self)
    }

    /// Probability that the first code of a diagnosis is right; none when it has no code.
    #[must_use]
    pub fn of(&self, entry: &CodedEntry) -> Option<f32> {
        features(entry).map(|features| self.0.probability(&features))
    }
}

/// What [`FEATURES`] names, of a diagnosis with a code.
fn features(entry: &CodedEntry) -> Option<[f32; FEATURES.len()]> {
    let code = entry.codes.first()?;
    let best = entry.evidence.iter().max_by(|one, other| one.confidence.total_cmp(&other.confidence))?;
    let words = entry.evidence.iter().map(|one| one.text.split_whitespace().count()).max().unwrap_or(0);
    let alternatives = entry.codes.len() - 1;
    // what tells how the code itself was found stands last
    let way = code.why.rsplit("; ").next().unwrap_or_default();
    let sources = || entry.evidence.iter().flat_map(|one| &one.sources);
    let chapter = code.code.chars().next().unwrap_or(' ');
    let display = code.display.to_lowercase();
    let asked = |kind: &str| !matches!(kind, "boilerplate_only" | "directions_not_understood");
    let yes = |holds: bool| f32::from(u8::from(holds));
    #[expect(clippy::cast_precision_loss, reason = "at most five")]
    let counted = alternatives.min(5) as f32;
    Some([
        (best.confidence.max(1e-3) / (1.0 - best.confidence.min(0.999) + 1e-3)).ln(),
        (code.score.max(1e-3) / (1.0 - code.score.min(0.99))).ln(),
        yes(sources().any(|source| source.starts_with("dictionary"))),
        yes(way.contains("everyday")),
        yes(way.contains("abbreviation")),
        yes(way.contains("inclusion")),
        yes(code.why.contains("more fully")),
        yes(code.why.contains("history of")),
        yes(words == 1),
        yes(words >= 4),
        yes(alternatives == 0),
        counted,
        yes(entry.evidence.len() > 1),
        yes(chapter == 'R'),
        yes(matches!(chapter, 'S' | 'T')),
        yes(chapter == 'Z'),
        yes(matches!(chapter, 'C' | 'D')),
        yes(display.contains("unspecified")),
        yes(display.contains("other ")),
        yes(entry.prompts.iter().any(|prompt| asked(&prompt.kind))),
        yes(sources().any(|source| source.starts_with("model-assertion"))),
        yes(entry.assertion == Some(Assertion::Possible)),
        yes(entry.assertion == Some(Assertion::Historical)),
        yes(way.contains("overlaps")),
        yes(way.contains("shares words")),
        yes(way.contains("part of the words") || way.contains("another order") || way.contains("without qualifiers")),
        yes(way.starts_with("index")),
        yes(way.contains("of like meaning")),
        code.score - entry.codes.get(1).map_or(0.0, |second| second.score),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_weights_are_complete() {
        ConfidenceModel::parse(("code_confidence.tsv", include_str!("../../vocabularies/code_confidence.tsv")))
            .expect("our own table");
    }
}
