//! What the forms of an item do: claim, decide, add, finish. Each answers with the way back to the page.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, de::value::StrDeserializer};
use uuid::Uuid;

use super::{
    conflict::{self, Attempt},
    entry::title,
    item,
    notice::lookup,
    session::{Posted, Session},
    shell::{Refusal, missing},
    words,
};
use crate::{
    auth::Permission,
    domain::{
        Assertion, Attribute, Attributes, ChosenCode, DecisionKind, EntryKind, MedicationStatus, ReviewEntry, Span, system,
    },
    pipeline::{one_line, sig},
    review::{CodeProblem, DecisionError, code_day},
    service::{DecideError, Service},
    store::{ItemChange, ItemRecord},
    vocabulary::{Edition, Vocabulary},
};

pub(super) type Answer = Result<Response, Refusal>;
/// Why a form is not taken: a word of [`super::notice`].
type Problem = &'static str;

/// Reads directions behind the name of a drug.
type Read<'a> = dyn Fn(&str, &str) -> Attributes + 'a;

/// What titles the codes of an item.
type Titles<'a> = (&'a Vocabulary, &'a Edition);

/// Why a change was not made.
enum NotDone {
    /// A word of [`super::notice`].
    Word(Problem),
    /// A sentence that names codes, which an address must not.
    Said(String),
}

/// The form of a change of the whole item.
#[derive(Deserialize)]
pub(super) struct ItemForm {
    #[serde(default)]
    revision: String,
    /// Why hard edits may stand; empty = no reason chosen.
    #[serde(default)]
    override_edits: String,
}

/// The form of a decision on one entry.
#[derive(Deserialize)]
pub(super) struct DecisionForm {
    /// Not empty: the item is claimed first.
    #[serde(default)]
    claim: String,
    entry: Uuid,
    action: String,
    #[serde(default)]
    revision: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    comment: String,
    /// Index of an offered code; empty = none.
    #[serde(default)]
    choice: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    code: String,
    /// Assertion or status; empty = as it is.
    #[serde(default)]
    context: String,
    /// Directions of a medication in one line; none where the form has no such field.
    directions: Option<String>,
    /// Reactions to an allergen, with semicolons between; none where the form has no such field.
    reactions: Option<String>,
    #[serde(default)]
    severity: String,
    /// `allergy` or `intolerance`; empty = not known.
    #[serde(default)]
    allergy_type: String,
    /// What a diagnosis is to the encounter; empty = as it is.
    #[serde(default)]
    role: String,
    #[serde(default)]
    present_on_admission: String,
    #[serde(default)]
    sequence: String,
}

/// The form of an addition.
#[derive(Deserialize)]
pub(super) struct AddForm {
    /// Not empty: the item is claimed first.
    #[serde(default)]
    claim: String,
    kind: EntryKind,
    #[serde(default)]
    revision: String,
    #[serde(default)]
    display: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    comment: String,
    /// The note in which the words were selected; empty = no words were.
    #[serde(default)]
    note: String,
    /// Where they stand: characters of the text as a page has it, in which a line ends with a line feed alone.
    #[serde(default)]
    start: String,
    #[serde(default)]
    end: String,
}

/// `POST /items/{id}/claim`
pub(super) async fn claim(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, .. }: Posted<ItemForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    let done = service.claim(user, id).await;
    answer(&session, id, done, &format!("/items/{id}?notice=claimed"))
}

/// `POST /items/{id}/finish`
pub(super) async fn finish(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<ItemForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    let reason = Some(form.override_edits.as_str()).filter(|reason| !reason.is_empty());
    let done = service.finish(user, id, form.revision.parse().ok(), reason).await;
    answer(&session, id, done, "/queue?notice=finished")
}

/// `POST /items/{id}/decide`
pub(super) async fn decide(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, fields, live }: Posted<DecisionForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    let revision = claim_first(&service, &session, id, (&form.claim, &form.revision)).await;
    let (record, entries) = service.open_item(user, id).await?.ok_or_else(|| missing(&session))?;
    let pipeline = service.engine.pipeline();
    let titles = titles(pipeline.vocabulary(), &record);
    let Some(entry) = entries.iter().find(|entry| entry.id == form.entry) else {
        return Ok(back(id, "unknown_entry", None));
    };
    let read = |drug: &str, words: &str| pipeline.directions(drug, words);
    let kind = match decision((titles, &read), entry, &form) {
        Ok(kind) => kind,
        Err(problem) => return Ok(back(id, problem, Some(form.entry))),
    };
    let notice = match kind {
        DecisionKind::Accept { .. } => "accepted",
        DecisionKind::Amend { .. } => "amended",
        DecisionKind::Reject { .. } => "rejected",
        DecisionKind::Add { .. } => "added",
        DecisionKind::Designate { .. } => "designated",
        DecisionKind::Withdraw {} => "withdrawn",
    };
    let attempt = Attempt { entry: Some(form.entry), kind: &kind, form: "decide", fields: &fields };
    decided(&service, &session, id, (&attempt, revision, notice, live)).await
}

