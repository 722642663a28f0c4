//! Dosage instructions: the words of a sig as the steps of a FHIR R4 `Dosage`, and back to words.
//!
//! A sig has one or more [`Step`]s: one after the other in a taper ("40 mg daily x 3 days, then 20 mg"), or at the same time
//! ("20 units in the morning and 10 units at night"). They are made of the tokens that belong to a drug, [`to_fhir`] and
//! [`from_fhir`] carry them as JSON, [`to_words`] says them in plain words. What no field holds stays as text
//! ([`Step::instructions`]) or is said to be not understood ([`Step::not_understood`]).

mod fhir;
#[cfg(test)]
mod fuzz;
mod read;
mod words;

#[cfg(test)]
mod tests;

pub(super) use fhir::{figure, quantity};
pub use fhir::{from_fhir, to_fhir};
pub(super) use read::amount;
pub(super) use read::{Claimed, read};
pub use words::to_words;

use crate::domain::Span;

/// A number or a range with its UCUM unit; no unit for a bare count ("1 p.o. daily").
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Amount {
    /// The number, or the lower end of a range.
    pub low: f64,
    /// The upper end of a range.
    pub high: Option<f64>,
    /// UCUM; empty for a bare count.
    pub unit: String,
}

/// When and how often, after FHIR `Timing.repeat`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timing {
    /// Times a period.
    pub frequency: Option<f64>,
    /// At most so many times a period.
    pub frequency_max: Option<f64>,
    /// The period.
    pub period: Option<f64>,
    /// At most so long a period.
    pub period_max: Option<f64>,
    /// UCUM unit of the period.
    pub period_unit: String,
    /// Events of the day: FHIR `EventTiming` codes.
    pub when: Vec<String>,
    /// `mon` to `sun`.
    pub days: Vec<String>,
    /// Clock times, `HH:MM`.
    pub times: Vec<String>,
    /// How many times in all.
    pub count: Option<f64>,
}

/// As needed, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AsNeeded {
    /// Regularly.
    #[default]
    No,
    /// As needed.
    Yes,
    /// As needed for this, as written, in lower case.
    For(String),
}

/// One step of a sig.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// Given at the same time as the step before, not after it.
    pub together: bool,
    /// The drug is stopped here.
    pub stop: bool,
    /// Amount of one intake.
    pub dose: Option<Amount>,
    /// Amount over time: "125 mL/h".
    pub rate: Option<Amount>,
    /// When and how often.
    pub timing: Timing,
    /// How long one administration takes.
    pub over: Option<Amount>,
    /// How long the step lasts.
    pub bounds: Option<Amount>,
    /// By which route, in the words of the sig table.
    pub route: Option<String>,
    /// Where on the body, as written, in lower case.
    pub site: Option<String>,
    /// As needed.
    pub as_needed: AsNeeded,
    /// At most so much in so long.
    pub maximum: Option<(Amount, Amount)>,
    /// What stays as words: "as directed".
    pub instructions: Vec<String>,
    /// Words behind it that were not understood.
    pub not_understood: Option<String>,
}

/// The directions for one drug.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dosage {
    /// From the first to the last of the directions' words; the drug's name may stand between.
    pub span: Option<Span>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// How many units are handed out ("#30"), and its place.
    pub quantity: Option<(Amount, Span)>,
    /// How many refills, and its place.
    pub refills: Option<(f64, Span)>,
    /// Where the words stand that were not understood.
    pub not_understood: Option<Span>,
}

impl Amount {
    /// The smaller and the larger number.
    fn ends(&self) -> (f64, f64) {
        (self.low, self.high.unwrap_or(self.low))
    }
}

impl Timing {
    /// True when nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many times a day, when that is exactly known; lowest and highest.
    fn a_day(&self) -> Option<(f64, f64)> {
        if self.count.is_some() || !self.days.is_empty() {
            return None;
        }
        if !self.times.is_empty() {
            #[expect(clippy::cast_precision_loss, reason = "a handful of clock times")]
            let times = self.times.len() as f64;
            return Some((times, times));
        }
        if let Some(frequency) = self.frequency {
            let most = self.frequency_max.unwrap_or(frequency);
            let (period, longest) = (self.period?, self.period_max.or(self.period)?);
            let in_a_day = match self.period_unit.as_str() {
                "d" if period == 1.0 => 1.0,
                "h" => 24.0,
                _ => return None,
            };
            let (few, many) = (in_a_day / longest, in_a_day / period);
            return (few.fract() == 0.0 && many.fract() == 0.0).then_some((frequency * few, most * many));
        }
        // a meal is no number: "with meals" may be once or three times
        let single = |when: &String| !matches!(when.as_str(), "C" | "AC" | "PC");
        #[expect(clippy::cast_precision_loss, reason = "a handful of events")]
        let events = self.when.len() as f64;
        (events > 0.0 && self.when.iter().all(single)).then_some((events, events))
    }
}

impl Dosage {
    /// Total of each step a day where it follows exactly from dose and timing: never for "as needed", days of the week, or what is
    /// given less often than daily. `strength` is the amount in one unit, when the dose is a count of units.
    #[must_use]
    pub fn daily(&self, step: &Step, strength: Option<&Amount>) -> Option<Amount> {
        let by_day = step.instructions.iter().any(|words| words.contains("awake"));
        if step.as_needed != AsNeeded::No || step.rate.is_some() || by_day {
            return None;
        }
        let (few, many) = step.timing.a_day()?;
        let dose = step.dose.as_ref()?;
        let (low, high) = dose.ends();
        let counted = dose.unit.is_empty() || dose.unit.starts_with('{');
        let (low, high, unit) = match strength.filter(|strength| counted && !strength.unit.contains(['/', '%'])) {
            Some(strength) => (low * strength.low, high * strength.ends().1, &strength.unit),
            None if dose.unit.contains('/') => return None,
            None => (low, high, &dose.unit),
        };
        let (least, most) = (round(low * few), round(high * many));
        #[expect(clippy::float_cmp, reason = "the same product when there is no range")]
        let range = least != most;
        Some(Amount { low: least, high: range.then_some(most), unit: unit.clone() })
    }

    /// Total of a day over all steps given together; none for a taper.
    #[must_use]
    pub fn total_daily(&self, strength: Option<&Amount>) -> Option<Amount> {
        let (first, rest) = self.steps.split_first()?;
        let mut total = self.daily(first, strength)?;
        for step in rest {
            let more = self.daily(step, strength).filter(|more| step.together && more.unit == total.unit)?;
            let high = total.ends().1 + more.ends().1;
            total.low += more.low;
            total.high = (total.high.is_some() || more.high.is_some()).then_some(high);
        }
        Some(total)
    }
}

/// To a millionth: 0.1 times 3 is 0.3.
fn round(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}
