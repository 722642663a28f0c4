//! Calls that are refused to a known user are recorded: who, and the pattern of the address, never the address itself.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use crate::service::{RefusedTo, Service};

/// Records what was refused to a known user, by whichever part of the service; many within a minute are one event with a count.
pub async fn record_refusals(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    let called = format!("{} {route}", request.method());
    let mut response = next.run(request).await;
    if let Some(RefusedTo(actor)) = response.extensions_mut().remove()
        && let Err(error) = service.record_counted(actor, "call.refused", called).await
    {
        tracing::error!(%error, "a refused call could not be recorded");
    }
    response
}
