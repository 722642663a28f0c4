//! SMART Backend Services: a client proves who it is with a JSON Web Token that it signs itself, instead of a secret that both sides keep.
//!
//! The client's public keys (a JSON Web Key Set) are registered by an admin; nothing is fetched. RS384 and ES384 are taken, as the specification
//! asks; an assertion holds five minutes at most and is used once.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm,
    jwk::{AlgorithmParameters, Jwk, JwkSet},
};
use thiserror::Error;

use super::jws::{self, SignedToken, TokenProblem, may_verify};

/// What is taken.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS384, Algorithm::ES384];
/// How far ahead an assertion may end, in seconds.
const LONGEST_LIFE: i64 = 300;
/// How far two clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// The longest assertion read.
const LONGEST_ASSERTION: usize = 8_192;
/// Bytes of the modulus of the shortest RSA key.
const SHORTEST_RSA: usize = 256;

/// Why an assertion is not taken. None of it quotes the assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AssertionProblem {
    /// Not a token, or its claims are not those of an assertion.
    #[error("client_assertion must be a signed JWT with iss, sub, aud, exp and jti, and with kid in its head")]
    Malformed,
    /// Another algorithm.
    #[error("client_assertion must be signed with RS384 or ES384")]
    Algorithm,
    /// There is no such client, or `kid` is not one of its keys. Which of both is not told: it would say who has an account.
    #[error(
        "no key of this client has the kid and the algorithm of client_assertion; an admin registers keys with `abstractor user keys`"
    )]
    UnknownKey,
    /// The signature does not verify, or it is for another server, or from another client.
    #[error("client_assertion does not verify: signature, aud (this token endpoint alone), iss or sub is wrong")]
    NotVerified,
    /// Its time is over, or too far ahead.
    #[error("client_assertion must end within the next five minutes, and must have begun")]
    Expired,
}

impl From<TokenProblem> for AssertionProblem {
    fn from(problem: TokenProblem) -> Self {
        match problem {
            TokenProblem::Malformed => Self::Malformed,
            TokenProblem::Algorithm => Self::Algorithm,
            TokenProblem::UnknownKey => Self::UnknownKey,
            TokenProblem::Signature => Self::NotVerified,
        }
    }
}

/// A verified assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its own id.
    pub jti: String,
    /// Until when its id has to be known, so that it is not taken again.
    pub known_until: Timestamp,
}

/// The head of an assertion, which can be taken.
fn read(assertion: &str) -> Result<SignedToken<'_>, AssertionProblem> {
    if assertion.len() > LONGEST_ASSERTION {
        return Err(AssertionProblem::Malformed);
    }
    let token = SignedToken::read(assertion, &ALGORITHMS)?;
    if token.names_its_key() { Ok(token) } else { Err(AssertionProblem::Malformed) }
}

/// The client that an assertion says it is from, before anything of it is verified: to look its keys up.
///
/// # Errors
/// [`AssertionProblem::Malformed`] or [`AssertionProblem::Algorithm`].
pub fn claimed_client(assertion: &str) -> Result<String, AssertionProblem> {
    let claims = read(assertion)?.claimed()?;
    // no name has a NUL character, and PostgreSQL refuses to look for one
    let name = jws::text(&claims, "sub").filter(|name| !name.contains('\0'));
    name.map(str::to_owned).ok_or(AssertionProblem::Malformed)
}

/// Verifies an assertion of `client` for the token endpoint at `audience`, with the keys that are registered for the client.
///
/// It must be meant for this endpoint alone: one that is also meant for another server could be shown here by that server.
///
/// # Errors
/// [`AssertionProblem`].
pub fn verify(
    assertion: &str,
    keys: &[Jwk],
    (client, audience): (&str, &str),
    now: Timestamp,
) -> Result<Assertion, AssertionProblem> {
    let claims = read(assertion)?.verified(keys)?;
    let text = |name: &str| jws::text(&claims, name);
    if text("iss") != Some(client) || text("sub") != Some(client) || jws::audience(&claims) != Some(vec![audience]) {
        return Err(AssertionProblem::NotVerified);
    }
    let ends = jws::seconds(&claims, "exp").ok_or(AssertionProblem::Malformed)?;
    let now = now.as_second();
    let has_begun = ["nbf", "iat"]
        .iter()
        .all(|name| !claims.contains_key(*name) || jws::seconds(&claims, name).is_some_and(|begins| begins <= now + LEEWAY));
    let left = ends.saturating_sub(now);
    if !has_begun || !(-LEEWAY..=LONGEST_LIFE + LEEWAY).contains(&left) {
        return Err(AssertionProblem::Expired);
    }
    let jti = text("jti").filter(|jti| (1..=255).contains(&jti.len())).ok_or(AssertionProblem::Malformed)?;
    // twice the leeway: an id that is forgotten in the last second in which its assertion is taken, or by the clock of another server, would let
    // it be taken again
    let known_until = Timestamp::from_second(ends.saturating_add(2 * LEEWAY)).map_err(|_| AssertionProblem::Malformed)?;
    Ok(Assertion { jti: jti.to_owned(), known_until })
}

