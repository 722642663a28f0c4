//! The fields of a `DocumentReference` or a `Composition` as those of a note.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Around, Refusal, Request, content, list,
    people::{self, Encounter},
    text_of,
};
use crate::{
    domain::{EncounterClass, NewNote, Relation},
    interop::fhir::{note_types, security},
};

/// A note that a document names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedNote {
    /// By the sender's id.
    External(String),
    /// By ours.
    Ours(Uuid),
}

/// Reads a `DocumentReference`.
pub(super) fn document_reference(around: Around<'_>) -> Result<Request, Refusal> {
    let resource = around.holder;
    let external_id = external_id(resource);
    match resource["status"].as_str() {
        Some("current") => {}
        Some("entered-in-error") => return retraction(resource, external_id),
        Some("superseded") => {
            let detail = "superseded: send the document that stands in its place, with relatesTo replaces";
            return Err(Refusal::invalid("DocumentReference.status", detail));
        }
        _ => return Err(Refusal::invalid("DocumentReference.status", "must be current or entered-in-error")),
    }
    let context = &resource["context"];
    let mut encounter = people::encounter(around, &context["encounter"][0], "DocumentReference.context.encounter[0]")?;
    if encounter.class.is_none() {
        let codes = list(&context["event"]).iter().flat_map(|event| list(&event["coding"]));
        encounter.class = codes.filter(|coding| is_of(coding, "ActCode")).find_map(people::class);
    }
    let day = people::date(&context["period"]["start"]).or_else(|| people::date(&resource["date"]));
    let (confidentiality, labels) =
        security::read(list(&resource["securityLabel"]).iter().chain(list(&resource["meta"]["security"])));
    let note = NewNote {
        text: content::of_attachments(around)?,
        external_id,
        version: text_of(&resource["meta"]["versionId"]),
        versioned_at: versioned_at(resource),
        patient: people::patient(around, &resource["subject"], "DocumentReference.subject")?,
        note_type: kind_of_note(resource),
        service_date: day.or(encounter.start),
        author: people::named(around, &resource["author"][0]),
        facility: encounter.facility.take().or_else(|| people::named(around, &resource["custodian"])),
        confidentiality,
        labels,
        payer_class: people::payer_class(around, &resource["subject"]),
        ..of_encounter(encounter)
    };
    let related = list(&resource["relatesTo"]).iter().enumerate().find_map(|(at, one)| {
        let relation = relation(&one["code"])?;
        Some(
            named(around, &one["target"], &format!("DocumentReference.relatesTo[{at}].target"))
                .map(|target| (relation, target)),
        )
    });
    Ok(Request::Store { note: Box::new(note), related: related.transpose()? })
}

/// Reads a `Composition`: the document is its sections.
pub(super) fn composition(around: Around<'_>) -> Result<Request, Refusal> {
    let resource = around.holder;
    let external_id = people::identifier(&resource["identifier"]).map(|(_, value)| value);
    match resource["status"].as_str() {
        Some("entered-in-error") => return retraction(resource, external_id),
        Some("final" | "amended" | "preliminary") => {}
        _ => return Err(Refusal::invalid("Composition.status", "must be preliminary, final, amended or entered-in-error")),
    }
    let encounter = people::encounter(around, &resource["encounter"], "Composition.encounter")?;
    let confidential = serde_json::json!({"coding": [{"code": resource["confidentiality"]}]});
    let (confidentiality, labels) = security::read(std::iter::once(&confidential).chain(list(&resource["meta"]["security"])));
    let note = NewNote {
        text: content::of_sections(resource)?,
        external_id,
        version: text_of(&resource["meta"]["versionId"]),
        versioned_at: versioned_at(resource),
        patient: people::patient(around, &resource["subject"], "Composition.subject")?,
        note_type: kind_of_note(resource),
        service_date: people::date(&resource["date"]).or(encounter.start),
        author: people::named(around, &resource["author"][0]),
        facility: encounter.facility.clone().or_else(|| people::named(around, &resource["custodian"])),
        confidentiality,
        labels,
        payer_class: people::payer_class(around, &resource["subject"]),
        ..of_encounter(encounter)
    };
    let related = list(&resource["relatesTo"]).iter().enumerate().find_map(|(at, one)| {
        let relation = relation(&one["code"])?;
        let path = format!("Composition.relatesTo[{at}].targetReference");
        let by_identifier = people::identifier(&one["targetIdentifier"]).map(|(_, value)| NamedNote::External(value));
        let target = by_identifier.map_or_else(|| named(around, &one["targetReference"], &path), Ok);
        Some(target.map(|target| (relation, target)))
    });
    Ok(Request::Store { note: Box::new(note), related: related.transpose()? })
}

