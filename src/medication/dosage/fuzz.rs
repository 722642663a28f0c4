//! Directions as JSON that somebody else wrote.

use serde_json::{Value, json};

use super::{from_fhir, to_words};
use crate::fuzzing::{DamagedJson, fuzz};

fn seeds() -> Vec<Value> {
    let quantity =
        |value: f64, code: &str| json!({"value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code});
    vec![
        json!([{
            "sequence": 1, "text": "x", "additionalInstruction": [{"text": "as directed"}, {"text": "as written: foo"}, {"text": "stop"}],
            "timing": {"repeat": {"frequency": 2, "frequencyMax": 3, "period": 1, "periodMax": 2, "periodUnit": "d", "count": 4,
                "when": ["MORN"], "dayOfWeek": ["mon"], "timeOfDay": ["08:00:00", "20:00:00"], "duration": 1, "durationMax": 2,
                "durationUnit": "h", "boundsDuration": quantity(10.0, "d")}},
            "asNeededCodeableConcept": {"text": "pain"}, "site": {"text": "left arm"}, "route": {"text": "oral"},
            "doseAndRate": [{"doseQuantity": quantity(500.0, "mg"), "rateRange": {"low": quantity(1.0, "mL/h"), "high": quantity(2.0, "mL/h")}}],
            "maxDosePerPeriod": {"numerator": quantity(4.0, "g"), "denominator": quantity(1.0, "d")},
        }]),
        json!([{"sequence": 1, "asNeededBoolean": true, "doseAndRate": [{"doseRange": {"low": quantity(1.0, ""), "high": quantity(2.0, "")}}]},
               {"sequence": 1, "timing": {"repeat": {"boundsRange": {"low": quantity(3.0, "d"), "high": quantity(5.0, "d")}}}}]),
    ]
}

#[test]
fn dosages() {
    let seeds = seeds();
    assert!(seeds.iter().all(|seed| from_fhir(seed).is_some()), "the seeds are read");
    fuzz!("FHIR dosage", Quick, DamagedJson, |input: &DamagedJson| {
        if let Some(steps) = from_fhir(&input.value(&seeds)) {
            let _ = to_words(&steps);
        }
    });
}

#[test]
fn a_clock_time_of_other_letters_is_cut_between_letters() {
    let given = json!([{"timing": {"repeat": {"frequency": 1, "timeOfDay": ["08:0é:00"]}}}]);
    let steps = from_fhir(&given).expect("a list of dosages");
    assert_eq!(steps[0].timing.times, ["08:0é"]);
}
