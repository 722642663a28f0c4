//! FHIR R4 in and out. What goes out: an extraction, or an encounter as its review left it, as resources; what comes in: documents as notes.
//!
//! [`bundle`] is what the engine found in one note: a transaction Bundle with the note (a `Binary` with its text and a
//! `DocumentReference`), the `Patient`, a `Condition`, `MedicationStatement`, `MedicationRequest`, `AllergyIntolerance` or `FamilyMemberHistory` for each
//! entry that says something of the patient or their family, and a `Provenance`. Nothing in it was reviewed, so conditions are unconfirmed
//! or provisional, never confirmed. [`reviewed_bundle`] is the same with the decisions of the coders folded in, and [`chart()`] gives the
//! resources of a whole encounter.
//!
//! Every derived resource points at its words with the extension `derivation-reference`; offsets are Unicode code points of the `Binary`'s
//! text. Entries that only speak of a risk, and what other people than relatives have, have no place in a chart and are left out; the
//! coder's queue shows them.

mod allergy;
mod audit;
mod chart;
mod condition;
mod document;
pub mod incoming;
mod medication;
mod note_types;
mod patient;
mod provenance;
mod security;
mod statement;
mod subscription;
mod task;

pub use audit::audit_event;
pub use chart::{Chart, ChartNote, chart, item_of_id};
pub use document::{binary, document};
pub use patient::{merged_patient, patient};
pub use security::label;
pub use subscription::{CRITERIA, subscribed, subscription};
pub use task::{Task, task, task_state, task_status};

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::{CodeCandidate, EngineVersion, EntryKind, Extraction, Note, Patient, ReviewEntry};
use statement::{Place, Statement};

/// URL of the extension that points at the words a resource was derived from.
const DERIVATION: &str = "http://hl7.org/fhir/StructureDefinition/derivation-reference";
/// Base of the code systems that FHIR defines itself.
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";
/// What the patient's resource is called within a Bundle.
const PATIENT: &str = "patient";
/// The type of a note's text.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// What the Bundle says beside the extraction.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The note's text, whole.
    pub text: &'a str,
    /// The patient, where it is known.
    pub patient: Option<&'a Patient>,
    /// The encounter's identifier at the sender, where it is known.
    pub encounter: Option<&'a str>,
    /// When the Bundle is made.
    pub recorded: Timestamp,
}

/// What all resources of one Bundle or one encounter refer to.
struct Context {
    subject: Value,
    encounter: Option<Value>,
    /// The day of the note that an entry stands in.
    recorded_date: Option<Value>,
    links: Links,
}

/// How resources name each other.
enum Links {
    /// Within the Bundle of this note.
    Bundle {
        /// Its id.
        note: String,
    },
    /// As they are served: an id names the item too, so that a resource is found by its id alone.
    Served {
        /// The item that they are of.
        item: Uuid,
    },
}

/// A resource that stands for something in a note.
struct Derived {
    url: String,
    resource: Value,
    /// The notes that it rests on.
    notes: Vec<String>,
}

/// The transaction Bundle of what the engine found in one note; the extraction's offsets must be code points.
#[must_use]
pub fn bundle(extraction: &Extraction, source: Source<'_>) -> Value {
    let links = Links::Bundle { note: extraction.note_id.clone() };
    let context = Context {
        subject: patient::subject(source.patient, Some(links.named(PATIENT))),
        encounter: encounter(source.encounter),
        recorded_date: None,
        links,
    };
    let entries = extraction.entries.iter().map(|entry| Statement::suggested(&extraction.note_id, entry));
    let derived: Vec<Derived> = entries.flat_map(|entry| derived(&context, &entry)).collect();
    let mut resource = json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": context.subject,
        "content": [{"attachment": {"contentType": TEXT, "url": context.links.binary(&extraction.note_id)}}],
    });
    if !extraction.note_id.trim().is_empty() {
        resource["identifier"] = json!([{"value": extraction.note_id}]);
    }
    if let Some(encounter) = &context.encounter {
        resource["context"] = json!({"encounter": [encounter]});
    }
    let mut resources = note_resources(&context, (&extraction.note_id, source.text), resource);
    resources.extend(patient_resource(&context.links, source.patient));
    let targets: Vec<String> = derived.iter().map(|one| one.url.clone()).collect();
    resources.extend(derived.into_iter().map(|one| (one.url, one.resource)));
    if !targets.is_empty() {
        let made = (&extraction.engine, source.recorded);
        let resource = provenance::of_engine(&context.links, &targets, &extraction.note_id, made);
        resources.push((context.links.named("provenance"), resource));
    }
    transaction(resources, source.patient)
}

