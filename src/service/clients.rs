//! Tokens for clients that prove who they are with a signed assertion.

use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Service, actor};
use crate::{
    auth::{AssertionProblem, Token, TokenAccess, claimed_client, registered_keys, verify},
    store::{StoreError, TokenKind, TokenRecord},
};

/// How long a granted token works.
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// Why no token is granted.
#[derive(Debug, Error)]
pub enum GrantError {
    /// The assertion cannot be taken.
    #[error(transparent)]
    Assertion(#[from] AssertionProblem),
    /// The same assertion again.
    #[error("this client_assertion was used before; sign a new one with another jti")]
    Used,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Where clients get their tokens: what their assertions must be meant for.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        format!("{}/oauth/token", self.public_url.trim_end_matches('/'))
    }

    /// A token for the client of an assertion, and how many seconds it works.
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn grant(&self, assertion: &str, access: TokenAccess) -> Result<(Token, i64), GrantError> {
        let name = claimed_client(assertion)?;
        let (user, keys) = self.store.client_keys(&name).await?.ok_or(AssertionProblem::UnknownKey)?;
        let now = self.surroundings.now();
        let verified = verify(assertion, &registered_keys(&keys), (&name, &self.token_endpoint()), now)?;
        let used = Sha256::digest(format!("{name}\n{}", verified.jti)).into();
        if !self.store.redeem_assertion(used, verified.known_until, now).await? {
            return Err(GrantError::Used);
        }
        let token = Token::generate();
        let record = TokenRecord {
            id: self.surroundings.new_id(),
            user_id: user.id,
            kind: match access {
                TokenAccess::Full => TokenKind::Api,
                TokenAccess::Read => TokenKind::ApiRead,
                TokenAccess::Write => TokenKind::ApiWrite,
            },
            label: "client credentials".to_owned(),
            created_at: now,
            expires_at: Some(now + LIFE),
            revoked_at: None,
            used_at: None,
        };
        self.store.add_token(record, token.hash(), actor(&user), now).await?;
        Ok((token, LIFE.as_secs()))
    }
}
