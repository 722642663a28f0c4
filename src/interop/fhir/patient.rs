//! The patient: as a reference, and as a resource that holds what the senders said of them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{TERMINOLOGY, percent_encoded, without_control_characters};
use crate::domain::Patient;

/// Why something that a profile asks for is not there.
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// The patient by the sender's identifier, and by their resource where there is one.
pub(super) fn subject(patient: Option<&Patient>, reference: Option<String>) -> Value {
    let Some(patient) = patient.filter(|patient| is_identified(patient)) else {
        return json!({"type": "Patient", "display": "the patient of this note"});
    };
    let mut subject = json!({"type": "Patient", "identifier": identifier(patient)});
    if let Some(reference) = reference {
        subject["reference"] = json!(reference);
    }
    subject
}

/// The reference to a patient as they are served.
pub(super) fn served(id: Option<Uuid>) -> Option<String> {
    id.map(|id| format!("Patient/{id}"))
}

/// Whether a sender said who it is.
pub(super) fn is_identified(patient: &Patient) -> bool {
    !patient.id.trim().is_empty()
}

/// The resource, with an id where it is served. What the US Core and IPS profiles ask for and no sender told is said to be unknown.
#[must_use]
pub fn patient(id: Option<Uuid>, patient: &Patient) -> Value {
    let mut identifier = identifier(patient);
    if identifier["system"].is_null() {
        identifier["_system"] = unknown();
    }
    let name = name(patient.name.as_deref());
    let sex = patient.sex.as_deref().filter(|sex| ["female", "male", "other"].contains(sex));
    let mut resource = json!({
        "resourceType": "Patient",
        "identifier": [identifier],
        "name": [name],
        "gender": sex.unwrap_or("unknown"),
    });
    // where US Core 5 looks for the reason; other editions look at the name
    if resource["name"][0]["extension"].is_array() {
        resource["extension"] = resource["name"][0]["extension"].clone();
    }
    match patient.birth_date {
        Some(day) => resource["birthDate"] = json!(day.to_string()),
        None => resource["_birthDate"] = unknown(),
    }
    if let Some(id) = id {
        resource["id"] = json!(id.to_string());
    }
    without_control_characters(&mut resource);
    resource
}

/// A record number that was merged into another.
#[must_use]
pub fn merged_patient(id: Uuid, survivor: Uuid) -> Value {
    json!({
        "resourceType": "Patient",
        "id": id.to_string(),
        "active": false,
        "link": [{"other": {"reference": format!("Patient/{survivor}")}, "type": "replaced-by"}],
    })
}

/// What a server that has this patient already is to look for, so that no second one is made there. Nothing where the system of the number is
/// no URI: two systems may give out the same number, and a patient made twice is better than two made one.
pub(super) fn search(patient: &Patient) -> Option<String> {
    let system = patient.system.as_deref().filter(|system| is_uri(system))?;
    Some(format!("identifier={}|{}", escaped(system), escaped(&patient.id)))
}

fn identifier(patient: &Patient) -> Value {
    let kind = json!({"coding": [{"system": format!("{TERMINOLOGY}/v2-0203"), "code": "MR"}]});
    let mut identifier = json!({"type": kind, "value": patient.id});
    match patient.system.as_deref() {
        Some(system) if is_uri(system) => identifier["system"] = json!(system),
        // what other ways in call it need be no URI
        Some(system) => identifier["assigner"] = json!({"display": system}),
        None => {}
    }
    identifier
}

fn is_uri(system: &str) -> bool {
    system.contains(':')
}

/// "Family, Given Given" in its parts, anything else as it is written.
fn name(name: Option<&str>) -> Value {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else {
        return json!({"extension": [{"url": ABSENT, "valueCode": "unknown"}]});
    };
    match name.split_once(',').map(|(family, given)| (family.trim(), given.split_whitespace().collect::<Vec<_>>())) {
        Some((family, given)) if !family.is_empty() && !given.is_empty() => {
            json!({"text": name, "family": family, "given": given})
        }
        // which word is the family's is not said
        _ => json!({"text": name, "extension": [{"url": ABSENT, "valueCode": "unknown"}]}),
    }
}

/// That something is not known.
pub(super) fn unknown() -> Value {
    json!({"extension": [{"url": ABSENT, "valueCode": "unknown"}]})
}

/// A word of a token for a query, whatever parts tokens marked as none.
fn escaped(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for letter in text.chars() {
        if ['\\', ',', '|', '$'].contains(&letter) {
            word.push('\\');
        }
        word.push(letter);
    }
    percent_encoded(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_their_parts() {
        for (written, family, given, absent) in [
            (Some("Rowe, Ada Jane"), Some("Rowe"), 2, false),
            (Some("Ada Rowe"), None, 0, true),
            (Some("Rowe,"), None, 0, true),
            (None, None, 0, true),
        ] {
            let name = name(written);
            assert_eq!(name["family"].as_str(), family, "{written:?}");
            assert_eq!(name["given"].as_array().map_or(0, Vec::len), given, "{written:?}");
            assert_eq!(name["extension"].is_array(), absent, "{written:?}");
            assert_eq!(name["text"].as_str(), written, "{written:?}");
        }
    }

    #[test]
    fn a_server_looks_for_the_number_of_its_system() {
        let one =
            |system: Option<&str>| Patient { id: "M 7".to_owned(), system: system.map(str::to_owned), ..Patient::default() };
        assert_eq!(search(&one(Some("urn:oid:2.999"))).as_deref(), Some("identifier=urn%3Aoid%3A2.999|M%207"));
        assert_eq!(search(&one(Some("NORTH"))), None, "two authorities may give out the same number");
        assert_eq!(search(&one(None)), None);
        let odd = Patient { id: "A,B|C".to_owned(), ..one(Some("urn:a")) };
        assert_eq!(search(&odd).as_deref(), Some("identifier=urn%3Aa|A%5C%2CB%5C%7CC"), "one number, not two");
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(percent_encoded("http://a|b c&d"), "http%3A%2F%2Fa%7Cb%20c%26d");
    }
}
