//! `/v1/destinations` and `/v1/deliveries`: where events go, and what became of them.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    ApiError, Caller, ProblemBody,
    body::{Body, Id, Parameters, Word},
};
use crate::{
    auth::Permission,
    domain::{Channel, Delivery, DeliveryState, Destination, EventKind, HL7Destination},
    service::{DestinationError, Service},
    store::DeliveryFilter,
};

/// A destination to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationRequest {
    /// Unique name: 1 to 64 letters, digits, dots, dashes or underscores.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    name: String,
    /// What it hears of.
    #[schema(min_items = 1)]
    events: Vec<EventKind>,
    /// How it is reached.
    channel: ChannelRequest,
}

/// How a destination is reached.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum ChannelRequest {
    /// A JSON object by POST, signed as Standard Webhooks has it. It tells ids, never the words of a note.
    Webhook {
        /// Where to, `http://` or `https://`.
        #[schema(pattern = "^https?://[^/?#]")]
        url: String,
        /// `whsec_` and the key in base64; one is made when left out.
        secret: Option<String>,
    },
    /// The abstract of every finished encounter as an HL7 version 2 message over MLLP; hears of `review.finished` alone.
    Hl7 {
        /// `HOST:PORT`.
        address: String,
        /// File on the server with the authority of the receiver's certificate; plain TCP when left out.
        authority: Option<String>,
        /// What the receiver wants.
        settings: HL7Destination,
    },
}

