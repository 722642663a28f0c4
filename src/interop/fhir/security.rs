//! Security labels: confidentiality and sensitivity of a resource, written and read.

use serde_json::{Value, json};

use super::TERMINOLOGY;
use crate::domain::{Confidentiality, Sensitivities, Sensitivity};

/// The system of what HL7 has no code for.
const OWN_SYSTEM: &str = "urn:abstractor:sensitivity";

/// Labels of other kinds, which say nothing of who may see a resource: how sure it is, what it is for, what was left out.
const NO_RESTRICTION: [&str; 4] = ["ObservationValue", "ActReason", "common-tags", "iso-21089-lifecycle"];

/// Codes of Confidentiality that restrict nothing here.
const ORDINARY: [&str; 4] = ["U", "L", "M", "N"];

/// The labels as codings; empty when there are none.
fn codings(confidentiality: Confidentiality, labels: Sensitivities) -> Vec<Value> {
    let restricted = json!({"system": format!("{TERMINOLOGY}/v3-Confidentiality"), "code": "R", "display": "restricted"});
    let of_kind = |kind: Sensitivity| match kind.act_code() {
        Some((code, display)) => json!({"system": format!("{TERMINOLOGY}/v3-ActCode"), "code": code, "display": display}),
        None => json!({"system": OWN_SYSTEM, "code": kind.as_str()}),
    };
    let restricted = (confidentiality == Confidentiality::Restricted).then_some(restricted);
    restricted.into_iter().chain(labels.kinds().into_iter().map(of_kind)).collect()
}

/// Writes the labels into a resource's `meta.security`.
pub fn label(resource: &mut Value, confidentiality: Confidentiality, labels: Sensitivities) {
    let codings = codings(confidentiality, labels);
    if !codings.is_empty() {
        resource["meta"]["security"] = Value::Array(codings);
    }
}

/// The labels as concepts, as `DocumentReference.securityLabel` has them; none when there are none.
pub(super) fn concepts(confidentiality: Confidentiality, labels: Sensitivities) -> Option<Value> {
    let codings = codings(confidentiality, labels);
    let concepts: Vec<Value> = codings.into_iter().map(|coding| json!({"coding": [coding]})).collect();
    (!concepts.is_empty()).then_some(Value::Array(concepts))
}

/// The labels of codings, or of concepts with codings. Restricted and very restricted are restricted; a sensitive code that is not known, and
/// a label in words alone, is the label `other`; a confidentiality that is not known is restricted: what is not understood is never less than
/// what is.
pub(super) fn read<'a>(labels: impl Iterator<Item = &'a Value>) -> (Confidentiality, Sensitivities) {
    let mut restricted = false;
    let mut kinds = Vec::new();
    for label in labels {
        let codings = label["coding"].as_array().map_or(std::slice::from_ref(label), Vec::as_slice);
        let coded: Vec<&Value> = codings.iter().filter(|coding| has_words(&coding["code"])).collect();
        if coded.is_empty() && (has_words(&label["text"]) || codings.iter().any(|coding| has_words(&coding["display"]))) {
            kinds.push(Sensitivity::Other);
        }
        for coding in coded {
            match meaning(coding) {
                Meaning::Nothing => {}
                Meaning::Restricted => restricted = true,
                Meaning::Kind(kind) => kinds.push(kind),
            }
        }
    }
    let confidentiality = if restricted { Confidentiality::Restricted } else { Confidentiality::Normal };
    (confidentiality, kinds.into_iter().collect())
}

/// What a coding says of who may see a resource.
enum Meaning {
    Nothing,
    Restricted,
    Kind(Sensitivity),
}

fn meaning(coding: &Value) -> Meaning {
    let code = coding["code"].as_str().unwrap_or_default().trim();
    let system = coding["system"].as_str();
    let is_of = |name: &str| system.is_some_and(|system| system.ends_with(name));
    if is_of("Confidentiality") {
        return if ORDINARY.contains(&code) { Meaning::Nothing } else { Meaning::Restricted };
    }
    if system.is_none() && ["R", "V"].contains(&code) {
        return Meaning::Restricted;
    }
    if (system.is_none() && ORDINARY.contains(&code)) || NO_RESTRICTION.into_iter().any(is_of) {
        return Meaning::Nothing;
    }
    if system == Some(OWN_SYSTEM) {
        return Meaning::Kind(code.parse().unwrap_or(Sensitivity::Other));
    }
    Meaning::Kind(Sensitivity::of_code(code).unwrap_or(Sensitivity::Other))
}

fn has_words(value: &Value) -> bool {
    value.as_str().is_some_and(|words| !words.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for kind in Sensitivity::ALL {
            let labels = Sensitivities::from_iter([kind]);
            for confidentiality in [Confidentiality::Normal, Confidentiality::Restricted] {
                let mut resource = json!({"meta": {"versionId": "1"}});
                label(&mut resource, confidentiality, labels);
                let security = resource["meta"]["security"].as_array().expect("labels").clone();
                assert_eq!(read(security.iter()), (confidentiality, labels), "{kind:?}");
                assert_eq!(resource["meta"]["versionId"], "1");
                let concepts = concepts(confidentiality, labels).expect("labels");
                assert_eq!(read(concepts.as_array().expect("a list").iter()), (confidentiality, labels), "{kind:?}");
            }
        }
        let mut plain = json!({});
        label(&mut plain, Confidentiality::Normal, Sensitivities::NONE);
        assert_eq!(plain, json!({}), "no label, no element");
    }

    #[test]
    fn codes_of_others() {
        let act_code = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
        let confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
        for (system, code, restricted, expected) in [
            (Some(act_code), "ETH", false, &[Sensitivity::SubstanceUse][..]),
            (Some(act_code), "42CFRPart2", false, &[Sensitivity::SubstanceUse]),
            (Some(act_code), "TBOO", false, &[Sensitivity::Other]),
            (Some("http://hospital.example/labels"), "X7", false, &[Sensitivity::Other]),
            (None, "HIV", false, &[Sensitivity::Hiv]),
            (None, "V", true, &[]),
            (None, "N", false, &[]),
            (Some(confidentiality), "V", true, &[]),
            (Some(confidentiality), "N", false, &[]),
            (Some(confidentiality), "Z", true, &[]),
            (Some("http://terminology.hl7.org/CodeSystem/v3-ActReason"), "HTEST", false, &[]),
            (Some("http://terminology.hl7.org/CodeSystem/v3-ObservationValue"), "SUBSETTED", false, &[]),
        ] {
            let label = json!({"system": system, "code": code});
            let expected = expected.iter().copied().collect();
            let read = read(std::iter::once(&label));
            assert_eq!((read.0 == Confidentiality::Restricted, read.1), (restricted, expected), "{system:?} {code}");
        }
    }

    #[test]
    fn a_label_in_words_alone_is_a_label() {
        for label in [json!({"text": "do not show"}), json!({"coding": [{"display": "secret"}]}), json!({"display": "secret"})]
        {
            assert_eq!(read(std::iter::once(&label)).1.kinds(), [Sensitivity::Other], "{label}");
        }
        for nothing in [json!({}), json!({"coding": []}), json!({"coding": [{"code": null}]}), json!(null)] {
            assert_eq!(read(std::iter::once(&nothing)), (Confidentiality::Normal, Sensitivities::NONE), "{nothing}");
        }
    }
}
