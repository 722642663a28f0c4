//! Of whom a document is, of which encounter, by whom: references with the resources that they lead to.

use jiff::{Timestamp, civil::Date};
use serde_json::Value;

use super::{Around, Refusal, list, text_of};
use crate::{
    domain::{EncounterClass, Patient, PayerClass},
    interop::payers,
};

/// An encounter as a document tells it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Encounter {
    pub(super) number: Option<String>,
    pub(super) class: Option<EncounterClass>,
    pub(super) start: Option<Date>,
    pub(super) end: Option<Date>,
    pub(super) facility: Option<String>,
    pub(super) department: Option<String>,
}

/// The patient of a reference. Without a resource: by the identifier, or by the id at the sender.
pub(super) fn patient(around: Around<'_>, reference: &Value, path: &str) -> Result<Option<Patient>, Refusal> {
    if let Some(resource) = around.resolve(reference) {
        return Ok(of_resource(resource));
    }
    if let Some((system, value)) = identifier(&reference["identifier"]) {
        return Ok(Some(Patient { id: value, system, ..Patient::default() }));
    }
    let Some(id) = outside(reference, path)? else { return Ok(None) };
    let (system, id) = id;
    Ok(Some(Patient { id, system, ..Patient::default() }))
}

fn of_resource(resource: &Value) -> Option<Patient> {
    let (system, id) = best_identifier(resource, &["MR", "PI", "MRN"])?;
    Some(Patient {
        id,
        system,
        name: list(&resource["name"])
            .iter()
            .find(|name| name["use"] == "official")
            .or_else(|| list(&resource["name"]).iter().find(|name| name["use"] != "old"))
            .and_then(name),
        birth_date: date(&resource["birthDate"]),
        sex: text_of(&resource["gender"]).filter(|sex| ["female", "male", "other", "unknown"].contains(&sex.as_str())),
    })
}

/// "Family, Given Given" of a `HumanName`.
fn name(name: &Value) -> Option<String> {
    let given: Vec<String> = list(&name["given"]).iter().filter_map(text_of).collect();
    let written = match (text_of(&name["family"]), given.join(" ")) {
        (Some(family), given) if given.is_empty() => Some(family),
        (Some(family), given) => Some(format!("{family}, {given}")),
        (None, given) if given.is_empty() => None,
        (None, given) => Some(given),
    };
    written.or_else(|| text_of(&name["text"]))
}

/// The encounter of a reference.
pub(super) fn encounter(around: Around<'_>, reference: &Value, path: &str) -> Result<Encounter, Refusal> {
    if let Some(resource) = around.resolve(reference) {
        let place = &resource["location"][0]["location"];
        return Ok(Encounter {
            number: best_identifier(resource, &["VN", "AN"]).map(|(_, value)| value),
            class: class(&resource["class"]),
            start: date(&resource["period"]["start"]),
            end: date(&resource["period"]["end"]),
            facility: named(around, &resource["serviceProvider"]),
            department: named(around, place).or_else(|| text_of(&resource["serviceType"]["text"])),
        });
    }
    let number = match identifier(&reference["identifier"]) {
        Some((_, value)) => Some(value),
        None => outside(reference, path)?.map(|(_, id)| id),
    };
    Ok(Encounter { number, ..Encounter::default() })
}

/// Who pays first for what the patient `subject` has, by the active coverages that came with the document.
pub(super) fn payer_class(around: Around<'_>, subject: &Value) -> Option<PayerClass> {
    let sent = around.entries.iter().map(|entry| &entry["resource"]).chain(list(&around.holder["contained"]));
    let patient = around.resolve(subject);
    let is_theirs = |coverage: &&Value| {
        let beneficiary = &coverage["beneficiary"];
        let same = beneficiary["reference"].is_string() && beneficiary["reference"] == subject["reference"];
        same || patient.is_some_and(|patient| around.resolve(beneficiary).is_some_and(|one| std::ptr::eq(one, patient)))
    };
    let mut coverages: Vec<&Value> = sent
        .filter(|resource| resource["resourceType"] == "Coverage" && resource["status"] == "active")
        .filter(is_theirs)
        .collect();
    coverages.sort_by_key(|coverage| coverage["order"].as_u64().unwrap_or(u64::MAX));
    coverages.into_iter().find_map(|coverage| {
        let kind = &coverage["type"];
        let of_code = |coding: &Value| {
            let (system, code) = (coding["system"].as_str().unwrap_or_default(), coding["code"].as_str().unwrap_or_default());
            let known = if system.contains("sopt") || system.ends_with("2.16.840.1.113883.3.221.5") {
                payers::of_typology(code)
            } else if system.contains("x12") {
                payers::of_claim_filing(code)
            } else {
                payers::of_act_code(code)
            };
            known.or_else(|| coding["display"].as_str().and_then(payers::of_words))
        };
        list(&kind["coding"])
            .iter()
            .find_map(of_code)
            .or_else(|| kind["text"].as_str().and_then(payers::of_words))
            .or_else(|| named(around, &coverage["payor"][0]).and_then(|name| payers::of_words(&name)))
    })
}

