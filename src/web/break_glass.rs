//! `/break-glass`: opening one encounter that scope or clearance hides, and the list of such accesses for who looks at them afterwards.
//!
//! The form by an item's id is the same whether or not there is such an item: it tells nobody that there is one.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::Answer,
    label_words,
    notice::Notice,
    session::{Posted, Session},
    shell::{Refusal, Shell, missing, page},
    site_lists::Address,
    words,
};
use crate::{
    auth::Permission,
    domain::{BrokenGlass, GlassReason},
    service::{BreakGlassError, Encounter, Service},
};

/// The form.
#[derive(Template)]
#[template(path = "break_glass.html")]
pub(super) struct BreakGlassPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Where the form goes.
    pub action: String,
    /// Whether the encounter is named by the form, not by the address.
    pub names_it: bool,
    /// What was typed.
    pub form: GlassForm,
    /// The reasons, and whether one is chosen.
    pub reasons: Vec<(&'static str, &'static str, bool)>,
}

/// An access of the list.
#[derive(Debug, Clone)]
pub(super) struct AccessRow {
    /// Its id.
    pub id: Uuid,
    /// Who.
    pub who: String,
    /// The encounter.
    pub item: Uuid,
    /// When.
    pub when: String,
    /// Why.
    pub reason: &'static str,
    /// The same in their own words.
    pub words: String,
    /// Who looked at it and when; empty while nobody did.
    pub acknowledged: String,
}

/// The list.
#[derive(Template)]
#[template(path = "glass_accesses.html")]
pub(super) struct AccessesPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The accesses, those that nobody looked at first.
    pub accesses: Vec<AccessRow>,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct GlassForm {
    /// The system that sent the encounter.
    #[serde(default)]
    pub source: String,
    /// The encounter number.
    #[serde(default)]
    pub encounter: String,
    /// The record number of the patient.
    #[serde(default)]
    pub record: String,
    /// Why: a word of the list.
    #[serde(default)]
    pub reason: String,
    /// Why, in their own words.
    #[serde(default)]
    pub comment: String,
}

/// Nothing but the form token.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// The routes.
pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/break-glass", get(show).post(open))
        .route("/items/{id}/break-glass", get(show_of_item).post(open_item))
        .route("/break-glass/accesses", get(accesses))
        .route("/break-glass/accesses/{id}", post(acknowledge))
}

fn form_page(
    session: &Session,
    id: Option<Uuid>,
    (status, problem): (StatusCode, Option<String>),
    form: GlassForm,
) -> Result<Response, Refusal> {
    session.may(Permission::BreakGlass)?;
    let view = BreakGlassPage {
        shell: Shell::of(session),
        notice: problem.map(Notice::refusing),
        action: id.map_or_else(|| "/break-glass".to_owned(), |id| format!("/items/{id}/break-glass")),
        names_it: id.is_none(),
        reasons: GlassReason::ALL
            .map(|reason| (reason.as_str(), label_words::glass_reason(reason), reason.as_str() == form.reason))
            .into(),
        form,
    };
    Ok(page(status, &view))
}

/// `GET /break-glass`
async fn show(session: Session) -> Result<Response, Refusal> {
    form_page(&session, None, (StatusCode::OK, None), GlassForm::default())
}

/// `GET /items/{id}/break-glass`
async fn show_of_item(session: Session, id: Option<Path<Uuid>>) -> Result<Response, Refusal> {
    let Some(Path(id)) = id else { return Err(missing(&session)) };
    form_page(&session, Some(id), (StatusCode::OK, None), GlassForm::default())
}

/// `POST /break-glass`
async fn open(State(service): State<Arc<Service>>, Posted { session, form, .. }: Posted<GlassForm>) -> Answer {
    opened(&service, &session, None, form).await
}

/// `POST /items/{id}/break-glass`
async fn open_item(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<GlassForm>,
) -> Answer {
    opened(&service, &session, Some(id), form).await
}

