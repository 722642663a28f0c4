//! FHIR out: our notes and sigs as Bundles, held against validators that are not ours.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    golden,
    server::{Server, program},
};

/// Reads resources, one a line, and names those that are not valid.
const VALIDATE: &str = "
import json, sys
from fhir.resources.R4B import get_fhir_model_class
bad = 0
for number, line in enumerate(sys.stdin):
    try:
        get_fhir_model_class(json.loads(line)['resourceType']).model_validate_json(line)
    except Exception as error:
        bad += 1
        print('line', number, str(error)[:600])
sys.exit(bad > 0)
";

fn bundles(notes: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = notes.iter().map(Value::to_string).collect();
    let output = program(&["extract", "--format", "fhir", "-"], lines.join("\n").as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A program of `target`, which `tests/run` installs.
fn installed(path: &str) -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    assert!(found.exists(), "{path} is not installed: `tests/run` does it");
    found
}

/// Runs a program on lines; it must find nothing wrong.
fn run(command: &mut Command, lines: &str) {
    let (ended, said) = output_of(command, lines);
    assert!(ended, "{said}");
}

/// Runs a program on lines: whether it found nothing wrong, and what it said.
fn output_of(command: &mut Command, lines: &str) -> (bool, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("its input");
    let lines = lines.to_owned();
    // a program that ends early does not read to the end; what it says counts
    let writer = std::thread::spawn(move || drop(input.write_all(lines.as_bytes())));
    let output = child.wait_with_output().expect("ends");
    writer.join().expect("the lines are written");
    let errors = if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stderr).into_owned() };
    (output.status.success(), format!("{errors}{}", String::from_utf8_lossy(&output.stdout)))
}

/// Python with the FHIR packages.
pub fn python() -> Command {
    Command::new(installed("target/fhir/bin/python"))
}

/// Holds resources against the models of `fhir.resources`, against FHIR's JSON schema, and against its structure definitions and value
/// sets, none of which are ours.
pub fn validate(resources: &[Value]) {
    let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
    let lines = lines.join("\n");
    run(python().args(["-c", VALIDATE]), &lines);
    let modules = installed("target/peers-node/node_modules");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/peers/validate.js");
    run(Command::new("node").env("NODE_PATH", modules).arg(script), &lines);
}

/// Holds resources against the profiles of IPS and US Core; says what is wrong, and how many resources each profile was tried on.
pub fn profiles(resources: &[Value]) -> Result<Value, String> {
    let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
    let modules = installed("target/peers-node/node_modules");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/peers/profiles.js");
    let (ended, said) = output_of(Command::new("node").env("NODE_PATH", modules).arg(script), &lines.join("\n"));
    let counts = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    counts.filter(|_| ended).ok_or(said)
}

/// Every resource of a kind.
pub fn of<'a>(bundle: &'a Value, kind: &str) -> Vec<&'a Value> {
    let entries = bundle["entry"].as_array().expect("entries");
    entries.iter().map(|entry| &entry["resource"]).filter(|resource| resource["resourceType"] == kind).collect()
}

#[test]
fn bundles_of_our_notes_are_valid_and_point_at_their_words() {
    let notes: Vec<Value> = golden::notes().iter().map(|note| json!({"id": note.name, "text": note.text})).collect();
    let found = bundles(&notes);
    assert_eq!(found.len(), notes.len());
    validate(&found);
    let mut pointed = 0;
    for bundle in &found {
        let data = of(bundle, "Binary")[0]["data"].as_str().expect("the text");
        let text = String::from_utf8(STANDARD.decode(data).expect("base64")).expect("UTF-8");
        let letters: Vec<char> = text.chars().collect();
        for kind in ["Condition", "MedicationStatement", "AllergyIntolerance", "FamilyMemberHistory"] {
            for resource in of(bundle, kind) {
                let concept = ["code", "medicationCodeableConcept"].iter().find_map(|field| resource.get(*field));
                let concept = concept.unwrap_or(&resource["condition"][0]["code"]);
                let part = &resource["extension"][0]["extension"];
                let number = |place: usize| part[place]["valueInteger"].as_u64().expect("a number") as usize;
                let words: String = letters[number(2)..number(2) + number(3)].iter().collect();
                assert_eq!(concept["text"], words.as_str(), "{resource}");
                pointed += 1;
            }
        }
    }
    assert!(pointed > 100, "only {pointed} resources");
}

#[test]
fn every_sig_of_ours_is_a_valid_dosage() {
    let file = include_str!("../fixtures/dosage_cases.txt");
    let sigs =
        file.lines().filter_map(|line| line.split_once('\t')).map(|(sig, _)| sig.replacen('[', "", 1).replacen(']', "", 1));
    let notes: Vec<Value> =
        sigs.enumerate().map(|(at, sig)| json!({"id": at.to_string(), "text": format!("MEDICATIONS:\n{sig}")})).collect();
    let found = bundles(&notes);
    validate(&found);
    let dosed =
        found.iter().flat_map(|bundle| of(bundle, "MedicationStatement")).filter(|one| one["dosage"].is_array()).count();
    assert!(dosed > 290, "only {dosed} statements with a dosage");
}

#[test]
fn the_service_answers_with_the_patients_bundle() {
    let server = Server::shared(&[]);
    let note = json!({"text": "ASSESSMENT: Gout. Mother had asthma.\nALLERGIES: NKDA.", "external_id": "fhir-1", "patient": "MRN-FHIR",
        "encounter": "ENC-FHIR"});
    let id = server.post_note(&note);
    server.extraction(&id);
    let reply = server.call("GET", &format!("/v1/notes/{id}/fhir"), "submitter", None);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let bundle = reply.json();
    validate(std::slice::from_ref(&bundle));
    let condition = of(&bundle, "Condition")[0];
    assert_eq!(condition["subject"]["identifier"]["value"], "MRN-FHIR");
    assert_eq!(condition["encounter"]["identifier"]["value"], "ENC-FHIR");
    assert_eq!(condition["verificationStatus"]["coding"][0]["code"], "unconfirmed");
    assert_eq!(of(&bundle, "FamilyMemberHistory")[0]["relationship"]["coding"][0]["code"], "MTH");
    let allergy = of(&bundle, "AllergyIntolerance")[0];
    assert_eq!(allergy["code"]["coding"][0]["code"], "409137002");
    assert_eq!(server.call("GET", &format!("/v1/notes/{id}/fhir"), "admin", None).status, 403);
    assert_eq!(server.call("GET", "/v1/notes/01900000-0000-7000-8000-000000000000/fhir", "submitter", None).status, 404);
}
