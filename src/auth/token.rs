//! Tokens: made once, shown once, kept only as a hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Permission;
use crate::seal::random_bytes;

/// What every token starts with, so that a leaked one is recognised by secret scanners.
const PREFIX: &str = "abs_";
/// Characters of base64url that carry 32 bytes.
const LENGTH: usize = 43;

/// A bearer token: 256 random bits. Wiped from memory when dropped; `Debug` shows nothing of it.
///
/// Its entropy is what makes a plain SHA-256 enough: there is no dictionary to try. The hash is looked up in an index,
/// so the time a refusal takes tells nothing about any stored token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// A new random token.
    #[must_use]
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(random_bytes::<32>());
        Self(Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*bytes))))
    }

    /// The token of this text; `None` when it has not the shape of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(PREFIX)?;
        let shaped = body.len() == LENGTH && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        shaped.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The token of an `Authorization: Bearer …` header, the scheme in any case.
    #[must_use]
    pub fn from_authorization(header: &str) -> Option<Self> {
        let (scheme, token) = header.trim().split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") { Self::parse(token.trim_start()) } else { None }
    }

    /// What the store keeps.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The token in clear, to show it once to the one it is made for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What a token lets its user do, of what their role may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAccess {
    /// All of it.
    Full,
    /// What changes nothing.
    Read,
    /// What changes something.
    Write,
}

impl TokenAccess {
    /// Whether a call that asks for this permission is let through.
    #[must_use]
    pub const fn allows(self, permission: Permission) -> bool {
        match self {
            Self::Full => true,
            Self::Read => !permission.changes_something(),
            Self::Write => permission.changes_something(),
        }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_from_its_header() {
        let token = Token::generate();
        for header in [format!("Bearer {}", token.reveal()), format!("bearer  {}", token.reveal())] {
            assert_eq!(Token::from_authorization(&header), Some(token.clone()));
        }
        assert_ne!(Token::generate(), token);
        assert_ne!(Token::generate().hash(), token.hash());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let good = Token::generate();
        for header in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            good.reveal().to_owned(),
            format!("Basic {}", good.reveal()),
            format!("Bearer {}x", good.reveal()),
            format!("Bearer {}", &good.reveal()[1..]),
            format!("Bearer {} {}", good.reveal(), good.reveal()),
            format!("Bearer abs_{}", "é".repeat(LENGTH)),
            format!("Bearer abs_{}", "=".repeat(LENGTH)),
        ] {
            assert_eq!(Token::from_authorization(&header), None, "{header:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Token::generate()), "Token(..)");
    }
}
