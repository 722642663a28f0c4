//! What other thresholds would have done to suggestions that coders have decided on: hide what lies below, or accept what lies above without a
//! look.

use serde::Serialize;

use crate::{
    domain::{Ended, EntryKind, EntryOutcome, ItemOutcome, ItemState},
    statistics::wilson,
};

/// The thresholds that are tried, in hundredths.
pub const STEPS: [u8; 21] = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 98, 99];

/// A count of some of all, with Wilson's 95 % interval of the share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ThresholdShare {
    /// How many.
    pub of: u64,
    /// Of how many.
    pub all: u64,
    /// Lower end of the interval; none of nothing.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl ThresholdShare {
    fn new(of: u64, all: u64) -> Self {
        let (low, high) = wilson(of, all).unzip();
        Self { of, all, low, high }
    }

    /// The share; none of nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn share(&self) -> Option<f64> {
        (self.all > 0).then(|| self.of as f64 / self.all as f64)
    }
}

/// What a threshold would have done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ThresholdStep {
    /// Hundredths.
    pub threshold: u8,
    /// Suggestions below it, of all: these would have been hidden.
    pub hidden: ThresholdShare,
    /// Of those hidden: what coders accepted or amended, so that it would have been lost.
    pub lost: ThresholdShare,
    /// Of those hidden: what coders rejected, so that a decision would have been saved.
    pub spared: ThresholdShare,
    /// Suggestions from it on, of all: these would have been accepted without a look. A suggestion without a code never is.
    pub accepted: ThresholdShare,
    /// Of those accepted: what coders left with the same first code, so that a decision would have been saved.
    pub right: ThresholdShare,
    /// Of those accepted: what coders amended or rejected, so that it would have gone out wrong.
    pub wrong: ThresholdShare,
}

/// Thresholds tried on the suggestions of a kind, or on all.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Thresholds {
    /// Of which kind; none for all together.
    pub kind: Option<EntryKind>,
    /// Suggestions that coders decided on.
    pub decided: u64,
    /// Of these, those that coders accepted together with others rather than one by one: what was looked at less.
    pub bulk: u64,
    /// Suggestions without a probability, which no threshold concerns.
    pub without_confidence: u64,
    /// What each threshold would have done.
    pub steps: Vec<ThresholdStep>,
}

/// Counts of one kind while outcomes come in.
#[derive(Debug, Clone, Default)]
struct Tallies {
    decided: u64,
    bulk: u64,
    without_confidence: u64,
    /// By what became of it, at each threshold: how many lie below.
    below: [[u64; STEPS.len()]; 3],
    /// How many there are in all.
    all: [u64; 3],
    /// Of those with a code, at each threshold: how many lie at or above it, with the same first code in the end and with another or none.
    above: [[u64; STEPS.len()]; 2],
}

/// Adds up outcomes one by one, so that nobody has to hold all of them.
#[derive(Debug, Clone, Default)]
pub struct Simulation {
    kinds: [Tallies; 4],
    encounters: u64,
}

const KINDS: [EntryKind; 4] = [EntryKind::Diagnosis, EntryKind::Medication, EntryKind::Allergy, EntryKind::NoKnownAllergies];

/// Whether the coder left the engine's first code, whatever stands beside it.
fn keeps_code(entry: &EntryOutcome) -> bool {
    let same = |left: &crate::domain::ChosenCode, right: &crate::domain::ChosenCode| {
        (&left.system, &left.code) == (&right.system, &right.code)
    };
    entry.ended == Ended::Accepted
        && entry.suggested.as_ref().is_some_and(|suggested| entry.codes.first().is_some_and(|code| same(code, suggested)))
}

impl Simulation {
    /// Adds an encounter; one that is not finished says nothing yet.
    pub fn add(&mut self, outcome: &ItemOutcome) {
        if outcome.state != ItemState::Finished {
            return;
        }
        self.encounters += 1;
        for entry in outcome.entries.iter().filter(|entry| entry.charted) {
            let ended = match entry.ended {
                Ended::Accepted => 0,
                Ended::Amended => 1,
                Ended::Rejected => 2,
                Ended::Added | Ended::Ignored => continue,
            };
            let Some(at) = KINDS.iter().position(|kind| *kind == entry.kind) else { continue };
            let tallies = &mut self.kinds[at];
            tallies.decided += 1;
            tallies.bulk += u64::from(entry.bulk);
            let Some(confidence) = entry.confidence else {
                tallies.without_confidence += 1;
                continue;
            };
            tallies.all[ended] += 1;
            for (place, step) in STEPS.iter().enumerate() {
                if confidence < f32::from(*step) / 100.0 {
                    tallies.below[ended][place] += 1;
                } else if entry.suggested.is_some() {
                    tallies.above[usize::from(!keeps_code(entry))][place] += 1;
                }
            }
        }
    }

    /// Encounters that took part.
    #[must_use]
    pub const fn encounters(&self) -> u64 {
        self.encounters
    }

    /// By kind, those that have something; all together last.
    #[must_use]
    pub fn result(&self) -> Vec<Thresholds> {
        let mut all = Tallies::default();
        for tallies in &self.kinds {
            all.add(tallies);
        }
        let kinds = KINDS.into_iter().zip(&self.kinds).filter(|(_, tallies)| tallies.decided > 0);
        kinds.map(|(kind, tallies)| tallies.result(Some(kind))).chain([all.result(None)]).collect()
    }
}

