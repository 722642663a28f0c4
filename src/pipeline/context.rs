//! The rules' word and the model's word on one mention, put together.
//!
//! Policy: the model gives each class a probability; the class that the rules chose counts as if its odds were higher by a
//! fixed factor. So the rules stand unless the model is sure of something else, and where the rules have only their default
//! to offer a fairly sure model decides. The factors were chosen on the tenth of the training notes that the weights never saw.

use crate::domain::{Assertion, MedicationStatus};

/// Natural logarithm of the factor for the assertion that a cue or a section gave.
const ASSERTION_CUED: f32 = 2.5;
/// The same where no cue spoke and the rules take a mention for present.
const ASSERTION_DEFAULT: f32 = 2.0;
/// The same for the status that a cue or a section gave.
const STATUS_CUED: f32 = 2.0;
/// The same where no cue spoke and the rules take a medication for active.
const STATUS_DEFAULT: f32 = 1.5;

/// What was decided, and how probable the model had it when that is not what the rules said.
pub(super) type Decided<T> = (T, Option<f32>);

/// The assertion of a diagnosis; `cued` says that words or a section spoke, and not only the default.
pub(super) fn assertion(rule: Assertion, cued: bool, model: &[(Assertion, f32)]) -> Decided<Assertion> {
    decide(rule, if cued { ASSERTION_CUED } else { ASSERTION_DEFAULT }, model)
}

/// The status of a medication.
pub(super) fn status(rule: MedicationStatus, cued: bool, model: &[(MedicationStatus, f32)]) -> Decided<MedicationStatus> {
    decide(rule, if cued { STATUS_CUED } else { STATUS_DEFAULT }, model)
}

fn decide<T: Copy + PartialEq>(rule: T, factor: f32, model: &[(T, f32)]) -> Decided<T> {
    let weight = |class: T, probability: f32| probability.max(1e-6).ln() + if class == rule { factor } else { 0.0 };
    let best = model.iter().copied().max_by(|left, right| weight(left.0, left.1).total_cmp(&weight(right.0, right.1)));
    match best {
        Some((class, probability)) if class != rule => (class, Some(probability)),
        _ => (rule, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_stand_unless_the_model_is_sure() {
        let unsure = [(Assertion::Present, 0.4), (Assertion::Absent, 0.6)];
        assert_eq!(assertion(Assertion::Present, true, &unsure), (Assertion::Present, None));
        let sure = [(Assertion::Present, 0.01), (Assertion::Family, 0.99)];
        assert_eq!(assertion(Assertion::Present, false, &sure), (Assertion::Family, Some(0.99)));
    }

    #[test]
    fn without_a_model_the_rules_decide() {
        assert_eq!(assertion(Assertion::Absent, true, &[]), (Assertion::Absent, None));
        assert_eq!(status(MedicationStatus::Given, true, &[]), (MedicationStatus::Given, None));
    }
}
