//! Who calls: a bearer token, or the session cookie of a signed-in browser.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{ApiError, headers::certificate_required};
use crate::{
    auth::{Permission, Token, TokenAccess, permits},
    domain::User,
    network::PeerCertificate,
    service::Service,
    store::TokenKind,
};

/// The authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user of the token.
    pub user: User,
    /// What the token lets through.
    pub access: TokenAccess,
    /// The token's hash: what the sender calls by a word of its own is kept per token.
    pub token: [u8; 32],
}

impl Caller {
    /// The user, when their role has the permission.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn may(&self, permission: Permission) -> Result<&User, ApiError> {
        if !permits(self.user.role, permission) {
            return Err(ApiError::forbidden(self.user.role.as_str()).to(&self.user));
        }
        if self.access.allows(permission) { Ok(&self.user) } else { Err(ApiError::out_of_scope().to(&self.user)) }
    }
}

impl Caller {
    /// The user, when their role has the permission, or when they opened the item, or the item of the note, under broken glass.
    ///
    /// # Errors
    /// 403 otherwise.
    pub async fn may_read(&self, service: &Service, permission: Permission, id: uuid::Uuid) -> Result<&User, ApiError> {
        match self.may(permission) {
            Err(_) if !permits(self.user.role, permission) && service.glass_over(&self.user, id).await?.is_some() => {
                if self.access.allows(permission) { Ok(&self.user) } else { Err(ApiError::out_of_scope().to(&self.user)) }
            }
            may => may,
        }
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, ApiError> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(Token::from_authorization)
            .ok_or_else(ApiError::unauthorized)?;
        let found = service.store.user_of_api_token(token.hash(), service.surroundings.now()).await?;
        let (user, kind) = found.ok_or_else(ApiError::unauthorized)?;
        if !service.client_certificates.permit(&user.name, parts.extensions.get::<PeerCertificate>()) {
            tracing::warn!(user = %user.name, "a live token came without the certificate of its user");
            return Err(certificate_required().to(&user));
        }
        service.keep_use(token.hash()).await;
        let access = match kind {
            TokenKind::ApiRead => TokenAccess::Read,
            TokenKind::ApiWrite => TokenAccess::Write,
            TokenKind::Api | TokenKind::Session | TokenKind::SignIn => TokenAccess::Full,
        };
        Ok(Self { user, access, token: token.hash() })
    }
}

/// The revision of an `If-Match` header.
///
/// # Errors
/// 400 when it is not a revision of ours.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    value.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse().ok()).map(Some).ok_or_else(|| {
        ApiError::new(axum::http::StatusCode::BAD_REQUEST, "invalid_if_match", "If-Match must be the item's ETag")
    })
}