fn of_encounter(encounter: Encounter) -> NewNote {
    NewNote {
        encounter: encounter.number,
        encounter_class: encounter.class,
        // only an inpatient is discharged
        discharge_date: encounter.end.filter(|_| encounter.class == Some(EncounterClass::Inpatient)),
        facility: encounter.facility,
        department: encounter.department,
        ..NewNote::default()
    }
}

fn retraction(resource: &Value, external_id: Option<String>) -> Result<Request, Refusal> {
    let kind = resource["resourceType"].as_str().unwrap_or_default();
    let ours = resource["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()).map(NamedNote::Ours);
    external_id.map(NamedNote::External).or(ours).map(Request::Retract).ok_or_else(|| {
        let detail = "is missing: say which document was entered in error";
        Refusal::invalid(format!("{kind}.identifier"), detail)
    })
}

/// When the sender made this version, where it tells its version: then `meta` is the sender's own.
fn versioned_at(resource: &Value) -> Option<Timestamp> {
    text_of(&resource["meta"]["versionId"]).and_then(|_| people::instant(&resource["meta"]["lastUpdated"]))
}

/// The sender's id: the master identifier, else the first one.
fn external_id(resource: &Value) -> Option<String> {
    let all = std::iter::once(&resource["masterIdentifier"]).chain(list(&resource["identifier"]));
    all.filter_map(people::identifier).map(|(_, value)| value).next()
}

fn relation(code: &Value) -> Option<Relation> {
    match code.as_str()? {
        "replaces" => Some(Relation::Replaces),
        "appends" => Some(Relation::Appends),
        // a transformation or a signature is another form of the same words
        _ => None,
    }
}

/// The note that a reference names: by its identifier, as a resource of the same Bundle, or by our id.
fn named(around: Around<'_>, reference: &Value, path: &str) -> Result<NamedNote, Refusal> {
    if let Some((_, value)) = people::identifier(&reference["identifier"]) {
        return Ok(NamedNote::External(value));
    }
    if let Some(id) = around.resolve(reference).and_then(external_id_of) {
        return Ok(NamedNote::External(id));
    }
    let last = reference["reference"].as_str().and_then(|reference| reference.split("/_history/").next()?.rsplit('/').next());
    last.and_then(|id| Uuid::parse_str(id).ok()).map(NamedNote::Ours).ok_or_else(|| {
        let detail = "names no document that is known here; send its identifier, or the id that it has here";
        Refusal::invalid(path, detail)
    })
}

fn external_id_of(resource: &Value) -> Option<String> {
    external_id(resource).or_else(|| people::identifier(&resource["identifier"]).map(|(_, value)| value))
}

/// Our word for the kind of note: of its LOINC code, else of the words of its type or category.
fn kind_of_note(resource: &Value) -> Option<String> {
    let concepts = || std::iter::once(&resource["type"]).chain(list(&resource["category"]));
    let known = concepts()
        .flat_map(|concept| list(&concept["coding"]))
        .filter(|coding| coding["system"] == crate::domain::system::LOINC)
        .find_map(|coding| note_types::word_of(coding["code"].as_str()?));
    let spoken = || {
        concepts().find_map(|concept| {
            let display = || list(&concept["coding"]).iter().find_map(|coding| text_of(&coding["display"]));
            text_of(&concept["text"]).or_else(display)
        })
    };
    known.map(str::to_owned).or_else(|| spoken().map(|words| snake(&words)).filter(|word| !word.is_empty()))
}

/// "Nutrition and dietetics note" as `nutrition_and_dietetics_note`.
fn snake(words: &str) -> String {
    let parts = words.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

fn is_of(coding: &Value, system: &str) -> bool {
    coding["system"].as_str().is_some_and(|known| known.ends_with(system))
}