impl Tallies {
    fn add(&mut self, other: &Self) {
        self.decided += other.decided;
        self.bulk += other.bulk;
        self.without_confidence += other.without_confidence;
        self.all.iter_mut().zip(other.all).for_each(|(sum, count)| *sum += count);
        let (below, above) = (self.below.iter_mut().flatten(), self.above.iter_mut().flatten());
        below.zip(other.below.iter().flatten()).for_each(|(sum, count)| *sum += count);
        above.zip(other.above.iter().flatten()).for_each(|(sum, count)| *sum += count);
    }

    fn result(&self, kind: Option<EntryKind>) -> Thresholds {
        let all = self.all.iter().sum();
        let step = |(at, threshold): (usize, &u8)| {
            let [kept, amended, rejected] = [0, 1, 2].map(|ended: usize| self.below[ended][at]);
            let hidden = kept + amended + rejected;
            let (right, wrong) = (self.above[0][at], self.above[1][at]);
            ThresholdStep {
                threshold: *threshold,
                hidden: ThresholdShare::new(hidden, all),
                lost: ThresholdShare::new(kept + amended, hidden),
                spared: ThresholdShare::new(rejected, hidden),
                accepted: ThresholdShare::new(right + wrong, all),
                right: ThresholdShare::new(right, right + wrong),
                wrong: ThresholdShare::new(wrong, right + wrong),
            }
        };
        Thresholds {
            kind,
            decided: self.decided,
            bulk: self.bulk,
            without_confidence: self.without_confidence,
            steps: STEPS.iter().enumerate().map(step).collect(),
        }
    }
}

/// What thresholds would have done to these encounters.
#[must_use]
pub fn simulate<'a>(outcomes: impl IntoIterator<Item = &'a ItemOutcome>) -> Vec<Thresholds> {
    let mut simulation = Simulation::default();
    outcomes.into_iter().for_each(|outcome| simulation.add(outcome));
    simulation.result()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oversight::samples::{entry, outcome};

    fn at(found: &Thresholds, threshold: u8) -> ThresholdStep {
        *found.steps.iter().find(|step| step.threshold == threshold).expect("a step")
    }

    #[test]
    fn what_a_threshold_would_have_done_is_counted() {
        let diagnosis = EntryKind::Diagnosis;
        let mut one = outcome(
            1,
            vec![
                entry(diagnosis, Ended::Accepted, 0.9),
                entry(diagnosis, Ended::Accepted, 0.3),
                entry(diagnosis, Ended::Amended, 0.8),
                entry(diagnosis, Ended::Rejected, 0.2),
                entry(diagnosis, Ended::Rejected, 0.95),
                entry(diagnosis, Ended::Added, 0.5),
                entry(diagnosis, Ended::Ignored, 0.5),
                entry(EntryKind::Medication, Ended::Accepted, 0.99),
            ],
        );
        one.entries[0].bulk = true;
        let mut silent = entry(EntryKind::Allergy, Ended::Accepted, 0.0);
        (silent.confidence, silent.suggested) = (None, None);
        one.entries.push(silent);
        let mut negated = entry(diagnosis, Ended::Accepted, 0.1);
        negated.charted = false;
        one.entries.push(negated);
        let mut unfinished = outcome(2, vec![entry(diagnosis, Ended::Accepted, 0.9)]);
        unfinished.state = ItemState::Open;
        let found = simulate([&one, &unfinished]);
        assert_eq!(
            found.iter().map(|one| (one.kind, one.decided, one.bulk, one.without_confidence)).collect::<Vec<_>>(),
            [
                (Some(diagnosis), 5, 1, 0),
                (Some(EntryKind::Medication), 1, 0, 0),
                (Some(EntryKind::Allergy), 1, 0, 1),
                (None, 7, 1, 1)
            ]
        );
        let step = at(&found[0], 40);
        assert_eq!([step.hidden, step.lost, step.spared].map(|part| (part.of, part.all)), [(2, 5), (1, 2), (1, 2)]);
        let step = at(&found[0], 80);
        assert_eq!([step.accepted, step.right, step.wrong].map(|part| (part.of, part.all)), [(3, 5), (1, 3), (2, 3)]);
        let step = at(&found[3], 98);
        assert_eq!((step.accepted.of, step.right.of, step.hidden.of), (1, 1, 5));
        let (low, high) = (step.right.low.expect("an interval"), step.right.high.expect("an interval"));
        assert!((low - 0.2065).abs() < 1e-3 && (high - 1.0).abs() < 1e-9, "{low} {high}");
    }

    #[test]
    fn a_suggestion_without_a_code_is_never_accepted_and_a_code_that_stands_beside_is_no_first_one() {
        let mut without = entry(EntryKind::Diagnosis, Ended::Accepted, 0.9);
        without.suggested = None;
        let mut second = entry(EntryKind::Diagnosis, Ended::Accepted, 0.9);
        second.codes = vec![crate::domain::ChosenCode { system: "s".into(), code: "other".into(), display: String::new() }];
        let one = outcome(1, vec![without, second]);
        let step = at(&simulate([&one])[0], 50);
        assert_eq!((step.accepted.of, step.right.of, step.wrong.of), (1, 0, 1));
        assert_eq!(simulate([]).len(), 1);
    }
}
