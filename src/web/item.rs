//! `/items/{id}`: one encounter, its entries and its notes with the evidence highlighted.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    entry::{Choice, EntryView, EntryViews, anchor, context, systems, title},
    highlight::{Mark, Piece, pieces},
    lists::{self, ListTable},
    notice::{self, Notice},
    queries::{self, QueriesView},
    session::Session,
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::{Permission, permits},
    coding::edits::Severity,
    domain::{
        DecisionKind, EntryKind, Extraction, ItemState, Note, NoteStatus, OffsetUnit, REJECT_REASONS, REOPEN_REASONS,
        ReviewEntry, Span, Standing,
    },
    review::{OVERRIDE_REASONS, acceptable_together, assigned_codes, code_day, last_decided, override_reason},
    service::{QueueItem, Service},
    store::ItemRecord,
    text::OffsetMap,
    vocabulary::Vocabulary,
};

/// Entries under one heading.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// The heading.
    pub title: &'static str,
    /// How many wait for a decision.
    pub undecided: usize,
    /// The entries.
    pub entries: Vec<EntryView>,
    /// `diagnosis` and so on: the kind that is accepted together.
    pub kind: &'static str,
    /// Those that may be accepted together.
    pub together: Vec<Uuid>,
}

/// A note.
#[derive(Debug, Clone, Default)]
pub(super) struct NoteView {
    /// Its id.
    pub id: Uuid,
    /// What it is called here.
    pub label: String,
    /// Date, author, source.
    pub about: String,
    /// Why it has no highlights, when it has none for a reason.
    pub status: Option<&'static str>,
    /// The text.
    pub pieces: Vec<Piece>,
}

/// The item page.
#[derive(Template, Default)]
#[template(path = "item.html")]
pub(super) struct ItemPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The item.
    pub id: Uuid,
    /// Its revision: a form decides on what it showed.
    pub revision: u64,
    /// Name or record number of the patient.
    pub patient: String,
    /// Label and value of what is known of patient and encounter.
    pub facts: Vec<(&'static str, String)>,
    /// State.
    pub state: &'static str,
    /// Who holds it and until when.
    pub holder: Option<String>,
    /// Whether the user holds it.
    pub held: bool,
    /// Whether the user can take it.
    pub can_claim: bool,
    /// Reasons for which the user can put it back into the queue; empty where they cannot.
    pub reopen_reasons: Vec<(&'static str, &'static str)>,
    /// Name of the edition of its day.
    pub edition: String,
    /// Entries that wait for a decision.
    pub undecided: usize,
    /// All entries that ask for one or got one.
    pub total: usize,
    /// What undoing takes back; none when there is nothing.
    pub undo: Option<String>,
    /// Notes not read yet.
    pub pending: u32,
    /// Warnings: how they look and what they say, grave ones first.
    pub alerts: Vec<(&'static str, String)>,
    /// Codes that were decided on and may be reported, with their titles.
    pub assigned: Vec<(String, String)>,
    /// What is to be said about the drafted codes.
    pub edits: Vec<EditView>,
    /// Whether a hard one is among them.
    pub hard_edits: bool,
    /// Who let hard ones stand, when, and why.
    pub overrides: Vec<String>,
    /// Reasons why hard ones may stand.
    pub override_reasons: Vec<(&'static str, &'static str)>,
    /// What is charted or billed.
    pub groups: Vec<Group>,
    /// What is not: negated, family, hypothetical.
    pub aside: Vec<EntryView>,
    /// Whether somebody decided on one of them.
    pub aside_open: bool,
    /// Medications of the notes by list.
    pub lists: Vec<ListTable>,
    /// The notes.
    pub notes: Vec<NoteView>,
    /// Reasons of rejection.
    pub reasons: Vec<(&'static str, &'static str)>,
    /// Kinds to add.
    pub kinds: Vec<(&'static str, &'static str)>,
    /// Code systems to add with.
    pub systems: Vec<Choice>,
    /// Queries to providers.
    pub queries: QueriesView,
}

/// A finding about the drafted codes.
#[derive(Debug, Clone)]
pub(super) struct EditView {
    /// How it weighs, and how that looks.
    pub severity: &'static str,
    /// The codes.
    pub codes: String,
    /// What to do.
    pub message: String,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ItemAddress {
    notice: Option<String>,
    problem: Option<String>,
}

/// `GET /items/{id}`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    id: Option<Path<Uuid>>,
    Query(address): Query<ItemAddress>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let Some(Path(id)) = id else { return Err(missing(&session)) };
    let item = service.item(user, id).await?.ok_or_else(|| missing(&session))?;
    let notice = notice::lookup(address.notice.as_deref(), address.problem.as_deref());
    shown(&service, &session, &item, (StatusCode::OK, notice)).await
}

/// The page of an item that says why a form was not taken, where no word of an address can: the address would tell of the patient.
pub(super) async fn refused(service: &Service, session: &Session, id: Uuid, why: String) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let item = service.item(user, id).await?.ok_or_else(|| missing(session))?;
    shown(service, session, &item, (StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::refusing(why)))).await
}

