//! What is said around the words: lists of medications, directions, boilerplate, scopes of cues, alerts, given spans.

use serde_json::{Value, json};

use super::server::{Server, program};

const NOTE: &str = "DISCHARGE SUMMARY\nALLERGIES: Penicillin (anaphylaxis). Lisinopril - cough, a side effect.\nHOME MEDICATIONS:\n\
1. Metoprolol tartrate 25 mg p.o. b.i.d.\n2. Lasix 40 mg p.o. daily\n3. Aspirin 81 mg daily\n\
HOSPITAL COURSE: She was given ceftriaxone 1 g IV in the emergency department. Lasix was increased to 80 mg daily. Aspirin was stopped.\n\
REVIEW OF SYSTEMS: Denies chest pain, shortness of breath, nausea, vomiting and seizures.\n\
ASSESSMENT: No evidence of pulmonary embolism, stroke or endocarditis; possible pneumonia.\nDISCHARGE MEDICATIONS:\n\
1. Metoprolol tartrate 25 mg by mouth twice daily\n2. Lasix 80 mg p.o. daily\n\
3. Prednisone 40 mg daily x 3 days, then 20 mg daily x 3 days, then stop\n\
4. Amoxicillin 500 mg t.i.d. under the next full moon\n";

fn extract(note: &Value) -> Value {
    let output = program(&["extract", "--format", "ndjson", "-"], note.to_string().as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

/// The words of a place in code points.
fn words(text: &str, place: &Value) -> String {
    let offset = |name: &str| place[name].as_u64().expect("an offset") as usize;
    text.chars().skip(offset("start")).take(offset("end") - offset("start")).collect()
}

fn medication<'a>(extraction: &'a Value, name: &str) -> &'a Value {
    let all = extraction["medications"].as_array().expect("medications");
    all.iter().find(|one| one["display"] == name).unwrap_or_else(|| panic!("no {name} in {all:?}"))
}

#[test]
fn one_row_a_drug_with_its_lists_apart() {
    let extraction = extract(&json!({"id": "n", "text": NOTE}));
    for (name, status, change, comparison, lists) in [
        ("metoprolol", "active", None, "unchanged", &["home", "discharge"][..]),
        ("furosemide", "active", Some("increased"), "changed", &["home", "inpatient", "discharge"]),
        ("aspirin", "discontinued", Some("stopped"), "not_on_discharge_list", &["home", "inpatient"]),
        ("prednisone", "active", None, "new", &["discharge"]),
    ] {
        let row = medication(&extraction, name);
        assert_eq!(row["status"], status, "{name}");
        assert_eq!(row.get("change").and_then(Value::as_str), change, "{name}");
        assert_eq!(row["comparison"], comparison, "{name}");
        let found: Vec<&str> = row["lists"].as_array().expect("lists").iter().filter_map(|one| one["list"].as_str()).collect();
        assert_eq!(found, lists, "{name}");
    }
    let furosemide = medication(&extraction, "furosemide");
    let total = |list: usize| furosemide["lists"][list]["attributes"]["total_daily_dose"]["value"].clone();
    assert_eq!((total(0), total(2)), (json!({"value": 40, "unit": "mg"}), json!({"value": 80, "unit": "mg"})));
    // the entry shows the discharge list's strength, and the clinical drug of that strength
    let entries = extraction["entries"].as_array().expect("entries");
    let entry = entries.iter().find(|entry| entry["display"] == "furosemide").expect("furosemide");
    assert_eq!(entry["attributes"]["strength"]["text"], "80 mg");
    let drug = entry["codes"].as_array().expect("codes").iter().find(|code| code["role"] == "clinical_drug").expect("a drug");
    assert!(drug["display"].as_str().is_some_and(|name| name.contains("80 MG")), "{drug}");
}

