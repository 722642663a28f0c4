//! Diagnoses: of the patient as `Condition`, of relatives as `FamilyMemberHistory`.

use serde_json::{Value, json};

use super::{
    Context, coding,
    statement::{Place, Standing, Statement},
    status,
};
use crate::domain::{Assertion, Evidence};

const VERIFICATION: &str = "condition-ver-status";

/// A code of HL7's RoleCode with its name.
type Relative = (&'static str, &'static str);

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
const FAMILY_MEMBER: Relative = ("FAMMEMB", "family member");

/// The resources of a diagnosis; none for a mere risk, and for what somebody outside the family has. Each with its places.
pub(super) fn resources(context: &Context, entry: &Statement<'_>) -> Vec<(Value, Vec<Place>)> {
    let sure = if entry.standing == Standing::Confirmed { "confirmed" } else { "unconfirmed" };
    let (clinical, verification) = match entry.assertion {
        Some(Assertion::Present) => (Some("active"), sure),
        Some(Assertion::Historical) => (Some("resolved"), sure),
        // a coder who accepts it says that the note suspects it, not that the patient has it
        Some(Assertion::Possible) => (Some("active"), "provisional"),
        Some(Assertion::Absent) => (None, "refuted"),
        Some(Assertion::Family) => return family(context, entry),
        Some(Assertion::Hypothetical) | None => return Vec::new(),
    };
    let withdrawn = entry.withdrawn(VERIFICATION);
    // rules con-3 to con-5: no clinical status beside an error; what was refuted has none either, which con-3 asks of problem lists only
    let clinical = clinical.filter(|_| withdrawn.is_none());
    let mut resource = json!({
        "resourceType": "Condition",
        "verificationStatus": withdrawn.unwrap_or_else(|| status(VERIFICATION, verification)),
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
    if let Some(recorded) = &context.recorded_date {
        resource["recordedDate"] = recorded.clone();
    }
    vec![(resource, entry.places())]
}

/// The first code; words alone when no code was good enough.
fn code(entry: &Statement<'_>) -> Value {
    match entry.codes.first() {
        Some(first) => json!({"coding": [coding(first)], "text": entry.words()}),
        None => json!({"text": entry.words()}),
    }
}

/// One resource for each relative that the evidence names.
fn family(context: &Context, entry: &Statement<'_>) -> Vec<(Value, Vec<Place>)> {
    let mut relatives: Vec<(Relative, &str, Vec<Place>)> = Vec::new();
    for (note, one) in &entry.evidence {
        let Some(relative) = relative(one) else { continue };
        let place = Place { note: note.clone(), start: one.start, end: one.end };
        match relatives.iter_mut().find(|(known, ..)| *known == relative) {
            Some((.., places)) => places.push(place),
            None => relatives.push((relative, &one.text, vec![place])),
        }
    }
    if entry.evidence.is_empty() {
        relatives.push((FAMILY_MEMBER, entry.display, entry.places()));
    }
    // the disease's own code says what the relative has; the first may be the family history code of the patient
    let own = entry.codes.iter().find(|code| !code.code.starts_with('Z')).or_else(|| entry.codes.first());
    // an error, and what the relative does not have, are both taken back: there is no "refuted" family history
    let status = if matches!(entry.standing, Standing::Mistaken | Standing::Refuted) { "entered-in-error" } else { "partial" };
    let resource = |((relation, display), words, places): (Relative, &str, Vec<Place>)| {
        let disease = match own {
            Some(own) => json!({"coding": [coding(own)], "text": words}),
            None => json!({"text": words}),
        };
        let resource = json!({
            "resourceType": "FamilyMemberHistory",
            "status": status,
            "patient": context.subject,
            "relationship": {"coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": relation, "display": display}
            ]},
            "condition": [{"code": disease}],
        });
        (resource, places)
    };
    relatives.into_iter().map(resource).collect()
}

/// Whose disease it is, by the words that made it somebody else's; none for somebody who is no family by blood.
fn relative(evidence: &Evidence) -> Option<Relative> {
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
