//! Medications as `MedicationStatement`: what the note says is taken, was taken, given or denied.

use serde_json::{Value, json};

use super::{Context, coding, words};
use crate::domain::{CodeRole, CodedEntry, MedicationStatus};

/// The resource of a medication.
pub(super) fn resource(context: &Context<'_>, entry: &CodedEntry) -> Value {
    let change = entry.attributes.change.as_ref().and_then(|change| change.value.as_ref()?.as_str());
    let status = match entry.status.unwrap_or(MedicationStatus::Active) {
        MedicationStatus::Active => "active",
        MedicationStatus::Given => "completed",
        MedicationStatus::Discontinued if change == Some("held") => "on-hold",
        MedicationStatus::Discontinued => "stopped",
        MedicationStatus::Hypothetical => "intended",
        MedicationStatus::Absent => "not-taken",
    };
    let mut resource = json!({
        "resourceType": "MedicationStatement",
        "extension": context.derivation(&entry.evidence.iter().collect::<Vec<_>>()),
        "status": status,
        "medicationCodeableConcept": medication(entry),
        "subject": context.subject,
        "derivedFrom": [{"reference": context.document}],
    });
    if let Some(encounter) = &context.encounter {
        resource["context"] = encounter.clone();
    }
    if let Some(purpose) = &entry.attributes.indication {
        resource["reasonCode"] = json!([{"text": purpose.text}]);
    }
    if let Some(dosage) = entry.attributes.dosage.as_ref().and_then(|dosage| dosage.value.clone()) {
        resource["dosage"] = dosage;
    }
    resource
}

/// Clinical drug and ingredient; the ingredients of a combination are not each the medication, so it has its words and the drug alone.
fn medication(entry: &CodedEntry) -> Value {
    let ingredients = entry.codes.iter().filter(|code| code.role == CodeRole::Ingredient).count();
    let codes: Vec<Value> = entry
        .codes
        .iter()
        .filter(|code| code.role == CodeRole::ClinicalDrug || (code.role == CodeRole::Ingredient && ingredients == 1))
        .map(coding)
        .collect();
    if codes.is_empty() { json!({"text": words(entry)}) } else { json!({"coding": codes, "text": words(entry)}) }
}
