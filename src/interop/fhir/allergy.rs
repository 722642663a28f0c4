//! Allergies, intolerances and statements of none as `AllergyIntolerance`.

use serde_json::{Value, json};

use super::{Context, coding, status, words};
use crate::domain::{Assertion, Attribute, CodeRole, CodedEntry, EntryKind, system};

/// The resource of an allergy; none for somebody else's.
pub(super) fn resource(context: &Context<'_>, entry: &CodedEntry) -> Option<Value> {
    let (clinical, verification) = match (entry.kind, entry.assertion) {
        (EntryKind::NoKnownAllergies, _) | (_, Some(Assertion::Present | Assertion::Possible)) => ("active", "unconfirmed"),
        (_, Some(Assertion::Historical)) => ("resolved", "unconfirmed"),
        (_, Some(Assertion::Absent)) => ("inactive", "refuted"),
        _ => return None,
    };
    // the ICD-10-CM status code says that there is an allergy, not to what
    let codes: Vec<Value> = entry
        .codes
        .iter()
        .filter(|code| code.role != CodeRole::AllergyStatus && code.system != system::ICD10CM)
        .map(coding)
        .collect();
    // the ingredients of a combination are no synonyms of each other
    let combination = entry.codes.iter().filter(|code| code.system == system::RXNORM).count() > 1;
    let code = if codes.is_empty() || combination {
        json!({"text": words(entry)})
    } else {
        json!({"coding": codes, "text": words(entry)})
    };
    let mut resource = json!({
        "resourceType": "AllergyIntolerance",
        "extension": context.derivation(&entry.evidence.iter().collect::<Vec<_>>()),
        "clinicalStatus": status("allergyintolerance-clinical", clinical),
        "verificationStatus": status("allergyintolerance-verification", verification),
        "code": code,
        "patient": context.subject,
    });
    let attributes = &entry.attributes;
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

fn manifestation(reaction: &Attribute) -> Value {
    match reaction.value.as_ref().filter(|value| value["code"].is_string()) {
        Some(value) => json!({"coding": [value], "text": reaction.text}),
        None => json!({"text": reaction.text}),
    }
}
