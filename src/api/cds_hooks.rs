//! CDS Hooks: cards for what a clinician should see of the notes, when a chart is opened and before a note is signed.
//!
//! Two services: `patient-view` tells what the stored notes of the patient say; `note-sign` reads the note of the request and stores nothing. Both
//! answer with allergy conflicts and with diagnoses that could be documented more exactly. The caller sends an API token of its own, as everywhere.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Body, Word},
};
use crate::{
    auth::{Permission, permits},
    domain::{Alert, CodedEntry, EncounterClass, EntryKind, Prompt, User},
    engine::Priority,
    pipeline::{NoteInput, check_text},
    service::{Service, actor},
    store::{NoteSearch, PatientNumber},
};

/// Encounters of a patient looked at.
const MOST_ENCOUNTERS: usize = 20;
/// Characters that a summary may have.
const LONGEST_SUMMARY: usize = 140;

/// A service as its discovery tells it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceBody {
    id: &'static str,
    /// When the caller asks.
    hook: &'static str,
    title: &'static str,
    description: &'static str,
}

/// All services.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceList {
    services: Vec<ServiceBody>,
}

/// What the caller shows or signs. Further fields of CDS Hooks are allowed and not looked at.
#[derive(Deserialize, ToSchema)]
pub struct HookRequest {
    /// The hook; that of the service.
    hook: String,
    /// The caller's id of this request.
    #[serde(rename = "hookInstance")]
    _hook_instance: String,
    context: HookContext,
}

/// The context of both hooks.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HookContext {
    /// The caller's number of the patient, as its notes give it.
    #[serde(default)]
    patient_id: String,
    /// The caller's number of the encounter; all of the patient when left out.
    encounter_id: Option<String>,
    /// `note-sign`: the text of the note.
    note: Option<String>,
    /// `note-sign`: class of the encounter.
    encounter_class: Option<EncounterClass>,
}

/// A card.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardBody {
    /// One line.
    summary: String,
    /// More, as Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// `info`, `warning` or `critical`.
    indicator: &'static str,
    source: CardSource,
}

/// Who says it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardSource {
    label: &'static str,
}

/// The cards, grave ones first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardList {
    cards: Vec<CardBody>,
}

/// The services there are; open to everybody.
#[utoipa::path(get, path = "/cds-services", tag = "cds hooks", security(()), responses((status = 200, body = ServiceList)))]
pub async fn discover() -> Json<ServiceList> {
    Json(ServiceList {
        services: vec![
            ServiceBody {
                id: "patient-view",
                hook: "patient-view",
                title: "Conflicts and open questions in the notes",
                description: "Allergies against medications of the patient's notes, and diagnoses that could be documented more exactly",
            },
            ServiceBody {
                id: "note-sign",
                hook: "note-sign",
                title: "A note before it is signed",
                description: "Allergies against medications within the note, and diagnoses that could be documented more exactly; nothing is stored",
            },
        ],
    })
}

/// Cards for a chart that is opened, or a note that is about to be signed.
#[utoipa::path(post, path = "/cds-services/{id}", tag = "cds hooks", params(("id" = String, Path)), request_body = HookRequest, responses(
    (status = 200, body = CardList),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn call(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Word(id): Word,
    Body(request): Body<HookRequest>,
) -> Result<Json<CardList>, ApiError> {
    let own = permits(caller.user.role, Permission::ReadOwnNote);
    let reader = caller.may(if own { Permission::ReadOwnNote } else { Permission::ReadNote })?;
    if !["patient-view", "note-sign"].contains(&id.as_str()) {
        return Err(ApiError::missing("service; GET /cds-services lists them"));
    }
    if request.hook != id {
        let detail = format!("hook must be {id}, the hook of this service");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail));
    }
    service.record_counted(actor(reader), "cds.called", id.clone()).await?;
    let found = if id == "patient-view" {
        of_patient(&service, reader, request.context).await?
    } else {
        let client = caller.may(Permission::Extract)?.id;
        of_note(&service, request.context, client).await?
    };
    Ok(Json(CardList { cards: cards(found) }))
}

/// What is told of notes.
#[derive(Default)]
struct Found {
    alerts: Vec<(String, String)>,
    /// Name of a diagnosis and what is asked about it.
    questions: BTreeSet<(String, String)>,
}

impl Found {
    fn add_alerts(&mut self, alerts: &[Alert]) {
        for alert in alerts {
            let told = (alert.kind.clone(), alert.message.clone());
            if !self.alerts.contains(&told) {
                self.alerts.push(told);
            }
        }
    }

    fn add_prompts(&mut self, display: &str, prompts: &[Prompt]) {
        // that no code was found is the coder's matter, not the writer's
        let asked = prompts.iter().filter(|prompt| prompt.kind != "code_not_determined" && prompt.kind != "boilerplate");
        self.questions.extend(asked.map(|prompt| (display.to_owned(), prompt.message.clone())));
    }
}

