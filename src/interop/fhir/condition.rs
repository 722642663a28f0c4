//! Diagnoses: of the patient as `Condition`, of relatives as `FamilyMemberHistory`.

use serde_json::{Value, json};

use super::{Context, coding, status, words};
use crate::domain::{Assertion, CodedEntry};

/// Words for relatives and their codes of HL7's RoleCode.
const RELATIVES: [(&str, &str, &str); 20] = [
    ("grandmother", "GRMTH", "grandmother"),
    ("grandfather", "GRFTH", "grandfather"),
    ("grandparent", "GRPRN", "grandparent"),
    ("mother", "MTH", "mother"),
    ("mom", "MTH", "mother"),
    ("mum", "MTH", "mother"),
    ("father", "FTH", "father"),
    ("dad", "FTH", "father"),
    ("parent", "PRN", "parent"),
    ("sister", "SIS", "sister"),
    ("brother", "BRO", "brother"),
    ("sibling", "SIB", "sibling"),
    ("daughter", "DAU", "natural daughter"),
    ("son", "SON", "natural son"),
    ("child", "CHILD", "child"),
    ("aunt", "AUNT", "aunt"),
    ("uncle", "UNCLE", "uncle"),
    ("cousin", "COUSN", "cousin"),
    ("niece", "NIECE", "niece"),
    ("nephew", "NEPHEW", "nephew"),
];
/// Somebody of the family, not said who.
const FAMILY_MEMBER: (&str, &str) = ("FAMMEMB", "family member");

/// The resource of a diagnosis; none for a mere risk, and for what somebody outside the family has.
pub(super) fn resource(context: &Context<'_>, entry: &CodedEntry) -> Option<Value> {
    let (clinical, verification) = match entry.assertion? {
        Assertion::Present => (Some("active"), "unconfirmed"),
        Assertion::Historical => (Some("resolved"), "unconfirmed"),
        Assertion::Possible => (Some("active"), "provisional"),
        Assertion::Absent => (None, "refuted"),
        Assertion::Family => return family(context, entry),
        Assertion::Hypothetical => return None,
    };
    let mut resource = json!({
        "resourceType": "Condition",
        "extension": context.derivation(entry),
        "verificationStatus": status("condition-ver-status", verification),
        "category": [status("condition-category", "encounter-diagnosis")],
        "code": code(entry),
        "subject": context.subject,
    });
    if let Some(clinical) = clinical {
        resource["clinicalStatus"] = status("condition-clinical", clinical);
    }
    if let Some(encounter) = &context.encounter {
        resource["encounter"] = encounter.clone();
    }
    Some(resource)
}

/// The first code; words alone when no code was good enough.
fn code(entry: &CodedEntry) -> Value {
    match entry.codes.first() {
        Some(first) => json!({"coding": [coding(first)], "text": words(entry)}),
        None => json!({"text": words(entry)}),
    }
}

fn family(context: &Context<'_>, entry: &CodedEntry) -> Option<Value> {
    let cues = || entry.evidence.iter().flat_map(|one| &one.cues);
    let said = cues().map(|cue| cue.text.to_lowercase()).collect::<Vec<_>>().join(" ");
    let relative = RELATIVES.iter().find(|(word, ..)| said.contains(word)).map(|(_, code, display)| (*code, *display));
    let in_family = said.contains("famil")
        || said.contains("hereditary")
        || entry.evidence.iter().any(|one| one.section == "family_history");
    let (relation, display) = relative.or_else(|| in_family.then_some(FAMILY_MEMBER))?;
    // the disease's own code says what the relative has; the first may be the family history code of the patient
    let own = entry.codes.iter().find(|code| !code.code.starts_with('Z')).or_else(|| entry.codes.first());
    let disease = match own {
        Some(own) => json!({"coding": [coding(own)], "text": words(entry)}),
        None => json!({"text": words(entry)}),
    };
    Some(json!({
        "resourceType": "FamilyMemberHistory",
        "extension": context.derivation(entry),
        "status": "partial",
        "patient": context.subject,
        "relationship": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": relation, "display": display}
        ]},
        "condition": [{"code": disease}],
    }))
}
