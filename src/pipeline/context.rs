//! The rules' word and the model's word on one mention, put together.
//!
//! Policy: the model gives each class a probability; the class that the rules chose counts as if its odds were higher by a
//! fixed factor. So the rules stand unless the model is clearly of another mind. The factor was chosen on the held-out tenth of
//! the training notes for the shipped weights (`models/training/RUNS.md`); other weights may need another. What the note says in so many words
//! is not weighed: "history of" right before a mention is no present disease, and a personal history is nobody else's.

use crate::{
    assertion::Context,
    domain::{Assertion, Boilerplate, BoilerplateKind, Certainty, Cue, Experiencer, Span, Temporality},
    text::Document,
};

/// Natural logarithm of the factor for the rules' class.
const RULE: f32 = 1.0;

/// What was decided, and how probable the model had it when that is not what the rules said.
pub(super) type Decided<T> = (T, Option<f32>);

/// The model's classes of a mention without those that the words themselves leave no room for.
pub(super) fn weighed(
    document: &Document,
    span: Span,
    context: &Context,
    model: Vec<(Assertion, f32)>,
) -> Vec<(Assertion, f32)> {
    let begins = |cue: &Cue, words: &[&str]| {
        let text = cue.text.to_lowercase();
        words.iter().any(|word| text.starts_with(word))
    };
    let beside = |cue: &Cue| {
        let (left, right) = if cue.end <= span.start { (cue.end, span.start) } else { (span.end, cue.start) };
        document.text.get(left..right).is_some_and(|gap| gap.trim().is_empty())
    };
    let personal = context.cues.iter().any(|cue| begins(cue, &["personal"]));
    let history = context.assertion == Assertion::Historical
        && context.cues.iter().any(|cue| {
            beside(cue) && (begins(cue, &["hx", "h/o", "personal", "past"]) || cue.text.to_lowercase().contains("history"))
        });
    let room = |(assertion, _): &(Assertion, f32)| match assertion {
        Assertion::Family => !personal,
        Assertion::Present => !history,
        _ => true,
    };
    model.into_iter().filter(room).collect()
}

/// The sentence of general information that `span` stands in: nothing in it is said of this patient, so that all of it is hypothetical.
pub(super) fn general_information(document: &Document, boilerplate: &[Boilerplate], span: Span) -> Option<Cue> {
    let after = boilerplate.partition_point(|passage| passage.start <= span.start);
    let passage = boilerplate.get(after.checked_sub(1)?)?;
    (passage.kind == BoilerplateKind::Education && span.start < passage.end).then(|| Cue {
        text: Span::new(passage.start, passage.end).of(&document.text).to_owned(),
        start: passage.start,
        end: passage.end,
        means: Assertion::Hypothetical.as_str().to_owned(),
        scope: None,
    })
}

/// What is said of a diagnosis in such a sentence.
pub(super) fn in_general(cue: Cue) -> Context {
    Context {
        assertion: Assertion::Hypothetical,
        experiencer: Experiencer::Other,
        temporality: Temporality::Future,
        certainty: Certainty::Affirmed,
        cues: vec![cue],
    }
}

/// The class of a mention by the rules' class and the model's probabilities; without the latter the rules decide.
pub(super) fn decide<T: Copy + PartialEq>(rule: T, model: &[(T, f32)]) -> Decided<T> {
    let weight = |class: T, probability: f32| probability.max(1e-6).ln() + if class == rule { RULE } else { 0.0 };
    let best = model.iter().copied().max_by(|left, right| weight(left.0, left.1).total_cmp(&weight(right.0, right.1)));
    match best {
        Some((class, probability)) if class != rule => (class, Some(probability)),
        _ => (rule, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Assertion, MedicationStatus};

    #[test]
    fn the_rules_stand_unless_the_model_is_sure() {
        let unsure = [(Assertion::Present, 0.4), (Assertion::Absent, 0.6)];
        assert_eq!(decide(Assertion::Present, &unsure), (Assertion::Present, None));
        let sure = [(Assertion::Present, 0.01), (Assertion::Family, 0.99)];
        assert_eq!(decide(Assertion::Present, &sure), (Assertion::Family, Some(0.99)));
    }

    #[test]
    fn without_a_model_the_rules_decide() {
        assert_eq!(decide(Assertion::Absent, &[]), (Assertion::Absent, None));
        assert_eq!(decide(MedicationStatus::Given, &[]), (MedicationStatus::Given, None));
    }
}
