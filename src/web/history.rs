//! `/items/{id}/history`: who did what with an encounter, from its arrival on; and `/items/{id}/compare/{note}`: what a version of a note
//! changed.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use jiff::Timestamp;
use similar::{ChangeTag, TextDiff};
use uuid::Uuid;

use super::{
    entry::decision,
    session::Session,
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{auth::Permission, service::Service};

/// One line of the history.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    at: Timestamp,
    /// When, in words.
    pub moment: String,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
}

/// The history.
#[derive(Template)]
#[template(path = "history.html")]
pub(super) struct HistoryPage {
    /// The frame.
    pub shell: Shell,
    /// The item.
    pub id: Uuid,
    /// The patient.
    pub patient: String,
    /// What happened, oldest first.
    pub events: Vec<Happened>,
}

/// `GET /items/{id}/history`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let (item, trail) = service.history(user, id).await?.ok_or_else(|| missing(&session))?;
    let reasons = service.site_reasons().await?;
    let zone = &service.time_zone;
    let happened =
        |at: Timestamp, who: &str, what: String| Happened { at, moment: words::moment(at, zone), who: who.to_owned(), what };
    let mut events: Vec<Happened> = Vec::new();
    for one in &item.record.decisions {
        let entry = item.entries.iter().find(|entry| entry.id == one.entry_id);
        let name = entry.map_or(text!("history-an-entry"), |entry| entry.display.as_str());
        events.push(happened(
            one.at,
            &one.user_name,
            text!("history-decision", entry = name, decision = decision(&one.kind, &reasons)),
        ));
    }
    for remark in &item.record.remarks {
        events.push(happened(remark.at, &remark.by, words::remark(remark, &reasons, zone)));
    }
    for event in &trail {
        let note = event.subject_id.and_then(|id| item.record.notes.iter().position(|(note, _)| note.id == id));
        if let Some(what) = words::event(&event.action, note.map(|at| at + 1)) {
            events.push(happened(event.at, &event.actor.name, what));
        }
    }
    // stable: what happened at one instant stays in the order in which it was told
    events.sort_by_key(|event| event.at);
    let patient = item.record.item.patient.as_ref();
    let view =
        HistoryPage { shell: Shell::of(&session), id, patient: patient.map_or_else(String::new, words::patient), events };
    Ok(page(StatusCode::OK, &view))
}

/// A stretch of the text, and whether the later version has it (`new`), lacks it (`old`) or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// `new`, `old` or nothing.
    pub look: &'static str,
    /// The words.
    pub text: String,
}

/// Two versions of a note as one text.
#[derive(Template)]
#[template(path = "compare.html")]
pub(super) struct ComparePage {
    /// The frame.
    pub shell: Shell,
    /// The item.
    pub id: Uuid,
    /// Which versions.
    pub versions: String,
    /// The text.
    pub stretches: Vec<Stretch>,
}

/// What the later version changed, by words; neighbours of one look are one stretch.
pub(super) fn compared(before: &str, after: &str) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for change in TextDiff::from_words(before, after).iter_all_changes() {
        let look = match change.tag() {
            ChangeTag::Equal => "",
            ChangeTag::Insert => "new",
            ChangeTag::Delete => "old",
        };
        match stretches.last_mut().filter(|last| last.look == look) {
            Some(last) => last.text.push_str(change.value()),
            None => stretches.push(Stretch { look, text: change.value().to_owned() }),
        }
    }
    stretches
}

/// `GET /items/{id}/compare/{note}`: a version of a note and the one before it.
pub(super) async fn compare(
    State(service): State<Arc<Service>>,
    session: Session,
    Path((id, note)): Path<(Uuid, Uuid)>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let item = service.item(user, id).await?.ok_or_else(|| missing(&session))?;
    let notes = &item.record.notes;
    let at = notes.iter().position(|(one, _)| one.id == note).ok_or_else(|| missing(&session))?;
    let before = super::item_view::version_before(&item.record, at, &notes[at].0).ok_or_else(|| missing(&session))?;
    let earlier = notes.iter().position(|(one, _)| one.id == before).ok_or_else(|| missing(&session))?;
    let texts = (notes[earlier].0.content.text.clone(), notes[at].0.content.text.clone());
    let stretches =
        tokio::task::spawn_blocking(move || compared(&texts.0, &texts.1)).await.map_err(|_| super::shell::failed())?;
    let view = ComparePage {
        shell: Shell::of(&session),
        id,
        versions: text!("compare-notes", later = words::note(at), earlier = words::note(earlier)),
        stretches,
    };
    Ok(page(StatusCode::OK, &view))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_told_apart() {
        let drawn: Vec<(&str, String)> = compared("Lisinopril 10 mg daily.", "Lisinopril 20 mg daily.")
            .into_iter()
            .map(|one| (one.look, one.text))
            .collect();
        assert_eq!(
            drawn,
            [("", "Lisinopril ".to_owned()), ("old", "10".to_owned()), ("new", "20".to_owned()), ("", " mg daily.".to_owned())]
        );
    }

    proptest! {
        #[test]
        fn both_texts_stand_in_it(before in "\\PC{0,60}", after in "\\PC{0,60}") {
            let stretches = compared(&before, &after);
            let without = |look: &str| stretches.iter().filter(|one| one.look != look).map(|one| one.text.as_str()).collect::<String>();
            prop_assert_eq!(without("new"), before);
            prop_assert_eq!(without("old"), after);
        }
    }
}