async fn opened(service: &Service, session: &Session, id: Option<Uuid>, form: GlassForm) -> Answer {
    let user = session.may(Permission::BreakGlass)?;
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let encounter = match id {
        Some(id) => Encounter::Id(id),
        None => Encounter::Named {
            source: form.source.trim().to_owned(),
            number: given(&form.encounter),
            record: given(&form.record),
        },
    };
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let Ok(reason) = form.reason.parse::<GlassReason>() else {
        return form_page(session, id, (unprocessable, Some(text!("glass-problem-reason").to_owned())), form);
    };
    let (status, problem) = match service.break_glass(user, encounter, (reason, &form.comment)).await {
        Ok(access) => return Ok(Redirect::to(&format!("/items/{}", access.item_id)).into_response()),
        Err(BreakGlassError::InScope(item)) => return Ok(Redirect::to(&format!("/items/{item}")).into_response()),
        Err(BreakGlassError::Missing) => (StatusCode::NOT_FOUND, text!("glass-problem-missing")),
        Err(BreakGlassError::Several) => (unprocessable, text!("glass-problem-several")),
        Err(BreakGlassError::Words) => (unprocessable, text!("glass-problem-words")),
        Err(BreakGlassError::Store(error)) => return Err(error.into()),
    };
    form_page(session, id, (status, Some(problem.to_owned())), form)
}

/// `GET /break-glass/accesses`
async fn accesses(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    session.may(Permission::ReviewAccesses)?;
    let zone = &service.time_zone;
    let row = |access: BrokenGlass| AccessRow {
        id: access.id,
        who: access.by.1,
        item: access.item_id,
        when: words::moment(access.at, zone),
        reason: label_words::glass_reason(access.reason),
        words: access.words,
        acknowledged: access
            .acknowledged
            .map_or_else(String::new, |(by, at)| text!("glass-looked-at", name = by, time = words::moment(at, zone))),
    };
    let accesses = service.broken_glasses().await?.into_iter().map(row).collect();
    service
        .store
        .record_audit(crate::service::actor(&session.user), "access.listed", None, "", service.surroundings.now())
        .await?;
    Ok(page(StatusCode::OK, &AccessesPage { shell: Shell::of(&session), notice: address.notice(), accesses }))
}

/// `POST /break-glass/accesses/{id}`
async fn acknowledge(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, .. }: Posted<Nothing>,
) -> Answer {
    let user = session.may(Permission::ReviewAccesses)?;
    if !service.acknowledge_access(user, id).await? {
        return Err(missing(&session));
    }
    Ok(Redirect::to("/break-glass/accesses?notice=saved").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_shown_again_and_escaped() {
        let hostile = "<script>\"&'".to_owned();
        let form = GlassForm {
            source: hostile.clone(),
            encounter: hostile.clone(),
            record: hostile.clone(),
            reason: "deadline".to_owned(),
            comment: hostile.clone(),
        };
        let mut view = BreakGlassPage {
            shell: Shell::default(),
            notice: Some(Notice::refusing(hostile.clone())),
            action: "/break-glass".to_owned(),
            names_it: true,
            form,
            reasons: vec![("deadline", "a", true), ("other", "b", false)],
        };
        let html = view.render().expect("renders");
        assert!(!html.contains("<script>\""), "{html}");
        assert!(html.contains("role=\"alert\"") && html.contains("value=\"deadline\" selected"), "{html}");
        assert!(html.contains("name=\"record\""));
        view.names_it = false;
        assert!(!view.render().expect("renders").contains("name=\"record\""), "an id in the address names it");
        let list = AccessesPage {
            shell: Shell::default(),
            notice: None,
            accesses: vec![AccessRow {
                id: Uuid::nil(),
                who: hostile.clone(),
                item: Uuid::nil(),
                when: String::new(),
                reason: "a",
                words: hostile,
                acknowledged: String::new(),
            }],
        };
        assert!(!list.render().expect("renders").contains("<script>\""));
    }
}