/// The transaction Bundle of one note with the decisions of the coders on what stands in it. Offsets must be code points; `made` is what made
/// its extraction, and when.
#[must_use]
pub fn reviewed_bundle(note: &ChartNote<'_>, entries: &[ReviewEntry]) -> Value {
    let id = note.note.id.to_string();
    let content = &note.note.content;
    let links = Links::Bundle { note: id.clone() };
    let patient = content.patient.as_ref();
    let context = Context {
        subject: patient::subject(patient, Some(links.named(PATIENT))),
        encounter: encounter(content.encounter.as_deref()),
        recorded_date: Some(recorded_date(note.note)),
        links,
    };
    let mut resource = document(note.note);
    resource.as_object_mut().map(|fields| fields.remove("id"));
    resource["content"][0]["attachment"]["url"] = json!(context.links.binary(&id));
    resource["subject"] = context.subject.clone();
    let mut resources = note_resources(&context, (&id, &content.text), resource);
    resources.extend(patient_resource(&context.links, patient));
    let mut targets = Vec::new();
    let mut decided = Vec::new();
    for entry in entries {
        let Some(statement) = Statement::reviewed(entry, Some(note.note.id)) else { continue };
        let made = derived(&context, &statement);
        let urls: Vec<String> = made.iter().map(|one| one.url.clone()).collect();
        resources.extend(made.into_iter().map(|one| (one.url, one.resource)));
        if urls.is_empty() {
            continue;
        }
        for decision in statement.decisions {
            let name = context.links.named(&decision.id.to_string());
            decided.push((name, provenance::of_coder(&urls, decision)));
        }
        if !statement.evidence.is_empty() {
            targets.extend(urls);
        }
    }
    if let Some(made) = note.made.filter(|_| !targets.is_empty()) {
        let resource = provenance::of_engine(&context.links, &targets, &id, made);
        resources.push((context.links.named("provenance"), resource));
    }
    resources.extend(decided);
    transaction(resources, patient)
}

/// The same Bundle as a collection: nothing in it is to be stored.
#[must_use]
pub fn collection(mut bundle: Value) -> Value {
    bundle["type"] = json!("collection");
    for entry in bundle["entry"].as_array_mut().into_iter().flatten() {
        entry.as_object_mut().map(|entry| entry.remove("request"));
    }
    bundle
}

fn note_resources(context: &Context, (note, text): (&str, &str), document: Value) -> Vec<(String, Value)> {
    vec![(context.links.binary(note), binary(text)), (context.links.document(note), document)]
}

/// The patient, where a sender said who it is.
fn patient_resource(links: &Links, of: Option<&Patient>) -> Option<(String, Value)> {
    of.filter(|of| patient::is_identified(of)).map(|of| (links.named(PATIENT), patient::patient(None, of)))
}

fn transaction(resources: Vec<(String, Value)>, of: Option<&Patient>) -> Value {
    let entries: Vec<Value> = resources
        .into_iter()
        .map(|(url, resource)| {
            let kind = resource["resourceType"].clone();
            let mut request = json!({"method": "POST", "url": kind});
            if let Some(search) = of.filter(|_| kind == "Patient").and_then(patient::search) {
                request["ifNoneExist"] = json!(search);
            }
            json!({"fullUrl": url, "resource": resource, "request": request})
        })
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

/// The resources of one entry.
fn derived(context: &Context, entry: &Statement<'_>) -> Vec<Derived> {
    let places = entry.places();
    let resources: Vec<(Value, Vec<Place>)> = match entry.kind {
        EntryKind::Diagnosis => condition::resources(context, entry),
        EntryKind::Medication => {
            let request = medication::request(context, entry);
            let mut statement = medication::resource(context, entry);
            if let Some(request) = &request {
                let kind = request["resourceType"].as_str().unwrap_or_default();
                statement["basedOn"] = json!([{"reference": context.links.derived(kind, &further(&entry.id, 1))}]);
            }
            std::iter::once(statement).chain(request).map(|resource| (resource, places.clone())).collect()
        }
        EntryKind::Allergy | EntryKind::NoKnownAllergies => {
            allergy::resource(context, entry).into_iter().map(|resource| (resource, places.clone())).collect()
        }
    };
    let resources = resources.into_iter().enumerate().map(|(at, (mut resource, places))| {
        entry.mark(&mut resource, &places, |note| context.links.binary(note));
        without_control_characters(&mut resource);
        // an entry's id names its first resource; a second relative, or an order, has one of its own
        let id = if at == 0 { entry.id.clone() } else { further(&entry.id, at) };
        let kind = resource["resourceType"].as_str().unwrap_or_default().to_owned();
        if let Links::Served { item } = context.links {
            resource["id"] = json!(served_id(item, &id));
        }
        let mut notes: Vec<String> = places.into_iter().map(|place| place.note).collect();
        notes.dedup();
        Derived { url: context.links.derived(&kind, &id), resource, notes }
    });
    resources.collect()
}

/// The id of a further resource of an entry.
fn further(entry: &str, at: usize) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{entry}|{at}").as_bytes()).to_string()
}