async fn shown(
    service: &Service,
    session: &Session,
    item: &QueueItem,
    (status, notice): (StatusCode, Option<Notice>),
) -> Result<Response, Refusal> {
    let pipeline = service.engine.pipeline();
    let mut view = view(item, pipeline.vocabulary(), session.user.id);
    view.shell = Shell::of(session);
    if permits(session.user.role, Permission::Reopen) && !view.held && item.record.item.state != ItemState::Open {
        view.reopen_reasons = REOPEN_REASONS.map(|reason| (reason, words::reopen_reason(reason))).into();
    }
    view.notice = notice;
    view.queries = queries::section(service, session, item).await?;
    Ok(page(status, &view))
}

/// The page of an item for the user of this id.
pub(super) fn view(item: &QueueItem, vocabulary: &Vocabulary, user: Uuid) -> ItemPage {
    let QueueItem { record, entries, edits } = item;
    let review = &record.item;
    let (edition, covers) = vocabulary.editions.on(code_day(record));
    let held = review.state == ItemState::Claimed && review.claimed_by.as_ref().is_some_and(|(holder, _)| *holder == user);
    let labels: Vec<String> = record.notes.iter().enumerate().map(|(at, (note, _))| label(at, note)).collect();
    let views = EntryViews {
        vocabulary,
        edition,
        note_labels: record.notes.iter().enumerate().map(|(at, (note, _))| (note.id, format!("note {}", at + 1))).collect(),
        held,
    };
    let (main, aside): (Vec<_>, Vec<_>) = entries.iter().enumerate().partition(|(_, entry)| is_charted(entry));
    let undecided = entries.iter().filter(|entry| entry.needs_decision()).count();
    let together = if held { acceptable_together((vocabulary, edition), record, (entries, edits)) } else { Vec::new() };
    let undo = if held { last_decided(entries, user) } else { Vec::new() };
    let groups = [EntryKind::Diagnosis, EntryKind::Medication, EntryKind::Allergy].map(|kind| {
        let title = words::kinds(kind);
        let entries: Vec<EntryView> = main
            .iter()
            .filter(|(_, entry)| words::kinds(entry.kind) == title)
            .map(|(at, entry)| views.view(*at, entry))
            .collect();
        let of_kind = main.iter().filter(|(_, entry)| entry.kind == kind && together.contains(&entry.id));
        Group {
            title,
            undecided: entries.iter().filter(|entry| entry.undecided).count(),
            entries,
            kind: kind.as_str(),
            together: of_kind.map(|(_, entry)| entry.id).collect(),
        }
    });
    let mut marks = marks(record, entries);
    let notes = record.notes.iter().zip(labels).map(|((note, extraction), label)| {
        let marks = marks.remove(&note.id).unwrap_or_default();
        note_view(note, extraction.as_ref(), &marks, label)
    });
    let patient = review.patient.as_ref();
    let mut page = ItemPage {
        id: review.id,
        revision: review.revision,
        patient: patient.map_or_else(
            || "Patient not given".to_owned(),
            |patient| patient.name.clone().unwrap_or_else(|| format!("Record {}", patient.id)),
        ),
        facts: facts(item, if covers { edition.name.clone() } else { format!("{} (none covers the day)", edition.name) }),
        state: words::item_state(review.state),
        holder: review.claimed_by.as_ref().filter(|_| review.state == ItemState::Claimed).map(|(_, name)| {
            let until = review.claimed_until.map_or_else(String::new, |at| at.strftime(" until %H:%M UTC").to_string());
            format!("{}{until}", if held { "you" } else { name })
        }),
        held,
        edition: edition.name.clone(),
        can_claim: review.state == ItemState::Open,
        undecided,
        undo: match &undo[..] {
            [] => None,
            [one] => entries.iter().find(|entry| entry.id == *one).map(|entry| entry.display.clone()),
            many => Some(format!("{} entries", many.len())),
        },
        total: main.len(),
        pending: review.pending_notes,
        alerts: record
            .current_notes()
            .filter_map(|(_, extraction)| extraction.as_ref())
            .flat_map(|extraction| &extraction.alerts)
            .map(|alert| (if alert.kind == "allergy_caution" { "quiet-notice" } else { "warn" }, alert.message.clone()))
            .collect(),
        lists: record
            .notes
            .iter()
            .enumerate()
            .filter(|(_, (note, _))| note.standing == Standing::Current)
            .filter_map(|(at, (_, extraction))| lists::table(&format!("note {}", at + 1), extraction.as_ref()?))
            .collect(),
        assigned: assigned_codes(entries)
            .into_iter()
            .map(|code| (code.to_owned(), title((vocabulary, edition), code).to_owned()))
            .collect(),
        edits: edits
            .iter()
            .map(|found| EditView {
                severity: found.edit.severity.as_str(),
                codes: found.edit.codes.join(", "),
                message: found.edit.message.clone(),
            })
            .collect(),
        hard_edits: edits.iter().any(|found| found.edit.severity == Severity::Hard),
        overrides: record
            .overrides
            .iter()
            .map(|event| {
                let reason = words::override_reason(override_reason(&event.detail));
                format!("{} · {} · {}", reason, event.actor.name, event.at.strftime("%Y-%m-%d %H:%M UTC"))
            })
            .collect(),
        override_reasons: OVERRIDE_REASONS.map(|reason| (reason, words::override_reason(reason))).into(),
        groups: groups.into(),
        aside_open: aside.iter().any(|(_, entry)| !entry.decisions.is_empty()),
        aside: aside.iter().map(|(at, entry)| views.view(*at, entry)).collect(),
        notes: notes.collect(),
        reasons: REJECT_REASONS.map(|reason| (reason, words::reject_reason(reason))).into(),
        kinds: [EntryKind::Diagnosis, EntryKind::Medication, EntryKind::Allergy]
            .map(|kind| (kind.as_str(), words::kind(kind)))
            .into(),
        systems: systems(EntryKind::Diagnosis),
        ..ItemPage::default()
    };
    page.alerts.sort_by_key(|(look, _)| *look != "warn");
    page
}