/// `POST /items/{id}/add`
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, fields, live }: Posted<AddForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    let revision = claim_first(&service, &session, id, (&form.claim, &form.revision)).await;
    let display = form.display.trim().to_owned();
    if display.is_empty() {
        return Ok(back(id, "name_missing", None));
    }
    let (record, _) = service.open_item(user, id).await?.ok_or_else(|| missing(&session))?;
    let pipeline = service.engine.pipeline();
    let code = typed_code(titles(pipeline.vocabulary(), &record), form.kind, (&form.system, &form.code), &display);
    let place = match selected(&record, &form) {
        Ok(place) => place,
        Err(problem) => return Ok(back(id, problem, None)),
    };
    let kind = DecisionKind::Add {
        kind: form.kind,
        display,
        codes: code.into_iter().collect(),
        assertion: matches!(form.kind, EntryKind::Diagnosis | EntryKind::Allergy).then_some(Assertion::Present),
        status: (form.kind == EntryKind::Medication).then_some(MedicationStatus::Active),
        note_id: place.map(|(note, _)| note),
        start: place.map(|(_, span)| span.start),
        end: place.map(|(_, span)| span.end),
        comment: filled(&form.comment),
    };
    let attempt = Attempt { entry: None, kind: &kind, form: "add", fields: &fields };
    decided(&service, &session, id, (&attempt, revision, "added", live)).await
}

/// Takes the item where a form says so, the answer to a claim that ran out; the revision that the form expects after it. Whether it succeeded
/// shows when the form is used.
async fn claim_first(service: &Service, session: &Session, id: Uuid, (claim, revision): (&str, &str)) -> Option<u64> {
    let expected: Option<u64> = revision.parse().ok();
    if claim.is_empty() {
        return expected;
    }
    match service.claim(&session.user, id).await {
        // the claim itself makes the revision grow; more than that is another's doing
        Ok(ItemChange::Done { revision }) => {
            expected.map(|expected| if revision == expected + 1 { revision } else { expected })
        }
        Err(DecideError::Store(error)) => {
            tracing::warn!(%error, "an item could not be claimed");
            expected
        }
        _ => expected,
    }
}

