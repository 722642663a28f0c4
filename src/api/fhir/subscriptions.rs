//! `Subscription`: who is told, by an empty POST, that an encounter was finished. It is a destination like those of `/v1/destinations`.

use axum::http::{StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::{
    ApiError,
    call::{Answer, Call},
    outcome::Problem,
};
use crate::{
    domain::{Destination, EventKind},
    interop::fhir::{subscribed, subscription},
};

fn invalid(element: &str, detail: &str) -> Problem {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", format!("{element} {detail}")).into()
}

/// A new one; it holds from now on.
pub(super) async fn create(call: Call) -> Result<Answer, Problem> {
    let resource = call.json()?;
    if resource["resourceType"] != "Subscription" {
        return Err(invalid("resourceType", "must be Subscription"));
    }
    if !matches!(resource["status"].as_str(), Some("requested" | "active")) {
        return Err(invalid("Subscription.status", "must be requested"));
    }
    let channel = subscribed(&resource).map_err(|(element, detail)| invalid(element, &detail))?;
    let name = format!("subscription-{}", call.service.surroundings.new_id());
    let added = call.service.add_destination(call.user()?, name, vec![EventKind::ReviewFinished], channel).await;
    let added = added.map_err(ApiError::from)?;
    let location = format!("{}/Subscription/{}", call.base, added.id);
    let resource = subscription(&added).unwrap_or_default();
    Ok(Answer::with_status(StatusCode::CREATED, &resource).header(header::LOCATION, location))
}

/// One of them.
pub(super) async fn read(call: Call) -> Result<Answer, Problem> {
    let found = find(&call, call.uuid()?).await?;
    Ok(Answer::resource(&subscription(&found).unwrap_or_default()))
}

/// All of them, by name.
pub(super) async fn search(call: Call) -> Result<Answer, Problem> {
    let destinations = call.service.store.destinations().await?;
    let resources: Vec<Value> = destinations.iter().filter_map(subscription).collect();
    Ok(call.page(resources, None, &[]))
}

/// Turns one off, or on again. Nothing else of it changes: make another one.
pub(super) async fn update(call: Call) -> Result<Answer, Problem> {
    let mut found = find(&call, call.uuid()?).await?;
    let resource = call.json()?;
    let disabled = match resource["status"].as_str() {
        Some("off") => true,
        Some("requested" | "active") => false,
        _ => return Err(invalid("Subscription.status", "must be off, or requested to turn it on again")),
    };
    let channel = subscribed(&resource).map_err(|(element, detail)| invalid(element, &detail))?;
    if channel.address() != found.channel.address() {
        return Err(invalid("Subscription.channel.endpoint", "cannot be changed: turn this one off and make another"));
    }
    call.service.set_destination_disabled(call.user()?, &found.name, disabled).await?;
    found.disabled = disabled;
    Ok(Answer::resource(&subscription(&found).unwrap_or_default()))
}

async fn find(call: &Call, id: Uuid) -> Result<Destination, Problem> {
    let destinations = call.service.store.destinations().await?;
    let found = destinations.into_iter().find(|one| one.id == id && subscription(one).is_some());
    found.ok_or_else(|| call.missing())
}
