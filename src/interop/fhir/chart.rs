//! The resources of one encounter, as its review left it: what the searches by patient and encounter answer from.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Context, Derived, Links, derived, encounter, patient, provenance, recorded_date, security, served_id, statement::Statement,
};
use crate::domain::{Confidentiality, EngineVersion, Note, ReviewEntry, ReviewItem};

/// A note of a chart.
#[derive(Debug, Clone, Copy)]
pub struct ChartNote<'a> {
    /// The note.
    pub note: &'a Note,
    /// What made its extraction, and when; none while it is pending.
    pub made: Option<(&'a EngineVersion, Timestamp)>,
}

/// One encounter.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// The item.
    pub item: &'a ReviewItem,
    /// Its notes, oldest first.
    pub notes: &'a [ChartNote<'a>],
    /// Its entries with the decisions folded in; offsets are code points.
    pub entries: &'a [ReviewEntry],
}

/// Every derived resource of an encounter with its id, and what says who made it.
#[must_use]
pub fn chart(chart: Chart<'_>) -> Vec<Value> {
    let mut context = Context {
        subject: patient::subject(chart.item.patient.as_ref(), patient::served(chart.item.patient_id)),
        encounter: encounter(chart.item.encounter.as_deref()),
        recorded_date: None,
        links: Links::Served { item: chart.item.id },
    };
    let mut resources = Vec::new();
    let mut made_by_engine: Vec<(String, Vec<String>)> = Vec::new();
    let mut decided = Vec::new();
    for entry in chart.entries {
        let Some(statement) = Statement::reviewed(entry, None) else { continue };
        let places = statement.places();
        let first = places.iter().find_map(|place| chart.notes.iter().find(|note| note.note.id.to_string() == place.note));
        context.recorded_date = first.map(|note| recorded_date(note.note));
        let made = derived(&context, &statement);
        if made.is_empty() {
            continue;
        }
        let urls: Vec<String> = made.iter().map(|one| one.url.clone()).collect();
        for decision in statement.decisions {
            let mut resource = provenance::of_coder(&urls, decision);
            resource["id"] = json!(served_id(chart.item.id, &decision.id.to_string()));
            decided.push(resource);
        }
        for Derived { url, resource, notes } in made {
            if !statement.evidence.is_empty() {
                made_by_engine.push((url, notes));
            }
            resources.push(resource);
        }
    }
    for note in chart.notes {
        let id = note.note.id.to_string();
        let rests_on = |(_, notes): &&(String, Vec<String>)| notes.contains(&id);
        let targets: Vec<String> = made_by_engine.iter().filter(rests_on).map(|(url, _)| url.clone()).collect();
        if let Some(made) = note.made.filter(|_| !targets.is_empty()) {
            let mut resource = provenance::of_engine(&context.links, &targets, &id, made);
            resource["id"] = json!(served_id(chart.item.id, &id));
            resources.push(resource);
        }
    }
    resources.extend(decided);
    let confidentiality = if chart.item.restricted { Confidentiality::Restricted } else { Confidentiality::Normal };
    for resource in &mut resources {
        security::label(resource, confidentiality, chart.item.labels);
    }
    resources
}

/// The item that the id of a derived resource names.
#[must_use]
pub fn item_of_id(id: &str) -> Option<Uuid> {
    if id.len() != 64 || !id.is_ascii() {
        return None;
    }
    Uuid::try_parse(&id[..32]).ok()
}
