//! What documents become, and what is refused.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::domain::{Confidentiality, EncounterClass, Patient, PayerClass};

fn plain(text: &str) -> Value {
    json!([{"attachment": {"contentType": "text/plain", "data": STANDARD.encode(text)}}])
}

fn document_of(text: &str) -> Value {
    json!({"resourceType": "DocumentReference", "status": "current", "content": plain(text)})
}

fn stored(request: Request) -> (NewNote, Option<(Relation, NamedNote)>) {
    match request {
        Request::Store { note, related } => (*note, related),
        Request::Retract(_) => panic!("a retraction"),
    }
}

fn taken(resource: &Value) -> NewNote {
    stored(document(resource).expect("is taken")).0
}

#[test]
fn the_fields_of_a_document_are_those_of_a_note() {
    let resource = json!({
        "resourceType": "DocumentReference",
        "meta": {"versionId": "3", "lastUpdated": "2026-02-01T10:00:00Z"},
        "contained": [
            {"resourceType": "Practitioner", "id": "a", "name": [{"family": "Vogel", "given": ["Ada"]}]},
            {"resourceType": "Encounter", "id": "e", "identifier": [{"value": "V-9"}], "status": "finished",
             "class": {"code": "IMP"}, "period": {"start": "2026-01-28", "end": "2026-02-03T09:00:00-05:00"},
             "serviceProvider": {"display": "north"}, "location": [{"location": {"display": "icu"}}]},
        ],
        "masterIdentifier": {"system": "urn:docs", "value": "D-1"},
        "identifier": [{"value": "other"}],
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5", "display": "Discharge summary"}]},
        "subject": {"identifier": {"system": "urn:mrn", "value": "4711"}},
        "date": "2026-02-02T23:30:00-05:00",
        "author": [{"reference": "#a"}],
        "securityLabel": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]}],
        "content": plain("Gout."),
        "context": {"encounter": [{"reference": "#e"}]},
        "relatesTo": [{"code": "replaces", "target": {"identifier": {"value": "D-0"}}}],
    });
    let (note, related) = stored(document(&resource).expect("is taken"));
    let expected = NewNote {
        text: "Gout.".to_owned(),
        external_id: Some("D-1".to_owned()),
        version: Some("3".to_owned()),
        versioned_at: Some("2026-02-01T10:00:00Z".parse().expect("an instant")),
        patient: Some(Patient { id: "4711".to_owned(), system: Some("urn:mrn".to_owned()), ..Patient::default() }),
        encounter: Some("V-9".to_owned()),
        encounter_class: Some(EncounterClass::Inpatient),
        note_type: Some("discharge_summary".to_owned()),
        // the day as it is written where it was written
        service_date: Some(date(2026, 2, 2)),
        discharge_date: Some(date(2026, 2, 3)),
        author: Some("Vogel, Ada".to_owned()),
        facility: Some("north".to_owned()),
        department: Some("icu".to_owned()),
        confidentiality: Confidentiality::Restricted,
        ..NewNote::default()
    };
    assert!(note == expected, "another note than expected");
    assert_eq!(related, Some((Relation::Replaces, NamedNote::External("D-0".to_owned()))));
}

#[test]
fn who_pays_comes_from_the_active_coverages_of_the_patient() {
    let coverage = |order: u32, status: &str, of: &str, kind: Value| {
        json!({"resource": {"resourceType": "Coverage", "status": status, "order": order, "type": kind,
            "beneficiary": {"reference": of}, "payor": [{"display": "Blue Cross of Somewhere"}]}})
    };
    let typed = |code: &str| json!({"coding": [{"system": "https://nahdo.org/sopt", "code": code}]});
    let payer = |coverages: Vec<Value>| {
        let mut resource = document_of("Gout.");
        resource["subject"] = json!({"reference": "Patient/7"});
        let patient = json!({"resource": {"resourceType": "Patient", "id": "7", "identifier": [{"value": "4711"}]}});
        let entries: Vec<Value> = std::iter::once(patient).chain(coverages).collect();
        stored(read(&resource, &entries).expect("is taken")).0.payer_class
    };
    assert_eq!(payer(vec![]), None);
    assert_eq!(
        payer(vec![coverage(2, "active", "Patient/7", typed("21")), coverage(1, "active", "Patient/7", typed("111"))]),
        Some(PayerClass::MedicareAdvantage),
        "the first in order"
    );
    assert_eq!(payer(vec![coverage(1, "cancelled", "Patient/7", typed("21"))]), None);
    assert_eq!(payer(vec![coverage(1, "active", "Patient/8", typed("21"))]), None, "another patient's");
    let act = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "WCBPOL"}]});
    assert_eq!(payer(vec![coverage(1, "active", "Patient/7", act)]), Some(PayerClass::WorkersCompensation));
    assert_eq!(payer(vec![coverage(1, "active", "Patient/7", json!({"text": "Medicare"}))]), Some(PayerClass::Medicare));
    assert_eq!(payer(vec![coverage(1, "active", "Patient/7", json!({}))]), Some(PayerClass::Commercial), "by the payer's name");
}

