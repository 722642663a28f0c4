//! Directions as FHIR R4 `Dosage` JSON, and back.

use serde_json::{Map, Value, json};

use super::{Amount, AsNeeded, Dosage, Step, Timing, read, words::step_words};
use crate::domain::system;
use crate::medication::sig::SigTable;

/// URI of the UCUM code system.
const UCUM: &str = "http://unitsofmeasure.org";
/// Stands before words that were not understood.
const AS_WRITTEN: &str = "as written: ";

/// The steps as a JSON list of FHIR R4 `Dosage`; those given together share a `sequence`.
///
/// Routes carry their SNOMED CT code where the free set has one. Words that were not understood stand as an
/// `additionalInstruction` that begins with "as written:".
#[must_use]
pub fn to_fhir(dosage: &Dosage, sig: &SigTable) -> Value {
    let mut sequence = 0;
    dosage
        .steps
        .iter()
        .map(|step| {
            sequence += i32::from(!step.together || sequence == 0);
            dosage_of(step, sequence, sig)
        })
        .collect()
}

fn dosage_of(step: &Step, sequence: i32, sig: &SigTable) -> Value {
    let mut out = Map::new();
    out.insert("sequence".to_owned(), json!(sequence));
    out.insert("text".to_owned(), json!(step_words(step)));
    let mut instructions: Vec<Value> = step.instructions.iter().map(|words| json!({"text": words})).collect();
    if step.stop {
        instructions.push(json!({"text": "stop"}));
    }
    instructions.extend(step.not_understood.iter().map(|words| json!({"text": format!("{AS_WRITTEN}{words}")})));
    if !instructions.is_empty() {
        out.insert("additionalInstruction".to_owned(), instructions.into());
    }
    let repeat = repeat(step);
    if !repeat.is_empty() {
        out.insert("timing".to_owned(), json!({"repeat": repeat}));
    }
    match &step.as_needed {
        AsNeeded::No => {}
        AsNeeded::Yes => drop(out.insert("asNeededBoolean".to_owned(), json!(true))),
        AsNeeded::For(reason) => drop(out.insert("asNeededCodeableConcept".to_owned(), json!({"text": reason}))),
    }
    if let Some(site) = &step.site {
        out.insert("site".to_owned(), json!({"text": site}));
    }
    if let Some(route) = &step.route {
        let mut concept = json!({"text": route});
        if let Some((code, display)) = sig.route_code(route) {
            concept["coding"] = json!([{"system": system::SNOMED, "code": code, "display": display}]);
        }
        out.insert("route".to_owned(), concept);
    }
    let mut given = Map::new();
    if let Some(dose) = &step.dose {
        match dose.high {
            None => given.insert("doseQuantity".to_owned(), fhir_quantity(dose.low, &dose.unit)),
            Some(high) => given.insert("doseRange".to_owned(), range(dose.low, high, &dose.unit)),
        };
    }
    if let Some(rate) = &step.rate {
        match rate.high {
            None => given.insert("rateQuantity".to_owned(), fhir_quantity(rate.low, &rate.unit)),
            Some(high) => given.insert("rateRange".to_owned(), range(rate.low, high, &rate.unit)),
        };
    }
    if !given.is_empty() {
        out.insert("doseAndRate".to_owned(), json!([given]));
    }
    if let Some((amount, period)) = &step.maximum {
        let part = |amount: &Amount| fhir_quantity(amount.high.unwrap_or(amount.low), &amount.unit);
        out.insert("maxDosePerPeriod".to_owned(), json!({"numerator": part(amount), "denominator": part(period)}));
    }
    Value::Object(out)
}

/// `Timing.repeat` of a step; empty when nothing is said.
fn repeat(step: &Step) -> Map<String, Value> {
    let Timing { frequency, frequency_max, period, period_max, period_unit, when, days, times, count } = &step.timing;
    let mut out = Map::new();
    if let Some(bounds) = &step.bounds {
        match bounds.high {
            None => out.insert("boundsDuration".to_owned(), fhir_quantity(bounds.low, &bounds.unit)),
            Some(high) => out.insert("boundsRange".to_owned(), range(bounds.low, high, &bounds.unit)),
        };
    }
    let mut figures = |name: &str, number: Option<f64>| {
        if let Some(number) = number {
            out.insert(name.to_owned(), figure(number));
        }
    };
    figures("count", *count);
    if let Some(over) = &step.over {
        figures("duration", Some(over.low));
        figures("durationMax", over.high);
    }
    figures("frequency", *frequency);
    figures("frequencyMax", *frequency_max);
    figures("period", *period);
    figures("periodMax", *period_max);
    if let Some(over) = &step.over {
        out.insert("durationUnit".to_owned(), json!(over.unit));
    }
    if !period_unit.is_empty() {
        out.insert("periodUnit".to_owned(), json!(period_unit));
    }
    for (name, list) in [("dayOfWeek", days), ("when", when)] {
        if !list.is_empty() {
            out.insert(name.to_owned(), json!(list));
        }
    }
    if !times.is_empty() {
        let times: Vec<String> = times.iter().map(|time| format!("{time}:00")).collect();
        out.insert("timeOfDay".to_owned(), json!(times));
    }
    out
}