#[test]
fn directions_are_fhir_dosages_and_what_is_not_understood_is_said() {
    let extraction = extract(&json!({"id": "n", "text": NOTE}));
    let dosage = &medication(&extraction, "prednisone")["lists"][0]["attributes"]["dosage"];
    assert_eq!(dosage["text"], "40 mg daily x 3 days, then 20 mg daily x 3 days, then stop");
    let steps = dosage["value"].as_array().expect("steps");
    let dose = |step: &Value| step["doseAndRate"][0]["doseQuantity"]["value"].clone();
    assert_eq!(steps.iter().map(dose).collect::<Vec<_>>(), [json!(40), json!(20), Value::Null]);
    assert_eq!(steps[0]["timing"]["repeat"]["boundsDuration"]["value"], 3);
    assert_eq!(steps[2]["additionalInstruction"][0]["text"], "stop");
    let route = &medication(&extraction, "metoprolol")["lists"][1]["attributes"]["dosage"]["value"][0]["route"];
    assert_eq!(route["coding"][0], json!({"system": "http://snomed.info/sct", "code": "26643006", "display": "Oral route"}));
    let amoxicillin = &medication(&extraction, "amoxicillin")["lists"][0]["attributes"];
    assert_eq!(amoxicillin["not_understood"]["text"], "under the next full moon");
    let step = &amoxicillin["dosage"]["value"][0]["additionalInstruction"][0]["text"];
    assert_eq!(step, "as written: under the next full moon");
}

#[test]
fn sections_have_codes_and_boilerplate_is_marked() {
    let extraction = extract(&json!({"id": "n", "text": NOTE}));
    let sections = extraction["sections"].as_array().expect("sections");
    let code =
        |kind: &str| sections.iter().find(|one| one["kind"] == kind).map(|one| one["code"].clone()).expect("the section");
    assert_eq!(code("allergies")["code"], "48765-2");
    assert_eq!(code("allergies")["system"], "http://loinc.org");
    assert_eq!(code("discharge_medications")["code"], "10183-2");
    let passages = extraction["boilerplate"].as_array().expect("passages");
    assert_eq!(passages.len(), 1, "{passages:?}");
    assert_eq!(passages[0]["kind"], "template");
    assert!(words(NOTE, &passages[0]).starts_with("Denies chest pain"));
    let entries = extraction["entries"].as_array().expect("entries");
    let of = |words: &str| {
        let all = entries.iter().flat_map(|entry| entry["evidence"].as_array().expect("evidence"));
        all.clone().find(|one| one["text"] == words).unwrap_or_else(|| panic!("no evidence {words}"))
    };
    let evidence = of("seizures");
    assert_eq!((&evidence["boilerplate"], &evidence["assertion"]), (&json!("template"), &json!("absent")));
    assert_eq!(of("pneumonia").get("boilerplate"), None);
}

/// An information sheet behind a note: what it tells of everybody is nobody's diagnosis and no drug that is taken.
#[test]
fn nothing_on_an_information_sheet_is_said_of_the_patient() {
    let text = "ASSESSMENT: Acute bronchitis. She takes albuterol.\n\nPATIENT INFORMATION\nWhat is asthma?\n\
                Asthma is a disease that narrows the airways. Most people with asthma also have allergic rhinitis or eczema.\n\
                - Albuterol or montelukast when needed.\n- Smoking can increase the risk of COPD.\n\
                Call your doctor if symptoms of pneumonia develop.\n";
    let extraction = extract(&json!({"id": "n", "text": text}));
    let entries = extraction["entries"].as_array().expect("entries");
    let mut seen = Vec::new();
    for entry in entries {
        for evidence in entry["evidence"].as_array().expect("evidence") {
            let general = evidence["start"].as_u64() > Some(text.find("PATIENT").expect("there") as u64);
            assert_eq!(evidence["boilerplate"] == "education", general, "{evidence}");
            let said = if entry["kind"] == "medication" { "status" } else { "assertion" };
            let expected = if general { "hypothetical" } else { ["present", "active"][usize::from(said == "status")] };
            let found = if evidence[said].is_null() { &entry[said] } else { &evidence[said] };
            assert_eq!(found, expected, "{evidence}");
            seen.push(evidence["text"].as_str().expect("words").to_lowercase());
        }
    }
    for word in ["acute bronchitis", "asthma", "eczema", "albuterol", "montelukast", "copd", "pneumonia"] {
        assert!(seen.iter().any(|one| one == word), "{word} is not found: {seen:?}");
    }
}

