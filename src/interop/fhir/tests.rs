//! What each kind of entry becomes.

use super::*;
use crate::domain::{Assertion, Attributes, CodeRole, CodedEntry, Cue, EngineVersion, Evidence, OffsetUnit, ScoredBy, system};

fn entry(kind: EntryKind, assertion: Option<Assertion>, code: (&str, &str), cue: &str) -> CodedEntry {
    let (system, code) = code;
    CodedEntry {
        id: uuid::Uuid::nil().to_string(),
        kind,
        display: "name".to_owned(),
        assertion,
        status: None,
        scope: None,
        codes: vec![CodeCandidate {
            rank: 1,
            role: CodeRole::Code,
            system: system.to_owned(),
            code: code.to_owned(),
            display: "title".to_owned(),
            score: 0.9,
            with: Vec::new(),
            why: String::new(),
            features: std::collections::BTreeMap::new(),
            scored_by: ScoredBy::Engine,
        }],
        confidence: Some(0.9),
        reportable: false,
        not_reportable_because: None,
        attributes: Attributes::default(),
        prompts: Vec::new(),
        evidence: vec![Evidence {
            start: 3,
            end: 7,
            text: "gout".to_owned(),
            section: "assessment".to_owned(),
            assertion,
            status: None,
            confidence: 0.9,
            attributes: Attributes::default(),
            cues: vec![Cue { text: cue.to_owned(), start: 0, end: 2, means: "family".to_owned(), scope: None }],
            sources: Vec::new(),
            list: None,
            boilerplate: None,
        }],
    }
}

fn extraction(entries: Vec<CodedEntry>) -> Extraction {
    Extraction {
        note_id: "n".to_owned(),
        offset_unit: OffsetUnit::Codepoint,
        engine: EngineVersion {
            version: "0".to_owned(),
            model: "m".to_owned(),
            vocabulary: "v".to_owned(),
            edition: "e".to_owned(),
            edition_exact: true,
            site_pack: None,
        },
        sections: Vec::new(),
        boilerplate: Vec::new(),
        alerts: Vec::new(),
        entries,
        medications: Vec::new(),
        spans: Vec::new(),
    }
}

/// The derived resources of one entry.
fn of(entry: CodedEntry) -> Vec<Value> {
    let patient = Patient { id: "4711".to_owned(), ..Patient::default() };
    let source = Source { text: "No gout.", patient: Some(&patient), encounter: None, recorded: Timestamp::UNIX_EPOCH };
    let bundle = bundle(&extraction(vec![entry]), source);
    let entries = bundle["entry"].as_array().expect("entries");
    let all = entries.iter().map(|one| one["resource"].clone());
    all.filter(|one| {
        !["Binary", "DocumentReference", "Patient", "Provenance"].contains(&one["resourceType"].as_str().expect("a type"))
    })
    .collect()
}

#[test]
fn unreviewed_diagnoses_are_never_confirmed() {
    for (assertion, clinical, verification) in [
        (Assertion::Present, json!("active"), "unconfirmed"),
        (Assertion::Historical, json!("resolved"), "unconfirmed"),
        (Assertion::Possible, json!("active"), "provisional"),
        (Assertion::Absent, Value::Null, "refuted"),
    ] {
        let found = of(entry(EntryKind::Diagnosis, Some(assertion), (system::ICD10CM, "M10.9"), "no"));
        let [condition] = found.as_slice() else { panic!("one resource, not {found:?}") };
        assert_eq!(condition["clinicalStatus"]["coding"][0]["code"], clinical);
        assert_eq!(condition["verificationStatus"]["coding"][0]["code"], verification);
        assert_eq!(condition["subject"]["identifier"]["value"], "4711");
        assert_eq!(condition["extension"][0]["extension"][2]["valueInteger"], 3);
        assert_eq!(condition["extension"][0]["extension"][3]["valueInteger"], 4);
    }
}

#[test]
fn a_risk_and_a_roommates_disease_have_no_resource() {
    assert_eq!(
        of(entry(EntryKind::Diagnosis, Some(Assertion::Hypothetical), (system::ICD10CM, "M10.9"), "risk of")),
        [] as [Value; 0]
    );
    assert_eq!(
        of(entry(EntryKind::Diagnosis, Some(Assertion::Family), (system::ICD10CM, "J11.1"), "roommate")),
        [] as [Value; 0]
    );
}

#[test]
fn a_relatives_disease_is_family_history() {
    let found = of(entry(EntryKind::Diagnosis, Some(Assertion::Family), (system::ICD10CM, "M10.9"), "Her grandmother"));
    assert_eq!(found[0]["resourceType"], "FamilyMemberHistory");
    assert_eq!(found[0]["relationship"]["coding"][0]["code"], "GRMTH");
    assert_eq!(found[0]["condition"][0]["code"]["coding"][0]["code"], "M10.9");
}

#[test]
fn each_relative_by_blood_has_a_resource() {
    let mut both = entry(EntryKind::Diagnosis, Some(Assertion::Family), (system::ICD10CM, "M10.9"), "mother");
    let mut second = both.evidence[0].clone();
    second.cues[0].text = "Father".to_owned();
    both.evidence.push(second);
    let codes: Vec<Value> = of(both).iter().map(|one| one["relationship"]["coding"][0]["code"].clone()).collect();
    assert_eq!(codes, [json!("MTH"), json!("FTH")]);
    for other in ["brother-in-law", "stepmother", "His wife", "the person"] {
        assert_eq!(
            of(entry(EntryKind::Diagnosis, Some(Assertion::Family), (system::ICD10CM, "M10.9"), other)),
            [] as [Value; 0],
            "{other}"
        );
    }
}

#[test]
fn a_denied_allergy_is_refuted_and_a_relatives_left_out() {
    let found = of(entry(EntryKind::Allergy, Some(Assertion::Absent), (system::RXNORM, "7984"), "no"));
    assert_eq!(found[0]["verificationStatus"]["coding"][0]["code"], "refuted");
    assert_eq!(of(entry(EntryKind::Allergy, Some(Assertion::Family), (system::RXNORM, "7984"), "mother")), [] as [Value; 0]);
}
