//! What saves a coder steps: accepting together, undoing, codes while one types.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    change::{Answer, decided_many},
    codes::cut,
    session::Posted,
    shell::failed,
};
use crate::{
    auth::Permission,
    domain::EntryKind,
    service::{Service, find_codes},
    vocabulary::FoundBy,
};

/// Codes offered while one types.
const OFFERED: usize = 8;

/// The form that accepts together.
#[derive(Deserialize)]
pub(super) struct TogetherForm {
    kind: EntryKind,
    #[serde(default)]
    revision: String,
    /// Ids of the entries whose words were on the screen, with a comma between.
    #[serde(default)]
    seen: String,
}

/// The form that undoes.
#[derive(Deserialize)]
pub(super) struct UndoForm {
    #[serde(default)]
    revision: String,
}

/// `POST /items/{id}/accept-together`
pub(super) async fn accept_together(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, live, .. }: Posted<TogetherForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    let seen: Vec<Uuid> = form.seen.split(',').filter_map(|id| id.trim().parse().ok()).collect();
    let done = service.accept_together(user, id, (form.kind, &seen), form.revision.parse().ok()).await;
    decided_many(&service, &session, id, done, ("accepted_together", "none_together", live)).await
}

/// `POST /items/{id}/undo`
pub(super) async fn undo(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, live, .. }: Posted<UndoForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    let done = service.undo(user, id, form.revision.parse().ok()).await;
    decided_many(&service, &session, id, done, ("withdrawn", "nothing_to_undo", live)).await
}

/// What is typed so far. In a form and not in an address, which others may log: it may be words of a note.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    query: String,
    /// The edition of the encounter's day.
    #[serde(default)]
    edition: String,
}

/// A code that may be meant.
#[derive(Serialize)]
struct Offer {
    code: String,
    title: String,
    /// The words that found it, where they are not the title.
    matched: String,
}

/// `POST /codes/offers`: codes for what is typed, best first.
pub(super) async fn offers(
    State(service): State<Arc<Service>>,
    Posted { session, form: mut typed, .. }: Posted<Typed>,
) -> Answer {
    session.may(Permission::ListItems)?;
    cut(&mut typed.query);
    if typed.query.trim().is_empty() {
        return Ok(Json(Vec::<Offer>::new()).into_response());
    }
    let found = tokio::task::spawn_blocking(move || {
        let pipeline = service.engine.pipeline();
        let hits = find_codes(&pipeline, &typed.query, OFFERED * 3);
        // what cannot stand on a claim of that day is found in the code book
        let editions = &pipeline.vocabulary().editions;
        let edition = editions.all().find(|one| one.name == typed.edition).unwrap_or_else(|| editions.newest());
        let may_stand = hits.into_iter().filter(|hit| {
            hit.found_by != FoundBy::PartOfWords && edition.codes.lookup(&hit.code.code).is_some_and(|code| code.billable)
        });
        let offers = may_stand.take(OFFERED).map(|hit| Offer {
            code: hit.code.code.clone(),
            title: hit.code.title.clone(),
            matched: if hit.matched.eq_ignore_ascii_case(&hit.code.title) { String::new() } else { hit.matched.to_owned() },
        });
        offers.collect::<Vec<_>>()
    });
    Ok(Json(found.await.map_err(|_| failed())?).into_response())
}