/// Hands a decision in, and renews the claim.
async fn decided(
    service: &Service,
    session: &Session,
    id: Uuid,
    (attempt, revision, notice, live): (&Attempt<'_>, Option<u64>, &str, bool),
) -> Answer {
    let done = service.decide(&session.user, id, vec![(attempt.entry, attempt.kind.clone())], revision).await;
    let kept = matches!(done, Ok((ItemChange::Done { .. }, _)));
    // what follows a decision is written while the parts that it changed are made
    let after = async {
        if kept {
            renew(service, session, id).await;
            remember(service, session, attempt.kind).await;
        }
    };
    let answer = told(service, session, id, (attempt, notice, live), done);
    tokio::join!(answer, after).0
}

/// The answer to a decision that was handed in.
async fn told(
    service: &Service,
    session: &Session,
    id: Uuid,
    (attempt, notice, live): (&Attempt<'_>, &str, bool),
    done: Result<(ItemChange, Vec<Uuid>), DecideError>,
) -> Answer {
    let entry = attempt.entry;
    if let Ok((change, _)) = &done
        && let Some(page) = conflict::show(service, session, id, (change, attempt)).await?
    {
        return Ok(page);
    }
    let mut at = entry;
    let made = revision_of(&done);
    let done = done.map(|(change, ids)| {
        at = ids.first().copied().or(entry);
        change
    });
    match problem_of(done)? {
        Ok(()) if live => {
            item::parts(service, session, id, (&at.into_iter().collect::<Vec<_>>(), made, lookup(Some(notice), None))).await
        }
        Ok(()) => Ok(to(&format!("/items/{id}?notice={notice}"), at)),
        Err(NotDone::Word("missing")) => Err(missing(session)),
        Err(NotDone::Word(problem)) => Ok(back(id, problem, entry)),
        Err(NotDone::Said(why)) => item::refused(service, session, id, why).await,
    }
}

/// The revision that decisions made; nought where they made none.
const fn revision_of(done: &Result<(ItemChange, Vec<Uuid>), DecideError>) -> u64 {
    match done {
        Ok((ItemChange::Done { revision }, _)) => *revision,
        _ => 0,
    }
}

/// Keeps the codes that a coder chose at hand. A failure costs nothing but that.
async fn remember(service: &Service, session: &Session, kind: &DecisionKind) {
    let (DecisionKind::Amend { codes, .. } | DecisionKind::Add { codes, .. }) = kind else { return };
    if codes.is_empty() {
        return;
    }
    if let Err(error) = service.arrange(&session.user, |own| own.used(codes)).await {
        tracing::warn!(%error, "codes used last could not be kept");
    }
}

/// What became of decisions on several entries: the word of the notice where some were made, and where there were none to make.
pub(super) async fn decided_many(
    service: &Service,
    session: &Session,
    id: Uuid,
    done: Result<(ItemChange, Vec<Uuid>), DecideError>,
    (made, none, live): (&str, Problem, bool),
) -> Answer {
    let mut entries = Vec::new();
    let revision = revision_of(&done);
    let done = done.map(|(change, ids)| {
        entries = ids;
        change
    });
    match problem_of(done)? {
        Ok(()) if entries.is_empty() => Ok(back(id, none, None)),
        Ok(()) => {
            renew(service, session, id).await;
            if live {
                return item::parts(service, session, id, (&entries, revision, lookup(Some(made), None))).await;
            }
            Ok(to(&format!("/items/{id}?notice={made}"), entries.first().copied()))
        }
        Err(NotDone::Word("missing")) => Err(missing(session)),
        Err(NotDone::Word(problem)) => Ok(back(id, problem, None)),
        Err(NotDone::Said(why)) => item::refused(service, session, id, why).await,
    }
}

/// Renews the claim: a coder who decides is at work.
async fn renew(service: &Service, session: &Session, id: Uuid) {
    if let Err(error) = service.renew(&session.user, id).await {
        tracing::warn!(%error, "a claim could not be renewed");
    }
}

/// The way on after a change, or back with what was wrong.
pub(super) fn answer(session: &Session, id: Uuid, done: Result<ItemChange, DecideError>, next: &str) -> Answer {
    match problem_of(done)? {
        Ok(()) => Ok(to(next, None)),
        Err(NotDone::Word("missing")) => Err(missing(session)),
        Err(NotDone::Word(problem)) => Ok(back(id, problem, None)),
        Err(NotDone::Said(_)) => Ok(back(id, "invalid", None)),
    }
}

/// What was wrong; the outer error is a failure of the store.
fn problem_of(done: Result<ItemChange, DecideError>) -> Result<Result<(), NotDone>, Refusal> {
    let word = match done {
        Ok(ItemChange::Done { .. }) => return Ok(Ok(())),
        Ok(ItemChange::HeldBy { .. }) => "held",
        Ok(ItemChange::NotHeld) => "not_held",
        Ok(ItemChange::Finished) => "already_finished",
        Ok(ItemChange::AssignedTo { .. }) => "assigned_to_other",
        Ok(ItemChange::ForLeads) => "for_leads",
        Ok(ItemChange::ForTeam { .. }) => "for_team",
        Ok(ItemChange::Pending { .. }) => "pending",
        Ok(ItemChange::Stale { .. }) => "stale",
        Ok(ItemChange::Missing) | Err(DecideError::Missing) => "missing",
        Err(DecideError::Undecided(_)) => "undecided",
        Err(DecideError::HardEdits(_) | DecideError::UnknownReason) => "hard_edits",
        Err(DecideError::Unacceptable(_)) => "reason_missing",
        Err(DecideError::Decision(DecisionError::UnknownEntry(_))) => "unknown_entry",
        Err(DecideError::Decision(DecisionError::Code { problem: CodeProblem::Unknown { .. }, .. })) => "code_unknown",
        Err(DecideError::Decision(DecisionError::Code { problem, .. })) => {
            return Ok(Err(NotDone::Said(text!("problem-code", problem = problem.to_string()))));
        }
        Err(DecideError::Decision(DecisionError::Invalid(_))) => "invalid",
        Err(DecideError::Store(error)) => return Err(error.into()),
    };
    Ok(Err(NotDone::Word(word)))
}

/// What titles the codes of an item: the edition of its day.
fn titles<'a>(vocabulary: &'a Vocabulary, record: &ItemRecord) -> Titles<'a> {
    (vocabulary, vocabulary.editions.on(code_day(record)).0)
}