/// Whether an entry speaks of the patient as they are or were, so that it is charted or billed.
fn is_charted(entry: &ReviewEntry) -> bool {
    use crate::domain::MedicationStatus::{Absent, Hypothetical};
    match entry.kind {
        EntryKind::Medication => !matches!(entry.status, Some(Hypothetical | Absent)),
        EntryKind::Diagnosis | EntryKind::Allergy => entry.assertion.is_none_or(|assertion| assertion.is_affirmed()),
        EntryKind::NoKnownAllergies => true,
    }
}

fn label(at: usize, note: &Note) -> String {
    let kind = note.content.note_type.as_deref().map_or_else(|| "note".to_owned(), words::spaced);
    format!("note {} ({kind})", at + 1)
}

fn facts(item: &QueueItem, edition: String) -> Vec<(&'static str, String)> {
    let review = &item.record.item;
    let patient = review.patient.as_ref();
    let mut facts = Vec::new();
    let mut add = |label, value: Option<String>| facts.extend(value.map(|value| (label, value)));
    add("Record", patient.map(|patient| patient.id.clone()));
    add("Born", patient.and_then(|patient| patient.birth_date).map(|date| date.to_string()));
    add("Sex", patient.and_then(|patient| patient.sex.clone()));
    add("Encounter", review.encounter.clone());
    add("Class", Some(words::encounter_class(review.encounter_class).to_owned()));
    add("Facility", review.facility.clone());
    add("Department", review.department.clone());
    add("Confidentiality", review.restricted.then(|| "restricted".to_owned()));
    add("Codes", Some(edition));
    facts
}

fn note_view(note: &Note, extraction: Option<&Extraction>, marks: &[Mark], label: String) -> NoteView {
    let sections = extraction.map_or(&[][..], |extraction| &extraction.sections);
    let headings: Vec<Span> = sections.iter().filter_map(|section| section.title).collect();
    let about = [
        note.content.service_date.map(|date| date.to_string()),
        note.content.author.clone(),
        (!note.content.source.is_empty()).then(|| format!("from {}", note.content.source)),
    ];
    NoteView {
        id: note.id,
        label,
        about: about.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        status: words::standing(note.standing).or(match note.status {
            NoteStatus::Ready => None,
            NoteStatus::Pending => {
                Some("This note is still being read; its entries will appear when the page is loaded again.")
            }
            NoteStatus::Quarantined => Some("This note could not be read automatically; look for its entries yourself."),
        }),
        pieces: pieces(&note.content.text, &headings, marks),
    }
}

/// Where a coder who added the entry says that it stands, in bytes of its note.
fn added_at(record: &ItemRecord, entry: &ReviewEntry) -> Option<(Uuid, Span)> {
    entry.decisions.iter().find_map(|decision| match decision.kind {
        DecisionKind::Add { note_id: Some(id), start: Some(start), end: Some(end), .. } => {
            let (note, _) = record.notes.iter().find(|(note, _)| note.id == id)?;
            let map = OffsetMap::new(&note.content.text, OffsetUnit::Codepoint);
            map.to_bytes(Span::new(start, end)).map(|span| (id, span))
        }
        _ => None,
    })
}

/// The marks of each note.
fn marks(record: &ItemRecord, entries: &[ReviewEntry]) -> HashMap<Uuid, Vec<Mark>> {
    let mut marks: HashMap<Uuid, Vec<Mark>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let charted = if is_charted(entry) { "" } else { " uncharted" };
        let code = entry.codes.first().map_or_else(String::new, |code| format!(" · {}", code.code));
        let title = format!("{}: {}{code}", context(entry).unwrap_or_else(|| words::kind(entry.kind)), entry.display);
        let evidence = entry.evidence.iter().map(|(note, evidence)| (*note, Span::new(evidence.start, evidence.end)));
        for (place, (note, span)) in evidence.chain(added_at(record, entry)).enumerate() {
            marks.entry(note).or_default().push(Mark {
                span,
                look: format!("{} {}{charted}", entry.kind.as_str(), words::entry_state(entry.state)),
                title: title.clone(),
                anchor: anchor(at, place),
                entry: format!("e-{}", entry.id),
            });
        }
    }
    marks
}