/// A destination.
#[derive(Serialize, ToSchema)]
pub struct DestinationBody {
    id: Uuid,
    name: String,
    /// `webhook`, `hl7`, or `rest_hook` for a FHIR Subscription.
    kind: &'static str,
    /// Where it leads.
    address: String,
    events: Vec<EventKind>,
    disabled: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The secret of its signatures; told once, when it is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// All destinations.
#[derive(Serialize, ToSchema)]
pub struct DestinationList {
    destinations: Vec<DestinationBody>,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveryParameters {
    /// In this state; any when left out.
    state: Option<DeliveryState>,
    /// To the destination of this name.
    destination: Option<String>,
    /// The `next` of the page before.
    after: Option<i64>,
    /// At most so many, 1 to 200; 50 when left out.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_u32)]
    limit: Option<u32>,
}

/// A delivery, without what was sent.
#[derive(Serialize, ToSchema)]
pub struct DeliveryBody {
    /// Its place in the order of all.
    sequence: i64,
    /// The id that the other side sees, the same at every try.
    id: Uuid,
    destination: String,
    event: EventKind,
    note_id: Option<Uuid>,
    /// None where it is about no encounter.
    item_id: Option<Uuid>,
    query_id: Option<Uuid>,
    state: DeliveryState,
    tries: u32,
    /// Stable words of the last failure: `http_503`, `timeout`, `tls`, `unreachable`, `answered_AE`.
    problem: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
pub struct DeliveryPage {
    deliveries: Vec<DeliveryBody>,
    /// Pass as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

impl DestinationBody {
    fn of(destination: Destination) -> Self {
        Self {
            id: destination.id,
            kind: destination.channel.kind(),
            address: destination.channel.address().to_owned(),
            name: destination.name,
            events: destination.events,
            disabled: destination.disabled,
            created_at: destination.created_at,
            secret: None,
        }
    }
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        Self {
            sequence: delivery.sequence,
            id: delivery.id,
            destination: delivery.destination,
            event: delivery.event,
            note_id: delivery.note_id,
            item_id: delivery.item_id,
            query_id: delivery.query_id,
            state: delivery.state,
            tries: delivery.tries,
            problem: delivery.problem,
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
        }
    }
}

impl From<DestinationError> for ApiError {
    fn from(error: DestinationError) -> Self {
        match error {
            DestinationError::NameTaken => Self::new(StatusCode::CONFLICT, "name_taken", error.to_string()),
            DestinationError::Store(error) => error.into(),
            error => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_destination", error.to_string()),
        }
    }
}

/// All destinations, by name.
#[utoipa::path(get, path = "/v1/destinations", tag = "destinations", responses(
    (status = 200, body = DestinationList),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_destinations(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<DestinationList>, ApiError> {
    caller.may(Permission::ManageDestinations)?;
    let destinations = service.store.destinations().await?.into_iter().map(DestinationBody::of).collect();
    Ok(Json(DestinationList { destinations }))
}

/// Adds a destination; it hears of what happens from now on. The secret of its signatures is told once.
#[utoipa::path(post, path = "/v1/destinations", tag = "destinations", request_body = DestinationRequest, responses(
    (status = 201, body = DestinationBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn add_destination(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Body(request): Body<DestinationRequest>,
) -> Result<(StatusCode, Json<DestinationBody>), ApiError> {
    let user = caller.may(Permission::ManageDestinations)?;
    let channel = match request.channel {
        ChannelRequest::Webhook { url, secret } => Channel::Webhook { url, secret: secret.unwrap_or_default() },
        ChannelRequest::Hl7 { address, authority, settings } => Channel::Hl7 { address, authority, settings },
    };
    let added = service.add_destination(user, request.name, request.events, channel).await?;
    let secret = match &added.channel {
        Channel::Webhook { secret, .. } => Some(secret.clone()),
        Channel::RestHook { .. } | Channel::Hl7 { .. } => None,
    };
    Ok((StatusCode::CREATED, Json(DestinationBody { secret, ..DestinationBody::of(added) })))
}

/// Sends nothing more to a destination; what waits for it waits on.
#[utoipa::path(post, path = "/v1/destinations/{name}/disable", tag = "destinations", params(("name" = String, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn disable_destination(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Word(name): Word,
) -> Result<StatusCode, ApiError> {
    set_disabled(&service, &caller, &name, true).await
}

/// Sends to a disabled destination again.
#[utoipa::path(post, path = "/v1/destinations/{name}/enable", tag = "destinations", params(("name" = String, Path)), responses(
    (status = 204),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn enable_destination(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Word(name): Word,
) -> Result<StatusCode, ApiError> {
    set_disabled(&service, &caller, &name, false).await
}

async fn set_disabled(service: &Service, caller: &Caller, name: &str, disabled: bool) -> Result<StatusCode, ApiError> {
    let user = caller.may(Permission::ManageDestinations)?;
    let is_known = service.set_destination_disabled(user, name, disabled).await?;
    if is_known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::missing("destination")) }
}

/// What was or will be sent, in order: ids and states, never what it holds.
#[utoipa::path(get, path = "/v1/deliveries", tag = "destinations", params(DeliveryParameters), responses(
    (status = 200, body = DeliveryPage),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn list_deliveries(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Parameters(parameters): Parameters<DeliveryParameters>,
) -> Result<Json<DeliveryPage>, ApiError> {
    let user = caller.may(Permission::ReadDeliveries)?;
    let limit = parameters.limit.unwrap_or(50).clamp(1, 200);
    let filter = DeliveryFilter {
        state: parameters.state,
        destination: parameters.destination,
        after: parameters.after.unwrap_or(0),
        limit,
        ..DeliveryFilter::default()
    };
    let deliveries: Vec<DeliveryBody> = service.deliveries(user, filter).await?.into_iter().map(DeliveryBody::from).collect();
    let next = if deliveries.len() == limit as usize { deliveries.last().map(|last| last.sequence) } else { None };
    Ok(Json(DeliveryPage { deliveries, next }))
}

/// Sends a delivery once more, at its place in the order of its destination.
#[utoipa::path(post, path = "/v1/deliveries/{id}/resend", tag = "destinations", params(("id" = Uuid, Path)), responses(
    (status = 202),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn resend(State(service): State<Arc<Service>>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    let user = caller.may(Permission::ReadDeliveries)?;
    let waits = service.resend(user, id).await?;
    if waits { Ok(StatusCode::ACCEPTED) } else { Err(ApiError::missing("delivery, or it is being sent")) }
}