pub(super) fn back(id: Uuid, problem: Problem, entry: Option<Uuid>) -> Response {
    to(&format!("/items/{id}?problem={problem}"), entry)
}

pub(super) fn to(address: &str, entry: Option<Uuid>) -> Response {
    let place = entry.map_or_else(String::new, |entry| format!("#e-{entry}"));
    Redirect::to(&format!("{address}{place}")).into_response()
}

/// The decision that a form makes.
fn decision(
    (titles, read): (Titles<'_>, &Read<'_>),
    entry: &ReviewEntry,
    form: &DecisionForm,
) -> Result<DecisionKind, Problem> {
    match form.action.as_str() {
        "accept" => Ok(DecisionKind::Accept { bulk: false }),
        "withdraw" => Ok(DecisionKind::Withdraw {}),
        "reject" if form.reason.is_empty() => Err("reason_missing"),
        "reject" => Ok(DecisionKind::Reject { reason: form.reason.clone(), comment: filled(&form.comment) }),
        "amend" => amendment(titles, entry, form, read),
        "designate" => designation(form),
        _ => Err("invalid"),
    }
}

/// A typed code wins over a chosen one: typing is the later, more deliberate act.
fn amendment(titles: Titles<'_>, entry: &ReviewEntry, form: &DecisionForm, read: &Read<'_>) -> Result<DecisionKind, Problem> {
    let typed = typed_code(titles, entry.kind, (&form.system, &form.code), &entry.display);
    let codes = match (typed, form.choice.parse::<usize>()) {
        (Some(code), _) => vec![code],
        (None, Ok(choice)) => chosen_codes(titles, entry, choice),
        (None, Err(_)) => Vec::new(),
    };
    let (mut assertion, mut status) = (None, None);
    if !form.context.is_empty() {
        match entry.kind {
            EntryKind::Medication => status = Some(word(&form.context).ok_or("invalid")?),
            EntryKind::Diagnosis | EntryKind::Allergy => assertion = Some(word(&form.context).ok_or("invalid")?),
            EntryKind::NoKnownAllergies => return Err("invalid"),
        }
    }
    let attributes = attributes(entry, form, read).map(Box::new);
    if codes.is_empty() && assertion.is_none() && status.is_none() && attributes.is_none() {
        return Err("nothing_changed");
    }
    Ok(DecisionKind::Amend { codes, assertion, status, attributes, comment: filled(&form.comment) })
}

/// The attributes as the form has them, where they are others than the entry's.
fn attributes(entry: &ReviewEntry, form: &DecisionForm, read: &Read<'_>) -> Option<Attributes> {
    let typed = |text: &str| Attribute { text: text.trim().to_owned(), start: 0, end: 0, value: None };
    match (entry.kind, &form.directions, &form.reactions) {
        (EntryKind::Medication, Some(directions), _) => {
            (one_line(directions) != sig(&entry.attributes)).then(|| {
                let before = &entry.attributes;
                let read = read(&entry.display, &one_line(directions));
                // what the line has no words for stays
                Attributes {
                    indication: read.indication.or_else(|| before.indication.clone()),
                    quantity: read.quantity.or_else(|| before.quantity.clone()),
                    refills: read.refills.or_else(|| before.refills.clone()),
                    change: read.change.or_else(|| before.change.clone()),
                    ..read
                }
            })
        }
        (EntryKind::Allergy, _, Some(reactions)) => {
            let reactions = reactions.split(';').map(str::trim).filter(|one| !one.is_empty());
            let changed = Attributes {
                reactions: reactions.map(typed).collect(),
                severity: filled(&form.severity).map(|word| typed(&word)),
                allergy_type: filled(&form.allergy_type),
                criticality: entry.attributes.criticality.clone(),
                category: entry.attributes.category.clone(),
                ..Attributes::default()
            };
            let words = |attributes: &Attributes| {
                let folded = |one: &Attribute| one_line(&one.text).to_lowercase();
                let reactions: Vec<String> = attributes.reactions.iter().map(folded).collect();
                (reactions, attributes.severity.as_ref().map(folded), attributes.allergy_type.clone())
            };
            (words(&changed) != words(&entry.attributes)).then_some(changed)
        }
        _ => None,
    }
}

