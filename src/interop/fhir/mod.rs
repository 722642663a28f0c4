//! An extraction as a FHIR R4 transaction Bundle.
//!
//! The Bundle holds the note (a `Binary` with its text and a `DocumentReference`), a `Condition`, `MedicationStatement`,
//! `AllergyIntolerance` or `FamilyMemberHistory` for each entry that says something of the patient or their family, and a `Provenance`.
//! Every derived resource points at its words with the extension `derivation-reference`; offsets are Unicode code points of the `Binary`'s
//! text. Nothing in it was reviewed, so conditions are unconfirmed or provisional, never confirmed. Entries that only speak of a risk, and
//! what other people than relatives have, have no place in a chart and are left out; the coder's queue shows them.

mod allergy;
mod condition;
mod medication;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::{CodeCandidate, CodedEntry, EntryKind, Evidence, Extraction};

/// URL of the extension that points at the words a resource was derived from.
const DERIVATION: &str = "http://hl7.org/fhir/StructureDefinition/derivation-reference";
/// Base of the code systems that FHIR defines itself.
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";

/// What the Bundle says beside the extraction.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The note's text, whole.
    pub text: &'a str,
    /// The patient's identifier at the sender, where it is known.
    pub patient: Option<&'a str>,
    /// The encounter's identifier at the sender, where it is known.
    pub encounter: Option<&'a str>,
    /// When the Bundle is made.
    pub recorded: Timestamp,
}

/// What every resource of one Bundle refers to.
struct Context<'a> {
    extraction: &'a Extraction,
    subject: Value,
    encounter: Option<Value>,
    binary: String,
    document: String,
}

/// The Bundle of one note; the extraction's offsets must be code points.
#[must_use]
pub fn bundle(extraction: &Extraction, source: Source<'_>) -> Value {
    let name = |what: &str| {
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{}|{what}", extraction.note_id).as_bytes());
        format!("urn:uuid:{id}")
    };
    let identified = |kind: &str, id: Option<&str>| id.map(|id| json!({"type": kind, "identifier": {"value": id}}));
    let context = Context {
        extraction,
        subject: identified("Patient", source.patient).unwrap_or_else(|| json!({"display": "the patient of this note"})),
        encounter: identified("Encounter", source.encounter),
        binary: name("binary"),
        document: name("document"),
    };
    let mut derived: Vec<(String, Value)> = Vec::new();
    for entry in &extraction.entries {
        let resources = match entry.kind {
            EntryKind::Diagnosis => condition::resources(&context, entry),
            EntryKind::Medication => vec![medication::resource(&context, entry)],
            EntryKind::Allergy | EntryKind::NoKnownAllergies => allergy::resource(&context, entry).into_iter().collect(),
        };
        for (place, mut resource) in resources.into_iter().enumerate() {
            without_control_characters(&mut resource);
            // an entry's id names its first resource; a second relative has one of its own
            let url = if place == 0 { format!("urn:uuid:{}", entry.id) } else { name(&format!("{}|{place}", entry.id)) };
            derived.push((url, resource));
        }
    }
    let mut resources = vec![(context.binary.clone(), binary(source.text)), (context.document.clone(), document(&context))];
    let targets: Vec<Value> = derived.iter().map(|(url, _)| json!({"reference": url})).collect();
    resources.append(&mut derived);
    if !targets.is_empty() {
        resources.push((name("provenance"), provenance(&context, &targets, source.recorded)));
    }
    let entries: Vec<Value> = resources
        .into_iter()
        .map(|(url, resource)| {
            let kind = resource["resourceType"].clone();
            json!({"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": kind}})
        })
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

fn binary(text: &str) -> Value {
    json!({"resourceType": "Binary", "contentType": "text/plain; charset=utf-8", "data": STANDARD.encode(text)})
}

fn document(context: &Context<'_>) -> Value {
    let mut resource = json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": context.subject,
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "url": context.binary}}],
    });
    if !context.extraction.note_id.trim().is_empty() {
        resource["identifier"] = json!([{"value": context.extraction.note_id}]);
    }
    if let Some(encounter) = &context.encounter {
        resource["context"] = json!({"encounter": [encounter]});
    }
    resource
}

fn provenance(context: &Context<'_>, targets: &[Value], recorded: Timestamp) -> Value {
    let engine = &context.extraction.engine;
    let agent = format!("Abstractor {}, model {}, vocabulary {}", engine.version, engine.model, engine.vocabulary);
    json!({
        "resourceType": "Provenance",
        "target": targets,
        "recorded": recorded.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "agent": [{
            "type": {"coding": [{"system": format!("{TERMINOLOGY}/provenance-participant-type"), "code": "assembler"}]},
            "who": {"type": "Device", "display": agent},
        }],
        "entity": [{"role": "source", "what": {"reference": context.document}}],
    })
}

impl Context<'_> {
    /// One extension for each piece of evidence.
    fn derivation(&self, evidence: &[&Evidence]) -> Value {
        evidence
            .iter()
            .map(|one| {
                json!({"url": DERIVATION, "extension": [
                    {"url": "reference", "valueReference": {"reference": self.binary}},
                    {"url": "path", "valueString": "Binary.data"},
                    {"url": "offset", "valueInteger": one.start},
                    {"url": "length", "valueInteger": one.end - one.start},
                ]})
            })
            .collect()
    }
}

/// FHIR strings hold no control characters but tab and line breaks; a note may.
fn without_control_characters(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(|letter: char| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')) => {
            *text = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        }
        Value::Array(all) => all.iter_mut().for_each(without_control_characters),
        Value::Object(all) => all.values_mut().for_each(without_control_characters),
        _ => {}
    }
}

/// A code of one of FHIR's own systems.
fn status(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": format!("{TERMINOLOGY}/{system}"), "code": code}]})
}

fn coding(code: &CodeCandidate) -> Value {
    json!({"system": code.system, "code": code.code, "display": code.display})
}

/// The words of the first evidence.
fn words(entry: &CodedEntry) -> &str {
    entry.evidence.first().map_or(entry.display.as_str(), |one| one.text.as_str())
}

#[cfg(test)]
mod tests;
