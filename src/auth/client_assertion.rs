//! SMART Backend Services: a client proves who it is with a JSON Web Token that it signs itself, instead of a secret that both sides keep.
//!
//! The client's public keys (a JSON Web Key Set) are registered by an admin; nothing is fetched. RS384 and ES384 are taken, as the specification
//! asks; an assertion holds five minutes at most and is used once.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde::Deserialize;
use thiserror::Error;

/// How far ahead an assertion may end, in seconds.
const LONGEST_LIFE: i64 = 300;
/// How far two clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// The longest assertion read.
const LONGEST_ASSERTION: usize = 8_192;

/// Why an assertion is not taken. None of it quotes the assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AssertionProblem {
    /// Not a token, or its claims are not those of an assertion.
    #[error("client_assertion must be a signed JWT with iss, sub, aud, exp and jti")]
    Malformed,
    /// Another algorithm.
    #[error("client_assertion must be signed with RS384 or ES384")]
    Algorithm,
    /// `kid` is not one of the client's keys.
    #[error("kid of client_assertion names none of the keys that are registered for this client")]
    UnknownKey,
    /// The signature does not verify, or it is for another server, or from another client.
    #[error("client_assertion does not verify: signature, aud, iss or sub is wrong")]
    NotVerified,
    /// Its time is over, or too far ahead.
    #[error("client_assertion must end within the next five minutes")]
    Expired,
}

/// A verified assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its own id.
    pub jti: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What an assertion claims.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    jti: String,
}

/// The client that an assertion says it is from, before anything of it is verified: to look its keys up.
///
/// # Errors
/// [`AssertionProblem::Malformed`].
pub fn claimed_client(assertion: &str) -> Result<String, AssertionProblem> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = assertion.split('.').nth(1).filter(|_| assertion.len() <= LONGEST_ASSERTION);
    let claims = part.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Claims> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    claims.map(|claims| claims.sub).ok_or(AssertionProblem::Malformed)
}

/// Verifies an assertion of `client` for the token endpoint at `audience`, with the keys of its key set.
///
/// # Errors
/// [`AssertionProblem`].
pub fn verify(
    assertion: &str,
    keys: &JwkSet,
    (client, audience): (&str, &str),
    now: Timestamp,
) -> Result<Assertion, AssertionProblem> {
    let header = decode_header(assertion).map_err(|_| AssertionProblem::Malformed)?;
    if !matches!(header.alg, Algorithm::RS384 | Algorithm::ES384) {
        return Err(AssertionProblem::Algorithm);
    }
    let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(AssertionProblem::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| AssertionProblem::UnknownKey)?;
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    // time is an argument here, so it is checked below
    validation.validate_exp = false;
    let claims = decode::<Claims>(assertion, &key, &validation).map_err(|_| AssertionProblem::NotVerified)?.claims;
    if claims.iss != client || claims.sub != client {
        return Err(AssertionProblem::NotVerified);
    }
    let left = claims.exp.saturating_sub(now.as_second());
    if !(-LEEWAY..=LONGEST_LIFE + LEEWAY).contains(&left) {
        return Err(AssertionProblem::Expired);
    }
    if claims.jti.is_empty() || claims.jti.len() > 255 {
        return Err(AssertionProblem::Malformed);
    }
    let expires_at = Timestamp::from_second(claims.exp.saturating_add(LEEWAY)).map_err(|_| AssertionProblem::Malformed)?;
    Ok(Assertion { jti: claims.jti, expires_at })
}

/// A key set that can be registered: public keys only, each with a `kid`.
///
/// # Errors
/// What is wrong with it.
pub fn read_keys(text: &str) -> Result<JwkSet, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| "the file is not JSON".to_owned())?;
    let keys =
        value["keys"].as_array().ok_or_else(|| "the file is not a JSON Web Key Set: it has no list \"keys\"".to_owned())?;
    if keys.is_empty() {
        return Err("the key set has no key".to_owned());
    }
    if keys.iter().any(|key| ["d", "p", "q", "k"].iter().any(|private| !key[*private].is_null())) {
        return Err("the key set holds a private or shared key; register public keys only, and make a new pair".to_owned());
    }
    let set: JwkSet = serde_json::from_value(value).map_err(|_| "a key of the set cannot be read".to_owned())?;
    for key in &set.keys {
        if key.common.key_id.as_deref().is_none_or(str::is_empty) {
            return Err("every key needs a \"kid\"".to_owned());
        }
        DecodingKey::from_jwk(key).map_err(|_| "a key is neither RSA nor an elliptic curve key that can be used".to_owned())?;
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_sets_that_cannot_be_registered() {
        for (text, wanted) in [
            ("x", "not JSON"),
            ("{}", "no list"),
            (r#"{"keys": []}"#, "no key"),
            (r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB", "d": "AQAB"}]}"#, "private"),
            (r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}"#, "kid"),
            (r#"{"keys": [{"kty": "what", "kid": "a"}]}"#, "cannot be read"),
        ] {
            let said = read_keys(text).expect_err(text);
            assert!(said.contains(wanted), "{text}: {said}");
        }
        assert!(read_keys(r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}]}"#).is_ok());
    }

    #[test]
    fn what_is_no_assertion_has_no_client() {
        for text in ["", "a", "a.b.c", "a.e30.c", &"x".repeat(10_000)] {
            assert_eq!(claimed_client(text), Err(AssertionProblem::Malformed), "{text}");
        }
    }
}