#[test]
fn a_cue_says_what_it_governs() {
    let extraction = extract(&json!({"id": "n", "text": NOTE}));
    let evidence: Vec<&Value> = extraction["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .flat_map(|entry| entry["evidence"].as_array().expect("evidence"))
        .collect();
    let scope = |of: &str| {
        let one = evidence.iter().find(|one| one["text"] == of).unwrap_or_else(|| panic!("no evidence {of}"));
        words(NOTE, &one["cues"][0]["scope"])
    };
    assert_eq!(scope("stroke"), "pulmonary embolism, stroke or endocarditis");
    assert_eq!(scope("pneumonia"), "pneumonia");
}

#[test]
fn alerts_know_classes_and_say_where_cross_reactivity_is_low() {
    let extraction = extract(&json!({"id": "n", "text": NOTE}));
    let alerts = extraction["alerts"].as_array().expect("alerts");
    let kinds = |drug: &str| -> Vec<&str> {
        alerts
            .iter()
            .filter(|alert| alert["message"].as_str().is_some_and(|message| message.starts_with(drug)))
            .filter_map(|alert| alert["kind"].as_str())
            .collect()
    };
    assert_eq!(kinds("amoxicillin"), ["allergy_conflict"]);
    assert_eq!(kinds("ceftriaxone"), ["allergy_caution"]);
    assert_eq!(kinds("metoprolol"), [""; 0]);
    let entries = extraction["entries"].as_array().expect("entries");
    let allergy = |name: &str| {
        let mut all = entries.iter().filter(|entry| entry["kind"] == "allergy");
        all.find(|entry| entry["display"] == name).map(|entry| entry["attributes"].clone()).expect("the allergy")
    };
    let penicillin = allergy("penicillin");
    assert_eq!((&penicillin["criticality"], &penicillin["type"]), (&json!("high"), &json!("allergy")));
    assert_eq!(allergy("lisinopril")["type"], "intolerance");
    let kind_of = |text: &str| {
        let extraction = extract(&json!({"id": "n", "text": text}));
        extraction["alerts"].as_array().expect("alerts").iter().map(|alert| alert["kind"].clone()).collect::<Vec<_>>()
    };
    for (text, wanted) in [
        ("ALLERGIES: Ibuprofen (hives).\nMEDICATIONS: Naproxen 500 mg b.i.d.", &["allergy_class_conflict"][..]),
        ("ALLERGIES: Bactrim (rash).\nMEDICATIONS: Sulfadiazine 1 g q.i.d.", &["allergy_class_conflict"]),
        ("ALLERGIES: Sulfa (rash).\nMEDICATIONS: Bactrim DS b.i.d.", &["allergy_conflict"]),
        ("ALLERGIES: Codeine (nausea).\nMEDICATIONS: Morphine 15 mg q4h.", &["allergy_caution"]),
        ("ALLERGIES: NKDA. Penicillin causes hives.\nMEDICATIONS: Metformin 500 mg b.i.d.", &["allergy_contradiction"]),
        ("ALLERGIES: Penicillin (hives).\nMEDICATIONS: Metformin 500 mg b.i.d.", &[]),
        ("ALLERGIES: Ibuprofen (hives).\nMEDICATIONS: Naproxen was stopped.", &[]),
    ] {
        assert_eq!(kind_of(text), wanted.iter().map(|kind| json!(kind)).collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn given_spans_are_asserted_findings_too() {
    let text = "She denies fever and night sweats. Her roommate has influenza. Father had gout. Return for dizziness.";
    let span = |words: &str| {
        let start = text.find(words).expect("stands in it");
        json!({"start": start, "end": start + words.len()})
    };
    let spans = ["fever", "night sweats", "influenza", "gout", "dizziness"].map(span);
    let extraction = extract(&json!({"id": "n", "text": text, "spans": spans}));
    let said: Vec<(String, &str, &str, &str, &str)> = extraction["spans"]
        .as_array()
        .expect("spans")
        .iter()
        .map(|one| {
            let field = |name: &str| one[name].as_str().expect("a word");
            (one["text"].to_string(), field("assertion"), field("experiencer"), field("temporality"), field("certainty"))
        })
        .collect();
    let wanted = [
        ("\"fever\"", "absent", "patient", "current", "negated"),
        ("\"night sweats\"", "absent", "patient", "current", "negated"),
        ("\"influenza\"", "family", "other", "current", "affirmed"),
        ("\"gout\"", "family", "family", "current", "affirmed"),
        ("\"dizziness\"", "hypothetical", "patient", "future", "affirmed"),
    ];
    assert_eq!(said, wanted.map(|(text, a, b, c, d)| (text.to_owned(), a, b, c, d)));
}

#[test]
fn a_sentence_of_an_earlier_note_is_copied_forward() {
    let server = Server::shared(&[]);
    let said = "She has type 2 diabetes mellitus with hypertension and obesity treated by her own doctor.";
    for (number, text) in [(1, format!("ASSESSMENT: {said}")), (2, format!("PROGRESS NOTE\nASSESSMENT: {said} Gout flare."))] {
        let note =
            json!({"text": text, "external_id": format!("copy-{number}"), "encounter": "ENC-COPY", "patient": "MRN-COPY"});
        let id = server.post_note(&note);
        server.extraction(&id);
    }
    let items = server.call("GET", "/v1/review/items", "coder", None).json();
    let items = items["items"].as_array().expect("items").clone();
    let item = items.iter().find(|item| item["encounter"] == "ENC-COPY").expect("the item");
    let item = server.call("GET", &format!("/v1/review/items/{}", item["id"].as_str().expect("an id")), "coder", None).json();
    let marks = |words: &str| -> Vec<Value> {
        let entries = item["entries"].as_array().expect("entries").iter();
        let evidence = entries.flat_map(|entry| entry["evidence"].as_array().expect("evidence"));
        evidence.filter(|one| one["text"] == words).map(|one| one["boilerplate"].clone()).collect()
    };
    assert_eq!(marks("hypertension"), [Value::Null, json!("copied_forward")]);
    assert_eq!(marks("Gout flare"), [Value::Null]);
}

#[test]
fn odd_letters_are_read_and_long_lines_in_time() {
    for text in [
        "He had shrimp or penicillin ällergy today.",
        "aspirin ’llergic, aspirin \u{feff}LLERGY",
        "MEDICATIONS:\n1. Metoprolol 25 mg at 0８00 and ０800",
        "ALLERGIES: penicillin\u{200d}🩺 (ßrash) µ½",
    ] {
        extract(&json!({"id": "n", "text": text}));
    }
    let begun = std::time::Instant::now();
    for part in ["aspirin 81 mg (", "continue metformin 500 mg for his diabetes allergic to penicillin (rash) "] {
        let text = part.repeat(100_000 / part.len());
        let line = json!({"id": "n", "text": text}).to_string();
        let output = program(&["extract", "--format", "ndjson", "--recognizers", "dictionary", "-"], line.as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    // a few seconds on a quiet machine; minutes where something is quadratic
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_table_of_medications_is_none_of_allergies() {
    let text = "MEDICATIONS:\nMedication | Dose | Comments\nLisinopril | 10 mg | for blood pressure\n";
    let extraction = extract(&json!({"id": "n", "text": text}));
    let kinds: Vec<&Value> = extraction["entries"].as_array().expect("entries").iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["medication"]);
}

#[test]
fn directions_of_two_mentions_are_not_mixed() {
    let text = "HOSPITAL COURSE: She took metoprolol 50 mg b.i.d. at home.\n\nDISCHARGE MEDICATIONS:\n1. Metoprolol 25 mg p.r.n. palpitations.";
    let extraction = extract(&json!({"id": "n", "text": text}));
    let entries = extraction["entries"].as_array().expect("entries");
    let entry =
        entries.iter().find(|entry| entry["display"] == "metoprolol" && entry["status"] == "active").expect("metoprolol");
    let attributes = &entry["attributes"];
    assert!(attributes["dosage"]["text"].as_str().is_some_and(|text| text.contains("p.r.n.")), "{attributes}");
    assert_eq!((attributes.get("total_daily_dose"), attributes.get("frequency")), (None, None));
}