/// `{"value", "unit"}` or `{"low", "high", "unit"}`: the form that values of attributes have.
pub(in crate::medication) fn quantity(amount: &Amount) -> Value {
    match amount.high {
        None => json!({"value": figure(amount.low), "unit": amount.unit}),
        Some(high) => json!({"low": figure(amount.low), "high": figure(high), "unit": amount.unit}),
    }
}

/// A number without a superfluous fraction.
pub(in crate::medication) use crate::medication::value::figure;

fn fhir_quantity(value: f64, unit: &str) -> Value {
    if unit.is_empty() {
        return json!({"value": figure(value)});
    }
    json!({"value": figure(value), "unit": unit.trim_matches(['{', '}']), "system": UCUM, "code": unit})
}

fn range(low: f64, high: f64, unit: &str) -> Value {
    json!({"low": fhir_quantity(low, unit), "high": fhir_quantity(high, unit)})
}

/// The steps of a JSON list of FHIR R4 `Dosage`, as [`to_fhir`] makes it. None when it is no list of dosages.
#[must_use]
pub fn from_fhir(dosages: &Value) -> Option<Vec<Step>> {
    let mut before = None;
    let steps = dosages.as_array()?.iter().map(|dosage| {
        let sequence = dosage.get("sequence").and_then(Value::as_i64);
        let together = before.is_some() && sequence == before;
        before = sequence;
        step_of(dosage, together)
    });
    steps.collect()
}

fn step_of(dosage: &Value, together: bool) -> Option<Step> {
    let text = |name: &str| dosage.get(name)?.get("text")?.as_str().map(str::to_owned);
    let mut step = Step { together, site: text("site"), route: text("route"), ..Step::default() };
    for instruction in dosage.get("additionalInstruction").and_then(Value::as_array).into_iter().flatten() {
        let words = instruction.get("text")?.as_str()?;
        match words.strip_prefix(AS_WRITTEN) {
            Some(words) => step.not_understood = Some(words.to_owned()),
            None if words == "stop" => step.stop = true,
            None => step.instructions.push(words.to_owned()),
        }
    }
    if dosage.get("asNeededBoolean").and_then(Value::as_bool) == Some(true) {
        step.as_needed = AsNeeded::Yes;
    } else if let Some(reason) = text("asNeededCodeableConcept") {
        step.as_needed = AsNeeded::For(reason);
    }
    if let Some(given) = dosage.get("doseAndRate").and_then(|all| all.get(0)) {
        step.dose = amount(given, "doseQuantity", "doseRange");
        step.rate = amount(given, "rateQuantity", "rateRange");
    }
    if let Some(most) = dosage.get("maxDosePerPeriod") {
        step.maximum = single(most.get("numerator")?).zip(single(most.get("denominator")?));
    }
    if let Some(repeat) = dosage.get("timing").and_then(|timing| timing.get("repeat")) {
        step.bounds = amount(repeat, "boundsDuration", "boundsRange");
        let figure = |name: &str| repeat.get(name).and_then(Value::as_f64);
        if let Some(low) = figure("duration") {
            let unit = repeat.get("durationUnit")?.as_str()?.to_owned();
            step.over = Some(Amount { low, high: figure("durationMax"), unit });
        }
        read::merge(&mut step.timing, repeat);
        for time in &mut step.timing.times {
            // "08:00:00" without its seconds, whatever else stands there
            *time = time.chars().take(5).collect();
        }
    }
    Some(step)
}

/// A quantity or a range of this object.
fn amount(object: &Value, one: &str, many: &str) -> Option<Amount> {
    if let Some(quantity) = object.get(one) {
        return single(quantity);
    }
    let range = object.get(many)?;
    let low = single(range.get("low")?)?;
    Some(Amount { high: single(range.get("high")?).map(|high| high.low), ..low })
}

fn single(quantity: &Value) -> Option<Amount> {
    let unit = quantity.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Amount { low: quantity.get("value")?.as_f64()?, high: None, unit })
}
