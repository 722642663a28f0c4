//! `/items/{id}`: one encounter, its entries and its notes with the evidence highlighted; and the parts of it that a decision changes.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    item_view::{ItemPage, Seen, offered, view},
    notice::{self, Notice},
    queries,
    session::Session,
    shell::{Refusal, Shell, missing, page},
};
use crate::{
    auth::{Permission, Scope, in_scope, permits},
    domain::{ItemState, SiteListName},
    service::{Service, Workbench},
};

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
    let Some(Path(id)) = id else { return Err(missing(&session)) };
    let notice = notice::lookup(address.notice.as_deref(), address.problem.as_deref());
    shown(&service, &session, id, (StatusCode::OK, notice)).await
}

/// The page of an item that says why a form was not taken, where no word of an address can: the address would tell of the patient.
pub(super) async fn refused(service: &Service, session: &Session, id: Uuid, why: String) -> Result<Response, Refusal> {
    shown(service, session, id, (StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::refusing(why)))).await
}

async fn shown(
    service: &Service,
    session: &Session,
    id: Uuid,
    (status, notice): (StatusCode, Option<Notice>),
) -> Result<Response, Refusal> {
    let (_, mut view) = made(service, session, id, None).await?;
    view.notice = notice;
    Ok(page(status, &view))
}

/// The page of an item for who is signed in.
async fn made(service: &Service, session: &Session, id: Uuid, kept: Option<&[Uuid]>) -> Result<(Workbench, ItemPage), Refusal> {
    let user = session.may_read(service, Permission::ListItems, id).await?;
    let bench = service.workbench(user, id).await?.ok_or_else(|| missing(session))?;
    let pipeline = service.engine.pipeline();
    let glass = bench.item.glass;
    // nobody holds what they read under broken glass
    let holder = if glass.is_some() { Uuid::nil() } else { user.id };
    let seen = Seen { pipeline: &pipeline, user: holder, zone: &service.time_zone, kept };
    let mut view = view(&bench, seen);
    view.shell = Shell::of(session);
    let state = bench.item.record.item.state;
    if permits(user.role, Permission::Reopen) && !view.held && state != ItemState::Open {
        view.reopen_reasons = offered(&bench.reasons, SiteListName::ReopenReasons);
    }
    view.queries = queries::section(service, session, &bench.item).await?;
    if kept.is_some() {
        // what is asked about is chosen where all entries are
        view.queries.about.clear();
    }
    view.can_remark = permits(user.role, Permission::Decide);
    view.can_assign = permits(user.role, Permission::Assign) && state != ItemState::Finished;
    if view.can_assign {
        let scope = Scope::of_item(&bench.item.record.item);
        let can_work = service
            .store
            .users()
            .await?
            .into_iter()
            .filter(|one| permits(one.role, Permission::Decide) && in_scope(one, &scope));
        view.assignees = can_work.map(|one| one.name).collect();
        view.teams = service.teams().await?.list.into_iter().map(|team| team.name).collect();
    }
    if let Some(until) = glass {
        let told = text!("item-under-glass", time = super::words::moment(until, &service.time_zone));
        view.alerts.insert(0, ("warn", told));
        view.reopen_reasons.clear();
        (view.can_claim, view.can_remark, view.can_assign, view.queries.can_ask) = (false, false, false, false);
    }
    Ok((bench, view))
}

/// The page of an item with only what decisions on `entries` change: the script takes each part to where it belongs.
pub(super) async fn parts(
    service: &Service,
    session: &Session,
    id: Uuid,
    (entries, revision, notice): (&[Uuid], u64, Option<Notice>),
) -> Result<Response, Refusal> {
    let (_, mut view) = made(service, session, id, Some(entries)).await?;
    // of the decision, not of what may have come since: the next decision meets that
    view.revision = revision;
    view.notice = notice;
    Ok(page(StatusCode::OK, &view))
}

/// `GET /items/{id}/entries/{entry}`: one entry with its forms, for who has no scripts, and for the script that puts the forms in their place.
pub(super) async fn entry(
    State(service): State<Arc<Service>>,
    session: Session,
    Path((id, entry)): Path<(Uuid, Uuid)>,
) -> Result<Response, Refusal> {
    let (bench, mut view) = made(&service, &session, id, Some(&[entry])).await?;
    if !bench.item.entries.iter().any(|known| known.id == entry) {
        return Err(missing(&session));
    }
    view.alone = true;
    Ok(page(StatusCode::OK, &view))
}
