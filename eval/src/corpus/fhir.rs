//! FHIR R4 Bundles of one note each, one a file or a line: with the decisions of the coders as `DocumentReference/{id}/$everything` gives them,
//! or what an engine suggests (`extract --format fhir`), which is no gold but may be what another engine is held against.
//!
//! The text is the `Binary`'s, or the attachment's of the `DocumentReference`. Each resource that points at words of it by the extension
//! `derivation-reference` (code points) is a mention for each of these places. What was entered in error is no annotation. What carries the
//! tag that nobody decided on it is a place that nobody judged. Hypothetical conditions have no resource, so nothing is known of them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{Refused, icd10};
use crate::note::{Annotation, Kind, Note};

const DERIVATION: &str = "http://hl7.org/fhir/StructureDefinition/derivation-reference";
/// No known allergy, no known drug allergy.
const NONE_KNOWN: [(&str, &str); 2] = [("716186003", "all"), ("409137002", "drug")];

/// The notes of a file: one Bundle, or one a line.
pub(super) fn notes(text: &str) -> Result<Vec<Note>, Refused> {
    let parsed: Result<Value, _> = serde_json::from_str(text);
    let bundles = match parsed {
        Ok(one) => vec![one],
        Err(_) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines
                .map(serde_json::from_str)
                .collect::<Result<Vec<Value>, _>>()
                .map_err(|error| format!("no JSON ({:?})", error.classify()))?
        }
    };
    bundles.iter().map(note).collect()
}

fn note(bundle: &Value) -> Result<Note, Refused> {
    if bundle["resourceType"] != "Bundle" {
        return Err("a value is no Bundle".to_owned());
    }
    let resources: Vec<&Value> = bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]).collect();
    let of_type = |kind: &str| resources.iter().find(|one| one["resourceType"] == kind).copied();
    let document = of_type("DocumentReference").unwrap_or(&Value::Null);
    let data = of_type("Binary").and_then(|one| one["data"].as_str());
    let data = data.or_else(|| document["content"][0]["attachment"]["data"].as_str());
    let bytes = STANDARD.decode(data.ok_or("a Bundle has no text: neither a Binary nor an attachment with data")?);
    let text = String::from_utf8(bytes.map_err(|_| "the text of a Bundle is not base64")?)
        .map_err(|_| "the text of a Bundle is not UTF-8")?;
    let id = document["identifier"][0]["value"].as_str().or_else(|| document["id"].as_str());
    let id = id
        .or_else(|| bundle["id"].as_str())
        .ok_or("a Bundle names its note nowhere: no identifier of a DocumentReference, no id")?;
    let mut note = Note { id: id.to_owned(), text, ..Note::default() };
    if let Some(kind) = document["type"]["coding"][0]["display"].as_str().or_else(|| document["type"]["text"].as_str()) {
        note.slices.insert("note_type".to_owned(), kind.to_owned());
    }
    for resource in resources {
        let Some(model) = annotation(resource) else { continue };
        let undecided = resource["meta"]["tag"].as_array().into_iter().flatten();
        let undecided =
            undecided.filter(|tag| tag["system"] == "urn:abstractor:entry-state").any(|tag| tag["code"] == "suggested");
        for (start, end) in places(resource) {
            if undecided {
                note.unjudged.push((model.kind, start, end));
            } else {
                note.annotations.push(Annotation { start, end, ..model.clone() });
            }
        }
    }
    Ok(note)
}

fn places(resource: &Value) -> Vec<(usize, usize)> {
    let extensions = resource["extension"].as_array().into_iter().flatten().filter(|one| one["url"] == DERIVATION);
    let part = |one: &Value, url: &str| {
        let found = one["extension"].as_array()?.iter().find(|part| part["url"] == url)?;
        usize::try_from(found["valueInteger"].as_u64()?).ok()
    };
    extensions
        .filter_map(|one| Some((part(one, "offset")?, part(one, "length")?)))
        .map(|(start, length)| (start, start + length))
        .collect()
}

