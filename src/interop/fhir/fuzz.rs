//! Resources as other systems might send them.

use serde_json::{Value, json};

use super::{incoming, percent_encoded, subscribed};
use crate::fuzzing::{DamagedJson, fuzz};

/// A document with everything that is read of one, and Bundles of every kind.
fn seeds() -> Vec<Value> {
    let document = json!({
        "resourceType": "DocumentReference",
        "id": "d1",
        "meta": {"versionId": "3", "lastUpdated": "2026-02-01T10:00:00Z"},
        "contained": [
            {"resourceType": "Practitioner", "id": "a", "name": [{"family": "Vogel", "given": ["Ada"], "text": "Ada Vogel"}]},
            {"resourceType": "Encounter", "id": "e", "identifier": [{"value": "V-9"}], "status": "finished",
             "class": {"code": "IMP"}, "period": {"start": "2026-01-28", "end": "2026-02-03T09:00:00-05:00"},
             "serviceProvider": {"display": "north"}, "location": [{"location": {"display": "icu"}}]},
        ],
        "masterIdentifier": {"system": "urn:docs", "value": "D-1"},
        "identifier": [{"value": "other"}],
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5", "display": "Discharge summary"}]},
        "subject": {"reference": "Patient/7"},
        "date": "2026-02-02T23:30:00-05:00",
        "author": [{"reference": "#a"}],
        "securityLabel": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}],
        "content": [
            {"attachment": {"contentType": "text/plain; charset=utf-8", "data": "R291dC4="}},
            {"attachment": {"contentType": "text/html", "url": "Binary/b"}},
        ],
        "context": {"encounter": [{"reference": "#e"}], "period": {"start": "2026-01-31T08:00:00+01:00"}},
        "relatesTo": [{"code": "replaces", "target": {"identifier": {"value": "D-0"}}}],
    });
    let composition = json!({
        "resourceType": "Composition", "id": "c", "status": "final", "identifier": {"value": "C-1"}, "date": "2026-02-02",
        "type": {"coding": [{"code": "11506-3"}]}, "subject": {"reference": "urn:uuid:p"}, "author": [{"display": "Ada"}], "title": "Note",
        "section": [{"title": "Plan", "text": {"status": "generated", "div": "<div>Gout &amp; rest</div>"},
                     "section": [{"title": "Inner", "text": {"div": "<p>x</p>"}}]}],
    });
    let patient = json!({"resourceType": "Patient", "id": "7", "identifier": [{"system": "urn:mrn", "value": "4711"}],
        "name": [{"use": "official", "family": "Roe", "given": ["Jane"]}], "birthDate": "1950-02-28", "gender": "female"});
    let coverage = json!({"resourceType": "Coverage", "status": "active", "order": 1, "beneficiary": {"reference": "Patient/7"},
        "type": {"coding": [{"system": "https://nahdo.org/sopt", "code": "111"}]}, "payor": [{"display": "Blue Cross"}]});
    let entry = |url: &str, method: &str, resource: &Value| json!({"fullUrl": url, "resource": resource, "request": {"method": method, "url": "x"}});
    let bundle = |kind: &str, method: &str| {
        json!({"resourceType": "Bundle", "type": kind, "timestamp": "2026-02-02T10:00:00Z", "entry": [
            entry("urn:uuid:c", method, &composition), entry("urn:uuid:d", method, &document),
            entry("urn:uuid:p", "PUT", &patient), entry("http://ehr.example/fhir/Coverage/1", method, &coverage),
            entry("http://ehr.example/fhir/Binary/b", method, &json!({"resourceType": "Binary", "id": "b", "contentType": "text/html", "data": "PGI+"})),
        ]})
    };
    let bundles = [bundle("transaction", "POST"), bundle("batch", "POST"), bundle("document", ""), bundle("message", "")];
    [document, composition].into_iter().chain(bundles).collect()
}

#[test]
fn a_document() {
    let seeds = seeds();
    fuzz!("FHIR document", Quick, DamagedJson, |input: &DamagedJson| {
        let resource = input.value(&seeds);
        if let Err(refusal) = incoming::document(&resource) {
            assert!(!refusal.path.is_empty() && !refusal.detail.is_empty());
        }
        if let Ok(received) = incoming::bundle(&resource) {
            assert_eq!(received.entries.len(), resource["entry"].as_array().map_or(0, Vec::len));
        }
    });
}

#[test]
fn a_subscription() {
    let good =
        [json!({"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": "Task?status=completed",
        "channel": {"type": "rest-hook", "endpoint": "https://ehr.example/hook", "payload": "application/fhir+json",
                    "header": ["Authorization: Bearer x"]}})];
    fuzz!("FHIR subscription", Quick, DamagedJson, |input: &DamagedJson| {
        let _ = subscribed(&input.value(&good));
    });
}

#[test]
fn an_address_holds_nothing_that_divides_it() {
    fuzz!("part of an address", Quick, String, |text: &String| {
        let encoded = percent_encoded(text);
        assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%-._~".contains(&byte)), "{encoded}");
    });
}
