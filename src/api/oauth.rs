//! `/oauth/token`: SMART Backend Services. A client's signed assertion becomes a token that works for five minutes.

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{State, rejection::FormRejection},
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiError, ProblemBody};
use crate::{
    auth::TokenAccess,
    service::{GrantError, Service},
};

/// The form of a request.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `client_credentials`.
    #[serde(default)]
    grant_type: String,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    #[serde(default)]
    client_assertion_type: String,
    /// A JWT, signed with RS384 or ES384 by a key that is registered for the client.
    #[serde(default)]
    client_assertion: String,
    /// `system/*.read`, `system/*.write`, or both (`system/*.rs` and `system/*.cruds` too).
    #[serde(default)]
    scope: String,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub struct TokenBody {
    access_token: String,
    /// `bearer`.
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    /// What was granted.
    scope: &'static str,
}

/// An error as RFC 6749 has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenErrorBody {
    /// `invalid_request`, `invalid_client`, `invalid_scope` or `unsupported_grant_type`.
    error: &'static str,
    error_description: String,
}

/// What the server can do, as SMART clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SmartConfiguration {
    token_endpoint: String,
    token_endpoint_auth_methods_supported: [&'static str; 1],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 2],
    grant_types_supported: [&'static str; 1],
    scopes_supported: [&'static str; 2],
    capabilities: [&'static str; 2],
}

/// Where a client gets its token, and how; open to everybody.
#[utoipa::path(get, path = "/fhir/.well-known/smart-configuration", tag = "oauth", security(()),
    responses((status = 200, body = SmartConfiguration)))]
pub async fn configuration(State(service): State<Arc<Service>>) -> Json<SmartConfiguration> {
    Json(SmartConfiguration {
        token_endpoint: service.token_endpoint(),
        token_endpoint_auth_methods_supported: ["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: ["RS384", "ES384"],
        grant_types_supported: ["client_credentials"],
        scopes_supported: ["system/*.read", "system/*.write"],
        capabilities: ["client-confidential-asymmetric", "permission-v1"],
    })
}

/// A token for a client that proves who it is with a signed assertion. It may do what the client's role may, within the scope asked for.
#[utoipa::path(post, path = "/oauth/token", tag = "oauth", security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, body = TokenBody),
    (status = 400, body = TokenErrorBody),
    (status = 401, body = TokenErrorBody),
    (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn token(
    State(service): State<Arc<Service>>,
    extensions: Extensions,
    headers: HeaderMap,
    request: Result<Form<TokenRequest>, FormRejection>,
) -> Result<Response, Response> {
    let refused = |status: StatusCode, error: &'static str, description: &str| {
        let body = TokenErrorBody { error, error_description: description.to_owned() };
        (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    };
    let bad = |error: &'static str, description: &str| refused(StatusCode::BAD_REQUEST, error, description);
    let Form(request) = request.map_err(|_| bad("invalid_request", "send a form: application/x-www-form-urlencoded"))?;
    if request.grant_type != "client_credentials" {
        return Err(bad("unsupported_grant_type", "grant_type must be client_credentials"));
    }
    if request.client_assertion_type != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
        let description = "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        return Err(bad("invalid_request", description));
    }
    let access =
        asked(&request.scope).ok_or_else(|| bad("invalid_scope", "scope must be system/*.read, system/*.write, or both"))?;
    let address = service.sign_in.settings.trusted_proxies.client(&extensions, &headers);
    let attempt = service.begin_from(address).await.map_err(|seconds| ApiError::too_many_failures(seconds).into_response())?;
    match service.grant(&request.client_assertion, access).await {
        Ok((token, seconds)) => {
            let scope = match access {
                TokenAccess::Full => "system/*.read system/*.write",
                TokenAccess::Read => "system/*.read",
                TokenAccess::Write => "system/*.write",
            };
            let access_token = token.reveal().to_owned();
            let body = TokenBody { access_token, token_type: "bearer", expires_in: seconds, scope };
            Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
        }
        Err(GrantError::Store(error)) => Err(ApiError::from(error).into_response()),
        Err(error) => {
            service.count_failure(attempt).await;
            Err(refused(StatusCode::UNAUTHORIZED, "invalid_client", &error.to_string()))
        }
    }
}

/// The access that scopes ask for; none when one of them is not ours to give.
fn asked(scopes: &str) -> Option<TokenAccess> {
    let (mut read, mut write) = (false, false);
    for scope in scopes.split_whitespace() {
        match scope.strip_prefix("system/*.")? {
            "read" | "rs" | "r" | "s" => read = true,
            "write" | "cud" | "cu" | "c" => write = true,
            "*" | "cruds" => (read, write) = (true, true),
            _ => return None,
        }
    }
    match (read, write) {
        (true, true) => Some(TokenAccess::Full),
        (true, false) => Some(TokenAccess::Read),
        (false, true) => Some(TokenAccess::Write),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes() {
        for (scopes, expected) in [
            ("system/*.read", Some(TokenAccess::Read)),
            ("system/*.write", Some(TokenAccess::Write)),
            ("system/*.write system/*.read", Some(TokenAccess::Full)),
            ("system/*.cruds", Some(TokenAccess::Full)),
            ("system/*.rs", Some(TokenAccess::Read)),
            ("", None),
            ("user/*.read", None),
            ("system/Condition.read", None),
            ("system/*.read openid", None),
        ] {
            assert_eq!(asked(scopes), expected, "{scopes}");
        }
    }
}
