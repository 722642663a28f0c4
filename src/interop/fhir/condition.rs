//! Diagnoses: of the patient as `Condition`, of relatives as `FamilyMemberHistory`.

use serde_json::{Value, json};

use super::{Context, coding, status, words};
use crate::domain::{Assertion, CodedEntry, Evidence};

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
/// People who are no relatives by blood, and words that make a relative one by marriage.
const NO_RELATIVES: [&str; 20] = [
    "wife",
    "husband",
    "spouse",
    "partner",
    "boyfriend",
    "girlfriend",
    "roommate",
    "roommates",
    "friend",
    "coworker",
    "neighbor",
    "donor",
    "caregiver",
    "classmate",
    "contact",
    "housemate",
    "law",
    "foster",
    "godmother",
    "godfather",
];
/// Somebody of the family, not said who.
const FAMILY_MEMBER: (&str, &str) = ("FAMMEMB", "family member");

/// The resources of a diagnosis; none for a mere risk, and for what somebody outside the family has.
pub(super) fn resources(context: &Context<'_>, entry: &CodedEntry) -> Vec<Value> {
    let (clinical, verification) = match entry.assertion {
        Some(Assertion::Present) => (Some("active"), "unconfirmed"),
        Some(Assertion::Historical) => (Some("resolved"), "unconfirmed"),
        Some(Assertion::Possible) => (Some("active"), "provisional"),
        Some(Assertion::Absent) => (None, "refuted"),
        Some(Assertion::Family) => return family(context, entry),
        Some(Assertion::Hypothetical) | None => return Vec::new(),
    };
    let mut resource = json!({
        "resourceType": "Condition",
        "extension": context.derivation(&entry.evidence.iter().collect::<Vec<_>>()),
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
    vec![resource]
}

/// The first code; words alone when no code was good enough.
fn code(entry: &CodedEntry) -> Value {
    match entry.codes.first() {
        Some(first) => json!({"coding": [coding(first)], "text": words(entry)}),
        None => json!({"text": words(entry)}),
    }
}

/// One resource for each relative that the evidence names.
fn family(context: &Context<'_>, entry: &CodedEntry) -> Vec<Value> {
    let mut relatives: Vec<((&str, &str), Vec<&Evidence>)> = Vec::new();
    for one in &entry.evidence {
        let Some(relative) = relative(one) else { continue };
        match relatives.iter_mut().find(|(known, _)| *known == relative) {
            Some((_, evidence)) => evidence.push(one),
            None => relatives.push((relative, vec![one])),
        }
    }
    // the disease's own code says what the relative has; the first may be the family history code of the patient
    let own = entry.codes.iter().find(|code| !code.code.starts_with('Z')).or_else(|| entry.codes.first());
    let resource = |((relation, display), evidence): ((&str, &str), Vec<&Evidence>)| {
        let words = evidence.first().map_or(entry.display.as_str(), |one| one.text.as_str());
        let disease = match own {
            Some(own) => json!({"coding": [coding(own)], "text": words}),
            None => json!({"text": words}),
        };
        json!({
            "resourceType": "FamilyMemberHistory",
            "extension": context.derivation(&evidence),
            "status": "partial",
            "patient": context.subject,
            "relationship": {"coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": relation, "display": display}
            ]},
            "condition": [{"code": disease}],
        })
    };
    relatives.into_iter().map(resource).collect()
}

/// Whose disease it is, by the words that made it somebody else's; none for somebody who is no family by blood.
fn relative(evidence: &Evidence) -> Option<(&'static str, &'static str)> {
    let family = evidence.cues.iter().filter(|cue| cue.means == "family");
    let said = family.map(|cue| cue.text.to_lowercase()).collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = said.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.iter().any(|word| NO_RELATIVES.contains(word) || word.starts_with("step")) {
        return None;
    }
    let named = |known: &str| words.iter().any(|word| *word == known || word.strip_suffix('s') == Some(known));
    let relative = RELATIVES.iter().find(|(word, ..)| named(word)).map(|(_, code, display)| (*code, *display));
    let in_family =
        words.iter().any(|word| word.starts_with("famil") || *word == "hereditary") || evidence.section == "family_history";
    relative.or_else(|| in_family.then_some(FAMILY_MEMBER))
}