/// What a diagnosis is to the encounter.
fn designation(form: &DecisionForm) -> Result<DecisionKind, Problem> {
    let sequence = match filled(&form.sequence) {
        None => None,
        Some(typed) => Some(typed.parse().map_err(|_| "invalid")?),
    };
    let (role, present_on_admission) = (word(&form.role), word(&form.present_on_admission));
    if role.is_none() && present_on_admission.is_none() && sequence.is_none() {
        return Err("nothing_designated");
    }
    Ok(DecisionKind::Designate { role, present_on_admission, sequence })
}

/// The selected words in code points of their note; none when nothing was selected.
fn selected(record: &ItemRecord, form: &AddForm) -> Result<Option<(Uuid, Span)>, Problem> {
    if form.note.is_empty() {
        return Ok(None);
    }
    let note = record.notes.iter().map(|(note, _)| note).find(|note| note.id.to_string() == form.note).ok_or("invalid")?;
    let (Ok(start), Ok(end)) = (form.start.parse(), form.end.parse()) else { return Err("invalid") };
    let place = of_page(&note.content.text, Span::new(start, end)).ok_or("invalid")?;
    Ok(Some((note.id, place)))
}

/// Characters of a text as a page has it, where every line ends with a line feed alone, in code points of the text as it is.
fn of_page(text: &str, shown: Span) -> Option<Span> {
    let mut before = None;
    let mut seen = 0;
    let mut starts: Vec<usize> = Vec::new();
    for (at, letter) in text.chars().enumerate() {
        // CR LF is shown as one line feed, a CR by itself as another
        if !(letter == '\n' && before == Some('\r')) {
            starts.push(at);
        }
        before = Some(letter);
        seen = at + 1;
    }
    starts.push(seen);
    let (start, end) = (*starts.get(shown.start)?, *starts.get(shown.end)?);
    (start < end).then(|| Span::new(start, end))
}

/// An offered code with those that must stand beside it.
fn chosen_codes(titles: Titles<'_>, entry: &ReviewEntry, choice: usize) -> Vec<ChosenCode> {
    let Some(candidate) = entry.codes.get(choice) else { return Vec::new() };
    let first =
        ChosenCode { system: candidate.system.clone(), code: candidate.code.clone(), display: candidate.display.clone() };
    let beside = candidate.with.iter().map(|code| ChosenCode {
        system: candidate.system.clone(),
        code: code.clone(),
        display: title(titles, code).to_owned(),
    });
    std::iter::once(first).chain(beside).collect()
}

/// A code as typed; none when nothing was typed. Whether it may stand is for the review to say.
fn typed_code(titles: Titles<'_>, kind: EntryKind, (code_system, typed): (&str, &str), display: &str) -> Option<ChosenCode> {
    if typed.trim().is_empty() {
        return None;
    }
    let code_system = [system::ICD10CM, system::RXNORM, system::SNOMED]
        .into_iter()
        .find(|known| *known == code_system)
        .unwrap_or_else(|| words::home_system(kind));
    let code = words::tidy_code(code_system, typed);
    let display = if code_system == system::ICD10CM { title(titles, &code) } else { display }.to_owned();
    Some(ChosenCode { system: code_system.to_owned(), code, display })
}

/// A word of the contract.
fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    T::deserialize(StrDeserializer::<serde::de::value::Error>::new(text)).ok()
}

/// A comment, when one was typed.
pub(super) fn filled(comment: &str) -> Option<String> {
    let comment = comment.trim();
    (!comment.is_empty()).then(|| comment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_selected_on_a_page_is_found_in_the_text() {
        let text = "Zoë\r\nhas 🫀 failure\rand\ngout";
        for words in ["has", "🫀", "failure", "gout", "Zoë"] {
            let shown = text.replace("\r\n", "\n").replace('\r', "\n");
            let at = shown.find(words).map(|byte| shown[..byte].chars().count()).expect("stands there");
            let place = of_page(text, Span::new(at, at + words.chars().count())).expect("is found");
            assert_eq!(text.chars().skip(place.start).take(place.end - place.start).collect::<String>(), words);
        }
        assert_eq!(of_page(text, Span::new(3, 3)), None);
        assert_eq!(of_page(text, Span::new(3, 99)), None);
    }
}