/// The keys of a set that was registered.
#[must_use]
pub fn registered_keys(text: &str) -> Vec<Jwk> {
    serde_json::from_str(text).ok().and_then(|set| jws::keys_of(&set)).unwrap_or_default()
}

/// A key set that can be registered: public keys only, each with a `kid` of its own, and each strong enough and of a kind that is taken.
///
/// # Errors
/// What is wrong with it.
pub fn read_keys(text: &str) -> Result<JwkSet, String> {
    const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| "the file is not JSON".to_owned())?;
    let keys =
        value["keys"].as_array().ok_or_else(|| "the file is not a JSON Web Key Set: it has no list \"keys\"".to_owned())?;
    if keys.is_empty() {
        return Err("the key set has no key".to_owned());
    }
    if keys.iter().any(|key| PRIVATE.iter().any(|private| !key[*private].is_null())) {
        return Err("the key set holds a private or shared key; register public keys only, and make a new pair".to_owned());
    }
    let set: JwkSet = serde_json::from_value(value).map_err(|_| "a key of the set cannot be read".to_owned())?;
    let mut kids = BTreeSet::new();
    for key in &set.keys {
        let kid = key.common.key_id.as_deref().filter(|kid| !kid.is_empty());
        let kid = kid.ok_or_else(|| "every key needs a \"kid\"".to_owned())?;
        if !kids.insert(kid) {
            return Err("two keys have the same \"kid\"; give each its own".to_owned());
        }
        if !ALGORITHMS.iter().any(|algorithm| may_verify(key, *algorithm)) {
            return Err("a key is for something else than signatures with RS384 (RSA) or ES384 (P-384)".to_owned());
        }
        if !is_strong(key) {
            return Err("an RSA key has less than 2048 bits, or a key has not the form of one; make a new pair".to_owned());
        }
    }
    Ok(set)
}

