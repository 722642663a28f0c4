//! What concerns the user who looks at an item, and changes nothing of the encounter: seen notes, hidden suggestions, the sign of life that
//! keeps a claim, and the codes to take along.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    change::{Answer, to},
    csv_cell::cell,
    entry::title,
    item_view::present_of,
    session::{Posted, Session},
    shell::missing,
    words::{self, Holder},
};
use crate::{
    auth::Permission,
    domain::{EncounterClass, ItemState},
    review::{assigned_codes, code_day},
    service::{DecideError, Service},
    store::ItemChange,
};

/// The form that hides an entry.
#[derive(Deserialize)]
pub(super) struct HideForm {
    entry: Uuid,
}

/// `POST /items/{id}/hide`
pub(super) async fn hide(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<HideForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    service.open_item(user, id).await?.ok_or_else(|| missing(&session))?;
    service.arrange(user, |own| own.toggle_hidden(form.entry)).await?;
    Ok(to(&format!("/items/{id}"), None))
}

/// The notes that were on the screen.
#[derive(Deserialize)]
pub(super) struct SeenForm {
    /// Ids with commas between.
    #[serde(default)]
    notes: String,
}

/// Ids with commas between; what is no id is left out.
pub(super) fn ids(text: &str) -> Vec<Uuid> {
    text.split(',').filter_map(|id| id.trim().parse().ok()).collect()
}

/// `POST /items/{id}/seen`
pub(super) async fn seen(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<SeenForm>,
) -> Answer {
    let user = session.may(Permission::ListItems)?;
    match service.see_notes(user, id, ids(&form.notes)).await {
        Ok(()) => Ok(Json(serde_json::json!({})).into_response()),
        Err(DecideError::Store(error)) => Err(error.into()),
        Err(_) => Err(missing(&session)),
    }
}

/// A sign of life.
#[derive(Deserialize)]
pub(super) struct HeartbeatForm {
    /// Not empty: the user did something since the last one, so the claim is renewed.
    #[serde(default)]
    active: String,
}

/// How it stands with an item.
#[derive(Serialize)]
struct Heartbeat {
    /// Whether the user holds it.
    held: bool,
    /// Who does, and until when, as the page says it.
    holder: String,
    /// Its revision: another one than the page's means that there is something new to see.
    revision: u64,
}

/// `POST /items/{id}/heartbeat`: renews the claim of a user who is at work, and says how it stands.
pub(super) async fn heartbeat(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<HeartbeatForm>,
) -> Answer {
    let user = session.may(Permission::ListItems)?;
    let item = |record: crate::store::ItemRecord| record.item;
    let (before, _) = service.open_item(user, id).await?.ok_or_else(|| missing(&session))?;
    let mut now = item(before);
    let holds = |item: &crate::domain::ReviewItem| {
        item.state == ItemState::Claimed && item.claimed_by.as_ref().is_some_and(|(holder, _)| *holder == user.id)
    };
    // only what is held is renewed: a lost claim is taken again by a button, not by a clock
    if holds(&now) && !form.active.is_empty() {
        match service.claim(user, id).await {
            Ok(ItemChange::Done { .. }) => now = item(service.open_item(user, id).await?.ok_or_else(|| missing(&session))?.0),
            Ok(_) => {}
            Err(DecideError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(missing(&session)),
        }
    }
    let held = holds(&now);
    let until = now.claimed_until.map(|until| words::clock(until, &service.time_zone));
    let holder = match (&now.claimed_by, until) {
        (Some((_, name)), until @ Some(_)) => words::holder(if held { Holder::You } else { Holder::Other(name) }, until),
        _ => String::new(),
    };
    Ok(Json(Heartbeat { held, holder, revision: now.revision }).into_response())
}

/// `GET /items/{id}/codes.csv`: the codes of the encounter in the order of the claim.
pub(super) async fn codes_csv(State(service): State<Arc<Service>>, session: Session, Path(id): Path<Uuid>) -> Answer {
    let user = session.may(Permission::ListItems)?;
    // what is read under broken glass is not taken along
    let item = service.item(user, id).await?.filter(|item| item.glass.is_none()).ok_or_else(|| missing(&session))?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let (edition, _) = vocabulary.editions.on(code_day(&item.record));
    let inpatient = item.record.item.encounter_class == Some(EncounterClass::Inpatient);
    let mut out = csv::Writer::from_writer(Vec::new());
    let failed = |_| super::shell::failed();
    // no cell of a code or title begins a formula, and one of a site's own table must not
    out.write_record(["place", "code", "title", "role", "present_on_admission"]).map_err(failed)?;
    for (at, one) in assigned_codes(&item.entries).iter().enumerate() {
        let role = one.designation.role.map_or("", |role| role.as_str());
        let present = present_of(vocabulary, inpatient, one).map_or("", |present| present.letter());
        let title = title((vocabulary, edition), one.code);
        out.write_record([&(at + 1).to_string(), &*cell(one.code), &*cell(title), role, present]).map_err(failed)?;
    }
    let body = out.into_inner().map_err(|_| super::shell::failed())?;
    service.record(user, "item.exported", ("item", id)).await?;
    let name = format!("attachment; filename=\"codes-{id}.csv\"");
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], body)
        .into_response())
}