/// An id of 64 digits, the most that FHIR allows: the item, then what it is there.
fn served_id(item: Uuid, id: &str) -> String {
    let own = Uuid::parse_str(id).unwrap_or_else(|_| Uuid::new_v5(&item, id.as_bytes()));
    format!("{}{}", item.simple(), own.simple())
}

impl Links {
    fn named(&self, what: &str) -> String {
        match self {
            Self::Bundle { note } => {
                let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{note}|{what}").as_bytes());
                format!("urn:uuid:{id}")
            }
            Self::Served { item } => served_id(*item, what),
        }
    }

    fn binary(&self, note: &str) -> String {
        match self {
            Self::Bundle { .. } => self.named("binary"),
            Self::Served { .. } => format!("Binary/{note}"),
        }
    }

    fn document(&self, note: &str) -> String {
        match self {
            Self::Bundle { .. } => self.named("document"),
            Self::Served { .. } => format!("DocumentReference/{note}"),
        }
    }

    fn derived(&self, kind: &str, id: &str) -> String {
        match self {
            Self::Bundle { .. } => format!("urn:uuid:{id}"),
            Self::Served { item } => format!("{kind}/{}", served_id(*item, id)),
        }
    }
}

impl Context {
    /// References to the notes of these places.
    fn documents(&self, places: &[Place]) -> Value {
        let mut notes: Vec<&str> = places.iter().map(|place| place.note.as_str()).collect();
        notes.dedup();
        let references: Vec<Value> = notes.iter().map(|note| json!({"reference": self.links.document(note)})).collect();
        references.into()
    }
}

/// The encounter, by the sender's identifier.
fn encounter(number: Option<&str>) -> Option<Value> {
    number
        .filter(|number| !number.trim().is_empty())
        .map(|number| json!({"type": "Encounter", "identifier": {"value": number}}))
}

/// The day of a note: of service, else when it came.
fn recorded_date(note: &Note) -> Value {
    note.content.service_date.map_or_else(|| instant(note.received_at), |day: Date| json!(day.to_string()))
}

/// Percent-encoded for a query.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// An instant as FHIR writes it.
fn instant(at: Timestamp) -> Value {
    json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// What made an extraction, in words.
fn engine_name(engine: &EngineVersion) -> String {
    let pack = engine.site_pack.as_ref().map_or_else(String::new, |version| format!(", site pack {version}"));
    format!("Abstractor {}, model {}, vocabulary {}{pack}", engine.version, engine.model, engine.vocabulary)
}

/// FHIR strings hold no control characters but tab and line breaks; a note may.
fn without_control_characters(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(|letter: char| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')) => {
            *text = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        }
        Value::Array(all) => all.iter_mut().for_each(without_control_characters),
        Value::Object(all) => all.values_mut().for_each(without_control_characters),
        _ => {}
    }
}

/// A code of one of FHIR's own systems.
fn status(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": format!("{TERMINOLOGY}/{system}"), "code": code}]})
}

fn coding(code: &CodeCandidate) -> Value {
    let mut coding = json!({"system": code.system, "code": code.code});
    if !code.display.trim().is_empty() {
        coding["display"] = json!(code.display);
    }
    coding
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod reviewed_tests;
#[cfg(test)]
mod tests;
