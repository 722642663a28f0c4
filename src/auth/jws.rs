//! Signed JSON Web Tokens: which head is taken, which key of a set may verify it, and what it claims when it verifies. What the claims must be
//! is the business of who asked for the token.

use std::str::FromStr as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    crypto::verify,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

/// Why a token is not taken. None of it quotes the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenProblem {
    /// It is no signed token, or its head asks for what is not understood here (`crit`).
    #[error("it is no signed JSON Web Token, or asks for an extension that is not known")]
    Malformed,
    /// Another algorithm.
    #[error("it is signed with an algorithm that is not accepted")]
    Algorithm,
    /// No key of the set may verify it.
    #[error("none of the keys has its kid, and is of its algorithm and for signatures")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("its signature does not verify")]
    Signature,
}

/// A token whose head can be taken, and of which nothing else was verified yet.
pub struct SignedToken<'a> {
    message: &'a str,
    claims: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
}

/// What is read of a head. Never a key: one that a token brings along (`jwk`, `jku`, `x5c`, `x5u`) is not looked at.
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl<'a> SignedToken<'a> {
    /// Reads the head of a token, signed with one of these algorithms.
    ///
    /// # Errors
    /// [`TokenProblem::Malformed`] or [`TokenProblem::Algorithm`].
    pub fn read(token: &'a str, accepted: &[Algorithm]) -> Result<Self, TokenProblem> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenProblem::Malformed)?;
        let (head, claims) = message.split_once('.').ok_or(TokenProblem::Malformed)?;
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| TokenProblem::Malformed)?;
        let head: Head = serde_json::from_slice(&head).map_err(|_| TokenProblem::Malformed)?;
        if claims.contains('.') || head.crit.is_some() {
            return Err(TokenProblem::Malformed);
        }
        // "none" is no algorithm that can be named here
        let algorithm = Algorithm::from_str(&head.alg).ok().filter(|algorithm| accepted.contains(algorithm));
        let algorithm = algorithm.ok_or(TokenProblem::Algorithm)?;
        Ok(Self { message, claims, signature, algorithm, kid: head.kid })
    }

    /// Whether it names its key.
    #[must_use]
    pub const fn names_its_key(&self) -> bool {
        self.kid.is_some()
    }

    /// What it claims, when a key of the set signed it. A token that names no key is taken where one key alone may have signed it.
    ///
    /// # Errors
    /// [`TokenProblem`].
    pub fn verified(&self, keys: &[Jwk]) -> Result<Map<String, Value>, TokenProblem> {
        let named = |key: &&Jwk| self.kid.is_none() || key.common.key_id == self.kid;
        let mut fitting = keys.iter().filter(named).filter(|key| may_verify(key, self.algorithm));
        let key = fitting.next().filter(|_| self.kid.is_some() || fitting.next().is_none()).ok_or(TokenProblem::UnknownKey)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| TokenProblem::UnknownKey)?;
        match verify(self.signature, self.message.as_bytes(), &key, self.algorithm) {
            Ok(true) => self.claimed(),
            _ => Err(TokenProblem::Signature),
        }
    }

    /// What it claims, before anything is verified: to look its keys up, and for nothing else.
    ///
    /// # Errors
    /// [`TokenProblem::Malformed`].
    pub fn claimed(&self) -> Result<Map<String, Value>, TokenProblem> {
        let claims = URL_SAFE_NO_PAD.decode(self.claims).map_err(|_| TokenProblem::Malformed)?;
        serde_json::from_slice(&claims).map_err(|_| TokenProblem::Malformed)
    }
}

/// Whether a key is of the algorithm, and for signatures where it says what it is for.
#[must_use]
pub fn may_verify(key: &Jwk, algorithm: Algorithm) -> bool {
    let common = &key.common;
    let is_of_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(
            algorithm,
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512
        ),
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            EllipticCurve::P521 | EllipticCurve::Ed25519 => false,
        },
        // a shared key would let whoever knows it sign
        AlgorithmParameters::OctetKey(_) | AlgorithmParameters::OctetKeyPair(_) => false,
    };
    is_of_kind
        && common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify))
        && common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"))
}

/// The keys of a JSON Web Key Set that are of a known kind. Others (for encryption, of a newer kind) stand beside them in many sets and do not
/// matter. None when it is no set.
#[must_use]
pub fn keys_of(set: &Value) -> Option<Vec<Jwk>> {
    let keys = set["keys"].as_array()?;
    Some(keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect())
}

/// A claim that is an instant, in whole seconds.
#[must_use]
pub fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let claim = claims.get(name)?;
    claim.as_i64().or_else(|| claim.as_f64().map(|seconds| seconds as i64))
}

