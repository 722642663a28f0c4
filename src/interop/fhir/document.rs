//! A stored note as `DocumentReference` and `Binary`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{TERMINOLOGY, TEXT, encounter, instant, note_types, patient, security, without_control_characters};
use crate::domain::{EncounterClass, Note, Standing};

/// The text of a note as a resource.
#[must_use]
pub fn binary(text: &str) -> Value {
    json!({"resourceType": "Binary", "contentType": TEXT, "data": STANDARD.encode(text)})
}

/// A note without its text.
#[must_use]
pub fn document(note: &Note) -> Value {
    let content = &note.content;
    let attachment = json!({"contentType": TEXT, "url": format!("Binary/{}", note.id), "size": content.text.len()});
    let mut resource = json!({
        "resourceType": "DocumentReference",
        "id": note.id.to_string(),
        "meta": {"lastUpdated": instant(note.received_at)},
        "status": match note.standing {
            Standing::Current => "current",
            Standing::Replaced => "superseded",
            Standing::Retracted => "entered-in-error",
        },
        "type": note_types::concept(content.note_type.as_deref()),
        "category": [{"coding": [
            {"system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "code": "clinical-note"}
        ]}],
        "subject": patient::subject(content.patient.as_ref(), patient::served(note.patient_id)),
        "date": instant(content.versioned_at.unwrap_or(note.received_at)),
        "content": [{"attachment": attachment}],
    });
    // an id of FHIR is made of few letters; a version that is written with others is told by the JSON API alone
    let plain = |word: &&String| {
        !word.is_empty()
            && word.len() <= 64
            && word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter))
    };
    if let Some(version) = content.version.as_ref().filter(plain) {
        resource["meta"]["versionId"] = json!(version);
    }
    if let Some(id) = content.external_id.as_deref().filter(|id| !id.trim().is_empty()) {
        resource["identifier"] = json!([{"value": id}]);
    }
    if let Some(related) = &content.related {
        let target = json!({"type": "DocumentReference", "identifier": {"value": related.external_id}});
        resource["relatesTo"] = json!([{"code": related.relation.as_str(), "target": target}]);
    }
    if let Some(author) = content.author.as_deref().filter(|author| !author.trim().is_empty()) {
        resource["author"] = json!([{"display": author}]);
    }
    if let Some(labels) = security::concepts(content.confidentiality, content.labels) {
        resource["securityLabel"] = labels;
        security::label(&mut resource, content.confidentiality, content.labels);
    }
    if let Some(encounter) = encounter(content.encounter.as_deref()) {
        resource["context"]["encounter"] = json!([encounter]);
    }
    if let Some(day) = content.service_date {
        resource["context"]["period"]["start"] = json!(day.to_string());
    }
    if let Some(class) = content.encounter_class {
        resource["context"]["event"] = json!([class_concept(class)]);
    }
    without_control_characters(&mut resource);
    resource
}

/// The class of the encounter as HL7's ActCode.
fn class_concept(class: EncounterClass) -> Value {
    let (code, display) = match class {
        EncounterClass::Inpatient => ("IMP", "inpatient encounter"),
        EncounterClass::Outpatient => ("AMB", "ambulatory"),
        EncounterClass::Emergency => ("EMER", "emergency"),
    };
    json!({"coding": [{"system": format!("{TERMINOLOGY}/v3-ActCode"), "code": code, "display": display}]})
}