/// What a resource says, without its place; none for one that says nothing of a mention.
fn annotation(resource: &Value) -> Option<Annotation> {
    let verification = resource["verificationStatus"]["coding"][0]["code"].as_str().unwrap_or("confirmed");
    let clinical = resource["clinicalStatus"]["coding"][0]["code"].as_str().unwrap_or("active");
    let status = resource["status"].as_str().unwrap_or_default();
    if verification == "entered-in-error" || status == "entered-in-error" {
        return None;
    }
    let coded = match resource["resourceType"].as_str()? {
        "Condition" | "AllergyIntolerance" => &resource["code"],
        "FamilyMemberHistory" => &resource["condition"][0]["code"],
        "MedicationStatement" => &resource["medicationCodeableConcept"],
        _ => return None,
    };
    let codes = |system: &str| {
        let all = coded["coding"].as_array().into_iter().flatten();
        all.filter(|one| one["system"].as_str().is_some_and(|own| own.contains(system)))
            .filter_map(|one| one["code"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let mut one = Annotation::new(Kind::Dx, 0, 0);
    let assertion = match (verification, clinical) {
        ("refuted", _) => "absent",
        ("provisional" | "differential", _) => "possible",
        (_, "resolved" | "inactive" | "remission") => "historical",
        _ => "present",
    };
    one.assertion = Some(assertion.to_owned());
    match resource["resourceType"].as_str()? {
        "FamilyMemberHistory" => one.assertion = Some("family".to_owned()),
        "AllergyIntolerance" => {
            let snomed = codes("snomed");
            let scope = NONE_KNOWN.iter().find(|(code, _)| snomed.iter().any(|own| own == code));
            if let Some((_, scope)) = scope {
                return Some(Annotation { kind: Kind::Nka, assertion: Some((*scope).to_owned()), ..one });
            }
            one.kind = Kind::Al;
            let reactions = resource["reaction"].as_array().into_iter().flatten();
            let reactions = reactions.flat_map(|reaction| reaction["manifestation"].as_array().into_iter().flatten());
            one.attributes =
                reactions.filter_map(|one| Some(("reaction".to_owned(), one["text"].as_str()?.to_owned()))).collect();
            one.substance_codes = [codes("rxnorm"), snomed].concat().into_iter().take(1).collect();
        }
        "MedicationStatement" => {
            one.kind = Kind::Rx;
            let status = match status {
                "completed" => "given",
                "stopped" | "on-hold" => "discontinued",
                "intended" => "hypothetical",
                "not-taken" => "absent",
                _ => "active",
            };
            one.assertion = Some(status.to_owned());
            // the clinical drug comes first, the ingredient last
            one.substance_codes = codes("rxnorm").pop().into_iter().collect();
        }
        _ => {}
    }
    if one.kind == Kind::Dx {
        one.codes = codes("icd-10").iter().filter_map(|code| icd10(code)).map(|code| vec![code]).collect();
    }
    Some(one)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place(start: usize, length: usize) -> Value {
        json!([{"url": DERIVATION, "extension": [{"url": "offset", "valueInteger": start}, {"url": "length", "valueInteger": length}]}])
    }

    fn status(code: &str) -> Value {
        json!({"coding": [{"code": code}]})
    }

    fn bundle() -> Value {
        let text = "NKDA. Gout, no asthma; Lasix; maybe flu.";
        let resources = [
            json!({"resourceType": "Binary", "data": STANDARD.encode(text)}),
            json!({"resourceType": "DocumentReference", "identifier": [{"value": "n-1"}], "type": {"text": "letter"}}),
            json!({"resourceType": "AllergyIntolerance", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "409137002"}]}, "extension": place(0, 4)}),
            json!({"resourceType": "Condition", "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M10.9"}]},
                "clinicalStatus": status("active"), "verificationStatus": status("confirmed"), "extension": place(6, 4)}),
            json!({"resourceType": "Condition", "verificationStatus": status("refuted"), "extension": place(15, 6)}),
            json!({"resourceType": "MedicationStatement", "status": "stopped", "extension": place(23, 5),
                "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "4603"}]}}),
            json!({"resourceType": "Condition", "verificationStatus": status("provisional"), "extension": place(36, 3),
                "meta": {"tag": [{"system": "urn:abstractor:entry-state", "code": "suggested"}]}}),
            json!({"resourceType": "Condition", "verificationStatus": status("entered-in-error"), "extension": place(0, 4)}),
        ];
        let entries: Vec<Value> = resources.into_iter().map(|resource| json!({"resource": resource})).collect();
        json!({"resourceType": "Bundle", "entry": entries})
    }

    #[test]
    fn resources_become_annotations_or_places_that_nobody_judged() {
        let read = notes(&format!("{}\n{}", bundle(), bundle())).expect("reads");
        assert_eq!(read.len(), 2);
        let one = &read[0];
        assert_eq!((one.id.as_str(), one.slices["note_type"].as_str()), ("n-1", "letter"));
        let said: Vec<_> =
            one.annotations.iter().map(|one| (one.kind, one.start, one.assertion.as_deref().expect("one"))).collect();
        assert_eq!(
            said,
            [(Kind::Nka, 0, "drug"), (Kind::Dx, 6, "present"), (Kind::Dx, 15, "absent"), (Kind::Rx, 23, "discontinued")]
        );
        assert_eq!(one.annotations[1].codes, [["M10.9"]]);
        assert_eq!(one.annotations[3].substance_codes, ["4603"]);
        assert_eq!(one.unjudged, [(Kind::Dx, 36, 39)]);
    }

    #[test]
    fn a_bundle_without_text_is_refused() {
        for text in ["{}", r#"{"resourceType":"Bundle"}"#, "not json"] {
            assert!(notes(text).is_err(), "{text}");
        }
    }
}
