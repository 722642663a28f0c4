//! Directions in plain words, such that reading them again gives the same directions.

use super::{Amount, AsNeeded, Dosage, Step, Timing};

/// Events of the day: FHIR `EventTiming` code and words.
const EVENTS: [(&str, &str); 18] = [
    ("HS", "at bedtime"),
    ("MORN", "in the morning"),
    ("AFT", "in the afternoon"),
    ("EVE", "in the evening"),
    ("NIGHT", "at night"),
    ("NOON", "at noon"),
    ("C", "with meals"),
    ("CM", "with breakfast"),
    ("CD", "with lunch"),
    ("CV", "with dinner"),
    ("AC", "before meals"),
    ("ACM", "before breakfast"),
    ("ACD", "before lunch"),
    ("ACV", "before dinner"),
    ("PC", "after meals"),
    ("PCM", "after breakfast"),
    ("PCD", "after lunch"),
    ("PCV", "after dinner"),
];

/// Days of the week: FHIR code and name.
const DAYS: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];

/// UCUM units that are said otherwise; annotations like `{tablet}` are said by their word.
const UNITS: [(&str, &str); 14] = [
    ("ug", "mcg"),
    ("meq", "mEq"),
    ("[iU]", "units"),
    ("10*6.[iU]", "million units"),
    ("[drp]", "drops"),
    ("[tsp_us]", "teaspoons"),
    ("[tbs_us]", "tablespoons"),
    ("[foz_us]", "ounces"),
    ("[in_i]", "inches"),
    ("[gr]", "grains"),
    ("{patch}", "patches"),
    ("{suppository}", "suppositories"),
    ("{applicatorful}", "applicatorfuls"),
    ("h", "hours"),
];

/// Units of time.
const PERIODS: [(&str, &str); 7] =
    [("s", "seconds"), ("min", "minutes"), ("h", "hours"), ("d", "days"), ("wk", "weeks"), ("mo", "months"), ("a", "years")];

/// The directions in plain words: "1-2 tablets by mouth every 4-6 hours as needed for pain".
#[must_use]
pub fn to_words(steps: &[Step]) -> String {
    let mut out = String::new();
    for (index, step) in steps.iter().enumerate() {
        if index > 0 {
            out.push_str(if step.together { " and " } else { ", then " });
        }
        out.push_str(&step_words(step));
    }
    out
}

/// One step in plain words.
pub(super) fn step_words(step: &Step) -> String {
    if step.stop {
        return "stop".to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    words.extend(step.dose.as_ref().map(amount));
    words.extend(step.route.as_deref().map(route));
    words.extend(step.rate.as_ref().map(|rate| format!("at {}", amount(rate))));
    words.extend(step.site.as_ref().map(|site| if site.starts_with("behind") { site.clone() } else { format!("to {site}") }));
    words.extend(timing(&step.timing));
    words.extend(step.over.as_ref().map(|over| format!("over {}", long(over))));
    words.extend(step.bounds.as_ref().map(|bounds| format!("for {}", long(bounds))));
    match &step.as_needed {
        AsNeeded::No => {}
        AsNeeded::Yes => words.push("as needed".to_owned()),
        AsNeeded::For(reason) => words.push(format!("as needed for {reason}")),
    }
    let mut out = words.join(" ");
    let mut add = |words: &str| {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(words);
    };
    if let Some((most, period)) = &step.maximum {
        add(&format!("not to exceed {} in {}", amount(most), long(period)));
    }
    step.instructions.iter().chain(&step.not_understood).for_each(|words| add(words));
    out
}

/// "2 tablets", "0.5-1 mg", "5 mcg/kg/min".
fn amount(amount: &Amount) -> String {
    let numbers = numbers(amount.low, amount.high);
    if amount.unit.is_empty() {
        // "take", so that "1-2" behind a name is not read as its strength
        return format!("take {numbers}");
    }
    let one = amount.high.unwrap_or(amount.low) <= 1.0;
    let mut parts = amount.unit.split('/');
    let head = unit(parts.next().unwrap_or_default());
    let head = if one && head.len() > 4 && amount.unit != "[in_i]" { singular(&head) } else { head };
    let rest: Vec<String> = parts.map(|part| if part == "h" { "h".to_owned() } else { unit(part) }).collect();
    let rest: String = rest.iter().map(|part| format!("/{part}")).collect();
    format!("{numbers} {head}{rest}")
}

fn numbers(low: f64, high: Option<f64>) -> String {
    high.map_or_else(|| low.to_string(), |high| format!("{low}-{high}"))
}

fn unit(code: &str) -> String {
    if let Some((_, words)) = UNITS.iter().find(|(ucum, _)| *ucum == code) {
        return (*words).to_owned();
    }
    match code.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
        Some(word) => format!("{word}s"),
        None => code.to_owned(),
    }
}

