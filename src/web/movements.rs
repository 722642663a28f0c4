//! The forms that move an encounter without deciding on it: give back, lay aside, pass up, assign, put back; and remarks.

use std::sync::Arc;

use axum::extract::{Path, State};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::{Answer, answer, back, filled},
    session::Posted,
};
use crate::{
    auth::Permission,
    service::{DecideError, Moving, Service},
    store::ItemChange,
};

/// The form of every movement; a field that a form does not have is empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct MoveForm {
    reason: String,
    comment: String,
    revision: String,
    /// A day: laid aside until its morning.
    until: String,
    /// A login name; empty = nobody.
    to: String,
    /// The name of a team, empty = none; none where the form has no such field.
    team: Option<String>,
}

impl MoveForm {
    fn moving(&self) -> Moving {
        Moving { reason: filled(&self.reason), comment: filled(&self.comment), revision: self.revision.parse().ok() }
    }
}

/// The morning of a day in the hospital's zone.
fn morning(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.at(6, 0, 0, 0).to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// `POST /items/{id}/release`
pub(super) async fn release(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, .. }: Posted<MoveForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    answer(&session, id, service.release(user, id).await, "/queue?notice=released")
}

/// `POST /items/{id}/pend`
pub(super) async fn pend(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<MoveForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    let until = match filled(&form.until) {
        None => None,
        Some(day) => {
            let morning = day.parse().ok().and_then(|day| morning(day, &service.time_zone));
            match morning.filter(|at| *at > service.surroundings.now()) {
                Some(at) => Some(at),
                None => return Ok(back(id, "time_past", None)),
            }
        }
    };
    answer(&session, id, service.pend(user, id, until, form.moving()).await, "/queue?notice=pended")
}

/// `POST /items/{id}/escalate`
pub(super) async fn escalate(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<MoveForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    answer(&session, id, service.escalate(user, id, form.moving()).await, "/queue?notice=escalated")
}

/// `POST /items/{id}/assign`
pub(super) async fn assign(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<MoveForm>,
) -> Answer {
    let user = session.may(Permission::Assign)?;
    let to = filled(&form.to);
    let mut moving = Moving { reason: None, ..form.moving() };
    if let Some(team) = &form.team {
        let done = service.give_to_team(user, id, filled(team).as_deref(), moving.clone()).await;
        let revision = match done {
            Ok(ItemChange::Done { revision }) => revision,
            Err(DecideError::Unacceptable(_)) => return Ok(back(id, "cannot_assign", None)),
            refused => return answer(&session, id, refused, ""),
        };
        // the words stand once: with the team where that changed, else with the person
        let changed = moving.revision.is_some_and(|before| before != revision);
        moving = Moving { revision: Some(revision), comment: moving.comment.filter(|_| !changed), reason: None };
    }
    let done = service.assign(user, id, to.as_deref(), moving).await;
    if matches!(done, Err(DecideError::Unacceptable(_))) {
        return Ok(back(id, "cannot_assign", None));
    }
    answer(&session, id, done, &format!("/items/{id}?notice=assigned"))
}

/// `POST /items/{id}/reopen`
pub(super) async fn reopen(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<MoveForm>,
) -> Answer {
    let user = session.may(Permission::Reopen)?;
    answer(&session, id, service.reopen(user, id, form.moving()).await, &format!("/items/{id}?notice=reopened"))
}

/// `POST /items/{id}/remark`
pub(super) async fn remark(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, .. }: Posted<MoveForm>,
) -> Answer {
    let user = session.may(Permission::Decide)?;
    answer(&session, id, service.remark(user, id, &form.comment).await, &format!("/items/{id}?notice=remarked"))
}