async fn of_patient(service: &Service, user: &User, context: HookContext) -> Result<Found, ApiError> {
    if context.patient_id.trim().is_empty() {
        let detail = "context.patientId is missing or empty";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail));
    }
    let patient = Some(PatientNumber { system: None, number: context.patient_id, id: None });
    let search = NoteSearch { patient, encounter: context.encounter_id, ..NoteSearch::default() };
    let mut items = service.find_items(user, search).await?;
    let older = items.len().saturating_sub(MOST_ENCOUNTERS);
    let mut found = Found::default();
    for id in items.split_off(older) {
        let Some(item) = service.chart_item(user, id).await? else { continue };
        for (_, extraction) in item.record.current_notes() {
            found.add_alerts(extraction.as_ref().map_or(&[], |extraction| &extraction.alerts));
        }
        let open = item.entries.iter().filter(|entry| entry.needs_decision() && entry.kind == EntryKind::Diagnosis);
        open.for_each(|entry| found.add_prompts(&entry.display, &entry.prompts));
    }
    Ok(found)
}

async fn of_note(service: &Service, context: HookContext, client: Uuid) -> Result<Found, ApiError> {
    let Some(text) = context.note else {
        let detail = "context.note is missing: the text of the note that is about to be signed";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail));
    };
    check_text(&text, service.max_note_bytes)?;
    let input = NoteInput {
        note_id: service.surroundings.new_id().to_string(),
        text,
        spans: Vec::new(),
        service_date: None,
        discharge_date: None,
        encounter_class: context.encounter_class,
    };
    let extraction = service.engine.extract(input, Priority::Interactive, client).await?;
    let mut found = Found::default();
    found.add_alerts(&extraction.alerts);
    let affirmed = |entry: &&CodedEntry| {
        entry.kind == EntryKind::Diagnosis && entry.assertion.is_some_and(crate::domain::Assertion::is_affirmed)
    };
    extraction.entries.iter().filter(affirmed).for_each(|entry| found.add_prompts(&entry.display, &entry.prompts));
    Ok(found)
}

fn cards(found: Found) -> Vec<CardBody> {
    let source = || CardSource { label: "Abstractor" };
    let mut cards: Vec<CardBody> = found
        .alerts
        .into_iter()
        .map(|(kind, message)| {
            let indicator = match kind.as_str() {
                "allergy_conflict" => "critical",
                "allergy_caution" => "info",
                _ => "warning",
            };
            let is_short = message.chars().count() < LONGEST_SUMMARY;
            let summary = if is_short { message.clone() } else { shortened(&message) };
            CardBody { summary, detail: (!is_short).then_some(message), indicator, source: source() }
        })
        .collect();
    cards.sort_by_key(|card| ["critical", "warning", "info"].iter().position(|indicator| *indicator == card.indicator));
    if !found.questions.is_empty() {
        let names: BTreeSet<&str> = found.questions.iter().map(|(display, _)| display.as_str()).collect();
        let what = if names.len() == 1 { "diagnosis" } else { "diagnoses" };
        let lines: Vec<String> =
            found.questions.iter().map(|(display, question)| format!("- **{}**: {question}", marked(display))).collect();
        cards.push(CardBody {
            summary: format!("{} {what} could be documented more exactly", names.len()),
            detail: Some(lines.join("\n")),
            indicator: "info",
            source: source(),
        });
    }
    cards
}

fn shortened(message: &str) -> String {
    let kept: String = message.chars().take(LONGEST_SUMMARY - 2).collect();
    format!("{}…", kept.trim_end())
}

/// Words in Markdown, with what would be marks escaped.
fn marked(words: &str) -> String {
    words.chars().fold(String::new(), |mut out, character| {
        if "\\`*_[]<>#".contains(character) {
            out.push('\\');
        }
        out.push(character);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_card_is_first_and_summaries_are_short() {
        let mut found = Found::default();
        let alert = |kind: &str, message: &str| Alert { kind: kind.to_owned(), message: message.to_owned(), entries: vec![] };
        found.add_alerts(&[
            alert("allergy_caution", "careful"),
            alert("allergy_conflict", &"long ".repeat(60)),
            alert("allergy_caution", "careful"),
        ]);
        found.add_prompts("Heart_failure", &[Prompt { kind: "type".to_owned(), message: "type not said".to_owned() }]);
        let cards = cards(found);
        let indicators: Vec<&str> = cards.iter().map(|card| card.indicator).collect();
        assert_eq!(indicators, ["critical", "info", "info"]);
        assert!(cards.iter().all(|card| card.summary.chars().count() < LONGEST_SUMMARY));
        assert_eq!(cards[0].detail.as_deref().map(str::len), Some(300));
        assert_eq!(cards[2].detail.as_deref(), Some("- **Heart\\_failure**: type not said"));
    }
}