fn singular(words: &str) -> String {
    match words {
        "patches" => "patch".to_owned(),
        "suppositories" => "suppository".to_owned(),
        _ => words.trim_end_matches('s').to_owned(),
    }
}

/// "10 days", "7-10 days", "1 hour".
fn long(amount: &Amount) -> String {
    let words = PERIODS.iter().find(|(code, _)| *code == amount.unit).map_or(amount.unit.as_str(), |(_, words)| words);
    #[expect(clippy::float_cmp, reason = "exactly one is singular")]
    let one = amount.high.is_none() && amount.low == 1.0;
    format!("{} {}", numbers(amount.low, amount.high), if one { words.trim_end_matches('s') } else { words })
}

/// Routes whose word alone is not how they are said.
fn route(route: &str) -> String {
    match route {
        "oral" => "by mouth".to_owned(),
        "gastrostomy" => "via G-tube".to_owned(),
        "nasogastric" => "via NG tube".to_owned(),
        "both eyes" | "right eye" | "left eye" | "both ears" | "right ear" | "left ear" => {
            format!("in the {route}").replace("the both", "both")
        }
        other => other.to_owned(),
    }
}

fn timing(timing: &Timing) -> Vec<String> {
    let mut out = Vec::new();
    out.extend(often(timing));
    let events: Vec<&str> = timing.when.iter().map(|when| named(&EVENTS, when)).collect();
    if !events.is_empty() {
        out.push(events.join(" and "));
    }
    let days: Vec<&str> = timing.days.iter().map(|day| named(&DAYS, day)).collect();
    if !days.is_empty() {
        out.push(format!("on {}", days.join(", ")));
    }
    if !timing.times.is_empty() {
        out.push(format!("at {}", timing.times.join(" and ")));
    }
    out.extend(timing.count.map(|count| format!("x {count} doses")));
    out
}

/// "twice a day", "every 4-6 hours", "every other day".
fn often(timing: &Timing) -> Option<String> {
    let (frequency, period) = (timing.frequency?, timing.period.unwrap_or(1.0));
    let unit = named(&PERIODS, &timing.period_unit);
    let exactly = |number: f64, wanted: f64| (number - wanted).abs() < 1e-9;
    if exactly(frequency, 1.0) && timing.frequency_max.is_none() && !(exactly(period, 1.0) && timing.period_max.is_none()) {
        if exactly(period, 2.0) && timing.period_max.is_none() && timing.period_unit == "d" {
            return Some("every other day".to_owned());
        }
        return Some(format!("every {} {unit}", numbers(period, timing.period_max)));
    }
    if exactly(period, 1.0) && timing.frequency_max.is_none() && exactly(frequency, 1.0) {
        return Some(
            match timing.period_unit.as_str() {
                "h" => "every 1 hour",
                "d" => "daily",
                "wk" => "weekly",
                "mo" => "monthly",
                "a" => "yearly",
                _ => return Some(format!("every 1 {}", unit.trim_end_matches('s'))),
            }
            .to_owned(),
        );
    }
    let times = numbers(frequency, timing.frequency_max);
    if exactly(period, 1.0) {
        return Some(format!("{times} times a {}", unit.trim_end_matches('s')));
    }
    Some(format!("{times} times every {} {unit}", numbers(period, timing.period_max)))
}

impl Step {
    /// What FHIR `Timing` cannot hold becomes an instruction in words: events of the day beside clock times, and numbers of times that are
    /// not whole.
    pub(super) fn keep_to_fhir(&mut self) {
        let whole = |number: Option<f64>| number.is_none_or(|number| number >= 1.0 && number.fract() == 0.0);
        let timing = &mut self.timing;
        if !timing.times.is_empty() {
            self.instructions.extend(timing.when.drain(..).map(|when| named(&EVENTS, &when).to_owned()));
        }
        if !whole(timing.frequency) || !whole(timing.frequency_max) {
            self.instructions.extend(often(timing));
            (timing.frequency, timing.frequency_max, timing.period, timing.period_max) = (None, None, None, None);
            timing.period_unit.clear();
        }
        if !whole(timing.count) {
            self.instructions.extend(timing.count.take().map(|count| format!("x {count} doses")));
        }
    }
}

fn named<'a>(list: &[(&'a str, &'a str)], code: &'a str) -> &'a str {
    list.iter().find(|(known, _)| *known == code).map_or(code, |(_, words)| words)
}

impl Dosage {
    /// The steps in plain words.
    #[must_use]
    pub fn to_words(&self) -> String {
        to_words(&self.steps)
    }
}