#[test]
fn a_period_of_service_goes_before_the_date() {
    let mut resource = document_of("Gout.");
    resource["date"] = json!("2026-02-02");
    assert_eq!(taken(&resource).service_date, Some(date(2026, 2, 2)));
    resource["context"]["period"] = json!({"start": "2026-01-31T08:00:00+01:00"});
    assert_eq!(taken(&resource).service_date, Some(date(2026, 1, 31)));
    resource["context"]["period"] = json!({"start": "2026"});
    assert_eq!(taken(&resource).service_date, Some(date(2026, 2, 2)), "a year is no day");
}

#[test]
fn a_version_is_dated_by_its_sender_alone() {
    let mut resource = document_of("Gout.");
    resource["meta"] = json!({"lastUpdated": "2026-02-01T10:00:00Z"});
    assert_eq!(taken(&resource).versioned_at, None, "without a version, meta may be ours");
}

#[test]
fn patients_are_found_by_what_leads_to_them() {
    for (subject, expected) in [
        (json!({"reference": "Patient/77"}), Some((None, "77"))),
        (json!({"reference": "https://ehr.example/fhir/Patient/77/_history/2"}), Some((None, "77"))),
        (json!({"reference": "Patient?identifier=urn:mrn|77"}), Some((Some("urn:mrn"), "77"))),
        (json!({"identifier": {"value": "77"}}), Some((None, "77"))),
        (json!({"reference": "Patient/1", "identifier": {"system": "s", "value": "77"}}), Some((Some("s"), "77"))),
        (json!({"display": "Jane Doe"}), None),
        (Value::Null, None),
    ] {
        let mut resource = document_of("Gout.");
        resource["subject"] = subject.clone();
        let found = taken(&resource).patient.map(|patient| (patient.system, patient.id));
        let expected = expected.map(|(system, id): (Option<&str>, &str)| (system.map(str::to_owned), id.to_owned()));
        assert_eq!(found, expected, "{subject}");
    }
}