/// A claim that is a text.
#[must_use]
pub fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// For whom a token is; none when that is no text and no list of texts.
#[must_use]
pub fn audience(claims: &Map<String, Value>) -> Option<Vec<&str>> {
    match claims.get("aud")? {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A token with this head and these claims, and a signature that is none.
    pub(crate) fn unsigned(head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.AAAA", part(head), part(claims))
    }

    fn key(value: Value) -> Jwk {
        serde_json::from_value(value).expect("a key")
    }

    fn read(head: &Value) -> Result<(), TokenProblem> {
        SignedToken::read(&unsigned(head, &json!({})), &[Algorithm::RS256]).map(drop)
    }

    #[test]
    fn heads_that_are_not_taken() {
        assert_eq!(read(&json!({"alg": "RS256", "kid": "a", "jku": "https://elsewhere.example"})), Ok(()));
        for (head, problem) in [
            (json!({"alg": "none"}), TokenProblem::Algorithm),
            (json!({"alg": "None"}), TokenProblem::Algorithm),
            (json!({"alg": "HS256"}), TokenProblem::Algorithm),
            (json!({"alg": "ES256"}), TokenProblem::Algorithm),
            (json!({"alg": ""}), TokenProblem::Algorithm),
            (json!({"alg": "RS256", "crit": ["b64"], "b64": false}), TokenProblem::Malformed),
            (json!({"alg": "RS256", "crit": []}), TokenProblem::Malformed),
            (json!({"alg": 1}), TokenProblem::Malformed),
            (json!({}), TokenProblem::Malformed),
        ] {
            assert_eq!(read(&head), Err(problem), "{head}");
        }
    }

    #[test]
    fn what_has_not_three_parts_is_no_token() {
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        for token in
            [String::new(), head.clone(), format!("{head}.e30"), format!("{head}.e30.a.b"), format!("{head}.e30.a.b.c")]
        {
            let read = SignedToken::read(&token, &[Algorithm::RS256]);
            assert_eq!(read.map(drop), Err(TokenProblem::Malformed), "{token}");
        }
    }

    #[test]
    fn a_key_is_for_its_own_algorithm() {
        let rsa = |more: &[(&str, &str)]| {
            let mut value = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
            for (name, word) in more {
                value[*name] = json!(word);
            }
            key(value)
        };
        let curve = |name: &str| key(json!({"kty": "EC", "crv": name, "x": "AQAB", "y": "AQAB"}));
        for (key, algorithm, expected) in [
            (rsa(&[]), Algorithm::RS256, true),
            (rsa(&[]), Algorithm::PS256, true),
            (rsa(&[("alg", "RS256"), ("use", "sig")]), Algorithm::RS256, true),
            (rsa(&[("alg", "RS256")]), Algorithm::PS256, false),
            (rsa(&[("use", "enc")]), Algorithm::RS256, false),
            (rsa(&[]), Algorithm::ES256, false),
            (rsa(&[]), Algorithm::HS256, false),
            (curve("P-256"), Algorithm::ES256, true),
            (curve("P-256"), Algorithm::ES384, false),
            (curve("P-384"), Algorithm::ES384, true),
            (curve("P-384"), Algorithm::RS384, false),
            (key(json!({"kty": "oct", "k": "AQAB"})), Algorithm::HS256, false),
            (key(json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "key_ops": ["encrypt"]})), Algorithm::RS256, false),
        ] {
            assert_eq!(may_verify(&key, algorithm), expected, "{key:?} {algorithm:?}");
        }
    }

    #[test]
    fn keys_of_other_kinds_stand_beside() {
        let set = json!({"keys": [
            {"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "kid": "b", "n": "AQAB", "e": "AQAB", "alg": "of the future"},
            {"kty": "AKP", "kid": "c"},
        ]});
        let keys = keys_of(&set).expect("a set");
        assert_eq!(keys.len(), 1);
        assert!(keys_of(&json!([])).is_none() && keys_of(&json!({"keys": {}})).is_none());
    }

    #[test]
    fn a_token_without_a_kid_needs_a_set_of_one() {
        let token = unsigned(&json!({"alg": "RS256"}), &json!({}));
        let read = SignedToken::read(&token, &[Algorithm::RS256]).expect("a head");
        let one = key(json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}));
        assert_eq!(read.verified(std::slice::from_ref(&one)), Err(TokenProblem::Signature));
        assert_eq!(read.verified(&[one.clone(), one]), Err(TokenProblem::UnknownKey));
        assert_eq!(read.verified(&[]), Err(TokenProblem::UnknownKey));
    }

    #[test]
    fn claims_are_read_as_what_they_are() {
        let Value::Object(claims) = json!({"exp": 12, "iat": 12.9, "nbf": "12", "sub": 7, "aud": ["a", "b"]}) else {
            panic!("an object")
        };
        assert_eq!((seconds(&claims, "exp"), seconds(&claims, "iat"), seconds(&claims, "nbf")), (Some(12), Some(12), None));
        assert_eq!((text(&claims, "sub"), audience(&claims)), (None, Some(vec!["a", "b"])));
        let Value::Object(wrong) = json!({"aud": ["a", 1]}) else { panic!("an object") };
        assert_eq!(audience(&wrong), None);
    }
}