/// A class of HL7's ActCode as one of ours.
pub(super) fn class(coding: &Value) -> Option<EncounterClass> {
    Some(match coding["code"].as_str()? {
        "IMP" | "ACUTE" | "NONAC" => EncounterClass::Inpatient,
        "EMER" => EncounterClass::Emergency,
        "AMB" | "VR" | "HH" | "FLD" | "SS" | "OBSENC" => EncounterClass::Outpatient,
        _ => return None,
    })
}

/// The name of a person or an organisation that a reference leads to.
pub(super) fn named(around: Around<'_>, reference: &Value) -> Option<String> {
    let own = || text_of(&reference["display"]).or_else(|| identifier(&reference["identifier"]).map(|(_, value)| value));
    let Some(resource) = around.resolve(reference) else { return own() };
    let names = &resource["name"];
    let of_role = || named(Around { holder: resource, ..around }, &resource["practitioner"]);
    text_of(names)
        .or_else(|| list(names).first().and_then(name))
        .or_else(|| if resource["resourceType"] == "PractitionerRole" { of_role() } else { None })
        .or_else(own)
}

/// An identifier with its system.
pub(super) fn identifier(identifier: &Value) -> Option<(Option<String>, String)> {
    Some((text_of(&identifier["system"]), text_of(&identifier["value"])?))
}

/// The identifier of one of these kinds, else one in use, else the resource's own id.
fn best_identifier(resource: &Value, kinds: &[&str]) -> Option<(Option<String>, String)> {
    let all = list(&resource["identifier"]);
    let of_kind = |one: &&Value| {
        list(&one["type"]["coding"]).iter().any(|coding| coding["code"].as_str().is_some_and(|code| kinds.contains(&code)))
    };
    let current = |one: &&Value| !["old", "temp"].contains(&one["use"].as_str().unwrap_or_default());
    all.iter()
        .filter(current)
        .filter(of_kind)
        .chain(all.iter().filter(current))
        .find_map(identifier)
        .or_else(|| text_of(&resource["id"]).map(|id| (None, id)))
}

/// The id of a reference that leads outside: "Patient/7", "Patient?identifier=system|value". One within the Bundle that leads nowhere is
/// an error, or the note would be kept without its patient.
fn outside(reference: &Value, path: &str) -> Result<Option<(Option<String>, String)>, Refusal> {
    let Some(reference) = text_of(&reference["reference"]) else { return Ok(None) };
    if let Some((_, token)) = reference.split_once("?identifier=") {
        let (system, value) = token.split_once('|').map_or((None, token), |(system, value)| (text_of(&system.into()), value));
        return Ok(text_of(&value.into()).map(|value| (system, value)));
    }
    if reference.starts_with('#') || reference.starts_with("urn:") {
        return Err(Refusal::invalid(
            format!("{path}.reference"),
            "leads to nothing in what was sent; send the resource with it, or an identifier",
        ));
    }
    let plain = reference.split("/_history/").next().unwrap_or_default();
    Ok(plain.rsplit('/').next().and_then(|id| text_of(&id.into())).map(|id| (None, id)))
}

/// The day of a FHIR date or dateTime, as it is written where it was written. None for a year or a month alone.
pub(super) fn date(value: &Value) -> Option<Date> {
    value.as_str()?.get(..10)?.parse().ok()
}

/// An instant with its zone; none for a day alone.
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
