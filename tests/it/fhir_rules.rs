//! Reviewed notes of ours as FHIR resources: valid by others' validators, and true to the rules of R4 and US Core that no schema says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    fhir::{of, profiles, validate},
    fhir_api::{document, get, page, post, posted, resources, server},
    golden,
};

/// The rules of R4 and of US Core that hold for one resource, as far as a schema does not say them.
pub fn assert_rules(resource: &Value) {
    let code = |field: &str| resource[field]["coding"][0]["code"].as_str();
    match resource["resourceType"].as_str().expect("a type") {
        "Condition" => {
            let verification = code("verificationStatus").expect("a verification status");
            if verification == "entered-in-error" {
                assert_eq!(code("clinicalStatus"), None, "con-5: {resource}");
            } else if verification != "refuted" {
                assert!(code("clinicalStatus").is_some(), "{resource}");
            }
            assert!(resource["abatementDateTime"].is_null(), "con-4: nothing of ours says when it ended: {resource}");
            assert_eq!(resource["category"][0]["coding"][0]["code"], "encounter-diagnosis", "US Core: {resource}");
            assert!(resource["code"]["text"].is_string() && resource["subject"].is_object(), "US Core: {resource}");
        }
        "AllergyIntolerance" => {
            let in_error = code("verificationStatus") == Some("entered-in-error");
            assert_eq!(code("clinicalStatus").is_none(), in_error, "ait-1, ait-2: {resource}");
            assert!(resource["code"].is_object() && resource["patient"].is_object(), "US Core: {resource}");
        }
        "MedicationRequest" => {
            for field in ["status", "intent", "medicationCodeableConcept", "subject", "reportedBoolean"] {
                assert!(!resource[field].is_null(), "US Core, {field}: {resource}");
            }
        }
        "DocumentReference" => {
            for field in ["status", "type", "category", "subject", "content", "date"] {
                assert!(!resource[field].is_null(), "US Core, {field}: {resource}");
            }
        }
        "FamilyMemberHistory" => assert!(resource["relationship"].is_object(), "{resource}"),
        _ => {}
    }
}