/// Whether the numbers of a key have the length that they must have.
fn is_strong(key: &Jwk) -> bool {
    let bytes =
        |number: &str| URL_SAFE_NO_PAD.decode(number).map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count());
    match &key.algorithm {
        AlgorithmParameters::RSA(parameters) => bytes(&parameters.n) >= SHORTEST_RSA && bytes(&parameters.e) > 0,
        AlgorithmParameters::EllipticCurve(parameters) => [&parameters.x, &parameters.y]
            .iter()
            .all(|number| URL_SAFE_NO_PAD.decode(number).is_ok_and(|bytes| bytes.len() == 48)),
        AlgorithmParameters::OctetKey(_) | AlgorithmParameters::OctetKeyPair(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn key_sets_that_cannot_be_registered() {
        let rsa = |kid: &str, bytes: usize| json!({"kty": "RSA", "kid": kid, "n": URL_SAFE_NO_PAD.encode(vec![0xa5; bytes]), "e": "AQAB"});
        let curve = |name: &str, bytes: usize| {
            let number = URL_SAFE_NO_PAD.encode(vec![1; bytes]);
            json!({"kty": "EC", "kid": "a", "crv": name, "x": number, "y": number})
        };
        let with = |mut key: serde_json::Value, name: &str, value: &str| {
            key[name] = json!(value);
            json!({"keys": [key]}).to_string()
        };
        let mut nameless = rsa("a", 256);
        nameless.as_object_mut().expect("an object").remove("kid");
        for (text, wanted) in [
            ("x".to_owned(), "not JSON"),
            ("{}".to_owned(), "no list"),
            (json!({"keys": []}).to_string(), "no key"),
            (with(rsa("a", 256), "d", "AQAB"), "private"),
            (with(rsa("a", 256), "dp", "AQAB"), "private"),
            (json!({"keys": [nameless]}).to_string(), "kid"),
            (json!({"keys": [{"kty": "what", "kid": "a"}]}).to_string(), "cannot be read"),
            (json!({"keys": [rsa("a", 256), rsa("a", 384)]}).to_string(), "same \"kid\""),
            (json!({"keys": [rsa("a", 128)]}).to_string(), "2048 bits"),
            (with(rsa("a", 256), "alg", "RS256"), "something else"),
            (with(rsa("a", 256), "use", "enc"), "something else"),
            (json!({"keys": [curve("P-256", 32)]}).to_string(), "something else"),
            (json!({"keys": [curve("P-384", 32)]}).to_string(), "form of one"),
            (json!({"keys": [{"kty": "OKP", "kid": "a", "crv": "Ed25519", "x": "AQAB"}]}).to_string(), "something else"),
        ] {
            let said = read_keys(&text).expect_err(&text);
            assert!(said.contains(wanted), "{text}: {said}");
        }
        for set in [json!({"keys": [rsa("a", 256), rsa("b", 512)]}).to_string(), with(curve("P-384", 48), "alg", "ES384")] {
            assert!(read_keys(&set).is_ok(), "{set}");
        }
    }

    /// A client with a key on P-384.
    struct Client(rcgen::KeyPair);

    impl Client {
        fn new() -> Self {
            Self(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key"))
        }

        fn keys(&self) -> Vec<Jwk> {
            let point = self.0.public_key_raw();
            let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..49]), URL_SAFE_NO_PAD.encode(&point[49..97]));
            registered_keys(&json!({"keys": [{"kty": "EC", "crv": "P-384", "kid": "k", "x": x, "y": y}]}).to_string())
        }

        fn sign(&self, claims: &serde_json::Value) -> String {
            let head = jsonwebtoken::Header { kid: Some("k".to_owned()), ..jsonwebtoken::Header::new(Algorithm::ES384) };
            let key = jsonwebtoken::EncodingKey::from_ec_der(&self.0.serialize_der());
            jsonwebtoken::encode(&head, claims, &key).expect("is signed")
        }
    }

    const ENDPOINT: &str = "https://a.example/oauth/token";
    const ENDS: i64 = 1_780_000_300;

    fn claims(change: &[(&str, serde_json::Value)]) -> serde_json::Value {
        let mut claims = json!({"iss": "ehr", "sub": "ehr", "aud": ENDPOINT, "exp": ENDS, "jti": "1"});
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        claims
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time of this century")
    }

    #[test]
    fn an_assertion_is_held_against_client_endpoint_and_time() {
        let client = Client::new();
        let verified = |change: &[(&str, serde_json::Value)]| {
            verify(&client.sign(&claims(change)), &client.keys(), ("ehr", ENDPOINT), at(ENDS - 300))
                .map(|assertion| assertion.jti)
        };
        for change in
            [vec![], vec![("aud", json!([ENDPOINT]))], vec![("nbf", json!(ENDS - 240))], vec![("iat", json!(ENDS - 300))]]
        {
            assert_eq!(verified(&change), Ok("1".to_owned()), "{change:?}");
        }
        for (name, value, problem) in [
            ("aud", json!([ENDPOINT, "https://b.example/oauth/token"]), AssertionProblem::NotVerified),
            ("aud", json!("https://b.example/oauth/token"), AssertionProblem::NotVerified),
            ("aud", json!(null), AssertionProblem::NotVerified),
            ("iss", json!("other"), AssertionProblem::NotVerified),
            ("iss", json!(["ehr"]), AssertionProblem::NotVerified),
            ("sub", json!("other"), AssertionProblem::NotVerified),
            ("exp", json!(ENDS + 61), AssertionProblem::Expired),
            ("exp", json!(i64::MAX), AssertionProblem::Expired),
            ("exp", json!("later"), AssertionProblem::Malformed),
            ("nbf", json!(ENDS - 239), AssertionProblem::Expired),
            ("iat", json!(ENDS - 239), AssertionProblem::Expired),
            ("nbf", json!("now"), AssertionProblem::Expired),
            ("jti", json!(""), AssertionProblem::Malformed),
            ("jti", json!(7), AssertionProblem::Malformed),
            ("jti", json!("x".repeat(256)), AssertionProblem::Malformed),
        ] {
            assert_eq!(verified(&[(name, value.clone())]), Err(problem), "{name} {value}");
        }
        let stranger = verify(&Client::new().sign(&claims(&[])), &client.keys(), ("ehr", ENDPOINT), at(ENDS - 300));
        assert_eq!(stranger, Err(AssertionProblem::NotVerified));
    }

    /// An id that was forgotten while its assertion is still taken could be used again.
    #[test]
    fn an_assertion_is_known_for_longer_than_it_is_taken() {
        let client = Client::new();
        let (signed, keys) = (client.sign(&claims(&[])), client.keys());
        let last = Timestamp::from_millisecond((ENDS + LEEWAY) * 1_000 + 999).expect("a time of this century");
        let assertion = verify(&signed, &keys, ("ehr", ENDPOINT), last).expect("is taken in its last second");
        assert!(assertion.known_until > last + jiff::SignedDuration::from_secs(LEEWAY - 1));
        let over = verify(&signed, &keys, ("ehr", ENDPOINT), at(ENDS + LEEWAY + 1));
        assert_eq!(over, Err(AssertionProblem::Expired));
    }

    #[test]
    fn what_is_no_assertion_has_no_client() {
        for text in ["", "a", "a.b.c", "a.e30.c", &"x".repeat(10_000)] {
            assert_eq!(claimed_client(text), Err(AssertionProblem::Malformed), "{text}");
        }
    }

    #[test]
    fn a_head_is_told_before_the_client_is_looked_up() {
        let claims = json!({"sub": "ehr"});
        let client = |head: serde_json::Value| claimed_client(&jws::tests::unsigned(&head, &claims));
        assert_eq!(client(json!({"alg": "RS384", "kid": "a"})), Ok("ehr".to_owned()));
        assert_eq!(client(json!({"alg": "RS384"})), Err(AssertionProblem::Malformed));
        let nul = jws::tests::unsigned(&json!({"alg": "RS384", "kid": "a"}), &json!({"sub": "a\0"}));
        assert_eq!(claimed_client(&nul), Err(AssertionProblem::Malformed));
        for algorithm in ["none", "HS384", "RS256", "PS384", "ES256"] {
            assert_eq!(client(json!({"alg": algorithm, "kid": "a"})), Err(AssertionProblem::Algorithm), "{algorithm}");
        }
    }
}
