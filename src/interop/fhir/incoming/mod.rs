//! Documents that come in as notes: a `DocumentReference`, a `Composition`, or a Bundle that holds some.

mod content;
mod document;
mod people;

use serde_json::Value;
use thiserror::Error;

use crate::domain::{NewNote, Relation};
pub use document::NamedNote;
use document::{composition, document_reference};

/// Why something is not taken. Says where and what to do, and quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {detail}")]
pub struct Refusal {
    /// What kind of refusal.
    pub kind: RefusalKind,
    /// The element, as FHIRPath.
    pub path: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// An element is missing or has a value that cannot be used.
    Invalid,
    /// A type of content that is not read.
    Content,
    /// A kind of resource or request that is not served.
    NotSupported,
}

impl Refusal {
    fn invalid(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Invalid, path: path.into(), detail: detail.into() }
    }
}

/// What a document asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// That its note be stored.
    Store {
        /// The note; its source is the caller's to set.
        note: Box<NewNote>,
        /// The note that it appends to or replaces.
        related: Option<(Relation, NamedNote)>,
    },
    /// That a note stand no longer: it was entered in error.
    Retract(NamedNote),
}

/// What a POST brought.
#[derive(Debug)]
pub struct Received {
    /// The kind of Bundle, in the form that an answer to it has.
    pub answer: AnswerKind,
    /// One for each entry of the Bundle, in its order.
    pub entries: Vec<Result<Entry, Refusal>>,
}

/// The kind of Bundle that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// All or none.
    Transaction,
    /// Each by itself.
    Batch,
}

/// An entry of a Bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A document.
    Document(Request),
    /// What documents refer to: it was read with them and is no resource of its own here.
    Context,
    /// Something that is not used.
    Unused,
}

/// What documents of a Bundle may refer to.
const CONTEXT: [&str; 12] = [
    "Binary",
    "Coverage",
    "Device",
    "Encounter",
    "Location",
    "MessageHeader",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
    "RelatedPerson",
];

/// The resources around a document.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// Entries of its Bundle.
    entries: &'a [Value],
    /// The document, for what it contains.
    holder: &'a Value,
}

impl<'a> Around<'a> {
    /// What a reference leads to, within the document or its Bundle.
    fn resolve(&self, reference: &Value) -> Option<&'a Value> {
        let reference = reference["reference"].as_str()?;
        if let Some(id) = reference.strip_prefix('#') {
            return self.holder["contained"].as_array()?.iter().find(|one| one["id"] == id);
        }
        // "Patient/7", "https://ehr.example/fhir/Patient/7" and the same with a version all name Patient 7
        let plain = reference.split("/_history/").next().unwrap_or_default();
        let mut tail = plain.rsplit('/');
        let (id, kind) = (tail.next().unwrap_or_default(), tail.next().unwrap_or_default());
        let entry = self.entries.iter().find(|entry| {
            let url = entry["fullUrl"].as_str().unwrap_or_default();
            let resource = &entry["resource"];
            (!url.is_empty() && (url == plain || (!plain.contains(':') && url.ends_with(&format!("/{plain}")))))
                || (!kind.is_empty() && resource["resourceType"] == kind && resource["id"] == id)
        })?;
        Some(&entry["resource"])
    }
}

/// Reads a document that came by itself.
///
/// # Errors
/// Why it cannot be used.
pub fn document(resource: &Value) -> Result<Request, Refusal> {
    read(resource, &[])
}

fn read(resource: &Value, entries: &[Value]) -> Result<Request, Refusal> {
    let around = Around { entries, holder: resource };
    match resource["resourceType"].as_str() {
        Some("DocumentReference") => document_reference(around),
        Some("Composition") => composition(around),
        _ => Err(Refusal::invalid("resourceType", "must be DocumentReference")),
    }
}

/// Reads a Bundle of type document, transaction, batch or message.
///
/// # Errors
/// When it is no such Bundle, or has no document.
pub fn bundle(bundle: &Value) -> Result<Received, Refusal> {
    if bundle["resourceType"] != "Bundle" {
        return Err(Refusal::invalid("resourceType", "must be Bundle"));
    }
    let kind = bundle["type"].as_str().unwrap_or_default();
    let answer = match kind {
        "document" | "transaction" | "message" => AnswerKind::Transaction,
        "batch" => AnswerKind::Batch,
        _ => return Err(Refusal::invalid("Bundle.type", "must be document, message, transaction or batch")),
    };
    let asks = matches!(kind, "transaction" | "batch");
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read: Vec<Result<Entry, Refusal>> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            self::entry(entry, entries, asks)
                .map_err(|refusal| Refusal { path: format!("Bundle.entry[{at}].{}", refusal.path), ..refusal })
        })
        .collect();
    let none = read.iter().all(|entry| matches!(entry, Ok(Entry::Context | Entry::Unused)));
    if none {
        let detail = "has no DocumentReference and no Composition, so there is no note in it";
        return Err(Refusal::invalid("Bundle.entry", detail));
    }
    Ok(Received { answer, entries: read })
}

fn entry(entry: &Value, entries: &[Value], asks: bool) -> Result<Entry, Refusal> {
    let resource = &entry["resource"];
    let method = entry["request"]["method"].as_str().unwrap_or_default();
    if asks && !["POST", "PUT"].contains(&method) {
        let detail = "must be POST, or PUT for what a document refers to; read and search by GET";
        return Err(Refusal { kind: RefusalKind::NotSupported, path: "request.method".to_owned(), detail: detail.to_owned() });
    }
    let kind = resource["resourceType"].as_str().unwrap_or_default();
    match kind {
        "DocumentReference" | "Composition" => read(resource, entries)
            .map(Entry::Document)
            .map_err(|refusal| Refusal { path: format!("resource.{}", refusal.path), ..refusal }),
        kind if CONTEXT.contains(&kind) => Ok(Entry::Context),
        // who asks for something to be stored must hear that it is not; a document or message brings along what it likes
        _ if asks => Err(Refusal {
            kind: RefusalKind::NotSupported,
            path: "resource".to_owned(),
            detail: "this kind of resource is not stored here; leave it out".to_owned(),
        }),
        _ => Ok(Entry::Unused),
    }
}

/// A string that says something.
fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The elements of a list; none for what is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