#[test]
fn content_is_read_in_the_best_form() {
    let attachment = |kind: &str, bytes: &[u8]| json!({"attachment": {"contentType": kind, "data": STANDARD.encode(bytes)}});
    for (content, expected) in [
        (vec![attachment("application/pdf", b"%PDF"), attachment("text/plain;charset=iso-8859-1", b"Zo\xeb")], "Zoë"),
        (vec![attachment("text/html", b"<p>html</p>"), attachment("text/plain", b"plain")], "plain"),
        (vec![attachment("application/rtf", br"{\rtf1 rtf}"), attachment("text/html", b"<p>html</p>")], "html"),
        (vec![attachment("application/rtf", br"{\rtf1 Gout.\par}")], "Gout."),
        (vec![json!({"attachment": {"contentType": "text/plain", "data": "R29\n 1dC4"}})], "Gout."),
    ] {
        let mut resource = document_of("");
        resource["content"] = json!(content);
        assert_eq!(taken(&resource).text, expected);
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let with = |field: &str, value: Value| {
        let mut resource = document_of("Gout.");
        resource[field] = value;
        resource
    };
    let attachment = |value: Value| with("content", json!([{"attachment": value}]));
    for (resource, kind, path) in [
        (json!({"resourceType": "Patient"}), RefusalKind::Invalid, "resourceType"),
        (with("status", json!("superseded")), RefusalKind::Invalid, "DocumentReference.status"),
        (with("status", Value::Null), RefusalKind::Invalid, "DocumentReference.status"),
        (with("content", json!([])), RefusalKind::Invalid, "DocumentReference.content"),
        (
            attachment(json!({"contentType": "application/pdf", "data": "JVBERg=="})),
            RefusalKind::Content,
            "DocumentReference.content[0].attachment.contentType",
        ),
        (attachment(json!({"data": "R291dA=="})), RefusalKind::Content, "DocumentReference.content[0].attachment.contentType"),
        (
            attachment(json!({"contentType": "text/plain; charset=klingon", "data": "R291dA=="})),
            RefusalKind::Content,
            "DocumentReference.content[0].attachment.contentType",
        ),
        (
            attachment(json!({"contentType": "text/plain", "data": "§"})),
            RefusalKind::Invalid,
            "DocumentReference.content[0].attachment.data",
        ),
        (
            attachment(json!({"contentType": "text/plain", "data": "/w=="})),
            RefusalKind::Invalid,
            "DocumentReference.content[0].attachment.data",
        ),
        (
            attachment(json!({"contentType": "text/plain", "url": "https://ehr.example/Binary/9"})),
            RefusalKind::Invalid,
            "DocumentReference.content[0].attachment",
        ),
        (with("subject", json!({"reference": "urn:uuid:1"})), RefusalKind::Invalid, "DocumentReference.subject.reference"),
        (
            with("relatesTo", json!([{"code": "replaces", "target": {"reference": "DocumentReference/77"}}])),
            RefusalKind::Invalid,
            "DocumentReference.relatesTo[0].target",
        ),
        (
            json!({"resourceType": "DocumentReference", "status": "entered-in-error"}),
            RefusalKind::Invalid,
            "DocumentReference.identifier",
        ),
    ] {
        let refused = document(&resource).expect_err("is refused");
        assert_eq!((refused.kind, refused.path.as_str()), (kind, path), "{resource}");
        assert!(!refused.to_string().contains("ehr.example") && !refused.to_string().contains("klingon"), "{refused}");
    }
}

#[test]
fn a_retraction_names_its_document() {
    let id = uuid::Uuid::from_u128(7);
    for (resource, expected) in [
        (
            json!({"resourceType": "DocumentReference", "status": "entered-in-error", "identifier": [{"value": "D"}]}),
            NamedNote::External("D".to_owned()),
        ),
        (json!({"resourceType": "DocumentReference", "status": "entered-in-error", "id": id.to_string()}), NamedNote::Ours(id)),
        (
            json!({"resourceType": "Composition", "status": "entered-in-error", "identifier": {"value": "D"}}),
            NamedNote::External("D".to_owned()),
        ),
    ] {
        assert_eq!(document(&resource), Ok(Request::Retract(expected)));
    }
}

#[test]
fn a_document_bundle_is_the_sections_of_its_composition() {
    let section = |title: &str, div: &str| json!({"title": title, "text": {"status": "generated", "div": div}});
    let bundle_of = json!({"resourceType": "Bundle", "type": "document", "entry": [
        {"fullUrl": "urn:uuid:c", "resource": {
            "resourceType": "Composition", "status": "final", "identifier": {"value": "C-1"},
            "type": {"text": "Nutrition note"}, "date": "2026-03-04T00:00:00Z", "title": "Note",
            "confidentiality": "R",
            "subject": {"reference": "urn:uuid:p"}, "encounter": {"reference": "Encounter/e"},
            "author": [{"reference": "urn:uuid:r"}],
            "section": [
                section("Assessment:", "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Gout &amp; asthma.</p></div>"),
                {"title": "Plan", "section": [section("Diet", "<div>Low purine.</div>")]},
            ],
        }},
        {"fullUrl": "urn:uuid:p", "resource": {
            "resourceType": "Patient",
            "identifier": [
                {"use": "old", "value": "0"},
                {"value": "other"},
                {"type": {"coding": [{"code": "MR"}]}, "system": "urn:mrn", "value": "4711"},
            ],
            "name": [{"use": "old", "family": "Roe"}, {"family": "Doe", "given": ["Jane", "Q."]}],
            "birthDate": "1960-05-06", "gender": "female",
        }},
        {"fullUrl": "https://ehr.example/Encounter/e", "resource": {
            "resourceType": "Encounter", "id": "e", "class": {"code": "EMER"}, "identifier": [{"value": "V-1"}],
        }},
        {"fullUrl": "urn:uuid:r", "resource": {
            "resourceType": "PractitionerRole", "practitioner": {"reference": "urn:uuid:d"},
        }},
        {"fullUrl": "urn:uuid:d", "resource": {"resourceType": "Practitioner", "name": [{"text": "Dr. Ruth"}]}},
        {"fullUrl": "urn:uuid:o", "resource": {"resourceType": "Observation"}},
    ]});
    let received = bundle(&bundle_of).expect("is read");
    assert_eq!(received.answer, AnswerKind::Transaction);
    let entries: Vec<Entry> = received.entries.into_iter().map(|entry| entry.expect("is taken")).collect();
    assert_eq!(entries[1..], [Entry::Context, Entry::Context, Entry::Context, Entry::Context, Entry::Unused]);
    let Entry::Document(request) = entries[0].clone() else { panic!("no document") };
    let (note, _) = stored(request);
    assert_eq!(note.text, "Assessment:\nGout & asthma.\n\nPlan:\n\nDiet:\nLow purine.");
    let patient = note.patient.expect("a patient");
    assert_eq!((patient.id.as_str(), patient.system.as_deref()), ("4711", Some("urn:mrn")));
    assert_eq!((patient.name.as_deref(), patient.sex.as_deref()), (Some("Doe, Jane Q."), Some("female")));
    assert_eq!(patient.birth_date, Some(date(1960, 5, 6)));
    assert_eq!((note.encounter.as_deref(), note.encounter_class), (Some("V-1"), Some(EncounterClass::Emergency)));
    assert_eq!((note.author.as_deref(), note.note_type.as_deref()), (Some("Dr. Ruth"), Some("nutrition_note")));
    assert_eq!((note.service_date, note.confidentiality), (Some(date(2026, 3, 4)), Confidentiality::Restricted));
}

#[test]
fn documents_of_a_transaction_find_their_texts_and_each_other() {
    let binary = json!({"resourceType": "Binary", "contentType": "text/html", "data": STANDARD.encode("<p>Gout.</p>")});
    let by_url = json!([{"attachment": {"contentType": "text/html", "url": "urn:uuid:b"}}]);
    let mut first = document_of("");
    first["content"] = by_url;
    first["identifier"] = json!([{"value": "D-1"}]);
    let mut second = document_of("Addendum: asthma.");
    second["relatesTo"] = json!([{"code": "appends", "target": {"reference": "urn:uuid:1"}}]);
    let entry = |url: &str, resource: &Value| json!({"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}});
    let of = |entries: &[Value]| json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    let entries = [entry("urn:uuid:2", &second), entry("urn:uuid:b", &binary), entry("urn:uuid:1", &first)];
    let received = bundle(&of(&entries)).expect("is read");
    let [Ok(Entry::Document(addendum)), Ok(Entry::Context), Ok(Entry::Document(original))] = received.entries.as_slice() else {
        panic!("{:?}", received.entries)
    };
    assert_eq!(stored(original.clone()).0.text, "Gout.");
    assert_eq!(stored(addendum.clone()).1, Some((Relation::Appends, NamedNote::External("D-1".to_owned()))));

    let observation = entry("urn:uuid:3", &json!({"resourceType": "Observation"}));
    let deletion = json!({"request": {"method": "DELETE", "url": "DocumentReference/1"}});
    let broken = entry("urn:uuid:4", &document_of("")["status"]);
    let received = bundle(&of(&[entries[0].clone(), entries[2].clone(), observation, deletion, broken])).expect("is read");
    let refused: Vec<String> = received.entries.into_iter().filter_map(Result::err).map(|refusal| refusal.path).collect();
    assert_eq!(
        refused,
        [
            "Bundle.entry[1].resource.DocumentReference.content[0].attachment",
            "Bundle.entry[2].resource",
            "Bundle.entry[3].request.method",
            "Bundle.entry[4].resource"
        ]
    );
}

#[test]
fn other_bundles_are_refused() {
    for (resource, path) in [
        (json!({"resourceType": "Bundle", "type": "searchset"}), "Bundle.type"),
        (json!({"resourceType": "Bundle", "type": "transaction"}), "Bundle.entry"),
        (
            json!({"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": "MessageHeader"}}]}),
            "Bundle.entry",
        ),
        (json!({"resourceType": "Patient"}), "resourceType"),
        (json!({}), "resourceType"),
    ] {
        assert_eq!(bundle(&resource).expect_err("is refused").path, path, "{resource}");
    }
}