/// Decides on every entry that waits: accept, amend, or reject for one reason after the other.
fn decide_all(item: &str) -> usize {
    let path = format!("/v1/review/items/{item}");
    assert_eq!(post(&format!("{path}/claim"), "coder", &json!({})).status, 200);
    let entries = get(&path, "coder").json()["entries"].as_array().expect("entries").clone();
    let reasons = ["not_documented", "negated", "wrong_patient"];
    let decisions: Vec<Value> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            let id = &entry["id"];
            match at % 4 {
                0 => json!({"entry_id": id, "decision": {"action": "reject", "reason": reasons[at / 4 % reasons.len()]}}),
                1 if entry["kind"] == "diagnosis" => {
                    json!({"entry_id": id, "decision": {"action": "amend", "assertion": "present"}})
                }
                _ => json!({"entry_id": id, "decision": {"action": "accept"}}),
            }
        })
        .collect();
    if !decisions.is_empty() {
        let reply = post(&format!("{path}/decisions"), "coder", &json!({"decisions": decisions}));
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let added = json!({"action": "add", "kind": "diagnosis", "display": "Gout", "assertion": "present",
        "codes": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M10.9"}]});
    let reply = post(&format!("{path}/decisions"), "coder", &json!({"decisions": [{"decision": added}]}));
    assert_eq!(reply.status, 200, "{}", reply.text);
    decisions.len()
}

#[test]
fn reviewed_notes_of_ours_are_valid_and_keep_the_rules() {
    let notes = golden::notes();
    let ids: Vec<String> = notes
        .iter()
        .map(|note| posted(&document(&format!("GOLD-{}", note.name), &format!("GOLD-{}", note.name), &note.text), "submitter"))
        .collect();
    let mut shown = Vec::new();
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut decided = 0;
    for (id, note) in ids.iter().zip(&notes) {
        server().extraction(id);
        let item = get(&format!("/v1/notes/{id}"), "submitter").json()["item_id"].as_str().expect("an item").to_owned();
        decided += decide_all(&item);
        let bundle = page(&format!("/fhir/DocumentReference/{id}/$everything"), "coder");
        let mut told = 0;
        for kind in [
            "Condition",
            "AllergyIntolerance",
            "MedicationStatement",
            "MedicationRequest",
            "FamilyMemberHistory",
            "Provenance",
            "DocumentReference",
        ] {
            let found = page(&format!("/fhir/{kind}?patient=GOLD-{}&_count=100", note.name), "coder");
            let all = resources(&found, kind);
            // what a coder added stands in no note
            let here = resources(&bundle, kind).len();
            assert!(all.len() == here || all.len() == here + 1 || kind == "Provenance", "{kind}: {} and {here}", all.len());
            for resource in all {
                assert_rules(resource);
                let status = ["verificationStatus", "status"]
                    .iter()
                    .find_map(|field| resource[field].as_str().or_else(|| resource[field]["coding"][0]["code"].as_str()));
                *seen.entry((kind.to_owned(), status.unwrap_or("").to_owned())).or_default() += 1;
                told += 1;
            }
            shown.push(found);
        }
        assert!(told > 0, "{}", note.name);
        shown.push(bundle);
    }
    assert!(decided > 150, "only {decided} decisions");
    for (kind, status) in [
        ("Condition", "confirmed"),
        ("Condition", "refuted"),
        ("Condition", "entered-in-error"),
        ("AllergyIntolerance", "confirmed"),
        ("MedicationStatement", "entered-in-error"),
        ("MedicationStatement", "active"),
        ("FamilyMemberHistory", "partial"),
        ("Provenance", ""),
    ] {
        assert!(seen.contains_key(&(kind.to_owned(), status.to_owned())), "no {kind} {status} among {seen:?}");
    }
    validate(&shown);
}

#[test]
fn what_goes_out_keeps_the_profiles_of_ips_and_us_core() {
    let mut shown = Vec::new();
    let notes = golden::notes().into_iter().map(|note| (note.name, note.text));
    let ordered = "PLAN: Start lisinopril 10 mg p.o. daily, #30, 2 refills. Start metformin 500 mg b.i.d. Disp #60.";
    for (name, text) in notes.chain([("orders".to_owned(), ordered.to_owned())]) {
        let number = format!("PROFILE-{name}");
        let patient = json!({"id": number, "system": "urn:oid:2.999.7", "name": "Rowe, Ada Jane", "birth_date": "1950-02-01", "sex": "female"});
        let id = server().post_note(&json!({"text": text, "external_id": number, "patient": patient, "encounter": number}));
        server().extraction(&id);
        shown.push(get(&format!("/v1/notes/{id}/fhir"), "submitter").json());
        let item = get(&format!("/v1/notes/{id}"), "submitter").json()["item_id"].as_str().expect("an item").to_owned();
        decide_all(&item);
        let bundle = page(&format!("/fhir/DocumentReference/{id}/$everything"), "coder");
        let patient =
            bundle["entry"].as_array().expect("entries").iter().find(|one| one["resource"]["resourceType"] == "Patient");
        let patient = patient.expect("the patient is in the Bundle");
        assert_eq!(patient["request"]["ifNoneExist"], format!("identifier=urn%3Aoid%3A2.999.7|{number}"));
        for kind in ["Condition", "MedicationStatement", "AllergyIntolerance"] {
            for one in of(&bundle, kind) {
                let subject = if kind == "AllergyIntolerance" { &one["patient"] } else { &one["subject"] };
                assert_eq!(subject["reference"], patient["fullUrl"], "{one}");
            }
        }
        shown.push(bundle);
        let found = page(&format!("/fhir/Patient?identifier=urn:oid:2.999.7|{number}"), "coder");
        let id = resources(&found, "Patient")[0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(page(&format!("/fhir/Patient/{id}"), "submitter"), *resources(&found, "Patient")[0]);
        assert_eq!(page(&format!("/fhir/Patient?_id={id},{id}x"), "lead")["entry"].as_array().map(Vec::len), Some(1));
        shown.push(found);
        // by our id, as a reference, and by the number: all the same
        let by = |patient: &str| page(&format!("/fhir/Condition?patient={patient}&_count=100"), "coder");
        let conditions = by(&id);
        for other in [format!("Patient/{id}"), format!("{}/fhir/Patient/{id}", server().url), number.clone()] {
            assert_eq!(by(&other)["entry"], conditions["entry"], "{other}");
        }
        for one in resources(&conditions, "Condition") {
            assert_eq!(one["subject"]["reference"], format!("Patient/{id}"));
        }
        shown.push(conditions);
    }
    validate(&shown);
    let seen = profiles(&shown).unwrap_or_else(|wrong| panic!("{wrong}"));
    for (profile, least) in [
        ("PatientUvIps", 30),
        ("ConditionUvIps", 100),
        ("AllergyIntoleranceUvIps", 20),
        ("MedicationStatementIPS", 100),
        ("MedicationRequestIPS", 1),
        ("USCorePatientProfile", 30),
        ("USCoreMedicationRequestProfile", 1),
    ] {
        assert!(seen[profile].as_u64().unwrap_or(0) >= least, "{profile} was tried too seldom: {seen}");
    }
    // a validator that finds nothing must be able to
    let mut broken = of(&shown[0], "Condition").first().copied().cloned().expect("a condition");
    broken["subject"].as_object_mut().expect("a subject").remove("reference");
    let wrong = profiles(&[broken]).expect_err("IPS wants a reference");
    assert!(wrong.contains("Condition.subject.reference"), "{wrong}");
}

#[test]
fn a_patient_of_whom_little_is_known_is_told_as_such() {
    let note = json!({"text": "ASSESSMENT: Gout.", "external_id": "PROFILE-BARE", "patient": "BARE-1"});
    server().post_note(&note);
    let found = page("/fhir/Patient?identifier=BARE-1", "coder");
    let bare = resources(&found, "Patient")[0].clone();
    assert_eq!((&bare["gender"], &bare["birthDate"]), (&json!("unknown"), &Value::Null));
    validate(std::slice::from_ref(&bare));
    // IPS wants a name, which nobody told
    let wrong = profiles(&[bare]).expect_err("IPS wants a name");
    assert!(wrong.contains("PatientUvIps") && !wrong.contains("USCorePatientProfile: "), "{wrong}");
    assert_eq!(resources(&page("/fhir/Patient?identifier=urn:x|BARE-1", "coder"), "Patient").len(), 0);
    assert_eq!(get("/fhir/Patient", "coder").status, 400);
}
