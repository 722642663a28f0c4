//! Allergies, intolerances and statements of none as `AllergyIntolerance`.

use serde_json::{Value, json};

use super::{
    Context, coding,
    statement::{Standing, Statement},
    status,
};
use crate::domain::{Assertion, Attribute, CodeRole, EntryKind, system};

const CLINICAL: &str = "allergyintolerance-clinical";
const VERIFICATION: &str = "allergyintolerance-verification";

/// The resource of an allergy; none for somebody else's.
pub(super) fn resource(context: &Context, entry: &Statement<'_>) -> Option<Value> {
    let sure = if entry.standing == Standing::Confirmed { "confirmed" } else { "unconfirmed" };
    let (clinical, verification) = match (entry.kind, entry.assertion) {
        (EntryKind::NoKnownAllergies, _) | (_, Some(Assertion::Present)) => ("active", sure),
        // R4 has no "provisional" for an allergy: one that the note only suspects stays unconfirmed whoever agrees
        (_, Some(Assertion::Possible)) => ("active", "unconfirmed"),
        (_, Some(Assertion::Historical)) => ("resolved", sure),
        (_, Some(Assertion::Absent)) => ("inactive", "refuted"),
        _ => return None,
    };
    let mut resource = json!({
        "resourceType": "AllergyIntolerance",
        "verificationStatus": entry.withdrawn(VERIFICATION).unwrap_or_else(|| status(VERIFICATION, verification)),
        "code": code(entry),
        "patient": context.subject,
    });
    // rules ait-1 and ait-2: a clinical status always, but on an error never
    match entry.standing {
        Standing::Mistaken => {}
        Standing::Refuted => resource["clinicalStatus"] = status(CLINICAL, "inactive"),
        Standing::Suggested | Standing::Confirmed => resource["clinicalStatus"] = status(CLINICAL, clinical),
    }
    let attributes = entry.attributes;
    if let Some(kind) = &attributes.allergy_type {
        resource["type"] = json!(kind);
    }
    if let Some(category) = &attributes.category {
        resource["category"] = json!([category]);
    }
    if let Some(criticality) = &attributes.criticality {
        resource["criticality"] = json!(criticality);
    }
    if let Some(encounter) = &context.encounter {
        resource["encounter"] = encounter.clone();
    }
    if let Some(recorded) = &context.recorded_date {
        resource["recordedDate"] = recorded.clone();
    }
    if !attributes.reactions.is_empty() {
        let mut reaction = json!({"manifestation": attributes.reactions.iter().map(manifestation).collect::<Vec<_>>()});
        let grade = attributes.severity.as_ref().and_then(|severity| severity.value.as_ref()?["display"].as_str());
        if let Some(grade) = grade.filter(|grade| ["mild", "moderate", "severe"].contains(grade)) {
            reaction["severity"] = json!(grade);
        }
        resource["reaction"] = json!([reaction]);
    }
    Some(resource)
}

fn code(entry: &Statement<'_>) -> Value {
    // the ICD-10-CM status code says that there is an allergy, not to what
    let codes: Vec<Value> = entry
        .codes
        .iter()
        .filter(|code| code.role != CodeRole::AllergyStatus && code.system != system::ICD10CM)
        .map(coding)
        .collect();
    // the ingredients of a combination are no synonyms of each other
    let combination = entry.codes.iter().filter(|code| code.system == system::RXNORM).count() > 1;
    if codes.is_empty() || combination {
        json!({"text": entry.words()})
    } else {
        json!({"coding": codes, "text": entry.words()})
    }
}

fn manifestation(reaction: &Attribute) -> Value {
    match reaction.value.as_ref().filter(|value| value["code"].is_string()) {
        Some(value) => json!({"coding": [value], "text": reaction.text}),
        None => json!({"text": reaction.text}),
    }
}
