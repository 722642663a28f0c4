//! Medications as `MedicationStatement`: what the note says is taken, was taken, given or denied; and as `MedicationRequest` where it says
//! that one was prescribed.

use serde_json::{Value, json};

use super::{
    Context, coding, patient,
    statement::{Standing, Statement},
};
use crate::domain::{Attribute, CodeRole, MedicationStatus};

/// The resource of a medication.
pub(super) fn resource(context: &Context, entry: &Statement<'_>) -> Value {
    let status = match entry.status.unwrap_or(MedicationStatus::Active) {
        _ if entry.standing == Standing::Mistaken => "entered-in-error",
        _ if entry.standing == Standing::Refuted => "not-taken",
        MedicationStatus::Active => "active",
        MedicationStatus::Given => "completed",
        MedicationStatus::Discontinued if change(entry) == Some("held") => "on-hold",
        MedicationStatus::Discontinued => "stopped",
        MedicationStatus::Hypothetical => "intended",
        MedicationStatus::Absent => "not-taken",
    };
    let mut resource = json!({
        "resourceType": "MedicationStatement",
        "status": status,
        "medicationCodeableConcept": medication(entry),
        "subject": context.subject,
        // when it was taken, the words seldom say; IPS wants that said
        "_effectiveDateTime": patient::unknown(),
        "derivedFrom": context.documents(&entry.places()),
    });
    if let Some(recorded) = &context.recorded_date {
        resource["dateAsserted"] = recorded.clone();
    }
    if let Some(encounter) = &context.encounter {
        resource["context"] = encounter.clone();
    }
    common(&mut resource, entry);
    if let Some(dosage) = entry.attributes.dosage.as_ref().and_then(|dosage| dosage.value.clone()) {
        resource["dosage"] = dosage;
    }
    resource
}

/// The order behind it: the note says that the drug was started, or how much was handed out or how often it may be refilled. Until a
/// person confirmed it, it is a draft.
pub(super) fn request(context: &Context, entry: &Statement<'_>) -> Option<Value> {
    let attributes = entry.attributes;
    let ordered = change(entry) == Some("started") || attributes.quantity.is_some() || attributes.refills.is_some();
    if entry.status != Some(MedicationStatus::Active) || !ordered {
        return None;
    }
    let status = match entry.standing {
        Standing::Suggested => "draft",
        Standing::Confirmed => "active",
        Standing::Refuted | Standing::Mistaken => "entered-in-error",
    };
    let mut resource = json!({
        "resourceType": "MedicationRequest",
        "status": status,
        "intent": "order",
        "reportedBoolean": true,
        "medicationCodeableConcept": medication(entry),
        "subject": context.subject,
        // a note tells of orders, not who gave them; US Core wants that said
        "requester": patient::unknown(),
    });
    if let Some(encounter) = &context.encounter {
        resource["encounter"] = encounter.clone();
    }
    if let Some(authored) = &context.recorded_date {
        resource["authoredOn"] = authored.clone();
    }
    common(&mut resource, entry);
    if let Some(dosage) = attributes.dosage.as_ref().and_then(|dosage| dosage.value.clone()) {
        resource["dosageInstruction"] = dosage;
    }
    let number = |attribute: &Option<Attribute>| attribute.as_ref().and_then(|one| one.value.clone());
    if let Some(quantity) = number(&attributes.quantity).filter(|quantity| quantity["value"].is_number()) {
        resource["dispenseRequest"]["quantity"] = json!({"value": quantity["value"]});
        if let Some(unit) = quantity["unit"].as_str().map(|unit| unit.trim_matches(['{', '}'])).filter(|unit| !unit.is_empty())
        {
            resource["dispenseRequest"]["quantity"]["unit"] = json!(unit);
        }
    }
    if let Some(refills) =
        number(&attributes.refills).and_then(|refills| refills.as_u64().or_else(|| refills["value"].as_u64()))
    {
        resource["dispenseRequest"]["numberOfRepeatsAllowed"] = json!(refills);
    }
    Some(resource)
}

fn common(resource: &mut Value, entry: &Statement<'_>) {
    if let Some(purpose) = &entry.attributes.indication {
        resource["reasonCode"] = json!([{"text": purpose.text}]);
    }
}

fn change<'a>(entry: &Statement<'a>) -> Option<&'a str> {
    entry.attributes.change.as_ref().and_then(|change| change.value.as_ref()?.as_str())
}

/// Clinical drug and ingredient; the ingredients of a combination are not each the medication, so it has its words and the drug alone.
fn medication(entry: &Statement<'_>) -> Value {
    let ingredients = entry.codes.iter().filter(|code| code.role == CodeRole::Ingredient).count();
    let codes: Vec<Value> = entry
        .codes
        .iter()
        .filter(|code| match code.role {
            CodeRole::ClinicalDrug => true,
            CodeRole::Ingredient => ingredients == 1,
            // what a coder chose
            CodeRole::Code => true,
            CodeRole::Class | CodeRole::AllergyStatus => false,
        })
        .map(coding)
        .collect();
    if codes.is_empty() { json!({"text": entry.words()}) } else { json!({"coding": codes, "text": entry.words()}) }
}
